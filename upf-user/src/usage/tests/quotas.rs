//! Quotas of volume and time, their validity and holding time.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "8.2.50",
        "a volume quota that is used up stops traffic",
        "VOLUM VOLQU vqu=1000",
        "1 up 999
        2 up 1 => #0 VOLQU 0..2 1000/0 first=2 last=2
        3 up 100
        4 limits => qu=1000 stopped
        5 end => #1 TERMR 2..5 0/0",
    ),
    row(
        "8.2.50",
        "a packet that does not fit ends a volume quota, and passes no more",
        "VOLUM VOLQU vqu=1000",
        "1 up 900
        2 up 101 => #0 VOLQU 0..2 900/0 first=1 last=1
        3 up 1
        4 limits => qu=1000 stopped
        5 update vqu=150
        5 limits => qu=1050
        6 up 150 => #1 VOLQU 2..6 150/0 first=6 last=6",
    ),
    row(
        "8.2.50",
        "a packet that does not fit into the downlink's quota",
        "VOLUM VOLQU vqu=t5000,d100",
        "1 up 900
        2 down 101 => #0 VOLQU 0..2 900/0 first=1 last=1
        3 up 1
        4 end => #1 TERMR 2..4 0/0",
    ),
    row(
        "8.2.50",
        "a packet that did not fit into an older quota ends no new one",
        "VOLUM VOLQU vqu=1000",
        "1 up 1000 => #0 VOLQU 0..1 1000/0 first=1 last=1
        2 update vqu=100000
        3 full
        4 limits => qu=101000
        5 up 500
        6 end => #1 TERMR 1..6 500/0 first=5 last=5",
    ),
    row(
        "8.2.19",
        "a packet that does not fit stops traffic without the trigger, too",
        "VOLUM NOTRIGGER vqu=100",
        "1 up 101
        2 limits => qu=100 stopped
        3 query => #0 IMMER 0..3 0/0",
    ),
    row(
        "5.2.2.2",
        "a new volume quota lifts the stop",
        "VOLUM VOLQU vqu=1000",
        "1 up 1000 => #0 VOLQU 0..1 1000/0 first=1 last=1
        2 update vqu=500
        2 limits => qu=1500
        3 up 500 => #1 VOLQU 1..3 500/0 first=3 last=3",
    ),
    row(
        "8.2.50",
        "an uplink quota stops both directions",
        "VOLUM VOLQU vqu=u100",
        "1 down 900
        2 up 100 => #0 VOLQU 0..2 100/900 first=1 last=2
        3 down 5
        4 query => #1 IMMER 2..4 0/0",
    ),
    row(
        "8.2.50",
        "a downlink quota",
        "VOLUM VOLQU vqu=d100",
        "1 up 900
        2 down 100 => #0 VOLQU 0..2 900/100 first=1 last=2",
    ),
    row(
        "8.2.50",
        "whichever of two quotas is exhausted",
        "VOLUM VOLQU vqu=t1000,d100",
        "1 down 100 => #0 VOLQU 0..1 0/100 first=1 last=1
        2 update vqu=t50,d100
        3 up 50 => #1 VOLQU 1..3 50/0 first=3 last=3",
    ),
    row(
        "5.2.2.3",
        "reports do not give a volume quota back",
        "VOLUM VOLQU vqu=1000",
        "1 up 600
        2 query => #0 IMMER 0..2 600/0 first=1 last=1
        3 up 400 => #1 VOLQU 2..3 400/0 first=3 last=3",
    ),
    row(
        "8.2.50",
        "a volume quota of zero is exhausted at once",
        "VOLUM VOLQU vqu=0",
        "0 => #0 VOLQU 0..0 0/0
        1 up 5
        2 limits => qu=0 stopped
        3 update vqu=10
        4 up 10 => #1 VOLQU 0..4 10/0 first=4 last=4",
    ),
    row(
        "8.2.19",
        "a volume quota without its trigger stops all the same",
        "VOLUM NOTRIGGER vqu=100",
        "1 up 100
        2 up 100
        3 query => #0 IMMER 0..3 100/0 first=1 last=1",
    ),
    row(
        "8.2.50",
        "the largest volume quota is none",
        "VOLUM VOLQU vqu=max",
        "1 up 100
        2 limits
        3 query => #0 IMMER 0..3 100/0 first=1 last=1",
    ),
    row(
        "7.5.4.4",
        "what is left of an old quota is gone with a new one",
        "VOLUM VOLQU vqu=1000",
        "1 up 900
        2 update vqu=50
        3 up 49
        4 up 1 => #0 VOLQU 0..4 950/0 first=1 last=4",
    ),
    row(
        "7.5.4.4",
        "a quota that an update leaves out goes on",
        "VOLUM VOLQU vqu=1000",
        "1 up 900
        2 update MNOP
        3 up 100 => #0 VOLQU 0..3 1000/0 2/0p first=1 last=3",
    ),
    row(
        "8.2.50",
        "exhaustion is told once",
        "VOLUM VOLQU vqu=100",
        "1 up 100 => #0 VOLQU 0..1 100/0 first=1 last=1
        2 mark
        3 up 1
        4 end => #1 TERMR 1..4 0/0",
    ),
    row(
        "8.2.68",
        "a quota before QoS enforcement",
        "VOLUM VOLQU MBQE vqu=100",
        "1 dropup 60
        2 up 40 => #0 VOLQU 0..2 100/0 first=2 last=2 UBE",
    ),
    row(
        "8.2.68",
        "a quota before QoS enforcement that what is held back uses up",
        "VOLUM VOLQU MBQE vqu=100",
        "1.5 dropup 60
        1.6 dropup 60
        1.9 up 60
        2 => #0 VOLQU 0..2 180/0 first=1 last=1 UBE
        3 limits => qu=60 stopped
        4 deadline => none",
    ),
    row(
        "8.2.68",
        "a quota before QoS enforcement after a new one",
        "VOLUM VOLQU MBQE vqu=100",
        "1.5 dropup 60
        1.6 dropup 60
        2 => #0 VOLQU 0..2 120/0 UBE
        3 update vqu=50
        3.5 dropup 20
        4 limits => qu=30
        5 up 30 => #1 VOLQU 2..5 50/0 first=5 last=5 UBE",
    ),
    row(
        "8.2.68",
        "an inactive measurement uses no quota",
        "VOLUM VOLQU vqu=100",
        "1 up 60
        2 update INAM
        2 limits
        3 up 900
        4 update NOINFO
        4 limits => qu=1000
        5 up 40 => #0 VOLQU 0..5 100/0 first=1 last=5",
    ),
    row(
        "8.2.51",
        "a time quota",
        "DURAT TIMQU ISTM tqu=10",
        "10 => #0 TIMQU 0..10 10s
        11 limits => stopped
        20 update tqu=5
        20 limits
        25 => #1 TIMQU 10..25 15s
        25 limits => stopped",
    ),
    row(
        "8.2.51",
        "a time quota with an Inactivity Detection Time",
        "DURAT TIMQU idt=2 tqu=5",
        "1 up 1
        10 up 1
        20 up 1
        21 => #0 TIMQU 0..21 5s first=1 last=20",
    ),
    row(
        "8.2.51",
        "a time quota of zero is exhausted at once",
        "DURAT TIMQU tqu=0",
        "0 => #0 TIMQU 0..0 0s
        1 limits => stopped tells",
    ),
    row(
        "5.2.2.3",
        "reports do not give a time quota back",
        "DURAT TIMQU ISTM tqu=10",
        "6 query => #0 IMMER 0..6 6s
        10 => #1 TIMQU 6..10 4s",
    ),
    row(
        "8.2.19",
        "a time quota without its trigger stops all the same",
        "DURAT NOTRIGGER ISTM tqu=10",
        "9 limits
        10 limits => stopped
        11 deadline => none",
    ),
    row(
        "8.2.51",
        "the largest time quota",
        "DURAT TIMQU ISTM tqu=max",
        "1 deadline => 4294967295",
    ),
    row(
        "5.2.2.2",
        "one quota's refill does not lift the stop of another",
        "VOLUM DURAT VOLQU TIMQU ISTM vqu=100 tqu=10",
        "1 up 100 => #0 VOLQU 0..1 100/0 1s first=1 last=1
        2 update vqu=100
        10 => #1 TIMQU 1..10 0/0 9s
        11 update vqu=100
        11 limits => qu=200 stopped
        12 update tqu=5
        12 limits => qu=200",
    ),
    row(
        "8.2.132",
        "a quota's validity ends",
        "VOLUM QUVTI vqu=1000 valid=10",
        "1 up 5
        10 => #0 QUVTI 0..10 5/0 first=1 last=1
        11 up 5
        12 limits => qu=1000 stopped
        13 update vqu=100
        13 limits => qu=105
        22
        23 => #1 QUVTI 10..23 0/0",
    ),
    row(
        "8.2.132",
        "a new quota has its own validity",
        "VOLUM QUVTI vqu=1000 valid=10",
        "8 update vqu=50
        17
        18 => #0 QUVTI 0..18 0/0",
    ),
    row(
        "8.2.132",
        "a new validity time counts from the update",
        "VOLUM QUVTI vqu=1000 valid=10",
        "8 update valid=5
        13 => #0 QUVTI 0..13 0/0
        14 update valid=5
        14 limits => qu=1000
        19 => #1 QUVTI 13..19 0/0",
    ),
    row(
        "8.2.132",
        "an update of something else does not prolong the validity",
        "VOLUM QUVTI vqu=1000 valid=10",
        "8 update vth=5
        10 => #0 QUVTI 0..10 0/0",
    ),
    row(
        "8.2.132",
        "a validity time of zero is none",
        "VOLUM QUVTI vqu=1000 valid=0",
        "5 deadline => none
        6 limits => qu=1000",
    ),
    row(
        "8.2.19",
        "a validity that ends without its trigger stops all the same",
        "VOLUM NOTRIGGER vqu=100 valid=10",
        "9 limits => qu=100
        9 deadline => 10
        10 limits => qu=100 stopped
        10 deadline => none",
    ),
    row(
        "8.2.48",
        "the quota holding time is told once after each packet",
        "VOLUM QUHTI vqu=1000 hold=10",
        "3 up 1
        12
        13 => #0 QUHTI 0..13 1/0 first=3 last=3
        14 limits => qu=1000 tells
        30 up 1
        40 => #1 QUHTI 13..40 1/0 first=30 last=30",
    ),
    row(
        "8.2.48",
        "a new quota begins the quota holding time anew",
        "VOLUM QUHTI vqu=1000 hold=10",
        "8 update vqu=5
        18 => #0 QUHTI 0..18 0/0
        20 update vqu=5
        30 => #1 QUHTI 18..30 0/0",
    ),
    row(
        "8.2.48",
        "no quota holding time while traffic is stopped",
        "VOLUM VOLQU QUHTI vqu=10 hold=5",
        "1 up 10 => #0 VOLQU 0..1 10/0 first=1 last=1
        30 deadline => none",
    ),
    row(
        "8.2.48",
        "a quota holding time of zero is none",
        "VOLUM QUHTI vqu=10 hold=0",
        "30 deadline => none",
    ),
    row(
        "8.2.19",
        "a quota holding time without its trigger is not reported",
        "VOLUM NOTRIGGER vqu=10 hold=5",
        "30 deadline => none",
    ),
];
