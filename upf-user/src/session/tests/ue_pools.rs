//! UE addresses that are left to us (UEIP, TS 29.244 clause 5.21).

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use super::requests::*;
use super::world::World;
use crate::datapath::chaos::Chaos;
use crate::pfcp::ie::{Cause, FailedRule, Interface, UeIpAddress, kind};
use crate::pfcp::message::{Pdi, SessionEstablishmentRequest, SessionModificationRequest};
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

impl Pdi {
    fn with_id(self, id: u16) -> crate::pfcp::message::UpdatePdr {
        crate::pfcp::message::UpdatePdr {
            pdi: Some(self),
            ..update_pdr(id)
        }
    }
}
