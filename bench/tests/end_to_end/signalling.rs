//! GTP-U messages between the nodes themselves (TS 29.281 clause 7).

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    gtpu::{self, GPdu},
    pfcp::Tunnel,
    topology::{AgentOptions, DN, GNB, N3, OTHER_GNB},
};

use crate::{
    capture::Capture,
    world::{OTHER_TUNNEL, TUNNEL, UE, World},
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

#[test]
fn a_handover_ends_the_old_tunnel_with_an_end_marker() -> Result<()> {
    let mut world = World::new()?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let (old, new) = (gnb(&world)?, at(&world, OTHER_GNB, gtpu::PORT)?);
    let server = world.topology.dn.udp(SocketAddr::new(DN.into(), 9000))?;
    world.smf.establish(1, UE, None, None)?;
    world.smf.tunnel(1, TUNNEL)?;
    let send = || server.send_to(b"before", (UE, 9000));
    let before = received(&old, send)?;
    ensure!(gtpu::read(&before).is_some_and(|packet| packet.teid == TUNNEL.teid));

    world.smf.hand_over(1, OTHER_TUNNEL)?;
    // What was sent again and again before the handover lies before it.
    let mut buffer = [0; 2048];
    let marker = loop {
        let (length, from) = old.recv_from(&mut buffer).context("no End Marker")?;
        if buffer[1] == 254 {
            break (length, from);
        }
    };
    assert_eq!(marker, (8, SocketAddr::new(N3.into(), gtpu::PORT)));
    assert_eq!(buffer[..8], [0x30, 254, 0, 0, 0, 0, 0x10, 0x01]);
    let after = received(&new, || server.send_to(b"after", (UE, 9000)))?;
    ensure!(gtpu::read(&after).is_some_and(|packet| packet.teid == OTHER_TUNNEL.teid));
    old.set_read_timeout(Some(Duration::from_millis(300)))?;
    ensure!(
        old.recv_from(&mut buffer).is_err(),
        "more on the old tunnel"
    );
    let labels = [("type", "end_marker"), ("way", "tx")];
    assert_eq!(world.metric("upf_gtpu_messages_total", &labels)?, 1.0);
    capture.judge(
        "ip.src == 10.1.0.2 && gtp.message == 254 && gtp.teid == 0x1001",
        1,
    )
}

/// The first datagram that comes while `send` is repeated: neighbours have to be found first.
fn received(socket: &UdpSocket, send: impl Fn() -> std::io::Result<usize>) -> Result<Vec<u8>> {
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut buffer = [0; 2048];
    for _ in 0..50 {
        send()?;
        if let Ok((length, _)) = socket.recv_from(&mut buffer) {
            socket.set_read_timeout(Some(PATIENCE))?;
            return Ok(buffer[..length].to_vec());
        }
    }
    anyhow::bail!("nothing comes")
}

#[test]
fn copies_of_a_users_packets_reach_another_tunnel() -> Result<()> {
    const PACKETS: u8 = 5;
    let mut world = World::new()?;
    let uplink = world.smf.establish(1, UE, None, None)?.tunnel()?;
    let copies = Tunnel {
        teid: 0x77,
        address: OTHER_GNB,
    };
    world.smf.duplicate(1, copies)?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let (gnb, other) = (gnb(&world)?, at(&world, OTHER_GNB, gtpu::PORT)?);
    for n in 0..PACKETS {
        let packet = datagram(n);
        let bytes = GPdu {
            teid: uplink.teid,
            qfi: None,
            payload: &packet,
        };
        gnb.send_to(&bytes.to_uplink_bytes(), (N3, gtpu::PORT))?;
    }
    for n in 0..PACKETS {
        let mut buffer = [0; 64];
        let (length, from) = other.recv_from(&mut buffer).context("no copy")?;
        assert_eq!(from, SocketAddr::new(N3.into(), gtpu::PORT));
        let copy = gtpu::read(&buffer[..length]).context("no G-PDU")?;
        assert_eq!((copy.teid, copy.payload), (0x77, &datagram(n)[..]));
    }
    world.reached(
        "upf_copies_total",
        &[("outcome", "sent")],
        PACKETS.into(),
        PATIENCE,
    )?;
    let forwarded = world.metric("upf_packets_total", &[("direction", "uplink")])?;
    assert_eq!(forwarded, f64::from(PACKETS));
    capture.judge(
        "ip.dst == 10.1.0.11 && gtp.teid == 0x77 && ip.dsfield.dscp == 46 && udp.port == 7",
        PACKETS.into(),
    )
}

/// What the UE sends to a host in the data network: a UDP datagram from and to port 7, without a checksum.
fn datagram(n: u8) -> [u8; 29] {
    let [a, b, c, d] = DN.octets();
    let mut packet = [
        0x45, 0, 0, 29, 0, n, 0x40, 0, 64, 17, 0, 0, 10, 128, 0, 1, a, b, c, d, 0, 7, 0, 7, 0, 9,
        0, 0, n,
    ];
    let words = packet[..20].chunks(2);
    let sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
        .sum();
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet
}

/// A network with an agent that has these settings of `[gtpu]`.
fn world(gtpu: &str) -> Result<World> {
    let options = AgentOptions {
        gtpu,
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
