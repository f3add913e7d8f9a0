//! Sessions, and usage reports until control planes have acknowledged them, in a key-value store (fjall) of its own
//! directory.
//!
//! What a call has written outlives the process at once, and a power failure once a [`Syncing`] made after it has run.
//!
//! A report's key is its control plane and its number, so that those of a control plane stand together in the order of
//! their making. A control plane's key begins with its length in two bytes, and no Node ID is longer than 256 bytes: other
//! keys begin with letters.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::str;

use fjall::{Keyspace, OwnedWriteBatch, PersistMode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use super::contexts::{ContextChange, ContextTables};
use super::engine::{Engine, Failure, Held, Syncing, Tables, number_at, read, written};
use crate::pfcp::ie::NodeId;
use crate::reports::MadeReport;

/// Below `node.state`.
const DIRECTORY: &str = "sessions";
/// The record of the number that the next report gets.
const NEXT_KEY: &str = "next";
/// The record of what numbers in sessions stand for.
const NUMBERING_KEY: &str = "numbering";
const NUMBER_BYTES: usize = 8;

/// A report with its number.
pub type Numbered = (u64, MadeReport);

/// A session that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<S, U, C> {
    /// Our SEID.
    pub seid: u64,
    /// As it was written.
    pub session: S,
    /// What its URRs have come to since, as last written.
    pub usage: Option<U>,
    /// What it has counted since, as last written.
    pub counters: Option<C>,
}

/// What is to be written at once, all or none of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// Reports that a control plane has to acknowledge.
    pub reports: &'a [Numbered],
    /// Reports that it has in an answer: kept until they are exported.
    pub answered: &'a [Numbered],
    /// Those of `answered` before that are exported.
    pub exported: &'a [u64],
    /// Sessions as they are now, by our SEIDs.
    pub sessions: &'a [(u64, Vec<u8>)],
    /// What the URRs of sessions have come to since those were written, by our SEIDs.
    pub usages: &'a [(u64, Vec<u8>)],
    /// What sessions have counted since either was written, by our SEIDs.
    pub counters: &'a [(u64, Vec<u8>)],
    /// Sessions that there are no more.
    pub ended: &'a [u64],
    /// What another process needs to go on.
    pub contexts: Option<ContextChange<'a>>,
}

/// The store of sessions and usage reports.
pub struct SessionStore {
    pub(super) tables: Held<SessionTables>,
}

pub(super) struct SessionTables {
    pub(super) engine: Engine,
    pub(super) reports: Keyspace,
    answered: Keyspace,
    sessions: Keyspace,
    usages: Keyspace,
    counters: Keyspace,
    pub(super) contexts: ContextTables,
}

impl Tables for SessionTables {
    const LOSES: &str = "its sessions, and the usage reports that control planes have not acknowledged (they are in the export)";

    fn open(path: &Path) -> Result<Self, Failure> {
        let [nodes, answers] = ContextTables::NAMES;
        let names = [
            "reports", "answered", "sessions", "usages", "counters", nodes, answers,
        ];
        let (
            engine,
            [
                reports,
                answered,
                sessions,
                usages,
                counters,
                nodes,
                answers,
            ],
        ) = Engine::open(path, names)?;
        Ok(Self {
            contexts: ContextTables::new([nodes, answers]),
            engine,
            reports,
            answered,
            sessions,
            usages,
            counters,
        })
    }
}

