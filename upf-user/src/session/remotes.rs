//! Which sessions forward to which remote F-TEID.

use std::collections::BTreeSet;

use super::detection::RemoteTunnel;
use super::model::Model;

/// Remote F-TEIDs with the SEIDs of the sessions that forward to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remotes(BTreeSet<(RemoteTunnel, u64)>);

impl Remotes {
    /// A session's rules change from `old` to `new`.
    pub(super) fn change(&mut self, seid: u64, old: &Model, new: &Model) {
        let tunnels = |model: &Model| -> BTreeSet<RemoteTunnel> {
            let fars = model.fars.iter();
            fars.flat_map(|far| far.remote_tunnels()).collect()
        };
        let (old, new) = (tunnels(old), tunnels(new));
        for gone in old.difference(&new) {
            self.0.remove(&(*gone, seid));
        }
        for come in new.difference(&old) {
            self.0.insert((*come, seid));
        }
    }

    /// SEIDs of the sessions that forward there, in their order.
    pub(super) fn sessions(&self, tunnel: RemoteTunnel) -> impl Iterator<Item = u64> + '_ {
        let range = self.0.range((tunnel, 0)..=(tunnel, u64::MAX));
        range.map(|(_, seid)| *seid)
    }
}
