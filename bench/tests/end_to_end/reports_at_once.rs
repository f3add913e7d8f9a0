//! All sessions reach a threshold within a second: 100,000 of them with `cargo xtask test --long`. Every report is out and
//! answered soon, in bounded memory, and neither heartbeats nor packets suffer.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    control::{ControlPlane, Established, ue_address},
    gtpu::{self, GPdu},
    mmsg::{self, BATCH, Receiver, enlarge_receive_buffer},
    netns::Environment,
    pfcp::{Session, Usage},
    topology::{Agent, AgentOptions, DN, GNB, N3, Topology},
};
use etherparse::PacketBuilder;
use upf_user::testing;

use crate::world::{QFI, sum};

/// Bytes of an IP packet.
const PACKET: u64 = 200;
const HEADERS: u64 = 28;
const PORT: u16 = 9000;
/// From the first packet on until the last report is answered.
const SOON: Duration = Duration::from_secs(10);
/// Within which all packets are sent, unless the machine has other work.
const AT_ONCE: Duration = Duration::from_millis(700);
/// What the agent may take more of memory than before.
const MEMORY: u64 = 160 << 20;
/// A heartbeat's answer may take so long.
const BEAT: Duration = Duration::from_secs(1);
/// Between two packets of the session that is watched.
const PAUSE: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(5);

fn sessions() -> u32 {
    testing::amount(10_000, 100_000)
}

/// Sessions with a threshold of one packet, and behind them one without, which is watched.
fn establish(control: &mut ControlPlane, count: u32) -> Result<Vec<Established>> {
    let session = |number: u32| Session {
        seid: u64::from(number) + 1,
        ue: ue_address(number),
        kilobits: None,
        qfi: QFI,
        imsi: None,
        volume_threshold: (number < count).then_some(PACKET),
    };
    let sessions: Vec<_> = (0..=count).map(session).collect();
    control.establish(&sessions, |_| Ok(()))
}

/// A packet of the UE with this number, as its gNB sends it.
fn packet(number: u32, session: &Established) -> Result<Vec<u8>> {
    let mut inner = Vec::new();
    PacketBuilder::ipv4(ue_address(number).octets(), DN.octets(), 64)
        .udp(PORT, PORT)
        .write(&mut inner, &[0; (PACKET - HEADERS) as usize])?;
    let outer = GPdu {
        teid: session.uplink.teid,
        qfi: Some(QFI),
        payload: &inner,
    };
    Ok(outer.to_uplink_bytes())
}

/// The host in the data network: how many packets have come of whom.
struct Server {
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<HashMap<Ipv4Addr, u64>>>>,
}

#[derive(Default)]
struct Counts {
    /// Of the UE that is watched.
    watched: AtomicU64,
    others: AtomicU64,
}

impl Server {
    fn start(topology: &Topology, watched: Ipv4Addr) -> Result<Self> {
        let socket = topology.dn.udp(SocketAddr::new(DN.into(), PORT))?;
        enlarge_receive_buffer(&socket)?;
        let (counts, stop) = (Arc::<Counts>::default(), Arc::<AtomicBool>::default());
        let (counter, stopped) = (Arc::clone(&counts), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let (mut receiver, mut of) = (Receiver::default(), HashMap::new());
            while !stopped.load(Relaxed) {
                let count = receiver.receive(&socket, |from, _| {
                    let counter = match *from.ip() == watched {
                        true => &counter.watched,
                        false => &counter.others,
                    };
                    counter.fetch_add(1, Relaxed);
                    *of.entry(*from.ip()).or_default() += 1;
                })?;
                if count < BATCH {
                    thread::sleep(Duration::from_micros(500));
                }
            }
            Ok(of)
        });
        Ok(Self {
            counts,
            stop,
            thread: Some(thread),
        })
    }

    fn end(mut self) -> Result<HashMap<Ipv4Addr, u64>> {
        self.stop.store(true, Relaxed);
        let thread = self.thread.take().context("ended before")?;
        thread.join().ok().context("the server panicked")?
    }
}

/// Sends a packet of the watched session each millisecond, until it is stopped: how many.
struct Watched {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64>>,
}

impl Watched {
    fn start(socket: UdpSocket, packet: Vec<u8>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut sent = 0;
            while !stopped.load(Relaxed) {
                socket.send_to(&packet, (N3, gtpu::PORT))?;
                sent += 1;
                thread::sleep(PAUSE);
            }
            Ok(sent)
        });
        Self { stop, thread }
    }

    fn end(self) -> Result<u64> {
        self.stop.store(true, Relaxed);
        self.thread.join().ok().context("the sender panicked")?
    }
}

