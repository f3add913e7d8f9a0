//! Giving back in the books what a session has no more.

use std::collections::BTreeSet;
use std::time::Instant;

use super::moving::leave;
use super::seating::{Seat, Seating};
use super::table::SlotTable;
use super::transaction::{Changed, ReleasedSlot};
use super::usages::{LeftUsage, UsageSeat};
use super::write::Write;
use crate::datapath::{Account, Datapath, Direction, SlotCounters, SlotIndex, UsageLimits};

impl SlotTable {
    /// Gives back in the books what the session has no more.
    pub(super) fn finish(
        &mut self,
        tables: &mut impl Datapath,
        seid: u64,
        current: &Seating,
        next: Seating,
        left: Vec<LeftUsage>,
        now: Instant,
    ) -> Changed {
        for tunnel in current.tunnels() {
            if next.tunnel(tunnel.key).is_none() {
                self.teids.remove(&tunnel.teid);
            }
        }
        self.give_back_addresses(current, &next, now);
        for list in current.lists() {
            if !next.lists().any(|kept| kept == list) {
                self.lists.release(list, now);
            }
        }
        // What it keeps was taken once more before the change.
        for peer in &current.peers {
            self.peers.release(*peer, now);
        }
        for set in current.duplicates() {
            self.duplicates.release(set);
        }
        self.give_back_limits(tables, seid, current, &next);
        let left = self.give_back_usages(tables, current, &next, left, now);
        // Else they have gone from the books already, see prepare().
        if next.framed_routes().is_empty() {
            for (route, _) in current.framed_routes() {
                self.framed.remove(*route);
            }
        }
        let gone = current.seats.iter();
        let gone = gone.filter(|seat| !next.has_slot(seat.slot));
        let released = gone.map(|seat| self.release(tables, *seat)).collect();
        Changed {
            seating: next,
            released,
            left,
        }
    }

    /// What URRs have counted where they are not counted any more, with what is known of that already. A slot that the session
    /// keeps has no bounds then.
    fn give_back_usages(
        &mut self,
        tables: &mut impl Datapath,
        current: &Seating,
        next: &Seating,
        mut left: Vec<LeftUsage>,
        now: Instant,
    ) -> Vec<LeftUsage> {
        for set in current.usage_sets() {
            let mut kept = next.usage_sets().iter();
            if !kept.any(|kept| kept.index == set.index) {
                self.usage_sets.release(set.index, now);
            }
        }
        let is_gone = |seat: &&UsageSeat| {
            !next.usages().contains(*seat) && left.iter().all(|left| left.seat != **seat)
        };
        let gone: Vec<_> = current.usages().iter().filter(is_gone).copied().collect();
        left.extend(leave(tables, &gone));
        for LeftUsage { seat, .. } in &left {
            match seat.account {
                Account::Record(index) => {
                    self.hold_usage(seat, 0);
                    self.usages.release(index.0, now);
                }
                Account::Slot(slot) => {
                    let mut kept = next.usages().iter();
                    let is_taken = kept.any(|kept| kept.account == seat.account);
                    if !is_taken && next.has_slot(slot) {
                        let write = Write::UsageLimits {
                            account: seat.account,
                            new: UsageLimits::default(),
                            old: UsageLimits::default(),
                        };
                        self.write_or_owe(tables, write);
                    }
                }
            }
        }
        left
    }

    fn give_back_limits(
        &mut self,
        tables: &mut impl Datapath,
        seid: u64,
        current: &Seating,
        next: &Seating,
    ) {
        self.move_session(seid, current.sim, next.sim);
        let keys = current.limits().iter();
        let free = keys.filter_map(|key| self.limits.leave(key));
        let mut writes: Vec<_> = free.map(Write::ResetLimit).collect();
        if let Some(imsi) = current.sim {
            writes.extend(self.leave_sim(imsi));
        }
        for write in writes {
            self.write_or_owe(tables, write);
        }
    }

    /// UE addresses that nobody has any more rest.
    fn give_back_addresses(&mut self, current: &Seating, next: &Seating, now: Instant) {
        let mut gone: BTreeSet<_> = leaving(current, next)
            .map(|(endpoint, _)| endpoint)
            .collect();
        for endpoint in &gone {
            self.forget_address(*endpoint);
            if let Some(block) = self.block_of(*endpoint)
                && self.users_of(block) == 0
            {
                self.slots.unbind(block);
            }
        }
        for endpoint in current.allocated() {
            if !next.allocated().contains(endpoint) {
                self.ue_allocator.forget(*endpoint);
                gone.insert(*endpoint);
            }
        }
        // What it still names was counted once more before the change.
        for endpoint in current.named() {
            if self.named.remove(*endpoint) {
                gone.insert(*endpoint);
            }
        }
        for endpoint in gone {
            if !self.has_address(endpoint) {
                self.ue_allocator.rest(endpoint, now);
            }
        }
    }

    /// The slot is the session's from now on; 0 is none.
    pub(super) fn hold(&mut self, slot: SlotIndex, seid: u64) {
        if let Some(holder) = self.holders.get_mut(slot.0 as usize) {
            *holder = seid;
        }
    }

    /// The record of a URR is the session's from now on; 0 is none.
    pub(super) fn hold_usage(&mut self, seat: &UsageSeat, seid: u64) {
        let record = seat.record();
        let holder = record.and_then(|index| self.usage_holders.get_mut(index.0 as usize));
        if let Some(holder) = holder {
            *holder = seid;
        }
    }

    fn release(&mut self, tables: &mut impl Datapath, seat: Seat) -> ReleasedSlot {
        let released = ReleasedSlot {
            seat,
            uplink: counters(tables, seat.slot, Direction::Uplink),
            downlink: counters(tables, seat.slot, Direction::Downlink),
        };
        self.write_or_owe(tables, Write::Reset(seat.slot));
        self.slots.release(seat.slot);
        self.hold(seat.slot, 0);
        released
    }
}

/// Until all is counted by what was in force before. What is not waited for any more may be in no report.
pub(super) fn wait_for_packets(tables: &impl Datapath) {
    if let Err(error) = tables.wait_for_packets() {
        tracing::error!(%error, "packets under way cannot be waited for; they may not be reported");
    }
}

/// What a half of a slot has counted; nothing if it cannot be read.
fn counters(tables: &impl Datapath, slot: SlotIndex, direction: Direction) -> SlotCounters {
    tables.counters(slot, direction).unwrap_or_else(|error| {
        tracing::error!(%error, slot = slot.0, "the counters of a slot cannot be read");
        SlotCounters::default()
    })
}

/// The addresses that `next` does not have any more, with their slots.
pub(super) fn leaving<'a>(
    current: &'a Seating,
    next: &'a Seating,
) -> impl Iterator<Item = (super::UeEndpoint, SlotIndex)> + 'a {
    let taken = current.seats.iter();
    taken
        .filter_map(|seat| Some((seat.address?.endpoint, seat.slot)))
        .filter(|(endpoint, _)| !next.addresses().any(|kept| kept == *endpoint))
}
