//! Sessions as real control planes make them: an SMF, a PGW-C, an SGW-C.

use std::{
    net::{SocketAddr, UdpSocket},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use bench::{
    gtpu::{self, GPdu},
    netns::Namespace,
    pfcp::Tunnel,
    topology::{GNB, OTHER_GNB},
    ue::Ue,
};
use serde_json::{Value, json};

use crate::{
    capture::Capture,
    smf::json_of,
    world::{OTHER_TUNNEL, TUNNEL, UE, World, ping, reaches, server},
};

const PREFIX: &str = "2001:db8:45:7::";
const UE_V6: &str = "2001:db8:45:7::abcd";
const SERVER_V6: &str = "2001:db8:2::1";
/// PDR IDs.
const DL: u16 = 1;
const UL: u16 = 2;
const CP_TO_UP: u16 = 3;
const UP_TO_CP: u16 = 4;
const QFI: u8 = 1;
/// Where the control plane takes what UEs say to it.
const CONTROL: Tunnel = OTHER_TUNNEL;
const FROM_US: &str = "ip.src == 10.1.0.2 && gtp.message == 255";

#[test]
fn an_smf_s_session_carries_both_families() -> Result<()> {
    let mut world = World::new()?;
    let n3 = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let n4 = Capture::start(&world.topology, &world.topology.ran, "smf")?;
    let tunnels = world.smf.profile("packet gateway", smf_session())?;
    assert_eq!(tunnels.len(), 3, "{tunnels:?}");
    assert_eq!(tunnels[&UL], tunnels[&UP_TO_CP], "one CHOOSE ID");
    assert_ne!(tunnels[&UL], tunnels[&CP_TO_UP]);
    let _ue = attach(&world, tunnels[&UL], Some(QFI))?;
    assert_eq!(ping(&world.topology.dn, UE, 2)?, 0);
    assert!(world.dropped("downlink", "far_buffer")? >= 2.0);
    world.smf.tunnel(1, TUNNEL)?;
    both_ways(&world)?;
    let n3 = n3.end()?;
    n3.judge(FROM_US, 20)?;
    let without = "gtp.teid == 0x1001 && !(gtp.ext_hdr.pdu_ses_con.qos_flow_id == 1)";
    assert_eq!(n3.count(&format!("{FROM_US} && {without}"))?, 0);
    n4.judge("ip.src == 10.100.0.2 && pfcp", 2)
}

#[test]
fn router_solicitations_and_advertisements_pass_as_they_are() -> Result<()> {
    let mut world = World::new()?;
    let tunnels = world.smf.profile("packet gateway", smf_session())?;
    world.smf.tunnel(1, TUNNEL)?;
    let open = |address| world.topology.ran.udp(SocketAddr::new(address, gtpu::PORT));
    let (gnb, control) = (open(GNB.into())?, open(OTHER_GNB.into())?);

    // Hosts discard either with a hop limit other than 255 (RFC 4861 clauses 6.1.1 and 6.1.2).
    let solicitation = icmp_v6(133, "ff02::2")?;
    let sent = GPdu {
        teid: tunnels[&UP_TO_CP].teid,
        qfi: Some(QFI),
        payload: &solicitation,
    };
    let got = GPdu {
        teid: CONTROL.teid,
        qfi: None,
        payload: &solicitation,
    };
    carries(&gnb, sent, tunnels[&UP_TO_CP], &control, got)?;

    let advertisement = icmp_v6(134, "ff02::1")?;
    let sent = GPdu {
        teid: tunnels[&CP_TO_UP].teid,
        qfi: None,
        payload: &advertisement,
    };
    let got = GPdu {
        teid: TUNNEL.teid,
        qfi: None,
        payload: &advertisement,
    };
    carries(&control, sent, tunnels[&CP_TO_UP], &gnb, got)
}

#[test]
fn a_pgw_u_s_session_needs_no_modification_and_no_qfi() -> Result<()> {
    let mut world = World::new()?;
    let n3 = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let mut session = smf_session();
    session["qfi"] = Value::Null;
    session["downlink"] = json_of(TUNNEL);
    let tunnels = world.smf.profile("packet gateway", session)?;
    let _ue = attach(&world, tunnels[&UL], None)?;
    both_ways(&world)?;
    let n3 = n3.end()?;
    n3.judge(FROM_US, 20)?;
    assert_eq!(n3.count(&format!("{FROM_US} && gtp.ext_hdr"))?, 0);
    Ok(())
}

#[test]
fn an_sgw_u_s_session_joins_two_tunnels() -> Result<()> {
    const BEHIND: &str = "198.51.100.1";
    let mut world = World::new()?;
    let n3 = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let tunnels = world.smf.profile("serving gateway", json!({}))?;
    assert_ne!(tunnels[&DL], tunnels[&UL]);
    let _ue = attach(&world, tunnels[&UL], None)?;
    // A PGW-U, and behind it the data network.
    let gateway = world.topology.environment.namespace("pgw")?;
    let ran = &world.topology.ran;
    let address = format!("{BEHIND}/32");
    let _pgw = Ue::attach(
        &gateway,
        &[&address],
        ran,
        &[OTHER_TUNNEL],
        tunnels[&DL],
        None,
    )?;
    assert_eq!(
        ping(&world.home, BEHIND, 2)?,
        0,
        "both ways lead nowhere yet"
    );

    world.smf.join(TUNNEL, OTHER_TUNNEL)?;
    reaches(&world.home, BEHIND)?;
    reaches(&gateway, UE)?;
    // It is no router for what the tunnels carry.
    assert_eq!(ttl(&world.home, BEHIND)?, 64);
    let n3 = n3.end()?;
    n3.judge(FROM_US, 20)?;
    assert_eq!(n3.count(&format!("{FROM_US} && gtp.ext_hdr"))?, 0);
    assert_eq!(world.smf.delete(1)?, 1);
    assert_eq!(ping(&world.home, BEHIND, 2)?, 0);
    Ok(())
}

fn smf_session() -> Value {
    json!({"ipv4": UE, "ipv6": PREFIX, "qfi": QFI, "control": json_of(CONTROL)})
}

fn attach(world: &World, uplink: Tunnel, qfi: Option<u8>) -> Result<Ue> {
    let addresses = [format!("{UE}/32"), format!("{UE_V6}/64")];
    let addresses = addresses.each_ref().map(String::as_str);
    Ue::attach(
        &world.home,
        &addresses,
        &world.topology.ran,
        &[TUNNEL],
        uplink,
        qfi,
    )
}

fn both_ways(world: &World) -> Result<()> {
    reaches(&world.home, &server())?;
    reaches(&world.topology.dn, UE)?;
    reaches(&world.home, SERVER_V6)?;
    reaches(&world.topology.dn, UE_V6)
}

/// The TTL that an answer to a ping arrives with.
fn ttl(from: &Namespace, to: &str) -> Result<u8> {
    let text = from.output(Command::new("ping").args(["-n", "-c", "1", to]))?;
    let ttl = text
        .split_whitespace()
        .find_map(|word| word.strip_prefix("ttl="));
    Ok(ttl.with_context(|| text.clone())?.parse()?)
}

/// A message of neighbour discovery from a link-local address, its checksum left open.
fn icmp_v6(kind: u8, to: &str) -> Result<Vec<u8>> {
    let (from, to): (std::net::Ipv6Addr, std::net::Ipv6Addr) = ("fe80::1".parse()?, to.parse()?);
    let mut packet = vec![0x60, 0, 0, 0, 0, 16, 58, 255];
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend([kind, 0, 0, 0]);
    packet.extend([0; 12]);
    Ok(packet)
}

/// What is sent into a tunnel comes out of another; repeated until neighbours are known.
fn carries(
    from: &UdpSocket,
    sent: GPdu<'_>,
    into: Tunnel,
    at: &UdpSocket,
    expected: GPdu<'_>,
) -> Result<()> {
    at.set_read_timeout(Some(Duration::from_millis(100)))?;
    let begin = Instant::now();
    let mut buffer = [0; 2048];
    while begin.elapsed() < Duration::from_secs(4) {
        from.send_to(&sent.to_uplink_bytes(), (into.address, gtpu::PORT))?;
        if let Ok(length) = at.recv(&mut buffer) {
            assert_eq!(gtpu::read(&buffer[..length]), Some(expected));
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    bail!("nothing of {sent:02x?} arrived")
}
