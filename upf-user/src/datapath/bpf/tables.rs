//! [`Datapath`] over the kernel's maps.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{HashMap, MapData, MapError};
use ipnet::IpNet;
use upf_common::abi::{
    BLOCK_SLOTS, Limit, NO_SLOT, POOL_NETWORK, Peer, Plain, RuleList, Rules, UeKey, UeNetwork,
    Usage, UsageSet, control_flags,
};
use upf_common::meter::Rate;

use super::account;
use super::accounts::AccountTables;
use super::clock;
use super::control::ControlTable;
use super::latch;
use super::limit::{self, LIMIT_HALF_WORDS, LimitHalf};
use super::mmap::{self, MappedArray, words_of};
use super::runs::Runs;
use super::{Record, Sizes};
use crate::datapath::slots::PoolLayout;
use crate::datapath::{
    Account, Accounts, Credit, Datapath, DatapathError, Direction, LimitCounters, LimitIndex,
    LimitSetting, SlotIndex, UsageCounters, UsageIndex, UsageLimits, network_key,
};

/// An entry of `BLOCKS`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Block(pub(super) u32);

// SAFETY: one integer.
unsafe impl Plain for Block {}

pub(super) type BlockArray = MappedArray<Block, { words_of::<Block>() }>;
pub(super) type PeerArray = MappedArray<Peer, { words_of::<Peer>() }>;
pub(super) type ListArray = MappedArray<RuleList, { words_of::<RuleList>() }>;
pub(super) type UsageSetArray = MappedArray<UsageSet, { words_of::<UsageSet>() }>;
pub(super) type LimitArray = MappedArray<Limit, { words_of::<Limit>() }>;

/// The tables that the XDP program reads.
pub struct BpfDatapath {
    pub(super) sizes: Sizes,
    pub(super) accounts: AccountTables,
    pub(super) runs: Runs,
    pub(super) blocks: BlockArray,
    pub(super) peers: PeerArray,
    pub(super) lists: ListArray,
    pub(super) limits: LimitArray,
    pub(super) usage_sets: UsageSetArray,
    pub(super) teids: HashMap<MapData, [u8; 4], u32>,
    pub(super) ue_addresses: HashMap<MapData, Record<UeKey>, u32>,
    pub(super) networks: UeNetworks,
    pub(super) end_markers: Option<Box<dyn EndMarkerSender>>,
}

/// Who sends End Markers.
pub trait EndMarkerSender: Send {
    /// Sends one from `local` to the tunnel `teid` of `remote`, without waiting.
    fn send(&self, local: IpAddr, remote: IpAddr, teid: u32);
}

/// The `UE_NETWORKS` map, and the flag that says whether there are framed routes in it.
pub(super) struct UeNetworks {
    pub(super) trie: LpmTrie<MapData, Record<UeNetwork>, u32>,
    pub(super) control: Arc<ControlTable>,
    pub(super) framed: BTreeSet<(u32, UeNetwork)>,
    /// A framed route may be as large as a pool, which takes its place again afterwards.
    pub(super) pools: BTreeSet<(u32, UeNetwork)>,
}

impl UeNetworks {
    fn write(&mut self, key: (u32, UeNetwork), content: u32) -> Result<(), DatapathError> {
        let key = Key::new(key.0, Record(key.1));
        inserted("UE_NETWORKS", self.trie.insert(&key, content, 0))
    }

    fn insert(&mut self, key: (u32, UeNetwork), slot: SlotIndex) -> Result<(), DatapathError> {
        self.write(key, slot.0)?;
        self.framed.insert(key);
        self.control.set_flag(control_flags::FRAMED_ROUTES, true);
        Ok(())
    }

    fn remove(&mut self, key: (u32, UeNetwork)) -> Result<(), DatapathError> {
        if self.pools.contains(&key) {
            self.write(key, POOL_NETWORK)?;
        } else {
            let outcome = self.trie.remove(&Key::new(key.0, Record(key.1)));
            removed("UE_NETWORKS", outcome)?;
        }
        self.framed.remove(&key);
        let any = !self.framed.is_empty();
        self.control.set_flag(control_flags::FRAMED_ROUTES, any);
        Ok(())
    }
}

impl BpfDatapath {
    /// Says who sends End Markers; before that, nobody does.
    pub fn set_end_markers(&mut self, sender: Box<dyn EndMarkerSender>) {
        self.end_markers = Some(sender);
    }

