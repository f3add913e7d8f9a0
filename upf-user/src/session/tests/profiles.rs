//! What real control planes send.

use crate::datapath::Direction;
use std::net::IpAddr;
use upf_common::abi::match_flags;

use upf_common::abi::{MatchPorts, NO_METER, flags, mapped, verdict};
use upf_common::meter::Rate;

use super::requests::*;
use super::world::{World, teid_of};
use crate::pfcp::ie::{Interface, OuterHeaderCreation, SdfFilter};
use crate::pfcp::message::{
    Pdi, SessionModificationRequest, UpdateFar, UpdateForwardingParameters, UpdateQer,
};

const UE: &str = "10.45.0.2";
const UE6: &str = "2001:db8:45:7::";
const INTERNET: u32 = 1;

#[test]
fn an_ipv4_pdu_session_needs_no_lists_and_a_slot_for_the_control_planes_tunnel() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(7, ue(Some(UE), None)))
        .unwrap();
    let created = &established.created_pdrs;
    assert_eq!(
        created.iter().map(|pdr| pdr.id).collect::<Vec<_>>(),
        [2, 3, 4]
    );
    let (uplink, advertisement) = (teid_of(created, 2), teid_of(created, 3));
    assert_eq!(teid_of(created, 4), uplink, "the same CHOOSE ID");
    assert_ne!(uplink, advertisement);

    let rules = world.uplink(uplink);
    assert_eq!(rules.verdict, verdict::FORWARD);
    assert_eq!(
        rules.flags,
        flags::GATE_OPEN | flags::MATCH_QFI | flags::UE_V4
    );
    assert_eq!((rules.match_qfi, rules.ue_v4), (1, [10, 45, 0, 2]));
    assert_eq!(rules.instance, INTERNET);
    let slot = world.slot_of_teid(uplink).unwrap();
    assert_eq!(
        Some(slot),
        world.slot_of_address(INTERNET, UE.parse().unwrap())
    );
    assert_eq!(slot.0 & 0xff, 2, "the address decides");
    assert_eq!(rules.meter_slot, slot.0);
    let rate = Rate::from_bits_per_second(1_000_000_000);
    assert_eq!(world.rate(&rules, Direction::Uplink), rate.ticks_per_byte);

    let rules = world.downlink(INTERNET, UE);
    assert_eq!(rules.verdict, verdict::BUFFER);
    assert_eq!(rules.flags, flags::GATE_OPEN | flags::UE_V4);
    let rate = Rate::from_bits_per_second(2_000_000_000);
    assert_eq!(world.rate(&rules, Direction::Downlink), rate.ticks_per_byte);

    let rules = world.uplink(advertisement);
    assert_eq!(rules.verdict, verdict::BUFFER);
    assert_eq!(rules.flags, flags::GATE_OPEN | flags::ANY_SOURCE);
    assert_eq!(rules.meter_slot, NO_METER);
    assert_eq!(world.sessions.books.used_slots(), 2);
    world.check();
}

#[test]
fn a_tunnel_comes_goes_idle_and_is_handed_over() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(7, ue(Some(UE), None)))
        .unwrap();
    let seid = established.up_f_seid.seid;
    let advertisement = teid_of(&established.created_pdrs, 3);
    let other_gnb = [10, 1, 0, 11].into();
    for (teid, address) in [(0x1001, GNB), (0x2002, other_gnb)] {
        assert_eq!(world.modify(seid, &tunnel(1, teid, address)), Ok(vec![]));
        let rules = world.downlink(INTERNET, UE);
        assert_eq!(rules.verdict, verdict::FORWARD);
        let expected = flags::GATE_OPEN | flags::ENCAPSULATE | flags::PDU_SESSION | flags::UE_V4;
        assert_eq!((rules.flags, rules.qfi), (expected, 1));
        assert_eq!(rules.peer_teid, u32::to_be_bytes(teid));
        let peer = world.peer(&rules);
        assert_eq!(
            (peer.local, peer.remote),
            (mapped([10, 1, 0, 2]), mapped(address.octets()))
        );
        assert_eq!(peer.instance, 0, "the access device");
        assert_eq!(
            world.sessions.peers(),
            [IpAddr::V4(address), IpAddr::V4(SMF_GTPU)]
        );

        let to_ue = world.uplink(advertisement);
        assert_eq!(to_ue.peer_teid, u32::to_be_bytes(teid));
        assert_eq!(
            to_ue.flags & flags::PDU_SESSION,
            0,
            "the router advertisement has no QFI"
        );
        world.check();
    }
    world.modify(seid, &idle()).unwrap();
    assert_eq!(world.downlink(INTERNET, UE).verdict, verdict::BUFFER);
    assert_eq!(world.sessions.peers(), [IpAddr::V4(SMF_GTPU)]);
    // FORW alone: the tunnel is still known.
    let mut again = idle();
    again.update_fars[0].apply_action = Some(FORW);
    world.modify(seid, &again).unwrap();
    assert_eq!(
        world.downlink(INTERNET, UE).peer_teid,
        u32::to_be_bytes(0x2002)
    );
    world.check();
}

