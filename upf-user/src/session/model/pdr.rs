//! Packet Detection Rules and Traffic Endpoints.

use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::rule_set::rules;
use crate::datapath::Direction;
use crate::datapath::slots::TunnelKey;
use crate::pfcp::ie::Interface;
use crate::session::flow_description::FlowDescription;

/// Packet Detection Rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct Pdr {
    pub(in crate::session) id: u16,
    pub(in crate::session) precedence: Option<u32>,
    pub(in crate::session) source: Interface,
    /// The way by which its packets come, where no traffic endpoint is named.
    pub(in crate::session) way: Way,
    /// Traffic endpoints: its packets come by one of them.
    pub(in crate::session) endpoints: Vec<u8>,
    pub(in crate::session) filters: Vec<SdfFilter>,
    pub(in crate::session) application: Option<Box<str>>,
    pub(in crate::session) far: Option<u32>,
    pub(in crate::session) qers: Vec<u32>,
    pub(in crate::session) urrs: Vec<u32>,
    pub(in crate::session) mar: Option<u16>,
    /// Predefined rules that are active, by their number in the config.
    pub(in crate::session) predefined: Vec<u16>,
    /// Activation and Deactivation Time, seconds of NTP.
    pub(in crate::session) activation: Option<u32>,
    pub(in crate::session) deactivation: Option<u32>,
}

/// Traffic Endpoint (clause 5.2.1A.2B).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct TrafficEndpoint {
    pub(in crate::session) id: u8,
    /// Source Interface of the PDRs that have it or had it last; Access for one that none ever had.
    pub(in crate::session) source: Interface,
    pub(in crate::session) way: Way,
}

/// What a PDI and a traffic endpoint have in common: the way by which packets come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct Way {
    pub(in crate::session) tunnel: Option<LocalTunnel>,
    pub(in crate::session) network_instance: Option<NetworkInstance>,
    pub(in crate::session) ue: Option<UeIp>,
    /// Networks behind the UE.
    pub(in crate::session) framed: Vec<IpNet>,
    pub(in crate::session) framed_routing: Option<u32>,
    pub(in crate::session) qfis: Vec<u8>,
    /// 3GPP Interface Type of the source.
    pub(in crate::session) source_type: Option<u8>,
}

/// A local F-TEID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct LocalTunnel {
    pub(in crate::session) key: TunnelKey,
    /// Our GTP-U addresses, one of them at least.
    pub(in crate::session) ipv4: Option<Ipv4Addr>,
    pub(in crate::session) ipv6: Option<Ipv6Addr>,
}

/// A network instance that a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) enum NetworkInstance {
    /// One of the config.
    Known(u32),
    /// Another one. No error in rules that end or begin at a GTP-U tunnel.
    Unknown,
}

/// The UE's addresses in a PDI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct UeAddresses {
    pub(in crate::session) v4: Option<Ipv4Addr>,
    /// Upper half of the /64 prefix.
    pub(in crate::session) v6: Option<[u8; 8]>,
}

/// UE IP Address: given, or left to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct UeIp {
    /// Those that the control plane gave, and those that were chosen.
    pub(in crate::session) addresses: UeAddresses,
    /// Which are left to us.
    pub(in crate::session) chooses: Families,
}

/// Address families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct Families {
    pub(in crate::session) v4: bool,
    pub(in crate::session) v6: bool,
}

/// The UE's addresses that we chose: one of each family for all rules of a session that leave it to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct UeChoice {
    /// Whose pools they are from.
    pub(in crate::session) instance: u32,
    pub(in crate::session) addresses: UeAddresses,
}

/// One SDF filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct SdfFilter {
    pub(in crate::session) id: Option<u32>,
    pub(in crate::session) flow: Option<FlowDescription>,
    /// ToS after masking, and its mask.
    pub(in crate::session) tos: Option<(u8, u8)>,
    /// SPI of ESP or AH.
    pub(in crate::session) spi: Option<u32>,
    /// IPv6 flow label, 20 bits.
    pub(in crate::session) flow_label: Option<u32>,
}

rules!(Pdr: u16, TrafficEndpoint: u8);

impl Pdr {
    /// Which way its packets go: what comes from Access comes from the UE.
    pub(in crate::session) fn traffic(&self) -> Direction {
        traffic_from(self.source)
    }
}

/// Which way packets go that come from an interface.
pub(in crate::session) fn traffic_from(source: Interface) -> Direction {
    if source == Interface::Access {
        Direction::Uplink
    } else {
        Direction::Downlink
    }
}

impl UeAddresses {
    pub(in crate::session) fn is_empty(&self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }

    /// These, and of the other ones the families that are missing.
    pub(in crate::session) fn or(self, other: Self) -> Self {
        Self {
            v4: self.v4.or(other.v4),
            v6: self.v6.or(other.v6),
        }
    }
}

impl Families {
    pub(in crate::session) fn is_empty(self) -> bool {
        !self.v4 && !self.v6
    }

    pub(in crate::session) fn or(self, other: Self) -> Self {
        Self {
            v4: self.v4 || other.v4,
            v6: self.v6 || other.v6,
        }
    }
}
