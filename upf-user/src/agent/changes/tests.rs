//! Changes over the real store, node and sessions, down to the records of the tables.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use upf_common::abi::{Limit, LimitDirection, level};
use upf_common::meter::Rate;

use super::*;
use crate::agent::pfcp::Engine as _;
use crate::agent::storm::{establishment_of, message_of};
use crate::config::Config;
use crate::datapath::chaos::{Chaos, ChaosDatapath};
use crate::datapath::memory::{MemoryDatapath, Sizes};
use crate::pfcp::codec::{AssociationSetupRequest, Body, Heartbeat};
use crate::pfcp::ie::NodeId;
use crate::pfcp::kept::KeptNode;
use crate::session::{Sessions, SessionsConfig};

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

[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/16"

[bandwidth]
default_class = "slow"

[speed_class.slow]
uplink = "128 kbit/s"
downlink = "128 kbit/s"

[speed_class.fast]
uplink = "10 Mbit/s"
downlink = "20 Mbit/s"

[customer.acme]
"#;
/// Numbers of the classes.
const SLOW: u16 = 1;
const FAST: u16 = 2;
/// How long a single SIM may wait behind many, while the disk writes both and other tests run.
const SINGLE_WITHIN: Duration = Duration::from_millis(400);
/// How long a heartbeat may wait behind a slice, on a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_millis(100);

type Tables = ChaosDatapath<MemoryDatapath>;

struct World {
    tables: Tables,
    control: Arc<Control<Tables>>,
    changes: Changes<Tables>,
}

/// Whoever controls us.
fn smf() -> (SocketAddr, NodeId) {
    let address: SocketAddr = "10.100.0.1:8805".parse().unwrap();
    (address, NodeId::Address(address.ip()))
}

impl World {
    /// An agent that starts, without sessions; what is kept is in `state`.
    fn start(state: &Path, config: &str, slots: u32) -> Self {
        let config = Config::parse(config).unwrap();
        let mut sessions = SessionsConfig::new(&config).unwrap();
        let mut store = BandwidthStore::open(state).unwrap();
        restore(&mut sessions.bandwidth, &mut store).unwrap();
        let tables = ChaosDatapath::new(MemoryDatapath::new(Sizes {
            slots,
            blocks: sessions.pools.blocks(),
            peers: 64,
            lists: slots,
            limits: slots,
            usages: slots,
        }));
        let started = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let sessions = Sessions::new(sessions, tables.clone());
        let control = Arc::new(Control::new(
            &config,
            started,
            sessions,
            KeptNode::default(),
        ));
        let changes = Changes::new(Arc::clone(&control), store);
        let world = Self {
            tables,
            control,
            changes,
        };
        let (_, node_id) = smf();
        world.say(message_of(
            1,
            0,
            Body::AssociationSetupRequest(AssociationSetupRequest {
                node_id,
                recovery_time_stamp: 1,
                up_function_features: None,
                cp_function_features: None,
            }),
        ));
        world
    }

    /// A message of the control plane; how many are answered.
    fn say(&self, message: Vec<u8>) -> usize {
        let (address, _) = smf();
        self.control
            .receive(address, &message, Instant::now())
            .len()
    }

    /// Sets sessions up, one for each SIM from the first one on.
    fn establish(&self, count: u32) {
        let (_, node) = smf();
        for number in 0..count {
            let ue = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 45, 0, 2)) + number);
            let imsi = sim(number).to_string();
            let request =
                establishment_of(number + 2, node.clone(), number.into(), ue, Some(&imsi));
            self.say(request);
        }
        let sessions = self.control.look(Sessions::len);
        assert_eq!(sessions, count as usize);
    }

    /// The records of SIMs with this class.
    fn records(&self, class: u16) -> Vec<Limit> {
        self.all_records(|record| (record.level, record.class) == (level::SIM, class))
    }

    fn customer_records(&self) -> Vec<Limit> {
        self.all_records(|record| record.level == level::CUSTOMER)
    }

    /// Those whose uplink is like this.
    fn all_records(&self, is_one: impl Fn(&LimitDirection) -> bool) -> Vec<Limit> {
        self.tables.with(|tables| {
            let records = (0..tables.limits()).filter_map(|index| tables.limit(index).copied());
            records.filter(|record| is_one(&record.uplink)).collect()
        })
    }

    fn give(&self, number: u32, class: Option<&str>, customer: Option<&str>) {
        let change = SimChange {
            imsi: sim(number),
            class: Some(class.map(Box::from)),
            customer: Some(customer.map(Box::from)),
        };
        self.changes.change_sims(vec![change]).unwrap();
    }
}