#[test]
fn a_modification_touches_only_what_it_changes() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(7, ue(Some(UE), Some(UE6))));
    world.modify(seid, &tunnel(1, 0x1001, GNB)).unwrap();
    let version = |world: &World| {
        let slot = world
            .slot_of_address(INTERNET, UE.parse().unwrap())
            .unwrap();
        world.tables.with(|tables| {
            let slot = tables.slot(slot.0).unwrap();
            (slot.uplink.state.version, slot.downlink.state.version)
        })
    };
    let before = version(&world);
    world.modify(seid, &tunnel(1, 0x1002, GNB)).unwrap();
    assert_eq!(version(&world), (before.0, before.1 + 1));
}

#[test]
fn an_ipv4v6_session_is_reached_by_both_addresses_and_solicits_routers() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(7, ue(Some(UE), Some(UE6))))
        .unwrap();
    let head = world.uplink(teid_of(&established.created_pdrs, 2));
    assert_eq!(head.flags, flags::UE_V4 | flags::UE_V6);
    let list = world.list(&head);
    assert_eq!(list.len(), 2);
    let [solicitation, default] = list[..] else {
        panic!("{list:?}");
    };
    assert_eq!(solicitation.filter.protocol, 58);
    assert_eq!(
        solicitation.filter.remote,
        "ff02::2".parse::<std::net::Ipv6Addr>().unwrap().octets()
    );
    assert_eq!(
        solicitation.filter.local_mask, [0; 16],
        "it comes from the link-local address"
    );
    assert_eq!(
        solicitation.rules.flags & flags::ANY_SOURCE,
        flags::ANY_SOURCE
    );
    assert_eq!(solicitation.rules.peer_teid, [0, 0, 0, 1]);
    assert_eq!((solicitation.qfis, default.qfis), (0, 1 << 1));
    assert_eq!(default.rules.ue_v6, [0x20, 0x01, 0x0d, 0xb8, 0, 0x45, 0, 7]);
    let (v4, v6) = (
        world.downlink(INTERNET, UE),
        world.downlink(INTERNET, "2001:db8:45:7::99"),
    );
    assert_eq!(
        (v4.flags & flags::UE_V4, v6.flags & flags::UE_V6),
        (flags::UE_V4, flags::UE_V6)
    );
    assert_eq!(v4.meter_slot, v6.meter_slot, "one QER, one bucket");
    world.check();
}

#[test]
fn a_pgw_u_forwards_at_once_without_qfi() {
    let mut world = World::new();
    let established = world.establish(&pgw_u(7, ue(Some(UE), None))).unwrap();
    let uplink = world.uplink(teid_of(&established.created_pdrs, 2));
    assert_eq!(uplink.flags, flags::GATE_OPEN | flags::UE_V4);
    let downlink = world.downlink(INTERNET, UE);
    assert_eq!(
        downlink.flags,
        flags::GATE_OPEN | flags::ENCAPSULATE | flags::UE_V4
    );
    assert_eq!(downlink.peer_teid, [0, 0, 0, 0x77]);
    world.check();
}

