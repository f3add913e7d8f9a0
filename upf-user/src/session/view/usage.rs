//! Usage of sessions and SIMs as the REST API shows it.

use std::time::Instant;

use serde::Serialize;
use utoipa::ToSchema;

use crate::bandwidth::Imsi;
use crate::datapath::Datapath;
use crate::pfcp::ie::MeasurementMethod as Method;
use crate::reports::utc;
use crate::session::{Session, Sessions};
use crate::usage::{Count, Left, Millis, Remaining, Standing};

/// What the sessions of a SIM have used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimUsageView {
    /// IMSI.
    pub imsi: String,
    /// What has passed of all the sessions below, each packet once.
    pub passed: TrafficView,
    /// Its sessions in the order of our SEIDs; of very many only the first ones.
    pub sessions: Vec<SessionUsageView>,
}

/// What a session has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionUsageView {
    /// Our SEID.
    pub seid: u64,
    /// The subscriber's IMSI, where the control plane told it.
    pub imsi: Option<String>,
    /// What has passed, each packet once, whether URRs count it or not.
    pub passed: TrafficView,
    /// Its URRs in the order of their making.
    pub urrs: Vec<UrrUsageView>,
}

/// What a URR has counted, and what it may still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UrrUsageView {
    /// URR ID.
    pub id: u32,
    /// Measurement Method: volume, duration, event.
    pub methods: Vec<&'static str>,
    /// When it was created. This and the other times: UTC, RFC 3339.
    #[schema(example = "2026-11-25T12:43:42.007Z")]
    pub since: String,
    /// What it has counted since then, whatever it reports.
    pub counted: TrafficView,
    /// What no report has told yet.
    pub unreported: UnreportedView,
    /// UR-SEQN of its last report; null before the first.
    pub last_sequence: Option<u32>,
    /// When the last packet passed; null where there was none.
    pub last_packet: Option<String>,
    /// Its thresholds; they count anew from each report.
    pub thresholds: RemainingView,
    /// Its quotas.
    pub quotas: RemainingView,
    /// When the validity of its quotas is over; null where it has no end.
    pub quotas_expire: Option<String>,
    /// Whether its traffic is stopped, because a quota is used up or its validity is over.
    pub is_stopped: bool,
}

/// Usage since a URR's last report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnreportedView {
    /// When it begins.
    pub since: String,
    /// What was measured; nothing where volume is not.
    #[serde(flatten)]
    pub traffic: TrafficView,
    /// Metered time; null where time is not measured.
    pub seconds: Option<u64>,
}

/// Inner packets and their bytes, from the inner IP header on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrafficView {
    /// From the UE.
    pub uplink: CountView,
    /// To the UE.
    pub downlink: CountView,
    /// Both together.
    pub total: CountView,
}

/// Packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct CountView {
    /// How many.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Thresholds or quotas; null where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RemainingView {
    /// Bytes of both directions together.
    pub total_bytes: Option<LeftView>,
    /// Bytes from the UE.
    pub uplink_bytes: Option<LeftView>,
    /// Bytes to the UE.
    pub downlink_bytes: Option<LeftView>,
    /// Metered time.
    pub seconds: Option<LeftView>,
    /// Events.
    pub events: Option<LeftView>,
}

/// An amount that the control plane has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftView {
    /// All of it.
    pub given: u64,
    /// What is left of it.
    pub left: u64,
}

impl<D: Datapath> Sessions<D> {
    /// What a session has used until now, by our SEID.
    #[must_use]
    pub fn usage(&self, seid: u64, now: Instant) -> Option<SessionUsageView> {
        let session = self.living(seid)?;
        Some(SessionUsageView {
            seid,
            imsi: session.about.imsi().map(str::to_owned),
            passed: self.passed(session),
            urrs: self.urrs_used(session, now),
        })
    }

    fn passed(&self, session: &Session) -> TrafficView {
        let volumes = self.volumes(session);
        let both = [volumes.uplink, volumes.downlink];
        TrafficView::new(both.map(|counters| CountView {
            packets: counters.packets,
            bytes: counters.bytes,
        }))
    }

    fn urrs_used(&self, session: &Session, now: Instant) -> Vec<UrrUsageView> {
        let charging = session.charging.as_deref();
        let standings = charging.map(|one| one.standings(&self.tables, self.moment(now)));
        let standings = standings.unwrap_or_default().into_iter();
        standings.map(UrrUsageView::from).collect()
    }
}

impl SimUsageView {
    /// Of its sessions.
    #[must_use]
    pub fn new(imsi: Imsi, sessions: Vec<SessionUsageView>) -> Self {
        let passed = sessions.iter().map(|session| session.passed);
        let passed = passed.reduce(|sum, one| {
            TrafficView::new([sum.uplink.and(one.uplink), sum.downlink.and(one.downlink)])
        });
        Self {
            imsi: imsi.to_string(),
            passed: passed.unwrap_or_default(),
            sessions,
        }
    }
}

impl From<Standing> for UrrUsageView {
    fn from(standing: Standing) -> Self {
        let time = |at: Millis| utc::millis(at.0);
        Self {
            id: standing.id,
            methods: methods(standing.method),
            since: time(standing.began),
            counted: standing.counted.into(),
            unreported: UnreportedView {
                since: time(standing.reported_until),
                traffic: standing.unreported.into(),
                seconds: standing.unreported_millis.map(|millis| millis / 1000),
            },
            last_sequence: standing.last_sequence,
            last_packet: standing.last_packet.map(time),
            thresholds: standing.thresholds.into(),
            quotas: standing.quotas.into(),
            quotas_expire: standing.quotas_expire.map(time),
            is_stopped: standing.is_stopped,
        }
    }
}

fn methods(bits: u8) -> Vec<&'static str> {
    let names = [
        (Method::VOLUM, "volume"),
        (Method::DURAT, "duration"),
        (Method::EVENT, "event"),
    ];
    let set = names.into_iter().filter(|(bit, _)| bits & bit != 0);
    set.map(|(_, name)| name).collect()
}

impl TrafficView {
    fn new([uplink, downlink]: [CountView; 2]) -> Self {
        Self {
            uplink,
            downlink,
            total: uplink.and(downlink),
        }
    }
}

impl From<[Count; 2]> for TrafficView {
    fn from(both: [Count; 2]) -> Self {
        Self::new(both.map(|Count { packets, bytes }| CountView { packets, bytes }))
    }
}

impl CountView {
    fn and(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_add(other.packets),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl From<Remaining> for RemainingView {
    fn from(remaining: Remaining) -> Self {
        let view = |left: Option<Left>| left.map(|Left { of, left }| LeftView { given: of, left });
        let [total, uplink, downlink] = remaining.bytes.map(view);
        let in_seconds = |Left { of, left }: Left| LeftView {
            given: of / 1000,
            left: left.div_ceil(1000),
        };
        Self {
            total_bytes: total,
            uplink_bytes: uplink,
            downlink_bytes: downlink,
            seconds: remaining.millis.map(in_seconds),
            events: view(remaining.events),
        }
    }
}
