//! Sessions in the store: each as it is, written with the reports that a change makes, before anybody is told of either.
//!
//! A session's *places* are what it has in the maps of one agent: its slots, and where its URRs are counted. It has one; for
//! as long as a new agent takes over, it has those of the agents before as well, see [`super::restore`]. What a URR has
//! counted is the sum of its counters there, less what those are ahead of it.

use std::borrow::Cow;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::about::About;
use super::charging::{Figures, figures_at};
use super::model::Model;
use super::{Session, Sessions};
use crate::datapath::slots::{Seat, UsageSeat};
use crate::datapath::{Accounts, Datapath, MapsId};
use crate::pfcp::ie::{FSeid, NodeId};
use crate::reports::Outbox;
use crate::usage::{SessionUsage, SessionVolumes};

/// Sessions whose counters are looked at before others get their turn.
const MAX_LOOKS: usize = 1024;

/// A session as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptSession<'a> {
    pub(super) owner: Cow<'a, NodeId>,
    pub(super) cp_f_seid: FSeid,
    pub(super) about: Cow<'a, About>,
    pub(super) model: Cow<'a, Model>,
    /// Endings that came before do not mean it.
    pub(super) birth: u64,
    /// What slots had counted that it has no more.
    pub(super) past_volumes: SessionVolumes,
    pub(super) usage: Cow<'a, SessionUsage>,
    /// URR IDs, each with what its counters are ahead of what it has counted; uplink and downlink.
    pub(super) urrs: Vec<(u32, [Figures; 2])>,
    /// The last one is that of the agent which wrote it.
    pub(super) places: Vec<Place>,
}

/// What a session has in the maps of one agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) maps: MapsId,
    pub(super) seats: Vec<Seat>,
    pub(super) usages: Vec<Counted>,
}

/// Where a URR is counted, and what the counters there have said last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) seat: UsageSeat,
    pub(super) seen: [Figures; 2],
}

/// What the URRs of a session have come to since it was written: reports change no more of it, and are many.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptUsage<'a> {
    pub(super) usage: Cow<'a, SessionUsage>,
    /// See [`KeptSession::urrs`].
    pub(super) urrs: Vec<(u32, [Figures; 2])>,
    pub(super) counters: KeptCounters,
}

/// What a session has counted since either was written, in the maps of the agent that wrote it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptCounters {
    pub(super) maps: MapsId,
    pub(super) usages: Vec<Counted>,
}

impl Counted {
    /// What the counters say in those tables. Where they say less than before, somebody has begun anew: they have ended with what
    /// was seen last.
    pub(super) fn in_tables(&self, tables: &impl Accounts) -> [Figures; 2] {
        let now = figures_at(tables, &self.seat);
        [self.seen[0].or_later(now[0]), self.seen[1].or_later(now[1])]
    }
}

impl<D: Datapath> Sessions<D> {
    /// Keeps sessions and their reports from now on. `maps` are those that the tables are in.
    pub fn keep_in(&mut self, outbox: Outbox, maps: MapsId) {
        self.outbox = Some(outbox);
        self.maps = maps;
    }

    /// The session is not in the store as it is now.
    pub(super) fn has_changed(&mut self, seid: u64) {
        if self.outbox.is_some() {
            self.changed.insert(seid);
        }
    }

    /// The URRs of a session are not in the store as they are now; the rest of it is.
    pub(super) fn has_reported(&mut self, seid: u64) {
        if self.outbox.is_some() {
            self.reported.insert(seid);
        }
    }

    /// Brings what was made, and what has changed, into the store.
    pub(super) fn keep(&mut self) {
        let reported = std::mem::take(&mut self.reported);
        for seid in reported.difference(&self.changed) {
            let session = self.sessions.get(seid);
            let usage = session.and_then(|session| self.kept_usage(session));
            let bytes = usage.and_then(|usage| written(&usage));
            self.made.usages.extend(bytes.map(|bytes| (*seid, bytes)));
        }
        for seid in std::mem::take(&mut self.changed) {
            if let Some(session) = self.sessions.get(&seid) {
                let kept = self.kept(session, Vec::new());
                self.made
                    .sessions
                    .extend(written(&kept).map(|bytes| (seid, bytes)));
            } else {
                self.made.ended.push(seid);
            }
        }
        if let Some(outbox) = self.outbox.as_mut().filter(|_| !self.made.is_empty()) {
            let now = self.config.clock.millis_of(Instant::now());
            outbox.keep(std::mem::take(&mut self.made), now.0);
        }
    }

    /// The session, with places that it has beside that in our maps.
    pub(super) fn kept<'a>(&self, session: &'a Session, mut places: Vec<Place>) -> KeptSession<'a> {
        let charging = session.charging.as_deref();
        places.push(Place {
            maps: self.maps,
            seats: session.seating.seats.clone(),
            usages: self.counted(session),
        });
        KeptSession {
            owner: Cow::Borrowed(&session.owner),
            cp_f_seid: session.cp_f_seid,
            about: Cow::Borrowed(&session.about),
            model: Cow::Borrowed(&session.model),
            birth: session.birth,
            past_volumes: session.past_volumes,
            usage: charging.map_or_else(Cow::default, |charging| Cow::Borrowed(&charging.usage)),
            urrs: charging.map_or_else(Vec::new, |charging| charging.urrs().collect()),
            places,
        }
    }

    fn kept_usage<'a>(&self, session: &'a Session) -> Option<KeptUsage<'a>> {
        let charging = session.charging.as_deref()?;
        Some(KeptUsage {
            usage: Cow::Borrowed(&charging.usage),
            urrs: charging.urrs().collect(),
            counters: self.kept_counters(session),
        })
    }

    fn kept_counters(&self, session: &Session) -> KeptCounters {
        KeptCounters {
            maps: self.maps,
            usages: self.counted(session),
        }
    }

    fn counted(&self, session: &Session) -> Vec<Counted> {
        let charging = session.charging.as_deref().into_iter();
        let places = charging.flat_map(|charging| charging.places(&self.tables));
        places.map(|(seat, seen)| Counted { seat, seen }).collect()
    }

    /// Writes down what sessions have counted since, from this SEID on: that is what a power failure leaves. Says where to go on;
    /// `None` once all have been looked at.
    pub fn keep_counters(&mut self, from: u64) -> Option<u64> {
        self.outbox.as_ref()?;
        let mut last = None;
        let mut counted = Vec::new();
        for (&seid, session) in self.sessions.range(from..).take(MAX_LOOKS) {
            last = Some(seid);
            let Some(charging) = session.charging.as_deref() else {
                continue;
            };
            let sum = charging.sum(&self.tables);
            if sum != charging.written {
                counted.push((seid, sum));
            }
        }
        for (seid, sum) in counted {
            let Some(session) = self.sessions.get(&seid) else {
                continue;
            };
            let counters = self.kept_counters(session);
            self.made
                .counters
                .extend(written(&counters).map(|bytes| (seid, bytes)));
            let charging = self.sessions.get_mut(&seid);
            if let Some(charging) = charging.and_then(|session| session.charging.as_deref_mut()) {
                charging.written = sum;
            }
        }
        self.keep();
        last?.checked_add(1)
    }
}

/// What is in the store can always be read again, so it can always be written.
pub(super) fn written(kept: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(kept)
        .inspect_err(|error| tracing::error!(%error, "a session cannot be kept"))
        .ok()
}
