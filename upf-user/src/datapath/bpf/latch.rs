//! One direction of a slot, changed under traffic: the writer's side of the latch that
//! [`upf_common::abi::Slot`] describes.

use std::mem::offset_of;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use upf_common::abi::{Direction, NO_MARK, Rules, State};
use upf_common::meter::Rate;

use super::clock;
use super::mmap::{load, store, to_words, words_of};
use crate::datapath::{Credit, credit};

/// Words of one direction.
pub(super) const HALF_WORDS: usize = words_of::<Direction>();
const RULES_WORDS: usize = words_of::<Rules>();
const RULES: usize = offset_of!(Direction, rules) / 8;
/// The version shares its word with the slot's number.
const VERSION: usize = offset_of!(State, version) / 8;
const FULL_AT: usize = offset_of!(State, full_at) / 8;
const PACKETS: usize = offset_of!(State, packets) / 8;
const BYTES: usize = offset_of!(State, bytes) / 8;
const MARK: usize = offset_of!(State, mark) / 8;
const LAST_NS: usize = offset_of!(State, last_ns) / 8;
const TICKS_PER_BYTE: usize = offset_of!(State, ticks_per_byte) / 8;
const DEPTH: usize = offset_of!(State, depth) / 8;

/// The memory of one direction of a slot. There is one writer.
pub(super) type Half = [AtomicU64; HALF_WORDS];

/// Puts rules into force.
pub(super) fn replace(half: &Half, rules: &Rules) {
    let head = head(half);
    let next = head.version.wrapping_add(1);
    // The former raise of the version is seen before what follows: a reader that still copies the copy
    // written now finds the version changed.
    fence(Ordering::Release);
    store(copy(half, next), rules);
    // Whoever sees the version sees the rules.
    set_head(half, next, head.slot, Ordering::Release);
}

/// The rules in force.
pub(super) fn in_force(half: &Half) -> Rules {
    load(copy(half, head(half).version))
}

/// What packets have counted; the other fields are left out.
pub(super) fn counters(half: &Half) -> State {
    let value = |word: usize| half[word].load(Ordering::Relaxed);
    State {
        packets: value(PACKETS),
        bytes: value(BYTES),
        last_ns: value(LAST_NS),
        ..State::default()
    }
}

/// Sets the meter's rate. A packet may see one word of each rate for as long as that takes.
pub(super) fn set_rate(half: &Half, rate: Rate, credit: Credit) {
    let words = RateWords {
        full_at: &half[FULL_AT],
        ticks_per_byte: &half[TICKS_PER_BYTE],
        depth: &half[DEPTH],
    };
    words.change(rate, 0, credit, clock::now_ns());
}

/// A bucket and its rate, which packets charge meanwhile.
pub(super) struct RateWords<'a> {
    pub(super) full_at: &'a AtomicU64,
    pub(super) ticks_per_byte: &'a AtomicU64,
    pub(super) depth: &'a AtomicU64,
}

impl RateWords<'_> {
    /// Puts another rate into force. In this order, packets between the steps are neither held back where there is no limit,
    /// nor let through on credit that is not there.
    pub(super) fn change(self, after: Rate, flags: u8, credit: Credit, now_ns: u64) {
        let before = Rate {
            ticks_per_byte: self.ticks_per_byte.load(Ordering::Relaxed),
            depth: self.depth.load(Ordering::Relaxed),
        };
        if after.ticks_per_byte == 0 {
            self.ticks_per_byte.store(0, Ordering::Release);
        }
        if after.depth < before.depth {
            self.depth.store(after.depth, Ordering::Release);
        }
        let next = |full_at| credit::full_at(credit, full_at, now_ns, flags, [before, after]);
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        while let Err(seen) = self.full_at.compare_exchange_weak(
            full_at,
            next(full_at),
            Ordering::AcqRel,
            Ordering::Relaxed,
        ) {
            full_at = seen;
        }
        self.depth.store(after.depth, Ordering::Release);
        self.ticks_per_byte
            .store(after.ticks_per_byte, Ordering::Release);
    }
}

/// Zeroes counters, fills the meter and takes its rate, in a half of the slot of this number.
pub(super) fn reset(half: &Half, slot: u32) {
    for word in [FULL_AT, PACKETS, BYTES, LAST_NS, TICKS_PER_BYTE, DEPTH] {
        half[word].store(0, Ordering::Relaxed);
    }
    half[MARK].store(NO_MARK, Ordering::Relaxed);
    set_head(half, head(half).version, slot, Ordering::Relaxed);
}

/// A state of which only version and slot are true.
fn head(half: &Half) -> State {
    let mut words = [0; words_of::<State>()];
    words[VERSION] = half[VERSION].load(Ordering::Relaxed);
    super::mmap::from_words::<State, { words_of::<State>() }>(&words)
}

