//! PFCP on the wire: messages from bytes and to bytes (TS 29.244 clauses 7 and 8).
//!
//! [`frames`] splits a datagram into messages, [`decode`] reads one, [`Message::encode`] writes one. The codec
//! is symmetrical: what a control plane sends can be written as well, for tests, benches and the lab.
//!
//! - IEs that are not known, vendors' ones, those of features that are not there and repetitions of what may come
//!   once are skipped and counted.
//! - A value may be longer than known: what is behind belongs to later versions. A shorter one is an error.
//! - Nothing that a peer sends makes a message bigger in memory than the limits here allow.

mod addresses;
mod bar;
mod body;
mod catalogue;
mod duplicating;
mod element;
mod error;
mod ethernet;
mod far;
mod forwarding;
mod header;
mod identities;
mod layout;
mod limits;
mod load;
mod mar;
mod measurement;
mod names;
mod node_messages;
mod path_messages;
mod pdi;
mod pdr;
mod pfd;
mod qer;
mod reader;
mod report_messages;
mod session_requests;
mod session_responses;
mod shapes;
#[cfg(test)]
pub(crate) mod tests;
mod traffic_endpoint;
mod treatment;
pub mod tree;
mod urr;
mod usage_report;
mod values;
mod writer;

pub use body::{
    AssociationSetupRequest, AssociationSetupResponse, AssociationUpdateRequest, Body, Decoded,
    Heartbeat, Message, NodeResponse, OtherResponse, SessionDeletionResponse,
    SessionEstablishmentResponse, SessionModificationResponse, Verdict,
};
pub use error::{DecodeError, EncodeError};
pub use header::{Frame, FrameError, Frames, Header, MessageType, frames};
pub use limits::{
    MAX_APPLICATIONS, MAX_FARS, MAX_FQ_CSIDS, MAX_OTHER_RULES, MAX_PDRS, MAX_PEERS,
    MAX_PFD_CONTEXTS, MAX_PFD_VALUES, MAX_QERS, MAX_SDF_FILTERS, MAX_URRS, MAX_VALUES,
};

use super::ie::{NodeId, kind};
use element::{Elements, Tally};
use writer::Writer;

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
    use node_messages as node;
    Ok(match kind {
        Type::HeartbeatRequest => Body::HeartbeatRequest(node::read_heartbeat(body, tally)?),
        Type::HeartbeatResponse => Body::HeartbeatResponse(node::read_heartbeat(body, tally)?),
        Type::PfdManagementRequest => Body::PfdManagementRequest(pfd::read_request(body, tally)?),
        Type::PfdManagementResponse => {
            Body::PfdManagementResponse(node::read_other_response(body, tally)?)
        }
        Type::AssociationSetupRequest => {
            Body::AssociationSetupRequest(node::read_setup_request(body, tally)?)
        }
        Type::AssociationSetupResponse => {
            Body::AssociationSetupResponse(node::read_setup_response(body, tally)?)
        }
        Type::AssociationUpdateRequest => {
            Body::AssociationUpdateRequest(node::read_update_request(body, tally)?)
        }
        Type::AssociationUpdateResponse => {
            Body::AssociationUpdateResponse(node::read_node_response(body, tally)?)
        }
        Type::AssociationReleaseRequest => {
            Body::AssociationReleaseRequest(node::read_node_request(body, tally)?)
        }
        Type::AssociationReleaseResponse => {
            Body::AssociationReleaseResponse(node::read_node_response(body, tally)?)
        }
        Type::VersionNotSupportedResponse => Body::VersionNotSupportedResponse,
        Type::NodeReportRequest => {
            Body::NodeReportRequest(path_messages::read_report(body, tally)?)
        }
        Type::NodeReportResponse => {
            Body::NodeReportResponse(node::read_node_response(body, tally)?)
        }
        Type::SessionSetDeletionRequest => {
            Body::SessionSetDeletionRequest(path_messages::read_set_deletion(body, tally)?)
        }
        Type::SessionSetDeletionResponse => {
            Body::SessionSetDeletionResponse(node::read_node_response(body, tally)?)
        }
        Type::SessionSetModificationRequest => Body::OtherRequest(kind),
        Type::SessionSetModificationResponse => {
            Body::OtherResponse(kind, node::read_other_response(body, tally)?)
        }
        Type::SessionEstablishmentRequest => {
            Body::SessionEstablishmentRequest(session_requests::read_establishment(body, tally)?)
        }
        Type::SessionEstablishmentResponse => {
            Body::SessionEstablishmentResponse(session_responses::read_establishment(body, tally)?)
        }
        Type::SessionModificationRequest => {
            Body::SessionModificationRequest(session_requests::read_modification(body, tally)?)
        }
        Type::SessionModificationResponse => {
            Body::SessionModificationResponse(session_responses::read_modification(body, tally)?)
        }
        Type::SessionDeletionRequest => {
            Body::SessionDeletionRequest(session_requests::read_deletion(body, tally)?)
        }
        Type::SessionDeletionResponse => {
            Body::SessionDeletionResponse(session_responses::read_deletion(body, tally)?)
        }
        Type::SessionReportRequest => {
            Body::SessionReportRequest(report_messages::read_request(body, tally)?)
        }
        Type::SessionReportResponse => {
            Body::SessionReportResponse(report_messages::read_response(body, tally)?)
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
    use node_messages as node;
    match body {
        Body::HeartbeatRequest(heartbeat) | Body::HeartbeatResponse(heartbeat) => {
            node::write_heartbeat(out, heartbeat);
        }
        Body::PfdManagementRequest(request) => pfd::write_request(out, request),
        Body::AssociationSetupRequest(request) => node::write_setup_request(out, request),
        Body::AssociationSetupResponse(response) => node::write_setup_response(out, response),
        Body::AssociationUpdateRequest(request) => node::write_update_request(out, request),
        Body::AssociationReleaseRequest(id) => node::write_node_id(out, id),
        Body::AssociationUpdateResponse(response)
        | Body::AssociationReleaseResponse(response)
        | Body::NodeReportResponse(response)
        | Body::SessionSetDeletionResponse(response) => node::write_node_response(out, response),
        Body::NodeReportRequest(request) => path_messages::write_report(out, request),
        Body::SessionSetDeletionRequest(request) => {
            path_messages::write_set_deletion(out, request);
        }
        Body::SessionEstablishmentRequest(request) => {
            session_requests::write_establishment(out, request);
        }
        Body::SessionEstablishmentResponse(response) => {
            session_responses::write_establishment(out, response);
        }
        Body::SessionModificationRequest(request) => {
            session_requests::write_modification(out, request);
        }
        Body::SessionModificationResponse(response) => {
            session_responses::write_modification(out, response);
        }
        Body::SessionDeletionRequest(request) => session_requests::write_deletion(out, request),
        Body::SessionDeletionResponse(response) => {
            session_responses::write_deletion(out, response);
        }
        Body::SessionReportRequest(request) => report_messages::write_request(out, request),
        Body::SessionReportResponse(response) => report_messages::write_response(out, response),
        Body::PfdManagementResponse(response) | Body::OtherResponse(_, response) => {
            node::write_other_response(out, response);
        }
        Body::VersionNotSupportedResponse | Body::OtherRequest(_) => {}
    }
}
