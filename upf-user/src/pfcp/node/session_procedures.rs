//! Requests about sessions (TS 29.244 clause 6.3): whose they are, and what is answered.
//!
//! The header of an answer carries the control plane's SEID, and 0 where there is no such session
//! (clause 7.2.2.4.2). A refused establishment is answered to the SEID that the request gave.

use std::net::{IpAddr, SocketAddr};

use super::dispatch::Reply;
use super::{Node, Turn};
use crate::pfcp::codec::{
    Body, Frame, SessionEstablishmentResponse, SessionModificationResponse, Verdict, find_sender,
};
use crate::pfcp::ie::{Cause, NodeId};
use crate::pfcp::message::{
    CreatedPdr, Refusal, SessionEstablishmentRequest, SessionModificationRequest,
};
use crate::pfcp::service::{Answer, SessionService};

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
        request: &SessionEstablishmentRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let node = &request.node_id;
        self.associations.add_address(node, from.ip());
        let body = match turn.sessions.establish(node, request, turn.now) {
            Ok(established) => Body::SessionEstablishmentResponse(SessionEstablishmentResponse {
                node_id: self.config.node_id.clone(),
                verdict: Verdict::ACCEPTED,
                up_f_seid: Some(established.up_f_seid),
                created_pdrs: established.created_pdrs,
                failed_rule: None,
            }),
            Err(refusal) => self.establishment_refused(&refusal),
        };
        Reply::kept(request.cp_f_seid.seid, body)
    }

    pub(super) fn establishment_refused(&self, refusal: &Refusal) -> Body {
        Body::SessionEstablishmentResponse(SessionEstablishmentResponse {
            node_id: self.config.node_id.clone(),
            verdict: verdict(refusal),
            up_f_seid: None,
            created_pdrs: Vec::new(),
            failed_rule: refusal.failed_rule,
        })
    }

    pub(super) fn modify(
        &mut self,
        from: SocketAddr,
        seid: u64,
        request: &SessionModificationRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let Some(owner) = self.owner(from.ip(), seid, turn.sessions) else {
            let refusal = refusal(Cause::NoEstablishedAssociation, None);
            return Reply::fleeting(0, modified(Err(refusal)));
        };
        let Answer { cp_seid, outcome } = turn.sessions.modify(&owner, seid, request, turn.now);
        Reply::kept(cp_seid, modified(outcome))
    }

    pub(super) fn delete(&mut self, from: SocketAddr, seid: u64, turn: &mut Turn<'_>) -> Reply {
        let Some(owner) = self.owner(from.ip(), seid, turn.sessions) else {
            let verdict = Verdict::new(Cause::NoEstablishedAssociation);
            return Reply::fleeting(0, Body::SessionDeletionResponse(verdict));
        };
        let Answer { cp_seid, outcome } = turn.sessions.delete(&owner, seid, turn.now);
        let verdict = match outcome {
            Ok(()) => Verdict::ACCEPTED,
            Err(refusal) => verdict(&refusal),
        };
        Reply::kept(cp_seid, Body::SessionDeletionResponse(verdict))
    }

    /// The node that a session's request comes from. Of several at one address, the one that has the session.
    fn owner(&self, from: IpAddr, seid: u64, sessions: &dyn SessionService) -> Option<NodeId> {
        let nodes = self.associations.at(from);
        let owner = match nodes {
            [only] => Some(only),
            _ => nodes
                .iter()
                .find(|node| sessions.cp_seid(node, seid).is_some()),
        };
        owner.or(nodes.first()).cloned()
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
        let Some(owner) = self.owner(from.ip(), seid, turn.sessions) else {
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

pub(super) fn modified(outcome: Result<Vec<CreatedPdr>, Refusal>) -> Body {
    let response = match outcome {
        Ok(created_pdrs) => SessionModificationResponse {
            verdict: Verdict::ACCEPTED,
            created_pdrs,
            failed_rule: None,
        },
        Err(refusal) => SessionModificationResponse {
            verdict: verdict(&refusal),
            created_pdrs: Vec::new(),
            failed_rule: refusal.failed_rule,
        },
    };
    Body::SessionModificationResponse(response)
}
