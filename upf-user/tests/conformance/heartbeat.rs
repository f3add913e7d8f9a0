//! Heartbeats and Recovery Time Stamps (clauses 6.2.2 and 7.4.2).

use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::OUR_STAMP;

pub(crate) fn rows() -> Vec<Row> {
    let response = |stamp| Msg::new(HEARTBEAT + 1, Seid::Absent, [recovery(stamp)]);
    vec![
        bare("a heartbeat of a stranger is answered", "6.2.2.2").send(heartbeat(1), heard()),
        associated("a heartbeat of a peer is answered", "6.2.2.2")
            .send(heartbeat(STAMP), heard())
            .associations(1),
        bare(
            "the response has our Recovery Time Stamp, in seconds of NTP",
            "8.2.65",
        )
        .send(
            heartbeat(1),
            heard().value(RECOVERY_TIME_STAMP, &OUR_STAMP.to_be_bytes()),
        ),
        bare("a heartbeat with Source IP Address is answered", "7.4.2.1")
            .send(heartbeat(1).with(leaf(192, [2, 10, 100, 0, 1])), heard()),
        bare(
            "a heartbeat without Recovery Time Stamp is not answered",
            "7.4.2.1",
        )
        .send(Msg::new(HEARTBEAT, Seid::Absent, []), silence()),
        bare(
            "a heartbeat with a short Recovery Time Stamp is not answered",
            "7.6.4",
        )
        .send(
            Msg::new(HEARTBEAT, Seid::Absent, [leaf(RECOVERY_TIME_STAMP, [0, 1])]),
            silence(),
        ),
        with(
            "the same stamp keeps the sessions",
            "TS 23.527 4.4.2",
            pgw(),
        )
        .send(heartbeat(STAMP), heard())
        .sessions(1),
        with(
            "a later stamp ends the sessions of a peer",
            "TS 23.527 4.4.2",
            pgw(),
        )
        .send(heartbeat(STAMP + 1), heard())
        .sessions(0)
        .associations(0)
        .down(UE, "nothing"),
        with(
            "an earlier stamp comes from a late message",
            "TS 23.007 19A",
            pgw(),
        )
        .send(heartbeat(STAMP - 1), heard())
        .sessions(1),
        associated("after a restart a sequence number may come again", "6.4")
            .send(pgw().numbered(2), ok())
            .send(heartbeat(STAMP + 1), heard())
            .send(setup_of(SMF, STAMP + 1).numbered(1), ok())
            .send(pgw().numbered(2), ok())
            .sessions(1),
        associated("we send heartbeats", "6.2.2.1")
            .wait(11)
            .sends(
                "Recovery Time Stamp",
                HEARTBEAT,
                |got| got.number(RECOVERY_TIME_STAMP),
                Some(OUR_STAMP.into()),
            )
            .answer_it(response(STAMP))
            .wait(5)
            .sends_nothing(),
        associated("a heartbeat is sent N1 times, T1 apart", "6.4")
            .wait(17)
            .sends("the first", HEARTBEAT, |_| (), ())
            .sends("the second", HEARTBEAT, |_| (), ())
            .sends("the third", HEARTBEAT, |_| (), ())
            .sends_nothing(),
        with(
            "a peer that is not heard keeps its sessions for a while",
            "6.2.2.2",
            pgw(),
        )
        .wait(120)
        .sessions(1)
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with(
            "a peer that is not heard for long loses its sessions",
            "6.2.2.2",
            pgw(),
        )
        .wait(400)
        .sessions(0)
        .associations(0),
        with(
            "a later stamp in a response ends the sessions",
            "TS 23.527 4.4.2",
            pgw(),
        )
        .wait(11)
        .sends("a heartbeat", HEARTBEAT, |_| (), ())
        .answer_it(response(STAMP + 1))
        .sessions(0),
        with(
            "a response that nobody waits for says nothing",
            "TS 23.007 19A",
            pgw(),
        )
        .send(response(STAMP + 1).numbered(77), silence())
        .sessions(1),
    ]
}
