//! Usage Reporting Rules, as far as they are parsed, checked and kept (clauses 5.2.2, 7.5.2.4, 7.5.4.4 and 7.5.4.8).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;

/// Measurement Method.
const DURATION: u8 = 1;
const VOLUME: u8 = 2;
const EVENT: u8 = 4;

/// A volume threshold of 1000 octets in all.
fn threshold() -> Ie {
    leaf(VOLUME_THRESHOLD, [1, 0, 0, 0, 0, 0, 0, 3, 0xe8])
}

fn measured<const N: usize>(method: u8, triggers: [u8; 2], ies: [Ie; N]) -> Msg {
    pgw().with(create_urr(1, method, triggers, ies))
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = creations();
    rows.extend(changes());
    rows
}

fn creations() -> Vec<Row> {
    let lacks = |name, bits: [u8; 2], method, ie| {
        ask(
            name,
            "7.5.2.4",
            measured(method, bits, []),
            no(CONDITIONAL_MISSING).ie(ie).rule(URR, 1),
        )
    };
    let triggers = |octets: &[u8]| {
        measured(VOLUME, [2, 0], [threshold()]).group(CREATE_URR, 1, |urr| {
            urr.set(leaf(REPORTING_TRIGGERS, octets))
        })
    };
    vec![
        with(
            "a URR is kept",
            "7.5.2.4",
            measured(VOLUME, [2, 0], [threshold()]),
        )
        .sees(
            "threshold",
            |view| {
                urr(view)
                    .volume_threshold
                    .and_then(|threshold| threshold.total)
            },
            Some(1000),
        ),
        with(
            "Reporting Triggers of two octets",
            "8.2.19",
            triggers(&[2, 0]),
        )
        .sees("triggers", |view| urr(view).reporting_triggers, 2),
        with(
            "Reporting Triggers of three octets",
            "8.2.19",
            triggers(&[2, 0, 1]),
        )
        .sees("triggers", |view| urr(view).reporting_triggers, 0x1_0002),
        // Bit 8 of octet 5 is LIUSA in Reporting Triggers, and IMMER in Usage Report Trigger.
        lacks(
            "Reporting Triggers are not laid out like Usage Report Trigger",
            [0x80, 0],
            VOLUME,
            LINKED_URR_ID,
        ),
        lacks(
            "VOLTH without Volume Threshold",
            [2, 0],
            VOLUME,
            VOLUME_THRESHOLD,
        ),
        lacks(
            "TIMTH without Time Threshold",
            [4, 0],
            DURATION,
            TIME_THRESHOLD,
        ),
        lacks(
            "EVETH without Event Threshold",
            [0, 16],
            EVENT,
            EVENT_THRESHOLD,
        ),
        lacks(
            "PERIO without Measurement Period",
            [1, 0],
            VOLUME,
            MEASUREMENT_PERIOD,
        ),
        lacks(
            "QUHTI without Quota Holding Time",
            [8, 0],
            VOLUME,
            QUOTA_HOLDING_TIME,
        ),
        lacks(
            "DROTH without Dropped DL Traffic Threshold",
            [0x40, 0],
            VOLUME,
            DROPPED_DL_THRESHOLD,
        ),
        ask(
            "a URR without Measurement Method",
            "7.5.2.4",
            measured(VOLUME, [0, 0], [])
                .group(CREATE_URR, 1, |urr| urr.without(MEASUREMENT_METHOD)),
            no(MANDATORY_MISSING).ie(MEASUREMENT_METHOD),
        ),
        ask(
            "a URR without Reporting Triggers",
            "7.5.2.4",
            measured(VOLUME, [0, 0], [])
                .group(CREATE_URR, 1, |urr| urr.without(REPORTING_TRIGGERS)),
            no(MANDATORY_MISSING).ie(REPORTING_TRIGGERS),
        ),
        ask(
            "a URR without URR ID",
            "7.5.2.4",
            measured(VOLUME, [0, 0], []).group(CREATE_URR, 1, |urr| urr.without(URR_ID)),
            no(MANDATORY_MISSING).ie(URR_ID),
        ),
        ask(
            "a URR that measures nothing",
            "8.2.40",
            measured(0, [0, 0], []),
            no(INCORRECT).ie(MEASUREMENT_METHOD).rule(URR, 1),
        ),
        ask(
            "a URR ID twice",
            "7.5.2.4",
            measured(VOLUME, [0, 0], []).with(create_urr(1, VOLUME, [0, 0], [])),
            no(RULE_FAILURE).rule(URR, 1),
        ),
        ask(
            "a URR ID of the predefined ones",
            "8.2.54",
            pgw().with(create_urr(0x8000_0001, VOLUME, [0, 0], [])),
            no(RULE_FAILURE).rule(URR, 0x8000_0001),
        ),
        ask(
            "a linked URR that is not there",
            "7.5.2.4",
            measured(VOLUME, [0x80, 0], [u32(LINKED_URR_ID, 9)]),
            no(RULE_FAILURE).ie(LINKED_URR_ID).rule(URR, 1),
        ),
        ask(
            "a quota's FAR that is not there",
            "7.5.2.4",
            measured(VOLUME, [0, 0], [far_id(9)]),
            no(RULE_FAILURE).ie(FAR_ID).rule(URR, 1),
        ),
        ask(
            "more URRs than a session may have",
            "7.5.3.1",
            (1..=65).fold(pgw(), |message, id| {
                message.with(create_urr(id, VOLUME, [0, 0], []))
            }),
            no(NO_RESOURCES).ie(CREATE_URR),
        ),
        ask(
            "more URRs than a PDR may have",
            "7.5.3.1",
            (1..=17).fold(pgw(), |message, id| {
                message
                    .with(create_urr(id, VOLUME, [0, 0], []))
                    .pdr(2, |pdr| pdr.add(urr_id(id)))
            }),
            no(NO_RESOURCES).ie(URR_ID).rule(PDR, 2),
        ),
        ask(
            "a Volume Threshold that is too short",
            "7.6.7",
            measured(VOLUME, [2, 0], [leaf(VOLUME_THRESHOLD, [1, 0, 0])]),
            no(INVALID_LENGTH).ie(VOLUME_THRESHOLD),
        ),
    ]
}

