//! Sessions over tables in memory that can be told to fail, and what must hold for them at any time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use upf_common::abi::{
    self, Limit, LimitDirection, MAX_LIST_ENTRIES, NO_LIST, Peer, RuleList, RuleListEntry, Rules,
    UsageSet,
};
use upf_common::meter::Rate;

use super::requests::smf;
use crate::bandwidth::{Bandwidth, CustomerId, Imsi};
use crate::config::Config;
use crate::datapath::chaos::{Chaos, ChaosDatapath};
use crate::datapath::memory::{MemoryDatapath, Sizes};
use crate::datapath::slots::{
    Both, Duplicate, Image, LimitKey, Program, TunnelKey, UeEndpoint, Wanted, index_bits, ue_key,
};
use crate::datapath::{
    Account, Datapath, Direction, LimitIndex, LimitSetting, SlotIndex, UsageIndex, network_key,
};
use crate::pfcp::ie::NodeId;
use crate::pfcp::message::{
    CreatedPdr, Refusal, SessionDeletionRequest, SessionEstablishmentRequest,
    SessionModificationRequest,
};
use crate::pfcp::service::{Established, SessionService};
use crate::session::applications::Applications;
use crate::session::by_owner::{ByOwner, SlotsByOwner};
use crate::session::detection::Detection;
use crate::session::remotes::Remotes;
use crate::session::slices::Portion;
use crate::session::{LocalGtpu, Session, Sessions, SessionsConfig, sims};

pub(super) const CONFIG: &str = r#"
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
ipv4 = "10.45.0.0/16"
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
pub(super) const GTPU: [u8; 4] = [10, 1, 0, 2];
pub(super) const GTPU_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);

/// All at once, so that how fast a machine is does not matter.
const ALL: Portion = Portion {
    time: Duration::from_secs(3600),
    sessions: usize::MAX,
};

pub(super) type Tables = ChaosDatapath<MemoryDatapath>;

pub(super) struct World {
    pub(super) sessions: Sessions<Tables>,
    pub(super) tables: Tables,
    pub(super) now: Instant,
}

/// Everything that a refused request must leave as it was.
#[derive(Debug, PartialEq)]
pub(super) struct State {
    tables: MemoryDatapath,
    books: crate::datapath::slots::Snapshot,
    bandwidth: Bandwidth,
    /// Without those that have ended.
    sessions: BTreeMap<u64, Session>,
    of_owner: ByOwner,
    applications: HashMap<NodeId, Arc<Applications>>,
    application_users: ByOwner,
    remotes: Remotes,
    deadlines: BTreeSet<(Instant, u64)>,
}

impl State {
    /// Without the moment at which a session was compiled: it may be compiled anew and come to the same.
    fn at_no_time(mut self, moment: Instant) -> Self {
        for session in self.sessions.values_mut() {
            session.basis.at = moment;
        }
        self
    }

    /// Whether no request could tell the difference: sessions that have ended may be gone from one of them.
    pub(super) fn looks_the_same(&self, other: &Self) -> bool {
        self.sessions == other.sessions && self.applications == other.applications
    }

    pub(super) fn has_same_tables(&self, other: &Self) -> bool {
        self.tables == other.tables && self.books == other.books
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_slots(1024)
    }

    pub(super) fn with_slots(slots: u32) -> Self {
        Self::with(&config(CONFIG), slots, 512)
    }

    /// With an IPv6 address for GTP-U, too.
    pub(super) fn dual_stack() -> Self {
        let mut config = config(CONFIG);
        config.gtpu.push(LocalGtpu {
            address: GTPU_V6.into(),
            instance: 0,
        });
        Self::with(&config, 1024, 512)
    }

    /// With this IPv4 pool for the Internet.
    pub(super) fn with_pool(pool: &str) -> Self {
        let config = config(&CONFIG.replacen("10.45.0.0/16", pool, 1));
        Self::with(&config, 1024, 512)
    }

