//! What has been reported lately, so that it is not reported with every packet.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Things that are remembered for a while, not more than a given number.
#[derive(Debug)]
pub(super) struct Recent<T> {
    lifetime: Duration,
    capacity: usize,
    known: HashSet<T>,
    order: VecDeque<(Instant, T)>,
}

impl<T: Copy + Eq + Hash> Recent<T> {
    pub(super) fn new(lifetime: Duration, capacity: usize) -> Self {
        Self {
            lifetime,
            capacity,
            known: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether this is new; it is remembered then, and the oldest forgotten where there is no room.
    pub(super) fn is_new(&mut self, item: T, now: Instant) -> bool {
        while let Some((since, oldest)) = self.order.front() {
            let is_old = now.saturating_duration_since(*since) >= self.lifetime;
            if !is_old && self.order.len() < self.capacity {
                break;
            }
            self.known.remove(oldest);
            self.order.pop_front();
        }
        let is_new = self.known.insert(item);
        if is_new {
            self.order.push_back((now, item));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_new_again_after_its_time_and_when_there_is_no_room() {
        let (second, start) = (Duration::from_secs(1), Instant::now());
        let mut recent = Recent::new(second * 10, 3);
        assert!(recent.is_new(1, start));
        assert!(!recent.is_new(1, start + second * 9));
        assert!(recent.is_new(1, start + second * 10));
        for n in 2..100 {
            assert!(recent.is_new(n, start + second * 10));
        }
        assert_eq!((recent.known.len(), recent.order.len()), (3, 3));
        assert!(recent.is_new(1, start + second * 10), "forgotten");
        assert!(!recent.is_new(99, start + second * 10));
    }
}
