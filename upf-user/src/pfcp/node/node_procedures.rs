//! Requests of nodes but for heartbeats: associations (TS 29.244 clauses 6.2.6 to 6.2.8), PFDs (clause 6.2.5), sets of
//! sessions (TS 23.007 and TS 23.527 on partial failure), and what is not served.
//!
//! We put no session into a set of our own, as a UP function may but need not do (TS 23.527 clause 4.6): what fails
//! with us fails as a whole, which the Recovery Time Stamp tells.

use std::net::SocketAddr;

use super::associations::Association;
use super::dispatch::Reply;
use super::event::{Ending, Event};
use super::release::decode_period;
use super::session_procedures::{refusal, verdict};
use super::{Node, Turn};
use crate::pfcp::codec::{
    AssociationSetupRequest, AssociationSetupResponse, AssociationUpdateRequest, Body, MessageType,
    NodeResponse, OtherResponse, Verdict,
};
use crate::pfcp::ie::{Cause, NodeId, kind};
use crate::pfcp::message::{PfdManagementRequest, Refusal, SessionSetDeletionRequest};

impl Node {
    /// Association Setup Request: a node that has an association begins anew.
    pub(super) fn setup(
        &mut self,
        from: SocketAddr,
        request: AssociationSetupRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let node = request.node_id;
        let refused = match self.associations.has_room_for(&node, from.ip()) {
            _ if self.is_ending => Some(Cause::RequestRejected),
            true => None,
            false => Some(Cause::NoResourcesAvailable),
        };
        if let Some(cause) = refused {
            turn.log(Event::AssociationRefused {
                node,
                address: from,
                cause,
            });
            return Reply::fleeting(0, self.setup_response(Verdict::new(cause)));
        }
        self.end(&node, Ending::Replaced, turn);
        let features = request.cp_function_features.unwrap_or_default();
        let stamp = request.recovery_time_stamp;
        let association = Association::new(from, stamp, features, turn.now);
        self.begin(node, association, turn);
        Reply::kept(0, self.setup_response(Verdict::ACCEPTED))
    }

    pub(super) fn setup_response(&self, verdict: Verdict) -> Body {
        Body::AssociationSetupResponse(AssociationSetupResponse {
            node_id: self.config.node_id.clone(),
            verdict,
            recovery_time_stamp: self.config.recovery_time_stamp,
            up_function_features: Some(self.config.features),
            cp_function_features: None,
        })
    }

    /// Association Update Request: other features, or the announcement of a release.
    pub(super) fn update(
        &mut self,
        from: SocketAddr,
        request: &AssociationUpdateRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let node = &request.node_id;
        let verdict = self.known(from, node);
        let body = Body::AssociationUpdateResponse(self.node_response(verdict));
        if verdict != Verdict::ACCEPTED {
            return Reply::fleeting(0, body);
        }
        if let Some(association) = self.associations.get_mut(node) {
            let features = request.cp_function_features;
            association.cp_features = features.unwrap_or(association.cp_features);
        }
        if let Some(period) = request.graceful_release_period {
            self.begin_release(node, decode_period(period), turn);
        }
        self.keep_association(node, turn);
        Reply::kept(0, body)
    }

    /// Association Release Request.
    pub(super) fn release(&mut self, from: SocketAddr, node: NodeId, turn: &mut Turn<'_>) -> Reply {
        let verdict = self.known(from, &node);
        let body = Body::AssociationReleaseResponse(self.node_response(verdict));
        if verdict != Verdict::ACCEPTED {
            return Reply::fleeting(0, body);
        }
        self.end(&node, Ending::Released, turn);
        Reply::kept(0, body)
    }

    /// Whether a node has an association and speaks from there: others in its name are not heard.
    fn known(&self, from: SocketAddr, node: &NodeId) -> Verdict {
        if self.associations.at(from.ip()).contains(node) {
            Verdict::ACCEPTED
        } else {
            Verdict::new(Cause::NoEstablishedAssociation)
        }
    }

    /// PFD Management Request: the PFDs are those of the node that the request comes from.
    pub(super) fn provision_pfds(
        &mut self,
        from: SocketAddr,
        request: &PfdManagementRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let owner = match &request.node_id {
            Some(node) => Some(node).filter(|node| self.known(from, node) == Verdict::ACCEPTED),
            None => self.associations.senders(from).next(),
        };
        let Some(owner) = owner else {
            let refusal = refusal(Cause::NoEstablishedAssociation, None);
            return Reply::fleeting(0, pfds_provisioned(Err(refusal)));
        };
        let outcome = turn.sessions.provision_pfds(owner, request, turn.now);
        let is_done = outcome.is_ok();
        let body = pfds_provisioned(outcome);
        if is_done {
            Reply::kept(0, body)
        } else {
            // The same request may be accepted a little later.
            Reply::fleeting(0, body)
        }
    }

    /// Session Set Deletion Request: the sender's sessions that hang on the sets named go.
    pub(super) fn delete_sets(
        &mut self,
        from: SocketAddr,
        request: SessionSetDeletionRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let node = request.node_id;
        let known = match self.known(from, &node) {
            Verdict::ACCEPTED if request.fq_csids.is_empty() => Verdict {
                cause: Cause::ConditionalIeMissing,
                offending_ie: Some(kind::FQ_CSID),
            },
            verdict => verdict,
        };
        let answer = |verdict| Body::SessionSetDeletionResponse(self.node_response(verdict));
        if known != Verdict::ACCEPTED {
            return Reply::fleeting(0, answer(known));
        }
        let sets = request.fq_csids;
        if let Err(refusal) = turn.sessions.delete_sets(&node, &sets, turn.now) {
            // The same request may be accepted a little later.
            return Reply::fleeting(0, answer(verdict(&refusal)));
        }
        let sets = sets.len();
        turn.log(Event::SetsDeleted { node, sets });
        Reply::kept(0, answer(Verdict::ACCEPTED))
    }

    pub(super) fn node_response(&self, verdict: Verdict) -> NodeResponse {
        NodeResponse {
            node_id: self.config.node_id.clone(),
            verdict,
        }
    }

    /// A request of a feature that is not there.
    pub(super) fn not_served(&self, kind: MessageType) -> Option<Reply> {
        // These two responses hold no Node ID, or need none.
        let names_node = !matches!(
            kind,
            MessageType::PfdManagementRequest | MessageType::SessionReportRequest
        );
        let response = OtherResponse {
            node_id: names_node.then(|| self.config.node_id.clone()),
            verdict: Verdict::new(Cause::ServiceNotSupported),
        };
        let body = Body::OtherResponse(kind.response()?, response);
        Some(Reply::fleeting(0, body))
    }
}

pub(super) fn pfds_provisioned(outcome: Result<(), Refusal>) -> Body {
    Body::PfdManagementResponse(OtherResponse {
        node_id: None,
        verdict: outcome.map_or_else(|refusal| verdict(&refusal), |()| Verdict::ACCEPTED),
    })
}
