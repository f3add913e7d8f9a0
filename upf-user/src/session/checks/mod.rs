//! Checks of a session's rules against each other.

mod references;

use std::collections::BTreeMap;

use upf_common::abi::USAGE_SET_RECORDS;

use super::config::SessionsConfig;
use super::model::{
    Families, Far, MAX_FRAMED_ROUTES, MAX_SDF_FILTERS, Model, NetworkInstance, Pdr, UeAddresses,
    Way, traffic_from,
};
use super::refusal::refuse;
use super::request::Requested;
use crate::datapath::Direction;
use crate::datapath::slots::TunnelKey;
use crate::pfcp::ie::{Cause, FailedRule, Interface, kind};
use crate::pfcp::message::Refusal;

/// Whether the rules as a whole can be done; `before` are those that the session has.
///
/// A network instance that is not in the config is refused with cause 69 where plain IP packets come from it or
/// go to it.
pub(super) fn check(
    config: &SessionsConfig,
    before: &Model,
    requested: &Requested,
) -> Result<(), Refusal> {
    let model = &requested.model;
    for far in model.fars.iter() {
        check_far(config, far)?;
    }
    references::check(requested)?;
    let mut tunnels = before.tunnel_traffic();
    for pdr in model.pdrs.iter() {
        check_has_far(config, pdr)?;
        let ways = model.ways_of(pdr);
        check_reachable(model, pdr, &ways)?;
        check_ue_addresses(model, pdr, &ways)?;
        check_tunnels(&mut tunnels, pdr, &ways)?;
    }
    check_amounts(model)
}

fn check_far(config: &SessionsConfig, far: &Far) -> Result<(), Refusal> {
    let refuse = |cause, ie| Err(refuse(cause, ie, FailedRule::Far(far.id)));
    if far.duplicates() && far.duplicates.is_empty() {
        return refuse(Cause::ConditionalIeMissing, kind::DUPLICATING_PARAMETERS);
    }
    if far.duplicates() && far.duplicates.iter().any(|copy| copy.tunnel.is_none()) {
        return refuse(Cause::ConditionalIeMissing, kind::OUTER_HEADER_CREATION);
    }
    if !far.forwards() {
        return Ok(());
    }
    let forwarding = &far.forwarding;
    match forwarding.destination {
        None => refuse(Cause::ConditionalIeMissing, kind::FORWARDING_PARAMETERS),
        Some(Interface::LiFunction | Interface::VnInternal) => {
            refuse(Cause::ServiceNotSupported, kind::DESTINATION_INTERFACE)
        }
        Some(_) if forwarding.tunnel.is_some() => Ok(()),
        Some(Interface::Access | Interface::CpFunction) => {
            refuse(Cause::ConditionalIeMissing, kind::OUTER_HEADER_CREATION)
        }
        Some(Interface::Core | Interface::SgiLan)
            if forwarding.instance(config) == Some(NetworkInstance::Unknown) =>
        {
            refuse(Cause::MandatoryIeIncorrect, kind::NETWORK_INSTANCE)
        }
        Some(Interface::Core | Interface::SgiLan) => Ok(()),
    }
}

/// Only predefined rules that say themselves what is done stand without a FAR (clause 7.5.2.2).
fn check_has_far(config: &SessionsConfig, pdr: &Pdr) -> Result<(), Refusal> {
    let mut rules = pdr.predefined.iter();
    let drops = |number: &u16| {
        let rule = config.predefined_rules.get(usize::from(*number));
        rule.is_some_and(|rule| rule.drops)
    };
    let needs_none = !pdr.predefined.is_empty() && rules.all(drops);
    if pdr.far.is_some() || pdr.mar.is_some() || needs_none {
        return Ok(());
    }
    let rule = FailedRule::Pdr(pdr.id);
    Err(refuse(Cause::ConditionalIeMissing, kind::FAR_ID, rule))
}

/// A packet must be able to get to the PDR: by an F-TEID, or by a UE address of the session.
fn check_reachable(model: &Model, pdr: &Pdr, ways: &[Way]) -> Result<(), Refusal> {
    let refuse = |cause, ie| Err(refuse(cause, ie, FailedRule::Pdr(pdr.id)));
    for way in ways.iter().filter(|way| way.tunnel.is_none()) {
        if matches!(pdr.source, Interface::Access | Interface::CpFunction) {
            return refuse(Cause::ConditionalIeMissing, kind::F_TEID);
        }
        if way.network_instance == Some(NetworkInstance::Unknown) {
            return refuse(Cause::MandatoryIeIncorrect, kind::NETWORK_INSTANCE);
        }
        if way.ue.is_none() && way.framed.is_empty() && !is_reached_by_address(model) {
            return refuse(Cause::ConditionalIeMissing, kind::UE_IP_ADDRESS);
        }
    }
    Ok(())
}

