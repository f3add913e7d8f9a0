//! The URRs of a session: the engine that makes reports of what was counted ([`crate::usage`]), and where that is counted.
//!
//! Counters of slots and records are not those of a URR: a slot has counted before, and a URR may move from one place to
//! another. A [`Ledger`] makes totals of them that only grow.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::model::Model;
use crate::datapath::slots::{LeftUsage, Seating, UsageSeat};
use crate::datapath::{
    Account, Accounts, Bounds, DatapathError, Direction, Traffic, UsageCounters, UsageLimits,
};
use crate::usage::{
    Count, Flow, Limits, Marks, Millis, ReadTotals, SessionUsage, Standing, Totals,
};

const BOTH: [Direction; 2] = [Direction::Uplink, Direction::Downlink];

/// The URRs of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Charging {
    pub(super) usage: SessionUsage,
    ledgers: Vec<Ledger>,
    /// When [`SessionUsage::poll`] is planned.
    pub(super) deadline: Option<Millis>,
    /// What [`Self::sum`] was when it was written down.
    pub(super) written: u64,
    /// How many other sets of maps it is counted in at the same time, see [`super::restore`]: each gets its share of quotas.
    pub(super) other_maps: u64,
}

/// What counters have said, by URR ID, uplink and downlink.
pub(super) type Said = BTreeMap<u32, [UsageCounters; 2]>;

/// The two clocks of one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Millis,
    /// The fast path's.
    pub(super) fast_path_ns: u64,
}

impl Moment {
    /// When it was that time on the fast path's clock.
    pub(super) fn at(self, ns: u64) -> Millis {
        let ago = self.fast_path_ns.saturating_sub(ns) / 1_000_000;
        Millis(self.now.0.saturating_sub(ago))
    }
}

/// Where a URR is counted, and what its totals are there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ledger {
    urr: u32,
    /// There is a FAR for what is beyond its quota.
    has_action: bool,
    /// `None` while no PDR has it.
    seat: Option<UsageSeat>,
    /// What the counters are ahead of the totals, uplink and downlink; wrapping.
    ahead: [Figures; 2],
    /// What the fast path was told last.
    told: u64,
}

/// Figures that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    passed: Traffic,
    dropped: Traffic,
    held_back: Traffic,
}

impl Figures {
    pub(super) fn less(self, other: Self) -> Self {
        self.with(other, u64::wrapping_sub)
    }

    /// Where figures were read at two times, the later ones: one that has gone back was begun anew.
    pub(super) fn or_later(self, later: Self) -> Self {
        self.with(later, u64::max)
    }

    fn sum(self) -> u64 {
        let all = [self.passed, self.dropped, self.held_back];
        all.iter().fold(0, |sum: u64, one| {
            sum.wrapping_add(one.packets).wrapping_add(one.bytes)
        })
    }

    fn with(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        let both = |a: Traffic, b: Traffic| Traffic {
            packets: with(a.packets, b.packets),
            bytes: with(a.bytes, b.bytes),
        };
        Self {
            passed: both(self.passed, other.passed),
            dropped: both(self.dropped, other.dropped),
            held_back: both(self.held_back, other.held_back),
        }
    }
}

impl From<UsageCounters> for Figures {
    fn from(counters: UsageCounters) -> Self {
        Self {
            passed: counters.passed,
            dropped: counters.dropped,
            held_back: counters.held_back,
        }
    }
}

impl Charging {
    /// A URR begins.
    pub(super) fn begin(&mut self, urr: u32) {
        self.ledgers.retain(|ledger| ledger.urr != urr);
        self.ledgers.push(Ledger {
            urr,
            has_action: false,
            seat: None,
            ahead: Default::default(),
            told: 0,
        });
    }

    /// Which URRs have a FAR for what is beyond their quotas (FAR ID for Quota Action).
    pub(super) fn set_actions(&mut self, model: &Model) {
        for ledger in &mut self.ledgers {
            let urr = model.urrs.get(ledger.urr);
            ledger.has_action = urr.is_some_and(|urr| urr.quota_action_far_id.is_some());
        }
    }

