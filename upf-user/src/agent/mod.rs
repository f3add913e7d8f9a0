//! The running agent: everything in its order, from the config to the clean end.
//!
//! ```text
//! GTP-U sockets ─ gtpu ──▶ control: what peers do not know, and whether they answer
//! PFCP socket ── pfcp ──▶ control (node and sessions) ──▶ tables of the fast path
//! netlink ────── devices ──▶ program at devices, ports, generation
//! fast path ──── events ──▶ netlink watch, log
//!           ──── gtpu ───▶ GTP-U sockets: copies of packets
//! HTTP ───────── http ──▶ metrics, control, readiness
//! ```
//!
//! Asked to end (SIGINT, SIGTERM), the agent gives control planes time to release it where the config says so, and
//! takes its data path with it. When it dies, the data path goes
//! on, and the next agent takes it over.

mod api;
mod backlog;
mod changes;
mod complaints;
mod control;
mod devices;
mod events;
mod figures;
mod gtpu;
mod kept;
mod listeners;
mod numbers;
mod pfcp;
mod pfcp_sockets;
mod readiness;
#[cfg(test)]
mod storm;
mod takeover;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aya::maps::{MapData, RingBuf};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tracing::{debug, info, warn};

use self::api::Api;
use self::changes::Changes;
use self::control::Control;
use self::devices::{DeviceError, Devices, Plan};
use self::figures::LiveFigures;
use self::kept::Kept;
use self::listeners::Listeners;
use self::numbers::PortNumbers;
use self::pfcp::{Pulse, Server};
use self::readiness::Readiness;
use self::takeover::Takeover;
use crate::config::Config;
use crate::datapath::bpf::attach::Attachments;
use crate::datapath::bpf::grace::wait_for_packets;
use crate::datapath::bpf::pins::PinsError;
use crate::datapath::bpf::tables::BpfDatapath;
use crate::datapath::bpf::{self, FastPathLogger, LoadError, Loaded, Sizes};
use crate::datapath::slots::PoolError;
use crate::gtpu::sockets::EndMarkers;
use crate::http;
use crate::metrics::{COMMIT, Metrics, VERSION};
use crate::netlink::{self, NetlinkError, Started, Watch, Wish};
use crate::session::{Sessions, SessionsConfig};
use crate::store::{StoreError, Syncing};

/// GTP-U peers at most: every gNB of a large country.
const MAX_PEERS: u32 = 65_536;
/// Pages of rule lists at least: both directions of a session with as many filters as it may have, old and new.
const MIN_LISTS: u32 = 1024;
/// Pages of rule lists at most; sessions with one PDR for a direction need none.
const MAX_LISTS: u32 = 131_072;
/// Between looks at the list of GTP-U peers.
const PEERS_EVERY: Duration = Duration::from_millis(50);

/// Between looks at whether all associations are released.
const RELEASED_EVERY: Duration = Duration::from_millis(50);

