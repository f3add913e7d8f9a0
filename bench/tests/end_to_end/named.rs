//! What sessions have by a name or a time: predefined rules, forwarding policies, applications, deactivation.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    gtpu,
    netns::{End, veth},
    pfcp::Tunnel,
    topology::{AgentOptions, OTHER_GNB},
    ue::Ue,
};
use serde_json::{Value, json};

use crate::{
    packet,
    peers::{ORDINARY, PATIENCE, Peers, SPECIAL, receive, tunnel, until},
    smf::json_of,
    stream::Stream,
    world::{OTHER_TUNNEL, TUNNEL, UE, World},
};

const DL: u16 = 1;
const UL: u16 = 2;

#[test]
fn a_pdr_ends_at_its_deactivation_time() -> Result<()> {
    let mut world = World::new()?;
    let end = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 3;
    let mut rules = session();
    rules["pdrs"][0]["ends_at"] = end.into();
    world.smf.create(1, "IPv4", rules)?;
    let peers = Peers::open(&world)?;
    let to = SocketAddr::new(UE.parse()?, 7000);
    let _stream = Stream::start(&world.topology.dn, to)?;
    // Whole seconds of PFCP, and what the agent and we need on a busy machine.
    let slack = Duration::from_millis(500);
    let (end, mut last) = (UNIX_EPOCH + Duration::from_secs(end), None);
    while SystemTime::now() < end + slack * 2 {
        if receive(&peers.gnb).is_some() {
            last = Some(SystemTime::now());
        }
        thread::sleep(Duration::from_millis(1));
    }
    let last = last.context("nothing before either")?;
    ensure!(
        last > end - slack && last < end + slack,
        "the last packet at {last:?}, the end at {end:?}"
    );
    Ok(())
}

#[test]
fn a_predefined_rule_drops_what_it_names() -> Result<()> {
    let options = AgentOptions {
        more: r#"[[predefined_rule]]
            name = "no games"
            precedence = 10
            filters = ["permit out 17 from any 5001 to assigned"]
            action = "drop""#,
        ..AgentOptions::default()
    };
    let mut world = World::with(&options, |_| Ok(()))?;
    let peers = Peers::open(&world)?;
    let mut rules = session();
    rules["pdrs"][0]["predefined"] = "no games".into();
    world.smf.create(1, "IPv4", rules)?;
    // The ordinary port's arrive, once the gNB is known.
    until(|| receive(&peers.gnb), || peers.send_down())?;
    peers.quiet();
    let before = world.dropped("downlink", "far_drop")?;
    for _ in 0..5 {
        peers.send_down()?;
    }
    let ports = (0..5).map(|_| downlink_port(&peers));
    let ports = ports.collect::<Result<Vec<_>>>()?;
    assert_eq!(ports, [ORDINARY; 5]);
    assert!(receive(&peers.gnb).is_none(), "more than the ordinary ones");
    assert_eq!(world.dropped("downlink", "far_drop")?, before + 5.0);
    Ok(())
}

/// The server's port that the next packet to the UE comes from.
fn downlink_port(peers: &Peers) -> Result<u16> {
    let bytes = until(|| receive(&peers.gnb), || Ok(()))?;
    let user = gtpu::read(&bytes).context("no G-PDU")?;
    let (from, _) = packet::ends(user.payload).context("no datagram")?;
    Ok(from.port())
}