fn set_head(half: &Half, version: u32, slot: u32, ordering: Ordering) {
    let state = State {
        version,
        slot,
        ..State::default()
    };
    let words: [u64; words_of::<State>()] = to_words(&state);
    half[VERSION].store(words[VERSION], ordering);
}

fn copy(half: &Half, version: u32) -> &[AtomicU64; RULES_WORDS] {
    let (copies, _) = half[RULES..].as_chunks::<RULES_WORDS>();
    &copies[(version & 1) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use upf_common::abi::verdict;
    use upf_common::meter::{self, UNUSED};

    fn empty() -> Box<Half> {
        Box::new(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Rules whose words are all alike.
    fn uniform(fill: u8) -> Rules {
        let words = [u64::from_ne_bytes([fill; 8]); RULES_WORDS];
        super::super::mmap::from_words(&words)
    }

    fn record(half: &Half) -> Direction {
        load::<Direction, HALF_WORDS>(half)
    }

    #[test]
    fn the_copy_in_force_is_left_alone() {
        let half = empty();
        for fill in 1..=5 {
            let before = record(&half);
            replace(&half, &uniform(fill));
            let after = record(&half);
            let old = (before.state.version & 1) as usize;
            assert_eq!(after.rules[old], before.rules[old]);
            assert_eq!(after.state.version, before.state.version + 1);
            assert_eq!(in_force(&half), uniform(fill));
        }
    }

    #[test]
    fn the_version_wraps() {
        let half = empty();
        store(
            &half,
            &Direction {
                state: State {
                    version: u32::MAX,
                    ..State::default()
                },
                ..Direction::default()
            },
        );
        replace(&half, &uniform(7));
        assert_eq!(record(&half).state.version, 0);
        assert_eq!(record(&half).state.slot, 0);
        assert_eq!(in_force(&half), uniform(7));
    }

    #[test]
    fn a_reset_keeps_version_and_rules() {
        let half = empty();
        let rules = Rules {
            verdict: verdict::FORWARD,
            ..Rules::default()
        };
        replace(&half, &rules);
        let counted = Direction {
            state: State {
                full_at: 1,
                packets: 2,
                bytes: 3,
                mark: 4,
                last_ns: 5,
                ..record(&half).state
            },
            ..record(&half)
        };
        store(&half, &counted);
        let expected = State {
            packets: 2,
            bytes: 3,
            last_ns: 5,
            ..State::default()
        };
        assert_eq!(counters(&half), expected);
        let rate = Rate::from_bits_per_second(1_000_000);
        set_rate(&half, rate, Credit::Full);
        let state = record(&half).state;
        assert_eq!(
            (state.ticks_per_byte, state.depth),
            (rate.ticks_per_byte, rate.depth)
        );
        assert_eq!(state.full_at, UNUSED);
        reset(&half, 17);
        let state = record(&half).state;
        assert_eq!((state.ticks_per_byte, state.depth), (0, 0));
        assert_eq!(counters(&half), State::default());
        assert_eq!((state.mark, state.slot), (NO_MARK, 17));
        assert_eq!(record(&half).state.full_at, 0);
        assert_eq!(record(&half).state.version, 1);
        assert_eq!(in_force(&half), rules);
    }

    #[test]
    fn a_limit_under_traffic_begins_nearly_empty() {
        const MS: u64 = meter::ticks(1_000_000);
        const NOW_NS: u64 = 5_000_000_000;
        let half = empty();
        let (slow, fast) = (1_000_000, 100_000_000);
        let [slow, fast] = [slow, fast].map(Rate::from_bits_per_second);
        let words = || RateWords {
            full_at: &half[FULL_AT],
            ticks_per_byte: &half[TICKS_PER_BYTE],
            depth: &half[DEPTH],
        };
        for (rate, left) in [(slow, 20 * MS), (fast, MS / 5), (slow, MS / 5)] {
            words().change(rate, 0, Credit::Kept, NOW_NS);
            let state = record(&half).state;
            let full_at = meter::ticks(NOW_NS) + rate.depth - left;
            assert!(state.full_at.abs_diff(full_at) < MS / 1000, "{state:?}");
            assert_eq!(
                (state.ticks_per_byte, state.depth),
                (rate.ticks_per_byte, rate.depth)
            );
        }
    }

    #[test]
    fn a_reader_never_sees_half_a_change() {
        let half = empty();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..200_000_u32 {
                    replace(&half, &uniform((round % 251) as u8));
                }
                done.store(true, Ordering::Relaxed);
            });
            while !done.load(Ordering::Relaxed) {
                let before = half[VERSION].load(Ordering::Acquire);
                let rules = load(copy(&half, head(&half).version));
                fence(Ordering::Acquire);
                if half[VERSION].load(Ordering::Relaxed) == before {
                    let words: [u64; RULES_WORDS] = to_words::<Rules, RULES_WORDS>(&rules);
                    assert!(words.iter().all(|word| *word == words[0]), "{rules:?}");
                }
            }
        });
    }
}
