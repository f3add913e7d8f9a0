//! Datagrams that wait to be handled: read from the socket as fast as they come, so that heartbeats do not wait
//! behind a storm of requests, and so that it is us who decide what is not served.
//!
//! Each address has a line of its own, and they take turns: a control plane that sends too much waits for itself.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::pfcp::codec::MessageType;

/// Most datagrams that wait: a burst of every SMF of a region.
const MAX_WAITING: usize = 1 << 16;
/// Most datagrams of one address that wait.
const MAX_WAITING_OF_PEER: usize = MAX_WAITING / 2;
/// So many of them, and establishments are refused.
const CONGESTED: usize = MAX_WAITING_OF_PEER / 2;
/// So long, and establishments are refused: their peer is about to send them again (T1 is three seconds).
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Most datagrams that wait for their refusal: refusing costs time too.
const MAX_REFUSED: usize = 256;
/// Most bytes that wait.
const MAX_BYTES: usize = 64 << 20;
/// No heartbeat is longer: what is, is bundled with something else.
pub(super) const MAX_HEARTBEAT: usize = 64;
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

/// The lines.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// By address; none is empty.
    lines: HashMap<IpAddr, VecDeque<Waiting>>,
    /// Whose turn it is, in their order.
    turns: VecDeque<IpAddr>,
    refused: VecDeque<Waiting>,
    waiting: usize,
    /// Of all that waits, what is refused too.
    bytes: usize,
}

impl Backlog {
    /// Looks at the type of a datagram's first message; what may wait is put in line.
    pub(super) fn admit(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) -> Admission {
        let kind = datagram.get(TYPE_AT).copied().unwrap_or_default();
        let is = |wanted: MessageType| kind == wanted as u8;
        let is_heartbeat = is(MessageType::HeartbeatRequest) || is(MessageType::HeartbeatResponse);
        if is_heartbeat && datagram.len() <= MAX_HEARTBEAT && is_one_message(datagram) {
            return Admission::AtOnce;
        }
        if self.bytes + datagram.len() > MAX_BYTES {
            return Admission::Dropped;
        }
        let line = self.lines.get(&from.ip());
        let waiting_of_peer = line.map_or(0, VecDeque::len);
        let is_late = |first: &Waiting| now.saturating_duration_since(first.since) > MAX_WAIT;
        let is_congested =
            waiting_of_peer >= CONGESTED || line.and_then(VecDeque::front).is_some_and(is_late);
        let waiting = || Waiting {
            from,
            bytes: datagram.to_vec(),
            since: now,
        };
        if is_congested && is(MessageType::SessionEstablishmentRequest) {
            if self.refused.len() >= MAX_REFUSED {
                return Admission::Dropped;
            }
            self.bytes += datagram.len();
            self.refused.push_back(waiting());
            return Admission::Refused;
        }
        if self.waiting >= MAX_WAITING || waiting_of_peer >= MAX_WAITING_OF_PEER {
            return Admission::Dropped;
        }
        if waiting_of_peer == 0 {
            self.turns.push_back(from.ip());
        }
        self.waiting += 1;
        self.bytes += datagram.len();
        let line = self.lines.entry(from.ip()).or_default();
        line.push_back(waiting());
        Admission::Queued
    }

    /// The next one to be handled: of each address one at a time.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        let peer = self.turns.pop_front()?;
        let line = self.lines.get_mut(&peer)?;
        let waiting = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&peer);
        } else {
            self.turns.push_back(peer);
        }
        self.waiting -= 1;
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
        self.waiting == 0 && self.refused.is_empty()
    }

    /// How full it is.
    pub(super) fn percent(&self) -> u8 {
        let datagrams = self.waiting * 100 / MAX_WAITING;
        let bytes = self.bytes * 100 / MAX_BYTES;
        datagrams.max(bytes) as u8
    }
}

