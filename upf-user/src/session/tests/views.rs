//! What the REST API shows.

use std::net::IpAddr;

use super::requests::*;
use super::world::{World, teid_of};
use crate::pfcp::ie::{Cause, FSeid, NodeId};
use crate::pfcp::message::{SessionModificationRequest, SessionReportResponse};
use crate::pfcp::service::SessionService;
use crate::session::{Gates, PeerTunnelView, Rates, VolumeView};

fn count(world: &World, slot: u32, uplink: u64, downlink: u64) {
    world.tables.with(|tables| {
        let slot = tables.slot_mut(slot).unwrap();
        slot.uplink.state.packets += uplink;
        slot.uplink.state.bytes += 100 * uplink;
        slot.downlink.state.packets += downlink;
        slot.tail.downlink.packets += 1;
    });
}

#[test]
fn a_session_is_shown_with_its_tunnels_rates_and_volumes() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(
            7,
            ue(Some("10.45.0.2"), Some("2001:db8:45:7::1")),
        ))
        .unwrap();
    let seid = established.up_f_seid.seid;
    assert!(seid > 0 && seid < 1 << 53);
    world.modify(seid, &tunnel(1, 0x1001, GNB)).unwrap();
    let uplink = teid_of(&established.created_pdrs, 2);
    count(&world, world.slot_of_teid(uplink).unwrap().0, 3, 5);

    let view = world.sessions.view(seid).unwrap();
    assert_eq!((view.seid, view.cp_seid), (seid, 7));
    assert_eq!(view.control_plane, "10.100.0.1");
    assert_eq!(view.imsi.as_deref(), Some("999700000000001"));
    assert_eq!(view.ue_addresses, ["10.45.0.2", "2001:db8:45:7::/64"]);
    let teids: Vec<_> = view
        .local_tunnels
        .iter()
        .map(|tunnel| tunnel.teid)
        .collect();
    assert!(teids.contains(&uplink) && teids.len() == 2);
    let gnb = PeerTunnelView {
        teid: 0x1001,
        address: GNB.into(),
    };
    assert!(view.peer_tunnels.contains(&gnb));
    let rates = Rates {
        uplink_bits_per_second: Some(1_000_000_000),
        downlink_bits_per_second: Some(2_000_000_000),
    };
    assert_eq!(view.rates, rates);
    let open = Gates {
        uplink_open: true,
        downlink_open: true,
    };
    assert_eq!(view.gates, open);
    assert_eq!(
        (view.volumes.uplink.packets, view.volumes.uplink.bytes),
        (3, 300)
    );
    assert_eq!(
        (
            view.volumes.downlink.packets,
            view.volumes.downlink.dropped_packets
        ),
        (5, 1)
    );
    let json = serde_json::to_value(&view).unwrap();
    assert_eq!(json["seid"], seid);
    assert_eq!(world.sessions.view(seid + 1), None);
}

#[test]
fn volumes_never_go_back() {
    let mut world = World::new();
    let established = world
        .establish(&pdu_session(7, ue(Some("10.45.0.2"), None)))
        .unwrap();
    let seid = established.up_f_seid.seid;
    let advertisement = world
        .slot_of_teid(teid_of(&established.created_pdrs, 3))
        .unwrap();
    count(&world, advertisement.0, 4, 0);
    let volumes = |world: &World| world.sessions.view(seid).unwrap().volumes;
    let before = volumes(&world);
    assert_eq!(
        before.downlink.packets, 4,
        "from the control plane to the UE"
    );
    assert_eq!(before.uplink, VolumeView::default());
    let removal = SessionModificationRequest {
        remove_pdrs: vec![3],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &removal).unwrap();
    assert_eq!(volumes(&world), before);
    let freed = world
        .tables
        .with(|tables| tables.slot(advertisement.0).unwrap().uplink.state.packets);
    assert_eq!(freed, 0, "a free slot counts from zero");
    // A tunnel that comes and goes in a slot that stays.
    let uplink = world
        .slot_of_teid(teid_of(&established.created_pdrs, 2))
        .unwrap();
    count(&world, uplink.0, 2, 1);
    let before = volumes(&world);
    let removal = SessionModificationRequest {
        remove_pdrs: vec![2, 4],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &removal).unwrap();
    assert_eq!(volumes(&world), before);
}

#[test]
fn the_list_is_paged_by_seid() {
    let mut world = World::new();
    let mut seids: Vec<_> = (0..10)
        .map(|n| world.established(&pgw_u(n, ue(Some(&format!("10.45.0.{n}")), None))))
        .collect();
    seids.sort_unstable();
    let page = |after, limit| -> Vec<u64> {
        let views = world.sessions.list(after, limit);
        views.iter().map(|view| view.seid).collect()
    };
    assert_eq!(page(None, 3), seids[..3]);
    assert_eq!(page(Some(seids[2]), 100), seids[3..]);
    assert!(page(Some(seids[9]), 100).is_empty());
    assert!(page(None, 0).is_empty());
}

