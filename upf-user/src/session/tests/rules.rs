//! Create, update and remove of every rule, and what rules refer to (TS 29.244 clauses 5.2 and 7.5).

use super::requests::*;
use super::world::World;
use crate::pfcp::ie::{
    BitRates, Cause, FailedRule, GateStatus, MeasurementMethod, NodeId, RedirectInformation,
    ReportingTriggers, Volumes, kind, sm_request_flags,
};
use crate::pfcp::message::{
    AccessForwardingAction, CreateBar, CreateMar, CreateUrr, Refusal, SessionModificationRequest,
    UpdateAccessForwardingAction, UpdateFar, UpdateForwardingParameters, UpdateMar, UpdateQer,
    UpdateUrr,
};

const UE: &str = "10.45.0.2";

pub(super) type Change = SessionModificationRequest;

pub(super) fn change(make: impl FnOnce(&mut Change)) -> Change {
    let mut request = Change::default();
    make(&mut request);
    request
}

fn urr(id: u32) -> CreateUrr {
    CreateUrr {
        id,
        measurement_method: MeasurementMethod(MeasurementMethod::VOLUM),
        reporting_triggers: ReportingTriggers(1 << 1),
        settings: UpdateUrr {
            volume_threshold: Some(Volumes {
                total: Some(1000),
                ..Volumes::default()
            }),
            ..UpdateUrr::default()
        },
    }
}

fn bar(id: u8) -> CreateBar {
    CreateBar {
        id,
        downlink_data_notification_delay: Some(2),
        ..CreateBar::default()
    }
}

fn mar(id: u16, far: u32) -> CreateMar {
    CreateMar {
        id,
        tgpp_access: Some(AccessForwardingAction {
            far_id: far,
            ..AccessForwardingAction::default()
        }),
        ..CreateMar::default()
    }
}

fn refusal(cause: Cause, ie: Option<u16>, rule: Option<FailedRule>) -> Refusal {
    Refusal {
        cause,
        offending_ie: ie,
        failed_rule: rule,
    }
}

/// A session with one of everything: URR 1 in PDR 1, BAR 1 in FAR 1, MAR 1 in PDR 7.
pub(super) fn world() -> (World, u64) {
    let mut world = World::new();
    let mut request = pdu_session(7, ue(Some(UE), None));
    request.create_urrs = vec![urr(1)];
    request.create_bars = vec![bar(1)];
    request.create_mars = vec![mar(1, 2)];
    request.create_fars[0].bar_id = Some(1);
    request.create_pdrs[0].urr_ids = vec![1];
    let mut steered = pdr(7, Some(300), 2, &[], request.create_pdrs[1].pdi.clone());
    (steered.far_id, steered.mar_id) = (None, Some(1));
    request.create_pdrs.push(steered);
    let seid = world.established(&request);
    (world, seid)
}

/// What is refused leaves everything as it was.
fn refused(what: &str, expected: &Refusal, request: &Change) {
    let (mut world, seid) = world();
    let before = world.state();
    let outcome = world.modify(seid, request);
    assert_eq!(outcome.as_ref(), Err(expected), "{what}");
    assert_eq!(world.state(), before, "{what}");
}

