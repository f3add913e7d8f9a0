//! What `peer/messages.py` means, message by message.

use upf_user::pfcp::codec::{
    AssociationSetupRequest, AssociationUpdateRequest, Body, Heartbeat, SessionDeletionResponse,
    Verdict,
};
use upf_user::pfcp::ie::{
    ApplyAction, BitRates, Cause, CpFunctionFeatures, DownlinkDataServiceInformation, FSeid, FTeid,
    FqCsid, FqCsidNode, GateStatus, Interface, MeasurementMethod, NodeId, OuterHeaderCreation,
    OuterHeaderRemoval, PacketRate, RedirectInformation, RemoteGtpuPeer, ReportingTriggers,
    SdfFilter, UeIpAddress, UsageReportTrigger, UserId, VolumeMeasurement, Volumes,
};
use upf_user::pfcp::message::{
    ApplicationPfds, CreateBar, CreateFar, CreatePdr, CreateQer, CreateTrafficEndpoint, CreateUrr,
    DownlinkDataReport, ForwardingParameters, NodeReportRequest, Pdi, PfdContents,
    PfdManagementRequest, SessionEstablishmentRequest, SessionModificationRequest,
    SessionReportRequest, SessionReportResponse, SessionSetDeletionRequest,
    UpdateBarInReportResponse, UpdateFar, UpdateForwardingParameters, UpdatePdr, UpdateUrr,
    UsageReport,
};

const STAMP: u32 = 0xee00_0000;

