//! Whether a packet's limits let it pass: the flow's meter in a slot, and a chain of others, of which each has to.
//!
//! | module | subject |
//! |---|---|
//! | `ordinary` | the road that nearly all packets take: each limit has room, and no other CPU is at it |
//! | `rest` | all that is left: packets that do not pass, guarantees, packet rates, other CPUs at the same moment |
//! | `words` | a packet at its limits, and what becomes of it, in numbers |
//! | `steps` | its steps along the chain, in numbers |

mod ordinary;
mod rest;
mod steps;
mod words;

use crate::meter;
use crate::shared::LimitSettings;
pub(super) use ordinary::charge;
pub use rest::{charge_limit, charge_rest, end_chain};
pub use steps::{Charge, Charged, End, Manner};
use words::Tally;
pub use words::{Done, Load, Outcome};

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