    /// Tells which networks are those of UEs.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn write_pools(&mut self, layout: &PoolLayout) -> Result<(), DatapathError> {
        for (instance, network) in layout.networks() {
            let key = network_key(instance, network);
            self.networks.write(key, POOL_NETWORK)?;
            self.networks.pools.insert(key);
        }
        Ok(())
    }

    /// A fresh array is all zero, which for a limit would be a parent: limit 0.
    pub(super) fn empty_limits(&self) {
        for index in 0..self.limits.len() {
            self.limits.store(index, &Limit::default());
        }
    }

    /// A fresh array is all zero, which for a block would be slot 0.
    pub(super) fn empty_blocks(&self) {
        for block in 0..self.blocks.len() {
            self.blocks.store(block, &Block(NO_SLOT));
        }
    }

    fn limit_half(
        &self,
        limit: LimitIndex,
        direction: Direction,
    ) -> Result<&LimitHalf, DatapathError> {
        let is_there = limit.0 < self.sizes.limits;
        let entry = self.limits.entry(limit.0).filter(|_| is_there);
        let entry = entry.ok_or(out_of_range("LIMITS", limit.0))?;
        let (halves, _) = entry.as_chunks::<LIMIT_HALF_WORDS>();
        Ok(match direction {
            Direction::Uplink => &halves[0],
            Direction::Downlink => &halves[1],
        })
    }

    fn check_slot(&self, table: &'static str, slot: SlotIndex) -> Result<(), DatapathError> {
        if slot.0 < self.sizes.slots {
            Ok(())
        } else {
            Err(out_of_range(table, slot.0))
        }
    }
}

impl Accounts for BpfDatapath {
    fn usage_counters(
        &self,
        account: Account,
        direction: Direction,
    ) -> Result<UsageCounters, DatapathError> {
        self.accounts.usage_counters(account, direction)
    }

    fn is_exhausted(&self, account: Account) -> Result<bool, DatapathError> {
        self.accounts.is_exhausted(account)
    }

    fn write_usage_limits(
        &mut self,
        account: Account,
        limits: &UsageLimits,
    ) -> Result<(), DatapathError> {
        self.accounts.write_usage_limits(account, limits)
    }
}

impl Datapath for BpfDatapath {
    fn now_ns(&self) -> u64 {
        clock::now_ns()
    }

    fn capacity(&self) -> u32 {
        self.sizes.slots
    }

    fn blocks(&self) -> u32 {
        self.sizes.blocks
    }

    fn peers(&self) -> u32 {
        self.sizes.peers
    }

    fn lists(&self) -> u32 {
        self.sizes.lists
    }

    fn limits(&self) -> u32 {
        self.sizes.limits
    }

    fn usages(&self) -> u32 {
        self.sizes.usages
    }

    fn wait_for_packets(&self) -> Result<(), DatapathError> {
        self.runs.wait()
    }

    fn write_rules(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rules: &Rules,
    ) -> Result<(), DatapathError> {
        latch::replace(self.accounts.half(slot, direction)?, rules);
        Ok(())
    }

    fn read_rules(&self, slot: SlotIndex, direction: Direction) -> Result<Rules, DatapathError> {
        Ok(latch::in_force(self.accounts.half(slot, direction)?))
    }

    fn write_meter(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rate: Rate,
        credit: Credit,
    ) -> Result<(), DatapathError> {
        latch::set_rate(self.accounts.half(slot, direction)?, rate, credit);
        Ok(())
    }

    fn reset_slot(&mut self, slot: SlotIndex) -> Result<(), DatapathError> {
        for direction in [Direction::Uplink, Direction::Downlink] {
            latch::reset(self.accounts.half(slot, direction)?, slot.0);
        }
        account::reset_tail(self.accounts.slot_words(slot)?.tail);
        Ok(())
    }

    fn write_limit(
        &mut self,
        limit: LimitIndex,
        direction: Direction,
        setting: &LimitSetting,
        credit: Credit,
    ) -> Result<(), DatapathError> {
        limit::set(self.limit_half(limit, direction)?, setting, credit);
        Ok(())
    }

    fn reset_limit(&mut self, limit: LimitIndex) -> Result<(), DatapathError> {
        for direction in [Direction::Uplink, Direction::Downlink] {
            limit::reset(self.limit_half(limit, direction)?);
        }
        Ok(())
    }

    fn limit_counters(
        &self,
        limit: LimitIndex,
        direction: Direction,
    ) -> Result<LimitCounters, DatapathError> {
        Ok(limit::counters(self.limit_half(limit, direction)?))
    }

