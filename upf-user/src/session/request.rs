//! What a request makes of a session's rules: pure, and nothing is kept of a request that is refused.

use std::net::IpAddr;

use super::config::SessionsConfig;
use super::elements;
use super::flow_description;
use super::model::{
    Far, LocalTunnel, MAX_FARS, MAX_PDRS, MAX_QERS, Model, NetworkInstance, Pdr, Qer, SdfFilter,
};
use super::refusal::{no_room, refuse, refuse_rule};
use crate::datapath::slots::{Seating, TunnelKey};
use crate::pfcp::ie::{self, Cause, FTeid, FailedRule, kind};
use crate::pfcp::message::{
    CreateFar, CreatePdr, CreateQer, ForwardingParameters, Pdi, Refusal,
    SessionEstablishmentRequest, SessionModificationRequest, UpdateFar, UpdatePdr, UpdateQer,
};

/// The rules that a request asks for, before they are checked against each other.
#[derive(Debug)]
pub(super) struct Requested {
    pub(super) model: Model,
    /// PDRs whose F-TEID the control plane left to us, in the order of the request.
    pub(super) chosen: Vec<u16>,
    /// What the request removed.
    pub(super) removed_fars: Vec<u32>,
    pub(super) removed_qers: Vec<u32>,
}

/// Rules under construction.
struct Builder<'a> {
    config: &'a SessionsConfig,
    /// The F-TEIDs that the session has.
    current: &'a Seating,
    is_restoration: bool,
    model: Model,
    chosen: Vec<u16>,
}

/// The rules of a new session.
pub(super) fn establish(
    config: &SessionsConfig,
    request: &SessionEstablishmentRequest,
) -> Result<Requested, Refusal> {
    let mut builder = Builder {
        config,
        current: &Seating::default(),
        is_restoration: request.is_restoration,
        model: Model::default(),
        chosen: Vec::new(),
    };
    builder.create(
        &request.create_pdrs,
        &request.create_fars,
        &request.create_qers,
    )?;
    Ok(Requested {
        model: builder.model,
        chosen: builder.chosen,
        removed_fars: Vec::new(),
        removed_qers: Vec::new(),
    })
}

/// The rules of a session after a modification: removals, then creations, then updates.
pub(super) fn modify(
    config: &SessionsConfig,
    model: &Model,
    current: &Seating,
    request: &SessionModificationRequest,
) -> Result<Requested, Refusal> {
    let mut builder = Builder {
        config,
        current,
        is_restoration: false,
        model: model.clone(),
        chosen: Vec::new(),
    };
    builder.remove(request)?;
    builder.create(
        &request.create_pdrs,
        &request.create_fars,
        &request.create_qers,
    )?;
    builder.update(request)?;
    Ok(Requested {
        model: builder.model,
        chosen: builder.chosen,
        removed_fars: request.remove_fars.clone(),
        removed_qers: request.remove_qers.clone(),
    })
}

