//! Activation and deactivation times (TS 29.244 clause 5.2.1A.4) and predefined rules (clause 5.19).

use std::time::Duration;

use super::requests::*;
use super::world::World;
use crate::datapath::chaos::Chaos;
use crate::pfcp::ie::{Cause, FailedRule, kind};
use crate::pfcp::message::{Refusal, SessionModificationRequest};
use crate::session::detection::{Limit, LimitKey};
use crate::session::model::Action;

const UE: &str = "10.45.0.2";

fn entries(world: &World) -> usize {
    let rules = world.downlink(1, UE);
    match rules.verdict == upf_common::abi::verdict::LIST {
        true => world.list(&rules).len(),
        false => 1,
    }
}

/// PDRs 5 and 6 count for an hour, in an hour.
fn later(world: &World) -> SessionModificationRequest {
    let mut request = dedicated_flow("permit out 6 from any 443 to assigned");
    let hour = Duration::from_secs(3600);
    for pdr in &mut request.create_pdrs {
        pdr.activation_time = Some(world.ntp(hour));
        pdr.deactivation_time = Some(world.ntp(2 * hour));
    }
    request
}

#[test]
fn a_pdr_counts_between_its_times() {
    let mut world = World::new();
    let seid = world.established(&pgw_u(7, ue(Some(UE), None)));
    assert_eq!(world.sessions.next_deadline(), None);
    let request = later(&world);
    let created = world.modify(seid, &request).unwrap();
    assert_eq!(created.len(), 1, "its F-TEID is there before it counts");
    world.check();
    let (is_active, hour) = (
        |world: &World| entries(world) > 1,
        Duration::from_secs(3600),
    );
    assert!(!is_active(&world));
    let start = world.sessions.next_deadline().unwrap();
    assert!(start > world.now && start <= world.now + hour);
    world.sessions.tick(start - Duration::from_millis(1));
    assert!(!is_active(&world));
    world.now = start;
    world.sessions.tick(start);
    world.check();
    assert!(is_active(&world));
    let end = world.sessions.next_deadline().unwrap();
    assert_eq!(end - start, hour);
    world.now = end;
    world.sessions.tick(end);
    world.check();
    assert!(!is_active(&world));
    assert_eq!(world.sessions.next_deadline(), None);
    // Times that are over make it count, or not, at once.
    let past = world.ntp(Duration::ZERO).wrapping_sub(10);
    let mut update = update_pdr(5);
    (update.activation_time, update.deactivation_time) = (Some(past), Some(past.wrapping_add(60)));
    let request = SessionModificationRequest {
        update_pdrs: vec![update],
        ..SessionModificationRequest::default()
    };
    world.modify(seid, &request).unwrap();
    assert!(is_active(&world));
    world.delete(seid).unwrap();
    assert_eq!(world.sessions.next_deadline(), None);
    world.check();
}

#[test]
fn many_sessions_at_a_time_take_turns() {
    let mut world = World::new();
    world.sessions.tick_portion.sessions = 256;
    let mut request = pgw_u(7, ue(Some(UE), None));
    let due = Duration::from_secs(60);
    request.create_pdrs[0].activation_time = Some(world.ntp(due));
    for n in 0..260 {
        let address = format!("10.45.{}.{}", n / 256, n % 256);
        request.create_pdrs[0].pdi.ue_ip_address = Some(ue(Some(&address), None));
        request.create_pdrs[1].pdi.ue_ip_address = Some(ue(Some(&address), None));
        world.established(&request);
    }
    world.now += 2 * due;
    world.sessions.tick(world.now);
    assert!(
        world
            .sessions
            .next_deadline()
            .is_some_and(|deadline| deadline <= world.now)
    );
    world.sessions.tick(world.now);
    assert_eq!(world.sessions.next_deadline(), None);
    world.check();
}

/// PDRs of a session begin to count now, and no table can be written.
fn due_in_vain() -> (World, u64) {
    let mut world = World::new();
    let seid = world.established(&pgw_u(7, ue(Some(UE), None)));
    let request = later(&world);
    world.modify(seid, &request).unwrap();
    world.now = world.sessions.next_deadline().unwrap();
    world.tables.set(Chaos::From(0));
    (world, seid)
}

#[test]
fn what_cannot_be_put_into_force_in_time_is_tried_again() {
    let (mut world, _) = due_in_vain();
    world.sessions.tick(world.now);
    assert_eq!(entries(&world), 1);
    world.tables.set(Chaos::Never);
    let again = world.sessions.next_deadline().unwrap();
    assert!(again > world.now && again <= world.now + Duration::from_secs(1));
    world.now = again;
    world.sessions.tick(again);
    assert!(entries(&world) > 1);
    world.check();
}

