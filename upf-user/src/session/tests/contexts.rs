//! What sessions keep for another process, and how that goes on.

use std::net::Ipv4Addr;
use std::path::Path;

use super::applications::{flows, pfds, remotes, with_application};
use super::requests::*;
use super::world::World;
use crate::datapath::MapsId;
use crate::pfcp::ie::{CpFunctionFeatures, FqCsid, FqCsidNode, NodeId};
use crate::pfcp::kept::{GivenAnswer, KeptAnswer, KeptAssociation, KeptNode};
use crate::pfcp::message::{PfdManagementRequest, SessionEstablishmentRequest};
use crate::pfcp::service::SessionService as _;
use crate::reports::Outbox;
use crate::session::endings::Endings;
use crate::store::SessionStore;

/// A world whose sessions keep what they have to there.
fn world_in(state: &Path) -> World {
    let mut world = World::new();
    let store = SessionStore::open(state).unwrap();
    let outbox = Outbox::open(store, None, 0).unwrap();
    world.sessions.keep_in(outbox, MapsId(1));
    world
}

fn store(world: &mut World) -> &mut SessionStore {
    world.sessions.outbox().unwrap().store()
}

fn set(csid: u16) -> FqCsid {
    FqCsid {
        node: FqCsidNode::Address(Ipv4Addr::new(10, 0, 0, 1).into()),
        csids: vec![csid],
        node_type: Some(2),
    }
}

fn of_set(n: u8, csid: u16) -> SessionEstablishmentRequest {
    let mut request = pgw_u(n.into(), ue(Some(&format!("10.45.0.{n}")), None));
    request.fq_csids = vec![set(csid)];
    request
}

#[test]
fn what_the_node_keeps_is_written_whole_when_the_turn_ends() {
    let state = tempfile::tempdir().unwrap();
    let mut world = world_in(state.path());
    let association = KeptAssociation {
        address: ([192, 0, 2, 1], 8805).into(),
        addresses: vec![[192, 0, 2, 1].into()],
        recovery_time_stamp: 7,
        cp_features: CpFunctionFeatures(1),
        since_ms: 1,
        is_releasing: false,
        release_at_ms: None,
    };
    let answer = KeptAnswer::Given(GivenAnswer {
        from: association.address,
        sequence: 1,
        request_hash: 2,
        bytes: vec![3],
        until_ms: u64::MAX,
    });
    let sessions = &mut world.sessions;
    sessions.keep_association(&smf(), Some(&association));
    sessions.keep_answer(answer.clone());
    sessions.keep_sequence(9);
    assert_eq!(store(&mut world).node().unwrap(), KeptNode::default());
    world.sessions.take_usage_owners();
    let expected = KeptNode {
        associations: vec![(smf(), association)],
        answers: vec![answer],
        next_sequence: Some(9),
    };
    assert_eq!(store(&mut world).node().unwrap(), expected);
    world.sessions.keep_association(&smf(), None);
    world.sessions.take_usage_owners();
    assert_eq!(store(&mut world).node().unwrap().associations, []);
}

#[test]
fn without_a_store_nothing_heaps_up() {
    let mut world = World::new();
    for _ in 0..10 {
        world.sessions.keep_answer(KeptAnswer::Void {
            peer: [192, 0, 2, 1].into(),
            until_ms: 1,
        });
        world.sessions.keep_association(&smf(), None);
        world.sessions.keep_sequence(1);
    }
    assert!(world.sessions.made.contexts.is_empty());
}

#[test]
fn pfds_go_on_until_they_or_the_association_are_gone() {
    let state = tempfile::tempdir().unwrap();
    let mut world = world_in(state.path());
    let (first, second) = (
        "permit out 6 from 192.0.2.1/32 443,8000-8010 to assigned",
        "permit out ip from 2001:db8::/32 to assigned 99",
    );
    let provision = |world: &mut World, request: &PfdManagementRequest| {
        let (sessions, now) = (&mut world.sessions, world.now);
        sessions.provision_pfds(&smf(), request, now).unwrap();
        sessions.take_usage_owners();
    };
    provision(&mut world, &pfds("video", &[flows(&[first, second])]));
    provision(&mut world, &pfds("voice", &[flows(&[second])]));
    provision(&mut world, &pfds("gone", &[flows(&[first])]));
    provision(&mut world, &pfds("gone", &[]));
    let before = world.sessions.applications[&smf()].kept();
    drop(world);

    let mut world = world_in(state.path());
    let kept = store(&mut world).applications().unwrap();
    world.sessions.restore_applications(kept);
    assert_eq!(world.sessions.applications[&smf()].kept(), before);
    let seid = with_application(&mut world, "10.45.0.2", "video").unwrap();
    assert_eq!(remotes(&world, seid), [first, second]);
    assert!(with_application(&mut world, "10.45.0.3", "gone").is_err());
    // What it takes is counted as it was.
    provision(&mut world, &pfds("video", &[flows(&[second])]));
    world.drain();
    assert_eq!(remotes(&world, seid), [second]);
    let weight = |world: &World| world.sessions.applications[&smf()].of_version();
    let mut fresh = World::new();
    provision(&mut fresh, &pfds("video", &[flows(&[second])]));
    provision(&mut fresh, &pfds("voice", &[flows(&[second])]));
    assert_eq!(weight(&world), weight(&fresh));

    let now = world.now;
    world.sessions.delete_all(&smf(), now);
    world.sessions.take_usage_owners();
    assert_eq!(store(&mut world).applications().unwrap(), []);
}

