//! Packet Detection Rules.

use crate::pfcp::ie::{
    EthernetFilterProperties, FTeid, Interface, MacAddresses, OuterHeaderRemoval, SdfFilter,
    UeIpAddress, VlanTag,
};

/// Create PDR (clause 7.5.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreatePdr {
    /// PDR ID.
    pub id: u16,
    /// Precedence: the lowest value is looked at first. Absent means last.
    pub precedence: Option<u32>,
    /// What it matches.
    pub pdi: Pdi,
    /// What is taken off.
    pub outer_header_removal: Option<OuterHeaderRemoval>,
    /// FAR ID.
    pub far_id: Option<u32>,
    /// URR IDs.
    pub urr_ids: Vec<u32>,
    /// QER IDs.
    pub qer_ids: Vec<u32>,
    /// MAR ID.
    pub mar_id: Option<u16>,
    /// Activate Predefined Rules, by name.
    pub activate_predefined_rules: Vec<String>,
    /// Activation Time, seconds of NTP.
    pub activation_time: Option<u32>,
    /// Deactivation Time, seconds of NTP.
    pub deactivation_time: Option<u32>,
}

/// PDI (clause 7.5.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pdi {
    /// Source Interface.
    pub source_interface: Interface,
    /// Local F-TEID.
    pub f_teid: Option<FTeid>,
    /// Network Instance, as text.
    pub network_instance: Option<String>,
    /// UE IP Address.
    pub ue_ip_address: Option<UeIpAddress>,
    /// Traffic Endpoint IDs: the packet comes by one of them.
    pub traffic_endpoint_ids: Vec<u8>,
    /// SDF Filters: one of them has to match.
    pub sdf_filters: Vec<SdfFilter>,
    /// Application ID.
    pub application_id: Option<String>,
    /// Ethernet Packet Filters.
    pub ethernet_packet_filters: Vec<EthernetPacketFilter>,
    /// QFIs: one of them has to match.
    pub qfis: Vec<u8>,
    /// Framed-Route, in the syntax of RFC 2865 clause 5.22.
    pub framed_routes: Vec<String>,
    /// Framed-Routing (RFC 2865 clause 5.10).
    pub framed_routing: Option<u32>,
    /// Framed-IPv6-Route, in the syntax of RFC 3162 clause 2.5.
    pub framed_ipv6_routes: Vec<String>,
    /// Source Interface Type: a 3GPP Interface Type (clause 8.2.118).
    pub source_interface_type: Option<u8>,
}

/// Ethernet Packet Filter (clause 7.5.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EthernetPacketFilter {
    /// Ethernet Filter ID.
    pub id: Option<u32>,
    /// Ethernet Filter Properties.
    pub properties: Option<EthernetFilterProperties>,
    /// MAC addresses.
    pub mac_addresses: Vec<MacAddresses>,
    /// Ethertype.
    pub ethertype: Option<u16>,
    /// C-TAG.
    pub c_tag: Option<VlanTag>,
    /// S-TAG.
    pub s_tag: Option<VlanTag>,
    /// SDF filters for the IP packet inside.
    pub sdf_filters: Vec<SdfFilter>,
}

/// Update PDR (clause 7.5.4.2): what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdatePdr {
    /// PDR ID.
    pub id: u16,
    /// Precedence.
    pub precedence: Option<u32>,
    /// A PDI: SDF filters are replaced (none means none any more), other parts only where present.
    pub pdi: Option<Pdi>,
    /// What is taken off.
    pub outer_header_removal: Option<OuterHeaderRemoval>,
    /// FAR ID.
    pub far_id: Option<u32>,
    /// URR IDs; `None` where the message has none.
    pub urr_ids: Option<Vec<u32>>,
    /// QER IDs; `None` where the message has none.
    pub qer_ids: Option<Vec<u32>>,
    /// Activate Predefined Rules, by name.
    pub activate_predefined_rules: Vec<String>,
    /// Deactivate Predefined Rules, by name.
    pub deactivate_predefined_rules: Vec<String>,
    /// Activation Time, seconds of NTP.
    pub activation_time: Option<u32>,
    /// Deactivation Time, seconds of NTP.
    pub deactivation_time: Option<u32>,
}

/// Created PDR (clause 7.5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedPdr {
    /// PDR ID.
    pub id: u16,
    /// The F-TEID that was allocated.
    pub f_teid: Option<FTeid>,
    /// The UE's address that was allocated.
    pub ue_ip_address: Option<UeIpAddress>,
}

/// Updated PDR (clause 7.5.5.5): what was allocated for a PDR that was there already.
pub type UpdatedPdr = CreatedPdr;
