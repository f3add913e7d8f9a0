//! What another process finds.

use super::*;
use crate::pfcp::ie::CpFunctionFeatures;
use crate::store::{Change, Kept};

fn cp(last: u8) -> NodeId {
    NodeId::Address([192, 0, 2, last].into())
}

fn association(port: u16) -> KeptAssociation {
    KeptAssociation {
        address: SocketAddr::from(([192, 0, 2, 1], port)),
        addresses: vec![
            [192, 0, 2, 1].into(),
            "2001:db8::1".parse::<IpAddr>().unwrap(),
        ],
        recovery_time_stamp: u32::MAX,
        cp_features: CpFunctionFeatures(0x1234),
        since_ms: 1_764_074_622_007,
        is_releasing: true,
        release_at_ms: Some(1_764_074_682_007),
    }
}

fn given(sequence: u32, address: &str) -> KeptAnswer {
    KeptAnswer::Given(GivenAnswer {
        from: address.parse().unwrap(),
        sequence,
        request_hash: 0xfedc_ba98_7654_3210,
        bytes: vec![0x21, 55, 0xff],
        until_ms: 1_764_074_622_007,
    })
}

fn void(peer: &str) -> KeptAnswer {
    KeptAnswer::Void {
        peer: peer.parse().unwrap(),
        until_ms: 7,
    }
}

/// In the order of their numbers.
fn answers() -> Vec<(u64, KeptAnswer)> {
    let answers = [
        given(7, "192.0.2.1:8805"),
        void("192.0.2.1"),
        given(0x00ff_ffff, "[2001:db8::1]:65535"),
        void("2001:db8::1"),
    ];
    (254..).zip(answers).collect()
}

fn write(
    store: &mut SessionStore,
    records: &[(RecordKey, Option<&str>)],
    answers: &[(u64, KeptAnswer)],
    expired: (u64, u64),
    next_sequence: Option<u32>,
) {
    let bytes = |record: &Option<&str>| record.map(|record| record.as_bytes().to_vec());
    let records = records.iter();
    let records = records.map(|(key, record)| (key.clone(), bytes(record)));
    let contexts = ContextChange {
        records: &records.collect(),
        answers,
        expired,
        next_sequence,
    };
    let change = Change {
        contexts: Some(contexts),
        ..Change::default()
    };
    store.write(change).unwrap();
}

#[test]
fn contexts_are_found_as_they_were_written_last() {
    let state = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(state.path()).unwrap();
    assert_eq!(store.node().unwrap(), KeptNode::default());
    let json = |port| serde_json::to_string(&association(port)).unwrap();
    let name = NodeId::Fqdn("smf.example.org".to_owned());
    let key = |kind, node: &NodeId| (kind, node.clone());
    let (first, other) = (json(1), json(2));
    let records = [
        (key(RecordKind::Association, &cp(1)), Some(first.as_str())),
        (key(RecordKind::Association, &name), Some(&first)),
        (key(RecordKind::Association, &cp(2)), Some(&first)),
        (
            key(RecordKind::Applications, &cp(1)),
            Some("{\"video\":[]}"),
        ),
        (
            key(RecordKind::Endings, &cp(1)),
            Some("[{\"number\":3,\"sets\":null}]"),
        ),
    ];
    write(&mut store, &records, &answers(), (0, 0), Some(0x00ff_ffff));
    let changes = [
        (key(RecordKind::Association, &name), Some(other.as_str())),
        (key(RecordKind::Association, &cp(2)), None),
        (key(RecordKind::Association, &cp(3)), None),
    ];
    write(&mut store, &changes, &[], (200, 255), None);
    drop(store);

    let mut store = SessionStore::open(state.path()).unwrap();
    let node = KeptNode {
        associations: vec![(cp(1), association(1)), (name.clone(), association(2))],
        answers: answers().drain(1..).map(|(_, answer)| answer).collect(),
        next_sequence: Some(0x00ff_ffff),
    };
    let mut found = store.node().unwrap();
    found.associations.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, node);
    assert_eq!(store.answers().unwrap(), answers()[1..]);
    assert_eq!(store.applications().unwrap().len(), 1);
    assert_eq!(store.endings().unwrap()[0].1.len(), 1);
    let mut keys = store.record_keys().unwrap();
    keys.retain(|(kind, _)| *kind == RecordKind::Association);
    assert_eq!(keys.len(), 2);
    let sessions: Vec<Kept<u64, u64, u64>> = store.sessions(0, 9).unwrap();
    assert!(store.counts().unwrap().is_empty() && sessions.is_empty());
}

