//! From the detections of a session to what its seats in the tables are to do.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use upf_common::abi::{Match, Rules};
use upf_common::abi::{flags, verdict};
use upf_common::meter::Rate;

use super::config::SessionsConfig;
use super::detection::{self, Detection, Forward, Limit, LimitKey};
use super::filters::{self, Families};
use super::half::{Entries, Half, Identity};
use super::detections::Basis;
use super::model::{Action, Model, NetworkInstance, UeAddresses, traffic_from};
use super::refusal::no_room;
use crate::datapath::Direction;
use crate::datapath::slots::{
    Duplicate, DuplicateSet, EndMarker, FramedRoute, Image, Meter, MeterKey, MeterScope, PeerKey,
    Program, Seat, Seating, SharedMeter, SharedMeterKey, SlotTable, Tunnel, UeEndpoint, Wanted,
    WantedTunnel, outermost,
};
use crate::pfcp::ie::{FailedRule, Interface, NodeId};
use crate::pfcp::message::Refusal;

/// Limits that one set of rules has room for.
const MAX_LIMITS: usize = 2;
/// RQI in the octet with the QFI (TS 38.415 clause 5.5.2.1).
const RQI: u8 = 1 << 6;

/// Whose session it is.
#[derive(Clone, Copy)]
pub(super) struct Subscriber<'a> {
    pub(super) owner: &'a NodeId,
    pub(super) imsi: Option<&'a str>,
    pub(super) seid: u64,
}

