//! Graceful release of associations (TS 29.244 clauses 5.18, 6.2.7 and 6.2.8).
//!
//! Only a control plane releases an association, at once, by an Association Release Request. The UP function can ask
//! for it by an Association Update Request with SARR, and give a Graceful Release Period in which sessions can be
//! moved; IEs of the first release of PFCP, so that every control plane is asked, with EPFAR or without. (What
//! EPFAR adds is the order in which last usage reports are sent.) At the period's end the association goes, released
//! or not, and what sessions are left. Until then they forward on, and new ones are refused.

use std::time::{Duration, Instant};

use super::event::{Action, Ending};
use super::own_requests::Wish;
use super::{Node, Timer, Turn};
use crate::pfcp::ie::NodeId;
use crate::pfcp::service::SessionService;

/// The units of a period by their code (clause 8.2.78).
const UNITS: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3600),
    Duration::from_secs(36_000),
];
const INFINITE: u8 = 7;
const MAX_VALUE: u128 = 31;

/// A period on the wire, rounded up to what can be said; more than 310 hours are infinite.
pub(super) fn encode_period(period: Duration) -> u8 {
    for (code, unit) in (0_u8..).zip(UNITS) {
        let value = period.as_millis().div_ceil(unit.as_millis());
        if value <= MAX_VALUE {
            return code << 5 | value as u8;
        }
    }
    INFINITE << 5
}

/// A period from the wire; `None` where it has no end. Units that are not known are minutes.
pub(super) fn decode_period(octet: u8) -> Option<Duration> {
    let code = octet >> 5;
    if code == INFINITE {
        return None;
    }
    let unit = UNITS.get(usize::from(code)).unwrap_or(&UNITS[1]);
    Some(*unit * u32::from(octet & 0x1f))
}

impl Node {
    /// Asks every control plane to release its association within the period, and takes no new ones from now on. All
    /// is done when [`Self::association_count`] is 0, at the period's end at the latest.
    pub fn release_all(
        &mut self,
        period: Duration,
        now: Instant,
        sessions: &mut dyn SessionService,
    ) -> Vec<Action> {
        let mut turn = Turn::new(now, sessions);
        self.is_ending = true;
        self.end_connections();
        let nodes: Vec<_> = self.associations.nodes().cloned().collect();
        for node in nodes {
            self.begin_release(&node, Some(period), &mut turn);
            self.keep_association(&node, &mut turn);
            self.wish(&node, Wish::Release(period), &mut turn);
        }
        self.ended(turn)
    }

    /// From now on an association takes no new sessions; at the period's end it goes.
    pub(super) fn begin_release(
        &mut self,
        node: &NodeId,
        period: Option<Duration>,
        turn: &mut Turn<'_>,
    ) {
        let Some(association) = self.associations.get_mut(node) else {
            return;
        };
        association.is_releasing = true;
        let at = period.and_then(|period| turn.now.checked_add(period));
        association.release_at = at;
        match at {
            Some(at) => self.timers.set(Timer::Release(node.clone()), at),
            None => self.timers.cancel(&Timer::Release(node.clone())),
        }
    }

    /// The period is over.
    pub(super) fn release_due(&mut self, node: &NodeId, turn: &mut Turn<'_>) {
        self.end(node, Ending::PeriodOver, turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_on_the_wire() {
        let cases = [
            (0, 0x00, 0),
            (1, 0x01, 2),
            (10, 0x05, 10),
            (62, 0x1f, 62),
            (63, 0x22, 120),
            (31 * 60, 0x3f, 31 * 60),
            (31 * 60 + 1, 0x44, 2400),
            (40 * 3600, 0x84, 40 * 3600),
        ];
        for (seconds, octet, rounded) in cases {
            assert_eq!(
                encode_period(Duration::from_secs(seconds)),
                octet,
                "{seconds} s"
            );
            assert_eq!(decode_period(octet), Some(Duration::from_secs(rounded)));
        }
        assert_eq!(encode_period(Duration::MAX), 0xe0);
        assert_eq!(decode_period(0xe3), None);
        assert_eq!(
            decode_period(0xa3),
            Some(Duration::from_secs(180)),
            "a spare unit"
        );
    }
}
