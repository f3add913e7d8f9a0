//! What is refused, and with which cause, offending IE and failed rule.

use super::requests::*;
use super::world::{GTPU, World};
use crate::pfcp::ie::{
    ApplyAction, Cause, FTeid, FailedRule, Interface, NodeId, OuterHeaderCreation,
    OuterHeaderRemoval, SdfFilter, kind,
};
use crate::pfcp::message::SessionDeletionRequest;
use crate::pfcp::message::{
    DuplicatingParameters, Refusal, SessionEstablishmentRequest, SessionModificationRequest,
    UpdateFar, UpdateQer,
};
use crate::pfcp::service::SessionService;

const UE: &str = "10.45.0.2";

type Expected = (Cause, Option<u16>, Option<FailedRule>);

fn refusal((cause, offending_ie, failed_rule): Expected) -> Refusal {
    Refusal {
        cause,
        offending_ie,
        failed_rule,
    }
}

/// An establishment that one change makes wrong.
fn establishment_refused(
    what: &str,
    expected: Expected,
    spoil: impl FnOnce(&mut SessionEstablishmentRequest),
) {
    let mut world = World::new();
    world.established(&pgw_u(1, ue(Some("10.45.0.1"), None)));
    let before = world.state();
    let mut request = pgw_u(7, ue(Some(UE), None));
    spoil(&mut request);
    assert_eq!(world.establish(&request), Err(refusal(expected)), "{what}");
    assert_eq!(world.state(), before, "{what}");
}

/// A modification of an ordinary session.
fn modification_refused(
    what: &str,
    expected: Expected,
    make: impl FnOnce(&mut SessionModificationRequest),
) {
    let mut world = World::new();
    let seid = world.established(&pdu_session(7, ue(Some(UE), None)));
    let before = world.state();
    // A change that is fine by itself has to be left out, too.
    let mut request = tunnel(1, 0x1234, GNB);
    make(&mut request);
    assert_eq!(
        world.modify(seid, &request),
        Err(refusal(expected)),
        "{what}"
    );
    assert_eq!(world.state(), before, "{what}");
}

