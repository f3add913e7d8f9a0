//! The GTP-U header (TS 29.281 clause 5).

use super::{Packet, be16};

/// Message types (TS 29.281 clause 6.1).
pub mod message {
    /// Echo Request.
    pub const ECHO_REQUEST: u8 = 1;
    /// Echo Response.
    pub const ECHO_RESPONSE: u8 = 2;
    /// G-PDU: carries a UE's packet.
    pub const G_PDU: u8 = 255;
}

/// What a packet without a QFI has instead: no QFI is as large.
pub const NO_QFI: u8 = u8::MAX;

/// Extension headers that are walked; a chain that is longer is malformed.
const MAX_EXTENSIONS: usize = 8;
/// The mandatory part.
const HEADER: usize = 8;
/// Sequence number, N-PDU number and next extension header type: all there if one of the flags is set.
const OPTIONAL: usize = 4;

const EXTENSION_FLAG: u8 = 1 << 2;
const SEQUENCE_FLAG: u8 = 1 << 1;
const ANY_OPTIONAL_FLAG: u8 = 0b111;
const PROTOCOL_TYPE_GTP: u8 = 1 << 4;
const PDU_SESSION_CONTAINER: u8 = 0x85;
/// The upper bits of an extension header's type (TS 29.281 clause 5.2.1): the endpoint has to understand it.
const COMPREHENSION_REQUIRED: u8 = 0x80;
/// Extension headers of that kind that may come: long PDCP PDU number, the RAN containers, and PDCP PDU number, which
/// are for base stations and can be left out towards others.
const UNDERSTOOD: [u8; 6] = [0x81, 0x82, 0x83, 0x84, PDU_SESSION_CONTAINER, 0xc0];
const QFI_MASK: u8 = 0x3f;

/// What a GTP-U header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GtpuHeader {
    /// Message type.
    pub message_type: u8,
    /// TEID in wire order.
    pub teid: [u8; 4],
    /// Sequence number, if there is one.
    pub sequence: Option<u16>,
    /// QFI of the PDU Session Container (TS 38.415 clause 5.5.2), or [`NO_QFI`].
    pub qfi: u8,
    /// Where the payload begins.
    pub payload: usize,
    /// Where it ends.
    pub end: usize,
}

/// Why there is no header to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GtpuError {
    /// Another version, or GTP'.
    Version,
    /// Cut short, overstated length, an extension header of length zero, or too many of them.
    Malformed,
    /// An extension header that has to be understood, and is not.
    Extension,
}

impl GtpuHeader {
    /// Reads the header at `offset` of a datagram that ends at `end`.
    ///
    /// # Errors
    /// [`GtpuError`].
    #[inline(always)]
    pub fn read(packet: &impl Packet, offset: usize, end: usize) -> Result<Self, GtpuError> {
        let Some(header) = packet.view::<HEADER>(offset) else {
            return Err(GtpuError::Malformed);
        };
        let [flags, message_type, l0, l1, t0, t1, t2, t3] = *header;
        if flags >> 5 != 1 || flags & PROTOCOL_TYPE_GTP == 0 {
            return Err(GtpuError::Version);
        }
        let message_end = offset + HEADER + usize::from(be16(l0, l1));
        if message_end > end {
            return Err(GtpuError::Malformed);
        }
        let mut gtpu = Self {
            message_type,
            teid: [t0, t1, t2, t3],
            sequence: None,
            qfi: NO_QFI,
            payload: offset + HEADER,
            end: message_end,
        };
        if flags & ANY_OPTIONAL_FLAG != 0 {
            gtpu.read_optional(packet, flags)?;
        }
        Ok(gtpu)
    }

    #[inline(always)]
    fn read_optional(&mut self, packet: &impl Packet, flags: u8) -> Result<(), GtpuError> {
        let optional = packet.view::<OPTIONAL>(self.payload);
        let [s0, s1, ..] = *optional.ok_or(GtpuError::Malformed)?;
        if flags & SEQUENCE_FLAG != 0 {
            self.sequence = Some(be16(s0, s1));
        }
        if flags & EXTENSION_FLAG != 0 {
            self.read_extensions(packet)?;
        } else {
            self.payload += OPTIONAL;
        }
        if self.payload <= self.end {
            Ok(())
        } else {
            Err(GtpuError::Malformed)
        }
    }

    #[inline(always)]
    fn read_extensions(&mut self, packet: &impl Packet) -> Result<(), GtpuError> {
        // The last octet of the optional part, and of each extension header, names the next one.
        let mut at = self.payload + OPTIONAL - 1;
        for _ in 0..=MAX_EXTENSIONS {
            let next = packet.view::<1>(at).ok_or(GtpuError::Malformed)?[0];
            if next == 0 {
                self.payload = packet.forget(at + 1);
                return Ok(());
            }
            let extension = packet.view::<3>(at + 1);
            let [units, _, qfi] = *extension.ok_or(GtpuError::Malformed)?;
            if units == 0 {
                return Err(GtpuError::Malformed);
            }
            if next == PDU_SESSION_CONTAINER {
                self.qfi = qfi & QFI_MASK;
            } else if next & COMPREHENSION_REQUIRED != 0 && !UNDERSTOOD.contains(&next) {
                return Err(GtpuError::Extension);
            }
            at += usize::from(units) * 4;
        }
        Err(GtpuError::Malformed)
    }
}
