//! The maps of what is counted for URRs, and the functions that look at thresholds and quotas.
//!
//! Global functions, as in [`crate::limits`].

use core::ptr::NonNull;

use upf_common::abi::{Slot, Usage, UsageEvent, UsageSet};
use upf_common::forward::tables::{Account, Load, UsageTables};
use upf_common::forward::usage;
use upf_common::shared;

use crate::maps::{SLOTS, USAGE_EVENTS, USAGE_SETS, USAGES};

/// Looks at the quotas of a packet.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn look_at_quotas(slot: u32, set: u32, load: u64, list: u32) -> u64 {
    usage::look_at_quotas(&Usages, slot, set, Load::of_word(load), list)
}

/// Counts a packet beside its slot.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn count_usage(slot: u32, set: u32, load: u64, now_ns: u64) -> u64 {
    usage::count(&Usages, slot, set, Load::of_word(load), now_ns);
    0
}

/// Counts a packet that was dropped.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn count_drop(slot: u32, set: u32, load: u64, is_held_back: u32) -> u64 {
    usage::count_drop(&Usages, slot, set, Load::of_word(load), is_held_back != 0);
    0
}

/// The maps.
struct Usages;

impl Usages {
    #[inline(always)]
    fn slot(&self, index: u32) -> Option<NonNull<Slot>> {
        NonNull::new(SLOTS.get_ptr_mut(index)?)
    }

    #[inline(always)]
    fn record(&self, index: u32) -> Option<NonNull<Usage>> {
        NonNull::new(USAGES.get_ptr_mut(index)?)
    }
}

impl UsageTables for Usages {
    #[inline(always)]
    fn slot_account(&self, slot: u32, load: Load) -> Option<Account> {
        let record = self.slot(slot)?;
        // SAFETY: map values outlive the run, and counters are changed by single stores and atomic operations.
        Some(unsafe { Account::of_slot(record, slot, load.half()) })
    }

    #[inline(always)]
    fn record_account(&self, record: u32, load: Load) -> Option<Account> {
        let usage = self.record(record)?;
        // SAFETY: as above.
        Some(unsafe { Account::of_record(usage, record, load.way()) })
    }

    #[inline(always)]
    fn usage_set(&self, index: u32) -> Option<&UsageSet> {
        USAGE_SETS.get(index)
    }

    #[inline(always)]
    fn count_slot_drop(&self, slot: u32, load: Load) {
        if let Some(slot) = self.slot(slot) {
            // SAFETY: as above.
            unsafe { shared::count_slot_drop(slot, load.half(), load.bytes()) };
        }
    }

    #[inline(always)]
    fn count_record_drop(&self, record: u32, load: Load) {
        if let Some(usage) = self.record(record) {
            // SAFETY: as above.
            unsafe { shared::count_record_drop(usage, load.way(), load.bytes()) };
        }
    }

    #[inline(always)]
    fn tell_usage(&self, event: UsageEvent) -> bool {
        USAGE_EVENTS.output::<UsageEvent>(&event, 0).is_ok()
    }
}