#[test]
fn sessions_follow_pfds_that_had_changed_just_before() {
    let mut world = World::new();
    let (sessions, now) = (&mut world.sessions, world.now);
    let request = pfds("video", &[flows(&["permit out ip from 192.0.2.1 to any"])]);
    sessions.provision_pfds(&smf(), &request, now).unwrap();
    let seid = with_application(&mut world, "10.45.0.2", "video").unwrap();
    let before = remotes(&world, seid);
    // The pass over sessions is lost with the process.
    let request = pfds("video", &[flows(&["permit out ip from 192.0.2.2 to any"])]);
    let now = world.now;
    world
        .sessions
        .provision_pfds(&smf(), &request, now)
        .unwrap();
    world.sessions.passes.remove(&smf());
    assert_eq!(remotes(&world, seid), before);
    world.sessions.go_on(Vec::new(), now);
    world.drain();
    assert_ne!(remotes(&world, seid), before);
    world.check();
}

/// The process is killed when sets, and then all, are deleted and not a session is removed yet.
#[test]
fn sessions_that_had_ended_have_ended_for_the_next_process() {
    let state = tempfile::tempdir().unwrap();
    for ends_all in [false, true] {
        let mut world = world_in(state.path());
        world.sessions.tick_portion.sessions = 0;
        let other = NodeId::Fqdn("other.example.org".to_owned());
        let mut seids: Vec<_> = [1, 1, 2]
            .iter()
            .zip(2..)
            .map(|(csid, n)| world.established(&of_set(n, *csid)))
            .collect();
        let now = world.now;
        let others = world.sessions.establish(&other, 0, &of_set(9, 1), now);
        let others = others.unwrap().up_f_seid.seid;
        if ends_all {
            world.sessions.delete_all(&smf(), now);
        } else {
            let sets = [set(1), set(7)];
            world.sessions.delete_sets(&smf(), &sets, now).unwrap();
        }
        // It begins after the end, and is not meant.
        seids.push(world.established(&of_set(5, 1)));
        world.sessions.tick(now);
        world.sessions.take_usage_owners();
        let slots = world.sessions.endings.slots();

        // Sessions are as they were.
        world.sessions.endings = Endings::default();
        let endings = store(&mut world).endings().unwrap();
        assert_eq!(endings.len(), 1);
        world.sessions.go_on(endings, now);
        let found = |world: &World| {
            let views = world.sessions.list(None, usize::MAX);
            let mut seids: Vec<_> = views.iter().map(|view| view.seid).collect();
            seids.sort_unstable();
            seids
        };
        let mut living = vec![others, seids[3]];
        living.extend((!ends_all).then_some(seids[2]));
        living.sort_unstable();
        assert_eq!(found(&world), living);
        assert_eq!(world.sessions.endings.slots(), slots);
        assert_eq!(world.sessions.len(), 5);
        world.drain();
        assert_eq!(world.sessions.len(), living.len());
        world.check();
        world.sessions.take_usage_owners();
        assert_eq!(store(&mut world).endings().unwrap(), []);
        // The next end means all that are there.
        let now = world.now;
        world.sessions.delete_all(&smf(), now);
        assert_eq!(found(&world), [others]);
        world.drain();
    }
}

#[test]
fn sessions_of_before_are_meant_by_ends_that_come_later() {
    let mut world = World::new();
    let now = world.now;
    // Ends are counted, so that sessions begin after some of them.
    world.established(&of_set(2, 1));
    world.sessions.delete_all(&smf(), now);
    world.drain();
    let seid = world.established(&of_set(3, 1));
    world.sessions.endings = Endings::default();
    world.sessions.go_on(Vec::new(), now);
    world.sessions.delete_sets(&smf(), &[set(1)], now).unwrap();
    assert_eq!(world.sessions.view(seid), None);
}
