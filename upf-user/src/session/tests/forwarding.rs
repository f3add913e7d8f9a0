//! What FARs, QERs and SDF filters come to (TS 29.244 clauses 5.2.3, 5.4 and 8.2).

use super::requests::*;
use super::rules::{by_policy, change, redirecting, world};
use super::world::{GTPU, GTPU_V6, World};
use crate::pfcp::ie::{
    ApplyAction, FTeid, Interface, OuterHeaderCreation, SdfFilter, sm_request_flags,
};
use crate::pfcp::message::{UpdateDuplicatingParameters, UpdateFar};
use crate::session::RemoteTunnel;
use crate::session::detection::{Limit, LimitKey};
use crate::session::model::{Action, NetworkInstance};
use crate::session::request;

const UE: &str = "10.45.0.2";

#[test]
fn a_pdr_with_a_mar_is_forwarded_by_3gpp_access() {
    let (world, seid) = world();
    let detection = &world.detections_of(seid, 7)[0];
    assert_eq!(detection.action, Action::Forward);
    assert_eq!(detection.forward.unwrap().destination, Interface::Core);
}

#[test]
fn what_would_be_redirected_is_dropped() {
    let (mut world, seid) = world();
    let request = change(|r| r.update_fars = vec![redirecting("192.0.2.80")]);
    world.modify(seid, &request).unwrap();
    let detection = &world.detections_of(seid, 2)[0];
    assert_eq!((detection.action, detection.forward), (Action::Drop, None));
    world.check();
}

#[test]
fn a_forwarding_policy_says_where_to() {
    let (mut world, seid) = world();
    let before = world.detections_of(seid, 2)[0].forward.unwrap();
    assert_eq!(before.network_instance, Some(NetworkInstance::Known(1)));
    let request = change(|r| r.update_fars = vec![by_policy("voice")]);
    world.modify(seid, &request).unwrap();
    let after = world.detections_of(seid, 2)[0].forward.unwrap();
    assert_eq!(after.network_instance, Some(NetworkInstance::Known(2)));
}

#[test]
fn copies_go_where_duplicating_parameters_say() {
    let (mut world, seid) = world();
    let request = change(|r| {
        r.update_fars = vec![UpdateFar {
            id: 2,
            apply_action: Some(ApplyAction(ApplyAction::FORW | ApplyAction::DUPL)),
            duplicating: vec![UpdateDuplicatingParameters {
                destination_interface: Some(Interface::LiFunction),
                outer_header_creation: Some(gtpu(0x99, SMF_GTPU)),
                transport_level_marking: Some((0xb8, 0xfc)),
                ..Default::default()
            }],
            ..UpdateFar::default()
        }];
    });
    world.modify(seid, &request).unwrap();
    let detection = &world.detections_of(seid, 2)[0];
    let copy = detection.duplicates[0];
    assert_eq!(copy.tunnel.unwrap().teid, 0x99);
    assert_eq!(copy.dscp, Some(0x2e));
    world.check();
    // Without DUPL nothing is copied, and the parameters stay.
    let off = change(|r| {
        r.update_fars = vec![UpdateFar {
            id: 2,
            apply_action: Some(FORW),
            ..UpdateFar::default()
        }];
    });
    world.modify(seid, &off).unwrap();
    assert_eq!(world.detections_of(seid, 2)[0].duplicates, []);
}

#[test]
fn a_qer_gives_limits_qfi_and_rqi() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), None));
    request.create_qers[0].correlation_id = Some(5);
    request.create_qers.push(qer(2, Some(100), Some(9)));
    request.create_qers[1].reflective_qos = Some(true);
    request.create_pdrs[0].qer_ids = vec![1, 2];
    let seid = world.established(&request);
    let detection = &world.detections_of(seid, 1)[0];
    let limits = [
        Limit {
            key: LimitKey::Correlated(5),
            kbps: 2_000_000,
        },
        Limit {
            key: LimitKey::Qer(2),
            kbps: 200,
        },
    ];
    assert_eq!(detection.limits, limits);
    assert_eq!((detection.qfi, detection.is_reflective), (Some(9), true));
    world.check();
}

#[test]
fn an_end_marker_is_owed_to_the_tunnel_that_is_left() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(7, ue(Some(UE), None)));
    world.modify(seid, &tunnel(1, 0x11, GNB)).unwrap();
    let owed = |world: &World, teid, flags| {
        let mut request = tunnel(1, teid, [10, 1, 0, 11].into());
        request.update_fars[0].forwarding.as_mut().unwrap().flags = flags;
        let session = &world.sessions.sessions[&seid];
        let config = &world.sessions.config;
        let requested = request::modify(config, &session.model, &session.seating, &request);
        let markers = requested.unwrap().end_markers;
        markers
            .iter()
            .map(|marker| marker.tunnel)
            .collect::<Vec<_>>()
    };
    let left = RemoteTunnel {
        teid: 0x11,
        address: GNB.into(),
    };
    assert_eq!(owed(&world, 0x22, sm_request_flags::SNDEM), [left]);
    assert_eq!(owed(&world, 0x22, 0), [], "not asked for");
    world
        .modify(seid, &tunnel(1, 0x11, [10, 1, 0, 11].into()))
        .unwrap();
    assert_eq!(
        owed(&world, 0x11, sm_request_flags::SNDEM),
        [],
        "the same tunnel"
    );
}

