//! A request is applied whole or not at all, whichever write fails.

use std::time::Duration;

use proptest::prelude::*;

use super::requests::*;
use super::world::{GTPU, World};
use crate::datapath::chaos::Chaos;
use crate::pfcp::ie::{ApplyAction, Cause, Interface};
use crate::pfcp::message::{
    CreateTrafficEndpoint, DuplicatingParameters, Pdi, SessionEstablishmentRequest,
    SessionModificationRequest,
};
use crate::pfcp::service::SessionService;
use crate::testing;

#[derive(Clone, Debug)]
pub(super) enum Request {
    Establish(Box<SessionEstablishmentRequest>),
    /// The session's number in the order of their SEIDs, modulo how many there are.
    Modify(usize, Box<SessionModificationRequest>),
    Delete(usize),
}

impl World {
    fn seid(&self, number: usize) -> u64 {
        let seids: Vec<_> = self.sessions.sessions.keys().copied().collect();
        seids
            .get(number % seids.len().max(1))
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn send(&mut self, request: &Request) -> Result<(), Cause> {
        let outcome = match request {
            Request::Establish(request) => self.establish(request).map(|_| ()),
            Request::Modify(number, request) => {
                let seid = self.seid(*number);
                self.modify(seid, request).map(|_| ())
            }
            Request::Delete(number) => {
                let seid = self.seid(*number);
                self.delete(seid)
            }
        };
        outcome.map_err(|refusal| refusal.cause)
    }
}

/// Everything that sessions do to tables, in a house that is so small that a block has to be dissolved.
fn story() -> Vec<Request> {
    let establish = |request| Request::Establish(Box::new(request));
    let modify = |request| Request::Modify(0, Box::new(request));
    let flow = "permit out 17 from 192.0.2.0/24 5060 to assigned";
    let removal = SessionModificationRequest {
        remove_pdrs: vec![3, 5, 6],
        remove_fars: vec![4],
        remove_qers: vec![2],
        ..SessionModificationRequest::default()
    };
    let mut restored = pgw_u(3, ue(Some("203.0.113.1"), None));
    restored.is_restoration = true;
    restored.create_pdrs[1].pdi.f_teid = Some(given(0x55, GTPU));
    vec![
        establish(pdu_session(
            1,
            ue(Some("10.45.0.2"), Some("2001:db8:45:7::")),
        )),
        modify(tunnel(1, 0x1001, GNB)),
        modify(dedicated_flow(flow)),
        modify(idle()),
        modify(removal),
        establish(pgw_u(2, ue(Some("10.45.1.1"), None))),
        establish(restored),
        establish(sgw_u(4)),
        establish(every_kind()),
        Request::Delete(2),
        Request::Delete(0),
        Request::Delete(0),
        Request::Delete(0),
        Request::Delete(0),
    ]
}

/// A session with a chosen UE address, a traffic endpoint, copies, a framed route, predefined rules and limits of
/// its own and of the UE.
fn every_kind() -> SessionEstablishmentRequest {
    let left_to_us = crate::pfcp::ie::UeIpAddress {
        choose_ipv4: true,
        choose_ipv6: true,
        ..crate::pfcp::ie::UeIpAddress::default()
    };
    let mut request = pgw_u(5, left_to_us);
    request.create_pdrs[0].pdi.framed_routes = vec!["198.51.100.0/24".to_owned()];
    request.create_pdrs[1].activate_predefined_rules = vec!["gold".to_owned()];
    request.create_fars[0].apply_action.0 |= ApplyAction::DUPL;
    request.create_fars[0].duplicating = vec![DuplicatingParameters {
        outer_header_creation: Some(gtpu(0x99, SMF_GTPU)),
        ..DuplicatingParameters::default()
    }];
    request.create_qers.push(qer(2, Some(100), None));
    request.create_qers[1].correlation_id = Some(1);
    request.create_pdrs[0].qer_ids.push(2);
    request.create_traffic_endpoints = vec![CreateTrafficEndpoint {
        id: 1,
        f_teid: Some(choose(Some(9))),
        ..CreateTrafficEndpoint::default()
    }];
    let by_endpoint = Pdi {
        traffic_endpoint_ids: vec![1],
        qfis: vec![3],
        ..pdi(Interface::Access)
    };
    request
        .create_pdrs
        .push(pdr(9, Some(3), 2, &[2], by_endpoint));
    request
}

#[test]
fn any_single_write_may_fail() {
    let mut world = World::with_slots(512);
    let mut failures = 0;
    for request in story() {
        for n in 0.. {
            let before = world.state();
            world.tables.set(Chaos::Nth(n));
            let outcome = world.send(&request);
            world.repair();
            world.check();
            match outcome {
                Ok(()) => break,
                Err(cause) => assert_eq!(cause, Cause::SystemFailure, "{request:?}"),
            }
            assert_eq!(world.state(), before, "write {n} of {request:?}");
            failures += 1;
        }
    }
    assert!(failures > 50, "{failures}");
    let fresh = World::with_slots(512);
    assert!(world.state().has_same_tables(&fresh.state()));
}

#[test]
fn tables_that_stay_broken_are_put_right_when_they_work_again() {
    let mut world = World::with_slots(512);
    for request in story() {
        for n in 0.. {
            let before = world.state();
            world.tables.set(Chaos::From(n));
            let outcome = world.send(&request);
            let again = world.send(&request);
            world.repair();
            world.check();
            if outcome.is_ok() {
                break;
            }
            assert_eq!(again, Err(Cause::SystemFailure));
            assert_eq!(world.state(), before, "from write {n} of {request:?}");
        }
    }
}

#[test]
fn an_association_ends_even_if_no_table_can_be_written() {
    let mut world = World::with_slots(512);
    for request in &story()[..9] {
        world.send(request).unwrap();
    }
    world.tables.set(Chaos::From(3));
    world.sessions.delete_all(&smf(), world.now);
    world.sessions.tick(world.now);
    assert_eq!(world.sessions.list(None, 1), []);
    // The first removal has failed, and the others wait: the tables are owed no more than that.
    let left = world.sessions.len();
    assert!(left > 0, "{left}");
    let due = world.sessions.next_deadline().unwrap();
    assert_eq!(due, world.now + Duration::from_secs(1));
    world.now = due;
    world.sessions.tick(world.now);
    assert_eq!(world.sessions.len(), left);
    world.repair();
    world.drain();
    world.check();
    assert!(world.sessions.is_empty());
    assert!(
        world
            .state()
            .has_same_tables(&World::with_slots(512).state())
    );
}

/// However much is owed to the tables, no request waits for all of it.
#[test]
fn what_is_owed_is_written_bit_by_bit() {
    let mut world = World::new();
    let seids: Vec<_> = (0..200)
        .map(|n| world.established(&pgw_u(n, ue(Some(&format!("10.45.1.{n}")), None))))
        .collect();
    let last = world.established(&sgw_u(1));
    world.tables.set(Chaos::From(0));
    // Control planes do not know the sessions any more.
    let response = unknown_session();
    for seid in seids {
        let now = world.now;
        world.sessions.report_answered(&smf(), seid, &response, now);
    }
    assert_eq!(world.sessions.len(), 1);
    world.tables.set(Chaos::Never);
    let mut refused = 0;
    while let Err(refusal) = world.delete(last) {
        assert_eq!(refusal.cause, Cause::Congestion);
        refused += 1;
    }
    assert!((1..20).contains(&refused), "{refused}");
    world.check();
    assert!(world.state().has_same_tables(&World::new().state()));
}

/// With every write from the n-th on failing, those that would take the others back included, the tables stay
/// as a packet between two writes sees them.
#[test]
fn packets_of_other_sessions_are_never_lost() {
    let mut world = World::with_slots(512);
    let users: Vec<_> = (1..4).map(|n| format!("10.45.0.{n}")).collect();
    for user in &users {
        world.established(&pgw_u(1, ue(Some(user), None)));
    }
    // Three tunnels of the control plane and these fill the other chunk, then the block has to go.
    for n in 0..126 {
        world.established(&sgw_u(n));
    }
    let found =
        |world: &World| -> Vec<_> { users.iter().map(|user| world.downlink(1, user)).collect() };
    let (before, block) = (found(&world), world.tables.with(|tables| tables.block(0)));
    assert!(block.is_some());
    let mut writes = 0;
    for n in 0.. {
        world.tables.set(Chaos::From(n));
        let outcome = world.establish(&sgw_u(200));
        assert_eq!(found(&world), before, "after write {n}");
        world.repair();
        writes = n;
        if outcome.is_ok() {
            break;
        }
        assert_eq!(world.tables.with(|tables| tables.block(0)), block);
    }
    assert!(writes > 5, "{writes}");
    assert_eq!(
        world.tables.with(|tables| tables.block(0)),
        None,
        "dissolved"
    );
    assert_eq!(found(&world), before);
    world.check();
    // One more UE of that block has an entry of its own, too.
    world.established(&pgw_u(1, ue(Some("10.45.0.9"), None)));
    world.check();
}

/// The UE of a session that is changed finds the old rules or the new ones.
#[test]
fn a_handover_is_old_or_new_at_every_moment() {
    let mut world = World::with_slots(1024);
    let seid = world.established(&pdu_session(1, ue(Some("10.45.0.2"), None)));
    world
        .modify(seid, &tunnel(1, 0x1001, [10, 1, 0, 10].into()))
        .unwrap();
    for n in 0.. {
        let target = (0x2000 + n as u32, [10, 1, 0, 11].into());
        world.tables.set(Chaos::From(n));
        let outcome = world.modify(seid, &tunnel(1, target.0, target.1));
        let rules = world.downlink(1, "10.45.0.2");
        let seen = (
            u32::from_be_bytes(rules.peer_teid),
            world.peer(&rules).remote[15],
        );
        assert!(seen == (0x1001, 10) || seen == (target.0, 11), "{seen:x?}");
        world.repair();
        if outcome.is_ok() {
            break;
        }
    }
}

fn address() -> impl Strategy<Value = (Option<String>, Option<String>)> {
    let v4 = (0u8..6, 0u8..3).prop_map(|(block, place)| format!("10.45.{block}.{place}"));
    let outside = Just("203.0.113.9".to_owned());
    let v6 = (0u8..3, 0u8..3).prop_map(|(block, place)| format!("2001:db8:45:{block:x}0{place}::"));
    (
        proptest::option::weighted(0.9, prop_oneof![8 => v4, 1 => outside]),
        proptest::option::weighted(0.3, v6),
    )
}

fn request() -> impl Strategy<Value = Request> {
    let establish = (address(), 0u8..5, 1u32..5).prop_map(|((v4, v6), profile, teid)| {
        let ue = ue(v4.as_deref(), v6.as_deref());
        let mut request = match profile {
            0 => sgw_u(1),
            1 | 2 => pgw_u(2, ue),
            _ => pdu_session(3, ue),
        };
        if profile == 1 {
            request.is_restoration = true;
            request.create_pdrs[1].pdi.f_teid = Some(given(teid << 9, GTPU));
        }
        Request::Establish(Box::new(request))
    });
    let modify =
        (any::<usize>(), 0u8..9, address(), 1u8..20).prop_map(|(number, what, (v4, v6), n)| {
            let request = match what {
                0 | 1 => tunnel(1, n.into(), [10, 1, 0, n].into()),
                2 => idle(),
                3 => dedicated_flow(&format!("permit out 6 from any {n} to assigned")),
                4 => SessionModificationRequest {
                    remove_pdrs: vec![5, 6],
                    remove_fars: vec![4],
                    remove_qers: vec![2],
                    ..SessionModificationRequest::default()
                },
                5 => SessionModificationRequest {
                    remove_pdrs: vec![u16::from(n % 5)],
                    ..SessionModificationRequest::default()
                },
                6 => SessionModificationRequest {
                    create_pdrs: vec![pdr(
                        1,
                        Some(9),
                        1,
                        &[1],
                        Pdi {
                            ue_ip_address: Some(ue(v4.as_deref(), v6.as_deref())),
                            ..pdi(Interface::Core)
                        },
                    )],
                    ..SessionModificationRequest::default()
                },
                _ => {
                    let mut update = update_pdr(1);
                    update.pdi = Some(Pdi {
                        ue_ip_address: Some(ue(v4.as_deref(), v6.as_deref())),
                        ..pdi(Interface::Core)
                    });
                    SessionModificationRequest {
                        update_pdrs: vec![update],
                        ..SessionModificationRequest::default()
                    }
                }
            };
            Request::Modify(number, Box::new(request))
        });
    prop_oneof![
        4 => establish,
        6 => modify,
        1 => any::<usize>().prop_map(Request::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(testing::amount(96, 1000)))]
    #[test]
    fn tables_are_what_the_sessions_imply(
        requests in proptest::collection::vec((request(), proptest::option::weighted(0.3, any::<u64>())), 1..60)
    ) {
        let mut world = World::with_slots(520);
        for (request, chaos) in &requests {
            let before = world.state();
            world.tables.set(chaos.map_or(Chaos::Never, |seed| Chaos::random(0.1, seed)));
            let outcome = world.send(request);
            world.repair();
            world.check();
            if outcome.is_err() {
                prop_assert_eq!(world.state(), before);
            }
        }
        while !world.sessions.is_empty() {
            let seid = world.seid(0);
            prop_assert_eq!(world.delete(seid), Ok(()));
        }
        world.check();
        prop_assert!(world.state().has_same_tables(&World::with_slots(520).state()));
    }
}
