//! The counters of a URR under traffic, its marks, and what they are moved by.

use core::mem::offset_of;
use core::ptr::NonNull;

use super::{Word, operations};
use crate::abi::{Slot, State, USAGE_RECORD, Usage, UsageDirection, UsageTail, usage_flags::*};
use crate::forward::tables::Way;
use crate::meter::Bucket;

/// Attempts to change the word of a tail while other CPUs and the agent do.
const ATTEMPTS: u32 = 4;
/// Where the four words of a [`Count`] begin.
const IN_STATE: usize = offset_of!(State, packets) / 8;
const BYTES: usize = 1;
const MARK: usize = 2;
const LAST: usize = 3;

const _: () = {
    assert!(offset_of!(State, bytes) / 8 == IN_STATE + BYTES);
    assert!(offset_of!(State, mark) / 8 == IN_STATE + MARK);
    assert!(offset_of!(State, last_ns) / 8 == IN_STATE + LAST);
    assert!(offset_of!(UsageDirection, packets) == 0);
    assert!(offset_of!(UsageDirection, bytes) / 8 == BYTES);
    assert!(offset_of!(UsageDirection, mark) / 8 == MARK);
    assert!(offset_of!(UsageDirection, last_ns) / 8 == LAST);
};

/// Packets, bytes, mark and time of the last packet of one direction.
#[derive(Clone, Copy, Debug)]
pub struct Count(NonNull<u64>);

impl Count {
    /// # Safety
    /// The state is aligned and stays valid, and is changed by single stores and atomic operations only.
    #[inline(always)]
    pub(super) unsafe fn of_state(state: *mut State) -> Self {
        // SAFETY: projects within the record, so not null.
        unsafe { Self(NonNull::new_unchecked(state.cast::<u64>().add(IN_STATE))) }
    }

    #[inline(always)]
    fn word(self, at: usize) -> Word {
        // SAFETY: one of the four words of the record, see the constructors.
        unsafe { Word::new(self.0.add(at)) }
    }

    #[inline(always)]
    fn bytes(self) -> u64 {
        self.word(BYTES).load()
    }

    #[inline(always)]
    fn mark(self) -> u64 {
        self.word(MARK).load()
    }

    #[inline(always)]
    fn set_mark(self, mark: u64) {
        self.word(MARK).store(mark);
    }

    /// Whether so many bytes more would pass the mark.
    #[inline(always)]
    pub fn is_beyond_mark(self, bytes: u32) -> bool {
        self.bytes().wrapping_add(u64::from(bytes)) > self.mark()
    }

    /// Counts a packet.
    #[inline(always)]
    pub fn count(self, bytes: u32, now_ns: u64) {
        self.word(0).add(1);
        self.word(BYTES).add(u64::from(bytes));
        self.word(LAST).store(now_ns);
    }
}

/// The counters of a URR, seen from the direction of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    own: Count,
    other: Count,
    tail: NonNull<UsageTail>,
    /// Bit of [`crate::abi::usage_flags`] of this direction.
    own_flag: u64,
    /// Threshold and quota of this direction alone.
    threshold: u64,
    quota: u64,
    /// As the agent is told.
    number: u32,
}

/// What is left before something has to happen.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// To the threshold of both directions.
    pub shared_threshold: u64,
    /// To the quota of both directions.
    pub shared_quota: u64,
    /// To the threshold of this direction.
    pub own_threshold: u64,
    /// To the quota of this direction.
    pub own_quota: u64,
    own: u64,
    other: u64,
}

impl Left {
    /// To the nearer threshold.
    #[inline(always)]
    #[must_use]
    pub fn threshold(&self) -> u64 {
        self.shared_threshold.min(self.own_threshold)
    }

    /// To the nearer quota.
    #[inline(always)]
    #[must_use]
    pub fn quota(&self) -> u64 {
        self.shared_quota.min(self.own_quota)
    }
}

