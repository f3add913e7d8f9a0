//! Forwarding Action Rules (clauses 5.2.3, 7.5.2.3, 7.5.4.3 and 7.5.4.7).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;

const FORWARDS: &str = "to 10.1.0.11 0x77, 2000000 kbit/s";
/// SNDEM in PFCPSMReq-Flags.
const SNDEM: u8 = 2;

/// Update FAR 1 with these Update Forwarding Parameters.
fn forward<const N: usize>(parameters: [Ie; N]) -> Msg {
    modify([update_far(
        1,
        [action(FORW), group(UPDATE_FORWARDING, parameters)],
    )])
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = actions();
    rows.extend(changes());
    rows
}

fn actions() -> Vec<Row> {
    let with_action = |octets: &[u8]| pgw().far(1, |far| far.set(leaf(APPLY_ACTION, octets)));
    let unsupported = |name, octets: &[u8]| {
        ask(
            name,
            "8.2.26",
            with_action(octets),
            no(NOT_SUPPORTED).ie(APPLY_ACTION).rule(FAR, 1),
        )
    };
    vec![
        with("Apply Action of one octet", "8.2.26", with_action(&[FORW])).down(UE, FORWARDS),
        with(
            "Apply Action of two octets",
            "8.2.26",
            with_action(&[FORW, 0]),
        )
        .down(UE, FORWARDS),
        with("DROP", "5.2.3.1", with_action(&[DROP])).down(UE, "drop"),
        with("BUFF and NOCP", "5.2.3.1", with_action(&[BUFF_NOCP]))
            .down(UE, "buffer, 2000000 kbit/s"),
        ask(
            "a FAR without Apply Action",
            "7.5.2.3",
            pgw().far(1, |far| far.without(APPLY_ACTION)),
            no(MANDATORY_MISSING).ie(APPLY_ACTION),
        ),
        ask(
            "an Apply Action of no octets",
            "7.6.7",
            with_action(&[]),
            no(INVALID_LENGTH).ie(APPLY_ACTION),
        ),
        ask(
            "an Apply Action of nothing",
            "8.2.26",
            with_action(&[0]),
            no(INCORRECT).ie(APPLY_ACTION).rule(FAR, 1),
        ),
        ask(
            "FORW and DROP exclude each other",
            "8.2.26",
            with_action(&[FORW | DROP]),
            no(INCORRECT).ie(APPLY_ACTION).rule(FAR, 1),
        ),
        ask(
            "FORW and BUFF exclude each other",
            "8.2.26",
            with_action(&[FORW | 4]),
            no(INCORRECT).ie(APPLY_ACTION).rule(FAR, 1),
        ),
        unsupported("IPMA is not announced", &[FORW | 0x20]),
        unsupported("IPMD is not announced", &[FORW | 0x40]),
        unsupported("DFRT is not announced", &[FORW | 0x80]),
        unsupported("EDRT is not announced", &[FORW, 1]),
        unsupported("FSSM is not announced", &[FORW, 8]),
        unsupported("MBSU is not announced", &[FORW, 16]),
        ask(
            "a FAR without FAR ID",
            "7.5.2.3",
            pgw().far(1, |far| far.without(FAR_ID)),
            no(MANDATORY_MISSING).ie(FAR_ID),
        ),
        ask(
            "a FAR ID twice",
            "7.5.2.3",
            pgw().with(create_far(1, DROP)),
            no(RULE_FAILURE).rule(FAR, 1),
        ),
        ask(
            "a FAR ID of the predefined ones",
            "8.2.74",
            pgw().with(create_far(0x8000_0001, DROP)),
            no(RULE_FAILURE).rule(FAR, 0x8000_0001),
        ),
        ask(
            "more FARs than a session may have",
            "7.5.3.1",
            (3..=129).fold(pgw(), |message, id| message.with(create_far(id, DROP))),
            no(NO_RESOURCES).ie(CREATE_FAR),
        ),
    ]
}

