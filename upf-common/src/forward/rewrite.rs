//! New headers in front of a UE's packet.

use super::rules::is_routed;
use super::tables::Way;
use crate::abi::{INNER_DSCP, Peer, RouteEntry, flags};
use crate::snapshot::Snapshot;
use crate::wire::{
    CONGESTION_EXPERIENCED, ECN, ETHER_IPV4, ETHER_IPV6, ETHERNET, Encapsulation, Inner, Link,
    Outer, Packet, VLAN_TAG, Version, sum,
};

/// Source ports of tunnels: the dynamic ones (RFC 6335 clause 6).
const FIRST_SOURCE_PORT: u16 = 0xc000;

/// Writes DSCP and congestion mark (RFC 3168 clause 5) into the UE's packet, where there is one to write; `None` if it lies
/// outside the frame.
#[inline(always)]
pub(super) fn mark(
    packet: &mut impl Packet,
    rules: &Snapshot,
    inner: Inner,
    is_marked: bool,
) -> Option<Inner> {
    let mut tos = inner.tos;
    if rules.marking() & INNER_DSCP != 0 {
        tos = rules.marking() << 2 | tos & ECN;
    }
    if is_marked {
        tos |= CONGESTION_EXPERIENCED;
    }
    let marked = Inner { tos, ..inner };
    (tos == inner.tos || marked.write_tos(packet)).then_some(marked)
}

/// Turns the packet that arrived into the one that leaves. False if there is no room, and then nobody may use it
/// any more.
#[inline(always)]
pub(super) fn run(
    packet: &mut impl Packet,
    rules: &Snapshot,
    inner: Inner,
    way: Way,
    peer: Option<&Peer>,
    route: &RouteEntry,
) -> bool {
    let outer = peer.map(|peer| outer(packet, rules, inner, peer));
    if !trim(packet, inner) {
        return false;
    }
    if is_routed(rules, way) && !inner.decrement_ttl(packet) {
        return false;
    }
    let (Some(outer), Some(peer)) = (outer, peer) else {
        return begin(packet, inner, route, 0, ether_type(inner)).is_some();
    };
    let overhead = Outer::overhead(outer.container.is_some(), peer.is_v6 != 0);
    if peer.is_v6 == 0 {
        let offset = begin(packet, inner, route, overhead, ETHER_IPV4);
        return offset.is_some_and(|offset| outer.write(packet, offset));
    }
    let Some(sum) = sum(packet, inner.offset, inner.length as usize) else {
        return false;
    };
    let offset = begin(packet, inner, route, overhead, ETHER_IPV6);
    offset.is_some_and(|offset| outer.write_v6(packet, offset, peer, sum))
}

/// Makes room for `overhead` bytes between the link layer, which it writes, and the UE's packet, and tells where they begin.
#[inline(always)]
fn begin(
    packet: &mut impl Packet,
    inner: Inner,
    route: &RouteEntry,
    overhead: usize,
    ether_type: u16,
) -> Option<usize> {
    let link = if route.vlan == 0 {
        ETHERNET
    } else {
        ETHERNET + VLAN_TAG
    };
    let delta = inner.offset as i32 - (link + overhead) as i32;
    if delta != 0 && !packet.move_head(delta) {
        return None;
    }
    let (destination, source) = (route.destination_mac, route.source_mac);
    Link::write(packet, destination, source, route.vlan, ether_type).then_some(link)
}

/// Turns the packet into a plain frame, as if it came to the core device that it would have left by. It gets a hop older
/// on its way down only.
#[inline(always)]
pub(super) fn to_hairpin(packet: &mut impl Packet, inner: Inner, route: &RouteEntry) -> bool {
    if !trim(packet, inner) {
        return false;
    }
    let delta = inner.offset as i32 - ETHERNET as i32;
    if delta != 0 && !packet.move_head(delta) {
        return false;
    }
    let mac = route.source_mac;
    Link::write(packet, mac, mac, 0, ether_type(inner))
}

#[inline(always)]
fn ether_type(inner: Inner) -> u16 {
    match inner.version {
        Version::V4 => ETHER_IPV4,
        Version::V6 => ETHER_IPV6,
    }
}

/// Takes off what an Ethernet driver has padded a small packet with, and what stands behind it in a tunnel.
#[inline(always)]
fn trim(packet: &mut impl Packet, inner: Inner) -> bool {
    let excess = packet.len() as i64 - (inner.offset as i64 + i64::from(inner.length));
    excess <= 0 || packet.move_tail(-(excess as i32))
}

#[inline(always)]
fn outer(packet: &impl Packet, rules: &Snapshot, inner: Inner, peer: &Peer) -> Outer {
    // The tunnel shows what the packet asks for (RFC 2983's uniform model, RFC 6040), unless told otherwise.
    let tos = if rules.has(flags::MARK_DSCP) {
        rules.dscp() << 2 | inner.tos & ECN
    } else {
        inner.tos
    };
    let container = rules.has(flags::PDU_SESSION).then_some(Encapsulation {
        qfi: rules.qfi(),
        pdu_type: rules.pdu_type(),
    });
    let [.., s0, s1, s2, s3] = peer.local;
    let [.., d0, d1, d2, d3] = peer.remote;
    Outer {
        source: [s0, s1, s2, s3],
        destination: [d0, d1, d2, d3],
        checksum_base: peer.checksum_base,
        tos,
        source_port: source_port(packet, inner),
        teid: rules.peer_teid().to_ne_bytes(),
        container,
        payload: inner.length,
    }
}

/// A port that is the same for all packets of a flow, so that receivers can spread flows over their queues.
#[inline(always)]
fn source_port(packet: &impl Packet, inner: Inner) -> u16 {
    let ([s0, s1], [d0, d1]) = (inner.source.words(), inner.destination.words());
    let addresses = s0 ^ s1.rotate_left(13) ^ d0.rotate_left(29) ^ d1.rotate_left(43);
    // Where ports stand if there are any; fragments have none, and what stands there differs within a flow.
    let ports = match inner.version {
        Version::V4 => packet.view::<24>(inner.offset).map_or(0, |header| {
            let is_plain = header[0] == 0x45 && header[6] & 0x3f == 0 && header[7] == 0;
            let has_ports = matches!(header[9], 6 | 17);
            if is_plain && has_ports {
                u32::from_ne_bytes([header[20], header[21], header[22], header[23]])
            } else {
                0
            }
        }),
        Version::V6 => packet.view::<44>(inner.offset).map_or(0, |header| {
            if matches!(header[6], 6 | 17) {
                u32::from_ne_bytes([header[40], header[41], header[42], header[43]])
            } else {
                0
            }
        }),
    };
    let mixed = (addresses ^ u64::from(ports).rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    FIRST_SOURCE_PORT | (mixed >> 50) as u16
}
