//! GTP-U messages as bytes (TS 29.281 clauses 5, 7 and 8), as far as nodes look that tell each other something.

use std::net::IpAddr;

/// Message types (clause 6.1).
pub mod message {
    /// Echo Request.
    pub const ECHO_REQUEST: u8 = 1;
    /// Echo Response.
    pub const ECHO_RESPONSE: u8 = 2;
    /// Error Indication.
    pub const ERROR_INDICATION: u8 = 26;
    /// Supported Extension Headers Notification.
    pub const SUPPORTED_EXTENSION_HEADERS: u8 = 31;
    /// Tunnel Status.
    pub const TUNNEL_STATUS: u8 = 253;
    /// End Marker.
    pub const END_MARKER: u8 = 254;
    /// G-PDU.
    pub const G_PDU: u8 = 255;
}

/// Extension headers that packets may carry to us although they ask to be understood (clause 5.2.1): Service Class
/// Indicator, UDP Port, RAN Container, Long PDCP PDU Number, Xw RAN Container, NR RAN Container, PDU Session
/// Container, PDCP PDU Number.
pub const SUPPORTED_EXTENSIONS: [u8; 8] = [0x20, 0x40, 0x81, 0x82, 0x83, 0x84, 0x85, 0xc0];

const UDP_PORT: u8 = 0x40;
/// Bit 8 of an extension header's type: the endpoint has to understand it.
const COMPREHENSION_REQUIRED: u8 = 1 << 7;
/// A chain that is longer is malformed, for the fast path too.
const MAX_EXTENSIONS: usize = 8;

/// The mandatory part of the header.
const HEADER: usize = 8;
/// Sequence number, N-PDU number and next extension header type: all there if one of the flags is set.
const OPTIONAL: usize = 4;
/// Version 1, PT = GTP.
const VERSION_1: u8 = 0x30;
const VERSION_MASK: u8 = 0xf0;
const EXTENSION_FLAG: u8 = 1 << 2;
const SEQUENCE_FLAG: u8 = 1 << 1;
const ANY_OPTIONAL_FLAG: u8 = 0b111;

/// Information elements (clause 8.1).
mod ie {
    pub(super) const RECOVERY: u8 = 14;
    pub(super) const TEID_DATA_I: u8 = 16;
    pub(super) const PEER_ADDRESS: u8 = 133;
    pub(super) const EXTENSION_HEADER_TYPES: u8 = 141;
    /// From here on an element says how long it is.
    pub(super) const FIRST_TLV: u8 = 128;
}

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// TEID of the header.
    pub teid: u32,
    /// Sequence number, where there is one.
    pub sequence: Option<u16>,
    /// The first extension header that asks to be understood, and is not.
    pub unsupported_extension: Option<u8>,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Echo Request (clause 7.2.1).
    EchoRequest,
    /// Echo Response (clause 7.2.2).
    EchoResponse {
        /// Restart counter; always 0 by the book, and none from peers that leave it out.
        recovery: Option<u8>,
    },
    /// Error Indication (clause 7.3.1): the node `peer` has no tunnel `teid`. A UDP Port extension header and
    /// a Recovery Time Stamp tell us nothing more.
    ErrorIndication {
        /// Tunnel Endpoint Identifier Data I.
        teid: u32,
        /// GTP-U Peer Address.
        peer: IpAddr,
    },
    /// Supported Extension Headers Notification (clause 7.2.3): all that the peer understands.
    SupportedExtensionHeaders(Vec<u8>),
    /// Tunnel Status (clause 7.3.3).
    TunnelStatus,
    /// End Marker (clause 7.3.2).
    EndMarker,
    /// G-PDU: a user's packet.
    GPdu,
    /// A message type that is not known.
    Other(u8),
}

/// Why there is no message to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another version, or GTP'.
    #[error("not GTP version 1")]
    Version,
    /// The header is cut short, or says more than there is.
    #[error("the header does not fit the datagram")]
    Header,
    /// An extension header of length zero, one that is cut short, or too many of them.
    #[error("the extension headers are malformed")]
    Extensions,
    /// An element that has to be there is not, or cannot be read.
    #[error("IE {0} is missing or malformed")]
    Ie(u8),
}

