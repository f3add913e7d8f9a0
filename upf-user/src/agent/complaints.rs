//! Warnings about peers, few of them whatever they send.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Between warnings about one peer.
const EVERY: Duration = Duration::from_secs(10);
/// Peers that are warned of within that time.
const MAX_PEERS: usize = 256;

/// Who has been warned of lately.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    last: HashMap<IpAddr, Instant>,
}

impl Complaints {
    /// Whether a warning about this peer may be logged now; it is taken for logged then.
    pub(super) fn may_be_told(&mut self, peer: IpAddr, now: Instant) -> bool {
        let is_recent = |last: &Instant| now.saturating_duration_since(*last) < EVERY;
        if self.last.get(&peer).is_some_and(is_recent) {
            return false;
        }
        if self.last.len() >= MAX_PEERS {
            self.last.retain(|_, last| is_recent(last));
        }
        let has_room = self.last.len() < MAX_PEERS;
        if has_room {
            self.last.insert(peer, now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn each_peer_is_complained_about_now_and_then() {
        let mut complaints = Complaints::default();
        let start = Instant::now();
        assert!(complaints.may_be_told(peer(1), start));
        assert!(complaints.may_be_told(peer(2), start));
        assert!(!complaints.may_be_told(peer(1), start + EVERY / 2));
        assert!(complaints.may_be_told(peer(1), start + EVERY));
        assert!(!complaints.may_be_told(peer(1), start + EVERY));
    }

    #[test]
    fn many_peers_do_not_fill_the_log_or_the_memory() {
        let mut complaints = Complaints::default();
        let start = Instant::now();
        let told = (0..10_000).filter(|n| complaints.may_be_told(peer(*n), start));
        assert_eq!(told.count(), MAX_PEERS);
        assert_eq!(complaints.last.len(), MAX_PEERS);
        assert!(complaints.may_be_told(peer(99_999), start + EVERY));
        assert_eq!(complaints.last.len(), 1);
    }
}
