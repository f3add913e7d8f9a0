//! The allocator of slots.

use std::collections::{BTreeSet, HashMap};

use upf_common::abi::BLOCK_SLOTS;

use crate::datapath::SlotIndex;

/// Slots of one chunk: what an address block needs.
const CHUNK: u32 = BLOCK_SLOTS;

/// Hands out slots, in chunks of 256.
///
/// A chunk is free, or bound to an address block (then the address decides the slot), or serves single
/// slots for whoever asks. When chunks run out, a block with few users can be dissolved: its users keep
/// their slots, and the rest of the chunk serves single slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlotAllocator {
    capacity: u32,
    used: u32,
    chunks: Vec<Chunk>,
    /// Unbound chunks without a used slot.
    free: BTreeSet<u32>,
    /// Unbound chunks with used and unused slots.
    open: BTreeSet<u32>,
    /// Bound chunks by block.
    bound: HashMap<u32, u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Chunk {
    used: [u64; 4],
    block: Option<u32>,
}

impl SlotAllocator {
    /// An allocator of `capacity` slots, all free.
    #[must_use]
    pub(super) fn new(capacity: u32) -> Self {
        let chunks = capacity.div_ceil(CHUNK);
        Self {
            capacity,
            used: 0,
            chunks: vec![Chunk::default(); chunks as usize],
            free: (0..chunks).collect(),
            open: BTreeSet::new(),
            bound: HashMap::new(),
        }
    }

    /// Slots in use.
    #[must_use]
    pub(super) fn used(&self) -> u32 {
        self.used
    }

    /// Takes any slot that no block has.
    pub(super) fn claim(&mut self) -> Option<SlotIndex> {
        // From the end, because an incomplete last chunk cannot serve a block.
        let chunk = *self.open.last().or_else(|| self.free.last())?;
        let place = self.chunks[chunk as usize].first_unused()?;
        let slot = SlotIndex(chunk * CHUNK + place);
        self.set(slot, true);
        Some(slot)
    }

    /// Takes one particular slot; false if it is in use or does not exist.
    pub(super) fn claim_at(&mut self, slot: SlotIndex) -> bool {
        if slot.0 >= self.capacity || self.is_used(slot) {
            return false;
        }
        self.set(slot, true);
        true
    }

    /// Gives a slot back.
    pub(super) fn release(&mut self, slot: SlotIndex) {
        if slot.0 < self.capacity && self.is_used(slot) {
            self.set(slot, false);
        }
    }

    /// Whether a slot is in use.
    #[must_use]
    pub(super) fn is_used(&self, slot: SlotIndex) -> bool {
        let (chunk, word, bit) = place_of(slot);
        self.chunks
            .get(chunk as usize)
            .is_some_and(|chunk| chunk.used[word] & bit != 0)
    }

    /// The first slot of a block's chunk.
    #[must_use]
    pub(super) fn first_of(&self, block: u32) -> Option<SlotIndex> {
        self.bound.get(&block).map(|chunk| SlotIndex(chunk * CHUNK))
    }

    /// The block that has this slot.
    #[cfg(test)]
    pub(super) fn block_of(&self, slot: SlotIndex) -> Option<u32> {
        self.chunks.get((slot.0 / CHUNK) as usize)?.block
    }

    /// Gives a block a whole free chunk, if there is one, and says where it starts.
    pub(super) fn bind(&mut self, block: u32) -> Option<SlotIndex> {
        let chunk = self.free.iter().copied().find(|c| self.size(*c) == CHUNK)?;
        self.free.remove(&chunk);
        self.chunks[chunk as usize].block = Some(block);
        self.bound.insert(block, chunk);
        Some(SlotIndex(chunk * CHUNK))
    }

    /// Whether the chunk that starts at `first` is no block's, so that it may be given to one ([`Self::rebind`]). Slots there may
    /// be in use.
    #[must_use]
    pub(super) fn may_bind_at(&self, first: SlotIndex) -> bool {
        let chunk = first.0 / CHUNK;
        let has_none = |chunk: &Chunk| chunk.block.is_none();
        first.0.is_multiple_of(CHUNK)
            && self.chunks.get(chunk as usize).is_some_and(has_none)
            && self.size(chunk) == CHUNK
    }

    /// Takes a block's chunk away; slots in use stay in use.
    pub(super) fn unbind(&mut self, block: u32) {
        if let Some(chunk) = self.bound.remove(&block) {
            self.chunks[chunk as usize].block = None;
            self.sort(chunk);
        }
    }

    /// The chunk that starts at `first` and is no block's is the block's again, as it was before [`Self::unbind`] or our restart.
    pub(super) fn rebind(&mut self, block: u32, first: SlotIndex) {
        let chunk = first.0 / CHUNK;
        self.chunks[chunk as usize].block = Some(block);
        self.bound.insert(block, chunk);
        self.sort(chunk);
    }

