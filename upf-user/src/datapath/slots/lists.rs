//! Which rule lists are in use.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a record that packets may still be reading is left alone after the last rules that named it
/// were replaced. A packet is in the XDP program for microseconds.
pub(super) const QUARANTINE: Duration = Duration::from_secs(1);

/// Hands out entries of the `LISTS` map. A list that was given back is handed out again only after
/// [`QUARANTINE`].
#[derive(Clone, Debug)]
pub(super) struct Lists {
    capacity: u32,
    /// Entries from here on were never used.
    next: u32,
    free: Vec<u32>,
    quarantined: VecDeque<(Instant, u32)>,
}

impl Lists {
    /// All `capacity` entries are free.
    #[must_use]
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            next: 0,
            free: Vec::new(),
            quarantined: VecDeque::new(),
        }
    }

    /// Takes an entry, if there is one.
    pub(super) fn claim(&mut self, now: Instant) -> Option<u32> {
        self.end_quarantine(now);
        if let Some(index) = self.free.pop() {
            return Some(index);
        }
        let index = self.next;
        (index < self.capacity).then(|| {
            self.next += 1;
            index
        })
    }

    /// Gives an entry back that no rules name any more.
    pub(super) fn release(&mut self, index: u32, now: Instant) {
        self.end_quarantine(now);
        self.quarantined.push_back((now, index));
    }

    /// Entries in use; those in quarantine are not.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.next as usize - self.free.len() - self.quarantined.len()
    }

    fn end_quarantine(&mut self, now: Instant) {
        while let Some((since, index)) = self.quarantined.front().copied()
            && now.saturating_duration_since(since) >= QUARANTINE
        {
            self.quarantined.pop_front();
            self.free.push(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_not_reused_while_a_packet_may_read_it() {
        let (mut lists, start) = (Lists::new(2), Instant::now());
        let (first, second) = (lists.claim(start).unwrap(), lists.claim(start).unwrap());
        assert_ne!(first, second);
        assert_eq!(lists.claim(start), None);
        lists.release(first, start);
        assert_eq!(lists.used(), 1);
        assert_eq!(lists.claim(start + QUARANTINE / 2), None);
        assert_eq!(lists.claim(start + QUARANTINE), Some(first));
        assert_eq!(lists.used(), 2);
    }
}
