//! Packet Detection Rules (clauses 5.2.1, 7.5.2.2, 7.5.4.2 and 7.5.4.6).

use crate::support::prelude::*;
use crate::support::row::Row;

const FORWARDS: &str = "to 10.1.0.11 0x77, 2000000 kbit/s";

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = creations();
    rows.extend(changes());
    rows.extend(times());
    rows
}

fn creations() -> Vec<Row> {
    let missing = |ie| no(MANDATORY_MISSING).ie(ie);
    vec![
        ask(
            "a PDR from the control plane without F-TEID",
            "5.3",
            pdu().pdi(3, |pdi| pdi.without(F_TEID)),
            no(CONDITIONAL_MISSING).ie(F_TEID).rule(PDR, 3),
        ),
        with(
            "a PDR without Precedence is the last one",
            "7.5.2.2",
            pgw()
                .pdr(1, |pdr| pdr.without(PRECEDENCE))
                .with(create_pdr(
                    3,
                    4_294_967_295,
                    3,
                    [source(CORE), network("internet"), ue(UE)],
                ))
                .with(create_far(3, DROP)),
        )
        .down(UE, "drop"),
        ask(
            "a PDR without PDR ID",
            "7.5.2.2",
            pgw().pdr(1, |pdr| pdr.without(PDR_ID)),
            missing(PDR_ID),
        ),
        ask(
            "a PDR without PDI",
            "7.5.2.2",
            pgw().pdr(1, |pdr| pdr.without(PDI)),
            missing(PDI),
        ),
        ask(
            "a PDI without Source Interface",
            "7.5.2.2",
            pgw().pdi(1, |pdi| pdi.without(SOURCE_INTERFACE)),
            missing(SOURCE_INTERFACE),
        ),
        ask(
            "a Source Interface that is spare",
            "8.2.2",
            pgw().pdi(1, |pdi| pdi.set(source(9))),
            no(INCORRECT).ie(SOURCE_INTERFACE),
        ),
        ask(
            "5G VN internal is not announced",
            "8.2.2",
            pgw().pdi(1, |pdi| pdi.set(source(4))),
            no(NOT_SUPPORTED).ie(SOURCE_INTERFACE).rule(PDR, 1),
        ),
        ask(
            "a PDR ID twice",
            "7.5.2.2",
            pgw().pdr(2, |pdr| pdr.set(pdr_id(1))),
            no(RULE_FAILURE).rule(PDR, 1),
        ),
        ask(
            "a PDR without FAR",
            "7.5.2.2",
            pgw().pdr(1, |pdr| pdr.without(FAR_ID)),
            no(CONDITIONAL_MISSING).ie(FAR_ID).rule(PDR, 1),
        ),
        ask(
            "a PDR with a FAR that is not there",
            "7.5.2.2",
            pgw().pdr(1, |pdr| pdr.set(far_id(9))),
            no(RULE_FAILURE).ie(FAR_ID).rule(PDR, 1),
        ),
        ask(
            "a PDR with a QER that is not there",
            "7.5.2.2",
            pgw().pdr(1, |pdr| pdr.add(qer_id(9))),
            no(RULE_FAILURE).ie(QER_ID).rule(PDR, 1),
        ),
        ask(
            "a PDR with a URR that is not there",
            "7.5.2.2",
            pgw().pdr(1, |pdr| pdr.add(urr_id(9))),
            no(RULE_FAILURE).ie(URR_ID).rule(PDR, 1),
        ),
        ask(
            "a PDR from access without F-TEID",
            "5.2.1A.2",
            pgw().pdi(2, |pdi| pdi.without(F_TEID)),
            no(CONDITIONAL_MISSING).ie(F_TEID).rule(PDR, 2),
        ),
        ask(
            "a PDR from the core that no address leads to",
            "5.2.1A.2",
            pgw().pdi(1, |pdi| pdi.without(UE_IP_ADDRESS)),
            no(CONDITIONAL_MISSING).ie(UE_IP_ADDRESS).rule(PDR, 1),
        ),
        ask(
            "plain packets from a network instance that we do not have",
            "8.2.4",
            pgw().pdi(1, |pdi| pdi.set(network("nowhere"))),
            no(INCORRECT).ie(NETWORK_INSTANCE).rule(PDR, 1),
        ),
        with(
            "Network Instance as plain text",
            "8.2.4",
            pgw().pdi(1, |pdi| pdi.set(text(NETWORK_INSTANCE, "internet"))),
        )
        .down(UE, FORWARDS),
        with("Network Instance as DNS labels", "8.2.4", pgw()).down(UE, FORWARDS),
        with(
            "Network Instance as DNS labels with the root's",
            "8.2.4",
            pgw().pdi(1, |pdi| pdi.set(leaf(NETWORK_INSTANCE, b"\x08internet\0"))),
        )
        .down(UE, FORWARDS),
        with(
            "Network Instance has no case",
            "8.2.4",
            pgw().pdi(1, |pdi| pdi.set(network("InterNet"))),
        )
        .down(UE, FORWARDS),
        ask(
            "a network instance of no octets",
            "7.6.7",
            pgw().pdi(1, |pdi| pdi.set(leaf(NETWORK_INSTANCE, []))),
            no(INVALID_LENGTH).ie(NETWORK_INSTANCE),
        ),
        with(
            "Outer Header Removal of GTP-U over IPv4",
            "8.2.64",
            pgw().pdr(2, |pdr| pdr.set(u8(OUTER_HEADER_REMOVAL, 0))),
        )
        .up(2, "out 1, 1000000 kbit/s"),
        with(
            "Outer Header Removal with an octet for extension headers",
            "8.2.64",
            pgw().pdr(2, |pdr| pdr.set(leaf(OUTER_HEADER_REMOVAL, [0, 1]))),
        )
        .up(2, "out 1, 1000000 kbit/s"),
        ask(
            "Outer Header Removal of something else",
            "8.2.64",
            pgw().pdr(2, |pdr| pdr.set(u8(OUTER_HEADER_REMOVAL, 3))),
            no(NOT_SUPPORTED).ie(OUTER_HEADER_REMOVAL).rule(PDR, 2),
        ),
        ask(
            "Ethernet filters are not announced",
            "7.5.2.2",
            pgw().pdi(1, |pdi| pdi.add(group(ETHERNET_FILTER, []))),
            no(NOT_SUPPORTED).ie(ETHERNET_FILTER).rule(PDR, 1),
        ),
        ask(
            "one F-TEID for both directions",
            "5.2.1A.2",
            pgw()
                .with(create_pdr(
                    3,
                    10,
                    1,
                    [source(CORE), choose_as(4), network("internet")],
                ))
                .pdi(2, |pdi| pdi.set(choose_as(4))),
            no(RULE_FAILURE).ie(F_TEID).rule(PDR, 3),
        ),
        ask(
            "more PDRs than a session may have",
            "7.5.3.1",
            many_pdrs(65),
            no(NO_RESOURCES).ie(CREATE_PDR),
        ),
        ask(
            "more SDF filters than a session may have",
            "7.5.3.1",
            (0..257).fold(pgw(), |message, n| {
                let flow = format!("permit out 17 from any {n} to assigned");
                message.pdi(1, |pdi| pdi.add(sdf(&flow)))
            }),
            no(NO_RESOURCES).ie(SDF_FILTER),
        ),
        ask(
            "as many PDRs as a session may have",
            "7.5.2.1",
            many_pdrs(64),
            ok(),
        ),
    ]
}

