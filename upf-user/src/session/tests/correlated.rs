//! QER Correlation ID: limits over several PDRs and sessions of a UE (TS 29.244 clause 5.4.4).

use upf_common::abi::{LimitDirection, MAX_CHAIN, NO_LIMIT, NO_METER, Rules, level};
use upf_common::meter::Rate;

use super::requests::*;
use super::world::World;
use crate::datapath::Direction;
use crate::pfcp::ie::{BitRates, NodeId, UserId};
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
    /// The limits of packets that find these rules, the first one first.
    pub(super) fn chain(&self, rules: &Rules, direction: Direction) -> Vec<LimitDirection> {
        let half = |index: u32| {
            self.tables.with(|tables| {
                let limit = tables.limit(index)?;
                Some(match direction {
                    Direction::Uplink => limit.uplink,
                    Direction::Downlink => limit.downlink,
                })
            })
        };
        let next = |limit: &LimitDirection| half(limit.parent);
        let chain: Vec<_> = std::iter::successors(half(rules.limit), next).collect();
        assert!(chain.len() <= MAX_CHAIN);
        chain
    }

    fn limit(&self, address: &str) -> u32 {
        let rules = self.downlink(1, address);
        assert_ne!(rules.meter_slot, NO_METER);
        assert_ne!(rules.limit, NO_LIMIT);
        rules.limit
    }

    /// What the AMBR lets pass in each direction, kbit/s.
    fn ambr(&self, address: &str) -> (u64, u64) {
        let index = self.limit(address);
        let limit = self.tables.with(|tables| *tables.limit(index).unwrap());
        assert_eq!(
            (limit.uplink.level, limit.downlink.level),
            (level::SESSION, level::SESSION)
        );
        (kbps(&limit.uplink), kbps(&limit.downlink))
    }
}

/// The rate of a limit, kbit/s.
pub(super) fn kbps(limit: &LimitDirection) -> u64 {
    kbps_of(limit.ticks_per_byte)
}

pub(super) fn kbps_of(ticks_per_byte: u64) -> u64 {
    let all = (1..=100_000).map(|n| n * 10);
    let mut fitting = all.filter(|kbps| ticks(*kbps) == ticks_per_byte);
    fitting.next().unwrap()
}

fn ticks(kbps: u64) -> u64 {
    Rate::from_bits_per_second(kbps * 1000).ticks_per_byte
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
        .map(|n| world.limit(&format!("10.45.0.{n}")))
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
fn the_record_goes_with_the_last_session() {
    let mut world = World::new();
    let imsi = Some("001010000000001");
    let first = world.established(&with_ambr("10.45.0.1", imsi, 1000));
    let with_first = world.sessions.slots_in_use();
    let second = world.established(&with_ambr("10.45.0.2", imsi, 1000));
    assert_eq!(
        world.sessions.slots_in_use(),
        2 * with_first,
        "it takes no slot"
    );
    let index = world.limit("10.45.0.1");
    assert_eq!(world.sessions.books.used_limits(), 1);
    world.delete(first).unwrap();
    assert_eq!(world.limit("10.45.0.2"), index);
    world.sessions.delete_all(&smf(), world.now);
    world.drain();
    assert_eq!(world.sessions.books.used_limits(), 0);
    world.check();
    assert!(world.state().has_same_tables(&World::new().state()));
    assert!(world.delete(second).is_err());
}

/// An SGW-U sees both directions come by tunnels, and an AMBR has a bucket for each direction.
#[test]
fn directions_are_those_of_the_traffic() {
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
    assert_eq!(downlink.limit, uplink.limit);
    assert_eq!((downlink.is_downlink, downlink.meter_slot), (1, NO_METER));
    let limit = world
        .tables
        .with(|tables| *tables.limit(uplink.limit).unwrap());
    assert_eq!((kbps(&limit.uplink), kbps(&limit.downlink)), (1000, 2000));
    world.check();
}
