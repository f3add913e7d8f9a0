//! Create MAR and Update MAR: stored and checked. ATSSS is not announced.

use super::Builder;
use crate::pfcp::ie::{Cause, kind};
use crate::pfcp::message::{
    AccessForwardingAction, CreateMar, Refusal, UpdateAccessForwardingAction, UpdateMar,
};
use crate::session::model::MAX_MARS;
use crate::session::refusal::refuse;

/// Steering Functionality 0 to 2 (clause 8.2.125), Steering Mode 0 to 4 (clause 8.2.126).
const MAX_FUNCTIONALITY: u8 = 2;
const MAX_MODE: u8 = 4;

impl Builder<'_> {
    pub(super) fn create_mar(&mut self, request: &CreateMar) -> Result<(), Refusal> {
        check(request)?;
        if self.model.mars.has(request.id) {
            return Err(refuse(Cause::RuleCreationFailure, kind::MAR_ID, None));
        }
        if self.model.mars.len() >= MAX_MARS {
            return Err(refuse(Cause::NoResourcesAvailable, kind::MAR_ID, None));
        }
        self.model.mars.insert(request.clone());
        Ok(())
    }

    pub(super) fn update_mar(&mut self, update: &UpdateMar) -> Result<(), Refusal> {
        let unknown = || refuse(Cause::RuleCreationFailure, kind::MAR_ID, None);
        let mar = self.model.mars.get_mut(update.id).ok_or_else(unknown)?;
        let functionality = update.steering_functionality;
        mar.steering_functionality = functionality.unwrap_or(mar.steering_functionality);
        mar.steering_mode = update.steering_mode.unwrap_or(mar.steering_mode);
        let tgpp = (&update.tgpp_access, &update.update_tgpp_access);
        update_access(&mut mar.tgpp_access, tgpp)?;
        let other = (&update.non_tgpp_access, &update.update_non_tgpp_access);
        update_access(&mut mar.non_tgpp_access, other)?;
        check(mar)
    }
}

fn check(mar: &CreateMar) -> Result<(), Refusal> {
    let refuse = |cause, ie| Err(refuse(cause, ie, None));
    if mar.steering_functionality > MAX_FUNCTIONALITY {
        return refuse(Cause::MandatoryIeIncorrect, kind::STEERING_FUNCTIONALITY);
    }
    if mar.steering_mode > MAX_MODE {
        return refuse(Cause::MandatoryIeIncorrect, kind::STEERING_MODE);
    }
    if mar.tgpp_access.is_none() && mar.non_tgpp_access.is_none() {
        return refuse(
            Cause::ConditionalIeMissing,
            kind::TGPP_ACCESS_FORWARDING_ACTION,
        );
    }
    Ok(())
}

fn update_access(
    access: &mut Option<AccessForwardingAction>,
    (new, update): (
        &Option<AccessForwardingAction>,
        &Option<UpdateAccessForwardingAction>,
    ),
) -> Result<(), Refusal> {
    if let Some(new) = new {
        *access = Some(new.clone());
    }
    let Some(update) = update else {
        return Ok(());
    };
    let unknown = || refuse(Cause::RuleCreationFailure, kind::MAR_ID, None);
    let access = access.as_mut().ok_or_else(unknown)?;
    access.far_id = update.far_id.unwrap_or(access.far_id);
    access.weight = update.weight.or(access.weight);
    access.priority = update.priority.or(access.priority);
    if let Some(urrs) = &update.urr_ids {
        access.urr_ids.clone_from(urrs);
    }
    Ok(())
}
