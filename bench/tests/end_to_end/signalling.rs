//! GTP-U messages between the nodes themselves (TS 29.281 clause 7).

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    gtpu,
    topology::{AgentOptions, GNB, N3, OTHER_GNB},
};

use crate::{
    capture::Capture,
    world::{TUNNEL, UE, World},
};

const PATIENCE: Duration = Duration::from_secs(2);
/// Version 1, sequence number 0x1234.
const ECHO_REQUEST: [u8; 12] = [0x32, 1, 0, 4, 0, 0, 0, 0, 0x12, 0x34, 0, 0];
/// For a tunnel that the UPF does not know.
const END_MARKER: [u8; 8] = [0x30, 254, 0, 0, 0, 0, 0, 9];
/// The gNB knows no tunnel 9, which it would have at 10.1.0.1.
const ERROR_INDICATION: [u8; 24] = [
    0x32, 26, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 16, 0, 0, 0, 9, 133, 0, 4, 10, 1, 0, 1,
];

/// A packet for a tunnel that the UPF does not know.
const UNKNOWN_TEID: [u8; 9] = [0x30, 255, 0, 1, 0, 0, 0, 9, 0x45];
/// A packet with an extension header of type 0x86, which asks to be understood.
const UNKNOWN_EXTENSION: [u8; 17] = [0x34, 255, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0x86, 1, 0, 0, 0, 0x45];
/// Report Type (TS 29.244 clause 8.2.21) and Node Report Type (clause 8.2.69).
const ERIR: u8 = 1 << 2;
const UPFR: u8 = 1 << 0;
const UPRR: u8 = 1 << 1;

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
    // An Error Indication about a tunnel that no session sends to, and an End Marker.
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

#[test]
fn an_unknown_tunnel_is_answered_with_an_error_indication() -> Result<()> {
    let world = world("error_indication_holdoff = \"0 s\"")?;
    // The hold-off is over a moment after the agent is ready.
    thread::sleep(Duration::from_millis(500));
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let gnb = gnb(&world)?;
    let sender = at(&world, GNB, 40_000)?;
    sender.send_to(&UNKNOWN_TEID, (N3, gtpu::PORT))?;
    let mut buffer = [0; 64];
    let (length, from) = gnb.recv_from(&mut buffer).context("no Error Indication")?;
    assert_eq!(from, SocketAddr::new(N3.into(), gtpu::PORT));
    // The UDP Port extension header has 40000, TEID Data I is 9, GTP-U Peer Address 10.1.0.2.
    let expected = [
        0x36, 26, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0x9c, 0x40, 0, 16, 0, 0, 0, 9, 133, 0, 4,
        10, 1, 0, 2,
    ];
    assert_eq!(buffer[..length], expected);
    capture.judge(
        "ip.src == 10.1.0.2 && gtp.message == 26 && gtp.teid_data == 9 \
         && gtp.gsn_ipv4 == 10.1.0.2 && gtp.ext_hdr.udp_port == 40000",
        1,
    )
}

#[test]
fn error_indications_have_a_rate() -> Result<()> {
    const PACKETS: usize = 500;
    let world = world("error_indication_holdoff = \"0 s\"\nerror_indications_per_second = 10")?;
    thread::sleep(Duration::from_millis(500));
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let gnb = gnb(&world)?;
    for _ in 0..PACKETS {
        gnb.send_to(&UNKNOWN_TEID, (N3, gtpu::PORT))?;
    }
    let labels = [("reason", "limited")];
    let suppressed = "upf_gtpu_suppressed_error_indications_total";
    world.reached(suppressed, &labels, 1.0, PATIENCE)?;
    let sent = capture
        .end()?
        .count("ip.src == 10.1.0.2 && gtp.message == 26")?;
    ensure!((1..=50).contains(&sent), "{sent} Error Indications");
    Ok(())
}

#[test]
fn no_error_indication_while_sessions_may_come_back() -> Result<()> {
    let world = World::new()?;
    let gnb = gnb(&world)?;
    gnb.send_to(&UNKNOWN_TEID, (N3, gtpu::PORT))?;
    let labels = [("direction", "uplink"), ("reason", "unknown_teid")];
    world.reached("upf_dropped_packets_total", &labels, 1.0, PATIENCE)?;
    gnb.set_read_timeout(Some(Duration::from_millis(300)))?;
    ensure!(gnb.recv_from(&mut [0; 64]).is_err(), "there was an answer");
    Ok(())
}

