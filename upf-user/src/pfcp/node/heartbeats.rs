//! Heartbeats (TS 29.244 clause 6.2.2) and what they tell: that a peer lives, and whether it has restarted
//! (TS 23.007 clause 19A).

use std::net::SocketAddr;

use super::dispatch::Reply;
use super::event::{Ending, Event};
use super::request::Request;
use super::{Node, Timer, Turn};
use crate::pfcp::codec::{Body, Heartbeat};
use crate::pfcp::ie::NodeId;

impl Node {
    /// Answers a heartbeat, of whomever.
    pub(super) fn heartbeat(
        &mut self,
        from: SocketAddr,
        heartbeat: Heartbeat,
        turn: &mut Turn<'_>,
    ) -> Reply {
        for node in self.heartbeat_senders(from) {
            self.stamp_seen(&node, heartbeat.recovery_time_stamp, turn);
        }
        let body = Body::HeartbeatResponse(self.our_heartbeat());
        Reply::fleeting(0, body)
    }

    fn our_heartbeat(&self) -> Heartbeat {
        Heartbeat {
            recovery_time_stamp: self.config.recovery_time_stamp,
        }
    }

    /// The nodes that a heartbeat speaks for. It does not name its node: where several have their association
    /// at one address, those count that were set up from the same port.
    fn heartbeat_senders(&self, from: SocketAddr) -> Vec<NodeId> {
        let address = |node: &NodeId| self.associations.get(node).map(|a| a.address);
        let mut nodes = self.associations.at(from.ip()).to_vec();
        nodes.retain(|node| address(node).is_some_and(|address| address.ip() == from.ip()));
        if nodes.len() > 1 {
            nodes.retain(|node| address(node) == Some(from));
        }
        nodes
    }

    /// A later stamp than the known one means a restart. An earlier one comes from a message that was late.
    fn stamp_seen(&mut self, node: &NodeId, stamp: u32, turn: &mut Turn<'_>) {
        let known = self.associations.get(node).map(|a| a.recovery_time_stamp);
        if known.is_some_and(|known| is_later(stamp, known)) {
            self.end(node, Ending::Restarted, turn);
        }
    }

    /// A heartbeat is to be sent, or the last one has waited for T1.
    pub(super) fn heartbeat_due(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let Some(association) = self.associations.get_mut(&node) else {
            return;
        };
        let (now, interval) = (turn.now, self.config.heartbeat_interval);
        let grace = self.config.unreachable_grace;
        let waits = match (&mut association.heartbeat, association.unreachable_since) {
            (Some(request), None) if request.sent() < self.config.n1 => {
                turn.actions.push(request.send());
                self.config.t1
            }
            (Some(_), None) => {
                association.unreachable_since = Some(now);
                turn.log(Event::Unreachable { node: node.clone() });
                interval.min(grace)
            }
            (_, Some(since)) if now.saturating_duration_since(since) >= grace => {
                return self.end(&node, Ending::Lost, turn);
            }
            (None, None) => {
                self.send_heartbeat(&node, turn);
                self.config.t1
            }
            // A lost peer is asked now and then, each time anew.
            (_, Some(since)) => {
                self.send_heartbeat(&node, turn);
                interval.min((since + grace).saturating_duration_since(now))
            }
        };
        self.timers.set(Timer::Heartbeat(node), turn.now + waits);
    }

    fn send_heartbeat(&mut self, node: &NodeId, turn: &mut Turn<'_>) {
        let Some(address) = self.associations.get(node).map(|a| a.address) else {
            return;
        };
        let mut request =
            self.new_request(address, 0, Body::HeartbeatRequest(self.our_heartbeat()));
        turn.actions.extend(request.as_mut().map(Request::send));
        if let Some(association) = self.associations.get_mut(node) {
            association.heartbeat = request;
        }
    }

    /// The node whose heartbeat is answered by a response.
    pub(super) fn heartbeat_waiting(&self, from: SocketAddr, sequence: u32) -> Option<NodeId> {
        let waits = |node: &&NodeId| {
            let association = self.associations.get(node);
            let request = association.and_then(|association| association.heartbeat.as_ref());
            request.is_some_and(|request| request.is_answered_by(from, sequence))
        };
        self.associations.at(from.ip()).iter().find(waits).cloned()
    }

    pub(super) fn heartbeat_answered(
        &mut self,
        node: &NodeId,
        heartbeat: Heartbeat,
        turn: &mut Turn<'_>,
    ) {
        let Some(association) = self.associations.get_mut(node) else {
            return;
        };
        association.heartbeat = None;
        if association.unreachable_since.take().is_some() {
            turn.log(Event::Reachable { node: node.clone() });
            turn.usage.push(node.clone());
        }
        self.heard(node, turn);
        let next = turn.now + self.config.heartbeat_interval;
        self.timers.set(Timer::Heartbeat(node.clone()), next);
        self.stamp_seen(node, heartbeat.recovery_time_stamp, turn);
    }
}

/// Whether a stamp is later than another, over the turn of NTP's era too (2036).
fn is_later(stamp: u32, other: u32) -> bool {
    stamp != other && stamp.wrapping_sub(other) < 1 << 31
}
