//! Which pages of rule lists are in use.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use upf_common::abi::NO_LIST;
use upf_common::matching::known;

/// How long a record that packets may still be reading is left alone after the last rules that named it
/// were replaced. A packet is in the XDP program for microseconds.
pub(super) const QUARANTINE: Duration = Duration::from_secs(1);

// What the fast path remembers of a list is forgotten when its pages are written again.
const _: () = assert!(2 * known::LIFETIME_NS as u128 <= QUARANTINE.as_nanos());

/// Hands out pages of the `LISTS` map, as chains. The pages of a chain that was given back are handed out again
/// only after [`QUARANTINE`].
#[derive(Clone, Debug)]
pub(super) struct Lists {
    capacity: u32,
    /// The page behind each page of a chain; pages beyond the end were never used.
    next: Vec<u32>,
    free: Vec<u32>,
    /// First pages.
    quarantined: VecDeque<(Instant, u32)>,
    used: u32,
}

impl Lists {
    /// All `capacity` pages are free.
    #[must_use]
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            next: Vec::new(),
            free: Vec::new(),
            quarantined: VecDeque::new(),
            used: 0,
        }
    }

    /// Takes a chain of `pages`, at least one, and says which is the first; all or none are taken.
    pub(super) fn claim(&mut self, pages: u32, now: Instant) -> Option<u32> {
        let unused = self.capacity - self.next.len() as u32;
        // Only as many as are needed: after many sessions have ended at a time there are very many.
        while (self.free.len() as u64) + u64::from(unused) < u64::from(pages) {
            if !self.end_a_quarantine(now) {
                return None;
            }
        }
        let mut first = NO_LIST;
        for _ in 0..pages {
            let page = self.free.pop().unwrap_or_else(|| {
                self.next.push(NO_LIST);
                self.next.len() as u32 - 1
            });
            self.next[page as usize] = first;
            first = page;
        }
        self.used += pages;
        Some(first)
    }

    /// Gives a chain back that no rules name any more.
    pub(super) fn release(&mut self, first: u32, now: Instant) {
        self.used -= self.pages(first).count() as u32;
        self.quarantined.push_back((now, first));
    }

    /// The pages of a chain.
    pub(super) fn pages(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let behind = |page: &u32| self.next.get(*page as usize).copied();
        let page = |page: u32| (page != NO_LIST).then_some(page);
        std::iter::successors(page(first), move |last| behind(last).and_then(page))
    }

    /// Pages in use; those in quarantine are not.
    pub(super) fn used(&self) -> u32 {
        self.used
    }

    /// Frees the chain that was given back first; false if it is too early.
    fn end_a_quarantine(&mut self, now: Instant) -> bool {
        let Some((since, first)) = self.quarantined.front().copied() else {
            return false;
        };
        if now.saturating_duration_since(since) < QUARANTINE {
            return false;
        }
        self.quarantined.pop_front();
        let pages: Vec<_> = self.pages(first).collect();
        self.free.extend(pages);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(lists: &Lists, first: u32) -> Vec<u32> {
        lists.pages(first).collect()
    }

    #[test]
    fn a_list_is_not_reused_while_a_packet_may_read_it() {
        let (mut lists, start) = (Lists::new(4), Instant::now());
        let (first, second) = (
            lists.claim(1, start).unwrap(),
            lists.claim(3, start).unwrap(),
        );
        let mut pages = [chain(&lists, first), chain(&lists, second)].concat();
        assert_eq!(chain(&lists, second).len(), 3);
        pages.sort_unstable();
        assert_eq!(pages, [0, 1, 2, 3]);
        assert_eq!(lists.claim(1, start), None);
        lists.release(second, start);
        assert_eq!(lists.used(), 1);
        assert_eq!(lists.claim(1, start + QUARANTINE / 2), None);
        assert_eq!(chain(&lists, second).len(), 3, "a packet may be in it");
        assert_eq!(lists.claim(4, start + QUARANTINE), None);
        assert_eq!(lists.used(), 1, "all or none");
        let again = lists.claim(2, start + QUARANTINE).unwrap();
        assert_eq!(chain(&lists, again).len(), 2);
        assert!(lists.claim(1, start + QUARANTINE).is_some());
        assert_eq!(lists.used(), 4);
        assert_eq!(lists.claim(1, start + QUARANTINE), None);
    }
}
