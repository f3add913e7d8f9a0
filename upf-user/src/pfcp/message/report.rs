//! Reports about sessions (clauses 7.5.8 and 7.5.9).

use serde::{Deserialize, Serialize};

use super::UpdateBarInReportResponse;
use crate::pfcp::ie::{
    Cause, DownlinkDataServiceInformation, FSeid, FTeid, UsageReportTrigger, VolumeMeasurement,
};

/// Session Report Request (clause 7.5.8.1). Its Report Type says what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionReportRequest {
    /// Downlink Data Report.
    pub downlink_data: Option<DownlinkDataReport>,
    /// Usage Reports.
    pub usage: Vec<UsageReport>,
    /// Error Indication Report: the remote F-TEIDs that their node does not know.
    pub error_indication: Vec<FTeid>,
    /// UPIR: nothing has passed for the User Plane Inactivity Timer.
    pub is_user_plane_inactive: bool,
}

/// Downlink Data Report (clause 7.5.8.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownlinkDataReport {
    /// PDR IDs.
    pub pdr_ids: Vec<u16>,
    /// Downlink Data Service Information.
    pub service_information: Vec<DownlinkDataServiceInformation>,
}

/// Usage Report (clauses 7.5.5.2, 7.5.7.2 and 7.5.8.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// URR ID.
    pub urr_id: u32,
    /// UR-SEQN.
    pub sequence: u32,
    /// Usage Report Trigger.
    pub trigger: UsageReportTrigger,
    /// Start Time, seconds of NTP.
    pub start_time: Option<u32>,
    /// End Time, seconds of NTP.
    pub end_time: Option<u32>,
    /// Volume Measurement.
    pub volume: Option<VolumeMeasurement>,
    /// Duration Measurement, seconds.
    pub duration: Option<u32>,
    /// Time of First Packet, seconds of NTP.
    pub first_packet: Option<u32>,
    /// Time of Last Packet, seconds of NTP.
    pub last_packet: Option<u32>,
    /// Usage Information, as on the wire (clause 8.2.60).
    pub usage_information: Option<u8>,
    /// Query URR Reference.
    pub query_urr_reference: Option<u32>,
    /// Event Time Stamps, seconds of NTP.
    pub event_time_stamps: Vec<u32>,
}

/// Session Report Response (clause 7.5.9.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReportResponse {
    /// Cause.
    pub cause: Cause,
    /// Offending IE: its type.
    pub offending_ie: Option<u16>,
    /// Update BAR.
    pub update_bars: Vec<UpdateBarInReportResponse>,
    /// PFCPSRRsp-Flags, as on the wire: DROBU.
    pub flags: u8,
    /// A new CP F-SEID.
    pub cp_f_seid: Option<FSeid>,
}

/// A report that is to be sent to the control plane of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReport {
    /// Our number for the session.
    pub seid: u64,
    /// The control plane's.
    pub cp_seid: u64,
    /// What is reported.
    pub request: SessionReportRequest,
}
