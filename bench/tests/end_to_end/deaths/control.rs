//! A control plane that always wants something, and keeps what it is told.

use std::{
    collections::{BTreeMap, HashMap},
    net::{Ipv4Addr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    control::ue_address,
    mmsg::enlarge_receive_buffer,
    pfcp::{
        ACCEPTED, Received, Session, Tunnel, Usage, heartbeat_response, report_response, request,
    },
    topology::{GNB, N4, OTHER_GNB, SMF, Topology},
};
use rand::Rng as _;

use super::traffic::{Line, Lines, locked};
use crate::world::QFI;

/// At a time.
const SESSIONS: usize = 12;
const THRESHOLD: u64 = 30_000;
/// Between two transmissions of a request (T1, which is longer as a rule), and for how long it is sent again.
const AGAIN: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(40);
/// Between two requests.
const PAUSE: Duration = Duration::from_millis(20);
/// Without a report, in the end.
const QUIET: Duration = Duration::from_secs(3);
const RECOVERY: u32 = 0xee00_0000;

/// A session that the UPF has.
#[derive(Clone, Copy)]
struct Known {
    /// Ours, which is the UE's number as well.
    number: u64,
    /// The UPF's.
    seid: u64,
    teid: u32,
    urr: u32,
}

pub(super) struct Smf {
    socket: UdpSocket,
    sequence: u32,
    sessions: Vec<Known>,
    lines: Lines,
    /// The UPF's SEIDs of all sessions that there have been, by ours.
    seids: HashMap<u64, u64>,
    /// Bytes by session, URR and UR-SEQN.
    usage: HashMap<(u64, u32, u32), u64>,
    repeated: usize,
    last_report: Instant,
    requests: Arc<AtomicU64>,
    /// From its next pause on: a request is given up by nobody before its time (T1 × N1), which a slow machine takes for less.
    is_away: Arc<AtomicBool>,
}

/// The same on a thread of its own.
pub(super) struct Working {
    is_over: Arc<AtomicBool>,
    is_away: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
    thread: JoinHandle<Result<Smf>>,
}

impl Smf {
    pub(super) fn associate(topology: &Topology) -> Result<Self> {
        let socket = topology.ran.udp((SMF, 8805).into())?;
        enlarge_receive_buffer(&socket)?;
        socket.connect(N4)?;
        let mut smf = Self {
            socket,
            sequence: 0,
            sessions: Vec::new(),
            lines: Arc::new(Mutex::new(Vec::new())),
            seids: HashMap::new(),
            usage: HashMap::new(),
            repeated: 0,
            last_report: Instant::now(),
            requests: Arc::default(),
            is_away: Arc::default(),
        };
        smf.ask(
            |sequence| request::association(sequence, SMF, RECOVERY),
            0,
            |_| (),
        )?;
        Ok(smf)
    }

    pub(super) fn lines(&self) -> Lines {
        Arc::clone(&self.lines)
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        (0..SESSIONS).try_for_each(|_| self.establish())
    }

    /// Makes requests until it is told to rest.
    pub(super) fn work(mut self) -> Working {
        let is_over = Arc::<AtomicBool>::default();
        let (is_away, requests) = (Arc::clone(&self.is_away), Arc::clone(&self.requests));
        let over = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            while !over.load(Relaxed) {
                self.listen(PAUSE)?;
                if !self.is_away.load(Relaxed) {
                    self.want_something()?;
                }
            }
            Ok(self)
        });
        Working {
            is_over,
            is_away,
            requests,
            thread,
        }
    }

    fn want_something(&mut self) -> Result<()> {
        let mut random = rand::rng();
        let at = random.random_range(0..self.sessions.len());
        let Known {
            number, seid, urr, ..
        } = self.sessions[at];
        match random.random_range(0..100) {
            0..60 => {
                let address = if random.random() { GNB } else { OTHER_GNB };
                self.hand_over(at, address)
            }
            60..75 => self.ask(
                |sequence| request::query_all(sequence, seid),
                number,
                |_| (),
            ),
            75..90 => {
                self.sessions[at].urr += 1;
                let replace =
                    |sequence| request::replace_urr(sequence, seid, urr, urr + 1, THRESHOLD);
                self.ask(replace, number, |_| ())
            }
            _ => {
                self.delete(at)?;
                self.establish()
            }
        }
    }

    fn establish(&mut self) -> Result<()> {
        let number = self.seids.len() as u64 + 1;
        let ue = ue_of(number);
        let session = Session {
            seid: number,
            ue,
            kilobits: None,
            qfi: QFI,
            imsi: None,
            volume_threshold: Some(THRESHOLD),
        };
        let mut made = None;
        self.ask(
            |sequence| request::establishment(sequence, SMF, &session),
            number,
            |answer| made = answer.seid().zip(answer.uplink_tunnel()),
        )?;
        let (seid, uplink) = made.context("no F-SEID or F-TEID")?;
        self.seids.insert(number, seid);
        self.sessions.push(Known {
            number,
            seid,
            teid: uplink.teid,
            urr: 1,
        });
        self.hand_over(self.sessions.len() - 1, GNB)?;
        locked(&self.lines).push(Line {
            ue,
            teid: uplink.teid,
        });
        Ok(())
    }

    fn hand_over(&mut self, at: usize, address: Ipv4Addr) -> Result<()> {
        let Known { number, seid, .. } = self.sessions[at];
        let tunnel = Tunnel {
            teid: number as u32,
            address,
        };
        self.ask(
            |sequence| request::tunnel(sequence, seid, tunnel),
            number,
            |_| (),
        )
    }

    fn delete(&mut self, at: usize) -> Result<()> {
        let Known {
            number, seid, teid, ..
        } = self.sessions.swap_remove(at);
        locked(&self.lines).retain(|line| line.teid != teid || line.ue != ue_of(number));
        self.ask(|sequence| request::deletion(sequence, seid), number, |_| ())
    }

    /// Deletes all.
    pub(super) fn end(&mut self) -> Result<()> {
        while !self.sessions.is_empty() {
            self.delete(0)?;
        }
        Ok(())
    }

    /// Sends a request until it is answered.
    fn ask(
        &mut self,
        request: impl Fn(u32) -> Vec<u8>,
        session: u64,
        take: impl FnOnce(&Received<'_>),
    ) -> Result<()> {
        self.sequence += 1;
        let bytes = request(self.sequence);
        let kind = bytes[1] + 1;
        let begin = Instant::now();
        loop {
            // Refused while nobody listens.
            self.socket.send(&bytes).ok();
            let sent = Instant::now();
            while sent.elapsed() < AGAIN {
                let Some(message) = self.receive(AGAIN / 10)? else {
                    continue;
                };
                let Some(answer) = Received::read(&message) else {
                    continue;
                };
                if answer.kind == kind && answer.sequence == self.sequence {
                    let cause = answer.cause();
                    ensure!(
                        cause == Some(ACCEPTED),
                        "request of type {} for session {session}: cause {cause:?}",
                        kind - 1
                    );
                    self.keep(session, &answer.usage_in_answer());
                    self.requests.fetch_add(1, Relaxed);
                    take(&answer);
                    return Ok(());
                }
            }
            ensure!(begin.elapsed() < PATIENCE, "no answer to type {}", kind - 1);
        }
    }

    /// Listens for a while, or, when it is away, to nothing.
    fn listen(&mut self, patience: Duration) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < patience {
            if self.is_away.load(Relaxed) {
                self.next(patience)?;
            } else {
                self.receive(patience)?;
            }
        }
        Ok(())
    }

    /// Listens until no report has come for a while.
    pub(super) fn listen_until_quiet(&mut self) -> Result<()> {
        self.last_report = Instant::now();
        while self.last_report.elapsed() < QUIET {
            self.listen(PAUSE)?;
        }
        Ok(())
    }

    fn next(&mut self, patience: Duration) -> Result<Option<Vec<u8>>> {
        self.socket.set_read_timeout(Some(patience))?;
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer);
        Ok(length.ok().map(|length| buffer[..length].to_vec()))
    }

    /// The next message; those that the UPF sends by itself are answered.
    fn receive(&mut self, patience: Duration) -> Result<Option<Vec<u8>>> {
        let Some(bytes) = self.next(patience)? else {
            return Ok(None);
        };
        let Some(message) = Received::read(&bytes) else {
            return Ok(None);
        };
        if let Some(answer) = heartbeat_response(&message, RECOVERY) {
            self.socket.send(&answer).ok();
            return Ok(None);
        }
        if let (Some(usage), Some(session)) = (message.usage(), message.session) {
            let seid = self.seids.get(&session).copied();
            let seid = seid.with_context(|| format!("a report of session {session}"))?;
            self.keep(session, &usage);
            self.last_report = Instant::now();
            self.socket
                .send(&report_response(message.sequence, seid))
                .ok();
            return Ok(None);
        }
        Ok(Some(bytes))
    }

    /// A report that comes again is the same.
    fn keep(&mut self, session: u64, usage: &[Usage]) {
        for one in usage {
            let key = (session, one.urr, one.sequence);
            if let Some(known) = self.usage.insert(key, one.bytes) {
                assert_eq!(known, one.bytes, "{key:?} was told otherwise");
                self.repeated += 1;
            }
        }
    }

    /// Bytes by UE, of all sessions that there have been.
    pub(super) fn reported(&self) -> BTreeMap<Ipv4Addr, u64> {
        let mut bytes = BTreeMap::new();
        for number in self.seids.keys() {
            bytes.insert(ue_of(*number), 0);
        }
        for ((number, ..), reported) in &self.usage {
            *bytes.entry(ue_of(*number)).or_default() += reported;
        }
        bytes
    }

    pub(super) fn reports(&self) -> usize {
        self.usage.len()
    }

    pub(super) fn repeated(&self) -> usize {
        self.repeated
    }
}

impl Working {
    pub(super) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Relaxed);
    }

    pub(super) fn progress(&self) -> String {
        format!("{} requests answered", self.requests.load(Relaxed))
    }

    /// Takes the control plane back.
    pub(super) fn rest(self) -> Result<Smf> {
        self.is_over.store(true, Relaxed);
        self.thread
            .join()
            .ok()
            .context("the control plane panicked")?
    }
}

fn ue_of(number: u64) -> Ipv4Addr {
    ue_address(number as u32)
}
