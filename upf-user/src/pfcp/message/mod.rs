//! Typed messages (TS 29.244 clause 7), a file a rule.
//!
//! What the UP function does not know is skipped and counted by the codec.

mod bar;
mod far;
mod mar;
mod node;
mod pdr;
mod pfd;
mod qer;
mod report;
mod session;
mod traffic_endpoint;
mod urr;

pub use bar::{CreateBar, UpdateBar, UpdateBarInReportResponse};
pub use far::{
    CreateFar, DuplicatingParameters, ForwardingParameters, UpdateDuplicatingParameters, UpdateFar,
    UpdateForwardingParameters,
};
pub use mar::{AccessForwardingAction, CreateMar, UpdateAccessForwardingAction, UpdateMar};
pub use node::{LoadControl, NodeReportRequest, OverloadControl, SessionSetDeletionRequest};
pub use pdr::{CreatePdr, CreatedPdr, EthernetPacketFilter, Pdi, UpdatePdr, UpdatedPdr};
pub use pfd::{ApplicationPfds, PfdContents, PfdManagementRequest};
pub use qer::{CreateQer, UpdateQer};
pub use report::{
    DownlinkDataReport, SessionReport, SessionReportRequest, SessionReportResponse, UsageReport,
};
pub use session::{
    Refusal, SessionDeletionRequest, SessionEstablishmentRequest, SessionModificationRequest,
};
pub use traffic_endpoint::{CreateTrafficEndpoint, CreatedTrafficEndpoint, UpdateTrafficEndpoint};
pub use urr::{AdditionalMonitoringTime, CreateUrr, UpdateUrr};
