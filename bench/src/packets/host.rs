//! The packet logic over vectors.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::HashMap;
use std::ptr::NonNull;

use upf_common::abi::{
    self, Counters, LEVEL_ENTRIES, LevelCounters, Limit, MAX_COPY_BYTES, NO_SLOT, Peer, Pool, Port,
    RouteEntry, RuleList, UeKey, UeNetwork, Usage, UsageEvent, UsageSet, control_flags,
    maps::ROUTE_ENTRIES, network_bits, of_level,
};
use upf_common::drop_reason::{DropReason, PuntReason};
use upf_common::forward::tables::{
    Account, Charge, ChargeTables, Charged, Done, End, Half, LimitHalf, LimitTables, Load, Manner,
    RouteAnswer, RouteQuery, Tables, UsageTables, Way,
};
use upf_common::forward::{self, Verdict, hairpin, process, route_index, tables, usage};
use upf_common::matching::{self, Flow};
use upf_common::shared;
use upf_common::wire::{IpAddress, Packet, Version};

use super::world::{BLOCKS, NEAR, SLOT_MASK, SLOTS, World};
use super::{Action, LimitOutcome, Outcome};

/// Room in front of a frame and behind it, as XDP has it.
const HEADROOM: usize = 256;
const TAILROOM: usize = 256;

/// A frame with room around it.
#[derive(Clone, Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// A buffer with this frame.
    #[must_use]
    pub fn new(frame: &[u8]) -> Self {
        let bytes = [&[0; HEADROOM][..], frame, &[0; TAILROOM]].concat();
        Self {
            bytes,
            start: HEADROOM,
            end: HEADROOM + frame.len(),
        }
    }

    /// The frame.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

impl Packet for Buffer {
    fn len(&self) -> usize {
        self.end - self.start
    }

    fn view<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        self.frame().get(offset..)?.first_chunk()
    }

    fn view_mut<const N: usize>(&mut self, offset: usize) -> Option<&mut [u8; N]> {
        self.bytes[self.start..self.end]
            .get_mut(offset..)?
            .first_chunk_mut()
    }

    fn move_head(&mut self, delta: i32) -> bool {
        let start = self.start as i64 + i64::from(delta);
        // The kernel keeps room for its own record of the frame, and at least an Ethernet header.
        let fits = (40..self.end as i64 - 13).contains(&start);
        if fits {
            self.start = start as usize;
        }
        fits
    }

    fn move_tail(&mut self, delta: i32) -> bool {
        let end = self.end as i64 + i64::from(delta);
        let fits = (self.start as i64 + 14..=self.bytes.len() as i64).contains(&end);
        if fits {
            self.end = end as usize;
        }
        fits
    }
}

/// The tables as vectors.
pub struct HostTables {
    ports: Vec<Port>,
    pools: Vec<Pool>,
    instances: Vec<u32>,
    blocks: Vec<u32>,
    slots: Vec<UnsafeCell<abi::Slot>>,
    /// Those with a record of the world's; no other can count.
    used: Vec<u32>,
    teids: HashMap<[u8; 4], u32>,
    ue_addresses: HashMap<UeKey, u32>,
    networks: Vec<(u32, UeNetwork, u32)>,
    control_flags: u32,
    peers: Vec<Peer>,
    lists: Vec<RuleList>,
    limits: Vec<UnsafeCell<Limit>>,
    /// When their buckets were full at first.
    full_at: Vec<[u64; 2]>,
    levels: RefCell<Vec<LevelCounters>>,
    usages: Vec<UnsafeCell<Usage>>,
    usage_sets: Vec<UsageSet>,
    routes: Vec<UnsafeCell<RouteEntry>>,
    counters: RefCell<Counters>,
    /// Whether the agent takes messages.
    pub may_punt: Cell<bool>,
    /// Whether it takes user packets that it answers.
    pub may_reply: Cell<bool>,
    /// Time of the clock.
    pub now_ns: Cell<u64>,
    /// [`abi::Control::generation`].
    pub generation: Cell<u32>,
    /// What the kernel's routing tables would say.
    pub answer: Cell<RouteAnswer>,
    /// How often they were asked.
    pub questions: Cell<u32>,
    /// Next hops that the agent was told of.
    pub wanted: RefCell<Vec<(u32, abi::Address)>>,
    /// What the agent was told of thresholds and quotas.
    pub usage_events: RefCell<Vec<UsageEvent>>,
    /// Copies that the agent got: what they are filed under, and their bytes.
    pub copies: RefCell<Vec<(u32, Vec<u8>)>>,
}

