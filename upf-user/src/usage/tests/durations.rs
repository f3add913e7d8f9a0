//! Metering of time, and time thresholds.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "5.2.2.2",
        "time begins with the first packet and goes on",
        "DURAT TIMTH tth=10",
        "5 up 1
        14
        15 => #0 TIMTH 0..15 10s first=5 last=5
        25 => #1 TIMTH 15..25 10s",
    ),
    row(
        "8.2.68",
        "time begins at once with ISTM",
        "DURAT TIMTH ISTM tth=10",
        "10 => #0 TIMTH 0..10 10s
        20 => #1 TIMTH 10..20 10s",
    ),
    row(
        "5.2.2.2",
        "no packets, no time",
        "DURAT TIMTH tth=10",
        "50 deadline => none
        100 end => #0 TERMR 0..100 0s",
    ),
    row(
        "8.2.18",
        "silences longer than the Inactivity Detection Time are not metered",
        "DURAT TIMTH idt=3 tth=10",
        "1 up 1
        20 up 1
        22 up 1
        30 up 1
        31
        32 => #0 TIMTH 0..32 10s first=1 last=30",
    ),
    row(
        "8.2.18",
        "the Inactivity Detection Time itself is metered",
        "DURAT NOTRIGGER idt=3",
        "1 up 1
        50 query => #0 IMMER 0..50 3s first=1 last=1",
    ),
    row(
        "8.2.18",
        "silences shorter than the Inactivity Detection Time are metered",
        "DURAT NOTRIGGER idt=3",
        "1 up 1
        3 down 1
        5 up 1
        6 query => #0 IMMER 0..6 5s first=1 last=5",
    ),
    row(
        "8.2.68",
        "ISTM with an Inactivity Detection Time",
        "DURAT NOTRIGGER ISTM idt=3",
        "50 query => #0 IMMER 0..50 3s
        60 up 1
        61 query => #1 IMMER 50..61 1s first=60 last=60",
    ),
    row(
        "8.2.18",
        "an Inactivity Detection Time of zero is none",
        "DURAT NOTRIGGER idt=0",
        "1 up 1
        50 query => #0 IMMER 0..50 49s first=1 last=1",
    ),
    row(
        "8.2.18",
        "a shorter Inactivity Detection Time by an update",
        "DURAT NOTRIGGER idt=10",
        "1 up 1
        4 update idt=2
        20 query => #0 IMMER 0..20 3s first=1 last=1",
    ),
    row(
        "8.2.18",
        "a longer Inactivity Detection Time by an update",
        "DURAT NOTRIGGER idt=2",
        "1 up 1
        2 update idt=10
        20 query => #0 IMMER 0..20 10s first=1 last=1",
    ),
    row(
        "8.2.45",
        "parts of a second go into the next report",
        "DURAT NOTRIGGER ISTM",
        "1.5 query => #0 IMMER 0..1 1s
        3 query => #1 IMMER 1..3 2s",
    ),
    row(
        "8.2.14",
        "a threshold from the middle of a second on",
        "DURAT TIMTH tth=2",
        "5.5 up 1
        7.4
        7.5 => #0 TIMTH 0..7 2s first=5 last=5",
    ),
    row(
        "8.2.19",
        "a time threshold without its trigger is not reported",
        "DURAT NOTRIGGER ISTM tth=5",
        "9 deadline => none
        10 query => #0 IMMER 0..10 10s",
    ),
    row(
        "8.2.14",
        "a time threshold of zero is none",
        "DURAT TIMTH ISTM tth=0",
        "1 deadline => none
        2 query => #0 IMMER 0..2 2s",
    ),
    row(
        "8.2.14",
        "the largest time threshold",
        "DURAT TIMTH ISTM tth=max",
        "1 deadline => 4294967295",
    ),
    row(
        "7.5.4.4",
        "a new time threshold counts from the update",
        "DURAT TIMTH ISTM tth=10",
        "8 update tth=10
        17
        18 => #0 TIMTH 0..18 18s",
    ),
    row(
        "5.2.2.3",
        "a time threshold counts anew after an immediate report",
        "DURAT TIMTH ISTM tth=10",
        "8 query => #0 IMMER 0..8 8s
        17
        18 => #1 TIMTH 8..18 10s",
    ),
    row(
        "8.2.68",
        "an inactive measurement stops the time",
        "DURAT TIMTH ISTM tth=10",
        "5 update INAM ISTM
        6 deadline => none
        100 update ISTM
        104
        105 => #0 TIMTH 0..105 10s",
    ),
    row(
        "8.2.68",
        "packets during an inactive measurement do not start the time",
        "DURAT NOTRIGGER INAM",
        "5 up 1
        10 update NOINFO
        12 up 1
        15 query => #0 IMMER 0..15 3s first=12 last=12",
    ),
    row(
        "8.2.40",
        "duration is added by an update",
        "VOLUM NOTRIGGER",
        "1 up 10
        5 update VOLUM DURAT
        6 up 10
        9 query => #0 IMMER 0..9 20/0 3s first=1 last=6",
    ),
    row(
        "8.2.40",
        "duration is taken away by an update, and what was metered is reported",
        "VOLUM DURAT NOTRIGGER ISTM",
        "5 update VOLUM
        9 query => #0 IMMER 0..9 0/0 5s
        10 query => #1 IMMER 9..10 0/0",
    ),
    row(
        "8.2.68",
        "ISTM by an update",
        "DURAT NOTRIGGER",
        "5 update ISTM
        9 query => #0 IMMER 0..9 4s",
    ),
    row(
        "5.2.2.2",
        "a report that is late tells all time until then",
        "DURAT TIMTH ISTM tth=10",
        "25 late => #0 TIMTH 0..25 25s
        35 => #1 TIMTH 25..35 10s",
    ),
    row(
        "8.2.40",
        "volume and duration together",
        "VOLUM DURAT NOTRIGGER",
        "2 up 5
        7 end => #0 TERMR 0..7 5/0 5s first=2 last=2",
    ),
];
