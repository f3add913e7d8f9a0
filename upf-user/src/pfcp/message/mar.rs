//! Multi-Access Rules.

use serde::{Deserialize, Serialize};

/// Create MAR (clause 7.5.2.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateMar {
    /// MAR ID.
    pub id: u16,
    /// Steering Functionality (clause 8.2.125).
    pub steering_functionality: u8,
    /// Steering Mode (clause 8.2.126).
    pub steering_mode: u8,
    /// 3GPP Access Forwarding Action Information.
    pub tgpp_access: Option<AccessForwardingAction>,
    /// Non-3GPP Access Forwarding Action Information.
    pub non_tgpp_access: Option<AccessForwardingAction>,
}

/// What is done by way of one access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessForwardingAction {
    /// FAR ID.
    pub far_id: u32,
    /// Weight.
    pub weight: Option<u8>,
    /// Priority.
    pub priority: Option<u8>,
    /// URR IDs.
    pub urr_ids: Vec<u32>,
}

/// Update MAR (clause 7.5.4.16): what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateMar {
    /// MAR ID.
    pub id: u16,
    /// Steering Functionality.
    pub steering_functionality: Option<u8>,
    /// Steering Mode.
    pub steering_mode: Option<u8>,
    /// Update 3GPP Access Forwarding Action Information.
    pub update_tgpp_access: Option<UpdateAccessForwardingAction>,
    /// Update Non-3GPP Access Forwarding Action Information.
    pub update_non_tgpp_access: Option<UpdateAccessForwardingAction>,
    /// 3GPP Access Forwarding Action Information, where there was none.
    pub tgpp_access: Option<AccessForwardingAction>,
    /// Non-3GPP Access Forwarding Action Information, where there was none.
    pub non_tgpp_access: Option<AccessForwardingAction>,
}

/// Changes of what is done by way of one access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateAccessForwardingAction {
    /// FAR ID.
    pub far_id: Option<u32>,
    /// Weight.
    pub weight: Option<u8>,
    /// Priority.
    pub priority: Option<u8>,
    /// URR IDs; `None` where the message has none.
    pub urr_ids: Option<Vec<u32>>,
}
