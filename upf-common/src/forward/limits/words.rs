//! What goes in and out of the functions of limits: numbers, because BPF functions have five parameters at most, and the
//! verifier follows numbers best.

use super::super::tables::Way;
use crate::abi::{LevelDirection, NO_LIMIT, level};

/// A packet that wants to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load(u64);

impl Load {
    const DOWNLINK: u64 = 1 << 32;
    const DOWNLINK_HALF: u64 = 1 << 33;
    const ECN_CAPABLE: u64 = 1 << 34;
    const MARK_FLOW: u64 = 1 << 35;
    const PAST_FLOW: u64 = 1 << 36;
    const MARKED_BY_FLOW: u64 = 1 << 37;

    /// A packet of `bytes` from or to the radio, that came by this half of its slot.
    #[inline(always)]
    #[must_use]
    pub const fn new(bytes: u32, way: Way, half: Way) -> Self {
        let way = Self::flag(Self::DOWNLINK, matches!(way, Way::Downlink));
        let half = Self::flag(Self::DOWNLINK_HALF, matches!(half, Way::Downlink));
        Self(bytes as u64 | way | half)
    }

    /// The same, of a transport that understands ECN or not; a flow's meter may mark, or not.
    #[inline(always)]
    #[must_use]
    pub const fn with_marks(self, is_ecn_capable: bool, may_flow_mark: bool) -> Self {
        Self(
            self.0
                | Self::flag(Self::ECN_CAPABLE, is_ecn_capable)
                | Self::flag(Self::MARK_FLOW, is_ecn_capable & may_flow_mark),
        )
    }

    #[inline(always)]
    const fn flag(flag: u64, is_set: bool) -> u64 {
        flag * is_set as u64
    }

    /// As [`Self::word`] told it.
    #[inline(always)]
    #[must_use]
    pub const fn of_word(word: u64) -> Self {
        Self(word)
    }

    /// All of it in one number.
    #[inline(always)]
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// Inner bytes.
    #[inline(always)]
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.0 as u32
    }

    /// Direction.
    #[inline(always)]
    #[must_use]
    pub const fn way(self) -> Way {
        if self.0 & Self::DOWNLINK == 0 {
            Way::Uplink
        } else {
            Way::Downlink
        }
    }

    /// The half of its slot that it came by.
    #[inline(always)]
    #[must_use]
    pub const fn half(self) -> Way {
        if self.0 & Self::DOWNLINK_HALF == 0 {
            Way::Uplink
        } else {
            Way::Downlink
        }
    }

    /// Whether the flow's meter may mark it.
    #[inline(always)]
    #[must_use]
    pub const fn may_flow_mark(self) -> bool {
        self.0 & Self::MARK_FLOW != 0
    }

    /// The same behind the flow's meter, which has it marked or not.
    #[inline(always)]
    #[must_use]
    pub const fn past_flow(self, is_marked: bool) -> Self {
        Self(self.0 | Self::PAST_FLOW | Self::flag(Self::MARKED_BY_FLOW, is_marked))
    }

    /// Whether it comes from the flow's meter.
    #[inline(always)]
    #[must_use]
    pub const fn is_past_flow(self) -> bool {
        self.0 & Self::PAST_FLOW != 0
    }

    /// Whether the flow's meter has it marked.
    #[inline(always)]
    #[must_use]
    pub const fn is_marked_by_flow(self) -> bool {
        self.0 & Self::MARKED_BY_FLOW != 0
    }

    /// Whether it can be marked.
    #[inline(always)]
    #[must_use]
    pub const fn is_ecn_capable(self) -> bool {
        self.0 & Self::ECN_CAPABLE != 0
    }
}

/// What becomes of a packet at a chain of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome(u64);

impl Outcome {
    /// It passes.
    pub const PASSED: Self = Self(0);
    /// It passes and is to be marked.
    pub const MARKED: Self = Self(1);
    const HELD_BACK: u64 = 2;
    /// Nothing has happened yet.
    pub const UNDECIDED: Self = Self(4);

