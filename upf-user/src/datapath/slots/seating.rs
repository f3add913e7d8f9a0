//! What a session takes of the tables: seats in slots, and peers.
//!
//! A slot has three seats. The *tunnel* seat is its uplink half, found by a TEID of ours; the *address* seat is
//! its downlink half, found by a UE address; the *meter* seat is the buckets in its state. An ordinary session
//! has one slot with all three taken.

use std::net::{IpAddr, Ipv4Addr};

use upf_common::abi::{RuleList, Rules};

use super::peers::PeerKey;
use crate::datapath::{Direction, SlotIndex};

/// A session's name for one of its local F-TEIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TunnelKey {
    /// Shared by all PDRs with this CHOOSE ID (TS 29.244 clause 8.2.3).
    Shared(u8),
    /// The n-th that was chosen for one PDR alone.
    Own(u32),
    /// This TEID, given by the control plane.
    Given(u32),
}

/// A session's name for one of its meters.
///
/// The fast path takes the bucket from the slot's half by which the packet came, so traffic towards the UE
/// that comes through a tunnel of ours (S5, N9) has a bucket beside the one for traffic from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeterKey {
    /// QER ID.
    pub qer: u32,
    /// Whether it is for traffic to the UE that comes through a tunnel of ours.
    pub is_downlink_tunnel: bool,
}

/// A UE address in a network instance; an IPv6 address is the /64 prefix with the lower half zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UeEndpoint {
    /// The network instance's number.
    pub instance: u32,
    /// The address.
    pub address: IpAddr,
}

/// What a session needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Local F-TEIDs, no key twice.
    pub tunnels: Vec<WantedTunnel>,
    /// UE addresses that packets arrive for, none twice.
    pub addresses: Vec<UeEndpoint>,
    /// Meters, none twice.
    pub meters: Vec<MeterKey>,
    /// Peers that are sent to, none twice.
    pub peers: Vec<PeerKey>,
}

/// A local F-TEID that a session needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedTunnel {
    /// The session's name for it.
    pub key: TunnelKey,
    /// Our GTP-U address.
    pub address: Ipv4Addr,
    /// Which way its packets go, as seen from the UE.
    pub traffic: Direction,
}

/// What a session has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seating {
    /// Its slots.
    pub seats: Vec<Seat>,
    /// The peers that it is a user of.
    pub peers: Vec<PeerKey>,
}

/// One slot of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The slot.
    pub slot: SlotIndex,
    /// Who has the uplink half.
    pub tunnel: Option<Tunnel>,
    /// Which way the packets go that the uplink half has counted; stays when the tunnel goes.
    pub tunnel_traffic: Option<Direction>,
    /// Who has the downlink half.
    pub address: Option<Address>,
    /// Who has the buckets.
    pub meter: Option<MeterKey>,
}

/// A local F-TEID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// The session's name for it.
    pub key: TunnelKey,
    /// TEID.
    pub teid: u32,
    /// Our GTP-U address.
    pub address: Ipv4Addr,
    /// Its rule list, if it has one.
    pub list: Option<u32>,
}

/// A UE address that packets arrive for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub endpoint: UeEndpoint,
    /// Its rule list, if it has one.
    pub list: Option<u32>,
}

/// What one half of a slot is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The slot.
    pub slot: SlotIndex,
    /// Which half.
    pub direction: Direction,
    /// Its rules; where there is a list, the index is that of the seat.
    pub rules: Rules,
    /// The list that the rules lead to.
    pub list: Option<Box<RuleList>>,
}

impl Seat {
    pub(super) fn new(slot: SlotIndex) -> Self {
        Self {
            slot,
            tunnel: None,
            tunnel_traffic: None,
            address: None,
            meter: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.tunnel.is_none() && self.address.is_none() && self.meter.is_none()
    }

    /// The rule list of a half.
    #[must_use]
    pub fn list(&self, direction: Direction) -> Option<u32> {
        match direction {
            Direction::Uplink => self.tunnel.and_then(|tunnel| tunnel.list),
            Direction::Downlink => self.address.and_then(|address| address.list),
        }
    }
}

impl Seating {
    /// The local F-TEIDs.
    pub fn tunnels(&self) -> impl Iterator<Item = &Tunnel> {
        self.seats.iter().filter_map(|seat| seat.tunnel.as_ref())
    }

    /// The UE addresses that packets arrive for.
    pub fn addresses(&self) -> impl Iterator<Item = UeEndpoint> {
        let taken = self.seats.iter().filter_map(|seat| seat.address);
        taken.map(|address| address.endpoint)
    }

    /// A local F-TEID by its name.
    #[must_use]
    pub fn tunnel(&self, key: TunnelKey) -> Option<&Tunnel> {
        self.tunnels().find(|tunnel| tunnel.key == key)
    }

    /// The slot whose state holds a meter's buckets.
    #[must_use]
    pub fn meter_slot(&self, key: MeterKey) -> Option<SlotIndex> {
        let seat = self.seats.iter().find(|seat| seat.meter == Some(key))?;
        Some(seat.slot)
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = u32> {
        self.seats.iter().flat_map(|seat| {
            let halves = [Direction::Uplink, Direction::Downlink];
            halves.into_iter().filter_map(|half| seat.list(half))
        })
    }

    pub(super) fn has_slot(&self, slot: SlotIndex) -> bool {
        self.seats.iter().any(|seat| seat.slot == slot)
    }

    pub(super) fn seat_mut(&mut self, slot: SlotIndex) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.slot == slot)
    }

    /// Leaves the seats that are not wanted any more.
    pub(super) fn leave_unwanted(&mut self, wanted: &Wanted) {
        for seat in &mut self.seats {
            seat.tunnel = seat
                .tunnel
                .filter(|tunnel| wanted.tunnels.iter().any(|want| want.key == tunnel.key));
            seat.address = seat
                .address
                .filter(|address| wanted.addresses.contains(&address.endpoint));
            seat.meter = seat.meter.filter(|key| wanted.meters.contains(key));
        }
    }

    pub(super) fn drop_empty_seats(&mut self) {
        self.seats.retain(|seat| !seat.is_empty());
    }
}
