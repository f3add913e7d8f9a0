//! A session's fast path and clock, simulated: it does what [`Limits`] say, and polls when it is time.

use std::collections::BTreeMap;

use super::{script, show};
use crate::datapath::Direction;
use crate::pfcp::message::{UpdateUrr, UsageReport};
use crate::usage::{Count, Flow, Limits, Millis, SessionUsage, Totals};

/// When scripts begin, a whole second.
pub(super) const BEGIN: Millis = Millis(1_700_000_000_000);

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) usage: SessionUsage,
    pub(super) totals: BTreeMap<u32, Totals>,
    pub(super) now: Millis,
}

impl Default for World {
    fn default() -> Self {
        Self {
            usage: SessionUsage::default(),
            totals: BTreeMap::new(),
            now: BEGIN,
        }
    }
}

/// An operation of the engine.
type Operation<'a> =
    dyn Fn(&mut SessionUsage, Millis, &dyn Fn(u32) -> Totals) -> Vec<UsageReport> + 'a;

impl World {
    pub(super) fn create(&mut self, urr: &UpdateUrr) {
        self.usage.create(urr, self.now);
        self.totals.insert(urr.id, Totals::default());
    }

    /// Runs a step and shows what it brings: reports, and what is asked for.
    pub(super) fn act(&mut self, step: &str) -> Vec<String> {
        let reports = self.run(step);
        let mut shown: Vec<_> = reports.iter().map(show::report).collect();
        let mut words = step.split(' ').skip(1);
        match words.next() {
            Some("limits") => {
                let limits = self.usage.limits(urr_of(words.next().unwrap_or_default()));
                shown.push(show::limits(&limits.expect("the URR")));
            }
            Some("deadline") => {
                let next = self.usage.next_deadline();
                shown.push(next.map_or_else(|| "none".to_owned(), show::moment));
            }
            _ => {}
        }
        shown
    }

    /// Runs a step, `5.5 up 300`: the time, what happens, and how.
    pub(super) fn run(&mut self, step: &str) -> Vec<UsageReport> {
        let (time, rest) = step.split_once(' ').unwrap_or((step, ""));
        let (action, how) = rest.split_once(' ').unwrap_or((rest, ""));
        let seconds: f64 = time.parse().unwrap_or_else(|_| panic!("{step}"));
        let at = BEGIN.after((seconds * 1000.0).round() as u64);
        let mut reports = match action {
            "late" => Vec::new(),
            _ => self.advance(at),
        };
        self.now = at;
        reports.extend(self.happens(action, how));
        reports
    }

    fn happens(&mut self, action: &str, how: &str) -> Vec<UsageReport> {
        let now = self.now;
        match action {
            "" | "limits" | "deadline" => Vec::new(),
            "late" => self.operate(&|usage, now, totals| usage.poll(now, totals)),
            "up" | "down" | "dropup" | "dropdown" | "lost" => self.packets(action, how),
            "create" => {
                self.create(&script::settings(how));
                self.advance(now)
            }
            "update" => {
                let update = script::settings(how);
                self.operate(&|usage, now, totals| {
                    usage.update(&update, now, totals);
                    Vec::new()
                });
                self.advance(now)
            }
            "idle" => {
                self.usage.set_inactivity_timer(Some(script::number(how)));
                Vec::new()
            }
            "query" => {
                let (ids, reference) = how.split_once(' ').unwrap_or((how, ""));
                let (ids, reference) = (ids_of(ids), reference.parse().ok());
                self.operate(&|usage, now, totals| usage.query(&ids, reference, now, totals))
            }
            "queryall" => {
                let reference = how.parse().ok();
                self.operate(&|usage, now, totals| usage.query_all(reference, now, totals))
            }
            "remove" => {
                let ids = ids_of(how);
                self.operate(&|usage, now, totals| usage.remove(&ids, now, totals))
            }
            "end" => self.operate(&|usage, now, totals| usage.terminate(now, totals)),
            "leave" => {
                let ids = ids_of(how);
                self.operate(&|usage, now, totals| usage.dissociate(&ids, now, totals))
            }
            "marker" => {
                let ids = ids_of(how);
                self.operate(&|usage, now, totals| usage.end_marker_received(&ids, now, totals))
            }
            "full" => self.quota_exceeded(urr_of(how)),
            "mark" => self.mark_reached(urr_of(how)),
            _ => panic!("{action}"),
        }
    }

    pub(super) fn operate(&mut self, operation: &Operation<'_>) -> Vec<UsageReport> {
        let totals = |id| self.totals.get(&id).copied().unwrap_or_default();
        operation(&mut self.usage, self.now, &totals)
    }

    /// Time passes; the engine is polled at each of its deadlines.
    pub(super) fn advance(&mut self, until: Millis) -> Vec<UsageReport> {
        let mut reports = Vec::new();
        for _ in 0..10_000 {
            let Some(next) = self.usage.next_deadline().filter(|next| *next <= until) else {
                self.now = self.now.max(until);
                return reports;
            };
            self.now = self.now.max(next);
            reports.extend(self.operate(&|usage, now, totals| usage.poll(now, totals)));
        }
        panic!("deadlines without end at {:?}", self.now);
    }

    fn mark_reached(&mut self, id: u32) -> Vec<UsageReport> {
        self.operate(&|usage, now, totals| usage.mark_reached(id, now, totals))
    }

