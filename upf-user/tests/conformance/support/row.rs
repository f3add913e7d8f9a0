//! Rows of the tables: what is sent, what is expected back, and what has to be in the tables then.
//!
//! Every row ends with all sessions deleted, and nothing may be left in the tables.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use upf_user::session::SessionView;

use super::answer::{Expect, Outcome, check, exchange, ok, same};
use super::message::{Got, Msg};
use super::requests::{pgw, setup};
use super::world::{Setting, World, smf};

type Step = Box<dyn Fn(&mut World) -> Outcome>;

/// One row.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Of TS 29.244, where nothing else is named.
    pub(crate) clause: &'static str,
    setting: Setting,
    steps: Vec<(String, Step)>,
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

impl Row {
    /// GTP-U over IPv6, too. Before any step.
    pub(crate) fn dual_stack(mut self) -> Self {
        self.setting.is_dual_stack = true;
        self
    }

    /// With limits of SIMs.
    pub(crate) fn of_sims(mut self) -> Self {
        self.setting.of_sims = true;
        self
    }

    /// With usage reports that are sent.
    pub(crate) fn reporting(mut self) -> Self {
        self.setting.reports = true;
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

    /// How many slots are in use.
    pub(crate) fn uses_slots(self, expected: u32) -> Self {
        self.holds("slots", |world| world.stack.slots_in_use(), expected)
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
