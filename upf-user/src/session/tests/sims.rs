//! Limits of SIMs and customers: which records there are, how they hang together, and what changes of classes and
//! customers write.

use std::collections::BTreeSet;
use std::time::Duration;

use upf_common::abi::{Limit, LimitDirection, NO_CLASS, NO_LIMIT, NO_METER, level, limit_flags};
use upf_common::meter::{self, Rate, UNUSED};

use super::correlated::with_ambr;
use super::requests::*;
use super::world::World;
use crate::bandwidth::{
    Assignment, Bandwidth, ClassId, CustomerId, CustomerRule, Imsi, SpeedClass, SpeedLimit,
};
use crate::datapath::chaos::Chaos;
use crate::datapath::{DatapathError, Direction, LimitIndex};
use crate::pfcp::ie::{BitRates, Cause, NodeId, PacketRate, UserId};
use crate::pfcp::message::SessionEstablishmentRequest;
use crate::pfcp::service::SessionService;

const ONE: &str = "001010000000001";
const TWO: &str = "001010000000002";
/// Of no customer.
const NINE: &str = "001010000000009";
const SLOW: ClassId = ClassId(1);
const FAST: ClassId = ClassId(2);
const NOW_NS: u64 = 5_000_000_000;

pub(super) fn limit(uplink_kbps: u64, downlink_kbps: u64) -> SpeedLimit {
    SpeedLimit {
        uplink_bps: Some(uplink_kbps * 1000),
        downlink_bps: Some(downlink_kbps * 1000),
        depth: Duration::from_millis(50),
        ecn: true,
    }
}

pub(super) fn customer(name: &str) -> CustomerId {
    CustomerId(name.into())
}

/// Two classes, the first is everybody's; one customer has the first SIMs, another one those of a DNN.
pub(super) fn bandwidth() -> Bandwidth {
    let class = |name: &str, limit| SpeedClass {
        name: name.into(),
        limit,
    };
    let rule = |name, imsis, dnn: Option<&str>| CustomerRule {
        customer: customer(name),
        imsis,
        dnn: dnn.map(Box::from),
    };
    let range = (ONE.parse().unwrap(), "001010000000005".parse().unwrap());
    Bandwidth::of(
        vec![
            class("s1.slow", limit(128, 256)),
            class("s2.fast", limit(10_000, 50_000)),
        ],
        vec![
            (customer("acme"), Some(limit(100_000, 200_000))),
            (customer("lab"), None),
        ],
        vec![
            rule("acme", Some(range), None),
            rule("lab", None, Some("lab.net")),
        ],
    )
}

/// A session of a SIM.
pub(super) fn of_sim(address: &str, imsi: &str) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some(address), None));
    request.user_id = Some(UserId::of_imsi(imsi));
    request
}

fn imsi(text: &str) -> Imsi {
    text.parse().unwrap()
}

fn class(class: ClassId) -> Assignment {
    Assignment {
        class: Some(class),
        customer: None,
    }
}

fn of_customer(name: &str) -> Assignment {
    Assignment {
        class: None,
        customer: Some(customer(name)),
    }
}

impl World {
    fn sim_index(&self, text: &str) -> LimitIndex {
        self.sessions.books.sim(imsi(text)).unwrap().index
    }

    fn sim_record(&self, text: &str) -> Limit {
        self.record(self.sim_index(text))
    }

    fn customer_index(&self, name: &str) -> LimitIndex {
        self.sessions.books.customer(&customer(name)).unwrap().index
    }
}

/// The same but for the bucket and what it has counted.
fn assert_demands(half: &LimitDirection, kbps: u64, of_level: u8, class: u16) {
    let rate = Rate::with_depth(kbps * 1000, 50_000_000);
    let found = (half.ticks_per_byte, half.depth, half.level, half.class);
    assert_eq!(found, (rate.ticks_per_byte, rate.depth, of_level, class));
    assert_eq!(half.flags, limit_flags::MARK);
}

