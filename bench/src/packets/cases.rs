//! The cases.

use etherparse::{EtherType, IpNumber};
use upf_common::abi::{Match, MatchPorts, Rules, UeKey, flags, mapped, verdict};
use upf_common::drop_reason::DropReason;
use upf_common::forward::tables::Way;

use super::Action;
use super::frames::{
    SERVER_PORT, TOS, TTL, UE_PORT, datagram, ethernet, from_gnb, from_router, from_ue, from_ue_v6,
    gtpu, ipv4, ipv6, routed, to_ue, to_ue_v6, udp,
};
use super::world::{
    self, FAR_MAC, GNB, GNB_TEID, INSTANCE, LOCAL, NEAR_MAC, OTHER_LOCAL, PEER_MAC, QFI,
    ROUTER_MAC, SERVER, SERVER_V6, VLAN, World, teid, ue, ue_prefix,
};
use crate::gtpu::GPdu;

/// The slot of the IPv4 UE, and that of the IPv6 UE.
const SLOT: u32 = 5;
const SLOT_V6: u32 = 300;

/// What a case expects.
#[derive(Clone, Debug)]
pub enum Expected {
    /// The kernel gets the frame as it came, and nothing but its arrival is counted.
    Untouched,
    /// The kernel gets it as it came, counted as punted.
    Punted,
    /// It is dropped for this reason.
    Dropped(Way, DropReason),
    /// It leaves as this frame.
    Leaves(Action, Vec<u8>),
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about.
    pub name: &'static str,
    /// What is in the tables.
    pub world: World,
    /// The frame that arrives.
    pub frame: Vec<u8>,
    /// What becomes of it.
    pub expected: Expected,
}

/// All cases.
#[must_use]
pub fn all() -> Vec<Case> {
    [
        not_ours(),
        uplink(),
        uplink_headers(),
        uplink_refusals(),
        downlink(),
        downlink_refusals(),
        both_ways(),
        lists(),
        routes(),
        echo(),
    ]
    .concat()
}

fn case(name: &'static str, world: World, frame: Vec<u8>, expected: Expected) -> Case {
    Case {
        name,
        world,
        frame,
        expected,
    }
}

fn up(name: &'static str, world: World, frame: Vec<u8>, reason: DropReason) -> Case {
    case(name, world, frame, Expected::Dropped(Way::Uplink, reason))
}

fn down(name: &'static str, world: World, frame: Vec<u8>, reason: DropReason) -> Case {
    case(name, world, frame, Expected::Dropped(Way::Downlink, reason))
}

fn transmits(frame: Vec<u8>) -> Expected {
    Expected::Leaves(Action::Transmit, frame)
}

fn redirects(frame: Vec<u8>) -> Expected {
    Expected::Leaves(Action::Redirect, frame)
}

fn with_v4() -> World {
    World::new().session(SLOT)
}

fn with_v6() -> World {
    World::new().session(SLOT_V6)
}

/// A G-PDU as a 5G gNB sends it.
fn g_pdu(slot: u32, packet: &[u8]) -> Vec<u8> {
    let packet = GPdu {
        teid: teid(slot),
        qfi: Some(QFI),
        payload: packet,
    };
    packet.to_uplink_bytes()
}

/// What leaves towards the data network.
fn to_router(packet: &[u8]) -> Vec<u8> {
    let ether_type = super::frames::ether_type(packet);
    ethernet(NEAR_MAC, ROUTER_MAC, None, ether_type, &routed(packet))
}

/// What leaves towards the gNB, but for the outer source port, which is the product's own choice
/// ([`source_port_of`]).
fn to_gnb(qfi: Option<u8>, tos: u8, packet: &[u8]) -> Vec<u8> {
    tunnelled(
        qfi.map(|qfi| [0, 0, 0, 0x85, 1, 0, qfi, 0]),
        tos,
        &routed(packet),
    )
}

