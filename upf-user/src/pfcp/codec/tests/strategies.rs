//! Any message that can be written.

use crate::pfcp::codec::AssociationUpdateRequest;
use crate::pfcp::codec::SessionDeletionResponse;
use crate::pfcp::ie::UserId;
use crate::pfcp::message::SessionDeletionRequest;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::pfcp::codec::{
    AssociationSetupRequest, AssociationSetupResponse, Body, Heartbeat, Message, MessageType,
    NodeResponse, OtherResponse, SessionEstablishmentResponse, SessionModificationResponse,
    Verdict,
};
use crate::pfcp::ie::{
    ApplyAction, BitRates, Cause, FSeid, FTeid, FailedRule, GateStatus, Interface, NodeId,
    OuterHeaderCreation, OuterHeaderRemoval, SdfFilter, UeIpAddress, UpFunctionFeatures,
};
use crate::pfcp::message::{
    CreateFar, CreatePdr, CreateQer, CreatedPdr, ForwardingParameters, Pdi,
    SessionEstablishmentRequest, SessionModificationRequest, UpdateFar, UpdateForwardingParameters,
    UpdatePdr, UpdateQer,
};

/// A message of any type.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let header = (any::<u64>(), 0u32..1 << 24, of(0u8..16));
    (header, body()).prop_map(|((seid, sequence, priority), body)| Message {
        seid: if body.message_type().is_of_session() {
            seid
        } else {
            0
        },
        sequence,
        priority,
        body,
    })
}

fn body() -> impl Strategy<Value = Body> {
    let heartbeat = any::<u32>().prop_map(|recovery_time_stamp| Heartbeat {
        recovery_time_stamp,
    });
    prop_oneof![
        heartbeat.clone().prop_map(Body::HeartbeatRequest),
        heartbeat.prop_map(Body::HeartbeatResponse),
        setup_request().prop_map(Body::AssociationSetupRequest),
        setup_response().prop_map(Body::AssociationSetupResponse),
        update_request().prop_map(Body::AssociationUpdateRequest),
        node_response().prop_map(Body::AssociationUpdateResponse),
        node_id().prop_map(Body::AssociationReleaseRequest),
        node_response().prop_map(Body::AssociationReleaseResponse),
        Just(Body::VersionNotSupportedResponse),
        establishment_request().prop_map(Body::SessionEstablishmentRequest),
        establishment_response().prop_map(Body::SessionEstablishmentResponse),
        modification_request().prop_map(Body::SessionModificationRequest),
        modification_response().prop_map(Body::SessionModificationResponse),
        of(f_seid()).prop_map(|cp_f_seid| {
            Body::SessionDeletionRequest(SessionDeletionRequest { cp_f_seid })
        }),
        deletion_response().prop_map(Body::SessionDeletionResponse),
        other_request().prop_map(Body::OtherRequest),
        other_response(),
    ]
}

fn update_request() -> impl Strategy<Value = AssociationUpdateRequest> {
    node_id().prop_map(|node_id| AssociationUpdateRequest {
        node_id,
        up_function_features: None,
        cp_function_features: None,
        release_request: None,
        graceful_release_period: None,
    })
}

fn deletion_response() -> impl Strategy<Value = SessionDeletionResponse> {
    verdict().prop_map(|verdict| SessionDeletionResponse {
        verdict,
        usage_reports: Vec::new(),
        load_control: None,
        overload_control: None,
    })
}

fn node_response() -> impl Strategy<Value = NodeResponse> {
    (node_id(), verdict()).prop_map(|(node_id, verdict)| NodeResponse { node_id, verdict })
}

fn other_request() -> impl Strategy<Value = MessageType> {
    prop_oneof![
        Just(MessageType::PfdManagementRequest),
        Just(MessageType::NodeReportRequest),
        Just(MessageType::SessionSetDeletionRequest),
        Just(MessageType::SessionSetModificationRequest),
        Just(MessageType::SessionReportRequest),
    ]
}

fn other_response() -> impl Strategy<Value = Body> {
    (other_request(), of(node_id()), verdict()).prop_map(|(kind, node_id, verdict)| {
        Body::OtherResponse(kind.response().unwrap(), OtherResponse { node_id, verdict })
    })
}

