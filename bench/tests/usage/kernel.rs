//! Quotas in the kernel, with both cores sending as fast as they can.

use std::time::Duration;

use anyhow::{Result, ensure};
use bench::packets::kernel::Kernel;
use bench::packets::round::{BYTES, frame, going_round, send};
use bench::packets::world::{World, limited_usage};
use upf_common::abi::{
    NO_MARK, USAGE_RECORD, Usage, UsageDirection, UsageEvent, UsageTail, usage_event,
};

const MB: u64 = 1 << 20;
/// So much that neither core uses it up before the other begins.
const MUCH: u64 = 512 * MB;
/// Packets of one call. What goes before it takes the kernel a few milliseconds.
const TIMES: u32 = 100_000;
/// Long enough to use up each quota here.
const TIME: Duration = Duration::from_millis(400);
/// One packet of each core may pass beyond a quota: both look before they count.
const BEYOND: u64 = 2 * BYTES as u64;

/// What has passed, in bytes, of all slots.
fn passed(kernel: &mut Kernel, slots: u32) -> Result<u64> {
    (0..slots).try_fold(0, |sum, slot| {
        Ok(sum + kernel.slot(slot)?.uplink.state.bytes)
    })
}

/// Both cores send into a world whose quota is used up then.
fn use_up(kernel: &mut Kernel, frames: [&[Vec<u8>]; 2], slots: u32, quota: u64) -> Result<()> {
    send(kernel, frames, TIMES, TIME)?;
    let passed = passed(kernel, slots)?;
    ensure!(
        passed <= quota + BEYOND,
        "{passed} bytes of a quota of {quota}"
    );
    ensure!(
        passed > quota - BYTES as u64,
        "{passed} bytes of a quota of {quota}: it is not used up"
    );
    Ok(())
}

fn exhausted(account: u32) -> UsageEvent {
    UsageEvent {
        account,
        kind: usage_event::EXHAUSTED,
    }
}

#[test]
fn a_slots_quota_stops_both_cores() -> Result<()> {
    let mut kernel = Kernel::load()?;
    let frames = [frame(0)];
    for quota in [MUCH, MB, MB + 1, 17 * BYTES as u64, 5_000, BYTES as u64] {
        let mut world = going_round(1, |_, _| ());
        world = world.quota(0, NO_MARK, quota);
        kernel.install(&world)?;
        use_up(&mut kernel, [&frames, &frames], 1, quota)?;
        // Told once, however many packets have come since.
        assert_eq!(kernel.take_usage_events()?, [exhausted(0)]);
        kernel.remove(&world)?;
    }
    Ok(())
}

/// Two sessions of one URR, of which one counts as downlink: each core sends for one of them.
fn of_both_directions(tail: UsageTail) -> World {
    let direction = UsageDirection {
        mark: 0,
        ..UsageDirection::default()
    };
    let usage = Usage {
        uplink: direction,
        downlink: direction,
        tail,
    };
    going_round(2, |slot, up| {
        up.usage = 0;
        up.is_downlink = slot as u8;
    })
    .usage_set(&[usage])
}

#[test]
fn a_records_quota_is_of_both_directions() -> Result<()> {
    let mut kernel = Kernel::load()?;
    let frames = [[frame(0)], [frame(1)]];
    for quota in [MB, MUCH + 7, 40 * BYTES as u64] {
        let world = of_both_directions(limited_usage(NO_MARK, quota));
        kernel.install(&world)?;
        use_up(&mut kernel, [&frames[0], &frames[1]], 2, quota)?;
        let usage = kernel.usage(0)?;
        ensure!(quota < MUCH || usage.uplink.bytes > 0 && usage.downlink.bytes > 0);
        assert_eq!(
            usage.uplink.bytes + usage.downlink.bytes,
            passed(&mut kernel, 2)?
        );
        assert_eq!(kernel.take_usage_events()?, [exhausted(USAGE_RECORD)]);
        kernel.remove(&world)?;
    }
    Ok(())
}

#[test]
fn a_threshold_is_told_once_and_stops_nothing() -> Result<()> {
    let mut kernel = Kernel::load()?;
    let frames = [[frame(0)], [frame(1)]];
    let world = of_both_directions(limited_usage(MB, NO_MARK));
    kernel.install(&world)?;
    send(&kernel, [&frames[0], &frames[1]], TIMES, TIME)?;
    ensure!(passed(&mut kernel, 2)? > 2 * MB);
    let usage = kernel.usage(0)?;
    assert_eq!(
        usage.uplink.dropped.packets + usage.downlink.dropped.packets,
        0
    );
    let reached = UsageEvent {
        account: USAGE_RECORD,
        kind: usage_event::REACHED,
    };
    assert_eq!(kernel.take_usage_events()?, [reached]);
    kernel.remove(&world)
}
