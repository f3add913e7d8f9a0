//! Linked URRs.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "5.2.2.4",
        "a URR reports with the one that it is linked to",
        "VOLUM VOLTH vth=100; 2: VOLUM LIUSA link=1",
        "1 up 100 => #0 VOLTH 0..1 100/0 first=1 last=1 | 2#0 LIUSA 0..1 100/0 first=1 last=1
        2 up 2: 50
        3 up 1: 100 => #1 VOLTH 1..3 100/0 first=3 last=3 | 2#1 LIUSA 1..3 50/0 first=2 last=2",
    ),
    row(
        "8.2.19",
        "a link without LIUSA does nothing",
        "VOLUM VOLTH vth=100; 2: VOLUM NOTRIGGER link=1",
        "1 up 100 => #0 VOLTH 0..1 100/0 first=1 last=1",
    ),
    row(
        "5.2.2.4",
        "the other way nothing is linked",
        "VOLUM NOTRIGGER; 2: VOLUM VOLTH LIUSA link=1 vth=100",
        "1 up 100 => 2#0 VOLTH 0..1 100/0 first=1 last=1",
    ),
    row(
        "5.2.2.4",
        "links are followed",
        "VOLUM VOLTH vth=100; 2: VOLUM LIUSA link=1; 3: DURAT LIUSA link=2",
        "1 up 1: 100 => #0 VOLTH 0..1 100/0 first=1 last=1 | 2#0 LIUSA 0..1 0/0 | 3#0 LIUSA 0..1 0s",
    ),
    row(
        "5.2.2.4",
        "a circle of links ends",
        "VOLUM VOLTH LIUSA vth=100 link=3; 2: VOLUM LIUSA link=1; 3: VOLUM LIUSA link=2",
        "1 up 1: 100 => #0 VOLTH 0..1 100/0 first=1 last=1 | 2#0 LIUSA 0..1 0/0 | 3#0 LIUSA 0..1 0/0",
    ),
    row(
        "5.2.2.4",
        "a link to itself is none",
        "VOLUM VOLTH LIUSA vth=100 link=1",
        "1 up 100 => #0 VOLTH 0..1 100/0 first=1 last=1",
    ),
    row(
        "5.2.2.4",
        "a link to a URR that is not there is none",
        "VOLUM VOLTH LIUSA vth=100 link=9",
        "1 up 100 => #0 VOLTH 0..1 100/0 first=1 last=1",
    ),
    row(
        "5.2.2.4",
        "linked to several, once for all",
        "VOLUM PERIO period=10; 2: VOLUM PERIO period=10; 3: VOLUM LIUSA link=1,2",
        "10 => #0 PERIO 0..10 0/0 | 2#0 PERIO 0..10 0/0 | 3#0 LIUSA 0..10 0/0",
    ),
    row(
        "5.2.2.4",
        "a query of the one",
        "VOLUM NOTRIGGER; 2: VOLUM LIUSA link=1",
        "5 query 1 77 => #0 IMMER 0..5 0/0 ref=77 | 2#0 LIUSA 0..5 0/0 ref=77
        6 query 2 78 => 2#1 IMMER 5..6 0/0 ref=78",
    ),
    row(
        "5.2.2.4",
        "removal of the one",
        "VOLUM NOTRIGGER; 2: VOLUM LIUSA link=1",
        "5 remove 1 => #0 TERMR 0..5 0/0 | 2#0 LIUSA 0..5 0/0
        6 remove 2 => 2#1 TERMR 5..6 0/0",
    ),
    row(
        "5.2.2.4",
        "removal of both",
        "VOLUM NOTRIGGER; 2: VOLUM LIUSA link=1",
        "5 remove 2,1 => #0 TERMR 0..5 0/0 | 2#0 TERMR 0..5 0/0",
    ),
    row(
        "7.5.7.2",
        "the end of a session with links",
        "VOLUM NOTRIGGER; 2: VOLUM LIUSA link=1",
        "5 end => #0 TERMR 0..5 0/0 | 2#0 TERMR 0..5 0/0",
    ),
    row(
        "8.2.41",
        "a linked report tells the URR's own trigger too",
        "VOLUM VOLTH vth=100; 2: VOLUM VOLTH LIUSA vth=100 link=1",
        "1 up 100 => #0 VOLTH 0..1 100/0 first=1 last=1 | 2#0 VOLTH+LIUSA 0..1 100/0 first=1 last=1",
    ),
    row(
        "7.5.8.3",
        "a note of a start is no usage to be linked to",
        "VOLUM START; 2: VOLUM LIUSA link=1",
        "1 up 100 => #0 START",
    ),
    row(
        "7.5.4.4",
        "other links by an update",
        "VOLUM PERIO period=10; 2: VOLUM NOTRIGGER; 3: VOLUM LIUSA link=2",
        "10 => #0 PERIO 0..10 0/0
        11 update 3: link=1
        20 => #1 PERIO 10..20 0/0 | 3#0 LIUSA 0..20 0/0",
    ),
    row(
        "8.2.133",
        "linked reports do not count as Number of Reports",
        "VOLUM PERIO period=10; 2: VOLUM VOLTH LIUSA vth=100 link=1 reports=1",
        "10 => #0 PERIO 0..10 0/0 | 2#0 LIUSA 0..10 0/0
        11 up 2: 100 => 2#1 VOLTH 10..11 100/0 first=11 last=11
        20 => #1 PERIO 10..20 0/0 | 2#2 LIUSA 11..20 0/0",
    ),
    row(
        "5.2.2.4",
        "a linked report begins a threshold anew",
        "VOLUM PERIO period=10; 2: VOLUM VOLTH LIUSA vth=100 link=1",
        "9 up 2: 99
        10 => #0 PERIO 0..10 0/0 | 2#0 LIUSA 0..10 99/0 first=9 last=9
        11 up 2: 99
        12 up 2: 1 => 2#1 VOLTH 10..12 100/0 first=12 last=12",
    ),
];