impl HostTables {
    /// Tables with this content.
    #[must_use]
    pub fn new(world: &World) -> Self {
        let mut blocks = world.blocks.clone();
        blocks.resize(BLOCKS as usize, NO_SLOT);
        let tables = Self {
            ports: world.ports.clone(),
            pools: world.pools.clone(),
            instances: world.instances.clone(),
            blocks,
            slots: (0..SLOTS)
                .map(|slot| UnsafeCell::new(abi::Slot::numbered(slot)))
                .collect(),
            used: world.slots.iter().map(|(slot, _)| *slot).collect(),
            teids: world.teids.iter().copied().collect(),
            ue_addresses: world.ue_addresses.iter().copied().collect(),
            networks: world.networks.clone(),
            control_flags: world.control_flags,
            peers: world.peers.clone(),
            lists: world.lists.clone(),
            limits: world.limits.iter().copied().map(UnsafeCell::new).collect(),
            full_at: full_at(&world.limits),
            levels: RefCell::new(vec![LevelCounters::default(); LEVEL_ENTRIES as usize]),
            usages: world.usages.iter().copied().map(UnsafeCell::new).collect(),
            usage_sets: world.usage_sets.clone(),
            routes: (0..ROUTE_ENTRIES).map(|_| UnsafeCell::default()).collect(),
            counters: RefCell::default(),
            may_punt: Cell::new(true),
            may_reply: Cell::new(true),
            now_ns: Cell::new(1_000_000_000),
            generation: Cell::new(0),
            answer: Cell::new(RouteAnswer::NoRoute),
            questions: Cell::new(0),
            wanted: RefCell::default(),
            usage_events: RefCell::default(),
            copies: RefCell::default(),
        };
        for (slot, record) in &world.slots {
            // SAFETY: nobody else has the tables yet.
            unsafe { *tables.slots[*slot as usize].get() = *record };
        }
        for route in &world.routes {
            let index = route_index(IpAddress::new(&route.destination), route.from_instance);
            // SAFETY: as above.
            unsafe { *tables.routes[index as usize].get() = *route };
        }
        tables
    }

    /// Takes one frame.
    #[must_use]
    pub fn run(&self, frame: &[u8]) -> Outcome {
        let mut buffer = Buffer::new(frame);
        let action = self.take(&mut buffer);
        let counters = *self.counters.borrow();
        Outcome {
            action,
            frame: buffer.frame().to_vec(),
            uplink: counters.uplink,
            downlink: counters.downlink,
            punted: counters.punted,
            copies_lost: counters.copies_lost,
            ports: [counters.ports[0], counters.ports[1]],
            slots: self.slot_counters(),
            limits: limit_outcomes(&self.all_limits(), &self.full_at),
            levels: level_outcomes(&self.levels.borrow()),
            usages: self.all_usages().map(timeless).collect(),
            usage_events: self.usage_events.borrow().clone(),
        }
    }

    /// Takes the frame in a buffer; what has become of it stays there, with what room is left around it.
    pub fn take(&self, buffer: &mut Buffer) -> Action {
        let verdict = match process(buffer, self, NEAR) {
            Verdict::Hairpin { ifindex } => hairpin(buffer, self, NEAR, ifindex),
            verdict => verdict,
        };
        match verdict {
            Verdict::Kernel => Action::Pass,
            Verdict::Drop | Verdict::Hairpin { .. } => Action::Drop,
            Verdict::Transmit => Action::Transmit,
            Verdict::Redirect { .. } => Action::Redirect,
        }
    }

    /// Packets that were dropped for a reason so far, by direction.
    #[must_use]
    pub fn dropped(&self, way: Way, reason: DropReason) -> u64 {
        let counters = self.counters.borrow();
        let direction = match way {
            Way::Uplink => &counters.uplink,
            Way::Downlink => &counters.downlink,
        };
        direction.dropped[reason as usize]
    }

    /// What a level of a class has counted so far.
    #[must_use]
    pub fn level(&self, class: u16, level: u8) -> LevelCounters {
        let counters = self.counters.borrow();
        let metered = LevelCounters {
            uplink: counters.uplink.metered,
            downlink: counters.downlink.metered,
        };
        of_level(&self.levels.borrow(), &metered, class, level)
    }

