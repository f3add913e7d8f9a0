//! The node with a clock that a test holds, and sessions that only remember.

mod associations;
mod connect;
mod hostile;
mod load;
mod odd_messages;
mod own_requests;
mod owners;
mod release;
mod restart;
mod sessions;
mod usage;
mod usage_kept;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::{Action, Config, Event, Node};
use crate::pfcp::codec::{
    AssociationSetupRequest, AssociationUpdateRequest, Body, Header, Heartbeat, Message, decode,
    frames,
};
use crate::pfcp::ie::{Cause, CpFunctionFeatures, FSeid, FTeid, FqCsid, NodeId};
use crate::pfcp::kept::{KeptAnswer, KeptAssociation, KeptNode};
use crate::pfcp::message::{
    CreatePdr, CreatedPdr, PfdManagementRequest, Refusal, SessionDeletionRequest,
    SessionEstablishmentRequest, SessionModificationRequest, SessionReportResponse, UsageReport,
};
use crate::pfcp::service::{
    Answer, Deleted, Established, Modified, SessionService, UsageOutcome, UsageRequest,
};
use crate::reports::Outbox;
use crate::session::NtpAnchor;
use crate::usage::Millis;

const OUR_STAMP: u32 = 0xee00_0000;
const CP_STAMP: u32 = 0xee00_1000;
/// When worlds begin.
const NOW_MS: u64 = 1_764_074_622_000;

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
    /// What the next establishment, modification or PFD management is answered with.
    refusal: Option<Refusal>,
    /// Header SEIDs that establishments came with.
    header_seids: Vec<u64>,
    /// Answers to reports, by our SEID.
    answered: Vec<(NodeId, u64, SessionReportResponse)>,
    /// GTP-U peers of sessions.
    peers: BTreeMap<u64, IpAddr>,
    /// Who sent PFDs.
    pfds: Vec<NodeId>,
    load_percent: u8,
    outbox: Option<Outbox>,
    /// What the next process goes on with, and what will be it with the next writing.
    kept: Kept,
    unwritten: Kept,
    /// What deletions and modifications are answered with.
    usage_reports: Vec<UsageReport>,
}

#[derive(Clone, Default)]
struct Kept {
    associations: BTreeMap<NodeId, KeptAssociation>,
    answers: Vec<KeptAnswer>,
    next_sequence: Option<u32>,
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
        header_seid: u64,
        request: &SessionEstablishmentRequest,
        _now: Instant,
    ) -> Result<Established, Refusal> {
        self.calls.push("establish");
        self.header_seids.push(header_seid);
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
                outcome: self.refusal.take().map_or(
                    Ok(Modified {
                        usage_reports: self.usage_reports.clone(),
                        ..Modified::default()
                    }),
                    Err,
                ),
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
                    outcome: Ok(Deleted {
                        usage_reports: self.usage_reports.clone(),
                    }),
                }
            }
            None => Self::not_found(),
        }
    }

    fn delete_all(&mut self, owner: &NodeId, _now: Instant) {
        self.calls.push("delete_all");
        self.sessions.retain(|_, (other, _)| other != owner);
    }

    /// All sessions of the fake are in every set.
    fn delete_sets(
        &mut self,
        owner: &NodeId,
        _sets: &[FqCsid],
        _now: Instant,
    ) -> Result<(), Refusal> {
        self.calls.push("delete_sets");
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal);
        }
        self.sessions.retain(|_, (other, _)| other != owner);
        Ok(())
    }

    fn provision_pfds(
        &mut self,
        owner: &NodeId,
        _request: &PfdManagementRequest,
        _now: Instant,
    ) -> Result<(), Refusal> {
        self.calls.push("provision_pfds");
        self.pfds.push(owner.clone());
        self.refusal.take().map_or(Ok(()), Err)
    }

    fn report_answered(
        &mut self,
        owner: &NodeId,
        seid: u64,
        response: &SessionReportResponse,
        _now: Instant,
    ) {
        self.calls.push("report_answered");
        self.answered.push((owner.clone(), seid, response.clone()));
        if response.cause == Cause::SessionContextNotFound && self.cp_seid(owner, seid).is_some() {
            self.sessions.remove(&seid);
        }
    }

    fn keep_association(&mut self, node: &NodeId, kept: Option<&KeptAssociation>) {
        let associations = &mut self.unwritten.associations;
        match kept {
            Some(kept) => associations.insert(node.clone(), kept.clone()),
            None => associations.remove(node),
        };
    }

    fn keep_answer(&mut self, answer: KeptAnswer) {
        self.unwritten.answers.push(answer);
    }

    fn keep_sequence(&mut self, next: u32) {
        self.unwritten.next_sequence = Some(next);
    }

    fn take_usage_owners(&mut self) -> Vec<NodeId> {
        self.kept = self.unwritten.clone();
        self.outbox
            .as_mut()
            .map_or(Vec::new(), Outbox::take_usage_owners)
    }

    fn next_usage_request(&mut self, owner: &NodeId, now: Instant) -> Option<UsageRequest> {
        self.outbox.as_mut()?.next_usage_request(owner, now)
    }

    fn usage_request_due(&self, owner: &NodeId, now: Instant) -> Option<Instant> {
        self.outbox.as_ref()?.usage_request_due(owner, now)
    }

    fn usage_request_done(&mut self, id: u64, outcome: UsageOutcome, now: Instant) {
        if let Some(outbox) = &mut self.outbox {
            outbox.usage_request_done(id, outcome, now);
        }
    }

    fn owners_of_peers(&self, peers: &[IpAddr]) -> Vec<(NodeId, Vec<IpAddr>)> {
        let mut owners: BTreeMap<NodeId, Vec<IpAddr>> = BTreeMap::new();
        for (seid, peer) in &self.peers {
            if let Some((owner, _)) = self.sessions.get(seid).filter(|_| peers.contains(peer)) {
                owners.entry(owner.clone()).or_default().push(*peer);
            }
        }
        owners.into_iter().collect()
    }

    fn load_percent(&self) -> u8 {
        self.load_percent
    }

    fn cp_seid(&self, owner: &NodeId, seid: u64) -> Option<u64> {
        let (node, cp_seid) = self.sessions.get(&seid)?;
        (node == owner).then_some(*cp_seid)
    }
}

