//! What is left in a bucket whose limit changes.
//!
//! A change shows at once: what a bucket would let pass on top of its rate is cut down to next to nothing when the rate
//! changes. Only what carries no traffic yet begins with a full bucket, for the first window of TCP.

use upf_common::abi::limit_flags;
use upf_common::meter::{self, MIN_DEPTH_NS, Rate, UNUSED};

/// What a bucket holds when its limit is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credit {
    /// All that it can: nobody has sent anything under it yet.
    Full,
    /// What it held, and no more bytes than that. Where the rate changes, or there was no limit: at most what passes in
    /// [`MIN_DEPTH_NS`], or one packet of full size. Limits of packets, which count a few in minutes or hours, keep all that
    /// they held, and begin full.
    Kept,
}

/// Of an inner packet of full size.
const PACKET_BYTES: u32 = 1500;

/// When a bucket that was to be full at `full_at` will be full under another rate. [`UNUSED`] is a full one. `flags` are those
/// of [`limit_flags`]; 0 for a flow's meter.
#[must_use]
pub fn full_at(
    credit: Credit,
    full_at: u64,
    now_ns: u64,
    flags: u8,
    [before, after]: [Rate; 2],
) -> u64 {
    if credit == Credit::Full {
        return UNUSED;
    }
    // No limit leaves the bucket alone.
    if before == after || after.ticks_per_byte == 0 {
        return full_at;
    }
    let is_of_packets = flags & limit_flags::PACKETS != 0;
    let now = if is_of_packets {
        meter::packet_ticks(now_ns)
    } else {
        meter::ticks(now_ns)
    };
    let mut left = if before.ticks_per_byte == 0 {
        after.depth
    } else {
        kept(ticks_left(full_at, now, before.depth), before, after)
    };
    if !is_of_packets && before.ticks_per_byte != after.ticks_per_byte {
        let packet = meter::cost_bounded(PACKET_BYTES, after.ticks_per_byte);
        left = left.min(packet.max(meter::ticks(MIN_DEPTH_NS)));
    }
    let used = after.depth.saturating_sub(left);
    now.wrapping_add(used).max(UNUSED + 1)
}

/// Ticks until a bucket is empty.
fn ticks_left(full_at: u64, now: u64, depth: u64) -> u64 {
    depth.saturating_sub(meter::used(full_at, now, depth))
}

