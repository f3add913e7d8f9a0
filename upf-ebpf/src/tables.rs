//! Maps, clock and routing tables, as the packet logic asks for them.

use core::ptr::NonNull;

use aya_ebpf::{
    EbpfContext as _,
    bindings::{BPF_FIB_LKUP_RET_NO_NEIGH, BPF_FIB_LKUP_RET_SUCCESS, bpf_fib_lookup as FibLookup},
    helpers::{bpf_fib_lookup, bpf_jiffies64, generated::bpf_xdp_load_bytes},
    maps::{PerCpuArray, lpm_trie::Key},
    programs::XdpContext,
};
use aya_log_ebpf::debug;
use upf_common::{
    abi::{
        Control, Counters, DirectionCounters, EVENT_NEIGHBOUR_WANTED, Event, MAX_COPY_BYTES,
        MAX_POOLS, MAX_PORTS, NO_SLOT, PORT_BUCKETS, PORT_PROBES, PacketCopy, Peer, Port,
        PortCounters, RouteEntry, RuleList, UeKey, UeNetwork, control_flags, network_bits,
    },
    drop_reason::{DropReason, PuntReason},
    forward::tables::{Half, LimitTables, Load, RouteAnswer, RouteQuery, Tables, Way},
    matching::{self, Flow, NO_ENTRY, known::UNKNOWN},
    meter::{self, Bucket as _, Rate},
    shared::{Word, barrier},
    wire::{IpAddress, Packet, Version},
};

use crate::maps::{
    BLOCKS, CONTROL, COPIES, COUNTERS, EVENTS, FLOW, INSTANCES, KNOWN_FLOWS, LISTS, NS_PER_JIFFY,
    PEERS, POOLS, PORTS, QUESTION, ROUTES, SLOT_MASK, TEIDS, UE_ADDRESSES, UE_NETWORKS,
};
use crate::usage;
use crate::verifier::unknown;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// A length that makes the kernel tell the MTU without complaining about it.
const ANY_LENGTH: u16 = 1;
/// What the agent is bothered with: 1,000 packets a second, 100 at once.
const PUNT_RATE: Rate = Rate {
    ticks_per_byte: 1_000_000 << 22,
    depth: 100_000_000 << 10,
};

/// The kernel's maps, for one run.
pub(crate) struct KernelTables<'a> {
    context: &'a XdpContext,
    counters: Option<NonNull<Counters>>,
}

impl<'a> KernelTables<'a> {
    #[inline(always)]
    pub(crate) fn new(context: &'a XdpContext) -> Self {
        Self {
            context,
            counters: COUNTERS.get_ptr_mut(0).and_then(NonNull::new),
        }
    }

    /// The run begins. An atomic operation, because nothing that comes behind it may come before: whoever changes rules and sees
    /// this run not begun is seen by it.
    #[inline(always)]
    pub(crate) fn begin(&self) {
        self.count(|counters| {
            // SAFETY: a word of the record, which nobody writes meanwhile.
            unsafe { Word::new(NonNull::from(&mut counters.begun)) }.add(1);
        });
    }

    /// The run ends: it has counted all that it counts.
    #[inline(always)]
    pub(crate) fn end(&self) {
        barrier();
        self.count(|counters| {
            // SAFETY: as above.
            let ended = unsafe { Word::new(NonNull::from(&mut counters.ended)) };
            ended.store(ended.load().wrapping_add(1));
        });
    }

