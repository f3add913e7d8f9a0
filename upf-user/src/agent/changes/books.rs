//! What is kept and not through yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::bandwidth::{CustomerId, Imsi, KeptAssignment, SimChange, SpeedLimit};
use crate::datapath::{Datapath, DatapathError};
use crate::session::Sessions;
use crate::store::{BandwidthStore, Chunk, StoreError};

/// Everything that changes have to do with one after another.
pub(super) struct Books {
    pub(super) store: BandwidthStore,
    pub(super) waiting: Waiting,
    pub(super) owed: Owed,
}

/// Chunks of a change of many SIMs that the store keeps as such, by the last of their SIMs.
pub(super) type Waiting = BTreeMap<Imsi, WaitingChunk>;

/// What is kept and not in force.
pub(super) type Owed = BTreeMap<Concerned, Change>;

pub(super) struct WaitingChunk {
    pub(super) chunk: Chunk,
    pub(super) is_in_force: bool,
}

/// What somebody has from now on.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Sim(Imsi, KeptAssignment),
    /// `None` for a customer that there is no more.
    Customer(CustomerId, Option<SpeedLimit>),
}

/// Whom a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Concerned {
    Sim(Imsi),
    Customer(CustomerId),
}

impl Books {
    pub(super) fn new(store: BandwidthStore) -> Self {
        Self {
            store,
            waiting: Waiting::new(),
            owed: Owed::new(),
        }
    }

    /// Makes a chunk, named by its last SIM, records of its SIMs.
    pub(super) fn fold(&mut self, last: Imsi) -> Result<(), StoreError> {
        if let Some(waiting) = self.waiting.get(&last) {
            self.store.fold(&waiting.chunk)?;
            self.waiting.remove(&last);
        }
        Ok(())
    }

    /// The chunks that these SIMs are in.
    pub(super) fn chunks_of(&self, changes: &[SimChange]) -> BTreeSet<Imsi> {
        if self.waiting.is_empty() {
            return BTreeSet::new();
        }
        let chunk_of = |change: &SimChange| {
            let (last, waiting) = self.waiting.range(change.imsi..).next()?;
            let changes = &waiting.chunk.changes;
            let found = changes.binary_search_by_key(&change.imsi, |change| change.imsi);
            found.is_ok().then_some(*last)
        };
        changes.iter().filter_map(chunk_of).collect()
    }
}

impl Change {
    pub(super) fn concerned(&self) -> Concerned {
        match self {
            Self::Sim(imsi, _) => Concerned::Sim(*imsi),
            Self::Customer(customer, _) => Concerned::Customer(customer.clone()),
        }
    }

    pub(super) fn put_into_force<D: Datapath>(
        &self,
        sessions: &mut Sessions<D>,
    ) -> Result<(), DatapathError> {
        match self {
            Self::Sim(imsi, kept) => {
                let assignment = sessions.bandwidth().assigned(kept);
                sessions.change_sim(*imsi, assignment)
            }
            Self::Customer(customer, None) => sessions.forget_customer(customer),
            Self::Customer(customer, limit) => {
                sessions.change_customer(customer.clone(), limit.clone())
            }
        }
    }
}
