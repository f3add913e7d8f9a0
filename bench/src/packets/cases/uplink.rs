//! Packets from UEs that leave, under every legal GTP-U header.

use super::{Case, SLOT, SLOT_V6, case, g_pdu, redirects, to_router, transmits, with_v4, with_v6};
use crate::gtpu::GPdu;
use crate::packets::frames::{ethernet, from_gnb, from_ue, from_ue_v6, gtpu, ipv4, routed, udp};
use crate::packets::world::{
    self, FAR_MAC, GNB, LOCAL, NEAR_MAC, OTHER_LOCAL, PEER_MAC, QFI, ROUTER_MAC, SERVER, VLAN,
    World, teid, ue,
};
use etherparse::{EtherType, IpNumber};

pub(super) fn uplink() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let v6 = from_ue_v6(SLOT_V6);
    let carries = |name, protocol: u8, payload: &[u8]| {
        let packet = ipv4(ue(SLOT), SERVER, IpNumber(protocol), payload, |_| ());
        let frame = from_gnb(&g_pdu(SLOT, &packet));
        case(name, with_v4(), frame, transmits(to_router(&packet)))
    };
    let fragment = ipv4(ue(SLOT), SERVER, IpNumber::UDP, &[0xee; 64], |header| {
        header.fragment_offset = 100.try_into().expect("13 bits");
        header.more_fragments = true;
    });
    let with_options = {
        let mut packet = from_ue(SLOT);
        packet[0] = 0x46;
        let length = u16::from_be_bytes([packet[2], packet[3]]) + 4;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet.splice(20..20, [1, 1, 1, 0]);
        // Checksum as `routed` will find it.
        let mut fixed = routed(&packet);
        fixed[8] += 1;
        let (mut header, rest) = etherparse::Ipv4Header::from_slice(&fixed).expect("IPv4");
        header.header_checksum = header.calc_header_checksum();
        [header.to_bytes().to_vec(), rest.to_vec()].concat()
    };
    let far_route = |world: World| world.way_to_server(world::by_far);
    let mut veth = with_v4();
    veth.ports[0].redirect_only = 1;
    vec![
        case(
            "uplink, 5G",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &packet)),
            transmits(to_router(&packet)),
        ),
        case(
            "uplink, 4G: no extension header",
            with_v4(),
            from_gnb(
                &GPdu {
                    teid: teid(SLOT),
                    qfi: None,
                    payload: &packet,
                }
                .to_uplink_bytes(),
            ),
            transmits(to_router(&packet)),
        ),
        case(
            "uplink, IPv6",
            with_v6(),
            from_gnb(&g_pdu(SLOT_V6, &v6)),
            transmits(to_router(&v6)),
        ),
        case(
            "uplink by the same device, where XDP_TX does not get through",
            veth,
            from_gnb(&g_pdu(SLOT, &packet)),
            redirects(to_router(&packet)),
        ),
        case(
            "uplink by another device, with its VLAN tag",
            far_route(with_v4()),
            from_gnb(&g_pdu(SLOT, &packet)),
            redirects(ethernet(
                FAR_MAC,
                ROUTER_MAC,
                Some(VLAN),
                EtherType::IPV4,
                &routed(&packet),
            )),
        ),
        case(
            "uplink that came with a VLAN tag leaves without",
            with_v4(),
            {
                let outer = ipv4(
                    GNB,
                    LOCAL,
                    IpNumber::UDP,
                    &udp(2152, 2152, &g_pdu(SLOT, &packet)),
                    |_| (),
                );
                ethernet(PEER_MAC, NEAR_MAC, Some(7), EtherType::IPV4, &outer)
            },
            transmits(to_router(&packet)),
        ),
        case(
            "uplink to another address of ours",
            with_v4(),
            {
                let outer = ipv4(
                    GNB,
                    OTHER_LOCAL,
                    IpNumber::UDP,
                    &udp(9, 2152, &g_pdu(SLOT, &packet)),
                    |_| (),
                );
                ethernet(PEER_MAC, NEAR_MAC, None, EtherType::IPV4, &outer)
            },
            transmits(to_router(&packet)),
        ),
        case(
            "uplink by a TEID that the control plane chose",
            {
                let mut world = World::new().change(SLOT, |up, _| up.teid = [0xca, 0xfe, 0, 9]);
                world.teids.push(([0xca, 0xfe, 0, 9], SLOT));
                world
            },
            from_gnb(
                &GPdu {
                    teid: 0xcafe_0009,
                    qfi: None,
                    payload: &packet,
                }
                .to_uplink_bytes(),
            ),
            transmits(to_router(&packet)),
        ),
        carries("uplink, ESP", 50, &[1; 40]),
        carries("uplink, SCTP", 132, &[2; 40]),
        carries("uplink, GRE", 47, &[3; 24]),
        carries("uplink, ICMP", 1, &[8, 0, 0, 0, 0, 1, 0, 1]),
        carries("uplink, no payload at all", 17, &[]),
        case(
            "uplink, a fragment",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &fragment)),
            transmits(to_router(&fragment)),
        ),
        case(
            "uplink, IPv4 options",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &with_options)),
            transmits(to_router(&with_options)),
        ),
        case(
            "what stands behind the inner packet is taken off",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &[packet.clone(), vec![0; 9]].concat())),
            transmits(to_router(&packet)),
        ),
        case(
            "what stands behind the GTP-U message is taken off",
            with_v4(),
            [from_gnb(&g_pdu(SLOT, &packet)), vec![0; 6]].concat(),
            transmits(to_router(&packet)),
        ),
        case(
            "uplink with an outer IPv4 option",
            with_v4(),
            {
                let mut outer = ipv4(
                    GNB,
                    LOCAL,
                    IpNumber::UDP,
                    &udp(2152, 2152, &g_pdu(SLOT, &packet)),
                    |_| (),
                );
                outer[0] = 0x46;
                outer.splice(20..20, [1, 1, 1, 0]);
                ethernet(PEER_MAC, NEAR_MAC, None, EtherType::IPV4, &outer)
            },
            transmits(to_router(&packet)),
        ),
    ]
}

