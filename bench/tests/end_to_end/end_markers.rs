//! Handovers under traffic: the End Marker comes once, behind the last packet of the old tunnel.

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
fn one_end_marker_comes_behind_the_last_packet_of_each_tunnel() -> Result<()> {
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
    let of = |tunnel: &Tunnel| {
        let is_of =
            |seen: &Seen| seen.teid == tunnel.teid && seen.address == tunnel.address.to_string();
        let places = packets.iter().enumerate();
        let of: Vec<_> = places.filter(|(_, seen)| is_of(seen)).collect();
        of
    };
    let mut known = 0;
    for (number, tunnel) in tunnels.iter().enumerate() {
        let seen = of(tunnel);
        known += seen.len();
        let mut messages: Vec<_> = seen.iter().map(|(_, seen)| seen.message).collect();
        messages.dedup();
        // The last tunnel has not ended.
        let has_ended = number + 1 < tunnels.len();
        let expected = if has_ended {
            &[G_PDU, END_MARKER][..]
        } else {
            &[G_PDU]
        };
        assert_eq!(messages, expected, "{tunnel:?}");
        let markers = seen.iter().filter(|(_, seen)| seen.message == END_MARKER);
        assert_eq!(markers.count(), usize::from(has_ended), "{tunnel:?}");
        // A packet or two of the next tunnel may have come in the microseconds that the marker takes.
        let end = seen.last().context("nothing came")?.0;
        for later in tunnels.iter().skip(number + 2) {
            let first = of(later).first().context("nothing came")?.0;
            assert!(end < first, "{tunnel:?} ends after {later:?} has begun");
        }
    }
    assert_eq!(known, packets.len(), "{packets:?}");
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
