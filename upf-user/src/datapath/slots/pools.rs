//! The arithmetic of address pools.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use upf_common::abi::{BLOCK_SLOTS, MAX_POOLS, Pool, UeKey, mapped};

/// Most address blocks of all pools together: 2^32 IPv4 addresses or /64 prefixes.
pub const MAX_BLOCKS: u32 = 1 << 24;

/// Why pools cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// More than [`MAX_POOLS`].
    #[error("more than {MAX_POOLS} address pools")]
    TooManyPools,
    /// An IPv6 pool hands out /64 prefixes, so it cannot be longer than that.
    #[error("{0}: an IPv6 pool must be a /64 or shorter")]
    PrefixTooLong(IpNet),
    /// Two pools of one network instance share addresses.
    #[error("{0} and {1} overlap in the same network instance")]
    Overlap(IpNet, IpNet),
    /// More than [`MAX_BLOCKS`].
    #[error("{0}: the pools have more than {MAX_BLOCKS} blocks of 256 addresses together")]
    TooManyBlocks(IpNet),
}

/// All pools with their block numbers: the content of the `POOLS` map, and the same arithmetic for the
/// agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolLayout {
    entries: Vec<(u32, Pool)>,
    blocks: u32,
}

impl PoolLayout {
    /// Lays out pools, given with their network instance's number. Pools of one instance become
    /// neighbours, in the order given; block numbers run on over all of them.
    ///
    /// # Errors
    /// [`PoolError`], naming the first pool that does not fit.
    pub fn new(pools: &[(u32, IpNet)]) -> Result<Self, PoolError> {
        if pools.len() > MAX_POOLS as usize {
            return Err(PoolError::TooManyPools);
        }
        let mut sorted: Vec<_> = pools.to_vec();
        sorted.sort_by_key(|(instance, _)| *instance);
        let mut layout = Self::default();
        for (position, (instance, net)) in sorted.iter().enumerate() {
            if let Some((_, other)) = sorted[..position]
                .iter()
                .find(|(i, other)| i == instance && overlap(other, net))
            {
                return Err(PoolError::Overlap(*other, *net));
            }
            layout.push(*instance, *net)?;
        }
        Ok(layout)
    }

    fn push(&mut self, instance: u32, net: IpNet) -> Result<(), PoolError> {
        let (family, first_key, last_key) = match net {
            IpNet::V4(net) => (
                4,
                u64::from(u32::from(net.network())),
                u64::from(u32::from(net.broadcast())),
            ),
            IpNet::V6(net) if net.prefix_len() > 64 => {
                return Err(PoolError::PrefixTooLong(net.into()));
            }
            IpNet::V6(net) => (6, upper_half(net.network()), upper_half(net.broadcast())),
        };
        let blocks = ((last_key - first_key) >> 8).saturating_add(1);
        let end = blocks.saturating_add(u64::from(self.blocks));
        let end = u32::try_from(end)
            .ok()
            .filter(|end| *end <= MAX_BLOCKS)
            .ok_or(PoolError::TooManyBlocks(net))?;
        let pool = Pool {
            first_key,
            last_key,
            first_block: self.blocks,
            family,
        };
        self.entries.push((instance, pool));
        self.blocks = end;
        Ok(())
    }

    /// The entries of the `POOLS` map, each with its network instance's number.
    #[must_use]
    pub fn entries(&self) -> &[(u32, Pool)] {
        &self.entries
    }

    /// The pools as networks, each with its network instance.
    pub fn networks(&self) -> impl Iterator<Item = (u32, IpNet)> + '_ {
        self.entries.iter().map(|(instance, pool)| {
            // The numbers of a pool's addresses differ in the bits behind its prefix.
            let host_bits = (u64::BITS - (pool.first_key ^ pool.last_key).leading_zeros()) as u8;
            let network = if pool.family == 4 {
                // The numbers are those of IPv4 addresses.
                let address = Ipv4Addr::from_bits(pool.first_key as u32);
                IpNet::new_assert(address.into(), 32 - host_bits)
            } else {
                let address = Ipv6Addr::from_bits(u128::from(pool.first_key) << 64);
                IpNet::new_assert(address.into(), 64 - host_bits)
            };
            (*instance, network)
        })
    }

    /// The entries of one network instance: the first one's index, and how many.
    #[must_use]
    pub fn of_instance(&self, instance: u32) -> (u16, u16) {
        let first = self.entries.partition_point(|(i, _)| *i < instance);
        let end = self.entries.partition_point(|(i, _)| *i <= instance);
        // Both are at most MAX_POOLS.
        (first as u16, (end - first) as u16)
    }

    /// Number of blocks of all pools.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// The block that holds a UE address, and the address's place in it (0 to 255).
    #[must_use]
    pub fn block_of(&self, instance: u32, address: IpAddr) -> Option<(u32, u32)> {
        let (family, key) = match address {
            IpAddr::V4(address) => (4, u64::from(u32::from(address))),
            IpAddr::V6(address) => (6, upper_half(address)),
        };
        let (first, count) = self.of_instance(instance);
        let entries = &self.entries[usize::from(first)..usize::from(first) + usize::from(count)];
        let (_, pool) = entries.iter().find(|(_, pool)| {
            pool.family == family && (pool.first_key..=pool.last_key).contains(&key)
        })?;
        // At most MAX_BLOCKS, as push() has checked.
        let block = pool.first_block + ((key - pool.first_key) >> 8) as u32;
        Some((block, (key % u64::from(BLOCK_SLOTS)) as u32))
    }

    /// The address at a place of a block: the reverse of [`Self::block_of`].
    #[must_use]
    pub fn address_at(&self, block: u32, place: u32) -> Option<(u32, IpAddr)> {
        let after = self
            .entries
            .partition_point(|(_, pool)| pool.first_block <= block);
        let (instance, pool) = self.entries.get(after.checked_sub(1)?)?;
        let base = (pool.first_key & !0xff) + (u64::from(block - pool.first_block) << 8);
        let key = base + u64::from(place % BLOCK_SLOTS);
        if !(pool.first_key..=pool.last_key).contains(&key) {
            return None;
        }
        let address = if pool.family == 4 {
            IpAddr::V4(Ipv4Addr::from(key as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from(u128::from(key) << 64))
        };
        Some((*instance, address))
    }
}

