//! Values of information elements (TS 29.244 clause 8.2), as the session room wants them.

pub mod kind;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Cause (clause 8.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cause {
    /// Request accepted (success).
    RequestAccepted = 1,
    /// More usage reports to send.
    MoreUsageReports = 2,
    /// Request partially accepted.
    PartiallyAccepted = 3,
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
    /// Redirection requested.
    RedirectionRequested = 78,
    /// All dynamic addresses are occupied.
    AllDynamicAddressesOccupied = 79,
    /// Unknown pre-defined rule.
    UnknownPredefinedRule = 80,
    /// Unknown Application ID.
    UnknownApplicationId = 81,
    /// PFCP session restoration failure due to requested resource not available.
    RestorationFailure = 86,
}

impl Cause {
    /// Whether it is a rejection: those begin at 64.
    #[must_use]
    pub fn is_rejection(self) -> bool {
        self as u8 >= Self::RequestRejected as u8
    }

    /// The cause of a code. What is not known counts as accepted below 64 and as rejected from there on, as
    /// the table of clause 8.2.1 asks for its spare values.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            2 => Self::MoreUsageReports,
            3 => Self::PartiallyAccepted,
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
            78 => Self::RedirectionRequested,
            79 => Self::AllDynamicAddressesOccupied,
            80 => Self::UnknownPredefinedRule,
            81 => Self::UnknownApplicationId,
            86 => Self::RestorationFailure,
            _ => Self::RequestRejected,
        }
    }
}

/// Node ID (clause 8.2.38). Names compare without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Interface {
    /// Access.
    #[default]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Accept a UE's request to join an IP multicast group.
    pub const IPMA: u16 = 1 << 5;
    /// Deny a UE's request to join an IP multicast group.
    pub const IPMD: u16 = 1 << 6;
    /// Duplicate for redundant transmission.
    pub const DFRT: u16 = 1 << 7;
    /// Eliminate duplicates of redundant transmission.
    pub const EDRT: u16 = 1 << 8;
    /// Notify of the first buffered downlink packet.
    pub const BDPN: u16 = 1 << 9;
    /// Notify of the first discarded downlink packet.
    pub const DDPN: u16 = 1 << 10;
    /// Forward by SSM to an MB session.
    pub const FSSM: u16 = 1 << 11;
    /// Forward to one or several MB-UPF addresses.
    pub const MBSU: u16 = 1 << 12;

    /// Whether a bit is set.
    #[must_use]
    pub const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// Gate Status (clause 8.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStatus {
    /// The uplink is open.
    pub uplink_open: bool,
    /// The downlink is open.
    pub downlink_open: bool,
}

impl Default for GateStatus {
    /// Both open.
    fn default() -> Self {
        Self {
            uplink_open: true,
            downlink_open: true,
        }
    }
}

/// MBR (clause 8.2.8) and GBR (clause 8.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// UP Function Features (clause 8.2.25): octet 5 in the lowest byte, octet 12 in the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpFunctionFeatures(pub u64);

impl UpFunctionFeatures {
    /// The UP function allocates F-TEIDs.
    pub const FTUP: u64 = 1 << 4;
    /// PFD management.
    pub const PFDM: u64 = 1 << 5;
    /// End markers are made by the UP function.
    pub const EMPU: u64 = 1 << 8;
    /// Traffic endpoints: PDI optimisation.
    pub const PDIU: u64 = 1 << 9;
    /// Framed routes.
    pub const FRRT: u64 = 1 << 13;
    /// PFD Contents with several values of a kind.
    pub const PFDE: u64 = 1 << 14;
    /// Enhanced association release.
    pub const EPFAR: u64 = 1 << 15;
    /// Deferred activation and deactivation of PDRs.
    pub const DPDRA: u64 = 1 << 16;
    /// Activation and deactivation of predefined PDRs.
    pub const ADPDP: u64 = 1 << 17;
    /// The UP function allocates UE addresses.
    pub const UEIP: u64 = 1 << 18;
    /// Several traffic endpoints in a PDI.
    pub const MTE: u64 = 1 << 21;
    /// Messages may be bundled.
    pub const BUNDL: u64 = 1 << 22;
    /// Restoration of sessions by FQ-CSID, group or CP address.
    pub const RESPS: u64 = 1 << 45;
}

