//! The User Plane Inactivity Timer of sessions (TS 29.244 clauses 5.11.3 and 8.2.83): a session through which no packet has
//! passed for so long is reported, once, and again when packets have come and stopped once more.

use std::time::Instant;

use super::Sessions;
use super::charging::Moment;
use super::slices::Slice;
use crate::datapath::{Account, Datapath, Direction};
use crate::pfcp::ie::NodeId;
use crate::pfcp::message::{SessionReport, SessionReportRequest};
use crate::usage::Millis;

/// What is known of a session's silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    /// The timer.
    seconds: u32,
    /// Since when nothing has passed, as far as it was looked.
    since: Millis,
    /// When the last packet passed, on the fast path's clock; 0 is never.
    last_ns: u64,
    is_told: bool,
    /// When it is looked at next.
    pub(super) deadline: Millis,
}

impl<D: Datapath> Sessions<D> {
    /// Watches a session as its timer says. A timer that has not changed goes on.
    pub(super) fn watch(&mut self, seid: u64, now: Instant) {
        let now = self.config.clock.millis_of(now);
        let Some(session) = self.sessions.get_mut(&seid) else {
            return;
        };
        let seconds = session.about.inactivity_timer;
        let seconds = seconds.filter(|seconds| *seconds > 0);
        let before = session.idle.take();
        if before.as_ref().map(|idle| idle.seconds) == seconds {
            session.idle = before;
            return;
        }
        if let Some(before) = before {
            self.idle_deadlines.remove(&(before.deadline, seid));
        }
        session.idle = seconds.map(|seconds| {
            let deadline = now.after_seconds(seconds);
            self.idle_deadlines.insert((deadline, seid));
            Box::new(Idle {
                seconds,
                since: now,
                last_ns: 0,
                is_told: false,
                deadline,
            })
        });
    }

    /// Reports sessions that have been silent for too long, as far as the slice goes.
    pub(super) fn report_silence(&mut self, mut slice: Slice, now: Instant) {
        let moment = self.moment(now);
        while let Some(&(at, seid)) = self.idle_deadlines.first()
            && at <= moment.now
            && slice.goes_on()
        {
            self.idle_deadlines.remove(&(at, seid));
            self.look_for_packets(seid, moment);
        }
    }

    fn look_for_packets(&mut self, seid: u64, moment: Moment) {
        let last_ns = self.last_packet_ns(seid);
        let has_ended = self.has_ended(seid);
        let Some(session) = self.sessions.get_mut(&seid) else {
            return;
        };
        let Some(idle) = session.idle.as_deref_mut() else {
            return;
        };
        if last_ns > idle.last_ns {
            (idle.last_ns, idle.since) = (last_ns, moment.at(last_ns));
            idle.is_told = false;
        }
        idle.deadline = idle.since.after_seconds(idle.seconds);
        if idle.deadline <= moment.now {
            let is_new = !std::mem::replace(&mut idle.is_told, true);
            idle.deadline = moment.now.after_seconds(idle.seconds);
            if is_new && !has_ended {
                let report = silence(seid, session.cp_f_seid.seid);
                self.silent.push((session.owner.clone(), report));
            }
        }
        let deadline = session.idle.as_ref().map(|idle| (idle.deadline, seid));
        self.idle_deadlines.extend(deadline);
    }

    /// 0 is never.
    fn last_packet_ns(&self, seid: u64) -> u64 {
        let session = self.sessions.get(&seid);
        let seats = session.map_or(&[][..], |session| &session.seating.seats);
        let halves = seats.iter().flat_map(|seat| {
            [Direction::Uplink, Direction::Downlink].map(|half| (Account::Slot(seat.slot), half))
        });
        let last = halves.filter_map(|(slot, half)| {
            let counters = self.tables.usage_counters(slot, half);
            counters.ok()?.last_ns
        });
        last.max().unwrap_or_default()
    }

    /// Reports about sessions that nobody has sent yet.
    pub(super) fn take_silent(&mut self) -> Vec<(NodeId, SessionReport)> {
        std::mem::take(&mut self.silent)
    }
}

fn silence(seid: u64, cp_seid: u64) -> SessionReport {
    SessionReport {
        seid,
        cp_seid,
        request: SessionReportRequest {
            is_user_plane_inactive: true,
            ..SessionReportRequest::default()
        },
    }
}
