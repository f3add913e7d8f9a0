//! What is in the tables: one UPF with two devices and a few sessions.

use std::net::Ipv4Addr;

use ipnet::IpNet;
use upf_common::abi::{
    self, LIST_PAGE_ENTRIES, Limit, LimitDirection, MAX_LIST_ENTRIES, Match, NO_LIMIT, NO_SLOT,
    NO_USAGE, Peer, Pool, Port, RouteEntry, RuleList, RuleListEntry, Rules, USAGE_SET_RECORDS,
    UeKey, UeNetwork, Usage, UsageSet, UsageTail, control_flags, flags, mapped, network_bits,
    roles, usage_flags, verdict,
};
use upf_common::drop_reason::DropReason;
use upf_common::meter::Rate;
use upf_common::wire::{outer_ipv4_checksum_base, outer_ipv6_checksum_base};

/// Slots, blocks, peers and lists of a world.
pub const SLOTS: u32 = 1024;
/// Masks the slot out of a TEID.
pub const SLOT_MASK: u32 = SLOTS - 1;
/// Address blocks.
pub const BLOCKS: u32 = 8;
/// Limits beside those of slots.
pub const LIMITS: u32 = 4096;
/// Records of URRs, and sets of them.
pub const USAGES: u32 = 64;
/// GTP-U peers.
pub const ENTRIES: u32 = 8;
/// Pages of rule lists: the longest chain, and one entry too many.
pub const PAGES: u32 = (MAX_LIST_ENTRIES / LIST_PAGE_ENTRIES) as u32 + 1;

/// The device that frames arrive at: the loopback's ifindex, which `BPF_PROG_TEST_RUN` gives to its frames.
pub const NEAR: u32 = 1;
/// The other device.
pub const FAR: u32 = 77;
/// Its parent: packets leave there with a VLAN tag.
pub const FAR_PARENT: u32 = 78;
/// VLAN of the other device.
pub const VLAN: u16 = 100;
/// MAC addresses of both devices and of the hosts behind them.
pub const NEAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// See [`NEAR_MAC`].
pub const FAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// See [`NEAR_MAC`].
pub const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 1, 1];
/// See [`NEAR_MAC`].
pub const ROUTER_MAC: [u8; 6] = [2, 0, 0, 0, 1, 2];

/// Our GTP-U address.
pub const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
/// Another one of ours.
pub const OTHER_LOCAL: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 3);
/// A gNB.
pub const GNB: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);
/// Our GTP-U address in IPv6.
pub const LOCAL_V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
/// A gNB that speaks IPv6.
pub const GNB_V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// Its number among the peers; that of the other one is 0.
pub const PEER_V6: u32 = 1;
/// A host in the data network.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
/// The same one in IPv6.
pub const SERVER_V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 80];
/// Network instance number of both devices.
pub const INSTANCE: u32 = 1;
/// The gNB's TEID.
pub const GNB_TEID: u32 = 0x1001_2002;
/// QFI of the sessions that have one.
pub const QFI: u8 = 9;

/// Contents of all tables.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// `PORTS`.
    pub ports: Vec<Port>,
    /// `POOLS`.
    pub pools: Vec<Pool>,
    /// `INSTANCES`, from number 0 on.
    pub instances: Vec<u32>,
    /// `BLOCKS`, from number 0 on.
    pub blocks: Vec<u32>,
    /// Slots that are used.
    pub slots: Vec<(u32, abi::Slot)>,
    /// `TEIDS`.
    pub teids: Vec<([u8; 4], u32)>,
    /// `UE_ADDRESSES`.
    pub ue_addresses: Vec<(UeKey, u32)>,
    /// `UE_NETWORKS`: bits that are compared, network and slot.
    pub networks: Vec<(u32, UeNetwork, u32)>,
    /// [`abi::Control::flags`].
    pub control_flags: u32,
    /// `PEERS`, from number 0 on.
    pub peers: Vec<Peer>,
    /// `LISTS`, from number 0 on.
    pub lists: Vec<RuleList>,
    /// `LIMITS`, from number 0 on.
    pub limits: Vec<Limit>,
    /// `USAGES`, from number 0 on.
    pub usages: Vec<Usage>,
    /// `USAGE_SETS`, from number 0 on.
    pub usage_sets: Vec<UsageSet>,
    /// What is remembered in `ROUTES`.
    pub routes: Vec<RouteEntry>,
}