#[test]
fn all_sessions_of_a_control_plane_end_with_it() {
    let mut world = World::new();
    for n in 0..5 {
        world.established(&pdu_session(n, ue(Some(&format!("10.45.{n}.2")), None)));
    }
    world.sessions.delete_all(&smf(), world.now);
    world.drain();
    assert!(world.sessions.is_empty() && world.sessions.peers().is_empty());
    world.check();
    assert!(world.state().has_same_tables(&World::new().state()));
}

#[test]
fn the_owners_of_a_peers_sessions_are_found() {
    let mut world = World::new();
    let address = |n: u8| ue(Some(&format!("10.45.0.{n}")), None);
    for (cp_seid, gnb) in [(1, Some(GNB)), (2, Some(GNB)), (3, None)] {
        let request = pdu_session(cp_seid, address(cp_seid as u8 + 1));
        let seid = world.established(&request);
        if let Some(gnb) = gnb {
            world.modify(seid, &tunnel(1, 0x1001, gnb)).unwrap();
        }
    }
    let (gnb, nobody) = (IpAddr::from(GNB), IpAddr::from([10, 1, 0, 77]));
    let owners = world.sessions.owners_of_peers(&[gnb, nobody]);
    assert_eq!(owners, [(smf(), vec![gnb])]);
    assert_eq!(world.sessions.owners_of_peers(&[nobody]), []);
}

#[test]
fn an_answered_report_moves_or_ends_the_session() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(7, ue(Some("10.45.0.2"), None)));
    let mut response = SessionReportResponse {
        cause: Cause::RequestAccepted,
        offending_ie: None,
        update_bars: Vec::new(),
        flags: 0,
        cp_f_seid: Some(FSeid {
            seid: 8,
            ipv4: Some([10, 100, 0, 1].into()),
            ipv6: None,
        }),
    };
    let (now, stranger) = (world.now, NodeId::Fqdn("stranger".to_owned()));
    world.sessions.report_answered(&smf(), seid, &response, now);
    assert_eq!(world.sessions.cp_seid(&smf(), seid), Some(8));
    response.cause = Cause::SessionContextNotFound;
    response.cp_f_seid = None;
    world
        .sessions
        .report_answered(&stranger, seid, &response, now);
    assert_eq!(world.sessions.cp_seid(&smf(), seid), Some(8));
    world.sessions.report_answered(&smf(), seid, &response, now);
    assert!(world.sessions.is_empty());
    world.check();
}

#[test]
fn a_session_by_its_seid_is_shown_with_its_rules() {
    let (mut world, seid) = super::rules::world();
    world.modify(seid, &tunnel(1, 0x1001, GNB)).unwrap();
    let listed = world.sessions.list(None, 10);
    assert_eq!(listed[0].rules, None, "not in lists");
    let view = world.sessions.view(seid).unwrap();
    let json = serde_json::to_value(&view).unwrap();
    let rules = &json["rules"];
    let pdrs = rules["pdrs"].as_array().unwrap();
    assert_eq!(pdrs.len(), 5);
    assert_eq!(pdrs[0]["source"], "core");
    assert_eq!(pdrs[0]["network_instance"], "internet");
    assert_eq!(pdrs[0]["ue_addresses"][0], "10.45.0.2");
    assert_eq!(pdrs[0]["urrs"][0], 1);
    assert_eq!(pdrs[0]["is_active"], true);
    assert_eq!(pdrs[1]["tunnel_addresses"][0], "10.1.0.2");
    assert_eq!(pdrs[1]["qfis"][0], 1);
    let filter = "permit out 58 from ff02::2/128 to assigned";
    assert_eq!(pdrs[3]["sdf_filters"][0]["flow"], filter);
    assert_eq!(pdrs[4]["mar"], 1);
    let far = &rules["fars"][0];
    assert_eq!(
        (&far["action"], &far["apply_action"][0]),
        (&"forward".into(), &"FORW".into())
    );
    assert_eq!(far["tunnel"]["address"], GNB.to_string());
    assert_eq!(far["bar"], 1);
    assert_eq!(rules["qers"][0]["uplink_mbr_kbps"], 1_000_000);
    assert_eq!(rules["urrs"][0]["volume_threshold"]["total"], 1000);
    assert_eq!(rules["bars"][0]["notification_delay_ms"], 100);
    assert_eq!(rules["mars"][0]["tgpp_far"], 2);
}
