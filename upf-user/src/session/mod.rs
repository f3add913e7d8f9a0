//! The rule model of TS 29.244 and its checks; a request is applied whole or not at all.
//!
//! A request makes a changed copy of the session's rules (`request`), which is checked (`checks`), translated into
//! detections (`detections`) and compiled (`compile`) before anything is written; what is written is taken back when
//! a later write fails ([`crate::datapath::slots`]).

mod about;
mod answers;
mod applications;
mod checks;
mod clock;
mod compile;
mod config;
mod detection;
mod detections;
mod elements;
mod filters;
mod flow_description;
mod framed_route;
mod half;
mod image;
mod limits;
mod model;
mod peers;
mod refusal;
mod remotes;
mod request;
mod service;
#[cfg(test)]
mod tests;
mod times;
mod ue_choice;
mod view;
mod weight;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub use applications::{MAX_APPLICATION_FLOWS, MAX_APPLICATIONS};
pub use clock::NtpAnchor;
pub use config::{LocalGtpu, SessionsConfig};
pub use detection::RemoteTunnel;
pub use flow_description::is_readable as is_flow_description;
pub use model::{
    MAX_BARS, MAX_FARS, MAX_FRAMED_ROUTES, MAX_MARS, MAX_PDRS, MAX_QERS, MAX_SDF_FILTERS,
    MAX_TRAFFIC_ENDPOINTS, MAX_URRS,
};
pub use view::*;

use self::about::About;
use self::applications::Applications;
use self::compile::{Compiler, Subscriber};
use self::detections::Basis;
use self::model::Model;
use self::refusal::refuse_all;
use self::remotes::Remotes;
use self::request::Requested;
use crate::datapath::slots::{
    ChangeError, Changed, DuplicateSet, Exhausted, Image, Seating, SlotTable,
};
use crate::datapath::{Datapath, DatapathError};
use crate::gtpu::PathKey;
use crate::pfcp::ie::{Cause, FSeid, NodeId};
use crate::pfcp::message::Refusal;
use crate::usage::SessionVolumes;

/// Whether a filter with this flow description is understood (TS 29.212 clause 5.4.2).
#[must_use]
pub fn understands_flow_description(text: &str) -> bool {
    flow_description::parse(text).is_some()
}

/// UP SEIDs stay below this, because JavaScript's numbers, thus many a JSON reader's, are whole only up to here.
const SEID_END: u64 = 1 << 53;

/// All PFCP sessions, and the tables that they fill.
#[derive(Debug)]
pub struct Sessions<D> {
    config: SessionsConfig,
    tables: D,
    books: SlotTable,
    sessions: BTreeMap<u64, Session>,
    of_owner: HashMap<NodeId, BTreeSet<u64>>,
    /// What each control plane has provisioned.
    applications: HashMap<NodeId, Arc<Applications>>,
    /// Sessions with PDRs that name an application.
    application_users: BTreeSet<u64>,
    remotes: Remotes,
    /// What all sessions weigh, in bytes.
    weight: usize,
    /// When which sessions have to be compiled anew.
    deadlines: BTreeSet<(Instant, u64)>,
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
    /// What rules and the rest weigh, in bytes.
    weight: usize,
    /// When it has to be compiled anew.
    deadline: Option<Instant>,
    /// What slots had counted that the session has no more.
    past_volumes: SessionVolumes,
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
    pub fn with_random(config: SessionsConfig, tables: D, random: StdRng) -> Self {
        Self {
            books: SlotTable::new(&tables, config.pools.clone(), &config.ue_pools),
            config,
            tables,
            sessions: BTreeMap::new(),
            of_owner: HashMap::new(),
            applications: HashMap::new(),
            application_users: BTreeSet::new(),
            remotes: Remotes::default(),
            weight: 0,
            deadlines: BTreeSet::new(),
            random,
        }
    }

    /// How many sessions there are.
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
        self.books.has_teid(teid)
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
    /// Indication of that node is about them (TS 23.007 clause 20.3).
    #[must_use]
    pub fn sessions_of_remote(&self, tunnel: RemoteTunnel) -> Vec<(NodeId, u64, u64)> {
        let seids = self.remotes.sessions(tunnel);
        let named = seids.filter_map(|seid| {
            let session = self.sessions.get(&seid)?;
            Some((session.owner.clone(), seid, session.cp_f_seid.seid))
        });
        named.collect()
    }

