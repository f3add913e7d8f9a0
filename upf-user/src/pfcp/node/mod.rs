//! The procedures between nodes (TS 29.244 clause 6.2) and the road of session requests (clause 6.3).
//!
//! No sockets and no clock inside: [`Node::receive`] takes a datagram, [`Node::tick`] the time, and both hand
//! back what is to be done. Who may speak PFCP at all is for the caller to decide, before it calls.
//!
//! An association:
//!
//! ```text
//!              set-up, from either side
//!   (none) ─────────────────────────────────▶ reachable ◀────────────┐
//!     ▲                                         │    │               │ a heartbeat
//!     │  released by the peer                   │    │ N1 heartbeats │ is answered
//!     │  newer Recovery Time Stamp              │    │ unanswered    │
//!     ├─────────────────────────────────────────┘    ▼               │
//!     └───────────────────────────────────────── unreachable ────────┘
//!        the same, or unreachable for 5 minutes   (sessions forward on)
//! ```
//!
//! Each way back to (none) ends the association's sessions, and makes the answers void that are kept for its
//! repeated requests. A set-up for a node that has an association goes that way first.
//!
//! A control plane of `connect`:
//!
//! ```text
//!   waiting ──▶ asked, T1 × N1 ──▶ associated ──▶ waiting (10 s; at once after a restart or a loss)
//!      ▲              │ refused, unanswered
//!      └─── 10 s ─────┘
//! ```

mod answers;
mod associations;
mod config;
mod connections;
mod event;
mod heartbeats;
mod node_procedures;
mod request;
mod session_procedures;
#[cfg(test)]
mod tests;
mod timers;

pub use associations::{AssociationView, MAX_ASSOCIATIONS};
pub use config::{CONNECT_RETRY, Config, HEARTBEAT_INTERVAL, N1, T1, UNREACHABLE_GRACE};
pub use event::{Action, Ending, Event, Trouble};

use std::net::SocketAddr;
use std::time::Instant;

use super::codec::{
    Body, DecodeError, Decoded, Frame, FrameError, Message, MessageType, decode, frames,
};
use super::ie::{NodeId, UpFunctionFeatures};
use super::service::SessionService;
use answers::Answers;
use associations::{Association, Associations};
use connections::Connection;
use timers::Timers;

/// What we announce: only what a test proves.
const FEATURES: UpFunctionFeatures = UpFunctionFeatures(UpFunctionFeatures::FTUP);
const SEQUENCE_MASK: u32 = 0x00ff_ffff;

/// This UP function among its control planes.
#[derive(Debug)]
pub struct Node {
    config: Config,
    associations: Associations,
    connections: Vec<Connection>,
    answers: Answers,
    timers: Timers<Timer>,
    next_sequence: u32,
    skipped: u64,
}

/// What has a deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// A heartbeat, to be sent or sent again.
    Heartbeat(NodeId),
    /// A set-up of ours, to be sent or sent again: the place in `connections`.
    Connect(usize),
}

/// One call from outside.
struct Turn<'a> {
    now: Instant,
    sessions: &'a mut dyn SessionService,
    actions: Vec<Action>,
}

impl Turn<'_> {
    fn send(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.actions.push(Action::Send { to, bytes });
    }

    fn log(&mut self, event: Event) {
        self.actions.push(Action::Log(event));
    }

    fn trouble(&mut self, from: SocketAddr, trouble: Trouble) {
        self.log(Event::Message { from, trouble });
    }
}

/// An answer to a request.
struct Reply {
    /// The SEID of the answer's header.
    seid: u64,
    body: Body,
    /// Whether the request did something, so that it must not run twice.
    is_kept: bool,
}

impl Reply {
    /// An answer that is kept for when the request comes again.
    fn kept(seid: u64, body: Body) -> Self {
        Self {
            seid,
            body,
            is_kept: true,
        }
    }

    /// An answer to a request that changed nothing: it may as well be looked at again.
    fn fleeting(seid: u64, body: Body) -> Self {
        Self {
            seid,
            body,
            is_kept: false,
        }
    }
}

