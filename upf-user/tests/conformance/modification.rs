//! Session Modification as a whole (clauses 6.3.3, 7.5.4 and 7.5.5); its rules are in the tables of their kinds.

use crate::support::prelude::*;
use crate::support::row::Row;

const FORWARDS: &str = "to 10.1.0.11 0x77, 2000000 kbit/s";

/// What goes out is redirected to a URL of so many octets.
fn redirected(octets: u16) -> Msg {
    let parameters = group(UPDATE_FORWARDING, [redirect_to_url(octets)]);
    modify([update_far(2, [parameters])])
}

pub(crate) fn rows() -> Vec<Row> {
    vec![

        associated("a modification without a free slot changes nothing", "7.5.5.1")
            .slots(1)
            .send(pgw(), ok())
            .send(dedicated_plain(), no(NO_RESOURCES))
            .up(2, "out 1, 1000000 kbit/s")
            .down(UE, FORWARDS),
        associated("a session that gets too heavy in memory", "7.5.5.1")
            .slots(8)
            .send(pgw(), ok())
            .send(redirected(40_000), no(NO_RESOURCES))
            .up(2, "out 1, 1000000 kbit/s")
            .send(redirected(10_000), ok())
            .up(2, "drop"),


        change(
            "a rule that is removed is not updated in the same message",
            "7.5.4.1",
            modify([remove(REMOVE_PDR, pdr_id(2)), update_pdr(2, [precedence(1)])]),
            no(RULE_FAILURE).rule(PDR, 2),
        ),
        change(
            "a PDR is moved to a rule that the same message creates",
            "7.5.4.1",
            modify([
                remove(REMOVE_PDR, pdr_id(1)),
                create_pdr(11, 100, 1, [source(CORE), network("internet"), ue(UE)]),
            ]),
            ok(),
        )
        .down(UE, "to 10.1.0.11 0x77"),
        change(
            "another UE IP Address",
            "7.5.4.2",
            modify([
                update_pdr(1, [group(PDI, [source(CORE), ue("10.45.0.9")])]),
                update_pdr(2, [group(PDI, [source(ACCESS), ue("10.45.0.9")])]),
            ]),
            ok(),
        )
        .down(UE, "nothing")
        .down("10.45.0.9", FORWARDS)
        .up(2, "out 1, 1000000 kbit/s")
        // That of the F-TEID, and that of the address.
        .uses_slots(2),
        change(
            "another UE IP Address in one PDR alone",
            "5.2.1A.2",
            modify([update_pdr(1, [group(PDI, [source(CORE), ue("10.45.0.9")])])]),
            no(NOT_SUPPORTED).ie(UE_IP_ADDRESS).rule(PDR, 2),
        ),
        change("all PDRs are removed", "7.5.4.6", modify([
            remove(REMOVE_PDR, pdr_id(1)),
            remove(REMOVE_PDR, pdr_id(2)),
        ]), ok())
            .down(UE, "nothing")
            .up(2, "unknown")
            .sessions(1)
            .send(delete(), ok()),
        change(
            "the same rule twice in one message",
            "7.5.4.1",
            modify([create_far(9, DROP), create_far(9, DROP)]),
            no(RULE_FAILURE).rule(FAR, 9),
        ),
        change(
            "the same removal twice in one message",
            "7.5.4.1",
            modify([remove(REMOVE_PDR, pdr_id(1)), remove(REMOVE_PDR, pdr_id(1))]),
            no(RULE_FAILURE).rule(PDR, 1),
        ),

        change("an empty modification changes nothing", "7.5.4.1", modify([]), ok())
            .down(UE, FORWARDS),
        change(
            "a modification of no session is answered to SEID 0",
            "7.2.2.4.2",
            modify([to_gnb(1, 9)]).of_seid(12345),
            no(NOT_FOUND).to(0),
        ),
        change(
            "a modification of SEID 0",
            "7.2.2.4.2",
            modify([]).of_seid(0),
            no(NOT_FOUND).to(0),
        ),
        change(
            "a refused modification is answered to the control plane's SEID",
            "7.2.2.4.2",
            modify([remove(REMOVE_PDR, pdr_id(99))]),
            no(RULE_FAILURE).rule(PDR, 99).to(7),
        ),
        change(
            "one that cannot be read is answered to the control plane's SEID",
            "7.2.2.4.2",
            modify([group(REMOVE_PDR, [])]),
            no(MANDATORY_MISSING).ie(PDR_ID).to(7),
        ),
        change(
            "a modification is applied whole or not at all",
            "6.3.3.3",
            modify([to_gnb(1, 9), remove(REMOVE_QER, qer_id(99))]),
            no(RULE_FAILURE).rule(QER, 99),
        )
        .down(UE, FORWARDS),
        change("a new CP F-SEID is answered to from then on", "7.5.4.1", modify([f_seid(70, SMF)]), ok())
            .send(modify([]), ok().to(70)),
        change("a retransmitted modification is answered from memory", "6.4", dedicated_plain(), ok().created(&[3]))
            .again(),
        change(
            "the request's parts need no order",
            "7.5.4.1",
            modify([
                update_pdr(1, [far_id(5)]),
                far_to(5, ACCESS, gtpu(0x55, GNB)),
            ]),
            ok(),
        )
        .down(UE, "to 10.1.0.10 0x55, 2000000 kbit/s"),
        change(
            "an ID that is removed can be created anew in one message",
            "7.5.4.1",
            modify([
                remove(REMOVE_FAR, far_id(1)),
                far_to(1, ACCESS, gtpu(0x66, GNB)),
            ]),
            ok(),
        )
        .down(UE, "to 10.1.0.10 0x66, 2000000 kbit/s"),
        change(
            "create, update and remove in one message",
            "7.5.4.1",
            modify([
                create_qer(2, 500),
                update_pdr(1, [qer_id(2)]),
                update_pdr(2, [qer_id(2)]),
                remove(REMOVE_QER, qer_id(1)),
            ]),
            ok(),
        )
        .down(UE, "to 10.1.0.11 0x77, 1000 kbit/s")
        .up(2, "out 1, 500 kbit/s"),
        change(
            "a session is not handed to another control plane",
            "7.5.4.1",
            modify([node_id(OTHER)]),
            no(NOT_SUPPORTED).ie(NODE_ID),
        ),
        change("a session's own Node ID changes nothing", "7.5.4.1", modify([node_id(SMF)]), ok()),
        change("DROBU stands at message level", "8.2.31", modify([u8(SM_REQUEST_FLAGS, 1)]), ok()),
        change("QAURR without URRs", "8.2.31", modify([u8(SM_REQUEST_FLAGS, 4)]), ok()),
        with("a query of a URR", "7.5.4.10", pdu())
            .send(modify([group(QUERY_URR, [urr_id(1)])]), ok()),
        change(
            "a query of no URR",
            "7.5.4.10",
            modify([group(QUERY_URR, [urr_id(9)])]),
            no(RULE_FAILURE).ie(QUERY_URR).rule(URR, 9),
        ),
        with("a dedicated flow, with an SDF filter, QFI and MBR of its own", "5.2.1A.2", pdu())
            .send(modify([to_gnb(1, 0x1234)]), ok())
            .send(
                dedicated("permit out 17 from 192.0.2.1 5060 to assigned"),
                ok().created(&[6]),
            )
            .down_list(
                UE,
                &[
                    "proto 17 from 192.0.2.1/32 from port 5060-5060 to 10.45.0.2/32 -> to 10.1.0.10 0x500, 256 kbit/s",
                    "-> to 10.1.0.10 0x1234, qfi 1, 2000000 kbit/s",
                ],
            ),
        with("\"assigned\" without UE IP Address is the session's address", "TS 29.212 5.4.2", pdu())
            .send(dedicated("permit out ip from any to assigned"), ok())
            .down_list(
                UE,
                &[
                    "to 10.45.0.2/32 -> to 10.1.0.10 0x500, 256 kbit/s",
                    "-> buffer, 2000000 kbit/s",
                ],
            ),
        with("a session that was deleted is not modified", "7.5.5.1", pgw())
            .send(delete(), ok())
            .send(modify([]), no(NOT_FOUND)),
        with("indirect forwarding is created and removed", "5.2.1", pgw())
            .send(
                modify([
                    create_pdr(
                        9,
                        10,
                        9,
                        [source(ACCESS), choose(), network("internet"), u8(INTERFACE_TYPE, 28)],
                    ),
                    far_to(9, ACCESS, gtpu(0x99, GNB)),
                ]),
                ok().created(&[9]),
            )
            .up(9, "to 10.1.0.10 0x99").uses_slots(2)
            .send(
                modify([remove(REMOVE_PDR, pdr_id(9)), remove(REMOVE_FAR, far_id(9))]),
                ok(),
            )
            .up(9, "unknown").uses_slots(1),
    ]
}

/// A PDR with an F-TEID for UDP to port 53.
fn dedicated_plain() -> Msg {
    modify([create_pdr(
        3,
        50,
        2,
        [
            source(ACCESS),
            choose(),
            network("internet"),
            sdf("permit out 17 from any 53 to assigned"),
        ],
    )])
}
