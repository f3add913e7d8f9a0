//! Requests about sessions (TS 29.244 clause 6.3): whose they are, and what is answered.
//!
//! The header of an answer carries the control plane's SEID, and 0 where there is no such session
//! (clause 7.2.2.4.2). A refused establishment is answered to the SEID that the request gave.
//!
//! An establishment with the CP F-SEID of a session that is there makes a session of its own: the TS tells a
//! repetition by its sequence number (clause 6.4), and knows replacement only where RESTI says so (clause 5.5.1, TS
//! 23.527 clause 4.3). A control plane that has forgotten the first one says so when a report comes, and it goes then.

use std::net::SocketAddr;

use super::dispatch::Reply;
use super::{Node, Turn};
use crate::pfcp::codec::{
    Body, Frame, SessionDeletionResponse, SessionEstablishmentResponse,
    SessionModificationResponse, Verdict, find_sender,
};
use crate::pfcp::ie::{Cause, CpFunctionFeatures, NodeId};
use crate::pfcp::message::{
    Refusal, SessionDeletionRequest, SessionEstablishmentRequest, SessionModificationRequest,
};
use crate::pfcp::service::{Answer, Deleted, Established, Modified, SessionService};

impl Node {
    /// Refuses an establishment of a node that has no association, before the rest of it is read.
    pub(super) fn stranger(&self, frame: &Frame<'_>) -> Option<Reply> {
        let sender = find_sender(frame);
        if self.associations.get(&sender.node_id?).is_some() {
            return None;
        }
        let refusal = refusal(Cause::NoEstablishedAssociation, None);
        let body = self.establishment_refused(&refusal);
        Some(Reply::fleeting(sender.seid.unwrap_or_default(), body))
    }

    pub(super) fn establish(
        &mut self,
        from: SocketAddr,
        seid: u64,
        request: &SessionEstablishmentRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let node = &request.node_id;
        if self.associations.get(node).is_some_and(|a| a.is_releasing) {
            let refusal = refusal(Cause::RequestRejected, None);
            let body = self.establishment_refused(&refusal);
            return Reply::kept(request.cp_f_seid.seid, body);
        }
        // Who restores nothing has no business with a session that there was.
        let header_seid = if request.is_restoration { seid } else { 0 };
        let outcome = turn
            .sessions
            .establish(node, header_seid, request, turn.now);
        let mut body = match outcome {
            Ok(established) => {
                // The session's other requests come from there.
                if self.associations.add_address(node, from.ip()) {
                    self.keep_association(node, turn);
                }
                self.established(established)
            }
            Err(refusal) => self.establishment_refused(&refusal),
        };
        self.tell_load(node, &mut body, turn);
        Reply::kept(request.cp_f_seid.seid, body)
    }

    fn established(&self, established: Established) -> Body {
        Body::SessionEstablishmentResponse(SessionEstablishmentResponse {
            node_id: self.config.node_id.clone(),
            verdict: Verdict::ACCEPTED,
            up_f_seid: Some(established.up_f_seid),
            created_pdrs: established.created_pdrs,
            created_traffic_endpoints: established.created_traffic_endpoints,
            failed_rule: None,
            load_control: None,
            overload_control: None,
        })
    }

    pub(super) fn establishment_refused(&self, refusal: &Refusal) -> Body {
        Body::SessionEstablishmentResponse(SessionEstablishmentResponse {
            node_id: self.config.node_id.clone(),
            verdict: verdict(refusal),
            up_f_seid: None,
            created_pdrs: Vec::new(),
            created_traffic_endpoints: Vec::new(),
            failed_rule: refusal.failed_rule,
            load_control: None,
            overload_control: None,
        })
    }

    pub(super) fn modify(
        &mut self,
        from: SocketAddr,
        seid: u64,
        request: &SessionModificationRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let Some(owner) = self.owner(from, seid, turn.sessions) else {
            let refusal = refusal(Cause::NoEstablishedAssociation, None);
            return Reply::fleeting(0, modified(Err(refusal)));
        };
        let Answer { cp_seid, outcome } = turn.sessions.modify(&owner, seid, request, turn.now);
        let mut body = modified(outcome);
        self.tell_load(&owner, &mut body, turn);
        Reply::kept(cp_seid, body)
    }

