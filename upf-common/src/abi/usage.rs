//! What is counted for Usage Reporting Rules (URRs, TS 29.244 clause 5.2.2), and when the agent is told.
//!
//! A URR that counts all packets of the halves of a slot that it counts at all has the counters of the slot's
//! [`State`](super::State)s; any other has a record of its own, [`Usage`]. [`super::Rules::usage`] names a [`UsageSet`], the records
//! that packets are counted in beside their slot.
//!
//! # Thresholds and quotas
//!
//! Beside the counter of each direction lies a *mark*: up to there packets pass without another look. The first one beyond it adds
//! up both directions, looks at threshold and quota, and moves the marks: what is left of the smaller of the two is split between
//! both directions, so that together they never pass more. Two marks of 0 make the next packets look, which is how the agent puts
//! other thresholds and quotas into force.

use super::plain;

/// [`super::Rules::usage`] of packets that are counted in their slot only.
pub const NO_USAGE: u32 = u32::MAX;
/// Records of a [`UsageSet`].
pub const USAGE_SET_RECORDS: usize = 16;
/// A mark, threshold or quota where there is none.
pub const NO_MARK: u64 = u64::MAX;

/// Bits of [`UsageTail::word`].
pub mod usage_flags {
    /// A CPU moves the marks.
    pub const LOCKED: u64 = 1 << 0;
    /// The quota is used up: nothing passes, or goes on as before.
    pub const EXHAUSTED: u64 = 1 << 1;
    /// The agent was told that.
    pub const EXHAUSTED_TOLD: u64 = 1 << 2;
    /// The agent was told that the threshold is reached.
    pub const REACHED_TOLD: u64 = 1 << 3;
    /// The half that packets come by through a tunnel, or the uplink, counts.
    pub const UPLINK: u64 = 1 << 4;
    /// The half that packets come by to a UE address, or the downlink, counts.
    pub const DOWNLINK: u64 = 1 << 5;
    /// In a record: what is beyond the quota goes as the packet's rules say ([`crate::abi::Rules::list`]), instead of being dropped.
    pub const HAS_ACTION: u64 = 1 << 6;
    /// Raised by one with each change by the agent: the upper half of the word is a number.
    pub const EPOCH: u64 = 1 << 32;
}

/// Packets that did not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Drops {
    /// Inner packets.
    pub packets: u64,
    /// Their inner bytes.
    pub bytes: u64,
}

/// What both directions have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct UsageTail {
    /// Bytes of both directions from which on the agent is told, or [`NO_MARK`].
    pub threshold: u64,
    /// Bytes of both directions that pass, or [`NO_MARK`].
    pub quota: u64,
    /// Bits of [`usage_flags`].
    pub word: u64,
    /// Zero.
    pub reserved: u64,
    /// In a slot what its uplink half dropped, in a [`Usage`] what QoS enforcement held back of the uplink.
    pub uplink: Drops,
    /// The same of the downlink.
    pub downlink: Drops,
}

impl Default for UsageTail {
    /// Without threshold and quota.
    fn default() -> Self {
        Self {
            threshold: NO_MARK,
            quota: NO_MARK,
            word: 0,
            reserved: 0,
            uplink: Drops::default(),
            downlink: Drops::default(),
        }
    }
}

/// One direction of a [`Usage`]. It begins as a slot's [`State`](super::State) counts: packets, bytes, mark, last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct UsageDirection {
    /// Inner packets that passed.
    pub packets: u64,
    /// Their inner bytes.
    pub bytes: u64,
    /// Up to there bytes pass without another look.
    pub mark: u64,
    /// When the last packet passed, in nanoseconds of the fast path's clock; 0 for none.
    pub last_ns: u64,
    /// Bytes of this direction from which on the agent is told, or [`NO_MARK`].
    pub threshold: u64,
    /// Bytes of this direction that pass, or [`NO_MARK`].
    pub quota: u64,
    /// What was dropped for whatever reason.
    pub dropped: Drops,
}

impl Default for UsageDirection {
    /// Nothing counted, no threshold and no quota.
    fn default() -> Self {
        Self {
            packets: 0,
            bytes: 0,
            mark: NO_MARK,
            last_ns: 0,
            threshold: NO_MARK,
            quota: NO_MARK,
            dropped: Drops::default(),
        }
    }
}

/// The counters of a URR that a slot's do not do for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Usage {
    /// From the radio.
    pub uplink: UsageDirection,
    /// To the radio.
    pub downlink: UsageDirection,
    /// Both.
    pub tail: UsageTail,
}

/// The records that a packet is counted in. Written once, before rules name it, and reused only after no packet can still be
/// reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct UsageSet {
    /// Indices of `USAGES`; the first [`NO_USAGE`] ends them.
    pub records: [u32; USAGE_SET_RECORDS],
}

impl Default for UsageSet {
    /// None.
    fn default() -> Self {
        Self {
            records: [NO_USAGE; USAGE_SET_RECORDS],
        }
    }
}

/// Bit of [`UsageEvent::account`]: it is a record of `USAGES`, not a slot.
pub const USAGE_RECORD: u32 = 1 << 31;

/// Values of [`UsageEvent::kind`].
pub mod usage_event {
    /// A threshold is reached.
    pub const REACHED: u32 = 1;
    /// A quota is used up.
    pub const EXHAUSTED: u32 = 2;
}

/// Fast path to agent, through the `USAGE_EVENTS` ring buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(4))]
pub struct UsageEvent {
    /// Index of a slot, or with [`USAGE_RECORD`] that of a record.
    pub account: u32,
    /// One of [`usage_event`].
    pub kind: u32,
}

plain! {
    Drops: 16, 8;
    UsageTail: 64, 64;
    UsageDirection: 64, 64;
    Usage: 192, 64;
    UsageSet: 64, 64;
    UsageEvent: 8, 4;
}
