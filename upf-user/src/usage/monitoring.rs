//! Monitoring Times (TS 29.244 clause 5.2.2.2): usage before one and after it is reported apart.

use serde::{Deserialize, Serialize};

use super::Millis;
use super::interval::Interval;
use super::limit_set::Subsequent;
use crate::pfcp::message::UpdateUrr;

/// Parts of usage that wait for the next report at most. A URR that has so many reports at once.
pub(super) const MAX_PARTS: usize = 16;

/// Usage that ended with a Monitoring Time and is not reported yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) interval: Interval,
    pub(super) end: Millis,
}

/// The times to come, and the parts that they have left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Monitoring {
    /// Monitoring Time.
    next: Option<Millis>,
    /// What applies from it on.
    subsequent: Subsequent,
    /// Additional Monitoring Times, in order.
    additional: Vec<(Millis, Subsequent)>,
    pub(super) parts: Vec<Part>,
}

impl Monitoring {
    /// What is absent stays. A time that has passed when it is given is none: there is nothing before it.
    pub(super) fn take(&mut self, update: &UpdateUrr, now: Millis) {
        let to_come = |ntp| Some(now.at_ntp(ntp)).filter(|at| *at > now);
        if let Some(time) = update.monitoring_time {
            self.next = to_come(time);
        }
        self.subsequent.take(Subsequent::of(update));
        if !update.additional_monitoring_times.is_empty() {
            let times = update.additional_monitoring_times.iter();
            let times = times.filter_map(|time| {
                let at = to_come(time.monitoring_time)?;
                Some((at, Subsequent::of_additional(time)))
            });
            self.additional = times.collect();
            self.additional.sort_by_key(|(at, _)| *at);
        }
    }

    /// Whether an update has something for it.
    pub(super) fn is_in(update: &UpdateUrr) -> bool {
        update.monitoring_time.is_some()
            || !update.additional_monitoring_times.is_empty()
            || !Subsequent::of(update).is_empty()
    }

    /// When the next time comes.
    pub(super) fn due(&self) -> Option<Millis> {
        let additional = self.additional.first().map(|(at, _)| *at);
        self.next.into_iter().chain(additional).min()
    }

    /// The next time, if it has come, and what applies from it on.
    pub(super) fn pass(&mut self, now: Millis) -> Option<(Millis, Subsequent)> {
        let due = self.due().filter(|at| *at <= now)?;
        if self.next == Some(due) {
            self.next = None;
            return Some((due, self.subsequent));
        }
        Some(self.additional.remove(0))
    }

    /// What it has on the heap, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let of_parts = self.parts.iter().map(|part| part.interval.heap_bytes());
        self.additional.capacity() * size_of::<(Millis, Subsequent)>()
            + self.parts.capacity() * size_of::<Part>()
            + of_parts.sum::<usize>()
    }

    pub(super) fn is_full(&self) -> bool {
        self.parts.len() >= MAX_PARTS
    }
}
