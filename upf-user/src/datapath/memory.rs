//! The tables as plain vectors, for tests, model checks and the host run of the packet logic.

use std::collections::HashMap;

use ipnet::IpNet;
use upf_common::abi::{
    self, Limit, NO_SLOT, Peer, RuleList, Rules, UeKey, UeNetwork, Usage, UsageSet, network_bits,
};
use upf_common::meter::Rate;

use super::{
    Account, Accounts, Credit, Datapath, DatapathError, Direction, LimitCounters, LimitIndex,
    LimitSetting, SlotIndex, UsageCounters, UsageIndex, UsageLimits, credit, network_key, usage,
};

/// Sizes of a [`MemoryDatapath`], in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Slots; also bounds the two hash maps.
    pub slots: u32,
    /// Address blocks.
    pub blocks: u32,
    /// GTP-U peers.
    pub peers: u32,
    /// Rule lists.
    pub lists: u32,
    /// Limits beside those of slots.
    pub limits: u32,
    /// Records of URRs beside slots, and sets of them.
    pub usages: u32,
}

/// The fast path's tables in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryDatapath {
    slots: Vec<abi::Slot>,
    blocks: Vec<u32>,
    teids: HashMap<[u8; 4], u32>,
    ue_addresses: HashMap<UeKey, u32>,
    framed: HashMap<(u32, UeNetwork), u32>,
    peers: Vec<Peer>,
    lists: Vec<RuleList>,
    limits: Vec<Limit>,
    usages: Vec<Usage>,
    usage_sets: Vec<UsageSet>,
    end_markers: Vec<(Peer, [u8; 4])>,
    now_ns: u64,
}

impl MemoryDatapath {
    /// Empty tables.
    #[must_use]
    pub fn new(sizes: Sizes) -> Self {
        Self {
            slots: (0..sizes.slots).map(abi::Slot::numbered).collect(),
            blocks: vec![NO_SLOT; sizes.blocks as usize],
            teids: HashMap::new(),
            ue_addresses: HashMap::new(),
            framed: HashMap::new(),
            peers: vec![Peer::default(); sizes.peers as usize],
            lists: vec![RuleList::default(); sizes.lists as usize],
            limits: vec![Limit::default(); sizes.limits as usize],
            usages: vec![Usage::default(); sizes.usages as usize],
            usage_sets: vec![UsageSet::default(); sizes.usages as usize],
            end_markers: Vec::new(),
            now_ns: 0,
        }
    }

    /// Says what time it is for changes of limits, on the clock that packets are metered by.
    pub fn set_time(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
    }

    /// A slot's record.
    #[must_use]
    pub fn slot(&self, index: u32) -> Option<&abi::Slot> {
        self.slots.get(index as usize)
    }

    /// A slot's record, for the packet logic that counts and meters in it.
    pub fn slot_mut(&mut self, index: u32) -> Option<&mut abi::Slot> {
        self.slots.get_mut(index as usize)
    }

    /// The first slot of a block; `None` for a block without slots.
    #[must_use]
    pub fn block(&self, index: u32) -> Option<u32> {
        let first = *self.blocks.get(index as usize)?;
        (first != NO_SLOT).then_some(first)
    }

    /// The slot that the TEID map leads to.
    #[must_use]
    pub fn teid(&self, teid: [u8; 4]) -> Option<u32> {
        self.teids.get(&teid).copied()
    }

    /// The slot that the UE address map leads to.
    #[must_use]
    pub fn ue_address(&self, key: &UeKey) -> Option<u32> {
        self.ue_addresses.get(key).copied()
    }

    /// The slot of the UE that an address lies behind: that of the longest network with it.
    #[must_use]
    pub fn framed(&self, instance: u32, address: abi::Address) -> Option<u32> {
        (0..=u128::BITS).rev().find_map(|length| {
            let mask = u128::MAX.checked_shl(u128::BITS - length).unwrap_or(0);
            let address = (u128::from_be_bytes(address) & mask).to_be_bytes();
            let key = UeNetwork { instance, address };
            self.framed.get(&(network_bits(length), key)).copied()
        })
    }

