//! One direction of a limit, changed under traffic word by word.

use std::mem::offset_of;
use std::sync::atomic::{AtomicU64, Ordering};

use upf_common::abi::LimitDirection;

use super::clock;
use super::latch::RateWords;
use super::mmap::{store, to_words, words_of};
use crate::datapath::{Credit, LimitCounters, LimitSetting};

/// Words of one direction.
pub(super) const LIMIT_HALF_WORDS: usize = words_of::<LimitDirection>();
const FULL_AT: usize = offset_of!(LimitDirection, full_at) / 8;
const TICKS_PER_BYTE: usize = offset_of!(LimitDirection, ticks_per_byte) / 8;
const DEPTH: usize = offset_of!(LimitDirection, depth) / 8;
/// Parent, level, flags and class share a word.
const PARENT: usize = offset_of!(LimitDirection, parent) / 8;
const MARKED_PACKETS: usize = offset_of!(LimitDirection, marked_packets) / 8;
const MARKED_BYTES: usize = offset_of!(LimitDirection, marked_bytes) / 8;
const DROPPED_PACKETS: usize = offset_of!(LimitDirection, dropped_packets) / 8;
const DROPPED_BYTES: usize = offset_of!(LimitDirection, dropped_bytes) / 8;

/// The memory of one direction of a limit. There is one writer, beside packets that charge and count.
pub(super) type LimitHalf = [AtomicU64; LIMIT_HALF_WORDS];

/// Puts a setting into force.
pub(super) fn set(half: &LimitHalf, setting: &LimitSetting, credit: Credit) {
    let record = LimitDirection {
        parent: setting.parent_number(),
        level: setting.level,
        flags: setting.flags,
        class: setting.class,
        ..LimitDirection::default()
    };
    let words: [u64; LIMIT_HALF_WORDS] = to_words(&record);
    half[PARENT].store(words[PARENT], Ordering::Relaxed);
    let words = RateWords {
        full_at: &half[FULL_AT],
        ticks_per_byte: &half[TICKS_PER_BYTE],
        depth: &half[DEPTH],
    };
    words.change(setting.rate(), setting.flags, credit, clock::now_ns());
}

/// As nobody has used it.
pub(super) fn reset(half: &LimitHalf) {
    store(half, &LimitDirection::default());
}

/// What packets have counted.
pub(super) fn counters(half: &LimitHalf) -> LimitCounters {
    let value = |word: usize| half[word].load(Ordering::Relaxed);
    LimitCounters {
        marked_packets: value(MARKED_PACKETS),
        marked_bytes: value(MARKED_BYTES),
        dropped_packets: value(DROPPED_PACKETS),
        dropped_bytes: value(DROPPED_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::super::mmap::load;
    use super::*;
    use crate::datapath::LimitIndex;
    use upf_common::abi::{level, limit_flags};
    use upf_common::meter::UNUSED;

    #[test]
    fn a_setting_leaves_counters() {
        let half: LimitHalf = std::array::from_fn(|_| AtomicU64::new(0));
        let counted = LimitDirection {
            full_at: 1,
            marked_packets: 2,
            marked_bytes: 3,
            dropped_packets: 4,
            dropped_bytes: 5,
            ..LimitDirection::default()
        };
        store(&half, &counted);
        let setting = LimitSetting {
            ticks_per_byte: 6,
            depth: 7,
            parent: Some(LimitIndex(8)),
            level: level::CUSTOMER,
            flags: limit_flags::MARK | limit_flags::PACKETS,
            class: 9,
        };
        set(&half, &setting, Credit::Full);
        let expected = LimitDirection {
            ticks_per_byte: 6,
            depth: 7,
            parent: 8,
            level: level::CUSTOMER,
            flags: limit_flags::MARK | limit_flags::PACKETS,
            class: 9,
            full_at: UNUSED,
            ..counted
        };
        assert_eq!(load::<LimitDirection, LIMIT_HALF_WORDS>(&half), expected);
        let counters_then = LimitCounters {
            marked_packets: 2,
            marked_bytes: 3,
            dropped_packets: 4,
            dropped_bytes: 5,
        };
        assert_eq!(counters(&half), counters_then);
        reset(&half);
        let empty = LimitDirection::default();
        assert_eq!(load::<LimitDirection, LIMIT_HALF_WORDS>(&half), empty);
        set(&half, &LimitSetting::default(), Credit::Kept);
        assert_eq!(load::<LimitDirection, LIMIT_HALF_WORDS>(&half), empty);
    }
}
