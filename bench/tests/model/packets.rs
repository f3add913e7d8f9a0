//! Random frames that have something to do with the sessions.

use std::net::{IpAddr, Ipv6Addr};

use bench::packets::frames::{ethernet, gtpu, ipv4, ipv6_of, udp, udp_v6};
use bench::packets::world::{GNB, GNB_V6, LOCAL, LOCAL_V6, NEAR_MAC, PEER_MAC, ROUTER_MAC};
use etherparse::{EtherType, IpNumber};
use rand::Rng as _;

use crate::rules::{Author, Session};

/// Addresses that packets go between.
pub(crate) struct Places {
    /// Hosts in the data network.
    pub(crate) remotes: Vec<IpAddr>,
    /// UEs and what lies behind them, and addresses that nobody has.
    pub(crate) locals: Vec<IpAddr>,
    /// Those of [`Self::locals`] that a UE may send to: a UE's, as far as the network knows.
    pub(crate) hairpins: Vec<IpAddr>,
}

const REMOTES: [&str; 7] = [
    "192.0.2.1",
    "192.0.2.7",
    "198.51.100.1",
    "198.51.100.200",
    "2001:db8:1::1",
    "2001:db8:1::2",
    "2001:db8:2::1",
];

/// Hosts in the data network.
pub(crate) fn remotes() -> Vec<IpAddr> {
    let hosts = REMOTES.iter();
    hosts
        .map(|text| text.parse().expect("an address"))
        .collect()
}

/// Addresses about a session: its own, those behind it, and neighbours of both.
pub(crate) fn locals(author: &mut Author, session: &Session) -> Vec<IpAddr> {
    let [high, low] = author.0.random::<u16>().to_be_bytes();
    let interface = u128::from(u16::from_be_bytes([high, low])) << 32 | 9;
    let mut locals = vec![
        IpAddr::V4(session.ue_v4),
        IpAddr::V6(Ipv6Addr::from_bits(session.ue_v6.to_bits() | interface)),
        IpAddr::V4([10, 45, 0, 200].into()),
        "2001:db8:45:c8::9".parse().expect("an address"),
        IpAddr::V4([10, 46, 0, 1].into()),
    ];
    for net in &session.framed {
        locals.push(match net.network() {
            IpAddr::V4(first) => IpAddr::V4((first.to_bits() + 4).into()),
            IpAddr::V6(first) => IpAddr::V6(Ipv6Addr::from_bits(first.to_bits() + (1 << 64) + 1)),
        });
    }
    locals
}

impl Author {
    /// A frame from a gNB or from the data network.
    pub(crate) fn frame(&mut self, sessions: &[Session], places: &Places) -> Vec<u8> {
        let vlan = self.chance(5).then_some(7);
        let is_uplink = self.chance(55);
        let session = &sessions[self.0.random_range(0..sessions.len())];
        let local = if self.chance(80) {
            self.own(session)
        } else {
            self.pick(&places.locals)
        };
        let targets = if is_uplink && self.chance(25) {
            &places.hairpins
        } else {
            &places.remotes
        };
        let same: Vec<_> = targets
            .iter()
            .filter(|target| target.is_ipv4() == local.is_ipv4())
            .copied()
            .collect();
        if same.is_empty() {
            return self.frame(sessions, places);
        }
        let remote = self.pick(&same);
        if !is_uplink {
            let packet = self.packet(remote, local, false);
            let ether_type = bench::packets::frames::ether_type(&packet);
            return ethernet(ROUTER_MAC, NEAR_MAC, vlan, ether_type, &packet);
        }
        let packet = self.packet(local, remote, true);
        let teid = if self.chance(97) {
            session.teid
        } else {
            session.teid ^ 1 << self.0.random_range(0..32)
        };
        let message = self.message(teid, &packet);
        if self.chance(30) {
            let outer = udp_v6((GNB_V6, 2152), (LOCAL_V6, 2152), 0, &message);
            ethernet(PEER_MAC, NEAR_MAC, vlan, EtherType::IPV6, &outer)
        } else {
            let outer = ipv4(
                GNB,
                LOCAL,
                IpNumber::UDP,
                &udp(2152, 2152, &message),
                |_| (),
            );
            ethernet(PEER_MAC, NEAR_MAC, vlan, EtherType::IPV4, &outer)
        }
    }

