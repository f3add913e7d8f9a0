//! Rates in the kernel, with both cores sending as fast as they can.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bench::gtpu::GPdu;
use bench::packets::frames::{from_gnb, ipv4};
use bench::packets::kernel::Kernel;
use bench::packets::world::{LOCAL, NEAR_MAC, QFI, SERVER, World, limited, route, teid, ue};
use etherparse::IpNumber;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use upf_common::abi::{Rules, flags, level, mapped};
use upf_common::meter::{DEFAULT_DEPTH_NS, Rate};

/// Bytes of a UE's packet.
const BYTES: usize = 1400;
/// What comes back from the kernel, at most.
const ROOM: usize = 2048;
/// How far off a rate may be.
const TOLERANCE: f64 = 0.02;

/// Sessions in slots from 0 on whose packets go round: what leaves for the peer arrives from it again, as it was, so that
/// one call of the kernel sends it any number of times. The session of each slot has the limit that `limit` names.
fn going_round(slots: u32, limit: impl Fn(u32) -> u32) -> World {
    let mut world = World::new();
    let peer = &mut world.peers[0];
    (peer.local, peer.remote) = (peer.remote, mapped(LOCAL.octets()));
    world.routes = vec![route(mapped(LOCAL.octets()), NEAR_MAC)];
    for slot in 0..slots {
        world = world.change(slot, |up, _| {
            *up = Rules {
                flags: up.flags | flags::ENCAPSULATE | flags::PDU_SESSION | flags::ANY_SOURCE,
                qfi: QFI,
                pdu_type: 1,
                peer_teid: teid(slot).to_be_bytes(),
                limit: limit(slot),
                ..*up
            };
        });
    }
    world
}

fn frame(slot: u32) -> Vec<u8> {
    let packet = ipv4(ue(0), SERVER, IpNumber(99), &[7; BYTES - 20], |_| ());
    let message = GPdu {
        teid: teid(slot),
        qfi: Some(QFI),
        payload: &packet,
    };
    from_gnb(&message.to_uplink_bytes())
}

/// With a limit of this rate for each SIM.
fn with_sims(world: World, sims: u32, bits_per_second: u64) -> World {
    let sim = limited(level::SIM, Rate::from_bits_per_second(bits_per_second));
    (0..sims).fold(world, |world, _| world.limits(&[sim]))
}

/// Keeps this thread on a CPU.
fn stay_on(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set).context("this test needs two CPUs")
}

/// Both cores send for some time, each one its frames in turn, `times` of each at once. Tells how long it took.
fn send(kernel: &Kernel, frames: [&[Vec<u8>]; 2], times: u32, time: Duration) -> Result<Duration> {
    let barrier = Barrier::new(frames.len());
    let run = |cpu: usize| -> Result<(Instant, Instant)> {
        stay_on(cpu)?;
        let mut output = vec![0; ROOM];
        barrier.wait();
        let start = Instant::now();
        while start.elapsed() < time {
            for frame in frames[cpu] {
                kernel.take(frame, &mut output, times)?;
            }
        }
        Ok((start, Instant::now()))
    };
    thread::scope(|scope| {
        let threads = [0, 1].map(|cpu| scope.spawn(move || run(cpu)));
        let [first, second] = threads.map(|thread| thread.join().expect("no panic"));
        let ((start, end), (other_start, other_end)) = (first?, second?);
        Ok(end.max(other_end) - start.min(other_start))
    })
}

/// What has passed, of what a rate lets pass beside the bucket that was full at first.
fn share(bytes: u64, bits_per_second: u64, time: Duration) -> f64 {
    let bytes_per_second = bits_per_second as f64 / 8.0;
    let bucket = bytes_per_second * DEFAULT_DEPTH_NS as f64 / 1e9;
    (bytes as f64 - bucket) / (bytes_per_second * time.as_secs_f64())
}

#[test]
fn one_sim_gets_its_rate_on_two_cores() -> Result<()> {
    let mut kernel = Kernel::load()?;
    for bits_per_second in [
        20_000_000,
        100_000_000,
        600_000_000,
        2_000_000_000,
        10_000_000_000,
    ] {
        // Two sessions of the SIM, one on each core.
        let world = with_sims(going_round(2, |_| 0), 1, bits_per_second);
        kernel.install(&world)?;
        let frames = [[frame(0)], [frame(1)]];
        let time = send(
            &kernel,
            [&frames[0], &frames[1]],
            2000,
            Duration::from_secs(2),
        )?;
        let outcome = kernel.outcome(&frame(0), 1)?;
        kernel.remove(&world)?;
        let offered: u64 = outcome
            .slots
            .iter()
            .map(|(.., counts)| counts[1] + counts[3])
            .sum();
        let share = share(outcome.uplink.bytes, bits_per_second, time);
        println!(
            "{bits_per_second} bit/s: {:.3} % of it passed, {:.1} times it was offered",
            share * 100.0,
            offered as f64 * 8.0 / bits_per_second as f64 / time.as_secs_f64(),
        );
        let both = outcome.slots.iter().all(|(.., counts)| counts[2] > 0);
        ensure!(both && outcome.slots.len() == 2, "{:?}", outcome.slots);
        ensure!(
            (share - 1.0).abs() <= TOLERANCE,
            "{bits_per_second} bit/s: {share}"
        );
    }
    Ok(())
}

#[test]
fn a_thousand_sims_get_their_rate_each() -> Result<()> {
    const SIMS: u32 = 1000;
    const BITS_PER_SECOND: u64 = 3_000_000;
    let mut kernel = Kernel::load()?;
    let world = with_sims(going_round(SIMS, |slot| slot), SIMS, BITS_PER_SECOND);
    kernel.install(&world)?;
    let frames: Vec<_> = (0..SIMS).map(frame).collect();
    // Either core sends for all of them, and begins with another one.
    let mut others = frames.clone();
    others.rotate_left(SIMS as usize / 2);
    let time = send(&kernel, [&frames, &others], 50, Duration::from_secs(5))?;
    let outcome = kernel.outcome(&frames[0], 1)?;
    kernel.remove(&world)?;
    let (mut least, mut most) = (f64::MAX, f64::MIN);
    ensure!(outcome.slots.len() == SIMS as usize);
    for (slot, is_uplink, [packets, bytes, dropped, _]) in &outcome.slots {
        ensure!(
            *is_uplink && *dropped > packets / 10,
            "{slot}: {dropped} dropped"
        );
        let share = share(*bytes, BITS_PER_SECOND, time);
        (least, most) = (least.min(share), most.max(share));
    }
    println!(
        "a thousand SIMs: {:.3} to {:.3} % of their rate",
        least * 100.0,
        most * 100.0
    );
    ensure!(
        (least - 1.0).abs() <= TOLERANCE && (most - 1.0).abs() <= TOLERANCE,
        "{least} to {most}"
    );
    Ok(())
}
