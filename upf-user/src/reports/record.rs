//! A usage report as a line of the export.

use serde::{Deserialize, Serialize};

use super::{MadeReport, utc};
use crate::bandwidth::Imsi;

/// Names of Usage Report Trigger's bits, from the lowest of octet 5 on (TS 29.244 clause 8.2.41).
pub const TRIGGERS: [&str; 22] = [
    "PERIO", "VOLTH", "TIMTH", "QUHTI", "START", "STOPT", "DROTH", "IMMER", "VOLQU", "TIMQU",
    "LIUSA", "TERMR", "MONIT", "ENVCL", "MACAR", "EVETH", "EVEQU", "TEBUR", "IPMJL", "QUVTI",
    "EMRRE", "UPINT",
];
/// Names of Usage Information's bits (clause 8.2.60).
const INFORMATION: [&str; 4] = ["BEF", "AFT", "UAE", "UBE"];

/// How a control plane gets a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// In a Session Report Request, which it has to acknowledge.
    Report,
    /// In the answer to its modification or deletion.
    Answer,
}

/// One line of the export: a usage report. Times are in UTC as RFC 3339 writes them; what was not measured is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Number of the record. They grow from line to line and over restarts; one that is seen twice is the same record.
    pub record: u64,
    /// When the report was made, to the millisecond.
    pub time: String,
    /// Node ID of the control plane.
    pub node: String,
    /// Our SEID.
    pub seid: u64,
    /// The control plane's SEID, when the report was made.
    pub cp_seid: u64,
    /// The subscriber's IMSI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imsi: Option<Imsi>,
    /// The DNN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnn: Option<Box<str>>,
    /// The UE's addresses and prefixes.
    pub ue_addresses: Vec<Box<str>>,
    /// How the control plane gets the report.
    pub delivery: Delivery,
    /// URR ID.
    pub urr_id: u32,
    /// UR-SEQN: grows by one from report to report of a URR.
    pub sequence: u32,
    /// Usage Report Trigger, by the names of clause 8.2.41.
    pub triggers: Vec<String>,
    /// Start Time, to the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// End Time, to the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Both directions, octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_octets: Option<u64>,
    /// From the UE, octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink_octets: Option<u64>,
    /// To the UE, octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downlink_octets: Option<u64>,
    /// Both directions, packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_packets: Option<u64>,
    /// From the UE, packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink_packets: Option<u64>,
    /// To the UE, packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downlink_packets: Option<u64>,
    /// Duration Measurement, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u32>,
    /// Time of First Packet, to the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_packet: Option<String>,
    /// Time of Last Packet, to the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_packet: Option<String>,
    /// Usage Information, by the names of clause 8.2.60: before or after the monitoring time, after or before QoS
    /// enforcement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage_information: Vec<String>,
    /// Query URR Reference: the control plane's query that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_urr_reference: Option<u32>,
    /// Event Time Stamps, to the second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
}

impl UsageRecord {
    /// The record of a report.
    #[must_use]
    pub fn new(record: u64, delivery: Delivery, made: &MadeReport) -> Self {
        let report = &made.report;
        let volume = report.volume.unwrap_or_default();
        let time = |ntp: u32| utc::seconds(utc::unix_of(ntp));
        let information = u32::from(report.usage_information.unwrap_or_default());
        Self {
            record,
            time: utc::millis(made.made_ms),
            node: made.node.to_string(),
            seid: made.seid,
            cp_seid: made.cp_seid,
            imsi: made.imsi,
            dnn: made.dnn.clone(),
            ue_addresses: made.ue_addresses.clone(),
            delivery,
            urr_id: report.urr_id,
            sequence: report.sequence,
            triggers: triggers(report.trigger.0).map(str::to_owned).collect(),
            start: report.start_time.map(time),
            end: report.end_time.map(time),
            total_octets: volume.octets.total,
            uplink_octets: volume.octets.uplink,
            downlink_octets: volume.octets.downlink,
            total_packets: volume.packets.total,
            uplink_packets: volume.packets.uplink,
            downlink_packets: volume.packets.downlink,
            duration_seconds: report.duration,
            first_packet: report.first_packet.map(time),
            last_packet: report.last_packet.map(time),
            usage_information: names(&INFORMATION, information)
                .map(str::to_owned)
                .collect(),
            query_urr_reference: report.query_urr_reference,
            events: report.event_time_stamps.iter().copied().map(time).collect(),
        }
    }
}

/// The names of a Usage Report Trigger's bits.
pub(super) fn triggers(bits: u32) -> impl Iterator<Item = &'static str> {
    names(&TRIGGERS, bits)
}

fn names(names: &'static [&'static str], bits: u32) -> impl Iterator<Item = &'static str> {
    let is_set = move |bit: &usize| bits >> *bit & 1 == 1;
    (0..names.len()).filter(is_set).map(|bit| names[bit])
}
