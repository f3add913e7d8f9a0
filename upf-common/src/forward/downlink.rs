//! IP to a UE address.

use super::tables::{Half, Tables, Way};
use super::{Arrival, Dropped, Step};
use crate::abi::{Port, UeKey, verdict};
use crate::drop_reason::DropReason;
use crate::wire::{Inner, IpAddress, Link, Packet, Version};

/// A packet to a UE, or one that is not ours.
#[inline(always)]
pub(super) fn run(
    packet: &impl Packet,
    tables: &impl Tables,
    port: &Port,
    link: Link,
) -> Result<Step, Dropped> {
    let available = packet.len().saturating_sub(link.network);
    let Some(inner) = Inner::read(packet, link.network, available) else {
        return Ok(Step::NotOurs);
    };
    let Some(destination) = inner.destination(packet) else {
        return Ok(Step::NotOurs);
    };
    let Some(half) = find(tables, port, inner.version, destination)? else {
        return Ok(Step::NotOurs);
    };
    Ok(Step::Forward(Arrival {
        way: Way::Downlink,
        half,
        teid: [0; 4],
        inner,
        qfi: None,
    }))
}

/// The half of the UE with this address; `None` for what is nobody's UE address.
#[inline(always)]
fn find(
    tables: &impl Tables,
    port: &Port,
    version: Version,
    destination: IpAddress,
) -> Result<Option<Half>, DropReason> {
    let key = match version {
        Version::V4 => u64::from(u32::from_be_bytes(destination.v4())),
        Version::V6 => destination.upper_half(),
    };
    let pool = tables.slot_of_pool_address(port, version, key);
    if let Some(Some(first)) = pool {
        let slot = first.wrapping_add(key as u32 & 0xff);
        if let Some(half) = in_use(tables, slot) {
            return Ok(Some(half));
        }
    }
    let ue = UeKey {
        address: match version {
            Version::V4 => destination.bytes(),
            Version::V6 => destination.prefix().bytes(),
        },
        instance: port.instance,
    };
    if let Some(slot) = tables.slot_of_ue(&ue)
        && let Some(half) = in_use(tables, slot)
    {
        return Ok(Some(half));
    }
    match pool {
        Some(_) => Err(DropReason::UnknownUeAddress),
        None => Ok(None),
    }
}

#[inline(always)]
fn in_use(tables: &impl Tables, slot: u32) -> Option<Half> {
    let half = tables.half(slot, Way::Downlink)?;
    (half.glance().1 != verdict::NONE).then_some(half)
}
