//! UE addresses that we choose (UEIP, TS 29.244 clause 5.21), and framed routes (clause 5.16).

use std::time::Duration;

use super::requests::*;
use super::world::{World, config};
use crate::pfcp::ie::{Cause, FailedRule, UeIpAddress, kind};
use crate::pfcp::message::{Pdi, Refusal, SessionEstablishmentRequest, SessionModificationRequest};
use crate::pfcp::service::{Established, SessionService};

fn left_to_us(v4: bool, v6: bool) -> UeIpAddress {
    UeIpAddress {
        choose_ipv4: v4,
        choose_ipv6: v6,
        is_destination: true,
        ..UeIpAddress::default()
    }
}

fn chosen(established: &Established, pdr: u16) -> Option<UeIpAddress> {
    let mut created = established.created_pdrs.iter();
    created.find(|created| created.id == pdr)?.ue_ip_address
}

#[test]
fn addresses_are_chosen_told_and_given_back() {
    let mut world = World::new();
    let empty = world.state();
    let established = world.establish(&pgw_u(1, left_to_us(true, true))).unwrap();
    let address = chosen(&established, 1).expect("a chosen address");
    let (v4, v6) = (address.ipv4.unwrap(), address.ipv6.unwrap());
    assert!(
        "10.45.0.0/16"
            .parse::<ipnet::Ipv4Net>()
            .unwrap()
            .contains(&v4)
    );
    assert!(
        "2001:db8:45::/48"
            .parse::<ipnet::Ipv6Net>()
            .unwrap()
            .contains(&v6)
    );
    assert_eq!(
        chosen(&established, 2),
        Some(address),
        "all PDRs of a session share it"
    );
    assert_eq!(chosen(&established, 3), None, "it was not left to us there");
    let rules = world.downlink(1, &v4.to_string());
    assert_eq!(rules.peer_teid, 0x77_u32.to_be_bytes());
    assert_eq!(world.downlink(1, &v6.to_string()).verdict, rules.verdict);
    world.check();
    // Another session gets another one, and a control plane may not give it to a third.
    let other = world.establish(&pgw_u(2, left_to_us(true, false))).unwrap();
    assert_ne!(chosen(&other, 1).unwrap().ipv4, Some(v4));
    assert_eq!(chosen(&other, 1).unwrap().ipv6, None);
    let before = world.state();
    let taken = world.establish(&pgw_u(3, ue(Some(&v4.to_string()), None)));
    let expected = Refusal {
        cause: Cause::RuleCreationFailure,
        offending_ie: Some(kind::UE_IP_ADDRESS),
        failed_rule: Some(FailedRule::Pdr(1)),
    };
    assert_eq!(taken, Err(expected));
    assert_eq!(world.state(), before);
    // A modification keeps it.
    let seid = established.up_f_seid.seid;
    world.modify(seid, &tunnel(1, 9, GNB)).unwrap();
    assert_eq!(
        world.downlink(1, &v4.to_string()).peer_teid,
        9_u32.to_be_bytes()
    );
    world.check();
    world.delete(seid).unwrap();
    world.delete(other.up_f_seid.seid).unwrap();
    world.check();
    assert!(world.state().has_same_tables(&empty));
}

#[test]
fn a_given_back_address_rests() {
    let text = super::world::CONFIG.replace("10.45.0.0/16\"\nipv6", "10.45.0.0/30\"\nipv6");
    let mut world = World::small(&config(&text));
    let first = world.establish(&pgw_u(1, left_to_us(true, false))).unwrap();
    let address = chosen(&first, 1).unwrap();
    let before = world.state();
    let occupied = Refusal {
        cause: Cause::AllDynamicAddressesOccupied,
        offending_ie: Some(kind::UE_IP_ADDRESS),
        failed_rule: Some(FailedRule::Pdr(1)),
    };
    assert_eq!(
        world.establish(&pgw_u(2, left_to_us(true, false))),
        Err(occupied.clone())
    );
    // What was chosen before the other family failed is free again.
    assert_eq!(
        world.establish(&pgw_u(2, left_to_us(true, true))),
        Err(occupied.clone())
    );
    assert_eq!(world.state(), before);
    world.delete(first.up_f_seid.seid).unwrap();
    assert_eq!(
        world.establish(&pgw_u(2, left_to_us(true, false))),
        Err(occupied),
        "it rests"
    );
    world.now += Duration::from_secs(31);
    let again = world.establish(&pgw_u(2, left_to_us(true, false))).unwrap();
    assert_eq!(chosen(&again, 1), Some(address));
    world.check();
}

