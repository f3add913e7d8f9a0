//! SDF filters of a PDI.

use super::Builder;
use crate::pfcp::ie::{self, Cause, FailedRule, kind};
use crate::pfcp::message::{CreatePdr, Refusal, UpdatePdr};
use crate::session::flow_description;
use crate::session::model::SdfFilter;
use crate::session::refusal::refuse;

/// A flow label has 20 bits.
const FLOW_LABEL: u32 = 0xf_ffff;

/// The filters of a request that have an ID and say what they match.
pub(super) fn described<'a>(
    created: &'a [CreatePdr],
    updated: &'a [UpdatePdr],
) -> Vec<&'a ie::SdfFilter> {
    let created = created.iter().map(|pdr| &pdr.pdi);
    let pdis = created.chain(updated.iter().filter_map(|pdr| pdr.pdi.as_ref()));
    let filters = pdis.flat_map(|pdi| &pdi.sdf_filters);
    filters
        .filter(|filter| filter.id.is_some() && says_something(filter))
        .collect()
}

fn says_something(filter: &ie::SdfFilter) -> bool {
    filter.flow_description.is_some()
        || filter.tos.is_some()
        || filter.spi.is_some()
        || filter.flow_label.is_some()
}

impl Builder<'_> {
    pub(super) fn sdf_filters(
        &self,
        filters: &[ie::SdfFilter],
        rule: FailedRule,
    ) -> Result<Vec<SdfFilter>, Refusal> {
        let filters = filters.iter();
        filters
            .map(|filter| {
                self.sdf_filter(filter)
                    .ok_or_else(|| refuse(Cause::MandatoryIeIncorrect, kind::SDF_FILTER, rule))
            })
            .collect()
    }

    /// `None` if it cannot be read. A filter with an ID alone is the one that another PDR has described, of this
    /// request or of the session (bidirectional filters, clause 5.2.1A.2A).
    fn sdf_filter(&self, filter: &ie::SdfFilter) -> Option<SdfFilter> {
        if says_something(filter) {
            return read(filter);
        }
        let id = Some(filter.id?);
        if let Some(described) = self.described.iter().find(|known| known.id == id) {
            return read(described);
        }
        let mut known = self.model.pdrs.iter().flat_map(|pdr| &pdr.filters);
        known.find(|known| known.id == id).cloned()
    }
}

fn read(filter: &ie::SdfFilter) -> Option<SdfFilter> {
    let flow = match &filter.flow_description {
        Some(text) => Some(flow_description::parse(text)?),
        None => None,
    };
    Some(SdfFilter {
        id: filter.id,
        flow,
        tos: filter.tos.map(|(tos, mask)| (tos & mask, mask)),
        spi: filter.spi,
        flow_label: filter.flow_label.map(|label| label & FLOW_LABEL),
    })
}
