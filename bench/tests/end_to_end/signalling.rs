//! GTP-U messages between the nodes themselves (TS 29.281 clause 7).

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    gtpu,
    topology::{GNB, N3},
};

use crate::{capture::Capture, world::World};

const PATIENCE: Duration = Duration::from_secs(2);
/// Version 1, sequence number 0x1234.
const ECHO_REQUEST: [u8; 12] = [0x32, 1, 0, 4, 0, 0, 0, 0, 0x12, 0x34, 0, 0];
/// For a tunnel that the UPF does not know.
const END_MARKER: [u8; 8] = [0x30, 254, 0, 0, 0, 0, 0, 9];
/// The gNB knows no tunnel 9, which it would have at 10.1.0.1.
const ERROR_INDICATION: [u8; 24] = [
    0x32, 26, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 16, 0, 0, 0, 9, 133, 0, 4, 10, 1, 0, 1,
];

#[test]
fn an_echo_request_is_answered() -> Result<()> {
    let world = World::new()?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let gnb = gnb(&world)?;
    gnb.send_to(&ECHO_REQUEST, (N3, gtpu::PORT))?;
    let mut buffer = [0; 64];
    let (length, from) = gnb.recv_from(&mut buffer).context("no Echo Response")?;
    assert_eq!(from, SocketAddr::new(N3.into(), gtpu::PORT));
    // The sequence number, and the mandatory Recovery IE, whose value is 0 (clause 8.2).
    let response = [0x32, 2, 0, 6, 0, 0, 0, 0, 0x12, 0x34, 0, 0, 14, 0];
    assert_eq!(buffer[..length], response);
    capture.judge(
        "ip.src == 10.1.0.2 && gtp.message == 2 && gtp.seq_number == 0x1234 && gtp.recovery == 0",
        1,
    )
}

#[test]
fn other_messages_are_taken_and_not_refused() -> Result<()> {
    const EACH: usize = 5;
    let world = World::new()?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let gnb = gnb(&world)?;
    for message in [&END_MARKER[..], &ERROR_INDICATION] {
        for _ in 0..EACH {
            gnb.send_to(message, (N3, gtpu::PORT))?;
        }
    }
    let labels = [("reason", "gtpu_signalling")];
    world.reached(
        "upf_punted_packets_total",
        &labels,
        2.0 * EACH as f64,
        PATIENCE,
    )?;
    let recording = capture.end()?;
    for kind in [254, 26] {
        let seen = recording.count(&format!(
            "ip.dst == 10.1.0.2 && gtp.message == {kind} && !icmp"
        ))?;
        ensure!(seen == EACH, "{seen} messages of type {kind} were sent");
    }
    let refused = recording.count("icmp")?;
    ensure!(refused == 0, "{refused} ICMP messages came back");
    Ok(())
}

fn gnb(world: &World) -> Result<UdpSocket> {
    let socket = world
        .topology
        .ran
        .udp(SocketAddr::new(GNB.into(), gtpu::PORT))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}
