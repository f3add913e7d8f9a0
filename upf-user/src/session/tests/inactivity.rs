//! The User Plane Inactivity Timer of sessions (clause 5.11.3).

use std::time::{Duration, Instant};

use super::requests::*;
use super::world::World;
use crate::datapath::SlotIndex;
use crate::pfcp::message::{SessionEstablishmentRequest, SessionModificationRequest};
use crate::pfcp::service::SessionService as _;

const NOBODY: [u64; 0] = [];

fn watched(seconds: u32) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some("10.45.0.2"), None));
    request.user_plane_inactivity_timer = Some(seconds);
    request
}

/// Sessions that are reported so many seconds after `begin`; the fast path's clock counts from there, too.
fn silent(world: &mut World, begin: Instant, seconds: u64) -> Vec<u64> {
    world
        .tables
        .with(|tables| tables.set_time(seconds * 1_000_000_000 + 1));
    world.now = begin + Duration::from_secs(seconds);
    world.sessions.tick(world.now);
    let reports = world.sessions.take_reports();
    let reports = reports.into_iter().map(|(owner, report)| {
        assert_eq!(owner, smf());
        assert!(report.request.is_user_plane_inactive);
        report.seid
    });
    reports.collect()
}

/// A packet passes now.
fn pass(world: &World, slot: SlotIndex) {
    world.tables.with(|tables| {
        let now_ns = crate::datapath::Datapath::now_ns(tables);
        tables.slot_mut(slot.0).unwrap().downlink.state.last_ns = now_ns;
    });
}

#[test]
fn silence_is_told_once_and_again_after_packets() {
    let mut world = World::new();
    let seid = world.established(&watched(60));
    let (begin, slot) = (
        world.now,
        world.slot_of_address(1, "10.45.0.2".parse().unwrap()),
    );
    let due = world.sessions.next_deadline().unwrap();
    assert!(due <= begin + Duration::from_secs(60));
    assert_eq!(silent(&mut world, begin, 59), NOBODY);
    assert_eq!(silent(&mut world, begin, 61), [seid]);
    assert_eq!(silent(&mut world, begin, 125), NOBODY);
    assert_eq!(silent(&mut world, begin, 130), NOBODY);
    pass(&world, slot.unwrap());
    // Looked at, and silent since 130 s only.
    assert_eq!(silent(&mut world, begin, 186), NOBODY);
    assert_eq!(silent(&mut world, begin, 189), NOBODY);
    assert_eq!(silent(&mut world, begin, 191), [seid]);
    assert_eq!(silent(&mut world, begin, 300), NOBODY);
}

#[test]
fn a_timer_is_changed_taken_back_and_ends_with_its_session() {
    let mut world = World::new();
    let seid = world.established(&watched(60));
    let begin = world.now;
    let timer = |seconds| SessionModificationRequest {
        user_plane_inactivity_timer: Some(seconds),
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &timer(600)).unwrap();
    assert_eq!(silent(&mut world, begin, 70), NOBODY);
    world.modify(seid, &timer(600)).unwrap();
    assert_eq!(
        silent(&mut world, begin, 602),
        [seid],
        "the same timer goes on"
    );
    world.modify(seid, &timer(0)).unwrap();
    assert_eq!(silent(&mut world, begin, 2000), NOBODY);
    world.modify(seid, &timer(60)).unwrap();
    world.delete(seid).unwrap();
    assert!(world.sessions.idle_deadlines.is_empty());
    assert_eq!(silent(&mut world, begin, 9000), NOBODY);
}
