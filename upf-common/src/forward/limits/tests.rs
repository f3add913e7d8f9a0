mod words;

use super::ordinary::charge;
use super::rest::{charge_limit, charge_rest, end_chain};
use super::steps::{Charge, Charged, End, Manner};
use super::words::{Done, Load, Outcome};
use crate::meter;
use core::cell::{RefCell, UnsafeCell};
use core::ptr::NonNull;

use crate::abi::{
    LEVEL_ENTRIES, LevelCounters, LevelDirection, Limit, LimitDirection, MARK_FLOW, MAX_CHAIN,
    NO_CLASS, NO_LIMIT, NO_METER, Slot, level, limit_flags, of_level,
};
use crate::forward::tables::{ChargeTables, Half, LimitHalf, LimitTables, Way};
use crate::meter::{PACKET_TICK_SHIFT, Rate, ticks};
use proptest::prelude::*;

const NOW_NS: u64 = 9_000_000_000;
const BYTES: u32 = 1000;
/// The slot of the flow's meter.
const METER: u32 = 0;
/// Class of SIMs here.
const CLASS: u16 = 3;
const ECT_0: u8 = 2;
/// A kilobyte each millisecond; the bucket holds a hundred of them.
const RATE: Rate = Rate::with_depth(8_000_000, 100_000_000);

/// A flow's meter, and limits that form chains.
struct Memory {
    slot: UnsafeCell<Slot>,
    limits: Vec<UnsafeCell<Limit>>,
    levels: RefCell<Vec<LevelCounters>>,
    metered: RefCell<LevelCounters>,
    /// Whether all goes by the road of the rest.
    takes_rest: bool,
}

impl LimitTables for Memory {
    fn half(&self, slot: u32, way: Way) -> Option<Half> {
        let slot = (slot == METER).then_some(self.slot.get())?;
        // SAFETY: the record lives as long as `self`, and is shared through views only.
        unsafe {
            let half = match way {
                Way::Uplink => &raw mut (*slot).uplink,
                Way::Downlink => &raw mut (*slot).downlink,
            };
            Some(Half::new(NonNull::new(half)?))
        }
    }

    fn limit(&self, index: u32, way: Way) -> Option<LimitHalf> {
        let limit = self.limits.get(index as usize)?.get();
        // SAFETY: as above.
        unsafe {
            let half = match way {
                Way::Uplink => &raw mut (*limit).uplink,
                Way::Downlink => &raw mut (*limit).downlink,
            };
            Some(LimitHalf::new(NonNull::new(half)?))
        }
    }

    fn count_level(&self, place: u32, load: Load, done: Done) {
        let counters = &mut self.levels.borrow_mut()[place as usize];
        let counters = match load.way() {
            Way::Uplink => &mut counters.uplink,
            Way::Downlink => &mut counters.downlink,
        };
        done.count(counters, load);
    }

    fn charge_limit(&self, at: u32, load: Load, now_ns: u64, manner: Manner) -> Charge {
        charge_limit(self, at, load, now_ns, manner)
    }

    fn end_chain(&self, first: u32, load: Load, which: u32, end: End) {
        end_chain(self, first, load, which, end);
    }
}

impl ChargeTables for Memory {
    fn count_metered(&self, load: Load, outcome: Outcome) {
        let metered = &mut self.metered.borrow_mut();
        let metered = match load.way() {
            Way::Uplink => &mut metered.uplink,
            Way::Downlink => &mut metered.downlink,
        };
        outcome.count_metered(metered, load);
    }

    fn charge_rest(
        &self,
        meter_slot: u32,
        first: u32,
        load: Load,
        now_ns: u64,
        charged: Charged,
    ) -> Outcome {
        charge_rest(self, meter_slot, first, load, now_ns, charged)
    }
}

impl Memory {
    /// A chain of these limits in both directions, each one's parent being the next, behind a flow's meter.
    fn chain(limits: &[LimitDirection]) -> Self {
        let count = limits.len();
        let limits = limits.iter().enumerate().map(|(number, limit)| {
            let parent = if number + 1 < count {
                number as u32 + 1
            } else {
                NO_LIMIT
            };
            let direction = LimitDirection { parent, ..*limit };
            UnsafeCell::new(Limit {
                uplink: direction,
                downlink: direction,
            })
        });
        let mut slot = Slot::default();
        for half in [&mut slot.uplink, &mut slot.downlink] {
            (half.state.ticks_per_byte, half.state.depth) = (RATE.ticks_per_byte, RATE.depth);
        }
        Self {
            slot: slot.into(),
            limits: limits.collect(),
            levels: RefCell::new(vec![LevelCounters::default(); LEVEL_ENTRIES as usize]),
            metered: RefCell::default(),
            takes_rest: false,
        }
    }