/// Why the agent does not run any more.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The tasks cannot be run.
    #[error("no runtime")]
    Runtime(#[source] io::Error),
    /// The pools cannot be laid out.
    #[error(transparent)]
    Pools(#[from] PoolError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The export of usage reports cannot be written.
    #[error("the export of usage reports cannot be written; see charging.export")]
    Export(#[source] io::Error),
    /// A listener cannot be opened.
    #[error("{what} cannot listen at {address}; is the address on a device, and the port free?")]
    Listen {
        /// PFCP, GTP-U or HTTP.
        what: &'static str,
        /// As configured.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// There is no data path.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The kernel does not tell of its devices.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A device that is there cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Two metrics have the same name.
    #[error("metrics")]
    Metrics(#[from] prometheus::Error),
    /// A part of the agent ended while it should run; the data path goes on.
    #[error("{part} has ended; forwarding goes on, start the agent anew")]
    Ended {
        /// Which one.
        part: &'static str,
        /// Why.
        source: Option<io::Error>,
    },
    /// The data path was not removed.
    #[error("the data path was not removed")]
    Stop(#[source] PinsError),
}

/// Runs until SIGINT or SIGTERM.
///
/// # Errors
/// [`AgentError`]
pub fn run(config: Config) -> Result<(), AgentError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(AgentError::Runtime)?
        .block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), AgentError> {
    let mut signals = Signals::new().map_err(AgentError::Runtime)?;
    info!("upf {VERSION} ({COMMIT})");
    for line in config.summary().lines() {
        info!("{line}");
    }
    let mut sessions_config = SessionsConfig::new(&config)?;
    let graceful_release = config.pfcp.graceful_release;
    let kept = Kept::open(&config, &mut sessions_config.bandwidth)?;
    // What another process may have is taken before anything is changed.
    let listeners = Listeners::open(&config).await?;
    let loaded = load(&config, &sessions_config)?;
    let started = start(config, sessions_config, kept, listeners, loaded).await;
    let (mut running, mut tasks) = started?;
    tokio::select! {
        name = signals.next() => info!("{name}"),
        ended = first_end(&mut tasks) => return Err(ended),
        () = running.devices.follow(&mut running.events) => {
            return Err(AgentError::Ended { part: "the netlink watch", source: None });
        }
    }
    tokio::select! {
        () = release(&running.control, graceful_release) => {}
        name = signals.next() => info!("{name}: no control plane is waited for"),
        ended = first_end(&mut tasks) => return Err(ended),
        () = running.devices.follow(&mut running.events) => {
            return Err(AgentError::Ended { part: "the netlink watch", source: None });
        }
    }
    info!("the data path is removed");
    tasks.shutdown().await;
    running.devices.stop().map_err(AgentError::Stop)?;
    keep_all(&running.control)
}

/// Nothing is counted any more: what was counted outlives the maps, which end with us.
fn keep_all(control: &Control<BpfDatapath>) -> Result<(), AgentError> {
    if let Err(error) = wait_for_packets() {
        debug!(%error, "the kernel does not tell when the last packet has left");
    }
    control.keep_counters();
    if let Some(syncing) = control.sync_reports()? {
        syncing.run()?;
    }
    Ok(control.set_ended()?)
}

/// What the main task works with.
struct Running {
    devices: Devices,
    events: Receiver<netlink::Event>,
    control: Arc<Control<BpfDatapath>>,
}

/// Asks control planes to release us, and waits until all have, or the period is over.
async fn release(control: &Control<BpfDatapath>, period: Duration) {
    if period.is_zero() || !control.has_associations() {
        return;
    }
    info!("control planes have {} s to release us", period.as_secs());
    control.release_all(period);
    let latest = tokio::time::Instant::now() + period;
    while control.has_associations() && tokio::time::Instant::now() < latest {
        tokio::time::sleep(RELEASED_EVERY).await;
    }
}

type Tasks = JoinSet<(&'static str, io::Result<()>)>;

async fn first_end(tasks: &mut Tasks) -> AgentError {
    match tasks.join_next().await {
        Some(Ok((part, outcome))) => AgentError::Ended {
            part,
            source: outcome.err(),
        },
        Some(Err(panic)) => AgentError::Ended {
            part: "a task",
            source: Some(io::Error::other(panic)),
        },
        None => AgentError::Ended {
            part: "everything",
            source: None,
        },
    }
}

/// Makes usage reports durable, and turns the export's files over. It waits for the disk, thus not in a task.
async fn sync_reports(control: Arc<Control<BpfDatapath>>, every: Duration) -> io::Result<()> {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let control = Arc::clone(&control);
        let synced = tokio::task::spawn_blocking(move || {
            control.keep_counters();
            control.sync_reports()?.map_or(Ok(()), Syncing::run)
        });
        if let Err(error) = synced.await.map_err(io::Error::other)? {
            warn!("usage reports are not durable yet: {error}");
        }
    }
}

/// Puts the parts together, attaches to the devices and begins to serve.
async fn start(
    config: Config,
    sessions_config: SessionsConfig,
    kept: Kept,
    listeners: Listeners,
    loaded: Loaded,
) -> Result<(Running, Tasks), AgentError> {
    let Loaded {
        mut datapath,
        program,
        ports,
        control: control_table,
        counters,
        events: ring,
        copies,
        usage_events,
        logger,
        maps,
        former,
        pins,
    } = loaded;
    let Kept {
        recovery,
        bandwidth: kept,
        outbox,
        node,
        applications,
        endings,
    } = kept;
    let Some(pins) = pins else {
        return Err(LoadError::Mismatch { what: "pins" }.into());
    };
    let readiness = Arc::new(Readiness::default());
    let numbers = Arc::new(PortNumbers::default());
    let plan = Plan {
        interfaces: config.interfaces.clone(),
        instances: sessions_config.instances.clone(),
        layout: sessions_config.pools.clone(),
    };
    let end_markers = EndMarkers::new(Arc::clone(&listeners.gtpu));
    datapath.set_end_markers(Box::new(end_markers));
    let pools = datapath.write_pools(&sessions_config.pools);
    pools.map_err(LoadError::from)?;
    let mut sessions = Sessions::new(sessions_config, datapath);
    sessions.keep_in(outbox, maps);
    sessions.restore_applications(applications);
    let takeover = Takeover::begin(&mut sessions, former, &node)?;
    sessions.go_on(endings, Instant::now());
    let control = Arc::new(Control::new(&config, recovery, sessions, node));
    let classes = config.bandwidth.classes.iter();
    let figures = LiveFigures {
        counters,
        numbers: Arc::clone(&numbers),
        census: Arc::clone(&control),
        classes: classes.map(|class| class.name.to_string()).collect(),
    };
    let metrics = Arc::new(Metrics::new(Arc::new(figures), listeners.gtpu.metrics())?);
    metrics.show_requests(&control.request_counters())?;
    metrics.show_reports(Arc::<Control<_>>::clone(&control))?;
    let mut devices = Devices::new(
        plan,
        Attachments::new(program, pins),
        ports,
        Arc::clone(&control_table),
        numbers,
        Arc::clone(&readiness),
    );
    let names = config.interfaces.iter().map(|i| i.device.clone()).collect();
    let (watch, events) = match begin(&mut devices, names).await {
        Ok(begun) => begun,
        Err(error) => {
            // An agent that does not start leaves nothing behind.
            devices.stop().map_err(AgentError::Stop)?;
            takeover.settle(&control)?;
            return Err(error);
        }
    };
    takeover.finish(&control, &devices)?;
    let mut tasks = Tasks::new();
    let signalling = gtpu::Signalling {
        config: config.gtpu,
        sockets: Arc::clone(&listeners.gtpu),
        rules: Arc::clone(&control),
        control_table,
        copies,
    };
    let gtpu = signalling.start(&mut tasks);
    let followed = events::follow_usage(usage_events, Arc::clone(&control));
    tasks.spawn(async { ("the fast path's usage buffer", followed.await) });
    let synced = sync_reports(Arc::clone(&control), config.charging.snapshot_interval);
    tasks.spawn(async { ("the store of usage reports", synced.await) });
    let api = Api {
        changes: Arc::new(Changes::new(Arc::clone(&control), kept)),
        control: Arc::clone(&control),
        gtpu,
        metrics,
        readiness,
        pulse: Arc::new(Pulse::new()),
    };
    serve_peers(&mut tasks, config, listeners, api, &watch);
    follow_fast_path(&mut tasks, ring, logger, watch);
    let running = Running {
        devices,
        events,
        control,
    };
    Ok((running, tasks))
}

async fn begin(
    devices: &mut Devices,
    configured: Vec<String>,
) -> Result<(Arc<Watch>, Receiver<netlink::Event>), AgentError> {
    let Started {
        watch,
        devices: found,
        events,
    } = netlink::start(configured).await?;
    devices.begin(found).await?;
    Ok((Arc::new(watch), events))
}

/// PFCP, HTTP, and the watch of GTP-U peers.
fn serve_peers(
    tasks: &mut Tasks,
    config: Config,
    listeners: Listeners,
    api: Api,
    watch: &Arc<Watch>,
) {
    let server = Server {
        sockets: listeners.pfcp,
        config: config.pfcp,
        engine: Arc::clone(&api.control),
        metrics: Arc::clone(&api.metrics),
        pulse: Arc::clone(&api.pulse),
    };
    tasks.spawn(async { ("PFCP", server.run().await) });
    let told = tell_peers(
        Arc::clone(&api.control),
        Arc::clone(&api.gtpu),
        Arc::clone(watch),
    );
    tasks.spawn(async {
        told.await;
        ("the watch of GTP-U peers", Ok(()))
    });
    let settled = settle_changes(Arc::clone(&api.changes));
    tasks.spawn(async { ("changes of bandwidth", settled.await) });
    let api = Arc::new(api);
    tasks.spawn(async { ("HTTP", http::serve(listeners.http, api).await) });
}

fn follow_fast_path(
    tasks: &mut Tasks,
    ring: RingBuf<MapData>,
    logger: Option<FastPathLogger>,
    watch: Arc<Watch>,
) {
    let followed = events::follow_events(ring, watch);
    tasks.spawn(async { ("the fast path's event buffer", followed.await) });
    if let Some(logger) = logger {
        let followed = events::follow_logs(logger);
        tasks.spawn(async { ("the fast path's log", followed.await) });
    }
}

/// Tries again what could not be put into force. It waits where a change is being made, thus not in a task.
async fn settle_changes(changes: Arc<Changes<BpfDatapath>>) -> io::Result<()> {
    let mut interval = tokio::time::interval(changes::SETTLE_EVERY);
    loop {
        interval.tick().await;
        let changes = Arc::clone(&changes);
        let settled = tokio::task::spawn_blocking(move || changes.settle());
        settled.await.map_err(io::Error::other)?;
    }
}

/// Tells the watch and GTP-U signalling when there are other GTP-U peers than before.
async fn tell_peers(
    control: Arc<Control<BpfDatapath>>,
    gtpu: Arc<gtpu::Engine<Control<BpfDatapath>>>,
    watch: Arc<Watch>,
) {
    let mut interval = tokio::time::interval(PEERS_EVERY);
    let mut told = None;
    loop {
        interval.tick().await;
        if let Some(paths) = control.paths_since(&mut told) {
            let peers: BTreeSet<_> = paths.iter().map(|path| path.remote).collect();
            watch.wish(Wish::Peers(peers.into_iter().collect()));
            gtpu.set_paths(&paths);
        }
    }
}

fn load(config: &Config, sessions: &SessionsConfig) -> Result<Loaded, LoadError> {
    let slots = config.capacity.sessions;
    let sizes = Sizes {
        slots,
        blocks: sessions.pools.blocks(),
        peers: MAX_PEERS,
        lists: slots.saturating_mul(2).clamp(MIN_LISTS, MAX_LISTS),
        limits: config.capacity.limits,
        usages: config.capacity.usage_records,
    };
    bpf::load(&sizes, Some(Path::new(&config.node.pins)))
}

/// What asks us to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// An error with its causes in one line. Transparent ones are not repeated.
fn causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let text = cause.to_string();
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}
