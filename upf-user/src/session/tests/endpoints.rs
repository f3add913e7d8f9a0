//! Traffic endpoints (TS 29.244 clauses 5.2.1A.2B and 7.5.2.7): PDIU and MTE.

use super::requests::*;
use super::world::{World, teid_of};
use crate::pfcp::ie::{Cause, FTeid, FailedRule, Interface, kind};
use crate::pfcp::message::{
    CreateTrafficEndpoint, Pdi, Refusal, SessionEstablishmentRequest, SessionModificationRequest,
};
use crate::pfcp::service::{Established, SessionService};

const UE: &str = "10.45.0.2";

fn endpoint(id: u8, f_teid: Option<FTeid>) -> CreateTrafficEndpoint {
    CreateTrafficEndpoint {
        id,
        f_teid,
        network_instance: Some("internet".to_owned()),
        ..CreateTrafficEndpoint::default()
    }
}

fn by(ids: &[u8], source_interface: Interface) -> Pdi {
    Pdi {
        source_interface,
        traffic_endpoint_ids: ids.to_vec(),
        ..Pdi::default()
    }
}

/// Uplink by the tunnel of endpoint 1, downlink to the UE address of endpoint 2.
fn session() -> SessionEstablishmentRequest {
    let mut address = endpoint(2, None);
    address.ue_ip_address = Some(ue(Some(UE), None));
    let fars = vec![
        far(1, FORW, Some((Interface::Access, Some(gtpu(5, GNB))))),
        far(2, FORW, Some((Interface::Core, None))),
    ];
    let pdrs = vec![
        pdr(1, Some(100), 1, &[], by(&[2], Interface::Core)),
        pdr(2, Some(100), 2, &[], by(&[1], Interface::Access)),
    ];
    let mut request = establishment(7, pdrs, fars, vec![]);
    request.create_traffic_endpoints = vec![endpoint(1, Some(choose(None))), address];
    request
}

fn teid(established: &Established, id: u8) -> u32 {
    let mut created = established.created_traffic_endpoints.iter();
    match created.find(|created| created.id == id).unwrap().f_teid {
        Some(FTeid::Given { teid, .. }) => teid,
        other => panic!("{other:?}"),
    }
}

fn modify(
    world: &mut World,
    seid: u64,
    request: &SessionModificationRequest,
) -> Result<crate::pfcp::service::Modified, Refusal> {
    world
        .sessions
        .modify(&smf(), seid, request, world.now)
        .outcome
}

#[test]
fn packets_come_by_the_traffic_endpoint() {
    let mut world = World::new();
    let established = world.establish(&session()).unwrap();
    assert_eq!(
        established.created_pdrs,
        [],
        "the endpoint is answered instead"
    );
    let seid = established.up_f_seid.seid;
    let rules = world.uplink(teid(&established, 1));
    assert_eq!(rules.ue_v4, [10, 45, 0, 2]);
    assert_eq!(world.downlink(1, UE).peer_teid, 5_u32.to_be_bytes());
    world.check();
    // A second PDR by the same endpoint has the same F-TEID.
    let mut filtered = by(&[1], Interface::Access);
    filtered.sdf_filters = vec![sdf("permit out 6 from any 80 to assigned")];
    let request = SessionModificationRequest {
        create_pdrs: vec![pdr(3, Some(10), 2, &[], filtered)],
        ..SessionModificationRequest::default()
    };
    let modified = modify(&mut world, seid, &request).unwrap();
    assert_eq!(
        (modified.created_pdrs, modified.created_traffic_endpoints),
        (vec![], vec![])
    );
    assert_eq!(world.list(&world.uplink(teid(&established, 1))).len(), 2);
    world.check();
}

