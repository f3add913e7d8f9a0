//! Nothing that leaves is lost, and nothing is told twice: random traffic over random sessions, which change, move and end, and whose
//! URRs come, go and move between the counters of slots and records. Messages of control planes in, packets by the packet logic on
//! this host, reports by answers and by the outbox: their sum is what has left, for each session, URR and direction, to the byte.

mod author;
mod plan;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bench::gtpu::GPdu;
use bench::packets::Action;
use bench::packets::frames::{from_gnb, from_router, ipv4, udp};
use bench::packets::host::{Buffer, HostTables};
use bench::packets::sessions::{INSTANCES, take_back, world_of};
use bench::packets::world::{
    ENTRIES, GNB, PAGES, PEER_MAC, ROUTER_MAC, SERVER, SLOTS, World, route,
};
use etherparse::IpNumber;
use rand::rngs::{SmallRng, StdRng};
use rand::{Rng as _, SeedableRng as _};
use upf_common::abi::{RouteEntry, UsageEvent, mapped};
use upf_user::config::Config;
use upf_user::datapath::chaos::ChaosDatapath;
use upf_user::datapath::memory::{MemoryDatapath, Sizes};
use upf_user::datapath::{Account, MapsId, Reached};
use upf_user::pfcp::ie::{Cause, FTeid, NodeId, sm_request_flags};
use upf_user::pfcp::message::{CreatedPdr, SessionDeletionRequest, UsageReport};
use upf_user::pfcp::service::{SessionService as _, UsageOutcome};
use upf_user::reports::Outbox;
use upf_user::session::{Sessions, SessionsConfig};
use upf_user::store::ReportStore;
use upf_user::testing::amount;

use author::{Author, PORTS};
use plan::{OTHER_GNB, Session};

