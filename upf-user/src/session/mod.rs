//! The rule model of TS 29.244 and its checks; a request is applied whole or not at all.
//!
//! A request makes a changed copy of the session's rules (`request`), which is checked (`checks`), translated into
//! detections (`detections`) and compiled (`compile`) before anything is written; what is written is taken back when
//! a later write fails ([`crate::datapath::slots`]).

mod about;
mod accounts;
mod answers;
mod applications;
mod apply;
mod by_imsi;
mod by_owner;
mod chains;
mod charging;
mod checks;
mod clock;
mod compile;
mod config;
mod contexts;
mod detection;
mod detections;
mod elements;
mod endings;
mod filters;
mod flow_description;
mod framed_route;
mod half;
mod image;
mod inactivity;
mod keep;
mod limits;
mod model;
mod obstacle;
mod packet_rate;
mod passes;
mod refusal;
mod remotes;
mod request;
mod restore;
mod service;
mod sims;
mod slices;
#[cfg(test)]
mod tests;
mod times;
mod ue_choice;
mod usage_reports;
mod versions;
mod view;
mod weight;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub use applications::{MAX_APPLICATION_FLOWS, MAX_APPLICATIONS};
pub use clock::NtpAnchor;
pub use config::{LocalGtpu, SessionsConfig};
pub use contexts::{KeptApplications, KeptEnding};
pub use detection::RemoteTunnel;
pub use flow_description::is_readable as is_flow_description;
pub use model::{
    MAX_BARS, MAX_FARS, MAX_FRAMED_ROUTES, MAX_MARS, MAX_PDRS, MAX_QERS, MAX_SDF_FILTERS,
    MAX_TRAFFIC_ENDPOINTS, MAX_URRS,
};
pub use restore::Restored;
pub use view::*;

use self::about::About;
use self::applications::Applications;
use self::by_imsi::ByImsi;
use self::by_owner::{ByOwner, SlotsByOwner};
use self::charging::Charging;
use self::compile::{Compiler, Subscriber};
use self::detections::Basis;
use self::endings::Endings;
use self::inactivity::Idle;
use self::model::Model;
use self::passes::Passes;
use self::remotes::Remotes;
use self::slices::Portion;
use self::times::Failures;
use self::versions::Versions;
use crate::bandwidth::Bandwidth;
use crate::datapath::slots::{Changed, DuplicateSet, Image, Seating, SlotTable};
use crate::datapath::{Datapath, MapsId};
use crate::gtpu::PathKey;
use crate::pfcp::ie::{FSeid, NodeId};
use crate::pfcp::message::{Refusal, SessionReport};
use crate::reports::{Batch, Outbox};
use crate::usage::{Millis, SessionVolumes};

/// Whether a filter with this flow description is understood (TS 29.212 clause 5.4.2).
#[must_use]
pub fn understands_flow_description(text: &str) -> bool {
    flow_description::parse(text).is_some()
}

/// UP SEIDs stay below this, because JavaScript's numbers, thus many a JSON reader's, are whole only up to here.
const SEID_END: u64 = 1 << 53;
/// Living sessions of a remote F-TEID that are told; mostly there is one.
const MAX_SESSIONS_OF_REMOTE: usize = 1024;

/// All PFCP sessions, and the tables that they fill.
#[derive(Debug)]
pub struct Sessions<D> {
    config: SessionsConfig,
    tables: D,
    books: SlotTable,
    bandwidth: Bandwidth,
    sessions: BTreeMap<u64, Session>,
    of_owner: ByOwner,
    by_imsi: ByImsi,
    slots_by_owner: SlotsByOwner,
    /// Sessions that have ended and are only not removed yet.
    endings: Endings,
    /// What each control plane has provisioned.
    applications: HashMap<NodeId, Arc<Applications>>,
    versions: Versions,
    /// Sessions with PDRs that name an application.
    application_users: ByOwner,
    /// Changes of applications that sessions have still to follow.
    passes: Passes,
    /// Sessions that have still to be brought under the limits of their SIMs.
    entry: Option<sims::Entry>,
    remotes: Remotes,
    /// What all sessions weigh, in bytes.
    weight: usize,
    /// When which sessions have to be compiled anew.
    deadlines: BTreeSet<(Instant, u64)>,
    failures: Failures,
    /// When which sessions' URRs have to be looked at.
    usage_deadlines: BTreeSet<(Millis, u64)>,
    /// When which sessions are looked at for packets, and those that have had none for too long.
    idle_deadlines: BTreeSet<(Millis, u64)>,
    silent: Vec<(NodeId, SessionReport)>,
    /// Usage reports that are not in the outbox yet.
    made: Batch,
    outbox: Option<Outbox>,
    /// Sessions that are not in the store as they are now.
    changed: BTreeSet<u64>,
    /// Sessions whose URRs alone are not in the store as they are now.
    reported: BTreeSet<u64>,
    /// Those that the tables are in.
    maps: MapsId,
    /// How much of each kind of work is done in a tick, how much for the sake of a request, and how much for a look.
    tick_portion: Portion,
    request_portion: Portion,
    look_portion: Portion,
    random: StdRng,
}

