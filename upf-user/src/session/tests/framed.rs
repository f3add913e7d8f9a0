//! Networks behind UEs (framed routes, TS 29.244 clause 5.16).

use std::net::IpAddr;

use upf_common::abi::{NO_SLOT, flags, mapped, verdict};

use super::requests::*;
use super::world::{World, teid_of};
use crate::pfcp::ie::{Cause, FailedRule, kind};
use crate::pfcp::message::{SessionEstablishmentRequest, SessionModificationRequest, UpdatePdr};

const UE: &str = "10.45.0.2";
const UE6: &str = "2001:db8:45:7::";

/// A session whose default PDRs of both directions name these networks.
pub(super) fn with_framed(
    v4: Option<&str>,
    v6: Option<&str>,
    nets: &[&str],
) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(v4, v6));
    for pdr in &mut request.create_pdrs[..2] {
        let nets = nets.iter().map(|net| (*net).to_owned());
        (pdr.pdi.framed_ipv6_routes, pdr.pdi.framed_routes) =
            nets.partition(|net| net.contains(':'));
    }
    request
}

fn reframed(nets: &[&str]) -> SessionModificationRequest {
    let request = with_framed(Some(UE), None, nets);
    let update = |n: usize| UpdatePdr {
        pdi: Some(request.create_pdrs[n].pdi.clone()),
        ..update_pdr(n as u16 + 1)
    };
    let mut updates = vec![update(0), update(1)];
    for update in &mut updates {
        update.pdi.as_mut().unwrap().f_teid = None;
    }
    SessionModificationRequest {
        update_pdrs: updates,
        ..SessionModificationRequest::default()
    }
}

impl World {
    fn behind(&self, instance: u32, address: &str) -> Option<u32> {
        let address = match address.parse().unwrap() {
            IpAddr::V4(address) => mapped(address.octets()),
            IpAddr::V6(address) => address.octets(),
        };
        self.tables.with(|tables| tables.framed(instance, address))
    }
}

#[test]
fn networks_lead_to_the_ue_and_may_send_as_the_ue() {
    let mut world = World::new();
    let nets = [
        "192.168.8.0/22",
        "192.168.9.0/24 10.0.0.1 1",
        "2001:db8:99::/56",
    ];
    let request = with_framed(Some(UE), Some(UE6), &nets);
    let established = world.establish(&request).unwrap();
    let slot = world.slot_of_address(1, UE.parse().unwrap()).unwrap().0;
    for address in [
        "192.168.8.1",
        "192.168.9.1",
        "192.168.11.255",
        "2001:db8:99:5::1",
    ] {
        assert_eq!(world.behind(1, address), Some(slot), "{address}");
    }
    assert_eq!(world.behind(1, "192.168.12.1"), None);
    assert_eq!(
        world.behind(2, "192.168.9.1"),
        None,
        "another network instance"
    );
    assert_eq!(
        world.tables.with(|tables| tables.framed_entries()),
        2,
        "one within another"
    );
    let uplink = world.list(&world.uplink(teid_of(&established.created_pdrs, 2)));
    let default = uplink.last().unwrap().rules;
    assert_eq!((default.framed_slot, default.framed_instance), (slot, 1));
    assert_eq!(default.flags & flags::ANY_SOURCE, 0);
    let downlink = world.downlink(1, UE);
    assert_eq!((downlink.framed_slot, downlink.framed_instance), (slot, 1));
    assert_eq!(downlink.verdict, verdict::FORWARD, "no list");
    let downlink = world.downlink(1, UE6);
    assert_eq!(
        (downlink.framed_slot, downlink.verdict),
        (NO_SLOT, verdict::FORWARD)
    );
    world.check();
    world.delete(established.up_f_seid.seid).unwrap();
    assert_eq!(world.behind(1, "192.168.9.1"), None);
    world.check();
}

