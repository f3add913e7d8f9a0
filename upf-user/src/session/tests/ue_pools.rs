//! UE addresses that are left to us (UEIP, TS 29.244 clause 5.21).

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use super::requests::*;
use super::world::World;
use crate::datapath::chaos::Chaos;
use crate::pfcp::ie::{Cause, FailedRule, Interface, NodeId, UeIpAddress, kind};
use crate::pfcp::message::{Pdi, Refusal, SessionEstablishmentRequest, SessionModificationRequest};
use crate::pfcp::service::SessionService;

/// A session whose address is left to us, in both PDRs.
pub(super) fn choosing(choose_ipv4: bool, choose_ipv6: bool) -> SessionEstablishmentRequest {
    let address = UeIpAddress {
        choose_ipv4,
        choose_ipv6,
        is_destination: true,
        ..UeIpAddress::default()
    };
    pgw_u(1, address)
}

impl World {
    fn chosen(&mut self) -> Result<(u64, UeIpAddress), Cause> {
        let established = self.establish(&choosing(true, false));
        let established = established.map_err(|refusal| refusal.cause)?;
        let address = established.created_pdrs[0].ue_ip_address.unwrap();
        Ok((established.up_f_seid.seid, address))
    }
}

#[test]
fn both_families_are_handed_out_and_told() {
    let mut world = World::new();
    let mut seen = HashSet::new();
    for _ in 0..300 {
        let established = world.establish(&choosing(true, true)).unwrap();
        let told: Vec<_> = established
            .created_pdrs
            .iter()
            .filter_map(|pdr| pdr.ue_ip_address)
            .collect();
        assert_eq!(told.len(), 2, "both PDRs");
        assert_eq!(told[0], told[1], "one address of each family for a session");
        for address in [
            IpAddr::from(told[0].ipv4.unwrap()),
            told[0].ipv6.unwrap().into(),
        ] {
            assert!(seen.insert(address), "{address} twice");
            assert_eq!(world.downlink(1, &address.to_string()).verdict, 1);
        }
    }
    world.check();
    assert!(seen.contains(&"10.45.0.2".parse::<IpAddr>().unwrap()));
    assert!(seen.contains(&"2001:db8:45:1::".parse::<IpAddr>().unwrap()));
}

#[test]
fn an_address_rests_before_the_next_ue_gets_it() {
    let mut world = World::with_pool("10.45.0.0/29");
    assert_eq!(world.sessions.load_percent(), 0);
    let sessions: Vec<_> = (0..5).map(|_| world.chosen().unwrap()).collect();
    assert_eq!(
        world.sessions.load_percent(),
        100,
        "the pool is the scarcest"
    );
    let before = world.state();
    let refusal = world.establish(&choosing(true, false)).unwrap_err();
    assert_eq!(refusal.cause, Cause::AllDynamicAddressesOccupied);
    assert_eq!(refusal.offending_ie, Some(kind::UE_IP_ADDRESS));
    assert_eq!(refusal.failed_rule, Some(FailedRule::Pdr(1)));
    assert_eq!(world.state(), before);
    let (seid, address) = sessions[2];
    world.delete(seid).unwrap();
    assert_eq!(
        world.chosen().unwrap_err(),
        Cause::AllDynamicAddressesOccupied
    );
    world.now += Duration::from_secs(31);
    assert_eq!(world.chosen().unwrap().1, address);
    world.check();
}

#[test]
fn what_control_planes_give_is_not_handed_out() {
    let mut world = World::with_pool("10.45.0.0/29");
    let given = world.established(&pgw_u(1, ue(Some("10.45.0.3"), None)));
    let ours: Vec<_> = std::iter::from_fn(|| world.chosen().ok()).collect();
    let addresses: Vec<_> = ours
        .iter()
        .map(|(_, ue)| ue.ipv4.unwrap().octets()[3])
        .collect();
    assert_eq!(addresses, [2, 4, 5, 6]);
    let refusal = world
        .establish(&pgw_u(1, ue(Some("10.45.0.4"), None)))
        .unwrap_err();
    assert_eq!(
        refusal.cause,
        Cause::RuleCreationFailure,
        "it is ours to give"
    );
    world.check();
    world.delete(given).unwrap();
    assert!(world.chosen().is_err(), "it rests as well");
    world.now += Duration::from_secs(31);
    assert_eq!(world.chosen().unwrap().1.ipv4.unwrap().octets()[3], 3);
    world.check();
}

