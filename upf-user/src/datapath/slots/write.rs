//! Writes to the tables that can be taken back.

use upf_common::abi::{Peer, RuleList, Rules, UeKey, UsageSet};
use upf_common::meter::Rate;

use super::framed::FramedRoute;
use super::usages::UsageSeat;
use crate::datapath::{
    Account, Credit, Datapath, DatapathError, Direction, LimitIndex, LimitSetting, SlotIndex,
    UsageIndex, UsageLimits,
};

/// The rate in the state of a slot that is nobody's meter.
pub(super) const NO_RATE: Rate = Rate {
    ticks_per_byte: 0,
    depth: 0,
};

/// One write, with what was there before.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Rules {
        slot: SlotIndex,
        direction: Direction,
        new: Rules,
        old: Rules,
    },
    Meter {
        slot: SlotIndex,
        direction: Direction,
        new: Rate,
        old: Rate,
        credit: Credit,
    },
    Reset(SlotIndex),
    Limit {
        index: LimitIndex,
        direction: Direction,
        new: LimitSetting,
        old: LimitSetting,
        credit: Credit,
    },
    ResetLimit(LimitIndex),
    Block {
        block: u32,
        new: Option<SlotIndex>,
        old: Option<SlotIndex>,
    },
    InsertTeid(u32, SlotIndex),
    RemoveTeid(u32, SlotIndex),
    InsertUe(UeKey, SlotIndex),
    RemoveUe(UeKey, SlotIndex),
    InsertFramed {
        route: FramedRoute,
        new: SlotIndex,
        old: Option<SlotIndex>,
    },
    RemoveFramed(FramedRoute, SlotIndex),
    Peer(u32, Peer),
    List(u32, Box<RuleList>),
    ResetUsage(UsageIndex),
    UsageLimits {
        account: Account,
        new: UsageLimits,
        old: UsageLimits,
    },
    UsageSet(u32, Box<UsageSet>),
    /// To the peer, with its TEID.
    EndMarker(Peer, u32),
    /// Nothing is written: what URRs have counted there is read when all packets by what was in force have passed.
    Leave(Box<[UsageSeat]>),
}

impl Write {
    pub(super) fn apply(&self, tables: &mut impl Datapath) -> Result<(), DatapathError> {
        match self {
            Self::Rules {
                slot,
                direction,
                new,
                ..
            } => tables.write_rules(*slot, *direction, new),
            Self::Meter {
                slot,
                direction,
                new,
                credit,
                ..
            } => tables.write_meter(*slot, *direction, *new, *credit),
            Self::Reset(slot) => tables.reset_slot(*slot),
            Self::Limit {
                index,
                direction,
                new,
                credit,
                ..
            } => tables.write_limit(*index, *direction, new, *credit),
            Self::ResetLimit(index) => tables.reset_limit(*index),
            Self::Block { block, new, .. } => tables.set_block(*block, *new),
            Self::InsertTeid(teid, slot) => tables.insert_teid(teid.to_be_bytes(), *slot),
            Self::RemoveTeid(teid, _) => tables.remove_teid(teid.to_be_bytes()),
            Self::InsertUe(key, slot) => tables.insert_ue(*key, *slot),
            Self::RemoveUe(key, _) => tables.remove_ue(*key),
            Self::InsertFramed { route, new, .. } => {
                tables.insert_framed(route.instance, route.net, *new)
            }
            Self::RemoveFramed(route, _) => tables.remove_framed(route.instance, route.net),
            Self::Peer(index, peer) => tables.write_peer(*index, peer),
            Self::List(index, list) => tables.write_list(*index, list),
            Self::ResetUsage(record) => tables.reset_usage(*record),
            Self::UsageLimits { account, new, .. } => tables.write_usage_limits(*account, new),
            Self::UsageSet(index, set) => tables.write_usage_set(*index, set),
            Self::EndMarker(peer, teid) => tables.send_end_marker(peer, teid.to_be_bytes()),
            Self::Leave(_) => Ok(()),
        }
    }

    /// The write that takes this one back; `None` where nobody looks at what was written.
    pub(super) fn inverse(&self) -> Option<Self> {
        Some(match self {
            Self::Rules {
                slot,
                direction,
                new,
                old,
            } => Self::Rules {
                slot: *slot,
                direction: *direction,
                new: *old,
                old: *new,
            },
            Self::Meter {
                slot,
                direction,
                new,
                old,
                ..
            } => Self::Meter {
                slot: *slot,
                direction: *direction,
                new: *old,
                old: *new,
                credit: Credit::Kept,
            },
            Self::Limit {
                index,
                direction,
                new,
                old,
                ..
            } => Self::Limit {
                index: *index,
                direction: *direction,
                new: *old,
                old: *new,
                credit: Credit::Kept,
            },
            Self::Block { block, new, old } => Self::Block {
                block: *block,
                new: *old,
                old: *new,
            },
            Self::InsertTeid(teid, slot) => Self::RemoveTeid(*teid, *slot),
            Self::RemoveTeid(teid, slot) => Self::InsertTeid(*teid, *slot),
            Self::InsertUe(key, slot) => Self::RemoveUe(*key, *slot),
            Self::RemoveUe(key, slot) => Self::InsertUe(*key, *slot),
            Self::InsertFramed { route, new, old } => match old {
                Some(old) => Self::InsertFramed {
                    route: *route,
                    new: *old,
                    old: Some(*new),
                },
                None => Self::RemoveFramed(*route, *new),
            },
            Self::RemoveFramed(route, slot) => Self::InsertFramed {
                route: *route,
                new: *slot,
                old: None,
            },
            Self::UsageLimits { account, new, old } => Self::UsageLimits {
                account: *account,
                new: *old,
                old: *new,
            },
            // Unused slots, limits, peers and lists; and what is sent is gone.
            Self::Reset(_)
            | Self::ResetLimit(_)
            | Self::Peer(..)
            | Self::List(..)
            | Self::ResetUsage(_)
            | Self::UsageSet(..)
            | Self::EndMarker(..)
            | Self::Leave(_) => return None,
        })
    }
}
