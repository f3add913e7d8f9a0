//! SIMs and customers as the REST API shows them.

use std::collections::BTreeSet;

use serde::Serialize;
use upf_common::abi::level;
use upf_common::meter::DEFAULT_DEPTH_NS;
use utoipa::ToSchema;

use super::default_flow;
use crate::bandwidth::{CustomerId, Imsi, SpeedLimit};
use crate::datapath::{Datapath, Direction, LimitCounters, LimitIndex};
use crate::session::detection::{Detection, LimitKey};
use crate::session::{Session, Sessions};
use crate::usage::SessionVolumes;

/// A SIM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimView {
    /// IMSI.
    pub imsi: String,
    /// Its speed class.
    pub class: Option<String>,
    /// Where that comes from: default, assigned or none.
    pub class_source: &'static str,
    /// Its customer.
    pub customer: Option<String>,
    /// Where that comes from: rule, assigned or none.
    pub customer_source: &'static str,
    /// Our SEIDs of its sessions; of very many only the first ones.
    pub sessions: Vec<u64>,
    /// From the SIM.
    pub uplink: SimDirectionView,
    /// To the SIM.
    pub downlink: SimDirectionView,
}

/// One direction of a SIM: what it may do, and what its sessions have done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimDirectionView {
    /// The lowest rate in force; null where there is no limit.
    pub rate_bps: Option<u64>,
    /// The level that it is of: flow, session, sim, customer or none.
    pub decided_by: &'static str,
    /// All levels, from the flow's to the customer's.
    pub levels: Vec<LevelView>,
    /// Inner packets forwarded.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Inner packets dropped, for whatever reason.
    pub dropped_packets: u64,
    /// Their bytes.
    pub dropped_bytes: u64,
}

/// One level of limits of a SIM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LevelView {
    /// flow (MBR of a QER), session (MBR of QERs with a Correlation ID), sim or customer.
    pub level: &'static str,
    /// Its rate; null where it has no limit. Of flow and session: that of the default flow, of the fastest session.
    pub rate_bps: Option<u64>,
    /// What its records have done. What a flow's meter in a slot does is counted per level alone, see the metrics.
    #[serde(flatten)]
    pub done: LimitDoneView,
}

/// What a limit has done to inner packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitDoneView {
    /// Packets that passed with a mark of congestion.
    pub marked_packets: u64,
    /// Their bytes.
    pub marked_bytes: u64,
    /// Packets that were held back.
    pub dropped_packets: u64,
    /// Their bytes.
    pub dropped_bytes: u64,
}

/// A customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustomerView {
    /// Its name.
    pub customer: String,
    /// From all its SIMs together; null where there is no limit.
    pub uplink_bps: Option<u64>,
    /// To all its SIMs together; null where there is no limit.
    pub downlink_bps: Option<u64>,
    /// How long a full bucket lasts at the limit.
    pub depth_ms: u64,
    /// Whether packets of ECN-capable transports are marked before any is dropped.
    pub ecn: bool,
    /// How many of its SIMs have sessions.
    pub sims: u32,
    /// What its limit has done from the SIMs, since the first of them came.
    pub uplink: LimitDoneView,
    /// The same to the SIMs.
    pub downlink: LimitDoneView,
}

impl<D: Datapath> Sessions<D> {
    /// A SIM; `None` if it has neither sessions nor been given anything.
    #[must_use]
    pub fn sim(&self, imsi: Imsi) -> Option<SimView> {
        let sessions = self.sessions_of_sim(imsi)?;
        let assigned = self.bandwidth.assignment(imsi);
        let has_class = assigned.is_some_and(|assigned| assigned.class.is_some());
        let has_customer = assigned.is_some_and(|assigned| assigned.customer.is_some());
        let class = self.bandwidth.entitlement(imsi, None).class;
        let class = class.and_then(|class| self.bandwidth.class(class));
        let customer = self.customer_of(imsi);
        let source = |is_assigned, is_there, other| match (is_assigned, is_there) {
            (true, _) => "assigned",
            (false, true) => other,
            (false, false) => "none",
        };
        Some(SimView {
            imsi: imsi.to_string(),
            class: class.map(|class| class.name.to_string()),
            class_source: source(has_class, class.is_some(), "default"),
            customer: customer.as_ref().map(|customer| customer.0.to_string()),
            customer_source: source(has_customer, customer.is_some(), "rule"),
            uplink: self.sim_direction(imsi, &sessions, Direction::Uplink),
            downlink: self.sim_direction(imsi, &sessions, Direction::Downlink),
            sessions,
        })
    }

    /// A customer.
    #[must_use]
    pub fn customer(&self, id: &CustomerId) -> Option<CustomerView> {
        let is_known = self.bandwidth.customer_named(&id.0).is_some();
        let in_force = self.books.customer(id);
        if !is_known && in_force.is_none() {
            return None;
        }
        let limit = self.bandwidth.customer_limit(id);
        let done = |direction| in_force.map(|found| self.done(found.index, direction));
        Some(CustomerView {
            customer: id.0.to_string(),
            uplink_bps: limit.and_then(|limit| limit.uplink_bps),
            downlink_bps: limit.and_then(|limit| limit.downlink_bps),
            depth_ms: limit.map_or(DEFAULT_DEPTH_NS / 1_000_000, |limit| {
                limit.depth.as_millis() as u64
            }),
            ecn: limit.is_some_and(|limit| limit.ecn),
            sims: in_force.map_or(0, |found| found.sims),
            uplink: done(Direction::Uplink).unwrap_or_default(),
            downlink: done(Direction::Downlink).unwrap_or_default(),
        })
    }

