//! The packet of a UE: IPv4 or IPv6 of any protocol.

use super::{IPV4, IPV6, IpAddress, Packet, be16, change, decrement_ttl};

/// Extension headers that are walked to find the ports of an IPv6 packet.
const MAX_IPV6_EXTENSIONS: usize = 4;
const HOP_BY_HOP: u8 = 0;
const TCP: u8 = 6;
const UDP: u8 = 17;
const DCCP: u8 = 33;
const ESP: u8 = 50;
const AH: u8 = 51;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;

/// [`Transport::spi`] of a packet without one; no SPI is as large.
pub const NO_SPI: u64 = u64::MAX;
/// [`Inner::flow_label`] of a packet without one; no flow label is as large.
pub const NO_FLOW_LABEL: u32 = u32::MAX;
const FLOW_LABEL_MASK: u32 = 0x000f_ffff;

/// IP version. As wide as it is so that records with it have no padding, which would be copied too, and not in
/// the alignment that BPF's stack asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What the IP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Where the header begins.
    pub offset: usize,
    /// IP version.
    pub version: Version,
    /// Bytes of the whole packet, header included.
    pub length: u32,
    /// TTL or hop limit.
    pub ttl: u8,
    /// ToS or traffic class.
    pub tos: u8,
    /// IPv6 flow label, or [`NO_FLOW_LABEL`].
    pub flow_label: u32,
    /// Source address.
    pub source: IpAddress,
    /// Destination address.
    pub destination: IpAddress,
}

/// Protocol and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// The upper-layer protocol's number, behind IPv6 extension headers.
    pub protocol: u8,
    /// Its ports.
    pub ports: Ports,
    /// The SPI of ESP and AH (RFC 4303 clause 2, RFC 4302 clause 2), or [`NO_SPI`].
    pub spi: u64,
}

impl Transport {
    /// What cannot be read further.
    const fn bare(protocol: u8) -> Self {
        Self {
            protocol,
            ports: Ports {
                source: NO_PORT,
                destination: NO_PORT,
            },
            spi: NO_SPI,
        }
    }
}

/// Ports of a packet, in the order in which they stand there: [`NO_PORT`] for protocols without ports, and for fragments
/// but the first. Not an `Option`: what lies in an empty one is undefined, and BPF's verifier follows it all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Source port.
    pub source: u32,
    /// Destination port.
    pub destination: u32,
}

/// What stands for a port where there is none; no port is as large.
pub const NO_PORT: u32 = u32::MAX;

impl Inner {
    /// No packet at all.
    pub const NONE: Self = Self {
        offset: 0,
        version: Version::V4,
        length: 0,
        ttl: 0,
        tos: 0,
        flow_label: NO_FLOW_LABEL,
        source: IpAddress::from_v4([0; 4]),
        destination: IpAddress::from_v4([0; 4]),
    };

    /// Reads the header at `offset`, of a packet that has at most `available` bytes; `None` where it is no IP
    /// packet or overstates its length.
    #[inline(always)]
    pub fn read(packet: &impl Packet, offset: usize, available: usize) -> Option<Self> {
        let version = packet.view::<1>(offset)?[0] >> 4;
        let inner = match version {
            4 => Self::read_ipv4(packet, offset)?,
            6 => Self::read_ipv6(packet, offset)?,
            _ => return None,
        };
        (inner.length as usize <= available).then_some(inner)
    }

    #[inline(always)]
    fn read_ipv4(packet: &impl Packet, offset: usize) -> Option<Self> {
        let header = packet.view::<IPV4>(offset)?;
        let length = be16(header[2], header[3]);
        let header_length = u16::from(header[0] & 0xf) * 4;
        let is_sound = header_length >= IPV4 as u16 && length >= header_length;
        is_sound.then_some(Self {
            offset,
            version: Version::V4,
            length: length.into(),
            ttl: header[8],
            tos: header[1],
            flow_label: NO_FLOW_LABEL,
            source: IpAddress::from_v4([header[12], header[13], header[14], header[15]]),
            destination: IpAddress::from_v4([header[16], header[17], header[18], header[19]]),
        })
    }

