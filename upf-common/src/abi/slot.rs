//! The slot: everything that an ordinary packet of one SIM needs.
//!
//! A slot has an uplink and a downlink half, each of three cache lines: the [`State`] that packets
//! write, and two copies of the [`Rules`], of which [`State::version`] names the valid one. A packet
//! touches two lines: the state and one copy. Behind them is a line that few packets touch, the [`UsageTail`].
//!
//! # Replacing rules under traffic
//!
//! A latch (like the kernel's `seqcount_latch`): the writer fills the copy that is not in use, then
//! raises the version, whose lowest bit selects the copy. A reader takes the version, copies the rules,
//! and takes the version again: unchanged means the copy is whole, because the writer only touches the
//! other one until the version changes. A writer that dies half-way leaves the valid copy as it was.

use super::{NO_MARK, Rules, UsageTail, plain};

/// What packets of one direction change, and the selector of the rules in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct State {
    /// Raised by one for each change of rules; bit 0 selects the copy in force.
    pub version: u32,
    /// The slot's own number.
    pub slot: u32,
    /// Meter: when the bucket will be full again, in meter ticks ([`crate::meter`]).
    pub full_at: u64,
    /// Inner packets forwarded.
    pub packets: u64,
    /// Inner bytes forwarded (IP header included).
    pub bytes: u64,
    /// Up to there [`Self::bytes`] grows without another look, see [`super::usage`].
    pub mark: u64,
    /// When the last packet was forwarded, in nanoseconds of the fast path's clock; 0 for none.
    pub last_ns: u64,
    /// Meter: ticks that one byte takes, see [`crate::meter::Rate`]; set by the agent for the rules that name this
    /// slot as their meter's.
    pub ticks_per_byte: u64,
    /// Meter: the bucket's depth in ticks.
    pub depth: u64,
}

impl Default for State {
    /// Nothing counted, and no limit.
    fn default() -> Self {
        Self {
            version: 0,
            slot: 0,
            full_at: 0,
            packets: 0,
            bytes: 0,
            mark: NO_MARK,
            last_ns: 0,
            ticks_per_byte: 0,
            depth: 0,
        }
    }
}

/// One direction of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Direction {
    /// Written by packets.
    pub state: State,
    /// Written by the agent; `rules[version & 1]` is in force.
    pub rules: [Rules; 2],
}

/// One SIM's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Slot {
    /// From the radio: found by TEID.
    pub uplink: Direction,
    /// To the radio: found by UE address.
    pub downlink: Direction,
    /// Both.
    pub tail: UsageTail,
}

impl Slot {
    /// One that is empty, with its number.
    #[must_use]
    pub fn numbered(number: u32) -> Self {
        let mut slot = Self::default();
        slot.uplink.state.slot = number;
        slot.downlink.state.slot = number;
        slot
    }
}

plain! {
    State: 64, 64;
    Direction: 192, 64;
    Slot: 448, 64;
}
