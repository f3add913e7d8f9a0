//! GTP-U (TS 29.281) as a gNB speaks it, written apart from the product's own parser so that each
//! checks the other.

/// The registered port.
pub const PORT: u16 = 2152;

const G_PDU: u8 = 255;
const PDU_SESSION_CONTAINER: u8 = 0x85;

/// A user packet inside a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GPdu<'a> {
    /// The receiver's tunnel.
    pub teid: u32,
    /// From the PDU Session Container, where there is one (TS 38.415 clause 5.5.2).
    pub qfi: Option<u8>,
    /// The user's IP packet.
    pub payload: &'a [u8],
}

impl GPdu<'_> {
    /// The bytes of an uplink packet: with a QFI, an uplink PDU Session Container goes in front.
    ///
    /// # Panics
    /// When the payload is larger than an IP packet can be.
    #[must_use]
    pub fn to_uplink_bytes(&self) -> Vec<u8> {
        let container = self
            .qfi
            .map(|qfi| [0, 0, 0, PDU_SESSION_CONTAINER, 1, 0x10, qfi, 0]);
        let optional = container.as_ref().map_or(&[][..], |bytes| &bytes[..]);
        let length = u16::try_from(optional.len() + self.payload.len()).expect("an IP packet");
        // Version 1, protocol type GTP; the E flag announces the extension header.
        let flags = if container.is_some() { 0x34 } else { 0x30 };
        let mut bytes = vec![flags, G_PDU];
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.teid.to_be_bytes());
        bytes.extend(optional);
        bytes.extend(self.payload);
        bytes
    }
}

/// Reads a G-PDU; `None` for other messages and for what is not GTP-U.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<GPdu<'_>> {
    let (header, rest) = bytes.split_first_chunk::<8>()?;
    let [flags, message, l0, l1, teid @ ..] = *header;
    if flags >> 4 != 3 || message != G_PDU {
        return None;
    }
    let mut payload = rest.get(..usize::from(u16::from_be_bytes([l0, l1])))?;
    let mut qfi = None;
    if flags & 7 != 0 {
        let (optional, mut rest) = payload.split_first_chunk::<4>()?;
        let mut next = if flags & 4 != 0 { optional[3] } else { 0 };
        while next != 0 {
            let length = usize::from(*rest.first()?)
                .checked_mul(4)
                .filter(|&length| length > 0)?;
            let (extension, after) = rest.split_at_checked(length)?;
            if next == PDU_SESSION_CONTAINER {
                qfi = Some(extension[2] & 0x3f);
            }
            next = extension[length - 1];
            rest = after;
        }
        payload = rest;
    }
    Some(GPdu {
        teid: u32::from_be_bytes(teid),
        qfi,
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for qfi in [None, Some(9)] {
            let packet = GPdu {
                teid: 0x0102_0304,
                qfi,
                payload: b"packet",
            };
            assert_eq!(read(&packet.to_uplink_bytes()), Some(packet));
        }
    }

    #[test]
    fn a_sequence_number_and_two_extension_headers_are_skipped() {
        let bytes = [
            0x36, 255, 0, 17, 0, 0, 0, 7, 0x12, 0x34, 0, 0xc0, 1, 0, 0, 0x85, 1, 0, 5, 0, 0x45,
        ];
        // The length counts what follows the TEID: 4 + 4 + 4 + 1, and not more than is there.
        assert_eq!(read(&bytes), None);
        let mut bytes = bytes;
        bytes[3] = 13;
        assert_eq!(
            read(&bytes),
            Some(GPdu {
                teid: 7,
                qfi: Some(5),
                payload: &[0x45]
            })
        );
    }
}
