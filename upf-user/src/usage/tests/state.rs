//! What the engine keeps: how much, how long, and what it makes of clocks and counters that go wrong.

use super::script::settings;
use super::world::{BEGIN, World};
use crate::pfcp::ie::UsageReportTrigger as Why;
use crate::usage::engine::SessionUsage;
use crate::usage::interval::MAX_EVENT_STAMPS;
use crate::usage::meter::Meter;
use crate::usage::monitoring::MAX_PARTS;

fn world(urrs: &str) -> World {
    let mut world = World::default();
    urrs.split(';').for_each(|urr| world.create(&settings(urr)));
    world
}

/// An ordinary session has one URR with a volume threshold: nothing of it is on the heap but the URR itself.
#[test]
fn an_ordinary_session_takes_less_than_400_bytes() {
    let size = size_of::<SessionUsage>() + size_of::<Meter>();
    assert!(size < 400, "{size}");
    let mut usage = SessionUsage::default();
    usage.create(&settings("VOLUM VOLTH vth=1000"), BEGIN);
    assert_eq!(usage.heap_bytes(), size_of::<Meter>());
    usage.create(&settings("2: VOLUM VOLQU vqu=1000"), BEGIN);
    assert!(usage.heap_bytes() > 2 * size_of::<Meter>());
}

#[test]
fn parts_of_monitoring_times_are_reported_before_they_are_too_many() {
    let mut world = world("VOLUM NOTRIGGER");
    let mut reports = Vec::new();
    for second in 0..2 * MAX_PARTS {
        assert_eq!(reports.len() % (MAX_PARTS + 1), 0);
        reports.extend(world.run(&format!("{second}.5 up 10")));
        reports.extend(world.run(&format!("{second}.6 update mon={}", second + 1)));
        reports.extend(world.run(&format!("{} ", second + 1)));
    }
    assert_eq!(reports.len(), 2 * (MAX_PARTS + 1));
    assert!(reports.iter().all(|report| report.trigger.0 == Why::MONIT));
    let bytes = reports
        .iter()
        .filter_map(|report| report.volume?.octets.uplink);
    assert_eq!(bytes.sum::<u64>(), 20 * MAX_PARTS as u64);
}

#[test]
fn a_report_that_is_full_of_events_is_sent() {
    let mut world = world("EVENT EVETH eth=1000 idt=1");
    for second in 1..MAX_EVENT_STAMPS {
        assert_eq!(world.act(&format!("{second} up 1")), Vec::<String>::new());
    }
    let reports = world.run("100 up 1");
    assert_eq!(reports[0].trigger.0, Why::EVETH);
    assert_eq!(reports[0].event_time_stamps.len(), MAX_EVENT_STAMPS);
    assert_eq!(world.act("101 up 1"), Vec::<String>::new());
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut world = world("VOLUM DURAT ISTM PERIO period=10");
    assert_eq!(world.act("9 query"), ["#0 IMMER 0..9 0/0 9s"]);
    let totals = world.totals.clone();
    let read = |id| totals[&id];
    assert!(world.usage.poll(BEGIN, &read).is_empty());
    let reports = world.usage.query(&[1], None, BEGIN, &read);
    assert_eq!(reports[0].duration, Some(0));
    assert_eq!(reports[0].end_time, Some(BEGIN.ntp_seconds() + 9));
}

/// After a loss of power the counters may be those of an older snapshot than this state: what they lost was measured
/// already, and what comes then is measured once.
#[test]
fn counters_that_go_back_go_on_from_there() {
    let mut world = world("VOLUM VOLTH vth=1000");
    world.act("1 up 700");
    assert_eq!(world.act("2 query"), ["#0 IMMER 0..2 700/0 first=1 last=1"]);
    world.totals.entry(1).or_default().uplink.passed.bytes = 500;
    world.act("3 update MNOP");
    assert_eq!(world.act("4 limits"), ["th=1500"]);
    assert_eq!(world.act("5 up 999"), Vec::<String>::new());
    assert_eq!(
        world.act("6 up 1"),
        ["#1 VOLTH 2..6 1000/0 2/0p first=6 last=6"]
    );
}

/// Nobody polled between two packets that are further apart than the Inactivity Detection Time.
#[test]
fn a_silence_that_is_noticed_late_ended_when_it_did() {
    let mut world = world("DURAT STOPT START idt=5");
    assert_eq!(world.act("1 up 1"), ["#0 START"]);
    let totals = world.totals.get_mut(&1).expect("the URR");
    totals.uplink.passed.packets += 1;
    totals.uplink.passed.bytes += 1;
    totals.uplink.last_packet = Some(BEGIN.after_seconds(28));
    assert_eq!(world.act("30 late"), ["#1 START+STOPT"]);
    assert_eq!(world.act("31 query"), ["#2 IMMER 0..31 8s first=1 last=28"]);
}

#[test]
fn the_largest_numbers_overflow_nothing() {
    let mut world = world(
        "VOLUM DURAT EVENT VOLTH VOLQU TIMTH TIMQU EVETH EVEQU PERIO QUHTI QUVTI UPINT \
         vth=max vqu=18446744073709551614 tth=max tqu=max eth=max equ=max period=max hold=max \
         valid=max idt=max",
    );
    let totals = world.totals.get_mut(&1).expect("the URR");
    totals.uplink.passed.bytes = u64::MAX;
    totals.uplink.passed.packets = u64::MAX;
    totals.downlink.passed = totals.uplink.passed;
    let reports = world.run("5 query");
    let volume = reports[0].volume.expect("a volume");
    assert_eq!(volume.octets.total, Some(u64::MAX));
    assert_eq!(reports[0].trigger.0, Why::IMMER | Why::VOLQU);
    world
        .usage
        .poll(crate::usage::Millis(u64::MAX), &|_| Default::default());
}
