//! Taking what a session wants, in the books.

use std::time::Instant;

use rand::Rng;
use upf_common::abi::{BLOCK_SLOTS, UsageSet};

use super::duplicates::DuplicateSet;
use super::framed::FramedRoute;
use super::limits::{InForce, LimitKey};
use super::pools::ue_key;
use super::seating::{
    Address, Extras, MeterKey, Seat, Seating, Tunnel, TunnelKey, UeEndpoint, Wanted, WantedTunnel,
};
use super::table::{Exhausted, SlotTable, key_of};
use super::usages::{SetSeat, UsageSeat, WantedUsage, records_of};
use super::write::Write;
use crate::bandwidth::Imsi;
use crate::datapath::{Account, Credit, Direction, SlotIndex, UsageIndex, UsageLimits};

/// Tags that are tried for a new TEID before giving up. Only TEIDs that control planes gave can be in the way.
const TAG_ATTEMPTS: u32 = 256;

/// Seats for a session that are taken in the books but not in the tables. It has to go either to
/// [`SlotTable::commit`] or to [`SlotTable::cancel`].
#[derive(Debug)]
pub struct Prepared {
    /// What the session has then.
    pub seating: Seating,
    /// The session's SEID.
    pub(super) seid: u64,
    /// What buckets begin with: full ones are for a session that is new.
    pub(super) credit: Credit,
    /// Slots that were free before.
    pub(super) fresh: Vec<SlotIndex>,
    /// Writes that come before the rules.
    pub(super) before: Vec<Write>,
    /// Writes that come after the rules.
    pub(super) after: Vec<Write>,
    /// How to take the entries in the books back, last one first.
    pub(super) undo: Vec<Undo>,
}

#[derive(Clone, Debug)]
pub(super) enum Undo {
    Release(SlotIndex),
    Unbind(u32),
    Rebind(u32, SlotIndex),
    ForgetAddress(UeEndpoint),
    ForgetTeid(u32),
    ForgetRoute(FramedRoute),
    RestoreRoute(FramedRoute, SlotIndex),
    ReleasePeer(u32),
    ReleaseList(u32),
    LeaveLimit(LimitKey),
    RestoreLimit(LimitKey, Direction, Option<InForce>),
    LeaveSim(Imsi),
    ReleaseDuplicate(DuplicateSet),
    ReleaseUsage(u32),
    ReleaseUsageSet(u32),
    Unname(UeEndpoint),
}

impl SlotTable {
    /// Takes what the session `seid` lacks of what it wants; `current` is what it has, `former` what it had before our
    /// restart. TEIDs and UE addresses that it wants and does not have must be nobody's.
    ///
    /// # Errors
    /// When there is not enough of something; nothing is taken then.
    pub fn prepare(
        &mut self,
        seid: u64,
        current: &Seating,
        former: &[Seat],
        wanted: &Wanted,
        now: Instant,
        random: &mut impl Rng,
    ) -> Result<Prepared, Exhausted> {
        let mut prepared = Prepared {
            seating: current.clone(),
            seid,
            credit: if current.seats.is_empty() && former.is_empty() {
                Credit::Full
            } else {
                Credit::Kept
            },
            fresh: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            undo: Vec::new(),
        };
        prepared.seating.leave_unwanted(wanted);
        self.take_back(&mut prepared, wanted, former);
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
                Undo::ForgetRoute(route) => self.framed.remove(route),
                Undo::RestoreRoute(route, slot) => self.framed.insert(route, slot),
                Undo::ReleasePeer(index) => self.peers.release(index, now),
                Undo::ReleaseList(first) => self.lists.release(first, now),
                Undo::LeaveLimit(key) => {
                    self.limits.leave(&key);
                }
                Undo::RestoreLimit(key, direction, in_force) => {
                    self.limits.set(&key, direction, in_force);
                }
                Undo::LeaveSim(imsi) => {
                    self.leave_sim(imsi);
                }
                Undo::ReleaseDuplicate(set) => self.duplicates.release(&set),
                Undo::ReleaseUsage(index) => self.usages.cancel(index),
                Undo::ReleaseUsageSet(index) => self.usage_sets.cancel(index),
                Undo::Unname(endpoint) => {
                    self.named.remove(endpoint);
                }
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
        prepared.seating.peers.clear();
        for key in &wanted.peers {
            let (index, write) = self.peers.acquire(*key, now).ok_or(Exhausted::Peers)?;
            prepared.undo.push(Undo::ReleasePeer(index));
            prepared.seating.peers.push(index);
            if write {
                prepared.before.push(Write::Peer(index, key.record()));
            }
        }
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
        prepared.seating.sim = None;
        if let Some(sim) = &wanted.sim {
            self.join_sim(prepared, sim)?;
            prepared.seating.sim = Some(sim.imsi);
        }
        prepared.seating.usages = self.take_usages(prepared, &wanted.usages, now)?;
        self.take_extras(prepared, wanted, now)
    }

