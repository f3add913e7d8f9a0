//! Several control planes at once: each sees and changes its own sessions only.

use super::*;
use crate::pfcp::codec::tests::bytes::open5gs_establishment;
use crate::pfcp::codec::{NodeResponse, OtherResponse, Verdict};
use crate::pfcp::ie::{FqCsidNode, kind};
use crate::pfcp::message::SessionSetDeletionRequest;
use crate::pfcp::node::{MAX_ASSOCIATIONS_OF_ADDRESS, Trouble};

fn name(name: &str) -> NodeId {
    NodeId::Fqdn(name.to_owned())
}

/// Where the node `b` is in each arrangement: at an address of its own, or behind that of `a`.
fn arrangements() -> [SocketAddr; 2] {
    [other(2), SocketAddr::new(cp().ip(), 9000)]
}

/// The nodes `a`, at [`cp`], with session 1, and `b`, with session 2.
fn two_nodes(of_b: SocketAddr) -> World {
    let mut world = World::new(&[]);
    world.ask(cp(), &setup_of(name("a"), 1, 1));
    world.ask(of_b, &setup_of(name("b"), 1, 1));
    world.add_session(name("a"), 1, 0xa);
    world.add_session(name("b"), 2, 0xb);
    world
}

fn cause(body: &Body) -> Cause {
    match body {
        Body::SessionModificationResponse(response) => response.verdict.cause,
        Body::SessionDeletionResponse(response) => response.verdict.cause,
        Body::SessionSetDeletionResponse(response) => response.verdict.cause,
        Body::PfdManagementResponse(response) => response.verdict.cause,
        body => panic!("{body:?}"),
    }
}

#[test]
fn a_session_is_changed_and_ended_by_its_owner_only() {
    for of_b in arrangements() {
        let mut world = two_nodes(of_b);
        let rows: [(SocketAddr, u64, Cause, u64); 4] = [
            (cp(), 2, Cause::SessionContextNotFound, 0),
            (of_b, 1, Cause::SessionContextNotFound, 0),
            (cp(), 1, Cause::RequestAccepted, 0xa),
            (of_b, 2, Cause::RequestAccepted, 0xb),
        ];
        for (sequence, (from, seid, expected, cp_seid)) in (10..).zip(rows) {
            let answer = world.ask(from, &modification(sequence, seid));
            assert_eq!(
                (cause(&answer.body), answer.seid),
                (expected, cp_seid),
                "{from} {seid}"
            );
        }
        for (sequence, (from, seid, expected, cp_seid)) in (20..).zip(rows) {
            let answer = world.ask(from, &deletion(sequence, seid));
            assert_eq!(
                (cause(&answer.body), answer.seid),
                (expected, cp_seid),
                "{from} {seid}"
            );
        }
        assert!(world.sessions.sessions.is_empty());
    }
}

/// A request may come from any port: then it is the session that tells the nodes at an address apart.
#[test]
fn from_another_port_the_session_tells_whose_request_it_is() {
    let [_, of_b] = arrangements();
    let mut world = two_nodes(of_b);
    let port = SocketAddr::new(cp().ip(), 40_000);
    for (seid, cp_seid) in [(1, 0xa), (2, 0xb)] {
        let answer = world.ask(port, &modification(seid as u32, seid));
        assert_eq!(
            (cause(&answer.body), answer.seid),
            (Cause::RequestAccepted, cp_seid)
        );
    }
}

#[test]
fn a_restart_of_one_leaves_the_other_alone() {
    for of_b in arrangements() {
        let mut world = two_nodes(of_b);
        world.receive(of_b, &heartbeat_request(5, 2));
        let left: Vec<_> = world.sessions.sessions.keys().copied().collect();
        assert_eq!(left, [1]);
        assert_eq!(world.node.association_count(), 1);
    }
}

fn set_deletion(node_id: NodeId) -> Body {
    let set = FqCsid {
        node: FqCsidNode::Address([192, 0, 2, 77].into()),
        csids: vec![1],
        node_type: None,
    };
    Body::SessionSetDeletionRequest(SessionSetDeletionRequest {
        node_id,
        fq_csids: vec![set],
    })
}