    pub(super) fn delete(
        &mut self,
        from: SocketAddr,
        seid: u64,
        request: &SessionDeletionRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let Some(owner) = self.owner(from, seid, turn.sessions) else {
            let refusal = refusal(Cause::NoEstablishedAssociation, None);
            return Reply::fleeting(0, deleted(Err(refusal)));
        };
        let Answer { cp_seid, outcome } = turn.sessions.delete(&owner, seid, request, turn.now);
        let mut body = deleted(outcome);
        self.tell_load(&owner, &mut body, turn);
        Reply::kept(cp_seid, body)
    }

    /// The node that a session's request comes from. Of several that it may be, the one that has the session.
    fn owner(&self, from: SocketAddr, seid: u64, sessions: &dyn SessionService) -> Option<NodeId> {
        let mut nodes = self.associations.senders(from);
        let first = nodes.next()?;
        let has_it = |node: &&NodeId| sessions.cp_seid(node, seid).is_some();
        let others_owner = || nodes.find(has_it);
        let owner = Some(first).filter(has_it).or_else(others_owner);
        Some(owner.unwrap_or(first).clone())
    }

    /// Puts our load into an answer, for control planes that know what to do with it.
    fn tell_load(&mut self, owner: &NodeId, body: &mut Body, turn: &mut Turn<'_>) {
        let Some(features) = self.associations.get(owner).map(|a| a.cp_features) else {
            return;
        };
        let wants_load = features.has(CpFunctionFeatures::LOAD);
        let wants_overload = features.has(CpFunctionFeatures::OVRL);
        if !wants_load && !wants_overload {
            return;
        }
        if self.load.is_due(turn.now) {
            let percent = turn.sessions.load_percent().max(self.backlog_percent);
            self.load.take(percent, turn.now);
        }
        let (load_control, overload_control) = match body {
            Body::SessionEstablishmentResponse(response) => {
                (&mut response.load_control, &mut response.overload_control)
            }
            Body::SessionModificationResponse(response) => {
                (&mut response.load_control, &mut response.overload_control)
            }
            Body::SessionDeletionResponse(response) => {
                (&mut response.load_control, &mut response.overload_control)
            }
            _ => return,
        };
        *load_control = wants_load.then(|| self.load.load_control());
        *overload_control = self
            .load
            .overload_control(turn.now)
            .filter(|_| wants_overload);
    }

    /// The SEID that is answered to; that there is no association or session goes before other causes.
    pub(super) fn unread_of_session(
        &self,
        from: SocketAddr,
        frame: &Frame<'_>,
        unread: Refusal,
        turn: &Turn<'_>,
    ) -> (u64, Refusal) {
        let seid = frame.header.seid.unwrap_or_default();
        let Some(owner) = self.owner(from, seid, turn.sessions) else {
            return (0, refusal(Cause::NoEstablishedAssociation, None));
        };
        match turn.sessions.cp_seid(&owner, seid) {
            Some(cp_seid) => (cp_seid, unread),
            None => (0, refusal(Cause::SessionContextNotFound, None)),
        }
    }
}

pub(super) fn refusal(cause: Cause, offending_ie: Option<u16>) -> Refusal {
    Refusal {
        cause,
        offending_ie,
        failed_rule: None,
    }
}

pub(super) fn verdict(refusal: &Refusal) -> Verdict {
    Verdict {
        cause: refusal.cause,
        offending_ie: refusal.offending_ie,
    }
}

pub(super) fn modified(outcome: Result<Modified, Refusal>) -> Body {
    let (verdict, failed_rule, modified) = match outcome {
        Ok(modified) => (Verdict::ACCEPTED, None, modified),
        Err(refusal) => (verdict(&refusal), refusal.failed_rule, Modified::default()),
    };
    Body::SessionModificationResponse(SessionModificationResponse {
        verdict,
        created_pdrs: modified.created_pdrs,
        updated_pdrs: modified.updated_pdrs,
        usage_reports: modified.usage_reports,
        created_traffic_endpoints: modified.created_traffic_endpoints,
        failed_rule,
        load_control: None,
        overload_control: None,
    })
}

pub(super) fn deleted(outcome: Result<Deleted, Refusal>) -> Body {
    let (verdict, usage_reports) = match outcome {
        Ok(deleted) => (Verdict::ACCEPTED, deleted.usage_reports),
        Err(refusal) => (verdict(&refusal), Vec::new()),
    };
    Body::SessionDeletionResponse(SessionDeletionResponse {
        verdict,
        usage_reports,
        load_control: None,
        overload_control: None,
    })
}
