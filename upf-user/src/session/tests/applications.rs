//! Applications by PFD (TS 29.244 clauses 6.2.5 and 7.4.3).

use std::collections::HashMap;
use std::sync::Arc;

use super::requests::*;
use super::world::World;
use crate::pfcp::ie::{Cause, FailedRule, Interface, NodeId, kind};
use crate::pfcp::message::{
    ApplicationPfds, Pdi, PfdContents, PfdManagementRequest, Refusal, SessionModificationRequest,
};
use crate::pfcp::service::SessionService;
use crate::session::applications::{Applications, MAX_WEIGHT, MAX_WEIGHT_OF_ALL, room};
use crate::session::versions::Memory;
use crate::session::{MAX_APPLICATION_FLOWS, MAX_APPLICATIONS};

pub(super) fn flows(flows: &[&str]) -> PfdContents {
    PfdContents {
        flow_descriptions: flows.iter().map(|flow| (*flow).to_owned()).collect(),
        ..PfdContents::default()
    }
}

pub(super) fn pfds(id: &str, contents: &[PfdContents]) -> PfdManagementRequest {
    PfdManagementRequest {
        applications: vec![ApplicationPfds {
            application_id: id.to_owned(),
            contexts: contents
                .iter()
                .map(|contents| vec![contents.clone()])
                .collect(),
        }],
        node_id: None,
    }
}

/// And the sessions follow.
pub(super) fn provision(world: &mut World, request: &PfdManagementRequest) -> Result<(), Refusal> {
    let outcome = world.sessions.provision_pfds(&smf(), request, world.now);
    world.drain();
    outcome
}

/// PDR 5 of the session is for an application.
pub(super) fn with_application(world: &mut World, address: &str, id: &str) -> Result<u64, Refusal> {
    let mut request = pgw_u(7, ue(Some(address), None));
    let application = Pdi {
        application_id: Some(id.to_owned()),
        ..pdi(Interface::Core)
    };
    request
        .create_pdrs
        .push(pdr(5, Some(5), 1, &[], application));
    Ok(world.establish(&request)?.up_f_seid.seid)
}

/// The remote addresses that PDR 5 is for.
pub(super) fn remotes(world: &World, seid: u64) -> Vec<String> {
    let filters = world.detections_of(seid, 5)[0].filters.clone().unwrap();
    let flows = filters
        .iter()
        .map(|filter| filter.flow.as_ref().unwrap().to_string());
    flows.collect()
}

#[test]
fn an_application_is_what_its_pfds_say() {
    let mut world = World::new();
    let expected = Refusal {
        cause: Cause::UnknownApplicationId,
        offending_ie: Some(kind::APPLICATION_ID),
        failed_rule: Some(FailedRule::Pdr(5)),
    };
    assert_eq!(
        with_application(&mut world, "10.45.0.2", "video"),
        Err(expected.clone())
    );
    let first = "permit out 6 from 192.0.2.1/32 443 to assigned";
    let second = "permit out 17 from 192.0.2.2/32 443 to assigned";
    provision(
        &mut world,
        &pfds("video", &[flows(&[first]), flows(&[second])]),
    )
    .unwrap();
    let seid = with_application(&mut world, "10.45.0.2", "video").unwrap();
    assert_eq!(remotes(&world, seid), [first, second]);
    let rules = world.downlink(1, "10.45.0.2");
    assert_eq!(world.list(&rules).len(), 3);
    world.check();
    // Sessions follow a change, also one of another application, and of none.
    provision(&mut world, &pfds("video", &[flows(&[second])])).unwrap();
    assert_eq!(remotes(&world, seid), [second]);
    world.check();
    provision(&mut world, &pfds("voice", &[flows(&[first])])).unwrap();
    assert_eq!(remotes(&world, seid), [second]);
    world.check();
    provision(&mut world, &PfdManagementRequest::default()).unwrap();
    assert_eq!(
        remotes(&world, seid),
        Vec::<String>::new(),
        "it matches nothing now"
    );
    world.check();
    assert_eq!(
        with_application(&mut world, "10.45.0.3", "video"),
        Err(expected)
    );
    world.modify(seid, &idle()).unwrap();
    world.check();
}

