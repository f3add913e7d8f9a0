//! How rules become their views.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::rules::*;
use crate::pfcp::ie::{ApplyAction, Interface, Volumes};
use crate::pfcp::message::AccessForwardingAction;
use crate::session::config::SessionsConfig;
use crate::session::detection::RemoteTunnel;
use crate::session::detections::Basis;
use crate::session::model::{
    Action, Bar, Duplicate, Far, Mar, Model, NetworkInstance, Pdr, Qer, SdfFilter, TrafficEndpoint,
    UeAddresses, Urr, Way,
};

impl RulesView {
    pub(super) fn new(config: &SessionsConfig, model: &Model, basis: &Basis) -> Self {
        Self {
            pdrs: model
                .pdrs
                .iter()
                .map(|pdr| view_pdr(config, basis, pdr))
                .collect(),
            traffic_endpoints: model
                .endpoints
                .iter()
                .map(|endpoint: &TrafficEndpoint| TrafficEndpointView {
                    id: endpoint.id,
                    way: view_way(config, &endpoint.way),
                })
                .collect(),
            fars: model.fars.iter().map(|far| view_far(config, far)).collect(),
            qers: model.qers.iter().map(QerView::from).collect(),
            urrs: model.urrs.iter().map(UrrView::from).collect(),
            bars: model.bars.iter().map(BarView::from).collect(),
            mars: model.mars.iter().map(MarView::from).collect(),
        }
    }
}

fn view_pdr(config: &SessionsConfig, basis: &Basis, pdr: &Pdr) -> PdrView {
    let predefined = pdr.predefined.iter();
    let rule = |number: &u16| config.predefined_rules.get(usize::from(*number));
    PdrView {
        id: pdr.id,
        precedence: pdr.precedence,
        source: interface(pdr.source),
        is_active: pdr.is_active(config, basis),
        way: view_way(config, &pdr.way),
        traffic_endpoints: pdr.endpoints.clone(),
        sdf_filters: pdr.filters.iter().map(SdfFilterView::from).collect(),
        application: pdr.application.as_deref().map(str::to_owned),
        far: pdr.far,
        qers: pdr.qers.clone(),
        urrs: pdr.urrs.clone(),
        mar: pdr.mar,
        predefined_rules: predefined
            .filter_map(rule)
            .map(|rule| rule.name.clone())
            .collect(),
        activation_time: pdr.activation,
        deactivation_time: pdr.deactivation,
    }
}

fn view_way(config: &SessionsConfig, way: &Way) -> WayView {
    let v4 = way.tunnel.and_then(|tunnel| tunnel.ipv4).map(IpAddr::V4);
    let v6 = way.tunnel.and_then(|tunnel| tunnel.ipv6).map(IpAddr::V6);
    WayView {
        tunnel_addresses: v4
            .into_iter()
            .chain(v6)
            .map(|address| address.to_string())
            .collect(),
        network_instance: network_instance(config, way.network_instance),
        ue_addresses: ue_addresses(way.ue.unwrap_or_default().addresses),
        framed_routes: way.framed.iter().map(ToString::to_string).collect(),
        qfis: way.qfis.clone(),
    }
}

fn view_far(config: &SessionsConfig, far: &Far) -> FarView {
    let forwarding = &far.forwarding;
    let policy = forwarding.policy.map(usize::from);
    let policy = policy.and_then(|number| config.forwarding_policies.get(number));
    let copies = far.duplicates.iter();
    let copies = copies.filter_map(|copy: &Duplicate| copy.tunnel);
    FarView {
        id: far.id,
        action: match far.verdict() {
            Action::Drop => "drop",
            Action::Buffer => "buffer",
            Action::Forward => "forward",
        },
        apply_action: apply_action(far.action),
        destination: forwarding.destination.map(interface),
        network_instance: network_instance(config, forwarding.network_instance),
        tunnel: forwarding.tunnel.map(PeerTunnelView::from),
        dscp: forwarding.dscp,
        forwarding_policy: policy.map(|policy| policy.name.clone()),
        redirect_to: forwarding
            .redirect
            .as_ref()
            .map(|redirect| redirect.address.clone()),
        linked_traffic_endpoint: forwarding.linked_endpoint,
        duplicates: copies.map(PeerTunnelView::from).collect(),
        bar: far.bar,
    }
}

impl From<RemoteTunnel> for PeerTunnelView {
    fn from(tunnel: RemoteTunnel) -> Self {
        Self {
            teid: tunnel.teid,
            address: tunnel.address,
        }
    }
}