#[test]
fn establishments() {
    use Cause::*;
    use FailedRule::{Far, Pdr, Qer};
    use establishment_refused as refused;
    refused(
        "PDR ID twice",
        (RuleCreationFailure, None, Some(Pdr(1))),
        |r| {
            r.create_pdrs[1].id = 1;
        },
    );
    refused(
        "FAR ID twice",
        (RuleCreationFailure, None, Some(Far(1))),
        |r| r.create_fars[1].id = 1,
    );
    refused(
        "QER ID twice",
        (RuleCreationFailure, None, Some(Qer(1))),
        |r| {
            r.create_qers.push(qer(1, None, None));
        },
    );
    refused(
        "absent FAR",
        (RuleCreationFailure, Some(kind::FAR_ID), Some(Pdr(2))),
        |r| {
            r.create_pdrs[1].far_id = Some(99);
        },
    );
    refused(
        "absent QER",
        (RuleCreationFailure, Some(kind::QER_ID), Some(Pdr(2))),
        |r| {
            r.create_pdrs[1].qer_ids.push(99);
        },
    );
    let expected = (
        ConditionalIeMissing,
        Some(kind::FORWARDING_PARAMETERS),
        Some(Far(2)),
    );
    refused("FORW to nowhere", expected, |r| {
        r.create_fars[1].forwarding = None;
    });
    let expected = (
        ConditionalIeMissing,
        Some(kind::OUTER_HEADER_CREATION),
        Some(Far(1)),
    );
    refused("FORW to a gNB without tunnel", expected, |r| {
        r.create_fars[0] = far(1, FORW, Some((Interface::Access, None)));
    });
    let expected = (MandatoryIeIncorrect, Some(kind::APPLY_ACTION), Some(Far(1)));
    refused("no action", expected, |r| {
        r.create_fars[0].apply_action = ApplyAction(0);
    });
    refused("two actions", expected, |r| {
        r.create_fars[0].apply_action.0 |= ApplyAction::DROP;
    });
    let expected = (ServiceNotSupported, Some(kind::APPLY_ACTION), Some(Far(1)));
    for bit in [
        ApplyAction::IPMA,
        ApplyAction::IPMD,
        ApplyAction::DFRT,
        ApplyAction::EDRT,
        ApplyAction::FSSM,
        ApplyAction::MBSU,
    ] {
        refused("not announced", expected, |r| {
            r.create_fars[0].apply_action.0 |= bit;
        });
    }
    let expected = (
        ConditionalIeMissing,
        Some(kind::DUPLICATING_PARAMETERS),
        Some(Far(1)),
    );
    refused("copies to nowhere", expected, |r| {
        r.create_fars[0].apply_action.0 |= ApplyAction::DUPL;
    });
    let expected = (
        ConditionalIeMissing,
        Some(kind::OUTER_HEADER_CREATION),
        Some(Far(1)),
    );
    refused("copies without tunnel", expected, |r| {
        r.create_fars[0].apply_action.0 |= ApplyAction::DUPL;
        r.create_fars[0].duplicating = vec![DuplicatingParameters::default()];
    });
    refused(
        "no FAR",
        (ConditionalIeMissing, Some(kind::FAR_ID), Some(Pdr(1))),
        |r| {
            r.create_pdrs[0].far_id = None;
        },
    );
    let expected = (
        ServiceNotSupported,
        Some(kind::DESTINATION_INTERFACE),
        Some(Far(2)),
    );
    refused("to LI", expected, |r| {
        r.create_fars[1] = far(2, FORW, Some((Interface::LiFunction, None)));
    });
    let expected = (
        MandatoryIeIncorrect,
        Some(kind::NETWORK_INSTANCE),
        Some(Far(2)),
    );
    refused("plain IP to an unknown network", expected, |r| {
        let parameters = r.create_fars[1].forwarding.as_mut().unwrap();
        parameters.network_instance = Some("nowhere".to_owned());
    });
    let expected = (
        MandatoryIeIncorrect,
        Some(kind::NETWORK_INSTANCE),
        Some(Pdr(1)),
    );
    refused("plain IP from an unknown network", expected, |r| {
        r.create_pdrs[0].pdi.network_instance = Some("nowhere".to_owned());
    });
    let expected = (
        UnknownPredefinedRule,
        Some(kind::ACTIVATE_PREDEFINED_RULES),
        Some(Pdr(1)),
    );
    refused("predefined rule", expected, |r| {
        r.create_pdrs[0]
            .activate_predefined_rules
            .push("silver".to_owned());
    });
    let expected = (
        UnknownApplicationId,
        Some(kind::APPLICATION_ID),
        Some(Pdr(1)),
    );
    refused("application", expected, |r| {
        r.create_pdrs[0].pdi.application_id = Some("video".to_owned());
    });
    let expected = (
        RuleCreationFailure,
        Some(kind::TRAFFIC_ENDPOINT_ID),
        Some(Pdr(1)),
    );
    refused("traffic endpoint", expected, |r| {
        r.create_pdrs[0].pdi.ue_ip_address = None;
        r.create_pdrs[0].pdi.traffic_endpoint_ids = vec![1];
    });
    let expected = (
        ServiceNotSupported,
        Some(kind::SOURCE_INTERFACE),
        Some(Pdr(1)),
    );
    refused("5G VN", expected, |r| {
        r.create_pdrs[0].pdi.source_interface = Interface::VnInternal;
    });
    let expected = (
        ServiceNotSupported,
        Some(kind::OUTER_HEADER_REMOVAL),
        Some(Pdr(2)),
    );
    refused("other header", expected, |r| {
        r.create_pdrs[1].outer_header_removal = Some(OuterHeaderRemoval::Other(3));
    });
}

