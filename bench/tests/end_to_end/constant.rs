//! Packets at a constant rate through UEs' sessions, counted by UE and in steps of time where they arrive.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use bench::{
    gtpu::{self, GPdu},
    mmsg::{self, BATCH, Receiver, enlarge_receive_buffer},
    pfcp::Tunnel,
    topology::{DN, GNB, N3},
};
use etherparse::PacketBuilder;
use rand::seq::IndexedRandom as _;

use crate::{
    iperf::Way,
    world::{QFI, World},
};

/// One step of the counting.
pub(crate) const STEP: Duration = Duration::from_millis(10);
const PORT: u16 = 9000;
/// IPv4 and UDP.
const HEADERS: usize = 28;
const NAP: Duration = Duration::from_micros(500);
/// A sender that falls behind by more gives the rest up.
const MOST_BEHIND: f64 = 0.02;

/// A UE as the network sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: Ipv4Addr,
    /// Where its packets enter the UPF.
    pub(crate) uplink: Tunnel,
    /// Where those for it leave it.
    pub(crate) downlink: Tunnel,
}

/// What arrived so far.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    /// Bytes of IP packets by UE.
    pub(crate) by_peer: Vec<u64>,
    /// Bytes of IP packets in each [`STEP`] since the start.
    pub(crate) steps: Vec<u64>,
}

/// A sender and a receiver; they end when this is dropped.
pub(crate) struct Constant {
    pub(crate) start: Instant,
    arrived: Arc<Mutex<Arrived>>,
    sent: Arc<Mutex<u64>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl Constant {
    /// Offers so many bit/s of IP packets of `size` bytes to all UEs together, each packet to a random one.
    pub(crate) fn start(
        world: &World,
        way: Way,
        peers: &[Peer],
        size: usize,
        bits: f64,
    ) -> Result<Self> {
        let open = |namespace: &bench::netns::Namespace, address: Ipv4Addr, port| {
            let socket = namespace.udp(SocketAddr::new(address.into(), port))?;
            enlarge_receive_buffer(&socket)?;
            anyhow::Ok(socket)
        };
        let gnb = open(&world.topology.ran, GNB, gtpu::PORT)?;
        let server = open(&world.topology.dn, DN, PORT)?;
        let (from, to) = match way {
            Way::Uplink => (gnb, server),
            Way::Downlink => (server, gnb),
        };
        let packets = peers
            .iter()
            .map(|peer| packet(way, peer, size))
            .collect::<Result<Vec<_>>>()?;
        let arrived = Arrived {
            by_peer: vec![0; peers.len()],
            steps: Vec::new(),
        };
        let mut constant = Self {
            start: Instant::now(),
            arrived: Arc::new(Mutex::new(arrived)),
            sent: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        constant.receive(to, way, peers.to_vec());
        constant.send(from, packets, bits / (size as f64 * 8.0), size);
        Ok(constant)
    }

    fn send(
        &mut self,
        socket: UdpSocket,
        packets: Vec<(SocketAddrV4, Vec<u8>)>,
        packets_per_second: f64,
        size: usize,
    ) {
        let (stop, sent, start) = (self.stop.clone(), self.sent.clone(), self.start);
        self.threads.push(thread::spawn(move || {
            let mut random = rand::rng();
            let most = (packets_per_second * MOST_BEHIND) as u64 + BATCH as u64;
            let (mut next, mut skipped) = (0, 0);
            while !stop.load(Relaxed) {
                let due = (start.elapsed().as_secs_f64() * packets_per_second) as u64 - skipped;
                let behind = due.saturating_sub(next);
                skipped += behind.saturating_sub(most);
                let count = behind.min(BATCH as u64) as usize;
                let batch = (0..count).filter_map(|_| packets.choose(&mut random));
                // A full queue: not offered, no harm.
                let done = mmsg::send(&socket, batch.map(|(to, bytes)| (*to, &bytes[..])));
                *sent.lock().expect("no panic") += (done.unwrap_or(0) * size) as u64;
                next += count as u64;
                if count < BATCH {
                    thread::sleep(NAP);
                }
            }
            Ok(())
        }));
    }

    fn receive(&mut self, socket: UdpSocket, way: Way, peers: Vec<Peer>) {
        let (stop, arrived, start) = (self.stop.clone(), self.arrived.clone(), self.start);
        self.threads.push(thread::spawn(move || {
            let mut receiver = Receiver::default();
            while !stop.load(Relaxed) {
                let step = (start.elapsed().as_micros() / STEP.as_micros()) as usize;
                let mut arrived = arrived.lock().expect("no panic");
                let count = receiver.receive(&socket, |from, bytes| {
                    let peer = match way {
                        Way::Uplink => peers.iter().position(|peer| peer.address == *from.ip()),
                        Way::Downlink => gtpu::read(bytes).and_then(|packet| {
                            peers
                                .iter()
                                .position(|peer| peer.downlink.teid == packet.teid)
                        }),
                    };
                    let bytes = match way {
                        Way::Uplink => bytes.len() + HEADERS,
                        Way::Downlink => gtpu::read(bytes).map_or(0, |packet| packet.payload.len()),
                    };
                    if let Some(peer) = peer {
                        arrived.by_peer[peer] += bytes as u64;
                        let length = arrived.steps.len().max(step + 1);
                        arrived.steps.resize(length, 0);
                        arrived.steps[step] += bytes as u64;
                    }
                })?;
                drop(arrived);
                if count < BATCH {
                    thread::sleep(NAP);
                }
            }
            Ok(())
        }));
    }

    /// What has arrived so far.
    pub(crate) fn arrived(&self) -> Arrived {
        self.arrived.lock().expect("no panic").clone()
    }

    /// Bits a second that are offered and that arrive of each UE, between now and `time` from now.
    pub(crate) fn measure(&self, time: Duration) -> (f64, Vec<f64>) {
        let look = || {
            let sent = *self.sent.lock().expect("no panic");
            (Instant::now(), sent, self.arrived().by_peer)
        };
        let (begin, sent, before) = look();
        thread::sleep(time);
        let (end, sent_then, after) = look();
        let per_second = 8.0 / end.duration_since(begin).as_secs_f64();
        let rates = before.iter().zip(&after);
        let rates = rates.map(|(before, after)| (after - before) as f64 * per_second);
        ((sent_then - sent) as f64 * per_second, rates.collect())
    }

    /// Bits a second that arrived between two moments.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> f64 {
        let step = |at: Instant| {
            (at.duration_since(self.start).as_secs_f64() / STEP.as_secs_f64()) as usize
        };
        let (from, to) = (step(from), step(to));
        let steps = self.arrived().steps;
        let bytes: u64 = steps.iter().take(to).skip(from).sum();
        bytes as f64 * 8.0 / ((to - from) as f64 * STEP.as_secs_f64())
    }
}

impl Drop for Constant {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn packet(way: Way, peer: &Peer, size: usize) -> Result<(SocketAddrV4, Vec<u8>)> {
    let payload = vec![0; size.checked_sub(HEADERS).context("headers need room")?];
    if way == Way::Downlink {
        return Ok((SocketAddrV4::new(peer.address, PORT), payload));
    }
    let mut inner = Vec::new();
    PacketBuilder::ipv4(peer.address.octets(), DN.octets(), 64)
        .udp(PORT, PORT)
        .write(&mut inner, &payload)?;
    let outer = GPdu {
        teid: peer.uplink.teid,
        qfi: Some(QFI),
        payload: &inner,
    };
    Ok((SocketAddrV4::new(N3, gtpu::PORT), outer.to_uplink_bytes()))
}
