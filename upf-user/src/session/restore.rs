//! A new agent goes on where one before it stopped: it died, was ended, or the host was started anew.
//!
//! It has maps of its own. The sessions come back from the store with the slots and TEIDs that they had; then the new program
//! takes the place of the old one at each device, and in the end what the old maps have counted is added:
//!
//! ```text
//!   restore ── each session into the new maps; of what is left of a quota the old maps and the new ones get a share each
//!      │
//!   attach ─── packets go by the new maps from now on, device by device
//!      │
//!   settle ─── what the old maps say in the end counts; quotas are whole again
//! ```
//!
//! Each step is in the store before the next one begins, so that another death on the way loses nothing. Of maps that are no
//! longer there (another boot) counts what was written down last.

use std::borrow::Cow;
use std::time::Instant;

use super::charging::{Charging, Figures};
use super::checks;
use super::config::Numbering;
use super::detections::Basis;
use super::keep::{KeptCounters, KeptSession, KeptUsage, Place, written};
use super::model::Model;
use super::obstacle::Obstacle;
use super::request::Requested;
use super::{Session, SessionVolumes, Sessions};
use crate::datapath::slots::{Seat, Seating, UsageSeat};
use crate::datapath::{Accounts, Datapath, Direction, FormerMaps, MapsId};
use crate::pfcp::ie::NodeId;
use crate::store::{Kept, StoreError};

/// Sessions read from the store at a time.
const CHUNK: usize = 1024;

/// What became of the sessions in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Those that are there again.
    pub sessions: u64,
    /// Those that could not be put into force again, or whose association had ended. Their last usage is reported.
    pub ended: u64,
}

