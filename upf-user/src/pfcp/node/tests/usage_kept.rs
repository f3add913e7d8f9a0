//! Usage reports: none is lost, whatever becomes of messages, the control plane and us.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::usage::{made, opened, response};
use super::*;
use crate::pfcp::message::UsageReport;
use crate::pfcp::node::usage::MAX_USAGE_UNDER_WAY;
use crate::reports::{Batch, MadeReport};
use crate::testing;

/// A control plane that takes reports, over a network that loses messages, and what it has taken.
struct ControlPlane {
    random: StdRng,
    /// Messages lost, of a thousand.
    loss: u32,
    is_away: bool,
    /// UR-SEQNs by the SEID of the request, as they came for the first time.
    taken: BTreeMap<u64, Vec<u32>>,
    /// Requests that came again after they were answered.
    repeated: usize,
    most_under_way: usize,
    stamp: u32,
}

struct Scene {
    world: World,
    cp: ControlPlane,
    state: tempfile::TempDir,
}

impl Scene {
    fn new(loss: u32, seed: u64) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut world = World::associated();
        world.sessions.outbox = Some(opened(state.path()));
        let cp = ControlPlane {
            random: StdRng::seed_from_u64(seed),
            loss,
            is_away: false,
            taken: BTreeMap::new(),
            repeated: 0,
            most_under_way: 0,
            stamp: CP_STAMP,
        };
        Self { world, cp, state }
    }

    fn outbox(&mut self) -> &mut Outbox {
        self.world.sessions.outbox.as_mut().unwrap()
    }

    fn keep(&mut self, reports: Vec<MadeReport>) {
        let batch = Batch {
            reports,
            ..Batch::default()
        };
        self.outbox().keep(batch, 0);
        let actions = self.world.tick();
        self.exchange(actions);
    }

    /// Carries messages to and fro until there are none.
    fn exchange(&mut self, actions: Vec<Action>) {
        let mut sent: std::collections::VecDeque<_> = sent(&actions).into();
        while let Some((_, bytes)) = sent.pop_front() {
            let under_way = self.world.node.exchanges.len();
            self.cp.most_under_way = self.cp.most_under_way.max(under_way);
            let Some(answer) = self.cp.answer(&bytes) else {
                continue;
            };
            let more = self.world.receive(cp(), &answer);
            sent.extend(super::sent(&more));
        }
    }

    /// Lets time pass, deadline by deadline.
    fn run(&mut self, time: Duration) {
        let end = self.world.now + time;
        while let Some(deadline) = self.world.node.next_deadline().filter(|at| *at <= end) {
            self.world.now = self.world.now.max(deadline);
            let actions = self.world.tick();
            self.exchange(actions);
        }
        self.world.now = end;
    }

    /// The control plane sets the association up, as after a start of its own where the stamp is new.
    fn associate(&mut self) {
        let stamp = self.cp.stamp;
        self.world.next_sequence += 1;
        let setup = setup(self.world.next_sequence, stamp);
        let actions = self.world.receive(cp(), &setup);
        self.exchange(actions);
    }

    /// The agent is killed and starts again.
    fn restart(&mut self) {
        self.world.sessions.outbox = None;
        let (now, config) = (self.world.now, Config::new(our_node(), OUR_STAMP + 1));
        self.world.node = Node::new(config, now);
        self.world.sessions.sessions.clear();
        self.world.sessions.outbox = Some(opened(self.state.path()));
    }

    fn waiting(&mut self) -> u64 {
        self.outbox().figures().waiting
    }
}

impl ControlPlane {
    fn loses(&mut self) -> bool {
        self.is_away || self.random.random_range(0..1000) < self.loss
    }

    fn answer(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        if self.loses() {
            return None;
        }
        let message = read(request);
        let body = match message.body {
            Body::HeartbeatRequest(_) => Body::HeartbeatResponse(heartbeat(self.stamp)),
            Body::SessionReportRequest(report) => {
                self.take(message.seid, &report.usage);
                response(Cause::RequestAccepted)
            }
            _ => return None,
        };
        (!self.loses()).then(|| write(message.sequence, 0, body))
    }

    /// Reports come in order; those that were taken already may come again.
    fn take(&mut self, seid: u64, usage: &[UsageReport]) {
        assert!(!usage.is_empty());
        let taken = self.taken.entry(seid).or_default();
        for report in usage {
            match report.sequence as usize {
                next if next == taken.len() => taken.push(report.sequence),
                old if old < taken.len() => self.repeated += 1,
                early => panic!("{early} of session {seid} comes before {}", taken.len()),
            }
        }
    }

    fn total(&self) -> usize {
        self.taken.values().map(Vec::len).sum()
    }
}

#[test]
fn a_report_that_alone_is_not_answered_does_not_stop_the_others() {
    let mut scene = Scene::new(0, 1);
    scene.keep(vec![made(1, 0)]);
    assert_eq!(scene.waiting(), 0);
    scene.cp.is_away = true;
    scene.keep(vec![made(2, 0)]);
    scene.cp.is_away = false;
    // The peer lives, as the answers to others tell.
    scene.run(seconds(1));
    scene.keep(vec![made(3, 0)]);
    let poisoned = scene.world.node.exchanges.len();
    assert_eq!((poisoned, scene.waiting()), (1, 1));
    scene.cp.is_away = true;
    scene.run(seconds(8) + Duration::from_millis(1));
    scene.cp.is_away = false;
    let figures = scene.outbox().figures();
    assert_eq!(
        (figures.refused, figures.waiting),
        (1, 1),
        "it is held back alone"
    );
    scene.keep(vec![made(4, 0)]);
    assert_eq!(scene.waiting(), 1);
    scene.run(seconds(2));
    assert_eq!(scene.waiting(), 0);
}

