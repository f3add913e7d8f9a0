//! Requests of the control plane: creation, update, query, removal, the session's end.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "7.5.4.10",
        "queries report usage since the last report",
        "VOLUM NOTRIGGER",
        "1 up 10
        2 query => #0 IMMER 0..2 10/0 first=1 last=1
        3 down 5
        4 query => #1 IMMER 2..4 0/5 first=3 last=3
        5 query => #2 IMMER 4..5 0/0",
    ),
    row(
        "8.2.90",
        "a query's reference comes back",
        "VOLUM NOTRIGGER",
        "2 query 1 99 => #0 IMMER 0..2 0/0 ref=99
        3 query => #1 IMMER 2..3 0/0",
    ),
    row(
        "8.2.31",
        "QAURR reports all",
        "VOLUM NOTRIGGER; 2: DURAT NOTRIGGER ISTM; 7: EVENT NOTRIGGER",
        "1 up 1: 10
        2 queryall 3 => #0 IMMER 0..2 10/0 first=1 last=1 ref=3 | 2#0 IMMER 0..2 2s ref=3 | 7#0 IMMER 0..2 ref=3",
    ),
    row(
        "7.5.4.10",
        "a query of some",
        "VOLUM NOTRIGGER; 2: VOLUM NOTRIGGER; 3: VOLUM NOTRIGGER",
        "2 query 3,1 => #0 IMMER 0..2 0/0 | 3#0 IMMER 0..2 0/0",
    ),
    row(
        "7.5.4.10",
        "a query of a URR that is not there",
        "VOLUM NOTRIGGER",
        "2 query 9
        3 query => #0 IMMER 0..3 0/0",
    ),
    row(
        "7.5.5.2",
        "removal reports for the last time",
        "VOLUM PERIO period=10",
        "1 up 10
        2 remove 1 => #0 TERMR 0..2 10/0 first=1 last=1
        3 remove 1
        50 end",
    ),
    row(
        "8.2.71",
        "a URR that is created again counts its reports from the first",
        "VOLUM NOTRIGGER",
        "1 query => #0 IMMER 0..1 0/0
        2 remove 1 => #1 TERMR 1..2 0/0
        3 create VOLUM NOTRIGGER
        4 up 5
        5 query => #0 IMMER 3..5 5/0 first=4 last=4",
    ),
    row(
        "8.2.71",
        "each URR numbers its own reports",
        "VOLUM NOTRIGGER; 2: VOLUM NOTRIGGER",
        "1 query 1 => #0 IMMER 0..1 0/0
        2 query 1 => #1 IMMER 1..2 0/0
        3 query 2 => 2#0 IMMER 0..3 0/0",
    ),
    row(
        "7.5.7.2",
        "the session's end reports all URRs",
        "VOLUM VOLTH vth=100; 2: DURAT NOTRIGGER",
        "1 up 99
        4 end => #0 TERMR 0..4 99/0 first=1 last=1 | 2#0 TERMR 0..4 3s first=1 last=1
        5 end",
    ),
    row(
        "7.5.2.4",
        "a URR that is created later begins then",
        "VOLUM NOTRIGGER",
        "3 create 2: DURAT PERIO ISTM period=5
        8 => 2#0 PERIO 3..8 5s
        9 end => #0 TERMR 0..9 0/0 | 2#1 TERMR 8..9 1s",
    ),
    row(
        "8.2.40",
        "another method by an update: what was measured is reported",
        "VOLUM NOTRIGGER",
        "1 up 100
        2 update DURAT
        3 up 50
        5 query => #0 IMMER 0..5 100/0 2s first=1 last=3
        6 query => #1 IMMER 5..6 1s",
    ),
    row(
        "8.2.40",
        "volume is measured from an update on",
        "DURAT NOTRIGGER ISTM",
        "1 up 100
        2 update VOLUM DURAT
        3 up 50
        5 query => #0 IMMER 0..5 50/0 5s first=1 last=3",
    ),
    row(
        "7.5.4.4",
        "an update of a URR that is not there",
        "VOLUM NOTRIGGER",
        "1 update 9: vth=1
        2 queryall => #0 IMMER 0..2 0/0",
    ),
    row(
        "7.5.4.4",
        "an update that is empty",
        "VOLUM VOLTH vth=100",
        "1 up 50
        2 update NOINFO
        3 up 50 => #0 VOLTH 0..3 100/0 first=1 last=3",
    ),
    row(
        "5.2.2.2",
        "a Gy-like life: threshold, refill in time, threshold, quota, refill",
        "VOLUM VOLTH VOLQU QUVTI vth=80 vqu=100 valid=100",
        "1 up 80 => #0 VOLTH 0..1 80/0 first=1 last=1
        2 update vth=80 vqu=100
        3 up 80 => #1 VOLTH 1..3 80/0 first=3 last=3
        4 up 20 => #2 VOLQU 3..4 20/0 first=4 last=4
        5 up 20
        6 update vth=80 vqu=100
        6 limits => th=260 qu=280
        106 => #3 QUVTI 4..106 0/0
        107 end => #4 TERMR 106..107 0/0",
    ),
];