/// Reads a datagram.
///
/// # Errors
/// [`DecodeError`]; such a datagram is discarded without an answer (clause 11 has none).
pub fn decode(datagram: &[u8]) -> Result<Message, DecodeError> {
    let (&[flags, kind, l0, l1, t0, t1, t2, t3], rest) = datagram
        .split_first_chunk::<HEADER>()
        .ok_or(DecodeError::Header)?;
    if flags & VERSION_MASK != VERSION_1 {
        return Err(DecodeError::Version);
    }
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let rest = rest.get(..length).ok_or(DecodeError::Header)?;
    let mut message = Message {
        teid: u32::from_be_bytes([t0, t1, t2, t3]),
        sequence: None,
        unsupported_extension: None,
        body: Body::Other(kind),
    };
    let mut elements = rest;
    if flags & ANY_OPTIONAL_FLAG != 0 {
        let (&[s0, s1, _, next], rest) = rest
            .split_first_chunk::<OPTIONAL>()
            .ok_or(DecodeError::Header)?;
        if flags & SEQUENCE_FLAG != 0 {
            message.sequence = Some(u16::from_be_bytes([s0, s1]));
        }
        elements = rest;
        if flags & EXTENSION_FLAG != 0 {
            (message.unsupported_extension, elements) =
                walk_extensions(next, rest).ok_or(DecodeError::Extensions)?;
        }
    }
    message.body = body(kind, elements)?;
    Ok(message)
}

/// The first unsupported type, and what follows the chain.
fn walk_extensions(mut next: u8, mut rest: &[u8]) -> Option<(Option<u8>, &[u8])> {
    let mut unsupported = None;
    for _ in 0..=MAX_EXTENSIONS {
        if next == 0 {
            return Some((unsupported, rest));
        }
        if next & COMPREHENSION_REQUIRED != 0 && !SUPPORTED_EXTENSIONS.contains(&next) {
            unsupported = unsupported.or(Some(next));
        }
        let length = usize::from(*rest.first()?) * 4;
        let (header, behind) = rest.split_at_checked(length)?;
        // Also the end of a header of length zero, which has no last octet.
        next = *header.last()?;
        rest = behind;
    }
    None
}

fn body(kind: u8, bytes: &[u8]) -> Result<Body, DecodeError> {
    Ok(match kind {
        message::ECHO_REQUEST => Body::EchoRequest,
        message::ECHO_RESPONSE => {
            let recovery = Elements(bytes).find(|element| element.kind == ie::RECOVERY);
            Body::EchoResponse {
                recovery: recovery.and_then(|element| element.value.first().copied()),
            }
        }
        message::ERROR_INDICATION => Body::ErrorIndication {
            teid: find(bytes, ie::TEID_DATA_I, |value| {
                Some(u32::from_be_bytes(value.try_into().ok()?))
            })?,
            peer: find(bytes, ie::PEER_ADDRESS, address)?,
        },
        message::SUPPORTED_EXTENSION_HEADERS => {
            Body::SupportedExtensionHeaders(find(bytes, ie::EXTENSION_HEADER_TYPES, |value| {
                Some(value.to_vec())
            })?)
        }
        message::TUNNEL_STATUS => Body::TunnelStatus,
        message::END_MARKER => Body::EndMarker,
        message::G_PDU => Body::GPdu,
        other => Body::Other(other),
    })
}

fn address(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(value).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(value).ok()?)),
        _ => None,
    }
}

/// The first element of a type; later ones do not count.
fn find<T>(bytes: &[u8], kind: u8, read: impl Fn(&[u8]) -> Option<T>) -> Result<T, DecodeError> {
    Elements(bytes)
        .find(|element| element.kind == kind)
        .and_then(|element| read(element.value))
        .ok_or(DecodeError::Ie(kind))
}

struct Element<'a> {
    kind: u8,
    value: &'a [u8],
}

