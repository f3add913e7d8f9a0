//! One URR: what it has measured, and what of that is reported.

use serde::{Deserialize, Serialize};

use super::Millis;
use super::dropped::Dropped;
use super::interval::Interval;
use super::limit_set::{Grant, LimitSet, Measured, Subsequent};
use super::monitoring::{Monitoring, Part};
use super::rule::Rule;
use super::stopwatch::Stopwatch;
use super::totals::{Totals, Volume, since};
use crate::pfcp::ie::UsageReportTrigger as Why;
use crate::pfcp::message::UpdateUrr;

/// A packet's bytes at most.
const MAX_PACKET_BYTES: u64 = u16::MAX as u64;

/// A URR's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meter {
    pub(super) id: u32,
    /// UR-SEQN of the next report: the first has 0.
    pub(super) sequence: u32,
    pub(super) rule: Rule,
    /// Report bits of what has happened and is not reported yet.
    pub(super) pending: u32,
    /// Report bits of what is told once, until something makes it new.
    pub(super) told: u32,
    /// Traffic goes on: no silence as long as the Inactivity Detection Time.
    pub(super) is_active: bool,
    pub(super) began: Millis,
    /// What the counters said when they were last read: those that the rule looks at.
    pub(super) seen: Volume,
    seen_events: u64,
    pub(super) measured: Measured,
    pub(super) interval: Interval,
    pub(super) last_packet: Option<Millis>,
    pub(super) thresholds: LimitSet,
    pub(super) quotas: Option<Box<Quotas>>,
    pub(super) stopwatch: Option<Box<Stopwatch>>,
    pub(super) rare: Option<Box<Rare>>,
}

/// Quotas, and the times that go with them. A time of 0 is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quotas {
    pub(super) limits: LimitSet,
    /// A packet did not fit into what is left of the volume quota.
    pub(super) is_rest_useless: bool,
    validity_seconds: u32,
    pub(super) expires: Option<Millis>,
    pub(super) holding_seconds: u32,
    pub(super) holding_from: Millis,
}

/// What few URRs have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rare {
    period_seconds: u32,
    pub(super) next_period: Option<Millis>,
    pub(super) dropped: Option<Dropped>,
    linked: Vec<u32>,
    pub(super) reports_left: Option<u16>,
    pub(super) monitoring: Monitoring,
}

impl Rare {
    /// The next period's end after now, if the last one's has come; periods go on from where they began, whatever else is reported.
    pub(super) fn plan_period(&mut self, now: Millis) {
        let period = u64::from(self.period_seconds) * 1000;
        let Some(next) = self.next_period.filter(|next| *next <= now && period > 0) else {
            return;
        };
        let passed = now.since(next) / period + 1;
        self.next_period = Some(next.after(period.saturating_mul(passed)));
    }
}

/// Rules.
impl Meter {
    /// A URR that begins now, with counters of zero.
    pub(super) fn new(urr: &UpdateUrr, now: Millis) -> Self {
        let mut meter = Self {
            id: urr.id,
            began: now,
            interval: Interval::new(now),
            ..Self::default()
        };
        meter.take(urr, now, &Totals::default());
        meter
    }

    /// What is absent stays; usage until now was measured by the old rule.
    pub(super) fn update(&mut self, update: &UpdateUrr, now: Millis, totals: &Totals) {
        self.read(now, totals, None);
        self.take(update, now, totals);
    }

    fn take(&mut self, update: &UpdateUrr, now: Millis, totals: &Totals) {
        let old = self.rule;
        self.rule.take(update);
        self.pending = self.rule.asked(self.pending);
        self.seen = totals.volume(self.rule.is_before_qos());
        self.take_stopwatch(&old, now);
        self.thresholds
            .take(&Grant::thresholds(update), &self.measured);
        self.take_quotas(update, now);
        self.take_period(&old, update, now);
        self.take_rare(update, now, totals);
    }

    fn take_stopwatch(&mut self, old: &Rule, now: Millis) {
        if !self.rule.measures_duration() {
            self.stopwatch = None;
            return;
        }
        let is_new = !old.measures_duration() || !old.starts_at_once();
        let stopwatch = self.stopwatch.get_or_insert_default();
        if self.rule.starts_at_once() && is_new {
            stopwatch.start(now);
        }
    }

