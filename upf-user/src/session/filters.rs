//! SDF filters as the fast path compares them.

use std::net::IpAddr;

use ipnet::IpNet;
use upf_common::abi::{self, Match, MatchPorts, mapped, match_flags};

use super::flow_description::{FlowDescription, Host};
use super::model::{SdfFilter, UeAddresses};

/// Bits before the IPv4 address in an IPv4-mapped one.
const MAPPED_PREFIX: u8 = 96;
const UE_PREFIX: u8 = 64;

/// A filter that every packet passes.
pub(super) const EVERYTHING: Match = Match {
    remote: [0; 16],
    remote_mask: [0; 16],
    local: [0; 16],
    local_mask: [0; 16],
    remote_ports: MatchPorts::ANY,
    local_ports: MatchPorts::ANY,
    protocol: 0,
    flags: match_flags::ANY_PROTOCOL,
    tos: 0,
    tos_mask: 0,
    spi: 0,
    flow_label: 0,
    reserved: 0,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

/// What a PDR's filters compile to: one record for each pair of port ranges. `ue` are the session's addresses,
/// for "assigned"; `seen` are those that the packets can have, where that is known.
pub(super) fn compile(
    filters: &[SdfFilter],
    ue: UeAddresses,
    seen: Option<UeAddresses>,
) -> Vec<Match> {
    let mut matches = Vec::new();
    for filter in filters {
        let mut record = EVERYTHING;
        if let Some((tos, mask)) = filter.tos {
            (record.tos, record.tos_mask) = (tos, mask);
        }
        match &filter.flow {
            Some(flow) if can_match(flow, seen) => add_flow(&mut matches, record, flow, ue),
            Some(_) => {}
            None => matches.push(record),
        }
    }
    matches
}

/// Narrows a record to packets of these UE addresses.
pub(super) fn narrow(record: &Match, ue: UeAddresses) -> Vec<Match> {
    let v4 = ue.v4.map(|v4| (Family::V4, IpNet::from(IpAddr::V4(v4))));
    let v6 = ue.v6.map(|v6| (Family::V6, ue_prefix(v6)));
    let own = v4.into_iter().chain(v6);
    own.filter_map(|(family, net)| {
        let mut record = *record;
        if family_of(&record).is_some_and(|other| other != family) {
            return None;
        }
        // A local side that the filter names itself stays.
        if record.local_mask == [0; 16] {
            (record.local, record.local_mask) = address_and_mask(net);
        }
        Some(record)
    })
    .collect()
}

fn add_flow(matches: &mut Vec<Match>, mut record: Match, flow: &FlowDescription, ue: UeAddresses) {
    if let Some(protocol) = flow.protocol {
        record.protocol = protocol;
        record.flags &= !match_flags::ANY_PROTOCOL;
    }
    let (remote, local) = (flow.remote.host, flow.local.host);
    (record.remote, record.remote_mask) = resolve(remote, local, ue);
    (record.local, record.local_mask) = resolve(local, remote, ue);
    for remote_ports in &flow.remote.ports {
        for local_ports in &flow.local.ports {
            matches.push(Match {
                remote_ports: *remote_ports,
                local_ports: *local_ports,
                ..record
            });
        }
    }
}

/// Address and mask of one side. "assigned" is the session's UE address of the other side's family; it is
/// any where the family is open, because the UE's identity is checked beside, and towards multicast groups of the
/// link, which a UE speaks to from its link-local address.
fn resolve(host: Host, other: Host, ue: UeAddresses) -> (abi::Address, abi::Address) {
    let any = ([0; 16], [0; 16]);
    match host {
        Host::Any => any,
        Host::Net(net) => address_and_mask(net),
        Host::Assigned if is_link_local(other) => any,
        Host::Assigned => {
            let v4 = ue.v4.map(|v4| IpNet::from(IpAddr::V4(v4)));
            let v6 = ue.v6.map(ue_prefix);
            let net = match (family(other), v4, v6) {
                (Some(Family::V4), v4, _) => v4,
                (Some(Family::V6), _, v6) => v6,
                (None, Some(_), Some(_)) => None,
                (None, v4, v6) => v4.or(v6),
            };
            net.map_or(any, address_and_mask)
        }
    }
}

fn is_link_local(host: Host) -> bool {
    let Host::Net(IpNet::V6(net)) = host else {
        return false;
    };
    let [first, second, ..] = net.network().octets();
    (first == 0xff && second & 0x0f == 2) || net.network().is_unicast_link_local()
}

fn ue_prefix(upper: [u8; 8]) -> IpNet {
    let mut octets = [0; 16];
    octets[..8].copy_from_slice(&upper);
    IpNet::new_assert(IpAddr::from(octets), UE_PREFIX)
}

fn address_and_mask(net: IpNet) -> (abi::Address, abi::Address) {
    let (address, length) = match net {
        IpNet::V4(net) => (
            mapped(net.network().octets()),
            MAPPED_PREFIX + net.prefix_len(),
        ),
        IpNet::V6(net) => (net.network().octets(), net.prefix_len()),
    };
    let mask = u128::MAX.checked_shl(u32::from(128 - length)).unwrap_or(0);
    (address, mask.to_be_bytes())
}

fn family(host: Host) -> Option<Family> {
    match host {
        Host::Any | Host::Assigned => None,
        Host::Net(IpNet::V4(_)) => Some(Family::V4),
        Host::Net(IpNet::V6(_)) => Some(Family::V6),
    }
}

fn family_of(record: &Match) -> Option<Family> {
    let sides = [
        (&record.remote, &record.remote_mask),
        (&record.local, &record.local_mask),
    ];
    let (address, _) = sides.into_iter().find(|(_, mask)| mask[0] != 0)?;
    let is_mapped = address.starts_with(&mapped([0; 4])[..12]);
    Some(if is_mapped { Family::V4 } else { Family::V6 })
}

fn can_match(flow: &FlowDescription, seen: Option<UeAddresses>) -> bool {
    let Some(seen) = seen else {
        return true;
    };
    let sides = [family(flow.remote.host), family(flow.local.host)];
    sides.into_iter().flatten().all(|family| match family {
        Family::V4 => seen.v4.is_some(),
        Family::V6 => seen.v6.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::flow_description::parse;

    const UE: UeAddresses = UeAddresses {
        v4: Some(std::net::Ipv4Addr::new(10, 45, 0, 2)),
        v6: Some([0x20, 1, 0x0d, 0xb8, 0, 0x45, 0, 7]),
    };
    const V4: UeAddresses = UeAddresses { v6: None, ..UE };
    const V6: UeAddresses = UeAddresses { v4: None, ..UE };
    const NONE: UeAddresses = UeAddresses { v4: None, v6: None };

    fn filter(text: &str) -> SdfFilter {
        SdfFilter {
            id: None,
            flow: Some(parse(text).unwrap()),
            tos: None,
        }
    }

    fn prefix(net: &str) -> (abi::Address, abi::Address) {
        address_and_mask(net.parse().unwrap())
    }

    #[test]
    fn assigned_is_the_ue_address_of_the_flow_s_family() {
        let (v4, v6) = (prefix("10.45.0.2/32"), prefix("2001:db8:45:7::/64"));
        let any = ([0; 16], [0; 16]);
        let cases = [
            ("permit out ip from 192.0.2.1 to assigned", UE, v4),
            ("permit out ip from 2001:db8::1 to assigned", UE, v6),
            ("permit out ip from any to assigned", UE, any),
            ("permit out ip from any to assigned", V4, v4),
            ("permit out ip from any to assigned", V6, v6),
            ("permit out ip from 192.0.2.1 to assigned", NONE, any),
            ("permit out 58 from ff02::2 to assigned", UE, any),
            ("permit out 58 from fe80::/10 to assigned", UE, any),
        ];
        for (text, ue, expected) in cases {
            let matches = compile(&[filter(text)], ue, None);
            let local = (matches[0].local, matches[0].local_mask);
            assert_eq!((matches.len(), local), (1, expected), "{text} {ue:?}");
        }
    }

    #[test]
    fn masks_are_those_of_the_mapped_address() {
        let (address, mask) = prefix("192.0.2.0/24");
        assert_eq!(address, mapped([192, 0, 2, 0]));
        assert_eq!(u128::from_be_bytes(mask).leading_ones(), 120);
        let (_, mask) = prefix("0.0.0.0/0");
        assert_eq!(u128::from_be_bytes(mask).leading_ones(), 96, "IPv4 only");
    }

    #[test]
    fn what_the_packets_cannot_be_is_left_out() {
        let filters = [
            filter("permit out ip from 192.0.2.1 to assigned"),
            filter("permit out ip from 2001:db8::1 to assigned"),
            filter("permit out 6 from any to assigned"),
        ];
        assert_eq!(compile(&filters, UE, None).len(), 3);
        for (seen, left) in [(UE, 3), (V4, 2), (V6, 2), (NONE, 1)] {
            assert_eq!(compile(&filters, UE, Some(seen)).len(), left, "{seen:?}");
        }
    }

    #[test]
    fn a_type_of_service_is_enough_for_a_filter() {
        let filter = SdfFilter {
            id: None,
            flow: None,
            tos: Some((0xb8, 0xfc)),
        };
        let expected = Match {
            tos: 0xb8,
            tos_mask: 0xfc,
            ..EVERYTHING
        };
        assert_eq!(compile(&[filter], UE, None), [expected]);
    }

    #[test]
    fn narrowed_records_match_these_addresses_only() {
        let narrowed = narrow(&EVERYTHING, UE);
        let locals: Vec<_> = narrowed.iter().map(|m| (m.local, m.local_mask)).collect();
        assert_eq!(
            locals,
            [prefix("10.45.0.2/32"), prefix("2001:db8:45:7::/64")]
        );
        let of_v4 = compile(&[filter("permit out ip from 192.0.2.1 to any")], UE, None);
        assert_eq!(narrow(&of_v4[0], V6), []);
        let expected = Match {
            local: mapped([10, 45, 0, 2]),
            local_mask: [255; 16],
            ..of_v4[0]
        };
        assert_eq!(narrow(&of_v4[0], UE), [expected]);
    }
}
