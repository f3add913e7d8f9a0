//! Rules with as many IEs as they can have.

use upf_user::pfcp::ie::{
    ApplyAction, BitRates, DroppedTrafficThreshold, EthernetFilterProperties, FTeid,
    FlowLevelMarking, GateStatus, HeaderEnrichment, Interface, MacAddresses, MeasurementMethod,
    OuterHeaderCreation, OuterHeaderRemoval, PacketRate, RedirectInformation, ReportingTriggers,
    SdfFilter, UeIpAddress, VlanTag, Volumes,
};
use upf_user::pfcp::message::{
    AccessForwardingAction, AdditionalMonitoringTime, CreateBar, CreateFar, CreateMar, CreatePdr,
    CreateQer, CreateTrafficEndpoint, CreateUrr, DuplicatingParameters, EthernetPacketFilter,
    ForwardingParameters, Pdi, UpdateAccessForwardingAction, UpdateDuplicatingParameters,
    UpdateFar, UpdateForwardingParameters, UpdateMar, UpdatePdr, UpdateQer, UpdateUrr,
};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn pdi() -> Pdi {
    Pdi {
        source_interface: Interface::Access,
        f_teid: Some(FTeid::Choose {
            ipv4: true,
            ipv6: true,
            id: Some(5),
        }),
        network_instance: text("internet.example"),
        ue_ip_address: Some(UeIpAddress {
            ipv4: Some([10, 45, 0, 2].into()),
            ..UeIpAddress::default()
        }),
        sdf_filters: vec![SdfFilter {
            flow_description: text("permit out 17 from any 53 to assigned"),
            tos: Some((0x28, 0xfc)),
            spi: Some(0x0102_0304),
            flow_label: Some(0x1_2345),
            id: Some(77),
        }],
        application_id: text("video"),
        qfis: vec![9],
        framed_routes: vec!["192.0.2.0/24 10.45.0.2 1".to_owned()],
        framed_routing: Some(3),
        framed_ipv6_routes: vec!["2001:db8:2::/48 :: 1".to_owned()],
        source_interface_type: Some(11),
        ..Pdi::default()
    }
}

pub(crate) fn create_pdr() -> CreatePdr {
    CreatePdr {
        id: 1,
        precedence: Some(255),
        pdi: pdi(),
        outer_header_removal: Some(OuterHeaderRemoval::GtpuUdpIp),
        far_id: Some(3),
        urr_ids: vec![7],
        qer_ids: vec![4],
        mar_id: Some(8),
        activate_predefined_rules: vec!["gold".to_owned()],
        activation_time: Some(0xee00_0000),
        deactivation_time: Some(0xee00_1000),
    }
}

pub(crate) fn ethernet_pdr() -> CreatePdr {
    CreatePdr {
        id: 2,
        pdi: Pdi {
            traffic_endpoint_ids: vec![5],
            ethernet_packet_filters: vec![EthernetPacketFilter {
                id: Some(1),
                properties: Some(EthernetFilterProperties(1)),
                mac_addresses: vec![MacAddresses {
                    source: Some([2, 0, 0, 0, 0, 1]),
                    destination: Some([2, 0, 0, 0, 0, 2]),
                    ..MacAddresses::default()
                }],
                ethertype: Some(0x0800),
                c_tag: Some(VlanTag([4, 0x10, 0x64])),
                s_tag: Some(VlanTag([4, 0x10, 0x65])),
                sdf_filters: Vec::new(),
            }],
            ..Pdi::default()
        },
        far_id: Some(3),
        ..CreatePdr::default()
    }
}

pub(crate) fn update_pdr() -> UpdatePdr {
    UpdatePdr {
        id: 1,
        precedence: Some(254),
        pdi: Some(pdi()),
        outer_header_removal: Some(OuterHeaderRemoval::GtpuUdpIpv4),
        far_id: Some(4),
        urr_ids: Some(vec![8]),
        qer_ids: Some(vec![5]),
        activate_predefined_rules: vec!["gold".to_owned()],
        deactivate_predefined_rules: vec!["silver".to_owned()],
        activation_time: Some(0xee00_0000),
        deactivation_time: Some(0xee00_1000),
    }
}