#[test]
fn an_sgw_u_joins_two_tunnels() {
    let mut world = World::new();
    let established = world.establish(&sgw_u(7)).unwrap();
    let (downlink, uplink) = (
        teid_of(&established.created_pdrs, 1),
        teid_of(&established.created_pdrs, 2),
    );
    assert_eq!(world.uplink(downlink).verdict, verdict::BUFFER);
    let seid = established.up_f_seid.seid;
    let mut to_pgw = tunnel(2, 0x9009, [10, 1, 0, 20].into());
    let parameters = to_pgw.update_fars[0].forwarding.as_mut().unwrap();
    parameters.destination_interface = Some(Interface::Core);
    world.modify(seid, &to_pgw).unwrap();
    world.modify(seid, &tunnel(1, 0x1001, GNB)).unwrap();
    for (teid, peer_teid) in [(downlink, 0x1001u32), (uplink, 0x9009)] {
        let rules = world.uplink(teid);
        assert_eq!(rules.verdict, verdict::FORWARD);
        assert_eq!(
            rules.flags,
            flags::GATE_OPEN | flags::ENCAPSULATE | flags::ANY_SOURCE
        );
        assert_eq!(rules.peer_teid, peer_teid.to_be_bytes());
    }
    world.check();
}

#[test]
fn a_dedicated_flow_comes_before_the_default_one() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(7, ue(Some(UE), None)))
        .unwrap();
    let (seid, teid) = (
        established.up_f_seid.seid,
        teid_of(&established.created_pdrs, 2),
    );
    let flow = "permit out 17 from 192.0.2.0/24 5060,6000-6010 to assigned 7000";
    let created = world.modify(seid, &dedicated_flow(flow)).unwrap();
    assert_eq!(teid_of(&created, 6), teid, "CHOOSE ID 5 is remembered");

    let list = world.list(&world.downlink(INTERNET, UE));
    assert_eq!(list.len(), 3);
    let filter = list[0].filter;
    assert_eq!(
        (filter.remote, filter.local),
        (mapped([192, 0, 2, 0]), mapped([10, 45, 0, 2]))
    );
    assert_eq!(filter.remote_mask[12..], [255, 255, 255, 0]);
    assert_eq!(filter.local_mask, [255; 16]);
    let port = |first, last| MatchPorts { first, last };
    assert_eq!(
        (filter.remote_ports, filter.local_ports),
        (port(5060, 5060), port(7000, 7000))
    );
    assert_eq!(list[1].filter.remote_ports, port(6000, 6010));
    assert_eq!((filter.protocol, filter.flags), (17, 0));
    let default = list[2];
    assert_eq!(
        (default.filter.flags, default.rules.verdict),
        (match_flags::ANY_PROTOCOL, verdict::BUFFER)
    );
    let dedicated = list[0].rules;
    assert_eq!((dedicated.verdict, dedicated.qfi), (verdict::FORWARD, 2));
    assert_ne!(
        dedicated.meter_slot, default.rules.meter_slot,
        "a bucket of its own"
    );
    assert_ne!(dedicated.meter_slot, NO_METER);

    let uplink = world.list(&world.uplink(teid));
    assert_eq!(
        uplink.len(),
        3,
        "the router solicitation cannot match without an IPv6 address"
    );
    assert_eq!(uplink[0].filter, filter, "the same view in both directions");
    assert_eq!(uplink[0].qfis, 1 << 2);
    world.check();

    // The filters are replaced by none, all else stays.
    let mut update = update_pdr(5);
    update.pdi = Some(Pdi {
        network_instance: None,
        ..pdi(Interface::Core)
    });
    let update = SessionModificationRequest {
        update_pdrs: vec![update],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &update).unwrap();
    let direct = world.downlink(INTERNET, UE);
    assert_eq!(
        (direct.verdict, direct.qfi),
        (verdict::FORWARD, 2),
        "unreachable PDRs are left out"
    );
    world.check();

    let removal = SessionModificationRequest {
        remove_pdrs: vec![5, 6],
        remove_fars: vec![4],
        remove_qers: vec![2],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &removal).unwrap();
    assert_eq!(world.downlink(INTERNET, UE).verdict, verdict::BUFFER);
    assert_eq!(
        world.sessions.books.used_slots(),
        2,
        "the meter's slot is free again"
    );
    world.check();
}

