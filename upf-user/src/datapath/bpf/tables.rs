//! [`Datapath`] over the kernel's maps.

use std::io;

use aya::maps::{HashMap, MapData, MapError};
use upf_common::abi::{BLOCK_SLOTS, NO_SLOT, Peer, Plain, RuleList, Rules, Slot, UeKey};

use super::latch::{self, HALF_WORDS, Half};
use super::mmap::{MappedArray, words_of};
use super::{Record, Sizes};
use crate::datapath::{Datapath, DatapathError, Direction, SlotCounters, SlotIndex};

/// An entry of `BLOCKS`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Block(pub(super) u32);

// SAFETY: one integer.
unsafe impl Plain for Block {}

pub(super) type SlotArray = MappedArray<Slot, { words_of::<Slot>() }>;
pub(super) type BlockArray = MappedArray<Block, { words_of::<Block>() }>;
pub(super) type PeerArray = MappedArray<Peer, { words_of::<Peer>() }>;
pub(super) type ListArray = MappedArray<RuleList, { words_of::<RuleList>() }>;

/// The tables that the XDP program reads.
pub struct BpfDatapath {
    pub(super) sizes: Sizes,
    pub(super) slots: SlotArray,
    pub(super) blocks: BlockArray,
    pub(super) peers: PeerArray,
    pub(super) lists: ListArray,
    pub(super) teids: HashMap<MapData, [u8; 4], u32>,
    pub(super) ue_addresses: HashMap<MapData, Record<UeKey>, u32>,
}

impl BpfDatapath {
    /// A fresh array is all zero, which for a block would be slot 0.
    pub(super) fn empty_blocks(&self) {
        for block in 0..self.blocks.len() {
            self.blocks.store(block, &Block(NO_SLOT));
        }
    }

    fn half(&self, slot: SlotIndex, direction: Direction) -> Result<&Half, DatapathError> {
        let entry = self
            .slots
            .entry(slot.0)
            .ok_or(out_of_range("SLOTS", slot.0))?;
        let (halves, _) = entry.as_chunks::<HALF_WORDS>();
        Ok(match direction {
            Direction::Uplink => &halves[0],
            Direction::Downlink => &halves[1],
        })
    }

    fn check_slot(&self, table: &'static str, slot: SlotIndex) -> Result<(), DatapathError> {
        if slot.0 < self.sizes.slots {
            Ok(())
        } else {
            Err(out_of_range(table, slot.0))
        }
    }
}

impl Datapath for BpfDatapath {
    fn capacity(&self) -> u32 {
        self.sizes.slots
    }

    fn blocks(&self) -> u32 {
        self.sizes.blocks
    }

    fn peers(&self) -> u32 {
        self.sizes.peers
    }

    fn lists(&self) -> u32 {
        self.sizes.lists
    }

    fn write_rules(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rules: &Rules,
    ) -> Result<(), DatapathError> {
        latch::replace(self.half(slot, direction)?, rules);
        Ok(())
    }

    fn read_rules(&self, slot: SlotIndex, direction: Direction) -> Result<Rules, DatapathError> {
        Ok(latch::in_force(self.half(slot, direction)?))
    }

    fn reset_slot(&mut self, slot: SlotIndex) -> Result<(), DatapathError> {
        for direction in [Direction::Uplink, Direction::Downlink] {
            latch::reset(self.half(slot, direction)?);
        }
        Ok(())
    }

    fn counters(
        &self,
        slot: SlotIndex,
        direction: Direction,
    ) -> Result<SlotCounters, DatapathError> {
        Ok(latch::counters(self.half(slot, direction)?))
    }

    fn set_block(&mut self, block: u32, first: Option<SlotIndex>) -> Result<(), DatapathError> {
        if let Some(first) = first
            && first.0.saturating_add(BLOCK_SLOTS) > self.sizes.slots
        {
            return Err(out_of_range("SLOTS", first.0));
        }
        let content = Block(first.map_or(NO_SLOT, |slot| slot.0));
        if block < self.sizes.blocks && self.blocks.store(block, &content) {
            Ok(())
        } else {
            Err(out_of_range("BLOCKS", block))
        }
    }

    fn insert_teid(&mut self, teid: [u8; 4], slot: SlotIndex) -> Result<(), DatapathError> {
        self.check_slot("TEIDS", slot)?;
        inserted("TEIDS", self.teids.insert(teid, slot.0, 0))
    }

    fn remove_teid(&mut self, teid: [u8; 4]) -> Result<(), DatapathError> {
        removed("TEIDS", self.teids.remove(&teid))
    }

    fn insert_ue(&mut self, key: UeKey, slot: SlotIndex) -> Result<(), DatapathError> {
        self.check_slot("UE_ADDRESSES", slot)?;
        let outcome = self.ue_addresses.insert(Record(key), slot.0, 0);
        inserted("UE_ADDRESSES", outcome)
    }

    fn remove_ue(&mut self, key: UeKey) -> Result<(), DatapathError> {
        removed("UE_ADDRESSES", self.ue_addresses.remove(&Record(key)))
    }

    fn write_peer(&mut self, index: u32, peer: &Peer) -> Result<(), DatapathError> {
        if self.peers.store(index, peer) {
            Ok(())
        } else {
            Err(out_of_range("PEERS", index))
        }
    }

    fn write_list(&mut self, index: u32, list: &RuleList) -> Result<(), DatapathError> {
        if self.lists.store(index, list) {
            Ok(())
        } else {
            Err(out_of_range("LISTS", index))
        }
    }
}

fn out_of_range(table: &'static str, index: u32) -> DatapathError {
    DatapathError::OutOfRange {
        table,
        index: u64::from(index),
    }
}

/// A hash map that is full answers `E2BIG`.
fn inserted(table: &'static str, outcome: Result<(), MapError>) -> Result<(), DatapathError> {
    outcome.map_err(|error| {
        if os_error(&error) == Some(libc::E2BIG) {
            DatapathError::Full { table }
        } else {
            kernel(table, error)
        }
    })
}

fn removed(table: &'static str, outcome: Result<(), MapError>) -> Result<(), DatapathError> {
    match outcome {
        Err(MapError::KeyNotFound) => Ok(()),
        Err(error) if os_error(&error) == Some(libc::ENOENT) => Ok(()),
        outcome => outcome.map_err(|error| kernel(table, error)),
    }
}

pub(super) fn kernel(table: &'static str, error: MapError) -> DatapathError {
    let source = match os_error(&error) {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::other(error),
    };
    DatapathError::Kernel { table, source }
}

fn os_error(error: &MapError) -> Option<i32> {
    match error {
        MapError::SyscallError(call) => call.io_error.raw_os_error(),
        MapError::CreateError { io_error, .. } | MapError::IoError(io_error) => {
            io_error.raw_os_error()
        }
        _ => None,
    }
}
