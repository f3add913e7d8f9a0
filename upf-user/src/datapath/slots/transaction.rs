//! Changes of the tables, whole or not at all.
//!
//! Writes go in an order in which no packet is lost: what rules point to comes first, then the rules, then the
//! ways that lead to them; what is not needed any more goes last. When a write fails, those before it are
//! taken back in reverse. A write that fails even then is owed to the tables and done before any later change.

use std::time::Instant;

use upf_common::abi::{LIST_PAGE_ENTRIES, NO_LIST, RuleList, RuleListEntry, Rules};

use super::give_back::{leaving, wait_for_packets};
use super::limits::InForce;
use super::moving::{leave, stops};
use super::peers::PeerKey;
use super::prepare::{Prepared, Undo};
use super::seating::{Image, Meter, Program, Seat, Seating};
use super::table::{Exhausted, SlotTable, key_of};
use super::usages::LeftUsage;
use super::write::{NO_RATE, Write};
use crate::datapath::{Credit, Datapath, DatapathError, LimitSetting, SlotCounters};

/// Writes that are owed and done at a time.
const MAX_REPAIRS: usize = 1024;

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

/// An End Marker (TS 29.281 clause 7.3.2): the last packet of a tunnel that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndMarker {
    /// The peer that it goes to.
    pub peer: PeerKey,
    /// The peer's TEID.
    pub teid: u32,
}

/// A change that happened.
#[derive(Clone, Debug)]
pub struct Changed {
    /// What the session has now.
    pub seating: Seating,
    /// The slots that it has no more.
    pub released: Vec<ReleasedSlot>,
    /// What URRs had counted at places where they are not counted any more.
    pub left: Vec<LeftUsage>,
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
    /// Does the writes that are owed, of very many only the first ones, and says whether all are done. No change may
    /// begin before.
    ///
    /// # Errors
    /// When the tables still cannot be written.
    pub fn settle(&mut self, tables: &mut impl Datapath) -> Result<bool, DatapathError> {
        for _ in 0..MAX_REPAIRS {
            let Some(write) = self.repairs.front() else {
                break;
            };
            write.apply(tables)?;
            self.repairs.pop_front();
        }
        Ok(self.repairs.is_empty())
    }

    /// Puts a prepared change into force: `current` and `old` are what the session has, `new` is what the
    /// slots of `prepared.seating` are to do. End markers go out right behind the rules that leave their tunnels.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing is changed then, only an end marker that was sent cannot be called back.
    pub fn commit(
        &mut self,
        tables: &mut impl Datapath,
        (current, old): (&Seating, &Image),
        mut prepared: Prepared,
        mut new: Image,
        end_markers: &[EndMarker],
        now: Instant,
    ) -> Result<Changed, ChangeError> {
        // Whoever had its slots before counts there no more when they are reset for its URRs.
        if !prepared.fresh.is_empty() && !prepared.seating.usages().is_empty() {
            wait_for_packets(tables);
        }
        let result = self
            .place_lists(&mut prepared, old, &mut new, now)
            .and_then(|()| self.sequence((current, old), &mut prepared, &new, end_markers))
            .map_err(ChangeError::from)
            .and_then(|writes| self.run(tables, &writes).map_err(ChangeError::from));
        match result {
            Ok(left) => {
                for seat in &prepared.seating.seats {
                    self.hold(seat.slot, prepared.seid);
                }
                for seat in prepared.seating.usages() {
                    self.hold_usage(seat, prepared.seid);
                }
                for endpoint in prepared.seating.allocated() {
                    self.ue_allocator.hold(*endpoint, prepared.seid);
                }
                let seating = prepared.seating;
                Ok(self.finish(tables, prepared.seid, current, seating, left, now))
            }
            Err(error) => {
                self.cancel(prepared, now);
                Err(error)
            }
        }
    }

    /// Takes all that the session `seid` has, whatever the tables say: what cannot be written now is owed. Tells what its URRs
    /// had counted.
    pub fn remove(
        &mut self,
        tables: &mut impl Datapath,
        seid: u64,
        (current, old): (&Seating, &Image),
        now: Instant,
    ) -> Vec<LeftUsage> {
        let nothing = (&Seating::default(), &Image::default());
        for write in self.departures((current, old), nothing) {
            self.write_or_owe(tables, write);
        }
        let next = Seating::default();
        let changed = self.finish(tables, seid, current, next, Vec::new(), now);
        changed.left
    }

