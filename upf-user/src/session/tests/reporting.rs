//! Triggers that sessions have a part in: what is held back and dropped, starts and stops of traffic, URRs without PDR, End
//! Markers (TS 29.244 clauses 5.2.2.3 and 8.2.19).

use std::time::Duration;

use upf_common::abi::{NO_MARK, UsageTail};

use super::charging::{URR, charged, pass, pass_record, tail, told, total, urr};
use super::requests::*;
use super::world::{World, teid_of};
use crate::datapath::{Account, Datapath as _, Reached, SlotIndex, UsageIndex};
use crate::pfcp::ie::{
    DroppedTrafficThreshold, MeasurementMethod, ReportingTriggers, UsageReportTrigger as Why,
    measurement_information,
};
use crate::pfcp::message::{CreateUrr, SessionModificationRequest, UpdatePdr, UpdateUrr};
use crate::pfcp::service::SessionService as _;

const UE: &str = "10.45.0.2";

/// Volume before QoS enforcement, in packets too.
fn before_qos(triggers: u32, settings: UpdateUrr) -> CreateUrr {
    let mut urr = urr(URR, triggers, settings);
    urr.settings.measurement_information =
        Some(measurement_information::MBQE | measurement_information::MNOP);
    urr
}

fn without_urrs(pdrs: &[u16]) -> SessionModificationRequest {
    let update = |id: &u16| UpdatePdr {
        urr_ids: Some(Vec::new()),
        ..update_pdr(*id)
    };
    SessionModificationRequest {
        update_pdrs: pdrs.iter().map(update).collect(),
        ..SessionModificationRequest::default()
    }
}

impl World {
    fn slot(&self) -> SlotIndex {
        self.slot_of_address(1, UE.parse().unwrap()).unwrap()
    }

    /// The record of the session's only URR.
    fn only_record(&self) -> u32 {
        let usage = self.downlink(1, UE).usage;
        self.tables
            .with(|tables| tables.usage_set(usage).unwrap().records[0])
    }

    fn tail_of(&self, record: u32) -> UsageTail {
        self.tables
            .with(|tables| tables.usage(record).unwrap().tail)
    }

    /// QoS enforcement holds packets of 100 bytes back.
    fn hold_back(&self, record: u32, uplink: u64) {
        self.tables.with(|tables| {
            let usage = tables.usage_mut(record).unwrap();
            for drops in [&mut usage.tail.uplink, &mut usage.uplink.dropped] {
                drops.packets += uplink;
                drops.bytes += 100 * uplink;
            }
        });
    }

    /// Time passes, and what is due is done; the reports.
    fn pass_time(&mut self, time: Duration) -> Vec<(u32, u32, [Option<u64>; 2])> {
        self.now += time;
        self.set_fast_path_clock();
        self.sessions.tick(self.now);
        self.reported().iter().map(told).collect()
    }

    /// A packet from the UE passes, and the fast path, which was asked to, tells of it.
    fn start_traffic(&mut self, account: Account) {
        self.set_fast_path_clock();
        let now_ns = self.tables.now_ns();
        self.tables.with(|tables| match account {
            Account::Slot(slot) => tables.slot_mut(slot.0).unwrap().uplink.state.last_ns = now_ns,
            Account::Record(index) => tables.usage_mut(index.0).unwrap().uplink.last_ns = now_ns,
        });
        self.reach(account, Reached::Threshold);
    }

    fn set_fast_path_clock(&self) {
        let since = self.now.duration_since(self.sessions.config.clock.instant);
        let now_ns = 1 + since.as_nanos() as u64;
        self.tables.with(|tables| tables.set_time(now_ns));
    }
}

#[test]
fn what_qos_holds_back_is_seen_within_a_second() {
    let mut world = World::new();
    let settings = UpdateUrr {
        volume_threshold: total(1000),
        ..UpdateUrr::default()
    };
    let urr = before_qos(ReportingTriggers::VOLTH, settings);
    world.established(&charged(UE, &[urr]));
    let record = world.only_record();
    assert_eq!(world.tail_of(record).threshold, 1000);
    // Seven packets of ten do not pass.
    world.hold_back(record, 7);
    assert_eq!(world.pass_time(Duration::from_millis(900)), []);
    assert_eq!(world.pass_time(Duration::from_millis(150)), []);
    // The fast path tells once three have passed.
    assert_eq!(world.tail_of(record).threshold, 300);
    pass_record(&world, record, 2, 1);
    world.reach(Account::Record(UsageIndex(record)), Reached::Threshold);
    let reports: Vec<_> = world.reported().iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::VOLTH, [Some(9), Some(1)])]);
    assert_eq!(world.tail_of(record).threshold, 1300);
    // Or none of them.
    world.hold_back(record, 10);
    let due = Duration::from_millis(1100);
    assert_eq!(
        world.pass_time(due),
        [(URR, Why::VOLTH, [Some(10), Some(0)])]
    );
    world.check();
}

