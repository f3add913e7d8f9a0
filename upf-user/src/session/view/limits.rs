//! The limits that packets of a session meet, as the REST API shows them.

use serde::Serialize;
use upf_common::abi::{level, limit_flags};
use upf_common::meter::{PACKET_TICK_SHIFT, Rate};
use utoipa::ToSchema;

use super::bandwidth::{LimitDoneView, bps, name};
use crate::bandwidth::Imsi;
use crate::datapath::slots::{LimitKey as LimitName, LimitKind, LimitOwner};
use crate::datapath::{Datapath, Direction, LimitIndex};
use crate::session::detection::{Detection, LimitKey};
use crate::session::{Session, Sessions};

/// A limit or guarantee that packets of a session meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionLimitView {
    /// flow, session, sim or customer.
    pub level: &'static str,
    /// uplink or downlink.
    pub direction: &'static str,
    /// mbr, gbr, packet_rate, class or customer.
    pub kind: &'static str,
    /// QER ID, QER Correlation ID, speed class or customer.
    pub name: String,
    /// Its rate; null where there is none, and for packet rates.
    pub rate_bps: Option<u64>,
    /// Of a packet rate: how many packets its bucket has room for.
    pub packets: Option<u64>,
    /// And how long it takes to fill it, ms.
    pub packets_per_ms: Option<u64>,
    /// What it has done; null for the meter of a slot, which the session's volumes tell of.
    pub done: Option<LimitDoneView>,
}

impl<D: Datapath> Sessions<D> {
    /// The limits that packets of a session meet, those of flows first.
    pub(super) fn session_limits(&self, seid: u64, session: &Session) -> Vec<SessionLimitView> {
        let compiler = self.compiler(seid, session);
        let mut views = Vec::new();
        for detection in &compiler.detections {
            for limit in &detection.limits {
                if let LimitKey::Qer(qer) = limit.key
                    && compiler.chains.is_metered(qer)
                {
                    let view = SessionLimitView {
                        rate_bps: Some(limit.kbps.saturating_mul(1000)),
                        ..view(level::FLOW, detection.traffic(), "mbr", qer.to_string())
                    };
                    // All PDRs that have it would tell of it.
                    if !views.contains(&view) {
                        views.push(view);
                    }
                }
            }
        }
        let limits = compiler.chains.limits(&compiler.detections);
        for limit in limits.unwrap_or_default() {
            let index = self.books.limit_index(&limit.key);
            let asked = asked_bps(&compiler.detections, &limit.key, limit.direction);
            views.extend(
                index.map(|index| self.qer_limit(&limit.key, limit.direction, index, &asked)),
            );
        }
        if let Some(imsi) = session.seating.sim() {
            views.extend(self.sim_limits(imsi));
        }
        let order = |view: &SessionLimitView| {
            let levels = [level::FLOW, level::SESSION, level::SIM, level::CUSTOMER].map(name);
            levels.iter().position(|level| *level == view.level)
        };
        views.sort_by_key(order);
        views
    }

    /// What is in force of a limit of QERs; `asked` are the rates that the session's QERs ask of it.
    fn qer_limit(
        &self,
        key: &LimitName,
        direction: Direction,
        index: LimitIndex,
        asked: &[u64],
    ) -> SessionLimitView {
        let (kind, owner) = (key.kind, &key.owner);
        let setting = self.books.limit_setting(key, direction).unwrap_or_default();
        let number = match owner {
            LimitOwner::Qer(_, qer) => qer,
            LimitOwner::Correlated(_, correlation) => correlation,
        };
        let what = match kind {
            LimitKind::Guarantee => "gbr",
            LimitKind::Packets => "packet_rate",
            LimitKind::Rate => "mbr",
        };
        let done = Some(self.done(index, direction));
        let base = SessionLimitView {
            done,
            ..view(key.level(), direction, what, number.to_string())
        };
        if setting.flags & limit_flags::PACKETS != 0 {
            let ms = (setting.depth << PACKET_TICK_SHIFT) / 1_000_000;
            return SessionLimitView {
                packets: Some(setting.depth / setting.ticks_per_byte.max(1)),
                packets_per_ms: Some(ms),
                ..base
            };
        }
        let ticks = setting.ticks_per_byte;
        let is_asked = |bps: &&u64| Rate::from_bits_per_second(**bps).ticks_per_byte == ticks;
        let exact = asked.iter().find(is_asked).copied();
        SessionLimitView {
            rate_bps: exact.or_else(|| bits_per_second(ticks)),
            ..base
        }
    }

    fn sim_limits(&self, imsi: Imsi) -> Vec<SessionLimitView> {
        let Some(sim) = self.books.sim(imsi) else {
            return Vec::new();
        };
        let class = self.bandwidth.entitlement(imsi, None).class;
        let class = class.and_then(|class| self.bandwidth.class(class));
        let customer = sim.customer.as_ref();
        let of_customer = customer.and_then(|id| Some((id, self.books.customer(id)?.index)));
        let mut views = Vec::new();
        for direction in [Direction::Uplink, Direction::Downlink] {
            if let Some(class) = class {
                views.push(SessionLimitView {
                    rate_bps: bps(&class.limit, direction),
                    done: Some(self.done(sim.index, direction)),
                    ..view(level::SIM, direction, "class", class.name.to_string())
                });
            }
            if let Some((id, index)) = of_customer {
                let limit = self.bandwidth.customer_limit(id);
                views.push(SessionLimitView {
                    rate_bps: limit.and_then(|limit| bps(limit, direction)),
                    done: Some(self.done(index, direction)),
                    ..view(level::CUSTOMER, direction, "customer", id.0.to_string())
                });
            }
        }
        views
    }
}

/// The rate at which a byte takes so many ticks, which have 12 fractional bits of 1/1024 ns; good to 0.001 %.
fn bits_per_second(ticks_per_byte: u64) -> Option<u64> {
    if ticks_per_byte == u64::MAX {
        return Some(0);
    }
    let scaled = 8_000_000_000_u128 << 22;
    let bps = scaled.checked_div(ticks_per_byte.into())?;
    u64::try_from(bps).ok()
}

/// The rates that QERs ask of a limit, bit/s.
fn asked_bps(detections: &[Detection], key: &LimitName, direction: Direction) -> Vec<u64> {
    let of_direction = detections.iter().filter(|one| one.traffic() == direction);
    let limits = of_direction.flat_map(|one| match key.kind {
        LimitKind::Guarantee => &one.guarantees,
        _ => &one.limits,
    });
    limits
        .map(|limit| limit.kbps.saturating_mul(1000))
        .collect()
}

fn view(
    of_level: u8,
    direction: Direction,
    kind: &'static str,
    name_of: String,
) -> SessionLimitView {
    SessionLimitView {
        level: name(of_level),
        direction: match direction {
            Direction::Uplink => "uplink",
            Direction::Downlink => "downlink",
        },
        kind,
        name: name_of,
        rate_bps: None,
        packets: None,
        packets_per_ms: None,
        done: None,
    }
}
