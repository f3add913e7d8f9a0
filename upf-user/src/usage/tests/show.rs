//! Reports and limits as the rows write them, with everything that is in them.
//!
//! `2#0 VOLTH+PERIO 0..6 400/600 3/1p 5s first=1 last=5 BEF ref=7 at=1,2` is URR 2 (nothing is said for 1), UR-SEQN 0, its
//! triggers, start and end, uplink and downlink bytes, packets, duration, first and last packet, Usage Information, Query URR
//! Reference and Event Time Stamps, each where it is there.

use super::world::BEGIN;
use crate::pfcp::ie::{UsageReportTrigger as Why, Volumes, usage_information as info};
use crate::pfcp::message::UsageReport;
use crate::usage::{Limits, Marks, Millis};

const TRIGGERS: [(u32, &str); 19] = [
    (Why::PERIO, "PERIO"),
    (Why::VOLTH, "VOLTH"),
    (Why::TIMTH, "TIMTH"),
    (Why::QUHTI, "QUHTI"),
    (Why::START, "START"),
    (Why::STOPT, "STOPT"),
    (Why::DROTH, "DROTH"),
    (Why::IMMER, "IMMER"),
    (Why::VOLQU, "VOLQU"),
    (Why::TIMQU, "TIMQU"),
    (Why::LIUSA, "LIUSA"),
    (Why::TERMR, "TERMR"),
    (Why::MONIT, "MONIT"),
    (Why::ENVCL, "ENVCL"),
    (Why::EVETH, "EVETH"),
    (Why::EVEQU, "EVEQU"),
    (Why::QUVTI, "QUVTI"),
    (Why::EMRRE, "EMRRE"),
    (Why::UPINT, "UPINT"),
];
const INFORMATION: [(u8, &str); 4] = [
    (info::BEF, "BEF"),
    (info::AFT, "AFT"),
    (info::UAE, "UAE"),
    (info::UBE, "UBE"),
];

/// A report.
pub(super) fn report(report: &UsageReport) -> String {
    let mut words = Vec::new();
    let id = if report.urr_id == 1 {
        String::new()
    } else {
        report.urr_id.to_string()
    };
    words.push(format!("{id}#{}", report.sequence));
    words.push(triggers(report.trigger.0));
    match (report.start_time, report.end_time) {
        (Some(start), Some(end)) => words.push(format!("{}..{}", seconds(start), seconds(end))),
        (None, None) => {}
        other => words.push(format!("{other:?}")),
    }
    if let Some(volume) = &report.volume {
        words.push(both(&volume.octets));
        if volume.packets != Volumes::default() {
            words.push(both(&volume.packets) + "p");
        }
    }
    let mut add = |word: Option<String>| words.extend(word);
    add(report.duration.map(|seconds| format!("{seconds}s")));
    add(report
        .first_packet
        .map(|at| format!("first={}", seconds(at))));
    add(report.last_packet.map(|at| format!("last={}", seconds(at))));
    if let Some(bits) = report.usage_information {
        let named = INFORMATION.iter().filter(|(bit, _)| bits & bit != 0);
        named.for_each(|(_, name)| add(Some((*name).to_owned())));
    }
    let reference = report.query_urr_reference;
    add(reference.map(|reference| format!("ref={reference}")));
    if !report.event_time_stamps.is_empty() {
        let stamps = report.event_time_stamps.iter();
        let stamps: Vec<_> = stamps.map(|at| seconds(*at).to_string()).collect();
        add(Some(format!("at={}", stamps.join(","))));
    }
    words.join(" ")
}

fn triggers(bits: u32) -> String {
    let all = TRIGGERS.iter().fold(0, |all, (bit, _)| all | bit);
    assert_eq!(bits & !all, 0);
    let named = TRIGGERS.iter().filter(|(bit, _)| bits & bit != 0);
    let names: Vec<_> = named.map(|(_, name)| *name).collect();
    names.join("+")
}

/// Uplink and downlink; the total has to be their sum.
fn both(volumes: &Volumes) -> String {
    let (uplink, downlink) = (
        volumes.uplink.expect("uplink"),
        volumes.downlink.expect("downlink"),
    );
    assert_eq!(volumes.total, Some(uplink.saturating_add(downlink)));
    format!("{uplink}/{downlink}")
}

fn seconds(ntp: u32) -> i32 {
    ntp.wrapping_sub(BEGIN.ntp_seconds()).cast_signed()
}

/// Limits: marks of thresholds and quotas.
pub(super) fn limits(limits: &Limits) -> String {
    let mut words = Vec::new();
    let mut mark = |name: &str, mark: Option<u64>| {
        words.extend(mark.map(|mark| format!("{name}={mark}")));
    };
    let Limits {
        threshold,
        quota,
        is_stopped,
        tells_next_packet,
    } = *limits;
    for (kind, marks) in [("th", threshold), ("qu", quota)] {
        let Marks {
            total,
            uplink,
            downlink,
        } = marks;
        mark(kind, total);
        mark(&format!("{kind}u"), uplink);
        mark(&format!("{kind}d"), downlink);
    }
    let flags = [(is_stopped, "stopped"), (tells_next_packet, "tells")];
    let set = flags.into_iter().filter(|(is_set, _)| *is_set);
    words.extend(set.map(|(_, name)| name.to_owned()));
    words.join(" ")
}

/// Seconds since the script's begin, with a fraction if there is one.
pub(super) fn moment(at: Millis) -> String {
    (at.since(BEGIN) as f64 / 1000.0).to_string()
}
