//! Which rules apply to a packet, and whether they let it pass.
//!
//! Checks come in an order in which nothing is charged for a packet that is dropped later: the meter is last.

use super::Arrival;
use super::route::{self, Way as RouteWay};
use super::tables::{RouteQuery, Tables, Way};
use crate::abi::{NO_METER, Peer, RouteEntry, Rules, flags, verdict};
use crate::drop_reason::DropReason;
use crate::matching::{Flow, matches};
use crate::meter::{self, Rate};
use crate::wire::{Inner, IpAddress, Outer, Packet, Version};

/// fe80::/10, in its upper bits.
const LINK_LOCAL: u64 = 0xfe80 >> 6;
/// ff02::/16, in its upper bits.
const LINK_SCOPE_MULTICAST: u64 = 0xff02;

/// The way out of a packet that may pass.
#[derive(Clone, Copy)]
pub(super) struct Passage<'a> {
    pub(super) route: &'a RouteEntry,
    /// The tunnel's peer, if it leaves in one.
    pub(super) peer: Option<&'a Peer>,
}

/// Finds the rules that apply, where the slot has several, and the packet's way out.
#[inline(always)]
pub(super) fn apply<'a>(
    packet: &impl Packet,
    tables: &'a impl Tables,
    rules: &mut Rules,
    arrival: Arrival,
) -> Result<Passage<'a>, DropReason> {
    let Some(source) = arrival.inner.source(packet) else {
        return Err(DropReason::InnerMalformed);
    };
    let scope = match arrival.way {
        Way::Uplink if u32::from_ne_bytes(rules.teid) != u32::from_ne_bytes(arrival.teid) => {
            return Err(DropReason::UnknownTeid);
        }
        Way::Uplink => check_source(packet, rules, arrival.inner, source)?,
        Way::Downlink => Scope::Global,
    };
    if rules.verdict == verdict::LIST {
        select(packet, tables, rules, &arrival)?;
    } else if !has_qfi(rules, arrival.qfi) {
        return Err(DropReason::NoMatchingPdr);
    }
    match rules.verdict {
        verdict::FORWARD => {}
        verdict::BUFFER => return Err(DropReason::FarBuffer),
        _ => return Err(DropReason::FarDrop),
    }
    if rules.flags & flags::GATE_OPEN == 0 {
        return Err(DropReason::GateClosed);
    }
    if arrival.inner.ttl <= 1 {
        return Err(DropReason::TtlExpired);
    }
    let passage = way_out(packet, tables, rules, arrival.inner, source, scope)?;
    if rules.meter_slot != NO_METER && !is_within_rate(tables, rules, arrival) {
        return Err(DropReason::RateLimited);
    }
    Ok(passage)
}

/// How far a packet may go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Global,
    /// Only to the other end of a tunnel: no router forwards it (RFC 4291 clause 2.5.6).
    Link,
}

/// The source has to be the UE's, or, while the UE sets itself up, a link-local address that speaks to the link.
#[inline(always)]
fn check_source(
    packet: &impl Packet,
    rules: &Rules,
    inner: Inner,
    source: IpAddress,
) -> Result<Scope, DropReason> {
    if rules.flags & flags::ANY_SOURCE != 0 {
        return Ok(Scope::Global);
    }
    match inner.version {
        Version::V4 => {
            let is_ues = u32::from_ne_bytes(source.v4()) == u32::from_ne_bytes(rules.ue_v4);
            if rules.flags & flags::UE_V4 != 0 && is_ues {
                return Ok(Scope::Global);
            }
        }
        Version::V6 if rules.flags & flags::UE_V6 != 0 => {
            if source.words()[0] == u64::from_ne_bytes(rules.ue_v6) {
                return Ok(Scope::Global);
            }
            let is_link_local = source.upper_half() >> 54 == LINK_LOCAL;
            let to_link = inner
                .destination(packet)
                .is_some_and(|to| to.upper_half() >> 48 == LINK_SCOPE_MULTICAST);
            if is_link_local && to_link {
                return Ok(Scope::Link);
            }
        }
        Version::V6 => {}
    }
    Err(DropReason::SpoofedSource)
}

/// Replaces the slot's rules by the first of its list, in precedence order, that match.
/// A function of its own in BPF as well: its variables would not fit the stack beside those of the ordinary road.
#[inline(never)]
fn select(
    packet: &impl Packet,
    tables: &impl Tables,
    rules: &mut Rules,
    arrival: &Arrival,
) -> Result<(), DropReason> {
    let Some(list) = tables.list(rules.list) else {
        return Err(DropReason::NoMatchingPdr);
    };
    let inner = arrival.inner;
    let (Some(source), Some(destination)) = (inner.source(packet), inner.destination(packet))
    else {
        return Err(DropReason::InnerMalformed);
    };
    let flow = Flow::new(
        arrival.way == Way::Uplink,
        source,
        destination,
        inner.transport(packet),
        inner.tos,
    );
    for (index, entry) in list.entries.iter().enumerate() {
        if index >= list.len as usize {
            break;
        }
        if has_qfi(&entry.rules, arrival.qfi) && matches(&entry.filter, &flow) {
            *rules = entry.rules;
            return Ok(());
        }
    }
    Err(DropReason::NoMatchingPdr)
}

#[inline(always)]
fn has_qfi(rules: &Rules, qfi: Option<u8>) -> bool {
    rules.flags & flags::MATCH_QFI == 0 || qfi == Some(rules.match_qfi)
}

#[inline(always)]
fn way_out<'a>(
    packet: &impl Packet,
    tables: &'a impl Tables,
    rules: &Rules,
    inner: Inner,
    source: IpAddress,
    scope: Scope,
) -> Result<Passage<'a>, DropReason> {
    if rules.flags & flags::ENCAPSULATE != 0 {
        let peer = tables.peer(rules.peer).ok_or(DropReason::NoRoute)?;
        let query = RouteQuery {
            version: Version::V4,
            destination: IpAddress::new(&peer.remote),
            source: IpAddress::new(&peer.local),
            from_ifindex: tables.instance_ifindex(peer.instance),
        };
        let overhead = Outer::overhead(rules.flags & flags::PDU_SESSION != 0) as u32;
        let route = route::find(tables, &query, RouteWay::Tunnel, inner.length + overhead)?;
        return Ok(Passage {
            route,
            peer: Some(peer),
        });
    }
    if scope == Scope::Link {
        return Err(DropReason::SpoofedSource);
    }
    let query = RouteQuery {
        version: inner.version,
        destination: inner
            .destination(packet)
            .ok_or(DropReason::InnerMalformed)?,
        source,
        from_ifindex: tables.instance_ifindex(rules.instance),
    };
    let route = route::find(
        tables,
        &query,
        RouteWay::Plain(rules.instance),
        inner.length,
    )?;
    Ok(Passage { route, peer: None })
}

#[inline(always)]
fn is_within_rate(tables: &impl Tables, rules: &Rules, arrival: Arrival) -> bool {
    let Some(metered) = tables.half(rules.meter_slot, arrival.way) else {
        return false;
    };
    let rate = Rate {
        ticks_per_byte: rules.meter_ticks_per_byte,
        depth: rules.meter_depth,
    };
    let now = meter::ticks(tables.now_ns());
    meter::pass(&metered.bucket(), now, arrival.inner.length, rate)
}
