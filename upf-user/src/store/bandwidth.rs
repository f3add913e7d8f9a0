//! What the REST API gives SIMs and customers, in a key-value store (fjall) of its own directory.
//!
//! Keys are IMSIs and customers' names, values are JSON with names of classes and customers, not their numbers: those
//! depend on the config.
//!
//! A change of many SIMs is durable at once, whole, in a table of its own: [`Chunk`]s of SIMs that [wait](BandwidthStore::wait).
//! What waits counts more than the records of SIMs; chunk by chunk it [becomes](BandwidthStore::fold) such records.
//!
//! The engine takes some damage for files that were never finished, and begins with less. So changes are numbered: the
//! number of the last one stands in each table, and in a file of its own beside them, which is written when they are
//! durable. Tables that are behind it have lost something.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::str;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, file::replace};
use crate::bandwidth::{CustomerId, Kept, KeptAssignment, KeptLimit, SimChange};

/// Below `node.state`.
const DIRECTORY: &str = "bandwidth";
/// The engine's own files, and the number of the last change.
const TABLES: &str = "tables";
const CHANGES: &str = "changes";
/// The record of the last change's number; neither an IMSI nor a name.
const CHANGES_KEY: &str = "#";
/// Blocks that are kept in memory: everything is read once, at the start.
const CACHE_BYTES: u64 = 1 << 20;

/// Assignments of SIMs and limits of customers, kept over restarts. What a call has stored is durable when it returns.
pub struct BandwidthStore {
    path: PathBuf,
    /// `None` after a failure: the next call opens it anew.
    tables: Option<Tables>,
}

struct Tables {
    database: Database,
    sims: Keyspace,
    customers: Keyspace,
    /// By the chunk's number.
    waiting: Keyspace,
    /// Number of the last change.
    changes: u64,
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
        let path = state.join(DIRECTORY);
        let tables = Tables::open(&path)?;
        Ok(Self {
            path,
            tables: Some(tables),
        })
    }

    /// All that is kept. Nothing waits any more then.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn load(&mut self) -> Result<Kept, StoreError> {
        self.with_tables(|tables, _| {
            tables.fold_all()?;
            let customers = all(&tables.customers, |name| Some(CustomerId(name.into())))?;
            let sims = all(&tables.sims, |imsi| imsi.parse().ok())?;
            Ok(Kept { customers, sims })
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
        self.with_tables(|tables, path| {
            let mut batch = tables.batch();
            let given = tables.change(&mut batch, changes)?;
            tables.commit(batch, path)?;
            Ok(given)
        })
    }

    /// Keeps a change of many SIMs, all or none. No SIM may stand there twice, and no other chunk may wait.
    ///
    /// # Errors
    /// When the changes cannot be kept.
    pub fn wait(&mut self, chunks: &mut [Chunk]) -> Result<(), StoreError> {
        self.with_tables(|tables, path| {
            let mut batch = tables.batch();
            for chunk in &mut *chunks {
                let written = std::mem::take(&mut chunk.written);
                if written.is_empty() {
                    return Err(Failure::Content);
                }
                batch.insert(&tables.waiting, chunk.key().as_str(), written);
            }
            tables.commit(batch, path)
        })
    }

    /// Makes a chunk that waits records of its SIMs. What they have does not change by that.
    ///
    /// # Errors
    /// When it cannot be written: it waits still.
    pub fn fold(&mut self, chunk: &Chunk) -> Result<(), StoreError> {
        self.with_tables(|tables, _| tables.fold(chunk))
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
        self.with_tables(|tables, path| {
            let mut batch = tables.batch();
            batch.insert(&tables.customers, &*customer.0, written(limit)?);
            tables.commit(batch, path)
        })
    }

    /// Forgets a customer.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub fn remove_customer(&mut self, customer: &CustomerId) -> Result<(), StoreError> {
        self.with_tables(|tables, path| {
            let mut batch = tables.batch();
            batch.remove(&tables.customers, &*customer.0);
            tables.commit(batch, path)
        })
    }

    /// A store that has failed once takes nothing more until it is opened anew.
    fn with_tables<T>(
        &mut self,
        work: impl FnOnce(&mut Tables, &Path) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let (mut tables, is_new) = match self.tables.take() {
            Some(tables) => (tables, false),
            None => (Tables::open(&self.path)?, true),
        };
        let outcome = guarded(|| {
            // A change that failed may wait there nevertheless, and must not count more than those that come now.
            if is_new {
                tables.fold_all()?;
            }
            work(&mut tables, &self.path)
        });
        if outcome.is_ok() {
            self.tables = Some(tables);
        }
        outcome.map_err(|failure| failure.named(&self.path))
    }
}