    /// A URR begins, in the place of one with its ID whose last report is of what its counters `said`.
    pub(super) fn replace(&mut self, urr: u32, said: &Said) {
        let old = self.ledgers.iter().find(|ledger| ledger.urr == urr);
        let seat = old.and_then(|ledger| ledger.seat);
        self.begin(urr);
        if let (Some(ledger), Some(said)) = (self.ledgers.last_mut(), said.get(&urr)) {
            ledger.seat = seat;
            ledger.ahead = said.map(Figures::from);
        }
    }

    /// What the counters of these URRs say; nothing of those that are not counted.
    pub(super) fn said(&self, tables: &impl Accounts, urrs: &[u32]) -> Said {
        let ledgers = self.ledgers.iter();
        let ledgers = ledgers.filter(|ledger| urrs.contains(&ledger.urr));
        let said = ledgers.filter_map(|ledger| Some((ledger.urr, counters(tables, &ledger.seat?))));
        said.collect()
    }

    /// A URR that has counted before, `ahead` of its counters that are all zero.
    pub(super) fn resume(&mut self, urr: u32, ahead: [Figures; 2]) {
        self.begin(urr);
        self.correct(urr, ahead);
    }

    /// Says anew how far a URR's counters are ahead of its totals.
    pub(super) fn correct(&mut self, urr: u32, ahead: [Figures; 2]) {
        let ledger = self.ledgers.iter_mut().find(|ledger| ledger.urr == urr);
        if let Some(ledger) = ledger {
            ledger.ahead = ahead;
        }
    }

    /// Each URR, with what its counters are ahead of its totals.
    pub(super) fn urrs(&self) -> impl Iterator<Item = (u32, [Figures; 2])> {
        self.ledgers.iter().map(|ledger| (ledger.urr, ledger.ahead))
    }

    /// Where URRs are counted, and what the counters there say.
    pub(super) fn places(
        &self,
        tables: &impl Accounts,
    ) -> impl Iterator<Item = (UsageSeat, [Figures; 2])> {
        let seats = self.ledgers.iter().filter_map(|ledger| ledger.seat);
        seats.map(|seat| (seat, figures_at(tables, &seat)))
    }

    /// What a URR may do at a place in other maps where it is counted at the same time, and has counted `figures`.
    pub(super) fn limits_elsewhere(
        &self,
        tables: &impl Accounts,
        seat: &UsageSeat,
        figures: [Figures; 2],
    ) -> Option<UsageLimits> {
        let ledger = self.ledgers.iter().find(|ledger| ledger.urr == seat.urr)?;
        let here = ledger.seat.map(|seat| counters(tables, &seat));
        let totals = ledger.figures(&here.unwrap_or_default());
        let elsewhere = Ledger {
            urr: ledger.urr,
            seat: Some(*seat),
            has_action: ledger.has_action,
            ahead: [figures[0].less(totals[0]), figures[1].less(totals[1])],
            told: 0,
        };
        let mut limits = self.usage.limits(ledger.urr)?;
        self.share(&mut limits, totals);
        elsewhere.limits(figures, &limits)
    }

    /// What all counters together say.
    pub(super) fn sum(&self, tables: &impl Accounts) -> u64 {
        let places = self.places(tables);
        let figures = places.flat_map(|(_, figures)| figures);
        figures.map(Figures::sum).fold(0, u64::wrapping_add)
    }

    /// URRs have ended.
    pub(super) fn end(&mut self, urrs: &[u32]) {
        self.ledgers.retain(|ledger| !urrs.contains(&ledger.urr));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ledgers.is_empty()
    }

    /// The URR that is counted there.
    pub(super) fn urr_of(&self, account: Account) -> Option<u32> {
        let is_there = |ledger: &&Ledger| ledger.seat.is_some_and(|seat| seat.account == account);
        Some(self.ledgers.iter().find(is_there)?.urr)
    }

