//! What a URR asks for, apart from its limits.

use serde::{Deserialize, Serialize};

use crate::pfcp::ie::{
    MeasurementMethod, ReportingTriggers as Asked, UsageReportTrigger as Why,
    measurement_information as info,
};
use crate::pfcp::message::UpdateUrr;

/// Each Reporting Trigger with the bit of the Usage Report Trigger that answers it.
const ANSWERS: [(u32, u32); 16] = [
    (Asked::PERIO, Why::PERIO),
    (Asked::VOLTH, Why::VOLTH),
    (Asked::TIMTH, Why::TIMTH),
    (Asked::QUHTI, Why::QUHTI),
    (Asked::START, Why::START),
    (Asked::STOPT, Why::STOPT),
    (Asked::DROTH, Why::DROTH),
    (Asked::LIUSA, Why::LIUSA),
    (Asked::VOLQU, Why::VOLQU),
    (Asked::TIMQU, Why::TIMQU),
    (Asked::ENVCL, Why::ENVCL),
    (Asked::EVETH, Why::EVETH),
    (Asked::EVEQU, Why::EVEQU),
    (Asked::QUVTI, Why::QUVTI),
    (Asked::REEMR, Why::EMRRE),
    (Asked::UPINT, Why::UPINT),
];

/// How a URR measures, and for which triggers it reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    /// Bits of the Usage Report Trigger.
    reports: u32,
    inactivity_detection_seconds: u32,
    method: u8,
    information: u8,
}

impl Rule {
    /// What is absent stays.
    pub(super) fn take(&mut self, update: &UpdateUrr) {
        if let Some(triggers) = update.reporting_triggers {
            let asked = ANSWERS.iter().filter(|(asked, _)| triggers.0 & asked != 0);
            self.reports = asked.fold(0, |all, (_, why)| all | why);
        }
        if let Some(method) = update.measurement_method {
            self.method = method.0;
        }
        if let Some(information) = update.measurement_information {
            self.information = information;
        }
        if let Some(seconds) = update.inactivity_detection_time {
            self.inactivity_detection_seconds = seconds;
        }
    }

    /// Whether one of these bits of the Usage Report Trigger is asked for.
    pub(super) fn reports(&self, bits: u32) -> bool {
        self.reports & bits != 0
    }

    /// Measurement Method.
    pub(super) fn method(&self) -> u8 {
        self.method
    }

    pub(super) fn measures_volume(&self) -> bool {
        self.method & MeasurementMethod::VOLUM != 0
    }

    pub(super) fn measures_duration(&self) -> bool {
        self.method & MeasurementMethod::DURAT != 0
    }

    pub(super) fn measures_events(&self) -> bool {
        self.method & MeasurementMethod::EVENT != 0
    }

    /// MBQE.
    pub(super) fn is_before_qos(&self) -> bool {
        self.information & info::MBQE != 0
    }

    /// INAM.
    pub(super) fn is_paused(&self) -> bool {
        self.information & info::INAM != 0
    }

    /// ISTM.
    pub(super) fn starts_at_once(&self) -> bool {
        self.information & info::ISTM != 0
    }

    /// MNOP.
    pub(super) fn counts_packets(&self) -> bool {
        self.information & info::MNOP != 0
    }

    /// Inactivity Detection Time, milliseconds; 0 is none (clause 8.2.18).
    pub(super) fn silence(&self) -> Option<u64> {
        let seconds = self.inactivity_detection_seconds;
        (seconds > 0).then(|| u64::from(seconds) * 1000)
    }

    /// Of these bits those that are asked for.
    pub(super) fn asked(&self, bits: u32) -> u32 {
        self.reports & bits
    }
}
