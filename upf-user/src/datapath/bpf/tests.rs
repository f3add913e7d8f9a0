//! Against a real kernel: needs root and the eBPF object (`cargo xtask build`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use aya::maps::{Array, Map, MapData};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use upf_common::abi::{
    ABI_VERSION, Control, LIST_PAGE_ENTRIES, Limit, LimitDirection, NO_MARK, NO_SLOT, Peer, Pool,
    Port, RuleList, Rules, Slot, UeKey, Usage, UsageSet, UsageTail, level, limit_flags, mapped,
    usage_flags, verdict,
};

use super::attach::{AttachError, Attachments};
use super::pins::{Pins, PinsError};
use super::{Loaded, Record, Sizes, load};
use crate::config::Mode;
use crate::datapath::slots::PoolLayout;
use crate::datapath::{
    Account, Accounts, Bounds, Credit, Datapath, DatapathError, Direction, FormerMaps,
    LimitCounters, LimitIndex, LimitSetting, MapsId, SlotCounters, SlotIndex, Traffic,
    UsageCounters, UsageIndex, UsageLimits,
};
use crate::netlink::{AttachedXdp, XdpPlace, attached_xdp};

const SIZES: Sizes = Sizes {
    slots: 300,
    blocks: 3,
    peers: 5,
    lists: 7,
    limits: 9,
    usages: 9,
};

/// Runs in a thread with network and mounts of its own; `/sys/fs/bpf` is an empty BPF file system there.
fn alone(test: impl FnOnce(&Path) + Send + 'static) {
    let body = move || {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)
            .expect("this test makes namespaces and has to run as root");
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
        let bpffs = Path::new("/sys/fs/bpf");
        mount(Some("bpf"), bpffs, Some("bpf"), MsFlags::empty(), none).unwrap();
        test(&bpffs.join("upf"));
    };
    thread::spawn(body).join().unwrap();
}

fn loaded(pins: Option<&Path>) -> Loaded {
    load(&SIZES, pins).expect("this test loads the XDP program and has to run as root")
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(
        status.expect("iproute2 is needed").success(),
        "ip {arguments}"
    );
}

fn ifindex(device: &str) -> u32 {
    nix::net::if_::if_nametoindex(device).unwrap()
}

fn found(device: &str) -> Option<AttachedXdp> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(attached_xdp(ifindex(device))).unwrap()
}

fn place(device: &str) -> Option<XdpPlace> {
    found(device).map(|found| found.place)
}

/// The entry as a system call reads it.
fn entry<T: aya::Pod>(pins: &Path, table: &str, index: u32) -> T {
    let map = Map::Array(MapData::from_pin(pins.join(table)).unwrap());
    Array::<_, T>::try_from(map)
        .unwrap()
        .get(&index, 0)
        .unwrap()
}

fn some_rules() -> Rules {
    Rules {
        teid: [1, 2, 3, 4],
        verdict: verdict::FORWARD,
        duplicate: u32::MAX - 7,
        list: 6,
        ..Rules::default()
    }
}

