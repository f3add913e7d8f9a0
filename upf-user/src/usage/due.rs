//! When a URR reports, and what the fast path has to know of it.

use super::Millis;
use super::limit_set::{QUOTAS, THRESHOLDS};
use super::limits::Limits;
use super::meter::Meter;
use crate::pfcp::ie::UsageReportTrigger as Why;

/// What is reported even after the Number of Reports: without it traffic would stand still and nobody knew.
const OF_QUOTAS: u32 = Why::VOLQU | Why::TIMQU | Why::EVEQU | Why::QUVTI;
/// How often what the fast path does not tell is looked at, milliseconds.
const LOOK_MILLIS: u64 = 1000;
/// Triggers that have to know whether traffic goes on.
const OF_TRAFFIC: u32 = Why::START | Why::STOPT | Why::ENVCL;

impl Meter {
    /// Report bits of what is to be reported now. `idle_seconds` is the session's User Plane Inactivity Timer.
    pub(super) fn due(&self, now: Millis, idle_seconds: Option<u32>) -> u32 {
        let mut bits = self.pending | self.thresholds.reached(&self.measured, THRESHOLDS);
        bits |= self.exhausted(now) & !self.told;
        let has_come = |at: Option<Millis>| at.is_some_and(|at| at <= now);
        let mut when = |is_due: bool, bit| bits |= if is_due { bit } else { 0 };
        when(self.interval.is_full(), Why::EVETH);
        when(has_come(self.held_until(now)), Why::QUHTI);
        when(has_come(self.idle_at(idle_seconds)), Why::UPINT);
        when(has_come(self.period_ends()), Why::PERIO);
        when(self.is_dropped_enough(), Why::DROTH);
        let asked = self.rule.asked(bits);
        let parts_full = self.rare.as_ref().is_some_and(|r| r.monitoring.is_full());
        let parts = if parts_full { Why::MONIT } else { 0 };
        let wanted = if self.is_spent() { OF_QUOTAS } else { u32::MAX };
        asked & wanted | parts
    }

    /// When [`Self::due`] or what the fast path has to do changes by time alone, from `now` on.
    pub(super) fn deadline(&self, now: Millis, idle_seconds: Option<u32>) -> Option<Millis> {
        if self.due(now, idle_seconds) != 0 {
            return Some(now);
        }
        let asked =
            |bits, at: Option<Millis>| at.filter(|_| self.rule.reports(bits) && !self.is_spent());
        let quotas = self.quotas.as_deref();
        let expires = quotas.and_then(|quotas| quotas.expires);
        let monitoring = self.rare.as_ref().and_then(|rare| rare.monitoring.due());
        let times = [
            self.silent_at().filter(|_| self.follows_traffic()),
            self.looks_at(now),
            asked(Why::QUHTI, self.held_until(now)),
            asked(Why::UPINT, self.idle_at(idle_seconds)),
            asked(Why::PERIO, self.period_ends()),
            expires.filter(|at| *at > now),
            monitoring,
        ];
        let of_time = self.time_deadline();
        times.into_iter().flatten().chain(of_time).min()
    }

    /// When the metered time stops or reaches a limit.
    fn time_deadline(&self) -> Option<Millis> {
        let stopwatch = self.stopwatch.as_ref()?;
        if self.rule.is_paused() {
            return None;
        }
        let threshold = self.thresholds.millis_left(&self.measured);
        let threshold = threshold.filter(|_| self.rule.reports(Why::TIMTH) && !self.is_spent());
        let quotas = self.quotas.as_ref();
        let quota = quotas.and_then(|quotas| quotas.limits.millis_left(&self.measured));
        let limits = threshold.into_iter().chain(quota.filter(|left| *left > 0));
        let reached = limits.min().and_then(|left| stopwatch.runs_until(left));
        let stops = stopwatch.stops_at(self.rule.silence());
        reached.into_iter().chain(stops).min()
    }

