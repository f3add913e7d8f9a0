//! What GTP-U nodes tell each other beside user packets (TS 29.281): echoes, error indications, supported
//! extension headers.
//!
//! No sockets and no clock inside [`Gtpu`]: [`Gtpu::receive`] takes a datagram, [`Gtpu::tick`] the time, and both hand back
//! what is to be done. User packets are the fast path's; those that come here have a TEID that it does not know, or
//! an extension header that it would have to understand.
//!
//! | module | subject |
//! |---|---|
//! | [`codec`] | messages as bytes |
//! | [`paths`] | which peers answer our Echo Requests |
//! | `budget`, `recent` | how often something is done at all |
//! | [`sockets`] | the way out of everything, End Markers and copies of user packets too |

mod budget;
pub mod codec;
pub mod paths;
mod recent;
pub mod sockets;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use upf_common::wire::GTPU_PORT;

use self::budget::{Allowance, Budget};
use self::codec::{Body, DecodeError, Message};
use self::paths::{Outcome, Paths};
pub use self::paths::{PathKey, PathState, PathView};
use self::recent::Recent;
use crate::config;

/// Error Indications that one peer is sent. It needs one for each of its tunnels, and asks again with its next packet.
const ERRORS_TO_EACH: Allowance = Allowance {
    per_second: 50,
    burst: 50,
};
/// One peer hears at most once in a second what extension headers we know, and need not hear it more often.
const NOTIFICATIONS_TO_EACH: Allowance = Allowance {
    per_second: 1,
    burst: 1,
};
const NOTIFICATIONS_TO_ALL: Allowance = Allowance {
    per_second: 100,
    burst: 100,
};
/// Error Indications that are looked at: a gNB that has restarted sends one for each packet of each of its UEs.
const ERRORS_FROM_EACH: Allowance = Allowance {
    per_second: 1000,
    burst: 1000,
};
const ERRORS_FROM_ALL: Allowance = Allowance {
    per_second: 5000,
    burst: 5000,
};
/// How long the control plane has for an answer to a report before the next one about the same tunnel.
const REPORT_AGAIN: Duration = Duration::from_secs(10);
/// Reported tunnels that are remembered.
const MAX_REPORTED: usize = 65_536;

/// A datagram that came to one of our GTP-U addresses.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Our address.
    pub local: IpAddr,
    /// Who sent it.
    pub from: SocketAddr,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A datagram is to be sent.
    Send {
        /// From which of our addresses.
        local: IpAddr,
        /// To whom.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// A peer does not know a tunnel: sessions that send there want to be reported (TS 29.244 clause 7.5.8.4).
    TunnelUnknown {
        /// The peer's address.
        remote: IpAddr,
        /// Its TEID.
        teid: u32,
    },
    /// No more packets come by one of our tunnels, says their sender (TS 29.281 clause 7.3.2).
    EndMarker {
        /// Our TEID.
        teid: u32,
    },
    /// A peer answers no more: the control planes concerned want a report (TS 29.244 clause 7.4.5.1.2).
    PathFailed(PathKey),
    /// A peer that had failed answers again (clause 7.4.5.1.3).
    PathRecovered(PathKey),
    /// Something is to be counted, or told.
    Note(Note),
}

/// What is to be counted, or told. All but the last three can come once for each datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A datagram was not what it should be.
    Malformed {
        /// Who sent it.
        from: IpAddr,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// A packet for a tunnel that we do not know was not answered.
    ErrorNotSent(NotSent),
    /// A received Error Indication was not acted on.
    ErrorIgnored {
        /// Who sent it.
        from: IpAddr,
        /// Why.
        reason: Ignored,
    },
    /// A peer has told that it does not understand an extension header of ours.
    ExtensionRefused {
        /// Which peer.
        by: IpAddr,
        /// Whether it understands the PDU Session Container.
        knows_pdu_session_container: bool,
    },
    /// A peer's restart counter has changed.
    Restarted {
        /// Which peer.
        path: PathKey,
        /// The counter now.
        counter: u8,
    },
    /// A peer has answered after this time.
    RoundTrip(Duration),
}

/// Why there was no Error Indication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// We have started only now, and sessions are still being set up anew (TS 23.527 clause 4.3).
    HeldBack,
    /// There were too many.
    Limited,
}

/// Why an Error Indication was not acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It speaks of another node than its sender.
    Source,
    /// There were too many.
    Limited,
    /// It has been reported just now.
    Repeated,
}

const PDU_SESSION_CONTAINER: u8 = 0x85;

/// This node among its GTP-U peers.
#[derive(Debug)]
pub struct Gtpu {
    paths: Paths,
    errors_from: Instant,
    errors_sent: Budget,
    errors_received: Budget,
    notifications: Budget,
    reported: Recent<(IpAddr, u32)>,
}

impl Gtpu {
    /// A node without peers, that starts now.
    #[must_use]
    pub fn new(config: &config::Gtpu, now: Instant) -> Self {
        let errors_to_all = Allowance {
            per_second: config.error_indications_per_second,
            burst: config.error_indications_per_second,
        };
        Self {
            paths: Paths::new(config),
            errors_from: now + config.error_indication_holdoff,
            errors_sent: Budget::new(ERRORS_TO_EACH, errors_to_all, now),
            errors_received: Budget::new(ERRORS_FROM_EACH, ERRORS_FROM_ALL, now),
            notifications: Budget::new(NOTIFICATIONS_TO_EACH, NOTIFICATIONS_TO_ALL, now),
            reported: Recent::new(REPORT_AGAIN, MAX_REPORTED),
        }
    }

