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
        "no PDR is a stop of traffic, and the next packet a start",
        "VOLUM START STOPT",
        "1 up 5 => #0 START
        4 leave => #1 STOPT+TERMR 0..4 5/0 first=1 last=1
        6 up 5 => #2 START",
    ),
    row(
        "8.2.41",
        "without traffic nothing stops",
        "VOLUM STOPT idt=5",
        "50 deadline => none
        51 leave => #0 TERMR 0..51 0/0",
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
    row(
        "8.2.41",
        "without Inactivity Detection Time a minute of silence is a stop",
        "VOLUM START STOPT",
        "1 up 5 => #0 START
        60 up 5
        119.9
        120 => #1 STOPT
        130 up 5 => #2 START",
    ),
    row(
        "8.2.41",
        "an Inactivity Detection Time of zero is a minute",
        "VOLUM STOPT idt=0",
        "1 up 5
        60.9
        61 => #0 STOPT",
    ),
    row(
        "8.2.41",
        "the last PDR leaves a URR",
        "VOLUM VOLTH VOLQU vth=100 vqu=100",
        "1 up 30
        2 leave => #0 TERMR 0..2 30/0 first=1 last=1
        3 limits => th=130 qu=100
        4 end => #1 TERMR 2..4 0/0",
    ),
    row(
        "8.2.41",
        "a URR without PDR is used again",
        "VOLUM VOLQU vqu=100",
        "1 up 30
        2 leave => #0 TERMR 0..2 30/0 first=1 last=1
        5 up 70 => #1 VOLQU 2..5 70/0 first=5 last=5",
    ),
    row(
        "8.2.41",
        "time stands still without PDR",
        "DURAT TIMTH ISTM tth=100",
        "10 leave => #0 TERMR 0..10 10s
        50 deadline => none
        60 up 1
        70 query => #1 IMMER 10..70 10s first=60 last=60",
    ),
    row(
        "8.2.41",
        "an envelope that no PDR closes",
        "VOLUM ENVCL idt=5",
        "1 up 5
        3 leave => #0 TERMR+ENVCL 0..3 5/0 first=1 last=1",
    ),
    row(
        "5.2.2.4",
        "linked to a URR that its last PDR leaves",
        "VOLUM NOTRIGGER;2: VOLUM LIUSA link=1",
        "1 up 5
        3 leave => #0 TERMR 0..3 5/0 first=1 last=1 | 2#0 LIUSA 0..3 5/0 first=1 last=1",
    ),
    row(
        "8.2.133",
        "without PDR a URR reports beyond the Number of Reports",
        "VOLUM PERIO period=10 reports=1",
        "10 => #0 PERIO 0..10 0/0
        12 leave => #1 TERMR 10..12 0/0",
    ),
];
