//! IP to a UE address.

use super::tables::{Half, Tables, Way};
use super::{Found, Step};
use crate::abi::{NO_SLOT, POOL_NETWORK, Port, UeKey, verdict};
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

/// Whether an address is a UE's of the network instance, or may become one's.
#[inline(always)]
pub(super) fn is_ue(
    tables: &impl Tables,
    instance: u32,
    version: Version,
    address: IpAddress,
) -> bool {
    tables.network_slot(instance, address) != NO_SLOT
        || tables
            .slot_of_ue(&ue_key(instance, version, address))
            .is_some()
}

/// Key of `UE_ADDRESSES`.
#[inline(always)]
fn ue_key(instance: u32, version: Version, address: IpAddress) -> UeKey {
    UeKey {
        address: match version {
            Version::V4 => address.bytes(),
            Version::V6 => address.prefix().bytes(),
        },
        instance,
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
    let ue = ue_key(port.instance, version, destination);
    let half = tables.slot_of_ue(&ue).and_then(|slot| in_use(tables, slot));
    if half.is_some() || !tables.has_framed_routes() {
        return (half, pool.is_some());
    }
    let slot = tables.network_slot(port.instance, destination);
    if matches!(slot, NO_SLOT | POOL_NETWORK) {
        return (None, pool.is_some());
    }
    (in_use(tables, slot), true)
}

#[inline(always)]
fn in_use(tables: &impl Tables, slot: u32) -> Option<Half> {
    let half = tables.half(slot, Way::Downlink)?;
    (half.glance().1 != verdict::NONE).then_some(half)
}