pub(super) fn uplink_headers() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let with = |name, flags, optional: &[u8]| {
        let bytes = gtpu(flags, 255, teid(SLOT), &[optional, &packet].concat());
        case(
            name,
            with_v4(),
            from_gnb(&bytes),
            transmits(to_router(&packet)),
        )
    };
    let mut chain = vec![0, 1, 0, 0, 0x85];
    chain.extend([
        1, 0x10, QFI, 0x40, 1, 0x08, 0x68, 0xc0, 2, 0, 0, 0, 0, 0, 0, 0,
    ]);
    let mut longest = vec![0, 0, 0, 0x20];
    for _ in 0..7 {
        longest.extend([1, 0, 0, 0x20]);
    }
    longest.extend([1, 0, 0, 0]);
    let long_container = [0, 0, 0, 0x85, 3, 0x18, QFI, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    vec![
        with("a sequence number", 0x32, &[0x12, 0x34, 0, 0]),
        with("an N-PDU number", 0x31, &[0, 0, 7, 0]),
        with("sequence number and N-PDU number", 0x33, &[0, 1, 7, 0]),
        with("E flag without extension headers", 0x34, &[0, 0, 0, 0]),
        with(
            "a next extension header type without the E flag is not one",
            0x32,
            &[0, 1, 0, 0x85],
        ),
        with("a chain of three extension headers", 0x36, &chain[1..]),
        with("the longest chain", 0x34, &longest),
        with("a long PDU Session Container", 0x34, &long_container),
        with(
            "an unknown extension header",
            0x34,
            &[0, 0, 0, 0x11, 1, 9, 9, 0],
        ),
    ]
}
