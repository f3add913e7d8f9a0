//! GTP-U Echo Request (TS 29.281 clause 7.2.1), answered where it arrives.

use super::uplink::{FRAGMENT_V6, FRAGMENT_V6_BYTES};
use crate::wire::{
    GTPU_PORT, IPV4, IPV6, IpAddress, Packet, UDP, Version, fold, fold_udp, message,
    outer_ipv4_checksum_base, outer_ipv6_checksum_base,
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
/// The same over IPv6.
const DATAGRAM_V6: usize = IPV6 + UDP + RESPONSE;

/// Turns the request whose IP header is at `network` into its answer, VLAN tag and all. False if the frame cannot be made
/// as long as that takes. A function of its own in BPF as well: what it needs is read anew, and costs no other packet
/// anything.
#[inline(never)]
pub(super) fn answer(
    packet: &mut impl Packet,
    network: usize,
    version: Version,
    sequence: u16,
) -> bool {
    let Some(request) = Request::read(packet, network, version) else {
        return false;
    };
    let length = network
        + match version {
            Version::V4 => DATAGRAM,
            Version::V6 => DATAGRAM_V6,
        };
    let growth = length as i64 - packet.len() as i64;
    if growth != 0 && !packet.move_tail(growth as i32) {
        return false;
    }
    swap_macs(packet)
        && match version {
            Version::V4 => write(packet, network, request, sequence),
            Version::V6 => write_v6(packet, network, request, sequence),
        }
}

/// Where a request came from, and where to.
#[derive(Clone, Copy)]
struct Request {
    source: IpAddress,
    destination: IpAddress,
    source_port: u16,
}

impl Request {
    #[inline(always)]
    fn read(packet: &impl Packet, network: usize, version: Version) -> Option<Self> {
        let (source, destination, udp) = match version {
            Version::V4 => {
                let header = packet.view::<IPV4>(network)?;
                let (_, addresses) = header.split_last_chunk::<8>()?;
                let [s0, s1, s2, s3, d0, d1, d2, d3] = *addresses;
                let source = IpAddress::from_v4([s0, s1, s2, s3]);
                let udp = network + usize::from(header[0] & 0xf) * 4;
                (source, IpAddress::from_v4([d0, d1, d2, d3]), udp)
            }
            Version::V6 => {
                let header = packet.view::<IPV6>(network)?;
                let (_, addresses) = header.split_first_chunk::<8>()?;
                let (source, destination) = addresses.split_first_chunk::<16>()?;
                let destination = IpAddress::new(destination.first_chunk::<16>()?);
                // Behind an atomic fragment's header, if there is one (RFC 6946).
                let fragment = if header[6] == FRAGMENT_V6 {
                    FRAGMENT_V6_BYTES
                } else {
                    0
                };
                (
                    IpAddress::new(source),
                    destination,
                    network + IPV6 + fragment,
                )
            }
        };
        let [p0, p1] = *packet.view::<2>(udp)?;
        Some(Self {
            source,
            destination,
            source_port: u16::from_be_bytes([p0, p1]),
        })
    }
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
fn write(packet: &mut impl Packet, offset: usize, request: Request, sequence: u16) -> bool {
    let Some(header) = packet.view_mut::<DATAGRAM>(offset) else {
        return false;
    };
    let (source, destination) = (request.source.v4(), request.destination.v4());
    let base = outer_ipv4_checksum_base(destination, source);
    let total_length = (DATAGRAM as u16).to_be_bytes();
    header[..2].copy_from_slice(&[0x45, 0]);
    header[2..4].copy_from_slice(&total_length);
    header[4..10].copy_from_slice(&[0, 0, 0x40, 0, 0x40, 0x11]);
    header[10..12].copy_from_slice(&fold(base + DATAGRAM as u32).to_be_bytes());
    header[12..16].copy_from_slice(&destination);
    header[16..20].copy_from_slice(&source);
    header[20..22].copy_from_slice(&GTPU_PORT.to_be_bytes());
    header[22..24].copy_from_slice(&request.source_port.to_be_bytes());
    header[24..28].copy_from_slice(&[0, (UDP + RESPONSE) as u8, 0, 0]);
    header[28..].copy_from_slice(&response(sequence));
    true
}

#[inline(always)]
fn write_v6(packet: &mut impl Packet, offset: usize, request: Request, sequence: u16) -> bool {
    const UDP_LENGTH: u8 = (UDP + RESPONSE) as u8;
    let Some(header) = packet.view_mut::<DATAGRAM_V6>(offset) else {
        return false;
    };
    let (source, destination) = (request.destination.bytes(), request.source.bytes());
    let response = response(sequence);
    let [r0, r1, r2, r3, _, _, _, _, r8, r9, r10, r11, r12, r13] = response;
    let mut sum = outer_ipv6_checksum_base(source, destination);
    sum += 2 * u32::from(UDP_LENGTH) + u32::from(GTPU_PORT) + u32::from(request.source_port);
    for word in [[r0, r1], [r2, r3], [r8, r9], [r10, r11], [r12, r13]] {
        sum += u32::from(u16::from_be_bytes(word));
    }
    header[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, UDP_LENGTH, 17, 64]);
    header[8..24].copy_from_slice(&source);
    header[24..40].copy_from_slice(&destination);
    header[40..42].copy_from_slice(&GTPU_PORT.to_be_bytes());
    header[42..44].copy_from_slice(&request.source_port.to_be_bytes());
    header[44..46].copy_from_slice(&[0, UDP_LENGTH]);
    header[46..48].copy_from_slice(&fold_udp(sum).to_be_bytes());
    header[48..].copy_from_slice(&response);
    true
}

/// The whole message: TEID 0, the request's sequence number, and Recovery.
#[inline(always)]
const fn response(sequence: u16) -> [u8; RESPONSE] {
    let [s0, s1] = sequence.to_be_bytes();
    [
        FLAGS,
        message::ECHO_RESPONSE,
        0,
        LENGTH,
        0,
        0,
        0,
        0,
        s0,
        s1,
        0,
        0,
        RECOVERY[0],
        RECOVERY[1],
    ]
}