/// Virtual time of one seed, at least.
const TIME: Duration = Duration::from_secs(300);
const MOST_SESSIONS: usize = 4;
const UE_PORT: u16 = 40_000;
const CONFIG: &str = r#"
[node]
id = "10.100.0.9"
[pfcp]
listen = "10.100.0.9:8805"
allow = ["10.100.0.0/24"]
[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2"]
[[interface]]
device = "n6"
role = "core"
network_instance = "internet"
[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/24"
"#;

/// Packets and bytes, uplink and downlink.
type Sums = [[u64; 2]; 2];

/// What a URR should have reported, and what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Book {
    left: Sums,
    reported: Sums,
}

/// What has been seen of all that there is.
#[derive(Debug, Default)]
struct Tally {
    left: u64,
    dropped: u64,
    answers: u64,
    reports: u64,
    refused: u64,
    bytes: u64,
}

/// A user plane, its control plane, and the books.
struct Run {
    config: SessionsConfig,
    room: Sessions<ChaosDatapath<MemoryDatapath>>,
    tables: ChaosDatapath<MemoryDatapath>,
    author: Author,
    begin: Instant,
    now: Instant,
    sessions: Vec<Session>,
    /// By the control plane's SEID and URR ID.
    books: BTreeMap<(u64, u32), Book>,
    /// What the agent has not heard yet.
    events: Vec<UsageEvent>,
    is_away: bool,
    /// When the control plane took reports last. Of very many it takes some later.
    collected: Instant,
    number: u64,
    tally: Tally,
    _state: tempfile::TempDir,
}

fn owner() -> NodeId {
    NodeId::Address(IpAddr::from([10, 100, 0, 1]))
}

impl Run {
    fn new(seed: u64) -> Result<Self> {
        let config = SessionsConfig::new(&Config::parse(CONFIG).expect("a sound config"))?;
        let tables = ChaosDatapath::new(MemoryDatapath::new(Sizes {
            slots: SLOTS,
            blocks: config.pools.blocks(),
            peers: ENTRIES,
            lists: PAGES,
            limits: 8,
            usages: 256,
        }));
        let mut random = SmallRng::seed_from_u64(seed);
        let own = StdRng::seed_from_u64(random.random());
        let mut room = Sessions::with_random(config.clone(), tables.clone(), own);
        let state = tempfile::tempdir()?;
        let outbox = Outbox::open(ReportStore::open(state.path())?, None, 0)?;
        room.keep_in(outbox, MapsId(1));
        Ok(Self {
            author: Author {
                random,
                ntp_seconds: config.clock.ntp_seconds,
            },
            begin: config.clock.instant,
            now: config.clock.instant,
            collected: config.clock.instant,
            config,
            room,
            tables,
            sessions: Vec::new(),
            books: BTreeMap::new(),
            events: Vec::new(),
            is_away: false,
            number: 0,
            tally: Tally::default(),
            _state: state,
        })
    }

    /// Time passes, and traffic, and the agent hears of both.
    fn step(&mut self) -> Result<()> {
        let millis = self.author.pick(&[0, 1, 20, 300, 1000, 3000]);
        let millis = self.author.random.random_range(0..=millis);
        self.now += Duration::from_millis(millis);
        let elapsed = self.now - self.begin;
        self.author.ntp_seconds = self
            .config
            .clock
            .ntp_seconds
            .wrapping_add(elapsed.as_secs() as u32);
        if self.author.chance(90) {
            self.traffic()?;
        }
        if self.author.chance(85) {
            self.hear();
        }
        if self.author.chance(90) {
            self.room.tick(self.now);
        }
        if self.author.chance(5) {
            self.is_away = !self.is_away;
        }
        self.collect()?;
        if self.author.chance(40) {
            self.control()?;
        }
        self.collect()
    }

    /// The control plane does something.
    fn control(&mut self) -> Result<()> {
        let living = self.living();
        let choice = self.author.random.random_range(0..100);
        if living.is_empty() || choice < 8 && self.sessions.len() < MOST_SESSIONS {
            return self.establish();
        }
        let at = self.author.pick(&living);
        match choice {
            8..12 => self.delete(at),
            12..14 => self.release(),
            _ => self.modify(at),
        }
    }

    fn living(&self) -> Vec<usize> {
        let all = 0..self.sessions.len();
        all.filter(|at| !self.sessions[*at].has_ended).collect()
    }

    fn establish(&mut self) -> Result<()> {
        let free = (1..100).map(|last| Ipv4Addr::new(10, 45, 0, last));
        let is_free = |ue: &Ipv4Addr| {
            let mut living = self.sessions.iter().filter(|one| !one.has_ended);
            !living.any(|one| one.ue == *ue)
        };
        let ue = free.into_iter().find(is_free).context("no address")?;
        self.number += 1;
        let (mut session, urrs) = self.author.session(self.number, ue);
        let request = session.request(&urrs);
        match self.room.establish(&owner(), 0, &request, self.now) {
            Ok(established) => {
                session.seid = established.up_f_seid.seid;
                session.take_teid(&established.created_pdrs);
                // It may have the address of one that has ended, which is gone from the tables then.
                self.sessions.retain(|one| one.ue != ue);
                self.sessions.push(session);
            }
            Err(refusal) => {
                let about = format!("{refusal:?} of {request:?}");
                self.refused(refusal.cause).context(about)?;
            }
        }
        Ok(())
    }

    fn modify(&mut self, at: usize) -> Result<()> {
        let mut session = self.sessions[at].clone();
        let request = self.author.change(&mut session);
        let seid = session.seid;
        let answer = self.room.modify(&owner(), seid, &request, self.now);
        let modified = match answer.outcome {
            Ok(modified) => modified,
            Err(refusal) => {
                let about = format!("{refusal:?} of {request:?}");
                return self.refused(refusal.cause).context(about);
            }
        };
        session.take_teid(&modified.created_pdrs);
        let number = session.number;
        self.book(number, &modified.usage_reports)?;
        self.tally.answers += modified.usage_reports.len() as u64;
        self.sessions[at] = session;
        self.collect()?;
        let asks_all = request.flags & sm_request_flags::QAURR != 0;
        for id in &request.remove_urrs {
            self.settled(number, *id)
                .with_context(|| format!("{request:?}"))?;
        }
        if asks_all {
            let ids: Vec<_> = self.sessions[at].urrs.keys().copied().collect();
            for id in ids {
                self.settled(number, id)
                    .with_context(|| format!("{request:?}"))?;
            }
        }
        Ok(())
    }

    fn delete(&mut self, at: usize) -> Result<()> {
        let session = self.sessions.swap_remove(at);
        let request = SessionDeletionRequest::default();
        let answer = self.room.delete(&owner(), session.seid, &request, self.now);
        let Ok(deleted) = answer.outcome else {
            bail!("a session cannot be deleted: {:?}", answer.outcome);
        };
        self.book(session.number, &deleted.usage_reports)?;
        self.tally.answers += deleted.usage_reports.len() as u64;
        self.collect()?;
        self.all_settled(session.number)
    }

    /// The association is gone, and all its sessions with it; what they have in the tables goes later.
    fn release(&mut self) -> Result<()> {
        self.room.delete_all(&owner(), self.now);
        for session in &mut self.sessions {
            session.has_ended = true;
        }
        if self.author.chance(70) {
            self.traffic()?;
        }
        if self.author.chance(50) {
            self.establish()?;
        }
        for _ in 0..1000 {
            self.room.tick(self.now);
        }
        self.sessions.retain(|session| !session.has_ended);
        ensure!(self.room.len() == self.sessions.len());
        self.is_away = false;
        self.collect()?;
        let living: Vec<_> = self.sessions.iter().map(|one| one.number).collect();
        for number in 1..=self.number {
            if !living.contains(&number) {
                self.all_settled(number)?;
            }
        }
        Ok(())
    }

    fn refused(&mut self, cause: Cause) -> Result<()> {
        ensure!(cause == Cause::NoResourcesAvailable, "{cause:?}");
        self.tally.refused += 1;
        Ok(())
    }

    /// The agent hears what the fast path tells.
    fn hear(&mut self) {
        for event in std::mem::take(&mut self.events) {
            let account = Account::of_event(event.account);
            if let Some(what) = Reached::of_event(event.kind) {
                self.room.usage_reached(account, what, self.now);
            }
        }
    }

    /// The control plane takes the reports that are made by themselves, unless it is away: all that there are, when its turn comes.
    fn collect(&mut self) -> Result<()> {
        self.room.take_usage_owners();
        if self.is_away {
            return Ok(());
        }
        let mut now = self.now.max(self.collected);
        while let Some(due) = self.room.usage_request_due(&owner(), now) {
            now = now.max(due);
            while let Some(request) = self.room.next_usage_request(&owner(), now) {
                let report = request.report;
                self.book(report.cp_seid, &report.request.usage)?;
                self.tally.reports += report.request.usage.len() as u64;
                let outcome = UsageOutcome::Answered {
                    cause: Cause::RequestAccepted,
                    cp_seid: None,
                };
                self.room.usage_request_done(request.id, outcome, now);
            }
        }
        self.collected = now;
        Ok(())
    }

    fn book(&mut self, number: u64, reports: &[UsageReport]) -> Result<()> {
        for report in reports {
            let book = self.books.entry((number, report.urr_id)).or_default();
            let Some(volume) = report.volume else {
                continue;
            };
            let figures = [
                [volume.packets.uplink, volume.octets.uplink],
                [volume.packets.downlink, volume.octets.downlink],
            ];
            for (sum, more) in book
                .reported
                .iter_mut()
                .flatten()
                .zip(figures.as_flattened())
            {
                *sum += more.with_context(|| format!("a figure is missing: {report:?}"))?;
            }
        }
        Ok(())
    }

    /// All that has left for a URR has been reported.
    fn settled(&self, number: u64, urr: u32) -> Result<()> {
        let book = self.books.get(&(number, urr)).copied().unwrap_or_default();
        ensure!(
            self.is_away || book.left == book.reported,
            "session {number}, URR {urr}: {book:?}"
        );
        Ok(())
    }

    fn all_settled(&self, number: u64) -> Result<()> {
        let urrs = self.books.range((number, 0)..=(number, u32::MAX));
        urrs.map(|(key, _)| key.1)
            .try_for_each(|urr| self.settled(number, urr))
    }

    /// A burst of packets.
    fn traffic(&mut self) -> Result<()> {
        if self.sessions.is_empty() {
            return Ok(());
        }
        let world = self.tables.with(|tables| world_of(&self.config, tables));
        let host = HostTables::new(&with_routes(world));
        let now_ns = 1_000_000_000 + (self.now - self.begin).as_nanos() as u64;
        host.now_ns.set(now_ns);
        for _ in 0..self.author.random.random_range(1..20) {
            self.packet(&host)?;
        }
        ensure!(host.questions.get() == 0, "a way is not known");
        self.events.extend(host.usage_events.take());
        self.tables.with(|tables| {
            tables.set_time(now_ns);
            take_back(&host, tables);
        });
        Ok(())
    }

    fn packet(&mut self, host: &HostTables) -> Result<()> {
        let at = self.author.random.random_range(0..self.sessions.len());
        let session = &self.sessions[at];
        let is_uplink = self.author.random.random_bool(0.5);
        let port = self.author.pick(&PORTS);
        let payload = vec![7; self.author.random.random_range(0..1300)];
        let bytes = 28 + payload.len() as u64;
        let frame = if is_uplink {
            let datagram = udp(UE_PORT, port, &payload);
            let packet = ipv4(session.ue, SERVER, IpNumber::UDP, &datagram, |_| ());
            let message = GPdu {
                teid: session.teid,
                qfi: None,
                payload: &packet,
            };
            from_gnb(&message.to_uplink_bytes())
        } else {
            let datagram = udp(port, UE_PORT, &payload);
            from_router(&ipv4(SERVER, session.ue, IpNumber::UDP, &datagram, |_| ()))
        };
        let has_left = match host.take(&mut Buffer::new(&frame)) {
            Action::Transmit => true,
            Action::Drop => false,
            other => bail!("{other:?}"),
        };
        self.account(at, is_uplink, port, bytes, has_left)
    }

    /// What a packet counts for, as the rules were sent.
    fn account(
        &mut self,
        at: usize,
        is_uplink: bool,
        port: u16,
        bytes: u64,
        has_left: bool,
    ) -> Result<()> {
        let session = &self.sessions[at];
        let pdr = session.finds(is_uplink, port).context("a default PDR")?;
        let urrs = pdr.urrs.iter();
        let urrs: Vec<_> = urrs
            .filter_map(|id| Some((*id, session.urrs.get(id)?)))
            .collect();
        let may_pass = pdr.forwards && pdr.is_gate_open;
        ensure!(!has_left || may_pass, "a packet has left: {pdr:?}");
        let may_stop = urrs.iter().any(|(_, urr)| urr.may_stop);
        ensure!(
            has_left || !may_pass || may_stop,
            "a packet was dropped: {pdr:?}"
        );
        let is_held_back = pdr.forwards && !pdr.is_gate_open;
        self.tally.left += u64::from(has_left);
        self.tally.dropped += u64::from(!has_left);
        self.tally.bytes += if has_left { bytes } else { 0 };
        for (id, urr) in urrs {
            let counts = has_left || is_held_back && urr.is_before_qos;
            let book = self.books.entry((session.number, id)).or_default();
            if counts && urr.is_active {
                let [packets, octets] = &mut book.left[usize::from(!is_uplink)];
                *packets += 1;
                *octets += bytes;
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        let mut steps = 0;
        while self.now - self.begin < TIME {
            steps += 1;
            let elapsed = self.now - self.begin;
            self.step()
                .with_context(|| format!("step {steps}, after {elapsed:?}"))?;
        }
        self.is_away = false;
        self.hear();
        self.collect()?;
        while !self.sessions.is_empty() {
            self.delete(0).context("at the end")?;
        }
        ensure!(self.room.is_empty());
        for number in 1..=self.number {
            self.all_settled(number).context("at the end")?;
        }
        Ok(())
    }
}

impl Session {
    /// The tunnel that was given to it last.
    fn take_teid(&mut self, created: &[CreatedPdr]) {
        for pdr in created {
            if let Some(FTeid::Given { teid, .. }) = pdr.f_teid {
                self.teid = teid;
            }
        }
    }
}

/// Ways to all hosts are remembered.
fn with_routes(mut world: World) -> World {
    let hosts = [(GNB, PEER_MAC), (OTHER_GNB, PEER_MAC), (SERVER, ROUTER_MAC)];
    for (host, mac) in hosts {
        let from = |from_instance| RouteEntry {
            from_instance,
            ..route(mapped(host.octets()), mac)
        };
        world.routes.extend(INSTANCES.map(from));
    }
    world
}

#[test]
fn the_sum_of_all_reports_is_what_has_left() -> Result<()> {
    let mut tally = Tally::default();
    for seed in 0..amount(4, 300) {
        let mut run = Run::new(seed)?;
        run.run().with_context(|| format!("seed {seed}"))?;
        tally.left += run.tally.left;
        tally.dropped += run.tally.dropped;
        tally.answers += run.tally.answers;
        tally.reports += run.tally.reports;
        tally.refused += run.tally.refused;
        tally.bytes += run.tally.bytes;
    }
    println!("{tally:?}");
    assert!(tally.left > 5000 && tally.dropped > 500, "{tally:?}");
    assert!(tally.answers > 500 && tally.reports > 500, "{tally:?}");
    assert!(tally.refused < 50, "{tally:?}");
    Ok(())
}
