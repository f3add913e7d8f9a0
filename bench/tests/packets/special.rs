//! What takes more than one frame: rules that change meanwhile, room that runs out, a limit on punting, next hops
//! that are asked for.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bench::gtpu::GPdu;
use bench::packets::Action;
use bench::packets::frames::{
    from_gnb, from_router, from_ue, from_ue_v6, gtpu, ipv4, to_ue, to_ue_v6,
};
use bench::packets::host::{Buffer, HostTables};
use bench::packets::kernel::Kernel;
use bench::packets::world::{
    self, FAR, FAR_MAC, FAR_PARENT, NEAR_MAC, QFI, ROUTER_MAC, SERVER, World, limited, route, teid,
    ue,
};
use etherparse::IpNumber;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::unistd::Pid;
use upf_common::abi::{
    MAX_COPY_BYTES, Match, RouteEntry, Rules, Slot, control_flags, flags, level, mapped,
    maps::COPY_BYTES, match_flags, verdict,
};
use upf_common::drop_reason::{DropReason, PuntReason};
use upf_common::forward::HAIRPIN;
use upf_common::forward::tables::{RouteAnswer, Way};
use upf_common::matching::known::LIFETIME_NS;
use upf_common::meter::{self, Rate};

const LIFETIME: Duration = Duration::from_nanos(LIFETIME_NS);
const SLOT: u32 = 5;
const SLOT_V6: u32 = 300;
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
    assert_eq!(here.dropped(Way::Downlink, DropReason::NoHeadroom), 1);

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

#[test]
fn telling_senders_is_limited_and_every_packet_counted() -> Result<()> {
    let unsupported = from_gnb(&gtpu(0x34, 255, 1, &[0, 0, 0, 0x90, 1, 9, 9, 0]));
    let told = World {
        control_flags: control_flags::ERROR_INDICATIONS,
        ..World::new()
    };
    for (world, frame, punt, reason) in [
        (
            &told,
            &g_pdu(),
            PuntReason::UnknownTeid,
            DropReason::UnknownTeid,
        ),
        (
            &World::new(),
            &unsupported,
            PuntReason::UnsupportedExtension,
            DropReason::UnsupportedExtension,
        ),
    ] {
        let here = HostTables::new(world);
        // The limit of messages is another one.
        here.may_punt.set(false);
        assert_eq!(here.run(frame).action, Action::Pass);
        let here = HostTables::new(world);
        here.may_reply.set(false);
        let outcome = here.run(frame);
        assert_eq!(outcome.action, Action::Drop);
        assert_eq!(outcome.dropped(), Some((Way::Uplink, reason)));
        assert_eq!(outcome.punted, [0; PuntReason::COUNT]);

        const TIMES: u32 = 20_000;
        let there = Kernel::load()?.run_repeatedly(world, frame, TIMES)?;
        let punted = there.punted[punt as usize];
        assert!((100..2_000).contains(&punted), "{punted} at once");
        assert_eq!(there.uplink.dropped[reason as usize], u64::from(TIMES));
    }
    Ok(())
}

