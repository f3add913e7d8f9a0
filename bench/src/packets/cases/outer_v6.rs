//! GTP-U over IPv6, in and out.

use super::{
    Case, Expected, SLOT, SLOT_V6, case, down, g_pdu, redirects, to_router, transmits, tunnelled,
    tunnelled_v6, up, with_v4, with_v6,
};
use crate::gtpu::GPdu;
use crate::packets::frames::{
    SERVER_PORT, TOS, UE_PORT, ethernet, from_gnb, from_gnb_v6, from_router, from_ue, from_ue_v6,
    gtpu, ipv4, ipv6_of, routed, to_ue, to_ue_v6, udp, udp_v6,
};
use crate::packets::world::{
    self, FAR_MAC, GNB_TEID, GNB_V6, LOCAL_V6, NEAR_MAC, PEER_MAC, PEER_V6, QFI, SERVER, VLAN,
    World, teid, ue,
};
use etherparse::{EtherType, IpNumber};
use upf_common::abi::flags;
use upf_common::drop_reason::DropReason;

/// A PDU Session Container to the UE.
const CONTAINER: [u8; 8] = [0, 0, 0, 0x85, 1, 0, QFI, 0];
/// IPv6's Fragment header (RFC 8200 clause 4.5).
const FRAGMENT: IpNumber = IpNumber(44);

/// A frame with a Fragment header in front of UDP.
fn fragment(offset_and_flags: u16, udp: &[u8]) -> Vec<u8> {
    let [high, low] = offset_and_flags.to_be_bytes();
    let header = [17, 0, high, low, 0, 0, 0, 7];
    let payload = [&header[..], udp].concat();
    let packet = ipv6_of(GNB_V6, LOCAL_V6, FRAGMENT, &payload, |_| ());
    ethernet(PEER_MAC, NEAR_MAC, None, EtherType::IPV6, &packet)
}

pub(super) fn uplink() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let v6 = from_ue_v6(SLOT_V6);
    let message = g_pdu(SLOT, &packet);
    let datagram = udp_v6((GNB_V6, 2152), (LOCAL_V6, 2152), 0, &message);
    let without_qfi = GPdu {
        teid: teid(SLOT),
        qfi: None,
        payload: &packet,
    };
    let not_ours = udp_v6((GNB_V6, 2152), (GNB_V6, 2152), 0, &message);
    let without_checksum = ipv6_of(
        GNB_V6,
        LOCAL_V6,
        IpNumber::UDP,
        &udp(2152, 2152, &message),
        |_| (),
    );
    let mut overstated = udp(2152, 2152, &message);
    overstated[5] += 1;
    let overstated = ipv6_of(GNB_V6, LOCAL_V6, IpNumber::UDP, &overstated, |_| ());
    let frame = |packet: &[u8]| ethernet(PEER_MAC, NEAR_MAC, None, EtherType::IPV6, packet);
    let leaves = || transmits(to_router(&packet));
    let mut other_port = datagram.clone();
    other_port[43] += 1;
    vec![
        case(
            "over IPv6, uplink",
            with_v4(),
            from_gnb_v6(&message),
            leaves(),
        ),
        case(
            "over IPv6, uplink of an IPv6 UE",
            with_v6(),
            from_gnb_v6(&g_pdu(SLOT_V6, &v6)),
            transmits(to_router(&v6)),
        ),
        case(
            "over IPv6, uplink without extension header",
            with_v4(),
            from_gnb_v6(&without_qfi.to_uplink_bytes()),
            leaves(),
        ),
        case(
            "over IPv6 with a VLAN tag",
            with_v4(),
            ethernet(PEER_MAC, NEAR_MAC, Some(VLAN), EtherType::IPV6, &datagram),
            leaves(),
        ),
        case(
            "over IPv6 without a UDP checksum (RFC 6936)",
            with_v4(),
            frame(&without_checksum),
            leaves(),
        ),
        case(
            "over IPv6, an atomic fragment (RFC 6946)",
            with_v4(),
            fragment(0, &datagram[40..]),
            leaves(),
        ),
        up(
            "over IPv6, the first fragment",
            with_v4(),
            fragment(1, &datagram[40..]),
            DropReason::OuterFragment,
        ),
        case(
            "over IPv6, a later fragment",
            with_v4(),
            fragment(8 << 3, &datagram[40..]),
            Expected::Untouched,
        ),
        case(
            "over IPv6, to an address that is not ours",
            with_v4(),
            frame(&not_ours),
            Expected::Untouched,
        ),
        case(
            "over IPv6, to another port",
            with_v4(),
            frame(&other_port),
            Expected::Untouched,
        ),
        up(
            "over IPv6, a UDP length beyond the frame",
            with_v4(),
            frame(&overstated),
            DropReason::GtpuMalformed,
        ),
        up(
            "over IPv6, nobody's TEID",
            World::new(),
            from_gnb_v6(&message),
            DropReason::UnknownTeid,
        ),
        case(
            "over IPv6, an End Marker",
            with_v4(),
            from_gnb_v6(&gtpu(0x30, 254, teid(SLOT), &[])),
            Expected::Punted,
        ),
    ]
}

