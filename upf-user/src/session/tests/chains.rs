//! QERs that limit packets beside the meter of a slot: which comes when, and what cannot be.

use upf_common::abi::{INNER_DSCP, MARK_FLOW, NO_LIMIT, NO_METER, level};

use super::correlated::{kbps, kbps_of, with_ambr};
use super::requests::*;
use super::world::{CONFIG, World, config, teid_of};
use crate::datapath::Direction;
use crate::pfcp::ie::{Cause, FailedRule, Interface};
use crate::pfcp::message::{CreatePdr, CreateQer, SessionEstablishmentRequest};
use crate::session::SessionsConfig;

/// Uplink PDRs beside those of an ordinary session, each with a tunnel of its own and these QERs.
fn with_flows(flows: &[&[u32]], qers: &[CreateQer]) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some("10.45.0.1"), None));
    request.create_qers.extend_from_slice(qers);
    for (id, qer_ids) in (10..).zip(flows) {
        request.create_pdrs.push(flow(id, qer_ids));
    }
    request
}

fn flow(id: u16, qer_ids: &[u32]) -> CreatePdr {
    let mut pdi = pdi(Interface::Access);
    pdi.f_teid = Some(choose(None));
    pdi.network_instance = Some("internet".to_owned());
    pdr(id, Some(u32::from(id)), 2, qer_ids, pdi)
}

fn correlated(id: u32, correlation: u32, kbps: u64) -> CreateQer {
    CreateQer {
        correlation_id: Some(correlation),
        ..qer(id, Some(kbps), None)
    }
}

/// The limits of the n-th of these PDRs, kbit/s: first the meter of the slot, if it has one.
fn uplink(request: &SessionEstablishmentRequest) -> Vec<(Option<u64>, Vec<u64>)> {
    let mut world = World::new();
    let created = world.establish(request).unwrap().created_pdrs;
    world.check();
    let pdrs = request.create_pdrs.iter().filter(|pdr| pdr.id >= 10);
    let limits = |pdr: &CreatePdr| {
        let rules = world.uplink(teid_of(&created, pdr.id));
        let is_metered = rules.meter_slot != NO_METER;
        let meter = is_metered.then(|| kbps_of(world.rate(&rules, Direction::Uplink)));
        let chain = world.chain(&rules, Direction::Uplink);
        let rates = chain.iter().map(|limit| kbps_of(limit.ticks_per_byte));
        (meter, rates.collect())
    };
    pdrs.map(limits).collect()
}

fn refused(request: &SessionEstablishmentRequest) {
    let mut world = World::new();
    let before = world.state();
    let refusal = world.establish(request).unwrap_err();
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert!(matches!(refusal.failed_rule, Some(FailedRule::Pdr(_))));
    assert_eq!(world.state(), before);
}

fn mbr(id: u32, kbps: u64) -> CreateQer {
    qer(id, Some(kbps), None)
}

#[test]
fn a_flows_qer_has_the_meter_and_the_sessions_has_a_record() {
    let qers = [mbr(2, 20), mbr(3, 30), mbr(4, 40)];
    let request = with_flows(&[&[2, 4], &[3, 4], &[4]], &qers);
    assert_eq!(
        uplink(&request),
        [(Some(20), vec![40]), (Some(30), vec![40]), (None, vec![40])]
    );
    // QERs of exactly the same packets are one, with the lower MBR.
    let request = with_flows(&[&[2, 4], &[4, 2]], &qers);
    assert_eq!(uplink(&request), [(Some(20), vec![]), (Some(20), vec![])]);
}

#[test]
fn what_few_pdrs_have_comes_before_what_many_have() {
    let qers = [mbr(2, 20), mbr(3, 30), mbr(4, 40), mbr(5, 50)];
    let request = with_flows(&[&[5, 4, 3, 2], &[5, 4, 3], &[5, 4], &[5]], &qers);
    assert_eq!(
        uplink(&request),
        [
            (Some(20), vec![30, 40, 50]),
            (None, vec![30, 40, 50]),
            (None, vec![40, 50]),
            (None, vec![50]),
        ]
    );
}

#[test]
fn a_limit_has_one_way_on() {
    // Each of three goes with each other one.
    let qers = [mbr(2, 20), mbr(3, 30), mbr(4, 40)];
    let shared = [2, 3, 4].map(|id| correlated(id, id, 10 * u64::from(id)));
    let flows: [&[u32]; 3] = [&[2, 3], &[3, 4], &[2, 4]];
    refused(&with_flows(&flows, &shared));
    refused(&with_flows(&flows, &qers));
    // Two of them do.
    assert_eq!(
        uplink(&with_flows(&flows[..2], &shared)),
        [(None, vec![20, 30]), (None, vec![40, 30])]
    );
    assert_eq!(
        uplink(&with_flows(&flows[..2], &qers)),
        [(Some(20), vec![30]), (Some(40), vec![30])]
    );
}