/// CP Function Features (clause 8.2.58): octet 5 in the low byte, octet 6 in the high byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpFunctionFeatures(pub u16);

impl CpFunctionFeatures {
    /// Load control.
    pub const LOAD: u16 = 1 << 0;
    /// Overload control.
    pub const OVRL: u16 = 1 << 1;
    /// Enhanced association release.
    pub const EPFAR: u16 = 1 << 2;
    /// Sessions are handed between SMFs of a set.
    pub const SSET: u16 = 1 << 3;
    /// Messages may be bundled.
    pub const BUNDL: u16 = 1 << 4;

    /// Whether a bit is set.
    #[must_use]
    pub const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// Bits of PFCPSMReq-Flags (clause 8.2.31).
pub mod sm_request_flags {
    /// Drop what is buffered.
    pub const DROBU: u8 = 1 << 0;
    /// Send End Markers.
    pub const SNDEM: u8 = 1 << 1;
    /// Query all URRs.
    pub const QAURR: u8 = 1 << 2;
}

/// Bits of PFCP Association Release Request (clause 8.2.76).
pub mod release_request {
    /// SARR: the UP function asks for the release.
    pub const SARR: u8 = 1 << 0;
    /// URSS: non-zero usage reports for the affected sessions.
    pub const URSS: u8 = 1 << 1;
}

/// FQ-CSID (clause 8.2.46): sets of sessions that end together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FqCsid {
    /// The node.
    pub node: FqCsidNode,
    /// The sets.
    pub csids: Vec<u16>,
    /// The kind of node, where the IE says it (0 SGW-C, 1 SGW-U, 2 PGW-C/SMF, 3 PGW-U/UPF, 4 TWAN, 5 ePDG, 6 MME).
    pub node_type: Option<u8>,
}

/// The node of an FQ-CSID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FqCsidNode {
    /// By an address.
    Address(IpAddr),
    /// By MCC, MNC and a number.
    Id(u32),
}

/// User ID (clause 8.2.101).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserId {
    /// IMSI, its digits.
    pub imsi: Option<String>,
    /// IMEI, its digits.
    pub imei: Option<String>,
    /// MSISDN, its digits.
    pub msisdn: Option<String>,
    /// NAI.
    pub nai: Option<String>,
    /// SUPI, as text.
    pub supi: Option<String>,
    /// GPSI, as text.
    pub gpsi: Option<String>,
    /// PEI, as text.
    pub pei: Option<String>,
}

impl UserId {
    /// An IMSI alone.
    #[must_use]
    pub fn of_imsi(digits: &str) -> Self {
        Self {
            imsi: Some(digits.to_owned()),
            ..Self::default()
        }
    }

    /// The IMSI's digits, as such or out of a SUPI (TS 29.571 clause 5.3.2: `imsi-` and the digits).
    #[must_use]
    pub fn imsi(&self) -> Option<&str> {
        let supi = self.supi.as_deref();
        let of_supi = supi.and_then(|supi| supi.strip_prefix("imsi-"));
        self.imsi.as_deref().or(of_supi)
    }
}

/// S-NSSAI (clause 8.2.176).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SNssai {
    /// Slice/Service type.
    pub sst: u8,
    /// Slice differentiator, 24 bits.
    pub sd: u32,
}

/// Redirect Information (clause 8.2.20).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectInformation {
    /// Redirect Address Type: 0 IPv4, 1 IPv6, 2 URL, 3 SIP URI, 4 IPv4 and IPv6, 5 port, and sums of port and others.
    pub address_type: u8,
    /// The address, as text.
    pub address: String,
    /// The other address, of type 4.
    pub other_address: Option<String>,
    /// The port, as text.
    pub port: Option<String>,
}