    /// With room for large sessions.
    pub(super) fn roomy() -> Self {
        Self::with(&config(CONFIG), 1024, 2048)
    }

    /// With these speed classes and customers.
    pub(super) fn with_bandwidth(bandwidth: Bandwidth) -> Self {
        let mut config = config(CONFIG);
        config.bandwidth = bandwidth;
        Self::with(&config, 1024, 512)
    }

    /// With a handful of everything.
    pub(super) fn small(config: &SessionsConfig) -> Self {
        Self::with(config, 12, 6)
    }

    fn with(config: &SessionsConfig, slots: u32, lists: u32) -> Self {
        let config = config.clone();
        let tables = ChaosDatapath::new(MemoryDatapath::new(Sizes {
            slots,
            blocks: config.pools.blocks(),
            peers: 16,
            lists,
            limits: slots,
            usages: slots,
        }));
        let random = StdRng::seed_from_u64(1);
        let mut sessions = Sessions::with_random(config, tables.clone(), random);
        sessions.tick_portion = ALL;
        sessions.request_portion.time = ALL.time;
        sessions.look_portion.time = ALL.time;
        Self {
            sessions,
            tables,
            now: Instant::now(),
        }
    }

    pub(super) fn establish(
        &mut self,
        request: &SessionEstablishmentRequest,
    ) -> Result<Established, Refusal> {
        self.now += Duration::from_millis(100);
        self.sessions.establish(&smf(), 0, request, self.now)
    }

    pub(super) fn modify(
        &mut self,
        seid: u64,
        request: &SessionModificationRequest,
    ) -> Result<Vec<CreatedPdr>, Refusal> {
        self.now += Duration::from_millis(100);
        self.sessions
            .modify(&smf(), seid, request, self.now)
            .outcome
            .map(|modified| modified.created_pdrs)
    }

    pub(super) fn delete(&mut self, seid: u64) -> Result<(), Refusal> {
        self.now += Duration::from_millis(100);
        let request = SessionDeletionRequest::default();
        let answer = self.sessions.delete(&smf(), seid, &request, self.now);
        answer.outcome.map(|_| ())
    }

    /// Establishes and must succeed: our SEID.
    pub(super) fn established(&mut self, request: &SessionEstablishmentRequest) -> u64 {
        self.establish(request).unwrap().up_f_seid.seid
    }

    /// What is in force: the copy of rules that is not, peers and lists without users, and credit are blotted out.
    pub(super) fn state(&self) -> State {
        let mut tables = self.tables.with(|tables| tables.clone());
        // What was sent cannot be called back.
        tables.take_end_markers();
        for slot in (0..tables.capacity())
            .filter_map(|index| Some((index, *tables.slot(index)?)))
            .collect::<Vec<_>>()
        {
            let (index, mut record) = slot;
            for half in [&mut record.uplink, &mut record.downlink] {
                half.rules = [
                    half.rules[(half.state.version & 1) as usize],
                    Rules::default(),
                ];
                half.state.version = 0;
                // A change that is taken back may cost credit.
                half.state.full_at = 0;
            }
            record.tail.word %= abi::usage_flags::EPOCH;
            *tables.slot_mut(index).unwrap() = record;
        }
        for index in 0..tables.limits() {
            let record = tables.limit_mut(index).unwrap();
            (record.uplink.full_at, record.downlink.full_at) = (0, 0);
        }
        let books = &self.sessions.books;
        let peers = books.peers();
        let used: BTreeSet<_> = peers
            .users()
            .keys()
            .filter_map(|key| peers.index_of(key))
            .collect();
        for index in (0..tables.peers()).filter(|index| !used.contains(index)) {
            tables.write_peer(index, &Peer::default()).unwrap();
        }
        let used = self.lists();
        for index in (0..tables.lists()).filter(|index| !used.contains(index)) {
            tables.write_list(index, &RuleList::default()).unwrap();
        }
        self.clear_unused_usages(&mut tables);
        State {
            tables,
            books: books.snapshot(),
            bandwidth: self.sessions.bandwidth.clone(),
            sessions: self.living(),
            of_owner: self.sessions.of_owner.clone(),
            applications: self.sessions.applications.clone(),
            application_users: self.sessions.application_users.clone(),
            remotes: self.sessions.remotes.clone(),
            deadlines: self.sessions.deadlines.clone(),
        }
        .at_no_time(self.sessions.config.clock.instant)
    }

