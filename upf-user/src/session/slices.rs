//! Work on many sessions, a slice at a time: whoever holds the sessions' lock gives it back before others notice.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::{Duration, Instant};

use crate::pfcp::ie::NodeId;

/// How much is done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    pub(super) time: Duration,
    /// Sessions that are looked at.
    pub(super) sessions: usize,
}

/// What is left of a portion.
#[derive(Debug)]
pub(super) struct Slice {
    end: Instant,
    sessions: usize,
}

impl Portion {
    /// Of each kind of work in one tick; there are six kinds.
    pub(super) const TICK: Self = Self {
        time: Duration::from_micros(1500),
        sessions: 4096,
    };
    /// What somebody who looks at sessions may take.
    pub(super) const LOOK: Self = Self {
        time: Duration::from_millis(2),
        sessions: 8192,
    };
    /// What a request may wait for room.
    pub(super) const REQUEST: Self = Self {
        time: Duration::from_millis(1),
        sessions: 256,
    };

    pub(super) fn begin(self) -> Slice {
        Slice {
            end: Instant::now() + self.time,
            sessions: self.sessions,
        }
    }
}

impl Slice {
    /// Whether there is time for one more session.
    pub(super) fn goes_on(&mut self) -> bool {
        let Some(left) = self.sessions.checked_sub(1) else {
            return false;
        };
        self.sessions = left;
        Instant::now() < self.end
    }
}

/// Work for control planes that take turns, so that none of them waits for what another one has caused.
#[derive(Debug)]
pub(super) struct Rota<T> {
    work: BTreeMap<NodeId, T>,
    /// Whose turn it was last.
    last: Option<NodeId>,
}

impl<T> Default for Rota<T> {
    fn default() -> Self {
        Self {
            work: BTreeMap::new(),
            last: None,
        }
    }
}

impl<T> Rota<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.work.is_empty()
    }

    pub(super) fn get(&self, owner: &NodeId) -> Option<&T> {
        self.work.get(owner)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.work.values()
    }

    pub(super) fn get_mut(&mut self, owner: &NodeId) -> Option<&mut T> {
        self.work.get_mut(owner)
    }

    pub(super) fn insert(&mut self, owner: NodeId, work: T) {
        self.work.insert(owner, work);
    }

    pub(super) fn remove(&mut self, owner: &NodeId) {
        self.work.remove(owner);
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self) -> Option<NodeId> {
        let behind = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.work.range((behind, Bound::Unbounded)).next();
        let (owner, _) = next.or_else(|| self.work.first_key_value())?;
        let owner = owner.clone();
        self.last = Some(owner.clone());
        Some(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_planes_take_turns() {
        let node = |name: &str| NodeId::Fqdn(name.to_owned());
        let mut rota = Rota::default();
        assert_eq!(rota.next(), None);
        for name in ["b", "a", "c"] {
            rota.insert(node(name), ());
        }
        assert_eq!(
            [(); 4].map(|()| rota.next()),
            ["a", "b", "c", "a"].map(|name| Some(node(name)))
        );
        rota.remove(&node("b"));
        assert_eq!(rota.next(), Some(node("c")));
        rota.remove(&node("c"));
        assert_eq!(rota.next(), Some(node("a")));
    }

    #[test]
    fn a_slice_ends_by_sessions_or_by_time() {
        let count = |time, sessions| {
            let mut slice = Portion { time, sessions }.begin();
            (0..10).filter(|_| slice.goes_on()).count()
        };
        assert_eq!(count(Duration::from_secs(60), 3), 3);
        assert_eq!(count(Duration::ZERO, 3), 0);
    }
}
