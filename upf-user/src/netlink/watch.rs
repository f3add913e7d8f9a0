//! The task that listens to the kernel.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt, TryStreamExt};
use rtnetlink::packet_core::NetlinkMessage;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::neighbour::{NeighbourFlags, NeighbourState};
use rtnetlink::sys::SocketAddr;
use rtnetlink::{Handle, MulticastGroup, RouteMessageBuilder, new_multicast_connection};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tracing::{debug, warn};

use super::devices::Devices;
use super::messages::{self, Change};
use super::neighbours::{Key, Neighbours};
use super::solicit::Solicitor;
use super::{DEBOUNCE, Device, Event, Wish};

const GROUPS: &[MulticastGroup] = &[
    MulticastGroup::Link,
    MulticastGroup::Neigh,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
    MulticastGroup::Ipv4Rule,
    MulticastGroup::Ipv6Rule,
];

/// Shorter than the kernel's `gc_stale_time` of 60 s, or entries would be gone before they are asked for.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Wait before a broken connection is opened anew.
const REOPEN: Duration = Duration::from_secs(1);
const EVENTS: usize = 1024;
const WISHES: usize = 1024;
/// GTP-U peers and gateways that are kept resolved; the fast path asks for those beyond by itself.
const MAX_KEPT: usize = 4096;

