//! Usage reports: made when requests, the fast path or time ask for them, and waiting for their way to the control plane.

use std::time::Instant;

use super::charging::{Charging, Moment};
use super::model::{Model, Pdr};
use super::slices::Slice;
use super::view::ue_addresses;
use super::{Session, Sessions};
use crate::datapath::slots::{LeftUsage, Seating};
use crate::datapath::{Account, Accounts, Datapath, Reached};
use crate::pfcp::ie::sm_request_flags;
use crate::pfcp::message::{SessionModificationRequest, UsageReport};
use crate::reports::{MadeReport, Outbox};
use crate::usage::{Millis, ReadTotals, SessionUsage};

/// What a modification does to URRs before it is in force.
pub(super) struct Charged {
    pub(super) charging: Charging,
    reports: Vec<UsageReport>,
}

impl<D: Datapath> Sessions<D> {
    /// The fast path says that a threshold is reached there, or a quota used up.
    pub fn usage_reached(&mut self, account: Account, what: Reached, now: Instant) {
        let Some(seid) = self.books.holder_of_account(account) else {
            return;
        };
        self.report_usage(seid, now, |charging, tables, moment| {
            let Some(urr) = charging.urr_of(account) else {
                return Vec::new();
            };
            let is_exhausted = what == Reached::Quota && is_exhausted(tables, account);
            let reports = charging.work(tables, moment, |usage, totals| {
                let limits = usage.limits(urr);
                let wants_packet = limits.is_some_and(|limits| limits.tells_next_packet);
                match what {
                    Reached::Quota if is_exhausted => usage.quota_exceeded(urr, moment.now, totals),
                    Reached::Threshold if wants_packet => {
                        usage.traffic_started(urr, moment.now, moment.now, totals)
                    }
                    // Told late, a quota is that of before.
                    Reached::Threshold | Reached::Quota => {
                        usage.mark_reached(urr, moment.now, totals)
                    }
                }
            });
            if is_exhausted {
                charging.go_on(urr);
            }
            reports
        });
    }

    /// No more packets come by this TEID of ours, says their sender (End Marker): the URRs of its PDRs may report that.
    pub fn end_marker_received(&mut self, teid: u32, now: Instant) {
        let Some(seid) = self.books.holder_of_teid(teid) else {
            return;
        };
        let session = self.living(seid);
        let urrs = session.map_or_else(Vec::new, |session| session.urrs_of_teid(teid));
        self.report_usage(seid, now, |charging, tables, moment| {
            charging.work(tables, moment, |usage, totals| {
                usage.end_marker_received(&urrs, moment.now, totals)
            })
        });
    }

    /// Where reports are kept.
    pub fn outbox(&mut self) -> Option<&mut Outbox> {
        self.outbox.as_mut()
    }

    pub(super) fn moment(&self, now: Instant) -> Moment {
        Moment {
            now: self.config.clock.millis_of(now),
            fast_path_ns: self.tables.now_ns(),
        }
    }

    /// The URRs of a new session.
    pub(super) fn begin_charging(
        &self,
        model: &Model,
        timer: Option<u32>,
        now: Instant,
    ) -> Charging {
        let mut charging = Charging::default();
        let now = self.config.clock.millis_of(now);
        charging.usage.set_inactivity_timer(timer);
        for urr in model.urrs.iter() {
            charging.begin(urr.id);
            charging.usage.create(urr, now);
        }
        charging.set_actions(model);
        charging
    }

    /// What a modification does to URRs, but for those that it removes: those count on until it is in force.
    pub(super) fn charge_modification(
        &self,
        session: &Session,
        next: &Model,
        request: &SessionModificationRequest,
        now: Instant,
    ) -> Charged {
        let moment = self.moment(now);
        let mut charging = session.charging.as_deref().cloned().unwrap_or_default();
        let removed = request.remove_urrs.iter().copied();
        let replaced: Vec<_> = removed.filter(|id| is_created(request, *id)).collect();
        let said = charging.said(&self.tables, &replaced);
        let reports = charging.work_with(&self.tables, moment, &said, |usage, totals| {
            changed(usage, request, moment.now, totals)
        });
        for create in &request.create_urrs {
            charging.replace(create.id, &said);
        }
        charging.set_actions(next);
        Charged { charging, reports }
    }