impl<D: Datapath> Sessions<D> {
    /// Puts the sessions in the store into force again, but for those whose control plane has no association any more. To be
    /// called before anything else comes, and before the program is attached.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    pub fn restore<A: Accounts>(
        &mut self,
        former: &mut [FormerMaps<A>],
        has_association: impl Fn(&NodeId) -> bool,
        now: Instant,
    ) -> Result<Restored, StoreError> {
        let mut restored = Restored::default();
        let fits = self.has_kept_numbers()?;
        self.each_kept(|sessions, seid, mut kept| {
            let seats = kept.places.last().map(|place| place.seats.clone());
            kept.settle_gone(|maps| former.iter().any(|former| former.maps == maps));
            let is_back = fits
                && has_association(&kept.owner)
                && sessions.restore_session(seid, &kept, seats.unwrap_or_default(), former, now);
            if is_back {
                restored.sessions += 1;
                sessions.write_restored(seid, kept);
            } else {
                restored.ended += 1;
            }
        })?;
        Ok(restored)
    }

    /// Adds what the former maps have counted in the end, and reports the last usage of sessions that did not come back. To be
    /// called when no packet goes by the former maps any more; they may be removed then.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    pub fn settle<A: Accounts>(
        &mut self,
        former: &[FormerMaps<A>],
        now: Instant,
    ) -> Result<(), StoreError> {
        let ours = self.maps;
        self.each_kept(|sessions, seid, mut kept| {
            let is_former = |maps| former.iter().any(|former| former.maps == maps);
            let is_back = sessions.sessions.contains_key(&seid);
            kept.settle_gone(|maps| is_back && maps == ours || is_former(maps));
            let news = kept.settle_former(former);
            if is_back {
                sessions.settle_session(seid, &kept, &news, now);
            } else {
                sessions.end_kept(seid, kept, now);
            }
        })?;
        self.keep();
        self.keep_numbers()
    }

    /// Whether numbers in sessions stand for what they stood for.
    fn has_kept_numbers(&mut self) -> Result<bool, StoreError> {
        let Some(outbox) = &mut self.outbox else {
            return Ok(true);
        };
        let stored: Option<Numbering> = outbox.store().numbering()?;
        let now = self.config.numbering();
        let fits = stored.as_ref().is_none_or(|stored| stored.is_kept_by(&now));
        if !fits {
            tracing::warn!(
                "network instances, predefined rules or forwarding policies have changed their order in the config: \
                 sessions end; add new ones behind those that are there"
            );
        } else if stored.is_none_or(|stored| stored != now) {
            self.keep_numbers()?;
        }
        Ok(fits)
    }

    fn keep_numbers(&mut self) -> Result<(), StoreError> {
        let numbering = self.config.numbering();
        let outbox = self.outbox.as_mut();
        outbox.map_or(Ok(()), |outbox| outbox.store().set_numbering(&numbering))
    }

    /// All sessions in the store, in parts.
    fn each_kept(
        &mut self,
        mut work: impl FnMut(&mut Self, u64, KeptSession<'static>),
    ) -> Result<(), StoreError> {
        let mut from = Some(0);
        while let (Some(first), Some(outbox)) = (from, &mut self.outbox) {
            let part: Vec<Kept<KeptSession<'_>, KeptUsage<'_>, KeptCounters>> =
                outbox.store().sessions(first, CHUNK)?;
            from = part.last().and_then(|last| last.seid.checked_add(1));
            for Kept {
                seid,
                mut session,
                usage,
                counters,
            } in part
            {
                session.bring_up_to_date(usage, counters);
                work(self, seid, session);
            }
            self.keep();
        }
        Ok(())
    }

    /// Puts a session into force; false if it cannot be.
    fn restore_session<A: Accounts>(
        &mut self,
        seid: u64,
        kept: &KeptSession<'_>,
        seats: Vec<Seat>,
        former: &mut [FormerMaps<A>],
        now: Instant,
    ) -> bool {
        let requested = Requested {
            model: kept.model.clone().into_owned(),
            former: seats,
            ..Requested::default()
        };
        if let Err(refusal) = checks::check(&self.config, &Model::default(), &requested) {
            tracing::warn!(seid, ?refusal, "a session does not fit the config any more");
            return false;
        }
        let chosen: Vec<_> = requested.model.chosen().collect();
        let mut taken = chosen.iter();
        let missing = taken.position(|own| !self.books.allocate_address_again(*own));
        if let Some(missing) = missing {
            tracing::warn!(seid, "a UE address that was ours to give is not any more");
            self.cancel_ue_addresses(&chosen[..missing]);
            return false;
        }
        let shares = kept.shares(former);
        let mut charging = kept.charging(&shares);
        let outcome = self.put_back(seid, kept, &requested, &mut charging, now);
        if let Err(obstacle) = outcome {
            tracing::warn!(seid, %obstacle, "a session cannot be restored");
            self.cancel_ue_addresses(&chosen);
            return false;
        }
        if let Some(session) = self.sessions.get(&seid)
            && let Some(charging) = session.charging.as_deref()
        {
            for share in &shares {
                let limits = charging.limits_elsewhere(&self.tables, &share.seat, share.figures);
                let limits = limits.unwrap_or_default();
                let maps = &mut former[share.former].accounts;
                if let Err(error) = maps.write_usage_limits(share.seat.account, &limits) {
                    tracing::error!(seid, %error, "a quota goes on in the maps before");
                }
            }
        }
        true
    }

    fn put_back(
        &mut self,
        seid: u64,
        kept: &KeptSession<'_>,
        requested: &Requested,
        charging: &mut Charging,
        now: Instant,
    ) -> Result<(), Obstacle> {
        let mut session = kept.session(Basis::at(now));
        session.model = Model::default();
        let basis = self.basis(&session.owner, &requested.model, now);
        let (subscriber, old) = (session.subscriber(seid), session.in_force());
        let changed = self.put(subscriber, old, requested, charging, &basis, now)?;
        session.took(changed, basis);
        session.model = requested.model.clone();
        session.charging = self.put_charging_in(seid, std::mem::take(charging));
        let (owner, model) = (&session.owner, &session.model);
        self.remotes.change(seid, owner, &Model::default(), model);
        self.of_owner.insert(owner, seid);
        self.put_in(seid, session);
        self.watch(seid, now);
        Ok(())
    }

    /// Writes down that a session has a place in our maps, beside those in the former ones.
    fn write_restored(&mut self, seid: u64, kept: KeptSession<'_>) {
        let Some(session) = self.sessions.get(&seid) else {
            return;
        };
        let urrs = kept.urrs;
        let kept = KeptSession {
            urrs,
            ..self.kept(session, kept.places)
        };
        let written = written(&kept).map(|bytes| (seid, bytes));
        self.made.sessions.extend(written);
        self.changed.remove(&seid);
        self.reported.remove(&seid);
    }

    /// The URRs of a session have all their totals from now on, and report what they have come to meanwhile.
    fn settle_session(&mut self, seid: u64, kept: &KeptSession<'_>, news: &News, now: Instant) {
        if let Some(session) = self.sessions.get_mut(&seid) {
            session.past_volumes.add(&news.volumes);
        }
        self.has_changed(seid);
        self.report_usage(seid, now, |charging, tables, moment| {
            charging.other_maps = 0;
            for (urr, ahead) in &kept.urrs {
                charging.correct(*urr, *ahead);
            }
            charging.work(tables, moment, |usage, totals| {
                let mut reports = Vec::new();
                for (urr, _) in &kept.urrs {
                    let wants_packet = usage.limits(*urr).is_some_and(|one| one.tells_next_packet);
                    if wants_packet && news.of.contains(urr) {
                        let at = moment.now;
                        reports.extend(usage.traffic_started(*urr, at, at, totals));
                    }
                    reports.extend(usage.mark_reached(*urr, moment.now, totals));
                }
                reports
            })
        });
    }

    /// Reports the last usage of a session that did not come back.
    fn end_kept(&mut self, seid: u64, kept: KeptSession<'_>, now: Instant) {
        let mut charging = kept.charging(&[]);
        let reports = self.end_charging(&mut charging, now);
        let session = kept.session(Basis::at(now));
        let made = self.described(seid, &session, &reports, now);
        self.made.reports.extend(made);
        self.made.ended.push(seid);
    }
}

