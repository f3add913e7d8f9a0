//! What a process needs to go on where another one stopped, beside sessions: associations and what hangs on them, answers
//! to requests that may come again, and how far our own sequence numbers have come.
//!
//! A record of a control plane has its kind in the first octet of its key, then the control plane's key as with reports.
//! Answers stand in the order in which they were kept, each by a number.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use fjall::{Keyspace, OwnedWriteBatch};
use serde::de::DeserializeOwned;

use super::engine::{CHANGES_KEY, Failure, number_at, read};
use super::sessions::{named, number, owner_key};
use super::{SessionStore, StoreError};
use crate::pfcp::ie::NodeId;
use crate::pfcp::kept::{GivenAnswer, KeptAnswer, KeptAssociation, KeptNode};
use crate::session::{KeptApplications, KeptEnding};

/// The record of the sequence number of our next request. No kind begins so.
const SEQUENCE_KEY: &str = "sequence";
/// The record of the name that peers know us by. No kind begins so.
const OWN_NAME_KEY: &str = "name";
/// The record of the boot in which contexts are written; empty where all of them were durable in the end. No kind begins so.
const BOOT_KEY: &str = "boot";
/// The record, among reports, of the first report since there are contexts.
const FIRST_KEY: &str = "first";

/// What a record of a control plane is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// Its association.
    Association,
    /// What it has provisioned about applications.
    Applications,
    /// Ends of its sessions that are under way.
    Endings,
}

/// A record's kind and control plane.
pub type RecordKey = (RecordKind, NodeId);

/// What changes of it, at once with the rest of a [`Change`](super::Change).
#[derive(Clone, Copy, Debug)]
pub struct ContextChange<'a> {
    /// New records, in place of those of the same key; `None` removes one.
    pub records: &'a HashMap<RecordKey, Option<Vec<u8>>>,
    /// New answers with their numbers, which rise.
    pub answers: &'a [(u64, KeptAnswer)],
    /// Answers from this number on, and before the other, are of no use any more.
    pub expired: (u64, u64),
    /// The sequence number of our next request.
    pub next_sequence: Option<u32>,
}

/// The tables.
pub(super) struct ContextTables {
    records: Keyspace,
    answers: Keyspace,
}

impl ContextTables {
    pub(super) const NAMES: [&str; 2] = ["nodes", "answers"];

    pub(super) fn new([records, answers]: [Keyspace; 2]) -> Self {
        Self { records, answers }
    }

    pub(super) fn change(&self, batch: &mut OwnedWriteBatch, change: &ContextChange<'_>) {
        for (key, record) in change.records {
            match record {
                Some(record) => batch.insert(&self.records, record_key(key), record.as_slice()),
                None => batch.remove(&self.records, record_key(key)),
            }
        }
        for (number, answer) in change.answers {
            batch.insert(&self.answers, number.to_be_bytes(), octets(answer));
        }
        for number in change.expired.0..change.expired.1 {
            batch.remove(&self.answers, number.to_be_bytes());
        }
        if let Some(next) = change.next_sequence {
            batch.insert(&self.records, SEQUENCE_KEY, next.to_string().as_str());
        }
    }

    /// What is written at the same time must not be removed.
    fn clear(&self, batch: &mut OwnedWriteBatch) -> Result<(), Failure> {
        let stays = [CHANGES_KEY, SEQUENCE_KEY, OWN_NAME_KEY, BOOT_KEY].map(str::as_bytes);
        for table in [&self.records, &self.answers] {
            for record in table.iter() {
                let key = record.key()?;
                if !stays.contains(&&*key) {
                    batch.remove(table, &*key);
                }
            }
        }
        Ok(())
    }

    fn records_of<V: DeserializeOwned>(
        &self,
        kind: RecordKind,
    ) -> Result<Vec<(NodeId, V)>, Failure> {
        let mut records = Vec::new();
        for record in self.records.prefix([kind.octet()]) {
            let (key, value) = record.into_inner()?;
            records.push((named(&key[1..])?, read(&value)?));
        }
        Ok(records)
    }

    fn answers(&self) -> Result<Vec<(u64, KeptAnswer)>, Failure> {
        let mut answers = Vec::new();
        for record in self.answers.iter() {
            let (key, value) = record.into_inner()?;
            // The number of the last change has a key of one byte.
            if key.len() != 1 {
                let answer = answer(&value).ok_or(Failure::Content)?;
                answers.push((number(&key)?, answer));
            }
        }
        Ok(answers)
    }
}

