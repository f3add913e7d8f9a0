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
    /// The speed class that it is counted under, below [`MAX_CLASSES`]; [`NO_CLASS`] at all levels but [`level::SIM`].
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

/// What limits have done in one direction, on one CPU.
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

/// One entry of `LEVELS`: what limits have done on one CPU. Each packet is counted once, however many limits it has passed:
/// the place of those that passed is [`set_index`] of all their levels, and of those that were marked or dropped that of the one
/// level that did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct LevelCounters {
    /// From the radio.
    pub uplink: LevelDirection,
    /// To the radio.
    pub downlink: LevelDirection,
}

/// Sets of levels.
pub const LEVEL_SETS: u32 = 1 << level::COUNT;
/// Entries of `LEVELS`.
pub const LEVEL_ENTRIES: u32 = MAX_CLASSES as u32 * LEVEL_SETS;

/// Where in `LEVELS` packets are counted that have passed limits of this set of levels, a bit for each. Its class is that of the
/// SIM's limit.
#[inline(always)]
#[must_use]
pub const fn set_index(class: u16, set: u32) -> u32 {
    (class as u32 % MAX_CLASSES as u32) * LEVEL_SETS + set % LEVEL_SETS
}

/// What a level has done: the sum of those entries of `LEVELS` whose set it belongs to, and for flows that of the `metered` packets
/// ([`super::DirectionCounters::metered`]). SIMs are counted by class, all others are of [`NO_CLASS`]. There may be fewer entries
/// than [`LEVEL_ENTRIES`], if no class beyond is in use.
#[must_use]
pub fn of_level(
    entries: &[LevelCounters],
    metered: &LevelCounters,
    class: u16,
    level: u8,
) -> LevelCounters {
    let mut sum = LevelCounters::default();
    if (class, level) == (NO_CLASS, level::FLOW) {
        sum = *metered;
    }
    for (index, entry) in (0_u32..).zip(entries) {
        let (of_class, set) = (index / LEVEL_SETS, index % LEVEL_SETS);
        let is_in_class = if level == level::SIM {
            of_class == u32::from(class)
        } else {
            class == NO_CLASS
        };
        if is_in_class && set & 1 << level != 0 {
            sum.uplink.add(&entry.uplink);
            sum.downlink.add(&entry.downlink);
        }
    }
    sum
}

impl LevelDirection {
    /// Adds what others have counted, wrapping.
    pub fn add(&mut self, other: &Self) {
        let Self {
            passed_packets,
            passed_bytes,
            marked_packets,
            marked_bytes,
            dropped_packets,
            dropped_bytes,
        } = self;
        for (sum, one) in [
            (passed_packets, other.passed_packets),
            (passed_bytes, other.passed_bytes),
            (marked_packets, other.marked_packets),
            (marked_bytes, other.marked_bytes),
            (dropped_packets, other.dropped_packets),
            (dropped_bytes, other.dropped_bytes),
        ] {
            *sum = sum.wrapping_add(one);
        }
    }
}

plain! {
    LimitDirection: 64, 64;
    Limit: 128, 64;
    LevelDirection: 48, 8;
    LevelCounters: 96, 8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_has_the_sum_of_its_sets() {
        let (sim, customer) = (1 << level::SIM, 1 << level::CUSTOMER);
        let mut entries = std::vec![LevelCounters::default(); LEVEL_ENTRIES as usize];
        for (class, set, packets) in [
            (NO_CLASS, 1, 1),
            (2, sim, 10),
            (2, sim | customer, 100),
            (3, sim | customer, 1000),
            (NO_CLASS, customer, 10_000),
        ] {
            let counters = &mut entries[set_index(class, set) as usize].downlink;
            (counters.passed_packets, counters.dropped_bytes) = (packets, 3 * packets);
        }
        let mut metered = LevelCounters::default();
        (
            metered.downlink.passed_packets,
            metered.downlink.dropped_bytes,
        ) = (7, 21);
        let passed = |class, level| {
            let LevelCounters { uplink, downlink } = of_level(&entries, &metered, class, level);
            assert_eq!(uplink, LevelDirection::default());
            assert_eq!(downlink.dropped_bytes, 3 * downlink.passed_packets);
            downlink.passed_packets
        };
        assert_eq!(passed(NO_CLASS, level::FLOW), 8);
        assert_eq!(passed(2, level::FLOW), 0);
        assert_eq!(passed(NO_CLASS, level::SESSION), 0);
        assert_eq!(passed(NO_CLASS, level::SIM), 0);
        assert_eq!((passed(2, level::SIM), passed(3, level::SIM)), (110, 1000));
        assert_eq!(passed(NO_CLASS, level::CUSTOMER), 11_100);
        assert_eq!(passed(2, level::CUSTOMER), 0);
    }
}
