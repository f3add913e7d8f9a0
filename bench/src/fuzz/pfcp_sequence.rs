//! A node, its sessions and their tables under a sequence of datagrams. Whatever comes, answers can be read and are
//! not many, and when all associations are gone the tables are as they were.
//!
//! An input is a series of records: an octet that says who sends (bit 0) and how many times five seconds have passed
//! since the last one (the upper half), the datagram's length in two octets, and the datagram. A SEID below 256 in a
//! header means the session of that number, in the order in which they were set up.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use upf_common::abi::Rules;
use upf_user::datapath::memory::MemoryDatapath;
use upf_user::datapath::{Datapath as _, Direction, SlotIndex};
use upf_user::pfcp::codec::{Body, decode, frames};
use upf_user::pfcp::ie::NodeId;
use upf_user::pfcp::node::{Action, Config, Node};
use upf_user::session::Sessions;

/// Datagrams of one input.
const MAX_DATAGRAMS: usize = 64;
const PAUSE: Duration = Duration::from_secs(5);
/// Long enough for every timer.
const AT_LAST: Duration = Duration::from_secs(40_000);
const HAS_SEID: u8 = 1;
/// Where the SEID stands in a header.
const SEID: std::ops::Range<usize> = 4..12;

/// Takes an input.
///
/// # Panics
/// When something does not hold.
pub fn run(input: &[u8]) {
    let _ = establish(input);
}

/// The same; how many sessions were set up meanwhile.
///
/// # Panics
/// When something does not hold.
#[must_use]
pub fn establish(input: &[u8]) -> usize {
    let mut world = World::new();
    let mut rest = input;
    for _ in 0..MAX_DATAGRAMS {
        let Some((how, datagram, behind)) = record(rest) else {
            break;
        };
        world.wait(PAUSE * u32::from(how >> 4));
        world.take(usize::from(how & 1), datagram);
        rest = behind;
    }
    let count = world.seids.len();
    world.end();
    count
}

fn record(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([how, l0, l1], rest) = input.split_first_chunk::<3>()?;
    let length = usize::from(u16::from_be_bytes([*l0, *l1])).min(rest.len());
    let (datagram, behind) = rest.split_at(length);
    Some((*how, datagram, behind))
}

struct World {
    node: Node,
    sessions: Sessions<MemoryDatapath>,
    now: Instant,
    /// Our SEIDs, in the order of the establishments.
    seids: Vec<u64>,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let id = NodeId::Address([10, 100, 0, 9].into());
        Self {
            node: Node::new(Config::new(id, 7), now),
            sessions: super::sessions(),
            now,
            seids: Vec::new(),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        let actions = self.node.tick(self.now, &mut self.sessions);
        self.sessions.tick(self.now);
        let is_due = |due: Instant| due <= self.now;
        while self.sessions.next_deadline().is_some_and(is_due) {
            self.sessions.tick(self.now);
        }
        self.read(&actions);
    }

    fn take(&mut self, sender: usize, datagram: &[u8]) {
        let mut datagram = datagram.to_vec();
        self.name_session(&mut datagram);
        let from = SocketAddr::from(([10, 100, 0, 1 + sender as u8], 8805));
        let actions = self
            .node
            .receive(from, &datagram, self.now, &mut self.sessions);
        let sent = self.read(&actions);
        // One for each message, and a message has 8 octets at least.
        assert!(sent <= datagram.len() / 8 + 1, "{sent} answers");
    }

    fn name_session(&self, datagram: &mut [u8]) {
        let has_seid = datagram.first().is_some_and(|flags| flags & HAS_SEID != 0);
        let Some(field) = datagram.get_mut(SEID).filter(|_| has_seid) else {
            return;
        };
        let [0, 0, 0, 0, 0, 0, 0, number] = *field else {
            return;
        };
        if let Some(seid) = self.seids.get(usize::from(number)) {
            field.copy_from_slice(&seid.to_be_bytes());
        }
    }

    /// What was sent can be read; how many datagrams that was.
    fn read(&mut self, actions: &[Action]) -> usize {
        let sent = actions.iter().filter_map(|action| match action {
            Action::Send { bytes, .. } => Some(bytes),
            Action::Log(_) => None,
        });
        let mut count = 0;
        for bytes in sent {
            count += 1;
            for frame in frames(bytes) {
                let frame = frame.expect("whole messages");
                // The answer to another version is of that version's own.
                let Some(decoded) = decode(&frame) else {
                    continue;
                };
                let decoded = decoded.unwrap_or_else(|error| panic!("{error}: {bytes:02x?}"));
                if let Body::SessionEstablishmentResponse(response) = decoded.body {
                    self.seids
                        .extend(response.up_f_seid.map(|f_seid| f_seid.seid));
                }
            }
        }
        count
    }

    /// All associations end, and nothing is left behind.
    fn end(mut self) {
        let period = Duration::from_secs(1);
        let actions = self.node.release_all(period, self.now, &mut self.sessions);
        self.read(&actions);
        self.wait(AT_LAST);
        assert_eq!(self.node.association_count(), 0);
        assert_eq!(self.sessions.len(), 0, "sessions of no association");
        assert_eq!(self.sessions.slots_in_use(), 0);
        assert!(self.sessions.peers().is_empty());
        let tables = self.sessions.tables();
        assert_eq!(tables.hash_entries(), (0, 0));
        assert!(!tables.has_framed());
        for index in 0..tables.capacity() {
            for direction in [Direction::Uplink, Direction::Downlink] {
                let rules = tables.read_rules(SlotIndex(index), direction);
                assert_eq!(rules.expect("in the table"), Rules::default(), "{index}");
            }
        }
    }
}
