//! One half of a slot, and the list of rules that it leads to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use upf_common::abi::{MAX_LIST_ENTRIES, Match, NO_LIST, RuleListEntry, Rules};
use upf_common::abi::{flags, verdict};

use super::filters::{self, Families};
use super::model::UeAddresses;
use super::refusal::no_room;
use crate::datapath::slots::{FramedRoute, Program, Seat};
use crate::datapath::{Direction, SlotIndex};
use crate::pfcp::ie::FailedRule;
use crate::pfcp::message::Refusal;

/// One half of a slot: the way by which packets come, and what they have to be.
pub(super) struct Half {
    slot: SlotIndex,
    direction: Direction,
    teid: [u8; 4],
    /// What comes by the tunnel is on its way to the UE.
    is_downlink: bool,
    /// Where framed routes of the session lead, and their network instance.
    framed: Option<(SlotIndex, u32)>,
    list: u32,
}

/// Whose packets pass: the sources of a tunnel, the destinations of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    Anybody,
    /// The UE with these addresses, and the networks behind it, in order and none twice.
    Ue(UeAddresses, Vec<IpNet>),
}

impl Half {
    /// `framed` is one of the session's framed routes, with the slot that all of them lead to.
    pub(super) fn of(
        seat: &Seat,
        direction: Direction,
        teid: u32,
        framed: Option<(FramedRoute, SlotIndex)>,
    ) -> Self {
        Self {
            slot: seat.slot,
            direction,
            teid: teid.to_be_bytes(),
            is_downlink: direction == Direction::Uplink
                && seat.tunnel_traffic == Some(Direction::Downlink),
            framed: framed.map(|(route, slot)| (slot, route.instance)),
            list: seat.list(direction).unwrap_or(NO_LIST),
        }
    }

    /// Rules that only say whose packets they are for.
    pub(super) fn head(&self, identity: &Identity) -> Rules {
        let mut head = Rules {
            teid: self.teid,
            is_downlink: self.is_downlink.into(),
            ..Rules::default()
        };
        let (ue, framed) = match identity {
            Identity::Anybody => {
                head.flags = flags::ANY_SOURCE;
                return head;
            }
            Identity::Ue(ue, framed) => (ue, framed),
        };
        if let Some(v4) = ue.v4 {
            head.flags |= flags::UE_V4;
            head.ue_v4 = v4.octets();
        }
        if let Some(v6) = ue.v6 {
            head.flags |= flags::UE_V6;
            head.ue_v6 = v6;
        }
        if let Some((slot, instance)) = self.framed.filter(|_| !framed.is_empty()) {
            head.framed_slot = slot.0;
            head.framed_instance = instance;
        }
        head
    }

    /// One entry for everything, or for one QFI, sits in the slot itself; others make a list.
    pub(super) fn program(self, identity: &Identity, entries: Entries<'_>) -> Program {
        let (rules, list) = match entries.list.as_slice() {
            [] => {
                let mut rules = self.head(identity);
                rules.verdict = verdict::DROP;
                (rules, Vec::new())
            }
            [entry] if entry.filter == filters::EVERYTHING && entry.qfis.count_ones() <= 1 => {
                let mut rules = entry.rules;
                if entry.qfis != 0 {
                    rules.flags |= flags::MATCH_QFI;
                    // Below 64.
                    rules.match_qfi = entry.qfis.trailing_zeros() as u8;
                }
                if !entries.beyond_quota.is_empty() {
                    rules.list = self.list;
                }
                (rules, Vec::new())
            }
            _ => {
                let mut rules = self.head(identity);
                rules.verdict = verdict::LIST;
                rules.list = self.list;
                (rules, entries.list)
            }
        };
        Program {
            slot: self.slot,
            direction: self.direction,
            rules,
            list,
            beyond_quota: entries.beyond_quota,
        }
    }
}

/// A rule list that grows until an entry takes everything that is left.
pub(super) struct Entries<'a> {
    list: Vec<RuleListEntry>,
    /// As in [`Program`].
    beyond_quota: Vec<Rules>,
    is_complete: bool,
    /// PDRs behind which the list goes on, though they take everything.
    passing: &'a BTreeSet<u16>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(passing: &'a BTreeSet<u16>) -> Self {
        Self {
            list: Vec::new(),
            beyond_quota: Vec::new(),
            is_complete: false,
            passing,
        }
    }

    /// Adds the rules of a PDR for packets that a filter lets pass, and those for what is beyond a quota; `qfis` are as in
    /// [`RuleListEntry`].
    pub(super) fn add(
        &mut self,
        pdr: u16,
        filter: Match,
        qfis: u64,
        (mut rules, beyond_quota): (Rules, Option<Rules>),
    ) -> Result<(), Refusal> {
        if self.is_complete {
            return Ok(());
        }
        if self.list.len() == MAX_LIST_ENTRIES {
            return Err(no_room(FailedRule::Pdr(pdr)));
        }
        if let Some(beyond) = beyond_quota {
            rules.list = self.number_of(beyond);
        }
        self.list.push(RuleListEntry {
            filter,
            qfis,
            rules,
        });
        let takes_everything = filter == filters::EVERYTHING && qfis == 0;
        self.is_complete = takes_everything && !self.passing.contains(&pdr);
        Ok(())
    }

    /// Where the rules stand among those for what is beyond a quota.
    fn number_of(&mut self, rules: Rules) -> u32 {
        let mut known = self.beyond_quota.iter();
        let number = known.position(|known| *known == rules);
        let number = number.unwrap_or_else(|| {
            self.beyond_quota.push(rules);
            self.beyond_quota.len() - 1
        });
        number as u32
    }
}

impl Identity {
    /// What a slot checks for several PDRs: an address of any of them. One PDR that is open to anybody does not
    /// open the others.
    pub(super) fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Anybody, identity) | (identity, Self::Anybody) => identity,
            (Self::Ue(a, mut nets), Self::Ue(b, other)) => {
                nets.extend(other);
                nets.sort_unstable();
                nets.dedup();
                Self::Ue(a.or(b), nets)
            }
        }
    }

    /// The families of the packets, where it says them.
    pub(super) fn families(&self) -> Option<Families> {
        let Self::Ue(ue, framed) = self else {
            return None;
        };
        let is_v4 = |net: &IpNet| matches!(net, IpNet::V4(_));
        Some(Families {
            v4: ue.v4.is_some() || framed.iter().any(is_v4),
            v6: ue.v6.is_some() || !framed.iter().all(is_v4),
        })
    }

    /// The UE's addresses and the networks behind it; none for anybody.
    pub(super) fn nets(&self) -> Vec<IpNet> {
        let Self::Ue(ue, framed) = self else {
            return Vec::new();
        };
        let v4 = ue.v4.map(|v4| IpNet::from(IpAddr::V4(v4)));
        let own = v4.into_iter().chain(ue.v6.map(filters::ue_prefix));
        own.chain(framed.iter().copied()).collect()
    }
}
