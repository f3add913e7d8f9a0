//! Our requests to control planes, but for heartbeats and set-ups: reports about sessions (TS 29.244 clause 6.3.5) and
//! about nodes (clause 6.2.9), and the wish to be released (clause 6.2.7.3).
//!
//! Each is sent T1 apart, N1 times in all, to where the association is. Some are under way at a time, more wait in
//! a line; the line is bounded, so that a control plane which does not answer costs no memory. Usage reports do not wait
//! in it, and are not given up (see `usage`).

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use super::event::Event;
use super::request::Request;
use super::usage::Usage;
use super::{Node, Timer, Turn};
use crate::pfcp::codec::{AssociationUpdateRequest, Body, MessageType};
use crate::pfcp::ie::{Cause, NodeId, RemoteGtpuPeer, release_request};
use crate::pfcp::message::{NodeReportRequest, SessionReport};

/// Most requests of an association under way at a time.
pub(super) const MAX_UNDER_WAY: usize = 64;
/// Most requests of an association that wait for their turn.
pub(super) const MAX_WAITING: usize = 8192;
/// Most requests of all associations that wait for their turn.
pub(super) const MAX_WAITING_OF_ALL: usize = 8 * MAX_WAITING;
/// Most peers in one Node Report Request.
pub(super) const MAX_PEERS: usize = 64;

/// What a control plane is to be told or asked.
#[derive(Debug)]
pub(super) enum Wish {
    Report(SessionReport),
    PathFailure(Vec<RemoteGtpuPeer>),
    PathRecovery(Vec<RemoteGtpuPeer>),
    Release(Duration),
}

/// The requests of an association.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The sequence numbers of those under way, but for usage reports.
    under_way: HashSet<u32>,
    /// The sequence numbers of those with usage reports.
    pub(super) usage_under_way: HashSet<u32>,
    /// No usage reports are sent until something is answered.
    pub(super) is_usage_held: bool,
    waiting: VecDeque<Wish>,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) node: NodeId,
    kind: MessageType,
    /// Our number of the session that it is about, if it is about one.
    seid: Option<u64>,
    /// Where it has usage reports.
    pub(super) usage: Option<Usage>,
    request: Request,
}

impl Exchange {
    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// Whether a response of this type answers it.
    pub(super) fn is_answered_with(&self, kind: MessageType) -> bool {
        kind == MessageType::VersionNotSupportedResponse || self.kind.response() == Some(kind)
    }
}

impl Node {
    /// Puts a request in line, and sends it if it is its turn.
    pub(super) fn wish(&mut self, node: &NodeId, wish: Wish, turn: &mut Turn<'_>) {
        let Some(association) = self.associations.get_mut(node) else {
            return;
        };
        let Line {
            under_way, waiting, ..
        } = &mut association.line;
        let has_to_wait = under_way.len() >= MAX_UNDER_WAY;
        let has_room = waiting.len() < MAX_WAITING && self.waiting_requests < MAX_WAITING_OF_ALL;
        match wish {
            Wish::Release(_) => waiting.push_front(wish),
            _ if has_to_wait && !has_room => {
                let address = association.address;
                return turn.log(Event::RequestDropped { address });
            }
            _ => waiting.push_back(wish),
        }
        self.waiting_requests += 1;
        self.send_waiting(node, turn);
    }

    fn send_waiting(&mut self, node: &NodeId, turn: &mut Turn<'_>) {
        while let Some(association) = self.associations.get_mut(node) {
            if association.line.under_way.len() >= MAX_UNDER_WAY {
                break;
            }
            let Some(wish) = association.line.waiting.pop_front() else {
                break;
            };
            self.waiting_requests -= 1;
            self.send_wish(node, wish, turn);
        }
    }

    fn send_wish(&mut self, node: &NodeId, wish: Wish, turn: &mut Turn<'_>) {
        let (mut header_seid, mut seid) = (0, None);
        let body = match wish {
            Wish::Report(report) => {
                // The control plane may have given the session another number meanwhile.
                let current = turn.sessions.cp_seid(node, report.seid);
                header_seid = current.unwrap_or(report.cp_seid);
                seid = Some(report.seid);
                Body::SessionReportRequest(report.request)
            }
            Wish::PathFailure(peers) => self.node_report(peers, Vec::new()),
            Wish::PathRecovery(peers) => self.node_report(Vec::new(), peers),
            Wish::Release(period) => self.release_wish(period),
        };
        if let Some(sequence) = self.send_exchange(node, header_seid, seid, body, turn)
            && let Some(association) = self.associations.get_mut(node)
        {
            association.line.under_way.insert(sequence);
        }
    }

