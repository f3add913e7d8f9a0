//! The agent's answers to HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::changes::Changes;
use super::control::Control;
use super::gtpu::Engine;
use super::pfcp::Pulse;
use super::readiness::Readiness;
use crate::bandwidth::{ChangeError, CustomerChange, CustomerId, Imsi, SimChange};
use crate::datapath::bpf::tables::BpfDatapath;
use crate::gtpu::{PathKey, PathView};
use crate::http::{Association, PathEntry, Service, SpeedClassView};
use crate::metrics::Metrics;
use crate::session::{CustomerView, SessionUsageView, SessionView, SimUsageView, SimView};

/// What HTTP reads from.
pub(super) struct Api {
    pub(super) control: Arc<Control<BpfDatapath>>,
    pub(super) changes: Arc<Changes<BpfDatapath>>,
    pub(super) gtpu: Arc<Engine<Control<BpfDatapath>>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) readiness: Arc<Readiness>,
    pub(super) pulse: Arc<Pulse>,
}

impl Service for Api {
    fn metrics(&self) -> Result<String, String> {
        self.metrics.render().map_err(|error| error.to_string())
    }

    fn is_alive(&self) -> bool {
        self.pulse.is_beating(Instant::now())
    }

    fn obstacles(&self) -> Vec<String> {
        let mut obstacles = self.readiness.obstacles();
        if !self.is_alive() {
            obstacles.push("PFCP is not served".to_owned());
        }
        obstacles
    }

    fn session(&self, seid: u64) -> Option<SessionView> {
        self.control.session(seid)
    }

    fn sessions(&self, after: Option<u64>, limit: usize) -> Vec<SessionView> {
        self.control.sessions(after, limit)
    }

    fn associations(&self) -> Vec<Association> {
        self.control.associations()
    }

    fn paths(&self, after: Option<PathKey>, limit: usize) -> Vec<PathEntry> {
        let now = Instant::now();
        let views = self.gtpu.paths(after, limit).into_iter();
        views.map(|view| shown(&view, now)).collect()
    }

    fn speed_classes(&self) -> Vec<SpeedClassView> {
        self.control.look(|sessions| {
            let bandwidth = sessions.bandwidth();
            let default = bandwidth.default_class();
            let classes = bandwidth.classes();
            classes
                .map(|(id, class)| SpeedClassView::new(class, default == Some(id)))
                .collect()
        })
    }

    fn sim(&self, imsi: Imsi) -> Option<SimView> {
        self.control.look(|sessions| sessions.sim(imsi))
    }

    fn session_usage(&self, seid: u64) -> Option<SessionUsageView> {
        self.control
            .look(|sessions| sessions.usage(seid, Instant::now()))
    }

    fn sim_usage(&self, imsi: Imsi) -> Option<SimUsageView> {
        self.control.sim_usage(imsi)
    }

    fn customers(&self, after: Option<&str>, limit: usize) -> Vec<CustomerView> {
        self.control.customers(after, limit)
    }

    fn customer(&self, name: &str) -> Option<CustomerView> {
        let customer = CustomerId(name.into());
        self.control.look(|sessions| sessions.customer(&customer))
    }

    fn change_sims(&self, changes: Vec<SimChange>) -> Result<(), ChangeError> {
        self.changes.change_sims(changes)
    }

    fn change_customer(&self, name: &str, change: &CustomerChange) -> Result<(), ChangeError> {
        self.changes.change_customer(name, change)
    }

    fn take_customer_back(&self, name: &str) -> Result<(), ChangeError> {
        self.changes.take_customer_back(name)
    }
}

fn shown(view: &PathView, now: Instant) -> PathEntry {
    let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    PathEntry {
        peer: view.key.remote,
        local: view.key.local,
        state: view.state.label(),
        age_seconds: now.saturating_duration_since(view.since).as_secs(),
        rtt_microseconds: view.round_trip.map(microseconds),
        in_use: view.is_in_use,
    }
}