/// The key of the `UE_ADDRESSES` map for a UE's address; an IPv6 address stands for its /64.
#[must_use]
pub fn ue_key(instance: u32, address: IpAddr) -> UeKey {
    let address = match address {
        IpAddr::V4(address) => mapped(address.octets()),
        IpAddr::V6(address) => (u128::from(upper_half(address)) << 64).to_be_bytes(),
    };
    UeKey { address, instance }
}

pub(super) fn upper_half(address: Ipv6Addr) -> u64 {
    (u128::from(address) >> 64) as u64
}

fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn layout(pools: &[(u32, &str)]) -> Result<PoolLayout, PoolError> {
        let pools: Vec<_> = pools.iter().map(|(i, text)| (*i, net(text))).collect();
        PoolLayout::new(&pools)
    }

    #[test]
    fn blocks_are_numbered_over_all_pools_and_instances_stay_together() {
        let layout = layout(&[
            (1, "10.45.0.0/16"),
            (0, "10.45.0.0/23"),
            (1, "2001:db8:45::/48"),
            (0, "192.0.2.128/25"),
        ])
        .unwrap();
        let firsts: Vec<_> = layout
            .entries()
            .iter()
            .map(|(i, pool)| (*i, pool.family, pool.first_block))
            .collect();
        assert_eq!(firsts, [(0, 4, 0), (0, 4, 2), (1, 4, 3), (1, 6, 259)]);
        assert_eq!(layout.blocks(), 3 + 256 + 256);
        assert_eq!(layout.of_instance(0), (0, 2));
        assert_eq!(layout.of_instance(1), (2, 2));
        assert_eq!(layout.of_instance(7), (4, 0));
    }

    #[test]
    fn addresses_have_a_block_and_a_place() {
        let layout = layout(&[
            (0, "10.45.0.0/16"),
            (0, "192.0.2.128/25"),
            (1, "10.45.0.0/16"),
            (1, "2001:db8:45::/48"),
        ])
        .unwrap();
        let cases = [
            (0, "10.45.0.0", Some((0, 0))),
            (0, "10.45.2.7", Some((2, 7))),
            (0, "192.0.2.130", Some((256, 130))),
            (0, "192.0.2.127", None),
            (1, "10.45.2.7", Some((257 + 2, 7))),
            (1, "2001:db8:45:203::99", Some((257 + 256 + 2, 3))),
            (1, "2001:db8:46::", None),
            (2, "10.45.0.0", None),
        ];
        for (instance, address, expected) in cases {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(layout.block_of(instance, address), expected, "{address}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(
            layout(&[(0, "2001:db8::/65")]),
            Err(PoolError::PrefixTooLong(net("2001:db8::/65")))
        );
        assert_eq!(
            layout(&[(0, "10.0.0.0/8"), (1, "10.1.0.0/16"), (0, "10.1.0.0/16")]),
            Err(PoolError::Overlap(net("10.0.0.0/8"), net("10.1.0.0/16")))
        );
        assert_eq!(
            layout(&[(0, "2001::/16")]),
            Err(PoolError::TooManyBlocks(net("2001::/16")))
        );
        assert_eq!(
            layout(&[(0, "2001:db8::/32"), (0, "10.0.0.0/24")]),
            Err(PoolError::TooManyBlocks(net("10.0.0.0/24")))
        );
        let many = vec![(0, net("10.0.0.0/24")); 257];
        assert_eq!(PoolLayout::new(&many), Err(PoolError::TooManyPools));
        assert!(layout(&[(0, "0.0.0.0/0")]).is_ok());
        assert!(layout(&[(0, "2001:db8::/64")]).is_ok());
    }

    proptest! {
        #[test]
        fn block_and_place_lead_back_to_the_address(offset in any::<u32>(), which in 0usize..4) {
            let pools = [(3, "10.0.0.0/9"), (3, "172.16.5.64/26"), (9, "10.0.0.0/9"), (9, "2001:db8::/40")];
            let layout = layout(&pools).unwrap();
            let (instance, text) = pools[which];
            let address = match net(text) {
                IpNet::V4(n) => IpAddr::V4((u32::from(n.network()) | offset & u32::from(n.hostmask())).into()),
                IpNet::V6(n) => IpAddr::V6((u128::from(n.network()) | u128::from(offset & 0xff_ffff) << 64).into()),
            };
            let (block, place) = layout.block_of(instance, address).unwrap();
            prop_assert!(block < layout.blocks());
            prop_assert_eq!(layout.address_at(block, place), Some((instance, address)));
        }
    }
}
