//! Figures of the data path, read at scrape time.

use std::sync::Arc;

use prometheus::core::{Collector, Desc, Describer};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use upf_common::abi::{DirectionCounters, LevelCounters, NO_CLASS, PortCounters, level, of_level};
use upf_common::drop_reason::{DropReason, PuntReason};

/// What the collector asks at each scrape.
pub trait Reading: Send + Sync {
    /// The figures now; `None` while they cannot be read, and then no figure of the data path is shown.
    fn figures(&self) -> Option<Figures>;
}

/// All figures of the data path at one moment, summed over the CPUs.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Inner packets and bytes from the radio, and what was dropped of them.
    pub uplink: DirectionCounters,
    /// Inner packets and bytes to the radio, and what was dropped of them.
    pub downlink: DirectionCounters,
    /// Packets handed to the kernel, by [`PuntReason`].
    pub punted: [u64; PuntReason::COUNT],
    /// Packets that should have been copied (DUPL) and did not reach the agent.
    pub copies_lost: u64,
    /// One entry a device.
    pub devices: Vec<DeviceCounters>,
    /// Sessions there are.
    pub sessions: u64,
    /// Slots in use.
    pub slots: u64,
    /// Slots there are.
    pub capacity: u64,
    /// PFCP associations there are.
    pub associations: u64,
    /// Limits in use that sessions share.
    pub limits: u64,
    /// Limits of that kind that there are.
    pub limit_capacity: u64,
    /// Records of URRs in use.
    pub usage_records: u64,
    /// Records of URRs that there are.
    pub usage_record_capacity: u64,
    /// Names of the speed classes.
    pub classes: Arc<[String]>,
    /// What limits have done ([`of_level`]); a class's number is its place in `classes` from 1 on.
    pub levels: Vec<LevelCounters>,
}

/// Frames of one device.
#[derive(Debug, Clone, Default)]
pub struct DeviceCounters {
    /// Linux name.
    pub device: String,
    /// Frames and bytes each way.
    pub counters: PortCounters,
}

const DIRECTION: &str = "direction";
const OF_LIMITS: [&str; 4] = ["level", "class", DIRECTION, "outcome"];
/// Labels of [`level`].
const LEVELS: [&str; level::COUNT] = ["flow", "session", "sim", "customer"];

fn packets() -> Opts {
    Opts::new("upf_packets_total", "Inner packets forwarded.")
}

fn bytes() -> Opts {
    Opts::new(
        "upf_bytes_total",
        "Inner bytes forwarded, from the inner IP header on.",
    )
}

fn dropped() -> Opts {
    Opts::new(
        "upf_dropped_packets_total",
        "Packets that were ours and were not forwarded.",
    )
}

fn punted() -> Opts {
    Opts::new(
        "upf_punted_packets_total",
        "Packets that were ours and were handed to the kernel.",
    )
}

fn uncopied() -> Opts {
    Opts::new(
        "upf_uncopied_packets_total",
        "Packets of which the copy that their rules want (DUPL) did not reach the agent.",
    )
}

fn interface_packets() -> Opts {
    Opts::new(
        "upf_interface_packets_total",
        "Frames that arrived at a device, ours or not, and frames that the fast path sent.",
    )
}

fn interface_bytes() -> Opts {
    Opts::new(
        "upf_interface_bytes_total",
        "Bytes of the frames that arrived at a device, and of those that the fast path sent.",
    )
}

fn limited_packets() -> Opts {
    Opts::new(
        "upf_limited_packets_total",
        "Inner packets that limits let pass, marked or dropped; marked ones have passed as well.",
    )
}

fn limited_bytes() -> Opts {
    Opts::new(
        "upf_limited_bytes_total",
        "Inner bytes that limits let pass, marked or dropped; marked ones have passed as well.",
    )
}

