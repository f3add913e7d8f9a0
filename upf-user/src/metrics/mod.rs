//! What Prometheus sees: base units, no label per SIM.
//!
//! The data path's figures are read from the maps when they are asked for ([`Reading`]); what the agent
//! itself does is counted where it happens ([`PfcpMetrics`], [`GtpuMetrics`]).

mod data_path;
mod gtpu;
mod pfcp;
mod usage;

use std::sync::Arc;

use prometheus::{Encoder, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

pub use data_path::{DeviceCounters, Figures, Reading};
pub use gtpu::{GtpuMetrics, Reported};
pub use pfcp::{PfcpMetrics, RequestCounters};
pub use usage::ReportReading;

/// Version of the program, of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit that the program was built from, or `unknown`.
pub const COMMIT: &str = env!("UPF_COMMIT");

/// All metrics of one agent.
pub struct Metrics {
    registry: Registry,
    /// Messages of the control plane.
    pub pfcp: PfcpMetrics,
    /// Datagrams to the PFCP port from addresses that `allow` does not cover.
    pub pfcp_denied: prometheus::IntCounter,
}

impl Metrics {
    /// Registers every metric; `reading` is asked at each scrape. GTP-U is counted from before there is anything
    /// to read.
    ///
    /// # Errors
    /// When two metrics have the same name.
    pub fn new(reading: Arc<dyn Reading>, gtpu: &GtpuMetrics) -> prometheus::Result<Self> {
        let registry = Registry::new();
        gtpu.register(&registry)?;
        registry.register(Box::new(data_path::DataPathCollector::new(reading)?))?;
        registry.register(Box::new(build_info()?))?;
        let pfcp = PfcpMetrics::new(&registry)?;
        let pfcp_denied = prometheus::IntCounter::new(
            "upf_pfcp_denied_datagrams_total",
            "Datagrams to the PFCP port from addresses outside pfcp.allow, dropped unread.",
        )?;
        registry.register(Box::new(pfcp_denied.clone()))?;
        Ok(Self {
            registry,
            pfcp,
            pfcp_denied,
        })
    }

    /// Shows what became of our requests to control planes.
    ///
    /// # Errors
    /// When it was done before.
    pub fn show_requests(&self, counters: &RequestCounters) -> prometheus::Result<()> {
        counters.register(&self.registry)
    }

    /// Shows what becomes of usage reports; `reading` is asked at each scrape.
    ///
    /// # Errors
    /// When it was done before.
    pub fn show_reports(&self, reading: Arc<dyn ReportReading>) -> prometheus::Result<()> {
        let collector = usage::UsageCollector::new(reading)?;
        self.registry.register(Box::new(collector))
    }

    /// The exposition in Prometheus' text format.
    ///
    /// # Errors
    /// When a family cannot be written as text.
    pub fn render(&self) -> prometheus::Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

fn build_info() -> prometheus::Result<IntGaugeVec> {
    let options = Opts::new(
        "upf_build_info",
        "Version and commit of the running program; always 1.",
    );
    let info = IntGaugeVec::new(options, &["version", "commit"])?;
    let one: IntGauge = info.with_label_values(&[VERSION, COMMIT]);
    one.set(1);
    Ok(info)
}

#[cfg(test)]
mod tests;
