//! Several control planes at once, each with its own sessions (clauses 6.2.6 and 6.3).

use std::net::{IpAddr, SocketAddr};

use crate::support::prelude::*;
use crate::support::row::Row;

/// The SMF has a session, another control plane has its association.
fn two(name: &'static str, clause: &'static str) -> Row {
    with(name, clause, pgw()).send_from(other(), setup_of(OTHER, 5), ok())
}

fn of_other(address: &str) -> Msg {
    pgw_of(address).set(node_id(OTHER)).set(f_seid(9, OTHER))
}

pub(crate) fn rows() -> Vec<Row> {
    let port = |port: u16| SocketAddr::from((IpAddr::from(SMF), port));
    vec![
        with(
            "a node that comes from another address begins anew",
            "6.2.6.2.2",
            pgw(),
        )
        .send_from(other(), setup(), ok())
        .sessions(0)
        .associations(1)
        .send(modify([]), no(NO_ASSOCIATION).to(0)),
        associated(
            "a session request may come from another address of its node",
            "6.2.6.1",
        )
        .send_from(other(), pgw(), ok())
        .send_from(other(), modify([to_gnb(1, 5)]), ok())
        .send(modify([to_gnb(1, 6)]), ok())
        .down(UE, "to 10.1.0.10 0x6, 2000000 kbit/s"),
        with(
            "a stranger's heartbeat says nothing about others",
            "TS 23.527 4.4.2",
            pgw(),
        )
        .send_from(other(), heartbeat(STAMP + 9), heard())
        .sessions(1),
        two("a session is modified by its control plane only", "7.5.5.1")
            .send_from(other(), modify([to_gnb(1, 5)]), no(NOT_FOUND))
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        two("a session is deleted by its control plane only", "7.5.7.1")
            .send_from(other(), delete(), no(NOT_FOUND))
            .sessions(1),
        two("control planes may use the same SEIDs", "8.2.37")
            .send_from(
                other(),
                of_other("10.45.0.3").set(f_seid(7, OTHER)),
                ok().to(7),
            )
            .sessions(2),
        two("control planes do not share UE addresses", "5.2.1A.2").send_from(
            other(),
            of_other(UE),
            no(RULE_FAILURE).ie(UE_IP_ADDRESS).rule(PDR, 1),
        ),
        two(
            "a restart of one leaves the other's sessions",
            "TS 23.527 4.4.2",
        )
        .send_from(other(), of_other("10.45.0.3"), ok())
        .send(heartbeat(STAMP + 1), heard())
        .sessions(1)
        .down(UE, "nothing")
        .down("10.45.0.3", "to 10.1.0.11 0x77, 2000000 kbit/s"),
        two("a release of one leaves the other's sessions", "6.2.8.2")
            .send_from(other(), of_other("10.45.0.3"), ok())
            .send(release(), ok())
            .associations(1)
            .sessions(1),
        two(
            "a new set-up of one leaves the other's sessions",
            "6.2.6.2.2",
        )
        .send_from(other(), setup_of(OTHER, 6), ok())
        .sessions(1)
        .associations(2),
        two(
            "the same sequence number of two control planes is two requests",
            "6.4",
        )
        .send_from(other(), of_other("10.45.0.3").numbered(2), ok())
        .sessions(2),
        with("a request may come from another port", "6.1", pgw())
            .send_from(port(40000), modify([to_gnb(1, 5)]), ok())
            .down(UE, "to 10.1.0.10 0x5, 2000000 kbit/s"),
        associated("an answer goes to the port of its request", "6.1").send_from(
            port(40000),
            pgw(),
            ok(),
        ),
        with(
            "two nodes at one address are told apart by their sessions",
            "6.2.6.1",
            pgw(),
        )
        .send_from(port(9000), setup().set(fqdn("second.example.org")), ok())
        .send_from(
            port(9000),
            pgw_of("10.45.0.3")
                .set(fqdn("second.example.org"))
                .set(f_seid(8, SMF)),
            ok().to(8),
        )
        .send(modify([to_gnb(1, 5)]), ok())
        .send_from(port(9000), modify([]).of_session(1), ok().to(8))
        .send_from(port(9000), modify([]), no(NOT_FOUND)),
        two(
            "a control plane cannot use another's Node ID for its release",
            "6.2.8.2",
        )
        .send_from(
            other(),
            release().set(node_id([10, 100, 0, 88])),
            no(NO_ASSOCIATION),
        )
        .associations(2),
    ]
}
