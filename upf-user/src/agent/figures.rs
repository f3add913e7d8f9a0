//! The figures of the data path for Prometheus.

use std::sync::Arc;

use tracing::debug;
use upf_common::abi::LEVEL_SETS;

use super::numbers::PortNumbers;
use crate::datapath::bpf::counters::CounterTable;
use crate::metrics::{DeviceCounters, Figures, Reading};

/// How many there are of what the control plane makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Population {
    pub(super) sessions: u64,
    pub(super) slots: u64,
    pub(super) capacity: u64,
    pub(super) associations: u64,
    pub(super) limits: u64,
    pub(super) limit_capacity: u64,
    pub(super) usage_records: u64,
    pub(super) usage_record_capacity: u64,
}

/// Tells the [`Population`].
pub(super) trait Census: Send + Sync + 'static {
    fn population(&self) -> Population;
}

/// Reads the maps at each scrape.
pub(super) struct LiveFigures<C> {
    pub(super) counters: CounterTable,
    pub(super) numbers: Arc<PortNumbers>,
    pub(super) census: Arc<C>,
    /// Names of the speed classes.
    pub(super) classes: Arc<[String]>,
}

/// Speed classes are numbered from 1 on; 0 is none.
fn level_entries(classes: &[String]) -> u32 {
    let last = u32::try_from(classes.len()).unwrap_or(u32::MAX);
    last.saturating_add(1).saturating_mul(LEVEL_SETS)
}

impl<C: Census> Reading for LiveFigures<C> {
    fn figures(&self) -> Option<Figures> {
        let counters = self.counters.sum();
        let counters = counters
            .inspect_err(|error| debug!(%error, "no figures"))
            .ok()?;
        let levels = level_entries(&self.classes);
        let levels = self.counters.levels(levels);
        let levels = levels
            .inspect_err(|error| debug!(%error, "no figures of limits"))
            .ok()?;
        let names = self.numbers.names().into_iter();
        let devices = names
            .zip(counters.ports)
            .map(|(device, counters)| DeviceCounters { device, counters });
        let Population {
            sessions,
            slots,
            capacity,
            associations,
            limits,
            limit_capacity,
            usage_records,
            usage_record_capacity,
        } = self.census.population();
        Some(Figures {
            uplink: counters.uplink,
            downlink: counters.downlink,
            punted: counters.punted,
            copies_lost: counters.copies_lost,
            devices: devices.collect(),
            sessions,
            slots,
            capacity,
            associations,
            limits,
            limit_capacity,
            usage_records,
            usage_record_capacity,
            classes: Arc::clone(&self.classes),
            levels,
        })
    }
}