/// One PFCP session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    owner: NodeId,
    cp_f_seid: FSeid,
    about: About,
    model: Model,
    /// What the tables are filled by, beside the rules.
    basis: Basis,
    seating: Seating,
    /// Endings that came before do not mean it, see [`endings`].
    birth: u64,
    /// What rules and the rest weigh, in bytes.
    weight: usize,
    /// Its slots, as they are counted for its owner.
    slots: u32,
    /// When it has to be compiled anew.
    deadline: Option<Instant>,
    /// Its rules or PFDs could not be put into force as they should be by now: how long its next try was put off.
    owed: Option<Duration>,
    /// What slots had counted that the session has no more.
    past_volumes: SessionVolumes,
    /// Its URRs, if it has any.
    charging: Option<Box<Charging>>,
    /// How long it has been silent, if that is to be reported.
    idle: Option<Box<Idle>>,
}

/// What a session has in the tables.
#[derive(Clone, Copy)]
struct InForce<'a> {
    model: &'a Model,
    basis: &'a Basis,
    seating: &'a Seating,
}

impl<D: Datapath> Sessions<D> {
    /// No sessions yet; the tables are empty.
    #[must_use]
    pub fn new(config: SessionsConfig, tables: D) -> Self {
        Self::with_random(config, tables, StdRng::from_os_rng())
    }

    /// The same, with SEIDs and TEIDs that can be told beforehand.
    #[must_use]
    pub fn with_random(mut config: SessionsConfig, tables: D, random: StdRng) -> Self {
        Self {
            books: SlotTable::new(&tables, config.pools.clone(), &config.ue_pools),
            bandwidth: std::mem::take(&mut config.bandwidth),
            config,
            tables,
            sessions: BTreeMap::new(),
            of_owner: ByOwner::default(),
            by_imsi: ByImsi::default(),
            slots_by_owner: SlotsByOwner::default(),
            endings: Endings::default(),
            applications: HashMap::new(),
            versions: Versions::default(),
            application_users: ByOwner::default(),
            passes: Passes::default(),
            entry: None,
            remotes: Remotes::default(),
            weight: 0,
            deadlines: BTreeSet::new(),
            failures: Failures::default(),
            usage_deadlines: BTreeSet::new(),
            idle_deadlines: BTreeSet::new(),
            silent: Vec::new(),
            made: Batch::default(),
            outbox: None,
            changed: BTreeSet::new(),
            reported: BTreeSet::new(),
            maps: MapsId::default(),
            tick_portion: Portion::TICK,
            request_portion: Portion::REQUEST,
            look_portion: Portion::LOOK,
            random,
        }
    }

    /// How many sessions there are, those included that have ended with others and are only not removed from the tables
    /// yet ([`Self::tick`]). Nothing else shows those but for what the tables hold: [`Self::slots_in_use`], [`Self::peers`]
    /// and [`Self::paths`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Slots in use: one a session, and one more for each further tunnel, UE address or limit.
    #[must_use]
    pub fn slots_in_use(&self) -> u32 {
        self.books.used_slots()
    }

    /// Limits in use beside the one of each flow: of SIMs, customers, and QERs that have records of their own.
    #[must_use]
    pub fn limits_in_use(&self) -> u32 {
        self.books.used_limits()
    }

