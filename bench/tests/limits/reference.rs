//! What limits are to do, written from what they mean: buckets with a level and a moment, in exact numbers. It knows nothing
//! of chains, records and words.

use std::collections::HashMap;

use upf_common::abi::level;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It passes, marked or not.
    Passes { is_marked: bool },
    /// A limit of this level holds it back.
    HeldBack { level: u8 },
}

/// A bucket that fills by itself.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// What comes in each nanosecond.
    per_ns: i128,
    /// What it holds.
    room: i128,
    /// What is in it; below zero when urgent traffic has overdrawn it.
    content: i128,
    filled_ns: u64,
}

impl Bucket {
    /// A bucket of bits, in parts of 10^-9: bits a second times nanoseconds. It starts full.
    pub(crate) fn of_bits(bits_per_second: u64, depth_ns: u64) -> Self {
        let rate = i128::from(bits_per_second);
        let room = (rate * i128::from(depth_ns))
            .max(rate * 20_000_000)
            .max(bits(18_000));
        Self {
            per_ns: rate,
            room,
            content: room,
            filled_ns: 0,
        }
    }

    /// A bucket of packets, in nanoseconds that each of them takes.
    pub(crate) fn of_packets(count: u64, interval_ns: u64) -> Self {
        let room = i128::from(count) * i128::from(interval_ns);
        Self {
            per_ns: 1,
            room,
            content: room,
            filled_ns: 0,
        }
    }

    fn fill(&mut self, now_ns: u64) {
        let time = i128::from(now_ns - self.filled_ns);
        self.content = (self.content + time * self.per_ns).min(self.room);
        self.filled_ns = now_ns;
    }

    /// Whether so much may be taken, down to `ground`.
    fn has(&self, amount: i128, ground: i128) -> bool {
        self.content - amount >= ground
    }

    fn is_low_without(&self, amount: i128) -> bool {
        (self.content - amount) * 2 < self.room
    }
}

/// Bytes as buckets of bits have them.
fn bits(bytes: u32) -> i128 {
    i128::from(bytes) * 8 * 1_000_000_000
}

/// Where a bucket stands among all.
pub(crate) type Place = usize;

/// A bucket that limits, and whether it marks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) bucket: Place,
    pub(crate) marks: bool,
    pub(crate) class: u16,
}

/// One direction of a flow. What is `None` does not limit it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) mbr: Option<Limit>,
    pub(crate) guarantee: Option<Place>,
    /// The bucket, and what a packet takes of it.
    pub(crate) packet_rate: Option<(Place, u64)>,
    pub(crate) ambr: Option<Limit>,
    pub(crate) sim: Option<Limit>,
    pub(crate) customer: Option<Limit>,
}

/// Packets and bytes that have passed, were marked and were dropped.
pub(crate) type Counts = [[u64; 2]; 3];

/// All flows of one direction.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) flows: Vec<Flow>,
    /// By class and level.
    pub(crate) counts: HashMap<(u16, u8), Counts>,
}

impl Reference {
    /// Keeps a bucket.
    pub(crate) fn add(&mut self, bucket: Bucket) -> Place {
        self.buckets.push(bucket);
        self.buckets.len() - 1
    }

    /// A packet of a flow.
    pub(crate) fn take(
        &mut self,
        flow: usize,
        bytes: u32,
        is_ecn_capable: bool,
        now_ns: u64,
    ) -> Verdict {
        let flow = self.flows[flow];
        for bucket in &mut self.buckets {
            bucket.fill(now_ns);
        }
        let amount = bits(bytes);
        let covered = flow.guarantee.filter(|at| self.buckets[*at].has(amount, 0));
        // What is taken of which bucket, once all agree.
        let mut taken: Vec<(Place, i128)> = covered.map(|at| (at, amount)).into_iter().collect();
        let mut levels: Vec<(u16, u8, bool)> = Vec::new();
        let rate = flow.packet_rate.map(|(bucket, interval_ns)| {
            let limit = Limit {
                bucket,
                marks: false,
                class: 0,
            };
            (limit, level::FLOW, i128::from(interval_ns))
        });
        let of = |limit: Option<Limit>, level| limit.map(|limit| (limit, level, amount));
        let limits = [
            of(flow.mbr, level::FLOW),
            rate,
            of(flow.ambr, level::SESSION),
            of(flow.sim, level::SIM),
            of(flow.customer, level::CUSTOMER),
        ];
        for (limit, level, amount) in limits.into_iter().flatten() {
            let bucket = &self.buckets[limit.bucket];
            let is_urgent = covered.is_some() && matches!(level, level::SIM | level::CUSTOMER);
            let ground = if is_urgent { -bucket.room } else { 0 };
            if !bucket.has(amount, ground) {
                self.count(limit.class, level, 2, bytes);
                return Verdict::HeldBack { level };
            }
            let is_marked =
                is_ecn_capable && limit.marks && !is_urgent && bucket.is_low_without(amount);
            taken.push((limit.bucket, amount));
            match levels.iter_mut().find(|(.., of, _)| *of == level) {
                Some((.., marked)) => *marked |= is_marked,
                None => levels.push((limit.class, level, is_marked)),
            }
        }
        for (at, amount) in taken {
            self.buckets[at].content -= amount;
        }
        for (class, level, is_marked) in &levels {
            self.count(*class, *level, 0, bytes);
            if *is_marked {
                self.count(*class, *level, 1, bytes);
            }
        }
        Verdict::Passes {
            is_marked: levels.iter().any(|(.., is_marked)| *is_marked),
        }
    }

    fn count(&mut self, class: u16, level: u8, what: usize, bytes: u32) {
        let counts = &mut self.counts.entry((class, level)).or_default()[what];
        counts[0] += 1;
        counts[1] += u64::from(bytes);
    }
}
