//! The control plane's side: the PFCP node and its sessions, one message at a time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use super::complaints::Complaints;
use super::figures::{Census, Population};
use super::pfcp::{Datagram, Engine};
use crate::bandwidth::Imsi;
use crate::config::{Config, NodeName};
use crate::datapath::slots::DuplicateSet;
use crate::datapath::{Account, Accounts, Datapath, FormerMaps, Reached};
use crate::gtpu::PathKey;
use crate::http::Association;
use crate::metrics::{ReportReading, RequestCounters};
use crate::pfcp::ie::{NodeId, RemoteGtpuPeer, UpFunctionFeatures};
use crate::pfcp::kept::KeptNode;
use crate::pfcp::message::SessionReport;
use crate::pfcp::node::{self, Action, AssociationView, Event, Node};
use crate::reports::Figures;
use crate::session::{CustomerView, RemoteTunnel, SessionView, Sessions, SimUsageView};
use crate::store::{NTP_TO_UNIX, StoreError, Syncing};

/// Sessions that are shown at a time.
const MAX_VIEWS: usize = 64;
/// Sessions that are looked at for them.
const MAX_LOOKS: usize = 4096;

/// For how long a change of many sessions holds the lock at a time, and lets others have it in between.
const SLICE: Duration = Duration::from_millis(2);
const PAUSE: Duration = Duration::from_micros(200);
/// How much longer others have it than who looks at all sessions each second.
const OTHERS: u32 = 3;

/// Node and sessions behind one lock, which is held for one message, one look or one slice of work at a time. It is a fair
/// one: whoever waits gets it soon, however busy the PFCP task is.
pub(super) struct Control<D> {
    rooms: Mutex<Rooms<D>>,
    /// Told when `outbox` has something.
    wake: Notify,
}

struct Rooms<D> {
    node: Node,
    sessions: Sessions<D>,
    complaints: Complaints,
    counters: RequestCounters,
    /// What is to be sent at the next tick.
    outbox: Vec<Datagram>,
}

impl<D: Datapath> Control<D> {
    /// Goes on with what another process has kept, `started` with it: that is told to every peer.
    pub(super) fn new(
        config: &Config,
        started: SystemTime,
        sessions: Sessions<D>,
        kept: KeptNode,
    ) -> Self {
        let node_id = match &config.node.id {
            NodeName::Address(address) => NodeId::Address(*address),
            NodeName::Fqdn(name) => NodeId::Fqdn(name.to_ascii_lowercase()),
        };
        let node = node::Config {
            connect: config.pfcp.connect.clone(),
            overload_percent: config.pfcp.overload_percent,
            features: announced(config),
            ..node::Config::new(node_id, ntp_stamp(started))
        };
        let now = Instant::now();
        let mut node = Node::new(node, now);
        node.restore(kept, now);
        let rooms = Rooms {
            node,
            sessions,
            complaints: Complaints::default(),
            counters: RequestCounters::default(),
            outbox: Vec::new(),
        };
        Self {
            rooms: Mutex::new(rooms),
            wake: Notify::new(),
        }
    }

    /// One session by our SEID.
    pub(super) fn session(&self, seid: u64) -> Option<SessionView> {
        self.rooms().sessions.view(seid)
    }

    /// Sessions in the order of our SEIDs. Others get their turn between parts of a long list.
    pub(super) fn sessions(&self, mut after: Option<u64>, limit: usize) -> Vec<SessionView> {
        let mut views = Vec::new();
        while views.len() < limit {
            let most = (limit - views.len()).min(MAX_VIEWS);
            let (part, last) = self.rooms().sessions.list_part(after, most, MAX_LOOKS);
            let Some(last) = last else {
                break;
            };
            views.extend(part);
            after = Some(last);
            std::thread::yield_now();
        }
        views
    }

    /// Customers in the order of their names. Others get their turn between them.
    pub(super) fn customers(&self, after: Option<&str>, limit: usize) -> Vec<CustomerView> {
        let ids = self.look(|sessions| sessions.bandwidth().customers_after(after, limit));
        let mut views = Vec::with_capacity(ids.len());
        let Ok(()) = self.in_slices(&ids, |sessions, id| {
            views.extend(sessions.customer(id));
            Ok::<(), Infallible>(())
        });
        views
    }

