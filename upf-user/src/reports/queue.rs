//! The reports that one control plane has to acknowledge: a window of them in memory, the rest in the store.
//!
//! Sessions are independent of each other; within one the next request goes when the one before is answered. The store is
//! read from the oldest report on. What a session cannot have in memory, because it has much there already or is held
//! back, is passed over; later the store is read again from the oldest report that was passed over.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::MadeReport;
use crate::pfcp::codec::{Body, Message};
use crate::pfcp::ie::NodeId;
use crate::pfcp::message::{SessionReport, SessionReportRequest, UsageReport};
use crate::store::{Numbered, SessionStore, StoreError};

/// Longest message with usage reports, octets, unless a single one is longer.
pub const MAX_DATAGRAM: usize = 1400;
/// How long a session whose report was refused is held back the first time; it doubles from time to time.
pub const BACK_OFF: Duration = Duration::from_secs(1);
/// The longest that a session is held back.
pub const MAX_BACK_OFF: Duration = Duration::from_secs(300);
/// After so many refusals in a row, some 40 minutes, the reports of that request are given up: the export has them.
pub const MAX_REFUSALS: u32 = 16;

/// Octets of a message without the reports: its header and the Report Type.
const OVERHEAD: usize = 16 + 5;
/// Reports of a control plane in memory, at most.
pub(super) const WINDOW: usize = 2048;
/// Reports in memory, of all control planes together, as long as there are fewer than 1,024 of them.
const WINDOW_OF_ALL: usize = 1 << 16;
const MIN_WINDOW: usize = 64;
/// Reports of a session in memory.
const MAX_OF_SESSION: usize = 512;
/// Reports passed over because their sessions have so many in memory, before those are waited for.
const MAX_AHEAD: usize = 1 << 14;
/// Reports read at a time.
const MAX_CHUNK: usize = 256;
const MIN_CHUNK: usize = 16;
/// Reports looked at before others get their turn.
const MAX_LOOKS: usize = WINDOW / 2;
/// From one reading of what was passed over to the next.
const REWIND_INTERVAL: Duration = Duration::from_millis(100);
/// New numbers of sessions that are remembered.
const MAX_MOVED: usize = 1 << 16;

/// A control plane's queue.
#[derive(Debug)]
pub(super) struct Queue {
    owner: NodeId,
    /// Reports in the store.
    pub(super) kept: u64,
    /// The next number to read.
    cursor: u64,
    /// Above all numbers.
    end: u64,
    sessions: HashMap<u64, Line>,
    /// Sessions with something to send.
    ready: VecDeque<u64>,
    /// How many reports there may be in memory.
    window: usize,
    /// Sessions that are held back.
    held: BTreeSet<(Instant, u64)>,
    /// Reports in memory.
    loaded: usize,
    /// The lowest number that was passed over.
    passed_over: Option<u64>,
    /// How many were passed over since the last rewind, but for those of sessions that are held back.
    ahead: usize,
    /// A session that was passed over could have its reports now.
    is_worth_rewinding: bool,
    next_rewind: Option<Instant>,
    /// The control plane's new numbers of sessions, for reports made before it gave them.
    moved: HashMap<u64, u64>,
}

/// What a session has in memory.
#[derive(Debug, Default)]
struct Line {
    reports: VecDeque<Waiting>,
    /// How many of them, from the first on, are under way.
    under_way: usize,
    /// All up to this number were read.
    read_to: u64,
    /// There are more in the store that were passed over.
    is_passed_over: bool,
    held_until: Option<Instant>,
    /// Refusals in a row.
    refusals: u32,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    cp_seid: u64,
    /// Octets in a message.
    size: usize,
    report: UsageReport,
}

/// A request that is to be sent.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) seid: u64,
    /// The session is one of before the agent's start.
    pub(super) is_former: bool,
    pub(super) report: SessionReport,
}

impl Queue {
    /// With so many reports in the store; their numbers begin at `from` or behind it, and end before `end`.
    pub(super) fn new(owner: NodeId, kept: u64, from: u64, end: u64) -> Self {
        Self {
            owner,
            kept,
            cursor: from,
            end,
            sessions: HashMap::new(),
            ready: VecDeque::new(),
            window: WINDOW,
            held: BTreeSet::new(),
            loaded: 0,
            passed_over: None,
            ahead: 0,
            is_worth_rewinding: false,
            next_rewind: None,
            moved: HashMap::new(),
        }
    }

