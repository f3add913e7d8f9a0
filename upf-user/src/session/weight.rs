//! How much memory is kept for a control plane: its sessions' rules, what it tells about them, and its applications.
//!
//! The sizes of messages bound each of these, but not their sum: a session of 256 SDF filters with long lists of ports
//! takes a hundred times what an ordinary one does. A weight is what something has on the heap, in bytes, and in the
//! tables of remote F-TEIDs; the records of sessions themselves are as many as slots.

use super::about::About;
use super::flow_description::FlowDescription;
use super::model::{Far, Forwarding, Mar, Model, Pdr, SdfFilter, Urr, Way};
use super::remotes;
use crate::pfcp::ie::{FqCsid, HeaderEnrichment, RedirectInformation, UserId};

/// What all sessions together may weigh, for each slot of the tables. An ordinary session (two PDRs, two FARs and a QER),
/// which takes one slot, weighs a third of it, and so does each dedicated flow, which takes one more. So the slots are
/// spent first, unless control planes ask for much that takes none: URRs, texts, filters that match nothing.
pub(super) const BYTES_PER_SLOT: usize = 4096;

/// What an allocation takes beside its bytes: the allocator's own record, and rounding up.
const ALLOCATION: usize = 16;

/// What an allocation of this many bytes takes.
pub(super) fn of_bytes(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        _ => bytes + ALLOCATION,
    }
}

/// Without what the elements point to.
pub(super) fn of_vec<T>(vec: &Vec<T>) -> usize {
    of_bytes(vec.capacity() * size_of::<T>())
}

/// What a filter has beside itself.
pub(super) fn of_filter(filter: &SdfFilter) -> usize {
    let of_flow = |flow: &FlowDescription| of_vec(&flow.remote.ports) + of_vec(&flow.local.ports);
    filter.flow.as_ref().map_or(0, of_flow)
}

impl Model {
    /// Bytes on the heap, and of [`remotes::Remotes`]. O(rules), and allocates nothing.
    pub(super) fn weight(&self) -> usize {
        let rules = self.pdrs.weight()
            + self.fars.weight()
            + self.qers.weight()
            + self.urrs.weight()
            + self.bars.weight()
            + self.mars.weight()
            + self.endpoints.weight();
        let pdrs: usize = self.pdrs.iter().map(of_pdr).sum();
        let fars: usize = self.fars.iter().map(of_far).sum();
        let urrs: usize = self.urrs.iter().map(of_urr).sum();
        let mars: usize = self.mars.iter().map(of_mar).sum();
        let ways = self.endpoints.iter().map(|endpoint| of_way(&endpoint.way));
        rules + pdrs + fars + urrs + mars + ways.sum::<usize>()
    }
}

impl About {
    /// Bytes on the heap.
    pub(super) fn weight(&self) -> usize {
        let group_id = self.group_id.as_deref().map_or(0, |id| of_bytes(id.len()));
        let user_id = self.user_id.as_deref().map_or(0, of_user_id);
        of_text(self.dnn.as_deref()) + user_id + group_id + of_fq_csids(&self.fq_csids)
    }
}

pub(super) fn of_fq_csids(csids: &Vec<FqCsid>) -> usize {
    let sets: usize = csids.iter().map(|csid| of_vec(&csid.csids)).sum();
    of_vec(csids) + sets
}

fn of_pdr(pdr: &Pdr) -> usize {
    let filters: usize = pdr.filters.iter().map(of_filter).sum();
    of_way(&pdr.way)
        + of_vec(&pdr.endpoints)
        + of_vec(&pdr.filters)
        + filters
        + of_text(pdr.application.as_deref())
        + of_vec(&pdr.qers)
        + of_vec(&pdr.urrs)
        + of_vec(&pdr.predefined)
}

fn of_way(way: &Way) -> usize {
    of_vec(&way.framed) + of_vec(&way.qfis)
}

fn of_far(far: &Far) -> usize {
    let Forwarding {
        redirect,
        header_enrichment,
        dnai,
        ..
    } = &far.forwarding;
    of_vec(&far.duplicates)
        + far.remote_tunnels().count() * remotes::WEIGHT
        + redirect.as_deref().map_or(0, of_redirect)
        + header_enrichment.as_deref().map_or(0, of_header)
        + of_text(dnai.as_deref())
}

fn of_redirect(redirect: &RedirectInformation) -> usize {
    let texts = [&redirect.other_address, &redirect.port];
    let texts = texts.map(|text| of_text(text.as_deref()));
    of_bytes(size_of_val(redirect)) + of_text(Some(&redirect.address)) + texts.iter().sum::<usize>()
}

fn of_header(header: &HeaderEnrichment) -> usize {
    of_bytes(size_of_val(header)) + of_text(Some(&header.name)) + of_text(Some(&header.value))
}

fn of_urr(urr: &Urr) -> usize {
    of_vec(&urr.linked_urr_ids) + of_vec(&urr.additional_monitoring_times)
}

fn of_mar(mar: &Mar) -> usize {
    let accesses = mar.tgpp_access.iter().chain(&mar.non_tgpp_access);
    accesses.map(|access| of_vec(&access.urr_ids)).sum()
}

fn of_user_id(user: &UserId) -> usize {
    let texts = [
        &user.imsi,
        &user.imei,
        &user.msisdn,
        &user.nai,
        &user.supi,
        &user.gpsi,
        &user.pei,
    ];
    let texts = texts.map(|text| of_text(text.as_deref()));
    of_bytes(size_of_val(user)) + texts.iter().sum::<usize>()
}

fn of_text(text: Option<&str>) -> usize {
    text.map_or(0, |text| of_bytes(text.len()))
}
