//! What comes back out of numbers.

use super::super::steps::{Charge, Charged, End, Manner, Progress};
use super::super::words::{Load, Outcome, Tally};
use crate::abi::{LevelDirection, MARK_FLOW, MAX_CHAIN, level};
use crate::forward::tables::Way;
use proptest::prelude::*;

fn way(is_downlink: bool) -> Way {
    if is_downlink {
        Way::Downlink
    } else {
        Way::Uplink
    }
}

proptest! {
    #[test]
    fn loads_come_back(bytes: u32, way_down: bool, half_down: bool, tos: u8, marking: u8) {
        let (way, half) = (way(way_down), way(half_down));
        let load = Load::of_word(Load::new(bytes, way, half).with_marks(tos, marking).word());
        prop_assert_eq!((load.bytes(), load.way(), load.half()), (bytes, way, half));
        let capable = u64::from(matches!(tos & 3, 1 | 2));
        let marks = u64::from(marking & MARK_FLOW != 0);
        prop_assert_eq!(load.is_ecn_capable(), capable);
        prop_assert_eq!(load.may_flow_mark(), capable & marks);
        prop_assert!(!load.is_past_flow() && load.is_marked_by_flow() == 0);
        let past = load.past_flow(marks);
        prop_assert_eq!((past.is_past_flow(), past.is_marked_by_flow()), (true, marks));
        prop_assert_eq!((past.bytes(), past.way()), (bytes, way));
        prop_assert_eq!(past.is_ecn_capable(), capable);
    }

    #[test]
    fn outcomes_come_back(level: u8, limits in 0..2_u64, meter in 0..2_u64) {
        let held_back = Outcome::of_word(Outcome::held_back(level).word());
        prop_assert_eq!((held_back.is_held_back(), held_back.level()), (true, level));
        prop_assert!(held_back.is_marked() == 0 && !held_back.is_undecided());
        let by_meter = Outcome::held_back_by_meter();
        prop_assert_eq!((by_meter.is_held_back(), by_meter.level()), (true, level::FLOW));
        prop_assert!(Outcome::undecided().is_undecided());
        let passed = Outcome::of_word(Outcome::passed(limits, meter).word());
        prop_assert_eq!((passed.is_held_back(), passed.is_marked()), (false, limits | meter));
        let mut counted = LevelDirection::default();
        for outcome in [held_back, by_meter, passed] {
            outcome.count_metered(&mut counted, Load::new(9, Way::Uplink, Way::Uplink));
        }
        let expected = LevelDirection {
            passed_packets: 1,
            passed_bytes: 9,
            marked_packets: meter,
            marked_bytes: 9 * meter,
            dropped_packets: 1,
            dropped_bytes: 9,
        };
        prop_assert_eq!(counted, expected);
    }

    #[test]
    fn charges_come_back(parent: u32, class in 0..64_u16, level in 0..4_u8, bits in 0..8_u64) {
        let all = [Charge::LOW, Charge::GUARANTEED, Charge::NOT_GUARANTEED];
        let chosen = |number: usize| bits & 1 << number != 0;
        let flags = (0..3).filter(|number| chosen(*number)).map(|number| all[number]).sum();
        let charge = Charge::of_word(Charge::new(parent, Tally::of(class, level), flags).word());
        prop_assert_eq!((charge.parent(), charge.tally()), (parent, Tally::of(class, level)));
        for (number, flag) in all.into_iter().enumerate() {
            prop_assert_eq!(charge.has(flag), chosen(number));
        }
        prop_assert!(!charge.is_held_back());
        let held_back = Charge::of_word(Charge::held_back(level).word());
        prop_assert_eq!((held_back.is_held_back(), held_back.level()), (true, level));
    }

    #[test]
    fn progress_remembers(count in 0..=MAX_CHAIN as u32, low in 0..64_u32, number in 0..MAX_CHAIN as u32) {
        let charged = Charged::of_word(Charged::new(count, low).word());
        prop_assert_eq!((charged.count(), charged.low()), (count, low));
        let mut progress = Progress::new(charged);
        prop_assert_eq!((progress.low(), progress.taken()), (low, 0));
        let manner = progress.manner(number, charged);
        prop_assert_eq!(manner.is(Manner::CHARGED), number < count);
        progress.add(number, Charge::new(0, Tally::NONE, Charge::GUARANTEED));
        prop_assert!(progress.manner(count, charged).is(Manner::GUARANTEED));
        progress.add(number, Charge::new(0, Tally::NONE, Charge::NOT_GUARANTEED));
        prop_assert_eq!(progress.taken(), 1 << number);
        let tally = Tally::of(5, level::SIM);
        progress.add(number, Charge::new(0, tally, Charge::LOW));
        prop_assert_eq!((progress.low(), progress.passed()), (low | 1 << number, tally));
    }

    #[test]
    fn ends_come_back(word: u32) {
        prop_assert_eq!(End::of_word(word).word(), word);
    }
}
