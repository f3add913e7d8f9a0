//! Who has which slot, TEID, UE address, framed route, peer, rule list and limit.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use upf_common::abi::UeKey;

use super::addresses::{AddressFamily, UeAddressAllocator, UePool};
use super::allocator::SlotAllocator;
use super::duplicates::{Duplicate, DuplicateSet, Duplicates};
use super::framed::{FramedRoute, FramedRoutes};
use super::limits::{LimitKey, Limits};
use super::lists::Lists;
use super::named::NamedAddresses;
#[cfg(test)]
use super::peers::PeerKey;
use super::peers::Peers;
use super::pools::{PoolLayout, ue_key};
use super::seating::{Seating, TunnelKey, UeEndpoint, Wanted};
use super::usages;
use super::write::Write;
use crate::datapath::{Account, Datapath, Direction, LimitIndex, LimitSetting, SlotIndex};

/// Low bits of a TEID that hold the slot's index; the rest is the tag. The fast path's mask is
/// `(1 << bits) - 1`.
#[must_use]
pub const fn index_bits(capacity: u32) -> u32 {
    u32::BITS - capacity.saturating_sub(1).leading_zeros()
}

/// Something that there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// Slots.
    #[error("all slots are in use")]
    Slots,
    /// TEIDs.
    #[error("no TEID is free for this slot")]
    Teids,
    /// GTP-U peers.
    #[error("all GTP-U peers are in use")]
    Peers,
    /// Pages of rule lists.
    #[error("all rule lists are in use")]
    Lists,
    /// Limits beside those of slots.
    #[error("all limits are in use")]
    Limits,
    /// Records of URRs, or sets of them.
    #[error("all records of URRs are in use")]
    Usages,
    /// Places of a limit in a chain: other sessions have it somewhere else.
    #[error("other sessions have this limit before or behind another one")]
    Chains,
    /// UE addresses of the pools.
    #[error("all UE addresses of the network instance's pools are in use")]
    UeAddresses,
    /// Places where copies of packets go.
    #[error("copies of packets go to too many places")]
    Duplicates,
}

/// The books of all that sessions have of the tables.
#[derive(Debug)]
pub struct SlotTable {
    pub(super) slots: SlotAllocator,
    pub(super) pools: PoolLayout,
    pub(super) index_bits: u32,
    /// Slots of UE addresses. If the address's block has a chunk, the block leads there, otherwise an entry
    /// in `UE_ADDRESSES`: a block never has users of both kinds.
    pub(super) addresses: HashMap<UeKey, SlotIndex>,
    /// How many of `addresses` each block has.
    pub(super) block_users: HashMap<u32, u32>,
    pub(super) ue_allocator: UeAddressAllocator,
    pub(super) named: NamedAddresses,
    pub(super) framed: FramedRoutes,
    pub(super) teids: HashMap<u32, SlotIndex>,
    /// The last TEID of each slot, so that the next one differs.
    pub(super) last_teids: Vec<u32>,
    /// The SEID of the session that has each slot; 0 is none.
    pub(super) holders: Vec<u64>,
    pub(super) peers: Peers,
    pub(super) lists: Lists,
    pub(super) limits: Limits,
    pub(super) duplicates: Duplicates,
    /// Records of URRs, and sets of them.
    pub(super) usages: usages::Entries,
    pub(super) usage_sets: usages::Entries,
    /// The SEID of the session that has each record; 0 is none.
    pub(super) usage_holders: Vec<u64>,
    /// Writes that are owed to the tables, because they failed while a change was taken back.
    pub(super) repairs: VecDeque<Write>,
}

/// What is in use.
#[cfg(test)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    slots: SlotAllocator,
    addresses: HashMap<UeKey, SlotIndex>,
    block_users: HashMap<u32, u32>,
    allocated: HashMap<UeEndpoint, u64>,
    named: NamedAddresses,
    framed: FramedRoutes,
    teids: HashMap<u32, SlotIndex>,
    holders: Vec<u64>,
    peers: std::collections::BTreeMap<PeerKey, u32>,
    lists: u32,
    limits: Limits,
    duplicates: std::collections::BTreeMap<Vec<Duplicate>, u32>,
    usages: [u32; 2],
}

