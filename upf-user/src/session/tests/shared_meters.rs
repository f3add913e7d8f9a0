//! QER Correlation ID: limits over several PDRs and sessions of a UE (TS 29.244 clause 5.4.4).

use upf_common::abi::NO_METER;
use upf_common::meter::Rate;

use super::requests::*;
use super::world::World;
use crate::datapath::{Direction, SlotIndex};
use crate::pfcp::ie::{BitRates, Cause, FailedRule, NodeId, UserId};
use crate::pfcp::message::{SessionEstablishmentRequest, SessionModificationRequest, UpdateQer};
use crate::pfcp::service::SessionService;

pub(super) const AMBR: u32 = 9;

/// A session with a limit of its own, and one for all sessions of the subscriber.
pub(super) fn with_ambr(
    address: &str,
    imsi: Option<&str>,
    kbps: u64,
) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some(address), None));
    request.user_id = imsi.map(UserId::of_imsi);
    let mut ambr = qer(AMBR, Some(kbps), None);
    ambr.correlation_id = Some(77);
    request.create_qers.push(ambr);
    for pdr in &mut request.create_pdrs[..2] {
        pdr.qer_ids.push(AMBR);
    }
    request
}

pub(super) fn ambr_of(kbps: u64) -> SessionModificationRequest {
    let update = UpdateQer {
        id: AMBR,
        mbr: Some(BitRates {
            uplink_kbps: kbps,
            downlink_kbps: 2 * kbps,
        }),
        ..UpdateQer::default()
    };
    SessionModificationRequest {
        update_qers: vec![update],
        ..SessionModificationRequest::default()
    }
}

impl World {
    fn shared_slot(&self, address: &str) -> u32 {
        let rules = self.downlink(1, address);
        assert_ne!(rules.meter_slot, NO_METER);
        assert_ne!(rules.meter_slot, rules.shared_meter_slot);
        rules.shared_meter_slot
    }

    /// What a shared meter lets pass in each direction, kbit/s.
    fn ambr(&self, address: &str) -> (u64, u64) {
        let slot = self.shared_slot(address);
        let kbps = |direction| {
            let rate = self.rate_in(slot, direction).0;
            (1..=100_000)
                .map(|n| n * 100)
                .find(|kbps| Rate::from_bits_per_second(kbps * 1000).ticks_per_byte == rate)
                .unwrap()
        };
        (kbps(Direction::Uplink), kbps(Direction::Downlink))
    }
}

#[test]
fn sessions_of_a_ue_share_one_limit_and_others_do_not() {
    let mut world = World::new();
    let sessions = [
        ("10.45.0.1", Some("001010000000001")),
        ("10.45.0.2", Some("001010000000001")),
        ("10.45.0.3", Some("001010000000002")),
        ("10.45.0.4", None),
        ("10.45.0.5", None),
    ];
    for (address, imsi) in sessions {
        world.established(&with_ambr(address, imsi, 1000));
        world.check();
    }
    let other = NodeId::Address([10, 100, 0, 9].into());
    let request = with_ambr("10.45.0.6", Some("001010000000001"), 1000);
    world
        .sessions
        .establish(&other, 0, &request, world.now)
        .unwrap();
    world.check();
    let slots: Vec<_> = (1..=6)
        .map(|n| world.shared_slot(&format!("10.45.0.{n}")))
        .collect();
    assert_eq!(slots[0], slots[1]);
    let mut all = slots.clone();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 5, "{slots:?}");
}

#[test]
fn the_last_rate_that_any_session_asks_for_is_in_force() {
    let mut world = World::new();
    let imsi = Some("001010000000001");
    let first = world.established(&with_ambr("10.45.0.1", imsi, 1000));
    assert_eq!(world.ambr("10.45.0.1"), (1000, 2000));
    let second = world.established(&with_ambr("10.45.0.2", imsi, 3000));
    assert_eq!(world.ambr("10.45.0.1"), (3000, 6000), "who joins brings it");
    world.modify(first, &ambr_of(500)).unwrap();
    assert_eq!(world.ambr("10.45.0.2"), (500, 1000));
    world.modify(second, &tunnel(1, 0x99, GNB)).unwrap();
    assert_eq!(
        world.ambr("10.45.0.2"),
        (500, 1000),
        "a handover asks for no rate"
    );
    world.check();
    world.delete(first).unwrap();
    assert_eq!(world.ambr("10.45.0.2"), (500, 1000));
    world.check();
}