#[test]
fn a_forwarding_policy_leads_to_its_network_instance() -> Result<()> {
    const INSPECTOR: &str = "10.3.0.1";
    let options = AgentOptions {
        more: r#"[[interface]]
            device = "n6b"
            role = "core"
            network_instance = "inspection"
            [[forwarding_policy]]
            name = "firewall"
            network_instance = "inspection""#,
        ..AgentOptions::default()
    };
    let mut inspector = None;
    let mut world = World::with(&options, |topology| {
        let other = topology.environment.namespace("other")?;
        veth(
            End {
                namespace: &other,
                device: "n6b",
                addresses: &["10.3.0.1/24"],
            },
            End {
                namespace: &topology.upf,
                device: "n6b",
                addresses: &["10.3.0.2/24"],
            },
        )?;
        inspector = Some(other);
        Ok(())
    })?;
    let inspector = inspector.context("prepared")?;
    let created = world.smf.create(1, "IPv4", session())?;
    let uplink = created.tunnels[&UL];
    let (ran, address) = (&world.topology.ran, format!("{UE}/32"));
    let _ue = Ue::attach(&world.home, &[&*address], ran, &[TUNNEL], uplink, None)?;
    let to = SocketAddr::new(INSPECTOR.parse()?, 9000);
    let receiver = inspector.udp(to)?;
    let stream = Stream::start(&world.home, to)?;
    let labels = [("direction", "uplink"), ("reason", "route_off_instance")];
    world.reached("upf_dropped_packets_total", &labels, 20.0, PATIENCE)?;
    ensure!(
        stream
            .arrives(&receiver, Duration::from_millis(200))
            .is_err(),
        "without the policy"
    );

    let far = json!({"id": 2, "to": "Core", "instance": "internet", "policy": "firewall"});
    world.smf.change(1, json!({"update": {"fars": [far]}}))?;
    stream.arrives(&receiver, PATIENCE)?;
    Ok(())
}

#[test]
fn an_application_takes_its_own_far() -> Result<()> {
    const ELSEWHERE: Tunnel = OTHER_TUNNEL;
    let mut world = World::new()?;
    let flows = json!({"video": ["permit out 17 from 10.2.0.1 5001 to assigned"]});
    world.smf.applications(flows)?;
    let mut rules = session();
    let application = json!({"id": 3, "precedence": 100, "from": "Access", "choose": 5,
        "application": "video", "far": 3});
    rules["pdrs"]
        .as_array_mut()
        .context("a list")?
        .push(application);
    let far = json!({"id": 3, "to": "Access", "tunnel": json_of(ELSEWHERE)});
    rules["fars"].as_array_mut().context("a list")?.push(far);
    let created = world.smf.create(1, "IPv4", rules)?;
    let uplink = tunnel(created.tunnels[&UL])?;
    let peers = Peers::open(&world)?;
    let elsewhere = SocketAddr::new(OTHER_GNB.into(), gtpu::PORT);
    let elsewhere = world.topology.ran.udp(elsewhere)?;
    elsewhere.set_nonblocking(true)?;

    let bytes = until(
        || receive(&elsewhere),
        || peers.send(uplink, None, SPECIAL, b"video"),
    )?;
    let user = gtpu::read(&bytes).context("no G-PDU")?;
    let (_, to) = packet::ends(user.payload).context("no datagram")?;
    assert_eq!((user.teid, to.port()), (ELSEWHERE.teid, SPECIAL));
    let seen = until(
        || peers.at_server(),
        || peers.send(uplink, None, ORDINARY, b"other"),
    )?;
    assert_eq!(seen, (0, ORDINARY), "the application's stay away");

    // Another flow is the application's now: sessions that have it follow.
    let flows = json!({"video": ["permit out 17 from 10.2.0.1 9000 to assigned"]});
    world.smf.applications(flows)?;
    peers.quiet();
    while receive(&elsewhere).is_some() {}
    let seen = until(
        || peers.at_server(),
        || peers.send(uplink, None, SPECIAL, b"other"),
    )?;
    assert_eq!(seen, (0, SPECIAL));
    peers.send(uplink, None, ORDINARY, b"video")?;
    let bytes = until(|| receive(&elsewhere), || Ok(()))?;
    let user = gtpu::read(&bytes).context("no G-PDU")?;
    let (_, to) = packet::ends(user.payload).context("no datagram")?;
    assert_eq!(to.port(), ORDINARY);
    Ok(())
}

/// A session of one UE without QFI.
fn session() -> Value {
    json!({
        "pdrs": [
            {"id": DL, "from": "Core", "instance": "internet", "ue": [UE], "far": 1},
            {"id": UL, "from": "Access", "choose": 5, "ue": [UE], "far": 2},
        ],
        "fars": [
            {"id": 1, "to": "Access", "tunnel": json_of(TUNNEL)},
            {"id": 2, "to": "Core", "instance": "internet"},
        ],
    })
}