    /// Counts in this CPU's own record.
    #[inline(always)]
    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        if let Some(mut counters) = self.counters {
            // SAFETY: the record is this CPU's own, and runs of the program do not nest on a CPU.
            change(unsafe { counters.as_mut() });
        }
    }

    #[inline(always)]
    fn control(&self) -> Option<NonNull<Control>> {
        CONTROL.get_ptr_mut(0).and_then(NonNull::new)
    }

    /// `full_at` is a word of [`Control`].
    #[inline(always)]
    fn is_below_punt_rate(&self, full_at: *mut u64) -> bool {
        NonNull::new(full_at).is_some_and(|full_at| {
            // SAFETY: map values outlive the run; the word is changed by atomic operations only.
            let bucket = unsafe { Word::new(full_at) };
            meter::pass(&bucket, meter::ticks(self.now_ns()), 1, PUNT_RATE)
        })
    }

    #[inline(always)]
    fn has_flag(&self, flag: u32) -> bool {
        self.control().is_some_and(|control| {
            // SAFETY: map values outlive the run; a single load of what the agent stores at once.
            let flags = unsafe { (&raw const (*control.as_ptr()).flags).read_volatile() };
            flags & flag != 0
        })
    }
}

/// A key of `UE_NETWORKS` in words, which the verifier wants to be written aligned.
#[repr(C)]
struct NetworkKey {
    bits: u32,
    instance: u32,
    address: [u64; 2],
}

/// What is known of the way of the packet that this CPU is at through a chain of rules. A global function, which the verifier
/// goes through once and not once for every way in which a packet comes to it: therefore numbers are all that goes in and out.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn recall(list: u32, qfi_bit: u64) -> u64 {
    let (Some(flow), Some(mut question)) = (FLOW.get(0), this_cpu_s(&QUESTION, 0)) else {
        return UNKNOWN;
    };
    // SAFETY: the record is this CPU's own, and runs of the program do not nest on a CPU.
    let question = unsafe { question.as_mut() };
    question.ask(list, qfi_bit, flow);
    let known = KNOWN_FLOWS.get(question.index());
    known.map_or(UNKNOWN, |known| known.answer(question, now_ns()))
}

/// Walks the chain, and remembers the answer to what [`recall`] did not know. A global function as well.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn walk(list: u32, qfi_bit: u64) -> u64 {
    let Some(flow) = FLOW.get(0) else {
        return NO_ENTRY;
    };
    let place = matching::walk(|page| LISTS.get(page), list, flow, qfi_bit);
    if let Some(question) = QUESTION.get(0)
        && let Some(mut known) = this_cpu_s(&KNOWN_FLOWS, question.index())
    {
        // SAFETY: as in `recall`.
        unsafe { known.as_mut() }.remember(question, place, now_ns());
    }
    place
}

#[inline(always)]
fn this_cpu_s<T>(map: &PerCpuArray<T>, index: u32) -> Option<NonNull<T>> {
    map.get_ptr_mut(index).and_then(NonNull::new)
}

/// A clock of the kernel's ticks.
#[inline(always)]
fn now_ns() -> u64 {
    // SAFETY: a helper without arguments.
    let jiffies = unsafe { bpf_jiffies64() };
    jiffies.wrapping_mul(NS_PER_JIFFY.load())
}

/// A global function as [`walk`] is: the verifier goes through a log record once for each length that it may have.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn log_no_way_out(outcome: u64) -> u64 {
    debug!((), "no way out: bpf_fib_lookup says {}", outcome);
    0
}

/// As [`log_no_way_out`].
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn log_unknown_next_hop(ifindex: u32) -> u64 {
    debug!((), "next hop unknown on device {}", ifindex);
    0
}

/// Lost when the agent is behind, and counted then. A function of its own: it is seldom needed.
#[inline(never)]
fn copy(context: &XdpContext, duplicate: u32, offset: u32, length: u32) {
    if submit_copy(context, duplicate, offset, length).is_none() {
        KernelTables::new(context).count(|counters| counters.copies_lost += 1);
    }
}