fn changes() -> Vec<Row> {
    let end = |teid, flags| {
        forward([
            destination(ACCESS),
            gtpu(teid, GNB),
            u8(SM_REQUEST_FLAGS, flags),
        ])
    };
    vec![
        change(
            "a FAR with a tunnel turns to the core by it",
            "7.5.4.3",
            forward([destination(CORE)]),
            ok(),
        )
        .down(UE, FORWARDS),
        with("a handover back sends an End Marker, too", "5.2.3.2", pgw())
            .send(end(0x88, SNDEM), ok())
            .send(
                forward([gtpu(0x77, SGW), u8(SM_REQUEST_FLAGS, SNDEM)]),
                ok(),
            )
            .holds(
                "End Markers",
                |world| world.end_markers(),
                vec!["10.1.0.11 0x77".to_owned(), "10.1.0.10 0x88".to_owned()],
            ),
        change(
            "another tunnel",
            "7.5.4.3",
            forward([gtpu(0x88, GNB)]),
            ok(),
        )
        .down(UE, "to 10.1.0.10 0x88, 2000000 kbit/s"),
        change(
            "what an update leaves out stays",
            "7.5.4.3",
            forward([leaf(TRANSPORT_LEVEL_MARKING, [0xb8, 0xfc])]),
            ok(),
        )
        .down(UE, "to 10.1.0.11 0x77, dscp 46, 2000000 kbit/s"),
        change(
            "Apply Action alone",
            "7.5.4.3",
            modify([update_far(1, [action(DROP)])]),
            ok(),
        )
        .down(UE, "drop")
        .send(modify([update_far(1, [action(FORW)])]), ok())
        .down(UE, FORWARDS),
        with(
            "FORW of a FAR that never had a destination",
            "7.5.4.3",
            pdu(),
        )
        .send(
            modify([update_far(1, [action(FORW)])]),
            no(CONDITIONAL_MISSING).ie(FORWARDING).rule(FAR, 1),
        ),
        change(
            "an update of no FAR",
            "7.5.4.3",
            modify([update_far(9, [action(DROP)])]),
            no(RULE_FAILURE).rule(FAR, 9),
        ),
        change(
            "an update without FAR ID",
            "7.5.4.3",
            modify([group(UPDATE_FAR, [action(DROP)])]),
            no(MANDATORY_MISSING).ie(FAR_ID),
        ),
        change(
            "a removal of no FAR",
            "7.5.4.7",
            modify([remove(REMOVE_FAR, far_id(9))]),
            no(RULE_FAILURE).rule(FAR, 9),
        ),
        change(
            "a FAR in use is not removed",
            "7.5.4.7",
            modify([remove(REMOVE_FAR, far_id(2))]),
            no(RULE_FAILURE).ie(FAR_ID).rule(FAR, 2),
        ),
        change(
            "a FAR goes together with its PDR",
            "7.5.4.7",
            modify([remove(REMOVE_FAR, far_id(2)), remove(REMOVE_PDR, pdr_id(2))]),
            ok(),
        ),
        change(
            "SNDEM sends an End Marker by the tunnel that is left",
            "5.2.3.2",
            end(0x88, SNDEM),
            ok(),
        )
        .holds(
            "End Markers",
            |world| world.end_markers(),
            vec!["10.1.0.11 0x77".to_owned()],
        )
        .down(UE, "to 10.1.0.10 0x88, 2000000 kbit/s"),
        change(
            "without SNDEM there is no End Marker",
            "5.2.3.2",
            end(0x88, 0),
            ok(),
        )
        .holds(
            "End Markers",
            |world| world.end_markers(),
            Vec::<String>::new(),
        ),
        change(
            "SNDEM at message level is none of Update Forwarding Parameters",
            "7.5.4.3",
            forward([destination(ACCESS), gtpu(0x88, GNB)]).with(u8(SM_REQUEST_FLAGS, SNDEM)),
            ok(),
        )
        .holds(
            "End Markers",
            |world| world.end_markers(),
            Vec::<String>::new(),
        ),
        change(
            "SNDEM without another tunnel sends nothing",
            "5.2.3.2",
            forward([gtpu(0x77, SGW), u8(SM_REQUEST_FLAGS, SNDEM)]),
            ok(),
        )
        .holds(
            "End Markers",
            |world| world.end_markers(),
            Vec::<String>::new(),
        ),
        change(
            "a refused handover sends no End Marker",
            "6.3.3.3",
            end(0x88, SNDEM).with(remove(REMOVE_QER, qer_id(9))),
            no(RULE_FAILURE).rule(QER, 9),
        )
        .holds(
            "End Markers",
            |world| world.end_markers(),
            Vec::<String>::new(),
        ),
        with(
            "without DUPL nothing is copied any more",
            "5.2.3.1",
            duplicating(),
        )
        .send(modify([update_far(1, [action(FORW)])]), ok())
        .down(UE, FORWARDS),
        with(
            "Update Duplicating Parameters lead copies elsewhere",
            "7.5.4.3",
            duplicating(),
        )
        .send(
            modify([update_far(
                1,
                [group(UPDATE_DUPLICATING, [gtpu(0x9a, [10, 1, 0, 40])])],
            )]),
            ok(),
        )
        .sees(
            "where to",
            |view| {
                let rules = view.rules.as_ref().expect("rules");
                rules.fars[0]
                    .duplicates
                    .iter()
                    .map(|copy| copy.teid)
                    .collect()
            },
            vec![0x9a],
        ),
        with("a peer without sessions is left", "5.2.3.1", pgw())
            .send(forward([gtpu(0x88, GNB)]), ok())
            .holds(
                "peers",
                |world| world.stack.peers(),
                vec![std::net::IpAddr::from(GNB)],
            ),
    ]
}
