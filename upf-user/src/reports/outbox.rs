//! Usage reports on their way: written to the store and the export when they are made, and handed to the node until control
//! planes have acknowledged them.

mod catching_up;
mod contexts;
mod delivery;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use tracing::error;

pub use contexts::Contexts;

use self::contexts::KeptContexts;
use super::queue::Queue;
use super::record::triggers;
use super::{Delivery, Exporter, Figures, MadeReport, UsageRecord};
use crate::pfcp::ie::NodeId;
use crate::store::{Change, Numbered, SessionStore, StoreError, Syncing};

/// Most reports that wait for control planes, of all together: some 500 MB on the disk. What comes then goes to the
/// export only: the oldest are the ones that a control plane needs to go on without a gap, and what it misses it can see
/// by the UR-SEQNs that are missing at the end.
pub const MAX_KEPT: u64 = 1_000_000;
/// Reports in memory while the store does not take them, but for those that are made at once.
const MAX_UNWRITTEN: usize = 1 << 16;

/// What has been made at a time, with the state that comes with it: written all or none.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Reports that control planes have to acknowledge, those of a session in the order of their making.
    pub reports: Vec<MadeReport>,
    /// Reports that are in answers to control planes.
    pub answered: Vec<MadeReport>,
    /// Sessions as they are then, by our SEIDs.
    pub sessions: Vec<(u64, Vec<u8>)>,
    /// What the URRs of sessions have come to since those were written, by our SEIDs.
    pub usages: Vec<(u64, Vec<u8>)>,
    /// What sessions have counted since either was written, by our SEIDs.
    pub counters: Vec<(u64, Vec<u8>)>,
    /// Sessions that there are no more, by our SEIDs.
    pub ended: Vec<u64>,
    /// What another process needs to go on.
    pub contexts: Contexts,
}

/// Reports that control planes have to acknowledge, and the export.
pub struct Outbox {
    store: SessionStore,
    export: Option<Exporter>,
    queues: HashMap<NodeId, Queue>,
    /// Control plane and session of requests under way.
    under_way: HashMap<u64, (NodeId, u64)>,
    /// Control planes with new reports.
    fresh: BTreeSet<NodeId>,
    /// The number of the next report.
    next: u64,
    next_request: u64,
    /// The number of the first report of sessions that there may be still.
    first_of_run: u64,
    waiting: u64,
    most: u64,
    /// What the store has not taken.
    unwritten: Unwritten,
    contexts: KeptContexts,
    /// Reports in answers that are exported and still in the store.
    exported: Vec<u64>,
    /// Acknowledged ones that are still in the store.
    unremoved: Vec<(NodeId, Vec<u64>)>,
    figures: Figures,
}

#[derive(Debug, Default)]
struct Unwritten {
    reports: Vec<Numbered>,
    answered: Vec<Numbered>,
    sessions: HashMap<u64, Vec<u8>>,
    usages: HashMap<u64, Vec<u8>>,
    counters: HashMap<u64, Vec<u8>>,
    ended: BTreeSet<u64>,
}

/// The store and the export show nothing.
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Outbox");
        shown.field("next", &self.next);
        shown.field("waiting", &self.waiting);
        shown.finish_non_exhaustive()
    }
}

impl Batch {
    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            reports,
            answered,
            sessions,
            usages,
            counters,
            ended,
            contexts,
        } = self;
        reports.is_empty()
            && answered.is_empty()
            && sessions.is_empty()
            && usages.is_empty()
            && counters.is_empty()
            && ended.is_empty()
            && contexts.is_empty()
    }
}

