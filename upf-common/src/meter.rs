//! The bandwidth limiter: a token bucket kept as one 64-bit word.
//!
//! Instead of a fill level and a time stamp it keeps the moment at which the bucket will be full again
//! (`full_at`, the theoretical arrival time of GCRA, ITU-T I.371). A packet moves that moment into the
//! future by what it costs; it passes if the moment then lies at most the bucket's depth ahead of now. One
//! compare-and-swap makes it right on any number of CPUs, and an idle bucket needs no refill.
//!
//! Times are *ticks* of 1/1024 ns, compared as wrapping differences: a rate of 400 Gbit/s still costs 1,310
//! ticks for 64 bytes, and a tick count that wraps after 208 days of uptime is harmless, because a moment
//! further ahead than the depth is not plausible and counts as a full bucket.

/// Ticks in a nanosecond, as a shift.
const TICK_SHIFT: u32 = 10;
/// Nanoseconds of a tick of packet rates, as a shift: they count in 1,024 ns, so that limits of packets a week fit.
pub const PACKET_TICK_SHIFT: u32 = 10;
/// Fractional bits of [`Rate::ticks_per_byte`].
const FRACTION_SHIFT: u32 = 12;
/// Attempts to win the compare-and-swap against other CPUs before the packet counts as over the rate.
const ATTEMPTS: u32 = 16;
/// The deepest bucket, in ticks: 2^53, about 2.4 hours.
const MAX_DEPTH: u64 = 1 << 53;
/// Default time that a full bucket lasts at the limit: 100 ms. It has to cover several ticks of the kernel's clock
/// (1 to 10 ms), and what TCP sends in one go: with half of it a download at 5 Mbit/s gets a quarter of its limit.
pub const DEFAULT_DEPTH_NS: u64 = 100_000_000;
/// A bucket holds at least this many bytes, whatever the rate: twelve full-size packets, or two jumbo ones.
pub const MIN_DEPTH_BYTES: u64 = 18_000;

/// A limit as the fast path wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Ticks that one byte takes, with 12 fractional bits; never 0.
    pub ticks_per_byte: u64,
    /// Depth of the bucket in ticks.
    pub depth: u64,
}

impl Rate {
    /// The limit of `bits_per_second` with the default depth. Zero passes nothing.
    ///
    /// Right from 1 kbit/s to 1 Tbit/s, to better than 0.001 %.
    #[must_use]
    pub const fn from_bits_per_second(bits_per_second: u64) -> Self {
        Self::with_depth(bits_per_second, DEFAULT_DEPTH_NS)
    }

    /// The limit of `bits_per_second`, with a bucket that lasts `depth_ns` at that rate, and at least
    /// [`MIN_DEPTH_BYTES`].
    #[must_use]
    pub const fn with_depth(bits_per_second: u64, depth_ns: u64) -> Self {
        if bits_per_second == 0 {
            return Self {
                ticks_per_byte: u64::MAX,
                depth: 0,
            };
        }
        // 8 bits × 10^9 ns, in ticks with the fraction: fits u128 only.
        let scaled = (8 * 1_000_000_000u128) << (TICK_SHIFT + FRACTION_SHIFT);
        let rate = bits_per_second as u128;
        let per_byte = (scaled + rate / 2) / rate;
        let ticks_per_byte = if per_byte > u64::MAX as u128 {
            u64::MAX
        } else {
            per_byte as u64
        };
        let floor = cost(MIN_DEPTH_BYTES, ticks_per_byte);
        let wanted = depth_ns.saturating_mul(1 << TICK_SHIFT);
        let depth = if wanted > floor { wanted } else { floor };
        Self {
            ticks_per_byte: if ticks_per_byte == 0 {
                1
            } else {
                ticks_per_byte
            },
            depth: if depth > MAX_DEPTH { MAX_DEPTH } else { depth },
        }
    }
}

/// A `full_at` word that several CPUs change.
pub trait Bucket {
    /// The word.
    fn load(&self) -> u64;
    /// Replaces `current` by `new` and returns what was there: `current` if it succeeded.
    fn compare_exchange(&self, current: u64, new: u64) -> u64;
    /// Takes `ticks` off it, wrapping.
    fn subtract(&self, ticks: u64);
}

/// The clock's nanoseconds in ticks.
#[inline(always)]
#[must_use]
pub const fn ticks(now_ns: u64) -> u64 {
    now_ns << TICK_SHIFT
}

