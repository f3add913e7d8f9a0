//! The ordinary road through limits: one attempt at each of them, without a call. A BPF function's return takes longer than a limit
//! on processors that mitigate speculation.

use super::super::tables::ChargeTables;
use super::steps::{Charged, End};
use super::words::{Done, Load, Outcome, Tally};
use super::{charge_meter, cost_of_bytes, tally};
use crate::abi::{NO_LIMIT, NO_METER, limit_flags};
use crate::meter::{self, CONTENDED};
use crate::shared::forget;

/// Limits that the ordinary road charges at most: sessions have one of their own, one of their SIM's and one of its customer's. Each
/// that is more costs BPF's verifier some 50,000 instructions.
const ORDINARY_CHAIN: usize = 4;

/// Charges the flow's meter in the state of a slot, if there is one, and the limits from `first` on. A packet that one of them holds
/// back is charged by none.
#[inline(always)]
#[must_use]
pub(in crate::forward) fn charge(
    tables: &impl ChargeTables,
    meter_slot: u32,
    first: u32,
    load: Load,
    now_ns: u64,
) -> Outcome {
    let mut outcome = Outcome::PASSED;
    if meter_slot != NO_METER {
        outcome = forgotten(charge_meter::<1>(tables, meter_slot, load, now_ns), now_ns);
    }
    if outcome.is_undecided() || first != NO_LIMIT && !outcome.is_held_back() {
        let mut load = load;
        if meter_slot != NO_METER && !outcome.is_undecided() {
            load = load.past_flow(outcome.is_marked());
        }
        let load = Load::of_word(forget(load.word(), now_ns));
        let is_open = !outcome.is_undecided();
        outcome = charge_chain(tables, is_open, meter_slot, first, load, now_ns);
        outcome = forgotten(outcome, now_ns);
    }
    if meter_slot != NO_METER {
        tables.count_metered(load, outcome);
    }
    outcome
}

/// The same to the program, and one state for the verifier.
#[inline(always)]
fn forgotten(outcome: Outcome, now_ns: u64) -> Outcome {
    Outcome::of_word(forget(outcome.word(), now_ns))
}

/// `load` is past the flow's meter if there is one; or all is left to the rest, if it is not `is_open`.
#[inline(always)]
fn charge_chain(
    tables: &impl ChargeTables,
    is_open: bool,
    meter_slot: u32,
    first: u32,
    load: Load,
    now_ns: u64,
) -> Outcome {
    let (mut at, mut count, mut low) = (first, 0_u32, 0_u32);
    let mut passed = Tally::NONE;
    for _ in 0..ORDINARY_CHAIN {
        if at == NO_LIMIT || !is_open {
            break;
        }
        let Some(limit) = tables.limit(at, load.way()) else {
            at = NO_LIMIT;
            break;
        };
        let settings = limit.settings();
        if settings.has(limit_flags::PACKETS | limit_flags::GUARANTEE) {
            break;
        }
        let cost = cost_of_bytes(load, settings.ticks_per_byte);
        let now = meter::ticks(now_ns);
        let used = meter::charge_within::<1>(&limit.bucket(), now, cost, settings.depth, 0);
        let used = forget(used, now_ns);
        if used >= CONTENDED {
            break;
        }
        let is_low = meter::is_low(used, settings.depth);
        low |= ((load.is_ecn_capable() & settings.may_mark() & is_low) as u32) << count;
        passed = passed.and(tally(settings));
        at = settings.parent();
        count += 1;
    }
    if !is_open || at != NO_LIMIT {
        return tables.charge_rest(meter_slot, first, load, now_ns, Charged::new(count, low));
    }
    if low != 0 {
        tables.end_chain(first, load, low, End::MARKED);
    }
    let passed = passed.without_flow(load.is_past_flow());
    tables.count_level(passed.place(), load, Done::Passed);
    Outcome::passed(u64::from(low != 0), load.is_marked_by_flow())
}
