//! The XDP program in the kernel, run by `BPF_PROG_TEST_RUN`.

use anyhow::{Context as _, Result, bail, ensure};
use aya::{
    Ebpf, EbpfLoader, Pod,
    maps::{
        Array, HashMap, Map, MapData, PerCpuArray, PerCpuValues, ProgramArray, RingBuf,
        lpm_trie::{Key, LpmTrie},
    },
    programs::{TestRun as _, TestRunOptions, Xdp},
};
use upf_common::abi::{
    Control, Counters, DirectionCounters, LEVEL_ENTRIES, LevelCounters, Limit, NO_SLOT,
    PORT_BUCKETS, Plain, Pool, Port, RouteEntry, RuleList, Slot, UeNetwork, Usage, UsageEvent,
    UsageSet,
    maps::{KNOWN_FLOWS, MAX_INSTANCES},
};
use upf_common::forward::route_index;
use upf_common::matching::known::KnownFlow;
use upf_common::wire::IpAddress;
use upf_user::datapath::bpf::{loader::tick_ns, object::OBJECT};

use super::host::{full_at, level_outcomes, limit_outcomes, slot_counters, timeless};
use super::world::{BLOCKS, ENTRIES, LIMITS, PAGES, SLOT_MASK, SLOTS, USAGES, World};
use super::{Action, LimitOutcome, Outcome};

/// Length of frames that come back, at most.
const ROOM: usize = 4096;

/// A record of the ABI in aya's hands.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Record<T: Plain>(pub(crate) T);

// SAFETY: what `Plain` promises is what `Pod` wants, and the wrapper is transparent.
unsafe impl<T: Plain> Pod for Record<T> {}

/// The loaded program.
pub struct Kernel {
    ebpf: Ebpf,
    /// When the buckets of the limits that are installed were full at first.
    full_at: Vec<[u64; 2]>,
    /// Records of URRs that are installed.
    usages: u32,
}

impl Kernel {
    /// Loads the program with small tables.
    ///
    /// # Errors
    /// Without root, without the object, or with what the verifier says.
    pub fn load() -> Result<Self> {
        ensure!(
            !OBJECT.is_empty(),
            "no eBPF object is built in: run `cargo xtask build`"
        );
        let tick_ns = tick_ns()?;
        let mut loader = EbpfLoader::new();
        for (map, entries) in [
            ("SLOTS", SLOTS),
            ("BLOCKS", BLOCKS),
            ("PEERS", ENTRIES),
            ("LISTS", PAGES),
            ("TEIDS", SLOTS),
            ("UE_ADDRESSES", SLOTS),
            ("UE_NETWORKS", SLOTS),
            ("LIMITS", LIMITS),
            ("USAGES", USAGES),
            ("USAGE_SETS", USAGES),
        ] {
            loader.map_max_entries(map, entries);
        }
        let mut ebpf = loader
            .override_global("SLOT_MASK", &SLOT_MASK, true)
            .override_global("NS_PER_JIFFY", &tick_ns, true)
            .load(OBJECT)
            .context("the object does not load; in-kernel tests need root")?;
        xdp(&mut ebpf, "upf_hairpin")?.load()?;
        xdp(&mut ebpf, "upf")?.load()?;
        let hairpin = xdp(&mut ebpf, "upf_hairpin")?.fd()?.try_clone()?;
        let roads = ebpf.map_mut("ROADS").context("no map ROADS")?;
        ProgramArray::try_from(roads)?.set(0, &hairpin, 0)?;
        Ok(Self {
            ebpf,
            full_at: Vec::new(),
            usages: 0,
        })
    }

