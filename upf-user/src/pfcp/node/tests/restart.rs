//! Another process goes on where one was killed, and no control plane notices.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::pfcp::codec::tests::bytes::open5gs_establishment;
use crate::pfcp::ie::RemoteGtpuPeer;
use crate::pfcp::node::Ending;

impl World {
    /// The process is killed and another goes on with what was written, `away` later; sessions outlive it.
    fn restart(&mut self, connect: &[SocketAddr], away: Duration) {
        let begun = self.now;
        self.now += away;
        let Kept {
            associations,
            answers,
            next_sequence,
        } = self.sessions.kept.clone();
        self.sessions.unwritten = self.sessions.kept.clone();
        let mut config = config(connect, self.now);
        let passed = u64::try_from((self.now - begun).as_millis()).unwrap();
        let then = self.node.config.clock.millis_of(begun);
        config.clock.millis = then.after(passed);
        self.node = Node::new(config, self.now);
        let kept = KeptNode {
            associations: associations.into_iter().collect(),
            answers,
            next_sequence,
        };
        self.node.restore(kept, self.now);
    }

    fn view(&self) -> super::super::AssociationView {
        self.node.associations().next().unwrap()
    }

    /// What is sent at once, by message type.
    fn sent_types(&mut self) -> Vec<u8> {
        let actions = self.tick();
        let sent = sent(&actions);
        sent.iter()
            .map(|(_, bytes)| read_header(bytes).message_type)
            .collect()
    }
}

const HEARTBEAT: u8 = 1;
const SETUP: u8 = 5;

fn released(node_id: NodeId, period: u8) -> Body {
    Body::AssociationUpdateRequest(AssociationUpdateRequest {
        graceful_release_period: Some(period),
        ..update_of(node_id)
    })
}

#[test]
fn an_association_goes_on_with_all_that_was_told() {
    let mut world = World::associated();
    world.add_session(cp_node(), 1, 0x55);
    world.serve(cp(), 0, features(cp_node(), CpFunctionFeatures::LOAD));
    // The session's requests come from there, too.
    world.ask(other(9), &open5gs_establishment(2));
    world.now += seconds(1000);
    let before = world.view();
    world.sessions.take_calls();

    world.restart(&[], seconds(3));
    assert_eq!(world.view(), before);
    assert_eq!(
        world.node.associations.at(other(9).ip()),
        [cp_node()],
        "its other address"
    );
    assert_eq!(world.sent_types(), [HEARTBEAT]);
    let answer = world.ask(cp(), &modification(7, 1)).body;
    assert!(matches!(
        answer,
        Body::SessionModificationResponse(response)
            if response.verdict.cause == Cause::RequestAccepted && response.load_control.is_some()
    ));
    assert_eq!(world.sessions.take_calls(), ["modify"]);
    // The heartbeats of the control plane are answered with the stamp that it knows.
    let answer = world.ask(cp(), &heartbeat_request(8, CP_STAMP)).body;
    assert_eq!(answer, Body::HeartbeatResponse(heartbeat(OUR_STAMP)));
    assert_eq!(world.node.association_count(), 1);
}

#[test]
fn who_has_begun_anew_or_is_gone_meanwhile_is_found_out() {
    let mut world = World::associated();
    world.restart(&[], seconds(3));
    let actions = world.tick();
    let request = &sent(&actions)[0].1;
    let later = Body::HeartbeatResponse(heartbeat(CP_STAMP + 1));
    let ended = |reason| Event::AssociationEnded {
        node: cp_node(),
        reason,
    };
    assert_eq!(
        events(&world.answered(request, later)),
        [ended(Ending::Restarted)]
    );
    assert!(world.sessions.kept.associations.is_empty());
    assert_eq!(world.sessions.take_calls(), ["delete_all"]);

    let mut world = World::associated();
    world.run(seconds(60));
    assert!(!world.view().reachable);
    world.restart(&[], seconds(3));
    assert!(world.view().reachable, "until heartbeats say otherwise");
    let (_, events) = split(&world.run(seconds(320)));
    let unreachable = Event::Unreachable { node: cp_node() };
    assert_eq!(events, [(9, unreachable), (309, ended(Ending::Lost))]);
}

#[test]
fn control_planes_that_are_associated_are_not_asked_again() {
    let connect = [cp(), other(9)];
    let mut world = World::associated();
    world.restart(&connect, seconds(3));
    assert_eq!(world.sent_types(), [HEARTBEAT, SETUP], "only the other one");
    let answered = sent(&world.tick());
    assert!(answered.is_empty());
    // When the association is lost, it is.
    world.receive(cp(), &heartbeat_request(9, CP_STAMP + 1));
    assert_eq!(world.sent_types(), [SETUP]);
}

