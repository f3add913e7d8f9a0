//! Restarts, damage and many records.

use std::time::Instant;

use super::*;
use crate::bandwidth::Imsi;
use crate::store::damage::{DAMAGES, copy_tree, files};

fn sim(number: usize) -> Imsi {
    format!("{:015}", 1_010_000_000_000 + number)
        .parse()
        .unwrap()
}

fn change(number: usize, class: Option<&str>, customer: Option<&str>) -> SimChange {
    SimChange {
        imsi: sim(number),
        class: Some(class.map(Box::from)),
        customer: customer.map(|name| Some(name.into())),
    }
}

fn limit(uplink_bps: u64) -> KeptLimit {
    KeptLimit {
        uplink_bps: Some(uplink_bps),
        downlink_bps: None,
        depth_ms: 50,
        ecn: true,
    }
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let open = || BandwidthStore::open(state.path()).unwrap();
    let acme = CustomerId("acme".into());
    let mut store = open();
    assert_eq!(store.load().unwrap(), bandwidth::Kept::default());
    let changes = [
        change(1, Some("slow"), Some("acme")),
        change(2, Some("fast"), None),
    ];
    store.change_sims(&changes).unwrap();
    store.set_customer(&acme, &limit(8000)).unwrap();
    store.set_customer(&acme, &limit(9000)).unwrap();
    drop(store);

    let mut store = open();
    let kept = store.load().unwrap();
    assert_eq!(kept.customers, [(acme, limit(9000))]);
    assert_eq!(kept.sims.len(), 2);
    assert_eq!(kept.sims[0].0, sim(1));
    assert_eq!(kept.sims[0].1.customer.as_deref(), Some("acme"));
    // What a change does not name stays, and what is empty goes.
    let given = store
        .change_sims(&[change(1, None, None), change(2, None, None)])
        .unwrap();
    assert_eq!(given[0].customer.as_deref(), Some("acme"));
    assert_eq!((&given[0].class, given[1].is_empty()), (&None, true));
    drop(store);
    let kept = open().load().unwrap();
    assert_eq!(kept.sims, [(sim(1), given[0].clone())]);
}

#[test]
fn what_was_stored_outlives_the_process_without_an_orderly_end() {
    let state = tempfile::tempdir().unwrap();
    let mut store = BandwidthStore::open(state.path()).unwrap();
    store.change_sims(&[change(1, Some("slow"), None)]).unwrap();
    // As the disk is now, without what the engine does when it is dropped.
    let copy = tempfile::tempdir().unwrap();
    copy_tree(state.path(), copy.path());
    let kept = BandwidthStore::open(copy.path()).unwrap().load().unwrap();
    assert_eq!(kept.sims.len(), 1);
}

#[test]
fn a_hundred_thousand_sims_are_one_batch() {
    let state = tempfile::tempdir().unwrap();
    let changes: Vec<_> = (0..100_000)
        .map(|number| change(number, Some("s1.slow"), Some("acme")))
        .collect();
    let mut store = BandwidthStore::open(state.path()).unwrap();
    let start = Instant::now();
    let given = store.change_sims(&changes).unwrap();
    let took = start.elapsed();
    println!("100,000 changes are durable after {took:?}");
    assert_eq!(given.len(), changes.len());
    drop(store);
    let start = Instant::now();
    let kept = BandwidthStore::open(state.path()).unwrap().load().unwrap();
    println!("and read again in {:?}", start.elapsed());
    assert_eq!(kept.sims.len(), changes.len());
    assert!(took.as_secs() < 20, "{took:?}");
}

#[test]
fn one_process_at_a_time() {
    let state = tempfile::tempdir().unwrap();
    let _first = BandwidthStore::open(state.path()).unwrap();
    let error = BandwidthStore::open(state.path()).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("another"), "{error}");
}

/// Every file of a store damaged in turn, cut short, overwritten or gone: an error that says what to do, or nothing
/// is lost.
#[test]
fn damage_is_told_with_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let mut store = BandwidthStore::open(state.path()).unwrap();
    store.change_sims(&[change(1, Some("slow"), None)]).unwrap();
    store
        .tables
        .open
        .as_ref()
        .unwrap()
        .sims
        .rotate_memtable_and_wait()
        .unwrap();
    store.change_sims(&[change(2, Some("slow"), None)]).unwrap();
    drop(store);
    let mut told = 0;
    for file in files(state.path()) {
        for damage in DAMAGES {
            let copy = tempfile::tempdir().unwrap();
            copy_tree(state.path(), copy.path());
            damage(&copy.path().join(&file));
            let outcome = BandwidthStore::open(copy.path()).and_then(|mut store| store.load());
            match outcome {
                Ok(kept) => assert_eq!(kept.sims.len(), 2, "{}", file.display()),
                Err(error) => {
                    told += 1;
                    let error = error.to_string();
                    let helps = error.contains("move it away to start without");
                    assert!(helps && error.contains("/bandwidth"), "{error}");
                }
            }
        }
    }
    assert!(told > 3, "{told} of the damages were told");
}

#[test]
fn records_of_another_are_damage() {
    let state = tempfile::tempdir().unwrap();
    for (key, value) in [
        ("001010000000001", "{"),
        ("x", "{}"),
        ("001010000000001", "{\"class\":5}"),
    ] {
        let mut store = BandwidthStore::open(state.path()).unwrap();
        let sims = &store.tables.open.as_ref().unwrap().sims;
        sims.insert(key, value).unwrap();
        let error = store.load().unwrap_err();
        assert!(matches!(error, StoreError::DamagedTables { .. }), "{error}");
        let sims = store
            .tables
            .open
            .insert(SimTables::open(&store.tables.path).unwrap());
        sims.sims.remove(key).unwrap();
        assert_eq!(store.load().unwrap(), bandwidth::Kept::default());
    }
}
