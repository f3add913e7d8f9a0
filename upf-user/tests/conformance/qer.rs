//! QoS Enforcement Rules (clauses 5.4, 7.5.2.5, 7.5.4.5 and 7.5.4.9).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;

/// A session with this in its QER.
fn with_ie(ie: Ie) -> Msg {
    pgw().qer(1, |qer| qer.set(ie))
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = creations();
    rows.extend(changes());
    rows
}

/// A session with a PDR that has so many QERs; the n-th also n others.
fn crowded(qers: u32) -> Msg {
    let mut message = (2..=qers).fold(pgw(), |message, id| {
        message
            .with(create_qer(id, id.into()))
            .pdr(2, |pdr| pdr.add(qer_id(id)))
    });
    for number in 2..=qers {
        let way = [source(ACCESS), choose(), network("internet")];
        let place = number as usize + 1;
        message = message.with(create_pdr(place as u16, 1000 + number, 2, way));
        message = (number..=qers).fold(message, |message, id| {
            message.pdr(place, |pdr| pdr.add(qer_id(id)))
        });
        message = message.pdr(place, |pdr| pdr.add(qer_id(1)));
    }
    message
}

fn creations() -> Vec<Row> {
    let closed = |bits| with_ie(u8(GATE_STATUS, bits));
    let correlated = |cp_seid, address| {
        numbered(pgw_of(address), cp_seid).qer(1, |qer| qer.add(u32(QER_CORRELATION_ID, 5)))
    };
    vec![
        with(
            "a flow's QER and the session's are both enforced",
            "5.4.4",
            pgw()
                .with(create_qer(2, 64))
                .with(create_pdr(
                    3,
                    10,
                    2,
                    [source(ACCESS), choose(), network("internet")],
                ))
                .pdr(2, |pdr| pdr.add(qer_id(2)))
                .pdr(3, |pdr| pdr.add(qer_id(1))),
        )
        .up(2, "out 1, 64 kbit/s, 1000000 kbit/s"),
        ask(
            "more QERs with an MBR than one PDR may have",
            "7.5.3.1",
            crowded(6),
            no(NO_RESOURCES).rule(PDR, 2),
        ),
        with("as many as it may have", "7.5.2.5", crowded(5)).up(
            2,
            "out 1, 2 kbit/s, 3 kbit/s, 4 kbit/s, 1000000 kbit/s, 5 kbit/s",
        ),
        with(
            "a gate is closed if one of two QERs closes it",
            "5.2.1",
            pgw()
                .with(group(CREATE_QER, [qer_id(2), u8(GATE_STATUS, 5)]))
                .pdr(1, |pdr| pdr.add(qer_id(2))),
        )
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s, gate closed")
        .up(2, "out 1, 1000000 kbit/s"),
        with("MBR limits each direction", "5.4.4", pgw())
            .up(2, "out 1, 1000000 kbit/s")
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with("a low MBR", "8.2.8", with_ie(rates(MBR, 32, 32)))
            .up(2, "out 1, 32 kbit/s")
            .down(UE, "to 10.1.0.11 0x77, 32 kbit/s"),
        with(
            "a high MBR",
            "8.2.8",
            with_ie(rates(MBR, 40_000_000, 40_000_000)),
        )
        .up(2, "out 1, 40000000 kbit/s"),
        with(
            "an MBR of 0 lets nothing pass",
            "8.2.8",
            with_ie(rates(MBR, 0, 0)),
        )
        .up(2, "out 1, 0 kbit/s"),
        with(
            "a QER without MBR limits nothing",
            "7.5.2.5",
            pgw().qer(1, |qer| qer.without(MBR)),
        )
        .up(2, "out 1"),
        with("a closed uplink gate", "5.4.3", closed(4))
            .up(2, "out 1, 1000000 kbit/s, gate closed")
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with("a closed downlink gate", "5.4.3", closed(1))
            .up(2, "out 1, 1000000 kbit/s")
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s, gate closed"),
        with("a QFI in the downlink", "8.2.89", with_ie(u8(QFI, 9)))
            .down(UE, "to 10.1.0.11 0x77, qfi 9, 2000000 kbit/s"),
        with(
            "no QFI, no PDU Session Container",
            "TS 29.281 5.2.2.7",
            pgw(),
        )
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with(
            "RQI in the downlink",
            "8.2.88",
            with_ie(u8(QFI, 9)).qer(1, |qer| qer.add(u8(RQI, 1))),
        )
        .down(UE, "to 10.1.0.11 0x77, qfi 9 rqi, 2000000 kbit/s"),
        with(
            "the lower of two MBRs counts",
            "5.2.1",
            pgw()
                .with(create_qer(2, 64))
                .pdr(1, |pdr| pdr.add(qer_id(2)))
                .pdr(2, |pdr| pdr.add(qer_id(2))),
        )
        .up(2, "out 1, 64 kbit/s")
        .down(UE, "to 10.1.0.11 0x77, 128 kbit/s"),
        with(
            "a QER with Correlation ID is one limit for the UE's sessions",
            "8.2.10",
            correlated(7, UE),
        )
        .send(correlated(8, "10.45.0.3"), ok())
        .up(2, "out 1, 1000000 kbit/s")
        .holds(
            "the limit of both",
            |world| {
                let limit = |session| {
                    let slot = world.slot_of_teid(world.teid(session, 2)).expect("a slot");
                    let slot = world.tables().slot(slot.0).expect("a slot");
                    let half = slot.uplink;
                    half.rules[(half.state.version & 1) as usize].limit
                };
                limit(0) == limit(1)
            },
            true,
        ),
        with(
            "a GBR up to the MBR",
            "8.2.9",
            pgw().qer(1, |qer| qer.add(rates(GBR, 1_000_000, 1000))),
        )
        .sees(
            "uplink GBR",
            |view| qer(view).uplink_gbr_kbps,
            Some(1_000_000),
        ),
        with(
            "a GBR goes before other packets of the SIM",
            "5.4.4",
            pgw().qer(1, |qer| qer.add(rates(GBR, 1000, 0))),
        )
        .of_sims()
        .up(2, "out 1, 1000000 kbit/s, 1000 kbit/s guaranteed, of a SIM")
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s, of a SIM"),
        with(
            "without limits of SIMs a GBR has nothing to go before",
            "5.4.4",
            pgw().qer(1, |qer| qer.add(rates(GBR, 1000, 0))),
        )
        .up(2, "out 1, 1000000 kbit/s"),
        ask(
            "a GBR above the MBR",
            "8.2.9",
            pgw().qer(1, |qer| qer.add(rates(GBR, 1_000_001, 1000))),
            no(RULE_FAILURE).ie(GBR).rule(QER, 1),
        ),
        with(
            "Averaging Window and Paging Policy Indicator are kept",
            "7.5.2.5",
            pgw().qer(1, |qer| {
                qer.add(u32(AVERAGING_WINDOW, 2000))
                    .add(u8(PAGING_POLICY, 3))
            }),
        )
        .sees(
            "ms, indicator",
            |view| {
                (
                    qer(view).averaging_window_ms,
                    qer(view).paging_policy_indicator,
                )
            },
            (Some(2000), Some(3)),
        ),
        with(
            "a Packet Rate limits packets of each direction",
            "8.2.63",
            pgw().qer(1, |qer| qer.add(leaf(PACKET_RATE, [3, 0, 0, 10, 1, 0, 20]))),
        )
        .up(2, "out 1, 1000000 kbit/s, 10 packets in 60 s")
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s, 20 packets in 360 s"),
        with(
            "a Packet Rate of the longest time unit, of the uplink alone",
            "8.2.63",
            pgw().qer(1, |qer| qer.add(leaf(PACKET_RATE, [1, 4, 0x03, 0xe8]))),
        )
        .up(2, "out 1, 1000000 kbit/s, 1000 packets in 604800 s")
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with(
            "a Packet Rate of 0 lets nothing pass",
            "8.2.63",
            pgw().qer(1, |qer| qer.add(leaf(PACKET_RATE, [1, 0, 0, 0]))),
        )
        .up(2, "out 1, 1000000 kbit/s, 0 packets in 0 s"),
        with(
            "an Additional Packet Rate comes on top",
            "8.2.63",
            pgw().qer(1, |qer| qer.add(leaf(PACKET_RATE, [5, 0, 0, 30, 0, 0, 30]))),
        )
        .up(2, "out 1, 1000000 kbit/s, 60 packets in 60 s"),
        with(
            "QERs with one Correlation ID share a Packet Rate",
            "5.4.4",
            correlated(7, UE).qer(1, |qer| qer.add(leaf(PACKET_RATE, [1, 0, 0, 10]))),
        )
        .up(2, "out 1, 10 packets in 60 s, 1000000 kbit/s"),
        ask(
            "a QER without QER ID",
            "7.5.2.5",
            pgw().qer(1, |qer| qer.without(QER_ID)),
            no(MANDATORY_MISSING).ie(QER_ID),
        ),
        ask(
            "a QER without Gate Status",
            "7.5.2.5",
            pgw().qer(1, |qer| qer.without(GATE_STATUS)),
            no(MANDATORY_MISSING).ie(GATE_STATUS),
        ),
        ask(
            "an MBR that is too short",
            "7.6.7",
            with_ie(leaf(MBR, [0; 9])),
            no(INVALID_LENGTH).ie(MBR),
        ),
        ask(
            "a QER ID twice",
            "7.5.2.5",
            pgw().with(create_qer(1, 5)),
            no(RULE_FAILURE).rule(QER, 1),
        ),
        ask(
            "a QER ID of the predefined ones",
            "8.2.75",
            pgw().with(create_qer(0x8000_0001, 5)),
            no(RULE_FAILURE).rule(QER, 0x8000_0001),
        ),
        ask(
            "more QERs than a session may have",
            "7.5.3.1",
            (2..=65).fold(pgw(), |message, id| message.with(create_qer(id, 5))),
            no(NO_RESOURCES).ie(CREATE_QER),
        ),
    ]
}

