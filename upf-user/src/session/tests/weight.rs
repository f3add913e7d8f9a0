//! How much memory control planes may make us keep.

use super::requests::*;
use super::world::World;
use crate::pfcp::ie::{
    ApplyAction, Cause, FqCsid, FqCsidNode, HeaderEnrichment, Interface, MeasurementMethod,
    RedirectInformation,
};
use crate::pfcp::message::{
    AccessForwardingAction, AdditionalMonitoringTime, CreateFar, CreateMar, CreateTrafficEndpoint,
    CreateUrr, DuplicatingParameters, Pdi, Refusal, SessionEstablishmentRequest,
    SessionModificationRequest, UpdateFar, UpdateForwardingParameters, UpdateUrr,
};
use crate::pfcp::service::SessionService;
use crate::session::weight::BYTES_PER_SLOT;

/// One PDR for each direction.
fn ordinary(address: &str) -> SessionEstablishmentRequest {
    let mut request = pgw_u(7, ue(Some(address), None));
    request.create_pdrs.truncate(2);
    request.create_fars.truncate(2);
    request
}

fn weight_of(request: &SessionEstablishmentRequest) -> usize {
    let mut world = World::new();
    world.established(request);
    world.check();
    world.sessions.weight
}

fn url(octets: usize) -> RedirectInformation {
    RedirectInformation {
        address_type: 2,
        address: "x".repeat(octets),
        other_address: None,
        port: None,
    }
}

#[test]
fn an_ordinary_session_weighs_less_than_half_of_what_it_may() {
    let weight = weight_of(&ordinary("10.45.0.2"));
    assert!((1000..BYTES_PER_SLOT / 2).contains(&weight), "{weight}");
    // With what it knows of routers, and two tunnels.
    let weight = weight_of(&pdu_session(7, ue(Some("10.45.0.2"), None)));
    assert!((2000..BYTES_PER_SLOT).contains(&weight), "{weight}");
}