    /// When the counters are looked at, because the fast path does not tell of them: of dropped traffic, and of what QoS enforcement
    /// has held back.
    fn looks_at(&self, now: Millis) -> Option<Millis> {
        let rare = self.rare.as_deref()?;
        let is_told = |bit| self.rule.reports(bit) && !self.is_spent();
        let has_dropped = rare.dropped.is_some_and(|dropped| dropped.is_limited());
        let is_before_qos = self.rule.is_before_qos() && self.counts_volume();
        let has_threshold = is_told(Why::VOLTH) && self.thresholds.has_volume();
        let quotas = self.quotas.as_ref().filter(|_| self.exhausted(now) == 0);
        let has_quota = quotas.is_some_and(|quotas| quotas.limits.has_volume());
        let looks =
            has_dropped && is_told(Why::DROTH) || is_before_qos && (has_threshold || has_quota);
        looks.then(|| rare.looked.after(LOOK_MILLIS))
    }

    /// Whether it has to be known when traffic starts and stops.
    fn follows_traffic(&self) -> bool {
        let reports = self.rule.reports(OF_TRAFFIC) && !self.is_spent();
        !self.rule.is_paused() && (reports || self.rule.measures_events())
    }

    fn counts_volume(&self) -> bool {
        self.rule.measures_volume() && !self.rule.is_paused()
    }

    /// Whether nothing may pass. Traffic that has started within an event quota goes on until it stops.
    fn is_stopped(&self, now: Millis) -> bool {
        let running = if self.is_active { Why::EVEQU } else { 0 };
        self.exhausted(now) & !running != 0
    }

    /// Report bits of the quotas that are exhausted.
    fn exhausted(&self, now: Millis) -> u32 {
        let Some(quotas) = &self.quotas else {
            return 0;
        };
        let has_expired = quotas.expires.is_some_and(|at| at <= now);
        let expired = if has_expired { Why::QUVTI } else { 0 };
        let useless = if quotas.is_rest_useless {
            Why::VOLQU
        } else {
            0
        };
        quotas.limits.reached(&self.measured, QUOTAS) | useless | expired
    }

    /// When the Quota Holding Time is over, if no packet comes. Where traffic is stopped, none can.
    fn held_until(&self, now: Millis) -> Option<Millis> {
        let quotas = self.quotas.as_ref()?;
        let counts = quotas.holding_seconds > 0
            && self.told & Why::QUHTI == 0
            && !self.rule.is_paused()
            && self.exhausted(now) == 0;
        let from = self.quiet_since().max(quotas.holding_from);
        counts.then(|| from.after_seconds(quotas.holding_seconds))
    }

    fn idle_at(&self, idle_seconds: Option<u32>) -> Option<Millis> {
        let seconds = idle_seconds.filter(|seconds| *seconds > 0 && self.told & Why::UPINT == 0)?;
        Some(self.quiet_since().after_seconds(seconds))
    }

    fn period_ends(&self) -> Option<Millis> {
        self.rare.as_ref()?.next_period
    }

    fn is_dropped_enough(&self) -> bool {
        let dropped = self.rare.as_ref().and_then(|rare| rare.dropped);
        dropped.is_some_and(|dropped| dropped.is_reached())
    }

    /// The Number of Reports is reached.
    fn is_spent(&self) -> bool {
        self.rare
            .as_ref()
            .is_some_and(|rare| rare.reports_left == Some(0))
    }

    pub(super) fn limits(&self, now: Millis) -> Limits {
        let counts = self.counts_volume();
        let tells = self.rule.reports(Why::VOLTH) && !self.is_spent();
        let passed = match &self.rare {
            Some(rare) if self.rule.is_before_qos() => &rare.passed,
            _ => &self.seen,
        };
        let threshold = (counts && tells).then(|| self.thresholds.marks(&self.measured, passed));
        let quotas = self.quotas.as_ref().filter(|_| counts);
        let quota = quotas.map(|quotas| quotas.limits.marks(&self.measured, passed));
        Limits {
            threshold: threshold.unwrap_or_default(),
            quota: quota.unwrap_or_default(),
            is_stopped: self.is_stopped(now),
            tells_next_packet: self.waits_for_packet(),
        }
    }

    fn waits_for_packet(&self) -> bool {
        let stands = self
            .stopwatch
            .as_ref()
            .is_some_and(|watch| !watch.is_running());
        let starts =
            !self.is_active && (self.rule.reports(OF_TRAFFIC) || self.rule.measures_events());
        let told = self.told & (Why::QUHTI | Why::UPINT) != 0;
        !self.rule.is_paused() && (stands || starts || told)
    }
}