    /// Finds a place for the lists that are new, and writes them.
    fn place_lists(
        &mut self,
        prepared: &mut Prepared,
        old: &Image,
        new: &mut Image,
        now: Instant,
    ) -> Result<(), Exhausted> {
        for program in &mut new.programs {
            if find(&old.programs, program) == Some(program) {
                continue;
            }
            let has_pages = !program.list.is_empty() || !program.beyond_quota.is_empty();
            let first = has_pages.then(|| self.place_pages(prepared, program, now));
            let first = first.transpose()?;
            program.rules.list = first.unwrap_or(NO_LIST);
            if let Some(seat) = prepared.seating.seat_mut(program.slot) {
                seat.set_list(program.direction, first);
            }
        }
        Ok(())
    }

    /// Writes a list, and behind it a page for each of the rules beyond a quota, into pages of their own, and says which is the
    /// first. Packets that walk the list do not come to those behind it.
    fn place_pages(
        &mut self,
        prepared: &mut Prepared,
        program: &Program,
        now: Instant,
    ) -> Result<u32, Exhausted> {
        let Program {
            list, beyond_quota, ..
        } = program;
        let listed = list.len().div_ceil(LIST_PAGE_ENTRIES);
        let count = (listed + beyond_quota.len()) as u32;
        let first = self.lists.claim(count, now).ok_or(Exhausted::Lists)?;
        prepared.undo.push(Undo::ReleaseList(first));
        let pages: Vec<_> = self.lists.pages(first).collect();
        let (listed, behind) = pages.split_at(listed);
        let following = listed.iter().skip(1).copied().chain([NO_LIST]);
        for ((entries, page), next) in list.chunks(LIST_PAGE_ENTRIES).zip(listed).zip(following) {
            let mut record = page_of(entries.iter().copied(), next);
            for entry in &mut record.entries[..entries.len()] {
                let place = behind.get(entry.rules.list as usize);
                entry.rules.list = place.copied().unwrap_or(NO_LIST);
            }
            prepared.before.push(Write::List(*page, record));
        }
        for (&rules, page) in beyond_quota.iter().zip(behind) {
            let entry = RuleListEntry {
                rules,
                ..RuleListEntry::default()
            };
            let record = page_of([entry], NO_LIST);
            prepared.before.push(Write::List(*page, record));
        }
        Ok(first)
    }

    /// All writes in their order.
    fn sequence(
        &mut self,
        (current, old): (&Seating, &Image),
        prepared: &mut Prepared,
        new: &Image,
        end_markers: &[EndMarker],
    ) -> Result<Vec<Write>, Exhausted> {
        let mut writes = std::mem::take(&mut prepared.before);
        for meter in &new.meters {
            let before = rate_of(&old.meters, meter).map_or(NO_RATE, |old| old.rate);
            if before != meter.rate {
                writes.push(Write::Meter {
                    slot: meter.slot,
                    direction: meter.direction,
                    new: meter.rate,
                    old: before,
                    credit: prepared.credit,
                });
            }
        }
        self.change_limits(&mut writes, (current, old), prepared, new)?;
        writes.extend(stops((current, old), (&prepared.seating, new)));
        for program in &new.programs {
            let before = find(&old.programs, program).map(|old| old.rules);
            if before != Some(program.rules) {
                writes.push(Write::Rules {
                    slot: program.slot,
                    direction: program.direction,
                    new: program.rules,
                    old: before.unwrap_or_default(),
                });
            }
        }
        let end_markers = end_markers.iter();
        writes.extend(end_markers.map(|end| Write::EndMarker(end.peer.record(), end.teid)));
        writes.append(&mut prepared.after);
        writes.extend(self.departures((current, old), (&prepared.seating, new)));
        Ok(writes)
    }

