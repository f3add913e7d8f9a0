//! Program and maps into the kernel.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aya::maps::lpm_trie::LpmTrie;
use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray, ProgramArray, RingBuf};
use aya::programs::{ProgramError, Xdp};
use aya::util::KernelVersion;
use aya::{Ebpf, EbpfError, EbpfLoader};
use aya_log::EbpfLogger;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::time::{ClockId, clock_getres};
use tracing::level_filters::LevelFilter;
use tracing::{debug, info};
use upf_common::abi::{MAX_POOLS, Plain, Slot};

use super::Sizes;
use super::accounts::AccountTables;
use super::control::ControlTable;
use super::counters::CounterTable;
use super::former;
use super::mmap::MappedArray;
use super::object::OBJECT;
use super::pins::{Pins, PinsError};
use super::ports::{Placement, PortTable};
use super::runs::Runs;
use super::tables::{BpfDatapath, UeNetworks};
use crate::datapath::slots::index_bits;
use crate::datapath::{DatapathError, FormerMaps, MapsId};

/// Name of the XDP program in the object.
const PROGRAM: &str = "upf";
/// Name of the one that takes on packets between UEs, and its place in `ROADS`.
const HAIRPIN: (&str, u32) = ("upf_hairpin", 0);
/// Lines of the verifier's log that an error shows.
const VERIFIER_LINES: usize = 12;
/// Name of its pin.
const PROGRAM_PIN: &str = "program";

