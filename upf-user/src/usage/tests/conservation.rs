//! Nothing is lost and nothing counted twice, whatever happens: the sum of a URR's reports is what passed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::script::settings;
use super::world::World;
use crate::pfcp::ie::{
    MeasurementMethod as Method, UsageReportTrigger as Why, measurement_information as info,
};
use crate::pfcp::message::{UpdateUrr, UsageReport};
use crate::testing;
use crate::usage::totals::Volume;
use crate::usage::{Millis, Totals};

/// What a URR must have reported, kept by other means than the engine's: each step's growth of the counters, as the rule was.
#[derive(Debug, Default)]
struct Account {
    began: Millis,
    method: u8,
    information: u8,
    last: Totals,
    expected: Volume,
    expected_events: u64,
    /// Whether time ran from the URR's begin without a pause.
    always_runs: bool,
    reported: Volume,
    reported_events: u64,
    reported_seconds: u64,
    next_sequence: u32,
    end: Option<u32>,
}

impl Account {
    fn new(urr: &UpdateUrr, now: Millis) -> Self {
        let mut account = Self {
            began: now,
            always_runs: true,
            end: Some(now.ntp_seconds()),
            ..Self::default()
        };
        account.take(urr);
        account
    }

    fn take(&mut self, update: &UpdateUrr) {
        self.method = update
            .measurement_method
            .map_or(self.method, |method| method.0);
        self.information = update.measurement_information.unwrap_or(self.information);
        let runs = self.method & Method::DURAT != 0
            && self.information & (info::ISTM | info::INAM) == info::ISTM
            && update
                .inactivity_detection_time
                .is_none_or(|seconds| seconds == 0);
        self.always_runs &= runs;
    }

    fn grow(&mut self, totals: &Totals) {
        let is_active = self.information & info::INAM == 0;
        let before_qos = self.information & info::MBQE != 0;
        if is_active && self.method & Method::VOLUM != 0 {
            let more = totals
                .volume(before_qos)
                .since(self.last.volume(before_qos));
            self.expected.add(more);
        }
        if is_active && self.method & Method::EVENT != 0 {
            self.expected_events += totals.events - self.last.events;
        }
        self.last = *totals;
    }

    fn book(&mut self, report: &UsageReport) {
        assert_eq!(report.sequence, self.next_sequence);
        self.next_sequence += 1;
        self.reported_events += report.event_time_stamps.len() as u64;
        self.reported_seconds += u64::from(report.duration.unwrap_or_default());
        let Some(start) = report.start_time else {
            assert_eq!(report.trigger.0 & !(Why::START | Why::STOPT), 0);
            assert_eq!((report.volume, report.duration), (None, None));
            return;
        };
        assert_eq!(Some(start), self.end, "reports follow each other");
        self.end = report.end_time;
        if let Some(volume) = report.volume {
            let count = |packets: Option<u64>, bytes: Option<u64>| crate::usage::Count {
                packets: packets.expect("MNOP"),
                bytes: bytes.expect("bytes"),
            };
            self.reported.add(Volume {
                uplink: count(volume.packets.uplink, volume.octets.uplink),
                downlink: count(volume.packets.downlink, volume.octets.downlink),
            });
        }
    }

    fn close(&self, now: Millis) {
        assert_eq!(self.reported, self.expected);
        assert_eq!(self.reported_events, self.expected_events);
        let elapsed = now.since(self.began) / 1000;
        assert!(self.reported_seconds <= elapsed);
        if self.always_runs {
            assert_eq!(self.reported_seconds, elapsed);
        }
    }
}

/// The world and its accounts.
#[derive(Default)]
struct Audit {
    world: World,
    accounts: BTreeMap<u32, Account>,
    seconds: f64,
}

impl Audit {
    fn step(&mut self, (millis, action): &(u32, String)) {
        self.seconds += f64::from(*millis) / 1000.0;
        let (word, how) = action.split_once(' ').unwrap_or((action, ""));
        let reports = self.world.run(&format!("{:.3} {action}", self.seconds));
        self.world.reports_make_sense(&reports);
        // A URR that is created anew, or removed, has an end.
        let ends = |id: &u32| word == "remove" && how.split(',').any(|one| one == id.to_string());
        for report in &reports {
            if let Some(account) = self.accounts.get_mut(&report.urr_id) {
                account.book(report);
            }
        }
        let now = self.world.now;
        for (id, account) in &mut self.accounts {
            account.grow(&self.world.totals[id]);
            if ends(id) {
                account.close(now);
            }
        }
        let (world, accounts) = (&mut self.world, &mut self.accounts);
        accounts.retain(|id, _| !ends(id));
        world.totals.retain(|id, _| accounts.contains_key(id));
        if word == "update" {
            let update = settings(how);
            if let Some(account) = self.accounts.get_mut(&update.id) {
                account.take(&update);
            }
        }
    }

    fn create(&mut self, urr: &str) {
        let urr = settings(urr);
        if !self.accounts.contains_key(&urr.id) {
            self.world.create(&urr);
            let account = Account::new(&urr, self.world.now);
            self.accounts.insert(urr.id, account);
        }
    }

    fn end(mut self) {
        let reports = self.world.run(&format!("{:.3} end", self.seconds + 5.0));
        for (id, account) in &mut self.accounts {
            account.grow(&self.world.totals[id]);
            let own = reports.iter().filter(|report| report.urr_id == *id);
            own.for_each(|report| account.book(report));
            account.close(self.world.now);
        }
        assert!(self.world.usage.is_empty());
        assert_eq!(self.world.usage.next_deadline(), None);
    }
}

