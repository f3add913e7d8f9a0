//! GTP-U to one of our addresses.

use super::tables::{Half, Tables, Way};
use super::{Found, Step, echo};
use crate::abi::{Port, verdict};
use crate::drop_reason::DropReason;
use crate::wire::{
    ETHER_IPV4, ETHER_IPV6, GTPU_PORT, GtpuError, GtpuHeader, IPV4, IPV6, Inner, IpAddress, Link,
    Packet, UDP, Version, be16, message,
};

const PROTOCOL_UDP: u8 = 17;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;
/// The fragment header's number and length, and its fields (RFC 8200 clause 4.5).
pub(super) const FRAGMENT_V6: u8 = 44;
pub(super) const FRAGMENT_V6_BYTES: usize = 8;
const FRAGMENT_OFFSET_V6: u16 = 0xfff8;
const MORE_FRAGMENTS_V6: u16 = 1;

/// A datagram to the GTP-U port of one of our addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram {
    version: Version,
    /// Where the UDP header begins.
    udp: usize,
    /// Bytes of UDP header and payload, as the UDP header says.
    udp_length: usize,
    is_fragment: bool,
}

impl Datagram {
    /// Reads the headers; `None` for everything that is not ours.
    #[inline(always)]
    pub(super) fn read(packet: &impl Packet, link: Link, port: &Port) -> Option<Self> {
        match link.ether_type {
            ETHER_IPV4 => Self::read_ipv4(packet, link, port),
            ETHER_IPV6 if port.gtpu_v6_count != 0 => Self::read_ipv6(packet, link, port),
            _ => None,
        }
    }

    #[inline(always)]
    fn read_ipv4(packet: &impl Packet, link: Link, port: &Port) -> Option<Self> {
        let header = packet.view::<IPV4>(link.network)?;
        let destination = [header[16], header[17], header[18], header[19]];
        let fragment = be16(header[6], header[7]);
        let header_length = usize::from(header[0] & 0xf) * 4;
        if header[9] != PROTOCOL_UDP
            || header[0] >> 4 != 4
            || header_length < IPV4
            // Later fragments have no ports; without the first one the kernel does nothing with them.
            || fragment & FRAGMENT_OFFSET != 0
            || !is_gtpu_address(port, destination)
        {
            return None;
        }
        Self {
            version: Version::V4,
            udp: link.network + header_length,
            udp_length: 0,
            is_fragment: fragment & MORE_FRAGMENTS != 0,
        }
        .read_udp(packet)
    }

    #[inline(always)]
    fn read_ipv6(packet: &impl Packet, link: Link, port: &Port) -> Option<Self> {
        let header = packet.view::<IPV6>(link.network)?;
        let (_, addresses) = header.split_first_chunk::<8>()?;
        let (_, destination) = addresses.split_first_chunk::<16>()?;
        let destination = IpAddress::new(destination.first_chunk::<16>()?);
        let mut protocol = header[6];
        if header[0] >> 4 != 6 || !is_gtpu_v6_address(port, destination) {
            return None;
        }
        let mut udp = link.network + IPV6;
        let mut is_fragment = false;
        if protocol == FRAGMENT_V6 {
            let [next, _, o0, o1] = *packet.view::<4>(udp)?;
            let fragment = be16(o0, o1);
            if fragment & FRAGMENT_OFFSET_V6 != 0 {
                return None;
            }
            is_fragment = fragment & MORE_FRAGMENTS_V6 != 0;
            protocol = next;
            udp += FRAGMENT_V6_BYTES;
        }
        if protocol != PROTOCOL_UDP {
            return None;
        }
        Self {
            version: Version::V6,
            udp,
            udp_length: 0,
            is_fragment,
        }
        .read_udp(packet)
    }

    /// Adds what the UDP header says.
    #[inline(always)]
    fn read_udp(self, packet: &impl Packet) -> Option<Self> {
        let [_, _, d0, d1, l0, l1, _, _] = *packet.view::<UDP>(self.udp)?;
        (be16(d0, d1) == GTPU_PORT).then_some(Self {
            udp_length: be16(l0, l1).into(),
            ..self
        })
    }
}

