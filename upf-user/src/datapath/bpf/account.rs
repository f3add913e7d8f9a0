//! Counters of URRs in the kernel's memory, and the agent's side of their marks.

use std::mem::offset_of;
use std::sync::atomic::{AtomicU64, Ordering};

use upf_common::abi::{Drops, State, Usage, UsageDirection, UsageTail, usage_flags};

use super::latch::HALF_WORDS;
use super::mmap::{load, words_of};
use crate::datapath::usage::{bound, next_word, of_record};
use crate::datapath::{Account, Direction, UsageCounters, UsageLimits};

/// Words of a tail.
pub(super) const TAIL_WORDS: usize = words_of::<UsageTail>();
/// Words of a direction of a record.
const DIRECTION_WORDS: usize = words_of::<UsageDirection>();
pub(super) const USAGE_WORDS: usize = words_of::<Usage>();
const THRESHOLD: usize = offset_of!(UsageTail, threshold) / 8;
const QUOTA: usize = offset_of!(UsageTail, quota) / 8;
const WORD: usize = offset_of!(UsageTail, word) / 8;
const UPLINK_DROPS: usize = offset_of!(UsageTail, uplink) / 8;
const DROPS_WORDS: usize = words_of::<Drops>();
const STATE_MARK: usize = offset_of!(State, mark) / 8;
const MARK: usize = offset_of!(UsageDirection, mark) / 8;
const OWN_THRESHOLD: usize = offset_of!(UsageDirection, threshold) / 8;
const OWN_QUOTA: usize = offset_of!(UsageDirection, quota) / 8;

/// The memory of a tail.
pub(super) type Tail = [AtomicU64; TAIL_WORDS];
/// The memory of a record.
pub(super) type Record = [AtomicU64; USAGE_WORDS];

/// Both halves of a slot, and its tail.
pub(super) struct SlotWords<'a> {
    pub(super) halves: [&'a [AtomicU64; HALF_WORDS]; 2],
    pub(super) tail: &'a Tail,
}

/// Puts bounds into force in a slot.
pub(super) fn set_slot(slot: &SlotWords<'_>, account: Account, limits: &UsageLimits) {
    set_tail(slot.tail, account, limits);
    let [uplink, downlink] = slot.halves;
    for (half, direction) in [(uplink, Direction::Uplink), (downlink, Direction::Downlink)] {
        half[STATE_MARK].store(limits.mark(account, direction), Ordering::Release);
    }
}

/// Puts bounds into force in a record.
pub(super) fn set_record(record: &Record, account: Account, limits: &UsageLimits) {
    let (halves, _) = record.as_chunks::<DIRECTION_WORDS>();
    for (half, bounds) in halves.iter().zip([limits.uplink, limits.downlink]) {
        half[OWN_THRESHOLD].store(bound(bounds.threshold), Ordering::Relaxed);
        half[OWN_QUOTA].store(bound(bounds.quota), Ordering::Relaxed);
    }
    set_tail(tail_of(record), account, limits);
    for (half, direction) in halves.iter().zip([Direction::Uplink, Direction::Downlink]) {
        half[MARK].store(limits.mark(account, direction), Ordering::Release);
    }
}

/// The marks are stored behind this: a CPU that moves them by what was before sees the new number afterwards, or has moved
/// them before.
fn set_tail(tail: &Tail, account: Account, limits: &UsageLimits) {
    tail[THRESHOLD].store(bound(limits.total.threshold), Ordering::Relaxed);
    tail[QUOTA].store(bound(limits.total.quota), Ordering::Relaxed);
    let flags = limits.flags(account);
    let mut word = tail[WORD].load(Ordering::Relaxed);
    while let Err(seen) = tail[WORD].compare_exchange_weak(
        word,
        next_word(word, flags),
        Ordering::AcqRel,
        Ordering::Relaxed,
    ) {
        word = seen;
    }
}

/// What a direction of a record has counted.
pub(super) fn record_counters(record: &Record, direction: Direction) -> UsageCounters {
    of_record(&load::<Usage, USAGE_WORDS>(record), direction)
}

/// What the halves of a slot have dropped: packets and bytes.
pub(super) fn drops(tail: &Tail, direction: Direction) -> Drops {
    let at = match direction {
        Direction::Uplink => UPLINK_DROPS,
        Direction::Downlink => UPLINK_DROPS + DROPS_WORDS,
    };
    Drops {
        packets: tail[at].load(Ordering::Relaxed),
        bytes: tail[at + 1].load(Ordering::Relaxed),
    }
}

/// Whether nothing passes by what a tail says.
pub(super) fn is_exhausted(tail: &Tail) -> bool {
    tail[WORD].load(Ordering::Acquire) & usage_flags::EXHAUSTED != 0
}

/// A tail as nobody has used it.
pub(super) fn reset_tail(tail: &Tail) {
    super::mmap::store(tail, &UsageTail::default());
}

/// The tail of a record.
pub(super) fn tail_of(record: &Record) -> &Tail {
    let (parts, _) = record.as_chunks::<TAIL_WORDS>();
    &parts[2]
}
