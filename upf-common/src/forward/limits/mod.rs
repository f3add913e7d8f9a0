//! The limits beside the one in a slot: a chain, of which each has to let a packet pass.

mod words;

use super::tables::LimitTables;
use crate::abi::{
    LEVEL_ENTRIES, MAX_CHAIN, NO_CLASS, NO_LIMIT, NO_METER, level, level_index, limit_flags,
};
use crate::meter::{self, CONTENDED, REFUSED};
use crate::shared::{LimitHalf, LimitSettings, forget};
pub use words::{Charge, Done, End, Load, Outcome};

/// Where the meters of slots are counted.
const FLOW: u32 = level_index(NO_CLASS, level::FLOW);

/// The limits that a packet has passed and that count it: the flow's meter and those of the chain, but for guarantees. In
/// numbers, all of them unknown to BPF's verifier, which would follow each length of a list by itself.
#[derive(Clone, Copy, Default)]
struct Passed {
    /// For each, nine bits: where its level is counted, and that there is one.
    places: u64,
    /// For each, whether it marks the packet.
    marks: u32,
    /// How many there are.
    count: u32,
}

impl Passed {
    const PLACE_BITS: u32 = LEVEL_ENTRIES.trailing_zeros();
    const BITS: u32 = Self::PLACE_BITS + 1;
    const MAX: u32 = u64::BITS / Self::BITS;
    const PLACE: u64 = LEVEL_ENTRIES as u64 - 1;
    const COUNTS: u64 = 1 << Self::PLACE_BITS;

    #[inline(always)]
    fn add(&mut self, place: u32, counts: bool, is_marked: bool) {
        let counts = u64::from(counts);
        let place = (u64::from(place) & Self::PLACE | Self::COUNTS) * counts;
        self.places |= place << (self.count * Self::BITS);
        self.marks |= u32::from(is_marked) << self.count;
        self.count += counts as u32;
    }

    /// Counts the packet at each level: once, where limits of the same one stand next to each other.
    #[inline(always)]
    fn count(self, tables: &impl LimitTables, load: Load) {
        let Self {
            mut places,
            mut marks,
            ..
        } = self;
        for _ in 0..Self::MAX {
            if places == 0 {
                return;
            }
            let mark = marks & 1;
            let level = places & (Self::PLACE | Self::COUNTS);
            places >>= Self::BITS;
            marks >>= 1;
            if level == places & (Self::PLACE | Self::COUNTS) {
                marks |= mark;
            } else {
                let done = if mark == 0 {
                    Done::Passed
                } else {
                    Done::Marked
                };
                tables.count_level((level & Self::PLACE) as u32, load, done);
            }
        }
    }
}

/// Charges the flow's meter in the state of a slot, if there is one, and the limits from `first` on. One that holds the packet
/// back is the last, and what those before it had charged is given back.
#[inline(always)]
#[must_use]
pub fn charge(
    tables: &impl LimitTables,
    meter_slot: u32,
    first: u32,
    load: Load,
    now_ns: u64,
) -> Outcome {
    let mut load = load;
    if meter_slot != NO_METER {
        let Some(is_marked) = charge_flow(tables, meter_slot, load, now_ns) else {
            return Outcome::held_back(level::FLOW);
        };
        load = Load::of_word(forget(load.past_flow(is_marked).word(), now_ns));
    }
    let outcome = charge_chain(tables, first, load, now_ns);
    if load.is_past_flow() && outcome.is_held_back() {
        give_back_flow(tables, meter_slot, load);
    }
    outcome
}

/// [`charge`] where there are no limits beside the flow's meter, as far as it needs no loop: [`Outcome::UNDECIDED`] where another
/// CPU was faster, and nothing has changed.
#[inline(always)]
#[must_use]
pub fn charge_flow_once(
    tables: &impl LimitTables,
    meter_slot: u32,
    load: Load,
    now_ns: u64,
) -> Outcome {
    let Some(flow) = tables.half(meter_slot, load.half()) else {
        return Outcome::held_back(level::FLOW);
    };
    let rate = flow.rate();
    let cost = meter::cost_bounded(load.bytes(), rate.ticks_per_byte);
    let now = meter::ticks(now_ns);
    let used = meter::charge_within::<1>(&flow.bucket(), now, cost, rate.depth, 0);
    if used == CONTENDED {
        return Outcome::UNDECIDED;
    }
    if used == REFUSED {
        tables.count_level(FLOW, load, Done::Dropped);
        return Outcome::held_back(level::FLOW);
    }
    if load.may_flow_mark() && meter::is_low(used, rate.depth) {
        tables.count_level(FLOW, load, Done::Marked);
        return Outcome::MARKED;
    }
    tables.count_level(FLOW, load, Done::Passed);
    Outcome::PASSED
}

/// Charges a flow's meter, and tells whether it marks the packet; `None` if it holds it back.
#[inline(always)]
fn charge_flow(
    tables: &impl LimitTables,
    meter_slot: u32,
    load: Load,
    now_ns: u64,
) -> Option<bool> {
    let flow = tables.half(meter_slot, load.half())?;
    let rate = flow.rate();
    let cost = meter::cost_bounded(load.bytes(), rate.ticks_per_byte);
    let used = meter::charge(&flow.bucket(), meter::ticks(now_ns), cost, rate.depth, 0);
    if used == REFUSED {
        tables.count_level(FLOW, load, Done::Dropped);
        return None;
    }
    Some(load.may_flow_mark() && meter::is_low(used, rate.depth))
}