impl World {
    /// What holds after each step.
    fn reports_make_sense(&self, reports: &[UsageReport]) {
        assert!(reports.iter().all(|report| report.trigger.0 != 0));
        for (id, totals) in &self.totals {
            let Some(limits) = self.usage.limits(*id) else {
                continue;
            };
            let volume = totals.volume(limits.before_qos);
            let total = volume.uplink.bytes + volume.downlink.bytes;
            let quota = limits.quota;
            let marks = [quota.total, quota.uplink, quota.downlink];
            let counts = [total, volume.uplink.bytes, volume.downlink.bytes];
            let pairs = || marks.into_iter().zip(counts);
            let is_beyond = pairs().any(|(mark, count)| mark.is_some_and(|mark| count > mark));
            assert!(!is_beyond, "{limits:?}, {totals:?}");
            let is_exhausted = pairs().any(|(mark, count)| mark == Some(count));
            assert!(
                limits.is_stopped || !is_exhausted,
                "a free ride: {limits:?}, {totals:?}"
            );
        }
    }
}

/// Methods, triggers and limits at random, as words.
fn words(for_update: bool) -> impl Strategy<Value = String> {
    let methods = prop::sample::subsequence(vec!["VOLUM", "DURAT", "EVENT"], 1..=3);
    let triggers = prop::sample::subsequence(
        vec![
            "VOLTH",
            "TIMTH",
            "EVETH",
            "VOLQU",
            "TIMQU",
            "EVEQU",
            "PERIO",
            "QUHTI",
            "QUVTI",
            "START",
            "STOPT",
            "ENVCL",
            "DROTH",
            "LIUSA",
            "UPINT",
            "NOTRIGGER",
        ],
        1..=8,
    );
    let information = prop::sample::subsequence(vec!["MBQE", "INAM", "ISTM", "ISTM"], 0..=2);
    let value = |key: &'static str, most: u32| (0..most).prop_map(move |n| format!("{key}={n}"));
    let values = prop_oneof![
        value("vth", 5000),
        value("vth", 5000).prop_map(|word| word.replace("vth=", "vth=u")),
        value("vqu", 20_000),
        value("vqu", 20_000).prop_map(|word| word.replace("vqu=", "vqu=d")),
        value("svth", 5000),
        value("svqu", 20_000),
        value("tth", 30),
        value("tqu", 300),
        value("stth", 30),
        value("stqu", 300),
        value("eth", 5),
        value("equ", 20),
        value("period", 20),
        value("hold", 20),
        value("valid", 60),
        value("idt", 10),
        value("mon", 300),
        value("add", 300),
        value("reports", 9),
        value("dropp", 4),
        value("link", 4),
    ];
    let values = prop::collection::vec(values, 0..6);
    let always = !for_update;
    let head = (methods, triggers, information);
    let takes = [prop::bool::ANY, prop::bool::ANY, prop::bool::ANY];
    (head, values, takes).prop_map(move |((methods, triggers, information), values, takes)| {
        let mut words = Vec::new();
        if always || takes[0] {
            words.extend(methods);
        }
        if always || takes[1] {
            words.extend(triggers);
        }
        if always || takes[2] {
            words.extend(information);
            words.push("MNOP");
        }
        let mut words = words.join(" ");
        for value in values {
            words = format!("{words} {value}");
        }
        words
    })
}

/// A time to pass, and what happens then; `create` is for the audit itself.
fn step() -> impl Strategy<Value = (u32, String)> {
    let id = 1..4u32;
    let packet = prop::sample::select(vec![
        "up", "down", "up", "down", "dropup", "dropdown", "lost",
    ]);
    let action = prop_oneof![
        12 => (packet, 1..1500u32).prop_map(|(word, bytes)| format!("{word} {bytes}")),
        3 => Just(String::new()),
        2 => (id.clone(), words(true)).prop_map(|(id, words)| format!("update {id}: {words}")),
        2 => id.clone().prop_map(|id| format!("query {id}")),
        1 => Just("queryall 7".to_owned()),
        1 => id.clone().prop_map(|id| format!("remove {id}")),
        2 => (id.clone(), words(false)).prop_map(|(id, words)| format!("create {id}: {words}")),
        1 => id.clone().prop_map(|id| format!("mark {id}")),
        1 => id.clone().prop_map(|id| format!("stop {id}")),
        1 => Just("late".to_owned()),
        1 => (0..20u32).prop_map(|seconds| format!("idle {seconds}")),
        1 => id.prop_map(|id| format!("event {id}")),
    ];
    let millis = prop_oneof![Just(0u32), 0..400u32, 0..8000u32, Just(1000u32)];
    (millis, action)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(testing::amount(512, 20_000)))]

    #[test]
    fn the_sum_of_all_reports_is_what_passed(
        first in words(false),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut audit = Audit::default();
        audit.create(&format!("1: {first} MNOP"));
        for step in &steps {
            match step.1.split_once(' ') {
                Some(("create", urr)) => audit.create(urr),
                Some(("event", id)) if !audit.accounts.contains_key(&id.parse().expect("an ID")) => {}
                _ => audit.step(step),
            }
        }
        audit.end();
    }
}
