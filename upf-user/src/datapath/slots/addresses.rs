//! Which UE addresses we hand out (UEIP, TS 29.244 clause 5.21): IPv4 addresses and /64 prefixes from the pools.
//!
//! An address is in use while a session has a way that leads to it or was given it by us. Control planes may give
//! addresses of the same pools themselves; those are never handed out meanwhile. An address that a session gave
//! back rests for the pool's quarantine, so that packets for its last user do not reach the next one.
//!
//! Of a pool with four addresses or more the first two (the network and, by custom, its router) and in IPv4 the last
//! one (the broadcast address) are left out; of an IPv6 pool with four prefixes or more the first one, where
//! routers have their own addresses. Smaller pools are handed out whole.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{AddAssign, RangeInclusive};
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::pools::upper_half;
use super::seating::UeEndpoint;

/// A pool of this many addresses loses those that are left out.
const MIN_TO_LEAVE_OUT: u64 = 4;
/// Addresses whose rest may be ended by one release: two for each that comes, so that none are left behind.
const ENDED_PER_RELEASE: usize = 2;

/// UE addresses of one network instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UePool {
    /// The network instance's number.
    pub instance: u32,
    /// The addresses; an IPv6 pool is a /64 or shorter.
    pub net: IpNet,
    /// How long an address that was given back is left alone.
    pub quarantine: Duration,
}

/// What is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    /// An IPv4 address.
    V4,
    /// An IPv6 /64 prefix.
    V6,
}

/// Hands out addresses of all pools.
#[derive(Clone, Debug, Default)]
pub(super) struct UeAddressAllocator {
    pools: Vec<Pool>,
    /// Handed out by us, with the SEID of the session; 0 while the request for it is under way.
    allocated: HashMap<UeEndpoint, u64>,
}

/// One pool. Addresses are numbered as in [`upf_common::abi::Pool`].
#[derive(Clone, Debug)]
struct Pool {
    instance: u32,
    family: AddressFamily,
    quarantine: Duration,
    /// All that may be handed out.
    all: RangeInclusive<u64>,
    /// Those never handed out. The others are in use, or at rest, or in `ready`.
    fresh: RangeInclusive<u64>,
    ready: BTreeSet<u64>,
    /// In the order in which they were given back; void where `resting` has another time.
    rests: VecDeque<(Instant, u64)>,
    resting: HashMap<u64, Instant>,
}

/// How many addresses there are, and how many of them are in use or rest.
#[derive(Clone, Copy, Debug, Default)]
struct Occupancy {
    used: u128,
    all: u128,
}

impl UeAddressAllocator {
    /// Nothing is handed out yet.
    pub(super) fn new(pools: &[UePool]) -> Self {
        Self {
            pools: pools.iter().map(Pool::new).collect(),
            allocated: HashMap::new(),
        }
    }

    /// Whether we handed this address out.
    pub(super) fn has(&self, endpoint: UeEndpoint) -> bool {
        self.allocated.contains_key(&endpoint)
    }

    /// The session that has an address which we handed out.
    pub(super) fn holder(&self, endpoint: UeEndpoint) -> Option<u64> {
        let holder = self.allocated.get(&endpoint).copied();
        holder.filter(|seid| *seid != 0)
    }

    /// An address that we handed out is the session's from now on.
    pub(super) fn hold(&mut self, endpoint: UeEndpoint, seid: u64) {
        if let Some(holder) = self.allocated.get_mut(&endpoint) {
            *holder = seid;
        }
    }

    /// The addresses that are handed out, with the SEIDs of their sessions.
    #[cfg(test)]
    pub(super) fn allocated(&self) -> &HashMap<UeEndpoint, u64> {
        &self.allocated
    }

    /// How many addresses of a family are in use or rest in a network instance, in percent, where they are the scarcest:
    /// what one of its pools lacks another one gives.
    pub(super) fn load_percent(&self) -> u8 {
        let mut kinds: HashMap<_, Occupancy> = HashMap::new();
        for pool in &self.pools {
            let kind = kinds.entry((pool.instance, pool.family)).or_default();
            *kind += pool.occupancy();
        }
        let loads = kinds.values().map(Occupancy::percent);
        loads.max().unwrap_or(0)
    }