#[test]
fn a_sim_has_its_class_and_its_customer_behind_it() {
    let mut world = World::with_bandwidth(bandwidth());
    world.established(&of_sim("10.45.0.1", ONE));
    world.check();
    let rules = world.downlink(1, "10.45.0.1");
    assert_ne!(rules.meter_slot, NO_METER);
    assert_eq!(rules.limit, world.sim_index(ONE).0);
    for (direction, sim, acme) in [
        (Direction::Uplink, 128, 100_000),
        (Direction::Downlink, 256, 200_000),
    ] {
        let chain = world.chain(&rules, direction);
        assert_eq!(chain.len(), 2);
        assert_demands(&chain[0], sim, level::SIM, SLOW.0);
        assert_demands(&chain[1], acme, level::CUSTOMER, NO_CLASS);
    }
    // What has no IMSI, or something else there, has no SIM.
    for (address, imsi) in [("10.45.0.2", None), ("10.45.0.3", Some("imsi-1"))] {
        let mut request = of_sim(address, ONE);
        request.user_id = imsi.map(UserId::of_imsi);
        world.established(&request);
        assert_eq!(world.downlink(1, address).limit, NO_LIMIT);
    }
    assert_eq!(world.sessions.books.used_limits(), 2);
    world.check();
}

#[test]
fn without_classes_and_customers_nothing_is_taken() {
    let mut world = World::new();
    world.established(&of_sim("10.45.0.1", ONE));
    assert_eq!(world.downlink(1, "10.45.0.1").limit, NO_LIMIT);
    assert_eq!(world.sessions.books.used_limits(), 0);
    let shown = world.sessions.sim(imsi(ONE)).unwrap();
    assert_eq!((shown.class_source, shown.sessions.len()), ("none", 1));
    world.check();
}

#[test]
fn a_sim_of_two_control_planes_has_one_limit() {
    let mut world = World::with_bandwidth(bandwidth());
    let first = world.established(&of_sim("10.45.0.1", ONE));
    let other = NodeId::Address([10, 100, 0, 9].into());
    let request = of_sim("10.45.0.2", ONE);
    let second = world
        .sessions
        .establish(&other, 0, &request, world.now)
        .unwrap();
    world.established(&of_sim("10.45.0.3", TWO));
    world.check();
    let index = |address| world.downlink(1, address).limit;
    assert_eq!(index("10.45.0.1"), index("10.45.0.2"));
    assert_ne!(index("10.45.0.1"), index("10.45.0.3"));
    let sim = world.sessions.books.sim(imsi(ONE)).unwrap();
    let seids = BTreeSet::from([first, second.up_f_seid.seid]);
    assert_eq!(sim.sessions, seids);
    let acme = world.sessions.books.customer(&customer("acme")).unwrap();
    assert_eq!(acme.sims, 2);
    world.sessions.delete_all(&other, world.now);
    world.drain();
    world.check();
    world.sessions.delete_all(&smf(), world.now);
    world.drain();
    world.check();
    assert_eq!(world.sessions.books.used_limits(), 0);
}

#[test]
fn a_supi_names_the_sim_too() {
    let mut world = World::with_bandwidth(bandwidth());
    world.established(&of_sim("10.45.0.1", ONE));
    let mut request = of_sim("10.45.0.2", ONE);
    request.user_id = Some(UserId {
        supi: Some(format!("imsi-{ONE}")),
        ..UserId::default()
    });
    world.established(&request);
    request = of_sim("10.45.0.3", ONE);
    request.user_id = Some(UserId {
        supi: Some(format!("nai-{ONE}")),
        ..UserId::default()
    });
    world.established(&request);
    world.check();
    let limit = |address| world.downlink(1, address).limit;
    assert_eq!(limit("10.45.0.1"), limit("10.45.0.2"));
    assert_eq!(limit("10.45.0.3"), NO_LIMIT);
}