    fn quota_exceeded(&mut self, id: u32) -> Vec<UsageReport> {
        self.operate(&|usage, now, totals| usage.quota_exceeded(id, now, totals))
    }

    /// A packet of so many bytes, for all URRs or the one that is named: `300` or `2: 300`.
    fn packets(&mut self, action: &str, how: &str) -> Vec<UsageReport> {
        let (urrs, bytes) = how.split_once(": ").unwrap_or(("", how));
        let bytes = bytes.parse().unwrap_or_else(|_| panic!("{how}"));
        let ids = match urrs {
            "" => self.totals.keys().copied().collect(),
            _ => ids_of(urrs),
        };
        let ids: Vec<u32> = ids;
        let direction = match action {
            "up" | "dropup" => Direction::Uplink,
            _ => Direction::Downlink,
        };
        // The packet goes to all its URRs or to none: where one is stopped, or has not so many bytes left.
        let mut full = Vec::new();
        let mut is_stopped = false;
        for id in &ids {
            let limits = self.usage.limits(*id).unwrap_or_default();
            is_stopped |= limits.is_stopped;
            if action != "lost" && exceeds(&limits, &self.totals[id], direction, bytes) {
                full.push(*id);
            }
        }
        if !is_stopped && !full.is_empty() {
            let tell = |id| self.quota_exceeded(id);
            return full.into_iter().flat_map(tell).collect();
        }
        for id in &ids {
            match action {
                "lost" => self.lose(*id, bytes),
                _ => self.count(
                    *id,
                    direction,
                    bytes,
                    is_stopped,
                    action.starts_with("drop"),
                ),
            }
        }
        let passed = !is_stopped && matches!(action, "up" | "down");
        let tell = |id| self.tell(id, passed);
        ids.into_iter().flat_map(tell).collect()
    }

    /// The fast path tells what it was asked to.
    fn tell(&mut self, id: u32, passed: bool) -> Vec<UsageReport> {
        let (now, limits) = (self.now, self.usage.limits(id).unwrap_or_default());
        if limits.tells_next_packet && passed {
            self.operate(&|usage, _, totals| usage.traffic_started(id, now, now, totals))
        } else if is_marked(&limits, &self.totals[&id]) {
            self.mark_reached(id)
        } else {
            Vec::new()
        }
    }

    fn lose(&mut self, id: u32, bytes: u64) {
        let totals = self.totals.get_mut(&id).expect("the URR");
        add(&mut totals.dropped_downlink, bytes);
    }

    fn count(&mut self, id: u32, direction: Direction, bytes: u64, stopped: bool, dropped: bool) {
        let now = self.now;
        let totals = self.totals.get_mut(&id).expect("the URR");
        let flow = match direction {
            Direction::Uplink => &mut totals.uplink,
            Direction::Downlink => &mut totals.downlink,
        };
        let Flow {
            passed,
            before_qos,
            last_packet,
        } = flow;
        if !stopped {
            add(before_qos, bytes);
        }
        if !stopped && !dropped {
            add(passed, bytes);
            *last_packet = Some(now);
        } else if direction == Direction::Downlink {
            add(&mut totals.dropped_downlink, bytes);
        }
    }
}

fn add(count: &mut Count, bytes: u64) {
    count.packets += 1;
    count.bytes = count.bytes.saturating_add(bytes);
}

/// Bytes that have passed: total, uplink and downlink.
fn bytes(totals: &Totals) -> [u64; 3] {
    let (uplink, downlink) = (totals.uplink.passed.bytes, totals.downlink.passed.bytes);
    [uplink.saturating_add(downlink), uplink, downlink]
}

/// A quota's mark is passed.
fn is_beyond(limits: &Limits, totals: &Totals) -> bool {
    let marks = [
        limits.quota.total,
        limits.quota.uplink,
        limits.quota.downlink,
    ];
    reaches(marks, bytes(totals))
}

/// So many bytes more would take a counter beyond its quota's mark.
fn exceeds(limits: &Limits, totals: &Totals, direction: Direction, more: u64) -> bool {
    let [total, uplink, downlink] = bytes(totals);
    let after = match direction {
        Direction::Uplink => [total + more, uplink + more, 0],
        Direction::Downlink => [total + more, 0, downlink + more],
    };
    let marks = [
        limits.quota.total,
        limits.quota.uplink,
        limits.quota.downlink,
    ];
    let pairs = marks.into_iter().zip(after);
    pairs
        .into_iter()
        .any(|(mark, after)| mark.is_some_and(|mark| after > mark))
}

fn is_marked(limits: &Limits, totals: &Totals) -> bool {
    let marks = &limits.threshold;
    let marks = [marks.total, marks.uplink, marks.downlink];
    is_beyond(limits, totals) || reaches(marks, bytes(totals))
}

fn reaches(marks: [Option<u64>; 3], counts: [u64; 3]) -> bool {
    let pairs = marks.into_iter().zip(counts);
    pairs
        .into_iter()
        .any(|(mark, count)| mark.is_some_and(|mark| count >= mark))
}

fn urr_of(text: &str) -> u32 {
    if text.is_empty() {
        1
    } else {
        script::number(text)
    }
}

fn ids_of(text: &str) -> Vec<u32> {
    if text.is_empty() {
        return vec![1];
    }
    text.split(',').map(script::number).collect()
}
