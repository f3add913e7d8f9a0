//! PFCP on the wire: messages from bytes and to bytes (TS 29.244 clauses 7 and 8).
//!
//! [`frames`] splits a datagram into messages, [`decode`] reads one, [`Message::encode`] writes one. The codec
//! is symmetrical: what a control plane sends can be written as well, for tests, benches and the lab.
//!
//! - IEs that are not known, vendors' ones, those of features that are not there (URR, BAR, traffic endpoints)
//!   and repetitions of what may come once are skipped and counted.
//! - A value may be longer than known: what is behind belongs to later versions. A shorter one is an error.
//! - Nothing that a peer sends makes a message bigger in memory than the bounds below allow.

mod addresses;
mod body;
mod element;
mod error;
mod far;
mod header;
mod names;
mod node_messages;
mod pdr;
mod qer;
mod reader;
mod session_messages;
#[cfg(test)]
pub(crate) mod tests;
mod values;
mod writer;

pub use body::{
    AssociationSetupRequest, AssociationSetupResponse, AssociationUpdateRequest, Body, Decoded,
    Heartbeat, Message, NodeResponse, OtherResponse, SessionDeletionResponse,
    SessionEstablishmentResponse, SessionModificationResponse, Verdict,
};
pub use error::{DecodeError, EncodeError};
pub use header::{Frame, FrameError, Frames, Header, MessageType, frames};

use super::ie::{NodeId, kind};
use element::{Elements, Tally};
use session_messages as session;
use writer::Writer;

/// Most PDRs of a kind (Create, Update, Remove, Created) in one message. More are refused with cause 75.
pub const MAX_PDRS: usize = 64;
/// Most FARs of a kind in one message.
pub const MAX_FARS: usize = 128;
/// Most QERs of a kind in one message, and most QER IDs in one PDR.
pub const MAX_QERS: usize = 64;
/// Most SDF filters in one message, those of all its PDRs together.
pub const MAX_SDF_FILTERS: usize = 256;

/// Reads a message; `None` where its type is not known.
///
/// # Errors
/// [`DecodeError`], the answer's Cause and Offending IE.
pub fn decode(frame: &Frame<'_>) -> Option<Result<Decoded, DecodeError>> {
    let kind = MessageType::from_code(frame.header.message_type)?;
    let mut tally = Tally::default();
    let body = decode_body(kind, Elements::of_message(frame.body), &mut tally);
    Some(body.map(|body| Decoded {
        body,
        skipped: tally.skipped,
    }))
}

fn decode_body(
    kind: MessageType,
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<Body, DecodeError> {
    use MessageType as Type;
    Ok(match kind {
        Type::HeartbeatRequest => {
            Body::HeartbeatRequest(node_messages::read_heartbeat(body, tally)?)
        }
        Type::HeartbeatResponse => {
            Body::HeartbeatResponse(node_messages::read_heartbeat(body, tally)?)
        }
        Type::AssociationSetupRequest => {
            Body::AssociationSetupRequest(node_messages::read_setup_request(body, tally)?)
        }
        Type::AssociationSetupResponse => {
            Body::AssociationSetupResponse(node_messages::read_setup_response(body, tally)?)
        }
        Type::AssociationUpdateRequest => {
            Body::AssociationUpdateRequest(node_messages::read_update_request(body, tally)?)
        }
        Type::AssociationUpdateResponse => {
            Body::AssociationUpdateResponse(node_messages::read_node_response(body, tally)?)
        }
        Type::AssociationReleaseRequest => {
            Body::AssociationReleaseRequest(node_messages::read_node_request(body, tally)?)
        }
        Type::AssociationReleaseResponse => {
            Body::AssociationReleaseResponse(node_messages::read_node_response(body, tally)?)
        }
        Type::VersionNotSupportedResponse => Body::VersionNotSupportedResponse,
        Type::SessionEstablishmentRequest => {
            Body::SessionEstablishmentRequest(session::read_establishment_request(body, tally)?)
        }
        Type::SessionEstablishmentResponse => {
            Body::SessionEstablishmentResponse(session::read_establishment_response(body, tally)?)
        }
        Type::SessionModificationRequest => {
            Body::SessionModificationRequest(session::read_modification_request(body, tally)?)
        }
        Type::SessionModificationResponse => {
            Body::SessionModificationResponse(session::read_modification_response(body, tally)?)
        }
        Type::SessionDeletionRequest => {
            Body::SessionDeletionRequest(session::read_deletion_request(body, tally)?)
        }
        Type::SessionDeletionResponse => {
            Body::SessionDeletionResponse(session::read_deletion_response(body, tally)?)
        }
        Type::PfdManagementRequest
        | Type::NodeReportRequest
        | Type::SessionSetDeletionRequest
        | Type::SessionSetModificationRequest
        | Type::SessionReportRequest => Body::OtherRequest(kind),
        Type::PfdManagementResponse
        | Type::NodeReportResponse
        | Type::SessionSetDeletionResponse
        | Type::SessionSetModificationResponse
        | Type::SessionReportResponse => {
            Body::OtherResponse(kind, node_messages::read_other_response(body, tally)?)
        }
    })
}

/// What an answer to an establishment needs, whether the rest can be read or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// The first Node ID, where it can be read.
    pub node_id: Option<NodeId>,
    /// The SEID of the first F-SEID, where it can be read.
    pub seid: Option<u64>,
}