#[test]
fn a_change_of_class_writes_the_sims_record_and_nothing_else() {
    let mut world = World::with_bandwidth(bandwidth());
    for n in 1..=3 {
        world.established(&of_sim(&format!("10.45.0.{n}"), ONE));
    }
    world.established(&of_sim("10.45.0.9", TWO));
    let index = world.sim_index(ONE);
    // What is counted goes on.
    world.tables.with(|tables| {
        tables.set_time(NOW_NS);
        tables.limit_mut(index.0).unwrap().uplink.dropped_packets = 8;
    });
    let before = world.tables.with(|tables| tables.clone());
    world.sessions.change_sim(imsi(ONE), class(FAST)).unwrap();
    world.check();
    let record = world.sim_record(ONE);
    assert_demands(&record.uplink, 10_000, level::SIM, FAST.0);
    assert_demands(&record.downlink, 50_000, level::SIM, FAST.0);
    assert_eq!(record.uplink.dropped_packets, 8);
    // The full bucket of the slow class had 18,000 bytes.
    let used = record.uplink.full_at - meter::ticks(NOW_NS);
    let bytes = meter::cost_bounded(18_000, record.uplink.ticks_per_byte);
    assert!((record.uplink.depth - used).abs_diff(bytes) < 100);
    let old = *before.limit(index.0).unwrap();
    let mut after = world.tables.with(|tables| tables.clone());
    *after.limit_mut(index.0).unwrap() = old;
    assert!(
        after == before,
        "not even the versions of rules have changed"
    );
    // Twice is as good as once, and without an assignment it is as the config says.
    world.sessions.change_sim(imsi(ONE), class(FAST)).unwrap();
    world
        .sessions
        .change_sim(imsi(ONE), Assignment::default())
        .unwrap();
    world.check();
    let mut after = world.tables.with(|tables| tables.clone());
    let record = after.limit_mut(index.0).unwrap();
    for half in [&mut record.uplink, &mut record.downlink] {
        assert_ne!(half.full_at, UNUSED, "20 ms are left of a full bucket");
        half.full_at = UNUSED;
    }
    assert!(after == before);
}

#[test]
fn what_a_sim_was_given_counts_when_it_comes() {
    let mut world = World::with_bandwidth(bandwidth());
    let given = Assignment {
        class: Some(FAST),
        customer: Some(customer("lab")),
    };
    world.sessions.change_sim(imsi(ONE), given).unwrap();
    world.established(&of_sim("10.45.0.1", ONE));
    world.check();
    let chain = world.chain(&world.downlink(1, "10.45.0.1"), Direction::Downlink);
    assert_demands(&chain[0], 50_000, level::SIM, FAST.0);
    // A customer without a limit lets everything pass.
    let lab = &chain[1];
    assert_eq!((lab.level, lab.ticks_per_byte), (level::CUSTOMER, 0));
}

#[test]
fn the_config_finds_a_customer_by_imsi_dnn_and_network_instance() {
    let mut bandwidth = bandwidth();
    let internet = CustomerRule {
        customer: customer("lab"),
        imsis: None,
        dnn: Some("Internet".into()),
    };
    let customers = vec![(customer("acme"), None), (customer("lab"), None)];
    let mut world = World::with_bandwidth(bandwidth.clone());
    let mut request = of_sim("10.45.0.1", NINE);
    request.dnn = Some("LAB.net".to_owned());
    world.established(&request);
    world.established(&of_sim("10.45.0.2", ONE));
    request = of_sim("10.45.0.3", "001010000000008");
    request.dnn = Some("elsewhere".to_owned());
    world.established(&request);
    let of = |world: &World, text| {
        world
            .sessions
            .books
            .sim(imsi(text))
            .unwrap()
            .customer
            .clone()
    };
    assert_eq!(of(&world, NINE), Some(customer("lab")));
    assert_eq!(of(&world, ONE), Some(customer("acme")));
    assert_eq!(of(&world, "001010000000008"), None);
    world.check();
    bandwidth = Bandwidth::of(Vec::new(), customers, vec![internet]);
    let mut world = World::with_bandwidth(bandwidth);
    world.established(&of_sim("10.45.0.1", NINE));
    assert_eq!(of(&world, NINE), Some(customer("lab")));
    world.check();
}

#[test]
fn a_customers_limit_is_that_of_all_its_sims() {
    let mut world = World::with_bandwidth(bandwidth());
    for n in 1..=4 {
        let sim = format!("00101000000000{n}");
        world.established(&of_sim(&format!("10.45.0.{n}"), &sim));
    }
    let index = world.customer_index("acme");
    let before = world.tables.with(|tables| tables.clone());
    let new = Some(limit(5000, 6000));
    world
        .sessions
        .change_customer(customer("acme"), new)
        .unwrap();
    world.check();
    let record = world.record(index);
    assert_demands(&record.uplink, 5000, level::CUSTOMER, NO_CLASS);
    assert_demands(&record.downlink, 6000, level::CUSTOMER, NO_CLASS);
    let mut after = world.tables.with(|tables| tables.clone());
    *after.limit_mut(index.0).unwrap() = *before.limit(index.0).unwrap();
    assert!(after == before);
    world
        .sessions
        .change_customer(customer("acme"), None)
        .unwrap();
    assert_eq!(world.record(index).uplink.ticks_per_byte, 0);
    // One that has no SIMs yet takes no record.
    let used = world.sessions.books.used_limits();
    world
        .sessions
        .change_customer(customer("new"), Some(limit(1, 1)))
        .unwrap();
    assert_eq!(world.sessions.books.used_limits(), used);
    world.check();
}