/// What is added, and how many bytes it is at least.
type Addition = (&'static str, usize, fn(&mut SessionEstablishmentRequest));

#[test]
fn all_that_a_request_brings_has_its_weight() {
    let rows: &[Addition] = &[
        ("PDRs", 10 * 250, |request| {
            let pdi = request.create_pdrs[1].pdi.clone();
            let pdrs = (100..110).map(|id| pdr(id, None, 2, &[], pdi.clone()));
            request.create_pdrs.extend(pdrs);
        }),
        ("FARs", 10 * 100, |request| {
            let fars = (100..110).map(|id| far(id, DROP, None));
            request.create_fars.extend(fars);
        }),
        ("QERs", 10 * 100, |request| {
            let qers = (100..110).map(|id| qer(id, None, None));
            request.create_qers.extend(qers);
        }),
        ("ports", 128 * 4, |request| {
            let ports: Vec<_> = (1..=64).map(|port| port.to_string()).collect();
            let ports = ports.join(",");
            let flow = format!("permit out 6 from 2001:db8::1 {ports} to assigned {ports}");
            request.create_pdrs[0].pdi.sdf_filters = vec![sdf(&flow)];
        }),
        ("framed routes", 8 * 16, |request| {
            let nets = (0..8).map(|n| format!("192.168.{n}.0/24"));
            request.create_pdrs[0].pdi.framed_routes = nets.collect();
        }),
        ("QFIs", 64, |request| {
            request.create_pdrs[1].pdi.qfis = (0..64).collect();
        }),
        ("QER IDs", 60 * 4, |request| {
            let ids = || 100..160;
            request
                .create_qers
                .extend(ids().map(|id| qer(id, None, None)));
            request.create_pdrs[1].qer_ids.extend(ids());
        }),
        ("a traffic endpoint", 64, |request| {
            let endpoint = CreateTrafficEndpoint {
                id: 1,
                f_teid: Some(choose(None)),
                qfis: (0..64).collect(),
                ..CreateTrafficEndpoint::default()
            };
            request.create_traffic_endpoints.push(endpoint);
        }),
        ("Redirect Information", 5000, |request| {
            let forwarding = request.create_fars[1].forwarding.as_mut().unwrap();
            forwarding.redirect_information = Some(url(5000));
        }),
        ("Header Enrichment", 400, |request| {
            let forwarding = request.create_fars[1].forwarding.as_mut().unwrap();
            forwarding.header_enrichment = Some(HeaderEnrichment {
                header_type: 0,
                name: "n".repeat(200),
                value: "v".repeat(200),
            });
        }),
        ("DNAI", 300, |request| {
            let forwarding = request.create_fars[1].forwarding.as_mut().unwrap();
            forwarding.data_network_access_identifier = Some("d".repeat(300));
        }),
        ("Duplicating Parameters", 4 * 32, |request| {
            let copy = DuplicatingParameters {
                destination_interface: Interface::LiFunction,
                outer_header_creation: Some(gtpu(9, GNB)),
                ..DuplicatingParameters::default()
            };
            request.create_fars[1].duplicating = vec![copy; 4];
        }),
        ("URRs", 2 * 300 + 4 + 64 * 30, |request| {
            let monitoring = AdditionalMonitoringTime::default();
            let urr = |id, linked: &[u32]| CreateUrr {
                id,
                measurement_method: MeasurementMethod(1),
                settings: UpdateUrr {
                    linked_urr_ids: linked.to_vec(),
                    additional_monitoring_times: vec![monitoring.clone(); 64],
                    ..UpdateUrr::default()
                },
                ..CreateUrr::default()
            };
            request.create_urrs = vec![urr(1, &[]), urr(2, &[1])];
        }),
        ("a MAR's URR IDs", 64 * 4, |request| {
            let urr = |id| CreateUrr {
                id,
                measurement_method: MeasurementMethod(1),
                ..CreateUrr::default()
            };
            request.create_urrs = (1..=64).map(urr).collect();
            request.create_mars.push(CreateMar {
                id: 1,
                tgpp_access: Some(AccessForwardingAction {
                    far_id: 1,
                    urr_ids: (1..=64).collect(),
                    ..AccessForwardingAction::default()
                }),
                ..CreateMar::default()
            });
        }),
        ("remote tunnels", 10 * 4 * 180, |request| {
            let copy = |teid| DuplicatingParameters {
                destination_interface: Interface::Core,
                outer_header_creation: Some(gtpu(teid, GNB)),
                ..DuplicatingParameters::default()
            };
            let fars = (100..110).map(|id| CreateFar {
                duplicating: (0..4).map(|n| copy(4 * id + n)).collect(),
                ..far(id, ApplyAction(ApplyAction::DUPL | ApplyAction::DROP), None)
            });
            request.create_fars.extend(fars);
        }),
        ("APN/DNN", 200, |request| {
            request.dnn = Some("d".repeat(208));
        }),
        ("User ID", 5000, |request| {
            request.user_id.as_mut().unwrap().nai = Some("n".repeat(5000));
        }),
        ("Group ID", 5000, |request| {
            request.group_id = Some(vec![0; 5000]);
        }),
        ("FQ-CSIDs", 10 * 30, |request| {
            let csid = FqCsid {
                node: FqCsidNode::Id(1),
                csids: (0..15).collect(),
                node_type: None,
            };
            request.fq_csids = vec![csid; 10];
        }),
    ];
    let before = weight_of(&ordinary("10.45.0.2"));
    for (what, bytes, add) in rows {
        let mut request = ordinary("10.45.0.2");
        add(&mut request);
        let weight = weight_of(&request);
        assert!(weight >= before + bytes, "{what}: {before} {weight}");
        assert!(weight < before + 4 * bytes + 30_000, "{what}: {weight}");
    }
}

/// An application's PFDs are not the session's, but its name is.
#[test]
fn the_name_of_an_application_has_its_weight() {
    use super::applications::{flows, pfds, provision};
    let mut world = World::new();
    let id = "a".repeat(1000);
    let flow = flows(&["permit out 6 from 192.0.2.1 to assigned"]);
    provision(&mut world, &pfds(&id, &[flow])).unwrap();
    let mut request = ordinary("10.45.0.2");
    request.create_pdrs[0].pdi = Pdi {
        application_id: Some(id),
        ..request.create_pdrs[0].pdi.clone()
    };
    world.established(&request);
    assert!(world.sessions.weight >= weight_of(&ordinary("10.45.0.2")) + 1000);
    world.check();
}

#[test]
fn sessions_that_weigh_too_much_together_are_refused() {
    let most = 16 * BYTES_PER_SLOT;
    let mut world = World::with_slots(16);
    let redirected = |address: &str, octets: usize| {
        let mut request = ordinary(address);
        let forwarding = request.create_fars[1].forwarding.as_mut().unwrap();
        forwarding.redirect_information = Some(url(octets));
        request
    };
    let expected = Refusal {
        cause: Cause::NoResourcesAvailable,
        offending_ie: None,
        failed_rule: None,
    };
    let first = world.established(&redirected("10.45.0.2", most / 2));
    let before = world.state();
    let heavy = redirected("10.45.0.3", most / 2);
    assert_eq!(world.establish(&heavy), Err(expected.clone()));
    assert_eq!(world.state(), before);
    let second = world.established(&ordinary("10.45.0.3"));
    world.check();
    // Neither may it grow, by its rules or by what is told of it.
    let longer = |octets| SessionModificationRequest {
        update_fars: vec![UpdateFar {
            id: 2,
            forwarding: Some(UpdateForwardingParameters {
                redirect_information: Some(url(octets)),
                ..UpdateForwardingParameters::default()
            }),
            ..UpdateFar::default()
        }],
        ..SessionModificationRequest::default()
    };
    let csid = FqCsid {
        node: FqCsidNode::Id(1),
        csids: (0..15).collect(),
        node_type: None,
    };
    let in_sets = SessionModificationRequest {
        fq_csids: vec![csid; 1000],
        ..SessionModificationRequest::default()
    };
    for request in [&longer(most / 2), &in_sets] {
        let before = world.state();
        assert_eq!(world.modify(second, request), Err(expected.clone()));
        assert_eq!(world.state(), before);
    }
    // It may get lighter, and what is not heavier is welcome in any case.
    world.modify(first, &longer(most / 4)).unwrap();
    world.check();
    world.modify(second, &longer(most / 2)).unwrap();
    world.modify(first, &idle()).unwrap();
    world.check();
    world.delete(first).unwrap();
    world.delete(second).unwrap();
    world.established(&heavy);
    world.check();
    // What has ended makes way.
    world.sessions.tick_portion.sessions = 0;
    world.sessions.delete_all(&smf(), world.now);
    assert!(world.sessions.weight > 0);
    world.established(&heavy);
    world.sessions.delete_all(&smf(), world.now);
    world.drain();
    assert_eq!(world.sessions.weight, 0);
}
