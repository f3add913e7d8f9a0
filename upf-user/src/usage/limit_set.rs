//! Thresholds and quotas: amounts from a moment on.

use serde::{Deserialize, Serialize};

use super::limits::Marks;
use super::standing::{Left, Remaining};
use super::totals::Volume;
use crate::pfcp::ie::{UsageReportTrigger, Volumes};
use crate::pfcp::message::{AdditionalMonitoringTime, UpdateUrr};

/// Where there is no limit.
const NONE: u64 = u64::MAX;

/// What a URR has measured since it began. Pauses are not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Bytes.
    pub(super) uplink: u64,
    /// Bytes.
    pub(super) downlink: u64,
    /// Metered time, milliseconds.
    pub(super) millis: u64,
    pub(super) events: u64,
}

impl Measured {
    pub(super) fn add_volume(&mut self, more: Volume) {
        self.uplink = self.uplink.saturating_add(more.uplink.bytes);
        self.downlink = self.downlink.saturating_add(more.downlink.bytes);
    }
}

/// Amounts as a request gives them. What is `None` is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    /// Bytes: total, uplink, downlink; [`NONE`] where there is no limit.
    volume: Option<[u64; 3]>,
    millis: Option<u64>,
    events: Option<u64>,
}

impl Grant {
    fn new(volume: Option<Volumes>, seconds: Option<u32>, events: Option<u32>) -> Self {
        let bytes = |v: Volumes| [v.total, v.uplink, v.downlink].map(|limit| limit.unwrap_or(NONE));
        Self {
            volume: volume.map(bytes),
            millis: seconds.map(|seconds| u64::from(seconds) * 1000),
            events: events.map(u64::from),
        }
    }

    /// A threshold of zero would be reached by every report anew: it is none.
    fn threshold(volume: Option<Volumes>, seconds: Option<u32>, events: Option<u32>) -> Self {
        let none = |limit: u64| if limit == 0 { NONE } else { limit };
        let given = Self::new(volume, seconds, events);
        Self {
            volume: given.volume.map(|limits| limits.map(none)),
            millis: given.millis.map(none),
            events: given.events.map(none),
        }
    }

    pub(super) fn thresholds(urr: &UpdateUrr) -> Self {
        Self::threshold(
            urr.volume_threshold,
            urr.time_threshold,
            urr.event_threshold,
        )
    }

    pub(super) fn quotas(urr: &UpdateUrr) -> Self {
        Self::new(urr.volume_quota, urr.time_quota, urr.event_quota)
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Report bits of the quotas that are given.
    pub(super) fn quota_bits(&self) -> u32 {
        bits(
            self.volume.is_some(),
            self.millis.is_some(),
            self.events.is_some(),
            QUOTAS,
        )
    }

    fn or(self, other: Self) -> Self {
        Self {
            volume: self.volume.or(other.volume),
            millis: self.millis.or(other.millis),
            events: self.events.or(other.events),
        }
    }
}

/// What applies from a Monitoring Time on (clause 5.2.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subsequent {
    pub(super) thresholds: Grant,
    pub(super) quotas: Grant,
}

impl Subsequent {
    pub(super) fn of(urr: &UpdateUrr) -> Self {
        Self {
            thresholds: Grant::threshold(
                urr.subsequent_volume_threshold,
                urr.subsequent_time_threshold,
                urr.subsequent_event_threshold,
            ),
            quotas: Grant::new(
                urr.subsequent_volume_quota,
                urr.subsequent_time_quota,
                urr.subsequent_event_quota,
            ),
        }
    }