impl SlotTable {
    /// Empty books for tables of these sizes.
    #[must_use]
    pub fn new(tables: &impl Datapath, pools: PoolLayout, ue_pools: &[UePool]) -> Self {
        let capacity = tables.capacity();
        Self {
            slots: SlotAllocator::new(capacity),
            pools,
            index_bits: index_bits(capacity),
            addresses: HashMap::new(),
            block_users: HashMap::new(),
            ue_allocator: UeAddressAllocator::new(ue_pools),
            named: NamedAddresses::default(),
            framed: FramedRoutes::default(),
            teids: HashMap::new(),
            last_teids: vec![0; capacity as usize],
            holders: vec![0; capacity as usize],
            peers: Peers::new(tables.peers()),
            lists: Lists::new(tables.lists()),
            limits: Limits::new(tables.limits()),
            duplicates: Duplicates::new(),
            usages: usages::Entries::new(tables.usages()),
            usage_sets: usages::Entries::new(tables.usages()),
            usage_holders: vec![0; tables.usages() as usize],
            repairs: VecDeque::new(),
        }
    }

    /// Slots in use.
    #[must_use]
    pub fn used_slots(&self) -> u32 {
        self.slots.used()
    }

    /// How much is in use, in percent: slots, limits, pages of rule lists, peers and the UE addresses of a family in a
    /// network instance, the scarcest of them. The sessions with `ended_slots` of the slots give way to others, so what they
    /// have does not count; of what is not slots they are taken to have the same share.
    #[must_use]
    pub fn load_percent(&self, tables: &impl Datapath, ended_slots: u32) -> u8 {
        let percent = |used: u64, all: u32| (used * 100 / u64::from(all.max(1))).min(100) as u8;
        let slots = percent(self.slots.used().into(), tables.capacity());
        let lists = percent(self.lists.used().into(), tables.lists());
        let peers = percent(self.peers.len() as u64, tables.peers());
        let limits = percent(self.limits.used().into(), tables.limits());
        let addresses = self.ue_allocator.load_percent();
        let usages = self.usages.used().max(self.usage_sets.used());
        let usages = percent(usages.into(), tables.usages());
        let load = slots.max(lists).max(peers).max(limits);
        let load = load.max(addresses).max(usages);
        let used = self.slots.used();
        if ended_slots == 0 || used == 0 {
            return load;
        }
        let living = used.saturating_sub(ended_slots);
        // At most `load`.
        (u64::from(load) * u64::from(living)).div_ceil(used.into()) as u8
    }

    /// The peers.
    #[must_use]
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Whether somebody has this TEID.
    #[must_use]
    pub fn has_teid(&self, teid: u32) -> bool {
        self.teids.contains_key(&teid)
    }

    /// The session that has a slot, by its SEID.
    #[must_use]
    pub fn holder(&self, slot: SlotIndex) -> Option<u64> {
        let holder = self.holders.get(slot.0 as usize).copied();
        holder.filter(|seid| *seid != 0)
    }

    /// The session that has a URR counted there.
    #[must_use]
    pub fn holder_of_account(&self, account: Account) -> Option<u64> {
        match account {
            Account::Slot(slot) => self.holder(slot),
            Account::Record(record) => {
                let holder = self.usage_holders.get(record.0 as usize).copied();
                holder.filter(|seid| *seid != 0)
            }
        }
    }

    /// The session that has a TEID.
    #[must_use]
    pub fn holder_of_teid(&self, teid: u32) -> Option<u64> {
        self.holder(*self.teids.get(&teid)?)
    }

    /// The session that is reached by a UE address.
    #[must_use]
    pub fn holder_of_address(&self, endpoint: UeEndpoint) -> Option<u64> {
        self.holder(*self.addresses.get(&key_of(endpoint))?)
    }

