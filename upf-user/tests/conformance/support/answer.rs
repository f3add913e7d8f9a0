//! What is expected of an answer, and what every answer must be: its type, its sequence number, the SEID of its header,
//! our Node ID and Recovery Time Stamp where they are mandatory, and nothing changed by a refusal.

use std::fmt::Debug;
use std::net::SocketAddr;

use super::message::{Got, Msg, Seid, be};
use super::types::*;
use super::world::{OUR_NODE, OUR_STAMP, World};

pub(crate) type Outcome = Result<(), String>;

/// What is expected of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expect {
    pub(super) is_silent: bool,
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

/// Whether two values are the same; what was expected and what came otherwise.
pub(super) fn same<T: PartialEq + Debug>(got: &T, expected: &T) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, got {got:?}"))
}

/// Sends a message and looks at the answer.
pub(super) fn exchange(
    world: &mut World,
    from: SocketAddr,
    message: &Msg,
    expect: &Expect,
) -> Outcome {
    let before = expect.is_refusal().then(|| world.snapshot());
    let (octets, number) = world.octets(message, false);
    let answers = world.receive(from, octets);
    same(&answers.len(), &usize::from(!expect.is_silent))?;
    check(world, message, number, answers.first(), expect)?;
    match before {
        Some(before) if before != world.snapshot() => Err(format!(
            "expected nothing to change, got a change {}",
            before.differs(&world.snapshot())
        )),
        _ => Ok(()),
    }
}

/// Whether an answer is what was expected, and what every answer must be.
pub(super) fn check(
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
