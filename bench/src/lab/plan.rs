//! Which SIMs the lab has, how much traffic it makes, and how long it has to look.

use std::{ops::Range, time::Duration};

use anyhow::{Result, ensure};

use upf_common::meter::{DEFAULT_DEPTH_NS, MIN_DEPTH_BYTES};

use upf_user::bandwidth::Rate;

use crate::control::ue_address;

/// Speed classes, the slowest first.
const CLASSES: [(&str, &str); 3] = [
    ("s1.slow", "128 kbit/s"),
    ("s2.mid", "512 kbit/s"),
    ("s3.fast", "1 Mbit/s"),
];
/// What the lab's hosts can generate and count next to the UPF on two busy cores, each way.
const PACKETS_PER_SECOND: f64 = 20_000.0;
/// What is offered, in proportion to the limit: enough to feel it, with room for a busy machine.
const OFFERED: f64 = 1.5;
/// What a full bucket lets pass before the limit is felt: so many bits, or so many seconds of the rate where that is
/// more.
const BUCKET_BITS: f64 = MIN_DEPTH_BYTES as f64 * 8.0;
const BUCKET_SECONDS: f64 = DEFAULT_DEPTH_NS as f64 / 1e9;
/// A SIM's rate is known to half a percent after so many packets.
const PACKETS_TO_JUDGE: f64 = 100.0;
const SHORTEST_LOOK: f64 = 2.0;

/// A speed class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Class {
    /// Its name.
    pub(super) name: &'static str,
    /// What it allows, each way.
    pub(super) rate: Rate,
}

/// SIMs that are offered the same, and held at the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// As it is shown.
    pub(super) name: String,
    /// Limit of each SIM, each way.
    pub(super) rate: Rate,
    /// The class that limits them; without one, QERs do.
    pub(super) class: Option<Class>,
    /// The class that they get in the middle of the run.
    pub(super) next: Option<Class>,
    /// Their numbers.
    pub(super) sims: Range<u32>,
}

impl Group {
    /// Packets a second each way of one SIM.
    fn offered_per_sim(&self, size: u16) -> f64 {
        let most = self.next.map_or(self.rate, |next| next.rate.max(self.rate));
        OFFERED * packets_per_second(most, size)
    }

    /// Packets a second each way of all of them.
    pub(super) fn offered(&self, size: u16) -> f64 {
        self.offered_per_sim(size) * f64::from(self.sims.end - self.sims.start)
    }

    /// Places of their numbers.
    pub(super) fn places(&self) -> Range<usize> {
        self.sims.start as usize..self.sims.end as usize
    }
}

/// The load.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Sessions.
    pub(super) sims: u32,
    /// Bytes of an inner IP packet.
    pub(super) size: u16,
    /// SIMs that send and receive, from the first on: as many as the machine can carry.
    pub(super) groups: Vec<Group>,
}

impl Plan {
    /// A load for so many SIMs: of three speed classes, with one SIM that changes from the slowest to the fastest; or, with a
    /// rate, of one QER each.
    #[must_use]
    pub(super) fn new(sims: u32, rate: Option<Rate>, size: u16) -> Self {
        let groups = match rate {
            Some(rate) => same(sims, rate, size),
            None => of_classes(sims, size),
        };
        Self { sims, size, groups }
    }

    /// SIMs that send and receive.
    #[must_use]
    pub(super) fn active(&self) -> u32 {
        self.groups.last().map_or(0, |group| group.sims.end)
    }

    /// The agent's config of bandwidth.
    #[must_use]
    pub(super) fn config(&self) -> String {
        if self.groups.iter().all(|group| group.class.is_none()) {
            return String::new();
        }
        let table = |Class { name, rate }| {
            format!("[speed_class.\"{name}\"]\nuplink = \"{rate}\"\ndownlink = \"{rate}\"\n")
        };
        let tables: String = classes().map(table).concat();
        format!(
            "[bandwidth]\ndefault_class = \"{}\"\n{tables}",
            CLASSES[0].0
        )
    }

    /// Packets a second each way of all SIMs.
    #[must_use]
    pub(super) fn offered(&self) -> f64 {
        self.groups
            .iter()
            .map(|group| group.offered(self.size))
            .sum()
    }

    /// Whether one SIM alone is offered more than its limit.
    ///
    /// # Errors
    /// When the machine cannot make that many packets.
    pub(super) fn check(&self) -> Result<()> {
        let most = PACKETS_PER_SECOND * f64::from(self.size) * 8.0 / OFFERED;
        for group in &self.groups {
            ensure!(
                group.rate.bits() as f64 <= most,
                "{} is more than the lab's generator makes; at most {}",
                group.rate,
                super::rate::bits(most)
            );
        }
        Ok(())
    }

    /// Until the buckets are empty and only the limits let packets pass.
    #[must_use]
    pub(super) fn warm_up(&self) -> Duration {
        let groups = self.groups.iter().map(|group| warm_up(group.rate));
        groups.max().unwrap_or_default()
    }

    /// When SIMs change their class: in the middle of the run, but not before they are judged in the old one.
    #[must_use]
    pub(super) fn change(&self, time: Option<Duration>) -> Option<Duration> {
        let changing = self.groups.iter().filter(|group| group.next.is_some());
        let looks = changing.map(|group| self.look(group.rate));
        let earliest = self.warm_up() + looks.max()?;
        Some(earliest.max(time.unwrap_or_default() / 2))
    }

