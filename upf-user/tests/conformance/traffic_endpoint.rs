//! Traffic endpoints (clauses 5.2.1A.3, 7.5.2.7, 7.5.3.5, 7.5.4.13 and 7.5.4.14).

use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::World;

/// What the F-TEID of a traffic endpoint of the first session leads to.
fn behind(endpoint: u16) -> impl Fn(&World) -> String {
    move |world| world.by_teid(world.endpoint_teid(0, endpoint))
}

fn changed(name: &'static str, clause: &'static str, request: Msg, expect: Expect) -> Row {
    with(name, clause, by_endpoints()).send(request, expect)
}

pub(crate) fn rows() -> Vec<Row> {
    let failed = || no(RULE_FAILURE).ie(TRAFFIC_ENDPOINT_ID);
    vec![
        ask(
            "a Created Traffic Endpoint for the one with CHOOSE, no Created PDR",
            "7.5.3.5",
            by_endpoints(),
            ok().endpoints(&[1]).created(&[]),
        ),
        with(
            "a PDR by a traffic endpoint forwards",
            "5.2.1A.3",
            by_endpoints(),
        )
        .holds("packets to endpoint 1", behind(1), "out 1".to_owned())
        .down(UE, "to 10.1.0.11 0x77"),
        ask(
            "a PDR with a traffic endpoint that is not there",
            "7.5.2.2",
            by_endpoints().pdi(2, |pdi| pdi.set(endpoint_id(9))),
            failed().rule(PDR, 2),
        ),
        ask(
            "a traffic endpoint without ID",
            "7.5.2.7",
            by_endpoints().group(CREATE_ENDPOINT, 1, |endpoint| {
                endpoint.without(TRAFFIC_ENDPOINT_ID)
            }),
            no(MANDATORY_MISSING).ie(TRAFFIC_ENDPOINT_ID),
        ),
        ask(
            "a Traffic Endpoint ID twice",
            "7.5.2.7",
            by_endpoints().with(create_endpoint(1, [choose()])),
            failed(),
        ),
        ask(
            "an F-TEID beside a traffic endpoint",
            "7.5.2.2",
            by_endpoints().pdi(2, |pdi| pdi.add(choose())),
            no(INCORRECT).ie(F_TEID).rule(PDR, 2),
        ),
        ask(
            "a UE IP Address beside a traffic endpoint",
            "7.5.2.2",
            by_endpoints().pdi(1, |pdi| pdi.add(ue(UE))),
            no(INCORRECT).ie(UE_IP_ADDRESS).rule(PDR, 1),
        ),
        ask(
            "a PDR from access by a traffic endpoint without F-TEID",
            "5.2.1A.3",
            by_endpoints().pdi(2, |pdi| pdi.set(endpoint_id(2))),
            no(CONDITIONAL_MISSING).ie(F_TEID).rule(PDR, 2),
        ),
        with(
            "two PDRs by one traffic endpoint have its F-TEID",
            "5.2.1A.3",
            by_endpoints()
                .with(create_pdr(
                    3,
                    10,
                    2,
                    [
                        source(ACCESS),
                        endpoint_id(1),
                        sdf("permit out 17 from any to assigned"),
                    ],
                ))
                .with(create_far(3, DROP))
                .pdr(3, |pdr| pdr.set(far_id(3))),
        )
        .holds(
            "the list of endpoint 1",
            |world| world.list_by_teid(world.endpoint_teid(0, 1)),
            vec![
                "proto 17 to 10.45.0.2/32 -> drop".to_owned(),
                "-> out 1".to_owned(),
            ],
        ),
        with(
            "a PDR by two traffic endpoints is reached by both",
            "7.5.2.2",
            by_endpoints()
                .with(create_endpoint(3, [choose(), network("internet")]))
                .pdi(2, |pdi| pdi.add(endpoint_id(3))),
        )
        .holds("packets to endpoint 1", behind(1), "out 1".to_owned())
        .holds("packets to endpoint 3", behind(3), "out 1".to_owned()),
        ask(
            "more traffic endpoints than a session may have",
            "7.5.3.1",
            (3..=33).fold(by_endpoints(), |message, id| {
                message.with(create_endpoint(id, [network("internet")]))
            }),
            no(NO_RESOURCES).ie(TRAFFIC_ENDPOINT_ID),
        ),
        changed(
            "an updated F-TEID is answered",
            "7.5.5.2",
            modify([update_endpoint(1, [choose_as(9)])]),
            ok().endpoints(&[1]),
        )
        .holds("packets to endpoint 1", behind(1), "out 1".to_owned()),
        changed(
            "an update of no traffic endpoint",
            "7.5.4.13",
            modify([update_endpoint(9, [choose()])]),
            failed(),
        ),
        changed(
            "a removed traffic endpoint takes its PDRs along",
            "7.5.4.14",
            modify([remove(REMOVE_ENDPOINT, endpoint_id(1))]),
            ok(),
        )
        .holds("packets to endpoint 1", behind(1), "unknown".to_owned())
        .sees(
            "PDRs",
            |view| {
                let pdrs = &view.rules.as_ref().expect("rules").pdrs;
                pdrs.iter().map(|pdr| pdr.id).collect()
            },
            vec![1],
        ),
        changed(
            "a removal of no traffic endpoint",
            "7.5.4.14",
            modify([remove(REMOVE_ENDPOINT, endpoint_id(9))]),
            failed(),
        ),
        changed(
            "a traffic endpoint of a modification",
            "7.5.4.1",
            modify([
                create_endpoint(4, [choose(), network("internet")]),
                create_pdr(4, 5, 2, [source(ACCESS), endpoint_id(4)]),
            ]),
            ok().endpoints(&[4]).created(&[]),
        )
        .holds("packets to endpoint 4", behind(4), "out 1".to_owned()),
    ]
}
