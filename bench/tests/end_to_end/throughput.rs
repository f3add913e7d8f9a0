//! iperf3 through the tunnel, both ways, TCP and UDP, with the limit on and off.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use bench::netns::Process;
use serde_json::Value;

use crate::world::{World, server};

/// The UDP payload, and what IPv4 and UDP add to it: the limit is over IP packets.
const PAYLOAD: f64 = 1200.0;
const HEADERS: f64 = 28.0;
const SECONDS: &str = "4";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Uplink,
    Downlink,
}

#[test]
fn without_a_limit_iperf3_gets_what_it_asks_for() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(None)?;
    let _server = iperf_server(&world)?;
    for way in [Way::Uplink, Way::Downlink] {
        let asked = 20e6;
        let got = udp(&world, way, asked)?;
        assert!(got > 0.97 * asked, "{way:?}: {got} of {asked} bit/s");
        let got = tcp(&world, way)?;
        assert!(got > 50e6, "TCP {way:?}: {got} bit/s");
    }
    Ok(())
}

#[test]
fn with_a_limit_iperf3_gets_the_limit() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(Some(5_000))?;
    let _server = iperf_server(&world)?;
    for (kilobits, limit) in [(5_000, 5e6), (20_000, 20e6)] {
        world.smf.rate(1, kilobits)?;
        for way in [Way::Uplink, Way::Downlink] {
            let before = world.dropped(label(way), "rate_limited")?;
            let got = udp(&world, way, 1.5 * limit)? * (PAYLOAD + HEADERS) / PAYLOAD;
            assert!(
                (got / limit - 1.0).abs() < 0.03,
                "UDP {way:?}: {got} of {limit} bit/s"
            );
            assert!(world.dropped(label(way), "rate_limited")? > before + 1000.0);
            // TCP backs off when packets are policed; it may not get more, and gets a good part.
            let got = tcp(&world, way)?;
            assert!(
                got < 1.02 * limit && got > 0.4 * limit,
                "TCP {way:?}: {got} of {limit} bit/s"
            );
        }
    }
    Ok(())
}

fn label(way: Way) -> &'static str {
    match way {
        Way::Uplink => "uplink",
        Way::Downlink => "downlink",
    }
}

fn iperf_server(world: &World) -> Result<Process> {
    let mut command = Command::new("iperf3");
    command.args(["--server", "--bind", &server()]);
    let server = world
        .topology
        .dn
        .spawn(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
    thread::sleep(Duration::from_millis(300));
    Ok(server)
}

/// Delivered bits per second of UDP payload.
fn udp(world: &World, way: Way, rate: f64) -> Result<f64> {
    let (rate, payload) = (format!("{rate:.0}"), format!("{PAYLOAD:.0}"));
    let report = iperf(
        world,
        way,
        &["--udp", "--bitrate", &rate, "--length", &payload],
    )?;
    // iperf3 3.12 sums what was sent; what was lost on the way is told as a percentage.
    let sum = &report["end"]["sum"];
    let number = |key: &str| {
        sum[key]
            .as_f64()
            .with_context(|| format!("no {key} in {report}"))
    };
    let (bytes, seconds) = (number("bytes")?, number("seconds")?);
    Ok(bytes * 8.0 / seconds * (1.0 - number("lost_percent")? / 100.0))
}

/// Delivered bits per second of TCP payload.
fn tcp(world: &World, way: Way) -> Result<f64> {
    let report = iperf(world, way, &[])?;
    let received = &report["end"]["sum_received"]["bits_per_second"];
    received
        .as_f64()
        .with_context(|| format!("no result in {report}"))
}

fn iperf(world: &World, way: Way, options: &[&str]) -> Result<Value> {
    let mut command = Command::new("iperf3");
    command
        .args(["--json", "--client", &server(), "--time", SECONDS])
        .args(options);
    if way == Way::Downlink {
        command.arg("--reverse");
    }
    Ok(serde_json::from_str(&world.home.output(&mut command)?)?)
}
