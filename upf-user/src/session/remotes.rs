//! Which sessions forward to which remote F-TEID, and whose they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::detection::RemoteTunnel;
use super::model::Model;
use crate::pfcp::ie::NodeId;

/// Remote F-TEIDs with the sessions that forward to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remotes {
    /// With the SEIDs of the sessions.
    tunnels: BTreeSet<(RemoteTunnel, u64)>,
    /// How many of `tunnels` each control plane has at an address.
    owners: HashMap<IpAddr, BTreeMap<NodeId, u32>>,
}

impl Remotes {
    /// A session's rules change from `old` to `new`.
    pub(super) fn change(&mut self, seid: u64, owner: &NodeId, old: &Model, new: &Model) {
        let tunnels = |model: &Model| -> BTreeSet<RemoteTunnel> {
            let fars = model.fars.iter();
            fars.flat_map(|far| far.remote_tunnels()).collect()
        };
        let (old, new) = (tunnels(old), tunnels(new));
        for gone in old.difference(&new) {
            if self.tunnels.remove(&(*gone, seid)) {
                self.leave(gone.address, owner);
            }
        }
        for come in new.difference(&old) {
            if self.tunnels.insert((*come, seid)) {
                self.join(come.address, owner);
            }
        }
    }

    fn join(&mut self, address: IpAddr, owner: &NodeId) {
        let owners = self.owners.entry(address).or_default();
        if let Some(count) = owners.get_mut(owner) {
            *count += 1;
        } else {
            owners.insert(owner.clone(), 1);
        }
    }

    fn leave(&mut self, address: IpAddr, owner: &NodeId) {
        let Some(owners) = self.owners.get_mut(&address) else {
            return;
        };
        if let Some(count) = owners.get_mut(owner) {
            *count -= 1;
            if *count == 0 {
                owners.remove(owner);
            }
        }
        if owners.is_empty() {
            self.owners.remove(&address);
        }
    }

    /// SEIDs of the sessions that forward there, in their order.
    pub(super) fn sessions(&self, tunnel: RemoteTunnel) -> impl Iterator<Item = u64> + '_ {
        let range = self.tunnels.range((tunnel, 0)..=(tunnel, u64::MAX));
        range.map(|(_, seid)| *seid)
    }

    /// The owners of sessions that forward to one of the addresses, each with those of the addresses, in order.
    pub(super) fn owners(&self, addresses: &[IpAddr]) -> Vec<(NodeId, Vec<IpAddr>)> {
        let mut found: BTreeMap<&NodeId, BTreeSet<IpAddr>> = BTreeMap::new();
        for address in addresses {
            for owner in self
                .owners
                .get(address)
                .into_iter()
                .flat_map(BTreeMap::keys)
            {
                found.entry(owner).or_default().insert(*address);
            }
        }
        let owned = |(owner, used): (&NodeId, BTreeSet<_>)| (owner.clone(), Vec::from_iter(used));
        found.into_iter().map(owned).collect()
    }
}
