//! SDF filters over packets (TS 29.244 clause 5.2.1A).

pub mod known;

use crate::abi::{
    Address, LIST_PAGE_ENTRIES, MAX_LIST_ENTRIES, Match, MatchPorts, RuleList, match_flags,
};
use crate::shared::opaque;
use crate::wire::{Inner, IpAddress, Transport};
#[cfg(doc)]
use crate::wire::{NO_FLOW_LABEL, NO_PORT, NO_SPI};

/// What filters look at, seen from the network's side as [`Match`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Flow {
    /// Address of the host in the data network.
    pub remote: IpAddress,
    /// Address on the UE's side.
    pub local: IpAddress,
    /// Port of the remote side, or [`NO_PORT`].
    pub remote_port: u32,
    /// Port of the UE's side, or [`NO_PORT`].
    pub local_port: u32,
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

/// What [`walk`] says where no entry matches.
pub const NO_ENTRY: u64 = u64::MAX;

/// The first entry of a chain that matches: the number of its page in the upper half, its place there in the lower one;
/// or [`NO_ENTRY`]. `qfi_bit` is the bit of the packet's QFI, 0 without one.
#[inline(always)]
pub fn walk<'a>(
    page_at: impl Fn(u32) -> Option<&'a RuleList>,
    first: u32,
    flow: &Flow,
    qfi_bit: u64,
) -> u64 {
    let mut number = first;
    for _ in 0..MAX_LIST_ENTRIES / LIST_PAGE_ENTRIES {
        // There is no page NO_LIST.
        let Some(page) = page_at(number) else {
            return NO_ENTRY;
        };
        for (place, entry) in page.entries.iter().enumerate() {
            if place >= page.len as usize {
                break;
            }
            let other_qfi = is_some(entry.qfis) & !is_some(entry.qfis & qfi_bit);
            if opaque(other_qfi) | mismatch(&entry.filter, flow) == 0 {
                return u64::from(number) << u32::BITS | place as u64;
            }
        }
        number = page.next;
    }
    NO_ENTRY
}

/// Whether a filter matches.
#[inline(always)]
#[must_use]
pub fn matches(filter: &Match, flow: &Flow) -> bool {
    mismatch(filter, flow) == 0
}

/// 0 where a filter matches. All its fields are compared in one go, without a branch: BPF's verifier would follow each way in
/// which one of them may differ through all the filters behind it. And one after the other, for the sake of BPF's few registers.
#[inline(always)]
fn mismatch(filter: &Match, flow: &Flow) -> u64 {
    let flags = u64::from(filter.flags);
    let protocol = u64::from(filter.protocol ^ flow.protocol)
        & !all_ones(flags & u64::from(match_flags::ANY_PROTOCOL));
    let tos = u64::from(flow.tos & filter.tos_mask ^ filter.tos);
    let sum = opaque(protocol | tos);
    let spi = (flow.spi ^ u64::from(filter.spi)) & all_ones(flags & u64::from(match_flags::SPI));
    let sum = opaque(sum | spi);
    let flow_label = u64::from(flow.flow_label ^ filter.flow_label)
        & all_ones(flags & u64::from(match_flags::FLOW_LABEL));
    let sum = opaque(sum | flow_label);
    let sum = opaque(sum | difference(flow.remote, &filter.remote, &filter.remote_mask));
    let sum = opaque(sum | difference(flow.local, &filter.local, &filter.local_mask));
    let sum = opaque(sum | outside(filter.remote_ports, flow.remote_port));
    sum | outside(filter.local_ports, flow.local_port)
}

/// 1 if a bit is set in `bits`, 0 if none is.
#[inline(always)]
fn is_some(bits: u64) -> u64 {
    opaque(bits | bits.wrapping_neg()) >> 63
}

/// All bits if one is set in `bits`, a number below 2^63.
#[inline(always)]
const fn all_ones(bits: u64) -> u64 {
    ((bits.wrapping_neg() as i64) >> 63) as u64
}

/// 0 where the address, masked, is the wanted one.
#[inline(always)]
fn difference(address: IpAddress, wanted: &Address, mask: &Address) -> u64 {
    let ([a, b], [w, x]) = (address.words(), IpAddress::new(wanted).words());
    let [m, n] = IpAddress::new(mask).words();
    ((a & m) ^ w) | ((b & n) ^ x)
}

/// 0 where the port lies in the range. [`NO_PORT`] lies in that of all ports only.
#[inline(always)]
fn outside(range: MatchPorts, port: u32) -> u64 {
    let (first, last, port) = (
        u64::from(range.first),
        u64::from(range.last),
        u64::from(port),
    );
    let below = |smaller: u64, greater: u64| opaque(smaller.wrapping_sub(greater)) >> 63;
    // Where both are 0 and 65,535, their difference makes up for what `NO_PORT` is beyond.
    let is_any = 1 ^ below(last.wrapping_sub(first), u64::from(u16::MAX));
    let is_outside = below(port, first) | below(last, port);
    is_outside & !is_any
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::mapped;
    use crate::wire::{NO_FLOW_LABEL, NO_PORT, NO_SPI, Ports, Version};

    const WEB: IpAddress = IpAddress::from_v4([192, 0, 2, 80]);
    const UE: IpAddress = IpAddress::from_v4([10, 45, 0, 1]);
    const TCP: Transport = Transport {
        protocol: 6,
        spi: NO_SPI,
        ports: Ports {
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
                    remote_port: NO_PORT,
                    local_port: NO_PORT,
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
                remote_port: NO_PORT,
                local_port: NO_PORT,
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
