//! Giving sessions back what they had before our restart: the slots, and with them the TEIDs, that gNBs send to.

use super::prepare::{Prepared, Undo};
use super::seating::{MeterKey, Seat, Tunnel, TunnelKey, UeEndpoint, Wanted, WantedTunnel};
use super::table::{SlotTable, key_of};
use super::write::Write;
use crate::datapath::SlotIndex;

/// What of a former seat its session gets back.
struct Back<'a> {
    slot: SlotIndex,
    tunnel: Option<(Tunnel, &'a WantedTunnel)>,
    address: Option<(UeEndpoint, WayBack)>,
    meter: Option<MeterKey>,
}

/// How a UE address is led to a slot.
#[derive(Clone, Copy, Debug)]
enum WayBack {
    /// Its block leads there.
    Block,
    /// Its block is to begin there.
    Bound(u32, SlotIndex),
    /// By an entry of its own.
    Entry,
}

impl SlotTable {
    /// Takes those of the session's former seats that it wants and nobody has. Where pools or sizes have changed meanwhile, it
    /// gets others for the rest, like a new session.
    pub(super) fn take_back(&mut self, prepared: &mut Prepared, wanted: &Wanted, former: &[Seat]) {
        for seat in former {
            let back = self.wanted_back(prepared, wanted, seat);
            let is_empty = back.tunnel.is_none() && back.address.is_none() && back.meter.is_none();
            if !is_empty {
                self.take_seat_back(prepared, &back);
            }
        }
    }

    fn wanted_back<'a>(&self, prepared: &Prepared, wanted: &'a Wanted, seat: &Seat) -> Back<'a> {
        let has = &prepared.seating;
        let tunnel = seat.tunnel.and_then(|tunnel| {
            let mut all = wanted.tunnels.iter();
            let want = all
                .find(|want| want.key == tunnel.key && seat.tunnel_traffic == Some(want.traffic))?;
            let is_free = has.tunnel(tunnel.key).is_none() && !self.has_teid(tunnel.teid);
            is_free.then_some((tunnel, want))
        });
        let address = seat.address.map(|address| address.endpoint);
        let address = address.filter(|endpoint| {
            let is_taken = || has.addresses().any(|taken| taken == *endpoint);
            wanted.addresses.contains(endpoint)
                && !is_taken()
                && !self.addresses.contains_key(&key_of(*endpoint))
        });
        let address = address.and_then(|own| Some((own, self.way_back(own, seat.slot)?)));
        let meter = seat.meter;
        let meter =
            meter.filter(|key| wanted.meters.contains(key) && has.meter_slot(*key).is_none());
        Back {
            slot: seat.slot,
            tunnel,
            address,
            meter,
        }
    }

    fn take_seat_back(&mut self, prepared: &mut Prepared, back: &Back<'_>) {
        if !self.slots.claim_at(back.slot) {
            return;
        }
        prepared.take(back.slot);
        prepared.seating.seats.push(Seat::new(back.slot));
        if let Some((endpoint, way)) = back.address {
            self.take_address_back(prepared, endpoint, back.slot, way);
        }
        if let Some((tunnel, want)) = &back.tunnel {
            if self.needs_entry(tunnel, back.slot) {
                prepared
                    .after
                    .push(Write::InsertTeid(tunnel.teid, back.slot));
            } else if let Some(last) = self.last_teids.get_mut(back.slot.0 as usize) {
                *last = tunnel.teid;
            }
            self.seat_tunnel(prepared, want, tunnel.teid, back.slot);
        }
        if let Some(seat) = prepared.seating.seat_mut(back.slot) {
            seat.meter = back.meter;
        }
    }

    /// How a UE address can be led to a slot; `None` where it cannot: the others of its block are led elsewhere.
    fn way_back(&self, endpoint: UeEndpoint, slot: SlotIndex) -> Option<WayBack> {
        let Some((block, place)) = self.pools.block_of(endpoint.instance, endpoint.address) else {
            return Some(WayBack::Entry);
        };
        let first = slot.0.checked_sub(place).map(SlotIndex);
        match (self.slots.first_of(block), first) {
            (Some(leads), _) => (Some(leads) == first).then_some(WayBack::Block),
            (None, Some(first)) if self.users_of(block) == 0 && self.slots.may_bind_at(first) => {
                Some(WayBack::Bound(block, first))
            }
            (None, _) => Some(WayBack::Entry),
        }
    }

    fn take_address_back(
        &mut self,
        prepared: &mut Prepared,
        endpoint: UeEndpoint,
        slot: SlotIndex,
        way: WayBack,
    ) {
        match way {
            WayBack::Block => {}
            WayBack::Bound(block, first) => {
                self.slots.rebind(block, first);
                prepared.undo.push(Undo::Unbind(block));
                prepared.before.push(Write::Block {
                    block,
                    new: Some(first),
                    old: None,
                });
            }
            WayBack::Entry => prepared.after.push(Write::InsertUe(key_of(endpoint), slot)),
        }
        self.seat_address(prepared, endpoint, slot);
    }

    /// Whether a TEID does not lead to its slot by itself.
    pub(super) fn needs_entry(&self, tunnel: &Tunnel, slot: SlotIndex) -> bool {
        let is_given = matches!(tunnel.key, TunnelKey::Given(_));
        is_given || tunnel.teid & ((1 << self.index_bits) - 1) != slot.0
    }
}
