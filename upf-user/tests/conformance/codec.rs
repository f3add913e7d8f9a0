//! How messages are read: lengths, order, unknown, repeated and vendor IEs, bundles (clauses 6.5, 7.2, 7.6 and 8.1).

use crate::support::ie::{Ie, Ies};
use crate::support::prelude::*;
use crate::support::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = headers();
    rows.extend(elements());
    rows.extend(lengths());
    rows.extend(bundles());
    rows
}

fn headers() -> Vec<Row> {
    let mut prioritised = pgw();
    prioritised.priority = Some(9);
    let mut followed = heartbeat(1);
    followed.tail = vec![0xde, 0xad];
    let mut too_long = heartbeat(1);
    too_long.length_error = 1;
    let mut too_short = heartbeat(1);
    too_short.length_error = -8;
    vec![
        ask(
            "a message priority is answered",
            "7.2.2.4.3",
            prioritised,
            ok(),
        )
        .holds(
            "the answer's priority",
            |world| {
                world
                    .last_answer
                    .as_ref()
                    .and_then(|answer| answer.priority)
            },
            Some(9),
        ),
        bare("without priority the answer has none", "7.2.2.4.3")
            .send(heartbeat(1), heard())
            .holds(
                "the answer's priority",
                |world| {
                    world
                        .last_answer
                        .as_ref()
                        .and_then(|answer| answer.priority)
                },
                None,
            ),
        bare("octets behind a message are not looked at", "7.6.3").send(followed, heard()),
        bare("Message Length beyond the datagram", "7.6.3").send(too_long, silence()),
        bare("Message Length that ends inside the header", "7.6.3").send(too_short, silence()),
        bare("a sequence number of 24 bits", "7.2.2.1")
            .send(heartbeat(1).numbered(0x00ff_ffff), heard()),
        bare("sequence number 0", "7.2.2.1").send(heartbeat(1).numbered(0), heard()),
    ]
}

fn elements() -> Vec<Row> {
    let forwards = "to 10.1.0.11 0x77, 2000000 kbit/s";
    let mut backwards = pgw();
    backwards.ies.0.reverse();
    let mut inner_backwards = pgw();
    for kind in [CREATE_PDR, CREATE_FAR] {
        for n in 1..=2 {
            inner_backwards.ies.group(kind, n).0.reverse();
        }
    }
    let deep = (0..200).fold(Ie::Group(PDI, Ies::default()), |inner, _| {
        Ie::Group(PDI, Ies(vec![inner]))
    });
    vec![
        with("IEs in any order", "8.1.1", backwards).down(UE, forwards),
        with("IEs of groups in any order", "8.1.1", inner_backwards).down(UE, forwards),
        with(
            "an unknown IE is skipped",
            "7.6.9",
            pgw().with(leaf(999, [1, 2, 3])),
        )
        .down(UE, forwards)
        .holds("skipped IEs", |world| world.node.skipped_elements(), 1),
        with(
            "an unknown IE without octets is skipped",
            "7.6.9",
            pgw().with(leaf(999, [])),
        )
        .holds("skipped IEs", |world| world.node.skipped_elements(), 1),
        with(
            "an unknown IE inside a group is skipped",
            "7.6.9",
            pgw().pdi(1, |pdi| pdi.first(leaf(999, [7; 40]))),
        )
        .down(UE, forwards),
        with(
            "a vendor's IE is skipped",
            "8.1.1",
            pgw().with(leaf(0x8001, [0, 18, 1, 2])),
        )
        .holds("skipped IEs", |world| world.node.skipped_elements(), 1),
        with(
            "a vendor's IE too short for its Enterprise ID",
            "8.1.1",
            pgw().with(leaf(0x8001, [0])),
        )
        .down(UE, forwards),
        with(
            "a known IE where it does not belong is skipped",
            "7.6.9",
            pgw().with(u8(GATE_STATUS, 5)),
        )
        .down(UE, forwards),
        with(
            "of an IE that may come once the first counts",
            "7.6.10",
            pgw().pdr(1, |pdr| pdr.add(far_id(99)).add(precedence(1))),
        )
        .down(UE, forwards),
        with(
            "a later form of an IE has octets more",
            "8.1.1",
            pgw().pdr(1, |pdr| pdr.set(leaf(PRECEDENCE, [0, 0, 0, 100, 1, 2]))),
        )
        .down(UE, forwards),
        ask(
            "groups in groups without end",
            "7.6.9",
            pgw().with(deep),
            ok(),
        ),
    ]
}

