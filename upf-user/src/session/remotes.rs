//! Which sessions forward to which remote F-TEID, and whose they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::by_owner::Owners;
use super::detection::RemoteTunnel;
use super::model::Model;
use crate::pfcp::ie::NodeId;

/// What a remote tunnel of a session takes here at most, in bytes: an entry of each of the maps below, where it is the
/// only one of its control plane at its address. Their nodes may be half empty, and others point to them.
pub(super) const WEIGHT: usize =
    3 * (size_of::<(RemoteTunnel, u64)>() + size_of::<((IpAddr, u32), u32)>());

/// Remote F-TEIDs with the sessions that forward to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remotes {
    /// With the SEIDs of the sessions.
    tunnels: BTreeSet<(RemoteTunnel, u64)>,
    /// How many of `tunnels` each control plane, by its number, has at an address.
    users: BTreeMap<(IpAddr, u32), u32>,
    /// The control planes that have some.
    owners: Owners,
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
        let number = self.owners.join(owner);
        *self.users.entry((address, number)).or_default() += 1;
    }

    fn leave(&mut self, address: IpAddr, owner: &NodeId) {
        let Some(number) = self.owners.leave(owner) else {
            return;
        };
        if let Some(count) = self.users.get_mut(&(address, number)) {
            *count -= 1;
            if *count == 0 {
                self.users.remove(&(address, number));
            }
        }
    }

    /// SEIDs of the sessions that forward there, in their order.
    pub(super) fn sessions(&self, tunnel: RemoteTunnel) -> impl Iterator<Item = u64> + '_ {
        let range = self.tunnels.range((tunnel, 0)..=(tunnel, u64::MAX));
        range.map(|(_, seid)| *seid)
    }

    /// The owners of sessions that forward to one of the addresses, each with those of the addresses, in order.
    pub(super) fn owners(&self, addresses: &[IpAddr]) -> Vec<(NodeId, Vec<IpAddr>)> {
        let mut found: HashMap<u32, BTreeSet<IpAddr>> = HashMap::new();
        for address in addresses {
            let users = self.users.range((*address, 0)..=(*address, u32::MAX));
            for ((_, number), _) in users {
                found.entry(*number).or_default().insert(*address);
            }
        }
        let owned = |(number, used): (u32, BTreeSet<_>)| {
            Some((self.owners.name(number)?.clone(), Vec::from_iter(used)))
        };
        let mut owners: Vec<_> = found.into_iter().filter_map(owned).collect();
        owners.sort_unstable();
        owners
    }
}
