//! Next hops, GTP-U peers, and what the fast path and the agent tell each other.

use super::{Address, plain};

/// Agent to fast path, one record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Control {
    /// Raised at every change of links, routes or neighbours; older [`RouteEntry`]s are void.
    pub generation: u32,
    /// [`super::ABI_VERSION`] of the agent that made the maps.
    pub abi_version: u32,
    /// Meter of messages that are punted: when the bucket will be full again, in meter ticks.
    pub punt_full_at: u64,
    /// The same of user packets that the agent answers, so that they do not crowd messages out.
    pub reply_full_at: u64,
    /// Bits of [`control_flags`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// Bits of [`Control::flags`].
pub mod control_flags {
    /// Packets by unknown TEIDs are handed to the agent, which sends Error Indications.
    pub const ERROR_INDICATIONS: u32 = 1 << 0;
    /// There are networks behind UEs in `UE_NETWORKS`.
    pub const FRAMED_ROUTES: u32 = 1 << 1;
}

/// A GTP-U peer and the local address used towards it. Never changed while a slot names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Peer {
    /// Our GTP-U address, the outer source.
    pub local: Address,
    /// The peer's GTP-U address, the outer destination.
    pub remote: Address,
    /// Number of the network instance whose device routes are looked up from (`INSTANCES`).
    pub instance: u32,
    /// Sum of what never changes in checksums: see [`crate::wire::outer_ipv4_checksum_base`] and
    /// [`crate::wire::outer_ipv6_checksum_base`].
    pub checksum_base: u32,
    /// Not 0 where both addresses are IPv6.
    pub is_v6: u32,
    /// Zero.
    pub reserved: u32,
}

/// One remembered next hop, of one CPU. Filled from the kernel's tables by `bpf_fib_lookup`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct RouteEntry {
    /// The destination that was looked up.
    pub destination: Address,
    /// The network instance that it was looked up from.
    pub from_instance: u32,
    /// [`Control::generation`] at that time.
    pub generation: u32,
    /// Valid until this time of the fast path's clock, in nanoseconds; 0 in an empty entry.
    pub expires: u64,
    /// Where to send: the device of [`super::Port::transmit_ifindex`].
    pub transmit_ifindex: u32,
    /// Network instance of the egress port.
    pub instance: u32,
    /// IP MTU of the route in bytes.
    pub mtu: u16,
    /// VLAN ID, 0 for none.
    pub vlan: u16,
    /// [`crate::forward::USABLE`] or [`crate::forward::HAIRPIN`], else the drop reason's number.
    pub refused: u8,
    /// [`super::Port::number`] of the egress port.
    pub port_number: u8,
    /// The next hop's MAC address.
    pub destination_mac: [u8; 6],
    /// The egress device's MAC address.
    pub source_mac: [u8; 6],
    /// Zero.
    pub reserved: [u8; 6],
}

/// [`Event::kind`]: a destination has a route but its next hop has no known MAC address.
pub const EVENT_NEIGHBOUR_WANTED: u32 = 1;

/// Fast path to agent, through the `EVENTS` ring buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(4))]
pub struct Event {
    /// [`EVENT_NEIGHBOUR_WANTED`].
    pub kind: u32,
    /// The egress device.
    pub ifindex: u32,
    /// The next hop: a gateway, or the destination itself.
    pub address: Address,
}

plain! {
    Control: 32, 8;
    Peer: 48, 8;
    RouteEntry: 64, 8;
    Event: 24, 4;
}