    /// Entries of the TEID map.
    pub fn teids(&self) -> impl Iterator<Item = ([u8; 4], u32)> {
        self.teids.iter().map(|(teid, slot)| (*teid, *slot))
    }

    /// Entries of the UE address map.
    pub fn ue_addresses(&self) -> impl Iterator<Item = (UeKey, u32)> {
        self.ue_addresses.iter().map(|(key, slot)| (*key, *slot))
    }

    /// Networks behind UEs: bits that are compared, network and slot.
    pub fn framed_routes(&self) -> impl Iterator<Item = (u32, UeNetwork, u32)> {
        let framed = self.framed.iter();
        framed.map(|((bits, network), slot)| (*bits, *network, *slot))
    }

    /// Entries of the map of networks behind UEs.
    #[must_use]
    pub fn framed_entries(&self) -> usize {
        self.framed.len()
    }

    /// Whether there are networks behind UEs.
    #[must_use]
    pub fn has_framed(&self) -> bool {
        !self.framed.is_empty()
    }

    /// Takes the End Markers that were sent: peers and TEIDs.
    pub fn take_end_markers(&mut self) -> Vec<(Peer, [u8; 4])> {
        std::mem::take(&mut self.end_markers)
    }

    /// A peer's record.
    #[must_use]
    pub fn peer(&self, index: u32) -> Option<&Peer> {
        self.peers.get(index as usize)
    }

    /// A page of a rule list.
    #[must_use]
    pub fn list(&self, index: u32) -> Option<&RuleList> {
        self.lists.get(index as usize)
    }

    /// A limit's record.
    #[must_use]
    pub fn limit(&self, index: u32) -> Option<&Limit> {
        self.limits.get(index as usize)
    }

    /// A limit's record, for the packet logic that counts and meters in it.
    pub fn limit_mut(&mut self, index: u32) -> Option<&mut Limit> {
        self.limits.get_mut(index as usize)
    }

    /// A record of a URR.
    #[must_use]
    pub fn usage(&self, index: u32) -> Option<&Usage> {
        self.usages.get(index as usize)
    }

    /// A record of a URR, for the packet logic that counts in it.
    pub fn usage_mut(&mut self, index: u32) -> Option<&mut Usage> {
        self.usages.get_mut(index as usize)
    }

    /// A set of such records.
    #[must_use]
    pub fn usage_set(&self, index: u32) -> Option<&UsageSet> {
        self.usage_sets.get(index as usize)
    }

    /// Entries of the TEID map and of the UE address map.
    #[must_use]
    pub fn hash_entries(&self) -> (usize, usize) {
        (self.teids.len(), self.ue_addresses.len())
    }

    fn half(
        &self,
        slot: SlotIndex,
        direction: Direction,
    ) -> Result<&abi::Direction, DatapathError> {
        let slot = self.slot(slot.0).ok_or(out_of_range("SLOTS", slot.0))?;
        Ok(match direction {
            Direction::Uplink => &slot.uplink,
            Direction::Downlink => &slot.downlink,
        })
    }

    fn insert<K: std::hash::Hash + Eq>(
        table: &'static str,
        map: &mut HashMap<K, u32>,
        room: usize,
        key: K,
        slot: SlotIndex,
    ) -> Result<(), DatapathError> {
        if slot.0 as usize >= room {
            return Err(out_of_range(table, slot.0));
        }
        if map.len() >= room && !map.contains_key(&key) {
            return Err(DatapathError::Full { table });
        }
        map.insert(key, slot.0);
        Ok(())
    }
}