    /// The block whose chunk has the fewest used slots, if that leaves any.
    #[must_use]
    pub(super) fn sparsest_block(&self) -> Option<u32> {
        let chunks = self.chunks.iter();
        chunks
            .filter_map(|chunk| Some((chunk.count(), chunk.block?)))
            .min()
            .filter(|(count, _)| *count < CHUNK)
            .map(|(_, block)| block)
    }

    fn set(&mut self, slot: SlotIndex, used: bool) {
        let (chunk, word, bit) = place_of(slot);
        let bits = &mut self.chunks[chunk as usize].used[word];
        if used {
            *bits |= bit;
            self.used += 1;
        } else {
            *bits &= !bit;
            self.used -= 1;
        }
        self.sort(chunk);
    }

    /// Puts a chunk into the set where it belongs.
    fn sort(&mut self, index: u32) {
        let chunk = &self.chunks[index as usize];
        let (unbound, count) = (chunk.block.is_none(), chunk.count());
        let size = self.size(index);
        put(&mut self.free, index, unbound && count == 0);
        put(&mut self.open, index, unbound && count > 0 && count < size);
    }

    fn size(&self, chunk: u32) -> u32 {
        CHUNK.min(self.capacity - chunk * CHUNK)
    }
}

impl Chunk {
    fn count(&self) -> u32 {
        self.used.iter().map(|word| word.count_ones()).sum()
    }

    fn first_unused(&self) -> Option<u32> {
        let word = self.used.iter().position(|word| *word != u64::MAX)?;
        Some(word as u32 * 64 + self.used[word].trailing_ones())
    }
}

fn place_of(slot: SlotIndex) -> (u32, usize, u64) {
    let place = slot.0 % CHUNK;
    (slot.0 / CHUNK, (place / 64) as usize, 1 << (place % 64))
}

fn put(set: &mut BTreeSet<u32>, member: u32, wanted: bool) {
    if wanted {
        set.insert(member);
    } else {
        set.remove(&member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn singles_come_from_the_incomplete_chunk_first() {
        let mut slots = SlotAllocator::new(600);
        assert_eq!(slots.claim(), Some(SlotIndex(512)));
        assert_eq!(slots.claim(), Some(SlotIndex(513)));
        assert_eq!(slots.bind(7), Some(SlotIndex(0)));
        assert_eq!(slots.bind(8), Some(SlotIndex(256)));
        assert_eq!(slots.bind(9), None);
        assert_eq!(slots.first_of(8), Some(SlotIndex(256)));
        assert_eq!(slots.block_of(SlotIndex(300)), Some(8));
        assert_eq!(slots.block_of(SlotIndex(513)), None);
        for _ in 2..88 {
            assert!(slots.claim().is_some());
        }
        assert_eq!(slots.claim(), None, "the rest belongs to blocks");
    }

    #[test]
    fn a_dissolved_block_keeps_its_users_and_frees_the_rest() {
        let mut slots = SlotAllocator::new(256);
        slots.bind(3);
        assert!(slots.claim_at(SlotIndex(5)));
        assert!(!slots.claim_at(SlotIndex(5)));
        assert!(!slots.claim_at(SlotIndex(256)));
        assert_eq!(slots.claim(), None);
        assert_eq!(slots.sparsest_block(), Some(3));
        let before = slots.clone();
        slots.unbind(3);
        let mut again = slots.clone();
        again.rebind(3, SlotIndex(0));
        assert_eq!(again, before);
        let singles: HashSet<_> = std::iter::from_fn(|| slots.claim()).collect();
        assert_eq!(singles.len(), 255);
        assert!(!singles.contains(&SlotIndex(5)));
        assert_eq!(slots.sparsest_block(), None);
    }

    proptest! {
        #[test]
        fn no_slot_is_given_twice_and_all_come_back(
            capacity in 1u32..1100,
            steps in proptest::collection::vec((0u8..6, 0u32..1100), 1..400),
        ) {
            let fresh = SlotAllocator::new(capacity);
            let mut slots = fresh.clone();
            let (mut held, mut blocks) = (HashSet::new(), HashSet::new());
            for (what, number) in steps {
                match what {
                    0 | 1 => if let Some(slot) = slots.claim() {
                        prop_assert!(slot.0 < capacity && held.insert(slot));
                        prop_assert_eq!(slots.block_of(slot), None);
                    },
                    2 => prop_assert_eq!(
                        slots.claim_at(SlotIndex(number)),
                        number < capacity && held.insert(SlotIndex(number))
                    ),
                    3 => {
                        held.remove(&SlotIndex(number));
                        slots.release(SlotIndex(number));
                    }
                    4 => if !blocks.contains(&(number % 8)) && let Some(first) = slots.bind(number % 8) {
                        blocks.insert(number % 8);
                        prop_assert!((first.0..first.0 + 256).all(|s| !held.contains(&SlotIndex(s))));
                    },
                    _ => {
                        blocks.remove(&(number % 8));
                        slots.unbind(number % 8);
                    }
                }
                prop_assert_eq!(slots.used() as usize, held.len());
            }
            for slot in held { slots.release(slot); }
            for block in blocks { slots.unbind(block); }
            prop_assert_eq!(slots, fresh);
        }
    }
}
