//! Associations at a peer's wish (TS 29.244 clauses 6.2.6 to 6.2.8), and what is not served.

use std::net::SocketAddr;

use super::associations::MAX_ASSOCIATIONS;
use super::dispatch::Reply;
use super::event::{Ending, Event};
use super::{FEATURES, Node, Turn};
use crate::pfcp::codec::{
    AssociationSetupRequest, AssociationSetupResponse, Body, MessageType, NodeResponse,
    OtherResponse, Verdict,
};
use crate::pfcp::ie::{Cause, NodeId};

impl Node {
    /// Association Setup Request: a node that has an association begins anew.
    pub(super) fn setup(
        &mut self,
        from: SocketAddr,
        request: AssociationSetupRequest,
        turn: &mut Turn<'_>,
    ) -> Reply {
        let node = request.node_id;
        self.end(&node, Ending::Replaced, turn);
        if self.associations.len() >= MAX_ASSOCIATIONS {
            let cause = Cause::NoResourcesAvailable;
            turn.log(Event::AssociationRefused {
                node,
                address: from,
                cause,
            });
            return Reply::fleeting(0, self.setup_response(Verdict::new(cause)));
        }
        self.begin(node, from, request.recovery_time_stamp, turn);
        Reply::kept(0, self.setup_response(Verdict::ACCEPTED))
    }

    pub(super) fn setup_response(&self, verdict: Verdict) -> Body {
        Body::AssociationSetupResponse(AssociationSetupResponse {
            node_id: self.config.node_id.clone(),
            verdict,
            recovery_time_stamp: self.config.recovery_time_stamp,
            up_function_features: Some(FEATURES),
            cp_function_features: None,
        })
    }

    /// Association Update Request: nothing that we keep changes.
    pub(super) fn update(&mut self, node: &NodeId) -> Reply {
        let verdict = self.known(node);
        Reply::fleeting(
            0,
            Body::AssociationUpdateResponse(self.node_response(verdict)),
        )
    }

    /// Association Release Request.
    pub(super) fn release(&mut self, node: NodeId, turn: &mut Turn<'_>) -> Reply {
        let verdict = self.known(&node);
        let body = Body::AssociationReleaseResponse(self.node_response(verdict));
        if verdict != Verdict::ACCEPTED {
            return Reply::fleeting(0, body);
        }
        self.end(&node, Ending::Released, turn);
        Reply::kept(0, body)
    }

    fn known(&self, node: &NodeId) -> Verdict {
        match self.associations.get(node) {
            Some(_) => Verdict::ACCEPTED,
            None => Verdict::new(Cause::NoEstablishedAssociation),
        }
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
