//! Error Indications both ways, extension headers that are not understood, Echo Requests.

use super::codec::{echo_response, error_indication, supported_extension_headers};
use super::*;

fn settings(rate: u32) -> config::Gtpu {
    config::Gtpu {
        error_indications_per_second: rate,
        ..config::Gtpu::default()
    }
}

/// A room whose hold-off is over.
fn room(rate: u32) -> (Gtpu, Instant) {
    let start = Instant::now();
    (Gtpu::new(&settings(rate), start), start + MINUTE)
}

fn send(to: (IpAddr, u16), bytes: Vec<u8>) -> Vec<Action> {
    vec![Action::Send {
        local: local(),
        to: to.into(),
        bytes,
    }]
}

const fn g_pdu(teid: u8) -> [u8; 9] {
    [0x30, 255, 0, 1, 0, 0, 0, teid, 0x45]
}

const UNSUPPORTED: [u8; 16] = [0x34, 255, 0, 8, 0, 0, 0, 7, 0, 0, 0, 0x86, 1, 0, 0, 0];

#[test]
fn a_packet_for_an_unknown_tunnel_is_answered_at_the_registered_port() {
    let (mut room, now) = room(1000);
    let answer = hear(&mut room, (peer(1), 40_000), &g_pdu(9), now);
    let expected = error_indication(9, local(), 40_000);
    assert_eq!(answer, send((peer(1), 2152), expected));
}

#[test]
fn known_tunnels_and_teid_zero_are_not_answered() {
    let (mut room, now) = room(1000);
    for teid in [0, 7] {
        assert_eq!(hear(&mut room, (peer(1), 40_000), &g_pdu(teid), now), []);
    }
}

#[test]
fn no_error_indication_before_sessions_can_be_back() {
    let start = Instant::now();
    let mut room = Gtpu::new(&settings(1000), start);
    let mut ask = |after| hear(&mut room, (peer(1), 1), &g_pdu(9), start + after);
    let held_back = [Action::Note(Note::ErrorNotSent(NotSent::HeldBack))];
    assert_eq!(ask(Duration::ZERO), held_back);
    assert_eq!(ask(MINUTE - SECOND), held_back);
    assert!(matches!(ask(MINUTE)[..], [Action::Send { .. }]));
}

#[test]
fn error_indications_have_a_rate_for_each_peer_and_one_for_all() {
    let (mut room, now) = room(120);
    let mut sent = |n, now| {
        let answers = (0..200).flat_map(|_| hear(&mut room, (peer(n), 1), &g_pdu(9), now));
        let (sent, limited): (Vec<_>, Vec<_>) =
            answers.partition(|action| matches!(action, Action::Send { .. }));
        let limit = Action::Note(Note::ErrorNotSent(NotSent::Limited));
        assert!(limited.iter().all(|action| *action == limit));
        sent.len()
    };
    assert_eq!([1, 2, 3, 4].map(|n| sent(n, now)), [50, 50, 20, 0]);
    assert_eq!(sent(4, now + SECOND), 50);
}

#[test]
fn error_indications_may_be_off() {
    let (mut room, now) = room(0);
    let limited = [Action::Note(Note::ErrorNotSent(NotSent::Limited))];
    assert_eq!(hear(&mut room, (peer(1), 1), &g_pdu(9), now), limited);
}

#[test]
fn a_header_that_has_to_be_understood_is_refused_once_a_second() {
    let (mut room, now) = room(1000);
    let mut ask = |n, now| hear(&mut room, (peer(n), 40_000), &UNSUPPORTED, now);
    let told = |n| send((peer(n), 2152), supported_extension_headers());
    assert_eq!(ask(1, now), told(1));
    assert_eq!(ask(1, now), []);
    assert_eq!(ask(2, now), told(2));
    assert_eq!(ask(1, now + SECOND), told(1));
}

