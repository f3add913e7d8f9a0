//! The records that lie in BPF maps.
//!
//! Both sides of the kernel border read these bytes, so every type here is `repr(C)` with explicit
//! padding, holds plain integers and byte arrays only (no enum, no `Option`, no `bool`), and has its
//! size asserted. Addresses and TEIDs are kept as wire bytes. Any change of layout or meaning raises
//! [`ABI_VERSION`].
//!
//! # How a SIM is found
//!
//! - Uplink: a TEID that we allocated is `tag << index_bits | slot`; the slot holds the whole TEID, so a
//!   wrong tag is an unknown TEID.
//! - Downlink: UE addresses come from [`Pool`]s. A pool is cut into blocks of 256 addresses (IPv4) or
//!   256 /64 prefixes (IPv6); the `BLOCKS` map gives the block's first slot, and the address's low byte
//!   is added.
//! - TEIDs chosen by the control plane and UE addresses outside the pools go through hash maps, networks behind a UE
//!   (framed routes) through a trie.

mod control;
mod copy;
mod counters;
mod limit;
pub mod maps;
mod pool;
mod port;
mod rules;
mod slot;
pub mod usage;

pub use control::{Control, EVENT_NEIGHBOUR_WANTED, Event, Peer, RouteEntry, control_flags};
pub use copy::{Copy as PacketCopy, MAX_COPY_BYTES};
pub use counters::{Counters, DirectionCounters, MAX_PORTS, PortCounters};
pub use limit::{
    LEVEL_ENTRIES, LEVEL_SETS, LevelCounters, LevelDirection, Limit, LimitDirection, MAX_CHAIN,
    MAX_CLASSES, NO_CLASS, NO_LIMIT, level, limit_flags, of_level, set_index,
};
pub use pool::{
    BLOCK_SLOTS, MAX_POOLS, NO_SLOT, POOL_NETWORK, Pool, UeKey, UeNetwork, network_bits,
};
pub use port::{MAX_GTPU_ADDRESSES, PORT_BUCKETS, PORT_PROBES, Port, roles};
pub use rules::{
    INNER_DSCP, LIST_PAGE_ENTRIES, MARK_FLOW, MAX_LIST_ENTRIES, Match, MatchPorts, NO_LIST,
    NO_METER, RuleList, RuleListEntry, Rules, flags, match_flags, verdict,
};
pub use slot::{Direction, Slot, State};
pub use usage::{
    Drops, NO_MARK, NO_USAGE, USAGE_RECORD, USAGE_SET_RECORDS, Usage, UsageDirection, UsageEvent,
    UsageSet, UsageTail, usage_event, usage_flags,
};

/// Version of every layout in this module. It is stored beside the pinned maps; an agent that finds
/// another version there starts over with fresh maps.
pub const ABI_VERSION: u32 = 8;

/// An IP address as 16 wire bytes; IPv4 addresses are IPv4-mapped (`::ffff:a.b.c.d`, RFC 4291 2.5.5.2).
pub type Address = [u8; 16];

/// The IPv4-mapped form of an IPv4 address in wire bytes.
#[inline(always)]
#[must_use]
pub const fn mapped(v4: [u8; 4]) -> Address {
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4[0], v4[1], v4[2], v4[3],
    ]
}

/// Marks types whose every byte pattern is valid and that have no padding, so that they may be copied
/// to and from map memory as bytes.
///
/// # Safety
/// The type is `repr(C)` or `repr(transparent)`, has no padding, no pointer, and no invalid bit pattern.
pub unsafe trait Plain: Copy + 'static {}

/// Asserts size and alignment, and marks a record as [`Plain`].
macro_rules! plain {
    ($($type:ty: $size:expr, $align:expr;)*) => {$(
        const _: () = assert!(core::mem::size_of::<$type>() == $size);
        const _: () = assert!(core::mem::align_of::<$type>() == $align);
        // SAFETY: repr(C), integers and arrays of integers only, padding written out as fields, and
        // the size assertion above proves that the compiler added none.
        unsafe impl $crate::abi::Plain for $type {}
    )*};
}
pub(crate) use plain;
