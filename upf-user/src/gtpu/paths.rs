//! Paths to GTP-U peers and whether they answer (TS 29.281 clause 7.2.1, TS 23.007 clause 20.3).
//!
//! ```text
//!            answered             N3 requests unanswered
//!  unknown ───────────▶ up ────────────────────────────▶ down
//!     │                  ▲                                │ ▲
//!     │                  └──────── answered ──────────────┘ │
//!     └───────────────── N3 requests unanswered ────────────┘
//! ```
//!
//! Each path has one timer: either its next request is due, or the answer to the last one. New paths begin at
//! times that are spread over the interval, and stay where they are in it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;
use std::ops::Bound;
use std::time::{Duration, Instant};

use crate::config;

/// Timers that one turn may work off.
const MAX_TIMERS_A_TURN: usize = 256;
/// Paths at most: as many as can be in use, and as many that have been.
const MAX_PATHS: usize = 2 * 65_536;
/// 2^32 over the golden ratio: multiples of it, modulo 2^32, are spread evenly however many there are.
const GOLDEN: u32 = 0x9e37_79b9;

/// One of our addresses and a peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathKey {
    /// The peer's GTP-U address.
    pub remote: IpAddr,
    /// Ours.
    pub local: IpAddr,
}

/// Whether the peer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathState {
    /// Not asked yet, or the first request is under way.
    Unknown,
    /// It does.
    Up,
    /// It does not.
    Down,
}

impl PathState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Up, Self::Down];

    /// In metrics and the REST API.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A path, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathView {
    /// Between whom.
    pub key: PathKey,
    /// Whether the peer answers.
    pub state: PathState,
    /// Since when.
    pub since: Instant,
    /// Round trip time of the last request that was answered at once.
    pub round_trip: Option<Duration>,
    /// Whether sessions send to the peer.
    pub is_in_use: bool,
}

/// What a turn or an answer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An Echo Request is to be sent.
    Ask { path: PathKey, sequence: u16 },
    /// The path has failed.
    Failed(PathKey),
    /// The path had failed, and the peer answers again.
    Recovered(PathKey),
    /// A request was answered at once.
    RoundTrip(Duration),
    /// The peer's restart counter is another one.
    Restarted { path: PathKey, counter: u8 },
}

#[derive(Clone, Copy, Debug)]
struct Request {
    sequence: u16,
    first_sent: Instant,
    times_sent: u32,
}

#[derive(Clone, Debug)]
struct Path {
    state: PathState,
    since: Instant,
    /// Whether sessions send to the peer.
    is_in_use: bool,
    sequence: u16,
    request: Option<Request>,
    /// When its timer runs out, which is in `timers`.
    due: Instant,
    round_trip: Option<Duration>,
    recovery: Option<u8>,
}

/// All paths.
#[derive(Debug)]
pub(super) struct Paths {
    interval: Duration,
    t3_response: Duration,
    n3_requests: u32,
    paths: BTreeMap<PathKey, Path>,
    timers: BTreeSet<(Instant, PathKey)>,
    counts: [u64; PathState::ALL.len()],
    /// How many paths have begun.
    begun: u32,
}

impl Paths {
    pub(super) fn new(config: &config::Gtpu) -> Self {
        Self {
            interval: config.echo_interval,
            t3_response: config.t3_response,
            n3_requests: config.n3_requests,
            paths: BTreeMap::new(),
            timers: BTreeSet::new(),
            counts: [0; PathState::ALL.len()],
            begun: 0,
        }
    }

    /// The paths that sessions send by are these now.
    pub(super) fn set(&mut self, used: &[PathKey], now: Instant) {
        let wanted: HashSet<_> = used.iter().copied().collect();
        for (key, path) in &mut self.paths {
            path.is_in_use = wanted.contains(key);
        }
        // An unused one goes at its next turn, so that a peer that comes and goes is not asked more often.
        if !self.asks() || self.paths.len().saturating_add(used.len()) > MAX_PATHS {
            let unused = self.paths.iter().filter(|(_, path)| !path.is_in_use);
            let unused: Vec<_> = unused.map(|(key, _)| *key).collect();
            for key in unused {
                self.remove(key);
            }
        }
        for key in used {
            if !self.paths.contains_key(key) {
                self.begin(*key, now);
            }
        }
    }

