//! Session Establishment (clauses 6.3.2, 7.5.2 and 7.5.3).

use crate::support::prelude::*;
use crate::support::row::Row;

/// What goes out is redirected to a URL of so many octets.
fn redirecting(message: Msg, octets: u16) -> Msg {
    message.forwarding(2, |parameters| parameters.add(redirect_to_url(octets)))
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = answers();
    rows.extend(profiles());
    rows.extend(mandatory());
    rows.extend(descriptions());
    rows
}

fn answers() -> Vec<Row> {
    vec![
        ask(
            "a control plane with an IPv6 address alone",
            "8.2.37",
            pgw().set(leaf(
                F_SEID,
                [
                    1, 0, 0, 0, 0, 0, 0, 0, 7, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                    1,
                ],
            )),
            ok().to(7),
        ),
        ask(
            "SEID 0 of a control plane",
            "8.2.37",
            pgw().set(f_seid(0, SMF)),
            ok().to(0),
        ),
        ask(
            "the highest SEID of a control plane",
            "8.2.37",
            pgw().set(f_seid(u64::MAX, SMF)),
            ok().to(u64::MAX),
        ),
        ask(
            "an establishment is answered with Node ID, UP F-SEID and Created PDR",
            "7.5.3.1",
            pgw(),
            ok().created(&[2]).has(F_SEID).to(7),
        )
        .sessions(1),
        with("the UP F-SEID has our address", "8.2.37", pgw()).holds(
            "flags and address",
            |world| {
                let answer = world.last_answer.as_ref().expect("an answer");
                let f_seid = answer.find(F_SEID).expect("UP F-SEID");
                (f_seid[0], f_seid[9..].to_vec())
            },
            (2, vec![10, 100, 0, 2]),
        ),
        with("a Created PDR has our F-TEID", "7.5.3.2", pgw()).holds(
            "its address",
            |world| world.sessions[0].pdrs[&2].tunnel_v4,
            Some(OURS.into()),
        ),
        with("a session forwards both ways", "5.2.1", pgw())
            .uses_slots(1)
            .up(2, "out 1, 1000000 kbit/s")
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with(
            "two sessions have slots and SEIDs of their own",
            "5.2.1",
            pgw(),
        )
        .send(numbered(pgw_of("10.45.0.3"), 8), ok().to(8))
        .sessions(2)
        .uses_slots(2)
        .holds(
            "SEIDs differ",
            |world| world.sessions[0].up_seid != world.sessions[1].up_seid,
            true,
        )
        .holds(
            "TEIDs differ",
            |world| world.teid(0, 2) != world.teid(1, 2),
            true,
        )
        .down("10.45.0.3", "to 10.1.0.11 0x77, 2000000 kbit/s"),
        ask(
            "a refused establishment is answered to the control plane's SEID",
            "7.2.2.4.2",
            pgw().pdr(2, |pdr| pdr.set(far_id(99))),
            no(RULE_FAILURE).ie(FAR_ID).rule(PDR, 2).to(7),
        )
        .sessions(0),
        ask(
            "an establishment without F-SEID is answered to SEID 0",
            "7.2.2.4.2",
            pgw().without(F_SEID),
            no(MANDATORY_MISSING).ie(F_SEID).to(0),
        ),
        with(
            "a retransmitted establishment is answered from memory",
            "6.4",
            pgw(),
        )
        .again()
        .sessions(1),
        with("a retransmission is known for T1 × (N1 + 1)", "6.4", pgw())
            .wait(11)
            .again()
            .sessions(1),
        associated("afterwards the same octets are a new request", "6.4")
            .send(pgw().numbered(9), ok())
            .wait(15)
            .send(
                pgw().numbered(9),
                no(RULE_FAILURE).ie(UE_IP_ADDRESS).rule(PDR, 1),
            ),
        associated(
            "the same sequence number with other contents is another request",
            "6.4",
        )
        .send(pgw().numbered(5), ok())
        .send(numbered(pgw_of("10.45.0.3"), 8).numbered(5), ok())
        .sessions(2),
        associated("a refused establishment leaves no trace", "6.3.2.3")
            .send(
                pgw().far(2, |far| far.without(FORWARDING)),
                no(CONDITIONAL_MISSING).ie(FORWARDING),
            )
            .down(UE, "nothing")
            .send(pgw(), ok()),
        associated("without free slots no session is established", "7.5.3.1")
            .slots(2)
            .send(pgw(), ok())
            .send(numbered(pgw_of("10.45.0.3"), 8), ok())
            .send(numbered(pgw_of("10.45.0.4"), 9), no(NO_RESOURCES))
            .sessions(2)
            .send(delete(), ok())
            .send(numbered(pgw_of("10.45.0.4"), 9), ok()),
        associated("sessions that take too much memory", "7.5.3.1")
            .slots(16)
            .send(redirecting(pgw(), 40_000), ok())
            .send(
                redirecting(numbered(pgw_of("10.45.0.3"), 8), 40_000),
                no(NO_RESOURCES),
            )
            .send(numbered(pgw_of("10.45.0.3"), 8), ok())
            .sessions(2),
        associated(
            "an establishment is refused while we are overloaded",
            "6.2.4",
        )
        .act(|world| {
            let (octets, _) = world.octets(&pgw(), false);
            let now = world.now;
            let actions = world.node.refuse(smf(), &octets, now, &mut world.stack);
            world.keep(actions);
        })
        .sends(
            "congestion",
            ESTABLISHMENT + 1,
            |got| (got.cause(), got.seid),
            (Some(CONGESTION), Some(7)),
        )
        .sessions(0),
    ]
}