    /// An address of the UE, of a family that it has.
    fn own(&mut self, session: &Session) -> IpAddr {
        let v6 = Ipv6Addr::from_bits(session.ue_v6.to_bits() | 9);
        match session.families {
            (true, false) => session.ue_v4.into(),
            (false, _) => v6.into(),
            (true, true) => self.pick(&[session.ue_v4.into(), v6.into()]),
        }
    }

    /// A G-PDU under one of the legal headers.
    fn message(&mut self, teid: u32, packet: &[u8]) -> Vec<u8> {
        let qfi = self.pick(&[None, Some(0), Some(1), Some(2), Some(63)]);
        let (flags, optional) = match (qfi, self.0.random_range(0..4)) {
            (None, 0) => (0x32, vec![0x12, 0x34, 0, 0]),
            (None, _) => (0x30, Vec::new()),
            (Some(qfi), 0) => (0x36, vec![1, 2, 0, 0xc0, 1, 0, 7, 0x85, 1, 0x10, qfi, 0]),
            (Some(qfi), _) => (0x34, vec![0, 0, 0, 0x85, 1, 0x10, qfi, 0]),
        };
        gtpu(flags, 255, teid, &[&optional, packet].concat())
    }

    fn packet(&mut self, source: IpAddr, destination: IpAddr, is_uplink: bool) -> Vec<u8> {
        let mut protocol = self.pick(&[6, 6, 17, 17, 50, 51, 132, 1]);
        let mut payload = self.payload(protocol, is_uplink);
        let tos = self.pick(&[0, 0xb8, 0xba, 3]);
        let ttl = if self.chance(90) {
            64
        } else {
            self.pick(&[255, 2, 1, 0])
        };
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let offset = if self.chance(5) { 9 } else { 0 };
                let has_options = self.chance(5);
                ipv4(
                    source,
                    destination,
                    IpNumber(protocol),
                    &payload,
                    |header| {
                        header.dscp = (tos >> 2).try_into().expect("six bits");
                        header.ecn = (tos & 3).try_into().expect("two bits");
                        header.time_to_live = ttl;
                        header.fragment_offset = offset.try_into().expect("13 bits");
                        if has_options {
                            header.options = [1, 1, 1, 0].into();
                            header.total_len += 4;
                        }
                    },
                )
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                if self.chance(5) {
                    // Destination options.
                    payload.splice(..0, [protocol, 0, 1, 4, 0, 0, 0, 0]);
                    protocol = 60;
                }
                if self.chance(8) {
                    let offset: u16 = if self.chance(50) { 9 << 3 } else { 0 };
                    let [high, low] = (offset | 1).to_be_bytes();
                    payload.splice(..0, [protocol, 0, high, low, 0, 0, 0, 7]);
                    protocol = 44;
                }
                if self.chance(5) {
                    // Hop-by-hop options.
                    payload.splice(..0, [protocol, 0, 1, 4, 0, 0, 0, 0]);
                    protocol = 0;
                }
                let label: u32 = self.pick(&[0, 5]);
                let (source, destination) = (source.octets(), destination.octets());
                ipv6_of(
                    source,
                    destination,
                    IpNumber(protocol),
                    &payload,
                    |header| {
                        header.traffic_class = tos;
                        header.hop_limit = ttl;
                        header.flow_label = label.try_into().expect("20 bits");
                    },
                )
            }
            _ => unreachable!("one family"),
        }
    }

    fn payload(&mut self, protocol: u8, is_uplink: bool) -> Vec<u8> {
        let remote: u16 = self.pick(&[80, 443, 8005, 53, 9]);
        let local: u16 = self.pick(&[40_000, 80, 8000, 0]);
        let (from, to) = if is_uplink {
            (local, remote)
        } else {
            (remote, local)
        };
        let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
        let mut payload = match protocol {
            // With a header as long as etherparse wants it.
            6 => [&ports[..], &[0; 8], &[0x50, 0x10, 0, 0, 0, 0, 0, 0]].concat(),
            17 => udp(from, to, b""),
            132 => [&ports[..], &[0; 8]].concat(),
            50 => vec![0, 0, 0, self.pick(&[8, 9]), 0, 0, 0, 1],
            51 => vec![59, 1, 0, 0, 0, 0, 0, self.pick(&[8, 9]), 0, 0, 0, 1],
            _ => vec![8, 0, 0, 0, 0, 0, 0, 0],
        };
        if protocol != 17 {
            payload.resize(payload.len() + self.0.random_range(0..40), 0x5a);
        }
        payload
    }
}
