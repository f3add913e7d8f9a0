//! From one UE to another: rules of the one's uplink and of the other's downlink.

use super::{Case, Expected, SLOT, SLOT_V6, case, g_pdu, to_gnb, transmits, tunnelled_v6, up};
use crate::packets::frames::{TOS, from_gnb, from_gnb_v6, ipv4, ipv6, routed, udp};
use crate::packets::world::{self, NEAR_MAC, PEER_V6, World, ue, ue_v6};
use etherparse::IpNumber;
use upf_common::abi::{POOL_NETWORK, RouteEntry, flags, mapped, verdict};
use upf_common::drop_reason::DropReason;
use upf_common::forward::HAIRPIN;

const OTHER: u32 = SLOT + 1;
const OTHER_V6: u32 = SLOT_V6 + 1;
/// QFI towards the other UE.
const OTHER_QFI: u8 = 7;

/// What is remembered of the way to a UE's address.
fn to_ue(destination: [u8; 16]) -> RouteEntry {
    RouteEntry {
        refused: HAIRPIN,
        ..world::route(destination, NEAR_MAC)
    }
}

/// Two UEs of a family, whose addresses are known to be UEs'.
fn two(slot: u32, other: u32) -> World {
    let mut world = World::new()
        .session(slot)
        .change(other, |_, down| down.qfi = OTHER_QFI);
    world.routes.push(to_ue(mapped(ue(OTHER).octets())));
    world.routes.push(to_ue(mapped(ue(OTHER + 1).octets())));
    world.routes.push(to_ue(mapped(ue(SLOT).octets())));
    world.routes.push(to_ue(ue_v6(OTHER_V6)));
    world
}

/// The same, where the first packet has to ask.
fn unasked(mut world: World) -> World {
    world.routes.retain(|route| route.refused != HAIRPIN);
    world
        .network("10.45.0.0/23".parse().expect("a network"), POOL_NETWORK)
        .network("2001:db8:45::/48".parse().expect("a network"), POOL_NETWORK)
}

fn change_other(world: World, slot: u32, change: impl Fn(&mut upf_common::abi::Rules)) -> World {
    let mut world = world;
    for (index, record) in &mut world.slots {
        if *index == slot {
            change(&mut record.downlink.rules[1]);
        }
    }
    world
}

pub(super) fn hairpin() -> Vec<Case> {
    let v4 = |from, to, ttl| {
        let payload = udp(7, 9, b"to another UE");
        ipv4(ue(from), ue(to), IpNumber::UDP, &payload, |header| {
            header.time_to_live = ttl;
        })
    };
    let packet = v4(SLOT, OTHER, 64);
    let v6 = ipv6(ue_v6(SLOT_V6), ue_v6(OTHER_V6));
    let arrives = |packet: &[u8]| from_gnb(&g_pdu(SLOT, packet));
    let reaches = || transmits(to_gnb(Some(OTHER_QFI), TOS, &packet));
    let halfway = |name, world, packet: &[u8], reason| {
        case(
            name,
            world,
            arrives(packet),
            Expected::DroppedHalfway(reason),
        )
    };
    let known = || two(SLOT, OTHER);
    let known_v6 = || two(SLOT_V6, OTHER_V6);
    let over_v6 = change_other(known(), OTHER, |down| down.peer = PEER_V6);
    let closed = change_other(known(), OTHER, |down| down.flags &= !flags::GATE_OPEN);
    let idle = change_other(known(), OTHER, |down| down.verdict = verdict::BUFFER);
    let no_tunnel = change_other(known(), OTHER, |down| {
        down.flags &= !flags::ENCAPSULATE;
        down.instance = world::INSTANCE;
    });
    let container = Some([0, 0, 0, 0x85, 1, 0, OTHER_QFI, 0]);
    let old = v4(SLOT, OTHER, 2);
    let dying = v4(SLOT, OTHER, 1);
    let mut veth = known();
    veth.ports[0].redirect_only = 1;
    vec![
        case("to another UE", known(), arrives(&packet), reaches()),
        case(
            "to another UE, the first packet",
            unasked(known()),
            arrives(&packet),
            reaches(),
        ),
        case(
            "to another UE, IPv6",
            known_v6(),
            from_gnb(&g_pdu(SLOT_V6, &v6)),
            transmits(to_gnb(Some(OTHER_QFI), 0, &v6)),
        ),
        case(
            "to another UE, IPv6, the first packet",
            unasked(known_v6()),
            from_gnb(&g_pdu(SLOT_V6, &v6)),
            transmits(to_gnb(Some(OTHER_QFI), 0, &v6)),
        ),
        case(
            "to another UE, in by IPv6",
            known(),
            from_gnb_v6(&g_pdu(SLOT, &packet)),
            reaches(),
        ),
        case(
            "to another UE, out by IPv6",
            over_v6,
            arrives(&packet),
            transmits(tunnelled_v6(container, TOS, &routed(&packet))),
        ),
        case(
            "to another UE, TTL 2: one hop in all",
            known(),
            arrives(&old),
            transmits(to_gnb(Some(OTHER_QFI), TOS, &old)),
        ),
        case(
            "to another UE, where XDP_TX does not get through",
            veth,
            arrives(&packet),
            super::redirects(to_gnb(Some(OTHER_QFI), TOS, &packet)),
        ),
        up(
            "to another UE, TTL 1",
            known(),
            arrives(&dying),
            DropReason::TtlExpired,
        ),
        up(
            "to another UE, from an address that is not one's own",
            known(),
            arrives(&v4(SLOT + 3, OTHER, 64)),
            DropReason::SpoofedSource,
        ),
        halfway(
            "to a UE that is not there",
            known(),
            &v4(SLOT, OTHER + 1, 64),
            DropReason::UnknownUeAddress,
        ),
        halfway(
            "to a UE that is not there, the first packet",
            unasked(known()),
            &v4(SLOT, OTHER + 1, 64),
            DropReason::UnknownUeAddress,
        ),
        halfway(
            "to another UE whose gate is closed",
            closed,
            &packet,
            DropReason::GateClosed,
        ),
        halfway(
            "to another UE that is idle",
            idle,
            &packet,
            DropReason::FarBuffer,
        ),
        halfway(
            "to another UE whose rules have no tunnel",
            no_tunnel,
            &packet,
            DropReason::NoRoute,
        ),
    ]
}