#[inline(always)]
fn submit_copy(context: &XdpContext, duplicate: u32, offset: u32, length: u32) -> Option<()> {
    if length == 0 || length as usize > MAX_COPY_BYTES {
        return None;
    }
    let mut entry = COPIES.reserve::<PacketCopy>(0)?;
    let record = entry.as_mut_ptr();
    // SAFETY: the record is ours until it is submitted, and the helper writes `length` bytes, which there is room for.
    let outcome = unsafe {
        (&raw mut (*record).duplicate).write(duplicate);
        (&raw mut (*record).length).write(length);
        bpf_xdp_load_bytes(
            context.as_ptr().cast(),
            offset,
            (&raw mut (*record).bytes).cast(),
            length,
        )
    };
    if outcome != 0 {
        entry.discard(0);
        return None;
    }
    entry.submit(0);
    Some(())
}

impl Tables for KernelTables<'_> {
    #[inline(always)]
    fn port(&self, ifindex: u32) -> Option<&Port> {
        for probe in 0..PORT_PROBES {
            let port = PORTS.get(ifindex.wrapping_add(probe) % PORT_BUCKETS)?;
            if port.ifindex == ifindex {
                return Some(port);
            }
        }
        None
    }

    #[inline(always)]
    fn uplink_by_teid(&self, teid: [u8; 4]) -> Option<Half> {
        self.half(u32::from_be_bytes(teid) & SLOT_MASK.load(), Way::Uplink)
    }

    #[inline(always)]
    fn slot_of_teid(&self, teid: [u8; 4]) -> Option<u32> {
        // SAFETY: the value is copied at once. The kernel may give its memory to another key meanwhile; the slot
        // that is read then does not have this TEID or address, which is checked.
        unsafe { TEIDS.get(&teid) }.copied()
    }

    #[inline(always)]
    fn slot_of_ue(&self, key: &UeKey) -> Option<u32> {
        // SAFETY: as above.
        unsafe { UE_ADDRESSES.get(key) }.copied()
    }

    #[inline(always)]
    fn has_framed_routes(&self) -> bool {
        self.has_flag(control_flags::FRAMED_ROUTES)
    }

    /// A function of its own for the sake of the stack.
    #[inline(never)]
    fn network_slot(&self, instance: u32, address: IpAddress) -> u32 {
        let key = NetworkKey {
            bits: network_bits(u128::BITS),
            instance,
            address: address.words(),
        };
        // SAFETY: the same bytes, only aligned.
        let key = unsafe { &*(&raw const key).cast::<Key<UeNetwork>>() };
        UE_NETWORKS.get(key).copied().unwrap_or(NO_SLOT)
    }

    #[inline(always)]
    fn slot_of_pool_address(&self, port: &Port, version: Version, key: u64) -> Option<Option<u32>> {
        let family = match version {
            Version::V4 => 4,
            Version::V6 => 6,
        };
        for index in 0..MAX_POOLS {
            if index >= u32::from(port.pool_count) {
                return None;
            }
            let pool = POOLS.get(u32::from(port.first_pool) + index)?;
            if pool.family == family && pool.first_key <= key && key <= pool.last_key {
                let block = pool.first_block + ((key - pool.first_key) >> 8) as u32;
                let first = *BLOCKS.get(block)?;
                return Some((first != NO_SLOT).then_some(first));
            }
        }
        None
    }

    #[inline(always)]
    fn peer(&self, index: u32) -> Option<&Peer> {
        PEERS.get(index)
    }

    #[inline(always)]
    fn list(&self, index: u32) -> Option<&RuleList> {
        LISTS.get(index)
    }

    #[inline(always)]
    fn walk(&self, list: u32, flow: &Flow, qfi_bit: u64) -> u64 {
        let Some(place) = FLOW.get_ptr_mut(0) else {
            return NO_ENTRY;
        };
        // SAFETY: the record is this CPU's own, and runs of the program do not nest on a CPU.
        unsafe { *place = *flow };
        match recall(list, qfi_bit) {
            UNKNOWN => walk(list, qfi_bit),
            place => place,
        }
    }

    #[inline(always)]
    fn instance_ifindex(&self, instance: u32) -> u32 {
        INSTANCES.get(instance).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn look_at_quotas(&self, slot: u32, set: u32, load: Load, list: u32) -> u64 {
        usage::look_at_quotas(slot, set, load.word(), list)
    }

    #[inline(always)]
    fn count_usage(&self, slot: u32, set: u32, load: Load, now_ns: u64) {
        usage::count_usage(slot, set, load.word(), now_ns);
    }

    #[inline(always)]
    fn count_drop(&self, slot: u32, set: u32, load: Load, is_held_back: bool) {
        usage::count_drop(slot, set, load.word(), is_held_back.into());
    }

    #[inline(always)]
    fn now_ns(&self) -> u64 {
        now_ns()
    }

    #[inline(always)]
    fn generation(&self) -> u32 {
        self.control().map_or(0, |control| {
            // SAFETY: map values outlive the run; a single load of what the agent stores at once.
            unsafe { (&raw const (*control.as_ptr()).generation).read_volatile() }
        })
    }

    #[inline(always)]
    fn route(&self, index: u32) -> Option<NonNull<RouteEntry>> {
        NonNull::new(ROUTES.get_ptr_mut(index)?)
    }

    #[inline(always)]
    fn look_up(&self, query: &RouteQuery, from_ifindex: u32) -> RouteAnswer {
        let mut parameters = fib_parameters(query, from_ifindex);
        // SAFETY: the parameters are the helper's own type and size, on this stack.
        let outcome = unsafe {
            bpf_fib_lookup(
                self.context.as_ptr(),
                &raw mut parameters,
                size_of::<FibLookup>() as i32,
                0,
            )
        };
        let ifindex = parameters.ifindex;
        match outcome as u32 {
            BPF_FIB_LKUP_RET_SUCCESS => RouteAnswer::Found {
                ifindex,
                // SAFETY: the helper has left the MTU there; every bit pattern is a number.
                mtu: unsafe { parameters.__bindgen_anon_1.mtu_result },
                destination_mac: mac(&parameters.dmac),
                source_mac: mac(&parameters.smac),
            },
            BPF_FIB_LKUP_RET_NO_NEIGH => RouteAnswer::NoNeighbour {
                ifindex,
                next_hop: next_hop(&parameters),
            },
            _ => {
                log_no_way_out(outcome as u64);
                RouteAnswer::NoRoute
            }
        }
    }

    #[inline(always)]
    fn want_neighbour(&self, ifindex: u32, next_hop: IpAddress) {
        log_unknown_next_hop(ifindex);
        // Lost when the agent is behind: the next packet asks again.
        if let Some(mut entry) = EVENTS.reserve::<Event>(0) {
            entry.write(Event {
                kind: EVENT_NEIGHBOUR_WANTED,
                ifindex,
                address: next_hop.bytes(),
            });
            entry.submit(0);
        }
    }

    #[inline(always)]
    fn sends_error_indications(&self) -> bool {
        self.has_flag(control_flags::ERROR_INDICATIONS)
    }

    #[inline(always)]
    fn copy(&self, _: &impl Packet, duplicate: u32, offset: usize, length: u32) {
        copy(self.context, duplicate, offset as u32, length);
    }

    #[inline(always)]
    fn may_punt(&self) -> bool {
        self.control().is_some_and(|control| {
            // SAFETY: projects within the record.
            self.is_below_punt_rate(unsafe { &raw mut (*control.as_ptr()).punt_full_at })
        })
    }

    #[inline(always)]
    fn may_reply(&self) -> bool {
        self.control().is_some_and(|control| {
            // SAFETY: projects within the record.
            self.is_below_punt_rate(unsafe { &raw mut (*control.as_ptr()).reply_full_at })
        })
    }

    #[inline(always)]
    fn count_received(&self, port: u8, bytes: usize) {
        self.count(|counters| {
            if let Some(port) = port_counters(counters, port) {
                port.rx_packets += 1;
                port.rx_bytes += bytes as u64;
            }
        });
    }

    #[inline(always)]
    fn count_sent(&self, port: u8, bytes: usize) {
        self.count(|counters| {
            if let Some(port) = port_counters(counters, port) {
                port.tx_packets += 1;
                port.tx_bytes += bytes as u64;
            }
        });
    }

    #[inline(always)]
    fn count_forwarded(&self, way: Way, bytes: u32) {
        self.count(|counters| {
            let direction = direction_counters(counters, way);
            direction.packets += 1;
            direction.bytes += u64::from(bytes);
        });
    }

    #[inline(always)]
    fn count_dropped(&self, way: Way, reason: DropReason) {
        self.count(|counters| {
            let dropped = &mut direction_counters(counters, way).dropped;
            // The compiler knows that there is such a reason, the verifier does not.
            if let Some(count) = dropped.get_mut(unknown(reason as usize)) {
                *count += 1;
            }
        });
    }

    #[inline(always)]
    fn count_punted(&self, reason: PuntReason) {
        self.count(|counters| {
            if let Some(count) = counters.punted.get_mut(unknown(reason as usize)) {
                *count += 1;
            }
        });
    }
}