    /// The same, whose packets all go by the road of the rest.
    fn slow(self) -> Self {
        Self {
            takes_rest: true,
            ..self
        }
    }

    fn charge(&self, meter_slot: u32, first: u32, load: Load, now_ns: u64) -> Outcome {
        if !self.takes_rest {
            return charge(self, meter_slot, first, load, now_ns);
        }
        let outcome = charge_rest(self, meter_slot, first, load, now_ns, Charged::new(0, 0));
        if meter_slot != NO_METER {
            self.count_metered(load, outcome);
        }
        outcome
    }

    fn limit_at(&self, index: usize) -> LimitDirection {
        // SAFETY: no packet is on its way.
        unsafe { (*self.limits[index].get()).uplink }
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut LimitDirection)) {
        // SAFETY: as above.
        unsafe { change(&mut (*self.limits[index].get()).uplink) }
    }

    /// When each bucket is full, the flow's first.
    fn full_at(&self) -> Vec<u64> {
        // SAFETY: as above.
        let flow = unsafe { (*self.slot.get()).uplink.state.full_at };
        let limits = (0..self.limits.len()).map(|index| self.limit_at(index).full_at);
        core::iter::once(flow).chain(limits).collect()
    }

    /// Has every bucket full at this moment.
    fn set_full_at(&self, full_at: u64) {
        // SAFETY: as above.
        unsafe { (*self.slot.get()).uplink.state.full_at = full_at };
        for index in 0..self.limits.len() {
            self.change(index, |limit| limit.full_at = full_at);
        }
    }

    fn level(&self, class: u16, level: u8) -> LevelDirection {
        of_level(&self.levels.borrow(), &self.metered.borrow(), class, level).uplink
    }

    fn run(&self, load: Load) -> Outcome {
        self.charge(METER, 0, load, NOW_NS)
    }
}

fn load() -> Load {
    Load::new(BYTES, Way::Uplink, Way::Uplink)
}

fn ecn() -> Load {
    load().with_marks(ECT_0, MARK_FLOW)
}

fn limit(level: u8, class: u16, flags: u8) -> LimitDirection {
    LimitDirection {
        ticks_per_byte: RATE.ticks_per_byte,
        depth: RATE.depth,
        level,
        class,
        flags,
        ..LimitDirection::default()
    }
}

/// Session, SIM and customer.
fn three(flags: u8) -> [LimitDirection; 3] {
    [
        limit(level::SESSION, NO_CLASS, flags),
        limit(level::SIM, CLASS, flags),
        limit(level::CUSTOMER, NO_CLASS, flags),
    ]
}

fn guarantee() -> LimitDirection {
    limit(level::FLOW, NO_CLASS, limit_flags::GUARANTEE)
}

/// What each of the three levels and the flow's have counted: passed, marked and dropped packets.
fn counts(memory: &Memory) -> [[u64; 3]; 4] {
    [
        (NO_CLASS, level::FLOW),
        (NO_CLASS, level::SESSION),
        (CLASS, level::SIM),
        (NO_CLASS, level::CUSTOMER),
    ]
    .map(|(class, level)| {
        let counted = memory.level(class, level);
        let packets = [
            counted.passed_packets,
            counted.marked_packets,
            counted.dropped_packets,
        ];
        let bytes = [
            counted.passed_bytes,
            counted.marked_bytes,
            counted.dropped_bytes,
        ];
        assert_eq!(packets.map(|count| count * u64::from(BYTES)), bytes);
        packets
    })
}

#[test]
fn what_passes_is_charged_and_counted_at_every_level() {
    let memory = Memory::chain(&three(0));
    assert_eq!(memory.run(load()), Outcome::PASSED);
    let full_at = ticks(NOW_NS) + meter::cost_bounded(BYTES, RATE.ticks_per_byte);
    assert_eq!(memory.full_at(), [full_at; 4]);
    assert_eq!(counts(&memory), [[1, 0, 0]; 4]);
    // The other direction has nothing of it.
    let downlink = Load::new(BYTES, Way::Downlink, Way::Downlink);
    assert_eq!(memory.run(downlink), Outcome::PASSED);
    assert_eq!(memory.full_at(), [full_at; 4]);
    assert_eq!(counts(&memory), [[1, 0, 0]; 4]);
}