fn lengths() -> Vec<Row> {
    let short = |ie| no(INVALID_LENGTH).ie(ie);
    vec![
        ask(
            "an IE beyond the end of the message",
            "7.6.7",
            pgw().with(lying(DNN, 200, b"internet")),
            short(DNN),
        ),
        ask(
            "an IE beyond the end of its group",
            "7.6.7",
            pgw().pdi(1, |pdi| pdi.add(lying(QFI, 9, &[1]))),
            short(QFI),
        ),
        ask(
            "octets too few for an IE at the end of a group",
            "7.6.7",
            pgw().pdi(1, |pdi| pdi.add(Ie::Raw(vec![0, 124, 0]))),
            short(PDI),
        ),
        ask(
            "octets too few for an IE at the end of a message",
            "7.6.7",
            pgw().with(Ie::Raw(vec![0, 124, 0])),
            no(INVALID_LENGTH),
        ),
        ask(
            "a PDR ID of one octet",
            "7.6.7",
            pgw().pdr(1, |pdr| pdr.set(leaf(PDR_ID, [1]))),
            short(PDR_ID),
        ),
        ask(
            "a FAR ID of three octets",
            "7.6.7",
            pgw().far(1, |far| far.set(leaf(FAR_ID, [0, 0, 1]))),
            short(FAR_ID),
        ),
        ask(
            "a Precedence of three octets",
            "7.6.7",
            pgw().pdr(1, |pdr| pdr.set(leaf(PRECEDENCE, [0, 0, 1]))),
            short(PRECEDENCE),
        ),
        ask(
            "a Gate Status of no octets",
            "7.6.7",
            pgw().qer(1, |qer| qer.set(leaf(GATE_STATUS, []))),
            short(GATE_STATUS),
        ),
        ask(
            "a Source Interface of no octets",
            "7.6.7",
            pgw().pdi(1, |pdi| pdi.set(leaf(SOURCE_INTERFACE, []))),
            short(SOURCE_INTERFACE),
        ),
        ask(
            "an Outer Header Removal of no octets",
            "7.6.7",
            pgw().pdr(2, |pdr| pdr.set(leaf(OUTER_HEADER_REMOVAL, []))),
            short(OUTER_HEADER_REMOVAL),
        ),
        change(
            "a Remove PDR of no octets",
            "7.5.4.6",
            modify([leaf(REMOVE_PDR, [])]),
            no(MANDATORY_MISSING).ie(PDR_ID),
        ),
    ]
}

fn bundles() -> Vec<Row> {
    vec![
        associated("BUNDL is announced", "8.2.25").holds(
            "bit 7 of octet 7",
            |world| {
                let answer = world.last_answer.as_ref().expect("an answer");
                let octets = answer.find(UP_FUNCTION_FEATURES).expect("features");
                octets[2] & 0x40 != 0
            },
            true,
        ),
        associated("messages of a bundle are answered each", "6.5")
            .bundle(vec![
                (heartbeat(STAMP), heard()),
                (pgw(), ok()),
                (numbered(pgw_of("10.45.0.3"), 8), ok().to(8)),
            ])
            .sessions(2),
        associated("one refused message of a bundle leaves the others", "6.5")
            .bundle(vec![
                (
                    pgw().without(CREATE_FAR),
                    no(MANDATORY_MISSING).ie(CREATE_FAR),
                ),
                (numbered(pgw_of("10.45.0.3"), 8), ok().to(8)),
            ])
            .sessions(1),
        bare("an association and its first session in one bundle", "6.5")
            .bundle(vec![(setup(), ok()), (pgw(), ok())])
            .sessions(1),
        bare("the last message of a bundle has FO", "7.2.2.4.1")
            .datagram(&[0x24, 1, 0, 12, 0, 0, 9, 0, 0, 96, 0, 4, 0, 0, 0, 1], &[2]),
        bare("rubbish behind the first message of a bundle", "7.2.2.4.1").datagram(
            &[
                0x24, 1, 0, 12, 0, 0, 9, 0, 0, 96, 0, 4, 0, 0, 0, 1, 0x20, 1, 0xff,
            ],
            &[2],
        ),
    ]
}
