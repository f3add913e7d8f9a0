//! The bandwidth limiter: a token bucket kept as one 64-bit word.
//!
//! Instead of a fill level and a time stamp it keeps the moment at which the bucket will be full again
//! (`full_at`, the theoretical arrival time of GCRA, ITU-T I.371). A packet moves that moment into the
//! future by what it costs; it passes if the moment then lies at most the bucket's depth ahead of now. One
//! compare-and-swap makes it right on any number of CPUs, and an idle bucket needs no refill.
//!
//! Times are *ticks* of 1/1024 ns, compared as wrapping differences: a rate of 400 Gbit/s still costs 1,310
//! ticks for 64 bytes, and a tick count that wraps after 208 days of uptime is harmless, because a moment
//! much further ahead than the depth is not plausible and counts as a full bucket.
//!
//! Whatever the order in which CPUs come: packets that pass at moments of any span of time, as the CPUs have read
//! the clock, take no more than that span and the depth. What is [given back](give_back) may be used once more when
//! the bucket has become full meanwhile, by one packet for each CPU at most.

use core::cell::Cell;

use crate::shared::opaque;

/// Ticks in a nanosecond, as a shift.
const TICK_SHIFT: u32 = 10;
/// Nanoseconds of a tick of packet rates, as a shift: they count in 1,024 ns, so that limits of packets a week fit.
pub const PACKET_TICK_SHIFT: u32 = 10;
/// Fractional bits of [`Rate::ticks_per_byte`].
const FRACTION_SHIFT: u32 = 12;
/// Attempts to win the compare-and-swap against other CPUs before the packet counts as over the rate.
pub const ATTEMPTS: u32 = 16;
/// The deepest bucket, in ticks: 2^53, about 2.4 hours.
const MAX_DEPTH: u64 = 1 << 53;
/// Default time that a full bucket lasts at the limit: 300 ms. TCP that lost what it sent last is silent for its least
/// retransmission timeout, 200 ms in Linux; a bucket that is full before it goes on wastes the rest. With 100 ms BBR gets
/// half of its limit, with 300 ms more than nine tenths, as CUBIC does (docs/bandwidth.md).
pub const DEFAULT_DEPTH_NS: u64 = 300_000_000;
/// A bucket holds at least what passes in this time: two ticks of the slowest clock that kernels have (100 Hz).
pub const MIN_DEPTH_NS: u64 = 20_000_000;
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

    /// The limit of `bits_per_second`, with a bucket that lasts `depth_ns` at that rate, and at least [`MIN_DEPTH_NS`]
    /// and [`MIN_DEPTH_BYTES`].
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
        let time_ns = if depth_ns > MIN_DEPTH_NS {
            depth_ns
        } else {
            MIN_DEPTH_NS
        };
        let wanted = time_ns.saturating_mul(1 << TICK_SHIFT);
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

/// A bucket that one thread has for itself.
impl Bucket for Cell<u64> {
    fn load(&self) -> u64 {
        self.get()
    }

    fn compare_exchange(&self, current: u64, new: u64) -> u64 {
        let seen = self.get();
        if seen == current {
            self.set(new);
        }
        seen
    }

    fn subtract(&self, ticks: u64) {
        self.set(self.get().wrapping_sub(ticks));
    }
}

/// The clock's nanoseconds in ticks.
#[inline(always)]
#[must_use]
pub const fn ticks(now_ns: u64) -> u64 {
    now_ns << TICK_SHIFT
}

/// The clock's nanoseconds in units of packet rates.
#[inline(always)]
#[must_use]
pub const fn packet_ticks(now_ns: u64) -> u64 {
    now_ns >> PACKET_TICK_SHIFT
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

/// A bucket's word while nothing has been charged yet: it is full, whatever the clock says.
pub const UNUSED: u64 = 0;
/// [`charge`]'s answer for a packet that does not pass.
pub const REFUSED: u64 = u64::MAX;

/// Charges what takes `cost` ticks at `now`, and tells how much of the bucket, in ticks, is used then; [`REFUSED`] if there
/// is not enough in it, and then nothing changes. What is more urgent than others may go `overdraft` ticks below the
/// bucket's ground, which has to be refilled before others get their turn. No depth is above 2^53, and no overdraft above
/// the depth. What costs nothing leaves the bucket alone.
#[inline(always)]
pub fn charge(bucket: &impl Bucket, now: u64, cost: u64, depth: u64, overdraft: u64) -> u64 {
    match charge_within::<ATTEMPTS>(bucket, now, cost, depth, overdraft) {
        CONTENDED => REFUSED,
        used => used,
    }
}

/// [`charge_within`]'s answer where other CPUs were faster each time.
pub const CONTENDED: u64 = REFUSED - 1;

/// [`charge`] with so many attempts to be faster than other CPUs.
#[inline(always)]
pub fn charge_within<const ATTEMPTS: u32>(
    bucket: &impl Bucket,
    now: u64,
    cost: u64,
    depth: u64,
    overdraft: u64,
) -> u64 {
    if cost == 0 {
        return 0;
    }
    let ground = depth + overdraft;
    let mut current = bucket.load();
    for _ in 0..ATTEMPTS {
        // No overflow: what is used is not above four times the greatest depth.
        let next = used(current, now, depth) + (cost & NEVER);
        if next > ground {
            return REFUSED;
        }
        let seen = bucket.compare_exchange(current, now.wrapping_add(next));
        if seen == current {
            return next;
        }
        current = seen;
    }
    CONTENDED
}

/// How much of a bucket is used, in ticks, when it says that it will be full at `full_at`; with an overdraft more than its depth.
///
/// Arithmetic, here and below, where branches would do: BPF's verifier follows each of them through all that comes behind.
#[inline(always)]
#[must_use]
pub fn used(full_at: u64, now: u64, depth: u64) -> u64 {
    let ahead = full_at.wrapping_sub(now);
    // In the past, or implausibly far ahead: the bucket is full. Twice the depth ahead is plausible with an overdraft, and a CPU
    // that has read the clock earlier than others sees more than that.
    let is_elsewhere = ahead | (depth << 2).wrapping_sub(ahead);
    let is_unused = !(full_at | full_at.wrapping_neg());
    ahead & !sign(is_elsewhere | is_unused)
}

/// All bits if the topmost one is set.
#[inline(always)]
fn sign(number: u64) -> u64 {
    (opaque(number) as i64 >> 63) as u64
}

/// Gives back what [`charge`] charged for a packet that does not pass after all.
#[inline(always)]
pub fn give_back(bucket: &impl Bucket, cost: u64) {
    bucket.subtract(cost);
}

/// 1 if a bucket of which this much is used runs low, so that less than half is left, and 0 if not.
#[inline(always)]
#[must_use]
pub fn is_low(used: u64, depth: u64) -> u64 {
    sign((depth / 2).wrapping_sub(used)) & 1
}

/// What [`cost_bounded`] says where no bucket is deep enough.
pub const NEVER: u64 = u64::MAX >> 1;

/// Ticks that a packet takes, without 128-bit arithmetic, which BPF lacks: a product over 64 bits is more than any depth.
#[inline(always)]
#[must_use]
pub fn cost_bounded(bytes: u32, ticks_per_byte: u64) -> u64 {
    // 2^45 ticks a byte is 1 kbit/s; frames stay below 2^18 bytes.
    let excess = ticks_per_byte >> 46 | u64::from(bytes >> 18);
    let ticks = u64::from(bytes).wrapping_mul(ticks_per_byte) >> FRACTION_SHIFT;
    ticks | sign(excess.wrapping_neg()) >> 1
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;
