//! Ethernet, IP, UDP and GTP-U over checked byte accesses.
//!
//! A packet is seen through [`Packet`], which has one bounds check: [`Packet::view`]. The XDP program
//! implements it over the kernel's buffer, tests and benches over a vector.

mod address;
mod checksum;
mod gtpu;
mod inner;
mod link;
mod outer;

pub use address::IpAddress;
pub use checksum::{change, decrement_ttl, fold, fold_udp, plain_partial_sum, sum};
pub use gtpu::{GtpuError, GtpuHeader, NO_QFI, message};
pub use inner::{Inner, NO_FLOW_LABEL, NO_PORT, NO_SPI, Ports, Transport, Version};
pub use link::{ETHER_IPV4, ETHER_IPV6, Link, VLAN_TAG};
pub use outer::{
    Encapsulation, MAX_OVERHEAD, Outer, outer_ipv4_checksum_base, outer_ipv6_checksum_base,
};

/// The registered port of GTP-U (TS 29.281 clause 4.4.2).
pub const GTPU_PORT: u16 = 2152;
/// Bytes of an Ethernet header without a tag.
pub const ETHERNET: usize = 14;
/// Bytes of an IPv4 header without options.
pub const IPV4: usize = 20;
/// Bytes of an IPv6 header.
pub const IPV6: usize = 40;
/// Bytes of a UDP header.
pub const UDP: usize = 8;

/// ECN's part of the ToS octet and traffic class (RFC 3168 clause 5).
pub const ECN: u8 = 0b11;
/// ECN-capable transport, codepoint 0.
pub const ECT_0: u8 = 0b10;
/// ECN-capable transport, codepoint 1.
pub const ECT_1: u8 = 0b01;
/// Congestion experienced.
pub const CONGESTION_EXPERIENCED: u8 = 0b11;

/// A frame whose bytes are read and written, and which can be made longer and shorter at both ends.
pub trait Packet {
    /// Bytes of the frame.
    fn len(&self) -> usize;

    /// Never, in a frame that has arrived.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same offset. BPF's verifier forgets what it knew about it, and so need not follow every way in which a
    /// loop may have come to it through all the rest of the program.
    #[must_use]
    fn forget(&self, offset: usize) -> usize {
        offset
    }

    /// The `N` bytes at `offset`, if they all lie in the frame.
    fn view<const N: usize>(&self, offset: usize) -> Option<&[u8; N]>;

    /// The `N` bytes at `offset`, to be changed.
    fn view_mut<const N: usize>(&mut self, offset: usize) -> Option<&mut [u8; N]>;

    /// A sum of the 16-bit words of `N` bytes at `offset`, in memory order and maybe with carries in the upper half;
    /// `N` is a multiple of 4 up to 512.
    fn partial_sum<const N: usize>(&self, offset: usize) -> Option<u32> {
        self.view::<N>(offset).map(|bytes| plain_partial_sum(bytes))
    }

    /// Takes `delta` bytes off the front, or puts room for `-delta` bytes there. False if that cannot be.
    fn move_head(&mut self, delta: i32) -> bool;

    /// Takes bytes off the end, or puts `delta` bytes of room there. False if that cannot be.
    fn move_tail(&mut self, delta: i32) -> bool;
}

/// The big-endian number in two bytes of a header.
#[inline(always)]
pub(crate) const fn be16(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}
