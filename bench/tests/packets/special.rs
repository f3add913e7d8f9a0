//! What takes more than one frame: rules that change meanwhile, room that runs out, a limit on punting, next hops
//! that are asked for.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use anyhow::{Result, ensure};
use bench::gtpu::GPdu;
use bench::packets::Action;
use bench::packets::frames::{from_gnb, from_router, from_ue, gtpu, to_ue};
use bench::packets::host::{Buffer, HostTables};
use bench::packets::kernel::Kernel;
use bench::packets::world::{
    FAR, FAR_MAC, FAR_PARENT, NEAR_MAC, ROUTER_MAC, SERVER, World, teid, ue,
};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::unistd::Pid;
use upf_common::abi::{Slot, mapped, verdict};
use upf_common::drop_reason::{DropReason, PuntReason};
use upf_common::forward::tables::RouteAnswer;

const SLOT: u32 = 5;
/// Runs of the test with the hammer, at most, and packets in each.
const ROUNDS: u32 = 300;
const TIMES: u32 = 500_000;

fn g_pdu() -> Vec<u8> {
    let packet = from_ue(SLOT);
    let message = GPdu {
        teid: teid(SLOT),
        qfi: None,
        payload: &packet,
    };
    from_gnb(&message.to_uplink_bytes())
}

/// A tunnel whose far end has a UE's address: what leaves is taken in again, longer each time.
fn ever_longer() -> World {
    let mut world = World::new().session(SLOT);
    world.peers[0].remote = mapped(ue(SLOT).octets());
    world.routes[0].destination = mapped(ue(SLOT).octets());
    world.routes[0].destination_mac = NEAR_MAC;
    world
}

#[test]
fn a_frame_without_room_in_front_is_dropped() -> Result<()> {
    let world = ever_longer();
    let here = HostTables::new(&world);
    let mut buffer = Buffer::new(&from_router(&to_ue(SLOT)));
    let sent = (0..20).take_while(|_| here.take(&mut buffer) == Action::Transmit);
    assert!(sent.count() >= 3);
    assert_eq!(here.dropped_downlink(DropReason::NoHeadroom), 1);

    let there = Kernel::load()?.run_repeatedly(&world, &from_router(&to_ue(SLOT)), 20)?;
    ensure!(there.downlink.packets >= 3, "{there:?}");
    assert!(
        there.downlink.dropped[DropReason::NoHeadroom as usize] > 0,
        "{there:?}"
    );
    Ok(())
}

#[test]
fn punting_is_limited() -> Result<()> {
    let end_marker = from_gnb(&gtpu(0x30, 254, 1, &[]));
    let here = HostTables::new(&World::new());
    here.may_punt.set(false);
    let outcome = here.run(&end_marker);
    assert_eq!(outcome.action, Action::Drop);
    assert!(
        outcome
            .dropped()
            .is_some_and(|(_, reason)| reason == DropReason::PuntLimited)
    );

    const TIMES: u32 = 20_000;
    let there = Kernel::load()?.run_repeatedly(&World::new(), &end_marker, TIMES)?;
    let punted = there.punted[PuntReason::GtpuSignalling as usize];
    let limited = there.uplink.dropped[DropReason::PuntLimited as usize];
    assert_eq!(punted + limited, u64::from(TIMES));
    assert!((100..2_000).contains(&punted), "{punted} punted at once");
    Ok(())
}

/// Keeps this thread on a CPU: hammer and packets have to run at the same time.
fn stay_on(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu).expect("few CPUs are enough");
    sched_setaffinity(Pid::from_raw(0), &set).expect("this test needs two CPUs");
}

