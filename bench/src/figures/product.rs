//! The XDP program and its tables full of sessions.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result, bail};
use aya::maps::{Array, Map, MapData, MapInfo, PerCpuArray, PerCpuValues};
use aya::programs::ProgramFd;
use aya::util::nr_cpus;
use ipnet::IpNet;
use upf_common::abi::{
    BLOCK_SLOTS, Limit, LimitDirection, NO_LIMIT, NO_METER, Peer, Port, RouteEntry, Rules, flags,
    level, limit_flags, mapped, roles, verdict,
};
use upf_common::forward::{route_index, tables::Way};
use upf_common::meter::Rate;
use upf_common::wire::{IpAddress, outer_ipv4_checksum_base};
use upf_user::datapath::bpf::loader::Program;
use upf_user::datapath::bpf::{Loaded, Sizes, load};
use upf_user::datapath::slots::PoolLayout;
use upf_user::datapath::{
    Account, Accounts as _, Bounds, Credit, Datapath as _, Direction, SlotIndex, UsageLimits,
};

use super::frames::{FIRST_TEID, FIRST_UE};
use crate::packets::kernel::Record;
use crate::packets::world::{
    FAR, FAR_MAC, GNB, GNB_TEID, INSTANCE, LOCAL, NEAR, NEAR_MAC, PEER_MAC, QFI, ROUTER_MAC,
    SERVER, limited, route,
};

/// Sessions that the pool 10.128.0.0/9 has addresses for.
pub const MAX_SESSIONS: u32 = 1 << 23;
/// Bits of FIRST_UE's prefix.
const POOL_LENGTH: u8 = 9;
/// A rate that every packet is measured against and none exceeds.
const RATE: Rate = Rate::from_bits_per_second(400_000_000_000);
/// The threshold of a session's URR, which no bench reaches; its quota is twice that.
const THRESHOLD_BYTES: u64 = 1 << 50;
/// Sessions of a customer.
const CUSTOMER_SESSIONS: u32 = 1000;

/// What each session has beside its tunnel and its address: limits, in each direction, or a URR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// None.
    None,
    /// No limit, and one URR that the slot's own counters do for, with a threshold and a quota.
    Urr,
    /// The flow's MBR.
    Flow,
    /// The SIM's.
    Sim,
    /// The flow's and the SIM's.
    Two,
    /// The flow's, the session's and the SIM's.
    Three,
    /// The flow's, the session's, the SIM's and the customer's.
    Four,
}

impl Levels {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Urr,
        Self::Flow,
        Self::Sim,
        Self::Two,
        Self::Three,
        Self::Four,
    ];

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no MBR",
            Self::Urr => "no MBR, one URR",
            Self::Flow => "with an MBR",
            Self::Sim => "SIM",
            Self::Two => "MBR, SIM",
            Self::Three => "MBR, AMBR, SIM",
            Self::Four => "MBR, AMBR, SIM, customer",
        }
    }

    const fn has_flow(self) -> bool {
        !matches!(self, Self::None | Self::Urr | Self::Sim)
    }

    const fn has_session(self) -> bool {
        matches!(self, Self::Three | Self::Four)
    }

    const fn has_sim(self) -> bool {
        !matches!(self, Self::None | Self::Urr | Self::Flow)
    }
}

/// How big the program is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Instructions that the verifier went through.
    pub verified_instructions: Option<u32>,
    /// Bytes of BPF instructions in the kernel.
    pub translated_bytes: Option<u32>,
    /// Bytes of machine code.
    pub jitted_bytes: u32,
}

/// The loaded program.
pub struct Product {
    loaded: Loaded,
    sessions: u32,
}

impl Product {
    /// Loads it with tables for so many sessions, a device that frames come from and one that they leave by.
    ///
    /// # Errors
    /// When the kernel does not take the program, or a part of the tables.
    pub fn load(sessions: u32) -> Result<Self> {
        let pool = IpNet::new(IpAddr::V4(FIRST_UE), POOL_LENGTH)?;
        let pools = PoolLayout::new(&[(INSTANCE, pool)])?;
        let sizes = Sizes {
            slots: sessions.next_multiple_of(BLOCK_SLOTS),
            blocks: pools.blocks(),
            peers: 1,
            lists: 1,
            limits: 2 * sessions + sessions.div_ceil(CUSTOMER_SESSIONS),
            usages: 2 * sessions + sessions.div_ceil(CUSTOMER_SESSIONS),
        };
        let mut loaded = load(&sizes, None)?;
        loaded.ports.write_pools(&pools)?;
        let (first_pool, pool_count) = pools.of_instance(INSTANCE);
        loaded.ports.put(&near(first_pool, pool_count))?;
        loaded.ports.put(&far())?;
        loaded.ports.set_instance(INSTANCE, NEAR)?;
        loaded.datapath.write_peer(0, &peer())?;
        for block in 0..sizes.slots / BLOCK_SLOTS {
            let first = SlotIndex(block * BLOCK_SLOTS);
            loaded.datapath.set_block(block, Some(first))?;
        }
        let mut product = Self { loaded, sessions };
        product.remember_routes()?;
        Ok(product)
    }

