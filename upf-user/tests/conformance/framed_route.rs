//! Framed routes: networks behind the UE (clause 5.16).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;

/// A session whose PDRs of both directions have these routes.
fn framed<const N: usize>(routes: [Ie; N]) -> Msg {
    framed_of(7, UE, routes)
}

fn framed_of<const N: usize>(cp_seid: u64, address: &str, routes: [Ie; N]) -> Msg {
    let message = numbered(pgw_of(address), cp_seid);
    routes.into_iter().fold(message, |message, route| {
        message
            .pdi(1, |pdi| pdi.add(route.clone()))
            .pdi(2, |pdi| pdi.add(route))
    })
}

fn v4(route: &str) -> Ie {
    text(FRAMED_ROUTE, route)
}

fn v6(route: &str) -> Ie {
    text(FRAMED_IPV6_ROUTE, route)
}

const FORWARDS: &str = "to 10.1.0.11 0x77, 2000000 kbit/s";

pub(crate) fn rows() -> Vec<Row> {
    vec![
        with(
            "a Framed-Route leads to the UE",
            "5.16",
            framed([v4("192.168.8.0/22 0.0.0.0 1")]),
        )
        .down("192.168.9.7", FORWARDS)
        .down("192.168.12.1", "nothing")
        .down(UE, FORWARDS),
        with(
            "a Framed-IPv6-Route leads to the UE",
            "5.16",
            framed([v6("2001:db8:99::/56 :: 1")]),
        )
        .down("2001:db8:99:5::1", FORWARDS)
        .down("2001:db8:99:100::1", "nothing"),
        with(
            "several routes of both families",
            "5.16",
            framed([
                v4("192.168.8.0/24"),
                v4("192.168.16.0/24"),
                v6("2001:db8:99::/56"),
            ]),
        )
        .down("192.168.8.1", FORWARDS)
        .down("192.168.16.1", FORWARDS)
        .down("2001:db8:99::1", FORWARDS),
        with(
            "a route is of its network instance",
            "5.16",
            framed([v4("192.168.8.0/24")]),
        )
        .down_from("ims", "192.168.8.1", "nothing"),
        ask(
            "a Framed-Route that cannot be read",
            "8.2.109",
            framed([v4("nowhere")]),
            no(INCORRECT).ie(FRAMED_ROUTE).rule(PDR, 1),
        ),
        ask(
            "a Framed-IPv6-Route that cannot be read",
            "8.2.111",
            framed([v6("2001:db8::")]),
            no(INCORRECT).ie(FRAMED_IPV6_ROUTE).rule(PDR, 1),
        ),
        ask(
            "a Framed-Route for every address",
            "5.16",
            framed([v4("0.0.0.0/0 0.0.0.0 1")]),
            no(RULE_FAILURE).ie(FRAMED_ROUTE).rule(PDR, 1),
        ),
        ask(
            "a Framed-IPv6-Route for every address",
            "5.16",
            framed([v6("::/0")]),
            no(RULE_FAILURE).ie(FRAMED_IPV6_ROUTE).rule(PDR, 1),
        ),
        with(
            "a route that overlaps another session's",
            "5.16",
            framed([v4("192.168.8.0/22")]),
        )
        .send(
            framed_of(8, "10.45.0.3", [v4("192.168.9.0/24")]),
            no(RULE_FAILURE).ie(FRAMED_ROUTE).rule(PDR, 1),
        ),
        with(
            "a route goes with its session",
            "5.16",
            framed([v4("192.168.8.0/22")]),
        )
        .send(delete(), ok())
        .down("192.168.8.1", "nothing"),
        with(
            "routes of a modification replace those before",
            "7.5.4.2",
            framed([v4("192.168.8.0/24")]),
        )
        .send(
            modify([
                update_pdr(1, [group(PDI, [source(CORE), v4("192.168.16.0/24")])]),
                update_pdr(2, [group(PDI, [source(ACCESS), v4("192.168.16.0/24")])]),
            ]),
            ok(),
        )
        .down("192.168.8.1", "nothing")
        .down("192.168.16.1", FORWARDS),
        ask(
            "more routes than a session may have",
            "7.5.3.1",
            (0..9).fold(framed([]), |message, n| {
                let route = format!("192.168.{n}.0/24");
                message
                    .pdi(1, |pdi| pdi.add(v4(&route)))
                    .pdi(2, |pdi| pdi.add(v4(&route)))
            }),
            no(NO_RESOURCES).ie(FRAMED_ROUTE).rule(PDR, 2),
        ),
    ]
}
