//! What another process needs, on its way into the store and out of it.

use super::*;
use crate::pfcp::kept::{GivenAnswer, KeptAnswer};
use crate::store::{RecordKey, RecordKind};

fn opened(state: &std::path::Path) -> Outbox {
    Outbox::open(SessionStore::open(state).unwrap(), None, NOW_MS).unwrap()
}

fn answer(sequence: u32, until_ms: u64, length: usize) -> KeptAnswer {
    KeptAnswer::Given(GivenAnswer {
        from: ([192, 0, 2, 1], 8805).into(),
        sequence,
        request_hash: 1,
        bytes: vec![0; length],
        until_ms,
    })
}

fn association(last: u8) -> RecordKey {
    (RecordKind::Association, cp(last))
}

fn keep(outbox: &mut Outbox, contexts: Contexts, now_ms: u64) {
    let batch = Batch {
        contexts,
        ..Batch::default()
    };
    outbox.keep(batch, now_ms);
}

fn of_answers(answers: impl IntoIterator<Item = KeptAnswer>) -> Contexts {
    Contexts {
        answers: answers.into_iter().collect(),
        ..Contexts::default()
    }
}

fn sequences(outbox: &mut Outbox) -> Vec<u32> {
    let answers = outbox.store().answers().unwrap();
    let answers = answers.into_iter().map(|(_, answer)| match answer {
        KeptAnswer::Given(given) => given.sequence,
        KeptAnswer::Void { .. } => panic!(),
    });
    answers.collect()
}

#[test]
fn answers_leave_the_store_when_their_requests_come_no_more() {
    let state = tempfile::tempdir().unwrap();
    let mut outbox = opened(state.path());
    for n in 0..10 {
        let until_ms = NOW_MS + 1000 * u64::from(n);
        keep(&mut outbox, of_answers([answer(n, until_ms, 10)]), NOW_MS);
    }
    assert_eq!(sequences(&mut outbox), Vec::from_iter(0..10));
    // With the next change, or when nothing else happens.
    let late = of_answers([answer(10, NOW_MS + 20_000, 10)]);
    keep(&mut outbox, late, NOW_MS + 2_500);
    assert_eq!(sequences(&mut outbox), Vec::from_iter(3..11));
    outbox.tick(NOW_MS + 4_500).unwrap();
    assert_eq!(sequences(&mut outbox), Vec::from_iter(5..11));
    // The next process goes on with that.
    drop(outbox);
    let mut outbox = opened(state.path());
    assert_eq!(sequences(&mut outbox), Vec::from_iter(5..11));
    let more = of_answers([answer(11, NOW_MS + 20_000, 10)]);
    keep(&mut outbox, more, NOW_MS + 6_500);
    assert_eq!(sequences(&mut outbox), Vec::from_iter(7..12));
    outbox.tick(NOW_MS + 30_000).unwrap();
    assert_eq!(sequences(&mut outbox), [0_u32; 0]);
    keep(
        &mut outbox,
        of_answers([answer(1, NOW_MS + 40_000, 1)]),
        NOW_MS,
    );
    assert_eq!(sequences(&mut outbox), [1]);
}

#[test]
fn many_answers_leave_it_in_parts() {
    const COUNT: u32 = 10_000;
    let state = tempfile::tempdir().unwrap();
    let mut outbox = opened(state.path());
    let answers = (0..COUNT).map(|n| answer(n, NOW_MS, 10));
    keep(&mut outbox, of_answers(answers), NOW_MS);
    let mut left = vec![COUNT as usize];
    while left.last() > Some(&0) {
        outbox.tick(NOW_MS + 1).unwrap();
        left.push(sequences(&mut outbox).len());
    }
    assert_eq!(left, [10_000, 5904, 1808, 0]);
}

#[test]
fn what_the_store_does_not_take_is_bounded_and_written_later() {
    let (state, nowhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut outbox = opened(state.path());
    let there = Contexts {
        records: vec![(association(1), Some(b"1".to_vec()))],
        ..Contexts::default()
    };
    keep(&mut outbox, there, NOW_MS);
    std::fs::write(nowhere.path().join("sessions"), "no directory").unwrap();
    outbox.store().go_to(nowhere.path());
    // Control planes come and go.
    for n in 0..500_u16 {
        let node = |record| {
            (
                (RecordKind::Association, NodeId::Fqdn(format!("cp{n}"))),
                record,
            )
        };
        for record in [Some(b"x".to_vec()), None] {
            let contexts = Contexts {
                records: vec![node(record)],
                ..Contexts::default()
            };
            keep(&mut outbox, contexts, NOW_MS);
        }
    }
    let last = Contexts {
        records: vec![
            (association(1), None),
            (association(2), Some(b"2".to_vec())),
        ],
        answers: (0..80_000).map(|n| answer(n, NOW_MS + 1000, 1)).collect(),
        next_sequence: Some(7),
    };
    keep(&mut outbox, last, NOW_MS);
    assert_eq!(outbox.unwritten_contexts(), (2, 1 << 16));
    let long = (0..10).map(|n| answer(n, NOW_MS + 5000, 10 << 20));
    keep(&mut outbox, of_answers(long), NOW_MS + 2000);
    assert_eq!(outbox.unwritten_contexts(), (2, 1), "16 MiB at most");
    outbox.store().go_to(state.path());
    outbox.tick(NOW_MS + 2000).unwrap();
    assert_eq!(outbox.unwritten_contexts(), (0, 0));
    drop(outbox);
    let mut outbox = opened(state.path());
    assert_eq!(outbox.store().record_keys().unwrap(), [association(2)]);
    assert_eq!(outbox.store().next_sequence().unwrap(), Some(7));
    assert_eq!(sequences(&mut outbox), [0]);
}

/// What is said of a session that goes on is said by its number of now.
#[test]
fn reports_of_sessions_that_go_on_are_not_of_former_ones() {
    let state = tempfile::tempdir().unwrap();
    let open = |is_new: bool| {
        let mut store = SessionStore::open(state.path()).unwrap();
        if is_new {
            store.begin_anew("upf").unwrap();
        }
        Outbox::open(store, None, NOW_MS).unwrap()
    };
    let next = |outbox: &mut Outbox| {
        let request = outbox.next_usage_request(&cp(1), Instant::now());
        request.unwrap().is_former
    };
    let report = |outbox: &mut Outbox| {
        let batch = Batch {
            reports: vec![made(&cp(1), 1, 0)],
            ..Batch::default()
        };
        outbox.keep(batch, NOW_MS);
    };
    let mut outbox = open(true);
    report(&mut outbox);
    drop(outbox);
    assert!(!next(&mut open(false)));
    assert!(!next(&mut open(false)));
    assert!(next(&mut open(true)));
    assert!(next(&mut open(false)));
}
