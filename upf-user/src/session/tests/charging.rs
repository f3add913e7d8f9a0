//! URRs of sessions (TS 29.244 clause 5.2.2): where they are counted, what the fast path is told, and what is reported.

use std::time::Duration;

use upf_common::abi::{NO_MARK, NO_USAGE, USAGE_RECORD, UsageTail, usage_flags};

use super::requests::*;
use super::world::World;
use crate::datapath::{Account, Reached, SlotIndex, UsageIndex};
use crate::pfcp::ie::{
    Interface, MeasurementMethod, ReportingTriggers, UsageReportTrigger as Why, Volumes,
    measurement_information,
};
use crate::pfcp::message::{
    CreateUrr, SessionDeletionRequest, SessionEstablishmentRequest, SessionModificationRequest,
    UpdatePdr, UpdateUrr, UsageReport,
};
use crate::pfcp::service::SessionService as _;

pub(super) const URR: u32 = 7;

pub(super) fn total(bytes: u64) -> Option<Volumes> {
    Some(Volumes {
        total: Some(bytes),
        ..Volumes::default()
    })
}

/// Volume, in packets too, with these triggers.
pub(super) fn urr(id: u32, triggers: u32, settings: UpdateUrr) -> CreateUrr {
    CreateUrr {
        id,
        measurement_method: MeasurementMethod(MeasurementMethod::VOLUM),
        reporting_triggers: ReportingTriggers(triggers),
        settings: UpdateUrr {
            measurement_information: Some(measurement_information::MNOP),
            ..settings
        },
    }
}

/// A session both of whose PDRs have the URRs.
pub(super) fn charged(address: &str, urrs: &[CreateUrr]) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some(address), None));
    request.create_pdrs.truncate(2);
    for pdr in &mut request.create_pdrs {
        pdr.urr_ids = urrs.iter().map(|urr| urr.id).collect();
    }
    request.create_urrs = urrs.to_vec();
    request
}

pub(super) fn threshold(bytes: u64) -> CreateUrr {
    let settings = UpdateUrr {
        volume_threshold: total(bytes),
        ..UpdateUrr::default()
    };
    urr(URR, ReportingTriggers::VOLTH, settings)
}

pub(super) fn quota(bytes: u64) -> CreateUrr {
    let settings = UpdateUrr {
        volume_quota: total(bytes),
        ..UpdateUrr::default()
    };
    urr(URR, ReportingTriggers::VOLQU, settings)
}

/// Grants another quota.
pub(super) fn refill(bytes: u64) -> SessionModificationRequest {
    SessionModificationRequest {
        update_urrs: vec![UpdateUrr {
            id: URR,
            volume_quota: total(bytes),
            ..UpdateUrr::default()
        }],
        ..SessionModificationRequest::default()
    }
}

/// Packets of 100 bytes pass a slot.
pub(super) fn pass(world: &World, slot: u32, uplink: u64, downlink: u64) {
    world.tables.with(|tables| {
        let slot = tables.slot_mut(slot).unwrap();
        for (half, packets) in [(&mut slot.uplink, uplink), (&mut slot.downlink, downlink)] {
            half.state.packets += packets;
            half.state.bytes += 100 * packets;
        }
    });
}

/// The same for a record.
pub(super) fn pass_record(world: &World, record: u32, uplink: u64, downlink: u64) {
    world.tables.with(|tables| {
        let usage = tables.usage_mut(record).unwrap();
        for (half, packets) in [(&mut usage.uplink, uplink), (&mut usage.downlink, downlink)] {
            half.packets += packets;
            half.bytes += 100 * packets;
        }
    });
}

pub(super) fn tail(world: &World, slot: u32) -> UsageTail {
    world.tables.with(|tables| tables.slot(slot).unwrap().tail)
}

