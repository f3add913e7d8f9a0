//! Forwarding and Duplicating Parameters (clauses 5.2.3, 7.5.2.3 and 8.2.56).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;

/// GTP-U peers that the tables of the rows have room for.
const PEERS: u8 = crate::support::world::PEERS as u8;
const FORWARDS: &str = "to 10.1.0.11 0x77, 2000000 kbit/s";

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = headers();
    rows.extend(parameters());
    rows
}

/// A session whose downlink FAR has this Outer Header Creation.
fn with_header(header: Ie) -> Msg {
    pgw().forwarding(1, |parameters| parameters.set(header))
}

fn headers() -> Vec<Row> {
    let v6 = "2001:db8::10";
    let incorrect = || no(INCORRECT).ie(OUTER_HEADER_CREATION).rule(FAR, 1);
    vec![
        associated("more GTP-U peers than there is room for", "7.5.3.1")
            .step("as many sessions as there is room for peers", |world| {
                for n in 0..PEERS {
                    let address = format!("10.45.1.{n}");
                    let header = gtpu(1, [10, 2, 0, n + 1]);
                    let request = numbered(pgw_of(&address), u64::from(n) + 100)
                        .forwarding(1, |parameters| parameters.set(header));
                    let (octets, _) = world.octets(&request, false);
                    let answer = world.receive(smf(), octets).pop();
                    let cause = answer.and_then(|answer| answer.cause());
                    if cause != Some(ACCEPTED) {
                        return Err(format!("expected session {n} accepted, got {cause:?}"));
                    }
                }
                Ok(())
            })
            .send(pgw(), no(NO_RESOURCES)),
        with(
            "Outer Header Creation with both families over IPv4",
            "8.2.56",
            with_header(gtpu_both(5, GNB, v6)),
        )
        .down(UE, "to 10.1.0.10 0x5, 2000000 kbit/s"),
        ask(
            "Outer Header Creation over IPv6 without an address of ours",
            "8.2.56",
            with_header(gtpu_v6(5, v6)),
            no(NOT_SUPPORTED).ie(OUTER_HEADER_CREATION).rule(FAR, 1),
        ),
        with(
            "Outer Header Creation over IPv6",
            "8.2.56",
            with_header(gtpu_v6(5, v6)),
        )
        .dual_stack()
        .down(UE, "to 2001:db8::10 0x5, 2000000 kbit/s"),
        ask(
            "Outer Header Creation of UDP alone",
            "8.2.56",
            with_header(leaf(OUTER_HEADER_CREATION, [4, 0, 10, 1, 0, 10, 8, 104])),
            no(NOT_SUPPORTED).ie(OUTER_HEADER_CREATION).rule(FAR, 1),
        ),
        ask(
            "Outer Header Creation that is too short",
            "7.6.7",
            with_header(leaf(OUTER_HEADER_CREATION, [1, 0, 0, 0, 0, 5, 10])),
            no(INVALID_LENGTH).ie(OUTER_HEADER_CREATION),
        ),
        ask(
            "a tunnel to 0.0.0.0",
            "8.2.56",
            with_header(gtpu(5, [0; 4])),
            incorrect(),
        ),
        ask(
            "a tunnel to a multicast address",
            "8.2.56",
            with_header(gtpu(5, [224, 0, 0, 1])),
            incorrect(),
        ),
        ask(
            "a tunnel to everybody",
            "8.2.56",
            with_header(gtpu(5, [255; 4])),
            incorrect(),
        ),
        ask(
            "FORW to access without a tunnel",
            "7.5.2.3",
            pgw().forwarding(1, |parameters| parameters.without(OUTER_HEADER_CREATION)),
            no(CONDITIONAL_MISSING)
                .ie(OUTER_HEADER_CREATION)
                .rule(FAR, 1),
        ),
        with(
            "FORW to the core by a tunnel (N9)",
            "5.2.3.1",
            pgw().forwarding(2, |parameters| parameters.add(gtpu(0x99, [10, 1, 0, 30]))),
        )
        .up(2, "to 10.1.0.30 0x99, 1000000 kbit/s"),
    ]
}