    /// What the sessions of a SIM have used. Others get their turn between them.
    pub(super) fn sim_usage(&self, imsi: Imsi) -> Option<SimUsageView> {
        let seids = self.look(|sessions| sessions.sessions_of_sim(imsi))?;
        let mut views = Vec::with_capacity(seids.len());
        let Ok(()) = self.in_slices(&seids, |sessions, seid| {
            views.extend(sessions.usage(*seid, Instant::now()));
            Ok::<(), Infallible>(())
        });
        Some(SimUsageView::new(imsi, views))
    }

    /// Looks at the sessions.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Sessions<D>) -> T) -> T {
        look(&self.rooms().sessions)
    }

    /// Works through items. Others get their turn every [`SLICE`].
    ///
    /// # Errors
    /// The first that `work` has; what comes behind it is not worked on.
    pub(super) fn in_slices<'a, T, E>(
        &self,
        items: &'a [T],
        mut work: impl FnMut(&mut Sessions<D>, &'a T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut items = items.iter().peekable();
        while items.peek().is_some() {
            let mut rooms = self.rooms();
            let end = Instant::now() + SLICE;
            for item in items.by_ref() {
                work(&mut rooms.sessions, item)?;
                if Instant::now() >= end {
                    break;
                }
            }
            drop(rooms);
            // A thread that takes a lock again at once mostly gets it, whoever waits.
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// All associations, by Node ID.
    pub(super) fn associations(&self) -> Vec<Association> {
        let now = Instant::now();
        let mut views: Vec<_> = self.rooms().node.associations().collect();
        views.sort_by(|a, b| a.node_id.cmp(&b.node_id));
        views.into_iter().map(|view| shown(&view, now)).collect()
    }

    /// Whether a session has this TEID of ours.
    pub(super) fn has_teid(&self, teid: u32) -> bool {
        self.rooms().sessions.has_teid(teid)
    }

    /// The sessions that send to a peer's tunnel: control plane, our SEID, the control plane's.
    pub(super) fn sessions_of_remote(&self, tunnel: RemoteTunnel) -> Vec<(NodeId, u64, u64)> {
        self.rooms().sessions.sessions_of_remote(tunnel)
    }

    /// Where copies of packets with this number go.
    pub(super) fn duplicates(&self, id: u32) -> Option<DuplicateSet> {
        self.rooms().sessions.duplicates(id).cloned()
    }

    /// All paths to GTP-U peers where they have changed since `told`, which takes note.
    pub(super) fn paths_since(&self, told: &mut Option<u64>) -> Option<Vec<PathKey>> {
        let rooms = self.rooms();
        let changes = rooms.sessions.peers_changed();
        (told.replace(changes) != Some(changes)).then(|| rooms.sessions.paths())
    }

    /// Counters of our requests to control planes.
    pub(super) fn request_counters(&self) -> RequestCounters {
        self.rooms().counters.clone()
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms<D>> {
        self.rooms.lock()
    }
}

/// What the UP function says by itself. It leaves by the PFCP socket as soon as that has its turn.
impl<D: Datapath> Control<D> {
    /// Sends a report about a session to its control plane.
    pub(super) fn report(&self, owner: &NodeId, report: SessionReport) {
        self.say(|node, sessions, now| node.report(owner, report, now, sessions));
    }

    /// Tells the control planes concerned of GTP-U peers that do not answer.
    pub(super) fn path_failed(&self, peers: &[RemoteGtpuPeer]) {
        self.say(|node, sessions, now| node.path_failed(peers, now, sessions));
    }

    /// Tells the control planes concerned of GTP-U peers that answer again.
    pub(super) fn path_recovered(&self, peers: &[RemoteGtpuPeer]) {
        self.say(|node, sessions, now| node.path_recovered(peers, now, sessions));
    }

    /// Asks all control planes to release their associations within the period, and takes no new ones. What is left
    /// then goes.
    pub(super) fn release_all(&self, period: Duration) {
        self.say(|node, sessions, now| node.release_all(period, now, sessions));
    }

    /// Has sessions look at their URRs whose counters have reached something.
    pub(super) fn usage_reached(&self, reached: &[(Account, Reached)]) {
        let Ok(()) = self.in_slices(reached, |sessions, (account, what)| {
            sessions.usage_reached(*account, *what, Instant::now());
            Ok::<(), Infallible>(())
        });
        self.wake.notify_one();
    }

    /// No more packets come by a TEID of ours: URRs may want that reported.
    pub(super) fn end_marker_received(&self, teid: u32) {
        let now = Instant::now();
        self.rooms().sessions.end_marker_received(teid, now);
        self.wake.notify_one();
    }

    /// Adds what former maps have counted in the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn settle<A: Accounts>(&self, former: &[FormerMaps<A>]) -> Result<(), StoreError> {
        self.rooms().sessions.settle(former, Instant::now())
    }

    /// Writes down what sessions have counted. Others get their turn between parts, and most of the time, unless it `hurries`.
    pub(super) fn keep_counters(&self, hurries: bool) {
        let mut from = Some(0);
        while let Some(first) = from {
            let begin = Instant::now();
            from = self.rooms().sessions.keep_counters(first);
            let others = if hurries {
                PAUSE
            } else {
                PAUSE.max(OTHERS * begin.elapsed())
            };
            std::thread::sleep(others);
        }
    }

    /// Writes again what could not be written of reports. What it hands back makes all of it durable, and waits for the disk.
    ///
    /// # Errors
    /// When the store does not open.
    pub(super) fn sync_reports(&self) -> Result<Option<Syncing>, StoreError> {
        let now_ms = unix_ms();
        let mut rooms = self.rooms();
        let outbox = rooms.sessions.outbox();
        outbox.map(|outbox| outbox.tick(now_ms)).transpose()
    }

    /// Takes note that we end in order, with all that is kept durable.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) fn set_ended(&self) -> Result<(), StoreError> {
        let mut rooms = self.rooms();
        let outbox = rooms.sessions.outbox();
        outbox.map_or(Ok(()), |outbox| outbox.store().set_boot(None))
    }

    /// Whether there is an association.
    pub(super) fn has_associations(&self) -> bool {
        self.rooms().node.association_count() > 0
    }

    fn say(&self, saying: impl FnOnce(&mut Node, &mut Sessions<D>, Instant) -> Vec<Action>) {
        let now = Instant::now();
        let mut rooms = self.rooms();
        let Rooms { node, sessions, .. } = &mut *rooms;
        let actions = saying(node, sessions, now);
        let datagrams = rooms.act(actions, now);
        rooms.outbox.extend(datagrams);
        drop(rooms);
        // Also where nothing is sent now: there may be an earlier deadline.
        self.wake.notify_one();
    }
}

