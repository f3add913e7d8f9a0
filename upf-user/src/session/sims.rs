//! SIMs and customers, and what they are allowed: what the registry ([`crate::bandwidth`]) says, and what is in force.
//!
//! A session whose control plane tells an IMSI is one of that SIM, whoever its control plane is. What changes for a SIM or
//! a customer is in force for all their sessions as soon as a record or two are written.

use upf_common::abi::{NO_CLASS, level, limit_flags};
use upf_common::meter::Rate;

use super::Sessions;
use super::compile::{Compiler, Subscriber};
use super::config::SessionsConfig;
use super::slices::Slice;
use crate::bandwidth::{Assignment, Bandwidth, ClassId, CustomerId, Imsi, SpeedLimit};
use crate::datapath::slots::{
    Both, ChangeError, CustomerTerms, Exhausted, SimTerms, Wanted, WantedSim,
};
use crate::datapath::{Datapath, DatapathError, LimitSetting};
use std::time::Instant;

/// Sessions of a SIM that are looked at and shown; mostly there are one or two.
const MAX_SESSIONS_OF_SIM: usize = 64;

/// Sessions that have still to be brought under the limits of their SIMs, because those have none so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// SEIDs below have been looked at.
    cursor: u64,
    pub(super) due: Instant,
}

impl<D: Datapath> Sessions<D> {
    /// Speed classes and customers, and which SIM has which.
    #[must_use]
    pub fn bandwidth(&self) -> &Bandwidth {
        &self.bandwidth
    }

    /// Our SEIDs of a SIM's sessions, of very many only the first ones; `None` if it has neither sessions nor been given
    /// anything.
    #[must_use]
    pub fn sessions_of_sim(&self, imsi: Imsi) -> Option<Vec<u64>> {
        let seids = self.by_imsi.sessions(imsi);
        let living = seids.filter(|seid| self.living(*seid).is_some());
        let sessions: Vec<u64> = living.take(MAX_SESSIONS_OF_SIM).collect();
        let is_known = !sessions.is_empty() || self.bandwidth.assignment(imsi).is_some();
        is_known.then_some(sessions)
    }

    /// Gives a SIM a speed class and a customer, or takes them back, and puts that into force.
    ///
    /// # Errors
    /// When the tables cannot be written, or have no room for one more customer. Nothing is changed then.
    pub fn change_sim(&mut self, imsi: Imsi, assignment: Assignment) -> Result<(), DatapathError> {
        let before = self.bandwidth.assignment(imsi).cloned();
        self.bandwidth.assign(imsi, assignment);
        let outcome = self.follow_sim(imsi);
        if outcome.is_err() {
            self.bandwidth.assign(imsi, before.unwrap_or_default());
        }
        outcome
    }

    /// Gives a customer a limit, or none, and puts that into force.
    ///
    /// # Errors
    /// When the tables cannot be written. Nothing is changed then.
    pub fn change_customer(
        &mut self,
        id: CustomerId,
        limit: Option<SpeedLimit>,
    ) -> Result<(), DatapathError> {
        let settings = customer_settings(limit.as_ref());
        self.books
            .change_customer(&mut self.tables, &id, settings)?;
        let was_in_use = self.bandwidth.is_in_use();
        self.bandwidth.set_customer(id, limit);
        if !was_in_use && self.bandwidth.is_in_use() && !self.sessions.is_empty() {
            let due = self.config.clock.instant;
            self.entry = Some(Entry { cursor: 0, due });
        }
        Ok(())
    }

    /// Forgets a customer that no SIM was given to. Limits that SIMs came to by it are none any more.
    ///
    /// # Errors
    /// When the tables cannot be written. Nothing is changed then.
    pub fn forget_customer(&mut self, id: &CustomerId) -> Result<(), DatapathError> {
        let settings = customer_settings(None);
        self.books.change_customer(&mut self.tables, id, settings)?;
        self.bandwidth.forget_customer(id);
        Ok(())
    }

    /// Brings sessions from before the first customer under the limits of their SIMs, as far as the slice goes.
    pub(super) fn enter_sims(&mut self, mut slice: Slice, now: Instant) {
        while let Some(entry) = &mut self.entry {
            let Some((&seid, session)) = self.sessions.range(entry.cursor..).next() else {
                self.entry = None;
                return;
            };
            if !slice.goes_on() {
                return;
            }
            entry.cursor = seid + 1;
            let is_outside = session.seating.sim().is_none();
            if is_outside && session.about.imsi().is_some() && !self.endings.cover(session) {
                let basis = self.basis(&session.owner, &session.model, now);
                self.recompile(seid, basis, now);
            }
        }
    }

