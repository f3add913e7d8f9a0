//! Sessions that are compiled anew without a request: when a PDR begins or ends to count, and when the PFDs of an
//! application change.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::applications::{self, Applications};
use super::detections::Basis;
use super::model::Model;
use super::request::Requested;
use super::{Session, Sessions};
use crate::datapath::Datapath;
use crate::pfcp::ie::NodeId;
use crate::pfcp::message::{PfdManagementRequest, Refusal};

/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Sessions that one tick compiles; those behind are due at once, after whatever waits for its turn.
const MOST_PER_TICK: usize = 256;

impl<D: Datapath> Sessions<D> {
    /// When [`Self::tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Puts into force what has become due: activation and deactivation times of PDRs (DPDRA, clause 5.2.1A.4).
    pub fn tick(&mut self, now: Instant) {
        let mut failures = 0_usize;
        for _ in 0..MOST_PER_TICK {
            let due = self.deadlines.first().filter(|(due, _)| *due <= now);
            let Some(&(deadline, seid)) = due else {
                break;
            };
            let Some(session) = self.sessions.get(&seid) else {
                self.deadlines.remove(&(deadline, seid));
                continue;
            };
            let basis = self.basis(&session.owner, &session.model, now);
            if self.recompile(seid, basis, now).is_err() {
                failures += 1;
                self.set_deadline(seid, now.checked_add(RETRY));
            }
        }
        if failures > 0 {
            tracing::warn!(
                failures,
                "sessions cannot be compiled anew; trying again soon"
            );
        }
    }

    /// The session's rules on another basis.
    fn recompile(&mut self, seid: u64, basis: Basis, now: Instant) -> Result<(), Refusal> {
        let Some(mut session) = self.sessions.remove(&seid) else {
            return Ok(());
        };
        let requested = Requested {
            model: session.model.clone(),
            ..Requested::default()
        };
        let (subscriber, old) = (session.subscriber(seid), session.in_force());
        let changed = self.put(subscriber, old, &requested, &basis, now);
        let outcome = changed.map(|changed| session.took(changed, basis));
        self.sessions.insert(seid, session);
        if outcome.is_ok() {
            self.plan(seid);
        }
        outcome
    }

    /// Plans the session's next deadline.
    pub(super) fn plan(&mut self, seid: u64) {
        let Some(session) = self.sessions.get(&seid) else {
            return;
        };
        let next = session.model.next_change(&self.config, session.basis.at);
        self.set_deadline(seid, next);
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

    /// What applications look like from now on, for the owner's sessions as well. Where one of them cannot be
    /// compiled, those before it are put back; what tables do not take even then is done by [`Self::tick`].
    pub(super) fn provision(
        &mut self,
        owner: &NodeId,
        request: &PfdManagementRequest,
        now: Instant,
    ) -> Result<(), Refusal> {
        let old = self.applications.get(owner).map(Arc::clone);
        let old = old.unwrap_or_default();
        let room = applications::room(&self.applications, owner);
        let new = old.provisioned(request, room)?;
        let new = (!new.is_empty()).then(|| Arc::new(new));
        let (affected, others): (Vec<_>, Vec<_>) = self
            .users_of_applications(owner)
            .into_iter()
            .partition(|seid| self.sees_other_filters(*seid, new.as_deref()));
        let mut done: Vec<(u64, Basis)> = Vec::new();
        for seid in affected {
            let Some(before) = self
                .sessions
                .get(&seid)
                .map(|session| session.basis.clone())
            else {
                continue;
            };
            let basis = Basis {
                at: before.at,
                applications: new.clone(),
            };
            if let Err(refusal) = self.recompile(seid, basis, now) {
                self.put_back(done, now);
                return Err(refusal);
            }
            done.push((seid, before));
        }
        // Nobody keeps an old version alive.
        for seid in others {
            if let Some(session) = self.sessions.get_mut(&seid) {
                session.basis.applications.clone_from(&new);
            }
        }
        match new {
            Some(new) => self.applications.insert(owner.clone(), new),
            None => self.applications.remove(owner),
        };
        Ok(())
    }

    fn put_back(&mut self, done: Vec<(u64, Basis)>, now: Instant) {
        for (seid, basis) in done.into_iter().rev() {
            if self.recompile(seid, basis, now).is_err() {
                self.set_deadline(seid, Some(now));
            }
        }
    }

    fn users_of_applications(&self, owner: &NodeId) -> Vec<u64> {
        let users = self.application_users.iter().copied();
        users
            .filter(|seid| self.session(owner, *seid).is_some())
            .collect()
    }

    fn sees_other_filters(&self, seid: u64, new: Option<&Applications>) -> bool {
        let differs = |session: &Session| {
            let mut named = session.model.applications();
            named.any(|id| {
                let filters = new.map_or(&[][..], |new| new.filters(id));
                session.basis.filters(id) != filters
            })
        };
        self.sessions.get(&seid).is_some_and(differs)
    }
}

impl Model {
    /// The applications that PDRs name.
    pub(super) fn applications(&self) -> impl Iterator<Item = &str> {
        self.pdrs
            .iter()
            .filter_map(|pdr| pdr.application.as_deref())
    }

    pub(super) fn uses_applications(&self) -> bool {
        self.applications().next().is_some()
    }
}
