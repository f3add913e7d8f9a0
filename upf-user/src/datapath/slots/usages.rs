//! Where the URRs of sessions are counted: in slots, or in records of their own ([`upf_common::abi::usage`]).
//!
//! A URR has the counters of a slot if all packets of those halves that it counts at all are its own, and nobody else's. The
//! others have records. A slot is one URR's: the first one's that fits, as long as it fits.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Instant;

use upf_common::abi::USAGE_SET_RECORDS;

use super::lists::QUARANTINE;
use super::seating::{Seating, TunnelKey, UeEndpoint};
use crate::datapath::{Account, Accounts, Direction, SlotIndex, UsageCounters, UsageIndex};

/// A half of a slot, as a session knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HalfKey {
    /// The one that a local F-TEID leads to.
    Tunnel(TunnelKey),
    /// The one that a UE address leads to.
    Address(UeEndpoint),
}

/// A URR that a session wants counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedUsage {
    /// URR ID.
    pub urr: u32,
    /// The halves whose packets are all its own; `None` where only some packets of a half are, or what it wants a slot does not
    /// have: bounds of one direction, what QoS enforcement holds back, rules for what is beyond a quota.
    pub halves: Option<Vec<HalfKey>>,
}

/// Where a session's URR is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageSeat {
    /// URR ID.
    pub urr: u32,
    /// There.
    pub account: Account,
    /// Which halves of a slot count; both in a record.
    pub counts_uplink: bool,
    /// See [`Self::counts_uplink`].
    pub counts_downlink: bool,
}

/// The records that packets are counted in, by their URRs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SetSeat {
    /// URR IDs, those that have records.
    pub(super) urrs: Box<[u32]>,
    /// Those records.
    pub(super) records: [u32; USAGE_SET_RECORDS],
    /// Index in `USAGE_SETS`.
    pub(super) index: u32,
}

/// Counters of a URR at a place where it is not counted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftUsage {
    /// Where that was.
    pub seat: UsageSeat,
    /// What had been counted uplink and downlink.
    pub counters: [UsageCounters; 2],
}

impl UsageSeat {
    /// In a record.
    pub(super) fn of_record(urr: u32, index: UsageIndex) -> Self {
        Self {
            urr,
            account: Account::Record(index),
            counts_uplink: true,
            counts_downlink: true,
        }
    }

    /// The record, if it is in one.
    pub(super) fn record(&self) -> Option<UsageIndex> {
        match self.account {
            Account::Record(index) => Some(index),
            Account::Slot(_) => None,
        }
    }
}

impl LeftUsage {
    /// What is counted there now; nothing if it cannot be read.
    pub(super) fn read(tables: &impl Accounts, seat: UsageSeat) -> Self {
        let counters = [Direction::Uplink, Direction::Downlink].map(|direction| {
            let read = tables.usage_counters(seat.account, direction);
            read.unwrap_or_else(|error| {
                tracing::error!(%error, ?seat, "the counters of a URR cannot be read");
                UsageCounters::default()
            })
        });
        Self { seat, counters }
    }
}

impl SetSeat {
    /// Whether its URRs have the same records there.
    pub(super) fn is_of(&self, seating: &Seating) -> bool {
        self.records == records_of(&self.urrs, seating.usages())
    }
}

impl WantedUsage {
    /// The slot that can count it.
    pub(super) fn slot(&self, seating: &Seating) -> Option<UsageSeat> {
        let halves = self.halves.as_deref()?;
        let seats = halves.iter().map(|half| seating.half(*half));
        let seats: Vec<(SlotIndex, Direction)> = seats.collect::<Option<_>>()?;
        let (slot, _) = *seats.first()?;
        let counts = |direction| seats.iter().any(|(_, half)| *half == direction);
        let is_one = seats.iter().all(|(other, _)| *other == slot);
        is_one.then(|| UsageSeat {
            urr: self.urr,
            account: Account::Slot(slot),
            counts_uplink: counts(Direction::Uplink),
            counts_downlink: counts(Direction::Downlink),
        })
    }
}

/// The records that a set of URRs comes to.
pub(super) fn records_of(urrs: &[u32], seats: &[UsageSeat]) -> [u32; USAGE_SET_RECORDS] {
    let mut records = [upf_common::abi::NO_USAGE; USAGE_SET_RECORDS];
    let of = |urr: &u32| {
        let seat = seats.iter().find(|seat| seat.urr == *urr)?;
        Some(seat.record()?.0)
    };
    for (place, record) in records.iter_mut().zip(urrs.iter().filter_map(of)) {
        *place = record;
    }
    records
}

/// Hands out entries of a table. One that was given back is handed out again only when no packet can be using it any more.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    capacity: u32,
    /// Those from here on were never used.
    fresh: u32,
    free: Vec<u32>,
    quarantined: VecDeque<(Instant, u32)>,
}

impl Entries {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            fresh: 0,
            free: Vec::new(),
            quarantined: VecDeque::new(),
        }
    }

    pub(super) fn claim(&mut self, now: Instant) -> Option<u32> {
        if let Some(index) = self.free.pop() {
            return Some(index);
        }
        if self.fresh < self.capacity {
            self.fresh += 1;
            return Some(self.fresh - 1);
        }
        let (since, index) = *self.quarantined.front()?;
        if now.saturating_duration_since(since) < QUARANTINE {
            return None;
        }
        self.quarantined.pop_front();
        Some(index)
    }

    /// Takes one back that no rules have named.
    pub(super) fn cancel(&mut self, index: u32) {
        self.free.push(index);
    }

    /// Takes one back that rules named until now.
    pub(super) fn release(&mut self, index: u32, now: Instant) {
        self.quarantined.push_back((now, index));
    }

    /// How many are in use.
    pub(super) fn used(&self) -> u32 {
        self.fresh - self.free.len() as u32 - self.quarantined.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_rests_before_it_is_used_again() {
        let (mut entries, start) = (Entries::new(2), Instant::now());
        assert_eq!(entries.claim(start), Some(0));
        assert_eq!(entries.claim(start), Some(1));
        assert_eq!((entries.claim(start), entries.used()), (None, 2));
        entries.release(1, start);
        assert_eq!((entries.claim(start), entries.used()), (None, 1));
        entries.cancel(0);
        assert_eq!((entries.claim(start), entries.used()), (Some(0), 1));
        assert_eq!(entries.claim(start + QUARANTINE), Some(1));
        assert_eq!(entries.used(), 2);
    }

    #[test]
    fn sets_name_records_only() {
        let slot = UsageSeat {
            account: Account::Slot(SlotIndex(9)),
            ..UsageSeat::of_record(1, UsageIndex(0))
        };
        let seats = [
            slot,
            UsageSeat::of_record(2, UsageIndex(7)),
            UsageSeat::of_record(3, UsageIndex(5)),
        ];
        let records = records_of(&[1, 3, 2, 4], &seats);
        assert_eq!(records[..3], [5, 7, upf_common::abi::NO_USAGE]);
    }
}