#[test]
fn what_is_written_is_what_the_kernel_reads() {
    alone(|pins| {
        let mut loaded = loaded(Some(pins));
        let tables = &mut loaded.datapath;
        for block in 0..SIZES.blocks {
            assert_eq!(entry::<u32>(pins, "BLOCKS", block), NO_SLOT);
        }
        tables.set_block(2, Some(SlotIndex(44))).unwrap();
        assert_eq!(entry::<u32>(pins, "BLOCKS", 2), 44);
        tables.set_block(2, None).unwrap();
        assert_eq!(entry::<u32>(pins, "BLOCKS", 2), NO_SLOT);

        let slot = SlotIndex(SIZES.slots - 1);
        tables.reset_slot(slot).unwrap();
        tables
            .write_rules(slot, Direction::Downlink, &some_rules())
            .unwrap();
        let Record(record) = entry::<Record<Slot>>(pins, "SLOTS", slot.0);
        assert_eq!(record.downlink.state.version, 1);
        // Fresh memory of the kernel is all zero, and no rules.
        assert_eq!(record.downlink.rules[1], some_rules());
        for rules in [record.downlink.rules[0], record.uplink.rules[0]] {
            assert_eq!((rules.verdict, rules.teid), (verdict::NONE, [0; 4]));
        }
        assert_eq!(record.uplink.state, Slot::numbered(slot.0).uplink.state);
        assert_eq!(record.tail, UsageTail::default());
        assert_eq!(
            tables.read_rules(slot, Direction::Downlink).unwrap(),
            some_rules()
        );

        let peer = Peer {
            local: mapped([10, 1, 0, 2]),
            remote: mapped([10, 1, 0, 1]),
            instance: 3,
            checksum_base: 0x1234,
            ..Peer::default()
        };
        tables.write_peer(SIZES.peers - 1, &peer).unwrap();
        assert_eq!(entry::<Record<Peer>>(pins, "PEERS", 4).0, peer);

        let mut list = RuleList {
            len: LIST_PAGE_ENTRIES as u32,
            ..RuleList::default()
        };
        list.entries[LIST_PAGE_ENTRIES - 1].rules = some_rules();
        tables.write_list(SIZES.lists - 1, &list).unwrap();
        assert_eq!(entry::<Record<RuleList>>(pins, "LISTS", 6).0, list);

        // Fresh records have no parent.
        let limit = |index| entry::<Record<Limit>>(pins, "LIMITS", index).0;
        assert_eq!(limit(SIZES.limits - 1), Limit::default());
        let setting = LimitSetting {
            ticks_per_byte: 5,
            depth: 6,
            parent: Some(LimitIndex(7)),
            level: level::SIM,
            flags: limit_flags::MARK,
            class: 3,
        };
        let index = LimitIndex(SIZES.limits - 1);
        tables
            .write_limit(index, Direction::Downlink, &setting, Credit::Full)
            .unwrap();
        let expected = Limit {
            downlink: LimitDirection {
                ticks_per_byte: 5,
                depth: 6,
                parent: 7,
                level: level::SIM,
                flags: limit_flags::MARK,
                class: 3,
                ..LimitDirection::default()
            },
            ..Limit::default()
        };
        assert_eq!(limit(index.0), expected);
        tables.reset_limit(index).unwrap();
        assert_eq!(limit(index.0), Limit::default());
        let counted = tables.limit_counters(index, Direction::Downlink).unwrap();
        assert_eq!(counted, LimitCounters::default());
    });
}

#[test]
fn counters_of_packets_are_read_and_reset() {
    alone(|pins| {
        let mut loaded = loaded(Some(pins));
        let slot = SlotIndex(7);
        let mut record = Slot::default();
        record.uplink.state.packets = 5;
        record.tail.uplink.bytes = 6;
        record.uplink.state.full_at = 7;
        let map = Map::Array(MapData::from_pin(pins.join("SLOTS")).unwrap());
        let mut slots = Array::<_, Record<Slot>>::try_from(map).unwrap();
        slots.set(slot.0, Record(record), 0).unwrap();
        let expected = SlotCounters {
            packets: 5,
            dropped_bytes: 6,
            ..SlotCounters::default()
        };
        let tables = &mut loaded.datapath;
        assert_eq!(tables.counters(slot, Direction::Uplink).unwrap(), expected);
        tables.reset_slot(slot).unwrap();
        assert_eq!(slots.get(&slot.0, 0).unwrap().0, Slot::numbered(slot.0));
        assert_eq!(loaded.counters.sum().unwrap().uplink.packets, 0);
    });
}

