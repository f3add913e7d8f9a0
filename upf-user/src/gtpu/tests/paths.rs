//! Echo Requests and what follows from their answers.

use super::codec::{echo_request, echo_response};
use super::*;

fn settings() -> config::Gtpu {
    config::Gtpu::default()
}

fn room(now: Instant, peers: &[u8]) -> Gtpu {
    let mut room = Gtpu::new(&settings(), now);
    use_paths(&mut room, peers, now);
    room
}

fn use_paths(room: &mut Gtpu, peers: &[u8], now: Instant) {
    let paths: Vec<_> = peers.iter().map(|n| path(*n)).collect();
    room.set_paths(&paths, now);
}

fn request(n: u8, sequence: u16) -> Action {
    Action::Send {
        local: local(),
        to: (peer(n), 2152).into(),
        bytes: echo_request(sequence),
    }
}

fn answer(room: &mut Gtpu, n: u8, sequence: u16, now: Instant) -> Vec<Action> {
    hear(room, (peer(n), 2152), &echo_response(sequence), now)
}

fn state(room: &Gtpu, n: u8) -> PathState {
    let mut views = room.paths(None);
    views.find(|view| view.key == path(n)).unwrap().state
}

/// Lets time pass from deadline to deadline until `end`; what was done, and when.
fn run(room: &mut Gtpu, end: Instant) -> Vec<(Instant, Action)> {
    let mut done = Vec::new();
    while let Some(due) = room.next_deadline().filter(|due| *due <= end) {
        done.extend(room.tick(due).into_iter().map(|action| (due, action)));
    }
    done
}

#[test]
fn a_peer_that_answers_is_asked_once_a_minute() {
    let start = Instant::now();
    let mut room = room(start, &[1]);
    let rtt = Duration::from_millis(5);
    for n in 0..5_u16 {
        let now = start + MINUTE * n.into();
        assert_eq!(run(&mut room, now), [(now, request(1, n + 1))]);
        let heard = answer(&mut room, 1, n + 1, now + rtt);
        assert_eq!(heard, [Action::Note(Note::RoundTrip(rtt))]);
        assert_eq!(state(&room, 1), PathState::Up);
        assert_eq!(room.next_deadline(), Some(now + MINUTE));
    }
    let view = room.paths(None).next().unwrap();
    assert_eq!((view.round_trip, view.since), (Some(rtt), start + rtt));
}

#[test]
fn a_path_fails_after_five_requests_and_recovers_with_an_answer() {
    let start = Instant::now();
    let mut room = room(start, &[1]);
    let t3 = SECOND * 3;
    let mut expected: Vec<_> = (0..5).map(|n| (start + t3 * n, request(1, 1))).collect();
    expected.push((start + t3 * 5, Action::PathFailed(path(1))));
    assert_eq!(run(&mut room, start + t3 * 5), expected);
    assert_eq!(state(&room, 1), PathState::Down);

    // It is not told of again, and asked on.
    let again = run(&mut room, start + MINUTE + t3 * 5);
    let expected: Vec<_> = (0..5)
        .map(|n| (start + MINUTE + t3 * n, request(1, 2)))
        .collect();
    assert_eq!(again, expected);

    let back = start + MINUTE * 2;
    assert_eq!(run(&mut room, back).len(), 1);
    let heard = answer(&mut room, 1, 3, back + SECOND);
    let round_trip = Action::Note(Note::RoundTrip(SECOND));
    assert_eq!(heard, [round_trip, Action::PathRecovered(path(1))]);
    assert_eq!(state(&room, 1), PathState::Up);
}

#[test]
fn an_answer_to_a_repeated_request_says_nothing_about_time() {
    let start = Instant::now();
    let mut room = room(start, &[1]);
    run(&mut room, start + SECOND * 4);
    assert_eq!(answer(&mut room, 1, 1, start + SECOND * 5), []);
    assert_eq!(state(&room, 1), PathState::Up);
    assert_eq!(room.next_deadline(), Some(start + MINUTE));
}

#[test]
fn answers_that_nobody_waits_for_change_nothing() {
    let start = Instant::now();
    let mut room = room(start, &[1]);
    assert_eq!(answer(&mut room, 1, 0, start), [], "before the first");
    run(&mut room, start);
    assert_eq!(answer(&mut room, 1, 2, start), [], "another number");
    assert_eq!(answer(&mut room, 2, 1, start), [], "another peer");
    let none = [0x30, 2, 0, 2, 0, 0, 0, 0, 14, 0];
    assert_eq!(hear(&mut room, (peer(1), 2152), &none, start), []);
    assert_eq!(state(&room, 1), PathState::Unknown);
    assert_eq!(answer(&mut room, 1, 1, start).len(), 1);
    assert_eq!(answer(&mut room, 1, 1, start), [], "twice");
}

