//! Answers that were given, for requests that come again (TS 29.244 clause 6.4).

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Most answers kept, of all peers: those to 40,000 requests a second.
pub(super) const MAX_ANSWERS: usize = 1 << 19;
/// Most bytes of answers kept, of all peers.
pub(super) const MAX_BYTES: usize = 128 << 20;

/// A request's source and sequence number.
type Key = (SocketAddr, u32);

/// Answers by request. Where a sequence number comes again with other bytes, the peer has begun anew and the
/// answer is not its answer; so it is after [`Self::forget`].
#[derive(Debug)]
pub(super) struct Answers {
    kept_for: Duration,
    by_request: HashMap<Key, Answer>,
    /// From the oldest to the youngest, with the answer's number: one that was replaced stays here for a while.
    order: VecDeque<(Instant, Key, u64)>,
    /// Peers with answers in `order`.
    peers: HashMap<IpAddr, Peer>,
    bytes: usize,
    next_number: u64,
}

#[derive(Debug)]
struct Answer {
    number: u64,
    epoch: u64,
    request_hash: u64,
    bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Peer {
    /// How often its answers were forgotten.
    epoch: u64,
    entries: usize,
}

impl Answers {
    pub(super) fn new(kept_for: Duration) -> Self {
        Self {
            kept_for,
            by_request: HashMap::new(),
            order: VecDeque::new(),
            peers: HashMap::new(),
            bytes: 0,
            next_number: 0,
        }
    }

    /// The answer that was given to these very bytes.
    pub(super) fn get(&self, from: SocketAddr, sequence: u32, request: &[u8]) -> Option<&[u8]> {
        let answer = self.by_request.get(&(from, sequence))?;
        let epoch = self.peers.get(&from.ip()).map(|peer| peer.epoch);
        let is_same = epoch == Some(answer.epoch) && answer.request_hash == hash(request);
        is_same.then_some(&answer.bytes)
    }

    /// Keeps an answer to a request with this [`hash`]. None was given later.
    pub(super) fn insert(
        &mut self,
        from: SocketAddr,
        sequence: u32,
        request_hash: u64,
        bytes: Vec<u8>,
        now: Instant,
    ) {
        self.bytes += bytes.len();
        let number = self.next_number;
        self.next_number += 1;
        let peer = self.peers.entry(from.ip()).or_default();
        peer.entries += 1;
        let answer = Answer {
            number,
            epoch: peer.epoch,
            request_hash,
            bytes,
        };
        let key = (from, sequence);
        self.order.push_back((now, key, number));
        if let Some(replaced) = self.by_request.insert(key, answer) {
            self.bytes -= replaced.bytes.len();
        }
        while self.order.len() > MAX_ANSWERS || self.bytes > MAX_BYTES {
            self.drop_oldest();
        }
    }

    /// A peer has begun anew: the old answers to what came from its address are void. Says whether there were any.
    pub(super) fn forget(&mut self, peer: IpAddr) -> bool {
        let peer = self.peers.get_mut(&peer);
        peer.is_some_and(|peer| {
            peer.epoch += 1;
            true
        })
    }

    /// Drops what was kept long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((at, ..)) = self.order.front() {
            if now.saturating_duration_since(*at) <= self.kept_for {
                break;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((_, key, number)) = self.order.pop_front() else {
            return;
        };
        if self
            .by_request
            .get(&key)
            .is_some_and(|a| a.number == number)
            && let Some(answer) = self.by_request.remove(&key)
        {
            self.bytes -= answer.bytes.len();
        }
        if let Some(peer) = self.peers.get_mut(&key.0.ip()) {
            peer.entries -= 1;
            if peer.entries == 0 {
                self.peers.remove(&key.0.ip());
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

/// FNV-1a in 64 bits. Another process, be it of another version, comes to the same; only requests of one socket with one
/// sequence number are told apart by it.
pub(super) fn hash(request: &[u8]) -> u64 {
    request.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Duration = Duration::from_secs(12);

    fn peer(port: u16) -> SocketAddr {
        (IpAddr::from([192, 0, 2, 1]), port).into()
    }

    #[test]
    fn the_hash_is_the_same_for_ever() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn only_the_same_bytes_from_the_same_socket_get_the_answer() {
        let mut answers = Answers::new(KEPT);
        let now = Instant::now();
        answers.insert(peer(1), 7, hash(b"request"), b"answer".to_vec(), now);
        assert_eq!(answers.get(peer(1), 7, b"request"), Some(&b"answer"[..]));
        assert_eq!(answers.get(peer(1), 7, b"another"), None);
        assert_eq!(answers.get(peer(1), 8, b"request"), None);
        assert_eq!(answers.get(peer(2), 7, b"request"), None);
    }

    #[test]
    fn answers_are_void_once_their_peer_has_begun_anew() {
        let mut answers = Answers::new(KEPT);
        let now = Instant::now();
        answers.insert(peer(1), 7, hash(b"request"), b"old".to_vec(), now);
        answers.forget(peer(2).ip());
        assert_eq!(answers.get(peer(1), 7, b"request"), None);
        answers.insert(peer(1), 7, hash(b"request"), b"new".to_vec(), now);
        assert_eq!(answers.get(peer(1), 7, b"request"), Some(&b"new"[..]));
    }

    #[test]
    fn answers_expire_and_leave_nothing_behind() {
        let mut answers = Answers::new(KEPT);
        let start = Instant::now();
        answers.insert(peer(1), 7, hash(b"a"), b"1".to_vec(), start);
        answers.insert(peer(1), 7, hash(b"b"), b"2".to_vec(), start + KEPT);
        answers.expire(start + KEPT);
        assert_eq!(answers.len(), 2);
        answers.expire(start + KEPT + Duration::from_millis(1));
        assert_eq!(
            answers.get(peer(1), 7, b"b"),
            Some(&b"2"[..]),
            "the younger one stays"
        );
        answers.expire(start + KEPT * 3);
        assert_eq!((answers.len(), answers.bytes), (0, 0));
        assert!(answers.peers.is_empty() && answers.by_request.is_empty());
    }

    #[test]
    fn the_oldest_go_where_there_are_too_many_or_too_long_ones() {
        let mut answers = Answers::new(KEPT);
        let now = Instant::now();
        for sequence in 0..MAX_ANSWERS as u32 + 10 {
            answers.insert(peer(1), sequence, hash(b"r"), vec![0], now);
        }
        assert_eq!((answers.len(), answers.bytes), (MAX_ANSWERS, MAX_ANSWERS));
        assert_eq!(answers.get(peer(1), 9, b"r"), None);
        assert!(answers.get(peer(1), 10, b"r").is_some());
        answers.insert(peer(2), 0, hash(b"r"), vec![0; MAX_BYTES - 5], now);
        assert_eq!((answers.len(), answers.bytes), (6, MAX_BYTES));
    }
}
