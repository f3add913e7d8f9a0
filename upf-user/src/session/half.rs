//! One half of a slot, and the list of rules that it leads to.

use upf_common::abi::{LIST_PAGE_ENTRIES, Match, NO_METER, RuleList, RuleListEntry, Rules};
use upf_common::abi::{flags, verdict};

use super::filters;
use super::model::{Pdr, UeAddresses};
use super::refusal::no_room;
use crate::datapath::slots::{Program, Seat};
use crate::datapath::{Direction, SlotIndex};
use crate::pfcp::ie::FailedRule;
use crate::pfcp::message::Refusal;

/// One half of a slot: the way by which packets come, and what they have to be.
pub(super) struct Half {
    slot: SlotIndex,
    pub(super) direction: Direction,
    teid: [u8; 4],
    /// What comes by the tunnel is on its way to the UE.
    is_downlink: bool,
    list: u32,
}

/// Whose packets pass: the sources of a tunnel, the destinations of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    Anybody,
    Ue(UeAddresses),
}

impl Half {
    pub(super) fn of(seat: &Seat, direction: Direction, teid: u32) -> Self {
        Self {
            slot: seat.slot,
            direction,
            teid: teid.to_be_bytes(),
            is_downlink: direction == Direction::Uplink
                && seat.tunnel_traffic == Some(Direction::Downlink),
            list: seat.list(direction).unwrap_or_default(),
        }
    }

    /// Rules that only say whose packets they are for.
    pub(super) fn head(&self, identity: Identity) -> Rules {
        let mut head = Rules {
            teid: self.teid,
            is_downlink: self.is_downlink.into(),
            meter_slot: NO_METER,
            ..Rules::default()
        };
        match identity {
            Identity::Anybody => head.flags = flags::ANY_SOURCE,
            Identity::Ue(ue) => {
                if let Some(v4) = ue.v4 {
                    head.flags |= flags::UE_V4;
                    head.ue_v4 = v4.octets();
                }
                if let Some(v6) = ue.v6 {
                    head.flags |= flags::UE_V6;
                    head.ue_v6 = v6;
                }
            }
        }
        head
    }

    /// One entry for everything sits in the slot itself; others make a list.
    pub(super) fn program(self, identity: Identity, entries: Entries) -> Program {
        let (rules, list) = match entries.list.entries[..entries.list.len as usize] {
            [] => {
                let mut rules = self.head(identity);
                rules.verdict = verdict::DROP;
                (rules, None)
            }
            [entry] if entry.filter == filters::EVERYTHING => (entry.rules, None),
            _ => {
                let mut rules = self.head(identity);
                rules.verdict = verdict::LIST;
                rules.list = self.list;
                (rules, Some(entries.list))
            }
        };
        Program {
            slot: self.slot,
            direction: self.direction,
            rules,
            list,
        }
    }
}

/// A rule list that grows until an entry takes everything that is left.
pub(super) struct Entries {
    list: Box<RuleList>,
    is_complete: bool,
}

impl Entries {
    pub(super) fn new() -> Self {
        Self {
            list: Box::default(),
            is_complete: false,
        }
    }

    /// An entry for each QFI of the PDR.
    pub(super) fn add(&mut self, pdr: &Pdr, filter: Match, rules: &Rules) -> Result<(), Refusal> {
        if pdr.qfis.is_empty() {
            return self.add_once(pdr, filter, *rules);
        }
        for &match_qfi in &pdr.qfis {
            let rules = Rules {
                match_qfi,
                ..*rules
            };
            self.add_once(pdr, filter, rules)?;
        }
        Ok(())
    }

    pub(super) fn add_once(
        &mut self,
        pdr: &Pdr,
        filter: Match,
        rules: Rules,
    ) -> Result<(), Refusal> {
        if self.is_complete {
            return Ok(());
        }
        let used = self.list.len as usize;
        if used == LIST_PAGE_ENTRIES {
            return Err(no_room(FailedRule::Pdr(pdr.id)));
        }
        self.list.entries[used] = RuleListEntry {
            filter,
            qfis: 0,
            rules,
        };
        self.list.len += 1;
        self.is_complete = filter == filters::EVERYTHING && rules.flags & flags::MATCH_QFI == 0;
        Ok(())
    }
}

impl Identity {
    /// What a slot checks for several PDRs: an address of any of them. One PDR that is open to anybody does not
    /// open the others.
    pub(super) fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Anybody, identity) | (identity, Self::Anybody) => identity,
            (Self::Ue(a), Self::Ue(b)) => Self::Ue(UeAddresses {
                v4: a.v4.or(b.v4),
                v6: a.v6.or(b.v6),
            }),
        }
    }

    pub(super) fn addresses(self) -> Option<UeAddresses> {
        match self {
            Self::Anybody => None,
            Self::Ue(ue) => Some(ue),
        }
    }
}
