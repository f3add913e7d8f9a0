//! Handovers under traffic: the End Marker lies between the last packet of the old tunnel and the first of the new one.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    gtpu,
    pfcp::Tunnel,
    topology::{DN, GNB, OTHER_GNB},
};

use crate::{
    capture::Capture,
    world::{OTHER_TUNNEL, TUNNEL, UE, World},
};

/// Between two packets to the UE.
const PAUSE: Duration = Duration::from_micros(800);
const HANDOVERS: u32 = 12;
const G_PDU: u8 = 255;
const END_MARKER: u8 = 254;

#[test]
fn end_markers_come_between_the_old_tunnel_s_packets_and_the_new_one_s() -> Result<()> {
    let mut world = World::new()?;
    // They take what comes; the capture tells.
    let open = |address| world.topology.ran.udp(SocketAddr::new(address, gtpu::PORT));
    let _gnbs = (open(GNB.into())?, open(OTHER_GNB.into())?);
    let server = world.topology.dn.udp(SocketAddr::new(DN.into(), 9000))?;
    world.smf.establish(1, UE, None, None)?;
    // Both gNBs are known before it counts.
    for tunnel in [OTHER_TUNNEL, TUNNEL] {
        world.smf.tunnel(1, tunnel)?;
        for _ in 0..10 {
            server.send_to(&[0; 8], (UE, 9000))?;
            thread::sleep(Duration::from_millis(20));
        }
    }

    let capture = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let tunnels = (0..=HANDOVERS).map(tunnel).collect::<Vec<_>>();
    let stop = AtomicBool::new(false);
    let sent = thread::scope(|scope| -> Result<u64> {
        let sender = scope.spawn(|| -> Result<u64> {
            let mut number = 0_u64;
            while !stop.load(Relaxed) {
                server.send_to(&number.to_be_bytes(), (UE, 9000))?;
                number += 1;
                thread::sleep(PAUSE);
            }
            Ok(number)
        });
        let outcome = tunnels.iter().skip(1).try_for_each(|tunnel| {
            thread::sleep(Duration::from_millis(80));
            world.smf.hand_over(1, *tunnel)
        });
        thread::sleep(Duration::from_millis(80));
        stop.store(true, Relaxed);
        let sent = sender.join().expect("no panic");
        outcome?;
        sent
    })?;
    let recording = capture.end()?;
    let from_us = "ip.src == 10.1.0.2 && gtp";
    recording.judge(from_us, usize::try_from(sent * 9 / 10)?)?;

    let mut packets = Vec::new();
    for line in recording
        .fields(from_us, &["gtp.message", "gtp.teid", "ip.dst"])?
        .lines()
    {
        packets.push(seen(line).with_context(|| line.to_owned())?);
    }
    let user = packets.iter().filter(|packet| packet.message == G_PDU);
    ensure!(user.count() as u64 == sent, "{sent} were sent");
    packets.dedup();
    let expected = tunnels
        .iter()
        .flat_map(|&Tunnel { teid, address }| {
            [G_PDU, END_MARKER].map(|message| Seen {
                message,
                teid,
                address: address.to_string(),
            })
        })
        // The last tunnel has not ended.
        .take(tunnels.len() * 2 - 1)
        .collect::<Vec<_>>();
    assert_eq!(packets, expected);
    Ok(())
}

/// The n-th tunnel, the gNBs in turn.
fn tunnel(n: u32) -> Tunnel {
    match n {
        0 => TUNNEL,
        _ => Tunnel {
            teid: 0x3000 + n,
            address: if n.is_multiple_of(2) { GNB } else { OTHER_GNB },
        },
    }
}

/// A packet of ours, as tshark tells of it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    message: u8,
    teid: u32,
    address: String,
}

fn seen(line: &str) -> Option<Seen> {
    let mut fields = line.split('\t');
    let number = |text: &str| -> Option<u32> {
        match text.strip_prefix("0x") {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
            None => text.parse().ok(),
        }
    };
    let message = number(fields.next()?)?.try_into().ok()?;
    let teid = number(fields.next()?)?;
    // The outer one comes first.
    let address = fields.next()?.split(',').next()?.to_owned();
    Some(Seen {
        message,
        teid,
        address,
    })
}
