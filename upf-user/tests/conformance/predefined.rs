//! Predefined rules of the config, by name (clauses 5.19, 8.2.72 and 8.2.73).

use crate::support::prelude::*;
use crate::support::row::Row;

const GOLD: &str = "proto 17 from 192.0.2.0/24 from port 5060-5060 to 10.45.0.2/32 -> out 1, 64 kbit/s, 1000000 kbit/s";
const REST: &str = "-> out 1, 1000000 kbit/s";

fn activating(name: &str) -> Msg {
    pgw().pdr(2, |pdr| pdr.add(text(ACTIVATE_PREDEFINED, name)))
}

fn update(kind: u16, name: &str) -> Msg {
    modify([update_pdr(2, [text(kind, name)])])
}

pub(crate) fn rows() -> Vec<Row> {
    let unknown = |ie| no(UNKNOWN_PREDEFINED).ie(ie).rule(PDR, 2);
    vec![
        with(
            "a predefined rule has filters, precedence and MBR",
            "5.19",
            activating("gold"),
        )
        .up_list(2, &[GOLD, REST]),
        with("a predefined rule that drops", "5.19", activating("closed")).up(2, "drop"),
        with(
            "a predefined rule that drops needs no FAR",
            "7.5.2.2",
            activating("closed").pdr(2, |pdr| pdr.without(FAR_ID)),
        )
        .up(2, "drop"),
        ask(
            "a predefined rule that forwards needs a FAR",
            "7.5.2.2",
            activating("gold").pdr(2, |pdr| pdr.without(FAR_ID)),
            no(CONDITIONAL_MISSING).ie(FAR_ID).rule(PDR, 2),
        ),
        ask(
            "an unknown predefined rule",
            "8.2.72",
            activating("silver"),
            unknown(ACTIVATE_PREDEFINED),
        ),
        change(
            "a predefined rule is activated later",
            "8.2.72",
            update(ACTIVATE_PREDEFINED, "gold"),
            ok(),
        )
        .up_list(2, &[GOLD, REST]),
        change(
            "an unknown predefined rule in a modification",
            "8.2.72",
            update(ACTIVATE_PREDEFINED, "silver"),
            unknown(ACTIVATE_PREDEFINED),
        ),
        with(
            "a predefined rule is deactivated",
            "8.2.73",
            activating("gold"),
        )
        .send(update(DEACTIVATE_PREDEFINED, "gold"), ok())
        .up(2, "out 1, 1000000 kbit/s"),
        change(
            "a predefined rule that is not active cannot be deactivated",
            "8.2.73",
            update(DEACTIVATE_PREDEFINED, "gold"),
            unknown(DEACTIVATE_PREDEFINED),
        ),
    ]
}