impl Node {
    /// A node without associations. The first [`Self::tick`] sends what `connect` asks for.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let mut timers = Timers::new();
        for index in 0..config.connect.len() {
            timers.set(Timer::Connect(index), now);
        }
        Self {
            associations: Associations::default(),
            connections: config
                .connect
                .iter()
                .copied()
                .map(Connection::new)
                .collect(),
            answers: Answers::new(config.answers_kept()),
            timers,
            next_sequence: 1,
            skipped: 0,
            config,
        }
    }

    /// Takes a datagram from a peer that may speak PFCP.
    pub fn receive(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        sessions: &mut dyn SessionService,
    ) -> Vec<Action> {
        self.answers.expire(now);
        let mut turn = Turn {
            now,
            sessions,
            actions: Vec::new(),
        };
        for frame in frames(datagram) {
            match frame {
                Ok(frame) => self.message(from, &frame, &mut turn),
                Err(error) => self.malformed(from, error, &mut turn),
            }
        }
        turn.actions
    }

    /// Does what is due. To be called at [`Self::next_deadline`]; earlier or later does no harm.
    pub fn tick(&mut self, now: Instant, sessions: &mut dyn SessionService) -> Vec<Action> {
        self.answers.expire(now);
        let mut turn = Turn {
            now,
            sessions,
            actions: Vec::new(),
        };
        for timer in self.timers.take_due(now) {
            match timer {
                Timer::Heartbeat(node) => self.heartbeat_due(node, &mut turn),
                Timer::Connect(index) => self.connect_due(index, &mut turn),
            }
        }
        turn.actions
    }

    /// When [`Self::tick`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.first()
    }

    /// The associations, in no order.
    pub fn associations(&self) -> impl Iterator<Item = AssociationView> {
        self.associations.views()
    }

    /// Number of associations.
    #[must_use]
    pub fn association_count(&self) -> usize {
        self.associations.len()
    }

    /// Number of IEs that were skipped, in all messages that could be read.
    #[must_use]
    pub fn skipped_elements(&self) -> u64 {
        self.skipped
    }

    fn malformed(&mut self, from: SocketAddr, error: FrameError, turn: &mut Turn<'_>) {
        turn.trouble(from, Trouble::Malformed(error));
        let FrameError::Version {
            message_type,
            sequence,
            ..
        } = error
        else {
            return;
        };
        // A response to a response could go on for ever.
        if MessageType::from_code(message_type).is_some_and(MessageType::is_response) {
            return;
        }
        let answer = Message {
            seid: 0,
            sequence,
            priority: None,
            body: Body::VersionNotSupportedResponse,
        };
        if let Ok(bytes) = answer.encode() {
            turn.send(from, bytes);
        }
    }

    fn message(&mut self, from: SocketAddr, frame: &Frame<'_>, turn: &mut Turn<'_>) {
        let code = frame.header.message_type;
        let Some(kind) = MessageType::from_code(code) else {
            return turn.trouble(from, Trouble::UnknownType(code));
        };
        if kind.is_of_session() && frame.header.seid.is_none() {
            return turn.trouble(from, Trouble::NoSeid(kind));
        }
        if kind.is_response() {
            return self.response(from, kind, frame, turn);
        }
        let sequence = frame.header.sequence;
        if let Some(answer) = self.answers.get(from, sequence, frame.bytes) {
            return turn.send(from, answer.to_vec());
        }
        let Some(reply) = self.request(from, kind, frame, turn) else {
            return;
        };
        let message = Message {
            seid: reply.seid,
            sequence,
            priority: frame.header.priority,
            body: reply.body,
        };
        let Ok(bytes) = message.encode() else {
            return turn.trouble(from, Trouble::AnswerTooLong(kind));
        };
        if reply.is_kept {
            self.answers
                .insert(from, sequence, frame.bytes, bytes.clone(), turn.now);
        }
        turn.send(from, bytes);
    }

    /// Reads a message; what is wrong with it is told.
    fn decode(
        &mut self,
        from: SocketAddr,
        kind: MessageType,
        frame: &Frame<'_>,
        turn: &mut Turn<'_>,
    ) -> Option<Result<Body, DecodeError>> {
        match decode(frame)? {
            Ok(Decoded { body, skipped }) => {
                self.skipped = self.skipped.saturating_add(u64::from(skipped));
                Some(Ok(body))
            }
            Err(error) => {
                turn.trouble(from, Trouble::Undecodable(kind, error));
                Some(Err(error))
            }
        }
    }

    fn request(
        &mut self,
        from: SocketAddr,
        kind: MessageType,
        frame: &Frame<'_>,
        turn: &mut Turn<'_>,
    ) -> Option<Reply> {
        if kind == MessageType::SessionEstablishmentRequest
            && let Some(refusal) = self.stranger(frame)
        {
            return Some(refusal);
        }
        let body = match self.decode(from, kind, frame, turn)? {
            Ok(body) => body,
            Err(error) => return self.undecodable(from, kind, frame, error, turn),
        };
        // Session messages without one were dropped.
        let seid = frame.header.seid.unwrap_or_default();
        match body {
            Body::HeartbeatRequest(heartbeat) => Some(self.heartbeat(from, heartbeat, turn)),
            Body::AssociationSetupRequest(request) => Some(self.setup(from, request, turn)),
            Body::AssociationUpdateRequest(node) => Some(self.update(&node)),
            Body::AssociationReleaseRequest(node) => Some(self.release(node, turn)),
            Body::SessionEstablishmentRequest(request) => {
                Some(self.establish(from, &request, turn))
            }
            Body::SessionModificationRequest(request) => {
                Some(self.modify(from, seid, &request, turn))
            }
            Body::SessionDeletionRequest => Some(self.delete(from, seid, turn)),
            Body::OtherRequest(kind) => {
                turn.trouble(from, Trouble::NotServed(kind));
                self.not_served(kind)
            }
            _ => None,
        }
    }

    fn response(
        &mut self,
        from: SocketAddr,
        kind: MessageType,
        frame: &Frame<'_>,
        turn: &mut Turn<'_>,
    ) {
        let sequence = frame.header.sequence;
        let waiting_node = self.heartbeat_waiting(from, sequence);
        let waiting_connection = self.connection_waiting(from, sequence);
        if waiting_node.is_none() && waiting_connection.is_none() {
            return turn.trouble(from, Trouble::UnexpectedResponse(kind));
        }
        let Some(Ok(body)) = self.decode(from, kind, frame, turn) else {
            return;
        };
        match (body, waiting_node, waiting_connection) {
            (Body::HeartbeatResponse(heartbeat), Some(node), _) => {
                self.heartbeat_answered(&node, heartbeat, turn);
            }
            (Body::AssociationSetupResponse(response), _, Some(index)) => {
                self.connect_answered(index, response, turn);
            }
            (Body::VersionNotSupportedResponse, _, Some(index)) => {
                self.connect_refused(index, None, turn);
            }
            _ => turn.trouble(from, Trouble::UnexpectedResponse(kind)),
        }
    }

    /// A request of ours.
    fn new_request(&mut self, to: SocketAddr, body: Body) -> Option<request::Request> {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1) & SEQUENCE_MASK;
        let message = Message {
            seid: 0,
            sequence,
            priority: None,
            body,
        };
        let bytes = message.encode().ok()?;
        Some(request::Request::new(to, sequence, bytes))
    }

    /// Begins an association with a node that has none.
    fn begin(&mut self, node: NodeId, address: SocketAddr, stamp: u32, turn: &mut Turn<'_>) {
        let association = Association::new(address, stamp, turn.now);
        self.associations.insert(node.clone(), association);
        self.answers.forget(address.ip());
        self.connection_found(&node, address);
        let first_heartbeat = turn.now + self.config.heartbeat_interval;
        self.timers
            .set(Timer::Heartbeat(node.clone()), first_heartbeat);
        turn.log(Event::AssociationSetUp { node, address });
    }

    /// Ends an association with all that hangs on it.
    fn end(&mut self, node: &NodeId, reason: Ending, turn: &mut Turn<'_>) {
        let Some(addresses) = self.associations.remove(node) else {
            return;
        };
        for address in addresses {
            self.answers.forget(address);
        }
        self.timers.cancel(&Timer::Heartbeat(node.clone()));
        turn.sessions.delete_all(node, turn.now);
        match reason {
            Ending::Released => self.connection_lost(node, turn.now + self.config.connect_retry),
            Ending::Restarted | Ending::Lost => self.connection_lost(node, turn.now),
            // The new association takes its place at once.
            Ending::Replaced => {}
        }
        turn.log(Event::AssociationEnded {
            node: node.clone(),
            reason,
        });
    }
}