#[test]
fn tries_are_put_off_more_and_more() {
    let (mut world, seid) = due_in_vain();
    for seconds in [1, 2, 4, 8, 16, 32, 64, 64] {
        world.sessions.tick(world.now);
        let again = world.sessions.next_deadline().unwrap();
        assert_eq!(again, world.now + Duration::from_secs(seconds));
        world.now = again;
    }
    // A modification that fails leaves it at that, one that does not puts all into force.
    let before = world.sessions.next_deadline();
    assert!(world.modify(seid, &idle()).is_err());
    assert_eq!(world.sessions.next_deadline(), before);
    world.tables.set(Chaos::Never);
    let unknown = SessionModificationRequest {
        remove_pdrs: vec![99],
        ..SessionModificationRequest::default()
    };
    assert!(world.modify(seid, &unknown).is_err());
    assert_eq!(world.sessions.next_deadline(), before);
    assert_eq!(entries(&world), 1);
    world.modify(seid, &idle()).unwrap();
    assert!(entries(&world) > 1);
    world.check();
    // The next deadline is the end of the PDRs again.
    let end = world.sessions.next_deadline().unwrap();
    assert!(end > world.now + Duration::from_secs(1800), "{end:?}");
    world.tables.set(Chaos::From(0));
    world.now = end;
    world.sessions.tick(end);
    let again = world.sessions.next_deadline().unwrap();
    assert_eq!(again, end + Duration::from_secs(1), "it begins anew");
}

#[test]
fn predefined_rules_are_activated_by_their_name() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), None));
    request.create_pdrs[1].activate_predefined_rules = vec!["gold".to_owned()];
    let seid = world.established(&request);
    let detections = world.detections_of(seid, 2);
    let [gold, own] = detections.as_slice() else {
        panic!("{detections:?}");
    };
    assert_eq!((gold.precedence, own.precedence), (Some(10), Some(65535)));
    assert_eq!(gold.forward, own.forward, "the FAR of the PDR");
    assert_eq!(
        (gold.filters.as_ref().map(Vec::len), &own.filters),
        (Some(1), &None)
    );
    let limit = Limit {
        key: LimitKey::Qer(1 << 31),
        kbps: 64,
    };
    assert_eq!(gold.limits.last(), Some(&limit));
    assert!(!own.limits.contains(&limit));
    world.check();
    let change = |activate: &[&str], deactivate: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut update = update_pdr(2);
        update.activate_predefined_rules = names(activate);
        update.deactivate_predefined_rules = names(deactivate);
        SessionModificationRequest {
            update_pdrs: vec![update],
            ..SessionModificationRequest::default()
        }
    };
    world.modify(seid, &change(&["closed"], &["gold"])).unwrap();
    let detections = world.detections_of(seid, 2);
    assert_eq!(
        (detections[0].action, detections[0].forward),
        (Action::Drop, None)
    );
    world.check();
    let unknown = |ie| Refusal {
        cause: Cause::UnknownPredefinedRule,
        offending_ie: Some(ie),
        failed_rule: Some(FailedRule::Pdr(2)),
    };
    let rows = [
        (change(&["silver"], &[]), kind::ACTIVATE_PREDEFINED_RULES),
        (change(&[], &["silver"]), kind::DEACTIVATE_PREDEFINED_RULES),
        (change(&[], &["gold"]), kind::DEACTIVATE_PREDEFINED_RULES),
    ];
    for (request, ie) in rows {
        let before = world.state();
        assert_eq!(world.modify(seid, &request), Err(unknown(ie)));
        assert_eq!(world.state(), before);
    }
    world.modify(seid, &change(&[], &["closed"])).unwrap();
    assert_eq!(world.detections_of(seid, 2).len(), 1);
    world.check();
}

#[test]
fn a_predefined_rule_stands_for_a_pdr_without_far() {
    let mut world = World::new();
    let mut request = pgw_u(7, ue(Some(UE), None));
    request.create_pdrs[1].far_id = None;
    request.create_pdrs[1].activate_predefined_rules = vec!["gold".to_owned()];
    let refusal = world.establish(&request).unwrap_err();
    assert_eq!(
        refusal.cause,
        Cause::ConditionalIeMissing,
        "it does not say where to"
    );
    request.create_pdrs[1].activate_predefined_rules = vec!["closed".to_owned()];
    let seid = world.established(&request);
    let detections = world.detections_of(seid, 2);
    assert_eq!((detections.len(), detections[0].action), (1, Action::Drop));
    world.check();
}
