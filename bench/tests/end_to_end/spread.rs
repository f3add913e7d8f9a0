//! Outer source ports, by which receivers spread flows over their queues (TS 29.281 clause 4.4.2.0).

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    gtpu,
    mmsg::enlarge_receive_buffer,
    topology::{DN, GNB},
};

use crate::world::{TUNNEL, UE, World};

const FLOWS: u16 = 64;
const PACKETS: usize = 4;
const FIRST: u16 = 20_000;

#[test]
fn flows_differ_in_the_outer_source_port_and_keep_theirs() -> Result<()> {
    let mut world = World::new()?;
    world.smf.establish(1, UE, None, None)?;
    world.smf.tunnel(1, TUNNEL)?;
    let gnb = world
        .topology
        .ran
        .udp(SocketAddr::new(GNB.into(), gtpu::PORT))?;
    enlarge_receive_buffer(&gnb)?;
    gnb.set_read_timeout(Some(Duration::from_secs(2)))?;
    // Known before it counts.
    let first = world.topology.dn.udp(SocketAddr::new(DN.into(), FIRST))?;
    for _ in 0..20 {
        first.send_to(b"first", (UE, 9000))?;
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(first);

    let senders = (0..FLOWS)
        .map(|flow| {
            world
                .topology
                .dn
                .udp(SocketAddr::new(DN.into(), FIRST + flow))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut outer: HashMap<u16, HashSet<u16>> = HashMap::new();
    for _ in 0..PACKETS {
        for sender in &senders {
            sender.send_to(b"counted", (UE, 9000))?;
        }
    }
    let mut buffer = [0; 2048];
    let mut count = 0;
    while count < PACKETS * senders.len() {
        let (length, from) = gnb
            .recv_from(&mut buffer)
            .with_context(|| format!("after {count}"))?;
        let packet = gtpu::read(&buffer[..length]).context("no G-PDU")?;
        ensure!(from.ip() == bench::topology::N3, "from {from}");
        if packet.payload.ends_with(b"counted") {
            let port = u16::from_be_bytes([packet.payload[20], packet.payload[21]]);
            outer.entry(port).or_default().insert(from.port());
            count += 1;
        }
    }
    assert_eq!(outer.len(), senders.len());
    for (flow, ports) in &outer {
        assert_eq!(ports.len(), 1, "flow {flow}: {ports:?}");
    }
    // Of 16,384 ports, two flows seldom get the same one.
    let distinct = outer.values().flatten().collect::<HashSet<_>>();
    assert!(
        distinct.len() > 48,
        "{} ports for {FLOWS} flows",
        distinct.len()
    );
    Ok(())
}
