//! How often something may be done, for each peer and in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Peers that are told apart at a time.
const MAX_PEERS: usize = 4096;
/// Between looks for peers that need not be told apart any more.
const PURGE_EVERY: Duration = Duration::from_secs(1);

/// Times a second, and times at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    pub(super) per_second: u32,
    pub(super) burst: u32,
}

/// A bucket of tokens, kept as the time when it will be full again.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    fn take(&mut self, allowance: Allowance, now: Instant) -> bool {
        let Some(gap) = Duration::from_secs(1).checked_div(allowance.per_second) else {
            return false;
        };
        let full_at = self.full_at.max(now) + gap;
        let has_one = full_at.duration_since(now) <= gap.saturating_mul(allowance.burst.max(1));
        if has_one {
            self.full_at = full_at;
        }
        has_one
    }
}

/// An allowance for each peer, and one for all of them.
#[derive(Debug)]
pub(super) struct Budget {
    each: Allowance,
    all: Allowance,
    total: Bucket,
    peers: HashMap<IpAddr, Bucket>,
    purged: Instant,
}

impl Budget {
    pub(super) fn new(each: Allowance, all: Allowance, now: Instant) -> Self {
        Self {
            each,
            all,
            total: Bucket { full_at: now },
            peers: HashMap::new(),
            purged: now,
        }
    }

    /// Whether it may be done once more now; it is taken for done then. A peer that there is no room to tell apart
    /// may not.
    pub(super) fn take(&mut self, peer: IpAddr, now: Instant) -> bool {
        if !self.peers.contains_key(&peer) && !self.make_room(now) {
            return false;
        }
        let bucket = self.peers.entry(peer).or_insert(Bucket { full_at: now });
        // The peer's own first: one that asks too often takes nothing from the others.
        bucket.take(self.each, now) && self.total.take(self.all, now)
    }

    fn make_room(&mut self, now: Instant) -> bool {
        if self.peers.len() < MAX_PEERS {
            return true;
        }
        if now.saturating_duration_since(self.purged) >= PURGE_EVERY {
            self.purged = now;
            self.peers.retain(|_, bucket| bucket.full_at > now);
        }
        self.peers.len() < MAX_PEERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    fn allowance(per_second: u32, burst: u32) -> Allowance {
        Allowance { per_second, burst }
    }

    #[test]
    fn a_burst_then_the_rate_and_nothing_for_the_others_lost() {
        let start = Instant::now();
        let mut budget = Budget::new(allowance(10, 3), allowance(1000, 1000), start);
        let mut taken = |n, after: u64| {
            let now = start + Duration::from_millis(after);
            (0..100).filter(|_| budget.take(peer(n), now)).count()
        };
        assert_eq!(taken(1, 0), 3);
        assert_eq!(taken(1, 99), 0);
        assert_eq!(taken(1, 100), 1);
        assert_eq!(taken(2, 100), 3);
        assert_eq!(taken(1, 10_000), 3, "no more than the burst is saved up");
    }

    #[test]
    fn all_together_have_a_limit_too() {
        let start = Instant::now();
        let mut budget = Budget::new(allowance(10, 10), allowance(50, 50), start);
        let many = (0..1000).filter(|n| budget.take(peer(*n), start)).count();
        assert_eq!(many, 50);
    }

    #[test]
    fn nothing_a_second_is_never() {
        let start = Instant::now();
        let mut budget = Budget::new(allowance(10, 10), allowance(0, 10), start);
        assert!(!budget.take(peer(1), start + Duration::from_secs(9)));
    }

    #[test]
    fn many_peers_do_not_fill_the_memory() {
        let start = Instant::now();
        let mut budget = Budget::new(allowance(1, 1), allowance(1 << 20, 1 << 20), start);
        let taken = (0..100_000).filter(|n| budget.take(peer(*n), start));
        assert_eq!(taken.count(), MAX_PEERS);
        assert_eq!(budget.peers.len(), MAX_PEERS);
        let later = start + Duration::from_secs(2);
        assert!(
            budget.take(peer(999_999), later),
            "the others are forgotten"
        );
        assert_eq!(budget.peers.len(), 1);
    }
}
