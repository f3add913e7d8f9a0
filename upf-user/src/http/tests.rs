//! The API over a real connection.

mod bandwidth;
mod usage;

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::bandwidth::{Bandwidth, CustomerId};
use crate::session::{Gates, Rates, SubscriberView, TunnelView, VolumeView, Volumes};

struct Fake {
    sessions: Vec<u64>,
    alive: bool,
    obstacles: Vec<String>,
    /// Changed by whoever asks.
    bandwidth: Option<Arc<Mutex<Bandwidth>>>,
}

const WHOLE: Fake = Fake {
    sessions: Vec::new(),
    alive: true,
    obstacles: Vec::new(),
    bandwidth: None,
};

fn session(seid: u64) -> SessionView {
    let volumes = Volumes {
        uplink: VolumeView {
            packets: 1,
            bytes: 84,
            ..VolumeView::default()
        },
        downlink: VolumeView::default(),
    };
    SessionView {
        seid,
        cp_seid: 1,
        control_plane: "10.100.0.1".to_owned(),
        imsi: None,
        subscriber: SubscriberView::default(),
        dnn: None,
        s_nssai: None,
        rat_type: None,
        pdn_type: None,
        ue_addresses: vec!["10.128.0.1".to_owned()],
        local_tunnels: vec![TunnelView {
            teid: 7,
            address: "10.1.0.2".parse().unwrap(),
        }],
        peer_tunnels: Vec::new(),
        rates: Rates {
            uplink_bits_per_second: Some(10_000_000),
            downlink_bits_per_second: None,
        },
        gates: Gates {
            uplink_open: true,
            downlink_open: true,
        },
        volumes,
        limits: None,
        rules: None,
    }
}

impl Service for Fake {
    fn metrics(&self) -> Result<String, String> {
        Ok("upf_sessions 1\n".to_owned())
    }

    fn is_alive(&self) -> bool {
        self.alive
    }

    fn obstacles(&self) -> Vec<String> {
        self.obstacles.clone()
    }

    fn session(&self, seid: u64) -> Option<SessionView> {
        self.sessions.contains(&seid).then(|| session(seid))
    }

    fn sessions(&self, after: Option<u64>, limit: usize) -> Vec<SessionView> {
        let later = self.sessions.iter().filter(|seid| Some(**seid) > after);
        later.take(limit).map(|seid| session(*seid)).collect()
    }

    fn associations(&self) -> Vec<Association> {
        vec![Association {
            node: "10.100.0.1".to_owned(),
            address: "10.100.0.1:8805".to_owned(),
            reachable: true,
            age_seconds: 3,
            recovery_time: 1_700_000_000,
        }]
    }

    fn paths(&self, after: Option<PathKey>, limit: usize) -> Vec<PathEntry> {
        let keys = (1..=150).map(|n| PathKey {
            remote: IpAddr::from([10, 1, 1, n]),
            local: IpAddr::from([10, 1, 0, 2]),
        });
        let later = keys.filter(|key| Some(*key) > after).take(limit);
        let entry = |PathKey { remote, local }| PathEntry {
            peer: remote,
            local,
            state: "up",
            age_seconds: 3,
            rtt_microseconds: Some(250),
            in_use: true,
        };
        later.map(entry).collect()
    }

    fn speed_classes(&self) -> Vec<SpeedClassView> {
        let bandwidth = self.bandwidth();
        let classes = bandwidth.classes();
        classes
            .map(|(id, class)| SpeedClassView::new(class, bandwidth.default_class() == Some(id)))
            .collect()
    }

    fn sim(&self, imsi: Imsi) -> Option<SimView> {
        bandwidth::sim_view(&self.bandwidth(), imsi)
    }

    fn session_usage(&self, seid: u64) -> Option<SessionUsageView> {
        let is_there = self.sessions.contains(&seid);
        is_there.then(|| usage::session_usage(seid))
    }

    fn sim_usage(&self, imsi: Imsi) -> Option<SimUsageView> {
        usage::sim_usage(&self.sessions, imsi)
    }

    fn customers(&self, after: Option<&str>, limit: usize) -> Vec<CustomerView> {
        let bandwidth = self.bandwidth();
        let names = bandwidth.customers_after(after, limit);
        let view = |customer: &CustomerId| bandwidth::customer_view(&bandwidth, &customer.0);
        names.iter().filter_map(view).collect()
    }

    fn customer(&self, name: &str) -> Option<CustomerView> {
        bandwidth::customer_view(&self.bandwidth(), name)
    }

    fn change_sims(&self, changes: Vec<SimChange>) -> Result<(), ChangeError> {
        let shared = self.bandwidth.as_ref().ok_or(ChangeError::NoClasses)?;
        let mut bandwidth = shared.lock().unwrap();
        for change in &changes {
            bandwidth.check_sim(change)?;
        }
        for change in changes {
            let mut kept = bandwidth::kept(&bandwidth, change.imsi);
            kept.change(&change);
            let assignment = bandwidth.assigned(&kept);
            bandwidth.assign(change.imsi, assignment);
        }
        Ok(())
    }

