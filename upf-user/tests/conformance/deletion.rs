//! Session Deletion (clauses 6.3.4, 7.5.6 and 7.5.7).

use crate::support::prelude::*;
use crate::support::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        change(
            "a deletion empties slots and addresses",
            "6.3.4.3",
            delete(),
            ok().to(7),
        )
        .sessions(0)
        .uses_slots(0)
        .down(UE, "nothing")
        .up(2, "unknown"),
        change(
            "a deletion of no session is answered to SEID 0",
            "7.2.2.4.2",
            delete().of_seid(99),
            no(NOT_FOUND).to(0),
        )
        .sessions(1),
        change("a second deletion", "7.5.7.1", delete(), ok()).send(delete(), no(NOT_FOUND).to(0)),
        change(
            "a retransmitted deletion is answered from memory",
            "6.4",
            delete(),
            ok(),
        )
        .again(),
        change(
            "a deletion with a CP F-SEID is answered to that",
            "7.5.6",
            delete().with(f_seid(71, SMF)),
            ok().to(71),
        ),
        change(
            "a deletion that cannot be read",
            "7.6.7",
            delete().with(leaf(F_SEID, [2, 0])),
            no(INVALID_LENGTH).ie(F_SEID).to(7),
        )
        .sessions(1),
        change(
            "a deletion leaves the other sessions",
            "6.3.4.3",
            numbered(pgw_of("10.45.0.3"), 8),
            ok(),
        )
        .send(delete(), ok())
        .down(UE, "nothing")
        .down("10.45.0.3", "to 10.1.0.11 0x77, 2000000 kbit/s"),
        change(
            "an address that was given back can be had again",
            "6.3.4.3",
            delete(),
            ok(),
        )
        .send(numbered(pgw(), 8), ok())
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        change(
            "a TEID that was given back leads nowhere",
            "TS 29.281 7.3.1",
            delete(),
            ok(),
        )
        .send(numbered(pgw(), 8), ok())
        .holds(
            "TEIDs differ",
            |world| world.teid(0, 2) != world.teid(1, 2),
            true,
        ),
    ]
}