/// Ticks that `bytes` take.
#[inline(always)]
const fn cost(bytes: u64, ticks_per_byte: u64) -> u64 {
    bytes.saturating_mul(ticks_per_byte) >> FRACTION_SHIFT
}

/// Whether a packet of `bytes` passes at `now` (ticks); if it does, it is charged, if not, nothing changes.
#[inline(always)]
pub fn pass(bucket: &impl Bucket, now: u64, bytes: u32, rate: Rate) -> bool {
    charge(
        bucket,
        now,
        cost_bounded(bytes, rate.ticks_per_byte),
        rate.depth,
        0,
    ) != REFUSED
}

/// [`charge`]'s answer for a packet that does not pass.
pub const REFUSED: u64 = u64::MAX;

/// Charges what takes `cost` ticks at `now`, and tells how much of the bucket, in ticks, is used then; [`REFUSED`] if there
/// is not enough in it, and then nothing changes. What is more urgent than others may go `overdraft` ticks below the
/// bucket's ground, which has to be refilled before others get their turn. Depth and overdraft are below 2^62.
#[inline(always)]
pub fn charge(bucket: &impl Bucket, now: u64, cost: u64, depth: u64, overdraft: u64) -> u64 {
    let mut current = bucket.load();
    for _ in 0..ATTEMPTS {
        let ahead = current.wrapping_sub(now);
        // In the past, or implausibly far ahead: the bucket is full.
        let used = if ahead > depth << 1 { 0 } else { ahead };
        let next = used.saturating_add(cost);
        if next > depth + overdraft {
            return REFUSED;
        }
        let seen = bucket.compare_exchange(current, now.wrapping_add(next));
        if seen == current {
            return next;
        }
        current = seen;
    }
    REFUSED
}

/// Gives back what [`charge`] charged for a packet that does not pass after all.
#[inline(always)]
pub fn give_back(bucket: &impl Bucket, cost: u64) {
    bucket.subtract(cost);
}

/// Whether a bucket of which this much is used runs low: less than half is left.
#[inline(always)]
#[must_use]
pub const fn is_low(used: u64, depth: u64) -> bool {
    used > depth / 2
}

