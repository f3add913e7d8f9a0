//! Limits beside the flow's, marks of congestion, and DSCPs of packets.

use super::{Case, SLOT, SLOT_V6, case, down, g_pdu, to_gnb, to_router, transmits, tunnelled, up};
use crate::packets::frames::{from_gnb, from_router, ipv4, ipv6_of, routed, udp};
use crate::packets::world::{QFI, SERVER, SERVER_V6, World, limited, ue, ue_v6};
use etherparse::IpNumber;
use upf_common::abi::{
    INNER_DSCP, LimitDirection, MARK_FLOW, NO_CLASS, Rules, flags, level, limit_flags,
};
use upf_common::drop_reason::DropReason;
use upf_common::meter::{Rate, cost_bounded};

const NOT_ECT: u8 = 0;
const ECT_1: u8 = 1;
const ECT_0: u8 = 2;
const CE: u8 = 3;
/// Best effort, and what another DSCP becomes.
const DSCP: u8 = 10;
const NEW_DSCP: u8 = 46;

/// Nothing passes.
const SHUT: Rate = Rate::from_bits_per_second(0);
/// Everything here does.
const OPEN: Rate = Rate::from_bits_per_second(1_000_000_000);
/// Bytes of a UE's packet here.
const IPV4_BYTES: u32 = 20 + 8 + 5;
const IPV6_BYTES: u32 = 40 + 8 + 5;

/// Where packets come from and how they go.
#[derive(Clone, Copy)]
enum Road {
    Uplink,
    Downlink,
    UplinkV6,
    DownlinkV6,
}

impl Road {
    const fn slot(self) -> u32 {
        match self {
            Self::Uplink | Self::Downlink => SLOT,
            Self::UplinkV6 | Self::DownlinkV6 => SLOT_V6,
        }
    }

    const fn bytes(self) -> u32 {
        match self {
            Self::Uplink | Self::Downlink => IPV4_BYTES,
            Self::UplinkV6 | Self::DownlinkV6 => IPV6_BYTES,
        }
    }

    /// A UE's packet with this ToS octet.
    fn packet(self, tos: u8) -> Vec<u8> {
        let slot = self.slot();
        let datagram = udp(40_000, 443, b"taxed");
        let v4 = |source, destination| {
            ipv4(source, destination, IpNumber::UDP, &datagram, |header| {
                header.dscp = (tos >> 2).try_into().expect("six bits");
                header.ecn = (tos & 3).try_into().expect("two bits");
            })
        };
        let v6 = |source, destination| {
            ipv6_of(source, destination, IpNumber::UDP, &datagram, |header| {
                header.traffic_class = tos;
            })
        };
        match self {
            Self::Uplink => v4(ue(slot), SERVER),
            Self::Downlink => v4(SERVER, ue(slot)),
            Self::UplinkV6 => v6(ue_v6(slot), SERVER_V6),
            Self::DownlinkV6 => v6(SERVER_V6, ue_v6(slot)),
        }
    }

    /// A frame with it.
    fn frame(self, tos: u8) -> Vec<u8> {
        let packet = self.packet(tos);
        match self {
            Self::Uplink | Self::UplinkV6 => from_gnb(&g_pdu(self.slot(), &packet)),
            Self::Downlink | Self::DownlinkV6 => from_router(&packet),
        }
    }

    /// The frame that it leaves in, with this ToS octet; the tunnel's is the same.
    fn leaves(self, tos: u8) -> Vec<u8> {
        let packet = self.packet(tos);
        match self {
            Self::Uplink | Self::UplinkV6 => to_router(&packet),
            Self::Downlink | Self::DownlinkV6 => to_gnb(Some(QFI), tos, &packet),
        }
    }

    /// The packet with one ToS octet leaves with another one.
    fn changes(self, name: &'static str, world: &World, from: u8, to: u8) -> Case {
        let expected = transmits(self.leaves(to));
        case(name, world.clone(), self.frame(from), expected)
    }

    /// A bucket that a packet of this road uses up to the last tick.
    fn just_enough(self) -> Rate {
        Rate {
            depth: cost_bounded(self.bytes(), OPEN.ticks_per_byte),
            ..OPEN
        }
    }
}

/// A session with a chain of limits, in both directions.
fn chained(slot: u32, chain: &[LimitDirection]) -> World {
    let world = World::new().change(slot, |up, down| (up.limit, down.limit) = (0, 0));
    world.limits(chain)
}

fn of(level: u8, rate: Rate, flags: u8) -> LimitDirection {
    LimitDirection {
        flags,
        class: if level == level::SIM { 5 } else { NO_CLASS },
        ..limited(level, rate)
    }
}