    #[inline(always)]
    fn read_ipv6(packet: &impl Packet, offset: usize) -> Option<Self> {
        let header = packet.view::<IPV6>(offset)?;
        let (_, addresses) = header.split_first_chunk::<8>()?;
        let (source, destination) = addresses.split_first_chunk::<16>()?;
        Some(Self {
            offset,
            version: Version::V6,
            // A jumbogram (payload length 0) does not fit an Ethernet frame.
            length: u32::from(be16(header[4], header[5])) + IPV6 as u32,
            ttl: header[7],
            tos: header[0] << 4 | header[1] >> 4,
            flow_label: u32::from_be_bytes([0, header[1], header[2], header[3]]) & FLOW_LABEL_MASK,
            source: IpAddress::new(source),
            destination: IpAddress::new(destination.first_chunk::<16>()?),
        })
    }

    /// Counts down TTL or hop limit, as a router does (RFC 1812 clause 5.3.1). False if it lies outside the frame.
    #[inline(always)]
    pub fn decrement_ttl(self, packet: &mut impl Packet) -> bool {
        match self.version {
            Version::V4 => {
                let Some(words) = packet.view_mut::<4>(self.offset + 8) else {
                    return false;
                };
                let (ttl, checksum) = decrement_ttl(words[0], be16(words[2], words[3]));
                let [high, low] = checksum.to_be_bytes();
                (words[0], words[2], words[3]) = (ttl, high, low);
            }
            Version::V6 => {
                let Some(hop_limit) = packet.view_mut::<1>(self.offset + 7) else {
                    return false;
                };
                hop_limit[0] = hop_limit[0].wrapping_sub(1);
            }
        }
        true
    }

    /// Writes [`Self::tos`] into the header. False if it lies outside the frame.
    #[inline(always)]
    pub fn write_tos(self, packet: &mut impl Packet) -> bool {
        match self.version {
            Version::V4 => {
                let Some(header) = packet.view_mut::<12>(self.offset) else {
                    return false;
                };
                let checksum = change(
                    be16(header[10], header[11]),
                    be16(header[0], header[1]),
                    be16(header[0], self.tos),
                );
                let [high, low] = checksum.to_be_bytes();
                (header[1], header[10], header[11]) = (self.tos, high, low);
            }
            Version::V6 => {
                let Some(header) = packet.view_mut::<2>(self.offset) else {
                    return false;
                };
                header[0] = header[0] & 0xf0 | self.tos >> 4;
                header[1] = self.tos << 4 | header[1] & 0x0f;
            }
        }
        true
    }

    /// Protocol and ports. What cannot be found has no ports.
    #[inline(always)]
    pub fn transport(self, packet: &impl Packet) -> Transport {
        let found = match self.version {
            Version::V4 => self.transport_of_ipv4(packet),
            Version::V6 => self.transport_of_ipv6(packet),
        };
        found.unwrap_or(Transport::bare(0))
    }

    #[inline(always)]
    fn transport_of_ipv4(self, packet: &impl Packet) -> Option<Transport> {
        let header = packet.view::<IPV4>(self.offset)?;
        let protocol = header[9];
        let is_later_fragment = be16(header[6], header[7]) & 0x1fff != 0;
        let payload = self.offset + usize::from(header[0] & 0xf) * 4;
        Some(if is_later_fragment {
            Transport::bare(protocol)
        } else {
            transport(packet, payload, protocol)
        })
    }

    #[inline(always)]
    fn transport_of_ipv6(self, packet: &impl Packet) -> Option<Transport> {
        let mut protocol = packet.view::<1>(self.offset + 6)?[0];
        let mut offset = self.offset + IPV6;
        for _ in 0..MAX_IPV6_EXTENSIONS {
            match protocol {
                HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                    let [next, length] = *packet.view::<2>(offset)?;
                    protocol = next;
                    offset += (usize::from(length) + 1) * 8;
                }
                FRAGMENT => {
                    let [next, _, o0, o1] = *packet.view::<4>(offset)?;
                    if be16(o0, o1) & 0xfff8 != 0 {
                        return Some(Transport::bare(next));
                    }
                    protocol = next;
                    offset += 8;
                }
                _ => break,
            }
        }
        Some(transport(packet, packet.forget(offset), protocol))
    }
}