impl Outbox {
    /// With what is in the store; what is not in the export yet goes there.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    pub fn open(
        mut store: SessionStore,
        export: Option<Exporter>,
        now_ms: u64,
    ) -> Result<Self, StoreError> {
        let exported = export.as_ref().map_or(0, Exporter::last);
        let next = store.next_number()?.max(exported.saturating_add(1));
        let counts = store.counts()?;
        let fresh = counts.keys().cloned().collect();
        let waiting = counts.values().sum();
        let queue =
            |(owner, kept): (NodeId, u64)| (owner.clone(), Queue::new(owner, kept, 0, next));
        let first_of_run = store.first_number()?;
        let contexts = KeptContexts::read(&mut store)?;
        let mut outbox = Self {
            queues: counts.into_iter().map(queue).collect(),
            store,
            export,
            under_way: HashMap::new(),
            fresh,
            next,
            next_request: 0,
            first_of_run,
            waiting,
            most: MAX_KEPT,
            unwritten: Unwritten::default(),
            contexts,
            exported: Vec::new(),
            unremoved: Vec::new(),
            figures: Figures::default(),
        };
        outbox.catch_up(exported, now_ms)?;
        Ok(outbox)
    }

    /// With room for less.
    #[must_use]
    pub fn with_most(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Keeps what has been made. It outlives the process then, and control planes are told.
    pub fn keep(&mut self, batch: Batch, now_ms: u64) {
        let has_room = self.unwritten.reports.len() + self.unwritten.answered.len() < MAX_UNWRITTEN;
        let mut lines = Vec::new();
        for report in batch.reports {
            self.count(&report);
            let numbered = self.numbered(report);
            lines.extend(self.line(Delivery::Report, &numbered));
            self.admit(numbered, has_room);
        }
        for report in batch.answered {
            self.count(&report);
            let numbered = self.numbered(report);
            lines.extend(self.line(Delivery::Answer, &numbered));
            if self.export.is_some() && has_room && self.exported.len() < MAX_UNWRITTEN {
                self.unwritten.answered.push(numbered);
            }
        }
        for (seid, session) in batch.sessions {
            self.unwritten.ended.remove(&seid);
            self.unwritten.usages.remove(&seid);
            self.unwritten.counters.remove(&seid);
            self.unwritten.sessions.insert(seid, session);
        }
        for (seid, usage) in batch.usages {
            self.unwritten.counters.remove(&seid);
            self.unwritten.usages.insert(seid, usage);
        }
        self.unwritten.counters.extend(batch.counters);
        for seid in batch.ended {
            self.unwritten.sessions.remove(&seid);
            self.unwritten.usages.remove(&seid);
            self.unwritten.counters.remove(&seid);
            self.unwritten.ended.insert(seid);
        }
        self.contexts.expire(now_ms);
        self.contexts.add(batch.contexts);
        self.write();
        self.export(&lines);
        self.flush(now_ms);
    }

    /// Writes again what could not be written, and turns the export's file over where it is time. To be called now and
    /// then; the work that it hands back makes all of it durable and may wait for the disk.
    ///
    /// # Errors
    /// When the store does not open.
    pub fn tick(&mut self, now_ms: u64) -> Result<Syncing, StoreError> {
        self.contexts.expire(now_ms);
        if !self.unwritten.is_empty() || !self.contexts.is_empty() {
            self.write();
        }
        for (owner, numbers) in std::mem::take(&mut self.unremoved) {
            self.remove(owner, numbers);
        }
        self.flush(now_ms);
        self.store.syncing()
    }

    /// Makes what is in the export durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync_export(&self) -> std::io::Result<()> {
        self.export.as_ref().map_or(Ok(()), Exporter::sync)
    }

    /// Records and answers that the store has not taken.
    #[cfg(test)]
    pub(crate) fn unwritten_contexts(&self) -> (usize, usize) {
        let change = self.contexts.change();
        (change.records.len(), change.answers.len())
    }

    /// The store, for its sessions.
    pub fn store(&mut self) -> &mut SessionStore {
        &mut self.store
    }

    /// For metrics. Reads one report of each control plane.
    pub fn figures(&mut self) -> Figures {
        let mut figures = self.figures.clone();
        let unwritten = &self.unwritten.reports;
        figures.waiting = self.waiting + unwritten.len() as u64;
        figures.oldest_ms = unwritten.first().map(|(_, report)| report.made_ms);
        let counts = self.export.as_ref().map(Exporter::counts);
        let counts = counts.unwrap_or_default();
        figures.export_lost = counts.lost;
        figures.export_failures = counts.failures;
        for (owner, queue) in &self.queues {
            // From there on, as the store is slow to pass what was removed from it.
            let from = queue.oldest();
            if let Ok(oldest) = self.store.read(owner, from, 1) {
                let made = oldest.first().map(|(_, report)| report.made_ms);
                figures.oldest_ms = figures.oldest_ms.into_iter().chain(made).min();
            }
        }
        figures
    }

    fn numbered(&mut self, report: MadeReport) -> Numbered {
        let number = self.next;
        self.next += 1;
        (number, report)
    }

    fn count(&mut self, report: &MadeReport) {
        for name in triggers(report.report.trigger.0) {
            *self.figures.made.entry(name).or_default() += 1;
        }
    }

    /// Takes a report that has to be acknowledged, where there is room.
    fn admit(&mut self, numbered: Numbered, has_room: bool) {
        let unwritten = self.unwritten.reports.len() as u64;
        if has_room && self.waiting.saturating_add(unwritten) < self.most {
            return self.unwritten.reports.push(numbered);
        }
        if self.figures.turned_away == 0 || self.figures.turned_away.is_power_of_two() {
            let (node, most) = (&numbered.1.node, self.most);
            error!(%node, most, "too many usage reports wait for control planes: new ones go to the export only");
        }
        self.figures.turned_away += 1;
    }

    /// `None` without an export.
    fn line(&self, delivery: Delivery, (number, made): &Numbered) -> Option<UsageRecord> {
        self.export.as_ref()?;
        Some(UsageRecord::new(*number, delivery, made))
    }

    fn export(&mut self, lines: &[UsageRecord]) {
        if let Some(export) = &mut self.export {
            lines.iter().for_each(|line| export.add(line));
        }
    }

    fn flush(&mut self, now_ms: u64) {
        if let Some(export) = &mut self.export {
            export.flush(now_ms);
        }
    }

    /// Writes what the store has not taken.
    fn write(&mut self) {
        let Unwritten {
            reports,
            answered,
            sessions,
            usages,
            counters,
            ended,
        } = &mut self.unwritten;
        let sessions: Vec<_> = sessions.drain().collect();
        let usages: Vec<_> = usages.drain().collect();
        let counters: Vec<_> = counters.drain().collect();
        let ended: Vec<_> = std::mem::take(ended).into_iter().collect();
        let is_clear = self.export.as_ref().is_some_and(Exporter::is_clear);
        let exported = if is_clear {
            std::mem::take(&mut self.exported)
        } else {
            Vec::new()
        };
        let change = Change {
            reports,
            answered,
            exported: &exported,
            sessions: &sessions,
            usages: &usages,
            counters: &counters,
            ended: &ended,
            contexts: Some(self.contexts.change()),
        };
        if let Err(error) = self.store.write(change) {
            self.exported.extend(exported);
            self.unwritten.sessions.extend(sessions);
            self.unwritten.usages.extend(usages);
            self.unwritten.counters.extend(counters);
            self.unwritten.ended.extend(ended);
            return self.store_failed(&error);
        }
        self.contexts.written();
        let written = std::mem::take(&mut self.unwritten);
        self.exported
            .extend(written.answered.iter().map(|(number, _)| *number));
        for (number, report) in written.reports {
            self.waiting += 1;
            let owner = report.node;
            let queue = self
                .queues
                .entry(owner.clone())
                .or_insert_with(|| Queue::new(owner.clone(), 0, number, number));
            queue.added(number);
            self.fresh.insert(owner);
        }
    }

    fn remove(&mut self, owner: NodeId, numbers: Vec<u64>) {
        if let Err(error) = self.store.acknowledge(&owner, &numbers) {
            self.unremoved.push((owner, numbers));
            self.store_failed(&error);
        }
    }

    fn store_failed(&mut self, error: &StoreError) {
        self.figures.store_failures += 1;
        if self.figures.store_failures.is_power_of_two() {
            error!(%error, "usage reports cannot be kept; they wait in memory");
        }
    }
}

impl Unwritten {
    fn is_empty(&self) -> bool {
        self.reports.is_empty()
            && self.answered.is_empty()
            && self.sessions.is_empty()
            && self.usages.is_empty()
            && self.counters.is_empty()
            && self.ended.is_empty()
    }
}