/// Where a URR is counted in former maps while a new agent takes over.
struct Share {
    /// The place of the maps.
    former: usize,
    seat: UsageSeat,
    figures: [Figures; 2],
}

/// What was counted while no agent ran.
#[derive(Default)]
struct News {
    /// URRs that have counted packets.
    of: Vec<u32>,
    /// What slots have counted.
    volumes: SessionVolumes,
}

impl KeptSession<'_> {
    /// Takes what was written down later.
    fn bring_up_to_date(&mut self, usage: Option<KeptUsage<'_>>, counters: Option<KeptCounters>) {
        if let Some(later) = usage {
            self.usage = Cow::Owned(later.usage.into_owned());
            self.urrs = later.urrs;
            self.take_counters(later.counters);
        }
        if let Some(later) = counters {
            self.take_counters(later);
        }
    }

    fn take_counters(&mut self, counters: KeptCounters) {
        let mut places = self.places.iter_mut();
        let Some(place) = places.find(|place| place.maps == counters.maps) else {
            return;
        };
        for later in counters.usages {
            let mut all = place.usages.iter_mut();
            if let Some(counted) = all.find(|counted| counted.seat == later.seat) {
                counted.seen = later.seen;
            }
        }
    }

    /// Counts what was seen last in maps that are there no more, and leaves those places.
    fn settle_gone(&mut self, is_there: impl Fn(MapsId) -> bool) {
        let places = std::mem::take(&mut self.places);
        let (there, gone) = places.into_iter().partition(|place| is_there(place.maps));
        self.places = there;
        let gone: Vec<Place> = gone;
        for counted in gone.iter().flat_map(|place| &place.usages) {
            self.count(counted.seat.urr, counted.seen);
        }
    }

    /// Counts what the former maps say in the end.
    fn settle_former<A: Accounts>(&mut self, former: &[FormerMaps<A>]) -> News {
        let mut news = News::default();
        for share in self.shares(former) {
            self.count(share.seat.urr, share.figures);
        }
        for place in &self.places {
            let Some(maps) = former.iter().find(|former| former.maps == place.maps) else {
                continue;
            };
            for counted in &place.usages {
                if counted.in_tables(&maps.accounts) != counted.seen {
                    news.of.push(counted.seat.urr);
                }
            }
            for seat in &place.seats {
                let both = [Direction::Uplink, Direction::Downlink];
                let both = both.map(|half| maps.accounts.counters(seat.slot, half));
                let [up, down] = both.map(Result::unwrap_or_default);
                news.volumes.add_slot(seat, up, down);
            }
        }
        news
    }

    /// Where its URRs are counted in former maps, and what that is now.
    fn shares<A: Accounts>(&self, former: &[FormerMaps<A>]) -> Vec<Share> {
        let mut shares = Vec::new();
        for place in &self.places {
            let mut maps = former.iter();
            let Some(at) = maps.position(|former| former.maps == place.maps) else {
                continue;
            };
            shares.extend(place.usages.iter().map(|counted| Share {
                former: at,
                seat: counted.seat,
                figures: counted.in_tables(&former[at].accounts),
            }));
        }
        shares
    }

    /// A URR has counted that at a place where it will not be looked for any more.
    fn count(&mut self, urr: u32, figures: [Figures; 2]) {
        let mut urrs = self.urrs.iter_mut();
        if let Some((_, ahead)) = urrs.find(|(id, _)| *id == urr) {
            *ahead = [ahead[0].less(figures[0]), ahead[1].less(figures[1])];
        }
    }

    /// Its URRs, which are counted nowhere yet but for those shares.
    fn charging(&self, shares: &[Share]) -> Charging {
        let mut charging = Charging::default();
        charging.usage = self.usage.clone().into_owned();
        charging.other_maps = self.places.len() as u64;
        for (urr, ahead) in &self.urrs {
            let of_urr = shares.iter().filter(|share| share.seat.urr == *urr);
            let ahead = of_urr.fold(*ahead, |ahead, share| {
                let [up, down] = share.figures;
                [ahead[0].less(up), ahead[1].less(down)]
            });
            charging.resume(*urr, ahead);
        }
        charging.set_actions(&self.model);
        charging
    }

    /// The session, without anything in the tables.
    fn session(&self, basis: Basis) -> Session {
        Session {
            owner: self.owner.clone().into_owned(),
            cp_f_seid: self.cp_f_seid,
            about: self.about.clone().into_owned(),
            model: self.model.clone().into_owned(),
            basis,
            seating: Seating::default(),
            birth: self.birth,
            weight: 0,
            slots: 0,
            deadline: None,
            owed: None,
            past_volumes: self.past_volumes,
            charging: None,
            idle: None,
        }
    }
}