    /// Puts all sessions into force.
    ///
    /// # Errors
    /// When a slot or a limit is missing.
    pub fn fill(&mut self, levels: Levels) -> Result<()> {
        self.fill_limits(levels)?;
        for number in 0..self.sessions {
            let slot = SlotIndex(number);
            self.loaded.datapath.reset_slot(slot)?;
            for (direction, rules) in [
                (Direction::Uplink, uplink(number)),
                (Direction::Downlink, downlink(number)),
            ] {
                let rules = with_limits(rules, number, levels);
                let tables = &mut self.loaded.datapath;
                tables.write_meter(slot, direction, RATE, Credit::Full)?;
                self.loaded.datapath.write_rules(slot, direction, &rules)?;
            }
        }
        Ok(())
    }

    /// Gives each session a URR, or takes it away. The first packets that come then look at its threshold and its quota.
    ///
    /// # Errors
    /// When a slot is missing.
    pub fn set_urrs(&mut self, has_urrs: bool) -> Result<()> {
        let bounds = Bounds {
            threshold: Some(THRESHOLD_BYTES),
            quota: Some(2 * THRESHOLD_BYTES),
        };
        let limits = if has_urrs {
            UsageLimits {
                counts_uplink: true,
                counts_downlink: true,
                total: bounds,
                ..UsageLimits::default()
            }
        } else {
            UsageLimits::default()
        };
        for number in 0..self.sessions {
            let account = Account::Slot(SlotIndex(number));
            self.loaded.datapath.write_usage_limits(account, &limits)?;
        }
        Ok(())
    }

    /// Each session's AMBR and its SIM's limit stand next to each other; customers' come behind all of them.
    fn fill_limits(&mut self, levels: Levels) -> Result<()> {
        if !levels.has_sim() {
            return Ok(());
        }
        let mut limits = Array::<_, Record<Limit>>::try_from(Map::Array(self.map("LIMITS")?))?;
        let customers = 2 * self.sessions;
        for number in 0..self.sessions {
            let customer = match levels {
                Levels::Four => customers + number / CUSTOMER_SESSIONS,
                _ => NO_LIMIT,
            };
            let (session, sim) = (2 * number, 2 * number + 1);
            limits.set(session, Record(limit(level::SESSION, sim)), 0)?;
            limits.set(sim, Record(limit(level::SIM, customer)), 0)?;
        }
        for customer in 0..self.sessions.div_ceil(CUSTOMER_SESSIONS) {
            let record = Record(limit(level::CUSTOMER, NO_LIMIT));
            limits.set(customers + customer, record, 0)?;
        }
        Ok(())
    }

    /// How many sessions there are.
    #[must_use]
    pub const fn sessions(&self) -> u32 {
        self.sessions
    }

    /// Packets forwarded so far.
    ///
    /// # Errors
    /// When the kernel does not give its counters.
    pub fn forwarded(&self, way: Way) -> Result<u64> {
        let counters = self.loaded.counters.sum()?;
        Ok(match way {
            Way::Uplink => counters.uplink.packets,
            Way::Downlink => counters.downlink.packets,
        })
    }

    /// The program, to be run.
    ///
    /// # Errors
    /// When it is not loaded.
    pub fn program(&mut self) -> Result<ProgramFd> {
        Ok(self.loaded.program.xdp()?.fd()?.try_clone()?)
    }