    /// The same when it is in force: the last reports of URRs that are removed, and those of URRs that no PDR has any more.
    pub(super) fn charged(
        &mut self,
        charged: Charged,
        (before, after): (&Model, &Model),
        request: &SessionModificationRequest,
        now: Instant,
    ) -> (Charging, Vec<UsageReport>) {
        let left = left_alone(before, after, request);
        let removed = request.remove_urrs.iter().copied();
        let removed: Vec<_> = removed.filter(|id| !is_created(request, *id)).collect();
        let moment = self.moment(now);
        let Charged {
            mut charging,
            mut reports,
        } = charged;
        if !left.is_empty() {
            reports.extend(charging.work(&self.tables, moment, |usage, totals| {
                usage.dissociate(&left, moment.now, totals)
            }));
        }
        if !removed.is_empty() {
            reports.extend(charging.work(&self.tables, moment, |usage, totals| {
                usage.remove(&removed, moment.now, totals)
            }));
            charging.end(&removed);
        }
        (charging, reports)
    }

    /// The last reports of a session that ends.
    pub(super) fn end_charging(&self, charging: &mut Charging, now: Instant) -> Vec<UsageReport> {
        let moment = self.moment(now);
        charging.work(&self.tables, moment, |usage, totals| {
            usage.terminate(moment.now, totals)
        })
    }

    /// The last reports of a session that has ended without its control plane's asking.
    pub(super) fn report_last_usage(&mut self, seid: u64, left: &[LeftUsage], now: Instant) {
        let Some(session) = self.sessions.get(&seid) else {
            return;
        };
        let Some(mut charging) = session.charging.as_deref().cloned() else {
            return;
        };
        charging.follow(&[], left, &Seating::default());
        let reports = self.end_charging(&mut charging, now);
        self.send_usage(seid, &reports, now);
    }

    /// Puts what URRs demand by now into force, and plans when they are looked at again.
    pub(super) fn put_charging_in(
        &mut self,
        seid: u64,
        mut charging: Charging,
    ) -> Option<Box<Charging>> {
        if let Some(old) = charging.deadline.take() {
            self.usage_deadlines.remove(&(old, seid));
        }
        if charging.is_empty() {
            return None;
        }
        if let Err(error) = charging.tell(&mut self.tables) {
            tracing::error!(%error, seid, "quotas and thresholds cannot be put into force");
        }
        charging.deadline = charging.usage.next_deadline();
        let deadline = charging.deadline.map(|at| (at, seid));
        self.usage_deadlines.extend(deadline);
        Some(Box::new(charging))
    }

