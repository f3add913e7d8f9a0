//! A packet at its limits, and what becomes of it. In numbers, because BPF functions have five parameters at most, and the verifier
//! follows numbers best.

use super::super::tables::Way;
use crate::abi::{LevelDirection, MARK_FLOW, level, set_index};

super::numbers! {
    Load: u64;
    Outcome: u64;
}

/// A packet that wants to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load(u64);

impl Load {
    const DOWNLINK: u64 = 1 << 32;
    const DOWNLINK_HALF: u64 = 1 << 33;
    const ECN_SHIFT: u32 = 34;
    const MARK_FLOW_SHIFT: u32 = 35;
    const PAST_FLOW: u64 = 1 << 36;
    const MARKED_BY_FLOW_SHIFT: u32 = 37;

    /// A packet of `bytes` from or to the radio, that came by this half of its slot.
    #[inline(always)]
    #[must_use]
    pub const fn new(bytes: u32, way: Way, half: Way) -> Self {
        let way = Self::flag(Self::DOWNLINK, matches!(way, Way::Downlink));
        let half = Self::flag(Self::DOWNLINK_HALF, matches!(half, Way::Downlink));
        Self(bytes as u64 | way | half)
    }

    /// The same, of a packet with this ToS octet, whose transport understands ECN or not (RFC 3168 clause 5), and
    /// [`crate::abi::Rules::marking`] of this kind.
    #[inline(always)]
    #[must_use]
    pub const fn with_marks(self, tos: u8, marking: u8) -> Self {
        // ECT(0) and ECT(1) are those with two different bits.
        let is_capable = ((tos ^ tos >> 1) & 1) as u64;
        let may_flow = is_capable & (marking >> MARK_FLOW.trailing_zeros()) as u64;
        Self(self.0 | is_capable << Self::ECN_SHIFT | may_flow << Self::MARK_FLOW_SHIFT)
    }

    #[inline(always)]
    const fn flag(flag: u64, is_set: bool) -> u64 {
        flag * is_set as u64
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

    /// 1 if the flow's meter may mark it, 0 if not.
    #[inline(always)]
    #[must_use]
    pub const fn may_flow_mark(self) -> u64 {
        self.0 >> Self::MARK_FLOW_SHIFT & 1
    }

    /// The same behind the flow's meter, which has it marked (1) or not (0).
    #[inline(always)]
    #[must_use]
    pub const fn past_flow(self, is_marked: u64) -> Self {
        Self(self.0 | Self::PAST_FLOW | is_marked << Self::MARKED_BY_FLOW_SHIFT)
    }

    /// Whether it comes from the flow's meter.
    #[inline(always)]
    #[must_use]
    pub const fn is_past_flow(self) -> bool {
        self.0 & Self::PAST_FLOW != 0
    }

    /// 1 if the flow's meter has it marked, 0 if not.
    #[inline(always)]
    #[must_use]
    pub const fn is_marked_by_flow(self) -> u64 {
        self.0 >> Self::MARKED_BY_FLOW_SHIFT & 1
    }

    /// 1 if it can be marked, 0 if not.
    #[inline(always)]
    #[must_use]
    pub const fn is_ecn_capable(self) -> u64 {
        self.0 >> Self::ECN_SHIFT & 1
    }
}

/// What becomes of a packet at its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome(u64);

impl Outcome {
    const MARKED: u64 = 1 << 0;
    const HELD_BACK: u64 = 1 << 1;
    /// The flow's meter has marked it or held it back.
    const BY_METER: u64 = 1 << 2;
    /// Nothing has happened yet.
    const UNDECIDED: u64 = 1 << 3;

    /// It passes.
    pub const PASSED: Self = Self(0);

    /// It passes, and is to be marked if a limit wants that, or the flow's meter: 1 or 0 each.
    #[inline(always)]
    pub(super) const fn passed(is_marked: u64, is_marked_by_meter: u64) -> Self {
        Self(is_marked | is_marked_by_meter | is_marked_by_meter << Self::BY_METER.trailing_zeros())
    }

    /// It does not pass the flow's meter.
    #[inline(always)]
    pub(super) const fn held_back_by_meter() -> Self {
        Self(Self::HELD_BACK | Self::BY_METER | (level::FLOW as u64) << 8)
    }

    /// It does not pass a limit of this level.
    #[inline(always)]
    pub(super) const fn held_back(level: u8) -> Self {
        Self(Self::HELD_BACK | (level as u64) << 8)
    }

    #[inline(always)]
    pub(super) const fn undecided() -> Self {
        Self(Self::UNDECIDED)
    }

    #[inline(always)]
    pub(super) const fn is_undecided(self) -> bool {
        self.0 & Self::UNDECIDED != 0
    }

    /// 1 if it is to be marked, 0 if not.
    #[inline(always)]
    #[must_use]
    pub const fn is_marked(self) -> u64 {
        self.0 & Self::MARKED
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

    /// Counts the packet, which a flow's meter had to decide upon, among its others.
    #[inline(always)]
    pub fn count_metered(self, counters: &mut LevelDirection, load: Load) {
        let is_by_meter = self.0 & Self::BY_METER != 0;
        if !self.is_held_back() {
            Done::Passed.count(counters, load);
            if is_by_meter {
                Done::Marked.count(counters, load);
            }
        } else if is_by_meter {
            Done::Dropped.count(counters, load);
        }
    }
}

/// What limits have done to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It passed.
    Passed,
    /// It was marked, and passed.
    Marked,
    /// It was held back.
    Dropped,
}

impl Done {
    /// Counts a packet.
    #[inline(always)]
    pub fn count(self, counters: &mut LevelDirection, load: Load) {
        let (packets, bytes) = match self {
            Self::Passed => (&mut counters.passed_packets, &mut counters.passed_bytes),
            Self::Marked => (&mut counters.marked_packets, &mut counters.marked_bytes),
            Self::Dropped => (&mut counters.dropped_packets, &mut counters.dropped_bytes),
        };
        *packets += 1;
        *bytes += u64::from(load.bytes());
    }
}

/// Levels that have let a packet pass, and the class of the SIM's among them: the place in `LEVELS` where it is counted, see
/// [`crate::abi::set_index`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally(u32);

impl Tally {
    /// No level.
    pub(super) const NONE: Self = Self(0);

    /// As [`Self::place`] told it.
    #[inline(always)]
    pub(super) const fn at(place: u32) -> Self {
        Self(place)
    }

    /// One limit.
    #[inline(always)]
    pub(super) const fn of(class: u16, level: u8) -> Self {
        Self(set_index(class, 1 << (level % level::COUNT as u8)))
    }

    #[inline(always)]
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline(always)]
    pub(super) const fn has(self, level: u8) -> bool {
        self.0 & 1 << (level % level::COUNT as u8) != 0
    }

    /// The same but for the flow's level, if that is counted elsewhere.
    #[inline(always)]
    pub(super) const fn without_flow(self, if_so: bool) -> Self {
        Self(self.0 & !((if_so as u32) << level::FLOW))
    }

    /// Its place.
    #[inline(always)]
    pub(super) const fn place(self) -> u32 {
        self.0
    }
}
