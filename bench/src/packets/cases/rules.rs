//! What rules do to packets: FAR, gate, MBR, TTL, lists of PDRs.

use super::{
    Case, SLOT, SLOT_V6, case, down, g_pdu, to_gnb, to_router, transmits, tunnelled, up, with_v4,
    with_v6,
};
use crate::gtpu::GPdu;
use crate::packets::frames::{
    SERVER_PORT, TOS, UE_PORT, from_gnb, from_router, from_ue, from_ue_v6, ipv4, ipv6, to_ue,
    to_ue_v6, udp,
};
use crate::packets::world::{self, GNB_TEID, QFI, SERVER, World, teid, ue};
use etherparse::IpNumber;
use upf_common::abi::{
    Match, MatchPorts, RuleListEntry, Rules, flags, mapped, match_flags, verdict,
};
use upf_common::drop_reason::DropReason;

/// What rules do to either direction.
pub(super) fn both_ways() -> Vec<Case> {
    let pair = |names: [&'static str; 2], change: &dyn Fn(&mut Rules), reason| {
        let world = World::new()
            .change(SLOT, |up, down| {
                change(up);
                change(down);
            })
            .meter(SLOT, 0);
        [
            up(
                names[0],
                world.clone(),
                from_gnb(&g_pdu(SLOT, &from_ue(SLOT))),
                reason,
            ),
            down(names[1], world, from_router(&to_ue(SLOT)), reason),
        ]
    };
    let ttl = |ttl: u8, from, to| {
        ipv4(
            from,
            to,
            IpNumber::UDP,
            &udp(UE_PORT, SERVER_PORT, b"old"),
            |header| header.time_to_live = ttl,
        )
    };
    let mut old_v6 = to_ue_v6(SLOT_V6);
    old_v6[7] = 1;
    let limited = |bits_per_second| {
        World::new()
            .change(SLOT, |up, down| {
                up.meter_slot = SLOT;
                down.meter_slot = SLOT;
            })
            .meter(SLOT, bits_per_second)
    };
    let elsewhere = World::new()
        .change(SLOT, |up, _| up.meter_slot = 700)
        .meter(700, 1_000_000);
    let no_such_meter = World::new().change(SLOT, |up, _| up.meter_slot = world::SLOTS);
    let young = ttl(2, ue(SLOT), SERVER);
    let packet = from_ue(SLOT);
    let mut cases = vec![
        up(
            "TTL 1 from the UE",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &ttl(1, ue(SLOT), SERVER))),
            DropReason::TtlExpired,
        ),
        up(
            "TTL 0 from the UE",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &ttl(0, ue(SLOT), SERVER))),
            DropReason::TtlExpired,
        ),
        down(
            "TTL 1 to the UE",
            with_v4(),
            from_router(&ttl(1, SERVER, ue(SLOT))),
            DropReason::TtlExpired,
        ),
        down(
            "hop limit 1 to the UE",
            with_v6(),
            from_router(&old_v6),
            DropReason::TtlExpired,
        ),
        case(
            "TTL 2 goes one hop further",
            with_v4(),
            from_gnb(&g_pdu(SLOT, &young)),
            transmits(to_router(&young)),
        ),
        case(
            "below the MBR",
            limited(100_000_000_000),
            from_gnb(&g_pdu(SLOT, &packet)),
            transmits(to_router(&packet)),
        ),
        case(
            "below the MBR, whose bucket is in another slot",
            elsewhere,
            from_gnb(&g_pdu(SLOT, &packet)),
            transmits(to_router(&packet)),
        ),
        up(
            "a meter that does not exist passes nothing",
            no_such_meter,
            from_gnb(&g_pdu(SLOT, &packet)),
            DropReason::RateLimited,
        ),
    ];
    cases.extend(pair(
        ["an MBR of zero, uplink", "an MBR of zero, downlink"],
        &|rules| rules.meter_slot = SLOT,
        DropReason::RateLimited,
    ));
    cases.extend(pair(
        ["FAR says DROP, uplink", "FAR says DROP, downlink"],
        &|rules| rules.verdict = verdict::DROP,
        DropReason::FarDrop,
    ));
    cases.extend(pair(
        ["FAR says BUFF, uplink", "FAR says BUFF, downlink"],
        &|rules| rules.verdict = verdict::BUFFER,
        DropReason::FarBuffer,
    ));
    cases.extend(pair(
        ["the gate is closed, uplink", "the gate is closed, downlink"],
        &|rules| rules.flags &= !flags::GATE_OPEN,
        DropReason::GateClosed,
    ));
    cases
}

