//! Events.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "8.2.113",
        "a threshold of events",
        "EVENT EVETH eth=2",
        "1 event
        3 event => #0 EVETH 0..3 at=1,3
        4 event
        5 event => #1 EVETH 3..5 at=4,5",
    ),
    row(
        "8.2.113",
        "an event threshold of zero is none",
        "EVENT EVETH eth=0",
        "1 event
        2 query => #0 IMMER 0..2 at=1",
    ),
    row(
        "8.2.113",
        "an event threshold without its trigger is not reported",
        "EVENT NOTRIGGER eth=1",
        "1 event
        2 event
        3 query => #0 IMMER 0..3 at=1,2",
    ),
    row(
        "7.5.4.4",
        "a new event threshold counts from the update",
        "EVENT EVETH eth=2",
        "1 event
        2 update eth=2
        3 event
        4 event => #0 EVETH 0..4 at=1,3,4",
    ),
    row(
        "5.2.2.3",
        "an event threshold counts anew after an immediate report",
        "EVENT EVETH eth=2",
        "1 event
        2 query => #0 IMMER 0..2 at=1
        3 event
        4 event => #1 EVETH 2..4 at=3,4",
    ),
    row(
        "8.2.112",
        "an event quota stops traffic",
        "EVENT EVEQU equ=1",
        "0 limits
        1 event => #0 EVEQU 0..1 at=1
        2 limits => stopped",
    ),
    row(
        "8.2.112",
        "a new event quota lifts the stop",
        "EVENT EVEQU equ=1",
        "1 event => #0 EVEQU 0..1 at=1
        2 update equ=2
        2 limits
        3 event
        4 event => #1 EVEQU 1..4 at=3,4
        4 limits => stopped",
    ),
    row(
        "8.2.112",
        "an event quota of zero is exhausted at once",
        "EVENT EVEQU equ=0",
        "0 => #0 EVEQU 0..0
        1 limits => stopped",
    ),
    row(
        "8.2.112",
        "an event quota without its trigger stops all the same",
        "EVENT NOTRIGGER equ=1",
        "1 event
        2 limits => stopped
        3 query => #0 IMMER 0..3 at=1",
    ),
    row(
        "8.2.112",
        "reports do not give an event quota back",
        "EVENT EVEQU equ=2",
        "1 event
        2 query => #0 IMMER 0..2 at=1
        3 event => #1 EVEQU 2..3 at=3",
    ),
    row(
        "8.2.41",
        "event threshold and quota at once",
        "EVENT EVETH EVEQU eth=2 equ=2",
        "1 event
        2 event => #0 EVETH+EVEQU 0..2 at=1,2",
    ),
    row(
        "8.2.40",
        "events that are not measured",
        "VOLUM NOTRIGGER",
        "1 event
        2 query => #0 IMMER 0..2 0/0",
    ),
    row(
        "8.2.40",
        "events are measured from an update on",
        "VOLUM NOTRIGGER",
        "1 event
        2 update VOLUM EVENT
        3 event
        4 query => #0 IMMER 0..4 0/0 at=3",
    ),
    row(
        "8.2.68",
        "events of an inactive measurement do not count",
        "EVENT EVETH INAM eth=1",
        "1 event
        2 update NOINFO
        3 event => #0 EVETH 0..3 at=3",
    ),
    row(
        "8.2.107",
        "a subsequent event threshold",
        "EVENT EVETH eth=10 mon=5 seth=1",
        "1 event
        6 event => #0 MONIT 0..5 BEF at=1 | #1 EVETH 5..6 AFT at=6",
    ),
    row(
        "8.2.106",
        "a subsequent event quota",
        "EVENT EVEQU equ=10 mon=5 sequ=1",
        "1 event
        6 event => #0 MONIT 0..5 BEF at=1 | #1 EVEQU 5..6 AFT at=6
        7 limits => stopped",
    ),
    row(
        "8.2.40",
        "volume and events together",
        "VOLUM EVENT EVETH eth=1",
        "1 up 9
        2 event => #0 EVETH 0..2 9/0 first=1 last=1 at=2",
    ),
];