impl Builder<'_> {
    fn remove(&mut self, request: &SessionModificationRequest) -> Result<(), Refusal> {
        for &id in &request.remove_pdrs {
            known(self.model.pdrs.remove(id), FailedRule::Pdr(id))?;
        }
        for &id in &request.remove_fars {
            known(self.model.fars.remove(id), FailedRule::Far(id))?;
        }
        for &id in &request.remove_qers {
            known(self.model.qers.remove(id), FailedRule::Qer(id))?;
        }
        Ok(())
    }

    fn create(
        &mut self,
        pdrs: &[CreatePdr],
        fars: &[CreateFar],
        qers: &[CreateQer],
    ) -> Result<(), Refusal> {
        for far in fars {
            self.create_far(far)?;
        }
        for qer in qers {
            self.create_qer(qer)?;
        }
        for pdr in pdrs {
            self.create_pdr(pdr)?;
        }
        Ok(())
    }

    fn update(&mut self, request: &SessionModificationRequest) -> Result<(), Refusal> {
        for far in &request.update_fars {
            self.update_far(far)?;
        }
        for qer in &request.update_qers {
            self.update_qer(qer)?;
        }
        for pdr in &request.update_pdrs {
            self.update_pdr(pdr)?;
        }
        Ok(())
    }

    fn create_pdr(&mut self, request: &CreatePdr) -> Result<(), Refusal> {
        let rule = FailedRule::Pdr(request.id);
        if !request.activate_predefined_rules.is_empty() {
            let ie = kind::ACTIVATE_PREDEFINED_RULES;
            return Err(refuse(Cause::UnknownPredefinedRule, ie, rule));
        }
        elements::check_pdi(&request.pdi, rule)?;
        elements::check_removal(request.outer_header_removal, rule)?;
        let pdi = &request.pdi;
        let network_instance = self.network_instance(pdi.network_instance.as_deref());
        let tunnel = match pdi.f_teid {
            Some(f_teid) => Some(self.local_tunnel(request.id, f_teid, network_instance, None)?),
            None => None,
        };
        let pdr = Pdr {
            id: request.id,
            precedence: request.precedence,
            source: pdi.source_interface,
            tunnel,
            network_instance,
            ue: pdi
                .ue_ip_address
                .map(|ue| elements::ue_addresses(ue, rule))
                .transpose()?,
            filters: self.sdf_filters(&pdi.sdf_filters, rule)?,
            qfis: elements::qfis(&pdi.qfis),
            far: request.far_id,
            qers: elements::without_doubles(&request.qer_ids),
        };
        if self.model.pdrs.len() >= MAX_PDRS {
            return Err(no_room(rule));
        }
        known(self.model.pdrs.insert(pdr), rule)
    }

    fn update_pdr(&mut self, request: &UpdatePdr) -> Result<(), Refusal> {
        let rule = FailedRule::Pdr(request.id);
        elements::check_removal(request.outer_header_removal, rule)?;
        let mut pdr = self.model.pdrs.get(request.id).cloned();
        let pdr = pdr.as_mut().ok_or_else(|| refuse_rule(rule))?;
        if let Some(pdi) = &request.pdi {
            elements::check_pdi(pdi, rule)?;
            self.update_pdi(pdr, pdi)?;
        }
        pdr.precedence = request.precedence.or(pdr.precedence);
        pdr.far = request.far_id.or(pdr.far);
        if let Some(qer_ids) = &request.qer_ids {
            pdr.qers = elements::without_doubles(qer_ids);
        }
        if let Some(place) = self.model.pdrs.get_mut(request.id) {
            place.clone_from(pdr);
        }
        Ok(())
    }

    /// SDF filters are replaced, everything else only where present.
    fn update_pdi(&mut self, pdr: &mut Pdr, pdi: &Pdi) -> Result<(), Refusal> {
        let rule = FailedRule::Pdr(pdr.id);
        let traffic = pdr.traffic();
        pdr.source = pdi.source_interface;
        if pdr.tunnel.is_some() && pdr.traffic() != traffic {
            // What the tunnel has counted is of the other direction.
            let ie = kind::SOURCE_INTERFACE;
            return Err(refuse(Cause::MandatoryIeIncorrect, ie, rule));
        }
        let network_instance = self.network_instance(pdi.network_instance.as_deref());
        pdr.network_instance = network_instance.or(pdr.network_instance);
        if let Some(f_teid) = pdi.f_teid {
            let now = self.local_tunnel(pdr.id, f_teid, pdr.network_instance, pdr.tunnel)?;
            pdr.tunnel = Some(now);
        }
        if let Some(ue) = pdi.ue_ip_address {
            pdr.ue = Some(elements::ue_addresses(ue, rule)?);
        }
        if !pdi.qfis.is_empty() {
            pdr.qfis = elements::qfis(&pdi.qfis);
        }
        pdr.filters = self.sdf_filters(&pdi.sdf_filters, rule)?;
        Ok(())
    }

    /// Which local F-TEID is meant; `current` is the one that the PDR has.
    fn local_tunnel(
        &mut self,
        pdr: u16,
        f_teid: FTeid,
        instance: Option<NetworkInstance>,
        current: Option<LocalTunnel>,
    ) -> Result<LocalTunnel, Refusal> {
        let refuse = |cause| Err(refuse(cause, kind::F_TEID, FailedRule::Pdr(pdr)));
        let (teid, ipv4) = match f_teid {
            FTeid::Choose { ipv4, ipv6, id } => {
                if !ipv4 {
                    // GTP-U over IPv6 is not there yet.
                    return refuse(if ipv6 {
                        Cause::ServiceNotSupported
                    } else {
                        Cause::MandatoryIeIncorrect
                    });
                }
                self.chosen.push(pdr);
                return match self.chosen_tunnel(id, instance, current) {
                    Some(tunnel) => Ok(tunnel),
                    None => refuse(Cause::NoResourcesAvailable),
                };
            }
            FTeid::Given { teid, ipv4, .. } => (teid, ipv4),
        };
        let own = self.current.tunnels().find(|own| own.teid == teid);
        let mut tunnels = self.model.pdrs.iter().filter_map(|pdr| pdr.tunnel);
        if let Some(own) = own
            && let Some(tunnel) = tunnels.find(|tunnel| tunnel.key == own.key)
            && ipv4 == tunnel.ipv4
        {
            return Ok(tunnel);
        }
        if !self.is_restoration {
            return refuse(Cause::InvalidFTeidAllocationOption);
        }
        match ipv4.filter(|address| self.config.gtpu.iter().any(|own| own.address == IpAddr::V4(*address))) {
            Some(address) if teid != 0 => Ok(LocalTunnel {
                key: TunnelKey::Given(teid),
                ipv4: Some(address),
                ipv6: None,
            }),
            _ => refuse(Cause::MandatoryIeIncorrect),
        }
    }

    /// `None` if we have no GTP-U address.
    fn chosen_tunnel(
        &mut self,
        choose_id: Option<u8>,
        instance: Option<NetworkInstance>,
        current: Option<LocalTunnel>,
    ) -> Option<LocalTunnel> {
        let key = match (choose_id, current) {
            (Some(id), _) => TunnelKey::Shared(id),
            // To choose again what we chose is no change.
            (None, Some(current)) if matches!(current.key, TunnelKey::Own(_)) => current.key,
            (None, _) => {
                self.model.next_own_tunnel = self.model.next_own_tunnel.wrapping_add(1);
                TunnelKey::Own(self.model.next_own_tunnel)
            }
        };
        let instance = match instance {
            Some(NetworkInstance::Known(number)) => Some(number),
            Some(NetworkInstance::Unknown) | None => None,
        };
        let IpAddr::V4(address) = self.config.gtpu_for(instance, false)?.address else {
            return None;
        };
        Some(LocalTunnel {
            key,
            ipv4: Some(address),
            ipv6: None,
        })
    }

    fn network_instance(&self, name: Option<&str>) -> Option<NetworkInstance> {
        let name = name.filter(|name| !name.is_empty())?;
        let number = self.config.instances.number(name);
        Some(number.map_or(NetworkInstance::Unknown, NetworkInstance::Known))
    }

    fn sdf_filters(
        &self,
        filters: &[ie::SdfFilter],
        rule: FailedRule,
    ) -> Result<Vec<SdfFilter>, Refusal> {
        let filters = filters.iter();
        filters
            .map(|filter| self.sdf_filter(filter, rule))
            .collect()
    }

    fn sdf_filter(&self, filter: &ie::SdfFilter, rule: FailedRule) -> Result<SdfFilter, Refusal> {
        let refuse = |cause| refuse(cause, kind::SDF_FILTER, rule);
        if filter.spi.is_some() || filter.flow_label.is_some() {
            return Err(refuse(Cause::ServiceNotSupported));
        }
        if filter.flow_description.is_none() && filter.tos.is_none() {
            // A filter that another PDR of the session has described (clause 5.2.1A.2A).
            let mut described = self.model.pdrs.iter().flat_map(|pdr| &pdr.filters);
            return described
                .find(|known| known.id.is_some() && known.id == filter.id)
                .cloned()
                .ok_or_else(|| refuse(Cause::MandatoryIeIncorrect));
        }
        let flow = match &filter.flow_description {
            Some(text) => Some(
                flow_description::parse(text).ok_or_else(|| refuse(Cause::MandatoryIeIncorrect))?,
            ),
            None => None,
        };
        Ok(SdfFilter {
            id: filter.id,
            flow,
            tos: filter.tos.map(|(tos, mask)| (tos & mask, mask)),
            ..SdfFilter::default()
        })
    }

    fn create_far(&mut self, request: &CreateFar) -> Result<(), Refusal> {
        let rule = FailedRule::Far(request.id);
        let mut far = Far {
            id: request.id,
            action: elements::apply_action(request.apply_action, rule)?,
            destination: None,
            network_instance: None,
            tunnel: None,
            dscp: None,
        };
        if let Some(ForwardingParameters {
            destination_interface,
            network_instance,
            outer_header_creation,
            transport_level_marking,
            ..
        }) = &request.forwarding
        {
            far.destination = Some(*destination_interface);
            far.network_instance = self.network_instance(network_instance.as_deref());
            far.tunnel = outer_header_creation
                .map(|header| elements::remote_tunnel(header, rule))
                .transpose()?;
            far.dscp = transport_level_marking.and_then(elements::dscp);
        }
        if self.model.fars.len() >= MAX_FARS {
            return Err(no_room(rule));
        }
        known(self.model.fars.insert(far), rule)
    }

    fn update_far(&mut self, request: &UpdateFar) -> Result<(), Refusal> {
        let rule = FailedRule::Far(request.id);
        let mut far = *self
            .model
            .fars
            .get(request.id)
            .ok_or_else(|| refuse_rule(rule))?;
        if let Some(action) = request.apply_action {
            far.action = elements::apply_action(action, rule)?;
        }
        if let Some(update) = &request.forwarding {
            far.destination = update.destination_interface.or(far.destination);
            let network_instance = self.network_instance(update.network_instance.as_deref());
            far.network_instance = network_instance.or(far.network_instance);
            if let Some(header) = update.outer_header_creation {
                far.tunnel = Some(elements::remote_tunnel(header, rule)?);
            }
            if let Some(marking) = update.transport_level_marking {
                far.dscp = elements::dscp(marking);
            }
        }
        if let Some(place) = self.model.fars.get_mut(request.id) {
            *place = far;
        }
        Ok(())
    }

    fn create_qer(&mut self, request: &CreateQer) -> Result<(), Refusal> {
        let rule = FailedRule::Qer(request.id);
        let qer = Qer {
            id: request.id,
            gate: request.gate,
            mbr: request.mbr,
            qfi: request.qfi.map(|qfi| qfi & elements::MAX_QFI),
        };
        if self.model.qers.len() >= MAX_QERS {
            return Err(no_room(rule));
        }
        known(self.model.qers.insert(qer), rule)
    }

    fn update_qer(&mut self, request: &UpdateQer) -> Result<(), Refusal> {
        let rule = FailedRule::Qer(request.id);
        let qer = self.model.qers.get_mut(request.id);
        let qer = qer.ok_or_else(|| refuse_rule(rule))?;
        qer.gate = request.gate.unwrap_or(qer.gate);
        qer.mbr = request.mbr.or(qer.mbr);
        qer.qfi = request.qfi.map(|qfi| qfi & elements::MAX_QFI).or(qer.qfi);
        Ok(())
    }
}

fn known(done: bool, rule: FailedRule) -> Result<(), Refusal> {
    done.then_some(()).ok_or_else(|| refuse_rule(rule))
}
