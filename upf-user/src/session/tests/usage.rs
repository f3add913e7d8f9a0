//! What the REST API shows of usage.

use std::time::Duration;

use super::charging::{URR, charged, pass, quota, threshold};
use super::world::World;
use crate::bandwidth::Imsi;
use crate::datapath::{Account, Reached};
use crate::pfcp::ie::UserId;
use crate::session::{CountView, LeftView, SessionUsageView, SimUsageView};

fn look(world: &World, seid: u64) -> SessionUsageView {
    world.sessions.usage(seid, world.now).unwrap()
}

fn counted(packets: u64) -> CountView {
    CountView {
        packets,
        bytes: 100 * packets,
    }
}

fn imsi() -> Imsi {
    "001010000000007".parse().unwrap()
}

#[test]
fn a_session_shows_what_its_urrs_have_counted_by_now() {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[threshold(1000)]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    pass(&world, slot.0, 2, 3);
    let seen = look(&world, seid);
    let [urr] = &seen.urrs[..] else {
        panic!("{seen:?}");
    };
    assert_eq!((urr.id, &urr.methods[..]), (URR, &["volume"][..]));
    assert_eq!(urr.counted.uplink, counted(2));
    assert_eq!(urr.counted.downlink, counted(3));
    assert_eq!(urr.counted.total, counted(5));
    assert_eq!(
        (urr.unreported.traffic, seen.passed),
        (urr.counted, urr.counted)
    );
    let left = |given, left| Some(LeftView { given, left });
    assert_eq!(urr.thresholds.total_bytes, left(1000, 500));
    assert_eq!((urr.quotas.total_bytes, urr.last_sequence), (None, None));
    assert_eq!(seen, look(&world, seid), "a look changes nothing");

    pass(&world, slot.0, 5, 0);
    world.now += Duration::from_secs(1);
    world.reach(Account::Slot(slot), Reached::Threshold);
    let seen = look(&world, seid);
    let urr = &seen.urrs[0];
    assert_eq!(urr.counted.total, counted(10));
    assert_eq!(urr.unreported.traffic.total, counted(0));
    assert_eq!(urr.thresholds.total_bytes, left(1000, 1000));
    assert_eq!(urr.last_sequence, Some(0));
    assert!(urr.unreported.since > urr.since, "{urr:?}");
    world.ended(seid);
    assert_eq!(world.sessions.usage(seid, world.now), None);
}

#[test]
fn a_quota_that_is_used_up_shows() {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[quota(500)]));
    let slot = world
        .slot_of_address(1, "10.45.0.2".parse().unwrap())
        .unwrap();
    assert!(!look(&world, seid).urrs[0].is_stopped);
    pass(&world, slot.0, 5, 0);
    world.reach(Account::Slot(slot), Reached::Quota);
    let seen = look(&world, seid);
    let left = LeftView {
        given: 500,
        left: 0,
    };
    assert_eq!(seen.urrs[0].quotas.total_bytes, Some(left));
    assert!(seen.urrs[0].is_stopped);
}

#[test]
fn a_sim_has_the_sum_of_its_sessions_without_speed_classes_too() {
    let mut world = World::new();
    let addresses = ["10.45.0.2", "10.45.0.3"];
    let seids = addresses.map(|address| {
        let mut request = charged(address, &[threshold(1000)]);
        request.user_id = Some(UserId::of_imsi("001010000000007"));
        world.established(&request)
    });
    for (address, packets) in addresses.into_iter().zip([4, 7]) {
        let slot = world.slot_of_address(1, address.parse().unwrap()).unwrap();
        pass(&world, slot.0, packets, 1);
    }
    let mut expected = seids.to_vec();
    expected.sort_unstable();
    assert_eq!(world.sessions.sessions_of_sim(imsi()), Some(expected));
    let usage = SimUsageView::new(imsi(), seids.map(|seid| look(&world, seid)).to_vec());
    assert_eq!(usage.imsi, "001010000000007");
    assert_eq!(usage.passed.uplink, counted(11));
    assert_eq!(usage.passed.total, counted(13));
    assert_eq!(world.sessions.sim(imsi()).unwrap().sessions.len(), 2);

    world.ended(seids[0]);
    let last = Some(vec![seids[1]]);
    assert_eq!(world.sessions.sessions_of_sim(imsi()), last);
    world.ended(seids[1]);
    assert_eq!(world.sessions.sessions_of_sim(imsi()), None);
    assert_eq!(world.sessions.sim(imsi()), None);
}