#[test]
fn control_planes_do_not_share_applications() {
    let mut world = World::new();
    let other = NodeId::Fqdn("smf.example.org".to_owned());
    let request = pfds(
        "video",
        &[flows(&["permit out ip from 192.0.2.1 to assigned"])],
    );
    world
        .sessions
        .provision_pfds(&other, &request, world.now)
        .unwrap();
    assert!(with_application(&mut world, "10.45.0.2", "video").is_err());
    provision(&mut world, &request).unwrap();
    let seid = with_application(&mut world, "10.45.0.2", "video").unwrap();
    let nothing = PfdManagementRequest::default();
    world
        .sessions
        .provision_pfds(&other, &nothing, world.now)
        .unwrap();
    world.drain();
    assert_eq!(remotes(&world, seid).len(), 1);
    world.sessions.delete_all(&smf(), world.now);
    assert!(with_application(&mut world, "10.45.0.2", "video").is_err());
}

#[test]
fn pfds_that_cannot_be_matched_are_refused() {
    let mut world = World::new();
    let flow = "permit out ip from 192.0.2.1 to assigned";
    provision(&mut world, &pfds("video", &[flows(&[flow])])).unwrap();
    let seid = with_application(&mut world, "10.45.0.2", "video").unwrap();
    let url = PfdContents {
        urls: vec!["^http://example.org/.*".to_owned()],
        ..flows(&[flow])
    };
    let domain = PfdContents {
        domain_names: vec![("example.org".to_owned(), None)],
        ..PfdContents::default()
    };
    let custom = PfdContents {
        custom: Some(vec![1, 2, 3]),
        ..PfdContents::default()
    };
    let many = vec![flow; MAX_APPLICATION_FLOWS + 1];
    let ie = Some(kind::PFD_CONTENTS);
    let rows = [
        ("8.2.39: URL", url, Cause::ServiceNotSupported, ie),
        (
            "8.2.39: domain name",
            domain,
            Cause::ServiceNotSupported,
            ie,
        ),
        ("8.2.39: custom", custom, Cause::ServiceNotSupported, ie),
        (
            "8.2.39: nothing",
            PfdContents::default(),
            Cause::ServiceNotSupported,
            ie,
        ),
        (
            "8.2.39: unreadable",
            flows(&["permit all"]),
            Cause::MandatoryIeIncorrect,
            ie,
        ),
        ("too many", flows(&many), Cause::NoResourcesAvailable, None),
    ];
    for (what, contents, cause, offending_ie) in rows {
        let before = world.state();
        let mut request = pfds(
            "video",
            &[flows(&["permit out ip from 192.0.2.9 to assigned"])],
        );
        request
            .applications
            .extend(pfds("voice", &[contents]).applications);
        let refusal = provision(&mut world, &request).unwrap_err();
        assert_eq!(
            (refusal.cause, refusal.offending_ie),
            (cause, offending_ie),
            "{what}"
        );
        assert_eq!(world.state(), before, "{what}");
    }
    let mut request = PfdManagementRequest::default();
    for n in 0..=MAX_APPLICATIONS {
        request
            .applications
            .extend(pfds(&n.to_string(), &[flows(&[flow])]).applications);
    }
    assert_eq!(
        provision(&mut world, &request).unwrap_err().cause,
        Cause::NoResourcesAvailable
    );
    assert_eq!(remotes(&world, seid).len(), 1);
}

#[test]
fn an_application_and_sdf_filters_are_not_for_one_pdr() {
    let mut world = World::new();
    provision(
        &mut world,
        &pfds("video", &[flows(&["permit out ip from any to assigned"])]),
    )
    .unwrap();
    let seid = with_application(&mut world, "10.45.0.2", "video").unwrap();
    let mut update = update_pdr(5);
    update.pdi = Some(Pdi {
        application_id: Some("video".to_owned()),
        sdf_filters: vec![sdf("permit out 6 from any to assigned")],
        ..pdi(Interface::Core)
    });
    let request = SessionModificationRequest {
        update_pdrs: vec![update],
        ..SessionModificationRequest::default()
    };
    let refusal = world.modify(seid, &request).unwrap_err();
    assert_eq!(refusal.cause, Cause::ServiceNotSupported);
}

