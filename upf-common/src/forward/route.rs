//! Where a packet leaves: routes of the kernel, remembered.
//!
//! The kernel's tables are the truth; asking them costs more than all the rest of a packet's way. So each CPU
//! remembers answers for a second, and the agent voids them all ([`crate::abi::Control::generation`]) as soon as the
//! kernel tells of a change. While no agent runs, a change takes effect when the entry expires.

use super::downlink;
use super::tables::{RouteAnswer, RouteQuery, Tables};
use crate::abi::maps::ROUTE_ENTRIES;
use crate::abi::{RouteEntry, roles};
use crate::drop_reason::DropReason;
use crate::wire::IpAddress;

/// How long an answer is remembered.
const LIFETIME_NS: u64 = 1_000_000_000;
/// How long it is remembered that there is no way, or no MAC address yet.
const REFUSAL_LIFETIME_NS: u64 = 20_000_000;
/// [`RouteEntry::refused`] of an answer that can be used.
pub const USABLE: u8 = u8::MAX;
/// [`RouteEntry::refused`] of an address that is another UE's.
pub const HAIRPIN: u8 = USABLE - 1;

/// How a packet wants to leave.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// In a tunnel, by any device of ours.
    Tunnel,
    /// As it is, by a device of this network instance.
    Plain(u32),
}

/// The usable route for a packet of `length` bytes.
#[inline(always)]
pub(super) fn find<'a>(
    tables: &'a impl Tables,
    query: &RouteQuery,
    way: Way,
    length: u32,
    now: u64,
) -> Result<&'a RouteEntry, DropReason> {
    let entry = tables
        .route(route_index(query.destination, query.instance))
        .ok_or(DropReason::NoRoute)?;
    // SAFETY: the record is this CPU's own and nobody else has it while the packet is processed.
    let entry = unsafe { &mut *entry.as_ptr() };
    let is_plain = matches!(way, Way::Plain(_));
    let is_known =
        is_fresh(tables, entry, query, now) || is_plain && find_ue(tables, query, now, entry);
    if !is_known {
        ask(tables, query, now, entry);
    }
    if entry.refused == HAIRPIN {
        if is_plain {
            return Ok(entry);
        }
        // A peer is reached as the kernel says, whoever its address is given to besides.
        ask(tables, query, now, entry);
    }
    if entry.refused != USABLE {
        return Err(DropReason::from_number(entry.refused).unwrap_or(DropReason::NoRoute));
    }
    if let Way::Plain(instance) = way
        && entry.instance != instance
    {
        return Err(DropReason::RouteOffInstance);
    }
    if length > u32::from(entry.mtu) {
        return Err(DropReason::OverMtu);
    }
    Ok(entry)
}

#[inline(always)]
fn is_fresh(tables: &impl Tables, entry: &RouteEntry, query: &RouteQuery, now: u64) -> bool {
    entry.from_instance == query.instance
        && entry.generation == tables.generation()
        && now < entry.expires
        && IpAddress::new(&entry.destination) == query.destination
}

/// Remembers a destination that is another UE; false if it is none. A function of its own in BPF as well, for the sake of
/// the stack.
#[inline(never)]
fn find_ue(tables: &impl Tables, query: &RouteQuery, now: u64, entry: &mut RouteEntry) -> bool {
    let via_ifindex = tables.instance_ifindex(query.instance);
    let Some(port) = tables.port(via_ifindex) else {
        return false;
    };
    let is_ue = port.roles & roles::CORE != 0
        && downlink::is_ue(tables, port.instance, query.version, query.destination);
    if is_ue {
        entry.destination = query.destination.bytes();
        entry.from_instance = query.instance;
        entry.generation = tables.generation();
        entry.expires = now.wrapping_add(LIFETIME_NS);
        entry.transmit_ifindex = via_ifindex;
        entry.source_mac = port.mac;
        entry.refused = HAIRPIN;
    }
    is_ue
}

/// Asks the kernel and remembers its answer. A function of its own in BPF as well, for the sake of the stack.
#[inline(never)]
fn ask(tables: &impl Tables, query: &RouteQuery, now: u64, entry: &mut RouteEntry) {
    entry.destination = query.destination.bytes();
    entry.from_instance = query.instance;
    // Taken before the question: a change in between voids the answer.
    entry.generation = tables.generation();
    entry.expires = now.wrapping_add(REFUSAL_LIFETIME_NS);
    let from_ifindex = tables.instance_ifindex(query.instance);
    if from_ifindex == 0 {
        entry.refused = DropReason::NoRoute as u8;
        return;
    }
    entry.refused = match tables.look_up(query, from_ifindex) {
        RouteAnswer::Found {
            ifindex,
            mtu,
            destination_mac,
            source_mac,
        } => match tables.port(ifindex) {
            Some(port) => {
                entry.expires = now.wrapping_add(LIFETIME_NS);
                entry.transmit_ifindex = port.transmit_ifindex;
                entry.instance = port.instance;
                entry.vlan = port.vlan;
                entry.port_number = port.number;
                entry.mtu = mtu;
                entry.destination_mac = destination_mac;
                entry.source_mac = source_mac;
                USABLE
            }
            None => DropReason::RouteOffInstance as u8,
        },
        RouteAnswer::NoNeighbour { ifindex, next_hop } => match tables.port(ifindex) {
            Some(_) => {
                tables.want_neighbour(ifindex, next_hop);
                DropReason::NeighbourUnresolved as u8
            }
            None => DropReason::RouteOffInstance as u8,
        },
        RouteAnswer::NoRoute => DropReason::NoRoute as u8,
    };
}

/// Where in `ROUTES` the way to a destination is remembered.
#[inline(always)]
#[must_use]
pub fn route_index(destination: IpAddress, instance: u32) -> u32 {
    let [high, low] = destination.words();
    let mixed = (high ^ low ^ u64::from(instance)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The upper bits: only there do all octets of an address leave their mark, the last one first of all.
    (mixed >> (u64::BITS - ROUTE_ENTRIES.ilog2())) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn neighbours_do_not_share_an_entry() {
        let v4 = |host| IpAddress::from_v4([10, 1, 0, host]);
        let v6 =
            |host| IpAddress::new(&[0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
        for address in [v4 as fn(u8) -> IpAddress, v6] {
            let indices = (0..=255).map(|host| route_index(address(host), 7));
            let entries: HashSet<_> = indices.collect();
            assert!(entries.len() > 250, "{}", entries.len());
            assert!(entries.iter().all(|index| *index < ROUTE_ENTRIES));
        }
    }
}
