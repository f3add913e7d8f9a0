//! Sessions with many PDRs and filters.

use upf_common::abi::{LIST_PAGE_ENTRIES, MAX_LIST_ENTRIES, flags, verdict};

use super::requests::*;
use super::world::{World, teid_of};
use crate::pfcp::ie::{Cause, FailedRule, Interface, SdfFilter};
use crate::pfcp::message::{CreatePdr, Pdi, SessionEstablishmentRequest};

const UE: &str = "10.45.0.2";

/// PDRs of both directions in pairs, with these filters each; those with a low ID come last.
pub(super) fn with_pairs(
    pairs: u16,
    filters: impl Fn(u16) -> Vec<SdfFilter>,
) -> SessionEstablishmentRequest {
    let mut request = pgw_u(1, ue(Some(UE), None));
    request.create_pdrs.truncate(2);
    request.create_qers.clear();
    for pdr in &mut request.create_pdrs {
        pdr.qer_ids.clear();
    }
    let [downlink, uplink] = [&request.create_pdrs[0].pdi, &request.create_pdrs[1].pdi];
    let pair = |n: u16| {
        let with_filters = |pdi: &Pdi| Pdi {
            sdf_filters: filters(n),
            ..pdi.clone()
        };
        let precedence = Some(1000 - u32::from(n));
        [
            pdr(10 + 2 * n, precedence, 1, &[], with_filters(downlink)),
            pdr(11 + 2 * n, precedence, 2, &[], with_filters(uplink)),
        ]
    };
    let pairs: Vec<CreatePdr> = (0..pairs).flat_map(pair).collect();
    request.create_pdrs.extend(pairs);
    request
}

fn port(number: usize) -> SdfFilter {
    sdf(&format!(
        "permit out 17 from 192.0.2.1 {number} to assigned"
    ))
}

/// A filter that takes as many entries as the product of both.
pub(super) fn ports(remote: usize, local: usize) -> SdfFilter {
    let list = |count: usize| {
        let ports: Vec<_> = (1..=count).map(|port| port.to_string()).collect();
        ports.join(",")
    };
    sdf(&format!(
        "permit out 17 from any {} to assigned {}",
        list(remote),
        list(local)
    ))
}

#[test]
fn sixty_four_pdrs_with_256_filters_fit() {
    let mut world = World::new();
    let of_pdr = |n: u16| (0..4).map(|k| port(usize::from(n) * 4 + k + 1)).collect();
    let request = with_pairs(31, of_pdr);
    assert_eq!(request.create_pdrs.len(), 64);
    let established = world.establish(&request).unwrap();
    world.check();
    for rules in [
        world.downlink(1, UE),
        world.uplink(teid_of(&established.created_pdrs, 2)),
    ] {
        let list = world.list(&rules);
        assert_eq!(list.len(), 31 * 4 + 1);
        let ports: Vec<_> = list
            .iter()
            .map(|entry| entry.filter.remote_ports.first)
            .collect();
        let first_pdr = 30 * 4 + 1;
        assert_eq!(
            ports[..5],
            [
                first_pdr,
                first_pdr + 1,
                first_pdr + 2,
                first_pdr + 3,
                first_pdr - 4
            ]
        );
        assert_eq!(ports[124], 0, "the default comes last");
        assert!(
            list.iter()
                .all(|entry| entry.rules.verdict == verdict::FORWARD)
        );
    }
    let seid = established.up_f_seid.seid;
    world.delete(seid).unwrap();
    world.check();
    assert!(world.state().has_same_tables(&World::new().state()));
}

#[test]
fn a_chain_takes_512_entries_and_not_one_more() {
    let mut world = World::new();
    // The default PDR takes one.
    let full = |extra: usize| {
        with_pairs(1, move |_| {
            vec![ports(16, 16), ports(16, 15), ports(15 + extra, 1)]
        })
    };
    let established = world.establish(&full(0)).unwrap();
    let list = world.list(&world.downlink(1, UE));
    assert_eq!(list.len(), MAX_LIST_ENTRIES);
    world.check();
    world.delete(established.up_f_seid.seid).unwrap();
    let before = world.state();
    let refusal = world.establish(&full(1)).unwrap_err();
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert_eq!(refusal.failed_rule, Some(FailedRule::Pdr(2)));
    assert_eq!(world.state(), before);
    let refusal = world
        .establish(&with_pairs(1, |_| vec![ports(16, 16); 3]))
        .unwrap_err();
    assert_eq!(refusal.failed_rule, Some(FailedRule::Pdr(11)));
    assert_eq!(world.state(), before);
}

