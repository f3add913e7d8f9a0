//! What the REST API gives SIMs and customers, in a key-value store (fjall) of its own directory.
//!
//! Keys are IMSIs and customers' names, values are JSON with names of classes and customers, not their numbers: those
//! depend on the config.
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
    /// Number of the last change.
    changes: u64,
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

    /// All that is kept.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn load(&mut self) -> Result<Kept, StoreError> {
        self.with_tables(|tables, _| {
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
            let mut given = Vec::with_capacity(changes.len());
            for change in changes {
                let key = change.imsi.to_string();
                let old = tables.sims.get(&key)?;
                let mut kept = match &old {
                    Some(value) => read(value)?,
                    None => KeptAssignment::default(),
                };
                kept.change(change);
                if !kept.is_empty() {
                    batch.insert(&tables.sims, key.as_str(), written(&kept)?);
                } else if old.is_some() {
                    batch.remove(&tables.sims, key.as_str());
                }
                given.push(kept);
            }
            tables.commit(batch, path)?;
            Ok(given)
        })
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

    /// A store that has failed once takes nothing more until it is opened anew.
    fn with_tables<T>(
        &mut self,
        work: impl FnOnce(&mut Tables, &Path) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut tables = match self.tables.take() {
            Some(tables) => tables,
            None => Tables::open(&self.path)?,
        };
        let outcome = guarded(|| work(&mut tables, &self.path));
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
            let changes = number_of(&sims)?;
            if changes != number_of(&customers)? || changes < number_in(&path.join(CHANGES))? {
                return Err(Failure::Lost);
            }
            Ok(Self {
                database,
                sims,
                customers,
                changes,
            })
        };
        guarded(open).map_err(|failure| failure.named(path))
    }

    fn batch(&self) -> OwnedWriteBatch {
        let batch = self.database.batch();
        batch.durability(Some(PersistMode::SyncAll))
    }

    /// Makes a batch the next change.
    fn commit(&mut self, mut batch: OwnedWriteBatch, path: &Path) -> Result<(), Failure> {
        let changes = self.changes + 1;
        for table in [&self.sims, &self.customers] {
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
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::bandwidth::Imsi;

    fn sim(number: usize) -> Imsi {
        format!("{:015}", 1_010_000_000_000 + number)
            .parse()
            .unwrap()
    }

    fn change(number: usize, class: Option<&str>, customer: Option<&str>) -> SimChange {
        SimChange {
            imsi: sim(number),
            class: Some(class.map(Box::from)),
            customer: customer.map(|name| Some(name.into())),
        }
    }

    fn limit(uplink_bps: u64) -> KeptLimit {
        KeptLimit {
            uplink_bps: Some(uplink_bps),
            downlink_bps: None,
            depth_ms: 50,
            ecn: true,
        }
    }

    #[test]
    fn what_was_stored_is_there_after_a_restart() {
        let state = tempfile::tempdir().unwrap();
        let open = || BandwidthStore::open(state.path()).unwrap();
        let acme = CustomerId("acme".into());
        let mut store = open();
        assert_eq!(store.load().unwrap(), Kept::default());
        let changes = [
            change(1, Some("slow"), Some("acme")),
            change(2, Some("fast"), None),
        ];
        store.change_sims(&changes).unwrap();
        store.set_customer(&acme, &limit(8000)).unwrap();
        store.set_customer(&acme, &limit(9000)).unwrap();
        drop(store);

        let mut store = open();
        let kept = store.load().unwrap();
        assert_eq!(kept.customers, [(acme, limit(9000))]);
        assert_eq!(kept.sims.len(), 2);
        assert_eq!(kept.sims[0].0, sim(1));
        assert_eq!(kept.sims[0].1.customer.as_deref(), Some("acme"));
        // What a change does not name stays, and what is empty goes.
        let given = store
            .change_sims(&[change(1, None, None), change(2, None, None)])
            .unwrap();
        assert_eq!(given[0].customer.as_deref(), Some("acme"));
        assert_eq!((&given[0].class, given[1].is_empty()), (&None, true));
        drop(store);
        let kept = open().load().unwrap();
        assert_eq!(kept.sims, [(sim(1), given[0].clone())]);
    }

    #[test]
    fn what_was_stored_outlives_the_process_without_an_orderly_end() {
        let state = tempfile::tempdir().unwrap();
        let mut store = BandwidthStore::open(state.path()).unwrap();
        store.change_sims(&[change(1, Some("slow"), None)]).unwrap();
        // As the disk is now, without what the engine does when it is dropped.
        let copy = tempfile::tempdir().unwrap();
        copy_tree(state.path(), copy.path());
        let kept = BandwidthStore::open(copy.path()).unwrap().load().unwrap();
        assert_eq!(kept.sims.len(), 1);
    }

    #[test]
    fn a_hundred_thousand_sims_are_one_batch() {
        let state = tempfile::tempdir().unwrap();
        let changes: Vec<_> = (0..100_000)
            .map(|number| change(number, Some("s1.slow"), Some("acme")))
            .collect();
        let mut store = BandwidthStore::open(state.path()).unwrap();
        let start = Instant::now();
        let given = store.change_sims(&changes).unwrap();
        let took = start.elapsed();
        println!("100,000 changes are durable after {took:?}");
        assert_eq!(given.len(), changes.len());
        drop(store);
        let start = Instant::now();
        let kept = BandwidthStore::open(state.path()).unwrap().load().unwrap();
        println!("and read again in {:?}", start.elapsed());
        assert_eq!(kept.sims.len(), changes.len());
        assert!(took.as_secs() < 20, "{took:?}");
    }

    #[test]
    fn one_process_at_a_time() {
        let state = tempfile::tempdir().unwrap();
        let _first = BandwidthStore::open(state.path()).unwrap();
        let error = BandwidthStore::open(state.path()).err().unwrap();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
        assert!(error.to_string().contains("another"), "{error}");
    }

    /// Every file of a store damaged in turn, cut short, overwritten or gone: an error that says what to do, or nothing
    /// is lost.
    #[test]
    fn damage_is_told_with_what_to_do() {
        let state = tempfile::tempdir().unwrap();
        let mut store = BandwidthStore::open(state.path()).unwrap();
        store.change_sims(&[change(1, Some("slow"), None)]).unwrap();
        store
            .tables
            .as_ref()
            .unwrap()
            .sims
            .rotate_memtable_and_wait()
            .unwrap();
        store.change_sims(&[change(2, Some("slow"), None)]).unwrap();
        drop(store);
        let mut told = 0;
        for file in files(state.path()) {
            for damage in [cut as fn(&Path), overwrite, remove] {
                let copy = tempfile::tempdir().unwrap();
                copy_tree(state.path(), copy.path());
                damage(&copy.path().join(&file));
                let outcome = BandwidthStore::open(copy.path()).and_then(|mut store| store.load());
                match outcome {
                    Ok(kept) => assert_eq!(kept.sims.len(), 2, "{}", file.display()),
                    Err(error) => {
                        told += 1;
                        let error = error.to_string();
                        let helps = error.contains("move it away to start without");
                        assert!(helps && error.contains("/bandwidth"), "{error}");
                    }
                }
            }
        }
        assert!(told > 3, "{told} of the damages were told");
    }

    #[test]
    fn records_of_another_are_damage() {
        let state = tempfile::tempdir().unwrap();
        for (key, value) in [
            ("001010000000001", "{"),
            ("x", "{}"),
            ("001010000000001", "{\"class\":5}"),
        ] {
            let mut store = BandwidthStore::open(state.path()).unwrap();
            let sims = &store.tables.as_ref().unwrap().sims;
            sims.insert(key, value).unwrap();
            let error = store.load().unwrap_err();
            assert!(matches!(error, StoreError::DamagedTables { .. }), "{error}");
            let sims = store.tables.insert(Tables::open(&store.path).unwrap());
            sims.sims.remove(key).unwrap();
            assert_eq!(store.load().unwrap(), Kept::default());
        }
    }

    fn cut(file: &Path) {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    }

    fn overwrite(file: &Path) {
        let bytes = fs::read(file).unwrap();
        fs::write(file, vec![0xa5; bytes.len()]).unwrap();
    }

    fn remove(file: &Path) {
        fs::remove_file(file).unwrap();
    }

    /// Below the directory, by their names.
    fn files(directory: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut left = vec![directory.to_owned()];
        while let Some(next) = left.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path);
                } else {
                    found.push(path.strip_prefix(directory).unwrap().to_owned());
                }
            }
        }
        found
    }

    fn copy_tree(from: &Path, to: &Path) {
        for file in files(from) {
            let target = to.join(&file);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(from.join(&file), target).unwrap();
        }
    }
}
