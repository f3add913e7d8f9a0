//! Limits that are records of their own ([`upf_common::abi::Limit`]): who has which, and what is in force.
//!
//! What QERs demand beside the meter of a slot has a name, [`LimitKey`], and is shared by all that use the name: the AMBR
//! over all PDRs and sessions of a UE (QER Correlation ID, TS 29.244 clause 5.4.4), but also a QER that several flows of a
//! session have. SIMs and customers have a record each, see [`super::sims`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use upf_common::abi::level;

use super::sims::{Customer, Sim};
use crate::bandwidth::{CustomerId, Imsi};
use crate::datapath::{Direction, LimitIndex, LimitSetting};

/// Whose QERs with one QER Correlation ID belong together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitScope {
    /// Those of all sessions of a UE with one control plane: a text that names both.
    Ue(Arc<str>),
    /// Those of one session: the control plane did not say whose it is. Our SEID.
    Session(u64),
}

/// Which QERs a limit is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitOwner {
    /// One: our SEID, and the QER ID.
    Qer(u64, u32),
    /// Those with this QER Correlation ID.
    Correlated(LimitScope, u32),
}

/// What of a QER it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitKind {
    /// GBR.
    Guarantee,
    /// Packet Rate.
    Packets,
    /// MBR.
    Rate,
}

/// The name of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LimitKey {
    /// Whose.
    pub owner: LimitOwner,
    /// What.
    pub kind: LimitKind,
}

impl LimitKey {
    /// Its level, one of [`upf_common::abi::level`].
    #[must_use]
    pub fn level(&self) -> u8 {
        match self.owner {
            LimitOwner::Qer(..) => level::FLOW,
            LimitOwner::Correlated(..) => level::SESSION,
        }
    }
}

/// A pair of what both directions have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both<T> {
    /// From the UE.
    pub uplink: T,
    /// To the UE.
    pub downlink: T,
}

impl<T> Both<T> {
    /// That of one direction.
    #[must_use]
    pub fn of(&self, direction: Direction) -> &T {
        match direction {
            Direction::Uplink => &self.uplink,
            Direction::Downlink => &self.downlink,
        }
    }

    pub(super) fn of_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Uplink => &mut self.uplink,
            Direction::Downlink => &mut self.downlink,
        }
    }
}

/// What is in force in one direction of a named limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InForce {
    pub(super) setting: LimitSetting,
    /// The named limit behind it.
    pub(super) next: Option<LimitKey>,
    /// The SIM whose record is behind it where no named limit is.
    pub(super) sim: Option<Imsi>,
}

/// A named limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) index: LimitIndex,
    /// Sessions.
    pub(super) users: u32,
    /// `None` where no session has said anything for that direction yet.
    pub(super) in_force: Both<Option<InForce>>,
}

impl Named {
    /// The SIM whose record is behind it; one at most, because those who share it are of one UE.
    fn sim(&self) -> Option<Imsi> {
        let both = [&self.in_force.uplink, &self.in_force.downlink];
        both.into_iter().flatten().find_map(|one| one.sim)
    }
}

/// The books of all records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    indexes: Indexes,
    named: HashMap<LimitKey, Named>,
    pub(super) sims: HashMap<Imsi, Sim>,
    pub(super) customers: HashMap<CustomerId, Customer>,
}