/// What control planes send, as it was seen on the wire.
fn profiles() -> Vec<Row> {
    vec![
        with("the PDU session of an SMF", "5.2.1", pdu())
            .uses_slots(2)
            .down(UE, "buffer, 2000000 kbit/s")
            .up(2, "out 1, of qfi 1, 1000000 kbit/s"),
        with(
            "the PDU session of an IPv4v6 UE asks for router solicitations",
            "5.2.1",
            pdu().pdi(1, |pdi| pdi.set(ue_both([10, 45, 0, 2], "2001:db8:45:7::"))),
        )
        .up_list(
            2,
            &[
                "proto 58 from ff02::2/128 -> to 10.100.0.1 0x1",
                "qfi 1 -> out 1, 1000000 kbit/s",
            ],
        )
        .down("2001:db8:45:7::1", "buffer, 2000000 kbit/s"),
        ask(
            "CHOOSE with and without CHOOSE ID, each answered",
            "5.5.3",
            pdu(),
            ok().created(&[2, 3, 4]),
        ),
        with("the gNB's tunnel opens the downlink", "5.2.3.1", pdu())
            .send(modify([to_gnb(1, 0x1234)]), ok())
            .down(UE, "to 10.1.0.10 0x1234, qfi 1, 2000000 kbit/s"),
        with(
            "a router advertisement goes without the session's QER",
            "5.2.1",
            pdu(),
        )
        .send(modify([to_gnb(1, 0x1234)]), ok())
        .up(3, "to 10.1.0.10 0x1234"),
        with("an idle UE's downlink is buffered", "5.2.3.1", pdu())
            .send(modify([to_gnb(1, 0x1234)]), ok())
            .send(
                modify([update_far(1, [action(BUFF_NOCP), bar_id(1)])]),
                ok(),
            )
            .down(UE, "buffer, 2000000 kbit/s"),
        with(
            "the session of an SGW-U, without Precedence",
            "7.5.2.2",
            sgw(),
        )
        .uses_slots(2)
        .up(1, "buffer")
        .up(2, "buffer"),
        with("the tunnels of an SGW-U", "5.2.3.1", sgw())
            .send(
                modify([
                    update_pdr(1, [u8(OUTER_HEADER_REMOVAL, 0)]),
                    update_pdr(2, [u8(OUTER_HEADER_REMOVAL, 0)]),
                    to_gnb(1, 0x51),
                    update_far(
                        2,
                        [
                            action(FORW),
                            group(UPDATE_FORWARDING, [destination(CORE), gtpu(0x52, SGW)]),
                        ],
                    ),
                ]),
                ok(),
            )
            .up(1, "to 10.1.0.10 0x51")
            .up(2, "to 10.1.0.11 0x52"),
        with("a PGW-U's uplink names the UE's address", "5.2.1A.2", pgw()).sees(
            "UE addresses",
            |view| view.ue_addresses.clone(),
            vec![UE.to_owned()],
        ),
    ]
}