#[test]
fn outer_headers_are_of_a_family_that_we_have() {
    let v6 = "2001:db8::10".parse().unwrap();
    let both = gtpu(5, GNB);
    let rows = [
        (false, both, Some(GNB.into())),
        (true, both, Some(GNB.into())),
        (
            true,
            OuterHeaderCreation {
                description: OuterHeaderCreation::GTPU_UDP_IPV6,
                ..both
            },
            Some(v6),
        ),
        (true, OuterHeaderCreation { ipv4: None, ..both }, Some(v6)),
        (
            false,
            OuterHeaderCreation {
                description: OuterHeaderCreation::GTPU_UDP_IPV6,
                ..both
            },
            None,
        ),
    ];
    for (is_dual, header, expected) in rows {
        let mut world = if is_dual {
            World::dual_stack()
        } else {
            World::new()
        };
        let seid = world.established(&pdu_session(7, ue(Some(UE), None)));
        let mut request = tunnel(1, 5, GNB);
        request.update_fars[0]
            .forwarding
            .as_mut()
            .unwrap()
            .outer_header_creation = Some(header);
        let outcome = world.modify(seid, &request);
        assert_eq!(outcome.is_ok(), expected.is_some(), "{header:?}");
        let forward = world.detections_of(seid, 1)[0].forward;
        let address = forward.map(|forward| forward.tunnel.unwrap().address);
        assert_eq!(address, expected, "{header:?}");
        world.check();
    }
}

#[test]
fn sessions_are_found_by_the_tunnel_that_they_forward_to() {
    let mut world = World::new();
    let first = world.established(&pdu_session(7, ue(Some(UE), None)));
    let second = world.established(&pdu_session(8, ue(Some("10.45.0.3"), None)));
    let remote = |teid| RemoteTunnel {
        teid,
        address: GNB.into(),
    };
    let found = |world: &World, teid| -> Vec<(u64, u64)> {
        let found = world.sessions.sessions_of_remote(remote(teid));
        found
            .into_iter()
            .map(|(_, seid, cp_seid)| (seid, cp_seid))
            .collect()
    };
    assert_eq!(found(&world, 5), []);
    world.modify(first, &tunnel(1, 5, GNB)).unwrap();
    world.modify(second, &tunnel(1, 5, GNB)).unwrap();
    let mut both = [(first, 7), (second, 8)];
    both.sort_unstable();
    assert_eq!(found(&world, 5), both);
    world.modify(first, &idle()).unwrap();
    assert_eq!(found(&world, 5), [(second, 8)], "it buffers");
    world.modify(second, &tunnel(1, 6, GNB)).unwrap();
    assert_eq!(
        (found(&world, 5), found(&world, 6)),
        (vec![], vec![(second, 8)])
    );
    world.delete(second).unwrap();
    assert_eq!(found(&world, 6), []);
}

#[test]
fn sdf_filters_say_what_they_can() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), None));
    let filter = SdfFilter {
        flow_description: Some("permit out 50 from 192.0.2.1 to assigned".to_owned()),
        tos: Some((0xb9, 0xfc)),
        spi: Some(0x1234),
        flow_label: Some(0xfff_ffff),
        id: Some(3),
    };
    request.create_pdrs[0].pdi.sdf_filters = vec![filter];
    // A bidirectional filter, described by another PDR of the same request.
    request.create_pdrs[1].pdi.sdf_filters = vec![SdfFilter {
        id: Some(3),
        ..SdfFilter::default()
    }];
    request.create_pdrs.swap(0, 1);
    let seid = world.established(&request);
    for pdr in [1, 2] {
        let filters = world.detections_of(seid, pdr)[0].filters.clone().unwrap();
        let [filter] = filters.as_slice() else {
            panic!("{filters:?}");
        };
        assert_eq!((filter.tos, filter.spi), (Some((0xb8, 0xfc)), Some(0x1234)));
        assert_eq!(filter.flow_label, Some(0xf_ffff));
        assert_eq!(filter.flow.as_ref().unwrap().protocol, Some(50));
    }
}

#[test]
fn an_f_teid_of_both_families() {
    let mut world = World::dual_stack();
    let established = world
        .establish(&pdu_session(7, ue(Some(UE), None)))
        .unwrap();
    for created in &established.created_pdrs {
        let Some(FTeid::Given { ipv4, ipv6, .. }) = created.f_teid else {
            panic!("{created:?}");
        };
        assert_eq!(ipv4.unwrap().octets(), GTPU);
        assert_eq!(ipv6, Some(GTPU_V6));
        assert_eq!(created.ue_ip_address, None, "it was given");
    }
    let mut request = sgw_u(8);
    for pdr in &mut request.create_pdrs {
        pdr.pdi.f_teid = Some(FTeid::Choose {
            ipv4: false,
            ipv6: true,
            id: None,
        });
    }
    let established = world.establish(&request).unwrap();
    let Some(FTeid::Given { ipv4, ipv6, .. }) = established.created_pdrs[0].f_teid else {
        panic!("{established:?}");
    };
    assert_eq!((ipv4, ipv6), (None, Some(GTPU_V6)));
    world.check();
}
