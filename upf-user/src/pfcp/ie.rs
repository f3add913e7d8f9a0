//! Values of information elements (TS 29.244 clause 8.2), as the session room wants them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Cause (clause 8.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cause {
    /// Request accepted (success).
    RequestAccepted = 1,
    /// Request rejected (reason not specified).
    RequestRejected = 64,
    /// Session context not found.
    SessionContextNotFound = 65,
    /// Mandatory IE missing.
    MandatoryIeMissing = 66,
    /// Conditional IE missing.
    ConditionalIeMissing = 67,
    /// Invalid length.
    InvalidLength = 68,
    /// Mandatory IE incorrect.
    MandatoryIeIncorrect = 69,
    /// Invalid Forwarding Policy.
    InvalidForwardingPolicy = 70,
    /// Invalid F-TEID allocation option.
    InvalidFTeidAllocationOption = 71,
    /// No established PFCP Association.
    NoEstablishedAssociation = 72,
    /// Rule creation/modification Failure.
    RuleCreationFailure = 73,
    /// PFCP entity in congestion.
    Congestion = 74,
    /// No resources available.
    NoResourcesAvailable = 75,
    /// Service not supported.
    ServiceNotSupported = 76,
    /// System failure.
    SystemFailure = 77,
    /// All dynamic addresses are occupied.
    AllDynamicAddressesOccupied = 79,
    /// Unknown pre-defined rule.
    UnknownPredefinedRule = 80,
}

impl Cause {
    /// The cause of a code. What is not known counts as accepted below 64 and as rejected from there on, as
    /// the table of clause 8.2.1 asks for its spare values.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1..=63 => Self::RequestAccepted,
            65 => Self::SessionContextNotFound,
            66 => Self::MandatoryIeMissing,
            67 => Self::ConditionalIeMissing,
            68 => Self::InvalidLength,
            69 => Self::MandatoryIeIncorrect,
            70 => Self::InvalidForwardingPolicy,
            71 => Self::InvalidFTeidAllocationOption,
            72 => Self::NoEstablishedAssociation,
            73 => Self::RuleCreationFailure,
            74 => Self::Congestion,
            75 => Self::NoResourcesAvailable,
            76 => Self::ServiceNotSupported,
            77 => Self::SystemFailure,
            79 => Self::AllDynamicAddressesOccupied,
            80 => Self::UnknownPredefinedRule,
            _ => Self::RequestRejected,
        }
    }
}

/// Node ID (clause 8.2.38). Names compare without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeId {
    /// An address.
    Address(IpAddr),
    /// A fully qualified domain name, in lower case, labels joined by dots.
    Fqdn(String),
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Fqdn(name) => f.write_str(name),
        }
    }
}

/// F-SEID (clause 8.2.37): a session's number at one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FSeid {
    /// The number.
    pub seid: u64,
    /// That end's IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// That end's IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
}

/// F-TEID (clause 8.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FTeid {
    /// CH: the UP function is to choose.
    Choose {
        /// An IPv4 address is wanted.
        ipv4: bool,
        /// An IPv6 address is wanted.
        ipv6: bool,
        /// CHOOSE ID: rules of a session with the same one share the F-TEID.
        id: Option<u8>,
    },
    /// A tunnel endpoint.
    Given {
        /// The TEID.
        teid: u32,
        /// The IPv4 address.
        ipv4: Option<Ipv4Addr>,
        /// The IPv6 address.
        ipv6: Option<Ipv6Addr>,
    },
}

/// UE IP Address (clause 8.2.62).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UeIpAddress {
    /// IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6 address; the UE has its whole /64 unless `ipv6_prefix_length` says otherwise.
    pub ipv6: Option<Ipv6Addr>,
    /// S/D: the address is the packet's destination.
    pub is_destination: bool,
    /// IPv6D: delegated bits.
    pub ipv6_prefix_delegation_bits: Option<u8>,
    /// IP6PL: prefix length.
    pub ipv6_prefix_length: Option<u8>,
    /// CHV4: the UP function is to allocate an IPv4 address.
    pub choose_ipv4: bool,
    /// CHV6: the UP function is to allocate an IPv6 prefix.
    pub choose_ipv6: bool,
}

/// Source Interface (clause 8.2.2) and Destination Interface (clause 8.2.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// Access.
    Access,
    /// Core.
    Core,
    /// SGi-LAN/N6-LAN.
    SgiLan,
    /// CP-function.
    CpFunction,
    /// LI function (destination only).
    LiFunction,
    /// 5G VN internal.
    VnInternal,
}

/// Outer Header Removal (clause 8.2.64), its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OuterHeaderRemoval {
    /// GTP-U/UDP/IPv4.
    GtpuUdpIpv4,
    /// GTP-U/UDP/IPv6.
    GtpuUdpIpv6,
    /// GTP-U/UDP/IP, whichever version.
    GtpuUdpIp,
    /// One of the others, which this UP function does not do.
    Other(u8),
}

/// Outer Header Creation (clause 8.2.56).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OuterHeaderCreation {
    /// The description's two octets, as on the wire, big-endian. Bits: see the `GTPU_UDP_*` constants.
    pub description: u16,
    /// TEID, with GTP-U.
    pub teid: Option<u32>,
    /// Destination IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// Destination IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// Destination port, with UDP only.
    pub port: Option<u16>,
}