    /// A slot's record.
    #[must_use]
    pub fn slot(&self, index: u32) -> abi::Slot {
        // SAFETY: no packet is being processed.
        unsafe { *self.slots[index as usize].get() }
    }

    /// A limit's record.
    #[must_use]
    pub fn limit(&self, index: u32) -> Limit {
        // SAFETY: no packet is being processed.
        unsafe { *self.limits[index as usize].get() }
    }

    /// A URR's record.
    #[must_use]
    pub fn usage(&self, index: u32) -> Usage {
        // SAFETY: no packet is being processed.
        unsafe { *self.usages[index as usize].get() }
    }

    /// The records of URRs.
    fn all_usages(&self) -> impl Iterator<Item = Usage> {
        // SAFETY: no packet is being processed.
        self.usages.iter().map(|usage| unsafe { *usage.get() })
    }

    fn all_limits(&self) -> Vec<Limit> {
        let indices = 0..self.limits.len() as u32;
        indices.map(|index| self.limit(index)).collect()
    }

    fn slot_counters(&self) -> Vec<(u32, bool, [u64; 4])> {
        let record = |slot: &u32| (*slot, self.slot(*slot));
        slot_counters(self.used.iter().map(record))
    }
}

/// The counters of every half that has counted anything.
pub(super) fn slot_counters(
    slots: impl Iterator<Item = (u32, abi::Slot)>,
) -> Vec<(u32, bool, [u64; 4])> {
    let halves = slots.flat_map(|(index, slot)| {
        let halves = [
            (true, slot.uplink.state, slot.tail.uplink),
            (false, slot.downlink.state, slot.tail.downlink),
        ];
        halves.map(|(is_uplink, state, drops)| {
            let counts = [state.packets, state.bytes, drops.packets, drops.bytes];
            (index, is_uplink, counts)
        })
    });
    halves.filter(|(_, _, counts)| *counts != [0; 4]).collect()
}

/// When the buckets of limits are full, uplink and downlink.
pub(super) fn full_at(limits: &[Limit]) -> Vec<[u64; 2]> {
    let directions = limits.iter().map(|limit| [limit.uplink, limit.downlink]);
    directions
        .map(|both| both.map(|direction| direction.full_at))
        .collect()
}

/// What limits have counted, and whether they have been charged, since their buckets were full at `before`.
pub(super) fn limit_outcomes(limits: &[Limit], before: &[[u64; 2]]) -> Vec<LimitOutcome> {
    let halves = (0..)
        .zip(limits)
        .zip(before)
        .flat_map(|((index, limit), before)| {
            [
                (true, limit.uplink, before[0]),
                (false, limit.downlink, before[1]),
            ]
            .map(|(is_uplink, limit, before)| LimitOutcome {
                index,
                is_uplink,
                is_touched: limit.full_at != before,
                marked: [limit.marked_packets, limit.marked_bytes],
                dropped: [limit.dropped_packets, limit.dropped_bytes],
            })
        });
    let is_quiet =
        |half: &LimitOutcome| !half.is_touched && half.marked == [0; 2] && half.dropped == [0; 2];
    halves.filter(|half| !is_quiet(half)).collect()
}

/// The same record without the times of packets.
pub(super) fn timeless(mut usage: Usage) -> Usage {
    usage.uplink.last_ns = 0;
    usage.downlink.last_ns = 0;
    usage
}

/// The counters of every level of a class that has counted anything.
pub(super) fn level_outcomes(levels: &[LevelCounters]) -> Vec<(u32, LevelCounters)> {
    let counted = |(_, counters): &(u32, LevelCounters)| *counters != LevelCounters::default();
    (0..).zip(levels.iter().copied()).filter(counted).collect()
}

impl LimitTables for HostTables {
    fn half(&self, slot: u32, way: Way) -> Option<Half> {
        let record = self.slots.get(slot as usize)?.get();
        // SAFETY: in bounds; the vector lives as long as `self`, and its records are shared through `Half` only.
        unsafe {
            let half = match way {
                Way::Uplink => &raw mut (*record).uplink,
                Way::Downlink => &raw mut (*record).downlink,
            };
            Some(Half::new(NonNull::new(half)?))
        }
    }

