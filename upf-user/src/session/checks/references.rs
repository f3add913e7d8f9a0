//! Rules that other rules refer to have to be there.

use super::super::model::{Far, Mar, Model, Pdr, Urr};
use super::super::refusal::refuse;
use super::super::request::Requested;
use crate::pfcp::ie::{Cause, FailedRule, kind};
use crate::pfcp::message::Refusal;

/// The rule that fails is the one that refers, or what was removed from under it.
pub(super) fn check(requested: &Requested) -> Result<(), Refusal> {
    let Requested { model, .. } = requested;
    for pdr in model.pdrs.iter() {
        check_pdr(requested, pdr)?;
    }
    for far in model.fars.iter() {
        check_far(requested, far)?;
    }
    for urr in model.urrs.iter() {
        check_urr(requested, urr)?;
    }
    for mar in model.mars.iter() {
        check_mar(requested, mar)?;
    }
    Ok(())
}

fn check_pdr(requested: &Requested, pdr: &Pdr) -> Result<(), Refusal> {
    let model = &requested.model;
    let own = FailedRule::Pdr(pdr.id);
    check_fars(requested, pdr.far, kind::FAR_ID, Some(own))?;
    if let Some(id) = pdr.qers.iter().find(|id| !model.qers.has(**id)) {
        let removed = requested.removed.qers.contains(id);
        let rule = if removed { FailedRule::Qer(*id) } else { own };
        return Err(missing(kind::QER_ID, Some(rule)));
    }
    check_urrs(requested, &pdr.urrs, kind::URR_ID, Some(own))?;
    if pdr.mar.is_some_and(|id| !model.mars.has(id)) {
        return Err(missing(kind::MAR_ID, Some(own)));
    }
    if pdr.endpoints.iter().any(|id| !model.endpoints.has(*id)) {
        return Err(missing(kind::TRAFFIC_ENDPOINT_ID, Some(own)));
    }
    Ok(())
}

fn check_far(requested: &Requested, far: &Far) -> Result<(), Refusal> {
    let Model {
        bars, endpoints, ..
    } = &requested.model;
    let own = FailedRule::Far(far.id);
    if let Some(id) = far.bar.filter(|id| !bars.has(*id)) {
        let removed = requested.removed.bars.contains(&id);
        let rule = if removed { FailedRule::Bar(id) } else { own };
        return Err(missing(kind::BAR_ID, Some(rule)));
    }
    let linked = far.forwarding.linked_endpoint;
    if linked.is_some_and(|id| !endpoints.has(id)) {
        return Err(missing(kind::TRAFFIC_ENDPOINT_ID, Some(own)));
    }
    Ok(())
}

fn check_urr(requested: &Requested, urr: &Urr) -> Result<(), Refusal> {
    let own = Some(FailedRule::Urr(urr.id));
    check_urrs(requested, &urr.linked_urr_ids, kind::LINKED_URR_ID, own)?;
    let ie = kind::FAR_ID;
    check_fars(requested, urr.quota_action_far_id, ie, own)
}

fn check_mar(requested: &Requested, mar: &Mar) -> Result<(), Refusal> {
    let accesses = mar.tgpp_access.iter().chain(&mar.non_tgpp_access);
    for access in accesses {
        check_fars(requested, Some(access.far_id), kind::FAR_ID, None)?;
        check_urrs(requested, &access.urr_ids, kind::URR_ID, None)?;
    }
    Ok(())
}

fn check_fars(
    requested: &Requested,
    far: Option<u32>,
    ie: u16,
    own: Option<FailedRule>,
) -> Result<(), Refusal> {
    let Some(id) = far.filter(|id| !requested.model.fars.has(*id)) else {
        return Ok(());
    };
    let removed = requested.removed.fars.contains(&id);
    let rule = if removed {
        Some(FailedRule::Far(id))
    } else {
        own
    };
    Err(missing(ie, rule))
}

fn check_urrs(
    requested: &Requested,
    urrs: &[u32],
    ie: u16,
    own: Option<FailedRule>,
) -> Result<(), Refusal> {
    let Some(&id) = urrs.iter().find(|id| !requested.model.urrs.has(**id)) else {
        return Ok(());
    };
    let removed = requested.removed.urrs.contains(&id);
    let rule = if removed {
        Some(FailedRule::Urr(id))
    } else {
        own
    };
    Err(missing(ie, rule))
}

fn missing(ie: u16, rule: Option<FailedRule>) -> Refusal {
    refuse(Cause::RuleCreationFailure, ie, rule)
}