fn limits() -> Opts {
    Opts::new(
        "upf_limits",
        "Limits in use beside the one of each flow: of SIMs, customers, and QERs that sessions share.",
    )
}

fn limit_capacity() -> Opts {
    Opts::new(
        "upf_limit_capacity",
        "Limits that there are beside the one of each flow.",
    )
}

fn usage_records() -> Opts {
    Opts::new(
        "upf_usage_records",
        "Records of URRs in use: of those that slots do not count for.",
    )
}

fn usage_record_capacity() -> Opts {
    Opts::new(
        "upf_usage_record_capacity",
        "Records of URRs that there are.",
    )
}

fn sessions() -> Opts {
    Opts::new("upf_sessions", "PFCP sessions established.")
}

fn slots() -> Opts {
    Opts::new(
        "upf_slots",
        "Slots in use: one a PFCP session, and one more for each further tunnel or UE address.",
    )
}

fn capacity() -> Opts {
    Opts::new(
        "upf_session_capacity",
        "Slots that there are: room for as many PFCP sessions with one tunnel and one UE address.",
    )
}

fn associations() -> Opts {
    Opts::new(
        "upf_pfcp_associations",
        "PFCP associations that are set up.",
    )
}

/// Reads through to a [`Reading`].
pub(super) struct DataPathCollector {
    reading: Arc<dyn Reading>,
    descriptions: Vec<Desc>,
}

impl DataPathCollector {
    pub(super) fn new(reading: Arc<dyn Reading>) -> prometheus::Result<Self> {
        let with_labels = [
            packets().variable_label(DIRECTION),
            bytes().variable_label(DIRECTION),
            dropped().variable_labels(vec![DIRECTION.to_owned(), "reason".to_owned()]),
            punted().variable_label("reason"),
            uncopied(),
            interface_packets().variable_labels(vec!["device".to_owned(), "way".to_owned()]),
            interface_bytes().variable_labels(vec!["device".to_owned(), "way".to_owned()]),
            sessions(),
            slots(),
            capacity(),
            associations(),
            limited_packets().variable_labels(OF_LIMITS.map(str::to_owned).to_vec()),
            limited_bytes().variable_labels(OF_LIMITS.map(str::to_owned).to_vec()),
            limits(),
            limit_capacity(),
            usage_records(),
            usage_record_capacity(),
        ];
        let descriptions = with_labels
            .iter()
            .map(Describer::describe)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            reading,
            descriptions,
        })
    }
}

impl Collector for DataPathCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(figures) = self.reading.figures() else {
            return Vec::new();
        };
        families(&figures).unwrap_or_else(|error| {
            tracing::warn!(%error, "figures of the data path cannot be shown");
            Vec::new()
        })
    }
}

fn families(figures: &Figures) -> prometheus::Result<Vec<MetricFamily>> {
    let mut families = Vec::new();
    families.extend(forwarded(figures)?);
    families.extend(refused(figures)?);
    families.extend(counter(uncopied(), figures.copies_lost)?);
    families.extend(devices(figures)?);
    families.extend(gauge(sessions(), figures.sessions)?);
    families.extend(gauge(slots(), figures.slots)?);
    families.extend(gauge(capacity(), figures.capacity)?);
    families.extend(gauge(associations(), figures.associations)?);
    families.extend(limited(figures)?);
    families.extend(gauge(limits(), figures.limits)?);
    families.extend(gauge(limit_capacity(), figures.limit_capacity)?);
    families.extend(gauge(usage_records(), figures.usage_records)?);
    families.extend(gauge(
        usage_record_capacity(),
        figures.usage_record_capacity,
    )?);
    Ok(families)
}

fn forwarded(figures: &Figures) -> prometheus::Result<Vec<MetricFamily>> {
    let packets = IntCounterVec::new(packets(), &[DIRECTION])?;
    let bytes = IntCounterVec::new(bytes(), &[DIRECTION])?;
    for (direction, counters) in directions(figures) {
        packets
            .with_label_values(&[direction])
            .inc_by(counters.packets);
        bytes.with_label_values(&[direction]).inc_by(counters.bytes);
    }
    Ok([packets.collect(), bytes.collect()].concat())
}