/// Trigger, and packets up and down.
pub(super) fn told(report: &UsageReport) -> (u32, u32, [Option<u64>; 2]) {
    let volume = report.volume.unwrap_or_default();
    let packets = volume.packets;
    assert_eq!(
        volume.octets.uplink,
        packets.uplink.map(|packets| 100 * packets)
    );
    assert_eq!(
        volume.octets.downlink,
        packets.downlink.map(|packets| 100 * packets)
    );
    (
        report.urr_id,
        report.trigger.0,
        [packets.uplink, packets.downlink],
    )
}

impl World {
    /// The reports that have been made by themselves.
    pub(super) fn reported(&mut self) -> Vec<UsageReport> {
        let made = std::mem::take(&mut self.sessions.made.reports);
        made.into_iter().map(|made| made.report).collect()
    }

    pub(super) fn changed(
        &mut self,
        seid: u64,
        request: &SessionModificationRequest,
    ) -> Vec<UsageReport> {
        self.now += Duration::from_millis(100);
        let answer = self.sessions.modify(&smf(), seid, request, self.now);
        answer.outcome.unwrap().usage_reports
    }

    pub(super) fn ended(&mut self, seid: u64) -> Vec<UsageReport> {
        self.now += Duration::from_millis(100);
        let request = SessionDeletionRequest::default();
        let answer = self.sessions.delete(&smf(), seid, &request, self.now);
        answer.outcome.unwrap().usage_reports
    }

    pub(super) fn reach(&mut self, account: Account, what: Reached) {
        self.sessions.usage_reached(account, what, self.now);
    }
}

#[test]
fn a_slot_counts_for_the_one_urr_and_reports_at_its_threshold() {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[threshold(1000)]));
    let slot = world.downlink(1, "10.45.0.2");
    assert_eq!(slot.usage, NO_USAGE);
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    let limits = tail(&world, slot.0);
    assert_eq!((limits.threshold, limits.quota), (1000, NO_MARK));
    assert_eq!(
        limits.word % usage_flags::EPOCH,
        usage_flags::UPLINK | usage_flags::DOWNLINK
    );

    pass(&world, slot.0, 4, 7);
    world.reach(Account::Slot(slot), Reached::Threshold);
    let reports = world.reported();
    assert_eq!(
        reports.iter().map(told).collect::<Vec<_>>(),
        [(URR, Why::VOLTH, [Some(4), Some(7)])]
    );
    // It counts anew from there.
    assert_eq!(tail(&world, slot.0).threshold, 2100);
    world.reach(Account::Slot(slot), Reached::Threshold);
    assert_eq!(world.reported(), []);

    pass(&world, slot.0, 1, 0);
    let last = world.ended(seid);
    assert_eq!(
        last.iter().map(told).collect::<Vec<_>>(),
        [(URR, Why::TERMR, [Some(1), Some(0)])]
    );
    assert_eq!(last[0].sequence, reports[0].sequence + 1);
    assert_eq!(tail(&world, slot.0), UsageTail::default());
}

#[test]
fn a_quota_is_in_force_and_refilled() {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[quota(500)]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    assert_eq!(tail(&world, slot.0).quota, 500);
    pass(&world, slot.0, 2, 3);
    world.reach(Account::Slot(slot), Reached::Quota);
    let reports: Vec<_> = world.reported().iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::VOLQU, [Some(2), Some(3)])]);
    assert_eq!(tail(&world, slot.0).quota, 0, "nothing passes");
    assert_eq!(world.changed(seid, &refill(300)), []);
    assert_eq!(tail(&world, slot.0).quota, 800);
}