#[inline(always)]
pub(crate) fn direction_counters(counters: &mut Counters, way: Way) -> &mut DirectionCounters {
    match way {
        Way::Uplink => &mut counters.uplink,
        Way::Downlink => &mut counters.downlink,
    }
}

#[inline(always)]
fn port_counters(counters: &mut Counters, port: u8) -> Option<&mut PortCounters> {
    counters.ports.get_mut(usize::from(port) % MAX_PORTS)
}

#[inline(always)]
fn fib_parameters(query: &RouteQuery, from_ifindex: u32) -> FibLookup {
    // SAFETY: plain integers, for which zero is valid.
    let mut parameters: FibLookup = unsafe { core::mem::zeroed() };
    parameters.ifindex = from_ifindex;
    parameters.__bindgen_anon_1.tot_len = ANY_LENGTH;
    match query.version {
        Version::V4 => {
            parameters.family = AF_INET;
            parameters.__bindgen_anon_3.ipv4_src = u32::from_ne_bytes(query.source.v4());
            parameters.__bindgen_anon_4.ipv4_dst = u32::from_ne_bytes(query.destination.v4());
        }
        Version::V6 => {
            parameters.family = AF_INET6;
            parameters.__bindgen_anon_3.ipv6_src = words(query.source);
            parameters.__bindgen_anon_4.ipv6_dst = words(query.destination);
        }
    }
    parameters
}