    fn change_customer(&self, name: &str, change: &CustomerChange) -> Result<(), ChangeError> {
        let shared = self.bandwidth.as_ref().ok_or(ChangeError::NoClasses)?;
        let mut bandwidth = shared.lock().unwrap();
        let limit = bandwidth.changed_limit(name, change)?;
        bandwidth.set_customer(CustomerId(name.into()), Some(limit));
        Ok(())
    }

    fn take_customer_back(&self, name: &str) -> Result<(), ChangeError> {
        let shared = self.bandwidth.as_ref().ok_or(ChangeError::NoClasses)?;
        let mut bandwidth = shared.lock().unwrap();
        let customer = CustomerId(name.into());
        match bandwidth.limit_of_config(name)? {
            None => bandwidth.forget_customer(&customer),
            limit => bandwidth.set_customer(customer, limit),
        }
        Ok(())
    }
}

impl Fake {
    fn bandwidth(&self) -> Bandwidth {
        let shared = self.bandwidth.as_ref();
        shared.map_or_else(Bandwidth::default, |shared| shared.lock().unwrap().clone())
    }
}

async fn started(fake: Fake) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Arc::new(fake)));
    address
}

/// Status, head and body.
async fn ask(server: SocketAddr, method: &str, path: &str) -> (u16, String, String) {
    send(server, &format!("{method} {path}"), "", "").await
}

