//! Create FAR and Update FAR.

use super::{Builder, add, check_is_dynamic};
use crate::pfcp::ie::{
    Cause, FailedRule, OuterHeaderCreation, RedirectInformation, kind, sm_request_flags,
};
use crate::pfcp::message::{
    CreateFar, DuplicatingParameters, ForwardingParameters, Refusal, UpdateDuplicatingParameters,
    UpdateFar, UpdateForwardingParameters,
};
use crate::session::detection::{EndMarker, RemoteTunnel};
use crate::session::elements;
use crate::session::model::{Duplicate, Far, Forwarding, MAX_FARS};
use crate::session::refusal::{refuse, refuse_rule};

/// Redirect Address Types below this are known (clause 8.2.20).
const REDIRECT_TYPES: u8 = 9;
/// Copies of one packet that can be asked for.
const MAX_DUPLICATES: usize = 4;

impl Builder<'_> {
    pub(super) fn create_far(&mut self, request: &CreateFar) -> Result<(), Refusal> {
        let rule = FailedRule::Far(request.id);
        check_is_dynamic(request.id, rule)?;
        let mut far = Far {
            id: request.id,
            action: elements::apply_action(request.apply_action, rule)?,
            forwarding: Forwarding::default(),
            duplicates: Vec::new(),
            bar: request.bar_id,
        };
        if let Some(parameters) = &request.forwarding {
            let (update, proxying) = as_update(parameters);
            self.update_forwarding(&mut far.forwarding, &update, rule)?;
            far.forwarding.proxying = proxying;
        }
        let copies = request.duplicating.iter().map(as_duplicating_update);
        far.duplicates = self.duplicates(&[], &copies.collect::<Vec<_>>(), rule)?;
        add(&mut self.model.fars, far, MAX_FARS, rule)
    }

    pub(super) fn update_far(&mut self, request: &UpdateFar) -> Result<(), Refusal> {
        let rule = FailedRule::Far(request.id);
        let old = self.model.fars.get(request.id);
        let mut far = old.ok_or_else(|| refuse_rule(rule))?.clone();
        if let Some(action) = request.apply_action {
            far.action = elements::apply_action(action, rule)?;
        }
        far.bar = request.bar_id.or(far.bar);
        let left = far.forwarding.tunnel;
        let instance = far.forwarding.instance(self.config);
        if let Some(update) = &request.forwarding {
            self.update_forwarding(&mut far.forwarding, update, rule)?;
            if let Some(tunnel) = left
                && update.flags & sm_request_flags::SNDEM != 0
                && far.forwarding.tunnel != Some(tunnel)
            {
                self.end_markers.push(EndMarker {
                    tunnel,
                    network_instance: instance,
                });
            }
        }
        if !request.duplicating.is_empty() {
            far.duplicates = self.duplicates(&far.duplicates, &request.duplicating, rule)?;
        }
        if let Some(place) = self.model.fars.get_mut(request.id) {
            *place = far;
        }
        Ok(())
    }

    fn update_forwarding(
        &self,
        forwarding: &mut Forwarding,
        update: &UpdateForwardingParameters,
        rule: FailedRule,
    ) -> Result<(), Refusal> {
        let name = update.network_instance.as_deref();
        let instance = elements::network_instance(self.config, name);
        forwarding.network_instance = instance.or(forwarding.network_instance);
        forwarding.destination = update.destination_interface.or(forwarding.destination);
        if let Some(header) = update.outer_header_creation {
            forwarding.tunnel = Some(self.remote_tunnel(header, rule)?);
        }
        if let Some(marking) = update.transport_level_marking {
            forwarding.dscp = elements::dscp(marking);
        }
        if let Some(name) = &update.forwarding_policy {
            forwarding.policy = Some(self.policy(name, rule)?);
        }
        if let Some(redirect) = &update.redirect_information {
            check_redirect(redirect, rule)?;
            forwarding.redirect = Some(Box::new(redirect.clone()));
        }
        if let Some(header) = &update.header_enrichment {
            forwarding.header_enrichment = Some(Box::new(header.clone()));
        }
        if let Some(dnai) = &update.data_network_access_identifier {
            forwarding.dnai = Some(dnai.as_str().into());
        }
        let linked = update.linked_traffic_endpoint_id;
        forwarding.linked_endpoint = linked.or(forwarding.linked_endpoint);
        let destination_type = update.destination_interface_type;
        forwarding.destination_type = destination_type.or(forwarding.destination_type);
        Ok(())
    }

    /// Update Duplicating Parameters have no ID: the n-th changes the n-th, further ones are new.
    fn duplicates(
        &self,
        current: &[Duplicate],
        updates: &[UpdateDuplicatingParameters],
        rule: FailedRule,
    ) -> Result<Vec<Duplicate>, Refusal> {
        let mut copies = current.to_vec();
        if updates.len() > MAX_DUPLICATES {
            let ie = kind::DUPLICATING_PARAMETERS;
            return Err(refuse(Cause::NoResourcesAvailable, ie, rule));
        }
        for (n, update) in updates.iter().enumerate() {
            let mut copy = copies.get(n).copied().unwrap_or_default();
            copy.destination = update.destination_interface.unwrap_or(copy.destination);
            if let Some(header) = update.outer_header_creation {
                copy.tunnel = Some(self.remote_tunnel(header, rule)?);
            }
            if let Some(marking) = update.transport_level_marking {
                copy.dscp = elements::dscp(marking);
            }
            if let Some(name) = &update.forwarding_policy {
                copy.policy = Some(self.policy(name, rule)?);
            }
            match copies.get_mut(n) {
                Some(place) => *place = copy,
                None => copies.push(copy),
            }
        }
        Ok(copies)
    }

    fn remote_tunnel(
        &self,
        header: OuterHeaderCreation,
        rule: FailedRule,
    ) -> Result<RemoteTunnel, Refusal> {
        elements::remote_tunnel(self.config, header, rule)
    }

    fn policy(&self, name: &str, rule: FailedRule) -> Result<u16, Refusal> {
        let number = self.config.forwarding_policy(name);
        let ie = kind::FORWARDING_POLICY;
        number.ok_or_else(|| refuse(Cause::InvalidForwardingPolicy, ie, rule))
    }
}

