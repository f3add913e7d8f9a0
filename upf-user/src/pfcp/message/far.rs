//! Forwarding Action Rules.

use crate::pfcp::ie::{
    ApplyAction, HeaderEnrichment, Interface, OuterHeaderCreation, RedirectInformation,
};

/// Create FAR (clause 7.5.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateFar {
    /// FAR ID.
    pub id: u32,
    /// Apply Action.
    pub apply_action: ApplyAction,
    /// Forwarding Parameters.
    pub forwarding: Option<ForwardingParameters>,
    /// Duplicating Parameters.
    pub duplicating: Vec<DuplicatingParameters>,
    /// BAR ID.
    pub bar_id: Option<u8>,
}

/// Forwarding Parameters (clause 7.5.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardingParameters {
    /// Destination Interface.
    pub destination_interface: Interface,
    /// Network Instance, as text.
    pub network_instance: Option<String>,
    /// Redirect Information.
    pub redirect_information: Option<RedirectInformation>,
    /// Outer Header Creation.
    pub outer_header_creation: Option<OuterHeaderCreation>,
    /// Transport Level Marking: ToS / traffic class and its mask.
    pub transport_level_marking: Option<(u8, u8)>,
    /// Forwarding Policy Identifier.
    pub forwarding_policy: Option<String>,
    /// Header Enrichment.
    pub header_enrichment: Option<HeaderEnrichment>,
    /// Linked Traffic Endpoint ID.
    pub linked_traffic_endpoint_id: Option<u8>,
    /// Proxying: ARP (bit 1) and IPv6 neighbour solicitation (bit 2).
    pub proxying: Option<u8>,
    /// Destination Interface Type: a 3GPP Interface Type (clause 8.2.118).
    pub destination_interface_type: Option<u8>,
    /// Data Network Access Identifier.
    pub data_network_access_identifier: Option<String>,
}

/// Duplicating Parameters (clause 7.5.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuplicatingParameters {
    /// Destination Interface.
    pub destination_interface: Interface,
    /// Outer Header Creation.
    pub outer_header_creation: Option<OuterHeaderCreation>,
    /// Transport Level Marking.
    pub transport_level_marking: Option<(u8, u8)>,
    /// Forwarding Policy Identifier.
    pub forwarding_policy: Option<String>,
}

/// Update FAR (clause 7.5.4.3): what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateFar {
    /// FAR ID.
    pub id: u32,
    /// Apply Action.
    pub apply_action: Option<ApplyAction>,
    /// Update Forwarding Parameters.
    pub forwarding: Option<UpdateForwardingParameters>,
    /// Update Duplicating Parameters.
    pub duplicating: Vec<UpdateDuplicatingParameters>,
    /// BAR ID.
    pub bar_id: Option<u8>,
}

/// Update Forwarding Parameters (clause 7.5.4.3): what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateForwardingParameters {
    /// Destination Interface.
    pub destination_interface: Option<Interface>,
    /// Network Instance, as text.
    pub network_instance: Option<String>,
    /// Redirect Information.
    pub redirect_information: Option<RedirectInformation>,
    /// Outer Header Creation.
    pub outer_header_creation: Option<OuterHeaderCreation>,
    /// Transport Level Marking: ToS / traffic class and its mask.
    pub transport_level_marking: Option<(u8, u8)>,
    /// Forwarding Policy Identifier.
    pub forwarding_policy: Option<String>,
    /// Header Enrichment.
    pub header_enrichment: Option<HeaderEnrichment>,
    /// PFCPSMReq-Flags; SNDEM counts here. Bits: see [`crate::pfcp::ie::sm_request_flags`].
    pub flags: u8,
    /// Linked Traffic Endpoint ID.
    pub linked_traffic_endpoint_id: Option<u8>,
    /// Destination Interface Type: a 3GPP Interface Type (clause 8.2.118).
    pub destination_interface_type: Option<u8>,
    /// Data Network Access Identifier.
    pub data_network_access_identifier: Option<String>,
}

/// Update Duplicating Parameters (clause 7.5.4.3): what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateDuplicatingParameters {
    /// Destination Interface.
    pub destination_interface: Option<Interface>,
    /// Outer Header Creation.
    pub outer_header_creation: Option<OuterHeaderCreation>,
    /// Transport Level Marking.
    pub transport_level_marking: Option<(u8, u8)>,
    /// Forwarding Policy Identifier.
    pub forwarding_policy: Option<String>,
}
