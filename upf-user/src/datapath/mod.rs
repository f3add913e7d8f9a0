//! Where sessions become slots.
//!
//! [`Datapath`] is all that the session room knows of the fast path: a handful of tables with the records
//! of [`upf_common::abi`]. `bpf` writes them into the kernel's maps, `memory` into plain vectors for tests and
//! model checks, and `chaos` fails on purpose to prove that a request is applied whole or not at all.

pub mod bpf;
pub mod chaos;
pub mod credit;
pub mod instances;
pub mod memory;
pub mod slots;
pub mod usage;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use upf_common::abi::{
    LimitDirection, NO_LIMIT, Peer, RuleList, Rules, UeKey, UeNetwork, UsageSet, mapped,
    network_bits,
};
use upf_common::meter::Rate;

pub use credit::Credit;
pub use usage::{Account, Bounds, Reached, Traffic, UsageCounters, UsageIndex, UsageLimits};

/// A slot's number, below [`Datapath::capacity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlotIndex(pub u32);

/// A set of maps: those of one agent. No two that have been in the kernel since the host was started have the same number.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct MapsId(pub u32);

/// Maps of an agent before us, in which packets may still be counted.
#[derive(Debug)]
pub struct FormerMaps<A> {
    /// Which they are.
    pub maps: MapsId,
    /// The counters there.
    pub accounts: A,
}

/// A limit's number, below [`Datapath::limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LimitIndex(pub u32);

/// What one direction of a limit demands, see [`LimitDirection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSetting {
    /// Ticks that one byte takes, or one packet; 0 lets everything pass.
    pub ticks_per_byte: u64,
    /// The bucket's depth in ticks.
    pub depth: u64,
    /// The next limit.
    pub parent: Option<LimitIndex>,
    /// One of [`upf_common::abi::level`].
    pub level: u8,
    /// Bits of [`upf_common::abi::limit_flags`].
    pub flags: u8,
    /// The speed class that it is counted under.
    pub class: u16,
}

impl Default for LimitSetting {
    /// That of a limit which nobody has.
    fn default() -> Self {
        let LimitDirection {
            ticks_per_byte,
            depth,
            level,
            flags,
            class,
            ..
        } = LimitDirection::default();
        Self {
            ticks_per_byte,
            depth,
            parent: None,
            level,
            flags,
            class,
        }
    }
}

impl LimitSetting {
    /// What it lets pass.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        Rate {
            ticks_per_byte: self.ticks_per_byte,
            depth: self.depth,
        }
    }

    /// [`LimitDirection::parent`].
    #[must_use]
    pub fn parent_number(&self) -> u32 {
        self.parent.map_or(NO_LIMIT, |parent| parent.0)
    }
}

/// What one direction of a limit has counted since [`Datapath::reset_limit`]: inner packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitCounters {
    /// Packets that passed and were marked.
    pub marked_packets: u64,
    /// Bytes of those.
    pub marked_bytes: u64,
    /// Packets that were held back.
    pub dropped_packets: u64,
    /// Bytes of those.
    pub dropped_bytes: u64,
}

/// Traffic directions, as seen from the UE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From the UE.
    Uplink,
    /// To the UE.
    Downlink,
}

/// What one direction of a slot has counted since [`Datapath::reset_slot`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotCounters {
    /// Inner packets forwarded.
    pub packets: u64,
    /// Inner bytes forwarded.
    pub bytes: u64,
    /// Inner packets dropped.
    pub dropped_packets: u64,
    /// Inner bytes dropped.
    pub dropped_bytes: u64,
}

/// Why a table could not be written. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DatapathError {
    /// An index or key outside the table.
    #[error("{table}: no entry {index}")]
    OutOfRange {
        /// The map's name.
        table: &'static str,
        /// The index asked for.
        index: u64,
    },
    /// The table holds as many entries as it can.
    #[error("{table} is full")]
    Full {
        /// The map's name.
        table: &'static str,
    },
    /// The kernel refused.
    #[error("{table}: {source}")]
    Kernel {
        /// The map's name.
        table: &'static str,
        /// What it said.
        source: std::io::Error,
    },
}

/// Where traffic is counted: that of slots, and that of URRs.
pub trait Accounts {
    /// What has been counted since the slot or the record was reset.
    fn usage_counters(
        &self,
        account: Account,
        direction: Direction,
    ) -> Result<UsageCounters, DatapathError>;
    /// What a half of a slot has counted since then.
    fn counters(
        &self,
        slot: SlotIndex,
        direction: Direction,
    ) -> Result<SlotCounters, DatapathError> {
        let UsageCounters {
            passed, dropped, ..
        } = self.usage_counters(Account::Slot(slot), direction)?;
        Ok(SlotCounters {
            packets: passed.packets,
            bytes: passed.bytes,
            dropped_packets: dropped.packets,
            dropped_bytes: dropped.bytes,
        })
    }

    /// Whether nothing passes there since the bounds were written last: a quota is used up, or too small for a packet that came.
    fn is_exhausted(&self, account: Account) -> Result<bool, DatapathError>;

    /// Says at what counts we are told, and beyond what counts nothing passes; what the fast path knew of that is forgotten.
    fn write_usage_limits(
        &mut self,
        account: Account,
        limits: &UsageLimits,
    ) -> Result<(), DatapathError>;
}

