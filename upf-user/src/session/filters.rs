//! SDF filters as the fast path compares them.

use std::net::IpAddr;

use ipnet::IpNet;
use upf_common::abi::{self, MAX_LIST_ENTRIES, Match, MatchPorts, mapped, match_flags};

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

/// Families that packets can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Families {
    pub(super) v4: bool,
    pub(super) v6: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

/// What a PDR's filters compile to: one record for each pair of port ranges. `ue` are the session's addresses,
/// for "assigned", and `has_networks` says whether there are networks behind them; `seen` are the families that the
/// packets can have, where that is known. Ends after the first record that no rule list has room for.
pub(super) fn compile(
    filters: &[SdfFilter],
    ue: UeAddresses,
    has_networks: bool,
    seen: Option<Families>,
) -> Vec<Match> {
    let records = filters.iter().flat_map(|filter| {
        let record = with_header_fields(filter);
        let flow = filter.flow.as_ref();
        let possible = flow.filter(|flow| can_match(flow, seen));
        let of_flow = possible.into_iter().flat_map(move |flow| {
            let assigned = assigned_to(flow, ue, has_networks);
            assigned.flat_map(move |ue| of_flow(record, flow, ue))
        });
        let without = flow.is_none().then_some(record);
        without.into_iter().chain(of_flow)
    });
    records.take(MAX_LIST_ENTRIES + 1).collect()
}

/// The addresses that "assigned" stands for, each time it is looked at. A family that the UE lacks passes every
/// address, and so does an open one if it has both, because the UE's identity is checked beside. Where there are
/// networks behind it, that would let those pass as well.
fn assigned_to(
    flow: &FlowDescription,
    ue: UeAddresses,
    has_networks: bool,
) -> impl Iterator<Item = UeAddresses> {
    let hosts = [flow.remote.host, flow.local.host];
    let is_plain = !has_networks || ue.is_empty() || !hosts.contains(&Host::Assigned);
    let asked = hosts.into_iter().find_map(family);
    let of_family = |is_there: bool, of: Family| is_there && asked.is_none_or(|asked| asked == of);
    let v4 = UeAddresses { v6: None, ..ue };
    let v6 = UeAddresses { v4: None, ..ue };
    let v4 = of_family(ue.v4.is_some(), Family::V4).then_some(v4);
    let v6 = of_family(ue.v6.is_some(), Family::V6).then_some(v6);
    let all = if is_plain { [Some(ue), None] } else { [v4, v6] };
    all.into_iter().flatten()
}

/// Everything that a filter asks for beside its flow description.
fn with_header_fields(filter: &SdfFilter) -> Match {
    let mut record = EVERYTHING;
    if let Some((tos, mask)) = filter.tos {
        (record.tos, record.tos_mask) = (tos, mask);
    }
    if let Some(spi) = filter.spi {
        record.spi = spi;
        record.flags |= match_flags::SPI;
    }
    if let Some(label) = filter.flow_label {
        record.flow_label = label;
        record.flags |= match_flags::FLOW_LABEL;
    }
    record
}

/// Narrows records to packets whose UE side is in one of the networks. Ends as [`compile`] does.
pub(super) fn narrow_all(records: &[Match], nets: &[IpNet]) -> Vec<Match> {
    let narrowed = records.iter().flat_map(|record| narrow(record, nets));
    narrowed.take(MAX_LIST_ENTRIES + 1).collect()
}

fn narrow<'a>(record: &'a Match, nets: &'a [IpNet]) -> impl Iterator<Item = Match> + 'a {
    let local = (record.local, record.local_mask);
    let within = |a: &Prefix, b: &Prefix| contains(b, a.0) && contains(&(b.1, b.1), a.1);
    // A record that asks for no more than one of the networks has stays as it is, once.
    let mut prefixes = nets.iter().map(|net| address_and_mask(*net));
    let stays = prefixes.any(|net| within(&local, &net)).then_some(*record);
    let others = nets.iter().filter(move |_| stays.is_none());
    let cut = others.filter_map(move |net| {
        let prefix = address_and_mask(*net);
        let is_other_family = family_of(record).is_some_and(|family| family != family_of_net(*net));
        (within(&prefix, &local) && !is_other_family).then_some(Match {
            local: prefix.0,
            local_mask: prefix.1,
            ..*record
        })
    });
    stays.into_iter().chain(cut)
}

/// Address and mask.
type Prefix = (abi::Address, abi::Address);

fn contains((address, mask): &Prefix, other: abi::Address) -> bool {
    u128::from_be_bytes(other) & u128::from_be_bytes(*mask) == u128::from_be_bytes(*address)
}

fn of_flow(
    mut record: Match,
    flow: &FlowDescription,
    ue: UeAddresses,
) -> impl Iterator<Item = Match> {
    if let Some(protocol) = flow.protocol {
        record.protocol = protocol;
        record.flags &= !match_flags::ANY_PROTOCOL;
    }
    let (remote, local) = (flow.remote.host, flow.local.host);
    (record.remote, record.remote_mask) = resolve(remote, local, ue);
    (record.local, record.local_mask) = resolve(local, remote, ue);
    let pairs = flow.remote.ports.iter().flat_map(|remote_ports| {
        let local_ports = flow.local.ports.iter();
        local_ports.map(move |local_ports| (*remote_ports, *local_ports))
    });
    pairs.map(move |(remote_ports, local_ports)| Match {
        remote_ports,
        local_ports,
        ..record
    })
}

