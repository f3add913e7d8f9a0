//! Multi-Access Rules, as far as they are parsed, checked and kept (clauses 5.20, 7.5.2.8, 7.5.4.15 and 7.5.4.16).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;

/// A MAR whose 3GPP access goes by a FAR.
fn create_mar(id: u16, far: u32) -> Ie {
    group(
        CREATE_MAR,
        [
            u16(MAR_ID, id),
            u8(STEERING_FUNCTIONALITY, 0),
            u8(STEERING_MODE, 0),
            group(TGPP_ACCESS, [far_id(far)]),
        ],
    )
}

/// A session whose uplink goes by a MAR.
fn steered() -> Msg {
    pgw()
        .with(create_mar(1, 2))
        .pdr(2, |pdr| pdr.without(FAR_ID).add(u16(MAR_ID, 1)))
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        with("a PDR by a MAR goes by 3GPP access", "5.20", steered())
            .up(2, "out 1, 1000000 kbit/s"),
        ask(
            "a MAR without Steering Mode",
            "7.5.2.8",
            steered().group(CREATE_MAR, 1, |mar| mar.without(STEERING_MODE)),
            no(MANDATORY_MISSING).ie(STEERING_MODE),
        ),
        ask(
            "a MAR without MAR ID",
            "7.5.2.8",
            steered().group(CREATE_MAR, 1, |mar| mar.without(MAR_ID)),
            no(MANDATORY_MISSING).ie(MAR_ID),
        ),
        ask(
            "a MAR without any access",
            "7.5.2.8",
            steered().group(CREATE_MAR, 1, |mar| mar.without(TGPP_ACCESS)),
            no(CONDITIONAL_MISSING).ie(TGPP_ACCESS),
        ),
        ask(
            "a MAR with a FAR that is not there",
            "7.5.2.8",
            pgw().with(create_mar(1, 9)),
            no(RULE_FAILURE).ie(FAR_ID),
        ),
        ask(
            "a PDR with a MAR that is not there",
            "7.5.2.2",
            pgw().pdr(2, |pdr| pdr.add(u16(MAR_ID, 9))),
            no(RULE_FAILURE).ie(MAR_ID).rule(PDR, 2),
        ),
        ask(
            "a MAR ID twice",
            "7.5.2.8",
            steered().with(create_mar(1, 2)),
            no(RULE_FAILURE).ie(MAR_ID),
        ),
        with("a MAR is changed", "7.5.4.16", steered())
            .send(
                modify([group(UPDATE_MAR, [u16(MAR_ID, 1), u8(STEERING_MODE, 2)])]),
                ok(),
            )
            .sees(
                "mode",
                |view| view.rules.as_ref().expect("rules").mars[0].steering_mode,
                2,
            ),
        with("another FAR of a MAR's access", "7.5.4.16", steered())
            .send(
                modify([group(
                    UPDATE_MAR,
                    [u16(MAR_ID, 1), group(UPDATE_TGPP_ACCESS, [far_id(1)])],
                )]),
                ok(),
            )
            .up(2, "to 10.1.0.11 0x77, 1000000 kbit/s"),
        ask(
            "a MAR without Steering Functionality",
            "7.5.2.8",
            steered().group(CREATE_MAR, 1, |mar| mar.without(STEERING_FUNCTIONALITY)),
            no(MANDATORY_MISSING).ie(STEERING_FUNCTIONALITY),
        ),
        with("a second access of a MAR", "7.5.4.16", steered())
            .send(
                modify([group(
                    UPDATE_MAR,
                    [u16(MAR_ID, 1), group(NON_TGPP_ACCESS, [far_id(1)])],
                )]),
                ok(),
            )
            .sees(
                "FAR",
                |view| view.rules.as_ref().expect("rules").mars[0].non_tgpp_far,
                Some(1),
            ),
        with("a removal of no MAR", "7.5.4.15", steered()).send(
            modify([remove(REMOVE_MAR, u16(MAR_ID, 9))]),
            no(RULE_FAILURE).ie(MAR_ID),
        ),
    ]
}
