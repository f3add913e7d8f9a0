//! The way by which packets come: F-TEID, network instance, UE address, framed routes and QFIs of a PDI or of a
//! traffic endpoint.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{Builder, Left};
use crate::datapath::slots::TunnelKey;
use crate::pfcp::ie::{Cause, FTeid, FailedRule, Interface, UeIpAddress, kind};
use crate::pfcp::message::{CreateTrafficEndpoint, Pdi, Refusal};
use crate::session::model::{
    Families, LocalTunnel, MAX_TRAFFIC_ENDPOINTS, NetworkInstance, TrafficEndpoint, Way,
};
use crate::session::refusal::refuse;
use crate::session::{elements, framed_route};

/// What PDI and traffic endpoint have in common.
pub(super) struct Parts<'a> {
    f_teid: Option<FTeid>,
    network_instance: Option<&'a str>,
    ue_ip_address: Option<UeIpAddress>,
    framed_routes: &'a [String],
    framed_ipv6_routes: &'a [String],
    framed_routing: Option<u32>,
    qfis: &'a [u8],
    source_type: Option<u8>,
}

impl<'a> From<&'a Pdi> for Parts<'a> {
    fn from(pdi: &'a Pdi) -> Self {
        Self {
            f_teid: pdi.f_teid,
            network_instance: pdi.network_instance.as_deref(),
            ue_ip_address: pdi.ue_ip_address,
            framed_routes: &pdi.framed_routes,
            framed_ipv6_routes: &pdi.framed_ipv6_routes,
            framed_routing: pdi.framed_routing,
            qfis: &pdi.qfis,
            source_type: pdi.source_interface_type,
        }
    }
}

impl<'a> From<&'a CreateTrafficEndpoint> for Parts<'a> {
    fn from(endpoint: &'a CreateTrafficEndpoint) -> Self {
        Self {
            f_teid: endpoint.f_teid,
            network_instance: endpoint.network_instance.as_deref(),
            ue_ip_address: endpoint.ue_ip_address,
            framed_routes: &endpoint.framed_routes,
            framed_ipv6_routes: &endpoint.framed_ipv6_routes,
            framed_routing: endpoint.framed_routing,
            qfis: &endpoint.qfis,
            source_type: endpoint.source_interface_type,
        }
    }
}

impl Parts<'_> {
    /// What is left to us.
    pub(super) fn left<Id>(&self, id: Id) -> Option<Left<Id>> {
        let ue = self.ue_ip_address.unwrap_or_default();
        let left = Left {
            id,
            f_teid: matches!(self.f_teid, Some(FTeid::Choose { .. })),
            ue: Families {
                v4: ue.choose_ipv4,
                v6: ue.choose_ipv6,
            },
        };
        (left.f_teid || !left.ue.is_empty()).then_some(left)
    }

    /// Whether there is anything that a traffic endpoint says instead.
    pub(super) fn offending_beside_endpoint(&self) -> Option<u16> {
        let f_teid = self.f_teid.map(|_| kind::F_TEID);
        f_teid.or(self.ue_ip_address.map(|_| kind::UE_IP_ADDRESS))
    }
}