#[test]
fn outer_headers() {
    use Cause::*;
    let ie = Some(kind::OUTER_HEADER_CREATION);
    let refused = |what, cause, header: OuterHeaderCreation| {
        establishment_refused(what, (cause, ie, Some(FailedRule::Far(1))), |r| {
            r.create_fars[0] = far(1, FORW, Some((Interface::Access, Some(header))));
        });
    };
    let good = gtpu(1, GNB);
    let ipv6 = OuterHeaderCreation {
        description: OuterHeaderCreation::GTPU_UDP_IPV6,
        ..good
    };
    refused("IPv6 alone", ServiceNotSupported, ipv6);
    refused(
        "no TEID",
        MandatoryIeIncorrect,
        OuterHeaderCreation { teid: None, ..good },
    );
    refused(
        "no address",
        MandatoryIeIncorrect,
        OuterHeaderCreation { ipv4: None, ..good },
    );
    for address in [[0, 0, 0, 0], [224, 0, 0, 1], [255, 255, 255, 255]] {
        refused("no host", MandatoryIeIncorrect, gtpu(1, address.into()));
    }
}

#[test]
fn f_teids() {
    use Cause::*;
    let refused = |what, cause, restores: bool, f_teid: Option<FTeid>| {
        let expected = (cause, Some(kind::F_TEID), Some(FailedRule::Pdr(2)));
        establishment_refused(what, expected, |r| {
            r.is_restoration = restores;
            r.create_pdrs[1].pdi.f_teid = f_teid;
        });
    };
    let ours = given(0x55, GTPU);
    refused("given", InvalidFTeidAllocationOption, false, Some(ours));
    refused(
        "not our address",
        MandatoryIeIncorrect,
        true,
        Some(given(0x55, [10, 1, 0, 3])),
    );
    refused("TEID 0", MandatoryIeIncorrect, true, Some(given(0, GTPU)));
    refused("access without tunnel", ConditionalIeMissing, false, None);
    let choose = |ipv4, ipv6| {
        let id = None;
        Some(FTeid::Choose { ipv4, ipv6, id })
    };
    refused(
        "IPv6 alone",
        ServiceNotSupported,
        false,
        choose(false, true),
    );
    refused(
        "no family",
        MandatoryIeIncorrect,
        false,
        choose(false, false),
    );
    let expected = (
        RuleCreationFailure,
        Some(kind::F_TEID),
        Some(FailedRule::Pdr(2)),
    );
    let expected = (expected.0, expected.1, Some(FailedRule::Pdr(3)));
    establishment_refused("one F-TEID for both directions", expected, |r| {
        r.create_pdrs[2].pdi.f_teid = r.create_pdrs[1].pdi.f_teid;
    });
}

#[test]
fn ue_addresses() {
    use Cause::*;
    let refused = |what, cause, spoil: &dyn Fn(&mut crate::pfcp::ie::UeIpAddress)| {
        let expected = (cause, Some(kind::UE_IP_ADDRESS), Some(FailedRule::Pdr(1)));
        establishment_refused(what, expected, |r| {
            spoil(r.create_pdrs[0].pdi.ue_ip_address.as_mut().unwrap());
        });
    };
    refused("given and left to us", MandatoryIeIncorrect, &|ue| {
        ue.choose_ipv4 = true;
    });
    refused("prefix", ServiceNotSupported, &|ue| {
        ue.ipv6_prefix_length = Some(56);
    });
    refused("delegation", ServiceNotSupported, &|ue| {
        ue.ipv6_prefix_delegation_bits = Some(8);
    });
    refused("none", MandatoryIeIncorrect, &|ue| ue.ipv4 = None);
    let expected = (
        RuleCreationFailure,
        Some(kind::UE_IP_ADDRESS),
        Some(FailedRule::Pdr(1)),
    );
    establishment_refused("another session's", expected, |r| {
        for pdr in &mut r.create_pdrs[..2] {
            pdr.pdi.ue_ip_address = Some(ue(Some("10.45.0.1"), None));
        }
    });
    let expected = (
        ServiceNotSupported,
        Some(kind::UE_IP_ADDRESS),
        Some(FailedRule::Pdr(2)),
    );
    establishment_refused("two of one family", expected, |r| {
        r.create_pdrs[1].pdi.ue_ip_address = Some(ue(Some("10.45.0.3"), None));
    });
    let expected = (
        ConditionalIeMissing,
        Some(kind::UE_IP_ADDRESS),
        Some(FailedRule::Pdr(1)),
    );
    establishment_refused("reached by nothing", expected, |r| {
        r.create_pdrs[0].pdi.ue_ip_address = None;
    });
}