    /// Records of URRs in use: of those that slots do not count for.
    #[must_use]
    pub fn usage_records_in_use(&self) -> u32 {
        self.books.used_usages()
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &D {
        &self.tables
    }

    /// Addresses of the GTP-U peers that are sent to; their next hops want to be kept resolved.
    #[must_use]
    pub fn peers(&self) -> Vec<IpAddr> {
        self.books.peers().remotes()
    }

    /// The ways to those peers, each from the address of ours that is used towards it.
    #[must_use]
    pub fn paths(&self) -> Vec<PathKey> {
        self.books.peers().paths()
    }

    /// Whether a session has this TEID of ours.
    #[must_use]
    pub fn has_teid(&self, teid: u32) -> bool {
        let holder = self.books.holder_of_teid(teid);
        holder.is_some_and(|seid| self.living(seid).is_some())
    }

    /// Where copies of packets go that the fast path files under this number.
    #[must_use]
    pub fn duplicates(&self, id: u32) -> Option<&DuplicateSet> {
        self.books.duplicate(id)
    }

    /// Changes whenever [`Self::peers`] or [`Self::paths`] does.
    #[must_use]
    pub fn peers_changed(&self) -> u64 {
        self.books.peers().changes()
    }

    /// The sessions that forward to a remote F-TEID: their control plane, our SEID and the control plane's. An Error
    /// Indication of that node is about them (TS 23.007 clause 20.3). Of very many only the first ones are told.
    #[must_use]
    pub fn sessions_of_remote(&self, tunnel: RemoteTunnel) -> Vec<(NodeId, u64, u64)> {
        let mut slice = self.look_portion.begin();
        let seids = self.remotes.sessions(tunnel);
        let seids = seids.take_while(|_| slice.goes_on());
        let named = seids.filter_map(|seid| {
            let session = self.living(seid)?;
            Some((session.owner.clone(), seid, session.cp_f_seid.seid))
        });
        named.take(MAX_SESSIONS_OF_REMOTE).collect()
    }

    /// What the tables of a session are to be filled by now.
    fn basis(&self, owner: &NodeId, model: &Model, now: Instant) -> Basis {
        let applications = self.applications.get(owner);
        let applications = applications.filter(|_| model.uses_applications());
        Basis {
            at: now,
            applications: applications.cloned(),
        }
    }

    /// The session, if there is one and it is the owner's.
    fn session(&self, owner: &NodeId, seid: u64) -> Option<&Session> {
        self.living(seid).filter(|session| session.owner == *owner)
    }

    /// The session, taken out while it is worked on; it has to go back in.
    fn take_out(&mut self, owner: &NodeId, seid: u64) -> Option<Session> {
        self.session(owner, seid)?;
        self.sessions.remove(&seid)
    }

    fn new_seid(&mut self) -> u64 {
        loop {
            let seid = self.random.random_range(1..SEID_END);
            if !self.sessions.contains_key(&seid) {
                return seid;
            }
        }
    }

    fn own_f_seid(&self, seid: u64) -> FSeid {
        let (ipv4, ipv6) = match self.config.pfcp_address {
            IpAddr::V4(v4) => (Some(v4), None),
            IpAddr::V6(v6) => (None, Some(v6)),
        };
        FSeid { seid, ipv4, ipv6 }
    }

    /// What the session's slots do now.
    fn image(&self, seid: u64, session: &Session) -> Result<Image, Refusal> {
        let compiler = self.compiler(seid, session);
        compiler.image(&session.seating, &self.books)
    }

    fn compiler<'a>(&'a self, seid: u64, session: &'a Session) -> Compiler<'a> {
        let Session { model, basis, .. } = session;
        Compiler::new(&self.config, session.subscriber(seid), model, basis)
    }

    /// Ends a session, whatever the tables say.
    fn remove(&mut self, seid: u64, now: Instant) {
        let Some(session) = self.sessions.get(&seid) else {
            return;
        };
        // What was put into force compiles.
        let image = self.image(seid, session).unwrap_or_default();
        let current = (&session.seating, &image);
        let left = self.books.remove(&mut self.tables, seid, current, now);
        self.report_last_usage(seid, &left, now);
        self.forget(seid);
    }

    fn count_slots(&mut self, session: &mut Session) {
        let slots = session.seating.seats.len() as u32;
        self.slots_by_owner
            .change(&session.owner, session.slots, slots);
        session.slots = slots;
    }

    fn forget(&mut self, seid: u64) {
        let Some(session) = self.sessions.remove(&seid) else {
            return;
        };
        self.has_changed(seid);
        let Session { owner, model, .. } = &session;
        self.remotes.change(seid, owner, model, &Model::default());
        self.application_users.remove(owner, seid);
        self.of_owner.remove(owner, seid);
        self.by_imsi.remove(seid, &session);
        self.weight -= session.weight;
        self.slots_by_owner.change(owner, session.slots, 0);
        self.endings.removed(&session);
        if let Some(deadline) = session.deadline {
            self.deadlines.remove(&(deadline, seid));
        }
        let charging = session.charging.as_deref();
        if let Some(deadline) = charging.and_then(|charging| charging.deadline) {
            self.usage_deadlines.remove(&(deadline, seid));
        }
        if let Some(idle) = &session.idle {
            self.idle_deadlines.remove(&(idle.deadline, seid));
        }
    }
}

impl Session {
    fn in_force(&self) -> InForce<'_> {
        InForce {
            model: &self.model,
            basis: &self.basis,
            seating: &self.seating,
        }
    }

    fn subscriber(&self, seid: u64) -> Subscriber<'_> {
        Subscriber {
            owner: &self.owner,
            imsi: self.about.imsi(),
            dnn: self.about.dnn.as_deref(),
            seid,
            sim: self.seating.sim(),
        }
    }

    /// The tables are filled otherwise now.
    fn took(&mut self, changed: Changed, basis: Basis) {
        for slot in &changed.released {
            self.past_volumes
                .add_slot(&slot.seat, slot.uplink, slot.downlink);
        }
        self.seating = changed.seating;
        self.basis = basis;
        self.owed = None;
    }
}
