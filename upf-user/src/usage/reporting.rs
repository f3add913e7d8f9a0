//! From what a URR has measured to its usage reports.

use super::Millis;
use super::interval::Shown;
use super::meter::Meter;
use super::monitoring::Part;
use crate::pfcp::ie::{UsageReportTrigger as Why, usage_information as info};
use crate::pfcp::message::UsageReport;

/// Reports of these alone say that something happened, and nothing of usage (clause 7.5.8.3).
const NOTES: u32 = Why::START | Why::STOPT;
/// What is told once, until something makes it new.
const TOLD: u32 =
    Why::VOLQU | Why::TIMQU | Why::EVEQU | Why::QUVTI | Why::QUHTI | Why::UPINT | Why::EMRRE;
/// Reports that are asked for, and do not count as Number of Reports.
const ASKED: u32 = Why::IMMER | Why::TERMR | Why::LIUSA;

impl Meter {
    /// Reports what was measured until now, with that trigger; the answer is whether it tells usage. Thresholds count
    /// anew from here, quotas go on (clause 5.2.2.3).
    pub(super) fn report(
        &mut self,
        why: u32,
        now: Millis,
        reference: Option<u32>,
        out: &mut Vec<UsageReport>,
    ) -> bool {
        self.pending = 0;
        self.told |= why & TOLD;
        let tells_usage = why & !NOTES != 0;
        if tells_usage {
            self.report_usage(why, now, reference, out);
        } else {
            let note = UsageReport::default();
            out.push(self.number(note, why));
        }
        let Some(rare) = &mut self.rare else {
            return tells_usage;
        };
        if why & Why::PERIO != 0 {
            rare.plan_period(now);
        }
        if why & Why::DROTH != 0
            && let Some(dropped) = &mut rare.dropped
        {
            dropped.restart();
        }
        if why & !ASKED != 0 {
            rare.reports_left = rare.reports_left.map(|left| left.saturating_sub(1));
        }
        tells_usage
    }

    fn report_usage(
        &mut self,
        why: u32,
        now: Millis,
        reference: Option<u32>,
        out: &mut Vec<UsageReport>,
    ) {
        let parts = self.rare.as_mut();
        let parts = parts.map_or_else(Vec::new, |rare| std::mem::take(&mut rare.monitoring.parts));
        let last = Part {
            interval: self.interval.split(now),
            end: now,
        };
        let count = parts.len();
        for (index, part) in parts.into_iter().chain([last]).enumerate() {
            let mut report = part.interval.report(part.end, self.shown());
            let before = if index < count { info::BEF } else { 0 };
            let after = if index > 0 { info::AFT } else { 0 };
            let qos = if self.rule.is_before_qos() {
                info::UBE
            } else {
                0
            };
            let information = before | after | qos;
            report.usage_information = (information != 0).then_some(information);
            report.query_urr_reference = reference;
            let why = if index < count { Why::MONIT } else { why };
            out.push(self.number(report, why));
        }
        self.thresholds.restart(&self.measured);
    }

    fn shown(&self) -> Shown {
        Shown {
            volume: self.rule.measures_volume(),
            packets: self.rule.counts_packets(),
            duration: self.rule.measures_duration(),
        }
    }

    fn number(&mut self, mut report: UsageReport, why: u32) -> UsageReport {
        report.urr_id = self.id;
        report.sequence = self.sequence;
        report.trigger.0 = why;
        self.sequence = self.sequence.wrapping_add(1);
        report
    }
}
