//! The rules of a session, as the requests so far have left them (TS 29.244 clause 5.2).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::flow_description::FlowDescription;
use crate::datapath::Direction;
use crate::datapath::slots::TunnelKey;
use crate::pfcp::ie::{ApplyAction, BitRates, GateStatus, Interface};

/// Most PDRs of one session.
pub const MAX_PDRS: usize = 64;
/// Most FARs, and most QERs, of one session.
pub const MAX_FARS: usize = 64;
/// See [`MAX_FARS`].
pub const MAX_QERS: usize = 64;

/// All rules of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) pdrs: RuleSet<Pdr>,
    pub(super) fars: RuleSet<Far>,
    pub(super) qers: RuleSet<Qer>,
    /// Number of the next F-TEID that is chosen for one PDR alone.
    pub(super) next_own_tunnel: u32,
}

/// Rules of one kind, sorted by their ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleSet<R>(Vec<R>);

pub(super) trait Rule {
    type Id: Copy + Ord;
    fn id(&self) -> Self::Id;
}

/// Packet Detection Rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pdr {
    pub(super) id: u16,
    pub(super) precedence: Option<u32>,
    pub(super) source: Interface,
    pub(super) tunnel: Option<LocalTunnel>,
    pub(super) network_instance: Option<NetworkInstance>,
    pub(super) ue: Option<UeAddresses>,
    pub(super) filters: Vec<SdfFilter>,
    pub(super) qfis: Vec<u8>,
    pub(super) far: Option<u32>,
    pub(super) qers: Vec<u32>,
}

/// A local F-TEID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalTunnel {
    pub(super) key: TunnelKey,
    /// Our GTP-U addresses, one of them at least.
    pub(super) ipv4: Option<Ipv4Addr>,
    pub(super) ipv6: Option<Ipv6Addr>,
}

/// A network instance that a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkInstance {
    /// One of the config.
    Known(u32),
    /// Another one. No error in rules that end or begin at a GTP-U tunnel.
    Unknown,
}

/// The UE's addresses in a PDI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UeAddresses {
    pub(super) v4: Option<Ipv4Addr>,
    /// Upper half of the /64 prefix.
    pub(super) v6: Option<[u8; 8]>,
}

/// One SDF filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SdfFilter {
    pub(super) id: Option<u32>,
    pub(super) flow: Option<FlowDescription>,
    /// ToS after masking, and its mask.
    pub(super) tos: Option<(u8, u8)>,
    pub(super) spi: Option<u32>,
    pub(super) flow_label: Option<u32>,
}

/// Forwarding Action Rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Far {
    pub(super) id: u32,
    pub(super) action: ApplyAction,
    /// `None` if it never had Forwarding Parameters.
    pub(super) destination: Option<Interface>,
    pub(super) network_instance: Option<NetworkInstance>,
    pub(super) tunnel: Option<RemoteTunnel>,
    /// DSCP of the outer header.
    pub(super) dscp: Option<u8>,
}

/// What Outer Header Creation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RemoteTunnel {
    pub(super) teid: u32,
    pub(super) address: Ipv4Addr,
}

/// What a FAR does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Drop,
    Buffer,
    Forward,
}

/// QoS Enforcement Rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Qer {
    pub(super) id: u32,
    pub(super) gate: GateStatus,
    pub(super) mbr: Option<BitRates>,
    pub(super) qfi: Option<u8>,
}

impl Model {
    /// The UE's addresses in all PDRs. The checks allow one of each family.
    pub(super) fn ue_addresses(&self) -> UeAddresses {
        let of_pdrs = self.pdrs.iter().filter_map(|pdr| pdr.ue);
        of_pdrs.fold(UeAddresses::default(), |all, ue| UeAddresses {
            v4: all.v4.or(ue.v4),
            v6: all.v6.or(ue.v6),
        })
    }

