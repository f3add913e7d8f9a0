//! Sessions that end together end at once, and are removed bit by bit.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::requests::*;
use super::world::{GTPU, World, teid_of};
use crate::pfcp::ie::{Cause, FqCsid, FqCsidNode, NodeId};
use crate::pfcp::message::{
    CreatePdr, SessionDeletionRequest, SessionEstablishmentRequest, SessionModificationRequest,
};
use crate::pfcp::service::SessionService;
use crate::session::detection::RemoteTunnel;
use crate::session::endings::MAX_SET_ENDINGS;

fn address(n: u32) -> String {
    let [_, _, c, d] = n.to_be_bytes();
    format!("10.45.{c}.{d}")
}

fn set(csid: u16) -> FqCsid {
    FqCsid {
        node: FqCsidNode::Address(Ipv4Addr::new(10, 0, 0, 1).into()),
        csids: vec![csid],
        node_type: None,
    }
}

fn of_set(n: u32, csid: u16) -> SessionEstablishmentRequest {
    let mut request = pgw_u(u64::from(n), ue(Some(&address(n)), None));
    request.fq_csids = vec![set(csid)];
    request
}

/// Nothing is removed by ticks before `drain`.
fn idle_world() -> World {
    let mut world = World::new();
    world.sessions.tick_portion.sessions = 0;
    world
}

fn end_all(world: &mut World) {
    world.sessions.delete_all(&smf(), world.now);
}

fn shown(world: &World) -> Vec<u64> {
    let views = world.sessions.list(None, usize::MAX);
    views.iter().map(|view| view.seid).collect()
}

#[test]
fn nobody_finds_sessions_that_have_ended() {
    let mut world = idle_world();
    let request = pdu_session(7, ue(Some("10.45.0.2"), None));
    let established = world.establish(&request).unwrap();
    let seid = established.up_f_seid.seid;
    world.modify(seid, &tunnel(1, 0x1001, GNB)).unwrap();
    let teid = teid_of(&established.created_pdrs, 2);
    let remote = RemoteTunnel {
        address: IpAddr::from(GNB),
        teid: 0x1001,
    };
    assert!(world.sessions.has_teid(teid));
    assert_eq!(world.sessions.sessions_of_remote(remote).len(), 1);
    end_all(&mut world);
    assert!(shown(&world).is_empty());
    assert_eq!(world.sessions.view(seid), None);
    assert_eq!(world.sessions.cp_seid(&smf(), seid), None);
    assert_eq!(world.sessions.sessions_of_remote(remote), []);
    assert!(!world.sessions.has_teid(teid));
    let not_found = |outcome: Result<(), crate::pfcp::message::Refusal>| {
        assert_eq!(outcome.unwrap_err().cause, Cause::SessionContextNotFound);
    };
    not_found(world.modify(seid, &idle()).map(|_| ()));
    not_found(world.delete(seid));
    let request = SessionDeletionRequest::default();
    let answer = world.sessions.delete(&smf(), seid, &request, world.now);
    assert_eq!(answer.cp_seid, 0);
    let response = unknown_session();
    world
        .sessions
        .report_answered(&smf(), seid, &response, world.now);
    // The tables still have it.
    assert_eq!(world.sessions.len(), 1);
    assert!(world.sessions.slots_in_use() > 0);
    assert!(world.slot_of_teid(teid).is_some());
    world.check();
    world.drain();
    world.check();
    assert!(world.sessions.is_empty());
    assert!(world.state().has_same_tables(&World::new().state()));
}

#[test]
fn thousands_are_removed_in_slices() {
    const COUNT: usize = 3000;
    let mut world = World::with_slots(8192);
    for n in 0..COUNT as u32 {
        let address = address(256 + n);
        world.established(&pgw_u(u64::from(n), ue(Some(&address), None)));
    }
    let portion = 700;
    world.sessions.tick_portion.sessions = portion;
    end_all(&mut world);
    assert!(shown(&world).is_empty());
    let mut left = COUNT;
    while left > 0 {
        let due = world.sessions.next_deadline().unwrap();
        assert!(due <= world.now);
        world.sessions.tick(world.now);
        assert_eq!(world.sessions.len(), left.saturating_sub(portion));
        left = world.sessions.len();
    }
    world.sessions.tick(world.now);
    assert_eq!(world.sessions.next_deadline(), None);
    world.check();
    assert!(
        world
            .state()
            .has_same_tables(&World::with_slots(8192).state())
    );
}

