//! A storm of PFCP messages from a control plane that may speak to us, over the socket and into the real node and
//! sessions: another control plane's heartbeats are answered in time, its requests served, and memory is bounded.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant, UNIX_EPOCH};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::control::Control;
use super::figures::Census;
use super::pfcp::{Pulse, Server};
use super::pfcp_sockets::PfcpSockets;
use crate::config::Config;
use crate::datapath::memory::{MemoryDatapath, Sizes};
use crate::metrics::{Figures, GtpuMetrics, Metrics, Reading};
use crate::pfcp::codec::tests::bytes::open5gs_establishment;
use crate::pfcp::codec::tests::strategies::message;
use crate::pfcp::codec::{
    AssociationSetupRequest, Body, Heartbeat, Message, Verdict, decode, frames,
};
use crate::pfcp::ie::{NodeId, UserId};
use crate::pfcp::kept::KeptNode;
use crate::pfcp::message::{SessionDeletionRequest, SessionModificationRequest};
use crate::session::{Sessions, SessionsConfig};

/// Messages of the storm.
const MESSAGES: usize = 1_000_000;
/// Room for sessions: the storm fills it.
const SLOTS: u32 = 1000;
/// How long a heartbeat may take.
const ANSWERED_WITHIN: Duration = Duration::from_millis(100);
/// How often another control plane's request may have to be sent, and how long it waits each time.
const MAX_SENT: usize = 10;
const PATIENCE: Duration = Duration::from_millis(500);
const BETWEEN_HEARTBEATS: Duration = Duration::from_millis(5);
/// For all that is kept of a storm: answers, waiting datagrams, sessions; and for what other tests do meanwhile.
const MAX_GROWTH_BYTES: usize = 768 << 20;

const CONFIG: &str = r#"
[node]
id = "127.0.0.9"

[pfcp]
listen = "127.0.0.9:8805"
allow = ["127.0.0.0/8"]

