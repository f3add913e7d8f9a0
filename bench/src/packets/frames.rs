//! Frames, put together with etherparse and the lab's own GTP-U.

use std::net::Ipv4Addr;

use etherparse::{
    EtherType, Ethernet2Header, IpNumber, Ipv4Header, Ipv6Header, NetSlice, PacketBuilder,
    SlicedPacket, TransportSlice, UdpHeader,
};

use super::world::{
    GNB, GNB_V6, LOCAL, LOCAL_V6, NEAR_MAC, PEER_MAC, ROUTER_MAC, SERVER, SERVER_V6, ue, ue_v6,
};

/// Port of a UE's application.
pub const UE_PORT: u16 = 40_000;
/// Port of a server's.
pub const SERVER_PORT: u16 = 443;
/// TTL of inner packets.
pub const TTL: u8 = 64;
/// ToS of inner packets: expedited forwarding, ECN-capable.
pub const TOS: u8 = 46 << 2 | 2;

/// An Ethernet header in front, with a VLAN tag if there is to be one.
#[must_use]
pub fn ethernet(
    source: [u8; 6],
    destination: [u8; 6],
    vlan: Option<u16>,
    ether_type: EtherType,
    payload: &[u8],
) -> Vec<u8> {
    let outermost = if vlan.is_some() {
        EtherType::VLAN_TAGGED_FRAME
    } else {
        ether_type
    };
    let header = Ethernet2Header {
        source,
        destination,
        ether_type: outermost,
    };
    let mut frame = header.to_bytes().to_vec();
    if let Some(vlan) = vlan {
        frame.extend(vlan.to_be_bytes());
        frame.extend(ether_type.0.to_be_bytes());
    }
    frame.extend(payload);
    frame
}

/// An IPv4 datagram of any protocol.
#[must_use]
pub fn ipv4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: IpNumber,
    payload: &[u8],
    change: impl FnOnce(&mut Ipv4Header),
) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("short");
    let mut header = Ipv4Header::new(length, TTL, protocol, source.octets(), destination.octets())
        .expect("short");
    header.dscp = (TOS >> 2).try_into().expect("six bits");
    header.ecn = (TOS & 3).try_into().expect("two bits");
    change(&mut header);
    header.header_checksum = header.calc_header_checksum();
    [header.to_bytes().to_vec(), payload.to_vec()].concat()
}

/// A UDP datagram's bytes without checksum.
#[must_use]
pub fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let header = UdpHeader {
        source_port: source,
        destination_port: destination,
        length: u16::try_from(8 + payload.len()).expect("short"),
        checksum: 0,
    };
    [header.to_bytes().to_vec(), payload.to_vec()].concat()
}

/// What a UE says to the server.
#[must_use]
pub fn from_ue(slot: u32) -> Vec<u8> {
    let payload = udp(UE_PORT, SERVER_PORT, b"from the UE");
    ipv4(ue(slot), SERVER, IpNumber::UDP, &payload, |_| ())
}

/// What the server says to a UE.
#[must_use]
pub fn to_ue(slot: u32) -> Vec<u8> {
    let payload = udp(SERVER_PORT, UE_PORT, b"to the UE");
    ipv4(SERVER, ue(slot), IpNumber::UDP, &payload, |_| ())
}

/// The same in IPv6, from the UE.
#[must_use]
pub fn from_ue_v6(slot: u32) -> Vec<u8> {
    ipv6(ue_v6(slot), SERVER_V6)
}

/// The same in IPv6, to the UE.
#[must_use]
pub fn to_ue_v6(slot: u32) -> Vec<u8> {
    ipv6(SERVER_V6, ue_v6(slot))
}

/// A UDP datagram in IPv6.
#[must_use]
pub fn ipv6(source: [u8; 16], destination: [u8; 16]) -> Vec<u8> {
    let builder = PacketBuilder::ipv6(source, destination, TTL).udp(UE_PORT, SERVER_PORT);
    let mut packet = Vec::new();
    builder.write(&mut packet, b"IPv6").expect("to memory");
    packet
}

/// GTP-U from the gNB to us, in a whole frame.
#[must_use]
pub fn from_gnb(gtpu: &[u8]) -> Vec<u8> {
    datagram(&udp(2152, 2152, gtpu), |_| ())
}