#[test]
fn bounds_of_urrs_are_written_and_counters_read() {
    alone(|pins| {
        let mut loaded = loaded(Some(pins));
        let tables = &mut loaded.datapath;
        let bounds = |threshold, quota| Bounds { threshold, quota };
        let limits = UsageLimits {
            counts_uplink: false,
            counts_downlink: true,
            total: bounds(Some(1000), None),
            uplink: bounds(None, Some(7)),
            downlink: bounds(Some(8), Some(9)),
            has_action: false,
        };
        let (slot, record) = (SlotIndex(7), UsageIndex(SIZES.usages - 1));
        tables.reset_slot(slot).unwrap();
        tables.reset_usage(record).unwrap();
        for account in [Account::Slot(slot), Account::Record(record)] {
            tables.write_usage_limits(account, &limits).unwrap();
        }
        let Record(written) = entry::<Record<Slot>>(pins, "SLOTS", slot.0);
        let marks = (written.uplink.state.mark, written.downlink.state.mark);
        assert_eq!(marks, (NO_MARK, 0));
        assert_eq!(
            (written.tail.threshold, written.tail.quota),
            (1000, NO_MARK)
        );
        let flags = usage_flags::EPOCH | usage_flags::DOWNLINK;
        assert_eq!(written.tail.word, flags);

        let Record(mut written) = entry::<Record<Usage>>(pins, "USAGES", record.0);
        let mut expected = Usage::default();
        (expected.uplink.quota, expected.uplink.mark) = (7, 0);
        (expected.downlink.threshold, expected.downlink.quota) = (8, 9);
        (expected.downlink.mark, expected.tail.threshold) = (0, 1000);
        expected.tail.word = flags | usage_flags::UPLINK;
        assert_eq!(written, expected);

        // What the fast path knew is forgotten, its lock is left alone.
        written.tail.word |=
            usage_flags::EXHAUSTED | usage_flags::REACHED_TOLD | usage_flags::LOCKED;
        (written.downlink.packets, written.downlink.last_ns) = (3, 4);
        (written.downlink.dropped.bytes, written.tail.downlink.bytes) = (50, 40);
        let map = Map::Array(MapData::from_pin(pins.join("USAGES")).unwrap());
        let mut usages = Array::<_, Record<Usage>>::try_from(map).unwrap();
        usages.set(record.0, Record(written), 0).unwrap();
        let account = Account::Record(record);
        assert!(tables.is_exhausted(account).unwrap());
        assert!(!tables.is_exhausted(Account::Slot(slot)).unwrap());
        tables.write_usage_limits(account, &limits).unwrap();
        assert!(!tables.is_exhausted(account).unwrap());
        let word = usages.get(&record.0, 0).unwrap().0.tail.word;
        let expected = (2 * usage_flags::EPOCH)
            | usage_flags::UPLINK
            | usage_flags::DOWNLINK
            | usage_flags::LOCKED;
        assert_eq!(word, expected);
        let bytes = |bytes| Traffic { packets: 0, bytes };
        let expected = UsageCounters {
            passed: Traffic {
                packets: 3,
                bytes: 0,
            },
            dropped: bytes(50),
            held_back: bytes(40),
            last_ns: Some(4),
        };
        let counted = tables.usage_counters(account, Direction::Downlink);
        assert_eq!(counted.unwrap(), expected);
        tables.reset_usage(record).unwrap();
        assert_eq!(usages.get(&record.0, 0).unwrap().0, Usage::default());
        let mut set = UsageSet::default();
        set.records[0] = record.0;
        tables.write_usage_set(SIZES.usages - 1, &set).unwrap();
        let Record(written) = entry::<Record<UsageSet>>(pins, "USAGE_SETS", SIZES.usages - 1);
        assert_eq!(written, set);
    });
}

#[test]
fn indexes_and_keys_outside_the_tables_are_refused() {
    let mut loaded = loaded(None);
    let tables = &mut loaded.datapath;
    let beyond = SlotIndex(SIZES.slots);
    let no_limit = LimitIndex(SIZES.limits);
    let refusals = [
        tables.write_rules(beyond, Direction::Uplink, &Rules::default()),
        tables.read_rules(beyond, Direction::Uplink).map(drop),
        tables.counters(beyond, Direction::Downlink).map(drop),
        tables.reset_slot(beyond),
        tables.reset_usage(UsageIndex(SIZES.usages)),
        tables.write_usage_set(SIZES.usages, &UsageSet::default()),
        tables.write_usage_limits(Account::Slot(beyond), &UsageLimits::default()),
        tables.set_block(SIZES.blocks, None),
        tables.set_block(0, Some(SlotIndex(SIZES.slots - 255))),
        tables.insert_teid([0; 4], beyond),
        tables.insert_ue(UeKey::default(), beyond),
        tables.write_peer(SIZES.peers, &Peer::default()),
        tables.write_list(SIZES.lists, &RuleList::default()),
        tables.write_limit(
            no_limit,
            Direction::Uplink,
            &LimitSetting::default(),
            Credit::Full,
        ),
        tables.reset_limit(no_limit),
        tables.limit_counters(no_limit, Direction::Uplink).map(drop),
    ];
    for (n, refusal) in refusals.into_iter().enumerate() {
        assert!(
            matches!(refusal, Err(DatapathError::OutOfRange { .. })),
            "{n}: {refusal:?}"
        );
    }
}

#[test]
fn hash_maps_take_as_many_keys_as_there_are_slots() {
    let mut loaded = loaded(None);
    let tables = &mut loaded.datapath;
    let key = |n: u32| UeKey {
        address: mapped(n.to_be_bytes()),
        instance: 1,
    };
    for n in 0..SIZES.slots {
        tables.insert_teid(n.to_be_bytes(), SlotIndex(n)).unwrap();
        tables.insert_ue(key(n), SlotIndex(n)).unwrap();
    }
    let full = |outcome| matches!(outcome, Err(DatapathError::Full { .. }));
    assert!(full(tables.insert_teid([0xff; 4], SlotIndex(0))));
    assert!(full(tables.insert_ue(key(9999), SlotIndex(0))));
    tables.insert_teid([0; 4], SlotIndex(9)).unwrap();
    for _ in 0..2 {
        tables.remove_teid([0; 4]).unwrap();
        tables.remove_ue(key(0)).unwrap();
    }
    tables.insert_teid([0xff; 4], SlotIndex(0)).unwrap();
    tables.insert_ue(key(9999), SlotIndex(0)).unwrap();
}