    /// Sends a request for the first time: its sequence number; `None` where it cannot be written.
    pub(super) fn send_exchange(
        &mut self,
        node: &NodeId,
        header_seid: u64,
        seid: Option<u64>,
        body: Body,
        turn: &mut Turn<'_>,
    ) -> Option<u32> {
        let address = self.associations.get(node)?.address;
        let kind = body.message_type();
        let Some(mut request) = self.new_request(address, header_seid, body) else {
            turn.log(Event::RequestDropped { address });
            return None;
        };
        turn.actions.push(request.send());
        let sequence = request.sequence();
        self.timers
            .set(Timer::Exchange(sequence), turn.now + self.config.t1);
        let exchange = Exchange {
            node: node.clone(),
            kind,
            seid,
            usage: None,
            request,
        };
        self.exchanges.insert(sequence, exchange);
        Some(sequence)
    }

    fn node_report(
        &self,
        path_failures: Vec<RemoteGtpuPeer>,
        path_recoveries: Vec<RemoteGtpuPeer>,
    ) -> Body {
        Body::NodeReportRequest(NodeReportRequest {
            node_id: self.config.node_id.clone(),
            path_failures,
            path_recoveries,
        })
    }

    fn release_wish(&self, period: Duration) -> Body {
        Body::AssociationUpdateRequest(AssociationUpdateRequest {
            node_id: self.config.node_id.clone(),
            up_function_features: None,
            cp_function_features: None,
            release_request: Some(release_request::SARR),
            graceful_release_period: Some(super::release::encode_period(period)),
        })
    }

    /// A request has waited for T1.
    pub(super) fn exchange_due(&mut self, sequence: u32, turn: &mut Turn<'_>) {
        let Some(exchange) = self.exchanges.get_mut(&sequence) else {
            return;
        };
        if exchange.request.sent() < self.config.n1 {
            turn.actions.push(exchange.request.send());
            let next = turn.now + self.config.t1;
            return self.timers.set(Timer::Exchange(sequence), next);
        }
        // Whether the peer lives is for the heartbeats to find out.
        if let Some(exchange) = self.finish(sequence, turn) {
            turn.log(Event::RequestUnanswered {
                address: exchange.request.to(),
                kind: exchange.kind,
            });
            self.usage_unanswered(&exchange, turn);
        }
    }

    /// A response to a request under way.
    pub(super) fn exchange_answered(&mut self, sequence: u32, body: Body, turn: &mut Turn<'_>) {
        let Some(exchange) = self.finish(sequence, turn) else {
            return;
        };
        self.heard(&exchange.node, turn);
        self.usage_answered(&exchange, &body, turn);
        let is_of_session = exchange.usage.as_ref().is_none_or(Usage::is_of_session);
        let cause = match body {
            Body::SessionReportResponse(response) => {
                let (node, seid) = (&exchange.node, exchange.seid.unwrap_or_default());
                if is_of_session {
                    turn.sessions
                        .report_answered(node, seid, &response, turn.now);
                }
                response.cause
            }
            Body::NodeReportResponse(response) | Body::AssociationUpdateResponse(response) => {
                response.verdict.cause
            }
            _ => Cause::ServiceNotSupported,
        };
        if exchange.usage.is_some() {
            self.send_usage(&exchange.node, turn);
        }
        if cause.is_rejection() {
            turn.log(Event::RequestRefused {
                address: exchange.request.to(),
                kind: exchange.kind,
                cause,
            });
        }
    }

    /// Takes a request out; the next one in line takes its place.
    fn finish(&mut self, sequence: u32, turn: &mut Turn<'_>) -> Option<Exchange> {
        let exchange = self.exchanges.remove(&sequence)?;
        self.timers.cancel(&Timer::Exchange(sequence));
        if let Some(association) = self.associations.get_mut(&exchange.node) {
            association.line.under_way.remove(&sequence);
            association.line.usage_under_way.remove(&sequence);
        }
        self.send_waiting(&exchange.node, turn);
        Some(exchange)
    }

    /// Forgets the requests of an association that is gone.
    pub(super) fn forget_requests(&mut self, line: &Line, turn: &mut Turn<'_>) {
        self.waiting_requests -= line.waiting.len();
        for sequence in line.under_way.iter().chain(&line.usage_under_way) {
            self.timers.cancel(&Timer::Exchange(*sequence));
            if let Some(exchange) = self.exchanges.remove(sequence) {
                self.usage_forgotten(&exchange, turn);
            }
        }
    }
}
