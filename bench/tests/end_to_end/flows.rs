//! Several flows of one session: QoS flows of a 5G session, bearers of a 4G one.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bench::{gtpu, pfcp::Tunnel, topology::GNB};
use serde_json::{Value, json};

use crate::{
    capture::Capture,
    packet,
    peers::{ORDINARY, PATIENCE, Peers, SIZE, SPECIAL, receive, tunnel, until},
    smf::json_of,
    world::{TUNNEL, UE, World},
};

/// The default flow's PDRs and the dedicated one's; FARs and QERs by the same numbers.
const DL: u16 = 1;
const UL: u16 = 2;
const DEDICATED_DL: u16 = 3;
const DEDICATED_UL: u16 = 4;
const FILTER: &str = "permit out 17 from 10.2.0.1 5001 to assigned";
/// QFIs, and MBRs in kbit/s.
const DEFAULT: (u8, u64) = (1, 1000);
const GUARANTEED: (u8, u64) = (2, 500);
/// Between two packets of each flow: it is offered at least twice its MBR.
const STEP: Duration = Duration::from_millis(4);
/// Full token buckets are emptied first.
const WARM_UP: Duration = Duration::from_millis(600);
const MEASURED: Duration = Duration::from_secs(2);

#[test]
fn two_qos_flows_have_their_qfis_and_are_held_at_their_mbrs() -> Result<()> {
    let mut world = World::new()?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let uplink = five_g(&mut world)?;
    let peers = Peers::open(&world)?;
    peers.known()?;

    // Down: what the server's special port sends is the dedicated flow's.
    let seen = peers.rates(
        || peers.send_down(),
        || {
            let packet = receive(&peers.gnb)?;
            let packet = gtpu::read(&packet).filter(|packet| packet.teid == TUNNEL.teid)?;
            let (from, _) = packet::ends(packet.payload)?;
            Some((packet.qfi?, from.port()))
        },
    )?;
    held(&seen, [(DEFAULT, ORDINARY), (GUARANTEED, SPECIAL)])?;
    ensure!(world.dropped("downlink", "rate_limited")? > 100.0);

    // Up: the QFI has to be the flow's.
    let seen = peers.rates(
        || {
            peers.send_up(uplink, DEFAULT.0, ORDINARY)?;
            peers.send_up(uplink, GUARANTEED.0, SPECIAL)
        },
        || peers.at_server(),
    )?;
    held(&seen, [(DEFAULT, ORDINARY), (GUARANTEED, SPECIAL)])?;
    ensure!(world.dropped("uplink", "rate_limited")? > 100.0);
    let wrong = || world.dropped("uplink", "no_matching_pdr");
    let before = wrong()?;
    for (qfi, port) in [(GUARANTEED.0, ORDINARY), (7, SPECIAL)] {
        for _ in 0..5 {
            peers.send_up(uplink, qfi, port)?;
        }
    }
    let labels = [("direction", "uplink"), ("reason", "no_matching_pdr")];
    world.reached(
        "upf_dropped_packets_total",
        &labels,
        before + 10.0,
        PATIENCE,
    )?;
    capture.judge("ip.src == 10.1.0.2 && gtp.message == 255", 100)
}

/// A session with a default flow, to which a dedicated one is added; its uplink's tunnel.
fn five_g(world: &mut World) -> Result<Tunnel> {
    let qer = |id: u16, (qfi, mbr): (u8, u64)| json!({"id": id, "mbr": [mbr, mbr], "qfi": qfi});
    let created = world.smf.create(
        1,
        "IPv4",
        json!({
            "pdrs": [
                {"id": DL, "from": "Core", "instance": "internet", "ue": [UE], "far": 1, "qers": [1]},
                {"id": UL, "from": "Access", "choose": 5, "ue": [UE], "qfi": DEFAULT.0, "far": 2,
                 "qers": [1]},
            ],
            "fars": fars(TUNNEL),
            "qers": [qer(1, DEFAULT)],
        }),
    )?;
    let mut dedicated = qer(2, GUARANTEED);
    dedicated["gbr"] = json!([300, 300]);
    let added = world.smf.change(
        1,
        json!({"create": {
            "pdrs": [
                {"id": DEDICATED_DL, "precedence": 100, "from": "Core", "instance": "internet",
                 "sdf": [FILTER], "far": 1, "qers": [2]},
                {"id": DEDICATED_UL, "precedence": 100, "from": "Access", "choose": 5, "sdf": [FILTER],
                 "qfi": GUARANTEED.0, "far": 2, "qers": [2]},
            ],
            "qers": [dedicated],
        }}),
    )?;
    assert_eq!(
        added.tunnels[&DEDICATED_UL], created.tunnels[&UL],
        "one CHOOSE ID"
    );
    tunnel(created.tunnels[&UL])
}