impl SessionStore {
    /// Opens the store in the directory of what outlives a restart, and makes it where it is missing.
    ///
    /// # Errors
    /// When it cannot be opened, is open in another process, or is damaged.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        let tables = Held::open(state.join(DIRECTORY))?;
        Ok(Self { tables })
    }

    /// How many reports each control plane has to acknowledge. Looks at every key.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn counts(&mut self) -> Result<BTreeMap<NodeId, u64>, StoreError> {
        self.tables.with(|kept| {
            let mut counts = BTreeMap::new();
            let mut last: Option<(Vec<u8>, u64)> = None;
            for record in kept.reports.range(..[2_u8]) {
                let key = record.key()?;
                let (owner, _) = split(&key)?;
                match &mut last {
                    Some((known, count)) if known == owner => *count += 1,
                    _ => add(&mut counts, last.replace((owner.to_vec(), 1)))?,
                }
            }
            add(&mut counts, last)?;
            Ok(counts)
        })
    }

    /// The number that the next report gets, as last written; 1 in the beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next_number(&mut self) -> Result<u64, StoreError> {
        let next = self.tables.with(|kept| number_at(&kept.reports, NEXT_KEY));
        Ok(next?.unwrap_or(1))
    }

    /// Writes a change. It outlives the process when this returns.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is.
    pub fn write(&mut self, change: Change<'_>) -> Result<(), StoreError> {
        self.tables.with(|kept| {
            let mut batch = kept.batch();
            for (number, report) in change.reports {
                batch.insert(&kept.reports, key(&report.node, *number), written(report)?);
            }
            for (number, report) in change.answered {
                batch.insert(&kept.answered, number.to_be_bytes(), written(report)?);
            }
            for number in change.exported {
                batch.remove(&kept.answered, number.to_be_bytes());
            }
            // What comes later in the change is newer; a batch is not to remove what it brings.
            let seids = |records: &[(u64, Vec<u8>)]| -> HashSet<u64> {
                records.iter().map(|(seid, _)| *seid).collect()
            };
            let (usages, counters) = (seids(change.usages), seids(change.counters));
            for (seid, session) in change.sessions {
                batch.insert(&kept.sessions, seid.to_be_bytes(), session.as_slice());
                if !usages.contains(seid) {
                    batch.remove(&kept.usages, seid.to_be_bytes());
                }
                if !counters.contains(seid) && !usages.contains(seid) {
                    batch.remove(&kept.counters, seid.to_be_bytes());
                }
            }
            for (seid, usage) in change.usages {
                batch.insert(&kept.usages, seid.to_be_bytes(), usage.as_slice());
                if !counters.contains(seid) {
                    batch.remove(&kept.counters, seid.to_be_bytes());
                }
            }
            for (seid, counters) in change.counters {
                batch.insert(&kept.counters, seid.to_be_bytes(), counters.as_slice());
            }
            for seid in change.ended {
                batch.remove(&kept.sessions, seid.to_be_bytes());
                batch.remove(&kept.usages, seid.to_be_bytes());
                batch.remove(&kept.counters, seid.to_be_bytes());
            }
            if let Some(contexts) = &change.contexts {
                kept.contexts.change(&mut batch, contexts);
            }
            let given = change.reports.iter().chain(change.answered);
            if let Some(last) = given.map(|(number, _)| *number).max() {
                let next = last.saturating_add(1).to_string();
                batch.insert(&kept.reports, NEXT_KEY, next.as_str());
            }
            kept.engine.commit(batch)
        })
    }

    /// Sessions from this SEID on, in their order, each with what it has counted since it was written: so many at most.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn sessions<S: DeserializeOwned, U: DeserializeOwned, C: DeserializeOwned>(
        &mut self,
        from: u64,
        most: usize,
    ) -> Result<Vec<Kept<S, U, C>>, StoreError> {
        self.tables.with(|kept| {
            let range = kept.sessions.range(from.to_be_bytes()..);
            let mut sessions = Vec::new();
            for record in range {
                if sessions.len() >= most {
                    break;
                }
                let (seid, session) = record.into_inner()?;
                // The others are not sessions.
                if seid.len() == NUMBER_BYTES {
                    let usage = kept.usages.get(&seid)?;
                    let counters = kept.counters.get(&seid)?;
                    sessions.push(Kept {
                        seid: number(&seid)?,
                        session: read(&session)?,
                        usage: usage.as_deref().map(read).transpose()?,
                        counters: counters.as_deref().map(read).transpose()?,
                    });
                }
            }
            Ok(sessions)
        })
    }

    /// What numbers in sessions stand for, as it was written; `None` before that.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn numbering<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.tables.with(|kept| {
            let numbering = kept.sessions.get(NUMBERING_KEY)?;
            numbering.as_deref().map(read).transpose()
        })
    }

    /// Keeps what numbers in sessions stand for.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_numbering(&mut self, numbering: &impl Serialize) -> Result<(), StoreError> {
        self.tables.with(|kept| {
            let mut batch = kept.batch();
            batch.insert(&kept.sessions, NUMBERING_KEY, written(numbering)?);
            kept.engine.commit(batch)
        })
    }

    /// A control plane's reports from this number on, from the oldest: so many at most.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn read(
        &mut self,
        owner: &NodeId,
        from: u64,
        most: usize,
    ) -> Result<Vec<Numbered>, StoreError> {
        self.tables.with(|kept| {
            let range = kept.reports.range(key(owner, from)..=key(owner, u64::MAX));
            let mut reports = Vec::new();
            for record in range.take(most) {
                let (key, value) = record.into_inner()?;
                reports.push((split(&key)?.1, read(&value)?));
            }
            Ok(reports)
        })
    }

    /// Reports that control planes have in answers and that may not be exported.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn answered(&mut self) -> Result<Vec<Numbered>, StoreError> {
        self.tables.with(|kept| {
            let mut reports = Vec::new();
            for record in kept.answered.iter() {
                let (key, value) = record.into_inner()?;
                if key.len() != 1 {
                    reports.push((number(&key)?, read(&value)?));
                }
            }
            Ok(reports)
        })
    }

    /// Removes reports of a control plane, which has acknowledged them. Numbers that are not there do no harm.
    ///
    /// # Errors
    /// When that cannot be written: they are there still.
    pub fn acknowledge(&mut self, owner: &NodeId, numbers: &[u64]) -> Result<(), StoreError> {
        self.tables.with(|kept| {
            let mut batch = kept.batch();
            for number in numbers {
                batch.remove(&kept.reports, key(owner, *number));
            }
            kept.engine.commit(batch)
        })
    }

    /// Goes on in another directory, as if the disk had failed.
    #[cfg(test)]
    pub(crate) fn go_to(&mut self, state: &Path) {
        self.tables.open = None;
        self.tables.path = state.join(DIRECTORY);
    }

    /// The work of making all that was written durable: to be done at each interval, by whomever may wait for the disk.
    ///
    /// # Errors
    /// When the store cannot be opened after a failure.
    pub fn syncing(&mut self) -> Result<Syncing, StoreError> {
        self.tables
            .with(|kept| Ok(kept.engine.syncing(SessionTables::LOSES)))
    }
}