/// A session whose gNB speaks IPv6.
fn towards_v6(slot: u32) -> World {
    World::new().change(slot, |_, down| down.peer = PEER_V6)
}

/// A packet to the UE with so many bytes behind its headers.
fn sized(bytes: usize) -> Vec<u8> {
    let payload: Vec<u8> = (0..bytes).map(|at| at as u8 ^ 0xa5).collect();
    let payload = udp(SERVER_PORT, UE_PORT, &payload);
    ipv4(SERVER, ue(SLOT), IpNumber::UDP, &payload, |_| ())
}

pub(super) fn downlink() -> Vec<Case> {
    let packet = to_ue(SLOT);
    let v6 = to_ue_v6(SLOT_V6);
    let mut odd_v6 = v6.clone();
    odd_v6.push(0x77);
    odd_v6[5] += 1;
    let four_g = || {
        World::new().change(SLOT, |_, down| {
            down.peer = PEER_V6;
            down.flags &= !flags::PDU_SESSION;
        })
    };
    let marked = World::new().change(SLOT, |_, down| {
        down.peer = PEER_V6;
        down.flags |= flags::MARK_DSCP;
        down.dscp = 10;
    });
    let reaches = |name, world, packet: &[u8], container, tos| {
        let out = tunnelled_v6(container, tos, &routed(packet));
        case(name, world, from_router(packet), transmits(out))
    };
    let container = Some(CONTAINER);
    let mut by_far = towards_v6(SLOT);
    let to_gnb = by_far.routes.last_mut().expect("the way to the gNB");
    world::by_far(to_gnb);
    let mut far_frame = tunnelled_v6(container, TOS, &routed(&packet));
    far_frame.splice(
        ..14,
        ethernet(FAR_MAC, PEER_MAC, Some(VLAN), EtherType::IPV6, &[]),
    );
    // IPv6, UDP and GTP-U headers, the PDU Session Container, and those of the packet itself.
    let largest = 1500 - (40 + 8 + 8 + 8) - 28;
    vec![
        reaches(
            "to a gNB over IPv6, 5G",
            towards_v6(SLOT),
            &packet,
            container,
            TOS,
        ),
        reaches("to a gNB over IPv6, 4G", four_g(), &packet, None, TOS),
        reaches(
            "to a gNB over IPv6, an odd length",
            towards_v6(SLOT),
            &sized(11),
            container,
            TOS,
        ),
        reaches(
            "to a gNB over IPv6, 4G, an odd length",
            four_g(),
            &sized(101),
            None,
            TOS,
        ),
        reaches(
            "to a gNB over IPv6, no payload",
            towards_v6(SLOT),
            &sized(0),
            container,
            TOS,
        ),
        reaches(
            "to a gNB over IPv6, an IPv6 UE",
            towards_v6(SLOT_V6),
            &v6,
            container,
            0,
        ),
        reaches(
            "to a gNB over IPv6, an IPv6 UE and an odd length",
            towards_v6(SLOT_V6),
            &odd_v6,
            container,
            0,
        ),
        reaches(
            "to a gNB over IPv6, marked",
            marked,
            &packet,
            container,
            10 << 2 | TOS & 3,
        ),
        reaches(
            "to a gNB over IPv6, as large as the MTU",
            towards_v6(SLOT),
            &sized(largest),
            container,
            TOS,
        ),
        reaches(
            "to a gNB over IPv6, 4G, as large as the MTU",
            four_g(),
            &sized(largest + 8),
            None,
            TOS,
        ),
        down(
            "to a gNB over IPv6, larger than the MTU by one",
            towards_v6(SLOT),
            from_router(&sized(largest + 1)),
            DropReason::OverMtu,
        ),
        down(
            "to a gNB over IPv6, 4G, larger than the MTU by one",
            four_g(),
            from_router(&sized(largest + 9)),
            DropReason::OverMtu,
        ),
        case(
            "to a gNB over IPv6 by another device",
            by_far,
            from_router(&packet),
            redirects(far_frame),
        ),
    ]
}