    fn begin(&mut self, key: PathKey, now: Instant) {
        let phase = u64::from(self.begun.wrapping_mul(GOLDEN));
        self.begun = self.begun.wrapping_add(1);
        let part = (self.interval.as_nanos() * u128::from(phase)) >> 32;
        let due = now + Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX));
        let path = Path {
            state: PathState::Unknown,
            since: now,
            is_in_use: true,
            sequence: 0,
            request: None,
            due,
            round_trip: None,
            recovery: None,
        };
        self.counts[PathState::Unknown as usize] += 1;
        self.paths.insert(key, path);
        if self.asks() {
            self.timers.insert((due, key));
        }
    }

    fn remove(&mut self, key: PathKey) {
        if let Some(path) = self.paths.remove(&key) {
            self.timers.remove(&(path.due, key));
            self.counts[path.state as usize] -= 1;
        }
    }

    fn asks(&self) -> bool {
        !self.interval.is_zero()
    }

    /// Works off what is due, not all of it at once: there is more where [`Self::next_deadline`] has passed.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for _ in 0..MAX_TIMERS_A_TURN {
            let Some(&(due, key)) = self.timers.first().filter(|(due, _)| *due <= now) else {
                break;
            };
            self.timers.remove(&(due, key));
            self.run_out(key, now, &mut outcomes);
        }
        outcomes
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The path's timer, which is out of `timers`, has run out.
    fn run_out(&mut self, key: PathKey, now: Instant, outcomes: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get_mut(&key) else {
            return;
        };
        let request = match path.request {
            None if !path.is_in_use => {
                self.remove(key);
                return;
            }
            None => {
                path.sequence = path.sequence.wrapping_add(1);
                Request {
                    sequence: path.sequence,
                    first_sent: now,
                    times_sent: 1,
                }
            }
            Some(request) if request.times_sent < self.n3_requests => Request {
                times_sent: request.times_sent + 1,
                ..request
            },
            Some(request) => {
                path.request = None;
                path.due = (request.first_sent + self.interval).max(now);
                self.timers.insert((path.due, key));
                if self.enter(key, PathState::Down, now) != Some(PathState::Down) {
                    outcomes.push(Outcome::Failed(key));
                }
                return;
            }
        };
        path.request = Some(request);
        path.due = now + self.t3_response;
        self.timers.insert((path.due, key));
        outcomes.push(Outcome::Ask {
            path: key,
            sequence: request.sequence,
        });
    }

    /// An Echo Response has come. One that nobody waits for changes nothing: late answers, and inventions.
    pub(super) fn answered(
        &mut self,
        key: PathKey,
        sequence: Option<u16>,
        recovery: Option<u8>,
        now: Instant,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let Some(path) = self.paths.get_mut(&key) else {
            return outcomes;
        };
        let waiting = path
            .request
            .take_if(|request| Some(request.sequence) == sequence);
        let Some(request) = waiting else {
            return outcomes;
        };
        self.timers.remove(&(path.due, key));
        path.due = (request.first_sent + self.interval).max(now);
        self.timers.insert((path.due, key));
        // Of a request that was repeated nobody knows which one is answered.
        if request.times_sent == 1 {
            let round_trip = now.saturating_duration_since(request.first_sent);
            path.round_trip = Some(round_trip);
            outcomes.push(Outcome::RoundTrip(round_trip));
        }
        if let Some(counter) = recovery
            && path
                .recovery
                .replace(counter)
                .is_some_and(|old| old != counter)
        {
            outcomes.push(Outcome::Restarted { path: key, counter });
        }
        if self.enter(key, PathState::Up, now) == Some(PathState::Down) {
            outcomes.push(Outcome::Recovered(key));
        }
        outcomes
    }

    /// Says which state the path had.
    fn enter(&mut self, key: PathKey, state: PathState, now: Instant) -> Option<PathState> {
        let path = self.paths.get_mut(&key)?;
        let before = std::mem::replace(&mut path.state, state);
        if before != state {
            path.since = now;
            self.counts[before as usize] -= 1;
            self.counts[state as usize] += 1;
        }
        Some(before)
    }

    /// How many paths have each state.
    pub(super) fn counts(&self) -> [(PathState, u64); PathState::ALL.len()] {
        PathState::ALL.map(|state| (state, self.counts[state as usize]))
    }

    /// Paths in order, from the one after `after` on.
    pub(super) fn views(&self, after: Option<PathKey>) -> impl Iterator<Item = PathView> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.paths.range((from, Bound::Unbounded));
        range.map(|(key, path)| PathView {
            key: *key,
            state: path.state,
            since: path.since,
            round_trip: path.round_trip,
            is_in_use: path.is_in_use,
        })
    }
}