    /// Hands out an address of the instance's pools that is not `taken` by a session which was given it by its
    /// control plane. Amortised O(log n).
    pub(super) fn allocate(
        &mut self,
        instance: u32,
        family: AddressFamily,
        now: Instant,
        taken: impl Fn(UeEndpoint) -> bool,
    ) -> Option<UeEndpoint> {
        let Self { pools, allocated } = self;
        let fits = |pool: &&mut Pool| pool.instance == instance && pool.family == family;
        let mut pools = pools.iter_mut().filter(fits);
        let is_used = |endpoint| allocated.contains_key(&endpoint) || taken(endpoint);
        let endpoint = pools.find_map(|pool| pool.allocate(now, &is_used))?;
        allocated.insert(endpoint, 0);
        Some(endpoint)
    }

    /// Hands out an address that was handed out before our restart; false if somebody has it, or it is of no pool.
    pub(super) fn allocate_again(&mut self, endpoint: UeEndpoint) -> bool {
        let is_free = self.is_of_pool(endpoint) && !self.has(endpoint);
        if is_free {
            if let Some((pool, number)) = self.pool_of(endpoint) {
                pool.ready.remove(&number);
            }
            self.allocated.insert(endpoint, 0);
        }
        is_free
    }

    /// Takes [`Self::allocate`] back: nobody has seen the address.
    pub(super) fn cancel(&mut self, endpoint: UeEndpoint) {
        if self.allocated.remove(&endpoint).is_some()
            && let Some((pool, number)) = self.pool_of(endpoint)
        {
            pool.ready.insert(number);
        }
    }

    /// Takes an address back that we handed out; its rest begins with [`Self::rest`].
    pub(super) fn forget(&mut self, endpoint: UeEndpoint) {
        self.allocated.remove(&endpoint);
    }

    /// An address that nobody uses any more rests, if it is of a pool at all.
    pub(super) fn rest(&mut self, endpoint: UeEndpoint, now: Instant) {
        if let Some((pool, number)) = self.pool_of(endpoint) {
            pool.rest(number, now);
        }
    }

    /// Whether it is an address that may be handed out.
    pub(super) fn is_of_pool(&self, endpoint: UeEndpoint) -> bool {
        self.pools
            .iter()
            .any(|pool| pool.number(endpoint).is_some())
    }

    fn pool_of(&mut self, endpoint: UeEndpoint) -> Option<(&mut Pool, u64)> {
        let mut pools = self.pools.iter_mut();
        pools.find_map(|pool| {
            let number = pool.number(endpoint)?;
            Some((pool, number))
        })
    }
}

impl Pool {
    fn new(pool: &UePool) -> Self {
        let (family, first) = number_of(pool.net.network());
        let (_, last) = number_of(pool.net.broadcast());
        let is_small = last - first < MIN_TO_LEAVE_OUT - 1;
        let (before, after) = match family {
            _ if is_small => (0, 0),
            AddressFamily::V4 => (2, 1),
            AddressFamily::V6 => (1, 0),
        };
        let all = first + before..=last - after;
        Self {
            instance: pool.instance,
            family,
            quarantine: pool.quarantine,
            fresh: all.clone(),
            all,
            ready: BTreeSet::new(),
            rests: VecDeque::new(),
            resting: HashMap::new(),
        }
    }

    /// The number of an address that it may hand out.
    fn number(&self, endpoint: UeEndpoint) -> Option<u64> {
        let (family, number) = number_of(endpoint.address);
        let is_here = self.instance == endpoint.instance && self.family == family;
        (is_here && self.all.contains(&number)).then_some(number)
    }

    fn occupancy(&self) -> Occupancy {
        let count = |range: &RangeInclusive<u64>| {
            let width = range.end().saturating_sub(*range.start());
            if range.is_empty() {
                0
            } else {
                width.saturating_add(1)
            }
        };
        let all = count(&self.all);
        let free = count(&self.fresh).saturating_add(self.ready.len() as u64);
        Occupancy {
            used: all.saturating_sub(free).into(),
            all: all.into(),
        }
    }

    /// Those that rested come first, so that few blocks have users.
    fn allocate(
        &mut self,
        now: Instant,
        is_used: &impl Fn(UeEndpoint) -> bool,
    ) -> Option<UeEndpoint> {
        loop {
            while let Some(number) = self.ready.pop_first() {
                let endpoint = self.endpoint(number);
                if !is_used(endpoint) {
                    return Some(endpoint);
                }
            }
            if !self.end_rest(now) {
                break;
            }
        }
        while let Some(number) = self.fresh.next() {
            let endpoint = self.endpoint(number);
            if !is_used(endpoint) && !self.resting.contains_key(&number) {
                return Some(endpoint);
            }
        }
        None
    }