#[inline(always)]
fn is_gtpu_v6_address(port: &Port, address: IpAddress) -> bool {
    let mut found = false;
    for (index, own) in port.gtpu_v6.iter().enumerate() {
        found |= IpAddress::new(own) == address && index < usize::from(port.gtpu_v6_count);
    }
    found
}

#[inline(always)]
fn is_gtpu_address(port: &Port, address: [u8; 4]) -> bool {
    let wanted = u32::from_ne_bytes(address);
    let mut found = false;
    for (index, own) in port.gtpu.iter().enumerate() {
        found |= u32::from_ne_bytes(*own) == wanted && index < usize::from(port.gtpu_count);
    }
    found
}

/// A UE's packet, or a message between the nodes.
#[inline(always)]
pub(super) fn run(
    packet: &mut impl Packet,
    tables: &impl Tables,
    link: Link,
    datagram: Datagram,
) -> Found {
    if datagram.is_fragment {
        return drop(DropReason::OuterFragment);
    }
    let end = datagram.udp + datagram.udp_length;
    if datagram.udp_length < UDP || end > packet.len() {
        return drop(DropReason::GtpuMalformed);
    }
    let gtpu = match GtpuHeader::read(packet, datagram.udp + UDP, end) {
        Ok(gtpu) => gtpu,
        Err(GtpuError::Version) => return drop(DropReason::GtpuVersion),
        Err(GtpuError::Malformed) => return drop(DropReason::GtpuMalformed),
        Err(GtpuError::Extension) => {
            return Found {
                step: Step::Reply,
                ..drop(DropReason::UnsupportedExtension)
            };
        }
    };
    match gtpu.message_type {
        message::G_PDU => arrival(packet, tables, &gtpu),
        message::ECHO_REQUEST => {
            let sequence = gtpu.sequence.unwrap_or_default();
            if echo::answer(packet, link.network, datagram.version, sequence) {
                Found::nothing(Way::Uplink, Step::Answer)
            } else {
                drop(DropReason::NoHeadroom)
            }
        }
        _ => Found::nothing(Way::Uplink, Step::Punt),
    }
}

#[inline(always)]
fn drop(reason: DropReason) -> Found {
    Found::drop(Way::Uplink, reason)
}

#[inline(always)]
fn arrival(packet: &impl Packet, tables: &impl Tables, gtpu: &GtpuHeader) -> Found {
    let half = find(tables, gtpu.teid);
    if half.is_none() {
        let step = if tables.sends_error_indications() {
            Step::Reply
        } else {
            Step::Drop
        };
        return Found {
            step,
            ..drop(DropReason::UnknownTeid)
        };
    }
    let available = gtpu.end - gtpu.payload;
    let inner = Inner::read(packet, gtpu.payload, available);
    let malformed = Inner {
        length: available as u32,
        ..Inner::NONE
    };
    let step = if inner.is_some() {
        Step::Forward
    } else {
        Step::Drop
    };
    Found {
        step,
        reason: DropReason::InnerMalformed,
        way: Way::Uplink,
        half,
        teid: gtpu.teid,
        qfi: gtpu.qfi,
        inner: inner.unwrap_or(malformed),
    }
}

/// The half with this TEID: the one that the TEID's own bits lead to, or else the one of the map.
#[inline(always)]
fn find(tables: &impl Tables, teid: [u8; 4]) -> Option<Half> {
    if let Some(half) = tables.uplink_by_teid(teid)
        && serves(half, teid)
    {
        return Some(half);
    }
    let slot = tables.slot_of_teid(teid)?;
    tables
        .half(slot, Way::Uplink)
        .filter(|half| serves(*half, teid))
}

#[inline(always)]
fn serves(half: Half, teid: [u8; 4]) -> bool {
    let (own, verdict) = half.glance();
    u32::from_ne_bytes(own) == u32::from_ne_bytes(teid) && verdict != verdict::NONE
}
