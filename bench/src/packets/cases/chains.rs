//! Chains of PDRs: filters by SPI and flow label, long chains, masks of QFIs.

use super::{Case, SLOT, SLOT_V6, case, down, g_pdu, to_gnb, to_router, transmits, up};
use crate::gtpu::GPdu;
use crate::packets::frames::{
    TOS, from_gnb, from_router, from_ue, from_ue_v6, ipv4, ipv6_of, to_ue, to_ue_v6,
};
use crate::packets::world::{self, QFI, SERVER, SERVER_V6, World, teid, ue, ue_v6};
use etherparse::IpNumber;
use upf_common::abi::{
    MAX_LIST_ENTRIES, Match, MatchPorts, RuleListEntry, Rules, match_flags, verdict,
};
use upf_common::drop_reason::DropReason;

const ESP: u8 = 50;
const AH: u8 = 51;
const SPI: u32 = 0x8000_0109;
const FLOW_LABEL: u32 = 0xf_1234;

/// A session whose two directions have this chain each, made for the direction's rules.
fn with_chain(slot: u32, chain: impl Fn(Rules) -> Vec<RuleListEntry>) -> World {
    let uplink = chain(world::uplink(slot));
    let first = uplink.len().div_ceil(upf_common::abi::LIST_PAGE_ENTRIES) as u32;
    World::new()
        .chain(&uplink)
        .chain(&chain(world::downlink(slot)))
        .change(slot, |up, down| {
            (up.verdict, up.list) = (verdict::LIST, 0);
            (down.verdict, down.list) = (verdict::LIST, first);
        })
}

/// Only what matches the filter passes.
fn only(slot: u32, filter: Match) -> World {
    with_chain(slot, |rules| {
        vec![RuleListEntry {
            filter,
            qfis: 0,
            rules,
        }]
    })
}

fn any() -> Match {
    Match {
        flags: match_flags::ANY_PROTOCOL,
        ..Match::default()
    }
}

fn by_spi(spi: u32) -> Match {
    Match {
        flags: match_flags::ANY_PROTOCOL | match_flags::SPI,
        spi,
        ..Match::default()
    }
}

fn by_flow_label(flow_label: u32) -> Match {
    Match {
        flags: match_flags::ANY_PROTOCOL | match_flags::FLOW_LABEL,
        flow_label,
        ..Match::default()
    }
}

/// What ESP (RFC 4303) and AH (RFC 4302) begin with.
fn ipsec(protocol: u8) -> Vec<u8> {
    let mut payload = if protocol == AH {
        vec![6, 4, 0, 0]
    } else {
        Vec::new()
    };
    payload.extend(SPI.to_be_bytes());
    payload.extend([0x5a; 24]);
    payload
}

pub(super) fn filters() -> Vec<Case> {
    let v4 = |protocol| {
        let payload = ipsec(protocol);
        ipv4(ue(SLOT), SERVER, IpNumber(protocol), &payload, |_| ())
    };
    let v6 = |protocol| {
        let payload = ipsec(protocol);
        let source = ue_v6(SLOT_V6);
        ipv6_of(source, SERVER_V6, IpNumber(protocol), &payload, |_| ())
    };
    let passes = |name, slot, filter, packet: &[u8]| {
        let frame = from_gnb(&g_pdu(slot, packet));
        case(
            name,
            only(slot, filter),
            frame,
            transmits(to_router(packet)),
        )
    };
    let stays = |name, slot, filter, packet: &[u8]| {
        let frame = from_gnb(&g_pdu(slot, packet));
        up(name, only(slot, filter), frame, DropReason::NoMatchingPdr)
    };
    let labelled = |label: u32| {
        ipv6_of(ue_v6(SLOT_V6), SERVER_V6, IpNumber(59), &[], |header| {
            header.flow_label = label.try_into().expect("20 bits");
        })
    };
    let back = ipv4(SERVER, ue(SLOT), IpNumber(ESP), &ipsec(ESP), |_| ());
    let fragment = ipv4(ue(SLOT), SERVER, IpNumber(ESP), &ipsec(ESP), |header| {
        header.fragment_offset = 3.try_into().expect("13 bits");
    });
    vec![
        passes("by SPI, ESP", SLOT, by_spi(SPI), &v4(ESP)),
        passes("by SPI, AH", SLOT, by_spi(SPI), &v4(AH)),
        passes("by SPI, ESP in IPv6", SLOT_V6, by_spi(SPI), &v6(ESP)),
        passes("by SPI, AH in IPv6", SLOT_V6, by_spi(SPI), &v6(AH)),
        stays("by another SPI, ESP", SLOT, by_spi(SPI ^ 1), &v4(ESP)),
        stays("by another SPI, AH", SLOT, by_spi(SPI ^ 1), &v4(AH)),
        stays(
            "by SPI, a packet without",
            SLOT,
            by_spi(SPI),
            &from_ue(SLOT),
        ),
        stays(
            "by SPI 0, a packet without",
            SLOT,
            by_spi(0),
            &from_ue(SLOT),
        ),
        stays("by SPI, a later fragment", SLOT, by_spi(SPI), &fragment),
        case(
            "by SPI, the way back",
            only(SLOT, by_spi(SPI)),
            from_router(&back),
            transmits(to_gnb(Some(QFI), TOS, &back)),
        ),
        passes(
            "by flow label",
            SLOT_V6,
            by_flow_label(FLOW_LABEL),
            &labelled(FLOW_LABEL),
        ),
        passes(
            "by flow label 0",
            SLOT_V6,
            by_flow_label(0),
            &from_ue_v6(SLOT_V6),
        ),
        stays(
            "by another flow label",
            SLOT_V6,
            by_flow_label(FLOW_LABEL),
            &labelled(FLOW_LABEL ^ 1 << 19),
        ),
        stays(
            "by flow label 0, an IPv4 packet",
            SLOT,
            by_flow_label(0),
            &from_ue(SLOT),
        ),
        down(
            "by flow label, the way back",
            only(SLOT_V6, by_flow_label(FLOW_LABEL)),
            from_router(&to_ue_v6(SLOT_V6)),
            DropReason::NoMatchingPdr,
        ),
    ]
}

