//! FAR for Quota Action (TS 29.244 clause 7.5.2.4): what becomes of packets beyond an exhausted quota.

use upf_common::abi::{NO_LIST, NO_USAGE, Rules, flags, usage_flags, verdict};

use super::charging::{URR, charged, pass_record, quota, told};
use super::requests::*;
use super::world::{World, teid_of};
use crate::datapath::chaos::Chaos;
use crate::datapath::{Account, Reached, UsageIndex};
use crate::pfcp::ie::{Cause, FailedRule, Interface, UsageReportTrigger as Why, kind};
use crate::pfcp::message::{
    CreateFar, CreateUrr, SessionEstablishmentRequest, SessionModificationRequest, UpdateFar,
    UpdateForwardingParameters, UpdateUrr,
};

pub(super) const UE: &str = "10.45.0.2";
pub(super) const ACTION: u32 = 8;
/// Where packets go to buy more.
const PORTAL: u32 = 0x9000;

fn with_action(id: u32, far: u32) -> CreateUrr {
    let mut urr = quota(500);
    urr.id = id;
    urr.settings.quota_action_far_id = Some(far);
    urr
}

/// To the portal, by a tunnel.
pub(super) fn to_portal(id: u32) -> CreateFar {
    far(
        id,
        FORW,
        Some((Interface::Core, Some(gtpu(PORTAL, SMF_GTPU)))),
    )
}

/// A session whose URR has a FAR for what is beyond its quota.
pub(super) fn session(action: CreateFar) -> SessionEstablishmentRequest {
    let mut request = charged(UE, &[with_action(URR, action.id)]);
    request.create_fars.push(action);
    request
}

impl World {
    /// The rules for packets to the UE that are beyond a quota.
    pub(super) fn beyond(&self, rules: &Rules) -> Option<Rules> {
        let page = self
            .tables
            .with(|tables| tables.list(rules.list).copied())?;
        assert_eq!((page.len, page.next), (1, NO_LIST));
        Some(page.entries[0].rules)
    }

    pub(super) fn record_of(&self, rules: &Rules) -> u32 {
        let set = self
            .tables
            .with(|tables| *tables.usage_set(rules.usage).unwrap());
        set.records[0]
    }

    /// Whether what is beyond the quota of a record has rules of its own.
    pub(super) fn has_action(&self, record: u32) -> bool {
        let usage = self.tables.with(|tables| *tables.usage(record).unwrap());
        usage.tail.word & usage_flags::HAS_ACTION != 0
    }
}

#[test]
fn both_halves_have_rules_for_what_is_beyond() {
    let mut world = World::new();
    let established = world.establish(&session(to_portal(ACTION))).unwrap();
    world.check();
    let rules = world.downlink(1, UE);
    let uplink = world.uplink(teid_of(&established.created_pdrs, 2));
    for rules in [rules, uplink] {
        assert_eq!(rules.verdict, verdict::FORWARD);
        assert_ne!(rules.peer_teid, PORTAL.to_be_bytes());
        let beyond = world.beyond(&rules).unwrap();
        assert_eq!(beyond.verdict, verdict::FORWARD);
        assert_eq!(beyond.peer_teid, PORTAL.to_be_bytes());
        assert_eq!(world.peer(&beyond).remote[12..], SMF_GTPU.octets());
        // All else is as it was: it is limited and counted as before.
        let else_ = |rules: Rules| (rules.meter_slot, rules.limit, rules.usage, rules.teid);
        assert_eq!(else_(beyond), else_(rules));
        assert_ne!(rules.usage, NO_USAGE);
        assert!(world.has_action(world.record_of(&rules)));
    }
}

#[test]
fn a_far_that_drops_is_one_too() {
    let mut world = World::new();
    world.established(&session(far(ACTION, DROP, None)));
    world.check();
    let beyond = world.beyond(&world.downlink(1, UE)).unwrap();
    assert_eq!(beyond.verdict, verdict::DROP);
}

