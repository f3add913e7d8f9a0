//! The rule model of TS 29.244 and its checks; a request is applied whole or not at all.
//!
//! A request makes a changed copy of the session's rules (`request`), which is checked (`checks`) and
//! compiled (`compile`) before anything is written; what is written is taken back when a later write fails
//! ([`crate::datapath::slots`]).

mod checks;
mod compile;
mod config;
mod detection;
mod elements;
mod filters;
mod flow_description;
mod half;
mod model;
mod refusal;
mod request;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub use config::{LocalGtpu, SessionsConfig};
pub use model::{MAX_FARS, MAX_PDRS, MAX_QERS};
pub use view::{Gates, PeerTunnelView, Rates, SessionView, TunnelView, VolumeView, Volumes};

use self::compile::Compiler;
use self::model::Model;
use self::refusal::{refuse, refuse_all};
use self::request::Requested;
use crate::datapath::slots::{
    ChangeError, Changed, Program, Seating, SlotTable, TunnelKey, Wanted,
};
use crate::datapath::{Datapath, DatapathError};
use crate::pfcp::ie::{Cause, FSeid, FTeid, FailedRule, FqCsid, NodeId, kind};
use crate::pfcp::message::{
    CreatedPdr, PfdManagementRequest, Refusal, SessionDeletionRequest, SessionEstablishmentRequest,
    SessionModificationRequest, SessionReportResponse,
};
use crate::pfcp::service::{Answer, Deleted, Established, Modified, SessionService};
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
    random: StdRng,
}

/// One PFCP session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    owner: NodeId,
    cp_f_seid: FSeid,
    dnn: Option<Box<str>>,
    imsi: Option<Box<str>>,
    model: Model,
    seating: Seating,
    /// What slots had counted that the session has no more.
    past_volumes: SessionVolumes,
}

impl<D: Datapath> Sessions<D> {
    /// No sessions yet; the tables are empty.
    #[must_use]
    pub fn new(config: SessionsConfig, tables: D) -> Self {
        Self::with_random(config, tables, StdRng::from_os_rng())
    }

