//! Requests about sessions (TS 29.244 clause 6.3): whose they are, and what is answered.
//!
//! The header of an answer carries the control plane's SEID, and 0 where there is no such session
//! (clause 7.2.2.4.2). A refused establishment is answered to the SEID that the request gave.

use std::net::{IpAddr, SocketAddr};

use super::dispatch::Reply;
use super::{Node, Turn};
use crate::pfcp::codec::{
    Body, Frame, SessionDeletionResponse, SessionEstablishmentResponse,
    SessionModificationResponse, Verdict, find_sender,
};
use crate::pfcp::ie::{Cause, NodeId};
use crate::pfcp::message::{
    Refusal, SessionDeletionRequest, SessionEstablishmentRequest, SessionModificationRequest,
};
use crate::pfcp::service::{Answer, Deleted, Modified, SessionService};

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
        self.associations.add_address(node, from.ip());
        let body = match turn.sessions.establish(node, seid, request, turn.now) {
            Ok(established) => Body::SessionEstablishmentResponse(SessionEstablishmentResponse {
                node_id: self.config.node_id.clone(),
                verdict: Verdict::ACCEPTED,
                up_f_seid: Some(established.up_f_seid),
                created_pdrs: established.created_pdrs,
                created_traffic_endpoints: established.created_traffic_endpoints,
                failed_rule: None,
                load_control: None,
                overload_control: None,
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
        let Some(owner) = self.owner(from.ip(), seid, turn.sessions) else {
            let refusal = refusal(Cause::NoEstablishedAssociation, None);
            return Reply::fleeting(0, modified(Err(refusal)));
        };
        let Answer { cp_seid, outcome } = turn.sessions.modify(&owner, seid, request, turn.now);
        Reply::kept(cp_seid, modified(outcome))
    }

    pub(super) fn delete(
        &mut self,
        from: SocketAddr,
        seid: u64,
        request: &SessionDeletionRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let Some(owner) = self.owner(from.ip(), seid, turn.sessions) else {
            let refusal = refusal(Cause::NoEstablishedAssociation, None);
            return Reply::fleeting(0, deleted(Err(refusal)));
        };
        let Answer { cp_seid, outcome } = turn.sessions.delete(&owner, seid, request, turn.now);
        Reply::kept(cp_seid, deleted(outcome))
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
