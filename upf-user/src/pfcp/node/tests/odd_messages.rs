//! Messages that are not served, not expected or not messages.

use super::*;
use crate::pfcp::codec::tests::bytes::{node_id, node_message, session_message, tlv};
use crate::pfcp::codec::{FrameError, MessageType, Verdict};
use crate::pfcp::ie::kind;
use crate::pfcp::node::Trouble;

fn trouble(actions: &[Action]) -> Vec<Trouble> {
    let of = |event| match event {
        Event::Message { trouble, .. } => Some(trouble),
        _ => None,
    };
    events(actions).into_iter().filter_map(of).collect()
}

#[test]
fn requests_that_are_not_served_are_answered_so() {
    let mut world = World::associated();
    let set_modification = node_message(16, 2, &[]);
    // These two are for control planes; whether they can be read does not matter.
    let (node_report, session_report) = (node_message(12, 2, &[]), session_message(56, 7, 2, &[]));
    for request in [set_modification, node_report, session_report] {
        let answer = world.ask(cp(), &request);
        assert_eq!((answer.seid, answer.sequence), (0, 2));
        assert_eq!(answer.body.message_type() as u8, request[1] + 1);
        let (node_id, verdict) = match answer.body {
            Body::NodeReportResponse(response) => (Some(response.node_id), response.verdict),
            Body::SessionReportResponse(response) => (None, Verdict::new(response.cause)),
            Body::OtherResponse(_, response) => (response.node_id, response.verdict),
            body => panic!("{body:?}"),
        };
        assert_eq!(verdict, Verdict::new(Cause::ServiceNotSupported));
        assert!(node_id.is_none_or(|node| node == our_node()));
    }
}

#[test]
fn what_is_no_message_is_dropped() {
    let mut world = World::associated();
    let no_seid = node_message(52, 2, &[]);
    let dropped = [
        (vec![], Trouble::Malformed(FrameError::Short)),
        (
            vec![0x20, 1, 0, 9, 0, 0, 1, 0],
            Trouble::Malformed(FrameError::LengthBeyondDatagram),
        ),
        (
            no_seid,
            Trouble::NoSeid(MessageType::SessionModificationRequest),
        ),
        (node_message(99, 2, &[]), Trouble::UnknownType(99)),
        (
            node_message(8, 2, &[]),
            Trouble::UnexpectedResponse(MessageType::AssociationUpdateResponse),
        ),
        (
            session_message(57, 1, 2, &[]),
            Trouble::UnexpectedResponse(MessageType::SessionReportResponse),
        ),
    ];
    for (datagram, why) in dropped {
        let actions = world.receive(cp(), &datagram);
        assert_eq!(sent(&actions), [], "{why}");
        assert_eq!(trouble(&actions), [why]);
    }
    let no_stamp = world.receive(cp(), &node_message(1, 2, &[]));
    assert_eq!(sent(&no_stamp), [], "a heartbeat's answer has no cause");
    assert_eq!(trouble(&no_stamp).len(), 1);
}

#[test]
fn node_requests_that_cannot_be_read_are_answered_with_their_cause() {
    let mut world = World::new(&[]);
    let offending = |answer: Message| match answer.body {
        Body::AssociationSetupResponse(response) => response.verdict,
        Body::AssociationUpdateResponse(response) => response.verdict,
        Body::AssociationReleaseResponse(response) => response.verdict,
        Body::SessionSetDeletionResponse(response) => response.verdict,
        Body::PfdManagementResponse(response) => response.verdict,
        body => panic!("{body:?}"),
    };
    let verdict = |cause, kind| Verdict {
        cause,
        offending_ie: Some(kind),
    };
    let no_node = verdict(Cause::MandatoryIeMissing, kind::NODE_ID);
    for code in [5, 7, 9, 14] {
        let stamp = tlv(96, &[0, 0, 0, 1]);
        let answer = world.ask(cp(), &node_message(code, 1, &[stamp]));
        assert_eq!(offending(answer), no_node);
    }
    // Application ID's PFDs without an Application ID.
    let answer = world.ask(cp(), &node_message(3, 1, &[tlv(58, &[])]));
    let no_name = verdict(Cause::MandatoryIeMissing, kind::APPLICATION_ID);
    assert_eq!(offending(answer), no_name);
    let answer = world.ask(cp(), &node_message(5, 1, &[node_id()]));
    let no_stamp = verdict(Cause::MandatoryIeMissing, kind::RECOVERY_TIME_STAMP);
    assert_eq!(offending(answer), no_stamp);
    assert_eq!(world.node.association_count(), 0);
}

#[test]
fn another_version_is_answered_once() {
    let mut world = World::new(&[]);
    let answer = world.answer(cp(), &[0x40, 1, 0, 4, 0, 1, 2, 0]);
    assert_eq!(answer, [0x20, 11, 0, 4, 0, 1, 2, 0]);
    for response in [2, 11, 51] {
        let actions = world.receive(cp(), &[0x40, response, 0, 4, 0, 1, 2, 0]);
        assert_eq!(sent(&actions), [], "a response is not answered");
    }
}

#[test]
fn each_message_of_a_bundle_is_handled() {
    let mut world = World::associated();
    let mut first = heartbeat_request(5, CP_STAMP);
    first[0] |= 0x04;
    let bundle = [first, deletion(6, 99), vec![1, 2, 3]].concat();
    let answers = sent(&world.receive(cp(), &bundle));
    let read: Vec<_> = answers.iter().map(|(_, bytes)| read(bytes)).collect();
    assert_eq!(read[0].body, Body::HeartbeatResponse(heartbeat(OUR_STAMP)));
    assert_eq!((read.len(), read[1].sequence), (2, 6));
}

#[test]
fn skipped_elements_are_counted() {
    let mut world = World::associated();
    let before = world.node.skipped_elements();
    let request = node_message(
        1,
        2,
        &[tlv(96, &[0, 0, 0, 1]), tlv(0x8001, &[]), tlv(999, &[1])],
    );
    world.receive(cp(), &request);
    assert_eq!(world.node.skipped_elements(), before + 2);
}

#[test]
fn an_answer_that_no_message_can_hold_is_not_sent() {
    let mut world = World::new(&[]);
    world.node.config.node_id = NodeId::Fqdn("x".repeat(70_000));
    let actions = world.receive(cp(), &setup(1, 1));
    assert_eq!(sent(&actions), []);
    let kind = MessageType::AssociationSetupRequest;
    assert_eq!(trouble(&actions), [Trouble::AnswerTooLong(kind)]);
}