#[test]
fn a_sim_moves_to_another_customer_and_back() {
    let mut world = World::with_bandwidth(bandwidth());
    let first = world.established(&of_sim("10.45.0.1", ONE));
    world.established(&of_sim("10.45.0.2", TWO));
    let acme = world.customer_index("acme");
    world
        .sessions
        .change_sim(imsi(ONE), of_customer("lab"))
        .unwrap();
    world.check();
    let lab = world.customer_index("lab");
    assert_ne!(lab, acme);
    assert_eq!(world.sim_record(ONE).uplink.parent, lab.0);
    assert_eq!(world.sim_record(TWO).uplink.parent, acme.0);
    // The last SIM takes the record away with it.
    world
        .sessions
        .change_sim(imsi(TWO), of_customer("lab"))
        .unwrap();
    world.check();
    assert!(world.sessions.books.customer(&customer("acme")).is_none());
    for sim in [ONE, TWO] {
        world
            .sessions
            .change_sim(imsi(sim), Assignment::default())
            .unwrap();
        world.check();
    }
    assert!(world.sessions.books.customer(&customer("lab")).is_none());
    world.delete(first).unwrap();
    world.check();
    let acme = world.sessions.books.customer(&customer("acme")).unwrap();
    assert_eq!(acme.sims, 1);
}

#[test]
fn a_change_is_whole_or_not_at_all() {
    type Change = fn(&mut World) -> Result<(), DatapathError>;
    let changes: [Change; 4] = [
        |world| world.sessions.change_sim(imsi(ONE), class(FAST)),
        |world| {
            let assignment = Assignment {
                class: Some(FAST),
                customer: Some(customer("lab")),
            };
            world.sessions.change_sim(imsi(ONE), assignment)
        },
        |world| world.sessions.change_sim(imsi(NINE), of_customer("acme")),
        |world| {
            world
                .sessions
                .change_customer(customer("acme"), Some(limit(1, 2)))
        },
    ];
    for change in changes {
        let mut failed = 0;
        for nth in 0.. {
            let mut world = World::with_bandwidth(bandwidth());
            world.established(&of_sim("10.45.0.1", ONE));
            world.established(&of_sim("10.45.0.2", NINE));
            let before = world.state();
            for chaos in [Chaos::Nth(nth), Chaos::From(nth)] {
                world.tables.set(chaos);
                let outcome = change(&mut world);
                world.settle();
                if outcome.is_err() {
                    failed += 1;
                    assert_eq!(world.state(), before, "write {nth}");
                }
                world.check();
            }
            if world.state() != before {
                break;
            }
        }
        assert!(failed >= 4, "{failed}");
    }
}

