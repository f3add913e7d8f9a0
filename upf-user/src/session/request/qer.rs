//! Create QER and Update QER.

use super::{Builder, add, check_is_dynamic};
use crate::pfcp::ie::{BitRates, Cause, FailedRule, kind};
use crate::pfcp::message::{CreateQer, Refusal, UpdateQer};
use crate::session::elements::MAX_QFI;
use crate::session::model::{MAX_QERS, Qer};
use crate::session::refusal::{refuse, refuse_rule};

impl Builder<'_> {
    pub(super) fn create_qer(&mut self, request: &CreateQer) -> Result<(), Refusal> {
        let rule = FailedRule::Qer(request.id);
        check_is_dynamic(request.id, rule)?;
        let mut qer = request.clone();
        qer.qfi = qer.qfi.map(|qfi| qfi & MAX_QFI);
        check_rates(&qer, rule)?;
        add(&mut self.model.qers, qer, MAX_QERS, rule)
    }

    pub(super) fn update_qer(&mut self, update: &UpdateQer) -> Result<(), Refusal> {
        let rule = FailedRule::Qer(update.id);
        let qer = self.model.qers.get_mut(update.id);
        let qer = qer.ok_or_else(|| refuse_rule(rule))?;
        qer.correlation_id = update.correlation_id.or(qer.correlation_id);
        qer.gate = update.gate.unwrap_or(qer.gate);
        qer.mbr = update.mbr.or(qer.mbr);
        qer.gbr = update.gbr.or(qer.gbr);
        qer.packet_rate = update.packet_rate.or(qer.packet_rate);
        let marking = update.downlink_flow_level_marking;
        qer.downlink_flow_level_marking = marking.or(qer.downlink_flow_level_marking);
        qer.qfi = update.qfi.map(|qfi| qfi & MAX_QFI).or(qer.qfi);
        qer.reflective_qos = update.reflective_qos.or(qer.reflective_qos);
        let paging = update.paging_policy_indicator;
        qer.paging_policy_indicator = paging.or(qer.paging_policy_indicator);
        qer.averaging_window_ms = update.averaging_window_ms.or(qer.averaging_window_ms);
        qer.control_indications = update.control_indications.or(qer.control_indications);
        check_rates(qer, rule)
    }
}

/// More cannot be guaranteed than is allowed.
fn check_rates(qer: &Qer, rule: FailedRule) -> Result<(), Refusal> {
    let exceeds = |gbr: BitRates, mbr: BitRates| {
        gbr.uplink_kbps > mbr.uplink_kbps || gbr.downlink_kbps > mbr.downlink_kbps
    };
    match (qer.gbr, qer.mbr) {
        (Some(gbr), Some(mbr)) if exceeds(gbr, mbr) => {
            Err(refuse(Cause::RuleCreationFailure, kind::GBR, rule))
        }
        _ => Ok(()),
    }
}
