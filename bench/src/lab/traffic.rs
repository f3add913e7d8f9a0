//! Traffic of the lab's UEs: UDP both ways, through the gNB's tunnels and from the data network.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use etherparse::PacketBuilder;

use super::plan::Plan;
use crate::{
    control::ue_address,
    gtpu::{self, GPdu},
    mmsg::{self, BATCH, Receiver, enlarge_receive_buffer},
    pfcp::Tunnel,
    topology::{DN, GNB, POOL, Topology},
};

/// The port of both ends of the inner UDP.
const PORT: u16 = 9000;
/// IPv4 and UDP headers of an inner packet.
const INNER_HEADERS: u16 = 28;
/// Between looks at the clock, or at a socket.
const NAP: Duration = Duration::from_millis(1);
/// A generator that falls behind by more gives the rest up.
const MOST_BEHIND: Duration = Duration::from_millis(200);

/// What one direction has carried so far.
#[derive(Debug)]
pub(super) struct Direction {
    /// Packets that the generator has sent.
    pub(super) offered: AtomicU64,
    /// Inner packets that arrived, for each active SIM.
    pub(super) delivered: Vec<AtomicU64>,
    /// Packets that arrived and belong to no active SIM: never, in a UPF that works.
    pub(super) strays: AtomicU64,
}

impl Direction {
    fn new(sims: u32) -> Self {
        let delivered = (0..sims).map(|_| AtomicU64::new(0)).collect();
        Self {
            offered: AtomicU64::new(0),
            delivered,
            strays: AtomicU64::new(0),
        }
    }

    /// Inner packets that arrived, for each active SIM.
    #[must_use]
    pub(super) fn snapshot(&self) -> Vec<u64> {
        self.delivered
            .iter()
            .map(|count| count.load(Relaxed))
            .collect()
    }

    fn arrived(&self, sim: u32) {
        match self.delivered.get(sim as usize) {
            Some(count) => count.fetch_add(1, Relaxed),
            None => self.strays.fetch_add(1, Relaxed),
        };
    }
}

/// Generators and sinks; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Traffic {
    /// UEs to the data network.
    pub(super) uplink: Arc<Direction>,
    /// The data network to UEs.
    pub(super) downlink: Arc<Direction>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

/// The gNB's tunnel of the SIM with this number.
#[must_use]
pub(super) fn gnb_tunnel(sim: u32) -> Tunnel {
    Tunnel {
        teid: sim + 1,
        address: GNB,
    }
}

