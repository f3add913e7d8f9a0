//! What those see who look.

use super::script::settings;
use super::world::{BEGIN, World};
use crate::usage::{Count, Left, Millis, Standing};

fn world(urr: &str) -> World {
    let mut world = World::default();
    world.create(&settings(urr));
    world
}

/// The one URR; to look changes nothing.
fn look(world: &World) -> Standing {
    let before = world.usage.clone();
    let totals = |id| world.totals.get(&id).copied().unwrap_or_default();
    let mut standings = world.usage.standings(world.now, &totals);
    assert_eq!((standings.len(), &world.usage), (1, &before));
    standings.remove(0)
}

fn at(seconds: u64) -> Millis {
    BEGIN.after(1000 * seconds)
}

fn packets(packets: u64, bytes: u64) -> Count {
    Count { packets, bytes }
}

fn left(of: u64, left: u64) -> Option<Left> {
    Some(Left { of, left })
}

#[test]
fn what_passes_is_seen_before_it_is_reported() {
    let mut world = world("VOLUM VOLTH VOLQU vth=1000 vqu=5000");
    let new = Standing {
        id: 1,
        method: 2,
        began: BEGIN,
        reported_until: BEGIN,
        ..look(&world)
    };
    assert_eq!(look(&world), new);
    assert_eq!((new.last_sequence, new.last_packet), (None, None));
    world.run("1 up 300");
    world.run("2 down 400");
    let seen = look(&world);
    assert_eq!(seen.counted, [packets(1, 300), packets(1, 400)]);
    assert_eq!(seen.unreported, seen.counted);
    assert_eq!(seen.last_packet, Some(at(2)));
    assert_eq!(seen.thresholds.bytes, [left(1000, 300), None, None]);
    assert_eq!(seen.quotas.bytes, [left(5000, 4300), None, None]);
    assert_eq!(seen.unreported_millis, None, "time is not measured");

    assert_eq!(world.run("3 up 300").len(), 1);
    let seen = look(&world);
    assert_eq!(seen.counted, [packets(2, 600), packets(1, 400)]);
    assert_eq!(seen.unreported, [Count::default(); 2]);
    assert_eq!((seen.began, seen.reported_until), (BEGIN, at(3)));
    assert_eq!(seen.last_sequence, Some(0));
    assert_eq!(seen.thresholds.bytes[0], left(1000, 1000));
    assert_eq!(seen.quotas.bytes[0], left(5000, 4000));
    assert!(!seen.is_stopped);
}

#[test]
fn a_quota_that_is_used_up_or_over_is_seen_to_stop_traffic() {
    let mut world = world("VOLUM VOLQU QUVTI vqu=500 valid=60");
    assert_eq!(look(&world).quotas_expire, Some(at(60)));
    world.run("1 up 500");
    let seen = look(&world);
    assert_eq!(
        (seen.quotas.bytes[0], seen.is_stopped),
        (left(500, 0), true)
    );
    world.run("2 update vqu=500 valid=60");
    let seen = look(&world);
    assert_eq!(
        (seen.quotas.bytes[0], seen.is_stopped),
        (left(500, 500), false)
    );
    world.run("62 ");
    assert!(look(&world).is_stopped);
}

#[test]
fn time_and_the_parts_of_monitoring_times_are_in_what_is_not_reported() {
    let mut world = world("VOLUM DURAT ISTM TIMTH tth=100 mon=10");
    world.run("5 up 100");
    world.run("20 up 100");
    let seen = look(&world);
    assert_eq!(seen.unreported[0], packets(2, 200));
    assert_eq!(seen.reported_until, BEGIN, "also what was before the time");
    assert_eq!(seen.unreported_millis, Some(20_000));
    assert_eq!(seen.thresholds.millis.unwrap().left, 80_000);
}
