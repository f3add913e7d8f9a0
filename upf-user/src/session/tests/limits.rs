//! How many rules a session may have: one more is refused with cause 75.

use super::requests::*;
use super::world::World;
use crate::pfcp::ie::{Cause, FailedRule, Interface, kind};
use crate::pfcp::message::{CreateBar, CreateMar, CreateUrr, Pdi, SessionEstablishmentRequest};
use crate::session::{MAX_BARS, MAX_FARS, MAX_MARS, MAX_PDRS, MAX_QERS, MAX_SDF_FILTERS, MAX_URRS};

fn base() -> SessionEstablishmentRequest {
    pgw_u(7, ue(Some("10.45.0.2"), None))
}

fn with_pdrs(count: usize, filters: usize) -> SessionEstablishmentRequest {
    let mut request = base();
    request.create_pdrs.truncate(1);
    for id in 100.. {
        if request.create_pdrs.len() == count {
            return request;
        }
        let filter = sdf("permit out 6 from 192.0.2.1 443 to assigned");
        let filtered = Pdi {
            sdf_filters: vec![filter; filters],
            ..pdi(Interface::Core)
        };
        request.create_pdrs.push(pdr(id, Some(1), 1, &[], filtered));
    }
    request
}

fn with_others(kind_of_rule: u16, count: usize) -> SessionEstablishmentRequest {
    let mut request = base();
    let ids = || 1000..;
    match kind_of_rule {
        kind::CREATE_FAR => {
            let more = count - request.create_fars.len();
            request
                .create_fars
                .extend(ids().take(more).map(|id| far(id, DROP, None)));
        }
        kind::CREATE_QER => {
            let more = count - request.create_qers.len();
            request
                .create_qers
                .extend(ids().take(more).map(|id| qer(id, None, None)));
        }
        kind::CREATE_URR => {
            let urr = |id| CreateUrr {
                id,
                measurement_method: crate::pfcp::ie::MeasurementMethod(1),
                ..CreateUrr::default()
            };
            request.create_urrs = ids().take(count).map(urr).collect();
        }
        kind::CREATE_BAR => {
            let bar = |id| CreateBar {
                id,
                ..CreateBar::default()
            };
            request.create_bars = (1..).take(count).map(bar).collect();
        }
        _ => {
            let mar = |id| CreateMar {
                id,
                tgpp_access: Some(crate::pfcp::message::AccessForwardingAction {
                    far_id: 1,
                    ..Default::default()
                }),
                ..CreateMar::default()
            };
            request.create_mars = (1..).take(count).map(mar).collect();
        }
    }
    request
}

#[test]
fn as_many_rules_as_there_may_be_and_one_more() {
    use FailedRule::{Bar, Far, Qer, Urr};
    // The ID of the last one is that of the first plus the number of further ones.
    let rows = [
        (kind::CREATE_FAR, MAX_FARS, Some(Far(1000 + 128 - 3))),
        (kind::CREATE_QER, MAX_QERS, Some(Qer(1000 + 64 - 1))),
        (kind::CREATE_URR, MAX_URRS, Some(Urr(1000 + 64))),
        (kind::CREATE_BAR, MAX_BARS, Some(Bar(2))),
        (kind::CREATE_MAR, MAX_MARS, None),
    ];
    for (kind_of_rule, most, rule) in rows {
        let mut world = World::new();
        let before = world.state();
        let refusal = world
            .establish(&with_others(kind_of_rule, most + 1))
            .unwrap_err();
        assert_eq!(
            (refusal.cause, refusal.failed_rule),
            (Cause::NoResourcesAvailable, rule)
        );
        assert_eq!(world.state(), before);
        world.establish(&with_others(kind_of_rule, most)).unwrap();
        world.check();
    }
}

#[test]
fn sixty_four_pdrs_and_256_filters() {
    let mut world = World::roomy();
    let rule = Some(FailedRule::Pdr(100 + 63));
    let refusal = world.establish(&with_pdrs(MAX_PDRS + 1, 0)).unwrap_err();
    assert_eq!(
        (refusal.cause, refusal.failed_rule),
        (Cause::NoResourcesAvailable, rule)
    );
    world.established(&with_pdrs(MAX_PDRS, 0));
    world.check();
    let mut world = World::roomy();
    let per_pdr = MAX_SDF_FILTERS / 4;
    let mut request = with_pdrs(1 + 4, per_pdr);
    world.established(&request);
    world.check();
    let mut world = World::roomy();
    request.create_pdrs[2]
        .pdi
        .sdf_filters
        .push(sdf("permit out ip from any to assigned"));
    let refusal = world.establish(&request).unwrap_err();
    assert_eq!(refusal.cause, Cause::NoResourcesAvailable);
    assert_eq!(refusal.offending_ie, Some(kind::SDF_FILTER));
    assert_eq!(refusal.failed_rule, Some(FailedRule::Pdr(103)));
    assert!(world.sessions.is_empty());
}
