//! What the node room asks of the session room.

use std::time::Instant;

use super::ie::{FSeid, NodeId};
use super::message::{
    CreatedPdr, Refusal, SessionEstablishmentRequest, SessionModificationRequest,
};

/// A session that was set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Established {
    /// Our number for the session, with our PFCP address.
    pub up_f_seid: FSeid,
    /// A Created PDR for each PDR with something that we allocated.
    pub created_pdrs: Vec<CreatedPdr>,
}

/// What was answered to a request about an existing session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The control plane's SEID, for the answer's header; 0 where there is no such session.
    pub cp_seid: u64,
    /// What happened.
    pub outcome: Result<T, Refusal>,
}

/// Sessions, as the node sees them. Each request is applied whole or not at all. `owner` is the Node ID of the
/// association that a request came by; a session of another owner is "not found".
pub trait SessionService {
    /// Sets a session up.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was changed.
    fn establish(
        &mut self,
        owner: &NodeId,
        request: &SessionEstablishmentRequest,
        now: Instant,
    ) -> Result<Established, Refusal>;

    /// Changes a session; `seid` is ours.
    fn modify(
        &mut self,
        owner: &NodeId,
        seid: u64,
        request: &SessionModificationRequest,
        now: Instant,
    ) -> Answer<Vec<CreatedPdr>>;

    /// Ends a session; `seid` is ours.
    fn delete(&mut self, owner: &NodeId, seid: u64, now: Instant) -> Answer<()>;

    /// Ends all sessions of an association that is gone.
    fn delete_all(&mut self, owner: &NodeId, now: Instant);

    /// The control plane's SEID of a session, for the answer to a message that could not be read; `None` where
    /// there is no such session of this owner.
    fn cp_seid(&self, owner: &NodeId, seid: u64) -> Option<u64>;
}
