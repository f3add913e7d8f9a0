//! Order, restarts and damage.

use super::*;
use crate::pfcp::message::UsageReport;
use crate::store::StoreError;
use crate::store::damage::{DAMAGES, copy_tree, files};

fn cp(last: u8) -> NodeId {
    NodeId::Address([192, 0, 2, last].into())
}

fn made(node: &NodeId, seid: u64, sequence: u32) -> MadeReport {
    MadeReport {
        node: node.clone(),
        seid,
        cp_seid: seid + 1000,
        imsi: Some("001010000000001".parse().unwrap()),
        dnn: Some("internet".into()),
        ue_addresses: vec!["10.45.0.1".into()],
        made_ms: 1_764_074_622_000,
        report: UsageReport {
            urr_id: 7,
            sequence,
            ..UsageReport::default()
        },
    }
}

fn append(store: &mut SessionStore, reports: &[Numbered]) {
    store
        .write(Change {
            reports,
            ..Change::default()
        })
        .unwrap();
}

fn numbers(store: &mut SessionStore, owner: &NodeId) -> Vec<u64> {
    let read = store.read(owner, 0, 1000).unwrap();
    read.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn reports_stand_in_their_order_by_control_plane_and_go_when_acknowledged() {
    let state = tempfile::tempdir().unwrap();
    let name = NodeId::Fqdn("192.0.2.1".to_owned());
    let mut store = SessionStore::open(state.path()).unwrap();
    assert_eq!(
        (store.next_number().unwrap(), store.counts().unwrap().len()),
        (1, 0)
    );
    // 255 and 256 stand in the order of numbers, not of texts.
    let owners = [cp(1), cp(2), name.clone(), cp(1)];
    let reports: Vec<_> = (254..258)
        .zip(owners)
        .map(|(number, node)| (number, made(&node, number, 0)))
        .collect();
    append(&mut store, &reports);
    append(&mut store, &[(258, made(&cp(1), 1, 5))]);
    drop(store);

    let mut store = SessionStore::open(state.path()).unwrap();
    let counts = [(cp(1), 3), (cp(2), 1), (name.clone(), 1)];
    assert_eq!(store.counts().unwrap(), counts.into());
    assert_eq!(store.next_number().unwrap(), 259);
    assert_eq!(numbers(&mut store, &cp(1)), [254, 257, 258]);
    assert_eq!(numbers(&mut store, &name), [256]);
    assert_eq!(store.read(&cp(1), 255, 1).unwrap(), [reports[3].clone()]);
    store.acknowledge(&cp(1), &[254, 258, 999]).unwrap();
    store.acknowledge(&cp(2), &[257]).unwrap();
    drop(store);
    let mut store = SessionStore::open(state.path()).unwrap();
    assert_eq!(numbers(&mut store, &cp(1)), [257]);
    assert_eq!(numbers(&mut store, &cp(2)), [255]);
    assert_eq!(store.next_number().unwrap(), 259, "a number is given once");
}

#[test]
fn sessions_are_replaced_removed_and_read_in_parts() {
    let state = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(state.path()).unwrap();
    let bytes = |seid: u64, text: &str| (seid, serde_json::to_vec(text).unwrap());
    let mut write = |sessions: &[(u64, Vec<u8>)], counters: &[(u64, Vec<u8>)], ended: &[u64]| {
        let change = Change {
            sessions,
            counters,
            ended,
            ..Change::default()
        };
        store.write(change).unwrap();
    };
    let three = [bytes(300, "c"), bytes(2, "b"), bytes(1, "a")];
    write(&three, &[], &[]);
    write(&[], &[bytes(2, "1"), bytes(300, "2"), bytes(1, "3")], &[]);
    // What is written anew has counted nothing since.
    write(&[bytes(2, "B")], &[], &[]);
    write(&[], &[], &[1]);
    drop(store);
    let mut store = SessionStore::open(state.path()).unwrap();
    let kept = |seid, session: &str, counters: Option<&str>| Kept::<String, String, String> {
        seid,
        session: session.to_owned(),
        usage: None,
        counters: counters.map(str::to_owned),
    };
    let all = [kept(2, "B", None), kept(300, "c", Some("2"))];
    assert_eq!(store.sessions(0, 10).unwrap(), all);
    assert_eq!(store.sessions(0, 1).unwrap(), all[..1]);
    assert_eq!(store.sessions(3, 10).unwrap(), all[1..]);
}

/// A session, what its URRs have come to since, what it has counted since: each is of no use once an earlier one is newer.
#[test]
fn what_is_written_later_of_a_session_replaces_what_comes_behind_it() {
    let bytes = |text: &str| vec![(7, serde_json::to_vec(text).unwrap())];
    let write = |store: &mut SessionStore, session: &str, usage: &str, counters: &str| {
        let given = |text: &str| Some(bytes(text)).filter(|_| !text.is_empty());
        let [sessions, usages, counters] = [session, usage, counters].map(given);
        let change = Change {
            sessions: sessions.as_deref().unwrap_or_default(),
            usages: usages.as_deref().unwrap_or_default(),
            counters: counters.as_deref().unwrap_or_default(),
            ..Change::default()
        };
        store.write(change).unwrap();
    };
    for (writes, expected) in [
        (&[("a", "", ""), ("", "b", ""), ("", "", "c")][..], "abc"),
        (&[("a", "b", "c")], "abc"),
        (&[("", "b", "c"), ("a", "", "")], "a"),
        (&[("a", "", "c"), ("", "b", "")], "ab"),
        (&[("a", "x", "x"), ("", "b", ""), ("", "", "c")], "abc"),
        (&[("x", "x", "x"), ("a", "b", "")], "ab"),
        (&[("x", "x", "x"), ("a", "", "c")], "ac"),
    ] {
        let state = tempfile::tempdir().unwrap();
        let mut store = SessionStore::open(state.path()).unwrap();
        for (session, usage, counters) in writes {
            write(&mut store, session, usage, counters);
        }
        drop(store);
        let mut store = SessionStore::open(state.path()).unwrap();
        let kept = store.sessions::<String, String, String>(0, 9).unwrap();
        let [kept] = &kept[..] else {
            panic!("{kept:?}");
        };
        let (usage, counters) = (kept.usage.as_deref(), kept.counters.as_deref());
        let all = [
            kept.session.as_str(),
            usage.unwrap_or(""),
            counters.unwrap_or(""),
        ];
        assert_eq!(all.concat(), expected, "{writes:?}");
        let change = Change {
            ended: &[7],
            ..Change::default()
        };
        store.write(change).unwrap();
        assert_eq!(store.sessions::<String, String, String>(0, 9).unwrap(), []);
    }
}

#[test]
fn what_was_written_outlives_the_process_without_an_orderly_end() {
    let state = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(state.path()).unwrap();
    for number in 1..=50 {
        append(&mut store, &[(number, made(&cp(1), 1, number as u32))]);
    }
    store.acknowledge(&cp(1), &[1]).unwrap();
    // As the system has it now, without what the engine does when it is dropped.
    let copy = tempfile::tempdir().unwrap();
    copy_tree(state.path(), copy.path());
    let mut store = SessionStore::open(copy.path()).unwrap();
    assert_eq!(numbers(&mut store, &cp(1)), (2..=50).collect::<Vec<_>>());
}

/// A power failure: the last bytes that were written are not there.
#[test]
fn what_was_not_durable_may_be_missing_at_the_end_only() {
    let state = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(state.path()).unwrap();
    let write = |store: &mut SessionStore, number: u64| {
        let reports = [(number, made(&cp(1), 1, number as u32))];
        let sessions = [(1, number.to_string().into_bytes())];
        let change = Change {
            reports: &reports,
            sessions: &sessions,
            ..Change::default()
        };
        store.write(change).unwrap();
    };
    (1..=20).for_each(|number| write(&mut store, number));
    store.syncing().unwrap().run().unwrap();
    let journal = |state: &Path| {
        let mut journals = files(state);
        journals.retain(|file| file.extension().is_some_and(|e| e == "jnl"));
        assert_eq!(journals.len(), 1);
        state.join(&journals[0])
    };
    let end = |state: &Path| {
        let bytes = std::fs::read(journal(state)).unwrap();
        bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
    };
    let durable = end(state.path());
    (21..=40).for_each(|number| write(&mut store, number));
    let written = end(state.path());
    assert!(written > durable + 1000, "{durable} {written}");
    let mut lengths = Vec::new();
    for cut in (durable..=written).step_by(97) {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(state.path(), copy.path());
        let file = std::fs::File::options()
            .write(true)
            .open(journal(copy.path()))
            .unwrap();
        file.set_len(cut as u64).unwrap();
        let mut store = SessionStore::open(copy.path()).unwrap();
        let numbers = numbers(&mut store, &cp(1));
        let last = numbers.len() as u64;
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
        assert!(last >= 20, "{last} at {cut}");
        // A report and the state that comes with it are there together or not at all.
        let session: Kept<u64, u64, u64> = store.sessions(0, 1).unwrap().remove(0);
        assert_eq!(session.session, last);
        assert_eq!(store.next_number().unwrap(), last + 1);
        lengths.push(last);
    }
    assert!(lengths.is_sorted() && lengths.last() > lengths.first());
}

#[test]
fn one_process_at_a_time() {
    let state = tempfile::tempdir().unwrap();
    let _first = SessionStore::open(state.path()).unwrap();
    let error = SessionStore::open(state.path()).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
}

/// Every file of a store damaged in turn, cut short, overwritten or gone: an error that says what to do, or nothing
/// is lost.
#[test]
fn damage_is_told_with_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(state.path()).unwrap();
    append(&mut store, &[(1, made(&cp(1), 1, 1))]);
    let kept = store.tables.open.as_ref().unwrap();
    kept.reports.rotate_memtable_and_wait().unwrap();
    append(&mut store, &[(2, made(&cp(1), 1, 2))]);
    store.syncing().unwrap().run().unwrap();
    drop(store);
    let mut told = 0;
    for file in files(state.path()) {
        for damage in DAMAGES {
            let copy = tempfile::tempdir().unwrap();
            copy_tree(state.path(), copy.path());
            damage(&copy.path().join(&file));
            let outcome = SessionStore::open(copy.path()).and_then(|mut store| {
                store.counts()?;
                store.read(&cp(1), 0, 10)
            });
            match outcome {
                Ok(read) => assert_eq!(read.len(), 2, "{}", file.display()),
                Err(error) => {
                    told += 1;
                    let error = error.to_string();
                    let helps = error.contains("without its sessions");
                    assert!(helps && error.contains("/sessions"), "{error}");
                }
            }
        }
    }
    assert!(told > 3, "{told} of the damages were told");
}

#[test]
fn records_of_another_are_damage() {
    let state = tempfile::tempdir().unwrap();
    let good = key(&cp(1), 1);
    let odd = [0, 1, b'x', b'y', 0, 0, 0, 0, 0, 0, 0, 1];
    for (key, value) in [
        (good.as_slice(), "{"),
        (&good, "{\"node\":5}"),
        (&odd, "{}"),
        (&[0], "{}"),
    ] {
        let mut store = SessionStore::open(state.path()).unwrap();
        let reports = &store.tables.open.as_ref().unwrap().reports;
        reports.insert(key, value).unwrap();
        let outcome = store.counts().and_then(|_| store.read(&cp(1), 0, 10));
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoreError::DamagedTables { .. }), "{error}");
        let kept = store
            .tables
            .open
            .insert(SessionTables::open(&store.tables.path).unwrap());
        kept.reports.remove(key).unwrap();
        assert!(store.counts().unwrap().is_empty());
    }
}
