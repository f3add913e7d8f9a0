//! Versions of a control plane's PFDs. An old one lives as long as a session has not followed the change, which may be
//! for good where it has no room for the new one: they are not many.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::applications::{Applications, MAX_WEIGHT, MAX_WEIGHT_OF_ALL};
use crate::pfcp::ie::NodeId;

/// Most bytes of all versions of one control plane; what they share counts for each.
const MAX_OF_OWNER: usize = 4 * MAX_WEIGHT;
/// The same of all control planes.
const MAX_OF_ALL: usize = 2 * MAX_WEIGHT_OF_ALL;
/// What a version counts beside its applications, so that small ones are not too many to look at.
const OVERHEAD: usize = 4096;

/// The versions that live.
#[derive(Debug, Default)]
pub(super) struct Versions(HashMap<NodeId, Vec<Weak<Applications>>>);

impl Versions {
    pub(super) fn add(&mut self, owner: &NodeId, version: &Arc<Applications>) {
        let versions = self.0.entry(owner.clone()).or_default();
        versions.push(Arc::downgrade(version));
    }

    /// Whether a control plane may have one more.
    pub(super) fn has_room_for(&mut self, owner: &NodeId) -> bool {
        self.0.retain(|_, versions| {
            versions.retain(|version| version.strong_count() > 0);
            !versions.is_empty()
        });
        let weigh = |versions: &Vec<Weak<Applications>>| -> usize {
            let alive = versions.iter().filter_map(Weak::upgrade);
            alive.map(|version| OVERHEAD + version.weight()).sum()
        };
        let of_all: usize = self.0.values().map(weigh).sum();
        self.0.get(owner).map_or(0, weigh) < MAX_OF_OWNER && of_all < MAX_OF_ALL
    }
}