/// Looks for the sender of an establishment request.
#[must_use]
pub fn find_sender(frame: &Frame<'_>) -> Sender {
    let (mut node, mut f_seid) = (None, None);
    for ie in Elements::of_message(frame.body).map_while(Result::ok) {
        match ie.kind {
            kind::NODE_ID => node = node.or(Some(ie.read(addresses::read_node_id))),
            kind::F_SEID => f_seid = f_seid.or(Some(ie.read(addresses::read_f_seid))),
            _ => {}
        }
        if node.is_some() && f_seid.is_some() {
            break;
        }
    }
    Sender {
        node_id: node.and_then(Result::ok),
        seid: f_seid.and_then(Result::ok).map(|f_seid| f_seid.seid),
    }
}

impl Message {
    /// The message's bytes.
    ///
    /// # Errors
    /// [`EncodeError`] where a length field cannot hold a length.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let kind = self.body.message_type();
        let (flags, last) = header::flags_and_last(kind.is_of_session(), self.priority);
        let mut out = Writer::default();
        out.u8(flags);
        out.u8(kind as u8);
        out.measured(|out| {
            if kind.is_of_session() {
                out.u64(self.seid);
            }
            out.u24(self.sequence);
            out.u8(last);
            encode_body(out, &self.body);
        });
        out.finish()
    }
}

fn encode_body(out: &mut Writer, body: &Body) {
    match body {
        Body::HeartbeatRequest(heartbeat) | Body::HeartbeatResponse(heartbeat) => {
            node_messages::write_heartbeat(out, heartbeat);
        }
        Body::AssociationSetupRequest(request) => {
            node_messages::write_setup_request(out, request);
        }
        Body::AssociationSetupResponse(response) => {
            node_messages::write_setup_response(out, response);
        }
        Body::AssociationUpdateRequest(request) => {
            node_messages::write_node_id(out, &request.node_id);
        }
        Body::AssociationReleaseRequest(node) => {
            node_messages::write_node_id(out, node);
        }
        Body::AssociationUpdateResponse(response) | Body::AssociationReleaseResponse(response) => {
            node_messages::write_node_response(out, response);
        }
        Body::SessionEstablishmentRequest(request) => {
            session::write_establishment_request(out, request);
        }
        Body::SessionEstablishmentResponse(response) => {
            session::write_establishment_response(out, response);
        }
        Body::SessionModificationRequest(request) => {
            session::write_modification_request(out, request);
        }
        Body::SessionModificationResponse(response) => {
            session::write_modification_response(out, response);
        }
        Body::SessionDeletionRequest(request) => session::write_deletion_request(out, request),
        Body::SessionDeletionResponse(response) => {
            node_messages::write_verdict(out, &response.verdict);
        }
        Body::NodeReportResponse(response) | Body::SessionSetDeletionResponse(response) => {
            node_messages::write_node_response(out, response);
        }
        Body::PfdManagementResponse(response) | Body::OtherResponse(_, response) => {
            node_messages::write_other_response(out, response)
        }
        Body::PfdManagementRequest(_)
        | Body::NodeReportRequest(_)
        | Body::SessionSetDeletionRequest(_)
        | Body::SessionReportRequest(_)
        | Body::SessionReportResponse(_)
        | Body::VersionNotSupportedResponse
        | Body::OtherRequest(_) => {}
    }
}
