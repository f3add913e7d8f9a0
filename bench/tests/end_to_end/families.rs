//! UEs with IPv6, with both families, and tunnels over IPv6, under iperf3.

use anyhow::Result;
use bench::{
    netns::Process,
    topology::AgentOptions,
    ue::{Endpoint, Ue},
};
use serde_json::json;

use crate::{
    capture::Capture,
    iperf::{Client, serve_at},
    world::{QFI, TUNNEL, UE, World, reaches, server},
};

const PREFIX: &str = "2001:db8:45:7::";
const UE_V6: &str = "2001:db8:45:7::abcd";
const SERVER_V6: &str = "2001:db8:2::1";
const UL: u16 = 2;

#[test]
fn an_ipv6_only_ue_runs_iperf3() -> Result<()> {
    let mut world = World::new()?;
    let _ue = attach(&mut world, &[PREFIX], TUNNEL.into(), 4)?;
    both_ways(&world, &[SERVER_V6])
}

#[test]
fn a_ue_with_both_families_runs_iperf3() -> Result<()> {
    let mut world = World::new()?;
    let _ue = attach(&mut world, &[UE, PREFIX], TUNNEL.into(), 4)?;
    both_ways(&world, &[&server(), SERVER_V6])
}

#[test]
fn tunnels_over_ipv6_have_the_right_udp_checksum() -> Result<()> {
    const GNB_V6: &str = "2001:db8:1::1";
    const N3_V6: &str = "2001:db8:1::2";
    let options = AgentOptions {
        n3: &[N3_V6],
        ..AgentOptions::default()
    };
    let mut world = World::with(&options, |topology| {
        let add = |device, address| format!("address add {address}/64 dev {device} nodad");
        topology.ran.ip(&add("gnb", GNB_V6))?;
        topology.upf.ip(&add("n3", N3_V6))?;
        Ok(())
    })?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let gnb = Endpoint {
        teid: TUNNEL.teid,
        address: GNB_V6.parse()?,
    };
    let _ue = attach(&mut world, &[UE, PREFIX], gnb, 6)?;
    both_ways(&world, &[&server(), SERVER_V6])?;
    // The judge looks at the outer checksum as well as at the inner ones.
    let capture = capture.end()?;
    let from_us = "ipv6.src == 2001:db8:1::2 && gtp.message == 255";
    capture.judge(from_us, 1000)?;
    let unchecked = format!("{from_us} && !(udp.checksum.status == 1)");
    assert_eq!(capture.count(&unchecked)?, 0);
    assert_eq!(
        capture.count("ip.src == 10.1.0.2 && gtp.message == 255")?,
        0
    );
    Ok(())
}

/// A session of a UE with these addresses, over tunnels of that outer family.
fn attach(world: &mut World, ue: &[&str], gnb: Endpoint, outer: u8) -> Result<Ue> {
    let pdn = match ue {
        [_, _] => "IPv4v6",
        [one] if one.contains(':') => "IPv6",
        _ => "IPv4",
    };
    let rules = json!({
        "pdrs": [
            {"id": 1, "from": "Core", "instance": "internet", "ue": ue, "far": 1, "qers": [1]},
            {"id": UL, "from": "Access", "choose": 5, "outer": outer, "ue": ue, "qfi": QFI, "far": 2,
             "qers": [1]},
        ],
        "fars": [
            {"id": 1, "to": "Access", "tunnel": {"teid": gnb.teid, "address": gnb.address}},
            {"id": 2, "to": "Core", "instance": "internet"},
        ],
        "qers": [{"id": 1, "qfi": QFI}],
    });
    let created = world.smf.create(1, pdn, rules)?;
    let uplink = created.tunnels[&UL];
    assert_eq!(uplink.address.is_ipv6(), outer == 6, "{uplink:?}");
    let addresses = ue.iter().map(|&address| match address {
        PREFIX => format!("{UE_V6}/64"),
        v4 => format!("{v4}/32"),
    });
    let addresses = addresses.collect::<Vec<_>>();
    let addresses = addresses.iter().map(String::as_str).collect::<Vec<_>>();
    let ran = &world.topology.ran;
    Ue::attach(&world.home, &addresses, ran, &[gnb], uplink, Some(QFI))
}

/// Ping, and iperf3 by TCP and UDP, to each of these servers.
fn both_ways(world: &World, servers: &[&str]) -> Result<()> {
    for &to in servers {
        reaches(&world.home, to)?;
        let ue = if to == SERVER_V6 { UE_V6 } else { UE };
        reaches(&world.topology.dn, ue)?;
        let _server: Process = serve_at(&world.topology.dn, to)?;
        let client = Client {
            from: &world.home,
            to,
            seconds: 1,
        };
        client.gets_through()?;
    }
    Ok(())
}
