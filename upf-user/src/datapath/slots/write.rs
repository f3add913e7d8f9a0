//! Writes to the tables that can be taken back.

use upf_common::abi::{Peer, RuleList, Rules, UeKey};

use crate::datapath::{Datapath, DatapathError, Direction, SlotIndex};

/// One write, with what was there before.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Rules {
        slot: SlotIndex,
        direction: Direction,
        new: Rules,
        old: Rules,
    },
    Reset(SlotIndex),
    Block {
        block: u32,
        new: Option<SlotIndex>,
        old: Option<SlotIndex>,
    },
    InsertTeid(u32, SlotIndex),
    RemoveTeid(u32, SlotIndex),
    InsertUe(UeKey, SlotIndex),
    RemoveUe(UeKey, SlotIndex),
    Peer(u32, Peer),
    List(u32, Box<RuleList>),
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
            Self::Reset(slot) => tables.reset_slot(*slot),
            Self::Block { block, new, .. } => tables.set_block(*block, *new),
            Self::InsertTeid(teid, slot) => tables.insert_teid(teid.to_be_bytes(), *slot),
            Self::RemoveTeid(teid, _) => tables.remove_teid(teid.to_be_bytes()),
            Self::InsertUe(key, slot) => tables.insert_ue(*key, *slot),
            Self::RemoveUe(key, _) => tables.remove_ue(*key),
            Self::Peer(index, peer) => tables.write_peer(*index, peer),
            Self::List(index, list) => tables.write_list(*index, list),
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
            Self::Block { block, new, old } => Self::Block {
                block: *block,
                new: *old,
                old: *new,
            },
            Self::InsertTeid(teid, slot) => Self::RemoveTeid(*teid, *slot),
            Self::RemoveTeid(teid, slot) => Self::InsertTeid(*teid, *slot),
            Self::InsertUe(key, slot) => Self::RemoveUe(*key, *slot),
            Self::RemoveUe(key, slot) => Self::InsertUe(*key, *slot),
            // Unused slots, peers and lists.
            Self::Reset(_) | Self::Peer(..) | Self::List(..) => return None,
        })
    }
}
