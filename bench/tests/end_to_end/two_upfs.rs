//! Two of our agents behind each other: an SGW-U in front of a PGW-U, and an uplink classifier with two ways out.

use anyhow::{Context as _, Result};
use bench::{
    netns::{End, Namespace, veth},
    topology::{Agent, AgentOptions, HTTP, POOL, POOL_PREFIX, Topology},
    ue::{Endpoint, Ue},
};
use serde_json::{Value, json};

use crate::{
    capture::Capture,
    iperf::{Client, Way, serve_at},
    smf::{Smf, json_of},
    world::{QFI, TUNNEL, UE, World, ping, reaches, server, sum},
};

/// PDR IDs, and FAR IDs by the same.
const DL: u16 = 1;
const UL: u16 = 2;
/// The network between the two.
const BACKBONE: &str = "backbone";
/// A host in the data network behind the second.
const FAR_SERVER: &str = "10.5.0.1";
const FROM_US: &str = "ip.src == 10.1.0.2 && gtp.message == 255";

/// The second agent: `n9` towards the first, `n6` towards a data network of its own. Parts go in this order.
///
/// ```text
///   upf n9 10.4.0.1 ── n9 10.4.0.2 anchor n6 10.5.0.2 ── n6 10.5.0.1 far
///   ran smf2 10.100.1.1 ── n4 10.100.1.2
/// ```
struct Anchor {
    control: Smf,
    agent: Agent,
    far: Namespace,
}

impl Anchor {
    /// The first agent, with the second behind it.
    fn behind() -> Result<(Self, World)> {
        let options = AgentOptions {
            more: r#"[[interface]]
                device = "n9"
                role = "access"
                gtpu = ["10.4.0.1"]
                network_instance = "backbone""#,
            ..AgentOptions::default()
        };
        let mut anchor = None;
        let world = World::with(&options, |topology| {
            anchor = Some(Self::start(topology)?);
            Ok(())
        })?;
        Ok((anchor.context("prepared")?, world))
    }

    fn start(topology: &Topology) -> Result<Self> {
        let anchor = topology.environment.namespace("anchor")?;
        let far = topology.environment.namespace("far")?;
        let end = |namespace, device, addresses| End {
            namespace,
            device,
            addresses,
        };
        veth(
            end(&topology.upf, "n9", &["10.4.0.1/24"]),
            end(&anchor, "n9", &["10.4.0.2/24"]),
        )?;
        veth(
            end(&topology.ran, "smf2", &["10.100.1.1/24"]),
            end(&anchor, "n4", &["10.100.1.2/24"]),
        )?;
        veth(
            end(&far, "n6", &["10.5.0.1/24"]),
            end(&anchor, "n6", &["10.5.0.2/24"]),
        )?;
        anchor.sysctl("net.ipv4.ip_forward", "1")?;
        anchor.ip("route add default via 10.5.0.1")?;
        far.ip(&format!("route add {POOL}/{POOL_PREFIX} via 10.5.0.2"))?;
        let agent = topology.start(&anchor, "anchor", &config(topology), None)?;
        let (address, upf) = ([10, 100, 1, 1].into(), [10, 100, 1, 2].into());
        let mut control = Smf::at(&topology.ran, address, upf)?;
        assert_eq!(control.associate()?.cause, 1);
        Ok(Self {
            control,
            agent,
            far,
        })
    }

    /// A session for the UE whose downlink goes to that tunnel: the uplink's.
    fn session(&mut self, downlink: Endpoint, qfi: Option<u8>) -> Result<Endpoint> {
        let mut qer = json!({"id": 1});
        if let Some(qfi) = qfi {
            qer["qfi"] = qfi.into();
        }
        let rules = json!({
            "pdrs": [
                {"id": DL, "from": "Core", "instance": "internet", "ue": [UE], "far": DL, "qers": [1]},
                {"id": UL, "from": "Access", "choose": 1, "ue": [UE], "far": UL, "qers": [1]},
            ],
            "fars": [
                {"id": DL, "to": "Access", "tunnel": json_at(downlink)},
                {"id": UL, "to": "Core", "instance": "internet"},
            ],
            "qers": [qer],
        });
        let created = self.control.create(1, "IPv4", rules)?;
        Ok(created.tunnels[&UL])
    }

    /// User packets that it has forwarded in that direction.
    fn packets(&self, way: Way) -> Result<f64> {
        let labels = [("direction", way.label())];
        Ok(sum(&self.agent, "upf_packets_total", &labels)?.unwrap_or_default())
    }
}

fn config(topology: &Topology) -> String {
    format!(
        r#"[node]
id = "10.100.1.2"
state = {state:?}
pins = {pins:?}
[pfcp]
listen = "10.100.1.2:8805"
allow = ["10.100.1.0/24"]
[[interface]]
device = "n9"
role = "access"
gtpu = ["10.4.0.2"]
[[interface]]
device = "n6"
role = "core"
network_instance = "internet"
[[pool]]
network_instance = "internet"
ipv4 = "{POOL}/{POOL_PREFIX}"
[capacity]
sessions = 100
[gtpu]
echo_interval = "0 s"
[http]
listen = "{HTTP}"
"#,
        state = topology.environment.directory().join("anchor"),
        pins = topology.environment.pins().join("anchor"),
    )
}

