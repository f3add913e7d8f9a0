//! Session Report Requests with usage reports (TS 29.244 clause 6.3.5): none of them is given up.
//!
//! They do not wait in the line of the other requests: whenever there is a free place, the next one is asked for. Who does
//! not answer T1 × N1 and was not heard of meanwhile is left alone until a heartbeat or another request is answered; then
//! they go on from the oldest.

use std::time::{Duration, Instant};

use super::own_requests::Exchange;
use super::{Node, Timer, Turn};
use crate::pfcp::codec::Body;
use crate::pfcp::ie::{Cause, NodeId};
use crate::pfcp::service::{UsageOutcome, UsageRequest};

/// Most requests with usage reports of an association under way at a time.
pub(super) const MAX_USAGE_UNDER_WAY: usize = 256;
/// Requests that could not be sent before others get their turn.
const MAX_UNSENDABLE: usize = 16;
/// At most so often it is asked for more, where nothing has happened.
const PAUSE: Duration = Duration::from_millis(10);

/// What an exchange with usage reports is about.
#[derive(Debug)]
pub(super) struct Usage {
    id: u64,
    /// It is about a session of before our start.
    is_former: bool,
    begun: Instant,
}

impl Node {
    /// Sends the usage reports that are new, and those of control planes that can be sent to again.
    pub(super) fn send_all_usage(&mut self, turn: &mut Turn<'_>) {
        let mut nodes = std::mem::take(&mut turn.usage);
        nodes.extend(turn.sessions.take_usage_owners());
        for node in nodes {
            self.send_usage(&node, turn);
        }
    }

    /// Sends usage reports as long as there are free places.
    pub(super) fn send_usage(&mut self, node: &NodeId, turn: &mut Turn<'_>) {
        let mut unsendable = 0;
        while self.has_place_for_usage(node) && unsendable < MAX_UNSENDABLE {
            let Some(request) = turn.sessions.next_usage_request(node, turn.now) else {
                break;
            };
            unsendable += usize::from(!self.send_usage_request(node, request, turn));
        }
        if !self.has_place_for_usage(node) {
            return;
        }
        let due = match unsendable {
            MAX_UNSENDABLE => Some(turn.now),
            _ => turn.sessions.usage_request_due(node, turn.now),
        };
        if let Some(due) = due {
            let at = due.max(turn.now + PAUSE);
            self.timers.set(Timer::Usage(node.clone()), at);
        }
    }

    fn has_place_for_usage(&self, node: &NodeId) -> bool {
        self.associations.get(node).is_some_and(|association| {
            association.unreachable_since.is_none()
                && !association.line.is_usage_held
                && association.line.usage_under_way.len() < MAX_USAGE_UNDER_WAY
        })
    }

    /// `false` where it cannot be written: it counts as refused.
    fn send_usage_request(
        &mut self,
        node: &NodeId,
        usage: UsageRequest,
        turn: &mut Turn<'_>,
    ) -> bool {
        let UsageRequest {
            id,
            is_former,
            report,
        } = usage;
        let current = match is_former {
            true => None,
            false => turn.sessions.cp_seid(node, report.seid),
        };
        let header_seid = current.unwrap_or(report.cp_seid);
        let usage = Usage {
            id,
            is_former,
            begun: turn.now,
        };
        let body = Body::SessionReportRequest(report.request);
        let sequence = self.send_exchange(node, header_seid, Some(report.seid), body, turn);
        let Some(sequence) = sequence else {
            let outcome = refused_with(Cause::RequestRejected);
            turn.sessions.usage_request_done(id, outcome, turn.now);
            return false;
        };
        if let Some(exchange) = self.exchanges.get_mut(&sequence) {
            exchange.usage = Some(usage);
        }
        if let Some(association) = self.associations.get_mut(node) {
            association.line.usage_under_way.insert(sequence);
        }
        true
    }

    /// A request with usage reports was sent N1 times.
    pub(super) fn usage_unanswered(&mut self, exchange: &Exchange, turn: &mut Turn<'_>) {
        let Some(usage) = &exchange.usage else {
            return;
        };
        let mut outcome = UsageOutcome::NotSent;
        if let Some(association) = self.associations.get_mut(&exchange.node) {
            if association.heard.is_some_and(|heard| heard > usage.begun) {
                outcome = UsageOutcome::Ignored;
            } else {
                association.line.is_usage_held = true;
            }
        }
        turn.sessions
            .usage_request_done(usage.id, outcome, turn.now);
        self.send_usage(&exchange.node, turn);
    }

    /// A request with usage reports was answered.
    pub(super) fn usage_answered(&mut self, exchange: &Exchange, body: &Body, turn: &mut Turn<'_>) {
        let Some(usage) = &exchange.usage else {
            return;
        };
        let mut outcome = refused_with(Cause::ServiceNotSupported);
        if let Body::SessionReportResponse(response) = body {
            outcome = UsageOutcome::Answered {
                cause: response.cause,
                cp_seid: response.cp_f_seid.map(|f_seid| f_seid.seid),
            };
        }
        turn.sessions
            .usage_request_done(usage.id, outcome, turn.now);
    }

    /// Requests with usage reports of an association that is gone: they are kept for the next one.
    pub(super) fn usage_forgotten(&mut self, exchange: &Exchange, turn: &mut Turn<'_>) {
        if let Some(usage) = &exchange.usage {
            let outcome = UsageOutcome::NotSent;
            turn.sessions
                .usage_request_done(usage.id, outcome, turn.now);
        }
    }

    /// The peer of an association has answered something.
    pub(super) fn heard(&mut self, node: &NodeId, turn: &mut Turn<'_>) {
        if let Some(association) = self.associations.get_mut(node) {
            association.heard = Some(turn.now);
            if std::mem::take(&mut association.line.is_usage_held) {
                turn.usage.push(node.clone());
            }
        }
    }
}

impl Usage {
    /// Whether the session that it is about may be there still.
    pub(super) fn is_of_session(&self) -> bool {
        !self.is_former
    }
}

fn refused_with(cause: Cause) -> UsageOutcome {
    UsageOutcome::Answered {
        cause,
        cp_seid: None,
    }
}