    /// PDRs in the order in which they are looked at: an absent precedence is the last one (clause 8.2.11:
    /// the lower the value, the higher the precedence).
    pub(super) fn in_precedence_order(&self) -> Vec<&Pdr> {
        let mut pdrs: Vec<_> = self.pdrs.iter().collect();
        pdrs.sort_by_key(|pdr| (pdr.precedence.is_none(), pdr.precedence, pdr.id));
        pdrs
    }

    pub(super) fn far_of(&self, pdr: &Pdr) -> Option<&Far> {
        self.fars.get(pdr.far?)
    }

    pub(super) fn qers_of<'a>(&'a self, pdr: &'a Pdr) -> impl Iterator<Item = &'a Qer> + 'a {
        pdr.qers.iter().filter_map(|id| self.qers.get(*id))
    }

    /// Whether every QER of a PDR lets its traffic pass.
    pub(super) fn is_gate_open(&self, pdr: &Pdr) -> bool {
        self.qers_of(pdr).all(|qer| match pdr.traffic() {
            Direction::Uplink => qer.gate.uplink_open,
            Direction::Downlink => qer.gate.downlink_open,
        })
    }

    /// The tightest MBR of a PDR, kbit/s, and its QER. One MBR a PDR is enforced.
    pub(super) fn mbr_of(&self, pdr: &Pdr) -> Option<(u32, u64)> {
        let limits = self.qers_of(pdr).filter_map(|qer| {
            let mbr = qer.mbr?;
            Some(match pdr.traffic() {
                Direction::Uplink => (qer.id, mbr.uplink_kbps),
                Direction::Downlink => (qer.id, mbr.downlink_kbps),
            })
        });
        limits.min_by_key(|(_, kbps)| *kbps)
    }
}

impl Pdr {
    /// Which way its packets go: what comes from Access comes from the UE.
    pub(super) fn traffic(&self) -> Direction {
        traffic_from(self.source)
    }
}

/// Which way packets go that come from an interface.
pub(super) fn traffic_from(source: Interface) -> Direction {
    if source == Interface::Access {
        Direction::Uplink
    } else {
        Direction::Downlink
    }
}

impl UeAddresses {
    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }

    /// These, and of the other ones the families that are missing.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            v4: self.v4.or(other.v4),
            v6: self.v6.or(other.v6),
        }
    }
}

impl Far {
    /// DROP outdoes BUFF, which outdoes FORW.
    pub(super) fn verdict(&self) -> Action {
        if self.action.has(ApplyAction::DROP) {
            Action::Drop
        } else if self.action.has(ApplyAction::BUFF) {
            Action::Buffer
        } else {
            Action::Forward
        }
    }

    pub(super) fn forwards(&self) -> bool {
        self.verdict() == Action::Forward
    }
}

impl Rule for Pdr {
    type Id = u16;
    fn id(&self) -> u16 {
        self.id
    }
}

impl Rule for Far {
    type Id = u32;
    fn id(&self) -> u32 {
        self.id
    }
}

impl Rule for Qer {
    type Id = u32;
    fn id(&self) -> u32 {
        self.id
    }
}

impl<R> Default for RuleSet<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R: Rule> RuleSet<R> {
    pub(super) fn get(&self, id: R::Id) -> Option<&R> {
        self.0.get(self.place(id).ok()?)
    }

    pub(super) fn get_mut(&mut self, id: R::Id) -> Option<&mut R> {
        let place = self.place(id).ok()?;
        self.0.get_mut(place)
    }

    /// False if there is one with this ID already.
    pub(super) fn insert(&mut self, rule: R) -> bool {
        match self.place(rule.id()) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, rule);
                true
            }
        }
    }

    /// False if there is none with this ID.
    pub(super) fn remove(&mut self, id: R::Id) -> bool {
        let place = self.place(id);
        place.map(|place| self.0.remove(place)).is_ok()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, R> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn place(&self, id: R::Id) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, Rule::id)
    }
}
