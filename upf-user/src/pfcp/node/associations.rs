//! The associations, by node and by address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::own_requests::Line;
use super::request::Request;
use crate::pfcp::ie::{CpFunctionFeatures, NodeId};

/// Most associations. More are refused with cause 75.
pub const MAX_ASSOCIATIONS: usize = 1024;
/// Most associations of nodes at one address, so that no peer takes them all. More are refused with cause 75.
pub const MAX_ASSOCIATIONS_OF_ADDRESS: usize = 64;
/// Most addresses that an association's requests come from.
pub(super) const MAX_ADDRESSES: usize = 8;

/// An association, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationView {
    /// The control plane's node.
    pub node_id: NodeId,
    /// Where it is.
    pub address: SocketAddr,
    /// When it started, in seconds of NTP.
    pub recovery_time_stamp: u32,
    /// When the association was set up.
    pub since: Instant,
    /// Whether it answers heartbeats.
    pub reachable: bool,
    /// CP Function Features, as last told.
    pub cp_features: CpFunctionFeatures,
    /// Whether it takes no new sessions, because it is about to be released.
    pub is_releasing: bool,
}

#[derive(Debug)]
pub(super) struct Association {
    /// Where the set-up came from or went to; our requests go there.
    pub(super) address: SocketAddr,
    pub(super) recovery_time_stamp: u32,
    pub(super) since: Instant,
    /// CP Function Features, as last told.
    pub(super) cp_features: CpFunctionFeatures,
    /// Whether it takes no new sessions.
    pub(super) is_releasing: bool,
    /// When it goes then.
    pub(super) release_at: Option<Instant>,
    /// Our other requests.
    pub(super) line: Line,
    /// Our heartbeat that waits for its response.
    pub(super) heartbeat: Option<Request>,
    /// When it answered something last.
    pub(super) heard: Option<Instant>,
    /// Since when heartbeats are not answered.
    pub(super) unreachable_since: Option<Instant>,
    /// Where its requests came from, the first one that of `address`.
    pub(super) addresses: Vec<IpAddr>,
}

impl Association {
    pub(super) fn new(
        address: SocketAddr,
        recovery_time_stamp: u32,
        cp_features: CpFunctionFeatures,
        now: Instant,
    ) -> Self {
        Self {
            address,
            recovery_time_stamp,
            since: now,
            cp_features,
            is_releasing: false,
            release_at: None,
            line: Line::default(),
            heartbeat: None,
            heard: None,
            unreachable_since: None,
            addresses: vec![address.ip()],
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Associations {
    by_node: HashMap<NodeId, Association>,
    /// Several nodes may share an address.
    by_address: HashMap<IpAddr, Vec<NodeId>>,
}

impl Associations {
    pub(super) fn len(&self) -> usize {
        self.by_node.len()
    }

    pub(super) fn get(&self, node: &NodeId) -> Option<&Association> {
        self.by_node.get(node)
    }

    pub(super) fn get_mut(&mut self, node: &NodeId) -> Option<&mut Association> {
        self.by_node.get_mut(node)
    }

    /// All nodes, in no order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.by_node.keys()
    }

    /// Whether there is room for another one, at this address.
    pub(super) fn has_room_for(&self, node: &NodeId, address: IpAddr) -> bool {
        let others = |nodes: usize, has_it: bool| nodes - usize::from(has_it);
        let there = self.at(address);
        others(self.len(), self.get(node).is_some()) < MAX_ASSOCIATIONS
            && others(there.len(), there.contains(node)) < MAX_ASSOCIATIONS_OF_ADDRESS
    }

    /// The nodes that a message may come from: those whose own address and port it came from, where there are such,
    /// else all that are known at the IP address.
    pub(super) fn senders(&self, from: SocketAddr) -> impl Iterator<Item = &NodeId> {
        let nodes = self.at(from.ip());
        let is_exact = move |node: &NodeId| self.get(node).is_some_and(|own| own.address == from);
        let has_exact = nodes.iter().any(is_exact);
        nodes
            .iter()
            .filter(move |node| !has_exact || is_exact(node))
    }

    /// The nodes at an address.
    pub(super) fn at(&self, address: IpAddr) -> &[NodeId] {
        self.by_address.get(&address).map_or(&[], Vec::as_slice)
    }

    /// Adds an association with a node that has none.
    pub(super) fn insert(&mut self, node: NodeId, association: Association) {
        for address in &association.addresses {
            let nodes = self.by_address.entry(*address).or_default();
            nodes.push(node.clone());
        }
        self.by_node.insert(node, association);
    }

    /// Remembers another address of a node, as long as there is room; says whether it is new.
    pub(super) fn add_address(&mut self, node: &NodeId, address: IpAddr) -> bool {
        let Some(association) = self.by_node.get_mut(node) else {
            return false;
        };
        let addresses = &mut association.addresses;
        if addresses.contains(&address) || addresses.len() >= MAX_ADDRESSES {
            return false;
        }
        addresses.push(address);
        let nodes = self.by_address.entry(address).or_default();
        nodes.push(node.clone());
        true
    }

    /// Removes an association.
    pub(super) fn remove(&mut self, node: &NodeId) -> Option<Association> {
        let association = self.by_node.remove(node)?;
        for address in &association.addresses {
            if let Some(nodes) = self.by_address.get_mut(address) {
                nodes.retain(|other| other != node);
                if nodes.is_empty() {
                    self.by_address.remove(address);
                }
            }
        }
        Some(association)
    }

    pub(super) fn views(&self) -> impl Iterator<Item = AssociationView> {
        self.by_node
            .iter()
            .map(|(node_id, association)| AssociationView {
                node_id: node_id.clone(),
                address: association.address,
                recovery_time_stamp: association.recovery_time_stamp,
                since: association.since,
                reachable: association.unreachable_since.is_none(),
                cp_features: association.cp_features,
                is_releasing: association.is_releasing,
            })
    }
}