    pub(super) fn of_additional(time: &AdditionalMonitoringTime) -> Self {
        Self {
            thresholds: Grant::threshold(
                time.subsequent_volume_threshold,
                time.subsequent_time_threshold,
                time.subsequent_event_threshold,
            ),
            quotas: Grant::new(
                time.subsequent_volume_quota,
                time.subsequent_time_quota,
                time.subsequent_event_quota,
            ),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is absent stays.
    pub(super) fn take(&mut self, newer: Self) {
        self.thresholds = newer.thresholds.or(self.thresholds);
        self.quotas = newer.quotas.or(self.quotas);
    }
}

/// Report bits of volume, time and events.
pub(super) type Bits = [u32; 3];
pub(super) const THRESHOLDS: Bits = [
    UsageReportTrigger::VOLTH,
    UsageReportTrigger::TIMTH,
    UsageReportTrigger::EVETH,
];
pub(super) const QUOTAS: Bits = [
    UsageReportTrigger::VOLQU,
    UsageReportTrigger::TIMQU,
    UsageReportTrigger::EVEQU,
];

fn bits(volume: bool, time: bool, events: bool, bits: Bits) -> u32 {
    let set = |is_set: bool, bit| if is_set { bit } else { 0 };
    set(volume, bits[0]) | set(time, bits[1]) | set(events, bits[2])
}

/// Limits of the three methods, each from the moment on at which it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LimitSet {
    /// Bytes: total, uplink, downlink.
    volume: [u64; 3],
    millis: u64,
    events: u64,
    /// What was measured when each of them began.
    from: Measured,
}

impl Default for LimitSet {
    fn default() -> Self {
        Self {
            volume: [NONE; 3],
            millis: NONE,
            events: NONE,
            from: Measured::default(),
        }
    }
}

impl LimitSet {
    /// What is given counts from now.
    pub(super) fn take(&mut self, grant: &Grant, measured: &Measured) {
        if let Some(volume) = grant.volume {
            self.volume = volume;
            self.from.uplink = measured.uplink;
            self.from.downlink = measured.downlink;
        }
        if let Some(millis) = grant.millis {
            self.millis = millis;
            self.from.millis = measured.millis;
        }
        if let Some(events) = grant.events {
            self.events = events;
            self.from.events = measured.events;
        }
    }

    /// All of them count anew from now.
    pub(super) fn restart(&mut self, measured: &Measured) {
        self.from = *measured;
    }

    /// Bytes that are left: total, uplink, downlink; [`NONE`] where there is no limit.
    pub(super) fn volume_left(&self, measured: &Measured) -> [u64; 3] {
        let uplink = measured.uplink.saturating_sub(self.from.uplink);
        let downlink = measured.downlink.saturating_sub(self.from.downlink);
        let [total, up, down] = self.volume;
        [
            left(total, uplink.saturating_add(downlink)),
            left(up, uplink),
            left(down, downlink),
        ]
    }

    /// Milliseconds to be metered until the limit, where there is one.
    pub(super) fn millis_left(&self, measured: &Measured) -> Option<u64> {
        let used = measured.millis.saturating_sub(self.from.millis);
        (self.millis != NONE).then(|| left(self.millis, used))
    }

    /// Report bits of the limits that are reached.
    pub(super) fn reached(&self, measured: &Measured, of: Bits) -> u32 {
        let events = measured.events.saturating_sub(self.from.events);
        bits(
            self.volume_left(measured).contains(&0),
            self.millis_left(measured) == Some(0),
            left(self.events, events) == 0,
            of,
        )
    }

    /// What was given, and what is left of it.
    pub(super) fn remaining(&self, measured: &Measured) -> Remaining {
        let given = |of: u64, left: u64| (of != NONE).then_some(Left { of, left });
        let [total, uplink, downlink] = self.volume_left(measured);
        let events = measured.events.saturating_sub(self.from.events);
        Remaining {
            bytes: [
                given(self.volume[0], total),
                given(self.volume[1], uplink),
                given(self.volume[2], downlink),
            ],
            millis: given(self.millis, self.millis_left(measured).unwrap_or_default()),
            events: given(self.events, left(self.events, events)),
        }
    }

    /// Where counters that say `seen` now will be when a limit is reached.
    pub(super) fn marks(&self, measured: &Measured, seen: &Volume) -> Marks {
        let (uplink, downlink) = (seen.uplink.bytes, seen.downlink.bytes);
        let [total, up, down] = self.volume_left(measured);
        let mark = |left: u64, from: u64| (left != NONE).then(|| from.saturating_add(left));
        Marks {
            total: mark(total, uplink.saturating_add(downlink)),
            uplink: mark(up, uplink),
            downlink: mark(down, downlink),
        }
    }
}

fn left(limit: u64, used: u64) -> u64 {
    if limit == NONE {
        NONE
    } else {
        limit.saturating_sub(used)
    }
}
