//! Any rule that can be written.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::values::*;
use crate::pfcp::ie::{ApplyAction, MeasurementMethod, ReportingTriggers};
use crate::pfcp::message::*;

fn ethernet_packet_filter() -> impl Strategy<Value = EthernetPacketFilter> {
    let tags = (of(vlan_tag()), of(vlan_tag()));
    let rest = (vec(mac_addresses(), 0..2), vec(sdf_filter(), 0..2));
    (
        of(any::<u32>()),
        of(ethernet_properties()),
        of(any::<u16>()),
        tags,
        rest,
    )
        .prop_map(
            |(id, properties, ethertype, tags, rest)| EthernetPacketFilter {
                id,
                properties,
                mac_addresses: rest.0,
                ethertype,
                c_tag: tags.0,
                s_tag: tags.1,
                sdf_filters: rest.1,
            },
        )
}

fn pdi() -> impl Strategy<Value = Pdi> {
    let optional = (
        of(f_teid()),
        of(name()),
        of(ue_ip_address()),
        of(text()),
        of(any::<u32>()),
        of(0u8..64),
    );
    let lists = (
        vec(any::<u8>(), 0..3),
        vec(sdf_filter(), 0..4),
        vec(ethernet_packet_filter().boxed(), 0..2),
        vec(0u8..64, 0..3),
        texts(),
        texts(),
    );
    (source_interface(), optional, lists).prop_map(|(source_interface, optional, lists)| Pdi {
        source_interface,
        f_teid: optional.0,
        network_instance: optional.1,
        ue_ip_address: optional.2,
        traffic_endpoint_ids: lists.0,
        sdf_filters: lists.1,
        application_id: optional.3,
        ethernet_packet_filters: lists.2,
        qfis: lists.3,
        framed_routes: lists.4,
        framed_routing: optional.4,
        framed_ipv6_routes: lists.5,
        source_interface_type: optional.5,
    })
}

pub(super) fn create_pdr() -> impl Strategy<Value = CreatePdr> {
    let optional = (
        any::<[Option<u32>; 4]>(),
        of(outer_header_removal()),
        of(any::<u16>()),
    );
    let lists = (ids(), ids(), texts());
    (any::<u16>(), pdi().boxed(), optional, lists).prop_map(|(id, pdi, optional, lists)| {
        let [precedence, far_id, activation_time, deactivation_time] = optional.0;
        CreatePdr {
            id,
            precedence,
            pdi,
            outer_header_removal: optional.1,
            far_id,
            urr_ids: lists.0,
            qer_ids: lists.1,
            mar_id: optional.2,
            activate_predefined_rules: lists.2,
            activation_time,
            deactivation_time,
        }
    })
}

pub(super) fn update_pdr() -> impl Strategy<Value = UpdatePdr> {
    (create_pdr().boxed(), any::<bool>(), texts()).prop_map(|(pdr, has_pdi, deactivated)| {
        UpdatePdr {
            id: pdr.id,
            precedence: pdr.precedence,
            pdi: has_pdi.then_some(pdr.pdi),
            outer_header_removal: pdr.outer_header_removal,
            far_id: pdr.far_id,
            urr_ids: (!pdr.urr_ids.is_empty()).then_some(pdr.urr_ids),
            qer_ids: (!pdr.qer_ids.is_empty()).then_some(pdr.qer_ids),
            activate_predefined_rules: pdr.activate_predefined_rules,
            deactivate_predefined_rules: deactivated,
            activation_time: pdr.activation_time,
            deactivation_time: pdr.deactivation_time,
        }
    })
}