#[test]
fn ports_pools_instances_and_control_are_written() {
    alone(|pins| {
        let Loaded {
            mut ports, control, ..
        } = loaded(Some(pins));
        let port = Port {
            ifindex: 258,
            mac: [2, 0, 0, 0, 0, 1],
            ..Port::default()
        };
        ports.put(&port).unwrap();
        assert_eq!(entry::<Record<Port>>(pins, "PORTS", 2).0, port);
        ports.remove(258).unwrap();
        ports.remove(258).unwrap();
        assert_eq!(entry::<Record<Port>>(pins, "PORTS", 2).0, Port::default());

        let layout = PoolLayout::new(&[(1, "10.45.0.0/16".parse().unwrap())]).unwrap();
        ports.write_pools(&layout).unwrap();
        assert_eq!(
            entry::<Record<Pool>>(pins, "POOLS", 0).0,
            layout.entries()[0].1
        );

        ports.set_instance(63, 9).unwrap();
        assert_eq!(entry::<u32>(pins, "INSTANCES", 63), 9);
        assert!(matches!(
            ports.set_instance(64, 9),
            Err(DatapathError::OutOfRange { .. })
        ));

        control.raise_generation();
        control.raise_generation();
        let Record(record) = entry::<Record<Control>>(pins, "CONTROL", 0);
        assert_eq!((record.generation, record.abi_version), (2, ABI_VERSION));
        assert_eq!(control.generation(), 2);
    });
}

fn attachments(pins: &Path) -> Attachments {
    let loaded = loaded(Some(pins));
    Attachments::new(loaded.program, loaded.pins.unwrap())
}