/// Several PDRs in a direction.
pub(super) fn lists() -> Vec<Case> {
    let to_server = Match {
        remote: mapped(SERVER.octets()),
        remote_mask: [0xff; 16],
        remote_ports: MatchPorts {
            first: SERVER_PORT,
            last: SERVER_PORT,
        },
        protocol: 17,
        ..Match::default()
    };
    let others = Match {
        flags: match_flags::ANY_PROTOCOL,
        ..Match::default()
    };
    let dropped = |rules: Rules| Rules {
        verdict: verdict::DROP,
        ..rules
    };
    let head = |rules: &mut Rules, list| {
        rules.verdict = verdict::LIST;
        rules.list = list;
    };
    let world = |entries: &[(Match, Rules)]| {
        World::new().list(entries).change(SLOT, |up, down| {
            head(up, 0);
            head(down, 0);
        })
    };
    let (ours, downs) = (world::uplink(SLOT), world::downlink(SLOT));
    let web = from_ue(SLOT);
    let other_port = ipv4(
        ue(SLOT),
        SERVER,
        IpNumber::UDP,
        &udp(UE_PORT, 80, b"?"),
        |_| (),
    );
    let fragment = ipv4(ue(SLOT), SERVER, IpNumber::UDP, &[0; 32], |header| {
        header.fragment_offset = 3.try_into().expect("13 bits");
    });
    let mut full = vec![(to_server, dropped(ours)); 7];
    full.push((others, ours));
    let by_qfi = World::new()
        .chain(&[RuleListEntry {
            filter: others,
            qfis: 1 << QFI | 1 << 63,
            rules: ours,
        }])
        .change(SLOT, |up, _| head(up, 0));
    let solicitation = {
        let mut source = [0; 16];
        source[..2].copy_from_slice(&[0xfe, 0x80]);
        let mut all_routers = [0; 16];
        all_routers[..2].copy_from_slice(&[0xff, 2]);
        all_routers[15] = 2;
        let mut packet = ipv6(source, all_routers);
        packet[6] = 58;
        packet
    };
    let to_control_plane = Rules {
        flags: flags::GATE_OPEN | flags::ENCAPSULATE | flags::ANY_SOURCE,
        peer_teid: GNB_TEID.to_be_bytes(),
        ..ours
    };
    let icmp_v6 = Match {
        protocol: 58,
        ..Match::default()
    };
    let v6_world = World::new()
        .list(&[
            (icmp_v6, to_control_plane),
            (others, world::uplink(SLOT_V6)),
        ])
        .change(SLOT_V6, |up, _| head(up, 0));
    let back = to_ue(SLOT);
    let from_core = World::new()
        .list(&[(
            to_server,
            Rules {
                is_downlink: 1,
                ..to_control_plane
            },
        )])
        .change(SLOT, |up, _| {
            head(up, 0);
            up.flags |= flags::ANY_SOURCE;
            up.is_downlink = 1;
        });
    vec![
        up(
            "the first filter matches",
            world(&[(to_server, dropped(ours)), (others, ours)]),
            from_gnb(&g_pdu(SLOT, &web)),
            DropReason::FarDrop,
        ),
        case(
            "the second PDR matches",
            world(&[(to_server, dropped(ours)), (others, ours)]),
            from_gnb(&g_pdu(SLOT, &other_port)),
            transmits(to_router(&other_port)),
        ),
        up(
            "no PDR matches",
            world(&[(to_server, ours)]),
            from_gnb(&g_pdu(SLOT, &other_port)),
            DropReason::NoMatchingPdr,
        ),
        up(
            "a later fragment matches no port",
            world(&[(to_server, ours)]),
            from_gnb(&g_pdu(SLOT, &fragment)),
            DropReason::NoMatchingPdr,
        ),
        up(
            "an empty list",
            world(&[]),
            from_gnb(&g_pdu(SLOT, &web)),
            DropReason::NoMatchingPdr,
        ),
        up(
            "a list that does not exist",
            World::new().change(SLOT, |up, _| head(up, 99)),
            from_gnb(&g_pdu(SLOT, &web)),
            DropReason::NoMatchingPdr,
        ),
        case(
            "the last of a full list matches",
            world(&full),
            from_gnb(&g_pdu(SLOT, &other_port)),
            transmits(to_router(&other_port)),
        ),
        case(
            "a filter is the same for the way back",
            world(&[(to_server, downs)]),
            from_router(&back),
            transmits(to_gnb(Some(QFI), TOS, &back)),
        ),
        case(
            "what comes by a tunnel from the core is on its way down for filters too",
            from_core.clone(),
            from_gnb(&g_pdu(SLOT, &back)),
            transmits(tunnelled(None, TOS, &back)),
        ),
        down(
            "what comes by that tunnel the wrong way round matches nothing",
            from_core,
            from_gnb(&g_pdu(SLOT, &web)),
            DropReason::NoMatchingPdr,
        ),
        case(
            "a list by QFI",
            by_qfi.clone(),
            from_gnb(&g_pdu(SLOT, &web)),
            transmits(to_router(&web)),
        ),
        up(
            "a list by another QFI",
            by_qfi,
            from_gnb(
                &GPdu {
                    teid: teid(SLOT),
                    qfi: Some(QFI + 1),
                    payload: &web,
                }
                .to_uplink_bytes(),
            ),
            DropReason::NoMatchingPdr,
        ),
        up(
            "lists check the source too",
            world(&[(others, ours)]),
            from_gnb(&g_pdu(SLOT, &from_ue(SLOT + 1))),
            DropReason::SpoofedSource,
        ),
        case(
            "a router solicitation goes to the control plane",
            v6_world.clone(),
            from_gnb(&g_pdu(SLOT_V6, &solicitation)),
            transmits(tunnelled(None, 0, &solicitation)),
        ),
        case(
            "the UE's own IPv6 packets beside it go their way",
            v6_world,
            from_gnb(&g_pdu(SLOT_V6, &from_ue_v6(SLOT_V6))),
            transmits(to_router(&from_ue_v6(SLOT_V6))),
        ),
    ]
}
