//! iperf3 between a UE and the data network.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::netns::{Namespace, Process};
use serde_json::Value;

use crate::world::{World, server};

/// The UDP payload: with IPv6, too, it fits into what a UE sends at once.
const PAYLOAD: f64 = 1200.0;
/// What IPv4 and UDP add to it: limits are over IP packets.
const HEADERS: f64 = 28.0;
/// The sockets' buffers, where the system lets them have as much.
const WINDOW: u64 = 4 << 20;
pub(crate) const SECONDS: u32 = 4;
/// With a server that is busy.
const PATIENCE: Duration = Duration::from_secs(5);

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
    serve_at(&world.topology.dn, &server())
}

/// A server at that address.
pub(crate) fn serve_at(namespace: &Namespace, address: &str) -> Result<Process> {
    let mut command = Command::new("iperf3");
    command.args(["--server", "--json", "--bind", address]);
    let server = namespace.spawn(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
    thread::sleep(Duration::from_millis(300));
    Ok(server)
}

/// Delivered bits per second of UDP payload.
pub(crate) fn udp(world: &World, way: Way, rate: f64) -> Result<f64> {
    ordinary(&world.home, &server()).udp(way, rate)
}

/// Delivered bits per second of TCP payload.
pub(crate) fn tcp(world: &World, way: Way) -> Result<f64> {
    ordinary(&world.home, &server()).tcp(way)
}

pub(crate) fn ordinary<'a>(from: &'a Namespace, to: &'a str) -> Client<'a> {
    Client {
        from,
        to,
        seconds: SECONDS,
    }
}

/// A client and the server that it speaks to.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) from: &'a Namespace,
    pub(crate) to: &'a str,
    pub(crate) seconds: u32,
}

impl Client<'_> {
    /// Delivered bits per second of UDP payload.
    pub(crate) fn udp(self, way: Way, rate: f64) -> Result<f64> {
        let report = self.udp_report(way, rate, &[])?;
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

    fn udp_report(self, way: Way, rate: f64, options: &[&str]) -> Result<Value> {
        let (rate, payload) = (format!("{rate:.0}"), format!("{PAYLOAD:.0}"));
        let udp = ["--udp", "--bitrate", &rate, "--length", &payload];
        self.run(way, &[&udp, options].concat())
    }

    /// Delivered bits per second of UDP's IP packets, as the receiver counts them each second, without the first two: a
    /// full bucket comes on top of the limit there. So many of them are offered, too.
    pub(crate) fn udp_steady(self, way: Way, rate: f64) -> Result<f64> {
        let payload = PAYLOAD / (PAYLOAD + HEADERS);
        let window = window()?.to_string();
        let options = ["--get-server-output", "--window", &window];
        let report = self.udp_report(way, rate * payload, &options)?;
        let receiver = match way {
            Way::Uplink => &report["server_output_json"],
            Way::Downlink => &report,
        };
        let intervals = receiver["intervals"].as_array();
        let sums = intervals
            .into_iter()
            .flatten()
            .map(|interval| &interval["sum"]);
        let whole = sums.filter(|sum| sum["seconds"].as_f64().is_some_and(|time| time > 0.9));
        let rates = whole.filter_map(|sum| sum["bits_per_second"].as_f64());
        let rates = rates.skip(2).collect::<Vec<_>>();
        ensure!(!rates.is_empty(), "no intervals in {report}");
        Ok(rates.iter().sum::<f64>() / rates.len() as f64 / payload)
    }

    /// Delivered bits per second of TCP payload.
    pub(crate) fn tcp(self, way: Way) -> Result<f64> {
        self.tcp_with(way, &[])
    }

    /// TCP and UDP get through both ways, at a rate that a recording holds.
    pub(crate) fn gets_through(self) -> Result<()> {
        const RATE: f64 = 10e6;
        let rate = format!("{RATE:.0}");
        for way in [Way::Uplink, Way::Downlink] {
            let got = self.tcp_with(way, &["--bitrate", &rate])?;
            ensure!(got > 0.85 * RATE, "TCP {way:?} to {}: {got} bit/s", self.to);
            let got = self.udp(way, RATE)?;
            ensure!(got > 0.95 * RATE, "UDP {way:?} to {}: {got} bit/s", self.to);
        }
        Ok(())
    }

    /// Delivered bits per second of TCP payload, with further options of iperf3.
    pub(crate) fn tcp_with(self, way: Way, options: &[&str]) -> Result<f64> {
        let report = self.run(way, options)?;
        let received = &report["end"]["sum_received"]["bits_per_second"];
        received
            .as_f64()
            .with_context(|| format!("no result in {report}"))
    }

    fn run(self, way: Way, options: &[&str]) -> Result<Value> {
        let begin = Instant::now();
        loop {
            let report = self.attempt(way, options)?;
            // Between two tests the server counts what came before, then makes itself a new listening socket: who
            // comes meanwhile is told that it is busy, refused, or reset before a stream is connected.
            let streams = report["start"]["connected"].as_array();
            let has_begun = streams.is_some_and(|streams| !streams.is_empty());
            let is_not_ready = report["error"].is_string() && !has_begun;
            if !is_not_ready || begin.elapsed() > PATIENCE {
                return Ok(report);
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn attempt(self, way: Way, options: &[&str]) -> Result<Value> {
        let mut command = Command::new("iperf3");
        command
            .args(["--json", "--connect-timeout", "3000", "--client", self.to])
            .args(["--time", &self.seconds.to_string()])
            .args(options);
        if way == Way::Downlink {
            command.arg("--reverse");
        }
        Ok(serde_json::from_str(&self.from.output(&mut command)?)?)
    }
}

/// What sockets may have as buffers.
fn window() -> Result<u64> {
    let read = |key| anyhow::Ok(fs::read_to_string(key)?.trim().parse::<u64>()?);
    let receive = read("/proc/sys/net/core/rmem_max")?;
    let send = read("/proc/sys/net/core/wmem_max")?;
    Ok(WINDOW.min(receive).min(send))
}