    fn limit(&self, index: u32, way: Way) -> Option<LimitHalf> {
        let record = self.limits.get(index as usize)?.get();
        // SAFETY: in bounds; the vector lives as long as `self`, and its records are shared through `LimitHalf` only.
        unsafe {
            let half = match way {
                Way::Uplink => &raw mut (*record).uplink,
                Way::Downlink => &raw mut (*record).downlink,
            };
            Some(LimitHalf::new(NonNull::new(half)?))
        }
    }

    fn count_level(&self, place: u32, load: Load, done: Done) {
        let counters = &mut self.levels.borrow_mut()[place as usize];
        let direction = match load.way() {
            Way::Uplink => &mut counters.uplink,
            Way::Downlink => &mut counters.downlink,
        };
        done.count(direction, load);
    }

    fn charge_limit(&self, at: u32, load: Load, now_ns: u64, manner: Manner) -> Charge {
        forward::charge_limit(self, at, load, now_ns, manner)
    }

    fn end_chain(&self, first: u32, load: Load, which: u32, end: End) {
        forward::end_chain(self, first, load, which, end);
    }
}

impl ChargeTables for HostTables {
    fn count_metered(&self, load: Load, outcome: tables::Outcome) {
        let mut counters = self.counters.borrow_mut();
        let metered = match load.way() {
            Way::Uplink => &mut counters.uplink.metered,
            Way::Downlink => &mut counters.downlink.metered,
        };
        outcome.count_metered(metered, load);
    }

    fn charge_rest(
        &self,
        meter_slot: u32,
        first: u32,
        load: Load,
        now_ns: u64,
        charged: Charged,
    ) -> tables::Outcome {
        forward::charge_rest(self, meter_slot, first, load, now_ns, charged)
    }
}

impl UsageTables for HostTables {
    fn slot_account(&self, slot: u32, load: Load) -> Option<Account> {
        let record = NonNull::new(self.slots.get(slot as usize)?.get())?;
        // SAFETY: in bounds; the vector lives as long as `self`, and counters are shared through views only.
        Some(unsafe { Account::of_slot(record, slot, load.half()) })
    }

    fn record_account(&self, record: u32, load: Load) -> Option<Account> {
        let usage = NonNull::new(self.usages.get(record as usize)?.get())?;
        // SAFETY: as above.
        Some(unsafe { Account::of_record(usage, record, load.way()) })
    }

    fn usage_set(&self, index: u32) -> Option<&UsageSet> {
        self.usage_sets.get(index as usize)
    }

    fn count_slot_drop(&self, slot: u32, load: Load) {
        let record = self.slots.get(slot as usize).map(UnsafeCell::get);
        if let Some(record) = record.and_then(NonNull::new) {
            // SAFETY: as above.
            unsafe { shared::count_slot_drop(record, load.half(), load.bytes()) };
        }
    }

    fn count_record_drop(&self, record: u32, load: Load) {
        let usage = self.usages.get(record as usize).map(UnsafeCell::get);
        if let Some(usage) = usage.and_then(NonNull::new) {
            // SAFETY: as above.
            unsafe { shared::count_record_drop(usage, load.way(), load.bytes()) };
        }
    }

    fn tell_usage(&self, event: UsageEvent) -> bool {
        self.usage_events.borrow_mut().push(event);
        true
    }
}

impl Tables for HostTables {
    fn port(&self, ifindex: u32) -> Option<&Port> {
        self.ports.iter().find(|port| port.ifindex == ifindex)
    }

    fn uplink_by_teid(&self, teid: [u8; 4]) -> Option<Half> {
        self.half(u32::from_be_bytes(teid) & SLOT_MASK, Way::Uplink)
    }

    fn slot_of_teid(&self, teid: [u8; 4]) -> Option<u32> {
        self.teids.get(&teid).copied()
    }

    fn slot_of_ue(&self, key: &UeKey) -> Option<u32> {
        self.ue_addresses.get(key).copied()
    }

    fn slot_of_pool_address(&self, port: &Port, version: Version, key: u64) -> Option<Option<u32>> {
        let family = if version == Version::V4 { 4 } else { 6 };
        let first = usize::from(port.first_pool);
        let pools = self
            .pools
            .get(first..first + usize::from(port.pool_count))?;
        let pool = pools.iter().find(|pool| {
            pool.family == family && (pool.first_key..=pool.last_key).contains(&key)
        })?;
        let block = pool.first_block as usize + ((key - pool.first_key) >> 8) as usize;
        let slot = *self.blocks.get(block)?;
        Some((slot != NO_SLOT).then_some(slot))
    }

