//! Requests about sessions: whose they are, how they are answered, and that none runs twice.

use super::*;
use crate::pfcp::codec::SessionDeletionResponse;
use crate::pfcp::codec::tests::bytes::{
    cp_f_seid, node_id, open5gs_establishment, session_message, tlv,
};
use crate::pfcp::codec::{SessionEstablishmentResponse, SessionModificationResponse, Verdict};
use crate::pfcp::ie::{FailedRule, kind};

/// The control plane's SEID in what these tests ask for.
const CP_SEID: u64 = 0x55;

fn established(message: Message) -> SessionEstablishmentResponse {
    let Body::SessionEstablishmentResponse(response) = message.body else {
        panic!("{message:?}");
    };
    response
}

fn modified(message: Message) -> SessionModificationResponse {
    let Body::SessionModificationResponse(response) = message.body else {
        panic!("{message:?}");
    };
    response
}

fn world_with_session() -> World {
    let mut world = World::associated();
    world.ask(cp(), &open5gs_establishment(2));
    world.sessions.take_calls();
    world
}

#[test]
fn an_establishment_is_answered_with_what_was_allocated() {
    let mut world = World::associated();
    let answer = world.ask(cp(), &open5gs_establishment(2));
    assert_eq!((answer.seid, answer.sequence), (CP_SEID, 2));
    let response = established(answer);
    assert_eq!(response.node_id, our_node());
    assert_eq!(response.verdict, Verdict::ACCEPTED);
    assert_eq!(response.up_f_seid.map(|f_seid| f_seid.seid), Some(1));
    assert_eq!(response.created_pdrs.len(), 4);
}

#[test]
fn the_priority_of_a_request_is_its_answers_too() {
    let mut world = world_with_session();
    let mut request = modification(3, 1);
    request[0] |= 0x02;
    request[15] = 0x50;
    assert_eq!(world.ask(cp(), &request).priority, Some(5));
}

#[test]
fn refusals_say_what_and_go_to_the_right_seid() {
    let mut world = World::associated();
    let refusal = Refusal {
        cause: Cause::RuleCreationFailure,
        offending_ie: Some(kind::SDF_FILTER),
        failed_rule: Some(FailedRule::Pdr(4)),
    };
    world.sessions.refusal = Some(refusal.clone());
    let answer = world.ask(cp(), &open5gs_establishment(2));
    assert_eq!(answer.seid, CP_SEID, "refused, yet answered to its SEID");
    let response = established(answer);
    assert_eq!(response.verdict.cause, refusal.cause);
    assert_eq!(response.verdict.offending_ie, refusal.offending_ie);
    assert_eq!(response.failed_rule, refusal.failed_rule);
    assert_eq!(response.up_f_seid, None);

    world.ask(cp(), &open5gs_establishment(3));
    world.sessions.refusal = Some(refusal.clone());
    let answer = world.ask(cp(), &modification(4, 1));
    assert_eq!(answer.seid, CP_SEID);
    assert_eq!(modified(answer).failed_rule, refusal.failed_rule);
}

#[test]
fn modification_and_deletion() {
    let mut world = world_with_session();
    let answer = world.ask(cp(), &modification(3, 1));
    assert_eq!((answer.seid, answer.sequence), (CP_SEID, 3));
    assert_eq!(modified(answer).verdict, Verdict::ACCEPTED);
    let answer = world.ask(cp(), &deletion(4, 1));
    assert_eq!(answer.seid, CP_SEID);
    assert_eq!(answer.body, deleted_with(Verdict::ACCEPTED));
    assert_eq!(world.sessions.take_calls(), ["modify", "delete"]);
    let gone = Verdict::new(Cause::SessionContextNotFound);
    let answer = world.ask(cp(), &deletion(5, 1));
    assert_eq!((answer.seid, answer.body), (0, deleted_with(gone)));
    let answer = world.ask(cp(), &modification(6, 1));
    assert_eq!((answer.seid, modified(answer).verdict), (0, gone));
}

#[test]
fn without_an_association_nothing_is_done() {
    let mut world = World::new(&[]);
    let none = Verdict::new(Cause::NoEstablishedAssociation);
    let answer = world.ask(cp(), &open5gs_establishment(2));
    assert_eq!((answer.seid, established(answer).verdict), (CP_SEID, none));
    // What is wrong with the rest does not matter then.
    let wrong = session_message(50, 0, 3, &[node_id(), cp_f_seid(), tlv(1, &[])]);
    assert_eq!(established(world.ask(cp(), &wrong)).verdict, none);
    let answer = world.ask(cp(), &modification(4, 1));
    assert_eq!((answer.seid, modified(answer).verdict), (0, none));
    let wrong = session_message(52, 1, 5, &[tlv(15, &[])]);
    assert_eq!(modified(world.ask(cp(), &wrong)).verdict, none);
    let answer = world.ask(cp(), &deletion(6, 1));
    assert_eq!((answer.seid, answer.body), (0, deleted_with(none)));
    assert_eq!(world.sessions.take_calls(), [""; 0]);
}

#[test]
fn a_session_belongs_to_its_owner() {
    let mut world = world_with_session();
    let stranger = NodeId::Address(other(2).ip());
    world.ask(other(2), &setup_of(stranger, 1, 1));
    let answer = world.ask(other(2), &deletion(2, 1));
    let gone = Verdict::new(Cause::SessionContextNotFound);
    assert_eq!((answer.seid, answer.body), (0, deleted_with(gone)));
    assert_eq!(world.sessions.sessions.len(), 1);
}

