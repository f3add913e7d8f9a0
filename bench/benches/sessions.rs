//! PFCP session requests, without sockets, over tables in memory with 10,000 other sessions.

use std::time::{Duration, Instant};

use bench::figures::requests::{establishment, no_sessions, smf, tunnel};
use criterion::{Criterion, criterion_group, criterion_main};
use upf_user::datapath::memory::MemoryDatapath;
use upf_user::pfcp::message::SessionDeletionRequest;
use upf_user::pfcp::service::SessionService as _;
use upf_user::session::Sessions;

const RESIDENT: u32 = 10_000;
/// What is freed is used again only after a while; the clock of requests goes that fast.
const STEP: Duration = Duration::from_secs(10);

struct Node {
    sessions: Sessions<MemoryDatapath>,
    now: Instant,
}

impl Node {
    fn new() -> Self {
        let mut node = Self {
            sessions: no_sessions(),
            now: Instant::now(),
        };
        for number in 0..RESIDENT {
            let seid = node.establish(number);
            node.modify(seid, number);
        }
        node
    }

    fn step(&mut self) -> Instant {
        self.now += STEP;
        self.now
    }

    fn establish(&mut self, number: u32) -> u64 {
        let now = self.step();
        let established = self
            .sessions
            .establish(&smf(), 0, &establishment(number), now)
            .expect("room for a session");
        established.up_f_seid.seid
    }

    fn modify(&mut self, seid: u64, teid: u32) {
        let now = self.step();
        let answer = self.sessions.modify(&smf(), seid, &tunnel(teid), now);
        answer.outcome.expect("a session to change");
    }

    fn delete(&mut self, seid: u64) {
        let now = self.step();
        let answer = self
            .sessions
            .delete(&smf(), seid, &SessionDeletionRequest::default(), now);
        answer.outcome.expect("a session to end");
    }
}

/// The time of `work` alone.
fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    *total += started.elapsed();
    result
}

fn sessions(criterion: &mut Criterion) {
    let mut node = Node::new();
    criterion.bench_function("establish a session of 4 PDRs", |bench| {
        bench.iter_custom(|rounds| {
            let mut total = Duration::ZERO;
            for _ in 0..rounds {
                let seid = timed(&mut total, || node.establish(RESIDENT));
                node.delete(seid);
            }
            total
        });
    });
    criterion.bench_function("delete a session", |bench| {
        bench.iter_custom(|rounds| {
            let mut total = Duration::ZERO;
            for _ in 0..rounds {
                let seid = node.establish(RESIDENT);
                timed(&mut total, || node.delete(seid));
            }
            total
        });
    });
    let seid = node.establish(RESIDENT);
    let mut teid = 0;
    criterion.bench_function("modify a session: handover", |bench| {
        bench.iter(|| {
            teid += 1;
            node.modify(seid, teid);
        });
    });
}

criterion_group!(benches, sessions);
criterion_main!(benches);
