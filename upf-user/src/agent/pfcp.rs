//! The PFCP port (TS 29.244 clause 6.4: UDP, port 8805): datagrams to the node and back. Heartbeats are answered as they
//! come; what else comes waits in a [`Backlog`].

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tracing::{debug, warn};

use super::backlog::{Admission, Backlog, Waiting};
use super::complaints::Complaints;
use super::pfcp_sockets::PfcpSockets;
use crate::config::Pfcp;
use crate::metrics::Metrics;

/// A UDP payload is never longer.
const MAX_DATAGRAM: usize = 65_535;
/// Datagrams read before others get their turn.
const BURST: usize = 1024;
/// How long requests are handled before the socket gets its turn again.
const SLICE: Duration = Duration::from_millis(5);
/// How long the engine is left to others while it has more to do than a tick takes.
const GAP: Duration = Duration::from_millis(1);
/// Timers get a turn at least so often; also the pulse of [`Pulse`].
const TURN: Duration = Duration::from_secs(1);
/// Without a turn for so long, something hangs.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// A datagram to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Datagram {
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// Who answers: the PFCP node.
pub(super) trait Engine: Send + Sync + 'static {
    /// A datagram came.
    fn receive(&self, from: SocketAddr, datagram: &[u8], now: Instant) -> Vec<Datagram>;
    /// A datagram came for which there is no time.
    fn refuse(&self, from: SocketAddr, datagram: &[u8], now: Instant) -> Vec<Datagram>;
    /// So much of the room for waiting datagrams is taken, in percent.
    fn set_backlog(&self, percent: u8);
    /// Time has passed.
    fn tick(&self, now: Instant) -> Vec<Datagram>;
    /// When [`Self::tick`] is due.
    fn next_deadline(&self) -> Option<Instant>;
    /// Told when [`Self::tick`] has something to send before the deadline that was asked for.
    fn wake(&self) -> &Notify;
}

/// Whether the task still takes its turns.
#[derive(Debug)]
pub(super) struct Pulse {
    begin: Instant,
    last_millis: AtomicU64,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            begin: Instant::now(),
            last_millis: AtomicU64::new(0),
        }
    }

    fn beat(&self, now: Instant) {
        self.last_millis.store(self.millis(now), Ordering::Relaxed);
    }

    pub(super) fn is_beating(&self, now: Instant) -> bool {
        let pause = self
            .millis(now)
            .saturating_sub(self.last_millis.load(Ordering::Relaxed));
        u128::from(pause) < MAX_PAUSE.as_millis()
    }

    fn millis(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.begin).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

/// The task between socket and node.
pub(super) struct Server<E> {
    pub(super) sockets: PfcpSockets,
    pub(super) config: Pfcp,
    pub(super) engine: Arc<E>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pulse: Arc<Pulse>,
}

impl<E: Engine> Server<E> {
    /// Serves until the socket breaks.
    pub(super) async fn run(self) -> io::Result<()> {
        let mut buffer = vec![0; MAX_DATAGRAM];
        let mut complaints = Complaints::default();
        let mut backlog = Backlog::default();
        let mut told_percent = 0;
        loop {
            let now = Instant::now();
            self.pulse.beat(now);
            self.send(self.engine.tick(now), None, &mut complaints);
            if backlog.is_empty() {
                self.wait().await?;
            } else {
                tokio::task::yield_now().await;
            }
            for socket in [&self.sockets.heartbeats, &self.sockets.requests] {
                self.drain(socket, &mut buffer, &mut backlog, &mut complaints)?;
            }
            let percent = backlog.percent();
            if std::mem::replace(&mut told_percent, percent) != percent {
                self.engine.set_backlog(percent);
            }
            self.work(&mut backlog, &mut complaints);
        }
    }

    /// Until a datagram comes or a timer is due.
    async fn wait(&self) -> io::Result<()> {
        let now = Instant::now();
        let (earliest, latest) = (now + GAP, now + TURN);
        let due = self.engine.next_deadline().unwrap_or(latest);
        let due = due.clamp(earliest, latest);
        tokio::select! {
            readable = self.sockets.heartbeats.readable() => readable?,
            readable = self.sockets.requests.readable() => readable?,
            () = self.engine.wake().notified() => {}
            () = tokio::time::sleep_until(due.into()) => {}
        }
        Ok(())
    }

