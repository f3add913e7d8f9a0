//! The node with a clock that a test holds, and sessions that only remember.

mod associations;
mod connect;
mod hostile;
mod odd_messages;
mod sessions;

use crate::pfcp::ie::FqCsid;
use crate::pfcp::message::{PfdManagementRequest, SessionDeletionRequest, SessionReportResponse};
use crate::pfcp::service::{Deleted, Modified};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::{Action, Config, Event, Node};
use crate::pfcp::codec::{AssociationSetupRequest, Body, Heartbeat, Message, decode, frames};
use crate::pfcp::ie::{Cause, FSeid, FTeid, NodeId};
use crate::pfcp::message::{
    CreatePdr, CreatedPdr, Refusal, SessionEstablishmentRequest, SessionModificationRequest,
};
use crate::pfcp::service::{Answer, Established, SessionService};

const OUR_STAMP: u32 = 0xee00_0000;
const CP_STAMP: u32 = 0xee00_1000;

/// The control plane at 192.0.2.1.
fn cp() -> SocketAddr {
    "192.0.2.1:8805".parse().unwrap()
}

fn cp_node() -> NodeId {
    NodeId::Address(cp().ip())
}

fn our_node() -> NodeId {
    NodeId::Address([10, 100, 0, 2].into())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sessions that only remember whose they are.
#[derive(Default)]
struct FakeSessions {
    /// Our SEID, the owner and the owner's SEID.
    sessions: BTreeMap<u64, (NodeId, u64)>,
    /// What was asked for.
    calls: Vec<&'static str>,
    next: u64,
    /// What the next establishment or modification is answered with.
    refusal: Option<Refusal>,
}

impl FakeSessions {
    fn take_calls(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls)
    }

    fn not_found<T>() -> Answer<T> {
        Answer {
            cp_seid: 0,
            outcome: Err(Refusal {
                cause: Cause::SessionContextNotFound,
                offending_ie: None,
                failed_rule: None,
            }),
        }
    }
}

impl SessionService for FakeSessions {
    fn establish(
        &mut self,
        owner: &NodeId,
        _header_seid: u64,
        request: &SessionEstablishmentRequest,
        _now: Instant,
    ) -> Result<Established, Refusal> {
        self.calls.push("establish");
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal);
        }
        self.next += 1;
        let session = (owner.clone(), request.cp_f_seid.seid);
        self.sessions.insert(self.next, session);
        let created = |pdr: &CreatePdr| CreatedPdr {
            id: pdr.id,
            f_teid: Some(FTeid::Given {
                teid: 0x1000 + self.next as u32,
                ipv4: Some([10, 1, 0, 2].into()),
                ipv6: None,
            }),
            ue_ip_address: None,
        };
        Ok(Established {
            up_f_seid: FSeid {
                seid: self.next,
                ipv4: Some([10, 100, 0, 2].into()),
                ipv6: None,
            },
            created_pdrs: request.create_pdrs.iter().map(created).collect(),
            created_traffic_endpoints: Vec::new(),
        })
    }

    fn modify(
        &mut self,
        owner: &NodeId,
        seid: u64,
        _request: &SessionModificationRequest,
        _now: Instant,
    ) -> Answer<Modified> {
        self.calls.push("modify");
        match self.cp_seid(owner, seid) {
            Some(cp_seid) => Answer {
                cp_seid,
                outcome: self.refusal.take().map_or(Ok(Modified::default()), Err),
            },
            None => Self::not_found(),
        }
    }

    fn delete(
        &mut self,
        owner: &NodeId,
        seid: u64,
        _request: &SessionDeletionRequest,
        _now: Instant,
    ) -> Answer<Deleted> {
        self.calls.push("delete");
        match self.cp_seid(owner, seid) {
            Some(cp_seid) => {
                self.sessions.remove(&seid);
                Answer {
                    cp_seid,
                    outcome: Ok(Deleted::default()),
                }
            }
            None => Self::not_found(),
        }
    }

    fn delete_all(&mut self, owner: &NodeId, _now: Instant) {
        self.calls.push("delete_all");
        self.sessions.retain(|_, (other, _)| other != owner);
    }

    fn delete_sets(&mut self, _owner: &NodeId, _sets: &[FqCsid], _now: Instant) -> usize {
        self.calls.push("delete_sets");
        0
    }

    fn provision_pfds(
        &mut self,
        _owner: &NodeId,
        _request: &PfdManagementRequest,
        _now: Instant,
    ) -> Result<(), Refusal> {
        self.calls.push("provision_pfds");
        self.refusal.take().map_or(Ok(()), Err)
    }

    fn report_answered(
        &mut self,
        _owner: &NodeId,
        _seid: u64,
        _response: &SessionReportResponse,
        _now: Instant,
    ) {
        self.calls.push("report_answered");
    }

    fn count(&self, owner: &NodeId) -> usize {
        let owned = self.sessions.values().filter(|(other, _)| other == owner);
        owned.count()
    }

    fn load_percent(&self) -> u8 {
        0
    }

    fn cp_seid(&self, owner: &NodeId, seid: u64) -> Option<u64> {
        let (node, cp_seid) = self.sessions.get(&seid)?;
        (node == owner).then_some(*cp_seid)
    }
}

