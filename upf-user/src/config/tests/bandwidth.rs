//! Speed classes, customers, markings, and one row for each kind of error.

use super::*;
use crate::bandwidth::{ClassId, CustomerId};

const BANDWIDTH: &str = r#"[bandwidth]
default_class = "s1.slow"
ecn = false
[speed_class."s1.slow"]
uplink = "128 kbit/s"
downlink = "1.5 Mbit/s"
depth = "50 ms"
[speed_class.gold]
ecn = true
[customer."acme"]
uplink = "1 Gbit/s"
[customer.plain]
[[customer_rule]]
customer = "acme"
imsi = ["001010000000000", "001010000099999"]
dnn = "iot.acme"
[[customer_rule]]
customer = "plain"
imsi = ["001010000100000"]
[[marking]]
qfi = 5
inner_dscp = 46
[[marking]]
qfi = 63
inner_dscp = 0
"#;

#[test]
fn classes_customers_and_rules_are_read_in_their_order() {
    let config = sample_and(BANDWIDTH).unwrap();
    let Bandwidth {
        ecn,
        classes,
        default_class,
        customers,
        rules,
    } = &config.bandwidth;
    assert_eq!((*ecn, *default_class), (false, Some(ClassId(1))));
    let [slow, gold] = &classes[..] else {
        panic!("{classes:?}");
    };
    assert_eq!((&*slow.name, &*gold.name), ("s1.slow", "gold"));
    let rates = (slow.limit.uplink_bps, slow.limit.downlink_bps);
    assert_eq!(rates, (Some(128_000), Some(1_500_000)));
    let depths = [slow, gold].map(|class| class.limit.depth.as_millis());
    assert_eq!(depths, [50, 300]);
    assert_eq!((slow.limit.ecn, gold.limit.ecn), (false, true));
    assert_eq!(
        (gold.limit.uplink_bps, gold.limit.downlink_bps),
        (None, None)
    );
    let [(acme, limit), (plain, none)] = &customers[..] else {
        panic!("{customers:?}");
    };
    assert_eq!((&*acme.0, &*plain.0), ("acme", "plain"));
    assert_eq!((none.uplink_bps, none.downlink_bps), (None, None));
    assert_eq!(
        (limit.uplink_bps, limit.downlink_bps),
        (Some(1_000_000_000), None)
    );
    let imsi = |text: &str| text.parse().unwrap();
    let ranges: Vec<_> = rules.iter().map(|rule| rule.imsis).collect();
    let one = imsi("001010000100000");
    let range = (imsi("001010000000000"), imsi("001010000099999"));
    assert_eq!(ranges, [Some(range), Some((one, one))]);
    assert_eq!(rules[0].customer, CustomerId("acme".into()));
    let dnns = [rules[0].dnn.as_deref(), rules[1].dnn.as_deref()];
    assert_eq!(dnns, [Some("iot.acme"), None]);
    let markings = [(5, 46), (63, 0)].map(|(qfi, inner_dscp)| Marking { qfi, inner_dscp });
    assert_eq!(config.markings, markings);
    let summary = config.summary();
    for line in [
        "class      s1.slow: up 128 kbit/s, down 1.5 Mbit/s, depth 50ms, the default",
        "class      gold: up no limit, down no limit, depth 300ms, ECN",
        "customer   acme: up 1 Gbit/s, down no limit, depth 300ms",
        "customer   plain: up no limit, down no limit, depth 300ms",
        "customer   acme: SIMs 001010000000000 to 001010000099999 of iot.acme",
        "marking    QFI 5: inner DSCP 46",
    ] {
        assert!(summary.lines().any(|l| l == line), "{line} in\n{summary}");
    }
}

#[test]
fn without_all_of_it_there_are_no_limits_but_those_of_rules() {
    let config = Config::parse(SAMPLE).unwrap();
    assert_eq!(config.bandwidth, Bandwidth::default());
    assert!(config.bandwidth.ecn && config.markings.is_empty());
}

#[test]
fn as_many_limits_as_sessions_unless_told_otherwise() {
    let limits = |text| Config::parse(&with(27, text)).unwrap().capacity.limits;
    assert_eq!(limits("sessions = 5000"), 5000);
    assert_eq!(limits("sessions = 5000\nlimits = 300_000"), 300_000);
    refused(27, "limits = 0", "capacity.limits", "write 1 to 16777216");
    refused(
        27,
        "limits = \"many\"",
        "capacity.limits",
        "limits = 100_000",
    );
}

