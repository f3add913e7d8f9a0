//! Speed classes, SIMs and customers: bodies, answers, and everything that is refused.

use serde_json::json;

use super::*;
use crate::bandwidth::{Assignment, Entitlement, KeptAssignment};
use crate::config::Config;
use crate::http::bandwidth::{MAX_BODY_BYTES, MAX_BULK_BYTES, MAX_SIMS};

const CONFIG: &str = r#"
[bandwidth]
default_class = "slow"
[speed_class.slow]
uplink = "128 kbit/s"
depth = "50 ms"
[speed_class."s1.fast"]
downlink = "20 Mbit/s"
ecn = false
[customer.acme]
uplink = "1 Gbit/s"
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
const JSON: &str = "Content-Type: application/json\r\n";
const SIM: &str = "/v1/sims/001010000000001";

pub(super) fn kept(bandwidth: &Bandwidth, imsi: Imsi) -> KeptAssignment {
    let Assignment { class, customer } = bandwidth.assignment(imsi).cloned().unwrap_or_default();
    let name = |id| bandwidth.class(id).unwrap().name.to_string().into();
    KeptAssignment {
        class: class.map(name),
        customer: customer.map(|customer| customer.0.to_string().into()),
    }
}

async fn with_classes() -> SocketAddr {
    let bandwidth = Bandwidth::new(&Config::parse(CONFIG).unwrap().bandwidth);
    started(Fake {
        bandwidth: Some(Arc::new(Mutex::new(bandwidth))),
        ..WHOLE
    })
    .await
}

