//! From the rules of a session to detections: traffic endpoints, Application IDs, predefined rules, times, MARs and
//! policies are replaced by what they stand for.

use std::sync::Arc;
use std::time::Instant;

use super::applications::Applications;
use super::config::{PredefinedRule, SessionsConfig};
use super::detection::{Detection, Forward, Limit, LimitKey, PacketLimit};
use super::model::{Action, Duplicate, Far, Model, NetworkInstance, Pdr, Qer, SdfFilter, Way};
use super::packet_rate;
use crate::datapath::Direction;
use crate::pfcp::ie::{BitRates, Interface};

/// QER IDs of predefined rules have this bit (clause 8.2.75).
const PREDEFINED: u32 = 1 << 31;

/// What detections depend on beside the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Basis {
    /// When it is.
    pub(super) at: Instant,
    /// What applications look like, for a session whose rules name one.
    pub(super) applications: Option<Arc<Applications>>,
}

impl Basis {
    /// Of a session without applications.
    pub(super) const fn at(at: Instant) -> Self {
        Self {
            at,
            applications: None,
        }
    }

    /// The filters of an application; none of one that nobody has provisioned.
    pub(super) fn filters(&self, application: &str) -> &[SdfFilter] {
        let applications = self.applications.as_deref();
        applications.map_or(&[], |applications| applications.filters(application))
    }
}

impl Model {
    /// All detections, in the order in which they are looked at.
    pub(super) fn detections(&self, config: &SessionsConfig, basis: &Basis) -> Vec<Detection> {
        let mut detections = Vec::new();
        for pdr in self.pdrs.iter() {
            let maker = Maker {
                config,
                model: self,
                basis,
                pdr,
            };
            for way in self.ways_of(pdr) {
                maker.add(&mut detections, &way);
            }
        }
        let order = |detection: &Detection| {
            let precedence = detection.precedence;
            (precedence.is_none(), precedence, detection.pdr)
        };
        detections.sort_by_key(order);
        detections.extend(self.unused_endpoints());
        detections
    }

    /// The next moment after `at` at which a PDR begins or ends to count.
    pub(super) fn next_change(&self, config: &SessionsConfig, at: Instant) -> Option<Instant> {
        let pdrs = self.pdrs.iter();
        pdrs.filter_map(|pdr| pdr.next_change(config, at)).min()
    }

    /// Traffic endpoints without PDR keep their F-TEID.
    fn unused_endpoints(&self) -> impl Iterator<Item = Detection> {
        let is_used = |id| self.pdrs.iter().any(|pdr| pdr.endpoints.contains(&id));
        let unused = self.endpoints.iter();
        let unused = unused.filter(move |endpoint| !is_used(endpoint.id));
        let held = unused.filter(|endpoint| endpoint.way.tunnel.is_some());
        held.map(|endpoint| Detection {
            filters: Some(Vec::new()),
            action: Action::Drop,
            ..Detection::of_way(&endpoint.way, endpoint.source)
        })
    }
}

impl Pdr {
    /// The next moment after `at` at which it begins or ends to count.
    pub(super) fn next_change(&self, config: &SessionsConfig, at: Instant) -> Option<Instant> {
        let times = [self.activation, self.deactivation].into_iter().flatten();
        let moments = times.map(|time| config.clock.instant_of(time));
        moments.filter(|moment| *moment > at).min()
    }

    /// From its Activation Time on, until its Deactivation Time (clause 5.2.1A.4).
    pub(super) fn is_active(&self, config: &SessionsConfig, basis: &Basis) -> bool {
        let has_come = |time: u32| config.clock.instant_of(time) <= basis.at;
        self.activation.is_none_or(has_come) && !self.deactivation.is_some_and(has_come)
    }
}

impl Detection {
    /// Everything that comes by a way, and nothing is done with it yet.
    pub(super) fn of_way(way: &Way, source: Interface) -> Self {
        Self {
            pdr: 0,
            precedence: None,
            source,
            tunnel: way.tunnel,
            network_instance: way.network_instance,
            ue: way.ue.unwrap_or_default().addresses,
            framed: way.framed.clone(),
            filters: None,
            qfis: way.qfis.clone(),
            action: Action::Drop,
            forward: None,
            duplicates: Vec::new(),
            is_gate_open: true,
            limits: Vec::new(),
            guarantees: Vec::new(),
            packet_rates: Vec::new(),
            urrs: Box::default(),
            qfi: None,
            is_reflective: false,
        }
    }
}

/// Makes the detections of one PDR.
struct Maker<'a> {
    config: &'a SessionsConfig,
    model: &'a Model,
    basis: &'a Basis,
    pdr: &'a Pdr,
}