    fn reset_usage(&mut self, record: UsageIndex) -> Result<(), DatapathError> {
        mmap::store(self.accounts.usage_record(record)?, &Usage::default());
        Ok(())
    }

    fn write_usage_set(&mut self, index: u32, set: &UsageSet) -> Result<(), DatapathError> {
        if index < self.sizes.usages && self.usage_sets.store(index, set) {
            Ok(())
        } else {
            Err(out_of_range("USAGE_SETS", index))
        }
    }

    fn set_block(&mut self, block: u32, first: Option<SlotIndex>) -> Result<(), DatapathError> {
        if let Some(first) = first
            && first.0.saturating_add(BLOCK_SLOTS) > self.sizes.slots
        {
            return Err(out_of_range("SLOTS", first.0));
        }
        let content = Block(first.map_or(NO_SLOT, |slot| slot.0));
        if block < self.sizes.blocks && self.blocks.store(block, &content) {
            Ok(())
        } else {
            Err(out_of_range("BLOCKS", block))
        }
    }

    fn insert_teid(&mut self, teid: [u8; 4], slot: SlotIndex) -> Result<(), DatapathError> {
        self.check_slot("TEIDS", slot)?;
        inserted("TEIDS", self.teids.insert(teid, slot.0, 0))
    }

    fn remove_teid(&mut self, teid: [u8; 4]) -> Result<(), DatapathError> {
        removed("TEIDS", self.teids.remove(&teid))
    }

    fn insert_ue(&mut self, key: UeKey, slot: SlotIndex) -> Result<(), DatapathError> {
        self.check_slot("UE_ADDRESSES", slot)?;
        let outcome = self.ue_addresses.insert(Record(key), slot.0, 0);
        inserted("UE_ADDRESSES", outcome)
    }

    fn remove_ue(&mut self, key: UeKey) -> Result<(), DatapathError> {
        removed("UE_ADDRESSES", self.ue_addresses.remove(&Record(key)))
    }

    fn insert_framed(
        &mut self,
        instance: u32,
        network: IpNet,
        slot: SlotIndex,
    ) -> Result<(), DatapathError> {
        self.check_slot("UE_NETWORKS", slot)?;
        self.networks.insert(network_key(instance, network), slot)
    }

    fn remove_framed(&mut self, instance: u32, network: IpNet) -> Result<(), DatapathError> {
        self.networks.remove(network_key(instance, network))
    }

    fn write_peer(&mut self, index: u32, peer: &Peer) -> Result<(), DatapathError> {
        if self.peers.store(index, peer) {
            Ok(())
        } else {
            Err(out_of_range("PEERS", index))
        }
    }

    fn write_list(&mut self, index: u32, list: &RuleList) -> Result<(), DatapathError> {
        if self.lists.store(index, list) {
            Ok(())
        } else {
            Err(out_of_range("LISTS", index))
        }
    }

    fn send_end_marker(&mut self, peer: &Peer, teid: [u8; 4]) -> Result<(), DatapathError> {
        if let Some(sender) = &self.end_markers {
            let address = |bytes| Ipv6Addr::from(bytes).to_canonical();
            sender.send(
                address(peer.local),
                address(peer.remote),
                u32::from_be_bytes(teid),
            );
        }
        Ok(())
    }
}

pub(super) fn out_of_range(table: &'static str, index: u32) -> DatapathError {
    DatapathError::OutOfRange {
        table,
        index: u64::from(index),
    }
}

/// A hash map that is full answers `E2BIG`.
fn inserted(table: &'static str, outcome: Result<(), MapError>) -> Result<(), DatapathError> {
    outcome.map_err(|error| {
        if os_error(&error) == Some(libc::E2BIG) {
            DatapathError::Full { table }
        } else {
            kernel(table, error)
        }
    })
}

fn removed(table: &'static str, outcome: Result<(), MapError>) -> Result<(), DatapathError> {
    match outcome {
        Err(MapError::KeyNotFound) => Ok(()),
        Err(error) if os_error(&error) == Some(libc::ENOENT) => Ok(()),
        outcome => outcome.map_err(|error| kernel(table, error)),
    }
}

pub(super) fn kernel(table: &'static str, error: MapError) -> DatapathError {
    let source = match os_error(&error) {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::other(error),
    };
    DatapathError::Kernel { table, source }
}

fn os_error(error: &MapError) -> Option<i32> {
    match error {
        MapError::SyscallError(call) => call.io_error.raw_os_error(),
        MapError::CreateError { io_error, .. } | MapError::IoError(io_error) => {
            io_error.raw_os_error()
        }
        _ => None,
    }
}
