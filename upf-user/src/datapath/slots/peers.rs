//! Which GTP-U peers are in use.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use upf_common::abi::{self, mapped};
use upf_common::wire::{outer_ipv4_checksum_base, outer_ipv6_checksum_base};

use super::lists::QUARANTINE;
use crate::gtpu::PathKey;

/// Quarantines that end at a time where no entry is waited for. More than begin, so that none are left behind.
const MAX_ENDED: usize = 256;

/// A GTP-U peer, as seen from one of our addresses, which is of the same family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerKey {
    /// Our GTP-U address.
    pub local: IpAddr,
    /// The peer's.
    pub remote: IpAddr,
    /// Number of the network instance that its route is looked up in.
    pub instance: u32,
}

impl PeerKey {
    /// The record of the `PEERS` map.
    #[must_use]
    pub fn record(&self) -> abi::Peer {
        let octets = |address: IpAddr| match address {
            IpAddr::V4(address) => mapped(address.octets()),
            IpAddr::V6(address) => address.octets(),
        };
        let (local, remote) = (octets(self.local), octets(self.remote));
        let checksum_base = match (self.local, self.remote) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                outer_ipv4_checksum_base(local.octets(), remote.octets())
            }
            _ => outer_ipv6_checksum_base(local, remote),
        };
        abi::Peer {
            local,
            remote,
            instance: self.instance,
            checksum_base,
            is_v6: self.remote.is_ipv6().into(),
            ..abi::Peer::default()
        }
    }
}

/// Counts the users of each entry of the `PEERS` map. An entry without users keeps its peer for a second,
/// because packets may still be reading it; a UE that goes to and fro between two gNBs uses two entries.
#[derive(Clone, Debug)]
pub struct Peers {
    capacity: u32,
    /// The last peer of each entry that was ever used.
    keys: Vec<PeerKey>,
    free: Vec<u32>,
    entries: HashMap<PeerKey, Entry>,
    idle: VecDeque<(Instant, PeerKey)>,
    changes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    index: u32,
    users: u32,
    /// Since when it has had no user.
    idle_since: Option<Instant>,
}

