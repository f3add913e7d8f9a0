//! UEs of one UPF reach each other by it.

use anyhow::{Result, ensure};
use bench::{netns::Namespace, pfcp::Tunnel, ue::Ue};
use serde_json::json;

use crate::{
    capture::Capture,
    iperf::{Client, serve_at},
    smf::json_of,
    world::{OTHER_TUNNEL, QFI, TUNNEL, UE, World, reaches, server},
};

/// Addresses and prefixes of two UEs.
const ONE: (&str, &str) = (UE, "2001:db8:45:1::");
const OTHER: (&str, &str) = ("10.128.0.2", "2001:db8:45:2::");
const ONE_V6: &str = "2001:db8:45:1::abcd";
const OTHER_V6: &str = "2001:db8:45:2::abcd";

#[test]
fn two_ues_reach_each_other_and_nothing_of_it_leaves() -> Result<()> {
    let mut world = World::new()?;
    let home = world.home.clone();
    let other_home = world.topology.environment.namespace("ue2")?;
    let _ue = attach(&mut world, 1, &home, ONE, TUNNEL)?;
    let _other = attach(&mut world, 2, &other_home, OTHER, OTHER_TUNNEL)?;

    let n6 = Capture::start(&world.topology, &world.topology.dn, "n6")?;
    let n3 = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    for (to, back) in [(OTHER.0, ONE.0), (OTHER_V6, ONE_V6)] {
        reaches(&home, to)?;
        reaches(&other_home, back)?;
        let _server = serve_at(&other_home, to)?;
        let client = Client {
            from: &home,
            to,
            seconds: 1,
        };
        client.gets_through()?;
    }
    // What is for the data network leaves.
    reaches(&home, &server())?;
    reaches(&other_home, &server())?;
    let n6 = n6.end()?;
    ensure!(n6.count("icmp && ip.src == 10.128.0.0/9 && ip.dst == 10.2.0.1")? >= 10);
    let between = "(ip.src == 10.128.0.0/9 && ip.dst == 10.128.0.0/9) \
                   || (ipv6.src == 2001:db8:45::/48 && ipv6.dst == 2001:db8:45::/48)";
    assert_eq!(n6.count(between)?, 0);
    n3.judge("ip.src == 10.1.0.2 && gtp.message == 255", 1000)
}

/// A UE with both families in a namespace of its own.
fn attach(
    world: &mut World,
    session: u64,
    home: &Namespace,
    (v4, prefix): (&str, &str),
    gnb: Tunnel,
) -> Result<Ue> {
    let ue = json!([v4, prefix]);
    let rules = json!({
        "pdrs": [
            {"id": 1, "from": "Core", "instance": "internet", "ue": ue, "far": 1, "qers": [1]},
            {"id": 2, "from": "Access", "choose": 5, "ue": ue, "qfi": QFI, "far": 2, "qers": [1]},
        ],
        "fars": [
            {"id": 1, "to": "Access", "tunnel": json_of(gnb)},
            {"id": 2, "to": "Core", "instance": "internet"},
        ],
        "qers": [{"id": 1, "qfi": QFI}],
    });
    let created = world.smf.create(session, "IPv4v6", rules)?;
    let addresses = [format!("{v4}/32"), format!("{prefix}abcd/64")];
    let addresses = addresses.each_ref().map(String::as_str);
    let (ran, uplink) = (&world.topology.ran, created.tunnels[&2]);
    Ue::attach(home, &addresses, ran, &[gnb], uplink, Some(QFI))
}
