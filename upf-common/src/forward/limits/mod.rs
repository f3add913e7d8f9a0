//! Whether a packet's limits let it pass: the flow's meter in a slot, and a chain of others, of which each has to.
//!
//! | module | subject |
//! |---|---|
//! | `ordinary` | the road that nearly all packets take: each limit has room, and no other CPU is at it |
//! | `rest` | all that is left: packets that do not pass, guarantees, packet rates, other CPUs at the same moment |
//! | `words` | a packet at its limits, and what becomes of it, in numbers |
//! | `steps` | its steps along the chain, in numbers |

/// How a type of one number comes out of a BPF function's parameters, and goes in.
macro_rules! numbers {
    ($($name:ident: $number:ty;)*) => {$(
        impl $name {
            /// As [`Self::word`] told it.
            #[inline(always)]
            #[must_use]
            pub const fn of_word(word: $number) -> Self {
                Self(word)
            }

            /// All of it in one number.
            #[inline(always)]
            #[must_use]
            pub const fn word(self) -> $number {
                self.0
            }
        }
    )*};
}
use numbers;

mod ordinary;
mod rest;
mod steps;
mod words;

use super::tables::LimitTables;
use crate::meter::{self, CONTENDED, REFUSED};
use crate::shared::LimitSettings;
pub(super) use ordinary::charge;
pub use rest::{charge_limit, charge_rest, end_chain};
pub use steps::{Charge, Charged, End, Manner};
use words::Tally;
pub use words::{Done, Load, Outcome};

/// Charges a flow's meter, with so many attempts to be faster than other CPUs: undecided, and nothing has happened, if they were
/// each time.
#[inline(always)]
fn charge_meter<const ATTEMPTS: u32>(
    tables: &impl LimitTables,
    meter_slot: u32,
    load: Load,
    now_ns: u64,
) -> Outcome {
    let Some(flow) = tables.half(meter_slot, load.half()) else {
        return Outcome::held_back_by_meter();
    };
    let rate = flow.rate();
    let cost = cost_of_bytes(load, rate.ticks_per_byte);
    let now = meter::ticks(now_ns);
    match meter::charge_within::<ATTEMPTS>(&flow.bucket(), now, cost, rate.depth, 0) {
        CONTENDED => Outcome::undecided(),
        REFUSED => Outcome::held_back_by_meter(),
        used => {
            let is_marked = load.may_flow_mark() & meter::is_low(used, rate.depth);
            Outcome::passed(is_marked, is_marked)
        }
    }
}

/// Where a limit is counted.
#[inline(always)]
fn tally(settings: LimitSettings) -> Tally {
    Tally::of(settings.class(), settings.level())
}

/// What a packet takes of a flow's meter or of a limit of bytes, in ticks.
#[inline(always)]
fn cost_of_bytes(load: Load, ticks_per_byte: u64) -> u64 {
    meter::cost_bounded(load.bytes(), ticks_per_byte)
}

#[cfg(test)]
mod tests;
