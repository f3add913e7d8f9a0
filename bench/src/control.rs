//! A control plane: one association, any number of sessions, requests in flight side by side.

mod reports;

use std::{
    collections::HashMap,
    net::{Ipv4Addr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, bail, ensure};

pub use reports::{Collected, Collector};

use crate::{
    mmsg::enlarge_receive_buffer,
    netns::Namespace,
    pfcp::{ACCEPTED, Received, Session, Tunnel, address_of, heartbeat_response, request},
    topology::{N4, SMF},
};

/// Requests in flight.
const WINDOW: usize = 64;
/// Patience with one answer (T1 of clause 6.4), and how often a request is sent in all.
const T1: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 5;
/// Seconds from 1900, where NTP counts from, to 1970.
const NTP_OFFSET: u64 = 2_208_988_800;

/// The control plane, at [`SMF`].
#[derive(Debug)]
pub struct ControlPlane {
    socket: UdpSocket,
    sequence: u32,
    recovery: u32,
}

/// A session that the UPF has accepted.
#[derive(Clone, Copy, Debug)]
pub struct Established {
    /// The UPF's SEID.
    pub seid: u64,
    /// Where the gNB sends the uplink to.
    pub uplink: Tunnel,
}

struct Pending {
    index: usize,
    bytes: Vec<u8>,
    sent: Instant,
    attempts: u32,
}

impl ControlPlane {
    /// Opens the socket in `namespace` and sets the association up.
    ///
    /// # Errors
    /// When the UPF does not accept it.
    pub fn associate(namespace: &Namespace) -> Result<Self> {
        let socket = namespace.udp(address_of(SMF).into())?;
        enlarge_receive_buffer(&socket)?;
        socket.connect(N4)?;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_secs();
        // NTP's seconds wrap in 2036, as they shall.
        let recovery = (now + NTP_OFFSET) as u32;
        let mut control = Self {
            socket,
            sequence: 0,
            recovery,
        };
        let association = |sequence| request::association(sequence, SMF, recovery);
        control.exchange(
            "association",
            1,
            |_, sequence| association(sequence),
            |_, _| Ok(()),
        )?;
        Ok(control)
    }

    /// Establishes sessions, in order, and tells `progress` how many stand; its error ends the
    /// work.
    ///
    /// # Errors
    /// When the UPF refuses one or does not answer.
    pub fn establish(
        &mut self,
        sessions: &[Session],
        mut progress: impl FnMut(usize) -> Result<()>,
    ) -> Result<Vec<Established>> {
        let mut established = vec![None; sessions.len()];
        let mut count = 0;
        self.exchange(
            "session establishment",
            sessions.len(),
            |index, sequence| request::establishment(sequence, SMF, &sessions[index]),
            |index, answer| {
                let seid = answer.seid().context("no UP F-SEID in the answer")?;
                let uplink = answer.uplink_tunnel().context("no F-TEID in the answer")?;
                established[index] = Some(Established { seid, uplink });
                count += 1;
                progress(count)
            },
        )?;
        established
            .into_iter()
            .collect::<Option<_>>()
            .context("an answer is missing")
    }

    /// Sends each session's downlink to a tunnel.
    ///
    /// # Errors
    /// When the UPF refuses one or does not answer.
    pub fn hand_over(
        &mut self,
        tunnels: &[(u64, Tunnel)],
        mut progress: impl FnMut(usize) -> Result<()>,
    ) -> Result<()> {
        let mut count = 0;
        self.exchange(
            "session modification",
            tunnels.len(),
            |index, sequence| request::tunnel(sequence, tunnels[index].0, tunnels[index].1),
            |_, _| {
                count += 1;
                progress(count)
            },
        )
    }

    /// Gives a session another MBR, kbit/s.
    ///
    /// # Errors
    /// When the UPF refuses it or does not answer.
    pub fn set_rate(&mut self, seid: u64, kilobits: u64) -> Result<()> {
        let request = |_, sequence| request::rate(sequence, seid, kilobits);
        self.exchange("session modification", 1, request, |_, _| Ok(()))
    }

    /// Deletes a session.
    ///
    /// # Errors
    /// When the UPF refuses it or does not answer.
    pub fn delete(&mut self, seid: u64) -> Result<()> {
        let request = |_, sequence| request::deletion(sequence, seid);
        self.exchange("session deletion", 1, request, |_, _| Ok(()))
    }

    /// Answers heartbeats on a thread of its own, until it is dropped.
    #[must_use]
    pub fn keep_alive(self) -> KeepAlive {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                self.receive(Duration::from_millis(100)).ok();
            }
            self
        });
        KeepAlive {
            stop,
            thread: Some(thread),
        }
    }

    /// Makes `count` requests, at most [`WINDOW`] at a time, and checks every answer.
    fn exchange(
        &mut self,
        what: &str,
        count: usize,
        request: impl Fn(usize, u32) -> Vec<u8>,
        mut accept: impl FnMut(usize, Received<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut pending = HashMap::with_capacity(WINDOW);
        let mut next = 0;
        while next < count || !pending.is_empty() {
            while next < count && pending.len() < WINDOW {
                self.sequence = (self.sequence + 1) & 0x00ff_ffff;
                let bytes = request(next, self.sequence);
                let sent = Instant::now();
                self.socket.send(&bytes)?;
                let request = Pending {
                    index: next,
                    bytes,
                    sent,
                    attempts: 1,
                };
                pending.insert(self.sequence, request);
                next += 1;
            }
            if let Some(bytes) = self.receive(Duration::from_millis(100))?
                && let Some(answer) = Received::read(&bytes)
                && let Some(request) = answered_by(&answer, &mut pending)
            {
                let cause = answer.cause();
                ensure!(cause == Some(ACCEPTED), "{what} refused: cause {cause:?}");
                accept(request.index, answer).with_context(|| what.to_owned())?;
            }
            self.retransmit(what, &mut pending)?;
        }
        Ok(())
    }

    fn retransmit(&self, what: &str, pending: &mut HashMap<u32, Pending>) -> Result<()> {
        for request in pending
            .values_mut()
            .filter(|request| request.sent.elapsed() > T1)
        {
            if request.attempts == ATTEMPTS {
                bail!("{what}: no answer from {N4} to {ATTEMPTS} requests");
            }
            // Refused while nobody listens; the next attempt may find somebody.
            self.socket.send(&request.bytes).ok();
            request.sent = Instant::now();
            request.attempts += 1;
        }
        Ok(())
    }

    /// The next message that is not a heartbeat, which is answered.
    fn receive(&self, patience: Duration) -> Result<Option<Vec<u8>>> {
        self.socket.set_read_timeout(Some(patience))?;
        let mut buffer = [0; 4096];
        let Ok(length) = self.socket.recv(&mut buffer) else {
            return Ok(None);
        };
        let bytes = &buffer[..length];
        let heartbeat =
            Received::read(bytes).and_then(|message| heartbeat_response(&message, self.recovery));
        if let Some(answer) = heartbeat {
            self.socket.send(&answer)?;
            return Ok(None);
        }
        Ok(Some(bytes.to_vec()))
    }
}

/// The request of this answer; a request of the UPF's own may have the same sequence number.
fn answered_by(answer: &Received<'_>, pending: &mut HashMap<u32, Pending>) -> Option<Pending> {
    let request = pending.get(&answer.sequence)?;
    // Each response's type follows its request's (clause 7.3).
    let is_answer = request
        .bytes
        .get(1)
        .is_some_and(|kind| kind + 1 == answer.kind);
    is_answer
        .then(|| pending.remove(&answer.sequence))
        .flatten()
}

/// A control plane that answers heartbeats.
#[derive(Debug)]
pub struct KeepAlive {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<ControlPlane>>,
}

impl KeepAlive {
    /// Takes the control plane back.
    ///
    /// # Errors
    /// When its thread panicked.
    pub fn end(mut self) -> Result<ControlPlane> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("ended before")?;
        thread.join().ok().context("the control plane panicked")
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The address of the UE with this number, counted from 0, in the pool of the lab.
#[must_use]
pub fn ue_address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(crate::topology::POOL.to_bits() + 1 + number)
}