/// Compiles the detections of one session.
pub(super) struct Compiler<'a> {
    config: &'a SessionsConfig,
    subscriber: Subscriber<'a>,
    /// In the order in which they are looked at.
    detections: Vec<Detection>,
    /// UE addresses that we chose.
    allocated: Vec<UeEndpoint>,
    /// The UE's addresses in all detections.
    ue: UeAddresses,
    /// Networks behind the UE.
    routes: Vec<FramedRoute>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        config: &'a SessionsConfig,
        subscriber: Subscriber<'a>,
        model: &Model,
        basis: &Basis,
    ) -> Self {
        let detections = model.detections(config, basis);
        let all = detections.iter();
        let ue = all.fold(UeAddresses::default(), |ue, detection| ue.or(detection.ue));
        let mut compiler = Self {
            config,
            subscriber,
            detections,
            allocated: model.chosen().collect(),
            ue,
            routes: Vec::new(),
        };
        compiler.routes = compiler.framed_routes();
        compiler
    }

    /// What the session needs of the tables.
    pub(super) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        let (mut addresses, mut meters) = (BTreeSet::new(), BTreeSet::new());
        let (mut shared_meters, mut peers) = (BTreeSet::new(), BTreeSet::new());
        for detection in &self.detections {
            match detection.tunnel {
                Some(tunnel) => {
                    if !wanted.tunnels.iter().any(|want| want.key == tunnel.key) {
                        wanted.tunnels.push(WantedTunnel {
                            key: tunnel.key,
                            traffic: traffic_from(detection.source),
                        });
                    }
                }
                None => addresses.extend(self.endpoints(detection)),
            }
            for limit in &detection.limits {
                match limit.key {
                    LimitKey::Qer(qer) => {
                        meters.insert(meter_key(detection, qer));
                    }
                    LimitKey::Correlated(id) => {
                        shared_meters.insert(self.shared_key(detection, id));
                    }
                }
            }
            peers.extend(forward_of(detection).and_then(|forward| self.peer(forward)));
            if let Some(set) = self.duplicates(detection)
                && !wanted.duplicates.contains(&set)
            {
                wanted.duplicates.push(set);
            }
        }
        // CHOOSE IDs first, so that the shared F-TEID gets the address's slot.
        wanted.tunnels.sort_by_key(|tunnel| tunnel.key);
        wanted.addresses.extend(addresses);
        wanted.allocated.clone_from(&self.allocated);
        wanted.framed_routes.clone_from(&self.routes);
        wanted.meters.extend(meters);
        wanted.shared_meters.extend(shared_meters);
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

    /// What the slots of this seating are to do.
    ///
    /// # Errors
    /// When the filters of a PDR need more entries than a rule list has, or more QERs limit it than can be.
    pub(super) fn image(&self, seating: &Seating, books: &SlotTable) -> Result<Image, Refusal> {
        let mut image = Image::default();
        for detection in &self.detections {
            self.rates(&mut image, detection, seating)?;
        }
        for seat in &seating.seats {
            if let Some(tunnel) = &seat.tunnel {
                image
                    .programs
                    .push(self.tunnel(seat, tunnel, seating, books)?);
            }
            if let Some(address) = seat.address {
                let program = self.address(seat, address.endpoint, seating, books)?;
                image.programs.push(program);
            }
        }
        Ok(image)
    }

    /// Adds the rates of a detection's meters. QERs that share one should say the same; else the lowest counts.
    fn rates(
        &self,
        image: &mut Image,
        detection: &Detection,
        seating: &Seating,
    ) -> Result<(), Refusal> {
        if limits_of(detection).count() > MAX_LIMITS {
            return Err(no_room(FailedRule::Pdr(detection.pdr)));
        }
        let direction = half_of(detection);
        for limit in &detection.limits {
            let rate = Rate::from_bits_per_second(limit.kbps.saturating_mul(1000));
            match limit.key {
                LimitKey::Qer(qer) => {
                    let Some(slot) = seating.meter_slot(meter_key(detection, qer)) else {
                        continue;
                    };
                    let mut known = image.meters.iter_mut();
                    match known.find(|known| known.slot == slot && known.direction == direction) {
                        Some(known) => known.rate = lower(known.rate, rate),
                        None => image.meters.push(Meter {
                            slot,
                            direction,
                            rate,
                        }),
                    }
                }
                LimitKey::Correlated(id) => {
                    let key = self.shared_key(detection, id);
                    let mut known = image.shared_meters.iter_mut();
                    match known.find(|known| known.key == key && known.direction == direction) {
                        Some(known) => known.rate = lower(known.rate, rate),
                        None => image.shared_meters.push(SharedMeter {
                            key,
                            direction,
                            rate,
                        }),
                    }
                }
            }
        }
        Ok(())
    }

    fn tunnel(
        &self,
        seat: &Seat,
        tunnel: &Tunnel,
        seating: &Seating,
        books: &SlotTable,
    ) -> Result<Program, Refusal> {
        let leads_to = |detection: &&Detection| {
            let own = detection.tunnel;
            own.is_some_and(|own| own.key == tunnel.key)
        };
        let detections: Vec<_> = self.detections.iter().filter(leads_to).collect();
        let sources = detections.iter().map(|detection| self.source(detection));
        let identity = sources
            .reduce(Identity::stricter)
            .unwrap_or(Identity::Ue(UeAddresses::default(), Vec::new()));
        let route = seating.framed_routes().first();
        let half = Half::of(seat, Direction::Uplink, tunnel.teid, route.copied());
        let mut entries = Entries::new();
        for detection in detections {
            let own = self.source(detection);
            let rules = self.rules(&half, detection, &own, seating, books);
            let matches = self.matches(detection, identity.families());
            // A PDR for some of the UE's addresses only leaves the others to the PDRs behind it.
            let matches = match &own {
                Identity::Ue(..) if own != identity => filters::narrow_all(&matches, &own.nets()),
                _ => matches,
            };
            let qfis = qfi_mask(&detection.qfis);
            for record in matches {
                entries.add(detection.pdr, record, qfis, rules)?;
            }
        }
        Ok(half.program(&identity, entries))
    }

    fn address(
        &self,
        seat: &Seat,
        endpoint: UeEndpoint,
        seating: &Seating,
        books: &SlotTable,
    ) -> Result<Program, Refusal> {
        let routes = seating.framed_routes().iter();
        let mut routes = routes.filter(|(_, slot)| *slot == seat.slot).peekable();
        let half = Half::of(seat, Direction::Downlink, 0, routes.peek().copied().copied());
        let framed = routes.map(|(route, _)| route.net).collect();
        let identity = Identity::Ue(ue_of(endpoint), framed);
        let mut entries = Entries::new();
        for detection in &self.detections {
            if !self.serves(detection, endpoint) {
                continue;
            }
            let rules = self.rules(&half, detection, &identity, seating, books);
            let mut matches = self.matches(detection, identity.families());
            let own = Identity::Ue(ue_of(endpoint), truncated(&detection.framed));
            // A PDR for the UE's address leaves the networks behind it to the PDRs that name them.
            if !detection.ue.is_empty() && own != identity {
                matches = filters::narrow_all(&matches, &own.nets());
            }
            // There is no QFI on a plain IP packet.
            for record in matches {
                entries.add(detection.pdr, record, 0, rules)?;
            }
        }
        Ok(half.program(&identity, entries))
    }

    fn matches(&self, detection: &Detection, seen: Option<Families>) -> Vec<Match> {
        match &detection.filters {
            None => vec![filters::EVERYTHING],
            Some(filters) => filters::compile(filters, self.ue, seen),
        }
    }

    /// Whether a detection is for packets that arrive for a UE address: its own, or any of the session's if it has
    /// none.
    fn serves(&self, detection: &Detection, endpoint: UeEndpoint) -> bool {
        if detection.tunnel.is_some() {
            return false;
        }
        if !detection.ue.is_empty() {
            return self.endpoints(detection).any(|own| own == endpoint);
        }
        detection.network_instance.is_none() || self.instance_of(detection) == endpoint.instance
    }

    /// The UE addresses that packets for a detection arrive for.
    fn endpoints(&self, detection: &Detection) -> impl Iterator<Item = UeEndpoint> + use<> {
        let instance = self.instance_of(detection);
        let own = Identity::Ue(detection.ue, Vec::new()).nets().into_iter();
        own.map(move |net| UeEndpoint {
            instance,
            address: net.network(),
        })
    }

    fn instance_of(&self, detection: &Detection) -> u32 {
        known(detection.network_instance).unwrap_or(self.config.default_core_instance)
    }

    /// The framed routes of all detections. What comes by a tunnel names the networks for the check of its source: they
    /// lie where its packets go.
    fn framed_routes(&self) -> Vec<FramedRoute> {
        let of_detection = |detection: &Detection| {
            let core = forward_of(detection).and_then(|forward| known(forward.network_instance));
            let core = core.filter(|_| detection.tunnel.is_some());
            let instance = core.unwrap_or_else(|| self.instance_of(detection));
            let nets = truncated(&detection.framed).into_iter();
            nets.map(move |net| FramedRoute { instance, net })
        };
        let routes: Vec<_> = self.detections.iter().flat_map(of_detection).collect();
        outermost(&routes)
    }

    /// Who may send into a tunnel through a detection. What comes from the UE has to come from its addresses and
    /// networks: those of the PDR, or else those of the session. Tunnels that carry other packets are left unchecked:
    /// from the core or the control plane, forwarded to another gNB, to the control plane (a router solicitation comes
    /// from the link-local address), and in sessions that know no UE address.
    fn source(&self, detection: &Detection) -> Identity {
        if detection.source != Interface::Access {
            return Identity::Anybody;
        }
        let forward = forward_of(detection);
        let destination = forward.map(|forward| forward.destination);
        if matches!(destination, Some(Interface::Access | Interface::CpFunction)) {
            return Identity::Anybody;
        }
        let (ue, framed) = if detection.ue.is_empty() {
            let nets = self.routes.iter().map(|route| route.net);
            (self.ue, nets.collect())
        } else {
            (detection.ue, truncated(&detection.framed))
        };
        let leaves_plain = forward.is_some_and(|forward| forward.tunnel.is_none());
        if ue.is_empty() && !leaves_plain {
            return Identity::Anybody;
        }
        Identity::Ue(ue, framed)
    }

    fn rules(
        &self,
        half: &Half,
        detection: &Detection,
        identity: &Identity,
        seating: &Seating,
        books: &SlotTable,
    ) -> Rules {
        let mut rules = half.head(identity);
        rules.qfi = detection.qfi.unwrap_or_default();
        if detection.is_gate_open {
            rules.flags |= flags::GATE_OPEN;
        }
        let slots = limits_of(detection).filter_map(|limit| match limit.key {
            LimitKey::Qer(qer) => seating.meter_slot(meter_key(detection, qer)),
            LimitKey::Correlated(id) => books.shared_meter_slot(&self.shared_key(detection, id)),
        });
        let places = [&mut rules.meter_slot, &mut rules.shared_meter_slot];
        for (place, slot) in places.into_iter().zip(slots) {
            *place = slot.0;
        }
        if let Some(set) = self.duplicates(detection) {
            rules.duplicate = books.duplicate_id(&set).unwrap_or_default();
        }
        rules.verdict = match detection.action {
            Action::Drop => verdict::DROP,
            Action::Buffer => verdict::BUFFER,
            Action::Forward => verdict::DROP,
        };
        if let Some(forward) = forward_of(detection) {
            rules.verdict = verdict::FORWARD;
            self.forward(&mut rules, detection, forward, books);
        }
        rules
    }

    fn forward(
        &self,
        rules: &mut Rules,
        detection: &Detection,
        forward: &Forward,
        books: &SlotTable,
    ) {
        let Some(tunnel) = forward.tunnel else {
            rules.instance =
                known(forward.network_instance).unwrap_or_else(|| self.instance_of(detection));
            return;
        };
        let Some(peer) = self.peer(forward).and_then(|key| books.peers().index_of(&key)) else {
            // Without a GTP-U address of ours there is no outer header.
            rules.verdict = verdict::DROP;
            return;
        };
        rules.flags |= flags::ENCAPSULATE;
        rules.peer = peer;
        rules.peer_teid = tunnel.teid.to_be_bytes();
        if detection.qfi.is_some()
            && let Some(pdu_type) = pdu_type(forward.destination)
        {
            rules.flags |= flags::PDU_SESSION;
            rules.pdu_type = pdu_type;
            if detection.is_reflective && pdu_type == 0 {
                rules.qfi |= RQI;
            }
        }
        if let Some(dscp) = forward.dscp {
            rules.flags |= flags::MARK_DSCP;
            rules.dscp = dscp;
        }
    }

    /// The peer of an outer header.
    fn peer(&self, forward: &Forward) -> Option<PeerKey> {
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
    fn duplicates(&self, detection: &Detection) -> Option<DuplicateSet> {
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

    fn shared_key(&self, detection: &Detection, correlation: u32) -> SharedMeterKey {
        let Subscriber { owner, imsi, seid } = self.subscriber;
        SharedMeterKey {
            scope: match imsi {
                Some(imsi) => MeterScope::Ue(format!("{owner} {imsi}").into()),
                None => MeterScope::Session(seid),
            },
            correlation,
            is_downlink_tunnel: is_downlink_tunnel(detection),
        }
    }
}

/// Where packets go, unless they are dropped or held.
fn forward_of(detection: &Detection) -> Option<&Forward> {
    let forward = detection.forward.as_ref();
    forward.filter(|_| detection.action == Action::Forward)
}

/// The limits of a detection, each bucket once: those of the session first, then those that others share.
fn limits_of(detection: &Detection) -> impl Iterator<Item = &Limit> {
    let limits = &detection.limits;
    let is_first = |(at, limit): &(usize, &Limit)| {
        let mut before = limits.iter().take(*at);
        !before.any(|other| other.key == limit.key)
    };
    let unique = move || limits.iter().enumerate().filter(is_first);
    let of_session = |limit: &&Limit| matches!(limit.key, LimitKey::Qer(_));
    let own = unique().map(|(_, limit)| limit).filter(of_session);
    let shared = unique().map(|(_, limit)| limit);
    own.chain(shared.filter(move |limit| !of_session(limit)))
}

/// The half by which a detection's packets come.
fn half_of(detection: &Detection) -> Direction {
    match detection.tunnel {
        Some(_) => Direction::Uplink,
        None => Direction::Downlink,
    }
}

fn meter_key(detection: &Detection, qer: u32) -> MeterKey {
    MeterKey {
        qer,
        is_downlink_tunnel: is_downlink_tunnel(detection),
    }
}

fn is_downlink_tunnel(detection: &Detection) -> bool {
    detection.tunnel.is_some() && traffic_from(detection.source) == Direction::Downlink
}

fn lower(a: Rate, b: Rate) -> Rate {
    if a.ticks_per_byte >= b.ticks_per_byte {
        a
    } else {
        b
    }
}

/// QFIs as [`upf_common::abi::RuleListEntry::qfis`] has them.
fn qfi_mask(qfis: &[u8]) -> u64 {
    qfis.iter().fold(0, |mask, qfi| mask | 1 << (qfi & 63))
}

/// The PDU type towards a gNB or another UPF (TS 38.415 clause 5.5.2); nobody else reads the container.
fn pdu_type(destination: Interface) -> Option<u8> {
    match destination {
        Interface::Access => Some(0),
        Interface::Core => Some(1),
        _ => None,
    }
}

fn known(instance: Option<NetworkInstance>) -> Option<u32> {
    match instance? {
        NetworkInstance::Known(number) => Some(number),
        NetworkInstance::Unknown => None,
    }
}

fn ue_of(endpoint: UeEndpoint) -> UeAddresses {
    match endpoint.address {
        IpAddr::V4(v4) => UeAddresses {
            v4: Some(v4),
            v6: None,
        },
        IpAddr::V6(v6) => {
            let [upper @ .., _, _, _, _, _, _, _, _] = v6.octets();
            UeAddresses {
                v4: None,
                v6: Some(upper),
            }
        }
    }
}

/// Networks without host bits, in order and none twice.
fn truncated(nets: &[IpNet]) -> Vec<IpNet> {
    let nets: BTreeSet<_> = nets.iter().map(IpNet::trunc).collect();
    nets.into_iter().collect()
}
