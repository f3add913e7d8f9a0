//! Who has which slot, TEID, UE address, peer and rule list.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use rand::Rng;
use upf_common::abi::{BLOCK_SLOTS, UeKey};

use super::allocator::SlotAllocator;
use super::lists::Lists;
use super::peers::{PeerKey, Peers};
use super::pools::{PoolLayout, ue_key};
use super::seating::{
    Address, MeterKey, Seat, Seating, Tunnel, TunnelKey, UeEndpoint, Wanted, WantedTunnel,
};
use super::write::Write;
use crate::datapath::{Datapath, SlotIndex};

/// Tags that are tried for a new TEID before giving up. Only TEIDs that control planes gave can be in the way.
const TAG_ATTEMPTS: u32 = 256;

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
    /// Rule lists.
    #[error("all rule lists are in use")]
    Lists,
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
    pub(super) teids: HashMap<u32, SlotIndex>,
    /// The last TEID of each slot, so that the next one differs.
    last_teids: Vec<u32>,
    pub(super) peers: Peers,
    pub(super) lists: Lists,
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
    teids: HashMap<u32, SlotIndex>,
    peers: std::collections::BTreeMap<PeerKey, u32>,
    lists: usize,
}

/// Seats for a session that are taken in the books but not in the tables. It has to go either to
/// [`SlotTable::commit`] or to [`SlotTable::cancel`].
#[derive(Debug)]
pub struct Prepared {
    /// What the session has then.
    pub seating: Seating,
    /// Slots that were free before.
    pub(super) fresh: Vec<SlotIndex>,
    /// Writes that come before the rules.
    pub(super) before: Vec<Write>,
    /// Writes that come after the rules.
    pub(super) after: Vec<Write>,
    /// How to take the entries in the books back, last one first.
    pub(super) undo: Vec<Undo>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Undo {
    Release(SlotIndex),
    Unbind(u32),
    Rebind(u32, SlotIndex),
    ForgetAddress(UeEndpoint),
    ForgetTeid(u32),
    ReleasePeer(PeerKey),
    ReleaseList(u32),
}

impl SlotTable {
    /// Empty books for tables of these sizes.
    #[must_use]
    pub fn new(tables: &impl Datapath, pools: PoolLayout) -> Self {
        let capacity = tables.capacity();
        Self {
            slots: SlotAllocator::new(capacity),
            pools,
            index_bits: index_bits(capacity),
            addresses: HashMap::new(),
            block_users: HashMap::new(),
            teids: HashMap::new(),
            last_teids: vec![0; capacity as usize],
            peers: Peers::new(tables.peers()),
            lists: Lists::new(tables.lists()),
            repairs: VecDeque::new(),
        }
    }

