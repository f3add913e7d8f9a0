//! What the fast path tells of quotas may come late, or be of a packet that was on its way while one was granted.

use upf_common::abi::usage_flags;

use super::charging::{URR, charged, pass, quota, refill, tail, told};
use super::world::World;
use crate::datapath::{Account, Reached, SlotIndex};
use crate::pfcp::ie::UsageReportTrigger as Why;

fn session(bytes: u64) -> (World, u64, SlotIndex) {
    let mut world = World::new();
    let seid = world.established(&charged("10.45.0.2", &[quota(bytes)]));
    let slot = world.slot_of_address(1, "10.45.0.2".parse().unwrap());
    (world, seid, slot.unwrap())
}

/// A packet finds the quota used up or too small, and tells.
fn meets_its_end(world: &mut World, slot: SlotIndex) {
    world.tables.with(|tables| {
        tables.slot_mut(slot.0).unwrap().tail.word |= usage_flags::EXHAUSTED;
    });
    world.reach(Account::Slot(slot), Reached::Quota);
}

#[test]
fn a_rest_that_is_too_small_for_a_packet_counts_as_used() {
    let (mut world, _, slot) = session(550);
    pass(&world, slot.0, 5, 0);
    meets_its_end(&mut world, slot);
    let reports: Vec<_> = world.reported().iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::VOLQU, [Some(5), Some(0)])]);
    assert_eq!(tail(&world, slot.0).quota, 0);
}

#[test]
fn what_is_told_late_of_a_quota_ends_no_other() {
    let (mut world, seid, slot) = session(500);
    pass(&world, slot.0, 5, 0);
    meets_its_end(&mut world, slot);
    assert_eq!(world.reported().len(), 1);
    assert_eq!(world.changed(seid, &refill(300)), []);
    world.reach(Account::Slot(slot), Reached::Quota);
    assert_eq!(world.reported(), []);
    assert_eq!(tail(&world, slot.0).quota, 800);
    pass(&world, slot.0, 3, 0);
    world.reach(Account::Slot(slot), Reached::Quota);
    let reports: Vec<_> = world.reported().iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::VOLQU, [Some(3), Some(0)])]);
}

#[test]
fn a_quota_that_a_late_packet_has_stopped_goes_on() {
    let (mut world, seid, slot) = session(500);
    pass(&world, slot.0, 5, 0);
    meets_its_end(&mut world, slot);
    assert_eq!(world.reported().len(), 1);
    assert_eq!(world.changed(seid, &refill(1_000_000)), []);
    // More is left than any packet needs.
    meets_its_end(&mut world, slot);
    assert_eq!(world.reported(), []);
    let tail = tail(&world, slot.0);
    assert_eq!(tail.quota, 1_000_500);
    assert_eq!(tail.word & usage_flags::EXHAUSTED, 0);
}