#[test]
fn what_any_level_refuses_none_is_charged_for() {
    let before = ticks(NOW_NS) + 77;
    for refusing in 0..4 {
        let memory = Memory::chain(&three(0));
        memory.set_full_at(before);
        match refusing {
            // SAFETY: no packet is on its way.
            0 => unsafe { (*memory.slot.get()).uplink.state.depth = 0 },
            _ => memory.change(refusing - 1, |limit| limit.depth = 0),
        }
        let outcome = memory.run(ecn());
        assert!(outcome.is_held_back() && outcome.is_marked() == 0);
        assert_eq!(usize::from(outcome.level()), refusing);
        assert_eq!(memory.full_at(), [before; 4], "{refusing}");
        let mut expected = [[0; 3]; 4];
        expected[refusing][2] = 1;
        assert_eq!(counts(&memory), expected);
        for index in 0..3 {
            let limit = memory.limit_at(index);
            let dropped = u64::from(index + 1 == refusing);
            assert_eq!(limit.dropped_packets, dropped);
            assert_eq!(limit.dropped_bytes, dropped * u64::from(BYTES));
        }
    }
}

#[test]
fn without_a_meter_of_the_flow_the_chain_stands_alone() {
    let memory = Memory::chain(&three(0));
    let outcome = memory.charge(NO_METER, 1, load(), NOW_NS);
    assert_eq!(outcome, Outcome::PASSED);
    let sim_and_customer = [[0; 3], [0; 3], [1, 0, 0], [1, 0, 0]];
    assert_eq!(counts(&memory), sim_and_customer);
    assert_eq!(
        memory.charge(NO_METER, NO_LIMIT, load(), NOW_NS),
        Outcome::PASSED
    );
    assert_eq!(counts(&memory), sim_and_customer);
    // A meter that does not exist passes nothing, a limit that does not exist limits nothing.
    assert!(memory.charge(9, NO_LIMIT, load(), NOW_NS).is_held_back());
    assert_eq!(memory.charge(NO_METER, 99, load(), NOW_NS), Outcome::PASSED);
}

#[test]
fn without_a_rate_everything_passes_and_is_counted() {
    let memory = Memory::chain(&[LimitDirection {
        ticks_per_byte: 0,
        depth: 0,
        ..limit(level::SIM, CLASS, limit_flags::MARK)
    }]);
    // What an old rate has left behind does not matter.
    let full_at = ticks(NOW_NS) + 5;
    memory.set_full_at(full_at);
    for _ in 0..1000 {
        let outcome = memory.charge(NO_METER, 0, ecn(), NOW_NS);
        assert_eq!(outcome, Outcome::PASSED);
    }
    assert_eq!(memory.limit_at(0).full_at, full_at);
    assert_eq!(counts(&memory)[2], [1000, 0, 0]);
}

#[test]
fn marks_come_before_drops_and_only_where_they_are_understood() {
    for marking in 0..4 {
        let mut limits = three(0);
        if marking > 0 {
            limits[marking - 1].flags = limit_flags::MARK;
        }
        let memory = Memory::chain(&limits);
        let load = load().with_marks(ECT_0, if marking == 0 { MARK_FLOW } else { 0 });
        let outcomes: Vec<_> = (0..101).map(|_| memory.run(load)).collect();
        assert_eq!(outcomes[..50], [Outcome::PASSED; 50]);
        let mark = Outcome::passed(1, u64::from(marking == 0));
        assert_eq!(outcomes[50..100], [mark; 50]);
        assert!(outcomes[100].is_held_back());
        let mut expected = [[100, 0, 0]; 4];
        expected[marking][1] = 50;
        expected[0][2] = 1;
        assert_eq!(counts(&memory), expected);
        for index in 0..3 {
            let marked = if index + 1 == marking { 50 } else { 0 };
            let limit = memory.limit_at(index);
            assert_eq!(
                (limit.marked_packets, limit.marked_bytes),
                (marked, marked * u64::from(BYTES))
            );
        }
    }
    let memory = Memory::chain(&three(limit_flags::MARK));
    let not_capable = load().with_marks(0, MARK_FLOW);
    assert!((0..100).all(|_| memory.run(not_capable) == Outcome::PASSED));
}

/// Of 300 packets, those that pass.
fn passing(memory: &Memory, first: u32) -> u64 {
    (0..300)
        .filter(|_| {
            !memory
                .charge(NO_METER, first, load(), NOW_NS)
                .is_held_back()
        })
        .count() as u64
}

