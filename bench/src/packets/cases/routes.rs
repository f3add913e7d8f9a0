//! Ways out, and packets from tunnel to tunnel.

use super::{Case, SLOT, case, down, g_pdu, to_gnb, to_router, transmits, tunnelled, up, with_v4};
use crate::packets::frames::{
    SERVER_PORT, TOS, UE_PORT, from_gnb, from_router, from_ue, ipv4, to_ue, udp,
};
use crate::packets::world::{self, GNB_TEID, QFI, SERVER, World, ue};
use etherparse::IpNumber;
use upf_common::abi::flags;
use upf_common::drop_reason::DropReason;

pub(super) fn routes() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let uplink = |name, world, reason| up(name, world, from_gnb(&g_pdu(SLOT, &packet)), reason);
    let downlink = |name, world, reason| down(name, world, from_router(&to_ue(SLOT)), reason);
    let no_device = {
        let mut world = with_v4();
        world.instances[1] = 0;
        world.routes.clear();
        world
    };
    let no_peer = World::new().change(SLOT, |_, down| down.peer = world::ENTRIES);
    let large = |extra: usize| {
        let payload = udp(UE_PORT, SERVER_PORT, &vec![0; 1500 - 28 - 44 + extra]);
        ipv4(SERVER, ue(SLOT), IpNumber::UDP, &payload, |_| ())
    };
    let from_ue_large = |extra: usize| {
        let payload = udp(UE_PORT, SERVER_PORT, &vec![0; 1000 + extra]);
        ipv4(ue(SLOT), SERVER, IpNumber::UDP, &payload, |_| ())
    };
    let small_mtu = with_v4().way_to_server(|route| route.mtu = 1028);
    let n9 = World::new().change(SLOT, |up, _| {
        up.flags |= flags::ENCAPSULATE | flags::PDU_SESSION;
        up.qfi = QFI;
        up.pdu_type = 1;
        up.peer_teid = GNB_TEID.to_be_bytes();
    });
    let container = [0, 0, 0, 0x85, 1, 0x10, QFI, 0];
    // What another UPF sends towards the gNB through us.
    let from_core = World::new().change(SLOT, |up, _| {
        up.flags = flags::GATE_OPEN | flags::ENCAPSULATE | flags::PDU_SESSION | flags::ANY_SOURCE;
        up.qfi = QFI;
        up.is_downlink = 1;
        up.peer_teid = GNB_TEID.to_be_bytes();
    });
    let no_gate = {
        let mut world = from_core.clone();
        world.slots[0].1.uplink.rules[1].flags &= !flags::GATE_OPEN;
        world
    };
    let last_hop = ipv4(
        ue(SLOT),
        SERVER,
        IpNumber::UDP,
        &udp(UE_PORT, SERVER_PORT, b"old"),
        |header| header.time_to_live = 1,
    );
    vec![
        uplink(
            "no device leads to the network instance",
            no_device.clone(),
            DropReason::NoRoute,
        ),
        downlink("no device leads to the gNB", no_device, DropReason::NoRoute),
        downlink("a peer that does not exist", no_peer, DropReason::NoRoute),
        uplink(
            "no route",
            with_v4().way_to_server(world::refused(DropReason::NoRoute)),
            DropReason::NoRoute,
        ),
        uplink(
            "a route that leaves the network instance",
            with_v4().way_to_server(|route| route.instance = 2),
            DropReason::RouteOffInstance,
        ),
        uplink(
            "a route by a device that is not ours",
            with_v4().way_to_server(world::refused(DropReason::RouteOffInstance)),
            DropReason::RouteOffInstance,
        ),
        uplink(
            "a router whose MAC address is not known yet",
            with_v4().way_to_server(world::refused(DropReason::NeighbourUnresolved)),
            DropReason::NeighbourUnresolved,
        ),
        downlink(
            "a gNB whose MAC address is not known yet",
            with_v4().way_to_gnb(world::refused(DropReason::NeighbourUnresolved)),
            DropReason::NeighbourUnresolved,
        ),
        case(
            "as large as the MTU, tunnel and all",
            with_v4(),
            from_router(&large(0)),
            transmits(to_gnb(Some(QFI), TOS, &large(0))),
        ),
        down(
            "larger than the MTU by one",
            with_v4(),
            from_router(&large(1)),
            DropReason::OverMtu,
        ),
        case(
            "as large as the MTU of the data network",
            small_mtu.clone(),
            from_gnb(&g_pdu(SLOT, &from_ue_large(0))),
            transmits(to_router(&from_ue_large(0))),
        ),
        up(
            "larger than the MTU of the data network",
            small_mtu,
            from_gnb(&g_pdu(SLOT, &from_ue_large(1))),
            DropReason::OverMtu,
        ),
        case(
            "from tunnel to tunnel (N9)",
            n9.clone(),
            from_gnb(&g_pdu(SLOT, &packet)),
            transmits(tunnelled(Some(container), TOS, &packet)),
        ),
        case(
            "TTL 1 from tunnel to tunnel: no hop in between",
            n9,
            from_gnb(&g_pdu(SLOT, &last_hop)),
            transmits(tunnelled(Some(container), TOS, &last_hop)),
        ),
        case(
            "from another UPF's tunnel to the gNB's",
            from_core,
            from_gnb(&g_pdu(SLOT, &to_ue(SLOT))),
            transmits(tunnelled(
                Some([0, 0, 0, 0x85, 1, 0, QFI, 0]),
                TOS,
                &to_ue(SLOT),
            )),
        ),
        down(
            "what comes by tunnel and is for the UE counts as downlink",
            no_gate,
            from_gnb(&g_pdu(SLOT, &to_ue(SLOT))),
            DropReason::GateClosed,
        ),
    ]
}
