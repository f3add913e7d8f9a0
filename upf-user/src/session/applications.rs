//! What applications look like: the PFDs that a control plane has provisioned (clause 6.2.5).
//!
//! Only flow descriptions can be matched here. A PFD with a URL, a domain name or custom content is refused (cause
//! 76): were it accepted and never matched, its traffic would silently be treated by another PDR.

use std::collections::BTreeMap;

use super::flow_description;
use super::model::SdfFilter;
use super::refusal::{refuse, refuse_all};
use crate::pfcp::ie::{Cause, kind};
use crate::pfcp::message::{ApplicationPfds, PfdContents, PfdManagementRequest, Refusal};

/// Most applications of one control plane.
pub const MAX_APPLICATIONS: usize = 1024;
/// Most flow descriptions of one application.
pub const MAX_APPLICATION_FLOWS: usize = 64;

/// Applications of one control plane, by their ID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Applications(BTreeMap<Box<str>, Vec<SdfFilter>>);

impl Applications {
    /// Whether the application has been provisioned.
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The filters of an application; none of one that was taken away.
    pub(super) fn filters(&self, id: &str) -> &[SdfFilter] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    /// What a PFD Management Request makes of them: PFDs of an application that is named are replaced, by none it is
    /// taken away, and a request without applications takes all away (clause 7.4.3.1).
    pub(super) fn provisioned(&self, request: &PfdManagementRequest) -> Result<Self, Refusal> {
        if request.applications.is_empty() {
            return Ok(Self::default());
        }
        let mut applications = self.clone();
        for application in &request.applications {
            let id = application.application_id.as_str();
            let filters = filters(application)?;
            if filters.is_empty() {
                applications.0.remove(id);
            } else {
                applications.0.insert(id.into(), filters);
            }
        }
        if applications.0.len() > MAX_APPLICATIONS {
            return Err(refuse_all(Cause::NoResourcesAvailable));
        }
        Ok(applications)
    }
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
