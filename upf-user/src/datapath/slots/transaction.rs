//! Changes of the tables, whole or not at all.
//!
//! Writes go in an order in which no packet is lost: what rules point to comes first, then the rules, then the
//! ways that lead to them; what is not needed any more goes last. When a write fails, those before it are
//! taken back in reverse. A write that fails even then is owed to the tables and done before any later change.

use std::time::Instant;

use upf_common::abi::Rules;

use super::seating::{Program, Seat, Seating};
use super::table::{Exhausted, Prepared, SlotTable, Undo, key_of};
use super::write::Write;
use crate::datapath::{Datapath, DatapathError, Direction, SlotCounters, SlotIndex};

/// Why a change did not happen. Tables and books are as before.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is not enough of something.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// A table could not be written.
    #[error(transparent)]
    Datapath(#[from] DatapathError),
}

/// A change that happened.
#[derive(Clone, Debug)]
pub struct Changed {
    /// What the session has now.
    pub seating: Seating,
    /// The slots that it has no more.
    pub released: Vec<ReleasedSlot>,
}

/// A slot that was given back, with what it had counted.
#[derive(Clone, Copy, Debug)]
pub struct ReleasedSlot {
    /// What it was used for.
    pub seat: Seat,
    /// Counters of the uplink half.
    pub uplink: SlotCounters,
    /// Counters of the downlink half.
    pub downlink: SlotCounters,
}

impl SlotTable {
    /// Does the writes that are owed.
    ///
    /// # Errors
    /// When the tables still cannot be written; no change may begin then.
    pub fn settle(&mut self, tables: &mut impl Datapath) -> Result<(), DatapathError> {
        while let Some(write) = self.repairs.front() {
            write.apply(tables)?;
            self.repairs.pop_front();
        }
        Ok(())
    }

    /// Puts a prepared change into force: `current` and `old` are what the session has, `new` is what the
    /// halves of `prepared.seating` are to do.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing is changed then.
    pub fn commit(
        &mut self,
        tables: &mut impl Datapath,
        (current, old): (&Seating, &[Program]),
        mut prepared: Prepared,
        mut new: Vec<Program>,
        now: Instant,
    ) -> Result<Changed, ChangeError> {
        let result = self
            .place_lists(&mut prepared, old, &mut new, now)
            .map_err(ChangeError::from)
            .and_then(|()| {
                let writes = self.sequence(current, old, &mut prepared, &new);
                self.run(tables, &writes).map_err(ChangeError::from)
            });
        match result {
            Ok(()) => Ok(self.finish(tables, current, prepared.seating, now)),
            Err(error) => {
                self.cancel(prepared, now);
                Err(error)
            }
        }
    }

    /// Takes all that a session has, whatever the tables say: what cannot be written now is owed.
    pub fn remove(
        &mut self,
        tables: &mut impl Datapath,
        (current, old): (&Seating, &[Program]),
        now: Instant,
    ) {
        for write in self.departures(current, old, &Seating::default(), &[]) {
            self.write_or_owe(tables, write);
        }
        self.finish(tables, current, Seating::default(), now);
    }

    /// Finds a place for the lists that are new, and writes them.
    fn place_lists(
        &mut self,
        prepared: &mut Prepared,
        old: &[Program],
        new: &mut [Program],
        now: Instant,
    ) -> Result<(), Exhausted> {
        for program in new {
            if find(old, program) == Some(program) {
                continue;
            }
            let index = match &program.list {
                Some(list) => {
                    let index = self.lists.claim(now).ok_or(Exhausted::Lists)?;
                    prepared.undo.push(Undo::ReleaseList(index));
                    prepared.before.push(Write::List(index, list.clone()));
                    Some(index)
                }
                None => None,
            };
            program.rules.list = index.unwrap_or_default();
            let seat = prepared.seating.seat_mut(program.slot);
            match (program.direction, seat) {
                (Direction::Uplink, Some(seat)) => {
                    if let Some(tunnel) = &mut seat.tunnel {
                        tunnel.list = index;
                    }
                }
                (Direction::Downlink, Some(seat)) => {
                    if let Some(address) = &mut seat.address {
                        address.list = index;
                    }
                }
                (_, None) => {}
            }
        }
        Ok(())
    }