fn node() -> NodeId {
    NodeId::Address([10, 100, 0, 1].into())
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// In the order of the script.
pub(crate) fn all() -> Vec<Body> {
    vec![
        Body::HeartbeatRequest(Heartbeat {
            recovery_time_stamp: STAMP,
        }),
        Body::AssociationSetupRequest(AssociationSetupRequest {
            node_id: NodeId::Fqdn("smf.example.org".to_owned()),
            recovery_time_stamp: STAMP,
            up_function_features: None,
            cp_function_features: Some(CpFunctionFeatures(3)),
        }),
        Body::AssociationUpdateRequest(AssociationUpdateRequest {
            node_id: node(),
            up_function_features: None,
            cp_function_features: None,
            release_request: Some(1),
            graceful_release_period: Some(0x2f),
        }),
        Body::PfdManagementRequest(pfd_management()),
        Body::NodeReportRequest(NodeReportRequest {
            node_id: node(),
            path_failures: vec![RemoteGtpuPeer {
                ipv4: Some([10, 1, 0, 10].into()),
                ..RemoteGtpuPeer::default()
            }],
            path_recoveries: Vec::new(),
        }),
        Body::SessionSetDeletionRequest(SessionSetDeletionRequest {
            node_id: node(),
            fq_csids: vec![FqCsid {
                node: FqCsidNode::Address([10, 100, 0, 1].into()),
                csids: vec![1, 2],
                node_type: None,
            }],
        }),
        Body::SessionEstablishmentRequest(establishment()),
        Body::SessionModificationRequest(modification()),
        Body::SessionDeletionResponse(SessionDeletionResponse {
            verdict: Verdict::ACCEPTED,
            usage_reports: vec![usage_report()],
            load_control: None,
            overload_control: None,
        }),
        Body::SessionReportRequest(SessionReportRequest {
            downlink_data: Some(DownlinkDataReport {
                pdr_ids: vec![1],
                service_information: vec![DownlinkDataServiceInformation {
                    paging_policy_indication: Some(3),
                    qfi: Some(9),
                }],
            }),
            usage: vec![usage_report()],
            error_indication: vec![FTeid::Given {
                teid: 0x11,
                ipv4: Some([10, 1, 0, 2].into()),
                ipv6: None,
            }],
            is_user_plane_inactive: true,
        }),
        Body::SessionReportResponse(SessionReportResponse {
            cause: Cause::RequestAccepted,
            offending_ie: None,
            update_bars: vec![UpdateBarInReportResponse {
                id: 6,
                downlink_data_notification_delay: Some(2),
                buffering_duration: Some(0x0f),
                buffering_packet_count: Some(20),
                suggested_buffering_packets_count: None,
            }],
            flags: 1,
            cp_f_seid: None,
        }),
    ]
}

fn pfd_management() -> PfdManagementRequest {
    PfdManagementRequest {
        applications: vec![ApplicationPfds {
            application_id: "video".to_owned(),
            contexts: vec![vec![PfdContents {
                flow_descriptions: vec!["permit out ip from 1.2.3.4 to any".to_owned()],
                urls: vec!["http://a.example/".to_owned()],
                ..PfdContents::default()
            }]],
        }],
        node_id: None,
    }
}

fn establishment() -> SessionEstablishmentRequest {
    let cp_f_seid = FSeid {
        seid: 0x0102_0304,
        ipv4: Some([10, 100, 0, 1].into()),
        ipv6: None,
    };
    SessionEstablishmentRequest {
        create_pdrs: vec![create_pdr()],
        create_fars: vec![create_far()],
        create_urrs: vec![create_urr()],
        create_qers: vec![create_qer()],
        create_bars: vec![CreateBar {
            id: 6,
            downlink_data_notification_delay: Some(2),
            suggested_buffering_packets_count: Some(100),
            mt_edt_control: None,
        }],
        create_traffic_endpoints: vec![CreateTrafficEndpoint {
            id: 5,
            f_teid: Some(FTeid::Choose {
                ipv4: true,
                ipv6: false,
                id: None,
            }),
            network_instance: text("access.example"),
            ..CreateTrafficEndpoint::default()
        }],
        pdn_type: Some(1),
        user_plane_inactivity_timer: Some(3_600),
        user_id: Some(UserId {
            imsi: text("001010123456789"),
            nai: text("ue@example.org"),
            ..UserId::default()
        }),
        dnn: text("internet"),
        ..SessionEstablishmentRequest::new(node(), cp_f_seid)
    }
}

fn create_pdr() -> CreatePdr {
    CreatePdr {
        id: 1,
        precedence: Some(255),
        pdi: Pdi {
            source_interface: Interface::Access,
            f_teid: Some(FTeid::Choose {
                ipv4: true,
                ipv6: true,
                id: Some(5),
            }),
            network_instance: text("internet"),
            ue_ip_address: Some(UeIpAddress {
                ipv4: Some([10, 45, 0, 2].into()),
                is_destination: true,
                ..UeIpAddress::default()
            }),
            sdf_filters: vec![SdfFilter {
                flow_description: text("permit out 17 from any 53 to assigned"),
                tos: Some((0x28, 0xfc)),
                id: Some(77),
                ..SdfFilter::default()
            }],
            application_id: text("video"),
            qfis: vec![9],
            framed_routes: vec!["192.0.2.0/24".to_owned()],
            source_interface_type: Some(11),
            ..Pdi::default()
        },
        outer_header_removal: Some(OuterHeaderRemoval::GtpuUdpIpv4),
        far_id: Some(3),
        urr_ids: vec![7],
        qer_ids: vec![4],
        activate_predefined_rules: vec!["gold".to_owned()],
        ..CreatePdr::default()
    }
}

fn create_far() -> CreateFar {
    CreateFar {
        id: 3,
        apply_action: ApplyAction(ApplyAction::FORW),
        forwarding: Some(ForwardingParameters {
            destination_interface: Interface::Core,
            network_instance: text("internet"),
            redirect_information: Some(RedirectInformation {
                address_type: 2,
                address: "http://a.example/".to_owned(),
                other_address: None,
                port: None,
            }),
            transport_level_marking: Some((0x28, 0xfc)),
            linked_traffic_endpoint_id: Some(5),
            ..ForwardingParameters::default()
        }),
        bar_id: Some(6),
        ..CreateFar::default()
    }
}

fn create_urr() -> CreateUrr {
    CreateUrr {
        id: 7,
        measurement_method: MeasurementMethod(MeasurementMethod::VOLUM),
        // VOLTH and TIMQU.
        reporting_triggers: ReportingTriggers(1 << 1 | 1 << 9),
        settings: UpdateUrr {
            volume_threshold: Some(Volumes {
                total: Some(100_000_000),
                ..Volumes::default()
            }),
            time_quota: Some(60),
            linked_urr_ids: vec![9],
            ..UpdateUrr::default()
        },
    }
}

fn create_qer() -> CreateQer {
    CreateQer {
        id: 4,
        correlation_id: Some(44),
        gate: GateStatus {
            uplink_open: true,
            downlink_open: false,
        },
        mbr: Some(BitRates {
            uplink_kbps: 1_000_000,
            downlink_kbps: 2_000_000,
        }),
        packet_rate: Some(PacketRate {
            uplink: Some((2, 100)),
            ..PacketRate::default()
        }),
        qfi: Some(9),
        reflective_qos: Some(true),
        averaging_window_ms: Some(2_000),
        ..CreateQer::default()
    }
}

fn modification() -> SessionModificationRequest {
    SessionModificationRequest {
        remove_pdrs: vec![11],
        remove_urrs: vec![13],
        remove_bars: vec![15],
        remove_traffic_endpoints: vec![16],
        update_pdrs: vec![UpdatePdr {
            id: 1,
            far_id: Some(4),
            deactivate_predefined_rules: vec!["gold".to_owned()],
            ..UpdatePdr::default()
        }],
        update_fars: vec![UpdateFar {
            id: 3,
            apply_action: Some(ApplyAction(ApplyAction::FORW)),
            forwarding: Some(UpdateForwardingParameters {
                destination_interface: Some(Interface::Access),
                outer_header_creation: Some(OuterHeaderCreation {
                    description: OuterHeaderCreation::GTPU_UDP_IPV4,
                    teid: Some(0xabcd),
                    ipv4: Some([10, 1, 0, 10].into()),
                    ..OuterHeaderCreation::default()
                }),
                // SNDEM.
                flags: 2,
                ..UpdateForwardingParameters::default()
            }),
            ..UpdateFar::default()
        }],
        // QAURR.
        flags: 4,
        query_urrs: vec![7],
        query_urr_reference: Some(19),
        ..SessionModificationRequest::default()
    }
}

fn usage_report() -> UsageReport {
    UsageReport {
        urr_id: 7,
        sequence: 3,
        // VOLTH and TERMR.
        trigger: UsageReportTrigger(1 << 1 | 1 << 11),
        start_time: Some(STAMP),
        end_time: Some(STAMP + 60),
        volume: Some(VolumeMeasurement {
            octets: Volumes {
                total: Some(3_000),
                uplink: Some(1_000),
                downlink: Some(2_000),
            },
            packets: Volumes::default(),
        }),
        duration: Some(60),
        ..UsageReport::default()
    }
}