#[test]
fn a_query_answers_at_once_and_a_removal_with_the_last_report() {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[threshold(10_000)]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    pass(&world, slot.0, 1, 1);
    let query = SessionModificationRequest {
        query_urrs: vec![URR],
        query_urr_reference: Some(3),
        ..SessionModificationRequest::default()
    };
    let reports = world.changed(seid, &query);
    assert_eq!(told(&reports[0]), (URR, Why::IMMER, [Some(1), Some(1)]));
    assert_eq!(
        (reports.len(), reports[0].query_urr_reference),
        (1, Some(3))
    );

    pass(&world, slot.0, 0, 2);
    let update = |id| UpdatePdr {
        id,
        urr_ids: Some(Vec::new()),
        ..UpdatePdr::default()
    };
    let removal = SessionModificationRequest {
        remove_urrs: vec![URR],
        update_pdrs: vec![update(1), update(2)],
        ..SessionModificationRequest::default()
    };
    let reports = world.changed(seid, &removal);
    assert_eq!(
        reports.iter().map(told).collect::<Vec<_>>(),
        [(URR, Why::TERMR, [Some(0), Some(2)])]
    );
    assert_eq!(tail(&world, slot.0).threshold, NO_MARK);
    assert_eq!(world.ended(seid), []);
}

#[test]
fn a_packet_under_way_while_a_urr_takes_the_place_of_another_counts_once() {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[threshold(10_000)]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    pass(&world, slot.0, 3, 4);
    let update = |id| UpdatePdr {
        id,
        urr_ids: Some(vec![8]),
        ..UpdatePdr::default()
    };
    let replacement = SessionModificationRequest {
        remove_urrs: vec![URR],
        create_urrs: vec![CreateUrr {
            id: 8,
            ..threshold(10_000)
        }],
        update_pdrs: vec![update(1), update(2)],
        ..SessionModificationRequest::default()
    };
    world.tables.meanwhile(move |tables| {
        let downlink = &mut tables.slot_mut(slot.0).unwrap().downlink.state;
        (downlink.packets, downlink.bytes) = (5, 500);
    });
    let reports = world.changed(seid, &replacement);
    assert_eq!(
        reports.iter().map(told).collect::<Vec<_>>(),
        [(URR, Why::TERMR, [Some(3), Some(5)])]
    );
    assert_eq!(tail(&world, slot.0).threshold, 10_000 + 800);
    pass(&world, slot.0, 1, 2);
    let reports = world.ended(seid);
    assert_eq!(
        reports.iter().map(told).collect::<Vec<_>>(),
        [(8, Why::TERMR, [Some(1), Some(2)])]
    );
}