/// The UE of a slot, by the slot's place in the pool.
#[must_use]
pub fn ue(slot: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 45, 0, 0).to_bits() + slot)
}

/// The upper half of the IPv6 prefix of a slot's UE: slots from 256 on.
#[must_use]
pub fn ue_prefix(slot: u32) -> [u8; 8] {
    let [_, _, high, low] = (slot - 256).to_be_bytes();
    [0x20, 1, 0x0d, 0xb8, 0, 0x45, high, low]
}

/// An address of that prefix.
#[must_use]
pub fn ue_v6(slot: u32) -> [u8; 16] {
    let mut address = [0xab; 16];
    address[..8].copy_from_slice(&ue_prefix(slot));
    address
}

/// The TEID that leads to a slot.
#[must_use]
pub fn teid(slot: u32) -> u32 {
    0x2a << 10 | slot
}

impl World {
    /// Two devices, a pool of 256 IPv4 UEs in slots 0 to 255 and one of 256 IPv6 UEs in slots 256 to 511, two gNBs, and
    /// known ways to them and to a server.
    #[must_use]
    pub fn new() -> Self {
        let near = Port {
            ifindex: NEAR,
            transmit_ifindex: NEAR,
            instance: INSTANCE,
            pool_count: 2,
            number: 0,
            gtpu_count: 2,
            mac: NEAR_MAC,
            roles: roles::ACCESS | roles::CORE,
            gtpu: [LOCAL.octets(), OTHER_LOCAL.octets(), [0; 4], [0; 4]],
            gtpu_v6_count: 1,
            gtpu_v6: [LOCAL_V6, [0; 16], [0; 16], [0; 16]],
            ..Port::default()
        };
        let far = Port {
            ifindex: FAR,
            transmit_ifindex: FAR_PARENT,
            instance: INSTANCE,
            vlan: VLAN,
            number: 1,
            mac: FAR_MAC,
            ..Port::default()
        };
        let v4 = u64::from(ue(0).to_bits());
        let v6 = u64::from_be_bytes(ue_prefix(256));
        let pool = |first_key, first_block, family| Pool {
            first_key,
            last_key: first_key + 511,
            first_block,
            family,
        };
        Self {
            ports: vec![near, far],
            pools: vec![pool(v4, 0, 4), pool(v6, 2, 6)],
            instances: vec![0, NEAR],
            blocks: vec![0, NO_SLOT, 256, NO_SLOT],
            slots: Vec::new(),
            teids: Vec::new(),
            ue_addresses: Vec::new(),
            networks: Vec::new(),
            control_flags: 0,
            peers: vec![
                Peer {
                    local: mapped(LOCAL.octets()),
                    remote: mapped(GNB.octets()),
                    instance: INSTANCE,
                    checksum_base: outer_ipv4_checksum_base(LOCAL.octets(), GNB.octets()),
                    ..Peer::default()
                },
                Peer {
                    local: LOCAL_V6,
                    remote: GNB_V6,
                    instance: INSTANCE,
                    checksum_base: outer_ipv6_checksum_base(LOCAL_V6, GNB_V6),
                    is_v6: 1,
                    ..Peer::default()
                },
            ],
            lists: Vec::new(),
            limits: Vec::new(),
            usages: Vec::new(),
            usage_sets: Vec::new(),
            routes: vec![
                route(mapped(GNB.octets()), PEER_MAC),
                route(mapped(SERVER.octets()), ROUTER_MAC),
                route(SERVER_V6, ROUTER_MAC),
                route(GNB_V6, PEER_MAC),
            ],
        }
    }