/// The same, with the user's packet as it leaves.
fn tunnelled(container: Option<[u8; 8]>, tos: u8, packet: &[u8]) -> Vec<u8> {
    let container = container.map(|bytes| bytes.to_vec()).unwrap_or_default();
    let flags = if container.is_empty() { 0x30 } else { 0x34 };
    let rest = [&container[..], packet].concat();
    let datagram = udp(0, 2152, &gtpu(flags, 255, GNB_TEID, &rest));
    let outer = ipv4(LOCAL, GNB, IpNumber::UDP, &datagram, |header| {
        header.dscp = (tos >> 2).try_into().expect("six bits");
        header.ecn = (tos & 3).try_into().expect("two bits");
        header.dont_fragment = true;
        header.time_to_live = 64;
    });
    ethernet(NEAR_MAC, PEER_MAC, None, EtherType::IPV4, &outer)
}

fn not_ours() -> Vec<Case> {
    let arp = ethernet(PEER_MAC, [0xff; 6], None, EtherType::ARP, &[0; 46]);
    let mut to_other_mac = from_gnb(&g_pdu(SLOT, &from_ue(SLOT)));
    to_other_mac[..6].copy_from_slice(&FAR_MAC);
    let tcp = ipv4(GNB, LOCAL, IpNumber::TCP, &[0; 20], |_| ());
    let pfcp = datagram(&udp(8805, 8805, &[0x20, 1, 0, 4, 0, 0, 1, 0]), |_| ());
    let elsewhere = ipv4(
        GNB,
        SERVER,
        IpNumber::UDP,
        &udp(2152, 2152, &g_pdu(SLOT, &from_ue(SLOT))),
        |_| (),
    );
    let untouched = |name, frame| case(name, with_v4(), frame, Expected::Untouched);
    let mut later_fragment = from_gnb(&g_pdu(SLOT, &from_ue(SLOT)));
    later_fragment[21] = 10;
    vec![
        untouched("ARP goes to the kernel", arp),
        untouched("a frame to another MAC address is not ours", to_other_mac),
        untouched(
            "TCP to a GTP-U address goes to the kernel",
            from_router(&tcp),
        ),
        untouched("PFCP to a GTP-U address goes to the kernel", pfcp),
        untouched(
            "GTP-U to somebody else is not ours",
            from_router(&elsewhere),
        ),
        untouched("a runt is left alone", vec![0; 14]),
        untouched(
            "IPv4 cut short is left alone",
            from_router(&from_ue(SLOT)[..12]),
        ),
        untouched(
            "IPv6 to nobody's UE is left alone",
            from_router(&ipv6(SERVER_V6, [0x20; 16])),
        ),
        untouched(
            "IPv4 to nobody's UE is left alone",
            from_router(&ipv4(SERVER, GNB, IpNumber::UDP, &udp(1, 2, &[]), |_| ())),
        ),
        untouched(
            "a later outer fragment has no ports to tell it by",
            later_fragment,
        ),
    ]
}

