//! GTP-U over IPv4 and IPv6: F-TEIDs with addresses of either family or both, and peers of both.

use std::net::IpAddr;

use upf_common::abi::flags;

use super::requests::*;
use super::world::{GTPU, GTPU_V6, World};
use crate::datapath::slots::PeerKey;
use crate::pfcp::ie::{FTeid, Interface, OuterHeaderCreation};
use crate::pfcp::message::{SessionEstablishmentRequest, SessionModificationRequest};

fn choosing(ipv4: bool, ipv6: bool) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some("10.45.0.2"), None));
    request.create_pdrs.truncate(2);
    request.create_pdrs[1].pdi.f_teid = Some(FTeid::Choose {
        ipv4,
        ipv6,
        id: None,
    });
    request
}

/// Outer headers over IPv6 alone.
fn gtpu6(teid: u32, address: &str) -> OuterHeaderCreation {
    OuterHeaderCreation {
        description: OuterHeaderCreation::GTPU_UDP_IPV6,
        teid: Some(teid),
        ipv4: None,
        ipv6: Some(address.parse().unwrap()),
        port: None,
    }
}

#[test]
fn an_f_teid_has_the_addresses_that_are_asked_for() {
    for (ipv4, ipv6) in [(true, false), (false, true), (true, true)] {
        let mut world = World::dual_stack();
        let established = world.establish(&choosing(ipv4, ipv6)).unwrap();
        let created = established.created_pdrs[0];
        let Some(FTeid::Given {
            teid,
            ipv4: v4,
            ipv6: v6,
        }) = created.f_teid
        else {
            panic!("{created:?}");
        };
        assert_eq!(v4, ipv4.then(|| GTPU.into()));
        assert_eq!(v6, ipv6.then_some(GTPU_V6));
        assert!(world.slot_of_teid(teid).is_some(), "one TEID for both");
        world.check();
    }
}

#[test]
fn a_peer_is_reached_from_our_address_of_its_family() {
    let mut world = World::dual_stack();
    let mut request = pgw_u(1, ue(Some("10.45.0.2"), None));
    let header = gtpu6(0x77, "2001:db8:1::10");
    request.create_fars[0] = far(1, FORW, Some((Interface::Access, Some(header))));
    let seid = world.established(&request);
    let rules = world.downlink(1, "10.45.0.2");
    assert_eq!(rules.flags & flags::ENCAPSULATE, flags::ENCAPSULATE);
    let key = PeerKey {
        local: GTPU_V6.into(),
        remote: "2001:db8:1::10".parse().unwrap(),
        instance: 0,
    };
    assert_eq!(world.peer(&rules), key.record());
    assert_eq!(world.peer(&rules).is_v6, 1);
    assert!(world.sessions.peers().contains(&key.remote));
    world.check();
    world.modify(seid, &tunnel(1, 0x78, GNB)).unwrap();
    let peer = world.peer(&world.downlink(1, "10.45.0.2"));
    assert_eq!((peer.is_v6, &peer.remote[12..]), (0, &GNB.octets()[..]));
    world.check();
    world
        .modify(seid, &SessionModificationRequest::default())
        .unwrap();
    assert!(!world.sessions.peers().contains(&IpAddr::from([0, 0, 0, 0])));
    world.delete(seid).unwrap();
    world.check();
}
