//! QoS Enforcement Rules.

use crate::pfcp::ie::{BitRates, FlowLevelMarking, GateStatus, PacketRate};
use serde::{Deserialize, Serialize};

/// Create QER (clause 7.5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateQer {
    /// QER ID.
    pub id: u32,
    /// QER Correlation ID: QERs with the same one, in sessions of the same UE too, share one limit.
    pub correlation_id: Option<u32>,
    /// Gate Status.
    pub gate: GateStatus,
    /// MBR; absent means no limit.
    pub mbr: Option<BitRates>,
    /// GBR.
    pub gbr: Option<BitRates>,
    /// Packet Rate.
    pub packet_rate: Option<PacketRate>,
    /// DL Flow Level Marking.
    pub downlink_flow_level_marking: Option<FlowLevelMarking>,
    /// QFI for the PDU Session Container of downlink packets.
    pub qfi: Option<u8>,
    /// RQI: reflective QoS in the PDU Session Container of downlink packets.
    pub reflective_qos: Option<bool>,
    /// Paging Policy Indicator.
    pub paging_policy_indicator: Option<u8>,
    /// Averaging Window, ms.
    pub averaging_window_ms: Option<u32>,
    /// QER Control Indications, as on the wire.
    pub control_indications: Option<u8>,
}

/// Update QER (clause 7.5.4.5): what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateQer {
    /// QER ID.
    pub id: u32,
    /// QER Correlation ID.
    pub correlation_id: Option<u32>,
    /// Gate Status.
    pub gate: Option<GateStatus>,
    /// MBR.
    pub mbr: Option<BitRates>,
    /// GBR.
    pub gbr: Option<BitRates>,
    /// Packet Rate.
    pub packet_rate: Option<PacketRate>,
    /// DL Flow Level Marking.
    pub downlink_flow_level_marking: Option<FlowLevelMarking>,
    /// QFI.
    pub qfi: Option<u8>,
    /// RQI.
    pub reflective_qos: Option<bool>,
    /// Paging Policy Indicator.
    pub paging_policy_indicator: Option<u8>,
    /// Averaging Window, ms.
    pub averaging_window_ms: Option<u32>,
    /// QER Control Indications, as on the wire.
    pub control_indications: Option<u8>,
}
