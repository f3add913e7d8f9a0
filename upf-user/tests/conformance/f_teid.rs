//! F-TEIDs (clauses 5.5 and 8.2.3).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;

fn with_f_teid(ie: Ie) -> Msg {
    pgw().pdi(2, |pdi| pdi.set(ie))
}

/// A PDR for UDP by an F-TEID.
fn second(f_teid: Ie) -> Ie {
    create_pdr(
        3,
        10,
        2,
        [
            source(ACCESS),
            f_teid,
            network("internet"),
            sdf("permit out 17 from any to assigned"),
        ],
    )
}

pub(crate) fn rows() -> Vec<Row> {
    let same_teid = |world: &crate::support::world::World| world.teid(0, 2) == world.teid(0, 3);
    let given = || f_teid(0x55, OURS);
    vec![
        with(
            "an F-TEID stays when one message replaces the PDR of its CHOOSE ID",
            "5.5.3",
            with_f_teid(choose_as(5)),
        )
        .send(
            modify([remove(REMOVE_PDR, pdr_id(2)), second(choose_as(5))]),
            ok().created(&[3]),
        )
        .holds("one TEID", same_teid, true),
        with("to choose again is no change", "7.5.4.2", pgw())
            .send(
                modify([update_pdr(2, [group(PDI, [source(ACCESS), choose()])])]),
                ok(),
            )
            .up(2, "out 1, 1000000 kbit/s"),
        ask(
            "CHOOSE is answered in Created PDR",
            "5.5.3",
            pgw(),
            ok().created(&[2]),
        ),
        with(
            "the same CHOOSE ID is the same F-TEID",
            "5.5.3",
            with_f_teid(choose_as(5)).with(second(choose_as(5))),
        )
        .holds("one TEID", same_teid, true),
        with(
            "other CHOOSE IDs are other F-TEIDs",
            "5.5.3",
            with_f_teid(choose_as(5)).with(second(choose_as(6))),
        )
        .holds("one TEID", same_teid, false),
        with(
            "CHOOSE without CHOOSE ID is an F-TEID of its own",
            "5.5.3",
            pgw().with(second(choose())),
        )
        .holds("one TEID", same_teid, false),
        with(
            "a CHOOSE ID is remembered for the session",
            "5.5.3",
            with_f_teid(choose_as(5)),
        )
        .send(modify([second(choose_as(5))]), ok().created(&[3]))
        .holds("one TEID", same_teid, true),
        with(
            "a CHOOSE ID is the session's alone",
            "5.5.3",
            with_f_teid(choose_as(5)),
        )
        .send(
            numbered(pgw_of("10.45.0.3"), 8).pdi(2, |pdi| pdi.set(choose_as(5))),
            ok(),
        )
        .holds(
            "TEIDs differ",
            |world| world.teid(0, 2) != world.teid(1, 2),
            true,
        ),
        with(
            "a shared F-TEID goes with its last user",
            "5.5.3",
            with_f_teid(choose_as(5)).with(second(choose_as(5))),
        )
        .send(modify([remove(REMOVE_PDR, pdr_id(2))]), ok())
        .up_list(3, &["proto 17 to 10.45.0.2/32 -> out 1"])
        .send(modify([remove(REMOVE_PDR, pdr_id(3))]), ok())
        .up(3, "unknown"),
        ask(
            "an F-TEID of the control plane's",
            "5.5.3",
            with_f_teid(given()),
            no(INVALID_F_TEID).ie(F_TEID).rule(PDR, 2),
        ),
        change(
            "an F-TEID of the control plane's in a modification",
            "5.5.3",
            modify([second(given())]),
            no(INVALID_F_TEID).ie(F_TEID).rule(PDR, 3),
        ),
        with("an F-TEID of ours may be named again", "5.5.3", pgw())
            .send_with(
                |world| modify([second(f_teid(world.teid(0, 2), OURS))]),
                ok(),
            )
            .up_list(
                2,
                &[
                    "proto 17 to 10.45.0.2/32 -> out 1",
                    "-> out 1, 1000000 kbit/s",
                ],
            ),
        with("an F-TEID of another session", "5.5.3", pgw())
            .send(numbered(pgw_of("10.45.0.3"), 8), ok())
            .send_with(
                |world| modify([second(f_teid(world.teid(1, 2), OURS))]),
                no(INVALID_F_TEID).ie(F_TEID).rule(PDR, 3),
            ),
        ask(
            "CHOOSE of no family",
            "8.2.3",
            with_f_teid(leaf(F_TEID, [4])),
            no(INCORRECT).ie(F_TEID).rule(PDR, 2),
        ),
        ask(
            "CHOOSE of IPv6 without an address of ours",
            "5.5.3",
            with_f_teid(leaf(F_TEID, [6])),
            no(NOT_SUPPORTED).ie(F_TEID).rule(PDR, 2),
        ),
        with(
            "CHOOSE of IPv4 alone",
            "8.2.3",
            with_f_teid(leaf(F_TEID, [5])),
        )
        .dual_stack()
        .holds(
            "addresses",
            |world| {
                let created = &world.sessions[0].pdrs[&2];
                (created.tunnel_v4.is_some(), created.tunnel_v6.is_some())
            },
            (true, false),
        ),
        with(
            "CHOOSE of IPv6 alone",
            "8.2.3",
            with_f_teid(leaf(F_TEID, [6])),
        )
        .dual_stack()
        .holds(
            "addresses",
            |world| {
                let created = &world.sessions[0].pdrs[&2];
                (created.tunnel_v4.is_some(), created.tunnel_v6.is_some())
            },
            (false, true),
        ),
        with(
            "CHOOSE of both families is answered with both addresses",
            "8.2.3",
            pgw(),
        )
        .dual_stack()
        .holds(
            "addresses",
            |world| {
                let created = &world.sessions[0].pdrs[&2];
                (created.tunnel_v4.is_some(), created.tunnel_v6.is_some())
            },
            (true, true),
        ),
        ask(
            "an F-TEID without address",
            "8.2.3",
            with_f_teid(leaf(F_TEID, [0, 0, 0, 0, 5])),
            no(INCORRECT).ie(F_TEID),
        ),
        ask(
            "an F-TEID that is too short",
            "7.6.7",
            with_f_teid(leaf(F_TEID, [1, 0, 0])),
            no(INVALID_LENGTH).ie(F_TEID),
        ),
        ask(
            "CHID without CHOOSE ID",
            "7.6.7",
            with_f_teid(leaf(F_TEID, [0x0d])),
            no(INVALID_LENGTH).ie(F_TEID),
        ),
        with("a TEID is never 0", "TS 29.281 5.1", pgw()).holds(
            "TEID",
            |world| world.teid(0, 2) != 0,
            true,
        ),
    ]
}
