//! Random sessions: what their rules ask for, and the requests that say so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bench::packets::world::{GNB, GNB_V6};
use ipnet::IpNet;
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use upf_user::pfcp::ie::{
    ApplyAction, FSeid, FTeid, GateStatus, Interface, NodeId, OuterHeaderCreation,
    OuterHeaderRemoval, SdfFilter, UeIpAddress,
};
use upf_user::pfcp::message::{
    CreateFar, CreatePdr, CreateQer, ForwardingParameters, Pdi, SessionEstablishmentRequest,
};

/// Another gNB.
pub(crate) const OTHER_GNB: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 10);
const HOSTS: [&str; 6] = [
    "192.0.2.1",
    "192.0.2.0/24",
    "2001:db8:1::1",
    "2001:db8:1::/48",
    "any",
    "198.51.100.0/25",
];
const PORTS: [&str; 6] = ["", "", "80", "443,8000-8010", "53", "1-65535"];

/// Where a PDR sends its packets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Plain,
    Tunnel(IpAddr),
    Drop,
    Buffer,
}

/// What one PDR asks for, with its FAR and its QER, as the request says it.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) id: u16,
    pub(crate) precedence: Option<u32>,
    pub(crate) is_uplink: bool,
    pub(crate) ue: (bool, bool),
    pub(crate) framed: Vec<IpNet>,
    pub(crate) qfis: Vec<u8>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) way: Way,
    /// TEID of the tunnel that it sends to.
    pub(crate) teid: u32,
    /// ToS of the outer header, where it is not the packet's own.
    pub(crate) marking: Option<u8>,
    pub(crate) is_gate_open: bool,
    pub(crate) qfi: Option<u8>,
    pub(crate) is_reflective: bool,
}

/// The UE's side of a filter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Local {
    Any,
    Assigned,
    Net(IpNet),
}

#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) protocol: Option<u8>,
    pub(crate) remote: Option<IpNet>,
    pub(crate) local: Local,
    pub(crate) remote_ports: Vec<(u16, u16)>,
    pub(crate) local_ports: Vec<(u16, u16)>,
    pub(crate) text: String,
    pub(crate) tos: Option<(u8, u8)>,
    pub(crate) flow_label: Option<u32>,
    pub(crate) spi: Option<u32>,
}

/// A session as its control plane knows it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) ue_v4: Ipv4Addr,
    /// The first address of its /64.
    pub(crate) ue_v6: Ipv6Addr,
    pub(crate) families: (bool, bool),
    pub(crate) framed: Vec<IpNet>,
    pub(crate) wishes: Vec<Wish>,
    /// Given by us.
    pub(crate) teid: u32,
}

pub(crate) struct Author(pub(crate) SmallRng);