#[inline(always)]
fn give_back_flow(tables: &impl LimitTables, meter_slot: u32, load: Load) {
    if let Some(flow) = tables.half(meter_slot, load.half()) {
        let cost = meter::cost_bounded(load.bytes(), flow.rate().ticks_per_byte);
        meter::give_back(&flow.bucket(), cost);
    }
}

/// Charges the limits from `first` on, and counts what becomes of the packet, at the flow's level too if it comes from there.
#[inline(always)]
fn charge_chain(tables: &impl LimitTables, first: u32, load: Load, now_ns: u64) -> Outcome {
    let mut passed = Passed::default();
    passed.add(FLOW, load.is_past_flow(), load.is_marked_by_flow());
    let (mut at, mut charged, mut low) = (first, 0_u32, 0_u32);
    let mut is_guaranteed = false;
    let mut refusal = None;
    for number in 0..MAX_CHAIN as u32 {
        if at == NO_LIMIT {
            break;
        }
        let charge = tables.charge_limit(at, load, now_ns, is_guaranteed);
        if charge.has(Charge::HELD_BACK) {
            refusal = Some(Outcome::held_back(charge.level()));
            break;
        }
        let (place, is_marked) = (charge.place(), charge.has(Charge::LOW));
        passed.add(place, charge.has(Charge::COUNTS), is_marked);
        low |= u32::from(is_marked) << number;
        charged |= u32::from(!charge.has(Charge::NOT_GUARANTEED)) << number;
        is_guaranteed |= charge.has(Charge::GUARANTEED);
        at = charge.parent();
    }
    let (which, end) = match refusal {
        Some(_) => (charged, End::GIVEN_BACK),
        None => (low, End::MARKED),
    };
    if which != 0 {
        tables.end_chain(first, load, which, end);
    }
    if let Some(refusal) = refusal {
        return refusal;
    }
    passed.count(tables, load);
    if passed.marks == 0 {
        Outcome::PASSED
    } else {
        Outcome::MARKED
    }
}

/// Charges one limit.
#[inline(always)]
#[must_use]
pub fn charge_limit(
    tables: &impl LimitTables,
    at: u32,
    load: Load,
    now_ns: u64,
    is_guaranteed: bool,
) -> Charge {
    let Some(limit) = tables.limit(at, load.way()) else {
        return Charge::NONE;
    };
    let settings = limit.settings();
    let goes_first = is_guaranteed && settings.level() >= level::SIM;
    let used = meter::charge(
        &limit.bucket(),
        now(settings, now_ns),
        cost(settings, load),
        settings.depth,
        if goes_first { settings.depth } else { 0 },
    );
    let flags = if settings.has(limit_flags::GUARANTEE) {
        if used == REFUSED {
            Charge::NOT_GUARANTEED
        } else {
            Charge::GUARANTEED
        }
    } else if used == REFUSED {
        limit.count_dropped(load.bytes());
        tables.count_level(place(settings), load, Done::Dropped);
        Charge::HELD_BACK
    } else if load.is_ecn_capable()
        && settings.has(limit_flags::MARK)
        && !goes_first
        && meter::is_low(used, settings.depth)
    {
        Charge::COUNTS | Charge::LOW
    } else {
        Charge::COUNTS
    };
    Charge::new(settings.parent(), place(settings), flags)
}

/// Ends a packet's way through those of the limits from `first` on that have a bit in `which`.
#[inline(always)]
pub fn end_chain(tables: &impl LimitTables, first: u32, load: Load, which: u32, end: End) {
    let (mut at, mut which) = (first, which);
    for _ in 0..MAX_CHAIN {
        if which == 0 {
            return;
        }
        let Some(limit) = tables.limit(at, load.way()) else {
            return;
        };
        let settings = limit.settings();
        if which & 1 != 0 {
            end_limit(limit, settings, load, end);
        }
        at = settings.parent();
        which >>= 1;
    }
}

#[inline(always)]
fn end_limit(limit: LimitHalf, settings: LimitSettings, load: Load, end: End) {
    if end == End::GIVEN_BACK {
        meter::give_back(&limit.bucket(), cost(settings, load));
    } else {
        limit.count_marked(load.bytes());
    }
}

#[inline(always)]
fn place(settings: LimitSettings) -> u32 {
    level_index(settings.class(), settings.level())
}

/// Time as a limit has it.
#[inline(always)]
fn now(settings: LimitSettings, now_ns: u64) -> u64 {
    if settings.has(limit_flags::PACKETS) {
        now_ns >> meter::PACKET_TICK_SHIFT
    } else {
        meter::ticks(now_ns)
    }
}

#[inline(always)]
fn cost(settings: LimitSettings, load: Load) -> u64 {
    if settings.has(limit_flags::PACKETS) {
        settings.ticks_per_byte
    } else {
        meter::cost_bounded(load.bytes(), settings.ticks_per_byte)
    }
}

#[cfg(test)]
mod tests;
