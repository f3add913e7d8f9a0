//! What a packet costs in the kernel: `upf-bench`, and what criterion's benches share with it.
//!
//! `BPF_PROG_TEST_RUN` repeats the XDP program behind a wrapper that gives it the frame of another random session
//! each time (`upf-ebpf/src/bench.rs`). Measured is this thread's CPU time: other processes' work and the kernel's
//! waits between runs do not count. The wrapper in front of an empty program is subtracted: *net* nanoseconds.
//!
//! | module | subject |
//! |---|---|
//! | [`frames`] | the frames |
//! | [`network`] | a network namespace with routes for the program that only routes |
//! | [`product`] | the XDP program and its tables full of sessions |
//! | [`wrapper`] | the programs around it, and how they are timed |
//! | [`statistics`] | medians and minima |
//! | [`report`] | the tables that are printed |
//! | [`requests`] | PFCP requests for criterion's benches |

pub mod frames;
pub mod network;
pub mod product;
pub mod report;
pub mod requests;
pub mod statistics;
pub mod wrapper;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::{Pid, geteuid};
use upf_common::forward::tables::Way;

use product::{Levels, MAX_SESSIONS, Product};
use report::{Line, Report};
use wrapper::{Target, Wrapper};

/// What is measured, and for how long.
#[derive(Clone, Debug, Parser)]
#[command(about = "Measure ns per packet of the XDP program with BPF_PROG_TEST_RUN (needs root)")]
pub struct Options {
    /// Resident sessions, as many figures as wanted
    #[arg(long, value_delimiter = ',', default_values_t = [1, 1_000, 100_000, 1_000_000],
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SESSIONS)))]
    pub sessions: Vec<u32>,
    /// Runs of each program, interleaved; median and minimum are shown
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Packets of each run
    #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub packets: u32,
    /// Three short runs: figures are rough
    #[arg(long)]
    pub quick: bool,
}

/// Measures and prints.
///
/// # Errors
/// Without root, without the eBPF objects, or when a packet is not forwarded as it should be.
pub fn run(options: &Options) -> Result<()> {
    ensure!(
        geteuid().is_root(),
        "running BPF programs needs root; try sudo"
    );
    let options = if options.quick {
        &Options {
            runs: 3,
            packets: 100_000,
            ..options.clone()
        }
    } else {
        options
    };
    network::enter()?;
    pin_to_this_cpu()?;
    let mut report = Report::new(options.runs, options.packets);
    for &sessions in &options.sessions {
        let mut product = Product::load(sessions)?;
        report.program(product.size()?);
        for levels in Levels::ALL {
            product.fill(levels)?;
            for way in [Way::Uplink, Way::Downlink] {
                eprintln!("   {sessions} sessions, {}, {way:?}", levels.name());
                report.add(measure(&mut product, levels, way, options)?);
            }
        }
    }
    report.print();
    Ok(())
}

/// All programs in turn, so that each of them meets the same moods of the machine.
fn measure(product: &mut Product, levels: Levels, way: Way, options: &Options) -> Result<Line> {
    let sessions = product.sessions();
    let mut wrapper = Wrapper::load(way, sessions)?;
    let packets = options.packets;
    // The first touches of pages and cache lines are nobody's.
    wrapper.time(Target::Product(product), packets.max(2 * sessions))?;
    let mut line = Line::new(sessions, levels, way);
    for _ in 0..options.runs {
        if levels == Levels::Urr {
            line.without
                .add(wrapper.time(Target::Product(product), packets)?);
            product.set_urrs(true)?;
            // Nearly all sessions have had their first packet then.
            wrapper.time(Target::Product(product), packets.max(6 * sessions))?;
        }
        let before = product.forwarded(way)?;
        line.product
            .add(wrapper.time(Target::Product(product), packets)?);
        let forwarded = product.forwarded(way)? - before;
        ensure!(
            forwarded == u64::from(packets),
            "{forwarded} of {packets} packets were forwarded, {sessions} sessions, {way:?}"
        );
        for (target, samples) in [
            (Target::Empty, &mut line.floor),
            (Target::Route, &mut line.route),
            (Target::EmptyAlone, &mut line.empty),
        ] {
            samples.add(wrapper.time(target, packets)?);
        }
        if levels == Levels::Urr {
            product.set_urrs(false)?;
            wrapper.time(Target::Product(product), packets.max(sessions))?;
        }
    }
    Ok(line)
}

/// Stays where the scheduler has put us: a move would empty the caches.
fn pin_to_this_cpu() -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(sched_getcpu()?)?;
    sched_setaffinity(Pid::from_raw(0), &cpus).context("staying on one CPU")
}