    /// Takes a datagram. `is_known` says of a TEID whether one of our sessions has it: packets may come here by
    /// devices that are not the fast path's, and a tunnel may have been set up since.
    pub fn receive(
        &mut self,
        datagram: Datagram<'_>,
        now: Instant,
        is_known: impl FnOnce(u32) -> bool,
    ) -> Vec<Action> {
        let from = datagram.from.ip();
        let message = match codec::decode(datagram.bytes) {
            Ok(message) => message,
            Err(error) => return note(Note::Malformed { from, error }),
        };
        if message.unsupported_extension.is_some() {
            return self.refuse_extension(datagram, &message, now);
        }
        match message.body {
            Body::GPdu if message.teid != 0 && !is_known(message.teid) => {
                self.unknown_teid(datagram, message.teid, now)
            }
            // The fast path answers those that it sees.
            Body::EchoRequest => vec![Action::Send {
                local: datagram.local,
                to: datagram.from,
                bytes: codec::echo_response(message.sequence.unwrap_or_default()),
            }],
            Body::EchoResponse { recovery } => {
                let key = PathKey {
                    remote: from,
                    local: datagram.local,
                };
                let outcomes = self.paths.answered(key, message.sequence, recovery, now);
                outcomes.into_iter().map(action).collect()
            }
            Body::ErrorIndication { teid, peer } => self.tunnel_unknown(from, peer, teid, now),
            Body::SupportedExtensionHeaders(types) => note(Note::ExtensionRefused {
                by: from,
                knows_pdu_session_container: types.contains(&PDU_SESSION_CONTAINER),
            }),
            Body::EndMarker => vec![Action::EndMarker { teid: message.teid }],
            Body::GPdu | Body::TunnelStatus | Body::Other(_) => Vec::new(),
        }
    }

    /// A header that has to be understood and is not: the packet is discarded, its sender told (clause 7.2.3).
    fn refuse_extension(
        &mut self,
        datagram: Datagram<'_>,
        message: &Message,
        now: Instant,
    ) -> Vec<Action> {
        // Two nodes that each do not understand the other's notifications would go on for ever.
        let is_notification = matches!(message.body, Body::SupportedExtensionHeaders(_));
        if is_notification || !self.notifications.take(datagram.from.ip(), now) {
            return Vec::new();
        }
        vec![Action::Send {
            local: datagram.local,
            to: registered_port(datagram.from),
            bytes: codec::supported_extension_headers(),
        }]
    }

    fn unknown_teid(&mut self, datagram: Datagram<'_>, teid: u32, now: Instant) -> Vec<Action> {
        let Datagram { local, from, .. } = datagram;
        if now < self.errors_from {
            return note(Note::ErrorNotSent(NotSent::HeldBack));
        }
        if !self.errors_sent.take(from.ip(), now) {
            return note(Note::ErrorNotSent(NotSent::Limited));
        }
        vec![Action::Send {
            local,
            to: registered_port(from),
            bytes: codec::error_indication(teid, local, from.port()),
        }]
    }

    /// Anybody can write anybody's address into an Error Indication, and end sessions with it: only a node's own
    /// address is believed.
    fn tunnel_unknown(
        &mut self,
        from: IpAddr,
        peer: IpAddr,
        teid: u32,
        now: Instant,
    ) -> Vec<Action> {
        let ignored = |reason| note(Note::ErrorIgnored { from, reason });
        if from != peer {
            return ignored(Ignored::Source);
        }
        if !self.errors_received.take(from, now) {
            return ignored(Ignored::Limited);
        }
        if !self.reported.is_new((peer, teid), now) {
            return ignored(Ignored::Repeated);
        }
        vec![Action::TunnelUnknown { remote: peer, teid }]
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) -> Vec<Action> {
        self.paths.tick(now).into_iter().map(action).collect()
    }

    /// When [`Self::tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.paths.next_deadline()
    }

    /// The paths that sessions send by are these now.
    pub fn set_paths(&mut self, used: &[PathKey], now: Instant) {
        self.paths.set(used, now);
    }

    /// Paths by the peer's address, from the one after `after` on.
    pub fn paths(&self, after: Option<PathKey>) -> impl Iterator<Item = PathView> {
        self.paths.views(after)
    }

    /// How many paths have each state.
    #[must_use]
    pub fn path_counts(&self) -> [(PathState, u64); PathState::ALL.len()] {
        self.paths.counts()
    }
}

fn note(note: Note) -> Vec<Action> {
    vec![Action::Note(note)]
}

fn action(outcome: Outcome) -> Action {
    match outcome {
        Outcome::Ask { path, sequence } => Action::Send {
            local: path.local,
            to: SocketAddr::new(path.remote, GTPU_PORT),
            bytes: codec::echo_request(sequence),
        },
        Outcome::Failed(path) => Action::PathFailed(path),
        Outcome::Recovered(path) => Action::PathRecovered(path),
        Outcome::RoundTrip(duration) => Action::Note(Note::RoundTrip(duration)),
        Outcome::Restarted { path, counter } => Action::Note(Note::Restarted { path, counter }),
    }
}

/// Where a node takes what does not answer its request (clauses 4.4.2.4 and 4.4.2.5).
fn registered_port(mut address: SocketAddr) -> SocketAddr {
    address.set_port(GTPU_PORT);
    address
}
