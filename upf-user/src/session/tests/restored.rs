//! Sessions of an agent that has died, in the next one: with the slots, TEIDs and UE addresses that they had, and with all that
//! they have counted, whenever the agent dies.

use std::collections::BTreeMap;
use std::time::Duration;

use tempfile::TempDir;

use super::charging::{URR, charged, pass, pass_record, quota, tail, threshold, told};
use super::quota_action::{ACTION, UE, session, to_portal};
use super::random::{self, Author};
use super::requests::*;
use super::world::{CONFIG, Tables, World, config};
use crate::datapath::slots::{Address, Seat, Tunnel};
use crate::datapath::{Account, FormerMaps, MapsId, Reached, SlotIndex, UsageIndex};
use crate::pfcp::ie::{Cause, NodeId, UsageReportTrigger as Why};
use crate::pfcp::message::{SessionDeletionRequest, UsageReport};
use crate::pfcp::service::{SessionService as _, UsageOutcome};
use crate::reports::Outbox;
use crate::session::Restored;
use crate::store::SessionStore;

/// Agents one after the other with one store; each has maps of its own.
struct Agents {
    state: TempDir,
    count: u32,
    /// Maps that are still there.
    former: Vec<FormerMaps<Tables>>,
    world: World,
}

impl Agents {
    fn new(world: World) -> Self {
        let mut agents = Self {
            state: tempfile::tempdir().unwrap(),
            count: 0,
            former: Vec::new(),
            world,
        };
        agents.open_store();
        let (sessions, now) = (&mut agents.world.sessions, agents.world.now);
        let nothing = sessions.restore::<Tables>(&mut [], |_| true, now).unwrap();
        assert_eq!(nothing, Restored::default());
        agents
    }

    fn open_store(&mut self) {
        self.count += 1;
        let store = SessionStore::open(self.state.path()).unwrap();
        let outbox = Outbox::open(store, None, 0).unwrap();
        self.world.sessions.keep_in(outbox, MapsId(self.count));
    }

    /// What was done so far is in the store, as before an answer leaves.
    fn keep(&mut self) {
        self.world.sessions.take_usage_owners();
    }

    /// The agent dies, and another one comes, which restores what there is. The maps of the dead one are left.
    fn die(&mut self, next: World) -> Restored {
        let now = self.world.now + Duration::from_secs(1);
        let mut dead = std::mem::replace(&mut self.world, next);
        dead.sessions.outbox = None;
        self.former.push(FormerMaps {
            maps: MapsId(self.count),
            accounts: dead.tables.clone(),
        });
        self.world.now = now;
        self.world.sessions.config.clock = dead.sessions.config.clock;
        self.world.sessions.bandwidth = dead.sessions.bandwidth;
        self.world.sessions.applications = dead.sessions.applications;
        self.open_store();
        let sessions = &mut self.world.sessions;
        sessions.restore(&mut self.former, |_| true, now).unwrap()
    }

    /// The slot of the UE that the sessions here are of.
    fn slot(&self) -> u32 {
        let slot = self.world.slot_of_address(1, "10.45.0.2".parse().unwrap());
        slot.unwrap().0
    }

    /// The host is started anew, and the maps are gone.
    fn reboot(&mut self, has_association: impl Fn(&NodeId) -> bool) -> Restored {
        let mut dead = std::mem::replace(&mut self.world, World::new());
        dead.sessions.outbox = None;
        self.former.clear();
        self.world.now = dead.now;
        self.world.sessions.config.clock = dead.sessions.config.clock;
        self.open_store();
        let sessions = &mut self.world.sessions;
        let restored = sessions.restore::<Tables>(&mut [], has_association, dead.now);
        restored.unwrap()
    }

    /// No packet goes by the former maps any more.
    fn settle(&mut self) {
        let now = self.world.now;
        self.world.sessions.settle(&self.former, now).unwrap();
        self.former.clear();
    }

    fn ended(&mut self, seid: u64) -> Vec<(u32, u32, [Option<u64>; 2])> {
        let request = SessionDeletionRequest::default();
        let answer = self
            .world
            .sessions
            .delete(&smf(), seid, &request, self.world.now);
        answer
            .outcome
            .unwrap()
            .usage_reports
            .iter()
            .map(told)
            .collect()
    }

    /// Reports that wait for the control plane since they were looked at last.
    fn reports(&mut self) -> Vec<UsageReport> {
        self.keep();
        let sessions = &mut self.world.sessions;
        let mut reports = Vec::new();
        while let Some(request) = sessions.next_usage_request(&smf(), self.world.now) {
            reports.extend(request.report.request.usage.clone());
            let outcome = UsageOutcome::Answered {
                cause: Cause::RequestAccepted,
                cp_seid: None,
            };
            sessions.usage_request_done(request.id, outcome, self.world.now);
        }
        reports
    }
}

