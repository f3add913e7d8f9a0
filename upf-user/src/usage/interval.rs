//! Usage between two reports.

use serde::{Deserialize, Serialize};

use super::Millis;
use super::totals::Volume;
use crate::pfcp::ie::{VolumeMeasurement, Volumes};
use crate::pfcp::message::UsageReport;

/// Event Time Stamps of a report at most. A URR that has so many reports at once.
pub(super) const MAX_EVENT_STAMPS: usize = 64;

/// What was measured since the last report, or since the last Monitoring Time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Interval {
    start: Millis,
    pub(super) volume: Volume,
    /// Metered time. Less than a second is left over for the next interval, so that nothing is lost by rounding.
    pub(super) millis: u64,
    /// Seconds of NTP.
    first_packet: Option<u32>,
    last_packet: Option<u32>,
    /// Seconds of NTP.
    event_stamps: Vec<u32>,
}

/// Which measurements a report has even if they are zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) volume: bool,
    pub(super) packets: bool,
    pub(super) duration: bool,
}

impl Interval {
    pub(super) fn new(start: Millis) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }

    pub(super) fn start(&self) -> Millis {
        self.start
    }

    pub(super) fn note_packets(&mut self, first: Millis, last: Millis) {
        self.first_packet.get_or_insert(first.ntp_seconds());
        self.last_packet = Some(last.ntp_seconds());
    }

    /// Events at a time.
    pub(super) fn note_events(&mut self, count: u64, at: Millis) {
        let room = (MAX_EVENT_STAMPS - self.event_stamps.len()) as u64;
        let stamps = (0..count.min(room)).map(|_| at.ntp_seconds());
        self.event_stamps.extend(stamps);
    }

    pub(super) fn is_full(&self) -> bool {
        self.event_stamps.len() >= MAX_EVENT_STAMPS
    }

    /// What it has on the heap, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.event_stamps.capacity() * size_of::<u32>()
    }

    /// Ends here; the next one begins.
    pub(super) fn split(&mut self, at: Millis) -> Self {
        let next = Self {
            millis: self.millis % 1000,
            ..Self::new(at)
        };
        std::mem::replace(self, next)
    }

    /// Its measurements as a report tells them.
    pub(super) fn report(self, end: Millis, shown: Shown) -> UsageReport {
        let seconds = u32::try_from(self.millis / 1000).unwrap_or(u32::MAX);
        let is_shown = shown.volume || !self.volume.is_zero();
        UsageReport {
            start_time: Some(self.start.ntp_seconds()),
            end_time: Some(end.ntp_seconds()),
            volume: is_shown.then(|| self.volume.measurement(shown.packets)),
            duration: (shown.duration || seconds > 0).then_some(seconds),
            first_packet: self.first_packet,
            last_packet: self.last_packet,
            event_time_stamps: self.event_stamps,
            ..UsageReport::default()
        }
    }
}

impl Volume {
    fn measurement(&self, with_packets: bool) -> VolumeMeasurement {
        let both = |uplink: u64, downlink: u64| Volumes {
            total: Some(uplink.saturating_add(downlink)),
            uplink: Some(uplink),
            downlink: Some(downlink),
        };
        let packets = both(self.uplink.packets, self.downlink.packets);
        VolumeMeasurement {
            octets: both(self.uplink.bytes, self.downlink.bytes),
            packets: if with_packets {
                packets
            } else {
                Volumes::default()
            },
        }
    }
}
