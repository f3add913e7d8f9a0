//! Packets between a UE and the data network, both ways at a time, and the longest time in which none of them arrived.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::Result;
use bench::topology::DN;

use crate::world::{UE, World};

/// Bytes of an IP packet.
pub(super) const PACKET: u64 = 1000;
/// IPv4 and UDP.
const HEADERS: u64 = 28;
const PORT: u16 = 9000;
/// Between two packets of a direction.
const PAUSE: Duration = Duration::from_micros(400);
/// Between looks at whether to end.
const PATIENCE: Duration = Duration::from_millis(20);
/// What is on its way when the senders end.
const REST: Duration = Duration::from_millis(200);

/// Senders and receivers; they end when this is dropped.
pub(super) struct Traffic {
    /// Senders, then receivers.
    stop: [Arc<AtomicBool>; 2],
    /// Of a packet's arrival, in microseconds since `start`.
    arrival: Arc<Arrival>,
    threads: Vec<JoinHandle<()>>,
}

struct Arrival {
    start: Instant,
    /// In microseconds since then.
    last: AtomicU64,
    longest_gap: AtomicU64,
}

impl Arrival {
    fn note(&self) {
        let now = self.start.elapsed().as_micros() as u64;
        let last = self.last.fetch_max(now, Relaxed);
        self.longest_gap
            .fetch_max(now.saturating_sub(last), Relaxed);
    }
}

impl Traffic {
    pub(super) fn start(world: &World) -> Result<Self> {
        let (ue, dn) = (
            SocketAddr::new(UE.parse()?, PORT),
            SocketAddr::new(DN.into(), PORT),
        );
        let up = world.home.udp(ue)?;
        let down = world.topology.dn.udp(dn)?;
        let mut traffic = Self {
            stop: Default::default(),
            arrival: Arc::new(Arrival {
                start: Instant::now(),
                last: AtomicU64::new(0),
                longest_gap: AtomicU64::new(0),
            }),
            threads: Vec::new(),
        };
        for (socket, to) in [(up, dn), (down, ue)] {
            socket.set_read_timeout(Some(PATIENCE))?;
            traffic.send(socket.try_clone()?, to);
            traffic.receive(socket);
        }
        Ok(traffic)
    }

    fn send(&mut self, socket: UdpSocket, to: SocketAddr) {
        let stop = self.stop[0].clone();
        self.threads.push(thread::spawn(move || {
            let payload = [0; (PACKET - HEADERS) as usize];
            while !stop.load(Relaxed) {
                // What does not go out was not offered.
                socket.send_to(&payload, to).ok();
                thread::sleep(PAUSE);
            }
        }));
    }

    fn receive(&mut self, socket: UdpSocket) {
        let (stop, arrival) = (self.stop[1].clone(), self.arrival.clone());
        self.threads.push(thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stop.load(Relaxed) {
                if socket.recv(&mut buffer).is_ok() {
                    arrival.note();
                }
            }
        }));
    }

    /// Ends it, and tells for how long no packet arrived at most until the last one did. Afterwards nothing is on its way.
    pub(super) fn end(self) -> Duration {
        let gap = self.arrival.longest_gap.load(Relaxed);
        self.stop[0].store(true, Relaxed);
        thread::sleep(REST);
        Duration::from_micros(gap)
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.iter().for_each(|stop| stop.store(true, Relaxed));
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}