    /// Slots in use.
    #[must_use]
    pub fn used_slots(&self) -> u32 {
        self.slots.used()
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

    /// Whether somebody has this UE address.
    #[must_use]
    pub fn has_address(&self, endpoint: UeEndpoint) -> bool {
        self.addresses.contains_key(&key_of(endpoint))
    }

    /// Takes what a session lacks of what it wants; `current` is what it has. TEIDs and UE addresses that it
    /// wants and does not have must be nobody's.
    ///
    /// # Errors
    /// When there is not enough of something; nothing is taken then.
    pub fn prepare(
        &mut self,
        current: &Seating,
        wanted: &Wanted,
        now: Instant,
        random: &mut impl Rng,
    ) -> Result<Prepared, Exhausted> {
        let mut prepared = Prepared {
            seating: current.clone(),
            fresh: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            undo: Vec::new(),
        };
        prepared.seating.leave_unwanted(wanted);
        match self.take(&mut prepared, wanted, now, random) {
            Ok(()) => Ok(prepared),
            Err(exhausted) => {
                self.cancel(prepared, now);
                Err(exhausted)
            }
        }
    }

    /// Gives back what [`Self::prepare`] took.
    pub fn cancel(&mut self, prepared: Prepared, now: Instant) {
        for undo in prepared.undo.into_iter().rev() {
            match undo {
                Undo::Release(slot) => self.slots.release(slot),
                Undo::Unbind(block) => self.slots.unbind(block),
                Undo::Rebind(block, first) => self.slots.rebind(block, first),
                Undo::ForgetAddress(endpoint) => self.forget_address(endpoint),
                Undo::ForgetTeid(teid) => {
                    self.teids.remove(&teid);
                }
                Undo::ReleasePeer(key) => self.peers.release(&key, now),
                Undo::ReleaseList(list) => self.lists.release(list, now),
            }
        }
    }

    fn take(
        &mut self,
        prepared: &mut Prepared,
        wanted: &Wanted,
        now: Instant,
        random: &mut impl Rng,
    ) -> Result<(), Exhausted> {
        for key in &wanted.peers {
            let (index, write) = self.peers.acquire(*key, now).ok_or(Exhausted::Peers)?;
            prepared.undo.push(Undo::ReleasePeer(*key));
            if write {
                prepared.before.push(Write::Peer(index, key.record()));
            }
        }
        prepared.seating.peers.clone_from(&wanted.peers);
        // Addresses first: they decide the slot, the others follow.
        for endpoint in &wanted.addresses {
            if !prepared.seating.addresses().any(|taken| taken == *endpoint) {
                self.take_address(prepared, *endpoint)?;
            }
        }
        for tunnel in &wanted.tunnels {
            if prepared.seating.tunnel(tunnel.key).is_none() {
                self.take_tunnel(prepared, tunnel, random)?;
            }
        }
        for key in &wanted.meters {
            if prepared.seating.meter_slot(*key).is_none() {
                self.take_meter(prepared, *key)?;
            }
        }
        prepared.seating.drop_empty_seats();
        Ok(())
    }

    fn take_address(
        &mut self,
        prepared: &mut Prepared,
        endpoint: UeEndpoint,
    ) -> Result<(), Exhausted> {
        let place = self.pools.block_of(endpoint.instance, endpoint.address);
        let by_block = place.and_then(|(block, place)| self.take_place(prepared, block, place));
        let slot = match by_block {
            Some(slot) => slot,
            None => {
                let slot = self.take_seat(prepared, |seat| seat.address.is_none())?;
                prepared.after.push(Write::InsertUe(key_of(endpoint), slot));
                slot
            }
        };
        self.addresses.insert(key_of(endpoint), slot);
        if let Some((block, _)) = place {
            *self.block_users.entry(block).or_default() += 1;
        }
        prepared.undo.push(Undo::ForgetAddress(endpoint));
        if let Some(seat) = prepared.seating.seat_mut(slot) {
            seat.address = Some(Address {
                endpoint,
                list: None,
            });
        }
        Ok(())
    }

    /// The slot at a place of a block; the block gets a chunk if it has none yet. `None` if the address has
    /// to go through `UE_ADDRESSES`.
    fn take_place(&mut self, prepared: &mut Prepared, block: u32, place: u32) -> Option<SlotIndex> {
        let first = match self.slots.first_of(block) {
            Some(first) => first,
            None if self.users_of(block) > 0 => return None,
            None => {
                let first = self.slots.bind(block)?;
                prepared.undo.push(Undo::Unbind(block));
                prepared.before.push(Write::Block {
                    block,
                    new: Some(first),
                    old: None,
                });
                first
            }
        };
        let slot = SlotIndex(first.0 + place);
        match prepared.seating.seat_mut(slot) {
            Some(seat) if seat.address.is_none() => return Some(slot),
            Some(_) => {}
            None if self.slots.claim_at(slot) => {
                prepared.take(slot);
                return Some(slot);
            }
            None => {}
        }
        // A session that once had this address still has something else there.
        self.dissolve(prepared, block);
        None
    }

    fn take_tunnel(
        &mut self,
        prepared: &mut Prepared,
        wanted: &WantedTunnel,
        random: &mut impl Rng,
    ) -> Result<(), Exhausted> {
        // The counters of a half are of one direction of traffic as long as the session has the slot.
        let fits = |seat: &Seat| {
            let traffic = seat.tunnel_traffic.unwrap_or(wanted.traffic);
            seat.tunnel.is_none() && traffic == wanted.traffic
        };
        let slot = self.take_seat(prepared, fits)?;
        let teid = match wanted.key {
            TunnelKey::Given(teid) => {
                prepared.after.push(Write::InsertTeid(teid, slot));
                teid
            }
            TunnelKey::Shared(_) | TunnelKey::Own(_) => self.choose_teid(slot, random)?,
        };
        self.teids.insert(teid, slot);
        prepared.undo.push(Undo::ForgetTeid(teid));
        if let Some(seat) = prepared.seating.seat_mut(slot) {
            seat.tunnel_traffic = Some(wanted.traffic);
            seat.tunnel = Some(Tunnel {
                key: wanted.key,
                teid,
                address: wanted.address,
                list: None,
            });
        }
        Ok(())
    }

    fn take_meter(&mut self, prepared: &mut Prepared, key: MeterKey) -> Result<(), Exhausted> {
        let slot = self.take_seat(prepared, |seat| seat.meter.is_none())?;
        if let Some(seat) = prepared.seating.seat_mut(slot) {
            seat.meter = Some(key);
        }
        Ok(())
    }

    /// The session's first slot that fits, or else one more.
    fn take_seat(
        &mut self,
        prepared: &mut Prepared,
        fits: impl Fn(&Seat) -> bool,
    ) -> Result<SlotIndex, Exhausted> {
        if let Some(seat) = prepared.seating.seats.iter().find(|seat| fits(seat)) {
            return Ok(seat.slot);
        }
        let slot = match self.slots.claim() {
            Some(slot) => slot,
            None => {
                let block = self.slots.sparsest_block().ok_or(Exhausted::Slots)?;
                self.dissolve(prepared, block);
                self.slots.claim().ok_or(Exhausted::Slots)?
            }
        };
        prepared.take(slot);
        Ok(slot)
    }

    /// Takes a block's chunk away: its users get entries of their own before the block leads nowhere.
    fn dissolve(&mut self, prepared: &mut Prepared, block: u32) {
        let Some(first) = self.slots.first_of(block) else {
            return;
        };
        for place in 0..BLOCK_SLOTS {
            let address = self.pools.address_at(block, place);
            let key = address.map(|(instance, address)| ue_key(instance, address));
            if let Some((key, slot)) = key.and_then(|key| Some((key, *self.addresses.get(&key)?))) {
                prepared.before.push(Write::InsertUe(key, slot));
            }
        }
        prepared.before.push(Write::Block {
            block,
            new: None,
            old: Some(first),
        });
        self.slots.unbind(block);
        prepared.undo.push(Undo::Rebind(block, first));
    }

    fn choose_teid(&mut self, slot: SlotIndex, random: &mut impl Rng) -> Result<u32, Exhausted> {
        // Tag 0 is left out, so that no TEID is 0.
        let tags = u32::MAX >> self.index_bits;
        let last = self.last_teids.get_mut(slot.0 as usize);
        let last = last.ok_or(Exhausted::Slots)?;
        let start = random.random_range(0..tags);
        let teid = (0..TAG_ATTEMPTS)
            .map(|n| {
                let tag = 1 + ((u64::from(start) + u64::from(n)) % u64::from(tags)) as u32;
                (tag << self.index_bits) | slot.0
            })
            .find(|teid| teid != last && !self.teids.contains_key(teid));
        *last = teid.ok_or(Exhausted::Teids)?;
        Ok(*last)
    }

    /// The books without what differs after a change that was taken back: last TEIDs and quarantines.
    #[cfg(test)]
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            slots: self.slots.clone(),
            addresses: self.addresses.clone(),
            block_users: self.block_users.clone(),
            teids: self.teids.clone(),
            peers: self.peers.users(),
            lists: self.lists.used(),
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

impl Prepared {
    fn take(&mut self, slot: SlotIndex) {
        self.undo.push(Undo::Release(slot));
        self.fresh.push(slot);
        self.before.push(Write::Reset(slot));
        self.seating.seats.push(Seat::new(slot));
    }
}

pub(super) fn key_of(endpoint: UeEndpoint) -> UeKey {
    ue_key(endpoint.instance, endpoint.address)
}