fn uplink() -> Vec<Case> {
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

fn uplink_headers() -> Vec<Case> {
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

fn uplink_refusals() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let v6 = from_ue_v6(SLOT_V6);
    let bytes = g_pdu(SLOT, &packet);
    let mut overstated = bytes.clone();
    overstated[3] += 1;
    let mut too_long_chain = vec![0, 0, 0, 0x20];
    for _ in 0..9 {
        too_long_chain.extend([1, 0, 0, 0x20]);
    }
    let mut udp_overstated = udp(2152, 2152, &bytes);
    udp_overstated[5] += 1;
    let mut udp_understated = udp(2152, 2152, &bytes);
    udp_understated[4..6].copy_from_slice(&[0, 7]);
    let mut inner_overstated = packet.clone();
    inner_overstated[3] += 1;
    let mut short_header = packet.clone();
    short_header[0] = 0x44;
    let mut not_ip = packet.clone();
    not_ip[0] = 0x55;
    let malformed = |name, flags, rest: &[u8]| {
        let frame = from_gnb(&gtpu(flags, 255, teid(SLOT), rest));
        up(name, with_v4(), frame, DropReason::GtpuMalformed)
    };
    let inner = |name, packet: &[u8]| {
        let frame = from_gnb(&g_pdu(SLOT, packet));
        up(name, with_v4(), frame, DropReason::InnerMalformed)
    };
    let spoofed = |name, world, slot, packet: &[u8]| {
        up(
            name,
            world,
            from_gnb(&g_pdu(slot, packet)),
            DropReason::SpoofedSource,
        )
    };
    let unknown = |name, world, teid| {
        let frame = from_gnb(
            &GPdu {
                teid,
                qfi: None,
                payload: &packet,
            }
            .to_uplink_bytes(),
        );
        up(name, world, frame, DropReason::UnknownTeid)
    };
    let with_qfi = |qfi| {
        let world = World::new().change(SLOT, |up, _| {
            up.flags |= flags::MATCH_QFI;
            up.match_qfi = QFI;
        });
        (
            world,
            from_gnb(
                &GPdu {
                    teid: teid(SLOT),
                    qfi,
                    payload: &packet,
                }
                .to_uplink_bytes(),
            ),
        )
    };
    let (qfi_world, other_qfi) = with_qfi(Some(QFI + 1));
    let (_, no_qfi) = with_qfi(None);
    let (_, right_qfi) = with_qfi(Some(QFI));
    let link_local = {
        let mut source = [0; 16];
        source[..2].copy_from_slice(&[0xfe, 0x80]);
        ipv6(source, SERVER_V6)
    };
    vec![
        up(
            "the first outer fragment",
            with_v4(),
            datagram(&udp(2152, 2152, &bytes), |header| {
                header.more_fragments = true;
            }),
            DropReason::OuterFragment,
        ),
        up(
            "GTP version 2",
            with_v4(),
            from_gnb(&gtpu(0x50, 255, teid(SLOT), &packet)),
            DropReason::GtpuVersion,
        ),
        up(
            "GTP'",
            with_v4(),
            from_gnb(&gtpu(0x20, 255, teid(SLOT), &packet)),
            DropReason::GtpuVersion,
        ),
        up(
            "a GTP-U length beyond the datagram",
            with_v4(),
            from_gnb(&overstated),
            DropReason::GtpuMalformed,
        ),
        up(
            "a GTP-U header cut short",
            with_v4(),
            from_gnb(&bytes[..6]),
            DropReason::GtpuMalformed,
        ),
        up(
            "a UDP length beyond the frame",
            with_v4(),
            datagram(&udp_overstated, |_| ()),
            DropReason::GtpuMalformed,
        ),
        up(
            "a UDP length below its header",
            with_v4(),
            datagram(&udp_understated, |_| ()),
            DropReason::GtpuMalformed,
        ),
        malformed(
            "an extension header of length zero",
            0x34,
            &[0, 0, 0, 0x85, 0, 0x10, QFI, 0],
        ),
        malformed(
            "an extension header beyond the message",
            0x34,
            &[0, 0, 0, 0x85, 200, 0x10, QFI, 0],
        ),
        malformed("optional part cut short", 0x32, &[0, 1]),
        malformed(
            "too many extension headers",
            0x34,
            &[too_long_chain, packet.clone()].concat(),
        ),
        unknown("nobody's slot", World::new(), teid(SLOT)),
        unknown(
            "somebody's slot, with a wrong tag",
            with_v4(),
            teid(SLOT) ^ 1 << 31,
        ),
        unknown("a slot beyond the table", with_v4(), teid(SLOT) | 1 << 9),
        unknown("TEID 0", with_v4(), 0),
        unknown(
            "a TEID of the map whose slot has another one",
            {
                let mut world = with_v4();
                world.teids.push(([0xca, 0xfe, 0, 9], SLOT));
                world
            },
            0xcafe_0009,
        ),
        inner("an inner packet that is neither IPv4 nor IPv6", &not_ip),
        inner("an inner packet cut short", &packet[..10]),
        inner("no inner packet at all", &[]),
        inner("an inner length beyond the tunnel's", &inner_overstated),
        inner("an inner header shorter than it can be", &short_header),
        inner("inner IPv6 cut short", &v6[..39]),
        spoofed(
            "somebody else's address",
            with_v4(),
            SLOT,
            &from_ue(SLOT + 1),
        ),
        spoofed(
            "IPv6 from a UE that has IPv4",
            with_v4(),
            SLOT,
            &from_ue_v6(SLOT_V6),
        ),
        spoofed("IPv4 from a UE that has IPv6", with_v6(), SLOT_V6, &packet),
        spoofed(
            "somebody else's prefix",
            with_v6(),
            SLOT_V6,
            &from_ue_v6(SLOT_V6 + 1),
        ),
        spoofed("a link-local address", with_v6(), SLOT_V6, &link_local),
        up(
            "another QFI than the PDR's",
            qfi_world.clone(),
            other_qfi,
            DropReason::NoMatchingPdr,
        ),
        up(
            "no QFI where the PDR has one",
            qfi_world.clone(),
            no_qfi,
            DropReason::NoMatchingPdr,
        ),
        case(
            "the PDR's QFI",
            qfi_world,
            right_qfi,
            transmits(to_router(&packet)),
        ),
        case(
            "an End Marker",
            with_v4(),
            from_gnb(&gtpu(0x30, 254, teid(SLOT), &[])),
            Expected::Punted,
        ),
        case(
            "an End Marker with a container",
            with_v4(),
            from_gnb(&gtpu(0x34, 254, teid(SLOT), &[0, 0, 0, 0x85, 1, 0, QFI, 0])),
            Expected::Punted,
        ),
        case(
            "an Error Indication",
            with_v4(),
            from_gnb(&gtpu(0x32, 26, 0, &[0; 12])),
            Expected::Punted,
        ),
    ]
}

fn downlink() -> Vec<Case> {
    let packet = to_ue(SLOT);
    let v6 = to_ue_v6(SLOT_V6);
    let reaches = |name, world, packet: &[u8], qfi, tos| {
        case(
            name,
            world,
            from_router(packet),
            transmits(to_gnb(qfi, tos, packet)),
        )
    };
    let carries = |name, protocol: u8, payload: &[u8]| {
        let packet = ipv4(SERVER, ue(SLOT), IpNumber(protocol), payload, |_| ());
        reaches(name, with_v4(), &packet, Some(QFI), TOS)
    };
    let four_g = World::new().change(SLOT, |_, down| down.flags &= !flags::PDU_SESSION);
    let marked = World::new().change(SLOT, |_, down| {
        down.flags |= flags::MARK_DSCP;
        down.dscp = 10;
    });
    let mut single = World::new().change(SLOT, |_, down| down.ue_v4 = [198, 51, 100, 7]);
    let alone = UeKey {
        address: mapped([198, 51, 100, 7]),
        instance: INSTANCE,
    };
    single.ue_addresses.push((alone, SLOT));
    let to_single = ipv4(
        SERVER,
        [198, 51, 100, 7].into(),
        IpNumber::UDP,
        &udp(1, 2, b"x"),
        |_| (),
    );
    let mut dissolved = with_v4();
    dissolved.blocks[0] = u32::MAX;
    let key = UeKey {
        address: mapped(ue(SLOT).octets()),
        instance: INSTANCE,
    };
    dissolved.ue_addresses.push((key, SLOT));
    let mut whole_prefix = with_v6();
    whole_prefix.blocks[2] = u32::MAX;
    let mut prefix = [0; 16];
    prefix[..8].copy_from_slice(&ue_prefix(SLOT_V6));
    whole_prefix.ue_addresses.push((
        UeKey {
            address: prefix,
            instance: INSTANCE,
        },
        SLOT_V6,
    ));
    let padded = {
        let packet = ipv4(SERVER, ue(SLOT), IpNumber(1), &[8; 8], |_| ());
        let mut frame = from_router(&packet);
        frame.resize(60, 0);
        case(
            "Ethernet's padding stays outside",
            with_v4(),
            frame,
            transmits(to_gnb(Some(QFI), TOS, &packet)),
        )
    };
    let by_far = with_v4().way_to_gnb(world::by_far);
    let mut far_frame = to_gnb(Some(QFI), TOS, &packet);
    far_frame.splice(
        ..14,
        ethernet(FAR_MAC, PEER_MAC, Some(VLAN), EtherType::IPV4, &[]),
    );
    let fragment = ipv4(SERVER, ue(SLOT), IpNumber::UDP, &[0xdd; 80], |header| {
        header.fragment_offset = 7.try_into().expect("13 bits");
    });
    vec![
        reaches("downlink, 5G", with_v4(), &packet, Some(QFI), TOS),
        reaches(
            "downlink, 4G: no PDU Session Container",
            four_g,
            &packet,
            None,
            TOS,
        ),
        reaches("downlink, IPv6", with_v6(), &v6, Some(QFI), 0),
        reaches(
            "transport-level marking keeps ECN",
            marked,
            &packet,
            Some(QFI),
            10 << 2 | TOS & 3,
        ),
        carries("downlink, ESP", 50, &[1; 40]),
        carries("downlink, SCTP", 132, &[2; 40]),
        carries("downlink, GRE", 47, &[3; 24]),
        reaches("downlink, a fragment", with_v4(), &fragment, Some(QFI), TOS),
        reaches(
            "a UE address outside the pools",
            single,
            &to_single,
            Some(QFI),
            TOS,
        ),
        reaches(
            "a UE address whose block has no slots",
            dissolved,
            &packet,
            Some(QFI),
            TOS,
        ),
        reaches(
            "an IPv6 prefix whose block has no slots",
            whole_prefix,
            &v6,
            Some(QFI),
            0,
        ),
        case(
            "downlink by another device, with its VLAN tag",
            by_far,
            from_router(&packet),
            redirects(far_frame),
        ),
        case(
            "downlink that came with a VLAN tag",
            with_v4(),
            ethernet(ROUTER_MAC, NEAR_MAC, Some(3), EtherType::IPV4, &packet),
            transmits(to_gnb(Some(QFI), TOS, &packet)),
        ),
        padded,
    ]
}

/// The slot has gone to another session since the packet found it.
fn gone_to_another() -> World {
    World::new().change(SLOT, |_, down| down.ue_v4 = ue(SLOT + 1).octets())
}

fn downlink_refusals() -> Vec<Case> {
    let unknown = |name, world, packet: &[u8]| {
        down(
            name,
            world,
            from_router(packet),
            DropReason::UnknownUeAddress,
        )
    };
    let only_up = World::new().change(SLOT, |_, down| *down = Rules::default());
    let mut not_core = with_v4();
    not_core.ports[0].roles = upf_common::abi::roles::ACCESS;
    vec![
        unknown(
            "an address of the pool that nobody has",
            World::new(),
            &to_ue(SLOT),
        ),
        unknown(
            "a slot that has gone to another UE",
            gone_to_another(),
            &to_ue(SLOT),
        ),
        unknown("a neighbour's address", with_v4(), &to_ue(SLOT + 1)),
        unknown("a block without slots", with_v4(), &to_ue(256 + SLOT)),
        unknown(
            "a prefix that nobody has",
            with_v6(),
            &to_ue_v6(SLOT_V6 + 1),
        ),
        unknown("a session without a downlink PDR", only_up, &to_ue(SLOT)),
        case(
            "a device that is not core forwards nothing to UEs",
            not_core,
            from_router(&to_ue(SLOT)),
            Expected::Untouched,
        ),
        case(
            "inner IPv4 that overstates its length is not ours",
            with_v4(),
            from_router(&to_ue(SLOT)[..30]),
            Expected::Untouched,
        ),
    ]
}

/// What rules do to either direction.
fn both_ways() -> Vec<Case> {
    let pair = |names: [&'static str; 2], change: &dyn Fn(&mut Rules), reason| {
        let world = World::new().change(SLOT, |up, down| {
            change(up);
            change(down);
        });
        [
            up(
                names[0],
                world.clone(),
                from_gnb(&g_pdu(SLOT, &from_ue(SLOT))),
                reason,
            ),
            down(names[1], world, from_router(&to_ue(SLOT)), reason),
        ]
    };
    let ttl = |ttl: u8, from, to| {
        ipv4(
            from,
            to,
            IpNumber::UDP,
            &udp(UE_PORT, SERVER_PORT, b"old"),
            |header| header.time_to_live = ttl,
        )
    };
    let mut old_v6 = to_ue_v6(SLOT_V6);
    old_v6[7] = 1;
    let limited = |bits_per_second| {
        World::new().change(SLOT, |up, down| {
            world::limit(up, SLOT, bits_per_second);
            world::limit(down, SLOT, bits_per_second);
        })
    };
    let elsewhere = World::new().change(SLOT, |up, _| world::limit(up, 700, 1_000_000));
    let no_such_meter =
        World::new().change(SLOT, |up, _| world::limit(up, world::SLOTS, 1_000_000));
    let young = ttl(2, ue(SLOT), SERVER);
    let packet = from_ue(SLOT);
    let mut cases = vec![
        up(
            "TTL 1 from the UE",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &ttl(1, ue(SLOT), SERVER))),
            DropReason::TtlExpired,
        ),
        up(
            "TTL 0 from the UE",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &ttl(0, ue(SLOT), SERVER))),
            DropReason::TtlExpired,
        ),
        down(
            "TTL 1 to the UE",
            with_v4(),
            from_router(&ttl(1, SERVER, ue(SLOT))),
            DropReason::TtlExpired,
        ),
        down(
            "hop limit 1 to the UE",
            with_v6(),
            from_router(&old_v6),
            DropReason::TtlExpired,
        ),
        case(
            "TTL 2 goes one hop further",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &young)),
            transmits(to_router(&young)),
        ),
        case(
            "below the MBR",
            limited(100_000_000_000),
            from_gnb(&g_pdu(SLOT, &packet)),
            transmits(to_router(&packet)),
        ),
        case(
            "below the MBR, whose bucket is in another slot",
            elsewhere,
            from_gnb(&g_pdu(SLOT, &packet)),
            transmits(to_router(&packet)),
        ),
        up(
            "a meter that does not exist passes nothing",
            no_such_meter,
            from_gnb(&g_pdu(SLOT, &packet)),
            DropReason::RateLimited,
        ),
    ];
    cases.extend(pair(
        ["an MBR of zero, uplink", "an MBR of zero, downlink"],
        &|rules| world::limit(rules, SLOT, 0),
        DropReason::RateLimited,
    ));
    cases.extend(pair(
        ["FAR says DROP, uplink", "FAR says DROP, downlink"],
        &|rules| rules.verdict = verdict::DROP,
        DropReason::FarDrop,
    ));
    cases.extend(pair(
        ["FAR says BUFF, uplink", "FAR says BUFF, downlink"],
        &|rules| rules.verdict = verdict::BUFFER,
        DropReason::FarBuffer,
    ));
    cases.extend(pair(
        ["the gate is closed, uplink", "the gate is closed, downlink"],
        &|rules| rules.flags &= !flags::GATE_OPEN,
        DropReason::GateClosed,
    ));
    cases
}