    /// Finds a place for each URR: the one that it has, a slot, or a record.
    fn take_usages(
        &mut self,
        prepared: &mut Prepared,
        wanted: &[WantedUsage],
        now: Instant,
    ) -> Result<Box<[UsageSeat]>, Exhausted> {
        let had = std::mem::take(&mut prepared.seating.usages);
        let slots = wanted.iter().map(|want| want.slot(&prepared.seating));
        let slots: Vec<_> = slots.collect();
        let is_kept = |seat: &UsageSeat| had.contains(seat);
        // What a slot has counted before is not the URR's, so only one that begins comes to a slot.
        let begins = |urr: u32| !had.iter().any(|had| had.urr == urr);
        let mut taken: Vec<Account> = Vec::new();
        taken.extend(
            slots
                .iter()
                .flatten()
                .filter(|seat| is_kept(seat))
                .map(|seat| seat.account),
        );
        let mut seats = Vec::with_capacity(wanted.len());
        for (want, slot) in wanted.iter().zip(slots) {
            let record = had
                .iter()
                .find(|had| had.urr == want.urr && had.record().is_some());
            let free = slot
                .filter(|seat| is_kept(seat) || begins(seat.urr) && !taken.contains(&seat.account));
            seats.push(match (record, free) {
                (Some(record), _) => *record,
                (None, Some(slot)) => {
                    taken.push(slot.account);
                    slot
                }
                (None, None) => self.take_usage(prepared, want.urr, now)?,
            });
        }
        Ok(seats.into_boxed_slice())
    }

    fn take_usage(
        &mut self,
        prepared: &mut Prepared,
        urr: u32,
        now: Instant,
    ) -> Result<UsageSeat, Exhausted> {
        let index = self.usages.claim(now).ok_or(Exhausted::Usages)?;
        prepared.undo.push(Undo::ReleaseUsage(index));
        prepared.before.push(Write::ResetUsage(UsageIndex(index)));
        Ok(UsageSeat::of_record(urr, UsageIndex(index)))
    }

    /// The sets that rules name. Those that it has and that come to the same records are kept.
    fn take_usage_sets(
        &mut self,
        prepared: &mut Prepared,
        wanted: &[Box<[u32]>],
        had: &[SetSeat],
        now: Instant,
    ) -> Result<Vec<SetSeat>, Exhausted> {
        let mut sets: Vec<SetSeat> = Vec::new();
        for urrs in wanted {
            let urrs = prepared.seating.with_records(urrs);
            if urrs.is_empty() || sets.iter().any(|set| set.urrs == urrs) {
                continue;
            }
            // A URR keeps its record as long as it has one.
            let kept = had
                .iter()
                .find(|set| set.urrs == urrs && set.is_of(&prepared.seating));
            if let Some(kept) = kept {
                sets.push(kept.clone());
                continue;
            }
            let records = records_of(&urrs, &prepared.seating.usages);
            let index = self.usage_sets.claim(now).ok_or(Exhausted::Usages)?;
            prepared.undo.push(Undo::ReleaseUsageSet(index));
            let set = Box::new(UsageSet { records });
            prepared.before.push(Write::UsageSet(index, set));
            sets.push(SetSeat {
                urrs,
                records,
                index,
            });
        }
        Ok(sets)
    }

    /// What only few sessions want.
    fn take_extras(
        &mut self,
        prepared: &mut Prepared,
        wanted: &Wanted,
        now: Instant,
    ) -> Result<(), Exhausted> {
        for set in &wanted.duplicates {
            if !self.duplicates.acquire(set) {
                return Err(Exhausted::Duplicates);
            }
            prepared.undo.push(Undo::ReleaseDuplicate(set.clone()));
        }
        for key in &wanted.limits {
            self.join_limit(prepared, key)?;
        }
        let named = wanted.named.iter().copied();
        let named: Vec<_> = named
            .filter(|endpoint| self.ue_allocator.is_of_pool(*endpoint))
            .collect();
        for endpoint in &named {
            self.named.add(*endpoint);
            prepared.undo.push(Undo::Unname(*endpoint));
        }
        let framed_routes = self.take_routes(prepared, &wanted.framed_routes);
        let had = prepared.seating.usage_sets().to_vec();
        let usage_sets = self.take_usage_sets(prepared, &wanted.usage_sets, &had, now)?;
        prepared.seating.set_extras(Extras {
            allocated: wanted.allocated.clone(),
            named,
            framed_routes,
            limits: wanted.limits.clone(),
            duplicates: wanted.duplicates.clone(),
            usage_sets,
        });
        Ok(())
    }

