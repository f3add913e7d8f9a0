//! Rows of the tables: what is sent, what is expected back, and what has to be in the tables then.
//!
//! What every answer must be is checked of every answer: its type, its sequence number, the SEID of its header, our
//! Node ID and Recovery Time Stamp where they are mandatory, and that a refusal changed nothing. Every row ends with all
//! sessions deleted, and nothing may be left in the tables.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use upf_user::session::SessionView;

use super::message::{Got, Msg, Seid, be};
use super::requests::{pgw, setup};
use super::types::*;
use super::world::{OUR_NODE, OUR_STAMP, Setting, World, smf};

type Outcome = Result<(), String>;
type Step = Box<dyn Fn(&mut World) -> Outcome>;

/// One row.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Of TS 29.244, where nothing else is named.
    pub(crate) clause: &'static str,
    setting: Setting,
    steps: Vec<(String, Step)>,
}

/// What is expected of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expect {
    is_silent: bool,
    kind: Option<u8>,
    cause: Option<u8>,
    offending: Option<u16>,
    failed: Option<(u8, u32)>,
    seid: Option<u64>,
    created: Option<Vec<u16>>,
    updated: Option<Vec<u16>>,
    endpoints: Option<Vec<u16>>,
    values: Vec<(u16, Option<Vec<u8>>)>,
    present: Vec<u16>,
}

/// Accepted.
pub(crate) fn ok() -> Expect {
    no(ACCEPTED)
}

/// Refused with a cause, and without Offending IE and Failed Rule ID unless they are named.
pub(crate) fn no(cause: u8) -> Expect {
    Expect {
        cause: Some(cause),
        ..Expect::default()
    }
}

/// An answer that has no Cause.
pub(crate) fn heard() -> Expect {
    Expect::default()
}

/// No answer.
pub(crate) fn silence() -> Expect {
    Expect {
        is_silent: true,
        ..Expect::default()
    }
}

impl Expect {
    /// Offending IE.
    pub(crate) fn ie(mut self, kind: u16) -> Self {
        self.offending = Some(kind);
        self
    }

    /// Failed Rule ID.
    pub(crate) fn rule(mut self, kind: u8, id: u32) -> Self {
        self.failed = Some((kind, id));
        self
    }

    /// The header's SEID.
    pub(crate) fn to(mut self, seid: u64) -> Self {
        self.seid = Some(seid);
        self
    }

    /// Another type than the request's response.
    pub(crate) fn of_type(mut self, kind: u8) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The PDRs of the Created PDRs.
    pub(crate) fn created(mut self, pdrs: &[u16]) -> Self {
        self.created = Some(pdrs.to_vec());
        self
    }

    /// The PDRs of the Updated PDRs.
    pub(crate) fn updated(mut self, pdrs: &[u16]) -> Self {
        self.updated = Some(pdrs.to_vec());
        self
    }

    /// The IDs of the Created Traffic Endpoints.
    pub(crate) fn endpoints(mut self, ids: &[u16]) -> Self {
        self.endpoints = Some(ids.to_vec());
        self
    }

    pub(crate) fn value(mut self, kind: u16, value: &[u8]) -> Self {
        self.values.push((kind, Some(value.to_vec())));
        self
    }

    pub(crate) fn lacks(mut self, kind: u16) -> Self {
        self.values.push((kind, None));
        self
    }

    pub(crate) fn has(mut self, kind: u16) -> Self {
        self.present.push(kind);
        self
    }

    fn is_refusal(&self) -> bool {
        self.cause.is_some_and(|cause| cause >= REJECTED)
    }
}

/// No control plane is known yet.
pub(crate) fn bare(name: &'static str, clause: &'static str) -> Row {
    Row {
        name,
        clause,
        setting: Setting::default(),
        steps: Vec::new(),
    }
}

/// The SMF has its association.
pub(crate) fn associated(name: &'static str, clause: &'static str) -> Row {
    bare(name, clause).send(setup(), ok())
}

/// The SMF has a session.
pub(crate) fn with(name: &'static str, clause: &'static str, request: Msg) -> Row {
    associated(name, clause).send(request, ok())
}