fn setup_request() -> impl Strategy<Value = AssociationSetupRequest> {
    (node_id(), any::<u32>(), of(any::<u64>())).prop_map(|(node_id, stamp, features)| {
        AssociationSetupRequest {
            node_id,
            recovery_time_stamp: stamp,
            up_function_features: features.map(UpFunctionFeatures),
            cp_function_features: None,
        }
    })
}

fn setup_response() -> impl Strategy<Value = AssociationSetupResponse> {
    (setup_request(), verdict()).prop_map(|(request, verdict)| AssociationSetupResponse {
        node_id: request.node_id,
        verdict,
        recovery_time_stamp: request.recovery_time_stamp,
        up_function_features: request.up_function_features,
        cp_function_features: request.cp_function_features,
    })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let cause = prop_oneof![Just(1u8), 64u8..78, 79u8..81].prop_map(Cause::from_code);
    (cause, of(any::<u16>())).prop_map(|(cause, offending_ie)| Verdict {
        cause,
        offending_ie,
    })
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9-]{1,20}(\\.[a-z0-9-]{1,20}){0,3}"
}

fn node_id() -> impl Strategy<Value = NodeId> {
    prop_oneof![
        any::<IpAddr>().prop_map(NodeId::Address),
        name().prop_map(NodeId::Fqdn),
    ]
}

/// One address at least.
fn addresses() -> impl Strategy<Value = (Option<Ipv4Addr>, Option<Ipv6Addr>)> + Clone {
    prop_oneof![
        any::<Ipv4Addr>().prop_map(|v4| (Some(v4), None)),
        any::<Ipv6Addr>().prop_map(|v6| (None, Some(v6))),
        any::<(Ipv4Addr, Ipv6Addr)>().prop_map(|(v4, v6)| (Some(v4), Some(v6))),
    ]
}

fn f_seid() -> impl Strategy<Value = FSeid> {
    (any::<u64>(), addresses()).prop_map(|(seid, (ipv4, ipv6))| FSeid { seid, ipv4, ipv6 })
}

fn f_teid() -> impl Strategy<Value = FTeid> {
    prop_oneof![
        any::<(bool, bool, Option<u8>)>().prop_map(|(ipv4, ipv6, id)| FTeid::Choose {
            ipv4,
            ipv6,
            id
        }),
        (any::<u32>(), addresses()).prop_map(|(teid, (ipv4, ipv6))| FTeid::Given {
            teid,
            ipv4,
            ipv6
        }),
    ]
}

fn ue_ip_address() -> impl Strategy<Value = UeIpAddress> {
    let rest = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        of(any::<u8>()),
        of(0u8..=128),
    );
    (addresses(), rest)
        .prop_map(
            |((v4, v6), (dst, choose4, choose6, bits, length))| UeIpAddress {
                ipv4: v4.filter(|_| !choose4),
                ipv6: v6.filter(|_| !choose6),
                is_destination: dst,
                ipv6_prefix_delegation_bits: bits,
                ipv6_prefix_length: length,
                choose_ipv4: choose4,
                choose_ipv6: choose6,
            },
        )
        .prop_filter("one address at least", |a| {
            a.ipv4.is_some() || a.ipv6.is_some() || a.choose_ipv4 || a.choose_ipv6
        })
}

fn source_interface() -> impl Strategy<Value = Interface> {
    prop_oneof![
        Just(Interface::Access),
        Just(Interface::Core),
        Just(Interface::SgiLan),
        Just(Interface::CpFunction),
        Just(Interface::VnInternal),
    ]
}

fn destination_interface() -> impl Strategy<Value = Interface> {
    prop_oneof![source_interface(), Just(Interface::LiFunction)]
}

fn outer_header_removal() -> impl Strategy<Value = OuterHeaderRemoval> {
    prop_oneof![
        Just(OuterHeaderRemoval::GtpuUdpIpv4),
        Just(OuterHeaderRemoval::GtpuUdpIpv6),
        Just(OuterHeaderRemoval::GtpuUdpIp),
        (2u8..6).prop_map(OuterHeaderRemoval::Other),
    ]
}

fn outer_header_creation() -> impl Strategy<Value = OuterHeaderCreation> {
    let fields = (
        any::<u32>(),
        any::<Ipv4Addr>(),
        any::<Ipv6Addr>(),
        any::<u16>(),
    );
    (any::<u16>(), fields).prop_map(|(description, (teid, v4, v6, port))| {
        let when = |bits: u16| description & bits != 0;
        OuterHeaderCreation {
            description,
            teid: when(0x0300).then_some(teid),
            ipv4: when(0x1500).then_some(v4),
            ipv6: when(0x2a00).then_some(v6),
            port: when(0x0c00).then_some(port),
        }
    })
}