    /// Whose a SIM is, or would be.
    fn customer_of(&self, imsi: Imsi) -> Option<CustomerId> {
        match self.books.sim(imsi) {
            Some(sim) => sim.customer.clone(),
            None => self.bandwidth.entitlement(imsi, None).customer,
        }
    }

    fn sim_direction(&self, imsi: Imsi, seids: &[u64], direction: Direction) -> SimDirectionView {
        let sessions = || seids.iter().filter_map(|seid| self.sessions.get(seid));
        let class = self.bandwidth.entitlement(imsi, None).class;
        let class = class.and_then(|class| self.bandwidth.class(class));
        let customer = self.customer_of(imsi);
        let limit = customer
            .as_ref()
            .and_then(|id| self.bandwidth.customer_limit(id));
        let of_sim = self.books.sim(imsi).map(|sim| sim.index);
        let of_customer = customer.and_then(|id| Some(self.books.customer(&id)?.index));
        let flows: Vec<_> = sessions()
            .map(|session| FlowRates::new(&self.detections(session), direction))
            .collect();
        let levels = vec![
            LevelView {
                level: name(level::FLOW),
                rate_bps: highest(flows.iter().map(|flow| flow.own_bps)),
                done: self.done_by_qers(sessions(), level::FLOW, direction),
            },
            LevelView {
                level: name(level::SESSION),
                rate_bps: highest(flows.iter().map(|flow| flow.shared_bps)),
                done: self.done_by_qers(sessions(), level::SESSION, direction),
            },
            LevelView {
                level: name(level::SIM),
                rate_bps: class.and_then(|class| bps(&class.limit, direction)),
                done: of_sim.map_or_else(Default::default, |index| self.done(index, direction)),
            },
            LevelView {
                level: name(level::CUSTOMER),
                rate_bps: limit.and_then(|limit| bps(limit, direction)),
                done: of_customer
                    .map_or_else(Default::default, |index| self.done(index, direction)),
            },
        ];
        let limited = levels
            .iter()
            .filter_map(|level| Some((level.rate_bps?, level.level)));
        // Of equal ones the first.
        let lowest = limited.min_by_key(|(bps, _)| *bps);
        let mut volumes = SimDirectionView {
            rate_bps: lowest.map(|(bps, _)| bps),
            decided_by: lowest.map_or("none", |(_, level)| level),
            levels,
            ..SimDirectionView::default()
        };
        for session in sessions() {
            let SessionVolumes { uplink, downlink } = self.volumes(session);
            let counters = match direction {
                Direction::Uplink => uplink,
                Direction::Downlink => downlink,
            };
            volumes.packets += counters.packets;
            volumes.bytes += counters.bytes;
            volumes.dropped_packets += counters.dropped_packets;
            volumes.dropped_bytes += counters.dropped_bytes;
        }
        volumes
    }

    /// What the records of a level have done that sessions have by their QERs, each once.
    fn done_by_qers<'a>(
        &self,
        sessions: impl Iterator<Item = &'a Session>,
        of_level: u8,
        direction: Direction,
    ) -> LimitDoneView {
        let keys = sessions.flat_map(|session| session.seating.limits());
        let keys: BTreeSet<_> = keys.filter(|key| key.level() == of_level).collect();
        let indexes = keys
            .into_iter()
            .filter_map(|key| self.books.limit_index(key));
        let all = indexes.map(|index| self.done(index, direction));
        all.fold(LimitDoneView::default(), |sum, one| LimitDoneView {
            marked_packets: sum.marked_packets + one.marked_packets,
            marked_bytes: sum.marked_bytes + one.marked_bytes,
            dropped_packets: sum.dropped_packets + one.dropped_packets,
            dropped_bytes: sum.dropped_bytes + one.dropped_bytes,
        })
    }

    /// What a record has done; nothing if it cannot be read.
    pub(super) fn done(&self, index: LimitIndex, direction: Direction) -> LimitDoneView {
        let counters = self.tables.limit_counters(index, direction);
        counters.unwrap_or_default().into()
    }

    fn detections(&self, session: &Session) -> Vec<Detection> {
        session.model.detections(&self.config, &session.basis)
    }
}

/// The limits of a session's default flow in one direction.
struct FlowRates {
    own_bps: Option<u64>,
    shared_bps: Option<u64>,
}

impl FlowRates {
    fn new(detections: &[Detection], direction: Direction) -> Self {
        let limits = default_flow(detections, direction).map_or(&[][..], |flow| &flow.limits);
        let lowest = |is_own: bool| {
            let of_kind = limits
                .iter()
                .filter(|limit| matches!(limit.key, LimitKey::Qer(_)) == is_own);
            of_kind.map(|limit| limit.kbps.saturating_mul(1000)).min()
        };
        Self {
            own_bps: lowest(true),
            shared_bps: lowest(false),
        }
    }
}

/// The highest of them; `None` if one has no limit, or there are none.
fn highest(rates: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    let all: Option<Vec<u64>> = rates.collect();
    all?.into_iter().max()
}

pub(super) fn name(of_level: u8) -> &'static str {
    match of_level {
        level::FLOW => "flow",
        level::SESSION => "session",
        level::SIM => "sim",
        _ => "customer",
    }
}

pub(super) fn bps(limit: &SpeedLimit, direction: Direction) -> Option<u64> {
    match direction {
        Direction::Uplink => limit.uplink_bps,
        Direction::Downlink => limit.downlink_bps,
    }
}

impl From<LimitCounters> for LimitDoneView {
    fn from(counters: LimitCounters) -> Self {
        Self {
            marked_packets: counters.marked_packets,
            marked_bytes: counters.marked_bytes,
            dropped_packets: counters.dropped_packets,
            dropped_bytes: counters.dropped_bytes,
        }
    }
}
