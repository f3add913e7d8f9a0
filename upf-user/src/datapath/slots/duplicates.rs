//! Where copies of packets go (DUPL, TS 29.244 clause 5.2.3). The fast path only knows a number; the agent, which
//! gets the packets that are to be copied, looks here what it means.

use std::collections::HashMap;
use std::sync::Arc;

use super::peers::PeerKey;

/// Most sets of destinations at a time.
pub const MAX_DUPLICATES: usize = 4096;

/// Where one copy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duplicate {
    /// The GTP-U peer and its TEID; without one the plain packet leaves.
    pub tunnel: Option<(PeerKey, u32)>,
    /// Number of the network instance that a plain packet leaves by.
    pub instance: u32,
    /// DSCP of the outer header.
    pub dscp: Option<u8>,
}

/// Where the copies of a PDR's packets go: one or more destinations.
pub type DuplicateSet = Arc<[Duplicate]>;

/// Numbers the sets of destinations. PDRs with the same destinations share a number. A number is not given to another
/// set before all others were, so that a packet on its way to the agent is not copied to somebody else.
#[derive(Clone, Debug)]
pub(super) struct Duplicates {
    of_set: HashMap<DuplicateSet, Entry>,
    sets: HashMap<u32, DuplicateSet>,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: u32,
    users: u32,
}

impl Duplicates {
    pub(super) fn new() -> Self {
        Self {
            of_set: HashMap::new(),
            sets: HashMap::new(),
            last: 0,
        }
    }

    /// What a number means.
    pub(super) fn get(&self, id: u32) -> Option<&DuplicateSet> {
        self.sets.get(&id)
    }

    /// The number of a set that has users; never 0.
    pub(super) fn id_of(&self, set: &[Duplicate]) -> Option<u32> {
        self.of_set.get(set).map(|entry| entry.id)
    }

    /// Adds a user; false if there are too many sets.
    pub(super) fn acquire(&mut self, set: &DuplicateSet) -> bool {
        if let Some(entry) = self.of_set.get_mut(set) {
            entry.users += 1;
            return true;
        }
        if self.sets.len() >= MAX_DUPLICATES {
            return false;
        }
        // There are more numbers than sets, so this ends.
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.sets.contains_key(&self.last) {
                break;
            }
        }
        let entry = Entry {
            id: self.last,
            users: 1,
        };
        self.of_set.insert(set.clone(), entry);
        self.sets.insert(self.last, set.clone());
        true
    }

    /// Takes a user away.
    pub(super) fn release(&mut self, set: &[Duplicate]) {
        let Some(entry) = self.of_set.get_mut(set) else {
            return;
        };
        entry.users -= 1;
        if entry.users == 0 {
            self.sets.remove(&entry.id);
            self.of_set.remove(set);
        }
    }

    /// Users of each set that has some.
    #[cfg(test)]
    pub(super) fn users(&self) -> std::collections::BTreeMap<Vec<Duplicate>, u32> {
        let sets = self.of_set.iter();
        sets.map(|(set, entry)| (set.to_vec(), entry.users))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(instance: u32) -> DuplicateSet {
        let copy = Duplicate {
            tunnel: None,
            instance,
            dscp: None,
        };
        Arc::from([copy])
    }

    #[test]
    fn a_number_lives_as_long_as_its_users_and_is_not_reused_at_once() {
        let mut duplicates = Duplicates::new();
        assert!(duplicates.acquire(&set(1)) && duplicates.acquire(&set(1)));
        assert!(duplicates.acquire(&set(2)));
        assert_eq!(duplicates.id_of(&set(1)), Some(1));
        assert_eq!(duplicates.get(2), Some(&set(2)));
        duplicates.release(&set(1));
        assert_eq!(duplicates.get(1), Some(&set(1)));
        duplicates.release(&set(1));
        assert_eq!((duplicates.get(1), duplicates.id_of(&set(1))), (None, None));
        assert!(duplicates.acquire(&set(1)));
        assert_eq!(duplicates.id_of(&set(1)), Some(3));
    }

    #[test]
    fn numbers_go_round_and_leave_out_zero_and_those_in_use() {
        let mut duplicates = Duplicates::new();
        duplicates.acquire(&set(1));
        duplicates.last = u32::MAX - 1;
        duplicates.acquire(&set(2));
        duplicates.acquire(&set(3));
        assert_eq!(duplicates.id_of(&set(2)), Some(u32::MAX));
        assert_eq!(duplicates.id_of(&set(3)), Some(2));
    }

    #[test]
    fn there_is_a_bound() {
        let mut duplicates = Duplicates::new();
        let count = (0..5000).filter(|n| duplicates.acquire(&set(*n))).count();
        assert_eq!(count, MAX_DUPLICATES);
        assert!(duplicates.acquire(&set(7)), "one that is there already");
    }
}