impl Account {
    /// That of a slot, for a packet that came by one of its halves.
    ///
    /// # Safety
    /// The slot is aligned and stays valid while the view is used, and is changed by single stores and atomic operations only.
    #[inline(always)]
    #[must_use]
    pub unsafe fn of_slot(slot: NonNull<Slot>, number: u32, half: Way) -> Self {
        let slot = slot.as_ptr();
        // SAFETY: projections within the record, so not null.
        unsafe {
            let uplink = Count::of_state(&raw mut (*slot).uplink.state);
            let downlink = Count::of_state(&raw mut (*slot).downlink.state);
            let tail = NonNull::new_unchecked(&raw mut (*slot).tail);
            let none = crate::abi::NO_MARK;
            Self::new((uplink, downlink), tail, half, (none, none), number)
        }
    }

    /// That of a record, for a packet of one direction.
    ///
    /// # Safety
    /// The record is aligned and stays valid while the view is used, and is changed by single stores and atomic operations only.
    #[inline(always)]
    #[must_use]
    pub unsafe fn of_record(usage: NonNull<Usage>, number: u32, way: Way) -> Self {
        let usage = usage.as_ptr();
        // SAFETY: projections within the record, so not null; single loads.
        unsafe {
            let uplink = &raw mut (*usage).uplink;
            let downlink = &raw mut (*usage).downlink;
            let own = match way {
                Way::Uplink => uplink,
                Way::Downlink => downlink,
            };
            let limits = (
                (&raw const (*own).threshold).read_volatile(),
                (&raw const (*own).quota).read_volatile(),
            );
            let uplink = Count(NonNull::new_unchecked(uplink.cast()));
            let downlink = Count(NonNull::new_unchecked(downlink.cast()));
            let tail = NonNull::new_unchecked(&raw mut (*usage).tail);
            let number = number | USAGE_RECORD;
            Self::new((uplink, downlink), tail, way, limits, number)
        }
    }

    #[inline(always)]
    fn new(
        (uplink, downlink): (Count, Count),
        tail: NonNull<UsageTail>,
        way: Way,
        (threshold, quota): (u64, u64),
        number: u32,
    ) -> Self {
        let (own, other, own_flag) = match way {
            Way::Uplink => (uplink, downlink, UPLINK),
            Way::Downlink => (downlink, uplink, DOWNLINK),
        };
        Self {
            own,
            other,
            tail,
            own_flag,
            threshold,
            quota,
            number,
        }
    }

    /// As the agent is told ([`crate::abi::UsageEvent::account`]).
    #[inline(always)]
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The counters of this direction.
    #[inline(always)]
    #[must_use]
    pub const fn own(&self) -> Count {
        self.own
    }

    /// The flags in force.
    #[inline(always)]
    #[must_use]
    pub fn flags(&self) -> u64 {
        self.word().load()
    }

    /// Whether packets of this direction count; if not, nothing looks at them again.
    #[inline(always)]
    #[must_use]
    pub fn counts_own(&self, flags: u64) -> bool {
        if flags & self.own_flag == 0 {
            self.own.set_mark(crate::abi::NO_MARK);
            return false;
        }
        true
    }

    /// What is left now.
    #[inline(always)]
    #[must_use]
    pub fn left(&self, flags: u64) -> Left {
        let own = self.own.bytes();
        let other = if flags & (UPLINK | DOWNLINK) & !self.own_flag == 0 {
            0
        } else {
            self.other.bytes()
        };
        let total = own.wrapping_add(other);
        let tail = self.tail.as_ptr();
        // SAFETY: valid and aligned as the constructors demand; single loads.
        let (threshold, quota) = unsafe {
            (
                (&raw const (*tail).threshold).read_volatile(),
                (&raw const (*tail).quota).read_volatile(),
            )
        };
        let left = |limit: u64, used: u64| {
            if limit == crate::abi::NO_MARK {
                limit
            } else {
                limit.saturating_sub(used)
            }
        };
        Left {
            shared_threshold: left(threshold, total),
            shared_quota: left(quota, total),
            own_threshold: left(self.threshold, own),
            own_quota: left(self.quota, own),
            own,
            other,
        }
    }

    /// Sets a flag; says whether this CPU did it, and no other.
    #[inline(always)]
    pub fn set_flag(&self, flag: u64) -> bool {
        self.change_flag(flag, flag)
    }

    /// Takes a flag back that this CPU has set.
    #[inline(always)]
    pub fn clear_flag(&self, flag: u64) {
        self.change_flag(flag, 0);
    }