fn bit_rates() -> impl Strategy<Value = BitRates> {
    (0u64..1 << 40, 0u64..1 << 40).prop_map(|(uplink_kbps, downlink_kbps)| BitRates {
        uplink_kbps,
        downlink_kbps,
    })
}

fn sdf_filter() -> impl Strategy<Value = SdfFilter> {
    let flow = of("permit out (ip|17) from [0-9.]{1,15} to assigned");
    (
        flow,
        of(any::<(u8, u8)>()),
        of(any::<u32>()),
        of(0u32..1 << 20),
        of(any::<u32>()),
    )
        .prop_map(|(flow_description, tos, spi, flow_label, id)| SdfFilter {
            flow_description,
            tos,
            spi,
            flow_label,
            id,
        })
}

fn pdi() -> impl Strategy<Value = Pdi> {
    let optional = (
        of(f_teid()),
        of(name()),
        of(ue_ip_address()),
        of("[a-z]{1,8}"),
        of(any::<u8>()),
    );
    (
        source_interface(),
        optional,
        vec(sdf_filter(), 0..4),
        vec(0u8..64, 0..3),
    )
        .prop_map(|(source_interface, optional, sdf_filters, qfis)| Pdi {
            source_interface,
            f_teid: optional.0,
            network_instance: optional.1,
            ue_ip_address: optional.2,
            sdf_filters,
            qfis,
            application_id: optional.3,
            traffic_endpoint_ids: optional.4.into_iter().collect(),
            ..Pdi::default()
        })
}

fn create_pdr() -> impl Strategy<Value = CreatePdr> {
    let optional = (
        of(any::<u32>()),
        of(outer_header_removal()),
        of(any::<u32>()),
    );
    let lists = (vec(any::<u32>(), 0..3), vec("[a-z]{1,9}", 0..2));
    (any::<u16>(), pdi(), optional, lists).prop_map(|(id, pdi, optional, lists)| CreatePdr {
        id,
        precedence: optional.0,
        pdi,
        outer_header_removal: optional.1,
        far_id: optional.2,
        qer_ids: lists.0,
        activate_predefined_rules: lists.1,
        ..CreatePdr::default()
    })
}

fn update_pdr() -> impl Strategy<Value = UpdatePdr> {
    (create_pdr(), any::<bool>()).prop_map(|(pdr, has_pdi)| UpdatePdr {
        id: pdr.id,
        precedence: pdr.precedence,
        pdi: has_pdi.then_some(pdr.pdi),
        outer_header_removal: pdr.outer_header_removal,
        far_id: pdr.far_id,
        qer_ids: (!pdr.qer_ids.is_empty()).then_some(pdr.qer_ids),
        ..UpdatePdr::default()
    })
}

fn update_forwarding() -> impl Strategy<Value = UpdateForwardingParameters> {
    (
        of(destination_interface()),
        of(name()),
        of(outer_header_creation()),
        of(any::<(u8, u8)>()),
    )
        .prop_map(
            |(destination_interface, network_instance, creation, marking)| {
                UpdateForwardingParameters {
                    destination_interface,
                    network_instance,
                    outer_header_creation: creation,
                    transport_level_marking: marking,
                    ..UpdateForwardingParameters::default()
                }
            },
        )
}

fn create_far() -> impl Strategy<Value = CreateFar> {
    let forwarding = (destination_interface(), update_forwarding()).prop_map(|(to, rest)| {
        ForwardingParameters {
            destination_interface: to,
            network_instance: rest.network_instance,
            outer_header_creation: rest.outer_header_creation,
            transport_level_marking: rest.transport_level_marking,
            ..ForwardingParameters::default()
        }
    });
    (any::<u32>(), any::<u16>(), of(forwarding)).prop_map(|(id, action, forwarding)| {
        let conditional = if forwarding.is_none() {
            !ApplyAction::FORW
        } else {
            u16::MAX
        };
        CreateFar {
            id,
            apply_action: ApplyAction(action & conditional),
            forwarding,
            ..CreateFar::default()
        }
    })
}