fn sim(number: u32) -> Imsi {
    let number = 1_010_000_000_000 + u64::from(number);
    format!("{number:015}").parse().unwrap()
}

#[test]
fn a_change_is_in_the_tables_when_it_is_answered() {
    let state = tempfile::tempdir().unwrap();
    let world = World::start(state.path(), CONFIG, 5000);
    world.establish(2);
    assert_eq!(world.records(SLOW).len(), 2);
    world.give(0, Some("fast"), Some("acme"));
    let [record] = world.records(FAST)[..] else {
        panic!("{:?}", world.records(FAST));
    };
    let fast = [10_000_000, 20_000_000].map(Rate::from_bits_per_second);
    let in_force = [record.uplink, record.downlink].map(|half| half.ticks_per_byte);
    assert_eq!(in_force, fast.map(|rate| rate.ticks_per_byte));

    let change = CustomerChange {
        downlink_bps: Some(Some(1_000_000)),
        ..CustomerChange::default()
    };
    world.changes.change_customer("acme", &change).unwrap();
    let [customer] = world.customer_records()[..] else {
        panic!("{:?}", world.customer_records());
    };
    let rate = Rate::from_bits_per_second(1_000_000);
    let in_force = [customer.uplink, customer.downlink].map(|half| half.ticks_per_byte);
    assert_eq!(in_force, [0, rate.ticks_per_byte]);

    world.give(0, None, None);
    assert_eq!(
        (world.records(SLOW).len(), world.records(FAST).len()),
        (2, 0)
    );
    assert_eq!(world.customer_records(), []);
}

