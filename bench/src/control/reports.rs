//! A control plane that takes usage reports as fast as they come, and watches the UPF's heart.

use std::{
    collections::HashMap,
    net::UdpSocket,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::ControlPlane;
use crate::{
    mmsg::{self, BATCH, Receiver},
    pfcp::{Received, Usage, heartbeat_response, report_response, request},
    topology::N4,
};

/// Between two heartbeats of ours.
const BEAT: Duration = Duration::from_millis(50);
const NAP: Duration = Duration::from_micros(200);

/// What has come so far.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Usage reports by the control plane's SEID, each once, in the order of their coming.
    pub usage: HashMap<u64, Vec<Usage>>,
    /// All of them.
    pub reports: usize,
    /// Those that came again.
    pub repeated: usize,
    /// When the last new one came.
    pub last: Option<Instant>,
    /// How long the UPF took to answer each heartbeat.
    pub beats: Vec<Duration>,
    /// When the heartbeat was sent that waits for its answer.
    waits: Option<(u32, Instant)>,
}

/// The control plane on a thread of its own, until it is dropped. It accepts each report and answers each heartbeat.
#[derive(Debug)]
pub struct Collector {
    collected: Arc<Mutex<Collected>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl ControlPlane {
    /// Takes reports from now on. `seids` are the UPF's of sessions whose SEIDs here are 1 and so on.
    #[must_use]
    pub fn collect(self, seids: Vec<u64>) -> Collector {
        let (collected, stop) = (Arc::<Mutex<Collected>>::default(), Arc::default());
        let mut thread = Thread {
            socket: self.socket,
            sequence: self.sequence,
            recovery: self.recovery,
            seids,
            collected: Arc::clone(&collected),
            answers: Vec::new(),
        };
        let stopped = Arc::clone(&stop);
        Collector {
            collected,
            stop,
            thread: Some(thread::spawn(move || thread.run(&stopped))),
        }
    }
}

impl Collector {
    /// What has come so far.
    pub fn collected(&self) -> MutexGuard<'_, Collected> {
        locked(&self.collected)
    }

    /// Ends it.
    ///
    /// # Errors
    /// When its socket has failed.
    pub fn end(mut self) -> Result<Collected> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("ended before")?;
        thread.join().ok().context("the control plane panicked")??;
        Ok(self.collected().clone())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn locked(collected: &Mutex<Collected>) -> MutexGuard<'_, Collected> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Thread {
    socket: UdpSocket,
    sequence: u32,
    recovery: u32,
    /// The UPF's.
    seids: Vec<u64>,
    collected: Arc<Mutex<Collected>>,
    answers: Vec<Vec<u8>>,
}

impl Thread {
    fn run(&mut self, stop: &AtomicBool) -> Result<()> {
        let mut receiver = Receiver::default();
        let mut next_beat = Instant::now();
        let socket = self.socket.try_clone()?;
        while !stop.load(Ordering::Relaxed) {
            if next_beat <= Instant::now() {
                next_beat += BEAT;
                self.beat()?;
            }
            let count = receiver.receive(&socket, |_, bytes| {
                if let Some(message) = Received::read(bytes) {
                    self.take(&message);
                }
            })?;
            self.answer()?;
            if count < BATCH {
                thread::sleep(NAP);
            }
        }
        Ok(())
    }

    /// Sends a heartbeat, if the last one is answered.
    fn beat(&mut self) -> Result<()> {
        let mut collected = locked(&self.collected);
        if collected.waits.is_none() {
            self.sequence = (self.sequence + 1) & 0x00ff_ffff;
            self.socket
                .send(&request::heartbeat(self.sequence, self.recovery))?;
            collected.waits = Some((self.sequence, Instant::now()));
        }
        Ok(())
    }

    fn take(&mut self, message: &Received<'_>) {
        if let Some(answer) = heartbeat_response(message, self.recovery) {
            return self.answers.push(answer);
        }
        let mut collected = locked(&self.collected);
        if let Some((sequence, sent)) = collected.waits
            && message.is_heartbeat_response()
            && message.sequence == sequence
        {
            collected.beats.push(sent.elapsed());
            collected.waits = None;
        }
        let (Some(usage), Some(session)) = (message.usage(), message.session) else {
            return;
        };
        let of_upf = usize::try_from(session.wrapping_sub(1)).ok();
        let Some(seid) = of_upf.and_then(|at| self.seids.get(at)) else {
            return;
        };
        self.answers.push(report_response(message.sequence, *seid));
        collected.add(session, &usage);
    }

    fn answer(&mut self) -> Result<()> {
        let mut answers = &self.answers[..];
        while !answers.is_empty() {
            let batch = answers.iter().take(BATCH);
            let sent = mmsg::send(&self.socket, batch.map(|answer| (N4, &answer[..])))?;
            answers = &answers[sent..];
        }
        self.answers.clear();
        Ok(())
    }
}

impl Collected {
    fn add(&mut self, session: u64, usage: &[Usage]) {
        let known = self.usage.entry(session).or_default();
        for one in usage {
            if known.iter().any(|known| known.sequence == one.sequence) {
                self.repeated += 1;
            } else {
                known.push(*one);
                self.reports += 1;
                self.last = Some(Instant::now());
            }
        }
    }
}