impl Accounts for MemoryDatapath {
    fn usage_counters(
        &self,
        account: Account,
        direction: Direction,
    ) -> Result<UsageCounters, DatapathError> {
        match account {
            Account::Slot(slot) => {
                let state = &self.half(slot, direction)?.state;
                let record = self.slot(slot.0).ok_or(out_of_range("SLOTS", slot.0))?;
                let drops = usage::drops(&record.tail, direction);
                Ok(usage::of_half(state, drops))
            }
            Account::Record(index) => {
                let record = self.usage(index.0);
                let record = record.ok_or(out_of_range("USAGES", index.0))?;
                Ok(usage::of_record(record, direction))
            }
        }
    }

    fn is_exhausted(&self, account: Account) -> Result<bool, DatapathError> {
        let word = match account {
            Account::Slot(slot) => {
                let record = self.slot(slot.0).ok_or(out_of_range("SLOTS", slot.0))?;
                record.tail.word
            }
            Account::Record(index) => {
                let record = self.usage(index.0);
                record.ok_or(out_of_range("USAGES", index.0))?.tail.word
            }
        };
        Ok(word & abi::usage_flags::EXHAUSTED != 0)
    }

    fn write_usage_limits(
        &mut self,
        account: Account,
        limits: &UsageLimits,
    ) -> Result<(), DatapathError> {
        let (tail, marks) = match account {
            Account::Slot(slot) => {
                let record = self.slot_mut(slot.0).ok_or(out_of_range("SLOTS", slot.0))?;
                let marks = [
                    &mut record.uplink.state.mark,
                    &mut record.downlink.state.mark,
                ];
                (&mut record.tail, marks)
            }
            Account::Record(index) => {
                let record = self.usage_mut(index.0);
                let record = record.ok_or(out_of_range("USAGES", index.0))?;
                for (half, bounds) in [
                    (&mut record.uplink, limits.uplink),
                    (&mut record.downlink, limits.downlink),
                ] {
                    half.threshold = usage::bound(bounds.threshold);
                    half.quota = usage::bound(bounds.quota);
                }
                let marks = [&mut record.uplink.mark, &mut record.downlink.mark];
                (&mut record.tail, marks)
            }
        };
        tail.threshold = usage::bound(limits.total.threshold);
        tail.quota = usage::bound(limits.total.quota);
        tail.word = usage::next_word(tail.word, limits.flags(account));
        let [uplink, downlink] = marks;
        *uplink = limits.mark(account, Direction::Uplink);
        *downlink = limits.mark(account, Direction::Downlink);
        Ok(())
    }
}

impl Datapath for MemoryDatapath {
    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn capacity(&self) -> u32 {
        self.slots.len() as u32
    }

    fn blocks(&self) -> u32 {
        self.blocks.len() as u32
    }

    fn peers(&self) -> u32 {
        self.peers.len() as u32
    }

    fn lists(&self) -> u32 {
        self.lists.len() as u32
    }

    fn limits(&self) -> u32 {
        self.limits.len() as u32
    }

    fn usages(&self) -> u32 {
        self.usages.len() as u32
    }

    /// None is ever under way while the tables are changed.
    fn wait_for_packets(&self) -> Result<(), DatapathError> {
        Ok(())
    }

    fn write_rules(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rules: &Rules,
    ) -> Result<(), DatapathError> {
        let record = self
            .slots
            .get_mut(slot.0 as usize)
            .ok_or(out_of_range("SLOTS", slot.0))?;
        let half = match direction {
            Direction::Uplink => &mut record.uplink,
            Direction::Downlink => &mut record.downlink,
        };
        let next = half.state.version.wrapping_add(1);
        half.rules[(next & 1) as usize] = *rules;
        half.state.version = next;
        Ok(())
    }

    fn read_rules(&self, slot: SlotIndex, direction: Direction) -> Result<Rules, DatapathError> {
        let half = self.half(slot, direction)?;
        Ok(half.rules[(half.state.version & 1) as usize])
    }

