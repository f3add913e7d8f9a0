//! Control planes that we set the association up with (TS 29.244 clause 6.2.6.3).

use std::net::SocketAddr;
use std::time::Instant;

use super::associations::Association;
use super::event::{Ending, Event};
use super::request::Request;
use super::{Node, Timer, Turn};
use crate::pfcp::codec::{AssociationSetupRequest, AssociationSetupResponse, Body};
use crate::pfcp::ie::{Cause, NodeId};

/// A control plane of `connect`.
#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    state: State,
    /// It was said that it does not answer.
    is_reported: bool,
}

#[derive(Debug)]
enum State {
    Waiting,
    Asked(Request),
    Associated(NodeId),
}

impl Connection {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            state: State::Waiting,
            is_reported: false,
        }
    }
}

impl Node {
    /// It is time to ask, or the last set-up has waited for T1.
    pub(super) fn connect_due(&mut self, index: usize, turn: &mut Turn<'_>) {
        let Some(connection) = self.connections.get_mut(index) else {
            return;
        };
        let address = connection.address;
        let waits = match &mut connection.state {
            State::Associated(_) => return,
            State::Asked(request) if request.sent() < self.config.n1 => {
                turn.actions.push(request.send());
                self.config.t1
            }
            State::Asked(_) => {
                connection.state = State::Waiting;
                if !std::mem::replace(&mut connection.is_reported, true) {
                    turn.log(Event::ConnectUnanswered { address });
                }
                self.config.connect_retry
            }
            State::Waiting => {
                self.connect(index, address, turn);
                self.config.t1
            }
        };
        self.timers.set(Timer::Connect(index), turn.now + waits);
    }

    fn connect(&mut self, index: usize, address: SocketAddr, turn: &mut Turn<'_>) {
        let body = Body::AssociationSetupRequest(AssociationSetupRequest {
            node_id: self.config.node_id.clone(),
            recovery_time_stamp: self.config.recovery_time_stamp,
            up_function_features: Some(self.config.features),
            cp_function_features: None,
        });
        if let Some(mut request) = self.new_request(address, 0, body) {
            turn.actions.push(request.send());
            self.connections[index].state = State::Asked(request);
        }
    }

    /// The connection whose set-up is answered by a response.
    pub(super) fn connection_waiting(&self, from: SocketAddr, sequence: u32) -> Option<usize> {
        self.connections.iter().position(|connection| {
            matches!(&connection.state, State::Asked(request) if request.is_answered_by(from, sequence))
        })
    }

    pub(super) fn connect_answered(
        &mut self,
        index: usize,
        response: AssociationSetupResponse,
        turn: &mut Turn<'_>,
    ) {
        if response.verdict.cause != Cause::RequestAccepted {
            return self.connect_refused(index, Some(response.verdict.cause), turn);
        }
        let address = self.connections[index].address;
        let node = response.node_id;
        if !self.associations.has_room_for(&node, address.ip()) {
            let cause = Cause::NoResourcesAvailable;
            self.connect_later(index, turn.now + self.config.connect_retry);
            return turn.log(Event::AssociationRefused {
                node,
                address,
                cause,
            });
        }
        self.end(&node, Ending::Replaced, turn);
        let features = response.cp_function_features.unwrap_or_default();
        let stamp = response.recovery_time_stamp;
        let association = Association::new(address, stamp, features, turn.now);
        self.begin(node, association, turn);
    }

    pub(super) fn connect_refused(
        &mut self,
        index: usize,
        cause: Option<Cause>,
        turn: &mut Turn<'_>,
    ) {
        let address = self.connections[index].address;
        self.connect_later(index, turn.now + self.config.connect_retry);
        turn.log(Event::ConnectRefused { address, cause });
    }

    fn connect_later(&mut self, index: usize, at: Instant) {
        self.connections[index].state = State::Waiting;
        if !self.is_ending {
            self.timers.set(Timer::Connect(index), at);
        }
    }

    /// No association is asked for any more.
    pub(super) fn end_connections(&mut self) {
        for (index, connection) in self.connections.iter_mut().enumerate() {
            if matches!(connection.state, State::Asked(_)) {
                connection.state = State::Waiting;
            }
            self.timers.cancel(&Timer::Connect(index));
        }
    }

    /// An association is there, whoever began it: who waits for it need not ask any more. A peer may have come
    /// from another port than the one that we would ask at.
    pub(super) fn connection_found(&mut self, node: &NodeId, address: SocketAddr) {
        let is_exact = self.connections.iter().any(|c| c.address == address);
        for (index, connection) in self.connections.iter_mut().enumerate() {
            let is_open = !matches!(connection.state, State::Associated(_));
            let is_there = match is_exact {
                true => connection.address == address,
                false => connection.address.ip() == address.ip(),
            };
            if is_open && is_there {
                connection.state = State::Associated(node.clone());
                connection.is_reported = false;
                self.timers.cancel(&Timer::Connect(index));
            }
        }
    }

    /// An association is gone: who had it asks again.
    pub(super) fn connection_lost(&mut self, node: &NodeId, retry_at: Instant) {
        for index in 0..self.connections.len() {
            let state = &self.connections[index].state;
            if matches!(state, State::Associated(associated) if associated == node) {
                self.connect_later(index, retry_at);
            }
        }
    }
}