#[test]
fn sessions_from_before_the_first_customer_come_under_it() {
    let mut world = World::new();
    for n in 1..=3 {
        world.established(&with_ambr(&format!("10.45.0.{n}"), Some(ONE), 1000));
    }
    world.established(&of_sim("10.45.0.9", NINE));
    let ambr = world.downlink(1, "10.45.0.1").limit;
    let first = *world.sessions.sessions.keys().next().unwrap();
    world.sessions.tick_portion.sessions = 1;
    world
        .sessions
        .change_customer(customer("acme"), Some(limit(10, 20)))
        .unwrap();
    let assignment = of_customer("acme");
    world.sessions.change_sim(imsi(ONE), assignment).unwrap();
    let mut ticks = 0;
    while world
        .sessions
        .next_deadline()
        .is_some_and(|due| due <= world.now)
    {
        world.sessions.tick(world.now);
        world.check();
        // The first one that has come goes again: the way to its SIM is no way for the others any more.
        if ticks == 0 && world.sessions.books.sim(imsi(ONE)).is_some() {
            world.delete(first).unwrap();
            world.check();
        }
        ticks += 1;
    }
    assert!(ticks > 3, "{ticks}");
    let sim = world.sessions.books.sim(imsi(ONE)).unwrap();
    let seid = *sim.sessions.first().unwrap();
    let address = world
        .sessions
        .view(seid)
        .unwrap()
        .ue_addresses
        .swap_remove(0);
    let rules = world.downlink(1, &address);
    assert_eq!(rules.limit, ambr);
    let levels: Vec<_> = world
        .chain(&rules, Direction::Uplink)
        .iter()
        .map(|limit| limit.level)
        .collect();
    assert_eq!(levels, [level::SESSION, level::SIM, level::CUSTOMER]);
    assert_eq!(
        world.downlink(1, "10.45.0.9").limit,
        world.sim_index(NINE).0
    );
}

/// Every combination of what a chain may have: guarantee, packet rate, AMBR, SIM and customer, in this order.
#[test]
fn chains_of_every_combination() {
    for bits in 0..32_u32 {
        let has = |bit: u32| bits & 1 << bit != 0;
        let [has_gbr, has_packets, has_ambr, has_sim, has_customer] = [0, 1, 2, 3, 4].map(has);
        let mut world = if has_sim {
            World::with_bandwidth(bandwidth())
        } else {
            World::new()
        };
        let imsi = if has_customer { ONE } else { NINE };
        let mut request = if has_ambr {
            with_ambr("10.45.0.1", Some(imsi), 1000)
        } else {
            of_sim("10.45.0.1", imsi)
        };
        let qer = &mut request.create_qers[0];
        qer.mbr = Some(BitRates {
            uplink_kbps: 5000,
            downlink_kbps: 5000,
        });
        qer.gbr = has_gbr.then_some(BitRates {
            uplink_kbps: 100,
            downlink_kbps: 200,
        });
        qer.packet_rate = has_packets.then_some(PacketRate {
            uplink: Some((0, 60)),
            downlink: Some((0, 120)),
            additional: None,
        });
        world.established(&request);
        world.check();
        // A guarantee is one against the SIM's other packets.
        let expected: Vec<_> = [
            (has_gbr && has_sim, level::FLOW, limit_flags::GUARANTEE),
            (has_packets, level::FLOW, limit_flags::PACKETS),
            (has_ambr, level::SESSION, limit_flags::MARK),
            (has_sim, level::SIM, limit_flags::MARK),
            (has_sim && has_customer, level::CUSTOMER, limit_flags::MARK),
        ]
        .into_iter()
        .filter_map(|(is_there, level, flags)| is_there.then_some((level, flags)))
        .collect();
        let rules = world.downlink(1, "10.45.0.1");
        assert_ne!(rules.meter_slot, NO_METER);
        for direction in [Direction::Uplink, Direction::Downlink] {
            let chain = world.chain(&rules, direction);
            let found: Vec<_> = chain.iter().map(|half| (half.level, half.flags)).collect();
            assert_eq!(found, expected, "{bits:05b}");
        }
        let down = world.chain(&rules, Direction::Downlink);
        for half in down {
            let per_byte = |kbps: u64| Rate::from_bits_per_second(kbps * 1000).ticks_per_byte;
            let ticks = match half.flags {
                limit_flags::GUARANTEE => per_byte(200),
                limit_flags::PACKETS => 500_000_000 / 1024,
                _ if half.level == level::SESSION => per_byte(2000),
                _ if half.level == level::SIM => per_byte(256),
                _ => per_byte(200_000),
            };
            assert_eq!(half.ticks_per_byte, ticks);
        }
    }
}

#[test]
fn when_records_run_out_a_session_is_refused() {
    // As many records as slots, and two for each session.
    let mut config = super::world::config(super::world::CONFIG);
    config.bandwidth = bandwidth();
    let mut world = World::small(&config);
    let mut established = 0;
    let refusal = loop {
        let sim = format!("0010100001{established:05}");
        let request = with_ambr(&format!("10.45.1.{established}"), Some(&sim), 1000);
        let before = world.state();
        match world.establish(&request) {
            Ok(_) => established += 1,
            Err(refusal) => {
                assert_eq!(world.state(), before);
                break refusal;
            }
        }
    };
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert_eq!(established, 6);
    assert_eq!(world.sessions.load_percent(), 100);
    world.check();
    // A customer finds no record either, and the SIM stays where it is.
    let before = world.state();
    let sim = imsi("001010000100000");
    assert!(world.sessions.change_sim(sim, of_customer("acme")).is_err());
    assert_eq!(world.state(), before);
}

