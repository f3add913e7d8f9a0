//! Versions, unknown and unexpected messages (clauses 7.6.2 to 7.6.5).

use crate::support::prelude::*;
use crate::support::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    let of_version = |version, message: Msg| {
        let mut message = message;
        message.version = version;
        message
    };
    let refused = || heard().of_type(VERSION_NOT_SUPPORTED);
    vec![
        bare("version 2 is answered with Version Not Supported", "7.6.2")
            .send(of_version(2, heartbeat(1)), refused()),
        bare("version 0 is answered with Version Not Supported", "7.6.2")
            .send(of_version(0, heartbeat(1)), refused()),
        bare("version 7 is answered with Version Not Supported", "7.6.2")
            .send(of_version(7, setup()), refused()),
        associated("a session request of another version", "7.6.2")
            .send(of_version(3, pgw()), refused())
            .sessions(0),
        associated("a response of another version is not answered", "7.6.2").send(
            of_version(2, Msg::new(HEARTBEAT + 1, Seid::Absent, [recovery(1)])),
            silence(),
        ),
        associated("Version Not Supported is not answered", "7.4.4.7")
            .send(Msg::new(VERSION_NOT_SUPPORTED, Seid::Absent, []), silence()),
        associated("an unknown message is dropped", "7.6.4")
            .send(Msg::new(99, Seid::Absent, []), silence()),
        associated("an unknown message about a session is dropped", "7.6.4")
            .send(Msg::new(200, Seid::Value(1), []), silence()),
        associated("message type 0 is reserved", "7.3")
            .send(Msg::new(0, Seid::Absent, []), silence()),
        with("a response to no request is dropped", "7.6.5", pgw())
            .send(
                Msg::new(REPORT + 1, Seid::Session(0), [cause(NOT_FOUND)]),
                silence(),
            )
            .sessions(1),
        associated("a Session Report Request is for control planes", "7.6.5").send(
            Msg::new(REPORT, Seid::Value(5), [u8(REPORT_TYPE, 0)]),
            no(NOT_SUPPORTED).to(0),
        ),
        associated("a Node Report Request is for control planes", "7.6.5").send(
            Msg::new(
                NODE_REPORT,
                Seid::Absent,
                [node_id(SMF), u8(NODE_REPORT_TYPE, 1)],
            ),
            no(NOT_SUPPORTED),
        ),
        associated("Session Set Modification is not announced", "7.4.7").send(
            Msg::new(SET_MODIFICATION, Seid::Absent, [node_id(SMF)]),
            no(NOT_SUPPORTED),
        ),
        associated(
            "a session request without SEID in the header is dropped",
            "7.2.2.4.2",
        )
        .send(Msg::new(DELETION, Seid::Absent, []), silence()),
        bare(
            "a message of nodes with a SEID in the header is served",
            "7.2.2.3",
        )
        .send(heartbeat(1).of_seid(9), heard()),
        bare("an empty datagram", "7.6.3").datagram(&[], &[]),
        bare("a datagram shorter than a header", "7.6.3").datagram(&[0x20, 1, 0], &[]),
        bare("a datagram of a header without its end", "7.6.3")
            .datagram(&[0x20, 1, 0, 4, 0, 0, 1], &[]),
        bare("a header with SEID without its end", "7.6.3")
            .datagram(&[0x21, 54, 0, 12, 0, 0, 0, 0, 0, 0], &[]),
    ]
}