    fn write_meter(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rate: Rate,
        credit: Credit,
    ) -> Result<(), DatapathError> {
        let now_ns = self.now_ns;
        let record = self
            .slots
            .get_mut(slot.0 as usize)
            .ok_or(out_of_range("SLOTS", slot.0))?;
        let half = match direction {
            Direction::Uplink => &mut record.uplink,
            Direction::Downlink => &mut record.downlink,
        };
        let before = Rate {
            ticks_per_byte: half.state.ticks_per_byte,
            depth: half.state.depth,
        };
        half.state.full_at = credit::full_at(credit, half.state.full_at, now_ns, 0, [before, rate]);
        half.state.ticks_per_byte = rate.ticks_per_byte;
        half.state.depth = rate.depth;
        Ok(())
    }

    fn reset_slot(&mut self, slot: SlotIndex) -> Result<(), DatapathError> {
        let record = self
            .slots
            .get_mut(slot.0 as usize)
            .ok_or(out_of_range("SLOTS", slot.0))?;
        for half in [&mut record.uplink, &mut record.downlink] {
            half.state = abi::State {
                version: half.state.version,
                slot: slot.0,
                ..abi::State::default()
            };
        }
        record.tail = abi::UsageTail::default();
        Ok(())
    }

    fn write_limit(
        &mut self,
        limit: LimitIndex,
        direction: Direction,
        setting: &LimitSetting,
        credit: Credit,
    ) -> Result<(), DatapathError> {
        let now_ns = self.now_ns;
        let record = self.limit_mut(limit.0);
        let record = record.ok_or(out_of_range("LIMITS", limit.0))?;
        let half = match direction {
            Direction::Uplink => &mut record.uplink,
            Direction::Downlink => &mut record.downlink,
        };
        let before = Rate {
            ticks_per_byte: half.ticks_per_byte,
            depth: half.depth,
        };
        let rates = [before, setting.rate()];
        half.full_at = credit::full_at(credit, half.full_at, now_ns, setting.flags, rates);
        half.ticks_per_byte = setting.ticks_per_byte;
        half.depth = setting.depth;
        half.parent = setting.parent_number();
        half.level = setting.level;
        half.flags = setting.flags;
        half.class = setting.class;
        Ok(())
    }

    fn reset_limit(&mut self, limit: LimitIndex) -> Result<(), DatapathError> {
        let record = self.limit_mut(limit.0);
        *record.ok_or(out_of_range("LIMITS", limit.0))? = Limit::default();
        Ok(())
    }

    fn limit_counters(
        &self,
        limit: LimitIndex,
        direction: Direction,
    ) -> Result<LimitCounters, DatapathError> {
        let record = self.limit(limit.0);
        let record = record.ok_or(out_of_range("LIMITS", limit.0))?;
        let half = match direction {
            Direction::Uplink => &record.uplink,
            Direction::Downlink => &record.downlink,
        };
        Ok(LimitCounters {
            marked_packets: half.marked_packets,
            marked_bytes: half.marked_bytes,
            dropped_packets: half.dropped_packets,
            dropped_bytes: half.dropped_bytes,
        })
    }

    fn reset_usage(&mut self, record: UsageIndex) -> Result<(), DatapathError> {
        let entry = self.usage_mut(record.0);
        *entry.ok_or(out_of_range("USAGES", record.0))? = Usage::default();
        Ok(())
    }

    fn write_usage_set(&mut self, index: u32, set: &UsageSet) -> Result<(), DatapathError> {
        let entry = self.usage_sets.get_mut(index as usize);
        *entry.ok_or(out_of_range("USAGE_SETS", index))? = *set;
        Ok(())
    }

    fn set_block(&mut self, block: u32, first: Option<SlotIndex>) -> Result<(), DatapathError> {
        if let Some(first) = first
            && first.0.saturating_add(abi::BLOCK_SLOTS) > self.capacity()
        {
            return Err(out_of_range("SLOTS", first.0));
        }
        let entry = self
            .blocks
            .get_mut(block as usize)
            .ok_or(out_of_range("BLOCKS", block))?;
        *entry = first.map_or(NO_SLOT, |slot| slot.0);
        Ok(())
    }

