//! Buffering Action Rules.

use serde::{Deserialize, Serialize};

/// Create BAR (clause 7.5.2.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateBar {
    /// BAR ID.
    pub id: u8,
    /// Downlink Data Notification Delay, in units of 50 ms.
    pub downlink_data_notification_delay: Option<u8>,
    /// Suggested Buffering Packets Count.
    pub suggested_buffering_packets_count: Option<u8>,
    /// MT-EDT Control Information, as on the wire.
    pub mt_edt_control: Option<u8>,
}

/// Update BAR in a modification (IE type 86, clause 7.5.4.11): what is absent stays.
pub type UpdateBar = CreateBar;

/// Update BAR in a session report response (IE type 12, clause 7.5.9.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateBarInReportResponse {
    /// BAR ID.
    pub id: u8,
    /// Downlink Data Notification Delay, in units of 50 ms.
    pub downlink_data_notification_delay: Option<u8>,
    /// DL Buffering Duration: unit and value, as on the wire (clause 8.2.47).
    pub buffering_duration: Option<u8>,
    /// DL Buffering Suggested Packet Count.
    pub buffering_packet_count: Option<u16>,
    /// Suggested Buffering Packets Count.
    pub suggested_buffering_packets_count: Option<u8>,
}
