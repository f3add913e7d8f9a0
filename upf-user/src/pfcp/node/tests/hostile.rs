//! Bytes that nobody means well with. Whatever comes, the node answers a heartbeat afterwards.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::pfcp::codec::tests::bytes::open5gs_establishment;
use crate::pfcp::codec::tests::strategies::message;
use crate::pfcp::node::MAX_ASSOCIATIONS;
use crate::pfcp::node::answers::MAX_ANSWERS;

const MAX_LEN: usize = 300;

/// Messages as they should be: those of a session's life, and some of every type.
fn originals() -> Vec<Vec<u8>> {
    let mut originals = vec![
        setup(1, CP_STAMP),
        heartbeat_request(2, CP_STAMP),
        open5gs_establishment(3),
        modification(4, 1),
        deletion(5, 1),
        write(6, 0, Body::AssociationReleaseRequest(cp_node())),
    ];
    let mut runner = TestRunner::deterministic();
    let any = message();
    let messages = std::iter::repeat_with(|| {
        let message = any.new_tree(&mut runner).unwrap().current();
        message.encode().unwrap()
    });
    // What is long is long because of repetitions; each octet costs ten inputs.
    let short = messages.filter(|bytes| bytes.len() <= MAX_LEN);
    originals.extend(short.take(600));
    originals
}

struct Attack {
    world: World,
    inputs: usize,
}

impl Attack {
    fn new() -> Self {
        Self {
            world: World::associated(),
            inputs: 0,
        }
    }

    fn throw(&mut self, bytes: &[u8]) {
        self.inputs += 1;
        let actions = self.world.receive(cp(), bytes);
        // An answer to each message at most, and a message has 8 octets at least.
        assert!(sent(&actions).len() <= bytes.len() / 8 + 1, "{bytes:?}");
        if self.inputs.is_multiple_of(1000) {
            self.world.now += Duration::from_millis(100);
            self.world.tick();
            self.check();
        }
    }

    fn check(&mut self) {
        assert!(self.world.node.association_count() <= MAX_ASSOCIATIONS);
        assert!(self.world.node.answers.len() <= MAX_ANSWERS);
        let answer = self.world.ask(other(200), &heartbeat_request(1, 1));
        assert_eq!(answer.body, Body::HeartbeatResponse(heartbeat(OUR_STAMP)));
        // The sessions of the fake have no bound of their own.
        self.world.sessions.sessions.clear();
        self.world.sessions.calls.clear();
        self.world.receive(cp(), &setup(1, CP_STAMP));
    }
}

#[test]
fn messages_cut_at_every_octet() {
    let mut attack = Attack::new();
    for original in originals() {
        for len in 0..original.len() {
            let mut cut = original[..len].to_vec();
            attack.throw(&cut);
            // The same with a length that fits.
            if let Some(length) = len.checked_sub(4) {
                cut[2..4].copy_from_slice(&(length as u16).to_be_bytes());
                attack.throw(&cut);
            }
        }
    }
    attack.check();
    assert!(attack.inputs > 50_000, "{}", attack.inputs);
}

#[test]
fn every_bit_flipped_and_every_octet_at_its_ends() {
    let mut attack = Attack::new();
    for original in originals() {
        let mut bytes = original.clone();
        attack.world = World::associated();
        for place in 0..bytes.len() {
            let octet = bytes[place];
            let flips = (0..8).map(|bit| octet ^ 1 << bit);
            for value in flips.chain([0, 0xff]) {
                bytes[place] = value;
                attack.throw(&bytes);
            }
            bytes[place] = octet;
        }
    }
    attack.check();
    assert!(attack.inputs > 300_000, "{}", attack.inputs);
}

#[test]
fn messages_mutated_at_random() {
    let mut attack = Attack::new();
    let mut random = SmallRng::seed_from_u64(29_244);
    let originals = originals();
    while attack.inputs < 250_000 {
        let mut bytes = originals[random.random_range(0..originals.len())].clone();
        for _ in 0..random.random_range(1..6) {
            mutate(&mut bytes, &mut random);
        }
        if random.random_bool(0.7) && bytes.len() >= 4 {
            let len = (bytes.len() - 4) as u16;
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
        }
        attack.throw(&bytes);
    }
    attack.check();
}

fn mutate(bytes: &mut Vec<u8>, random: &mut SmallRng) {
    if bytes.is_empty() {
        return bytes.push(random.random());
    }
    let place = random.random_range(0..bytes.len());
    match random.random_range(0..4) {
        0 => bytes[place] = random.random(),
        1 => bytes.truncate(place),
        2 => bytes.insert(place, random.random()),
        _ => {
            let end = (place + random.random_range(1..32)).min(bytes.len());
            let piece = bytes[place..end].to_vec();
            let to = random.random_range(0..=bytes.len());
            bytes.splice(to..to, piece);
        }
    }
}