#[test]
fn rules_that_are_referred_to_must_be_there() {
    use Cause::RuleCreationFailure as Failure;
    use FailedRule::{Bar, Far, Pdr, Urr};
    let rows: Vec<(&str, Refusal, Change)> = vec![
        (
            "7.5.4.2: PDR to no URR",
            refusal(Failure, Some(kind::URR_ID), Some(Pdr(1))),
            change(|r| {
                let mut update = update_pdr(1);
                update.urr_ids = Some(vec![9]);
                r.update_pdrs = vec![update];
            }),
        ),
        (
            "7.5.4.7: a URR in use",
            refusal(Failure, Some(kind::URR_ID), Some(Urr(1))),
            change(|r| r.remove_urrs = vec![1]),
        ),
        (
            "7.5.4.12: a BAR in use",
            refusal(Failure, Some(kind::BAR_ID), Some(Bar(1))),
            change(|r| r.remove_bars = vec![1]),
        ),
        (
            "7.5.4.3: FAR to no BAR",
            refusal(Failure, Some(kind::BAR_ID), Some(Far(2))),
            change(|r| {
                r.update_fars = vec![UpdateFar {
                    id: 2,
                    bar_id: Some(9),
                    ..UpdateFar::default()
                }];
            }),
        ),
        (
            "7.5.4.15: a MAR in use",
            refusal(Failure, Some(kind::MAR_ID), Some(Pdr(7))),
            change(|r| r.remove_mars = vec![1]),
        ),
        (
            "7.5.2.8: MAR to no FAR",
            refusal(Failure, Some(kind::FAR_ID), None),
            change(|r| r.create_mars = vec![mar(2, 99)]),
        ),
        (
            "7.5.2.8: MAR to no URR",
            refusal(Failure, Some(kind::URR_ID), None),
            change(|r| {
                let mut mar = mar(2, 1);
                mar.tgpp_access.as_mut().unwrap().urr_ids = vec![9];
                r.create_mars = vec![mar];
            }),
        ),
        (
            "7.5.2.4: URR linked to none",
            refusal(Failure, Some(kind::LINKED_URR_ID), Some(Urr(2))),
            change(|r| {
                let mut urr = urr(2);
                urr.settings.linked_urr_ids = vec![9];
                r.create_urrs = vec![urr];
            }),
        ),
        (
            "7.5.2.4: FAR for quota action",
            refusal(Failure, Some(kind::FAR_ID), Some(Urr(2))),
            change(|r| {
                let mut urr = urr(2);
                urr.settings.quota_action_far_id = Some(9);
                r.create_urrs = vec![urr];
            }),
        ),
        (
            "7.5.2.3: linked traffic endpoint",
            refusal(Failure, Some(kind::TRAFFIC_ENDPOINT_ID), Some(Far(1))),
            change(|r| {
                r.update_fars = vec![UpdateFar {
                    id: 1,
                    forwarding: Some(UpdateForwardingParameters {
                        linked_traffic_endpoint_id: Some(9),
                        ..UpdateForwardingParameters::default()
                    }),
                    ..UpdateFar::default()
                }];
            }),
        ),
        (
            "7.5.4.10: query of no URR",
            refusal(Failure, Some(kind::QUERY_URR), Some(Urr(9))),
            change(|r| r.query_urrs = vec![1, 9]),
        ),
    ];
    for (what, expected, request) in rows {
        refused(what, &expected, &request);
    }
}

#[test]
fn unknown_rules_are_neither_updated_nor_removed_and_known_ones_not_created() {
    use FailedRule::{Bar, Urr};
    let failed = |rule| refusal(Cause::RuleCreationFailure, None, Some(rule));
    let mar_failed = refusal(Cause::RuleCreationFailure, Some(kind::MAR_ID), None);
    let update = UpdateUrr {
        id: 9,
        ..UpdateUrr::default()
    };
    let rows: Vec<(&str, Refusal, Change)> = vec![
        ("URR", failed(Urr(9)), change(|r| r.remove_urrs = vec![9])),
        (
            "URR",
            failed(Urr(9)),
            change(|r| r.update_urrs = vec![update]),
        ),
        (
            "URR",
            failed(Urr(1)),
            change(|r| r.create_urrs = vec![urr(1)]),
        ),
        ("BAR", failed(Bar(9)), change(|r| r.remove_bars = vec![9])),
        (
            "BAR",
            failed(Bar(9)),
            change(|r| r.update_bars = vec![bar(9)]),
        ),
        (
            "BAR",
            failed(Bar(1)),
            change(|r| r.create_bars = vec![bar(1)]),
        ),
        (
            "MAR",
            mar_failed.clone(),
            change(|r| r.remove_mars = vec![9]),
        ),
        (
            "MAR",
            mar_failed.clone(),
            change(|r| {
                r.update_mars = vec![UpdateMar {
                    id: 9,
                    ..UpdateMar::default()
                }];
            }),
        ),
        (
            "MAR",
            mar_failed,
            change(|r| r.create_mars = vec![mar(1, 2)]),
        ),
    ];
    for (what, expected, request) in rows {
        refused(what, &expected, &request);
    }
}

