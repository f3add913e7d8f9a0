//! A steady stream of numbered datagrams, watched while the network changes.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use bench::netns::Namespace;

/// Between two datagrams.
const PAUSE: Duration = Duration::from_millis(2);

/// The sender; it ends when this is dropped.
pub(crate) struct Stream {
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stream {
    /// Sends from `namespace` to `to` without a pause worth mentioning.
    pub(crate) fn start(namespace: &Namespace, to: SocketAddr) -> Result<Self> {
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = namespace.udp(any.parse()?)?;
        let (sent, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (counter, stopped) = (sent.clone(), stop.clone());
        let thread = thread::spawn(move || {
            while !stopped.load(Relaxed) {
                let number = counter.fetch_add(1, Relaxed);
                // Refused while there is no route, which is what some tests are about.
                socket.send_to(&number.to_be_bytes(), to).ok();
                thread::sleep(PAUSE);
            }
        });
        Ok(Self {
            sent,
            stop,
            thread: Some(thread),
        })
    }

    /// How long it takes until `receiver` gets what is sent from now on.
    ///
    /// # Errors
    /// When it takes longer than `patience`.
    pub(crate) fn arrives(&self, receiver: &UdpSocket, patience: Duration) -> Result<Duration> {
        let (first, begin) = (self.sent.load(Relaxed), Instant::now());
        receiver.set_read_timeout(Some(Duration::from_millis(20)))?;
        let mut buffer = [0; 8];
        while begin.elapsed() < patience {
            if receiver.recv(&mut buffer).is_ok() && u64::from_be_bytes(buffer) >= first {
                return Ok(begin.elapsed());
            }
        }
        let sent = self.sent.load(Relaxed) - first;
        bail!("nothing of {sent} datagrams arrived within {patience:?}")
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
