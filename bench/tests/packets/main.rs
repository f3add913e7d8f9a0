//! The packet logic: on this host over vectors, and in the kernel by `BPF_PROG_TEST_RUN`.
//!
//! What runs in the kernel needs root and the eBPF object; without them a test fails.

mod budget;
mod hostile;
mod special;
mod table;
