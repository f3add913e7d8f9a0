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
//!
//!   either, once its release is announced: new sessions are refused; (none) at the period's end
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
mod dispatch;
mod event;
mod features;
mod heartbeats;
mod kept;
mod load;
mod node_procedures;
mod own_requests;
mod release;
mod reports;
mod request;
mod session_procedures;
#[cfg(test)]
mod tests;
mod timers;
mod usage;

pub use associations::{AssociationView, MAX_ASSOCIATIONS, MAX_ASSOCIATIONS_OF_ADDRESS};
pub use config::{
    CONNECT_RETRY, Config, HEARTBEAT_INTERVAL, N1, OVERLOAD_PERCENT, T1, UNREACHABLE_GRACE,
};
pub use event::{Action, Ending, Event, Trouble};
pub use features::FEATURES;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::codec::{Body, Message};
use super::ie::NodeId;
use super::service::SessionService;
use answers::Answers;
use associations::{Association, Associations};
use connections::Connection;
use load::Load;
use own_requests::Exchange;
use request::Request;
use timers::Timers;

const SEQUENCE_MASK: u32 = 0x00ff_ffff;

/// This UP function among its control planes.
#[derive(Debug)]
pub struct Node {
    config: Config,
    associations: Associations,
    connections: Vec<Connection>,
    answers: Answers,
    /// For how long.
    answers_kept: Duration,
    timers: Timers<Timer>,
    /// Our requests under way, by sequence number.
    exchanges: HashMap<u32, Exchange>,
    /// Those that wait for their turn.
    waiting_requests: usize,
    load: Load,
    /// How full the queue before [`Self::receive`] is.
    backlog_percent: u8,
    /// No association is wanted any more.
    is_ending: bool,
    next_sequence: u32,
    /// How many sequence numbers from there on no other process will use.
    reserved: u32,
    skipped: u64,
}

/// What has a deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// A heartbeat, to be sent or sent again.
    Heartbeat(NodeId),
    /// A set-up of ours, to be sent or sent again: the place in `connections`.
    Connect(usize),
    /// Another request of ours, to be sent again: its sequence number.
    Exchange(u32),
    /// The end of a graceful release.
    Release(NodeId),
    /// There may be usage reports to be sent.
    Usage(NodeId),
}

/// One call from outside.
struct Turn<'a> {
    now: Instant,
    sessions: &'a mut dyn SessionService,
    actions: Vec<Action>,
    /// Control planes to which usage reports can be sent now.
    usage: Vec<NodeId>,
}

impl<'a> Turn<'a> {
    fn new(now: Instant, sessions: &'a mut dyn SessionService) -> Self {
        Self {
            now,
            sessions,
            actions: Vec::new(),
            usage: Vec::new(),
        }
    }

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
            answers_kept: config.answers_kept(),
            timers,
            exchanges: HashMap::new(),
            waiting_requests: 0,
            load: Load::new(config.overload_percent, config.first_load_sequence()),
            backlog_percent: 0,
            is_ending: false,
            next_sequence: 1,
            reserved: 0,
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
        let mut turn = Turn::new(now, sessions);
        self.datagram(from, datagram, &mut turn);
        self.ended(turn)
    }

    /// Takes a datagram for which there is no time: establishments are refused with cause 74, and not read any
    /// further than for that; the rest is dropped, as the network could have done. There is no time to keep the answers for
    /// another process: it would look at the requests again.
    pub fn refuse(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        sessions: &mut dyn SessionService,
    ) -> Vec<Action> {
        let mut turn = Turn::new(now, sessions);
        self.refuse_datagram(from, datagram, &mut turn);
        turn.actions
    }

    /// Is told how full the queue before [`Self::receive`] is, in percent.
    pub fn set_backlog(&mut self, percent: u8) {
        self.backlog_percent = percent;
    }

    /// Does what is due. To be called at [`Self::next_deadline`]; earlier or later does no harm.
    pub fn tick(&mut self, now: Instant, sessions: &mut dyn SessionService) -> Vec<Action> {
        self.answers.expire(now);
        let mut turn = Turn::new(now, sessions);
        for timer in self.timers.take_due(now) {
            match timer {
                Timer::Heartbeat(node) => self.heartbeat_due(node, &mut turn),
                Timer::Connect(index) => self.connect_due(index, &mut turn),
                Timer::Exchange(sequence) => self.exchange_due(sequence, &mut turn),
                Timer::Release(node) => self.release_due(&node, &mut turn),
                Timer::Usage(node) => self.send_usage(&node, &mut turn),
            }
        }
        self.send_reports(&mut turn);
        self.ended(turn)
    }

    /// Ends a turn: all that is to be kept is in the store before anything is sent.
    fn ended(&mut self, mut turn: Turn<'_>) -> Vec<Action> {
        self.reserve_sequence(&mut turn);
        self.send_all_usage(&mut turn);
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

    /// A request of ours.
    fn new_request(&mut self, to: SocketAddr, seid: u64, body: Body) -> Option<Request> {
        while self.exchanges.contains_key(&self.next_sequence) {
            self.next_sequence = self.next_sequence.wrapping_add(1) & SEQUENCE_MASK;
        }
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1) & SEQUENCE_MASK;
        self.reserved = self.reserved.saturating_sub(1);
        let message = Message {
            seid,
            sequence,
            priority: None,
            body,
        };
        let bytes = message.encode().ok()?;
        Some(Request::new(to, sequence, bytes))
    }

    /// Begins an association with a node that has none.
    fn begin(&mut self, node: NodeId, association: Association, turn: &mut Turn<'_>) {
        let address = association.address;
        self.associations.insert(node.clone(), association);
        self.keep_association(&node, turn);
        self.forget_answers(address.ip(), turn);
        self.connection_found(&node, address);
        let first_heartbeat = turn.now + self.config.heartbeat_interval;
        self.timers
            .set(Timer::Heartbeat(node.clone()), first_heartbeat);
        turn.usage.push(node.clone());
        turn.log(Event::AssociationSetUp { node, address });
    }

    /// Ends an association with all that hangs on it.
    fn end(&mut self, node: &NodeId, reason: Ending, turn: &mut Turn<'_>) {
        let Some(association) = self.associations.remove(node) else {
            return;
        };
        for address in &association.addresses {
            self.forget_answers(*address, turn);
        }
        turn.sessions.keep_association(node, None);
        self.forget_requests(&association.line, turn);
        self.timers.cancel(&Timer::Heartbeat(node.clone()));
        self.timers.cancel(&Timer::Release(node.clone()));
        self.timers.cancel(&Timer::Usage(node.clone()));
        turn.sessions.delete_all(node, turn.now);
        match reason {
            Ending::Released | Ending::PeriodOver => {
                self.connection_lost(node, turn.now + self.config.connect_retry);
            }
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