/// Sends all packets, evenly over [`AT_ONCE`].
fn send_at_once(socket: &UdpSocket, packets: &[Vec<u8>]) -> Result<Duration> {
    let begin = Instant::now();
    let to = SocketAddrV4::new(N3, gtpu::PORT);
    let mut sent = 0;
    while sent < packets.len() {
        let share = begin.elapsed().as_secs_f64() / AT_ONCE.as_secs_f64();
        let due = (packets.len() as f64 * share.min(1.0)) as usize;
        let batch = packets[sent..].iter().take((due - sent).min(BATCH));
        if batch.len() == 0 {
            thread::sleep(Duration::from_micros(100));
            continue;
        }
        sent += mmsg::send(socket, batch.map(|packet| (to, &packet[..])))?;
    }
    Ok(begin.elapsed())
}

/// A line of `/proc/PID/status`, in bytes.
fn memory(agent: &Agent, key: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let line = line.with_context(|| format!("no {key}"))?;
    let kib = line.trim_start_matches(':').trim().trim_end_matches(" kB");
    Ok(kib.parse::<u64>()? << 10)
}

/// Waits until `is_done`, at most until then.
fn wait(until: Instant, is_done: impl Fn() -> bool) -> bool {
    while !is_done() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    is_done()
}

#[test]
fn every_session_s_report_is_out_and_answered_soon() -> Result<()> {
    let count = sessions();
    let topology = Topology::new(Environment::alone()?)?;
    let options = AgentOptions {
        sessions: count + 1,
        ..AgentOptions::default()
    };
    let agent = topology.start_agent(&options)?;
    let mut control = ControlPlane::associate(&topology.ran)?;
    let established = establish(&mut control, count)?;
    let packets = (0..).zip(&established);
    let packets = packets.map(|(number, session)| packet(number, session));
    let mut packets = packets.collect::<Result<Vec<_>>>()?;
    let collector = control.collect(established.iter().map(|one| one.seid).collect());

    let server = Server::start(&topology, ue_address(count))?;
    let gnb = topology.ran.udp(SocketAddr::new(GNB.into(), gtpu::PORT))?;
    let watched = packets.pop().context("the last one")?;
    reach(&gnb, &watched, &server)?;
    let before = memory(&agent, "VmRSS")?;
    let come = server.counts.watched.load(Relaxed);
    let stream = Watched::start(gnb.try_clone()?, watched);

    let begin = Instant::now();
    let sending = send_at_once(&gnb, &packets)?;
    let all = count as usize;
    wait(begin + 3 * SOON, || collector.collected().reports >= all);
    let sent = stream.end()?;
    wait(Instant::now() + PATIENCE, || {
        server.counts.watched.load(Relaxed) >= come + sent
    });
    let grown = memory(&agent, "VmHWM")?.saturating_sub(before);
    let collected = collector.end()?;
    let took = collected.last.context("no report")?.duration_since(begin);
    let slowest = collected.beats.iter().max().context("no heartbeat")?;
    println!(
        "{sending:?} to send; {} of {count} reports in {took:?}, {} came again; {} MiB more; {} heartbeats, the slowest in {slowest:?}; {sent} \
         packets of the watched session",
        collected.reports,
        collected.repeated,
        grown >> 20,
        collected.beats.len(),
    );

    let expected = Usage {
        urr: 1,
        sequence: 0,
        bytes: PACKET,
    };
    ensure!(collected.reports == all, "{} reports", collected.reports);
    let is_whole = |usage: &Vec<Usage>| *usage == [expected];
    ensure!(collected.usage.len() == all && collected.usage.values().all(is_whole));
    ensure!(took < SOON, "{took:?}");
    ensure!(grown < MEMORY, "{} MiB", grown >> 20);
    ensure!(*slowest < BEAT, "a heartbeat took {slowest:?}");
    let metric =
        |name, labels: &[(&str, &str)]| anyhow::Ok(sum(&agent, name, labels)?.unwrap_or_default());
    let made = metric("upf_usage_reports_total", &[("trigger", "VOLTH")])?;
    let waiting = metric("upf_usage_reports_unacknowledged", &[])?;
    ensure!((made, waiting) == (count.into(), 0.0), "{made}, {waiting}");

    // No packet was lost.
    let arrived = server.end()?;
    ensure!(arrived[&ue_address(count)] == come + sent, "{sent} sent");
    for number in 0..count {
        let of = arrived.get(&ue_address(number));
        ensure!(of == Some(&1), "{of:?} packets of {number}");
    }
    Ok(())
}

/// Sends packets until neighbours are known, and waits until none is on its way.
fn reach(gnb: &UdpSocket, packet: &[u8], server: &Server) -> Result<()> {
    let come = || server.counts.watched.load(Relaxed);
    let deadline = Instant::now() + PATIENCE;
    while come() == 0 {
        ensure!(Instant::now() < deadline, "nothing arrives");
        gnb.send_to(packet, (N3, gtpu::PORT))?;
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(200));
    Ok(())
}