/// Header Enrichment (clause 8.2.67).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderEnrichment {
    /// Header Type: 0 HTTP.
    pub header_type: u8,
    /// The header field's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Packet Rate (clause 8.2.63). Time units: 0 minute, 1 six minutes, 2 hour, 3 day, 4 week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketRate {
    /// Uplink: time unit and packets.
    pub uplink: Option<(u8, u16)>,
    /// Downlink: time unit and packets.
    pub downlink: Option<(u8, u16)>,
    /// Additional Packet Rate: uplink and downlink, each as above.
    pub additional: Option<[Option<(u8, u16)>; 2]>,
}

/// DL Flow Level Marking (clause 8.2.66).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowLevelMarking {
    /// ToS / traffic class and its mask.
    pub tos: Option<(u8, u8)>,
    /// Service Class Indicator.
    pub service_class_indicator: Option<(u8, u8)>,
}

/// Measurement Method (clause 8.2.40).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasurementMethod(pub u8);

impl MeasurementMethod {
    /// Duration.
    pub const DURAT: u8 = 1 << 0;
    /// Volume.
    pub const VOLUM: u8 = 1 << 1;
    /// Events.
    pub const EVENT: u8 = 1 << 2;
}

/// Reporting Triggers (clause 8.2.19): octet 5 in the lowest byte. Not the bits of [`UsageReportTrigger`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportingTriggers(pub u32);

impl ReportingTriggers {
    /// Periodic reporting.
    pub const PERIO: u32 = 1 << 0;
    /// Volume threshold.
    pub const VOLTH: u32 = 1 << 1;
    /// Time threshold.
    pub const TIMTH: u32 = 1 << 2;
    /// Quota holding time.
    pub const QUHTI: u32 = 1 << 3;
    /// Start of traffic.
    pub const START: u32 = 1 << 4;
    /// Stop of traffic.
    pub const STOPT: u32 = 1 << 5;
    /// Dropped downlink traffic threshold.
    pub const DROTH: u32 = 1 << 6;
    /// Linked usage reporting.
    pub const LIUSA: u32 = 1 << 7;
    /// Volume quota.
    pub const VOLQU: u32 = 1 << 8;
    /// Time quota.
    pub const TIMQU: u32 = 1 << 9;
    /// Envelope closure.
    pub const ENVCL: u32 = 1 << 10;
    /// MAC addresses.
    pub const MACAR: u32 = 1 << 11;
    /// Event threshold.
    pub const EVETH: u32 = 1 << 12;
    /// Event quota.
    pub const EVEQU: u32 = 1 << 13;
    /// IP multicast join and leave.
    pub const IPMJL: u32 = 1 << 14;
    /// Quota validity time.
    pub const QUVTI: u32 = 1 << 15;
    /// Reception of an end marker.
    pub const REEMR: u32 = 1 << 16;
    /// User plane inactivity timer.
    pub const UPINT: u32 = 1 << 17;
}

/// Usage Report Trigger (clause 8.2.41): octet 5 in the lowest byte. Not the bits of [`ReportingTriggers`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReportTrigger(pub u32);

