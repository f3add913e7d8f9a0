//! End markers to the tunnel that a session leaves (SNDEM, TS 29.244 clause 5.2.3.2).

use upf_common::abi::mapped;

use super::requests::*;
use super::world::World;
use crate::datapath::chaos::Chaos;
use crate::pfcp::ie::sm_request_flags;
use crate::pfcp::message::SessionModificationRequest;

const OTHER_GNB: std::net::Ipv4Addr = std::net::Ipv4Addr::new(10, 1, 0, 11);

pub(super) fn handover(teid: u32, address: std::net::Ipv4Addr) -> SessionModificationRequest {
    let mut request = tunnel(1, teid, address);
    let forwarding = request.update_fars[0].forwarding.as_mut().unwrap();
    forwarding.flags = sm_request_flags::SNDEM;
    request
}

impl World {
    fn end_markers(&self) -> Vec<([u8; 16], u32)> {
        let sent = self.tables.with(|tables| tables.take_end_markers());
        let sent = sent.into_iter();
        sent.map(|(peer, teid)| (peer.remote, u32::from_be_bytes(teid)))
            .collect()
    }
}

#[test]
fn the_old_tunnel_is_told_where_the_smf_asks_for_it() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(1, ue(Some("10.45.0.2"), None)));
    world.modify(seid, &handover(0x1001, GNB)).unwrap();
    assert_eq!(world.end_markers(), [], "there was no tunnel before");
    world.modify(seid, &handover(0x1002, OTHER_GNB)).unwrap();
    assert_eq!(world.end_markers(), [(mapped(GNB.octets()), 0x1001)]);
    world.modify(seid, &handover(0x1002, OTHER_GNB)).unwrap();
    assert_eq!(world.end_markers(), [], "it is the same tunnel");
    world.modify(seid, &tunnel(1, 0x1003, GNB)).unwrap();
    assert_eq!(world.end_markers(), [], "the SMF did not ask for it");
    world.check();
}

/// The marker is behind the write of the rules, and not sent where that write failed.
#[test]
fn a_marker_is_sent_only_when_the_new_rules_are_in_force() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(1, ue(Some("10.45.0.2"), None)));
    world.modify(seid, &tunnel(1, 0x1001, GNB)).unwrap();
    for n in 0.. {
        world.tables.set(Chaos::From(n));
        let outcome = world.modify(seid, &handover(0x1002, OTHER_GNB));
        let markers = world.end_markers();
        world.repair();
        if outcome.is_ok() {
            assert_eq!(markers.len(), 1);
            break;
        }
        let rules = world.downlink(1, "10.45.0.2");
        assert_eq!(u32::from_be_bytes(rules.peer_teid), 0x1001, "taken back");
        assert_eq!(markers, [], "write {n}");
    }
}
