//! Packet Rate of QERs (TS 29.244 clause 8.2.63) as the fast path wants it.

use super::detection::{LimitKey, PacketLimit};
use crate::datapath::Direction;
use crate::pfcp::ie::PacketRate;

/// Nanoseconds of a tick of packet limits.
const TICK_NS: u64 = 1 << upf_common::meter::PACKET_TICK_SHIFT;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// Packets in so many seconds.
#[derive(Clone, Copy)]
struct Packets {
    count: u64,
    seconds: u64,
}

/// What a packet rate allows in one direction; `None` where it says nothing of it.
///
/// The additional rate is for exception reports, which look like any other packet here: it is added to what all packets
/// may take.
pub(super) fn of(key: LimitKey, rate: &PacketRate, direction: Direction) -> Option<PacketLimit> {
    let [up, down] = rate.additional.unwrap_or_default();
    let (own, additional) = match direction {
        Direction::Uplink => (rate.uplink?, up),
        Direction::Downlink => (rate.downlink?, down),
    };
    let own = packets(own);
    let additional = additional.map(packets);
    let additional = additional.filter(|additional| additional.count > 0);
    // One packet a/s and one b/t make a packet each 1 / (a/s + b/t) = s × t / (a × t + b × s).
    let (time, count, most) = match additional {
        None => (own.seconds, own.count, own.count),
        Some(more) => (
            own.seconds * more.seconds,
            own.count * more.seconds + more.count * own.seconds,
            own.count + more.count,
        ),
    };
    let time = u128::from(time) * 1_000_000_000 / u128::from(TICK_NS);
    // 16-bit counts of weeks at most: below 2^60.
    let ticks_per_packet = time
        .checked_div(u128::from(count))
        .map_or(u64::MAX, |ticks| ticks as u64);
    let depth = if count == 0 {
        0
    } else {
        ticks_per_packet * most
    };
    Some(PacketLimit {
        key,
        ticks_per_packet,
        depth,
    })
}

/// A unit that nobody has named yet is read as a minute.
fn packets((unit, count): (u8, u16)) -> Packets {
    let seconds = match unit {
        1 => 6 * MINUTE,
        2 => HOUR,
        3 => DAY,
        4 => WEEK,
        _ => MINUTE,
    };
    Packets {
        count: count.into(),
        seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: LimitKey = LimitKey::Qer(1);

    fn limit(uplink: (u8, u16), additional: Option<(u8, u16)>) -> (u64, u64) {
        let rate = PacketRate {
            uplink: Some(uplink),
            downlink: None,
            additional: additional.map(|more| [Some(more), None]),
        };
        assert_eq!(of(KEY, &rate, Direction::Downlink), None);
        let limit = of(KEY, &rate, Direction::Uplink).unwrap();
        (limit.ticks_per_packet * TICK_NS, limit.depth * TICK_NS)
    }

    #[test]
    fn a_packet_takes_its_part_of_the_time_unit_and_the_bucket_has_all_of_them() {
        for (unit, seconds) in [(0, 60), (1, 360), (2, 3600), (3, 86_400), (4, 604_800)] {
            for count in [1, 20, 999, u16::MAX] {
                let (each, all) = limit((unit, count), None);
                let exact = seconds * 1_000_000_000 / u64::from(count);
                assert!(
                    each <= exact && exact - each <= TICK_NS,
                    "{each} of {exact}"
                );
                assert_eq!(all, each * u64::from(count));
            }
        }
        let rate = PacketRate {
            downlink: Some((2, 0)),
            ..PacketRate::default()
        };
        let nothing = of(KEY, &rate, Direction::Downlink).unwrap();
        assert_eq!((nothing.ticks_per_packet, nothing.depth), (u64::MAX, 0));
    }

    #[test]
    fn additional_packets_are_allowed_as_well() {
        // 30 a minute and 60 an hour are 31 a minute.
        let (each, all) = limit((0, 30), Some((2, 60)));
        let exact = 60_000_000_000 / 31;
        assert!(exact - each <= TICK_NS, "{each} of {exact}");
        assert_eq!(all, each * 90);
        assert_eq!(limit((0, 30), Some((2, 0))), limit((0, 30), None));
        let most = limit((4, u16::MAX), Some((4, u16::MAX)));
        assert!(most.1 <= 604_800_000_000_000);
        let none_but_additional = limit((4, 0), Some((4, 1)));
        assert_eq!(none_but_additional, limit((4, 1), None));
    }
}
