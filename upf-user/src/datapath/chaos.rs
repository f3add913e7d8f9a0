//! Tables that fail on purpose.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use upf_common::abi::{Peer, RuleList, Rules, UeKey, UsageSet};
use upf_common::meter::Rate;

use super::{
    Account, Accounts, Credit, Datapath, DatapathError, Direction, LimitCounters, LimitIndex,
    LimitSetting, SlotIndex, UsageCounters, UsageIndex, UsageLimits,
};

/// Which writes fail.
#[derive(Clone, Debug, Default)]
pub enum Chaos {
    /// None.
    #[default]
    Never,
    /// The n-th write from now, counted from 0, and none after it.
    Nth(u64),
    /// Every write from the n-th on.
    From(u64),
    /// Each write with this probability (0 to 1).
    Random(f64, Box<StdRng>),
}

impl Chaos {
    /// Each write fails with `probability`, the same ones for the same `seed`.
    #[must_use]
    pub fn random(probability: f64, seed: u64) -> Self {
        Self::Random(
            probability.clamp(0.0, 1.0),
            Box::new(StdRng::seed_from_u64(seed)),
        )
    }

    fn strikes(&mut self) -> bool {
        match self {
            Self::Never => false,
            Self::Nth(0) => {
                *self = Self::Never;
                true
            }
            Self::From(0) => true,
            Self::Nth(left) | Self::From(left) => {
                *left -= 1;
                false
            }
            Self::Random(probability, random) => random.random_bool(*probability),
        }
    }
}

/// A [`Datapath`] around another one, whose writes fail as its [`Chaos`] says. Clones share both, so that a
/// test keeps a hand on what it gave away.
#[derive(Clone, Debug)]
pub struct ChaosDatapath<D> {
    shared: Arc<Mutex<(D, Chaos)>>,
    meanwhile: Arc<Mutex<Meanwhile<D>>>,
}

/// What happens once while packets are waited for.
struct Meanwhile<D>(Option<Work<D>>);

type Work<D> = Box<dyn FnOnce(&mut D) + Send>;

impl<D> Debug for Meanwhile<D> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meanwhile").field(&self.0.is_some()).finish()
    }
}

impl<D: Datapath> ChaosDatapath<D> {
    /// Wraps `inner`; nothing fails yet.
    #[must_use]
    pub fn new(inner: D) -> Self {
        Self {
            shared: Arc::new(Mutex::new((inner, Chaos::Never))),
            meanwhile: Arc::new(Mutex::new(Meanwhile(None))),
        }
    }

    /// Says which writes fail from now on.
    pub fn set(&self, chaos: Chaos) {
        self.lock().1 = chaos;
    }

    /// Says what happens when packets are waited for the next time: those that were under way are counted.
    pub fn meanwhile(&self, work: impl FnOnce(&mut D) + Send + 'static) {
        self.late().0 = Some(Box::new(work));
    }

    fn late(&self) -> MutexGuard<'_, Meanwhile<D>> {
        self.meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at, or changes, the tables behind; never fails.
    pub fn with<R>(&self, look: impl FnOnce(&mut D) -> R) -> R {
        look(&mut self.lock().0)
    }

    fn write<R>(
        &mut self,
        table: &'static str,
        write: impl FnOnce(&mut D) -> Result<R, DatapathError>,
    ) -> Result<R, DatapathError> {
        let mut shared = self.lock();
        if shared.1.strikes() {
            let source = std::io::Error::other("chaos");
            return Err(DatapathError::Kernel { table, source });
        }
        write(&mut shared.0)
    }

    fn lock(&self) -> MutexGuard<'_, (D, Chaos)> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Datapath> Accounts for ChaosDatapath<D> {
    fn usage_counters(
        &self,
        account: Account,
        direction: Direction,
    ) -> Result<UsageCounters, DatapathError> {
        self.lock().0.usage_counters(account, direction)
    }

    fn is_exhausted(&self, account: Account) -> Result<bool, DatapathError> {
        self.lock().0.is_exhausted(account)
    }

    fn write_usage_limits(
        &mut self,
        account: Account,
        limits: &UsageLimits,
    ) -> Result<(), DatapathError> {
        self.write("USAGES", |inner| inner.write_usage_limits(account, limits))
    }
}

impl<D: Datapath> Datapath for ChaosDatapath<D> {
    fn now_ns(&self) -> u64 {
        self.lock().0.now_ns()
    }

    fn capacity(&self) -> u32 {
        self.lock().0.capacity()
    }

    fn blocks(&self) -> u32 {
        self.lock().0.blocks()
    }

    fn peers(&self) -> u32 {
        self.lock().0.peers()
    }

    fn lists(&self) -> u32 {
        self.lock().0.lists()
    }

    fn limits(&self) -> u32 {
        self.lock().0.limits()
    }

    fn usages(&self) -> u32 {
        self.lock().0.usages()
    }

    fn wait_for_packets(&self) -> Result<(), DatapathError> {
        if let Some(work) = self.late().0.take() {
            self.with(work);
        }
        self.lock().0.wait_for_packets()
    }