/// Without what a new agent may lay out otherwise.
fn seats(world: &World) -> BTreeMap<u64, Vec<Seat>> {
    let of = |(seid, session): (&u64, &crate::session::Session)| {
        let seats = session.seating.seats.iter().map(|seat| Seat {
            tunnel: seat.tunnel.map(|tunnel| Tunnel {
                list: None,
                ..tunnel
            }),
            tunnel_traffic: seat.tunnel_traffic.filter(|_| seat.tunnel.is_some()),
            address: seat.address.map(|address| Address {
                list: None,
                ..address
            }),
            ..*seat
        });
        let mut seats: Vec<_> = seats.collect();
        seats.sort_by_key(|seat| seat.slot);
        (*seid, seats)
    };
    world.sessions.sessions.iter().map(of).collect()
}

#[test]
fn whatever_sessions_there_are_they_are_the_same_afterwards() {
    let mut restored = 0;
    for seed in 0..60 {
        let config = random::config_of(seed);
        let mut agents = Agents::new(World::small(config));
        let mut author = Author::new(seed, agents.world.ntp(Duration::ZERO));
        random::populate(&mut agents.world, &mut author, 12);
        agents.keep();
        let (before, had) = (seats(&agents.world), agents.world.sessions.sessions.clone());
        let outcome = agents.die(World::small(config));
        assert_eq!(outcome.ended, 0, "seed {seed}");
        assert_eq!(seats(&agents.world), before, "seed {seed}");
        for (seid, session) in &agents.world.sessions.sessions {
            let had = &had[seid];
            assert_eq!(
                (&session.owner, session.cp_f_seid),
                (&had.owner, had.cp_f_seid)
            );
            assert_eq!((&session.about, &session.model), (&had.about, &had.model));
        }
        agents.world.check();
        agents.settle();
        agents.world.check();
        restored += outcome.sessions;
    }
    assert!(restored > 30, "{restored}");
}

#[test]
fn what_is_counted_before_between_and_after_is_reported_once() {
    let mut agents = Agents::new(World::new());
    let seid = agents
        .world
        .established(&charged("10.45.0.2", &[threshold(100_000)]));
    agents.keep();
    let slot = agents.slot();
    pass(&agents.world, slot, 1, 2);
    let old = agents.world.tables.clone();
    assert_eq!(agents.die(World::new()).sessions, 1);
    // Until the new program is attached the old maps count on; then the new ones.
    passes(&old, slot, 10, 20);
    pass(&agents.world, slot, 100, 200);
    agents.settle();
    pass(&agents.world, slot, 0, 1);
    assert_eq!(
        agents.ended(seid),
        [(7, Why::TERMR, [Some(111), Some(223)])]
    );
}

#[test]
fn agents_that_die_while_they_take_over_lose_nothing() {
    let mut agents = Agents::new(World::new());
    let seid = agents
        .world
        .established(&charged("10.45.0.2", &[threshold(100_000)]));
    agents.keep();
    let slot = agents.slot();
    let mut all = vec![agents.world.tables.clone()];
    for turn in 0..4 {
        agents.die(World::new());
        all.push(agents.world.tables.clone());
        // Some devices have the new program, some still an old one.
        for (tables, packets) in all.iter().zip(1..) {
            passes(tables, slot, packets, 10 * packets);
        }
        if turn == 2 {
            agents.settle();
            all.drain(..all.len() - 1);
        }
    }
    agents.settle();
    // 2 + 3 + 4 maps with 1 to n packets, then one of two.
    let sums = [1 + 2, 1 + 2 + 3, 1 + 2 + 3 + 4, 1 + 2];
    let up = sums.iter().sum::<u64>();
    assert_eq!(
        agents.ended(seid),
        [(7, Why::TERMR, [Some(up), Some(10 * up)])]
    );
}

#[test]
fn what_was_reported_before_is_not_reported_again() {
    let mut agents = Agents::new(World::new());
    let seid = agents
        .world
        .established(&charged("10.45.0.2", &[threshold(1000)]));
    agents.keep();
    let slot = SlotIndex(agents.slot());
    for round in 0..2 {
        pass(&agents.world, slot.0, 10, 0);
        agents.world.reach(Account::Slot(slot), Reached::Threshold);
        let reports = agents.reports();
        let sequences: Vec<_> = reports.iter().map(|report| report.sequence).collect();
        assert_eq!(sequences, [round]);
        pass(&agents.world, slot.0, 0, 1);
        agents.die(World::new());
        agents.settle();
        assert_eq!(agents.reports(), []);
    }
    pass(&agents.world, slot.0, 1, 0);
    assert_eq!(agents.ended(seid), [(7, Why::TERMR, [Some(1), Some(1)])]);
}

#[test]
fn after_a_reboot_counts_what_was_written_down() {
    let mut agents = Agents::new(World::new());
    let seid = agents
        .world
        .established(&charged("10.45.0.2", &[threshold(100_000)]));
    agents.keep();
    let slot = agents.slot();
    pass(&agents.world, slot, 5, 6);
    assert_eq!(agents.world.sessions.keep_counters(0), Some(seid + 1));
    assert_eq!(agents.world.sessions.keep_counters(seid + 1), None);
    pass(&agents.world, slot, 1, 1);
    let restored = agents.reboot(|_| true);
    assert_eq!((restored.sessions, restored.ended), (1, 0));
    pass(&agents.world, slot, 10, 0);
    assert_eq!(agents.ended(seid), [(7, Why::TERMR, [Some(15), Some(6)])]);
}

