//! The maps. Their sizes are set when the agent loads the program; see [`upf_common::abi`] for the records.

use aya_ebpf::{
    Global,
    macros::map,
    maps::{Array, HashMap, LpmTrie, PerCpuArray, ProgramArray, RingBuf},
};
use upf_common::abi::{
    Control, Counters, LEVEL_ENTRIES, LevelCounters, Limit, MAX_POOLS, PORT_BUCKETS, Peer, Pool,
    Port, RouteEntry, RuleList, Slot, UeKey, UeNetwork, Usage, UsageSet,
    maps::{
        COPY_BYTES, EVENT_BYTES, KNOWN_FLOWS as KNOWN_FLOW_ENTRIES, MAX_INSTANCES, MMAPABLE,
        NO_PREALLOC, ROUTE_ENTRIES, USAGE_EVENT_BYTES,
    },
};
use upf_common::matching::{
    Flow,
    known::{KnownFlow, Question},
};

/// Masks the slot's number out of a TEID that we allocated.
#[unsafe(no_mangle)]
pub(crate) static SLOT_MASK: Global<u32> = Global::new(0);
/// Nanoseconds of one jiffy: the kernel's tick.
#[unsafe(no_mangle)]
pub(crate) static NS_PER_JIFFY: Global<u64> = Global::new(1_000_000);

#[map]
pub(crate) static SLOTS: Array<Slot> = Array::with_max_entries(1, MMAPABLE);
/// The first slot of each address block.
#[map]
pub(crate) static BLOCKS: Array<u32> = Array::with_max_entries(1, MMAPABLE);
#[map]
pub(crate) static POOLS: Array<Pool> = Array::with_max_entries(MAX_POOLS, 0);
#[map]
pub(crate) static PORTS: Array<Port> = Array::with_max_entries(PORT_BUCKETS, 0);
/// The ifindex of each network instance's device.
#[map]
pub(crate) static INSTANCES: Array<u32> = Array::with_max_entries(MAX_INSTANCES, 0);
#[map]
pub(crate) static PEERS: Array<Peer> = Array::with_max_entries(1, MMAPABLE);
#[map]
pub(crate) static LISTS: Array<RuleList> = Array::with_max_entries(1, MMAPABLE);
/// Limits beside those of slots.
#[map]
pub(crate) static LIMITS: Array<Limit> = Array::with_max_entries(1, MMAPABLE);
/// What each level of each speed class has done.
#[map]
pub(crate) static LEVELS: PerCpuArray<LevelCounters> =
    PerCpuArray::with_max_entries(LEVEL_ENTRIES, 0);
/// Counters of URRs beside those of slots.
#[map]
pub(crate) static USAGES: Array<Usage> = Array::with_max_entries(1, MMAPABLE);
/// Which of them packets are counted in.
#[map]
pub(crate) static USAGE_SETS: Array<UsageSet> = Array::with_max_entries(1, MMAPABLE);
#[map]
pub(crate) static CONTROL: Array<Control> = Array::with_max_entries(1, MMAPABLE);
/// Slots of TEIDs that the control plane chose.
#[map]
pub(crate) static TEIDS: HashMap<[u8; 4], u32> = HashMap::with_max_entries(1, NO_PREALLOC);
/// Slots of UE addresses that no block covers.
#[map]
pub(crate) static UE_ADDRESSES: HashMap<UeKey, u32> = HashMap::with_max_entries(1, NO_PREALLOC);
/// Slots of networks behind UEs.
#[map]
pub(crate) static UE_NETWORKS: LpmTrie<UeNetwork, u32> = LpmTrie::with_max_entries(1, NO_PREALLOC);
/// Programs that take on what the main one has begun; see `main`.
#[map]
pub(crate) static ROADS: ProgramArray = ProgramArray::with_max_entries(1, 0);
/// The device that a packet between UEs would have left by, from the main program to the one that takes it on.
#[map]
pub(crate) static HAIRPIN_VIA: PerCpuArray<u32> = PerCpuArray::with_max_entries(1, 0);
/// What filters look at in the packet that a CPU is at, for `walk`.
#[map]
pub(crate) static FLOW: PerCpuArray<Flow> = PerCpuArray::with_max_entries(1, 0);
/// What `walk` asks for it, in words.
#[map]
pub(crate) static QUESTION: PerCpuArray<Question> = PerCpuArray::with_max_entries(1, 0);
/// Where flows have come to in lists.
#[map]
pub(crate) static KNOWN_FLOWS: PerCpuArray<KnownFlow> =
    PerCpuArray::with_max_entries(KNOWN_FLOW_ENTRIES, 0);
#[map]
pub(crate) static ROUTES: PerCpuArray<RouteEntry> = PerCpuArray::with_max_entries(ROUTE_ENTRIES, 0);
#[map]
pub(crate) static COUNTERS: PerCpuArray<Counters> = PerCpuArray::with_max_entries(1, 0);
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(EVENT_BYTES, 0);
/// Thresholds that are reached, and quotas that are used up.
#[map]
pub(crate) static USAGE_EVENTS: RingBuf = RingBuf::with_byte_size(USAGE_EVENT_BYTES, 0);
/// Copies of packets for the agent.
#[map]
pub(crate) static COPIES: RingBuf = RingBuf::with_byte_size(COPY_BYTES, 0);