/// A session with so many PDRs, each for a port.
fn many_pdrs(count: u16) -> Msg {
    (3..=count).fold(pgw(), |message, id| {
        let flow = format!("permit out 17 from any {id} to assigned");
        let pdi = [source(CORE), network("internet"), ue(UE), sdf(&flow)];
        message.with(create_pdr(id, id.into(), 1, pdi))
    })
}

fn changes() -> Vec<Row> {
    vec![
        change(
            "a PDR points to another FAR",
            "7.5.4.2",
            modify([create_far(3, DROP), update_pdr(1, [far_id(3)])]),
            ok(),
        )
        .down(UE, "drop"),
        with(
            "a PDR points from a FAR that buffers to one that forwards",
            "5.2.3.1",
            pdu(),
        )
        .send(
            modify([
                far_to(9, ACCESS, gtpu(0x1234, GNB)),
                update_pdr(1, [far_id(9)]),
            ]),
            ok(),
        )
        .down(UE, "to 10.1.0.10 0x1234, qfi 1, 2000000 kbit/s"),
        change(
            "a PDR of another precedence",
            "7.5.4.2",
            modify([update_pdr(1, [precedence(7)])]),
            ok(),
        )
        .sees("precedence", |view| rules(view)[0].precedence, Some(7)),
        change(
            "an update of no PDR",
            "7.5.4.2",
            modify([update_pdr(9, [precedence(1)])]),
            no(RULE_FAILURE).rule(PDR, 9),
        ),
        change(
            "an update without PDR ID",
            "7.5.4.2",
            modify([group(UPDATE_PDR, [precedence(1)])]),
            no(MANDATORY_MISSING).ie(PDR_ID),
        ),
        change(
            "a removal of no PDR",
            "7.5.4.6",
            modify([remove(REMOVE_PDR, pdr_id(9))]),
            no(RULE_FAILURE).rule(PDR, 9),
        ),
        change(
            "a PDR that is there cannot be created",
            "7.5.4.1",
            modify([create_pdr(
                1,
                1,
                1,
                [source(CORE), network("internet"), ue(UE)],
            )]),
            no(RULE_FAILURE).rule(PDR, 1),
        ),
        change(
            "a removed PDR detects nothing",
            "7.5.4.6",
            modify([remove(REMOVE_PDR, pdr_id(2))]),
            ok(),
        )
        .up(2, "unknown")
        .down(UE, FORWARDS),
        change(
            "an updated PDI of SDF filters keeps F-TEID and UE IP Address",
            "7.5.4.2",
            modify([update_pdr(
                2,
                [group(
                    PDI,
                    [source(ACCESS), sdf("permit out 17 from any to assigned")],
                )],
            )]),
            ok(),
        )
        .up_list(2, &["proto 17 to 10.45.0.2/32 -> out 1, 1000000 kbit/s"])
        .sees(
            "UE addresses",
            |view| view.ue_addresses.clone(),
            vec![UE.to_owned()],
        ),
        with(
            "an updated PDI without SDF filters has none any more",
            "7.5.4.2",
            dropping(3, 10, [sdf("permit out 17 from any to assigned")]),
        )
        .send(modify([update_pdr(3, [group(PDI, [source(CORE)])])]), ok())
        .down(UE, "drop"),
        change(
            "an updated PDI keeps its QFIs",
            "7.5.4.2",
            modify([update_pdr(2, [group(PDI, [source(ACCESS), u8(QFI, 3)])])]),
            ok(),
        )
        .send(
            modify([update_pdr(2, [group(PDI, [source(ACCESS)])])]),
            ok(),
        )
        .up(2, "out 1, of qfi 3, 1000000 kbit/s"),
        change(
            "a new F-TEID is answered in Updated PDR",
            "7.5.5.4",
            modify([update_pdr(2, [group(PDI, [source(ACCESS), choose_as(3)])])]),
            ok().created(&[]).updated(&[2]),
        )
        .up(2, "out 1, 1000000 kbit/s"),
        change(
            "a PDI that stays without Source Interface",
            "7.5.4.2",
            modify([update_pdr(2, [group(PDI, [u8(QFI, 3)])])]),
            no(MANDATORY_MISSING).ie(SOURCE_INTERFACE),
        ),
        change(
            "the QERs of a PDR are replaced",
            "7.5.4.2",
            modify([create_qer(2, 64), update_pdr(1, [qer_id(2)])]),
            ok(),
        )
        .down(UE, "to 10.1.0.11 0x77, 128 kbit/s"),
    ]
}

