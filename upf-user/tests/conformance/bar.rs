//! Buffering Action Rules, as far as they are parsed, checked and kept (clauses 5.2.4, 7.5.2.6, 7.5.4.11 and 7.5.4.12).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;

fn changed(name: &'static str, clause: &'static str, request: Msg, expect: Expect) -> Row {
    with(name, clause, pdu()).send(request, expect)
}

fn update<const N: usize>(ies: [Ie; N]) -> Msg {
    modify([group(UPDATE_BAR, ies)])
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        with(
            "a BAR is kept",
            "7.5.2.6",
            pgw().with(group(
                CREATE_BAR,
                [
                    bar_id(3),
                    u8(NOTIFICATION_DELAY, 2),
                    u8(SUGGESTED_PACKETS, 9),
                ],
            )),
        )
        .sees(
            "ID, delay in ms, packets",
            |view| {
                let bar = &view.rules.as_ref().expect("rules").bars[0];
                (bar.id, bar.notification_delay_ms, bar.suggested_packets)
            },
            (3, Some(100), Some(9)),
        ),
        ask(
            "a BAR without BAR ID",
            "7.5.2.6",
            pgw().with(group(CREATE_BAR, [u8(NOTIFICATION_DELAY, 2)])),
            no(MANDATORY_MISSING).ie(BAR_ID),
        ),
        ask(
            "a second BAR",
            "7.5.2.1",
            pdu().with(group(CREATE_BAR, [bar_id(2)])),
            no(NO_RESOURCES).rule(BAR, 2),
        ),
        changed(
            "an update of a BAR",
            "7.5.4.11",
            update([bar_id(1), u8(NOTIFICATION_DELAY, 1)]),
            ok(),
        )
        .sees(
            "delay in ms",
            |view| view.rules.as_ref().expect("rules").bars[0].notification_delay_ms,
            Some(50),
        ),
        changed(
            "Update BAR of a report response is nothing in a modification",
            "7.5.4.11",
            modify([group(
                UPDATE_BAR_IN_REPORT,
                [bar_id(1), u8(NOTIFICATION_DELAY, 1)],
            )]),
            ok(),
        )
        .sees(
            "delay in ms",
            |view| view.rules.as_ref().expect("rules").bars[0].notification_delay_ms,
            None,
        ),
        changed(
            "an update of no BAR",
            "7.5.4.11",
            update([bar_id(9)]),
            no(RULE_FAILURE).rule(BAR, 9),
        ),
        changed(
            "an update without BAR ID",
            "7.5.4.11",
            update([u8(NOTIFICATION_DELAY, 1)]),
            no(MANDATORY_MISSING).ie(BAR_ID),
        ),
        changed(
            "a removal of no BAR",
            "7.5.4.12",
            modify([remove(REMOVE_BAR, bar_id(9))]),
            no(RULE_FAILURE).rule(BAR, 9),
        ),
        changed(
            "a BAR in use is not removed",
            "7.5.4.12",
            modify([remove(REMOVE_BAR, bar_id(1))]),
            no(RULE_FAILURE).ie(BAR_ID).rule(BAR, 1),
        ),
    ]
}
