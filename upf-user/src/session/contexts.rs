//! What another process needs to go on where this one stops, beside the sessions themselves: PFDs, and ends of sessions
//! that are under way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Sessions;
use super::applications::Applications;
use super::model::SdfFilter;
use crate::datapath::Datapath;
use crate::pfcp::ie::{FqCsid, NodeId};
use crate::store::RecordKind;

/// The PFDs of a control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptApplications(pub(super) BTreeMap<Box<str>, Vec<SdfFilter>>);

/// An end of sessions that is under way: all of a control plane, or those of some sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEnding {
    /// It is the n-th; later sessions are not meant.
    pub(super) number: u64,
    /// `None` is all.
    pub(super) sets: Option<Vec<FqCsid>>,
}

impl<D: Datapath> Sessions<D> {
    /// Goes on with the PFDs that another process had. To be called before sessions are restored: their rules need them.
    pub fn restore_applications(&mut self, kept: Vec<(NodeId, KeptApplications)>) {
        for (owner, kept) in kept {
            let memory = self.versions.memory(&owner);
            let applications = Applications::restored(kept, &memory);
            self.applications.insert(owner, Arc::new(applications));
        }
    }

    /// Goes on with what another process had not finished: the ends of sessions, which are ended already, and sessions'
    /// following of PFDs. To be called when sessions are restored.
    pub fn go_on(&mut self, endings: Vec<(NodeId, Vec<KeptEnding>)>, now: Instant) {
        let births = self.sessions.values().map(|session| session.birth);
        self.endings.go_on_after(births.max().unwrap_or_default());
        for (owner, kept) in endings {
            for ending in kept {
                let number = ending.number;
                let is_older = |seid: &u64| self.sessions[seid].birth < number;
                let seids = self.of_owner.all(&owner).filter(is_older);
                let slots = seids.map(|seid| self.sessions[&seid].slots).sum();
                self.endings.restore(&owner, ending, slots, now);
            }
        }
        for owner in self.application_users.owners() {
            self.passes.add(owner, now);
        }
    }

    /// Keeps a control plane's ends of sessions as they are now.
    pub(super) fn keep_endings(&mut self, owner: &NodeId) {
        let endings = self.endings.kept(owner);
        let endings = Some(endings).filter(|endings| !endings.is_empty());
        self.keep_record(RecordKind::Endings, owner, endings.as_ref());
    }

    /// Keeps a control plane's PFDs as they are now.
    pub(super) fn keep_applications(&mut self, owner: &NodeId) {
        let applications = self.applications.get(owner).cloned();
        let kept = applications.as_deref().map(Applications::kept);
        self.keep_record(RecordKind::Applications, owner, kept.as_ref());
    }

    /// Keeps a record with the next reports; `None` removes it.
    pub(super) fn keep_record(
        &mut self,
        kind: RecordKind,
        owner: &NodeId,
        record: Option<&impl Serialize>,
    ) {
        if self.outbox.is_none() {
            return;
        }
        let record = match record.map(serde_json::to_vec).transpose() {
            Ok(record) => record,
            Err(error) => {
                return tracing::error!(%error, %owner, ?kind, "a record cannot be kept");
            }
        };
        let key = (kind, owner.clone());
        self.made.contexts.records.push((key, record));
    }
}