/// Several PDRs in a direction.
fn lists() -> Vec<Case> {
    let to_server = Match {
        remote: mapped(SERVER.octets()),
        remote_mask: [0xff; 16],
        remote_ports: MatchPorts {
            first: SERVER_PORT,
            last: SERVER_PORT,
        },
        protocol: 17,
        ..Match::default()
    };
    let others = Match {
        any_protocol: 1,
        ..Match::default()
    };
    let dropped = |rules: Rules| Rules {
        verdict: verdict::DROP,
        ..rules
    };
    let head = |rules: &mut Rules, list| {
        rules.verdict = verdict::LIST;
        rules.list = list;
    };
    let world = |entries: &[(Match, Rules)]| {
        World::new().list(entries).change(SLOT, |up, down| {
            head(up, 0);
            head(down, 0);
        })
    };
    let (ours, downs) = (world::uplink(SLOT), world::downlink(SLOT));
    let web = from_ue(SLOT);
    let other_port = ipv4(
        ue(SLOT),
        SERVER,
        IpNumber::UDP,
        &udp(UE_PORT, 80, b"?"),
        |_| (),
    );
    let fragment = ipv4(ue(SLOT), SERVER, IpNumber::UDP, &[0; 32], |header| {
        header.fragment_offset = 3.try_into().expect("13 bits");
    });
    let mut full = vec![(to_server, dropped(ours)); 7];
    full.push((others, ours));
    let entry_for_qfi = Rules {
        flags: ours.flags | flags::MATCH_QFI,
        match_qfi: QFI,
        ..ours
    };
    let solicitation = {
        let mut source = [0; 16];
        source[..2].copy_from_slice(&[0xfe, 0x80]);
        let mut all_routers = [0; 16];
        all_routers[..2].copy_from_slice(&[0xff, 2]);
        all_routers[15] = 2;
        let mut packet = ipv6(source, all_routers);
        packet[6] = 58;
        packet
    };
    let to_control_plane = Rules {
        flags: flags::GATE_OPEN | flags::ENCAPSULATE | flags::ANY_SOURCE,
        peer_teid: GNB_TEID.to_be_bytes(),
        ..ours
    };
    let icmp_v6 = Match {
        protocol: 58,
        ..Match::default()
    };
    let v6_world = World::new()
        .list(&[
            (icmp_v6, to_control_plane),
            (others, world::uplink(SLOT_V6)),
        ])
        .change(SLOT_V6, |up, _| head(up, 0));
    let back = to_ue(SLOT);
    vec![
        up(
            "the first filter matches",
            world(&[(to_server, dropped(ours)), (others, ours)]),
            from_gnb(&g_pdu(SLOT, &web)),
            DropReason::FarDrop,
        ),
        case(
            "the second PDR matches",
            world(&[(to_server, dropped(ours)), (others, ours)]),
            from_gnb(&g_pdu(SLOT, &other_port)),
            transmits(to_router(&other_port)),
        ),
        up(
            "no PDR matches",
            world(&[(to_server, ours)]),
            from_gnb(&g_pdu(SLOT, &other_port)),
            DropReason::NoMatchingPdr,
        ),
        up(
            "a later fragment matches no port",
            world(&[(to_server, ours)]),
            from_gnb(&g_pdu(SLOT, &fragment)),
            DropReason::NoMatchingPdr,
        ),
        up(
            "an empty list",
            world(&[]),
            from_gnb(&g_pdu(SLOT, &web)),
            DropReason::NoMatchingPdr,
        ),
        up(
            "a list that does not exist",
            World::new().change(SLOT, |up, _| head(up, 99)),
            from_gnb(&g_pdu(SLOT, &web)),
            DropReason::NoMatchingPdr,
        ),
        case(
            "the last of a full list matches",
            world(&full),
            from_gnb(&g_pdu(SLOT, &other_port)),
            transmits(to_router(&other_port)),
        ),
        case(
            "a filter is the same for the way back",
            world(&[(to_server, downs)]),
            from_router(&back),
            transmits(to_gnb(Some(QFI), TOS, &back)),
        ),
        case(
            "a list by QFI",
            world(&[(others, entry_for_qfi)]),
            from_gnb(&g_pdu(SLOT, &web)),
            transmits(to_router(&web)),
        ),
        up(
            "a list by another QFI",
            world(&[(others, entry_for_qfi)]),
            from_gnb(
                &GPdu {
                    teid: teid(SLOT),
                    qfi: Some(QFI + 1),
                    payload: &web,
                }
                .to_uplink_bytes(),
            ),
            DropReason::NoMatchingPdr,
        ),
        up(
            "lists check the source too",
            world(&[(others, ours)]),
            from_gnb(&g_pdu(SLOT, &from_ue(SLOT + 1))),
            DropReason::SpoofedSource,
        ),
        case(
            "a router solicitation goes to the control plane",
            v6_world.clone(),
            from_gnb(&g_pdu(SLOT_V6, &solicitation)),
            transmits(tunnelled(None, 0, &solicitation)),
        ),
        case(
            "the UE's own IPv6 packets beside it go their way",
            v6_world,
            from_gnb(&g_pdu(SLOT_V6, &from_ue_v6(SLOT_V6))),
            transmits(to_router(&from_ue_v6(SLOT_V6))),
        ),
    ]
}

