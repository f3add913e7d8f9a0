//! What the fast path has to know of a URR.

use serde::{Deserialize, Serialize};

/// Totals of bytes: where the counters will be; `None` where there is no mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Both directions together.
    pub total: Option<u64>,
    /// Uplink.
    pub uplink: Option<u64>,
    /// Downlink.
    pub downlink: Option<u64>,
}

/// What the fast path does for a URR, until the engine was asked again: each operation may change it. Its marks are of what passed,
/// also where what is measured is before QoS enforcement (MBQE): they are where the limit is if nothing more is held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// It tells the engine once a counter is at its mark or beyond.
    pub threshold: Marks,
    /// It tells, and stops traffic, once a counter is at its mark, or before the first packet that would take it beyond.
    pub quota: Marks,
    /// A quota is exhausted: traffic stops now, or goes as the FAR for quota action says.
    pub is_stopped: bool,
    /// It tells of the next packet.
    pub tells_next_packet: bool,
}
