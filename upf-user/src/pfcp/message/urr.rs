//! Usage Reporting Rules.

use crate::pfcp::ie::{DroppedTrafficThreshold, MeasurementMethod, ReportingTriggers, Volumes};
use serde::{Deserialize, Serialize};

/// Create URR (clause 7.5.2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateUrr {
    /// URR ID.
    pub id: u32,
    /// Measurement Method.
    pub measurement_method: MeasurementMethod,
    /// Reporting Triggers.
    pub reporting_triggers: ReportingTriggers,
    /// What may come or not, as in an update.
    pub settings: UpdateUrr,
}

impl CreateUrr {
    /// All of it, as an update would say it.
    #[must_use]
    pub fn whole(&self) -> UpdateUrr {
        UpdateUrr {
            id: self.id,
            measurement_method: Some(self.measurement_method),
            reporting_triggers: Some(self.reporting_triggers),
            ..self.settings.clone()
        }
    }
}

/// Update URR (clause 7.5.4.4): what is absent stays. Times in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateUrr {
    /// URR ID.
    pub id: u32,
    /// Measurement Method.
    pub measurement_method: Option<MeasurementMethod>,
    /// Reporting Triggers.
    pub reporting_triggers: Option<ReportingTriggers>,
    /// Measurement Period.
    pub measurement_period: Option<u32>,
    /// Volume Threshold.
    pub volume_threshold: Option<Volumes>,
    /// Volume Quota.
    pub volume_quota: Option<Volumes>,
    /// Time Threshold.
    pub time_threshold: Option<u32>,
    /// Time Quota.
    pub time_quota: Option<u32>,
    /// Event Threshold.
    pub event_threshold: Option<u32>,
    /// Event Quota.
    pub event_quota: Option<u32>,
    /// Quota Holding Time.
    pub quota_holding_time: Option<u32>,
    /// Dropped DL Traffic Threshold.
    pub dropped_downlink_traffic_threshold: Option<DroppedTrafficThreshold>,
    /// Quota Validity Time.
    pub quota_validity_time: Option<u32>,
    /// Monitoring Time, seconds of NTP.
    pub monitoring_time: Option<u32>,
    /// Subsequent Volume Threshold.
    pub subsequent_volume_threshold: Option<Volumes>,
    /// Subsequent Volume Quota.
    pub subsequent_volume_quota: Option<Volumes>,
    /// Subsequent Time Threshold.
    pub subsequent_time_threshold: Option<u32>,
    /// Subsequent Time Quota.
    pub subsequent_time_quota: Option<u32>,
    /// Subsequent Event Threshold.
    pub subsequent_event_threshold: Option<u32>,
    /// Subsequent Event Quota.
    pub subsequent_event_quota: Option<u32>,
    /// Inactivity Detection Time.
    pub inactivity_detection_time: Option<u32>,
    /// Linked URR IDs.
    pub linked_urr_ids: Vec<u32>,
    /// Measurement Information, as on the wire (clause 8.2.68).
    pub measurement_information: Option<u8>,
    /// FAR ID for Quota Action.
    pub quota_action_far_id: Option<u32>,
    /// Ethernet Inactivity Timer.
    pub ethernet_inactivity_timer: Option<u32>,
    /// Additional Monitoring Times.
    pub additional_monitoring_times: Vec<AdditionalMonitoringTime>,
    /// Number of Reports.
    pub number_of_reports: Option<u16>,
}

/// Additional Monitoring Time (clause 7.5.2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdditionalMonitoringTime {
    /// Monitoring Time, seconds of NTP.
    pub monitoring_time: u32,
    /// Subsequent Volume Threshold.
    pub subsequent_volume_threshold: Option<Volumes>,
    /// Subsequent Time Threshold.
    pub subsequent_time_threshold: Option<u32>,
    /// Subsequent Volume Quota.
    pub subsequent_volume_quota: Option<Volumes>,
    /// Subsequent Time Quota.
    pub subsequent_time_quota: Option<u32>,
    /// Subsequent Event Threshold.
    pub subsequent_event_threshold: Option<u32>,
    /// Subsequent Event Quota.
    pub subsequent_event_quota: Option<u32>,
}