#[test]
fn an_sgw_u_stands_in_front_of_a_pgw_u() -> Result<()> {
    let (mut pgw, mut world) = Anchor::behind()?;
    let n3 = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    // As an SGW-C does: two tunnels that lead nowhere, joined when the others are known.
    let rules = json!({
        "pdrs": [
            {"id": DL, "from": "Core", "choose": 1, "instance": BACKBONE, "far": DL},
            {"id": UL, "from": "Access", "choose": 2, "far": UL},
        ],
        "fars": [{"id": DL, "drop": true}, {"id": UL, "drop": true}],
    });
    let sgw = world.smf.create(1, "IPv4", rules)?;
    assert_eq!(sgw.tunnels[&DL].address.to_string(), "10.4.0.1");
    assert_eq!(sgw.tunnels[&UL].address.to_string(), "10.1.0.2");
    let bearer = pgw.session(sgw.tunnels[&DL], None)?;
    let addresses = [&*format!("{UE}/32")];
    let ran = &world.topology.ran;
    let _ue = Ue::attach(
        &world.home,
        &addresses,
        ran,
        &[TUNNEL],
        sgw.tunnels[&UL],
        None,
    )?;
    assert_eq!(ping(&world.home, FAR_SERVER, 2)?, 0, "not joined yet");

    let fars = json!([
        {"id": DL, "to": "Access", "tunnel": json_of(TUNNEL)},
        {"id": UL, "to": "Core", "instance": BACKBONE, "tunnel": json_at(bearer)},
    ]);
    world.smf.change(1, json!({"update": {"fars": fars}}))?;
    reaches(&world.home, FAR_SERVER)?;
    reaches(&pgw.far, UE)?;
    let _server = serve_at(&pgw.far, FAR_SERVER)?;
    carries(&world.home, FAR_SERVER)?;
    for way in [Way::Uplink, Way::Downlink] {
        // 10 Mbit of TCP and as much of UDP.
        let (sgw, pgw) = (
            world.metric("upf_packets_total", &[("direction", way.label())])?,
            pgw.packets(way)?,
        );
        assert!(pgw > 1000.0 && sgw >= pgw, "{way:?}: {sgw} and {pgw}");
    }
    let n3 = n3.end()?;
    n3.judge(FROM_US, 100)?;
    assert_eq!(n3.count(&format!("{FROM_US} && gtp.ext_hdr"))?, 0);
    Ok(())
}

#[test]
fn an_uplink_classifier_has_two_ways_out() -> Result<()> {
    let (mut anchor, mut world) = Anchor::behind()?;
    let n3 = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let (classified, breakout) = (3_u16, 4_u16);
    // All goes to the anchor, but for the local network.
    let rules = json!({
        "pdrs": [
            {"id": DL, "from": "Core", "choose": 1, "instance": BACKBONE, "far": DL, "qers": [1]},
            {"id": UL, "from": "Access", "choose": 2, "qfi": QFI, "far": UL, "qers": [1]},
            {"id": classified, "precedence": 100, "from": "Access", "choose": 2, "qfi": QFI,
             "sdf": ["permit out ip from 10.2.0.0/24 to assigned"], "far": classified, "qers": [1]},
            {"id": breakout, "precedence": 100, "from": "Core", "instance": "internet", "ue": [UE],
             "sdf": ["permit out ip from 10.2.0.0/24 to assigned"], "far": DL, "qers": [1]},
        ],
        "fars": [
            {"id": DL, "to": "Access", "tunnel": json_of(TUNNEL)},
            {"id": UL, "drop": true},
            {"id": classified, "to": "Core", "instance": "internet"},
        ],
        "qers": [{"id": 1, "qfi": QFI}],
    });
    let classifier = world.smf.create(1, "IPv4", rules)?;
    assert_eq!(
        classifier.tunnels[&UL], classifier.tunnels[&classified],
        "one CHOOSE ID"
    );
    let n9 = anchor.session(classifier.tunnels[&DL], Some(QFI))?;
    let far = json!({"id": UL, "to": "Core", "instance": BACKBONE, "tunnel": json_at(n9)});
    world.smf.change(1, json!({"update": {"fars": [far]}}))?;
    let addresses = [&*format!("{UE}/32")];
    let ran = &world.topology.ran;
    let uplink = classifier.tunnels[&UL];
    let _ue = Ue::attach(&world.home, &addresses, ran, &[TUNNEL], uplink, Some(QFI))?;

    let before = (anchor.packets(Way::Uplink)?, anchor.packets(Way::Downlink)?);
    reaches(&world.home, &server())?;
    reaches(&world.topology.dn, UE)?;
    let _near = serve_at(&world.topology.dn, &server())?;
    carries(&world.home, &server())?;
    let after = (anchor.packets(Way::Uplink)?, anchor.packets(Way::Downlink)?);
    assert_eq!(
        after, before,
        "the local network is not reached by the anchor"
    );

    reaches(&world.home, FAR_SERVER)?;
    reaches(&anchor.far, UE)?;
    let _far = serve_at(&anchor.far, FAR_SERVER)?;
    carries(&world.home, FAR_SERVER)?;
    for way in [Way::Uplink, Way::Downlink] {
        assert!(anchor.packets(way)? > 1000.0, "{way:?}");
    }
    // Whichever way it came, the gNB sees one QoS flow.
    let n3 = n3.end()?;
    n3.judge(FROM_US, 100)?;
    let other = format!("{FROM_US} && !(gtp.ext_hdr.pdu_ses_con.qos_flow_id == {QFI})");
    assert_eq!(n3.count(&other)?, 0);
    Ok(())
}

fn carries(from: &Namespace, to: &str) -> Result<()> {
    let client = Client {
        from,
        to,
        seconds: 1,
    };
    client.gets_through()
}

fn json_at(end: Endpoint) -> Value {
    json!({"teid": end.teid, "address": end.address})
}