fn parameters() -> Vec<Row> {
    let with_parameter = |ie: Ie| pgw().forwarding(1, |parameters| parameters.add(ie));
    let outwards = |ie: Ie| pgw().forwarding(2, |parameters| parameters.set(ie));
    vec![
        ask(
            "FORW without Forwarding Parameters",
            "7.5.2.3",
            pgw().far(1, |far| far.without(FORWARDING)),
            no(CONDITIONAL_MISSING).ie(FORWARDING),
        ),
        ask(
            "Forwarding Parameters without Destination Interface",
            "7.5.2.3",
            pgw().forwarding(1, |parameters| parameters.without(DESTINATION_INTERFACE)),
            no(MANDATORY_MISSING).ie(DESTINATION_INTERFACE),
        ),
        ask(
            "a Destination Interface that is spare",
            "8.2.24",
            outwards(destination(9)),
            no(INCORRECT).ie(DESTINATION_INTERFACE),
        ),
        ask(
            "FORW to the LI function",
            "8.2.24",
            outwards(destination(4)),
            no(NOT_SUPPORTED).ie(DESTINATION_INTERFACE).rule(FAR, 2),
        ),
        ask(
            "FORW to 5G VN internal",
            "8.2.24",
            outwards(destination(5)),
            no(NOT_SUPPORTED).ie(DESTINATION_INTERFACE).rule(FAR, 2),
        ),
        with("FORW to SGi-LAN", "8.2.24", outwards(destination(2))).up(2, "out 1, 1000000 kbit/s"),
        with(
            "FORW into another network instance",
            "8.2.4",
            outwards(network("ims")),
        )
        .up(2, "out 2, 1000000 kbit/s"),
        ask(
            "FORW into a network instance that we do not have",
            "8.2.4",
            outwards(network("nowhere")),
            no(INCORRECT).ie(NETWORK_INSTANCE).rule(FAR, 2),
        ),
        with(
            "Transport Level Marking",
            "8.2.12",
            with_parameter(leaf(TRANSPORT_LEVEL_MARKING, [0xb8, 0xfc])),
        )
        .down(UE, "to 10.1.0.11 0x77, dscp 46, 2000000 kbit/s"),
        with(
            "Transport Level Marking with an empty mask marks nothing",
            "8.2.12",
            with_parameter(leaf(TRANSPORT_LEVEL_MARKING, [0xb8, 0])),
        )
        .down(UE, FORWARDS),
        ask(
            "Transport Level Marking that is too short",
            "7.6.7",
            with_parameter(leaf(TRANSPORT_LEVEL_MARKING, [0xb8])),
            no(INVALID_LENGTH).ie(TRANSPORT_LEVEL_MARKING),
        ),
        with(
            "Forwarding Policy by name",
            "8.2.23",
            outwards(leaf(FORWARDING_POLICY, b"\x05voice")),
        )
        .up(2, "out 2, 1000000 kbit/s"),
        ask(
            "an unknown Forwarding Policy",
            "8.2.23",
            outwards(leaf(FORWARDING_POLICY, b"\x04none")),
            no(INVALID_POLICY).ie(FORWARDING_POLICY).rule(FAR, 2),
        ),
        with(
            "what is redirected does not go on for free",
            "8.2.20",
            outwards(leaf(REDIRECT_INFORMATION, b"\x00\x00\x0a192.0.2.80")),
        )
        .up(2, "drop")
        .sees(
            "where to",
            |view| {
                let rules = view.rules.as_ref().expect("rules");
                rules.fars[1].redirect_to.clone()
            },
            Some("192.0.2.80".to_owned()),
        ),
        ask(
            "a redirection to no address",
            "8.2.20",
            outwards(leaf(REDIRECT_INFORMATION, b"\x00\x00\x07nowhere")),
            no(INCORRECT).ie(REDIRECT_INFORMATION).rule(FAR, 2),
        ),
        with(
            "a linked traffic endpoint",
            "7.5.2.3",
            by_endpoints().forwarding(1, |parameters| parameters.add(endpoint_id(1))),
        )
        .down(UE, "to 10.1.0.11 0x77"),
        ask(
            "a linked traffic endpoint that is not there",
            "7.5.2.3",
            with_parameter(endpoint_id(9)),
            no(RULE_FAILURE).ie(TRAFFIC_ENDPOINT_ID).rule(FAR, 1),
        ),
        with("DUPL copies packets", "5.2.3.1", duplicating())
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s, copied"),
        ask(
            "DUPL without Duplicating Parameters",
            "7.5.2.3",
            duplicating().far(1, |far| far.without(DUPLICATING)),
            no(CONDITIONAL_MISSING).ie(DUPLICATING),
        ),
        ask(
            "Duplicating Parameters without Destination Interface",
            "7.5.2.3",
            duplicating().far(1, |far| far.set(group(DUPLICATING, [gtpu(0x99, GNB)]))),
            no(MANDATORY_MISSING).ie(DESTINATION_INTERFACE),
        ),
        ask(
            "Duplicating Parameters without a tunnel",
            "7.5.2.3",
            duplicating().far(1, |far| far.set(group(DUPLICATING, [destination(4)]))),
            no(CONDITIONAL_MISSING)
                .ie(OUTER_HEADER_CREATION)
                .rule(FAR, 1),
        ),
        ask(
            "a FAR with a BAR that is not there",
            "7.5.2.3",
            pgw().far(1, |far| far.add(bar_id(1))),
            no(RULE_FAILURE).ie(BAR_ID).rule(FAR, 1),
        ),
    ]
}
