//! Associations that we set up.

use super::*;
use crate::pfcp::codec::{AssociationSetupResponse, Verdict};
use crate::pfcp::node::Ending;

pub(super) fn setup_response(sequence: u32, cause: Cause) -> Vec<u8> {
    let response = AssociationSetupResponse {
        node_id: cp_node(),
        verdict: Verdict::new(cause),
        recovery_time_stamp: CP_STAMP,
        up_function_features: None,
        cp_function_features: None,
    };
    write(sequence, 0, Body::AssociationSetupResponse(response))
}

fn set_up() -> Event {
    Event::AssociationSetUp {
        node: cp_node(),
        address: cp(),
    }
}

/// Asks, and answers that with acceptance.
fn connected() -> World {
    let mut world = World::new(&[cp()]);
    let asked = sent(&world.tick());
    let sequence = read(&asked[0].1).sequence;
    let actions = world.receive(cp(), &setup_response(sequence, Cause::RequestAccepted));
    assert_eq!(actions, [Action::Log(set_up())]);
    world
}

#[test]
fn two_nodes_find_each_other() {
    let mut up = World::new(&[cp()]);
    let mut peer = Node::new(Config::new(cp_node(), CP_STAMP), up.now);
    let mut nobody = FakeSessions::default();
    let us: SocketAddr = "10.100.0.2:8805".parse().unwrap();
    // The other end is a node of the same make: the procedures are the same from both sides.
    for _ in 0..100 {
        let deadline = up.node.next_deadline().unwrap();
        up.now = up.now.max(deadline);
        for (to, request) in sent(&up.tick()) {
            assert_eq!(to, cp());
            for (to, answer) in sent(&peer.receive(us, &request, up.now, &mut nobody)) {
                assert_eq!(to, us);
                up.receive(cp(), &answer);
            }
        }
    }
    let ours = up.node.associations().next().unwrap();
    let theirs = peer.associations().next().unwrap();
    assert_eq!(
        (ours.node_id, ours.recovery_time_stamp),
        (cp_node(), CP_STAMP)
    );
    assert_eq!(
        (theirs.node_id, theirs.recovery_time_stamp),
        (our_node(), OUR_STAMP)
    );
    assert!(ours.reachable, "99 heartbeats were answered");
}

#[test]
fn a_setup_without_answer_is_sent_again_and_tried_later() {
    let mut world = World::new(&[cp()]);
    let (sends, logs) = split(&world.run(seconds(40)));
    let times: Vec<_> = sends.iter().map(|(second, _)| *second).collect();
    assert_eq!(times, [0, 3, 6, 19, 22, 25, 38]);
    assert_eq!(sends[0].1, sends[2].1, "a repetition");
    assert_ne!(sends[0].1, sends[3].1, "a new request");
    assert_eq!(
        logs,
        [(9, Event::ConnectUnanswered { address: cp() })],
        "said once"
    );
    let sequence = read(&sends[6].1).sequence;
    let actions = world.receive(cp(), &setup_response(sequence, Cause::RequestAccepted));
    assert_eq!(events(&actions), [set_up()]);
}

#[test]
fn a_refused_setup_is_tried_later() {
    let mut world = World::new(&[cp()]);
    let sequence = read(&sent(&world.tick())[0].1).sequence;
    let actions = world.receive(cp(), &setup_response(sequence, Cause::Congestion));
    let refused = |cause| Event::ConnectRefused {
        address: cp(),
        cause,
    };
    assert_eq!(actions, [Action::Log(refused(Some(Cause::Congestion)))]);
    let (sends, _) = split(&world.run(seconds(11)));
    let [(10, request)] = &sends[..] else {
        panic!("{sends:?}");
    };
    let sequence = read(request).sequence;
    let answer = write(sequence, 0, Body::VersionNotSupportedResponse);
    assert_eq!(events(&world.receive(cp(), &answer)), [refused(None)]);
    // A peer of a later version may say so in that version's header.
    let (sends, _) = split(&world.run(seconds(11)));
    let sequence = read(&sends[0].1).sequence;
    let mut answer = write(sequence, 0, Body::VersionNotSupportedResponse);
    answer[0] = 0x40;
    let actions = world.receive(cp(), &answer);
    assert_eq!(events(&actions).last(), Some(&refused(None)));
    assert_eq!(sent(&actions), [], "a response is not answered");
    let (sends, _) = split(&world.run(seconds(9)));
    assert_eq!(sends, [], "the attempt is over");
}

#[test]
fn a_setup_by_the_peer_makes_ours_needless() {
    let mut world = World::new(&[cp()]);
    let sequence = read(&sent(&world.tick())[0].1).sequence;
    // From another port than the one that we ask at.
    let from = SocketAddr::new(cp().ip(), 40000);
    world.ask(from, &setup(1, CP_STAMP));
    let late = world.receive(cp(), &setup_response(sequence, Cause::RequestAccepted));
    assert!(
        matches!(events(&late)[..], [Event::Message { .. }]),
        "{late:?}"
    );
    let (sends, _) = split(&world.run(seconds(9)));
    assert_eq!(sends, []);
    assert_eq!(world.node.association_count(), 1);
}

#[test]
fn a_released_association_is_set_up_again_later() {
    let mut world = connected();
    let release = write(9, 0, Body::AssociationReleaseRequest(cp_node()));
    world.ask(cp(), &release);
    let (sends, _) = split(&world.run(seconds(10)));
    assert_eq!(sends.len(), 1);
    assert_eq!(sends[0].0, 10);
}

#[test]
fn a_restarted_peer_is_asked_at_once() {
    let mut world = connected();
    let actions = world.receive(cp(), &heartbeat_request(1, CP_STAMP + 1));
    let restarted = Event::AssociationEnded {
        node: cp_node(),
        reason: Ending::Restarted,
    };
    assert_eq!(events(&actions), [restarted]);
    assert_eq!(world.node.next_deadline(), Some(world.now));
    assert_eq!(sent(&world.tick()).len(), 1);
}

#[test]
fn one_node_at_two_addresses_does_not_flap() {
    let second = other(2);
    let mut world = World::new(&[cp(), second]);
    for (to, request) in sent(&world.tick()) {
        let sequence = read(&request).sequence;
        world.receive(to, &setup_response(sequence, Cause::RequestAccepted));
    }
    let (sends, _) = split(&world.run(seconds(9)));
    assert_eq!(sends, [], "nobody asks again");
    assert_eq!(world.node.association_count(), 1);
}

#[test]
fn two_peers_at_one_address_are_both_asked() {
    let second = SocketAddr::new(cp().ip(), 9000);
    let mut world = World::new(&[cp(), second]);
    let asked = sent(&world.tick());
    let sequence = read(&asked[0].1).sequence;
    world.receive(cp(), &setup_response(sequence, Cause::RequestAccepted));
    world.now += seconds(3);
    let again = sent(&world.tick());
    assert_eq!(again, [(second, asked[1].1.clone())]);
}

#[test]
fn sequence_numbers_turn_at_24_bits() {
    let mut world = World::new(&[cp(), other(2)]);
    world.node.next_sequence = 0xff_ffff;
    let asked = sent(&world.tick());
    let sequences: Vec<_> = asked
        .iter()
        .map(|(_, bytes)| read(bytes).sequence)
        .collect();
    assert_eq!(sequences, [0xff_ffff, 0]);
}
