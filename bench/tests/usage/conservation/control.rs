//! What the control plane does, and what it gets.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, bail, ensure};
use rand::Rng as _;
use upf_user::datapath::{Account, Reached};
use upf_user::pfcp::ie::{Cause, FTeid, sm_request_flags};
use upf_user::pfcp::message::{CreatedPdr, SessionDeletionRequest};
use upf_user::pfcp::service::{SessionService as _, UsageOutcome};

use super::plan::Session;
use super::{MOST_SESSIONS, Run, owner};

impl Run {
    /// The control plane does something.
    pub(super) fn control(&mut self) -> Result<()> {
        let living = self.living();
        let choice = self.author.random.random_range(0..100);
        if living.is_empty() || choice < 8 && self.sessions.len() < MOST_SESSIONS {
            return self.establish();
        }
        let at = self.author.pick(&living);
        match choice {
            8..12 => self.delete(at),
            12..14 => self.release(),
            _ => self.modify(at),
        }
    }

    pub(super) fn living(&self) -> Vec<usize> {
        let all = 0..self.sessions.len();
        all.filter(|at| !self.sessions[*at].has_ended).collect()
    }

    pub(super) fn establish(&mut self) -> Result<()> {
        let free = (1..100).map(|last| Ipv4Addr::new(10, 45, 0, last));
        let is_free = |ue: &Ipv4Addr| {
            let mut living = self.sessions.iter().filter(|one| !one.has_ended);
            !living.any(|one| one.ue == *ue)
        };
        let ue = free.into_iter().find(is_free).context("no address")?;
        self.number += 1;
        let (mut session, urrs) = self.author.session(self.number, ue);
        let request = session.request(&urrs);
        match self.room.establish(&owner(), 0, &request, self.now) {
            Ok(established) => {
                session.seid = established.up_f_seid.seid;
                session.take_teid(&established.created_pdrs);
                // It may have the address of one that has ended, which is gone from the tables then.
                self.sessions.retain(|one| one.ue != ue);
                self.sessions.push(session);
            }
            Err(refusal) => {
                let about = format!("{refusal:?} of {request:?}");
                self.refused(refusal.cause).context(about)?;
            }
        }
        Ok(())
    }

    pub(super) fn modify(&mut self, at: usize) -> Result<()> {
        let mut session = self.sessions[at].clone();
        let request = self.author.change(&mut session);
        let seid = session.seid;
        let answer = self.room.modify(&owner(), seid, &request, self.now);
        let modified = match answer.outcome {
            Ok(modified) => modified,
            Err(refusal) => {
                let about = format!("{refusal:?} of {request:?}");
                return self.refused(refusal.cause).context(about);
            }
        };
        session.take_teid(&modified.created_pdrs);
        let number = session.number;
        self.book(number, &modified.usage_reports)?;
        self.tally.answers += modified.usage_reports.len() as u64;
        self.sessions[at] = session;
        self.collect()?;
        let asks_all = request.flags & sm_request_flags::QAURR != 0;
        for id in &request.remove_urrs {
            self.settled(number, *id)
                .with_context(|| format!("{request:?}"))?;
        }
        if asks_all {
            let ids: Vec<_> = self.sessions[at].urrs.keys().copied().collect();
            for id in ids {
                self.settled(number, id)
                    .with_context(|| format!("{request:?}"))?;
            }
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, at: usize) -> Result<()> {
        let session = self.sessions.swap_remove(at);
        let request = SessionDeletionRequest::default();
        let answer = self.room.delete(&owner(), session.seid, &request, self.now);
        let Ok(deleted) = answer.outcome else {
            bail!("a session cannot be deleted: {:?}", answer.outcome);
        };
        self.book(session.number, &deleted.usage_reports)?;
        self.tally.answers += deleted.usage_reports.len() as u64;
        self.collect()?;
        self.all_settled(session.number)
    }

    /// The association is gone, and all its sessions with it; what they have in the tables goes later.
    pub(super) fn release(&mut self) -> Result<()> {
        self.room.delete_all(&owner(), self.now);
        for session in &mut self.sessions {
            session.has_ended = true;
        }
        if self.author.chance(70) {
            self.traffic()?;
        }
        if self.author.chance(50) {
            self.establish()?;
        }
        for _ in 0..1000 {
            self.room.tick(self.now);
        }
        self.sessions.retain(|session| !session.has_ended);
        ensure!(self.room.len() == self.sessions.len());
        self.is_away = false;
        self.collect()?;
        let living: Vec<_> = self.sessions.iter().map(|one| one.number).collect();
        for number in 1..=self.number {
            if !living.contains(&number) {
                self.all_settled(number)?;
            }
        }
        Ok(())
    }

    pub(super) fn refused(&mut self, cause: Cause) -> Result<()> {
        ensure!(cause == Cause::NoResourcesAvailable, "{cause:?}");
        self.tally.refused += 1;
        Ok(())
    }

    /// The agent hears what the fast path tells.
    pub(super) fn hear(&mut self) {
        for event in std::mem::take(&mut self.events) {
            let account = Account::of_event(event.account);
            if let Some(what) = Reached::of_event(event.kind) {
                self.room.usage_reached(account, what, self.now);
            }
        }
    }

    /// The control plane takes the reports that are made by themselves, unless it is away: all that there are, when its turn comes.
    pub(super) fn collect(&mut self) -> Result<()> {
        self.room.take_usage_owners();
        if self.is_away {
            return Ok(());
        }
        let mut now = self.now.max(self.collected);
        while let Some(due) = self.room.usage_request_due(&owner(), now) {
            now = now.max(due);
            while let Some(request) = self.room.next_usage_request(&owner(), now) {
                let report = request.report;
                self.book(report.cp_seid, &report.request.usage)?;
                self.tally.reports += report.request.usage.len() as u64;
                let outcome = UsageOutcome::Answered {
                    cause: Cause::RequestAccepted,
                    cp_seid: None,
                };
                self.room.usage_request_done(request.id, outcome, now);
            }
        }
        self.collected = now;
        Ok(())
    }
}

impl Session {
    /// The tunnel that was given to it last.
    fn take_teid(&mut self, created: &[CreatedPdr]) {
        for pdr in created {
            if let Some(FTeid::Given { teid, .. }) = pdr.f_teid {
                self.teid = teid;
            }
        }
    }
}
