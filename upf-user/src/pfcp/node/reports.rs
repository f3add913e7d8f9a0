//! What the UP function tells control planes by itself.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::time::Instant;

use super::event::Action;
use super::own_requests::{MAX_PEERS, Wish};
use super::{Node, Turn};
use crate::pfcp::ie::{NodeId, RemoteGtpuPeer};
use crate::pfcp::message::SessionReport;
use crate::pfcp::service::SessionService;

impl Node {
    /// Sends a report about a session of the owner's to its control plane (TS 29.244 clause 6.3.5). What it answers goes
    /// to [`SessionService::report_answered`]; a session that it does not know is ended. Without an
    /// association nothing is sent.
    pub fn report(
        &mut self,
        owner: &NodeId,
        report: SessionReport,
        now: Instant,
        sessions: &mut dyn SessionService,
    ) -> Vec<Action> {
        let mut turn = Turn::new(now, sessions);
        self.wish(owner, Wish::Report(report), &mut turn);
        self.ended(turn)
    }

    /// Sends what has become due of sessions.
    pub(super) fn send_reports(&mut self, turn: &mut Turn<'_>) {
        for (owner, report) in turn.sessions.take_reports() {
            self.wish(&owner, Wish::Report(report), turn);
        }
    }

    /// Tells the control planes of sessions with these GTP-U peers that the peers do not answer (clause 6.2.9).
    pub fn path_failed(
        &mut self,
        peers: &[RemoteGtpuPeer],
        now: Instant,
        sessions: &mut dyn SessionService,
    ) -> Vec<Action> {
        self.tell_of_peers(peers, Wish::PathFailure, now, sessions)
    }

    /// Tells the control planes of sessions with these GTP-U peers that the peers answer again (clause 6.2.9).
    pub fn path_recovered(
        &mut self,
        peers: &[RemoteGtpuPeer],
        now: Instant,
        sessions: &mut dyn SessionService,
    ) -> Vec<Action> {
        self.tell_of_peers(peers, Wish::PathRecovery, now, sessions)
    }

    fn tell_of_peers(
        &mut self,
        peers: &[RemoteGtpuPeer],
        wish: impl Fn(Vec<RemoteGtpuPeer>) -> Wish,
        now: Instant,
        sessions: &mut dyn SessionService,
    ) -> Vec<Action> {
        let addresses: Vec<_> = peers.iter().flat_map(addresses).collect();
        let mut by_node: BTreeMap<NodeId, Vec<&RemoteGtpuPeer>> = BTreeMap::new();
        for (node, used) in sessions.owners_of_peers(&addresses) {
            let used: HashSet<_> = used.into_iter().collect();
            let uses = |peer: &&RemoteGtpuPeer| addresses_in(peer, &used);
            by_node.insert(node, peers.iter().filter(uses).collect());
        }
        let mut turn = Turn::new(now, sessions);
        for (node, peers) in by_node {
            for peers in peers.chunks(MAX_PEERS) {
                let peers = peers.iter().copied().cloned().collect();
                self.wish(&node, wish(peers), &mut turn);
            }
        }
        self.ended(turn)
    }
}

fn addresses(peer: &RemoteGtpuPeer) -> impl Iterator<Item = IpAddr> + use<> {
    let ipv4 = peer.ipv4.map(IpAddr::V4);
    ipv4.into_iter().chain(peer.ipv6.map(IpAddr::V6))
}

fn addresses_in(peer: &RemoteGtpuPeer, used: &HashSet<IpAddr>) -> bool {
    addresses(peer).any(|address| used.contains(&address))
}
