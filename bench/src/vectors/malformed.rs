//! Malformed messages: the node, with sessions over tables in memory, gives the answer that TS 29.244 asks for.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use upf_user::datapath::memory::MemoryDatapath;
use upf_user::pfcp::codec::{
    AssociationSetupRequest, Body, Heartbeat, Message, MessageType, decode, frames,
};
use upf_user::pfcp::ie::{Cause, kind};
use upf_user::pfcp::node::{Action, Config, Node};
use upf_user::session::Sessions;

use super::report::Report;
use super::table::{Row, Table};
use crate::figures::requests::{establishment, no_sessions, smf};

const FILE: &str = "pfcp-malformed.tsv";
/// The sequence number of the heartbeat behind each row; no row has it.
const HEARTBEAT: u32 = 0x7f_0001;

/// What has to come back.
enum Expected {
    /// Nothing (clauses 7.6.1 to 7.6.3: silently discarded).
    Silence,
    /// An answer of this type without a cause.
    Answer(MessageType),
    /// A refusal of this type with one of these causes, and this Offending IE.
    Refusal(MessageType, &'static [Cause], Option<u16>),
    /// One of these.
    Either(&'static [Expected]),
}

use Expected::{Answer, Either, Refusal, Silence};

const SETUP: MessageType = MessageType::AssociationSetupResponse;

/// What TS 29.244 asks for, row by row: id, step, expectation. The "expected" column says the same in words.
const EXPECTED: &[(&str, &str, Expected)] = &[
    // A Heartbeat Response has no Cause to say it with (clause 7.4.2.2), so nothing is said.
    ("N01", "1/1", Silence),
    ("N02", "1/1", Silence),
    // A response that nobody waits for (clause 7.6.1).
    ("N03", "1/1", Silence),
    // IEs of type 0 are unknown ones: what is mandatory is missing (clause 7.6.4).
    (
        "N04",
        "1/1",
        Refusal(SETUP, &[Cause::MandatoryIeMissing], Some(kind::NODE_ID)),
    ),
    (
        "N05",
        "1/1",
        Refusal(SETUP, &[Cause::MandatoryIeMissing], Some(kind::NODE_ID)),
    ),
    (
        "N06",
        "1/1",
        Refusal(
            SETUP,
            &[Cause::MandatoryIeMissing],
            Some(kind::RECOVERY_TIME_STAMP),
        ),
    ),
    (
        "N07",
        "1/2",
        Either(&[
            Silence,
            Refusal(
                SETUP,
                &[
                    Cause::MandatoryIeMissing,
                    Cause::InvalidLength,
                    Cause::MandatoryIeIncorrect,
                ],
                None,
            ),
        ]),
    ),
    (
        "N07",
        "2/2",
        Refusal(
            MessageType::SessionEstablishmentResponse,
            &[Cause::NoEstablishedAssociation],
            None,
        ),
    ),
    ("N08", "1/1", Silence),
    ("N09", "1/1", Silence),
    (
        "N10",
        "1/1",
        Refusal(
            SETUP,
            &[Cause::InvalidLength, Cause::MandatoryIeIncorrect],
            Some(kind::NODE_ID),
        ),
    ),
    (
        "N11",
        "1/1",
        Refusal(
            SETUP,
            &[Cause::InvalidLength, Cause::MandatoryIeIncorrect],
            Some(kind::NODE_ID),
        ),
    ),
    (
        "N12",
        "1/1",
        Refusal(SETUP, &[Cause::MandatoryIeIncorrect], Some(kind::NODE_ID)),
    ),
    (
        "N13",
        "1/1",
        Refusal(SETUP, &[Cause::InvalidLength], Some(kind::NODE_ID)),
    ),
    // Shorter than a header (clause 7.6.3).
    ("N14a", "1/1", Silence),
    ("N14b", "1/1", Silence),
    ("N14c", "1/1", Silence),
    ("N14d", "1/1", Silence),
    ("N14e", "1/1", Silence),
    ("N14f", "1/1", Silence),
    ("N15", "1/1", Silence),
    // The declared length is read; what is behind it is not looked at without FO.
    ("N16", "1/1", Answer(MessageType::HeartbeatResponse)),
    ("N17", "1/1", Silence),
    ("N18", "1/1", Silence),
    // Clause 7.6.2.
    (
        "N19",
        "1/1",
        Answer(MessageType::VersionNotSupportedResponse),
    ),
    (
        "N20",
        "1/1",
        Either(&[Silence, Answer(MessageType::VersionNotSupportedResponse)]),
    ),
];

/// Puts each row to a node of its own; the steps of one id to the same.
pub(super) fn replay(folder: &Path) -> Result<Report> {
    let mut report = Report::new(FILE);
    let table = Table::read(&folder.join(FILE))?;
    let mut world: Option<(&str, World)> = None;
    for row in table.rows() {
        let id = row.get("id");
        report.row();
        let mut place = match world.take() {
            Some((last, place)) if last == id => place,
            _ => World::new(row.get("precondition") == "assoc")?,
        };
        place.put(&row, &mut report)?;
        world = Some((id, place));
    }
    for (id, step, _) in EXPECTED {
        if !table
            .rows()
            .any(|row| (row.get("id"), row.get("step")) == (id, step))
        {
            report.note(format!(
                "{id} step {step} is expected, and not in the table"
            ));
        }
    }
    Ok(report)
}

/// A node and its sessions.
struct World {
    node: Node,
    sessions: Sessions<MemoryDatapath>,
    now: Instant,
    peer: SocketAddr,
    sessions_before: usize,
}

impl World {
    /// With an association and a session of it, where they are wanted.
    fn new(has_association: bool) -> Result<Self> {
        let now = Instant::now();
        let our_node = upf_user::pfcp::ie::NodeId::Address([10, 100, 0, 2].into());
        let mut world = Self {
            node: Node::new(Config::new(our_node, 0xee00_0000), now),
            sessions: no_sessions(),
            now,
            peer: "10.100.0.1:8805".parse()?,
            sessions_before: 0,
        };
        if has_association {
            world.ask(Body::AssociationSetupRequest(AssociationSetupRequest {
                node_id: smf(),
                recovery_time_stamp: 0xee00_1000,
                up_function_features: None,
                cp_function_features: None,
            }))?;
            world.ask(Body::SessionEstablishmentRequest(establishment(1)))?;
            anyhow::ensure!(world.sessions.len() == 1, "no session could be set up");
            world.sessions_before = 1;
        }
        Ok(world)
    }

    /// Asks for something that has to be granted.
    fn ask(&mut self, body: Body) -> Result<()> {
        let sequence = HEARTBEAT + 0x100 + body.message_type() as u32;
        let request = Message {
            seid: 0,
            sequence,
            priority: None,
            body,
        };
        let answers = self.answers(&request.encode()?);
        anyhow::ensure!(answers.len() == 1, "no answer to a request");
        let outcome = outcome(&answers[0])?;
        anyhow::ensure!(
            outcome.cause == Some(Cause::RequestAccepted),
            "a request was refused: {outcome:?}"
        );
        Ok(())
    }

    fn answers(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        // Later than any earlier one, so that no answer comes out of the cache.
        self.now += Duration::from_millis(100);
        let actions = self
            .node
            .receive(self.peer, datagram, self.now, &mut self.sessions);
        let sent = actions.into_iter().filter_map(|action| match action {
            Action::Send { bytes, .. } => Some(bytes),
            Action::Log(_) => None,
        });
        sent.collect()
    }

    fn put(&mut self, row: &Row<'_>, report: &mut Report) -> Result<()> {
        let (id, step) = (row.get("id"), row.get("step"));
        let datagram = row.octets("hex")?;
        let answers = self.answers(&datagram);
        let expected = EXPECTED.iter().find(|(of, at, _)| (*of, *at) == (id, step));
        let Some((_, _, expected)) = expected else {
            report.disagrees(id, "no expectation is written down");
            return Ok(());
        };
        match check(expected, &answers, &datagram) {
            Ok(()) => report.compared(1),
            Err(what) => report.disagrees(id, what),
        }
        if self.sessions.len() == self.sessions_before {
            report.compared(1);
        } else {
            report.disagrees(id, "sessions have come or gone");
        }
        match self.is_alive() {
            Ok(()) => report.compared(1),
            Err(what) => report.disagrees(id, what),
        }
        Ok(())
    }

    /// Whether the node still answers a heartbeat.
    fn is_alive(&mut self) -> Result<()> {
        let request = Message {
            seid: 0,
            sequence: HEARTBEAT,
            priority: None,
            body: Body::HeartbeatRequest(Heartbeat {
                recovery_time_stamp: 0xee00_1000,
            }),
        };
        let datagram = request.encode()?;
        let answers = self.answers(&datagram);
        let expected = Answer(MessageType::HeartbeatResponse);
        check(&expected, &answers, &datagram).map_err(anyhow::Error::msg)
    }
}

/// What an answer says.
#[derive(Debug)]
struct Outcome {
    message_type: MessageType,
    sequence: u32,
    cause: Option<Cause>,
    offending_ie: Option<u16>,
}

fn outcome(answer: &[u8]) -> Result<Outcome> {
    let frame = frames(answer).next().context("an empty answer")??;
    let body = decode(&frame)
        .context("an answer of an unknown type")??
        .body;
    let verdict = match &body {
        Body::AssociationSetupResponse(response) => Some(response.verdict),
        Body::SessionEstablishmentResponse(response) => Some(response.verdict),
        Body::SessionModificationResponse(response) => Some(response.verdict),
        Body::SessionDeletionResponse(response) => Some(response.verdict),
        _ => None,
    };
    Ok(Outcome {
        message_type: body.message_type(),
        sequence: frame.header.sequence,
        cause: verdict.map(|verdict| verdict.cause),
        offending_ie: verdict.and_then(|verdict| verdict.offending_ie),
    })
}

fn check(expected: &Expected, answers: &[Vec<u8>], request: &[u8]) -> Result<(), String> {
    let (wanted, causes, offending_ie) = match expected {
        Either(several) => {
            let outcomes = several.iter().map(|one| check(one, answers, request));
            let mut refused = Vec::new();
            for outcome in outcomes {
                match outcome {
                    Ok(()) => return Ok(()),
                    Err(what) => refused.push(what),
                }
            }
            return Err(refused.join("; "));
        }
        Silence if answers.is_empty() => return Ok(()),
        Silence => return Err(format!("an answer instead of silence: {answers:02x?}")),
        Answer(wanted) => (*wanted, &[][..], None),
        Refusal(wanted, causes, offending_ie) => (*wanted, *causes, *offending_ie),
    };
    let [answer] = answers else {
        return Err(format!("{} answers instead of one", answers.len()));
    };
    let outcome = outcome(answer).map_err(|error| error.to_string())?;
    let is_cause = match outcome.cause {
        Some(cause) => causes.contains(&cause),
        None => causes.is_empty(),
    };
    let is_offender = offending_ie.is_none() || outcome.offending_ie == offending_ie;
    if outcome.message_type != wanted || !is_cause || !is_offender {
        return Err(format!("the answer is {outcome:?}"));
    }
    match sequence(request) {
        Some(sequence) if sequence != outcome.sequence => Err(format!(
            "the answer has another sequence number: {outcome:?}"
        )),
        _ => Ok(()),
    }
}

/// The sequence number of a request, where its header is long enough.
fn sequence(request: &[u8]) -> Option<u32> {
    let at = if request.first()? & 1 == 0 { 4 } else { 12 };
    let [a, b, c] = *request.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes([0, a, b, c]))
}
