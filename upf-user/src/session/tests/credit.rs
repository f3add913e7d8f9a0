//! What buckets hold when limits come and change: a session that is new has full ones, for one that has sent already a
//! change shows at once.

use upf_common::abi::{LimitDirection, State};
use upf_common::meter::{self, MIN_DEPTH_NS, Rate, UNUSED};

use super::correlated::{ambr_of, with_ambr};
use super::requests::*;
use super::sims::{bandwidth, customer, limit, of_sim};
use super::world::World;
use crate::bandwidth::{Assignment, Imsi};
use crate::datapath::{Datapath as _, Direction};
use crate::pfcp::ie::BitRates;
use crate::pfcp::message::{SessionModificationRequest, UpdateQer};

const ONE: &str = "001010000000001";
/// Of no customer.
const NINE: &str = "001010000000009";
const NOW_NS: u64 = 5_000_000_000;
const MIN_DEPTH: u64 = meter::ticks(MIN_DEPTH_NS);

fn world() -> World {
    let world = World::with_bandwidth(bandwidth());
    world.tables.with(|tables| tables.set_time(NOW_NS));
    world
}

fn imsi(text: &str) -> Imsi {
    text.parse().unwrap()
}

/// Ticks that are left in a bucket.
fn left(full_at: u64, depth: u64) -> u64 {
    if full_at == UNUSED {
        depth
    } else {
        depth - (full_at - meter::ticks(NOW_NS)).min(depth)
    }
}

fn left_of(half: &LimitDirection) -> u64 {
    left(half.full_at, half.depth)
}

/// The state with the flow's meter.
fn meter_of(world: &World, address: &str) -> State {
    let slot = world.downlink(1, address).meter_slot;
    world
        .tables
        .with(|tables| tables.slot(slot).unwrap().downlink.state)
}

fn chain_of(world: &World, address: &str) -> Vec<LimitDirection> {
    world.chain(&world.downlink(1, address), Direction::Downlink)
}

fn mbr_of(id: u32, kbps: u64) -> SessionModificationRequest {
    let mbr = BitRates {
        uplink_kbps: kbps,
        downlink_kbps: kbps,
    };
    SessionModificationRequest {
        update_qers: vec![UpdateQer {
            id,
            mbr: Some(mbr),
            ..UpdateQer::default()
        }],
        ..SessionModificationRequest::default()
    }
}

#[test]
fn a_session_that_is_new_has_full_buckets() {
    let mut world = world();
    world.established(&with_ambr("10.45.0.1", Some(ONE), 1000));
    let chain = chain_of(&world, "10.45.0.1");
    assert_eq!(chain.len(), 3, "AMBR, SIM, customer");
    for half in &chain {
        assert!(half.ticks_per_byte > 0);
        assert_eq!(left_of(half), half.depth);
    }
    let meter = meter_of(&world, "10.45.0.1");
    assert!(meter.ticks_per_byte > 0);
    assert_eq!(left(meter.full_at, meter.depth), meter.depth);
}

#[test]
fn an_mbr_that_comes_or_changes_under_traffic_shows_at_once() {
    let mut world = world();
    let mut request = of_sim("10.45.0.1", ONE);
    request.create_qers[0].mbr = None;
    let seid = world.established(&request);
    assert_eq!(chain_of(&world, "10.45.0.1").len(), 2);
    // It comes.
    world.modify(seid, &mbr_of(1, 100_000)).unwrap();
    let meter = meter_of(&world, "10.45.0.1");
    let rate = Rate::from_bits_per_second(100_000_000);
    assert_eq!(
        (meter.ticks_per_byte, meter.depth),
        (rate.ticks_per_byte, rate.depth)
    );
    assert_eq!(left(meter.full_at, meter.depth), MIN_DEPTH);
    // It becomes full with time, and slow.
    let later_ns = NOW_NS + 10_000_000_000;
    world.tables.with(|tables| tables.set_time(later_ns));
    world.modify(seid, &mbr_of(1, 1000)).unwrap();
    let meter = meter_of(&world, "10.45.0.1");
    assert_eq!(
        meter.full_at,
        meter::ticks(later_ns) + meter.depth - MIN_DEPTH
    );
    world.check();
}