#[test]
fn what_qos_holds_back_uses_a_quota_up() {
    let mut world = World::new();
    let settings = UpdateUrr {
        volume_quota: total(1000),
        ..UpdateUrr::default()
    };
    let urr = before_qos(ReportingTriggers::VOLQU, settings);
    let seid = world.established(&charged(UE, &[urr]));
    let record = world.only_record();
    world.hold_back(record, 4);
    assert_eq!(world.pass_time(Duration::from_millis(1100)), []);
    assert_eq!(world.tail_of(record).quota, 600);
    world.hold_back(record, 6);
    let due = Duration::from_millis(1100);
    assert_eq!(
        world.pass_time(due),
        [(URR, Why::VOLQU, [Some(10), Some(0)])]
    );
    assert_eq!(world.tail_of(record).quota, 0, "nothing passes");
    assert_eq!(world.sessions.next_deadline(), None, "nothing is looked at");
    world.ended(seid);
    world.check();
}

#[test]
fn dropped_traffic_is_reported_by_itself() {
    let mut world = World::new();
    let settings = UpdateUrr {
        dropped_downlink_traffic_threshold: Some(DroppedTrafficThreshold {
            packets: Some(5),
            octets: None,
        }),
        ..UpdateUrr::default()
    };
    let urr = urr(URR, ReportingTriggers::DROTH, settings);
    world.established(&charged(UE, &[urr]));
    let slot = world.slot();
    let drop = |world: &World, packets| {
        world.tables.with(|tables| {
            let tail = &mut tables.slot_mut(slot.0).unwrap().tail;
            tail.downlink.packets += packets;
            tail.downlink.bytes += 100 * packets;
        });
    };
    drop(&world, 4);
    assert_eq!(world.pass_time(Duration::from_secs(1)), []);
    drop(&world, 1);
    let due = Duration::from_millis(1001);
    let expected = [(URR, Why::DROTH, [Some(0), Some(0)])];
    assert_eq!(world.pass_time(due), expected);
    assert_eq!(world.pass_time(due), [], "it counts anew");
    drop(&world, 5);
    assert_eq!(world.pass_time(due), expected);
}

#[test]
fn starts_of_traffic_are_events() {
    let mut world = World::new();
    let mut urr = urr(
        URR,
        ReportingTriggers::EVETH | ReportingTriggers::EVEQU,
        UpdateUrr {
            event_threshold: Some(1),
            event_quota: Some(1),
            inactivity_detection_time: Some(5),
            ..UpdateUrr::default()
        },
    );
    urr.measurement_method = MeasurementMethod(MeasurementMethod::EVENT);
    world.established(&charged(UE, &[urr]));
    let slot = world.slot();
    let account = Account::Slot(slot);
    // The fast path tells of the first packet.
    assert_eq!(tail(&world, slot.0).threshold, 1);
    pass(&world, slot.0, 1, 0);
    world.start_traffic(account);
    let reports = world.reported();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].trigger.0, Why::EVETH | Why::EVEQU);
    assert_eq!(reports[0].event_time_stamps.len(), 1);
    // That traffic goes on until it stops.
    let limits = tail(&world, slot.0);
    assert_eq!((limits.threshold, limits.quota), (NO_MARK, NO_MARK));
    assert_eq!(world.pass_time(Duration::from_millis(5100)), []);
    assert_eq!(tail(&world, slot.0).quota, 0);
}