#[test]
fn copies_are_what_came_on_the_host_and_in_the_kernel() -> Result<()> {
    let copying = |up: &mut Rules, down: &mut Rules| (up.duplicate, down.duplicate) = (41, 42);
    let world = World::new()
        .change(SLOT, copying)
        .change(SLOT_V6, copying)
        .change(SLOT + 1, |up, down| {
            copying(up, down);
            up.verdict = verdict::DROP;
            down.flags &= !flags::GATE_OPEN;
        });
    let uplink = |slot, packet: &[u8]| {
        let message = GPdu {
            teid: teid(slot),
            qfi: Some(QFI),
            payload: packet,
        };
        from_gnb(&message.to_uplink_bytes())
    };
    let from_other = from_ue(SLOT + 1);
    let large = sized(MAX_COPY_BYTES);
    let (too_large, spoofed) = (sized(MAX_COPY_BYTES + 1), from_ue(SLOT + 2));
    let cases = [
        (uplink(SLOT, &from_ue(SLOT)), Some((41, from_ue(SLOT)))),
        (from_router(&to_ue(SLOT)), Some((42, to_ue(SLOT)))),
        (
            uplink(SLOT_V6, &from_ue_v6(SLOT_V6)),
            Some((41, from_ue_v6(SLOT_V6))),
        ),
        (
            from_router(&to_ue_v6(SLOT_V6)),
            Some((42, to_ue_v6(SLOT_V6))),
        ),
        // DUPL without FORW: the copy is all that is left of it.
        (uplink(SLOT + 1, &from_other), Some((41, from_other))),
        // A closed gate, another's address, no room.
        (from_router(&to_ue(SLOT + 1)), None),
        (uplink(SLOT, &spoofed), None),
        (from_router(&large), Some((42, large))),
        (from_router(&too_large), None),
    ];
    let mut kernel = Kernel::load()?;
    kernel.install(&world)?;
    let mut all_lost = 0;
    for (number, (frame, expected)) in cases.into_iter().enumerate() {
        let here = HostTables::new(&world);
        let lost = u64::from(frame == from_router(&too_large));
        assert_eq!(here.run(&frame).copies_lost, lost, "{number}");
        all_lost += lost;
        assert_eq!(kernel.outcome(&frame, 1)?.copies_lost, all_lost, "{number}");
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(here.copies.take(), expected, "{number}");
        assert_eq!(kernel.take_copies()?, expected, "{number}");
    }
    Ok(())
}

#[test]
fn copies_that_find_no_room_are_counted() -> Result<()> {
    const TIMES: u32 = 2 * COPY_BYTES / MAX_COPY_BYTES as u32;
    // What is dropped stays as it came, so that the kernel can take it again and again.
    let world = World::new().change(SLOT, |_, down| {
        down.duplicate = 42;
        down.verdict = verdict::DROP;
    });
    let mut kernel = Kernel::load()?;
    kernel.install(&world)?;
    let lost = kernel
        .outcome(&from_router(&to_ue(SLOT)), TIMES)?
        .copies_lost;
    let copies = kernel.take_copies()?.len() as u64;
    assert_eq!(copies + lost, u64::from(TIMES));
    assert!(lost > 0 && copies > 0, "{copies} copies, {lost} lost");
    Ok(())
}

/// A packet to the UE of this length.
fn sized(length: usize) -> Vec<u8> {
    let payload = vec![0x5a; length - 20];
    ipv4(SERVER, ue(SLOT), IpNumber(99), &payload, |_| ())
}

/// A slot whose state is a meter only.
const FLOW_METER: u32 = 700;

/// A session with a meter of its own and a limit that it shares.
fn metered(flow_bits_per_second: u64, shared_bits_per_second: u64) -> World {
    World::new()
        .change(SLOT, |up, down| {
            for rules in [up, down] {
                (rules.meter_slot, rules.limit) = (FLOW_METER, 0);
            }
        })
        .meter(FLOW_METER, flow_bits_per_second)
        .limits(&[limited(
            level::SESSION,
            Rate::from_bits_per_second(shared_bits_per_second),
        )])
}

#[test]
fn what_one_meter_refuses_no_meter_charges() {
    let open = 1_000_000;
    for (world, refused) in [
        (metered(open, 0), Some(DropReason::SessionRateLimited)),
        (metered(0, open), Some(DropReason::RateLimited)),
        (metered(open, open), None),
    ] {
        let mut world = world;
        // Both are used already: 2 ms to go until they are full.
        let full_at = meter::ticks(1_002_000_000);
        for (slot, record) in &mut world.slots {
            if *slot == FLOW_METER {
                (record.uplink.state.full_at, record.downlink.state.full_at) = (full_at, full_at);
            }
        }
        let limit = &mut world.limits[0];
        (limit.uplink.full_at, limit.downlink.full_at) = (full_at, full_at);
        for frame in [g_pdu(), from_router(&to_ue(SLOT))] {
            let tables = HostTables::new(&world);
            let outcome = tables.run(&frame);
            let reason = outcome.dropped().map(|(_, reason)| reason);
            assert_eq!(reason, refused);
            assert_eq!(outcome.action == Action::Transmit, refused.is_none());
            let (flow, limit) = (tables.slot(FLOW_METER), tables.limit(0));
            let charged = [
                [flow.uplink.state.full_at, flow.downlink.state.full_at],
                [limit.uplink.full_at, limit.downlink.full_at],
            ]
            .map(|both| both.iter().any(|at| *at != full_at));
            assert_eq!(charged, [refused.is_none(); 2]);
        }
    }
}