    #[inline(always)]
    fn change_flag(&self, flag: u64, to: u64) -> bool {
        let word = self.word();
        let mut current = word.load();
        for _ in 0..ATTEMPTS {
            if current & flag == to {
                return false;
            }
            let seen = word.compare_exchange(current, current & !flag | to);
            if seen == current {
                return true;
            }
            current = seen;
        }
        false
    }

    /// Makes the next packets of both directions look.
    #[inline(always)]
    pub fn stop(&self) {
        self.own.set_mark(0);
        self.other.set_mark(0);
    }

    /// Moves the marks by what is left, if no other CPU does that just now: it does it as well.
    #[inline(always)]
    pub fn move_marks(&self) {
        let word = self.word();
        let flags = word.load();
        if flags & LOCKED != 0 || word.compare_exchange(flags, flags | LOCKED) != flags {
            return;
        }
        operations::barrier();
        self.write_marks(flags);
        operations::barrier();
        // Who has changed something meanwhile has stopped both directions before we wrote, perhaps.
        if word.load() & !LOCKED != flags {
            self.stop();
        }
        word.add(LOCKED.wrapping_neg());
    }

    #[inline(always)]
    fn write_marks(&self, flags: u64) {
        let mut left = self.left(flags);
        if flags & REACHED_TOLD != 0 {
            (left.shared_threshold, left.own_threshold) =
                (crate::abi::NO_MARK, crate::abi::NO_MARK);
        }
        let own_only = left.own_threshold.min(left.own_quota);
        let shared = left.shared_threshold.min(left.shared_quota);
        let counts_other = flags & (UPLINK | DOWNLINK) & !self.own_flag != 0;
        let mut own = shared;
        if shared != crate::abi::NO_MARK && counts_other {
            let others = shared / 2;
            own = shared - others;
            let mark = left.other.saturating_add(others);
            if mark < self.other.mark() {
                self.other.set_mark(mark);
            }
        }
        self.own
            .set_mark(left.own.saturating_add(own.min(own_only)));
    }

    /// Counts what QoS enforcement has held back, in a record.
    #[inline(always)]
    pub fn count_held_back(&self, way: Way, bytes: u32) {
        count_drop(self.tail, way, bytes);
    }

    #[inline(always)]
    fn word(&self) -> Word {
        // SAFETY: projects within the record, so not null.
        unsafe { Word::new(NonNull::new_unchecked(&raw mut (*self.tail.as_ptr()).word)) }
    }
}

/// Counts a packet that did not pass, in the tail of a slot or a record.
#[inline(always)]
fn count_drop(tail: NonNull<UsageTail>, way: Way, bytes: u32) {
    // SAFETY: valid as the constructors demand; projections within the record, so not null.
    unsafe {
        let drops = match way {
            Way::Uplink => &raw mut (*tail.as_ptr()).uplink,
            Way::Downlink => &raw mut (*tail.as_ptr()).downlink,
        };
        let word = |at: *mut u64| Word::new(NonNull::new_unchecked(at));
        word(&raw mut (*drops).packets).add(1);
        word(&raw mut (*drops).bytes).add(u64::from(bytes));
    }
}

/// Counts a packet that a half of a slot dropped.
///
/// # Safety
/// As for [`Account::of_slot`].
#[inline(always)]
pub unsafe fn count_slot_drop(slot: NonNull<Slot>, half: Way, bytes: u32) {
    // SAFETY: projects within the record, so not null.
    let tail = unsafe { NonNull::new_unchecked(&raw mut (*slot.as_ptr()).tail) };
    count_drop(tail, half, bytes);
}

/// Counts a packet that was dropped among those of a record.
///
/// # Safety
/// As for [`Account::of_record`].
#[inline(always)]
pub unsafe fn count_record_drop(usage: NonNull<Usage>, way: Way, bytes: u32) {
    // SAFETY: valid as the caller promises; projections within the record, so not null.
    unsafe {
        let direction = match way {
            Way::Uplink => &raw mut (*usage.as_ptr()).uplink,
            Way::Downlink => &raw mut (*usage.as_ptr()).downlink,
        };
        let word = |at: *mut u64| Word::new(NonNull::new_unchecked(at));
        word(&raw mut (*direction).dropped.packets).add(1);
        word(&raw mut (*direction).dropped.bytes).add(u64::from(bytes));
    }
}
