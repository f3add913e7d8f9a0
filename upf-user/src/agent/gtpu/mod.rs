//! GTP-U signalling: the sockets and the clock of [`crate::gtpu`], and what follows for sessions and control planes.

mod copies;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aya::maps::{MapData, RingBuf};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tracing::{debug, info, warn};
use upf_common::abi::control_flags;

use self::copies::{Copier, follow_copies};
use super::Tasks;
use super::complaints::Complaints;
use crate::config;
use crate::datapath::bpf::control::ControlTable;
use crate::gtpu::sockets::Sockets;
use crate::gtpu::{Action, Datagram, Gtpu, Note, PathKey, PathView};
use crate::metrics::{GtpuMetrics, Reported};

/// A UDP payload is never longer.
const MAX_DATAGRAM: usize = 65_535;
/// Timers get a turn at least so often. Failures of paths are told that often, many at once: finding the
/// control planes concerned takes a look at every session.
const TURN: Duration = Duration::from_secs(1);

/// Where a copy of a user packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CopyTarget {
    /// Between whom the copy travels.
    pub(super) path: PathKey,
    /// The peer's TEID.
    pub(super) teid: u32,
    /// DSCP of the outer header.
    pub(super) dscp: Option<u8>,
}

/// What GTP-U signalling asks of sessions, and tells their control planes.
pub(super) trait Rulebook: Send + Sync + 'static {
    /// Whether a session has this TEID of ours.
    fn has_teid(&self, teid: u32) -> bool;
    /// Reports the sessions that send to the peer's TEID, and says how many there are (TS 29.244 clause 7.5.8.4).
    fn report_unknown_tunnel(&self, remote: IpAddr, teid: u32) -> usize;
    /// No more packets come by this TEID of ours: its session reports that, if it is asked to (clause 8.2.19, REEMR).
    fn end_marker_received(&self, teid: u32);
    /// Tells of peers that do not answer any more (clause 7.4.5.1.2).
    fn report_failed_paths(&self, remotes: &[IpAddr]);
    /// Tells of peers that answer again (clause 7.4.5.1.3).
    fn report_recovered_paths(&self, remotes: &[IpAddr]);
    /// Where copies with this number go; none where the rule has gone meanwhile.
    fn copy_targets(&self, duplicate: u32) -> Vec<CopyTarget>;
}

/// What GTP-U signalling is made of.
pub(super) struct Signalling<R> {
    pub(super) config: config::Gtpu,
    pub(super) sockets: Arc<Sockets>,
    pub(super) rules: Arc<R>,
    pub(super) control_table: Arc<ControlTable>,
    pub(super) copies: RingBuf<MapData>,
}

impl<R: Rulebook> Signalling<R> {
    /// Starts a task for each socket, for the clock and for copies.
    pub(super) fn start(self, tasks: &mut Tasks) -> Arc<Engine<R>> {
        let Self {
            config,
            sockets,
            rules,
            control_table,
            copies,
        } = self;
        let engine = Engine::new(&config, Arc::clone(&sockets), Arc::clone(&rules));
        let engine = Arc::new(engine);
        for local in sockets.addresses() {
            let served = Arc::clone(&engine).serve(local);
            tasks.spawn(async { ("GTP-U signalling", served.await) });
        }
        let kept = Arc::clone(&engine).keep_time();
        tasks.spawn(async {
            kept.await;
            ("the clock of GTP-U signalling", Ok(()))
        });
        let copied = follow_copies(copies, Copier::new(sockets, rules));
        tasks.spawn(async { ("the copies of packets", copied.await) });
        tasks.spawn(async move {
            allow_errors(&config, &control_table).await;
            ("error indications", Ok(()))
        });
        engine
    }
}

/// Has the fast path hand us packets with unknown TEIDs, but not before the sessions can be back: what a restart has
/// taken is set up anew by the control plane, and an Error Indication would end it at the gNB meanwhile (TS 23.527
/// clause 4.3).
async fn allow_errors(config: &config::Gtpu, control_table: &ControlTable) {
    if config.error_indications_per_second > 0 {
        tokio::time::sleep(config.error_indication_holdoff).await;
        control_table.set_flag(control_flags::ERROR_INDICATIONS, true);
        info!("unknown TEIDs are answered with Error Indications from now on");
    }
    std::future::pending::<()>().await;
}

/// Peers whose state has changed since control planes were told.
#[derive(Debug, Default)]
struct Changes {
    failed: BTreeSet<IpAddr>,
    recovered: BTreeSet<IpAddr>,
    told: Option<Instant>,
}

/// GTP-U signalling between its room, its sockets and the sessions.
pub(super) struct Engine<R> {
    room: Mutex<Gtpu>,
    changes: Mutex<Changes>,
    complaints: Mutex<Complaints>,
    /// Told when there may be an earlier deadline.
    wake: Notify,
    sockets: Arc<Sockets>,
    rules: Arc<R>,
    metrics: GtpuMetrics,
}

impl<R: Rulebook> Engine<R> {
    pub(super) fn new(config: &config::Gtpu, sockets: Arc<Sockets>, rules: Arc<R>) -> Self {
        if config.echoes_too_often() {
            let interval = config.echo_interval;
            warn!(
                "gtpu.echo_interval is {interval:?}; outside labs TS 29.281 asks for 60 s or more"
            );
        }
        Self {
            room: Mutex::new(Gtpu::new(config, Instant::now())),
            changes: Mutex::default(),
            complaints: Mutex::default(),
            wake: Notify::new(),
            metrics: sockets.metrics().clone(),
            sockets,
            rules,
        }
    }

