//! The header (TS 29.244 clause 7.2.2), and the messages of one datagram.

use super::error::Flaw;
use super::reader::Reader;

/// The version that this is (clause 7.2.2.1).
const VERSION: u8 = 1;
const S: u8 = 1 << 0;
const MP: u8 = 1 << 1;
const FO: u8 = 1 << 2;
/// The length counts from here on.
const LENGTH_COUNTS_FROM: usize = 4;

/// Message types (table 7.3-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "named as TS 29.244 table 7.3-1 names them")]
pub enum MessageType {
    HeartbeatRequest = 1,
    HeartbeatResponse = 2,
    PfdManagementRequest = 3,
    PfdManagementResponse = 4,
    AssociationSetupRequest = 5,
    AssociationSetupResponse = 6,
    AssociationUpdateRequest = 7,
    AssociationUpdateResponse = 8,
    AssociationReleaseRequest = 9,
    AssociationReleaseResponse = 10,
    VersionNotSupportedResponse = 11,
    NodeReportRequest = 12,
    NodeReportResponse = 13,
    SessionSetDeletionRequest = 14,
    SessionSetDeletionResponse = 15,
    SessionSetModificationRequest = 16,
    SessionSetModificationResponse = 17,
    SessionEstablishmentRequest = 50,
    SessionEstablishmentResponse = 51,
    SessionModificationRequest = 52,
    SessionModificationResponse = 53,
    SessionDeletionRequest = 54,
    SessionDeletionResponse = 55,
    SessionReportRequest = 56,
    SessionReportResponse = 57,
}

impl MessageType {
    const ALL: [Self; 25] = [
        Self::HeartbeatRequest,
        Self::HeartbeatResponse,
        Self::PfdManagementRequest,
        Self::PfdManagementResponse,
        Self::AssociationSetupRequest,
        Self::AssociationSetupResponse,
        Self::AssociationUpdateRequest,
        Self::AssociationUpdateResponse,
        Self::AssociationReleaseRequest,
        Self::AssociationReleaseResponse,
        Self::VersionNotSupportedResponse,
        Self::NodeReportRequest,
        Self::NodeReportResponse,
        Self::SessionSetDeletionRequest,
        Self::SessionSetDeletionResponse,
        Self::SessionSetModificationRequest,
        Self::SessionSetModificationResponse,
        Self::SessionEstablishmentRequest,
        Self::SessionEstablishmentResponse,
        Self::SessionModificationRequest,
        Self::SessionModificationResponse,
        Self::SessionDeletionRequest,
        Self::SessionDeletionResponse,
        Self::SessionReportRequest,
        Self::SessionReportResponse,
    ];

    /// The type of a code; `None` where the code is not known.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// Whether it answers another message.
    #[must_use]
    pub fn is_response(self) -> bool {
        self == Self::VersionNotSupportedResponse
            || Self::ALL
                .into_iter()
                .any(|kind| kind.response() == Some(self))
    }

    /// The type that answers a request; `None` for a response.
    #[must_use]
    pub const fn response(self) -> Option<Self> {
        Some(match self {
            Self::HeartbeatRequest => Self::HeartbeatResponse,
            Self::PfdManagementRequest => Self::PfdManagementResponse,
            Self::AssociationSetupRequest => Self::AssociationSetupResponse,
            Self::AssociationUpdateRequest => Self::AssociationUpdateResponse,
            Self::AssociationReleaseRequest => Self::AssociationReleaseResponse,
            Self::NodeReportRequest => Self::NodeReportResponse,
            Self::SessionSetDeletionRequest => Self::SessionSetDeletionResponse,
            Self::SessionSetModificationRequest => Self::SessionSetModificationResponse,
            Self::SessionEstablishmentRequest => Self::SessionEstablishmentResponse,
            Self::SessionModificationRequest => Self::SessionModificationResponse,
            Self::SessionDeletionRequest => Self::SessionDeletionResponse,
            Self::SessionReportRequest => Self::SessionReportResponse,
            _ => return None,
        })
    }

