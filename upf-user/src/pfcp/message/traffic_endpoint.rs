//! Traffic Endpoints.

use crate::pfcp::ie::{FTeid, UeIpAddress};

/// Create Traffic Endpoint (clause 7.5.2.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateTrafficEndpoint {
    /// Traffic Endpoint ID.
    pub id: u8,
    /// Local F-TEID.
    pub f_teid: Option<FTeid>,
    /// Network Instance, as text.
    pub network_instance: Option<String>,
    /// UE IP Address.
    pub ue_ip_address: Option<UeIpAddress>,
    /// Framed-Route.
    pub framed_routes: Vec<String>,
    /// Framed-Routing.
    pub framed_routing: Option<u32>,
    /// Framed-IPv6-Route.
    pub framed_ipv6_routes: Vec<String>,
    /// QFIs.
    pub qfis: Vec<u8>,
    /// Source Interface Type: a 3GPP Interface Type.
    pub source_interface_type: Option<u8>,
}

/// Update Traffic Endpoint (clause 7.5.4.13): what is absent stays.
pub type UpdateTrafficEndpoint = CreateTrafficEndpoint;

/// Created Traffic Endpoint (clause 7.5.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedTrafficEndpoint {
    /// Traffic Endpoint ID.
    pub id: u8,
    /// The F-TEID that was allocated.
    pub f_teid: Option<FTeid>,
    /// The UE's address that was allocated.
    pub ue_ip_address: Option<UeIpAddress>,
}