#[test]
fn networks_of_two_ues_do_not_overlap_within_an_instance() {
    let mut world = World::new();
    let nets = ["192.168.8.0/22", "2001:db8:99::/56"];
    let first = world.established(&with_framed(Some(UE), None, &nets));
    let cases = [
        ("192.168.9.0/24", kind::FRAMED_ROUTE),
        ("192.168.0.0/16", kind::FRAMED_ROUTE),
        ("2001:db8:99:3::/64", kind::FRAMED_IPV6_ROUTE),
    ];
    for (net, ie) in cases {
        let before = world.state();
        let refusal = world
            .establish(&with_framed(Some("10.45.0.3"), None, &[net]))
            .unwrap_err();
        assert_eq!(refusal.cause, Cause::RuleCreationFailure, "{net}");
        assert_eq!(refusal.offending_ie, Some(ie), "{net}");
        assert_eq!(refusal.failed_rule, Some(FailedRule::Pdr(1)), "{net}");
        assert_eq!(world.state(), before);
    }
    world.established(&with_framed(Some("10.45.0.3"), None, &["192.168.12.0/22"]));
    world.check();
    world.delete(first).unwrap();
    world.established(&with_framed(
        Some(UE),
        None,
        &["192.168.0.0/21", "192.168.8.0/22"],
    ));
    world.check();
}

#[test]
fn a_wider_network_takes_the_place_of_its_parts() {
    let mut world = World::new();
    let seid = world.established(&with_framed(Some(UE), None, &["192.168.8.0/24"]));
    for nets in [
        &["192.168.8.0/22"][..],
        &["192.168.8.0/24", "192.168.9.0/24"],
        &["192.168.0.0/16"],
        &["192.168.8.0/24"],
    ] {
        world.modify(seid, &reframed(nets)).unwrap();
        world.check();
        let count = world.tables.with(|tables| tables.framed_entries());
        assert_eq!(count, nets.len(), "{nets:?}");
    }
}

/// A dedicated flow that names the UE's address is not for the networks behind it.
#[test]
fn a_pdr_for_the_ue_alone_leaves_the_networks_to_the_others() {
    let mut world = World::new();
    let mut request = with_framed(Some(UE), None, &["192.168.8.0/22"]);
    let mut own = request.create_pdrs[0].clone();
    (own.id, own.precedence) = (9, Some(10));
    own.pdi.framed_routes.clear();
    request.create_pdrs.push(own);
    world.established(&request);
    let list = world.list(&world.downlink(1, UE));
    let [own, all] = list[..] else {
        panic!("{list:?}");
    };
    assert_eq!(
        (own.filter.local, own.filter.local_mask),
        (mapped([10, 45, 0, 2]), [255; 16])
    );
    assert_eq!(all.filter.local_mask, [0; 16]);
    world.check();
}

#[test]
fn a_ue_may_have_networks_and_no_address() {
    let mut world = World::new();
    let mut request = with_framed(Some(UE), None, &["192.168.8.0/22"]);
    for pdr in &mut request.create_pdrs[..2] {
        pdr.pdi.ue_ip_address = None;
    }
    let established = world.establish(&request).unwrap();
    let slot = world.behind(1, "192.168.9.7").unwrap();
    let downlink = world.rules(
        crate::datapath::SlotIndex(slot),
        crate::datapath::Direction::Downlink,
    );
    assert_eq!(
        (downlink.framed_slot, downlink.verdict),
        (slot, verdict::FORWARD)
    );
    let uplink = world.uplink(teid_of(&established.created_pdrs, 2));
    assert_eq!(
        (uplink.framed_slot, uplink.flags & flags::ANY_SOURCE),
        (slot, 0)
    );
    world.check();
}

/// A route for everything would leave the other UEs nothing.
#[test]
fn a_network_of_all_addresses_is_refused() {
    let mut world = World::new();
    let seid = world.established(&with_framed(Some(UE), None, &["192.168.8.0/24"]));
    let rows = [
        ("0.0.0.0/0", kind::FRAMED_ROUTE),
        ("10.0.0.0/0 0.0.0.0 1", kind::FRAMED_ROUTE),
        ("::/0", kind::FRAMED_IPV6_ROUTE),
        ("::/16", kind::FRAMED_IPV6_ROUTE),
        ("::ffff:192.168.9.0/120", kind::FRAMED_IPV6_ROUTE),
    ];
    for (net, ie) in rows {
        let before = world.state();
        let expected = crate::pfcp::message::Refusal {
            cause: Cause::RuleCreationFailure,
            offending_ie: Some(ie),
            failed_rule: Some(FailedRule::Pdr(1)),
        };
        let another = with_framed(Some("10.45.0.3"), None, &[net]);
        let refusal = world.establish(&another).unwrap_err();
        assert_eq!(refusal, expected, "{net}");
        let nets = ["192.168.8.0/24", net];
        assert_eq!(world.modify(seid, &reframed(&nets)), Err(expected), "{net}");
        assert_eq!(world.state(), before, "{net}");
    }
    world.check();
}
