//! A message of every type that is written, with as many IEs as its type has, and what tshark should find in it.

use upf_user::pfcp::codec::{
    AssociationSetupRequest, AssociationSetupResponse, AssociationUpdateRequest, Body, Heartbeat,
    MessageType, NodeResponse, OtherResponse, SessionDeletionResponse,
    SessionEstablishmentResponse, SessionModificationResponse, Verdict,
};
use upf_user::pfcp::ie::{
    Cause, CpFunctionFeatures, DownlinkDataServiceInformation, FSeid, FTeid, FailedRule, FqCsid,
    FqCsidNode, Interface, NodeId, RemoteGtpuPeer, SNssai, UeIpAddress, UpFunctionFeatures,
    UsageReportTrigger, UserId, VolumeMeasurement, Volumes,
};
use upf_user::pfcp::message::{
    ApplicationPfds, CreatedPdr, CreatedTrafficEndpoint, DownlinkDataReport, LoadControl,
    NodeReportRequest, OverloadControl, PfdContents, PfdManagementRequest, SessionDeletionRequest,
    SessionEstablishmentRequest, SessionModificationRequest, SessionReportRequest,
    SessionReportResponse, SessionSetDeletionRequest, UpdateBarInReportResponse, UsageReport,
};

use super::rules;

/// A message, and the display filter that tells that tshark has read what was meant.
pub(crate) type Sample = (Body, &'static str);

pub(crate) fn node() -> NodeId {
    NodeId::Address([10, 100, 0, 1].into())
}

fn peer() -> NodeId {
    NodeId::Fqdn("upf.example.org".to_owned())
}

pub(crate) fn f_seid() -> FSeid {
    FSeid {
        seid: 0x0102_0304_0506_0708,
        ipv4: Some([10, 100, 0, 1].into()),
        ipv6: Some("2001:db8::1".parse().expect("an address")),
    }
}

fn tunnel(teid: u32) -> FTeid {
    FTeid::Given {
        teid,
        ipv4: Some([10, 1, 0, 2].into()),
        ipv6: Some("2001:db8:1::2".parse().expect("an address")),
    }
}

fn refused() -> Verdict {
    Verdict {
        cause: Cause::MandatoryIeMissing,
        offending_ie: Some(60),
    }
}

fn node_response() -> NodeResponse {
    NodeResponse {
        node_id: peer(),
        verdict: Verdict::ACCEPTED,
    }
}

fn other_response() -> OtherResponse {
    OtherResponse {
        node_id: Some(node()),
        verdict: refused(),
    }
}

fn usage_report() -> UsageReport {
    let volumes = |total| Volumes {
        total: Some(total),
        uplink: Some(total / 3),
        downlink: Some(total - total / 3),
    };
    UsageReport {
        urr_id: 7,
        sequence: 3,
        // PERIO and TERMR.
        trigger: UsageReportTrigger(1 | 1 << 11),
        start_time: Some(0xee00_0001),
        end_time: Some(0xee00_0100),
        volume: Some(VolumeMeasurement {
            octets: volumes(3_000_000_000),
            packets: volumes(3_000),
        }),
        duration: Some(255),
        first_packet: Some(0xee00_0002),
        last_packet: Some(0xee00_00ff),
        usage_information: Some(1),
        query_urr_reference: Some(9),
        event_time_stamps: vec![0xee00_0003],
    }
}

const LOAD: LoadControl = LoadControl {
    sequence: 11,
    metric: 42,
};
const OVERLOAD: OverloadControl = OverloadControl {
    sequence: 12,
    metric: 50,
    validity: 0x2f,
    flags: 1,
};

fn created_pdr() -> CreatedPdr {
    CreatedPdr {
        id: 2,
        f_teid: Some(tunnel(0x1234_5678)),
        ue_ip_address: Some(UeIpAddress {
            ipv4: Some([10, 45, 0, 2].into()),
            ..UeIpAddress::default()
        }),
    }
}

fn created_traffic_endpoint() -> CreatedTrafficEndpoint {
    CreatedTrafficEndpoint {
        id: 5,
        f_teid: Some(tunnel(0x1234_5679)),
        ue_ip_address: None,
    }
}

fn fq_csid() -> FqCsid {
    FqCsid {
        node: FqCsidNode::Address([10, 100, 0, 1].into()),
        csids: vec![1, 0x1234],
        node_type: Some(2),
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Sample> {
    [of_nodes(), of_sessions()].concat()
}

fn of_nodes() -> Vec<Sample> {
    let heartbeat = Heartbeat {
        recovery_time_stamp: 0xee00_0000,
    };
    vec![
        (
            Body::HeartbeatRequest(heartbeat),
            "pfcp.msg_type == 1 && pfcp.recovery_time_stamp",
        ),
        (Body::HeartbeatResponse(heartbeat), "pfcp.msg_type == 2"),
        (
            Body::PfdManagementRequest(pfd_management()),
            "pfcp.msg_type == 3 && pfcp.pfd_contents_flags.fd == 1 && pfcp.pfd_contents_flags.afd == 1 \
             && pfcp.pfd_contents_flags.adnp == 1 && pfcp.pfd_contents_flags.cp == 1 \
             && frame contains \"permit out ip from 1.2.3.4 to any\" && pfcp.node_id_ipv4 == 10.100.0.1",
        ),
        (
            Body::PfdManagementResponse(other_response()),
            "pfcp.msg_type == 4 && pfcp.cause == 66 && pfcp.offending_ie == 60",
        ),
        (
            Body::AssociationSetupRequest(AssociationSetupRequest {
                node_id: peer(),
                recovery_time_stamp: 0xee00_0000,
                up_function_features: Some(UpFunctionFeatures(UpFunctionFeatures::PFDM)),
                cp_function_features: Some(CpFunctionFeatures(CpFunctionFeatures::LOAD)),
            }),
            "pfcp.msg_type == 5 && pfcp.node_id_fqdn == \"upf.example.org\" \
             && pfcp.up_function_features.pfdm == 1 && pfcp.cp_function_features.load == 1",
        ),
        (
            Body::AssociationSetupResponse(AssociationSetupResponse {
                node_id: node(),
                verdict: Verdict::ACCEPTED,
                recovery_time_stamp: 0xee00_0000,
                up_function_features: Some(UpFunctionFeatures(UpFunctionFeatures::PFDE)),
                cp_function_features: None,
            }),
            "pfcp.msg_type == 6 && pfcp.cause == 1 && pfcp.up_function_features.pfde == 1",
        ),
        (
            Body::AssociationUpdateRequest(AssociationUpdateRequest {
                node_id: node(),
                up_function_features: Some(UpFunctionFeatures(0)),
                cp_function_features: None,
                release_request: Some(1),
                graceful_release_period: Some(0x2f),
            }),
            "pfcp.msg_type == 7 && pfcp.assoc_rel_req.sarr == 1 && pfcp.timer_value == 15 \
             && pfcp.timer_unit == 1",
        ),
        (
            Body::AssociationUpdateResponse(node_response()),
            "pfcp.msg_type == 8",
        ),
        (
            Body::AssociationReleaseRequest(node()),
            "pfcp.msg_type == 9 && pfcp.node_id_ipv4 == 10.100.0.1",
        ),
        (
            Body::AssociationReleaseResponse(node_response()),
            "pfcp.msg_type == 10",
        ),
        (Body::VersionNotSupportedResponse, "pfcp.msg_type == 11"),
        (
            Body::NodeReportRequest(NodeReportRequest {
                node_id: node(),
                path_failures: vec![gtpu_peer([10, 1, 0, 10])],
                path_recoveries: vec![gtpu_peer([10, 1, 0, 11])],
            }),
            "pfcp.msg_type == 12 && pfcp.node_report_type.upfr == 1 && pfcp.node_report_type.uprr == 1 \
             && pfcp.remote_gtp_u_peer_flags.di == 1 && frame contains 0a:01:00:0b",
        ),
        (
            Body::NodeReportResponse(node_response()),
            "pfcp.msg_type == 13",
        ),
        (
            Body::SessionSetDeletionRequest(SessionSetDeletionRequest {
                node_id: node(),
                fq_csids: vec![fq_csid()],
            }),
            "pfcp.msg_type == 14 && pfcp.num_csid == 2 && pfcp.csid == 0x1234 \
             && pfcp.q_csid_node_id.ipv4 == 10.100.0.1 && pfcp.fq_csid_node_type == 2",
        ),
        (
            Body::SessionSetDeletionResponse(node_response()),
            "pfcp.msg_type == 15",
        ),
        (
            Body::OtherResponse(
                MessageType::SessionSetModificationResponse,
                other_response(),
            ),
            "pfcp.msg_type == 17 && pfcp.cause == 66",
        ),
    ]
}

fn gtpu_peer(ipv4: [u8; 4]) -> RemoteGtpuPeer {
    RemoteGtpuPeer {
        ipv4: Some(ipv4.into()),
        ipv6: None,
        destination_interface: Some(Interface::Access),
        network_instance: Some("access.example".to_owned()),
    }
}

fn pfd_management() -> PfdManagementRequest {
    let contents = PfdContents {
        flow_descriptions: vec![
            "permit out ip from 1.2.3.4 to any".to_owned(),
            "permit out 17 from any 53 to any".to_owned(),
        ],
        urls: vec![
            "http://a.example/".to_owned(),
            "http://b.example/".to_owned(),
        ],
        domain_names: vec![
            ("a.example".to_owned(), Some("http".to_owned())),
            ("b.example".to_owned(), Some("dns".to_owned())),
        ],
        custom: Some(vec![1, 2, 3]),
    };
    PfdManagementRequest {
        applications: vec![ApplicationPfds {
            application_id: "video".to_owned(),
            contexts: vec![vec![contents]],
        }],
        node_id: Some(node()),
    }
}

/// With every kind of rule.
pub(crate) fn establishment() -> SessionEstablishmentRequest {
    SessionEstablishmentRequest {
        create_pdrs: vec![rules::create_pdr(), rules::ethernet_pdr()],
        create_fars: vec![rules::create_far()],
        create_urrs: vec![rules::create_urr()],
        create_qers: vec![rules::create_qer()],
        create_bars: vec![rules::create_bar()],
        create_traffic_endpoints: vec![rules::traffic_endpoint()],
        create_mars: vec![rules::create_mar()],
        pdn_type: Some(1),
        fq_csids: vec![fq_csid()],
        user_plane_inactivity_timer: Some(3_600),
        user_id: Some(UserId {
            imsi: Some("001010123456789".to_owned()),
            imei: Some("3569380356438091".to_owned()),
            msisdn: Some("491701234567".to_owned()),
            nai: Some("ue@example.org".to_owned()),
            supi: Some("imsi-001010123456789".to_owned()),
            ..UserId::default()
        }),
        dnn: Some("internet.example".to_owned()),
        s_nssai: Some(SNssai {
            sst: 1,
            sd: 0x01_0203,
        }),
        rat_type: Some(6),
        group_id: Some(vec![0xaa, 0xbb]),
        is_restoration: true,
        ..SessionEstablishmentRequest::new(node(), f_seid())
    }
}

/// A change, a removal and a query of everything.
pub(crate) fn modification() -> SessionModificationRequest {
    SessionModificationRequest {
        cp_f_seid: Some(f_seid()),
        remove_pdrs: vec![11],
        remove_fars: vec![12],
        remove_urrs: vec![13],
        remove_qers: vec![14],
        remove_bars: vec![15],
        remove_traffic_endpoints: vec![16],
        remove_mars: vec![17],
        update_pdrs: vec![rules::update_pdr()],
        update_fars: vec![rules::update_far()],
        update_urrs: vec![rules::update_urr()],
        update_qers: vec![rules::update_qer()],
        update_bars: vec![rules::create_bar()],
        update_traffic_endpoints: vec![rules::traffic_endpoint()],
        update_mars: vec![rules::update_mar()],
        flags: 5,
        query_urrs: vec![18],
        query_urr_reference: Some(19),
        fq_csids: vec![fq_csid()],
        user_plane_inactivity_timer: Some(60),
        node_id: Some(node()),
        ..SessionModificationRequest::default()
    }
}

fn of_sessions() -> Vec<Sample> {
    vec![
        (
            Body::SessionEstablishmentRequest(establishment()),
            "pfcp.msg_type == 50 && pfcp.pdr_id == 1 && pfcp.precedence == 255 && pfcp.far_id == 3 \
             && pfcp.f_teid.choose_id == 5 && pfcp.qfi_value == 9 && pfcp.urr_id == 7 && pfcp.qer_id == 4 \
             && pfcp.bar_id == 6 && pfcp.mar_id == 8 && pfcp.traffic_endpoint_id == 5 \
             && pfcp.apply_action.forw == 1 && pfcp.apply_action.dupl == 1 \
             && pfcp.outer_hdr_creation.teid == 0xabcd && pfcp.redirect_server_address == \"http://a.example/\" \
             && pfcp.ul_mbr == 1000000 && pfcp.volume_threshold.tovol == 100000000 \
             && pfcp.user_id.imei == \"3569380356438091\" && pfcp.user_id.nai == \"ue@example.org\" \
             && pfcp.s_nssai_sst.sst == 1 && pfcp.pdn_type == 1 && pfcp.ethertype == 0x0800 \
             && pfcp.mac_address.sour == 02:00:00:00:00:01 && pfcp.framed_route == \"192.0.2.0/24 10.45.0.2 1\"",
        ),
        (
            Body::SessionEstablishmentResponse(SessionEstablishmentResponse {
                node_id: node(),
                verdict: Verdict::ACCEPTED,
                up_f_seid: Some(f_seid()),
                created_pdrs: vec![created_pdr()],
                created_traffic_endpoints: vec![created_traffic_endpoint()],
                failed_rule: None,
                load_control: Some(LOAD),
                overload_control: Some(OVERLOAD),
            }),
            "pfcp.msg_type == 51 && pfcp.f_teid.teid == 0x12345678 && pfcp.f_teid.ipv4_addr == 10.1.0.2 \
             && pfcp.traffic_endpoint_id == 5 && pfcp.metric == 42 && pfcp.sequence_number == 12 \
             && pfcp.oci_flags.aoci == 1 && pfcp.f_seid.ipv6 == 2001:db8::1",
        ),
        (
            Body::SessionModificationRequest(modification()),
            "pfcp.msg_type == 52 && pfcp.pdr_id == 11 && pfcp.far_id == 12 && pfcp.urr_id == 13 \
             && pfcp.qer_id == 14 && pfcp.bar_id == 15 && pfcp.traffic_endpoint_id == 16 && pfcp.mar_id == 17 \
             && pfcp.urr_id == 18 && pfcp.user_plane_inactivity_time == 60 && pfcp.outer_hdr_creation.teid == 0xabce",
        ),
        (
            Body::SessionModificationResponse(SessionModificationResponse {
                verdict: Verdict::new(Cause::RuleCreationFailure),
                created_pdrs: vec![created_pdr()],
                updated_pdrs: vec![created_pdr()],
                usage_reports: vec![usage_report()],
                created_traffic_endpoints: vec![created_traffic_endpoint()],
                failed_rule: Some(FailedRule::Far(12)),
                load_control: Some(LOAD),
                overload_control: Some(OVERLOAD),
            }),
            "pfcp.msg_type == 53 && pfcp.cause == 73 && pfcp.failed_rule_id_type == 1 && pfcp.ur_seqn == 3 \
             && pfcp.usage_report_trigger.term == 1 && pfcp.usage_report_trigger_flags.perio == 1 \
             && pfcp.volume_measurement.tovol == 3000000000 && pfcp.volume_measurement.dlnop == 2000 \
             && pfcp.duration_measurement == 255",
        ),
        (
            Body::SessionDeletionRequest(SessionDeletionRequest { cp_f_seid: None }),
            "pfcp.msg_type == 54 && pfcp.seid == 0x99",
        ),
        (
            Body::SessionDeletionResponse(SessionDeletionResponse {
                verdict: Verdict::ACCEPTED,
                usage_reports: vec![usage_report()],
                load_control: Some(LOAD),
                overload_control: None,
            }),
            "pfcp.msg_type == 55 && pfcp.urr_id == 7 && pfcp.volume_measurement.ulvol == 1000000000",
        ),
        (
            Body::SessionReportRequest(report_request()),
            "pfcp.msg_type == 56 && pfcp.report_type.dldr == 1 && pfcp.report_type.usar == 1 \
             && pfcp.report_type.erir == 1 && pfcp.report_type.upir == 1 && pfcp.pdr_id == 1 \
             && pfcp.dl_data_service_inf.qfii == 1 && pfcp.f_teid.teid == 0x11 && pfcp.urr_id == 7",
        ),
        (
            Body::SessionReportResponse(SessionReportResponse {
                cause: Cause::RequestAccepted,
                offending_ie: None,
                update_bars: vec![UpdateBarInReportResponse {
                    id: 6,
                    downlink_data_notification_delay: Some(2),
                    buffering_duration: Some(0x0f),
                    buffering_packet_count: Some(300),
                    suggested_buffering_packets_count: Some(20),
                }],
                flags: 1,
                cp_f_seid: None,
            }),
            "pfcp.msg_type == 57 && pfcp.bar_id == 6 && pfcp.suggested_buffering_packets_count.packet_count == 20",
        ),
    ]
}

/// A report of every kind.
pub(crate) fn report_request() -> SessionReportRequest {
    SessionReportRequest {
        downlink_data: Some(DownlinkDataReport {
            pdr_ids: vec![1],
            service_information: vec![DownlinkDataServiceInformation {
                paging_policy_indication: Some(3),
                qfi: Some(9),
            }],
        }),
        usage: vec![usage_report()],
        error_indication: vec![tunnel(0x11)],
        is_user_plane_inactive: true,
    }
}
