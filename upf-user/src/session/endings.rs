//! Sessions that end together: all of a control plane (its association is gone), or those of its sets (TS 23.007
//! clause 23). However many they are, they end at once: nobody finds them any more. What they have in the tables goes
//! bit by bit in [`Sessions::tick`], and at once where it is in the way of a request: a control plane that has restarted
//! sets its sessions up again with the same addresses and F-TEIDs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::about::Sets;
use super::contexts::KeptEnding;
use super::obstacle::Obstacle;
use super::refusal::refuse_all;
use super::slices::{Rota, Slice};
use super::{Session, Sessions};
use crate::datapath::Datapath;
use crate::datapath::slots::{Seating, Wanted};
use crate::pfcp::ie::{Cause, FqCsid, NodeId};
use crate::pfcp::message::Refusal;

/// Most deletions of sets of one control plane that are under way at a time.
pub(super) const MAX_SET_ENDINGS: usize = 8;
/// Ended sessions that are removed for a session that wants what they have. Only framed routes can have more: a wide
/// one overlaps many.
const MAX_IN_THE_WAY: usize = 128;
/// Holders of what a session wants that are looked at for that.
const MAX_HOLDERS: usize = 4096;
/// How long after tables could not be written they are tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The endings that are under way.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// How many there have been.
    count: u64,
    of_owner: Rota<Vec<Ending>>,
    /// When the next sessions are removed.
    due: Option<Instant>,
}

/// The end of sessions of one control plane.
#[derive(Debug)]
struct Ending {
    /// It is the n-th; later sessions are not meant.
    number: u64,
    /// Only sessions of these sets; `None` is all.
    sets: Option<Sets>,
    /// Slots of those of its sessions that are not removed yet; 0 where it is of sets, whose sessions are not known.
    slots: u32,
    /// SEIDs below have been looked at.
    cursor: u64,
}

impl Ending {
    fn covers(&self, session: &Session) -> bool {
        let is_in = |sets: &Sets| session.about.is_in(sets);
        session.birth < self.number && self.sets.as_ref().is_none_or(is_in)
    }
}

impl Endings {
    pub(super) fn is_empty(&self) -> bool {
        self.of_owner.is_empty()
    }

    /// The birth of a session that begins now, or joins a set.
    pub(super) fn birth(&self) -> u64 {
        self.count
    }

    /// Whether a session has ended and is only not removed yet.
    pub(super) fn cover(&self, session: &Session) -> bool {
        let endings = self.of_owner.get(&session.owner);
        endings
            .into_iter()
            .flatten()
            .any(|ending| ending.covers(session))
    }

    /// When there is something to be removed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_empty())
    }

    fn add(&mut self, owner: &NodeId, sets: Option<Sets>, slots: u32, now: Instant) {
        self.count += 1;
        let ending = Ending {
            number: self.count,
            sets,
            slots,
            cursor: 0,
        };
        self.begin(owner, ending, now);
    }

    fn begin(&mut self, owner: &NodeId, ending: Ending, now: Instant) {
        match self.of_owner.get_mut(owner) {
            Some(endings) => endings.push(ending),
            None => self.of_owner.insert(owner.clone(), vec![ending]),
        }
        self.due.get_or_insert(now);
    }

    /// Another process has counted as far.
    pub(super) fn go_on_after(&mut self, count: u64) {
        self.count = self.count.max(count);
    }

    /// Goes on with what another process had not finished; sessions that it means have so many slots.
    pub(super) fn restore(&mut self, owner: &NodeId, kept: KeptEnding, slots: u32, now: Instant) {
        let KeptEnding { number, sets } = kept;
        self.go_on_after(number);
        let sets = sets.map(|sets| Sets::new(&sets));
        let ending = Ending {
            number,
            slots: if sets.is_none() { slots } else { 0 },
            sets,
            cursor: 0,
        };
        self.begin(owner, ending, now);
    }

    /// The control plane's endings, to be kept.
    pub(super) fn kept(&self, owner: &NodeId) -> Vec<KeptEnding> {
        let endings = self.of_owner.get(owner).into_iter().flatten();
        let kept = endings.map(|ending| KeptEnding {
            number: ending.number,
            sets: ending.sets.as_ref().map(Sets::fq_csids),
        });
        kept.collect()
    }

    /// Slots of sessions that have ended as all of a control plane's did.
    pub(super) fn slots(&self) -> u32 {
        let endings = self.of_owner.values().flatten();
        endings.map(|ending| ending.slots).sum()
    }

    /// A session is removed.
    pub(super) fn removed(&mut self, session: &Session) {
        let endings = self.of_owner.get_mut(&session.owner);
        let mut endings = endings.into_iter().flatten();
        let all = endings.find(|ending| ending.sets.is_none() && ending.covers(session));
        if let Some(all) = all {
            all.slots = all.slots.saturating_sub(session.slots);
        }
    }

    fn set_endings(&self, owner: &NodeId) -> usize {
        let endings = self.of_owner.get(owner).into_iter().flatten();
        endings.filter(|ending| ending.sets.is_some()).count()
    }

    fn first_mut(&mut self, owner: &NodeId) -> Option<&mut Ending> {
        self.of_owner.get_mut(owner)?.first_mut()
    }

    /// The control plane's first ending is done.
    fn finish_first(&mut self, owner: &NodeId) {
        let Some(endings) = self.of_owner.get_mut(owner) else {
            return;
        };
        endings.remove(0);
        if endings.is_empty() {
            self.of_owner.remove(owner);
        }
        if self.is_empty() {
            self.due = None;
        }
    }
}

