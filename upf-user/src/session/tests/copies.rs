//! Copies of packets (DUPL, TS 29.244 clause 5.2.3).

use super::requests::*;
use super::world::{World, teid_of};
use crate::datapath::slots::Duplicate;
use crate::pfcp::ie::{ApplyAction, Interface};
use crate::pfcp::message::{
    DuplicatingParameters, SessionEstablishmentRequest, SessionModificationRequest, UpdateFar,
};

/// A session whose uplink packets are copied to a tunnel of the SMF.
pub(super) fn copied(address: &str, teid: u32) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some(address), None));
    let uplink = &mut request.create_fars[1];
    uplink.apply_action = ApplyAction(ApplyAction::FORW | ApplyAction::DUPL);
    uplink.duplicating = vec![DuplicatingParameters {
        destination_interface: Interface::LiFunction,
        outer_header_creation: Some(gtpu(teid, SMF_GTPU)),
        transport_level_marking: Some((0x20, 0xfc)),
        ..DuplicatingParameters::default()
    }];
    request
}

pub(super) fn not_copied() -> SessionModificationRequest {
    SessionModificationRequest {
        update_fars: vec![UpdateFar {
            id: 2,
            apply_action: Some(FORW),
            ..UpdateFar::default()
        }],
        ..SessionModificationRequest::default()
    }
}

#[test]
fn rules_name_where_copies_go_and_the_agent_finds_it() {
    let mut world = World::new();
    let established = world.establish(&copied("10.45.0.2", 0x77)).unwrap();
    let teid = teid_of(&established.created_pdrs, 2);
    let uplink = |world: &World| world.uplink(teid);
    let id = uplink(&world).duplicate;
    let set = world.sessions.books.duplicate(id).unwrap().clone();
    let [
        Duplicate {
            tunnel: Some((peer, teid)),
            dscp,
            ..
        },
    ] = set[..]
    else {
        panic!("{set:?}");
    };
    assert_eq!((peer.remote, teid, dscp), (SMF_GTPU.into(), 0x77, Some(8)));
    assert_eq!(world.downlink(1, "10.45.0.2").duplicate, 0);
    world.check();
    let other = world.establish(&copied("10.45.0.3", 0x77)).unwrap();
    let third = world.establish(&copied("10.45.0.4", 0x78)).unwrap();
    world.check();
    world
        .modify(established.up_f_seid.seid, &not_copied())
        .unwrap();
    assert_eq!(uplink(&world).duplicate, 0);
    assert_eq!(
        world.sessions.books.duplicate(id),
        Some(&set),
        "another session has it"
    );
    world.delete(other.up_f_seid.seid).unwrap();
    assert_eq!(world.sessions.books.duplicate(id), None);
    world.delete(third.up_f_seid.seid).unwrap();
    world.check();
}
