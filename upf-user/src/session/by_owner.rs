//! Which sessions a control plane has.

use std::collections::{BTreeSet, HashMap};

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

    /// The control plane's first SEID that is not below `from`.
    pub(super) fn next(&self, owner: &NodeId, from: u64) -> Option<u64> {
        self.0.get(owner)?.range(from..).next().copied()
    }
}