    fn write_rules(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rules: &Rules,
    ) -> Result<(), DatapathError> {
        self.write("SLOTS", |inner| inner.write_rules(slot, direction, rules))
    }

    fn read_rules(&self, slot: SlotIndex, direction: Direction) -> Result<Rules, DatapathError> {
        self.lock().0.read_rules(slot, direction)
    }

    fn write_meter(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rate: Rate,
        credit: Credit,
    ) -> Result<(), DatapathError> {
        self.write("SLOTS", |inner| {
            inner.write_meter(slot, direction, rate, credit)
        })
    }

    fn reset_slot(&mut self, slot: SlotIndex) -> Result<(), DatapathError> {
        self.write("SLOTS", |inner| inner.reset_slot(slot))
    }

    fn write_limit(
        &mut self,
        limit: LimitIndex,
        direction: Direction,
        setting: &LimitSetting,
        credit: Credit,
    ) -> Result<(), DatapathError> {
        self.write("LIMITS", |inner| {
            inner.write_limit(limit, direction, setting, credit)
        })
    }

    fn reset_limit(&mut self, limit: LimitIndex) -> Result<(), DatapathError> {
        self.write("LIMITS", |inner| inner.reset_limit(limit))
    }

    fn limit_counters(
        &self,
        limit: LimitIndex,
        direction: Direction,
    ) -> Result<LimitCounters, DatapathError> {
        self.lock().0.limit_counters(limit, direction)
    }

    fn reset_usage(&mut self, record: UsageIndex) -> Result<(), DatapathError> {
        self.write("USAGES", |inner| inner.reset_usage(record))
    }

    fn write_usage_set(&mut self, index: u32, set: &UsageSet) -> Result<(), DatapathError> {
        self.write("USAGE_SETS", |inner| inner.write_usage_set(index, set))
    }

    fn set_block(&mut self, block: u32, first: Option<SlotIndex>) -> Result<(), DatapathError> {
        self.write("BLOCKS", |inner| inner.set_block(block, first))
    }

    fn insert_teid(&mut self, teid: [u8; 4], slot: SlotIndex) -> Result<(), DatapathError> {
        self.write("TEIDS", |inner| inner.insert_teid(teid, slot))
    }

    fn remove_teid(&mut self, teid: [u8; 4]) -> Result<(), DatapathError> {
        self.write("TEIDS", |inner| inner.remove_teid(teid))
    }

    fn insert_ue(&mut self, key: UeKey, slot: SlotIndex) -> Result<(), DatapathError> {
        self.write("UE_ADDRESSES", |inner| inner.insert_ue(key, slot))
    }

    fn remove_ue(&mut self, key: UeKey) -> Result<(), DatapathError> {
        self.write("UE_ADDRESSES", |inner| inner.remove_ue(key))
    }

    fn insert_framed(
        &mut self,
        instance: u32,
        network: IpNet,
        slot: SlotIndex,
    ) -> Result<(), DatapathError> {
        self.write("UE_NETWORKS", |inner| {
            inner.insert_framed(instance, network, slot)
        })
    }

    fn remove_framed(&mut self, instance: u32, network: IpNet) -> Result<(), DatapathError> {
        self.write("UE_NETWORKS", |inner| {
            inner.remove_framed(instance, network)
        })
    }

    fn write_peer(&mut self, index: u32, peer: &Peer) -> Result<(), DatapathError> {
        self.write("PEERS", |inner| inner.write_peer(index, peer))
    }

    fn write_list(&mut self, index: u32, list: &RuleList) -> Result<(), DatapathError> {
        self.write("LISTS", |inner| inner.write_list(index, list))
    }

    fn send_end_marker(&mut self, peer: &Peer, teid: [u8; 4]) -> Result<(), DatapathError> {
        self.lock().0.send_end_marker(peer, teid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datapath::memory::{MemoryDatapath, Sizes};

    fn outcome(chaos: Chaos) -> [bool; 6] {
        let mut tables = ChaosDatapath::new(MemoryDatapath::new(Sizes {
            slots: 6,
            blocks: 1,
            peers: 1,
            lists: 1,
            limits: 1,
            usages: 1,
        }));
        tables.set(chaos);
        std::array::from_fn(|n| {
            let before = tables.with(|inner| inner.clone());
            let done = tables.insert_teid([0, 0, 0, n as u8], SlotIndex(0)).is_ok();
            assert_eq!(done, tables.with(|inner| *inner != before));
            done
        })
    }

    #[test]
    fn fails_where_told_to_and_changes_nothing_then() {
        assert_eq!(outcome(Chaos::Never), [true; 6]);
        let mut all_but_one = [true; 6];
        all_but_one[1] = false;
        assert_eq!(outcome(Chaos::Nth(1)), all_but_one);
        let from_two = [true, true, false, false, false, false];
        assert_eq!(outcome(Chaos::From(2)), from_two);
        assert_eq!(outcome(Chaos::random(0.0, 1)), [true; 6]);
        assert_eq!(outcome(Chaos::random(1.0, 1)), [false; 6]);
    }
}
