//! Packets at a constant rate through a UE's session, counted in steps of time where they arrive.

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

use crate::{
    iperf::Way,
    world::{QFI, World},
};

/// One step of the counting.
const STEP: Duration = Duration::from_millis(10);
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

/// A sender and a receiver; they end when this is dropped.
pub(crate) struct Constant {
    start: Instant,
    /// Bytes of IP packets that arrived in each [`STEP`] since the start.
    arrived: Arc<Mutex<Vec<u64>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl Constant {
    /// Offers so many bit/s of IP packets of `size` bytes.
    pub(crate) fn start(
        world: &World,
        way: Way,
        peer: &Peer,
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
        let mut constant = Self {
            start: Instant::now(),
            arrived: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        constant.receive(to, way, *peer);
        constant.send(from, packet(way, peer, size)?, bits / (size as f64 * 8.0));
        Ok(constant)
    }

    fn send(&mut self, socket: UdpSocket, packet: (SocketAddrV4, Vec<u8>), per_second: f64) {
        let (stop, start) = (self.stop.clone(), self.start);
        self.threads.push(thread::spawn(move || {
            let most = (per_second * MOST_BEHIND) as u64 + BATCH as u64;
            let (mut next, mut skipped) = (0, 0);
            while !stop.load(Relaxed) {
                let due = (start.elapsed().as_secs_f64() * per_second) as u64 - skipped;
                let behind = due.saturating_sub(next);
                skipped += behind.saturating_sub(most);
                let count = behind.min(BATCH as u64) as usize;
                // A full queue: not offered, no harm.
                mmsg::send(&socket, (0..count).map(|_| (packet.0, &packet.1[..]))).ok();
                next += count as u64;
                if count < BATCH {
                    thread::sleep(NAP);
                }
            }
            Ok(())
        }));
    }

    fn receive(&mut self, socket: UdpSocket, way: Way, peer: Peer) {
        let (stop, arrived, start) = (self.stop.clone(), self.arrived.clone(), self.start);
        let length = move |from: SocketAddrV4, bytes: &[u8]| match way {
            Way::Uplink => (peer.address == *from.ip()).then_some(bytes.len() + HEADERS),
            Way::Downlink => gtpu::read(bytes)
                .filter(|packet| peer.downlink.teid == packet.teid)
                .map(|packet| packet.payload.len()),
        };
        self.threads.push(thread::spawn(move || {
            let mut receiver = Receiver::default();
            while !stop.load(Relaxed) {
                let mut bytes = 0;
                let count = receiver.receive(&socket, |from, packet| {
                    bytes += length(from, packet).unwrap_or_default() as u64;
                })?;
                let step = (start.elapsed().as_micros() / STEP.as_micros()) as usize;
                let mut arrived = arrived.lock().expect("no panic");
                let steps = arrived.len().max(step + 1);
                arrived.resize(steps, 0);
                arrived[step] += bytes;
                drop(arrived);
                if count < BATCH {
                    thread::sleep(NAP);
                }
            }
            Ok(())
        }));
    }

    /// Bits a second that arrived between two moments.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> f64 {
        let step = |at: Instant| {
            (at.duration_since(self.start).as_secs_f64() / STEP.as_secs_f64()) as usize
        };
        let (from, to) = (step(from), step(to));
        let steps = self.arrived.lock().expect("no panic");
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