/// Changes the version of a slot's uplink over and over until it is told to stop, and an unused word of the rules
/// too: having to fetch that cache line back is what gives the version time to change while rules are read.
fn hammer(version: &AtomicU32, unused: &AtomicU32, stop: &AtomicBool) {
    stay_on(1);
    while !stop.load(Ordering::Relaxed) {
        version.fetch_add(2, Ordering::Relaxed);
        unused.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn rules_that_change_all_the_time_are_told_from_rules_that_stand() -> Result<()> {
    let mut kernel = Kernel::load()?;
    let slots = Mapped::new(kernel.slots()?.fd().as_fd())?;
    let stop = AtomicBool::new(false);
    // A frame that is dropped stays as it is, so that one call takes it many times.
    let world = World::new().change(SLOT, |up, _| up.verdict = verdict::DROP);
    let (busy, stood) = thread::scope(|scope| -> Result<(u64, u64)> {
        let (version, unused) = slots.uplink_words(SLOT);
        let stop = &stop;
        scope.spawn(move || hammer(version, unused, stop));
        stay_on(0);
        let (mut busy, mut stood) = (0, 0);
        for round in 1..=u64::from(ROUNDS) {
            let outcome = kernel.run_repeatedly(&world, &g_pdu(), TIMES)?;
            busy += outcome.uplink.dropped[DropReason::SlotBusy as usize];
            stood += outcome.uplink.dropped[DropReason::FarDrop as usize];
            // Never taken for anything else.
            ensure!(busy + stood == round * u64::from(TIMES), "{outcome:?}");
            if busy > 0 && stood > 0 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        Ok((busy, stood))
    })?;
    assert!(busy > 0, "the hammer never struck in {stood} runs");
    assert!(stood > 0, "rules were never read in {busy} runs");
    Ok(())
}

/// The kernel's slots in our memory.
struct Mapped {
    at: NonNull<std::ffi::c_void>,
    length: usize,
}

impl Mapped {
    fn new(map: BorrowedFd<'_>) -> Result<Self> {
        let length = size_of::<Slot>() * bench::packets::world::SLOTS as usize;
        let size = length.try_into()?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh mapping of our own.
        let at = unsafe { mmap(None, size, protection, MapFlags::MAP_SHARED, map, 0)? };
        Ok(Self { at, length })
    }

    /// The version, and a word of the rules in force that means nothing.
    fn uplink_words(&self, slot: u32) -> (&AtomicU32, &AtomicU32) {
        // SAFETY: inside the mapping, aligned as the record is, and shared with packets that read it at once.
        unsafe {
            let slot = self.at.cast::<Slot>().add(slot as usize).as_ptr();
            let version = AtomicU32::from_ptr(&raw mut (*slot).uplink.state.version);
            let unused = AtomicU32::from_ptr(&raw mut (*slot).uplink.rules[1].reserved2);
            (version, unused)
        }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and no reference into it is left.
        unsafe { munmap(self.at, self.length) }.ok();
    }
}

#[test]
fn a_next_hop_is_asked_for_once_and_remembered() {
    let mut world = World::new().session(SLOT);
    world.routes.clear();
    let tables = HostTables::new(&world);
    let found = RouteAnswer::Found {
        ifindex: FAR,
        mtu: 1400,
        destination_mac: ROUTER_MAC,
        source_mac: FAR_MAC,
    };
    tables.answer.set(found);
    for _ in 0..3 {
        assert_eq!(tables.run(&g_pdu()).action, Action::Redirect);
    }
    assert_eq!(tables.questions.get(), 1);

    // A change of the kernel's tables voids it, and so does time.
    tables.generation.set(1);
    let _ = tables.run(&g_pdu());
    assert_eq!(tables.questions.get(), 2);
    tables.now_ns.set(tables.now_ns.get() + 1_000_000_000);
    let _ = tables.run(&g_pdu());
    assert_eq!(tables.questions.get(), 3);
}

#[test]
fn a_next_hop_without_mac_address_is_wanted_and_looked_for_again_soon() {
    let mut world = World::new().session(SLOT);
    world.routes.clear();
    let tables = HostTables::new(&world);
    tables.answer.set(RouteAnswer::NoNeighbour {
        ifindex: FAR,
        next_hop: upf_common::wire::IpAddress::from_v4(SERVER.octets()),
    });
    for _ in 0..3 {
        assert_eq!(tables.run(&g_pdu()).action, Action::Drop);
    }
    assert_eq!(*tables.wanted.borrow(), [(FAR, mapped(SERVER.octets()))]);
    tables.now_ns.set(tables.now_ns.get() + 20_000_000);
    tables.answer.set(RouteAnswer::Found {
        ifindex: FAR,
        mtu: 1500,
        destination_mac: ROUTER_MAC,
        source_mac: FAR_MAC,
    });
    assert_eq!(tables.run(&g_pdu()).action, Action::Redirect);
}

#[test]
fn answers_that_lead_nowhere_are_counted_by_what_they_say() {
    let not_ours = FAR_PARENT;
    let found = RouteAnswer::Found {
        ifindex: not_ours,
        mtu: 1500,
        destination_mac: ROUTER_MAC,
        source_mac: FAR_MAC,
    };
    let no_neighbour = RouteAnswer::NoNeighbour {
        ifindex: not_ours,
        next_hop: upf_common::wire::IpAddress::from_v4(SERVER.octets()),
    };
    for (answer, reason) in [
        (RouteAnswer::NoRoute, DropReason::NoRoute),
        (found, DropReason::RouteOffInstance),
        (no_neighbour, DropReason::RouteOffInstance),
    ] {
        let mut world = World::new().session(SLOT);
        world.routes.clear();
        let tables = HostTables::new(&world);
        tables.answer.set(answer);
        let outcome = tables.run(&g_pdu());
        assert_eq!(
            outcome.dropped().map(|(_, reason)| reason),
            Some(reason),
            "{answer:?}"
        );
        assert!(tables.wanted.borrow().is_empty(), "{answer:?}");
    }
}
