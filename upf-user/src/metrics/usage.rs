//! Usage reports and what becomes of them, read at scrape time.

use std::sync::Arc;

use prometheus::core::{Collector, Desc, Describer};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntCounterVec, Opts};

use super::data_path::{counter, gauge};
use crate::reports::{Figures, TRIGGERS};

/// What the collector asks at each scrape.
pub trait ReportReading: Send + Sync {
    /// The figures now, and what time it is, in milliseconds since 1970; `None` where no reports are kept.
    fn report_figures(&self) -> Option<(Figures, u64)>;
}

fn made() -> Opts {
    Opts::new(
        "upf_usage_reports_total",
        "Usage reports made, by Usage Report Trigger; one of several triggers counts for each.",
    )
}

fn settled() -> Opts {
    Opts::new(
        "upf_usage_reports_settled_total",
        "Usage reports that control planes had to acknowledge and that wait no longer, by what became of them.",
    )
}

fn waiting() -> Opts {
    Opts::new(
        "upf_usage_reports_unacknowledged",
        "Usage reports that wait for a control plane's acknowledgement.",
    )
}

fn oldest() -> Opts {
    Opts::new(
        "upf_usage_reports_oldest_age_seconds",
        "Age of the oldest usage report that waits for an acknowledgement; 0 where none does.",
    )
}

fn refused() -> Opts {
    Opts::new(
        "upf_usage_requests_refused_total",
        "Session Report Requests with usage reports that control planes refused; they are sent again.",
    )
}

fn failures() -> Opts {
    Opts::new(
        "upf_usage_failures_total",
        "Failures to write usage reports to the store or to the export; they are tried again.",
    )
}

fn lost() -> Opts {
    Opts::new(
        "upf_usage_export_lost_total",
        "Usage reports that are missing in the export.",
    )
}

/// Reads through to a [`ReportReading`].
pub(super) struct UsageCollector {
    reading: Arc<dyn ReportReading>,
    descriptions: Vec<Desc>,
}

impl UsageCollector {
    pub(super) fn new(reading: Arc<dyn ReportReading>) -> prometheus::Result<Self> {
        let with_labels = [
            made().variable_label("trigger"),
            settled().variable_label("outcome"),
            waiting(),
            oldest(),
            refused(),
            failures().variable_label("of"),
            lost(),
        ];
        let descriptions = with_labels.iter().map(Describer::describe);
        Ok(Self {
            reading,
            descriptions: descriptions.collect::<Result<_, _>>()?,
        })
    }
}

impl Collector for UsageCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some((figures, now_ms)) = self.reading.report_figures() else {
            return Vec::new();
        };
        families(&figures, now_ms).unwrap_or_else(|error| {
            tracing::warn!(%error, "figures of usage reports cannot be shown");
            Vec::new()
        })
    }
}

fn families(figures: &Figures, now_ms: u64) -> prometheus::Result<Vec<MetricFamily>> {
    // Triggers that have not come yet are 0, so that their first report is an increase.
    let of_trigger = |name: &'static str| (name, figures.made.get(name).copied().unwrap_or(0));
    let settled_as = [
        (
            "acknowledged",
            figures.acknowledged.saturating_sub(figures.unknown_session),
        ),
        ("unknown_session", figures.unknown_session),
        ("given_up", figures.given_up),
        ("turned_away", figures.turned_away),
    ];
    let failed = [
        ("store", figures.store_failures),
        ("export", figures.export_failures),
    ];
    let age_ms = figures.oldest_ms.map_or(0, |at| now_ms.saturating_sub(at));
    let age = Gauge::with_opts(oldest())?;
    age.set(age_ms as f64 / 1000.0);
    Ok([
        labelled(made(), "trigger", TRIGGERS.map(of_trigger))?,
        labelled(settled(), "outcome", settled_as)?,
        gauge(waiting(), figures.waiting)?,
        age.collect(),
        counter(refused(), figures.refused)?,
        labelled(failures(), "of", failed)?,
        counter(lost(), figures.export_lost)?,
    ]
    .concat())
}

fn labelled(
    options: Opts,
    label: &str,
    values: impl IntoIterator<Item = (&'static str, u64)>,
) -> prometheus::Result<Vec<MetricFamily>> {
    let counters = IntCounterVec::new(options, &[label])?;
    for (value, count) in values {
        counters.with_label_values(&[value]).inc_by(count);
    }
    Ok(counters.collect())
}