/// A node and what is around it.
struct World {
    node: Node,
    sessions: FakeSessions,
    now: Instant,
}

impl World {
    fn new(connect: &[SocketAddr]) -> Self {
        let now = Instant::now();
        let mut config = Config::new(our_node(), OUR_STAMP);
        config.connect = connect.to_vec();
        Self {
            node: Node::new(config, now),
            sessions: FakeSessions::default(),
            now,
        }
    }

    /// With an association of [`cp_node`], set up with sequence number 1.
    fn associated() -> Self {
        let mut world = Self::new(&[]);
        let answer = world.ask(cp(), &setup(1, CP_STAMP));
        assert!(matches!(answer.body, Body::AssociationSetupResponse(_)));
        world
    }

    fn receive(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<Action> {
        self.node.receive(from, bytes, self.now, &mut self.sessions)
    }

    /// The bytes of the only answer.
    fn answer(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<u8> {
        let actions = self.receive(from, bytes);
        let sent = sent(&actions);
        let [(to, answer)] = &sent[..] else {
            panic!("{actions:?}");
        };
        assert_eq!(*to, from, "an answer goes where the request came from");
        answer.clone()
    }

    /// The only answer.
    fn ask(&mut self, from: SocketAddr, bytes: &[u8]) -> Message {
        read(&self.answer(from, bytes))
    }

    fn tick(&mut self) -> Vec<Action> {
        self.node.tick(self.now, &mut self.sessions)
    }

    /// Lets time pass, deadline by deadline; what happened at which second.
    fn run(&mut self, time: Duration) -> Vec<(u64, Action)> {
        let (start, end) = (self.now, self.now + time);
        let mut happened = Vec::new();
        while let Some(deadline) = self.node.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(deadline);
            let second = (self.now - start).as_secs();
            happened.extend(self.tick().into_iter().map(|action| (second, action)));
        }
        self.now = end;
        happened
    }
}

fn sent(actions: &[Action]) -> Vec<(SocketAddr, Vec<u8>)> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Send { to, bytes } => Some((*to, bytes.clone())),
        Action::Log(_) => None,
    });
    sent.collect()
}

fn events(actions: &[Action]) -> Vec<Event> {
    let events = actions.iter().filter_map(|action| match action {
        Action::Log(event) => Some(event.clone()),
        Action::Send { .. } => None,
    });
    events.collect()
}

/// Things with the second at which they happened.
type Timed<T> = Vec<(u64, T)>;

/// What was sent and said, in time.
fn split(happened: &[(u64, Action)]) -> (Timed<Vec<u8>>, Timed<Event>) {
    let (mut sends, mut logs) = (Vec::new(), Vec::new());
    for (second, action) in happened {
        match action {
            Action::Send { bytes, .. } => sends.push((*second, bytes.clone())),
            Action::Log(event) => logs.push((*second, event.clone())),
        }
    }
    (sends, logs)
}

fn read(bytes: &[u8]) -> Message {
    let frame = frames(bytes).next().unwrap().unwrap();
    Message {
        seid: frame.header.seid.unwrap_or_default(),
        sequence: frame.header.sequence,
        priority: frame.header.priority,
        body: decode(&frame).unwrap().unwrap().body,
    }
}

fn write(sequence: u32, seid: u64, body: Body) -> Vec<u8> {
    let message = Message {
        seid,
        sequence,
        priority: None,
        body,
    };
    message.encode().unwrap()
}

fn setup_of(node_id: NodeId, sequence: u32, stamp: u32) -> Vec<u8> {
    let request = AssociationSetupRequest {
        node_id,
        recovery_time_stamp: stamp,
        up_function_features: None,
        cp_function_features: None,
    };
    write(sequence, 0, Body::AssociationSetupRequest(request))
}

fn setup(sequence: u32, stamp: u32) -> Vec<u8> {
    setup_of(cp_node(), sequence, stamp)
}

fn heartbeat(recovery_time_stamp: u32) -> Heartbeat {
    Heartbeat {
        recovery_time_stamp,
    }
}

fn heartbeat_request(sequence: u32, stamp: u32) -> Vec<u8> {
    write(sequence, 0, Body::HeartbeatRequest(heartbeat(stamp)))
}

fn deletion(sequence: u32, seid: u64) -> Vec<u8> {
    let request = SessionDeletionRequest::default();
    write(sequence, seid, Body::SessionDeletionRequest(request))
}

fn modification(sequence: u32, seid: u64) -> Vec<u8> {
    let request = SessionModificationRequest::default();
    write(sequence, seid, Body::SessionModificationRequest(request))
}

/// Another address than the control plane's.
fn other(last: u8) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, last), 8805).into()
}