    /// What a URR has counted.
    fn totals(&self, tables: &impl Accounts, moment: Moment, urr: u32) -> Totals {
        let ledger = self.ledgers.iter().find(|ledger| ledger.urr == urr);
        ledger.map_or_else(Totals::default, |ledger| ledger.totals(tables, moment))
    }

    /// The URRs as they stand.
    pub(super) fn standings(&self, tables: &impl Accounts, moment: Moment) -> Vec<Standing> {
        let totals = |urr| self.totals(tables, moment, urr);
        self.usage.standings(moment.now, &totals)
    }

    /// Has the engine work, which is told what its URRs have counted.
    pub(super) fn work<T>(
        &mut self,
        tables: &impl Accounts,
        moment: Moment,
        work: impl FnOnce(&mut SessionUsage, ReadTotals<'_>) -> T,
    ) -> T {
        self.work_with(tables, moment, &Said::new(), work)
    }

    /// The same, where the counters of some are read already.
    pub(super) fn work_with<T>(
        &mut self,
        tables: &impl Accounts,
        moment: Moment,
        said: &Said,
        work: impl FnOnce(&mut SessionUsage, ReadTotals<'_>) -> T,
    ) -> T {
        let mut usage = std::mem::take(&mut self.usage);
        let totals = |urr: u32| {
            let ledger = self.ledgers.iter().find(|ledger| ledger.urr == urr);
            match (ledger, said.get(&urr)) {
                (Some(ledger), Some(counters)) => ledger.totals_of(counters, moment),
                _ => self.totals(tables, moment, urr),
            }
        };
        let outcome = work(&mut usage, &totals);
        self.usage = usage;
        outcome
    }

    /// URRs that were not counted begin to be. What the session has already may have counted before, what it has not is reset
    /// before packets come. Tells what the counters said where they begin.
    pub(super) fn seat(
        &mut self,
        tables: &impl Accounts,
        current: &Seating,
        next: &Seating,
    ) -> Vec<LeftUsage> {
        let mut begun = Vec::new();
        for ledger in self.ledgers.iter_mut().filter(|one| one.seat.is_none()) {
            let mut seats = next.usages().iter();
            let Some(seat) = seats.find(|seat| seat.urr == ledger.urr) else {
                continue;
            };
            let is_old = match seat.account {
                Account::Slot(slot) => current.has_slot(slot),
                Account::Record(_) => current.usages().contains(seat),
            };
            let seat = *seat;
            let begins = is_old.then(|| counters(tables, &seat));
            let counters = begins.unwrap_or_default();
            ledger.move_to(None, Some(seat), counters);
            begun.push(LeftUsage { seat, counters });
        }
        begun
    }

    /// URRs are counted elsewhere now: what they had counted where they were is told by `left`. Those that have `begun` in the
    /// place of another one go on from what that one has come to: a packet meanwhile is the other one's alone.
    pub(super) fn follow(&mut self, begun: &[LeftUsage], left: &[LeftUsage], seating: &Seating) {
        for LeftUsage { seat, counters } in begun {
            let mut before = left.iter();
            if let Some(before) = before.find(|left| left.seat.account == seat.account)
                && let Some(ledger) = self.ledgers.iter_mut().find(|one| one.urr == seat.urr)
            {
                ledger.begins_later(*counters, counted(seat, before.counters));
            }
        }
        for ledger in &mut self.ledgers {
            let next = seating.usages().iter().find(|seat| seat.urr == ledger.urr);
            if next == ledger.seat.as_ref() {
                continue;
            }
            let mut gone = left.iter();
            let gone = gone.find(|left| Some(left.seat) == ledger.seat);
            ledger.move_to(gone, next.copied(), Default::default());
        }
    }

    /// What a URR may do where it will be counted, as far as that can be told before it is.
    pub(super) fn limits_at(&self, tables: &impl Accounts, seat: &UsageSeat) -> UsageLimits {
        let ledger = self.ledgers.iter().find(|ledger| ledger.urr == seat.urr);
        let Some(mut ledger) = ledger.cloned() else {
            return UsageLimits::default();
        };
        if ledger.seat.as_ref() != Some(seat) {
            let left = ledger.seat.map(|seat| LeftUsage {
                seat,
                counters: counters(tables, &seat),
            });
            ledger.move_to(left.as_ref(), Some(*seat), Default::default());
        }
        self.limits(tables, &ledger).unwrap_or_default()
    }

    fn limits(&self, tables: &impl Accounts, ledger: &Ledger) -> Option<UsageLimits> {
        let mut limits = self.usage.limits(ledger.urr)?;
        let here = ledger.seat.map(|seat| counters(tables, &seat));
        let here = here.unwrap_or_default();
        self.share(&mut limits, ledger.figures(&here));
        ledger.limits(here.map(Figures::from), &limits)
    }

    /// Leaves a URR only its share of what is left of its quotas, where it is counted in other maps as well.
    fn share(&self, limits: &mut Limits, [up, down]: [Figures; 2]) {
        if self.other_maps == 0 {
            return;
        }
        let (up, down) = (up.passed.bytes, down.passed.bytes);
        let share = |quota: Option<u64>, used: u64| {
            let left = quota?.saturating_sub(used);
            Some(used.saturating_add(left / (self.other_maps + 1)))
        };
        let quota = &mut limits.quota;
        quota.total = share(quota.total, up.saturating_add(down));
        quota.uplink = share(quota.uplink, up);
        quota.downlink = share(quota.downlink, down);
    }

    /// The fast path lets nothing pass for a URR: it is told anew what may, unless that is nothing. A packet that was on its way
    /// while a quota was granted can have met the one before.
    pub(super) fn go_on(&mut self, urr: u32) {
        let limits = self.usage.limits(urr);
        if limits.is_some_and(|limits| !limits.is_stopped)
            && let Some(ledger) = self.ledgers.iter_mut().find(|ledger| ledger.urr == urr)
        {
            ledger.told = 0;
        }
    }

    /// Tells the fast path what has changed since it was told.
    pub(super) fn tell(&mut self, tables: &mut impl Accounts) -> Result<(), DatapathError> {
        for at in 0..self.ledgers.len() {
            let ledger = &self.ledgers[at];
            let (Some(seat), Some(limits)) = (ledger.seat, self.limits(tables, ledger)) else {
                continue;
            };
            let mut hasher = DefaultHasher::new();
            (seat.account, limits).hash(&mut hasher);
            // 0 was never told.
            let told = hasher.finish() | 1;
            if told != ledger.told {
                tables.write_usage_limits(seat.account, &limits)?;
                self.ledgers[at].told = told;
            }
        }
        Ok(())
    }
}

impl Ledger {
    fn totals(&self, tables: &impl Accounts, moment: Moment) -> Totals {
        let counters = self.seat.map(|seat| counters(tables, &seat));
        self.totals_of(&counters.unwrap_or_default(), moment)
    }

    /// The totals where counters say this.
    fn totals_of(&self, counters: &[UsageCounters; 2], moment: Moment) -> Totals {
        let figures = self.figures(counters);
        let flow = |at: usize| {
            let Figures {
                passed, held_back, ..
            } = figures[at];
            Flow {
                passed: count(passed),
                before_qos: Count {
                    packets: passed.packets.saturating_add(held_back.packets),
                    bytes: passed.bytes.saturating_add(held_back.bytes),
                },
                last_packet: counters[at].last_ns.map(|ns| moment.at(ns)),
            }
        };
        Totals {
            uplink: flow(0),
            downlink: flow(1),
            dropped_downlink: count(figures[1].dropped),
        }
    }

    /// The totals, uplink and downlink.
    fn figures(&self, counters: &[UsageCounters; 2]) -> [Figures; 2] {
        let [up, down] = counters.map(Figures::from);
        [up.less(self.ahead[0]), down.less(self.ahead[1])]
    }

    /// Is counted elsewhere from now on, where counters say `begins`.
    fn move_to(
        &mut self,
        left: Option<&LeftUsage>,
        next: Option<UsageSeat>,
        begins: [UsageCounters; 2],
    ) {
        let last = left.map(|left| counted(&left.seat, left.counters));
        let totals = self.figures(&last.unwrap_or_default());
        let [up, down] = begins.map(Figures::from);
        self.ahead = [up.less(totals[0]), down.less(totals[1])];
        self.seat = next;
        self.told = 0;
    }

    /// Begins where it is when counters say `later`, not when they said `before`.
    fn begins_later(&mut self, before: [UsageCounters; 2], later: [UsageCounters; 2]) {
        for (ahead, (before, later)) in self.ahead.iter_mut().zip(before.into_iter().zip(later)) {
            let meanwhile = Figures::from(later).less(before.into());
            *ahead = ahead.with(meanwhile, u64::wrapping_add);
        }
        self.told = 0;
    }

    /// The same bounds for the counters there, which say `figures`.
    fn limits(&self, figures: [Figures; 2], limits: &Limits) -> Option<UsageLimits> {
        let seat = self.seat?;
        let [up, down] = self.ahead.map(|ahead| ahead.passed.bytes);
        let marks = |Marks {
                         total,
                         uplink,
                         downlink,
                     }: Marks| {
            let at = |mark: Option<u64>, ahead: u64| mark.map(|mark| reached_at(mark, ahead));
            [
                at(total, up.wrapping_add(down)),
                at(uplink, up),
                at(downlink, down),
            ]
        };
        let mut threshold = marks(limits.threshold);
        let mut quota = marks(limits.quota);
        if limits.tells_next_packet {
            let [up, down] = figures.map(|one| one.passed.bytes);
            let next = up.wrapping_add(down).saturating_add(1);
            threshold[0] = Some(threshold[0].map_or(next, |mark| mark.min(next)));
        }
        if limits.is_stopped {
            quota[0] = Some(0);
        }
        let bounds = |at: usize| Bounds {
            threshold: threshold[at],
            quota: quota[at],
        };
        Some(UsageLimits {
            counts_uplink: seat.counts_uplink,
            counts_downlink: seat.counts_downlink,
            total: bounds(0),
            uplink: bounds(1),
            downlink: bounds(2),
            has_action: self.has_action,
        })
    }
}

/// Where counters are that are so far ahead when the total is at its mark; 0 if it is beyond.
fn reached_at(mark: u64, ahead: u64) -> u64 {
    // What is ahead is less than nothing where a URR has counted more elsewhere.
    let ahead = i128::from(ahead.cast_signed());
    let at = i128::from(mark) + ahead;
    u64::try_from(at.max(0)).unwrap_or(u64::MAX)
}

/// What the counters of a place say.
pub(super) fn figures_at(tables: &impl Accounts, seat: &UsageSeat) -> [Figures; 2] {
    counters(tables, seat).map(Figures::from)
}

/// What is counted for a URR; nothing where it cannot be read.
fn counters(tables: &impl Accounts, seat: &UsageSeat) -> [UsageCounters; 2] {
    let read = BOTH.map(|direction| {
        let counters = tables.usage_counters(seat.account, direction);
        counters.unwrap_or_else(|error| {
            tracing::error!(%error, ?seat, "the counters of a URR cannot be read");
            UsageCounters::default()
        })
    });
    counted(seat, read)
}

/// Without the half of a slot that does not count.
fn counted(seat: &UsageSeat, [up, down]: [UsageCounters; 2]) -> [UsageCounters; 2] {
    let of = |counts: bool, counters| {
        if counts {
            counters
        } else {
            UsageCounters::default()
        }
    };
    [of(seat.counts_uplink, up), of(seat.counts_downlink, down)]
}

fn count(traffic: Traffic) -> Count {
    Count {
        packets: traffic.packets,
        bytes: traffic.bytes,
    }
}
