//! Slots and records of URRs in the kernel's memory: where traffic is counted.

use upf_common::abi::{Slot, Usage};

use super::account::{self, SlotWords};
use super::latch::{self, HALF_WORDS, Half};
use super::mmap::{MappedArray, words_of};
use super::tables::out_of_range;
use crate::datapath::{
    Account, Accounts, DatapathError, Direction, SlotIndex, UsageCounters, UsageIndex, UsageLimits,
    usage,
};

pub(super) type SlotArray = MappedArray<Slot, { words_of::<Slot>() }>;
pub(super) type UsageArray = MappedArray<Usage, { words_of::<Usage>() }>;

/// The maps `SLOTS` and `USAGES`.
pub struct AccountTables {
    pub(super) slots: SlotArray,
    pub(super) usages: UsageArray,
}

impl AccountTables {
    pub(super) fn half(
        &self,
        slot: SlotIndex,
        direction: Direction,
    ) -> Result<&Half, DatapathError> {
        let [uplink, downlink] = self.slot_words(slot)?.halves;
        Ok(match direction {
            Direction::Uplink => uplink,
            Direction::Downlink => downlink,
        })
    }

    pub(super) fn slot_words(&self, slot: SlotIndex) -> Result<SlotWords<'_>, DatapathError> {
        let entry = self.slots.entry(slot.0);
        let entry = entry.ok_or(out_of_range("SLOTS", slot.0))?;
        let (halves, tail) = entry.as_chunks::<HALF_WORDS>();
        match (halves, tail.as_array()) {
            ([uplink, downlink], Some(tail)) => Ok(SlotWords {
                halves: [uplink, downlink],
                tail,
            }),
            _ => Err(out_of_range("SLOTS", slot.0)),
        }
    }

    pub(super) fn usage_record(
        &self,
        record: UsageIndex,
    ) -> Result<&account::Record, DatapathError> {
        let entry = self.usages.entry(record.0);
        entry.ok_or(out_of_range("USAGES", record.0))
    }
}

impl Accounts for AccountTables {
    fn usage_counters(
        &self,
        account: Account,
        direction: Direction,
    ) -> Result<UsageCounters, DatapathError> {
        match account {
            Account::Slot(slot) => {
                let words = self.slot_words(slot)?;
                let state = latch::counters(self.half(slot, direction)?);
                let drops = account::drops(words.tail, direction);
                Ok(usage::of_half(&state, drops))
            }
            Account::Record(record) => {
                let record = self.usage_record(record)?;
                Ok(account::record_counters(record, direction))
            }
        }
    }

    fn is_exhausted(&self, account: Account) -> Result<bool, DatapathError> {
        let tail = match account {
            Account::Slot(slot) => self.slot_words(slot)?.tail,
            Account::Record(record) => account::tail_of(self.usage_record(record)?),
        };
        Ok(account::is_exhausted(tail))
    }

    fn write_usage_limits(
        &mut self,
        account: Account,
        limits: &UsageLimits,
    ) -> Result<(), DatapathError> {
        match account {
            Account::Slot(slot) => account::set_slot(&self.slot_words(slot)?, account, limits),
            Account::Record(record) => {
                account::set_record(self.usage_record(record)?, account, limits);
            }
        }
        Ok(())
    }
}