/// Started at that moment, and set to connect there.
fn config(connect: &[SocketAddr], now: Instant) -> Config {
    let clock = NtpAnchor {
        instant: now,
        ntp_seconds: OUR_STAMP,
        millis: Millis(NOW_MS),
    };
    Config {
        connect: connect.to_vec(),
        clock,
        ..Config::new(our_node(), OUR_STAMP)
    }
}

/// A node and what is around it.
struct World {
    node: Node,
    sessions: FakeSessions,
    now: Instant,
    /// For requests whose sequence number does not matter.
    next_sequence: u32,
}

impl World {
    fn new(connect: &[SocketAddr]) -> Self {
        let now = Instant::now();
        Self {
            node: Node::new(config(connect, now), now),
            sessions: FakeSessions::default(),
            now,
            next_sequence: 0x10_0000,
        }
    }

    /// With an association of [`cp_node`], set up with sequence number 1.
    fn associated() -> Self {
        let mut world = Self::new(&[]);
        let answer = world.ask(cp(), &setup(1, CP_STAMP));
        assert!(matches!(answer.body, Body::AssociationSetupResponse(_)));
        world
    }

    /// Adds a session as if it had been established.
    fn add_session(&mut self, owner: NodeId, seid: u64, cp_seid: u64) {
        self.sessions.next = self.sessions.next.max(seid);
        self.sessions.sessions.insert(seid, (owner, cp_seid));
    }

    /// What a request is answered with.
    fn serve(&mut self, from: SocketAddr, seid: u64, body: Body) -> Body {
        self.next_sequence += 1;
        let request = write(self.next_sequence, seid, body);
        self.ask(from, &request).body
    }

    /// Takes the control plane's response to a request of ours.
    fn answered(&mut self, request: &[u8], body: Body) -> Vec<Action> {
        let sequence = read_header(request).sequence;
        self.receive(cp(), &write(sequence, 0, body))
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

fn read_header(bytes: &[u8]) -> Header {
    frames(bytes).next().unwrap().unwrap().header
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

/// An update that changes nothing.
fn update_of(node_id: NodeId) -> AssociationUpdateRequest {
    AssociationUpdateRequest {
        node_id,
        up_function_features: None,
        cp_function_features: None,
        release_request: None,
        graceful_release_period: None,
    }
}

/// An update to other features of a control plane.
fn features(node_id: NodeId, bits: u16) -> Body {
    Body::AssociationUpdateRequest(AssociationUpdateRequest {
        cp_function_features: Some(CpFunctionFeatures(bits)),
        ..update_of(node_id)
    })
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