impl From<&SdfFilter> for SdfFilterView {
    fn from(filter: &SdfFilter) -> Self {
        Self {
            id: filter.id,
            flow: filter.flow.as_ref().map(ToString::to_string),
            tos: filter.tos,
            spi: filter.spi,
            flow_label: filter.flow_label,
        }
    }
}

impl From<&Qer> for QerView {
    fn from(qer: &Qer) -> Self {
        Self {
            id: qer.id,
            correlation: qer.correlation_id,
            uplink_open: qer.gate.uplink_open,
            downlink_open: qer.gate.downlink_open,
            uplink_mbr_kbps: qer.mbr.map(|mbr| mbr.uplink_kbps),
            downlink_mbr_kbps: qer.mbr.map(|mbr| mbr.downlink_kbps),
            uplink_gbr_kbps: qer.gbr.map(|gbr| gbr.uplink_kbps),
            downlink_gbr_kbps: qer.gbr.map(|gbr| gbr.downlink_kbps),
            qfi: qer.qfi,
            reflective_qos: qer.reflective_qos,
            paging_policy_indicator: qer.paging_policy_indicator,
            averaging_window_ms: qer.averaging_window_ms,
        }
    }
}

impl From<&Urr> for UrrView {
    fn from(urr: &Urr) -> Self {
        Self {
            id: urr.id,
            measurement_method: urr.measurement_method.unwrap_or_default().0,
            reporting_triggers: urr.reporting_triggers.unwrap_or_default().0,
            volume_threshold: urr.volume_threshold.map(VolumesView::from),
            volume_quota: urr.volume_quota.map(VolumesView::from),
            time_threshold: urr.time_threshold,
            time_quota: urr.time_quota,
            measurement_period: urr.measurement_period,
            linked_urrs: urr.linked_urr_ids.clone(),
        }
    }
}

impl From<Volumes> for VolumesView {
    fn from(volumes: Volumes) -> Self {
        Self {
            total: volumes.total,
            uplink: volumes.uplink,
            downlink: volumes.downlink,
        }
    }
}

impl From<&Bar> for BarView {
    fn from(bar: &Bar) -> Self {
        const DELAY_UNIT_MS: u32 = 50;
        let delay = bar.downlink_data_notification_delay;
        Self {
            id: bar.id,
            notification_delay_ms: delay.map(|units| u32::from(units) * DELAY_UNIT_MS),
            suggested_packets: bar.suggested_buffering_packets_count,
        }
    }
}

impl From<&Mar> for MarView {
    fn from(mar: &Mar) -> Self {
        let far = |access: &Option<AccessForwardingAction>| Some(access.as_ref()?.far_id);
        Self {
            id: mar.id,
            steering_functionality: mar.steering_functionality,
            steering_mode: mar.steering_mode,
            tgpp_far: far(&mar.tgpp_access),
            non_tgpp_far: far(&mar.non_tgpp_access),
        }
    }
}

pub(in crate::session) fn ue_addresses(ue: UeAddresses) -> Vec<String> {
    let v4 = ue.v4.map(|v4: Ipv4Addr| v4.to_string());
    let v6 = ue.v6.map(|upper| {
        let mut octets = [0; 16];
        octets[..8].copy_from_slice(&upper);
        format!("{}/64", Ipv6Addr::from(octets))
    });
    v4.into_iter().chain(v6).collect()
}

fn network_instance(config: &SessionsConfig, instance: Option<NetworkInstance>) -> Option<String> {
    match instance? {
        NetworkInstance::Known(number) => config.instances.name(number).map(str::to_owned),
        NetworkInstance::Unknown => Some(String::new()),
    }
}

fn interface(interface: Interface) -> &'static str {
    match interface {
        Interface::Access => "access",
        Interface::Core => "core",
        Interface::SgiLan => "sgi-lan",
        Interface::CpFunction => "cp-function",
        Interface::LiFunction => "li-function",
        Interface::VnInternal => "5g-vn-internal",
    }
}

fn apply_action(action: ApplyAction) -> Vec<&'static str> {
    let names = [
        (ApplyAction::DROP, "DROP"),
        (ApplyAction::FORW, "FORW"),
        (ApplyAction::BUFF, "BUFF"),
        (ApplyAction::NOCP, "NOCP"),
        (ApplyAction::DUPL, "DUPL"),
        (ApplyAction::BDPN, "BDPN"),
        (ApplyAction::DDPN, "DDPN"),
    ];
    let set = names.into_iter().filter(|(bit, _)| action.has(*bit));
    set.map(|(_, name)| name).collect()
}
