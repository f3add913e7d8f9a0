//! The maps of limits, and the functions that charge what does not go by the ordinary road.
//!
//! Global functions, which the verifier goes through once and not once for every way in which a packet comes to them: therefore
//! numbers are all that goes in and out.

use core::ptr::NonNull;

use upf_common::abi::{Direction, LevelDirection, Limit, LimitDirection, Slot};
use upf_common::forward::{
    self,
    tables::{
        Charge, ChargeTables, Charged, Done, End, Half, LimitHalf, LimitTables, Load, Manner,
        Outcome, Way,
    },
};

use crate::maps::{LEVELS, LIMITS, SLOTS};
use crate::tables::{KernelTables, direction_counters};

/// Charges what of a packet's limits the ordinary road has not.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn charge_rest(
    meter_slot: u32,
    first: u32,
    load: u64,
    now_ns: u64,
    charged: u32,
) -> u64 {
    let (load, charged) = (Load::of_word(load), Charged::of_word(charged));
    forward::charge_rest(&Limits, meter_slot, first, load, now_ns, charged).word()
}

/// Charges one limit.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn charge_limit(at: u32, load: u64, now_ns: u64, manner: u32) -> u64 {
    let (load, manner) = (Load::of_word(load), Manner::of_word(manner));
    forward::charge_limit(&Limits, at, load, now_ns, manner).word()
}

/// Ends a packet's way through limits of a chain.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn end_chain(first: u32, load: u64, which: u32, end: u32) -> u64 {
    let (load, end) = (Load::of_word(load), End::of_word(end));
    forward::end_chain(&Limits, first, load, which, end);
    0
}

/// The maps of limits.
struct Limits;

impl LimitTables for Limits {
    #[inline(always)]
    fn half(&self, slot: u32, way: Way) -> Option<Half> {
        let slot: NonNull<Slot> = NonNull::new(SLOTS.get_ptr_mut(slot)?)?;
        // SAFETY: map values outlive the run, and the agent writes slots as their latch demands.
        unsafe {
            let half: *mut Direction = match way {
                Way::Uplink => &raw mut (*slot.as_ptr()).uplink,
                Way::Downlink => &raw mut (*slot.as_ptr()).downlink,
            };
            Some(Half::new(NonNull::new_unchecked(half)))
        }
    }

    #[inline(always)]
    fn limit(&self, index: u32, way: Way) -> Option<LimitHalf> {
        let limit: NonNull<Limit> = NonNull::new(LIMITS.get_ptr_mut(index)?)?;
        // SAFETY: map values outlive the run, and the agent changes them by single stores.
        unsafe {
            let half: *mut LimitDirection = match way {
                Way::Uplink => &raw mut (*limit.as_ptr()).uplink,
                Way::Downlink => &raw mut (*limit.as_ptr()).downlink,
            };
            Some(LimitHalf::new(NonNull::new_unchecked(half)))
        }
    }

    #[inline(always)]
    fn count_level(&self, place: u32, load: Load, done: Done) {
        let Some(mut counters) = LEVELS.get_ptr_mut(place).and_then(NonNull::new) else {
            return;
        };
        // SAFETY: the record is this CPU's own, and runs of the program do not nest on a CPU.
        let counters = unsafe { counters.as_mut() };
        let counters: &mut LevelDirection = match load.way() {
            Way::Uplink => &mut counters.uplink,
            Way::Downlink => &mut counters.downlink,
        };
        done.count(counters, load);
    }

    #[inline(always)]
    fn charge_limit(&self, at: u32, load: Load, now_ns: u64, manner: Manner) -> Charge {
        Charge::of_word(charge_limit(at, load.word(), now_ns, manner.word()))
    }

    #[inline(always)]
    fn end_chain(&self, first: u32, load: Load, which: u32, end: End) {
        end_chain(first, load.word(), which, end.word());
    }
}

impl LimitTables for KernelTables<'_> {
    #[inline(always)]
    fn half(&self, slot: u32, way: Way) -> Option<Half> {
        Limits.half(slot, way)
    }

    #[inline(always)]
    fn limit(&self, index: u32, way: Way) -> Option<LimitHalf> {
        Limits.limit(index, way)
    }

    #[inline(always)]
    fn count_level(&self, place: u32, load: Load, done: Done) {
        Limits.count_level(place, load, done);
    }

    #[inline(always)]
    fn charge_limit(&self, at: u32, load: Load, now_ns: u64, manner: Manner) -> Charge {
        Limits.charge_limit(at, load, now_ns, manner)
    }

    #[inline(always)]
    fn end_chain(&self, first: u32, load: Load, which: u32, end: End) {
        Limits.end_chain(first, load, which, end);
    }
}

impl ChargeTables for KernelTables<'_> {
    #[inline(always)]
    fn count_metered(&self, load: Load, outcome: Outcome) {
        self.count(|counters| {
            let metered = &mut direction_counters(counters, load.way()).metered;
            outcome.count_metered(metered, load);
        });
    }

    #[inline(always)]
    fn charge_rest(
        &self,
        meter_slot: u32,
        first: u32,
        load: Load,
        now_ns: u64,
        charged: Charged,
    ) -> Outcome {
        let charged = charged.word();
        Outcome::of_word(charge_rest(meter_slot, first, load.word(), now_ns, charged))
    }
}