/// A part of a list may show nothing, and says where to go on.
#[test]
fn long_lists_are_made_in_parts() {
    let mut world = idle_world();
    for n in 1..=10 {
        world.established(&pgw_u(u64::from(n), ue(Some(&address(n)), None)));
    }
    end_all(&mut world);
    let new: Vec<_> = (11..=12)
        .map(|n| world.established(&pgw_u(u64::from(n), ue(Some(&address(n)), None))))
        .collect();
    let (mut found, mut after, mut parts) = (Vec::new(), None, 0);
    loop {
        let (views, last) = world.sessions.list_part(after, 64, 5);
        found.extend(views.iter().map(|view| view.seid));
        let Some(last) = last else {
            break;
        };
        (after, parts) = (Some(last), parts + 1);
    }
    assert_eq!(parts, 3, "12 sessions, 5 at a time");
    let mut new = new;
    new.sort_unstable();
    assert_eq!(found, new);
}

/// What a control plane that has restarted sends at once.
#[test]
fn sessions_are_set_up_again_at_once() {
    let mut request = pgw_u(7, ue(Some("10.45.0.2"), None));
    request.is_restoration = true;
    request.create_pdrs[1].pdi.f_teid = Some(given(0x55, GTPU));
    let core = |pdr: &&mut CreatePdr| pdr.pdi.ue_ip_address.is_some() && pdr.pdi.f_teid.is_none();
    let pdr = request.create_pdrs.iter_mut().find(core).unwrap();
    pdr.pdi.framed_routes = vec!["192.0.2.0/24 0.0.0.0 1".to_owned()];
    let mut world = idle_world();
    world.sessions.request_portion.sessions = 0;
    let establish = |world: &mut World, seid, request: &SessionEstablishmentRequest| {
        let now = world.now;
        let outcome = world.sessions.establish(&smf(), seid, request, now);
        outcome.map(|established| established.up_f_seid.seid)
    };
    assert_eq!(establish(&mut world, 4711, &request), Ok(4711));
    // A living one stands in the way.
    let mut other = request.clone();
    other.is_restoration = false;
    assert!(establish(&mut world, 0, &other).is_err());
    assert!(establish(&mut world, 4711, &request).is_err());
    for _ in 0..3 {
        end_all(&mut world);
        assert_eq!(establish(&mut world, 4711, &request), Ok(4711));
        assert_eq!((world.sessions.len(), shown(&world)), (1, vec![4711]));
        world.check();
    }
    // Each thing alone, too.
    type Change = fn(&mut SessionEstablishmentRequest);
    let only: [(&str, Change); 3] = [
        ("TEID", |request| {
            for pdr in &mut request.create_pdrs {
                pdr.pdi.framed_routes.clear();
                if pdr.pdi.ue_ip_address.is_some() {
                    pdr.pdi.ue_ip_address = Some(ue(Some("10.45.0.3"), None));
                }
            }
        }),
        ("UE address", |request| {
            for pdr in &mut request.create_pdrs {
                pdr.pdi.framed_routes.clear();
            }
            request.create_pdrs[1].pdi.f_teid = Some(given(0x56, GTPU));
        }),
        ("framed route", |request| {
            request.create_pdrs[1].pdi.f_teid = Some(given(0x56, GTPU));
            for pdr in &mut request.create_pdrs {
                if !pdr.pdi.framed_routes.is_empty() {
                    pdr.pdi.framed_routes = vec!["192.0.2.128/25 0.0.0.0 1".to_owned()];
                }
                if pdr.pdi.ue_ip_address.is_some() {
                    pdr.pdi.ue_ip_address = Some(ue(Some("10.45.0.3"), None));
                }
            }
        }),
    ];
    for (what, change) in only {
        let mut world = idle_world();
        // No room is made for anybody; only what is in the way goes.
        world.sessions.request_portion.sessions = 0;
        world.established(&pgw_u(1, ue(Some("10.45.0.9"), None)));
        establish(&mut world, 4711, &request).unwrap();
        let mut other = request.clone();
        change(&mut other);
        assert!(establish(&mut world, 4712, &other).is_err(), "{what}");
        end_all(&mut world);
        establish(&mut world, 4712, &other).unwrap();
        assert_eq!(shown(&world), [4712], "{what}");
        assert_eq!(
            world.sessions.len(),
            2,
            "{what}: the third one was not in the way"
        );
        world.check();
        world.drain();
        world.check();
        assert_eq!(world.sessions.len(), 1, "{what}");
    }
}

