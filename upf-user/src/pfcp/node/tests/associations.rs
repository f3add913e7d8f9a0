//! Associations that control planes set up, and heartbeats.

use super::*;
use crate::pfcp::codec::AssociationUpdateRequest;
use crate::pfcp::codec::{AssociationSetupResponse, NodeResponse, Verdict};
use crate::pfcp::node::{Ending, FEATURES, MAX_ASSOCIATIONS, Trouble};

fn ended(reason: Ending) -> Event {
    Event::AssociationEnded {
        node: cp_node(),
        reason,
    }
}

fn establish(world: &mut World, sequence: u32) {
    let request = crate::pfcp::codec::tests::bytes::open5gs_establishment(sequence);
    world.ask(cp(), &request);
    assert_eq!(world.sessions.take_calls().last(), Some(&"establish"));
}

#[test]
fn a_setup_is_answered_with_who_we_are() {
    let mut world = World::new(&[]);
    let actions = world.receive(cp(), &setup(7, CP_STAMP));
    let expected = Message {
        seid: 0,
        sequence: 7,
        priority: None,
        body: Body::AssociationSetupResponse(AssociationSetupResponse {
            node_id: our_node(),
            verdict: Verdict::ACCEPTED,
            recovery_time_stamp: OUR_STAMP,
            up_function_features: Some(FEATURES),
            cp_function_features: None,
        }),
    };
    assert_eq!(read(&sent(&actions)[0].1), expected);
    let is_up = Event::AssociationSetUp {
        node: cp_node(),
        address: cp(),
    };
    assert_eq!(events(&actions), [is_up]);
    let views: Vec<_> = world.node.associations().collect();
    assert_eq!(views.len(), world.node.association_count());
    let [view] = &views[..] else {
        panic!("{views:?}");
    };
    assert_eq!((&view.node_id, view.address), (&cp_node(), cp()));
    assert_eq!(
        (view.recovery_time_stamp, view.since),
        (CP_STAMP, world.now)
    );
    assert!(view.reachable);
}

#[test]
fn a_setup_that_comes_again_as_a_request_of_its_own_ends_the_sessions() {
    let mut world = World::associated();
    establish(&mut world, 2);
    let again = world.answer(cp(), &setup(1, CP_STAMP));
    assert_eq!(
        world.sessions.take_calls(),
        [""; 0],
        "the same request, late"
    );
    assert_eq!(read(&again).sequence, 1);
    let actions = world.receive(cp(), &setup(3, CP_STAMP));
    assert_eq!(events(&actions)[0], ended(Ending::Replaced));
    assert_eq!(world.sessions.take_calls(), ["delete_all"]);
    assert_eq!(world.node.association_count(), 1);
}

#[test]
fn heartbeats_are_answered_to_everybody() {
    let mut world = World::new(&[]);
    let answer = world.ask(other(9), &heartbeat_request(4, 1));
    assert_eq!(answer.body, Body::HeartbeatResponse(heartbeat(OUR_STAMP)));
    assert_eq!(answer.sequence, 4);
}

#[test]
fn a_later_stamp_is_a_restart_and_an_earlier_one_is_not() {
    let mut world = World::associated();
    establish(&mut world, 2);
    for stamp in [CP_STAMP, CP_STAMP - 1] {
        let actions = world.receive(cp(), &heartbeat_request(3, stamp));
        assert_eq!((events(&actions).len(), sent(&actions).len()), (0, 1));
    }
    let elsewhere = world.receive(other(2), &heartbeat_request(3, CP_STAMP + 1));
    assert_eq!(events(&elsewhere), []);
    let actions = world.receive(cp(), &heartbeat_request(4, CP_STAMP + 1));
    assert_eq!(events(&actions), [ended(Ending::Restarted)]);
    assert_eq!(sent(&actions).len(), 1, "and it is answered");
    assert_eq!(world.sessions.take_calls(), ["delete_all"]);
    assert_eq!(world.node.next_deadline(), None);
}

#[test]
fn stamps_are_compared_over_the_turn_of_the_era() {
    let mut world = World::new(&[]);
    world.receive(cp(), &setup(1, 0xffff_fff0));
    let before = world.receive(cp(), &heartbeat_request(2, 0xffff_ff00));
    assert_eq!(events(&before), []);
    let after = world.receive(cp(), &heartbeat_request(3, 5));
    assert_eq!(events(&after), [ended(Ending::Restarted)]);
}

#[test]
fn nodes_at_one_address_are_told_apart_by_port() {
    let mut world = World::new(&[]);
    let name = |name: &str| NodeId::Fqdn(name.to_owned());
    let second = SocketAddr::new(cp().ip(), 9000);
    world.receive(cp(), &setup_of(name("a"), 1, 100));
    world.receive(second, &setup_of(name("b"), 1, 200));
    let actions = world.receive(second, &heartbeat_request(2, 200));
    assert_eq!(events(&actions), []);
    world.receive(second, &heartbeat_request(3, 201));
    let left: Vec<_> = world.node.associations().map(|a| a.node_id).collect();
    assert_eq!(left, [name("a")]);
}