impl<D: Datapath + 'static> Engine for Control<D> {
    fn receive(&self, from: SocketAddr, datagram: &[u8], now: Instant) -> Vec<Datagram> {
        let mut rooms = self.rooms();
        let Rooms { node, sessions, .. } = &mut *rooms;
        let actions = node.receive(from, datagram, now, sessions);
        debug!(sessions = sessions.len(), "PFCP");
        rooms.act(actions, now)
    }

    fn tick(&self, now: Instant) -> Vec<Datagram> {
        let mut rooms = self.rooms();
        let Rooms { node, sessions, .. } = &mut *rooms;
        sessions.tick(now);
        let actions = node.tick(now, sessions);
        let mut datagrams = std::mem::take(&mut rooms.outbox);
        datagrams.extend(rooms.act(actions, now));
        datagrams
    }

    fn refuse(&self, from: SocketAddr, datagram: &[u8], now: Instant) -> Vec<Datagram> {
        let mut rooms = self.rooms();
        let Rooms { node, sessions, .. } = &mut *rooms;
        let actions = node.refuse(from, datagram, now, sessions);
        rooms.act(actions, now)
    }

    fn set_backlog(&self, percent: u8) {
        self.rooms().node.set_backlog(percent);
    }

    fn wake(&self) -> &Notify {
        &self.wake
    }

    fn next_deadline(&self) -> Option<Instant> {
        let rooms = self.rooms();
        let deadlines = [rooms.node.next_deadline(), rooms.sessions.next_deadline()];
        deadlines.into_iter().flatten().min()
    }
}

impl<D: Datapath + 'static> Census for Control<D> {
    fn population(&self) -> Population {
        let rooms = self.rooms();
        Population {
            sessions: rooms.sessions.len() as u64,
            slots: u64::from(rooms.sessions.slots_in_use()),
            capacity: u64::from(rooms.sessions.tables().capacity()),
            associations: rooms.node.association_count() as u64,
            limits: u64::from(rooms.sessions.limits_in_use()),
            limit_capacity: u64::from(rooms.sessions.tables().limits()),
            usage_records: u64::from(rooms.sessions.usage_records_in_use()),
            usage_record_capacity: u64::from(rooms.sessions.tables().usages()),
        }
    }
}

impl<D: Datapath + 'static> ReportReading for Control<D> {
    fn report_figures(&self) -> Option<(Figures, u64)> {
        let mut rooms = self.rooms();
        let outbox = rooms.sessions.outbox()?;
        Some((outbox.figures(), unix_ms()))
    }
}