#[test]
fn many_packets_that_a_limit_refuses_leave_the_flows_bucket_full_in_the_kernel() -> Result<()> {
    let mut kernel = Kernel::load()?;
    let refusing = metered(1_000_000, 0);
    kernel.install(&refusing)?;
    // A bucket holds 18,000 bytes.
    let outcome = kernel.outcome(&g_pdu(), 20_000)?;
    let reason = DropReason::SessionRateLimited as usize;
    assert_eq!(outcome.uplink.dropped[reason], 20_000);
    let full_at = kernel.slot(FLOW_METER)?.uplink.state.full_at;
    kernel.remove(&refusing)?;

    let mut open = metered(1_000_000, 1_000_000_000);
    for (slot, record) in &mut open.slots {
        if *slot == FLOW_METER {
            record.uplink.state.full_at = full_at;
        }
    }
    assert_eq!(kernel.run(&open, &g_pdu())?.action, Action::Transmit);
    Ok(())
}

#[test]
fn a_packet_to_another_ue_counts_for_both() -> Result<()> {
    let other = SLOT + 1;
    let mut world = World::new().session(SLOT).session(other);
    world.routes.push(RouteEntry {
        refused: HAIRPIN,
        ..route(mapped(ue(other).octets()), NEAR_MAC)
    });
    let packet = ipv4(ue(SLOT), ue(other), IpNumber(99), &[7; 30], |_| ());
    let message = GPdu {
        teid: teid(SLOT),
        qfi: None,
        payload: &packet,
    };
    let frame = from_gnb(&message.to_uplink_bytes());
    let there = Kernel::load()?.run(&world, &frame)?;
    for outcome in [HostTables::new(&world).run(&frame), there] {
        let counts = [1, packet.len() as u64, 0, 0];
        assert_eq!(
            outcome.slots,
            [(SLOT, true, counts), (other, false, counts)]
        );
        assert_eq!((outcome.uplink.packets, outcome.downlink.packets), (1, 1));
    }
    Ok(())
}

#[test]
fn a_flow_s_way_through_a_list_is_remembered_for_a_while() -> Result<()> {
    let forward = world::uplink(SLOT);
    let drop = Rules {
        verdict: verdict::DROP,
        ..forward
    };
    let any = Match {
        flags: match_flags::ANY_PROTOCOL,
        ..Match::default()
    };
    let no_packet_s = Match {
        protocol: 250,
        ..Match::default()
    };
    let with_list = |entries: &[(Match, Rules)]| {
        World::new().list(entries).change(SLOT, |up, _| {
            up.verdict = verdict::LIST;
            up.list = 0;
        })
    };
    let before = with_list(&[(any, forward)]);
    let after = with_list(&[(no_packet_s, forward), (any, drop)]);
    stay_on(0);
    let mut kernel = Kernel::load()?;
    let mut is_remembered = false;
    // A machine that stops for as long as flows are remembered has not told anything.
    for _ in 0..10 {
        kernel.install(&before)?;
        let begin = Instant::now();
        assert_eq!(kernel.outcome(&g_pdu(), 1)?.action, Action::Transmit);
        // As the agent never does: it lets pages rest.
        kernel.install(&after)?;
        is_remembered |= kernel.outcome(&g_pdu(), 1)?.action == Action::Transmit;
        if is_remembered || begin.elapsed() < LIFETIME / 2 {
            break;
        }
        kernel.remove(&after)?;
    }
    assert!(is_remembered, "the same flow has walked again");
    thread::sleep(LIFETIME + LIFETIME / 4);
    assert_eq!(kernel.outcome(&g_pdu(), 1)?.action, Action::Drop);
    kernel.remove(&after)
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
        let length = size_of::<Slot>() * world::SLOTS as usize;
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
            let unused = AtomicU32::from_ptr(&raw mut (*slot).uplink.rules[1].framed_instance);
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
