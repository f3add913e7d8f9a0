//! From a UE address to a slot.

use super::{Address, plain};

/// Slots of one block: one for each value of the address's low byte.
pub const BLOCK_SLOTS: u32 = 256;
/// Entries of the `POOLS` map.
pub const MAX_POOLS: u32 = 256;
/// Content of `BLOCKS` for a block without slots.
pub const NO_SLOT: u32 = u32::MAX;

/// A range of UE addresses of one network instance.
///
/// The addresses are numbered by `key`: for IPv4 the address itself, for IPv6 the upper 64 bits. The
/// block of an address is `first_block + ((key - first_key) >> 8)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Pool {
    /// Key of the first address: a multiple of 256, unless the pool is smaller than a block.
    pub first_key: u64,
    /// Key of the last address.
    pub last_key: u64,
    /// Index into `BLOCKS` of the block that holds `first_key`.
    pub first_block: u32,
    /// 4 or 6; 0 is an unused entry.
    pub family: u32,
}

/// Key of the `UE_ADDRESSES` hash map: UE addresses that no block covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(4))]
pub struct UeKey {
    /// The UE's address; for IPv6 the /64 prefix with the lower half zero.
    pub address: Address,
    /// The network instance's number.
    pub instance: u32,
}

/// A network of UEs, a pool or what lies behind a UE: what stands behind the prefix length in keys of the `UE_NETWORKS`
/// trie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C, align(4))]
pub struct UeNetwork {
    /// The network instance's number. First, because the trie compares from the front.
    pub instance: u32,
    /// The network's address, IPv4 IPv4-mapped.
    pub address: Address,
}

/// Content of `UE_NETWORKS` for a pool; for what lies behind a UE it is the UE's slot.
pub const POOL_NETWORK: u32 = NO_SLOT - 1;

/// Bits of a key of the `UE_NETWORKS` trie that are compared: the instance's number, and `prefix_length` bits of the
/// address as it stands in an [`Address`].
#[must_use]
pub const fn network_bits(prefix_length: u32) -> u32 {
    u32::BITS + prefix_length
}

plain! {
    Pool: 24, 8;
    UeKey: 20, 4;
    UeNetwork: 20, 4;
}