/// The set-up was served and its answer lost, before or after it was written.
#[test]
fn a_set_up_in_whose_middle_we_are_killed() {
    let mut world = World::new(&[]);
    let answer = world.answer(cp(), &setup(1, CP_STAMP));
    world.add_session(cp_node(), 1, 0x55);
    world.sessions.take_calls();
    world.restart(&[], seconds(1));
    assert_eq!(world.answer(cp(), &setup(1, CP_STAMP)), answer);
    assert_eq!(
        world.sessions.take_calls(),
        [""; 0],
        "the association is not set up twice"
    );

    let mut world = World::new(&[]);
    world.restart(&[], seconds(1));
    world.answer(cp(), &setup(1, CP_STAMP));
    assert_eq!(world.node.association_count(), 1);
}

#[test]
fn a_deletion_or_modification_whose_answer_is_lost_gets_the_same_answer() {
    let mut world = World::associated();
    world.add_session(cp_node(), 1, 0x55);
    world.sessions.usage_reports = vec![UsageReport {
        urr_id: 7,
        sequence: 3,
        ..UsageReport::default()
    }];
    let modified = world.answer(cp(), &modification(7, 1));
    let deleted = world.answer(cp(), &deletion(8, 1));
    world.sessions.take_calls();
    world.restart(&[], seconds(2));
    assert_eq!(world.answer(cp(), &modification(7, 1)), modified);
    assert_eq!(world.answer(cp(), &deletion(8, 1)), deleted);
    let answer = read(&deleted).body;
    assert!(matches!(
        answer,
        Body::SessionDeletionResponse(response) if response.usage_reports.len() == 1
    ));
    assert_eq!(world.sessions.take_calls(), [""; 0]);
    // Once more, until the time of repeats is over: 12 s after the answer.
    world.restart(&[], seconds(10));
    assert_eq!(world.answer(cp(), &deletion(8, 1)), deleted);
    world.now += Duration::from_millis(1);
    let answer = world.ask(cp(), &deletion(8, 1)).body;
    assert!(matches!(
        answer,
        Body::SessionDeletionResponse(response)
            if response.verdict.cause == Cause::SessionContextNotFound
    ));
}

#[test]
fn an_establishment_that_comes_again_makes_no_second_session() {
    let mut world = World::associated();
    let answer = world.answer(cp(), &open5gs_establishment(5));
    world.restart(&[], seconds(2));
    assert_eq!(world.answer(cp(), &open5gs_establishment(5)), answer);
    assert_eq!(world.sessions.sessions.len(), 1);
    // Other bytes, or another socket: it is another request.
    assert_ne!(world.answer(cp(), &open5gs_establishment(6)), answer);
    assert_ne!(world.answer(other(9), &open5gs_establishment(5)), answer);
}

#[test]
fn answers_that_were_void_are_void_still() {
    let mut world = World::associated();
    let answer = world.answer(cp(), &open5gs_establishment(5));
    world.answer(cp(), &setup(9, CP_STAMP + 1));
    world.sessions.take_calls();
    world.restart(&[], seconds(2));
    assert_ne!(world.answer(cp(), &open5gs_establishment(5)), answer);
    assert_eq!(world.sessions.take_calls(), ["establish"]);
}

#[test]
fn a_release_in_whose_middle_we_are_killed() {
    let mut world = World::associated();
    // 20 s.
    world.serve(cp(), 0, released(cp_node(), 10));
    world.run(seconds(5));
    world.restart(&[], seconds(5));
    assert!(world.view().is_releasing);
    let cause = |world: &mut World, sequence| match world
        .ask(cp(), &open5gs_establishment(sequence))
        .body
    {
        Body::SessionEstablishmentResponse(response) => response.verdict.cause,
        body => panic!("{body:?}"),
    };
    assert_eq!(cause(&mut world, 3), Cause::RequestRejected);
    world.restart(&[], seconds(1));
    let (_, events) = split(&world.run(seconds(9)));
    let ended = Event::AssociationEnded {
        node: cp_node(),
        reason: Ending::PeriodOver,
    };
    assert_eq!(events.last(), Some(&(9, ended)));
    assert!(world.sessions.kept.associations.is_empty());
    assert_eq!(cause(&mut world, 4), Cause::NoEstablishedAssociation);

    // Its end has come while nobody was there.
    let mut world = World::associated();
    world.serve(cp(), 0, released(cp_node(), 10));
    world.restart(&[], seconds(30));
    world.tick();
    assert_eq!(world.node.association_count(), 0);

    // The answer to the last request is lost.
    let mut world = World::associated();
    let release = write(7, 0, Body::AssociationReleaseRequest(cp_node()));
    let answer = world.answer(cp(), &release);
    world.restart(&[], seconds(2));
    assert_eq!(world.node.association_count(), 0);
    assert_eq!(world.answer(cp(), &release), answer);
}

#[test]
fn a_release_of_ours_goes_on() {
    let mut world = World::associated();
    let (now, sessions) = (world.now, &mut world.sessions);
    world.node.release_all(seconds(20), now, sessions);
    world.restart(&[cp()], seconds(2));
    assert!(world.view().is_releasing);
    let (sends, _) = split(&world.run(seconds(19)));
    assert_eq!(world.node.association_count(), 0);
    let types = sends
        .iter()
        .map(|(_, bytes)| read_header(bytes).message_type);
    assert!(types.into_iter().all(|kind| kind == HEARTBEAT));
    // The process that goes on wants associations.
    let (sends, _) = split(&world.run(seconds(10)));
    assert_eq!(read_header(&sends[0].1).message_type, SETUP);
}

