//! What the node room asks of the session room.

use std::net::IpAddr;
use std::time::Instant;

use super::ie::{Cause, FSeid, FqCsid, NodeId};
use super::kept::{KeptAnswer, KeptAssociation};
use super::message::{
    CreatedPdr, CreatedTrafficEndpoint, PfdManagementRequest, Refusal, SessionDeletionRequest,
    SessionEstablishmentRequest, SessionModificationRequest, SessionReport, SessionReportResponse,
    UpdatedPdr, UsageReport,
};

/// A session that was set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Established {
    /// Our number for the session, with our PFCP address.
    pub up_f_seid: FSeid,
    /// A Created PDR for each PDR with something that we allocated.
    pub created_pdrs: Vec<CreatedPdr>,
    /// A Created Traffic Endpoint for each one with something that we allocated.
    pub created_traffic_endpoints: Vec<CreatedTrafficEndpoint>,
}

/// A session that was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modified {
    /// A Created PDR for each new PDR with something that we allocated.
    pub created_pdrs: Vec<CreatedPdr>,
    /// An Updated PDR for each other PDR that we allocated something for.
    pub updated_pdrs: Vec<UpdatedPdr>,
    /// A Created Traffic Endpoint for each one with something that we allocated.
    pub created_traffic_endpoints: Vec<CreatedTrafficEndpoint>,
    /// Usage Reports.
    pub usage_reports: Vec<UsageReport>,
}

/// A session that was ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Usage Reports.
    pub usage_reports: Vec<UsageReport>,
}

/// What was answered to a request about an existing session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The control plane's SEID, for the answer's header; 0 where there is no such session.
    pub cp_seid: u64,
    /// What happened.
    pub outcome: Result<T, Refusal>,
}

/// A Session Report Request with usage reports, which has to be acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRequest {
    /// Names the request; no other one of this run has it.
    pub id: u64,
    /// It is about a session of before our start: whatever has the same SEID now is another.
    pub is_former: bool,
    /// What is reported, of which session. For a session that has ended, its SEID at the control plane is the last that it
    /// had.
    pub report: SessionReport,
}

/// What became of a [`UsageRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageOutcome {
    /// The control plane has answered.
    Answered {
        /// With this.
        cause: Cause,
        /// Its new SEID of the session.
        cp_seid: Option<u64>,
    },
    /// The control plane lives and does not answer it.
    Ignored,
    /// The control plane was not reached, or is gone.
    NotSent,
}

/// Sessions, as the node sees them. Each request is applied whole or not at all. `owner` is the Node ID of the
/// association that a request came by; a session of another owner is "not found".
pub trait SessionService {
    /// Sets a session up. `header_seid` is the SEID of the request's header: that of the session as it was where it
    /// is restored, else 0.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was changed.
    fn establish(
        &mut self,
        owner: &NodeId,
        header_seid: u64,
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
    ) -> Answer<Modified>;

    /// Ends a session; `seid` is ours.
    fn delete(
        &mut self,
        owner: &NodeId,
        seid: u64,
        request: &SessionDeletionRequest,
        now: Instant,
    ) -> Answer<Deleted>;

    /// Ends all sessions of an association that is gone. No request finds them any more; what they hold is given back
    /// bit by bit, and keeps nobody from having the same; who wants what very many had may have to ask again (cause 74).
    fn delete_all(&mut self, owner: &NodeId, now: Instant);

    /// Ends the owner's sessions that belong to one of the sets (TS 23.007 clause 23), as [`Self::delete_all`] does.
    ///
    /// # Errors
    /// A [`Refusal`] where too much of this is under way for the owner; nothing was changed.
    fn delete_sets(&mut self, owner: &NodeId, sets: &[FqCsid], now: Instant)
    -> Result<(), Refusal>;

    /// Replaces what applications look like: for the owner's new requests at once, for its sessions moments later.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was changed.
    fn provision_pfds(
        &mut self,
        owner: &NodeId,
        request: &PfdManagementRequest,
        now: Instant,
    ) -> Result<(), Refusal>;

    /// A control plane has answered a report about the session `seid`, which is ours. Where it does not know the
    /// session (cause 65) the session ends: nobody else would ever end it.
    fn report_answered(
        &mut self,
        owner: &NodeId,
        seid: u64,
        response: &SessionReportResponse,
        now: Instant,
    );

    /// Keeps an association as it is from now on, for the next process; `None`: it is gone. What is kept together outlives
    /// this process, all or none of it, when [`Self::take_usage_owners`] returns.
    fn keep_association(&mut self, _node: &NodeId, _kept: Option<&KeptAssociation>) {}

    /// Keeps what became of an answer until its time is over.
    fn keep_answer(&mut self, _answer: KeptAnswer) {}

    /// Keeps the sequence number from which on another process may number its requests.
    fn keep_sequence(&mut self, _next: u32) {}

    /// The control planes that have had new usage reports since this was asked last. It is asked before anything is sent
    /// that follows from requests: they are in the store then, as all else that is to be kept.
    fn take_usage_owners(&mut self) -> Vec<NodeId> {
        Vec::new()
    }

    /// Reports about sessions, other than of usage, that have become due; each is taken once.
    fn take_reports(&mut self) -> Vec<(NodeId, SessionReport)> {
        Vec::new()
    }

    /// The next request with usage reports for a control plane. It is under way until
    /// [`Self::usage_request_done`] says what became of it; those of one session follow each other.
    fn next_usage_request(&mut self, _owner: &NodeId, _now: Instant) -> Option<UsageRequest> {
        None
    }

    /// When [`Self::next_usage_request`] may have something, after it had nothing; `None` where new reports or the end of a
    /// request have to come before that.
    fn usage_request_due(&self, _owner: &NodeId, _now: Instant) -> Option<Instant> {
        None
    }

    /// What became of a request with usage reports. The reports are kept until they are acknowledged.
    fn usage_request_done(&mut self, _id: u64, _outcome: UsageOutcome, _now: Instant) {}

    /// The owners of sessions that send to one of these GTP-U peers, each with those of the peers that it uses. Sessions
    /// count until what they hold is given back.
    fn owners_of_peers(&self, peers: &[IpAddr]) -> Vec<(NodeId, Vec<IpAddr>)>;

    /// How much of what sessions need is in use, in percent: the scarcest of all. Sessions that ended with all of their
    /// association do not count, those of sets do until what they hold is given back.
    fn load_percent(&self) -> u8;

    /// The control plane's SEID of a session, for the answer to a message that could not be read; `None` where
    /// there is no such session of this owner.
    fn cp_seid(&self, owner: &NodeId, seid: u64) -> Option<u64>;
}
