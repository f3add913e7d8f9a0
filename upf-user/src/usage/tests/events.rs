//! Events: each start of traffic is one.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "8.2.113",
        "a threshold of events",
        "EVENT EVETH eth=2 idt=1",
        "1 up 1
        3 up 1 => #0 EVETH 0..3 first=1 last=3 at=1,3
        5 up 1
        7 up 1 => #1 EVETH 3..7 first=5 last=7 at=5,7",
    ),
    row(
        "8.2.40",
        "packets that go on are no event",
        "EVENT EVETH eth=2 idt=5",
        "1 up 1
        3 down 1
        7 up 1
        12 down 1 => #0 EVETH 0..12 first=1 last=12 at=1,12",
    ),
    row(
        "8.2.40",
        "without Inactivity Detection Time an event is a start after a minute",
        "EVENT EVETH eth=2",
        "1 up 1
        60 up 1
        119 up 1
        179 up 1 => #0 EVETH 0..179 first=1 last=179 at=1,179",
    ),
    row(
        "8.2.40",
        "what is dropped is no event",
        "EVENT EVETH eth=1",
        "1 dropup 1
        2 lost 1
        3 up 1 => #0 EVETH 0..3 first=3 last=3 at=3",
    ),
    row(
        "8.2.40",
        "the fast path tells of the start",
        "EVENT EVETH eth=9 idt=1",
        "0 limits => tells
        1 up 1
        1.5 limits
        2 limits => tells",
    ),
    row(
        "8.2.40",
        "a start behind the end of a URR's PDRs is an event",
        "EVENT EVETH eth=2",
        "1 up 1
        2 leave => #0 TERMR 0..2 first=1 last=1 at=1
        3 up 1
        4 leave => #1 TERMR 2..4 first=3 last=3 at=3",
    ),
    row(
        "8.2.113",
        "an event threshold of zero is none",
        "EVENT EVETH eth=0",
        "1 up 1
        2 query => #0 IMMER 0..2 first=1 last=1 at=1",
    ),
    row(
        "8.2.113",
        "an event threshold without its trigger is not reported",
        "EVENT NOTRIGGER eth=1 idt=1",
        "1 up 1
        3 up 1
        4 query => #0 IMMER 0..4 first=1 last=3 at=1,3",
    ),
    row(
        "7.5.4.4",
        "a new event threshold counts from the update",
        "EVENT EVETH eth=2 idt=1",
        "1 up 1
        2 update eth=2
        3 up 1
        5 up 1 => #0 EVETH 0..5 first=1 last=5 at=1,3,5",
    ),
    row(
        "5.2.2.3",
        "an event threshold counts anew after an immediate report",
        "EVENT EVETH eth=2 idt=1",
        "1 up 1
        2 query => #0 IMMER 0..2 first=1 last=1 at=1
        3 up 1
        5 up 1 => #1 EVETH 2..5 first=3 last=5 at=3,5",
    ),
    row(
        "8.2.112",
        "an event quota stops what comes after its last event",
        "EVENT EVEQU equ=1 idt=5",
        "0 limits => tells
        1 up 1 => #0 EVEQU 0..1 first=1 last=1 at=1
        2 limits
        5 up 1
        9 limits
        10 limits => stopped tells
        11 up 1
        12 query => #1 IMMER 1..12 first=5 last=5",
    ),
    row(
        "8.2.112",
        "a new event quota lifts the stop",
        "EVENT EVEQU equ=1 idt=1",
        "1 up 1 => #0 EVEQU 0..1 first=1 last=1 at=1
        3 update equ=2
        3 limits => tells
        4 up 1
        6 up 1 => #1 EVEQU 1..6 first=4 last=6 at=4,6
        6 limits
        7 limits => stopped tells",
    ),
    row(
        "8.2.112",
        "an event quota of zero is exhausted at once",
        "EVENT EVEQU equ=0",
        "0 => #0 EVEQU 0..0
        1 limits => stopped tells",
    ),
    row(
        "8.2.112",
        "an event quota without its trigger stops all the same",
        "EVENT NOTRIGGER equ=1 idt=1",
        "1 up 1
        2 limits => stopped tells
        3 query => #0 IMMER 0..3 first=1 last=1 at=1",
    ),
    row(
        "8.2.112",
        "reports do not give an event quota back",
        "EVENT EVEQU equ=2 idt=1",
        "1 up 1
        2 query => #0 IMMER 0..2 first=1 last=1 at=1
        3 up 1 => #1 EVEQU 2..3 first=3 last=3 at=3",
    ),
    row(
        "8.2.112",
        "no PDR ends the traffic that an event quota let go on",
        "EVENT EVEQU equ=1",
        "1 up 1 => #0 EVEQU 0..1 first=1 last=1 at=1
        2 limits
        3 leave => #1 TERMR 1..3
        4 limits => stopped tells",
    ),
    row(
        "8.2.41",
        "event threshold and quota at once",
        "EVENT EVETH EVEQU eth=2 equ=2 idt=1",
        "1 up 1
        3 up 1 => #0 EVETH+EVEQU 0..3 first=1 last=3 at=1,3",
    ),
    row(
        "8.2.41",
        "event threshold and start of traffic are one report",
        "EVENT EVETH START eth=1 idt=1",
        "1 up 1 => #0 START+EVETH 0..1 first=1 last=1 at=1
        3 up 1 => #1 START+EVETH 1..3 first=3 last=3 at=3",
    ),
    row(
        "8.2.40",
        "events that are not measured",
        "VOLUM NOTRIGGER idt=1",
        "1 up 1
        2 query => #0 IMMER 0..2 1/0 first=1 last=1",
    ),
    row(
        "8.2.40",
        "events are measured from an update on",
        "VOLUM NOTRIGGER idt=1",
        "1 up 1
        2 update VOLUM EVENT
        3 up 1
        4 query => #0 IMMER 0..4 2/0 first=1 last=3 at=3",
    ),
    row(
        "8.2.68",
        "events of an inactive measurement do not count",
        "EVENT EVETH INAM eth=1",
        "1 up 1
        2 update NOINFO
        3 up 1 => #0 EVETH 0..3 first=3 last=3 at=3",
    ),
    row(
        "8.2.107",
        "a subsequent event threshold",
        "EVENT EVETH eth=10 mon=5 seth=1 idt=1",
        "1 up 1
        6 up 1 => #0 MONIT 0..5 first=1 last=1 BEF at=1 | #1 EVETH 5..6 first=6 last=6 AFT at=6",
    ),
    row(
        "8.2.106",
        "a subsequent event quota",
        "EVENT EVEQU equ=10 mon=5 sequ=1 idt=1",
        "1 up 1
        6 up 1 => #0 MONIT 0..5 first=1 last=1 BEF at=1 | #1 EVEQU 5..6 first=6 last=6 AFT at=6
        7 limits => stopped tells",
    ),
    row(
        "8.2.40",
        "volume and events together",
        "VOLUM EVENT EVETH eth=2 idt=1",
        "1 up 9
        3 up 1 => #0 EVETH 0..3 10/0 first=1 last=3 at=1,3",
    ),
];
