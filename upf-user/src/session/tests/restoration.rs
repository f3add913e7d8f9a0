//! Restoration after our restart (TS 23.527 clause 4.3), sets of sessions (TS 23.007 clause 23), and answers to
//! reports.

use std::net::Ipv4Addr;

use super::requests::*;
use super::world::{GTPU, World, teid_of};
use crate::pfcp::ie::{Cause, FSeid, FqCsid, FqCsidNode, NodeId};
use crate::pfcp::message::{
    CreateBar, SessionDeletionRequest, SessionModificationRequest, SessionReportResponse,
    UpdateBarInReportResponse,
};
use crate::pfcp::service::SessionService;

const UE: &str = "10.45.0.2";

#[test]
fn a_restored_session_is_as_it_was() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), None));
    request.is_restoration = true;
    request.create_pdrs[1].pdi.f_teid = Some(given(0x55, GTPU));
    let now = world.now;
    let restored = world
        .sessions
        .establish(&smf(), 4711, &request, now)
        .unwrap();
    assert_eq!(restored.up_f_seid.seid, 4711);
    assert_eq!(world.uplink(0x55).ue_v4, [10, 45, 0, 2]);
    let created: Vec<_> = restored
        .created_pdrs
        .iter()
        .map(|created| created.id)
        .collect();
    assert_eq!(created, [3, 4], "what was not given is chosen");
    world.check();
    // The SEID is taken, the F-TEID is, and the UE address is.
    let before = world.state();
    let mut other = request.clone();
    let mut refused = |seid, request: &_| {
        let outcome = world.sessions.establish(&smf(), seid, request, now);
        let refusal = outcome.unwrap_err();
        assert_eq!(world.state(), before);
        (refusal.cause, refusal.failed_rule)
    };
    assert_eq!(refused(4711, &request), (Cause::RestorationFailure, None));
    assert_eq!(
        refused(1 << 53, &request),
        (Cause::RestorationFailure, None)
    );
    assert_eq!(refused(4712, &request).0, Cause::RestorationFailure);
    other.create_pdrs[1].pdi.f_teid = Some(given(0x56, GTPU));
    assert_eq!(
        refused(4712, &other).0,
        Cause::RestorationFailure,
        "the UE address"
    );
    // Without RESTI the header's SEID says nothing.
    let fresh = pgw_u(8, ue(Some("10.45.0.3"), None));
    let established = world.sessions.establish(&smf(), 4712, &fresh, now).unwrap();
    assert_ne!(established.up_f_seid.seid, 4712);
    // The given F-TEID is named in modifications as any other.
    let mut update = update_pdr(2);
    update.pdi = Some(crate::pfcp::message::Pdi {
        f_teid: Some(given(0x55, GTPU)),
        ..pdi(crate::pfcp::ie::Interface::Access)
    });
    let request = SessionModificationRequest {
        update_pdrs: vec![update],
        ..SessionModificationRequest::default()
    };
    world.modify(4711, &request).unwrap();
    world.check();
}

fn set(address: [u8; 4], csids: &[u16], node_type: Option<u8>) -> FqCsid {
    FqCsid {
        node: FqCsidNode::Address(Ipv4Addr::from(address).into()),
        csids: csids.to_vec(),
        node_type,
    }
}

#[test]
fn sets_of_sessions_end_together() {
    let mut world = World::new();
    let mut seids = Vec::new();
    for n in 2..6 {
        let mut request = pgw_u(n, ue(Some(&format!("10.45.0.{n}")), None));
        request.fq_csids = vec![set([10, 0, 0, 1], &[n as u16], Some(2))];
        seids.push(world.established(&request));
    }
    // The second joins the set of the first.
    let request = SessionModificationRequest {
        fq_csids: vec![set([10, 0, 0, 1], &[2, 9], Some(2))],
        ..SessionModificationRequest::default()
    };
    world.modify(seids[1], &request).unwrap();
    let now = world.now;
    let mut ended = |owner: &NodeId, sets: &[FqCsid]| {
        let before = world.sessions.list(None, 10).len();
        world.sessions.delete_sets(owner, sets, now).unwrap();
        let after = world.sessions.list(None, 10).len();
        world.check();
        world.drain();
        world.check();
        assert_eq!(world.sessions.len(), after);
        before - after
    };
    let stranger = NodeId::Fqdn("smf.example.org".to_owned());
    assert_eq!(ended(&stranger, &[set([10, 0, 0, 1], &[2], None)]), 0);
    assert_eq!(
        ended(&smf(), &[set([10, 0, 0, 2], &[2], None)]),
        0,
        "another node"
    );
    assert_eq!(
        ended(&smf(), &[set([10, 0, 0, 1], &[2], Some(0))]),
        0,
        "another type"
    );
    assert_eq!(
        ended(&smf(), &[set([10, 0, 0, 1], &[3], None)]),
        0,
        "it left that set"
    );
    assert_eq!(ended(&smf(), &[set([10, 0, 0, 1], &[2, 77], Some(2))]), 2);
    assert_eq!(
        ended(
            &smf(),
            &[
                set([10, 0, 0, 1], &[4], None),
                set([10, 0, 0, 1], &[5], None)
            ]
        ),
        2
    );
    assert!(world.sessions.is_empty());
}

#[test]
fn answers_to_reports() {
    let mut world = World::new();
    let mut request = pdu_session(7, ue(Some(UE), None));
    request.create_bars = vec![CreateBar {
        id: 1,
        downlink_data_notification_delay: Some(2),
        ..CreateBar::default()
    }];
    let seid = world.established(&request);
    let mut response = SessionReportResponse {
        cause: Cause::RequestAccepted,
        offending_ie: None,
        update_bars: vec![UpdateBarInReportResponse {
            id: 1,
            suggested_buffering_packets_count: Some(9),
            ..UpdateBarInReportResponse::default()
        }],
        flags: 0,
        cp_f_seid: Some(FSeid {
            seid: 77,
            ipv4: None,
            ipv6: None,
        }),
    };
    let (now, stranger) = (world.now, NodeId::Fqdn("smf.example.org".to_owned()));
    world.sessions.report_answered(&smf(), seid, &response, now);
    assert_eq!(world.sessions.cp_seid(&smf(), seid), Some(77));
    let bar = *world.sessions.sessions[&seid].model.bars.get(1).unwrap();
    assert_eq!(bar.suggested_buffering_packets_count, Some(9));
    assert_eq!(bar.downlink_data_notification_delay, Some(2));
    response.cause = Cause::SessionContextNotFound;
    world
        .sessions
        .report_answered(&stranger, seid, &response, now);
    assert_eq!(world.sessions.len(), 1);
    world.sessions.report_answered(&smf(), seid, &response, now);
    assert!(world.sessions.is_empty());
    world.check();
}

#[test]
fn a_deletion_may_name_another_f_seid() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(7, ue(Some(UE), None)))
        .unwrap();
    let seid = established.up_f_seid.seid;
    assert!(
        world
            .slot_of_teid(teid_of(&established.created_pdrs, 2))
            .is_some()
    );
    let request = SessionDeletionRequest {
        cp_f_seid: Some(FSeid {
            seid: 99,
            ipv4: None,
            ipv6: None,
        }),
    };
    let answer = world.sessions.delete(&smf(), seid, &request, world.now);
    assert_eq!((answer.cp_seid, answer.outcome.is_ok()), (99, true));
}
