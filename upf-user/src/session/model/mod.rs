//! The rules of a session, as the requests so far have left them (TS 29.244 clause 5.2).

mod far;
mod pdr;
mod rule_set;

pub(super) use far::{Action, Duplicate, Far, Forwarding};
pub(super) use pdr::{
    Families, LocalTunnel, NetworkInstance, Pdr, SdfFilter, TrafficEndpoint, UeAddresses, UeChoice,
    UeIp, Way, traffic_from,
};
pub(super) use rule_set::{Rule, RuleSet};

use rule_set::rules;
use serde::{Deserialize, Serialize};

use crate::datapath::Direction;
use crate::pfcp::message::{AccessForwardingAction, CreateBar, CreateMar, CreateQer, UpdateUrr};

/// Most PDRs of one session.
pub const MAX_PDRS: usize = 64;
/// Most FARs of one session.
pub const MAX_FARS: usize = 128;
/// Most QERs of one session.
pub const MAX_QERS: usize = 64;
/// Most URRs of one session.
pub const MAX_URRS: usize = 64;
/// BARs of one session: Create BAR has no plural (clause 7.5.2.1).
pub const MAX_BARS: usize = 1;
/// Most traffic endpoints of one session.
pub const MAX_TRAFFIC_ENDPOINTS: usize = 32;
/// Most MARs of one session.
pub const MAX_MARS: usize = 8;
/// Most SDF filters of one session.
pub const MAX_SDF_FILTERS: usize = 256;
/// Most framed routes of one session.
pub const MAX_FRAMED_ROUTES: usize = 16;

/// All rules of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Model {
    pub(super) pdrs: RuleSet<Pdr>,
    pub(super) fars: RuleSet<Far>,
    pub(super) qers: RuleSet<Qer>,
    pub(super) urrs: RuleSet<Urr>,
    pub(super) bars: RuleSet<Bar>,
    pub(super) mars: RuleSet<Mar>,
    pub(super) endpoints: RuleSet<TrafficEndpoint>,
    /// UE addresses that we chose.
    pub(super) ue_choice: Option<UeChoice>,
    /// Number of the next F-TEID that is chosen for one PDR or traffic endpoint alone.
    pub(super) next_own_tunnel: u32,
}

/// QoS Enforcement Rule: every part of it can be changed by itself, so it is kept as it was asked for.
pub(super) type Qer = CreateQer;
/// Usage Reporting Rule, with Measurement Method and Reporting Triggers always there.
pub(super) type Urr = UpdateUrr;
/// Buffering Action Rule.
pub(super) type Bar = CreateBar;
/// Multi-Access Rule.
pub(super) type Mar = CreateMar;

rules!(Qer: u32, Urr: u32, Bar: u8, Mar: u16);

impl Model {
    /// The ways by which a PDR's packets come: its own, or those of its traffic endpoints. What a traffic endpoint
    /// leaves open is as in the PDI.
    pub(super) fn ways_of(&self, pdr: &Pdr) -> Vec<Way> {
        if pdr.endpoints.is_empty() {
            return vec![pdr.way.clone()];
        }
        let endpoints = pdr
            .endpoints
            .iter()
            .filter_map(|id| self.endpoints.get(*id));
        let with_pdi = |endpoint: &TrafficEndpoint| {
            let mut way = endpoint.way.clone();
            way.network_instance = way.network_instance.or(pdr.way.network_instance);
            way.ue = way.ue.or(pdr.way.ue);
            if way.qfis.is_empty() {
                way.qfis.clone_from(&pdr.way.qfis);
            }
            if way.framed.is_empty() {
                way.framed.clone_from(&pdr.way.framed);
            }
            way
        };
        endpoints.map(with_pdi).collect()
    }

    /// The ways of all PDRs and traffic endpoints as they were asked for.
    pub(super) fn all_ways(&self) -> impl Iterator<Item = &Way> {
        let of_pdrs = self.pdrs.iter().map(|pdr| &pdr.way);
        of_pdrs.chain(self.endpoints.iter().map(|endpoint| &endpoint.way))
    }

    /// See [`Self::all_ways`].
    pub(super) fn all_ways_mut(&mut self) -> impl Iterator<Item = &mut Way> {
        let of_pdrs = self.pdrs.iter_mut().map(|pdr| &mut pdr.way);
        of_pdrs.chain(self.endpoints.iter_mut().map(|endpoint| &mut endpoint.way))
    }

    /// Traffic endpoints remember which way their packets go.
    pub(super) fn set_sources(&mut self) {
        for pdr in self.pdrs.iter() {
            for id in &pdr.endpoints {
                if let Some(endpoint) = self.endpoints.get_mut(*id) {
                    endpoint.source = pdr.source;
                }
            }
        }
    }

    /// Gives back the room for more rules.
    pub(super) fn shrink(&mut self) {
        self.pdrs.shrink();
        self.fars.shrink();
        self.qers.shrink();
        self.urrs.shrink();
        self.bars.shrink();
        self.mars.shrink();
        self.endpoints.shrink();
    }

    /// A local F-TEID that the session has.
    pub(super) fn tunnel(&self, wanted: impl Fn(&LocalTunnel) -> bool) -> Option<LocalTunnel> {
        self.all_ways().filter_map(|way| way.tunnel).find(wanted)
    }

    /// The UE's addresses in all rules. The checks allow one of each family.
    pub(super) fn ue_addresses(&self) -> UeAddresses {
        let all = self.all_ways().filter_map(|way| way.ue);
        all.fold(UeAddresses::default(), |all, ue| all.or(ue.addresses))
    }

    /// The FAR of a PDR. With a MAR it is the one of 3GPP access, or else that of the other: ATSSS is not announced,
    /// so traffic is neither steered nor split.
    pub(super) fn far_of(&self, pdr: &Pdr) -> Option<&Far> {
        let of_mar = || Some(self.access_of(pdr)?.far_id);
        self.fars.get(pdr.far.or_else(of_mar)?)
    }

    /// The access that the MAR of a PDR leads to.
    pub(super) fn access_of(&self, pdr: &Pdr) -> Option<&AccessForwardingAction> {
        let mar = self.mars.get(pdr.mar?)?;
        mar.tgpp_access.as_ref().or(mar.non_tgpp_access.as_ref())
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
}
