//! Limits of SIMs and customers, held under UDP and TCP, shared, and changed at any moment.

mod lines;
mod tcp;

use std::{
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use bench::topology::AgentOptions;
use serde_json::{Value, json};

use crate::{
    constant::{Constant, Peer},
    iperf::Way,
    world::{QFI, TUNNEL, UE, World},
};
use lines::{Lines, at_once};

const WAYS: [Way; 2] = [Way::Uplink, Way::Downlink];
/// How far a rate may lie off its limit.
const TOLERANCE: f64 = 0.02;
const ATTEMPTS: u32 = 3;
/// What UDP offers, in parts of its limit.
const OFFERED: f64 = 1.2;
/// IMSIs of the tests; the number follows.
const IMSI: &str = "0010100000000";
/// Within which a change shows.
const PROMPTLY: Duration = Duration::from_millis(100);

/// A speed class of the same rate both ways, with the default depth.
fn class(rate: &str) -> String {
    let name = rate.replace(' ', "").replace("bit/s", "");
    format!("[speed_class.\"{name}\"]\nuplink = \"{rate}\"\ndownlink = \"{rate}\"\n")
}

fn classes(rates: &[&str]) -> String {
    rates.iter().map(|rate| class(rate)).collect()
}

fn world(config: &str) -> Result<World> {
    let options = AgentOptions {
        more: config,
        ..AgentOptions::default()
    };
    World::with(&options, |_| Ok(()))
}

fn imsi(number: u32) -> String {
    format!("{IMSI}{number:02}")
}

/// Gives a SIM a class, or takes it back to the config.
fn give(world: &World, sim: u32, class: Option<&str>) -> Result<()> {
    let path = format!("/v1/sims/{}", imsi(sim));
    let view = world
        .agent
        .put(&path, &json!({"class": class}).to_string())?;
    let view: Value = serde_json::from_str(&view)?;
    ensure!(view["class"] == json!(class), "{view}");
    Ok(())
}

/// Measures until nothing is off, for a machine may have other work for a moment; what is wrong stays wrong.
fn undisturbed(mut measure: impl FnMut() -> Result<Vec<String>>) -> Result<()> {
    let mut off = Vec::new();
    for _ in 0..ATTEMPTS {
        off = measure()?;
        if off.is_empty() {
            return Ok(());
        }
    }
    bail!("{off:?}")
}

#[test]
fn a_sim_gets_its_class_by_udp() -> Result<()> {
    let rates = [("1M", 1e6), ("10M", 10e6), ("100M", 100e6), ("500M", 500e6)];
    let config = classes(&["1 Mbit/s", "10 Mbit/s", "100 Mbit/s", "500 Mbit/s"]);
    let lines = Lines::new(4, &config)?;
    let both = rates.map(|(class, rate)| WAYS.map(|way| (way, class, rate)));
    let cases = both.concat();
    // The slow ones, both ways, beside each other and for longer: there are few packets. The fast ones alone.
    let (slow, fast) = cases.split_at(4);
    let fast = fast.chunks(1).map(|case| (case, 4));
    for (round, seconds) in [(slow, 7)].into_iter().chain(fast) {
        undisturbed(|| udp(&lines, round, seconds))?;
    }
    Ok(())
}

/// What is off of these cases, each on a line of its own at the same time.
fn udp(lines: &Lines, round: &[(Way, &str, f64)], seconds: u32) -> Result<Vec<String>> {
    let pairs: Vec<_> = lines.lines.iter().zip(round).collect();
    for (line, (_, class, _)) in &pairs {
        give(&lines.world, line.sim, Some(class))?;
    }
    let got = at_once(&pairs, |(line, (way, _, limit))| {
        line.client(seconds).udp_steady(*way, OFFERED * limit)
    })?;
    let mut off = Vec::new();
    for ((line, (way, class, limit)), got) in pairs.iter().zip(got) {
        let text = format!("{class} {way:?}: {:+.2} %", (got / limit - 1.0) * 100.0);
        println!("UDP {text}");
        if (got / limit - 1.0).abs() > TOLERANCE {
            off.push(text);
        }
        ensure!(lines.count(line, *way, "dropped")? > 0, "{class} {way:?}");
    }
    Ok(off)
}

#[test]
fn four_sims_share_their_customers_limit() -> Result<()> {
    const LIMIT: f64 = 20e6;
    const SIMS: usize = 4;
    let config = "[customer.acme]\nuplink = \"20 Mbit/s\"\ndownlink = \"20 Mbit/s\"\n\
        [[customer_rule]]\ncustomer = \"acme\"\nimsi = [\"001010000000000\", \"001010000000009\"]\n";
    // Four for each way: the ways have limits of their own, so that they can be looked at together.
    let lines = Lines::new(2 * SIMS as u8, config)?;
    let ways = WAYS.map(|way| [way; SIMS]).concat();
    let lines: Vec<_> = lines
        .lines
        .iter()
        .zip(ways)
        .zip((0..SIMS).cycle())
        .collect();
    // What UDP offers of each SIM, and which part of its share it has to get: its share is what it offers in proportion.
    for (offers, least) in [([10e6; SIMS], 0.8), ([8e6, 8e6, 16e6, 32e6], 0.4)] {
        undisturbed(|| {
            let got = at_once(&lines, |((line, way), sim)| {
                line.client(5).udp_steady(*way, offers[*sim])
            })?;
            let total = (1.0 - TOLERANCE)..(1.0 + TOLERANCE);
            let shares = offers.map(|offer| offer / offers.iter().sum::<f64>());
            Ok(shared("UDP", LIMIT, &got, shares, total, least))
        })?;
    }
    // How TCP connections share among themselves is their business, and takes them time; none is left without.
    undisturbed(|| {
        let got = at_once(&lines, |((line, way), _)| {
            line.client(8)
                .tcp_with(*way, &["--congestion", "cubic", "--omit", "1"])
        })?;
        Ok(shared("TCP", LIMIT, &got, [0.25; SIMS], 0.9..1.15, 0.3))
    })
}

/// What is off where `got` has the rates of the SIMs for both ways.
fn shared<const SIMS: usize>(
    what: &str,
    limit: f64,
    got: &[f64],
    shares: [f64; SIMS],
    total: Range<f64>,
    least: f64,
) -> Vec<String> {
    let mut off = Vec::new();
    for (way, got) in WAYS.iter().zip(got.chunks(SIMS)) {
        let parts: Vec<_> = got.iter().map(|rate| rate / limit).collect();
        let text = format!("{what} {way:?}: {parts:.3?} of {shares:.3?}");
        println!("{text}");
        let is_served = |(part, share): (&f64, &f64)| *part >= least * share;
        if !total.contains(&parts.iter().sum()) || !parts.iter().zip(&shares).all(is_served) {
            off.push(text);
        }
    }
    off
}

#[test]
fn a_change_by_pfcp_shows_promptly() -> Result<()> {
    let mut world = world("")?;
    let peer = peer(&mut world, Some(20_000))?;
    for way in WAYS {
        let traffic = Constant::start(&world, way, &peer, 1000, 40e6)?;
        thread::sleep(Duration::from_secs(1));
        for kilobits in [5_000, 20_000, 500, 10_000, 1_000, 20_000] {
            let asked = Instant::now();
            world.smf.rate(1, kilobits)?;
            shows(&traffic, asked, kilobits as f64 * 1e3)?;
        }
    }
    Ok(())
}

#[test]
fn a_change_by_rest_shows_promptly() -> Result<()> {
    const OFFERED: f64 = 40e6;
    let names = ["500 kbit/s", "1 Mbit/s", "5 Mbit/s", "20 Mbit/s"];
    let mut world = world(&classes(&names))?;
    let peer = peer(&mut world, None)?;
    for way in WAYS {
        give(&world, 0, Some("20M"))?;
        let traffic = Constant::start(&world, way, &peer, 1000, OFFERED)?;
        thread::sleep(Duration::from_secs(1));
        for (class, rate) in [
            (Some("5M"), 5e6),
            (Some("20M"), 20e6),
            (Some("500k"), 0.5e6),
            (Some("20M"), 20e6),
            (Some("1M"), 1e6),
            (None, OFFERED),
            // A limit where there was none.
            (Some("20M"), 20e6),
        ] {
            let asked = Instant::now();
            give(&world, 0, class)?;
            shows(&traffic, asked, rate)?;
        }
    }
    Ok(())
}

/// From 100 ms after it was asked for, the new rate is held.
fn shows(traffic: &Constant, asked: Instant, rate: f64) -> Result<()> {
    let (from, to) = (
        asked + PROMPTLY,
        asked + PROMPTLY + Duration::from_millis(400),
    );
    thread::sleep(to + Duration::from_millis(50) - Instant::now());
    let got = traffic.between(from, to);
    println!("{rate}: {got} bit/s from 100 to 500 ms after the change");
    // Steps of packets of 1,000 bytes, and of the kernel's clock.
    let slack = 0.05 * rate + 2.0 * 8000.0 / 0.4;
    ensure!((got - rate).abs() < slack, "{got} of {rate} bit/s");
    Ok(())
}

/// A SIM with a session.
fn peer(world: &mut World, kilobits: Option<u64>) -> Result<Peer> {
    let sim = Some(imsi(0));
    let uplink = world
        .smf
        .establish_for(sim.as_deref(), 1, UE, kilobits, Some(QFI))?;
    world.smf.tunnel(1, TUNNEL)?;
    Ok(Peer {
        address: UE.parse()?,
        uplink: uplink.tunnel()?,
        downlink: TUNNEL,
    })
}