    /// The shortest run that can judge the rates.
    #[must_use]
    pub(super) fn shortest(&self) -> Duration {
        let looks = self.groups.iter().map(|group| self.look(group.rate));
        let steady = self.warm_up() + looks.max().unwrap_or_default();
        let next = self.groups.iter().filter_map(|group| group.next);
        let rests = next.map(|class| warm_up(class.rate) + self.look(class.rate));
        let changed = self.change(None).zip(rests.max());
        steady.max(changed.map_or(Duration::ZERO, |(change, rest)| change + rest))
    }

    /// How long a rate takes to be judged.
    fn look(&self, rate: Rate) -> Duration {
        let packets = PACKETS_TO_JUDGE / packets_per_second(rate, self.size);
        Duration::from_secs_f64(packets.max(SHORTEST_LOOK))
    }
}

/// Until a SIM's bucket is empty.
#[must_use]
pub(super) fn warm_up(rate: Rate) -> Duration {
    let rate = rate.bits() as f64;
    let bucket = BUCKET_BITS.max(rate * BUCKET_SECONDS);
    Duration::from_secs_f64(1.0 + bucket / (rate * (OFFERED - 1.0)))
}

fn packets_per_second(rate: Rate, size: u16) -> f64 {
    rate.bits() as f64 / (f64::from(size) * 8.0)
}

fn classes() -> [Class; CLASSES.len()] {
    CLASSES.map(|(name, rate)| Class {
        name,
        rate: rate.parse().expect("a rate"),
    })
}

fn same(sims: u32, rate: Rate, size: u16) -> Vec<Group> {
    let mut group = Group {
        name: "QER".to_owned(),
        rate,
        class: None,
        next: None,
        sims: 0..1,
    };
    let bearable = PACKETS_PER_SECOND / group.offered_per_sim(size);
    group.sims.end = (bearable as u32).clamp(1, sims);
    vec![group]
}

/// As many SIMs of one class as of each other, and one that changes.
fn of_classes(sims: u32, size: u16) -> Vec<Group> {
    let all = classes();
    let [slowest, .., fastest] = all;
    let group = |name: String, class: Class, sims: Range<u32>| Group {
        name,
        rate: class.rate,
        class: Some(class),
        next: None,
        sims,
    };
    let changing = Group {
        next: Some(fastest),
        ..group(format!("SIM {}", ue_address(0)), slowest, 0..1)
    };
    let of_each = all.map(|class| group(class.name.to_owned(), class, 0..1));
    let triple: f64 = of_each.iter().map(|group| group.offered(size)).sum();
    let rest = (PACKETS_PER_SECOND - changing.offered(size)) / triple * all.len() as f64;
    let rest = (rest.max(0.0) as u32).min(sims - 1);
    let mut groups = vec![changing];
    let count = all.len() as u32;
    for (mut group, number) in of_each.into_iter().zip(0..) {
        let start = groups.last().map_or(0, |group| group.sims.end);
        // The slower ones first where they are not as many.
        group.sims = start..start + (rest + count - 1 - number) / count;
        if !group.sims.is_empty() {
            groups.push(group);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_sims_are_of_three_classes_and_one_that_changes() {
        let plan = Plan::new(1000, None, 1000);
        let sims: Vec<_> = plan.groups.iter().map(|group| group.sims.clone()).collect();
        assert_eq!(sims, [0..1, 1..66, 66..130, 130..194]);
        assert_eq!(plan.active(), 194);
        assert!(plan.offered() <= PACKETS_PER_SECOND);
        assert!(
            plan.shortest() < Duration::from_secs(15),
            "{:?}",
            plan.shortest()
        );
        for name in ["s1.slow", "s2.mid", "s3.fast"] {
            assert!(plan.config().contains(name));
        }
    }

    #[test]
    fn a_change_comes_when_the_old_class_is_judged_and_leaves_time_for_the_new_one() {
        for (sims, size) in [(1, 1400), (50, 1000), (1_000_000, 64)] {
            let plan = Plan::new(sims, None, size);
            for time in [None, Some(plan.shortest()), Some(Duration::from_secs(600))] {
                let change = plan.change(time).unwrap();
                let group = &plan.groups[0];
                assert!(change >= warm_up(group.rate) + plan.look(group.rate));
                let rate = group.next.unwrap().rate;
                let end = time.unwrap_or_else(|| plan.shortest());
                assert!(change + warm_up(rate) + plan.look(rate) <= end);
            }
        }
        assert_eq!(
            Plan::new(9, Some("1 Mbit/s".parse().unwrap()), 1000).change(None),
            None
        );
    }

    #[test]
    fn load_is_bounded() {
        for sims in [1, 2, 3, 4, 100, 10_000, 1_000_000] {
            for rate in [None, Some("8 kbit/s"), Some("1 Mbit/s"), Some("100 Mbit/s")] {
                let rate = rate.map(|rate| rate.parse().unwrap());
                let plan = Plan::new(sims, rate, 1000);
                plan.check().unwrap();
                assert!(plan.active() >= 1 && plan.active() <= sims);
                assert!(plan.offered() <= PACKETS_PER_SECOND + 1.0);
            }
        }
        assert!(
            Plan::new(1, Some("1 Gbit/s".parse().unwrap()), 1000)
                .check()
                .is_err()
        );
    }
}
