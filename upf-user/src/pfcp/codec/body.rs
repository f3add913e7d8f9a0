//! Messages whole, and those that the session room does not see.

use super::header::MessageType;
use crate::pfcp::ie::{Cause, FSeid, FailedRule, NodeId, UpFunctionFeatures};
use crate::pfcp::message::{CreatedPdr, SessionEstablishmentRequest, SessionModificationRequest};

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The receiver's number of the session; a message of nodes does not carry it.
    pub seid: u64,
    /// Sequence number; the low 24 bits are sent.
    pub sequence: u32,
    /// Message priority, 0 (highest) to 15.
    pub priority: Option<u8>,
    /// The rest.
    pub body: Body,
}

/// What a message says (TS 29.244 clauses 7.4 and 7.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Heartbeat Request (clause 7.4.2.1).
    HeartbeatRequest(Heartbeat),
    /// Heartbeat Response (clause 7.4.2.2).
    HeartbeatResponse(Heartbeat),
    /// Association Setup Request (clause 7.4.4.1).
    AssociationSetupRequest(AssociationSetupRequest),
    /// Association Setup Response (clause 7.4.4.2).
    AssociationSetupResponse(AssociationSetupResponse),
    /// Association Update Request (clause 7.4.4.3), its Node ID.
    AssociationUpdateRequest(NodeId),
    /// Association Update Response (clause 7.4.4.4).
    AssociationUpdateResponse(NodeResponse),
    /// Association Release Request (clause 7.4.4.5), its Node ID.
    AssociationReleaseRequest(NodeId),
    /// Association Release Response (clause 7.4.4.6).
    AssociationReleaseResponse(NodeResponse),
    /// Version Not Supported Response (clause 7.4.4.7): a header only.
    VersionNotSupportedResponse,
    /// Session Establishment Request.
    SessionEstablishmentRequest(SessionEstablishmentRequest),
    /// Session Establishment Response.
    SessionEstablishmentResponse(SessionEstablishmentResponse),
    /// Session Modification Request.
    SessionModificationRequest(SessionModificationRequest),
    /// Session Modification Response.
    SessionModificationResponse(SessionModificationResponse),
    /// Session Deletion Request (clause 7.5.6): nothing in it is needed.
    SessionDeletionRequest,
    /// Session Deletion Response (clause 7.5.7).
    SessionDeletionResponse(Verdict),
    /// A request that this UP function does not serve; its IEs are not read.
    OtherRequest(MessageType),
    /// The response to such a request.
    OtherResponse(MessageType, OtherResponse),
}

impl Body {
    /// The message's type.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::HeartbeatRequest(_) => MessageType::HeartbeatRequest,
            Self::HeartbeatResponse(_) => MessageType::HeartbeatResponse,
            Self::AssociationSetupRequest(_) => MessageType::AssociationSetupRequest,
            Self::AssociationSetupResponse(_) => MessageType::AssociationSetupResponse,
            Self::AssociationUpdateRequest(_) => MessageType::AssociationUpdateRequest,
            Self::AssociationUpdateResponse(_) => MessageType::AssociationUpdateResponse,
            Self::AssociationReleaseRequest(_) => MessageType::AssociationReleaseRequest,
            Self::AssociationReleaseResponse(_) => MessageType::AssociationReleaseResponse,
            Self::VersionNotSupportedResponse => MessageType::VersionNotSupportedResponse,
            Self::SessionEstablishmentRequest(_) => MessageType::SessionEstablishmentRequest,
            Self::SessionEstablishmentResponse(_) => MessageType::SessionEstablishmentResponse,
            Self::SessionModificationRequest(_) => MessageType::SessionModificationRequest,
            Self::SessionModificationResponse(_) => MessageType::SessionModificationResponse,
            Self::SessionDeletionRequest => MessageType::SessionDeletionRequest,
            Self::SessionDeletionResponse(_) => MessageType::SessionDeletionResponse,
            Self::OtherRequest(kind) | Self::OtherResponse(kind, _) => *kind,
        }
    }
}

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What it says.
    pub body: Body,
    /// IEs that were skipped: unknown ones, vendors', those of features that are not there, repetitions.
    pub skipped: u32,
}

/// A heartbeat, either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// When the sender started, in seconds of NTP (clause 8.2.65).
    pub recovery_time_stamp: u32,
}

/// Association Setup Request (clause 7.4.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationSetupRequest {
    /// The sender's node.
    pub node_id: NodeId,
    /// When the sender started, in seconds of NTP.
    pub recovery_time_stamp: u32,
    /// UP Function Features, from a UP function.
    pub up_function_features: Option<UpFunctionFeatures>,
}

/// Association Setup Response (clause 7.4.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationSetupResponse {
    /// The sender's node.
    pub node_id: NodeId,
    /// What happened.
    pub verdict: Verdict,
    /// When the sender started, in seconds of NTP.
    pub recovery_time_stamp: u32,
    /// UP Function Features, from a UP function.
    pub up_function_features: Option<UpFunctionFeatures>,
}

/// Cause, and what it complains about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Cause.
    pub cause: Cause,
    /// Offending IE: its type.
    pub offending_ie: Option<u16>,
}

impl Verdict {
    /// Request accepted.
    pub const ACCEPTED: Self = Self::new(Cause::RequestAccepted);

    /// A cause alone.
    #[must_use]
    pub const fn new(cause: Cause) -> Self {
        Self {
            cause,
            offending_ie: None,
        }
    }
}

/// An answer to an association's update or release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeResponse {
    /// The sender's node.
    pub node_id: NodeId,
    /// What happened.
    pub verdict: Verdict,
}

/// An answer to a request that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherResponse {
    /// The sender's node, where the type has it.
    pub node_id: Option<NodeId>,
    /// What happened.
    pub verdict: Verdict,
}

/// Session Establishment Response (clause 7.5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEstablishmentResponse {
    /// The sender's node.
    pub node_id: NodeId,
    /// What happened.
    pub verdict: Verdict,
    /// Our number for the session, where it was set up.
    pub up_f_seid: Option<FSeid>,
    /// Created PDR.
    pub created_pdrs: Vec<CreatedPdr>,
    /// Failed Rule ID.
    pub failed_rule: Option<FailedRule>,
}

/// Session Modification Response (clause 7.5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionModificationResponse {
    /// What happened.
    pub verdict: Verdict,
    /// Created PDR.
    pub created_pdrs: Vec<CreatedPdr>,
    /// Failed Rule ID.
    pub failed_rule: Option<FailedRule>,
}