#[test]
fn a_modification_takes_what_ended_sessions_have() {
    let mut world = idle_world();
    world.sessions.request_portion.sessions = 0;
    let stranger = NodeId::Fqdn("smf.example.org".to_owned());
    let request = pgw_u(7, ue(Some("10.45.0.2"), None));
    let now = world.now;
    world
        .sessions
        .establish(&stranger, 0, &request, now)
        .unwrap();
    let seid = world.established(&pgw_u(8, ue(Some("10.45.0.3"), None)));
    let mut create = request.create_pdrs.clone();
    create.retain(|pdr| pdr.pdi.f_teid.is_none() && pdr.pdi.ue_ip_address.is_some());
    create[0].id = 99;
    create[0].precedence = Some(9);
    let request = SessionModificationRequest {
        remove_pdrs: vec![1, 2, 3, 4],
        create_pdrs: create,
        ..SessionModificationRequest::default()
    };
    let refusal = world.modify(seid, &request).unwrap_err();
    assert_eq!(refusal.cause, Cause::RuleCreationFailure);
    world.sessions.delete_all(&stranger, world.now);
    world.modify(seid, &request).unwrap();
    assert_eq!(world.sessions.len(), 1);
    world.check();
}

#[test]
fn sessions_that_come_after_a_deletion_of_sets_stay() {
    let mut world = idle_world();
    let old = [
        world.established(&of_set(1, 1)),
        world.established(&of_set(2, 2)),
        world.established(&of_set(3, 3)),
    ];
    world
        .sessions
        .delete_sets(&smf(), &[set(1)], world.now)
        .unwrap();
    let new = world.established(&of_set(4, 1));
    // It joins the set later.
    let request = SessionModificationRequest {
        fq_csids: vec![set(1)],
        ..SessionModificationRequest::default()
    };
    world.modify(old[1], &request).unwrap();
    let mut expected = vec![old[1], old[2], new];
    expected.sort_unstable();
    assert_eq!(shown(&world), expected);
    assert_eq!(world.sessions.len(), 4);
    world.check();
    world.drain();
    assert_eq!(shown(&world), expected);
    assert_eq!(world.sessions.len(), 3);
    world.check();
    // Now they end with it.
    world
        .sessions
        .delete_sets(&smf(), &[set(1)], world.now)
        .unwrap();
    assert_eq!(shown(&world), [old[2]]);
    end_all(&mut world);
    assert!(shown(&world).is_empty());
    let again = world.established(&of_set(1, 1));
    world.drain();
    assert_eq!(shown(&world), [again]);
    world.check();
}

#[test]
fn only_so_many_deletions_of_sets_are_under_way() {
    let mut world = idle_world();
    world.established(&of_set(1, 1));
    let delete = |world: &mut World, owner: &NodeId| {
        let outcome = world.sessions.delete_sets(owner, &[set(7)], world.now);
        outcome.map_err(|refusal| refusal.cause)
    };
    for _ in 0..MAX_SET_ENDINGS {
        assert_eq!(delete(&mut world, &smf()), Ok(()));
    }
    assert_eq!(delete(&mut world, &smf()), Err(Cause::Congestion));
    let stranger = NodeId::Fqdn("smf.example.org".to_owned());
    assert_eq!(delete(&mut world, &stranger), Ok(()), "it has no sessions");
    world.drain();
    assert_eq!(delete(&mut world, &smf()), Ok(()));
    // The end of all takes the others' place.
    for _ in 1..MAX_SET_ENDINGS {
        assert_eq!(delete(&mut world, &smf()), Ok(()));
    }
    end_all(&mut world);
    assert_eq!(delete(&mut world, &smf()), Ok(()));
    world.drain();
    assert!(world.sessions.is_empty());
}