#[test]
fn what_is_beyond_is_reported_and_a_refill_ends_it() {
    let mut world = World::new();
    let seid = world.established(&session(to_portal(ACTION)));
    let record = world.record_of(&world.downlink(1, UE));
    pass_record(&world, record, 2, 3);
    world.reach(Account::Record(UsageIndex(record)), Reached::Quota);
    let reports: Vec<_> = world.reported().iter().map(told).collect();
    assert_eq!(reports, [(URR, Why::VOLQU, [Some(2), Some(3)])]);
    // The portal's packets count.
    pass_record(&world, record, 1, 1);
    world.reach(Account::Record(UsageIndex(record)), Reached::Quota);
    assert_eq!(world.reported(), [], "it is told once");
    let tail = || {
        world
            .tables
            .with(|tables| tables.usage(record).unwrap().tail)
    };
    assert_eq!(tail().quota, 0);
    assert!(world.has_action(record));
    let refill = SessionModificationRequest {
        update_urrs: vec![UpdateUrr {
            id: URR,
            volume_quota: super::charging::total(300),
            ..UpdateUrr::default()
        }],
        ..SessionModificationRequest::default()
    };
    assert_eq!(world.changed(seid, &refill), []);
    let tail = world
        .tables
        .with(|tables| tables.usage(record).unwrap().tail);
    assert_eq!(tail.quota, 1000);
    let last: Vec<_> = world.ended(seid).iter().map(told).collect();
    assert_eq!(last, [(URR, Why::TERMR, [Some(1), Some(1)])]);
    world.check();
}

#[test]
fn updates_take_effect() {
    let mut world = World::new();
    let seid = world.established(&session(to_portal(ACTION)));
    // The FAR is changed.
    let update = SessionModificationRequest {
        update_fars: vec![UpdateFar {
            id: ACTION,
            forwarding: Some(UpdateForwardingParameters {
                outer_header_creation: Some(gtpu(0x9001, SMF_GTPU)),
                ..UpdateForwardingParameters::default()
            }),
            ..UpdateFar::default()
        }],
        ..SessionModificationRequest::default()
    };
    world.changed(seid, &update);
    world.check();
    let rules = world.downlink(1, UE);
    let beyond = world.beyond(&rules).unwrap();
    assert_eq!(beyond.peer_teid, 0x9001_u32.to_be_bytes());
    // The URR gets another one.
    let other = SessionModificationRequest {
        create_fars: vec![far(9, DROP, None)],
        update_urrs: vec![UpdateUrr {
            id: URR,
            quota_action_far_id: Some(9),
            ..UpdateUrr::default()
        }],
        remove_fars: vec![ACTION],
        ..SessionModificationRequest::default()
    };
    world.changed(seid, &other);
    world.check();
    let rules = world.downlink(1, UE);
    assert_eq!(world.beyond(&rules).unwrap().verdict, verdict::DROP);
    // The FAR goes: what is beyond is dropped again.
    let record = world.record_of(&rules);
    let removal = SessionModificationRequest {
        remove_fars: vec![9],
        ..SessionModificationRequest::default()
    };
    world.changed(seid, &removal);
    world.check();
    let rules = world.downlink(1, UE);
    assert_eq!((rules.list, rules.verdict), (NO_LIST, verdict::FORWARD));
    assert_eq!(world.record_of(&rules), record, "it counts on");
    assert!(!world.has_action(record));
    // And comes with an update again.
    let again = SessionModificationRequest {
        create_fars: vec![to_portal(ACTION)],
        update_urrs: vec![UpdateUrr {
            id: URR,
            quota_action_far_id: Some(ACTION),
            ..UpdateUrr::default()
        }],
        ..SessionModificationRequest::default()
    };
    world.changed(seid, &again);
    world.check();
    assert!(world.has_action(record) && world.beyond(&world.downlink(1, UE)).is_some());
    world.ended(seid);
    world.check();
}

#[test]
fn a_urr_that_counted_in_a_slot_gets_a_record_with_its_first_action() {
    let mut world = World::new();
    let seid = world.established(&charged(UE, &[quota(500)]));
    assert_eq!(world.downlink(1, UE).usage, NO_USAGE);
    let slot = world.slot_of_address(1, UE.parse().unwrap()).unwrap();
    super::charging::pass(&world, slot.0, 1, 1);
    let action = SessionModificationRequest {
        create_fars: vec![to_portal(ACTION)],
        update_urrs: vec![UpdateUrr {
            id: URR,
            quota_action_far_id: Some(ACTION),
            ..UpdateUrr::default()
        }],
        ..SessionModificationRequest::default()
    };
    world.changed(seid, &action);
    world.check();
    let record = world.record_of(&world.downlink(1, UE));
    let tail = world
        .tables
        .with(|tables| tables.usage(record).unwrap().tail);
    assert_eq!(tail.quota, 300);
    assert!(world.has_action(record));
}