    /// The next world's lists are others, which have not rested.
    fn forget_flows(&mut self) -> Result<()> {
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error)?;
        let mut map = PerCpuArray::<_, Record<KnownFlow>>::try_from(self.map("KNOWN_FLOWS")?)?;
        for index in 0..KNOWN_FLOWS {
            let nothing = PerCpuValues::try_from(vec![Record(KnownFlow::NOTHING); cpus])?;
            map.set(index, nothing, 0)?;
        }
        Ok(())
    }

    /// Instructions of a program that the verifier has gone through.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn verified_instructions(&mut self, name: &str) -> Result<Option<u32>> {
        let info = xdp(&mut self.ebpf, name)?.info()?;
        Ok(info.verified_instruction_count())
    }

    /// Takes one frame in this world.
    ///
    /// # Errors
    /// When the kernel refuses a part of it.
    pub fn run(&mut self, world: &World, frame: &[u8]) -> Result<Outcome> {
        self.run_repeatedly(world, frame, 1)
    }

    /// Takes one frame, and what has become of it again, so many times; the action is the last one's.
    ///
    /// # Errors
    /// When the kernel refuses a part of it.
    pub fn run_repeatedly(&mut self, world: &World, frame: &[u8], times: u32) -> Result<Outcome> {
        self.install(world)?;
        let outcome = self.outcome(frame, times);
        self.remove(world)?;
        outcome
    }

    /// Takes one frame so many times in tables that are [installed](Self::install), and tells what they have counted.
    ///
    /// # Errors
    /// When the kernel refuses a part of it.
    pub fn outcome(&mut self, frame: &[u8], times: u32) -> Result<Outcome> {
        let mut output = vec![0; ROOM];
        let (action, length) = self.take(frame, &mut output, times)?;
        output.truncate(length);
        let counters = self.counters()?;
        Ok(Outcome {
            action,
            frame: output,
            uplink: counters.uplink,
            downlink: counters.downlink,
            punted: counters.punted,
            copies_lost: counters.copies_lost,
            ports: [counters.ports[0], counters.ports[1]],
            slots: self.slot_counters()?,
            limits: self.limit_outcomes()?,
            levels: level_outcomes(&self.levels()?),
            usages: self.all_usages()?,
            usage_events: self.take_usage_events()?,
        })
    }

    /// Takes one frame so many times in tables that are [installed](Self::install); what becomes of it goes to
    /// `output`, and its length is told.
    ///
    /// # Errors
    /// When the kernel does not run the program.
    pub fn take(&self, frame: &[u8], output: &mut [u8], times: u32) -> Result<(Action, usize)> {
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(output),
            repeat: times,
            ..TestRunOptions::default()
        };
        let program = self.ebpf.program("upf").context("no program `upf`")?;
        let result = <&Xdp>::try_from(program)?.test_run(options)?;
        let action = match result.return_value {
            1 => Action::Drop,
            2 => Action::Pass,
            3 => Action::Transmit,
            4 => Action::Redirect,
            other => bail!("the program returned {other}"),
        };
        Ok((action, result.data_size_out as usize))
    }

    /// A slot's record.
    ///
    /// # Errors
    /// When there is none.
    pub fn slot(&mut self, index: u32) -> Result<Slot> {
        let slots = Array::<_, Record<Slot>>::try_from(self.map("SLOTS")?)?;
        Ok(slots.get(&index, 0)?.0)
    }

    /// A limit's record.
    ///
    /// # Errors
    /// When there is none.
    pub fn limit(&mut self, index: u32) -> Result<Limit> {
        let limits = Array::<_, Record<Limit>>::try_from(self.map("LIMITS")?)?;
        Ok(limits.get(&index, 0)?.0)
    }

    /// A record of a URR.
    ///
    /// # Errors
    /// When there is none.
    pub fn usage(&mut self, index: u32) -> Result<Usage> {
        let usages = Array::<_, Record<Usage>>::try_from(self.map("USAGES")?)?;
        Ok(usages.get(&index, 0)?.0)
    }

    fn all_usages(&mut self) -> Result<Vec<Usage>> {
        let usages = (0..self.usages).map(|index| Ok(timeless(self.usage(index)?)));
        usages.collect()
    }

    /// Takes what the agent is told of thresholds and quotas.
    ///
    /// # Errors
    /// When the map is none, or an event is cut short.
    pub fn take_usage_events(&mut self) -> Result<Vec<UsageEvent>> {
        let mut events = Vec::new();
        let mut ring = RingBuf::try_from(self.map("USAGE_EVENTS")?)?;
        while let Some(record) = ring.next() {
            let event = record.first_chunk::<8>().context("an event cut short")?;
            let [a0, a1, a2, a3, k0, k1, k2, k3] = *event;
            events.push(UsageEvent {
                account: u32::from_ne_bytes([a0, a1, a2, a3]),
                kind: u32::from_ne_bytes([k0, k1, k2, k3]),
            });
        }
        Ok(events)
    }

    fn limit_outcomes(&mut self) -> Result<Vec<LimitOutcome>> {
        let indices = 0..self.full_at.len() as u32;
        let limits = indices.map(|index| self.limit(index));
        let limits = limits.collect::<Result<Vec<_>>>()?;
        Ok(limit_outcomes(&limits, &self.full_at))
    }

    /// What `LEVELS` has counted on all CPUs.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn levels(&mut self) -> Result<Vec<LevelCounters>> {
        let levels = self.per_cpu::<LevelCounters>("LEVELS")?;
        let sum = |index| -> Result<LevelCounters> {
            let mut sum = LevelCounters::default();
            for Record(one) in levels.get(&index, 0)?.iter() {
                sum.uplink.add(&one.uplink);
                sum.downlink.add(&one.downlink);
            }
            Ok(sum)
        };
        (0..LEVEL_ENTRIES).map(sum).collect()
    }

    fn reset_levels(&mut self) -> Result<()> {
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error)?;
        let mut levels = self.per_cpu::<LevelCounters>("LEVELS")?;
        for index in 0..LEVEL_ENTRIES {
            let empty = vec![Record(LevelCounters::default()); cpus];
            levels.set(index, PerCpuValues::try_from(empty)?, 0)?;
        }
        Ok(())
    }

    /// Takes what lies in `COPIES`: what each copy is filed under, and its bytes.
    ///
    /// # Errors
    /// When the map is none, or a copy is cut short.
    pub fn take_copies(&mut self) -> Result<Vec<(u32, Vec<u8>)>> {
        let mut copies = Vec::new();
        let mut ring = RingBuf::try_from(self.map("COPIES")?)?;
        while let Some(record) = ring.next() {
            let (head, bytes) = record
                .split_first_chunk::<8>()
                .context("a copy cut short")?;
            let [d0, d1, d2, d3, l0, l1, l2, l3] = *head;
            let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
            let bytes = bytes.get(..length).context("a copy cut short")?;
            copies.push((u32::from_ne_bytes([d0, d1, d2, d3]), bytes.to_vec()));
        }
        Ok(copies)
    }

    /// The map of slots, to be written to while packets run.
    ///
    /// # Errors
    /// When there is none.
    pub fn slots(&mut self) -> Result<&MapData> {
        match self.map("SLOTS")? {
            Map::Array(data) => Ok(data),
            _ => bail!("SLOTS is not an array"),
        }
    }

    /// Fills the tables.
    ///
    /// # Errors
    /// When the kernel refuses an entry.
    pub fn install(&mut self, world: &World) -> Result<()> {
        for port in &world.ports {
            self.set("PORTS", port.ifindex % PORT_BUCKETS, *port)?;
        }
        for (index, pool) in (0..).zip(&world.pools) {
            self.set("POOLS", index, *pool)?;
        }
        for (index, ifindex) in (0..).zip(&world.instances) {
            self.set_number("INSTANCES", index, *ifindex)?;
        }
        for index in 0..BLOCKS {
            let slot = world.blocks.get(index as usize).copied();
            self.set_number("BLOCKS", index, slot.unwrap_or(NO_SLOT))?;
        }
        for (index, slot) in &world.slots {
            self.set("SLOTS", *index, *slot)?;
        }
        for (index, peer) in (0..).zip(&world.peers) {
            self.set("PEERS", index, *peer)?;
        }
        for (index, list) in (0..).zip(&world.lists) {
            self.set("LISTS", index, *list)?;
        }
        for (index, limit) in (0..).zip(&world.limits) {
            self.set("LIMITS", index, *limit)?;
        }
        for (index, usage) in (0..).zip(&world.usages) {
            self.set("USAGES", index, *usage)?;
        }
        for (index, set) in (0..).zip(&world.usage_sets) {
            self.set("USAGE_SETS", index, *set)?;
        }
        self.usages = world.usages.len() as u32;
        self.full_at = full_at(&world.limits);
        self.reset_levels()?;
        for (teid, slot) in &world.teids {
            let mut map = HashMap::<_, [u8; 4], u32>::try_from(self.map("TEIDS")?)?;
            map.insert(teid, slot, 0)?;
        }
        for (key, slot) in &world.ue_addresses {
            let mut map = HashMap::<_, Record<_>, u32>::try_from(self.map("UE_ADDRESSES")?)?;
            map.insert(Record(*key), slot, 0)?;
        }
        for route in &world.routes {
            self.set_route(route, *route)?;
        }
        for (bits, key, slot) in &world.networks {
            let mut map = LpmTrie::<_, Record<UeNetwork>, u32>::try_from(self.map("UE_NETWORKS")?)?;
            map.insert(&Key::new(*bits, Record(*key)), slot, 0)?;
        }
        let control = Control {
            flags: world.control_flags,
            ..Control::default()
        };
        self.set("CONTROL", 0, control)?;
        let mut counters = self.per_cpu::<Counters>("COUNTERS")?;
        let empty = vec![Record(Counters::default()); aya::util::nr_cpus().map_err(|(_, e)| e)?];
        counters.set(0, PerCpuValues::try_from(empty)?, 0)?;
        Ok(())
    }

    /// Empties the tables again.
    ///
    /// # Errors
    /// When the kernel refuses an entry.
    pub fn remove(&mut self, world: &World) -> Result<()> {
        for port in &world.ports {
            self.set("PORTS", port.ifindex % PORT_BUCKETS, Port::default())?;
        }
        for (index, _) in (0..).zip(&world.pools) {
            self.set("POOLS", index, Pool::default())?;
        }
        for index in 0..MAX_INSTANCES {
            self.set_number("INSTANCES", index, 0)?;
        }
        for (index, _) in &world.slots {
            self.set("SLOTS", *index, Slot::default())?;
        }
        for (index, _) in (0..).zip(&world.lists) {
            self.set("LISTS", index, RuleList::default())?;
        }
        if !world.lists.is_empty() {
            self.forget_flows()?;
        }
        for (index, _) in (0..).zip(&world.limits) {
            self.set("LIMITS", index, Limit::default())?;
        }
        for (index, _) in (0..).zip(&world.usage_sets) {
            self.set("USAGE_SETS", index, UsageSet::default())?;
        }
        self.usages = 0;
        self.full_at.clear();
        for (teid, _) in &world.teids {
            HashMap::<_, [u8; 4], u32>::try_from(self.map("TEIDS")?)?.remove(teid)?;
        }
        for (key, _) in &world.ue_addresses {
            HashMap::<_, Record<_>, u32>::try_from(self.map("UE_ADDRESSES")?)?
                .remove(&Record(*key))?;
        }
        for (bits, key, _) in &world.networks {
            let mut map = LpmTrie::<_, Record<UeNetwork>, u32>::try_from(self.map("UE_NETWORKS")?)?;
            map.remove(&Key::new(*bits, Record(*key)))?;
        }
        for route in &world.routes {
            self.set_route(route, RouteEntry::default())?;
        }
        Ok(())
    }

    fn set_route(&mut self, at: &RouteEntry, to: RouteEntry) -> Result<()> {
        let index = route_index(IpAddress::new(&at.destination), at.from_instance);
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error)?;
        let mut routes = self.per_cpu::<RouteEntry>("ROUTES")?;
        routes.set(index, PerCpuValues::try_from(vec![Record(to); cpus])?, 0)?;
        Ok(())
    }

    fn counters(&mut self) -> Result<Counters> {
        let mut total = Counters::default();
        for Record(one) in self.per_cpu::<Counters>("COUNTERS")?.get(&0, 0)?.iter() {
            add_direction(&mut total.uplink, &one.uplink);
            add_direction(&mut total.downlink, &one.downlink);
            for (sum, count) in total.punted.iter_mut().zip(one.punted) {
                *sum += count;
            }
            total.copies_lost += one.copies_lost;
            for (sum, port) in total.ports.iter_mut().zip(one.ports) {
                sum.rx_packets += port.rx_packets;
                sum.rx_bytes += port.rx_bytes;
                sum.tx_packets += port.tx_packets;
                sum.tx_bytes += port.tx_bytes;
            }
        }
        Ok(total)
    }

    fn slot_counters(&mut self) -> Result<Vec<(u32, bool, [u64; 4])>> {
        let slots = Array::<_, Record<Slot>>::try_from(self.map("SLOTS")?)?;
        let slots = slots.iter().map(|slot| slot.map(|Record(slot)| slot));
        let slots = slots.collect::<Result<Vec<_>, _>>()?;
        Ok(slot_counters((0..).zip(slots)))
    }

    fn set<T: Plain>(&mut self, map: &str, index: u32, value: T) -> Result<()> {
        let mut array = Array::<_, Record<T>>::try_from(self.map(map)?)?;
        array
            .set(index, Record(value), 0)
            .with_context(|| map.to_owned())
    }

    fn set_number(&mut self, map: &str, index: u32, value: u32) -> Result<()> {
        let mut array = Array::<_, u32>::try_from(self.map(map)?)?;
        array.set(index, value, 0).with_context(|| map.to_owned())
    }

    fn per_cpu<T: Plain>(&mut self, map: &str) -> Result<PerCpuArray<&mut MapData, Record<T>>> {
        Ok(PerCpuArray::try_from(self.map(map)?)?)
    }

    fn map(&mut self, name: &str) -> Result<&mut Map> {
        self.ebpf
            .map_mut(name)
            .with_context(|| format!("no map {name}"))
    }
}

fn add_direction(total: &mut DirectionCounters, one: &DirectionCounters) {
    total.packets += one.packets;
    total.bytes += one.bytes;
    total.metered.add(&one.metered);
    for (sum, count) in total.dropped.iter_mut().zip(one.dropped) {
        *sum += count;
    }
}

fn xdp<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp> {
    let program = ebpf.program_mut(name);
    Ok(program
        .with_context(|| format!("no program `{name}`"))?
        .try_into()?)
}
