//! What was written to the store and may not have come to the export before the agent ended.

use std::collections::{BTreeMap, VecDeque};

use super::Outbox;
use crate::pfcp::ie::NodeId;
use crate::reports::Delivery;
use crate::store::{Numbered, SessionStore, StoreError};

/// Reports of a control plane in memory.
const CHUNK: usize = 64;
/// Lines written at a time.
const LINES: u64 = 256;

/// Reports in the order of their numbers.
struct Source {
    /// `None` for reports in answers: all of them are in memory.
    owner: Option<NodeId>,
    read: VecDeque<Numbered>,
}

impl Outbox {
    /// Exports what comes after the last record, in the order of numbers: the next crash may come at any time.
    pub(super) fn catch_up(&mut self, last: u64, now_ms: u64) -> Result<(), StoreError> {
        if self.export.is_none() {
            return Ok(());
        }
        let mut sources = BTreeMap::new();
        let answered = self.store.answered()?;
        self.exported
            .extend(answered.iter().map(|(number, _)| *number));
        let read = answered.into_iter().filter(|(number, _)| *number > last);
        put(&mut sources, None, read.collect());
        let owners: Vec<_> = self.queues.keys().cloned().collect();
        for owner in owners {
            let read = more(&mut self.store, &owner, last)?;
            put(&mut sources, Some(owner), read);
        }
        let mut lines = 0;
        while let Some((_, Source { owner, mut read })) = sources.pop_first() {
            let Some(numbered) = read.pop_front() else {
                continue;
            };
            let delivery = owner
                .as_ref()
                .map_or(Delivery::Answer, |_| Delivery::Report);
            let line = self.line(delivery, &numbered);
            self.export(line.as_slice());
            lines += 1;
            if lines % LINES == 0 {
                self.flush(now_ms);
            }
            if let Some(owner) = &owner
                && read.is_empty()
            {
                read = more(&mut self.store, owner, numbered.0)?;
            }
            put(&mut sources, owner, read);
        }
        self.flush(now_ms);
        Ok(())
    }
}

/// By the number of the first report.
fn put(sources: &mut BTreeMap<u64, Source>, owner: Option<NodeId>, read: VecDeque<Numbered>) {
    if let Some((number, _)) = read.front() {
        sources.insert(*number, Source { owner, read });
    }
}

fn more(
    store: &mut SessionStore,
    owner: &NodeId,
    after: u64,
) -> Result<VecDeque<Numbered>, StoreError> {
    Ok(store.read(owner, after.saturating_add(1), CHUNK)?.into())
}
