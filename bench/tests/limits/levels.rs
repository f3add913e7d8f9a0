//! All levels at once.

use std::ops::RangeFrom;
use std::time::Instant;

use anyhow::{Result, ensure};
use bench::gtpu::GPdu;
use bench::packets::Action;
use bench::packets::frames::{from_gnb, from_router, ipv4};
use bench::packets::host::{Buffer, HostTables};
use bench::packets::kernel::Kernel;
use bench::packets::world::{SERVER, teid, ue};
use etherparse::IpNumber;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use upf_common::abi::{LevelCounters, MAX_CLASSES, level, of_level};
use upf_common::drop_reason::DropReason;
use upf_common::forward::tables::Way;
use upf_common::meter::PACKET_TICK_SHIFT;

use super::reference::Verdict;
use super::topology::{FLOWS, Pace, STILL, Topology};

/// Packets in all, and in each set of flows.
const PACKETS: u32 = 1_000_000;
const PACKETS_EACH: u32 = 20_000;
const REASONS: [(DropReason, u8); 4] = [
    (DropReason::RateLimited, level::FLOW),
    (DropReason::SessionRateLimited, level::SESSION),
    (DropReason::SimRateLimited, level::SIM),
    (DropReason::CustomerRateLimited, level::CUSTOMER),
];

/// A packet of a flow.
struct Packet {
    slot: u32,
    way: Way,
    bytes: u32,
    ecn: u8,
}

impl Packet {
    fn new(random: &mut StdRng) -> Self {
        Self {
            slot: random.random_range(0..FLOWS),
            way: if random.random() {
                Way::Uplink
            } else {
                Way::Downlink
            },
            bytes: [40, 64, 576, 1000, 1400][random.random_range(0..5)],
            ecn: random.random_range(0..4),
        }
    }

    fn frame(&self) -> Vec<u8> {
        let payload = vec![0; self.bytes as usize - 20];
        let packet = |source, destination| {
            ipv4(source, destination, IpNumber(99), &payload, |header| {
                header.dscp = 0.try_into().expect("six bits");
                header.ecn = self.ecn.try_into().expect("two bits");
            })
        };
        match self.way {
            Way::Uplink => {
                let message = GPdu {
                    teid: teid(self.slot),
                    qfi: None,
                    payload: &packet(ue(self.slot), SERVER),
                };
                from_gnb(&message.to_uplink_bytes())
            }
            Way::Downlink => from_router(&packet(SERVER, ue(self.slot))),
        }
    }

    const fn is_ecn_capable(&self) -> bool {
        matches!(self.ecn, 1 | 2)
    }
}

fn dropped(tables: &HostTables, way: Way) -> [u64; 4] {
    REASONS.map(|(reason, _)| tables.dropped(way, reason))
}

/// Whether a packet that left in this frame was marked.
fn is_marked(packet: &Packet, frame: &[u8]) -> bool {
    // The ToS octet of the UE's packet, whose end is the frame's.
    let tos = frame[frame.len() - packet.bytes as usize + 1];
    tos & 3 == 3 && packet.ecn != 3
}

/// What the tables make of a packet.
fn verdict(tables: &HostTables, packet: &Packet) -> Verdict {
    let before = dropped(tables, packet.way);
    let mut buffer = Buffer::new(&packet.frame());
    match tables.take(&mut buffer) {
        Action::Transmit => Verdict::Passes {
            is_marked: is_marked(packet, buffer.frame()),
        },
        action => {
            assert_eq!(action, Action::Drop);
            let after = dropped(tables, packet.way);
            let levels: Vec<_> = (0..4).filter(|at| after[*at] != before[*at]).collect();
            assert_eq!(levels.len(), 1, "dropped for something else");
            Verdict::HeldBack {
                level: REASONS[levels[0]].1,
            }
        }
    }
}

/// The next moment: most packets come close together, and at times nothing comes for long.
fn next(random: &mut StdRng, now_ns: u64) -> u64 {
    let gap_ns = match random.random_range(0..1000) {
        0 => random.random_range(0..2_000_000_000),
        1..20 => random.random_range(0..20_000_000),
        20..500 => 0,
        _ => random.random_range(0..400_000),
    };
    // Packet rates count in these units, and are exact in them.
    now_ns + ((gap_ns >> PACKET_TICK_SHIFT) << PACKET_TICK_SHIFT)
}