    /// The sessions that have what is wanted by another one with `current`: given TEIDs, UE addresses (those included that
    /// we only chose for them), and framed routes that overlap. One may come more than once.
    pub fn holders_of<'a>(
        &'a self,
        current: &'a Seating,
        wanted: &'a Wanted,
    ) -> impl Iterator<Item = u64> + 'a {
        let teids = wanted.tunnels.iter().filter_map(|tunnel| match tunnel.key {
            TunnelKey::Given(teid) => self.teids.get(&teid).copied(),
            _ => None,
        });
        let addresses = || wanted.addresses.iter().chain(&wanted.named);
        let chosen = addresses().filter(|endpoint| !current.allocated().contains(endpoint));
        let chosen = chosen.filter_map(|endpoint| self.ue_allocator.holder(*endpoint));
        let reached = addresses().filter_map(|own| self.addresses.get(&key_of(*own)).copied());
        let routes = wanted.framed_routes.iter();
        let routes = routes.flat_map(|route| self.framed.overlapping(*route));
        let slots = teids.chain(reached).chain(routes);
        let others = slots.filter(|slot| !current.has_slot(*slot));
        chosen.chain(others.filter_map(|slot| self.holder(slot)))
    }

    /// Whether somebody has this UE address, or was given it by us.
    #[must_use]
    pub fn has_address(&self, endpoint: UeEndpoint) -> bool {
        self.addresses.contains_key(&key_of(endpoint)) || self.ue_allocator.has(endpoint)
    }

    /// Whether we gave this UE address to somebody.
    #[must_use]
    pub fn is_allocated(&self, endpoint: UeEndpoint) -> bool {
        self.ue_allocator.has(endpoint)
    }

    /// Hands a UE address out, from the pools of a network instance (UEIP). Whoever asks has to put it into
    /// [`super::Wanted::allocated`], so that the session has it and gives it back in the end, or to take it back with
    /// [`Self::cancel_address`].
    ///
    /// # Errors
    /// [`Exhausted::UeAddresses`].
    pub fn allocate_address(
        &mut self,
        instance: u32,
        family: AddressFamily,
        now: Instant,
    ) -> Result<UeEndpoint, Exhausted> {
        let Self {
            ue_allocator,
            addresses,
            named,
            ..
        } = self;
        let is_given = |endpoint| addresses.contains_key(&key_of(endpoint)) || named.has(endpoint);
        let endpoint = ue_allocator.allocate(instance, family, now, is_given);
        endpoint.ok_or(Exhausted::UeAddresses)
    }

    /// Hands out a UE address that was handed out before our restart; false if somebody has it by now, or it is of no pool.
    pub fn allocate_address_again(&mut self, endpoint: UeEndpoint) -> bool {
        !self.addresses.contains_key(&key_of(endpoint))
            && self.ue_allocator.allocate_again(endpoint)
    }

    /// Takes [`Self::allocate_address`] back for a request that came to nothing.
    pub fn cancel_address(&mut self, endpoint: UeEndpoint) {
        self.ue_allocator.cancel(endpoint);
    }

    /// A framed route of `wanted` that overlaps one which another session has.
    #[must_use]
    pub fn overlapping_route(
        &self,
        current: &Seating,
        wanted: &[FramedRoute],
    ) -> Option<FramedRoute> {
        let taken = |route: &&FramedRoute| {
            let mut others = self.framed.overlapping(**route);
            others.any(|slot| !current.has_slot(slot))
        };
        wanted.iter().find(taken).copied()
    }

    /// Where the copies go that are filed under an ID ([`upf_common::abi::Rules::duplicate`]).
    #[must_use]
    pub fn duplicate(&self, id: u32) -> Option<&DuplicateSet> {
        self.duplicates.get(id)
    }

    /// The ID of places where copies go that some session has.
    #[must_use]
    pub fn duplicate_id(&self, set: &[Duplicate]) -> Option<u32> {
        self.duplicates.id_of(set)
    }

    /// The record of a limit that some session has.
    #[must_use]
    pub fn limit_index(&self, key: &LimitKey) -> Option<LimitIndex> {
        self.limits.get(key).map(|limit| limit.index)
    }

    /// What is in force in one direction of a limit that some session has.
    #[must_use]
    pub fn limit_setting(&self, key: &LimitKey, direction: Direction) -> Option<LimitSetting> {
        let in_force = self.limits.get(key)?.in_force.of(direction).as_ref()?;
        Some(in_force.setting)
    }

    /// Records of limits in use.
    #[must_use]
    pub fn used_limits(&self) -> u32 {
        self.limits.used()
    }

    /// Records of URRs in use.
    #[must_use]
    pub fn used_usages(&self) -> u32 {
        self.usages.used()
    }

    /// All limits that have names: users, record, and what is in force in both directions.
    #[cfg(test)]
    pub(crate) fn limits(
        &self,
    ) -> impl Iterator<Item = (&LimitKey, u32, LimitIndex, [Option<LimitSetting>; 2])> {
        let all = self.limits.iter();
        all.map(|(key, limit)| {
            let setting = |direction| {
                let in_force = limit.in_force.of(direction).as_ref()?;
                Some(in_force.setting)
            };
            let settings = [Direction::Uplink, Direction::Downlink].map(setting);
            (key, limit.users, limit.index, settings)
        })
    }

    /// How many sessions have copies sent to each set of places.
    #[cfg(test)]
    pub(crate) fn duplicates(&self) -> std::collections::BTreeMap<Vec<Duplicate>, u32> {
        self.duplicates.users()
    }

    /// UE addresses that are handed out, with the SEIDs of their sessions.
    #[cfg(test)]
    pub(crate) fn allocated(&self) -> &HashMap<UeEndpoint, u64> {
        self.ue_allocator.allocated()
    }

    /// Whether it is an address that may be handed out.
    #[cfg(test)]
    pub(crate) fn is_of_pool(&self, endpoint: UeEndpoint) -> bool {
        self.ue_allocator.is_of_pool(endpoint)
    }

    /// How many sessions send from each UE address of our pools that they are not reached by.
    #[cfg(test)]
    pub(crate) fn named(&self) -> &HashMap<UeEndpoint, u32> {
        self.named.users()
    }

    /// The books without what differs after a change that was taken back: last TEIDs and quarantines.
    #[cfg(test)]
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            slots: self.slots.clone(),
            addresses: self.addresses.clone(),
            block_users: self.block_users.clone(),
            allocated: self.ue_allocator.allocated().clone(),
            named: self.named.clone(),
            framed: self.framed.clone(),
            teids: self.teids.clone(),
            holders: self.holders.clone(),
            peers: self.peers.users(),
            lists: self.lists.used(),
            limits: self.limits.clone(),
            duplicates: self.duplicates.users(),
            usages: [self.usages.used(), self.usage_sets.used()],
        }
    }

    /// How many UE addresses of a block are in use.
    pub(super) fn users_of(&self, block: u32) -> u32 {
        self.block_users.get(&block).copied().unwrap_or_default()
    }

    pub(super) fn block_of(&self, endpoint: UeEndpoint) -> Option<u32> {
        let (block, _) = self.pools.block_of(endpoint.instance, endpoint.address)?;
        Some(block)
    }

    pub(super) fn forget_address(&mut self, endpoint: UeEndpoint) {
        self.addresses.remove(&key_of(endpoint));
        let Some(block) = self.block_of(endpoint) else {
            return;
        };
        if let Some(users) = self.block_users.get_mut(&block) {
            *users -= 1;
            if *users == 0 {
                self.block_users.remove(&block);
            }
        }
    }
}

pub(super) fn key_of(endpoint: UeEndpoint) -> UeKey {
    ue_key(endpoint.instance, endpoint.address)
}
