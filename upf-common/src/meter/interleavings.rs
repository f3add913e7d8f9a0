//! All orders in which two CPUs can charge a bucket, step by step.
//!
//! The code is the meter's own. Each access to memory and each look at the clock is a step; a CPU's program is run again
//! from its beginning with what its steps have told it so far, up to the next one. The search takes every step that
//! either CPU or the clock can take, from every state that can be reached.

use super::*;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A bucket holds what passes in so many ticks.
const DEPTH: u64 = 4;
/// Where the clock begins.
const START: u64 = 1000;
/// How far it goes.
const END: u64 = START + 3;

/// A step of a CPU.
#[derive(Clone, Copy)]
enum Step {
    Clock,
    Load,
    CompareExchange { current: u64, new: u64 },
    Subtract(u64),
}

/// A CPU on its way through its program.
struct Cpu {
    /// What its steps have told it.
    answers: Vec<u64>,
    taken: Cell<usize>,
    next: Cell<Option<Step>>,
}

impl Cpu {
    /// The answer of a step that was taken, or the end of this run.
    fn step(&self, step: Step) -> u64 {
        let number = self.taken.replace(self.taken.get() + 1);
        if let Some(answer) = self.answers.get(number) {
            return *answer;
        }
        self.next.set(Some(step));
        resume_unwind(Box::new(()))
    }

    fn now(&self) -> u64 {
        self.step(Step::Clock)
    }
}

impl Bucket for &Cpu {
    fn load(&self) -> u64 {
        self.step(Step::Load)
    }
    fn compare_exchange(&self, current: u64, new: u64) -> u64 {
        self.step(Step::CompareExchange { current, new })
    }
    fn subtract(&self, ticks: u64) {
        self.step(Step::Subtract(ticks));
    }
}

/// A packet.
#[derive(Clone, Copy)]
struct Packet {
    cost: u64,
    overdraft: u64,
    /// Whether another limit holds it back: what it was charged is given back.
    is_given_back: bool,
}

impl Packet {
    const fn of(cost: u64) -> Self {
        Self {
            cost,
            overdraft: 0,
            is_given_back: false,
        }
    }
}

/// A packet that has passed: its moment by the clock of its CPU, and what it has taken.
type Passed = (u64, Packet);

/// A state that can be reached: clock, bucket, and the answers that each CPU has got.
type State = (u64, u64, [Vec<u64>; 2]);

/// Runs a CPU's program as far as its answers go: its next step, if it is not at its end, and what it has let pass.
fn run(packets: &[Packet], answers: &[u64]) -> (Option<Step>, Vec<Passed>) {
    let cpu = Cpu {
        answers: answers.to_vec(),
        taken: Cell::new(0),
        next: Cell::new(None),
    };
    let passed = RefCell::new(Vec::new());
    let program = || {
        for packet in packets {
            let now = cpu.now();
            if charge(&&cpu, now, packet.cost, DEPTH, packet.overdraft) == REFUSED {
                continue;
            }
            if packet.is_given_back {
                give_back(&&cpu, packet.cost);
            } else {
                passed.borrow_mut().push((now, *packet));
            }
        }
    };
    let _ = catch_unwind(AssertUnwindSafe(program));
    (cpu.next.get(), passed.take())
}

fn take(step: Step, now: u64, bucket: &mut u64) -> u64 {
    let seen = *bucket;
    match step {
        Step::Clock => return now,
        Step::Load => {}
        Step::CompareExchange { current, new } if current == seen => *bucket = new,
        Step::CompareExchange { .. } => {}
        Step::Subtract(ticks) => *bucket = seen.wrapping_sub(ticks),
    }
    seen
}

/// Goes through all orders of the steps of two CPUs and of the clock, and hands what has passed to `check` at the end of
/// each. Tells how many states there are.
fn explore(full_at: u64, programs: [&[Packet]; 2], check: impl Fn(&[Passed])) -> usize {
    let mut seen = HashSet::new();
    let mut open: Vec<State> = Vec::from([(START, full_at, [Vec::new(), Vec::new()])]);
    while let Some(state) = open.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        let (now, bucket, answers) = state;
        let runs = [0, 1].map(|cpu| run(programs[cpu], &answers[cpu]));
        if runs.iter().all(|(step, _)| step.is_none()) {
            check(&[&runs[0].1[..], &runs[1].1[..]].concat());
            continue;
        }
        if now < END {
            open.push((now + 1, bucket, answers.clone()));
        }
        for (cpu, (step, _)) in runs.into_iter().enumerate() {
            let Some(step) = step else { continue };
            let (mut bucket, mut answers) = (bucket, answers.clone());
            let answer = take(step, now, &mut bucket);
            answers[cpu].push(answer);
            open.push((now, bucket, answers));
        }
    }
    seen.len()
}

/// What passes at moments of any span of time takes no more than that span, the depth, and `more`.
fn check_spans(passed: &[Passed], more: u64) {
    for from in START..=END {
        for to in from..=END {
            let span = from..=to;
            let within = passed.iter().filter(|(now, _)| span.contains(now));
            let taken: u64 = within.clone().map(|(_, packet)| packet.cost).sum();
            let overdraft = within.map(|(_, packet)| packet.overdraft).max();
            let allowed = to - from + DEPTH + overdraft.unwrap_or(0) + more;
            assert!(taken <= allowed, "{taken} of {allowed} from {from} to {to}");
        }
    }
}

#[test]
fn no_order_lets_more_pass_than_time_and_depth() {
    let small = [Packet::of(1), Packet::of(3)];
    let large = [Packet::of(3), Packet::of(2), Packet::of(4)];
    let mut states = 0;
    // Never used, full, half used, empty.
    for full_at in [UNUSED, START, START + 2, START + DEPTH] {
        states += explore(full_at, [&small, &large], |passed| check_spans(passed, 0));
    }
    println!("{states} states");
    assert!(states > 10_000, "{states} states");
}

#[test]
fn no_order_lets_more_pass_with_an_overdraft() {
    let ordinary = [Packet::of(3), Packet::of(2)];
    let urgent = [2, 3].map(|cost| Packet {
        overdraft: DEPTH,
        ..Packet::of(cost)
    });
    for full_at in [UNUSED, START + 2, START + DEPTH, START + 2 * DEPTH] {
        explore(full_at, [&ordinary, &urgent], |passed| {
            check_spans(passed, 0);
            let ordinary: Vec<_> = passed
                .iter()
                .copied()
                .filter(|(_, packet)| packet.overdraft == 0)
                .collect();
            check_spans(&ordinary, 0);
        });
    }
}

#[test]
fn what_is_given_back_lets_one_packet_more_pass_at_most() {
    let returned = Packet {
        is_given_back: true,
        ..Packet::of(2)
    };
    let mixed = [returned, returned];
    let ordinary = [Packet::of(3), Packet::of(2), Packet::of(2)];
    for full_at in [UNUSED, START + 1, START + DEPTH] {
        explore(full_at, [&mixed, &ordinary], |passed| {
            check_spans(passed, returned.cost);
        });
    }
}
