//! Which PDR a packet finds: random sessions are put into the tables, and looked up there as the fast path does it;
//! a matcher that was written from the text of TS 29.244 says what should be found.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use upf_common::abi::{Address, NO_SLOT, Rules, flags, mapped, verdict};
use upf_common::matching::{Flow, matches};
use upf_common::wire::{IpAddress, NO_FLOW_LABEL, NO_PORT, NO_SPI};

use super::requests::*;
use super::world::World;
use crate::datapath::{Direction, SlotIndex};
use crate::pfcp::ie::{Cause, FTeid, Interface, SdfFilter};
use crate::pfcp::message::{CreateFar, CreatePdr, Pdi, SessionEstablishmentRequest};

const SESSIONS: u64 = 600;
const PACKETS: usize = 200;
const UE: Ipv4Addr = Ipv4Addr::new(10, 45, 0, 2);
const UE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x45, 7, 0, 0, 0, 0);
const NETS: [&str; 4] = [
    "192.168.8.0/22",
    "192.168.9.0/24",
    "2001:db8:99::/56",
    "172.16.0.0/12",
];
const HOSTS: [&str; 6] = [
    "192.0.2.1",
    "192.0.2.0/24",
    "2001:db8:1::1",
    "2001:db8:1::/48",
    "any",
    "198.51.100.0/25",
];
const PORTS: [&str; 5] = ["", "", "80", "443,8000-8010", "53"];

/// What one PDR asks for, as the request says it.
#[derive(Clone, Debug)]
struct Wish {
    id: u16,
    precedence: Option<u32>,
    is_uplink: bool,
    ue: (bool, bool),
    framed: Vec<IpNet>,
    qfis: Vec<u8>,
    filters: Vec<Filter>,
}

#[derive(Clone, Debug)]
struct Filter {
    protocol: Option<u8>,
    remote: Option<IpNet>,
    /// The UE's own address; else any.
    is_assigned: bool,
    remote_ports: Vec<(u16, u16)>,
    text: String,
    tos: Option<(u8, u8)>,
    flow_label: Option<u32>,
    spi: Option<u32>,
}

/// A packet, named from the network's side.
#[derive(Clone, Copy, Debug)]
struct Seen {
    is_uplink: bool,
    qfi: u8,
    remote: IpAddr,
    local: IpAddr,
    protocol: u8,
    remote_port: Option<u16>,
    tos: u8,
    flow_label: Option<u32>,
    spi: Option<u32>,
}

struct Author(SmallRng);

impl Author {
    fn chance(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        *among.choose(&mut self.0).unwrap()
    }