#[test]
fn a_million_packets_fare_as_the_reference_says() -> Result<()> {
    let mut verdicts = [0_u64; 6];
    for set in 0..u64::from(PACKETS / PACKETS_EACH) {
        let mut random = StdRng::seed_from_u64(set);
        let mut topology = Topology::new(&mut random, Pace::Any);
        let tables = HostTables::new(&topology.world);
        let mut now_ns = 1_000_000 << PACKET_TICK_SHIFT;
        for number in 0..PACKETS_EACH {
            now_ns = next(&mut random, now_ns);
            tables.now_ns.set(now_ns);
            let packet = Packet::new(&mut random);
            let reference = &mut topology.references[packet.way as usize];
            let (flow, capable) = (packet.slot as usize, packet.is_ecn_capable());
            let expected = reference.take(flow, packet.bytes, capable, now_ns);
            let found = verdict(&tables, &packet);
            ensure!(
                found == expected,
                "set {set}, packet {number} of flow {flow} {:?}: {found:?} instead of {expected:?}",
                reference.flows[flow]
            );
            verdicts[match expected {
                Verdict::Passes { is_marked } => usize::from(is_marked),
                Verdict::HeldBack { level } => 2 + usize::from(level),
            }] += 1;
        }
        check_counters(set, &topology, level::FLOW.., |class, level| {
            tables.level(class, level)
        })?;
    }
    println!("passed, marked, held back by flow, session, SIM and customer: {verdicts:?}");
    // Each of them often enough to mean something.
    ensure!(verdicts.iter().all(|count| *count > 10_000), "{verdicts:?}");
    Ok(())
}

/// These levels have counted what the reference has.
fn check_counters(
    set: u64,
    topology: &Topology,
    levels: RangeFrom<u8>,
    counted: impl Fn(u16, u8) -> LevelCounters,
) -> Result<()> {
    let levels = levels.start..level::COUNT as u8;
    for (way, reference) in topology.references.iter().enumerate() {
        let places = levels
            .clone()
            .flat_map(|level| (0..MAX_CLASSES as u16).map(move |class| (class, level)));
        for (class, level) in places {
            let LevelCounters { uplink, downlink } = counted(class, level);
            let counted = if way == 0 { uplink } else { downlink };
            let found = [
                [counted.passed_packets, counted.passed_bytes],
                [counted.marked_packets, counted.marked_bytes],
                [counted.dropped_packets, counted.dropped_bytes],
            ];
            let expected = reference.counts.get(&(class, level));
            let expected = expected.copied().unwrap_or_default();
            ensure!(
                found == expected,
                "set {set}, class {class}, level {level}: {found:?} instead of {expected:?}"
            );
        }
    }
    Ok(())
}

/// Sets of flows in the kernel, and packets of each.
const KERNEL_SETS: u64 = 20;
const KERNEL_PACKETS: usize = 1500;
/// How often a set is tried, for the machine may have other work.
const KERNEL_ATTEMPTS: u32 = 20;

#[test]
fn the_kernel_agrees_with_the_reference_while_time_stands_still() -> Result<()> {
    let mut kernel = Kernel::load()?;
    let mut verdicts = [0_u64; 3];
    for set in 0..KERNEL_SETS {
        let mut attempts = 0..KERNEL_ATTEMPTS;
        while !is_told(&mut kernel, set, &mut verdicts)? {
            ensure!(
                attempts.next().is_some(),
                "the kernel never took all packets in {STILL:?}"
            );
        }
    }
    println!("passed, marked and held back: {verdicts:?}");
    ensure!(verdicts.iter().all(|count| *count > 500), "{verdicts:?}");
    Ok(())
}

/// Compares all verdicts of a set, and what its levels have counted; false if that took too long to mean anything.
fn is_told(kernel: &mut Kernel, set: u64, verdicts: &mut [u64; 3]) -> Result<bool> {
    let mut random = StdRng::seed_from_u64(1000 + set);
    let mut topology = Topology::new(&mut random, Pace::Still);
    let packets: Vec<_> = (0..KERNEL_PACKETS)
        .map(|_| Packet::new(&mut random))
        .collect();
    let frames: Vec<_> = packets.iter().map(Packet::frame).collect();
    kernel.install(&topology.world)?;
    let mut output = [0; 2048];
    let begin = Instant::now();
    let mut found = Vec::with_capacity(packets.len());
    for (packet, frame) in packets.iter().zip(&frames) {
        let (action, length) = kernel.take(frame, &mut output, 1)?;
        found.push(match action {
            Action::Transmit => usize::from(is_marked(packet, &output[..length])),
            action => {
                ensure!(action == Action::Drop, "{action:?}");
                2
            }
        });
    }
    let is_still = begin.elapsed() < STILL;
    let levels = kernel.levels()?;
    kernel.remove(&topology.world)?;
    if !is_still {
        return Ok(false);
    }
    for (number, (packet, found)) in packets.iter().zip(found).enumerate() {
        let reference = &mut topology.references[packet.way as usize];
        let flow = packet.slot as usize;
        let expected = match reference.take(flow, packet.bytes, packet.is_ecn_capable(), 0) {
            Verdict::Passes { is_marked } => usize::from(is_marked),
            Verdict::HeldBack { .. } => 2,
        };
        ensure!(
            found == expected,
            "set {set}, packet {number} of flow {flow} {:?}: {found} instead of {expected}",
            reference.flows[flow]
        );
        verdicts[found] += 1;
    }
    // Flows are counted elsewhere as well.
    let levels_of = |class, level| of_level(&levels, &LevelCounters::default(), class, level);
    check_counters(set, &topology, level::SESSION.., levels_of)?;
    Ok(true)
}