/// The tables of the fast path.
///
/// Every call is atomic for packets: they see the entry before or after, never between. Calls either
/// succeed or change nothing.
pub trait Datapath: Accounts + Send {
    /// The fast path's clock.
    fn now_ns(&self) -> u64;
    /// Number of slots.
    fn capacity(&self) -> u32;
    /// Number of entries for [`Self::set_block`].
    fn blocks(&self) -> u32;
    /// Number of entries for [`Self::write_peer`].
    fn peers(&self) -> u32;
    /// Number of entries for [`Self::write_list`].
    fn lists(&self) -> u32;

    /// Number of limits beside those of slots.
    fn limits(&self) -> u32;
    /// Number of records of URRs beside slots, and of sets of them.
    fn usages(&self) -> u32;

    /// Waits until no packet is under way any more that may have seen what was in the tables before: then counters say all that
    /// it was counted by, and it counts nowhere any more.
    fn wait_for_packets(&self) -> Result<(), DatapathError>;

    /// Puts the rules of one direction into force. [`Rules::default`] empties it.
    fn write_rules(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rules: &Rules,
    ) -> Result<(), DatapathError>;
    /// The rules in force.
    fn read_rules(&self, slot: SlotIndex, direction: Direction) -> Result<Rules, DatapathError>;
    /// Sets the rate of the meter in one direction of a slot; rules name the slot ([`Rules::meter_slot`]). Packets may see
    /// part of the old rate and part of the new one for as long as that takes.
    fn write_meter(
        &mut self,
        slot: SlotIndex,
        direction: Direction,
        rate: Rate,
        credit: Credit,
    ) -> Result<(), DatapathError>;
    /// Zeroes the counters of both directions, fills their meters and takes their rates; for a slot that carries no
    /// traffic yet.
    fn reset_slot(&mut self, slot: SlotIndex) -> Result<(), DatapathError>;
    /// Says what one direction of a limit demands from now on; counters stay. Packets may see part of the old setting and
    /// part of the new one for as long as that takes.
    fn write_limit(
        &mut self,
        limit: LimitIndex,
        direction: Direction,
        setting: &LimitSetting,
        credit: Credit,
    ) -> Result<(), DatapathError>;
    /// Zeroes the counters of both directions, fills their buckets and takes their settings.
    fn reset_limit(&mut self, limit: LimitIndex) -> Result<(), DatapathError>;
    /// What a limit has counted.
    fn limit_counters(
        &self,
        limit: LimitIndex,
        direction: Direction,
    ) -> Result<LimitCounters, DatapathError>;

    /// Zeroes a record and takes its bounds.
    fn reset_usage(&mut self, record: UsageIndex) -> Result<(), DatapathError>;
    /// Writes a set of records that no rules name yet.
    fn write_usage_set(&mut self, index: u32, set: &UsageSet) -> Result<(), DatapathError>;

    /// Gives an address block 256 slots from `first` on, or none.
    fn set_block(&mut self, block: u32, first: Option<SlotIndex>) -> Result<(), DatapathError>;
    /// Leads a TEID, in wire order, to a slot where its low bits do not.
    fn insert_teid(&mut self, teid: [u8; 4], slot: SlotIndex) -> Result<(), DatapathError>;
    /// Takes such a TEID back; absent ones are no error.
    fn remove_teid(&mut self, teid: [u8; 4]) -> Result<(), DatapathError>;
    /// Leads a UE address that no block covers to a slot.
    fn insert_ue(&mut self, key: UeKey, slot: SlotIndex) -> Result<(), DatapathError>;
    /// Takes such an address back; absent ones are no error.
    fn remove_ue(&mut self, key: UeKey) -> Result<(), DatapathError>;

    /// Leads a network behind a UE to its slot.
    fn insert_framed(
        &mut self,
        instance: u32,
        network: IpNet,
        slot: SlotIndex,
    ) -> Result<(), DatapathError>;
    /// Takes such a network back; absent ones are no error.
    fn remove_framed(&mut self, instance: u32, network: IpNet) -> Result<(), DatapathError>;

    /// Writes a GTP-U peer that no slot names yet.
    fn write_peer(&mut self, index: u32, peer: &Peer) -> Result<(), DatapathError>;
    /// Writes a page of a rule list that no slot names yet.
    fn write_list(&mut self, index: u32, list: &RuleList) -> Result<(), DatapathError>;

    /// Tells a peer that nothing more comes by one of its tunnels (TS 29.281 clause 7.3.2). Sent at once; lost like any
    /// other datagram.
    fn send_end_marker(&mut self, peer: &Peer, teid: [u8; 4]) -> Result<(), DatapathError>;
}

/// Key of a network of UEs: the bits that are compared, and the data that they are of.
#[must_use]
pub fn network_key(instance: u32, network: IpNet) -> (u32, UeNetwork) {
    let network = network.trunc();
    let (address, length) = match network {
        IpNet::V4(net) => (mapped(net.addr().octets()), 96 + net.prefix_len()),
        IpNet::V6(net) => (net.addr().octets(), net.prefix_len()),
    };
    let bits = network_bits(u32::from(length));
    (bits, UeNetwork { instance, address })
}