impl Limits {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            indexes: Indexes {
                capacity,
                fresh: 0,
                free: BTreeSet::new(),
            },
            named: HashMap::new(),
            sims: HashMap::new(),
            customers: HashMap::new(),
        }
    }

    /// Records in use.
    pub(super) fn used(&self) -> u32 {
        self.indexes.fresh - self.indexes.free.len() as u32
    }

    /// A record that is nobody's.
    pub(super) fn claim(&mut self) -> Option<LimitIndex> {
        self.indexes.claim()
    }

    /// Nobody has a record any more.
    pub(super) fn release(&mut self, index: LimitIndex) {
        self.indexes.release(index);
    }

    /// Adds a session to a named limit; whether there is one.
    pub(super) fn join(&mut self, key: &LimitKey) -> bool {
        let Some(named) = self.named.get_mut(key) else {
            return false;
        };
        named.users += 1;
        true
    }

    /// A new named limit with one session.
    pub(super) fn found(&mut self, key: LimitKey, index: LimitIndex) {
        let named = Named {
            index,
            users: 1,
            in_force: Both::default(),
        };
        self.named.insert(key, named);
    }

    /// Takes a session away; the record is free if it was the last one.
    pub(super) fn leave(&mut self, key: &LimitKey) -> Option<LimitIndex> {
        let named = self.named.get_mut(key)?;
        named.users -= 1;
        if named.users > 0 {
            return None;
        }
        let named = self.named.remove(key)?;
        if let Some(imsi) = named.sim() {
            self.remove_feeder(imsi, key);
        }
        self.release(named.index);
        Some(named.index)
    }

    pub(super) fn get(&self, key: &LimitKey) -> Option<&Named> {
        self.named.get(key)
    }

    /// Notes what is in force in one direction.
    pub(super) fn set(&mut self, key: &LimitKey, direction: Direction, in_force: Option<InForce>) {
        let Some(named) = self.named.get_mut(key) else {
            return;
        };
        let before = named.sim();
        *named.in_force.of_mut(direction) = in_force;
        let after = named.sim();
        if before == after {
            return;
        }
        if let Some(imsi) = before {
            self.remove_feeder(imsi, key);
        }
        if let Some(sim) = after.and_then(|imsi| self.sims.get_mut(&imsi)) {
            sim.feeders.insert(key.clone());
        }
    }

    fn remove_feeder(&mut self, imsi: Imsi, key: &LimitKey) {
        if let Some(sim) = self.sims.get_mut(&imsi) {
            sim.feeders.remove(key);
        }
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&LimitKey, &Named)> {
        self.named.iter()
    }
}

/// Which records are free; the lowest one comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Indexes {
    capacity: u32,
    /// Those from here on are free.
    fresh: u32,
    /// And those of the others.
    free: BTreeSet<u32>,
}

impl Indexes {
    fn claim(&mut self) -> Option<LimitIndex> {
        if let Some(index) = self.free.pop_first() {
            return Some(LimitIndex(index));
        }
        let index = self.fresh;
        if index >= self.capacity {
            return None;
        }
        self.fresh += 1;
        Some(LimitIndex(index))
    }

    fn release(&mut self, index: LimitIndex) {
        self.free.insert(index.0);
        while let Some(last) = self.free.last()
            && last + 1 == self.fresh
        {
            self.fresh -= 1;
            self.free.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LimitKey {
        LimitKey {
            owner: LimitOwner::Correlated(LimitScope::Ue("smf 001010000000001".into()), 7),
            kind: LimitKind::Rate,
        }
    }

    #[test]
    fn a_limit_lives_as_long_as_one_session_has_it() {
        let mut limits = Limits::new(2);
        let key = key();
        assert!(!limits.join(&key));
        let index = limits.claim().unwrap();
        limits.found(key.clone(), index);
        assert!(limits.join(&key));
        assert_eq!(key.level(), level::SESSION);
        let in_force = InForce {
            setting: LimitSetting {
                ticks_per_byte: 5,
                ..LimitSetting::default()
            },
            next: None,
            sim: None,
        };
        limits.set(&key, Direction::Downlink, Some(in_force.clone()));
        let named = limits.get(&key).unwrap();
        assert_eq!(
            *named.in_force.of(Direction::Downlink),
            Some(in_force.clone())
        );
        assert_eq!(*named.in_force.of(Direction::Uplink), None);
        assert_eq!(limits.leave(&key), None);
        assert_eq!(limits.used(), 1);
        assert_eq!(limits.leave(&key), Some(index));
        assert_eq!(limits, Limits::new(2));
    }

    #[test]
    fn records_are_counted_and_used_again() {
        let mut limits = Limits::new(3);
        let all: Vec<_> = std::iter::from_fn(|| limits.claim()).collect();
        assert_eq!(all, [0, 1, 2].map(LimitIndex));
        limits.release(all[1]);
        assert_eq!(limits.used(), 2);
        assert_eq!(limits.claim(), Some(all[1]));
        assert_eq!(limits.claim(), None);
        for index in [1, 0, 2].map(LimitIndex) {
            limits.release(index);
        }
        assert_eq!(limits, Limits::new(3));
    }
}