/// A peer may hold its answer to a request of ours, and give it to another one with the same number.
#[test]
fn sequence_numbers_are_not_used_twice() {
    let mut world = World::associated();
    world.run(seconds(5));
    let peers: Vec<_> = (0..100_u32)
        .map(|n| RemoteGtpuPeer {
            ipv4: Some(n.into()),
            ..RemoteGtpuPeer::default()
        })
        .collect();
    world.add_session(cp_node(), 1, 0x55);
    world.sessions.peers.insert(1, IpAddr::from([0, 0, 0, 1]));
    let mut used = std::collections::BTreeSet::new();
    // Then they begin anew.
    for life in 1..16 {
        for _ in 0..50 {
            let (now, sessions) = (world.now, &mut world.sessions);
            let actions = world.node.path_failed(&peers, now, sessions);
            for (_, bytes) in sent(&actions) {
                assert!(used.insert(read_header(&bytes).sequence), "in life {life}");
            }
        }
        // Some lives end before their first turn.
        if life % 3 > 0 {
            world.tick();
        }
        world.restart(&[], seconds(1));
    }
    assert!(used.len() > 500, "{}", used.len());
}

#[test]
fn a_life_of_many_requests_sets_more_numbers_aside() {
    let mut world = World::associated();
    let first = world.sessions.kept.next_sequence.unwrap();
    for _ in 0..3_000_000 {
        let request = world
            .node
            .new_request(cp(), 0, Body::HeartbeatRequest(heartbeat(1)));
        let number = request.unwrap().sequence();
        if number.is_multiple_of(1000) {
            world.receive(cp(), &heartbeat_request(1, CP_STAMP));
        }
        let kept = world.sessions.kept.next_sequence.unwrap();
        assert!(number < kept, "{number} {kept}");
    }
    assert!(world.sessions.kept.next_sequence.unwrap() > first);
}

#[test]
fn others_in_the_name_of_a_node_change_nothing() {
    let mut world = World::associated();
    for body in [released(cp_node(), 1), features(cp_node(), 3)] {
        let answer = world.serve(other(9), 0, body);
        assert!(matches!(
            answer,
            Body::AssociationUpdateResponse(response)
                if response.verdict.cause == Cause::NoEstablishedAssociation
        ));
    }
    let view = world.view();
    assert_eq!((view.is_releasing, view.cp_features.0), (false, 0));
}

/// The numbers of what is told about load have to rise over processes, although the stamp stays.
#[test]
fn numbers_of_load_begin_above_those_before() {
    let now = Instant::now();
    let mut config = config(&[], now);
    assert_eq!(config.first_load_sequence(), OUR_STAMP);
    config.clock.ntp_seconds = OUR_STAMP + 500;
    assert_eq!(config.first_load_sequence(), OUR_STAMP + 500);
    config.clock.ntp_seconds = OUR_STAMP - 500;
    assert_eq!(
        config.first_load_sequence(),
        OUR_STAMP,
        "the clock was set back"
    );
}

/// Requests over a network that loses them and their answers, to processes that are killed at any moment: each is served
/// once, and its answer is always the same.
#[test]
fn each_request_is_served_once_whenever_we_are_killed() {
    for seed in 0..20 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = World::associated();
        let mut kept_sessions = world.sessions.sessions.clone();
        let mut lives = 1;
        for sequence in 100..200 {
            let seids: Vec<_> = world.sessions.sessions.keys().copied().collect();
            let any = seids.get(random.random_range(0..=seids.len()));
            let (call, request) = match (any, random.random_bool(0.5)) {
                (None, _) => ("establish", open5gs_establishment(sequence)),
                (Some(seid), true) => ("modify", modification(sequence, *seid)),
                (Some(seid), false) => ("delete", deletion(sequence, *seid)),
            };
            world.sessions.take_calls();
            let mut first = None;
            // T1 is 3 s, and a request is sent 4 times at most.
            for attempt in 0..4 {
                let is_last = attempt == 3;
                if is_last || random.random_bool(0.6) {
                    let answer = world.answer(cp(), &request);
                    // What was written in this turn.
                    kept_sessions = world.sessions.sessions.clone();
                    assert_eq!(
                        *first.get_or_insert(answer.clone()),
                        answer,
                        "{seed} {sequence}"
                    );
                    if random.random_bool(0.5) {
                        break;
                    }
                }
                if random.random_bool(0.4) {
                    world.sessions.sessions = kept_sessions.clone();
                    world.restart(&[], Duration::ZERO);
                    lives += 1;
                }
                world.now += seconds(2);
                world.tick();
            }
            assert_eq!(world.sessions.take_calls(), [call], "{seed} {sequence}");
        }
        assert!(lives > 10, "{lives}");
        assert_eq!(world.node.association_count(), 1);
    }
}