/// The running watch. It stops when this is dropped.
pub struct Watch {
    wishes: mpsc::Sender<Wish>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Hands over a wish; when there are too many it is dropped, and the fast path will ask again.
    pub fn wish(&self, wish: Wish) {
        if self.wishes.try_send(wish).is_err() {
            debug!("the netlink watch is behind, a wish is dropped");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why the watch could not begin.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// No netlink socket.
    #[error("no netlink socket: {0}")]
    Socket(#[from] io::Error),
    /// The kernel's tables could not be read.
    #[error("the kernel's tables cannot be read over netlink: {0}")]
    Request(#[from] rtnetlink::Error),
}

/// A watch that has begun.
pub struct Started {
    /// Takes wishes.
    pub watch: Watch,
    /// The devices that are there already.
    pub devices: Vec<Device>,
    /// What happens from now on.
    pub events: mpsc::Receiver<Event>,
}

/// Finds the configured devices and begins to watch.
///
/// # Errors
/// When the kernel refuses netlink.
pub async fn start(configured: Vec<String>) -> Result<Started, NetlinkError> {
    let (events, receiver) = mpsc::channel(EVENTS);
    let (sender, wishes) = mpsc::channel(WISHES);
    let connection = Connection::open()?;
    let mut state = Watcher {
        devices: Devices::new(configured),
        neighbours: Neighbours::default(),
        solicitor: Solicitor::default(),
        gateways: HashSet::new(),
        peers: Vec::new(),
        report_at: None,
        events,
    };
    let found = state.read_everything(&connection.handle).await?;
    let task = tokio::spawn(async move { state.run(connection, wishes).await });
    let devices = found.into_iter().filter_map(|event| match event {
        Event::Appeared(device) => Some(device),
        _ => None,
    });
    Ok(Started {
        watch: Watch {
            wishes: sender,
            task,
        },
        devices: devices.collect(),
        events: receiver,
    })
}

type Messages =
    std::pin::Pin<Box<dyn Stream<Item = (NetlinkMessage<RouteNetlinkMessage>, SocketAddr)> + Send>>;

struct Connection {
    handle: Handle,
    messages: Messages,
    driver: AbortHandle,
}

impl Connection {
    fn open() -> io::Result<Self> {
        let (connection, handle, messages) = new_multicast_connection(GROUPS)?;
        let driver = tokio::spawn(connection).abort_handle();
        Ok(Self {
            handle,
            messages: Box::pin(messages),
            driver,
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

struct Watcher {
    devices: Devices,
    neighbours: Neighbours,
    solicitor: Solicitor,
    gateways: HashSet<Key>,
    peers: Vec<IpAddr>,
    /// When the gathered changes are due.
    report_at: Option<Instant>,
    events: mpsc::Sender<Event>,
}

impl Watcher {
    async fn run(&mut self, mut connection: Connection, mut wishes: mpsc::Receiver<Wish>) {
        while self.serve(&mut connection, &mut wishes).await {
            warn!("the netlink connection broke, it is opened anew");
            tokio::time::sleep(REOPEN).await;
            match Connection::open() {
                Ok(fresh) => connection = fresh,
                Err(error) => warn!(%error, "netlink"),
            }
            self.resynchronise(&connection.handle).await;
        }
    }

    /// Until the connection breaks (true) or nobody listens any more (false).
    async fn serve(
        &mut self,
        connection: &mut Connection,
        wishes: &mut mpsc::Receiver<Wish>,
    ) -> bool {
        let mut keep_alive = tokio::time::interval(KEEP_ALIVE);
        loop {
            let due = self
                .report_at
                .unwrap_or_else(|| Instant::now() + KEEP_ALIVE);
            tokio::select! {
                message = connection.messages.next() => match message {
                    Some((message, _)) => self.hear(message, &connection.handle).await,
                    None => return true,
                },
                wish = wishes.recv() => match wish {
                    Some(wish) => self.fulfil(wish, &connection.handle).await,
                    None => return false,
                },
                () = tokio::time::sleep_until(due.into()), if self.report_at.is_some() => {
                    self.report_at = None;
                    self.report(vec![Event::NextHopsChanged]).await;
                }
                _ = keep_alive.tick() => self.keep_alive(&connection.handle).await,
            }
        }
    }

    async fn hear(&mut self, message: NetlinkMessage<RouteNetlinkMessage>, handle: &Handle) {
        match messages::read(message) {
            Some(Change::Lost) => self.resynchronise(handle).await,
            Some(change) => {
                let events = self.apply(change);
                self.report(events).await;
            }
            None => {}
        }
    }

    /// Everything that may change an answer of `bpf_fib_lookup` makes a report due.
    fn apply(&mut self, change: Change) -> Vec<Event> {
        let (events, stale) = match change {
            Change::Link(link) => {
                let events = self.devices.put(link);
                let stale = !events.is_empty();
                (events, stale)
            }
            Change::LinkGone(index) => {
                self.neighbours.forget_device(index);
                self.gateways.retain(|(device, _)| *device != index);
                let events = self.devices.remove(index);
                let stale = !events.is_empty();
                (events, stale)
            }
            Change::Neighbour(key, state) => (
                Vec::new(),
                self.devices.is_ours(key.0) && self.neighbours.put(key, state),
            ),
            Change::Route {
                added,
                default_gateway,
            } => {
                if let Some(gateway) = default_gateway {
                    self.note_gateway(gateway, added);
                }
                (Vec::new(), true)
            }
            Change::Lookup => (Vec::new(), true),
            Change::Lost => (Vec::new(), true),
        };
        if stale {
            self.report_at
                .get_or_insert_with(|| Instant::now() + DEBOUNCE);
        }
        events
    }

    fn note_gateway(&mut self, gateway: Key, added: bool) {
        if !added {
            self.gateways.remove(&gateway);
        } else if self.gateways.len() < MAX_KEPT {
            self.gateways.insert(gateway);
        }
    }

    async fn report(&self, events: Vec<Event>) {
        for event in events {
            // Nobody listens any more while the agent shuts down.
            let _ = self.events.send(event).await;
        }
    }

    async fn resynchronise(&mut self, handle: &Handle) {
        match self.read_everything(handle).await {
            Ok(events) => {
                self.report(events).await;
                self.report(vec![Event::Resynchronised, Event::NextHopsChanged])
                    .await;
            }
            Err(error) => warn!(%error, "netlink messages were lost and reading anew failed"),
        }
    }

    async fn read_everything(&mut self, handle: &Handle) -> Result<Vec<Event>, rtnetlink::Error> {
        let links: Vec<_> = handle.link().get().execute().try_collect().await?;
        let events = self
            .devices
            .replace(links.iter().filter_map(messages::read_link).collect());
        self.neighbours.clear();
        let mut neighbours = std::pin::pin!(handle.neighbours().get().execute());
        while let Some(message) = neighbours.try_next().await? {
            let message = NetlinkMessage::from(RouteNetlinkMessage::NewNeighbour(message));
            messages::read(message).map(|change| self.apply(change));
        }
        self.gateways.clear();
        self.read_gateways(
            handle,
            RouteMessageBuilder::<std::net::Ipv4Addr>::new().build(),
        )
        .await?;
        self.read_gateways(
            handle,
            RouteMessageBuilder::<std::net::Ipv6Addr>::new().build(),
        )
        .await?;
        Ok(events)
    }

    async fn read_gateways(
        &mut self,
        handle: &Handle,
        family: rtnetlink::packet_route::route::RouteMessage,
    ) -> Result<(), rtnetlink::Error> {
        let mut routes = std::pin::pin!(handle.route().get(family).execute());
        while let Some(route) = routes.try_next().await? {
            if let Some(gateway) = messages::default_gateway(&route) {
                self.note_gateway(gateway, true);
            }
        }
        Ok(())
    }

    async fn fulfil(&mut self, wish: Wish, handle: &Handle) {
        match wish {
            Wish::Neighbour { ifindex, address } => self.solicit(handle, (ifindex, address)).await,
            Wish::Peers(mut peers) => {
                peers.truncate(MAX_KEPT);
                self.peers = peers;
                self.keep_alive(handle).await;
            }
        }
    }

    /// Asks for what is kept resolved and is not, and for what nobody has confirmed for a while.
    async fn keep_alive(&mut self, handle: &Handle) {
        let mut kept: Vec<Key> = self.gateways.iter().copied().collect();
        for peer in &self.peers {
            match next_hop(handle, *peer).await {
                Ok(Some(key)) => kept.push(key),
                Ok(None) => {}
                Err(error) => debug!(%peer, %error, "no way to a GTP-U peer"),
            }
        }
        kept.retain(|key| !self.neighbours.is_resolved(key));
        kept.extend(self.neighbours.stale());
        for key in kept {
            self.solicit(handle, key).await;
        }
    }

    async fn solicit(&mut self, handle: &Handle, key: Key) {
        if !self.devices.is_ours(key.0) || !self.solicitor.may_ask(Instant::now(), key) {
            return;
        }
        let (ifindex, address) = key;
        // With NTF_USE the kernel makes the entry where there is none, asks, and changes nothing else.
        let request = handle
            .neighbours()
            .add(ifindex, address)
            .state(NeighbourState::None)
            .flags(NeighbourFlags::Use)
            .replace();
        if let Err(error) = request.execute().await {
            debug!(ifindex, %address, %error, "neighbour not asked for");
        }
    }
}

/// Where the kernel sends packets for this destination: device, and gateway or the destination.
async fn next_hop(handle: &Handle, destination: IpAddr) -> Result<Option<Key>, rtnetlink::Error> {
    let query = match destination {
        IpAddr::V4(v4) => RouteMessageBuilder::<std::net::Ipv4Addr>::new()
            .destination_prefix(v4, 32)
            .build(),
        IpAddr::V6(v6) => RouteMessageBuilder::<std::net::Ipv6Addr>::new()
            .destination_prefix(v6, 128)
            .build(),
    };
    let mut routes = std::pin::pin!(handle.route().get(query).execute());
    let route = routes.try_next().await?;
    Ok(route.and_then(|route| messages::next_hop(&route, destination)))
}