    /// How big the program is.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn size(&mut self) -> Result<Size> {
        let info = self.loaded.program.xdp()?.info()?;
        Ok(Size {
            verified_instructions: info.verified_instruction_count(),
            translated_bytes: info.size_translated(),
            jitted_bytes: info.size_jitted(),
        })
    }

    /// The next hops, never to be asked for.
    fn remember_routes(&mut self) -> Result<()> {
        let far = |(destination, mac): (Ipv4Addr, _)| RouteEntry {
            transmit_ifindex: FAR,
            port_number: 1,
            source_mac: FAR_MAC,
            ..route(mapped(destination.octets()), mac)
        };
        let routes = [(GNB, PEER_MAC), (SERVER, ROUTER_MAC)].map(far);
        remember(&mut self.loaded.program, &routes)
    }

    /// A map, found among those of the program.
    fn map(&mut self, name: &str) -> Result<MapData> {
        map_of(&mut self.loaded.program, name)
    }
}

/// Has all CPUs remember routes; the `ROUTES` map is the fast path's own.
///
/// # Errors
/// When the kernel refuses.
pub fn remember(program: &mut Program, routes: &[RouteEntry]) -> Result<()> {
    let map = Map::PerCpuArray(map_of(program, "ROUTES")?);
    let mut map = PerCpuArray::<_, Record<RouteEntry>>::try_from(map)?;
    let cpus = nr_cpus().map_err(|(_, error)| error)?;
    for entry in routes {
        let index = route_index(IpAddress::new(&entry.destination), entry.from_instance);
        let values = PerCpuValues::try_from(vec![Record(*entry); cpus])?;
        map.set(index, values, 0)?;
    }
    Ok(())
}

fn map_of(program: &mut Program, name: &str) -> Result<MapData> {
    let info = program.xdp()?.info()?;
    let ids = info.map_ids()?.context("the kernel tells no map IDs")?;
    for id in ids {
        if MapInfo::from_id(id)?.name_as_str() == Some(name) {
            return Ok(MapData::from_id(id)?);
        }
    }
    bail!("the program has no map {name}")
}

/// Where frames come from, from both sides.
fn near(first_pool: u16, pool_count: u16) -> Port {
    Port {
        ifindex: NEAR,
        transmit_ifindex: NEAR,
        instance: INSTANCE,
        first_pool,
        pool_count,
        number: 0,
        gtpu_count: 1,
        mac: NEAR_MAC,
        roles: roles::ACCESS | roles::CORE,
        gtpu: [LOCAL.octets(), [0; 4], [0; 4], [0; 4]],
        ..Port::default()
    }
}

/// Where they leave.
fn far() -> Port {
    Port {
        ifindex: FAR,
        transmit_ifindex: FAR,
        instance: INSTANCE,
        number: 1,
        mac: FAR_MAC,
        ..Port::default()
    }
}

fn peer() -> Peer {
    Peer {
        local: mapped(LOCAL.octets()),
        remote: mapped(GNB.octets()),
        instance: INSTANCE,
        checksum_base: outer_ipv4_checksum_base(LOCAL.octets(), GNB.octets()),
        ..Peer::default()
    }
}

fn uplink(number: u32) -> Rules {
    Rules {
        teid: (FIRST_TEID + number).to_be_bytes(),
        ue_v4: (FIRST_UE.to_bits() + number).to_be_bytes(),
        verdict: verdict::FORWARD,
        flags: flags::GATE_OPEN | flags::UE_V4 | flags::MATCH_QFI,
        match_qfi: QFI,
        instance: INSTANCE,
        ..Rules::default()
    }
}

fn downlink(number: u32) -> Rules {
    Rules {
        ue_v4: (FIRST_UE.to_bits() + number).to_be_bytes(),
        verdict: verdict::FORWARD,
        flags: flags::GATE_OPEN | flags::UE_V4 | flags::ENCAPSULATE | flags::PDU_SESSION,
        qfi: QFI,
        peer_teid: GNB_TEID.to_be_bytes(),
        ..Rules::default()
    }
}

fn with_limits(rules: Rules, number: u32, levels: Levels) -> Rules {
    Rules {
        meter_slot: if levels.has_flow() { number } else { NO_METER },
        limit: if levels.has_session() {
            2 * number
        } else if levels.has_sim() {
            2 * number + 1
        } else {
            NO_LIMIT
        },
        ..rules
    }
}

/// A limit of a speed class that marks, as most do.
fn limit(level: u8, parent: u32) -> Limit {
    let direction = LimitDirection {
        parent,
        class: 1,
        flags: limit_flags::MARK,
        ..limited(level, RATE)
    };
    Limit {
        uplink: direction,
        downlink: direction,
    }
}
