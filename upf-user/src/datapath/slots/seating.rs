//! What a session takes of the tables: seats in slots, and peers.
//!
//! A slot has three seats. The *tunnel* seat is its uplink half, found by a TEID of ours; the *address* seat is
//! its downlink half, found by a UE address; the *meter* seat is the buckets in its state. An ordinary session
//! has one slot with all three taken. What only few sessions have is kept apart, so that the others do not pay for
//! it.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use upf_common::abi::{NO_USAGE, RuleListEntry, Rules};
use upf_common::meter::Rate;

use super::duplicates::DuplicateSet;
use super::framed::FramedRoute;
use super::limits::LimitKey;
use super::peers::PeerKey;
use super::sims::WantedSim;
use super::usages::{HalfKey, SetSeat, UsageSeat, WantedUsage};
use crate::bandwidth::Imsi;
use crate::datapath::{Direction, LimitSetting, SlotIndex};

/// A session's name for one of its local F-TEIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MeterKey {
    /// QER ID.
    pub qer: u32,
    /// Whether it is for traffic to the UE that comes through a tunnel of ours.
    pub is_downlink_tunnel: bool,
}

/// A UE address in a network instance; an IPv6 address is the /64 prefix with the lower half zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// UE addresses that we chose for it ([`super::SlotTable::allocate_address`]).
    pub allocated: Vec<UeEndpoint>,
    /// UE addresses that packets leave with, and that no packets of the session arrive for; none twice.
    pub named: Vec<UeEndpoint>,
    /// Networks behind the UE that do not overlap; they lead where an address of that instance leads.
    pub framed_routes: Vec<FramedRoute>,
    /// Meters, none twice.
    pub meters: Vec<MeterKey>,
    /// Limits beside those meters, none twice.
    pub limits: Vec<LimitKey>,
    /// Its SIM, where SIMs have limits.
    pub sim: Option<WantedSim>,
    /// Peers that are sent to, none twice.
    pub peers: Vec<PeerKey>,
    /// Where copies go, none twice.
    pub duplicates: Vec<DuplicateSet>,
    /// URRs that packets count for, none twice.
    pub usages: Vec<WantedUsage>,
    /// The URRs of each PDR, none twice.
    pub usage_sets: Vec<Box<[u32]>>,
}

/// A local F-TEID that a session needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedTunnel {
    /// The session's name for it.
    pub key: TunnelKey,
    /// Which way its packets go, as seen from the UE.
    pub traffic: Direction,
}

/// What a session has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seating {
    /// Its slots.
    pub seats: Vec<Seat>,
    /// The peers that it is a user of, by their index.
    pub(super) peers: Vec<u32>,
    /// The SIM whose record it is a user of.
    pub(super) sim: Option<Imsi>,
    /// Where its URRs are counted.
    pub(super) usages: Box<[UsageSeat]>,
    /// `None` if all of it is empty.
    extras: Option<Box<Extras>>,
}

/// What only few sessions have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extras {
    /// UE addresses that we chose.
    pub(super) allocated: Vec<UeEndpoint>,
    /// UE addresses of our pools that packets only leave with.
    pub(super) named: Vec<UeEndpoint>,
    /// Framed routes, each with the slot that it leads to.
    pub(super) framed_routes: Vec<(FramedRoute, SlotIndex)>,
    /// Limits beside the meters of its slots.
    pub(super) limits: Vec<LimitKey>,
    /// Where copies go.
    pub(super) duplicates: Vec<DuplicateSet>,
    /// What rules name, of URRs that have records.
    pub(super) usage_sets: Vec<SetSeat>,
}

/// One slot of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The session's name for it.
    pub key: TunnelKey,
    /// TEID.
    pub teid: u32,
    /// The first page that its rules lead to, if they do.
    pub list: Option<u32>,
}

/// A UE address that packets arrive for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub endpoint: UeEndpoint,
    /// The first page that its rules lead to, if they do.
    pub list: Option<u32>,
}

/// What a session's slots are to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// What their halves are to do.
    pub programs: Vec<Program>,
    /// The rates of the session's own meters.
    pub meters: Vec<Meter>,
    /// What the session asks of limits beside those.
    pub limits: Vec<Limit>,
}

/// What one half of a slot is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The slot.
    pub slot: SlotIndex,
    /// Which half.
    pub direction: Direction,
    /// Its rules; where they lead to pages, the index is that of the seat.
    pub rules: Rules,
    /// The list that the rules lead to; empty where they say all. [`Rules::list`] of an entry is a place in `beyond_quota`, or
    /// [`upf_common::abi::NO_LIST`].
    pub list: Vec<RuleListEntry>,
    /// Rules for packets beyond a quota; the first ones are those of `rules`, where there is no list.
    pub beyond_quota: Vec<Rules>,
}

impl Program {
    /// Whether both are of the same half.
    pub(super) fn is_of_half(&self, other: &Self) -> bool {
        self.slot == other.slot && self.direction == other.direction
    }
}