#[test]
fn an_updated_pdi_keeps_what_it_does_not_name() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(7, ue(Some(UE), None)))
        .unwrap();
    let (seid, teid) = (
        established.up_f_seid.seid,
        teid_of(&established.created_pdrs, 2),
    );
    let mut update = update_pdr(2);
    update.pdi = Some(Pdi {
        network_instance: None,
        sdf_filters: vec![sdf("permit out 6 from any 80 to assigned")],
        ..pdi(Interface::Access)
    });
    let update = SessionModificationRequest {
        update_pdrs: vec![update],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &update).unwrap();
    let list = world.list(&world.uplink(teid));
    assert_eq!(list.len(), 1);
    let entry = list[0];
    assert_eq!(
        (entry.filter.protocol, entry.filter.local),
        (6, mapped([10, 45, 0, 2]))
    );
    assert_eq!(entry.qfis, 1 << 1);
    world.check();
}

#[test]
fn indirect_forwarding_passes_other_sources_and_ends_without_a_trace() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(7, ue(Some(UE), None)));
    let before = world.state();
    let indirect = Pdi {
        f_teid: Some(choose(None)),
        ..pdi(Interface::Access)
    };
    let request = SessionModificationRequest {
        create_pdrs: vec![pdr(9, Some(1), 9, &[], indirect)],
        create_fars: vec![far(
            9,
            FORW,
            Some((Interface::Access, Some(gtpu(0x99, GNB)))),
        )],
        ..SessionModificationRequest::default()
    };
    let created = world.modify(seid, &request).unwrap();
    let rules = world.uplink(teid_of(&created, 9));
    assert_eq!(
        rules.flags,
        flags::GATE_OPEN | flags::ENCAPSULATE | flags::ANY_SOURCE
    );
    world.check();
    let removal = SessionModificationRequest {
        remove_pdrs: vec![9],
        remove_fars: vec![9],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &removal).unwrap();
    assert_eq!(world.slot_of_teid(teid_of(&created, 9)), None);
    assert!(world.state().has_same_tables(&before));
    world.check();
}

#[test]
fn the_shared_tunnel_lives_as_long_as_its_last_pdr() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(7, ue(Some(UE), None)))
        .unwrap();
    let (seid, teid) = (
        established.up_f_seid.seid,
        teid_of(&established.created_pdrs, 2),
    );
    let remove = |pdr| SessionModificationRequest {
        remove_pdrs: vec![pdr],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &remove(2)).unwrap();
    assert!(world.slot_of_teid(teid).is_some());
    world.modify(seid, &remove(4)).unwrap();
    assert_eq!(world.slot_of_teid(teid), None);
    let created = world
        .modify(seid, &dedicated_flow("permit out ip from any to assigned"))
        .unwrap();
    let next = teid_of(&created, 6);
    assert_ne!(next, teid);
    assert_eq!(
        world.slot_of_teid(next).unwrap().0 & 0xff,
        2,
        "the address's slot again"
    );
    world.check();
}

