//! Reports to control planes: where they go, that they come again, that they are bounded.

use super::*;
use crate::pfcp::codec::{MessageType, NodeResponse, Verdict};
use crate::pfcp::ie::{Interface, RemoteGtpuPeer};
use crate::pfcp::message::{NodeReportRequest, SessionReport, SessionReportRequest};
use crate::pfcp::node::own_requests::{MAX_UNDER_WAY, MAX_WAITING, MAX_WAITING_OF_ALL};

const CP_SEID: u64 = 0x55;

fn world_with_session() -> World {
    let mut world = World::associated();
    world.add_session(cp_node(), 1, CP_SEID);
    world
}

fn error_indication(seid: u64) -> SessionReport {
    let peer = FTeid::Given {
        teid: 0x77,
        ipv4: Some([10, 1, 0, 9].into()),
        ipv6: None,
    };
    SessionReport {
        seid,
        cp_seid: CP_SEID,
        request: SessionReportRequest {
            error_indication: vec![peer],
            ..SessionReportRequest::default()
        },
    }
}

fn response(cause: Cause) -> Body {
    Body::SessionReportResponse(SessionReportResponse {
        cause,
        offending_ie: None,
        update_bars: Vec::new(),
        flags: 0,
        cp_f_seid: None,
    })
}

impl World {
    fn report(&mut self, owner: &NodeId, report: SessionReport) -> Vec<Action> {
        self.node
            .report(owner, report, self.now, &mut self.sessions)
    }

    /// The bytes of the only report that this makes.
    fn reported(&mut self) -> Vec<u8> {
        let actions = self.report(&cp_node(), error_indication(1));
        let sent = sent(&actions);
        let [(to, bytes)] = &sent[..] else {
            panic!("{actions:?}");
        };
        assert_eq!(*to, cp());
        bytes.clone()
    }

    fn paths(&mut self, peers: &[RemoteGtpuPeer], is_failure: bool) -> Vec<Action> {
        let (node, now, sessions) = (&mut self.node, self.now, &mut self.sessions);
        match is_failure {
            true => node.path_failed(peers, now, sessions),
            false => node.path_recovered(peers, now, sessions),
        }
    }
}

fn kinds(actions: &[Action]) -> Vec<(SocketAddr, u8)> {
    let of = |(to, bytes): (SocketAddr, Vec<u8>)| (to, read_header(&bytes).message_type);
    sent(actions).into_iter().map(of).collect()
}

#[test]
fn a_report_goes_to_the_control_planes_number_of_the_session() {
    let mut world = world_with_session();
    let report = read(&world.reported());
    assert_eq!(report.seid, CP_SEID);
    assert_eq!(
        report.body,
        Body::SessionReportRequest(error_indication(1).request)
    );
    // The number may have changed since the report was made.
    world.add_session(cp_node(), 1, 0x66);
    assert_eq!(read_header(&world.reported()).seid, Some(0x66));
}

#[test]
fn an_answer_is_handed_on_and_ends_the_request() {
    let mut world = world_with_session();
    let request = world.reported();
    assert_eq!(
        world.answered(&request, response(Cause::RequestAccepted)),
        []
    );
    let [(owner, seid, answer)] = &world.sessions.answered[..] else {
        panic!("{:?}", world.sessions.answered);
    };
    assert_eq!(
        (owner, *seid, answer.cause),
        (&cp_node(), 1, Cause::RequestAccepted)
    );
    let (sends, _) = split(&world.run(seconds(9)));
    assert_eq!(sends, [], "not sent again");
    let again = world.answered(&request, response(Cause::RequestAccepted));
    assert!(
        matches!(events(&again)[..], [Event::Message { .. }]),
        "{again:?}"
    );
    assert_eq!(
        world.sessions.answered.len(),
        1,
        "an answer that comes again"
    );
}

#[test]
fn a_session_that_the_control_plane_does_not_know_is_ended() {
    let mut world = world_with_session();
    let request = world.reported();
    let actions = world.answered(&request, response(Cause::SessionContextNotFound));
    let refused = Event::RequestRefused {
        address: cp(),
        kind: MessageType::SessionReportRequest,
        cause: Cause::SessionContextNotFound,
    };
    assert_eq!(events(&actions), [refused]);
    assert_eq!(world.sessions.take_calls(), ["report_answered"]);
    assert!(world.sessions.sessions.is_empty());
}

#[test]
fn a_session_goes_on_whatever_else_is_answered() {
    let mut world = world_with_session();
    let request = world.reported();
    let actions = world.answered(&request, response(Cause::Congestion));
    assert_eq!(events(&actions).len(), 1);
    assert_eq!(world.sessions.take_calls(), ["report_answered"]);
    assert_eq!(world.sessions.sessions.len(), 1);
}

#[test]
fn a_report_is_sent_again_and_given_up() {
    let mut world = world_with_session();
    let request = world.reported();
    let (sends, logs) = split(&world.run(seconds(9)));
    let again = (request[1], request.clone());
    let sends: Vec<_> = sends
        .into_iter()
        .filter(|(_, bytes)| bytes[1] == again.0)
        .collect();
    assert_eq!(sends, [(3, again.1.clone()), (6, again.1)]);
    let unanswered = Event::RequestUnanswered {
        address: cp(),
        kind: MessageType::SessionReportRequest,
    };
    assert_eq!(logs, [(9, unanswered)]);
    assert_eq!(world.sessions.sessions.len(), 1, "the heartbeats decide");
    assert!(world.node.exchanges.is_empty());
}

