//! What is read after waiting for packets under way stays as it is, though packets come as fast as they can.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use aya::programs::{TestRun as _, TestRunOptions};
use bench::figures::product::remember;
use bench::packets::round::{frame, going_round};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use upf_common::abi::Rules;
use upf_user::datapath::bpf::loader::Program;
use upf_user::datapath::bpf::{Sizes, load};
use upf_user::datapath::{Account, Datapath, Direction, SlotIndex};

const ROUNDS: u32 = 500;
/// Packets of one call of the kernel.
const TIMES: u32 = 20_000;
/// Longer than a packet takes.
const LATER: Duration = Duration::from_micros(20);
const SLOT: SlotIndex = SlotIndex(0);

fn stay_on(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Sends until it is told to stop.
fn send(program: &mut Program, is_done: &AtomicBool) -> Result<()> {
    stay_on(1)?;
    let (frame, mut output) = (frame(0), vec![0; 2048]);
    let program = program.xdp()?;
    while !is_done.load(Ordering::Relaxed) {
        program.test_run(TestRunOptions {
            data_in: Some(&frame),
            data_out: Some(&mut output),
            repeat: TIMES,
            ..TestRunOptions::default()
        })?;
    }
    Ok(())
}

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn packets(tables: &impl Datapath) -> Result<u64> {
    let counters = tables.usage_counters(Account::Slot(SLOT), Direction::Uplink)?;
    Ok(counters.passed.packets)
}

/// Takes the rules away again and again, under packets. Tells how often a packet was counted later than the first look, and
/// the shortest wait.
fn take_away(tables: &mut impl Datapath, rules: &Rules, waits: bool) -> Result<(u32, Duration)> {
    let (mut late, mut shortest) = (0, Duration::MAX);
    for _ in 0..ROUNDS {
        let before = packets(tables)?;
        tables.write_rules(SLOT, Direction::Uplink, rules)?;
        let start = Instant::now();
        while packets(tables)? == before && start.elapsed() < Duration::from_secs(5) {
            std::hint::spin_loop();
        }
        ensure!(packets(tables)? > before, "no packet passes");
        tables.write_rules(SLOT, Direction::Uplink, &Rules::default())?;
        let start = Instant::now();
        if waits {
            tables.wait_for_packets()?;
        }
        shortest = shortest.min(start.elapsed());
        let last = packets(tables)?;
        spin(LATER);
        late += u32::from(packets(tables)? != last);
    }
    Ok((late, shortest))
}

#[test]
fn no_packet_is_counted_behind_the_wait() -> Result<()> {
    let world = going_round(1, |_, _| ());
    let mut loaded = load(
        &Sizes {
            slots: 256,
            blocks: 1,
            peers: 1,
            lists: 1,
            limits: 1,
            usages: 1,
        },
        None,
    )?;
    let (_, slot) = &world.slots[0];
    let rules = slot.uplink.rules[1];
    loaded.ports.put(&world.ports[0])?;
    loaded.datapath.write_peer(0, &world.peers[0])?;
    remember(&mut loaded.program, &world.routes)?;
    let is_done = AtomicBool::new(false);
    let (mut program, mut tables) = (loaded.program, loaded.datapath);
    thread::scope(|scope| {
        let sender = scope.spawn(|| send(&mut program, &is_done));
        stay_on(0)?;
        let outcome = take_away(&mut tables, &rules, false)
            .and_then(|without| Ok((without, take_away(&mut tables, &rules, true)?)));
        is_done.store(true, Ordering::Relaxed);
        sender.join().expect("no panic")?;
        let ((late_without, _), (late, shortest)) = outcome?;
        println!("{late_without} of {ROUNDS} late without waiting; {shortest:?} the shortest wait");
        ensure!(late == 0, "{late} of {ROUNDS} are counted too late");
        Ok(())
    })
}