#[test]
fn rates_gates_and_marking_change() {
    let mut world = World::new();
    let seid = world.established(&pgw_u(7, ue(Some(UE), None)));
    let mut nothing_passes = UpdateQer {
        id: 1,
        gate: None,
        mbr: qer(1, Some(0), None).mbr,
        gbr: None,
        qfi: None,
        ..UpdateQer::default()
    };
    let update = |qer: &UpdateQer| SessionModificationRequest {
        update_qers: vec![qer.clone()],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &update(&nothing_passes)).unwrap();
    let nothing = Rate::from_bits_per_second(0);
    assert_eq!(
        world.rate(&world.downlink(INTERNET, UE), Direction::Downlink),
        nothing.ticks_per_byte
    );
    nothing_passes.gate = Some(crate::pfcp::ie::GateStatus {
        uplink_open: true,
        downlink_open: false,
    });
    world.modify(seid, &update(&nothing_passes)).unwrap();
    assert_eq!(world.downlink(INTERNET, UE).flags & flags::GATE_OPEN, 0);
    let marking = SessionModificationRequest {
        update_fars: vec![UpdateFar {
            id: 1,
            apply_action: None,
            forwarding: Some(UpdateForwardingParameters {
                transport_level_marking: Some((0xb8, 0xfc)),
                ..UpdateForwardingParameters::default()
            }),
            ..UpdateFar::default()
        }],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &marking).unwrap();
    let rules = world.downlink(INTERNET, UE);
    assert_eq!(
        (rules.flags & flags::MARK_DSCP, rules.dscp),
        (flags::MARK_DSCP, 46)
    );
    world.check();
}

#[test]
fn of_several_qers_all_gates_must_be_open_and_the_tightest_limit_holds() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), None));
    request.create_qers = vec![
        qer(1, Some(1000), None),
        qer(2, Some(10), Some(9)),
        qer(3, None, Some(8)),
    ];
    request.create_qers[2].gate.downlink_open = false;
    request.create_pdrs[0].qer_ids = vec![1, 2, 3];
    request.create_pdrs[1].qer_ids = vec![1, 2];
    let established = world.establish(&request).unwrap();
    let downlink = world.downlink(INTERNET, UE);
    assert_eq!(downlink.flags & flags::GATE_OPEN, 0);
    assert_eq!(downlink.qfi, 9, "from the first that has one");
    assert_eq!(
        world.rate(&downlink, Direction::Downlink),
        Rate::from_bits_per_second(20_000).ticks_per_byte
    );
    let uplink = world.uplink(teid_of(&established.created_pdrs, 2));
    assert_eq!(uplink.flags & flags::GATE_OPEN, flags::GATE_OPEN);
    assert_eq!(uplink.meter_slot, downlink.meter_slot);
}

#[test]
fn pdrs_for_one_family_each_share_a_tunnel() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), Some(UE6)));
    let uplink = &mut request.create_pdrs[1];
    uplink.pdi.ue_ip_address = Some(ue(Some(UE), None));
    let mut other = uplink.clone();
    (other.id, other.pdi.ue_ip_address, other.qer_ids) = (7, Some(ue(None, Some(UE6))), vec![]);
    request.create_pdrs.push(other);
    request.create_pdrs.remove(3);
    let established = world.establish(&request).unwrap();
    let list = world.list(&world.uplink(teid_of(&established.created_pdrs, 2)));
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].filter.local, mapped([10, 45, 0, 2]));
    assert_eq!(
        list[1].filter.local_mask[..9],
        [255, 255, 255, 255, 255, 255, 255, 255, 0]
    );
    assert_eq!(list[1].rules.meter_slot, NO_METER);
    world.check();
}

#[test]
fn a_restored_session_keeps_its_teids_and_frees_them() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), None));
    request.is_restoration = true;
    for (pdr, teid) in [(1, 0xabcd_0001), (2, 0xabcd_0002), (3, 0xabcd_0001)] {
        request.create_pdrs[pdr].pdi.f_teid = Some(given(teid, [10, 1, 0, 2]));
    }
    let established = world.establish(&request).unwrap();
    assert_eq!(established.created_pdrs, []);
    assert_eq!(world.uplink(0xabcd_0001).ue_v4, [10, 45, 0, 2]);
    world.check();
    // Its own F-TEID may be named again.
    let mut flow = dedicated_flow("permit out ip from 192.0.2.1 to assigned");
    flow.create_pdrs[1].pdi.f_teid = Some(given(0xabcd_0001, [10, 1, 0, 2]));
    let seid = established.up_f_seid.seid;
    assert_eq!(world.modify(seid, &flow), Ok(vec![]));
    assert_eq!(world.uplink(0xabcd_0001).verdict, verdict::LIST);
    world.check();
    world.delete(seid).unwrap();
    assert_eq!(world.slot_of_teid(0xabcd_0001), None);
    world.check();
}