#[test]
fn room_is_made_before_anybody_is_refused() {
    // Sessions: four slots.
    let mut world = World::with_slots(4);
    world.sessions.tick_portion.sessions = 0;
    world.established(&sgw_u(1));
    world.established(&sgw_u(2));
    assert!(world.establish(&sgw_u(3)).is_err());
    end_all(&mut world);
    world.sessions.request_portion.sessions = 1;
    let seid = world.established(&sgw_u(3));
    assert_eq!((world.sessions.len(), shown(&world)), (2, vec![seid]));
    world.check();
    // Looking at the new one counts, too.
    world.sessions.request_portion.sessions = 2;
    let second = world.established(&sgw_u(4));
    assert_eq!(world.sessions.len(), 2);
    assert!(world.establish(&sgw_u(5)).is_err());
    world.delete(seid).unwrap();
    world.delete(second).unwrap();
    world.drain();
    world.check();
    assert_eq!(world.sessions.slots_in_use(), 0);
    // UE addresses: one more try is made, but what was just given back rests.
    let mut world = World::with_pool("10.45.0.0/31");
    world.sessions.tick_portion.sessions = 0;
    let chooses = crate::pfcp::ie::UeIpAddress {
        choose_ipv4: true,
        ..crate::pfcp::ie::UeIpAddress::default()
    };
    world.established(&pgw_u(1, chooses));
    world.established(&pgw_u(2, chooses));
    end_all(&mut world);
    let refusal = world.establish(&pgw_u(3, chooses)).unwrap_err();
    assert_eq!(refusal.cause, Cause::AllDynamicAddressesOccupied);
    assert!(world.sessions.is_empty(), "they have made way");
    world.check();
    world.now += Duration::from_secs(3600);
    world.established(&pgw_u(3, chooses));
    world.check();
    world.drain();
}

/// The first try has chosen a UE address, and gave it back.
#[test]
fn a_request_that_is_tried_again_chooses_again() {
    let mut world = World::with_slots(4);
    world.sessions.tick_portion.sessions = 0;
    world.established(&sgw_u(1));
    world.established(&sgw_u(2));
    end_all(&mut world);
    let chooses = crate::pfcp::ie::UeIpAddress {
        choose_ipv4: true,
        ..crate::pfcp::ie::UeIpAddress::default()
    };
    let seid = world.established(&pgw_u(3, chooses));
    assert_eq!(world.sessions.books.allocated().len(), 1);
    world.check();
    world.delete(seid).unwrap();
    world.drain();
    world.check();
}

/// A session is refused for its own sake while others make way.
#[test]
fn what_cannot_be_is_refused_all_the_same() {
    let mut world = idle_world();
    world.sessions.request_portion.sessions = 1;
    for n in 1..=3 {
        world.established(&pgw_u(u64::from(n), ue(Some(&address(n)), None)));
    }
    end_all(&mut world);
    let living = world.established(&pgw_u(4, ue(Some(&address(9)), None)));
    let before = world.state();
    let refusal = world.establish(&pgw_u(5, ue(Some(&address(9)), None)));
    assert_eq!(refusal.unwrap_err().cause, Cause::RuleCreationFailure);
    assert!(world.state().looks_the_same(&before));
    assert_eq!(shown(&world), [living]);
    world.drain();
    world.check();
}

/// Only its uplink PDR leaves the address to us: no slot is filed under it.
#[test]
fn an_address_that_was_only_allocated_is_given_again() {
    let mut world = idle_world();
    world.sessions.request_portion.sessions = 0;
    let mut request = super::ue_pools::choosing(true, false);
    request.create_pdrs.retain(|pdr| pdr.id == 2);
    let established = world.establish(&request).unwrap();
    let chosen = established.created_pdrs[0].ue_ip_address.unwrap();
    let chosen = chosen.ipv4.unwrap().to_string();
    world.check();
    let given = |retained: &[u16]| {
        let mut request = pgw_u(8, ue(Some(&chosen), None));
        request.create_pdrs.retain(|pdr| retained.contains(&pdr.id));
        request
    };
    let (both, uplink) = (given(&[1, 2]), given(&[2]));
    for request in [&both, &uplink] {
        let refusal = world.establish(request).unwrap_err();
        assert_eq!(refusal.cause, Cause::RuleCreationFailure);
    }
    end_all(&mut world);
    world.established(&uplink);
    assert_eq!(world.sessions.len(), 1);
    world.established(&both);
    world.check();
}