    fn with_random(config: SessionsConfig, tables: D, random: StdRng) -> Self {
        Self {
            books: SlotTable::new(&tables, config.pools.clone()),
            config,
            tables,
            sessions: BTreeMap::new(),
            of_owner: HashMap::new(),
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

    /// Slots in use: one a session, and one more for each further tunnel or UE address.
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

    /// Changes whenever [`Self::peers`] does.
    #[must_use]
    pub fn peers_changed(&self) -> u64 {
        self.books.peers().changes()
    }

    /// Puts a session's rules into the tables; `model` and `seating` are those that it has.
    fn apply(
        &mut self,
        (model, seating): (&Model, &Seating),
        requested: &Requested,
        now: Instant,
    ) -> Result<Changed, Refusal> {
        checks::check(requested)?;
        let (config, tables, books) = (&self.config, &mut self.tables, &mut self.books);
        let compiler = Compiler {
            config,
            model: &requested.model,
        };
        let wanted = compiler.wanted();
        check_free(books, seating, &wanted, &requested.model)?;
        books.settle(tables).map_err(|error| table_error(&error))?;
        let prepared = books.prepare(seating, &wanted, now, &mut self.random);
        let prepared = prepared.map_err(|exhausted| change_error(&exhausted.into()))?;
        let old = Compiler { config, model };
        let programs = old
            .programs(seating, books.peers())
            .and_then(|old| Ok((old, compiler.programs(&prepared.seating, books.peers())?)));
        let (old, new) = match programs {
            Ok(programs) => programs,
            Err(refusal) => {
                books.cancel(prepared, now);
                return Err(refusal);
            }
        };
        let changed = books.commit(tables, (seating, &old), prepared, new, now);
        changed.map_err(|error| change_error(&error))
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

    /// What the session's halves do now.
    fn programs(&self, session: &Session) -> Result<Vec<Program>, Refusal> {
        let compiler = Compiler {
            config: &self.config,
            model: &session.model,
        };
        compiler.programs(&session.seating, self.books.peers())
    }

    fn forget(&mut self, seid: u64) {
        let Some(session) = self.sessions.remove(&seid) else {
            return;
        };
        if let Some(seids) = self.of_owner.get_mut(&session.owner) {
            seids.remove(&seid);
            if seids.is_empty() {
                self.of_owner.remove(&session.owner);
            }
        }
    }
}

impl<D: Datapath> SessionService for Sessions<D> {
    fn establish(
        &mut self,
        owner: &NodeId,
        _header_seid: u64,
        request: &SessionEstablishmentRequest,
        now: Instant,
    ) -> Result<Established, Refusal> {
        let requested = request::establish(&self.config, request)?;
        let nothing = (&Model::default(), &Seating::default());
        let changed = self.apply(nothing, &requested, now)?;
        let created_pdrs = created_pdrs(&requested, &changed.seating);
        let seid = self.new_seid();
        let session = Session {
            owner: owner.clone(),
            cp_f_seid: request.cp_f_seid,
            dnn: request.dnn.as_deref().map(Box::from),
            imsi: request.imsi().map(Box::from),
            model: requested.model,
            seating: changed.seating,
            past_volumes: SessionVolumes::default(),
        };
        self.sessions.insert(seid, session);
        self.of_owner.entry(owner.clone()).or_default().insert(seid);
        Ok(Established {
            up_f_seid: self.own_f_seid(seid),
            created_pdrs,
            created_traffic_endpoints: Vec::new(),
        })
    }

    fn modify(
        &mut self,
        owner: &NodeId,
        seid: u64,
        request: &SessionModificationRequest,
        now: Instant,
    ) -> Answer<Modified> {
        let Some(mut session) = self.take_out(owner, seid) else {
            return not_found();
        };
        let requested = request::modify(&self.config, &session.model, &session.seating, request);
        let outcome = requested.and_then(|requested| {
            let changed = self.apply((&session.model, &session.seating), &requested, now)?;
            let created = created_pdrs(&requested, &changed.seating);
            for slot in &changed.released {
                session
                    .past_volumes
                    .add_slot(&slot.seat, slot.uplink, slot.downlink);
            }
            session.model = requested.model;
            session.seating = changed.seating;
            session.cp_f_seid = request.cp_f_seid.unwrap_or(session.cp_f_seid);
            Ok(Modified {
                created_pdrs: created,
                ..Modified::default()
            })
        });
        let cp_seid = session.cp_f_seid.seid;
        self.sessions.insert(seid, session);
        Answer { cp_seid, outcome }
    }

    fn delete(
        &mut self,
        owner: &NodeId,
        seid: u64,
        _request: &SessionDeletionRequest,
        now: Instant,
    ) -> Answer<Deleted> {
        let Some(session) = self.take_out(owner, seid) else {
            return not_found();
        };
        let nothing = Requested {
            model: Model::default(),
            chosen: Vec::new(),
            removed_fars: Vec::new(),
            removed_qers: Vec::new(),
        };
        let outcome = self.apply((&session.model, &session.seating), &nothing, now);
        let cp_seid = session.cp_f_seid.seid;
        self.sessions.insert(seid, session);
        if outcome.is_ok() {
            self.forget(seid);
        }
        Answer {
            cp_seid,
            outcome: outcome.map(|_| Deleted::default()),
        }
    }

    fn delete_all(&mut self, owner: &NodeId, now: Instant) {
        let seids = self.of_owner.get(owner).cloned().unwrap_or_default();
        for seid in seids {
            let Some(session) = self.sessions.get(&seid) else {
                continue;
            };
            // What was put into force compiles.
            let programs = self.programs(session).unwrap_or_default();
            let current = (&session.seating, programs.as_slice());
            self.books.remove(&mut self.tables, current, now);
            self.forget(seid);
        }
    }

    fn delete_sets(&mut self, _owner: &NodeId, _sets: &[FqCsid], _now: Instant) -> usize {
        0
    }

    fn provision_pfds(
        &mut self,
        _owner: &NodeId,
        _request: &PfdManagementRequest,
        _now: Instant,
    ) -> Result<(), Refusal> {
        Err(refuse_all(Cause::ServiceNotSupported))
    }

    fn report_answered(
        &mut self,
        _owner: &NodeId,
        _seid: u64,
        _response: &SessionReportResponse,
        _now: Instant,
    ) {
    }

    fn count(&self, owner: &NodeId) -> usize {
        self.of_owner.get(owner).map_or(0, BTreeSet::len)
    }

    fn load_percent(&self) -> u8 {
        let (used, capacity) = (self.books.used_slots(), self.tables.capacity());
        (u64::from(used) * 100 / u64::from(capacity.max(1))) as u8
    }

    fn cp_seid(&self, owner: &NodeId, seid: u64) -> Option<u64> {
        Some(self.session(owner, seid)?.cp_f_seid.seid)
    }
}

fn not_found<T>() -> Answer<T> {
    Answer {
        cp_seid: 0,
        outcome: Err(refuse_all(Cause::SessionContextNotFound)),
    }
}

/// TEIDs and UE addresses that the session would take must be nobody else's.
fn check_free(
    books: &SlotTable,
    current: &Seating,
    wanted: &Wanted,
    model: &Model,
) -> Result<(), Refusal> {
    let refuse = |ie, concerned: &dyn Fn(&model::Pdr) -> bool| {
        let pdr = model
            .pdrs
            .iter()
            .find(|pdr| concerned(pdr))
            .map_or(0, |pdr| pdr.id);
        Err(refuse(Cause::RuleCreationFailure, ie, FailedRule::Pdr(pdr)))
    };
    for tunnel in &wanted.tunnels {
        if let TunnelKey::Given(teid) = tunnel.key
            && current.tunnel(tunnel.key).is_none()
            && books.has_teid(teid)
        {
            let names_it = |pdr: &model::Pdr| pdr.tunnel.is_some_and(|own| own.key == tunnel.key);
            return refuse(kind::F_TEID, &names_it);
        }
    }
    for endpoint in &wanted.addresses {
        if !current.addresses().any(|own| own == *endpoint) && books.has_address(*endpoint) {
            let names_one = |pdr: &model::Pdr| pdr.tunnel.is_none() && pdr.ue.is_some();
            return refuse(kind::UE_IP_ADDRESS, &names_one);
        }
    }
    Ok(())
}

/// A Created PDR for each F-TEID that was left to us.
fn created_pdrs(requested: &Requested, seating: &Seating) -> Vec<CreatedPdr> {
    let of_pdr = |&id: &u16| {
        let tunnel = seating.tunnel(requested.model.pdrs.get(id)?.tunnel?.key)?;
        Some(CreatedPdr {
            id,
            f_teid: Some(FTeid::Given {
                teid: tunnel.teid,
                ipv4: Some(tunnel.address),
                ipv6: None,
            }),
            ue_ip_address: None,
        })
    };
    requested.chosen.iter().filter_map(of_pdr).collect()
}

/// The cause for a change that the tables have no room for, or refused.
fn change_error(error: &ChangeError) -> Refusal {
    match error {
        ChangeError::Exhausted(exhausted) => {
            tracing::debug!(%exhausted, "a session request is refused");
            refuse_all(Cause::NoResourcesAvailable)
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