#[test]
fn a_chain_has_an_end() {
    let shared = |id| correlated(id, id, 10 * u64::from(id));
    let qers: Vec<_> = (2..=6).map(shared).collect();
    refused(&with_flows(&[&[2, 3, 4, 5, 6]], &qers));
    let found = uplink(&with_flows(&[&[2, 3, 4, 5]], &qers));
    assert_eq!(found, [(None, vec![20, 30, 40, 50])]);
}

#[test]
fn sessions_of_a_ue_have_to_agree_on_the_order() {
    let of_ue = |address: &str, qer_ids: &[u32]| {
        let mut request = with_ambr(address, Some("001010000000001"), 1000);
        request.create_qers.push(correlated(8, 78, 500));
        request.create_pdrs[1].qer_ids.extend(qer_ids);
        request
    };
    let mut world = World::new();
    let first = world.established(&of_ue("10.45.0.1", &[]));
    let before = world.state();
    let refusal = world.establish(&of_ue("10.45.0.2", &[8])).unwrap_err();
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert_eq!(world.state(), before);
    world.check();
    // Alone it may have them as it likes.
    world.delete(first).unwrap();
    world.established(&of_ue("10.45.0.2", &[8]));
    world.established(&of_ue("10.45.0.3", &[8]));
    world.check();
}

#[test]
fn a_change_of_one_mbr_is_in_force_in_its_record_alone() {
    let mut world = World::new();
    let request = with_flows(&[&[2, 4], &[3, 4]], &[mbr(2, 20), mbr(3, 30), mbr(4, 40)]);
    let established = world.establish(&request).unwrap();
    let rules = |world: &World| world.uplink(teid_of(&established.created_pdrs, 10));
    let before = rules(&world);
    let mut change = super::correlated::ambr_of(70);
    change.update_qers[0].id = 4;
    world.modify(established.up_f_seid.seid, &change).unwrap();
    world.check();
    assert_eq!(rules(&world), before);
    let chain = world.chain(&before, Direction::Uplink);
    assert_eq!(
        (chain.len(), kbps(&chain[0]), chain[0].level),
        (1, 70, level::FLOW)
    );
    assert_eq!(chain[0].parent, NO_LIMIT);
}

fn with_marking(ecn: bool) -> SessionsConfig {
    let mut config = config(CONFIG);
    config.marking = vec![(5, 46), (6, 46), (7, 10)];
    config.ecn = ecn;
    config
}

#[test]
fn packets_of_a_qfi_are_marked() {
    let rows: [(Option<u8>, &[u8], u8, u8); 7] = [
        // QFI of the QER, QFIs of the uplink PDI; DSCPs of both directions.
        (None, &[], 0, 0),
        (Some(5), &[], INNER_DSCP | 46, INNER_DSCP | 46),
        (Some(5), &[7], INNER_DSCP | 10, INNER_DSCP | 46),
        (None, &[5, 6], INNER_DSCP | 46, 0),
        (None, &[5, 7], 0, 0),
        (Some(9), &[9], 0, 0),
        (Some(7), &[9], INNER_DSCP | 10, INNER_DSCP | 10),
    ];
    for ecn in [true, false] {
        for (qfi, qfis, up, down) in rows {
            let mut world = World::small(&with_marking(ecn));
            let mut request = pgw_u(1, ue(Some("10.45.0.1"), None));
            request.create_qers[0].qfi = qfi;
            request.create_pdrs[1].pdi.qfis = qfis.to_vec();
            let created = world.establish(&request).unwrap().created_pdrs;
            world.check();
            let flow = if ecn { MARK_FLOW } else { 0 };
            let downlink = world.downlink(1, "10.45.0.1");
            assert_eq!(downlink.marking, down | flow, "{qfi:?} {qfis:?}");
            let rules = world.uplink(teid_of(&created, 2));
            let marking = match rules.verdict {
                upf_common::abi::verdict::LIST => world.list(&rules)[0].rules.marking,
                _ => rules.marking,
            };
            assert_eq!(marking, up | flow, "{qfi:?} {qfis:?}");
        }
    }
}

#[test]
fn limits_mark_where_the_config_has_them_mark() {
    for ecn in [true, false] {
        let mut world = World::small(&with_marking(ecn));
        world.established(&with_ambr("10.45.0.1", None, 1000));
        let rules = world.downlink(1, "10.45.0.1");
        let limit = world.chain(&rules, Direction::Downlink)[0];
        let marks = limit.flags & upf_common::abi::limit_flags::MARK != 0;
        assert_eq!((marks, rules.marking & MARK_FLOW != 0), (ecn, ecn));
    }
}
