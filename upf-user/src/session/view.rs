//! Sessions as the REST API shows them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Bound;

use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Model, Pdr};
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
    /// Data network name or APN, where the control plane told it.
    pub dnn: Option<String>,
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
}

/// A local F-TEID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TunnelView {
    /// TEID.
    pub teid: u32,
    /// Our GTP-U address.
    #[schema(value_type = String)]
    pub address: Ipv4Addr,
}

/// A GTP-U peer's F-TEID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PeerTunnelView {
    /// TEID.
    pub teid: u32,
    /// The peer's GTP-U address.
    #[schema(value_type = String)]
    pub address: Ipv4Addr,
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
        let session = self.sessions.get(&seid)?;
        Some(self.view_of(seid, session))
    }

    /// At most `limit` sessions in the order of our SEIDs, from the first one after `after` on.
    #[must_use]
    pub fn list(&self, after: Option<u64>, limit: usize) -> Vec<SessionView> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let sessions = self.sessions.range((start, Bound::Unbounded));
        let sessions = sessions.take(limit);
        sessions
            .map(|(seid, session)| self.view_of(*seid, session))
            .collect()
    }

    fn view_of(&self, seid: u64, session: &Session) -> SessionView {
        let Session { model, seating, .. } = session;
        let tunnels = seating.tunnels();
        SessionView {
            seid,
            cp_seid: session.cp_f_seid.seid,
            control_plane: session.owner.to_string(),
            imsi: session.imsi.as_deref().map(str::to_owned),
            dnn: session.dnn.as_deref().map(str::to_owned),
            ue_addresses: ue_addresses(model),
            local_tunnels: tunnels
                .flat_map(|tunnel| tunnel_views(model, tunnel))
                .collect(),
            peer_tunnels: peer_tunnels(model),
            rates: rates(model),
            gates: gates(model),
            volumes: self.volumes(session).into(),
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

fn ue_addresses(model: &Model) -> Vec<String> {
    let ue = model.ue_addresses();
    let v4 = ue.v4.map(|v4| IpAddr::V4(v4).to_string());
    let v6 = ue.v6.map(|upper| {
        let mut octets = [0; 16];
        octets[..8].copy_from_slice(&upper);
        format!("{}/64", Ipv6Addr::from(octets))
    });
    v4.into_iter().chain(v6).collect()
}

fn peer_tunnels(model: &Model) -> Vec<PeerTunnelView> {
    let forwarding = model.fars.iter().filter(|far| far.forwards());
    let tunnels = forwarding.filter_map(|far| far.tunnel);
    tunnels
        .map(|tunnel| PeerTunnelView {
            teid: tunnel.teid,
            address: tunnel.address,
        })
        .collect()
}

/// The PDR that is looked at last.
fn default_pdr(model: &Model, direction: Direction) -> Option<&Pdr> {
    let order = model.in_precedence_order().into_iter().rev();
    order.into_iter().find(|pdr| pdr.traffic() == direction)
}

fn rates(model: &Model) -> Rates {
    let rate = |direction| {
        let (_, kbps) = model.mbr_of(default_pdr(model, direction)?)?;
        Some(kbps.saturating_mul(1000))
    };
    Rates {
        uplink_bits_per_second: rate(Direction::Uplink),
        downlink_bits_per_second: rate(Direction::Downlink),
    }
}

fn gates(model: &Model) -> Gates {
    let is_open =
        |direction| default_pdr(model, direction).is_none_or(|pdr| model.is_gate_open(pdr));
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