#[test]
fn what_cannot_be() {
    let long = format!("[speed_class.\"{}\"]", "x".repeat(64));
    let rows = [
        (
            "[bandwidth]\ndefault_class = \"a\"",
            "bandwidth.default_class",
            "add [speed_class.\"a\"]",
        ),
        (
            "[bandwidth]\necn = \"yes\"",
            "bandwidth.ecn",
            "write ecn = true",
        ),
        (
            "[bandwidth]\nclass = \"a\"",
            "bandwidth.class",
            "unknown key",
        ),
        (
            "[speed_class.a]\nuplink = \"fast\"",
            "speed_class.\"a\".uplink",
            "like \"128 kbit/s\"",
        ),
        (
            "[speed_class.a]\nuplink = 128",
            "speed_class.\"a\".uplink",
            "write uplink = \"128 kbit/s\"",
        ),
        (
            "[speed_class.a]\nuplink = \"7 kbit/s\"",
            "speed_class.\"a\".uplink",
            "between 8 kbit/s and 400 Gbit/s",
        ),
        (
            "[speed_class.a]\ndownlink = \"1 Tbit/s\"",
            "speed_class.\"a\".downlink",
            "kbit/s",
        ),
        (
            "[speed_class.a]\ndepth = \"0 ms\"",
            "speed_class.\"a\".depth",
            "write 1 ms to 60 s",
        ),
        (
            "[speed_class.a]\ndepth = \"61 s\"",
            "speed_class.\"a\".depth",
            "write 1 ms to 60 s",
        ),
        (
            "[speed_class.a]\ndepth = \"deep\"",
            "speed_class.\"a\".depth",
            "like \"50 ms\"",
        ),
        (
            "[speed_class.a]\nspeed = 1",
            "speed_class.\"a\".speed",
            "unknown key",
        ),
        (
            "[speed_class.\"a b\"]",
            "speed_class.\"a b\"",
            "1 to 63 letters",
        ),
        (long.as_str(), &long[1..long.len() - 1], "1 to 63 letters"),
        (
            "[speed_class.s1.slow]",
            "speed_class.\"s1\"",
            "write [speed_class.\"s1.slow\"]",
        ),
        (
            "[[speed_class]]\nname = \"a\"",
            "speed_class",
            "write [speed_class.\"name\"]",
        ),
        (
            "[speed_class]\na = 5",
            "speed_class.\"a\"",
            "write [speed_class.\"a\"]",
        ),
        (
            "[customer.a]\nuplink = \"1 bit/s\"",
            "customer.\"a\".uplink",
            "8 kbit/s",
        ),
        (
            "[[customer_rule]]\ndnn = \"x\"",
            "customer_rule[0].customer",
            "missing",
        ),
        (
            "[[customer_rule]]\ncustomer = \"a\"\ndnn = \"x\"",
            "customer_rule[0].customer",
            "add [customer.\"a\"]",
        ),
        (
            "[customer.a]\n[[customer_rule]]\ncustomer = \"a\"",
            "customer_rule[0]",
            "dnn = \"iot.acme\" or both",
        ),
        (
            "[customer.a]\n[[customer_rule]]\ncustomer = \"a\"\ndnn = \"\"",
            "customer_rule[0].dnn",
            "like \"iot.acme\"",
        ),
        (
            "[customer.a]\n[[customer_rule]]\ncustomer = \"a\"\nimsi = [\"x\"]",
            "customer_rule[0].imsi",
            "6 to 15 digits",
        ),
        (
            "[customer.a]\n[[customer_rule]]\ncustomer = \"a\"\nimsi = []",
            "customer_rule[0].imsi",
            "the list is empty",
        ),
        (
            "[customer.a]\n[[customer_rule]]\ncustomer = \"a\"\nimsi = \"001010000000001\"",
            "customer_rule[0].imsi",
            "a list of strings",
        ),
        (
            "[customer.a]\n[[customer_rule]]\ncustomer = \"a\"\nimsi = [\"000002\", \"000001\"]",
            "customer_rule[0].imsi",
            "write [\"000001\", \"000002\"]",
        ),
        (
            "[customer.a]\n[[customer_rule]]\ncustomer = \"a\"\nimsi = [\"000001\", \"0000002\"]",
            "customer_rule[0].imsi",
            "different lengths",
        ),
        (
            "[customer.a]\n[[customer_rule]]\ncustomer = \"a\"\nimsi = [\"000001\", \"000002\", \"000003\"]",
            "customer_rule[0].imsi",
            "more than two",
        ),
        (
            "[[marking]]\ninner_dscp = 1",
            "marking[0].qfi",
            "write qfi = 5",
        ),
        (
            "[[marking]]\nqfi = 0\ninner_dscp = 1",
            "marking[0].qfi",
            "write 1 to 63",
        ),
        (
            "[[marking]]\nqfi = 64\ninner_dscp = 1",
            "marking[0].qfi",
            "write 1 to 63",
        ),
        (
            "[[marking]]\nqfi = 1\ninner_dscp = 64",
            "marking[0].inner_dscp",
            "write 0 to 63",
        ),
        (
            "[[marking]]\nqfi = 1",
            "marking[0].inner_dscp",
            "write inner_dscp = 46",
        ),
        (
            "[[marking]]\nqfi = 1\ninner_dscp = 1\n[[marking]]\nqfi = 1\ninner_dscp = 2",
            "marking[1].qfi",
            "line 32 already",
        ),
    ];
    for (section, key, says) in rows {
        let problems = sample_and(section).expect_err(section);
        let [problem] = problems.as_slice() else {
            panic!("{section}: {problems:?}");
        };
        assert_eq!(problem.key, key, "{problem}");
        assert!(problem.message.contains(says), "{problem}");
        assert!(problem.line >= 31, "{problem}");
    }
}

#[test]
fn more_than_there_is_room_for() {
    let classes = |count| (0..count).map(|n| format!("[speed_class.c{n}]\n"));
    let config = sample_and(&classes(63).collect::<String>());
    assert_eq!(config.unwrap().bandwidth.classes.len(), 63);
    let problems = sample_and(&classes(64).collect::<String>()).expect_err("64 classes");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(
        (problems[0].line, problems[0].key.as_str()),
        (94, "speed_class.\"c63\"")
    );
    let rule = "[[customer_rule]]\ncustomer = \"a\"\ndnn = \"x\"\n";
    let problems = sample_and(&format!("[customer.a]\n{}", rule.repeat(1025)));
    assert_eq!(
        problems.expect_err("1025 rules")[0].key,
        "customer_rule[1024]"
    );
}