    fn rest(&mut self, number: u64, now: Instant) {
        for _ in 0..ENDED_PER_RELEASE {
            self.end_rest(now);
        }
        self.ready.remove(&number);
        self.resting.insert(number, now);
        self.rests.push_back((now, number));
    }

    /// Ends the oldest rest, and says whether it was old enough.
    fn end_rest(&mut self, now: Instant) -> bool {
        let Some(&(since, number)) = self.rests.front() else {
            return false;
        };
        // It may have been in use again since, and rest once more.
        let is_void = self.resting.get(&number) != Some(&since);
        if !is_void {
            if now.saturating_duration_since(since) < self.quarantine {
                return false;
            }
            self.resting.remove(&number);
            if !self.fresh.contains(&number) {
                self.ready.insert(number);
            }
        }
        self.rests.pop_front();
        true
    }

    fn endpoint(&self, number: u64) -> UeEndpoint {
        let address = match self.family {
            // IPv4 addresses are numbered by themselves.
            AddressFamily::V4 => IpAddr::V4(Ipv4Addr::from(number as u32)),
            AddressFamily::V6 => IpAddr::V6(Ipv6Addr::from(u128::from(number) << 64)),
        };
        UeEndpoint {
            instance: self.instance,
            address,
        }
    }
}

impl AddAssign for Occupancy {
    fn add_assign(&mut self, other: Self) {
        // At most 2^64 a pool.
        self.used += other.used;
        self.all += other.all;
    }
}

impl Occupancy {
    fn percent(&self) -> u8 {
        // At most 100.
        (self.used * 100 / self.all.max(1)) as u8
    }
}