    /// Puts a session's rules into the tables in place of those in force. UE addresses that are left to us are chosen
    /// and put into the rules.
    fn apply(
        &mut self,
        subscriber: Subscriber<'_>,
        old: InForce<'_>,
        requested: &mut Requested,
        basis: &Basis,
        now: Instant,
    ) -> Result<Changed, Refusal> {
        checks::check(&self.config, old.model, requested)?;
        let fresh = self.choose_ue_addresses(&mut requested.model, now)?;
        let changed = self.put(subscriber, old, requested, basis, now);
        if changed.is_err() {
            self.cancel_ue_addresses(&fresh);
        }
        changed
    }

    fn put(
        &mut self,
        subscriber: Subscriber<'_>,
        old: InForce<'_>,
        requested: &Requested,
        basis: &Basis,
        now: Instant,
    ) -> Result<Changed, Refusal> {
        let (config, tables, books) = (&self.config, &mut self.tables, &mut self.books);
        let compiler = Compiler::new(config, subscriber, &requested.model, basis);
        let wanted = compiler.wanted();
        answers::check_free(books, old.seating, &wanted, requested)?;
        answers::check_routes(books, old.seating, &wanted, &compiler)?;
        books.settle(tables).map_err(|error| table_error(&error))?;
        let old_compiler = Compiler::new(config, subscriber, old.model, old.basis);
        let old_image = old_compiler.image(old.seating, books)?;
        let prepared = books.prepare(old.seating, &wanted, now, &mut self.random);
        let prepared = prepared.map_err(|exhausted| change_error(&exhausted.into()))?;
        // Rules that count later have to fit, too; room for them in tables that sessions share is not kept.
        let all = Compiler::of_all_times(config, subscriber, &requested.model, basis);
        let all = all.map_or(Ok(Image::default()), |all| {
            all.image(&prepared.seating, books)
        });
        let image = match all.and_then(|_| compiler.image(&prepared.seating, books)) {
            Ok(image) => image,
            Err(refusal) => {
                books.cancel(prepared, now);
                return Err(refusal);
            }
        };
        let end_markers = compiler.end_markers(&requested.end_markers);
        let in_force = (old.seating, &old_image);
        let changed = books.commit(tables, in_force, prepared, image, &end_markers, now);
        changed.map_err(|error| change_error(&error))
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
        self.sessions
            .get(&seid)
            .filter(|session| session.owner == *owner)
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
        self.books.remove(&mut self.tables, current, now);
        self.forget(seid);
    }

    fn forget(&mut self, seid: u64) {
        let Some(session) = self.sessions.remove(&seid) else {
            return;
        };
        self.remotes.change(seid, &session.model, &Model::default());
        self.weight -= session.weight;
        self.application_users.remove(&seid);
        if let Some(deadline) = session.deadline {
            self.deadlines.remove(&(deadline, seid));
        }
        if let Some(seids) = self.of_owner.get_mut(&session.owner) {
            seids.remove(&seid);
            if seids.is_empty() {
                self.of_owner.remove(&session.owner);
            }
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
            seid,
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
    }
}

/// The cause for a change that the tables have no room for, or refused.
fn change_error(error: &ChangeError) -> Refusal {
    match error {
        ChangeError::Exhausted(exhausted) => {
            tracing::debug!(%exhausted, "a session request is refused");
            refuse_all(match exhausted {
                Exhausted::UeAddresses => Cause::AllDynamicAddressesOccupied,
                _ => Cause::NoResourcesAvailable,
            })
        }
        ChangeError::Datapath(error) => table_error(error),
    }
}

fn table_error(error: &DatapathError) -> Refusal {
    tracing::error!(%error, "a session request is refused");
    refuse_all(match error {
        DatapathError::Full { .. } => Cause::NoResourcesAvailable,
        DatapathError::OutOfRange { .. } | DatapathError::Kernel { .. } => Cause::SystemFailure,
    })
}