    fn peer(&self, index: u32) -> Option<&Peer> {
        self.peers.get(index as usize)
    }

    fn list(&self, index: u32) -> Option<&RuleList> {
        self.lists.get(index as usize)
    }

    fn walk(&self, list: u32, flow: &Flow, qfi_bit: u64) -> u64 {
        matching::walk(|page| self.list(page), list, flow, qfi_bit)
    }

    fn instance_ifindex(&self, instance: u32) -> u32 {
        self.instances
            .get(instance as usize)
            .copied()
            .unwrap_or_default()
    }

    fn look_at_quotas(&self, slot: u32, set: u32, load: Load, list: u32) -> u64 {
        usage::look_at_quotas(self, slot, set, load, list)
    }

    fn count_usage(&self, slot: u32, set: u32, load: Load, now_ns: u64) {
        usage::count(self, slot, set, load, now_ns);
    }

    fn count_drop(&self, slot: u32, set: u32, load: Load, is_held_back: bool) {
        usage::count_drop(self, slot, set, load, is_held_back);
    }

    fn now_ns(&self) -> u64 {
        self.now_ns.get()
    }

    fn generation(&self) -> u32 {
        self.generation.get()
    }

    fn route(&self, index: u32) -> Option<NonNull<RouteEntry>> {
        NonNull::new(self.routes.get(index as usize)?.get())
    }

    fn look_up(&self, _: &RouteQuery, _: u32) -> RouteAnswer {
        self.questions.set(self.questions.get() + 1);
        self.answer.get()
    }

    fn want_neighbour(&self, ifindex: u32, next_hop: IpAddress) {
        self.wanted.borrow_mut().push((ifindex, next_hop.bytes()));
    }

    fn has_framed_routes(&self) -> bool {
        self.control_flags & control_flags::FRAMED_ROUTES != 0
    }

    fn network_slot(&self, instance: u32, address: IpAddress) -> u32 {
        let address = u128::from_be_bytes(address.bytes());
        let holds = |(bits, key, _): &&(u32, UeNetwork, u32)| {
            let mask = u128::MAX
                .checked_shl(network_bits(u128::BITS) - bits)
                .unwrap_or(0);
            key.instance == instance && address & mask == u128::from_be_bytes(key.address)
        };
        let longest = self
            .networks
            .iter()
            .filter(holds)
            .max_by_key(|(bits, ..)| *bits);
        longest.map_or(NO_SLOT, |(.., slot)| *slot)
    }

    fn sends_error_indications(&self) -> bool {
        self.control_flags & control_flags::ERROR_INDICATIONS != 0
    }

    fn copy(&self, packet: &impl Packet, duplicate: u32, offset: usize, length: u32) {
        if length as usize > MAX_COPY_BYTES {
            self.counters.borrow_mut().copies_lost += 1;
            return;
        }
        let bytes = (offset..offset + length as usize).map(|at| packet.view::<1>(at).unwrap()[0]);
        let copy = (duplicate, bytes.collect());
        self.copies.borrow_mut().push(copy);
    }

    fn may_punt(&self) -> bool {
        self.may_punt.get()
    }

    fn may_reply(&self) -> bool {
        self.may_reply.get()
    }

    fn count_received(&self, port: u8, bytes: usize) {
        let port = &mut self.counters.borrow_mut().ports[usize::from(port)];
        port.rx_packets += 1;
        port.rx_bytes += bytes as u64;
    }

    fn count_sent(&self, port: u8, bytes: usize) {
        let port = &mut self.counters.borrow_mut().ports[usize::from(port)];
        port.tx_packets += 1;
        port.tx_bytes += bytes as u64;
    }

    fn count_forwarded(&self, way: Way, bytes: u32) {
        let mut counters = self.counters.borrow_mut();
        let direction = match way {
            Way::Uplink => &mut counters.uplink,
            Way::Downlink => &mut counters.downlink,
        };
        direction.packets += 1;
        direction.bytes += u64::from(bytes);
    }

    fn count_dropped(&self, way: Way, reason: DropReason) {
        let mut counters = self.counters.borrow_mut();
        let direction = match way {
            Way::Uplink => &mut counters.uplink,
            Way::Downlink => &mut counters.downlink,
        };
        direction.dropped[reason as usize] += 1;
    }

    fn count_punted(&self, reason: PuntReason) {
        self.counters.borrow_mut().punted[reason as usize] += 1;
    }
}
