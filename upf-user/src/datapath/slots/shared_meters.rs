//! Limits that belong to a UE and not to one session (QER Correlation ID, TS 29.244 clause 5.4.4): the AMBR over all
//! its PDRs and sessions.

use std::collections::HashMap;
use std::sync::Arc;

use upf_common::meter::Rate;

use crate::datapath::{Direction, SlotIndex};

/// Whose limit it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MeterScope {
    /// All sessions of a UE with one control plane: a text that names both.
    Ue(Arc<str>),
    /// One session: the control plane did not say whose it is. Our SEID.
    Session(u64),
}

/// The name of a shared limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SharedMeterKey {
    /// Whose it is.
    pub scope: MeterScope,
    /// QER Correlation ID.
    pub correlation: u32,
    /// As in [`super::MeterKey`]: traffic to the UE that comes through a tunnel has a bucket of its own.
    pub is_downlink_tunnel: bool,
}

/// The shared limits that are in use. Each has the buckets of a slot that no session has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SharedMeters {
    meters: HashMap<SharedMeterKey, SharedMeter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SharedMeter {
    pub(super) slot: SlotIndex,
    /// Sessions.
    users: u32,
    /// What is in force; `None` where no session has said a rate for that half yet.
    uplink: Option<Rate>,
    downlink: Option<Rate>,
}

impl SharedMeters {
    /// Adds a session, where there is such a limit, and says which slot has the buckets.
    pub(super) fn join(&mut self, key: &SharedMeterKey) -> Option<SlotIndex> {
        let meter = self.meters.get_mut(key)?;
        meter.users += 1;
        Some(meter.slot)
    }

    /// A new limit with one session.
    pub(super) fn found(&mut self, key: SharedMeterKey, slot: SlotIndex) {
        let meter = SharedMeter {
            slot,
            users: 1,
            uplink: None,
            downlink: None,
        };
        self.meters.insert(key, meter);
    }

    /// Takes a session away; the slot is free if it was the last one.
    pub(super) fn leave(&mut self, key: &SharedMeterKey) -> Option<SlotIndex> {
        let meter = self.meters.get_mut(key)?;
        meter.users -= 1;
        if meter.users > 0 {
            return None;
        }
        self.meters.remove(key).map(|meter| meter.slot)
    }

    /// The slot with the buckets.
    pub(super) fn slot_of(&self, key: &SharedMeterKey) -> Option<SlotIndex> {
        self.meters.get(key).map(|meter| meter.slot)
    }

    /// The rate of one half, if one is in force.
    pub(super) fn rate(&self, key: &SharedMeterKey, direction: Direction) -> Option<Rate> {
        let meter = self.meters.get(key)?;
        match direction {
            Direction::Uplink => meter.uplink,
            Direction::Downlink => meter.downlink,
        }
    }

    /// Notes the rate of one half.
    pub(super) fn set_rate(
        &mut self,
        key: &SharedMeterKey,
        direction: Direction,
        rate: Option<Rate>,
    ) {
        if let Some(meter) = self.meters.get_mut(key) {
            match direction {
                Direction::Uplink => meter.uplink = rate,
                Direction::Downlink => meter.downlink = rate,
            }
        }
    }

    /// All limits: the slot and what is in force in its halves.
    #[cfg(test)]
    pub(super) fn iter(
        &self,
    ) -> impl Iterator<Item = (&SharedMeterKey, u32, SlotIndex, [Option<Rate>; 2])> {
        let meters = self.meters.iter();
        meters.map(|(key, meter)| (key, meter.users, meter.slot, [meter.uplink, meter.downlink]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_lives_as_long_as_one_session_has_it() {
        let mut meters = SharedMeters::default();
        let key = SharedMeterKey {
            scope: MeterScope::Ue(Arc::from("smf 001010000000001")),
            correlation: 7,
            is_downlink_tunnel: false,
        };
        assert_eq!(meters.join(&key), None);
        meters.found(key.clone(), SlotIndex(3));
        assert_eq!(meters.join(&key), Some(SlotIndex(3)));
        let rate = Rate::from_bits_per_second(1_000_000);
        meters.set_rate(&key, Direction::Downlink, Some(rate));
        assert_eq!(meters.rate(&key, Direction::Downlink), Some(rate));
        assert_eq!(meters.rate(&key, Direction::Uplink), None);
        assert_eq!(meters.leave(&key), None);
        assert_eq!(meters.slot_of(&key), Some(SlotIndex(3)));
        assert_eq!(meters.leave(&key), Some(SlotIndex(3)));
        assert_eq!(meters, SharedMeters::default());
    }
}