impl OuterHeaderCreation {
    /// Description bit: GTP-U/UDP/IPv4.
    pub const GTPU_UDP_IPV4: u16 = 0x0100;
    /// Description bit: GTP-U/UDP/IPv6.
    pub const GTPU_UDP_IPV6: u16 = 0x0200;
}

/// Apply Action (clause 8.2.26): octet 5 in the low byte, octet 6 in the high byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplyAction(pub u16);

impl ApplyAction {
    /// Discard.
    pub const DROP: u16 = 1 << 0;
    /// Forward.
    pub const FORW: u16 = 1 << 1;
    /// Buffer.
    pub const BUFF: u16 = 1 << 2;
    /// Notify the CP function of the first downlink packet.
    pub const NOCP: u16 = 1 << 3;
    /// Duplicate.
    pub const DUPL: u16 = 1 << 4;

    /// Whether a bit is set.
    #[must_use]
    pub const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// Gate Status (clause 8.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateStatus {
    /// The uplink is open.
    pub uplink_open: bool,
    /// The downlink is open.
    pub downlink_open: bool,
}

/// MBR (clause 8.2.8) and GBR (clause 8.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitRates {
    /// Uplink, kbit/s (1000 bit/s), below 2^40.
    pub uplink_kbps: u64,
    /// Downlink, kbit/s.
    pub downlink_kbps: u64,
}

/// SDF Filter (clause 8.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SdfFilter {
    /// IPFilterRule, written from the downlink's view (TS 29.212 clause 5.4.2).
    pub flow_description: Option<String>,
    /// ToS or traffic class, and its mask.
    pub tos: Option<(u8, u8)>,
    /// IPsec SPI.
    pub spi: Option<u32>,
    /// IPv6 flow label, 20 bits.
    pub flow_label: Option<u32>,
    /// SDF Filter ID, which a modification may refer to.
    pub id: Option<u32>,
}

/// UP Function Features (clause 8.2.25): octet 5 in the low byte, octet 6 in the high byte. Later octets are
/// not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpFunctionFeatures(pub u16);

impl UpFunctionFeatures {
    /// The UP function allocates F-TEIDs.
    pub const FTUP: u16 = 1 << 4;
}

/// Failed Rule ID (clause 8.2.80).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedRule {
    /// A PDR.
    Pdr(u16),
    /// A FAR.
    Far(u32),
    /// A QER.
    Qer(u32),
    /// A URR.
    Urr(u32),
    /// A BAR.
    Bar(u8),
}

/// Information element types that the codec reads or writes (table 8.1.2-1).
pub mod kind {
    #![allow(missing_docs, reason = "named as TS 29.244 table 8.1.2-1 names them")]
    pub const CREATE_PDR: u16 = 1;
    pub const PDI: u16 = 2;
    pub const CREATE_FAR: u16 = 3;
    pub const FORWARDING_PARAMETERS: u16 = 4;
    pub const CREATE_QER: u16 = 7;
    pub const CREATED_PDR: u16 = 8;
    pub const UPDATE_PDR: u16 = 9;
    pub const UPDATE_FAR: u16 = 10;
    pub const UPDATE_FORWARDING_PARAMETERS: u16 = 11;
    pub const UPDATE_QER: u16 = 14;
    pub const REMOVE_PDR: u16 = 15;
    pub const REMOVE_FAR: u16 = 16;
    pub const REMOVE_QER: u16 = 18;
    pub const CAUSE: u16 = 19;
    pub const SOURCE_INTERFACE: u16 = 20;
    pub const F_TEID: u16 = 21;
    pub const NETWORK_INSTANCE: u16 = 22;
    pub const SDF_FILTER: u16 = 23;
    pub const APPLICATION_ID: u16 = 24;
    pub const GATE_STATUS: u16 = 25;
    pub const MBR: u16 = 26;
    pub const GBR: u16 = 27;
    pub const PRECEDENCE: u16 = 29;
    pub const TRANSPORT_LEVEL_MARKING: u16 = 30;
    pub const OFFENDING_IE: u16 = 40;
    pub const DESTINATION_INTERFACE: u16 = 42;
    pub const UP_FUNCTION_FEATURES: u16 = 43;
    pub const APPLY_ACTION: u16 = 44;
    pub const PDR_ID: u16 = 56;
    pub const F_SEID: u16 = 57;
    pub const NODE_ID: u16 = 60;
    pub const OUTER_HEADER_CREATION: u16 = 84;
    pub const UE_IP_ADDRESS: u16 = 93;
    pub const OUTER_HEADER_REMOVAL: u16 = 95;
    pub const RECOVERY_TIME_STAMP: u16 = 96;
    pub const ACTIVATE_PREDEFINED_RULES: u16 = 106;
    pub const FAR_ID: u16 = 108;
    pub const QER_ID: u16 = 109;
    pub const FAILED_RULE_ID: u16 = 114;
    pub const QFI: u16 = 124;
    pub const TRAFFIC_ENDPOINT_ID: u16 = 131;
    pub const USER_ID: u16 = 141;
    pub const APN_DNN: u16 = 159;
    pub const PFCPSEREQ_FLAGS: u16 = 186;
}
