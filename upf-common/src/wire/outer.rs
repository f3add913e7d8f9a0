//! The headers in front of a UE's packet in a tunnel: IPv4 or IPv6, UDP, GTP-U.

use super::{GTPU_PORT, IPV4, IPV6, Packet, UDP, be16, fold, fold_udp, message};
use crate::abi::{Address, Peer};

/// A GTP-U header without optional parts.
const GTPU: usize = 8;
/// The optional part and the PDU Session Container: what a QFI adds.
const PDU_SESSION: usize = 8;
/// Bytes in front of the UE's packet without a PDU Session Container.
const SHORT: usize = IPV4 + UDP + GTPU;
/// The same over IPv6.
const SHORT_V6: usize = IPV6 + UDP + GTPU;
/// Bytes in front of the UE's packet, at most.
pub const MAX_OVERHEAD: usize = SHORT_V6 + PDU_SESSION;

/// Version 4 and IHL 5, with a ToS of zero.
const VERSION_IHL: u32 = 0x4500;
const DONT_FRAGMENT: u32 = 0x4000;
/// TTL 64 and UDP.
const TTL_PROTOCOL: u32 = 0x4011;
/// Version 1, PT.
const GTPU_FLAGS: u8 = 0x30;
const PROTOCOL_UDP: u32 = 17;
const EXTENSION_FLAG: u8 = 0x04;
const PDU_SESSION_CONTAINER: u8 = 0x85;

/// The sum of the words of an outer IPv4 header that do not change from packet to packet: all but ToS, total length
/// and checksum.
#[must_use]
pub const fn outer_ipv4_checksum_base(local: [u8; 4], remote: [u8; 4]) -> u32 {
    VERSION_IHL + DONT_FRAGMENT + TTL_PROTOCOL + words(local) + words(remote)
}

/// The sum of the words of the pseudo-header in front of a UDP datagram over IPv6 that do not change from packet to
/// packet: all but the length (RFC 8200 clause 8.1).
#[must_use]
pub const fn outer_ipv6_checksum_base(local: Address, remote: Address) -> u32 {
    let mut sum = PROTOCOL_UDP;
    let mut at = 0;
    while at < local.len() {
        sum += be16(local[at], local[at + 1]) as u32 + be16(remote[at], remote[at + 1]) as u32;
        at += 2;
    }
    sum
}

const fn words(address: [u8; 4]) -> u32 {
    let [a, b, c, d] = address;
    be16(a, b) as u32 + be16(c, d) as u32
}

/// PDU Session Container: the QFI and the PDU type that says the direction (TS 38.415 clause 5.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encapsulation {
    /// The octet with the QFI, see [`crate::abi::Rules::qfi`].
    pub qfi: u8,
    /// PDU type: 0 for the downlink, 1 for the uplink.
    pub pdu_type: u8,
}

/// All that goes in front of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer {
    /// Source address.
    pub source: [u8; 4],
    /// Destination address.
    pub destination: [u8; 4],
    /// [`outer_ipv4_checksum_base`] of both.
    pub checksum_base: u32,
    /// ToS.
    pub tos: u8,
    /// UDP source port.
    pub source_port: u16,
    /// TEID, in wire order.
    pub teid: [u8; 4],
    /// PDU Session Container, if there is to be one.
    pub container: Option<Encapsulation>,
    /// Bytes of the UE's packet.
    pub payload: u32,
}

impl Outer {
    /// Bytes that go in front of the UE's packet.
    #[inline(always)]
    #[must_use]
    pub const fn overhead(has_container: bool, is_v6: bool) -> usize {
        let short = if is_v6 { SHORT_V6 } else { SHORT };
        if has_container {
            short + PDU_SESSION
        } else {
            short
        }
    }

    /// Writes the headers at `offset`; `false` if there is no room for them.
    #[inline(always)]
    pub fn write(&self, packet: &mut impl Packet, offset: usize) -> bool {
        let optional = if self.container.is_some() {
            PDU_SESSION
        } else {
            0
        };
        let gtpu_length = self.payload + optional as u32;
        let Some(header) = packet.view_mut::<SHORT>(offset) else {
            return false;
        };
        let flags = match self.container {
            Some(_) => GTPU_FLAGS | EXTENSION_FLAG,
            None => GTPU_FLAGS,
        };
        self.write_ipv4(header, gtpu_length + SHORT as u32);
        header[20..22].copy_from_slice(&self.source_port.to_be_bytes());
        header[22..24].copy_from_slice(&GTPU_PORT.to_be_bytes());
        header[24..26].copy_from_slice(&low16(gtpu_length + (UDP + GTPU) as u32));
        // No checksum, as IPv4 allows.
        header[26..28].copy_from_slice(&[0, 0]);
        header[28..30].copy_from_slice(&[flags, message::G_PDU]);
        header[30..32].copy_from_slice(&low16(gtpu_length));
        header[32..36].copy_from_slice(&self.teid);
        self.write_container(packet, offset + SHORT)
    }

