//! Volume thresholds, dropped traffic, and how volume is measured.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "8.2.13",
        "a threshold of both directions together",
        "VOLUM VOLTH vth=1000",
        "1 up 400
        3 down 600 => #0 VOLTH 0..3 400/600 first=1 last=3
        4 up 999
        5 down 1 => #1 VOLTH 3..5 999/1 first=4 last=5",
    ),
    row(
        "8.2.13",
        "a threshold of the uplink",
        "VOLUM VOLTH vth=u500",
        "1 down 5000
        2 up 499
        3 up 1 => #0 VOLTH 0..3 500/5000 first=1 last=3",
    ),
    row(
        "8.2.13",
        "a threshold of the downlink",
        "VOLUM VOLTH vth=d500",
        "1 up 900
        2 down 500 => #0 VOLTH 0..2 900/500 first=1 last=2",
    ),
    row(
        "8.2.13",
        "whichever of two thresholds is reached",
        "VOLUM VOLTH vth=t1000,u300",
        "1 up 300 => #0 VOLTH 0..1 300/0 first=1 last=1
        2 down 1000 => #1 VOLTH 1..2 0/1000 first=2 last=2",
    ),
    row(
        "8.2.13",
        "three thresholds, all reached by one report",
        "VOLUM VOLTH vth=t200,u100,d100",
        "1 up 99
        2 down 99
        3 up 1 => #0 VOLTH 0..3 100/99 first=2 last=3
        4 down 99
        5 down 1 => #1 VOLTH 3..5 0/100 first=5 last=5",
    ),
    row(
        "5.2.2.3",
        "the next threshold counts from the report, not from the last mark",
        "VOLUM VOLTH vth=1000",
        "1 up 5000 => #0 VOLTH 0..1 5000/0 first=1 last=1
        2 up 999
        3 up 1 => #1 VOLTH 1..3 1000/0 first=3 last=3",
    ),
    row(
        "5.2.2.3",
        "a threshold counts anew after an immediate report",
        "VOLUM VOLTH vth=1000",
        "1 up 900
        2 query => #0 IMMER 0..2 900/0 first=1 last=1
        3 up 999
        4 up 1 => #1 VOLTH 2..4 1000/0 first=4 last=4",
    ),
    row(
        "5.2.2.3",
        "a threshold counts anew after a periodic report",
        "VOLUM VOLTH PERIO vth=1000 period=10",
        "1 up 900
        10 => #0 PERIO 0..10 900/0 first=1 last=1
        11 up 999
        12 up 1 => #1 VOLTH 10..12 1000/0 first=12 last=12",
    ),
    row(
        "8.2.19",
        "a threshold without its trigger is not reported",
        "VOLUM NOTRIGGER vth=100",
        "1 up 500
        2 end => #0 TERMR 0..2 500/0 first=1 last=1",
    ),
    row(
        "8.2.13",
        "a threshold of zero is none",
        "VOLUM VOLTH vth=0",
        "1 up 500
        2 limits
        3 end => #0 TERMR 0..3 500/0 first=1 last=1",
    ),
    row(
        "8.2.13",
        "a threshold of zero beside another",
        "VOLUM VOLTH vth=t0,u100",
        "0 limits => thu=100
        1 down 500
        2 up 100 => #0 VOLTH 0..2 100/500 first=1 last=2",
    ),
    row(
        "8.2.13",
        "the largest threshold is none",
        "VOLUM VOLTH vth=max",
        "1 up 500
        2 limits
        3 query => #0 IMMER 0..3 500/0 first=1 last=1",
    ),
    row(
        "7.5.4.4",
        "a new threshold counts from the update",
        "VOLUM VOLTH vth=1000",
        "1 up 900
        2 update vth=500
        3 up 499
        4 up 1 => #0 VOLTH 0..4 1400/0 first=1 last=4",
    ),
    row(
        "7.5.4.4",
        "a threshold that an update leaves out stays",
        "VOLUM VOLTH vth=1000",
        "1 up 900
        2 update MNOP
        3 up 100 => #0 VOLTH 0..3 1000/0 2/0p first=1 last=3",
    ),
    row(
        "7.5.4.4",
        "a trigger that is added to a threshold already reached",
        "VOLUM NOTRIGGER vth=100",
        "1 up 500
        2 update VOLTH => #0 VOLTH 0..2 500/0 first=1 last=1",
    ),
    row(
        "7.5.4.4",
        "a trigger that is taken away",
        "VOLUM VOLTH vth=100",
        "1 update NOTRIGGER
        2 up 100
        3 end => #0 TERMR 0..3 100/0 first=2 last=2",
    ),
    row(
        "8.2.68",
        "packets are counted with MNOP",
        "VOLUM VOLTH MNOP vth=300",
        "1 up 100
        2 down 100
        3 down 100 => #0 VOLTH 0..3 100/200 1/2p first=1 last=3",
    ),
    row(
        "8.2.68",
        "before QoS enforcement with MBQE",
        "VOLUM VOLTH MBQE vth=300",
        "1 up 100
        2 dropup 100
        3.5 dropdown 100
        3.9
        4 => #0 VOLTH 0..4 200/100 first=1 last=1 UBE",
    ),
    row(
        "8.2.68",
        "before QoS enforcement, where nothing is held back, to the packet",
        "VOLUM VOLTH MBQE vth=300",
        "1.1 up 100
        1.2 up 199
        1.3 up 1 => #0 VOLTH 0..1 300/0 first=1 last=1 UBE",
    ),
    row(
        "8.2.68",
        "before QoS enforcement nothing is looked at without a limit",
        "VOLUM VOLTH MBQE vth=0",
        "1 dropup 100
        2 deadline => none
        3 query => #0 IMMER 0..3 100/0 UBE",
    ),
    row(
        "8.2.68",
        "before QoS enforcement nothing is looked at during an inactive measurement",
        "VOLUM VOLTH MBQE INAM vth=10",
        "1 dropup 100
        2 deadline => none",
    ),
    row(
        "8.2.68",
        "after QoS enforcement without MBQE",
        "VOLUM VOLTH vth=300",
        "1 up 100
        2 dropup 300
        3 up 200 => #0 VOLTH 0..3 300/0 first=3 last=3",
    ),
    row(
        "8.2.68",
        "MBQE from an update on",
        "VOLUM VOLTH vth=300",
        "1 dropup 1000
        2 update MBQE
        3 dropup 299
        4 up 1 => #0 VOLTH 0..4 300/0 first=4 last=4 UBE",
    ),
    row(
        "8.2.68",
        "MBQE until an update",
        "VOLUM VOLTH MBQE vth=300",
        "1 dropup 200
        2 update NOINFO
        3 dropup 500
        4 up 100 => #0 VOLTH 0..4 300/0 first=4 last=4",
    ),
    row(
        "8.2.68",
        "an inactive measurement counts nothing, and goes on where it was",
        "VOLUM VOLTH vth=300",
        "1 up 200
        2 update INAM
        3 up 5000
        4 update NOINFO
        5 up 99
        6 up 1 => #0 VOLTH 0..6 300/0 first=1 last=6",
    ),
    row(
        "8.2.68",
        "a measurement that begins inactive",
        "VOLUM VOLTH INAM vth=300",
        "1 up 5000
        2 query => #0 IMMER 0..2 0/0
        3 update NOINFO
        4 up 300 => #1 VOLTH 2..4 300/0 first=4 last=4",
    ),
    row(
        "8.2.49",
        "dropped downlink packets",
        "VOLUM DROTH dropp=2",
        "1.5 lost 100
        2.5 lost 50
        3 => #0 DROTH 0..3 0/0
        3.5 lost 1
        3.6 lost 1
        3.9
        4 => #1 DROTH 3..4 0/0",
    ),
    row(
        "8.2.49",
        "dropped downlink bytes",
        "VOLUM DROTH dropb=1000",
        "1 lost 999
        2 up 70
        3 lost 1
        4 => #0 DROTH 0..4 70/0 first=2 last=2",
    ),
    row(
        "8.2.49",
        "dropped packets or bytes, whichever is reached",
        "VOLUM DROTH dropp=3 dropb=100",
        "1 lost 100
        2 => #0 DROTH 0..2 0/0
        3 lost 1
        4 lost 1
        5 lost 1
        6 => #1 DROTH 2..6 0/0",
    ),
    row(
        "8.2.49",
        "dropped traffic counts on over other reports",
        "VOLUM DROTH dropp=2",
        "1 lost 10
        2 query => #0 IMMER 0..2 0/0
        3 lost 10
        4 => #1 DROTH 2..4 0/0",
    ),
    row(
        "7.5.4.4",
        "a new threshold of dropped traffic counts from the update",
        "VOLUM DROTH dropp=2",
        "1 lost 10
        2 update dropp=2
        3 lost 10
        4 lost 10
        5 => #0 DROTH 0..5 0/0",
    ),
    row(
        "8.2.49",
        "thresholds of zero of dropped traffic are none",
        "VOLUM DROTH dropp=0 dropb=0",
        "1 lost 10
        2 deadline => none
        3 end => #0 TERMR 0..3 0/0",
    ),
    row(
        "8.2.49",
        "dropped uplink traffic does not count",
        "VOLUM DROTH dropp=1",
        "1 dropup 10
        2 dropdown 10
        3 => #0 DROTH 0..3 0/0",
    ),
    row(
        "8.2.49",
        "a threshold of dropped traffic without its trigger is not looked at",
        "VOLUM NOTRIGGER dropp=1",
        "1 lost 10
        2 deadline => none
        3 end => #0 TERMR 0..3 0/0",
    ),
    row(
        "8.2.133",
        "dropped traffic is not looked at beyond the Number of Reports",
        "VOLUM DROTH dropp=1 reports=1",
        "0.5 lost 10
        1 => #0 DROTH 0..1 0/0
        2 deadline => none",
    ),
    row(
        "8.2.49",
        "reports of others do not put the look at dropped traffic off",
        "VOLUM DROTH dropp=1;2: VOLUM VOLTH vth=10",
        "0.5 lost 1: 10
        0.9 up 2: 10 => 2#0 VOLTH 0..0 10/0 first=0 last=0
        1 => #0 DROTH 0..1 0/0",
    ),
];
