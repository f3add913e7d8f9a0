//! How often neighbours are asked for.
//!
//! Destinations come from packets, so a UE that scans a network must neither flood it with our questions
//! nor fill our memory: one question a neighbour and so many questions in all for each [`WINDOW`].

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::neighbours::Key;

/// Time in which a neighbour is asked for at most once.
const WINDOW: Duration = Duration::from_secs(1);
/// Questions in one window.
const MAX_QUESTIONS: usize = 1000;

#[derive(Default)]
pub(super) struct Solicitor {
    began: Option<Instant>,
    asked: HashSet<Key>,
}

impl Solicitor {
    /// Whether to ask now; a yes is taken as done.
    pub(super) fn may_ask(&mut self, now: Instant, key: Key) -> bool {
        let running = self
            .began
            .is_some_and(|began| now.duration_since(began) < WINDOW);
        if !running {
            self.began = Some(now);
            self.asked.clear();
        }
        self.asked.len() < MAX_QUESTIONS && self.asked.insert(key)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn key(n: u32) -> Key {
        (3, IpAddr::from(n.to_be_bytes()))
    }

    #[test]
    fn a_neighbour_is_asked_for_once_a_second() {
        let mut solicitor = Solicitor::default();
        let start = Instant::now();
        assert!(solicitor.may_ask(start, key(1)));
        assert!(!solicitor.may_ask(start + Duration::from_millis(999), key(1)));
        assert!(solicitor.may_ask(start + Duration::from_millis(999), key(2)));
        assert!(solicitor.may_ask(start + Duration::from_secs(1), key(1)));
    }

    #[test]
    fn a_scan_is_cut_off_until_the_next_second() {
        let mut solicitor = Solicitor::default();
        let start = Instant::now();
        let asked = (0..5000)
            .filter(|n| solicitor.may_ask(start, key(*n)))
            .count();
        assert_eq!(asked, MAX_QUESTIONS);
        assert!(solicitor.asked.len() <= MAX_QUESTIONS);
        assert!(solicitor.may_ask(start + WINDOW, key(9999)));
    }
}
