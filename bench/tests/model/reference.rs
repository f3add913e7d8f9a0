//! What becomes of a frame, from the text of TS 29.244: rules as they were sent, packets as etherparse reads them.
//! Nothing of the product is in here.

use std::net::{IpAddr, Ipv4Addr};

use bench::gtpu;
use bench::packets::frames::{ethernet, gtpu as gtpu_message, ipv4, routed, udp, udp_v6};
use bench::packets::world::{GNB_V6, LOCAL, LOCAL_V6, NEAR_MAC, PEER_MAC, ROUTER_MAC};
use etherparse::{
    EtherType, IpNumber, IpSlice, Ipv6ExtensionSlice, NetSlice, SlicedPacket, TransportSlice,
};
use ipnet::IpNet;

use crate::rules::{Filter, Local, Session, Way, Wish};

/// What becomes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Kernel,
    Drop,
    /// It leaves by the device that it came from, as this but for the outer source port.
    Leaves(Vec<u8>),
}

/// All sessions, and the pools.
pub(crate) struct Reference<'a> {
    pub(crate) sessions: &'a [Session],
    pub(crate) pools: &'a [IpNet],
}

/// A UE's packet, named from the network's side.
struct Seen<'a> {
    is_uplink: bool,
    qfi: Option<u8>,
    remote: IpAddr,
    local: IpAddr,
    protocol: u8,
    /// Remote and local one.
    ports: Option<(u16, u16)>,
    tos: u8,
    ttl: u8,
    flow_label: Option<u32>,
    spi: Option<u32>,
    bytes: &'a [u8],
}

impl Reference<'_> {
    pub(crate) fn takes(&self, frame: &[u8]) -> Verdict {
        let packet = SlicedPacket::from_ethernet(frame).expect("a frame of ours");
        let ip = packet.net.as_ref().expect("IP");
        let (to_us, start) = match ip {
            NetSlice::Ipv4(ip) => (
                ip.header().destination_addr() == LOCAL,
                ip.header().slice().as_ptr(),
            ),
            NetSlice::Ipv6(ip) => (
                ip.header().destination() == LOCAL_V6,
                ip.header().slice().as_ptr(),
            ),
            NetSlice::Arp(_) => return Verdict::Kernel,
        };
        match &packet.transport {
            Some(TransportSlice::Udp(udp)) if to_us && udp.destination_port() == 2152 => {
                let message = gtpu::read(udp.payload()).expect("a G-PDU");
                self.uplink(message.teid, message.qfi, message.payload)
            }
            _ => {
                let offset = start as usize - frame.as_ptr() as usize;
                self.downlink(&frame[offset..])
            }
        }
    }

    fn uplink(&self, teid: u32, qfi: Option<u8>, bytes: &[u8]) -> Verdict {
        let Some(session) = self.sessions.iter().find(|session| session.teid == teid) else {
            return Verdict::Drop;
        };
        let packet = Seen::new(true, qfi, bytes);
        let Some(wish) = session.finds(&packet).filter(|wish| wish.is_gate_open) else {
            return Verdict::Drop;
        };
        match wish.way {
            Way::Drop | Way::Buffer => Verdict::Drop,
            // From tunnel to tunnel a packet gets no hop older.
            Way::Tunnel(remote) => Verdict::Leaves(encapsulated(wish, remote, packet.tos, bytes)),
            Way::Plain if packet.ttl <= 1 => Verdict::Drop,
            Way::Plain if self.is_ue(packet.remote) => match self.downlink(bytes) {
                Verdict::Kernel => Verdict::Drop,
                verdict => verdict,
            },
            Way::Plain => {
                let ether_type = bench::packets::frames::ether_type(bytes);
                Verdict::Leaves(ethernet(
                    NEAR_MAC,
                    ROUTER_MAC,
                    None,
                    ether_type,
                    &routed(bytes),
                ))
            }
        }
    }

    fn downlink(&self, bytes: &[u8]) -> Verdict {
        let packet = Seen::new(false, None, bytes);
        let is_ours =
            |session: &&Session| session.has(packet.local, session.families, &session.framed);
        let Some(session) = self.sessions.iter().find(is_ours) else {
            let is_pools = self.pools.iter().any(|net| net.contains(&packet.local));
            return if is_pools {
                Verdict::Drop
            } else {
                Verdict::Kernel
            };
        };
        let wish = session.finds(&packet);
        match wish.map(|wish| (wish, wish.is_gate_open, wish.way)) {
            Some((wish, true, Way::Tunnel(remote))) if packet.ttl > 1 => {
                Verdict::Leaves(encapsulated(wish, remote, packet.tos, &routed(bytes)))
            }
            _ => Verdict::Drop,
        }
    }

    /// Whether an address is a UE's, may become one's, or lies behind one.
    pub(crate) fn is_ue(&self, address: IpAddr) -> bool {
        let is_ues = |session: &Session| session.has(address, session.families, &session.framed);
        self.pools.iter().any(|net| net.contains(&address)) || self.sessions.iter().any(is_ues)
    }
}

