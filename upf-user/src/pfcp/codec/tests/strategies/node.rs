//! Any message between nodes that can be written.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::values::*;
use crate::pfcp::codec::{
    AssociationSetupRequest, AssociationSetupResponse, AssociationUpdateRequest, Heartbeat,
    NodeResponse, OtherResponse, Verdict,
};
use crate::pfcp::ie::{Cause, CpFunctionFeatures, UpFunctionFeatures};
use crate::pfcp::message::{
    ApplicationPfds, NodeReportRequest, PfdContents, PfdManagementRequest,
    SessionSetDeletionRequest,
};

pub(super) fn verdict() -> impl Strategy<Value = Verdict> {
    let cause = prop_oneof![1u8..4, 64u8..82, Just(86)].prop_map(Cause::from_code);
    (cause, of(any::<u16>())).prop_map(|(cause, offending_ie)| Verdict {
        cause,
        offending_ie,
    })
}

pub(super) fn heartbeat() -> impl Strategy<Value = Heartbeat> {
    any::<u32>().prop_map(|recovery_time_stamp| Heartbeat {
        recovery_time_stamp,
    })
}

fn features() -> impl Strategy<Value = (Option<UpFunctionFeatures>, Option<CpFunctionFeatures>)> {
    any::<(Option<u64>, Option<u16>)>()
        .prop_map(|(up, cp)| (up.map(UpFunctionFeatures), cp.map(CpFunctionFeatures)))
}

pub(super) fn setup_request() -> impl Strategy<Value = AssociationSetupRequest> {
    (node_id(), any::<u32>(), features()).prop_map(|(node_id, stamp, (up, cp))| {
        AssociationSetupRequest {
            node_id,
            recovery_time_stamp: stamp,
            up_function_features: up,
            cp_function_features: cp,
        }
    })
}

pub(super) fn setup_response() -> impl Strategy<Value = AssociationSetupResponse> {
    (setup_request(), verdict()).prop_map(|(request, verdict)| AssociationSetupResponse {
        node_id: request.node_id,
        verdict,
        recovery_time_stamp: request.recovery_time_stamp,
        up_function_features: request.up_function_features,
        cp_function_features: request.cp_function_features,
    })
}

pub(super) fn update_request() -> impl Strategy<Value = AssociationUpdateRequest> {
    (node_id(), features(), any::<(Option<u8>, Option<u8>)>()).prop_map(
        |(node_id, (up, cp), (release_request, graceful_release_period))| {
            AssociationUpdateRequest {
                node_id,
                up_function_features: up,
                cp_function_features: cp,
                release_request,
                graceful_release_period,
            }
        },
    )
}

pub(super) fn node_response() -> impl Strategy<Value = NodeResponse> {
    (node_id(), verdict()).prop_map(|(node_id, verdict)| NodeResponse { node_id, verdict })
}

pub(super) fn other_response() -> impl Strategy<Value = OtherResponse> {
    (of(node_id()), verdict()).prop_map(|(node_id, verdict)| OtherResponse { node_id, verdict })
}

pub(super) fn node_report() -> impl Strategy<Value = NodeReportRequest> {
    let peers = || vec(remote_gtpu_peer(), 0..3);
    (node_id(), peers(), peers()).prop_map(|(node_id, path_failures, path_recoveries)| {
        NodeReportRequest {
            node_id,
            path_failures,
            path_recoveries,
        }
    })
}

pub(super) fn set_deletion() -> impl Strategy<Value = SessionSetDeletionRequest> {
    (node_id(), vec(fq_csid(), 0..4))
        .prop_map(|(node_id, fq_csids)| SessionSetDeletionRequest { node_id, fq_csids })
}

fn pfd_contents() -> impl Strategy<Value = PfdContents> {
    let domain_names = vec((text(), of(text())), 0..3);
    (texts(), texts(), domain_names, of(vec(any::<u8>(), 0..9))).prop_map(
        |(flow_descriptions, urls, domain_names, custom)| PfdContents {
            flow_descriptions,
            urls,
            domain_names,
            custom,
        },
    )
}

pub(super) fn pfd_management() -> impl Strategy<Value = PfdManagementRequest> {
    let contexts = vec(vec(pfd_contents(), 1..3), 0..3);
    let application = (text(), contexts).prop_map(|(application_id, contexts)| ApplicationPfds {
        application_id,
        contexts,
    });
    (vec(application, 0..3), of(node_id())).prop_map(|(applications, node_id)| {
        PfdManagementRequest {
            applications,
            node_id,
        }
    })
}
