//! What a URR has counted and what it still may, for those who look.

use super::Millis;
use super::meter::Meter;
use super::totals::{Count, Totals, Volume};

/// A URR at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// URR ID.
    pub id: u32,
    /// Measurement Method (TS 29.244 clause 8.2.40).
    pub method: u8,
    /// When the URR was created.
    pub began: Millis,
    /// Since then, uplink and downlink: what passed or, for a URR before QoS enforcement, what came.
    pub counted: [Count; 2],
    /// When the usage begins that is not reported yet.
    pub reported_until: Millis,
    /// That usage, uplink and downlink.
    pub unreported: [Count; 2],
    /// And its metered time, where time is measured.
    pub unreported_millis: Option<u64>,
    /// UR-SEQN of the last report.
    pub last_sequence: Option<u32>,
    /// When the last packet passed.
    pub last_packet: Option<Millis>,
    /// Thresholds.
    pub thresholds: Remaining,
    /// Quotas.
    pub quotas: Remaining,
    /// When the quotas' validity is over.
    pub quotas_expire: Option<Millis>,
    /// Traffic is stopped, because a quota is exhausted or its validity is over.
    pub is_stopped: bool,
}

/// Thresholds or quotas; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Bytes of both directions, from the UE, and to the UE.
    pub bytes: [Option<Left>; 3],
    /// Metered time.
    pub millis: Option<Left>,
    /// Events.
    pub events: Option<Left>,
}

/// An amount that was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// All of it.
    pub of: u64,
    /// What is left of it.
    pub left: u64,
}

impl Meter {
    pub(super) fn standing(&self, now: Millis, totals: &Totals) -> Standing {
        // What a report would tell, made by a URR that is given up afterwards.
        let mut read = self.clone();
        read.read(now, totals, None);
        let parts = read.rare.iter().flat_map(|rare| &rare.monitoring.parts);
        let intervals = parts.map(|part| &part.interval).chain([&read.interval]);
        let mut unreported = Volume::default();
        let mut unreported_millis: u64 = 0;
        let mut reported_until = now;
        for interval in intervals {
            unreported.add(interval.volume);
            unreported_millis = unreported_millis.saturating_add(interval.millis);
            reported_until = reported_until.min(interval.start());
        }
        let quotas = read.quotas.as_deref();
        Standing {
            id: read.id,
            method: read.rule.method(),
            began: read.began,
            counted: totals.volume(read.rule.is_before_qos()).both(),
            reported_until,
            unreported: unreported.both(),
            unreported_millis: read.rule.measures_duration().then_some(unreported_millis),
            last_sequence: read.sequence.checked_sub(1),
            last_packet: read.last_packet,
            thresholds: read.thresholds.remaining(&read.measured),
            quotas: quotas.map_or_else(Remaining::default, |quotas| {
                quotas.limits.remaining(&read.measured)
            }),
            quotas_expire: quotas.and_then(|quotas| quotas.expires),
            is_stopped: read.limits(now).is_stopped,
        }
    }
}
