//! What is handed to the node, and what becomes of it.

use std::time::Instant;

use tracing::warn;

use super::Outbox;
use crate::pfcp::ie::{Cause, NodeId};
use crate::pfcp::service::{UsageOutcome, UsageRequest};

/// For the node: the methods of [`SessionService`](crate::pfcp::service::SessionService) of the same names.
impl Outbox {
    /// The control planes that have had new reports since this was asked last.
    pub fn take_usage_owners(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.fresh).into_iter().collect()
    }

    /// The next request of a control plane, which counts as under way then.
    pub fn next_usage_request(&mut self, owner: &NodeId, now: Instant) -> Option<UsageRequest> {
        let queues = self.queues.len();
        let queue = self.queues.get_mut(owner)?;
        queue.share(queues);
        let next = match queue.next(&mut self.store, self.first_of_run, now) {
            Ok(next) => next?,
            Err(error) => {
                self.store_failed(&error);
                return None;
            }
        };
        let id = self.next_request;
        self.next_request += 1;
        self.under_way.insert(id, (owner.clone(), next.seid));
        Some(UsageRequest {
            id,
            is_former: next.is_former,
            report: next.report,
        })
    }

    /// When [`Self::next_usage_request`] may have something, after it had nothing.
    #[must_use]
    pub fn usage_request_due(&self, owner: &NodeId, now: Instant) -> Option<Instant> {
        self.queues.get(owner)?.due(now)
    }

    /// What became of a request.
    pub fn usage_request_done(&mut self, id: u64, outcome: UsageOutcome, now: Instant) {
        let Some((owner, seid)) = self.under_way.remove(&id) else {
            return;
        };
        let Some(queue) = self.queues.get_mut(&owner) else {
            return;
        };
        let is_refused = match outcome {
            UsageOutcome::NotSent => return queue.again(seid),
            UsageOutcome::Ignored => true,
            UsageOutcome::Answered { cause, cp_seid } => {
                if let Some(cp_seid) = cp_seid {
                    queue.moved(seid, cp_seid);
                }
                cause.is_rejection() && cause != Cause::SessionContextNotFound
            }
        };
        if is_refused {
            self.figures.refused += 1;
            if !queue.refused(seid, now) {
                return;
            }
            warn!(node = %owner, seid, "usage reports are given up, as the control plane refuses them");
        }
        let numbers = queue.done(seid);
        if queue.kept == 0 {
            self.queues.remove(&owner);
        }
        let count = numbers.len() as u64;
        self.waiting = self.waiting.saturating_sub(count);
        match outcome {
            _ if is_refused => self.figures.given_up += count,
            UsageOutcome::Answered { cause, .. } => {
                self.figures.acknowledged += count;
                if cause == Cause::SessionContextNotFound {
                    self.figures.unknown_session += count;
                }
            }
            UsageOutcome::Ignored | UsageOutcome::NotSent => {}
        }
        self.remove(owner, numbers);
    }

    #[cfg(test)]
    pub(crate) fn in_memory(&self) -> usize {
        self.queues.values().map(|queue| queue.in_memory()).sum()
    }
}