impl Author {
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        *among.choose(&mut self.0).expect("not empty")
    }

    /// The session of the UE with this number, below 64.
    pub(crate) fn session(&mut self, number: u8) -> Session {
        let families = self.pick(&[(true, false), (false, true), (true, true)]);
        let is_in_pool = self.chance(80);
        let ue_v4 = if is_in_pool {
            Ipv4Addr::new(10, 45, 0, 1 + number)
        } else {
            Ipv4Addr::new(203, 0, 113, 1 + number)
        };
        let third = if is_in_pool { 0x45 } else { 0x46 };
        let ue_v6 = Ipv6Addr::new(0x2001, 0xdb8, third, number.into(), 0, 0, 0, 0);
        let mut framed = Vec::new();
        if self.chance(50) {
            let nets = [
                format!("192.168.{}.0/22", u16::from(number) * 4),
                format!("192.168.{}.0/24", u16::from(number) * 4 + 1),
                format!("2001:db8:99:{number:x}00::/56"),
                format!("172.{}.0.0/16", 16 + u16::from(number)),
            ];
            framed.extend(
                nets[..self.0.random_range(0..=4)]
                    .iter()
                    .map(|text| net(text)),
            );
        }
        // Seldom a session with a long chain.
        let is_long = self.chance(5);
        let most = if is_long { 60 } else { 10 };
        let count = self.0.random_range(2..most);
        let mut wishes: Vec<_> = (1..=count)
            .map(|id| self.wish(id, families, &framed, ue_v4))
            .collect();
        if is_long {
            for wish in wishes.iter_mut().filter(|wish| wish.filters.is_empty()) {
                wish.filters.push(self.filter(ue_v4));
            }
        }
        // The default PDRs name all that there is, and mostly they are for what is left.
        let is_usual = self.chance(70);
        for wish in wishes.iter_mut().take(2) {
            (wish.ue, wish.framed) = (families, framed.clone());
            if is_usual {
                wish.precedence = None;
                wish.filters.clear();
                wish.qfis.clear();
            }
        }
        Session {
            ue_v4,
            ue_v6,
            families,
            framed,
            wishes,
            teid: 0,
        }
    }

    fn wish(&mut self, id: u16, families: (bool, bool), framed: &[IpNet], ue: Ipv4Addr) -> Wish {
        let names_ue = self.chance(70);
        let only_one = self.chance(20) && families == (true, true);
        let named = match (names_ue, only_one) {
            (false, _) => (false, false),
            (true, false) => families,
            (true, true) => self.pick(&[(true, false), (false, true)]),
        };
        let framed = framed
            .iter()
            .filter(|_| names_ue && self.0.random_bool(0.7))
            .copied()
            .collect();
        let count = if self.chance(5) {
            self.0.random_range(3..9)
        } else {
            self.0.random_range(0..3)
        };
        let is_uplink = id.is_multiple_of(2);
        let gnb = self.pick(&[GNB.into(), OTHER_GNB.into(), IpAddr::V6(GNB_V6.into())]);
        let way = match self.0.random_range(0..20) {
            0 => Way::Drop,
            1 => Way::Buffer,
            2..5 if is_uplink => Way::Tunnel(gnb),
            _ if is_uplink => Way::Plain,
            _ => Way::Tunnel(gnb),
        };
        let qfis = if is_uplink && self.chance(40) {
            self.pick(&[&[1][..], &[2, 63], &[1, 2], &[0]]).to_vec()
        } else {
            Vec::new()
        };
        Wish {
            id,
            precedence: self.chance(90).then(|| self.0.random_range(1..6)),
            is_uplink,
            ue: named,
            framed,
            qfis,
            filters: (0..count).map(|_| self.filter(ue)).collect(),
            way,
            teid: 0x7000_0000 | u32::from(id),
            marking: self.chance(20).then(|| self.pick(&[0xb8, 0x28])),
            is_gate_open: self.chance(95),
            qfi: self.chance(60).then(|| self.0.random_range(0..64)),
            is_reflective: self.chance(20),
        }
    }

    fn filter(&mut self, ue: Ipv4Addr) -> Filter {
        let protocol = self.pick(&[None, Some(6), Some(17), Some(50), Some(51), Some(132)]);
        let host = self.pick(&HOSTS);
        let mut ports = || match protocol {
            Some(6 | 17 | 132) => self.pick(&PORTS),
            _ => "",
        };
        let (remote_ports, local_ports) = (ports(), ports());
        let is_v6 = host.contains(':');
        let (local, local_text) = match self.0.random_range(0..10) {
            0..5 => (Local::Any, "any".to_owned()),
            5 if !is_v6 => (Local::Net(IpAddr::V4(ue).into()), ue.to_string()),
            6 if !is_v6 => (Local::Net(net("10.45.0.0/28")), "10.45.0.0/28".to_owned()),
            _ => (Local::Assigned, "assigned".to_owned()),
        };
        let name = protocol.map_or("ip".to_owned(), |protocol| protocol.to_string());
        // `in` has the sides the other way round.
        let text = if self.chance(15) {
            format!("permit in {name} from {local_text} {local_ports} to {host} {remote_ports}")
        } else {
            format!("permit out {name} from {host} {remote_ports} to {local_text} {local_ports}")
        };
        Filter {
            protocol,
            remote: (host != "any").then(|| net(host)),
            local,
            remote_ports: ranges(remote_ports),
            local_ports: ranges(local_ports),
            text,
            tos: self.chance(20).then_some((0xb8, 0xfc)),
            flow_label: (is_v6 && self.chance(30)).then_some(5),
            spi: (matches!(protocol, Some(50 | 51)) && self.chance(50)).then_some(9),
        }
    }
}

fn ranges(text: &str) -> Vec<(u16, u16)> {
    let ranges = text.split(',').filter(|range| !range.is_empty());
    let port = |text: &str| text.parse().expect("a port");
    ranges
        .map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            (port(first), port(last))
        })
        .collect()
}

