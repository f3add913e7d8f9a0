//! What the packet logic asks of the host that it runs on: the XDP program over the kernel's maps, or tests and
//! benches over vectors.

use core::ptr::NonNull;

use crate::abi::{Peer, Port, RouteEntry, RuleList, UeKey};
use crate::drop_reason::{DropReason, PuntReason};
use crate::matching::Flow;
use crate::wire::{IpAddress, Packet, Version};

pub use super::limits::{Charge, Charged, Done, End, Load, Manner, Outcome};
pub use super::usage::UsageTables;
pub use crate::shared::{Account, Half, LimitHalf};

/// Direction of traffic, as seen from the UE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the UE.
    Uplink,
    /// To the UE.
    Downlink,
}

/// A question to the kernel's routing tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteQuery {
    /// IP version of both addresses.
    pub version: Version,
    /// Where to.
    pub destination: IpAddress,
    /// Where from, for rules that look at it.
    pub source: IpAddress,
    /// The network instance whose device the lookup starts from (`iif`).
    pub instance: u32,
}

/// The kernel's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteAnswer {
    /// A next hop with a known MAC address.
    Found {
        /// Egress device.
        ifindex: u32,
        /// IP MTU of the route in bytes.
        mtu: u16,
        /// The next hop's MAC address.
        destination_mac: [u8; 6],
        /// The egress device's MAC address.
        source_mac: [u8; 6],
    },
    /// A next hop whose MAC address is not known.
    NoNeighbour {
        /// Egress device.
        ifindex: u32,
        /// The next hop.
        next_hop: IpAddress,
    },
    /// No way there.
    NoRoute,
}

/// What limits are kept in.
pub trait LimitTables {
    /// A direction of a slot.
    fn half(&self, slot: u32, way: Way) -> Option<Half>;
    /// A direction of a limit.
    fn limit(&self, index: u32, way: Way) -> Option<LimitHalf>;
    /// Counts what limits have done to a packet: a place of [`crate::abi::set_index`].
    fn count_level(&self, place: u32, load: Load, done: Done);
    /// Charges one limit, as [`super::charge_limit`] does.
    fn charge_limit(&self, at: u32, load: Load, now_ns: u64, manner: Manner) -> Charge;
    /// Ends a packet's way through limits, as [`super::end_chain`] does.
    fn end_chain(&self, first: u32, load: Load, which: u32, end: End);
}

/// What the ordinary road through limits needs.
pub trait ChargeTables: LimitTables {
    /// Counts what became of a packet of a flow with a meter, as [`Outcome::count_metered`] does.
    fn count_metered(&self, load: Load, outcome: Outcome);
    /// Charges what the ordinary road has not, as [`super::charge_rest`] does.
    fn charge_rest(
        &self,
        meter_slot: u32,
        first: u32,
        load: Load,
        now_ns: u64,
        charged: Charged,
    ) -> Outcome;
}

/// Maps, clock and routing tables.
pub trait Tables: ChargeTables {
    /// The device with this ifindex, if it is one of ours.
    fn port(&self, ifindex: u32) -> Option<&Port>;
    /// The uplink half of the slot whose number the TEID carries.
    fn uplink_by_teid(&self, teid: [u8; 4]) -> Option<Half>;
    /// The slot that the TEID map leads to.
    fn slot_of_teid(&self, teid: [u8; 4]) -> Option<u32>;
    /// The slot that the UE address map leads to.
    fn slot_of_ue(&self, key: &UeKey) -> Option<u32>;
    /// Whether there are framed routes at all.
    fn has_framed_routes(&self) -> bool;
    /// The slot of the UE that an address lies behind, [`crate::abi::POOL_NETWORK`] for another address of a pool, or
    /// [`crate::abi::NO_SLOT`].
    fn network_slot(&self, instance: u32, address: IpAddress) -> u32;
    /// The first slot of the block with this UE address: `Some(None)` if the address lies in a pool of the port
    /// and no slots are behind it. `key` numbers addresses as [`crate::abi::Pool`] does.
    fn slot_of_pool_address(&self, port: &Port, version: Version, key: u64) -> Option<Option<u32>>;
    /// A GTP-U peer.
    fn peer(&self, index: u32) -> Option<&Peer>;
    /// A page of a list of rules.
    fn list(&self, index: u32) -> Option<&RuleList>;
    /// The first entry of the chain from page `list` on that matches, as [`crate::matching::walk`] tells it.
    fn walk(&self, list: u32, flow: &Flow, qfi_bit: u64) -> u64;
    /// The ifindex of a network instance's device; 0 while there is none.
    fn instance_ifindex(&self, instance: u32) -> u32;

    /// Looks at the quotas of a packet, as [`super::usage::look_at_quotas`] does.
    fn look_at_quotas(&self, slot: u32, set: u32, load: Load, list: u32) -> u64;
    /// Counts a packet beside its slot, as [`super::usage::count`] does.
    fn count_usage(&self, slot: u32, set: u32, load: Load, now_ns: u64);
    /// Counts a packet that was dropped, as [`super::usage::count_drop`] does.
    fn count_drop(&self, slot: u32, set: u32, load: Load, is_held_back: bool);

    /// A clock in nanoseconds; steps of some milliseconds do.
    fn now_ns(&self) -> u64;
    /// [`crate::abi::Control::generation`].
    fn generation(&self) -> u32;
    /// A remembered route of this CPU; nobody else has it meanwhile.
    fn route(&self, index: u32) -> Option<NonNull<RouteEntry>>;
    /// Asks the kernel, from a device.
    fn look_up(&self, query: &RouteQuery, from_ifindex: u32) -> RouteAnswer;
    /// Tells the agent that this next hop is to be asked for.
    fn want_neighbour(&self, ifindex: u32, next_hop: IpAddress);

    /// Whether the agent wants to see packets by unknown TEIDs.
    fn sends_error_indications(&self) -> bool;
    /// Hands a copy of `length` bytes at `offset` to the agent, filed under `duplicate`.
    fn copy(&self, packet: &impl Packet, duplicate: u32, offset: usize, length: u32);
    /// Whether one more message may be handed to the agent.
    fn may_punt(&self) -> bool;
    /// Whether one more user packet may be handed to the agent, for it to answer.
    fn may_reply(&self) -> bool;
    /// Counts a frame that arrived.
    fn count_received(&self, port: u8, bytes: usize);
    /// Counts a frame that leaves.
    fn count_sent(&self, port: u8, bytes: usize);
    /// Counts an inner packet that was forwarded.
    fn count_forwarded(&self, way: Way, bytes: u32);
    /// Counts a packet that was not.
    fn count_dropped(&self, way: Way, reason: DropReason);
    /// Counts a packet that was handed to the agent.
    fn count_punted(&self, reason: PuntReason);
}
