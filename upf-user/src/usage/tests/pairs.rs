//! Two triggers of one URR: at once, and one after the other.

use super::script::{Row, row};

#[test]
fn rows() {
    super::check(ROWS);
}

pub(super) const ROWS: &[Row] = &[
    row(
        "8.2.41",
        "period and time threshold",
        "DURAT PERIO TIMTH ISTM period=10 tth=10",
        "10 => #0 PERIO+TIMTH 0..10 10s
        20 => #1 PERIO+TIMTH 10..20 10s",
    ),
    row(
        "8.2.41",
        "period and time quota",
        "DURAT PERIO TIMQU ISTM period=10 tqu=10",
        "10 => #0 PERIO+TIMQU 0..10 10s
        20 => #1 PERIO 10..20 10s",
    ),
    row(
        "8.2.41",
        "period and validity time",
        "VOLUM PERIO QUVTI period=10 vqu=9 valid=10",
        "10 => #0 PERIO+QUVTI 0..10 0/0",
    ),
    row(
        "8.2.41",
        "period and quota holding time",
        "VOLUM PERIO QUHTI period=10 vqu=9 hold=5",
        "5 up 1 => #0 QUHTI 0..5 0/0
        10 => #1 PERIO+QUHTI 5..10 1/0 first=5 last=5",
    ),
    row(
        "8.2.41",
        "period and stop of traffic: a report of usage",
        "VOLUM PERIO STOPT period=10 idt=5",
        "5 up 1
        10 => #0 PERIO+STOPT 0..10 1/0 first=5 last=5",
    ),
    row(
        "8.2.41",
        "period and start of traffic",
        "VOLUM PERIO START period=10",
        "10 up 1 => #0 PERIO 0..10 0/0 | #1 START
        20 => #2 PERIO 10..20 1/0 first=10 last=10",
    ),
    row(
        "8.2.41",
        "period and envelope",
        "VOLUM PERIO ENVCL period=10 idt=5",
        "5 up 1
        10 => #0 PERIO+ENVCL 0..10 1/0 first=5 last=5",
    ),
    row(
        "8.2.41",
        "period and user plane inactivity",
        "VOLUM PERIO UPINT period=10",
        "0 idle 10
        10 => #0 PERIO+UPINT 0..10 0/0
        20 => #1 PERIO 10..20 0/0",
    ),
    row(
        "8.2.41",
        "period and dropped traffic",
        "VOLUM PERIO DROTH period=10 dropp=1",
        "4 lost 9
        5 => #0 DROTH 0..5 0/0
        10 => #1 PERIO 5..10 0/0",
    ),
    row(
        "8.2.41",
        "period and volume quota",
        "VOLUM PERIO VOLQU period=10 vqu=10",
        "4 up 10 => #0 VOLQU 0..4 10/0 first=4 last=4
        10 => #1 PERIO 4..10 0/0",
    ),
    row(
        "8.2.41",
        "period and event threshold",
        "EVENT PERIO EVETH period=10 eth=1",
        "4 up 1 => #0 EVETH 0..4 first=4 last=4 at=4
        10 => #1 PERIO 4..10",
    ),
    row(
        "8.2.41",
        "volume threshold and volume quota",
        "VOLUM VOLTH VOLQU vth=100 vqu=100",
        "1 up 100 => #0 VOLTH+VOLQU 0..1 100/0 first=1 last=1",
    ),
    row(
        "8.2.41",
        "volume threshold before volume quota",
        "VOLUM VOLTH VOLQU vth=80 vqu=100",
        "1 up 80 => #0 VOLTH 0..1 80/0 first=1 last=1
        2 up 20 => #1 VOLQU 1..2 20/0 first=2 last=2",
    ),
    row(
        "8.2.41",
        "volume threshold and start of traffic: a report of usage",
        "VOLUM VOLTH START vth=5",
        "1 up 5 => #0 VOLTH+START 0..1 5/0 first=1 last=1",
    ),
    row(
        "8.2.41",
        "volume quota and start of traffic",
        "VOLUM VOLQU START vqu=5",
        "1 up 5 => #0 START+VOLQU 0..1 5/0 first=1 last=1",
    ),
    row(
        "8.2.41",
        "volume threshold and time threshold: each begins with each report",
        "VOLUM DURAT VOLTH TIMTH ISTM vth=10 tth=10",
        "4 up 10 => #0 VOLTH 0..4 10/0 4s first=4 last=4
        13
        14 => #1 TIMTH 4..14 0/0 10s",
    ),
    row(
        "8.2.41",
        "volume quota and time quota",
        "VOLUM DURAT VOLQU TIMQU ISTM vqu=10 tqu=10",
        "10 up 10 => #0 TIMQU 0..10 0/0 10s
        11 limits => qu=10 stopped",
    ),
    row(
        "8.2.41",
        "volume threshold and stop of traffic",
        "VOLUM VOLTH STOPT vth=10 idt=5",
        "1 up 4
        6 => #0 STOPT
        7 up 6 => #1 VOLTH 0..7 10/0 first=1 last=7
        12 => #2 STOPT",
    ),
    row(
        "8.2.41",
        "time threshold and time quota",
        "DURAT TIMTH TIMQU ISTM tth=10 tqu=10",
        "10 => #0 TIMTH+TIMQU 0..10 10s",
    ),
    row(
        "8.2.41",
        "time threshold before time quota",
        "DURAT TIMTH TIMQU ISTM tth=8 tqu=10",
        "8 => #0 TIMTH 0..8 8s
        10 => #1 TIMQU 8..10 2s
        18 => #2 TIMTH 10..18 8s",
    ),
    row(
        "8.2.41",
        "time threshold and validity time",
        "DURAT TIMTH QUVTI ISTM tth=10 tqu=99 valid=10",
        "10 => #0 TIMTH+QUVTI 0..10 10s",
    ),
    row(
        "8.2.41",
        "time threshold and quota holding time",
        "DURAT TIMTH QUHTI ISTM tth=10 tqu=99 hold=10",
        "10 => #0 TIMTH+QUHTI 0..10 10s",
    ),
    row(
        "8.2.41",
        "time threshold and stop of traffic: the silence is metered",
        "DURAT TIMTH STOPT tth=5 idt=5",
        "1 up 1
        6 => #0 TIMTH+STOPT 0..6 5s first=1 last=1",
    ),
    row(
        "8.2.41",
        "time quota and validity time",
        "DURAT TIMQU QUVTI ISTM tqu=10 valid=10",
        "10 => #0 TIMQU+QUVTI 0..10 10s",
    ),
    row(
        "8.2.41",
        "time quota and envelope",
        "DURAT TIMQU ENVCL tqu=5 idt=5",
        "1 up 1
        6 => #0 TIMQU+ENVCL 0..6 5s first=1 last=1",
    ),
    row(
        "8.2.41",
        "validity time and quota holding time: only validity where both end",
        "VOLUM QUVTI QUHTI vqu=9 valid=10 hold=10",
        "10 => #0 QUVTI 0..10 0/0
        50 deadline => none",
    ),
    row(
        "8.2.41",
        "quota holding time and stop of traffic",
        "VOLUM QUHTI STOPT vqu=9 hold=5 idt=5",
        "4 up 1
        9 => #0 QUHTI+STOPT 0..9 1/0 first=4 last=4",
    ),
    row(
        "8.2.41",
        "quota holding time and user plane inactivity",
        "VOLUM QUHTI UPINT vqu=9 hold=10",
        "0 idle 10
        10 => #0 QUHTI+UPINT 0..10 0/0",
    ),
    row(
        "8.2.41",
        "stop of traffic and user plane inactivity",
        "VOLUM STOPT UPINT idt=5",
        "0 idle 5
        1 up 1
        6 => #0 STOPT+UPINT 0..6 1/0 first=1 last=1",
    ),
    row(
        "8.2.41",
        "event threshold and volume threshold",
        "VOLUM EVENT EVETH VOLTH eth=2 vth=100 idt=1",
        "1 up 100 => #0 VOLTH 0..1 100/0 first=1 last=1 at=1
        3 up 1
        5 up 1 => #1 EVETH 1..5 2/0 first=3 last=5 at=3,5",
    ),
    row(
        "8.2.41",
        "dropped traffic and volume threshold: the one does not begin the other anew",
        "VOLUM DROTH VOLTH dropp=2 vth=100",
        "1 lost 5
        2 up 100 => #0 VOLTH 0..2 100/0 first=2 last=2
        3 lost 5
        4 => #1 DROTH 2..4 0/0",
    ),
    row(
        "8.2.41",
        "start and stop of traffic at once",
        "VOLUM START STOPT idt=5",
        "1 up 1 => #0 START
        20 late => #1 STOPT
        21 up 1 => #2 START",
    ),
    row(
        "8.2.41",
        "end marker and volume threshold",
        "VOLUM REEMR VOLTH vth=10",
        "1 up 5
        2 marker => #0 EMRRE 0..2 5/0 first=1 last=1
        3 up 10 => #1 VOLTH 2..3 10/0 first=3 last=3",
    ),
];