impl Tables {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let open = || {
            fs::create_dir_all(path)?;
            let database = Database::builder(path.join(TABLES))
                .cache_size(CACHE_BYTES)
                .worker_threads(1)
                .open()?;
            let sims = database.keyspace("sims", KeyspaceCreateOptions::default)?;
            let customers = database.keyspace("customers", KeyspaceCreateOptions::default)?;
            let waiting = database.keyspace("waiting", KeyspaceCreateOptions::default)?;
            let changes = number_of(&sims)?;
            let is_whole = changes == number_of(&customers)? && changes == number_of(&waiting)?;
            if !is_whole || changes < number_in(&path.join(CHANGES))? {
                return Err(Failure::Lost);
            }
            Ok(Self {
                database,
                sims,
                customers,
                waiting,
                changes,
            })
        };
        guarded(open).map_err(|failure| failure.named(path))
    }

    fn batch(&self) -> OwnedWriteBatch {
        let batch = self.database.batch();
        batch.durability(Some(PersistMode::SyncAll))
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
        let mut batch = self.database.batch();
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
    fn commit(&mut self, mut batch: OwnedWriteBatch, path: &Path) -> Result<(), Failure> {
        let changes = self.changes + 1;
        for table in [&self.sims, &self.customers, &self.waiting] {
            batch.insert(table, CHANGES_KEY, changes.to_string().as_str());
        }
        batch.commit()?;
        self.changes = changes;
        replace(path, CHANGES, &format!("{changes}\n"))?;
        Ok(())
    }
}

fn number_of(table: &Keyspace) -> Result<u64, Failure> {
    let Some(value) = table.get(CHANGES_KEY)? else {
        return Ok(0);
    };
    let number = str::from_utf8(&value).ok();
    number
        .and_then(|number| number.parse().ok())
        .ok_or(Failure::Content)
}

fn number_in(file: &Path) -> Result<u64, Failure> {
    match fs::read_to_string(file) {
        Ok(text) => text.trim_end().parse().map_err(|_| Failure::Content),
        // None was finished.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Failure::Content),
        Err(error) => Err(error.into()),
    }
}

/// Why the store did not do what it should.
enum Failure {
    Engine(fjall::Error),
    /// A key or a value is not ours.
    Content,
    /// There were more changes than are left.
    Lost,
    /// The engine takes some damage for impossible.
    Panic,
}

impl Failure {
    fn named(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Engine(fjall::Error::Locked) => StoreError::Locked { path },
            Self::Engine(error) => match io_error(error) {
                Ok(error) => StoreError::Io { path, error },
                Err(reason) => StoreError::DamagedTables { path, reason },
            },
            Self::Content => StoreError::DamagedTables {
                path,
                reason: "a record is not ours".to_owned(),
            },
            Self::Lost => StoreError::DamagedTables {
                path,
                reason: "changes that were kept are missing".to_owned(),
            },
            Self::Panic => StoreError::DamagedTables {
                path,
                reason: "its files contradict each other".to_owned(),
            },
        }
    }
}

/// What the system said, or else what the engine found in its files.
fn io_error(error: fjall::Error) -> Result<io::Error, String> {
    let error = match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => error,
        other => return Err(other.to_string()),
    };
    // Files that are shorter than they say, not there, or there where none should be, are damage.
    let is_damage = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
    );
    if error.raw_os_error().is_some() && !is_damage {
        Ok(error)
    } else {
        Err(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<fjall::Error> for Failure {
    fn from(error: fjall::Error) -> Self {
        Self::Engine(error)
    }
}

/// The engine's panics are about damaged files: what it was working on is thrown away with it.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Failure::Panic))
}

fn all<K, V: DeserializeOwned>(
    table: &Keyspace,
    key: impl Fn(&str) -> Option<K>,
) -> Result<Vec<(K, V)>, Failure> {
    let mut records = Vec::new();
    for record in table.iter() {
        let (name, value) = record.into_inner()?;
        if &*name == CHANGES_KEY.as_bytes() {
            continue;
        }
        let key = str::from_utf8(&name).ok().and_then(&key);
        records.push((key.ok_or(Failure::Content)?, read(&value)?));
    }
    Ok(records)
}

fn read<V: DeserializeOwned>(value: &[u8]) -> Result<V, Failure> {
    serde_json::from_slice(value).map_err(|_| Failure::Content)
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|_| Failure::Content)
}

#[cfg(test)]
mod tests;
