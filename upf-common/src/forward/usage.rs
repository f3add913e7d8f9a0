//! What is counted for URRs, and what happens at their thresholds and quotas (TS 29.244 clause 5.2.2).
//!
//! Nearly all packets only compare what their slot has counted with a mark. What lies beyond goes by functions that take and give
//! numbers, which BPF's verifier goes through once.

use super::limits::Load;
use crate::abi::{NO_LIST, NO_USAGE, UsageEvent, UsageSet, usage_event, usage_flags};
use crate::drop_reason::DropReason;
use crate::shared::Account;

/// What counters are kept in.
pub trait UsageTables {
    /// The counters of a slot, for a packet that came by one of its halves.
    fn slot_account(&self, slot: u32, load: Load) -> Option<Account>;
    /// The counters of a record, for a packet of one direction.
    fn record_account(&self, record: u32, load: Load) -> Option<Account>;
    /// The records that a packet is counted in.
    fn usage_set(&self, index: u32) -> Option<&UsageSet>;
    /// Counts a packet that a half of a slot dropped.
    fn count_slot_drop(&self, slot: u32, load: Load);
    /// Counts a packet that was dropped among those of a record.
    fn count_record_drop(&self, record: u32, load: Load);
    /// Tells the agent; false if it cannot be told now.
    fn tell_usage(&self, event: UsageEvent) -> bool;
}

/// Looks at the quotas of a packet's slot and of a set's records. 0 where it fits into all of them; else one more than the page of the
/// rules for what is beyond: `list`, or [`NO_LIST`] where one that it does not fit into has no action.
#[inline(always)]
pub fn look_at_quotas(
    tables: &impl UsageTables,
    slot: u32,
    set: u32,
    load: Load,
    list: u32,
) -> u64 {
    let mut is_beyond = false;
    let mut is_shut = false;
    let mut look = |account: &Account| {
        if account.own().is_beyond_mark(load.bytes()) && is_exhausted(tables, account, load) {
            is_beyond = true;
            is_shut |= account.flags() & usage_flags::HAS_ACTION == 0;
        }
    };
    if let Some(account) = tables.slot_account(slot, load) {
        look(&account);
    }
    for_each_record(tables, set, |record| {
        if let Some(account) = tables.record_account(record, load) {
            look(&account);
        }
    });
    if !is_beyond {
        return 0;
    }
    let page = if is_shut { NO_LIST } else { list };
    u64::from(page) + 1
}

/// The records of a set.
#[inline(always)]
fn for_each_record(tables: &impl UsageTables, set: u32, mut each: impl FnMut(u32)) {
    let Some(set) = tables.usage_set(set) else {
        return;
    };
    for &record in &set.records {
        if record == NO_USAGE {
            break;
        }
        each(record);
    }
}

#[inline(always)]
fn is_exhausted(tables: &impl UsageTables, account: &Account, load: Load) -> bool {
    let flags = account.flags();
    if !account.counts_own(flags) {
        return false;
    }
    let was_exhausted = flags & usage_flags::EXHAUSTED != 0;
    if !was_exhausted && u64::from(load.bytes()) <= account.left(flags).quota() {
        return false;
    }
    exhaust(tables, account, flags);
    true
}

/// All packets look until the agent says otherwise.
#[inline(always)]
fn exhaust(tables: &impl UsageTables, account: &Account, flags: u64) {
    account.set_flag(usage_flags::EXHAUSTED);
    account.stop();
    tell(
        tables,
        account,
        flags,
        usage_flags::EXHAUSTED_TOLD,
        usage_event::EXHAUSTED,
    );
}

/// Tells the agent once. If it cannot be told, the next packet tries again.
#[inline(always)]
fn tell(tables: &impl UsageTables, account: &Account, flags: u64, told: u64, kind: u32) {
    let event = UsageEvent {
        account: account.number(),
        kind,
    };
    if flags & told == 0 && account.set_flag(told) && !tables.tell_usage(event) {
        account.clear_flag(told);
    }
}

/// Counts a packet that its slot has counted in all records of a set, and looks at thresholds and quotas where it is beyond a
/// mark.
#[inline(always)]
pub fn count(tables: &impl UsageTables, slot: u32, set: u32, load: Load, now_ns: u64) {
    if let Some(account) = tables.slot_account(slot, load)
        && account.own().is_beyond_mark(0)
    {
        settle(tables, &account);
    }
    for_each_record(tables, set, |record| {
        if let Some(account) = tables.record_account(record, load) {
            account.own().count(load.bytes(), now_ns);
            if account.own().is_beyond_mark(0) {
                settle(tables, &account);
            }
        }
    });
}

#[inline(always)]
fn settle(tables: &impl UsageTables, account: &Account) {
    let flags = account.flags();
    if !account.counts_own(flags) {
        return;
    }
    let left = account.left(flags);
    if left.threshold() == 0 {
        tell(
            tables,
            account,
            flags,
            usage_flags::REACHED_TOLD,
            usage_event::REACHED,
        );
    }
    if left.quota() == 0 {
        exhaust(tables, account, flags);
    } else if flags & usage_flags::EXHAUSTED == 0 {
        account.move_marks();
    }
}

/// Counts a packet that was dropped in its slot and all records of a set.
#[inline(always)]
pub fn count_drop(tables: &impl UsageTables, slot: u32, set: u32, load: Load, is_held_back: bool) {
    tables.count_slot_drop(slot, load);
    for_each_record(tables, set, |record| {
        tables.count_record_drop(record, load);
        if is_held_back && let Some(account) = tables.record_account(record, load) {
            account.count_held_back(load.way(), load.bytes());
        }
    });
}

/// Whether a packet was dropped by QoS enforcement: URRs may count it nonetheless (MBQE, clause 8.2.68).
#[inline(always)]
#[must_use]
pub(super) fn is_held_back(reason: DropReason) -> bool {
    matches!(
        reason,
        DropReason::GateClosed
            | DropReason::RateLimited
            | DropReason::SessionRateLimited
            | DropReason::SimRateLimited
            | DropReason::CustomerRateLimited
    )
}
