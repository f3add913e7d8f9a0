//! Sessions over tables in memory that can be told to fail, and what must hold for them at any time.

use crate::pfcp::message::SessionDeletionRequest;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use upf_common::abi::{self, Peer, RuleList, Rules};

use super::requests::smf;
use crate::config::Config;
use crate::datapath::chaos::{Chaos, ChaosDatapath};
use crate::datapath::memory::{MemoryDatapath, Sizes};
use crate::datapath::slots::{TunnelKey, index_bits, ue_key};
use crate::datapath::{Datapath, Direction, SlotIndex};
use crate::pfcp::message::{
    CreatedPdr, Refusal, SessionEstablishmentRequest, SessionModificationRequest,
};
use crate::pfcp::service::{Established, SessionService};
use crate::session::{Session, Sessions, SessionsConfig};

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
ipv4 = "10.45.0.0/16"
"#;
pub(super) const GTPU: [u8; 4] = [10, 1, 0, 2];

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
    sessions: BTreeMap<u64, Session>,
}

impl State {
    pub(super) fn has_same_tables(&self, other: &Self) -> bool {
        self.tables == other.tables && self.books == other.books
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_slots(1024)
    }

    pub(super) fn with_slots(slots: u32) -> Self {
        let config = SessionsConfig::new(&Config::parse(CONFIG).unwrap()).unwrap();
        let tables = ChaosDatapath::new(MemoryDatapath::new(Sizes {
            slots,
            blocks: config.pools.blocks(),
            peers: 16,
            lists: 64,
        }));
        let random = StdRng::seed_from_u64(1);
        Self {
            sessions: Sessions::with_random(config, tables.clone(), random),
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

    /// What is in force: the copy of rules that is not, and peers and lists without users, are blotted out.
    pub(super) fn state(&self) -> State {
        let mut tables = self.tables.with(|tables| tables.clone());
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
            }
            *tables.slot_mut(index).unwrap() = record;
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
        State {
            tables,
            books: books.snapshot(),
            sessions: self.sessions.sessions.clone(),
        }
    }

    fn lists(&self) -> HashSet<u32> {
        let seats = self
            .sessions
            .sessions
            .values()
            .flat_map(|session| &session.seating.seats);
        seats
            .flat_map(|seat| [seat.list(Direction::Uplink), seat.list(Direction::Downlink)])
            .flatten()
            .collect()
    }

    /// The tables work again, and what is owed to them is written.
    pub(super) fn repair(&mut self) {
        self.tables.set(Chaos::Never);
        self.sessions.books.settle(&mut self.tables).unwrap();
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

    pub(super) fn list(&self, rules: &Rules) -> RuleList {
        assert_eq!(rules.verdict, abi::verdict::LIST);
        self.tables.with(|tables| *tables.list(rules.list).unwrap())
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
    pub(super) fn slot_of_address(
        &self,
        instance: u32,
        address: std::net::IpAddr,
    ) -> Option<SlotIndex> {
        let pools = &self.sessions.config.pools;
        let place = pools.block_of(instance, address);
        self.tables.with(|tables| {
            let by_block = place.and_then(|(block, place)| Some(tables.block(block)? + place));
            by_block
                .or_else(|| tables.ue_address(&ue_key(instance, address)))
                .map(SlotIndex)
        })
    }

    /// The tables contain exactly what the sessions imply, and nothing is shared.
    pub(super) fn check(&self) {
        let mut halves: BTreeMap<(u32, bool), Rules> = BTreeMap::new();
        let (mut slots, mut teids, mut hashed) = (HashSet::new(), HashSet::new(), (0, 0));
        for session in self.sessions.sessions.values() {
            for seat in &session.seating.seats {
                assert!(slots.insert(seat.slot), "{:?} is shared", seat.slot);
            }
            for tunnel in session.seating.tunnels() {
                assert!(
                    teids.insert(tunnel.teid) && tunnel.teid != 0,
                    "{:#x}",
                    tunnel.teid
                );
                hashed.0 += usize::from(matches!(tunnel.key, TunnelKey::Given(_)));
            }
            for program in self.sessions.programs(session).unwrap() {
                let is_uplink = program.direction == Direction::Uplink;
                let half = (program.slot.0, is_uplink);
                assert_eq!(
                    halves.insert(half, program.rules),
                    None,
                    "{half:?} is shared"
                );
                if let Some(list) = &program.list {
                    assert_eq!(self.list(&program.rules), **list);
                }
            }
            for seat in &session.seating.seats {
                if let Some(tunnel) = seat.tunnel {
                    assert_eq!(self.slot_of_teid(tunnel.teid), Some(seat.slot));
                }
                if let Some(address) = seat.address {
                    let endpoint = address.endpoint;
                    let found = self.slot_of_address(endpoint.instance, endpoint.address);
                    assert_eq!(found, Some(seat.slot), "{endpoint:?}");
                    let key = ue_key(endpoint.instance, endpoint.address);
                    hashed.1 += usize::from(self.tables.with(|t| t.ue_address(&key).is_some()));
                }
            }
        }
        for index in 0..self.tables.capacity() {
            for direction in [Direction::Uplink, Direction::Downlink] {
                let half = (index, direction == Direction::Uplink);
                let expected = halves.get(&half).copied().unwrap_or_default();
                assert_eq!(
                    self.rules(SlotIndex(index), direction),
                    expected,
                    "{half:?}"
                );
            }
        }
        assert_eq!(self.tables.with(|tables| tables.hash_entries()), hashed);
        assert_eq!(self.sessions.books.used_slots() as usize, slots.len());
        let peers = self.sessions.books.peers();
        for key in peers.users().keys() {
            let index = peers.index_of(key).unwrap();
            assert_eq!(
                self.tables.with(|tables| *tables.peer(index).unwrap()),
                key.record()
            );
        }
    }
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