    fn join_limit(&mut self, prepared: &mut Prepared, key: &LimitKey) -> Result<(), Exhausted> {
        if !self.limits.join(key) {
            let index = self.limits.claim().ok_or(Exhausted::Limits)?;
            self.limits.found(key.clone(), index);
            prepared.before.push(Write::ResetLimit(index));
        }
        prepared.undo.push(Undo::LeaveLimit(key.clone()));
        Ok(())
    }

    /// Leads the framed routes to the session's slots; those that it had go from the books first, so that a wider
    /// one can take the place of a narrower one.
    fn take_routes(
        &mut self,
        prepared: &mut Prepared,
        wanted: &[FramedRoute],
    ) -> Vec<(FramedRoute, SlotIndex)> {
        let slot_of = |route: &FramedRoute| prepared.seating.framed_slot(route.instance);
        let next = wanted
            .iter()
            .filter_map(|route| Some((*route, slot_of(route)?)));
        let next: Vec<_> = next.collect();
        let had = prepared.seating.framed_routes().to_vec();
        for (route, slot) in had.iter().filter(|route| !next.contains(route)) {
            self.framed.remove(*route);
            prepared.undo.push(Undo::RestoreRoute(*route, *slot));
        }
        for (route, slot) in next.iter().filter(|route| !had.contains(route)) {
            self.framed.insert(*route, *slot);
            prepared.undo.push(Undo::ForgetRoute(*route));
            let moved = had.iter().find(|(other, _)| other == route);
            prepared.after.push(Write::InsertFramed {
                route: *route,
                new: *slot,
                old: moved.map(|(_, slot)| *slot),
            });
        }
        next
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
        self.seat_address(prepared, endpoint, slot);
        Ok(())
    }

    /// Puts a UE address into a slot of the session.
    pub(super) fn seat_address(
        &mut self,
        prepared: &mut Prepared,
        endpoint: UeEndpoint,
        slot: SlotIndex,
    ) {
        self.addresses.insert(key_of(endpoint), slot);
        if let Some(block) = self.block_of(endpoint) {
            *self.block_users.entry(block).or_default() += 1;
        }
        prepared.undo.push(Undo::ForgetAddress(endpoint));
        if let Some(seat) = prepared.seating.seat_mut(slot) {
            seat.address = Some(Address {
                endpoint,
                list: None,
            });
        }
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
                prepared.seating.seats.push(Seat::new(slot));
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
        self.seat_tunnel(prepared, wanted, teid, slot);
        Ok(())
    }

    /// Puts a local F-TEID into a slot of the session.
    pub(super) fn seat_tunnel(
        &mut self,
        prepared: &mut Prepared,
        wanted: &WantedTunnel,
        teid: u32,
        slot: SlotIndex,
    ) {
        self.teids.insert(teid, slot);
        prepared.undo.push(Undo::ForgetTeid(teid));
        if let Some(seat) = prepared.seating.seat_mut(slot) {
            seat.tunnel_traffic = Some(wanted.traffic);
            seat.tunnel = Some(Tunnel {
                key: wanted.key,
                teid,
                list: None,
            });
        }
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
        let slot = self.claim(prepared)?;
        prepared.seating.seats.push(Seat::new(slot));
        Ok(slot)
    }

    /// A slot that was free.
    fn claim(&mut self, prepared: &mut Prepared) -> Result<SlotIndex, Exhausted> {
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
}

impl Prepared {
    /// Says what URRs may do at places where the session has not had them counted before.
    pub fn bound(&mut self, current: &Seating, limits: impl Fn(&UsageSeat) -> UsageLimits) {
        let seats = self.seating.usages().iter();
        let fresh = seats.filter(|seat| !current.usages().contains(seat));
        let writes = fresh.map(|seat| Write::UsageLimits {
            account: seat.account,
            new: limits(seat),
            old: UsageLimits::default(),
        });
        self.before.extend(writes);
    }

    pub(super) fn take(&mut self, slot: SlotIndex) {
        self.undo.push(Undo::Release(slot));
        self.fresh.push(slot);
        self.before.push(Write::Reset(slot));
    }
}