fn attach(
    attachments: &mut Attachments,
    device: &str,
    mode: Mode,
) -> Result<XdpPlace, AttachError> {
    attachments.attach(device, ifindex(device), mode, found(device))
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_program_outlives_its_agent_and_the_next_one_takes_over() {
    alone(|pins| {
        ip("link add n3.7 type veth peer name far");
        let mut first = attachments(pins);
        let attached = attach(&mut first, "n3.7", Mode::Auto).unwrap();
        assert_eq!(attached, XdpPlace::Native, "a veth has native XDP");
        let names = names(pins);
        for name in ["program", "link-n3:7", "SLOTS", "COUNTERS", "EVENTS"] {
            assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
        }
        let before = found("n3.7").unwrap();
        // As when it is killed: handles are closed, pins stay.
        drop(first);
        assert_eq!(found("n3.7"), Some(before));

        let mut second = attachments(pins);
        assert_eq!(found("n3.7"), Some(before), "not touched until attached");
        attach(&mut second, "n3.7", Mode::Native).unwrap();
        let after = found("n3.7").unwrap();
        assert_ne!(after.program, before.program);
        assert_eq!(after.place, XdpPlace::Native);
        drop(second);

        let mut third = attachments(pins);
        attach(&mut third, "n3.7", Mode::Generic).unwrap();
        assert_eq!(place("n3.7"), Some(XdpPlace::Generic), "mode changed");
        third.remove_stale().unwrap();
        assert!(pins.join("link-n3:7").exists());
        third.stop().unwrap();
        assert_eq!(place("n3.7"), None);
        assert!(!pins.exists());
    });
}

#[test]
fn what_agents_before_us_have_counted_is_found_as_long_as_it_is_wanted() {
    alone(|pins| {
        let (slot, record) = (Account::Slot(SlotIndex(7)), Account::Record(UsageIndex(3)));
        let mut agents: Vec<MapsId> = Vec::new();
        for packets in 1..=3 {
            let loaded = loaded(Some(pins));
            // Those before, however often they die while they take over.
            let mut found: Vec<_> = loaded.former.iter().map(|former| former.maps).collect();
            found.sort_unstable();
            assert_eq!(found, agents);
            for FormerMaps { maps, accounts } in &loaded.former {
                let at = agents.iter().position(|agent| agent == maps).unwrap();
                for account in [slot, record] {
                    let counted = accounts.usage_counters(account, Direction::Uplink);
                    assert_eq!(counted.unwrap().passed.packets, at as u64 + 1);
                }
            }
            let open = |table: &str| Map::Array(MapData::from_pin(pins.join(table)).unwrap());
            let mut half = Slot::default();
            half.uplink.state.packets = packets;
            let mut slots = Array::<_, Record<Slot>>::try_from(open("SLOTS")).unwrap();
            slots.set(7, Record(half), 0).unwrap();
            let mut usage = Usage::default();
            usage.uplink.packets = packets;
            let mut usages = Array::<_, Record<Usage>>::try_from(open("USAGES")).unwrap();
            usages.set(3, Record(usage), 0).unwrap();
            agents.push(loaded.maps);
        }
        // Killed while it puts maps aside: the next one goes on with that.
        let directory = pins.join(format!("former-{}", agents[2].0));
        std::fs::create_dir(&directory).unwrap();
        std::fs::rename(pins.join("USAGES"), directory.join("USAGES")).unwrap();
        // Of another version.
        let first = pins.join(format!("former-{}", agents[0].0));
        std::fs::remove_file(first.join("CONTROL")).unwrap();
        let loaded = loaded(Some(pins));
        let mut found: Vec<_> = loaded.former.iter().map(|former| former.maps).collect();
        found.sort_unstable();
        assert_eq!(found, agents[1..]);
        assert!(!first.exists());
        let kept = loaded.pins.unwrap();
        for maps in found {
            kept.remove_former(maps.0).unwrap();
        }
        assert!(kept.former().unwrap().is_empty());
        kept.remove_all().unwrap();
        assert!(!pins.exists());
    });
}

#[test]
fn links_of_devices_that_are_not_ours_any_more_go() {
    alone(|pins| {
        ip("link add n3 type veth peer name far");
        ip("link add n6 type veth peer name dn");
        let mut first = attachments(pins);
        attach(&mut first, "n3", Mode::Auto).unwrap();
        attach(&mut first, "n6", Mode::Auto).unwrap();
        drop(first);
        // Another device with the old name.
        ip("link delete n3");
        ip("link add n3 type veth peer name far");
        let mut second = attachments(pins);
        attach(&mut second, "n3", Mode::Auto).unwrap();
        second.remove_stale().unwrap();
        assert_eq!(place("n3"), Some(XdpPlace::Native));
        // The kernel takes the link of a pin that is gone off in its own time.
        let latest = Instant::now() + Duration::from_secs(2);
        while place("n6").is_some() && Instant::now() < latest {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(place("n6"), None);
        second.detach(ifindex("n3")).unwrap();
        assert_eq!(place("n3"), None);
        assert!(!second.is_attached(ifindex("n3")));
        second.stop().unwrap();
    });
}

#[test]
fn a_program_of_somebody_else_is_left_alone() {
    alone(|pins| {
        ip("link add n3 type veth peer name far");
        let mut other = attachments(&PathBuf::from("/sys/fs/bpf/other"));
        attach(&mut other, "n3", Mode::Generic).unwrap();
        let before = found("n3");
        let mut ours = attachments(pins);
        for mode in [Mode::Auto, Mode::Native, Mode::Generic] {
            let error = attach(&mut ours, "n3", mode).unwrap_err();
            assert!(matches!(error, AttachError::Foreign { .. }), "{error}");
            assert!(error.to_string().contains("ip link set dev n3 xdp off"));
        }
        assert_eq!(found("n3"), before);
    });
}

#[test]
fn where_there_is_no_native_xdp_auto_takes_generic() {
    alone(|pins| {
        let mut ours = attachments(pins);
        // The kernel's loopback has no native XDP.
        let error = attach(&mut ours, "lo", Mode::Native).unwrap_err();
        assert!(
            error.to_string().contains("lo: no XDP in native mode"),
            "{error}"
        );
        assert_eq!(place("lo"), None);
        let attached = attach(&mut ours, "lo", Mode::Auto).unwrap();
        assert_eq!(attached, XdpPlace::Generic);
        assert_eq!(place("lo"), Some(XdpPlace::Generic));
        ours.stop().unwrap();
    });
}

#[test]
fn two_agents_do_not_share_pins() {
    alone(|pins| {
        let first = Pins::open(pins).unwrap();
        assert!(matches!(Pins::open(pins), Err(PinsError::InUse { .. })));
        drop(first);
        Pins::open(pins).unwrap().remove_all().unwrap();
        assert!(!pins.exists());
    });
}
