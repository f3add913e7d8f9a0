//! Usage reports: where they go, and what answers do.

use std::path::Path;

use super::*;
use crate::pfcp::message::UsageReport;
use crate::reports::{Batch, MadeReport};
use crate::store::SessionStore;

pub(super) fn opened(state: &Path) -> Outbox {
    Outbox::open(SessionStore::open(state).unwrap(), None, 0).unwrap()
}

pub(super) fn made(seid: u64, sequence: u32) -> MadeReport {
    MadeReport {
        node: cp_node(),
        seid,
        cp_seid: seid,
        imsi: None,
        dnn: None,
        ue_addresses: Vec::new(),
        made_ms: 0,
        report: UsageReport {
            urr_id: 1,
            sequence,
            ..UsageReport::default()
        },
    }
}

pub(super) fn response(cause: Cause) -> Body {
    Body::SessionReportResponse(SessionReportResponse {
        cause,
        offending_ie: None,
        update_bars: Vec::new(),
        flags: 0,
        cp_f_seid: None,
    })
}

/// The messages with usage reports.
fn reports(actions: &[Action]) -> Vec<Vec<u8>> {
    let sent = sent(actions).into_iter().map(|(_, bytes)| bytes);
    sent.filter(|bytes| read_header(bytes).message_type == 56)
        .collect()
}

/// A world with reports of these sessions; what it sends.
fn world_with_reports(seids: &[u64]) -> (World, tempfile::TempDir, Vec<Vec<u8>>) {
    let state = tempfile::tempdir().unwrap();
    let mut world = World::associated();
    let mut outbox = opened(state.path());
    let batch = Batch {
        reports: seids.iter().map(|seid| made(*seid, 0)).collect(),
        ..Batch::default()
    };
    outbox.keep(batch, 0);
    world.sessions.outbox = Some(outbox);
    let requests = reports(&world.tick());
    (world, state, requests)
}

fn figures(world: &mut World) -> crate::reports::Figures {
    world.sessions.outbox.as_mut().unwrap().figures()
}

#[test]
fn a_report_goes_to_the_number_that_the_session_has_or_had() {
    let state = tempfile::tempdir().unwrap();
    let mut world = World::associated();
    world.add_session(cp_node(), 1, 0x66);
    let mut outbox = opened(state.path());
    let batch = Batch {
        reports: vec![made(1, 0), made(2, 0)],
        ..Batch::default()
    };
    outbox.keep(batch, 0);
    world.sessions.outbox = Some(outbox);
    let requests = reports(&world.tick());
    let seids: Vec<_> = requests.iter().map(|r| read_header(r).seid).collect();
    assert_eq!(seids, [Some(0x66), Some(2)], "the second session has ended");
}

#[test]
fn an_answer_that_accepts_removes_and_brings_the_next() {
    let (mut world, _state, requests) = world_with_reports(&[1, 1]);
    assert_eq!(requests.len(), 1);
    let batch = Batch {
        reports: vec![made(1, 2)],
        ..Batch::default()
    };
    world.sessions.outbox.as_mut().unwrap().keep(batch, 0);
    assert_eq!(reports(&world.tick()), [[0_u8; 0]; 0]);
    let next = world.answered(&requests[0], response(Cause::RequestAccepted));
    assert_eq!(reports(&next).len(), 1);
    assert_eq!(world.sessions.take_calls(), ["report_answered"]);
    world.answered(&reports(&next)[0], response(Cause::RequestAccepted));
    let figures = figures(&mut world);
    assert_eq!((figures.waiting, figures.acknowledged), (0, 3));
    assert!(world.node.exchanges.is_empty());
}

#[test]
fn an_unknown_session_ends_and_its_report_is_done_with() {
    let (mut world, _state, requests) = world_with_reports(&[1]);
    world.add_session(cp_node(), 1, 1);
    world.answered(&requests[0], response(Cause::SessionContextNotFound));
    let figures = figures(&mut world);
    assert_eq!((figures.waiting, figures.unknown_session), (0, 1));
    assert!(world.sessions.sessions.is_empty());
}

#[test]
fn a_session_of_before_our_start_is_none_of_now() {
    let (mut world, state, _) = world_with_reports(&[1]);
    world.sessions.outbox = None;
    world.sessions.outbox = Some(opened(state.path()));
    world.node = Node::new(Config::new(our_node(), OUR_STAMP + 1), world.now);
    world.add_session(cp_node(), 1, 0x99);
    let actions = world.receive(cp(), &setup(2, CP_STAMP));
    let kinds: Vec<_> = sent(&actions).iter().map(|(_, b)| b[1]).collect();
    assert_eq!(kinds, [6, 56], "the association's answer goes first");
    let requests = reports(&actions);
    assert_eq!(read_header(&requests[0]).seid, Some(1));
    world.answered(&requests[0], response(Cause::SessionContextNotFound));
    assert_eq!(world.sessions.take_calls(), [""; 0]);
    assert_eq!(
        (world.sessions.sessions.len(), figures(&mut world).waiting),
        (1, 0)
    );
}

#[test]
fn a_refused_report_comes_again_later_and_others_go_on() {
    for body in [
        response(Cause::Congestion),
        response(Cause::MandatoryIeIncorrect),
        Body::VersionNotSupportedResponse,
    ] {
        let (mut world, _state, requests) = world_with_reports(&[1, 2]);
        let actions = world.answered(&requests[0], body);
        assert_eq!(events(&actions).len(), 1);
        world.answered(&requests[1], response(Cause::RequestAccepted));
        assert_eq!(figures(&mut world).waiting, 1);
        let (sends, _) = split(&world.run(seconds(2)));
        let again: Vec<_> = sends.iter().filter(|(_, bytes)| bytes[1] == 56).collect();
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].0, read_header(&again[0].1).seid), (1, Some(1)));
    }
}

#[test]
fn a_new_number_of_the_session_counts_for_what_comes_then() {
    let (mut world, _state, requests) = world_with_reports(&[1]);
    let batch = Batch {
        reports: vec![made(1, 1)],
        ..Batch::default()
    };
    world.sessions.outbox.as_mut().unwrap().keep(batch, 0);
    let moved = Body::SessionReportResponse(SessionReportResponse {
        cp_f_seid: Some(FSeid {
            seid: 0x77,
            ipv4: Some([192, 0, 2, 1].into()),
            ipv6: None,
        }),
        cause: Cause::RequestAccepted,
        offending_ie: None,
        update_bars: Vec::new(),
        flags: 0,
    });
    let next = world.answered(&requests[0], moved);
    assert_eq!(read_header(&reports(&next)[0]).seid, Some(0x77));
}

#[test]
fn an_association_that_is_replaced_has_them_sent_anew() {
    let (mut world, _state, requests) = world_with_reports(&[1, 2]);
    let actions = world.receive(cp(), &setup(77, CP_STAMP + 1));
    let again = reports(&actions);
    assert_eq!(again.len(), 2);
    let late = world.answered(&requests[0], response(Cause::RequestAccepted));
    assert!(
        matches!(events(&late)[..], [Event::Message { .. }]),
        "{late:?}"
    );
    assert_eq!(figures(&mut world).waiting, 2);
    assert_eq!(world.node.exchanges.len(), 2);
}
