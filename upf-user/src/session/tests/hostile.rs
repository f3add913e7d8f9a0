//! Messages that nobody means well with, through codec and node into sessions and tables: whatever comes, the tables
//! hold what the sessions imply, and every session is whole.

use crate::pfcp::message::SessionDeletionRequest;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::copies::copied;
use super::correlated::{ambr_of, with_ambr};
use super::end_markers::handover;
use super::framed::with_framed;
use super::random::Author;
use super::requests::{dedicated_flow, idle, pdu_session, pgw_u, sgw_u, smf, tunnel, ue};
use super::ue_pools::choosing;
use super::world::World;
use crate::pfcp::codec::{AssociationSetupRequest, Body, Message};
use crate::pfcp::ie::NodeId;
use crate::pfcp::node::{Config, Node};

const INPUTS: u32 = 60_000;
const SMF: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 100, 0, 1)), 8805);

struct Attack {
    world: World,
    node: Node,
    random: SmallRng,
    /// Of requests with rules of all kinds.
    author: Author,
    sequence: u32,
}

impl Attack {
    fn new() -> Self {
        let own = NodeId::Address(IpAddr::V4(Ipv4Addr::new(10, 100, 0, 2)));
        let world = World::with_slots(256);
        let mut attack = Self {
            author: Author::new(29_244, world.ntp(Duration::ZERO)),
            world,
            node: Node::new(Config::new(own, 1), Instant::now()),
            random: SmallRng::seed_from_u64(29_244),
            sequence: 0,
        };
        let setup = attack.write(
            0,
            Body::AssociationSetupRequest(AssociationSetupRequest {
                node_id: smf(),
                recovery_time_stamp: 7,
                up_function_features: None,
                cp_function_features: None,
            }),
        );
        attack.throw(&setup);
        attack
    }

    fn write(&mut self, seid: u64, body: Body) -> Vec<u8> {
        self.sequence = (self.sequence + 1) & 0xff_ffff;
        let message = Message {
            seid,
            sequence: self.sequence,
            priority: None,
            body,
        };
        message.encode().unwrap()
    }

    /// A message that an SMF could send now.
    fn message(&mut self) -> Vec<u8> {
        let seids: Vec<u64> = self.world.sessions.sessions.keys().copied().collect();
        let seid = match seids.len() {
            0 => 1,
            len => seids[self.random.random_range(0..len)],
        };
        let address = format!("10.45.0.{}", self.random.random_range(1..100));
        let prefix = format!("2001:db8:45:{}::", self.random.random_range(1..60));
        let cp_seid = self.random.random();
        let number = self.random.random();
        let gnb = Ipv4Addr::new(10, 1, 0, self.random.random_range(10..30));
        let imsi = ["001010000000001", "001010000000002"][self.random.random_range(0..2)];
        let kbps = self.random.random_range(1..1000);
        let net = format!("192.168.{}.0/24", self.random.random_range(0..40));
        let body = match self.random.random_range(0..19) {
            13 => Body::SessionEstablishmentRequest(with_ambr(&address, Some(imsi), kbps)),
            14 => Body::SessionModificationRequest(ambr_of(kbps)),
            15 => Body::SessionEstablishmentRequest(choosing(true, number & 1 == 0)),
            16 => Body::SessionEstablishmentRequest(with_framed(Some(&address), None, &[&net])),
            17 => Body::SessionEstablishmentRequest(copied(&address, number)),
            18 => Body::SessionModificationRequest(handover(number, gnb)),
            0 => Body::SessionEstablishmentRequest(pdu_session(cp_seid, ue(Some(&address), None))),
            1 => Body::SessionEstablishmentRequest(pdu_session(
                cp_seid,
                ue(Some(&address), Some(&prefix)),
            )),
            2 => Body::SessionEstablishmentRequest(pgw_u(cp_seid, ue(None, Some(&prefix)))),
            3 => Body::SessionEstablishmentRequest(sgw_u(cp_seid)),
            4 | 5 => Body::SessionModificationRequest(tunnel(1, number, gnb)),
            6 => Body::SessionModificationRequest(idle()),
            7 => Body::SessionModificationRequest(dedicated_flow(
                "permit out 17 from 192.0.2.0/24 5000-6000 to assigned",
            )),
            8 => Body::SessionDeletionRequest(SessionDeletionRequest::default()),
            9 => Body::SessionModificationRequest(tunnel(2, number, gnb)),
            10 => Body::SessionEstablishmentRequest(self.author.establishment()),
            _ => Body::SessionModificationRequest(self.author.modification()),
        };
        self.write(seid, body)
    }

    fn mutate(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.random.random_range(0..4) {
            let place = self.random.random_range(4..bytes.len());
            match self.random.random_range(0..4) {
                0 => bytes[place] = self.random.random(),
                1 => bytes[place] ^= 1 << self.random.random_range(0..8),
                2 => bytes.truncate(place.max(17)),
                _ => {
                    // A part of the message once more: rules twice, a rule within a rule.
                    let end = (place + self.random.random_range(1..64)).min(bytes.len());
                    let part = bytes[place..end].to_vec();
                    let to = self.random.random_range(16..=bytes.len());
                    bytes.splice(to..to, part);
                }
            }
        }
        let length = u16::try_from(bytes.len() - 4).unwrap();
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes
    }

    fn throw(&mut self, bytes: &[u8]) {
        self.world.now += Duration::from_millis(2);
        self.world.sessions.tick(self.world.now);
        self.node
            .receive(SMF, bytes, self.world.now, &mut self.world.sessions);
    }
}

#[test]
fn mutated_requests_leave_no_session_half_made() {
    let mut attack = Attack::new();
    let (mut most, mut rare) = (0, [0; 4]);
    for input in 0..INPUTS {
        let message = attack.message();
        let message = attack.mutate(message);
        attack.throw(&message);
        most = most.max(attack.world.sessions.len());
        if input % 100 == 0 {
            attack.world.check();
            let books = &attack.world.sessions.books;
            let now = [
                attack.world.tables.with(|tables| tables.framed_entries()),
                books.limits().count(),
                books.allocated().len(),
                books.duplicates().len(),
            ];
            rare = std::array::from_fn(|n| rare[n].max(now[n]));
        }
    }
    attack.world.check();
    assert!(most > 40, "only {most} sessions stood at a time");
    assert!(rare.iter().all(|most| *most > 1), "{rare:?}");
    let seids: Vec<u64> = attack.world.sessions.sessions.keys().copied().collect();
    for seid in seids {
        attack.world.delete(seid).unwrap();
    }
    attack.world.check();
    assert_eq!(
        attack.world.tables.with(|tables| tables.hash_entries()),
        (0, 0)
    );
}
