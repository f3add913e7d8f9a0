//! Tests of the books.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use upf_common::abi::{Limit as LimitRecord, NO_LIMIT, Rules, level};

use super::*;
use crate::bandwidth::CustomerId;
use crate::datapath::memory::{MemoryDatapath, Sizes};
use crate::datapath::{Datapath, Direction, LimitIndex, LimitSetting, network_key};

struct Books {
    tables: MemoryDatapath,
    books: SlotTable,
    random: StdRng,
    now: Instant,
}

impl Books {
    fn new(slots: u32) -> Self {
        let nets = ["10.45.0.0/20", "2001:db8:45::/48"];
        let nets: Vec<_> = nets.iter().map(|net| (1, net.parse().unwrap())).collect();
        let pools = PoolLayout::new(&nets).unwrap();
        let tables = MemoryDatapath::new(Sizes {
            slots,
            blocks: pools.blocks(),
            peers: 4,
            lists: 4,
            limits: 4,
            usages: 4,
        });
        let ue_pools: Vec<_> = nets
            .iter()
            .map(|(instance, net)| ue_pool(*instance, *net))
            .collect();
        Self {
            books: SlotTable::new(&tables, pools, &ue_pools),
            tables,
            random: StdRng::seed_from_u64(3),
            now: Instant::now(),
        }
    }

    fn change(&mut self, current: &Seating, wanted: &Wanted) -> Result<Changed, ChangeError> {
        self.now += Duration::from_millis(300);
        let random = &mut self.random;
        let prepared = self
            .books
            .prepare(1, current, &[], wanted, self.now, random)?;
        let (old, new) = (image(current), image(&prepared.seating));
        let current = (current, &old);
        let tables = &mut self.tables;
        self.books
            .commit(tables, current, prepared, new, &[], self.now)
    }
}

fn ue_pool(instance: u32, net: IpNet) -> UePool {
    UePool {
        instance,
        net,
        quarantine: Duration::from_secs(30),
    }
}

/// Rules that name the seat's TEID and nothing else.
fn image(seating: &Seating) -> Image {
    let program = |seat: &Seat, direction, teid: u32| Program {
        slot: seat.slot,
        direction,
        rules: Rules {
            teid: teid.to_be_bytes(),
            ..Rules::default()
        },
        list: Vec::new(),
    };
    let seats = seating.seats.iter();
    let programs = seats.flat_map(|seat| {
        let uplink = seat
            .tunnel
            .map(|t| program(seat, Direction::Uplink, t.teid));
        let downlink = seat.address.map(|_| program(seat, Direction::Downlink, 0));
        uplink.into_iter().chain(downlink)
    });
    let limits = seating.limits().iter();
    Image {
        programs: programs.collect(),
        limits: limits
            .map(|key| Limit {
                key: key.clone(),
                direction: Direction::Downlink,
                setting: LimitSetting {
                    ticks_per_byte: 1,
                    level: key.level(),
                    ..LimitSetting::default()
                },
                next: None,
            })
            .collect(),
        ..Image::default()
    }
}

fn shared(correlation: u32) -> LimitKey {
    LimitKey {
        owner: LimitOwner::Correlated(LimitScope::Session(1), correlation),
        kind: LimitKind::Rate,
    }
}

/// The first two are of one customer.
fn sim(number: u8) -> WantedSim {
    let setting = |level| LimitSetting {
        ticks_per_byte: 9,
        level,
        ..LimitSetting::default()
    };
    let both = |level| Both {
        uplink: setting(level),
        downlink: setting(level),
    };
    let customer = (number < 2).then(|| CustomerTerms {
        id: CustomerId("acme".into()),
        settings: both(level::CUSTOMER),
    });
    WantedSim {
        imsi: format!("00101000000000{number}").parse().unwrap(),
        terms: SimTerms {
            settings: both(level::SIM),
            customer,
        },
        by_rule: None,
    }
}

/// The last two lie within the first.
fn route(number: u8) -> FramedRoute {
    let nets = [
        "192.168.0.0/16",
        "172.16.0.0/12",
        "192.168.1.0/24",
        "192.168.2.0/24",
    ];
    FramedRoute {
        instance: 1,
        net: nets[usize::from(number)].parse().unwrap(),
    }
}

fn copies(instance: u32) -> DuplicateSet {
    DuplicateSet::from([Duplicate {
        tunnel: None,
        instance,
        dscp: None,
    }])
}

fn peer(last: u8) -> PeerKey {
    PeerKey {
        local: IpAddr::from([10, 1, 0, 2]),
        remote: IpAddr::from([10, 1, 0, last]),
        instance: 0,
    }
}

fn tunnel(key: TunnelKey) -> WantedTunnel {
    WantedTunnel {
        key,
        traffic: Direction::Uplink,
    }
}

fn v4(block: u8, place: u8) -> UeEndpoint {
    UeEndpoint {
        instance: 1,
        address: IpAddr::from([10, 45, block, place]),
    }
}

