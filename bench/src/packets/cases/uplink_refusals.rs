//! What comes to a GTP-U address and does not leave.

use super::{
    Case, Expected, SLOT, SLOT_V6, case, g_pdu, to_router, transmits, up, with_v4, with_v6,
};
use crate::gtpu::GPdu;
use crate::packets::frames::{datagram, from_gnb, from_ue, from_ue_v6, gtpu, ipv6, udp};
use crate::packets::world::{QFI, SERVER_V6, World, teid};
use upf_common::abi::flags;
use upf_common::drop_reason::DropReason;

pub(super) fn uplink_refusals() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let v6 = from_ue_v6(SLOT_V6);
    let bytes = g_pdu(SLOT, &packet);
    let mut overstated = bytes.clone();
    overstated[3] += 1;
    let mut too_long_chain = vec![0, 0, 0, 0x20];
    for _ in 0..9 {
        too_long_chain.extend([1, 0, 0, 0x20]);
    }
    let mut udp_overstated = udp(2152, 2152, &bytes);
    udp_overstated[5] += 1;
    let mut udp_understated = udp(2152, 2152, &bytes);
    udp_understated[4..6].copy_from_slice(&[0, 7]);
    let mut inner_overstated = packet.clone();
    inner_overstated[3] += 1;
    let mut short_header = packet.clone();
    short_header[0] = 0x44;
    let mut not_ip = packet.clone();
    not_ip[0] = 0x55;
    let malformed = |name, flags, rest: &[u8]| {
        let frame = from_gnb(&gtpu(flags, 255, teid(SLOT), rest));
        up(name, with_v4(), frame, DropReason::GtpuMalformed)
    };
    let inner = |name, packet: &[u8]| {
        let frame = from_gnb(&g_pdu(SLOT, packet));
        up(name, with_v4(), frame, DropReason::InnerMalformed)
    };
    let spoofed = |name, world, slot, packet: &[u8]| {
        up(
            name,
            world,
            from_gnb(&g_pdu(slot, packet)),
            DropReason::SpoofedSource,
        )
    };
    let unknown = |name, world, teid| {
        let frame = from_gnb(
            &GPdu {
                teid,
                qfi: None,
                payload: &packet,
            }
            .to_uplink_bytes(),
        );
        up(name, world, frame, DropReason::UnknownTeid)
    };
    let with_qfi = |qfi| {
        let world = World::new().change(SLOT, |up, _| {
            up.flags |= flags::MATCH_QFI;
            up.match_qfi = QFI;
        });
        (
            world,
            from_gnb(
                &GPdu {
                    teid: teid(SLOT),
                    qfi,
                    payload: &packet,
                }
                .to_uplink_bytes(),
            ),
        )
    };
    let (qfi_world, other_qfi) = with_qfi(Some(QFI + 1));
    let (_, no_qfi) = with_qfi(None);
    let (_, right_qfi) = with_qfi(Some(QFI));
    let link_local = {
        let mut source = [0; 16];
        source[..2].copy_from_slice(&[0xfe, 0x80]);
        ipv6(source, SERVER_V6)
    };
    vec![
        up(
            "the first outer fragment",
            with_v4(),
            datagram(&udp(2152, 2152, &bytes), |header| {
                header.more_fragments = true;
            }),
            DropReason::OuterFragment,
        ),
        up(
            "GTP version 2",
            with_v4(),
            from_gnb(&gtpu(0x50, 255, teid(SLOT), &packet)),
            DropReason::GtpuVersion,
        ),
        up(
            "GTP'",
            with_v4(),
            from_gnb(&gtpu(0x20, 255, teid(SLOT), &packet)),
            DropReason::GtpuVersion,
        ),
        up(
            "a GTP-U length beyond the datagram",
            with_v4(),
            from_gnb(&overstated),
            DropReason::GtpuMalformed,
        ),
        up(
            "a GTP-U header cut short",
            with_v4(),
            from_gnb(&bytes[..6]),
            DropReason::GtpuMalformed,
        ),
        up(
            "a UDP length beyond the frame",
            with_v4(),
            datagram(&udp_overstated, |_| ()),
            DropReason::GtpuMalformed,
        ),
        up(
            "a UDP length below its header",
            with_v4(),
            datagram(&udp_understated, |_| ()),
            DropReason::GtpuMalformed,
        ),
        malformed(
            "an extension header of length zero",
            0x34,
            &[0, 0, 0, 0x85, 0, 0x10, QFI, 0],
        ),
        malformed(
            "an extension header beyond the message",
            0x34,
            &[0, 0, 0, 0x85, 200, 0x10, QFI, 0],
        ),
        malformed("optional part cut short", 0x32, &[0, 1]),
        malformed(
            "too many extension headers",
            0x34,
            &[too_long_chain, packet.clone()].concat(),
        ),
        unknown("nobody's slot", World::new(), teid(SLOT)),
        unknown(
            "somebody's slot, with a wrong tag",
            with_v4(),
            teid(SLOT) ^ 1 << 31,
        ),
        unknown("a slot beyond the table", with_v4(), teid(SLOT) | 1 << 9),
        unknown("TEID 0", with_v4(), 0),
        unknown(
            "a TEID of the map whose slot has another one",
            {
                let mut world = with_v4();
                world.teids.push(([0xca, 0xfe, 0, 9], SLOT));
                world
            },
            0xcafe_0009,
        ),
        inner("an inner packet that is neither IPv4 nor IPv6", &not_ip),
        inner("an inner packet cut short", &packet[..10]),
        inner("no inner packet at all", &[]),
        inner("an inner length beyond the tunnel's", &inner_overstated),
        inner("an inner header shorter than it can be", &short_header),
        inner("inner IPv6 cut short", &v6[..39]),
        spoofed(
            "somebody else's address",
            with_v4(),
            SLOT,
            &from_ue(SLOT + 1),
        ),
        spoofed(
            "IPv6 from a UE that has IPv4",
            with_v4(),
            SLOT,
            &from_ue_v6(SLOT_V6),
        ),
        spoofed("IPv4 from a UE that has IPv6", with_v6(), SLOT_V6, &packet),
        spoofed(
            "somebody else's prefix",
            with_v6(),
            SLOT_V6,
            &from_ue_v6(SLOT_V6 + 1),
        ),
        spoofed("a link-local address", with_v6(), SLOT_V6, &link_local),
        up(
            "another QFI than the PDR's",
            qfi_world.clone(),
            other_qfi,
            DropReason::NoMatchingPdr,
        ),
        up(
            "no QFI where the PDR has one",
            qfi_world.clone(),
            no_qfi,
            DropReason::NoMatchingPdr,
        ),
        case(
            "the PDR's QFI",
            qfi_world,
            right_qfi,
            transmits(to_router(&packet)),
        ),
        case(
            "an End Marker",
            with_v4(),
            from_gnb(&gtpu(0x30, 254, teid(SLOT), &[])),
            Expected::Punted,
        ),
        case(
            "an End Marker with a container",
            with_v4(),
            from_gnb(&gtpu(0x34, 254, teid(SLOT), &[0, 0, 0, 0x85, 1, 0, QFI, 0])),
            Expected::Punted,
        ),
        case(
            "an Error Indication",
            with_v4(),
            from_gnb(&gtpu(0x32, 26, 0, &[0; 12])),
            Expected::Punted,
        ),
    ]
}