fn changes() -> Vec<Row> {
    let changed = |name, clause, request, expect| {
        with(name, clause, measured(VOLUME, [2, 0], [threshold()])).send(request, expect)
    };
    vec![
        changed(
            "another threshold",
            "7.5.4.4",
            modify([update_urr(
                1,
                [leaf(VOLUME_THRESHOLD, [1, 0, 0, 0, 0, 0, 0, 0, 9])],
            )]),
            ok(),
        )
        .sees(
            "threshold",
            |view| {
                urr(view)
                    .volume_threshold
                    .and_then(|threshold| threshold.total)
            },
            Some(9),
        )
        .sees("triggers stay", |view| urr(view).reporting_triggers, 2),
        changed(
            "a trigger that lacks its threshold",
            "7.5.4.4",
            modify([update_urr(1, [leaf(REPORTING_TRIGGERS, [1, 0])])]),
            no(CONDITIONAL_MISSING).ie(MEASUREMENT_PERIOD).rule(URR, 1),
        ),
        changed(
            "an update of no URR",
            "7.5.4.4",
            modify([update_urr(9, [threshold()])]),
            no(RULE_FAILURE).rule(URR, 9),
        ),
        changed(
            "an update without URR ID",
            "7.5.4.4",
            modify([group(UPDATE_URR, [threshold()])]),
            no(MANDATORY_MISSING).ie(URR_ID),
        ),
        changed(
            "a removal of no URR",
            "7.5.4.8",
            modify([remove(REMOVE_URR, urr_id(9))]),
            no(RULE_FAILURE).rule(URR, 9),
        ),
        changed(
            "a URR is removed",
            "7.5.4.8",
            modify([remove(REMOVE_URR, urr_id(1))]),
            ok(),
        )
        .sees(
            "URRs",
            |view| view.rules.as_ref().expect("rules").urrs.len(),
            0,
        ),
        with("a URR in use is not removed", "7.5.4.8", pdu()).send(
            modify([remove(REMOVE_URR, urr_id(1))]),
            no(RULE_FAILURE).ie(URR_ID).rule(URR, 1),
        ),
    ]
}

fn urr(view: &upf_user::session::SessionView) -> &upf_user::session::UrrView {
    &view.rules.as_ref().expect("rules").urrs[0]
}