#[test]
fn the_index_takes_as_few_bits_as_it_can() {
    let cases = [
        (1, 0),
        (2, 1),
        (3, 2),
        (256, 8),
        (257, 9),
        (100_000, 17),
        (1 << 24, 24),
    ];
    for (capacity, bits) in cases {
        assert_eq!(index_bits(capacity), bits, "{capacity}");
    }
}

#[test]
fn a_slot_gets_another_teid_each_time() {
    for (slots, bits) in [(1, 0), (2, 1), (300, 9), (300, 24)] {
        let mut books = Books::new(slots);
        // With 24 bits, as in the largest tables, few tags are left.
        books.books.index_bits = bits;
        let wanted = Wanted {
            tunnels: vec![tunnel(TunnelKey::Own(1))],
            ..Wanted::default()
        };
        let mut last: HashMap<_, u32> = HashMap::new();
        for _ in 0..1000 {
            let seating = books.change(&Seating::default(), &wanted).unwrap().seating;
            let seat = seating.seats[0];
            let teid = seat.tunnel.unwrap().teid;
            assert_ne!(teid, 0);
            assert_eq!(teid & ((1 << bits) - 1), seat.slot.0);
            assert_ne!(last.insert(seat.slot, teid), Some(teid));
            books.change(&seating, &Wanted::default()).unwrap();
        }
    }
}

#[test]
fn an_address_whose_slot_another_session_kept_dissolves_the_block() {
    let mut books = Books::new(1024);
    let with = |endpoints: &[UeEndpoint]| Wanted {
        tunnels: vec![tunnel(TunnelKey::Shared(5))],
        addresses: endpoints.to_vec(),
        ..Wanted::default()
    };
    let first = books
        .change(&Seating::default(), &with(&[v4(0, 2)]))
        .unwrap()
        .seating;
    let moved = books.change(&first, &with(&[v4(0, 3)])).unwrap().seating;
    assert_eq!(
        moved.tunnel(TunnelKey::Shared(5)),
        first.tunnel(TunnelKey::Shared(5))
    );
    assert_eq!(moved.seats[1].slot.0 % 256, 3);
    let second = books
        .change(&Seating::default(), &with(&[v4(0, 2)]))
        .unwrap()
        .seating;
    assert!(!moved.has_slot(second.seats[0].slot));
    assert_eq!(books.tables.block(0), None);
    for (seat, address) in [(moved.seats[1], v4(0, 3)), (second.seats[0], v4(0, 2))] {
        let key = ue_key(1, address.address);
        assert_eq!(books.tables.ue_address(&key), Some(seat.slot.0));
    }
    books.change(&moved, &Wanted::default()).unwrap();
    books.change(&second, &Wanted::default()).unwrap();
    assert_eq!(books.tables.hash_entries(), (0, 0));
    assert_eq!(books.books.snapshot(), Books::new(1024).books.snapshot());
}

/// What a record demands of traffic to the UE.
fn setting_of(books: &Books, index: LimitIndex) -> LimitSetting {
    let half = books.tables.limit(index.0).unwrap().downlink;
    LimitSetting {
        ticks_per_byte: half.ticks_per_byte,
        depth: half.depth,
        parent: (half.parent != NO_LIMIT).then_some(LimitIndex(half.parent)),
        level: half.level,
        flags: half.flags,
        class: half.class,
    }
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let tunnels = proptest::collection::btree_set(0u8..4, 0..3);
    let v4 = proptest::option::of((0u8..5, 0u8..2).prop_map(|(block, place)| v4(block, place)));
    let v6 = proptest::option::weighted(0.3, 0u16..3).prop_map(|prefix| {
        prefix.map(|prefix| UeEndpoint {
            instance: 1,
            address: Ipv6Addr::from([0x2001, 0xdb8, 0x45, prefix, 0, 0, 0, 0]).into(),
        })
    });
    let meters = proptest::collection::btree_set(0u32..5, 0..4);
    let few = |end: u8| proptest::collection::btree_set(0..end, 0..3);
    let sim = proptest::option::of((0u8..3).prop_map(sim));
    let extras = (few(3), few(4), few(3), few(3), sim);
    let all = (tunnels, v4, v6, meters, extras);
    all.prop_map(
        |(tunnels, v4, v6, meters, (limits, routes, sets, peers, sim))| Wanted {
            tunnels: tunnels
                .into_iter()
                .map(|id| tunnel(TunnelKey::Shared(id)))
                .collect(),
            addresses: v4.into_iter().chain(v6).collect(),
            meters: meters
                .into_iter()
                .map(|qer| MeterKey {
                    qer,
                    is_downlink_tunnel: false,
                })
                .collect(),
            framed_routes: outermost(&routes.into_iter().map(route).collect::<Vec<_>>()),
            limits: limits.into_iter().map(u32::from).map(shared).collect(),
            sim,
            duplicates: sets.into_iter().map(u32::from).map(copies).collect(),
            peers: peers.into_iter().map(peer).collect(),
            ..Wanted::default()
        },
    )
}