[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2"]

[[interface]]
device = "n6"
role = "core"
network_instance = "internet"

[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/16"
"#;

struct NoFigures;

impl Reading for NoFigures {
    fn figures(&self) -> Option<Figures> {
        None
    }
}

/// An agent without a fast path; its PFCP address is told.
struct Agent {
    address: SocketAddr,
    control: Arc<Control<MemoryDatapath>>,
    metrics: Arc<Metrics>,
}

impl Agent {
    fn start(slots: u32) -> Self {
        let config = Config::parse(CONFIG).unwrap();
        let sessions = SessionsConfig::new(&config).unwrap();
        let tables = MemoryDatapath::new(Sizes {
            slots,
            blocks: sessions.pools.blocks(),
            peers: 64,
            lists: slots,
            limits: slots,
            usages: slots,
        });
        let sessions = Sessions::new(sessions, tables);
        let started = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let control = Arc::new(Control::new(
            &config,
            started,
            sessions,
            KeptNode::default(),
        ));
        let gtpu = GtpuMetrics::new().unwrap();
        let metrics = Arc::new(Metrics::new(Arc::new(NoFigures), &gtpu).unwrap());
        let sockets = PfcpSockets::open("127.0.0.9:0".parse().unwrap()).unwrap();
        let address = sockets.requests.local_addr().unwrap();
        let server = Server {
            sockets,
            config: config.pfcp,
            engine: Arc::clone(&control),
            metrics: Arc::clone(&metrics),
            pulse: Arc::new(Pulse::new()),
        };
        tokio::spawn(server.run());
        Self {
            address,
            control,
            metrics,
        }
    }
}

pub(super) fn message_of(sequence: u32, seid: u64, body: Body) -> Vec<u8> {
    let message = Message {
        seid,
        sequence,
        priority: None,
        body,
    };
    message.encode().unwrap()
}

/// A control plane at an address of its own.
struct Peer {
    socket: UdpSocket,
    sequence: u32,
}

impl Peer {
    fn new(address: &str, agent: SocketAddr) -> Self {
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.connect(agent).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            socket,
            sequence: 0,
        }
    }

    /// The answer to a request, and how long it took; `None` where it was lost.
    fn ask(&mut self, seid: u64, body: Body) -> Option<(Body, Duration)> {
        self.sequence += 1;
        let sequence = self.sequence;
        self.ask_bytes(sequence, &message_of(sequence, seid, body))
    }

    fn ask_bytes(&mut self, sequence: u32, request: &[u8]) -> Option<(Body, Duration)> {
        let mut buffer = [0; 65_535];
        let asked = Instant::now();
        self.socket.send(request).unwrap();
        loop {
            let length = self.socket.recv(&mut buffer).ok()?;
            let frame = frames(&buffer[..length]).next().unwrap().unwrap();
            let is_answer = frame.header.message_type == request[1] + 1;
            if is_answer && frame.header.sequence == sequence {
                let body = decode(&frame).unwrap().unwrap().body;
                return Some((body, asked.elapsed()));
            }
        }
    }

    fn node(&self) -> NodeId {
        NodeId::Address(self.socket.local_addr().unwrap().ip())
    }

    /// Sets a session up; our number of it.
    fn establish(&mut self) -> u64 {
        self.sequence += 1;
        let mut random = SmallRng::seed_from_u64(2);
        let request = establishment(self.sequence, self.node(), &mut random);
        match self.ask_bytes(self.sequence, &request) {
            Some((Body::SessionEstablishmentResponse(response), _)) => {
                assert_eq!(
                    response.verdict,
                    Verdict::ACCEPTED,
                    "{:?}",
                    response.failed_rule
                );
                response.up_f_seid.expect("a session").seid
            }
            answer => panic!("{answer:?}"),
        }
    }

    /// Changes a session that has to be there. In a storm a request may be lost, so it is repeated, as TS 29.244
    /// clause 6.4 wants it; how often it was sent.
    fn modify(&mut self, seid: u64) -> usize {
        self.sequence += 1;
        let request = SessionModificationRequest::default();
        let body = Body::SessionModificationRequest(request);
        let request = message_of(self.sequence, seid, body);
        let sent = (1..=MAX_SENT).find_map(|sent| {
            let (answer, _) = self.ask_bytes(self.sequence, &request)?;
            Some((sent, answer))
        });
        match sent {
            Some((sent, Body::SessionModificationResponse(response))) => {
                assert_eq!(response.verdict, Verdict::ACCEPTED);
                sent
            }
            answer => panic!("{answer:?}"),
        }
    }

    fn set_up(&mut self) {
        self.set_up_since(1);
    }

    /// Sets the association up as a node that started at this time.
    fn set_up_since(&mut self, recovery_time_stamp: u32) {
        let request = AssociationSetupRequest {
            node_id: self.node(),
            recovery_time_stamp,
            up_function_features: None,
            cp_function_features: None,
        };
        let answer = self.ask(0, Body::AssociationSetupRequest(request));
        assert!(matches!(
            answer,
            Some((Body::AssociationSetupResponse(_), _))
        ));
    }

    fn heartbeat(&mut self) -> Option<Duration> {
        let heartbeat = Heartbeat {
            recovery_time_stamp: 1,
        };
        let (_, took) = self.ask(0, Body::HeartbeatRequest(heartbeat))?;
        Some(took)
    }
}

/// As Open5GS asks, for some UE, but for the measurement of usage.
fn establishment(sequence: u32, node: NodeId, random: &mut SmallRng) -> Vec<u8> {
    let ue = [10, 45, random.random(), random.random()];
    establishment_of(sequence, node, random.random(), ue.into(), None)
}

/// The same for this UE and SIM.
pub(super) fn establishment_of(
    sequence: u32,
    node: NodeId,
    cp_seid: u64,
    ue: Ipv4Addr,
    imsi: Option<&str>,
) -> Vec<u8> {
    let original = open5gs_establishment(sequence);
    let frame = frames(&original).next().unwrap().unwrap();
    let body = decode(&frame).unwrap().unwrap().body;
    let Body::SessionEstablishmentRequest(mut request) = body else {
        panic!("{body:?}");
    };
    request.node_id = node;
    request.cp_f_seid.seid = cp_seid;
    request.user_id = imsi.map(UserId::of_imsi);
    request.create_urrs.clear();
    for pdr in &mut request.create_pdrs {
        pdr.urr_ids.clear();
        if let Some(address) = &mut pdr.pdi.ue_ip_address {
            address.ipv4 = Some(ue);
        }
    }
    message_of(sequence, 0, Body::SessionEstablishmentRequest(request))
}

/// What is thrown: messages of every kind as they should be, the same with damage, and no messages at all.
fn ammunition(node: &NodeId) -> Vec<Vec<u8>> {
    let mut random = SmallRng::seed_from_u64(29_244);
    let mut runner = TestRunner::deterministic();
    let any = message();
    let mut all = vec![message_of(
        1,
        0,
        Body::AssociationSetupRequest(AssociationSetupRequest {
            node_id: node.clone(),
            recovery_time_stamp: 1,
            up_function_features: None,
            cp_function_features: None,
        }),
    )];
    for sequence in 0..4000 {
        let seid = random.random_range(1..1 << 53);
        let modification = SessionModificationRequest::default();
        let deletion = SessionDeletionRequest::default();
        all.push(establishment(sequence, node.clone(), &mut random));
        all.push(message_of(
            sequence,
            seid,
            Body::SessionModificationRequest(modification),
        ));
        all.push(message_of(
            sequence,
            seid,
            Body::SessionDeletionRequest(deletion),
        ));
        let valid = any.new_tree(&mut runner).unwrap().current();
        all.push(valid.encode().unwrap());
        let mut damaged = all[random.random_range(0..all.len())].clone();
        for _ in 0..random.random_range(1..8) {
            let place = random.random_range(0..damaged.len());
            damaged[place] = random.random();
        }
        all.push(damaged);
        let garbage: [u8; 24] = random.random();
        all.push(garbage.to_vec());
    }
    // A datagram longer than loopback takes, or an empty one, is no message of a storm.
    all.retain(|bytes| (1..60_000).contains(&bytes.len()));
    all
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Tells the [`longest_stall`] in the end.
fn watch_stalls(is_over: &Arc<AtomicBool>) -> JoinHandle<Duration> {
    let is_over = Arc::clone(is_over);
    spawn(move || longest_stall(&is_over))
}

/// The longest time that the machine let a thread wait for its turn: that is not the agent's doing.
fn longest_stall(is_over: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    while !is_over.load(Ordering::Acquire) {
        let begin = Instant::now();
        sleep(BETWEEN_HEARTBEATS);
        longest = longest.max(begin.elapsed().saturating_sub(BETWEEN_HEARTBEATS));
    }
    longest
}

/// Throws all at once, without a look at what is answered; how long that took.
fn throw(attacker: &Peer, ammunition: &[Vec<u8>]) -> Duration {
    let begin = Instant::now();
    let mut random = SmallRng::seed_from_u64(1);
    for _ in 0..MESSAGES {
        let bytes = &ammunition[random.random_range(0..ammunition.len())];
        // Where the loopback has no room this one is lost, as any datagram may be.
        let _ = attacker.socket.send(bytes);
    }
    begin.elapsed()
}

/// How long requests took.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    /// What was not answered took for ever.
    fn push(&mut self, took: Option<Duration>) {
        self.0.push(took.unwrap_or(Duration::MAX));
        self.0.sort_unstable();
    }

    fn p99(&self) -> Duration {
        self.0[self.0.len() * 99 / 100]
    }

    /// Of those that were answered.
    fn max(&self) -> Duration {
        let answered = self.0.iter().filter(|took| **took < Duration::MAX);
        answered.copied().max().unwrap_or_default()
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lost = self.0.iter().filter(|took| **took == Duration::MAX);
        let (count, lost) = (self.0.len(), lost.count());
        write!(
            f,
            "{count}, {lost} lost, p99 {:?}, max {:?}",
            self.p99(),
            self.max()
        )
    }
}

/// What a control plane saw of a storm that it had no part in.
struct Seen {
    heartbeats: Times,
    /// Modifications of its session, and how often they were sent in all.
    modifications: (usize, usize),
    duration: Duration,
    stall: Duration,
    growth_bytes: usize,
}

fn see_storm(agent: SocketAddr) -> Seen {
    let mut victim = Peer::new("127.0.0.3", agent);
    victim.set_up();
    let mut owner = Peer::new("127.0.0.4", agent);
    owner.set_up();
    let seid = owner.establish();
    let mut attacker = Peer::new("127.0.0.1", agent);
    attacker.set_up();
    let ammunition = ammunition(&attacker.node());
    let before = resident_bytes();
    let is_over = Arc::new(AtomicBool::new(false));
    let stall = watch_stalls(&is_over);
    let storm = {
        let is_over = Arc::clone(&is_over);
        spawn(move || {
            let duration = throw(&attacker, &ammunition);
            is_over.store(true, Ordering::Release);
            duration
        })
    };
    let modifications = {
        let is_over = Arc::clone(&is_over);
        spawn(move || {
            let mut modifications = (0, 0);
            while !is_over.load(Ordering::Acquire) {
                modifications.0 += 1;
                modifications.1 += owner.modify(seid);
            }
            modifications
        })
    };
    let mut heartbeats = Times::default();
    while !is_over.load(Ordering::Acquire) {
        heartbeats.push(victim.heartbeat());
        sleep(BETWEEN_HEARTBEATS);
    }
    let growth_bytes = resident_bytes().saturating_sub(before);
    Seen {
        heartbeats,
        modifications: modifications.join().unwrap(),
        duration: storm.join().unwrap(),
        stall: stall.join().unwrap(),
        growth_bytes,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_leaves_heartbeats_answered_and_memory_bounded() {
    let agent = Agent::start(SLOTS);
    let address = agent.address;
    let seen = tokio::task::spawn_blocking(move || see_storm(address));
    let seen = seen.await.unwrap();
    let Seen {
        heartbeats,
        modifications,
        duration,
        stall,
        growth_bytes,
    } = seen;
    let told = format!(
        "{MESSAGES} messages in {duration:?}, {} not read; heartbeats: {heartbeats}; \
         modifications, done and sent: {modifications:?}; the machine's longest stall {stall:?}; {} MiB more; {:?}",
        agent.metrics.pfcp.dropped.get(),
        growth_bytes >> 20,
        agent.control.population(),
    );
    println!("{told}");
    assert!(heartbeats.0.len() > 50, "{told}");
    assert!(heartbeats.p99() < ANSWERED_WITHIN, "{told}");
    // The agent's turn and the control plane's may both have been late.
    assert!(heartbeats.max() < ANSWERED_WITHIN + 2 * stall, "{told}");
    assert!(growth_bytes < MAX_GROWTH_BYTES, "{told}");
    assert!(
        agent.control.population().sessions <= SLOTS.into(),
        "{told}"
    );
}

/// Sessions that end at once.
const ENDING: u32 = 20_000;

/// What others see of it: heartbeats, and looks at the list of sessions.
fn see_endings(
    agent: SocketAddr,
    control: &Arc<Control<MemoryDatapath>>,
) -> (Times, Times, Duration) {
    let mut victim = Peer::new("127.0.0.3", agent);
    victim.set_up();
    let mut owner = Peer::new("127.0.0.4", agent);
    owner.set_up();
    let node = owner.node();
    for number in 0..ENDING {
        owner.sequence += 1;
        let [_, _, high, low] = number.to_be_bytes();
        let ue = [10, 45, high, low].into();
        let request = establishment_of(owner.sequence, node.clone(), number.into(), ue, None);
        let answer = owner.ask_bytes(owner.sequence, &request);
        let Some((Body::SessionEstablishmentResponse(response), _)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(response.verdict, Verdict::ACCEPTED, "{number}");
    }
    // All sessions of a control plane end when it starts anew.
    owner.set_up_since(2);
    let is_over = Arc::new(AtomicBool::new(false));
    let stall = watch_stalls(&is_over);
    let looks = {
        let (is_over, control) = (Arc::clone(&is_over), Arc::clone(control));
        spawn(move || {
            let mut looks = Times::default();
            while !is_over.load(Ordering::Acquire) {
                let begin = Instant::now();
                let seen = control.sessions(None, 10).len();
                looks.push(Some(begin.elapsed()));
                assert_eq!(seen, 0, "they have ended");
                sleep(BETWEEN_HEARTBEATS);
            }
            looks
        })
    };
    let mut heartbeats = Times::default();
    while control.population().sessions > 0 {
        heartbeats.push(victim.heartbeat());
    }
    is_over.store(true, Ordering::Release);
    (heartbeats, looks.join().unwrap(), stall.join().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sessions_that_end_together_hold_nobody_up() {
    let agent = Agent::start(2 * ENDING);
    let (address, control) = (agent.address, Arc::clone(&agent.control));
    let seen = tokio::task::spawn_blocking(move || see_endings(address, &control));
    let (heartbeats, looks, stall) = seen.await.unwrap();
    let told = format!("heartbeats: {heartbeats}; looks: {looks}; longest stall {stall:?}");
    println!("{told}");
    assert!(heartbeats.0.len() > 10, "{told}");
    for times in [&heartbeats, &looks] {
        assert!(times.0.iter().all(|took| *took < Duration::MAX), "{told}");
        assert!(times.max() < ANSWERED_WITHIN + 2 * stall, "{told}");
    }
}