    /// What is not counted in is as it was left.
    fn clear_unused_usages(&self, tables: &mut MemoryDatapath) {
        let (mut records, mut sets) = (HashSet::new(), HashSet::new());
        for (seid, session) in &self.sessions.sessions {
            let seats = session.seating.usages().iter();
            records.extend(seats.filter_map(|seat| match seat.account {
                Account::Record(index) => Some(index.0),
                Account::Slot(_) => None,
            }));
            let detections = self.detections(*seid);
            let named = detections.iter();
            sets.extend(named.map(|detection| session.seating.usage_set(&detection.urrs)));
        }
        for index in 0..tables.usages() {
            // A change that is taken back raises the number.
            tables.usage_mut(index).unwrap().tail.word %= abi::usage_flags::EPOCH;
            if !records.contains(&index) {
                tables.reset_usage(UsageIndex(index)).unwrap();
            }
            if !sets.contains(&index) {
                tables.write_usage_set(index, &UsageSet::default()).unwrap();
            }
        }
    }

    fn living(&self) -> BTreeMap<u64, Session> {
        let mut sessions = self.sessions.sessions.clone();
        sessions.retain(|_, session| !self.sessions.endings.cover(session));
        sessions
    }

    /// What a session's PDRs come to.
    pub(super) fn detections(&self, seid: u64) -> Vec<Detection> {
        let session = &self.sessions.sessions[&seid];
        session
            .model
            .detections(&self.sessions.config, &session.basis)
    }

    /// The detections of one PDR.
    pub(super) fn detections_of(&self, seid: u64, pdr: u16) -> Vec<Detection> {
        let mut detections = self.detections(seid);
        detections.retain(|detection| detection.pdr == pdr);
        detections
    }

    /// The moment of a time of NTP.
    pub(super) fn ntp(&self, after: Duration) -> u32 {
        let clock = self.sessions.config.clock;
        let moment = self.now + after;
        let since = moment.duration_since(clock.instant).as_secs();
        clock.ntp_seconds.wrapping_add(since as u32)
    }

    /// The pages of all lists.
    fn lists(&self) -> HashSet<u32> {
        let seats = self
            .sessions
            .sessions
            .values()
            .flat_map(|session| &session.seating.seats);
        let first = seats
            .flat_map(|seat| [seat.list(Direction::Uplink), seat.list(Direction::Downlink)])
            .flatten();
        let pages = first.flat_map(|first| {
            let next = |page: &u32| {
                self.tables
                    .with(|tables| tables.list(*page).map(|page| page.next))
            };
            std::iter::successors(Some(first), move |page| {
                next(page).filter(|next| *next != NO_LIST)
            })
        });
        let mut pages: HashSet<_> = pages.collect();
        // Behind the list's come those of its entries.
        let of_entries = pages.iter().flat_map(|page| {
            let page = self.tables.with(|tables| *tables.list(*page).unwrap());
            page.entries.map(|entry| entry.rules.list)
        });
        let of_entries: Vec<_> = of_entries.filter(|page| *page != NO_LIST).collect();
        pages.extend(of_entries);
        pages
    }

    /// The tables work again, and what is owed to them is written.
    pub(super) fn settle(&mut self) {
        self.tables.set(Chaos::Never);
        while !self.sessions.books.settle(&mut self.tables).unwrap() {}
    }

