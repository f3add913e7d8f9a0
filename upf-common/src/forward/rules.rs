//! Which rules apply to a packet, and whether they let it pass.

use super::Found;
use super::route::{self, Way as RouteWay};
use super::tables::{RouteQuery, Tables, Way};
use crate::abi::{NO_METER, Peer, RouteEntry, RuleList, RuleListEntry, flags, verdict};
use crate::drop_reason::DropReason;
use crate::matching::{Flow, matches};
use crate::meter;
use crate::snapshot::Snapshot;
use crate::wire::{Inner, IpAddress, Outer, Packet, Version};

/// The tunnel or the UE address has to be the slot's still: it may have gone to another session since it was found.
#[inline(always)]
pub(super) fn check_slot(rules: &Snapshot, found: &Found) -> Result<(), DropReason> {
    match found.way {
        Way::Uplink if rules.teid() != u32::from_ne_bytes(found.teid) => {
            Err(DropReason::UnknownTeid)
        }
        Way::Downlink if !is_ues(rules, found.inner.version, found.inner.destination) => {
            Err(DropReason::UnknownUeAddress)
        }
        _ => Ok(()),
    }
}

/// Whether the UE has this address.
#[inline(always)]
fn is_ues(rules: &Snapshot, version: Version, address: IpAddress) -> bool {
    match version {
        Version::V4 => rules.has(flags::UE_V4) && u32::from_ne_bytes(address.v4()) == rules.ue_v4(),
        Version::V6 => rules.has(flags::UE_V6) && address.words()[0] == rules.ue_v6(),
    }
}

/// The source has to be the UE's.
#[inline(always)]
pub(super) fn check_source(rules: &Snapshot, found: &Found) -> Result<(), DropReason> {
    if found.way == Way::Downlink || rules.has(flags::ANY_SOURCE) {
        return Ok(());
    }
    if is_ues(rules, found.inner.version, found.inner.source) {
        Ok(())
    } else {
        Err(DropReason::SpoofedSource)
    }
}

/// The first rules in precedence order that match the packet at `offset`. A function of its own in BPF as well, with
/// numbers for parameters: what it works on would not fit the stack beside the variables of the ordinary road.
#[inline(never)]
pub(super) fn select<'a>(
    packet: &impl Packet,
    list: &'a RuleList,
    way: Way,
    offset: usize,
    qfi: u8,
) -> Option<&'a RuleListEntry> {
    let inner = Inner::read(packet, offset, usize::MAX)?;
    let transport = inner.transport(packet);
    let flow = Flow::new(way == Way::Uplink, &inner, transport);
    for (index, entry) in list.entries.iter().enumerate() {
        if index >= list.len as usize {
            break;
        }
        let rules = &entry.rules;
        if has_qfi(rules.flags, rules.match_qfi, qfi) && matches(&entry.filter, &flow) {
            return Some(entry);
        }
    }
    None
}

#[inline(always)]
fn has_qfi(flags: u8, wanted: u8, qfi: u8) -> bool {
    flags & flags::MATCH_QFI == 0 || qfi == wanted
}

/// The QFI of a slot's only PDR.
#[inline(always)]
pub(super) fn check_qfi(rules: &Snapshot, qfi: u8) -> Result<(), DropReason> {
    if has_qfi(rules.flags(), rules.match_qfi(), qfi) {
        Ok(())
    } else {
        Err(DropReason::NoMatchingPdr)
    }
}

/// FAR, gate, and the life of the packet itself.
#[inline(always)]
pub(super) fn check_actions(rules: &Snapshot, found: &Found) -> Result<(), DropReason> {
    match rules.verdict() {
        verdict::FORWARD => {}
        verdict::BUFFER => return Err(DropReason::FarBuffer),
        _ => return Err(DropReason::FarDrop),
    }
    if !rules.has(flags::GATE_OPEN) {
        return Err(DropReason::GateClosed);
    }
    if found.inner.ttl <= 1 && is_routed(rules, found.way) {
        return Err(DropReason::TtlExpired);
    }
    Ok(())
}

/// Whether we are a router for this packet, and it gets a hop older. What passes from tunnel to tunnel is not ours to
/// change: neighbour discovery, for one, is only heard with its first hop limit (RFC 4861 clauses 6.1.1 and 6.1.2).
#[inline(always)]
pub(super) fn is_routed(rules: &Snapshot, way: Way) -> bool {
    way == Way::Downlink || !rules.has(flags::ENCAPSULATE)
}

/// The other end of the tunnel that the packet leaves in, if it does.
#[inline(always)]
pub(super) fn peer<'a>(
    tables: &'a impl Tables,
    rules: &Snapshot,
) -> Result<Option<&'a Peer>, DropReason> {
    if !rules.has(flags::ENCAPSULATE) {
        return Ok(None);
    }
    let peer = tables.peer(rules.peer()).ok_or(DropReason::NoRoute)?;
    Ok(Some(peer))
}

/// The way out.
#[inline(always)]
pub(super) fn route<'a>(
    tables: &'a impl Tables,
    rules: &Snapshot,
    inner: &Inner,
    peer: Option<&Peer>,
) -> Result<&'a RouteEntry, DropReason> {
    let (query, way, length) = match peer {
        Some(peer) => {
            let query = RouteQuery {
                version: Version::V4,
                destination: IpAddress::new(&peer.remote),
                source: IpAddress::new(&peer.local),
                from_ifindex: tables.instance_ifindex(peer.instance),
            };
            let overhead = Outer::overhead(rules.has(flags::PDU_SESSION));
            (query, RouteWay::Tunnel, inner.length + overhead as u32)
        }
        None => {
            let query = RouteQuery {
                version: inner.version,
                destination: inner.destination,
                source: inner.source,
                from_ifindex: tables.instance_ifindex(rules.instance()),
            };
            (query, RouteWay::Plain(rules.instance()), inner.length)
        }
    };
    route::find(tables, &query, way, length)
}

/// The MBR.
#[inline(always)]
pub(super) fn check_rate(
    tables: &impl Tables,
    rules: &Snapshot,
    found: &Found,
) -> Result<(), DropReason> {
    if rules.meter_slot() == NO_METER {
        return Ok(());
    }
    let half = tables.half(rules.meter_slot(), found.way);
    let half = half.ok_or(DropReason::RateLimited)?;
    let now = meter::ticks(tables.now_ns());
    if meter::pass(&half.bucket(), now, found.inner.length, rules.rate()) {
        Ok(())
    } else {
        Err(DropReason::RateLimited)
    }
}