#[test]
fn a_node_may_have_several_addresses_and_an_address_several_nodes() {
    let mut world = World::associated();
    // Establishment from another address of the same node: from then on that is known.
    let elsewhere = other(2);
    world.ask(elsewhere, &open5gs_establishment(1));
    // Another node at the first address.
    world.ask(cp(), &setup_of(NodeId::Fqdn("smf-b".to_owned()), 9, 1));
    for from in [elsewhere, cp()] {
        let answer = world.ask(from, &modification(3, 1));
        assert_eq!(modified(answer).verdict, Verdict::ACCEPTED, "{from}");
    }
    // The bound on addresses: a ninth one is not remembered.
    for last in 3..10 {
        world.ask(other(last), &open5gs_establishment(1));
    }
    let of =
        |world: &mut World, last| modified(world.ask(other(last), &modification(4, 1))).verdict;
    assert_eq!(of(&mut world, 8), Verdict::ACCEPTED);
    assert_eq!(
        of(&mut world, 9),
        Verdict::new(Cause::NoEstablishedAssociation)
    );
}

#[test]
fn an_address_is_known_once_a_session_was_established_from_there() {
    let mut world = World::associated();
    let elsewhere = other(2);
    let stranger = Verdict::new(Cause::NoEstablishedAssociation);
    let refused = Verdict::new(Cause::NoResourcesAvailable);
    world.sessions.refusal = Some(Refusal {
        cause: refused.cause,
        offending_ie: None,
        failed_rule: None,
    });
    let answer = world.ask(elsewhere, &open5gs_establishment(1));
    assert_eq!(established(answer).verdict, refused);
    let answer = world.ask(elsewhere, &modification(2, 1));
    assert_eq!(modified(answer).verdict, stranger);
    let answer = world.ask(elsewhere, &open5gs_establishment(3));
    assert_eq!(established(answer).verdict, Verdict::ACCEPTED);
    let answer = world.ask(elsewhere, &modification(4, 1));
    assert_eq!(modified(answer).verdict, Verdict::ACCEPTED);
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_does_not_run() {
    let mut world = World::associated();
    let requests = [open5gs_establishment(2), modification(3, 1), deletion(4, 1)];
    for request in requests {
        let first = world.answer(cp(), &request);
        assert_eq!(world.sessions.take_calls().last().map(|_| 1), Some(1));
        world.now += seconds(12);
        assert_eq!(world.answer(cp(), &request), first);
        assert_eq!(world.sessions.take_calls(), [""; 0]);
    }
    // Another port is another sender; another sequence number, another request.
    let port = SocketAddr::new(cp().ip(), 9000);
    world.ask(port, &open5gs_establishment(2));
    world.ask(cp(), &open5gs_establishment(7));
    assert_eq!(world.sessions.take_calls(), ["establish"; 2]);
    world.now += seconds(13);
    world.ask(cp(), &open5gs_establishment(7));
    assert_eq!(
        world.sessions.take_calls(),
        ["establish"],
        "kept long enough"
    );
}

#[test]
fn a_restarted_control_plane_is_not_answered_from_its_former_life() {
    let mut world = World::associated();
    let request = open5gs_establishment(2);
    world.ask(cp(), &request);
    // It comes back with the same sequence numbers, and the same bytes but for the stamp.
    world.ask(cp(), &setup(1, CP_STAMP + 5));
    let response = established(world.ask(cp(), &request));
    assert_eq!(response.up_f_seid.map(|f_seid| f_seid.seid), Some(2));
    assert_eq!(
        world.sessions.take_calls(),
        ["establish", "delete_all", "establish"]
    );
    // The same where only a heartbeat tells.
    world.receive(cp(), &heartbeat_request(3, CP_STAMP + 6));
    let none = Verdict::new(Cause::NoEstablishedAssociation);
    assert_eq!(established(world.ask(cp(), &request)).verdict, none);
}

#[test]
fn what_cannot_be_read_is_answered_with_its_cause() {
    let mut world = world_with_session();
    let missing = |kind| Verdict {
        cause: Cause::MandatoryIeMissing,
        offending_ie: Some(kind),
    };
    let no_rules = session_message(50, 0, 3, &[node_id(), cp_f_seid()]);
    let answer = world.ask(cp(), &no_rules);
    assert_eq!(answer.seid, CP_SEID);
    assert_eq!(established(answer).verdict, missing(kind::CREATE_PDR));
    let no_f_seid = session_message(50, 0, 4, &[node_id()]);
    let answer = world.ask(cp(), &no_f_seid);
    assert_eq!(
        (answer.seid, established(answer).verdict),
        (0, missing(kind::F_SEID))
    );
    let empty_remove = |seid| session_message(52, seid, 5, &[tlv(15, &[])]);
    let answer = world.ask(cp(), &empty_remove(1));
    assert_eq!(
        (answer.seid, modified(answer).verdict),
        (CP_SEID, missing(kind::PDR_ID))
    );
    let answer = world.ask(cp(), &empty_remove(9));
    let gone = Verdict::new(Cause::SessionContextNotFound);
    assert_eq!((answer.seid, modified(answer).verdict), (0, gone));
    let stray = session_message(54, 1, 6, &[vec![0, 0]]);
    let length = Verdict::new(Cause::InvalidLength);
    let answer = world.ask(cp(), &stray);
    assert_eq!((answer.seid, answer.body), (CP_SEID, deleted_with(length)));
    assert_eq!(world.sessions.take_calls(), [""; 0]);
}

fn deleted_with(verdict: Verdict) -> Body {
    Body::SessionDeletionResponse(SessionDeletionResponse {
        verdict,
        usage_reports: Vec::new(),
        load_control: None,
        overload_control: None,
    })
}