#[test]
fn a_request_that_comes_to_nothing_takes_no_address() {
    let mut world = World::with_pool("10.45.0.0/29");
    for n in 0.. {
        let before = world.state();
        world.tables.set(Chaos::Nth(n));
        let outcome = world.chosen();
        world.repair();
        world.check();
        if outcome.is_ok() {
            assert!(n > 5, "{n}");
            break;
        }
        assert_eq!(world.state(), before, "write {n}");
    }
    // Were addresses lost on the way, there would not be so many.
    assert_eq!(std::iter::from_fn(|| world.chosen().ok()).count(), 4);
}

#[test]
fn the_address_goes_with_the_last_pdr_that_leaves_it_to_us() {
    let mut world = World::new();
    let (seid, address) = world.chosen().unwrap();
    let given = |id, source| {
        Pdi {
            ue_ip_address: Some(ue(Some("10.45.9.9"), None)),
            ..pdi(source)
        }
        .with_id(id)
    };
    let modification = SessionModificationRequest {
        update_pdrs: vec![given(1, Interface::Core), given(2, Interface::Access)],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &modification).unwrap();
    world.check();
    let address = address.ipv4.unwrap().to_string();
    assert!(world.sessions.books.allocated().is_empty());
    world.established(&pgw_u(1, ue(Some(&address), None)));
    world.check();
}

/// A session that only its uplink PDR names an address in.
fn uplink_only(address: &str) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some(address), None));
    request.create_pdrs.retain(|pdr| pdr.id == 2);
    request
}

/// Its FAR leads to another UPF.
fn towards_n9(mut request: SessionEstablishmentRequest) -> SessionEstablishmentRequest {
    let to = (Interface::Core, Some(gtpu(9, GNB)));
    request.create_fars[1] = far(2, FORW, Some(to));
    request
}

#[test]
fn an_address_that_only_the_uplink_names_is_not_handed_out() {
    let mut world = World::with_pool("10.45.0.0/29");
    let named = world.established(&uplink_only("10.45.0.3"));
    let twice = world.established(&uplink_only("10.45.0.3"));
    world.check();
    let taken = |world: &mut World| {
        let ours = std::iter::from_fn(|| world.chosen().ok());
        let last = ours.map(|(_, ue)| ue.ipv4.unwrap().octets()[3]);
        last.collect::<Vec<_>>()
    };
    assert_eq!(taken(&mut world), [2, 4, 5, 6]);
    for seid in [named, twice] {
        assert_eq!(taken(&mut world), [0; 0]);
        world.delete(seid).unwrap();
        world.check();
    }
    assert_eq!(taken(&mut world), [0; 0], "it rests as well");
    world.now += Duration::from_secs(31);
    assert_eq!(taken(&mut world), [3]);
    world.check();
}