#[test]
fn a_teid_of_another_session() {
    let mut world = World::new();
    let mut first = pgw_u(7, ue(Some(UE), None));
    first.is_restoration = true;
    first.create_pdrs[1].pdi.f_teid = Some(given(0x55, GTPU));
    let established = world.establish(&first).unwrap();
    let chosen = super::world::teid_of(&established.created_pdrs, 4);
    for teid in [0x55, chosen] {
        let mut second = first.clone();
        second.create_pdrs[0].pdi.ue_ip_address = Some(ue(Some("10.45.0.3"), None));
        second.create_pdrs[1].pdi.ue_ip_address = None;
        second.create_pdrs[1].pdi.f_teid = Some(given(teid, GTPU));
        let before = world.state();
        let rule = Some(FailedRule::Pdr(2));
        let expected = refusal((Cause::RestorationFailure, Some(kind::F_TEID), rule));
        assert_eq!(world.establish(&second), Err(expected));
        assert_eq!(world.state(), before);
    }
}

#[test]
fn sdf_filters() {
    use Cause::*;
    let refused = |what, cause, filter: SdfFilter| {
        let expected = (cause, Some(kind::SDF_FILTER), Some(FailedRule::Pdr(1)));
        establishment_refused(what, expected, |r| {
            r.create_pdrs[0].pdi.sdf_filters = vec![filter];
        });
    };
    let empty = SdfFilter::default();
    refused("unreadable", MandatoryIeIncorrect, sdf("permit everything"));
    refused(
        "deny",
        MandatoryIeIncorrect,
        sdf("deny out ip from any to assigned"),
    );
    refused("empty", MandatoryIeIncorrect, empty.clone());
    refused(
        "unknown ID",
        MandatoryIeIncorrect,
        SdfFilter {
            id: Some(3),
            ..empty
        },
    );
}

#[test]
fn more_rules_than_a_session_may_have() {
    let expected = (
        Cause::NoResourcesAvailable,
        None,
        Some(FailedRule::Pdr(1064)),
    );
    establishment_refused("65 PDRs", expected, |r| {
        let like = r.create_pdrs[0].clone();
        r.create_pdrs.clear();
        for id in 1000..1065 {
            r.create_pdrs
                .push(crate::pfcp::message::CreatePdr { id, ..like.clone() });
        }
    });
    let expected = (
        Cause::NoResourcesAvailable,
        None,
        Some(FailedRule::Far(1128)),
    );
    establishment_refused("129 FARs", expected, |r| {
        r.create_fars = (1000..1129).map(|id| far(id, DROP, None)).collect();
    });
    let expected = (
        Cause::NoResourcesAvailable,
        None,
        Some(FailedRule::Qer(1064)),
    );
    establishment_refused("65 QERs", expected, |r| {
        r.create_qers = (1000..1065).map(|id| qer(id, None, None)).collect();
    });
}

