//! Limits of SIMs and customers, held under UDP and TCP, shared, and changed at any moment.

use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bench::{
    netns::Process,
    pfcp::Tunnel,
    topology::{AgentOptions, GNB},
    ue::Ue,
};
use serde_json::{Value, json};

use crate::{
    constant::{Constant, Peer},
    iperf::{Client, HEADERS, PAYLOAD, Way, serve},
    world::{QFI, World, server},
};

const WAYS: [Way; 2] = [Way::Uplink, Way::Downlink];
/// How far a rate may lie off its limit.
const TOLERANCE: f64 = 0.02;
/// The least part of a limit that TCP has to deliver as payload.
const LEAST_GOODPUT: f64 = 0.9;
/// And the most, for a bucket that was full when the measuring began comes on top.
const MOST_GOODPUT: f64 = 1.12;
/// IMSIs of the tests; the number follows.
const IMSI: &str = "00101000000000";
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

/// A UE with a SIM, and iperf3's server.
struct Line {
    _server: Process,
    _ue: Ue,
    world: World,
}

impl Line {
    fn new(config: &str) -> Result<Self> {
        let mut world = world(config)?;
        let _ue = world.sim(&imsi(0))?;
        let _server = serve(&world)?;
        Ok(Self {
            _server,
            _ue,
            world,
        })
    }

    fn client<'a>(&'a self, to: &'a str, seconds: u32) -> Client<'a> {
        Client {
            from: &self.world.home,
            to,
            seconds,
        }
    }

    fn give(&self, class: &str) -> Result<Value> {
        give(&self.world, 0, class)
    }
}

fn world(config: &str) -> Result<World> {
    let options = AgentOptions {
        more: config,
        ..AgentOptions::default()
    };
    World::with(&options, |_| Ok(()))
}

fn imsi(number: u32) -> String {
    format!("{IMSI}{number}")
}

/// Gives a SIM a class, and returns how it is shown then.
fn give(world: &World, sim: u32, class: &str) -> Result<Value> {
    let path = format!("/v1/sims/{}", imsi(sim));
    let view = world
        .agent
        .put(&path, &json!({"class": class}).to_string())?;
    let view: Value = serde_json::from_str(&view)?;
    ensure!(view["class"] == class, "{view}");
    Ok(view)
}

#[test]
fn a_sim_gets_its_class_by_udp() -> Result<()> {
    let rates = [("1M", 1e6), ("10M", 10e6), ("100M", 100e6)];
    let line = Line::new(&classes(&["1 Mbit/s", "10 Mbit/s", "100 Mbit/s"]))?;
    let server = server();
    for (class, limit) in rates {
        line.give(class)?;
        for way in WAYS {
            let got = line.client(&server, 3).udp_steady(way, 1.5 * limit)?;
            let got = got * (PAYLOAD + HEADERS) / PAYLOAD;
            println!("UDP {class} {way:?}: {:+.2} %", (got / limit - 1.0) * 100.0);
            assert!(
                (got / limit - 1.0).abs() < TOLERANCE,
                "{class} {way:?}: {got} bit/s"
            );
        }
    }
    Ok(())
}

#[test]
fn a_sim_gets_half_a_gigabit() -> Result<()> {
    const LIMIT: f64 = 500e6;
    let mut world = world(&classes(&["500 Mbit/s"]))?;
    let peers = peers(&mut world, 1)?;
    give(&world, 0, "500M")?;
    for way in WAYS {
        let traffic = Constant::start(&world, way, &peers, 1400, 1.2 * LIMIT)?;
        thread::sleep(Duration::from_secs(2));
        let (offered, got) = traffic.measure(Duration::from_secs(3));
        println!("{way:?}: {offered} offered, {got:?} delivered");
        ensure!(
            offered > 1.02 * LIMIT,
            "{way:?}: the sender offers {offered} bit/s only"
        );
        assert!(
            (got[0] / LIMIT - 1.0).abs() < TOLERANCE,
            "{way:?}: {got:?} bit/s"
        );
    }
    Ok(())
}