    /// All writes in their order.
    fn sequence(
        &self,
        current: &Seating,
        old: &[Program],
        prepared: &mut Prepared,
        new: &[Program],
    ) -> Vec<Write> {
        let mut writes = std::mem::take(&mut prepared.before);
        for program in new {
            let before = find(old, program).map(|old| old.rules);
            if before != Some(program.rules) {
                writes.push(Write::Rules {
                    slot: program.slot,
                    direction: program.direction,
                    new: program.rules,
                    old: before.unwrap_or_default(),
                });
            }
        }
        writes.append(&mut prepared.after);
        writes.extend(self.departures(current, old, &prepared.seating, new));
        writes
    }

    /// The writes that end what a session has and will not have.
    fn departures(
        &self,
        current: &Seating,
        old: &[Program],
        next: &Seating,
        new: &[Program],
    ) -> Vec<Write> {
        let mut writes = Vec::new();
        for seat in &current.seats {
            if let Some(tunnel) = seat.tunnel
                && let super::TunnelKey::Given(teid) = tunnel.key
                && next.tunnel(tunnel.key).is_none()
            {
                writes.push(Write::RemoveTeid(teid, seat.slot));
            }
        }
        for (endpoint, slot) in leaving(current, next) {
            match self.block_of(endpoint) {
                Some(block) if self.slots.first_of(block).is_some() => {
                    let leaving = leaving(current, next);
                    let leaving = leaving.filter(|(other, _)| self.block_of(*other) == Some(block));
                    if self.users_of(block) as usize == leaving.count() {
                        writes.push(Write::Block {
                            block,
                            new: None,
                            old: self.slots.first_of(block),
                        });
                    }
                }
                _ => writes.push(Write::RemoveUe(key_of(endpoint), slot)),
            }
        }
        for program in old {
            if find(new, program).is_none() {
                writes.push(Write::Rules {
                    slot: program.slot,
                    direction: program.direction,
                    new: Rules::default(),
                    old: program.rules,
                });
            }
        }
        writes
    }

    fn run(&mut self, tables: &mut impl Datapath, writes: &[Write]) -> Result<(), DatapathError> {
        for (done, write) in writes.iter().enumerate() {
            if let Err(error) = write.apply(tables) {
                for write in writes[..done].iter().rev().filter_map(Write::inverse) {
                    self.write_or_owe(tables, write);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn write_or_owe(&mut self, tables: &mut impl Datapath, write: Write) {
        // Those that are owed already come first.
        let result = self.settle(tables).and_then(|()| write.apply(tables));
        if let Err(error) = result {
            tracing::error!(%error, "a table cannot be written; trying again with the next request");
            self.repairs.push_back(write);
        }
    }

    /// Gives back in the books what the session has no more.
    fn finish(
        &mut self,
        tables: &mut impl Datapath,
        current: &Seating,
        next: Seating,
        now: Instant,
    ) -> Changed {
        for tunnel in current.tunnels() {
            if next.tunnel(tunnel.key).is_none() {
                self.teids.remove(&tunnel.teid);
            }
        }
        for (endpoint, _) in leaving(current, &next) {
            self.forget_address(endpoint);
            if let Some(block) = self.block_of(endpoint)
                && self.users_of(block) == 0
            {
                self.slots.unbind(block);
            }
        }
        for list in current.lists() {
            if !next.lists().any(|kept| kept == list) {
                self.lists.release(list, now);
            }
        }
        for key in &current.peers {
            self.peers.release(key, now);
        }
        let gone = current.seats.iter();
        let gone = gone.filter(|seat| !next.has_slot(seat.slot));
        let released = gone.map(|seat| self.release(tables, *seat)).collect();
        Changed {
            seating: next,
            released,
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
        released
    }
}

/// What a half of a slot has counted; nothing if it cannot be read.
fn counters(tables: &impl Datapath, slot: SlotIndex, direction: Direction) -> SlotCounters {
    tables.counters(slot, direction).unwrap_or_else(|error| {
        tracing::error!(%error, slot = slot.0, "the counters of a slot cannot be read");
        SlotCounters::default()
    })
}

fn find<'a>(programs: &'a [Program], like: &Program) -> Option<&'a Program> {
    programs
        .iter()
        .find(|program| program.slot == like.slot && program.direction == like.direction)
}

/// The addresses that `next` does not have any more, with their slots.
fn leaving<'a>(
    current: &'a Seating,
    next: &'a Seating,
) -> impl Iterator<Item = (super::UeEndpoint, SlotIndex)> + 'a {
    let taken = current.seats.iter();
    taken
        .filter_map(|seat| Some((seat.address?.endpoint, seat.slot)))
        .filter(|(endpoint, _)| !next.addresses().any(|kept| kept == *endpoint))
}