    fn take_quotas(&mut self, update: &UpdateUrr, now: Millis) {
        let (validity, holding) = (update.quota_validity_time, update.quota_holding_time);
        self.grant(&Grant::quotas(update), validity, now);
        if let Some(seconds) = holding {
            self.quotas.get_or_insert_default().holding_seconds = seconds;
        }
        if let Some(quotas) = &mut self.quotas
            && (holding.is_some() || !Grant::quotas(update).is_empty())
        {
            quotas.holding_from = now;
            self.told &= !Why::QUHTI;
        }
    }

    /// New quotas count from now, and so does their validity.
    fn grant(&mut self, grant: &Grant, validity_seconds: Option<u32>, now: Millis) {
        if grant.is_empty() && validity_seconds.is_none() {
            return;
        }
        let quotas = self.quotas.get_or_insert_default();
        quotas.limits.take(grant, &self.measured);
        quotas.is_rest_useless &= grant.quota_bits() & Why::VOLQU == 0;
        if let Some(seconds) = validity_seconds {
            quotas.validity_seconds = seconds;
        }
        let seconds = quotas.validity_seconds;
        quotas.expires = (seconds > 0).then(|| now.after_seconds(seconds));
        self.told &= !(grant.quota_bits() | Why::QUVTI);
    }

    fn take_period(&mut self, old: &Rule, update: &UpdateUrr, now: Millis) {
        let is_asked = self.rule.reports(Why::PERIO);
        let is_new = update.measurement_period.is_some() || !old.reports(Why::PERIO);
        if update.measurement_period.is_none() && self.rare.is_none() {
            return;
        }
        let rare = self.rare.get_or_insert_default();
        if let Some(seconds) = update.measurement_period {
            rare.period_seconds = seconds;
        }
        if !is_asked || is_new {
            let seconds = rare.period_seconds;
            rare.next_period = (is_asked && seconds > 0).then(|| now.after_seconds(seconds));
        }
    }

    fn take_rare(&mut self, update: &UpdateUrr, now: Millis, totals: &Totals) {
        if let Some(threshold) = &update.dropped_downlink_traffic_threshold {
            let dropped = Dropped::new(threshold, totals.dropped_downlink);
            self.rare.get_or_insert_default().dropped = Some(dropped);
        }
        if !update.linked_urr_ids.is_empty() {
            let linked = &mut self.rare.get_or_insert_default().linked;
            linked.clone_from(&update.linked_urr_ids);
        }
        if let Some(reports) = update.number_of_reports {
            let left = (reports > 0).then_some(reports);
            let rare = self.rare.get_or_insert_default();
            rare.reports_left = left;
            // Beats that passed without report are not made up for.
            rare.plan_period(now);
        }
        if Monitoring::is_in(update) {
            let monitoring = &mut self.rare.get_or_insert_default().monitoring;
            monitoring.take(update, now);
        }
    }

    /// LIUSA, and a URR that it is linked to is among these.
    pub(super) fn is_linked_to(&self, ids: &[u32]) -> bool {
        let linked = self.rare.as_ref().map_or(&[][..], |rare| &rare.linked);
        self.rule.reports(Why::LIUSA) && linked.iter().any(|id| ids.contains(id))
    }
}

/// Memory.
impl Meter {
    /// What it has on the heap, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let boxed = self.quotas.as_ref().map_or(0, |_| size_of::<Quotas>())
            + self
                .stopwatch
                .as_ref()
                .map_or(0, |_| size_of::<Stopwatch>());
        let of_rare = |rare: &Rare| {
            size_of::<Rare>()
                + rare.linked.capacity() * size_of::<u32>()
                + rare.monitoring.heap_bytes()
        };
        boxed + self.interval.heap_bytes() + self.rare.as_deref().map_or(0, of_rare)
    }
}

/// Measurement.
impl Meter {
    /// Takes up what the counters say now. `told` is when a packet came, where the fast path has told it.
    pub(super) fn read(&mut self, now: Millis, totals: &Totals, told: Option<Millis>) {
        while let Some((at, subsequent)) = self.pass_monitoring_time(now) {
            self.measure(at, totals, told.filter(|told| *told <= at));
            let interval = self.interval.split(at);
            let part = Part { interval, end: at };
            self.rare
                .get_or_insert_default()
                .monitoring
                .parts
                .push(part);
            self.thresholds.take(&subsequent.thresholds, &self.measured);
            if !subsequent.quotas.is_empty() {
                self.grant(&subsequent.quotas, None, at);
            }
        }
        self.measure(now, totals, told);
    }