    /// With a session of an IPv4 UE in this slot, both ways open.
    #[must_use]
    pub fn session(self, slot: u32) -> Self {
        self.change(slot, |_, _| ())
    }

    /// With a session as [`Self::session`] makes it, changed: rules of the uplink and of the downlink.
    #[must_use]
    pub fn change(mut self, slot: u32, change: impl FnOnce(&mut Rules, &mut Rules)) -> Self {
        let (mut up, mut down) = (uplink(slot), downlink(slot));
        change(&mut up, &mut down);
        let mut record = abi::Slot::numbered(slot);
        // An odd version: the second copy is in force.
        for (half, rules) in [(&mut record.uplink, up), (&mut record.downlink, down)] {
            half.state.version = 7;
            half.rules[1] = rules;
        }
        self.slots.push((slot, record));
        self
    }

    /// With the way to the gNB changed.
    #[must_use]
    pub fn way_to_gnb(mut self, change: impl FnOnce(&mut RouteEntry)) -> Self {
        change(&mut self.routes[0]);
        self
    }

    /// With the way to the server changed.
    #[must_use]
    pub fn way_to_server(mut self, change: impl FnOnce(&mut RouteEntry)) -> Self {
        change(&mut self.routes[1]);
        self
    }

    /// With a list of PDRs, whose first page has number 0 if it is the first list.
    #[must_use]
    pub fn list(self, entries: &[(Match, Rules)]) -> Self {
        let entries: Vec<_> = entries
            .iter()
            .map(|(filter, rules)| RuleListEntry {
                filter: *filter,
                qfis: 0,
                rules: *rules,
            })
            .collect();
        self.chain(&entries)
    }

    /// The same with entries that look at QFIs, of any number.
    #[must_use]
    pub fn chain(mut self, entries: &[RuleListEntry]) -> Self {
        let pages = entries.chunks(LIST_PAGE_ENTRIES);
        let (first, count) = (self.lists.len(), pages.len());
        for (number, entries) in pages.enumerate() {
            let mut page = RuleList {
                len: entries.len() as u32,
                ..RuleList::default()
            };
            page.entries[..entries.len()].copy_from_slice(entries);
            if number + 1 < count {
                page.next = (first + number + 1) as u32;
            }
            self.lists.push(page);
        }
        self
    }

    /// With a network that leads to a slot, or is a pool's.
    #[must_use]
    pub fn network(mut self, network: IpNet, slot: u32) -> Self {
        let (address, length) = match network {
            IpNet::V4(net) => (mapped(net.network().octets()), 96 + net.prefix_len()),
            IpNet::V6(net) => (net.network().octets(), net.prefix_len()),
        };
        let key = UeNetwork {
            instance: INSTANCE,
            address,
        };
        self.networks.push((network_bits(length.into()), key, slot));
        self.control_flags |= control_flags::FRAMED_ROUTES;
        self
    }

    /// With the rate of the meters in both directions of a slot.
    #[must_use]
    pub fn meter(mut self, slot: u32, bits_per_second: u64) -> Self {
        let rate = Rate::from_bits_per_second(bits_per_second);
        if !self.slots.iter().any(|(index, _)| *index == slot) {
            self.slots.push((slot, abi::Slot::numbered(slot)));
        }
        for (_, record) in self.slots.iter_mut().filter(|(index, _)| *index == slot) {
            for half in [&mut record.uplink, &mut record.downlink] {
                half.state.ticks_per_byte = rate.ticks_per_byte;
                half.state.depth = rate.depth;
            }
        }
        self
    }

    /// With threshold and quota of both directions together on what a slot counts.
    #[must_use]
    pub fn quota(mut self, slot: u32, threshold: u64, quota: u64) -> Self {
        for (_, record) in self.slots.iter_mut().filter(|(index, _)| *index == slot) {
            record.tail = limited_usage(threshold, quota);
            record.uplink.state.mark = 0;
            record.downlink.state.mark = 0;
        }
        self
    }

