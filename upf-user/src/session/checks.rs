//! Checks of a session's rules against each other.

use super::model::{Far, Model, NetworkInstance, Pdr};
use super::refusal::refuse;
use super::request::Requested;
use crate::pfcp::ie::{Cause, FailedRule, Interface, kind};
use crate::pfcp::message::Refusal;

/// Whether the rules as a whole can be done.
///
/// A network instance that is not in the config is refused with cause 69 where plain IP packets come from it or
/// go to it.
pub(super) fn check(requested: &Requested) -> Result<(), Refusal> {
    for far in requested.model.fars.iter() {
        check_far(far)?;
    }
    for pdr in requested.model.pdrs.iter() {
        check_references(requested, pdr)?;
        check_reachable(&requested.model, pdr)?;
        check_ue_addresses(&requested.model, pdr)?;
        check_tunnel(&requested.model, pdr)?;
    }
    Ok(())
}

fn check_far(far: &Far) -> Result<(), Refusal> {
    if !far.forwards() {
        return Ok(());
    }
    let refuse = |cause, ie| Err(refuse(cause, ie, FailedRule::Far(far.id)));
    match far.destination {
        None => refuse(Cause::ConditionalIeMissing, kind::FORWARDING_PARAMETERS),
        Some(Interface::LiFunction | Interface::VnInternal) => {
            refuse(Cause::ServiceNotSupported, kind::DESTINATION_INTERFACE)
        }
        Some(_) if far.tunnel.is_some() => Ok(()),
        Some(Interface::Access | Interface::CpFunction) => {
            refuse(Cause::ConditionalIeMissing, kind::OUTER_HEADER_CREATION)
        }
        Some(Interface::Core | Interface::SgiLan)
            if far.network_instance == Some(NetworkInstance::Unknown) =>
        {
            refuse(Cause::MandatoryIeIncorrect, kind::NETWORK_INSTANCE)
        }
        Some(Interface::Core | Interface::SgiLan) => Ok(()),
    }
}

/// The rule that fails is the PDR, or what was removed from under it.
fn check_references(requested: &Requested, pdr: &Pdr) -> Result<(), Refusal> {
    let model = &requested.model;
    if let Some(id) = pdr.far
        && model.fars.get(id).is_none()
    {
        let removed = requested.removed_fars.contains(&id);
        let rule = if removed {
            FailedRule::Far(id)
        } else {
            FailedRule::Pdr(pdr.id)
        };
        return Err(refuse(Cause::RuleCreationFailure, kind::FAR_ID, rule));
    }
    if let Some(&id) = pdr.qers.iter().find(|id| model.qers.get(**id).is_none()) {
        let removed = requested.removed_qers.contains(&id);
        let rule = if removed {
            FailedRule::Qer(id)
        } else {
            FailedRule::Pdr(pdr.id)
        };
        return Err(refuse(Cause::RuleCreationFailure, kind::QER_ID, rule));
    }
    Ok(())
}

/// A packet must be able to get to the PDR: by an F-TEID, or by a UE address of the session.
fn check_reachable(model: &Model, pdr: &Pdr) -> Result<(), Refusal> {
    let refuse = |cause, ie| Err(refuse(cause, ie, FailedRule::Pdr(pdr.id)));
    if pdr.tunnel.is_some() {
        return Ok(());
    }
    if matches!(pdr.source, Interface::Access | Interface::CpFunction) {
        return refuse(Cause::ConditionalIeMissing, kind::F_TEID);
    }
    if pdr.network_instance == Some(NetworkInstance::Unknown) {
        return refuse(Cause::MandatoryIeIncorrect, kind::NETWORK_INSTANCE);
    }
    let by_address = |pdr: &Pdr| pdr.tunnel.is_none() && pdr.ue.is_some();
    if !model.pdrs.iter().any(by_address) {
        return refuse(Cause::ConditionalIeMissing, kind::UE_IP_ADDRESS);
    }
    Ok(())
}

/// The identity check of a tunnel knows one address of each family.
fn check_ue_addresses(model: &Model, pdr: &Pdr) -> Result<(), Refusal> {
    let (all, own) = (model.ue_addresses(), pdr.ue.unwrap_or_default());
    let differs = (own.v4.is_some() && own.v4 != all.v4) || (own.v6.is_some() && own.v6 != all.v6);
    if differs {
        let rule = FailedRule::Pdr(pdr.id);
        return Err(refuse(
            Cause::ServiceNotSupported,
            kind::UE_IP_ADDRESS,
            rule,
        ));
    }
    Ok(())
}

/// PDRs that share an F-TEID see traffic of one direction, because it is counted there.
fn check_tunnel(model: &Model, pdr: &Pdr) -> Result<(), Refusal> {
    let Some(tunnel) = pdr.tunnel else {
        return Ok(());
    };
    let sharing = |other: &&Pdr| other.tunnel.is_some_and(|other| other.key == tunnel.key);
    let mut sharing = model.pdrs.iter().filter(sharing);
    if sharing.any(|other| other.traffic() != pdr.traffic()) {
        let rule = FailedRule::Pdr(pdr.id);
        return Err(refuse(Cause::RuleCreationFailure, kind::F_TEID, rule));
    }
    Ok(())
}
