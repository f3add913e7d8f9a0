//! Handover under traffic: no packet leaves by half of one tunnel and half of another.

use std::{
    collections::HashSet,
    net::{SocketAddr, SocketAddrV4, UdpSocket},
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bench::{
    control::{ControlPlane, ue_address},
    gtpu,
    mmsg::{self, Receiver, enlarge_receive_buffer},
    netns::Environment,
    pfcp::{Session, Tunnel},
    topology::{AgentOptions, DN, GNB, OTHER_GNB, Topology},
};

const MODIFICATIONS: u32 = 10_000;
/// So many at the generator's back; then it gets its turn, however busy the machine is.
const CHUNK: usize = 20;
const BURST: usize = 8;
const QFI: u8 = 5;
const SIZE: usize = 200;

/// The tunnel of the n-th modification: an odd TEID belongs to one gNB, an even one to the other.
fn tunnel(n: u32) -> Tunnel {
    Tunnel {
        teid: n,
        address: if n.is_multiple_of(2) { GNB } else { OTHER_GNB },
    }
}

#[test]
fn every_packet_belongs_wholly_to_one_tunnel() -> Result<()> {
    let topology = Topology::new(Environment::alone()?)?;
    let mut agent = topology.start_agent(&AgentOptions::default())?;
    let mut control = ControlPlane::associate(&topology.ran)?;
    let session = Session {
        seid: 1,
        ue: ue_address(0),
        kilobits: Some(10_000_000),
        qfi: QFI,
        imsi: None,
        volume_threshold: None,
    };
    let seid = control.establish(&[session], |_| Ok(()))?[0].seid;

    let open = |address| -> Result<UdpSocket> {
        let socket = topology.ran.udp(SocketAddr::new(address, gtpu::PORT))?;
        enlarge_receive_buffer(&socket)?;
        Ok(socket)
    };
    let gnbs = [
        (GNB, open(GNB.into())?),
        (OTHER_GNB, open(OTHER_GNB.into())?),
    ];
    let server = topology.dn.udp(SocketAddr::new(DN.into(), 9000))?;
    // Both gNBs are known before it counts.
    for n in [2, 1] {
        control.hand_over(&[(seid, tunnel(n))], |_| Ok(()))?;
        for _ in 0..20 {
            server.send_to(&[0; SIZE], (ue_address(0), 9000))?;
            thread::sleep(Duration::from_millis(20));
        }
    }
    let warm = gnbs
        .iter()
        .map(|(_, socket)| drain(socket))
        .collect::<Result<Vec<_>>>()?;
    ensure!(
        warm.iter().all(|count| *count > 0),
        "a gNB was not reached: {warm:?}"
    );

    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let seen = thread::scope(|scope| -> Result<Vec<Seen>> {
        let sinks = gnbs.each_ref().map(|(address, socket)| {
            let stop = &stop;
            scope.spawn(move || receive(socket, *address, stop))
        });
        scope.spawn(|| generate(&server, &stop, &sent));
        let tunnels = (3..3 + MODIFICATIONS)
            .map(|n| (seid, tunnel(n)))
            .collect::<Vec<_>>();
        let outcome = tunnels.chunks(CHUNK).try_for_each(|chunk| {
            control.hand_over(chunk, |_| Ok(()))?;
            more_traffic(&sent)
        });
        thread::sleep(Duration::from_millis(200));
        stop.store(true, Relaxed);
        outcome?;
        sinks
            .into_iter()
            .map(|sink| sink.join().expect("a sink panicked"))
            .collect()
    })?;

    let wrong = seen.iter().flat_map(|seen| &seen.wrong).collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} packets of no tunnel, such as {:?}",
        wrong.len(),
        wrong[0]
    );
    let tunnels = seen.iter().map(|seen| seen.teids.len()).sum::<usize>();
    assert!(
        tunnels > MODIFICATIONS as usize / CHUNK * 9 / 10,
        "traffic met only {tunnels} of {MODIFICATIONS} tunnels"
    );
    let (sent, received) = (
        sent.load(Relaxed),
        seen.iter().map(|seen| seen.count).sum::<u64>(),
    );
    assert!(
        received as f64 > 0.99 * sent as f64,
        "{received} of {sent} packets arrived"
    );
    agent.check()
}

/// What one gNB has received.
struct Seen {
    count: u64,
    teids: HashSet<u32>,
    wrong: Vec<String>,
}

fn receive(socket: &UdpSocket, address: std::net::Ipv4Addr, stop: &AtomicBool) -> Result<Seen> {
    let mut seen = Seen {
        count: 0,
        teids: HashSet::new(),
        wrong: Vec::new(),
    };
    let mut receiver = Receiver::default();
    while !stop.load(Relaxed) {
        let count = receiver.receive(socket, |_, bytes| {
            seen.count += 1;
            match gtpu::read(bytes) {
                Some(packet)
                    if tunnel(packet.teid).address == address
                        && packet.qfi == Some(QFI)
                        && packet.payload.len() == SIZE + 28 =>
                {
                    seen.teids.insert(packet.teid);
                }
                other => seen.wrong.push(format!("at {address}: {other:02x?}")),
            }
        })?;
        if count == 0 {
            thread::sleep(Duration::from_micros(500));
        }
    }
    Ok(seen)
}

fn generate(server: &UdpSocket, stop: &AtomicBool, sent: &AtomicU64) {
    let to = SocketAddrV4::new(ue_address(0), 9000);
    let payload = [0; SIZE];
    while !stop.load(Relaxed) {
        if let Ok(count) = mmsg::send(server, std::iter::repeat_n((to, &payload[..]), BURST)) {
            sent.fetch_add(count as u64, Relaxed);
        }
        thread::sleep(Duration::from_micros(300));
    }
    // What is on its way arrives before the sinks look for the last time.
}

/// Waits until a burst that began after this moment has been sent.
fn more_traffic(sent: &AtomicU64) -> Result<()> {
    let (least, begin) = (sent.load(Relaxed) + 2 * BURST as u64, Instant::now());
    while sent.load(Relaxed) < least {
        ensure!(begin.elapsed() < Duration::from_secs(10), "no traffic");
        thread::sleep(Duration::from_micros(100));
    }
    Ok(())
}

fn drain(socket: &UdpSocket) -> Result<u64> {
    let mut receiver = Receiver::default();
    let mut total = 0;
    loop {
        match receiver.receive(socket, |_, _| ())? {
            0 => return Ok(total),
            count => total += count as u64,
        }
    }
}