impl Session {
    /// The UE's own addresses, of these families.
    fn is_own(&self, address: IpAddr, (v4, v6): (bool, bool)) -> bool {
        match address {
            IpAddr::V4(address) => v4 && address == self.ue_v4,
            IpAddr::V6(address) => v6 && address.segments()[..4] == self.ue_v6.segments()[..4],
        }
    }

    fn has(&self, address: IpAddr, families: (bool, bool), framed: &[IpNet]) -> bool {
        self.is_own(address, families) || framed.iter().any(|net| net.contains(&address))
    }

    /// The PDR with the lowest precedence that matches (clause 5.2.1).
    fn finds(&self, packet: &Seen<'_>) -> Option<&Wish> {
        let wishes = self.wishes.iter();
        wishes
            .filter(|wish| wish.is_uplink == packet.is_uplink && self.is_found(wish, packet))
            .min_by_key(|wish| (wish.precedence.is_none(), wish.precedence, wish.id))
    }

    fn is_found(&self, wish: &Wish, packet: &Seen<'_>) -> bool {
        let names_ue = wish.ue != (false, false);
        let (families, framed) = if names_ue {
            (wish.ue, &wish.framed)
        } else {
            (self.families, &self.framed)
        };
        let has_qfi = !packet.is_uplink
            || wish.qfis.is_empty()
            || packet.qfi.is_some_and(|qfi| wish.qfis.contains(&qfi));
        let mut filters = wish.filters.iter();
        let passes = wish.filters.is_empty() || filters.any(|filter| self.passes(filter, packet));
        self.has(packet.local, families, framed) && has_qfi && passes
    }

    fn passes(&self, filter: &Filter, packet: &Seen<'_>) -> bool {
        let is_local = match filter.local {
            Local::Any => true,
            Local::Assigned => self.is_own(packet.local, self.families),
            Local::Net(net) => net.contains(&packet.local),
        };
        let within = |ranges: &[(u16, u16)], port: Option<u16>| {
            let has = |port| {
                ranges
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&port))
            };
            ranges.is_empty() || port.is_some_and(has)
        };
        let is = |wanted: Option<u32>, found: Option<u32>| wanted.is_none() || wanted == found;
        filter
            .protocol
            .is_none_or(|protocol| protocol == packet.protocol)
            && filter.remote.is_none_or(|net| net.contains(&packet.remote))
            && is_local
            && within(&filter.remote_ports, packet.ports.map(|(remote, _)| remote))
            && within(&filter.local_ports, packet.ports.map(|(_, local)| local))
            && filter
                .tos
                .is_none_or(|(tos, mask)| packet.tos & mask == tos)
            && is(filter.flow_label, packet.flow_label)
            && is(filter.spi, packet.spi)
    }
}

impl<'a> Seen<'a> {
    fn new(is_uplink: bool, qfi: Option<u8>, bytes: &'a [u8]) -> Self {
        let ip = IpSlice::from_slice(bytes).expect("a packet of ours");
        let (source, destination) = (ip.source_addr(), ip.destination_addr());
        let (remote, local) = if is_uplink {
            (destination, source)
        } else {
            (source, destination)
        };
        let mut seen = Self {
            is_uplink,
            qfi,
            remote,
            local,
            protocol: 0,
            ports: None,
            tos: 0,
            ttl: 0,
            flow_label: None,
            spi: None,
            bytes,
        };
        match &ip {
            IpSlice::Ipv4(ip) => {
                let header = ip.header();
                seen.tos = header.dcp().value() << 2 | header.ecn().value();
                seen.ttl = header.ttl();
                let is_later = header.fragments_offset().value() != 0;
                let payload = &bytes[header.slice().len()..];
                seen.read_transport(header.protocol(), (!is_later).then_some(payload));
            }
            IpSlice::Ipv6(ip) => {
                let header = ip.header();
                seen.tos = header.traffic_class();
                seen.ttl = header.hop_limit();
                seen.flow_label = Some(header.flow_label().value());
                seen.read_v6(ip);
            }
        }
        seen
    }