/// Flow descriptions as heavy as they can be.
pub(super) fn heavy(id: &str) -> PfdManagementRequest {
    let ports = vec!["1"; 64].join(",");
    let flow = format!("permit out 6 from 192.0.2.1 {ports} to assigned {ports}");
    pfds(id, &[flows(&[flow.as_str(); MAX_APPLICATION_FLOWS])])
}

#[test]
fn the_pfds_of_a_control_plane_take_a_bounded_amount_of_memory() {
    let mut world = World::new();
    let mut count = 0;
    let refusal = loop {
        let before = world.state();
        match provision(&mut world, &heavy(&count.to_string())) {
            Ok(()) => count += 1,
            Err(refusal) => {
                assert_eq!(world.state(), before);
                break refusal;
            }
        }
    };
    let expected = Refusal {
        cause: Cause::NoResourcesAvailable,
        offending_ie: None,
        failed_rule: None,
    };
    assert_eq!(refusal, expected);
    let bytes = MAX_APPLICATION_FLOWS * 128 * 4;
    let most = MAX_WEIGHT / bytes;
    assert!((most / 2..most).contains(&count), "{count}");
    // To replace is no more, nor is one that comes before another one goes; light ones make room; others have room of
    // their own.
    provision(&mut world, &heavy("0")).unwrap();
    let mut instead = heavy("instead");
    instead.applications.extend(pfds("1", &[]).applications);
    provision(&mut world, &instead).unwrap();
    let light = flows(&["permit out ip from 192.0.2.1 to assigned"]);
    provision(&mut world, &pfds("0", &[light])).unwrap();
    provision(&mut world, &heavy("another")).unwrap();
    assert_eq!(provision(&mut world, &heavy("0")), Err(expected));
    let other = NodeId::Fqdn("smf.example.org".to_owned());
    let request = heavy("0");
    let sessions = &mut world.sessions;
    sessions
        .provision_pfds(&other, &request, world.now)
        .unwrap();
    provision(&mut world, &PfdManagementRequest::default()).unwrap();
    provision(&mut world, &heavy("0")).unwrap();
}

#[test]
fn the_pfds_of_all_control_planes_take_a_bounded_amount_of_memory() {
    let node = |n: usize| NodeId::Fqdn(format!("smf-{n}.example.org"));
    let mut all = HashMap::new();
    let full = MAX_WEIGHT_OF_ALL / MAX_WEIGHT;
    let applications = {
        let (mut applications, memory) = (Applications::default(), Memory::default());
        let fits = |n: &usize| {
            let next = applications.provisioned(&heavy(&n.to_string()), MAX_WEIGHT, &memory);
            next.map(|next| applications = next).is_ok()
        };
        let count = (0..).take_while(fits).count();
        assert!(count > 10);
        Arc::new(applications)
    };
    for n in 0..full {
        assert_eq!(room(&all, &node(n)), MAX_WEIGHT, "{n}");
        all.insert(node(n), Arc::clone(&applications));
    }
    // What the full ones have left.
    let left = room(&all, &node(full));
    assert!(left < MAX_WEIGHT / 2, "{left}");
    all.insert(node(full), Arc::clone(&applications));
    assert_eq!(room(&all, &node(full + 1)), 0);
    let none = Applications::default();
    let refusal = none.provisioned(&heavy("a"), 0, &Memory::default());
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    all.remove(&node(3));
    all.remove(&node(4));
    assert!(room(&all, &node(full + 1)) > MAX_WEIGHT / 2);
}

#[test]
fn versions_of_applications_share_what_did_not_change() {
    let none = Applications::default();
    let memory = Memory::default();
    let next = |old: &Applications, id| old.provisioned(&heavy(id), MAX_WEIGHT, &memory).unwrap();
    let first = next(&none, "a");
    let second = next(&first, "b");
    assert!(std::ptr::eq(first.filters("a"), second.filters("a")));
    let third = next(&second, "a");
    assert!(!std::ptr::eq(first.filters("a"), third.filters("a")));
    assert!(std::ptr::eq(second.filters("b"), third.filters("b")));
    assert_eq!(second, third);
}
