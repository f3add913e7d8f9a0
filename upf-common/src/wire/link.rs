//! Ethernet II, with and without one VLAN tag (IEEE 802.1Q).

use super::{ETHERNET, Packet, be16};

/// EtherType of IPv4.
pub const ETHER_IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const ETHER_IPV6: u16 = 0x86dd;
/// Bytes of a VLAN tag.
pub const VLAN_TAG: usize = 4;

const ETHER_VLAN: u16 = 0x8100;
const ETHER_SERVICE_VLAN: u16 = 0x88a8;

/// The link layer of a frame that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where the network layer begins.
    pub network: usize,
    /// What it is.
    pub ether_type: u16,
}

impl Link {
    /// Reads the headers of a frame to `mac`; `None` for frames to others, and for what is cut short.
    #[inline(always)]
    pub fn read(packet: &impl Packet, mac: [u8; 6]) -> Option<Self> {
        let header = packet.view::<ETHERNET>(0)?;
        let [d0, d1, d2, d3, d4, d5, _, _, _, _, _, _, t0, t1] = *header;
        if [d0, d1, d2, d3, d4, d5] != mac {
            return None;
        }
        let ether_type = be16(t0, t1);
        if ether_type != ETHER_VLAN && ether_type != ETHER_SERVICE_VLAN {
            return Some(Self {
                network: ETHERNET,
                ether_type,
            });
        }
        let [_, _, t0, t1] = *packet.view::<VLAN_TAG>(ETHERNET)?;
        Some(Self {
            network: ETHERNET + VLAN_TAG,
            ether_type: be16(t0, t1),
        })
    }

    /// Writes the header of a frame that leaves; `false` if there is no room for it.
    #[inline(always)]
    pub fn write(
        packet: &mut impl Packet,
        destination: [u8; 6],
        source: [u8; 6],
        vlan: u16,
        ether_type: u16,
    ) -> bool {
        let Some(header) = packet.view_mut::<ETHERNET>(0) else {
            return false;
        };
        header[..6].copy_from_slice(&destination);
        header[6..12].copy_from_slice(&source);
        if vlan == 0 {
            header[12..].copy_from_slice(&ether_type.to_be_bytes());
            return true;
        }
        header[12..].copy_from_slice(&ETHER_VLAN.to_be_bytes());
        write_word(packet, 14, vlan) && write_word(packet, 16, ether_type)
    }
}

#[inline(always)]
fn write_word(packet: &mut impl Packet, offset: usize, word: u16) -> bool {
    let Some(bytes) = packet.view_mut::<2>(offset) else {
        return false;
    };
    *bytes = word.to_be_bytes();
    true
}
