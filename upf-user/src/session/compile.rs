//! From the detections of a session to what its seats in the tables are to do.

use std::collections::BTreeSet;
use std::iter;
use std::net::IpAddr;

use super::chains::Chains;
use super::config::SessionsConfig;
use super::detection::{self, Detection, Forward, LimitKey};
use super::detections::Basis;
use super::half::Identity;
use super::limits;
use super::model::{Model, NetworkInstance, UeAddresses};
use crate::bandwidth::Imsi;
use crate::datapath::slots::{
    Duplicate, DuplicateSet, EndMarker, FramedRoute, PeerKey, UeEndpoint, Wanted, WantedTunnel,
    outermost,
};
use crate::pfcp::ie::{Interface, NodeId};

/// Whose session it is.
#[derive(Clone, Copy)]
pub(super) struct Subscriber<'a> {
    pub(super) owner: &'a NodeId,
    pub(super) imsi: Option<&'a str>,
    pub(super) dnn: Option<&'a str>,
    pub(super) seid: u64,
    /// Its SIM, where SIMs have limits.
    pub(super) sim: Option<Imsi>,
}

/// Compiles the detections of one session.
pub(super) struct Compiler<'a> {
    pub(super) config: &'a SessionsConfig,
    /// In the order in which they are looked at.
    pub(super) detections: Vec<Detection>,
    /// The limits of each.
    pub(super) chains: Chains,
    /// UE addresses that we chose.
    allocated: Vec<UeEndpoint>,
    /// The UE's addresses in all detections.
    pub(super) ue: UeAddresses,
    /// Networks behind the UE.
    pub(super) routes: Vec<FramedRoute>,
    /// PDRs that leave what they take to those behind them some day.
    pub(super) passing: BTreeSet<u16>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        config: &'a SessionsConfig,
        subscriber: Subscriber<'a>,
        model: &Model,
        basis: &Basis,
    ) -> Self {
        let mut detections = model.detections(config, basis);
        limits::merge(&mut detections);
        let all = detections.iter();
        let ue = all.fold(UeAddresses::default(), |ue, detection| ue.or(detection.ue));
        let mut compiler = Self {
            config,
            chains: Chains::new(&detections, &subscriber, config.ecn),
            detections,
            allocated: model.chosen().collect(),
            ue,
            routes: Vec::new(),
            passing: BTreeSet::new(),
        };
        compiler.routes = compiler.framed_routes();
        compiler
    }

    /// Compiles all PDRs that count now or will some day, whatever the time, as if they did all at once (clause
    /// 5.2.1A.4): what does not fit then would fail for ever when its time comes, where nobody can be told. `None` if
    /// nothing begins or ends to count later.
    pub(super) fn of_all_times(
        config: &'a SessionsConfig,
        subscriber: Subscriber<'a>,
        model: &Model,
        basis: &Basis,
    ) -> Option<Self> {
        model.next_change(config, basis.at)?;
        let mut model = model.clone();
        let mut passing = BTreeSet::new();
        for pdr in model.pdrs.iter_mut() {
            if pdr.next_change(config, basis.at).is_some() {
                passing.insert(pdr.id);
            }
            // Those that end are looked at as long as they have not ended.
            pdr.activation = None;
        }
        Some(Self {
            passing,
            ..Self::new(config, subscriber, &model, basis)
        })
    }

    /// What the session needs of the tables.
    pub(super) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        let (mut addresses, mut meters) = (BTreeSet::new(), BTreeSet::new());
        let mut peers = BTreeSet::new();
        for detection in &self.detections {
            match detection.tunnel {
                Some(tunnel) => {
                    if !wanted.tunnels.iter().any(|want| want.key == tunnel.key) {
                        wanted.tunnels.push(WantedTunnel {
                            key: tunnel.key,
                            traffic: detection.traffic(),
                        });
                    }
                }
                None => addresses.extend(self.endpoints(detection)),
            }
            meters.extend(self.metered(detection).map(|qer| detection.meter_key(qer)));
            for detection in iter::once(detection).chain(&detection.beyond_quota()) {
                peers.extend(detection.forward().and_then(|forward| self.peer(forward)));
                if let Some(set) = self.duplicates(detection)
                    && !wanted.duplicates.contains(&set)
                {
                    wanted.duplicates.push(set);
                }
            }
        }
        // A UE that has networks and no address is found by the first address of one of them.
        for route in &self.routes {
            let is_there = |endpoint: &UeEndpoint| endpoint.instance == route.instance;
            if !addresses.iter().any(is_there) {
                addresses.insert(UeEndpoint {
                    instance: route.instance,
                    address: prefix_of(route.net.network()),
                });
            }
        }
        // CHOOSE IDs first, so that the shared F-TEID gets the address's slot.
        wanted.tunnels.sort_by_key(|tunnel| tunnel.key);
        wanted.named.extend(self.named(&addresses));
        wanted.addresses.extend(addresses);
        wanted.allocated.clone_from(&self.allocated);
        wanted.framed_routes.clone_from(&self.routes);
        wanted.meters.extend(meters);
        let limits: BTreeSet<_> = self.chains.keys().collect();
        wanted.limits.extend(limits.into_iter().cloned());
        wanted.peers.extend(peers);
        wanted
    }

    /// The PDR that a framed route comes from.
    pub(super) fn pdr_of_route(&self, route: FramedRoute) -> u16 {
        let names_it = |detection: &&Detection| {
            let mut nets = detection.framed.iter();
            nets.any(|net| route.net.contains(&net.trunc()))
        };
        let detection = self.detections.iter().find(names_it);
        detection.map_or(0, |detection| detection.pdr)
    }

    /// Where the end markers go that are owed to tunnels which the session leaves.
    pub(super) fn end_markers(&self, owed: &[detection::EndMarker]) -> Vec<EndMarker> {
        let marker = |owed: &detection::EndMarker| {
            Some(EndMarker {
                peer: self.peer_at(owed.tunnel.address, owed.network_instance)?,
                teid: owed.tunnel.teid,
            })
        };
        owed.iter().filter_map(marker).collect()
    }

    /// The UE addresses that packets for a detection arrive for.
    pub(super) fn endpoints(
        &self,
        detection: &Detection,
    ) -> impl Iterator<Item = UeEndpoint> + use<> {
        let instance = self.instance_of(detection);
        let own = Identity::Ue(detection.ue, Vec::new()).nets().into_iter();
        own.map(move |net| UeEndpoint {
            instance,
            address: net.network(),
        })
    }

    /// UE addresses that packets leave with for a network of ours, and that are not among those that packets `arrive`
    /// for: no downlink PDR names them, so nothing in the tables says whose they are.
    fn named(&self, arrive: &BTreeSet<UeEndpoint>) -> BTreeSet<UeEndpoint> {
        // The same address in another network instance is somebody else's: their pools may overlap.
        let is_own =
            |endpoint: &UeEndpoint| arrive.contains(endpoint) || self.allocated.contains(endpoint);
        let mut named = BTreeSet::new();
        for detection in &self.detections {
            let beyond_quota = detection.beyond_quota();
            let all = iter::once(detection).chain(&beyond_quota);
            let instances = all.filter_map(|detection| self.leaves_to(detection));
            let instances: Vec<_> = instances.collect();
            let ue = if detection.ue.is_empty() {
                self.ue
            } else {
                detection.ue
            };
            for net in Identity::Ue(ue, Vec::new()).nets() {
                let endpoints = instances.iter().map(|&instance| UeEndpoint {
                    instance,
                    address: net.network(),
                });
                named.extend(endpoints.filter(|endpoint| !is_own(endpoint)));
            }
        }
        named
    }

    /// The network instance that a UE's packets are sent to as they are.
    fn leaves_to(&self, detection: &Detection) -> Option<u32> {
        let forward = detection.forward()?;
        let is_from_ue = detection.source == Interface::Access && detection.tunnel.is_some();
        let instance = known(forward.network_instance);
        (is_from_ue && forward.tunnel.is_none())
            .then(|| instance.unwrap_or_else(|| self.instance_of(detection)))
    }

    pub(super) fn instance_of(&self, detection: &Detection) -> u32 {
        known(detection.network_instance).unwrap_or(self.config.default_core_instance)
    }

    /// The framed routes of all detections. What comes by a tunnel names the networks for the check of its source: they
    /// lie where its packets go.
    fn framed_routes(&self) -> Vec<FramedRoute> {
        let mut routes = Vec::new();
        for detection in &self.detections {
            let core = detection
                .forward()
                .and_then(|forward| known(forward.network_instance));
            let core = core.filter(|_| detection.tunnel.is_some());
            let instance = core.unwrap_or_else(|| self.instance_of(detection));
            let nets = detection.framed.iter();
            routes.extend(nets.map(|&net| FramedRoute { instance, net }));
        }
        outermost(&routes)
    }

    /// The peer of an outer header.
    pub(super) fn peer(&self, forward: &Forward) -> Option<PeerKey> {
        self.peer_at(forward.tunnel?.address, forward.network_instance)
    }

    fn peer_at(&self, remote: IpAddr, instance: Option<NetworkInstance>) -> Option<PeerKey> {
        let local = self.config.gtpu_for(known(instance), remote.is_ipv6())?;
        Some(PeerKey {
            local: local.address,
            remote,
            instance: local.instance,
        })
    }

    /// Where the copies of a detection's packets go.
    pub(super) fn duplicates(&self, detection: &Detection) -> Option<DuplicateSet> {
        let copy = |forward: &Forward| {
            let tunnel = match forward.tunnel {
                Some(tunnel) => Some((self.peer(forward)?, tunnel.teid)),
                None => None,
            };
            Some(Duplicate {
                tunnel,
                instance: known(forward.network_instance)
                    .unwrap_or_else(|| self.instance_of(detection)),
                dscp: forward.dscp,
            })
        };
        let set: DuplicateSet = detection.duplicates.iter().filter_map(copy).collect();
        (!set.is_empty()).then_some(set)
    }

    /// The QER of a detection whose MBR is that of a slot's meter.
    pub(super) fn metered(&self, detection: &Detection) -> impl Iterator<Item = u32> {
        let qers = detection.limits.iter().filter_map(|limit| match limit.key {
            LimitKey::Qer(qer) => Some(qer),
            LimitKey::Correlated(_) => None,
        });
        qers.filter(|qer| self.chains.is_metered(*qer))
    }
}

pub(super) fn known(instance: Option<NetworkInstance>) -> Option<u32> {
    match instance? {
        NetworkInstance::Known(number) => Some(number),
        NetworkInstance::Unknown => None,
    }
}

/// An address as UE addresses are kept: an IPv6 address stands for its /64.
fn prefix_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let upper = u128::from(v6) >> 64 << 64;
            IpAddr::V6(upper.into())
        }
    }
}