    /// The same, and then what is due is done.
    pub(super) fn repair(&mut self) {
        self.settle();
        self.sessions.tick(self.now);
    }

    /// Until sessions that have ended are removed, and the others have followed their PFDs.
    pub(super) fn drain(&mut self) {
        let portion = std::mem::replace(&mut self.sessions.tick_portion, ALL);
        self.sessions.tick(self.now);
        let due = [self.sessions.passes.due(), self.sessions.endings.due()];
        if let Some(due) = due.into_iter().flatten().max() {
            // What tables could not take is tried again a little later.
            self.now = self.now.max(due);
            self.sessions.tick(self.now);
        }
        self.sessions.tick_portion = portion;
        assert!(self.sessions.endings.is_empty() && self.sessions.passes.due().is_none());
    }

    /// The rules in force of a half.
    pub(super) fn rules(&self, slot: SlotIndex, direction: Direction) -> Rules {
        self.tables.read_rules(slot, direction).unwrap()
    }

    /// Ticks a byte of the flow meter of rules that were found in this direction.
    pub(super) fn rate(&self, rules: &Rules, direction: Direction) -> u64 {
        self.tables.with(|tables| {
            let slot = tables.slot(rules.meter_slot).unwrap();
            match direction {
                Direction::Uplink => slot.uplink.state.ticks_per_byte,
                Direction::Downlink => slot.downlink.state.ticks_per_byte,
            }
        })
    }

    /// The rules that a packet with this TEID finds.
    pub(super) fn uplink(&self, teid: u32) -> Rules {
        let slot = self
            .slot_of_teid(teid)
            .unwrap_or_else(|| panic!("TEID {teid:#x} leads nowhere"));
        self.rules(slot, Direction::Uplink)
    }

    /// The rules that a packet to this address finds.
    pub(super) fn downlink(&self, instance: u32, address: &str) -> Rules {
        let slot = self.slot_of_address(instance, address.parse().unwrap());
        self.rules(
            slot.unwrap_or_else(|| panic!("{address} leads nowhere")),
            Direction::Downlink,
        )
    }

    /// The entries of a list, all its pages together.
    pub(super) fn list(&self, rules: &Rules) -> Vec<RuleListEntry> {
        assert_eq!(rules.verdict, abi::verdict::LIST);
        let (mut entries, mut next) = (Vec::new(), rules.list);
        while next != NO_LIST {
            let page = self.tables.with(|tables| *tables.list(next).unwrap());
            assert!(entries.len() <= MAX_LIST_ENTRIES, "a chain without end");
            entries.extend_from_slice(&page.entries[..page.len as usize]);
            next = page.next;
        }
        entries
    }

    pub(super) fn peer(&self, rules: &Rules) -> Peer {
        self.tables.with(|tables| *tables.peer(rules.peer).unwrap())
    }

    /// As the fast path does it.
    pub(super) fn slot_of_teid(&self, teid: u32) -> Option<SlotIndex> {
        let mask = (1 << index_bits(self.tables.capacity())) - 1;
        let direct = SlotIndex(teid & mask);
        let rules = self.tables.read_rules(direct, Direction::Uplink);
        if rules.is_ok_and(|rules| rules.teid == teid.to_be_bytes()) {
            return Some(direct);
        }
        self.tables
            .with(|tables| tables.teid(teid.to_be_bytes()))
            .map(SlotIndex)
    }

    /// As the fast path does it: the block alone decides if it has slots.
    pub(super) fn slot_of_address(&self, instance: u32, address: IpAddr) -> Option<SlotIndex> {
        let pools = &self.sessions.config.pools;
        let place = pools.block_of(instance, address);
        self.tables.with(|tables| {
            let by_block = place.and_then(|(block, place)| Some(tables.block(block)? + place));
            by_block
                .or_else(|| tables.ue_address(&ue_key(instance, address)))
                .map(SlotIndex)
        })
    }

