//! What is handed out when, and what is kept.

use std::time::Duration;

use super::*;
use crate::config::Export;
use crate::pfcp::ie::Cause;
use crate::pfcp::service::{UsageOutcome, UsageRequest};
use crate::store::Kept;

const ACCEPTED: UsageOutcome = UsageOutcome::Answered {
    cause: Cause::RequestAccepted,
    cp_seid: None,
};
const REFUSED: UsageOutcome = UsageOutcome::Answered {
    cause: Cause::RequestRejected,
    cp_seid: None,
};

fn outbox(state: &std::path::Path) -> Outbox {
    Outbox::open(SessionStore::open(state).unwrap(), None, NOW_MS).unwrap()
}

fn keep(outbox: &mut Outbox, reports: Vec<MadeReport>) {
    let batch = Batch {
        reports,
        ..Batch::default()
    };
    outbox.keep(batch, NOW_MS);
}

fn sequences(request: &UsageRequest) -> (u64, Vec<u32>) {
    let usage = request.report.request.usage.iter();
    (
        request.report.seid,
        usage.map(|report| report.sequence).collect(),
    )
}

fn next(outbox: &mut Outbox, now: Instant) -> Option<UsageRequest> {
    outbox.next_usage_request(&cp(1), now)
}

#[test]
fn a_session_waits_for_its_answer_and_others_do_not() {
    let state = tempfile::tempdir().unwrap();
    let (mut outbox, now) = (outbox(state.path()), Instant::now());
    keep(&mut outbox, vec![made(&cp(1), 1, 0), made(&cp(1), 2, 0)]);
    keep(&mut outbox, vec![made(&cp(2), 3, 0)]);
    assert_eq!(outbox.take_usage_owners(), [cp(1), cp(2)]);
    assert_eq!(outbox.take_usage_owners(), []);
    let first = next(&mut outbox, now).unwrap();
    assert_eq!((sequences(&first), first.is_former), ((1, vec![0]), false));
    keep(&mut outbox, vec![made(&cp(1), 1, 1), made(&cp(1), 1, 2)]);
    assert_eq!(sequences(&next(&mut outbox, now).unwrap()), (2, vec![0]));
    assert_eq!(
        next(&mut outbox, now),
        None,
        "session 1 waits for its answer"
    );
    assert_eq!(outbox.usage_request_due(&cp(1), now), None);
    outbox.usage_request_done(first.id, ACCEPTED, now);
    // What has come meanwhile goes together.
    assert_eq!(sequences(&next(&mut outbox, now).unwrap()), (1, vec![1, 2]));
    outbox.usage_request_done(first.id, ACCEPTED, now);
    let figures = outbox.figures();
    assert_eq!(
        (figures.acknowledged, figures.waiting),
        (1, 4),
        "an answer counts once"
    );
}

#[test]
fn a_request_is_as_long_as_a_datagram_and_what_is_not_answered_comes_again() {
    let state = tempfile::tempdir().unwrap();
    let (mut outbox, now) = (outbox(state.path()), Instant::now());
    keep(&mut outbox, (0..40).map(|n| made(&cp(1), 1, n)).collect());
    let mut seen = Vec::new();
    let mut rounds = 0;
    while let Some(request) = next(&mut outbox, now) {
        rounds += 1;
        let size = crate::pfcp::codec::Message {
            seid: 1,
            sequence: 1,
            priority: None,
            body: crate::pfcp::codec::Body::SessionReportRequest(request.report.request.clone()),
        };
        let size = size.encode().unwrap().len();
        assert!(size <= MAX_DATAGRAM, "{size}");
        let (_, sequences) = sequences(&request);
        if rounds == 2 {
            assert!(size > MAX_DATAGRAM - 150, "{size}");
            outbox.usage_request_done(request.id, UsageOutcome::NotSent, now);
            continue;
        }
        seen.extend(sequences);
        outbox.usage_request_done(request.id, ACCEPTED, now);
    }
    assert_eq!(seen, (0..40).collect::<Vec<_>>());
    assert!((4..8).contains(&rounds), "{rounds}");
}

