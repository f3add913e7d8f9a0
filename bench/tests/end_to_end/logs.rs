//! What the fast path logs.

use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bench::{pfcp::Tunnel, topology::AgentOptions};

use crate::world::{UE, World};

/// A gNB that is not there.
const NOBODY: Tunnel = Tunnel {
    teid: 0x3003,
    address: Ipv4Addr::new(10, 1, 0, 99),
};

#[test]
fn records_of_the_fast_path_come_out_in_the_agent_s_log() -> Result<()> {
    const RECORD: &str = "next hop unknown on device";
    let options = AgentOptions {
        log: Some("debug"),
        ..AgentOptions::default()
    };
    let mut world = World::with(&options, |_| Ok(()))?;
    world.smf.establish(1, UE, None, None)?;
    assert!(!world.agent.log().contains(RECORD));
    world.smf.tunnel(1, NOBODY)?;
    let sender = world.topology.dn.udp("0.0.0.0:0".parse()?)?;
    let begin = Instant::now();
    while !world.agent.log().contains(RECORD) {
        sender.send_to(b"anybody there?", (UE, 9000))?;
        ensure!(
            begin.elapsed() < Duration::from_secs(3),
            "no {RECORD:?} in {}",
            world.agent.log()
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
