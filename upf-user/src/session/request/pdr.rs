//! Create PDR and Update PDR.

use super::way::Parts;
use super::{Builder, add};
use crate::pfcp::ie::{Cause, FailedRule, kind};
use crate::pfcp::message::{CreatePdr, Pdi, Refusal, UpdatePdr};
use crate::session::elements;
use crate::session::model::{MAX_PDRS, MAX_QERS, MAX_TRAFFIC_ENDPOINTS, MAX_URRS, Pdr, Way};
use crate::session::refusal::{refuse, refuse_rule};

impl Builder<'_> {
    pub(super) fn create_pdr(&mut self, request: &CreatePdr) -> Result<(), Refusal> {
        let rule = FailedRule::Pdr(request.id);
        elements::check_removal(request.outer_header_removal, rule)?;
        let mut pdr = Pdr {
            id: request.id,
            precedence: request.precedence,
            source: request.pdi.source_interface,
            way: Way::default(),
            endpoints: Vec::new(),
            filters: Vec::new(),
            application: None,
            far: request.far_id,
            qers: elements::without_doubles(&request.qer_ids, MAX_QERS),
            urrs: elements::without_doubles(&request.urr_ids, MAX_URRS),
            mar: request.mar_id,
            predefined: Vec::new(),
            activation: request.activation_time,
            deactivation: request.deactivation_time,
        };
        self.update_pdi(&mut pdr, &request.pdi)?;
        self.activate(&mut pdr, &request.activate_predefined_rules)?;
        let left = Parts::from(&request.pdi).left(request.id);
        self.left.created_pdrs.extend(left);
        add(&mut self.model.pdrs, pdr, MAX_PDRS, rule)
    }

    pub(super) fn update_pdr(&mut self, request: &UpdatePdr) -> Result<(), Refusal> {
        let rule = FailedRule::Pdr(request.id);
        elements::check_removal(request.outer_header_removal, rule)?;
        let mut pdr = self.model.pdrs.get(request.id).cloned();
        let pdr = pdr.as_mut().ok_or_else(|| refuse_rule(rule))?;
        if let Some(pdi) = &request.pdi {
            self.update_pdi(pdr, pdi)?;
            let left = Parts::from(pdi).left(request.id);
            self.left.updated_pdrs.extend(left);
        }
        pdr.precedence = request.precedence.or(pdr.precedence);
        pdr.far = request.far_id.or(pdr.far);
        if let Some(ids) = &request.qer_ids {
            pdr.qers = elements::without_doubles(ids, MAX_QERS);
        }
        if let Some(ids) = &request.urr_ids {
            pdr.urrs = elements::without_doubles(ids, MAX_URRS);
        }
        self.deactivate(pdr, &request.deactivate_predefined_rules)?;
        self.activate(pdr, &request.activate_predefined_rules)?;
        pdr.activation = request.activation_time.or(pdr.activation);
        pdr.deactivation = request.deactivation_time.or(pdr.deactivation);
        if let Some(place) = self.model.pdrs.get_mut(request.id) {
            std::mem::swap(place, pdr);
        }
        Ok(())
    }

    /// SDF filters and the Application ID are replaced, everything else only where present.
    fn update_pdi(&mut self, pdr: &mut Pdr, pdi: &Pdi) -> Result<(), Refusal> {
        let rule = FailedRule::Pdr(pdr.id);
        elements::check_source(pdi.source_interface, rule)?;
        let unsupported = |ie| Err(refuse(Cause::ServiceNotSupported, ie, rule));
        if !pdi.ethernet_packet_filters.is_empty() {
            return unsupported(kind::ETHERNET_PACKET_FILTER);
        }
        if pdi.application_id.is_some() && !pdi.sdf_filters.is_empty() {
            // Both would have to match; our filters are alternatives.
            return unsupported(kind::APPLICATION_ID);
        }
        pdr.source = pdi.source_interface;
        let parts = Parts::from(pdi);
        if !pdi.traffic_endpoint_ids.is_empty() {
            if let Some(ie) = parts.offending_beside_endpoint() {
                return Err(refuse(Cause::MandatoryIeIncorrect, ie, rule));
            }
            let ids = &pdi.traffic_endpoint_ids;
            pdr.endpoints = elements::without_doubles(ids, MAX_TRAFFIC_ENDPOINTS);
            (pdr.way.tunnel, pdr.way.ue) = (None, None);
        } else if parts.offending_beside_endpoint().is_some() {
            pdr.endpoints.clear();
        }
        self.update_way(&mut pdr.way, &parts, Some(rule))?;
        pdr.filters = self.sdf_filters(&pdi.sdf_filters, rule)?;
        pdr.application = pdi.application_id.as_deref().map(Box::from);
        Ok(())
    }

    fn activate(&self, pdr: &mut Pdr, names: &[String]) -> Result<(), Refusal> {
        for name in names {
            let number = self.config.predefined_rule(name);
            let number = number.ok_or_else(|| unknown(pdr.id, kind::ACTIVATE_PREDEFINED_RULES))?;
            if !pdr.predefined.contains(&number) {
                pdr.predefined.push(number);
            }
        }
        Ok(())
    }

    fn deactivate(&self, pdr: &mut Pdr, names: &[String]) -> Result<(), Refusal> {
        for name in names {
            let number = self.config.predefined_rule(name);
            let active = pdr.predefined.iter();
            let mut active = active.map(|active| Some(*active));
            let place = active.position(|active| active == number);
            let place = place.ok_or_else(|| unknown(pdr.id, kind::DEACTIVATE_PREDEFINED_RULES))?;
            pdr.predefined.remove(place);
        }
        Ok(())
    }
}

fn unknown(pdr: u16, ie: u16) -> Refusal {
    refuse(Cause::UnknownPredefinedRule, ie, FailedRule::Pdr(pdr))
}