#[test]
fn sets_are_deleted_for_their_owner_only() {
    let mut world = two_nodes(other(2));
    let answer = world.serve(cp(), 0, set_deletion(name("a")));
    let accepted = NodeResponse {
        node_id: our_node(),
        verdict: Verdict::ACCEPTED,
    };
    assert_eq!(answer, Body::SessionSetDeletionResponse(accepted));
    let left: Vec<_> = world.sessions.sessions.keys().copied().collect();
    assert_eq!(left, [2]);
    let answer = world.serve(cp(), 0, set_deletion(name("stranger")));
    assert_eq!(cause(&answer), Cause::NoEstablishedAssociation);
    let none = SessionSetDeletionRequest {
        node_id: name("b"),
        fq_csids: Vec::new(),
    };
    let answer = world.serve(other(2), 0, Body::SessionSetDeletionRequest(none));
    let missing = NodeResponse {
        node_id: our_node(),
        verdict: Verdict {
            cause: Cause::ConditionalIeMissing,
            offending_ie: Some(kind::FQ_CSID),
        },
    };
    assert_eq!(answer, Body::SessionSetDeletionResponse(missing));
    assert_eq!(world.sessions.take_calls(), ["delete_sets"]);
}

#[test]
fn sets_that_cannot_be_deleted_now_can_be_later() {
    let mut world = two_nodes(other(2));
    world.sessions.refusal = Some(Refusal {
        cause: Cause::Congestion,
        offending_ie: None,
        failed_rule: None,
    });
    let request = write(77, 0, set_deletion(name("a")));
    let answer = world.ask(cp(), &request).body;
    assert_eq!(cause(&answer), Cause::Congestion);
    assert_eq!(world.sessions.sessions.len(), 2);
    let answer = world.ask(cp(), &request).body;
    assert_eq!(cause(&answer), Cause::RequestAccepted);
    assert_eq!(world.sessions.sessions.len(), 1);
}

#[test]
fn pfds_are_those_of_who_sent_them() {
    let request = |node_id| {
        Body::PfdManagementRequest(PfdManagementRequest {
            applications: Vec::new(),
            node_id,
        })
    };
    for of_b in arrangements() {
        let mut world = two_nodes(of_b);
        // Who speaks in another's name has to speak from its address.
        let others = (of_b.ip() == cp().ip()).then(|| name("a"));
        let rows = [
            (cp(), None, Some(name("a"))),
            (of_b, None, Some(name("b"))),
            (of_b, Some(name("a")), others),
            (of_b, Some(name("stranger")), None),
            (other(9), None, None),
        ];
        for (from, named, owner) in rows {
            world.sessions.pfds.clear();
            let answer = world.serve(from, 0, request(named));
            let expected = match owner {
                Some(_) => Cause::RequestAccepted,
                None => Cause::NoEstablishedAssociation,
            };
            assert_eq!(cause(&answer), expected);
            assert_eq!(world.sessions.pfds, Vec::from_iter(owner));
        }
    }
}

#[test]
fn refused_pfds_are_answered_with_what_is_wrong() {
    let mut world = World::associated();
    world.sessions.refusal = Some(Refusal {
        cause: Cause::MandatoryIeIncorrect,
        offending_ie: Some(61),
        failed_rule: None,
    });
    let request = Body::PfdManagementRequest(PfdManagementRequest::default());
    let expected = OtherResponse {
        node_id: None,
        verdict: Verdict {
            cause: Cause::MandatoryIeIncorrect,
            offending_ie: Some(61),
        },
    };
    let answer = world.serve(cp(), 0, request);
    assert_eq!(answer, Body::PfdManagementResponse(expected));
}