/// One request to a UP function with an association, and its answer.
pub(crate) fn ask(name: &'static str, clause: &'static str, request: Msg, expect: Expect) -> Row {
    associated(name, clause).send(request, expect)
}

/// One request about an ordinary session, and its answer.
pub(crate) fn change(
    name: &'static str,
    clause: &'static str,
    request: Msg,
    expect: Expect,
) -> Row {
    with(name, clause, pgw()).send(request, expect)
}

fn same<T: PartialEq + Debug>(got: &T, expected: &T) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, got {got:?}"))
}

impl Row {
    /// GTP-U over IPv6, too. Before any step.
    pub(crate) fn dual_stack(mut self) -> Self {
        self.setting.is_dual_stack = true;
        self
    }

    pub(crate) fn slots(mut self, slots: u32) -> Self {
        self.setting.slots = slots;
        self
    }

    /// The UP function sets the association up.
    pub(crate) fn connecting(mut self) -> Self {
        self.setting.connects = true;
        self
    }

    pub(crate) fn step(
        mut self,
        what: impl Into<String>,
        step: impl Fn(&mut World) -> Outcome + 'static,
    ) -> Self {
        self.steps.push((what.into(), Box::new(step)));
        self
    }

    pub(crate) fn send(self, message: Msg, expect: Expect) -> Self {
        self.send_from(smf(), message, expect)
    }

    pub(crate) fn send_from(self, from: SocketAddr, message: Msg, expect: Expect) -> Self {
        self.send_made(from, move |_| message.clone(), expect)
    }

    /// Sends what can only be said when the row runs.
    pub(crate) fn send_with(self, make: impl Fn(&World) -> Msg + 'static, expect: Expect) -> Self {
        self.send_made(smf(), make, expect)
    }

    fn send_made(
        self,
        from: SocketAddr,
        make: impl Fn(&World) -> Msg + 'static,
        expect: Expect,
    ) -> Self {
        self.step("answer", move |world| {
            let message = make(world);
            exchange(world, from, &message, &expect)
        })
    }

    /// Sends messages in one datagram (FO).
    pub(crate) fn bundle(self, messages: Vec<(Msg, Expect)>) -> Self {
        self.step("answers to a bundle", move |world| {
            let mut datagram = Vec::new();
            let mut numbers = Vec::new();
            for (n, (message, _)) in messages.iter().enumerate() {
                let (octets, number) = world.octets(message, n + 1 < messages.len());
                datagram.extend(octets);
                numbers.push(number);
            }
            let mut answers = world.receive(smf(), datagram).into_iter();
            for ((message, expect), number) in messages.iter().zip(numbers) {
                let answer = if expect.is_silent {
                    None
                } else {
                    answers.next()
                };
                check(world, message, number, answer.as_ref(), expect)?;
            }
            same(&answers.count(), &0)
        })
    }

    /// Sends octets.
    pub(crate) fn datagram(self, octets: &[u8], expected_types: &[u8]) -> Self {
        let (octets, expected) = (octets.to_vec(), expected_types.to_vec());
        self.step("types of answers", move |world| {
            let before = world.snapshot();
            let answers = world.receive(smf(), octets.clone());
            let types: Vec<_> = answers.iter().map(|got| got.kind).collect();
            same(&types, &expected)?;
            same(&(world.snapshot() == before), &true)
        })
    }

    /// Sends the last datagram again: the same answer has to come, and nothing may change.
    pub(crate) fn again(self) -> Self {
        self.step("answer to the retransmission", |world| {
            let before = world.snapshot();
            let first = world.last_answer.clone().map(|got| got.ies);
            let second = world.repeat(smf()).pop().map(|got| got.ies);
            same(&second, &first)?;
            same(&(world.snapshot() == before), &true)
        })
    }

    pub(crate) fn wait(self, seconds: u64) -> Self {
        self.step("wait", move |world| {
            world.wait(Duration::from_secs(seconds));
            Ok(())
        })
    }

    pub(crate) fn act(self, act: impl Fn(&mut World) + 'static) -> Self {
        self.step("act", move |world| {
            act(world);
            Ok(())
        })
    }