    /// Reads what has come, without handling more of it than heartbeats.
    fn drain(
        &self,
        socket: &UdpSocket,
        buffer: &mut [u8],
        backlog: &mut Backlog,
        complaints: &mut Complaints,
    ) -> io::Result<()> {
        for _ in 0..BURST {
            match socket.try_recv_from(buffer) {
                Ok((length, from)) => self.admit(&buffer[..length], from, backlog, complaints),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn admit(
        &self,
        datagram: &[u8],
        from: SocketAddr,
        backlog: &mut Backlog,
        complaints: &mut Complaints,
    ) {
        if !self.config.allows(from.ip().to_canonical()) {
            self.metrics.pfcp_denied.inc();
            return;
        }
        let now = Instant::now();
        match backlog.admit(from, datagram, now) {
            Admission::Queued | Admission::Refused => {}
            Admission::AtOnce => {
                self.metrics.pfcp.received(datagram);
                let answers = self.engine.receive(from, datagram, now);
                self.send(answers, Some(now), complaints);
            }
            Admission::Dropped => self.metrics.pfcp.dropped.inc(),
        }
    }

    /// Handles what waits, for a while.
    fn work(&self, backlog: &mut Backlog, complaints: &mut Complaints) {
        let begin = Instant::now();
        let has_time = |share: Duration| begin.elapsed() < share;
        while has_time(SLICE / 2)
            && let Some(Waiting { from, bytes, since }) = backlog.next_refused()
        {
            self.metrics.pfcp.received(&bytes);
            let answers = self.engine.refuse(from, &bytes, Instant::now());
            self.send(answers, Some(since), complaints);
        }
        while has_time(SLICE)
            && let Some(Waiting { from, bytes, since }) = backlog.next()
        {
            self.metrics.pfcp.received(&bytes);
            let answers = self.engine.receive(from, &bytes, Instant::now());
            self.send(answers, Some(since), complaints);
        }
    }

    /// What cannot be sent is lost, as any datagram may be: peers repeat their requests, and so do we.
    fn send(
        &self,
        datagrams: Vec<Datagram>,
        request: Option<Instant>,
        complaints: &mut Complaints,
    ) {
        for Datagram { to, bytes } in datagrams {
            match self.sockets.requests.try_send_to(&bytes, to) {
                Ok(_) => {
                    let since = request.map(|request| request.elapsed());
                    self.metrics.pfcp.sent(&bytes, since);
                }
                Err(error) if complaints.may_be_told(to.ip(), Instant::now()) => {
                    warn!(%to, %error, "a PFCP message cannot be sent");
                }
                Err(error) => debug!(%to, %error, "a PFCP message cannot be sent"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Figures, GtpuMetrics, Reading};
    use std::sync::Mutex;

    /// Answers with what it got; ticks at a fixed time.
    struct Echo {
        due: Mutex<Option<(Instant, Datagram)>>,
        wake: Notify,
    }

    impl Engine for Echo {
        fn receive(&self, from: SocketAddr, datagram: &[u8], _: Instant) -> Vec<Datagram> {
            vec![Datagram {
                to: from,
                bytes: datagram.to_vec(),
            }]
        }

        fn tick(&self, now: Instant) -> Vec<Datagram> {
            let mut due = self.due.lock().unwrap();
            match due.take() {
                Some((at, datagram)) if at <= now => vec![datagram],
                later => {
                    *due = later;
                    Vec::new()
                }
            }
        }

        fn refuse(&self, _: SocketAddr, _: &[u8], _: Instant) -> Vec<Datagram> {
            Vec::new()
        }

        fn set_backlog(&self, _: u8) {}

        fn wake(&self) -> &Notify {
            &self.wake
        }

        fn next_deadline(&self) -> Option<Instant> {
            self.due.lock().unwrap().as_ref().map(|(at, _)| *at)
        }
    }

    struct NoFigures;

    impl Reading for NoFigures {
        fn figures(&self) -> Option<Figures> {
            None
        }
    }

    struct Setting {
        address: SocketAddr,
        peer: UdpSocket,
        metrics: Arc<Metrics>,
        pulse: Arc<Pulse>,
    }

    async fn started(allow: &str, due: Option<Duration>) -> Setting {
        let sockets = PfcpSockets::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = sockets.requests.local_addr().unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let gtpu = GtpuMetrics::new().unwrap();
        let metrics = Arc::new(Metrics::new(Arc::new(NoFigures), &gtpu).unwrap());
        let pulse = Arc::new(Pulse::new());
        let due = due.map(|after| {
            let datagram = Datagram {
                to: peer.local_addr().unwrap(),
                bytes: b"heartbeat".to_vec(),
            };
            (Instant::now() + after, datagram)
        });
        let server = Server {
            sockets,
            config: Pfcp {
                listen: address,
                allow: vec![allow.parse().unwrap()],
                connect: Vec::new(),
                graceful_release: Duration::ZERO,
                overload_percent: 90,
            },
            engine: Arc::new(Echo {
                due: Mutex::new(due),
                wake: Notify::new(),
            }),
            metrics: Arc::clone(&metrics),
            pulse: Arc::clone(&pulse),
        };
        tokio::spawn(server.run());
        Setting {
            address,
            peer,
            metrics,
            pulse,
        }
    }

    async fn heard(peer: &UdpSocket) -> Option<(Vec<u8>, SocketAddr)> {
        let mut buffer = vec![0; MAX_DATAGRAM];
        let wait = tokio::time::timeout(Duration::from_millis(500), peer.recv_from(&mut buffer));
        let (length, from) = wait.await.ok()?.unwrap();
        buffer.truncate(length);
        Some((buffer, from))
    }

    const DATAGRAMS: usize = 192;
    /// A heartbeat request.
    const REQUEST: [u8; 12] = [0x20, 1, 0, 8, 0, 0, 1, 0, 0, 96, 0, 0];

    #[tokio::test]
    async fn answers_leave_from_our_address_and_are_counted() {
        let setting = started("127.0.0.0/8", None).await;
        for _ in 0..DATAGRAMS {
            setting
                .peer
                .send_to(&REQUEST, setting.address)
                .await
                .unwrap();
        }
        for _ in 0..DATAGRAMS {
            let (bytes, from) = heard(&setting.peer).await.unwrap();
            assert_eq!((bytes.as_slice(), from), (&REQUEST[..], setting.address));
        }
        let page = setting.metrics.render().unwrap();
        for way in ["rx", "tx"] {
            let sample = format!(
                "upf_pfcp_messages_total{{cause=\"\",type=\"heartbeat_request\",way=\"{way}\"}} 192"
            );
            assert!(page.contains(&sample), "{sample} in {page}");
        }
    }

    #[tokio::test]
    async fn others_are_not_answered() {
        let setting = started("10.100.0.0/24", None).await;
        setting
            .peer
            .send_to(&REQUEST, setting.address)
            .await
            .unwrap();
        assert_eq!(heard(&setting.peer).await, None);
        assert_eq!(setting.metrics.pfcp_denied.get(), 1);
        let page = setting.metrics.render().unwrap();
        assert!(!page.contains("heartbeat_request"), "{page}");
    }

    #[tokio::test]
    async fn timers_run_without_traffic() {
        let setting = started("127.0.0.0/8", Some(Duration::from_millis(50))).await;
        let (bytes, _) = heard(&setting.peer).await.unwrap();
        assert_eq!(bytes, b"heartbeat");
        assert!(setting.pulse.is_beating(Instant::now()));
    }

    #[test]
    fn a_pause_is_noticed() {
        let pulse = Pulse::new();
        let begin = pulse.begin;
        pulse.beat(begin + Duration::from_secs(5));
        assert!(pulse.is_beating(begin + Duration::from_secs(14)));
        assert!(!pulse.is_beating(begin + Duration::from_secs(15)));
    }
}
