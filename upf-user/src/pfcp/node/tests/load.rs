//! Load and overload control in answers about sessions, and what happens when there is no time.

use super::*;
use crate::pfcp::codec::tests::bytes::open5gs_establishment;
use crate::pfcp::codec::{AssociationSetupResponse, Verdict};
use crate::pfcp::message::{LoadControl, OverloadControl};

type Told = (Option<LoadControl>, Option<OverloadControl>);

const LOAD: u16 = CpFunctionFeatures::LOAD;
const OVRL: u16 = CpFunctionFeatures::OVRL;

fn told(body: &Body) -> Told {
    match body {
        Body::SessionEstablishmentResponse(response) => {
            (response.load_control, response.overload_control)
        }
        Body::SessionModificationResponse(response) => {
            (response.load_control, response.overload_control)
        }
        Body::SessionDeletionResponse(response) => {
            (response.load_control, response.overload_control)
        }
        body => panic!("{body:?}"),
    }
}

fn modify(world: &mut World) -> Told {
    let body = Body::SessionModificationRequest(SessionModificationRequest::default());
    told(&world.serve(cp(), 1, body))
}

/// With session 1 and a control plane of these features.
fn world_with(bits: u16) -> World {
    let mut world = World::associated();
    world.add_session(cp_node(), 1, 0x55);
    world.serve(cp(), 0, features(cp_node(), bits));
    world
}

#[test]
fn the_load_is_told_to_who_asks_for_it() {
    let rows = [
        (0, false, false),
        (LOAD, true, false),
        (OVRL, false, true),
        (LOAD | OVRL, true, true),
    ];
    for (bits, has_load, has_overload) in rows {
        let mut world = world_with(bits);
        world.sessions.load_percent = 95;
        let (load, overload) = modify(&mut world);
        assert_eq!(
            (load.is_some(), overload.is_some()),
            (has_load, has_overload)
        );
        assert!(load.is_none_or(|load| load.metric == 95));
        // Half of the way from 90 to 100 asks for half of the most.
        assert!(overload.is_none_or(|overload| overload.metric == 45));
    }
}

#[test]
fn every_answer_about_a_session_tells_it() {
    let mut world = world_with(LOAD | OVRL);
    world.sessions.load_percent = 100;
    let establishment = read(&open5gs_establishment(2)).body;
    let requests = [
        (0, establishment),
        (
            1,
            Body::SessionModificationRequest(SessionModificationRequest::default()),
        ),
        (
            1,
            Body::SessionDeletionRequest(SessionDeletionRequest::default()),
        ),
    ];
    for (seid, request) in requests {
        let (load, overload) = told(&world.serve(cp(), seid, request));
        assert_eq!(load.map(|load| load.metric), Some(100));
        assert_eq!(overload.map(|overload| overload.metric), Some(90));
    }
}

#[test]
fn the_fuller_of_sessions_and_queue_counts() {
    let mut world = world_with(LOAD);
    world.sessions.load_percent = 20;
    let first = modify(&mut world).0.unwrap();
    assert_eq!((first.metric, first.sequence), (20, OUR_STAMP + 1));
    world.node.set_backlog(60);
    world.now += seconds(1);
    let second = modify(&mut world).0.unwrap();
    assert_eq!((second.metric, second.sequence), (60, OUR_STAMP + 2));
    assert_eq!(modify(&mut world).0, Some(second));
}

#[test]
fn an_overload_is_taken_back() {
    let mut world = world_with(OVRL);
    world.sessions.load_percent = 100;
    assert_eq!(modify(&mut world).1.map(|told| told.metric), Some(90));
    world.sessions.load_percent = 10;
    world.now += seconds(2);
    assert_eq!(modify(&mut world).1.map(|told| told.metric), Some(0));
    world.now += seconds(30);
    assert_eq!(modify(&mut world).1, None);
}

#[test]
fn features_are_those_last_told() {
    let mut world = world_with(LOAD);
    world.serve(
        cp(),
        0,
        Body::AssociationUpdateRequest(update_of(cp_node())),
    );
    assert!(
        modify(&mut world).0.is_some(),
        "an update without features changes none"
    );
    world.serve(cp(), 0, features(cp_node(), 0));
    assert_eq!(modify(&mut world), (None, None));
    let view = world.node.associations().next().unwrap();
    assert_eq!(view.cp_features, CpFunctionFeatures(0));
}

#[test]
fn features_are_told_at_the_set_up_by_either_side() {
    let told = Some(CpFunctionFeatures(LOAD));
    let request = AssociationSetupRequest {
        node_id: cp_node(),
        recovery_time_stamp: CP_STAMP,
        up_function_features: None,
        cp_function_features: told,
    };
    let mut asked = World::new(&[]);
    asked.serve(cp(), 0, Body::AssociationSetupRequest(request));

    let mut asking = World::new(&[cp()]);
    let sequence = read_header(&sent(&asking.tick())[0].1).sequence;
    let response = AssociationSetupResponse {
        node_id: cp_node(),
        verdict: Verdict::ACCEPTED,
        recovery_time_stamp: CP_STAMP,
        up_function_features: None,
        cp_function_features: told,
    };
    let response = write(sequence, 0, Body::AssociationSetupResponse(response));
    asking.receive(cp(), &response);

    for mut world in [asked, asking] {
        world.add_session(cp_node(), 1, 0x55);
        assert!(modify(&mut world).0.is_some());
    }
}

fn refuse(world: &mut World, from: SocketAddr, bytes: &[u8]) -> Vec<Action> {
    world
        .node
        .refuse(from, bytes, world.now, &mut world.sessions)
}

fn causes(actions: &[Action]) -> Vec<(u64, Verdict)> {
    let cause = |(_, bytes): (SocketAddr, Vec<u8>)| {
        let message = read(&bytes);
        match message.body {
            Body::SessionEstablishmentResponse(response) => (message.seid, response.verdict),
            body => panic!("{body:?}"),
        }
    };
    sent(actions).into_iter().map(cause).collect()
}

#[test]
fn in_congestion_establishments_are_refused_unread() {
    let mut world = World::associated();
    let congested = (0x55, Verdict::new(Cause::Congestion));
    let request = open5gs_establishment(2);
    assert_eq!(causes(&refuse(&mut world, cp(), &request)), [congested]);
    assert_eq!(world.sessions.take_calls(), [""; 0]);
    // The copy that waits in the line is not served any more.
    assert_eq!(causes(&world.receive(cp(), &request)), [congested]);
    assert_eq!(world.sessions.take_calls(), [""; 0]);
    // One that was served already is answered as it was.
    let accepted = world.receive(cp(), &open5gs_establishment(3));
    assert_eq!(
        refuse(&mut world, cp(), &open5gs_establishment(3)),
        accepted
    );
}

#[test]
fn in_congestion_the_rest_of_a_datagram_is_dropped() {
    let mut world = World::new(&[]);
    let mut first = open5gs_establishment(2);
    first[0] |= 0x04;
    let bundle = [first, deletion(3, 1), vec![1, 2, 3]].concat();
    let stranger = (0x55, Verdict::new(Cause::NoEstablishedAssociation));
    assert_eq!(causes(&refuse(&mut world, cp(), &bundle)), [stranger]);
    assert_eq!(refuse(&mut world, cp(), &[]), []);
}