    /// Puts into force what the registry says of a SIM.
    fn follow_sim(&mut self, imsi: Imsi) -> Result<(), DatapathError> {
        let Some(sim) = self.books.sim(imsi) else {
            return Ok(());
        };
        let class = self.bandwidth.entitlement(imsi, None).class;
        let assigned = self.bandwidth.assignment(imsi);
        let assigned = assigned.and_then(|assigned| assigned.customer.clone());
        let customer = assigned.or_else(|| sim.by_rule.clone());
        let terms = terms(&self.bandwidth, class, customer);
        let changed = self.books.change_sim(&mut self.tables, imsi, &terms);
        changed.map_err(|error| match error {
            ChangeError::Datapath(error) => error,
            ChangeError::Exhausted(Exhausted::Limits | _) => {
                DatapathError::Full { table: "LIMITS" }
            }
        })
    }
}

/// The SIM of a subscriber, where SIMs have limits at all.
pub(super) fn sim_of(bandwidth: &Bandwidth, subscriber: &Subscriber<'_>) -> Option<Imsi> {
    let imsi = subscriber.imsi.filter(|_| bandwidth.is_in_use())?;
    imsi.parse().ok()
}

/// Adds to what a session wants its SIM, once it has any PDR.
pub(super) fn want(
    wanted: &mut Wanted,
    compiler: &Compiler<'_>,
    bandwidth: &Bandwidth,
    subscriber: &Subscriber<'_>,
) {
    let Some(imsi) = subscriber.sim.filter(|_| !compiler.detections.is_empty()) else {
        return;
    };
    let by_rule = rule_of(compiler.config, bandwidth, imsi, subscriber.dnn, wanted);
    let class = bandwidth.entitlement(imsi, None).class;
    let assigned = bandwidth.assignment(imsi);
    let assigned = assigned.and_then(|assigned| assigned.customer.clone());
    let terms = terms(bandwidth, class, assigned.or_else(|| by_rule.clone()));
    wanted.sim = Some(WantedSim {
        imsi,
        terms,
        by_rule,
    });
}

/// The customer that the config leads a SIM to which comes in with this DNN, or else with UE addresses of this network
/// instance.
fn rule_of(
    config: &SessionsConfig,
    bandwidth: &Bandwidth,
    imsi: Imsi,
    dnn: Option<&str>,
    wanted: &Wanted,
) -> Option<CustomerId> {
    let addresses = wanted.addresses.iter().chain(&wanted.named);
    let instances = addresses.filter_map(|endpoint| config.instances.name(endpoint.instance));
    let names = dnn.into_iter().chain(instances);
    bandwidth.customer_by_rule(imsi, names.collect::<Vec<_>>().as_slice())
}

/// What a SIM of this class and customer is allowed.
pub(super) fn terms(
    bandwidth: &Bandwidth,
    class: Option<ClassId>,
    customer: Option<CustomerId>,
) -> SimTerms {
    let speed = class.and_then(|class| bandwidth.class(class));
    let settings = settings(
        speed.map(|speed| &speed.limit),
        level::SIM,
        class.map_or(NO_CLASS, |class| class.0),
    );
    let customer = customer.map(|id| CustomerTerms {
        settings: customer_settings(bandwidth.customer_limit(&id)),
        id,
    });
    SimTerms { settings, customer }
}

fn customer_settings(limit: Option<&SpeedLimit>) -> Both<LimitSetting> {
    settings(limit, level::CUSTOMER, NO_CLASS)
}

fn settings(limit: Option<&SpeedLimit>, level: u8, class: u16) -> Both<LimitSetting> {
    let setting = |bps: Option<u64>| {
        let unlimited = LimitSetting {
            level,
            class,
            ..LimitSetting::default()
        };
        let (Some(limit), Some(bps)) = (limit, bps) else {
            return unlimited;
        };
        let depth_ns = u64::try_from(limit.depth.as_nanos()).unwrap_or(u64::MAX);
        let rate = Rate::with_depth(bps, depth_ns);
        LimitSetting {
            ticks_per_byte: rate.ticks_per_byte,
            depth: rate.depth,
            flags: if limit.ecn { limit_flags::MARK } else { 0 },
            ..unlimited
        }
    };
    Both {
        uplink: setting(limit.and_then(|limit| limit.uplink_bps)),
        downlink: setting(limit.and_then(|limit| limit.downlink_bps)),
    }
}
