//! Measurement Period, Number of Reports, user plane inactivity, end markers.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "8.2.42",
        "a report each period, also of nothing",
        "VOLUM PERIO period=10",
        "3 up 100
        10 => #0 PERIO 0..10 100/0 first=3 last=3
        20 => #1 PERIO 10..20 0/0
        40 => #2 PERIO 20..30 0/0 | #3 PERIO 30..40 0/0",
    ),
    row(
        "8.2.42",
        "other reports do not move the beat",
        "VOLUM PERIO VOLTH period=10 vth=100",
        "4 up 100 => #0 VOLTH 0..4 100/0 first=4 last=4
        10 => #1 PERIO 4..10 0/0",
    ),
    row(
        "8.2.42",
        "a period of zero is none",
        "VOLUM PERIO period=0",
        "5 deadline => none
        6 query => #0 IMMER 0..6 0/0",
    ),
    row(
        "8.2.42",
        "the longest period",
        "VOLUM PERIO period=max",
        "5 deadline => 4294967295",
    ),
    row(
        "7.5.4.4",
        "a new period begins with the update",
        "VOLUM PERIO period=10",
        "4 update period=3
        7 => #0 PERIO 0..7 0/0
        10 => #1 PERIO 7..10 0/0",
    ),
    row(
        "7.5.4.4",
        "an update of something else does not move the beat",
        "VOLUM PERIO period=10",
        "4 update MNOP PERIO
        10 => #0 PERIO 0..10 0/0 0/0p",
    ),
    row(
        "8.2.19",
        "periodic reports end with their trigger",
        "VOLUM PERIO period=10",
        "4 update NOTRIGGER
        50 end => #0 TERMR 0..50 0/0",
    ),
    row(
        "8.2.19",
        "periodic reports begin with their trigger",
        "VOLUM NOTRIGGER period=10",
        "4 update PERIO
        13
        14 => #0 PERIO 0..14 0/0",
    ),
    row(
        "8.2.42",
        "periods that were missed are told by one report",
        "VOLUM PERIO period=10",
        "35 late => #0 PERIO 0..35 0/0
        40 => #1 PERIO 35..40 0/0",
    ),
    row(
        "8.2.42",
        "periodic reports of duration",
        "DURAT PERIO ISTM period=10",
        "10 => #0 PERIO 0..10 10s
        20 => #1 PERIO 10..20 10s",
    ),
    row(
        "8.2.42",
        "periodic reports of an inactive measurement",
        "VOLUM PERIO INAM period=10",
        "3 up 100
        10 => #0 PERIO 0..10 0/0",
    ),
    row(
        "8.2.133",
        "no report after the Number of Reports",
        "VOLUM PERIO period=10 reports=2",
        "30 => #0 PERIO 0..10 0/0 | #1 PERIO 10..20 0/0
        31 deadline => none
        40 query => #2 IMMER 20..40 0/0",
    ),
    row(
        "8.2.133",
        "threshold reports count as well",
        "VOLUM VOLTH vth=100 reports=1",
        "1 up 100 => #0 VOLTH 0..1 100/0 first=1 last=1
        2 up 100
        3 limits
        4 end => #1 TERMR 1..4 100/0 first=2 last=2",
    ),
    row(
        "8.2.133",
        "reports that were asked for do not count",
        "VOLUM PERIO period=10 reports=1",
        "1 query => #0 IMMER 0..1 0/0
        10 => #1 PERIO 1..10 0/0
        20
        30 end => #2 TERMR 10..30 0/0",
    ),
    row(
        "8.2.133",
        "a new Number of Reports",
        "VOLUM PERIO period=10 reports=1",
        "10 => #0 PERIO 0..10 0/0
        25 update reports=1
        30 => #1 PERIO 10..30 0/0
        40 query => #2 IMMER 30..40 0/0",
    ),
    row(
        "8.2.133",
        "quotas are reported even then",
        "VOLUM VOLTH VOLQU vth=100 vqu=200 reports=1",
        "1 up 100 => #0 VOLTH 0..1 100/0 first=1 last=1
        2 up 100 => #1 VOLQU 1..2 100/0 first=2 last=2",
    ),
    row(
        "8.2.133",
        "a Number of Reports of zero is none",
        "VOLUM PERIO period=10 reports=0",
        "20 => #0 PERIO 0..10 0/0 | #1 PERIO 10..20 0/0",
    ),
    row(
        "8.2.83",
        "user plane inactivity is told once",
        "VOLUM UPINT",
        "0 idle 10
        10 => #0 UPINT 0..10 0/0
        11 limits => tells
        30
        31 up 5
        31 limits
        41 => #1 UPINT 10..41 5/0 first=31 last=31",
    ),
    row(
        "8.2.83",
        "packets put user plane inactivity off",
        "VOLUM UPINT",
        "0 idle 10
        5 up 1
        14 up 1
        23
        24 => #0 UPINT 0..24 2/0 first=5 last=14",
    ),
    row(
        "8.2.83",
        "no timer, no user plane inactivity",
        "VOLUM UPINT",
        "50 deadline => none
        50 idle 0
        60 deadline => none",
    ),
    row(
        "8.2.83",
        "user plane inactivity without its trigger is not reported",
        "VOLUM NOTRIGGER",
        "0 idle 10
        50 deadline => none
        51 end => #0 TERMR 0..51 0/0",
    ),
    row(
        "8.2.41",
        "an end marker",
        "VOLUM REEMR",
        "3 marker => #0 EMRRE 0..3 0/0
        3 marker
        4 marker
        5 end => #1 TERMR 3..5 0/0",
    ),
    row(
        "8.2.19",
        "an end marker that is asked for once more",
        "VOLUM REEMR",
        "3 marker => #0 EMRRE 0..3 0/0
        4 update REEMR
        5 marker => #1 EMRRE 3..5 0/0",
    ),
    row(
        "8.2.19",
        "an end marker without its trigger is not reported",
        "VOLUM NOTRIGGER",
        "3 marker
        4 query => #0 IMMER 0..4 0/0",
    ),
];
