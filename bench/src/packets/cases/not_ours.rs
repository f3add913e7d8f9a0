//! Frames that are not ours and go to the kernel.

use super::{Case, Expected, SLOT, case, g_pdu, with_v4};
use crate::packets::frames::{datagram, ethernet, from_gnb, from_router, from_ue, ipv4, ipv6, udp};
use crate::packets::world::{FAR_MAC, GNB, LOCAL, PEER_MAC, SERVER, SERVER_V6};
use etherparse::{EtherType, IpNumber};

pub(super) fn not_ours() -> Vec<Case> {
    let arp = ethernet(PEER_MAC, [0xff; 6], None, EtherType::ARP, &[0; 46]);
    let mut to_other_mac = from_gnb(&g_pdu(SLOT, &from_ue(SLOT)));
    to_other_mac[..6].copy_from_slice(&FAR_MAC);
    let tcp = ipv4(GNB, LOCAL, IpNumber::TCP, &[0; 20], |_| ());
    let pfcp = datagram(&udp(8805, 8805, &[0x20, 1, 0, 4, 0, 0, 1, 0]), |_| ());
    let elsewhere = ipv4(
        GNB,
        SERVER,
        IpNumber::UDP,
        &udp(2152, 2152, &g_pdu(SLOT, &from_ue(SLOT))),
        |_| (),
    );
    let untouched = |name, frame| case(name, with_v4(), frame, Expected::Untouched);
    let mut later_fragment = from_gnb(&g_pdu(SLOT, &from_ue(SLOT)));
    later_fragment[21] = 10;
    vec![
        untouched("ARP goes to the kernel", arp),
        untouched("a frame to another MAC address is not ours", to_other_mac),
        untouched(
            "TCP to a GTP-U address goes to the kernel",
            from_router(&tcp),
        ),
        untouched("PFCP to a GTP-U address goes to the kernel", pfcp),
        untouched(
            "GTP-U to somebody else is not ours",
            from_router(&elsewhere),
        ),
        untouched("a runt is left alone", vec![0; 14]),
        untouched(
            "IPv4 cut short is left alone",
            from_router(&from_ue(SLOT)[..12]),
        ),
        untouched(
            "IPv6 to nobody's UE is left alone",
            from_router(&ipv6(SERVER_V6, [0x20; 16])),
        ),
        untouched(
            "IPv4 to nobody's UE is left alone",
            from_router(&ipv4(SERVER, GNB, IpNumber::UDP, &udp(1, 2, &[]), |_| ())),
        ),
        untouched(
            "a later outer fragment has no ports to tell it by",
            later_fragment,
        ),
    ]
}
