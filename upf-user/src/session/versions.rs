//! How much memory the versions of control planes' PFDs take. An old version lives as long as a session has not
//! followed the change, which may be for good where it has no room for the new one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::applications::{MAX_WEIGHT, MAX_WEIGHT_OF_ALL};
use crate::pfcp::ie::NodeId;

/// A control plane with this many bytes in its versions gets no new one before an old one has gone.
const MAX_OF_OWNER: usize = 4 * MAX_WEIGHT;
/// The same of all control planes; but one without old versions gets a new one in any case.
const MAX_OF_ALL: usize = 2 * MAX_WEIGHT_OF_ALL;

/// The memory of each control plane's versions.
#[derive(Debug, Default)]
pub(super) struct Versions(HashMap<NodeId, Memory>);

/// Bytes that the versions of one control plane take. What they share counts once.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<AtomicUsize>);

/// Some of those bytes; dropped, they are not taken any more.
#[derive(Debug)]
pub(super) struct Taken {
    bytes: usize,
    memory: Memory,
}

impl Versions {
    /// The memory of a control plane.
    pub(super) fn memory(&mut self, owner: &NodeId) -> Memory {
        self.0.retain(|_, memory| memory.bytes() > 0);
        if let Some(memory) = self.0.get(owner) {
            return memory.clone();
        }
        self.0.entry(owner.clone()).or_default().clone()
    }

    /// Whether a control plane may have one more version; `current` is what its last one takes.
    pub(super) fn has_room_for(&self, owner: &NodeId, current: usize) -> bool {
        let of_owner = self.0.get(owner).map_or(0, Memory::bytes);
        let of_all: usize = self.0.values().map(Memory::bytes).sum();
        let has_old = of_owner > current;
        !has_old || of_owner < MAX_OF_OWNER && of_all < MAX_OF_ALL
    }
}

impl Memory {
    pub(super) fn take(&self, bytes: usize) -> Taken {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Taken {
            bytes,
            memory: self.clone(),
        }
    }

    fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Taken {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.memory.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl PartialEq for Taken {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Taken {}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(n: usize) -> NodeId {
        NodeId::Fqdn(format!("smf-{n}.example.org"))
    }

    #[test]
    fn a_control_plane_has_so_many_versions() {
        let mut versions = Versions::default();
        let memory = versions.memory(&node(1));
        let mut taken = vec![memory.take(MAX_WEIGHT)];
        while versions.has_room_for(&node(1), MAX_WEIGHT) {
            taken.push(memory.take(MAX_WEIGHT));
        }
        assert_eq!(taken.len(), 4);
        assert!(!versions.has_room_for(&node(1), 0), "its last one is gone");
        assert!(versions.has_room_for(&node(2), 0));
        taken.pop();
        assert!(versions.has_room_for(&node(1), MAX_WEIGHT));
        taken.clear();
        versions.memory(&node(2));
        assert_eq!(versions.0.len(), 1);
    }

    #[test]
    fn many_do_not_shut_others_out() {
        let mut versions = Versions::default();
        let mut taken = Vec::new();
        for n in 0..MAX_OF_ALL / MAX_OF_OWNER {
            assert!(versions.has_room_for(&node(n), 0));
            taken.push(versions.memory(&node(n)).take(MAX_OF_OWNER));
        }
        let other = node(99);
        assert!(versions.has_room_for(&other, 0));
        let first = versions.memory(&other).take(MAX_WEIGHT);
        assert!(versions.has_room_for(&other, MAX_WEIGHT), "nothing is old");
        let second = versions.memory(&other).take(MAX_WEIGHT);
        assert!(!versions.has_room_for(&other, MAX_WEIGHT));
        drop(first);
        assert!(versions.has_room_for(&other, MAX_WEIGHT));
        drop(second);
    }
}
