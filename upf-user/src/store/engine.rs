//! A key-value store (fjall) in a directory of its own, opened anew after a failure.
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

/// The engine's own files, and the number of the last change.
const TABLES: &str = "tables";
const CHANGES: &str = "changes";
/// The record of the last change's number; no key of anything else begins so.
pub(super) const CHANGES_KEY: &str = "#";
/// Blocks that are kept in memory: everything is read once, or soon after it was written.
const CACHE_BYTES: u64 = 1 << 20;
/// The least that the engine takes. What is in the journal is read again at a start, while control planes wait.
const JOURNAL_BYTES: u64 = 64 << 20;
/// New records of a table that are in the journal only.
const JOURNAL_BYTES_OF_TABLE: u64 = 4 << 20;

/// The tables of a store.
pub(super) trait Tables: Sized {
    /// What is lost with them, for who has to do without.
    const LOSES: &str;

    /// Opens them in a directory, and makes them where they are missing.
    fn open(path: &Path) -> Result<Self, Failure>;

    /// They were opened anew after a failure.
    fn reopened(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Tables that take nothing more once they have failed, until they are opened anew.
pub(super) struct Held<T> {
    pub(super) path: PathBuf,
    /// `None` after a failure: the next call opens them anew.
    pub(super) open: Option<T>,
}

impl<T: Tables> Held<T> {
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let open = guarded(|| T::open(&path)).map_err(|failure| failure.named(&path, T::LOSES))?;
        Ok(Self {
            path,
            open: Some(open),
        })
    }

    pub(super) fn with<R>(
        &mut self,
        work: impl FnOnce(&mut T) -> Result<R, Failure>,
    ) -> Result<R, StoreError> {
        let open = self.open.take();
        let path = &self.path;
        let outcome = guarded(|| {
            let mut tables = match open {
                Some(tables) => tables,
                None => {
                    let mut tables = T::open(path)?;
                    tables.reopened()?;
                    tables
                }
            };
            Ok((work(&mut tables)?, tables))
        });
        let (result, tables) = outcome.map_err(|failure| failure.named(path, T::LOSES))?;
        self.open = Some(tables);
        Ok(result)
    }
}

/// A database whose changes are numbered.
pub(super) struct Engine {
    database: Database,
    path: PathBuf,
    tables: Vec<Keyspace>,
    /// Number of the last change.
    changes: u64,
}

impl Engine {
    pub(super) fn open<const N: usize>(
        path: &Path,
        names: [&str; N],
    ) -> Result<(Self, [Keyspace; N]), Failure> {
        fs::create_dir_all(path)?;
        let database = Database::builder(path.join(TABLES))
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .open()?;
        let mut tables = Vec::with_capacity(N);
        for name in names {
            let options =
                || KeyspaceCreateOptions::default().max_memtable_size(JOURNAL_BYTES_OF_TABLE);
            tables.push(database.keyspace(name, options)?);
        }
        let mut numbers = Vec::with_capacity(N);
        for table in &tables {
            numbers.push(number_of(table)?);
        }
        let changes = numbers.first().copied().unwrap_or_default();
        let is_whole = numbers.iter().all(|number| *number == changes);
        if !is_whole || changes < number_in(&path.join(CHANGES))? {
            return Err(Failure::Lost);
        }
        let array = tables.clone().try_into().map_err(|_| Failure::Lost)?;
        let engine = Self {
            database,
            path: path.to_owned(),
            tables,
            changes,
        };
        Ok((engine, array))
    }

    /// Without a mode it may be lost with the process.
    pub(super) fn batch(&self, mode: Option<PersistMode>) -> OwnedWriteBatch {
        self.database.batch().durability(mode)
    }

    /// Makes a batch the next change.
    pub(super) fn commit(&mut self, mut batch: OwnedWriteBatch) -> Result<(), Failure> {
        let changes = self.changes + 1;
        let number = changes.to_string();
        for table in &self.tables {
            batch.insert(table, CHANGES_KEY, number.as_str());
        }
        batch.commit()?;
        self.changes = changes;
        Ok(())
    }

    /// All changes are durable: takes note of it.
    pub(super) fn note(&self) -> Result<(), Failure> {
        note(&self.path, self.changes)
    }

    /// The work of making durable what there is now.
    pub(super) fn syncing(&self, loses: &'static str) -> Syncing {
        Syncing {
            database: self.database.clone(),
            path: self.path.clone(),
            changes: self.changes,
            loses,
        }
    }
}

fn note(path: &Path, changes: u64) -> Result<(), Failure> {
    Ok(replace(path, CHANGES, &format!("{changes}\n"))?)
}

/// The work of making changes durable. It takes as long as the disk does, and can be done while more is written.
pub struct Syncing {
    database: Database,
    path: PathBuf,
    changes: u64,
    loses: &'static str,
}

impl Syncing {
    /// Waits for the disk. Two at a time are one too many: the later one may take note of less.
    ///
    /// # Errors
    /// When the disk refuses: what was written since the last time may be lost when the power fails.
    pub fn run(self) -> Result<(), StoreError> {
        let sync = || {
            self.database.persist(PersistMode::SyncAll)?;
            note(&self.path, self.changes)
        };
        guarded(sync).map_err(|failure| failure.named(&self.path, self.loses))
    }
}

fn number_of(table: &Keyspace) -> Result<u64, Failure> {
    Ok(number_at(table, CHANGES_KEY)?.unwrap_or_default())
}

/// A number in decimal digits.
pub(super) fn number_at(table: &Keyspace, key: &str) -> Result<Option<u64>, Failure> {
    let Some(value) = table.get(key)? else {
        return Ok(None);
    };
    let number = str::from_utf8(&value).ok();
    let number = number.and_then(|number| number.parse().ok());
    number.map(Some).ok_or(Failure::Content)
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
#[derive(Debug)]
pub(super) enum Failure {
    Engine(fjall::Error),
    /// A key or a value is not ours.
    Content,
    /// There were more changes than are left.
    Lost,
    /// The engine takes some damage for impossible.
    Panic,
}

impl Failure {
    fn named(self, path: &Path, loses: &'static str) -> StoreError {
        let path = path.to_owned();
        let reason = match self {
            Self::Engine(fjall::Error::Locked) => return StoreError::Locked { path },
            Self::Engine(error) => match io_error(error) {
                Ok(error) => return StoreError::Io { path, error },
                Err(reason) => reason,
            },
            Self::Content => "a record is not ours".to_owned(),
            Self::Lost => "changes that were kept are missing".to_owned(),
            Self::Panic => "its files contradict each other".to_owned(),
        };
        StoreError::DamagedTables {
            path,
            reason,
            loses,
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

/// All records of a table whose keys are texts.
pub(super) fn all<K, V: DeserializeOwned>(
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

pub(super) fn read<V: DeserializeOwned>(value: &[u8]) -> Result<V, Failure> {
    serde_json::from_slice(value).map_err(|_| Failure::Content)
}

pub(super) fn written(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|_| Failure::Content)
}
