//! Dropped downlink traffic, and the threshold of it (TS 29.244 clause 8.2.49).

use serde::{Deserialize, Serialize};

use super::totals::Count;
use crate::pfcp::ie::DroppedTrafficThreshold;

/// Dropped DL Traffic Threshold, and what was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dropped {
    /// Packets and bytes; none where zero.
    limit: Count,
    from: Count,
    seen: Count,
}

impl Dropped {
    pub(super) fn new(threshold: &DroppedTrafficThreshold, seen: Count) -> Self {
        Self {
            limit: Count {
                packets: threshold.packets.unwrap_or_default(),
                bytes: threshold.octets.unwrap_or_default(),
            },
            from: seen,
            seen,
        }
    }

    /// What the counters say now.
    pub(super) fn read(&mut self, seen: Count) {
        self.seen = seen;
    }

    /// Counts anew from what was read last.
    pub(super) fn restart(&mut self) {
        self.from = self.seen;
    }

    pub(super) fn is_reached(&self) -> bool {
        let dropped = self.seen.since(self.from);
        let reached = |limit: u64, count: u64| limit > 0 && count >= limit;
        reached(self.limit.packets, dropped.packets) || reached(self.limit.bytes, dropped.bytes)
    }

    /// Whether there is a threshold.
    pub(super) fn is_limited(&self) -> bool {
        self.limit != Count::default()
    }
}