impl<D: Datapath> Sessions<D> {
    /// Ends all sessions of a control plane.
    pub(super) fn end_all(&mut self, owner: &NodeId, now: Instant) {
        if self.of_owner.next(owner, 0).is_some() {
            // It covers what those before it do.
            self.endings.of_owner.remove(owner);
            let slots = self.slots_by_owner.of(owner);
            self.endings.add(owner, None, slots, now);
            self.keep_endings(owner);
        }
    }

    /// Ends the sessions of some sets of a control plane.
    pub(super) fn end_sets(
        &mut self,
        owner: &NodeId,
        sets: &[FqCsid],
        now: Instant,
    ) -> Result<(), Refusal> {
        if self.of_owner.next(owner, 0).is_none() {
            return Ok(());
        }
        if self.endings.set_endings(owner) >= MAX_SET_ENDINGS {
            return Err(refuse_all(Cause::Congestion));
        }
        self.endings.add(owner, Some(Sets::new(sets)), 0, now);
        self.keep_endings(owner);
        Ok(())
    }

    /// The session, unless it has ended.
    pub(super) fn living(&self, seid: u64) -> Option<&Session> {
        let session = self.sessions.get(&seid)?;
        (!self.endings.cover(session)).then_some(session)
    }

    /// Whether the session has ended and is only not removed yet.
    pub(super) fn has_ended(&self, seid: u64) -> bool {
        let session = self.sessions.get(&seid);
        session.is_some_and(|session| self.endings.cover(session))
    }

    /// Removes sessions that have ended, as far as the slice goes.
    pub(super) fn remove_ended(&mut self, mut slice: Slice, now: Instant) {
        while !self.endings.is_empty() {
            match self.books.settle(&mut self.tables) {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => {
                    self.endings.due = now.checked_add(RETRY);
                    return;
                }
            }
            let Some(owner) = self.endings.of_owner.next() else {
                return;
            };
            if !self.remove_ended_of(&owner, &mut slice, now) {
                return;
            }
        }
    }

    /// The same for one control plane; says whether the slice goes on.
    fn remove_ended_of(&mut self, owner: &NodeId, slice: &mut Slice, now: Instant) -> bool {
        while let Some(ending) = self.endings.first_mut(owner) {
            let Some(seid) = self.of_owner.next(owner, ending.cursor) else {
                self.endings.finish_first(owner);
                self.keep_endings(owner);
                continue;
            };
            if !slice.goes_on() {
                return false;
            }
            ending.cursor = seid + 1;
            if self.has_ended(seid) {
                self.remove(seid, now);
                if !self.is_settled() {
                    break;
                }
            }
        }
        true
    }

    /// Whether the tables have all that was owed to them: no more is taken away from those that cannot be written.
    fn is_settled(&mut self) -> bool {
        matches!(self.books.settle(&mut self.tables), Ok(true))
    }

    /// Removes sessions that have ended for the sake of a request that was refused; says whether it is worth another
    /// try.
    pub(super) fn make_room(&mut self, now: Instant) -> bool {
        let before = self.sessions.len();
        self.remove_ended(self.request_portion.begin(), now);
        self.sessions.len() < before
    }

    /// Removes sessions that have ended and have what a session wants; where some are left, the request has to come again.
    pub(super) fn clear_the_way(
        &mut self,
        current: &Seating,
        wanted: &Wanted,
        now: Instant,
    ) -> Result<(), Obstacle> {
        let holders = self.books.holders_of(current, wanted).take(MAX_HOLDERS);
        let mut ended = BTreeSet::new();
        for seid in holders.filter(|seid| self.has_ended(*seid)) {
            ended.insert(seid);
            if ended.len() > MAX_IN_THE_WAY {
                break;
            }
        }
        if ended.is_empty() {
            return Ok(());
        }
        if !self.is_settled() {
            return Err(Obstacle::Behind);
        }
        for seid in ended.iter().take(MAX_IN_THE_WAY) {
            self.remove(*seid, now);
        }
        if ended.len() > MAX_IN_THE_WAY {
            return Err(Obstacle::Behind);
        }
        Ok(())
    }
}
