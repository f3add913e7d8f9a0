//! What only few sessions have, with tables that fail: shared limits, networks behind UEs, addresses from the pools,
//! copies, long lists, end markers. A request is applied whole or not at all.

use super::chaos::Request;
use super::copies::{copied, not_copied};
use super::correlated::{AMBR, ambr_of, with_ambr};
use super::end_markers::handover;
use super::framed::with_framed;
use super::requests::*;
use super::ue_pools::choosing;
use super::world::World;
use crate::datapath::chaos::Chaos;
use crate::pfcp::ie::Cause;
use crate::pfcp::message::SessionModificationRequest;
use crate::pfcp::service::SessionService;

fn story() -> Vec<Request> {
    let establish = |request| Request::Establish(Box::new(request));
    let modify = |number, request| Request::Modify(number, Box::new(request));
    let imsi = Some("001010000000001");
    let ports = "1,2,3,4,5,6,7,8";
    let flow = format!("permit out 17 from any {ports} to assigned {ports}");
    let mut everything = with_framed(Some("10.45.3.1"), None, &["192.168.0.0/22"]);
    let mut ambr = qer(AMBR, Some(40), None);
    ambr.correlation_id = Some(77);
    everything.create_qers.push(ambr);
    everything.create_pdrs[0].qer_ids.push(AMBR);
    everything.create_fars[1] = copied("10.45.3.1", 5).create_fars.swap_remove(1);
    let without_ambr = SessionModificationRequest {
        update_pdrs: [1, 2]
            .map(|id| crate::pfcp::message::UpdatePdr {
                qer_ids: Some(vec![1]),
                ..update_pdr(id)
            })
            .to_vec(),
        remove_qers: vec![AMBR],
        ..SessionModificationRequest::default()
    };
    vec![
        establish(with_ambr("10.45.0.1", imsi, 1000)),
        establish(with_ambr("10.45.0.2", imsi, 2000)),
        modify(0, ambr_of(300)),
        modify(1, without_ambr),
        modify(0, dedicated_flow(&flow)),
        modify(0, handover(0x900, SMF_GTPU)),
        establish(choosing(true, true)),
        establish(with_framed(
            Some("10.45.1.1"),
            None,
            &["192.168.8.0/22", "2001:db8:99::/56"],
        )),
        establish(copied("10.45.2.1", 4)),
        establish(everything),
        modify(4, not_copied()),
        modify(2, not_copied()),
        Request::Delete(5),
        Request::Delete(0),
        Request::Delete(2),
        Request::Delete(0),
        Request::Delete(0),
        Request::Delete(0),
    ]
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
            world.tables.with(|tables| tables.take_end_markers());
            world.check();
            match outcome {
                Ok(()) => break,
                Err(cause) => assert_eq!(cause, Cause::SystemFailure, "{request:?}"),
            }
            assert_eq!(world.state(), before, "write {n} of {request:?}");
            failures += 1;
        }
    }
    assert!(failures > 80, "{failures}");
    assert!(world.sessions.is_empty());
    assert!(
        world
            .state()
            .has_same_tables(&World::with_slots(512).state())
    );
}

#[test]
fn tables_that_stay_broken_are_put_right_when_they_work_again() {
    let mut world = World::with_slots(512);
    for request in story() {
        for n in 0.. {
            let before = world.state();
            world.tables.set(Chaos::From(n));
            let outcome = world.send(&request);
            world.repair();
            world.tables.with(|tables| tables.take_end_markers());
            world.check();
            if outcome.is_ok() {
                break;
            }
            assert_eq!(world.state(), before, "from write {n} of {request:?}");
        }
    }
}

#[test]
fn an_association_ends_even_if_no_table_can_be_written() {
    let mut world = World::with_slots(512);
    for request in &story()[..10] {
        world.send(request).unwrap();
    }
    world.tables.set(Chaos::From(3));
    world.sessions.delete_all(&smf(), world.now);
    world.sessions.tick(world.now);
    world.repair();
    world.drain();
    world.tables.with(|tables| tables.take_end_markers());
    world.check();
    assert!(
        world
            .state()
            .has_same_tables(&World::with_slots(512).state())
    );
}
