//! Session Set Deletion by FQ-CSID (clauses 6.2.10 and 7.4.6, TS 23.007 clause 23).

use crate::support::prelude::*;
use crate::support::row::Row;

const MME: [u8; 4] = [192, 0, 2, 77];

/// A session in set 3 of the node.
fn in_set() -> Msg {
    pgw().with(fq_csid(MME, &[3]))
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        with(
            "the sessions of a set are deleted",
            "TS 23.007 23",
            in_set(),
        )
        .send(set_deletion([fq_csid(MME, &[3])]), ok())
        .sessions(0)
        .down(UE, "nothing"),
        with("sessions of other sets stay", "TS 23.007 23", in_set())
            .send(set_deletion([fq_csid(MME, &[4])]), ok())
            .sessions(1),
        with("sets of another node stay", "TS 23.007 23", in_set())
            .send(set_deletion([fq_csid([192, 0, 2, 78], &[3])]), ok())
            .sessions(1),
        with("sessions without set stay", "TS 23.007 23", pgw())
            .send(set_deletion([fq_csid(MME, &[3])]), ok())
            .sessions(1),
        with("several sets are deleted at once", "7.4.6.1", in_set())
            .send(
                set_deletion([fq_csid(MME, &[1, 2]), fq_csid(MME, &[9, 3])]),
                ok(),
            )
            .sessions(0),
        with("a modification puts a session into a set", "7.5.4.1", pgw())
            .send(modify([fq_csid(MME, &[3])]), ok())
            .send(set_deletion([fq_csid(MME, &[3])]), ok())
            .sessions(0),
        with("a session's set is replaced", "7.5.4.1", in_set())
            .send(modify([fq_csid(MME, &[5])]), ok())
            .send(set_deletion([fq_csid(MME, &[3])]), ok())
            .sessions(1)
            .send(set_deletion([fq_csid(MME, &[5])]), ok())
            .sessions(0),
        with("a set deletion without sets", "7.4.6.1", in_set())
            .send(set_deletion([]), no(CONDITIONAL_MISSING).ie(FQ_CSID))
            .sessions(1),
        with("a set deletion without Node ID", "7.4.6.1", in_set()).send(
            set_deletion([fq_csid(MME, &[3])]).without(NODE_ID),
            no(MANDATORY_MISSING).ie(NODE_ID),
        ),
        bare("a set deletion of no association", "7.4.6.2")
            .send(set_deletion([fq_csid(MME, &[3])]), no(NO_ASSOCIATION)),
        with("an FQ-CSID that is too short", "7.6.7", in_set()).send(
            set_deletion([leaf(FQ_CSID, [2, 192, 0, 2, 77, 0, 3])]),
            no(INVALID_LENGTH).ie(FQ_CSID),
        ),
        with(
            "sets of another control plane's sessions stay",
            "7.4.6.1",
            in_set(),
        )
        .send_from(other(), setup_of(OTHER, 1), ok())
        .send_from(
            other(),
            set_deletion([fq_csid(MME, &[3])]).set(node_id(OTHER)),
            ok(),
        )
        .sessions(1),
    ]
}
