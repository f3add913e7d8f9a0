//! Rates in the kernel, with both cores sending as fast as they can.

use std::sync::{Barrier, Mutex, PoisonError};
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
use upf_common::meter::Rate;

/// Bytes of a UE's packet.
const BYTES: usize = 1400;
/// What comes back from the kernel, at most.
const ROOM: usize = 2048;
/// Packets of one call. What goes before it takes the kernel a few milliseconds where it is more than one.
const TIMES: u32 = 100_000;
/// Cores are for one test at a time.
static CORES: Mutex<()> = Mutex::new(());
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

/// Both cores send for some time, each one its frames in turn, `times` of each at once. Tells when they are done.
fn send(kernel: &Kernel, frames: [&[Vec<u8>]; 2], times: u32, time: Duration) -> Result<Instant> {
    let barrier = Barrier::new(frames.len());
    let run = |cpu: usize| -> Result<Instant> {
        stay_on(cpu)?;
        let mut output = vec![0; ROOM];
        barrier.wait();
        let start = Instant::now();
        while start.elapsed() < time {
            for frame in frames[cpu] {
                kernel.take(frame, &mut output, times)?;
            }
        }
        Ok(Instant::now())
    };
    thread::scope(|scope| {
        let run = &run;
        let threads = [0, 1].map(|cpu| scope.spawn(move || run(cpu)));
        let [first, second] = threads.map(|thread| thread.join().expect("no panic"));
        Ok(first?.max(second?))
    })
}

/// Has both cores send until the buckets are empty, and then for `time`, and tells for each slot what part of the rate has
/// passed since they were.
fn shares(
    kernel: &mut Kernel,
    frames: [&[Vec<u8>]; 2],
    times: u32,
    time: Duration,
    bits_per_second: u64,
) -> Result<Vec<f64>> {
    let start = send(kernel, frames, times, Duration::from_millis(500))?;
    let before = kernel.outcome(&frames[0][0], 1)?.slots;
    let end = send(kernel, frames, times, time)?;
    let after = kernel.outcome(&frames[0][0], 1)?.slots;
    let all = bits_per_second as f64 / 8.0 * (end - start).as_secs_f64();
    ensure!(before.len() == after.len(), "a slot that nothing came by");
    let slots = before.iter().zip(&after);
    slots
        .map(|((slot, _, before), (.., after))| {
            // Each of them is held back often: more is offered than passes.
            ensure!(after[2] - before[2] > 10, "{slot}: {before:?}, {after:?}");
            Ok((after[1] - before[1]) as f64 / all)
        })
        .collect()
}

#[test]
fn one_sim_gets_its_rate_on_two_cores() -> Result<()> {
    let _cores = CORES.lock().unwrap_or_else(PoisonError::into_inner);
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
        let frames = [&frames[0][..], &frames[1]];
        let time = Duration::from_secs(3);
        let shares = shares(&mut kernel, frames, TIMES, time, bits_per_second)?;
        kernel.remove(&world)?;
        ensure!(shares.len() == 2);
        let share = shares[0] + shares[1];
        println!(
            "{bits_per_second} bit/s: {:.3} % of it passed",
            share * 100.0
        );
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
    const BITS_PER_SECOND: u64 = 1_500_000;
    let _cores = CORES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut kernel = Kernel::load()?;
    let world = with_sims(going_round(SIMS, |slot| slot), SIMS, BITS_PER_SECOND);
    kernel.install(&world)?;
    let frames: Vec<_> = (0..SIMS).map(frame).collect();
    // Either core sends for all of them, and begins with another one.
    let mut others = frames.clone();
    others.rotate_left(SIMS as usize / 2);
    let time = Duration::from_secs(6);
    let shares = shares(&mut kernel, [&frames, &others], 1, time, BITS_PER_SECOND)?;
    kernel.remove(&world)?;
    ensure!(shares.len() == SIMS as usize);
    let least = shares.iter().copied().fold(f64::MAX, f64::min);
    let most = shares.iter().copied().fold(f64::MIN, f64::max);
    println!(
        "a thousand SIMs: {:.3} to {:.3} % of their rate",
        least * 100.0,
        most * 100.0
    );
    ensure!(
        least >= 1.0 - TOLERANCE && most <= 1.0 + TOLERANCE,
        "{least} to {most}"
    );
    Ok(())
}