#[test]
fn the_bucket_is_nobodys_slot_and_goes_with_the_last_session() {
    let mut world = World::new();
    let imsi = Some("001010000000001");
    let plain = world.sessions.slots_in_use();
    let first = world.established(&with_ambr("10.45.0.1", imsi, 1000));
    let with_first = world.sessions.slots_in_use();
    let second = world.established(&with_ambr("10.45.0.2", imsi, 1000));
    assert_eq!(world.sessions.slots_in_use(), 2 * with_first - 1);
    let slot = world.shared_slot("10.45.0.1");
    let is_in_a_session = world.sessions.sessions.values().any(|session| {
        let mut seats = session.seating.seats.iter();
        seats.any(|seat| seat.slot == SlotIndex(slot))
    });
    assert!(!is_in_a_session);
    world.delete(first).unwrap();
    assert_eq!(world.shared_slot("10.45.0.2"), slot);
    world.sessions.delete_all(&smf(), world.now);
    world.drain();
    assert_eq!(world.sessions.slots_in_use(), plain);
    world.check();
    assert!(world.state().has_same_tables(&World::new().state()));
    assert!(world.delete(second).is_err());
}

/// An SGW-U sees both directions come by tunnels: each has a bucket.
#[test]
fn traffic_to_the_ue_by_a_tunnel_has_a_shared_bucket_of_its_own() {
    let mut world = World::new();
    let mut request = sgw_u(1);
    let mut ambr = qer(AMBR, Some(1000), None);
    ambr.correlation_id = Some(77);
    request.create_qers.push(ambr);
    for pdr in &mut request.create_pdrs {
        pdr.qer_ids = vec![AMBR];
    }
    let established = world.establish(&request).unwrap();
    let rules = |pdr| world.uplink(super::world::teid_of(&established.created_pdrs, pdr));
    let (downlink, uplink) = (rules(1), rules(2));
    assert_ne!(
        downlink.meter_slot, uplink.meter_slot,
        "a shared one alone is the first"
    );
    let rate =
        |rules: &upf_common::abi::Rules| world.rate_in(rules.meter_slot, Direction::Uplink).0;
    let kbps = |kbps: u64| Rate::from_bits_per_second(kbps * 1000).ticks_per_byte;
    assert_eq!((rate(&uplink), rate(&downlink)), (kbps(1000), kbps(2000)));
    world.check();
}

#[test]
fn two_limits_of_a_pdr_hold_and_a_third_is_refused() {
    let mut world = World::new();
    let mut request = with_ambr("10.45.0.1", Some("001010000000001"), 1000);
    request.create_qers.push(qer(5, Some(10), None));
    request.create_qers.push(qer(6, None, None));
    request.create_pdrs[0].qer_ids = vec![1, 5, 6];
    request.create_pdrs[1].qer_ids = vec![1];
    let established = world.establish(&request).unwrap();
    let rules = world.downlink(1, "10.45.0.1");
    assert_ne!(rules.meter_slot, rules.shared_meter_slot);
    assert_ne!(
        rules.shared_meter_slot, NO_METER,
        "two of the session's own"
    );
    world.check();
    world.delete(established.up_f_seid.seid).unwrap();
    request.create_pdrs[0].qer_ids = vec![1, 5, AMBR];
    let before = world.state();
    let refusal = world.establish(&request).unwrap_err();
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert_eq!(refusal.failed_rule, Some(FailedRule::Pdr(1)));
    assert_eq!(world.state(), before);
}