fn routes() -> Vec<Case> {
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

fn echo() -> Vec<Case> {
    let answer = |vlan, port, sequence: [u8; 2]| {
        let response = gtpu(0x32, 2, 0, &[&sequence[..], &[0, 0, 14, 0]].concat());
        let outer = ipv4(
            LOCAL,
            GNB,
            IpNumber::UDP,
            &udp(2152, port, &response),
            |header| {
                header.dscp = 0.try_into().expect("six bits");
                header.ecn = 0.try_into().expect("two bits");
                header.dont_fragment = true;
                header.time_to_live = TTL;
            },
        );
        transmits(ethernet(NEAR_MAC, PEER_MAC, vlan, EtherType::IPV4, &outer))
    };
    let request = gtpu(0x32, 1, 0, &[0x12, 0x34, 0, 0]);
    let tagged = {
        let outer = ipv4(
            GNB,
            LOCAL,
            IpNumber::UDP,
            &udp(2152, 2152, &request),
            |_| (),
        );
        ethernet(PEER_MAC, NEAR_MAC, Some(VLAN), EtherType::IPV4, &outer)
    };
    let with_extension = gtpu(
        0x32,
        1,
        0,
        &[&[0x12, 0x34, 0, 0, 255, 0, 20][..], &[7; 20]].concat(),
    );
    let padded = {
        let mut frame = from_gnb(&request);
        frame.resize(60, 0);
        frame
    };
    let world = World::new;
    vec![
        case(
            "Echo Request",
            world(),
            from_gnb(&request),
            answer(None, 2152, [0x12, 0x34]),
        ),
        case(
            "Echo Request from another port",
            world(),
            datagram(&udp(5000, 2152, &request), |_| ()),
            answer(None, 5000, [0x12, 0x34]),
        ),
        case(
            "Echo Request with a VLAN tag",
            world(),
            tagged,
            answer(Some(VLAN), 2152, [0x12, 0x34]),
        ),
        case(
            "Echo Request with a private extension",
            world(),
            from_gnb(&with_extension),
            answer(None, 2152, [0x12, 0x34]),
        ),
        case(
            "Echo Request in a padded frame",
            world(),
            padded,
            answer(None, 2152, [0x12, 0x34]),
        ),
        case(
            "Echo Request without a sequence number",
            world(),
            from_gnb(&gtpu(0x30, 1, 0, &[])),
            answer(None, 2152, [0, 0]),
        ),
    ]
}

/// The outer UDP source port is chosen by the product; it is the same for a flow, and a dynamic one.
#[must_use]
pub fn source_port_of(frame: &[u8]) -> Option<usize> {
    let network = if frame.get(12..14)? == [0x81, 0] {
        18
    } else {
        14
    };
    let header = frame.get(network..network + 24)?;
    let is_g_pdu = header[0] == 0x45
        && header[9] == 17
        && header[22..24] == 2152u16.to_be_bytes()
        && frame.get(network + 29) == Some(&255);
    is_g_pdu.then_some(network + 20)
}