fn number_of(address: IpAddr) -> (AddressFamily, u64) {
    match address {
        IpAddr::V4(address) => (AddressFamily::V4, u64::from(u32::from(address))),
        IpAddr::V6(address) => (AddressFamily::V6, upper_half(address)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use proptest::prelude::*;

    const REST: Duration = Duration::from_secs(30);

    fn allocator(nets: &[&str]) -> UeAddressAllocator {
        let pool = |net: &&str| UePool {
            instance: 1,
            net: net.parse().unwrap(),
            quarantine: REST,
        };
        UeAddressAllocator::new(&nets.iter().map(pool).collect::<Vec<_>>())
    }

    fn nobody(_: UeEndpoint) -> bool {
        false
    }

    fn all(nets: &[&str], family: AddressFamily) -> Vec<String> {
        let (mut pools, now) = (allocator(nets), Instant::now());
        let next = || pools.allocate(1, family, now, nobody);
        let addresses = std::iter::from_fn(next).map(|endpoint| endpoint.address.to_string());
        addresses.collect()
    }

    #[test]
    fn network_router_and_broadcast_are_left_out() {
        let v4 = |nets: &[&str]| all(nets, AddressFamily::V4);
        assert_eq!(v4(&["192.0.2.0/30"]), ["192.0.2.2"]);
        assert_eq!(v4(&["192.0.2.4/31"]), ["192.0.2.4", "192.0.2.5"]);
        assert_eq!(v4(&["192.0.2.7/32"]), ["192.0.2.7"]);
        let several = v4(&["192.0.2.0/29", "2001:db8::/62", "192.0.2.64/30"]);
        let expected = [
            "192.0.2.2",
            "192.0.2.3",
            "192.0.2.4",
            "192.0.2.5",
            "192.0.2.6",
            "192.0.2.66",
        ];
        assert_eq!(several, expected);
        assert_eq!(v4(&["10.0.0.0/16"]).len(), 65536 - 3);
        let v6 = |nets: &[&str]| all(nets, AddressFamily::V6);
        assert_eq!(v6(&["2001:db8::/64"]), ["2001:db8::"]);
        assert_eq!(
            v6(&["192.0.2.0/29", "2001:db8::/62"]),
            ["2001:db8:0:1::", "2001:db8:0:2::", "2001:db8:0:3::"]
        );
        assert_eq!(v6(&["ffff:ffff:ffff:fffe::/63"]).len(), 2);
    }

    #[test]
    fn an_address_rests_before_it_is_handed_out_again() {
        let (mut pools, start) = (allocator(&["192.0.2.0/29"]), Instant::now());
        let allocate = |pools: &mut UeAddressAllocator, after: Duration| {
            pools.allocate(1, AddressFamily::V4, start + after, nobody)
        };
        let taken: Vec<_> = (0..5)
            .filter_map(|_| allocate(&mut pools, Duration::ZERO))
            .collect();
        assert_eq!(taken.len(), 5);
        assert_eq!(pools.load_percent(), 100);
        pools.forget(taken[3]);
        pools.rest(taken[3], start);
        pools.forget(taken[1]);
        pools.rest(taken[1], start + REST / 2);
        assert_eq!(allocate(&mut pools, REST - Duration::from_millis(1)), None);
        assert_eq!(allocate(&mut pools, REST), Some(taken[3]));
        assert_eq!(allocate(&mut pools, REST), None);
        pools.cancel(taken[3]);
        assert_eq!(allocate(&mut pools, REST), Some(taken[3]), "nobody had it");
        assert_eq!(allocate(&mut pools, REST * 2), Some(taken[1]));
        assert_eq!(pools.allocate(2, AddressFamily::V4, start, nobody), None);
        assert_eq!(pools.allocate(1, AddressFamily::V6, start, nobody), None);
    }

    #[test]
    fn pools_of_an_instance_are_one_supply_of_each_family() {
        let (mut pools, now) = (
            allocator(&["192.0.2.0/29", "2001:db8::/62", "192.0.2.64/28"]),
            Instant::now(),
        );
        let mut allocate = |family| pools.allocate(1, family, now, nobody).unwrap();
        let v4: Vec<_> = (0..5).map(|_| allocate(AddressFamily::V4)).collect();
        assert!(
            v4.iter()
                .all(|end| end.address < IpAddr::from([192, 0, 2, 8]))
        );
        assert_eq!(pools.load_percent(), 27, "5 of 5 and 0 of 13");
        pools.allocate(1, AddressFamily::V6, now, nobody).unwrap();
        assert_eq!(pools.load_percent(), 33, "1 of 3 prefixes");
        let other = UePool {
            instance: 2,
            net: "192.0.2.128/31".parse().unwrap(),
            quarantine: REST,
        };
        pools.pools.push(Pool::new(&other));
        assert_eq!(pools.load_percent(), 33);
        pools.allocate(2, AddressFamily::V4, now, nobody).unwrap();
        assert_eq!(pools.load_percent(), 50, "another instance has its own");
        assert_eq!(allocator(&[]).load_percent(), 0);
    }

    #[test]
    fn what_a_control_plane_gives_is_not_remembered_for_ever() {
        let (mut pools, mut now) = (allocator(&["10.0.0.0/8"]), Instant::now());
        for n in 0..100_000u32 {
            now += Duration::from_secs(1);
            let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0100 + n));
            pools.rest(
                UeEndpoint {
                    instance: 1,
                    address,
                },
                now,
            );
        }
        let pool = &pools.pools[0];
        assert!(pool.resting.len() <= 31 && pool.rests.len() <= 31 && pool.ready.is_empty());
    }

    proptest! {
        #[test]
        fn no_address_has_two_users_and_none_is_lost(
            steps in proptest::collection::vec((0u8..5, 0u8..16), 1..200),
        ) {
            let mut pools = allocator(&["192.0.2.0/28"]);
            let mut now = Instant::now();
            let (mut ours, mut given) = (Vec::new(), HashSet::new());
            let mut left: HashMap<UeEndpoint, Instant> = HashMap::new();
            for (what, place) in steps {
                let named = UeEndpoint { instance: 1, address: IpAddr::from([192, 0, 2, place]) };
                match what {
                    0 | 1 => {
                        let found = pools.allocate(1, AddressFamily::V4, now, |e| given.contains(&e));
                        let Some(endpoint) = found else {
                            let is_free = |place: u8| {
                                let e = UeEndpoint { instance: 1, address: IpAddr::from([192, 0, 2, place]) };
                                let rests = left.get(&e).is_some_and(|since| now - *since < REST);
                                !ours.contains(&e) && !given.contains(&e) && !rests
                            };
                            prop_assert!(!(2..15).any(is_free), "one is lost");
                            continue;
                        };
                        prop_assert!(!ours.contains(&endpoint) && !given.contains(&endpoint));
                        let rested = left.get(&endpoint).is_none_or(|since| now - *since >= REST);
                        prop_assert!(rested, "{endpoint:?} did not rest");
                        ours.push(endpoint);
                    }
                    2 if !ours.is_empty() => {
                        let endpoint = ours.swap_remove(usize::from(place) % ours.len());
                        pools.forget(endpoint);
                        pools.rest(endpoint, now);
                        left.insert(endpoint, now);
                    }
                    3 if !ours.contains(&named) => {
                        if !given.insert(named) {
                            given.remove(&named);
                            pools.rest(named, now);
                            left.insert(named, now);
                        }
                    }
                    _ => now += Duration::from_secs(u64::from(place)),
                }
            }
        }
    }
}
