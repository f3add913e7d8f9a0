//! Requests between nodes that concern sessions.

use crate::pfcp::ie::{FqCsid, NodeId, RemoteGtpuPeer};

/// Node Report Request (clause 7.4.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReportRequest {
    /// The sender's node.
    pub node_id: NodeId,
    /// User Plane Path Failure Report: the peers that do not answer.
    pub path_failures: Vec<RemoteGtpuPeer>,
    /// User Plane Path Recovery Report: the peers that answer again.
    pub path_recoveries: Vec<RemoteGtpuPeer>,
}

/// Session Set Deletion Request (clause 7.4.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSetDeletionRequest {
    /// The sender's node.
    pub node_id: NodeId,
    /// The sets: FQ-CSIDs of SGW-C, PGW-C/SMF, SGW-U, PGW-U/UPF, TWAN, ePDG, MME, in any order.
    pub fq_csids: Vec<FqCsid>,
}

/// Load Control Information (clause 7.5.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadControl {
    /// Load Control Sequence Number.
    pub sequence: u32,
    /// Load Metric, percent.
    pub metric: u8,
}

/// Overload Control Information (clause 7.5.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverloadControl {
    /// Overload Control Sequence Number.
    pub sequence: u32,
    /// Overload Reduction Metric, percent.
    pub metric: u8,
    /// Period of Validity: unit and value, as on the wire (clause 8.2.35).
    pub validity: u8,
    /// OCI Flags: AOCI.
    pub flags: u8,
}
