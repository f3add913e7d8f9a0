//! What is compiled into the tables: PDRs in which all that traffic endpoints, application IDs, predefined rules and
//! times stand for has been put in.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{Action, LocalTunnel, NetworkInstance, SdfFilter, UeAddresses, traffic_from};
use crate::datapath::Direction;
use crate::datapath::slots::MeterKey;
use crate::pfcp::ie::Interface;

/// One way in which packets are found, and what is done with them. A PDR becomes one, or several: one for each of its
/// traffic endpoints and predefined rules. While it is not active its filters are an empty list, so that it catches
/// nothing, and its F-TEID and UE address stay the session's. So does the F-TEID of a traffic endpoint without PDR, by
/// a detection for PDR 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detection {
    /// The PDR that it comes from.
    pub(super) pdr: u16,
    /// The lower, the earlier; absent means last. Of equal ones the PDR with the lower ID goes first.
    pub(super) precedence: Option<u32>,
    /// Where the packets come from.
    pub(super) source: Interface,
    /// The local F-TEID that they come by; `None` where they come to a UE address.
    pub(super) tunnel: Option<LocalTunnel>,
    /// The network instance that they come from.
    pub(super) network_instance: Option<NetworkInstance>,
    /// The UE's addresses of this PDR; empty where it names none.
    pub(super) ue: UeAddresses,
    /// Networks behind the UE.
    pub(super) framed: Vec<IpNet>,
    /// One of them has to match. `None` means every packet, an empty list no packet (an application without PFDs, a
    /// PDR that is not active).
    pub(super) filters: Option<Vec<SdfFilter>>,
    /// One of them has to match; empty means any, or none.
    pub(super) qfis: Vec<u8>,
    /// What is done.
    pub(super) action: Action,
    /// Where to, where the action is [`Action::Forward`].
    pub(super) forward: Option<Forward>,
    /// Where copies go.
    pub(super) duplicates: Vec<Forward>,
    /// Whether every QER lets the packets pass.
    pub(super) is_gate_open: bool,
    /// The limits of this direction; each has to let a packet pass.
    pub(super) limits: Vec<Limit>,
    /// What is guaranteed in this direction.
    pub(super) guarantees: Vec<Limit>,
    /// How many packets may pass in this direction.
    pub(super) packet_rates: Vec<PacketLimit>,
    /// The URRs that its packets count for, in order.
    pub(super) urrs: Box<[u32]>,
    /// QFI for the PDU Session Container.
    pub(super) qfi: Option<u8>,
    /// RQI for the PDU Session Container.
    pub(super) is_reflective: bool,
}

impl Detection {
    /// Which way its packets go.
    pub(super) fn traffic(&self) -> Direction {
        traffic_from(self.source)
    }

    /// The half of a slot that its packets come by.
    pub(super) fn half(&self) -> Direction {
        match self.tunnel {
            Some(_) => Direction::Uplink,
            None => Direction::Downlink,
        }
    }

    /// Whether its packets are on their way to the UE and come by a tunnel of ours.
    pub(super) fn is_downlink_tunnel(&self) -> bool {
        self.tunnel.is_some() && self.traffic() == Direction::Downlink
    }

    /// Where its packets go, unless they are dropped or held.
    pub(super) fn forward(&self) -> Option<&Forward> {
        let forward = self.forward.as_ref();
        forward.filter(|_| self.action == Action::Forward)
    }

    /// The name of the bucket that a QER of the session has for it.
    pub(super) fn meter_key(&self, qer: u32) -> MeterKey {
        MeterKey {
            qer,
            is_downlink_tunnel: self.is_downlink_tunnel(),
        }
    }
}

/// Where packets are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forward {
    /// Which side.
    pub(super) destination: Interface,
    /// The network instance.
    pub(super) network_instance: Option<NetworkInstance>,
    /// The GTP-U tunnel; without one the plain packet leaves.
    pub(super) tunnel: Option<RemoteTunnel>,
    /// DSCP of the outer header.
    pub(super) dscp: Option<u8>,
}

/// A tunnel endpoint of another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RemoteTunnel {
    /// TEID.
    pub teid: u32,
    /// GTP-U address: the one of those given that we can reach.
    pub address: IpAddr,
}

/// A bandwidth limit, or a guarantee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// Whose bucket it is.
    pub(super) key: LimitKey,
    /// MBR or GBR of the packets' direction, kbit/s (1000 bit/s).
    pub(super) kbps: u64,
}

/// A limit of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PacketLimit {
    /// Whose bucket it is.
    pub(super) key: LimitKey,
    /// What a packet takes, in units of 1,024 ns.
    pub(super) ticks_per_packet: u64,
    /// What the bucket has room for, in the same unit.
    pub(super) depth: u64,
}

/// Who shares a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum LimitKey {
    /// The PDRs of this session with this QER ID; that of a predefined rule has the highest bit set (clause 8.2.75).
    Qer(u32),
    /// All PDRs of the UE's sessions with this QER Correlation ID.
    Correlated(u32),
}

/// An end marker that is owed to the tunnel that a FAR has left (SNDEM, clause 8.2.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndMarker {
    /// The tunnel that is left.
    pub(super) tunnel: RemoteTunnel,
    /// The network instance that it was reached by.
    pub(super) network_instance: Option<NetworkInstance>,
}
