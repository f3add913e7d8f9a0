//! Associations: from either side, kept by heartbeats, ended by restarts; and who is not heard.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};
use bench::{
    netns::Environment,
    pfcp::request,
    topology::{AgentOptions, N4, SMF, Topology},
};

use crate::{
    capture::Capture,
    smf::Smf,
    world::{OTHER_TUNNEL, UE, World, reaches, server},
};

const PATIENCE: Duration = Duration::from_secs(2);
/// The agent's interval between heartbeats is 10 s.
const A_HEARTBEAT: Duration = Duration::from_secs(14);

#[test]
fn the_agent_sets_the_association_up_and_keeps_it() -> Result<()> {
    let topology = Topology::new(Environment::alone()?)?;
    let home = topology.environment.namespace("ue")?;
    let capture = Capture::start(&topology, &topology.ran, "smf")?;
    let mut smf = Smf::start(&topology.ran)?;
    // It listens once it has answered.
    smf.heartbeats()?;
    let agent = topology.start_agent(&AgentOptions {
        connect: &["10.100.0.1:8805"],
        ..AgentOptions::default()
    })?;
    let association = smf.accept()?;
    assert_eq!(
        (association.node.as_str(), association.ftup),
        ("10.100.0.2", 1)
    );
    let mut world = World {
        smf,
        agent,
        home,
        topology,
    };
    world.reached("upf_pfcp_associations", &[], 1.0, PATIENCE)?;
    let _ue = world.ue(None)?;
    reaches(&world.home, &server())?;
    reaches(&world.topology.dn, UE)?;

    let seen = world.smf.heartbeats()?;
    let labels = [("type", "heartbeat_request"), ("way", "tx")];
    world.reached(
        "upf_pfcp_messages_total",
        &labels,
        seen as f64 + 1.0,
        A_HEARTBEAT,
    )?;
    let labels = [("type", "heartbeat_response"), ("way", "rx")];
    world.reached(
        "upf_pfcp_messages_total",
        &labels,
        seen as f64 + 1.0,
        PATIENCE,
    )?;
    assert!(world.smf.heartbeats()? > seen);
    assert_eq!(world.metric("upf_sessions", &[])?, 1.0);
    capture.judge("ip.src == 10.100.0.2 && pfcp", 4)
}

#[test]
fn a_restarted_smf_has_no_sessions_any_more() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(None)?;
    reaches(&world.home, &server())?;
    assert_eq!(world.metric("upf_sessions", &[])?, 1.0);
    world.smf.restart()?;
    assert_eq!(world.smf.associate()?.cause, 1);
    assert_eq!(world.metric("upf_sessions", &[])?, 0.0);
    assert_eq!(world.metric("upf_pfcp_associations", &[])?, 1.0);
    // Sequence numbers 1, 2, 3 again: none is taken for a repetition.
    let uplink = world.smf.establish(1, "10.128.0.2", None, None)?;
    assert_eq!(uplink.address, "10.1.0.2");
    world.smf.tunnel(1, OTHER_TUNNEL)?;
    assert_eq!(world.metric("upf_sessions", &[])?, 1.0);
    Ok(())
}

#[test]
fn strangers_are_not_answered() -> Result<()> {
    let world = World::new()?;
    let (ran, upf) = (&world.topology.ran, &world.topology.upf);
    // Reachable, but outside of `allow`.
    ran.ip("address add 10.101.0.1/32 dev smf")?;
    upf.ip("route add 10.101.0.1/32 dev n4")?;
    let before = world.metric("upf_pfcp_denied_datagrams_total", &[])?;
    for (address, is_answered) in [("10.101.0.1:0", false), ("10.100.0.1:0", true)] {
        let socket = ran.udp(address.parse()?)?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        socket.send_to(&HEARTBEAT, N4)?;
        let answer = socket.recv(&mut [0; 64]);
        assert_eq!(answer.is_ok(), is_answered, "{address}: {answer:?}");
    }
    assert_eq!(
        world.metric("upf_pfcp_denied_datagrams_total", &[])?,
        before + 1.0
    );
    Ok(())
}

/// A heartbeat request with a Recovery Time Stamp.
const HEARTBEAT: [u8; 16] = [0x20, 1, 0, 12, 0, 0, 1, 0, 0, 96, 0, 4, 1, 2, 3, 4];

#[test]
fn another_version_of_pfcp_is_told_so() -> Result<()> {
    let world = World::new()?;
    let socket = world.topology.ran.udp(SocketAddr::new(SMF.into(), 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut bytes = request::association(0x0042_4344, SMF, 7);
    bytes[0] = bytes[0] & 0x1f | 0x40;
    socket.send_to(&bytes, N4)?;
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer)?;
    // Version 1, Version Not Supported Response (clause 7.4.4.7), the request's sequence number.
    ensure!(
        buffer[..length] == [0x20, 11, 0, 4, 0x42, 0x43, 0x44, 0],
        "{:02x?}",
        &buffer[..length]
    );
    Ok(())
}
