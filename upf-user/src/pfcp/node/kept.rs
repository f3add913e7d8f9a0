//! Another process that goes on where this one stops: what it needs is kept as it changes, before anything is said that
//! follows from it, and given back to it by [`Node::restore`].

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::answers;
use super::associations::Association;
use super::{Node, SEQUENCE_MASK, Timer, Turn};
use crate::pfcp::ie::NodeId;
use crate::pfcp::kept::{GivenAnswer, KeptAnswer, KeptAssociation, KeptNode};

/// Sequence numbers that are set aside at a time: more than can be used before more are.
const RESERVE: u32 = 1 << 20;

impl Node {
    /// Goes on where another process stopped; to be called before anything else. Whether the peers are still there is for
    /// heartbeats to find out, which begin at the next [`Self::tick`].
    pub fn restore(&mut self, kept: KeptNode, now: Instant) {
        let KeptNode {
            associations,
            answers,
            next_sequence,
        } = kept;
        if let Some(next) = next_sequence {
            self.next_sequence = next & SEQUENCE_MASK;
            self.reserved = 0;
        }
        for (node, kept) in associations {
            self.restore_association(node, &kept, now);
        }
        for answer in answers {
            self.restore_answer(answer, now);
        }
    }

    fn restore_association(&mut self, node: NodeId, kept: &KeptAssociation, now: Instant) {
        let address = kept.address;
        let release_at = kept.release_at_ms.map(|ms| self.instant_at(ms, now));
        let association = Association {
            since: self.instant_at(kept.since_ms, now),
            is_releasing: kept.is_releasing,
            release_at,
            ..Association::new(address, kept.recovery_time_stamp, kept.cp_features, now)
        };
        self.associations.insert(node.clone(), association);
        for address in &kept.addresses {
            self.associations.add_address(&node, *address);
        }
        self.connection_found(&node, address);
        if let Some(at) = release_at {
            self.timers.set(Timer::Release(node.clone()), at);
        }
        self.timers.set(Timer::Usage(node.clone()), now);
        self.timers.set(Timer::Heartbeat(node), now);
    }

    fn restore_answer(&mut self, answer: KeptAnswer, now: Instant) {
        let left = answer.until_ms().saturating_sub(self.millis_at(now));
        let age = self
            .answers_kept
            .saturating_sub(Duration::from_millis(left));
        let at = now.checked_sub(age).unwrap_or(now);
        match answer {
            KeptAnswer::Given(GivenAnswer {
                from,
                sequence,
                request_hash,
                bytes,
                ..
            }) => self.answers.insert(from, sequence, request_hash, bytes, at),
            KeptAnswer::Void { peer, .. } => {
                self.answers.forget(peer);
            }
        }
    }

    /// Keeps an association as it is now.
    pub(super) fn keep_association(&self, node: &NodeId, turn: &mut Turn<'_>) {
        let Some(association) = self.associations.get(node) else {
            return;
        };
        let kept = KeptAssociation {
            address: association.address,
            addresses: association.addresses.clone(),
            recovery_time_stamp: association.recovery_time_stamp,
            cp_features: association.cp_features,
            since_ms: self.millis_of(association.since, turn.now),
            is_releasing: association.is_releasing,
            release_at_ms: association
                .release_at
                .map(|at| self.millis_of(at, turn.now)),
        };
        turn.sessions.keep_association(node, Some(&kept));
    }

    /// Keeps an answer for when its request comes again, to us or to another process.
    pub(super) fn keep_answer(
        &mut self,
        (from, sequence): (SocketAddr, u32),
        request: &[u8],
        bytes: &[u8],
        turn: &mut Turn<'_>,
    ) {
        let request_hash = answers::hash(request);
        self.answers
            .insert(from, sequence, request_hash, bytes.to_vec(), turn.now);
        turn.sessions.keep_answer(KeptAnswer::Given(GivenAnswer {
            from,
            sequence,
            request_hash,
            bytes: bytes.to_vec(),
            until_ms: self.repeats_end_ms(turn.now),
        }));
    }

    /// A peer has begun anew: the answers to what came from its address are void.
    pub(super) fn forget_answers(&mut self, peer: IpAddr, turn: &mut Turn<'_>) {
        if self.answers.forget(peer) {
            let until_ms = self.repeats_end_ms(turn.now);
            let void = KeptAnswer::Void { peer, until_ms };
            turn.sessions.keep_answer(void);
        }
    }

    /// Sees to it that another process would not number its requests as we do ours.
    pub(super) fn reserve_sequence(&mut self, turn: &mut Turn<'_>) {
        if self.reserved < RESERVE / 2 {
            self.reserved = RESERVE;
            let next = self.next_sequence.wrapping_add(RESERVE) & SEQUENCE_MASK;
            turn.sessions.keep_sequence(next);
        }
    }

    /// Until when a request that is answered now may come again.
    fn repeats_end_ms(&self, now: Instant) -> u64 {
        let kept = u64::try_from(self.answers_kept.as_millis()).unwrap_or(u64::MAX);
        self.millis_at(now).saturating_add(kept)
    }

    /// Milliseconds since 1970.
    fn millis_at(&self, now: Instant) -> u64 {
        self.config.clock.millis_of(now).0
    }

    /// The same of a moment that may be before the clock began.
    fn millis_of(&self, moment: Instant, now: Instant) -> u64 {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let at = self.millis_at(now);
        match moment.checked_duration_since(now) {
            Some(later) => at.saturating_add(millis(later)),
            None => at.saturating_sub(millis(now.saturating_duration_since(moment))),
        }
    }

    /// The reverse; a moment that the clock does not have is now.
    fn instant_at(&self, millis: u64, now: Instant) -> Instant {
        let at = self.millis_at(now);
        let distance = Duration::from_millis(millis.abs_diff(at));
        let moment = match millis >= at {
            true => now.checked_add(distance),
            false => now.checked_sub(distance),
        };
        moment.unwrap_or(now)
    }
}
