//! Sessions as the REST API shows them.

mod bandwidth;
mod limits;
mod rules;
mod show;
mod usage;
pub(super) use show::ue_addresses;

use std::net::IpAddr;
use std::ops::Bound;

use serde::Serialize;
use utoipa::ToSchema;

pub use bandwidth::{CustomerView, LevelView, LimitDoneView, SimDirectionView, SimView};
pub use limits::SessionLimitView;
pub use rules::{
    BarView, FarView, MarView, PdrView, PeerTunnelView, QerView, RulesView, SdfFilterView,
    TrafficEndpointView, UrrView, VolumesView, WayView,
};
pub use usage::{
    CountView, LeftView, RemainingView, SessionUsageView, SimUsageView, TrafficView,
    UnreportedView, UrrUsageView,
};

use super::detection::Detection;
use super::model::{Model, traffic_from};
use super::slices::Portion;
use super::{Session, Sessions};
use crate::datapath::{Datapath, Direction, SlotCounters};
use crate::usage::SessionVolumes;

/// One PFCP session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionView {
    /// Our SEID.
    pub seid: u64,
    /// The control plane's SEID.
    pub cp_seid: u64,
    /// The control plane's Node ID.
    pub control_plane: String,
    /// The subscriber's IMSI, where the control plane told it.
    pub imsi: Option<String>,
    /// The subscriber's other identities, where the control plane told them.
    pub subscriber: SubscriberView,
    /// Data network name or APN, where the control plane told it.
    pub dnn: Option<String>,
    /// S-NSSAI: slice/service type, and the slice differentiator in hexadecimal digits.
    pub s_nssai: Option<String>,
    /// RAT Type (TS 29.244 clause 8.2.186).
    pub rat_type: Option<u8>,
    /// PDN Type: 1 IPv4, 2 IPv6, 3 IPv4v6, 4 non-IP, 5 Ethernet.
    pub pdn_type: Option<u8>,
    /// The UE's addresses: IPv4, or an IPv6 /64.
    pub ue_addresses: Vec<String>,
    /// Our F-TEIDs.
    pub local_tunnels: Vec<TunnelView>,
    /// F-TEIDs that packets are sent to.
    pub peer_tunnels: Vec<PeerTunnelView>,
    /// Bandwidth limits of the default flow: the PDR that is looked at last.
    pub rates: Rates,
    /// Gates of the default flow.
    pub gates: Gates,
    /// Traffic so far.
    pub volumes: Volumes,
    /// All limits that its packets meet, by level; null in lists of sessions.
    pub limits: Option<Vec<SessionLimitView>>,
    /// Its rules; null in lists of sessions.
    pub rules: Option<RulesView>,
}

/// A subscriber's identities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubscriberView {
    /// SUPI.
    pub supi: Option<String>,
    /// GPSI.
    pub gpsi: Option<String>,
    /// MSISDN.
    pub msisdn: Option<String>,
    /// IMEI.
    pub imei: Option<String>,
    /// PEI.
    pub pei: Option<String>,
    /// NAI.
    pub nai: Option<String>,
}

/// A local F-TEID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TunnelView {
    /// TEID.
    pub teid: u32,
    /// Our GTP-U address.
    #[schema(value_type = String)]
    pub address: IpAddr,
}

/// Bandwidth limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rates {
    /// From the UE; null where there is no limit.
    pub uplink_bits_per_second: Option<u64>,
    /// To the UE; null where there is no limit.
    pub downlink_bits_per_second: Option<u64>,
}

/// Gates of the QERs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Gates {
    /// From the UE.
    pub uplink_open: bool,
    /// To the UE.
    pub downlink_open: bool,
}

/// Traffic of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Volumes {
    /// From the UE.
    pub uplink: VolumeView,
    /// To the UE.
    pub downlink: VolumeView,
}

/// Traffic of one direction: inner packets, bytes from the inner IP header on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct VolumeView {
    /// Packets forwarded.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets dropped.
    pub dropped_packets: u64,
    /// Their bytes.
    pub dropped_bytes: u64,
}

impl<D: Datapath> Sessions<D> {
    /// One session by our SEID.
    #[must_use]
    pub fn view(&self, seid: u64) -> Option<SessionView> {
        let session = self.living(seid)?;
        let rules = RulesView::new(&self.config, &session.model, &session.basis);
        Some(SessionView {
            limits: Some(self.session_limits(seid, session)),
            rules: Some(rules),
            ..self.view_of(seid, session)
        })
    }

    /// At most `limit` sessions in the order of our SEIDs, from the first one after `after` on. Looks at every session
    /// on its way; [`Self::list_part`] is for those who must not take long.
    #[must_use]
    pub fn list(&self, after: Option<u64>, limit: usize) -> Vec<SessionView> {
        let (mut views, mut last) = (Vec::new(), after);
        while views.len() < limit {
            let (part, next) = self.list_part(last, limit - views.len(), usize::MAX);
            views.extend(part);
            if next.is_none() {
                break;
            }
            last = next;
        }
        views
    }