/// Address and mask of one side. "assigned" is the session's UE address of the other side's family; it is
/// any where the family is open, because the UE's identity is checked beside, and towards multicast groups of the
/// link, which a UE speaks to from its link-local address.
fn resolve(host: Host, other: Host, ue: UeAddresses) -> Prefix {
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

/// A UE's /64.
pub(super) fn ue_prefix(upper: [u8; 8]) -> IpNet {
    let mut octets = [0; 16];
    octets[..8].copy_from_slice(&upper);
    IpNet::new_assert(IpAddr::from(octets), UE_PREFIX)
}

fn address_and_mask(net: IpNet) -> Prefix {
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
        Host::Net(net) => Some(family_of_net(net)),
    }
}

fn family_of_net(net: IpNet) -> Family {
    match net {
        IpNet::V4(_) => Family::V4,
        IpNet::V6(_) => Family::V6,
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

fn can_match(flow: &FlowDescription, seen: Option<Families>) -> bool {
    let Some(seen) = seen else {
        return true;
    };
    let sides = [family(flow.remote.host), family(flow.local.host)];
    sides.into_iter().flatten().all(|family| match family {
        Family::V4 => seen.v4,
        Family::V6 => seen.v6,
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
            flow: Some(parse(text).unwrap()),
            ..SdfFilter::default()
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
            let matches = compile(&[filter(text)], ue, false, None);
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
        assert_eq!(compile(&filters, UE, false, None).len(), 3);
        for (v4, v6, left) in [
            (true, true, 3),
            (true, false, 2),
            (false, true, 2),
            (false, false, 1),
        ] {
            let seen = Families { v4, v6 };
            assert_eq!(
                compile(&filters, UE, false, Some(seen)).len(),
                left,
                "{seen:?}"
            );
        }
    }

    #[test]
    fn header_fields_are_enough_for_a_filter() {
        let filter = SdfFilter {
            tos: Some((0xb8, 0xfc)),
            spi: Some(0),
            flow_label: Some(7),
            ..SdfFilter::default()
        };
        let expected = Match {
            tos: 0xb8,
            tos_mask: 0xfc,
            flow_label: 7,
            flags: match_flags::ANY_PROTOCOL | match_flags::SPI | match_flags::FLOW_LABEL,
            ..EVERYTHING
        };
        assert_eq!(compile(&[filter], UE, false, None), [expected]);
    }

    #[test]
    fn port_lists_are_multiplied_as_far_as_there_is_room() {
        let ports = |count: usize| {
            let ports: Vec<_> = (1..=count).map(|port| port.to_string()).collect();
            ports.join(",")
        };
        let flow = |remote, local| {
            let (remote, local) = (ports(remote), ports(local));
            filter(&format!(
                "permit out 17 from any {remote} to assigned {local}"
            ))
        };
        assert_eq!(compile(&[flow(16, 15)], UE, false, None).len(), 240);
        let many = [flow(16, 16), flow(16, 16), flow(16, 16)];
        assert_eq!(compile(&many, UE, false, None).len(), MAX_LIST_ENTRIES + 1);
    }

    #[test]
    fn narrowed_records_match_these_networks_only() {
        let nets = |texts: &[&str]| -> Vec<IpNet> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let narrowed = |text: &str, to: &[&str]| {
            let records = compile(&[filter(text)], UE, false, None);
            let narrowed = narrow_all(&records, &nets(to)).into_iter();
            narrowed
                .map(|record| (record.local, record.local_mask))
                .collect::<Vec<_>>()
        };
        let ue = ["10.45.0.2/32", "2001:db8:45:7::/64"];
        let both: Vec<_> = ue.iter().map(|net| prefix(net)).collect();
        let everything: Vec<_> = narrow(&EVERYTHING, &nets(&ue)).collect();
        let locals: Vec<_> = everything.iter().map(|m| (m.local, m.local_mask)).collect();
        assert_eq!(locals, both);
        let of_v4 = "permit out ip from 192.0.2.1 to any";
        assert_eq!(narrowed(of_v4, &ue[1..]), []);
        assert_eq!(narrowed(of_v4, &ue), both[..1]);
        let to_net = "permit out ip from any to 10.45.0.0/16";
        assert_eq!(narrowed(to_net, &ue), both[..1], "what both have");
        assert_eq!(
            narrowed(to_net, &["10.0.0.0/8", "10.45.0.2/32"]),
            [prefix("10.45.0.0/16")]
        );
        assert_eq!(narrowed(to_net, &["10.46.0.0/16"]), []);
        let framed = ["10.45.0.2/32", "192.168.8.0/22"];
        let expected: Vec<_> = framed.iter().map(|net| prefix(net)).collect();
        assert_eq!(narrowed("permit out 6 from any to any", &framed), expected);
        let many: Vec<_> = (0..600)
            .map(|n| format!("10.{}.{}.0/24", n / 256, n % 256))
            .collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(narrowed(of_v4, &many).len(), MAX_LIST_ENTRIES + 1);
    }
}