    /// It does not pass a limit of this level.
    #[inline(always)]
    pub(super) const fn held_back(level: u8) -> Self {
        Self(Self::HELD_BACK | (level as u64) << 8)
    }

    /// As [`Self::word`] told it.
    #[inline(always)]
    #[must_use]
    pub const fn of_word(word: u64) -> Self {
        Self(word)
    }

    /// All of it in one number.
    #[inline(always)]
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// Whether it is to be marked.
    #[inline(always)]
    #[must_use]
    pub const fn is_marked(self) -> bool {
        self.0 & Self::MARKED.0 != 0
    }

    /// Whether it does not pass.
    #[inline(always)]
    #[must_use]
    pub const fn is_held_back(self) -> bool {
        self.0 & Self::HELD_BACK != 0
    }

    /// The level of the limit that holds it back ([`level`]).
    #[inline(always)]
    #[must_use]
    pub const fn level(self) -> u8 {
        (self.0 >> 8) as u8
    }
}

/// What one level of a speed class has done to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It passed.
    Passed,
    /// It passed and was marked.
    Marked,
    /// It was held back.
    Dropped,
}

impl Done {
    /// Counts a packet.
    #[inline(always)]
    pub fn count(self, counters: &mut LevelDirection, load: Load) {
        let bytes = u64::from(load.bytes());
        match self {
            Self::Dropped => {
                counters.dropped_packets += 1;
                counters.dropped_bytes += bytes;
                return;
            }
            Self::Marked => {
                counters.marked_packets += 1;
                counters.marked_bytes += bytes;
            }
            Self::Passed => {}
        }
        counters.passed_packets += 1;
        counters.passed_bytes += bytes;
    }
}

/// What one limit of a chain says to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge(u64);

impl Charge {
    /// It holds the packet back.
    pub(super) const HELD_BACK: u64 = 1 << 32;
    /// It marks the packet.
    pub(super) const LOW: u64 = 1 << 33;
    /// A guarantee that covers the packet.
    pub(super) const GUARANTEED: u64 = 1 << 34;
    /// A guarantee that does not, and charges nothing.
    pub(super) const NOT_GUARANTEED: u64 = 1 << 35;
    /// Its level counts the packet when it passes: all but guarantees.
    pub(super) const COUNTS: u64 = 1 << 36;
    const PLACE_SHIFT: u32 = 40;

    /// There is no limit, and none behind it.
    pub(super) const NONE: Self = Self(NO_LIMIT as u64);

    /// As [`Self::word`] told it.
    #[inline(always)]
    #[must_use]
    pub const fn of_word(word: u64) -> Self {
        Self(word)
    }

    /// All of it in one number.
    #[inline(always)]
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// What a limit of this place says, before `parent`.
    #[inline(always)]
    pub(super) const fn new(parent: u32, place: u32, flags: u64) -> Self {
        Self(parent as u64 | (place as u64) << Self::PLACE_SHIFT | flags)
    }

    #[inline(always)]
    pub(super) const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// The next limit.
    #[inline(always)]
    pub(super) const fn parent(self) -> u32 {
        self.0 as u32
    }

    /// Where its level is counted, see [`crate::abi::level_index`].
    #[inline(always)]
    pub(super) const fn place(self) -> u32 {
        (self.0 >> Self::PLACE_SHIFT) as u32
    }

    #[inline(always)]
    pub(super) const fn level(self) -> u8 {
        (self.place() % level::COUNT as u32) as u8
    }
}

/// How a packet's way through a limit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End(u32);

impl End {
    /// It passed, and this limit has it marked.
    pub const MARKED: Self = Self(1);
    /// Another limit held it back: it is not charged after all.
    pub const GIVEN_BACK: Self = Self(2);

    /// As [`Self::word`] told it.
    #[inline(always)]
    #[must_use]
    pub const fn of_word(word: u32) -> Self {
        Self(word)
    }

    /// All of it in one number.
    #[inline(always)]
    #[must_use]
    pub const fn word(self) -> u32 {
        self.0
    }
}