fn update_forwarding() -> impl Strategy<Value = UpdateForwardingParameters> {
    let names = (of(name()), of(text()), of(text()));
    let values = (
        of(redirect_information()),
        of(outer_header_creation()),
        marking(),
        of(header_enrichment()),
    );
    let numbers = (any::<u8>(), of(any::<u8>()), of(0u8..64));
    (of(destination_interface()), names, values, numbers).prop_map(
        |(destination_interface, names, values, numbers)| UpdateForwardingParameters {
            destination_interface,
            network_instance: names.0,
            redirect_information: values.0,
            outer_header_creation: values.1,
            transport_level_marking: values.2,
            forwarding_policy: names.1,
            header_enrichment: values.3,
            flags: numbers.0,
            linked_traffic_endpoint_id: numbers.1,
            destination_interface_type: numbers.2,
            data_network_access_identifier: names.2,
        },
    )
}

fn forwarding() -> impl Strategy<Value = ForwardingParameters> {
    (
        destination_interface(),
        update_forwarding(),
        of(any::<u8>()),
    )
        .prop_map(|(to, rest, proxying)| ForwardingParameters {
            destination_interface: to,
            network_instance: rest.network_instance,
            redirect_information: rest.redirect_information,
            outer_header_creation: rest.outer_header_creation,
            transport_level_marking: rest.transport_level_marking,
            forwarding_policy: rest.forwarding_policy,
            header_enrichment: rest.header_enrichment,
            linked_traffic_endpoint_id: rest.linked_traffic_endpoint_id,
            proxying,
            destination_interface_type: rest.destination_interface_type,
            data_network_access_identifier: rest.data_network_access_identifier,
        })
}

fn update_duplicating() -> impl Strategy<Value = UpdateDuplicatingParameters> {
    let to = of(destination_interface());
    (to, of(outer_header_creation()), marking(), of(text())).prop_map(
        |(destination_interface, creation, transport_level_marking, forwarding_policy)| {
            UpdateDuplicatingParameters {
                destination_interface,
                outer_header_creation: creation,
                transport_level_marking,
                forwarding_policy,
            }
        },
    )
}

fn duplicating() -> impl Strategy<Value = DuplicatingParameters> {
    (destination_interface(), update_duplicating()).prop_map(|(to, rest)| DuplicatingParameters {
        destination_interface: to,
        outer_header_creation: rest.outer_header_creation,
        transport_level_marking: rest.transport_level_marking,
        forwarding_policy: rest.forwarding_policy,
    })
}

/// What an action needs is there.
pub(super) fn create_far() -> impl Strategy<Value = CreateFar> {
    let parameters = (of(forwarding().boxed()), vec(duplicating().boxed(), 0..2));
    (any::<u32>(), any::<u16>(), parameters, of(any::<u8>())).prop_map(
        |(id, action, (forwarding, duplicating), bar_id)| {
            let mut possible = u16::MAX;
            if forwarding.is_none() {
                possible &= !ApplyAction::FORW;
            }
            if duplicating.is_empty() {
                possible &= !ApplyAction::DUPL;
            }
            CreateFar {
                id,
                apply_action: ApplyAction(action & possible),
                forwarding,
                duplicating,
                bar_id,
            }
        },
    )
}

pub(super) fn update_far() -> impl Strategy<Value = UpdateFar> {
    let parameters = (
        of(update_forwarding().boxed()),
        vec(update_duplicating().boxed(), 0..2),
    );
    let action = of(any::<u16>());
    (any::<u32>(), action, parameters, of(any::<u8>())).prop_map(
        |(id, action, (forwarding, duplicating), bar_id)| UpdateFar {
            id,
            apply_action: action.map(ApplyAction),
            forwarding,
            duplicating,
            bar_id,
        },
    )
}

fn additional_monitoring_time() -> impl Strategy<Value = AdditionalMonitoringTime> {
    let numbers = any::<[Option<u32>; 4]>();
    (any::<u32>(), of(volumes()), of(volumes()), numbers).prop_map(
        |(monitoring_time, threshold, quota, numbers)| AdditionalMonitoringTime {
            monitoring_time,
            subsequent_volume_threshold: threshold,
            subsequent_time_threshold: numbers[0],
            subsequent_volume_quota: quota,
            subsequent_time_quota: numbers[1],
            subsequent_event_threshold: numbers[2],
            subsequent_event_quota: numbers[3],
        },
    )
}

