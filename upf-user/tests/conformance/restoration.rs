//! Sessions restored after our restart (TS 23.527 clause 4.3): RESTI, with the SEID and F-TEIDs that they had.

use crate::support::prelude::*;
use crate::support::row::Row;

const OLD_SEID: u64 = 4711;
const OLD_TEID: u32 = 0x0055_0055;

fn restoring() -> Msg {
    restoring_with(OLD_TEID)
}

fn restoring_with(teid: u32) -> Msg {
    pgw()
        .pdi(2, |pdi| pdi.set(f_teid(teid, OURS)))
        .with(u8(SE_REQUEST_FLAGS, 1))
        .of_seid(OLD_SEID)
}

fn other_ue(message: Msg) -> Msg {
    numbered(message, 8)
        .pdi(1, |pdi| pdi.set(ue("10.45.0.3")))
        .pdi(2, |pdi| pdi.set(ue("10.45.0.3")))
        .of_seid(OLD_SEID + 1)
}

pub(crate) fn rows() -> Vec<Row> {
    let old = |world: &crate::support::world::World| world.by_teid(OLD_TEID);
    vec![
        with(
            "a restored session has its SEID and F-TEID again",
            "TS 23.527 4.3",
            restoring(),
        )
        .holds("SEID", |world| world.sessions[0].up_seid, OLD_SEID)
        .holds("the old TEID", old, "out 1, 1000000 kbit/s".to_owned())
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        ask(
            "an F-TEID that was given back is in no Created PDR",
            "7.5.3.2",
            restoring(),
            ok().created(&[]),
        ),
        ask(
            "without RESTI a given F-TEID is refused",
            "5.5.3",
            restoring().set(u8(SE_REQUEST_FLAGS, 0)),
            no(INVALID_F_TEID).ie(F_TEID).rule(PDR, 2),
        ),
        with(
            "without RESTI the header's SEID says nothing",
            "7.2.2.4.2",
            pgw().of_seid(OLD_SEID),
        )
        .holds("SEID", |world| world.sessions[0].up_seid != OLD_SEID, true),
        with(
            "RESTI with SEID 0 in the header",
            "7.5.2.1",
            restoring().of_seid(0),
        )
        .holds("the old TEID", old, "out 1, 1000000 kbit/s".to_owned()),
        with(
            "a SEID that is taken cannot be restored",
            "TS 23.527 4.3",
            restoring(),
        )
        .send(
            other_ue(restoring_with(0x0066_0066)).of_seid(OLD_SEID),
            no(RESTORATION_FAILURE),
        ),
        with(
            "a TEID that is taken cannot be restored",
            "TS 23.527 4.3",
            restoring(),
        )
        .send(
            other_ue(restoring()),
            no(RESTORATION_FAILURE).ie(F_TEID).rule(PDR, 2),
        ),
        with(
            "a UE IP Address that is taken cannot be restored",
            "TS 23.527 4.3",
            pgw(),
        )
        .send(
            numbered(restoring(), 8),
            no(RESTORATION_FAILURE).ie(UE_IP_ADDRESS).rule(PDR, 1),
        ),
        ask(
            "an F-TEID at an address that is not ours",
            "TS 23.527 4.3",
            restoring().pdi(2, |pdi| pdi.set(f_teid(OLD_TEID, GNB))),
            no(INCORRECT).ie(F_TEID).rule(PDR, 2),
        ),
        ask(
            "TEID 0 cannot be restored",
            "TS 29.281 5.1",
            restoring_with(0),
            no(INCORRECT).ie(F_TEID).rule(PDR, 2),
        ),
        with(
            "a restored session may leave F-TEIDs to us as well",
            "5.5.3",
            restoring(),
        )
        .send(
            modify([create_pdr(
                3,
                5,
                2,
                [source(ACCESS), choose(), network("internet")],
            )]),
            ok().created(&[3]),
        )
        .up(3, "out 1"),
        with(
            "a restored session is modified and deleted like any other",
            "TS 23.527 4.3",
            restoring(),
        )
        .send(modify([to_gnb(1, 5)]), ok())
        .send(delete(), ok())
        .holds("the old TEID", old, "unknown".to_owned()),
    ]
}
