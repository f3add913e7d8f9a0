//! Graceful releases, asked for by either side.

use super::*;
use crate::pfcp::codec::tests::bytes::open5gs_establishment;
use crate::pfcp::codec::{MessageType, NodeResponse, Verdict};
use crate::pfcp::ie::release_request;
use crate::pfcp::node::own_requests::{MAX_UNDER_WAY, Wish};
use crate::pfcp::node::{Ending, Turn};

/// An update with a period of 10 s.
fn announcement() -> Body {
    Body::AssociationUpdateRequest(AssociationUpdateRequest {
        graceful_release_period: Some(5),
        ..update_of(cp_node())
    })
}

fn cause_of_establishment(world: &mut World, sequence: u32) -> Cause {
    match world.ask(cp(), &open5gs_establishment(sequence)).body {
        Body::SessionEstablishmentResponse(response) => response.verdict.cause,
        body => panic!("{body:?}"),
    }
}

fn accepted() -> NodeResponse {
    NodeResponse {
        node_id: our_node(),
        verdict: Verdict::ACCEPTED,
    }
}

fn ended(reason: Ending) -> Event {
    Event::AssociationEnded {
        node: cp_node(),
        reason,
    }
}

#[test]
fn sessions_go_on_until_the_period_is_over_and_new_ones_are_refused() {
    let mut world = World::associated();
    assert_eq!(
        cause_of_establishment(&mut world, 2),
        Cause::RequestAccepted
    );
    let answer = world.serve(cp(), 0, announcement());
    assert_eq!(answer, Body::AssociationUpdateResponse(accepted()));
    assert!(
        world
            .node
            .associations()
            .all(|association| association.is_releasing)
    );
    assert_eq!(
        cause_of_establishment(&mut world, 3),
        Cause::RequestRejected
    );
    assert!(matches!(
        world.ask(cp(), &modification(4, 1)).body,
        Body::SessionModificationResponse(response) if response.verdict == Verdict::ACCEPTED
    ));
    assert_eq!(world.sessions.take_calls(), ["establish", "modify"]);
    let (_, logs) = split(&world.run(seconds(10)));
    assert_eq!(logs, [(10, ended(Ending::PeriodOver))]);
    assert_eq!(world.sessions.take_calls(), ["delete_all"]);
    assert_eq!(
        (world.node.association_count(), world.node.next_deadline()),
        (0, None)
    );
}

#[test]
fn a_release_or_a_new_setup_within_the_period_is_its_end() {
    let mut world = World::associated();
    world.serve(cp(), 0, announcement());
    world.ask(
        cp(),
        &write(4, 0, Body::AssociationReleaseRequest(cp_node())),
    );
    assert_eq!(world.node.next_deadline(), None);
    world.ask(cp(), &setup(5, CP_STAMP));
    world.serve(cp(), 0, announcement());
    world.ask(cp(), &setup(6, CP_STAMP));
    assert_eq!(
        cause_of_establishment(&mut world, 7),
        Cause::RequestAccepted
    );
    let (_, logs) = split(&world.run(seconds(12)));
    assert_eq!(logs, []);
}

#[test]
fn a_period_without_end_refuses_and_waits() {
    let mut world = World::associated();
    let endless = AssociationUpdateRequest {
        graceful_release_period: Some(0xe0),
        ..update_of(cp_node())
    };
    world.serve(cp(), 0, Body::AssociationUpdateRequest(endless));
    assert_eq!(
        cause_of_establishment(&mut world, 3),
        Cause::RequestRejected
    );
    assert_eq!(
        world.node.timers.first(),
        Some(world.now + seconds(10)),
        "a heartbeat"
    );
}

#[test]
fn we_ask_all_control_planes_and_end_with_the_period() {
    let mut world = World::associated();
    let second = NodeId::Address(other(2).ip());
    world.ask(other(2), &setup_of(second.clone(), 1, 1));
    let actions = world
        .node
        .release_all(seconds(20), world.now, &mut world.sessions);
    let asked = sent(&actions);
    assert_eq!(asked.len(), 2);
    for (_, bytes) in &asked {
        let wish = AssociationUpdateRequest {
            release_request: Some(release_request::SARR),
            // 20 s in units of 2 s.
            graceful_release_period: Some(10),
            ..update_of(our_node())
        };
        assert_eq!(read(bytes).body, Body::AssociationUpdateRequest(wish));
    }
    // One accepts and releases, the other one is silent.
    let (_, request) = asked.iter().find(|(to, _)| *to == cp()).unwrap();
    let response = Body::AssociationUpdateResponse(NodeResponse {
        node_id: cp_node(),
        verdict: Verdict::ACCEPTED,
    });
    let response = write(read_header(request).sequence, 0, response);
    assert_eq!(world.receive(cp(), &response), []);
    world.ask(
        cp(),
        &write(4, 0, Body::AssociationReleaseRequest(cp_node())),
    );
    assert_eq!(world.node.association_count(), 1);
    let (_, logs) = split(&world.run(seconds(20)));
    let over = Event::AssociationEnded {
        node: second,
        reason: Ending::PeriodOver,
    };
    assert_eq!(logs.last(), Some(&(20, over)));
    assert_eq!(
        (world.node.association_count(), world.node.next_deadline()),
        (0, None)
    );
}

#[test]
fn who_ends_takes_and_asks_for_no_new_associations() {
    let mut world = World::new(&[cp(), other(2)]);
    let sequence = read_header(&sent(&world.tick())[0].1).sequence;
    world
        .node
        .release_all(seconds(20), world.now, &mut world.sessions);
    assert_eq!(world.node.next_deadline(), None);
    let late = world.receive(
        cp(),
        &connect::setup_response(sequence, Cause::RequestAccepted),
    );
    assert!(
        matches!(events(&late)[..], [Event::Message { .. }]),
        "{late:?}"
    );
    let Body::AssociationSetupResponse(answer) = world.ask(cp(), &setup(3, CP_STAMP)).body else {
        panic!("not answered");
    };
    assert_eq!(answer.verdict.cause, Cause::RequestRejected);
    assert_eq!(world.node.association_count(), 0);
}

#[test]
fn the_wish_for_a_release_overtakes_reports() {
    let mut world = World::associated();
    let mut turn = Turn::new(world.now, &mut world.sessions);
    for _ in 0..MAX_UNDER_WAY + 5 {
        world
            .node
            .wish(&cp_node(), Wish::PathFailure(Vec::new()), &mut turn);
    }
    let first = sent(&turn.actions)[0].1.clone();
    world
        .node
        .release_all(seconds(20), world.now, &mut world.sessions);
    let accepted = NodeResponse {
        node_id: cp_node(),
        verdict: Verdict::ACCEPTED,
    };
    let next = world.answered(&first, Body::NodeReportResponse(accepted));
    let kind = read_header(&sent(&next)[0].1).message_type;
    assert_eq!(kind, MessageType::AssociationUpdateRequest as u8);
}
