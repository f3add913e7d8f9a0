//! Nothing that leaves is lost, and nothing is told twice: random traffic over random sessions, which change, move and end, and whose
//! URRs come, go and move between the counters of slots and records. Messages of control planes in, packets by the packet logic on
//! this host, reports by answers and by the outbox: their sum is what has left, for each session, URR and direction, to the byte.

mod author;
mod books;
mod control;
mod plan;
mod traffic;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bench::packets::world::{ENTRIES, PAGES, SLOTS};
use rand::rngs::{SmallRng, StdRng};
use rand::{Rng as _, SeedableRng as _};
use upf_common::abi::UsageEvent;
use upf_user::config::Config;
use upf_user::datapath::MapsId;
use upf_user::datapath::chaos::ChaosDatapath;
use upf_user::datapath::memory::{MemoryDatapath, Sizes};
use upf_user::pfcp::ie::NodeId;
use upf_user::reports::Outbox;
use upf_user::session::{Sessions, SessionsConfig};
use upf_user::store::SessionStore;
use upf_user::testing::amount;

use author::Author;
use books::Book;
use plan::Session;

/// Virtual time of one seed, at least.
const TIME: Duration = Duration::from_secs(300);
const MOST_SESSIONS: usize = 4;
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
        let outbox = Outbox::open(SessionStore::open(state.path())?, None, 0)?;
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