#[test]
fn a_notification_is_never_answered() {
    let (mut room, now) = room(1000);
    let strange = [
        0x34, 31, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0x86, 1, 0, 0, 0, 141, 1, 0x85,
    ];
    assert_eq!(hear(&mut room, (peer(1), 2152), &strange, now), []);
    let note = |types: &[u8], knows_pdu_session_container| {
        let length = 2 + types.len() as u8;
        let mut bytes = vec![0x30, 31, 0, length, 0, 0, 0, 0, 141, types.len() as u8];
        bytes.extend(types);
        let note = Note::ExtensionRefused {
            by: peer(1),
            knows_pdu_session_container,
        };
        (bytes, [Action::Note(note)])
    };
    for (bytes, expected) in [note(&[0x85, 0xc0], true), note(&[0xc0], false)] {
        assert_eq!(hear(&mut room, (peer(1), 2152), &bytes, now), expected);
    }
}

#[test]
fn echo_requests_that_come_here_are_answered_to_where_they_come_from() {
    let (mut room, now) = room(1000);
    let request = codec::echo_request(0x1234);
    let answer = hear(&mut room, (peer(1), 40_000), &request, now);
    assert_eq!(answer, send((peer(1), 40_000), echo_response(0x1234)));
    // A request without a sequence number is not by the book, but harmless.
    let answer = hear(&mut room, (peer(1), 1), &[0x30, 1, 0, 0, 0, 0, 0, 0], now);
    assert_eq!(answer, send((peer(1), 1), echo_response(0)));
}

#[test]
fn a_peers_own_error_indication_is_reported_once_in_a_while() {
    let (mut room, now) = room(1000);
    let mut hear_one = |n, teid, now| {
        let bytes = error_indication(teid, peer(n), 5);
        hear(&mut room, (peer(n), 2152), &bytes, now)
    };
    let unknown = |n, teid| {
        let remote = peer(n);
        [Action::TunnelUnknown { remote, teid }]
    };
    let ignored = |n, reason| {
        let from = peer(n);
        [Action::Note(Note::ErrorIgnored { from, reason })]
    };
    assert_eq!(hear_one(1, 9, now), unknown(1, 9));
    assert_eq!(hear_one(1, 10, now), unknown(1, 10));
    assert_eq!(hear_one(2, 9, now), unknown(2, 9));
    assert_eq!(
        hear_one(1, 9, now + SECOND * 9),
        ignored(1, Ignored::Repeated)
    );
    assert_eq!(hear_one(1, 9, now + SECOND * 20), unknown(1, 9));
    for teid in 11..1009 {
        assert_eq!(hear_one(3, teid, now + SECOND * 21), unknown(3, teid));
    }
    hear_one(3, 1, now + SECOND * 21);
    hear_one(3, 2, now + SECOND * 21);
    let over = hear_one(3, 3, now + SECOND * 21);
    assert_eq!(over, ignored(3, Ignored::Limited));
}

#[test]
fn nobody_speaks_for_another_node() {
    let (mut room, now) = room(1000);
    let bytes = error_indication(9, peer(1), 5);
    let ignored = [Action::Note(Note::ErrorIgnored {
        from: peer(2),
        reason: Ignored::Source,
    })];
    assert_eq!(hear(&mut room, (peer(2), 2152), &bytes, now), ignored);
    let believed = hear(&mut room, (peer(1), 2152), &bytes, now);
    assert!(matches!(believed[..], [Action::TunnelUnknown { .. }]));
}

#[test]
fn what_needs_no_answer_gets_none() {
    let (mut room, now) = room(1000);
    for kind in [253, 7, 241] {
        let bytes = [0x30, kind, 0, 0, 0, 0, 0, 9];
        assert_eq!(hear(&mut room, (peer(1), 2152), &bytes, now), [], "{kind}");
    }
    let bytes = [0x30, 254, 0, 0, 0, 0, 0, 9];
    assert_eq!(
        hear(&mut room, (peer(1), 2152), &bytes, now),
        [Action::EndMarker { teid: 9 }]
    );
    let malformed = Action::Note(Note::Malformed {
        from: peer(1),
        error: DecodeError::Header,
    });
    assert_eq!(hear(&mut room, (peer(1), 2152), &[0x30], now), [malformed]);
}
