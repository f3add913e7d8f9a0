//! Which sessions a SIM has.

use std::collections::BTreeSet;

use super::Session;
use crate::bandwidth::Imsi;

/// Our SEIDs by the IMSI that their control planes have told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ByImsi(BTreeSet<(Imsi, u64)>);

impl ByImsi {
    pub(super) fn insert(&mut self, seid: u64, session: &Session) {
        self.0.extend(key(seid, session));
    }

    pub(super) fn remove(&mut self, seid: u64, session: &Session) {
        if let Some(key) = key(seid, session) {
            self.0.remove(&key);
        }
    }

    /// In the order of the SEIDs.
    pub(super) fn sessions(&self, imsi: Imsi) -> impl Iterator<Item = u64> {
        let range = self.0.range((imsi, 0)..=(imsi, u64::MAX));
        range.map(|(_, seid)| *seid)
    }
}

fn key(seid: u64, session: &Session) -> Option<(Imsi, u64)> {
    let imsi = session.about.imsi()?.parse().ok()?;
    Some((imsi, seid))
}