    /// Past the extension headers.
    fn read_v6(&mut self, ip: &etherparse::Ipv6Slice<'a>) {
        let mut protocol = ip.header().next_header();
        let mut rest = &self.bytes[40..];
        for extension in ip.extensions().clone() {
            let (next, length) = match &extension {
                Ipv6ExtensionSlice::HopByHop(header)
                | Ipv6ExtensionSlice::Routing(header)
                | Ipv6ExtensionSlice::DestinationOptions(header) => {
                    (header.next_header(), header.slice().len())
                }
                Ipv6ExtensionSlice::Fragment(header) => {
                    if header.fragment_offset().value() != 0 {
                        self.read_transport(header.next_header(), None);
                        return;
                    }
                    (header.next_header(), header.slice().len())
                }
                // To filters it is a protocol.
                Ipv6ExtensionSlice::Authentication(_) => break,
            };
            protocol = next;
            rest = &rest[length..];
        }
        self.read_transport(protocol, Some(rest));
    }

    /// What stands behind the IP header, unless it is a later fragment's.
    fn read_transport(&mut self, protocol: IpNumber, payload: Option<&[u8]>) {
        self.protocol = protocol.0;
        let Some(payload) = payload else {
            return;
        };
        let word = |at: usize| payload.get(at..at + 4)?.first_chunk::<4>().copied();
        match protocol.0 {
            // TCP, UDP, DCCP, SCTP, UDP-Lite.
            6 | 17 | 33 | 132 | 136 => {
                self.ports = word(0).map(|[a, b, c, d]| {
                    let (from, to) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                    if self.is_uplink {
                        (to, from)
                    } else {
                        (from, to)
                    }
                });
            }
            50 => self.spi = word(0).map(u32::from_be_bytes),
            51 => self.spi = word(4).map(u32::from_be_bytes),
            _ => {}
        }
    }
}

/// The packet in the tunnel that a PDR sends to.
fn encapsulated(wish: &Wish, remote: IpAddr, tos: u8, packet: &[u8]) -> Vec<u8> {
    let tos = wish.marking.map_or(tos, |marking| marking & 0xfc | tos & 3);
    let container = wish.qfi.map(|qfi| {
        let (kind, rqi) = match (wish.is_uplink, wish.is_reflective) {
            (true, _) => (0x10, 0),
            (false, is_reflective) => (0, u8::from(is_reflective) << 6),
        };
        [0, 0, 0, 0x85, 1, kind, qfi | rqi, 0]
    });
    let flags = if container.is_some() { 0x34 } else { 0x30 };
    let container = container.as_ref().map_or(&[][..], |bytes| &bytes[..]);
    let message = gtpu_message(flags, 255, wish.teid, &[container, packet].concat());
    match remote {
        IpAddr::V4(remote) => {
            let outer = over_v4(remote, tos, &message);
            ethernet(NEAR_MAC, PEER_MAC, None, EtherType::IPV4, &outer)
        }
        IpAddr::V6(_) => {
            let outer = udp_v6((LOCAL_V6, 0), (GNB_V6, 2152), tos, &message);
            ethernet(NEAR_MAC, PEER_MAC, None, EtherType::IPV6, &outer)
        }
    }
}

fn over_v4(remote: Ipv4Addr, tos: u8, message: &[u8]) -> Vec<u8> {
    ipv4(
        LOCAL,
        remote,
        IpNumber::UDP,
        &udp(0, 2152, message),
        |header| {
            header.dscp = (tos >> 2).try_into().expect("six bits");
            header.ecn = (tos & 3).try_into().expect("two bits");
            header.dont_fragment = true;
            header.time_to_live = 64;
        },
    )
}
