//! Counters that are not one SIM's: one record a CPU, summed by the agent.

use super::{LevelDirection, plain};
use crate::drop_reason::{DropReason, PuntReason};

/// Devices that have counters of their own.
pub const MAX_PORTS: usize = 32;

/// One traffic direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct DirectionCounters {
    /// Inner packets forwarded.
    pub packets: u64,
    /// Inner bytes forwarded.
    pub bytes: u64,
    /// What flows' meters in slots have done. What passed here and was held back by another limit is not counted.
    pub metered: LevelDirection,
    /// Packets dropped, by [`DropReason`].
    pub dropped: [u64; DropReason::COUNT],
}

/// One device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct PortCounters {
    /// Frames that arrived, ours or not.
    pub rx_packets: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Frames that the fast path sent.
    pub tx_packets: u64,
    /// Their bytes.
    pub tx_bytes: u64,
}

/// Everything one CPU counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Counters {
    /// From the radio.
    pub uplink: DirectionCounters,
    /// To the radio.
    pub downlink: DirectionCounters,
    /// Packets handed to the kernel, by [`PuntReason`].
    pub punted: [u64; PuntReason::COUNT],
    /// Packets that rules had copied, and of which no copy came to the agent: it was behind, or they were longer than
    /// [`super::MAX_COPY_BYTES`].
    pub copies_lost: u64,
    /// By [`super::Port::number`].
    pub ports: [PortCounters; MAX_PORTS],
    /// Runs of the program that have begun, raised before they look at anything that the agent changes.
    pub begun: u64,
    /// Runs that have ended, raised when they have counted their packet. A run that had begun when the agent looked, after a
    /// change, has ended when as many have: nothing counts by what was before the change then.
    pub ended: u64,
}

impl Default for DirectionCounters {
    fn default() -> Self {
        Self {
            packets: 0,
            bytes: 0,
            metered: LevelDirection::default(),
            dropped: [0; DropReason::COUNT],
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            uplink: DirectionCounters::default(),
            downlink: DirectionCounters::default(),
            punted: [0; PuntReason::COUNT],
            copies_lost: 0,
            ports: [PortCounters::default(); MAX_PORTS],
            begun: 0,
            ended: 0,
        }
    }
}

plain! {
    DirectionCounters: 64 + 8 * DropReason::COUNT, 8;
    PortCounters: 32, 8;
    Counters: 2 * (64 + 8 * DropReason::COUNT) + 8 * (PuntReason::COUNT + 3) + 32 * MAX_PORTS, 8;
}
