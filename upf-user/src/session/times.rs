//! Sessions that are compiled anew without a request: when a PDR begins or ends to count, and when that, or a change of
//! PFDs, could not be put into force.

use std::time::{Duration, Instant};

use super::Sessions;
use super::detections::Basis;
use super::request::Requested;
use super::slices::Slice;
use crate::datapath::Datapath;

/// How long after its first failure a session is tried again; then it is twice as long each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(64);
/// How often the log tells of failures.
const WARNING: Duration = Duration::from_secs(1);

/// Sessions that could not be compiled anew since the log told of them.
#[derive(Debug, Default)]
pub(super) struct Failures {
    count: u64,
    told: Option<Instant>,
}

impl Failures {
    fn tell(&mut self, now: Instant) {
        let is_early = |told: Instant| now.saturating_duration_since(told) < WARNING;
        if self.count == 0 || self.told.is_some_and(is_early) {
            return;
        }
        tracing::warn!(
            failures = self.count,
            "sessions cannot be compiled anew and keep their old rules; trying again later"
        );
        *self = Self {
            count: 0,
            told: Some(now),
        };
    }
}

impl<D: Datapath> Sessions<D> {
    /// When [`Self::tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let entry = self.entry.map(|entry| entry.due);
        let usage = self.usage_deadlines.first();
        let usage = usage.map(|(at, _)| self.config.clock.instant_at(*at));
        let idle = self.idle_deadlines.first();
        let idle = idle.map(|(at, _)| self.config.clock.instant_at(*at));
        let due = [
            deadline,
            self.passes.due(),
            self.endings.due(),
            entry,
            usage,
            idle,
        ];
        due.into_iter().flatten().min()
    }

    /// Does what is due, a slice of a few milliseconds at a time: activation and deactivation times of PDRs (DPDRA, clause
    /// 5.2.1A.4), changes of PFDs, limits of SIMs that had none, and the removal of sessions that have ended. While more is left,
    /// [`Self::next_deadline`] has come already.
    pub fn tick(&mut self, now: Instant) {
        self.meet_deadlines(self.tick_portion.begin(), now);
        self.follow_pfds(self.tick_portion.begin(), now);
        self.enter_sims(self.tick_portion.begin(), now);
        self.report_due_usage(self.tick_portion.begin(), now);
        self.report_silence(self.tick_portion.begin(), now);
        if self.endings.due().is_some_and(|due| due <= now) {
            self.remove_ended(self.tick_portion.begin(), now);
        }
        self.failures.tell(now);
    }

    fn meet_deadlines(&mut self, mut slice: Slice, now: Instant) {
        while let Some(&(deadline, seid)) = self.deadlines.first()
            && deadline <= now
            && slice.goes_on()
        {
            let Some(session) = self.living(seid) else {
                self.set_deadline(seid, None);
                self.deadlines.remove(&(deadline, seid));
                continue;
            };
            let basis = self.basis(&session.owner, &session.model, now);
            self.recompile(seid, basis, now);
        }
    }

    /// Puts the session's rules into force on another basis, or tries again later.
    pub(super) fn recompile(&mut self, seid: u64, basis: Basis, now: Instant) {
        let Some(mut session) = self.sessions.remove(&seid) else {
            return;
        };
        let requested = Requested {
            model: session.model.clone(),
            ..Requested::default()
        };
        let mut charging = session.charging.as_deref().cloned().unwrap_or_default();
        let (subscriber, old) = (session.subscriber(seid), session.in_force());
        let changed = self.put(subscriber, old, &requested, &mut charging, &basis, now);
        let outcome = changed.map(|changed| {
            session.took(changed, basis);
            session.charging = self.put_charging_in(seid, charging);
        });
        self.count_slots(&mut session);
        self.sessions.insert(seid, session);
        self.has_changed(seid);
        match outcome {
            Ok(()) => self.plan(seid),
            Err(obstacle) => {
                tracing::debug!(%obstacle, seid, "a session cannot be compiled anew");
                self.failures.count += 1;
                self.owe(seid, now);
            }
        }
    }

    /// The session is tried again later, or when one more of its PDRs begins or ends to count.
    fn owe(&mut self, seid: u64, now: Instant) {
        let Some(session) = self.sessions.get_mut(&seid) else {
            return;
        };
        let last = session.owed;
        let next = last.map_or(FIRST_RETRY, |last| last.saturating_mul(2).min(LAST_RETRY));
        session.owed = Some(next);
        let change = session.model.next_change(&self.config, now);
        let deadlines = [now.checked_add(next), change];
        self.set_deadline(seid, deadlines.into_iter().flatten().min());
    }

    /// Plans the session's next deadline. What is owed to it stays so.
    pub(super) fn plan(&mut self, seid: u64) {
        let Some(session) = self.sessions.get(&seid) else {
            return;
        };
        if session.owed.is_none() {
            let next = session.model.next_change(&self.config, session.basis.at);
            self.set_deadline(seid, next);
        }
    }

    fn set_deadline(&mut self, seid: u64, deadline: Option<Instant>) {
        let Some(session) = self.sessions.get_mut(&seid) else {
            return;
        };
        if let Some(old) = session.deadline {
            self.deadlines.remove(&(old, seid));
        }
        session.deadline = deadline;
        self.deadlines
            .extend(deadline.map(|deadline| (deadline, seid)));
    }
}
