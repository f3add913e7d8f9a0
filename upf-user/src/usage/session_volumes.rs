//! What slots have counted, as volumes of sessions.

use crate::datapath::slots::Seat;
use crate::datapath::{Direction, SlotCounters};
use serde::{Deserialize, Serialize};

/// Traffic of a session, by direction as seen from the UE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionVolumes {
    /// From the UE.
    pub uplink: SlotCounters,
    /// To the UE.
    pub downlink: SlotCounters,
}

impl SessionVolumes {
    /// Adds others.
    pub fn add(&mut self, others: &Self) {
        add(&mut self.uplink, others.uplink);
        add(&mut self.downlink, others.downlink);
    }

    /// Adds what a slot has counted. The uplink half counts what came through a tunnel of ours, which is
    /// traffic to the UE where the tunnel begins in the core.
    pub fn add_slot(
        &mut self,
        seat: &Seat,
        uplink_half: SlotCounters,
        downlink_half: SlotCounters,
    ) {
        add(&mut self.downlink, downlink_half);
        match seat.tunnel_traffic {
            Some(Direction::Downlink) => add(&mut self.downlink, uplink_half),
            Some(Direction::Uplink) | None => add(&mut self.uplink, uplink_half),
        }
    }
}

fn add(sum: &mut SlotCounters, more: SlotCounters) {
    sum.packets = sum.packets.saturating_add(more.packets);
    sum.bytes = sum.bytes.saturating_add(more.bytes);
    sum.dropped_packets = sum.dropped_packets.saturating_add(more.dropped_packets);
    sum.dropped_bytes = sum.dropped_bytes.saturating_add(more.dropped_bytes);
}
