//! Which rules apply to a packet, and whether they let it pass.

use super::Found;
use super::limits;
use super::route::{self, Way as RouteWay};
use super::tables::{Half, Load, RouteQuery, Tables, Way};
use crate::abi::{
    LIST_PAGE_ENTRIES, NO_LIMIT, NO_METER, NO_SLOT, NO_USAGE, Peer, RouteEntry, RuleListEntry,
    flags, level, verdict,
};
use crate::drop_reason::DropReason;
use crate::matching::Flow;
use crate::shared::forget;
use crate::snapshot::Snapshot;
use crate::wire::{Inner, IpAddress, Outer, Packet, Version};

/// The tunnel or the UE address has to be the slot's still: it may have gone to another session since it was found.
#[inline(always)]
pub(super) fn check_slot(
    tables: &impl Tables,
    rules: &Snapshot,
    found: &Found,
) -> Result<(), DropReason> {
    match found.way {
        Way::Uplink if rules.teid() != u32::from_ne_bytes(found.teid) => {
            Err(DropReason::UnknownTeid)
        }
        Way::Downlink
            if !is_ues(rules, found.inner.version, found.inner.destination)
                && !is_framed(tables, rules, found.inner.destination) =>
        {
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

/// Whether the address lies in a network behind the UE. For what arrives for it the trie is asked a second time, now
/// that the rules are known: entries go before their slot does.
#[inline(always)]
fn is_framed(tables: &impl Tables, rules: &Snapshot, address: IpAddress) -> bool {
    rules.framed_slot() != NO_SLOT
        && tables.network_slot(rules.framed_instance(), address) == rules.framed_slot()
}

/// The source has to be the UE's.
#[inline(always)]
pub(super) fn check_source(
    tables: &impl Tables,
    rules: &Snapshot,
    found: &Found,
) -> Result<(), DropReason> {
    if found.way == Way::Downlink || rules.has(flags::ANY_SOURCE) {
        return Ok(());
    }
    if is_ues(rules, found.inner.version, found.inner.source)
        || is_framed(tables, rules, found.inner.source)
    {
        Ok(())
    } else {
        Err(DropReason::SpoofedSource)
    }
}

/// How a packet came, in one word: BPF functions have five parameters at most.
#[derive(Clone, Copy)]
pub(super) struct Arrival(u32);

impl Arrival {
    const UPLINK: u32 = 1 << 8;

    #[inline(always)]
    pub(super) fn new(way: Way, qfi: u8) -> Self {
        let uplink = match way {
            Way::Uplink => Self::UPLINK,
            Way::Downlink => 0,
        };
        Self(uplink | u32::from(qfi))
    }

    #[inline(always)]
    fn is_uplink(self) -> bool {
        self.0 & Self::UPLINK != 0
    }

    /// The QFI's bit; none without a QFI.
    #[inline(always)]
    fn qfi_bit(self) -> u64 {
        let qfi = self.0 & 0xff;
        if qfi < u64::BITS { 1 << qfi } else { 0 }
    }
}

/// The first rules in precedence order that match the packet at `offset`. A function of its own in BPF as well, with
/// numbers for parameters: what it works on would not fit the stack beside the variables of the ordinary road.
#[inline(never)]
pub(super) fn select<'a>(
    packet: &impl Packet,
    tables: &'a impl Tables,
    list: u32,
    offset: usize,
    arrival: Arrival,
) -> Option<&'a RuleListEntry> {
    let inner = Inner::read(packet, offset, usize::MAX)?;
    let transport = inner.transport(packet);
    let flow = Flow::new(arrival.is_uplink(), &inner, transport);
    let place = tables.walk(list, &flow, arrival.qfi_bit());
    let page = tables.list((place >> u32::BITS) as u32)?;
    // A mask is a bound that BPF's verifier sees as well.
    page.entries.get(place as usize % LIST_PAGE_ENTRIES)
}

/// Looks at the quotas of a packet, as [`super::usage::look_at_quotas`] does.
#[inline(always)]
pub(super) fn look_at_quotas(
    tables: &impl Tables,
    half: Half,
    rules: &Snapshot,
    found: &Found,
    counted_as: Way,
    now_ns: u64,
) -> u64 {
    let mut beyond = 0;
    if half.count().is_beyond_mark(found.inner.length) | (rules.usage() != NO_USAGE) {
        let load = Load::new(found.inner.length, counted_as, found.way);
        beyond = tables.look_at_quotas(half.slot(), rules.usage(), load, rules.list());
    }
    forget(beyond, now_ns)
}

/// The rules for packets beyond a quota (FAR ID for Quota Action, TS 29.244 clause 7.5.2.4), if there are such.
#[inline(always)]
pub(super) fn beyond_quota(tables: &impl Tables, beyond: u64) -> Option<Snapshot> {
    let page = tables.list(beyond.wrapping_sub(1) as u32)?;
    Some(Snapshot::of(&page.entries[0].rules))
}

/// Counts a packet that is forwarded.
#[inline(always)]
pub(super) fn count(
    tables: &impl Tables,
    half: Half,
    rules: &Snapshot,
    found: &Found,
    counted_as: Way,
    now_ns: u64,
) {
    let counters = half.count();
    counters.count(found.inner.length, now_ns);
    if counters.is_beyond_mark(0) | (rules.usage() != NO_USAGE) {
        let load = Load::new(found.inner.length, counted_as, found.way);
        tables.count_usage(half.slot(), rules.usage(), load, now_ns);
    }
}

/// Hands a copy of the packet to the agent, where the rules ask for one. What a closed gate holds back is not copied.
#[inline(always)]
pub(super) fn copy(packet: &impl Packet, tables: &impl Tables, rules: &Snapshot, found: &Found) {
    if rules.duplicate() != 0 && rules.has(flags::GATE_OPEN) {
        tables.copy(
            packet,
            rules.duplicate(),
            found.inner.offset,
            found.inner.length,
        );
    }
}

/// The QFI of a slot's only PDR.
#[inline(always)]
pub(super) fn check_qfi(rules: &Snapshot, qfi: u8) -> Result<(), DropReason> {
    if !rules.has(flags::MATCH_QFI) || qfi == rules.match_qfi() {
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
    now: u64,
) -> Result<&'a RouteEntry, DropReason> {
    let (query, way, length) = match peer {
        Some(peer) => {
            let is_v6 = peer.is_v6 != 0;
            let query = RouteQuery {
                version: if is_v6 { Version::V6 } else { Version::V4 },
                destination: IpAddress::new(&peer.remote),
                source: IpAddress::new(&peer.local),
                instance: peer.instance,
            };
            let overhead = Outer::overhead(rules.has(flags::PDU_SESSION), is_v6);
            (query, RouteWay::Tunnel, inner.length + overhead as u32)
        }
        None => {
            let query = RouteQuery {
                version: inner.version,
                destination: inner.destination,
                source: inner.source,
                instance: rules.instance(),
            };
            (query, RouteWay::Plain(rules.instance()), inner.length)
        }
    };
    route::find(tables, &query, way, length, now)
}

/// The limit of the flow, and those beside it; says whether the packet is to be marked. A packet that one of them holds back
/// is charged by none.
#[inline(always)]
pub(super) fn check_rate(
    tables: &impl Tables,
    rules: &Snapshot,
    found: &Found,
    counted_as: Way,
    now: u64,
) -> Result<bool, DropReason> {
    if rules.meter_slot() == NO_METER && rules.limit() == NO_LIMIT {
        return Ok(false);
    }
    let load = Load::new(found.inner.length, counted_as, found.way)
        .with_marks(found.inner.tos, rules.marking());
    let outcome = limits::charge(tables, rules.meter_slot(), rules.limit(), load, now);
    if !outcome.is_held_back() {
        return Ok(outcome.is_marked() != 0);
    }
    Err(match outcome.level() {
        level::FLOW => DropReason::RateLimited,
        level::SESSION => DropReason::SessionRateLimited,
        level::SIM => DropReason::SimRateLimited,
        _ => DropReason::CustomerRateLimited,
    })
}
