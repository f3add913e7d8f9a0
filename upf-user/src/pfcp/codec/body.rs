//! Messages whole, and those that the session room does not see.

use super::header::MessageType;
use crate::pfcp::ie::{Cause, CpFunctionFeatures, FSeid, FailedRule, NodeId, UpFunctionFeatures};
use crate::pfcp::message::{
    CreatedPdr, CreatedTrafficEndpoint, LoadControl, NodeReportRequest, OverloadControl,
    PfdManagementRequest, SessionDeletionRequest, SessionEstablishmentRequest,
    SessionModificationRequest, SessionReportRequest, SessionReportResponse,
    SessionSetDeletionRequest, UpdatedPdr, UsageReport,
};

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
    /// PFD Management Request.
    PfdManagementRequest(PfdManagementRequest),
    /// PFD Management Response (clause 7.4.3.2).
    PfdManagementResponse(OtherResponse),
    /// Association Update Request (clause 7.4.4.3).
    AssociationUpdateRequest(AssociationUpdateRequest),
    /// Association Update Response (clause 7.4.4.4).
    AssociationUpdateResponse(NodeResponse),
    /// Association Release Request (clause 7.4.4.5), its Node ID.
    AssociationReleaseRequest(NodeId),
    /// Association Release Response (clause 7.4.4.6).
    AssociationReleaseResponse(NodeResponse),
    /// Version Not Supported Response (clause 7.4.4.7): a header only.
    VersionNotSupportedResponse,
    /// Node Report Request.
    NodeReportRequest(NodeReportRequest),
    /// Node Report Response (clause 7.4.5.2).
    NodeReportResponse(NodeResponse),
    /// Session Set Deletion Request.
    SessionSetDeletionRequest(SessionSetDeletionRequest),
    /// Session Set Deletion Response (clause 7.4.6.2).
    SessionSetDeletionResponse(NodeResponse),
    /// Session Establishment Request.
    SessionEstablishmentRequest(SessionEstablishmentRequest),
    /// Session Establishment Response.
    SessionEstablishmentResponse(SessionEstablishmentResponse),
    /// Session Modification Request.
    SessionModificationRequest(SessionModificationRequest),
    /// Session Modification Response.
    SessionModificationResponse(SessionModificationResponse),
    /// Session Deletion Request.
    SessionDeletionRequest(SessionDeletionRequest),
    /// Session Deletion Response.
    SessionDeletionResponse(SessionDeletionResponse),
    /// Session Report Request.
    SessionReportRequest(SessionReportRequest),
    /// Session Report Response.
    SessionReportResponse(SessionReportResponse),
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
            Self::PfdManagementRequest(_) => MessageType::PfdManagementRequest,
            Self::PfdManagementResponse(_) => MessageType::PfdManagementResponse,
            Self::NodeReportRequest(_) => MessageType::NodeReportRequest,
            Self::NodeReportResponse(_) => MessageType::NodeReportResponse,
            Self::SessionSetDeletionRequest(_) => MessageType::SessionSetDeletionRequest,
            Self::SessionSetDeletionResponse(_) => MessageType::SessionSetDeletionResponse,
            Self::SessionReportRequest(_) => MessageType::SessionReportRequest,
            Self::SessionReportResponse(_) => MessageType::SessionReportResponse,
            Self::SessionDeletionRequest(_) => MessageType::SessionDeletionRequest,
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
    /// CP Function Features, from a CP function.
    pub cp_function_features: Option<CpFunctionFeatures>,
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
    /// CP Function Features, from a CP function.
    pub cp_function_features: Option<CpFunctionFeatures>,
}

/// Association Update Request (clause 7.4.4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationUpdateRequest {
    /// The sender's node.
    pub node_id: NodeId,
    /// UP Function Features, from a UP function.
    pub up_function_features: Option<UpFunctionFeatures>,
    /// CP Function Features, from a CP function.
    pub cp_function_features: Option<CpFunctionFeatures>,
    /// PFCP Association Release Request. Bits: see [`crate::pfcp::ie::release_request`].
    pub release_request: Option<u8>,
    /// Graceful Release Period: unit and value, as on the wire (clause 8.2.78).
    pub graceful_release_period: Option<u8>,
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
    /// Created Traffic Endpoint.
    pub created_traffic_endpoints: Vec<CreatedTrafficEndpoint>,
    /// Failed Rule ID.
    pub failed_rule: Option<FailedRule>,
    /// Load Control Information.
    pub load_control: Option<LoadControl>,
    /// Overload Control Information.
    pub overload_control: Option<OverloadControl>,
}

/// Session Modification Response (clause 7.5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionModificationResponse {
    /// What happened.
    pub verdict: Verdict,
    /// Created PDR.
    pub created_pdrs: Vec<CreatedPdr>,
    /// Updated PDR.
    pub updated_pdrs: Vec<UpdatedPdr>,
    /// Usage Report.
    pub usage_reports: Vec<UsageReport>,
    /// Created Traffic Endpoint.
    pub created_traffic_endpoints: Vec<CreatedTrafficEndpoint>,
    /// Failed Rule ID.
    pub failed_rule: Option<FailedRule>,
    /// Load Control Information.
    pub load_control: Option<LoadControl>,
    /// Overload Control Information.
    pub overload_control: Option<OverloadControl>,
}

/// Session Deletion Response (clause 7.5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDeletionResponse {
    /// What happened.
    pub verdict: Verdict,
    /// Usage Report.
    pub usage_reports: Vec<UsageReport>,
    /// Load Control Information.
    pub load_control: Option<LoadControl>,
    /// Overload Control Information.
    pub overload_control: Option<OverloadControl>,
}
