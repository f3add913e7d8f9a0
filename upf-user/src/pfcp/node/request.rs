//! A request of ours that waits for its response.

use std::net::SocketAddr;

use super::event::Action;

#[derive(Debug)]
pub(super) struct Request {
    to: SocketAddr,
    sequence: u32,
    bytes: Vec<u8>,
    sent: u32,
}

impl Request {
    pub(super) fn new(to: SocketAddr, sequence: u32, bytes: Vec<u8>) -> Self {
        Self {
            to,
            sequence,
            bytes,
            sent: 0,
        }
    }

    /// Where it goes.
    pub(super) fn to(&self) -> SocketAddr {
        self.to
    }

    pub(super) fn sequence(&self) -> u32 {
        self.sequence
    }

    /// How often it was sent.
    pub(super) fn sent(&self) -> u32 {
        self.sent
    }

    /// Sends it, the first time or again: the same bytes to the same place (TS 29.244 clause 6.4).
    pub(super) fn send(&mut self) -> Action {
        self.sent = self.sent.saturating_add(1);
        Action::Send {
            to: self.to,
            bytes: self.bytes.clone(),
        }
    }

    /// Whether a response is for this request.
    pub(super) fn is_answered_by(&self, from: SocketAddr, sequence: u32) -> bool {
        self.to.ip() == from.ip() && self.sequence == sequence
    }
}