fn is_reached_by_address(model: &Model) -> bool {
    let has_one = |way: &Way| way.tunnel.is_none() && (way.ue.is_some() || !way.framed.is_empty());
    let mut pdrs = model.pdrs.iter();
    pdrs.any(|pdr| model.ways_of(pdr).iter().any(has_one))
}

/// The identity check of a tunnel knows one address of each family. The one that we choose is one, too.
fn check_ue_addresses(model: &Model, pdr: &Pdr, ways: &[Way]) -> Result<(), Refusal> {
    let all = model.ue_addresses();
    let chosen = model.ue_choices();
    for ue in ways.iter().filter_map(|way| way.ue) {
        let UeAddresses { v4, v6 } = ue.addresses;
        let (is_other_v4, is_other_v6) = (
            v4.is_some() && !ue.chooses.v4,
            v6.is_some() && !ue.chooses.v6,
        );
        let differs = (v4.is_some() && v4 != all.v4) || (v6.is_some() && v6 != all.v6);
        if differs || (is_other_v4 && chosen.v4) || (is_other_v6 && chosen.v6) {
            let (ie, rule) = (kind::UE_IP_ADDRESS, FailedRule::Pdr(pdr.id));
            return Err(refuse(Cause::ServiceNotSupported, ie, rule));
        }
    }
    Ok(())
}

/// PDRs that share an F-TEID see traffic of one direction, because it is counted there, also after a change.
fn check_tunnels(
    tunnels: &mut BTreeMap<TunnelKey, Direction>,
    pdr: &Pdr,
    ways: &[Way],
) -> Result<(), Refusal> {
    for tunnel in ways.iter().filter_map(|way| way.tunnel) {
        let traffic = *tunnels.entry(tunnel.key).or_insert(pdr.traffic());
        if traffic != pdr.traffic() {
            let rule = FailedRule::Pdr(pdr.id);
            return Err(refuse(Cause::RuleCreationFailure, kind::F_TEID, rule));
        }
    }
    Ok(())
}

/// SDF filters and framed routes of all PDRs together, and the URRs of each.
fn check_amounts(model: &Model) -> Result<(), Refusal> {
    let (mut filters, mut routes) = (0, 0);
    let endpoints = model.endpoints.iter();
    let mut framed: Vec<_> = endpoints
        .map(|endpoint| (None, endpoint.way.framed.len()))
        .collect();
    for pdr in model.pdrs.iter() {
        let rule = FailedRule::Pdr(pdr.id);
        filters += pdr.filters.len();
        if filters > MAX_SDF_FILTERS {
            return Err(refuse(Cause::NoResourcesAvailable, kind::SDF_FILTER, rule));
        }
        framed.push((Some(rule), pdr.way.framed.len()));
        // Each may need a record of its own.
        if model.urrs_of(pdr).len() > USAGE_SET_RECORDS {
            return Err(refuse(Cause::NoResourcesAvailable, kind::URR_ID, rule));
        }
    }
    for (rule, count) in framed {
        routes += count;
        if routes > MAX_FRAMED_ROUTES {
            let ie = kind::FRAMED_ROUTE;
            return Err(refuse(Cause::NoResourcesAvailable, ie, rule));
        }
    }
    Ok(())
}

impl Model {
    /// The families of UE addresses that are left to us.
    pub(super) fn ue_choices(&self) -> Families {
        let all = self.all_ways().filter_map(|way| way.ue);
        all.fold(Families::default(), |all, ue| all.or(ue.chooses))
    }

    /// Which way packets go by each F-TEID of the session.
    fn tunnel_traffic(&self) -> BTreeMap<TunnelKey, Direction> {
        let mut traffic = BTreeMap::new();
        for pdr in self.pdrs.iter() {
            for tunnel in self.ways_of(pdr).iter().filter_map(|way| way.tunnel) {
                traffic.insert(tunnel.key, pdr.traffic());
            }
        }
        for endpoint in self.endpoints.iter() {
            if let Some(tunnel) = endpoint.way.tunnel {
                let way = traffic_from(endpoint.source);
                traffic.entry(tunnel.key).or_insert(way);
            }
        }
        traffic
    }
}
