//! Random flows with random limits, both as tables and as the reference has them.

use std::time::Duration;

use bench::packets::world::{World, limited};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use upf_common::abi::{LimitDirection, MARK_FLOW, NO_CLASS, NO_LIMIT, flags, level, limit_flags};
use upf_common::meter::{PACKET_TICK_SHIFT, Rate};

use super::reference::{Bucket, Flow, Limit, Reference};

/// Flows, each in its slot; the slots behind them are meters only.
pub(crate) const FLOWS: u32 = 48;
const METERS: u32 = 512;
const SESSIONS: u32 = 24;
const SIMS: u32 = 10;
const CUSTOMERS: u32 = 3;

/// Rates whose bits take whole ticks, so that numbers are exact, in bit/s.
const RATES: [u64; 9] = [
    64_000, 128_000, 512_000, 1_000_000, 2_000_000, 5_000_000, 8_000_000, 10_000_000, 20_000_000,
];
const DEPTHS_NS: [u64; 4] = [10_000_000, 50_000_000, 100_000_000, 500_000_000];

/// A rate at which a bucket gets eight bytes in this time.
const STILL_RATE: u64 = 1000;
/// How long time stands still to packets whose lengths are multiples of eight.
pub(crate) const STILL: Duration = Duration::from_millis(64);

/// How fast buckets fill.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As [`RATES`] say.
    Any,
    /// Not within [`STILL`]: what is in them, and nothing more, may pass.
    Still,
}

/// Tables and references of both directions, uplink first.
pub(crate) struct Topology {
    pace: Pace,
    pub(crate) world: World,
    pub(crate) references: [Reference; 2],
}

/// A limit's record number and what the reference makes of it, in both directions.
#[derive(Clone, Copy)]
struct Shared {
    number: u32,
    limits: [Option<Limit>; 2],
}