#[test]
fn the_network_instance_tells_equal_addresses_apart() {
    let mut world = World::new();
    world.established(&pgw_u(7, ue(Some(UE), None)));
    let mut ims = pgw_u(8, ue(Some(UE), None));
    for pdr in &mut ims.create_pdrs {
        pdr.pdi.network_instance = Some("IMS".to_owned());
    }
    ims.create_fars[1]
        .forwarding
        .as_mut()
        .unwrap()
        .network_instance = None;
    let established = world.establish(&ims).unwrap();
    assert_ne!(
        world.slot_of_address(1, UE.parse().unwrap()),
        world.slot_of_address(2, UE.parse().unwrap())
    );
    let uplink = world.uplink(teid_of(&established.created_pdrs, 2));
    assert_eq!(uplink.instance, 2, "the PDR's, where the FAR names none");
    world.check();
}

#[test]
fn an_address_outside_the_pools_and_an_unknown_instance_on_tunnels_work() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some("203.0.113.5"), None));
    request.create_pdrs[1].pdi.network_instance = Some("access.example".to_owned());
    let far = request.create_fars[0].forwarding.as_mut().unwrap();
    far.network_instance = Some("access.example".to_owned());
    world.established(&request);
    assert_eq!(
        world.downlink(INTERNET, "203.0.113.5").verdict,
        verdict::FORWARD
    );
    world.check();
}

#[test]
fn a_filter_may_be_named_by_its_id() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(7, ue(Some(UE), None)));
    let mut flow = dedicated_flow("permit out 6 from any 443 to assigned");
    flow.create_pdrs[0].pdi.sdf_filters[0].id = Some(77);
    flow.create_pdrs[1].pdi.sdf_filters = vec![SdfFilter {
        id: Some(77),
        ..SdfFilter::default()
    }];
    let created = world.modify(seid, &flow).unwrap();
    let list = world.list(&world.uplink(teid_of(&created, 6)));
    assert_eq!(list[0].filter.remote_ports.first, 443);
}

#[test]
fn a_far_may_drop() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), None));
    request.create_fars[1].apply_action = DROP;
    let established = world.establish(&request).unwrap();
    assert_eq!(world.downlink(INTERNET, UE).verdict, verdict::FORWARD);
    let uplink = world.uplink(teid_of(&established.created_pdrs, 2));
    assert_eq!(uplink.verdict, verdict::DROP);
}

#[test]
fn an_outer_header_with_the_ipv4_bit_alone_is_enough() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(7, ue(Some(UE), None)));
    let mut request = tunnel(1, 5, GNB);
    let parameters = request.update_fars[0].forwarding.as_mut().unwrap();
    parameters.outer_header_creation = Some(OuterHeaderCreation {
        description: OuterHeaderCreation::GTPU_UDP_IPV4,
        ipv6: None,
        ..gtpu(5, GNB)
    });
    world.modify(seid, &request).unwrap();
    let rules = world.downlink(INTERNET, UE);
    assert_eq!(world.peer(&rules).remote, mapped(GNB.octets()));
}

#[test]
fn a_qer_limits_both_directions_of_an_sgw_u_apart() {
    let mut world = World::new();
    let mut request = sgw_u(7);
    request.create_qers = vec![qer(1, Some(500), None)];
    for pdr in &mut request.create_pdrs {
        pdr.qer_ids = vec![1];
    }
    let created = world.establish(&request).unwrap().created_pdrs;
    let (downlink, uplink) = (
        world.uplink(teid_of(&created, 1)),
        world.uplink(teid_of(&created, 2)),
    );
    assert_ne!(downlink.meter_slot, uplink.meter_slot);
    let rate = |kbps: u64| Rate::from_bits_per_second(1000 * kbps).ticks_per_byte;
    assert_eq!(world.rate(&uplink, Direction::Uplink), rate(500));
    assert_eq!(world.rate(&downlink, Direction::Uplink), rate(1000));
    world.check();
}