#[test]
fn a_pdr_may_have_several() {
    let mut world = World::new();
    let mut request = session();
    request
        .create_traffic_endpoints
        .push(endpoint(3, Some(choose(Some(9)))));
    request.create_pdrs[1].pdi = by(&[1, 3], Interface::Access);
    let established = world.establish(&request).unwrap();
    let seid = established.up_f_seid.seid;
    let (first, second) = (teid(&established, 1), teid(&established, 3));
    assert_ne!(first, second);
    assert_eq!(world.detections_of(seid, 2).len(), 2);
    assert_eq!(world.uplink(first).verdict, world.uplink(second).verdict);
    world.check();
    // Without the one it goes on by the other.
    let request = SessionModificationRequest {
        remove_traffic_endpoints: vec![1],
        ..SessionModificationRequest::default()
    };
    modify(&mut world, seid, &request).unwrap();
    assert_eq!(world.slot_of_teid(first), None);
    assert_eq!(world.detections_of(seid, 2).len(), 1);
    // And goes with the last.
    let request = SessionModificationRequest {
        remove_traffic_endpoints: vec![3],
        ..SessionModificationRequest::default()
    };
    modify(&mut world, seid, &request).unwrap();
    assert_eq!(world.slot_of_teid(second), None);
    assert_eq!(world.detections_of(seid, 2), []);
    world.check();
}

#[test]
fn an_endpoint_without_pdr_keeps_its_f_teid() {
    let mut world = World::new();
    let established = world.establish(&session()).unwrap();
    let seid = established.up_f_seid.seid;
    let kept = teid(&established, 1);
    let request = SessionModificationRequest {
        remove_pdrs: vec![2],
        ..SessionModificationRequest::default()
    };
    modify(&mut world, seid, &request).unwrap();
    world.check();
    assert!(world.slot_of_teid(kept).is_some());
    assert_eq!(world.uplink(kept).verdict, upf_common::abi::verdict::DROP);
    let request = SessionModificationRequest {
        create_pdrs: vec![pdr(9, Some(1), 2, &[], by(&[1], Interface::Access))],
        ..SessionModificationRequest::default()
    };
    modify(&mut world, seid, &request).unwrap();
    assert_eq!(
        world.uplink(kept).verdict,
        upf_common::abi::verdict::FORWARD
    );
    world.check();
}

/// An F-TEID for packets to the UE stays one, with or without PDR.
#[test]
fn an_endpoint_remembers_which_way_its_packets_go() {
    let mut world = World::new();
    let mut request = sgw_u(7);
    request.create_fars[0] = far(1, FORW, Some((Interface::Access, Some(gtpu(5, GNB)))));
    request.create_traffic_endpoints = vec![endpoint(1, Some(choose(None)))];
    request.create_pdrs[0].pdi = by(&[1], Interface::Core);
    let established = world.establish(&request).unwrap();
    let (seid, kept) = (established.up_f_seid.seid, teid(&established, 1));
    assert_eq!(world.uplink(kept).is_downlink, 1);
    let removal = SessionModificationRequest {
        remove_pdrs: vec![1],
        ..SessionModificationRequest::default()
    };
    modify(&mut world, seid, &removal).unwrap();
    world.check();
    let create = |source| SessionModificationRequest {
        create_pdrs: vec![pdr(9, Some(1), 1, &[], by(&[1], source))],
        ..SessionModificationRequest::default()
    };
    let other_way = modify(&mut world, seid, &create(Interface::Access));
    let expected = Refusal {
        cause: Cause::RuleCreationFailure,
        offending_ie: Some(kind::F_TEID),
        failed_rule: Some(FailedRule::Pdr(9)),
    };
    assert_eq!(other_way, Err(expected));
    modify(&mut world, seid, &create(Interface::Core)).unwrap();
    assert_eq!(world.uplink(kept).is_downlink, 1);
    world.check();
}