    /// Whether it is about a session, so that its header holds a SEID (clause 7.2.2.3).
    #[must_use]
    pub const fn is_of_session(self) -> bool {
        self as u8 >= Self::SessionEstablishmentRequest as u8
    }
}

/// A message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type's code, known or not.
    pub message_type: u8,
    /// The receiver's number of the session, where S says that there is one.
    pub seid: Option<u64>,
    /// Sequence number, 24 bits.
    pub sequence: u32,
    /// Message priority, four bits, where MP says that there is one.
    pub priority: Option<u8>,
}

/// A message in its datagram.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its header.
    pub header: Header,
    /// All of it, header and body.
    pub bytes: &'a [u8],
    /// Its IEs.
    pub(super) body: &'a [u8],
}

/// Why a datagram, or what is left of it, holds no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It ends inside the header (clause 7.6.3).
    #[error("shorter than a header")]
    Short,
    /// Message Length says more than there is (clause 7.6.3).
    #[error("message length goes beyond the datagram")]
    LengthBeyondDatagram,
    /// Message Length ends inside the header (clause 7.6.3).
    #[error("message length ends inside the header")]
    LengthInsideHeader,
    /// A version that is not ours (clause 7.6.2).
    #[error("unknown version {version}")]
    Version {
        /// That version.
        version: u8,
        /// The type, if that version's header is like ours.
        message_type: u8,
        /// The sequence number, under the same condition.
        sequence: u32,
    },
}

/// The messages of a datagram: where FO stands, another one follows. Ends behind the first error.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: Option<&'a [u8]>,
}

/// Splits a datagram into messages. Octets behind the last one are not looked at.
#[must_use]
pub const fn frames(datagram: &[u8]) -> Frames<'_> {
    Frames {
        rest: Some(datagram),
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.rest.take()?;
        Some(self.split(bytes))
    }
}

impl<'a> Frames<'a> {
    fn split(&mut self, bytes: &'a [u8]) -> Result<Frame<'a>, FrameError> {
        let mut reader = Reader::new(bytes);
        let short = |_| FrameError::Short;
        let flags = reader.u8().map_err(short)?;
        let message_type = reader.u8().map_err(short)?;
        let len = reader.u16().map_err(short)?;
        if flags >> 5 != VERSION {
            let header = read_header(flags, message_type, &mut reader).map_err(short)?;
            return Err(FrameError::Version {
                version: flags >> 5,
                message_type,
                sequence: header.sequence,
            });
        }
        let end = LENGTH_COUNTS_FROM + usize::from(len);
        let (bytes, rest) = bytes
            .split_at_checked(end)
            .ok_or(FrameError::LengthBeyondDatagram)?;
        let mut reader = Reader::new(&bytes[LENGTH_COUNTS_FROM..]);
        let header = read_header(flags, message_type, &mut reader)
            .map_err(|_| FrameError::LengthInsideHeader)?;
        if flags & FO != 0 && !rest.is_empty() {
            self.rest = Some(rest);
        }
        Ok(Frame {
            header,
            bytes,
            body: reader.take_rest(),
        })
    }
}

/// What stands behind Message Length.
fn read_header(flags: u8, message_type: u8, reader: &mut Reader<'_>) -> Result<Header, Flaw> {
    let seid = reader.when(flags & S != 0, Reader::u64)?;
    let sequence = reader.u24()?;
    let last = reader.u8()?;
    Ok(Header {
        message_type,
        seid,
        sequence,
        priority: (flags & MP != 0).then_some(last >> 4),
    })
}

/// The first octet of a header, and the last one.
pub(super) fn flags_and_last(has_seid: bool, priority: Option<u8>) -> (u8, u8) {
    let mut flags = VERSION << 5;
    if has_seid {
        flags |= S;
    }
    let Some(priority) = priority else {
        return (flags, 0);
    };
    (flags | MP, priority << 4)
}