impl SessionStore {
    /// What the node goes on with.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn node(&mut self) -> Result<KeptNode, StoreError> {
        let answers = self.answers()?;
        Ok(KeptNode {
            associations: self.associations()?,
            answers: answers.into_iter().map(|(_, answer)| answer).collect(),
            next_sequence: self.next_sequence()?,
        })
    }

    /// The sequence number from which on our requests may be numbered.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next_sequence(&mut self) -> Result<Option<u32>, StoreError> {
        self.tables.with(|kept| {
            let next = number_at(&kept.contexts.records, SEQUENCE_KEY)?;
            let next = next.map(u32::try_from).transpose();
            next.map_err(|_| Failure::Content)
        })
    }

    /// The associations.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn associations(&mut self) -> Result<Vec<(NodeId, KeptAssociation)>, StoreError> {
        let kind = RecordKind::Association;
        self.tables.with(|kept| kept.contexts.records_of(kind))
    }

    /// What control planes have provisioned about applications.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn applications(&mut self) -> Result<Vec<(NodeId, KeptApplications)>, StoreError> {
        let kind = RecordKind::Applications;
        self.tables.with(|kept| kept.contexts.records_of(kind))
    }

    /// Ends of sessions that were under way, of each control plane in their order.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn endings(&mut self) -> Result<Vec<(NodeId, Vec<KeptEnding>)>, StoreError> {
        let kind = RecordKind::Endings;
        self.tables.with(|kept| kept.contexts.records_of(kind))
    }

    /// Answers with their numbers, in the order in which they were kept.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn answers(&mut self) -> Result<Vec<(u64, KeptAnswer)>, StoreError> {
        self.tables.with(|kept| kept.contexts.answers())
    }

    /// The keys of all records.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn record_keys(&mut self) -> Result<Vec<RecordKey>, StoreError> {
        self.tables.with(|kept| {
            let mut keys = Vec::new();
            for kind in RecordKind::ALL {
                for record in kept.contexts.records.prefix([kind.octet()]) {
                    keys.push((kind, named(&record.key()?[1..])?));
                }
            }
            Ok(keys)
        })
    }

    /// Whether there are associations to go on with, which peers have with who has this name. After a power failure there
    /// are not: the last contexts that peers were told of may be missing.
    ///
    /// # Errors
    /// When they cannot be read, or are damaged.
    pub fn goes_on(&mut self, own_name: &str, boot: &str) -> Result<bool, StoreError> {
        let (name, written_in) = self.tables.with(|kept| {
            let records = &kept.contexts.records;
            Ok((records.get(OWN_NAME_KEY)?, records.get(BOOT_KEY)?))
        })?;
        let is_same = name.is_some_and(|name| &*name == own_name.as_bytes());
        let is_whole = written_in
            .is_some_and(|written_in| written_in.is_empty() || &*written_in == boot.as_bytes());
        Ok(is_same && is_whole && !self.associations()?.is_empty())
    }

    /// Contexts are written in this boot from now on; `None`: no more are, and all of them are durable when this returns.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn set_boot(&mut self, boot: Option<&str>) -> Result<(), StoreError> {
        self.syncing()?.run()?;
        self.tables.with(|kept| {
            let mut batch = kept.batch();
            batch.insert(&kept.contexts.records, BOOT_KEY, boot.unwrap_or_default());
            kept.engine.commit(batch)
        })?;
        self.syncing()?.run()
    }

    /// Forgets all contexts, as they could not be taken over: reports of before are of sessions that nobody has any more.
    /// It is durable before peers are told by a new Recovery Time Stamp. Those of from now on are of who has this name.
    ///
    /// # Errors
    /// When that cannot be written: all is still there.
    pub fn begin_anew(&mut self, own_name: &str) -> Result<(), StoreError> {
        let next = self.next_number()?.to_string();
        self.tables.with(|kept| {
            let mut batch = kept.batch();
            kept.contexts.clear(&mut batch)?;
            batch.insert(&kept.contexts.records, OWN_NAME_KEY, own_name);
            batch.insert(&kept.reports, FIRST_KEY, next.as_str());
            kept.engine.commit(batch)
        })?;
        self.syncing()?.run()
    }

    /// The number of the first report of sessions that there may be still.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn first_number(&mut self) -> Result<u64, StoreError> {
        let first = self.tables.with(|kept| number_at(&kept.reports, FIRST_KEY));
        match first? {
            Some(first) => Ok(first),
            // Nobody has said that contexts live on.
            None => self.next_number(),
        }
    }
}

impl RecordKind {
    const ALL: [Self; 3] = [Self::Association, Self::Applications, Self::Endings];

    const fn octet(self) -> u8 {
        match self {
            Self::Association => b'a',
            Self::Applications => b'p',
            Self::Endings => b'e',
        }
    }
}

fn record_key((kind, node): &RecordKey) -> Vec<u8> {
    let mut key = vec![kind.octet()];
    key.extend(owner_key(node));
    key
}

const GIVEN: u8 = 1;
const VOID: u8 = 2;

/// What it is, until when, the address; of an answer also port, sequence number and hash, and the answer itself.
fn octets(answer: &KeptAnswer) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut begin = |tag: u8, address: IpAddr| {
        octets.push(tag);
        octets.extend(answer.until_ms().to_be_bytes());
        match address {
            IpAddr::V4(v4) => {
                octets.push(4);
                octets.extend(v4.octets());
            }
            IpAddr::V6(v6) => {
                octets.push(6);
                octets.extend(v6.octets());
            }
        }
    };
    match answer {
        KeptAnswer::Void { peer, .. } => begin(VOID, *peer),
        KeptAnswer::Given(given) => {
            begin(GIVEN, given.from.ip());
            octets.extend(given.from.port().to_be_bytes());
            octets.extend(given.sequence.to_be_bytes());
            octets.extend(given.request_hash.to_be_bytes());
            octets.extend(&given.bytes);
        }
    }
    octets
}

/// The reverse; `None` where it is none.
fn answer(mut octets: &[u8]) -> Option<KeptAnswer> {
    let rest = &mut octets;
    let [tag] = taken(rest)?;
    let until_ms = u64::from_be_bytes(taken(rest)?);
    let [family] = taken(rest)?;
    let peer = match family {
        4 => IpAddr::V4(Ipv4Addr::from(taken::<4>(rest)?)),
        6 => IpAddr::V6(Ipv6Addr::from(taken::<16>(rest)?)),
        _ => return None,
    };
    match tag {
        VOID => Some(KeptAnswer::Void { peer, until_ms }),
        GIVEN => Some(KeptAnswer::Given(GivenAnswer {
            from: SocketAddr::new(peer, u16::from_be_bytes(taken(rest)?)),
            sequence: u32::from_be_bytes(taken(rest)?),
            request_hash: u64::from_be_bytes(taken(rest)?),
            bytes: rest.to_vec(),
            until_ms,
        })),
        _ => None,
    }
}

fn taken<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

#[cfg(test)]
mod tests;
