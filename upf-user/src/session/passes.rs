//! PFDs of an application that have changed, for the sessions that name it: they follow one by one in
//! [`Sessions::tick`], moments after the request was answered.

use std::sync::Arc;
use std::time::Instant;

use super::applications::{self, Applications};
use super::model::Model;
use super::refusal::refuse_all;
use super::slices::{Rota, Slice};
use super::{Session, Sessions};
use crate::datapath::Datapath;
use crate::pfcp::ie::{Cause, NodeId};
use crate::pfcp::message::{PfdManagementRequest, Refusal};

/// The passes that are under way.
#[derive(Debug, Default)]
pub(super) struct Passes {
    of_owner: Rota<Pass>,
    due: Option<Instant>,
}

/// A pass over a control plane's sessions with applications.
#[derive(Debug)]
struct Pass {
    /// SEIDs below have been looked at.
    cursor: u64,
    /// PFDs have changed once more meanwhile, so that another pass has to follow.
    again: bool,
}

impl Passes {
    /// When there is something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.of_owner.is_empty())
    }

    pub(super) fn add(&mut self, owner: &NodeId, now: Instant) {
        self.due.get_or_insert(now);
        match self.of_owner.get_mut(owner) {
            Some(pass) => pass.again = pass.cursor > 0,
            None => {
                let pass = Pass {
                    cursor: 0,
                    again: false,
                };
                self.of_owner.insert(owner.clone(), pass);
            }
        }
    }

    pub(super) fn remove(&mut self, owner: &NodeId) {
        self.of_owner.remove(owner);
        if self.of_owner.is_empty() {
            self.due = None;
        }
    }
}

impl<D: Datapath> Sessions<D> {
    /// What applications look like from now on.
    pub(super) fn provision(
        &mut self,
        owner: &NodeId,
        request: &PfdManagementRequest,
        now: Instant,
    ) -> Result<(), Refusal> {
        let old = self.applications.get(owner).map(Arc::clone);
        let old = old.unwrap_or_default();
        let room = applications::room(&self.applications, owner);
        let memory = self.versions.memory(owner);
        let may_be_new = self.versions.has_room_for(owner, old.of_version());
        let new = old.provisioned(request, room, &memory)?;
        if new.is_empty() {
            self.applications.remove(owner);
        } else if may_be_new {
            self.applications.insert(owner.clone(), Arc::new(new));
        } else {
            return Err(refuse_all(Cause::Congestion));
        }
        self.keep_applications(owner);
        if self.application_users.next(owner, 0).is_some() {
            self.passes.add(owner, now);
        }
        Ok(())
    }

    /// Sessions follow their PFDs, as far as the slice goes.
    pub(super) fn follow_pfds(&mut self, mut slice: Slice, now: Instant) {
        while let Some(owner) = self.passes.of_owner.next() {
            if !self.follow_pfds_of(&owner, &mut slice, now) {
                return;
            }
        }
    }

    /// The same for one control plane; says whether all is done.
    fn follow_pfds_of(&mut self, owner: &NodeId, slice: &mut Slice, now: Instant) -> bool {
        while let Some(pass) = self.passes.of_owner.get_mut(owner) {
            match self.application_users.next(owner, pass.cursor) {
                Some(_) if !slice.goes_on() => return false,
                Some(seid) => {
                    pass.cursor = seid + 1;
                    self.follow(seid, now);
                }
                None if pass.again => {
                    (pass.cursor, pass.again) = (0, false);
                }
                None => self.passes.remove(owner),
            }
        }
        true
    }

    fn follow(&mut self, seid: u64, now: Instant) {
        let Some(session) = self.living(seid) else {
            return;
        };
        let basis = self.basis(&session.owner, &session.model, now);
        if session.sees_other_filters(basis.applications.as_deref()) {
            self.recompile(seid, basis, now);
        } else if let Some(session) = self.sessions.get_mut(&seid) {
            // Nobody keeps an old version alive.
            session.basis.applications = basis.applications;
        }
    }
}

impl Session {
    fn sees_other_filters(&self, new: Option<&Applications>) -> bool {
        self.model.applications().any(|id| {
            let filters = new.map_or(&[][..], |new| new.filters(id));
            self.basis.filters(id) != filters
        })
    }
}

impl Model {
    /// The applications that PDRs name.
    pub(super) fn applications(&self) -> impl Iterator<Item = &str> {
        let pdrs = self.pdrs.iter();
        pdrs.filter_map(|pdr| pdr.application.as_deref())
    }

    pub(super) fn uses_applications(&self) -> bool {
        self.applications().next().is_some()
    }
}