#[test]
fn a_new_restart_counter_is_told() {
    let start = Instant::now();
    let mut room = room(start, &[1]);
    let mut hear_one = |sequence: u8, counter, now| {
        run(&mut room, now);
        let bytes = [0x32, 2, 0, 6, 0, 0, 0, 0, 0, sequence, 0, 0, 14, counter];
        hear(&mut room, (peer(1), 2152), &bytes, now)
    };
    assert_eq!(hear_one(1, 7, start).len(), 1);
    assert_eq!(hear_one(2, 7, start + MINUTE).len(), 1);
    let restarted = Action::Note(Note::Restarted {
        path: path(1),
        counter: 8,
    });
    assert!(hear_one(3, 8, start + MINUTE * 2).contains(&restarted));
}

#[test]
fn paths_without_sessions_are_not_asked_any_more() {
    let start = Instant::now();
    let mut room = room(start, &[1, 2]);
    run(&mut room, start + SECOND);
    answer(&mut room, 1, 1, start + SECOND);
    use_paths(&mut room, &[2], start + SECOND);
    // Back before its next turn: it is asked no earlier than it would have been.
    use_paths(&mut room, &[1, 2], start + SECOND * 2);
    let asked = run(&mut room, start + MINUTE);
    let at = |n: u8| {
        asked.iter().filter(
            move |(_, action)| matches!(action, Action::Send { to, .. } if to.ip() == peer(n)),
        )
    };
    assert_eq!(
        at(1).map(|(at, _)| *at).collect::<Vec<_>>(),
        [start + MINUTE]
    );
    use_paths(&mut room, &[], start + MINUTE);
    let later = run(&mut room, start + MINUTE * 100);
    assert!(later.iter().all(|(at, _)| *at <= start + MINUTE * 62));
    assert_eq!(room.next_deadline(), None);
    assert_eq!(room.path_counts().map(|(_, count)| count), [0, 0, 0]);
}

#[test]
fn thousands_of_peers_are_asked_evenly_and_a_bounded_number_at_a_time() {
    const PEERS: u32 = 60_000;
    let start = Instant::now();
    let mut room = Gtpu::new(&settings(), start);
    let key = |n: u32| PathKey {
        remote: IpAddr::V4((0x0a02_0000 + n).into()),
        local: local(),
    };
    let paths: Vec<_> = (0..PEERS).map(key).collect();
    room.set_paths(&paths, start);
    let mut a_second = [0; 60];
    let (mut total, mut now) = (0, start);
    let end = start + MINUTE - Duration::from_nanos(1);
    loop {
        let actions = room.tick(now);
        assert!(actions.len() <= 256);
        if actions.is_empty() {
            if now == end {
                break;
            }
            now = end.min(now + Duration::from_millis(10));
        }
        for action in actions {
            let Action::Send { to, bytes, .. } = action else {
                panic!("{action:?}");
            };
            let from = (to.ip(), 2152);
            let sequence = u16::from_be_bytes([bytes[8], bytes[9]]);
            hear(&mut room, from, &echo_response(sequence), now);
            a_second[(now - start).as_secs() as usize] += 1;
            total += 1;
        }
    }
    assert_eq!(total, PEERS);
    let even = PEERS / 60;
    let is_even = |count: &u32| (even * 9 / 10..=even * 11 / 10).contains(count);
    assert!(a_second.iter().all(is_even), "{a_second:?}");
    let expected = [(PathState::Unknown, 0), (PathState::Up, PEERS.into())];
    assert_eq!(room.path_counts()[..2], expected);
}

#[test]
fn without_an_interval_nobody_is_asked() {
    let start = Instant::now();
    let off = config::Gtpu {
        echo_interval: Duration::ZERO,
        ..settings()
    };
    let mut room = Gtpu::new(&off, start);
    use_paths(&mut room, &[1, 2], start);
    assert_eq!(
        (room.next_deadline(), room.tick(start + MINUTE)),
        (None, Vec::new())
    );
    assert_eq!(state(&room, 2), PathState::Unknown);
    use_paths(&mut room, &[2], start);
    assert_eq!(room.paths(None).count(), 1);
}

#[test]
fn a_lab_may_ask_more_often_than_it_waits() {
    let start = Instant::now();
    let hasty = config::Gtpu {
        echo_interval: SECOND,
        n3_requests: 2,
        ..settings()
    };
    let mut room = Gtpu::new(&hasty, start);
    use_paths(&mut room, &[1], start);
    let done = run(&mut room, start + SECOND * 6);
    let at: Vec<_> = done.iter().map(|(at, _)| (*at - start).as_secs()).collect();
    assert_eq!(
        at,
        [0, 3, 6, 6],
        "two requests, the failure, the next request"
    );
    assert_eq!(done[2].1, Action::PathFailed(path(1)));
}

#[test]
fn pages_of_paths_follow_each_other() {
    let start = Instant::now();
    let room = room(start, &[3, 1, 2]);
    let first = room.paths(None).next().unwrap().key;
    assert_eq!(first, path(1));
    let rest: Vec<_> = room.paths(Some(first)).map(|view| view.key).collect();
    assert_eq!(rest, [path(2), path(3)]);
}