#[test]
fn what_says_nothing_sensible_is_refused() {
    use FailedRule::{Far, Qer, Urr};
    let rows: Vec<(&str, Refusal, Change)> = vec![
        (
            "8.2.40: no measurement method",
            refusal(
                Cause::MandatoryIeIncorrect,
                Some(kind::MEASUREMENT_METHOD),
                Some(Urr(2)),
            ),
            change(|r| {
                r.create_urrs = vec![CreateUrr {
                    measurement_method: MeasurementMethod(0),
                    ..urr(2)
                }];
            }),
        ),
        (
            "7.5.2.4: VOLTH without threshold",
            refusal(
                Cause::ConditionalIeMissing,
                Some(kind::VOLUME_THRESHOLD),
                Some(Urr(2)),
            ),
            change(|r| {
                let mut urr = urr(2);
                urr.settings.volume_threshold = None;
                r.create_urrs = vec![urr];
            }),
        ),
        (
            "7.5.2.4: PERIO without period",
            refusal(
                Cause::ConditionalIeMissing,
                Some(kind::MEASUREMENT_PERIOD),
                Some(Urr(1)),
            ),
            change(|r| {
                r.update_urrs = vec![UpdateUrr {
                    id: 1,
                    reporting_triggers: Some(ReportingTriggers(1)),
                    ..UpdateUrr::default()
                }];
            }),
        ),
        (
            "7.5.2.4: VOLTH of a duration",
            refusal(
                Cause::RuleCreationFailure,
                Some(kind::REPORTING_TRIGGERS),
                Some(Urr(1)),
            ),
            change(|r| {
                r.update_urrs = vec![UpdateUrr {
                    id: 1,
                    measurement_method: Some(MeasurementMethod(MeasurementMethod::DURAT)),
                    ..UpdateUrr::default()
                }];
            }),
        ),
        (
            "8.2.19: MACAR",
            refusal(
                Cause::ServiceNotSupported,
                Some(kind::REPORTING_TRIGGERS),
                Some(Urr(2)),
            ),
            change(|r| {
                r.create_urrs = vec![CreateUrr {
                    reporting_triggers: ReportingTriggers(1 << 11),
                    ..urr(2)
                }];
            }),
        ),
        (
            "8.2.9: GBR above MBR",
            refusal(Cause::RuleCreationFailure, Some(kind::GBR), Some(Qer(1))),
            change(|r| {
                r.update_qers = vec![UpdateQer {
                    id: 1,
                    gbr: Some(BitRates {
                        uplink_kbps: 1_000_001,
                        downlink_kbps: 0,
                    }),
                    ..UpdateQer::default()
                }];
            }),
        ),
        (
            "8.2.74: a predefined FAR",
            refusal(Cause::RuleCreationFailure, None, Some(Far(1 << 31))),
            change(|r| r.create_fars = vec![far(1 << 31, DROP, None)]),
        ),
        (
            "8.2.20: redirect to no address",
            refusal(
                Cause::MandatoryIeIncorrect,
                Some(kind::REDIRECT_INFORMATION),
                Some(Far(2)),
            ),
            change(|r| r.update_fars = vec![redirecting("192.0.2")]),
        ),
        (
            "8.2.23: no such policy",
            refusal(
                Cause::InvalidForwardingPolicy,
                Some(kind::FORWARDING_POLICY),
                Some(Far(2)),
            ),
            change(|r| r.update_fars = vec![by_policy("nowhere")]),
        ),
        (
            "8.2.126: steering mode",
            refusal(Cause::MandatoryIeIncorrect, Some(kind::STEERING_MODE), None),
            change(|r| {
                r.update_mars = vec![UpdateMar {
                    id: 1,
                    steering_mode: Some(15),
                    ..UpdateMar::default()
                }];
            }),
        ),
        (
            "5.22: another control plane",
            refusal(Cause::ServiceNotSupported, Some(kind::NODE_ID), None),
            change(|r| {
                r.node_id = Some(NodeId::Fqdn("smf2.example.org".to_owned()));
            }),
        ),
    ];
    for (what, expected, request) in rows {
        refused(what, &expected, &request);
    }
}