/// The same, with headers and a body.
async fn send(server: SocketAddr, what: &str, headers: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let length = body.len();
    let request = format!(
        "{what} HTTP/1.1\r\nHost: upf\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    // What is too large is not read to its end.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

async fn get(server: SocketAddr, path: &str) -> Value {
    let (status, _, body) = ask(server, "GET", path).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn metrics_have_prometheus_type() {
    let server = started(WHOLE).await;
    let (status, head, body) = ask(server, "GET", "/metrics").await;
    assert_eq!((status, body.as_str()), (200, "upf_sessions 1\n"));
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
}

#[tokio::test]
async fn sessions_come_in_pages() {
    let sessions = (1..=250).collect();
    let server = started(Fake { sessions, ..WHOLE }).await;
    let seids = |page: &Value| {
        let sessions = page["sessions"].as_array().unwrap().clone();
        sessions
            .iter()
            .map(|session| session["seid"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let first = get(server, "/v1/sessions").await;
    assert_eq!(seids(&first), (1..=100).collect::<Vec<_>>());
    assert_eq!(first["next"], 100);
    assert_eq!(
        first["sessions"][0]["rates"]["uplink_bits_per_second"],
        10_000_000
    );
    let last = get(server, "/v1/sessions?after=200&limit=50").await;
    assert_eq!(seids(&last), (201..=250).collect::<Vec<_>>());
    assert_eq!(last["next"], Value::Null, "exactly to the end");
    let none = get(server, "/v1/sessions?after=250").await;
    assert_eq!(none["sessions"], Value::Array(Vec::new()));
    let all = get(server, "/v1/sessions?limit=1000").await;
    assert_eq!(seids(&all).len(), 250);
}

#[tokio::test]
async fn one_session_and_the_associations() {
    let server = started(Fake {
        sessions: vec![u64::MAX],
        ..WHOLE
    })
    .await;
    let one = get(server, &format!("/v1/sessions/{}", u64::MAX)).await;
    assert_eq!(one["seid"], u64::MAX);
    assert_eq!(one["local_tunnels"][0]["address"], "10.1.0.2");
    let associations = get(server, "/v1/associations").await;
    assert_eq!(associations["associations"][0]["node"], "10.100.0.1");
}

#[tokio::test]
async fn paths_come_in_pages() {
    let server = started(WHOLE).await;
    let first = get(server, "/v1/paths").await;
    assert_eq!(first["paths"].as_array().unwrap().len(), 100);
    assert_eq!(
        first["paths"][0],
        serde_json::json!({
            "peer": "10.1.1.1", "local": "10.1.0.2", "state": "up", "age_seconds": 3,
            "rtt_microseconds": 250, "in_use": true,
        })
    );
    assert_eq!(first["next"], "10.1.1.100,10.1.0.2");
    let rest = get(server, "/v1/paths?after=10.1.1.100,10.1.0.2").await;
    assert_eq!(rest["paths"].as_array().unwrap().len(), 50);
    assert_eq!(rest["next"], Value::Null);
    let between = get(server, "/v1/paths?after=10.1.1.7,2001:db8::1&limit=1").await;
    assert_eq!(between["paths"][0]["peer"], "10.1.1.8");
}

#[tokio::test]
async fn errors_are_problem_details() {
    let server = started(WHOLE).await;
    let cases = [
        ("GET", "/v1/sessions/5", 404, "no session has the SEID 5"),
        ("GET", "/v1/sessions/five", 400, "five"),
        ("GET", "/v1/sessions/-1", 400, "-1"),
        ("GET", "/v1/sessions?limit=0", 400, "limit is 1 to 1000"),
        ("GET", "/v1/sessions?limit=1001", 400, "limit is 1 to 1000"),
        ("GET", "/v1/sessions?limit=many", 400, "limit"),
        ("GET", "/v1/sessions?after=x", 400, "after"),
        ("GET", "/v1/sessions?befor=1", 400, "befor"),
        ("GET", "/v1/paths?limit=0", 400, "limit is 1 to 1000"),
        ("GET", "/v1/paths?after=10.1.1.1", 400, "two addresses"),
        ("GET", "/v1/paths?after=a,b", 400, "two addresses"),
        ("POST", "/v1/paths", 405, "does not take POST"),
        ("GET", "/v2/sessions", 404, "/v2/sessions"),
        ("POST", "/v1/sessions", 405, "does not take POST"),
        ("DELETE", "/v1/sessions/5", 405, "does not take DELETE"),
    ];
    for (method, path, expected, detail) in cases {
        let (status, head, body) = ask(server, method, path).await;
        assert_eq!(status, expected, "{method} {path}: {body}");
        assert!(
            head.contains("content-type: application/problem+json"),
            "{head}"
        );
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["status"], expected);
        assert!(problem["title"].is_string());
        let told = problem["detail"].as_str().unwrap();
        assert!(told.contains(detail), "{method} {path}: {told}");
    }
}

#[tokio::test]
async fn health_and_readiness() {
    let server = started(WHOLE).await;
    for path in ["/healthz", "/readyz"] {
        let (status, _, body) = ask(server, "GET", path).await;
        assert_eq!((status, body.as_str()), (200, "ok\n"), "{path}");
    }
    let obstacles = vec!["n3 is missing".to_owned(), "n6 is missing".to_owned()];
    let server = started(Fake {
        alive: false,
        obstacles,
        ..WHOLE
    })
    .await;
    let (status, _, _) = ask(server, "GET", "/healthz").await;
    assert_eq!(status, 503);
    let (status, _, body) = ask(server, "GET", "/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains("n3 is missing; n6 is missing"), "{body}");
}

#[tokio::test]
async fn every_path_is_described() {
    let server = started(WHOLE).await;
    let description = get(server, "/openapi.json").await;
    for path in [
        "/metrics",
        "/healthz",
        "/readyz",
        "/v1/sessions",
        "/v1/sessions/{seid}",
        "/v1/associations",
        "/v1/paths",
        "/v1/speed-classes",
        "/v1/sims/{imsi}",
        "/v1/sims/{imsi}/usage",
        "/v1/sessions/{seid}/usage",
        "/v1/customers",
        "/v1/customers/{id}",
    ] {
        assert!(description["paths"][path]["get"].is_object(), "{path}");
    }
    for (path, method) in [
        ("/v1/sims/{imsi}", "put"),
        ("/v1/sims", "patch"),
        ("/v1/customers/{id}", "put"),
    ] {
        let body = &description["paths"][path][method]["requestBody"];
        assert!(body.is_object(), "{method} {path}");
    }
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for schema in [
        "SessionView",
        "Page",
        "Association",
        "PathPage",
        "Problem",
        "RulesView",
        "PdrView",
        "FarView",
        "QerView",
        "UrrView",
        "BarView",
        "MarView",
        "TrafficEndpointView",
        "SpeedClassView",
        "SimView",
        "SessionUsageView",
        "SimUsageView",
        "UrrUsageView",
        "SimBody",
        "SimsBody",
        "SimEntry",
        "CustomerView",
        "CustomerBody",
    ] {
        assert!(schemas.contains_key(schema), "{schema}");
    }
}

#[tokio::test]
async fn silent_clients_make_room() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let bounded = Bounded::with_bounds(listener, 2, Duration::from_millis(300));
    let service: Arc<dyn Service> = Arc::new(WHOLE);
    tokio::spawn(async move { axum::serve(bounded, router(service)).await });
    let mut silent = TcpStream::connect(server).await.unwrap();
    let mut slow = TcpStream::connect(server).await.unwrap();
    slow.write_all(b"GET /heal").await.unwrap();
    let (status, _, _) = ask(server, "GET", "/healthz").await;
    assert_eq!(status, 200, "after one of the others was closed");
    let mut rest = Vec::new();
    for stream in [&mut silent, &mut slow] {
        let _ = stream.read_to_end(&mut rest).await;
    }
    assert_eq!(rest, b"");
}
