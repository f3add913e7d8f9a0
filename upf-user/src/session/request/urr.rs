//! Create URR and Update URR: checked and stored.

use super::{Builder, add, check_is_dynamic};
use crate::pfcp::ie::{Cause, FailedRule, MeasurementMethod, ReportingTriggers, kind};
use crate::pfcp::message::{CreateUrr, Refusal, UpdateUrr};
use crate::session::model::{MAX_URRS, Urr};
use crate::session::refusal::{refuse, refuse_rule};

impl Builder<'_> {
    pub(super) fn create_urr(&mut self, request: &CreateUrr) -> Result<(), Refusal> {
        let rule = FailedRule::Urr(request.id);
        check_is_dynamic(request.id, rule)?;
        let urr = request.whole();
        check(&urr)?;
        add(&mut self.model.urrs, urr, MAX_URRS, rule)
    }

    pub(super) fn update_urr(&mut self, update: &UpdateUrr) -> Result<(), Refusal> {
        let rule = FailedRule::Urr(update.id);
        let urr = self.model.urrs.get_mut(update.id);
        let urr = urr.ok_or_else(|| refuse_rule(rule))?;
        merge(urr, update);
        check(urr)
    }
}

/// What a trigger needs has to be there (clause 7.5.2.4). Quotas may come later, and thresholds of what is not
/// measured do no harm.
fn check(urr: &Urr) -> Result<(), Refusal> {
    let rule = FailedRule::Urr(urr.id);
    let refuse = |cause, ie| Err(refuse(cause, ie, rule));
    let method = urr.measurement_method.unwrap_or_default().0;
    let triggers = urr.reporting_triggers.unwrap_or_default().0;
    let known = MeasurementMethod::DURAT | MeasurementMethod::VOLUM | MeasurementMethod::EVENT;
    if method & known == 0 {
        return refuse(Cause::MandatoryIeIncorrect, kind::MEASUREMENT_METHOD);
    }
    if triggers & ReportingTriggers::MACAR != 0 {
        return refuse(Cause::ServiceNotSupported, kind::REPORTING_TRIGGERS);
    }
    let needs = [
        (
            ReportingTriggers::VOLTH,
            urr.volume_threshold.is_some(),
            kind::VOLUME_THRESHOLD,
        ),
        (
            ReportingTriggers::TIMTH,
            urr.time_threshold.is_some(),
            kind::TIME_THRESHOLD,
        ),
        (
            ReportingTriggers::EVETH,
            urr.event_threshold.is_some(),
            kind::EVENT_THRESHOLD,
        ),
        (
            ReportingTriggers::PERIO,
            urr.measurement_period.is_some(),
            kind::MEASUREMENT_PERIOD,
        ),
        (
            ReportingTriggers::QUHTI,
            urr.quota_holding_time.is_some(),
            kind::QUOTA_HOLDING_TIME,
        ),
        (
            ReportingTriggers::DROTH,
            urr.dropped_downlink_traffic_threshold.is_some(),
            kind::DROPPED_DL_TRAFFIC_THRESHOLD,
        ),
        (
            ReportingTriggers::LIUSA,
            !urr.linked_urr_ids.is_empty(),
            kind::LINKED_URR_ID,
        ),
    ];
    for (bit, is_there, ie) in needs {
        if triggers & bit != 0 && !is_there {
            return refuse(Cause::ConditionalIeMissing, ie);
        }
    }
    let measured = [
        (ReportingTriggers::VOLTH, MeasurementMethod::VOLUM),
        (ReportingTriggers::TIMTH, MeasurementMethod::DURAT),
        (ReportingTriggers::EVETH, MeasurementMethod::EVENT),
    ];
    for (bit, how) in measured {
        if triggers & bit != 0 && method & how == 0 {
            return refuse(Cause::RuleCreationFailure, kind::REPORTING_TRIGGERS);
        }
    }
    Ok(())
}

/// What is absent stays.
fn merge(urr: &mut Urr, update: &UpdateUrr) {
    macro_rules! take {
        ($($field:ident),+ $(,)?) => {$( urr.$field = update.$field.or(urr.$field); )+};
    }
    take!(
        measurement_method,
        reporting_triggers,
        measurement_period,
        volume_threshold,
        volume_quota,
        time_threshold,
        time_quota,
        event_threshold,
        event_quota,
        quota_holding_time,
        dropped_downlink_traffic_threshold,
        quota_validity_time,
        monitoring_time,
        subsequent_volume_threshold,
        subsequent_volume_quota,
        subsequent_time_threshold,
        subsequent_time_quota,
        subsequent_event_threshold,
        subsequent_event_quota,
        inactivity_detection_time,
        measurement_information,
        quota_action_far_id,
        ethernet_inactivity_timer,
        number_of_reports,
    );
    if !update.linked_urr_ids.is_empty() {
        urr.linked_urr_ids.clone_from(&update.linked_urr_ids);
    }
    if !update.additional_monitoring_times.is_empty() {
        urr.additional_monitoring_times
            .clone_from(&update.additional_monitoring_times);
    }
}