fn mandatory() -> Vec<Row> {
    let missing = |ie| no(MANDATORY_MISSING).ie(ie);
    vec![
        // Without Node ID nobody knows whose it is: that goes before all other causes but this one.
        ask(
            "an establishment without Node ID",
            "7.5.2.1",
            pgw().without(NODE_ID),
            missing(NODE_ID),
        ),
        ask(
            "an establishment without F-SEID",
            "7.5.2.1",
            pgw().without(F_SEID),
            missing(F_SEID),
        ),
        ask(
            "an establishment without Create PDR",
            "7.5.2.1",
            pgw().without(CREATE_PDR),
            missing(CREATE_PDR),
        ),
        ask(
            "an establishment without Create FAR",
            "7.5.2.1",
            pgw().without(CREATE_FAR),
            missing(CREATE_FAR),
        ),
        ask(
            "an establishment by a node without association",
            "7.5.3.1",
            pgw().set(node_id([10, 100, 0, 77])),
            no(NO_ASSOCIATION),
        ),
        ask(
            "an F-SEID without address",
            "8.2.37",
            pgw().set(leaf(F_SEID, [0, 0, 0, 0, 0, 0, 0, 0, 7])),
            no(INCORRECT).ie(F_SEID).to(0),
        ),
        ask(
            "an F-SEID that is too short",
            "7.6.7",
            pgw().set(leaf(F_SEID, [2, 0, 0, 0, 0, 0, 0, 0, 7, 10])),
            no(INVALID_LENGTH).ie(F_SEID).to(0),
        ),
        ask(
            "an F-SEID with both addresses",
            "8.2.37",
            pgw().set(leaf(
                F_SEID,
                [
                    &[3, 0, 0, 0, 0, 0, 0, 0, 7, 10, 100, 0, 1][..],
                    &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                ]
                .concat(),
            )),
            ok().to(7),
        ),
    ]
}

fn descriptions() -> Vec<Row> {
    let two_octets = |first, second| leaf(S_NSSAI, [first, 0, 0, second]);
    vec![
        with("User ID is kept", "8.2.101", pgw()).sees(
            "IMSI",
            |view| view.imsi.clone(),
            Some("999700000000001".to_owned()),
        ),
        with("APN/DNN as plain text", "8.2.117", pgw()).sees(
            "DNN",
            |view| view.dnn.clone(),
            Some("internet".to_owned()),
        ),
        with(
            "APN/DNN as DNS labels",
            "8.2.117",
            pgw().set(labels(DNN, "internet.mnc70")),
        )
        .sees(
            "DNN",
            |view| view.dnn.clone(),
            Some("internet.mnc70".to_owned()),
        ),
        with("S-NSSAI is kept", "8.2.176", pgw().with(two_octets(1, 5))).sees(
            "S-NSSAI",
            |view| view.s_nssai.clone(),
            Some("1-000005".to_owned()),
        ),
        with("RAT Type is kept", "7.5.2.1", pgw().with(u8(RAT_TYPE, 6))).sees(
            "RAT Type",
            |view| view.rat_type,
            Some(6),
        ),
        with("PDN Type is kept", "8.2.79", pgw().with(u8(PDN_TYPE, 3))).sees(
            "PDN Type",
            |view| view.pdn_type,
            Some(3),
        ),
        with(
            "User Plane Inactivity Timer is taken",
            "7.5.2.1",
            pgw().with(u32(INACTIVITY_TIMER, 60)),
        )
        .sessions(1),
        ask(
            "a User ID that is too short",
            "7.6.7",
            pgw().set(leaf(USER_ID, [1, 8, 0x99])),
            no(INVALID_LENGTH).ie(USER_ID),
        ),
    ]
}