/// What stands at the beginning of a protocol that is not an extension header.
#[inline(always)]
fn transport(packet: &impl Packet, offset: usize, protocol: u8) -> Transport {
    let mut transport = Transport::bare(protocol);
    let has_ports = matches!(protocol, TCP | UDP | DCCP | SCTP | UDP_LITE);
    // The SPI stands behind next header, length and a reserved word in AH, and first in ESP.
    let place = if protocol == AH { offset + 4 } else { offset };
    if !has_ports && protocol != AH && protocol != ESP {
        return transport;
    }
    let Some(word) = packet.view::<4>(place) else {
        return transport;
    };
    if has_ports {
        transport.ports = Ports {
            source: be16(word[0], word[1]).into(),
            destination: be16(word[2], word[3]).into(),
        };
    } else {
        transport.spi = u64::from(u32::from_be_bytes(*word));
    }
    transport
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{Ipv4Header, Ipv6Header};
    use proptest::prelude::*;

    /// A packet somewhere in a frame.
    struct Frame(Vec<u8>);

    impl Packet for Frame {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn view<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
            self.0.get(offset..)?.first_chunk()
        }
        fn view_mut<const N: usize>(&mut self, offset: usize) -> Option<&mut [u8; N]> {
            self.0.get_mut(offset..)?.first_chunk_mut()
        }
        fn move_head(&mut self, _: i32) -> bool {
            false
        }
        fn move_tail(&mut self, _: i32) -> bool {
            false
        }
    }

    const OFFSET: usize = 7;

    fn frame(header: &[u8]) -> Frame {
        Frame([&[0xee; OFFSET], header].concat())
    }

    /// The frame after the packet's octet has become `tos`, and what is read from it then.
    fn written(header: &[u8], tos: u8) -> (Vec<u8>, Inner) {
        let mut frame = frame(header);
        let inner = Inner::read(&frame, OFFSET, usize::MAX).unwrap();
        assert!(Inner { tos, ..inner }.write_tos(&mut frame));
        let after = Inner::read(&frame, OFFSET, usize::MAX).unwrap();
        assert_eq!(after, Inner { tos, ..inner });
        (frame.0, after)
    }

    proptest! {
        #[test]
        fn the_tos_octet_is_written_with_the_right_checksum(
            old: u8, new: u8, id: u16, ttl: u8, source: [u8; 4], destination: [u8; 4],
            length in 0u16..1400, options in 0usize..=10,
        ) {
            let mut header = Ipv4Header::new(length, ttl, 17.into(), source, destination).unwrap();
            header.identification = id;
            header.options = vec![1; options * 4].as_slice().try_into().unwrap();
            header.set_payload_len(length.into()).unwrap();
            let set = |header: &mut Ipv4Header, tos: u8| {
                header.dscp = (tos >> 2).try_into().unwrap();
                header.ecn = (tos & 3).try_into().unwrap();
                header.header_checksum = header.calc_header_checksum();
            };
            set(&mut header, old);
            let (bytes, _) = written(&header.to_bytes(), new);
            set(&mut header, new);
            prop_assert_eq!(bytes, frame(&header.to_bytes()).0);
        }

        #[test]
        fn the_traffic_class_is_written_and_nothing_else(
            old: u8, new: u8, label in 0..1u32 << 20, source: [u8; 16], destination: [u8; 16],
        ) {
            let mut header = Ipv6Header {
                traffic_class: old,
                flow_label: label.try_into().unwrap(),
                hop_limit: 3,
                source,
                destination,
                ..Ipv6Header::default()
            };
            let (bytes, after) = written(&header.to_bytes(), new);
            prop_assert_eq!(after.flow_label, label);
            header.traffic_class = new;
            prop_assert_eq!(bytes, frame(&header.to_bytes()).0);
        }
    }

    #[test]
    fn nothing_is_written_outside_the_frame() {
        for version in [Version::V4, Version::V6] {
            let inner = Inner {
                version,
                offset: OFFSET,
                ..Inner::NONE
            };
            assert!(!inner.write_tos(&mut frame(&[0x45])));
        }
    }
}
