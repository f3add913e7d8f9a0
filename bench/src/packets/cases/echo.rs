//! GTP-U Echo Request.

use super::{Case, case, transmits};
use crate::packets::frames::{TTL, datagram, ethernet, from_gnb, gtpu, ipv4, udp};
use crate::packets::world::{GNB, LOCAL, NEAR_MAC, PEER_MAC, VLAN, World};
use etherparse::{EtherType, IpNumber};

pub(super) fn echo() -> Vec<Case> {
    let answer = |vlan, port, sequence: [u8; 2]| {
        let response = gtpu(0x32, 2, 0, &[&sequence[..], &[0, 0, 14, 0]].concat());
        let outer = ipv4(
            LOCAL,
            GNB,
            IpNumber::UDP,
            &udp(2152, port, &response),
            |header| {
                header.dscp = 0.try_into().expect("six bits");
                header.ecn = 0.try_into().expect("two bits");
                header.dont_fragment = true;
                header.time_to_live = TTL;
            },
        );
        transmits(ethernet(NEAR_MAC, PEER_MAC, vlan, EtherType::IPV4, &outer))
    };
    let request = gtpu(0x32, 1, 0, &[0x12, 0x34, 0, 0]);
    let tagged = {
        let outer = ipv4(
            GNB,
            LOCAL,
            IpNumber::UDP,
            &udp(2152, 2152, &request),
            |_| (),
        );
        ethernet(PEER_MAC, NEAR_MAC, Some(VLAN), EtherType::IPV4, &outer)
    };
    let with_extension = gtpu(
        0x32,
        1,
        0,
        &[&[0x12, 0x34, 0, 0, 255, 0, 20][..], &[7; 20]].concat(),
    );
    let padded = {
        let mut frame = from_gnb(&request);
        frame.resize(60, 0);
        frame
    };
    let world = World::new;
    vec![
        case(
            "Echo Request",
            world(),
            from_gnb(&request),
            answer(None, 2152, [0x12, 0x34]),
        ),
        case(
            "Echo Request from another port",
            world(),
            datagram(&udp(5000, 2152, &request), |_| ()),
            answer(None, 5000, [0x12, 0x34]),
        ),
        case(
            "Echo Request with a VLAN tag",
            world(),
            tagged,
            answer(Some(VLAN), 2152, [0x12, 0x34]),
        ),
        case(
            "Echo Request with a private extension",
            world(),
            from_gnb(&with_extension),
            answer(None, 2152, [0x12, 0x34]),
        ),
        case(
            "Echo Request in a padded frame",
            world(),
            padded,
            answer(None, 2152, [0x12, 0x34]),
        ),
        case(
            "Echo Request without a sequence number",
            world(),
            from_gnb(&gtpu(0x30, 1, 0, &[])),
            answer(None, 2152, [0, 0]),
        ),
    ]
}
