//! The stack in memory: datagrams in, datagrams out, tables to look at, and a clock that rows wind on.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use upf_user::bandwidth::CustomerId;
use upf_user::config::Config;
use upf_user::datapath::memory::{MemoryDatapath, Sizes};
use upf_user::datapath::slots::{index_bits, ue_key};
use upf_user::datapath::{Datapath, Direction, MapsId, SlotIndex};
use upf_user::pfcp::ie::NodeId;
use upf_user::pfcp::node::{Action, AssociationView, Config as NodeConfig, Node};
use upf_user::pfcp::service::SessionService as _;
use upf_user::reports::Outbox;
use upf_user::session::{SessionView, Sessions, SessionsConfig};
use upf_user::store::SessionStore;

use super::describe;
use super::message::{Allocated, Got, Msg, Seid, be};
use super::requests::{OTHER, SMF};
use super::types::*;

const CONFIG: &str = r#"
[node]
id = "10.100.0.2"
[pfcp]
listen = "10.100.0.2:8805"
allow = ["10.100.0.0/24"]
[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2"]
[[interface]]
device = "n6"
role = "core"
network_instance = "internet"
[[interface]]
device = "ims"
role = "core"
network_instance = "ims"
[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/16"
ipv6 = "2001:db8:45::/48"
[[pool]]
network_instance = "ims"
ipv4 = "10.46.0.0/30"
[[predefined_rule]]
name = "gold"
precedence = 10
filters = ["permit out 17 from 192.0.2.0/24 5060 to assigned"]
uplink_kbps = 64
[[predefined_rule]]
name = "closed"
action = "drop"
[[forwarding_policy]]
name = "voice"
network_instance = "ims"
"#;
/// The IPv6 address that dual-stack worlds have for GTP-U besides.
const GTPU_BOTH: &str = r#"gtpu = ["10.1.0.2", "2001:db8:1::2"]"#;

/// GTP-U peers that there is room for.
pub(crate) const PEERS: u32 = 64;
/// Our own Recovery Time Stamp.
pub(crate) const OUR_STAMP: u32 = 3_900_000_000;
pub(crate) const OUR_NODE: [u8; 5] = [0, 10, 100, 0, 2];

/// What the config of a world says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Setting {
    /// GTP-U over IPv6, too.
    pub(crate) is_dual_stack: bool,
    /// Slots; 1024 if 0.
    pub(crate) slots: u32,
    /// We set the association with the SMF up.
    pub(crate) connects: bool,
    /// There is a customer, so SIMs have limits.
    pub(crate) of_sims: bool,
    /// Usage reports are kept and sent.
    pub(crate) reports: bool,
}

/// A session of the row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Established {
    pub(crate) up_seid: u64,
    pub(crate) cp_seid: u64,
    pub(crate) pdrs: BTreeMap<u16, Allocated>,
    pub(crate) endpoints: BTreeMap<u16, Allocated>,
}

pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) stack: Sessions<MemoryDatapath>,
    config: SessionsConfig,
    pub(crate) now: Instant,
    next_sequence: u32,
    pub(crate) sessions: Vec<Established>,
    /// What we sent that no row has looked at, and to whom.
    pub(crate) sent: VecDeque<(SocketAddr, Got)>,
    /// The last of those that a row has looked at.
    pub(crate) last_own: Option<(SocketAddr, Got)>,
    /// The last datagram that a row sent.
    last: Vec<u8>,
    pub(crate) last_answer: Option<Got>,
    /// Where usage reports are kept.
    _store: Option<TempDir>,
}

/// What a refused request must leave as it was. The load is no part of it: a peer that a refused request named rests
/// before its place is another's, and counts until then.
#[derive(Debug, PartialEq)]
pub(crate) struct Snapshot {
    tables: MemoryDatapath,
    views: Vec<Option<SessionView>>,
    slots: u32,
    associations: Vec<AssociationView>,
}

