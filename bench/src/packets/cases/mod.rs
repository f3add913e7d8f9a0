//! The cases, a file for each subject.

mod chains;
mod downlink;
mod echo;
mod framed;
mod hairpin;
mod limits;
mod not_ours;
mod notices;
mod outer_v6;
mod routes;
mod rules;
mod uplink;
mod uplink_refusals;
mod usage;

use super::Action;
use crate::gtpu::GPdu;
use crate::packets::frames::{ethernet, gtpu, ipv4, routed, udp, udp_v6};
use crate::packets::world::{
    GNB, GNB_TEID, GNB_V6, LOCAL, LOCAL_V6, NEAR_MAC, PEER_MAC, QFI, ROUTER_MAC, World, teid,
};
use etherparse::{EtherType, IpNumber};
use upf_common::drop_reason::{DropReason, PuntReason};
use upf_common::forward::tables::Way;

/// The slot of the IPv4 UE, and that of the IPv6 UE.
const SLOT: u32 = 5;
const SLOT_V6: u32 = 300;

/// What a case expects.
#[derive(Clone, Debug)]
pub enum Expected {
    /// The kernel gets the frame as it came, and nothing but its arrival is counted.
    Untouched,
    /// The kernel gets it as it came, counted as punted.
    Punted,
    /// It is dropped for this reason.
    Dropped(Way, DropReason),
    /// It is dropped for this reason, and the kernel gets it as it came, so that the agent answers the sender.
    HandedOn(DropReason, PuntReason),
    /// It has left its own UE, and is dropped on its way to another one.
    DroppedHalfway(DropReason),
    /// It leaves as this frame.
    Leaves(Action, Vec<u8>),
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about.
    pub name: &'static str,
    /// What is in the tables.
    pub world: World,
    /// The frame that arrives.
    pub frame: Vec<u8>,
    /// What becomes of it.
    pub expected: Expected,
}

/// All cases.
#[must_use]
pub fn all() -> Vec<Case> {
    [
        not_ours::not_ours(),
        uplink::uplink(),
        uplink::uplink_headers(),
        uplink_refusals::uplink_refusals(),
        downlink::downlink(),
        downlink::downlink_refusals(),
        rules::both_ways(),
        rules::lists(),
        routes::routes(),
        echo::echo(),
        outer_v6::uplink(),
        outer_v6::downlink(),
        outer_v6::between_families(),
        outer_v6::echo(),
        notices::notices(),
        chains::filters(),
        chains::long_chains(),
        chains::qfis(),
        framed::framed(),
        hairpin::hairpin(),
        limits::chains(),
        limits::kinds(),
        limits::marks(),
        limits::flow_marks(),
        limits::dscps(),
        usage::slots(),
        usage::records(),
    ]
    .concat()
}

fn case(name: &'static str, world: World, frame: Vec<u8>, expected: Expected) -> Case {
    Case {
        name,
        world,
        frame,
        expected,
    }
}

fn up(name: &'static str, world: World, frame: Vec<u8>, reason: DropReason) -> Case {
    case(name, world, frame, Expected::Dropped(Way::Uplink, reason))
}

fn down(name: &'static str, world: World, frame: Vec<u8>, reason: DropReason) -> Case {
    case(name, world, frame, Expected::Dropped(Way::Downlink, reason))
}

fn transmits(frame: Vec<u8>) -> Expected {
    Expected::Leaves(Action::Transmit, frame)
}

fn redirects(frame: Vec<u8>) -> Expected {
    Expected::Leaves(Action::Redirect, frame)
}

fn with_v4() -> World {
    World::new().session(SLOT)
}

fn with_v6() -> World {
    World::new().session(SLOT_V6)
}

/// A G-PDU as a 5G gNB sends it.
fn g_pdu(slot: u32, packet: &[u8]) -> Vec<u8> {
    let packet = GPdu {
        teid: teid(slot),
        qfi: Some(QFI),
        payload: packet,
    };
    packet.to_uplink_bytes()
}

/// What leaves towards the data network.
fn to_router(packet: &[u8]) -> Vec<u8> {
    let ether_type = crate::packets::frames::ether_type(packet);
    ethernet(NEAR_MAC, ROUTER_MAC, None, ether_type, &routed(packet))
}

/// What leaves towards the gNB, but for the outer source port, which is the product's own choice.
fn to_gnb(qfi: Option<u8>, tos: u8, packet: &[u8]) -> Vec<u8> {
    tunnelled(
        qfi.map(|qfi| [0, 0, 0, 0x85, 1, 0, qfi, 0]),
        tos,
        &routed(packet),
    )
}

/// The same, with the user's packet as it leaves.
fn tunnelled(container: Option<[u8; 8]>, tos: u8, packet: &[u8]) -> Vec<u8> {
    let container = container.map(|bytes| bytes.to_vec()).unwrap_or_default();
    let flags = if container.is_empty() { 0x30 } else { 0x34 };
    let rest = [&container[..], packet].concat();
    let datagram = udp(0, 2152, &gtpu(flags, 255, GNB_TEID, &rest));
    let outer = ipv4(LOCAL, GNB, IpNumber::UDP, &datagram, |header| {
        header.dscp = (tos >> 2).try_into().expect("six bits");
        header.ecn = (tos & 3).try_into().expect("two bits");
        header.dont_fragment = true;
        header.time_to_live = 64;
    });
    ethernet(NEAR_MAC, PEER_MAC, None, EtherType::IPV4, &outer)
}

/// The same to the gNB that speaks IPv6.
fn tunnelled_v6(container: Option<[u8; 8]>, tos: u8, packet: &[u8]) -> Vec<u8> {
    let container = container.map(|bytes| bytes.to_vec()).unwrap_or_default();
    let flags = if container.is_empty() { 0x30 } else { 0x34 };
    let message = gtpu(flags, 255, GNB_TEID, &[&container[..], packet].concat());
    let outer = udp_v6((LOCAL_V6, 0), (GNB_V6, 2152), tos, &message);
    ethernet(NEAR_MAC, PEER_MAC, None, EtherType::IPV6, &outer)
}