/// A meter of one half of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// The slot.
    pub slot: SlotIndex,
    /// Which half.
    pub direction: Direction,
    /// How much passes.
    pub rate: Rate,
}

/// One direction of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name.
    pub key: LimitKey,
    /// Which way the packets go.
    pub direction: Direction,
    /// What is asked of it; the parent is found when it is put into force.
    pub setting: LimitSetting,
    /// The one behind it; behind the last one is the SIM's.
    pub next: Option<LimitKey>,
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

    /// The first page that the rules of a half lead to.
    #[must_use]
    pub fn list(&self, direction: Direction) -> Option<u32> {
        match direction {
            Direction::Uplink => self.tunnel.and_then(|tunnel| tunnel.list),
            Direction::Downlink => self.address.and_then(|address| address.list),
        }
    }

    pub(super) fn set_list(&mut self, direction: Direction, first: Option<u32>) {
        match (direction, &mut self.tunnel, &mut self.address) {
            (Direction::Uplink, Some(tunnel), _) => tunnel.list = first,
            (Direction::Downlink, _, Some(address)) => address.list = first,
            _ => {}
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

    /// The slot that framed routes of a network instance lead to: that of the first UE address there.
    #[must_use]
    pub fn framed_slot(&self, instance: u32) -> Option<SlotIndex> {
        let taken = self.seats.iter();
        let taken = taken.filter_map(|seat| Some((seat.address?.endpoint, seat.slot)));
        let there = taken.filter(|(endpoint, _)| endpoint.instance == instance);
        there.min().map(|(_, slot)| slot)
    }

    /// UE addresses that we chose.
    #[must_use]
    pub fn allocated(&self) -> &[UeEndpoint] {
        self.extras().map_or(&[], |extras| &extras.allocated)
    }

    /// Framed routes, each with the slot that it leads to.
    #[must_use]
    pub fn framed_routes(&self) -> &[(FramedRoute, SlotIndex)] {
        self.extras().map_or(&[], |extras| &extras.framed_routes)
    }

    /// UE addresses of our pools that packets only leave with.
    pub(super) fn named(&self) -> &[UeEndpoint] {
        self.extras().map_or(&[], |extras| &extras.named)
    }

    /// The SIM whose record it is a user of.
    #[must_use]
    pub fn sim(&self) -> Option<Imsi> {
        self.sim
    }

    /// Limits beside the meters of its slots.
    #[must_use]
    pub fn limits(&self) -> &[LimitKey] {
        self.extras().map_or(&[], |extras| &extras.limits)
    }

    /// Where its URRs are counted.
    #[must_use]
    pub fn usages(&self) -> &[UsageSeat] {
        &self.usages
    }

    /// What rules of packets name that count for these URRs ([`Rules::usage`]).
    #[must_use]
    pub fn usage_set(&self, urrs: &[u32]) -> u32 {
        let with_records = self.with_records(urrs);
        let mut sets = self.usage_sets().iter();
        let set = sets.find(|set| *set.urrs == *with_records);
        set.map_or(NO_USAGE, |set| set.index)
    }

    /// Those URRs that have records.
    pub(super) fn with_records(&self, urrs: &[u32]) -> Box<[u32]> {
        let has_one = |urr: &&u32| {
            let mut usages = self.usages.iter();
            usages.any(|seat| seat.urr == **urr && seat.record().is_some())
        };
        urrs.iter().filter(has_one).copied().collect()
    }

    pub(super) fn usage_sets(&self) -> &[SetSeat] {
        self.extras().map_or(&[], |extras| &extras.usage_sets)
    }

    /// The slot and half that a tunnel or an address leads to.
    pub(super) fn half(&self, half: HalfKey) -> Option<(SlotIndex, Direction)> {
        let mut seats = self.seats.iter();
        match half {
            HalfKey::Tunnel(key) => {
                let is_it = |seat: &&Seat| seat.tunnel.is_some_and(|tunnel| tunnel.key == key);
                Some((seats.find(is_it)?.slot, Direction::Uplink))
            }
            HalfKey::Address(endpoint) => {
                let is_it = |seat: &&Seat| seat.address.is_some_and(|own| own.endpoint == endpoint);
                Some((seats.find(is_it)?.slot, Direction::Downlink))
            }
        }
    }

    pub(super) fn duplicates(&self) -> &[DuplicateSet] {
        self.extras().map_or(&[], |extras| &extras.duplicates)
    }

    fn extras(&self) -> Option<&Extras> {
        self.extras.as_deref()
    }

    pub(super) fn set_extras(&mut self, extras: Extras) {
        let is_empty = extras == Extras::default();
        self.extras = (!is_empty).then(|| Box::new(extras));
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = u32> {
        self.seats.iter().flat_map(|seat| {
            let halves = [Direction::Uplink, Direction::Downlink];
            halves.into_iter().filter_map(|half| seat.list(half))
        })
    }

    /// Whether it is one of its slots.
    #[must_use]
    pub fn has_slot(&self, slot: SlotIndex) -> bool {
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