/// What limits let pass, and what they do not.
pub(super) fn chains() -> Vec<Case> {
    let open = |level| of(level, OPEN, 0);
    let shut = |level| of(level, SHUT, 0);
    let levels = [level::SESSION, level::SIM, level::CUSTOMER];
    let mut cases = vec![];
    for (names, chain, reason) in [
        (
            ["over the AMBR, uplink", "over the AMBR, downlink"],
            [shut(levels[0]), open(levels[1]), open(levels[2])],
            DropReason::SessionRateLimited,
        ),
        (
            [
                "over the SIM's limit, uplink",
                "over the SIM's limit, downlink",
            ],
            [open(levels[0]), shut(levels[1]), open(levels[2])],
            DropReason::SimRateLimited,
        ),
        (
            [
                "over the customer's limit, uplink",
                "over the customer's limit, downlink",
            ],
            [open(levels[0]), open(levels[1]), shut(levels[2])],
            DropReason::CustomerRateLimited,
        ),
    ] {
        let world = chained(SLOT, &chain);
        cases.push(up(names[0], world.clone(), Road::Uplink.frame(0), reason));
        cases.push(down(names[1], world, Road::Downlink.frame(0), reason));
    }
    let all = chained(SLOT, &levels.map(open));
    let unlimited = chained(SLOT, &[LimitDirection::default()]);
    let mut one_way = chained(SLOT, &[open(level::SIM)]);
    one_way.limits[0].uplink = shut(level::SIM);
    let missing = World::new().change(SLOT, |up, _| up.limit = 4_000_000);
    cases.extend([
        Road::Uplink.changes("below all limits, uplink", &all, 0, 0),
        Road::Downlink.changes("below all limits, downlink", &all, 0, 0),
        Road::Uplink.changes("a limit without a rate", &unlimited, 0, 0),
        Road::Downlink.changes("a limit of the other direction", &one_way, 0, 0),
        Road::Uplink.changes("a limit that does not exist", &missing, 0, 0),
    ]);
    cases
}

/// Packet rates and guarantees.
pub(super) fn kinds() -> Vec<Case> {
    let road = Road::Uplink;
    let packets = |depth| LimitDirection {
        ticks_per_byte: 1_000_000,
        depth,
        flags: limit_flags::PACKETS,
        ..LimitDirection::default()
    };
    // The packet is a byte's time too large, unless it may overdraw.
    let tight = Rate {
        depth: road.just_enough().depth - 1,
        ..OPEN
    };
    let sim = of(level::SIM, tight, 0);
    let guarantee = |rate| of(level::FLOW, rate, limit_flags::GUARANTEE);
    vec![
        up(
            "over the packet rate",
            chained(SLOT, &[packets(999_999)]),
            road.frame(0),
            DropReason::RateLimited,
        ),
        road.changes(
            "within the packet rate",
            &chained(SLOT, &[packets(1_000_000), of(level::SIM, OPEN, 0)]),
            0,
            0,
        ),
        up(
            "over the SIM's limit by a little",
            chained(SLOT, &[sim]),
            road.frame(0),
            DropReason::SimRateLimited,
        ),
        road.changes(
            "over the SIM's limit by a little, but guaranteed",
            &chained(SLOT, &[guarantee(OPEN), sim]),
            0,
            0,
        ),
        up(
            "over the guarantee and the SIM's limit",
            chained(SLOT, &[guarantee(SHUT), sim]),
            road.frame(0),
            DropReason::SimRateLimited,
        ),
        up(
            "guaranteed, and over the AMBR",
            chained(SLOT, &[guarantee(OPEN), of(level::SESSION, tight, 0)]),
            road.frame(0),
            DropReason::SessionRateLimited,
        ),
    ]
}

/// Marks of congestion where a bucket runs low.
pub(super) fn marks() -> Vec<Case> {
    let low = |road: Road, level| {
        chained(
            road.slot(),
            &[of(level, road.just_enough(), limit_flags::MARK)],
        )
    };
    let v4 = low(Road::Uplink, level::SIM);
    let v6 = low(Road::UplinkV6, level::CUSTOMER);
    let tos = |ecn| DSCP << 2 | ecn;
    let (up, down) = (Road::Uplink, Road::Downlink);
    let (up_v6, down_v6) = (Road::UplinkV6, Road::DownlinkV6);
    let unmarked = chained(SLOT, &[of(level::SIM, up.just_enough(), 0)]);
    let mut deep = v4.clone();
    let limit = &mut deep.limits[0];
    for half in [&mut limit.uplink, &mut limit.downlink] {
        half.depth *= 2;
    }
    let fixed = |world: &World| {
        let mut world = world.clone();
        for (_, record) in &mut world.slots {
            record.downlink.rules[1].flags |= flags::MARK_DSCP;
            record.downlink.rules[1].dscp = NEW_DSCP;
        }
        world
    };
    let container = Some([0, 0, 0, 0x85, 1, 0, QFI, 0]);
    vec![
        up.changes("ECT(0) is marked, uplink", &v4, tos(ECT_0), tos(CE)),
        up.changes("ECT(1) is marked, uplink", &v4, tos(ECT_1), tos(CE)),
        up.changes(
            "Not-ECT is not marked, uplink",
            &v4,
            tos(NOT_ECT),
            tos(NOT_ECT),
        ),
        up.changes("CE stays, uplink", &v4, tos(CE), tos(CE)),
        down.changes(
            "ECT(0) is marked, downlink, in the tunnel too",
            &v4,
            tos(ECT_0),
            tos(CE),
        ),
        down.changes(
            "ECT(1) is marked, downlink, in the tunnel too",
            &v4,
            tos(ECT_1),
            tos(CE),
        ),
        down.changes(
            "Not-ECT is not marked, downlink",
            &v4,
            tos(NOT_ECT),
            tos(NOT_ECT),
        ),
        down.changes("CE stays, downlink", &v4, tos(CE), tos(CE)),
        up_v6.changes("ECT(0) is marked, IPv6, uplink", &v6, tos(ECT_0), tos(CE)),
        up_v6.changes("ECT(1) is marked, IPv6, uplink", &v6, tos(ECT_1), tos(CE)),
        up_v6.changes(
            "Not-ECT is not marked, IPv6, uplink",
            &v6,
            tos(NOT_ECT),
            tos(NOT_ECT),
        ),
        down_v6.changes("ECT(0) is marked, IPv6, downlink", &v6, tos(ECT_0), tos(CE)),
        down_v6.changes("ECT(1) is marked, IPv6, downlink", &v6, tos(ECT_1), tos(CE)),
        down_v6.changes("CE stays, IPv6, downlink", &v6, tos(CE), tos(CE)),
        up.changes(
            "a limit that does not mark",
            &unmarked,
            tos(ECT_0),
            tos(ECT_0),
        ),
        up.changes("a bucket that is half full", &deep, tos(ECT_0), tos(ECT_0)),
        case(
            "marked in a tunnel with a DSCP of its own",
            fixed(&v4),
            down.frame(tos(ECT_0)),
            transmits(tunnelled(
                container,
                NEW_DSCP << 2 | CE,
                &routed(&down.packet(tos(CE))),
            )),
        ),
    ]
}

