//! Whose sessions send to which GTP-U peers.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use super::Session;
use crate::pfcp::ie::NodeId;

/// The owners of sessions that send to one of the peers, each with those of the peers that it uses. Looks at every
/// session once: to be asked when a path fails or is there again, not for each packet.
pub(super) fn owners<'a>(
    sessions: impl Iterator<Item = &'a Session>,
    peers: &[IpAddr],
) -> Vec<(NodeId, Vec<IpAddr>)> {
    let peers: HashSet<_> = peers.iter().copied().collect();
    let mut owners: BTreeMap<&NodeId, BTreeSet<IpAddr>> = BTreeMap::new();
    for session in sessions {
        let fars = session.model.fars.iter();
        for tunnel in fars.flat_map(|far| far.remote_tunnels()) {
            if peers.contains(&tunnel.address) {
                let used = owners.entry(&session.owner).or_default();
                used.insert(tunnel.address);
            }
        }
    }
    let owned = |(owner, used): (&NodeId, BTreeSet<_>)| (owner.clone(), Vec::from_iter(used));
    owners.into_iter().map(owned).collect()
}
