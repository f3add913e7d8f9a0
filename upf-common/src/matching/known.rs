//! Flows whose way through a list is known: a CPU's memory of what [`super::walk`] has said.
//!
//! A list of rules costs some nanoseconds for each of its filters, the same flow again only a comparison. Pages of lists are
//! written once and rest before they are written again, longer than an answer is believed: so answers need not be voided.

use super::{Flow, NO_ENTRY};
use crate::abi::maps::KNOWN_FLOWS;
use crate::abi::plain;

/// How long an answer is believed: half as long as a page rests.
pub const LIFETIME_NS: u64 = 500_000_000;

/// What [`KnownFlow::answer`] says where [`super::walk`] has to be asked.
pub const UNKNOWN: u64 = NO_ENTRY - 1;

/// Words of a question.
const WORDS: usize = 9;
/// Odd numbers without a pattern, one for each word.
const MIX: [u64; WORDS] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
    0x1d8e_4e27_c47d_124f,
];

/// All that an answer depends on: the list, the QFI's bit and the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Question([u64; WORDS]);

impl Question {
    /// No question that a packet asks.
    pub const NONE: Self = Self([0; WORDS]);

    /// Becomes this question: in words, without the gaps that a record has. In place, word by word, for the sake of BPF's small
    /// stack.
    #[inline(always)]
    pub fn ask(&mut self, list: u32, qfi_bit: u64, flow: &Flow) {
        let pair = |high: u32, low: u32| u64::from(high) << u32::BITS | u64::from(low);
        let octets = u32::from(flow.protocol) << 8 | u32::from(flow.tos);
        let ([a, b], [c, d]) = (flow.remote.words(), flow.local.words());
        for (own, word) in self.0.iter_mut().zip([
            a,
            b,
            c,
            d,
            pair(flow.remote_port, flow.local_port),
            pair(flow.flow_label, octets),
            flow.spi,
            qfi_bit,
            list.into(),
        ]) {
            put(own, word);
        }
    }

    /// Where its answer is remembered.
    #[inline(always)]
    #[must_use]
    pub fn index(&self) -> u32 {
        let mixed = self.0.iter().zip(MIX);
        let mixed = mixed.fold(0, |sum: u64, (word, mix)| {
            sum.wrapping_add((word ^ word >> 29).wrapping_mul(mix))
        });
        // The upper bits: there all bits of all words leave their mark.
        (mixed >> (u64::BITS - KNOWN_FLOWS.ilog2())) as u32
    }
}

/// Writes a word to where it is, not to the stack first.
#[inline(always)]
fn put(place: &mut u64, word: u64) {
    // SAFETY: a reference is aligned and valid.
    unsafe { core::ptr::from_mut(place).write_volatile(word) };
}

/// A remembered answer. Zeroed memory is one that has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct KnownFlow {
    question: Question,
    /// What [`super::walk`] said.
    place: u64,
    /// Until when, on the fast path's clock.
    expires_ns: u64,
}

impl KnownFlow {
    /// Nothing is known.
    pub const NOTHING: Self = Self {
        question: Question::NONE,
        place: NO_ENTRY,
        expires_ns: 0,
    };

    /// The answer to this question, or [`UNKNOWN`].
    #[inline(always)]
    #[must_use]
    pub fn answer(&self, question: &Question, now_ns: u64) -> u64 {
        if self.differs_from(question) == 0 && now_ns < self.expires_ns {
            self.place
        } else {
            UNKNOWN
        }
    }

    /// Remembers what [`super::walk`] has said.
    #[inline(always)]
    pub fn remember(&mut self, question: &Question, place: u64, now_ns: u64) {
        for (own, word) in self.question.0.iter_mut().zip(question.0) {
            put(own, word);
        }
        self.place = place;
        self.expires_ns = now_ns.wrapping_add(LIFETIME_NS);
    }

    /// 0 where it is the same question: in one go, without a branch for each word.
    #[inline(always)]
    fn differs_from(&self, question: &Question) -> u64 {
        let words = self.question.0.iter().zip(&question.0);
        words.fold(0, |sum, (own, other)| sum | (own ^ other))
    }
}

plain! {
    KnownFlow: 88, 8;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::IpAddress;
    use std::collections::HashSet;

    fn question(list: u32, qfi_bit: u64, flow: &Flow) -> Question {
        let mut question = Question::NONE;
        question.ask(list, qfi_bit, flow);
        question
    }

    fn flow(port: u32) -> Flow {
        Flow {
            remote: IpAddress::from_v4([192, 0, 2, 80]),
            local: IpAddress::from_v4([10, 45, 0, 1]),
            remote_port: port,
            local_port: 2,
            protocol: 6,
            tos: 3,
            spi: 4,
            flow_label: 5,
        }
    }

    #[test]
    fn the_same_question_is_answered_without_a_walk_for_a_while() {
        let mut known = KnownFlow::NOTHING;
        let (ours, other) = (question(7, 1, &flow(443)), question(8, 1, &flow(443)));
        assert_eq!(known.answer(&ours, 1000), UNKNOWN);
        known.remember(&ours, 5, 1000);
        let end = 1000 + LIFETIME_NS;
        assert_eq!(known.answer(&ours, end - 1), 5);
        assert_eq!(known.answer(&ours, end), UNKNOWN);
        assert_eq!(known.answer(&other, 1000), UNKNOWN);
        known.remember(&other, NO_ENTRY, 1000);
        assert_eq!(known.answer(&other, 1000), NO_ENTRY);
        assert_eq!(known.answer(&ours, 1000), UNKNOWN, "one at a time");
    }

    #[test]
    fn whatever_an_answer_depends_on_makes_another_question() {
        let base = flow(443);
        let flows = [
            Flow {
                remote: base.local,
                ..base
            },
            Flow {
                local: base.remote,
                ..base
            },
            flow(80),
            Flow {
                local_port: 9,
                ..base
            },
            Flow {
                protocol: 17,
                ..base
            },
            Flow { tos: 9, ..base },
            Flow { spi: 9, ..base },
            Flow {
                flow_label: 9,
                ..base
            },
        ];
        let ours = question(7, 1, &base);
        for other in flows.iter().map(|flow| question(7, 1, flow)) {
            assert_ne!(ours, other);
            let mut known = KnownFlow::NOTHING;
            known.remember(&ours, 5, 1000);
            assert_eq!(known.answer(&other, 1000), UNKNOWN);
        }
        assert_ne!(ours, question(7, 2, &base));
    }

    #[test]
    fn flows_do_not_share_a_place() {
        let ports = 0..KNOWN_FLOWS / 8;
        let places: HashSet<_> = ports
            .map(|port| question(7, 0, &flow(port)).index())
            .collect();
        assert!(places.iter().all(|place| *place < KNOWN_FLOWS));
        assert!(
            places.len() as u32 > KNOWN_FLOWS / 8 * 9 / 10,
            "{}",
            places.len()
        );
        let ues = (0..KNOWN_FLOWS / 8).map(|ue| {
            let local = IpAddress::from_v4((0x0a2d_0000 + ue).to_be_bytes());
            question(7 + ue, 0, &Flow { local, ..flow(443) }).index()
        });
        let places: HashSet<_> = ues.collect();
        assert!(
            places.len() as u32 > KNOWN_FLOWS / 8 * 9 / 10,
            "{}",
            places.len()
        );
    }
}