fn changes() -> Vec<Row> {
    vec![
        change(
            "another MBR",
            "7.5.4.5",
            modify([update_qer(1, [rates(MBR, 100, 200)])]),
            ok(),
        )
        .up(2, "out 1, 100 kbit/s")
        .down(UE, "to 10.1.0.11 0x77, 200 kbit/s"),
        change(
            "another gate keeps the MBR",
            "7.5.4.5",
            modify([update_qer(1, [u8(GATE_STATUS, 5)])]),
            ok(),
        )
        .up(2, "out 1, 1000000 kbit/s, gate closed"),
        change(
            "a QFI that comes later",
            "7.5.4.5",
            modify([update_qer(1, [u8(QFI, 5)])]),
            ok(),
        )
        .down(UE, "to 10.1.0.11 0x77, qfi 5, 2000000 kbit/s"),
        change(
            "an update of no QER",
            "7.5.4.5",
            modify([update_qer(9, [u8(QFI, 5)])]),
            no(RULE_FAILURE).rule(QER, 9),
        ),
        change(
            "an update without QER ID",
            "7.5.4.5",
            modify([group(UPDATE_QER, [u8(QFI, 5)])]),
            no(MANDATORY_MISSING).ie(QER_ID),
        ),
        change(
            "a GBR that grows above the MBR",
            "7.5.4.5",
            modify([update_qer(1, [rates(GBR, 2_000_000, 1)])]),
            no(RULE_FAILURE).ie(GBR).rule(QER, 1),
        ),
        change(
            "a removal of no QER",
            "7.5.4.9",
            modify([remove(REMOVE_QER, qer_id(9))]),
            no(RULE_FAILURE).rule(QER, 9),
        ),
        change(
            "a QER in use is not removed",
            "7.5.4.9",
            modify([remove(REMOVE_QER, qer_id(1))]),
            no(RULE_FAILURE).ie(QER_ID).rule(QER, 1),
        ),
    ]
}

fn qer(view: &upf_user::session::SessionView) -> &upf_user::session::QerView {
    &view.rules.as_ref().expect("rules").qers[0]
}
