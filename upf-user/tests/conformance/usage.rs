//! What URRs do (clauses 5.2.2, 7.5.2.4 and 7.5.8.3): reports in answers and by themselves, and what is beyond a quota.

use upf_common::abi::NO_MARK;

use crate::support::ie::Ie;
use crate::support::message::{Got, be, find, split};
use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::World;

const VOLUME: u8 = 2;
/// Reporting Triggers: PERIO, and QUVTI; VOLQU.
const PERIO: [u8; 2] = [1, 0];
const QUVTI: [u8; 2] = [0, 0x80];
const VOLQU: [u8; 2] = [0, 1];
/// Usage Report Trigger.
const IS_PERIO: [u8; 3] = [1, 0, 0];
const IS_IMMER: [u8; 3] = [0x80, 0, 0];
const IS_TERMR: [u8; 3] = [0, 8, 0];
const IS_QUVTI: [u8; 3] = [0, 0, 8];
/// Measurement Information: MNOP.
const MNOP: u8 = 1 << 4;
const FOR_QUOTA: u32 = 8;

/// A session both of whose PDRs have a URR.
fn charged<const N: usize>(triggers: [u8; 2], ies: [Ie; N]) -> Msg {
    pgw()
        .with(create_urr(1, VOLUME, triggers, ies))
        .pdr(1, |pdr| pdr.add(urr_id(1)))
        .pdr(2, |pdr| pdr.add(urr_id(1)))
}

/// So many octets in all.
fn quota(octets: u8) -> Ie {
    leaf(VOLUME_QUOTA, [1, 0, 0, 0, 0, 0, 0, 0, octets])
}

/// With a FAR for what is beyond the quota.
fn with_action(far: Ie) -> Msg {
    charged(VOLQU, [quota(200), far_id(FOR_QUOTA)]).with(far)
}

fn portal(teid: u32) -> Ie {
    far_to(FOR_QUOTA, CORE, gtpu(teid, SGW))
}

/// Of the reports of this kind: URR ID, UR-SEQN and trigger.
fn reports(got: &Got, kind: u16) -> Vec<(u64, u64, Vec<u8>)> {
    let all = got.ies.iter().filter(|(found, _)| *found == kind);
    let read = |(_, value): &(u16, Vec<u8>)| {
        let ies = split(value);
        let number = |kind| find(&ies, kind).map_or(u64::MAX, be);
        let trigger = find(&ies, USAGE_REPORT_TRIGGER).unwrap_or_default();
        (number(URR_ID), number(UR_SEQN), trigger.to_vec())
    };
    all.map(read).collect()
}

/// Those of the last answer.
fn answered(world: &World, kind: u16) -> Vec<(u64, u64, Vec<u8>)> {
    let answer = world.last_answer.as_ref().expect("an answer");
    reports(answer, kind)
}

/// The flags of the Volume Measurement in the last answer.
fn measured(world: &World) -> Option<u8> {
    let answer = world.last_answer.as_ref().expect("an answer");
    let report = split(answer.find(USAGE_REPORT_IN_MODIFICATION)?);
    find(&report, VOLUME_MEASUREMENT).map(|value| value[0])
}

/// What the fast path lets pass in the slot of the first session; `None` without bound.
fn bound(world: &World) -> Option<u64> {
    let slot = world.slot_of_teid(world.teid(0, 2)).expect("a slot");
    let quota = world.tables().slot(slot.0).expect("a slot").tail.quota;
    (quota != NO_MARK).then_some(quota)
}

fn acknowledged() -> Msg {
    Msg::new(REPORT + 1, Seid::Session(0), [cause(ACCEPTED)])
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = actions();
    rows.extend(in_answers());
    rows.extend(by_themselves());
    rows
}

/// FAR ID for Quota Action.
fn actions() -> Vec<Row> {
    let forwarding = |name| with(name, "7.5.2.4", with_action(portal(0x90)));
    let removed = || remove(REMOVE_FAR, far_id(FOR_QUOTA));
    vec![
        forwarding("a FAR for Quota Action that forwards").up(
            2,
            "out 1, 1000000 kbit/s; beyond a quota to 10.1.0.11 0x90, 1000000 kbit/s",
        ),
        with(
            "a FAR for Quota Action that drops",
            "7.5.2.4",
            with_action(create_far(FOR_QUOTA, DROP)),
        )
        .up(2, "out 1, 1000000 kbit/s; beyond a quota drop"),
        forwarding("a FAR for Quota Action that is changed")
            .send(
                modify([update_far(
                    FOR_QUOTA,
                    [group(
                        UPDATE_FORWARDING,
                        [destination(CORE), gtpu(0x91, SGW)],
                    )],
                )]),
                ok(),
            )
            .up(
                2,
                "out 1, 1000000 kbit/s; beyond a quota to 10.1.0.11 0x91, 1000000 kbit/s",
            ),
        forwarding("another FAR for Quota Action")
            .send(
                modify([create_far(9, DROP), update_urr(1, [far_id(9)]), removed()]),
                ok(),
            )
            .up(2, "out 1, 1000000 kbit/s; beyond a quota drop"),
        forwarding("a FAR for Quota Action that is removed")
            .send(modify([removed()]), ok())
            .up(2, "out 1, 1000000 kbit/s"),
        forwarding("an update to a FAR for Quota Action that is not there").send(
            modify([update_urr(1, [far_id(9)])]),
            no(RULE_FAILURE).ie(FAR_ID).rule(URR, 1),
        ),
        forwarding("an update to a FAR for Quota Action that is removed").send(
            modify([update_urr(1, [far_id(FOR_QUOTA)]), removed()]),
            no(RULE_FAILURE).ie(FAR_ID).rule(FAR, FOR_QUOTA),
        ),
        with(
            "a session without FAR for Quota Action",
            "7.5.2.4",
            charged(VOLQU, [quota(200)]),
        )
        .up(2, "out 1, 1000000 kbit/s")
        .holds("quota", bound, Some(200)),
    ]
}