impl SessionTables {
    /// What is in the system's buffers outlives the process.
    pub(super) fn batch(&self) -> OwnedWriteBatch {
        self.engine.batch(Some(PersistMode::Buffer))
    }
}

/// Closes the count of an owner.
fn add(counts: &mut BTreeMap<NodeId, u64>, counted: Option<(Vec<u8>, u64)>) -> Result<(), Failure> {
    if let Some((owner, count)) = counted {
        counts.insert(named(&owner)?, count);
    }
    Ok(())
}

/// The control plane's part and the number.
fn key(owner: &NodeId, number: u64) -> Vec<u8> {
    let mut key = owner_key(owner);
    key.extend(number.to_be_bytes());
    key
}

/// Length, `a` for an address and `n` for a name, the text.
pub(super) fn owner_key(owner: &NodeId) -> Vec<u8> {
    let (tag, text) = match owner {
        NodeId::Address(address) => (b'a', address.to_string()),
        NodeId::Fqdn(name) => (b'n', name.clone()),
    };
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX).min(511);
    let text = &text.as_bytes()[..usize::from(length)];
    let mut key = Vec::with_capacity(3 + text.len() + NUMBER_BYTES);
    key.extend(length.to_be_bytes());
    key.push(tag);
    key.extend(text);
    key
}

/// The control plane's part and the number.
fn split(key: &[u8]) -> Result<(&[u8], u64), Failure> {
    let length = key
        .len()
        .checked_sub(NUMBER_BYTES)
        .ok_or(Failure::Content)?;
    let (owner, last) = key.split_at(length);
    Ok((owner, number(last)?))
}

pub(super) fn number(bytes: &[u8]) -> Result<u64, Failure> {
    let bytes = bytes.try_into().map_err(|_| Failure::Content)?;
    Ok(u64::from_be_bytes(bytes))
}

pub(super) fn named(owner: &[u8]) -> Result<NodeId, Failure> {
    let [_, _, tag, text @ ..] = owner else {
        return Err(Failure::Content);
    };
    let text = str::from_utf8(text).map_err(|_| Failure::Content)?;
    match tag {
        b'a' => {
            let address: IpAddr = text.parse().map_err(|_| Failure::Content)?;
            Ok(NodeId::Address(address))
        }
        b'n' => Ok(NodeId::Fqdn(text.to_owned())),
        _ => Err(Failure::Content),
    }
}

#[cfg(test)]
mod tests;