#[test]
fn modifications() {
    use Cause::RuleCreationFailure;
    use FailedRule::{Far, Pdr, Qer};
    let refused = |what, rule, make: &dyn Fn(&mut SessionModificationRequest)| {
        modification_refused(what, (RuleCreationFailure, None, Some(rule)), make);
    };
    refused("removal of no PDR", Pdr(9), &|r| r.remove_pdrs = vec![9]);
    refused("removal of no FAR", Far(9), &|r| r.remove_fars = vec![9]);
    refused("removal of no QER", Qer(9), &|r| r.remove_qers = vec![9]);
    refused("update of no PDR", Pdr(9), &|r| {
        r.update_pdrs = vec![update_pdr(9)];
    });
    refused("update of no FAR", Far(9), &|r| r.update_fars[0].id = 9);
    refused("update of no QER", Qer(9), &|r| {
        r.update_qers = vec![UpdateQer {
            id: 9,
            gate: None,
            mbr: None,
            gbr: None,
            qfi: None,
            ..UpdateQer::default()
        }];
    });
    refused("a known PDR once more", Pdr(1), &|r| {
        r.create_pdrs = vec![pdr(1, None, 1, &[], pdi(Interface::Core))];
    });
    let expected = (RuleCreationFailure, Some(kind::FAR_ID), Some(Far(2)));
    modification_refused("a FAR in use", expected, |r| r.remove_fars = vec![2]);
    let expected = (RuleCreationFailure, Some(kind::QER_ID), Some(Qer(1)));
    modification_refused("a QER in use", expected, |r| r.remove_qers = vec![1]);
    let expected = (RuleCreationFailure, Some(kind::FAR_ID), Some(Pdr(1)));
    modification_refused("to an absent FAR", expected, |r| {
        let mut update = update_pdr(1);
        update.far_id = Some(99);
        r.update_pdrs = vec![update];
    });
    let expected = (RuleCreationFailure, Some(kind::F_TEID), Some(Pdr(2)));
    modification_refused("another direction", expected, |r| {
        let mut update = update_pdr(2);
        update.pdi = Some(pdi(Interface::Core));
        r.update_pdrs = vec![update];
    });
    let expected = (
        Cause::ConditionalIeMissing,
        Some(kind::FORWARDING_PARAMETERS),
        Some(Far(1)),
    );
    modification_refused("FORW to nowhere", expected, |r| {
        r.update_fars = vec![UpdateFar {
            id: 1,
            apply_action: Some(FORW),
            forwarding: None,
            ..UpdateFar::default()
        }];
    });
}

#[test]
fn sessions_of_others_are_not_found() {
    let mut world = World::new();
    let seid = world.established(&pdu_session(7, ue(Some(UE), None)));
    let stranger = NodeId::Fqdn("smf.example.org".to_owned());
    let refusal = refusal((Cause::SessionContextNotFound, None, None));
    let not_found = Err(refusal.clone());
    let answer = world.sessions.modify(&stranger, seid, &idle(), world.now);
    assert_eq!((answer.cp_seid, answer.outcome), (0, not_found.clone()));
    let answer = world.sessions.delete(
        &stranger,
        seid,
        &SessionDeletionRequest::default(),
        world.now,
    );
    assert_eq!(answer.cp_seid, 0);
    assert_eq!(world.sessions.cp_seid(&stranger, seid), None);
    assert_eq!(world.sessions.cp_seid(&smf(), seid), Some(7));
    assert_eq!(world.modify(seid + 1, &idle()), Err(refusal));
    world.sessions.delete_all(&stranger, world.now);
    assert_eq!(world.sessions.len(), 1);
}

#[test]
fn a_full_house() {
    let mut world = World::with_slots(4);
    let expected = Err(refusal((Cause::NoResourcesAvailable, None, None)));
    world.established(&sgw_u(1));
    world.established(&sgw_u(2));
    let before = world.state();
    assert_eq!(world.establish(&sgw_u(3)), expected);
    assert_eq!(world.state(), before);
}
