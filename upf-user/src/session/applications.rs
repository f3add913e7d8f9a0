//! What applications look like: the PFDs that a control plane has provisioned (clause 6.2.5).
//!
//! Only flow descriptions can be matched here. A PFD with a URL, a domain name or custom content is refused (cause
//! 76): were it accepted and never matched, its traffic would silently be treated by another PDR.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::contexts::KeptApplications;
use super::model::SdfFilter;
use super::refusal::{refuse, refuse_all};
use super::versions::{Memory, Taken};
use super::{flow_description, weight};
use crate::pfcp::ie::{Cause, NodeId, kind};
use crate::pfcp::message::{ApplicationPfds, PfdContents, PfdManagementRequest, Refusal};

/// Most applications of one control plane.
pub const MAX_APPLICATIONS: usize = 1024;
/// Most flow descriptions of one application.
pub const MAX_APPLICATION_FLOWS: usize = 64;

/// Most bytes that the applications of one control plane take: 20,000 flows of a port or two.
pub(super) const MAX_WEIGHT: usize = 4 << 20;
/// Most bytes that those of all control planes take together.
pub(super) const MAX_WEIGHT_OF_ALL: usize = 64 << 20;
/// An entry of the map below, whose nodes are half full at least.
const MAP_ENTRY: usize = 2 * size_of::<(Arc<str>, Arc<Application>)>();
/// What a version counts beside its applications, so that small ones are not too many.
const OVERHEAD: usize = 4096;
/// What is counted beside the contents of an `Arc`.
const ARC_COUNTS: usize = 2 * size_of::<usize>();

/// Applications of one control plane. What a request leaves as it is, the old and the new version share.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Applications {
    /// By their ID.
    all: BTreeMap<Arc<str>, Arc<Application>>,
    /// Bytes that they take.
    weight: usize,
    /// What this version takes beside its applications.
    taken: Option<Taken>,
}

/// What an application looks like.
#[derive(Debug, PartialEq, Eq)]
struct Application {
    filters: Box<[SdfFilter]>,
    /// With its ID.
    taken: Taken,
}

/// How many bytes the applications of a control plane may take, as the others leave them.
pub(super) fn room(all: &HashMap<NodeId, Arc<Applications>>, owner: &NodeId) -> usize {
    let others = all.iter().filter(|(node, _)| *node != owner);
    let taken: usize = others.map(|(_, applications)| applications.weight).sum();
    MAX_WEIGHT_OF_ALL.saturating_sub(taken).min(MAX_WEIGHT)
}

impl Applications {
    /// Whether the application has been provisioned.
    pub(super) fn has(&self, id: &str) -> bool {
        self.all.contains_key(id)
    }

    /// Bytes that this version takes for itself and with what it shares.
    pub(super) fn of_version(&self) -> usize {
        let own = self.taken.as_ref().map_or(0, Taken::bytes);
        let applications = self
            .all
            .values()
            .map(|application| application.taken.bytes());
        own + applications.sum::<usize>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The filters of an application; none of one that was taken away.
    pub(super) fn filters(&self, id: &str) -> &[SdfFilter] {
        self.all
            .get(id)
            .map_or(&[], |application| &application.filters)
    }

    /// What a PFD Management Request makes of them, if it takes no more than `room` bytes: PFDs of an application that
    /// is named are replaced, by none it is taken away, and a request without applications takes all away (clause
    /// 7.4.3.1). It is taken from the control plane's `memory`.
    pub(super) fn provisioned(
        &self,
        request: &PfdManagementRequest,
        room: usize,
        memory: &Memory,
    ) -> Result<Self, Refusal> {
        if request.applications.is_empty() {
            return Ok(Self::default());
        }
        let mut applications = Self {
            all: self.all.clone(),
            weight: self.weight,
            taken: None,
        };
        for application in &request.applications {
            let filters = filters(application)?;
            applications.replace(&application.application_id, filters, memory);
        }
        if applications.all.len() > MAX_APPLICATIONS || applications.weight > room {
            return Err(refuse_all(Cause::NoResourcesAvailable));
        }
        applications.count_version(memory);
        Ok(applications)
    }

    /// Those that another process has kept.
    pub(super) fn restored(kept: KeptApplications, memory: &Memory) -> Self {
        let mut applications = Self::default();
        for (id, filters) in kept.0 {
            applications.replace(&id, filters, memory);
        }
        applications.count_version(memory);
        applications
    }

    /// The same, to be kept.
    pub(super) fn kept(&self) -> KeptApplications {
        let all = self.all.iter();
        let kept = all.map(|(id, application)| (Box::from(&**id), application.filters.to_vec()));
        KeptApplications(kept.collect())
    }

    fn count_version(&mut self, memory: &Memory) {
        let entries = self.all.len() * MAP_ENTRY;
        self.taken = Some(memory.take(OVERHEAD + entries));
    }

    fn replace(&mut self, id: &str, filters: Vec<SdfFilter>, memory: &Memory) {
        if let Some(old) = self.all.remove(id) {
            self.weight -= MAP_ENTRY + old.taken.bytes();
        }
        if !filters.is_empty() {
            let taken = memory.take(of_application(id, &filters));
            self.weight += MAP_ENTRY + taken.bytes();
            let filters = filters.into();
            self.all
                .insert(id.into(), Arc::new(Application { filters, taken }));
        }
    }
}

fn of_application(id: &str, filters: &[SdfFilter]) -> usize {
    let contents: usize = filters.iter().map(weight::of_filter).sum();
    let id = weight::of_bytes(ARC_COUNTS + id.len());
    let application = weight::of_bytes(ARC_COUNTS + size_of::<Application>());
    id + application + weight::of_bytes(size_of_val(filters)) + contents
}

fn filters(application: &ApplicationPfds) -> Result<Vec<SdfFilter>, Refusal> {
    let mut filters = Vec::new();
    for contents in application.contexts.iter().flatten() {
        if !is_matchable(contents) {
            return Err(refuse(Cause::ServiceNotSupported, kind::PFD_CONTENTS, None));
        }
        for text in &contents.flow_descriptions {
            let flow = flow_description::parse(text)
                .ok_or_else(|| refuse(Cause::MandatoryIeIncorrect, kind::PFD_CONTENTS, None))?;
            filters.push(SdfFilter {
                flow: Some(flow),
                ..SdfFilter::default()
            });
        }
    }
    if filters.len() > MAX_APPLICATION_FLOWS {
        return Err(refuse_all(Cause::NoResourcesAvailable));
    }
    Ok(filters)
}

fn is_matchable(contents: &PfdContents) -> bool {
    !contents.flow_descriptions.is_empty()
        && contents.urls.is_empty()
        && contents.domain_names.is_empty()
        && contents.custom.is_none()
}
