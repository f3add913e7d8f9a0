//! What the node wants done, and what it has to tell.

use std::fmt;
use std::net::SocketAddr;

use crate::pfcp::codec::{DecodeError, FrameError, MessageType};
use crate::pfcp::ie::{Cause, NodeId};

/// What the node wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A datagram is to be sent.
    Send {
        /// To whom.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Something is worth a log line.
    Log(Event),
}

/// What is worth a log line. [`Event::Message`] and those of requests can come once for each datagram, so they need
/// a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An association was set up.
    AssociationSetUp {
        /// With which node.
        node: NodeId,
        /// Where it is.
        address: SocketAddr,
    },
    /// An association is gone, and its sessions.
    AssociationEnded {
        /// With which node.
        node: NodeId,
        /// Why.
        reason: Ending,
    },
    /// A peer wanted an association and did not get it.
    AssociationRefused {
        /// Which node.
        node: NodeId,
        /// Where it is.
        address: SocketAddr,
        /// Why.
        cause: Cause,
    },
    /// A peer does not answer heartbeats; its sessions go on for a while.
    Unreachable {
        /// Which node.
        node: NodeId,
    },
    /// A peer answers again.
    Reachable {
        /// Which node.
        node: NodeId,
    },
    /// A peer does not answer our set-up; said once until it does.
    ConnectUnanswered {
        /// Where it should be.
        address: SocketAddr,
    },
    /// A peer refuses our set-up.
    ConnectRefused {
        /// Where it is.
        address: SocketAddr,
        /// Why; `None` where it does not know our version.
        cause: Option<Cause>,
    },
    /// A control plane had sets of sessions ended.
    SetsDeleted {
        /// Which node.
        node: NodeId,
        /// How many FQ-CSIDs named them.
        sets: usize,
    },
    /// A request of ours was not answered.
    RequestUnanswered {
        /// Where it went.
        address: SocketAddr,
        /// What it was.
        kind: MessageType,
    },
    /// A request of ours was refused.
    RequestRefused {
        /// Where it went.
        address: SocketAddr,
        /// What it was.
        kind: MessageType,
        /// Why.
        cause: Cause,
    },
    /// A request of ours was not sent, because too many wait.
    RequestDropped {
        /// Where it would have gone.
        address: SocketAddr,
    },
    /// A datagram was not what it should be.
    Message {
        /// Who sent it.
        from: SocketAddr,
        /// What was wrong.
        trouble: Trouble,
    },
}

/// Why an association ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The peer asked for it.
    Released,
    /// The peer sets it up again.
    Replaced,
    /// The peer has restarted, as its Recovery Time Stamp says.
    Restarted,
    /// The peer was unreachable for too long.
    Lost,
    /// The period of a graceful release is over.
    PeriodOver,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No message in there; dropped (another version: answered).
    Malformed(FrameError),
    /// A message about a session without a SEID; dropped.
    NoSeid(MessageType),
    /// A type that is not known; dropped.
    UnknownType(u8),
    /// A response that nobody waits for; dropped.
    UnexpectedResponse(MessageType),
    /// A request that is not served; answered so.
    NotServed(MessageType),
    /// A message that cannot be read; answered where the response has a cause.
    Undecodable(MessageType, DecodeError),
    /// Our answer was longer than a message can be; not sent.
    AnswerTooLong(MessageType),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssociationSetUp { node, address } => {
                write!(f, "PFCP association with {node} at {address} is set up")
            }
            Self::AssociationEnded { node, reason } => {
                write!(f, "PFCP association with {node} ended: {reason}")
            }
            Self::AssociationRefused {
                node,
                address,
                cause,
            } => write!(
                f,
                "PFCP association with {node} at {address} refused: {cause:?}"
            ),
            Self::Unreachable { node } => write!(f, "{node} does not answer heartbeats"),
            Self::Reachable { node } => write!(f, "{node} answers heartbeats again"),
            Self::ConnectUnanswered { address } => {
                write!(
                    f,
                    "{address} does not answer our association set-up; trying on"
                )
            }
            Self::ConnectRefused {
                address,
                cause: Some(cause),
            } => write!(f, "{address} refuses our association set-up: {cause:?}"),
            Self::ConnectRefused {
                address,
                cause: None,
            } => write!(f, "{address} does not know our version of PFCP"),
            Self::SetsDeleted { node, sets } => {
                write!(f, "{node} ends the sessions of {sets} FQ-CSIDs")
            }
            Self::RequestUnanswered { address, kind } => {
                write!(f, "{address} does not answer {kind:?}")
            }
            Self::RequestRefused {
                address,
                kind,
                cause,
            } => write!(f, "{address} refuses {kind:?}: {cause:?}"),
            Self::RequestDropped { address } => {
                write!(
                    f,
                    "a request to {address} is not sent: too many wait for answers"
                )
            }
            Self::Message { from, trouble } => write!(f, "PFCP message from {from}: {trouble}"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Released => "released by the peer",
            Self::Replaced => "set up again by the peer",
            Self::Restarted => "the peer has restarted",
            Self::Lost => "the peer was unreachable for too long",
            Self::PeriodOver => "the period of its graceful release is over",
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::NoSeid(kind) => write!(f, "{kind:?} without SEID"),
            Self::UnknownType(code) => write!(f, "unknown message type {code}"),
            Self::UnexpectedResponse(kind) => write!(f, "unexpected {kind:?}"),
            Self::NotServed(kind) => write!(f, "{kind:?} is not served"),
            Self::Undecodable(kind, error) => write!(f, "{kind:?}: {error}"),
            Self::AnswerTooLong(kind) => write!(f, "the answer to {kind:?} is too long"),
        }
    }
}
