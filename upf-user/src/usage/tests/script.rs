//! The words of URRs.
//!
//! `2: VOLUM DURAT VOLTH TIMTH vth=1000 tth=60` is URR 2 (1 if nothing is said) with two methods and two triggers. Amounts
//! are of the total, or `t..,u..,d..`; times are seconds, and Monitoring Times seconds since the script's begin.
//! In an update, words that are not there stay as they are.

use super::world::BEGIN;
use crate::pfcp::ie::{
    DroppedTrafficThreshold, MeasurementMethod as Method, ReportingTriggers, Volumes,
    measurement_information as info,
};
use crate::pfcp::message::{AdditionalMonitoringTime, UpdateUrr};

/// A row of a table.
pub(super) struct Row {
    pub(super) clause: &'static str,
    pub(super) name: &'static str,
    pub(super) urrs: &'static str,
    pub(super) steps: &'static str,
}

pub(super) const fn row(
    clause: &'static str,
    name: &'static str,
    urrs: &'static str,
    steps: &'static str,
) -> Row {
    Row {
        clause,
        name,
        urrs,
        steps,
    }
}

/// Methods, triggers and Measurement Information by name.
const METHODS: [(&str, u8); 3] = [
    ("DURAT", Method::DURAT),
    ("VOLUM", Method::VOLUM),
    ("EVENT", Method::EVENT),
];
const TRIGGERS: [(&str, u32); 17] = [
    ("PERIO", ReportingTriggers::PERIO),
    ("VOLTH", ReportingTriggers::VOLTH),
    ("TIMTH", ReportingTriggers::TIMTH),
    ("QUHTI", ReportingTriggers::QUHTI),
    ("START", ReportingTriggers::START),
    ("STOPT", ReportingTriggers::STOPT),
    ("DROTH", ReportingTriggers::DROTH),
    ("LIUSA", ReportingTriggers::LIUSA),
    ("VOLQU", ReportingTriggers::VOLQU),
    ("TIMQU", ReportingTriggers::TIMQU),
    ("ENVCL", ReportingTriggers::ENVCL),
    ("EVETH", ReportingTriggers::EVETH),
    ("EVEQU", ReportingTriggers::EVEQU),
    ("QUVTI", ReportingTriggers::QUVTI),
    ("REEMR", ReportingTriggers::REEMR),
    ("UPINT", ReportingTriggers::UPINT),
    ("NOTRIGGER", 0),
];
const INFORMATION: [(&str, u8); 5] = [
    ("MBQE", info::MBQE),
    ("INAM", info::INAM),
    ("ISTM", info::ISTM),
    ("MNOP", info::MNOP),
    ("NOINFO", 0),
];

/// A URR, or an update of one.
pub(super) fn settings(text: &str) -> UpdateUrr {
    let (id, words) = text.split_once(": ").unwrap_or(("1", text));
    let mut urr = UpdateUrr {
        id: number(id.trim()),
        ..UpdateUrr::default()
    };
    words
        .split_whitespace()
        .for_each(|word| set(&mut urr, word));
    urr
}

fn set(urr: &mut UpdateUrr, word: &str) {
    if let Some((key, value)) = word.split_once('=') {
        return set_value(urr, key, value);
    }
    let bit = |names: &[(&str, u8)]| {
        let named = names.iter().find(|(name, _)| *name == word);
        named.map(|(_, bit)| *bit)
    };
    if let Some(bit) = bit(&METHODS) {
        urr.measurement_method.get_or_insert_default().0 |= bit;
    } else if let Some(bit) = bit(&INFORMATION) {
        *urr.measurement_information.get_or_insert(0) |= bit;
    } else {
        let named = TRIGGERS.iter().find(|(name, _)| *name == word);
        let (_, bit) = named.unwrap_or_else(|| panic!("{word}"));
        urr.reporting_triggers.get_or_insert_default().0 |= bit;
    }
}

fn set_value(urr: &mut UpdateUrr, key: &str, value: &str) {
    let seconds = || Some(number(value));
    match key {
        "vth" => urr.volume_threshold = Some(volumes(value)),
        "vqu" => urr.volume_quota = Some(volumes(value)),
        "tth" => urr.time_threshold = seconds(),
        "tqu" => urr.time_quota = seconds(),
        "eth" => urr.event_threshold = seconds(),
        "equ" => urr.event_quota = seconds(),
        "period" => urr.measurement_period = seconds(),
        "hold" => urr.quota_holding_time = seconds(),
        "valid" => urr.quota_validity_time = seconds(),
        "idt" => urr.inactivity_detection_time = seconds(),
        "reports" => urr.number_of_reports = value.parse().ok(),
        "dropp" => dropped(urr).packets = value.parse().ok(),
        "dropb" => dropped(urr).octets = value.parse().ok(),
        "link" => urr.linked_urr_ids = value.split(',').map(number).collect(),
        "mon" => urr.monitoring_time = Some(moment(value)),
        "svth" => urr.subsequent_volume_threshold = Some(volumes(value)),
        "svqu" => urr.subsequent_volume_quota = Some(volumes(value)),
        "stth" => urr.subsequent_time_threshold = seconds(),
        "stqu" => urr.subsequent_time_quota = seconds(),
        "seth" => urr.subsequent_event_threshold = seconds(),
        "sequ" => urr.subsequent_event_quota = seconds(),
        "add" => urr.additional_monitoring_times.push(additional(value)),
        _ => panic!("{key}"),
    }
}

fn dropped(urr: &mut UpdateUrr) -> &mut DroppedTrafficThreshold {
    urr.dropped_downlink_traffic_threshold
        .get_or_insert_default()
}

/// `20/svth=5/stqu=3`.
fn additional(text: &str) -> AdditionalMonitoringTime {
    let mut parts = text.split('/');
    let time = parts.next().expect("a time");
    let mut urr = UpdateUrr::default();
    parts.for_each(|word| set(&mut urr, word));
    AdditionalMonitoringTime {
        monitoring_time: moment(time),
        subsequent_volume_threshold: urr.subsequent_volume_threshold,
        subsequent_time_threshold: urr.subsequent_time_threshold,
        subsequent_volume_quota: urr.subsequent_volume_quota,
        subsequent_time_quota: urr.subsequent_time_quota,
        subsequent_event_threshold: urr.subsequent_event_threshold,
        subsequent_event_quota: urr.subsequent_event_quota,
    }
}

fn moment(text: &str) -> u32 {
    let seconds: i32 = text.parse().expect("seconds");
    BEGIN.ntp_seconds().wrapping_add_signed(seconds)
}

fn volumes(text: &str) -> Volumes {
    let mut volumes = Volumes::default();
    for part in text.split(',') {
        let place = match part.as_bytes()[0] {
            b'u' => &mut volumes.uplink,
            b'd' => &mut volumes.downlink,
            _ => &mut volumes.total,
        };
        let digits = part.trim_start_matches(['t', 'u', 'd']);
        let most = (digits == "max").then_some(u64::MAX);
        *place = Some(most.unwrap_or_else(|| digits.parse().expect("bytes")));
    }
    volumes
}

pub(super) fn number(text: &str) -> u32 {
    if text == "max" {
        return u32::MAX;
    }
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}
