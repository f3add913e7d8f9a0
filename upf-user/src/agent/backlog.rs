//! Datagrams that wait to be handled: read from the socket as fast as they come, so that heartbeats do not wait
//! behind a storm of requests, and so that it is us who decide what is not served.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::pfcp::codec::MessageType;

/// Most datagrams that wait.
pub(super) const MAX_WAITING: usize = 1 << 14;
/// Most datagrams that wait for their refusal: refusing costs time too.
const MAX_REFUSED: usize = 256;
/// Most bytes that wait.
const MAX_BYTES: usize = 32 << 20;
/// A request that waits longer than this is about to be sent again (T1 is three seconds).
const MAX_WAIT: Duration = Duration::from_secs(2);
/// No heartbeat is longer: what is, is bundled with something else.
const MAX_HEARTBEAT: usize = 64;
const TYPE_AT: usize = 1;

/// A datagram and where it came from.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
    pub(super) since: Instant,
}

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is handled before all others.
    AtOnce,
    /// It waits.
    Queued,
    /// It waits to be refused: an establishment, while too much waits already.
    Refused,
    /// There is no room for it.
    Dropped,
}

/// The line.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    line: VecDeque<Waiting>,
    refused: VecDeque<Waiting>,
    /// Of both.
    bytes: usize,
}

impl Backlog {
    /// Looks at the type of a datagram's first message; what may wait is put in line.
    pub(super) fn admit(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) -> Admission {
        let kind = datagram.get(TYPE_AT).copied().unwrap_or_default();
        let is = |wanted: MessageType| kind == wanted as u8;
        let is_heartbeat = is(MessageType::HeartbeatRequest) || is(MessageType::HeartbeatResponse);
        if is_heartbeat && datagram.len() <= MAX_HEARTBEAT {
            return Admission::AtOnce;
        }
        let is_refused = is(MessageType::SessionEstablishmentRequest) && self.is_congested(now);
        let (line, most, admission) = match is_refused {
            true => (&mut self.refused, MAX_REFUSED, Admission::Refused),
            false => (&mut self.line, MAX_WAITING, Admission::Queued),
        };
        if line.len() >= most || self.bytes + datagram.len() > MAX_BYTES {
            return Admission::Dropped;
        }
        self.bytes += datagram.len();
        line.push_back(Waiting {
            from,
            bytes: datagram.to_vec(),
            since: now,
        });
        admission
    }

    /// The next one to be handled.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        let waiting = self.line.pop_front()?;
        self.bytes -= waiting.bytes.len();
        Some(waiting)
    }

    /// The next one to be refused.
    pub(super) fn next_refused(&mut self) -> Option<Waiting> {
        let waiting = self.refused.pop_front()?;
        self.bytes -= waiting.bytes.len();
        Some(waiting)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.refused.is_empty()
    }

    /// How full it is.
    pub(super) fn percent(&self) -> u8 {
        let datagrams = self.line.len() * 100 / MAX_WAITING;
        let bytes = self.bytes * 100 / MAX_BYTES;
        datagrams.max(bytes) as u8
    }

    fn is_congested(&self, now: Instant) -> bool {
        let wait = |first: &Waiting| now.saturating_duration_since(first.since);
        self.percent() >= 50
            || self
                .line
                .front()
                .is_some_and(|first| wait(first) > MAX_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARTBEAT: [u8; 16] = [0x20, 1, 0, 12, 0, 0, 1, 0, 0, 96, 0, 4, 1, 2, 3, 4];
    const ESTABLISHMENT: [u8; 4] = [0x21, 50, 0, 12];
    const DELETION: [u8; 4] = [0x21, 54, 0, 12];

    fn peer() -> SocketAddr {
        "192.0.2.1:8805".parse().unwrap()
    }

    #[test]
    fn requests_wait_in_order_and_heartbeats_do_not() {
        let mut backlog = Backlog::default();
        let now = Instant::now();
        for datagram in [&ESTABLISHMENT, &DELETION] {
            assert_eq!(backlog.admit(peer(), datagram, now), Admission::Queued);
        }
        assert_eq!(backlog.admit(peer(), &HEARTBEAT, now), Admission::AtOnce);
        let bundle = [HEARTBEAT.to_vec(), vec![0; 100]].concat();
        assert_eq!(backlog.admit(peer(), &bundle, now), Admission::Queued);
        assert_eq!(backlog.next().unwrap().bytes, ESTABLISHMENT);
        assert_eq!(backlog.next().unwrap().bytes, DELETION);
        assert_eq!(backlog.next().unwrap().bytes, bundle);
        assert!(backlog.next().is_none() && backlog.is_empty());
        assert_eq!(backlog.bytes, 0);
    }

    #[test]
    fn establishments_are_refused_when_half_of_the_room_is_taken() {
        let mut backlog = Backlog::default();
        let now = Instant::now();
        for _ in 0..MAX_WAITING / 2 {
            assert_eq!(
                backlog.admit(peer(), &ESTABLISHMENT, now),
                Admission::Queued
            );
        }
        assert_eq!(backlog.percent(), 50);
        assert_eq!(
            backlog.admit(peer(), &ESTABLISHMENT, now),
            Admission::Refused
        );
        for _ in 0..MAX_WAITING / 2 {
            assert_eq!(backlog.admit(peer(), &DELETION, now), Admission::Queued);
        }
        assert_eq!(backlog.admit(peer(), &DELETION, now), Admission::Dropped);
        assert_eq!(backlog.admit(peer(), &HEARTBEAT, now), Admission::AtOnce);
    }

    #[test]
    fn refusals_are_bounded() {
        let mut backlog = Backlog::default();
        let now = Instant::now();
        backlog.admit(peer(), &DELETION, now);
        let late = now + MAX_WAIT * 2;
        for _ in 0..MAX_REFUSED {
            assert_eq!(
                backlog.admit(peer(), &ESTABLISHMENT, late),
                Admission::Refused
            );
        }
        assert_eq!(
            backlog.admit(peer(), &ESTABLISHMENT, late),
            Admission::Dropped
        );
        while let Some(waiting) = backlog.next_refused() {
            assert_eq!(waiting.bytes, ESTABLISHMENT);
        }
        assert_eq!(backlog.next().unwrap().bytes, DELETION);
        assert!(backlog.is_empty() && backlog.bytes == 0);
    }

    #[test]
    fn establishments_are_refused_when_requests_wait_too_long() {
        let mut backlog = Backlog::default();
        let now = Instant::now();
        backlog.admit(peer(), &DELETION, now);
        assert_eq!(
            backlog.admit(peer(), &ESTABLISHMENT, now + MAX_WAIT),
            Admission::Queued
        );
        let late = now + MAX_WAIT + Duration::from_millis(1);
        assert_eq!(
            backlog.admit(peer(), &ESTABLISHMENT, late),
            Admission::Refused
        );
        assert_eq!(backlog.admit(peer(), &DELETION, late), Admission::Queued);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut backlog = Backlog::default();
        let now = Instant::now();
        let long = vec![0; 65_000];
        let queued = (0..1000).filter(|_| backlog.admit(peer(), &long, now) == Admission::Queued);
        assert_eq!(queued.count(), MAX_BYTES / 65_000);
        assert!(backlog.percent() >= 99);
    }
}
