//! From the rules of a session to what its seats in the tables are to do.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use upf_common::abi::{self, Match, NO_METER, Rules};
use upf_common::abi::{flags, verdict};
use upf_common::meter::Rate;

use super::config::SessionsConfig;
use super::detection::{Detection, Forward, LimitKey};
use super::filters;
use super::half::{Entries, Half, Identity};
use super::model::{Action, NetworkInstance, UeAddresses, traffic_from};
use crate::datapath::Direction;
use crate::datapath::slots::{
    MeterKey, PeerKey, Peers, Program, Seating, Tunnel, UeEndpoint, Wanted, WantedTunnel,
};
use crate::pfcp::ie::Interface;
use crate::pfcp::message::Refusal;

/// Compiles the rules of one session.
#[derive(Clone, Copy)]
pub(super) struct Compiler<'a> {
    pub(super) config: &'a SessionsConfig,
    pub(super) detections: &'a [Detection],
}

impl Compiler<'_> {
    /// What the session needs of the tables.
    pub(super) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        let (mut addresses, mut meters) = (BTreeSet::new(), BTreeSet::new());
        let mut peers = BTreeSet::new();
        for pdr in self.detections {
            match pdr.tunnel {
                Some(tunnel) => {
                    if !wanted.tunnels.iter().any(|want| want.key == tunnel.key) {
                        wanted.tunnels.push(WantedTunnel {
                            key: tunnel.key,
                            address: tunnel.ipv4.unwrap_or(Ipv4Addr::UNSPECIFIED),
                            traffic: traffic_from(pdr.source),
                        });
                    }
                }
                None => addresses.extend(self.endpoints(pdr)),
            }
            meters.extend(self.meter(pdr).map(|(key, _)| key));
            peers.extend(pdr.forward.and_then(|forward| self.peer(&forward)));
        }
        // CHOOSE IDs first, so that the shared F-TEID gets the address's slot.
        wanted.tunnels.sort_by_key(|tunnel| tunnel.key);
        wanted.addresses.extend(addresses);
        wanted.meters.extend(meters);
        wanted.peers.extend(peers);
        wanted
    }

    /// What the halves of these seats are to do.
    ///
    /// # Errors
    /// When the filters of a PDR need more entries than a rule list has.
    pub(super) fn programs(
        &self,
        seating: &Seating,
        peers: &Peers,
    ) -> Result<Vec<Program>, Refusal> {
        let order: Vec<_> = self.detections.iter().collect();
        let mut programs = Vec::with_capacity(2 * seating.seats.len());
        for seat in &seating.seats {
            if let Some(tunnel) = &seat.tunnel {
                let half = Half::of(seat, Direction::Uplink, tunnel.teid);
                programs.push(self.tunnel(half, tunnel, &order, seating, peers)?);
            }
            if let Some(address) = seat.address {
                let half = Half::of(seat, Direction::Downlink, 0);
                programs.push(self.address(half, address.endpoint, &order, seating, peers)?);
            }
        }
        Ok(programs)
    }

    fn tunnel(
        &self,
        half: Half,
        tunnel: &Tunnel,
        order: &[&Detection],
        seating: &Seating,
        peers: &Peers,
    ) -> Result<Program, Refusal> {
        let leads_to = |pdr: &Detection| pdr.tunnel.is_some_and(|own| own.key == tunnel.key);
        let pdrs: Vec<_> = order.iter().copied().filter(|pdr| leads_to(pdr)).collect();
        let identity = pdrs
            .iter()
            .map(|pdr| self.source_identity(pdr))
            .reduce(Identity::stricter)
            .unwrap_or(Identity::Ue(UeAddresses::default()));
        let mut entries = Entries::new();
        for pdr in pdrs {
            let own = self.source_identity(pdr);
            let rules = self.rules(&half, pdr, own, seating, peers);
            let matches = self.matches(pdr, identity.addresses());
            // A PDR for some of the UE's addresses only leaves the others to the PDRs behind it.
            let matches: Vec<_> = match own {
                Identity::Ue(ue) if own != identity => {
                    let each = matches.iter();
                    each.flat_map(|record| filters::narrow(record, ue))
                        .collect()
                }
                _ => matches,
            };
            for record in matches {
                entries.add(pdr, record, &rules)?;
            }
        }
        Ok(half.program(identity, entries))
    }

    fn address(
        &self,
        half: Half,
        endpoint: UeEndpoint,
        order: &[&Detection],
        seating: &Seating,
        peers: &Peers,
    ) -> Result<Program, Refusal> {
        let ue = match endpoint.address {
            IpAddr::V4(v4) => UeAddresses {
                v4: Some(v4),
                v6: None,
            },
            IpAddr::V6(v6) => UeAddresses {
                v4: None,
                v6: Some(upper_half(v6)),
            },
        };
        let identity = Identity::Ue(ue);
        let mut entries = Entries::new();
        for pdr in order {
            if !self.serves(pdr, endpoint) {
                continue;
            }
            let rules = self.rules(&half, pdr, identity, seating, peers);
            for record in self.matches(pdr, Some(ue)) {
                entries.add_once(pdr, record, rules)?;
            }
        }
        Ok(half.program(identity, entries))
    }

    fn matches(&self, pdr: &Detection, seen: Option<UeAddresses>) -> Vec<Match> {
        match &pdr.filters {
            None => vec![filters::EVERYTHING],
            Some(filters) => filters::compile(filters, self.ue_addresses(), seen),
        }
    }

    fn ue_addresses(&self) -> UeAddresses {
        let all = self.detections.iter();
        all.fold(UeAddresses::default(), |all, pdr| all.or(pdr.ue))
    }

    /// Whether a PDR is for packets that arrive for a UE address: its own, or any of the session's if it has
    /// none.
    fn serves(&self, pdr: &Detection, endpoint: UeEndpoint) -> bool {
        if pdr.tunnel.is_some() {
            return false;
        }
        if pdr.ue.is_empty() {
            return pdr.network_instance.is_none() || self.instance_of(pdr) == endpoint.instance;
        }
        self.endpoints(pdr).any(|own| own == endpoint)
    }

    /// The UE addresses that packets for a PDR arrive for.
    fn endpoints(&self, pdr: &Detection) -> impl Iterator<Item = UeEndpoint> + use<> {
        let instance = self.instance_of(pdr);
        let ue = pdr.ue;
        let v6 = ue.v6.map(|upper| {
            let mut octets = [0; 16];
            octets[..8].copy_from_slice(&upper);
            IpAddr::from(octets)
        });
        let addresses = ue.v4.map(IpAddr::V4).into_iter().chain(v6);
        addresses.map(move |address| UeEndpoint { instance, address })
    }

    fn instance_of(&self, pdr: &Detection) -> u32 {
        known(pdr.network_instance).unwrap_or(self.config.default_core_instance)
    }

    /// Who may send into a tunnel through a PDR. What comes from the UE has to come from its addresses: those
    /// of the PDR, or else those of the session. Tunnels that carry other packets are left unchecked: from the
    /// core or the control plane, forwarded to another gNB, to the control plane (a router solicitation comes
    /// from the link-local address), and in sessions that know no UE address.
    fn source_identity(&self, pdr: &Detection) -> Identity {
        if pdr.source != Interface::Access {
            return Identity::Anybody;
        }
        let destination = pdr.forward.map(|forward| forward.destination);
        if matches!(destination, Some(Interface::Access | Interface::CpFunction)) {
            return Identity::Anybody;
        }
        let ue = match pdr.ue.is_empty() {
            true => self.ue_addresses(),
            false => pdr.ue,
        };
        let leaves_plain = pdr.forward.is_some_and(|forward| forward.tunnel.is_none());
        if ue.is_empty() && !leaves_plain {
            return Identity::Anybody;
        }
        Identity::Ue(ue)
    }

    fn rules(
        &self,
        half: &Half,
        pdr: &Detection,
        identity: Identity,
        seating: &Seating,
        peers: &Peers,
    ) -> Rules {
        let mut rules = half.head(identity);
        rules.qfi = pdr.qfi.unwrap_or_default();
        if pdr.is_gate_open {
            rules.flags |= flags::GATE_OPEN;
        }
        if let Some((key, kbps)) = self.meter(pdr) {
            let _rate = Rate::from_bits_per_second(kbps.saturating_mul(1000));
            rules.meter_slot = seating.meter_slot(key).map_or(NO_METER, |slot| slot.0);
        }
        // There is no QFI on a plain IP packet.
        if let (Direction::Uplink, Some(first)) = (half.direction, pdr.qfis.first()) {
            rules.flags |= flags::MATCH_QFI;
            rules.match_qfi = *first;
        }
        rules.verdict = match pdr.action {
            Action::Drop => verdict::DROP,
            Action::Buffer => verdict::BUFFER,
            Action::Forward => verdict::FORWARD,
        };
        if let Some(forward) = &pdr.forward {
            self.forward(&mut rules, pdr, forward, peers);
        }
        rules
    }

    fn forward(&self, rules: &mut Rules, pdr: &Detection, far: &Forward, peers: &Peers) {
        let Some(tunnel) = far.tunnel else {
            rules.instance = known(far.network_instance).unwrap_or_else(|| self.instance_of(pdr));
            return;
        };
        let Some(peer) = self.peer(far).and_then(|key| peers.index_of(&key)) else {
            // Without a GTP-U address of ours there is no outer header.
            rules.verdict = verdict::DROP;
            return;
        };
        rules.flags |= flags::ENCAPSULATE;
        rules.peer = peer;
        rules.peer_teid = tunnel.teid.to_be_bytes();
        if pdr.qfi.is_some() && let Some(pdu_type) = pdu_type(far.destination) {
            rules.flags |= flags::PDU_SESSION;
            rules.pdu_type = pdu_type;
        }
        if let Some(dscp) = far.dscp {
            rules.flags |= flags::MARK_DSCP;
            rules.dscp = dscp;
        }
    }

    /// The peer of a FAR with an outer header.
    fn peer(&self, far: &Forward) -> Option<PeerKey> {
        let IpAddr::V4(remote) = far.tunnel?.address else {
            return None;
        };
        let local = self.config.gtpu_for(known(far.network_instance), false)?;
        let IpAddr::V4(address) = local.address else {
            return None;
        };
        Some(PeerKey {
            local: address,
            remote,
            instance: local.instance,
        })
    }

    /// A PDR's meter and its MBR in kbit/s.
    fn meter(&self, pdr: &Detection) -> Option<(MeterKey, u64)> {
        let limit = pdr.limits.iter().min_by_key(|limit| limit.kbps)?;
        let (LimitKey::Qer(qer) | LimitKey::Correlated(qer)) = limit.key;
        let kbps = limit.kbps;
        let is_downlink_tunnel = pdr.tunnel.is_some() && traffic_from(pdr.source) == Direction::Downlink;
        let key = MeterKey {
            qer,
            is_downlink_tunnel,
        };
        Some((key, kbps))
    }
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

fn upper_half(address: Ipv6Addr) -> [u8; 8] {
    let address: abi::Address = address.octets();
    let [upper @ .., _, _, _, _, _, _, _, _] = address;
    upper
}
