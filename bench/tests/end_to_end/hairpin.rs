//! UEs of one UPF reach each other by it.

use anyhow::{Result, ensure};
use bench::ue::Ue;

use crate::{
    capture::Capture,
    iperf::{Client, serve_at},
    world::{OTHER_TUNNEL, QFI, UE, World, reaches, server},
};

const OTHER_UE: &str = "10.128.0.2";

#[test]
fn two_ues_reach_each_other_and_nothing_of_it_leaves() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(None)?;
    let uplink = world
        .smf
        .establish(2, OTHER_UE, None, Some(QFI))?
        .tunnel()?;
    let other_home = world.topology.environment.namespace("ue2")?;
    // The first UE's gNBs have the other addresses.
    let ran = &world.topology.ran;
    ran.ip("address add 10.1.0.12/24 dev gnb")?;
    let gnb = bench::pfcp::Tunnel {
        address: [10, 1, 0, 12].into(),
        ..OTHER_TUNNEL
    };
    world.smf.tunnel(2, gnb)?;
    let address = format!("{OTHER_UE}/32");
    let _other = Ue::attach(&other_home, &[&*address], ran, &[gnb], uplink, Some(QFI))?;

    let capture = Capture::start(&world.topology, &world.topology.dn, "n6")?;
    let n3 = Capture::start(&world.topology, ran, "gnb")?;
    reaches(&world.home, OTHER_UE)?;
    reaches(&other_home, UE)?;
    let _server = serve_at(&other_home, OTHER_UE)?;
    let client = Client {
        from: &world.home,
        to: OTHER_UE,
        seconds: 1,
    };
    client.gets_through()?;
    // What is for the data network leaves.
    reaches(&world.home, &server())?;
    reaches(&other_home, &server())?;
    let capture = capture.end()?;
    ensure!(capture.count("icmp && ip.src == 10.128.0.0/9 && ip.dst == 10.2.0.1")? >= 10);
    assert_eq!(
        capture.count("ip.src == 10.128.0.0/9 && ip.dst == 10.128.0.0/9")?,
        0
    );
    n3.judge("ip.src == 10.1.0.2 && gtp.message == 255", 1000)?;
    Ok(())
}