    /// The same of at most `most` sessions that are looked at, in a few milliseconds, and behind which one to go on;
    /// `None` at the end. Sessions that have ended are looked at but not shown.
    #[must_use]
    pub fn list_part(
        &self,
        after: Option<u64>,
        limit: usize,
        most: usize,
    ) -> (Vec<SessionView>, Option<u64>) {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut sessions = self.sessions.range((start, Bound::Unbounded)).take(most);
        let (mut views, mut last) = (Vec::new(), None);
        let mut slice = Portion {
            sessions: usize::MAX,
            ..self.look_portion
        }
        .begin();
        while views.len() < limit {
            let Some((seid, session)) = sessions.next() else {
                // Either there are no more, or `most` of them were looked at.
                break;
            };
            last = Some(*seid);
            if !self.endings.cover(session) {
                views.push(self.view_of(*seid, session));
            }
            if !slice.goes_on() {
                break;
            }
        }
        (views, last)
    }

    fn view_of(&self, seid: u64, session: &Session) -> SessionView {
        let Session { model, about, .. } = session;
        let detections = model.detections(&self.config, &session.basis);
        let s_nssai = about.s_nssai;
        SessionView {
            seid,
            cp_seid: session.cp_f_seid.seid,
            control_plane: session.owner.to_string(),
            imsi: about.imsi().map(str::to_owned),
            subscriber: subscriber(session),
            dnn: about.dnn.as_deref().map(str::to_owned),
            s_nssai: s_nssai.map(|slice| format!("{}-{:06x}", slice.sst, slice.sd)),
            rat_type: about.rat_type,
            pdn_type: about.pdn_type,
            ue_addresses: ue_addresses(model.ue_addresses()),
            local_tunnels: local_tunnels(session),
            peer_tunnels: peer_tunnels(model),
            rates: rates(&detections),
            gates: gates(&detections),
            volumes: self.volumes(session).into(),
            limits: None,
            rules: None,
        }
    }

    /// What a session's slots have counted, those included that it has no more. A slot that cannot be read is
    /// left out.
    fn volumes(&self, session: &Session) -> SessionVolumes {
        let mut volumes = session.past_volumes;
        for seat in &session.seating.seats {
            let counters = |direction| self.tables.counters(seat.slot, direction);
            if let (Ok(uplink), Ok(downlink)) =
                (counters(Direction::Uplink), counters(Direction::Downlink))
            {
                volumes.add_slot(seat, uplink, downlink);
            }
        }
        volumes
    }
}

fn subscriber(session: &Session) -> SubscriberView {
    let Some(user) = &session.about.user_id else {
        return SubscriberView::default();
    };
    SubscriberView {
        supi: user.supi.clone(),
        gpsi: user.gpsi.clone(),
        msisdn: user.msisdn.clone(),
        imei: user.imei.clone(),
        pei: user.pei.clone(),
        nai: user.nai.clone(),
    }
}

/// One for each of our addresses that an F-TEID has.
fn local_tunnels(session: &Session) -> Vec<TunnelView> {
    let seated = session.seating.tunnels();
    let tunnels = seated.flat_map(|seated| {
        let tunnel = session.model.tunnel(|tunnel| tunnel.key == seated.key);
        let v4 = tunnel.and_then(|tunnel| tunnel.ipv4).map(IpAddr::V4);
        let v6 = tunnel.and_then(|tunnel| tunnel.ipv6).map(IpAddr::V6);
        let addresses = v4.into_iter().chain(v6);
        addresses.map(|address| TunnelView {
            teid: seated.teid,
            address,
        })
    });
    tunnels.collect()
}

fn peer_tunnels(model: &Model) -> Vec<PeerTunnelView> {
    let tunnels = model.fars.iter().flat_map(|far| far.remote_tunnels());
    tunnels.map(PeerTunnelView::from).collect()
}

/// The one that is looked at last.
fn default_flow(detections: &[Detection], direction: Direction) -> Option<&Detection> {
    let mut flows = detections.iter().rev();
    flows.find(|flow| flow.pdr != 0 && traffic_from(flow.source) == direction)
}

fn rates(detections: &[Detection]) -> Rates {
    let rate = |direction| {
        let limits = &default_flow(detections, direction)?.limits;
        let kbps = limits.iter().map(|limit| limit.kbps).min()?;
        Some(kbps.saturating_mul(1000))
    };
    Rates {
        uplink_bits_per_second: rate(Direction::Uplink),
        downlink_bits_per_second: rate(Direction::Downlink),
    }
}

fn gates(detections: &[Detection]) -> Gates {
    let is_open =
        |direction| default_flow(detections, direction).is_none_or(|flow| flow.is_gate_open);
    Gates {
        uplink_open: is_open(Direction::Uplink),
        downlink_open: is_open(Direction::Downlink),
    }
}

impl From<SessionVolumes> for Volumes {
    fn from(volumes: SessionVolumes) -> Self {
        Self {
            uplink: volumes.uplink.into(),
            downlink: volumes.downlink.into(),
        }
    }
}

impl From<SlotCounters> for VolumeView {
    fn from(counters: SlotCounters) -> Self {
        Self {
            packets: counters.packets,
            bytes: counters.bytes,
            dropped_packets: counters.dropped_packets,
            dropped_bytes: counters.dropped_bytes,
        }
    }
}
