//! Any message about a session that can be written.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::node::verdict;
use super::rules::*;
use super::values::*;
use crate::pfcp::codec::{
    SessionDeletionResponse, SessionEstablishmentResponse, SessionModificationResponse,
};
use crate::pfcp::ie::{Cause, UsageReportTrigger};
use crate::pfcp::message::*;

/// The rules that are made, in a modification that does nothing else.
fn creations() -> impl Strategy<Value = SessionModificationRequest> {
    let rules = (
        vec(create_pdr().boxed(), 1..3),
        vec(create_far().boxed(), 1..3),
        vec(create_urr().boxed(), 0..2),
        vec(create_qer().boxed(), 0..3),
        vec(create_bar().boxed(), 0..2),
        vec(traffic_endpoint().boxed(), 0..2),
        vec(create_mar().boxed(), 0..2),
    );
    rules.prop_map(|rules| SessionModificationRequest {
        create_pdrs: rules.0,
        create_fars: rules.1,
        create_urrs: rules.2,
        create_qers: rules.3,
        create_bars: rules.4,
        create_traffic_endpoints: rules.5,
        create_mars: rules.6,
        ..SessionModificationRequest::default()
    })
}

pub(super) fn establishment_request() -> impl Strategy<Value = SessionEstablishmentRequest> {
    let texts = (of(user_id()), of(name()), of(vec(any::<u8>(), 0..9)));
    let numbers = (
        of(0u8..8),
        of(any::<u32>()),
        of(s_nssai()),
        of(any::<u8>()),
        any::<bool>(),
    );
    let csids = vec(fq_csid(), 0..3);
    (
        node_id(),
        f_seid(),
        creations().boxed(),
        texts,
        numbers,
        csids,
    )
        .prop_map(|(node_id, cp_f_seid, rules, texts, numbers, fq_csids)| {
            SessionEstablishmentRequest {
                node_id,
                cp_f_seid,
                create_pdrs: rules.create_pdrs,
                create_fars: rules.create_fars,
                create_urrs: rules.create_urrs,
                create_qers: rules.create_qers,
                create_bars: rules.create_bars,
                create_traffic_endpoints: rules.create_traffic_endpoints,
                create_mars: rules.create_mars,
                pdn_type: numbers.0,
                fq_csids,
                user_plane_inactivity_timer: numbers.1,
                user_id: texts.0,
                dnn: texts.1,
                s_nssai: numbers.2,
                rat_type: numbers.3,
                group_id: texts.2,
                is_restoration: numbers.4,
            }
        })
}

pub(super) fn modification_request() -> impl Strategy<Value = SessionModificationRequest> {
    let removed = (
        vec(any::<u16>(), 0..3),
        [ids(), ids(), ids(), ids()],
        vec(any::<u8>(), 0..2),
        vec(any::<u8>(), 0..2),
        vec(any::<u16>(), 0..2),
    );
    let updated = (
        vec(update_pdr().boxed(), 0..2),
        vec(update_far().boxed(), 0..2),
        vec(update_urr().boxed(), 0..2),
        vec(update_qer().boxed(), 0..2),
        vec(create_bar().boxed(), 0..2),
        vec(traffic_endpoint().boxed(), 0..2),
        vec(update_mar().boxed(), 0..2),
    );
    let rest = (
        any::<u8>(),
        of(f_seid()),
        of(any::<u32>()),
        vec(fq_csid(), 0..2),
        of(any::<u32>()),
        of(node_id()),
    );
    (
        removed.boxed(),
        of(creations().boxed()),
        updated.boxed(),
        rest.boxed(),
    )
        .prop_map(|(removed, created, updated, rest)| {
            let [remove_fars, remove_urrs, remove_qers, query_urrs] = removed.1;
            SessionModificationRequest {
                cp_f_seid: rest.1,
                remove_pdrs: removed.0,
                remove_fars,
                remove_urrs,
                remove_qers,
                remove_bars: removed.2,
                remove_traffic_endpoints: removed.3,
                remove_mars: removed.4,
                update_pdrs: updated.0,
                update_fars: updated.1,
                update_urrs: updated.2,
                update_qers: updated.3,
                update_bars: updated.4,
                update_traffic_endpoints: updated.5,
                update_mars: updated.6,
                flags: rest.0,
                query_urrs,
                query_urr_reference: rest.2,
                fq_csids: rest.3,
                user_plane_inactivity_timer: rest.4,
                node_id: rest.5,
                ..created.unwrap_or_default()
            }
        })
}

