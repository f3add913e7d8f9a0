use super::*;
use core::cell::Cell;
use proptest::prelude::*;

#[test]
fn what_is_refunded_can_be_used_again() {
    let rate = Rate::from_bits_per_second(8_000_000);
    let bucket = Cell::new(0);
    let now = ticks(5_000_000_000);
    while pass(&bucket, now, 1000, rate) {}
    let full = bucket.load();
    assert!(!pass(&bucket, now, 1000, rate));
    give_back(&bucket, cost_bounded(1000, rate.ticks_per_byte));
    assert!(pass(&bucket, now, 1000, rate));
    assert_eq!(bucket.load(), full);
}

/// Rates of the proof, in bit/s.
const RATES: [u64; 13] = [
    8_000,
    32_000,
    64_000,
    128_000,
    512_000,
    2_000_000,
    8_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    40_000_000_000,
    100_000_000_000,
    400_000_000_000,
];
/// Sizes of packets, in bytes.
const SIZES: [u32; 4] = [64, 576, 1400, 9000];
/// What is offered, in parts of the rate.
const OFFERED: [f64; 4] = [0.5, 1.0, 1.5, 10.0];

/// Packets of one size that come at equal distances, in virtual time.
struct Stream {
    bps: u64,
    size: u32,
    /// In parts of the rate.
    offered: f64,
    /// The clock moves on in steps of so many nanoseconds.
    clock_ns: u64,
    /// Where the clock begins, in ticks.
    start: u64,
}

impl Stream {
    /// Bytes that come, and bytes that pass, in `seconds`. At first the bucket holds what a step of the clock brings: that
    /// it was full once is over.
    fn run(&self, seconds: f64) -> (f64, f64) {
        let rate = Rate::from_bits_per_second(self.bps);
        let used = rate.depth - ticks(self.clock_ns);
        let bucket = Cell::new(self.start.wrapping_add(used));
        let gap_ns = f64::from(self.size) * 8e9 / (self.bps as f64 * self.offered);
        let count = (seconds * 1e9 / gap_ns) as u64;
        let mut passed = 0;
        let mut number = 0;
        while number < count {
            let step = (number as f64 * gap_ns) as u64 / self.clock_ns;
            let now = self.start.wrapping_add(ticks(step * self.clock_ns));
            if pass(&bucket, now, self.size, rate) {
                passed += 1;
                number += 1;
            } else {
                // A refusal changes nothing: until the clock moves on, every other packet is refused as well.
                let next = ((step + 1) * self.clock_ns) as f64 / gap_ns;
                number = (number + 1).max(next as u64);
            }
        }
        (
            count as f64 * f64::from(self.size),
            f64::from(passed) * f64::from(self.size),
        )
    }

    fn bytes_per_second(&self) -> f64 {
        self.bps as f64 / 8.0
    }

    /// What passes in `seconds` is within 1 % of what is offered or of the rate, whichever is less.
    fn check(&self, seconds: f64) {
        let (came, passed) = self.run(seconds);
        let expected = came.min(self.bytes_per_second() * seconds);
        assert!(
            (passed / expected - 1.0).abs() <= 0.01,
            "{} bit/s, {} bytes, {} offered, clock of {} ns: {passed} of {expected} bytes in {seconds} s",
            self.bps,
            self.size,
            self.offered,
            self.clock_ns
        );
    }
}

fn streams(clock_ns: u64) -> impl Iterator<Item = Stream> {
    RATES.into_iter().flat_map(move |bps| {
        SIZES.into_iter().flat_map(move |size| {
            OFFERED.map(|offered| Stream {
                bps,
                size,
                offered,
                clock_ns,
                start: 0x1234_5678_9abc_def0,
            })
        })
    })
}

#[test]
fn delivers_the_rate_from_8_kbit_to_400_gbit() {
    for stream in streams(1) {
        let packets = 20_000.0 / stream.offered.min(1.0);
        stream.check(packets * f64::from(stream.size) / stream.bytes_per_second());
    }
}

/// Packets of a stream in one step of a coarse clock at most: with more of them it takes too long.
const STEP_PACKETS: f64 = 400_000.0;

#[test]
fn delivers_the_rate_by_a_coarse_clock() {
    for clock_ns in [1_000_000, 4_000_000, 10_000_000] {
        for stream in streams(clock_ns) {
            let packets_per_second = stream.bytes_per_second() / f64::from(stream.size);
            let step = clock_ns as f64 / 1e9;
            if packets_per_second * step > STEP_PACKETS {
                continue;
            }
            // Whole steps: 3, or as many as 1,000 packets take.
            let steps = (1000.0 / packets_per_second / step).ceil().max(3.0);
            stream.check(steps * step);
        }
    }
}

