//! Rates in the kernel, with both cores sending as fast as they can.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use bench::packets::kernel::Kernel;
use bench::packets::round::{frame, going_round, send};
use bench::packets::world::{World, limited};
use upf_common::abi::level;
use upf_common::meter::Rate;

/// Packets of one call. What goes before it takes the kernel a few milliseconds where it is more than one.
const TIMES: u32 = 100_000;
/// Cores are for one test at a time.
static CORES: Mutex<()> = Mutex::new(());
/// How far off a rate may be.
const TOLERANCE: f64 = 0.02;

/// With a limit of this rate for each SIM.
fn with_sims(world: World, sims: u32, bits_per_second: u64) -> World {
    let sim = limited(level::SIM, Rate::from_bits_per_second(bits_per_second));
    (0..sims).fold(world, |world, _| world.limits(&[sim]))
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
        let world = with_sims(going_round(2, |_, up| up.limit = 0), 1, bits_per_second);
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
    let world = with_sims(
        going_round(SIMS, |slot, up| up.limit = slot),
        SIMS,
        BITS_PER_SECOND,
    );
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