    /// With a set of records of URRs; it and the first of them have number 0 if they are the first.
    #[must_use]
    pub fn usage_set(mut self, records: &[Usage]) -> Self {
        let mut set = UsageSet {
            records: [NO_USAGE; USAGE_SET_RECORDS],
        };
        for (place, record) in set.records.iter_mut().zip(records) {
            *place = self.usages.len() as u32;
            self.usages.push(*record);
        }
        self.usage_sets.push(set);
        self
    }

    /// With a chain of limits, the same in both directions; the first one has number 0 if it is the first chain.
    #[must_use]
    pub fn limits(mut self, chain: &[LimitDirection]) -> Self {
        let first = self.limits.len() as u32;
        for (number, limit) in (first..).zip(chain) {
            let is_last = number + 1 == first + chain.len() as u32;
            let direction = LimitDirection {
                parent: if is_last { NO_LIMIT } else { number + 1 },
                ..*limit
            };
            self.limits.push(Limit {
                uplink: direction,
                downlink: direction,
            });
        }
        self
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Threshold and quota of both directions together.
#[must_use]
pub fn limited_usage(threshold: u64, quota: u64) -> UsageTail {
    UsageTail {
        threshold,
        quota,
        word: usage_flags::UPLINK | usage_flags::DOWNLINK,
        ..UsageTail::default()
    }
}

/// A limit of one direction.
#[must_use]
pub fn limited(level: u8, rate: Rate) -> LimitDirection {
    LimitDirection {
        ticks_per_byte: rate.ticks_per_byte,
        depth: rate.depth,
        level,
        ..LimitDirection::default()
    }
}

/// Rules of an ordinary uplink.
#[must_use]
pub fn uplink(slot: u32) -> Rules {
    let mut rules = Rules {
        teid: teid(slot).to_be_bytes(),
        verdict: verdict::FORWARD,
        flags: flags::GATE_OPEN,
        instance: INSTANCE,
        ..Rules::default()
    };
    identify(&mut rules, slot);
    rules
}

fn identify(rules: &mut Rules, slot: u32) {
    if slot < 256 {
        rules.ue_v4 = ue(slot).octets();
        rules.flags |= flags::UE_V4;
    } else {
        rules.ue_v6 = ue_prefix(slot);
        rules.flags |= flags::UE_V6;
    }
}

/// Rules of an ordinary downlink.
#[must_use]
pub fn downlink(slot: u32) -> Rules {
    let mut rules = Rules {
        verdict: verdict::FORWARD,
        flags: flags::GATE_OPEN | flags::ENCAPSULATE | flags::PDU_SESSION,
        qfi: QFI,
        peer_teid: GNB_TEID.to_be_bytes(),
        ..Rules::default()
    };
    identify(&mut rules, slot);
    rules
}

/// A remembered way that can be used, by the device that frames come from.
#[must_use]
pub fn route(destination: abi::Address, mac: [u8; 6]) -> RouteEntry {
    RouteEntry {
        destination,
        from_instance: INSTANCE,
        expires: u64::MAX,
        transmit_ifindex: NEAR,
        instance: INSTANCE,
        mtu: 1500,
        refused: u8::MAX,
        destination_mac: mac,
        source_mac: NEAR_MAC,
        ..RouteEntry::default()
    }
}

/// Makes a remembered way one by the other device.
pub fn by_far(route: &mut RouteEntry) {
    route.transmit_ifindex = FAR_PARENT;
    route.port_number = 1;
    route.vlan = VLAN;
    route.source_mac = FAR_MAC;
}

/// Makes a remembered way a refusal.
pub fn refused(reason: DropReason) -> impl Fn(&mut RouteEntry) {
    move |route| route.refused = reason as u8
}