impl<D> Rooms<D> {
    fn act(&mut self, actions: Vec<Action>, now: Instant) -> Vec<Datagram> {
        let mut datagrams = Vec::new();
        for action in actions {
            match action {
                Action::Send { to, bytes } => datagrams.push(Datagram { to, bytes }),
                Action::Log(event) => self.log(&event, now),
            }
        }
        datagrams
    }

    fn log(&mut self, event: &Event, now: Instant) {
        match event {
            Event::RequestUnanswered { .. } => self.counters.unanswered.inc(),
            Event::RequestRefused { .. } => self.counters.refused.inc(),
            Event::RequestDropped { .. } => self.counters.dropped.inc(),
            _ => {}
        }
        match event {
            Event::AssociationSetUp { .. }
            | Event::AssociationEnded { .. }
            | Event::SetsDeleted { .. }
            | Event::Reachable { .. } => info!("{event}"),
            Event::AssociationRefused { address, .. }
            | Event::RequestUnanswered { address, .. }
            | Event::RequestRefused { address, .. }
            | Event::RequestDropped { address }
                if !self.complaints.may_be_told(address.ip(), now) =>
            {
                debug!("{event}");
            }
            Event::AssociationRefused { .. }
            | Event::RequestUnanswered { .. }
            | Event::RequestRefused { .. }
            | Event::RequestDropped { .. }
            | Event::Unreachable { .. }
            | Event::ConnectUnanswered { .. }
            | Event::ConnectRefused { .. } => warn!("{event}"),
            Event::Message { from, .. } if self.complaints.may_be_told(from.ip(), now) => {
                warn!("{event}");
            }
            Event::Message { .. } => debug!("{event}"),
        }
    }
}

fn shown(view: &AssociationView, now: Instant) -> Association {
    Association {
        node: view.node_id.to_string(),
        address: view.address.to_string(),
        reachable: view.reachable,
        age_seconds: now.saturating_duration_since(view.since).as_secs(),
        recovery_time: unix_seconds(view.recovery_time_stamp),
    }
}

/// Without pools there are no addresses to allocate.
fn announced(config: &Config) -> UpFunctionFeatures {
    let all = node::FEATURES.0;
    UpFunctionFeatures(if config.pools.is_empty() {
        all & !UpFunctionFeatures::UEIP
    } else {
        all
    })
}

/// Milliseconds since 1970.
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The lower 32 bits of NTP's seconds (TS 29.244 clause 8.2.65, RFC 5905 clause 6).
fn ntp_stamp(time: SystemTime) -> u32 {
    let unix = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    unix.as_secs().wrapping_add(NTP_TO_UNIX) as u32
}

