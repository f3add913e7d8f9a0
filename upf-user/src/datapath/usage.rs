//! Counters of URRs, as the session room sees them ([`upf_common::abi::usage`]).

use serde::{Deserialize, Serialize};
use upf_common::abi::{self, NO_MARK, UsageTail, usage_flags};

use super::{Direction, SlotIndex};

/// A record's number, below [`super::Datapath::usages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UsageIndex(pub u32);

/// Where a URR is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    /// In a slot, with all packets of those of its halves that count.
    Slot(SlotIndex),
    /// In a record of its own.
    Record(UsageIndex),
}

impl Account {
    /// The one that an event is about ([`abi::UsageEvent::account`]).
    #[must_use]
    pub const fn of_event(number: u32) -> Self {
        if number & abi::USAGE_RECORD == 0 {
            Self::Slot(SlotIndex(number))
        } else {
            Self::Record(UsageIndex(number & !abi::USAGE_RECORD))
        }
    }
}

/// What the fast path tells of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// A threshold is reached.
    Threshold,
    /// A quota is used up, or too small for a packet.
    Quota,
}

impl Reached {
    /// What an event says ([`abi::UsageEvent::kind`]).
    #[must_use]
    pub const fn of_event(kind: u32) -> Option<Self> {
        match kind {
            abi::usage_event::REACHED => Some(Self::Threshold),
            abi::usage_event::EXHAUSTED => Some(Self::Quota),
            _ => None,
        }
    }
}

/// Counted bytes at which something happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// From there on we are told.
    pub threshold: Option<u64>,
    /// So many pass.
    pub quota: Option<u64>,
}

/// The bounds of a URR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UsageLimits {
    /// Which halves of a slot count; in a record both do.
    pub counts_uplink: bool,
    /// See [`Self::counts_uplink`].
    pub counts_downlink: bool,
    /// Both directions together.
    pub total: Bounds,
    /// Uplink; only in a record.
    pub uplink: Bounds,
    /// Downlink; only in a record.
    pub downlink: Bounds,
}

/// Inner packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What one direction of an account has counted since it was reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageCounters {
    /// What passed.
    pub passed: Traffic,
    /// What was dropped, for whatever reason.
    pub dropped: Traffic,
    /// What of that was held back by QoS enforcement; in a slot it is not known.
    pub held_back: Traffic,
    /// When the last packet passed, in nanoseconds of the fast path's clock.
    pub last_ns: Option<u64>,
}

impl UsageLimits {
    /// The flags of a tail that say which directions count.
    pub(super) fn flags(&self, account: Account) -> u64 {
        let is_record = matches!(account, Account::Record(_));
        let flag = |counts: bool, flag: u64| if counts || is_record { flag } else { 0 };
        flag(self.counts_uplink, usage_flags::UPLINK)
            | flag(self.counts_downlink, usage_flags::DOWNLINK)
    }

    /// The mark that a direction begins with: where it counts, the next packet looks.
    pub(super) fn mark(&self, account: Account, direction: Direction) -> u64 {
        let flag = match direction {
            Direction::Uplink => usage_flags::UPLINK,
            Direction::Downlink => usage_flags::DOWNLINK,
        };
        if self.flags(account) & flag == 0 {
            NO_MARK
        } else {
            0
        }
    }
}

/// The next word of a tail: the other bits of the agent's, and a new number.
pub(super) fn next_word(word: u64, flags: u64) -> u64 {
    let number = word & !(usage_flags::EPOCH - 1);
    number.wrapping_add(usage_flags::EPOCH) | word & usage_flags::LOCKED | flags
}

pub(super) fn bound(bound: Option<u64>) -> u64 {
    bound.unwrap_or(NO_MARK)
}

impl From<abi::Drops> for Traffic {
    fn from(drops: abi::Drops) -> Self {
        Self {
            packets: drops.packets,
            bytes: drops.bytes,
        }
    }
}

/// What a half of a slot has counted.
pub(super) fn of_half(state: &abi::State, dropped: abi::Drops) -> UsageCounters {
    UsageCounters {
        passed: Traffic {
            packets: state.packets,
            bytes: state.bytes,
        },
        dropped: dropped.into(),
        held_back: Traffic::default(),
        last_ns: time(state.last_ns),
    }
}

/// What a direction of a record has counted.
pub(super) fn of_record(usage: &abi::Usage, direction: Direction) -> UsageCounters {
    let half = match direction {
        Direction::Uplink => &usage.uplink,
        Direction::Downlink => &usage.downlink,
    };
    UsageCounters {
        passed: Traffic {
            packets: half.packets,
            bytes: half.bytes,
        },
        dropped: half.dropped.into(),
        held_back: drops(&usage.tail, direction).into(),
        last_ns: time(half.last_ns),
    }
}

/// What a direction of a tail says.
pub(super) fn drops(tail: &UsageTail, direction: Direction) -> abi::Drops {
    match direction {
        Direction::Uplink => tail.uplink,
        Direction::Downlink => tail.downlink,
    }
}

fn time(last_ns: u64) -> Option<u64> {
    (last_ns != 0).then_some(last_ns)
}