    pub(crate) fn holds<T: PartialEq + Debug + 'static>(
        self,
        what: impl Into<String>,
        get: impl Fn(&World) -> T + 'static,
        expected: T,
    ) -> Self {
        self.step(what, move |world| same(&get(world), &expected))
    }

    /// Something of the first session, as the REST API shows it.
    pub(crate) fn sees<T: PartialEq + Debug + 'static>(
        self,
        what: &str,
        get: impl Fn(&SessionView) -> T + 'static,
        expected: T,
    ) -> Self {
        self.holds(what, move |world| get(&world.view(0)), expected)
    }

    /// What the first session does with packets to the F-TEID of a PDR.
    pub(crate) fn up(self, pdr: u16, expected: &str) -> Self {
        self.up_of(0, pdr, expected)
    }

    pub(crate) fn up_of(self, session: usize, pdr: u16, expected: &str) -> Self {
        let what = format!("packets to the F-TEID of PDR {pdr}");
        let get = move |world: &World| world.by_teid(world.teid(session, pdr));
        self.holds(what, get, expected.to_owned())
    }

    pub(crate) fn up_list(self, pdr: u16, expected: &[&str]) -> Self {
        let expected: Vec<_> = expected.iter().map(|&text| text.to_owned()).collect();
        let get = move |world: &World| world.list_by_teid(world.teid(0, pdr));
        self.holds(format!("the list of PDR {pdr}'s F-TEID"), get, expected)
    }

    /// What packets from the Internet to an address meet.
    pub(crate) fn down(self, address: &'static str, expected: &str) -> Self {
        self.down_from("internet", address, expected)
    }

    pub(crate) fn down_from(
        self,
        network: &'static str,
        address: &'static str,
        expected: &str,
    ) -> Self {
        let what = format!("packets to {address}");
        let get = move |world: &World| world.by_address(network, address);
        self.holds(what, get, expected.to_owned())
    }

    pub(crate) fn down_list(self, address: &'static str, expected: &[&str]) -> Self {
        let expected: Vec<_> = expected.iter().map(|&text| text.to_owned()).collect();
        let get = move |world: &World| world.list_by_address("internet", address);
        self.holds(format!("the list of {address}"), get, expected)
    }

    /// How many sessions there are.
    pub(crate) fn sessions(self, expected: usize) -> Self {
        self.holds("sessions", |world| world.stack.len(), expected)
    }

    pub(crate) fn associations(self, expected: usize) -> Self {
        self.holds(
            "associations",
            |world| world.node.association_count(),
            expected,
        )
    }

    /// The next request of ours has this type, and says this.
    pub(crate) fn sends<T: PartialEq + Debug + 'static>(
        self,
        what: &str,
        kind: u8,
        get: impl Fn(&Got) -> T + 'static,
        expected: T,
    ) -> Self {
        self.step(format!("our request: {what}"), move |world| {
            let own = world.sent.pop_front();
            let (to, got) = own.ok_or_else(|| "nothing was sent".to_owned())?;
            same(&got.kind, &kind)?;
            let value = get(&got);
            world.last_own = Some((to, got));
            same(&value, &expected)
        })
    }

    pub(crate) fn sends_nothing(self) -> Self {
        self.step("our requests", |world| {
            let types: Vec<_> = world.sent.iter().map(|(_, got)| got.kind).collect();
            same(&types, &Vec::new())
        })
    }

    /// Drops what we sent so far.
    pub(crate) fn forget_sent(self) -> Self {
        self.act(|world| world.sent.clear())
    }

    /// Answers our last request that a row has looked at.
    pub(crate) fn answer_it(self, response: Msg) -> Self {
        self.step("response to our request", move |world| {
            let (to, own) = world.last_own.clone().expect("a request of ours");
            let response = response.clone().numbered(own.sequence);
            let seid = world.seid(response.seid);
            let octets = response.octets(seid, own.sequence, false);
            same(&world.receive(to, octets).len(), &0)
        })
    }

    /// Runs the row: what was expected and what came where they differ.
    pub(crate) fn run(&self) -> Outcome {
        let mut world = World::new(self.setting);
        for (n, (what, step)) in self.steps.iter().enumerate() {
            step(&mut world).map_err(|error| format!("step {}, {what}: {error}", n + 1))?;
        }
        same(&world.leaks(), &Vec::new())
    }
}

