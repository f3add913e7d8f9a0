//! GTP-U Echo Request (TS 29.281 clause 7.2.1), answered where it arrives.

use super::uplink::Datagram;
use crate::wire::{
    GTPU_PORT, GtpuHeader, IPV4, Link, Packet, UDP, fold, message, outer_ipv4_checksum_base,
};

/// Header with its optional part, and the mandatory Recovery IE.
const RESPONSE: usize = 8 + 4 + 2;
/// Version 1, PT, sequence number.
const FLAGS: u8 = 0x32;
/// Recovery: the type, and the value that GTP-U always sends (clause 8.2).
const RECOVERY: [u8; 2] = [14, 0];
/// What follows the mandatory part of the header.
const LENGTH: u8 = 4 + RECOVERY.len() as u8;
/// Everything behind the link layer.
const DATAGRAM: usize = IPV4 + UDP + RESPONSE;

/// Turns the request into its answer, VLAN tag and all. False if the frame cannot be made as long as that takes.
#[inline(always)]
pub(super) fn answer(
    packet: &mut impl Packet,
    link: Link,
    datagram: Datagram,
    request: &GtpuHeader,
) -> bool {
    let length = link.network + DATAGRAM;
    let growth = length as i64 - packet.len() as i64;
    if growth != 0 && !packet.move_tail(growth as i32) {
        return false;
    }
    let sequence = request.sequence.unwrap_or_default();
    swap_macs(packet) && write(packet, link.network, datagram, sequence)
}

#[inline(always)]
fn swap_macs(packet: &mut impl Packet) -> bool {
    let Some(macs) = packet.view_mut::<12>(0) else {
        return false;
    };
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *macs;
    *macs = [g, h, i, j, k, l, a, b, c, d, e, f];
    true
}

#[inline(always)]
fn write(packet: &mut impl Packet, offset: usize, request: Datagram, sequence: u16) -> bool {
    let Some(header) = packet.view_mut::<DATAGRAM>(offset) else {
        return false;
    };
    let base = outer_ipv4_checksum_base(request.destination, request.source);
    let total_length = (DATAGRAM as u16).to_be_bytes();
    header[..2].copy_from_slice(&[0x45, 0]);
    header[2..4].copy_from_slice(&total_length);
    header[4..10].copy_from_slice(&[0, 0, 0x40, 0, 0x40, 0x11]);
    header[10..12].copy_from_slice(&fold(base + DATAGRAM as u32).to_be_bytes());
    header[12..16].copy_from_slice(&request.destination);
    header[16..20].copy_from_slice(&request.source);
    header[20..22].copy_from_slice(&GTPU_PORT.to_be_bytes());
    header[22..24].copy_from_slice(&request.source_port.to_be_bytes());
    header[24..28].copy_from_slice(&[0, (UDP + RESPONSE) as u8, 0, 0]);
    header[28..32].copy_from_slice(&[FLAGS, message::ECHO_RESPONSE, 0, LENGTH]);
    header[32..36].copy_from_slice(&[0; 4]);
    header[36..38].copy_from_slice(&sequence.to_be_bytes());
    header[38..40].copy_from_slice(&[0, 0]);
    header[40..42].copy_from_slice(&RECOVERY);
    true
}