#[test]
fn who_begins_anew_finds_nothing_but_the_reports() {
    let state = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(state.path()).unwrap();
    let json = serde_json::to_string(&association(1)).unwrap();
    let record = ((RecordKind::Association, cp(1)), Some(json.as_str()));
    write(&mut store, &[record], &answers(), (0, 0), Some(77));
    let made = crate::reports::MadeReport {
        node: cp(1),
        seid: 1,
        cp_seid: 2,
        imsi: None,
        dnn: None,
        ue_addresses: Vec::new(),
        made_ms: 0,
        report: crate::pfcp::message::UsageReport::default(),
    };
    let reports = [(5, made)];
    let change = Change {
        reports: &reports,
        ..Change::default()
    };
    store.write(change).unwrap();
    assert_eq!(
        store.first_number().unwrap(),
        6,
        "nobody said that it goes on"
    );
    assert!(!store.goes_on("upf", "first").unwrap());
    store.begin_anew("upf").unwrap();
    assert!(!store.goes_on("upf", "first").unwrap(), "there is nothing");
    drop(store);
    let mut store = SessionStore::open(state.path()).unwrap();
    let expected = KeptNode {
        next_sequence: Some(77),
        ..KeptNode::default()
    };
    assert_eq!(store.node().unwrap(), expected);
    assert_eq!(store.counts().unwrap(), [(cp(1), 1)].into());
    let more = [(8, reports[0].1.clone())];
    let change = Change {
        reports: &more,
        ..Change::default()
    };
    store.write(change).unwrap();
    assert_eq!(
        (store.first_number().unwrap(), store.next_number().unwrap()),
        (6, 9),
        "reports from there on are of sessions that go on"
    );
}

/// Peers do not know us by another name, and what was not durable may be lost with the power.
#[test]
fn associations_go_on_under_the_same_name_if_none_can_be_lost() {
    let state = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(state.path()).unwrap();
    let name = "upf1 10.0.0.1:8805";
    store.begin_anew(name).unwrap();
    let json = serde_json::to_string(&association(1)).unwrap();
    let record = ((RecordKind::Association, cp(1)), Some(json.as_str()));
    write(&mut store, &[record], &[], (0, 0), None);
    assert!(
        !store.goes_on(name, "first").unwrap(),
        "of which boot it is, nobody knows"
    );
    store.set_boot(Some("first")).unwrap();
    for (own_name, boot, goes_on) in [
        (name, "first", true),
        ("upf1 10.0.0.2:8805", "first", false),
        ("upf2 10.0.0.1:8805", "first", false),
        (name, "second", false),
    ] {
        assert_eq!(
            store.goes_on(own_name, boot).unwrap(),
            goes_on,
            "{own_name} {boot}"
        );
    }
    // Ended in order, and the host started anew.
    store.set_boot(None).unwrap();
    assert!(store.goes_on(name, "second").unwrap());
    store.set_boot(Some("second")).unwrap();
    assert!(!store.goes_on(name, "third").unwrap());
}

#[test]
fn octets_that_are_no_answer_are_told() {
    for (_, one) in answers() {
        let whole = octets(&one);
        assert_eq!(answer(&whole), Some(one.clone()));
        let fixed = match &one {
            KeptAnswer::Given(given) => whole.len() - given.bytes.len(),
            KeptAnswer::Void { .. } => whole.len(),
        };
        for length in 0..fixed {
            assert_eq!(answer(&whole[..length]), None);
        }
        for at in [0, 9] {
            let mut odd = whole.clone();
            odd[at] = 5;
            assert_eq!(answer(&odd), None, "{at}");
        }
    }
    let state = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(state.path()).unwrap();
    let answers = &store.tables.open.as_ref().unwrap().contexts.answers;
    answers.insert(1_u64.to_be_bytes(), [9]).unwrap();
    let error = store.answers().unwrap_err();
    assert!(matches!(error, StoreError::DamagedTables { .. }), "{error}");
}