fn outer_header(teid: u32) -> Option<OuterHeaderCreation> {
    Some(OuterHeaderCreation {
        description: OuterHeaderCreation::GTPU_UDP_IPV4 | OuterHeaderCreation::GTPU_UDP_IPV6,
        teid: Some(teid),
        ipv4: Some([10, 1, 0, 10].into()),
        ipv6: Some("2001:db8:1::10".parse().expect("an address")),
        port: None,
    })
}

pub(crate) fn create_far() -> CreateFar {
    CreateFar {
        id: 3,
        apply_action: ApplyAction(ApplyAction::FORW | ApplyAction::DUPL),
        forwarding: Some(ForwardingParameters {
            destination_interface: Interface::Core,
            network_instance: text("internet.example"),
            redirect_information: Some(RedirectInformation {
                address_type: 2,
                address: "http://a.example/".to_owned(),
                other_address: None,
                port: None,
            }),
            outer_header_creation: outer_header(0xabcd),
            transport_level_marking: Some((0x28, 0xfc)),
            forwarding_policy: text("policy"),
            header_enrichment: Some(HeaderEnrichment {
                header_type: 0,
                name: "X-A".to_owned(),
                value: "1".to_owned(),
            }),
            linked_traffic_endpoint_id: Some(5),
            proxying: Some(3),
            destination_interface_type: Some(17),
            data_network_access_identifier: None,
        }),
        duplicating: vec![DuplicatingParameters {
            destination_interface: Interface::LiFunction,
            outer_header_creation: outer_header(0xdd),
            transport_level_marking: Some((0x28, 0xfc)),
            forwarding_policy: text("policy"),
        }],
        bar_id: Some(6),
    }
}

pub(crate) fn update_far() -> UpdateFar {
    UpdateFar {
        id: 3,
        apply_action: Some(ApplyAction(ApplyAction::FORW)),
        forwarding: Some(UpdateForwardingParameters {
            destination_interface: Some(Interface::Access),
            network_instance: text("access.example"),
            outer_header_creation: outer_header(0xabce),
            transport_level_marking: Some((0x28, 0xfc)),
            flags: 2,
            linked_traffic_endpoint_id: Some(5),
            destination_interface_type: Some(11),
            ..UpdateForwardingParameters::default()
        }),
        duplicating: vec![UpdateDuplicatingParameters {
            destination_interface: Some(Interface::LiFunction),
            outer_header_creation: outer_header(0xde),
            ..UpdateDuplicatingParameters::default()
        }],
        bar_id: Some(6),
    }
}

fn volumes(total: u64) -> Option<Volumes> {
    Some(Volumes {
        total: Some(total),
        uplink: Some(total / 2),
        downlink: Some(total / 2),
    })
}

fn settings() -> UpdateUrr {
    UpdateUrr {
        measurement_period: Some(60),
        volume_threshold: volumes(100_000_000),
        volume_quota: volumes(200_000_000),
        time_threshold: Some(600),
        time_quota: Some(1_200),
        event_threshold: Some(5),
        event_quota: Some(10),
        quota_holding_time: Some(30),
        dropped_downlink_traffic_threshold: Some(DroppedTrafficThreshold {
            packets: Some(1_000),
            octets: Some(1_000_000),
        }),
        quota_validity_time: Some(3_600),
        monitoring_time: Some(0xee00_2000),
        subsequent_volume_threshold: volumes(50_000_000),
        subsequent_volume_quota: volumes(60_000_000),
        subsequent_time_threshold: Some(300),
        subsequent_time_quota: Some(400),
        subsequent_event_threshold: Some(2),
        subsequent_event_quota: Some(3),
        inactivity_detection_time: Some(10),
        linked_urr_ids: vec![9],
        measurement_information: Some(8),
        quota_action_far_id: Some(3),
        ethernet_inactivity_timer: Some(20),
        additional_monitoring_times: vec![AdditionalMonitoringTime {
            monitoring_time: 0xee00_3000,
            subsequent_volume_threshold: volumes(1_000),
            subsequent_time_threshold: Some(1),
            subsequent_volume_quota: volumes(2_000),
            subsequent_time_quota: Some(2),
            subsequent_event_threshold: Some(3),
            subsequent_event_quota: Some(4),
        }],
        number_of_reports: Some(2),
        ..UpdateUrr::default()
    }
}