/// Elements one after the other, until one is cut short or has a length that nobody tells.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (&kind, rest) = std::mem::take(&mut self.0).split_first()?;
        let (length, rest) = match kind {
            ie::RECOVERY => (1, rest),
            ie::TEID_DATA_I => (4, rest),
            // The only one with a length of one octet (clause 8.5).
            ie::EXTENSION_HEADER_TYPES => {
                let (&length, rest) = rest.split_first()?;
                (usize::from(length), rest)
            }
            ie::FIRST_TLV.. => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            _ => return None,
        };
        let (value, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some(Element { kind, value })
    }
}

/// Echo Request.
#[must_use]
pub fn echo_request(sequence: u16) -> Vec<u8> {
    signalling(message::ECHO_REQUEST, sequence, None, &[])
}

/// Echo Response, with the Recovery that GTP-U always sends (clause 8.2).
#[must_use]
pub fn echo_response(sequence: u16) -> Vec<u8> {
    signalling(message::ECHO_RESPONSE, sequence, None, &[ie::RECOVERY, 0])
}

/// Error Indication: `address`, which is ours, has no tunnel `teid`. `udp_port` is the source port of the packet
/// that came by it.
#[must_use]
pub fn error_indication(teid: u32, address: IpAddr, udp_port: u16) -> Vec<u8> {
    let mut elements = vec![ie::TEID_DATA_I];
    elements.extend(teid.to_be_bytes());
    elements.push(ie::PEER_ADDRESS);
    match address {
        IpAddr::V4(address) => {
            elements.extend([0, 4]);
            elements.extend(address.octets());
        }
        IpAddr::V6(address) => {
            elements.extend([0, 16]);
            elements.extend(address.octets());
        }
    }
    // The sequence number means nothing here (clause 5.1).
    signalling(message::ERROR_INDICATION, 0, Some(udp_port), &elements)
}

/// Supported Extension Headers Notification.
#[must_use]
pub fn supported_extension_headers() -> Vec<u8> {
    let mut elements = vec![ie::EXTENSION_HEADER_TYPES, SUPPORTED_EXTENSIONS.len() as u8];
    elements.extend(SUPPORTED_EXTENSIONS);
    signalling(message::SUPPORTED_EXTENSION_HEADERS, 0, None, &elements)
}

/// End Marker.
#[must_use]
pub fn end_marker(teid: u32) -> [u8; 8] {
    header(VERSION_1, message::END_MARKER, 0, teid)
}

/// What comes before the packet in a G-PDU. `None` for one that is longer than the length field can say.
#[must_use]
pub fn g_pdu_header(teid: u32, packet: &[u8]) -> Option<[u8; 8]> {
    let length = u16::try_from(packet.len()).ok()?;
    Some(header(VERSION_1, message::G_PDU, length, teid))
}

/// A message between nodes: TEID 0 and a sequence number (clause 5.1). Its elements are few.
fn signalling(kind: u8, sequence: u16, udp_port: Option<u16>, elements: &[u8]) -> Vec<u8> {
    let (mut flags, mut next, mut extensions) = (VERSION_1 | SEQUENCE_FLAG, 0, Vec::new());
    if let Some(port) = udp_port {
        let [high, low] = port.to_be_bytes();
        flags |= EXTENSION_FLAG;
        next = UDP_PORT;
        extensions = vec![1, high, low, 0];
    }
    let [high, low] = sequence.to_be_bytes();
    let optional = [high, low, 0, next];
    let length = OPTIONAL + extensions.len() + elements.len();
    let mut bytes = header(flags, kind, length as u16, 0).to_vec();
    for part in [&optional[..], &extensions, elements] {
        bytes.extend_from_slice(part);
    }
    bytes
}

fn header(flags: u8, kind: u8, length: u16, teid: u32) -> [u8; HEADER] {
    let ([l0, l1], [t0, t1, t2, t3]) = (length.to_be_bytes(), teid.to_be_bytes());
    [flags, kind, l0, l1, t0, t1, t2, t3]
}
