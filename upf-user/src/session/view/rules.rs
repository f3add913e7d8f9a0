//! Rules of a session as the REST API shows them.

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;

/// All rules of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RulesView {
    /// Packet Detection Rules.
    pub pdrs: Vec<PdrView>,
    /// Traffic Endpoints.
    pub traffic_endpoints: Vec<TrafficEndpointView>,
    /// Forwarding Action Rules.
    pub fars: Vec<FarView>,
    /// QoS Enforcement Rules.
    pub qers: Vec<QerView>,
    /// Usage Reporting Rules.
    pub urrs: Vec<UrrView>,
    /// Buffering Action Rules.
    pub bars: Vec<BarView>,
    /// Multi-Access Rules.
    pub mars: Vec<MarView>,
}

/// A Packet Detection Rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PdrView {
    /// PDR ID.
    pub id: u16,
    /// The lower, the earlier; null is last.
    pub precedence: Option<u32>,
    /// Source Interface.
    pub source: &'static str,
    /// Whether it is between its activation and deactivation times.
    pub is_active: bool,
    /// By which way packets come, where no traffic endpoint is named.
    #[serde(flatten)]
    pub way: WayView,
    /// Traffic Endpoint IDs.
    pub traffic_endpoints: Vec<u8>,
    /// SDF filters: one of them has to match.
    pub sdf_filters: Vec<SdfFilterView>,
    /// Application ID.
    pub application: Option<String>,
    /// FAR ID.
    pub far: Option<u32>,
    /// QER IDs.
    pub qers: Vec<u32>,
    /// URR IDs.
    pub urrs: Vec<u32>,
    /// MAR ID.
    pub mar: Option<u16>,
    /// Predefined rules that are active.
    pub predefined_rules: Vec<String>,
    /// Activation Time, seconds of NTP.
    pub activation_time: Option<u32>,
    /// Deactivation Time, seconds of NTP.
    pub deactivation_time: Option<u32>,
}

/// A Traffic Endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrafficEndpointView {
    /// Traffic Endpoint ID.
    pub id: u8,
    /// By which way packets come.
    #[serde(flatten)]
    pub way: WayView,
}

/// By which way packets come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WayView {
    /// Our GTP-U addresses, where packets come by a tunnel.
    pub tunnel_addresses: Vec<String>,
    /// Network instance; empty for one that the config does not know.
    pub network_instance: Option<String>,
    /// The UE's addresses: IPv4, or an IPv6 /64.
    pub ue_addresses: Vec<String>,
    /// Networks behind the UE.
    pub framed_routes: Vec<String>,
    /// QFIs: one of them has to match.
    pub qfis: Vec<u8>,
}

/// An SDF filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SdfFilterView {
    /// SDF Filter ID.
    pub id: Option<u32>,
    /// Flow description, from the downlink's view.
    pub flow: Option<String>,
    /// ToS / traffic class and its mask.
    pub tos: Option<(u8, u8)>,
    /// SPI of ESP or AH.
    pub spi: Option<u32>,
    /// IPv6 flow label.
    pub flow_label: Option<u32>,
}

/// A Forwarding Action Rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FarView {
    /// FAR ID.
    pub id: u32,
    /// What is done: drop, buffer or forward.
    pub action: &'static str,
    /// Apply Action, as asked for.
    pub apply_action: Vec<&'static str>,
    /// Destination Interface.
    pub destination: Option<&'static str>,
    /// Network instance; empty for one that the config does not know.
    pub network_instance: Option<String>,
    /// Where to, by GTP-U.
    pub tunnel: Option<PeerTunnelView>,
    /// DSCP of the outer header.
    pub dscp: Option<u8>,
    /// Forwarding policy.
    pub forwarding_policy: Option<String>,
    /// Redirect address. What would be redirected is dropped.
    pub redirect_to: Option<String>,
    /// Linked Traffic Endpoint ID.
    pub linked_traffic_endpoint: Option<u8>,
    /// Where copies go.
    pub duplicates: Vec<PeerTunnelView>,
    /// BAR ID.
    pub bar: Option<u8>,
}

/// A GTP-U peer's F-TEID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PeerTunnelView {
    /// TEID.
    pub teid: u32,
    /// The peer's GTP-U address.
    #[schema(value_type = String)]
    pub address: IpAddr,
}

/// A QoS Enforcement Rule. Rates in kbit/s (1000 bit/s).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct QerView {
    /// QER ID.
    pub id: u32,
    /// QER Correlation ID.
    pub correlation: Option<u32>,
    /// Gate from the UE.
    pub uplink_open: bool,
    /// Gate to the UE.
    pub downlink_open: bool,
    /// MBR from the UE.
    pub uplink_mbr_kbps: Option<u64>,
    /// MBR to the UE.
    pub downlink_mbr_kbps: Option<u64>,
    /// GBR from the UE.
    pub uplink_gbr_kbps: Option<u64>,
    /// GBR to the UE.
    pub downlink_gbr_kbps: Option<u64>,
    /// QFI.
    pub qfi: Option<u8>,
    /// Reflective QoS.
    pub reflective_qos: Option<bool>,
    /// Paging Policy Indicator.
    pub paging_policy_indicator: Option<u8>,
    /// Averaging Window, ms.
    pub averaging_window_ms: Option<u32>,
}

/// A Usage Reporting Rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UrrView {
    /// URR ID.
    pub id: u32,
    /// Measurement Method: bit 0 duration, bit 1 volume, bit 2 events.
    pub measurement_method: u8,
    /// Reporting Triggers, octet 5 in the lowest byte.
    pub reporting_triggers: u32,
    /// Volume Threshold: total, uplink and downlink octets.
    pub volume_threshold: Option<VolumesView>,
    /// Volume Quota: total, uplink and downlink octets.
    pub volume_quota: Option<VolumesView>,
    /// Time Threshold, seconds.
    pub time_threshold: Option<u32>,
    /// Time Quota, seconds.
    pub time_quota: Option<u32>,
    /// Measurement Period, seconds.
    pub measurement_period: Option<u32>,
    /// Linked URR IDs.
    pub linked_urrs: Vec<u32>,
}

/// Octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VolumesView {
    /// Both directions together.
    pub total: Option<u64>,
    /// From the UE.
    pub uplink: Option<u64>,
    /// To the UE.
    pub downlink: Option<u64>,
}

/// A Buffering Action Rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BarView {
    /// BAR ID.
    pub id: u8,
    /// Downlink Data Notification Delay, ms.
    pub notification_delay_ms: Option<u32>,
    /// Suggested Buffering Packets Count.
    pub suggested_packets: Option<u8>,
}

/// A Multi-Access Rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MarView {
    /// MAR ID.
    pub id: u16,
    /// Steering Functionality.
    pub steering_functionality: u8,
    /// Steering Mode.
    pub steering_mode: u8,
    /// FAR ID of 3GPP access.
    pub tgpp_far: Option<u32>,
    /// FAR ID of non-3GPP access.
    pub non_tgpp_far: Option<u32>,
}