impl Topology {
    pub(crate) fn new(random: &mut StdRng, pace: Pace) -> Self {
        let mut topology = Self {
            pace,
            world: World::new(),
            references: Default::default(),
        };
        let customers: Vec<_> = (0..CUSTOMERS)
            .map(|_| topology.shared(random, level::CUSTOMER, NO_CLASS, NO_LIMIT))
            .collect();
        let sims: Vec<_> = (0..SIMS)
            .map(|number| {
                let customer = random
                    .random_bool(0.7)
                    .then(|| *customers.choose(random).expect("some"));
                let parent = customer.map_or(NO_LIMIT, |customer| customer.number);
                let class = 10 + (number % 3) as u16;
                (topology.shared(random, level::SIM, class, parent), customer)
            })
            .collect();
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|_| {
                let sim = random
                    .random_bool(0.8)
                    .then(|| *sims.choose(random).expect("some"));
                let parent = sim.map_or(NO_LIMIT, |(sim, _)| sim.number);
                let ambr = random
                    .random_bool(0.6)
                    .then(|| topology.shared(random, level::SESSION, 0, parent));
                (ambr, sim)
            })
            .collect();
        for slot in 0..FLOWS {
            let (ambr, sim) = *sessions.choose(random).expect("some");
            topology.flow(random, slot, ambr, sim);
        }
        topology
    }

    fn flow(
        &mut self,
        random: &mut StdRng,
        slot: u32,
        ambr: Option<Shared>,
        sim: Option<(Shared, Option<Shared>)>,
    ) {
        let customer = sim.and_then(|(_, customer)| customer);
        let sim = sim.map(|(sim, _)| sim);
        let mut first = ambr.or(sim).map_or(NO_LIMIT, |limit| limit.number);
        let mut flows = [0, 1].map(|way| Flow {
            ambr: ambr.and_then(|limit| limit.limits[way]),
            sim: sim.and_then(|limit| limit.limits[way]),
            customer: customer.and_then(|limit| limit.limits[way]),
            ..Flow::default()
        });
        if random.random_bool(0.2) {
            first = self.packet_rate(random, first, &mut flows);
        }
        if random.random_bool(0.3) {
            let (rate, depth) = self.rate(random, 1);
            first = self.record(LimitDirection {
                flags: limit_flags::GUARANTEE,
                parent: first,
                ..limited(level::FLOW, Rate::with_depth(rate, depth))
            });
            for (flow, reference) in flows.iter_mut().zip(&mut self.references) {
                flow.guarantee = Some(reference.add(Bucket::of_bits(rate, depth)));
            }
        }
        let meter = random.random_bool(0.5).then(|| self.rate(random, 1));
        let marks = random.random_bool(0.5);
        self.world = std::mem::take(&mut self.world).change(slot, |up, down| {
            for rules in [up, down] {
                rules.limit = first;
                rules.flags |= flags::ANY_SOURCE;
                if meter.is_some() {
                    rules.meter_slot = METERS + slot;
                }
                rules.marking = if marks { MARK_FLOW } else { 0 };
            }
        });
        if let Some((rate, depth)) = meter {
            self.world = std::mem::take(&mut self.world).meter(METERS + slot, rate);
            let record = &mut self.world.slots.last_mut().expect("this one").1;
            for half in [&mut record.uplink, &mut record.downlink] {
                half.state.depth = Rate::with_depth(rate, depth).depth;
            }
            for (flow, reference) in flows.iter_mut().zip(&mut self.references) {
                flow.mbr = Some(Limit {
                    bucket: reference.add(Bucket::of_bits(rate, depth)),
                    marks,
                    class: 0,
                });
            }
        }
        for (flow, reference) in flows.into_iter().zip(&mut self.references) {
            reference.flows.push(flow);
        }
    }

    fn packet_rate(&mut self, random: &mut StdRng, parent: u32, flows: &mut [Flow; 2]) -> u32 {
        let count = random.random_range(1..50);
        let units = match self.pace {
            Pace::Any => random.random_range(1_000..100_000),
            Pace::Still => random.random_range(10_000_000..100_000_000),
        };
        let interval_ns = units << PACKET_TICK_SHIFT;
        for (flow, reference) in flows.iter_mut().zip(&mut self.references) {
            let bucket = reference.add(Bucket::of_packets(count, interval_ns));
            flow.packet_rate = Some((bucket, interval_ns));
        }
        self.record(LimitDirection {
            ticks_per_byte: units,
            depth: units * count,
            flags: limit_flags::PACKETS,
            parent,
            ..LimitDirection::default()
        })
    }

    /// A limit that several have, or none in force: then it counts, and that is all.
    fn shared(&mut self, random: &mut StdRng, level: u8, class: u16, parent: u32) -> Shared {
        // The larger ones are for more flows.
        let (rate, depth) = self.rate(random, u64::from(level) * 2);
        let marks = random.random_bool(0.5);
        let limits = [0, 1].map(|way: usize| {
            let bucket = self.references[way].add(Bucket::of_bits(rate, depth));
            Some(Limit {
                bucket,
                marks,
                class,
            })
        });
        let number = self.record(LimitDirection {
            class,
            parent,
            flags: if marks { limit_flags::MARK } else { 0 },
            ..limited(level, Rate::with_depth(rate, depth))
        });
        Shared { number, limits }
    }

    fn record(&mut self, limit: LimitDirection) -> u32 {
        let number = self.world.limits.len() as u32;
        self.world.limits.push(upf_common::abi::Limit {
            uplink: limit,
            downlink: limit,
        });
        number
    }

    fn rate(&self, random: &mut StdRng, times: u64) -> (u64, u64) {
        let choose = |random: &mut StdRng, from: &[u64]| *from.choose(random).expect("some");
        let (rate, depth) = (choose(random, &RATES), choose(random, &DEPTHS_NS));
        match self.pace {
            Pace::Any => (times * rate, depth),
            Pace::Still => (STILL_RATE, depth),
        }
    }
}