#[test]
fn a_flow_that_comes_later_begins_nearly_empty() {
    let mut world = world();
    let seid = world.established(&of_sim("10.45.0.1", ONE));
    let flow = dedicated_flow("permit out 17 from 192.0.2.0/24 5060 to assigned");
    world.modify(seid, &flow).unwrap();
    world.check();
    let kept = world.tables.with(|tables| {
        let slots = (0..tables.capacity()).filter_map(|index| tables.slot(index));
        let meters = slots.map(|slot| slot.downlink.state);
        let meters = meters.filter(|state| state.ticks_per_byte > 0);
        meters
            .map(|state| left(state.full_at, state.depth) == state.depth)
            .collect::<Vec<_>>()
    });
    assert_eq!(kept.len(), 2);
    assert!(kept.contains(&true) && kept.contains(&false), "{kept:?}");
}

#[test]
fn an_ambr_that_changes_shows_at_once_and_another_session_changes_nothing() {
    let mut world = world();
    let seid = world.established(&with_ambr("10.45.0.1", Some(ONE), 100_000));
    world.established(&with_ambr("10.45.0.2", Some(ONE), 100_000));
    let ambr = chain_of(&world, "10.45.0.1")[0];
    assert_eq!(left_of(&ambr), ambr.depth);
    world.modify(seid, &ambr_of(1000)).unwrap();
    let ambr = chain_of(&world, "10.45.0.1")[0];
    assert_eq!(left_of(&ambr), MIN_DEPTH);
    // A session that is new with another demand is not alone.
    world.established(&with_ambr("10.45.0.3", Some(ONE), 500));
    let ambr = chain_of(&world, "10.45.0.1")[0];
    assert_eq!(left_of(&ambr), MIN_DEPTH);
    world.check();
}

#[test]
fn a_customer_that_comes_and_a_limit_that_changes_show_at_once() {
    let mut world = world();
    world.established(&of_sim("10.45.0.9", NINE));
    let assignment = Assignment {
        class: None,
        customer: Some(customer("acme")),
    };
    world.sessions.change_sim(imsi(NINE), assignment).unwrap();
    let acme = chain_of(&world, "10.45.0.9")[1];
    assert_eq!(left_of(&acme), MIN_DEPTH);
    // Without a limit, and with one again.
    for (allowed, is_limited) in [(None, false), (Some(limit(1000, 2000)), true)] {
        world
            .sessions
            .change_customer(customer("acme"), allowed)
            .unwrap();
        let acme = chain_of(&world, "10.45.0.9")[1];
        assert_eq!(acme.ticks_per_byte > 0, is_limited);
        assert!(!is_limited || left_of(&acme) == MIN_DEPTH);
    }
    // The next SIM has a full bucket of its own, and what is left of the customer's.
    world.established(&of_sim("10.45.0.1", ONE));
    let [sim, acme] = chain_of(&world, "10.45.0.1")[..] else {
        panic!("a SIM and its customer");
    };
    assert_eq!(left_of(&sim), sim.depth);
    assert_eq!(left_of(&acme), MIN_DEPTH);
    world.check();
}

#[test]
fn sessions_from_before_the_first_customer_have_sent_already() {
    let mut world = World::new();
    world.tables.with(|tables| tables.set_time(NOW_NS));
    world.established(&of_sim("10.45.0.1", ONE));
    world
        .sessions
        .change_customer(customer("acme"), Some(limit(1000, 2000)))
        .unwrap();
    let assignment = Assignment {
        class: None,
        customer: Some(customer("acme")),
    };
    world.sessions.change_sim(imsi(ONE), assignment).unwrap();
    world.sessions.tick(world.now);
    let [sim, acme] = chain_of(&world, "10.45.0.1")[..] else {
        panic!("a SIM and its customer");
    };
    assert_eq!(sim.ticks_per_byte, 0);
    assert_eq!(left_of(&acme), MIN_DEPTH);
}