/// To create is to update what there is nothing of yet. Only a creation has Proxying.
fn as_update(parameters: &ForwardingParameters) -> (UpdateForwardingParameters, Option<u8>) {
    let parameters = parameters.clone();
    let update = UpdateForwardingParameters {
        destination_interface: Some(parameters.destination_interface),
        network_instance: parameters.network_instance,
        redirect_information: parameters.redirect_information,
        outer_header_creation: parameters.outer_header_creation,
        transport_level_marking: parameters.transport_level_marking,
        forwarding_policy: parameters.forwarding_policy,
        header_enrichment: parameters.header_enrichment,
        flags: 0,
        linked_traffic_endpoint_id: parameters.linked_traffic_endpoint_id,
        destination_interface_type: parameters.destination_interface_type,
        data_network_access_identifier: parameters.data_network_access_identifier,
    };
    (update, parameters.proxying)
}

fn as_duplicating_update(parameters: &DuplicatingParameters) -> UpdateDuplicatingParameters {
    UpdateDuplicatingParameters {
        destination_interface: Some(parameters.destination_interface),
        outer_header_creation: parameters.outer_header_creation,
        transport_level_marking: parameters.transport_level_marking,
        forwarding_policy: parameters.forwarding_policy.clone(),
    }
}

fn check_redirect(redirect: &RedirectInformation, rule: FailedRule) -> Result<(), Refusal> {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let is_v4 = |text: &str| text.parse::<Ipv4Addr>().is_ok();
    let is_v6 = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let other = redirect.other_address.as_deref().unwrap_or_default();
    let is_sound = match redirect.address_type {
        0 => is_v4(&redirect.address),
        1 => is_v6(&redirect.address),
        2 | 3 => !redirect.address.is_empty(),
        4 => is_v4(&redirect.address) && is_v6(other),
        address_type => address_type < REDIRECT_TYPES,
    };
    if is_sound {
        return Ok(());
    }
    let ie = kind::REDIRECT_INFORMATION;
    Err(refuse(Cause::MandatoryIeIncorrect, ie, rule))
}
