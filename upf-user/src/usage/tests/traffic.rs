//! Start and stop of traffic, and envelopes.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "7.5.8.3",
        "the start of traffic tells no usage",
        "VOLUM START",
        "3 up 5 => #0 START
        4 up 5
        9 end => #1 TERMR 0..9 10/0 first=3 last=4",
    ),
    row(
        "8.2.18",
        "start and stop, again and again",
        "VOLUM START STOPT idt=5",
        "1 up 5 => #0 START
        3 up 5
        8 => #1 STOPT
        20 up 5 => #2 START
        25 => #3 STOPT
        30 end => #4 TERMR 0..30 15/0 first=1 last=20",
    ),
    row(
        "8.2.19",
        "the stop of traffic alone",
        "VOLUM STOPT idt=5",
        "1 up 5
        6 => #0 STOPT
        20
        21 up 5
        26 => #1 STOPT",
    ),
    row(
        "8.2.19",
        "the start of traffic alone",
        "VOLUM START idt=5",
        "1 up 5 => #0 START
        5 up 5
        11 up 5 => #1 START",
    ),
    row(
        "8.2.18",
        "packets put the stop off",
        "VOLUM STOPT idt=5",
        "1 up 5
        5 up 5
        9 down 5
        13
        14 => #0 STOPT",
    ),
    row(
        "8.2.18",
        "a packet as the silence ends is a new start",
        "VOLUM START STOPT idt=5",
        "1 up 5 => #0 START
        6 up 5 => #1 STOPT | #2 START",
    ),
    row(
        "8.2.41",
        "a stop that others have found",
        "VOLUM START STOPT",
        "1 up 5 => #0 START
        4 stop => #1 STOPT
        5 stop
        6 up 5 => #2 START",
    ),
    row(
        "8.2.41",
        "without traffic nothing stops",
        "VOLUM STOPT idt=5",
        "4 stop
        50 deadline => none",
    ),
    row(
        "8.2.41",
        "an envelope closes with its usage",
        "VOLUM ENVCL idt=5",
        "1 up 5
        3 up 5
        8 => #0 ENVCL 0..8 10/0 first=1 last=3
        20 up 5
        25 => #1 ENVCL 8..25 5/0 first=20 last=20",
    ),
    row(
        "8.2.41",
        "an envelope of time",
        "DURAT ENVCL idt=5",
        "1 up 1
        3 up 1
        8 => #0 ENVCL 0..8 7s first=1 last=3",
    ),
    row(
        "8.2.41",
        "an envelope that closes is no note, whatever else stops",
        "VOLUM ENVCL STOPT idt=5",
        "1 up 5
        6 => #0 STOPT+ENVCL 0..6 5/0 first=1 last=1",
    ),
    row(
        "8.2.41",
        "an envelope that the end of the session closes",
        "VOLUM ENVCL idt=5",
        "1 up 5
        3 end => #0 TERMR 0..3 5/0 first=1 last=1",
    ),
    row(
        "7.5.8.3",
        "a start is no end of a threshold's count",
        "VOLUM START VOLTH vth=10",
        "1 up 5 => #0 START
        2 up 5 => #1 VOLTH 0..2 10/0 first=1 last=2",
    ),
    row(
        "8.2.40",
        "the start of traffic with the method of events",
        "EVENT START",
        "1 up 1 => #0 START",
    ),
    row(
        "8.2.68",
        "no start during an inactive measurement",
        "VOLUM START INAM",
        "1 up 5
        2 update NOINFO
        3 up 5 => #0 START",
    ),
    row(
        "8.2.19",
        "traffic has started before its trigger is added",
        "VOLUM NOTRIGGER",
        "1 up 5
        2 update START
        3 up 5
        4 end => #0 TERMR 0..4 10/0 first=1 last=3",
    ),
    row(
        "8.2.133",
        "starts and stops count as reports",
        "VOLUM START STOPT idt=5 reports=1",
        "1 up 5 => #0 START
        10
        11 end => #1 TERMR 0..11 5/0 first=1 last=1",
    ),
    row(
        "8.2.18",
        "a new Inactivity Detection Time finds traffic stopped",
        "VOLUM STOPT idt=50",
        "1 up 5
        9 update idt=5 => #0 STOPT",
    ),
];
