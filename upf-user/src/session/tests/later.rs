//! PDRs that begin or end to count later are judged when they are asked for (TS 29.244 clause 5.2.1A.4).

use std::time::Duration;

use super::applications::{flows, pfds, provision};
use super::lists::{ports, with_pairs};
use super::requests::*;
use super::world::World;
use crate::pfcp::ie::{Cause, FailedRule, Interface};
use crate::pfcp::message::{Pdi, SessionEstablishmentRequest, SessionModificationRequest};

const UE: &str = "10.45.0.2";
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// PDRs 10 and 11 with this many entries, before the two that take everything.
fn with_entries(count: usize) -> SessionEstablishmentRequest {
    with_pairs(1, move |_| vec![ports(16, 16), ports(count - 256, 1)])
}

fn with_many(count: usize) -> SessionEstablishmentRequest {
    with_pairs(1, move |_| {
        vec![ports(16, 16), ports(16, 15), ports(count - 496, 1)]
    })
}

/// The same, and those of PDRs 10 and 11 from one time until another.
fn between(
    mut request: SessionEstablishmentRequest,
    start: Option<u32>,
    end: Option<u32>,
) -> SessionEstablishmentRequest {
    for pdr in request.create_pdrs.iter_mut().filter(|pdr| pdr.id >= 10) {
        (pdr.activation_time, pdr.deactivation_time) = (start, end);
    }
    request
}

#[test]
fn rules_that_will_not_fit_are_refused_as_if_they_counted_now() {
    let mut world = World::new();
    world.now += DAY;
    let (later, much_later) = (world.ntp(HOUR), world.ntp(DAY));
    let expected = world.establish(&with_many(512)).unwrap_err();
    assert_eq!(expected.cause, Cause::NoResourcesAvailable);
    assert_eq!(expected.failed_rule, Some(FailedRule::Pdr(2)));
    let rows = [(Some(later), None), (Some(later), Some(much_later))];
    for (start, end) in rows {
        let before = world.state();
        let outcome = world.establish(&between(with_many(512), start, end));
        assert_eq!(outcome, Err(expected.clone()), "{start:?} {end:?}");
        assert_eq!(world.state(), before);
    }
    // One less fits, and does when its time has come.
    world.established(&between(with_many(511), Some(later), None));
    assert_eq!(world.downlink(1, UE).verdict, 1, "no list yet");
    world.now += 2 * HOUR;
    world.sessions.tick(world.now);
    assert_eq!(world.list(&world.downlink(1, UE)).len(), 512);
    world.check();
}

#[test]
fn what_counts_no_more_is_in_nobody_s_way() {
    let mut world = World::new();
    world.now += DAY;
    let now = world.ntp(Duration::ZERO);
    let past = (now - 3600, now - 1800);
    let request = between(with_many(512), Some(past.0), Some(past.1));
    world.established(&request);
    world.check();
}

/// The first PDR takes everything until its end; what is behind it has to fit then.
#[test]
fn what_a_pdr_hides_counts_when_it_ends() {
    let mut world = World::new();
    let hour = world.ntp(HOUR);
    let hiding = |end: Option<u32>| {
        let mut request = with_many(512);
        let mut first = request.create_pdrs[0].clone();
        (first.id, first.precedence, first.deactivation_time) = (5, Some(1), end);
        request.create_pdrs.push(first);
        // Only what comes to the UE's address matters here.
        request.create_pdrs.retain(|pdr| pdr.id != 11);
        request
    };
    let refusal = world.establish(&hiding(Some(hour))).unwrap_err();
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert_eq!(refusal.failed_rule, Some(FailedRule::Pdr(10)));
    let seid = world.established(&hiding(None));
    world.check();
    let mut update = update_pdr(5);
    update.deactivation_time = Some(hour);
    let request = SessionModificationRequest {
        update_pdrs: vec![update],
        ..SessionModificationRequest::default()
    };
    let before = world.state();
    assert_eq!(world.modify(seid, &request), Err(refusal));
    assert_eq!(world.state(), before);
}

#[test]
fn pdrs_of_different_times_have_to_fit_together() {
    let mut world = World::new();
    let hour = world.ntp(HOUR);
    let seid = world.established(&between(with_entries(300), None, Some(hour)));
    let mut request = dedicated_flow("permit out 6 from any to assigned");
    for pdr in &mut request.create_pdrs {
        pdr.pdi.sdf_filters = vec![ports(16, 16)];
        pdr.activation_time = Some(hour);
    }
    let before = world.state();
    let refusal = world.modify(seid, &request).unwrap_err();
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert_eq!(world.state(), before);
    for pdr in &mut request.create_pdrs {
        pdr.pdi.sdf_filters = vec![ports(16, 12)];
    }
    world.modify(seid, &request).unwrap();
    world.check();
}

#[test]
fn pfds_have_to_fit_a_pdr_that_counts_later() {
    let mut world = World::new();
    let small = ["permit out 6 from 192.0.2.1 443 to assigned"];
    provision(&mut world, &pfds("video", &[flows(&small)])).unwrap();
    let mut request = pgw_u(7, ue(Some(UE), None));
    let application = Pdi {
        application_id: Some("video".to_owned()),
        ..pdi(Interface::Core)
    };
    let mut later = pdr(5, Some(5), 1, &[], application);
    later.activation_time = Some(world.ntp(HOUR));
    request.create_pdrs.push(later);
    let seid = world.established(&request);
    let due = world.sessions.next_deadline();
    let many: Vec<_> = (0..33)
        .map(|n| format!("permit out 17 from any {n},100,101,102 to assigned 1,2,3,4"))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    // What does not fit is tried again before that, and with other PFDs.
    provision(&mut world, &pfds("video", &[flows(&many)])).unwrap();
    let again = world.now + Duration::from_secs(1);
    assert_eq!(world.sessions.next_deadline(), Some(again));
    world.check();
    provision(&mut world, &pfds("video", &[flows(&many[..31])])).unwrap();
    assert_eq!(world.sessions.next_deadline(), due);
    assert_eq!(world.sessions.sessions[&seid].owed, None);
    world.now += 2 * HOUR;
    world.sessions.tick(world.now);
    assert_eq!(world.list(&world.downlink(1, UE)).len(), 31 * 16 + 1);
    world.check();
}
