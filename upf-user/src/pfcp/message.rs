//! Typed messages (TS 29.244 clause 7).
//!
//! Only what the UP function acts on is kept; other elements are skipped and counted by the codec.

use super::ie::{
    ApplyAction, BitRates, Cause, FSeid, FTeid, FailedRule, GateStatus, Interface, NodeId,
    OuterHeaderCreation, OuterHeaderRemoval, SdfFilter, UeIpAddress,
};

/// Session Establishment Request (clause 7.5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEstablishmentRequest {
    /// The control plane's node.
    pub node_id: NodeId,
    /// The control plane's number for the session.
    pub cp_f_seid: FSeid,
    /// Create PDR, at least one.
    pub create_pdrs: Vec<CreatePdr>,
    /// Create FAR.
    pub create_fars: Vec<CreateFar>,
    /// Create QER.
    pub create_qers: Vec<CreateQer>,
    /// APN/DNN, as text.
    pub dnn: Option<String>,
    /// User ID: the IMSI's digits.
    pub imsi: Option<String>,
    /// RESTI in PFCPSEReq-Flags: the session is restored, with the F-TEIDs that it had.
    pub is_restoration: bool,
}

/// Create PDR (clause 7.5.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePdr {
    /// PDR ID.
    pub id: u16,
    /// Precedence: the lowest value is looked at first. Absent means last.
    pub precedence: Option<u32>,
    /// What it matches.
    pub pdi: Pdi,
    /// What is taken off.
    pub outer_header_removal: Option<OuterHeaderRemoval>,
    /// FAR ID.
    pub far_id: Option<u32>,
    /// QER IDs.
    pub qer_ids: Vec<u32>,
    /// Activate Predefined Rules, by name.
    pub activate_predefined_rules: Vec<String>,
}

/// PDI (clause 7.5.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdi {
    /// Source Interface.
    pub source_interface: Interface,
    /// Local F-TEID.
    pub f_teid: Option<FTeid>,
    /// Network Instance, as text.
    pub network_instance: Option<String>,
    /// UE IP Address.
    pub ue_ip_address: Option<UeIpAddress>,
    /// SDF Filters: one of them has to match.
    pub sdf_filters: Vec<SdfFilter>,
    /// QFIs: one of them has to match.
    pub qfis: Vec<u8>,
    /// Application ID.
    pub application_id: Option<String>,
    /// Traffic Endpoint ID.
    pub traffic_endpoint_id: Option<u8>,
}

/// Update PDR (clause 7.5.4.2): what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatePdr {
    /// PDR ID.
    pub id: u16,
    /// Precedence.
    pub precedence: Option<u32>,
    /// A PDI: SDF filters are replaced (none means none any more), other parts only where present.
    pub pdi: Option<Pdi>,
    /// What is taken off.
    pub outer_header_removal: Option<OuterHeaderRemoval>,
    /// FAR ID.
    pub far_id: Option<u32>,
    /// QER IDs; `None` where the message has none.
    pub qer_ids: Option<Vec<u32>>,
}

/// Create FAR (clause 7.5.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateFar {
    /// FAR ID.
    pub id: u32,
    /// Apply Action.
    pub apply_action: ApplyAction,
    /// Forwarding Parameters.
    pub forwarding: Option<ForwardingParameters>,
}

/// Forwarding Parameters (clause 7.5.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardingParameters {
    /// Destination Interface.
    pub destination_interface: Interface,
    /// Network Instance, as text.
    pub network_instance: Option<String>,
    /// Outer Header Creation.
    pub outer_header_creation: Option<OuterHeaderCreation>,
    /// Transport Level Marking: ToS / traffic class and its mask.
    pub transport_level_marking: Option<(u8, u8)>,
}

/// Update FAR (clause 7.5.4.3): what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateFar {
    /// FAR ID.
    pub id: u32,
    /// Apply Action.
    pub apply_action: Option<ApplyAction>,
    /// Update Forwarding Parameters.
    pub forwarding: Option<UpdateForwardingParameters>,
}

/// Update Forwarding Parameters (clause 7.5.4.3): what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateForwardingParameters {
    /// Destination Interface.
    pub destination_interface: Option<Interface>,
    /// Network Instance, as text.
    pub network_instance: Option<String>,
    /// Outer Header Creation.
    pub outer_header_creation: Option<OuterHeaderCreation>,
    /// Transport Level Marking: ToS / traffic class and its mask.
    pub transport_level_marking: Option<(u8, u8)>,
}

/// Create QER (clause 7.5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateQer {
    /// QER ID.
    pub id: u32,
    /// Gate Status.
    pub gate: GateStatus,
    /// MBR; absent means no limit.
    pub mbr: Option<BitRates>,
    /// GBR.
    pub gbr: Option<BitRates>,
    /// QFI for the PDU Session Container of downlink packets.
    pub qfi: Option<u8>,
}

/// Update QER (clause 7.5.4.5): what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateQer {
    /// QER ID.
    pub id: u32,
    /// Gate Status.
    pub gate: Option<GateStatus>,
    /// MBR.
    pub mbr: Option<BitRates>,
    /// GBR.
    pub gbr: Option<BitRates>,
    /// QFI.
    pub qfi: Option<u8>,
}

/// Session Modification Request (clause 7.5.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionModificationRequest {
    /// The control plane's new number for the session.
    pub cp_f_seid: Option<FSeid>,
    /// Remove PDR.
    pub remove_pdrs: Vec<u16>,
    /// Remove FAR.
    pub remove_fars: Vec<u32>,
    /// Remove QER.
    pub remove_qers: Vec<u32>,
    /// Create PDR.
    pub create_pdrs: Vec<CreatePdr>,
    /// Create FAR.
    pub create_fars: Vec<CreateFar>,
    /// Create QER.
    pub create_qers: Vec<CreateQer>,
    /// Update PDR.
    pub update_pdrs: Vec<UpdatePdr>,
    /// Update FAR.
    pub update_fars: Vec<UpdateFar>,
    /// Update QER.
    pub update_qers: Vec<UpdateQer>,
}

/// Why a session request was refused. Nothing of it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Cause.
    pub cause: Cause,
    /// Offending IE: its type.
    pub offending_ie: Option<u16>,
    /// Failed Rule ID.
    pub failed_rule: Option<FailedRule>,
}

/// Created PDR (clause 7.5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedPdr {
    /// PDR ID.
    pub id: u16,
    /// The F-TEID that was allocated.
    pub f_teid: Option<FTeid>,
    /// The UE's address that was allocated.
    pub ue_ip_address: Option<UeIpAddress>,
}