pub(crate) fn net(text: &str) -> IpNet {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .expect("a network")
}

impl Session {
    /// The request that sets it up.
    pub(crate) fn request(&self, cp_seid: u64) -> SessionEstablishmentRequest {
        let node: IpAddr = [10, 100, 0, 1].into();
        let cp_f_seid = FSeid {
            seid: cp_seid,
            ipv4: Some([10, 100, 0, 1].into()),
            ipv6: None,
        };
        SessionEstablishmentRequest {
            create_pdrs: self.wishes.iter().map(|wish| self.pdr(wish)).collect(),
            create_fars: self.wishes.iter().map(far).collect(),
            create_qers: self.wishes.iter().map(qer).collect(),
            ..SessionEstablishmentRequest::new(NodeId::Address(node), cp_f_seid)
        }
    }

    fn pdr(&self, wish: &Wish) -> CreatePdr {
        let filters = wish.filters.iter().map(|filter| SdfFilter {
            flow_description: Some(filter.text.clone()),
            tos: filter.tos,
            spi: filter.spi,
            flow_label: filter.flow_label,
            ..SdfFilter::default()
        });
        let (framed_routes, framed_ipv6_routes) = wish
            .framed
            .iter()
            .map(IpNet::to_string)
            .partition(|net| !net.contains(':'));
        let choose = FTeid::Choose {
            ipv4: true,
            ipv6: true,
            id: Some(5),
        };
        let address = UeIpAddress {
            ipv4: wish.ue.0.then_some(self.ue_v4),
            ipv6: wish.ue.1.then_some(self.ue_v6),
            is_destination: !wish.is_uplink,
            ..UeIpAddress::default()
        };
        CreatePdr {
            id: wish.id,
            precedence: wish.precedence,
            pdi: Pdi {
                source_interface: if wish.is_uplink {
                    Interface::Access
                } else {
                    Interface::Core
                },
                f_teid: wish.is_uplink.then_some(choose),
                network_instance: Some("internet".to_owned()),
                ue_ip_address: (wish.ue != (false, false)).then_some(address),
                framed_routes,
                framed_ipv6_routes,
                qfis: wish.qfis.clone(),
                sdf_filters: filters.collect(),
                ..Pdi::default()
            },
            outer_header_removal: wish.is_uplink.then_some(OuterHeaderRemoval::GtpuUdpIp),
            far_id: Some(wish.id.into()),
            qer_ids: vec![wish.id.into()],
            ..CreatePdr::default()
        }
    }
}

fn far(wish: &Wish) -> CreateFar {
    let destination_interface = if wish.is_uplink {
        Interface::Core
    } else {
        Interface::Access
    };
    let outer = |remote: IpAddr| {
        let (description, ipv4, ipv6) = match remote {
            IpAddr::V4(v4) => (OuterHeaderCreation::GTPU_UDP_IPV4, Some(v4), None),
            IpAddr::V6(v6) => (OuterHeaderCreation::GTPU_UDP_IPV6, None, Some(v6)),
        };
        OuterHeaderCreation {
            description,
            teid: Some(wish.teid),
            ipv4,
            ipv6,
            port: None,
        }
    };
    let forwarding = ForwardingParameters {
        destination_interface,
        network_instance: Some("internet".to_owned()),
        outer_header_creation: match wish.way {
            Way::Tunnel(remote) => Some(outer(remote)),
            _ => None,
        },
        transport_level_marking: wish.marking.map(|tos| (tos, 0xfc)),
        ..ForwardingParameters::default()
    };
    let (apply_action, forwarding) = match wish.way {
        Way::Plain | Way::Tunnel(_) => (ApplyAction::FORW, Some(forwarding)),
        Way::Drop => (ApplyAction::DROP, None),
        Way::Buffer => (ApplyAction::BUFF, None),
    };
    CreateFar {
        id: wish.id.into(),
        apply_action: ApplyAction(apply_action),
        forwarding,
        ..CreateFar::default()
    }
}

fn qer(wish: &Wish) -> CreateQer {
    CreateQer {
        id: wish.id.into(),
        gate: GateStatus {
            uplink_open: wish.is_gate_open,
            downlink_open: wish.is_gate_open,
        },
        qfi: wish.qfi,
        reflective_qos: wish.is_reflective.then_some(true),
        ..CreateQer::default()
    }
}
