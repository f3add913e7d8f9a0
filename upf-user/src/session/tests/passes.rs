//! Sessions follow a change of PFDs moments later.

use std::time::Duration;

use super::applications::{flows, heavy, pfds, remotes, with_application};
use super::requests::*;
use super::world::World;
use crate::datapath::chaos::Chaos;
use crate::pfcp::ie::{Cause, NodeId};
use crate::pfcp::service::SessionService;

const FLOWS: [&str; 3] = [
    "permit out 6 from 192.0.2.1/32 to assigned",
    "permit out 17 from 192.0.2.2/32 to assigned",
    "permit out 17 from 192.0.2.3/32 to assigned",
];

/// As the control plane has it from now on.
fn provision(world: &mut World, flow: &str) {
    let request = pfds("video", &[flows(&[flow])]);
    world
        .sessions
        .provision_pfds(&smf(), &request, world.now)
        .unwrap();
}

/// Sessions with the application as it is first, in the order of their SEIDs.
fn with_users(count: u8) -> (World, Vec<u64>) {
    let mut world = World::new();
    provision(&mut world, FLOWS[0]);
    assert_eq!(world.sessions.next_deadline(), None, "nobody has to follow");
    let mut seids: Vec<_> = (1..=count)
        .map(|n| with_application(&mut world, &format!("10.45.0.{n}"), "video").unwrap())
        .collect();
    seids.sort_unstable();
    (world, seids)
}

/// How many sessions have each of the flows.
fn counts(world: &World, seids: &[u64]) -> [usize; 3] {
    FLOWS.map(|flow| {
        let has_it = |seid: &&u64| remotes(world, **seid) == [flow];
        seids.iter().filter(has_it).count()
    })
}

fn is_due(world: &World) -> bool {
    let due = world.sessions.next_deadline();
    due.is_some_and(|due| due <= world.now)
}

#[test]
fn sessions_follow_in_slices() {
    let (mut world, seids) = with_users(10);
    world.sessions.tick_portion.sessions = 4;
    provision(&mut world, FLOWS[1]);
    assert_eq!(counts(&world, &seids), [10, 0, 0]);
    for expected in [[6, 4, 0], [2, 8, 0], [0, 10, 0]] {
        assert!(is_due(&world));
        world.sessions.tick(world.now);
        assert_eq!(counts(&world, &seids), expected);
        world.check();
    }
    assert_eq!(world.sessions.next_deadline(), None);
    // A new session, and one that is changed, do not wait.
    provision(&mut world, FLOWS[2]);
    world.modify(seids[9], &idle()).unwrap();
    let new = with_application(&mut world, "10.45.1.1", "video").unwrap();
    assert_eq!(counts(&world, &[seids[8], seids[9], new]), [0, 1, 2]);
}

#[test]
fn a_change_during_a_pass_makes_another_one_follow() {
    let (mut world, seids) = with_users(10);
    world.sessions.tick_portion.sessions = 4;
    provision(&mut world, FLOWS[1]);
    world.sessions.tick(world.now);
    provision(&mut world, FLOWS[2]);
    world.sessions.tick(world.now);
    assert_eq!(counts(&world, &seids), [2, 4, 4], "the rest is not starved");
    world.sessions.tick(world.now);
    assert_eq!(counts(&world, &seids), [0, 2, 8]);
    world.sessions.tick(world.now);
    assert_eq!(counts(&world, &seids), [0, 0, 10]);
    world.drain();
    assert_eq!(world.sessions.next_deadline(), None);
    world.check();
}

#[test]
fn control_planes_take_turns() {
    let (mut world, seids) = with_users(9);
    let other = NodeId::Fqdn("smf.example.org".to_owned());
    let now = world.now;
    let mut changed = |flow: &str| {
        let request = pfds("video", &[flows(&[flow])]);
        let outcome = world.sessions.provision_pfds(&other, &request, now);
        outcome.unwrap();
    };
    changed(FLOWS[0]);
    let mut request = pgw_u(8, ue(Some("10.45.1.1"), None));
    let application = crate::pfcp::message::Pdi {
        application_id: Some("video".to_owned()),
        ..pdi(crate::pfcp::ie::Interface::Core)
    };
    request
        .create_pdrs
        .push(pdr(5, Some(5), 1, &[], application));
    let established = world.sessions.establish(&other, 0, &request, now).unwrap();
    let others = established.up_f_seid.seid;
    world.sessions.tick_portion.sessions = 3;
    provision(&mut world, FLOWS[1]);
    let request = pfds("video", &[flows(&[FLOWS[1]])]);
    world
        .sessions
        .provision_pfds(&other, &request, now)
        .unwrap();
    for _ in 0..2 {
        world.sessions.tick(now);
    }
    assert_eq!(remotes(&world, others), [FLOWS[1]]);
    let [old, new, _] = counts(&world, &seids);
    assert!(old > 0 && new > 0, "{old} {new}");
    world.drain();
    assert_eq!(counts(&world, &seids), [0, 9, 0]);
}