fn rules(view: &upf_user::session::SessionView) -> &[upf_user::session::PdrView] {
    &view.rules.as_ref().expect("rules").pdrs
}

fn times() -> Vec<Row> {
    // The clock of the rows begins 1000 s after its anchor, and a few datagrams later.
    let at = |kind, seconds: u64| {
        move |world: &crate::support::world::World| {
            let time = u32(kind, world.ntp_after(seconds));
            dropping(3, 10, []).group(CREATE_PDR, 3, |pdr| pdr.add(time))
        }
    };
    vec![
        associated("a PDR waits for its activation time", "5.2.1")
            .send_with(at(ACTIVATION_TIME, 60), ok())
            .down(UE, FORWARDS)
            .wait(61)
            .down(UE, "drop"),
        associated("a PDR ends at its deactivation time", "5.2.1")
            .send_with(at(DEACTIVATION_TIME, 60), ok())
            .down(UE, "drop")
            .wait(61)
            .down(UE, FORWARDS),
        associated("an activation time that is past", "5.2.1")
            .wait(100)
            .send_with(at(ACTIVATION_TIME, 0), ok())
            .down(UE, "drop"),
        associated("an activation time is put off", "7.5.4.2")
            .send_with(at(ACTIVATION_TIME, 60), ok())
            .send_with(
                |world| modify([update_pdr(3, [u32(ACTIVATION_TIME, world.ntp_after(120))])]),
                ok(),
            )
            .wait(61)
            .down(UE, FORWARDS)
            .wait(60)
            .down(UE, "drop"),
        associated(
            "rules that will not fit at their activation time",
            "5.2.1A.4",
        )
        .send_with(
            |world| {
                let ports: Vec<_> = (1..=23).map(|port| port.to_string()).collect();
                let ports = ports.join(",");
                let flow = format!("permit out 17 from any {ports} to assigned {ports}");
                let time = u32(ACTIVATION_TIME, world.ntp_after(60));
                dropping(3, 10, [sdf(&flow)]).group(CREATE_PDR, 3, |pdr| pdr.add(time))
            },
            no(NO_RESOURCES).rule(PDR, 3),
        )
        .sessions(0),
    ]
}
