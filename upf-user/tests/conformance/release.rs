//! The end of associations (clauses 5.18, 6.2.7.3, 6.2.8 and 7.4.4.5).

use std::time::Duration;

use crate::support::prelude::*;
use crate::support::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    // 10 s, in units of two.
    let announced = || update_association().with(u8(GRACEFUL_RELEASE_PERIOD, 5));
    let ending = |name, clause| {
        with(name, clause, pgw()).act(|world| {
            let (period, now) = (Duration::from_secs(20), world.now);
            let actions = world.node.release_all(period, now, &mut world.stack);
            world.keep(actions);
        })
    };
    vec![
        with("a release ends the sessions", "6.2.8.2", pgw())
            .send(release(), ok())
            .sessions(0)
            .associations(0)
            .down(UE, "nothing"),
        bare("a release of no association", "7.4.4.6").send(release(), no(NO_ASSOCIATION)),
        associated("a release without Node ID", "7.4.4.5").send(
            release().without(NODE_ID),
            no(MANDATORY_MISSING).ie(NODE_ID),
        ),
        associated("a retransmitted release is answered from memory", "6.4")
            .send(release(), ok())
            .again(),
        with(
            "after a release nothing is known any more",
            "6.2.8.2",
            pgw(),
        )
        .send(release(), ok())
        .send(pgw(), no(NO_ASSOCIATION))
        .send(modify([]), no(NO_ASSOCIATION)),
        with("an announced release lets sessions go on", "6.2.7.3", pgw())
            .send(announced(), ok())
            .sessions(1)
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s")
            .send(modify([to_gnb(1, 9)]), ok()),
        associated("an announced release refuses new sessions", "6.2.7.3")
            .send(announced(), ok())
            .send(pgw(), no(REJECTED)),
        with(
            "at the end of its period the association goes",
            "6.2.7.3",
            pgw(),
        )
        .send(announced(), ok())
        .wait(11)
        .sessions(0)
        .associations(0),
        with(
            "a period without end waits for the release",
            "8.2.78",
            pgw(),
        )
        .send(
            update_association().with(u8(GRACEFUL_RELEASE_PERIOD, 0xe0)),
            ok(),
        )
        .wait(11)
        .sessions(1)
        .send(release(), ok())
        .sessions(0),
        ending("we ask for a release with SARR and a period", "6.2.7.3").sends(
            "SARR, 20 s",
            ASSOCIATION_UPDATE,
            |got| {
                (
                    got.number(RELEASE_REQUEST).map(|bits| bits & 1),
                    got.number(GRACEFUL_RELEASE_PERIOD),
                )
            },
            (Some(1), Some(10)),
        ),
        ending("the peer releases what we asked it to", "6.2.8.2")
            .send(release(), ok())
            .sessions(0)
            .associations(0),
        ending("once we end no association is set up", "6.2.7.3")
            .send_from(other(), setup_of(OTHER, 9), no(REJECTED))
            .associations(1),
        ending(
            "once we end the sessions are gone with the period",
            "6.2.7.3",
        )
        .wait(21)
        .sessions(0),
    ]
}
