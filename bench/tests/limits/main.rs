//! Limits at work: against a reference written separately, and in the kernel, on two cores at once, by its own clock.
//!
//! What runs in the kernel needs root and the eBPF object; without them a test fails.

mod kernel;
mod levels;
mod reference;
mod topology;
