//! What the fast path and the agent share, `no_std` and without allocation.
//!
//! | module | subject |
//! |---|---|
//! | [`abi`] | the records that lie in BPF maps, and the version of their layout |
//! | [`wire`] | Ethernet, IP, UDP and GTP-U over checked byte accesses |
//! | [`meter`] | the bandwidth limiter |
//! | [`matching`] | SDF filters over parsed packets |
//! | [`shared`] | records that several CPUs and the agent use at the same time |
//! | [`snapshot`] | rules as the fast path holds them |
//! | [`drop_reason`] | why a packet was not forwarded |
//! | [`forward`] | the packet logic itself: parse → find → decide → rewrite |
//!
//! The XDP program calls [`forward`] and so do unit tests, property tests, fuzzers and benches: the
//! packet logic has one source and two hosts.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(target_arch = "bpf", feature(core_intrinsics, asm_experimental_arch))]
#![cfg_attr(
    target_arch = "bpf",
    allow(
        internal_features,
        reason = "core's atomic types do not compile for BPF"
    )
)]

pub mod abi;
pub mod drop_reason;
pub mod forward;
pub mod matching;
pub mod meter;
pub mod shared;
pub mod snapshot;
pub mod wire;