/// A session that cannot be compiled keeps its old filters, and does not keep others from following.
#[test]
fn who_cannot_follow_is_tried_again() {
    let mut failures = 0;
    for stays_broken in [false, true] {
        for n in 0.. {
            let (mut world, seids) = with_users(4);
            world.tables.set(if stays_broken {
                Chaos::From(n)
            } else {
                Chaos::Nth(n)
            });
            provision(&mut world, FLOWS[1]);
            world.sessions.tick(world.now);
            world.settle();
            world.check();
            let [old, new, _] = counts(&world, &seids);
            assert_eq!(old + new, 4);
            if old == 0 {
                break;
            }
            assert!(stays_broken || old == 1, "write {n}: {old}");
            failures += 1;
            let again = world.sessions.next_deadline().unwrap();
            assert_eq!(again, world.now + Duration::from_secs(1));
            // A request that fails does not change that.
            for seid in &seids {
                world.modify(*seid, &tunnel(99, 1, GNB)).unwrap_err();
            }
            assert_eq!(world.sessions.next_deadline(), Some(again));
            world.now = again;
            world.sessions.tick(again);
            assert_eq!(counts(&world, &seids), [0, 4, 0]);
            assert_eq!(world.sessions.next_deadline(), None);
            world.check();
        }
    }
    assert!(failures > 10, "{failures}");
}

#[test]
fn what_has_ended_does_not_follow() {
    let (mut world, _) = with_users(4);
    world.sessions.tick_portion.sessions = 0;
    provision(&mut world, FLOWS[1]);
    world.sessions.delete_all(&smf(), world.now);
    assert!(with_application(&mut world, "10.45.0.9", "video").is_err());
    provision(&mut world, FLOWS[2]);
    let seid = with_application(&mut world, "10.45.0.1", "video").unwrap();
    world.tables.with(|tables| tables.take_end_markers());
    world.drain();
    assert_eq!(remotes(&world, seid), [FLOWS[2]]);
    assert_eq!(world.sessions.len(), 1);
    world.check();
}

/// Each session that has not followed keeps a version alive.
#[test]
fn old_versions_take_a_bounded_amount_of_memory() {
    let mut world = World::new();
    let provision = |world: &mut World, request: &_| {
        let outcome = world.sessions.provision_pfds(&smf(), request, world.now);
        outcome.map_err(|refusal| refusal.cause)
    };
    let video = |port: usize| {
        let flow = format!("permit out 6 from 192.0.2.1/32 {port} to assigned");
        pfds("video", &[flows(&[flow.as_str()])])
    };
    provision(&mut world, &video(1)).unwrap();
    let fits = |n: &usize| provision(&mut world, &heavy(&n.to_string())) == Ok(());
    let count = (0..).take_while(fits).count();
    assert!(count > 10, "without sessions only the last version lives");
    world.sessions.tick_portion.sessions = 0;
    let mut users = 0;
    let mut join = |world: &mut World| {
        users += 1;
        with_application(world, &format!("10.45.0.{users}"), "video").unwrap();
    };
    // Versions share what does not change.
    for n in 0..20 {
        join(&mut world);
        provision(&mut world, &video(n + 2)).unwrap();
    }
    for n in 0..count {
        join(&mut world);
        provision(&mut world, &heavy(&n.to_string())).unwrap();
    }
    // As many anew as there are.
    let mut anew = video(30);
    for n in 0..count {
        anew.applications.extend(heavy(&n.to_string()).applications);
    }
    let versions = (0..).take_while(|_| {
        join(&mut world);
        provision(&mut world, &anew) == Ok(())
    });
    let versions = versions.count();
    assert!((1..4).contains(&versions), "{versions}");
    assert_eq!(provision(&mut world, &anew), Err(Cause::Congestion));
    let other = NodeId::Fqdn("smf.example.org".to_owned());
    let outcome = world.sessions.provision_pfds(&other, &video(1), world.now);
    assert_eq!(outcome, Ok(()), "it is not to blame");
    // Nothing is not too much, and what has been followed is not there any more.
    let nothing = crate::pfcp::message::PfdManagementRequest::default();
    provision(&mut world, &nothing).unwrap();
    assert_eq!(provision(&mut world, &video(1)), Err(Cause::Congestion));
    world.drain();
    provision(&mut world, &video(1)).unwrap();
    world.drain();
    world.check();
}