/// In words of two bytes: the verifier wants accesses to the stack aligned, and this is how far these are.
#[inline(always)]
fn mac(bytes: &[u8; 6]) -> [u8; 6] {
    let words = bytes.as_ptr().cast::<u16>();
    // SAFETY: three words are six bytes, and both addresses in the helper's record are even.
    let word = |index| unsafe { words.add(index).read_volatile() }.to_ne_bytes();
    let ([a, b], [c, d], [e, f]) = (word(0), word(1), word(2));
    [a, b, c, d, e, f]
}

/// The helper puts the next hop where the destination was; its family may be another (RFC 8950).
#[inline(always)]
fn next_hop(parameters: &FibLookup) -> IpAddress {
    // SAFETY: plain integers, of which the family says which ones are meant.
    unsafe {
        if parameters.family == AF_INET {
            IpAddress::from_v4(parameters.__bindgen_anon_4.ipv4_dst.to_ne_bytes())
        } else {
            let words = parameters.__bindgen_anon_4.ipv6_dst;
            let half = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
            IpAddress::from_words([half(words[0], words[1]), half(words[2], words[3])])
        }
    }
}

/// In memory order, which is little-endian for the words of this target.
#[inline(always)]
fn words(address: IpAddress) -> [u32; 4] {
    let [high, low] = address.words();
    [
        high as u32,
        (high >> 32) as u32,
        low as u32,
        (low >> 32) as u32,
    ]
}
