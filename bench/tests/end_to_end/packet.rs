//! A user's packets made by hand, where the tests are the UE: IPv4 with UDP.

use std::net::{Ipv4Addr, SocketAddrV4};

const HEADERS: usize = 28;

/// A datagram without a UDP checksum.
pub(crate) fn udp(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEADERS + payload.len()).expect("a small packet");
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    // No identification, do not fragment; TTL, UDP, a checksum to come.
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(from.ip().octets());
    packet.extend(to.ip().octets());
    let checksum = checksum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(from.port().to_be_bytes());
    packet.extend(to.port().to_be_bytes());
    packet.extend((length - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    packet
}

/// Source and destination of a datagram, by [`udp`]'s shape.
pub(crate) fn ends(packet: &[u8]) -> Option<(SocketAddrV4, SocketAddrV4)> {
    let (header, rest) = packet.split_first_chunk::<20>()?;
    let ports = rest.first_chunk::<4>()?;
    if header[0] != 0x45 || header[9] != 17 {
        return None;
    }
    let address =
        |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    let port = |at: usize| u16::from_be_bytes([ports[at], ports[at + 1]]);
    Some((
        SocketAddrV4::new(address(12), port(0)),
        SocketAddrV4::new(address(16), port(2)),
    ))
}

fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2);
    let sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
        .sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}