#[test]
fn the_uplink_does_not_name_what_another_session_was_given_by_us() {
    let mut world = World::with_pool("10.45.0.0/29");
    let (seid, address) = world.chosen().unwrap();
    let address = address.ipv4.unwrap().to_string();
    let expected = Refusal {
        cause: Cause::RuleCreationFailure,
        offending_ie: Some(kind::UE_IP_ADDRESS),
        failed_rule: Some(FailedRule::Pdr(2)),
    };
    let before = world.state();
    let refusal = world.establish(&uplink_only(&address)).unwrap_err();
    assert_eq!(refusal, expected);
    let mut restored = uplink_only(&address);
    restored.is_restoration = true;
    restored.create_pdrs[0].pdi.f_teid = Some(given(0x100, super::world::GTPU));
    let refusal = world.establish(&restored).unwrap_err();
    assert_eq!(refusal.cause, Cause::RestorationFailure);
    assert_eq!(world.state(), before);
    // What leaves by a tunnel is judged where the tunnel ends.
    let classifier = world.established(&towards_n9(uplink_only(&address)));
    let breakout = SessionModificationRequest {
        create_fars: vec![far(9, FORW, Some((Interface::Core, None)))],
        update_pdrs: vec![crate::pfcp::message::UpdatePdr {
            far_id: Some(9),
            ..update_pdr(2)
        }],
        ..SessionModificationRequest::default()
    };
    let before = world.state();
    assert_eq!(world.modify(classifier, &breakout), Err(expected));
    assert_eq!(world.state(), before);
    // The other session's own uplink has it, of course.
    world.modify(seid, &idle()).unwrap();
    world.delete(seid).unwrap();
    world.modify(classifier, &breakout).unwrap();
    world.check();
}

#[test]
fn the_uplink_may_name_what_another_session_was_given_by_its_control_plane() {
    let mut world = World::new();
    let anchor = world.established(&pgw_u(1, ue(Some("10.45.0.3"), None)));
    world.established(&uplink_only("10.45.0.3"));
    world.check();
    world.delete(anchor).unwrap();
    world.check();
    let outside = world.established(&uplink_only("192.0.2.3"));
    world.check();
    assert!(!world.sessions.books.named().is_empty());
    world.delete(outside).unwrap();
    world.sessions.delete_all(&smf(), world.now);
    world.drain();
    assert!(world.sessions.books.named().is_empty());
}

/// Another one could send as its UE.
#[test]
fn the_uplink_does_not_name_what_another_control_plane_s_session_was_given() {
    let stranger = NodeId::Fqdn("smf.example.org".to_owned());
    let named = || uplink_only("10.45.0.3");
    let establish = |world: &mut World, request: &SessionEstablishmentRequest| {
        let outcome = world.sessions.establish(&stranger, 0, request, world.now);
        outcome.map(|established| established.up_f_seid.seid)
    };
    let mut world = World::new();
    let early = establish(&mut world, &named()).unwrap();
    let anchor = world.established(&pgw_u(1, ue(Some("10.45.0.3"), None)));
    let expected = Refusal {
        cause: Cause::RuleCreationFailure,
        offending_ie: Some(kind::UE_IP_ADDRESS),
        failed_rule: Some(FailedRule::Pdr(2)),
    };
    let before = world.state();
    assert_eq!(establish(&mut world, &named()), Err(expected.clone()));
    assert_eq!(world.state(), before);
    establish(&mut world, &towards_n9(named())).unwrap();
    // Who had it before is not stopped by what came later.
    let request = SessionModificationRequest::default();
    let answer = world.sessions.modify(&stranger, early, &request, world.now);
    assert_eq!(answer.outcome.map(|_| ()), Ok(()));
    world.check();
    // What has ended is not in the way.
    world.sessions.tick_portion.sessions = 0;
    world.sessions.delete_all(&smf(), world.now);
    establish(&mut world, &named()).unwrap();
    assert!(!world.sessions.sessions.contains_key(&anchor));
    world.check();
}

/// The pools of two network instances may overlap.
#[test]
fn an_address_of_another_network_instance_is_not_the_session_s() {
    let mut world = World::new();
    let mut other = choosing(true, false);
    for pdr in &mut other.create_pdrs {
        pdr.pdi.network_instance = Some("ims".to_owned());
    }
    for far in &mut other.create_fars {
        if let Some(forwarding) = &mut far.forwarding {
            forwarding.network_instance = Some("ims".to_owned());
        }
    }
    let established = world.establish(&other).unwrap();
    let address = established.created_pdrs[0].ue_ip_address.unwrap();
    let address = address.ipv4.unwrap().to_string();
    world.check();
    let mut request = pgw_u(2, ue(Some(&address), None));
    let to_ims = |request: &mut SessionEstablishmentRequest| {
        let forwarding = request.create_fars[1].forwarding.as_mut().unwrap();
        forwarding.network_instance = Some("ims".to_owned());
    };
    let seid = world.established(&request);
    world.check();
    world.delete(seid).unwrap();
    to_ims(&mut request);
    let refusal = world.establish(&request).unwrap_err();
    assert_eq!(refusal.cause, Cause::RuleCreationFailure);
    assert_eq!(refusal.failed_rule, Some(FailedRule::Pdr(2)));
    world.check();
}