    /// A limit's record.
    pub(super) fn record(&self, index: LimitIndex) -> Limit {
        self.tables.with(|tables| *tables.limit(index.0).unwrap())
    }

    /// What a record demands in both directions.
    fn settings(&self, index: LimitIndex) -> Both<LimitSetting> {
        let record = self.record(index);
        let setting = |half: LimitDirection| LimitSetting {
            ticks_per_byte: half.ticks_per_byte,
            depth: half.depth,
            parent: (half.parent != abi::NO_LIMIT).then_some(LimitIndex(half.parent)),
            level: half.level,
            flags: half.flags,
            class: half.class,
        };
        Both {
            uplink: setting(record.uplink),
            downlink: setting(record.downlink),
        }
    }

    /// A session with PDRs is one of its SIM's, as soon as SIMs have limits and it has come under them.
    fn check_sim_of(&self, session: &Session, has_pdrs: bool) {
        let is_on_its_way = self.sessions.entry.is_some() || session.owed.is_some();
        let has_limits = self.sessions.bandwidth.is_in_use() && has_pdrs;
        let imsi = session.about.imsi().filter(|_| has_limits);
        let imsi = imsi.and_then(|imsi| imsi.parse::<Imsi>().ok());
        assert!(is_on_its_way || session.seating.sim() == imsi);
    }

    /// Records that nobody has are empty, and no two have the same one.
    fn check_unused_limits(&self) {
        let books = &self.sessions.books;
        let named = books.limits().map(|(_, _, index, _)| index);
        let sims = books.sims().map(|(_, sim)| sim.index);
        let customers = books.customers().map(|(_, customer)| customer.index);
        let all: Vec<_> = named.chain(sims).chain(customers).collect();
        let used: HashSet<_> = all.iter().copied().collect();
        assert_eq!(
            (all.len(), books.used_limits() as usize),
            (used.len(), used.len())
        );
        for index in (0..self.tables.limits()).map(LimitIndex) {
            if !used.contains(&index) {
                assert_eq!(self.record(index), Limit::default(), "{index:?}");
            }
        }
    }

    fn check_slots(&self) {
        let mut slots = SlotsByOwner::default();
        for session in self.sessions.sessions.values() {
            assert_eq!(session.slots as usize, session.seating.seats.len());
            slots.change(&session.owner, 0, session.slots);
        }
        assert_eq!(self.sessions.slots_by_owner, slots);
    }

    fn check_weights(&self) {
        let sessions = self.sessions.sessions.values();
        let weigh = |session: &Session| {
            let weight = session.model.weight() + session.about.weight();
            assert_eq!(session.weight, weight);
            weight
        };
        assert_eq!(self.sessions.weight, sessions.map(weigh).sum::<usize>());
    }