fn exchange(world: &mut World, from: SocketAddr, message: &Msg, expect: &Expect) -> Outcome {
    let before = expect.is_refusal().then(|| world.snapshot());
    let (octets, number) = world.octets(message, false);
    let answers = world.receive(from, octets);
    same(&answers.len(), &usize::from(!expect.is_silent))?;
    check(world, message, number, answers.first(), expect)?;
    match before {
        Some(before) if before != world.snapshot() => {
            Err("expected nothing to change, got a change".to_owned())
        }
        _ => Ok(()),
    }
}

fn check(
    world: &mut World,
    message: &Msg,
    number: u32,
    answer: Option<&Got>,
    expect: &Expect,
) -> Outcome {
    let Some(got) = answer else {
        return match expect.is_silent {
            true => Ok(()),
            false => Err("expected an answer, got none".to_owned()),
        };
    };
    let verdict = |got: &Got| {
        (
            got.cause(),
            got.number(OFFENDING_IE).map(|kind| kind as u16),
            got.failed_rule(),
        )
    };
    let expected = (expect.cause, expect.offending, expect.failed);
    if verdict(got) != expected {
        return Err(format!(
            "expected (Cause, Offending IE, Failed Rule ID) {expected:?}, got {:?}",
            verdict(got)
        ));
    }
    same(&got.kind, &expect.kind.unwrap_or(message.kind + 1))?;
    same(&got.sequence, &number)?;
    let seid = expect.seid.or_else(|| header_seid(world, message, got));
    same(&got.seid, &seid)?;
    check_mandatory(got)?;
    for kind in &expect.present {
        same(&(kind, got.find(*kind).is_some()), &(kind, true))?;
    }
    for (kind, value) in &expect.values {
        same(
            &(kind, got.find(*kind).map(<[u8]>::to_vec)),
            &(kind, value.clone()),
        )?;
    }
    let groups = [
        ("Created PDR", CREATED_PDR, PDR_ID, &expect.created),
        ("Updated PDR", UPDATED_PDR, PDR_ID, &expect.updated),
        (
            "Created Traffic Endpoint",
            CREATED_ENDPOINT,
            TRAFFIC_ENDPOINT_ID,
            &expect.endpoints,
        ),
    ];
    for (name, group, id, ids) in groups {
        if let Some(ids) = ids {
            let got: Vec<_> = got.allocated(group, id).into_keys().collect();
            same(&(name, &got), &(name, ids))?;
        }
    }
    world.note(message, got);
    Ok(())
}

/// The control plane's SEID (clause 7.2.2.4.2): that of the request, or of the session; 0 where there is none.
fn header_seid(world: &World, message: &Msg, got: &Got) -> Option<u64> {
    if message.kind < ESTABLISHMENT || got.kind < ESTABLISHMENT {
        return None;
    }
    let own = message.ies.value(F_SEID).filter(|value| value.len() >= 9);
    let own = own.map(|value| be(&value[1..9]));
    if message.kind == ESTABLISHMENT {
        return Some(own.unwrap_or_default());
    }
    let session = match message.seid {
        Seid::Session(n) => world.sessions.get(n),
        _ => None,
    };
    let is_unknown = matches!(got.cause(), Some(NOT_FOUND | NO_ASSOCIATION));
    let known = session
        .filter(|_| !is_unknown)
        .map_or(0, |session| session.cp_seid);
    let moved = own.filter(|_| got.cause() == Some(ACCEPTED));
    Some(moved.unwrap_or(known))
}

fn check_mandatory(got: &Got) -> Outcome {
    let names_node = matches!(got.kind, 6 | 8 | 10 | 13 | 15 | 51);
    if names_node {
        same(&got.find(NODE_ID), &Some(&OUR_NODE[..]))?;
    }
    if matches!(got.kind, 2 | 6) {
        same(&got.number(RECOVERY_TIME_STAMP), &Some(OUR_STAMP.into()))?;
    }
    let is_setup = got.kind == ESTABLISHMENT + 1 && got.cause() == Some(ACCEPTED);
    same(&(got.kind == 51 && got.find(F_SEID).is_some()), &is_setup)
}