#[test]
fn a_second_urr_has_a_record_and_moves_lose_nothing() {
    let mut world = World::new();
    let second = urr(
        8,
        ReportingTriggers::VOLTH,
        UpdateUrr {
            volume_threshold: total(900),
            ..UpdateUrr::default()
        },
    );
    let seid = world.established(&charged("10.45.0.2", &[threshold(10_000), second]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    let rules = world.downlink(1, "10.45.0.2");
    let set = world
        .tables
        .with(|tables| *tables.usage_set(rules.usage).unwrap());
    let record = set.records[0];
    assert_eq!(set.records[1], NO_USAGE);
    let usage = world.tables.with(|tables| *tables.usage(record).unwrap());
    assert_eq!((usage.tail.threshold, usage.uplink.mark), (900, 0));
    assert_eq!(tail(&world, slot.0).threshold, 10_000);
    pass(&world, slot.0, 3, 4);
    pass_record(&world, record, 3, 4);

    // The first URR is the downlink's only, and has to leave the slot.
    let update = SessionModificationRequest {
        update_pdrs: vec![UpdatePdr {
            id: 2,
            urr_ids: Some(vec![8]),
            ..UpdatePdr::default()
        }],
        ..SessionModificationRequest::default()
    };
    assert_eq!(world.changed(seid, &update), []);
    let rules = world.downlink(1, "10.45.0.2");
    let set = world
        .tables
        .with(|tables| *tables.usage_set(rules.usage).unwrap());
    let moved = set.records[0];
    assert_eq!(set.records[1], record);
    let usage = world.tables.with(|tables| *tables.usage(moved).unwrap());
    // 700 bytes of its threshold were counted in the slot.
    assert_eq!(usage.tail.threshold, 9_300);
    pass(&world, slot.0, 1, 5);
    pass_record(&world, record, 1, 5);
    pass_record(&world, moved, 0, 5);
    world.reach(Account::Record(UsageIndex(record)), Reached::Threshold);
    let reports: Vec<_> = world.reported().iter().map(told).collect();
    assert_eq!(reports, [(8, Why::VOLTH, [Some(4), Some(9)])]);
    let mut last: Vec<_> = world.ended(seid).iter().map(told).collect();
    last.sort_unstable();
    assert_eq!(
        last,
        [
            (URR, Why::TERMR, [Some(3), Some(9)]),
            (8, Why::TERMR, [Some(0), Some(0)]),
        ]
    );
    assert!(record & USAGE_RECORD == 0);
}

#[test]
fn what_only_some_packets_of_a_half_count_for_has_a_record() {
    let mut world = World::new();
    let mut request = charged("10.45.0.2", &[threshold(1000)]);
    let mut web = request.create_pdrs[0].clone();
    web.id = 9;
    web.precedence = Some(1);
    web.pdi.sdf_filters = vec![sdf("permit out 6 from 192.0.2.80 443 to assigned")];
    web.urr_ids = Vec::new();
    assert_eq!(web.pdi.source_interface, Interface::Core);
    request.create_pdrs.push(web);
    world.established(&request);
    let entries = world.list(&world.downlink(1, "10.45.0.2"));
    let usages: Vec<_> = entries.iter().map(|entry| entry.rules.usage).collect();
    assert_eq!(usages[0], NO_USAGE);
    assert_ne!(usages[1], NO_USAGE);
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    assert_eq!(tail(&world, slot.0), UsageTail::default());
}

#[test]
fn time_makes_reports_due() {
    let mut world = World::new();
    let settings = UpdateUrr {
        measurement_period: Some(60),
        ..UpdateUrr::default()
    };
    let periodic = urr(URR, ReportingTriggers::PERIO, settings);
    world.established(&charged("10.45.0.2", &[periodic]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    pass(&world, slot.0, 5, 6);
    let due = world.sessions.next_deadline().unwrap();
    let wait = due.saturating_duration_since(world.now);
    assert!(
        wait <= Duration::from_secs(60) && wait > Duration::from_secs(59),
        "{wait:?}"
    );
    world.sessions.tick(due - Duration::from_millis(10));
    assert_eq!(world.reported(), []);
    world.sessions.tick(due + Duration::from_millis(10));
    let reports: Vec<_> = world.reported().iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::PERIO, [Some(5), Some(6)])]);
    let next = world.sessions.next_deadline().unwrap();
    assert!(next > due + Duration::from_secs(59));
}

#[test]
fn sessions_that_end_with_their_association_report_what_is_left() {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[threshold(1000)]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    pass(&world, slot.0, 5, 1);
    world.sessions.delete_all(&smf(), world.now);
    world.sessions.tick(world.now);
    let made = std::mem::take(&mut world.sessions.made.reports);
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].seid, &made[0].node), (seid, &smf()));
    assert_eq!(made[0].ue_addresses, ["10.45.0.2".into()]);
    assert_eq!(told(&made[0].report), (URR, Why::TERMR, [Some(5), Some(1)]));
    assert_eq!(
        world.sessions.books.holder_of_account(Account::Slot(slot)),
        None
    );
}

#[test]
fn a_refused_change_leaves_urrs_as_they_were() {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[threshold(1000)]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    pass(&world, slot.0, 1, 0);
    let before = world.state();
    let refused = SessionModificationRequest {
        query_urrs: vec![URR],
        create_urrs: vec![threshold(5)],
        ..SessionModificationRequest::default()
    };
    assert!(world.modify(seid, &refused).is_err());
    assert_eq!(world.state(), before);
    assert_eq!(world.ended(seid)[0].sequence, 0);
    assert_eq!(SlotIndex(slot.0), slot);
}
