//! Packets to UEs.

use super::{
    Case, Expected, SLOT, SLOT_V6, case, down, redirects, to_gnb, transmits, with_v4, with_v6,
};
use crate::packets::frames::{TOS, ethernet, from_router, ipv4, to_ue, to_ue_v6, udp};
use crate::packets::world::{
    self, FAR_MAC, INSTANCE, NEAR_MAC, PEER_MAC, QFI, ROUTER_MAC, SERVER, VLAN, World, ue,
    ue_prefix,
};
use etherparse::{EtherType, IpNumber};
use upf_common::abi::{Rules, UeKey, flags, mapped};
use upf_common::drop_reason::DropReason;

pub(super) fn downlink() -> Vec<Case> {
    let packet = to_ue(SLOT);
    let v6 = to_ue_v6(SLOT_V6);
    let reaches = |name, world, packet: &[u8], qfi, tos| {
        case(
            name,
            world,
            from_router(packet),
            transmits(to_gnb(qfi, tos, packet)),
        )
    };
    let carries = |name, protocol: u8, payload: &[u8]| {
        let packet = ipv4(SERVER, ue(SLOT), IpNumber(protocol), payload, |_| ());
        reaches(name, with_v4(), &packet, Some(QFI), TOS)
    };
    let four_g = World::new().change(SLOT, |_, down| down.flags &= !flags::PDU_SESSION);
    let marked = World::new().change(SLOT, |_, down| {
        down.flags |= flags::MARK_DSCP;
        down.dscp = 10;
    });
    let mut single = World::new().change(SLOT, |_, down| down.ue_v4 = [198, 51, 100, 7]);
    let alone = UeKey {
        address: mapped([198, 51, 100, 7]),
        instance: INSTANCE,
    };
    single.ue_addresses.push((alone, SLOT));
    let to_single = ipv4(
        SERVER,
        [198, 51, 100, 7].into(),
        IpNumber::UDP,
        &udp(1, 2, b"x"),
        |_| (),
    );
    let mut dissolved = with_v4();
    dissolved.blocks[0] = u32::MAX;
    let key = UeKey {
        address: mapped(ue(SLOT).octets()),
        instance: INSTANCE,
    };
    dissolved.ue_addresses.push((key, SLOT));
    let mut whole_prefix = with_v6();
    whole_prefix.blocks[2] = u32::MAX;
    let mut prefix = [0; 16];
    prefix[..8].copy_from_slice(&ue_prefix(SLOT_V6));
    whole_prefix.ue_addresses.push((
        UeKey {
            address: prefix,
            instance: INSTANCE,
        },
        SLOT_V6,
    ));
    let padded = {
        let packet = ipv4(SERVER, ue(SLOT), IpNumber(1), &[8; 8], |_| ());
        let mut frame = from_router(&packet);
        frame.resize(60, 0);
        case(
            "Ethernet's padding stays outside",
            with_v4(),
            frame,
            transmits(to_gnb(Some(QFI), TOS, &packet)),
        )
    };
    let by_far = with_v4().way_to_gnb(world::by_far);
    let mut far_frame = to_gnb(Some(QFI), TOS, &packet);
    far_frame.splice(
        ..14,
        ethernet(FAR_MAC, PEER_MAC, Some(VLAN), EtherType::IPV4, &[]),
    );
    let fragment = ipv4(SERVER, ue(SLOT), IpNumber::UDP, &[0xdd; 80], |header| {
        header.fragment_offset = 7.try_into().expect("13 bits");
    });
    vec![
        reaches("downlink, 5G", with_v4(), &packet, Some(QFI), TOS),
        reaches(
            "downlink, 4G: no PDU Session Container",
            four_g,
            &packet,
            None,
            TOS,
        ),
        reaches("downlink, IPv6", with_v6(), &v6, Some(QFI), 0),
        reaches(
            "transport-level marking keeps ECN",
            marked,
            &packet,
            Some(QFI),
            10 << 2 | TOS & 3,
        ),
        carries("downlink, ESP", 50, &[1; 40]),
        carries("downlink, SCTP", 132, &[2; 40]),
        carries("downlink, GRE", 47, &[3; 24]),
        reaches("downlink, a fragment", with_v4(), &fragment, Some(QFI), TOS),
        reaches(
            "a UE address outside the pools",
            single,
            &to_single,
            Some(QFI),
            TOS,
        ),
        reaches(
            "a UE address whose block has no slots",
            dissolved,
            &packet,
            Some(QFI),
            TOS,
        ),
        reaches(
            "an IPv6 prefix whose block has no slots",
            whole_prefix,
            &v6,
            Some(QFI),
            0,
        ),
        case(
            "downlink by another device, with its VLAN tag",
            by_far,
            from_router(&packet),
            redirects(far_frame),
        ),
        case(
            "downlink that came with a VLAN tag",
            with_v4(),
            ethernet(ROUTER_MAC, NEAR_MAC, Some(3), EtherType::IPV4, &packet),
            transmits(to_gnb(Some(QFI), TOS, &packet)),
        ),
        padded,
    ]
}

/// The slot has gone to another session since the packet found it.
fn gone_to_another() -> World {
    World::new().change(SLOT, |_, down| down.ue_v4 = ue(SLOT + 1).octets())
}

pub(super) fn downlink_refusals() -> Vec<Case> {
    let unknown = |name, world, packet: &[u8]| {
        down(
            name,
            world,
            from_router(packet),
            DropReason::UnknownUeAddress,
        )
    };
    let only_up = World::new().change(SLOT, |_, down| *down = Rules::default());
    let mut not_core = with_v4();
    not_core.ports[0].roles = upf_common::abi::roles::ACCESS;
    vec![
        unknown(
            "an address of the pool that nobody has",
            World::new(),
            &to_ue(SLOT),
        ),
        unknown(
            "a slot that has gone to another UE",
            gone_to_another(),
            &to_ue(SLOT),
        ),
        unknown("a neighbour's address", with_v4(), &to_ue(SLOT + 1)),
        unknown("a block without slots", with_v4(), &to_ue(256 + SLOT)),
        unknown(
            "a prefix that nobody has",
            with_v6(),
            &to_ue_v6(SLOT_V6 + 1),
        ),
        unknown("a session without a downlink PDR", only_up, &to_ue(SLOT)),
        case(
            "a device that is not core forwards nothing to UEs",
            not_core,
            from_router(&to_ue(SLOT)),
            Expected::Untouched,
        ),
        case(
            "inner IPv4 that overstates its length is not ours",
            with_v4(),
            from_router(&to_ue(SLOT)[..30]),
            Expected::Untouched,
        ),
    ]
}