/// Without ID, method and triggers.
fn urr_settings() -> impl Strategy<Value = UpdateUrr> {
    let volumes = [of(volumes()), of(volumes()), of(volumes()), of(volumes())];
    let rest = (
        of(dropped_traffic()),
        ids(),
        of(any::<u8>()),
        vec(additional_monitoring_time(), 0..2),
        of(any::<u16>()),
    );
    (any::<[Option<u32>; 15]>(), volumes, rest).prop_map(|(n, volumes, rest)| UpdateUrr {
        id: 0,
        measurement_method: None,
        reporting_triggers: None,
        measurement_period: n[0],
        volume_threshold: volumes[0],
        volume_quota: volumes[1],
        time_threshold: n[1],
        time_quota: n[2],
        event_threshold: n[3],
        event_quota: n[4],
        quota_holding_time: n[5],
        dropped_downlink_traffic_threshold: rest.0,
        quota_validity_time: n[6],
        monitoring_time: n[7],
        subsequent_volume_threshold: volumes[2],
        subsequent_volume_quota: volumes[3],
        subsequent_time_threshold: n[8],
        subsequent_time_quota: n[9],
        subsequent_event_threshold: n[10],
        subsequent_event_quota: n[11],
        inactivity_detection_time: n[12],
        linked_urr_ids: rest.1,
        measurement_information: rest.2,
        quota_action_far_id: n[13],
        ethernet_inactivity_timer: n[14],
        additional_monitoring_times: rest.3,
        number_of_reports: rest.4,
    })
}

pub(super) fn create_urr() -> impl Strategy<Value = CreateUrr> {
    let triggers = 0u32..1 << 24;
    (any::<u32>(), any::<u8>(), triggers, urr_settings().boxed()).prop_map(
        |(id, method, triggers, settings)| CreateUrr {
            id,
            measurement_method: MeasurementMethod(method),
            reporting_triggers: ReportingTriggers(triggers),
            settings,
        },
    )
}

pub(super) fn update_urr() -> impl Strategy<Value = UpdateUrr> {
    (create_urr().boxed(), any::<(bool, bool)>()).prop_map(|(urr, (has_method, has_triggers))| {
        UpdateUrr {
            id: urr.id,
            measurement_method: has_method.then_some(urr.measurement_method),
            reporting_triggers: has_triggers.then_some(urr.reporting_triggers),
            ..urr.settings
        }
    })
}

pub(super) fn update_qer() -> impl Strategy<Value = UpdateQer> {
    let values = (
        of(gate()),
        of(bit_rates()),
        of(bit_rates()),
        of(packet_rate()),
        of(flow_level_marking()),
    );
    let numbers = (
        of(0u8..64),
        any::<Option<bool>>(),
        of(0u8..8),
        of(any::<u8>()),
    );
    (any::<u32>(), any::<[Option<u32>; 2]>(), values, numbers).prop_map(
        |(id, [correlation_id, averaging_window_ms], values, numbers)| UpdateQer {
            id,
            correlation_id,
            gate: values.0,
            mbr: values.1,
            gbr: values.2,
            packet_rate: values.3,
            downlink_flow_level_marking: values.4,
            qfi: numbers.0,
            reflective_qos: numbers.1,
            paging_policy_indicator: numbers.2,
            averaging_window_ms,
            control_indications: numbers.3,
        },
    )
}

pub(super) fn create_qer() -> impl Strategy<Value = CreateQer> {
    (update_qer(), gate()).prop_map(|(qer, gate)| CreateQer {
        id: qer.id,
        correlation_id: qer.correlation_id,
        gate,
        mbr: qer.mbr,
        gbr: qer.gbr,
        packet_rate: qer.packet_rate,
        downlink_flow_level_marking: qer.downlink_flow_level_marking,
        qfi: qer.qfi,
        reflective_qos: qer.reflective_qos,
        paging_policy_indicator: qer.paging_policy_indicator,
        averaging_window_ms: qer.averaging_window_ms,
        control_indications: qer.control_indications,
    })
}

