//! Copies of packets, fast path to agent, through the `COPIES` ring buffer.

use super::plain;

/// Bytes of a packet that a copy has room for; longer ones are not copied.
pub const MAX_COPY_BYTES: usize = 2048;

/// The copy of an inner IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(4))]
pub struct Copy {
    /// [`super::Rules::duplicate`] of the rules that the packet matched.
    pub duplicate: u32,
    /// Bytes of the packet.
    pub length: u32,
    /// The packet, and anything behind it.
    pub bytes: [u8; MAX_COPY_BYTES],
}

plain! {
    Copy: 8 + MAX_COPY_BYTES, 4;
}
