//! What monitoring sees.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::world::{UE, World, ping, server};

#[test]
fn promtool_accepts_a_live_scrape() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(Some(10_000))?;
    ping(&world.home, &server(), 5)?;
    ping(&world.topology.dn, UE, 5)?;
    let page = world.agent.get("/metrics")?;
    for name in [
        "upf_packets_total",
        "upf_bytes_total",
        "upf_dropped_packets_total",
        "upf_punted_packets_total",
        "upf_interface_packets_total",
        "upf_interface_bytes_total",
        "upf_sessions",
        "upf_session_capacity",
        "upf_pfcp_associations",
        "upf_pfcp_messages_total",
        "upf_pfcp_request_duration_seconds",
        "upf_usage_records",
        "upf_usage_reports_total",
        "upf_usage_reports_unacknowledged",
        "upf_usage_reports_oldest_age_seconds",
        "upf_build_info",
    ] {
        assert!(
            page.contains(&format!("# TYPE {name} ")),
            "{name} in\n{page}"
        );
    }
    let file = world.topology.environment.directory().join("metrics");
    std::fs::write(&file, &page)?;
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::from(std::fs::File::open(&file)?))
        .output()?;
    let verdict = String::from_utf8_lossy(&promtool.stderr);
    ensure!(
        promtool.status.success() && verdict.is_empty(),
        "promtool: {verdict}"
    );

    for direction in ["uplink", "downlink"] {
        assert!(world.metric("upf_packets_total", &[("direction", direction)])? >= 8.0);
        // An echo request of 84 bytes each.
        assert!(world.metric("upf_bytes_total", &[("direction", direction)])? >= 8.0 * 84.0);
    }
    for device in ["n3", "n6"] {
        for way in ["rx", "tx"] {
            let labels = [("device", device), ("way", way)];
            assert!(
                world.metric("upf_interface_packets_total", &labels)? >= 8.0,
                "{labels:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn health_and_the_api_description_are_served() -> Result<()> {
    let world = World::new()?;
    world.agent.get("/healthz")?;
    world.agent.get("/readyz")?;
    let description: Value = serde_json::from_str(&world.agent.get("/openapi.json")?)?;
    for path in ["/v1/sessions", "/v1/sessions/{seid}", "/v1/associations"] {
        assert!(description["paths"].get(path).is_some(), "{path}");
    }
    assert!(
        world.agent.get("/v1/sessions/12345").is_err(),
        "no such session"
    );
    Ok(())
}