    /// What the session asks of a limit is in force for all its users. It only asks when it joins, and when its own
    /// demand changes: what another session has asked since stays. Where a limit is in the chain has to be the same for
    /// all of them.
    fn change_limits(
        &mut self,
        writes: &mut Vec<Write>,
        (current, old): (&Seating, &Image),
        prepared: &mut Prepared,
        new: &Image,
    ) -> Result<(), Exhausted> {
        for limit in &new.limits {
            let Some(named) = self.limits.get(&limit.key) else {
                continue;
            };
            let (index, before) = (named.index, named.in_force.of(limit.direction).clone());
            let own = 1 + u32::from(current.limits().contains(&limit.key));
            if let Some(before) = &before
                && named.users > own
                && before.next != limit.next
                && before
                    .next
                    .as_ref()
                    .is_none_or(|next| self.limits.get(next).is_some())
            {
                return Err(Exhausted::Chains);
            }
            let mut last = old.limits.iter();
            let last = last.find(|last| last.key == limit.key && last.direction == limit.direction);
            let asks_the_same = last.is_some_and(|last| last.setting == limit.setting);
            let kept = before.as_ref().filter(|_| asks_the_same);
            // A session that has not come under its SIM's limit yet leaves the way there that others have made.
            let made = || before.as_ref().and_then(|before| before.sim);
            let sim = prepared.seating.sim.or_else(made);
            let sim = sim.filter(|_| limit.next.is_none());
            let parent = match &limit.next {
                Some(next) => self.limit_index(next),
                None => sim.and_then(|imsi| Some(self.sim(imsi)?.index)),
            };
            let in_force = InForce {
                setting: LimitSetting {
                    parent,
                    ..kept.map_or(limit.setting, |kept| kept.setting)
                },
                next: limit.next.clone(),
                sim,
            };
            // What others have sent under counts.
            let credit = match before {
                Some(_) => Credit::Kept,
                None => prepared.credit,
            };
            let (new, old) = (
                in_force.setting,
                before
                    .as_ref()
                    .map_or_else(LimitSetting::default, |before| before.setting),
            );
            if new != old {
                writes.push(Write::Limit {
                    index,
                    direction: limit.direction,
                    new,
                    old,
                    credit,
                });
            }
            let key = limit.key.clone();
            self.limits.set(&key, limit.direction, Some(in_force));
            prepared
                .undo
                .push(Undo::RestoreLimit(key, limit.direction, before));
        }
        Ok(())
    }

    /// The writes that end what a session has and will not have.
    fn departures(
        &self,
        (current, old): (&Seating, &Image),
        (next, new): (&Seating, &Image),
    ) -> Vec<Write> {
        let mut writes = Vec::new();
        for seat in &current.seats {
            if let Some(tunnel) = seat.tunnel
                && self.needs_entry(&tunnel, seat.slot)
                && next.tunnel(tunnel.key).is_none()
            {
                writes.push(Write::RemoveTeid(tunnel.teid, seat.slot));
            }
        }
        for (route, slot) in current.framed_routes() {
            let mut kept = next.framed_routes().iter();
            if !kept.any(|(kept, _)| kept == route) {
                writes.push(Write::RemoveFramed(*route, *slot));
            }
        }
        self.leave_addresses(&mut writes, current, next);
        for program in &old.programs {
            if find(&new.programs, program).is_none() {
                writes.push(Write::Rules {
                    slot: program.slot,
                    direction: program.direction,
                    new: Rules::default(),
                    old: program.rules,
                });
            }
        }
        for meter in &old.meters {
            if rate_of(&new.meters, meter).is_none() {
                writes.push(Write::Meter {
                    slot: meter.slot,
                    direction: meter.direction,
                    new: NO_RATE,
                    old: meter.rate,
                    credit: Credit::Kept,
                });
            }
        }
        writes
    }

    /// The last address of a block takes the block's slots away with it.
    fn leave_addresses(&self, writes: &mut Vec<Write>, current: &Seating, next: &Seating) {
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
    }

    /// Does the writes, all or none, and tells what URRs have counted at places that they leave.
    pub(super) fn run(
        &mut self,
        tables: &mut impl Datapath,
        writes: &[Write],
    ) -> Result<Vec<LeftUsage>, DatapathError> {
        let mut left = Vec::new();
        for (done, write) in writes.iter().enumerate() {
            if let Write::Leave(seats) = write {
                left.extend(leave(tables, seats));
            }
            if let Err(error) = write.apply(tables) {
                for write in writes[..done].iter().rev().filter_map(Write::inverse) {
                    self.write_or_owe(tables, write);
                }
                return Err(error);
            }
        }
        Ok(left)
    }

    pub(super) fn write_or_owe(&mut self, tables: &mut impl Datapath, write: Write) {
        // Those that are owed already come first.
        let result = self.settle(tables).and_then(|is_settled| {
            if is_settled {
                write.apply(tables)?;
            }
            Ok(is_settled)
        });
        match result {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "a table cannot be written; trying again with the next request");
            }
        }
        self.repairs.push_back(write);
    }
}

/// A page with these entries, as many as fit.
fn page_of(entries: impl IntoIterator<Item = RuleListEntry>, next: u32) -> Box<RuleList> {
    let mut page = Box::new(RuleList {
        next,
        ..RuleList::default()
    });
    for (place, entry) in page.entries.iter_mut().zip(entries) {
        *place = entry;
        page.len += 1;
    }
    page
}

fn find<'a>(programs: &'a [Program], like: &Program) -> Option<&'a Program> {
    programs.iter().find(|program| program.is_of_half(like))
}

fn rate_of<'a>(meters: &'a [Meter], like: &Meter) -> Option<&'a Meter> {
    meters
        .iter()
        .find(|meter| meter.slot == like.slot && meter.direction == like.direction)
}
