//! Limits beside the one in a slot: what a session shares with others, and what belongs to a SIM or a customer.
//!
//! Limits form chains: [`super::Rules::limit`] names the first one and [`LimitDirection::parent`] the next. A packet has
//! to pass all of them, and is charged by none if one holds it back.

use super::plain;

/// [`super::Rules::limit`] and [`LimitDirection::parent`] where there is none.
pub const NO_LIMIT: u32 = u32::MAX;
/// Limits of a chain at most; what lies behind is not looked at.
pub const MAX_CHAIN: usize = 6;
/// Speed classes at most, [`NO_CLASS`] among them.
pub const MAX_CLASSES: usize = 64;
/// [`LimitDirection::class`] of a limit that is of no speed class.
pub const NO_CLASS: u16 = 0;

/// Values of [`LimitDirection::level`].
pub mod level {
    /// A QER of one PDR or several of one session.
    pub const FLOW: u8 = 0;
    /// A QER that PDRs and sessions of a UE share (session AMBR, APN-AMBR).
    pub const SESSION: u8 = 1;
    /// All sessions of one SIM.
    pub const SIM: u8 = 2;
    /// All SIMs of one customer.
    pub const CUSTOMER: u8 = 3;
    /// How many there are.
    pub const COUNT: usize = 4;
}

/// Bits of [`LimitDirection::flags`].
pub mod limit_flags {
    /// Packets are limited, not bytes: [`super::LimitDirection::ticks_per_byte`] is what a packet takes and
    /// [`super::LimitDirection::depth`] the depth, in units of 1,024 ns.
    pub const PACKETS: u8 = 1 << 0;
    /// Where the bucket runs low, packets of ECN-capable transports are marked (RFC 3168).
    pub const MARK: u8 = 1 << 1;
    /// Not a limit but a guarantee (GBR): what it covers goes before other packets of the SIM and of the customer, what
    /// it does not cover is like any other packet.
    pub const GUARANTEE: u8 = 1 << 2;
}

/// One direction of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct LimitDirection {
    /// When the bucket will be full again, in meter ticks ([`crate::meter`]).
    pub full_at: u64,
    /// Ticks that one byte takes, see [`crate::meter::Rate`].
    pub ticks_per_byte: u64,
    /// The bucket's depth in ticks.
    pub depth: u64,
    /// The next limit of the chain, or [`NO_LIMIT`].
    pub parent: u32,
    /// One of [`level`].
    pub level: u8,
    /// Bits of [`limit_flags`].
    pub flags: u8,
    /// The speed class that it is counted under, below [`MAX_CLASSES`].
    pub class: u16,
    /// Inner packets that it marked.
    pub marked_packets: u64,
    /// Inner bytes of those.
    pub marked_bytes: u64,
    /// Inner packets that it held back.
    pub dropped_packets: u64,
    /// Inner bytes of those.
    pub dropped_bytes: u64,
}

impl Default for LimitDirection {
    /// One that lets everything pass, at the end of a chain.
    fn default() -> Self {
        Self {
            full_at: 0,
            ticks_per_byte: 0,
            depth: 0,
            parent: NO_LIMIT,
            level: level::FLOW,
            flags: 0,
            class: NO_CLASS,
            marked_packets: 0,
            marked_bytes: 0,
            dropped_packets: 0,
            dropped_bytes: 0,
        }
    }
}

/// A limit of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Limit {
    /// From the radio.
    pub uplink: LimitDirection,
    /// To the radio.
    pub downlink: LimitDirection,
}

/// What one level and speed class has done in one direction, on one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct LevelDirection {
    /// Inner packets that passed.
    pub passed_packets: u64,
    /// Inner bytes of those.
    pub passed_bytes: u64,
    /// Inner packets that passed and were marked.
    pub marked_packets: u64,
    /// Inner bytes of those.
    pub marked_bytes: u64,
    /// Inner packets that were held back.
    pub dropped_packets: u64,
    /// Inner bytes of those.
    pub dropped_bytes: u64,
}

/// What one level and speed class has done on one CPU; the place in `LEVELS` is [`level_index`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct LevelCounters {
    /// From the radio.
    pub uplink: LevelDirection,
    /// To the radio.
    pub downlink: LevelDirection,
}

/// Entries of `LEVELS`.
pub const LEVEL_ENTRIES: u32 = (MAX_CLASSES * level::COUNT) as u32;

/// Where in `LEVELS` a level of a speed class is counted.
#[inline(always)]
#[must_use]
pub const fn level_index(class: u16, level: u8) -> u32 {
    (class as u32 % MAX_CLASSES as u32) * level::COUNT as u32 + level as u32 % level::COUNT as u32
}

plain! {
    LimitDirection: 64, 64;
    Limit: 128, 64;
    LevelDirection: 48, 8;
    LevelCounters: 96, 8;
}