    /// The tables contain exactly what the sessions imply, and nothing is shared but what is meant to be.
    pub(super) fn check(&self) {
        let mut implied = Implied::default();
        for (seid, session) in &self.sessions.sessions {
            implied.add_seats(self, session);
            let compiler = self.sessions.compiler(*seid, session);
            let image = compiler.image(&session.seating, &self.sessions.books);
            implied.add_image(self, &image.unwrap(), session.seating.sim());
            implied.add_sim(*seid, session);
            self.check_sim_of(session, !compiler.detections.is_empty());
            implied.add_wanted(*seid, &compiler.wanted());
            for seat in &session.seating.seats {
                assert_eq!(self.sessions.books.holder(seat.slot), Some(*seid));
                implied.held += 1;
            }
            implied.add_remotes(session);
        }
        let slots = (0..self.tables.capacity()).map(SlotIndex);
        let held = slots.filter_map(|slot| self.sessions.books.holder(slot));
        assert_eq!(held.count(), implied.held);
        let peers: Vec<_> = implied.owners.values().flatten().copied().collect();
        let owners = implied.owners.clone().into_iter();
        let owners: Vec<_> = owners
            .map(|(owner, used)| (owner, Vec::from_iter(used)))
            .collect();
        assert_eq!(self.sessions.owners_of_peers(&peers), owners);
        implied.check_limits(self);
        implied.check_sims(self);
        self.check_unused_limits();
        self.check_weights();
        self.check_slots();
        for index in 0..self.tables.capacity() {
            for direction in [Direction::Uplink, Direction::Downlink] {
                let half = (index, direction == Direction::Uplink);
                let expected = implied.halves.get(&half).copied().unwrap_or_default();
                let found = self.rules(SlotIndex(index), direction);
                assert_eq!(found, expected, "{half:?}");
                let expected = implied.rates.get(&half).copied();
                let expected = expected.map_or((0, 0), |rate| (rate.ticks_per_byte, rate.depth));
                assert_eq!(self.rate_in(index, direction), expected, "{half:?}");
            }
        }
        assert_eq!(
            self.tables.with(|tables| tables.hash_entries()),
            implied.hashed
        );
        assert_eq!(
            self.tables.with(|tables| tables.framed_entries()),
            implied.framed
        );
        let books = &self.sessions.books;
        assert_eq!(books.used_slots() as usize, implied.slots.len());
        assert_eq!(books.duplicates(), implied.copies);
        assert_eq!(*books.allocated(), implied.allocated);
        implied
            .named
            .retain(|endpoint, _| books.is_of_pool(*endpoint));
        assert_eq!(*books.named(), implied.named);
        let peers = books.peers();
        for key in peers.users().keys() {
            let index = peers.index_of(key).unwrap();
            assert_eq!(
                self.tables.with(|tables| *tables.peer(index).unwrap()),
                key.record()
            );
        }
    }

    /// Ticks a byte and depth of a meter.
    pub(super) fn rate_in(&self, slot: u32, direction: Direction) -> (u64, u64) {
        self.tables.with(|tables| {
            let slot = tables.slot(slot).unwrap();
            let half = match direction {
                Direction::Uplink => &slot.uplink,
                Direction::Downlink => &slot.downlink,
            };
            (half.state.ticks_per_byte, half.state.depth)
        })
    }
}

/// What the sessions imply for the tables. Halves are named by slot, and whether it is the uplink one.
#[derive(Default)]
struct Implied {
    halves: BTreeMap<(u32, bool), Rules>,
    rates: BTreeMap<(u32, bool), Rate>,
    slots: HashSet<SlotIndex>,
    /// Slots of sessions.
    held: usize,
    /// Whose sessions send to which GTP-U peers.
    owners: BTreeMap<NodeId, BTreeSet<IpAddr>>,
    teids: HashSet<u32>,
    /// Entries of the hash maps.
    hashed: (usize, usize),
    framed: usize,
    /// How many sessions have each limit, where it leads in each direction that they use, and what they ask.
    limits: BTreeMap<LimitKey, (u32, Vec<Asked>)>,
    /// The sessions of each SIM.
    sims: BTreeMap<Imsi, BTreeSet<u64>>,
    /// How many sessions have copies sent to each set of places.
    copies: BTreeMap<Vec<Duplicate>, u32>,
    /// UE addresses that we handed out, and to which session.
    allocated: HashMap<UeEndpoint, u64>,
    /// How many sessions send from each address that they are not reached by.
    named: HashMap<UeEndpoint, u32>,
}