/// A network that many ended sessions had parts of.
#[test]
fn very_many_in_the_way_are_a_matter_of_patience() {
    let routed = |n: u32, net: String| {
        let address = address(n);
        super::framed::with_framed(Some(&address), None, &[net.as_str()])
    };
    let mut world = World::new();
    world.sessions.tick_portion.sessions = 0;
    world.sessions.request_portion.sessions = 0;
    for n in 0..250 {
        world.established(&routed(n + 256, format!("192.168.{n}.0/24")));
    }
    end_all(&mut world);
    let wide = routed(2, "192.168.0.0/16".to_owned());
    let refusal = world.establish(&wide).unwrap_err();
    assert_eq!(refusal.cause, Cause::Congestion);
    assert_eq!(world.sessions.len(), 250 - 128);
    world.check();
    world.established(&wide);
    assert_eq!(world.sessions.len(), 1);
    world.check();
    // Nothing is taken from tables that cannot be written.
    end_all(&mut world);
    world.tables.set(crate::datapath::chaos::Chaos::From(0));
    assert!(
        world
            .establish(&pgw_u(3, ue(Some(&address(9)), None)))
            .is_err()
    );
    world.repair();
    world.established(&wide);
    world.drain();
    world.check();
}

/// Whatever of them has ended.
#[test]
fn living_sessions_of_a_remote_tunnel_are_told() {
    let mut world = World::with_slots(2048);
    world.sessions.tick_portion.sessions = 0;
    let request = |n: u32| {
        let mut request = pgw_u(u64::from(n), ue(Some(&address(n)), None));
        request.create_pdrs[1].pdi.f_teid = Some(given(n, GTPU));
        request.create_pdrs.truncate(2);
        request.is_restoration = true;
        request
    };
    let establish = |world: &mut World, n: u32| {
        let now = world.now;
        let outcome = world.sessions.establish(&smf(), n.into(), &request(n), now);
        outcome.unwrap();
    };
    for n in 1..=1100 {
        establish(&mut world, n);
    }
    end_all(&mut world);
    establish(&mut world, 2000);
    establish(&mut world, 2001);
    let remote = RemoteTunnel {
        address: IpAddr::from(GNB),
        teid: 0x77,
    };
    let found = world.sessions.sessions_of_remote(remote);
    assert_eq!(found, [(smf(), 2000, 2000), (smf(), 2001, 2001)]);
    // It is a look, not a search.
    world.sessions.look_portion.sessions = 1101;
    assert_eq!(world.sessions.sessions_of_remote(remote).len(), 1);
    world.sessions.look_portion.time = Duration::ZERO;
    assert_eq!(world.sessions.sessions_of_remote(remote), []);
    // A part of a list has one session at least, and a list has them all.
    let (part, last) = world.sessions.list_part(Some(2000), 9, 9);
    assert_eq!((part.len(), last), (1, Some(2001)));
    let (part, last) = world.sessions.list_part(Some(1), 9, 9);
    assert_eq!((part.len(), last), (0, Some(2)));
    assert_eq!(shown(&world), [2000, 2001]);
}

/// A control plane that comes again finds room.
#[test]
fn what_has_ended_is_no_load() {
    let mut world = World::with_slots(100);
    world.sessions.tick_portion.sessions = 0;
    world.sessions.request_portion.sessions = 0;
    let stranger = NodeId::Fqdn("smf.example.org".to_owned());
    let others = pgw_u(1, ue(Some("10.45.1.1"), None));
    let now = world.now;
    world
        .sessions
        .establish(&stranger, 0, &others, now)
        .unwrap();
    let first = world.sessions.slots_in_use();
    while world.sessions.slots_in_use() < 92 {
        let n = world.sessions.len() as u32;
        world.established(&of_set(n + 1, 1));
    }
    assert!(world.sessions.load_percent() >= 92);
    end_all(&mut world);
    assert!(world.sessions.slots_in_use() >= 92);
    assert_eq!(u32::from(world.sessions.load_percent()), first);
    let new = world.established(&of_set(1, 1));
    let load = u32::from(world.sessions.load_percent());
    assert_eq!(load, 2 * first, "one ended session made way");
    end_all(&mut world);
    assert_eq!(u32::from(world.sessions.load_percent()), first);
    assert!(world.sessions.sessions.contains_key(&new));
    world.drain();
    assert_eq!(world.sessions.slots_in_use(), first);
    let peers = world.sessions.peers().len() as u32;
    let load = u32::from(world.sessions.load_percent());
    assert_eq!(load, peers * 100 / 16, "peers are scarcer than slots");
    world.check();
}