#[test]
fn only_a_fitting_response_from_the_right_address_counts() {
    let mut world = world_with_session();
    let request = world.reported();
    let sequence = read_header(&request).sequence;
    let update = NodeResponse {
        node_id: cp_node(),
        verdict: Verdict::ACCEPTED,
    };
    let update = write(sequence, 0, Body::AssociationUpdateResponse(update));
    let elsewhere = write(sequence, 0, Body::VersionNotSupportedResponse);
    for (from, bytes) in [(cp(), update), (other(2), elsewhere.clone())] {
        let actions = world.receive(from, &bytes);
        assert!(
            matches!(events(&actions)[..], [Event::Message { .. }]),
            "{actions:?}"
        );
        assert_eq!(world.node.exchanges.len(), 1);
    }
    let actions = world.receive(cp(), &elsewhere);
    assert!(
        matches!(events(&actions)[..], [Event::RequestRefused { .. }]),
        "{actions:?}"
    );
    assert!(world.node.exchanges.is_empty());
}

#[test]
fn requests_wait_for_their_turn_and_are_bounded() {
    let mut world = world_with_session();
    let (mut under_way, mut dropped) = (Vec::new(), 0);
    for _ in 0..MAX_UNDER_WAY + MAX_WAITING + 10 {
        let actions = world.report(&cp_node(), error_indication(1));
        under_way.extend(sent(&actions).into_iter().map(|(_, bytes)| bytes));
        dropped += events(&actions).len();
    }
    assert_eq!((under_way.len(), dropped), (MAX_UNDER_WAY, 10));
    let next = world.answered(&under_way[0], response(Cause::RequestAccepted));
    assert_eq!(sent(&next).len(), 1, "the next in line");
    assert_eq!(world.node.exchanges.len(), MAX_UNDER_WAY);
    // An end of the association is an end of all of them.
    let release = Body::AssociationReleaseRequest(cp_node());
    world.ask(cp(), &write(9, 0, release));
    assert!(world.node.exchanges.is_empty());
    let left = (world.node.waiting_requests, world.node.next_deadline());
    assert_eq!(left, (0, None));
}

#[test]
fn the_lines_of_all_control_planes_are_bounded_together() {
    let mut world = World::new(&[]);
    let mut dropped = 0;
    for last in 1..=9 {
        let node = NodeId::Address(other(last).ip());
        world.ask(other(last), &setup_of(node.clone(), 1, 1));
        for _ in 0..MAX_UNDER_WAY + MAX_WAITING {
            dropped += events(&world.report(&node, error_indication(1))).len();
        }
    }
    assert_eq!(dropped, 9 * MAX_WAITING - MAX_WAITING_OF_ALL);
    assert_eq!(world.node.waiting_requests, MAX_WAITING_OF_ALL);
}

#[test]
fn without_an_association_nothing_is_reported() {
    let mut world = World::new(&[]);
    assert_eq!(world.report(&cp_node(), error_indication(1)), []);
    assert_eq!(world.node.next_deadline(), None);
}

#[test]
fn sequence_numbers_of_requests_under_way_are_passed_over() {
    let mut world = world_with_session();
    let first = read_header(&world.reported()).sequence;
    world.node.next_sequence = first;
    assert_eq!(read_header(&world.reported()).sequence, first + 1);
    assert_eq!(world.node.exchanges.len(), 2);
}

fn peer(last: u8) -> RemoteGtpuPeer {
    RemoteGtpuPeer {
        ipv4: Some([10, 1, 0, last].into()),
        ipv6: None,
        destination_interface: Some(Interface::Access),
        network_instance: Some("access".to_owned()),
    }
}

#[test]
fn a_failed_path_is_told_to_those_who_use_it() {
    let mut world = world_with_session();
    let second = NodeId::Address(other(2).ip());
    let third = NodeId::Address(other(3).ip());
    for (node, from) in [(&second, other(2)), (&third, other(3))] {
        world.ask(from, &setup_of(node.clone(), 1, 1));
    }
    world.add_session(second, 2, 2);
    world.add_session(third, 3, 3);
    for (seid, last) in [(1, 9), (2, 9), (3, 8)] {
        world
            .sessions
            .peers
            .insert(seid, peer(last).ipv4.unwrap().into());
    }
    let report = MessageType::NodeReportRequest as u8;
    for is_failure in [true, false] {
        let actions = world.paths(&[peer(9), peer(7)], is_failure);
        assert_eq!(kinds(&actions), [(cp(), report), (other(2), report)]);
        let request = &sent(&actions)[0].1;
        let (failures, recoveries) = match is_failure {
            true => (vec![peer(9)], Vec::new()),
            false => (Vec::new(), vec![peer(9)]),
        };
        let expected = NodeReportRequest {
            node_id: our_node(),
            path_failures: failures,
            path_recoveries: recoveries,
        };
        assert_eq!(read(request).body, Body::NodeReportRequest(expected));
        let accepted = NodeResponse {
            node_id: cp_node(),
            verdict: Verdict::ACCEPTED,
        };
        assert_eq!(
            world.answered(request, Body::NodeReportResponse(accepted)),
            []
        );
    }
    assert_eq!(world.paths(&[peer(1)], true), []);
}

#[test]
fn many_failed_paths_are_told_in_several_messages() {
    let mut world = World::associated();
    for seid in 1..=130_u8 {
        world.add_session(cp_node(), seid.into(), 1);
        world
            .sessions
            .peers
            .insert(seid.into(), peer(seid).ipv4.unwrap().into());
    }
    let peers: Vec<_> = (1..=130).map(peer).collect();
    assert_eq!(kinds(&world.paths(&peers, true)).len(), 3);
}