    /// The same over IPv6, where UDP needs a checksum; `payload_sum` is [`super::sum`] of the UE's packet.
    #[inline(always)]
    pub fn write_v6(
        &self,
        packet: &mut impl Packet,
        offset: usize,
        peer: &Peer,
        payload_sum: u16,
    ) -> bool {
        let (has_container, pdu_type, qfi) = match self.container {
            Some(container) => (1, container.pdu_type, container.qfi),
            None => (0, 0, 0),
        };
        let marks = u64::from(u32::from_be_bytes(self.teid)) << 32
            | u64::from(self.source_port) << 16
            | u64::from(self.tos);
        let contents = u64::from(self.payload) << 32
            | u64::from(payload_sum) << 16
            | u64::from(qfi) << 8
            | u64::from(pdu_type) << 1
            | has_container;
        write_v6(packet, offset, peer, marks, contents)
    }

    /// What [`Self::write_v6`] has packed.
    #[inline(always)]
    fn unpack(marks: u64, contents: u64) -> Self {
        Self {
            source: [0; 4],
            destination: [0; 4],
            checksum_base: 0,
            tos: marks as u8,
            source_port: (marks >> 16) as u16,
            teid: ((marks >> 32) as u32).to_be_bytes(),
            container: (contents & 1 != 0).then_some(Encapsulation {
                qfi: (contents >> 8) as u8,
                pdu_type: (contents >> 1) as u8 & 0xf,
            }),
            payload: (contents >> 32) as u32,
        }
    }

    #[inline(always)]
    fn write_ipv6_headers(
        &self,
        packet: &mut impl Packet,
        offset: usize,
        peer: &Peer,
        payload_sum: u16,
    ) -> bool {
        let has_container = self.container.is_some();
        let optional = if has_container { PDU_SESSION } else { 0 };
        let gtpu_length = self.payload + optional as u32;
        let udp_length = gtpu_length + (UDP + GTPU) as u32;
        let flags = match self.container {
            Some(_) => GTPU_FLAGS | EXTENSION_FLAG,
            None => GTPU_FLAGS,
        };
        let Some(header) = packet.view_mut::<SHORT_V6>(offset) else {
            return false;
        };
        header[..4].copy_from_slice(&[0x60 | self.tos >> 4, self.tos << 4, 0, 0]);
        header[4..6].copy_from_slice(&low16(udp_length));
        header[6..8].copy_from_slice(&[PROTOCOL_UDP as u8, 64]);
        header[8..24].copy_from_slice(&peer.local);
        header[24..40].copy_from_slice(&peer.remote);
        header[40..42].copy_from_slice(&self.source_port.to_be_bytes());
        header[42..44].copy_from_slice(&GTPU_PORT.to_be_bytes());
        header[44..46].copy_from_slice(&low16(udp_length));
        header[48..50].copy_from_slice(&[flags, message::G_PDU]);
        header[50..52].copy_from_slice(&low16(gtpu_length));
        header[52..56].copy_from_slice(&self.teid);
        // Once in the pseudo-header, once in UDP's own.
        let lengths = 2 * (udp_length & 0xffff);
        let ports = u32::from(self.source_port) + u32::from(GTPU_PORT);
        let gtpu = u32::from(be16(flags, message::G_PDU)) + (gtpu_length & 0xffff);
        let container = self.container.map_or(0, |container| {
            u32::from(be16(0, PDU_SESSION_CONTAINER))
                + u32::from(be16(1, container.pdu_type << 4))
                + u32::from(be16(container.qfi, 0))
        });
        let teid = words(self.teid);
        let sum = peer.checksum_base + lengths + ports + gtpu + teid + container;
        let checksum = fold_udp(sum + u32::from(payload_sum));
        header[46..48].copy_from_slice(&checksum.to_be_bytes());
        self.write_container(packet, offset + SHORT_V6)
    }

    /// The optional part of the GTP-U header with the PDU Session Container, where there is one.
    #[inline(always)]
    fn write_container(&self, packet: &mut impl Packet, offset: usize) -> bool {
        let Some(container) = self.container else {
            return true;
        };
        let Some(bytes) = packet.view_mut::<PDU_SESSION>(offset) else {
            return false;
        };
        *bytes = [
            0,
            0,
            0,
            PDU_SESSION_CONTAINER,
            1,
            container.pdu_type << 4,
            container.qfi,
            0,
        ];
        true
    }

    #[inline(always)]
    fn write_ipv4(&self, header: &mut [u8; SHORT], total_length: u32) {
        let checksum = fold(self.checksum_base + u32::from(self.tos) + total_length);
        header[..2].copy_from_slice(&[0x45, self.tos]);
        header[2..4].copy_from_slice(&low16(total_length));
        header[4..8].copy_from_slice(&[0, 0, 0x40, 0]);
        header[8..10].copy_from_slice(&[0x40, 0x11]);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        header[12..16].copy_from_slice(&self.source);
        header[16..20].copy_from_slice(&self.destination);
    }
}

/// A function of its own in BPF as well, for the sake of the stack, with numbers for parameters: where a record is lent to
/// a function, it has to lie in memory on all ways, also on that of IPv4.
#[inline(never)]
fn write_v6(
    packet: &mut impl Packet,
    offset: usize,
    peer: &Peer,
    marks: u64,
    contents: u64,
) -> bool {
    let outer = Outer::unpack(marks, contents);
    outer.write_ipv6_headers(packet, offset, peer, (contents >> 16) as u16)
}

/// Lengths that an MTU bounds fit 16 bits.
#[inline(always)]
const fn low16(length: u32) -> [u8; 2] {
    (length as u16).to_be_bytes()
}