#[test]
fn the_last_pdr_leaves_a_urr() {
    let mut world = World::new();
    let threshold = UpdateUrr {
        volume_threshold: total(1000),
        ..UpdateUrr::default()
    };
    let triggers = ReportingTriggers::VOLTH | ReportingTriggers::STOPT | ReportingTriggers::START;
    let seid = world.established(&charged(UE, &[urr(URR, triggers, threshold)]));
    let slot = world.slot();
    pass(&world, slot.0, 2, 3);
    world.start_traffic(Account::Slot(slot));
    let start = world.reported();
    assert_eq!(start[0].trigger.0, Why::START);
    // One PDR still has it.
    assert_eq!(world.changed(seid, &without_urrs(&[1])), []);
    let reports = world.changed(seid, &without_urrs(&[2]));
    assert_eq!(
        reports.iter().map(told).collect::<Vec<_>>(),
        [(URR, Why::TERMR | Why::STOPT, [Some(2), Some(3)])]
    );
    assert_eq!(reports[0].sequence, start[0].sequence + 1);
    assert_eq!(world.changed(seid, &without_urrs(&[2])), []);
    // The URR is there, and counts again for another PDR.
    let again = SessionModificationRequest {
        update_pdrs: vec![UpdatePdr {
            urr_ids: Some(vec![URR]),
            ..update_pdr(1)
        }],
        ..SessionModificationRequest::default()
    };
    assert_eq!(world.changed(seid, &again), []);
    world.check();
    // It may have found a record; its traffic starts anew.
    let Some(account) = world.sessions.sessions[&seid]
        .seating
        .usages()
        .first()
        .map(|seat| seat.account)
    else {
        panic!("it is not counted");
    };
    match account {
        Account::Slot(slot) => pass(&world, slot.0, 0, 4),
        Account::Record(record) => pass_record(&world, record.0, 0, 4),
    }
    world.now += Duration::from_secs(1);
    world.start_traffic(account);
    let reports = world.reported();
    assert_eq!(reports[0].trigger.0, Why::START);
    let last: Vec<_> = world.ended(seid).iter().map(told).collect();
    assert_eq!(last, [(URR, Why::TERMR, [Some(0), Some(4)])]);
}

#[test]
fn a_removed_pdr_leaves_its_urr_as_well() {
    let mut world = World::new();
    let seid = world.established(&charged(UE, &[urr(URR, 0, UpdateUrr::default())]));
    let slot = world.slot();
    pass(&world, slot.0, 1, 6);
    let removal = SessionModificationRequest {
        remove_pdrs: vec![1, 2],
        ..SessionModificationRequest::default()
    };
    let reports: Vec<_> = world.changed(seid, &removal).iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::TERMR, [Some(1), Some(6)])]);
    let last: Vec<_> = world.ended(seid).iter().map(told).collect();
    assert_eq!(last, [(URR, Why::TERMR, [Some(0), Some(0)])]);
    world.check();
}

#[test]
fn a_urr_that_is_removed_or_replaced_with_its_pdrs_reports_once() {
    let mut world = World::new();
    let plain = || urr(URR, 0, UpdateUrr::default());
    let seid = world.established(&charged(UE, &[plain()]));
    let mut replaced = without_urrs(&[1, 2]);
    replaced.remove_urrs = vec![URR];
    replaced.create_urrs = vec![plain()];
    let reports: Vec<_> = world.changed(seid, &replaced).iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::TERMR, [Some(0), Some(0)])]);
    let removal = SessionModificationRequest {
        remove_urrs: vec![URR],
        ..SessionModificationRequest::default()
    };
    let reports: Vec<_> = world.changed(seid, &removal).iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::TERMR, [Some(0), Some(0)])]);
    assert_eq!(world.ended(seid), []);
}

#[test]
fn end_markers_of_a_tunnel_are_reported_by_its_urrs() {
    let mut world = World::new();
    let wants = urr(URR, ReportingTriggers::REEMR, UpdateUrr::default());
    let mut request = charged(UE, &[wants, urr(8, 0, UpdateUrr::default())]);
    request.create_pdrs[0].urr_ids = vec![8];
    let established = world.establish(&request).unwrap();
    let teid = teid_of(&established.created_pdrs, 2);
    world
        .sessions
        .end_marker_received(teid ^ 1 << 31, world.now);
    assert_eq!(world.reported(), []);
    for expected in [&[(URR, Why::EMRRE, [Some(0), Some(0)])][..], &[]] {
        world.sessions.end_marker_received(teid, world.now);
        let reports: Vec<_> = world.reported().iter().map(told).collect();
        assert_eq!(reports, expected, "three of them are one end");
    }
    world.sessions.delete_all(&smf(), world.now);
    world.sessions.end_marker_received(teid, world.now);
    assert_eq!(world.reported(), []);
}
