//! The neighbours on our devices, and which messages about them matter.

use std::collections::HashMap;
use std::net::IpAddr;

/// More neighbours than any kernel keeps by default (`gc_thresh3`); those beyond are not followed, and
/// every message about them counts as a change.
const MAX_FOLLOWED: usize = 65_536;

/// A neighbour is known by device and address.
pub(super) type Key = (u32, IpAddr);

/// What the kernel knows of a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Incomplete, failed or gone: nothing can be sent.
    Unresolved,
    /// The address that frames go to.
    Resolved([u8; 6]),
    /// The same, but nobody has confirmed it for a while.
    Stale([u8; 6]),
}

impl State {
    /// Where frames go, as the fast path sees it.
    const fn mac(self) -> Option<[u8; 6]> {
        match self {
            Self::Unresolved => None,
            Self::Resolved(mac) | Self::Stale(mac) => Some(mac),
        }
    }
}

#[derive(Default)]
pub(super) struct Neighbours {
    known: HashMap<Key, State>,
}

impl Neighbours {
    /// Takes note, and says whether frames now go elsewhere than before.
    pub(super) fn put(&mut self, key: Key, state: State) -> bool {
        let before = self.known.get(&key).copied();
        match state {
            State::Unresolved => {
                self.known.remove(&key);
            }
            _ if before.is_some() || self.known.len() < MAX_FOLLOWED => {
                self.known.insert(key, state);
            }
            _ => return true,
        }
        before.and_then(State::mac) != state.mac()
    }

    pub(super) fn is_resolved(&self, key: &Key) -> bool {
        self.known.contains_key(key)
    }

    pub(super) fn stale(&self) -> impl Iterator<Item = Key> {
        self.known
            .iter()
            .filter(|(_, state)| matches!(state, State::Stale(_)))
            .map(|(key, _)| *key)
    }

    pub(super) fn forget_device(&mut self, ifindex: u32) {
        self.known.retain(|(device, _), _| *device != ifindex);
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 2];

    fn key(last: u8) -> Key {
        (3, IpAddr::from([10, 1, 0, last]))
    }

    #[test]
    fn confirmation_alone_is_no_change() {
        let mut neighbours = Neighbours::default();
        assert!(neighbours.put(key(1), State::Resolved(MAC)));
        assert!(!neighbours.put(key(1), State::Stale(MAC)));
        assert!(!neighbours.put(key(1), State::Resolved(MAC)));
    }

    #[test]
    fn another_mac_address_and_its_loss_are_changes() {
        let mut neighbours = Neighbours::default();
        neighbours.put(key(1), State::Resolved(MAC));
        assert!(neighbours.put(key(1), State::Stale(OTHER)));
        assert!(neighbours.put(key(1), State::Unresolved));
        assert!(
            !neighbours.put(key(1), State::Unresolved),
            "still unresolved"
        );
        assert!(!neighbours.is_resolved(&key(1)));
    }

    #[test]
    fn stale_ones_are_found_and_a_device_forgotten() {
        let mut neighbours = Neighbours::default();
        neighbours.put(key(1), State::Resolved(MAC));
        neighbours.put(key(2), State::Stale(MAC));
        assert_eq!(neighbours.stale().collect::<Vec<_>>(), [key(2)]);
        neighbours.forget_device(3);
        assert!(!neighbours.is_resolved(&key(1)));
    }

    #[test]
    fn the_table_is_bounded_and_what_does_not_fit_counts_as_a_change() {
        let mut neighbours = Neighbours::default();
        for n in 0..u32::try_from(MAX_FOLLOWED).unwrap() {
            neighbours.put((1, IpAddr::from(n.to_be_bytes())), State::Resolved(MAC));
        }
        assert!(neighbours.put(key(1), State::Resolved(MAC)));
        assert!(neighbours.put(key(1), State::Resolved(MAC)));
        assert!(!neighbours.is_resolved(&key(1)));
    }
}