#[test]
fn one_family_is_given_and_the_other_chosen() {
    let mut world = World::new();
    let mut mixed = left_to_us(false, true);
    mixed.ipv4 = Some("10.45.0.9".parse().unwrap());
    let established = world.establish(&pgw_u(1, mixed)).unwrap();
    let address = chosen(&established, 1).unwrap();
    assert_eq!(address.ipv4, None, "only what we chose is told");
    assert!(address.ipv6.is_some());
    assert_eq!(
        world.downlink(1, "10.45.0.9").verdict,
        upf_common::abi::verdict::FORWARD
    );
    world.check();
    // A PDR that names another address of the family that we chose is not of this session.
    let other = Pdi {
        ue_ip_address: Some(ue(None, Some("2001:db8:45:ff::"))),
        ..pdi(crate::pfcp::ie::Interface::Core)
    };
    let request = SessionModificationRequest {
        create_pdrs: vec![pdr(9, Some(9), 1, &[], other)],
        ..SessionModificationRequest::default()
    };
    let refusal = world
        .modify(established.up_f_seid.seid, &request)
        .unwrap_err();
    assert_eq!(refusal.cause, Cause::ServiceNotSupported);
}

#[test]
fn networks_behind_a_ue() {
    let mut world = World::new();
    let with_routes = |cp_seid, address, v4: &[&str], v6: &[&str]| {
        let mut request = pgw_u(cp_seid, ue(Some(address), None));
        let pdi = &mut request.create_pdrs[0].pdi;
        pdi.framed_routes = v4.iter().map(|route| (*route).to_owned()).collect();
        pdi.framed_ipv6_routes = v6.iter().map(|route| (*route).to_owned()).collect();
        request
    };
    let first = with_routes(
        1,
        "10.45.0.2",
        &["192.0.2.0/24 0.0.0.0 1"],
        &["2001:db8:99::/48"],
    );
    let seid = world.established(&first);
    let framed: Vec<_> = world.detections_of(seid, 1)[0].framed.clone();
    let nets: Vec<ipnet::IpNet> = vec![
        "192.0.2.0/24".parse().unwrap(),
        "2001:db8:99::/48".parse().unwrap(),
    ];
    assert_eq!(framed, nets);
    world.check();
    let refused = |world: &mut World, request: &SessionEstablishmentRequest| {
        let before = world.state();
        let refusal = world.establish(request).unwrap_err();
        assert_eq!(world.state(), before);
        (refusal.cause, refusal.offending_ie)
    };
    let overlapping = with_routes(2, "10.45.0.3", &["192.0.2.128/25"], &[]);
    assert_eq!(
        refused(&mut world, &overlapping),
        (Cause::RuleCreationFailure, Some(kind::FRAMED_ROUTE))
    );
    let unreadable = with_routes(2, "10.45.0.3", &[], &["2001:db8::"]);
    assert_eq!(
        refused(&mut world, &unreadable),
        (Cause::MandatoryIeIncorrect, Some(kind::FRAMED_IPV6_ROUTE))
    );
    let many: Vec<_> = (0..17).map(|n| format!("198.51.{n}.0/24")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let many = with_routes(2, "10.45.0.3", &many, &[]);
    assert_eq!(
        refused(&mut world, &many),
        (Cause::NoResourcesAvailable, Some(kind::FRAMED_ROUTE))
    );
    world.sessions.delete_all(&smf(), world.now);
    world.drain();
    world.check();
}
