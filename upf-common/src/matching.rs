//! SDF filters over packets (TS 29.244 clause 5.2.1A).

use crate::abi::{Address, Match, MatchPorts, match_flags};
use crate::wire::{Inner, IpAddress, Transport};
#[cfg(doc)]
use crate::wire::{NO_FLOW_LABEL, NO_SPI};

/// What filters look at, seen from the network's side as [`Match`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Address of the host in the data network.
    pub remote: IpAddress,
    /// Address on the UE's side.
    pub local: IpAddress,
    /// Whether there are ports.
    pub has_ports: bool,
    /// Port of the remote side.
    pub remote_port: u16,
    /// Port of the UE's side.
    pub local_port: u16,
    /// Upper-layer protocol.
    pub protocol: u8,
    /// ToS or traffic class.
    pub tos: u8,
    /// SPI of ESP and AH, or [`NO_SPI`].
    pub spi: u64,
    /// IPv6 flow label, or [`NO_FLOW_LABEL`].
    pub flow_label: u32,
}

impl Flow {
    /// The flow of a packet from the UE (uplink) or to it.
    #[inline(always)]
    #[must_use]
    pub fn new(is_uplink: bool, inner: &Inner, transport: Transport) -> Self {
        let ports = transport.ports;
        let flow = Self {
            remote: inner.source,
            local: inner.destination,
            has_ports: ports.are_known,
            remote_port: ports.source,
            local_port: ports.destination,
            protocol: transport.protocol,
            tos: inner.tos,
            spi: transport.spi,
            flow_label: inner.flow_label,
        };
        if !is_uplink {
            return flow;
        }
        Self {
            remote: flow.local,
            local: flow.remote,
            remote_port: flow.local_port,
            local_port: flow.remote_port,
            ..flow
        }
    }
}

/// Whether a filter matches.
#[inline(always)]
#[must_use]
pub fn matches(filter: &Match, flow: &Flow) -> bool {
    let has = |flag| filter.flags & flag != 0;
    (has(match_flags::ANY_PROTOCOL) || filter.protocol == flow.protocol)
        && (!has(match_flags::SPI) || flow.spi == u64::from(filter.spi))
        && (!has(match_flags::FLOW_LABEL) || flow.flow_label == filter.flow_label)
        && flow.tos & filter.tos_mask == filter.tos
        && is_within(flow.remote, &filter.remote, &filter.remote_mask)
        && is_within(flow.local, &filter.local, &filter.local_mask)
        && has_port(filter.remote_ports, flow.has_ports, flow.remote_port)
        && has_port(filter.local_ports, flow.has_ports, flow.local_port)
}

#[inline(always)]
fn is_within(address: IpAddress, wanted: &Address, mask: &Address) -> bool {
    address.is_within(IpAddress::new(wanted), IpAddress::new(mask))
}

#[inline(always)]
fn has_port(range: MatchPorts, has_ports: bool, port: u16) -> bool {
    if has_ports {
        (range.first..=range.last).contains(&port)
    } else {
        range.first == 0 && range.last == u16::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::mapped;
    use crate::wire::{NO_FLOW_LABEL, NO_SPI, Ports, Version};

    const WEB: IpAddress = IpAddress::from_v4([192, 0, 2, 80]);
    const UE: IpAddress = IpAddress::from_v4([10, 45, 0, 1]);
    const TCP: Transport = Transport {
        protocol: 6,
        spi: NO_SPI,
        ports: Ports {
            are_known: true,
            source: 40_000,
            destination: 443,
        },
    };

    fn packet(source: IpAddress, destination: IpAddress, tos: u8) -> Inner {
        Inner {
            offset: 0,
            version: Version::V4,
            length: 100,
            ttl: 64,
            tos,
            flow_label: NO_FLOW_LABEL,
            source,
            destination,
        }
    }

    fn any() -> Match {
        Match {
            flags: match_flags::ANY_PROTOCOL,
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
            flags: 0,
            ..any()
        };
        let up = Flow::new(true, &packet(UE, WEB, 0), TCP);
        let back = Transport {
            ports: Ports {
                are_known: true,
                source: 443,
                destination: 40_000,
            },
            ..TCP
        };
        assert_eq!(up, Flow::new(false, &packet(WEB, UE, 0), back));
        assert!(matches(&filter, &up));
        assert!(!matches(
            &filter,
            &Flow {
                remote_port: 80,
                ..up
            }
        ));
        assert!(!matches(&filter, &Flow { protocol: 17, ..up }));
        assert!(!matches(&filter, &Flow { remote: UE, ..up }));
        assert!(
            !matches(
                &filter,
                &Flow {
                    has_ports: false,
                    ..up
                }
            ),
            "a later fragment has no port"
        );
    }

    #[test]
    fn spi_and_flow_label_are_looked_at_where_the_filter_names_them() {
        let flow = Flow::new(true, &packet(UE, WEB, 0), TCP);
        let spi = Match {
            flags: match_flags::ANY_PROTOCOL | match_flags::SPI,
            spi: 7,
            ..any()
        };
        assert!(!matches(&spi, &flow) && matches(&spi, &Flow { spi: 7, ..flow }));
        assert!(!matches(&spi, &Flow { spi: 8, ..flow }));
        let label = Match {
            flags: match_flags::ANY_PROTOCOL | match_flags::FLOW_LABEL,
            flow_label: 0,
            ..any()
        };
        let labelled = |flow_label| Flow { flow_label, ..flow };
        assert!(!matches(&label, &flow) && matches(&label, &labelled(0)));
        assert!(!matches(&label, &labelled(1)));
    }

    #[test]
    fn masks_and_tos_are_honoured() {
        let flow = Flow::new(true, &packet(UE, WEB, 0xb8), TCP);
        assert!(matches(&any(), &flow));
        assert!(matches(
            &any(),
            &Flow {
                has_ports: false,
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
