//! SDF filters over packets (TS 29.244 clause 5.2.1A).

use crate::abi::{Address, Match, MatchPorts};
use crate::wire::{IpAddress, Transport};

/// What filters look at, seen from the network's side as [`Match`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Address of the host in the data network.
    pub remote: IpAddress,
    /// Address on the UE's side.
    pub local: IpAddress,
    /// Ports of both.
    pub ports: Option<(u16, u16)>,
    /// Upper-layer protocol.
    pub protocol: u8,
    /// ToS or traffic class.
    pub tos: u8,
}

impl Flow {
    /// The flow of a packet from the UE (uplink) or to it.
    #[inline(always)]
    #[must_use]
    pub fn new(
        is_uplink: bool,
        source: IpAddress,
        destination: IpAddress,
        transport: Transport,
        tos: u8,
    ) -> Self {
        let swapped = transport
            .ports
            .map(|(source, destination)| (destination, source));
        let (remote, local, ports) = if is_uplink {
            (destination, source, swapped)
        } else {
            (source, destination, transport.ports)
        };
        Self {
            remote,
            local,
            ports,
            protocol: transport.protocol,
            tos,
        }
    }
}

/// Whether a filter matches.
#[inline(always)]
#[must_use]
pub fn matches(filter: &Match, flow: &Flow) -> bool {
    (filter.any_protocol != 0 || filter.protocol == flow.protocol)
        && flow.tos & filter.tos_mask == filter.tos
        && is_within(flow.remote, &filter.remote, &filter.remote_mask)
        && is_within(flow.local, &filter.local, &filter.local_mask)
        && has_port(filter.remote_ports, flow.ports.map(|(remote, _)| remote))
        && has_port(filter.local_ports, flow.ports.map(|(_, local)| local))
}

#[inline(always)]
fn is_within(address: IpAddress, wanted: &Address, mask: &Address) -> bool {
    address.is_within(IpAddress::new(wanted), IpAddress::new(mask))
}

#[inline(always)]
fn has_port(range: MatchPorts, port: Option<u16>) -> bool {
    match port {
        Some(port) => (range.first..=range.last).contains(&port),
        None => range.first == 0 && range.last == u16::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::mapped;

    const WEB: IpAddress = IpAddress::from_v4([192, 0, 2, 80]);
    const UE: IpAddress = IpAddress::from_v4([10, 45, 0, 1]);
    const TCP: Transport = Transport {
        protocol: 6,
        ports: Some((40_000, 443)),
    };

    fn any() -> Match {
        Match {
            any_protocol: 1,
            ..Match::default()
        }
    }

    #[test]
    fn both_directions_of_a_flow_match_the_same_filter() {
        let filter = Match {
            remote: WEB.bytes(),
            remote_mask: [0xff; 16],
            remote_ports: MatchPorts {
                first: 443,
                last: 443,
            },
            protocol: 6,
            any_protocol: 0,
            ..any()
        };
        let up = Flow::new(true, UE, WEB, TCP, 0);
        let back = Transport {
            ports: Some((443, 40_000)),
            ..TCP
        };
        assert_eq!(up, Flow::new(false, WEB, UE, back, 0));
        assert!(matches(&filter, &up));
        assert!(!matches(
            &filter,
            &Flow {
                ports: Some((80, 40_000)),
                ..up
            }
        ));
        assert!(!matches(&filter, &Flow { protocol: 17, ..up }));
        assert!(!matches(&filter, &Flow { remote: UE, ..up }));
        assert!(
            !matches(&filter, &Flow { ports: None, ..up }),
            "a later fragment has no port"
        );
    }

    #[test]
    fn masks_and_tos_are_honoured() {
        let flow = Flow::new(true, UE, WEB, TCP, 0xb8);
        assert!(matches(&any(), &flow));
        assert!(matches(
            &any(),
            &Flow {
                ports: None,
                ..flow
            }
        ));
        let net = Match {
            local: mapped([10, 45, 0, 0]),
            ..any()
        };
        let mut mask = [0xff; 16];
        mask[14..].fill(0);
        assert!(matches(
            &Match {
                local_mask: mask,
                ..net
            },
            &flow
        ));
        let elsewhere = Match {
            local: mapped([10, 46, 0, 0]),
            local_mask: mask,
            ..any()
        };
        assert!(!matches(&elsewhere, &flow));
        let tos = |tos, tos_mask| Match {
            tos,
            tos_mask,
            ..any()
        };
        assert!(matches(&tos(0xb8, 0xfc), &flow) && !matches(&tos(0x20, 0xfc), &flow));
    }
}