#[test]
fn a_burst_after_idle_time_is_one_depth() {
    for bps in RATES {
        for depth_ns in [1_000_000, 50_000_000, DEFAULT_DEPTH_NS, 3_000_000_000] {
            for size in SIZES {
                let rate = Rate::with_depth(bps, depth_ns);
                let bucket = Cell::new(UNUSED);
                let now = ticks(7_000_000_000_000);
                let mut burst = 0;
                // Large ones first, so that it does not take millions.
                for bytes in [250_000, size] {
                    while pass(&bucket, now, bytes, rate) {
                        burst += u64::from(bytes);
                    }
                }
                let time_ns = depth_ns.max(MIN_DEPTH_NS);
                let depth = (bps as f64 / 8e9 * time_ns as f64).max(MIN_DEPTH_BYTES as f64);
                let burst = burst as f64;
                assert!(burst <= depth * 1.000_1, "{bps}: {burst} of {depth} bytes");
                let least = (depth - f64::from(size)) * 0.999;
                assert!(burst >= least, "{bps}: {burst} of {depth} bytes");
            }
        }
    }
}

#[test]
fn a_clock_that_is_behind_fills_no_bucket() {
    let rate = Rate::from_bits_per_second(8_000_000);
    let cost = cost_bounded(1000, rate.ticks_per_byte);
    let now = ticks(9_000_000_000);
    // Four ticks of the slowest kernel's clock.
    let earlier = now - ticks(40_000_000);
    for overdraft in [0, rate.depth] {
        let bucket = Cell::new(UNUSED);
        while charge(&bucket, now, cost, rate.depth, overdraft) != REFUSED {}
        let used = bucket.load();
        assert_eq!(
            charge(&bucket, earlier, cost, rate.depth, overdraft),
            REFUSED
        );
        assert_eq!(bucket.load(), used);
    }
}

#[test]
fn an_overdraft_is_refilled_before_others_get_their_turn() {
    let (depth, cost) = (ticks(100_000_000), ticks(1_000_000));
    let bucket = Cell::new(UNUSED);
    let start = ticks(3_000_000_000);
    let mut passed = [0, 0];
    for _ in 0..300 {
        passed[0] += u32::from(charge(&bucket, start, cost, depth, 0) != REFUSED);
    }
    for _ in 0..300 {
        passed[1] += u32::from(charge(&bucket, start, cost, depth, depth) != REFUSED);
    }
    assert_eq!(passed, [100, 100]);
    assert_eq!(bucket.load(), start + 2 * depth);
    // The next ordinary one passes when the overdraft is refilled, and room for itself.
    let ready = start + depth + cost;
    assert_eq!(charge(&bucket, ready - 1, cost, depth, 0), REFUSED);
    assert_eq!(charge(&bucket, ready, cost, depth, 0), depth);
}

#[test]
fn what_costs_nothing_passes_whatever_the_bucket_says() {
    let now = ticks(1_000_000_000);
    for full_at in [UNUSED, now, now + ticks(50_000_000), u64::MAX] {
        let bucket = Cell::new(full_at);
        assert_eq!(charge(&bucket, now, 0, ticks(100_000_000), 0), 0);
        assert_eq!(charge(&bucket, now, 0, 0, 0), 0);
        assert_eq!(bucket.load(), full_at);
    }
}

#[test]
fn an_unused_bucket_is_full_whatever_the_clock_says() {
    let rate = Rate::from_bits_per_second(8_000);
    for before_the_wrap in [1, ticks(1_000_000), ticks(10_000_000_000), 1 << 60] {
        let bucket = Cell::new(UNUSED);
        assert!(pass(
            &bucket,
            0_u64.wrapping_sub(before_the_wrap),
            9000,
            rate
        ));
    }
}

#[test]
fn packets_are_counted_as_bytes_are() {
    // Ten packets an hour, 200 packets a second: cost in units of 1,024 ns, and time in them.
    for (count, period_ns) in [(10, 3_600_000_000_000_u64), (200, 1_000_000_000)] {
        let cost = (period_ns >> PACKET_TICK_SHIFT) / count;
        let depth = cost * count;
        let bucket = Cell::new(UNUSED);
        let start = 77_000_000_000_000;
        let mut passed = 0;
        for step in 0..=1000 {
            let now = (start + step * period_ns / 100) >> PACKET_TICK_SHIFT;
            while charge(&bucket, now, cost, depth, 0) != REFUSED {
                passed += 1;
            }
        }
        // One bucket, and ten periods.
        assert!((11 * count - 1..=11 * count).contains(&passed), "{passed}");
    }
}

#[test]
fn the_tick_counter_may_wrap() {
    let start = u64::MAX - ticks(1_000_000_000);
    let stream = Stream {
        bps: 10_000_000,
        size: 1000,
        offered: 2.0,
        clock_ns: 1,
        start,
    };
    stream.check(10.0);
}

#[test]
fn idle_time_saves_up_one_depth_and_no_more() {
    let rate = Rate::from_bits_per_second(8_000_000);
    for idle_ns in [1, 1_000_000_000, 1 << 40, 1 << 52, 1 << 53, u64::MAX >> 10] {
        let bucket = Cell::new(ticks(5));
        let now = ticks(5u64.wrapping_add(idle_ns));
        let passed = (0..100_000)
            .filter(|_| pass(&bucket, now, 1000, rate))
            .count();
        assert!(passed <= 300, "{passed} packets after {idle_ns} ns");
        assert!(
            idle_ns == 1 || passed >= 299,
            "{passed} packets after {idle_ns} ns"
        );
    }
}

#[test]
fn a_rate_of_zero_passes_nothing() {
    let bucket = Cell::new(0);
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
        let bucket = Cell::new(0);
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