impl UsageReportTrigger {
    /// Periodic report.
    pub const PERIO: u32 = 1 << 0;
    /// A volume threshold is reached.
    pub const VOLTH: u32 = 1 << 1;
    /// A time threshold is reached.
    pub const TIMTH: u32 = 1 << 2;
    /// Nothing has passed for the quota holding time.
    pub const QUHTI: u32 = 1 << 3;
    /// Traffic has started.
    pub const START: u32 = 1 << 4;
    /// Traffic has stopped.
    pub const STOPT: u32 = 1 << 5;
    /// The threshold of dropped downlink traffic is reached.
    pub const DROTH: u32 = 1 << 6;
    /// Immediate report: the control plane has asked.
    pub const IMMER: u32 = 1 << 7;
    /// The volume quota is exhausted.
    pub const VOLQU: u32 = 1 << 8;
    /// The time quota is exhausted.
    pub const TIMQU: u32 = 1 << 9;
    /// A linked URR has reported.
    pub const LIUSA: u32 = 1 << 10;
    /// Termination: the URR or its session is removed.
    pub const TERMR: u32 = 1 << 11;
    /// The monitoring time has come.
    pub const MONIT: u32 = 1 << 12;
    /// An envelope is closed.
    pub const ENVCL: u32 = 1 << 13;
    /// MAC addresses.
    pub const MACAR: u32 = 1 << 14;
    /// The event threshold is reached.
    pub const EVETH: u32 = 1 << 15;
    /// The event quota is exhausted.
    pub const EVEQU: u32 = 1 << 16;
    /// Termination by the UP function.
    pub const TEBUR: u32 = 1 << 17;
    /// IP multicast join and leave.
    pub const IPMJL: u32 = 1 << 18;
    /// The quota's validity time has passed.
    pub const QUVTI: u32 = 1 << 19;
    /// An end marker was received.
    pub const EMRRE: u32 = 1 << 20;
    /// Nothing has passed for the user plane inactivity timer.
    pub const UPINT: u32 = 1 << 21;
}

/// Bits of Measurement Information (clause 8.2.68).
pub mod measurement_information {
    /// Measurement before QoS enforcement.
    pub const MBQE: u8 = 1 << 0;
    /// Inactive measurement: it pauses.
    pub const INAM: u8 = 1 << 1;
    /// Reduced application detection information.
    pub const RADI: u8 = 1 << 2;
    /// Immediate start of time metering.
    pub const ISTM: u8 = 1 << 3;
    /// Measurement of the number of packets.
    pub const MNOP: u8 = 1 << 4;
}

/// Bits of Usage Information (clause 8.2.60).
pub mod usage_information {
    /// Before the monitoring time.
    pub const BEF: u8 = 1 << 0;
    /// After the monitoring time.
    pub const AFT: u8 = 1 << 1;
    /// Usage after QoS enforcement.
    pub const UAE: u8 = 1 << 2;
    /// Usage before QoS enforcement.
    pub const UBE: u8 = 1 << 3;
}

/// Volume Threshold and Quota and the subsequent ones (clauses 8.2.13 and 8.2.50), octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volumes {
    /// Both directions together.
    pub total: Option<u64>,
    /// Uplink.
    pub uplink: Option<u64>,
    /// Downlink.
    pub downlink: Option<u64>,
}

/// Volume Measurement (clause 8.2.44).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeMeasurement {
    /// Octets.
    pub octets: Volumes,
    /// Packets (MNOP).
    pub packets: Volumes,
}

/// Dropped DL Traffic Threshold (clause 8.2.49).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedTrafficThreshold {
    /// Packets.
    pub packets: Option<u64>,
    /// Octets.
    pub octets: Option<u64>,
}

/// Downlink Data Service Information (clause 8.2.27).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DownlinkDataServiceInformation {
    /// Paging Policy Indication value.
    pub paging_policy_indication: Option<u8>,
    /// QFI.
    pub qfi: Option<u8>,
}

/// Remote GTP-U Peer (clause 8.2.70).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteGtpuPeer {
    /// IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// Destination Interface.
    pub destination_interface: Option<Interface>,
    /// Network Instance, as text.
    pub network_instance: Option<String>,
}

/// Ethernet Filter Properties (clause 8.2.95): BIDE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EthernetFilterProperties(pub u8);

/// MAC Address (clause 8.2.92).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MacAddresses {
    /// Source.
    pub source: Option<[u8; 6]>,
    /// Destination.
    pub destination: Option<[u8; 6]>,
    /// Upper end of a range of sources.
    pub upper_source: Option<[u8; 6]>,
    /// Upper end of a range of destinations.
    pub upper_destination: Option<[u8; 6]>,
}

/// C-TAG and S-TAG (clauses 8.2.93 and 8.2.94), as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VlanTag(pub [u8; 3]);

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
