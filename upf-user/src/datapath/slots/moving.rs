//! URRs that leave the counters of a slot for a record of their own, while its packets go on.
//!
//! A slot counts all its packets, by old rules as by new ones; by new ones the record counts them as well. So that none is told
//! twice, those of the halves that the URR counts are dropped from the last packet by old rules to the first one by new rules:
//! for the few microseconds that it takes to wait for packets under way and to read the counters. Nothing else ever stops packets.

use upf_common::abi::{NO_LIST, NO_USAGE, Rules, verdict};

use super::give_back::wait_for_packets;
use super::seating::{Image, Program, Seating};
use super::usages::{LeftUsage, UsageSeat};
use super::write::Write;
use crate::datapath::{Account, Datapath, Direction};

/// The writes that stop the packets of halves that URRs leave, and then read what was counted.
pub(super) fn stops(
    (current, old): (&Seating, &Image),
    (next, new): (&Seating, &Image),
) -> Vec<Write> {
    let moves = |seat: &&UsageSeat| {
        let mut others = next.usages().iter();
        let is_slot = matches!(seat.account, Account::Slot(slot) if next.has_slot(slot));
        is_slot && others.any(|other| other.urr == seat.urr && other.account != seat.account)
    };
    let moving: Vec<_> = current.usages().iter().filter(moves).copied().collect();
    if moving.is_empty() {
        return Vec::new();
    }
    let counts = |program: &&Program| moving.iter().any(|seat| counts(seat, program));
    let is_replaced = |program: &&Program| {
        let mut replaced = new.programs.iter();
        replaced.any(|new| new.is_of_half(program) && new.rules != program.rules)
    };
    let stopped = old.programs.iter().filter(counts).filter(is_replaced);
    let stops = stopped.map(|program| Write::Rules {
        slot: program.slot,
        direction: program.direction,
        new: dropping(program.rules),
        old: program.rules,
    });
    let mut writes: Vec<_> = stops.collect();
    writes.push(Write::Leave(moving.into_boxed_slice()));
    writes
}

/// Whether a URR counts what a half of its slot does.
fn counts(seat: &UsageSeat, program: &Program) -> bool {
    let is_counted = match program.direction {
        Direction::Uplink => seat.counts_uplink,
        Direction::Downlink => seat.counts_downlink,
    };
    is_counted && seat.account == Account::Slot(program.slot)
}

/// The same tunnel and the same UE, whose packets end here.
fn dropping(rules: Rules) -> Rules {
    Rules {
        verdict: verdict::DROP,
        list: NO_LIST,
        usage: NO_USAGE,
        duplicate: 0,
        ..rules
    }
}

/// What URRs have counted, by what was in force until now.
pub(super) fn leave(tables: &impl Datapath, seats: &[UsageSeat]) -> Vec<LeftUsage> {
    if !seats.is_empty() {
        wait_for_packets(tables);
    }
    let seats = seats.iter().copied();
    seats.map(|seat| LeftUsage::read(tables, seat)).collect()
}
