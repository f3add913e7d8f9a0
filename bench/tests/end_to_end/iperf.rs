//! iperf3 between a UE and the data network.

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
pub(crate) const PAYLOAD: f64 = 1200.0;
pub(crate) const HEADERS: f64 = 28.0;
const SECONDS: &str = "4";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Uplink,
    Downlink,
}

impl Way {
    /// As metrics call it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Uplink => "uplink",
            Self::Downlink => "downlink",
        }
    }
}

/// The server in the data network.
pub(crate) fn serve(world: &World) -> Result<Process> {
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
pub(crate) fn udp(world: &World, way: Way, rate: f64) -> Result<f64> {
    let (rate, payload) = (format!("{rate:.0}"), format!("{PAYLOAD:.0}"));
    let report = run(
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
pub(crate) fn tcp(world: &World, way: Way) -> Result<f64> {
    let report = run(world, way, &[])?;
    let received = &report["end"]["sum_received"]["bits_per_second"];
    received
        .as_f64()
        .with_context(|| format!("no result in {report}"))
}

fn run(world: &World, way: Way, options: &[&str]) -> Result<Value> {
    let mut command = Command::new("iperf3");
    command
        .args(["--json", "--client", &server(), "--time", SECONDS])
        .args(options);
    if way == Way::Downlink {
        command.arg("--reverse");
    }
    Ok(serde_json::from_str(&world.home.output(&mut command)?)?)
}
