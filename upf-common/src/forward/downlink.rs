//! IP to a UE address.

use super::tables::{Half, Tables, Way};
use super::{Found, Step};
use crate::abi::{Port, UeKey, verdict};
use crate::drop_reason::DropReason;
use crate::wire::{Inner, IpAddress, Link, NO_QFI, Packet, Version};

/// A packet to a UE, or one that is not ours.
#[inline(always)]
pub(super) fn run(packet: &impl Packet, tables: &impl Tables, port: &Port, link: Link) -> Found {
    let available = packet.len().saturating_sub(link.network);
    let Some(inner) = Inner::read(packet, link.network, available) else {
        return Found::nothing(Way::Downlink, Step::NotOurs);
    };
    let (half, is_ours) = find(tables, port, inner.version, inner.destination);
    let step = match (half, is_ours) {
        (Some(_), _) => Step::Forward,
        (None, true) => Step::Drop,
        (None, false) => Step::NotOurs,
    };
    Found {
        step,
        reason: DropReason::UnknownUeAddress,
        way: Way::Downlink,
        half,
        teid: [0; 4],
        qfi: NO_QFI,
        inner,
    }
}

/// The half of the UE with this address, and whether the address is a UE's at all.
#[inline(always)]
fn find(
    tables: &impl Tables,
    port: &Port,
    version: Version,
    destination: IpAddress,
) -> (Option<Half>, bool) {
    let key = match version {
        Version::V4 => u64::from(u32::from_be_bytes(destination.v4())),
        Version::V6 => destination.upper_half(),
    };
    let pool = tables.slot_of_pool_address(port, version, key);
    if let Some(Some(first)) = pool {
        let slot = first.wrapping_add(key as u32 & 0xff);
        if let Some(half) = in_use(tables, slot) {
            return (Some(half), true);
        }
    }
    let ue = UeKey {
        address: match version {
            Version::V4 => destination.bytes(),
            Version::V6 => destination.prefix().bytes(),
        },
        instance: port.instance,
    };
    let half = tables.slot_of_ue(&ue).and_then(|slot| in_use(tables, slot));
    (half, pool.is_some())
}

#[inline(always)]
fn in_use(tables: &impl Tables, slot: u32) -> Option<Half> {
    let half = tables.half(slot, Way::Downlink)?;
    (half.glance().1 != verdict::NONE).then_some(half)
}