#[test]
fn references_are_checked() {
    let mut world = World::new();
    let seid = world.established(&session(to_portal(ACTION)));
    let action = |far| UpdateUrr {
        id: URR,
        quota_action_far_id: Some(far),
        ..UpdateUrr::default()
    };
    let unknown = SessionModificationRequest {
        update_urrs: vec![action(33)],
        ..SessionModificationRequest::default()
    };
    let removed = SessionModificationRequest {
        update_urrs: vec![action(ACTION)],
        remove_fars: vec![ACTION],
        ..SessionModificationRequest::default()
    };
    for (request, rule) in [
        (unknown, FailedRule::Urr(URR)),
        (removed, FailedRule::Far(ACTION)),
    ] {
        let before = world.state();
        let refusal = world.modify(seid, &request).unwrap_err();
        assert_eq!(refusal.cause, Cause::RuleCreationFailure);
        assert_eq!(refusal.offending_ie, Some(kind::FAR_ID));
        assert_eq!(refusal.failed_rule, Some(rule));
        assert_eq!(world.state(), before);
    }
    // A FAR in place of one with the same ID is the same to the URR.
    let replaced = SessionModificationRequest {
        remove_fars: vec![ACTION],
        create_fars: vec![far(ACTION, DROP, None)],
        ..SessionModificationRequest::default()
    };
    world.changed(seid, &replaced);
    world.check();
    let beyond = world.beyond(&world.downlink(1, UE)).unwrap();
    assert_eq!(beyond.verdict, verdict::DROP);
}

#[test]
fn of_several_fars_one_that_drops_goes_first() {
    let mut world = World::new();
    let urrs = [with_action(URR, ACTION), with_action(8, 9), quota(700)];
    let urrs = urrs.map(|urr| match urr.settings.quota_action_far_id {
        None => CreateUrr { id: 3, ..urr },
        Some(_) => urr,
    });
    let mut request = charged(UE, &urrs);
    request.create_fars.push(to_portal(ACTION));
    request.create_fars.push(far(9, DROP, None));
    world.established(&request);
    world.check();
    let rules = world.downlink(1, UE);
    assert_eq!(world.beyond(&rules).unwrap().verdict, verdict::DROP);
    // The URR without one counts in the slot, and what is beyond its quota is dropped whatever the others' FARs say.
    let slot = world.slot_of_address(1, UE.parse().unwrap()).unwrap();
    assert_eq!(super::charging::tail(&world, slot.0).quota, 700);
}

#[test]
fn entries_of_a_list_have_their_own() {
    let mut world = World::new();
    let mut request = session(to_portal(ACTION));
    request.create_fars.push(far(9, DROP, None));
    request.create_urrs.push(with_action(8, 9));
    for (id, remote, urrs) in [(11, 1, vec![8]), (12, 2, vec![8]), (13, 3, Vec::new())] {
        let mut pdr = request.create_pdrs[0].clone();
        pdr.id = id;
        pdr.precedence = Some(1);
        pdr.pdi.sdf_filters = vec![sdf(&format!(
            "permit out 17 from 192.0.2.{remote} to assigned"
        ))];
        pdr.urr_ids = urrs;
        request.create_pdrs.push(pdr);
    }
    let seid = world.established(&request);
    world.check();
    let entries = world.list(&world.downlink(1, UE));
    assert_eq!(entries.len(), 4);
    let verdicts = entries.iter().map(|entry| {
        let beyond = world.beyond(&entry.rules);
        beyond.map(|rules| rules.verdict)
    });
    let verdicts: Vec<_> = verdicts.collect();
    let (drop, forward) = (Some(verdict::DROP), Some(verdict::FORWARD));
    assert_eq!(verdicts, [drop, drop, None, forward]);
    assert_eq!(
        entries[0].rules.list, entries[1].rules.list,
        "the same rules have one page"
    );
    world.ended(seid);
    world.check();
}

#[test]
fn the_source_is_checked_for_both_ways() {
    let mut world = World::new();
    let mut request = session(far(ACTION, FORW, Some((Interface::Core, None))));
    // The ordinary way leads to the control plane, whose tunnel anybody may send into.
    request.create_fars[1] = far(
        2,
        FORW,
        Some((Interface::CpFunction, Some(gtpu(0x50, SMF_GTPU)))),
    );
    let established = world.establish(&request).unwrap();
    world.check();
    let rules = world.uplink(teid_of(&established.created_pdrs, 2));
    assert_eq!(rules.flags & flags::ANY_SOURCE, 0);
    assert_eq!(rules.flags & flags::UE_V4, flags::UE_V4);
}

#[test]
fn any_write_may_fail() {
    let mut world = World::new();
    let request = session(to_portal(ACTION));
    for n in 0.. {
        let before = world.state();
        world.tables.set(Chaos::Nth(n));
        let outcome = world.establish(&request);
        world.repair();
        world.check();
        if outcome.is_ok() {
            assert!(n > 8, "{n}");
            break;
        }
        assert_eq!(world.state(), before);
    }
}