impl Implied {
    fn add_seats(&mut self, world: &World, session: &Session) {
        for seat in &session.seating.seats {
            assert!(self.slots.insert(seat.slot), "{:?} is shared", seat.slot);
            if let Some(tunnel) = seat.tunnel {
                let is_new = self.teids.insert(tunnel.teid);
                assert!(is_new && tunnel.teid != 0, "{:#x}", tunnel.teid);
                self.hashed.0 += usize::from(matches!(tunnel.key, TunnelKey::Given(_)));
                assert_eq!(world.slot_of_teid(tunnel.teid), Some(seat.slot));
            }
            if let Some(address) = seat.address {
                let endpoint = address.endpoint;
                let found = world.slot_of_address(endpoint.instance, endpoint.address);
                assert_eq!(found, Some(seat.slot), "{endpoint:?}");
                let key = ue_key(endpoint.instance, endpoint.address);
                self.hashed.1 += usize::from(world.tables.with(|t| t.ue_address(&key).is_some()));
            }
        }
        for (route, slot) in session.seating.framed_routes() {
            let (_, key) = network_key(route.instance, route.net);
            let found = world.tables.with(|t| t.framed(route.instance, key.address));
            assert_eq!(found, Some(slot.0), "{route:?}");
            self.framed += 1;
        }
    }

    fn add_image(&mut self, world: &World, image: &Image, sim: Option<Imsi>) {
        for program in &image.programs {
            let half = (program.slot.0, program.direction == Direction::Uplink);
            let other = self.halves.insert(half, program.rules);
            assert_eq!(other, None, "{half:?} is shared");
            self.check_pages(world, program);
        }
        for meter in &image.meters {
            let half = (meter.slot.0, meter.direction == Direction::Uplink);
            let other = self.rates.insert(half, meter.rate);
            assert_eq!(other, None, "the meter of {half:?} is shared");
        }
        let mut keys = BTreeSet::new();
        for limit in &image.limits {
            let (users, asked) = self.limits.entry(limit.key.clone()).or_default();
            *users += u32::from(keys.insert(&limit.key));
            asked.push(Asked {
                direction: limit.direction,
                setting: limit.setting,
                next: limit.next.clone(),
                sim,
            });
        }
    }

    /// The list that rules lead to, and the rules beyond a quota that they or its entries lead to.
    fn check_pages(&self, world: &World, program: &Program) {
        let beyond = |rules: &Rules| {
            let page = world.tables.with(|tables| tables.list(rules.list).copied());
            page.map(|page| (page.next, page.entries[0].rules))
        };
        let wanted = |place: u32| {
            let rules = program.beyond_quota.get(place as usize);
            rules.map(|rules| (NO_LIST, *rules))
        };
        if program.list.is_empty() {
            let is_none = program.rules.list == NO_LIST;
            assert_eq!(is_none, program.beyond_quota.is_empty());
            assert_eq!(beyond(&program.rules), wanted(0));
            return;
        }
        let list = world.list(&program.rules);
        assert_eq!(list.len(), program.list.len());
        for (mut found, expected) in list.into_iter().zip(&program.list) {
            assert_eq!(beyond(&found.rules), wanted(expected.rules.list));
            found.rules.list = expected.rules.list;
            assert_eq!(found, *expected);
        }
    }

    fn add_remotes(&mut self, session: &Session) {
        let fars = session.model.fars.iter();
        for tunnel in fars.flat_map(|far| far.remote_tunnels()) {
            let used = self.owners.entry(session.owner.clone()).or_default();
            used.insert(tunnel.address);
        }
    }

    fn add_wanted(&mut self, seid: u64, wanted: &Wanted) {
        for set in &wanted.duplicates {
            *self.copies.entry(set.to_vec()).or_default() += 1;
        }
        for endpoint in &wanted.named {
            *self.named.entry(*endpoint).or_default() += 1;
        }
        for endpoint in &wanted.allocated {
            let other = self.allocated.insert(*endpoint, seid);
            assert_eq!(other, None, "{endpoint:?} is shared");
        }
    }

    fn add_sim(&mut self, seid: u64, session: &Session) {
        if let Some(imsi) = session.seating.sim() {
            assert_eq!(session.about.imsi(), Some(&*imsi.to_string()));
            self.sims.entry(imsi).or_default().insert(seid);
        }
    }

