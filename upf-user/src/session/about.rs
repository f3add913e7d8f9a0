//! What a control plane tells about a session beside its rules.

use crate::pfcp::ie::{FqCsid, SNssai, UserId};
use crate::pfcp::message::{SessionEstablishmentRequest, SessionModificationRequest};

/// What is known of a session beside its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) dnn: Option<Box<str>>,
    pub(super) user_id: Option<Box<UserId>>,
    pub(super) s_nssai: Option<SNssai>,
    pub(super) rat_type: Option<u8>,
    pub(super) pdn_type: Option<u8>,
    pub(super) group_id: Option<Box<[u8]>>,
    /// Seconds.
    pub(super) inactivity_timer: Option<u32>,
    /// The sets of sessions that it ends with.
    pub(super) fq_csids: Vec<FqCsid>,
}

impl About {
    pub(super) fn new(request: &SessionEstablishmentRequest) -> Self {
        Self {
            dnn: request.dnn.as_deref().map(Box::from),
            user_id: request.user_id.clone().map(Box::new),
            s_nssai: request.s_nssai,
            rat_type: request.rat_type,
            pdn_type: request.pdn_type,
            group_id: request.group_id.as_deref().map(Box::from),
            inactivity_timer: request.user_plane_inactivity_timer,
            fq_csids: request.fq_csids.clone(),
        }
    }

    /// The FQ-CSIDs of a node type replace the ones before.
    pub(super) fn modify(&mut self, request: &SessionModificationRequest) {
        let timer = request.user_plane_inactivity_timer;
        self.inactivity_timer = timer.or(self.inactivity_timer);
        let new = &request.fq_csids;
        let is_kept = |old: &FqCsid| !new.iter().any(|new| new.node_type == old.node_type);
        self.fq_csids.retain(is_kept);
        self.fq_csids.extend(new.iter().cloned());
    }

    pub(super) fn imsi(&self) -> Option<&str> {
        self.user_id.as_ref()?.imsi()
    }

    /// Whether the session belongs to one of these sets (TS 23.007 clause 23).
    pub(super) fn is_in(&self, sets: &[FqCsid]) -> bool {
        let mut own = self.fq_csids.iter();
        own.any(|own| sets.iter().any(|set| overlap(own, set)))
    }
}

/// A node type that one of them does not tell is any.
fn overlap(a: &FqCsid, b: &FqCsid) -> bool {
    let is_same_type = a.node_type.is_none() || b.node_type.is_none() || a.node_type == b.node_type;
    is_same_type && a.node == b.node && a.csids.iter().any(|csid| b.csids.contains(csid))
}