#[test]
fn a_sim_is_shown_with_all_its_levels() {
    let mut world = World::with_bandwidth(bandwidth());
    let seid = world.established(&with_ambr("10.45.0.1", Some(ONE), 64));
    world.tables.with(|tables| {
        let index = world.sessions.books.sim(imsi(ONE)).unwrap().index;
        tables.limit_mut(index.0).unwrap().uplink.marked_packets = 5;
    });
    let view = world.sessions.sim(imsi(ONE)).unwrap();
    assert_eq!(
        (view.class.as_deref(), view.class_source),
        (Some("s1.slow"), "default")
    );
    assert_eq!(
        (view.customer.as_deref(), view.customer_source),
        (Some("acme"), "rule")
    );
    assert_eq!(view.sessions, [seid]);
    let rates = |levels: &[crate::session::LevelView]| -> Vec<_> {
        levels
            .iter()
            .map(|level| (level.level, level.rate_bps))
            .collect()
    };
    let (flow, ambr) = (1_000_000_000, 64_000);
    assert_eq!(
        rates(&view.uplink.levels),
        [
            ("flow", Some(flow)),
            ("session", Some(ambr)),
            ("sim", Some(128_000)),
            ("customer", Some(100_000_000)),
        ]
    );
    assert_eq!(
        (view.uplink.rate_bps, view.uplink.decided_by),
        (Some(ambr), "session")
    );
    assert_eq!(view.uplink.levels[2].done.marked_packets, 5);
    world
        .sessions
        .change_sim(imsi(ONE), of_customer("lab"))
        .unwrap();
    let view = world.sessions.sim(imsi(ONE)).unwrap();
    assert_eq!(
        (view.customer.as_deref(), view.customer_source),
        (Some("lab"), "assigned")
    );
    let acme = world.sessions.customer(&customer("acme")).unwrap();
    assert_eq!((acme.sims, acme.uplink_bps), (0, Some(100_000_000)));
    assert_eq!(world.sessions.bandwidth().customers_after(None, 9).len(), 2);
    assert_eq!(world.sessions.customer(&customer("nobody")), None);
    // One that was given something is known before it comes.
    world.sessions.change_sim(imsi(NINE), class(FAST)).unwrap();
    let view = world.sessions.sim(imsi(NINE)).unwrap();
    assert_eq!(
        (view.class.as_deref(), view.class_source),
        (Some("s2.fast"), "assigned")
    );
    assert_eq!(
        (view.uplink.rate_bps, view.uplink.decided_by),
        (Some(10_000_000), "sim")
    );
    assert!(view.sessions.is_empty());
    assert_eq!(world.sessions.sim(imsi("001019999999999")), None);
}

#[test]
fn a_session_is_shown_with_its_limits_by_level() {
    let mut world = World::with_bandwidth(bandwidth());
    let mut request = with_ambr("10.45.0.1", Some(ONE), 64);
    request.create_qers[0].gbr = Some(BitRates {
        uplink_kbps: 10,
        downlink_kbps: 0,
    });
    let seid = world.established(&request);
    let limits = world.sessions.view(seid).unwrap().limits.unwrap();
    let uplink: Vec<_> = limits
        .iter()
        .filter(|limit| limit.direction == "uplink")
        .map(|limit| (limit.level, limit.kind, &*limit.name, limit.rate_bps))
        .collect();
    assert_eq!(
        uplink,
        [
            ("flow", "mbr", "1", Some(1_000_000_000)),
            ("flow", "gbr", "1", Some(10_000)),
            ("session", "mbr", "77", Some(64_000)),
            ("sim", "class", "s1.slow", Some(128_000)),
            ("customer", "customer", "acme", Some(100_000_000)),
        ]
    );
    assert_eq!(world.sessions.list(None, 9)[0].limits, None);
}