/// Marks of the flow's own meter.
pub(super) fn flow_marks() -> Vec<Case> {
    let metered = |marking| {
        let world = World::new().change(SLOT, |up, down| {
            for rules in [up, down] {
                (rules.meter_slot, rules.marking) = (SLOT, marking);
            }
        });
        let mut world = world.meter(SLOT, 1_000_000_000);
        let slot = &mut world.slots[0].1;
        for half in [&mut slot.uplink, &mut slot.downlink] {
            half.state.depth = Road::Uplink.just_enough().depth;
        }
        world
    };
    let (marking, not_marking) = (metered(MARK_FLOW), metered(0));
    vec![
        Road::Uplink.changes("the flow's meter marks, uplink", &marking, ECT_0, CE),
        Road::Downlink.changes("the flow's meter marks, downlink", &marking, ECT_1, CE),
        Road::Uplink.changes("the flow's meter does not mark Not-ECT", &marking, 0, 0),
        Road::Uplink.changes(
            "the flow's meter does not mark unasked",
            &not_marking,
            ECT_0,
            ECT_0,
        ),
    ]
}

/// DSCPs that are written into the UE's packets.
pub(super) fn dscps() -> Vec<Case> {
    let marked = |slot, change: &dyn Fn(&mut Rules)| {
        World::new().change(slot, |up, down| {
            for rules in [up, down] {
                rules.marking = INNER_DSCP | NEW_DSCP;
                change(rules);
            }
        })
    };
    let (v4, v6) = (marked(SLOT, &|_| ()), marked(SLOT_V6, &|_| ()));
    let from = |ecn| DSCP << 2 | ecn;
    let to = |ecn| NEW_DSCP << 2 | ecn;
    let (up, down) = (Road::Uplink, Road::Downlink);
    let both = marked(SLOT, &|rules| rules.limit = 0).limits(&[of(
        level::SIM,
        up.just_enough(),
        limit_flags::MARK,
    )]);
    let transport = marked(SLOT, &|rules| {
        rules.flags |= flags::MARK_DSCP;
        rules.dscp = 34;
    });
    let container = Some([0, 0, 0, 0x85, 1, 0, QFI, 0]);
    let cleared = World::new().change(SLOT, |up, _| up.marking = INNER_DSCP);
    vec![
        up.changes("inner DSCP, uplink", &v4, from(ECT_0), to(ECT_0)),
        down.changes(
            "inner DSCP, downlink, in the tunnel too",
            &v4,
            from(NOT_ECT),
            to(NOT_ECT),
        ),
        Road::UplinkV6.changes("inner DSCP, IPv6, uplink", &v6, from(ECT_1), to(ECT_1)),
        Road::DownlinkV6.changes("inner DSCP, IPv6, downlink", &v6, from(CE), to(CE)),
        up.changes("the inner DSCP is there already", &v4, to(ECT_0), to(ECT_0)),
        up.changes("an inner DSCP of zero", &cleared, from(ECT_0), ECT_0),
        up.changes("inner DSCP and mark, uplink", &both, from(ECT_0), to(CE)),
        down.changes("inner DSCP and mark, downlink", &both, from(ECT_1), to(CE)),
        case(
            "inner DSCP, and another one of the tunnel",
            transport,
            down.frame(from(ECT_0)),
            transmits(tunnelled(
                container,
                34 << 2 | ECT_0,
                &routed(&down.packet(to(ECT_0))),
            )),
        ),
    ]
}