#[test]
fn a_default_and_a_dedicated_bearer_have_tunnels_of_their_own() -> Result<()> {
    const DEDICATED: Tunnel = Tunnel {
        teid: 0x1002,
        address: GNB,
    };
    let mut world = World::new()?;
    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    // A PGW-C knows the SGW-U's tunnel from the start.
    let created = world.smf.create(
        1,
        "IPv4",
        json!({
            "pdrs": [
                {"id": DL, "from": "Core", "instance": "internet", "ue": [UE], "far": 1},
                {"id": UL, "from": "Access", "choose": 1, "ue": [UE], "far": 2},
            ],
            "fars": fars(TUNNEL),
        }),
    )?;
    let added = world.smf.change(
        1,
        json!({"create": {
            "pdrs": [
                {"id": DEDICATED_DL, "precedence": 100, "from": "Core", "instance": "internet",
                 "sdf": [FILTER], "far": 3},
                {"id": DEDICATED_UL, "precedence": 100, "from": "Access", "choose": 2, "sdf": [FILTER],
                 "far": 2},
            ],
            "fars": [{"id": 3, "to": "Access", "tunnel": json_of(DEDICATED)}],
        }}),
    )?;
    let default = tunnel(created.tunnels[&UL])?;
    let dedicated = tunnel(added.tunnels[&DEDICATED_UL])?;
    assert_ne!(default, dedicated);
    let peers = Peers::open(&world)?;
    peers.known()?;
    let by_port = |special| BTreeMap::from([(ORDINARY, TUNNEL.teid), (SPECIAL, special)]);
    assert_eq!(peers.downlink_teids()?, by_port(DEDICATED.teid));

    // Up: each bearer takes its own traffic.
    for (bearer, port) in [(default, ORDINARY), (dedicated, SPECIAL)] {
        let sent = || peers.send(bearer, None, port, &[0; 10]);
        ensure!(
            until(|| peers.at_server(), sent)? == (0, port),
            "another port than {port}"
        );
    }
    let labels = [("direction", "uplink"), ("reason", "no_matching_pdr")];
    for _ in 0..5 {
        peers.send(dedicated, None, ORDINARY, &[])?;
    }
    world.reached("upf_dropped_packets_total", &labels, 5.0, PATIENCE)?;

    // The dedicated bearer ends; the default one takes all.
    world.smf.change(
        1,
        json!({"remove": {"pdrs": [DEDICATED_DL, DEDICATED_UL], "fars": [3]}}),
    )?;
    assert_eq!(peers.downlink_teids()?, by_port(TUNNEL.teid));
    let labels = [("direction", "uplink"), ("reason", "unknown_teid")];
    peers.send(dedicated, None, SPECIAL, &[])?;
    world.reached("upf_dropped_packets_total", &labels, 1.0, PATIENCE)?;
    let capture = capture.end()?;
    let from_us = "ip.src == 10.1.0.2 && gtp.message == 255";
    capture.judge(from_us, 4)?;
    assert_eq!(capture.count(&format!("{from_us} && gtp.ext_hdr"))?, 0);
    Ok(())
}

fn fars(downlink: Tunnel) -> Value {
    json!([
        {"id": 1, "to": "Access", "tunnel": json_of(downlink)},
        {"id": 2, "to": "Core", "instance": "internet"},
    ])
}

/// Packets in the time that was measured, by QFI (0 where it is not seen) and the server's port.
type Seen = BTreeMap<(u8, u16), u32>;

impl Peers {
    /// The tunnels that both ports' packets come down by.
    fn downlink_teids(&self) -> Result<BTreeMap<u16, u32>> {
        self.quiet();
        self.send_down()?;
        let mut seen = BTreeMap::new();
        let begin = Instant::now();
        while seen.len() < 2 && begin.elapsed() < PATIENCE {
            let Some(packet) = receive(&self.gnb) else {
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            let Some(packet) = gtpu::read(&packet) else {
                continue;
            };
            if let Some((from, _)) = packet::ends(packet.payload) {
                seen.insert(from.port(), packet.teid);
            }
        }
        Ok(seen)
    }

    /// Offers packets of [`SIZE`] at a steady rate; what came through after the warm-up.
    fn rates(
        &self,
        send: impl Fn() -> Result<()>,
        receive: impl Fn() -> Option<(u8, u16)>,
    ) -> Result<Seen> {
        self.quiet();
        let begin = Instant::now();
        let mut seen = Seen::new();
        let mut steps = 0;
        while begin.elapsed() < WARM_UP + MEASURED {
            // However late the clock, the offer is the same.
            while STEP * steps < begin.elapsed() {
                send()?;
                steps += 1;
            }
            while let Some(flow) = receive() {
                if begin.elapsed() > WARM_UP {
                    *seen.entry(flow).or_default() += 1;
                }
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(seen)
    }
}

/// Each flow gets what its MBR lets through, and there are no others.
fn held(seen: &Seen, flows: [((u8, u64), u16); 2]) -> Result<()> {
    for ((qfi, kilobits), port) in flows {
        let with_qfi = seen.get(&(qfi, port)).or_else(|| seen.get(&(0, port)));
        let bits = f64::from(with_qfi.copied().unwrap_or_default()) * SIZE as f64 * 8.0;
        let part = bits / MEASURED.as_secs_f64() / (kilobits as f64 * 1000.0);
        ensure!(
            (0.93..1.05).contains(&part),
            "QFI {qfi}: {part} of {kilobits} kbit/s in {seen:?}"
        );
    }
    ensure!(seen.len() == flows.len(), "{seen:?}");
    Ok(())
}