pub(crate) fn create_urr() -> CreateUrr {
    CreateUrr {
        id: 7,
        measurement_method: MeasurementMethod(MeasurementMethod::VOLUM | MeasurementMethod::DURAT),
        reporting_triggers: ReportingTriggers(0x02_0103),
        settings: settings(),
    }
}

pub(crate) fn update_urr() -> UpdateUrr {
    UpdateUrr {
        id: 7,
        measurement_method: Some(MeasurementMethod(MeasurementMethod::VOLUM)),
        reporting_triggers: Some(ReportingTriggers(1)),
        ..settings()
    }
}

pub(crate) fn create_qer() -> CreateQer {
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
        gbr: Some(BitRates {
            uplink_kbps: 1_000,
            downlink_kbps: 2_000,
        }),
        packet_rate: Some(PacketRate {
            uplink: Some((0, 100)),
            downlink: Some((2, 200)),
            additional: None,
        }),
        downlink_flow_level_marking: Some(FlowLevelMarking {
            tos: Some((0x28, 0xfc)),
            service_class_indicator: Some((1, 2)),
        }),
        qfi: Some(9),
        reflective_qos: Some(true),
        paging_policy_indicator: Some(3),
        averaging_window_ms: Some(2_000),
        control_indications: Some(1),
    }
}

pub(crate) fn update_qer() -> UpdateQer {
    UpdateQer {
        id: 4,
        gate: Some(GateStatus::default()),
        mbr: Some(BitRates {
            uplink_kbps: 3_000_000,
            downlink_kbps: 4_000_000,
        }),
        ..UpdateQer::default()
    }
}

pub(crate) fn create_bar() -> CreateBar {
    CreateBar {
        id: 6,
        downlink_data_notification_delay: Some(2),
        suggested_buffering_packets_count: Some(100),
        mt_edt_control: None,
    }
}

pub(crate) fn traffic_endpoint() -> CreateTrafficEndpoint {
    CreateTrafficEndpoint {
        id: 5,
        f_teid: Some(FTeid::Choose {
            ipv4: true,
            ipv6: false,
            id: None,
        }),
        network_instance: text("access.example"),
        ue_ip_address: Some(UeIpAddress {
            ipv4: Some([10, 45, 0, 3].into()),
            ..UeIpAddress::default()
        }),
        framed_routes: vec!["192.0.2.0/24 10.45.0.3 1".to_owned()],
        qfis: vec![9],
        ..CreateTrafficEndpoint::default()
    }
}

fn access(far_id: u32) -> AccessForwardingAction {
    AccessForwardingAction {
        far_id,
        weight: Some(50),
        priority: Some(1),
        urr_ids: vec![7],
    }
}

pub(crate) fn create_mar() -> CreateMar {
    CreateMar {
        id: 8,
        steering_functionality: 0,
        steering_mode: 2,
        tgpp_access: Some(access(3)),
        non_tgpp_access: Some(access(4)),
    }
}

pub(crate) fn update_mar() -> UpdateMar {
    UpdateMar {
        id: 8,
        steering_mode: Some(1),
        update_tgpp_access: Some(UpdateAccessForwardingAction {
            far_id: Some(3),
            weight: Some(40),
            ..UpdateAccessForwardingAction::default()
        }),
        non_tgpp_access: Some(access(4)),
        ..UpdateMar::default()
    }
}