fn update_far() -> impl Strategy<Value = UpdateFar> {
    (any::<u32>(), of(any::<u16>()), of(update_forwarding())).prop_map(
        |(id, action, forwarding)| UpdateFar {
            id,
            apply_action: action.map(ApplyAction),
            forwarding,
            ..UpdateFar::default()
        },
    )
}

fn create_qer() -> impl Strategy<Value = CreateQer> {
    let gate = any::<(bool, bool)>().prop_map(|(uplink_open, downlink_open)| GateStatus {
        uplink_open,
        downlink_open,
    });
    (
        any::<u32>(),
        gate,
        of(bit_rates()),
        of(bit_rates()),
        of(0u8..64),
    )
        .prop_map(|(id, gate, mbr, gbr, qfi)| CreateQer {
            id,
            gate,
            mbr,
            gbr,
            qfi,
            ..CreateQer::default()
        })
}

fn update_qer() -> impl Strategy<Value = UpdateQer> {
    (create_qer(), any::<bool>()).prop_map(|(qer, has_gate)| UpdateQer {
        id: qer.id,
        gate: has_gate.then_some(qer.gate),
        mbr: qer.mbr,
        gbr: qer.gbr,
        qfi: qer.qfi,
        ..UpdateQer::default()
    })
}

fn establishment_request() -> impl Strategy<Value = SessionEstablishmentRequest> {
    let rules = (
        vec(create_pdr(), 1..4),
        vec(create_far(), 1..3),
        vec(create_qer(), 0..3),
    );
    let rest = (of(name()), of("[0-9]{1,15}"), any::<bool>());
    (node_id(), f_seid(), rules, rest).prop_map(|(node_id, cp_f_seid, rules, rest)| {
        SessionEstablishmentRequest {
            create_pdrs: rules.0,
            create_fars: rules.1,
            create_qers: rules.2,
            dnn: rest.0,
            user_id: rest.1.as_deref().map(UserId::of_imsi),
            is_restoration: rest.2,
            ..SessionEstablishmentRequest::new(node_id, cp_f_seid)
        }
    })
}

fn modification_request() -> impl Strategy<Value = SessionModificationRequest> {
    let removed = (
        vec(any::<u16>(), 0..3),
        vec(any::<u32>(), 0..3),
        vec(any::<u32>(), 0..3),
    );
    let created = (
        vec(create_pdr(), 0..2),
        vec(create_far(), 0..2),
        vec(create_qer(), 0..2),
    );
    let updated = (
        vec(update_pdr(), 0..2),
        vec(update_far(), 0..2),
        vec(update_qer(), 0..2),
    );
    (of(f_seid()), removed, created, updated).prop_map(|(cp_f_seid, removed, created, updated)| {
        SessionModificationRequest {
            cp_f_seid,
            remove_pdrs: removed.0,
            remove_fars: removed.1,
            remove_qers: removed.2,
            create_pdrs: created.0,
            create_fars: created.1,
            create_qers: created.2,
            update_pdrs: updated.0,
            update_fars: updated.1,
            update_qers: updated.2,
            ..SessionModificationRequest::default()
        }
    })
}

fn created_pdr() -> impl Strategy<Value = CreatedPdr> {
    (any::<u16>(), of(f_teid()), of(ue_ip_address())).prop_map(|(id, f_teid, ue_ip_address)| {
        CreatedPdr {
            id,
            f_teid,
            ue_ip_address,
        }
    })
}

fn failed_rule() -> impl Strategy<Value = FailedRule> {
    prop_oneof![
        any::<u16>().prop_map(FailedRule::Pdr),
        any::<u32>().prop_map(FailedRule::Far),
        any::<u32>().prop_map(FailedRule::Qer),
        any::<u32>().prop_map(FailedRule::Urr),
        any::<u8>().prop_map(FailedRule::Bar),
    ]
}

fn modification_response() -> impl Strategy<Value = SessionModificationResponse> {
    (verdict(), vec(created_pdr(), 0..4), of(failed_rule())).prop_map(
        |(verdict, created_pdrs, failed_rule)| SessionModificationResponse {
            verdict,
            created_pdrs,
            updated_pdrs: Vec::new(),
            usage_reports: Vec::new(),
            created_traffic_endpoints: Vec::new(),
            failed_rule,
            load_control: None,
            overload_control: None,
        },
    )
}

fn establishment_response() -> impl Strategy<Value = SessionEstablishmentResponse> {
    (node_id(), f_seid(), modification_response()).prop_map(|(node_id, f_seid, rest)| {
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
