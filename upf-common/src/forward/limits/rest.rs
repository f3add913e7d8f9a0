//! What does not go by the ordinary road.

use super::super::tables::LimitTables;
use super::steps::{Charge, Charged, End, Manner, Progress};
use super::words::{Done, Load, Outcome, Tally};
use super::{charge_meter, cost_of_bytes, tally};
use crate::abi::{MAX_CHAIN, NO_LIMIT, NO_METER, level, limit_flags};
use crate::meter::{self, ATTEMPTS, REFUSED};
use crate::shared::{LimitHalf, LimitSettings, forget};

/// Charges what the ordinary road has not: the flow's meter if `load` is not past it, and the limits from `first` on but for those
/// that are `charged`. One that holds the packet back is the last, and what those before it had charged is given back.
#[inline(always)]
#[must_use]
pub fn charge_rest(
    tables: &impl LimitTables,
    meter_slot: u32,
    first: u32,
    load: Load,
    now_ns: u64,
    charged: Charged,
) -> Outcome {
    let mut load = load;
    if meter_slot != NO_METER && !load.is_past_flow() {
        let outcome = charge_meter::<ATTEMPTS>(tables, meter_slot, load, now_ns);
        if outcome.is_held_back() || outcome.is_undecided() {
            return Outcome::held_back_by_meter();
        }
        load = Load::of_word(forget(load.past_flow(outcome.is_marked()).word(), now_ns));
    }
    let outcome = charge_chain(tables, first, load, now_ns, charged);
    if load.is_past_flow() && outcome.is_held_back() {
        give_back_meter(tables, meter_slot, load);
    }
    outcome
}

#[inline(always)]
fn give_back_meter(tables: &impl LimitTables, meter_slot: u32, load: Load) {
    if let Some(flow) = tables.half(meter_slot, load.half()) {
        let cost = cost_of_bytes(load, flow.rate().ticks_per_byte);
        meter::give_back(&flow.bucket(), cost);
    }
}

#[inline(always)]
fn charge_chain(
    tables: &impl LimitTables,
    first: u32,
    load: Load,
    now_ns: u64,
    charged: Charged,
) -> Outcome {
    let mut at = first;
    let mut progress = Progress::new(charged);
    for number in 0..MAX_CHAIN as u32 {
        if at == NO_LIMIT {
            break;
        }
        let charge = tables.charge_limit(at, load, now_ns, progress.manner(number, charged));
        if charge.is_held_back() {
            if progress.taken() != 0 {
                tables.end_chain(first, load, progress.taken(), End::GIVEN_BACK);
            }
            return Outcome::held_back(charge.level());
        }
        progress.add(number, charge);
        at = charge.parent();
    }
    if progress.low() != 0 {
        tables.end_chain(first, load, progress.low(), End::MARKED);
    }
    let passed = progress.passed().without_flow(load.is_past_flow());
    tables.count_level(passed.place(), load, Done::Passed);
    Outcome::passed((progress.low() != 0).into(), load.is_marked_by_flow())
}

/// Charges one limit.
#[inline(always)]
#[must_use]
pub fn charge_limit(
    tables: &impl LimitTables,
    at: u32,
    load: Load,
    now_ns: u64,
    manner: Manner,
) -> Charge {
    let Some(limit) = tables.limit(at, load.way()) else {
        return Charge::NONE;
    };
    let settings = limit.settings();
    let parent = settings.parent();
    if manner.is(Manner::CHARGED) {
        return Charge::new(parent, tally(settings), 0);
    }
    let goes_first = manner.is(Manner::GUARANTEED) && settings.level() >= level::SIM;
    let used = meter::charge(
        &limit.bucket(),
        now(settings, now_ns),
        cost(settings, load),
        settings.depth,
        if goes_first { settings.depth } else { 0 },
    );
    if settings.has(limit_flags::GUARANTEE) {
        let flag = if used == REFUSED {
            Charge::NOT_GUARANTEED
        } else {
            Charge::GUARANTEED
        };
        return Charge::new(parent, Tally::NONE, flag);
    }
    if used == REFUSED {
        limit.count_dropped(load.bytes());
        tables.count_level(tally(settings).place(), load, Done::Dropped);
        return Charge::held_back(settings.level());
    }
    let may_mark = load.is_ecn_capable() != 0 && settings.has(limit_flags::MARK) && !goes_first;
    if may_mark && meter::is_low(used, settings.depth) != 0 {
        Charge::new(parent, tally(settings), Charge::LOW)
    } else {
        Charge::new(parent, tally(settings), 0)
    }
}

/// Ends a packet's way through those of the limits from `first` on that have a bit in `which`.
#[inline(always)]
pub fn end_chain(tables: &impl LimitTables, first: u32, load: Load, which: u32, end: End) {
    let (mut at, mut which) = (first, which);
    // A level marks a packet once.
    let mut marked = Tally::NONE;
    if load.is_marked_by_flow() != 0 {
        marked = Tally::of(0, level::FLOW);
    }
    for _ in 0..MAX_CHAIN {
        if which == 0 {
            return;
        }
        let Some(limit) = tables.limit(at, load.way()) else {
            return;
        };
        let settings = limit.settings();
        if which & 1 != 0 {
            if end == End::GIVEN_BACK {
                meter::give_back(&limit.bucket(), cost(settings, load));
            } else {
                mark(tables, limit, settings, load, marked);
                marked = marked.and(tally(settings));
            }
        }
        at = settings.parent();
        which >>= 1;
    }
}

#[inline(always)]
fn mark(
    tables: &impl LimitTables,
    limit: LimitHalf,
    settings: LimitSettings,
    load: Load,
    marked: Tally,
) {
    limit.count_marked(load.bytes());
    if !marked.has(settings.level()) {
        tables.count_level(tally(settings).place(), load, Done::Marked);
    }
}

/// Time as a limit has it.
#[inline(always)]
fn now(settings: LimitSettings, now_ns: u64) -> u64 {
    if settings.has(limit_flags::PACKETS) {
        meter::packet_ticks(now_ns)
    } else {
        meter::ticks(now_ns)
    }
}

#[inline(always)]
fn cost(settings: LimitSettings, load: Load) -> u64 {
    if settings.has(limit_flags::PACKETS) {
        settings.ticks_per_byte.min(meter::NEVER)
    } else {
        cost_of_bytes(load, settings.ticks_per_byte)
    }
}
