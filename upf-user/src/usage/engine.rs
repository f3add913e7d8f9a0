//! All URRs of a session.

use serde::{Deserialize, Serialize};

use super::meter::Meter;
use super::{Limits, Millis, Standing, Totals};
use crate::pfcp::ie::UsageReportTrigger as Why;
use crate::pfcp::message::{UpdateUrr, UsageReport};

/// What a URR's counters say now, since the URR began.
pub type ReadTotals<'a> = &'a dyn Fn(u32) -> Totals;

/// The URRs of one session.
///
/// What TS 29.244 leaves open, or what is easily read otherwise:
/// - A report tells the usage since the URR's last one, whatever its trigger, and all thresholds count anew from it
///   (clause 5.2.2.3). A threshold that an update gives counts from the update on. Reports of START and STOPT alone tell
///   no usage (clause 7.5.8.3), and end nothing.
/// - A quota is used from its grant on, across reports, until an update grants a new one; amounts left over are gone then.
///   Traffic is stopped while any quota is exhausted or its validity is over, whether or not that is to be reported. A Quota
///   Holding Time that is over is reported, and stops nothing: what is left of the quota bounds what follows.
/// - A volume quota is exhausted once it is used, or a packet does not fit into what is left of it (clause 5.2.2.2).
/// - A quota of 0 is exhausted at once. A threshold, period, timer or Number of Reports of 0 is none.
/// - A Monitoring Time leaves the usage before it as a part of its own, which is reported first, as MONIT and BEF, with the
///   next report of usage, which is AFT. Without subsequent threshold or quota what is left of the old one goes on.
/// - Triggers that are met at once are told by one report.
/// - A change of method ends no usage: what was measured before is in the next report.
/// - While a measurement is inactive (INAM), nothing is measured, and what passes is in no report.
/// - The Measurement Period's beat is not moved by other reports.
/// - After the Number of Reports only quotas report by themselves; answers to queries, linked and last reports do not count.
/// - Metered time is reported in whole seconds; what is less goes into the next report. It goes on while traffic is stopped,
///   unless an Inactivity Detection Time ends it.
/// - A report has 64 Event Time Stamps at most. A URR with EVETH reports once it has so many; without it, events beyond
///   count for its quota, and are in no report.
/// - Time of First Packet is the earliest that is known: exact where the fast path has told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionUsage {
    meters: Vec<Meter>,
    /// The latest time that was told.
    now: Millis,
    /// User Plane Inactivity Timer.
    idle_seconds: Option<u32>,
}