    /// What is in force was asked for by one of those who share the limit, or by one who left; and it leads where all
    /// of them want it to.
    fn check_limits(&mut self, world: &World) {
        let books = &world.sessions.books;
        for (key, users, index, in_force) in books.limits() {
            let (sessions, asked) = self.limits.remove(key).unwrap();
            assert_eq!(users, sessions, "{key:?}");
            let settings = world.settings(index);
            let found = [settings.uplink, settings.downlink];
            assert_eq!(found, in_force.map(Option::unwrap_or_default), "{key:?}");
            let sim = asked.iter().find_map(|asked| asked.sim);
            let sim = sim.map(|imsi| books.sim(imsi).unwrap().index);
            for asked in asked {
                let setting = *settings.of(asked.direction);
                let next = asked
                    .next
                    .as_ref()
                    .map(|next| books.limit_index(next).unwrap());
                assert_eq!(setting.parent, next.or(sim), "{key:?}");
                let kind = |setting: LimitSetting| (setting.level, setting.flags, setting.class);
                assert_eq!(kind(setting), kind(asked.setting), "{key:?}");
                if key.level() == abi::level::FLOW {
                    assert_eq!(setting.ticks_per_byte, asked.setting.ticks_per_byte);
                }
            }
        }
        assert!(self.limits.is_empty(), "{:?}", self.limits);
    }

    /// SIMs and customers have what the registry says.
    fn check_sims(&mut self, world: &World) {
        let Sessions {
            books, bandwidth, ..
        } = &world.sessions;
        let mut customers: BTreeMap<CustomerId, u32> = BTreeMap::new();
        for (imsi, sim) in books.sims() {
            assert_eq!(
                self.sims.remove(&imsi),
                Some(sim.sessions.clone()),
                "{imsi}"
            );
            let assigned = bandwidth.assignment(imsi);
            let customer = assigned.and_then(|assigned| assigned.customer.clone());
            let customer = customer.or_else(|| sim.by_rule.clone());
            assert_eq!(sim.customer, customer, "{imsi}");
            let class = bandwidth.entitlement(imsi, None).class;
            let terms = sims::terms(bandwidth, class, customer.clone());
            let parent = customer.map(|id| {
                *customers.entry(id.clone()).or_default() += 1;
                books.customer(&id).unwrap().index
            });
            let with_parent = |setting| LimitSetting { parent, ..setting };
            let expected = Both {
                uplink: with_parent(terms.settings.uplink),
                downlink: with_parent(terms.settings.downlink),
            };
            assert_eq!(sim.settings, expected, "{imsi}");
            assert_eq!(world.settings(sim.index), expected, "{imsi}");
        }
        assert!(self.sims.is_empty(), "{:?}", self.sims);
        for (id, customer) in books.customers() {
            assert_eq!(customers.remove(id), Some(customer.sims), "{id:?}");
            let terms = sims::terms(bandwidth, None, Some(id.clone()));
            let expected = terms.customer.unwrap().settings;
            assert_eq!(customer.settings, expected, "{id:?}");
            assert_eq!(world.settings(customer.index), expected, "{id:?}");
        }
        assert!(customers.is_empty(), "{customers:?}");
    }
}

/// What a session asks of one direction of a limit.
#[derive(Debug)]
struct Asked {
    direction: Direction,
    setting: LimitSetting,
    next: Option<LimitKey>,
    sim: Option<Imsi>,
}

pub(super) fn config(text: &str) -> SessionsConfig {
    SessionsConfig::new(&Config::parse(text).unwrap()).unwrap()
}

/// The TEID in a Created PDR.
pub(super) fn teid_of(created: &[CreatedPdr], pdr: u16) -> u32 {
    let created = created.iter().find(|created| created.id == pdr);
    match created
        .unwrap_or_else(|| panic!("no Created PDR {pdr}"))
        .f_teid
    {
        Some(crate::pfcp::ie::FTeid::Given { teid, ipv4, .. }) => {
            assert_eq!(ipv4.unwrap().octets(), GTPU);
            teid
        }
        other => panic!("{other:?}"),
    }
}