pub(super) fn long_chains() -> Vec<Case> {
    // Each of them looks at another port, and drops.
    let chain = |length: usize| {
        move |rules: Rules| {
            let mut entries: Vec<_> = (1..length as u16)
                .map(|port| RuleListEntry {
                    filter: Match {
                        remote_ports: MatchPorts {
                            first: 1000 + port,
                            last: 1000 + port,
                        },
                        ..any()
                    },
                    qfis: 0,
                    rules: Rules {
                        verdict: verdict::DROP,
                        ..rules
                    },
                })
                .collect();
            entries.push(RuleListEntry {
                filter: any(),
                qfis: 0,
                rules,
            });
            entries
        }
    };
    let (packet, back) = (from_ue(SLOT), to_ue(SLOT));
    let uplink = |name, length| {
        let frame = from_gnb(&g_pdu(SLOT, &packet));
        let world = with_chain(SLOT, chain(length));
        case(name, world, frame, transmits(to_router(&packet)))
    };
    let downlink = |name, length| {
        let out = transmits(to_gnb(Some(QFI), TOS, &back));
        case(
            name,
            with_chain(SLOT, chain(length)),
            from_router(&back),
            out,
        )
    };
    let too_long = {
        let world = World::new()
            .chain(&chain(MAX_LIST_ENTRIES + 1)(world::uplink(SLOT)))
            .change(SLOT, |up, _| (up.verdict, up.list) = (verdict::LIST, 0));
        up(
            "a chain is not walked beyond 512 PDRs",
            world,
            from_gnb(&g_pdu(SLOT, &packet)),
            DropReason::NoMatchingPdr,
        )
    };
    let longest = {
        let world = World::new()
            .chain(&chain(MAX_LIST_ENTRIES)(world::uplink(SLOT)))
            .change(SLOT, |up, _| (up.verdict, up.list) = (verdict::LIST, 0));
        case(
            "the last of 512 PDRs, uplink",
            world,
            from_gnb(&g_pdu(SLOT, &packet)),
            transmits(to_router(&packet)),
        )
    };
    let longest_back = {
        let world = World::new()
            .chain(&chain(MAX_LIST_ENTRIES)(world::downlink(SLOT)))
            .change(SLOT, |_, down| {
                (down.verdict, down.list) = (verdict::LIST, 0);
            });
        case(
            "the last of 512 PDRs, downlink",
            world,
            from_router(&back),
            transmits(to_gnb(Some(QFI), TOS, &back)),
        )
    };
    vec![
        uplink("the last of 5 PDRs, uplink", 5),
        downlink("the last of 5 PDRs, downlink", 5),
        uplink("the last of 100 PDRs, uplink", 100),
        downlink("the last of 100 PDRs, downlink", 100),
        longest,
        longest_back,
        too_long,
    ]
}

pub(super) fn qfis() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let arrives = |qfi| {
        let message = GPdu {
            teid: teid(SLOT),
            qfi,
            payload: &packet,
        };
        from_gnb(&message.to_uplink_bytes())
    };
    let by_qfis = |qfis| {
        with_chain(SLOT, move |rules| {
            vec![RuleListEntry {
                filter: any(),
                qfis,
                rules,
            }]
        })
    };
    let passes = |name, qfis, qfi| {
        let out = transmits(to_router(&packet));
        case(name, by_qfis(qfis), arrives(qfi), out)
    };
    let stays = |name, qfis, qfi| up(name, by_qfis(qfis), arrives(qfi), DropReason::NoMatchingPdr);
    vec![
        passes("the lowest QFI of a mask", 1 | 1 << 9, Some(0)),
        passes("the highest QFI of a mask", 1 | 1 << 63, Some(63)),
        passes("any QFI without a mask", 0, Some(63)),
        passes("no QFI without a mask", 0, None),
        stays("a QFI beside the mask", 1 << 8 | 1 << 10, Some(9)),
        stays("no QFI where there is a mask", u64::MAX, None),
        down(
            "a mask of QFIs lets nothing to the UE",
            by_qfis(u64::MAX),
            from_router(&to_ue(SLOT)),
            DropReason::NoMatchingPdr,
        ),
        case(
            "RQI stands beside the QFI towards the UE",
            World::new().change(SLOT, |_, down| down.qfi = QFI | 0x40),
            from_router(&to_ue(SLOT)),
            transmits(to_gnb(Some(QFI | 0x40), TOS, &to_ue(SLOT))),
        ),
    ]
}