#[test]
fn where_no_pages_are_left_nothing_is_changed() {
    let mut world = World::new();
    let request = with_pairs(1, |_| vec![ports(16, 16), ports(16, 15)]);
    let pages = 2 * (16 * 31usize + 1).div_ceil(LIST_PAGE_ENTRIES);
    let mut count = 0;
    let refusal = loop {
        let mut request = request.clone();
        let address = format!("10.45.1.{count}");
        for pdr in &mut request.create_pdrs {
            pdr.pdi.ue_ip_address = Some(ue(Some(&address), None));
        }
        let before = world.state();
        match world.establish(&request) {
            Ok(_) => count += 1,
            Err(refusal) => {
                assert_eq!(world.state(), before);
                break refusal;
            }
        }
    };
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert_eq!(count, 512 / pages);
    world.check();
}

#[test]
fn what_stays_is_not_written_anew() {
    let mut world = World::new();
    let seid = world.established(&with_pairs(3, |n| vec![port(usize::from(n))]));
    let (before, uplink) = (world.downlink(1, UE).list, world.state());
    world.modify(seid, &idle()).unwrap();
    let after = world.downlink(1, UE).list;
    assert_ne!(before, after, "packets may still be reading the old one");
    world.modify(seid, &idle()).unwrap();
    assert_eq!(world.downlink(1, UE).list, after);
    world.check();
    drop(uplink);
}

#[test]
fn several_qfis_are_one_entry_and_one_alone_needs_no_list() {
    let mut world = World::new();
    let with = |qfis: &[u8]| {
        let mut request = pdu_session(1, ue(Some(UE), None));
        request.create_pdrs.truncate(2);
        request.create_pdrs[1].pdi.qfis = qfis.to_vec();
        request
    };
    let established = world.establish(&with(&[63])).unwrap();
    let rules = world.uplink(teid_of(&established.created_pdrs, 2));
    assert_eq!((rules.verdict, rules.match_qfi), (verdict::FORWARD, 63));
    assert_eq!(rules.flags & flags::MATCH_QFI, flags::MATCH_QFI);
    world.check();
    world.delete(established.up_f_seid.seid).unwrap();
    let established = world.establish(&with(&[0, 1, 63])).unwrap();
    let list = world.list(&world.uplink(teid_of(&established.created_pdrs, 2)));
    let [entry] = list[..] else {
        panic!("{list:?}");
    };
    assert_eq!(entry.qfis, 1 << 63 | 0b11);
    assert_eq!(entry.rules.flags & flags::MATCH_QFI, 0);
    world.check();
}

#[test]
fn spi_and_flow_label_reach_the_tables() {
    let mut world = World::new();
    let filter = SdfFilter {
        spi: Some(0x0102_0304),
        flow_label: Some(0x5_4321),
        ..SdfFilter::default()
    };
    world.established(&with_pairs(1, |_| vec![filter.clone()]));
    let filter = world.list(&world.downlink(1, UE))[0].filter;
    assert_eq!((filter.spi, filter.flow_label), (0x0102_0304, 0x5_4321));
    assert_eq!(filter.flags, 0b111);
    world.check();
}

/// ULCL: the session's F-TEID is one, what a filter finds leaves here, the rest to another UPF (N9).
#[test]
fn one_session_has_two_ways_out() {
    let mut world = World::new();
    let mut request = with_pairs(1, |_| {
        vec![sdf("permit out ip from 192.0.2.0/24 to assigned")]
    });
    request.create_fars[1] = far(
        2,
        FORW,
        Some((Interface::Core, Some(gtpu(0x900, SMF_GTPU)))),
    );
    request
        .create_fars
        .push(far(9, FORW, Some((Interface::Core, None))));
    let local = request
        .create_pdrs
        .iter_mut()
        .find(|pdr| pdr.id == 11)
        .unwrap();
    local.far_id = Some(9);
    let established = world.establish(&request).unwrap();
    let list = world.list(&world.uplink(teid_of(&established.created_pdrs, 2)));
    let [here, there] = list[..] else {
        panic!("{list:?}");
    };
    assert_eq!(
        (here.rules.flags & flags::ENCAPSULATE, here.rules.instance),
        (0, 1)
    );
    assert_eq!(there.rules.flags & flags::ENCAPSULATE, flags::ENCAPSULATE);
    assert_eq!(there.rules.peer_teid, [0, 0, 9, 0]);
    assert_eq!(world.peer(&there.rules).remote[12..], SMF_GTPU.octets());
    world.check();
}
