//! What there is to count.

use std::collections::BTreeMap;

/// For metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Reports that control planes have to acknowledge.
    pub waiting: u64,
    /// When the oldest of them was made, milliseconds since 1970.
    pub oldest_ms: Option<u64>,
    /// Reports made, by the trigger's name; those of several triggers count for each.
    pub made: BTreeMap<&'static str, u64>,
    /// Reports that were acknowledged.
    pub acknowledged: u64,
    /// Of these, those of sessions that the control plane did not know.
    pub unknown_session: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Reports that were given up, because they were refused too often.
    pub given_up: u64,
    /// Reports that went to the export only, because too many waited.
    pub turned_away: u64,
    /// Failures of the store.
    pub store_failures: u64,
    /// Lines of the export that were lost.
    pub export_lost: u64,
    /// Failures of the export.
    pub export_failures: u64,
}