#[test]
fn sessions_that_a_power_failure_ends_report_what_was_written_down() {
    let mut agents = Agents::new(World::new());
    agents
        .world
        .established(&charged("10.45.0.2", &[threshold(100_000)]));
    agents.keep();
    pass(&agents.world, agents.slot(), 5, 6);
    agents.world.sessions.keep_counters(0);
    // The numbers of maps begin anew with the host.
    agents.count -= 1;
    let restored = agents.reboot(|_| false);
    assert_eq!((restored.sessions, restored.ended), (0, 1));
    agents.settle();
    let reports: Vec<_> = agents.reports().iter().map(told).collect();
    assert_eq!(reports, [(7, Why::TERMR, [Some(5), Some(6)])]);
}

#[test]
fn a_quota_is_never_granted_twice() {
    let mut agents = Agents::new(World::new());
    agents
        .world
        .established(&charged("10.45.0.2", &[quota(1000)]));
    agents.keep();
    let slot = agents.slot();
    pass(&agents.world, slot, 2, 2);
    let old = agents.world.tables.clone();
    agents.die(World::new());
    let old_quota = old.with(|tables| tables.slot(slot).unwrap().tail.quota);
    // 600 bytes are left, half of them here, half of them there.
    assert_eq!((old_quota, tail(&agents.world, slot).quota), (700, 300));
    passes(&old, slot, 1, 0);
    agents.settle();
    assert_eq!(tail(&agents.world, slot).quota, 500);
    pass(&agents.world, slot, 0, 5);
    let account = Account::Slot(SlotIndex(slot));
    agents
        .world
        .sessions
        .usage_reached(account, Reached::Quota, agents.world.now);
    let reports: Vec<_> = agents.reports().iter().map(told).collect();
    assert_eq!(reports, [(7, Why::VOLQU, [Some(3), Some(7)])]);
}

#[test]
fn a_threshold_that_was_reached_while_no_agent_ran_is_reported() {
    let mut agents = Agents::new(World::new());
    agents
        .world
        .established(&charged("10.45.0.2", &[threshold(1000)]));
    agents.keep();
    pass(&agents.world, agents.slot(), 4, 8);
    agents.die(World::new());
    agents.settle();
    let reports: Vec<_> = agents.reports().iter().map(told).collect();
    assert_eq!(reports, [(7, Why::VOLTH, [Some(4), Some(8)])]);
}

#[test]
fn sessions_that_do_not_fit_any_more_end_with_their_usage() {
    let mut agents = Agents::new(World::new());
    let mut request = charged("10.45.0.2", &[threshold(100_000)]);
    agents.world.established(&request);
    request = charged("10.45.0.3", &[threshold(100_000)]);
    agents.world.established(&request);
    agents.keep();
    pass(&agents.world, agents.slot(), 4, 8);
    // What was network instance 1 is another one now.
    let other = config(&CONFIG.replace("\"internet\"", "\"other\""));
    let outcome = agents.die(World::small(&other));
    assert_eq!((outcome.sessions, outcome.ended), (0, 2));
    agents.settle();
    let mut reports: Vec<_> = agents.reports().iter().map(told).collect();
    reports.sort_unstable();
    assert_eq!(
        reports,
        [
            (7, Why::TERMR, [Some(0), Some(0)]),
            (7, Why::TERMR, [Some(4), Some(8)]),
        ]
    );
    // It is over: another start finds nothing.
    assert_eq!(agents.die(World::small(&other)), Restored::default());
}
/// Packets of 100 bytes pass a slot of those tables.
fn passes(tables: &Tables, slot: u32, uplink: u64, downlink: u64) {
    tables.with(|tables| {
        let slot = tables.slot_mut(slot).unwrap();
        for (half, packets) in [(&mut slot.uplink, uplink), (&mut slot.downlink, downlink)] {
            half.state.packets += packets;
            half.state.bytes += 100 * packets;
        }
    });
}

#[test]
fn what_is_beyond_a_quota_goes_as_its_far_says_afterwards() {
    let mut agents = Agents::new(World::new());
    let seid = agents.world.established(&session(to_portal(ACTION)));
    let record = agents.world.record_of(&agents.world.downlink(1, UE));
    pass_record(&agents.world, record, 2, 3);
    let used_up = Account::Record(UsageIndex(record));
    agents.world.reach(used_up, Reached::Quota);
    agents.keep();
    agents.die(World::new());
    agents.settle();
    let world = &agents.world;
    let rules = world.downlink(1, UE);
    assert!(world.beyond(&rules).is_some());
    let record = world.record_of(&rules);
    assert!(world.has_action(record));
    let tail = world
        .tables
        .with(|tables| tables.usage(record).unwrap().tail);
    assert_eq!(tail.quota, 0);
    agents.world.check();
    assert_eq!(agents.ended(seid), [(URR, Why::TERMR, [Some(0), Some(0)])]);
}