    fn filter(&mut self) -> Filter {
        let protocol = self.pick(&[None, Some(6), Some(17), Some(50)]);
        let host = self.pick(&HOSTS);
        let ports = match protocol {
            Some(6 | 17) => self.pick(&PORTS),
            _ => "",
        };
        let is_assigned = self.chance(50);
        let local = if is_assigned { "assigned" } else { "any" };
        let name = protocol.map_or("ip".to_owned(), |protocol| protocol.to_string());
        let ranges = ports.split(',').filter(|range| !range.is_empty());
        let range = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            (first.parse().unwrap(), last.parse().unwrap())
        };
        let is_v6 = host.contains(':');
        Filter {
            protocol,
            remote: (host != "any").then(|| net(host)),
            is_assigned,
            remote_ports: ranges.map(range).collect(),
            text: format!("permit out {name} from {host} {ports} to {local}"),
            tos: self.chance(20).then_some((0xb8, 0xfc)),
            flow_label: (is_v6 && self.chance(30)).then_some(5),
            spi: (protocol == Some(50) && self.chance(50)).then_some(9),
        }
    }

    fn wish(&mut self, id: u16, families: (bool, bool), framed: &[IpNet]) -> Wish {
        let names_ue = self.chance(70);
        let only_one = self.chance(20) && families == (true, true);
        let ue = match (names_ue, only_one) {
            (false, _) => (false, false),
            (true, false) => families,
            (true, true) => self.pick(&[(true, false), (false, true)]),
        };
        let of_pdr = framed
            .iter()
            .filter(|_| names_ue && self.0.random_bool(0.7))
            .copied()
            .collect();
        let count = self.0.random_range(0..3);
        Wish {
            id,
            precedence: self.chance(90).then(|| self.0.random_range(1..6)),
            is_uplink: id.is_multiple_of(2),
            ue,
            framed: of_pdr,
            qfis: if self.chance(40) {
                self.pick(&[&[1][..], &[2, 63], &[1, 2]]).to_vec()
            } else {
                Vec::new()
            },
            filters: (0..count).map(|_| self.filter()).collect(),
        }
    }

    fn packet(&mut self) -> Seen {
        let locals = [
            "10.45.0.2",
            "10.45.0.3",
            "2001:db8:45:7::9",
            "2001:db8:45:8::9",
            "192.168.9.4",
            "192.168.10.4",
            "2001:db8:99:1::1",
            "172.17.0.1",
        ];
        let local: IpAddr = self.pick(&locals).parse().unwrap();
        let remotes: &[&str] = if local.is_ipv4() {
            &["192.0.2.1", "192.0.2.7", "198.51.100.1", "198.51.100.200"]
        } else {
            &["2001:db8:1::1", "2001:db8:1::2", "2001:db8:2::1"]
        };
        let protocol = self.pick(&[6, 17, 50, 1]);
        let ports = matches!(protocol, 6 | 17).then(|| self.pick(&[80, 443, 8005, 53, 9]));
        Seen {
            is_uplink: self.chance(50),
            qfi: self.pick(&[0, 1, 2, 63]),
            remote: self.pick(remotes).parse().unwrap(),
            local,
            protocol,
            remote_port: ports.filter(|_| self.chance(90)),
            tos: self.pick(&[0, 0xb8]),
            flow_label: local.is_ipv6().then(|| self.pick(&[0, 5])),
            spi: (protocol == 50).then(|| self.pick(&[8, 9])),
        }
    }
}

fn net(text: &str) -> IpNet {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .unwrap()
}

/// The session's own view: which families it has, which networks lie behind it.
struct Session {
    wishes: Vec<Wish>,
    families: (bool, bool),
    framed: Vec<IpNet>,
}

impl Session {
    /// The UE's own addresses, of these families.
    fn is_own(address: IpAddr, (v4, v6): (bool, bool)) -> bool {
        match address {
            IpAddr::V4(address) => v4 && address == UE,
            IpAddr::V6(address) => v6 && address.segments()[..4] == UE6.segments()[..4],
        }
    }

    fn finds(&self, packet: &Seen) -> Option<u16> {
        // Downlink packets only come here if the UE's address or a network leads here.
        let mut order: Vec<_> = self
            .wishes
            .iter()
            .filter(|wish| wish.is_uplink == packet.is_uplink)
            .collect();
        order.sort_by_key(|wish| (wish.precedence.is_none(), wish.precedence, wish.id));
        let found = order.into_iter().find(|wish| self.is_found(wish, packet));
        found.map(|wish| wish.id)
    }

    fn is_found(&self, wish: &Wish, packet: &Seen) -> bool {
        let names_ue = wish.ue != (false, false);
        let (families, framed) = if names_ue {
            (wish.ue, &wish.framed)
        } else {
            (self.families, &self.framed)
        };
        let is_ours = Self::is_own(packet.local, families)
            || framed.iter().any(|net| net.contains(&packet.local));
        let has_qfi = !packet.is_uplink || wish.qfis.is_empty() || wish.qfis.contains(&packet.qfi);
        let mut filters = wish.filters.iter();
        let passes = wish.filters.is_empty() || filters.any(|filter| self.passes(filter, packet));
        is_ours && has_qfi && passes
    }