#[test]
fn an_update_changes_what_it_names() {
    let mut world = World::new();
    let established = world.establish(&session()).unwrap();
    let seid = established.up_f_seid.seid;
    let first = teid(&established, 1);
    let update = CreateTrafficEndpoint {
        id: 1,
        f_teid: Some(choose(Some(4))),
        qfis: vec![7],
        ..CreateTrafficEndpoint::default()
    };
    let request = SessionModificationRequest {
        update_traffic_endpoints: vec![update],
        ..SessionModificationRequest::default()
    };
    let modified = modify(&mut world, seid, &request).unwrap();
    let [created] = modified.created_traffic_endpoints.as_slice() else {
        panic!("{modified:?}");
    };
    let Some(FTeid::Given { teid, .. }) = created.f_teid else {
        panic!("{created:?}");
    };
    assert_ne!(teid, first);
    assert_eq!(world.slot_of_teid(first), None);
    assert_eq!(world.detections_of(seid, 2)[0].qfis, [7]);
    world.check();
}

#[test]
fn what_is_refused() {
    let refusal = |cause, ie, rule| Refusal {
        cause,
        offending_ie: Some(ie),
        failed_rule: rule,
    };
    let failed = |rule| refusal(Cause::RuleCreationFailure, kind::TRAFFIC_ENDPOINT_ID, rule);
    let pdr_2 = Some(FailedRule::Pdr(2));
    type Spoil = fn(&mut SessionEstablishmentRequest);
    let rows: [(&str, Refusal, Spoil); 5] = [
        ("an ID twice", failed(None), |r| {
            r.create_traffic_endpoints[1].id = 1;
        }),
        ("no such endpoint", failed(pdr_2), |r| {
            r.create_pdrs[1].pdi.traffic_endpoint_ids = vec![9];
        }),
        (
            "an F-TEID beside it",
            refusal(Cause::MandatoryIeIncorrect, kind::F_TEID, pdr_2),
            |r| r.create_pdrs[1].pdi.f_teid = Some(choose(None)),
        ),
        (
            "no tunnel from access",
            refusal(Cause::ConditionalIeMissing, kind::F_TEID, pdr_2),
            |r| r.create_pdrs[1].pdi.traffic_endpoint_ids = vec![2],
        ),
        (
            "33 of them",
            refusal(Cause::NoResourcesAvailable, kind::TRAFFIC_ENDPOINT_ID, None),
            |r| {
                r.create_traffic_endpoints
                    .extend((3..34).map(|id| endpoint(id, None)));
            },
        ),
    ];
    for (what, expected, spoil) in rows {
        let mut world = World::new();
        let before = world.state();
        let mut request = session();
        spoil(&mut request);
        assert_eq!(world.establish(&request), Err(expected), "{what}");
        assert_eq!(world.state(), before, "{what}");
    }
    let mut world = World::new();
    let seid = world.established(&session());
    let update = SessionModificationRequest {
        update_traffic_endpoints: vec![endpoint(9, None)],
        ..SessionModificationRequest::default()
    };
    assert_eq!(modify(&mut world, seid, &update), Err(failed(None)));
    let removal = SessionModificationRequest {
        remove_traffic_endpoints: vec![9],
        ..SessionModificationRequest::default()
    };
    assert_eq!(modify(&mut world, seid, &removal), Err(failed(None)));
}

#[test]
fn an_updated_pdr_is_answered_with_its_new_f_teid() {
    let mut world = World::new();
    let established = world.establish(&pgw_u(7, ue(Some(UE), None))).unwrap();
    let (seid, first) = (
        established.up_f_seid.seid,
        teid_of(&established.created_pdrs, 2),
    );
    let mut update = update_pdr(2);
    update.pdi = Some(Pdi {
        f_teid: Some(choose(Some(44))),
        ..pdi(Interface::Access)
    });
    let request = SessionModificationRequest {
        update_pdrs: vec![update],
        ..SessionModificationRequest::default()
    };
    let modified = modify(&mut world, seid, &request).unwrap();
    assert_eq!(modified.created_pdrs, []);
    assert_ne!(teid_of(&modified.updated_pdrs, 2), first);
    world.check();
}
