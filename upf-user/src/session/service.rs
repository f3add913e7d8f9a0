//! Requests of control planes.

use std::net::IpAddr;
use std::time::Instant;

use super::about::About;
use super::compile::Subscriber;
use super::model::Model;
use super::refusal::{refuse, refuse_all};
use super::request::{self, Requested};
use super::{InForce, SEID_END, Session, Sessions, answers, weight};
use crate::datapath::Datapath;
use crate::datapath::slots::Seating;
use crate::pfcp::ie::{Cause, FailedRule, FqCsid, NodeId, kind};
use crate::pfcp::kept::{KeptAnswer, KeptAssociation};
use crate::pfcp::message::{
    PfdManagementRequest, Refusal, SessionDeletionRequest, SessionEstablishmentRequest,
    SessionModificationRequest, SessionReport, SessionReportResponse,
};
use crate::pfcp::service::{
    Answer, Deleted, Established, Modified, SessionService, UsageOutcome, UsageRequest,
};
use crate::reports::Outbox;
use crate::store::RecordKind;
use crate::usage::SessionVolumes;

impl<D: Datapath> SessionService for Sessions<D> {
    fn establish(
        &mut self,
        owner: &NodeId,
        header_seid: u64,
        request: &SessionEstablishmentRequest,
        now: Instant,
    ) -> Result<Established, Refusal> {
        // A session may give up all its PDRs, and with them its slots; it still takes memory.
        let is_full = self.sessions.len() >= self.tables.capacity() as usize;
        if is_full && !self.make_room(now) {
            return Err(refuse_all(Cause::NoResourcesAvailable));
        }
        let restored = self.restored_seid(header_seid, request, now)?;
        let mut requested = request::establish(&self.config, request)?;
        self.check_applications(owner, &Model::default(), &requested)?;
        let about = About::new(request);
        self.check_weight(0, requested.model.weight() + about.weight(), now)?;
        let nothing = (Model::default(), Seating::default());
        let basis = self.basis(owner, &requested.model, now);
        let old = InForce {
            model: &nothing.0,
            basis: &basis,
            seating: &nothing.1,
        };
        let seid = restored.unwrap_or_else(|| self.new_seid());
        let subscriber = Subscriber {
            owner,
            imsi: request.imsi(),
            dnn: request.dnn.as_deref(),
            seid,
            sim: None,
        };
        let timer = request.user_plane_inactivity_timer;
        let mut charging = self.begin_charging(&requested.model, timer, now);
        let changed = self.apply(subscriber, old, &mut requested, &mut charging, &basis, now)?;
        let Requested { model, left, .. } = requested;
        let established = Established {
            up_f_seid: self.own_f_seid(seid),
            created_pdrs: answers::pdrs(&left.created_pdrs, &model, &changed.seating),
            created_traffic_endpoints: answers::endpoints(
                &left.endpoints,
                &model,
                &changed.seating,
            ),
        };
        self.remotes.change(seid, owner, &Model::default(), &model);
        let session = Session {
            owner: owner.clone(),
            cp_f_seid: request.cp_f_seid,
            about,
            model,
            basis,
            seating: changed.seating,
            birth: self.endings.birth(),
            weight: 0,
            slots: 0,
            deadline: None,
            owed: None,
            past_volumes: SessionVolumes::default(),
            charging: self.put_charging_in(seid, charging),
            idle: None,
        };
        self.of_owner.insert(owner, seid);
        self.put_in(seid, session);
        self.watch(seid, now);
        Ok(established)
    }

    fn modify(
        &mut self,
        owner: &NodeId,
        seid: u64,
        request: &SessionModificationRequest,
        now: Instant,
    ) -> Answer<Modified> {
        let Some(mut session) = self.take_out(owner, seid) else {
            return not_found();
        };
        let outcome = self.modified(seid, &mut session, request, now);
        let cp_seid = session.cp_f_seid.seid;
        self.put_in(seid, session);
        self.watch(seid, now);
        Answer { cp_seid, outcome }
    }

    fn delete(
        &mut self,
        owner: &NodeId,
        seid: u64,
        request: &SessionDeletionRequest,
        now: Instant,
    ) -> Answer<Deleted> {
        let Some(session) = self.take_out(owner, seid) else {
            return not_found();
        };
        let basis = session.basis.clone();
        let mut charging = session.charging.as_deref().cloned().unwrap_or_default();
        let (subscriber, old) = (session.subscriber(seid), session.in_force());
        let mut nothing = Requested::default();
        let outcome = self.apply(subscriber, old, &mut nothing, &mut charging, &basis, now);
        let outcome = outcome.map(|_| {
            let usage_reports = self.end_charging(&mut charging, now);
            self.answer_usage(seid, &session, &usage_reports, now);
            Deleted { usage_reports }
        });
        let cp_f_seid = request.cp_f_seid.unwrap_or(session.cp_f_seid);
        self.sessions.insert(seid, session);
        if outcome.is_ok() {
            self.forget(seid);
        }
        Answer {
            cp_seid: cp_f_seid.seid,
            outcome,
        }
    }