#[test]
fn what_is_guaranteed_goes_before_the_rest_of_the_sim_and_the_customer() {
    // The guarantee covers 50 packets; all buckets but its own are used up by others.
    let half = LimitDirection {
        depth: RATE.depth / 2,
        ..guarantee()
    };
    let [_, sim, customer] = three(0);
    let memory = Memory::chain(&[half, sim, customer]);
    assert_eq!(passing(&memory, 1), 100);
    assert_eq!(passing(&memory, 0), 50);
    // The guarantee is counted nowhere.
    assert_eq!(counts(&memory)[0], [0; 3]);
    assert_eq!(counts(&memory)[2], [150, 0, 550 - 100]);
    assert_eq!(memory.limit_at(0).dropped_packets, 0);
    // 50 packets' time later its bucket is full again, and the SIM's overdraft is gone: others still wait.
    let later = NOW_NS + 50_000_000;
    assert!(memory.charge(NO_METER, 1, load(), later).is_held_back());
    assert!(!memory.charge(NO_METER, 0, load(), later).is_held_back());
    // What the guarantee does not cover is like any other packet.
    let open = Memory::chain(&[half, sim, customer]);
    assert_eq!(passing(&open, 0), 100);
}

#[test]
fn a_guarantee_is_given_back_only_where_it_was_charged() {
    for depth in [0, RATE.depth] {
        let [_, sim, customer] = three(0);
        let guarantee = LimitDirection {
            depth,
            ..guarantee()
        };
        let refusing = LimitDirection {
            depth: 0,
            ..customer
        };
        let memory = Memory::chain(&[guarantee, sim, refusing]);
        let before = ticks(NOW_NS) + 77;
        memory.set_full_at(before);
        let outcome = memory.run(load());
        assert_eq!(outcome.level(), level::CUSTOMER);
        assert_eq!(memory.full_at(), [before; 4]);
    }
}

#[test]
fn a_session_does_not_go_into_the_red_for_a_guarantee() {
    let memory = Memory::chain(&[guarantee(), limit(level::SESSION, NO_CLASS, 0)]);
    assert_eq!(passing(&memory, 1), 100);
    assert_eq!(passing(&memory, 0), 0);
}

#[test]
fn what_is_guaranteed_is_not_marked_for_what_others_do() {
    let [_, sim, _] = three(limit_flags::MARK);
    let memory = Memory::chain(&[guarantee(), sim]);
    assert_eq!(passing(&memory, 1), 100);
    for _ in 0..100 {
        assert_eq!(memory.charge(NO_METER, 0, ecn(), NOW_NS), Outcome::PASSED);
    }
}

#[test]
fn packets_are_limited_whatever_their_size() {
    let second = 1_000_000_000_u64 >> PACKET_TICK_SHIFT;
    let limit = LimitDirection {
        ticks_per_byte: second / 20,
        depth: second / 20 * 20,
        flags: limit_flags::PACKETS,
        ..LimitDirection::default()
    };
    let memory = Memory::chain(&[limit]);
    let at = |bytes, now_ns| {
        let load = Load::new(bytes, Way::Uplink, Way::Uplink);
        !memory.charge(NO_METER, 0, load, now_ns).is_held_back()
    };
    assert_eq!((0..100).filter(|n| at(20 + n * 90, NOW_NS)).count(), 20);
    let later = NOW_NS + 1_010_000_000;
    assert_eq!((0..100).filter(|n| at(20 + n * 90, later)).count(), 20);
    assert_eq!(memory.limit_at(0).dropped_packets, 160);
    // A refusal further on gives it back.
    memory.change(0, |limit| limit.full_at = 0);
    let memory = Memory::chain(&[
        limit,
        LimitDirection {
            depth: 0,
            ..three(0)[1]
        },
    ]);
    assert_eq!(passing(&memory, 0), 0);
    assert_eq!(memory.limit_at(0).full_at, NOW_NS >> PACKET_TICK_SHIFT);
}

#[test]
fn two_limits_of_a_level_count_a_packet_once() {
    let rate = limit(level::FLOW, NO_CLASS, 0);
    let memory = Memory::chain(&[
        rate,
        limit(level::SESSION, NO_CLASS, 0),
        limit(level::SESSION, NO_CLASS, 0),
    ]);
    assert_eq!(memory.run(load()), Outcome::PASSED);
    let passed = [1, 0, 0];
    assert_eq!(counts(&memory), [passed, passed, [0; 3], [0; 3]]);
    // One of the two marks it.
    for marking in [1, 2] {
        let memory = Memory::chain(&[
            rate,
            limit(level::SESSION, NO_CLASS, 0),
            limit(level::SESSION, NO_CLASS, 0),
        ]);
        memory.change(marking, |limit| {
            limit.flags = limit_flags::MARK;
            limit.full_at = ticks(NOW_NS) + RATE.depth / 2;
        });
        assert_eq!(
            memory.run(load().with_marks(ECT_0, 0)),
            Outcome::passed(1, 0)
        );
        assert_eq!(counts(&memory), [passed, [1, 1, 0], [0; 3], [0; 3]]);
    }
}

