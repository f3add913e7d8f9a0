//! What the REST API gives SIMs and customers, in a key-value store (fjall) of its own directory.
//!
//! Keys are IMSIs and customers' names, values are JSON with names of classes and customers, not their numbers: those
//! depend on the config.
//!
//! A change of many SIMs is durable at once, whole, in a table of its own: [`Chunk`]s of SIMs that [wait](BandwidthStore::wait).
//! What waits counts more than the records of SIMs; chunk by chunk it [becomes](BandwidthStore::fold) such records.

use std::path::Path;

use fjall::{Keyspace, OwnedWriteBatch, PersistMode};

use super::StoreError;
use super::engine::{Engine, Failure, Held, Tables, all, read, written};
use crate::bandwidth::{self, CustomerId, KeptAssignment, KeptLimit, SimChange};

/// Below `node.state`.
const DIRECTORY: &str = "bandwidth";

/// Assignments of SIMs and limits of customers, kept over restarts. What a call has stored is durable when it returns.
pub struct BandwidthStore {
    tables: Held<SimTables>,
}

struct SimTables {
    engine: Engine,
    sims: Keyspace,
    customers: Keyspace,
    /// By the chunk's number.
    waiting: Keyspace,
}

/// Some of the SIMs of a change of many, each once.
pub struct Chunk {
    number: u32,
    /// What they are to have.
    pub changes: Vec<SimChange>,
    /// The same as it is kept; empty once it is.
    written: Vec<u8>,
}

impl Chunk {
    /// The n-th of them.
    #[must_use]
    pub fn new(number: u32, changes: Vec<SimChange>) -> Self {
        // Nothing in it cannot be written; what is empty is refused later.
        let written = serde_json::to_vec(&changes).unwrap_or_default();
        Self {
            number,
            changes,
            written,
        }
    }

    fn key(&self) -> String {
        format!("{:08}", self.number)
    }
}

impl BandwidthStore {
    /// Opens the store in the directory of what outlives a restart, and makes it where it is missing.
    ///
    /// # Errors
    /// When it cannot be opened, is open in another process, or is damaged.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        let tables = Held::open(state.join(DIRECTORY))?;
        Ok(Self { tables })
    }

    /// All that is kept. Nothing waits any more then.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn load(&mut self) -> Result<bandwidth::Kept, StoreError> {
        self.tables.with(|tables| {
            tables.fold_all()?;
            let customers = all(&tables.customers, |name| Some(CustomerId(name.into())))?;
            let sims = all(&tables.sims, |imsi| imsi.parse().ok())?;
            Ok(bandwidth::Kept { customers, sims })
        })
    }

    /// Changes SIMs, all or none, and tells what each of them has then. No SIM may stand there twice.
    ///
    /// # Errors
    /// When the changes cannot be kept.
    pub fn change_sims(
        &mut self,
        changes: &[SimChange],
    ) -> Result<Vec<KeptAssignment>, StoreError> {
        self.tables.with(|tables| {
            let mut batch = tables.batch();
            let given = tables.change(&mut batch, changes)?;
            tables.commit(batch)?;
            Ok(given)
        })
    }

    /// Keeps a change of many SIMs, all or none. No SIM may stand there twice, and no other chunk may wait.
    ///
    /// # Errors
    /// When the changes cannot be kept.
    pub fn wait(&mut self, chunks: &mut [Chunk]) -> Result<(), StoreError> {
        self.tables.with(|tables| {
            let mut batch = tables.batch();
            for chunk in &mut *chunks {
                let written = std::mem::take(&mut chunk.written);
                if written.is_empty() {
                    return Err(Failure::Content);
                }
                batch.insert(&tables.waiting, chunk.key().as_str(), written);
            }
            tables.commit(batch)
        })
    }

    /// Makes a chunk that waits records of its SIMs. What they have does not change by that.
    ///
    /// # Errors
    /// When it cannot be written: it waits still.
    pub fn fold(&mut self, chunk: &Chunk) -> Result<(), StoreError> {
        self.tables.with(|tables| tables.fold(chunk))
    }

    /// Keeps a customer's limit.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn set_customer(
        &mut self,
        customer: &CustomerId,
        limit: &KeptLimit,
    ) -> Result<(), StoreError> {
        self.tables.with(|tables| {
            let mut batch = tables.batch();
            batch.insert(&tables.customers, &*customer.0, written(limit)?);
            tables.commit(batch)
        })
    }

    /// Forgets a customer.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub fn remove_customer(&mut self, customer: &CustomerId) -> Result<(), StoreError> {
        self.tables.with(|tables| {
            let mut batch = tables.batch();
            batch.remove(&tables.customers, &*customer.0);
            tables.commit(batch)
        })
    }
}

impl Tables for SimTables {
    const LOSES: &str = "the speed classes and customers that SIMs were given by the REST API";

    fn open(path: &Path) -> Result<Self, Failure> {
        let (engine, [sims, customers, waiting]) =
            Engine::open(path, ["sims", "customers", "waiting"])?;
        Ok(Self {
            engine,
            sims,
            customers,
            waiting,
        })
    }

    /// A change that failed may wait there nevertheless, and must not count more than those that come now.
    fn reopened(&mut self) -> Result<(), Failure> {
        self.fold_all()
    }
}

impl SimTables {
    fn batch(&self) -> OwnedWriteBatch {
        self.engine.batch(Some(PersistMode::SyncAll))
    }

    /// Adds the records of changed SIMs to a batch, and tells what each of them has then.
    fn change(
        &self,
        batch: &mut OwnedWriteBatch,
        changes: &[SimChange],
    ) -> Result<Vec<KeptAssignment>, Failure> {
        let mut given = Vec::with_capacity(changes.len());
        for change in changes {
            let key = change.imsi.to_string();
            let old = self.sims.get(&key)?;
            let mut kept = match &old {
                Some(value) => read(value)?,
                None => KeptAssignment::default(),
            };
            kept.change(change);
            if !kept.is_empty() {
                batch.insert(&self.sims, key.as_str(), written(&kept)?);
            } else if old.is_some() {
                batch.remove(&self.sims, key.as_str());
            }
            given.push(kept);
        }
        Ok(given)
    }

    /// The chunk is durable as it waits: there is no hurry.
    fn fold(&self, chunk: &Chunk) -> Result<(), Failure> {
        let mut batch = self.engine.batch(None);
        self.change(&mut batch, &chunk.changes)?;
        batch.remove(&self.waiting, chunk.key().as_str());
        batch.commit()?;
        Ok(())
    }

    /// All that waits.
    fn fold_all(&self) -> Result<(), Failure> {
        for (number, changes) in all(&self.waiting, |number| number.parse().ok())? {
            let written = Vec::new();
            self.fold(&Chunk {
                number,
                changes,
                written,
            })?;
        }
        Ok(())
    }

    /// Makes a batch the next change.
    fn commit(&mut self, batch: OwnedWriteBatch) -> Result<(), Failure> {
        self.engine.commit(batch)?;
        self.engine.note()
    }
}

#[cfg(test)]
mod tests;