proptest! {
    #[test]
    fn sessions_get_what_they_want_and_give_it_back(
        slots in prop_oneof![Just(12u32), 256u32..270, 512u32..530],
        steps in proptest::collection::vec((0usize..6, wanted()), 1..60),
    ) {
        let mut books = Books::new(slots);
        let mut sessions = vec![Seating::default(); 6];
        for (which, wanted) in steps {
            let others = sessions.iter().enumerate().filter(|(n, _)| *n != which);
            let taken = others.flat_map(|(_, s)| s.addresses()).any(|a| wanted.addresses.contains(&a));
            let overlaps = books.books.overlapping_route(&sessions[which], &wanted.framed_routes);
            if taken || overlaps.is_some() {
                continue;
            }
            let before = books.books.snapshot();
            match books.change(&sessions[which], &wanted) {
                Ok(changed) => {
                    let seating = &changed.seating;
                    prop_assert_eq!(seating.tunnels().count(), wanted.tunnels.len());
                    prop_assert!(wanted.tunnels.iter().all(|w| seating.tunnel(w.key).is_some()));
                    prop_assert!(wanted.addresses.iter().all(|w| seating.addresses().any(|a| a == *w)));
                    prop_assert!(wanted.meters.iter().all(|w| seating.meter_slot(*w).is_some()));
                    for kept in sessions[which].tunnels() {
                        prop_assert!(seating.tunnel(kept.key).is_none_or(|now| now.teid == kept.teid));
                    }
                    sessions[which] = changed.seating;
                }
                Err(_) => prop_assert_eq!(books.books.snapshot(), before),
            }
            for seat in sessions.iter().flat_map(|session| &session.seats) {
                if let Some(address) = seat.address {
                    let (block, place) = books.books.pools.block_of(1, address.endpoint.address).unwrap();
                    let by_block = books.tables.block(block).map(|first| first + place);
                    let key = ue_key(1, address.endpoint.address);
                    let found = by_block.or_else(|| books.tables.ue_address(&key));
                    prop_assert_eq!(found, Some(seat.slot.0));
                }
                if let Some(tunnel) = seat.tunnel {
                    let rules = books.tables.read_rules(seat.slot, Direction::Uplink).unwrap();
                    prop_assert_eq!(rules.teid, tunnel.teid.to_be_bytes());
                }
            }
            let used: usize = sessions.iter().map(|session| session.seats.len()).sum();
            let slots: HashSet<_> = sessions.iter().flat_map(|s| &s.seats).map(|seat| seat.slot).collect();
            let mut framed = 0;
            let mut limits = HashSet::new();
            for (key, users, index, settings) in books.books.limits() {
                let having = sessions.iter().filter(|session| session.limits().contains(key));
                prop_assert_eq!(having.count(), users as usize);
                prop_assert!(limits.insert(index));
                prop_assert_eq!(settings[1].unwrap(), setting_of(&books, index));
            }
            for (imsi, sim) in books.books.sims() {
                prop_assert!(sessions.iter().any(|session| session.sim() == Some(imsi)));
                prop_assert!(limits.insert(sim.index));
                prop_assert_eq!(sim.settings.downlink, setting_of(&books, sim.index));
                let customer = sim.customer.as_ref().map(|id| books.books.customer(id).unwrap().index);
                prop_assert_eq!(sim.settings.downlink.parent, customer);
            }
            for (id, customer) in books.books.customers() {
                let sims = books.books.sims().filter(|(_, sim)| sim.customer.as_ref() == Some(id));
                prop_assert_eq!(sims.count(), customer.sims as usize);
                prop_assert!(limits.insert(customer.index));
                prop_assert_eq!(customer.settings.downlink, setting_of(&books, customer.index));
            }
            prop_assert_eq!(books.books.used_limits() as usize, limits.len());
            for index in (0..4).map(LimitIndex).filter(|index| !limits.contains(index)) {
                prop_assert_eq!(books.tables.limit(index.0), Some(&LimitRecord::default()));
            }
            for session in &sessions {
                for (route, slot) in session.framed_routes() {
                    let (_, key) = network_key(route.instance, route.net);
                    prop_assert_eq!(books.tables.framed(1, key.address), Some(slot.0));
                    prop_assert!(session.has_slot(*slot));
                    framed += 1;
                }
            }
            prop_assert_eq!(books.tables.framed_entries(), framed);
            prop_assert_eq!(slots.len(), used);
            prop_assert_eq!(books.books.used_slots() as usize, slots.len());
        }
        for session in sessions {
            books.change(&session, &Wanted::default()).unwrap();
        }
        prop_assert_eq!(books.books.snapshot(), Books::new(slots).books.snapshot());
    }
}