#[test]
fn an_unknown_extension_header_is_answered_with_those_that_are_known() -> Result<()> {
    let world = World::new()?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let gnb = gnb(&world)?;
    gnb.send_to(&UNKNOWN_EXTENSION, (N3, gtpu::PORT))?;
    let mut buffer = [0; 64];
    let (length, _) = gnb.recv_from(&mut buffer).context("no notification")?;
    let expected = [
        0x32, 31, 0, 14, 0, 0, 0, 0, 0, 0, 0, 0, 141, 8, 0x20, 0x40, 0x81, 0x82, 0x83, 0x84, 0x85,
        0xc0,
    ];
    assert_eq!(buffer[..length], expected);
    capture.judge("ip.src == 10.1.0.2 && gtp.message == 31", 1)
}

#[test]
fn a_peers_error_indication_is_reported_to_the_control_plane() -> Result<()> {
    let mut world = World::new()?;
    world.smf.establish(1, UE, None, None)?;
    world.smf.tunnel(1, TUNNEL)?;
    let gnb = gnb(&world)?;
    // TEID 0x1001 at 10.1.0.1, which is the session's.
    let mut error = ERROR_INDICATION;
    error[13..17].copy_from_slice(&TUNNEL.teid.to_be_bytes());
    let outcome = |name| [("outcome", name)];
    let received = "upf_gtpu_received_error_indications_total";

    // Another node says so: nobody believes it. A tunnel that no session sends to: nobody is concerned.
    at(&world, OTHER_GNB, gtpu::PORT)?.send_to(&error, (N3, gtpu::PORT))?;
    gnb.send_to(&ERROR_INDICATION, (N3, gtpu::PORT))?;
    world.reached(received, &outcome("wrong_source"), 1.0, PATIENCE)?;
    world.reached(received, &outcome("no_session"), 1.0, PATIENCE)?;
    let reports = world.smf.reports()?;
    ensure!(reports.is_empty(), "{reports:?}");

    for _ in 0..3 {
        gnb.send_to(&error, (N3, gtpu::PORT))?;
    }
    let told = world
        .smf
        .told(|report| report.kind == "session", PATIENCE)?;
    assert_eq!((told.session, told.report_type), (1, ERIR));
    assert_eq!(told.unknown.len(), 1);
    let unknown = &told.unknown[0];
    assert_eq!((unknown.teid, unknown.address), (TUNNEL.teid, GNB));
    world.reached(received, &outcome("repeated"), 2.0, PATIENCE)?;
    assert_eq!(world.smf.reports()?.len(), 1, "not with each packet");
    Ok(())
}

#[test]
fn a_peer_that_does_not_answer_is_reported_and_again_when_it_does() -> Result<()> {
    let mut world = world("echo_interval = \"1 s\"\nt3_response = \"200 ms\"\nn3_requests = 3")?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let gnb = gnb(&world)?;
    world.smf.establish(1, UE, None, None)?;
    world.smf.tunnel(1, TUNNEL)?;
    let patience = Duration::from_secs(5);
    let told = world.smf.told(|report| report.kind == "node", patience)?;
    assert_eq!((told.report_type, &told.failed[..]), (UPFR, &[GNB][..]));
    assert_eq!(world.metric("upf_gtpu_paths", &[("state", "down")])?, 1.0);
    let paths = world.agent.get("/v1/paths")?;
    ensure!(
        paths.contains("\"peer\":\"10.1.0.1\"") && paths.contains("\"state\":\"down\""),
        "{paths}"
    );

    // From now on the gNB answers.
    let mut buffer = [0; 64];
    let told = loop {
        let (length, from) = gnb.recv_from(&mut buffer).context("no Echo Request")?;
        let request = &buffer[..length];
        assert_eq!(
            (length, &request[..8]),
            (12, &[0x32, 1, 0, 4, 0, 0, 0, 0][..])
        );
        let mut response = vec![0x32, 2, 0, 6, 0, 0, 0, 0];
        response.extend(&request[8..12]);
        response.extend([14, 0]);
        gnb.send_to(&response, from)?;
        let mut reports = world.smf.reports()?.into_iter();
        if let Some(told) = reports.find(|report| !report.recovered.is_empty()) {
            break told;
        }
    };
    assert_eq!((told.report_type, &told.recovered[..]), (UPRR, &[GNB][..]));
    world.reached("upf_gtpu_paths", &[("state", "up")], 1.0, PATIENCE)?;
    capture.judge(
        "ip.src == 10.1.0.2 && gtp.message == 1 && gtp.seq_number",
        4,
    )
}

/// A network with an agent that has these settings of `[gtpu]`.
fn world(settings: &str) -> Result<World> {
    let more = &format!("[gtpu]\n{settings}\n");
    let options = AgentOptions {
        more,
        ..AgentOptions::default()
    };
    World::with(&options, |_| Ok(()))
}

fn gnb(world: &World) -> Result<UdpSocket> {
    at(world, GNB, gtpu::PORT)
}

fn at(world: &World, address: Ipv4Addr, port: u16) -> Result<UdpSocket> {
    let socket = world
        .topology
        .ran
        .udp(SocketAddr::new(address.into(), port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}