impl Peers {
    /// All `capacity` entries are free.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self {
            capacity,
            keys: Vec::new(),
            free: Vec::new(),
            entries: HashMap::new(),
            idle: VecDeque::new(),
            changes: 0,
        }
    }

    /// The entry of a peer that has one.
    #[must_use]
    pub fn index_of(&self, key: &PeerKey) -> Option<u32> {
        self.entries.get(key).map(|entry| entry.index)
    }

    /// Adds a user, and says which entry, and whether it is the only user, who has to write the record.
    /// `None` if all entries are taken.
    pub fn acquire(&mut self, key: PeerKey, now: Instant) -> Option<(u32, bool)> {
        self.end_quarantine(now);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.users += 1;
            entry.idle_since = None;
            let only = entry.users == 1;
            self.changes += u64::from(only);
            return Some((entry.index, only));
        }
        let unused = self.keys.len() as u32;
        // Only as many as are needed: after many sessions have ended at a time there are very many.
        while self.free.is_empty() && unused == self.capacity && self.end_a_quarantine(now) {}
        let index = match self.free.pop() {
            Some(index) => {
                self.keys[index as usize] = key;
                index
            }
            None if unused < self.capacity => {
                self.keys.push(key);
                unused
            }
            None => return None,
        };
        let entry = Entry {
            index,
            users: 1,
            idle_since: None,
        };
        self.entries.insert(key, entry);
        self.changes += 1;
        Some((index, true))
    }

    /// Takes a user of an entry away.
    pub fn release(&mut self, index: u32, now: Instant) {
        self.end_quarantine(now);
        let Some(key) = self.keys.get(index as usize) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.users = entry.users.saturating_sub(1);
        if entry.users == 0 && entry.idle_since.is_none() {
            entry.idle_since = Some(now);
            self.idle.push_back((now, *key));
            self.changes += 1;
        }
    }

    /// Entries that have a peer, those included that had one a second ago.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The peers' addresses, without doubles.
    #[must_use]
    pub fn remotes(&self) -> Vec<IpAddr> {
        let used = self.entries.iter().filter(|(_, entry)| entry.users > 0);
        let remotes: BTreeSet<_> = used.map(|(key, _)| key.remote).collect();
        remotes.into_iter().collect()
    }

    /// The ways to those addresses, each from one of ours, without doubles: network instances do not count.
    #[must_use]
    pub fn paths(&self) -> Vec<PathKey> {
        let used = self.entries.iter().filter(|(_, entry)| entry.users > 0);
        let paths: BTreeSet<_> = used
            .map(|(key, _)| PathKey {
                remote: key.remote,
                local: key.local,
            })
            .collect();
        paths.into_iter().collect()
    }

    /// Raised whenever a peer gets its first user or loses its last.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Users of each peer that has some.
    #[cfg(test)]
    pub(crate) fn users(&self) -> std::collections::BTreeMap<PeerKey, u32> {
        let used = self.entries.iter().filter(|(_, entry)| entry.users > 0);
        used.map(|(key, entry)| (*key, entry.users)).collect()
    }

    fn end_quarantine(&mut self, now: Instant) {
        for _ in 0..MAX_ENDED {
            if !self.end_a_quarantine(now) {
                return;
            }
        }
    }

    /// Frees the entry that lost its last user first, unless it has found one again since; false if it is too early, or
    /// there is none.
    fn end_a_quarantine(&mut self, now: Instant) -> bool {
        let Some((since, key)) = self.idle.front().copied() else {
            return false;
        };
        let idle = self
            .entries
            .get(&key)
            .filter(|entry| entry.idle_since == Some(since));
        if let Some(index) = idle.map(|entry| entry.index) {
            if now.saturating_duration_since(since) < QUARANTINE {
                return false;
            }
            self.entries.remove(&key);
            self.free.push(index);
        }
        self.idle.pop_front();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(last: u8) -> PeerKey {
        PeerKey {
            local: IpAddr::from([10, 1, 0, 2]),
            remote: IpAddr::from([10, 1, 0, last]),
            instance: 0,
        }
    }

    #[test]
    fn an_entry_lives_as_long_as_its_users_and_a_second() {
        let (mut peers, start) = (Peers::new(2), Instant::now());
        assert_eq!(peers.acquire(key(10), start), Some((0, true)));
        assert_eq!(peers.acquire(key(10), start), Some((0, false)));
        assert_eq!(peers.acquire(key(11), start), Some((1, true)));
        assert_eq!(peers.acquire(key(12), start), None);
        peers.release(0, start);
        peers.release(0, start);
        assert_eq!(peers.remotes(), [key(11).remote]);
        assert_eq!(peers.acquire(key(12), start + QUARANTINE / 2), None);
        assert_eq!(peers.acquire(key(12), start + QUARANTINE), Some((0, true)));
        assert_eq!(peers.index_of(&key(10)), None);
        peers.release(0, start + QUARANTINE);
        assert_eq!(peers.remotes(), [key(11).remote]);
    }

    #[test]
    fn to_and_fro_between_two_peers_uses_two_entries() {
        let (mut peers, start) = (Peers::new(2), Instant::now());
        let (mut last, _) = peers.acquire(key(10), start).unwrap();
        let before = peers.changes();
        for n in 0..200 {
            let (index, _) = peers.acquire(key(10 + (n + 1) % 2), start).unwrap();
            peers.release(last, start);
            last = index;
        }
        assert_eq!(peers.changes(), before + 400);
        peers.release(last, start);
        peers.release(last, start + QUARANTINE);
        assert!(peers.idle.len() <= 1 && peers.entries.len() <= 1);
    }

    /// Entries that had no user for a moment lie in front of the one that is due.
    #[test]
    fn an_entry_that_is_due_is_found_behind_others() {
        let (mut peers, start) = (Peers::new(3), Instant::now());
        let entries = [10, 11, 12].map(|last| peers.acquire(key(last), start).unwrap().0);
        // Behind the first one, which is too early, they pile up.
        peers.release(entries[0], start);
        for n in 1..4 * MAX_ENDED as u64 {
            let now = start + std::time::Duration::from_nanos(n);
            peers.release(entries[1], now);
            peers.acquire(key(11), now).unwrap();
        }
        peers.release(entries[2], start);
        peers.acquire(key(10), start).unwrap();
        let found = peers.acquire(key(13), start + QUARANTINE);
        assert_eq!(found, Some((entries[2], true)));
        assert_eq!(peers.acquire(key(14), start + QUARANTINE), None);
    }

    #[test]
    fn the_record_holds_the_checksum_of_what_never_changes() {
        let record = key(10).record();
        let words = [
            0x4500, 0, 0, 0x4000, 0x4011, 0, 0x0a01, 0x0002, 0x0a01, 0x000a,
        ];
        assert_eq!(record.checksum_base, words.iter().sum::<u32>());
        assert_eq!(record.remote[12..], [10, 1, 0, 10]);
        assert_eq!(record.is_v6, 0);
        let v6 = PeerKey {
            local: "2001:db8::2".parse().unwrap(),
            remote: "2001:db8::a".parse().unwrap(),
            instance: 3,
        };
        let record = v6.record();
        let words = [0x2001, 0x0db8, 2, 0x2001, 0x0db8, 0xa, 17];
        assert_eq!(record.checksum_base, words.iter().sum::<u32>());
        assert_eq!((record.is_v6, record.instance), (1, 3));
        assert_eq!(record.remote[..4], [0x20, 1, 0x0d, 0xb8]);
    }
}