pub(super) fn redirecting(address: &str) -> UpdateFar {
    UpdateFar {
        id: 2,
        forwarding: Some(UpdateForwardingParameters {
            redirect_information: Some(RedirectInformation {
                address_type: 0,
                address: address.to_owned(),
                other_address: None,
                port: None,
            }),
            ..UpdateForwardingParameters::default()
        }),
        ..UpdateFar::default()
    }
}

pub(super) fn by_policy(name: &str) -> UpdateFar {
    UpdateFar {
        id: 2,
        forwarding: Some(UpdateForwardingParameters {
            forwarding_policy: Some(name.to_owned()),
            ..UpdateForwardingParameters::default()
        }),
        ..UpdateFar::default()
    }
}

#[test]
fn every_rule_is_created_updated_and_removed_in_one_message() {
    let (mut world, seid) = world();
    // PDR 7 and MAR 1 go, URR 1 comes anew and BAR 1 as BAR 2, for the same PDR and FAR.
    let request = change(|r| {
        r.remove_pdrs = vec![7];
        r.remove_mars = vec![1];
        r.remove_urrs = vec![1];
        r.remove_bars = vec![1];
        r.create_urrs = vec![urr(1), urr(2)];
        r.create_bars = vec![bar(2)];
        r.create_mars = vec![mar(2, 1)];
        let mut update = update_pdr(1);
        update.urr_ids = Some(vec![2, 1]);
        r.update_pdrs = vec![update];
        r.update_fars = vec![UpdateFar {
            id: 1,
            bar_id: Some(2),
            ..UpdateFar::default()
        }];
        r.update_urrs = vec![UpdateUrr {
            id: 2,
            linked_urr_ids: vec![1],
            time_threshold: Some(60),
            ..UpdateUrr::default()
        }];
        r.update_bars = vec![CreateBar {
            id: 2,
            suggested_buffering_packets_count: Some(10),
            ..CreateBar::default()
        }];
        r.update_mars = vec![UpdateMar {
            id: 2,
            steering_mode: Some(1),
            update_tgpp_access: Some(UpdateAccessForwardingAction {
                far_id: Some(2),
                weight: Some(50),
                ..UpdateAccessForwardingAction::default()
            }),
            ..UpdateMar::default()
        }];
        r.update_qers = vec![UpdateQer {
            id: 1,
            gate: Some(GateStatus {
                uplink_open: false,
                downlink_open: true,
            }),
            ..UpdateQer::default()
        }];
        r.query_urrs = vec![1];
        r.flags = sm_request_flags::QAURR;
    });
    assert_eq!(world.modify(seid, &request), Ok(Vec::new()));
    world.check();
    let model = &world.sessions.sessions[&seid].model;
    assert_eq!(model.pdrs.get(1).unwrap().urrs, [2, 1]);
    assert_eq!(model.fars.get(1).unwrap().bar, Some(2));
    let urr = model.urrs.get(2).unwrap();
    assert_eq!(
        (urr.time_threshold, urr.linked_urr_ids.as_slice()),
        (Some(60), &[1][..])
    );
    assert!(urr.volume_threshold.is_some(), "what is absent stays");
    let bar = model.bars.get(2).unwrap();
    assert_eq!(bar.downlink_data_notification_delay, Some(2));
    assert_eq!(bar.suggested_buffering_packets_count, Some(10));
    let access = model.mars.get(2).unwrap().tgpp_access.as_ref().unwrap();
    assert_eq!((access.far_id, access.weight), (2, Some(50)));
    assert!(!world.detections_of(seid, 2)[0].is_gate_open);
    assert!(world.detections_of(seid, 1)[0].is_gate_open);
}