#[test]
fn a_refused_report_holds_back_its_session_only_and_is_given_up_in_the_end() {
    let state = tempfile::tempdir().unwrap();
    let (mut outbox, start) = (outbox(state.path()), Instant::now());
    keep(&mut outbox, vec![made(&cp(1), 1, 0), made(&cp(1), 2, 0)]);
    let mut now = start;
    let mut waits = Vec::new();
    for refusal in 1..=MAX_REFUSALS {
        let request = next(&mut outbox, now).unwrap();
        assert_eq!(sequences(&request), (1, vec![0]));
        outbox.usage_request_done(request.id, REFUSED, now);
        keep(&mut outbox, vec![made(&cp(1), 3, refusal)]);
        // The other sessions go on.
        while let Some(other) = next(&mut outbox, now) {
            assert_ne!(other.report.seid, 1);
            outbox.usage_request_done(other.id, ACCEPTED, now);
        }
        assert_eq!(outbox.in_memory(), 0);
        if refusal < MAX_REFUSALS {
            let due = outbox.usage_request_due(&cp(1), now).unwrap();
            waits.push((due - now).as_secs());
            now = due;
        }
    }
    assert_eq!(waits[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    assert!((30 * 60..60 * 60).contains(&(now - start).as_secs()));
    let figures = outbox.figures();
    assert_eq!((figures.waiting, figures.given_up), (0, 1));
    assert_eq!(figures.refused, u64::from(MAX_REFUSALS));
    // A session that had reports given up is served as before.
    keep(&mut outbox, vec![made(&cp(1), 1, 1)]);
    assert_eq!(sequences(&next(&mut outbox, now).unwrap()), (1, vec![1]));
}

#[test]
fn a_poisoned_session_with_many_reports_takes_no_place_in_memory() {
    let state = tempfile::tempdir().unwrap();
    let (mut outbox, mut now) = (outbox(state.path()), Instant::now());
    keep(&mut outbox, (0..5000).map(|n| made(&cp(1), 1, n)).collect());
    keep(
        &mut outbox,
        (2..3000).map(|seid| made(&cp(1), seid, 0)).collect(),
    );
    let mut others = 0;
    let mut expected = 0;
    let mut refusals = 3;
    let end = now + Duration::from_secs(3600);
    while outbox.figures().waiting > 0 {
        assert!(now < end);
        assert!(outbox.in_memory() <= queue::WINDOW + 16);
        let Some(request) = next(&mut outbox, now) else {
            now = outbox
                .usage_request_due(&cp(1), now)
                .unwrap()
                .max(now + Duration::from_millis(10));
            continue;
        };
        let (seid, sequences) = sequences(&request);
        if seid != 1 {
            others += 1;
        } else if refusals > 0 {
            refusals -= 1;
            assert_eq!(sequences[0], expected);
            outbox.usage_request_done(request.id, REFUSED, now);
            continue;
        } else {
            for sequence in sequences {
                assert_eq!(sequence, expected);
                expected += 1;
            }
        }
        outbox.usage_request_done(request.id, ACCEPTED, now);
    }
    assert_eq!((expected, others), (5000, 2998));
}

/// A control plane was away for a day, and a session has reported every few seconds.
#[test]
fn a_session_with_very_many_reports_gets_through_in_order() {
    const REPORTS: u32 = 30_000;
    let state = tempfile::tempdir().unwrap();
    let (mut outbox, mut now) = (outbox(state.path()), Instant::now());
    let reports = (0..REPORTS).map(|n| made(&cp(1), 1, n));
    keep(&mut outbox, reports.collect());
    keep(&mut outbox, vec![made(&cp(1), 2, 0)]);
    let (mut expected, begin) = (0, now);
    while expected < REPORTS || outbox.figures().waiting > 0 {
        let Some(request) = next(&mut outbox, now) else {
            now += Duration::from_millis(10);
            continue;
        };
        let (seid, sequences) = sequences(&request);
        if seid == 1 {
            let next = expected + sequences.len() as u32;
            assert_eq!(sequences, (expected..next).collect::<Vec<_>>());
            expected = next;
        }
        outbox.usage_request_done(request.id, ACCEPTED, now);
    }
    let took = now - begin;
    assert!(took < Duration::from_secs(20), "{took:?} of waiting");
}

#[test]
fn a_full_outbox_keeps_the_oldest_and_exports_all() {
    let (state, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let export = Exporter::open(settings(directory.path())).unwrap();
    let store = SessionStore::open(state.path()).unwrap();
    let outbox = Outbox::open(store, Some(export), NOW_MS).unwrap();
    let (mut outbox, now) = (outbox.with_most(5), Instant::now());
    keep(&mut outbox, (0..4).map(|n| made(&cp(1), 1, n)).collect());
    keep(&mut outbox, (4..8).map(|n| made(&cp(1), 1, n)).collect());
    let figures = outbox.figures();
    assert_eq!((figures.waiting, figures.turned_away), (5, 3));
    assert_eq!(figures.oldest_ms, Some(NOW_MS));
    assert_eq!(figures.made, [("VOLTH", 8), ("VOLQU", 8)].into());
    let request = next(&mut outbox, now).unwrap();
    assert_eq!(sequences(&request).1, [0, 1, 2, 3, 4]);
    outbox.usage_request_done(request.id, ACCEPTED, now);
    keep(&mut outbox, vec![made(&cp(1), 1, 8)]);
    assert_eq!(sequences(&next(&mut outbox, now).unwrap()).1, [8]);
    assert_eq!(exported(directory.path()), (1..=9).collect::<Vec<_>>());
}

#[test]
fn what_a_crash_kept_from_the_export_comes_to_it_later() {
    let (state, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let open = || {
        let export = Exporter::open(settings(directory.path())).unwrap();
        let store = SessionStore::open(state.path()).unwrap();
        Outbox::open(store, Some(export), NOW_MS).unwrap()
    };
    let batch = || Batch {
        reports: vec![made(&cp(1), 1, 0), made(&cp(2), 2, 0)],
        answered: vec![made(&cp(1), 3, 0)],
        sessions: vec![(1, b"1".to_vec()), (3, b"3".to_vec())],
        ..Batch::default()
    };
    let mut outbox = open();
    outbox.keep(batch(), NOW_MS);
    outbox.keep(batch(), NOW_MS);
    drop(outbox);
    // The store is written first: the last lines may be missing, the very last one in part.
    let file = directory.path().join(FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let (whole, torn) = (lines[..3].join("\n"), &lines[3][..20]);
    std::fs::write(&file, format!("{whole}\n{torn}")).unwrap();
    let mut outbox = open();
    assert_eq!(exported(directory.path()), [1, 2, 3, 4, 5, 6]);
    let mut last = batch();
    last.reports.pop();
    last.sessions.clear();
    (last.ended, last.answered[0].seid) = (vec![1], 4);
    outbox.keep(last, NOW_MS);
    assert_eq!(sessions(&mut outbox), [(3, 3)]);
    let answered = outbox.store().answered().unwrap();
    let seids: Vec<_> = answered.iter().map(|(_, made)| made.seid).collect();
    assert_eq!(
        seids,
        [4],
        "those that are exported go with the next change"
    );
    drop(outbox);
    open();
    assert_eq!(exported(directory.path()), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn an_export_that_comes_later_has_all_that_waits_in_order() {
    let (state, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut outbox = outbox(state.path());
    let nodes = (0..900_u32).map(|n| cp((n * n % 7) as u8));
    let reports = (0..).zip(nodes).map(|(n, node)| made(&node, 1, n));
    keep(&mut outbox, reports.collect());
    drop(outbox);
    let export = Exporter::open(settings(directory.path())).unwrap();
    let store = SessionStore::open(state.path()).unwrap();
    Outbox::open(store, Some(export), NOW_MS).unwrap();
    assert_eq!(exported(directory.path()), (1..=900).collect::<Vec<_>>());
}

#[test]
fn what_the_store_does_not_take_waits_until_it_does() {
    let (state, nowhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut outbox, now) = (outbox(state.path()), Instant::now());
    keep(&mut outbox, vec![made(&cp(1), 1, 0)]);
    let request = next(&mut outbox, now).unwrap();
    std::fs::write(nowhere.path().join("sessions"), "no directory").unwrap();
    outbox.store().go_to(nowhere.path());
    outbox.usage_request_done(request.id, ACCEPTED, now);
    let batch = Batch {
        reports: vec![made(&cp(1), 1, 1)],
        sessions: vec![(1, b"1".to_vec()), (2, b"2".to_vec())],
        ..Batch::default()
    };
    outbox.keep(batch, NOW_MS);
    let ended = Batch {
        ended: vec![2],
        ..Batch::default()
    };
    outbox.keep(ended, NOW_MS);
    assert_eq!(next(&mut outbox, now), None);
    assert!(outbox.tick(NOW_MS).is_err());
    assert!(outbox.figures().store_failures >= 3);

    outbox.store().go_to(state.path());
    outbox.tick(NOW_MS).unwrap().run().unwrap();
    assert_eq!(sessions(&mut outbox), [(1, 1)]);
    assert_eq!(outbox.take_usage_owners(), [cp(1)]);
    assert_eq!(sequences(&next(&mut outbox, now).unwrap()).1, [1]);
    drop(outbox);
    let mut outbox = self::outbox(state.path());
    assert_eq!(
        sequences(&next(&mut outbox, now).unwrap()).1,
        [1],
        "the first is gone"
    );
}

#[test]
fn many_control_planes_share_what_is_in_memory() {
    let state = tempfile::tempdir().unwrap();
    let (mut outbox, now) = (outbox(state.path()), Instant::now());
    let nodes: Vec<_> = (0..200).map(cp).collect();
    let reports = nodes
        .iter()
        .flat_map(|node| (0..500).map(move |seid| made(node, seid, 0)));
    keep(&mut outbox, reports.collect());
    for node in &nodes {
        outbox.next_usage_request(node, now).unwrap();
    }
    assert!(outbox.in_memory() <= 66_000, "{}", outbox.in_memory());
}

#[test]
fn former_sessions_reports_go_apart_and_first() {
    let state = tempfile::tempdir().unwrap();
    let now = Instant::now();
    let mut outbox = outbox(state.path());
    keep(&mut outbox, vec![made(&cp(1), 1, 0), made(&cp(1), 1, 1)]);
    drop(outbox);
    let mut outbox = self::outbox(state.path());
    assert_eq!(outbox.take_usage_owners(), [cp(1)]);
    keep(&mut outbox, vec![made(&cp(1), 1, 2)]);
    let request = next(&mut outbox, now).unwrap();
    assert_eq!(
        (sequences(&request).1, request.is_former),
        (vec![0, 1], true)
    );
    let moved = UsageOutcome::Answered {
        cause: Cause::SessionContextNotFound,
        cp_seid: Some(77),
    };
    outbox.usage_request_done(request.id, moved, now);
    let request = next(&mut outbox, now).unwrap();
    assert_eq!((sequences(&request).1, request.is_former), (vec![2], false));
    assert_eq!(request.report.cp_seid, 77);
    assert_eq!(outbox.figures().unknown_session, 2);
}

fn settings(directory: &std::path::Path) -> Export {
    Export {
        directory: directory.to_owned(),
        rotate_size: 64 << 20,
        rotate_after: Duration::from_secs(3600),
        keep: 168,
        keep_for: None,
    }
}

/// The numbers of whole lines.
fn exported(directory: &std::path::Path) -> Vec<u64> {
    let text = std::fs::read_to_string(directory.join(FILE)).unwrap();
    let records = text
        .lines()
        .filter_map(|line| serde_json::from_str::<UsageRecord>(line).ok());
    records.map(|record| record.record).collect()
}

/// SEIDs of the sessions in the store, with what was written.
fn sessions(outbox: &mut Outbox) -> Vec<(u64, u64)> {
    let kept: Vec<Kept<u64, u64, u64>> = outbox.store().sessions(0, 9).unwrap();
    kept.into_iter()
        .map(|kept| (kept.seid, kept.session))
        .collect()
}

#[test]
fn the_oldest_is_known_whatever_was_acknowledged_or_held_back() {
    let state = tempfile::tempdir().unwrap();
    let (mut outbox, mut now) = (outbox(state.path()), Instant::now());
    let made_at = |seid: u64, made_ms| MadeReport {
        made_ms,
        ..made(&cp(1), seid, 0)
    };
    assert_eq!(outbox.figures().oldest_ms, None);
    keep(
        &mut outbox,
        vec![made_at(1, 10), made_at(2, 20), made_at(3, 30)],
    );
    assert_eq!(outbox.figures().oldest_ms, Some(10));
    let requests = [(); 3].map(|()| next(&mut outbox, now).unwrap());
    assert_eq!(outbox.figures().oldest_ms, Some(10), "on its way");
    outbox.usage_request_done(requests[0].id, ACCEPTED, now);
    assert_eq!(outbox.figures().oldest_ms, Some(20));
    outbox.usage_request_done(requests[2].id, ACCEPTED, now);
    outbox.usage_request_done(requests[1].id, REFUSED, now);
    assert_eq!(outbox.figures().oldest_ms, Some(20), "held back");
    drop(outbox);
    let mut outbox = self::outbox(state.path());
    assert_eq!(outbox.figures().oldest_ms, Some(20));
    now += Duration::from_secs(1);
    let last = next(&mut outbox, now).unwrap();
    outbox.usage_request_done(last.id, ACCEPTED, now);
    assert_eq!(outbox.figures().oldest_ms, None);
}