/// From tunnel to tunnel.
pub(super) fn between_families() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let towards = |peer| {
        World::new().change(SLOT, |up, _| {
            up.flags |= flags::ENCAPSULATE | flags::PDU_SESSION;
            up.qfi = QFI;
            up.pdu_type = 1;
            up.peer = peer;
            up.peer_teid = GNB_TEID.to_be_bytes();
        })
    };
    let container = Some([0, 0, 0, 0x85, 1, 0x10, QFI, 0]);
    let message = g_pdu(SLOT, &packet);
    vec![
        case(
            "from an IPv4 tunnel to an IPv6 one",
            towards(PEER_V6),
            from_gnb(&message),
            transmits(tunnelled_v6(container, TOS, &packet)),
        ),
        case(
            "from an IPv6 tunnel to an IPv4 one",
            towards(0),
            from_gnb_v6(&message),
            transmits(tunnelled(container, TOS, &packet)),
        ),
        case(
            "from an IPv6 tunnel to another one",
            towards(PEER_V6),
            from_gnb_v6(&message),
            transmits(tunnelled_v6(container, TOS, &packet)),
        ),
    ]
}

pub(super) fn echo() -> Vec<Case> {
    let request = gtpu(0x32, 1, 0, &[0x12, 0x34, 0, 0]);
    let asks = |port, vlan| {
        let datagram = udp_v6((GNB_V6, port), (LOCAL_V6, 2152), 0, &request);
        ethernet(PEER_MAC, NEAR_MAC, vlan, EtherType::IPV6, &datagram)
    };
    let answer = |port, vlan| {
        let response = gtpu(0x32, 2, 0, &[0x12, 0x34, 0, 0, 14, 0]);
        let datagram = udp_v6((LOCAL_V6, 2152), (GNB_V6, port), 0, &response);
        transmits(ethernet(
            NEAR_MAC,
            PEER_MAC,
            vlan,
            EtherType::IPV6,
            &datagram,
        ))
    };
    let world = World::new;
    vec![
        case(
            "Echo Request over IPv6",
            world(),
            asks(2152, None),
            answer(2152, None),
        ),
        case(
            "Echo Request over IPv6 from another port",
            world(),
            asks(50_001, None),
            answer(50_001, None),
        ),
        case(
            "Echo Request over IPv6 with a VLAN tag",
            world(),
            asks(2152, Some(VLAN)),
            answer(2152, Some(VLAN)),
        ),
    ]
}