impl Builder<'_> {
    pub(super) fn create_endpoint(
        &mut self,
        request: &CreateTrafficEndpoint,
    ) -> Result<(), Refusal> {
        let refuse = |cause| Err(refuse(cause, kind::TRAFFIC_ENDPOINT_ID, None));
        let mut way = Way::default();
        let parts = Parts::from(request);
        self.update_way(&mut way, &parts, None)?;
        self.left.endpoints.extend(parts.left(request.id));
        let id = request.id;
        if self.model.endpoints.has(id) {
            return refuse(Cause::RuleCreationFailure);
        }
        if self.model.endpoints.len() >= MAX_TRAFFIC_ENDPOINTS {
            return refuse(Cause::NoResourcesAvailable);
        }
        let source = Interface::Access;
        self.model
            .endpoints
            .insert(TrafficEndpoint { id, source, way });
        Ok(())
    }

    pub(super) fn update_endpoint(
        &mut self,
        request: &CreateTrafficEndpoint,
    ) -> Result<(), Refusal> {
        let endpoint = self.model.endpoints.get(request.id);
        let mut way = endpoint.ok_or_else(unknown_endpoint)?.way.clone();
        let parts = Parts::from(request);
        self.update_way(&mut way, &parts, None)?;
        self.left.endpoints.extend(parts.left(request.id));
        if let Some(endpoint) = self.model.endpoints.get_mut(request.id) {
            endpoint.way = way;
        }
        Ok(())
    }

    /// The PDRs that have no other traffic endpoint go with it (clause 7.5.4.14).
    pub(super) fn remove_endpoint(&mut self, id: u8) -> Result<(), Refusal> {
        if !self.model.endpoints.remove(id) {
            return Err(unknown_endpoint());
        }
        self.model.pdrs.retain(|pdr| pdr.endpoints != [id]);
        for pdr in self.model.pdrs.iter_mut() {
            pdr.endpoints.retain(|other| *other != id);
        }
        Ok(())
    }

    /// What is absent stays.
    pub(super) fn update_way(
        &mut self,
        way: &mut Way,
        parts: &Parts<'_>,
        rule: Option<FailedRule>,
    ) -> Result<(), Refusal> {
        let instance = elements::network_instance(self.config, parts.network_instance);
        way.network_instance = instance.or(way.network_instance);
        if let Some(f_teid) = parts.f_teid {
            let instance = way.network_instance;
            way.tunnel = Some(self.local_tunnel(f_teid, instance, way.tunnel, rule)?);
        }
        if let Some(ue) = parts.ue_ip_address {
            way.ue = Some(elements::ue_ip(ue, rule)?);
        }
        if !parts.framed_routes.is_empty() || !parts.framed_ipv6_routes.is_empty() {
            way.framed = framed(parts, rule)?;
        }
        if !parts.qfis.is_empty() {
            way.qfis = elements::qfis(parts.qfis);
        }
        way.framed_routing = parts.framed_routing.or(way.framed_routing);
        way.source_type = parts.source_type.or(way.source_type);
        Ok(())
    }

    /// Which local F-TEID is meant; `current` is the one that the rule has.
    fn local_tunnel(
        &mut self,
        f_teid: FTeid,
        instance: Option<NetworkInstance>,
        current: Option<LocalTunnel>,
        rule: Option<FailedRule>,
    ) -> Result<LocalTunnel, Refusal> {
        let refuse = |cause| Err(refuse(cause, kind::F_TEID, rule));
        let (teid, ipv4, ipv6) = match f_teid {
            FTeid::Choose {
                ipv4: false,
                ipv6: false,
                ..
            } => return refuse(Cause::MandatoryIeIncorrect),
            FTeid::Choose { ipv4, ipv6, id } => {
                let key = self.chosen_key(id, current);
                return match self.chosen_tunnel(key, instance, (ipv4, ipv6)) {
                    Some(tunnel) => Ok(tunnel),
                    None => refuse(Cause::ServiceNotSupported),
                };
            }
            FTeid::Given { teid, ipv4, ipv6 } => (teid, ipv4, ipv6),
        };
        // To name one that the session has is no allocation.
        let own = self.current.tunnels().find(|own| own.teid == teid);
        let own = own.and_then(|own| self.model.tunnel(|tunnel| tunnel.key == own.key));
        if let Some(own) = own
            && ipv4.is_none_or(|address| own.ipv4 == Some(address))
            && ipv6.is_none_or(|address| own.ipv6 == Some(address))
        {
            return Ok(own);
        }
        if !self.is_restoration {
            return refuse(Cause::InvalidFTeidAllocationOption);
        }
        let addresses = ipv4.map(IpAddr::V4).into_iter();
        let mut addresses = addresses.chain(ipv6.map(IpAddr::V6));
        let is_ours = |address: IpAddr| self.config.gtpu.iter().any(|own| own.address == address);
        if teid == 0 || (ipv4.is_none() && ipv6.is_none()) || !addresses.all(is_ours) {
            return refuse(Cause::MandatoryIeIncorrect);
        }
        Ok(LocalTunnel {
            key: TunnelKey::Given(teid),
            ipv4,
            ipv6,
        })
    }

    fn chosen_key(&mut self, choose_id: Option<u8>, current: Option<LocalTunnel>) -> TunnelKey {
        match (choose_id, current.map(|current| current.key)) {
            (Some(id), _) => TunnelKey::Shared(id),
            // To choose again what we chose is no change.
            (None, Some(key @ TunnelKey::Own(_))) => key,
            (None, _) => {
                self.model.next_own_tunnel = self.model.next_own_tunnel.wrapping_add(1);
                TunnelKey::Own(self.model.next_own_tunnel)
            }
        }
    }

    /// An F-TEID that there is already is meant as it is. `None` if we have no GTP-U address of these families.
    fn chosen_tunnel(
        &self,
        key: TunnelKey,
        instance: Option<NetworkInstance>,
        (ipv4, ipv6): (bool, bool),
    ) -> Option<LocalTunnel> {
        if let Some(tunnel) = self.model.tunnel(|tunnel| tunnel.key == key) {
            return Some(tunnel);
        }
        let instance = match instance {
            Some(NetworkInstance::Known(number)) => Some(number),
            Some(NetworkInstance::Unknown) | None => None,
        };
        let local = |is_ipv6| Some(self.config.gtpu_for(instance, is_ipv6)?.address);
        let tunnel = LocalTunnel {
            key,
            ipv4: ipv4.then(|| local(false)).flatten().and_then(as_v4),
            ipv6: ipv6.then(|| local(true)).flatten().and_then(as_v6),
        };
        (tunnel.ipv4.is_some() || tunnel.ipv6.is_some()).then_some(tunnel)
    }
}

fn as_v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn as_v6(address: IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(address),
    }
}

fn unknown_endpoint() -> Refusal {
    refuse(Cause::RuleCreationFailure, kind::TRAFFIC_ENDPOINT_ID, None)
}

/// A network that takes all packets of a family in, or IPv4's as they stand among IPv6 addresses, would leave no other
/// UE of the network instance any.
fn framed(parts: &Parts<'_>, rule: Option<FailedRule>) -> Result<Vec<IpNet>, Refusal> {
    let read = |net: Option<IpNet>, ie| match net {
        None => Err(refuse(Cause::MandatoryIeIncorrect, ie, rule)),
        Some(net) if framed_route::is_too_wide(net) => {
            Err(refuse(Cause::RuleCreationFailure, ie, rule))
        }
        Some(net) => Ok(net),
    };
    let v4 = parts.framed_routes.iter();
    let v4 = v4.map(|text| read(framed_route::v4(text), kind::FRAMED_ROUTE));
    let v6 = parts.framed_ipv6_routes.iter();
    let v6 = v6.map(|text| read(framed_route::v6(text), kind::FRAMED_IPV6_ROUTE));
    v4.chain(v6).collect()
}
