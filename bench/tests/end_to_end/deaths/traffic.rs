//! Packets both ways for whatever sessions there are, and what of them arrives.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    gtpu::{self, GPdu},
    mmsg::{BATCH, Receiver, enlarge_receive_buffer},
    topology::{DN, GNB, N3, OTHER_GNB, Topology},
};
use etherparse::PacketBuilder;
use rand::Rng as _;

use crate::world::QFI;

const PORT: u16 = 9000;
/// IP and UDP.
const HEADERS: u64 = 28;
/// Between two packets of a direction.
const PAUSE: Duration = Duration::from_millis(1);
/// For packets on their way.
const LAST: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(10);

/// A session as its UE knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) ue: Ipv4Addr,
    /// The UPF's.
    pub(super) teid: u32,
}

/// The sessions that there are.
pub(super) type Lines = Arc<Mutex<Vec<Line>>>;

/// Bytes that have arrived, by UE.
type Arrived = HashMap<Ipv4Addr, u64>;

pub(super) struct Traffic {
    /// Senders end before receivers.
    is_over: Arc<AtomicBool>,
    is_quiet: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Result<()>>>,
    receivers: Vec<JoinHandle<Result<()>>>,
    arrived: Arc<Mutex<Arrived>>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traffic {
    pub(super) fn start(topology: &Topology, lines: Lines) -> Result<Self> {
        let mut traffic = Self {
            is_over: Arc::default(),
            is_quiet: Arc::default(),
            senders: Vec::new(),
            receivers: Vec::new(),
            arrived: Arc::default(),
        };
        let server = topology.dn.udp(SocketAddr::new(DN.into(), PORT))?;
        let gnb = topology.ran.udp(SocketAddr::new(GNB.into(), gtpu::PORT))?;
        let other = topology
            .ran
            .udp(SocketAddr::new(OTHER_GNB.into(), gtpu::PORT))?;
        traffic.send(
            Arc::clone(&lines),
            server.try_clone()?,
            |socket, line, payload| socket.send_to(payload, (line.ue, PORT)).map(drop),
        );
        traffic.send(lines, gnb.try_clone()?, |socket, line, payload| {
            socket
                .send_to(&uplink(line, payload), (N3, gtpu::PORT))
                .map(drop)
        });
        traffic.receive(server, |from, bytes| {
            Some((from, bytes.len() as u64 + HEADERS))
        })?;
        for socket in [gnb, other] {
            traffic.receive(socket, |_, bytes| {
                let packet = gtpu::read(bytes)?.payload;
                let to: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
                Some((to.into(), packet.len() as u64))
            })?;
        }
        Ok(traffic)
    }

    fn send(
        &mut self,
        lines: Lines,
        socket: UdpSocket,
        send: impl Fn(&UdpSocket, Line, &[u8]) -> std::io::Result<()> + Send + 'static,
    ) {
        let is_over = Arc::clone(&self.is_over);
        self.senders.push(thread::spawn(move || {
            let mut random = rand::rng();
            let payload = [0; 1200];
            while !is_over.load(Relaxed) {
                thread::sleep(PAUSE);
                let line = {
                    let lines = locked(&lines);
                    if lines.is_empty() {
                        continue;
                    }
                    lines[random.random_range(0..lines.len())]
                };
                let length = random.random_range(1..payload.len());
                send(&socket, line, &payload[..length])?;
            }
            Ok(())
        }));
    }

    fn receive(
        &mut self,
        socket: UdpSocket,
        read: impl Fn(Ipv4Addr, &[u8]) -> Option<(Ipv4Addr, u64)> + Send + 'static,
    ) -> Result<()> {
        enlarge_receive_buffer(&socket)?;
        let (is_quiet, arrived) = (Arc::clone(&self.is_quiet), Arc::clone(&self.arrived));
        self.receivers.push(thread::spawn(move || {
            let mut receiver = Receiver::default();
            while !is_quiet.load(Relaxed) {
                let count = receiver.receive(&socket, |from, bytes| {
                    if let Some((ue, length)) = read(*from.ip(), bytes) {
                        *locked(&arrived).entry(ue).or_default() += length;
                    }
                })?;
                if count < BATCH {
                    thread::sleep(Duration::from_micros(500));
                }
            }
            Ok(())
        }));
        Ok(())
    }

    /// Waits until something arrives.
    pub(super) fn reach(&self) -> Result<()> {
        let begin = Instant::now();
        while locked(&self.arrived).is_empty() {
            ensure!(begin.elapsed() < PATIENCE, "nothing arrives");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends it when all has arrived: bytes by UE.
    pub(super) fn end(self) -> Result<Arrived> {
        self.is_over.store(true, Relaxed);
        for sender in self.senders {
            sender.join().ok().context("a sender panicked")??;
        }
        thread::sleep(LAST);
        self.is_quiet.store(true, Relaxed);
        for receiver in self.receivers {
            receiver.join().ok().context("a receiver panicked")??;
        }
        Ok(std::mem::take(&mut *locked(&self.arrived)))
    }
}

/// What a gNB sends for a UE.
fn uplink(line: Line, payload: &[u8]) -> Vec<u8> {
    let mut inner = Vec::new();
    let builder = PacketBuilder::ipv4(line.ue.octets(), DN.octets(), 64).udp(PORT, PORT);
    // Into memory.
    builder.write(&mut inner, payload).ok();
    let outer = GPdu {
        teid: line.teid,
        qfi: Some(QFI),
        payload: &inner,
    };
    outer.to_uplink_bytes()
}