impl SessionUsage {
    /// Whether the session has no URR.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.meters.is_empty()
    }

    /// The session's User Plane Inactivity Timer, seconds, which URRs with UPINT report (clause 5.2.2.3).
    pub fn set_inactivity_timer(&mut self, seconds: Option<u32>) {
        self.idle_seconds = seconds;
    }

    /// A new URR, in place of one with the same ID, with counters of zero. Method and triggers are there. What it has to
    /// report at once, [`Self::poll`] reports.
    pub fn create(&mut self, urr: &UpdateUrr, now: Millis) {
        self.pass(now);
        self.meters.retain(|meter| meter.id != urr.id);
        self.meters.reserve_exact(1);
        self.meters.push(Meter::new(urr, self.now));
    }

    /// Changes a URR: what the update gives counts from now, what it leaves out stays (clause 7.5.4.4). What it has to report
    /// at once, [`Self::poll`] reports. Without such a URR nothing happens.
    pub fn update(&mut self, update: &UpdateUrr, now: Millis, totals: ReadTotals<'_>) {
        self.pass(now);
        let now = self.now;
        if let Some(meter) = self.meter_mut(update.id) {
            meter.update(update, now, &totals(update.id));
        }
    }

    /// Removes URRs, with their last reports (TERMR, clause 7.5.5.2), and those that are linked to them.
    pub fn remove(&mut self, ids: &[u32], now: Millis, totals: ReadTotals<'_>) -> Vec<UsageReport> {
        let reports = self.report(now, totals, Occasion::default(), |meter| {
            ids.contains(&meter.id).then_some(Why::TERMR)
        });
        self.meters.retain(|meter| !ids.contains(&meter.id));
        reports
    }

    /// Removes all, as the session ends (clause 7.5.7.2).
    pub fn terminate(&mut self, now: Millis, totals: ReadTotals<'_>) -> Vec<UsageReport> {
        let reports = self.report(now, totals, Occasion::default(), |_| Some(Why::TERMR));
        self.meters = Vec::new();
        reports
    }

    /// Query URR: immediate reports (IMMER, clause 7.5.4.10), and those that are linked to them.
    pub fn query(
        &mut self,
        ids: &[u32],
        reference: Option<u32>,
        now: Millis,
        totals: ReadTotals<'_>,
    ) -> Vec<UsageReport> {
        self.report(now, totals, Occasion::of_query(reference), |meter| {
            ids.contains(&meter.id).then_some(Why::IMMER)
        })
    }

    /// QAURR: all URRs.
    pub fn query_all(
        &mut self,
        reference: Option<u32>,
        now: Millis,
        totals: ReadTotals<'_>,
    ) -> Vec<UsageReport> {
        self.report(now, totals, Occasion::of_query(reference), |_| {
            Some(Why::IMMER)
        })
    }

    /// A counter of the URR has come to a mark of its [`Limits`]: of a threshold, a quota, or dropped traffic. It may be
    /// told too often, and of a mark that is no longer one.
    pub fn mark_reached(
        &mut self,
        id: u32,
        now: Millis,
        totals: ReadTotals<'_>,
    ) -> Vec<UsageReport> {
        self.look(id, now, totals)
    }

    /// A packet did not pass because it would have taken a counter beyond its quota's mark: what is left of the quota is too
    /// little, and counts as used. It may be told too often, and of a quota that is no longer one.
    pub fn quota_exceeded(
        &mut self,
        id: u32,
        now: Millis,
        totals: ReadTotals<'_>,
    ) -> Vec<UsageReport> {
        self.pass(now);
        let now = self.now;
        if let Some(meter) = self.meter_mut(id) {
            meter.read(now, &totals(id), None);
            meter.packet_did_not_fit();
        }
        self.look(id, now, totals)
    }

    /// The packet has come, then, that [`Limits::tells_next_packet`] asks for.
    pub fn traffic_started(
        &mut self,
        id: u32,
        at: Millis,
        now: Millis,
        totals: ReadTotals<'_>,
    ) -> Vec<UsageReport> {
        let occasion = Occasion {
            packet: Some(at),
            ..Occasion::default()
        };
        self.report(now, totals, occasion, |meter| (meter.id == id).then_some(0))
    }

    /// Traffic has stopped, as somebody else than the Inactivity Detection Time knows.
    pub fn traffic_stopped(
        &mut self,
        id: u32,
        now: Millis,
        totals: ReadTotals<'_>,
    ) -> Vec<UsageReport> {
        self.pass(now);
        let now = self.now;
        if let Some(meter) = self.meter_mut(id) {
            meter.read(now, &totals(id), None);
            meter.traffic_stopped();
        }
        self.look(id, now, totals)
    }

    /// An end marker was received among the URR's traffic (REEMR).
    pub fn end_marker_received(
        &mut self,
        id: u32,
        now: Millis,
        totals: ReadTotals<'_>,
    ) -> Vec<UsageReport> {
        if let Some(meter) = self.meter_mut(id) {
            meter.raise(Why::EMRRE);
        }
        self.look(id, now, totals)
    }

    /// Reports what time has made due. Limits may change without a report: a quota may expire, a watch stop.
    pub fn poll(&mut self, now: Millis, totals: ReadTotals<'_>) -> Vec<UsageReport> {
        self.pass(now);
        let (now, idle) = (self.now, self.idle_seconds);
        let is_due = |meter: &Meter| meter.deadline(now, idle).is_some_and(|at| at <= now);
        self.report(now, totals, Occasion::default(), |meter| {
            is_due(meter).then_some(0)
        })
    }

    /// When [`Self::poll`] is due. It may have come already.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let deadlines = self.meters.iter();
        let deadlines = deadlines.filter_map(|meter| meter.deadline(self.now, self.idle_seconds));
        deadlines.min()
    }

    /// What the fast path does for a URR; `None` where there is no such.
    #[must_use]
    pub fn limits(&self, id: u32) -> Option<Limits> {
        let meter = self.meters.iter().find(|meter| meter.id == id)?;
        Some(meter.limits(self.now))
    }

    /// Each URR as it stands now, in the order of their making. Nothing is changed.
    #[must_use]
    pub fn standings(&self, now: Millis, totals: ReadTotals<'_>) -> Vec<Standing> {
        let now = self.at_least(now);
        let standing = |meter: &Meter| meter.standing(now, &totals(meter.id));
        self.meters.iter().map(standing).collect()
    }

    /// What the session has on the heap, in bytes, without what the allocator adds.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let meters = self.meters.capacity() * size_of::<Meter>();
        meters + self.meters.iter().map(Meter::heap_bytes).sum::<usize>()
    }

    fn meter_mut(&mut self, id: u32) -> Option<&mut Meter> {
        self.meters.iter_mut().find(|meter| meter.id == id)
    }

    /// Time does not go back.
    fn pass(&mut self, now: Millis) {
        self.now = self.at_least(now);
    }

    fn at_least(&self, now: Millis) -> Millis {
        self.now.max(now)
    }

    /// Reports what is due of one URR.
    fn look(&mut self, id: u32, now: Millis, totals: ReadTotals<'_>) -> Vec<UsageReport> {
        self.report(now, totals, Occasion::default(), |meter| {
            (meter.id == id).then_some(0)
        })
    }

    /// Reads the URRs for which `why` has an answer, and reports those that have a trigger: of that answer, or what else is
    /// due. Then those that are linked to them (clause 5.2.2.4), and so on, each once.
    fn report(
        &mut self,
        now: Millis,
        totals: ReadTotals<'_>,
        occasion: Occasion,
        why: impl Fn(&Meter) -> Option<u32>,
    ) -> Vec<UsageReport> {
        self.pass(now);
        let (now, idle) = (self.now, self.idle_seconds);
        let (mut reports, mut told) = (Vec::new(), Vec::new());
        let mut report = |meter: &mut Meter, why: u32| {
            let packet = occasion.packet.filter(|_| why & Why::LIUSA == 0);
            meter.read(now, &totals(meter.id), packet);
            let why = why | meter.due(now, idle);
            why != 0 && meter.report(why, now, occasion.reference, &mut reports)
        };
        for meter in &mut self.meters {
            if let Some(bits) = why(meter)
                && report(meter, bits)
            {
                told.push(meter.id);
            }
        }
        let linked = |meter: &&mut Meter, told: &[u32]| {
            !told.contains(&meter.id) && meter.is_linked_to(told)
        };
        while let Some(meter) = self.meters.iter_mut().find(|meter| linked(meter, &told)) {
            report(meter, Why::LIUSA);
            told.push(meter.id);
        }
        reports
    }
}

/// What else there is to a report.
#[derive(Clone, Copy, Debug, Default)]
struct Occasion {
    /// Query URR Reference.
    reference: Option<u32>,
    /// When a packet came, where that is known.
    packet: Option<Millis>,
}

impl Occasion {
    fn of_query(reference: Option<u32>) -> Self {
        Self {
            reference,
            packet: None,
        }
    }
}