    /// Has a session report what is due.
    pub(super) fn report_usage(
        &mut self,
        seid: u64,
        now: Instant,
        report: impl FnOnce(&mut Charging, &D, Moment) -> Vec<UsageReport>,
    ) {
        let moment = self.moment(now);
        if self.has_ended(seid) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&seid) else {
            return;
        };
        let Some(mut charging) = session.charging.take() else {
            return;
        };
        let reports = report(&mut charging, &self.tables, moment);
        if charging.other_maps == 0 {
            self.has_reported(seid);
        } else {
            self.has_changed(seid);
        }
        let charging = self.put_charging_in(seid, *charging);
        if let Some(session) = self.sessions.get_mut(&seid) {
            session.charging = charging;
        }
        self.send_usage(seid, &reports, now);
    }

    /// Reports of a session with what there is to know of it.
    pub(super) fn described(
        &self,
        seid: u64,
        session: &Session,
        reports: &[UsageReport],
        now: Instant,
    ) -> Vec<MadeReport> {
        let made = |report: &UsageReport| MadeReport {
            node: session.owner.clone(),
            seid,
            cp_seid: session.cp_f_seid.seid,
            imsi: session.about.imsi().and_then(|imsi| imsi.parse().ok()),
            dnn: session.about.dnn.clone(),
            ue_addresses: ue_addresses(session.model.ue_addresses())
                .into_iter()
                .map(String::into_boxed_str)
                .collect(),
            made_ms: self.config.clock.millis_of(now).0,
            report: report.clone(),
        };
        reports.iter().map(made).collect()
    }

    /// Takes note of reports that are in an answer.
    pub(super) fn answer_usage(
        &mut self,
        seid: u64,
        session: &Session,
        reports: &[UsageReport],
        now: Instant,
    ) {
        let made = self.described(seid, session, reports, now);
        self.made.answered.extend(made);
    }

    /// Sends reports of a session that is there.
    fn send_usage(&mut self, seid: u64, reports: &[UsageReport], now: Instant) {
        if let Some(session) = self.sessions.get(&seid).filter(|_| !reports.is_empty()) {
            let made = self.described(seid, session, reports, now);
            self.made.reports.extend(made);
        }
    }

    /// Reports what time has made due, as far as the slice goes.
    pub(super) fn report_due_usage(&mut self, mut slice: Slice, now: Instant) {
        let millis = self.config.clock.millis_of(now);
        while let Some(&(at, seid)) = self.usage_deadlines.first()
            && at <= millis
            && slice.goes_on()
        {
            self.usage_deadlines.remove(&(at, seid));
            self.report_usage(seid, now, |charging, tables, moment| {
                charging.work(tables, moment, |usage, totals| {
                    usage.poll(moment.now, totals)
                })
            });
        }
    }
}

impl Session {
    /// The URRs of PDRs by whose F-TEID packets come.
    fn urrs_of_teid(&self, teid: u32) -> Vec<u32> {
        let mut tunnels = self.seating.tunnels();
        let tunnel = tunnels.find(|tunnel| tunnel.teid == teid);
        let comes_by_it = |pdr: &&Pdr| {
            let ways = self.model.ways_of(pdr);
            let mut own = ways.iter().filter_map(|way| way.tunnel);
            own.any(|own| tunnel.is_some_and(|tunnel| tunnel.key == own.key))
        };
        let pdrs = self.model.pdrs.iter().filter(comes_by_it);
        pdrs.flat_map(|pdr| self.model.urrs_of(pdr)).collect()
    }
}

fn is_exhausted(tables: &impl Accounts, account: Account) -> bool {
    tables.is_exhausted(account).unwrap_or_else(|error| {
        tracing::error!(%error, ?account, "a quota cannot be looked at");
        true
    })
}

/// What a modification asks of URRs but for removals that come when it is in force.
fn changed(
    usage: &mut SessionUsage,
    request: &SessionModificationRequest,
    now: Millis,
    totals: ReadTotals<'_>,
) -> Vec<UsageReport> {
    let reference = request.query_urr_reference;
    let mut reports = if request.flags & sm_request_flags::QAURR != 0 {
        usage.query_all(reference, now, totals)
    } else if request.query_urrs.is_empty() {
        Vec::new()
    } else {
        usage.query(&request.query_urrs, reference, now, totals)
    };
    for update in &request.update_urrs {
        usage.update(update, now, totals);
    }
    if let Some(seconds) = request.user_plane_inactivity_timer {
        usage.set_inactivity_timer(Some(seconds));
    }
    // A URR that takes the place of one with its ID: the removal comes first.
    let replaced = request.remove_urrs.iter().copied();
    let replaced: Vec<_> = replaced.filter(|id| is_created(request, *id)).collect();
    if !replaced.is_empty() {
        reports.extend(usage.remove(&replaced, now, totals));
    }
    for create in &request.create_urrs {
        usage.create(&create.whole(), now);
    }
    reports
}

/// URRs that some PDR had and none has any more, and that stay.
fn left_alone(before: &Model, after: &Model, request: &SessionModificationRequest) -> Vec<u32> {
    let used = after.used_urrs();
    let left = before.used_urrs().into_iter();
    let left = left.filter(|urr| !used.contains(urr) && after.urrs.has(*urr));
    left.filter(|urr| !is_created(request, *urr)).collect()
}

fn is_created(request: &SessionModificationRequest, urr: u32) -> bool {
    request.create_urrs.iter().any(|create| create.id == urr)
}
