//! UE addresses that sessions send from, though none of theirs leads there: only their uplink PDRs name them.
//!
//! Nobody has such an address in the tables, so they are counted here, as long as they are of a pool: one UE's packets
//! must not pass as another's, who would be given the address.

use std::collections::HashMap;

use super::seating::UeEndpoint;

/// How many sessions name each address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NamedAddresses(HashMap<UeEndpoint, u32>);

impl NamedAddresses {
    /// One session more names it.
    pub(super) fn add(&mut self, endpoint: UeEndpoint) {
        *self.0.entry(endpoint).or_default() += 1;
    }

    /// One session less names it; whether it was the last one.
    pub(super) fn remove(&mut self, endpoint: UeEndpoint) -> bool {
        let Some(users) = self.0.get_mut(&endpoint) else {
            return false;
        };
        *users -= 1;
        let is_last = *users == 0;
        if is_last {
            self.0.remove(&endpoint);
        }
        is_last
    }

    pub(super) fn has(&self, endpoint: UeEndpoint) -> bool {
        self.0.contains_key(&endpoint)
    }

    /// All of them.
    #[cfg(test)]
    pub(super) fn users(&self) -> &HashMap<UeEndpoint, u32> {
        &self.0
    }
}