    fn passes(&self, filter: &Filter, packet: &Seen) -> bool {
        let has_port = filter.remote_ports.is_empty()
            || packet.remote_port.is_some_and(|port| {
                filter
                    .remote_ports
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&port))
            });
        filter
            .protocol
            .is_none_or(|protocol| protocol == packet.protocol)
            && filter.remote.is_none_or(|net| net.contains(&packet.remote))
            && (!filter.is_assigned || Self::is_own(packet.local, self.families))
            && has_port
            && filter
                .tos
                .is_none_or(|(tos, mask)| packet.tos & mask == tos)
            && filter
                .flow_label
                .is_none_or(|label| packet.flow_label == Some(label))
            && filter.spi.is_none_or(|spi| packet.spi == Some(spi))
    }

    /// Every PDR forwards into a tunnel with its own ID for a TEID.
    fn request(&self) -> SessionEstablishmentRequest {
        let address = |(v4, v6): (bool, bool)| {
            let v4 = v4.then(|| UE.to_string());
            let v6 = v6.then(|| UE6.to_string());
            ue(v4.as_deref(), v6.as_deref())
        };
        let created = |wish: &Wish| {
            let (source, f_teid) = if wish.is_uplink {
                (Interface::Access, Some(choose(Some(5))))
            } else {
                (Interface::Core, None)
            };
            let filters = wish.filters.iter().map(|filter| SdfFilter {
                flow_description: Some(filter.text.clone()),
                tos: filter.tos,
                spi: filter.spi,
                flow_label: filter.flow_label,
                ..SdfFilter::default()
            });
            let (v4, v6) = wish
                .framed
                .iter()
                .map(IpNet::to_string)
                .partition(|net| !net.contains(':'));
            let pdi = Pdi {
                f_teid,
                ue_ip_address: (wish.ue != (false, false)).then(|| address(wish.ue)),
                framed_routes: v4,
                framed_ipv6_routes: v6,
                qfis: wish.qfis.clone(),
                sdf_filters: filters.collect(),
                ..pdi(source)
            };
            pdr(wish.id, wish.precedence, wish.id.into(), &[], pdi)
        };
        let to = |wish: &Wish| {
            if wish.is_uplink {
                Interface::Core
            } else {
                Interface::Access
            }
        };
        let far = |wish: &Wish| {
            far(
                wish.id.into(),
                FORW,
                Some((to(wish), Some(gtpu(wish.id.into(), GNB)))),
            )
        };
        let pdrs: Vec<CreatePdr> = self.wishes.iter().map(created).collect();
        let fars: Vec<CreateFar> = self.wishes.iter().map(far).collect();
        establishment(1, pdrs, fars, Vec::new())
    }
}

/// The tables as the fast path looks at them.
struct Tables<'a> {
    world: &'a World,
    teid: Option<u32>,
}