    fn insert_teid(&mut self, teid: [u8; 4], slot: SlotIndex) -> Result<(), DatapathError> {
        Self::insert("TEIDS", &mut self.teids, self.slots.len(), teid, slot)
    }

    fn remove_teid(&mut self, teid: [u8; 4]) -> Result<(), DatapathError> {
        self.teids.remove(&teid);
        Ok(())
    }

    fn insert_ue(&mut self, key: UeKey, slot: SlotIndex) -> Result<(), DatapathError> {
        Self::insert(
            "UE_ADDRESSES",
            &mut self.ue_addresses,
            self.slots.len(),
            key,
            slot,
        )
    }

    fn remove_ue(&mut self, key: UeKey) -> Result<(), DatapathError> {
        self.ue_addresses.remove(&key);
        Ok(())
    }

    fn insert_framed(
        &mut self,
        instance: u32,
        network: IpNet,
        slot: SlotIndex,
    ) -> Result<(), DatapathError> {
        Self::insert(
            "UE_NETWORKS",
            &mut self.framed,
            self.slots.len(),
            network_key(instance, network),
            slot,
        )
    }

    fn remove_framed(&mut self, instance: u32, network: IpNet) -> Result<(), DatapathError> {
        self.framed.remove(&network_key(instance, network));
        Ok(())
    }

    fn write_peer(&mut self, index: u32, peer: &Peer) -> Result<(), DatapathError> {
        let entry = self
            .peers
            .get_mut(index as usize)
            .ok_or(out_of_range("PEERS", index))?;
        *entry = *peer;
        Ok(())
    }

    fn write_list(&mut self, index: u32, list: &RuleList) -> Result<(), DatapathError> {
        let entry = self
            .lists
            .get_mut(index as usize)
            .ok_or(out_of_range("LISTS", index))?;
        *entry = *list;
        Ok(())
    }

    fn send_end_marker(&mut self, peer: &Peer, teid: [u8; 4]) -> Result<(), DatapathError> {
        self.end_markers.push((*peer, teid));
        Ok(())
    }
}

