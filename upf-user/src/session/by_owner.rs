//! Which sessions a control plane has, and short names for control planes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::pfcp::ie::NodeId;

/// Our SEIDs by the control plane whose sessions they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ByOwner(HashMap<NodeId, BTreeSet<u64>>);

impl ByOwner {
    pub(super) fn insert(&mut self, owner: &NodeId, seid: u64) {
        // Mostly the control plane is there already, and its name need not be copied.
        if let Some(seids) = self.0.get_mut(owner) {
            seids.insert(seid);
        } else {
            self.0.insert(owner.clone(), BTreeSet::from([seid]));
        }
    }

    pub(super) fn remove(&mut self, owner: &NodeId, seid: u64) {
        let Some(seids) = self.0.get_mut(owner) else {
            return;
        };
        seids.remove(&seid);
        if seids.is_empty() {
            self.0.remove(owner);
        }
    }

    /// The control planes, in no order.
    pub(super) fn owners(&self) -> impl Iterator<Item = &NodeId> {
        self.0.keys()
    }

    /// The control plane's SEIDs.
    pub(super) fn all(&self, owner: &NodeId) -> impl Iterator<Item = u64> {
        self.0.get(owner).into_iter().flatten().copied()
    }

    /// The control plane's first SEID that is not below `from`.
    pub(super) fn next(&self, owner: &NodeId, from: u64) -> Option<u64> {
        self.0.get(owner)?.range(from..).next().copied()
    }
}

/// How many slots the sessions of each control plane have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotsByOwner(HashMap<NodeId, u32>);

impl SlotsByOwner {
    /// A session of the control plane has `new` slots and no more `old` ones.
    pub(super) fn change(&mut self, owner: &NodeId, old: u32, new: u32) {
        if old == new {
            return;
        }
        let Some(slots) = self.0.get_mut(owner) else {
            self.0.insert(owner.clone(), new);
            return;
        };
        *slots = *slots - old + new;
        if *slots == 0 {
            self.0.remove(owner);
        }
    }

    pub(super) fn of(&self, owner: &NodeId) -> u32 {
        self.0.get(owner).copied().unwrap_or_default()
    }
}

/// Control planes by small numbers, for tables with an entry for each of many things that they have: a Node ID may be a
/// name of 255 octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owners {
    numbers: HashMap<NodeId, u32>,
    /// By number, each with how many things it has.
    names: BTreeMap<u32, (NodeId, usize)>,
}

impl Owners {
    /// The control plane has one thing more; its number, which stays as long as it has one.
    pub(super) fn join(&mut self, owner: &NodeId) -> u32 {
        if let Some(number) = self.numbers.get(owner).copied() {
            if let Some((_, count)) = self.names.get_mut(&number) {
                *count += 1;
            }
            return number;
        }
        let number = self.free_number();
        self.numbers.insert(owner.clone(), number);
        self.names.insert(number, (owner.clone(), 1));
        number
    }

    /// It has one thing less; the number that it had.
    pub(super) fn leave(&mut self, owner: &NodeId) -> Option<u32> {
        let number = self.numbers.get(owner).copied()?;
        let (_, count) = self.names.get_mut(&number)?;
        *count -= 1;
        if *count == 0 {
            self.names.remove(&number);
            self.numbers.remove(owner);
        }
        Some(number)
    }

    pub(super) fn name(&self, number: u32) -> Option<&NodeId> {
        self.names.get(&number).map(|(owner, _)| owner)
    }

    /// The lowest that is free: control planes are few.
    fn free_number(&self) -> u32 {
        let used = self.names.keys().copied();
        let end = self.names.len() as u32;
        (0..)
            .zip(used)
            .find_map(|(n, used)| (n != used).then_some(n))
            .unwrap_or(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_free_again_when_its_control_plane_has_nothing_any_more() {
        let node = |name: &str| NodeId::Fqdn(name.to_owned());
        let mut owners = Owners::default();
        assert_eq!(
            ["a", "b", "a", "c"].map(|name| owners.join(&node(name))),
            [0, 1, 0, 2]
        );
        assert_eq!(owners.leave(&node("a")), Some(0));
        assert_eq!(owners.name(0), Some(&node("a")));
        assert_eq!(
            ["a", "b", "b"].map(|name| owners.leave(&node(name))),
            [Some(0), Some(1), None]
        );
        assert_eq!((owners.name(0), owners.name(2)), (None, Some(&node("c"))));
        assert_eq!(
            ["d", "c", "e", "f"].map(|name| owners.join(&node(name))),
            [0, 2, 1, 3]
        );
        for name in ["c", "c", "d", "e", "f"] {
            owners.leave(&node(name));
        }
        assert_eq!(owners, Owners::default());
    }
}
