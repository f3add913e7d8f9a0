//! Networks behind UEs (framed routes, TS 29.244 clause 5.16).

use super::{Case, Expected, SLOT, SLOT_V6, case, down, g_pdu, to_gnb, to_router, transmits, up};
use crate::packets::frames::{TOS, from_gnb, from_router, ipv4, ipv6, udp};
use crate::packets::world::{INSTANCE, QFI, SERVER, SERVER_V6, World, ue};
use etherparse::IpNumber;
use ipnet::IpNet;
use std::net::Ipv4Addr;
use upf_common::abi::{NO_SLOT, POOL_NETWORK, Rules, flags};
use upf_common::drop_reason::DropReason;

/// Behind one UE, and behind another one in the middle of that.
const WIDE: &str = "192.168.8.0/22";
const NARROW: &str = "192.168.9.0/24";
const IN_WIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 8, 7);
const IN_NARROW: Ipv4Addr = Ipv4Addr::new(192, 168, 9, 7);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 12, 7);
/// QFI towards the other UE.
const OTHER_QFI: u8 = 7;
const NET_V6: &str = "2001:db8:99::/56";
const IN_V6: [u8; 16] = [
    0x20, 1, 0x0d, 0xb8, 0, 0x99, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 9,
];

fn net(text: &str) -> IpNet {
    text.parse().expect("a network")
}

fn leads_to(slot: u32) -> impl Fn(&mut Rules) {
    move |rules| (rules.framed_slot, rules.framed_instance) = (slot, INSTANCE)
}

/// A session with networks behind its UE.
fn routed_to(world: World, slot: u32) -> World {
    world.change(slot, |up, down| {
        leads_to(slot)(up);
        leads_to(slot)(down);
    })
}

/// Two UEs, one network within the other's.
fn two() -> World {
    routed_to(World::new(), SLOT)
        .change(SLOT + 1, |up, down| {
            leads_to(SLOT + 1)(up);
            leads_to(SLOT + 1)(down);
            down.qfi = OTHER_QFI;
        })
        .network(net(WIDE), SLOT)
        .network(net(NARROW), SLOT + 1)
        .network(net("10.45.0.0/23"), POOL_NETWORK)
}

fn to(destination: Ipv4Addr) -> Vec<u8> {
    let payload = udp(1, 2, b"to the network");
    ipv4(SERVER, destination, IpNumber::UDP, &payload, |_| ())
}

fn from(source: Ipv4Addr) -> Vec<u8> {
    let payload = udp(1, 2, b"from the network");
    ipv4(source, SERVER, IpNumber::UDP, &payload, |_| ())
}

pub(super) fn framed() -> Vec<Case> {
    let reaches = |name, world, packet: &[u8], qfi, tos| {
        let out = transmits(to_gnb(Some(qfi), tos, packet));
        case(name, world, from_router(packet), out)
    };
    let leaves = |name, world, slot, packet: &[u8]| {
        let frame = from_gnb(&g_pdu(slot, packet));
        case(name, world, frame, transmits(to_router(packet)))
    };
    let spoofed = |name, world, packet: &[u8]| {
        let frame = from_gnb(&g_pdu(SLOT, packet));
        up(name, world, frame, DropReason::SpoofedSource)
    };
    let v6 = || routed_to(World::new(), SLOT_V6).network(net(NET_V6), SLOT_V6);
    let without_address = World::new()
        .change(SLOT, |up, down| {
            leads_to(SLOT)(up);
            leads_to(SLOT)(down);
            up.flags &= !flags::UE_V4;
            down.flags &= !flags::UE_V4;
        })
        .network(net(WIDE), SLOT);
    let host_route = routed_to(World::new(), SLOT).network(net("198.51.100.7/32"), SLOT);
    let mut gone = two();
    gone.slots[0].1.downlink.rules[1].framed_slot = NO_SLOT;
    let mut no_flag = two();
    no_flag.control_flags = 0;
    let mut elsewhere = two();
    for (_, network, _) in &mut elsewhere.networks {
        network.instance = INSTANCE + 1;
    }
    vec![
        reaches("to a network behind a UE", two(), &to(IN_WIDE), QFI, TOS),
        reaches(
            "to a network within another UE's: the longest prefix counts",
            two(),
            &to(IN_NARROW),
            OTHER_QFI,
            TOS,
        ),
        reaches("to the UE itself beside it", two(), &to(ue(SLOT)), QFI, TOS),
        reaches(
            "to a network behind a UE, IPv6",
            v6(),
            &ipv6(SERVER_V6, IN_V6),
            QFI,
            0,
        ),
        reaches(
            "to a network behind a UE without an address",
            without_address.clone(),
            &to(IN_WIDE),
            QFI,
            TOS,
        ),
        reaches(
            "to a host behind a UE",
            host_route,
            &to([198, 51, 100, 7].into()),
            QFI,
            TOS,
        ),
        case(
            "to nobody's network",
            two(),
            from_router(&to(OUTSIDE)),
            Expected::Untouched,
        ),
        case(
            "to a network of another network instance",
            elsewhere.clone(),
            from_router(&to(IN_WIDE)),
            Expected::Untouched,
        ),
        case(
            "to a network while there are none",
            no_flag,
            from_router(&to(IN_WIDE)),
            Expected::Untouched,
        ),
        down(
            "to a network that has gone from the slot",
            gone,
            from_router(&to(IN_WIDE)),
            DropReason::UnknownUeAddress,
        ),
        down(
            "to an address of the pool that nobody has, with networks about",
            two(),
            from_router(&to(ue(SLOT + 2))),
            DropReason::UnknownUeAddress,
        ),
        leaves("from a network behind a UE", two(), SLOT, &from(IN_WIDE)),
        leaves("from the UE itself beside it", two(), SLOT, &from(ue(SLOT))),
        leaves(
            "from a network behind the other UE",
            two(),
            SLOT + 1,
            &from(IN_NARROW),
        ),
        leaves(
            "from a network behind a UE, IPv6",
            v6(),
            SLOT_V6,
            &ipv6(IN_V6, SERVER_V6),
        ),
        spoofed(
            "from a network behind another UE, within one's own",
            two(),
            &from(IN_NARROW),
        ),
        spoofed("from nobody's network", two(), &from(OUTSIDE)),
        spoofed(
            "from a network of another network instance",
            elsewhere,
            &from(IN_WIDE),
        ),
        spoofed(
            "from the address of a UE that has none",
            without_address,
            &from(ue(SLOT)),
        ),
    ]
}