/// In answers to requests.
fn in_answers() -> Vec<Row> {
    let of_query = |name, information: u8, flags: u8| {
        let ies = [u8(MEASUREMENT_INFORMATION, information)];
        with(name, "8.2.68", charged([0, 0], ies))
            .send(modify([group(QUERY_URR, [urr_id(1)])]), ok())
            .holds(
                "report",
                |world| answered(world, USAGE_REPORT_IN_MODIFICATION),
                vec![(1, 0, IS_IMMER.to_vec())],
            )
            .holds("Volume Measurement", measured, Some(flags))
    };
    let last = |name, clause, request| {
        with(name, clause, charged([0, 0], []))
            .send(request, ok())
            .holds(
                "report",
                |world| answered(world, USAGE_REPORT_IN_MODIFICATION),
                vec![(1, 0, IS_TERMR.to_vec())],
            )
    };
    let other = |pdr| update_pdr(pdr, [urr_id(2)]);
    vec![
        of_query("a query is answered with octets", 0, 0x07),
        of_query(
            "a query is answered with packets where MNOP asks",
            MNOP,
            0x3f,
        ),
        last(
            "the last PDR of a URR gets another one",
            "7.5.5.2",
            modify([create_urr(2, VOLUME, [0, 0], []), other(1), other(2)]),
        ),
        last(
            "the last PDR of a URR is removed",
            "7.5.5.2",
            modify([remove(REMOVE_PDR, pdr_id(1)), remove(REMOVE_PDR, pdr_id(2))]),
        ),
        with(
            "a URR that one PDR still has reports nothing",
            "7.5.5.2",
            charged([0, 0], []),
        )
        .send(modify([create_urr(2, VOLUME, [0, 0], []), other(1)]), ok())
        .holds(
            "reports",
            |world| answered(world, USAGE_REPORT_IN_MODIFICATION),
            Vec::new(),
        ),
        with(
            "a deletion is answered with the last reports",
            "7.5.7.2",
            charged([0, 0], []),
        )
        .send(delete(), ok())
        .holds(
            "reports",
            |world| answered(world, USAGE_REPORT_IN_DELETION),
            vec![(1, 0, IS_TERMR.to_vec())],
        ),
    ]
}

/// By Session Report Requests.
fn by_themselves() -> Vec<Row> {
    let is = |trigger: [u8; 3], sequence| vec![(1, sequence, trigger.to_vec())];
    let of = |got: &Got| reports(got, USAGE_REPORT);
    let valid = |name| {
        let ies = [quota(200), u32(QUOTA_VALIDITY_TIME, 5)];
        with(name, "7.5.2.4", charged(QUVTI, ies)).reporting()
    };
    vec![
        with(
            "a session through which nothing passes is reported once",
            "5.11.3",
            pgw().with(u32(INACTIVITY_TIMER, 2)),
        )
        .reporting()
        .wait(1)
        .sends_nothing()
        .wait(1)
        .sends("UPIR", REPORT, |got| got.number(REPORT_TYPE), Some(8))
        .answer_it(acknowledged())
        .wait(3)
        .sends_nothing(),
        valid("a quota's validity ends")
            .wait(4)
            .sends_nothing()
            .holds("quota", bound, Some(200))
            .wait(1)
            .sends("QUVTI", REPORT, of, is(IS_QUVTI, 0))
            .holds("quota", bound, Some(0)),
        valid("a new quota is valid anew")
            .wait(3)
            .send(modify([update_urr(1, [quota(250)])]), ok())
            .wait(4)
            .sends_nothing()
            .holds("quota", bound, Some(250))
            .wait(2)
            .sends("QUVTI", REPORT, of, is(IS_QUVTI, 0))
            .answer_it(acknowledged())
            .send(modify([update_urr(1, [quota(100)])]), ok())
            .holds("quota", bound, Some(100)),
        with(
            "reports end with the Number of Reports",
            "8.2.133",
            charged(
                PERIO,
                [u32(MEASUREMENT_PERIOD, 2), u16(NUMBER_OF_REPORTS, 2)],
            ),
        )
        .reporting()
        .wait(2)
        .sends("PERIO", REPORT, of, is(IS_PERIO, 0))
        .answer_it(acknowledged())
        .wait(2)
        .sends("PERIO", REPORT, of, is(IS_PERIO, 1))
        .answer_it(acknowledged())
        .wait(5)
        .sends_nothing(),
    ]
}