fn out_of_range(table: &'static str, index: u32) -> DatapathError {
    DatapathError::OutOfRange {
        table,
        index: u64::from(index),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bounds, SlotCounters};
    use super::*;
    use upf_common::abi::verdict;
    use upf_common::meter::{self, MIN_DEPTH_NS, UNUSED};

    const NOW_NS: u64 = 5_000_000_000;

    fn tables() -> MemoryDatapath {
        MemoryDatapath::new(Sizes {
            slots: 300,
            blocks: 2,
            peers: 2,
            lists: 2,
            limits: 2,
            usages: 2,
        })
    }

    #[test]
    fn rules_are_written_to_the_copy_that_is_not_in_force() {
        let mut tables = tables();
        let slot = SlotIndex(3);
        for verdict in [verdict::FORWARD, verdict::DROP, verdict::BUFFER] {
            let before = tables.slot(3).unwrap().uplink;
            let rules = Rules {
                verdict,
                ..Rules::default()
            };
            tables.write_rules(slot, Direction::Uplink, &rules).unwrap();
            let after = tables.slot(3).unwrap().uplink;
            let old = (before.state.version & 1) as usize;
            assert_eq!(after.rules[old], before.rules[old]);
            assert_eq!(tables.read_rules(slot, Direction::Uplink).unwrap(), rules);
            assert_eq!(
                tables.read_rules(slot, Direction::Downlink).unwrap(),
                Rules::default()
            );
        }
    }

    #[test]
    fn reset_keeps_the_rules_in_force() {
        let mut tables = tables();
        let slot = SlotIndex(3);
        let rules = Rules {
            verdict: verdict::DROP,
            ..Rules::default()
        };
        tables
            .write_rules(slot, Direction::Downlink, &rules)
            .unwrap();
        tables.slot_mut(3).unwrap().downlink.state.packets = 9;
        assert_eq!(
            tables.counters(slot, Direction::Downlink).unwrap().packets,
            9
        );
        tables.reset_slot(slot).unwrap();
        assert_eq!(
            tables.counters(slot, Direction::Downlink).unwrap(),
            SlotCounters::default()
        );
        assert_eq!(tables.read_rules(slot, Direction::Downlink).unwrap(), rules);
    }

    #[test]
    fn the_longest_network_behind_a_ue_counts() {
        let mut tables = tables();
        let mapped = abi::mapped;
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        for (text, slot) in [("10.0.0.0/8", 1), ("10.1.0.0/16", 2), ("2001:db8::/32", 3)] {
            tables.insert_framed(7, net(text), SlotIndex(slot)).unwrap();
        }
        let v6 = "2001:db8::1"
            .parse::<std::net::Ipv6Addr>()
            .unwrap()
            .octets();
        assert_eq!(tables.framed(7, mapped([10, 2, 0, 1])), Some(1));
        assert_eq!(tables.framed(7, mapped([10, 1, 0, 1])), Some(2));
        assert_eq!(tables.framed(7, v6), Some(3));
        assert_eq!(tables.framed(8, v6), None);
        tables.remove_framed(7, net("10.1.0.0/16")).unwrap();
        assert_eq!(tables.framed(7, mapped([10, 1, 0, 1])), Some(1));
        assert_eq!(tables.framed(7, mapped([11, 1, 0, 1])), None);
    }

    #[test]
    fn a_change_of_a_limit_leaves_counters_and_next_to_no_credit() {
        let mut tables = tables();
        tables.set_time(NOW_NS);
        let limit = LimitIndex(1);
        let rate = Rate::from_bits_per_second(1_000_000);
        let setting = LimitSetting {
            ticks_per_byte: rate.ticks_per_byte,
            depth: rate.depth,
            parent: Some(LimitIndex(0)),
            level: abi::level::SIM,
            flags: abi::limit_flags::MARK,
            class: 3,
        };
        let mut expected = abi::LimitDirection {
            full_at: 0,
            ticks_per_byte: rate.ticks_per_byte,
            depth: rate.depth,
            parent: 0,
            level: abi::level::SIM,
            flags: abi::limit_flags::MARK,
            class: 3,
            dropped_packets: 5,
            ..abi::LimitDirection::default()
        };
        let nearly_empty = meter::ticks(NOW_NS - MIN_DEPTH_NS) + rate.depth;
        for (credit, full_at) in [(Credit::Kept, nearly_empty), (Credit::Full, UNUSED)] {
            tables.limit_mut(1).unwrap().downlink = abi::LimitDirection {
                full_at: 9,
                dropped_packets: 5,
                ..abi::LimitDirection::default()
            };
            tables
                .write_limit(limit, Direction::Downlink, &setting, credit)
                .unwrap();
            expected.full_at = full_at;
            assert_eq!(tables.limit(1).unwrap().downlink, expected);
        }
        assert_eq!(
            tables.limit(1).unwrap().uplink,
            abi::LimitDirection::default()
        );
        let counted = tables.limit_counters(limit, Direction::Downlink).unwrap();
        assert_eq!(counted.dropped_packets, 5);
        tables.reset_limit(limit).unwrap();
        assert_eq!(*tables.limit(1).unwrap(), Limit::default());
        let beyond = LimitIndex(2);
        assert!(tables.reset_limit(beyond).is_err());
        let written = tables.write_limit(beyond, Direction::Uplink, &setting, Credit::Full);
        assert!(written.is_err());
    }

    #[test]
    fn bounds_of_urrs_make_the_next_packets_look() {
        let mut tables = tables();
        let (slot, record) = (SlotIndex(3), UsageIndex(1));
        let bounds = |threshold, quota| Bounds { threshold, quota };
        let limits = UsageLimits {
            counts_uplink: true,
            counts_downlink: false,
            total: bounds(None, Some(5)),
            uplink: bounds(Some(6), None),
            downlink: Bounds::default(),
            has_action: true,
        };
        for account in [Account::Slot(slot), Account::Record(record)] {
            tables.write_usage_limits(account, &limits).unwrap();
            let beyond = [
                Account::Slot(SlotIndex(300)),
                Account::Record(UsageIndex(2)),
            ];
            for account in beyond {
                assert!(tables.write_usage_limits(account, &limits).is_err());
                assert!(tables.usage_counters(account, Direction::Uplink).is_err());
                assert!(tables.is_exhausted(account).is_err());
            }
        }
        let abi::Slot {
            uplink,
            downlink,
            tail,
        } = *tables.slot(3).unwrap();
        assert_eq!((uplink.state.mark, downlink.state.mark), (0, abi::NO_MARK));
        assert_eq!((tail.quota, tail.threshold), (5, abi::NO_MARK));
        let flags = abi::usage_flags::EPOCH | abi::usage_flags::UPLINK;
        assert_eq!(tail.word, flags);
        let usage = tables.usage(1).unwrap();
        assert_eq!((usage.uplink.mark, usage.downlink.mark), (0, 0));
        assert_eq!(usage.uplink.threshold, 6);
        let of_record = abi::usage_flags::DOWNLINK | abi::usage_flags::HAS_ACTION;
        assert_eq!(usage.tail.word, flags | of_record);
        let event = |number| Account::of_event(number);
        assert_eq!(event(3), Account::Slot(slot));
        assert_eq!(event(1 | abi::USAGE_RECORD), Account::Record(record));
        tables.reset_usage(record).unwrap();
        assert_eq!(*tables.usage(1).unwrap(), Usage::default());
        assert!(tables.reset_usage(UsageIndex(2)).is_err());
        assert!(tables.write_usage_set(2, &UsageSet::default()).is_err());
    }

    #[test]
    fn a_meter_begins_full_or_nearly_empty() {
        let mut tables = tables();
        tables.set_time(NOW_NS);
        let slot = SlotIndex(3);
        let rate = Rate::from_bits_per_second(1_000_000);
        let nearly_empty = meter::ticks(NOW_NS - MIN_DEPTH_NS) + rate.depth;
        for (credit, full_at) in [(Credit::Full, UNUSED), (Credit::Kept, nearly_empty)] {
            tables.reset_slot(slot).unwrap();
            tables
                .write_meter(slot, Direction::Uplink, rate, credit)
                .unwrap();
            assert_eq!(tables.slot(3).unwrap().uplink.state.full_at, full_at);
        }
    }

    #[test]
    fn tables_have_ends() {
        let mut tables = tables();
        let beyond = SlotIndex(300);
        assert!(
            tables
                .write_rules(beyond, Direction::Uplink, &Rules::default())
                .is_err()
        );
        assert!(tables.reset_slot(beyond).is_err());
        assert!(tables.set_block(2, None).is_err());
        assert!(tables.set_block(0, Some(SlotIndex(45))).is_err());
        assert!(tables.set_block(0, Some(SlotIndex(44))).is_ok());
        assert_eq!(tables.block(0), Some(44));
        assert!(tables.insert_teid([0; 4], beyond).is_err());
        assert!(tables.write_peer(2, &Peer::default()).is_err());
        assert!(tables.write_list(2, &RuleList::default()).is_err());
        for n in 0..300u32 {
            tables.insert_teid(n.to_be_bytes(), SlotIndex(n)).unwrap();
        }
        assert!(matches!(
            tables.insert_teid(300u32.to_be_bytes(), SlotIndex(0)),
            Err(DatapathError::Full { table: "TEIDS" })
        ));
        assert!(tables.insert_teid(7u32.to_be_bytes(), SlotIndex(0)).is_ok());
    }
}