impl Traffic {
    /// Starts traffic for the active SIMs, whose uplinks enter by `tunnels`.
    ///
    /// # Errors
    /// When a socket cannot be opened.
    pub(super) fn start(
        topology: &Topology,
        plan: &Plan,
        tunnels: &[Tunnel],
        qfi: u8,
    ) -> Result<Self> {
        let gnb = socket(topology.ran.udp(SocketAddr::new(GNB.into(), gtpu::PORT))?)?;
        let server = socket(topology.dn.udp(SocketAddr::new(DN.into(), PORT))?)?;
        let (gnb, server) = (Arc::new(gnb), Arc::new(server));
        let mut traffic = Self {
            uplink: Arc::new(Direction::new(plan.active())),
            downlink: Arc::new(Direction::new(plan.active())),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let up = uplink_packets(plan, tunnels, qfi)?;
        let down = downlink_packets(plan);
        traffic.generate("uplink", &gnb, &traffic.uplink.clone(), up, plan);
        traffic.generate("downlink", &server, &traffic.downlink.clone(), down, plan);
        traffic.sink(
            "uplink sink",
            &server,
            &traffic.uplink.clone(),
            |from, _| number_of(*from.ip()),
        );
        traffic.sink(
            "downlink sink",
            &gnb,
            &traffic.downlink.clone(),
            |_, bytes| {
                let packet = gtpu::read(bytes)?;
                packet.teid.checked_sub(1)
            },
        );
        Ok(traffic)
    }

    fn generate(
        &mut self,
        name: &str,
        socket: &Arc<UdpSocket>,
        direction: &Arc<Direction>,
        packets: Vec<(SocketAddrV4, Vec<u8>)>,
        plan: &Plan,
    ) {
        let (socket, direction) = (socket.clone(), direction.clone());
        let (streams, packets) = streams(plan, packets);
        self.thread(name, move |stop| {
            pace(stop, streams, |stream, first, count| {
                let packets = &packets[stream];
                let start = (first % packets.len() as u64) as usize;
                let batch = packets.iter().cycle().skip(start).take(count);
                let batch = batch.map(|(to, bytes)| (*to, bytes.as_slice()));
                match mmsg::send(&socket, batch) {
                    Ok(sent) => direction.offered.fetch_add(sent as u64, Relaxed),
                    // A neighbour that is being resolved, a full queue: not offered, no harm.
                    Err(_) => 0,
                };
            });
            Ok(())
        });
    }

    fn sink(
        &mut self,
        name: &str,
        socket: &Arc<UdpSocket>,
        direction: &Arc<Direction>,
        sim: impl Fn(SocketAddrV4, &[u8]) -> Option<u32> + Send + 'static,
    ) {
        let (socket, direction) = (socket.clone(), direction.clone());
        self.thread(name, move |stop| {
            let mut receiver = Receiver::default();
            while !stop.load(Relaxed) {
                let count = receiver.receive(&socket, |from, bytes| {
                    direction.arrived(sim(from, bytes).unwrap_or(u32::MAX));
                })?;
                if count < BATCH {
                    thread::sleep(NAP);
                }
            }
            Ok(())
        });
    }

    fn thread(
        &mut self,
        name: &str,
        work: impl FnOnce(&AtomicBool) -> io::Result<()> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&stop));
        // Out of threads: the same as a thread that ended with this error.
        let thread = thread.unwrap_or_else(|error| thread::spawn(|| Err(error)));
        self.threads.push(thread);
    }

    /// Whether all threads still run.
    ///
    /// # Errors
    /// With what ended one.
    pub(super) fn check(&mut self) -> Result<()> {
        if let Some(index) = self.threads.iter().position(JoinHandle::is_finished) {
            let thread = self.threads.swap_remove(index);
            let name = thread.thread().name().unwrap_or("a thread").to_owned();
            thread
                .join()
                .ok()
                .context("a generator panicked")?
                .context(name)?;
        }
        Ok(())
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// Packets that leave evenly, late rather than in a burst.
#[derive(Clone, Copy, Debug)]
struct Stream {
    packets_per_second: f64,
    /// The next packet's number.
    next: u64,
    /// Packets that were given up.
    skipped: u64,
}

impl Stream {
    fn new(packets_per_second: f64) -> Self {
        Self {
            packets_per_second,
            next: 0,
            skipped: 0,
        }
    }

    /// Packets that are due so long after the start.
    fn behind(&mut self, time: Duration) -> u64 {
        let most = (self.packets_per_second * MOST_BEHIND.as_secs_f64()) as u64 + BATCH as u64;
        let due = (time.as_secs_f64() * self.packets_per_second) as u64;
        let behind = due - self.skipped - self.next;
        self.skipped += behind.saturating_sub(most);
        behind.min(most)
    }
}

/// A stream for each group of SIMs, and its packets.
fn streams<T>(plan: &Plan, packets: Vec<T>) -> (Vec<Stream>, Vec<Vec<T>>) {
    let mut packets = packets.into_iter();
    let groups = plan.groups.iter().map(|group| {
        let packets = packets.by_ref().take(group.places().len()).collect();
        (Stream::new(group.offered(plan.size)), packets)
    });
    groups.unzip()
}

/// Calls `send(stream, first, count)` such that the packets of each stream leave evenly, and late rather than in a burst.
fn pace(stop: &AtomicBool, mut streams: Vec<Stream>, mut send: impl FnMut(usize, u64, usize)) {
    let start = Instant::now();
    while !stop.load(Relaxed) {
        let mut is_late = false;
        for (number, stream) in streams.iter_mut().enumerate() {
            let behind = stream.behind(start.elapsed());
            let count = behind.min(BATCH as u64);
            if count > 0 {
                send(number, stream.next, count as usize);
                stream.next += count;
            }
            is_late |= behind >= BATCH as u64;
        }
        if is_late {
            thread::yield_now();
        } else {
            thread::sleep(NAP);
        }
    }
}

fn uplink_packets(
    plan: &Plan,
    tunnels: &[Tunnel],
    qfi: u8,
) -> Result<Vec<(SocketAddrV4, Vec<u8>)>> {
    let payload = vec![0; payload_length(plan)];
    let packet = |(sim, tunnel): (u32, &Tunnel)| {
        let mut inner = Vec::with_capacity(plan.size.into());
        PacketBuilder::ipv4(ue_address(sim).octets(), DN.octets(), 64)
            .udp(PORT, PORT)
            .write(&mut inner, &payload)?;
        let outer = GPdu {
            teid: tunnel.teid,
            qfi: Some(qfi),
            payload: &inner,
        };
        Ok((
            SocketAddrV4::new(tunnel.address, gtpu::PORT),
            outer.to_uplink_bytes(),
        ))
    };
    (0..plan.active()).zip(tunnels).map(packet).collect()
}

fn downlink_packets(plan: &Plan) -> Vec<(SocketAddrV4, Vec<u8>)> {
    let payload = vec![0; payload_length(plan)];
    let to = |sim| SocketAddrV4::new(ue_address(sim), PORT);
    (0..plan.active())
        .map(|sim| (to(sim), payload.clone()))
        .collect()
}

fn payload_length(plan: &Plan) -> usize {
    plan.size.saturating_sub(INNER_HEADERS).into()
}

fn number_of(ue: Ipv4Addr) -> Option<u32> {
    ue.to_bits().checked_sub(POOL.to_bits() + 1)
}

fn socket(socket: UdpSocket) -> Result<UdpSocket> {
    enlarge_receive_buffer(&socket).context("cannot enlarge a receive buffer")?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_is_kept_and_nothing_is_skipped_in_the_order() {
        let stop = AtomicBool::new(false);
        let rates = [10_000.0, 1_000.0];
        let (mut seen, start) = ([0; 2], Instant::now());
        pace(
            &stop,
            rates.map(Stream::new).to_vec(),
            |stream, first, count| {
                assert_eq!(first, seen[stream]);
                seen[stream] += count as u64;
                if start.elapsed() > Duration::from_millis(300) {
                    stop.store(true, Relaxed);
                }
            },
        );
        for (seen, rate) in seen.iter().zip(rates) {
            // Late on a busy machine, never early.
            assert!(*seen as f64 <= start.elapsed().as_secs_f64() * rate + 1.0);
            assert!(*seen as f64 > rate * 0.05, "{seen}");
        }
    }

    #[test]
    fn every_group_has_its_sims_packets() {
        let plan = Plan::new(10, None, 1000);
        let (streams, packets) = streams(&plan, (0..plan.active()).collect());
        assert_eq!(streams.len(), plan.groups.len());
        for (group, packets) in plan.groups.iter().zip(packets) {
            assert!(packets.into_iter().eq(group.sims.clone()));
        }
    }

    #[test]
    fn a_ue_is_known_by_its_address() {
        assert_eq!(number_of(ue_address(0)), Some(0));
        assert_eq!(number_of(ue_address(70_000)), Some(70_000));
        assert_eq!(number_of(Ipv4Addr::new(1, 1, 1, 1)), None);
    }
}