/// [`cost`] without 128-bit arithmetic, which BPF lacks: a product over 64 bits is more than any depth.
#[inline(always)]
#[must_use]
pub fn cost_bounded(bytes: u32, ticks_per_byte: u64) -> u64 {
    // 2^45 ticks a byte is 1 kbit/s; frames stay below 2^18 bytes.
    if ticks_per_byte >> 46 != 0 || bytes >> 18 != 0 {
        return u64::MAX;
    }
    (u64::from(bytes) * ticks_per_byte) >> FRACTION_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;
    use proptest::prelude::*;

    struct Word(Cell<u64>);

    impl Bucket for Word {
        fn load(&self) -> u64 {
            self.0.get()
        }
        fn compare_exchange(&self, current: u64, new: u64) -> u64 {
            let seen = self.0.get();
            if seen == current {
                self.0.set(new);
            }
            seen
        }
        fn subtract(&self, ticks: u64) {
            self.0.set(self.0.get().wrapping_sub(ticks));
        }
    }

    #[test]
    fn what_is_refunded_can_be_used_again() {
        let rate = Rate::from_bits_per_second(8_000_000);
        let bucket = Word(Cell::new(0));
        let now = ticks(5_000_000_000);
        while pass(&bucket, now, 1000, rate) {}
        let full = bucket.load();
        assert!(!pass(&bucket, now, 1000, rate));
        give_back(&bucket, cost_bounded(1000, rate.ticks_per_byte));
        assert!(pass(&bucket, now, 1000, rate));
        assert_eq!(bucket.load(), full);
    }

    /// Bytes that pass in `seconds` when packets of `size` are offered at `offered` times the rate.
    fn delivered(
        bps: u64,
        size: u32,
        offered: f64,
        seconds: f64,
        clock_ns: u64,
        start: u64,
    ) -> u64 {
        let rate = Rate::from_bits_per_second(bps);
        let bucket = Word(Cell::new(0));
        let gap_ns = f64::from(size) * 8e9 / (bps as f64 * offered);
        let mut bytes = 0;
        let mut at = 0.0;
        while at < seconds * 1e9 {
            let now = start.wrapping_add(ticks(at as u64 / clock_ns * clock_ns));
            if pass(&bucket, now, size, rate) {
                bytes += u64::from(size);
            }
            at += gap_ns;
        }
        bytes
    }

    #[test]
    fn delivers_the_rate_from_8_kbit_to_400_gbit() {
        for bps in [
            8_000,
            32_000,
            128_000,
            2_000_000,
            100_000_000,
            10_000_000_000,
            400_000_000_000,
        ] {
            for size in [64, 576, 1400, 9000] {
                for offered in [0.5, 1.5, 10.0] {
                    let burst = (bps as f64 * 0.1 / 8.0).max(MIN_DEPTH_BYTES as f64);
                    let packets = (burst * 20.0 / f64::from(size)).clamp(1000.0, 2e5);
                    let seconds = packets * f64::from(size) * 8.0 / (bps as f64 * offered);
                    let passed = delivered(bps, size, offered, seconds, 1, 0) as f64;
                    let expected = bps as f64 / 8.0 * seconds * f64::min(offered, 1.0);
                    let tolerance = expected * 0.002 + burst + f64::from(size);
                    assert!(
                        (passed - expected).abs() <= tolerance,
                        "{bps} bit/s, {size} bytes, {offered}x: {passed} of {expected} in {seconds} s"
                    );
                }
            }
        }
    }

    #[test]
    fn a_coarse_clock_loses_nothing() {
        for tick_ns in [1_000_000, 4_000_000, 10_000_000] {
            let passed = delivered(100_000_000, 1400, 1.5, 20.0, tick_ns, 0) as f64;
            let expected = 100e6 / 8.0 * 20.0;
            assert!(
                (passed / expected - 1.0).abs() < 0.005,
                "{tick_ns} ns: {passed} of {expected}"
            );
        }
    }

    #[test]
    fn the_tick_counter_may_wrap() {
        let start = u64::MAX - ticks(1_000_000_000);
        let passed = delivered(10_000_000, 1000, 2.0, 10.0, 1, start) as f64;
        assert!(
            (passed / (10e6 / 8.0 * 10.0) - 1.0).abs() < 0.01,
            "{passed}"
        );
    }

    #[test]
    fn idle_time_saves_up_one_depth_and_no_more() {
        let rate = Rate::from_bits_per_second(8_000_000);
        for idle_ns in [1, 1_000_000_000, 1 << 40, 1 << 52, 1 << 53, u64::MAX >> 10] {
            let bucket = Word(Cell::new(ticks(5)));
            let now = ticks(5u64.wrapping_add(idle_ns));
            let passed = (0..100_000)
                .filter(|_| pass(&bucket, now, 1000, rate))
                .count();
            assert!(passed <= 100, "{passed} packets after {idle_ns} ns");
            assert!(
                idle_ns == 1 || passed >= 99,
                "{passed} packets after {idle_ns} ns"
            );
        }
    }

    #[test]
    fn a_rate_of_zero_passes_nothing() {
        let bucket = Word(Cell::new(0));
        let rate = Rate::from_bits_per_second(0);
        assert!(!(0..1000).any(|second| pass(&bucket, ticks(second * 1_000_000_000), 20, rate)));
    }

    #[test]
    fn slowest_and_fastest_rates_are_precise() {
        for bps in [
            1_000,
            8_000,
            1_000_000,
            1_000_000_000,
            400_000_000_000,
            1_000_000_000_000,
        ] {
            let rate = Rate::from_bits_per_second(bps);
            let per_byte = rate.ticks_per_byte as f64 / 4096.0 / 1024.0;
            let exact = 8e9 / bps as f64;
            assert!(
                (per_byte / exact - 1.0).abs() < 2e-5,
                "{bps}: {per_byte} ns, exactly {exact}"
            );
        }
    }

    proptest! {
        /// Whatever the arrivals: what passes in a window is at most rate × time + depth.
        #[test]
        fn never_more_than_rate_and_depth(
            bps in 1_000u64..400_000_000_000,
            arrivals in proptest::collection::vec((0u64..50_000_000, 20u32..9000), 1..300),
            start in any::<u64>(),
        ) {
            let rate = Rate::from_bits_per_second(bps);
            let bucket = Word(Cell::new(0));
            let (mut now, mut bits) = (0u64, 0u128);
            for (gap, size) in arrivals {
                now += gap;
                if pass(&bucket, start.wrapping_add(ticks(now)), size, rate) {
                    bits += u128::from(size) * 8;
                }
                let time = u128::from(now) + u128::from(rate.depth >> 10) + 1;
                let allowed = u128::from(bps) * time / 1_000_000_000;
                prop_assert!(bits * 9999 / 10_000 <= allowed + 8, "{bits} bits, {allowed} allowed");
            }
        }
    }
}