    fn delete_all(&mut self, owner: &NodeId, now: Instant) {
        self.end_all(owner, now);
        if self.applications.remove(owner).is_some() {
            self.keep_applications(owner);
        }
        self.passes.remove(owner);
    }

    fn delete_sets(
        &mut self,
        owner: &NodeId,
        sets: &[FqCsid],
        now: Instant,
    ) -> Result<(), Refusal> {
        self.end_sets(owner, sets, now)
    }

    fn provision_pfds(
        &mut self,
        owner: &NodeId,
        request: &PfdManagementRequest,
        now: Instant,
    ) -> Result<(), Refusal> {
        self.provision(owner, request, now)
    }

    /// A session that its control plane does not know is ended; a BAR and the control plane's F-SEID may change.
    fn report_answered(
        &mut self,
        owner: &NodeId,
        seid: u64,
        response: &SessionReportResponse,
        now: Instant,
    ) {
        if self.session(owner, seid).is_none() {
            return;
        }
        if response.cause == Cause::SessionContextNotFound {
            return self.remove(seid, now);
        }
        let Some(session) = self.sessions.get_mut(&seid) else {
            return;
        };
        session.cp_f_seid = response.cp_f_seid.unwrap_or(session.cp_f_seid);
        for update in &response.update_bars {
            if let Some(bar) = session.model.bars.get_mut(update.id) {
                let delay = update.downlink_data_notification_delay;
                bar.downlink_data_notification_delay =
                    delay.or(bar.downlink_data_notification_delay);
                let suggested = update.suggested_buffering_packets_count;
                bar.suggested_buffering_packets_count =
                    suggested.or(bar.suggested_buffering_packets_count);
            }
        }
        if response.cp_f_seid.is_some() || !response.update_bars.is_empty() {
            self.has_changed(seid);
        }
    }

    fn keep_association(&mut self, node: &NodeId, kept: Option<&KeptAssociation>) {
        self.keep_record(RecordKind::Association, node, kept);
    }

    fn keep_answer(&mut self, answer: KeptAnswer) {
        if self.outbox.is_some() {
            self.made.contexts.answers.push(answer);
        }
    }

    fn keep_sequence(&mut self, next: u32) {
        if self.outbox.is_some() {
            self.made.contexts.next_sequence = Some(next);
        }
    }

    fn take_usage_owners(&mut self) -> Vec<NodeId> {
        self.keep();
        let outbox = self.outbox.as_mut();
        outbox.map_or_else(Vec::new, Outbox::take_usage_owners)
    }

    fn take_reports(&mut self) -> Vec<(NodeId, SessionReport)> {
        self.take_silent()
    }

    fn next_usage_request(&mut self, owner: &NodeId, now: Instant) -> Option<UsageRequest> {
        self.outbox.as_mut()?.next_usage_request(owner, now)
    }

    fn usage_request_due(&self, owner: &NodeId, now: Instant) -> Option<Instant> {
        self.outbox.as_ref()?.usage_request_due(owner, now)
    }

    fn usage_request_done(&mut self, id: u64, outcome: UsageOutcome, now: Instant) {
        if let Some(outbox) = &mut self.outbox {
            outbox.usage_request_done(id, outcome, now);
        }
    }

    fn owners_of_peers(&self, peers: &[IpAddr]) -> Vec<(NodeId, Vec<IpAddr>)> {
        self.remotes.owners(peers)
    }

    fn load_percent(&self) -> u8 {
        let ended = self.endings.slots();
        self.books.load_percent(&self.tables, ended)
    }

    fn cp_seid(&self, owner: &NodeId, seid: u64) -> Option<u64> {
        Some(self.session(owner, seid)?.cp_f_seid.seid)
    }
}

