//! What another process needs to go on, on its way to the store; and answers, which leave it again when their requests can
//! come no more.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::pfcp::kept::KeptAnswer;
use crate::store::{ContextChange, RecordKey, SessionStore, StoreError};

/// Most answers in the store, and in memory while the store does not take them.
const MAX_ANSWERS: u64 = 1 << 19;
const MAX_UNWRITTEN: usize = 1 << 16;
/// Most bytes of answers in the store, and in memory while the store does not take them.
const MAX_BYTES: usize = 128 << 20;
const MAX_UNWRITTEN_BYTES: usize = 16 << 20;
/// Answers that are removed with a change.
const MAX_REMOVED: u64 = 4096;

/// What has changed at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    /// Records of control planes; `None` is one that is gone.
    pub records: Vec<(RecordKey, Option<Vec<u8>>)>,
    /// What became of answers.
    pub answers: Vec<KeptAnswer>,
    /// The sequence number from which on another process may number requests.
    pub next_sequence: Option<u32>,
}

impl Contexts {
    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.answers.is_empty() && self.next_sequence.is_none()
    }
}

/// What there is in the store, and what is to be.
#[derive(Debug, Default)]
pub(super) struct KeptContexts {
    /// Records in the store.
    stored: HashSet<RecordKey>,
    records: HashMap<RecordKey, Option<Vec<u8>>>,
    answers: Answers,
    next_sequence: Option<u32>,
}

/// Answers in the store, by numbers that rise.
#[derive(Debug, Default)]
struct Answers {
    /// The first that is there.
    first: u64,
    /// Those before are of no use any more.
    expired: u64,
    /// The number of the next one.
    next: u64,
    /// From the oldest on.
    parts: VecDeque<Part>,
    /// Of all parts.
    bytes: usize,
    unwritten: Vec<(u64, KeptAnswer)>,
    unwritten_bytes: usize,
}

/// Answers of about the same time.
#[derive(Debug)]
struct Part {
    until_ms: u64,
    /// Above their numbers.
    end: u64,
    bytes: usize,
}

impl KeptContexts {
    pub(super) fn read(store: &mut SessionStore) -> Result<Self, StoreError> {
        let mut answers = Answers::default();
        for (number, answer) in store.answers()? {
            if answers.next == 0 {
                (answers.first, answers.expired) = (number, number);
            }
            answers.next = number;
            answers.count(&answer);
        }
        Ok(Self {
            stored: store.record_keys()?.into_iter().collect(),
            answers,
            ..Self::default()
        })
    }

    pub(super) fn add(&mut self, contexts: Contexts) {
        for (key, record) in contexts.records {
            // What comes and goes while the store takes nothing leaves nothing behind.
            if record.is_none() && !self.stored.contains(&key) {
                self.records.remove(&key);
            } else {
                self.records.insert(key, record);
            }
        }
        for answer in contexts.answers {
            self.answers.add(answer);
        }
        self.next_sequence = contexts.next_sequence.or(self.next_sequence);
    }

    /// Looks for answers that are of no use any more.
    pub(super) fn expire(&mut self, now_ms: u64) {
        self.answers.expire(now_ms);
    }

    /// Whether there is nothing to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.answers.unwritten.is_empty()
            && self.next_sequence.is_none()
            && self.answers.first == self.answers.expired
    }

    pub(super) fn change(&self) -> ContextChange<'_> {
        let Answers { first, .. } = self.answers;
        ContextChange {
            records: &self.records,
            answers: &self.answers.unwritten,
            expired: (first, self.answers.removed_to()),
            next_sequence: self.next_sequence,
        }
    }

    /// The change is in the store.
    pub(super) fn written(&mut self) {
        for (key, record) in self.records.drain() {
            if record.is_some() {
                self.stored.insert(key);
            } else {
                self.stored.remove(&key);
            }
        }
        self.answers.first = self.answers.removed_to();
        self.answers.unwritten.clear();
        self.answers.unwritten_bytes = 0;
        self.next_sequence = None;
    }
}

impl Answers {
    fn add(&mut self, answer: KeptAnswer) {
        let bytes = bytes_of(&answer);
        let is_full = self.unwritten.len() >= MAX_UNWRITTEN
            || self.unwritten_bytes + bytes > MAX_UNWRITTEN_BYTES;
        // A request that comes again is served again then.
        if !is_full {
            let number = self.next;
            self.count(&answer);
            self.unwritten.push((number, answer));
            self.unwritten_bytes += bytes;
        }
    }

    /// Counts the next answer, which has the number `next`.
    fn count(&mut self, answer: &KeptAnswer) {
        let (bytes, until_ms) = (bytes_of(answer), answer.until_ms());
        self.next += 1;
        self.bytes += bytes;
        match self.parts.back_mut() {
            Some(part) if part.until_ms / 1000 == until_ms / 1000 => {
                part.until_ms = part.until_ms.max(until_ms);
                part.end = self.next;
                part.bytes += bytes;
            }
            _ => self.parts.push_back(Part {
                until_ms,
                end: self.next,
                bytes,
            }),
        }
    }

    fn expire(&mut self, now_ms: u64) {
        while let Some(part) = self.parts.front() {
            let is_too_much = self.bytes > MAX_BYTES || self.next - self.expired > MAX_ANSWERS;
            if part.until_ms >= now_ms && !is_too_much {
                break;
            }
            self.expired = part.end;
            self.bytes -= part.bytes;
            self.parts.pop_front();
        }
        let unwritten = &mut self.unwritten;
        if unwritten.first().is_some_and(|(n, _)| *n < self.expired) {
            unwritten.retain(|(number, _)| *number >= self.expired);
            let bytes = unwritten.iter().map(|(_, answer)| bytes_of(answer));
            self.unwritten_bytes = bytes.sum();
        }
    }

    /// Where the next removal ends.
    fn removed_to(&self) -> u64 {
        self.expired.min(self.first + MAX_REMOVED)
    }
}

fn bytes_of(answer: &KeptAnswer) -> usize {
    match answer {
        KeptAnswer::Given(given) => size_of::<KeptAnswer>() + given.bytes.len(),
        KeptAnswer::Void { .. } => size_of::<KeptAnswer>(),
    }
}
