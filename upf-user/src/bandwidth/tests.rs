//! The registry: what applies to whom, what can be changed, and what is left of it after a restart.

use super::*;

const CONFIG: &str = r#"
[bandwidth]
default_class = "slow"
[speed_class.slow]
uplink = "128 kbit/s"
[speed_class."s1.fast"]
downlink = "20 Mbit/s"
[customer.acme]
uplink = "1 Gbit/s"
[customer.other]
[[customer_rule]]
customer = "acme"
imsi = ["001010000000100", "001010000000199"]
[[customer_rule]]
customer = "other"
dnn = "IoT"
[node]
id = "10.100.0.2"
[pfcp]
listen = "10.100.0.2:8805"
allow = ["10.100.0.0/24"]
[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2"]
"#;

fn bandwidth() -> Bandwidth {
    Bandwidth::new(&config::Config::parse(CONFIG).unwrap().bandwidth)
}

fn sim(number: u64) -> Imsi {
    format!("{:015}", 1_010_000_000_000 + number)
        .parse()
        .unwrap()
}

fn customer(name: &str) -> Option<CustomerId> {
    Some(CustomerId(name.into()))
}

fn class_change(name: &str) -> SimChange {
    SimChange {
        imsi: sim(1),
        class: Some(Some(name.into())),
        customer: None,
    }
}

#[test]
fn the_config_says_what_applies_until_somebody_else_does() {
    let mut bandwidth = bandwidth();
    let (slow, fast) = (ClassId(1), ClassId(2));
    assert_eq!(bandwidth.class_named("s1.fast"), Some(fast));
    let row = |bandwidth: &Bandwidth, number, dnn| {
        let Entitlement { class, customer } = bandwidth.entitlement(sim(number), dnn);
        (class, customer)
    };
    assert_eq!(row(&bandwidth, 1, None), (Some(slow), None));
    for (number, dnn, name) in [
        (100, None, "acme"),
        (199, Some("iot"), "acme"),
        (200, Some("iot"), "other"),
    ] {
        assert_eq!(row(&bandwidth, number, dnn), (Some(slow), customer(name)));
    }
    let assignment = Assignment {
        class: Some(fast),
        customer: customer("other"),
    };
    bandwidth.assign(sim(100), assignment);
    assert_eq!(row(&bandwidth, 100, None), (Some(fast), customer("other")));
    bandwidth.assign(sim(100), Assignment::default());
    assert_eq!(bandwidth.assignment(sim(100)), None);
    assert_eq!(row(&bandwidth, 100, None), (Some(slow), customer("acme")));
}

#[test]
fn changes_name_what_there_is() {
    let bandwidth = bandwidth();
    let says = |change: &SimChange| bandwidth.check_sim(change).unwrap_err().to_string();
    bandwidth.check_sim(&class_change("s1.fast")).unwrap();
    let unknown = says(&class_change("fast"));
    assert!(
        unknown.ends_with("\"fast\"; there are: slow, s1.fast"),
        "{unknown}"
    );
    let of_customer = |name: &str| SimChange {
        class: Some(None),
        customer: Some(Some(name.into())),
        ..class_change("")
    };
    bandwidth.check_sim(&of_customer("other")).unwrap();
    assert!(says(&of_customer("nobody")).contains("PUT /v1/customers/nobody"));
    assert!(says(&of_customer("no body")).contains("1 to 63"));
    assert!(bandwidth.check_room(MAX_ASSIGNMENTS).is_ok());
    assert!(bandwidth.check_room(MAX_ASSIGNMENTS + 1).is_err());
}

#[test]
fn without_classes_the_answer_is_what_to_write() {
    let none = Bandwidth::default();
    let error = none.check_sim(&class_change("slow")).unwrap_err();
    assert!(error.to_string().contains("write [speed_class"), "{error}");
    let reset = SimChange {
        class: Some(None),
        ..class_change("")
    };
    none.check_sim(&reset).unwrap();
}

#[test]
fn a_customers_limit_is_changed_field_by_field() {
    let bandwidth = bandwidth();
    let change = CustomerChange {
        downlink_bps: Some(Some(8000)),
        depth_ms: Some(50),
        ..CustomerChange::default()
    };
    let limit = bandwidth.changed_limit("acme", &change).unwrap();
    let rates = (limit.uplink_bps, limit.downlink_bps);
    assert_eq!(rates, (Some(1_000_000_000), Some(8000)));
    assert_eq!((limit.depth.as_millis(), limit.ecn), (50, true));
    let none = CustomerChange {
        uplink_bps: Some(None),
        ..CustomerChange::default()
    };
    let limit = bandwidth.changed_limit("acme", &none).unwrap();
    assert_eq!((limit.uplink_bps, limit.downlink_bps), (None, None));
    assert!(bandwidth.changed_limit("new", &change).is_ok());
    let wrong = |change: CustomerChange| {
        let error = bandwidth.changed_limit("acme", &change).unwrap_err();
        error.to_string()
    };
    let too_fast = CustomerChange {
        uplink_bps: Some(Some(400_000_000_001)),
        ..CustomerChange::default()
    };
    assert!(wrong(too_fast).starts_with("uplink_bps is 400000000001; write 8000"));
    for depth in [0, 60_001, u64::MAX] {
        let too_deep = CustomerChange {
            depth_ms: Some(depth),
            ..CustomerChange::default()
        };
        assert!(wrong(too_deep).ends_with("write 1 to 60000"));
    }
}

#[test]
fn what_means_nothing_any_more_is_ignored_and_counted() {
    let given = |class: Option<&str>, customer: Option<&str>| KeptAssignment {
        class: class.map(Box::from),
        customer: customer.map(Box::from),
    };
    let limit = KeptLimit {
        uplink_bps: Some(9000),
        downlink_bps: None,
        depth_ms: 10,
        ecn: false,
    };
    let kept = Kept {
        customers: vec![(CustomerId("new".into()), limit)],
        sims: vec![
            (sim(1), given(Some("s1.fast"), Some("new"))),
            (sim(2), given(Some("gone"), Some("acme"))),
            (sim(3), given(None, Some("gone"))),
        ],
    };
    let mut bandwidth = bandwidth();
    let ignored = bandwidth.restore(&kept);
    assert_eq!(ignored, 2);
    let first = bandwidth.entitlement(sim(1), None);
    assert_eq!(
        (first.class, first.customer),
        (Some(ClassId(2)), customer("new"))
    );
    let second = bandwidth.entitlement(sim(2), None);
    assert_eq!(
        (second.class, second.customer),
        (Some(ClassId(1)), customer("acme"))
    );
    assert_eq!(bandwidth.assignment(sim(3)), None);
    let new = bandwidth.customer_limit(&CustomerId("new".into())).unwrap();
    assert_eq!((new.uplink_bps, new.depth.as_millis()), (Some(9000), 10));
}

#[test]
fn customers_come_in_the_order_of_their_names() {
    let mut bandwidth = bandwidth();
    for name in ["b", "B", "zed"] {
        bandwidth.set_customer(CustomerId(name.into()), None);
    }
    let names = |after, limit| {
        let ids = bandwidth.customers_after(after, limit);
        ids.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names(None, 9), "B acme b other zed");
    assert_eq!(names(None, 2), "B acme");
    assert_eq!(names(Some("acme"), 2), "b other");
    assert_eq!(names(Some("c"), 0), "");
    assert_eq!(names(Some("zed"), 5), "");
}

#[test]
fn names_are_short_and_plain() {
    for name in ["a", "s1.slow", "A-b_9", &"x".repeat(63)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "a b", "ä", "a/b", "\"", &"x".repeat(64)] {
        assert!(!is_name(name), "{name}");
    }
}