    /// It is one of so many control planes with reports.
    pub(super) fn share(&mut self, queues: usize) {
        self.window = (WINDOW_OF_ALL / queues.max(1)).clamp(MIN_WINDOW, WINDOW);
    }

    /// A report of this number is in the store now.
    pub(super) fn added(&mut self, number: u64) {
        self.kept += 1;
        self.end = self.end.max(number.saturating_add(1));
    }

    /// No report has a lower number.
    pub(super) fn oldest(&self) -> u64 {
        let lines = self.sessions.values();
        let first = lines.filter_map(|line| Some(line.reports.front()?.number));
        let first = first.chain(self.passed_over).min();
        first.map_or(self.cursor, |first| first.min(self.cursor))
    }

    /// The next request. Numbers from `first_of_run` on are of sessions since the agent's start.
    pub(super) fn next(
        &mut self,
        store: &mut SessionStore,
        first_of_run: u64,
        now: Instant,
    ) -> Result<Option<Next>, StoreError> {
        self.release(now);
        if self.ready.is_empty() || self.loaded < self.window / 2 {
            self.refill(store, now)?;
        }
        while let Some(seid) = self.ready.pop_front() {
            if let Some(next) = self.request(seid, first_of_run) {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    /// When [`Self::next`] may have something, after it had nothing.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        if !self.ready.is_empty() || self.can_read() {
            return Some(now);
        }
        let held = self.held.first().map(|(at, _)| *at);
        let rewind = self
            .is_worth_rewinding
            .then(|| self.next_rewind.unwrap_or(now));
        held.into_iter().chain(rewind).min()
    }

    /// The reports of a session's request are acknowledged, or given up: their numbers.
    pub(super) fn done(&mut self, seid: u64) -> Vec<u64> {
        let Some(line) = self.sessions.get_mut(&seid) else {
            return Vec::new();
        };
        let under_way = std::mem::take(&mut line.under_way);
        let numbers: Vec<_> = line.reports.drain(..under_way).map(|w| w.number).collect();
        line.refusals = 0;
        self.loaded -= numbers.len();
        self.kept = self.kept.saturating_sub(numbers.len() as u64);
        if !line.reports.is_empty() {
            self.ready.push_back(seid);
        } else if line.is_passed_over {
            self.is_worth_rewinding = true;
        } else {
            self.sessions.remove(&seid);
        }
        if self.kept == 0 {
            self.moved.clear();
        }
        numbers
    }

    /// The request of a session was not answered, for no reason of its own: it goes first again.
    pub(super) fn again(&mut self, seid: u64) {
        if let Some(line) = self.sessions.get_mut(&seid) {
            line.under_way = 0;
            self.ready.push_front(seid);
        }
    }

    /// The request of a session was refused. `true` where that was once too often.
    pub(super) fn refused(&mut self, seid: u64, now: Instant) -> bool {
        let Some(line) = self.sessions.get_mut(&seid) else {
            return false;
        };
        line.refusals += 1;
        if line.refusals >= MAX_REFUSALS {
            return true;
        }
        let doubled = BACK_OFF.saturating_mul(1 << (line.refusals - 1).min(31));
        let until = now + doubled.min(MAX_BACK_OFF);
        line.held_until = Some(until);
        self.held.insert((until, seid));
        // Others may have its place in memory.
        line.under_way = 0;
        if let Some(first) = line.reports.front() {
            line.read_to = first.number.saturating_sub(1);
            line.is_passed_over = true;
            pass_over(&mut self.passed_over, first.number);
        }
        self.loaded -= line.reports.len();
        line.reports.clear();
        false
    }

    /// The control plane has given a session another number.
    pub(super) fn moved(&mut self, seid: u64, cp_seid: u64) {
        if self.moved.len() < MAX_MOVED || self.moved.contains_key(&seid) {
            self.moved.insert(seid, cp_seid);
        }
    }

    /// Sessions that were held back long enough are so no longer.
    fn release(&mut self, now: Instant) {
        while let Some((until, seid)) = self.held.first().copied()
            && until <= now
        {
            self.held.pop_first();
            if let Some(line) = self.sessions.get_mut(&seid) {
                line.held_until = None;
                self.is_worth_rewinding = true;
            }
        }
    }

    /// Reads reports until the window is full.
    fn refill(&mut self, store: &mut SessionStore, now: Instant) -> Result<(), StoreError> {
        self.rewind(now);
        let mut looks = 0;
        while self.can_read() && looks < MAX_LOOKS {
            let chunk = (self.window - self.loaded).clamp(MIN_CHUNK, MAX_CHUNK);
            let read = store.read(&self.owner, self.cursor, chunk)?;
            looks += chunk;
            let is_end = read.len() < chunk;
            for report in read {
                self.take(report);
            }
            if is_end {
                self.cursor = self.end;
            }
        }
        Ok(())
    }

    fn can_read(&self) -> bool {
        self.cursor < self.end && self.loaded < self.window && self.ahead < MAX_AHEAD
    }

    /// Goes back to what was passed over, where that is of use.
    fn rewind(&mut self, now: Instant) {
        let is_due = self.next_rewind.is_none_or(|at| at <= now);
        let is_through = self.cursor >= self.end || self.ahead >= MAX_AHEAD;
        if !self.is_worth_rewinding || !is_through || !is_due {
            return;
        }
        self.is_worth_rewinding = false;
        self.ahead = 0;
        self.next_rewind = Some(now + REWIND_INTERVAL);
        let Some(number) = self.passed_over.take() else {
            return;
        };
        self.cursor = number;
        for line in self.sessions.values_mut() {
            line.is_passed_over = false;
        }
    }

    /// Takes a report from the store.
    fn take(&mut self, (number, made): Numbered) {
        self.cursor = number.saturating_add(1);
        let line = self.sessions.entry(made.seid).or_default();
        if number <= line.read_to {
            return;
        }
        let is_full = line.reports.len() >= MAX_OF_SESSION;
        if is_full || line.is_passed_over || line.held_until.is_some() {
            line.is_passed_over = true;
            self.ahead += usize::from(line.held_until.is_none());
            return pass_over(&mut self.passed_over, number);
        }
        line.read_to = number;
        if line.reports.is_empty() {
            self.ready.push_back(made.seid);
        }
        line.reports.push_back(Waiting::new(number, made));
        self.loaded += 1;
    }

    /// As many reports of a session as one message takes; those of before and since the start go apart.
    fn request(&mut self, seid: u64, first_of_run: u64) -> Option<Next> {
        let line = self.sessions.get_mut(&seid)?;
        let first = line.reports.front()?;
        let is_former = first.number < first_of_run;
        let mut size = OVERHEAD;
        let mut usage = Vec::new();
        let mut cp_seid = first.cp_seid;
        for waiting in &line.reports {
            size += waiting.size;
            let is_of_same = (waiting.number < first_of_run) == is_former;
            if !usage.is_empty() && (size > MAX_DATAGRAM || !is_of_same) {
                break;
            }
            cp_seid = waiting.cp_seid;
            usage.push(waiting.report.clone());
        }
        line.under_way = usage.len();
        let request = SessionReportRequest {
            usage,
            ..SessionReportRequest::default()
        };
        let report = SessionReport {
            seid,
            cp_seid: self.moved.get(&seid).copied().unwrap_or(cp_seid),
            request,
        };
        Some(Next {
            seid,
            is_former,
            report,
        })
    }

    #[cfg(test)]
    pub(super) fn in_memory(&self) -> usize {
        let counted: usize = self.sessions.values().map(|line| line.reports.len()).sum();
        assert_eq!(counted, self.loaded);
        counted
    }
}

impl Waiting {
    fn new(number: u64, made: MadeReport) -> Self {
        let (size, report) = measured(made.report);
        Self {
            number,
            cp_seid: made.cp_seid,
            size,
            report,
        }
    }
}

fn pass_over(lowest: &mut Option<u64>, number: u64) {
    *lowest = Some(lowest.map_or(number, |lowest| lowest.min(number)));
}

/// A report with its octets in a message. One that cannot be written goes alone, and is refused when it is sent.
fn measured(report: UsageReport) -> (usize, UsageReport) {
    let request = SessionReportRequest {
        usage: vec![report],
        ..SessionReportRequest::default()
    };
    let message = Message {
        seid: 0,
        sequence: 0,
        priority: None,
        body: Body::SessionReportRequest(request),
    };
    let size = message.encode().map_or(MAX_DATAGRAM, |bytes| bytes.len());
    let report = match message.body {
        Body::SessionReportRequest(mut request) => request.usage.pop(),
        _ => None,
    };
    (size.saturating_sub(OVERHEAD), report.unwrap_or_default())
}
