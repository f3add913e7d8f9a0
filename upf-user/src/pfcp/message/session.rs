//! Requests about sessions (clause 7.5).

use super::{
    CreateBar, CreateFar, CreateMar, CreatePdr, CreateQer, CreateTrafficEndpoint, CreateUrr,
    UpdateBar, UpdateFar, UpdateMar, UpdatePdr, UpdateQer, UpdateTrafficEndpoint, UpdateUrr,
};
use crate::pfcp::ie::{Cause, FSeid, FailedRule, FqCsid, NodeId, SNssai, UserId};

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
    /// Create URR.
    pub create_urrs: Vec<CreateUrr>,
    /// Create QER.
    pub create_qers: Vec<CreateQer>,
    /// Create BAR.
    pub create_bars: Vec<CreateBar>,
    /// Create Traffic Endpoint.
    pub create_traffic_endpoints: Vec<CreateTrafficEndpoint>,
    /// Create MAR.
    pub create_mars: Vec<CreateMar>,
    /// PDN Type (clause 8.2.79).
    pub pdn_type: Option<u8>,
    /// FQ-CSIDs of the nodes that the session hangs on.
    pub fq_csids: Vec<FqCsid>,
    /// User Plane Inactivity Timer, seconds.
    pub user_plane_inactivity_timer: Option<u32>,
    /// User ID.
    pub user_id: Option<UserId>,
    /// APN/DNN, as text.
    pub dnn: Option<String>,
    /// S-NSSAI.
    pub s_nssai: Option<SNssai>,
    /// RAT Type.
    pub rat_type: Option<u8>,
    /// Group Id.
    pub group_id: Option<Vec<u8>>,
    /// RESTI in PFCPSEReq-Flags: the session is restored, with the F-TEIDs that it had.
    pub is_restoration: bool,
}

impl SessionEstablishmentRequest {
    /// A request without rules.
    #[must_use]
    pub const fn new(node_id: NodeId, cp_f_seid: FSeid) -> Self {
        Self {
            node_id,
            cp_f_seid,
            create_pdrs: Vec::new(),
            create_fars: Vec::new(),
            create_urrs: Vec::new(),
            create_qers: Vec::new(),
            create_bars: Vec::new(),
            create_traffic_endpoints: Vec::new(),
            create_mars: Vec::new(),
            pdn_type: None,
            fq_csids: Vec::new(),
            user_plane_inactivity_timer: None,
            user_id: None,
            dnn: None,
            s_nssai: None,
            rat_type: None,
            group_id: None,
            is_restoration: false,
        }
    }

    /// The IMSI's digits, where User ID has one.
    #[must_use]
    pub fn imsi(&self) -> Option<&str> {
        self.user_id.as_ref()?.imsi()
    }
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
    /// Remove URR.
    pub remove_urrs: Vec<u32>,
    /// Remove QER.
    pub remove_qers: Vec<u32>,
    /// Remove BAR.
    pub remove_bars: Vec<u8>,
    /// Remove Traffic Endpoint.
    pub remove_traffic_endpoints: Vec<u8>,
    /// Remove MAR.
    pub remove_mars: Vec<u16>,
    /// Create PDR.
    pub create_pdrs: Vec<CreatePdr>,
    /// Create FAR.
    pub create_fars: Vec<CreateFar>,
    /// Create URR.
    pub create_urrs: Vec<CreateUrr>,
    /// Create QER.
    pub create_qers: Vec<CreateQer>,
    /// Create BAR.
    pub create_bars: Vec<CreateBar>,
    /// Create Traffic Endpoint.
    pub create_traffic_endpoints: Vec<CreateTrafficEndpoint>,
    /// Create MAR.
    pub create_mars: Vec<CreateMar>,
    /// Update PDR.
    pub update_pdrs: Vec<UpdatePdr>,
    /// Update FAR.
    pub update_fars: Vec<UpdateFar>,
    /// Update URR.
    pub update_urrs: Vec<UpdateUrr>,
    /// Update QER.
    pub update_qers: Vec<UpdateQer>,
    /// Update BAR.
    pub update_bars: Vec<UpdateBar>,
    /// Update Traffic Endpoint.
    pub update_traffic_endpoints: Vec<UpdateTrafficEndpoint>,
    /// Update MAR.
    pub update_mars: Vec<UpdateMar>,
    /// PFCPSMReq-Flags; DROBU and QAURR count here. Bits: see [`crate::pfcp::ie::sm_request_flags`].
    pub flags: u8,
    /// Query URR.
    pub query_urrs: Vec<u32>,
    /// Query URR Reference.
    pub query_urr_reference: Option<u32>,
    /// FQ-CSIDs of the nodes that the session hangs on; those of a node type replace the ones before.
    pub fq_csids: Vec<FqCsid>,
    /// User Plane Inactivity Timer, seconds.
    pub user_plane_inactivity_timer: Option<u32>,
    /// The node that the session is with from now on.
    pub node_id: Option<NodeId>,
}

/// Session Deletion Request (clause 7.5.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionDeletionRequest {
    /// The control plane's number for the session, where another one is to be answered to.
    pub cp_f_seid: Option<FSeid>,
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
