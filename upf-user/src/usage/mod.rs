//! Usage of sessions: what slots have counted, and what URRs make of it (TS 29.244 clause 5.2.2).
//!
//! [`SessionUsage`] is the engine of one session's URRs. It is told what the counters of the fast path say, when it is, and
//! what happens, and answers with usage reports; [`Limits`] say where the fast path has to tell it again. It knows nothing of
//! sockets, tables and clocks, and all its state can be kept.

mod dropped;
mod due;
mod engine;
mod interval;
mod limit_set;
mod limits;
mod meter;
mod millis;
mod monitoring;
mod reporting;
mod rule;
mod session_volumes;
mod standing;
mod stopwatch;
#[cfg(test)]
mod tests;
mod totals;

pub use engine::{ReadTotals, SessionUsage};
pub use limits::{Limits, Marks};
pub use millis::Millis;
pub use session_volumes::SessionVolumes;
pub use standing::{Left, Remaining, Standing};
pub use totals::{Count, Flow, Totals};