/// What we chose for a session stays its own when its control plane gives it.
#[test]
fn a_session_may_be_given_what_we_chose_for_it() {
    let mut world = World::with_pool("10.45.0.0/29");
    let given = |id, source, address: UeIpAddress| {
        let address = ue(Some(&address.ipv4.unwrap().to_string()), None);
        Pdi {
            ue_ip_address: Some(address),
            ..pdi(source)
        }
        .with_id(id)
    };
    // Only in the uplink, and then in both directions.
    for remove_pdrs in [vec![1], vec![]] {
        let (seid, address) = world.chosen().unwrap();
        let mut update_pdrs = vec![given(2, Interface::Access, address)];
        if remove_pdrs.is_empty() {
            update_pdrs.push(given(1, Interface::Core, address));
        }
        let modification = SessionModificationRequest {
            remove_pdrs,
            update_pdrs,
            ..SessionModificationRequest::default()
        };
        world.modify(seid, &modification).unwrap();
        world.check();
        assert!(world.sessions.books.allocated().is_empty());
        world.now += Duration::from_secs(31);
        let (other, another) = world.chosen().unwrap();
        assert_ne!(another, address);
        world.delete(other).unwrap();
        world.delete(seid).unwrap();
        world.check();
        world.now += Duration::from_secs(31);
        let ours: Vec<_> = std::iter::from_fn(|| world.chosen().ok()).collect();
        assert_eq!(ours.len(), 5, "it has rested");
        for (seid, _) in ours {
            world.delete(seid).unwrap();
        }
        world.now += Duration::from_secs(31);
    }
}

/// A downlink PDR that comes later makes the address the session's, and its going leaves the name.
#[test]
fn an_address_of_the_uplink_becomes_the_session_s() {
    let mut world = World::with_pool("10.45.0.0/29");
    let seid = world.established(&uplink_only("10.45.0.3"));
    let downlink = pgw_u(1, ue(Some("10.45.0.3"), None)).create_pdrs[0].clone();
    let arrives = SessionModificationRequest {
        create_pdrs: vec![downlink],
        ..SessionModificationRequest::default()
    };
    let leaves = SessionModificationRequest {
        remove_pdrs: vec![1],
        ..SessionModificationRequest::default()
    };
    for _ in 0..2 {
        world.modify(seid, &arrives).unwrap();
        world.check();
        assert!(world.sessions.books.named().is_empty());
        world.modify(seid, &leaves).unwrap();
        world.check();
        assert_eq!(world.sessions.books.named().len(), 1);
    }
    world.now += Duration::from_secs(31);
    let ours = std::iter::from_fn(|| world.chosen().ok());
    let count = ours.inspect(|(_, ue)| assert_ne!(ue.ipv4.unwrap().octets()[3], 3));
    assert_eq!(count.count(), 4);
    // Its tables may fail while it goes.
    world.tables.set(Chaos::From(0));
    assert!(world.delete(seid).is_err());
    world.repair();
    world.check();
    assert_eq!(world.sessions.books.named().len(), 1);
    world.delete(seid).unwrap();
    world.now += Duration::from_secs(31);
    assert_eq!(world.chosen().unwrap().1.ipv4.unwrap().octets()[3], 3);
    world.check();
}

impl Pdi {
    fn with_id(self, id: u16) -> crate::pfcp::message::UpdatePdr {
        crate::pfcp::message::UpdatePdr {
            pdi: Some(self),
            ..update_pdr(id)
        }
    }
}
