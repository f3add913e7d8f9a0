//! Usage of sessions and SIMs.

use serde_json::json;

use super::*;
use crate::session::{
    CountView, LeftView, RemainingView, TrafficView, UnreportedView, UrrUsageView,
};

/// The one SIM that has sessions.
const IMSI: &str = "001010000000001";

pub(super) fn session_usage(seid: u64) -> SessionUsageView {
    let count = |packets| CountView {
        packets,
        bytes: 84 * packets,
    };
    let traffic = TrafficView {
        uplink: count(1),
        downlink: count(2),
        total: count(3),
    };
    let urr = UrrUsageView {
        id: 7,
        methods: vec!["volume"],
        since: "2026-11-25T12:43:42.007Z".to_owned(),
        counted: traffic,
        unreported: UnreportedView {
            since: "2026-11-25T12:43:42.007Z".to_owned(),
            traffic,
            seconds: None,
        },
        last_sequence: None,
        last_packet: Some("2026-11-25T12:43:43.000Z".to_owned()),
        thresholds: RemainingView::default(),
        quotas: RemainingView {
            total_bytes: Some(LeftView {
                given: 1000,
                left: 748,
            }),
            ..RemainingView::default()
        },
        quotas_expire: None,
        is_stopped: false,
    };
    SessionUsageView {
        seid,
        imsi: Some(IMSI.to_owned()),
        passed: traffic,
        urrs: vec![urr],
    }
}

pub(super) fn sim_usage(sessions: &[u64], imsi: Imsi) -> Option<SimUsageView> {
    let usages = sessions.iter().map(|seid| session_usage(*seid));
    let is_known = imsi.to_string() == IMSI;
    is_known.then(|| SimUsageView::new(imsi, usages.collect()))
}

#[tokio::test]
async fn a_session_shows_its_usage() {
    let server = started(Fake {
        sessions: vec![5],
        ..WHOLE
    })
    .await;
    let usage = get(server, "/v1/sessions/5/usage").await;
    let traffic = json!({
        "uplink": {"packets": 1, "bytes": 84},
        "downlink": {"packets": 2, "bytes": 168},
        "total": {"packets": 3, "bytes": 252},
    });
    let none = json!({
        "total_bytes": null, "uplink_bytes": null, "downlink_bytes": null, "seconds": null, "events": null,
    });
    let mut quotas = none.clone();
    quotas["total_bytes"] = json!({"given": 1000, "left": 748});
    let mut unreported = traffic.clone();
    unreported["since"] = json!("2026-11-25T12:43:42.007Z");
    unreported["seconds"] = Value::Null;
    let expected = json!({
        "seid": 5,
        "imsi": IMSI,
        "passed": traffic,
        "urrs": [{
            "id": 7,
            "methods": ["volume"],
            "since": "2026-11-25T12:43:42.007Z",
            "counted": traffic,
            "unreported": unreported,
            "last_sequence": null,
            "last_packet": "2026-11-25T12:43:43.000Z",
            "thresholds": none,
            "quotas": quotas,
            "quotas_expire": null,
            "is_stopped": false,
        }],
    });
    assert_eq!(usage, expected);
}

#[tokio::test]
async fn a_sim_shows_the_usage_of_its_sessions_and_their_sum() {
    let server = started(Fake {
        sessions: vec![5, 6],
        ..WHOLE
    })
    .await;
    let usage = get(server, &format!("/v1/sims/{IMSI}/usage")).await;
    assert_eq!(usage["imsi"], IMSI);
    assert_eq!(
        usage["passed"]["total"],
        json!({"packets": 6, "bytes": 504})
    );
    assert_eq!(
        usage["passed"]["uplink"],
        json!({"packets": 2, "bytes": 168})
    );
    assert_eq!(usage["sessions"][1]["seid"], 6);
}

#[tokio::test]
async fn whose_usage_there_is_not_is_a_problem() {
    let server = started(WHOLE).await;
    for (path, expected, detail) in [
        ("/v1/sessions/5/usage", 404, "no session has the SEID 5"),
        ("/v1/sessions/five/usage", 400, "five"),
        (
            "/v1/sims/001010000000002/usage",
            404,
            "001010000000002 has no sessions",
        ),
        ("/v1/sims/00101/usage", 400, "6 to 15 digits"),
    ] {
        let (status, head, body) = ask(server, "GET", path).await;
        assert_eq!(status, expected, "{path}: {body}");
        assert!(head.contains("application/problem+json"), "{head}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        let told = problem["detail"].as_str().unwrap();
        assert!(told.contains(detail), "{path}: {told}");
    }
    let (status, _, _) = ask(server, "DELETE", "/v1/sessions/5/usage").await;
    assert_eq!(status, 405);
}