#[test]
fn tcp_gets_nine_tenths_of_its_class() -> Result<()> {
    let rates = [("512k", 512e3), ("5M", 5e6), ("50M", 50e6), ("200M", 200e6)];
    let line = Line::new(&classes(&["512 kbit/s", "5 Mbit/s", "200 Mbit/s"]))?;
    let server = server();
    let mut slow = Vec::new();
    for ecn in ["0", "1"] {
        for namespace in [&line.world.home, &line.world.topology.dn] {
            namespace.sysctl("net.ipv4.tcp_ecn", ecn)?;
        }
        for control in ["cubic", "bbr"] {
            for (class, limit) in rates {
                line.give(class)?;
                let options = ["--congestion", control, "--omit", "1"];
                let got = line.client(&server, 3).tcp_with(Way::Downlink, &options)?;
                let part = got / limit;
                let text = format!("{control} ecn {ecn} {class}: {:.1} %", part * 100.0);
                println!("{text}");
                if !(LEAST_GOODPUT..MOST_GOODPUT).contains(&part) {
                    slow.push(text);
                }
            }
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
    Ok(())
}

/// Goodput by rate, depth, congestion control and ECN: what the default depth was chosen by.
#[test]
#[ignore = "takes minutes"]
fn tcp_by_depth() -> Result<()> {
    const RATES: [(&str, f64); 3] = [
        ("5 Mbit/s", 5e6),
        ("50 Mbit/s", 50e6),
        ("200 Mbit/s", 200e6),
    ];
    const DEPTHS: [u32; 5] = [50, 100, 200, 300, 500];
    let mut config = String::new();
    for (at, (rate, _)) in RATES.iter().enumerate() {
        for depth in DEPTHS {
            config += &format!(
                "[speed_class.\"r{at}d{depth}\"]\nuplink = \"{rate}\"\ndownlink = \"{rate}\"\ndepth = \"{depth} ms\"\n"
            );
        }
    }
    let line = Line::new(&config)?;
    let server = server();
    for ecn in ["0", "1"] {
        for namespace in [&line.world.home, &line.world.topology.dn] {
            namespace.sysctl("net.ipv4.tcp_ecn", ecn)?;
        }
        for control in ["cubic", "bbr"] {
            for (at, (rate, limit)) in RATES.iter().enumerate() {
                let mut row = format!("| {control} | {ecn} | {rate} |");
                for depth in DEPTHS {
                    line.give(&format!("r{at}d{depth}"))?;
                    let options = ["--congestion", control, "--omit", "1"];
                    let got = line.client(&server, 3).tcp_with(Way::Downlink, &options)?;
                    row += &format!(" {:.0} |", got / limit * 100.0);
                }
                println!("{row}");
            }
        }
    }
    Ok(())
}

#[test]
fn four_sims_share_their_customers_limit() -> Result<()> {
    const LIMIT: f64 = 20e6;
    let config = "[customer.acme]\nuplink = \"20 Mbit/s\"\ndownlink = \"20 Mbit/s\"\n\
        [[customer_rule]]\ncustomer = \"acme\"\nimsi = [\"001010000000000\", \"001010000000009\"]\n";
    let mut world = world(config)?;
    let peers = peers(&mut world, 4)?;
    for way in WAYS {
        let traffic = Constant::start(&world, way, &peers, 1000, 2.0 * LIMIT)?;
        thread::sleep(Duration::from_secs(1));
        let (_, got) = traffic.measure(Duration::from_secs(3));
        let sum = got.iter().sum::<f64>();
        println!("{way:?}: {sum} bit/s, {got:?}");
        assert!(
            (sum / LIMIT - 1.0).abs() < TOLERANCE,
            "{way:?}: {sum} bit/s"
        );
        for rate in &got {
            let part = rate / (LIMIT / 4.0);
            assert!((0.8..1.2).contains(&part), "{way:?}: {got:?}");
        }
    }
    Ok(())
}

#[test]
fn a_change_by_pfcp_shows_promptly() -> Result<()> {
    let mut world = world("")?;
    let peers = peers_with(&mut world, 1, Some(20_000))?;
    let traffic = Constant::start(&world, Way::Downlink, &peers, 1000, 40e6)?;
    thread::sleep(Duration::from_secs(1));
    for kilobits in [5_000, 20_000, 500, 10_000, 1_000, 20_000] {
        let asked = Instant::now();
        world.smf.rate(1, kilobits)?;
        shows(&traffic, asked, kilobits as f64 * 1e3)?;
    }
    Ok(())
}

#[test]
fn a_change_by_rest_shows_promptly() -> Result<()> {
    let mut world = world(&classes(&[
        "500 kbit/s",
        "1 Mbit/s",
        "5 Mbit/s",
        "20 Mbit/s",
    ]))?;
    let peers = peers(&mut world, 1)?;
    give(&world, 0, "20M")?;
    let traffic = Constant::start(&world, Way::Downlink, &peers, 1000, 40e6)?;
    thread::sleep(Duration::from_secs(1));
    for (class, rate) in [
        ("5M", 5e6),
        ("20M", 20e6),
        ("500k", 0.5e6),
        ("20M", 20e6),
        ("1M", 1e6),
        ("20M", 20e6),
    ] {
        let asked = Instant::now();
        give(&world, 0, class)?;
        shows(&traffic, asked, rate)?;
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

/// SIMs with a session each, without an MBR.
fn peers(world: &mut World, count: u32) -> Result<Vec<Peer>> {
    peers_with(world, count, None)
}

fn peers_with(world: &mut World, count: u32, kilobits: Option<u64>) -> Result<Vec<Peer>> {
    let peer = |number: u32| {
        let address = Ipv4Addr::from_bits(bench::topology::POOL.to_bits() + 1 + number);
        let session = u64::from(number) + 1;
        let downlink = Tunnel {
            teid: 0x1001 + number,
            address: GNB,
        };
        let uplink = world.smf.establish_for(
            Some(&imsi(number)),
            session,
            &address.to_string(),
            kilobits,
            Some(QFI),
        )?;
        world.smf.tunnel(session, downlink)?;
        Ok(Peer {
            address,
            uplink: uplink.tunnel()?,
            downlink,
        })
    };
    (0..count).map(peer).collect()
}
