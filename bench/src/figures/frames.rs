//! The frames that are measured: 128-byte packets of a UE, by themselves and in a tunnel.

use std::net::Ipv4Addr;

use etherparse::IpNumber;
use upf_common::forward::tables::Way;

use crate::packets::frames::{SERVER_PORT, UE_PORT, from_gnb, from_router, gtpu, ipv4, udp};
use crate::packets::world::{QFI, SERVER};

/// Bytes of the UE's packet, IP header included.
pub const INNER: usize = 128;
/// UE of the first session: the pool is 10.128.0.0/9.
pub const FIRST_UE: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 0);
/// TEID of the first session; its low 24 bits are the slot's number.
pub const FIRST_TEID: u32 = 0x2a00_0000;

/// A frame of the first session, as it comes from a gNB or from the data network.
#[must_use]
pub fn of_first_session(way: Way) -> Vec<u8> {
    let payload = [0xa5; INNER - 28];
    match way {
        Way::Uplink => {
            let datagram = udp(UE_PORT, SERVER_PORT, &payload);
            let packet = ipv4(FIRST_UE, SERVER, IpNumber::UDP, &datagram, |_| ());
            // PDU Session Container, uplink, behind sequence and N-PDU numbers that are not used.
            let container = [0, 0, 0, 0x85, 1, 0x10, QFI, 0];
            let rest = [&container[..], &packet].concat();
            from_gnb(&gtpu(0x34, 255, FIRST_TEID, &rest))
        }
        Way::Downlink => {
            let datagram = udp(SERVER_PORT, UE_PORT, &payload);
            let packet = ipv4(SERVER, FIRST_UE, IpNumber::UDP, &datagram, |_| ());
            from_router(&packet)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_wrapper_patches_is_where_it_patches() {
        let uplink = of_first_session(Way::Uplink);
        assert_eq!(uplink[46..50], FIRST_TEID.to_be_bytes());
        assert_eq!(uplink[58..][12..16], FIRST_UE.octets());
        assert_eq!(uplink.len(), 14 + 20 + 8 + 16 + INNER);
        let downlink = of_first_session(Way::Downlink);
        assert_eq!(downlink[14..][16..20], FIRST_UE.octets());
        assert_eq!(downlink.len(), 14 + INNER);
    }
}