/// Why there is no data path.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The binary was built without the object.
    #[error("this binary has no eBPF program inside; build it with `cargo xtask build`")]
    NoObject,
    /// The kernel does not let us.
    #[error("loading the XDP program needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON")]
    NotAllowed,
    /// The object or its maps were not accepted.
    #[error("the eBPF object cannot be loaded")]
    Object(#[source] EbpfError),
    /// The kernel did not accept the program.
    #[error("the kernel refuses the XDP program; the verifier's last words:\n{last_words}")]
    Program {
        /// The end of the verifier's log; the whole is logged at debug level.
        last_words: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The program could not be handed to the kernel.
    #[error("the XDP program cannot be loaded")]
    NotLoaded(#[source] ProgramError),
    /// There are no file descriptors left.
    #[error("the handle of the XDP program cannot be doubled")]
    Clone(#[source] io::Error),
    /// The kernel does not tell its tick.
    #[error("the kernel does not tell its tick")]
    Clock(#[source] io::Error),
    /// The object is not of our sources.
    #[error(
        "the eBPF object has no {what} as this agent knows it; build both with `cargo xtask build`"
    )]
    Mismatch {
        /// A map or program.
        what: &'static str,
    },
    /// A map cannot be used.
    #[error("map {table}")]
    Map {
        /// Its name.
        table: &'static str,
        /// What went wrong.
        source: MapError,
    },
    /// A map cannot be brought into our memory.
    #[error("map {table} cannot be mapped into memory")]
    Memory {
        /// Its name.
        table: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A first entry cannot be written.
    #[error(transparent)]
    Table(#[from] DatapathError),
    /// Pins cannot be made.
    #[error(transparent)]
    Pins(#[from] PinsError),
}

/// Log records of the fast path on their way into our log.
pub type FastPathLogger = EbpfLogger<&'static dyn log::Log>;

/// A loaded data path, attached to nothing yet.
pub struct Loaded {
    /// The tables of sessions.
    pub datapath: BpfDatapath,
    /// The program.
    pub program: Program,
    /// Devices, pools, network instances.
    pub ports: PortTable,
    /// What voids remembered next hops.
    pub control: Arc<ControlTable>,
    /// Figures that are not one SIM's.
    pub counters: CounterTable,
    /// [`upf_common::abi::Event`] records from the fast path.
    pub events: RingBuf<MapData>,
    /// [`upf_common::abi::PacketCopy`] records from the fast path.
    pub copies: RingBuf<MapData>,
    /// [`upf_common::abi::UsageEvent`] records from the fast path.
    pub usage_events: RingBuf<MapData>,
    /// Log records from the fast path; `None` where the object logs nothing.
    pub logger: Option<FastPathLogger>,
    /// Which maps these are.
    pub maps: MapsId,
    /// What agents before us have counted in, which is still pinned.
    pub former: Vec<FormerMaps<AccountTables>>,
    /// The directory of pins, where one was named.
    pub pins: Option<Pins>,
}

/// The XDP program in the kernel.
pub struct Program {
    ebpf: Ebpf,
}

impl Program {
    /// The program, for attaching and for test runs.
    ///
    /// # Errors
    /// Never after [`load`] has succeeded.
    pub fn xdp(&mut self) -> Result<&mut Xdp, LoadError> {
        xdp(&mut self.ebpf, PROGRAM)
    }
}

/// Loads the program with maps of these sizes. With `pins`, both take the place of those of an agent before
/// us under that directory, whose data path goes on until devices are attached.
///
/// # Errors
/// [`LoadError`]; nothing of ours is left in the kernel then.
pub fn load(sizes: &Sizes, pins: Option<&Path>) -> Result<Loaded, LoadError> {
    if OBJECT.is_empty() {
        return Err(LoadError::NoObject);
    }
    let pins = pins.map(Pins::open).transpose()?;
    let former = pins.as_ref().map(former::open).transpose()?;
    match load_object(sizes, pins.as_ref()) {
        Ok(loaded) => Ok(Loaded {
            pins,
            former: former.unwrap_or_default(),
            ..loaded
        }),
        Err(error) => {
            if let Some(pins) = pins {
                pins.abandon();
            }
            Err(if is_not_allowed(&error) {
                LoadError::NotAllowed
            } else {
                error
            })
        }
    }
}

fn load_object(sizes: &Sizes, pins: Option<&Pins>) -> Result<Loaded, LoadError> {
    raise_memory_lock();
    let mut ebpf = create(sizes)?;
    load_program(&mut ebpf, HAIRPIN.0)?;
    load_program(&mut ebpf, PROGRAM)?;
    lay_roads(&mut ebpf)?;
    if let Some(pins) = pins {
        pin(&mut ebpf, pins)?;
    }
    let control = take(&mut ebpf, "CONTROL")?;
    let control =
        ControlTable::new(fd(&control, "CONTROL")?).map_err(|source| LoadError::Memory {
            table: "CONTROL",
            source,
        })?;
    let control = Arc::new(control);
    let maps = match ebpf.map("SLOTS") {
        Some(Map::Array(slots)) => MapsId(former::number_of(slots)?),
        _ => return Err(LoadError::Mismatch { what: "SLOTS" }),
    };
    let datapath = BpfDatapath {
        sizes: *sizes,
        accounts: AccountTables {
            slots: mapped(&mut ebpf, "SLOTS", sizes.slots)?,
            usages: mapped(&mut ebpf, "USAGES", sizes.usages.max(1))?,
        },
        runs: Runs::new(once_more(&ebpf, "COUNTERS", PerCpuArray::try_from)?),
        blocks: mapped(&mut ebpf, "BLOCKS", sizes.blocks.max(1))?,
        peers: mapped(&mut ebpf, "PEERS", sizes.peers)?,
        lists: mapped(&mut ebpf, "LISTS", sizes.lists)?,
        limits: mapped(&mut ebpf, "LIMITS", sizes.limits.max(1))?,
        usage_sets: mapped(&mut ebpf, "USAGE_SETS", sizes.usages.max(1))?,
        teids: typed(&mut ebpf, "TEIDS", HashMap::try_from)?,
        ue_addresses: typed(&mut ebpf, "UE_ADDRESSES", HashMap::try_from)?,
        networks: UeNetworks {
            trie: typed(&mut ebpf, "UE_NETWORKS", LpmTrie::try_from)?,
            control: Arc::clone(&control),
            framed: BTreeSet::new(),
            pools: BTreeSet::new(),
        },
        end_markers: None,
    };
    datapath.empty_blocks();
    datapath.empty_limits();
    let ports = PortTable {
        ports: typed(&mut ebpf, "PORTS", Array::try_from)?,
        pools: typed(&mut ebpf, "POOLS", Array::try_from)?,
        instances: typed(&mut ebpf, "INSTANCES", Array::try_from)?,
        placement: Placement::new(),
    };
    let counters = typed(&mut ebpf, "COUNTERS", PerCpuArray::try_from)?;
    let levels = typed(&mut ebpf, "LEVELS", PerCpuArray::try_from)?;
    let events = typed(&mut ebpf, "EVENTS", RingBuf::try_from)?;
    let copies = typed(&mut ebpf, "COPIES", RingBuf::try_from)?;
    let usage_events = typed(&mut ebpf, "USAGE_EVENTS", RingBuf::try_from)?;
    let logger = EbpfLogger::init(&mut ebpf)
        .inspect_err(|error| debug!(%error, "the fast path logs nothing"))
        .ok();
    tell_price(sizes);
    Ok(Loaded {
        datapath,
        program: Program { ebpf },
        ports,
        control,
        counters: CounterTable::new(counters, levels),
        events,
        copies,
        usage_events,
        logger,
        maps,
        former: Vec::new(),
        pins: None,
    })
}

fn create(sizes: &Sizes) -> Result<Ebpf, LoadError> {
    let tick_ns = tick_ns()?;
    // Of 24 bits at most, see `config::MAX_SESSIONS`.
    let slot_mask = (1_u32 << index_bits(sizes.slots)) - 1;
    EbpfLoader::new()
        .map_max_entries("SLOTS", sizes.slots)
        .map_max_entries("BLOCKS", sizes.blocks.max(1))
        .map_max_entries("PEERS", sizes.peers)
        .map_max_entries("LISTS", sizes.lists)
        .map_max_entries("LIMITS", sizes.limits.max(1))
        .map_max_entries("USAGES", sizes.usages.max(1))
        .map_max_entries("USAGE_SETS", sizes.usages.max(1))
        .map_max_entries("TEIDS", sizes.slots)
        .map_max_entries("UE_ADDRESSES", sizes.slots)
        .map_max_entries("UE_NETWORKS", sizes.slots.saturating_add(MAX_POOLS))
        .override_global("SLOT_MASK", &slot_mask, true)
        .override_global("NS_PER_JIFFY", &tick_ns, true)
        .override_global(aya_log::LEVEL, &log_level(), false)
        .load(OBJECT)
        .map_err(LoadError::Object)
}

fn xdp<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp, LoadError> {
    let program = ebpf.program_mut(name);
    program
        .and_then(|program| program.try_into().ok())
        .ok_or(LoadError::Mismatch {
            what: "XDP program",
        })
}

/// Says which programs the main one may hand packets to.
fn lay_roads(ebpf: &mut Ebpf) -> Result<(), LoadError> {
    let (name, index) = HAIRPIN;
    let program = xdp(ebpf, name)?.fd().map_err(LoadError::NotLoaded)?;
    let program = program.try_clone().map_err(LoadError::Clone)?;
    // The map stays where it is: the kernel empties it when nobody holds or has pinned it.
    let table = "ROADS";
    let map = ebpf.map_mut(table);
    let map = map.ok_or(LoadError::Mismatch { what: table })?;
    let failed = |source| LoadError::Map { table, source };
    let mut roads = ProgramArray::try_from(map).map_err(failed)?;
    roads.set(index, &program, 0).map_err(failed)
}

fn load_program(ebpf: &mut Ebpf, name: &str) -> Result<(), LoadError> {
    xdp(ebpf, name)?.load().map_err(|error| match error {
        ProgramError::LoadError {
            io_error,
            verifier_log,
        } => {
            let log = verifier_log.to_string();
            debug!("verifier:\n{log}");
            let lines: Vec<_> = log.lines().collect();
            let last = lines.len().saturating_sub(VERIFIER_LINES);
            LoadError::Program {
                last_words: lines[last..].join("\n"),
                source: io_error,
            }
        }
        other => LoadError::NotLoaded(other),
    })
}

fn pin(ebpf: &mut Ebpf, pins: &Pins) -> Result<(), LoadError> {
    pins.remove_objects()?;
    // The compiler's own maps have dots in their names, which the BPF file system refuses.
    for (name, map) in ebpf.maps().filter(|(name, _)| !name.contains('.')) {
        let path = pins.path(name);
        map.pin(&path)
            .map_err(|source| PinsError::Pin { path, source })?;
    }
    if let Some(program) = ebpf.program_mut(PROGRAM) {
        let path = pins.path(PROGRAM_PIN);
        program
            .pin(&path)
            .map_err(|source| PinsError::Pin { path, source })?;
    }
    Ok(())
}

fn take(ebpf: &mut Ebpf, table: &'static str) -> Result<Map, LoadError> {
    ebpf.take_map(table)
        .ok_or(LoadError::Mismatch { what: table })
}

/// The same map once more, for somebody else.
fn once_more<T>(
    ebpf: &Ebpf,
    table: &'static str,
    into: impl FnOnce(Map) -> Result<T, MapError>,
) -> Result<T, LoadError> {
    let failed = |source| LoadError::Map { table, source };
    let map = ebpf.map(table);
    let Map::PerCpuArray(map) = map.ok_or(LoadError::Mismatch { what: table })? else {
        return Err(LoadError::Mismatch { what: table });
    };
    let id = map.info().map_err(failed)?.id();
    let again = MapData::from_id(id).map_err(failed)?;
    into(Map::PerCpuArray(again)).map_err(failed)
}

fn typed<T>(
    ebpf: &mut Ebpf,
    table: &'static str,
    into: impl FnOnce(Map) -> Result<T, MapError>,
) -> Result<T, LoadError> {
    into(take(ebpf, table)?).map_err(|source| LoadError::Map { table, source })
}

fn mapped<T: Plain, const N: usize>(
    ebpf: &mut Ebpf,
    table: &'static str,
    entries: u32,
) -> Result<MappedArray<T, N>, LoadError> {
    let map = take(ebpf, table)?;
    let Map::Array(data) = &map else {
        return Err(LoadError::Mismatch { what: table });
    };
    let array = in_memory(data, table)?;
    if array.len() != entries {
        return Err(LoadError::Mismatch { what: table });
    }
    Ok(array)
}

/// All entries of an array of these records.
pub(super) fn in_memory<T: Plain, const N: usize>(
    map: &MapData,
    table: &'static str,
) -> Result<MappedArray<T, N>, LoadError> {
    let info = map.info();
    let info = info.map_err(|source| LoadError::Map { table, source })?;
    if info.value_size() as usize != size_of::<T>() {
        return Err(LoadError::Mismatch { what: table });
    }
    MappedArray::new(map.fd().as_fd(), info.max_entries())
        .map_err(|source| LoadError::Memory { table, source })
}

fn fd<'a>(map: &'a Map, table: &'static str) -> Result<BorrowedFd<'a>, LoadError> {
    match map {
        Map::Array(data) => Ok(data.fd().as_fd()),
        _ => Err(LoadError::Mismatch { what: table }),
    }
}

/// Nanoseconds of the kernel's tick, `1 / CONFIG_HZ`: the resolution of its coarse clocks. (`sysconf` tells
/// another one, which is always 1/100 s.)
///
/// # Errors
/// When the kernel does not tell.
pub fn tick_ns() -> Result<u64, LoadError> {
    let tick = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE).map_err(io::Error::from);
    let tick = tick.map_err(LoadError::Clock)?;
    Ok(Duration::from(tick).as_nanos() as u64)
}

/// What the fast path logs: all that our own log shows. Off, its log calls are no longer in the program.
fn log_level() -> u8 {
    match LevelFilter::current().into_level() {
        None => 0,
        Some(tracing::Level::ERROR) => 1,
        Some(tracing::Level::WARN) => 2,
        Some(tracing::Level::INFO) => 3,
        Some(tracing::Level::DEBUG) => 4,
        Some(tracing::Level::TRACE) => 5,
    }
}

/// Before Linux 5.11, maps counted as locked memory. Where this is refused, loading says so better.
fn raise_memory_lock() {
    let counts =
        KernelVersion::current().is_ok_and(|version| version < KernelVersion::new(5, 11, 0));
    if counts && let Err(error) = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY)
    {
        debug!(%error, "the limit of locked memory stays");
    }
}

fn tell_price(sizes: &Sizes) {
    let words = |entries: u32, bytes: usize| u64::from(entries) * bytes as u64;
    let slots = words(sizes.slots, size_of::<Slot>());
    // Every entry of an array is a multiple of eight bytes.
    let others = words(sizes.blocks, 8)
        + words(sizes.peers, size_of::<upf_common::abi::Peer>())
        + words(sizes.lists, size_of::<upf_common::abi::RuleList>())
        + words(sizes.limits, size_of::<upf_common::abi::Limit>());
    // Each record with a place in the table of their sets.
    let of_usage = size_of::<upf_common::abi::Usage>() + size_of::<upf_common::abi::UsageSet>();
    let usages = words(sizes.usages, of_usage);
    info!(
        "{} slots of {} bytes: {} MiB; {} usage records of {of_usage} bytes: {} MiB; blocks, peers, rule lists and limits: {} MiB",
        sizes.slots,
        size_of::<Slot>(),
        slots.div_ceil(1 << 20),
        sizes.usages,
        usages.div_ceil(1 << 20),
        others.div_ceil(1 << 20),
    );
}

/// Missing capabilities are `EPERM`; `EACCES` is how the verifier says that it does not like a program.
fn is_not_allowed(error: &LoadError) -> bool {
    let outermost: &(dyn Error + 'static) = error;
    let causes = std::iter::successors(Some(outermost), |cause| Error::source(*cause));
    let mut system_errors = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
    system_errors.any(|error| error.raw_os_error() == Some(libc::EPERM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_is_one_that_kernels_are_built_with() {
        let tick = tick_ns().unwrap();
        let hertz = [100, 250, 300, 1000].map(|hertz| (1_000_000_000 + hertz / 2) / hertz);
        assert!(hertz.contains(&tick), "{tick} ns");
    }

    #[test]
    fn missing_rights_are_told_from_the_verifiers_refusal() {
        let error = |number| LoadError::Program {
            last_words: String::new(),
            source: io::Error::from_raw_os_error(number),
        };
        assert!(is_not_allowed(&error(libc::EPERM)));
        assert!(!is_not_allowed(&error(libc::EACCES)));
    }
}