#[test]
fn the_longest_chain_is_looked_at_and_nothing_behind_it() {
    let sim = limit(level::SIM, CLASS, 0);
    let mut limits = vec![sim; MAX_CHAIN + 1];
    limits[MAX_CHAIN].depth = 0;
    let memory = Memory::chain(&limits);
    assert_eq!(memory.run(load()), Outcome::PASSED);
    assert_eq!(
        memory.limit_at(MAX_CHAIN),
        LimitDirection {
            parent: NO_LIMIT,
            ..limits[MAX_CHAIN]
        }
    );
    memory.change(MAX_CHAIN - 1, |limit| limit.depth = 0);
    let before = memory.full_at();
    assert!(memory.run(load()).is_held_back());
    assert_eq!(memory.full_at(), before);
}

#[test]
fn a_limit_that_is_its_own_parent_ends() {
    let memory = Memory::chain(&[limit(level::SIM, CLASS, 0)]);
    memory.change(0, |limit| limit.parent = 0);
    assert_eq!(memory.run(load()), Outcome::PASSED);
    let cost = meter::cost_bounded(BYTES, RATE.ticks_per_byte);
    let charged = memory.limit_at(0).full_at - ticks(NOW_NS);
    assert_eq!(charged, MAX_CHAIN as u64 * cost);
    // Full to all but three packets: it gives back what it has taken.
    let before = ticks(NOW_NS) + RATE.depth - 3 * cost;
    memory.change(0, |limit| limit.full_at = before);
    assert!(memory.run(load()).is_held_back());
    assert_eq!(memory.limit_at(0).full_at, before);
}

/// A chain may end elsewhere than it began, when the agent changes it meanwhile: nothing worse than a packet's cost in
/// a wrong bucket comes of it, which is what a bucket may have too much of by the meter's own account.
#[test]
fn a_chain_that_is_cut_meanwhile_ends_there() {
    let memory = Memory::chain(&three(0));
    memory.change(0, |limit| limit.parent = NO_LIMIT);
    let before = memory.full_at();
    end_chain(&memory, 0, load(), 0b110, End::GIVEN_BACK);
    end_chain(&memory, 99, load(), 0b111, End::GIVEN_BACK);
    assert_eq!(memory.full_at(), before);
}

proptest! {
    /// Whichever road a packet takes, it fares the same.
    #[test]
    fn both_roads_lead_to_the_same(
        limits in proptest::collection::vec((0..4_u8, 0..8_u8, 0..6_u64), 0..=MAX_CHAIN),
        packets in proptest::collection::vec((1..3000_u32, 0..4_u8, 0..40_000_000_u64), 1..60),
        has_meter: bool,
    ) {
        let limits: Vec<_> = limits
            .into_iter()
            .map(|(level, flags, packets)| LimitDirection {
                depth: RATE.depth * packets / 10,
                ..limit(level, if level == level::SIM { CLASS } else { NO_CLASS }, flags)
            })
            .collect();
        let roads = [Memory::chain(&limits), Memory::chain(&limits).slow()];
        let meter_slot = if has_meter { METER } else { NO_METER };
        let first = if limits.is_empty() { NO_LIMIT } else { 0 };
        let mut now_ns = NOW_NS;
        for (bytes, tos, gap_ns) in packets {
            now_ns += gap_ns;
            let load = Load::new(bytes, Way::Uplink, Way::Uplink).with_marks(tos, MARK_FLOW);
            let [ordinary, rest] = roads.each_ref().map(|road| road.charge(meter_slot, first, load, now_ns));
            prop_assert_eq!(ordinary, rest);
        }
        let [ordinary, rest] = roads;
        prop_assert_eq!(ordinary.full_at(), rest.full_at());
        for level in 0..level::COUNT as u8 {
            for class in [NO_CLASS, CLASS] {
                prop_assert_eq!(ordinary.level(class, level), rest.level(class, level));
            }
        }
        for index in 0..limits.len() {
            prop_assert_eq!(ordinary.limit_at(index), rest.limit_at(index));
        }
    }
}