/// UDP from the gNB to us, in a whole frame with an IPv4 header that is `change`d.
#[must_use]
pub fn datagram(udp: &[u8], change: impl FnOnce(&mut Ipv4Header)) -> Vec<u8> {
    let packet = ipv4(GNB, LOCAL, IpNumber::UDP, udp, change);
    ethernet(PEER_MAC, NEAR_MAC, None, EtherType::IPV4, &packet)
}

/// An IPv6 datagram of any protocol.
#[must_use]
pub fn ipv6_of(
    source: [u8; 16],
    destination: [u8; 16],
    protocol: IpNumber,
    payload: &[u8],
    change: impl FnOnce(&mut Ipv6Header),
) -> Vec<u8> {
    let mut header = Ipv6Header {
        payload_length: u16::try_from(payload.len()).expect("short"),
        next_header: protocol,
        hop_limit: TTL,
        source,
        destination,
        ..Ipv6Header::default()
    };
    change(&mut header);
    [&header.to_bytes()[..], payload].concat()
}

/// A UDP datagram in IPv6, with its checksum.
#[must_use]
pub fn udp_v6(
    source: ([u8; 16], u16),
    destination: ([u8; 16], u16),
    tos: u8,
    payload: &[u8],
) -> Vec<u8> {
    let bytes = udp(source.1, destination.1, payload);
    let mut packet = ipv6_of(source.0, destination.0, IpNumber::UDP, &bytes, |header| {
        header.traffic_class = tos;
    });
    let header = Ipv6Header::from_slice(&packet).expect("an IPv6 packet").0;
    let udp = UdpHeader::with_ipv6_checksum(source.1, destination.1, &header, payload);
    let checksum = udp.expect("short").checksum.to_be_bytes();
    packet[46..48].copy_from_slice(&checksum);
    packet
}

/// Whether the checksum of a UDP datagram in IPv6 is right.
#[must_use]
pub fn has_right_checksum(packet: &[u8]) -> bool {
    let Ok(sliced) = SlicedPacket::from_ip(packet) else {
        return false;
    };
    let (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Udp(udp))) =
        (&sliced.net, &sliced.transport)
    else {
        return false;
    };
    let header = ip.header().to_header();
    let right = udp.to_header().calc_checksum_ipv6(&header, udp.payload());
    right == Ok(udp.checksum())
}

/// GTP-U from the gNB that speaks IPv6, in a whole frame.
#[must_use]
pub fn from_gnb_v6(gtpu: &[u8]) -> Vec<u8> {
    let packet = udp_v6((GNB_V6, 2152), (LOCAL_V6, 2152), 0, gtpu);
    ethernet(PEER_MAC, NEAR_MAC, None, EtherType::IPV6, &packet)
}

/// A packet from the data network, in a whole frame.
#[must_use]
pub fn from_router(packet: &[u8]) -> Vec<u8> {
    ethernet(ROUTER_MAC, NEAR_MAC, None, ether_type(packet), packet)
}

/// The EtherType of a packet.
#[must_use]
pub fn ether_type(packet: &[u8]) -> EtherType {
    if packet[0] >> 4 == 4 {
        EtherType::IPV4
    } else {
        EtherType::IPV6
    }
}

/// A packet after one more router.
#[must_use]
pub fn routed(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if packet[0] >> 4 == 4 {
        packet[8] -= 1;
        let (mut header, _) = Ipv4Header::from_slice(&packet).expect("an IPv4 packet");
        header.header_checksum = header.calc_header_checksum();
        let bytes = header.to_bytes();
        packet[..bytes.len()].copy_from_slice(&bytes);
    } else {
        packet[7] -= 1;
    }
    packet
}

/// A GTP-U message: flags, type, TEID, and everything behind the first 8 octets.
#[must_use]
pub fn gtpu(flags: u8, message_type: u8, teid: u32, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("short");
    let mut bytes = vec![flags, message_type];
    bytes.extend(length.to_be_bytes());
    bytes.extend(teid.to_be_bytes());
    bytes.extend(rest);
    bytes
}