    fn pass_monitoring_time(&mut self, now: Millis) -> Option<(Millis, Subsequent)> {
        self.rare.as_mut()?.monitoring.pass(now)
    }

    fn measure(&mut self, now: Millis, totals: &Totals, told: Option<Millis>) {
        let volume = totals.volume(self.rule.is_before_qos());
        let more = volume.since(self.seen);
        self.seen = volume;
        let events = since(totals.events, self.seen_events);
        self.seen_events = totals.events;
        if let Some(dropped) = self.rare.as_mut().and_then(|rare| rare.dropped.as_mut()) {
            dropped.read(totals.dropped_downlink);
        }
        let packets = self.new_packets(now, totals, told, !more.is_zero());
        if self.rule.is_paused() {
            self.pause(now, packets);
            return;
        }
        if self.rule.measures_volume() {
            self.measured.add_volume(more);
            self.interval.volume.add(more);
        }
        if self.rule.measures_events() && events > 0 {
            self.measured.events = self.measured.events.saturating_add(events);
            self.interval
                .note_events(events, totals.last_event.unwrap_or(now));
        }
        let silence = self.rule.silence();
        if let Some(stopwatch) = &mut self.stopwatch {
            let millis = stopwatch.read(now, packets, silence);
            self.measured.millis = self.measured.millis.saturating_add(millis);
            self.interval.millis = self.interval.millis.saturating_add(millis);
        }
        if let Some((first, last)) = packets {
            self.note_packets(first, last);
        }
        self.note_silence(now);
    }

    /// The times of the first and the last packet since the counters were read, as far as they are known.
    fn new_packets(
        &self,
        now: Millis,
        totals: &Totals,
        told: Option<Millis>,
        has_more: bool,
    ) -> Option<(Millis, Millis)> {
        let times = [told, totals.uplink.last_packet, totals.downlink.last_packet];
        let times = times.into_iter().flatten().map(|at| at.min(now));
        let new = times.filter(|at| self.last_packet.is_none_or(|last| *at > last));
        let ends = new.fold(None, |ends: Option<(Millis, Millis)>, at| {
            Some(ends.map_or((at, at), |(first, last)| (first.min(at), last.max(at))))
        });
        // More packets within the millisecond of the last one.
        ends.or_else(|| Some((self.last_packet?, self.last_packet?)).filter(|_| has_more))
    }

    fn pause(&mut self, now: Millis, packets: Option<(Millis, Millis)>) {
        let last = packets.map(|(_, last)| last);
        self.last_packet = self.last_packet.max(last);
        if last.is_some() {
            self.told &= !Why::UPINT;
        }
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.skip(now, last);
        }
    }

    fn note_packets(&mut self, first: Millis, last: Millis) {
        self.note_silence(Millis(first.0.saturating_sub(1)));
        if !self.is_active {
            self.is_active = true;
            self.raise(Why::START);
        }
        self.told &= !(Why::QUHTI | Why::UPINT);
        self.last_packet = self.last_packet.max(Some(last));
        self.interval.note_packets(first, last);
    }

    fn note_silence(&mut self, now: Millis) {
        if self.silent_at().is_some_and(|at| at <= now) {
            self.traffic_stopped();
        }
    }

    /// When traffic counts as stopped unless a packet comes.
    pub(super) fn silent_at(&self) -> Option<Millis> {
        let silence = self.rule.silence().filter(|_| self.is_active)?;
        Some(self.last_packet?.after(silence))
    }

    pub(super) fn traffic_stopped(&mut self) {
        if self.is_active {
            self.is_active = false;
            self.raise(Why::STOPT | Why::ENVCL);
        }
    }

    /// A packet has not fitted into what is left of the volume quota. Where more is left than a packet can have, that was
    /// another quota, before this one was granted.
    pub(super) fn packet_did_not_fit(&mut self) {
        if let Some(quotas) = &mut self.quotas {
            let mut left = quotas.limits.volume_left(&self.measured).into_iter();
            quotas.is_rest_useless |= left.any(|left| left < MAX_PACKET_BYTES);
        }
    }

    /// Since when nothing has passed.
    pub(super) fn quiet_since(&self) -> Millis {
        self.last_packet.unwrap_or(self.began)
    }

    /// Something has happened that is reported where it is asked for.
    pub(super) fn raise(&mut self, bits: u32) {
        self.pending |= self.rule.asked(bits);
    }
}
