//! Load and overload control (TS 29.244 clauses 6.2.3 and 6.2.4): what control planes are told about how busy we are.
//!
//! The metric is the fullest of all: slots, addresses and what else sessions need, and the queue of requests that
//! wait to be looked at. It is taken once a second, so that a sequence number which begins at the seconds of our start
//! never comes to where the next start begins.

use std::time::{Duration, Instant};

use crate::pfcp::message::{LoadControl, OverloadControl};

/// Between two looks at the load.
const EVERY: Duration = Duration::from_secs(1);
/// How long what is told about overload is valid.
const VALIDITY: Duration = Duration::from_secs(30);
/// [`VALIDITY`] on the wire: in units of two seconds (clause 8.2.35).
const VALIDITY_OCTET: u8 = (VALIDITY.as_secs() / 2) as u8;
/// Most that is asked for: what ends sessions or repairs them has to come through even when nothing is free.
const MAX_REDUCTION: u8 = 90;

/// The load, and what was last told of it.
#[derive(Debug)]
pub(super) struct Load {
    /// From this metric on it is an overload, percent.
    threshold: u8,
    taken_at: Option<Instant>,
    load: LoadControl,
    overload: OverloadControl,
    /// Until when a control plane may believe in an overload.
    overload_until: Option<Instant>,
}

impl Load {
    /// `first_sequence` has to be above all numbers of former lives.
    pub(super) fn new(threshold: u8, first_sequence: u32) -> Self {
        Self {
            threshold: threshold.clamp(1, 100),
            taken_at: None,
            load: LoadControl {
                sequence: first_sequence,
                metric: 0,
            },
            overload: OverloadControl {
                sequence: first_sequence,
                metric: 0,
                validity: VALIDITY_OCTET,
                flags: 0,
            },
            overload_until: None,
        }
    }

    /// Whether it is time for [`Self::take`].
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.taken_at
            .is_none_or(|at| now.saturating_duration_since(at) >= EVERY)
    }

    /// Takes the metric, in percent.
    pub(super) fn take(&mut self, percent: u8, now: Instant) {
        self.taken_at = Some(now);
        let percent = percent.min(100);
        if percent != self.load.metric {
            self.load.metric = percent;
            self.load.sequence = self.load.sequence.wrapping_add(1);
        }
        let reduction = self.reduction(percent);
        if reduction != self.overload.metric {
            self.overload.metric = reduction;
            self.overload.sequence = self.overload.sequence.wrapping_add(1);
        }
        if reduction > 0 {
            self.overload_until = Some(now + VALIDITY);
        }
    }

    /// Load Control Information.
    pub(super) fn load_control(&self) -> LoadControl {
        self.load
    }

    /// Overload Control Information: while there is an overload, and afterwards, with a metric of 0, as long as
    /// somebody may still believe in it.
    pub(super) fn overload_control(&self, now: Instant) -> Option<OverloadControl> {
        let until = self.overload_until?;
        (now < until).then_some(self.overload)
    }

    /// By how much there should be less to do, in percent: from 1 at the threshold to the most at 100.
    fn reduction(&self, percent: u8) -> u8 {
        let Some(above) = percent.checked_sub(self.threshold) else {
            return 0;
        };
        let room = 100 - u32::from(self.threshold);
        let share = u32::from(above) * u32::from(MAX_REDUCTION);
        share
            .checked_div(room)
            .unwrap_or(MAX_REDUCTION.into())
            .max(1) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_rise_with_changes_only() {
        let mut load = Load::new(90, 1000);
        let now = Instant::now();
        let told = |load: &Load| (load.load_control().sequence, load.load_control().metric);
        assert_eq!(told(&load), (1000, 0));
        for (percent, expected) in [
            (0, (1000, 0)),
            (10, (1001, 10)),
            (10, (1001, 10)),
            (9, (1002, 9)),
            (255, (1003, 100)),
        ] {
            load.take(percent, now);
            assert_eq!(told(&load), expected);
        }
    }

    #[test]
    fn the_metric_is_taken_once_a_second() {
        let mut load = Load::new(90, 0);
        let now = Instant::now();
        assert!(load.is_due(now));
        load.take(1, now);
        assert!(!load.is_due(now + EVERY / 2));
        assert!(load.is_due(now + EVERY));
    }

    #[test]
    fn overload_is_told_and_taken_back() {
        let mut load = Load::new(90, 7);
        let now = Instant::now();
        load.take(89, now);
        assert_eq!(load.overload_control(now), None);
        for (percent, metric, sequence) in [
            (90, 1, 8),
            (95, 45, 9),
            (100, 90, 10),
            (100, 90, 10),
            (50, 0, 11),
        ] {
            load.take(percent, now);
            let overload = load.overload_control(now).unwrap();
            assert_eq!(
                (overload.metric, overload.sequence),
                (metric, sequence),
                "{percent}"
            );
            assert_eq!(overload.validity, 15, "30 s in units of 2 s");
        }
        assert_eq!(
            load.overload_control(now + VALIDITY),
            None,
            "nobody believes in it any more"
        );
    }

    #[test]
    fn a_threshold_at_the_top_asks_for_the_most() {
        let mut load = Load::new(100, 0);
        let now = Instant::now();
        load.take(99, now);
        assert_eq!(load.overload_control(now), None);
        load.take(100, now);
        assert_eq!(load.overload_control(now).unwrap().metric, MAX_REDUCTION);
    }
}
