//! What is read from a URR's counters, and what the engine makes of it.

use serde::{Deserialize, Serialize};

use super::Millis;

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes, from the IP header on.
    pub bytes: u64,
}

impl Count {
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            packets: since(self.packets, earlier.packets),
            bytes: since(self.bytes, earlier.bytes),
        }
    }

    fn add(&mut self, more: Self) {
        self.packets = self.packets.saturating_add(more.packets);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

/// Counters only grow; one that has gone back (an old snapshot after a loss of power) starts anew where it is.
pub(super) fn since(now: u64, earlier: u64) -> u64 {
    now.saturating_sub(earlier)
}

/// One direction of a URR's traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// What passed.
    pub passed: Count,
    /// What came for QoS enforcement: what passed and what QoS dropped.
    pub before_qos: Count,
    /// When the last packet passed.
    pub last_packet: Option<Millis>,
}

/// What a URR's counters say since the URR began. Each of them only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// From the UE.
    pub uplink: Flow,
    /// To the UE.
    pub downlink: Flow,
    /// Downlink traffic that was dropped, for whatever reason.
    pub dropped_downlink: Count,
    /// Events: each start of an application's or SDF's traffic.
    pub events: u64,
    /// When the last of them was.
    pub last_event: Option<Millis>,
}

impl Totals {
    pub(super) fn volume(&self, before_qos: bool) -> Volume {
        let of = |flow: &Flow| {
            if before_qos {
                flow.before_qos
            } else {
                flow.passed
            }
        };
        Volume {
            uplink: of(&self.uplink),
            downlink: of(&self.downlink),
        }
    }
}

/// Volume by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Volume {
    pub(super) uplink: Count,
    pub(super) downlink: Count,
}

impl Volume {
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            uplink: self.uplink.since(earlier.uplink),
            downlink: self.downlink.since(earlier.downlink),
        }
    }

    pub(super) fn add(&mut self, more: Self) {
        self.uplink.add(more.uplink);
        self.downlink.add(more.downlink);
    }

    /// Uplink and downlink.
    pub(super) fn both(&self) -> [Count; 2] {
        [self.uplink, self.downlink]
    }

    pub(super) fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}