    /// Takes the messages that come to one of our addresses, until its socket breaks.
    pub(super) async fn serve(self: Arc<Self>, local: IpAddr) -> io::Result<()> {
        let socket = UdpSocket::from_std(self.sockets.receiver(local)?)?;
        let mut buffer = vec![0; MAX_DATAGRAM];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await?;
            let bytes = &buffer[..length];
            self.receive(Datagram { local, from, bytes }, Instant::now());
        }
    }

    /// Watches the clock.
    pub(super) async fn keep_time(self: Arc<Self>) {
        loop {
            let now = Instant::now();
            self.tick(now);
            let latest = now + TURN;
            let due = self.lock_room().next_deadline();
            let due = due.map_or(latest, |due| due.min(latest));
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(due.into()) => {}
            }
        }
    }

    /// The paths that sessions send by are these now.
    pub(super) fn set_paths(&self, used: &[PathKey]) {
        self.lock_room().set_paths(used, Instant::now());
        self.wake.notify_one();
    }

    /// Paths in order, from the one after `after` on, at most `limit` of them.
    pub(super) fn paths(&self, after: Option<PathKey>, limit: usize) -> Vec<PathView> {
        self.lock_room().paths(after).take(limit).collect()
    }

    fn receive(&self, datagram: Datagram<'_>, now: Instant) {
        self.metrics.received(datagram.bytes);
        let is_known = |teid| self.rules.has_teid(teid);
        let actions = self.lock_room().receive(datagram, now, is_known);
        self.act(actions, now);
    }

    fn tick(&self, now: Instant) {
        let (actions, counts) = {
            let mut room = self.lock_room();
            (room.tick(now), room.path_counts())
        };
        self.metrics.set_paths(counts);
        self.act(actions, now);
        self.tell_changes(now);
    }

    fn act(&self, actions: Vec<Action>, now: Instant) {
        for action in actions {
            match action {
                Action::Send { local, to, bytes } => {
                    if let Err(error) = self.sockets.send(local, to, &bytes) {
                        self.complain(to.ip(), now, || {
                            format!("a GTP-U message to {to} cannot be sent: {error}")
                        });
                    }
                }
                Action::TunnelUnknown { remote, teid } => {
                    let sessions = self.rules.report_unknown_tunnel(remote, teid);
                    debug!(%remote, teid, sessions, "the peer does not know this tunnel");
                    let outcome = match sessions {
                        0 => Reported::Nobody,
                        _ => Reported::Sessions,
                    };
                    self.metrics.error_reported(outcome);
                }
                Action::EndMarker { teid } => self.rules.end_marker_received(teid),
                Action::PathFailed(path) => self.change(path, false, now),
                Action::PathRecovered(path) => self.change(path, true, now),
                Action::Note(note) => self.note(note, now),
            }
        }
    }

    fn change(&self, PathKey { remote, local }: PathKey, is_up: bool, now: Instant) {
        self.complain(remote, now, || {
            let what = if is_up {
                "answers Echo Requests again"
            } else {
                "does not answer Echo Requests"
            };
            format!("GTP-U peer {remote} {what} from {local}; its sessions forward on")
        });
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let Changes {
            failed, recovered, ..
        } = &mut *changes;
        let (now_in, not_in) = if is_up {
            (recovered, failed)
        } else {
            (failed, recovered)
        };
        not_in.remove(&remote);
        now_in.insert(remote);
    }

    fn tell_changes(&self, now: Instant) {
        let (failed, recovered) = {
            let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
            let is_recent = |told| now.saturating_duration_since(told) < TURN;
            let has_none = changes.failed.is_empty() && changes.recovered.is_empty();
            if has_none || changes.told.is_some_and(is_recent) {
                return;
            }
            changes.told = Some(now);
            let taken = std::mem::take(&mut changes.failed);
            (taken, std::mem::take(&mut changes.recovered))
        };
        let list = |remotes: BTreeSet<_>| remotes.into_iter().collect::<Vec<_>>();
        if !failed.is_empty() {
            self.rules.report_failed_paths(&list(failed));
        }
        if !recovered.is_empty() {
            self.rules.report_recovered_paths(&list(recovered));
        }
    }

    fn note(&self, note: Note, now: Instant) {
        match note {
            Note::Malformed { from, error } => {
                self.complain(from, now, || format!("GTP-U message from {from}: {error}"));
            }
            Note::ErrorNotSent(reason) => self.metrics.error_not_sent(reason),
            Note::ErrorIgnored { from, reason } => {
                self.metrics.error_ignored(reason);
                debug!(%from, ?reason, "an Error Indication is ignored");
            }
            Note::ExtensionRefused {
                by,
                knows_pdu_session_container,
            } => self.complain(by, now, || {
                let knows = if knows_pdu_session_container { "" } else { "not " };
                format!("GTP-U peer {by} does not understand an extension header of ours; it does {knows}know the PDU Session Container")
            }),
            Note::Restarted { path, counter } => {
                info!(peer = %path.remote, counter, "the peer's GTP-U restart counter has changed");
            }
            Note::RoundTrip(time) => self.metrics.round_trip(time),
        }
    }

    fn complain(&self, about: IpAddr, now: Instant, text: impl FnOnce() -> String) {
        let mut complaints = self
            .complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if complaints.may_be_told(about, now) {
            warn!("{}", text());
        } else {
            debug!("{}", text());
        }
    }

    fn lock_room(&self) -> MutexGuard<'_, Gtpu> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