impl Maker<'_> {
    fn add(&self, detections: &mut Vec<Detection>, way: &Way) {
        let detection = self.common(way);
        for &number in &self.pdr.predefined {
            let rule = self.config.predefined_rules.get(usize::from(number));
            detections.extend(rule.map(|rule| self.predefined(&detection, number, rule)));
        }
        // Predefined rules stand for a PDR that has nothing of its own.
        let has_own = self.pdr.far.is_some() || self.pdr.mar.is_some();
        if has_own || self.pdr.predefined.is_empty() {
            detections.push(detection);
        }
    }

    fn common(&self, way: &Way) -> Detection {
        let far = self.model.far_of(self.pdr);
        let (qfi, is_reflective) = self.marks();
        Detection {
            pdr: self.pdr.id,
            precedence: self.pdr.precedence,
            filters: self.filters(),
            action: far.map_or(Action::Drop, Far::verdict),
            forward: far.and_then(|far| self.forward(far)),
            duplicates: far.map(|far| self.copies(far)).unwrap_or_default(),
            is_gate_open: self.model.is_gate_open(self.pdr),
            limits: self.limits(|qer| qer.mbr),
            guarantees: self.guarantees(),
            packet_rates: self.packet_rates(),
            urrs: self.urrs(),
            qfi,
            is_reflective,
            ..Detection::of_way(way, self.pdr.source)
        }
    }

    fn predefined(&self, common: &Detection, number: u16, rule: &PredefinedRule) -> Detection {
        let mut detection = common.clone();
        detection.precedence = rule.precedence.or(common.precedence);
        if self.pdr.is_active(self.config, self.basis) && !rule.filters.is_empty() {
            detection.filters = Some(rule.filters.clone());
        }
        if rule.drops {
            detection.action = Action::Drop;
            detection.forward = None;
        }
        let kbps = match self.pdr.traffic() {
            Direction::Uplink => rule.uplink_kbps,
            Direction::Downlink => rule.downlink_kbps,
        };
        let key = LimitKey::Qer(PREDEFINED | u32::from(number));
        let limit = kbps.map(|kbps| Limit { key, kbps });
        detection.limits.extend(limit);
        detection
    }

    fn filters(&self) -> Option<Vec<SdfFilter>> {
        if !self.pdr.is_active(self.config, self.basis) {
            return Some(Vec::new());
        }
        match &self.pdr.application {
            Some(id) => Some(self.basis.filters(id).to_vec()),
            None if self.pdr.filters.is_empty() => None,
            None => Some(self.pdr.filters.clone()),
        }
    }

    fn forward(&self, far: &Far) -> Option<Forward> {
        let forwarding = &far.forwarding;
        (far.verdict() == Action::Forward).then_some(Forward {
            destination: forwarding.destination?,
            network_instance: forwarding.instance(self.config),
            tunnel: forwarding.tunnel,
            dscp: forwarding.dscp,
        })
    }

    fn copies(&self, far: &Far) -> Vec<Forward> {
        let copies = far.duplicates.iter().filter(|_| far.duplicates());
        let policy = |number: u16| self.config.forwarding_policies.get(usize::from(number));
        let forward = |copy: &Duplicate| Forward {
            destination: copy.destination,
            network_instance: copy
                .policy
                .and_then(policy)
                .map(|policy| NetworkInstance::Known(policy.instance)),
            tunnel: copy.tunnel,
            dscp: copy.dscp,
        };
        copies.map(forward).collect()
    }

    fn guarantees(&self) -> Vec<Limit> {
        let mut guarantees = self.limits(|qer| qer.gbr);
        guarantees.retain(|guarantee| guarantee.kbps > 0);
        guarantees
    }

    fn packet_rates(&self) -> Vec<PacketLimit> {
        let qers = self.model.qers_of(self.pdr);
        let limit = |qer: &Qer| {
            let rate = qer.packet_rate.as_ref()?;
            packet_rate::of(key_of(qer), rate, self.pdr.traffic())
        };
        qers.filter_map(limit).collect()
    }

    fn limits(&self, rates: impl Fn(&Qer) -> Option<BitRates>) -> Vec<Limit> {
        let qers = self.model.qers_of(self.pdr);
        let limit = |qer: &Qer| {
            let BitRates {
                uplink_kbps,
                downlink_kbps,
            } = rates(qer)?;
            Some(Limit {
                key: key_of(qer),
                kbps: match self.pdr.traffic() {
                    Direction::Uplink => uplink_kbps,
                    Direction::Downlink => downlink_kbps,
                },
            })
        };
        qers.filter_map(limit).collect()
    }

    /// Those of the PDR, and of the access that its MAR leads to.
    fn urrs(&self) -> Box<[u32]> {
        let access = self.model.access_of(self.pdr);
        let of_access = access.map_or(&[][..], |access| &access.urr_ids);
        let mut urrs = [&self.pdr.urrs[..], of_access].concat();
        urrs.sort_unstable();
        urrs.dedup();
        urrs.into_boxed_slice()
    }

    /// QFI and RQI. The first QER with a QFI decides it.
    fn marks(&self) -> (Option<u8>, bool) {
        let qers = || self.model.qers_of(self.pdr);
        let qfi = qers().find_map(|qer| qer.qfi);
        let is_reflective = qers().any(|qer| qer.reflective_qos == Some(true));
        (qfi, is_reflective)
    }
}

fn key_of(qer: &Qer) -> LimitKey {
    let shared = qer.correlation_id.map(LimitKey::Correlated);
    shared.unwrap_or(LimitKey::Qer(qer.id))
}