#[test]
fn heartbeats_go_out_and_their_answers_are_taken() {
    let mut world = World::associated();
    let (sends, _) = split(&world.run(seconds(10)));
    let [(10, request)] = &sends[..] else {
        panic!("{sends:?}");
    };
    let request = read(request);
    assert_eq!(request.body, Body::HeartbeatRequest(heartbeat(OUR_STAMP)));
    let response = |stamp| Body::HeartbeatResponse(heartbeat(stamp));
    // Not to the question that we have asked.
    let stray = world.receive(
        cp(),
        &write(request.sequence + 1, 0, response(CP_STAMP + 9)),
    );
    assert!(matches!(
        events(&stray)[..],
        [Event::Message {
            trouble: Trouble::UnexpectedResponse(_),
            ..
        }]
    ));
    world.now += seconds(1);
    let answer = write(request.sequence, 0, response(CP_STAMP));
    assert_eq!(world.receive(cp(), &answer), []);
    let (sends, _) = split(&world.run(seconds(10)));
    assert_eq!(sends.len(), 1, "ten seconds after the answer");
    let next = read(&sends[0].1).sequence;
    assert_eq!(next, request.sequence + 1);
    let restarted = world.receive(cp(), &write(next, 0, response(CP_STAMP + 1)));
    assert_eq!(events(&restarted), [ended(Ending::Restarted)]);
}

#[test]
fn a_peer_that_does_not_answer_is_lost_after_a_while() {
    let mut world = World::associated();
    establish(&mut world, 2);
    let (sends, logs) = split(&world.run(seconds(20)));
    let times: Vec<_> = sends.iter().map(|(second, _)| *second).collect();
    assert_eq!(times, [10, 13, 16], "T1 apart, N1 in all");
    assert!(
        sends.iter().all(|(_, bytes)| *bytes == sends[0].1),
        "the same bytes"
    );
    assert_eq!(logs, [(19, Event::Unreachable { node: cp_node() })]);
    assert!(!world.node.associations().next().unwrap().reachable);
    assert_eq!(world.sessions.sessions.len(), 1, "sessions go on");
    let (sends, logs) = split(&world.run(seconds(400)));
    assert_eq!(logs, [(299, ended(Ending::Lost))]);
    assert!(
        (25..=32).contains(&sends.len()),
        "asked now and then: {}",
        sends.len()
    );
    assert_eq!(world.sessions.take_calls(), ["delete_all"]);
    assert_eq!(world.node.next_deadline(), None);
}

#[test]
fn a_late_answer_makes_a_peer_reachable_again() {
    let mut world = World::associated();
    let (sends, _) = split(&world.run(seconds(20)));
    let sequence = read(&sends[0].1).sequence;
    let answer = write(sequence, 0, Body::HeartbeatResponse(heartbeat(CP_STAMP)));
    let actions = world.receive(cp(), &answer);
    assert_eq!(actions, [Action::Log(Event::Reachable { node: cp_node() })]);
    assert!(world.node.associations().next().unwrap().reachable);
    let (sends, logs) = split(&world.run(seconds(12)));
    assert_eq!((sends.len(), logs.len()), (1, 0));
}

#[test]
fn update_and_release() {
    let mut world = World::associated();
    establish(&mut world, 2);
    let response = |cause| NodeResponse {
        node_id: our_node(),
        verdict: Verdict::new(cause),
    };
    let accepted = || response(Cause::RequestAccepted);
    let unknown = || response(Cause::NoEstablishedAssociation);
    let update = Body::AssociationUpdateRequest(AssociationUpdateRequest {
        node_id: cp_node(),
        up_function_features: None,
        cp_function_features: None,
        release_request: None,
        graceful_release_period: None,
    });
    let answer = world.ask(cp(), &write(3, 0, update.clone()));
    assert_eq!(answer.body, Body::AssociationUpdateResponse(accepted()));
    let release = write(4, 0, Body::AssociationReleaseRequest(cp_node()));
    let first = world.answer(cp(), &release);
    assert_eq!(
        read(&first).body,
        Body::AssociationReleaseResponse(accepted())
    );
    assert_eq!(world.sessions.take_calls(), ["delete_all"]);
    assert_eq!(world.node.association_count(), 0);
    assert_eq!(world.answer(cp(), &release), first, "a repetition");
    world.ask(cp(), &setup(3, CP_STAMP + 1));
    assert_eq!(world.answer(cp(), &release), first);
    assert_eq!(
        world.node.association_count(),
        0,
        "not a repetition any more"
    );
    let answer = world.ask(
        cp(),
        &write(5, 0, Body::AssociationReleaseRequest(cp_node())),
    );
    assert_eq!(answer.body, Body::AssociationReleaseResponse(unknown()));
    let answer = world.ask(cp(), &write(6, 0, update));
    assert_eq!(answer.body, Body::AssociationUpdateResponse(unknown()));
}

#[test]
fn associations_are_bounded() {
    let mut world = World::new(&[]);
    for index in 0..=MAX_ASSOCIATIONS as u32 {
        let node = NodeId::Fqdn(format!("smf-{index}"));
        // No more than 64 at one address.
        let from = other((index / 64) as u8);
        let Body::AssociationSetupResponse(answer) =
            world.ask(from, &setup_of(node, index, 1)).body
        else {
            panic!("not answered");
        };
        let cause = match index {
            0..1024 => Cause::RequestAccepted,
            _ => Cause::NoResourcesAvailable,
        };
        assert_eq!(answer.verdict.cause, cause);
    }
    assert_eq!(world.node.association_count(), MAX_ASSOCIATIONS);
    // One that is known may begin anew.
    let known = setup_of(NodeId::Fqdn("smf-3".to_owned()), 5000, 2);
    let actions = world.receive(other(0), &known);
    assert_eq!(events(&actions).len(), 2);
}