fn refused(figures: &Figures) -> prometheus::Result<Vec<MetricFamily>> {
    let dropped = IntCounterVec::new(dropped(), &[DIRECTION, "reason"])?;
    for (direction, counters) in directions(figures) {
        for (reason, count) in DropReason::ALL.iter().zip(counters.dropped) {
            dropped
                .with_label_values(&[direction, reason.label()])
                .inc_by(count);
        }
    }
    let punted = IntCounterVec::new(punted(), &["reason"])?;
    for (reason, count) in PuntReason::ALL.iter().zip(figures.punted) {
        punted.with_label_values(&[reason.label()]).inc_by(count);
    }
    Ok([dropped.collect(), punted.collect()].concat())
}

fn directions(figures: &Figures) -> [(&'static str, &DirectionCounters); 2] {
    [("uplink", &figures.uplink), ("downlink", &figures.downlink)]
}

fn devices(figures: &Figures) -> prometheus::Result<Vec<MetricFamily>> {
    let packets = IntCounterVec::new(interface_packets(), &["device", "way"])?;
    let bytes = IntCounterVec::new(interface_bytes(), &["device", "way"])?;
    for DeviceCounters { device, counters } in &figures.devices {
        packets
            .with_label_values(&[device.as_str(), "rx"])
            .inc_by(counters.rx_packets);
        packets
            .with_label_values(&[device.as_str(), "tx"])
            .inc_by(counters.tx_packets);
        bytes
            .with_label_values(&[device.as_str(), "rx"])
            .inc_by(counters.rx_bytes);
        bytes
            .with_label_values(&[device.as_str(), "tx"])
            .inc_by(counters.tx_bytes);
    }
    Ok([packets.collect(), bytes.collect()].concat())
}

/// Only SIMs have speed classes.
fn limited(figures: &Figures) -> prometheus::Result<Vec<MetricFamily>> {
    let packets = IntCounterVec::new(limited_packets(), &OF_LIMITS)?;
    let bytes = IntCounterVec::new(limited_bytes(), &OF_LIMITS)?;
    let metered = LevelCounters {
        uplink: figures.uplink.metered,
        downlink: figures.downlink.metered,
    };
    let show = |number: u16, class: &str, of: u8| {
        let LevelCounters { uplink, downlink } = of_level(&figures.levels, &metered, number, of);
        let name = LEVELS[usize::from(of)];
        for (direction, counted) in [("uplink", uplink), ("downlink", downlink)] {
            for (outcome, many, long) in [
                ("passed", counted.passed_packets, counted.passed_bytes),
                ("marked", counted.marked_packets, counted.marked_bytes),
                ("dropped", counted.dropped_packets, counted.dropped_bytes),
            ] {
                let labels = [name, class, direction, outcome];
                packets.with_label_values(&labels).inc_by(many);
                bytes.with_label_values(&labels).inc_by(long);
            }
        }
    };
    for of in [level::FLOW, level::SESSION, level::SIM, level::CUSTOMER] {
        show(NO_CLASS, "", of);
    }
    for (number, class) in (1..).zip(&*figures.classes) {
        show(number, class, level::SIM);
    }
    Ok([packets.collect(), bytes.collect()].concat())
}

pub(super) fn counter(options: Opts, value: u64) -> prometheus::Result<Vec<MetricFamily>> {
    let counter = IntCounter::with_opts(options)?;
    counter.inc_by(value);
    Ok(counter.collect())
}

pub(super) fn gauge(options: Opts, value: u64) -> prometheus::Result<Vec<MetricFamily>> {
    let gauge = IntGauge::with_opts(options)?;
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    Ok(gauge.collect())
}