fn load_control() -> impl Strategy<Value = LoadControl> {
    any::<(u32, u8)>().prop_map(|(sequence, metric)| LoadControl { sequence, metric })
}

fn overload_control() -> impl Strategy<Value = OverloadControl> {
    any::<(u32, u8, u8, u8)>().prop_map(|(sequence, metric, validity, flags)| OverloadControl {
        sequence,
        metric,
        validity,
        flags,
    })
}

fn usage_report() -> impl Strategy<Value = UsageReport> {
    let head = (any::<u32>(), any::<u32>(), 0u32..1 << 24);
    let rest = (of(volume_measurement()), of(any::<u8>()), ids());
    (head, any::<[Option<u32>; 6]>(), rest).prop_map(|(head, times, rest)| UsageReport {
        urr_id: head.0,
        sequence: head.1,
        trigger: UsageReportTrigger(head.2),
        start_time: times[0],
        end_time: times[1],
        volume: rest.0,
        duration: times[2],
        first_packet: times[3],
        last_packet: times[4],
        usage_information: rest.1,
        query_urr_reference: times[5],
        event_time_stamps: rest.2,
    })
}

pub(super) fn modification_response() -> impl Strategy<Value = SessionModificationResponse> {
    let lists = (
        vec(created_pdr().boxed(), 0..4),
        vec(created_pdr().boxed(), 0..2),
        vec(usage_report().boxed(), 0..3),
        vec(created_traffic_endpoint().boxed(), 0..2),
    );
    let control = (of(load_control()), of(overload_control()));
    (verdict(), lists, of(failed_rule()), control).prop_map(
        |(verdict, lists, failed_rule, control)| SessionModificationResponse {
            verdict,
            created_pdrs: lists.0,
            updated_pdrs: lists.1,
            usage_reports: lists.2,
            created_traffic_endpoints: lists.3,
            failed_rule,
            load_control: control.0,
            overload_control: control.1,
        },
    )
}

pub(super) fn establishment_response() -> impl Strategy<Value = SessionEstablishmentResponse> {
    (node_id(), f_seid(), modification_response().boxed()).prop_map(|(node_id, f_seid, rest)| {
        SessionEstablishmentResponse {
            node_id,
            verdict: rest.verdict,
            up_f_seid: (rest.verdict.cause == Cause::RequestAccepted).then_some(f_seid),
            created_pdrs: rest.created_pdrs,
            created_traffic_endpoints: rest.created_traffic_endpoints,
            failed_rule: rest.failed_rule,
            load_control: rest.load_control,
            overload_control: rest.overload_control,
        }
    })
}

pub(super) fn deletion_request() -> impl Strategy<Value = SessionDeletionRequest> {
    of(f_seid()).prop_map(|cp_f_seid| SessionDeletionRequest { cp_f_seid })
}

pub(super) fn deletion_response() -> impl Strategy<Value = SessionDeletionResponse> {
    modification_response().prop_map(|response| SessionDeletionResponse {
        verdict: response.verdict,
        usage_reports: response.usage_reports,
        load_control: response.load_control,
        overload_control: response.overload_control,
    })
}

pub(super) fn report_request() -> impl Strategy<Value = SessionReportRequest> {
    let downlink = (vec(any::<u16>(), 1..3), vec(service_information(), 0..2)).prop_map(
        |(pdr_ids, service_information)| DownlinkDataReport {
            pdr_ids,
            service_information,
        },
    );
    let usage = vec(usage_report().boxed(), 0..3);
    (of(downlink), usage, vec(f_teid(), 0..3), any::<bool>()).prop_map(
        |(downlink_data, usage, error_indication, is_user_plane_inactive)| SessionReportRequest {
            downlink_data,
            usage,
            error_indication,
            is_user_plane_inactive,
        },
    )
}

pub(super) fn report_response() -> impl Strategy<Value = SessionReportResponse> {
    let bars = vec(update_bar_in_report_response().boxed(), 0..2);
    (verdict(), bars, any::<u8>(), of(f_seid())).prop_map(
        |(verdict, update_bars, flags, cp_f_seid)| SessionReportResponse {
            cause: verdict.cause,
            offending_ie: verdict.offending_ie,
            update_bars,
            flags,
            cp_f_seid,
        },
    )
}
