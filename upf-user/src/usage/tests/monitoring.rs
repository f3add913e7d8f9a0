//! Monitoring Times.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "8.2.15",
        "usage before and after is reported apart, with the next report",
        "VOLUM VOLTH vth=1000 mon=10",
        "3 up 100
        10
        12 up 50
        15 query => #0 MONIT 0..10 100/0 first=3 last=3 BEF | #1 IMMER 10..15 50/0 first=12 last=12 AFT
        20 query => #2 IMMER 15..20 0/0",
    ),
    row(
        "5.2.2.2",
        "without subsequent threshold the rest of the old one goes on",
        "VOLUM VOLTH vth=100 mon=10",
        "3 up 60
        12 up 40 => #0 MONIT 0..10 60/0 first=3 last=3 BEF | #1 VOLTH 10..12 40/0 first=12 last=12 AFT
        13 up 100 => #2 VOLTH 12..13 100/0 first=13 last=13",
    ),
    row(
        "8.2.16",
        "a subsequent volume threshold",
        "VOLUM VOLTH vth=100 mon=10 svth=30",
        "3 up 60
        10 limits => th=90
        12 up 30 => #0 MONIT 0..10 60/0 first=3 last=3 BEF | #1 VOLTH 10..12 30/0 first=12 last=12 AFT
        13 up 30 => #2 VOLTH 12..13 30/0 first=13 last=13",
    ),
    row(
        "8.2.86",
        "a subsequent volume quota",
        "VOLUM VOLQU vqu=100 mon=10 svqu=20",
        "3 up 60
        12 up 20 => #0 MONIT 0..10 60/0 first=3 last=3 BEF | #1 VOLQU 10..12 20/0 first=12 last=12 AFT
        13 limits => qu=80 stopped",
    ),
    row(
        "8.2.86",
        "a subsequent volume quota lifts the stop",
        "VOLUM VOLQU vqu=100 mon=10 svqu=20",
        "3 up 100 => #0 VOLQU 0..3 100/0 first=3 last=3
        9 limits => qu=100 stopped
        10 limits => qu=120
        12 up 20 => #1 MONIT 3..10 0/0 BEF | #2 VOLQU 10..12 20/0 first=12 last=12 AFT",
    ),
    row(
        "8.2.86",
        "a subsequent quota replaces one whose rest was too little",
        "VOLUM VOLQU vqu=100 mon=10 svqu=20",
        "3 up 101 => #0 VOLQU 0..3 0/0
        10 limits => qu=20
        12 up 20 => #1 MONIT 3..10 0/0 BEF | #2 VOLQU 10..12 20/0 first=12 last=12 AFT",
    ),
    row(
        "5.2.2.2",
        "without subsequent quota the rest of the old one goes on",
        "VOLUM VOLQU vqu=100 mon=10",
        "3 up 60
        12 up 40 => #0 MONIT 0..10 60/0 first=3 last=3 BEF | #1 VOLQU 10..12 40/0 first=12 last=12 AFT",
    ),
    row(
        "8.2.17",
        "a subsequent time threshold",
        "DURAT TIMTH ISTM tth=100 mon=10 stth=5",
        "15 => #0 MONIT 0..10 10s BEF | #1 TIMTH 10..15 5s AFT
        20 => #2 TIMTH 15..20 5s",
    ),
    row(
        "8.2.87",
        "a subsequent time quota",
        "DURAT TIMQU ISTM tqu=100 mon=10 stqu=5",
        "15 => #0 MONIT 0..10 10s BEF | #1 TIMQU 10..15 5s AFT
        15 limits => stopped",
    ),
    row(
        "8.2.87",
        "without subsequent time quota the rest of the old one goes on",
        "DURAT TIMQU ISTM tqu=12 mon=10",
        "12 => #0 MONIT 0..10 10s BEF | #1 TIMQU 10..12 2s AFT",
    ),
    row(
        "7.5.2.4",
        "additional times: the parts between are before and after",
        "VOLUM NOTRIGGER mon=10 add=20 add=30",
        "5 up 1
        15 up 2
        25 up 3
        35 up 4
        40 query => #0 MONIT 0..10 1/0 first=5 last=5 BEF | #1 MONIT 10..20 2/0 first=15 last=15 BEF AFT | #2 MONIT 20..30 3/0 first=25 last=25 BEF AFT | #3 IMMER 30..40 4/0 first=35 last=35 AFT",
    ),
    row(
        "7.5.2.4",
        "additional times in any order",
        "VOLUM NOTRIGGER mon=30 add=20 add=10",
        "5 deadline => 10
        15 deadline => 20
        25 deadline => 30
        35 end => #0 MONIT 0..10 0/0 BEF | #1 MONIT 10..20 0/0 BEF AFT | #2 MONIT 20..30 0/0 BEF AFT | #3 TERMR 30..35 0/0 AFT",
    ),
    row(
        "7.5.2.4",
        "an additional time has a threshold of its own",
        "VOLUM VOLTH vth=1000 mon=10 svth=500 add=20/svth=5",
        "11 limits => th=500
        21 limits => th=5
        22 up 5 => #0 MONIT 0..10 0/0 BEF | #1 MONIT 10..20 0/0 BEF AFT | #2 VOLTH 20..22 5/0 first=22 last=22 AFT",
    ),
    row(
        "7.5.2.4",
        "an additional time has quotas of its own",
        "VOLUM DURAT VOLQU TIMQU ISTM vqu=1000 tqu=1000 mon=10 add=20/svqu=5/stqu=7",
        "11 limits => qu=1000
        21 limits => qu=5
        27 => #0 MONIT 0..10 0/0 10s BEF | #1 MONIT 10..20 0/0 10s BEF AFT | #2 TIMQU 20..27 0/0 7s AFT",
    ),
    row(
        "7.5.2.4",
        "an additional time has an event threshold of its own",
        "EVENT EVETH eth=100 idt=1 add=20/seth=1",
        "1 up 1
        21 up 1 => #0 MONIT 0..20 first=1 last=1 BEF at=1 | #1 EVETH 20..21 first=21 last=21 AFT at=21",
    ),
    row(
        "8.2.15",
        "a Monitoring Time in the past is none",
        "VOLUM NOTRIGGER mon=-5 svth=7",
        "1 deadline => none
        2 end => #0 TERMR 0..2 0/0",
    ),
    row(
        "8.2.15",
        "a Monitoring Time that is now is none",
        "VOLUM NOTRIGGER mon=0",
        "1 deadline => none
        2 end => #0 TERMR 0..2 0/0",
    ),
    row(
        "7.5.5.2",
        "removal reports both parts",
        "VOLUM NOTRIGGER mon=10",
        "5 up 1
        15 remove 1 => #0 MONIT 0..10 1/0 first=5 last=5 BEF | #1 TERMR 10..15 0/0 AFT",
    ),
    row(
        "7.5.4.4",
        "another Monitoring Time by an update",
        "VOLUM NOTRIGGER mon=10",
        "5 update mon=20
        12 query => #0 IMMER 0..12 0/0
        25 query => #1 MONIT 12..20 0/0 BEF | #2 IMMER 20..25 0/0 AFT",
    ),
    row(
        "7.5.4.4",
        "subsequent amounts stay for the next Monitoring Time",
        "VOLUM VOLTH vth=1000 mon=10 svth=30",
        "12 update mon=20 vth=1000
        13 limits => th=1000
        22 up 30 => #0 MONIT 0..10 0/0 BEF | #1 MONIT 10..20 0/0 BEF AFT | #2 VOLTH 20..22 30/0 first=22 last=22 AFT",
    ),
    row(
        "8.2.45",
        "parts of a second are not lost at a Monitoring Time",
        "DURAT NOTRIGGER mon=10",
        "0.5 up 1
        11 query => #0 MONIT 0..10 9s first=0 last=0 BEF | #1 IMMER 10..11 1s AFT
        11.5 query => #2 IMMER 11..11 1s",
    ),
    row(
        "8.2.41",
        "a period that ends at the Monitoring Time",
        "VOLUM PERIO period=10 mon=10",
        "5 up 1
        10 => #0 MONIT 0..10 1/0 first=5 last=5 BEF | #1 PERIO 10..10 0/0 AFT",
    ),
    row(
        "8.2.15",
        "a Monitoring Time that is noticed late",
        "VOLUM NOTRIGGER mon=10",
        "3 up 100
        25 late
        26 query => #0 MONIT 0..10 100/0 first=3 last=3 BEF | #1 IMMER 10..26 0/0 AFT",
    ),
    row(
        "8.2.60",
        "before and after, before QoS enforcement, in packets",
        "VOLUM NOTRIGGER MBQE MNOP mon=10",
        "3 dropup 100
        12 up 50
        15 query => #0 MONIT 0..10 100/0 1/0p BEF UBE | #1 IMMER 10..15 50/0 1/0p first=12 last=12 AFT UBE",
    ),
    row(
        "8.2.15",
        "two times at once",
        "VOLUM NOTRIGGER mon=10 add=10",
        "15 query => #0 MONIT 0..10 0/0 BEF | #1 MONIT 10..10 0/0 BEF AFT | #2 IMMER 10..15 0/0 AFT",
    ),
    row(
        "7.5.8.3",
        "a note of a start leaves the parts to the next report of usage",
        "VOLUM START mon=10",
        "12 up 5 => #0 START
        13 query => #1 MONIT 0..10 0/0 BEF | #2 IMMER 10..13 5/0 first=12 last=12 AFT",
    ),
    row(
        "7.5.5.2",
        "the reference of a query is in both parts",
        "VOLUM NOTRIGGER mon=10",
        "15 query 1 7 => #0 MONIT 0..10 0/0 BEF ref=7 | #1 IMMER 10..15 0/0 AFT ref=7",
    ),
];