impl Tables<'_> {
    fn finds(&self, packet: &Seen) -> Option<u16> {
        let local = bytes(packet.local);
        let (slot, direction) = if packet.is_uplink {
            (self.world.slot_of_teid(self.teid?)?, Direction::Uplink)
        } else {
            let own = self.world.slot_of_address(1, packet.local);
            let own =
                own.filter(|slot| self.world.rules(*slot, Direction::Downlink) != Rules::default());
            let behind = || {
                self.world
                    .tables
                    .with(|tables| tables.framed(1, local))
                    .map(SlotIndex)
            };
            (own.or_else(behind)?, Direction::Downlink)
        };
        let mut rules = self.world.rules(slot, direction);
        if !self.is_ues(&rules, packet, local) {
            return None;
        }
        if rules.verdict == verdict::LIST {
            let flow = flow(packet);
            let qfi = 1u64 << packet.qfi;
            let list = self.world.list(&rules);
            let found = list.iter().find(|entry| {
                (entry.qfis == 0 || packet.is_uplink && entry.qfis & qfi != 0)
                    && matches(&entry.filter, &flow)
            });
            rules = found?.rules;
            if !self.is_ues(&rules, packet, local) {
                return None;
            }
        }
        if rules.flags & flags::MATCH_QFI != 0 && rules.match_qfi != packet.qfi {
            return None;
        }
        (rules.verdict == verdict::FORWARD).then(|| u32::from_be_bytes(rules.peer_teid) as u16)
    }

    /// Whose packet it is: `upf_common::forward` drops it otherwise.
    fn is_ues(&self, rules: &Rules, packet: &Seen, local: Address) -> bool {
        let own = match packet.local {
            IpAddr::V4(address) => {
                rules.flags & flags::UE_V4 != 0 && rules.ue_v4 == address.octets()
            }
            IpAddr::V6(address) => {
                rules.flags & flags::UE_V6 != 0 && rules.ue_v6 == address.octets()[..8]
            }
        };
        let framed = || {
            self.world
                .tables
                .with(|tables| tables.framed(rules.framed_instance, local))
        };
        own || rules.framed_slot != NO_SLOT && framed() == Some(rules.framed_slot)
    }
}

fn flow(packet: &Seen) -> Flow {
    Flow {
        remote: IpAddress::new(&bytes(packet.remote)),
        local: IpAddress::new(&bytes(packet.local)),
        remote_port: packet.remote_port.map_or(NO_PORT, u32::from),
        local_port: packet.remote_port.map_or(NO_PORT, |_| 1),
        protocol: packet.protocol,
        tos: packet.tos,
        spi: packet.spi.map_or(NO_SPI, u64::from),
        flow_label: packet.flow_label.unwrap_or(NO_FLOW_LABEL),
    }
}

fn bytes(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => mapped(address.octets()),
        IpAddr::V6(address) => address.octets(),
    }
}

#[test]
fn packets_find_the_pdr_that_the_specification_says() {
    let (mut found, mut nothing, mut refused) = (0u32, 0u32, 0u32);
    for seed in 0..SESSIONS {
        let mut author = Author(SmallRng::seed_from_u64(seed));
        let families = author.pick(&[(true, false), (false, true), (true, true)]);
        let framed = if author.chance(50) {
            &NETS[..author.0.random_range(0..=4)]
        } else {
            &[]
        };
        let framed: Vec<_> = framed.iter().map(|text| net(text)).collect();
        let mut wishes: Vec<_> = (1..=author.0.random_range(2..12))
            .map(|id| author.wish(id, families, &framed))
            .collect();
        // The default PDRs name all that there is.
        for (id, wish) in wishes.iter_mut().take(2).enumerate() {
            *wish = Wish {
                ue: families,
                framed: framed.clone(),
                ..wish.clone()
            };
            assert_eq!(wish.id as usize, id + 1);
        }
        let session = Session {
            wishes,
            families,
            framed,
        };
        let mut world = World::new();
        let established = match world.establish(&session.request()) {
            Ok(established) => established,
            Err(refusal) => {
                assert_eq!(refusal.cause, Cause::NoResourcesAvailable, "{seed}");
                refused += 1;
                continue;
            }
        };
        let teid = established
            .created_pdrs
            .iter()
            .find_map(|created| match created.f_teid? {
                FTeid::Given { teid, .. } => Some(teid),
                FTeid::Choose { .. } => None,
            });
        let tables = Tables {
            world: &world,
            teid,
        };
        for _ in 0..PACKETS {
            let packet = author.packet();
            let expected = session.finds(&packet);
            assert_eq!(
                tables.finds(&packet),
                expected,
                "{seed} {packet:?}\n{:#?}",
                session.wishes
            );
            match expected {
                Some(_) => found += 1,
                None => nothing += 1,
            }
        }
    }
    assert!(found > 20_000 && nothing > 20_000, "{found} {nothing}");
    assert!(refused < 60, "{refused} have too many framed routes");
}