#[test]
fn pfds_that_are_refused_now_can_be_accepted_later() {
    let mut world = World::associated();
    world.sessions.refusal = Some(Refusal {
        cause: Cause::Congestion,
        offending_ie: None,
        failed_rule: None,
    });
    let request = Body::PfdManagementRequest(PfdManagementRequest::default());
    let request = write(77, 0, request);
    for expected in [
        Cause::Congestion,
        Cause::RequestAccepted,
        Cause::RequestAccepted,
    ] {
        let answer = world.ask(cp(), &request).body;
        assert_eq!(cause(&answer), expected);
    }
    assert_eq!(
        world.sessions.pfds.len(),
        2,
        "the accepted one was served once"
    );
}

#[test]
fn a_header_seid_counts_for_restorations_only() {
    let mut world = World::associated();
    let request = open5gs_establishment(2);
    let Body::SessionEstablishmentRequest(mut request) = read(&request).body else {
        panic!("no establishment");
    };
    for is_restoration in [false, true] {
        request.is_restoration = is_restoration;
        let body = Body::SessionEstablishmentRequest(request.clone());
        world.serve(cp(), 0x77, body);
    }
    assert_eq!(world.sessions.header_seids, [0, 0x77]);
}

/// A CP F-SEID that comes again makes another session.
#[test]
fn an_f_seid_that_comes_again_replaces_nothing() {
    let mut world = World::associated();
    world.ask(cp(), &open5gs_establishment(2));
    world.ask(cp(), &open5gs_establishment(3));
    assert_eq!(world.sessions.sessions.len(), 2);
    assert_eq!(world.sessions.take_calls(), ["establish"; 2]);
}

#[test]
fn one_address_does_not_take_all_associations() {
    let mut world = World::new(&[]);
    let ask = |world: &mut World, from, index: usize| {
        let node = name(&format!("smf-{index}"));
        match world.ask(from, &setup_of(node, index as u32, 1)).body {
            Body::AssociationSetupResponse(response) => response.verdict.cause,
            body => panic!("{body:?}"),
        }
    };
    for index in 0..MAX_ASSOCIATIONS_OF_ADDRESS {
        assert_eq!(ask(&mut world, cp(), index), Cause::RequestAccepted);
    }
    assert_eq!(ask(&mut world, cp(), 1000), Cause::NoResourcesAvailable);
    assert_eq!(ask(&mut world, other(2), 1001), Cause::RequestAccepted);
    assert_eq!(
        ask(&mut world, cp(), 5),
        Cause::RequestAccepted,
        "a known one begins anew"
    );
}

/// Late messages of heartbeats: none of them makes a living peer look restarted.
#[test]
fn late_heartbeats_end_nothing() {
    let response = |stamp| Body::HeartbeatResponse(heartbeat(stamp));
    let mut world = World::associated();
    world.add_session(cp_node(), 1, 0x55);
    let (sends, _) = split(&world.run(seconds(10)));
    let first = read(&sends[0].1).sequence;
    world.receive(cp(), &write(first, 0, response(CP_STAMP)));
    let (sends, _) = split(&world.run(seconds(10)));
    let second = read(&sends[0].1).sequence;
    // The response to the last request but one, whatever stamp it has: nobody waits for it.
    let late = world.receive(cp(), &write(first, 0, response(CP_STAMP + 5)));
    assert!(matches!(
        events(&late)[..],
        [Event::Message {
            trouble: Trouble::UnexpectedResponse(_),
            ..
        }]
    ));
    // A response or request with a stamp of a former life.
    assert_eq!(
        world.receive(cp(), &write(second, 0, response(CP_STAMP - 1))),
        []
    );
    assert_eq!(
        events(&world.receive(cp(), &heartbeat_request(7, CP_STAMP - 1))),
        []
    );
    assert_eq!(world.sessions.sessions.len(), 1);
    // The response to the request under way, with a later stamp: a restart.
    let (sends, _) = split(&world.run(seconds(10)));
    let third = read(&sends[0].1).sequence;
    world.receive(cp(), &write(third, 0, response(CP_STAMP + 1)));
    assert!(world.sessions.sessions.is_empty());
}