#[test]
fn what_a_table_does_not_take_is_kept_and_tried_again() {
    let state = tempfile::tempdir().unwrap();
    let world = World::start(state.path(), CONFIG, 5000);
    world.establish(3);
    let change = |number, class: &str| SimChange {
        imsi: sim(number),
        class: Some(Some(class.into())),
        customer: None,
    };
    let customer = CustomerChange {
        uplink_bps: Some(Some(8000)),
        ..CustomerChange::default()
    };
    world.give(2, None, Some("acme"));
    world.tables.set(Chaos::From(0));
    let outcome = world
        .changes
        .change_sims(vec![change(0, "fast"), change(1, "fast")]);
    let Err(ChangeError::NotInForce { failed, all, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((failed, all), (2, 2));
    let outcome = world.changes.change_customer("acme", &customer);
    assert!(matches!(outcome, Err(ChangeError::NotInForce { .. })));
    world.changes.settle();
    assert_eq!(world.records(FAST), []);
    world.tables.set(Chaos::Never);
    // What comes later counts, not what is owed.
    world.give(1, Some("slow"), None);
    world.changes.settle();
    assert_eq!(
        (world.records(SLOW).len(), world.records(FAST).len()),
        (2, 1)
    );
    let rate = Rate::from_bits_per_second(8000);
    assert_eq!(
        world.customer_records()[0].uplink.ticks_per_byte,
        rate.ticks_per_byte
    );
    assert!(world.changes.books.lock().owed.is_empty());
    drop(world);
    let kept = BandwidthStore::open(state.path()).unwrap().load().unwrap();
    let classes: Vec<_> = kept
        .sims
        .iter()
        .map(|(_, kept)| kept.class.as_deref())
        .collect();
    assert_eq!(classes, [Some("fast"), Some("slow"), None]);
}

#[test]
fn nothing_changes_where_one_of_many_cannot() {
    let state = tempfile::tempdir().unwrap();
    let world = World::start(state.path(), CONFIG, 5000);
    world.establish(1);
    let change = |number, class: &str| SimChange {
        imsi: sim(number),
        class: Some(Some(class.into())),
        customer: None,
    };
    let changes = [change(0, "fast"), change(1, "gone")];
    let error = world.changes.change_sims(changes.to_vec()).unwrap_err();
    assert!(error.to_string().contains("slow, fast"), "{error}");
    assert_eq!(world.records(FAST), []);
    drop(world);
    let kept = BandwidthStore::open(state.path()).unwrap().load().unwrap();
    assert_eq!(kept.sims, []);
}

#[test]
fn what_was_given_is_there_after_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let world = World::start(state.path(), CONFIG, 5000);
    world.give(0, Some("fast"), None);
    world.give(1, None, Some("acme"));
    let change = CustomerChange {
        uplink_bps: Some(Some(8000)),
        ..CustomerChange::default()
    };
    world.changes.change_customer("acme", &change).unwrap();
    drop(world);

    let world = World::start(state.path(), CONFIG, 5000);
    world.establish(3);
    assert_eq!(
        (world.records(SLOW).len(), world.records(FAST).len()),
        (2, 1)
    );
    let [customer] = world.customer_records()[..] else {
        panic!("{:?}", world.customer_records());
    };
    let rate = Rate::from_bits_per_second(8000);
    assert_eq!(customer.uplink.ticks_per_byte, rate.ticks_per_byte);
    drop(world);

    // The class goes from the config for a while.
    let without = CONFIG.replace("[speed_class.fast]", "[speed_class.other]");
    let world = World::start(state.path(), &without, 5000);
    world.establish(3);
    assert_eq!(world.records(SLOW).len(), 3);
    world.give(1, None, None);
    drop(world);
    let world = World::start(state.path(), CONFIG, 5000);
    world.establish(3);
    assert_eq!(world.records(FAST).len(), 1);
    assert_eq!(world.customer_records(), []);
}

/// Everybody's class is fast, by a change of many SIMs that are not in their place in the store yet.
fn all_fast(world: &World, count: u32) {
    let change = |number| SimChange {
        imsi: sim(number),
        class: Some(Some("fast".into())),
        customer: None,
    };
    // In any order.
    world
        .changes
        .change_sims((0..count).rev().map(change).collect())
        .unwrap();
    assert_eq!(world.changes.books.lock().waiting.len(), 3);
}

#[test]
fn what_comes_behind_a_change_of_many_sims_counts_more() {
    const SIMS: u32 = 2500;
    const WITH_SESSIONS: usize = 20;
    for is_in_force in [false, true] {
        for settles in [false, true] {
            let state = tempfile::tempdir().unwrap();
            let world = World::start(state.path(), CONFIG, 5000);
            world.establish(WITH_SESSIONS as u32);
            world.give(7, None, Some("acme"));
            all_fast(&world, SIMS);
            assert_eq!(world.records(FAST).len(), WITH_SESSIONS);
            for waiting in world.changes.books.lock().waiting.values_mut() {
                waiting.is_in_force = is_in_force;
            }
            world.give(5, Some("slow"), None);
            world.give(6, None, None);
            world.give(2499, Some("slow"), None);
            assert_eq!(world.changes.books.lock().waiting.len(), 1);
            let check = |world: &World| {
                assert_eq!(world.records(FAST).len(), WITH_SESSIONS - 2);
                assert_eq!(world.customer_records().len(), 1);
            };
            check(&world);
            if settles {
                world.changes.settle();
                assert!(world.changes.books.lock().waiting.is_empty());
                check(&world);
            }
            drop(world);

            let world = World::start(state.path(), CONFIG, 5000);
            world.establish(WITH_SESSIONS as u32);
            check(&world);
            drop(world);
            let kept = BandwidthStore::open(state.path()).unwrap().load().unwrap();
            let class_of = |number| {
                let kept = kept.sims.iter().find(|(imsi, _)| *imsi == sim(number));
                kept.and_then(|(_, kept)| kept.class.as_deref())
            };
            let classes = [4, 5, 6, 7, 2498, 2499].map(class_of);
            let (fast, slow) = (Some("fast"), Some("slow"));
            assert_eq!(classes, [fast, slow, None, fast, fast, slow]);
            assert_eq!(kept.sims.len(), SIMS as usize - 1);
        }
    }
}

#[test]
fn many_sims_that_a_table_does_not_take_are_tried_again() {
    let state = tempfile::tempdir().unwrap();
    let world = World::start(state.path(), CONFIG, 5000);
    world.establish(3);
    world.give(1, None, Some("acme"));
    world.tables.set(Chaos::From(0));
    let change = |number| SimChange {
        imsi: sim(number),
        class: Some(Some("fast".into())),
        customer: None,
    };
    let outcome = world.changes.change_sims((0..2500).map(change).collect());
    let Err(ChangeError::NotInForce { failed, all, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((failed, all), (3, 2500));
    world.tables.set(Chaos::Never);
    world.changes.settle();
    assert_eq!(world.records(FAST).len(), 3);
    assert_eq!(world.customer_records().len(), 1, "what it had stays");
}

#[test]
fn a_customer_is_the_configs_again_or_gone() {
    let state = tempfile::tempdir().unwrap();
    let config = CONFIG.replace(
        "[customer.acme]",
        "[customer.acme]\nuplink = \"1 Mbit/s\"\n",
    );
    let world = World::start(state.path(), &config, 5000);
    world.establish(1);
    let limit = |bps| CustomerChange {
        uplink_bps: Some(Some(bps)),
        ..CustomerChange::default()
    };
    for name in ["acme", "new"] {
        world.changes.change_customer(name, &limit(8000)).unwrap();
    }
    world.give(0, None, Some("acme"));
    let rate = |world: &World| {
        let [record] = world.customer_records()[..] else {
            panic!("{:?}", world.customer_records());
        };
        record.uplink.ticks_per_byte
    };
    let slow = Rate::from_bits_per_second(8000).ticks_per_byte;
    let of_config = Rate::from_bits_per_second(1_000_000).ticks_per_byte;
    assert_eq!(rate(&world), slow);
    world.changes.take_customer_back("acme").unwrap();
    assert_eq!(rate(&world), of_config);
    world.changes.take_customer_back("acme").unwrap();

    world.give(0, None, Some("new"));
    let error = world.changes.take_customer_back("new").unwrap_err();
    assert!(error.to_string().contains("was given 1 SIMs"), "{error}");
    assert_eq!(rate(&world), slow);
    world.give(0, None, Some("acme"));
    world.changes.take_customer_back("new").unwrap();
    for name in ["new", "never", "no name"] {
        let error = world.changes.take_customer_back(name).unwrap_err();
        assert!(
            matches!(error, ChangeError::NoSuchCustomer { .. }),
            "{error}"
        );
    }
    drop(world);
    let world = World::start(state.path(), &config, 5000);
    world.establish(1);
    assert_eq!(rate(&world), of_config);
    let customers = world
        .control
        .look(|sessions| sessions.bandwidth().customers_after(None, 9));
    assert_eq!(customers, [CustomerId("acme".into())]);
}

#[test]
fn heartbeats_and_single_sims_have_their_turn_while_a_hundred_thousand_sims_change() {
    const SIMS: u32 = 100_000;
    /// It has a session as well, and is none of the many.
    const SINGLE: u32 = SIMS;
    let state = tempfile::tempdir().unwrap();
    let world = World::start(
        state.path(),
        &CONFIG.replace("10.45.0.0/16", "10.44.0.0/14"),
        262_144,
    );
    world.establish(SIMS + 1);
    let change = |number| SimChange {
        imsi: sim(number),
        class: Some(Some("fast".into())),
        customer: Some(Some("acme".into())),
    };
    let changes: Vec<_> = (0..SIMS).map(change).collect();
    let is_over = AtomicBool::new(false);
    let goes_on = || !is_over.load(Ordering::Acquire);
    let (took, waits, singles) = thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let begin = Instant::now();
            let outcome = world.changes.change_sims(changes);
            is_over.store(true, Ordering::Release);
            outcome.unwrap();
            begin.elapsed()
        });
        let heartbeats = scope.spawn(|| {
            let mut waits = Vec::new();
            while goes_on() {
                let heartbeat = Body::HeartbeatRequest(Heartbeat {
                    recovery_time_stamp: 1,
                });
                let sequence = 1_000_000 + waits.len() as u32;
                let asked = Instant::now();
                assert_eq!(world.say(message_of(sequence, 0, heartbeat)), 1);
                waits.push(asked.elapsed());
                thread::sleep(Duration::from_millis(1));
            }
            waits
        });
        let mut singles = Vec::new();
        while goes_on() {
            for class in ["fast", "slow"] {
                let asked = Instant::now();
                world.give(SINGLE, Some(class), None);
                singles.push(asked.elapsed());
            }
        }
        let (took, waits) = (changing.join(), heartbeats.join());
        (took.unwrap(), waits.unwrap(), singles)
    });
    let longest = |waits: &[Duration]| waits.iter().max().copied().unwrap_or_default();
    let told = format!(
        "{SIMS} SIMs in {took:?}; meanwhile {} heartbeats, {:?} at most, and {} single SIMs, {:?} at most",
        waits.len(),
        longest(&waits),
        singles.len(),
        longest(&singles),
    );
    println!("{told}");
    assert!(
        waits.len() > 10 && longest(&waits) < ANSWERED_WITHIN,
        "{told}"
    );
    assert!(
        singles.len() > 2 && longest(&singles) < SINGLE_WITHIN,
        "{told}"
    );
    assert_eq!(world.records(FAST).len(), SIMS as usize);
    assert_eq!(world.records(SLOW).len(), 1);
    assert_eq!(world.customer_records().len(), 1);
    // In its place in the store, too.
    world.changes.settle();
    drop(world);
    let kept = BandwidthStore::open(state.path()).unwrap().load().unwrap();
    assert_eq!(kept.sims.len(), SIMS as usize + 1);
}
