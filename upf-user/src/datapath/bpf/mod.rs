//! The tables in the kernel, and the XDP program that reads them.
//!
//! | module | subject |
//! |---|---|
//! | [`object`] | the compiled program inside this binary |
//! | [`loader`] | program and maps into the kernel |
//! | [`pins`] | their names in the BPF file system |
//! | [`former`] | what agents before us have counted in |
//! | [`grace`] | waiting for packets that are under way, whatever the program |
//! | [`attach`] | the program at devices |
//! | [`accounts`] | what counts in that memory |
//! | [`tables`] | [`crate::datapath::Datapath`] over memory that the kernel shares with us |
//! | [`ports`] | devices, address pools and network instances |
//! | [`control`] | what voids remembered next hops |
//! | `runs` | the same within microseconds, for each change |
//! | [`counters`] | figures that are not one SIM's |

mod account;
pub mod accounts;
pub mod attach;
mod clock;
pub mod control;
pub mod counters;
pub mod former;
pub mod grace;
mod latch;
mod limit;
pub mod loader;
mod mmap;
pub mod object;
pub mod pins;
pub mod ports;
mod runs;
pub mod tables;
#[cfg(test)]
mod tests;

pub use crate::datapath::memory::Sizes;
pub use loader::{FastPathLogger, LoadError, Loaded, load};

use upf_common::abi::Plain;

/// A record of the ABI as a key or value of aya's maps.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
struct Record<T: Plain>(T);

// SAFETY: `Plain` promises what `Pod` asks for, and a transparent wrapper has the same bytes.
unsafe impl<T: Plain> aya::Pod for Record<T> {}