#[test]
fn reports_wait_for_a_control_plane_that_is_away_twice() {
    let mut scene = Scene::new(0, 2);
    let reports = |sequence: u32| (1..=300).map(|seid| made(seid, sequence)).collect();
    scene.keep(reports(0));
    assert_eq!((scene.waiting(), scene.cp.total()), (0, 300));
    // Away for a while: the association stays.
    scene.cp.is_away = true;
    scene.keep(reports(1));
    scene.run(seconds(40));
    assert_eq!(scene.waiting(), 300);
    assert_eq!(
        scene.world.node.exchanges.len(),
        0,
        "nothing is sent to nobody"
    );
    scene.keep(reports(2));
    scene.cp.is_away = false;
    scene.run(seconds(11));
    assert_eq!((scene.waiting(), scene.cp.total()), (0, 900));
    // Away for longer: the association goes, with all sessions.
    scene.cp.is_away = true;
    scene.keep(reports(3));
    scene.run(seconds(400));
    assert_eq!(scene.world.node.association_count(), 0);
    assert_eq!(
        (scene.waiting(), scene.world.node.next_deadline()),
        (300, None)
    );
    scene.cp.is_away = false;
    scene.cp.stamp += 1;
    scene.associate();
    assert_eq!((scene.waiting(), scene.cp.total()), (0, 1200));
    let figures = scene.outbox().figures();
    assert_eq!((figures.acknowledged, figures.refused), (1200, 0));
}

/// 100,000 sessions reach a threshold at once.
#[test]
fn a_hundred_thousand_reports_are_out_and_answered_soon() {
    const SESSIONS: u64 = 100_000;
    let mut scene = Scene::new(0, 3);
    let start = Instant::now();
    scene.keep((1..=SESSIONS).map(|seid| made(seid, 0)).collect());
    let took = start.elapsed();
    println!("100,000 reports were kept, sent and acknowledged in {took:?}");
    assert!(took < seconds(60), "{took:?}");
    assert_eq!((scene.waiting(), scene.cp.total()), (0, SESSIONS as usize));
    assert!(scene.cp.most_under_way <= MAX_USAGE_UNDER_WAY);
    assert_eq!(scene.outbox().in_memory(), 0);
    assert_eq!(scene.cp.repeated, 0);
}

#[test]
fn many_reports_come_through_a_network_that_loses_messages_in_bounded_memory() {
    let mut scene = Scene::new(20, 4);
    let reports = (0..5).flat_map(|sequence| (1..=20_000).map(move |seid| made(seid, sequence)));
    scene.keep(reports.collect());
    let begin = scene.world.now;
    while scene.waiting() > 0 {
        assert!(scene.outbox().in_memory() <= 2048 + 16);
        assert!(
            scene.world.now - begin < seconds(120),
            "{}",
            scene.waiting()
        );
        scene.run(seconds(1));
    }
    assert_eq!(scene.cp.total(), 100_000);
    assert!(scene.cp.repeated > 50, "{}", scene.cp.repeated);
    assert_eq!(scene.outbox().figures().acknowledged, 100_000);
}

/// Random reports, losses, absences and restarts on both sides: nothing is lost, and each is acknowledged once; that they
/// come in order is for the control plane to see.
#[test]
fn nothing_is_lost_whatever_happens() {
    for seed in 0..testing::amount(12, 300) {
        let mut scene = Scene::new(100, seed);
        let mut random = StdRng::seed_from_u64(1000 + seed);
        let mut sequences: BTreeMap<u64, u32> = BTreeMap::new();
        let mut acknowledged = 0;
        for _ in 0..60 {
            match random.random_range(0..10) {
                0..5 => {
                    let mut reports = Vec::new();
                    for _ in 0..random.random_range(1..60) {
                        let seid = random.random_range(1..20);
                        let sequence = sequences.entry(seid).or_default();
                        reports.push(made(seid, *sequence));
                        *sequence += 1;
                    }
                    scene.keep(reports);
                }
                5 => scene.cp.is_away = true,
                6 => scene.cp.is_away = false,
                7 => {
                    acknowledged += scene.outbox().figures().acknowledged;
                    scene.restart();
                    scene.associate();
                }
                8 => {
                    scene.cp.stamp += 1;
                    scene.associate();
                }
                _ => scene.run(Duration::from_millis(random.random_range(1..20_000))),
            }
        }
        scene.cp.is_away = false;
        scene.cp.loss = 0;
        scene.associate();
        scene.run(seconds(3600));
        assert_eq!(scene.waiting(), 0, "seed {seed}");
        acknowledged += scene.outbox().figures().acknowledged;
        let expected: BTreeMap<_, Vec<_>> = sequences
            .iter()
            .map(|(seid, count)| (*seid, (0..*count).collect()))
            .collect();
        assert_eq!(scene.cp.taken, expected, "seed {seed}");
        let total: u32 = sequences.values().sum();
        assert_eq!(acknowledged, u64::from(total), "seed {seed}");
        assert_eq!(scene.outbox().figures().given_up, 0);
    }
}
