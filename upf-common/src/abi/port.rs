//! The devices that the fast path is attached to.

use super::{Address, plain};

/// Local GTP-U addresses of one device and family.
pub const MAX_GTPU_ADDRESSES: usize = 4;
/// Buckets of the `PORTS` map. A device's home bucket is `ifindex % PORT_BUCKETS`; a full one sends it to
/// the next, at most [`PORT_PROBES`] in all.
pub const PORT_BUCKETS: u32 = 256;
/// How many buckets are looked at for one ifindex.
pub const PORT_PROBES: u32 = 4;

/// Bits of [`Port::roles`].
pub mod roles {
    /// GTP-U tunnels end here.
    pub const ACCESS: u8 = 1 << 0;
    /// Packets to UE addresses arrive here.
    pub const CORE: u8 = 1 << 1;
}

/// One device. All zero is an empty bucket (no device has ifindex 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Port {
    /// The device's ifindex.
    pub ifindex: u32,
    /// Where its packets leave: the same ifindex, or the parent's for a VLAN sub-interface.
    pub transmit_ifindex: u32,
    /// The network instance of packets that arrive here, an index into `INSTANCES`.
    pub instance: u32,
    /// First of the instance's entries in `POOLS`.
    pub first_pool: u16,
    /// How many entries.
    pub pool_count: u16,
    /// VLAN ID for what leaves here, 0 for none.
    pub vlan: u16,
    /// Index into the port counters, below [`super::MAX_PORTS`].
    pub number: u8,
    /// How many of `gtpu` are used.
    pub gtpu_count: u8,
    /// The device's MAC address; frames to another unicast address are not ours.
    pub mac: [u8; 6],
    /// Bits of [`roles`].
    pub roles: u8,
    /// Not 0 where XDP_TX does not get through, and what leaves by the device that it came from is redirected.
    pub redirect_only: u8,
    /// Local IPv4 GTP-U addresses.
    pub gtpu: [[u8; 4]; MAX_GTPU_ADDRESSES],
    /// How many of `gtpu_v6` are used.
    pub gtpu_v6_count: u8,
    /// Zero.
    pub reserved: [u8; 15],
    /// Local IPv6 GTP-U addresses.
    pub gtpu_v6: [Address; MAX_GTPU_ADDRESSES],
}

plain! {
    Port: 128, 8;
}