/// Whether nothing stands behind the first message: what is bundled with a heartbeat has to wait for its turn.
fn is_one_message(datagram: &[u8]) -> bool {
    let length = datagram.get(2..4).and_then(|bytes| bytes.first_chunk());
    length.is_some_and(|length| usize::from(u16::from_be_bytes(*length)) + 4 >= datagram.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARTBEAT: [u8; 16] = [0x20, 1, 0, 12, 0, 0, 1, 0, 0, 96, 0, 4, 1, 2, 3, 4];
    const ESTABLISHMENT: [u8; 4] = [0x21, 50, 0, 12];
    const DELETION: [u8; 4] = [0x21, 54, 0, 12];

    fn peer(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 8805))
    }

    /// A backlog at one moment.
    struct World {
        backlog: Backlog,
        now: Instant,
    }

    impl World {
        fn new() -> Self {
            Self {
                backlog: Backlog::default(),
                now: Instant::now(),
            }
        }

        fn admit(&mut self, last: u8, datagram: &[u8]) -> Admission {
            self.backlog.admit(peer(last), datagram, self.now)
        }

        fn fill(&mut self, last: u8, count: usize) {
            for _ in 0..count {
                assert_eq!(self.admit(last, &DELETION), Admission::Queued);
            }
        }
    }

    #[test]
    fn requests_wait_in_order_and_heartbeats_do_not() {
        let mut world = World::new();
        for datagram in [&ESTABLISHMENT, &DELETION] {
            assert_eq!(world.admit(1, datagram), Admission::Queued);
        }
        assert_eq!(world.admit(1, &HEARTBEAT), Admission::AtOnce);
        let bundle = [HEARTBEAT.to_vec(), vec![0; 100]].concat();
        assert_eq!(world.admit(1, &bundle), Admission::Queued);
        for expected in [&ESTABLISHMENT[..], &DELETION, &bundle] {
            assert_eq!(world.backlog.next().unwrap().bytes, expected);
        }
        assert!(world.backlog.next().is_none() && world.backlog.is_empty());
        assert_eq!((world.backlog.bytes, world.backlog.lines.len()), (0, 0));
    }

    #[test]
    fn addresses_take_turns() {
        let mut world = World::new();
        world.fill(1, 3);
        world.fill(2, 1);
        world.fill(3, 2);
        let next = || world.backlog.next();
        let order: Vec<_> = std::iter::from_fn(next).map(|one| one.from).collect();
        assert_eq!(order, [1, 2, 3, 1, 3, 1].map(peer));
    }

    #[test]
    fn establishments_of_who_sends_too_much_are_refused() {
        let mut world = World::new();
        world.fill(1, CONGESTED);
        assert_eq!(world.admit(1, &ESTABLISHMENT), Admission::Refused);
        assert_eq!(world.admit(2, &ESTABLISHMENT), Admission::Queued);
        world.fill(1, MAX_WAITING_OF_PEER - CONGESTED);
        assert_eq!(world.admit(1, &DELETION), Admission::Dropped);
        assert_eq!(world.admit(1, &HEARTBEAT), Admission::AtOnce);
        world.fill(2, MAX_WAITING - MAX_WAITING_OF_PEER - 1);
        assert_eq!(world.backlog.percent(), 100);
        assert_eq!(world.admit(3, &DELETION), Admission::Dropped);
    }

    #[test]
    fn establishments_are_refused_when_requests_wait_too_long() {
        let mut world = World::new();
        world.fill(1, 1);
        world.now += MAX_WAIT;
        assert_eq!(world.admit(1, &ESTABLISHMENT), Admission::Queued);
        world.now += Duration::from_millis(1);
        assert_eq!(world.admit(1, &ESTABLISHMENT), Admission::Refused);
        assert_eq!(world.admit(1, &DELETION), Admission::Queued);
    }

    #[test]
    fn refusals_are_bounded() {
        let mut world = World::new();
        world.fill(1, 1);
        world.now += MAX_WAIT * 2;
        for _ in 0..MAX_REFUSED {
            assert_eq!(world.admit(1, &ESTABLISHMENT), Admission::Refused);
        }
        assert_eq!(world.admit(1, &ESTABLISHMENT), Admission::Dropped);
        while let Some(waiting) = world.backlog.next_refused() {
            assert_eq!(waiting.bytes, ESTABLISHMENT);
        }
        assert_eq!(world.backlog.next().unwrap().bytes, DELETION);
        assert!(world.backlog.is_empty() && world.backlog.bytes == 0);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut world = World::new();
        let long = vec![0; 65_000];
        let queued = (0..2000).filter(|_| world.admit(1, &long) == Admission::Queued);
        assert_eq!(queued.count(), MAX_BYTES / 65_000);
        assert!(world.backlog.percent() >= 99);
    }
}