pub(super) fn create_bar() -> impl Strategy<Value = CreateBar> {
    (any::<u8>(), any::<[Option<u8>; 3]>()).prop_map(|(id, [delay, count, control])| CreateBar {
        id,
        downlink_data_notification_delay: delay,
        suggested_buffering_packets_count: count,
        mt_edt_control: control,
    })
}

pub(super) fn update_bar_in_report_response() -> impl Strategy<Value = UpdateBarInReportResponse> {
    (any::<u8>(), any::<[Option<u8>; 3]>(), of(any::<u16>())).prop_map(
        |(id, [delay, duration, count], packets)| UpdateBarInReportResponse {
            id,
            downlink_data_notification_delay: delay,
            buffering_duration: duration,
            buffering_packet_count: packets,
            suggested_buffering_packets_count: count,
        },
    )
}

fn access_update() -> impl Strategy<Value = UpdateAccessForwardingAction> {
    let urr_ids = of(vec(any::<u32>(), 1..3));
    (of(any::<u32>()), of(any::<u8>()), of(0u8..16), urr_ids).prop_map(
        |(far_id, weight, priority, urr_ids)| UpdateAccessForwardingAction {
            far_id,
            weight,
            priority,
            urr_ids,
        },
    )
}

fn access() -> impl Strategy<Value = AccessForwardingAction> {
    (any::<u32>(), access_update()).prop_map(|(far_id, rest)| AccessForwardingAction {
        far_id,
        weight: rest.weight,
        priority: rest.priority,
        urr_ids: rest.urr_ids.unwrap_or_default(),
    })
}

pub(super) fn update_mar() -> impl Strategy<Value = UpdateMar> {
    let steering = (of(0u8..16), of(0u8..16));
    let updates = (of(access_update()), of(access_update()));
    (any::<u16>(), steering, updates, of(access()), of(access())).prop_map(
        |(id, steering, updates, tgpp_access, non_tgpp_access)| UpdateMar {
            id,
            steering_functionality: steering.0,
            steering_mode: steering.1,
            update_tgpp_access: updates.0,
            update_non_tgpp_access: updates.1,
            tgpp_access,
            non_tgpp_access,
        },
    )
}

pub(super) fn create_mar() -> impl Strategy<Value = CreateMar> {
    (update_mar(), 0u8..16, 0u8..16).prop_map(|(mar, functionality, mode)| CreateMar {
        id: mar.id,
        steering_functionality: functionality,
        steering_mode: mode,
        tgpp_access: mar.tgpp_access,
        non_tgpp_access: mar.non_tgpp_access,
    })
}

pub(super) fn traffic_endpoint() -> impl Strategy<Value = CreateTrafficEndpoint> {
    let lists = (texts(), texts(), vec(0u8..64, 0..3));
    let optional = (
        of(f_teid()),
        of(name()),
        of(ue_ip_address()),
        of(any::<u32>()),
        of(0u8..64),
    );
    (any::<u8>(), optional, lists).prop_map(|(id, optional, lists)| CreateTrafficEndpoint {
        id,
        f_teid: optional.0,
        network_instance: optional.1,
        ue_ip_address: optional.2,
        framed_routes: lists.0,
        framed_routing: optional.3,
        framed_ipv6_routes: lists.1,
        qfis: lists.2,
        source_interface_type: optional.4,
    })
}

pub(super) fn created_pdr() -> impl Strategy<Value = CreatedPdr> {
    (any::<u16>(), of(f_teid()), of(ue_ip_address())).prop_map(|(id, f_teid, ue_ip_address)| {
        CreatedPdr {
            id,
            f_teid,
            ue_ip_address,
        }
    })
}

pub(super) fn created_traffic_endpoint() -> impl Strategy<Value = CreatedTrafficEndpoint> {
    (any::<u8>(), of(f_teid()), of(ue_ip_address())).prop_map(|(id, f_teid, ue_ip_address)| {
        CreatedTrafficEndpoint {
            id,
            f_teid,
            ue_ip_address,
        }
    })
}