impl<D: Datapath> Sessions<D> {
    fn modified(
        &mut self,
        seid: u64,
        session: &mut Session,
        request: &SessionModificationRequest,
        now: Instant,
    ) -> Result<Modified, Refusal> {
        let moves = request
            .node_id
            .as_ref()
            .is_some_and(|node| *node != session.owner);
        if moves {
            // SSET is not announced: a session stays with its control plane.
            return Err(refuse(Cause::ServiceNotSupported, kind::NODE_ID, None));
        }
        let mut requested =
            request::modify(&self.config, &session.model, &session.seating, request)?;
        self.check_applications(&session.owner, &session.model, &requested)?;
        let about = session.about.weight() + weight::of_fq_csids(&request.fq_csids);
        self.check_weight(session.weight, requested.model.weight() + about, now)?;
        let basis = self.basis(&session.owner, &requested.model, now);
        let mut charged = self.charge_modification(session, &requested.model, request, now);
        let (subscriber, old) = (session.subscriber(seid), session.in_force());
        let charging = &mut charged.charging;
        let changed = self.apply(subscriber, old, &mut requested, charging, &basis, now)?;
        let models = (&session.model, &requested.model);
        let (charging, usage_reports) = self.charged(charged, models, request, now);
        session.charging = self.put_charging_in(seid, charging);
        self.answer_usage(seid, session, &usage_reports, now);
        let Requested { model, left, .. } = requested;
        let seating = &changed.seating;
        let modified = Modified {
            created_pdrs: answers::pdrs(&left.created_pdrs, &model, seating),
            updated_pdrs: answers::pdrs(&left.updated_pdrs, &model, seating),
            created_traffic_endpoints: answers::endpoints(&left.endpoints, &model, seating),
            usage_reports,
        };
        self.remotes
            .change(seid, &session.owner, &session.model, &model);
        session.model = model;
        session.took(changed, basis);
        session.about.modify(request);
        if !request.fq_csids.is_empty() {
            // It has joined sets, and endings before that mean those who were in them.
            session.birth = self.endings.birth();
        }
        session.cp_f_seid = request.cp_f_seid.unwrap_or(session.cp_f_seid);
        Ok(modified)
    }

    /// Puts a session in whose rules are in force.
    pub(super) fn put_in(&mut self, seid: u64, mut session: Session) {
        self.weight -= session.weight;
        session.weight = session.model.weight() + session.about.weight();
        self.weight += session.weight;
        self.count_slots(&mut session);
        self.by_imsi.insert(seid, &session);
        if session.model.uses_applications() {
            self.application_users.insert(&session.owner, seid);
        } else {
            self.application_users.remove(&session.owner, seid);
        }
        self.sessions.insert(seid, session);
        self.has_changed(seid);
        self.plan(seid);
    }

    /// The SEID that a restored session had is its SEID again (TS 23.527 clause 4.3).
    fn restored_seid(
        &mut self,
        header_seid: u64,
        request: &SessionEstablishmentRequest,
        now: Instant,
    ) -> Result<Option<u64>, Refusal> {
        if !request.is_restoration || header_seid == 0 {
            return Ok(None);
        }
        if self.has_ended(header_seid) {
            self.remove(header_seid, now);
        }
        if header_seid >= SEID_END || self.sessions.contains_key(&header_seid) {
            return Err(refuse_all(Cause::RestorationFailure));
        }
        Ok(Some(header_seid))
    }

    /// An application that a request brings in must have been provisioned. One that was taken away since stays
    /// where it is, and matches nothing.
    fn check_applications(
        &self,
        owner: &NodeId,
        old: &Model,
        requested: &Requested,
    ) -> Result<(), Refusal> {
        let provisioned = self.applications.get(owner);
        for pdr in requested.model.pdrs.iter() {
            let Some(id) = pdr.application.as_deref() else {
                continue;
            };
            let is_old = old.applications().any(|old| old == id);
            let is_known = provisioned.is_some_and(|known| known.has(id));
            if !is_old && !is_known {
                let (ie, rule) = (kind::APPLICATION_ID, FailedRule::Pdr(pdr.id));
                return Err(refuse(Cause::UnknownApplicationId, ie, rule));
            }
        }
        Ok(())
    }

    /// A session may get heavier, from `old` to `new` bytes, as long as all sessions together are not too heavy.
    fn check_weight(&mut self, old: usize, new: usize, now: Instant) -> Result<(), Refusal> {
        let most = (self.tables.capacity() as usize).saturating_mul(weight::BYTES_PER_SLOT);
        let fits = |sessions: &Self| (sessions.weight - old).saturating_add(new) <= most;
        if new <= old || fits(self) || self.make_room(now) && fits(self) {
            Ok(())
        } else {
            Err(refuse_all(Cause::NoResourcesAvailable))
        }
    }
}

fn not_found<T>() -> Answer<T> {
    Answer {
        cp_seid: 0,
        outcome: Err(refuse_all(Cause::SessionContextNotFound)),
    }
}