/// The reverse, for times from 1970 to 2106.
fn unix_seconds(ntp_stamp: u32) -> u64 {
    u64::from(ntp_stamp.wrapping_sub(NTP_TO_UNIX as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datapath::MapsId;
    use crate::datapath::memory::{MemoryDatapath, Sizes};
    use crate::pfcp::message::SessionReportRequest;
    use crate::reports::Outbox;
    use crate::session::SessionsConfig;
    use crate::store::SessionStore;

    const CONFIG: &str = r#"
[node]
id = "UPF1.example.org"

[pfcp]
listen = "10.100.0.2:8805"
allow = ["10.100.0.0/24"]
connect = ["10.100.0.9:8805"]

[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2"]
"#;

    fn control() -> Control<MemoryDatapath> {
        control_with(KeptNode::default())
    }

    fn control_with(kept: KeptNode) -> Control<MemoryDatapath> {
        let config = Config::parse(CONFIG).unwrap();
        let tables = MemoryDatapath::new(Sizes {
            slots: 10,
            blocks: 0,
            peers: 4,
            lists: 4,
            limits: 4,
            usages: 4,
        });
        let sessions = Sessions::new(SessionsConfig::new(&config).unwrap(), tables);
        Control::new(
            &config,
            UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            sessions,
            kept,
        )
    }

    /// An Association Setup Request of 10.100.0.1, started 2023-11-14.
    const SETUP: [u8; 25] = [
        0x20, 5, 0, 21, 0, 0, 1, 0, // header
        0, 60, 0, 5, 0, 10, 100, 0, 1, // Node ID
        0, 96, 0, 4, 0xe8, 0xfe, 0x6f, 0x80, // Recovery Time Stamp
    ];

    #[test]
    fn an_association_is_set_up_and_shown() {
        let control = control();
        let smf: SocketAddr = "10.100.0.1:8805".parse().unwrap();
        let answers = control.receive(smf, &SETUP, Instant::now());
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].to, smf);
        assert_eq!(answers[0].bytes[1], 6, "Association Setup Response");
        let own = ntp_stamp(UNIX_EPOCH + Duration::from_secs(1_700_000_000)).to_be_bytes();
        assert!(answers[0].bytes.windows(4).any(|bytes| bytes == own));
        assert!(answers[0].bytes.windows(4).any(|bytes| bytes == b"upf1"));

        let shown = control.associations();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].node, "10.100.0.1");
        assert_eq!(shown[0].recovery_time, 1_700_000_000);
        assert!(shown[0].reachable);
        let expected = Population {
            sessions: 0,
            slots: 0,
            capacity: 10,
            associations: 1,
            limits: 0,
            limit_capacity: 4,
            usage_records: 0,
            usage_record_capacity: 4,
        };
        assert_eq!(control.population(), expected);
    }

    #[test]
    fn another_process_goes_on_with_the_association() {
        let state = tempfile::tempdir().unwrap();
        let outbox = || Outbox::open(SessionStore::open(state.path()).unwrap(), None, 0).unwrap();
        let killed = control();
        killed.rooms().sessions.keep_in(outbox(), MapsId(1));
        let smf: SocketAddr = "10.100.0.1:8805".parse().unwrap();
        let answer = killed.receive(smf, &SETUP, Instant::now());
        drop(killed);
        let kept = outbox().store().node().unwrap();
        let control = control_with(kept);
        assert_eq!(control.associations()[0].node, "10.100.0.1");
        assert_eq!(control.receive(smf, &SETUP, Instant::now()), answer);
        let sent = control.tick(Instant::now());
        let types: Vec<_> = sent
            .iter()
            .map(|sent| (sent.to.ip(), sent.bytes[1]))
            .collect();
        let (other, setup) = ("10.100.0.9".parse().unwrap(), 5);
        assert_eq!(types, [(smf.ip(), 1), (other, setup)]);
    }

    #[test]
    fn configured_control_planes_are_asked_at_once() {
        let control = control();
        let now = Instant::now();
        assert!(control.next_deadline().is_some_and(|due| due <= now));
        let sent = control.tick(now);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].to, "10.100.0.9:8805".parse().unwrap());
        assert_eq!(sent[0].bytes[1], 5, "Association Setup Request");
    }

    #[test]
    fn what_is_said_by_itself_leaves_at_the_next_tick() {
        let control = control();
        let smf: SocketAddr = "10.100.0.1:8805".parse().unwrap();
        let now = Instant::now();
        control.tick(now);
        control.receive(smf, &SETUP, now);
        let owner = NodeId::Address(smf.ip());
        let report = SessionReport {
            seid: 1,
            cp_seid: 7,
            request: SessionReportRequest {
                is_user_plane_inactive: true,
                ..SessionReportRequest::default()
            },
        };
        control.report(&owner, report);
        let counters = control.request_counters();
        let sent = control.tick(now);
        let [Datagram { to, bytes }] = &sent[..] else {
            panic!("{sent:?}");
        };
        assert_eq!(
            (*to, bytes[1], bytes[11]),
            (smf, 56, 7),
            "Session Report Request"
        );
        assert_eq!(control.tick(now), []);
        let reported = Instant::now();
        for second in [3, 6, 9] {
            control.tick(reported + Duration::from_secs(second));
        }
        assert_eq!(counters.unanswered.get(), 1);

        assert!(control.has_associations());
        control.release_all(Duration::from_secs(5));
        let sent = control.tick(now);
        assert_eq!(
            (sent.len(), sent[0].bytes[1]),
            (1, 7),
            "Association Update Request"
        );
        control.tick(Instant::now() + Duration::from_secs(5));
        assert!(!control.has_associations());
    }

    #[test]
    fn peers_are_told_once() {
        let control = control();
        let mut told = None;
        assert_eq!(control.paths_since(&mut told), Some(Vec::new()));
        assert_eq!(control.paths_since(&mut told), None);
    }

    #[test]
    fn stamps_of_ntp_go_on_after_2036() {
        for seconds in [0, 1_700_000_000, 2_085_978_496, 4_000_000_000] {
            let stamp = ntp_stamp(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(unix_seconds(stamp), seconds);
        }
        assert_eq!(ntp_stamp(UNIX_EPOCH), 2_208_988_800);
    }
}