impl Snapshot {
    /// Which parts differ.
    pub(crate) fn differs(&self, other: &Self) -> String {
        let parts = [
            ("tables", self.tables != other.tables),
            ("sessions", self.views != other.views),
            ("slots", self.slots != other.slots),
            ("associations", self.associations != other.associations),
        ];
        let differing = parts.iter().filter(|(_, differs)| *differs);
        let names: Vec<_> = differing.map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

/// Has sessions keep their usage reports on the disk, and send them.
fn keep_reports(stack: &mut Sessions<MemoryDatapath>) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let store = SessionStore::open(directory.path()).expect("a store");
    let outbox = Outbox::open(store, None, 0).expect("an empty store");
    stack.keep_in(outbox, MapsId(1));
    directory
}

pub(crate) fn smf() -> SocketAddr {
    (IpAddr::from(SMF), 8805).into()
}

pub(crate) fn other() -> SocketAddr {
    (IpAddr::from(OTHER), 8805).into()
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let mut text = CONFIG.to_owned();
        if setting.is_dual_stack {
            text = text.replacen(r#"gtpu = ["10.1.0.2"]"#, GTPU_BOTH, 1);
        }
        let config = Config::parse(&text).expect("a sound config");
        let mut config = SessionsConfig::new(&config).expect("pools that can be laid out");
        if setting.of_sims {
            config
                .bandwidth
                .set_customer(CustomerId("acme".into()), None);
        }
        let now = config.clock.instant + Duration::from_secs(1000);
        let tables = MemoryDatapath::new(Sizes {
            slots: if setting.slots == 0 {
                1024
            } else {
                setting.slots
            },
            blocks: config.pools.blocks(),
            peers: PEERS,
            lists: 512,
            limits: 1024,
            usages: 1024,
        });
        let node_id = NodeId::Address(IpAddr::from([10, 100, 0, 2]));
        let mut node_config = NodeConfig::new(node_id, OUR_STAMP);
        if setting.connects {
            node_config.connect = vec![smf()];
        }
        let mut stack = Sessions::new(config.clone(), tables);
        let store = setting.reports.then(|| keep_reports(&mut stack));
        Self {
            node: Node::new(node_config, now),
            stack,
            config,
            now,
            next_sequence: 1,
            sessions: Vec::new(),
            sent: VecDeque::new(),
            last_own: None,
            last: Vec::new(),
            last_answer: None,
            _store: store,
        }
    }

    pub(crate) fn tables(&self) -> &MemoryDatapath {
        self.stack.tables()
    }

    pub(crate) fn seid(&self, seid: Seid) -> Option<u64> {
        match seid {
            Seid::Absent => None,
            Seid::Session(n) => Some(self.sessions[n].up_seid),
            Seid::Value(seid) => Some(seid),
        }
    }

    /// The octets of a message, and its sequence number.
    pub(crate) fn octets(&mut self, message: &Msg, is_followed: bool) -> (Vec<u8>, u32) {
        let sequence = message.sequence.unwrap_or(self.next_sequence);
        self.next_sequence = sequence + 1;
        let seid = self.seid(message.seid);
        (message.octets(seid, sequence, is_followed), sequence)
    }

    /// Hands a datagram to the node; what it sends back to the sender.
    pub(crate) fn receive(&mut self, from: SocketAddr, datagram: Vec<u8>) -> Vec<Got> {
        self.now += Duration::from_millis(10);
        let actions = self
            .node
            .receive(from, &datagram, self.now, &mut self.stack);
        self.catch_up();
        self.last = datagram;
        let mut answers = Vec::new();
        for (to, got) in sent(actions) {
            let is_answer = matches!(
                got.kind,
                2 | 4 | 6 | 8 | 10 | 11 | 13 | 15 | 17 | 51 | 53 | 55 | 57
            );
            if is_answer {
                assert_eq!(to, from, "an answer goes to the sender");
                answers.push(got);
            } else {
                self.sent.push_back((to, got));
            }
        }
        answers
    }

    /// The last datagram once more.
    pub(crate) fn repeat(&mut self, from: SocketAddr) -> Vec<Got> {
        self.receive(from, self.last.clone())
    }

    pub(crate) fn keep(&mut self, actions: Vec<Action>) {
        self.sent.extend(sent(actions));
    }

    /// Winds the clock on; timers fire when they are due.
    pub(crate) fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(due) = self.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.tick();
        }
        self.now = end;
        self.tick();
    }

    /// What sessions follow by and by has come to all of them.
    fn catch_up(&mut self) {
        self.stack.tick(self.now);
        let is_due = |due: Instant| due <= self.now;
        while self.stack.next_deadline().is_some_and(is_due) {
            self.stack.tick(self.now);
        }
    }

    pub(crate) fn tick(&mut self) {
        self.catch_up();
        let actions = self.node.tick(self.now, &mut self.stack);
        self.keep(actions);
    }

    fn deadline(&self) -> Option<Instant> {
        let deadlines = [self.node.next_deadline(), self.stack.next_deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Notes what an answer says about the row's sessions.
    pub(crate) fn note(&mut self, request: &Msg, answer: &Got) {
        self.last_answer = Some(answer.clone());
        if answer.cause() != Some(ACCEPTED) {
            return;
        }
        let place = match (request.kind, request.seid) {
            (ESTABLISHMENT, _) => {
                let f_seid = answer.find(F_SEID).expect("UP F-SEID");
                let own = request.ies.value(F_SEID).expect("CP F-SEID");
                self.sessions.push(Established {
                    up_seid: be(&f_seid[1..9]),
                    cp_seid: be(&own[1..9]),
                    ..Established::default()
                });
                self.sessions.len() - 1
            }
            (MODIFICATION, Seid::Session(n)) => n,
            _ => return,
        };
        let session = &mut self.sessions[place];
        if request.kind == MODIFICATION
            && let Some(own) = request.ies.value(F_SEID)
        {
            session.cp_seid = be(&own[1..9]);
        }
        session.pdrs.extend(answer.allocated(CREATED_PDR, PDR_ID));
        session.pdrs.extend(answer.allocated(UPDATED_PDR, PDR_ID));
        let endpoints = answer.allocated(CREATED_ENDPOINT, TRAFFIC_ENDPOINT_ID);
        session.endpoints.extend(endpoints);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut associations: Vec<_> = self.node.associations().collect();
        associations.sort_by(|a, b| a.node_id.cmp(&b.node_id));
        let views = self.stack.list(None, usize::MAX);
        Snapshot {
            tables: self.tables().clone(),
            views: views
                .iter()
                .map(|view| self.stack.view(view.seid))
                .collect(),
            slots: self.stack.slots_in_use(),
            associations,
        }
    }

    /// A session as the REST API shows it, its rules included.
    pub(crate) fn view(&self, session: usize) -> SessionView {
        let seid = self.sessions[session].up_seid;
        self.stack.view(seid).expect("the session is there")
    }

    pub(crate) fn teid(&self, session: usize, pdr: u16) -> u32 {
        let pdrs = &self.sessions[session].pdrs;
        let created = pdrs.get(&pdr).and_then(|created| created.teid);
        created.unwrap_or_else(|| panic!("no Created PDR {pdr} with an F-TEID"))
    }

    pub(crate) fn endpoint_teid(&self, session: usize, endpoint: u16) -> u32 {
        let endpoints = &self.sessions[session].endpoints;
        let created = endpoints.get(&endpoint).and_then(|created| created.teid);
        created.unwrap_or_else(|| panic!("no Created Traffic Endpoint {endpoint} with an F-TEID"))
    }

    /// The slot that a TEID leads to, found as the fast path finds it.
    pub(crate) fn slot_of_teid(&self, teid: u32) -> Option<SlotIndex> {
        let tables = self.tables();
        let direct = SlotIndex(teid & ((1 << index_bits(tables.capacity())) - 1));
        let rules = tables.read_rules(direct, Direction::Uplink);
        if rules.is_ok_and(|rules| rules.teid == teid.to_be_bytes()) {
            return Some(direct);
        }
        tables.teid(teid.to_be_bytes()).map(SlotIndex)
    }

    /// What packets with a TEID of ours meet.
    pub(crate) fn by_teid(&self, teid: u32) -> String {
        match self.slot_of_teid(teid) {
            Some(slot) => describe::half(self.tables(), slot, Direction::Uplink),
            None => "unknown".to_owned(),
        }
    }

    pub(crate) fn list_by_teid(&self, teid: u32) -> Vec<String> {
        let slot = self.slot_of_teid(teid).expect("a slot of the TEID");
        describe::list(self.tables(), slot, Direction::Uplink)
    }

    fn slot_of_address(&self, network: &str, address: &str) -> Option<SlotIndex> {
        let instance = self.config.instances.number(network).expect("an instance");
        let address: IpAddr = address.parse().expect("an address");
        let place = self.config.pools.block_of(instance, address);
        let tables = self.tables();
        let by_block = place.and_then(|(block, place)| Some(tables.block(block)? + place));
        let slot = by_block.or_else(|| tables.ue_address(&ue_key(instance, address)));
        let framed = || {
            let octets = match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
                IpAddr::V6(v6) => v6.octets(),
            };
            tables.framed(instance, octets)
        };
        slot.or_else(framed).map(SlotIndex)
    }

    /// What packets from a network to an address meet.
    pub(crate) fn by_address(&self, network: &str, address: &str) -> String {
        match self.slot_of_address(network, address) {
            Some(slot) => describe::half(self.tables(), slot, Direction::Downlink),
            None => "nothing".to_owned(),
        }
    }

    pub(crate) fn list_by_address(&self, network: &str, address: &str) -> Vec<String> {
        let slot = self.slot_of_address(network, address);
        let slot = slot.expect("a slot of the address");
        describe::list(self.tables(), slot, Direction::Downlink)
    }

    /// The End Markers that were sent: peers and TEIDs.
    pub(crate) fn end_markers(&self) -> Vec<String> {
        let markers = self.tables().clone().take_end_markers();
        let shown = markers.iter().map(|(peer, teid)| {
            let remote = std::net::Ipv6Addr::from(peer.remote).to_canonical();
            format!("{remote} {:#x}", u32::from_be_bytes(*teid))
        });
        shown.collect()
    }

    /// Seconds of NTP, so many from now.
    pub(crate) fn ntp_after(&self, seconds: u64) -> u32 {
        let clock = self.config.clock;
        let since = self.now.duration_since(clock.instant).as_secs() + seconds;
        clock.ntp_seconds.wrapping_add(since as u32)
    }

    /// Ends every session; what is left in the tables then has leaked.
    pub(crate) fn leaks(&mut self) -> Vec<String> {
        let owners: Vec<_> = self.node.associations().map(|view| view.node_id).collect();
        for owner in owners {
            self.stack.delete_all(&owner, self.now);
        }
        self.catch_up();
        let tables = self.tables();
        let in_use = (0..tables.capacity()).filter(|slot| {
            [Direction::Uplink, Direction::Downlink].iter().any(|half| {
                let rules = tables.read_rules(SlotIndex(*slot), *half);
                rules.is_ok_and(|rules| rules.verdict != 0)
            })
        });
        let found = [
            ("sessions", self.stack.len()),
            ("slots", self.stack.slots_in_use() as usize),
            ("entries of TEIDs", tables.hash_entries().0),
            ("entries of UE addresses", tables.hash_entries().1),
            ("framed routes", tables.framed_entries()),
            ("peers", self.stack.peers().len()),
            ("rules in slots", in_use.count()),
        ];
        let left = found.iter().filter(|(_, count)| *count != 0);
        left.map(|(what, count)| format!("{count} {what} left"))
            .collect()
    }
}

fn sent(actions: Vec<Action>) -> impl Iterator<Item = (SocketAddr, Got)> {
    actions.into_iter().filter_map(|action| match action {
        Action::Send { to, bytes } => Some((to, Got::read(&bytes))),
        Action::Log(_) => None,
    })
}