/// What `left` is at another rate: neither longer nor more.
fn kept(left: u64, before: Rate, after: Rate) -> u64 {
    let as_much = u128::from(left) * u128::from(after.ticks_per_byte);
    let as_much = as_much / u128::from(before.ticks_per_byte);
    u64::try_from(as_much).map_or(left, |as_much| as_much.min(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use upf_common::meter::PACKET_TICK_SHIFT;

    const NOW_NS: u64 = 5_000_000_000;
    const NOW: u64 = meter::ticks(NOW_NS);
    const MS: u64 = meter::ticks(1_000_000);
    const NONE: Rate = Rate {
        ticks_per_byte: 0,
        depth: 0,
    };

    fn mbit(rate: u64) -> Rate {
        Rate::from_bits_per_second(rate * 1_000_000)
    }

    /// A bucket with so much left.
    fn with_left(left: u64, rate: Rate) -> u64 {
        NOW + rate.depth - left
    }

    /// What passes at once after a change, in bytes.
    fn burst(full_at: u64, rate: Rate) -> u64 {
        let word = Cell::new(full_at);
        let packets = (0..).take_while(|_| meter::pass(&word, NOW, 100, rate));
        100 * packets.count() as u64
    }

    fn after(full: u64, before: Rate, after: Rate) -> u64 {
        burst(
            full_at(Credit::Kept, full, NOW_NS, 0, [before, after]),
            after,
        )
    }

    #[test]
    fn a_new_limit_lets_next_to_nothing_pass_on_top() {
        // 20 ms, or a packet.
        for (rate, bytes) in [(mbit(10), 25_000), (mbit(100), 250_000), (mbit(1), 2500)] {
            assert_eq!(after(UNUSED, NONE, rate), bytes);
            assert_eq!(
                after(NOW + 7, NONE, rate),
                bytes,
                "used before it had a limit"
            );
        }
        let slow = Rate::from_bits_per_second(8000);
        assert_eq!(after(UNUSED, NONE, slow), 1500);
        assert_eq!(after(UNUSED, NONE, Rate::from_bits_per_second(0)), 0);
        let full = full_at(Credit::Full, NOW + 7, NOW_NS, 0, [NONE, mbit(10)]);
        assert_eq!(burst(full, mbit(10)), 375_000);
    }

    #[test]
    fn another_rate_keeps_what_there_was_but_little_of_it() {
        let (slow, fast) = (mbit(1), mbit(100));
        // Full ones.
        assert_eq!(after(UNUSED, fast, slow), 2500);
        assert_eq!(after(NOW - 1, fast, slow), 2500);
        assert_eq!(after(UNUSED, slow, fast), 37_500, "no more than it had");
        // Empty ones, and those that owe something.
        for left in [0, MS / 1000] {
            assert_eq!(after(with_left(left, fast), fast, slow), 0);
            assert_eq!(after(with_left(left, slow), slow, fast), 0);
        }
        assert_eq!(after(NOW + 2 * fast.depth, fast, slow), 0);
        // A little is kept as long as it lasted where it gets slower, and as much as it was where it gets faster.
        assert_eq!(after(with_left(8 * MS, fast), fast, slow), 1000);
        assert_eq!(after(with_left(8 * MS, slow), slow, fast), 1000);
    }

    #[test]
    fn another_depth_keeps_what_fits() {
        let deep = mbit(10);
        let shallow = Rate::with_depth(10_000_000, 50_000_000);
        assert_eq!(after(UNUSED, deep, shallow), 62_500);
        assert_eq!(after(with_left(40 * MS, deep), deep, shallow), 50_000);
        assert_eq!(after(with_left(40 * MS, shallow), shallow, deep), 50_000);
        assert_eq!(after(UNUSED, shallow, deep), 62_500, "it grows with time");
        let far_deeper = Rate::with_depth(10_000_000, 60_000_000_000);
        assert_eq!(after(with_left(0, far_deeper), far_deeper, shallow), 0);
    }

    #[test]
    fn what_is_not_changed_and_what_has_no_limit_is_left_alone() {
        for full in [UNUSED, 3, NOW - 3, NOW + 3] {
            let same = full_at(Credit::Kept, full, NOW_NS, 0, [mbit(1), mbit(1)]);
            assert_eq!(same, full);
            assert_eq!(
                full_at(Credit::Kept, full, NOW_NS, 0, [mbit(1), NONE]),
                full
            );
        }
    }

    #[test]
    fn packets_in_minutes_keep_their_number() {
        let minute = 60_000_000_000_u64 >> PACKET_TICK_SHIFT;
        let rate = |packets: u64| Rate {
            ticks_per_byte: minute / packets,
            depth: minute / packets * packets,
        };
        let now = meter::packet_ticks(NOW_NS);
        let after = |full, before: Rate, after: Rate| {
            let full = full_at(
                Credit::Kept,
                full,
                NOW_NS,
                limit_flags::PACKETS,
                [before, after],
            );
            let left = ticks_left(full, now, after.depth);
            (left + after.ticks_per_byte / 2) / after.ticks_per_byte
        };
        assert_eq!(after(UNUSED, NONE, rate(10)), 10, "a new one is full");
        assert_eq!(after(UNUSED, rate(10), rate(100)), 10);
        assert_eq!(after(UNUSED, rate(100), rate(10)), 10);
        let half = now + rate(10).depth / 2;
        assert_eq!(after(half, rate(10), rate(100)), 5);
        assert_eq!(after(now + rate(10).depth, rate(10), rate(100)), 0);
    }
}
