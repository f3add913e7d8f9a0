//! A packet's steps along its chain of limits, in numbers as [`super::words`].

use super::words::Tally;
use crate::abi::NO_LIMIT;

super::numbers! {
    Charged: u32;
    Manner: u32;
    Charge: u64;
    End: u32;
}

/// How far a packet has come along its chain on the ordinary road.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charged(u32);

impl Charged {
    const LOW_SHIFT: u32 = 8;

    /// So many limits are charged, and those with a bit in `low` mark the packet.
    #[inline(always)]
    pub(super) const fn new(count: u32, low: u32) -> Self {
        Self(count | low << Self::LOW_SHIFT)
    }

    #[inline(always)]
    pub(super) const fn count(self) -> u32 {
        self.0 & ((1 << Self::LOW_SHIFT) - 1)
    }

    #[inline(always)]
    pub(super) const fn low(self) -> u32 {
        self.0 >> Self::LOW_SHIFT
    }
}

/// How a limit is to be charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner(u32);

impl Manner {
    /// Like any other.
    pub(super) const PLAIN: Self = Self(0);
    /// A guarantee covers the packet, which goes first.
    pub(super) const GUARANTEED: Self = Self(1);
    /// Not at all: it has been charged.
    pub(super) const CHARGED: Self = Self(2);

    #[inline(always)]
    pub(super) const fn is(self, other: Self) -> bool {
        self.0 == other.0
    }
}

/// What one limit of a chain says to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge(u64);

impl Charge {
    const HELD_BACK: u64 = 1 << 32;
    /// It marks the packet.
    pub(super) const LOW: u64 = 1 << 33;
    /// A guarantee that covers the packet.
    pub(super) const GUARANTEED: u64 = 1 << 34;
    /// A guarantee that does not, and charges nothing.
    pub(super) const NOT_GUARANTEED: u64 = 1 << 35;
    const TALLY_SHIFT: u32 = 40;

    /// There is no limit, and none behind it.
    pub(super) const NONE: Self = Self(NO_LIMIT as u64);

    /// What a limit says, before `parent`.
    #[inline(always)]
    pub(super) const fn new(parent: u32, tally: Tally, flags: u64) -> Self {
        Self(parent as u64 | (tally.place() as u64) << Self::TALLY_SHIFT | flags)
    }

    /// One of this level holds the packet back.
    #[inline(always)]
    pub(super) const fn held_back(level: u8) -> Self {
        Self(Self::HELD_BACK | (level as u64) << Self::TALLY_SHIFT)
    }

    #[inline(always)]
    pub(super) const fn is_held_back(self) -> bool {
        self.0 & Self::HELD_BACK != 0
    }

    /// The level of one that holds the packet back.
    #[inline(always)]
    pub(super) const fn level(self) -> u8 {
        (self.0 >> Self::TALLY_SHIFT) as u8
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

    /// Where it is counted; nowhere for guarantees.
    #[inline(always)]
    pub(super) const fn tally(self) -> Tally {
        Tally::at((self.0 >> Self::TALLY_SHIFT) as u32)
    }
}

/// How far a packet has come along its chain when it goes by all that the ordinary road leaves. One number, because there is
/// little room for more on BPF's stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress(u64);

impl Progress {
    const LOW_SHIFT: u32 = 16;
    const TAKEN_SHIFT: u32 = 32;
    const GUARANTEED: u64 = 1 << 48;

    /// The beginning of a way on which limits are charged already.
    #[inline(always)]
    pub(super) const fn new(charged: Charged) -> Self {
        Self((charged.low() as u64) << Self::LOW_SHIFT)
    }

    /// How the limit of this number is to be charged.
    #[inline(always)]
    pub(super) const fn manner(self, number: u32, charged: Charged) -> Manner {
        if number < charged.count() {
            Manner::CHARGED
        } else if self.0 & Self::GUARANTEED != 0 {
            Manner::GUARANTEED
        } else {
            Manner::PLAIN
        }
    }

    /// The limit of this number lets the packet pass.
    #[inline(always)]
    pub(super) const fn add(&mut self, number: u32, charge: Charge) {
        let low = (charge.has(Charge::LOW) as u64) << Self::LOW_SHIFT;
        let taken = (!charge.has(Charge::NOT_GUARANTEED) as u64) << Self::TAKEN_SHIFT;
        self.0 |= (low | taken) << number | charge.tally().place() as u64;
        self.0 |= Self::GUARANTEED * charge.has(Charge::GUARANTEED) as u64;
    }

    /// A bit for each limit that marks the packet.
    #[inline(always)]
    pub(super) const fn low(self) -> u32 {
        (self.0 >> Self::LOW_SHIFT) as u32 & 0xffff
    }

    /// A bit for each limit that has to be given back if a later one holds the packet back.
    #[inline(always)]
    pub(super) const fn taken(self) -> u32 {
        (self.0 >> Self::TAKEN_SHIFT) as u32 & 0xffff
    }

    /// What is to be counted.
    #[inline(always)]
    pub(super) const fn passed(self) -> Tally {
        Tally::at(self.0 as u32 & 0xffff)
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
}