async fn change(server: SocketAddr, what: &str, body: &Value) -> (u16, Value) {
    let (status, _, body) = send(server, what, JSON, &body.to_string()).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

#[tokio::test]
async fn classes_are_shown_as_the_config_has_them() {
    let classes = get(with_classes().await, "/v1/speed-classes").await;
    let expected = json!({"classes": [
        {
            "name": "slow", "uplink_bps": 128_000, "downlink_bps": null,
            "depth_ms": 50, "ecn": true, "is_default": true,
        },
        {
            "name": "s1.fast", "uplink_bps": null, "downlink_bps": 20_000_000,
            "depth_ms": 300, "ecn": false, "is_default": false,
        },
    ]});
    assert_eq!(classes, expected);
    let none = get(started(WHOLE).await, "/v1/speed-classes").await;
    assert_eq!(none, json!({"classes": []}));
}

#[tokio::test]
async fn a_sim_keeps_what_is_absent_and_gives_back_what_is_null() {
    let server = with_classes().await;
    let (status, _, _) = ask(server, "GET", SIM).await;
    assert_eq!(status, 404);
    let put = format!("PUT {SIM}");
    for (body, class, customer) in [
        (json!({"class": "s1.fast"}), json!("s1.fast"), Value::Null),
        (json!({"customer": "acme"}), json!("s1.fast"), json!("acme")),
        (json!({}), json!("s1.fast"), json!("acme")),
        (json!({"class": null}), json!("slow"), json!("acme")),
        (
            json!({"class": "slow", "customer": null}),
            json!("slow"),
            Value::Null,
        ),
    ] {
        let (status, view) = change(server, &put, &body).await;
        assert_eq!(status, 200, "{view}");
        assert_eq!(
            (&view["class"], &view["customer"]),
            (&class, &customer),
            "{body}"
        );
        assert_eq!(view, get(server, SIM).await);
    }
    let (status, view) = change(server, &put, &json!({"class": null})).await;
    assert_eq!((status, view), (204, Value::Null));
    let (status, _, _) = ask(server, "GET", SIM).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn many_sims_change_in_one_request_or_none_does() {
    let server = with_classes().await;
    let sims = |count: usize, class: &str| {
        let sim = |n| json!({"imsi": format!("{:015}", 1_010_000_000_000_u64 + n as u64), "class": class});
        json!({"sims": (0..count).map(sim).collect::<Vec<_>>()})
    };
    let (status, answer) = change(server, "PATCH /v1/sims", &sims(MAX_SIMS, "s1.fast")).await;
    assert_eq!((status, answer), (200, json!({"changed": MAX_SIMS})));
    let last = get(server, "/v1/sims/001010000099999").await;
    assert_eq!(last["class"], "s1.fast");
    let (status, problem) = change(server, "PATCH /v1/sims", &sims(MAX_SIMS + 1, "slow")).await;
    assert_eq!(status, 400, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("more than 100000"), "{detail}");

    let mut mixed = sims(3, "slow");
    mixed["sims"][1]["class"] = json!("gone");
    let (status, problem) = change(server, "PATCH /v1/sims", &mixed).await;
    assert_eq!(status, 422, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    let says = "SIM 001010000000001: there is no speed class \"gone\"; there are: slow, s1.fast";
    assert_eq!(detail, says);
    let first = get(server, "/v1/sims/001010000000000").await;
    assert_eq!(first["class"], "s1.fast", "nothing was changed");
    let (status, _) = change(server, "PATCH /v1/sims", &json!({"sims": []})).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_customer_is_changed_and_made() {
    let server = with_classes().await;
    let body = json!({"downlink_bps": 2_000_000_000_u64});
    let (status, view) = change(server, "PUT /v1/customers/acme", &body).await;
    assert_eq!(status, 200, "{view}");
    assert_eq!(view["uplink_bps"], 1_000_000_000);
    assert_eq!(view["downlink_bps"], 2_000_000_000_u64);
    let body = json!({"uplink_bps": null, "depth_ms": 20, "ecn": false});
    let (_, view) = change(server, "PUT /v1/customers/acme", &body).await;
    assert_eq!(view["uplink_bps"], Value::Null);
    assert_eq!(
        (&view["depth_ms"], &view["ecn"]),
        (&json!(20), &json!(false))
    );
    assert_eq!(view, get(server, "/v1/customers/acme").await);
    let (status, _, _) = ask(server, "GET", "/v1/customers/new").await;
    assert_eq!(status, 404);
    let (status, _) = change(server, "PUT /v1/customers/new", &json!({})).await;
    assert_eq!(status, 200);
    let names = |page: &Value| {
        let customers = page["customers"].as_array().unwrap().clone();
        customers
            .iter()
            .map(|one| one["customer"].clone())
            .collect::<Vec<_>>()
    };
    let all = get(server, "/v1/customers").await;
    assert_eq!(
        (names(&all), &all["next"]),
        (vec![json!("acme"), json!("new")], &Value::Null)
    );
    let first = get(server, "/v1/customers?limit=1").await;
    assert_eq!(
        (names(&first), &first["next"]),
        (vec![json!("acme")], &json!("acme"))
    );
    let rest = get(server, "/v1/customers?limit=1&after=acme").await;
    assert_eq!(
        (names(&rest), &rest["next"]),
        (vec![json!("new")], &Value::Null)
    );
    let (status, _, _) = ask(server, "GET", "/v1/customers?limit=0").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn what_was_given_is_taken_back() {
    let server = with_classes().await;
    let take_back = async |path: &str| {
        let (status, _, body) = ask(server, "DELETE", path).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    };
    // A SIM without sessions.
    let body = json!({"class": "s1.fast", "customer": "acme"});
    let (status, _) = change(server, &format!("PUT {SIM}"), &body).await;
    assert_eq!(status, 200);
    assert_eq!(take_back(SIM).await, (204, Value::Null));
    assert_eq!(take_back(SIM).await.0, 404);

    // The config names one customer, and nobody but REST the other.
    let body = json!({"uplink_bps": 8000, "depth_ms": 20});
    for name in ["acme", "new"] {
        let put = format!("PUT /v1/customers/{name}");
        assert_eq!(change(server, &put, &body).await.0, 200);
    }
    let (status, view) = take_back("/v1/customers/acme").await;
    assert_eq!((status, &view["uplink_bps"]), (200, &json!(1_000_000_000)));
    assert_eq!(view["depth_ms"], 300);
    assert_eq!(view, get(server, "/v1/customers/acme").await);
    let body = json!({"customer": "new"});
    change(server, &format!("PUT {SIM}"), &body).await;
    let (status, problem) = take_back("/v1/customers/new").await;
    assert_eq!(status, 409);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("was given 1 SIMs"), "{detail}");
    assert_eq!(take_back(SIM).await.0, 204);
    assert_eq!(take_back("/v1/customers/new").await, (204, Value::Null));
    let (status, _, _) = ask(server, "GET", "/v1/customers/new").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn what_cannot_be_is_a_problem_with_its_reason() {
    let server = with_classes().await;
    let empty = started(WHOLE).await;
    let long = format!("{{\"class\": \"{}\"}}", "x".repeat(MAX_BODY_BYTES));
    let put = format!("PUT {SIM}");
    let rows = [
        (
            server,
            "GET /v1/sims/x",
            "",
            400,
            "\"x\" is no IMSI: an IMSI has 6 to 15 digits",
        ),
        (server, "PUT /v1/sims/x", "{}", 400, "6 to 15 digits"),
        (
            server,
            "GET /v1/customers/none",
            "",
            404,
            "no customer \"none\"",
        ),
        (
            server,
            &put,
            "{\"class\": \"gone\"}",
            422,
            "there are: slow, s1.fast",
        ),
        (
            server,
            &put,
            "{\"customer\": \"none\"}",
            422,
            "PUT /v1/customers/none makes it",
        ),
        (server, &put, "{\"customer\": \"no/ne\"}", 400, "1 to 63"),
        (
            server,
            &put,
            "{\"clas\": \"slow\"}",
            400,
            "unknown field `clas`",
        ),
        (server, &put, "{\"class\": 5}", 400, "invalid type"),
        (server, &put, "{", 400, "EOF"),
        (server, &put, "", 400, "EOF"),
        (server, &put, &long, 413, "too large"),
        (server, "PUT /v1/customers/a%20b", "{}", 400, "1 to 63"),
        (
            server,
            "PUT /v1/customers/acme",
            "{\"uplink_bps\": 7999}",
            400,
            "uplink_bps is 7999; write 8000",
        ),
        (
            server,
            "PUT /v1/customers/acme",
            "{\"downlink_bps\": -1}",
            400,
            "downlink_bps",
        ),
        (
            server,
            "PUT /v1/customers/acme",
            "{\"depth_ms\": 0}",
            400,
            "1 to 60000",
        ),
        (server, "PATCH /v1/sims", "{}", 400, "missing field `sims`"),
        (
            server,
            "PATCH /v1/sims",
            "{\"sims\": [{\"class\": \"slow\"}]}",
            400,
            "missing field `imsi`",
        ),
        (
            server,
            "PATCH /v1/sims",
            "{\"sims\": [{\"imsi\": \"1\"}]}",
            400,
            "sims[0].imsi: an IMSI has",
        ),
        (
            server,
            "PATCH /v1/sims",
            "{\"sims\": [{\"imsi\": \"001010000000001\"}, {\"imsi\": \"001010000000001\"}]}",
            400,
            "sims[1].imsi: 001010000000001 stands there twice",
        ),
        (
            server,
            "DELETE /v1/sims/001010000000001",
            "",
            404,
            "was given neither class nor customer",
        ),
        (server, "DELETE /v1/sims/x", "", 400, "6 to 15 digits"),
        (
            server,
            "DELETE /v1/customers/none",
            "",
            404,
            "no customer \"none\"",
        ),
        (server, "DELETE /v1/sims", "", 405, "does not take DELETE"),
        (server, "GET /v1/sims", "", 405, "see /openapi.json"),
        (empty, &put, "{\"class\": \"slow\"}", 409, "into upf.toml"),
    ];
    for (server, what, body, expected, says) in rows {
        let (status, head, answer) = send(server, what, JSON, body).await;
        assert_eq!(status, expected, "{what} {body}: {answer}");
        let is_problem = head.contains("content-type: application/problem+json");
        assert!(is_problem, "{head}");
        let problem: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(problem["status"], expected);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{what} {body}: {detail}");
    }
    let (status, _, answer) = send(server, &put, "", "{}").await;
    assert_eq!(status, 415);
    assert!(answer.contains("send the header"), "{answer}");
    // Only the head.
    let head = format!(
        "PATCH /v1/sims HTTP/1.1\r\nHost: upf\r\nConnection: close\r\n{JSON}Content-Length: {}\r\n\r\n",
        MAX_BULK_BYTES + 1
    );
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

pub(super) fn sim_view(bandwidth: &Bandwidth, imsi: Imsi) -> Option<SimView> {
    bandwidth.assignment(imsi)?;
    let Entitlement { class, customer } = bandwidth.entitlement(imsi, None);
    let name = |id| bandwidth.class(id).unwrap().name.to_string();
    Some(SimView {
        imsi: imsi.to_string(),
        class: class.map(name),
        customer: customer.map(|customer| customer.to_string()),
        ..SimView::default()
    })
}

pub(super) fn customer_view(bandwidth: &Bandwidth, name: &str) -> Option<CustomerView> {
    let limit = bandwidth.customer_limit(bandwidth.customer_named(name)?)?;
    Some(CustomerView {
        customer: name.to_owned(),
        uplink_bps: limit.uplink_bps,
        downlink_bps: limit.downlink_bps,
        depth_ms: u64::try_from(limit.depth.as_millis()).unwrap(),
        ecn: limit.ecn,
        ..CustomerView::default()
    })
}
