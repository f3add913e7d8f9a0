//! What the fast path is told to do.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "5.2.2.2",
        "marks of all limits",
        "VOLUM VOLTH VOLQU vth=t10,u20,d30 vqu=t40,u50,d60",
        "0 limits => th=10 thu=20 thd=30 qu=40 quu=50 qud=60",
    ),
    row(
        "5.2.2.3",
        "marks are totals since the URR began",
        "VOLUM VOLTH VOLQU vth=100 vqu=1000",
        "1 up 150 => #0 VOLTH 0..1 150/0 first=1 last=1
        2 limits => th=250 qu=1000
        3 down 100 => #1 VOLTH 1..3 0/100 first=3 last=3
        4 limits => th=350 qu=1000",
    ),
    row(
        "5.2.2.3",
        "marks of thresholds move with each report, those of quotas do not",
        "VOLUM VOLTH VOLQU vth=100 vqu=1000",
        "1 up 50
        2 limits => th=100 qu=1000
        3 query => #0 IMMER 0..3 50/0 first=1 last=1
        4 limits => th=150 qu=1000",
    ),
    row(
        "8.2.68",
        "marks before QoS enforcement",
        "VOLUM VOLTH MBQE vth=100",
        "1 dropup 30
        2 limits => th=70
        2.5 up 20
        3 limits => th=70
        3.5 dropup 10
        3.6 limits => th=70
        4 limits => th=60
        5 update NOINFO
        6 limits => th=60",
    ),
    row(
        "8.2.68",
        "no marks during an inactive measurement",
        "VOLUM VOLTH VOLQU START INAM vth=100 vqu=500",
        "1 up 900
        2 limits
        3 update NOINFO
        3 limits => th=1000 qu=1400 tells",
    ),
    row(
        "8.2.40",
        "no marks of volume that is not measured",
        "DURAT NOTRIGGER ISTM vth=100 vqu=500",
        "1 limits
        2 query => #0 IMMER 0..2 2s",
    ),
    row(
        "8.2.49",
        "dropped traffic is looked at each second",
        "VOLUM DROTH dropp=3 dropb=100",
        "1 deadline => 2
        1.3 lost 150
        2 => #0 DROTH 0..2 0/0
        2.4 deadline => 3",
    ),
    row(
        "8.2.18",
        "the next packet matters while time stands still",
        "DURAT NOTRIGGER idt=3",
        "0 limits => tells
        1 up 1
        2 limits
        4 limits => tells
        5 deadline => none",
    ),
    row(
        "8.2.19",
        "the next packet matters before a start",
        "VOLUM START idt=3",
        "0 limits => tells
        1 up 1 => #0 START
        1 limits
        3 deadline => 4
        4 limits => tells",
    ),
    row(
        "8.2.13",
        "marks at the end of all numbers",
        "VOLUM VOLTH VOLQU vth=18446744073709551614 vqu=18446744073709551614",
        "1 up 10
        2 update vth=18446744073709551614
        3 limits => th=18446744073709551615 qu=18446744073709551614",
    ),
];
