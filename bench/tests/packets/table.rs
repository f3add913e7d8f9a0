//! The table of cases, both ways.

use std::collections::HashSet;

use anyhow::Result;
use bench::packets::cases::{Case, Expected, all};
use bench::packets::host::HostTables;
use bench::packets::kernel::Kernel;
use bench::packets::soundness::leaves_as;
use bench::packets::{Action, Outcome};
use upf_common::drop_reason::{DropReason, PuntReason};
use upf_common::forward::tables::Way;

/// Reasons that no single frame brings about; `special` has their tests.
const ELSEWHERE: [DropReason; 3] = [
    DropReason::SlotBusy,
    DropReason::NoHeadroom,
    DropReason::PuntLimited,
];

#[test]
fn every_case_ends_as_expected_on_the_host() {
    let wrong: Vec<_> = all()
        .iter()
        .filter_map(|case| check(case, &host(case)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_ends_in_the_kernel_as_on_the_host() -> Result<()> {
    let mut kernel = Kernel::load()?;
    let mut wrong = Vec::new();
    for case in all() {
        let there = kernel.run(&case.world, &case.frame)?;
        wrong.extend(check(&case, &there));
        let here = host(&case);
        if here != there {
            wrong.push(format!(
                "{}: host {here:02x?}\nkernel {there:02x?}",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn every_drop_reason_has_a_case_and_every_case_a_name() {
    let cases = all();
    let reasons: HashSet<_> = cases
        .iter()
        .filter_map(|case| match case.expected {
            Expected::Dropped(_, reason)
            | Expected::HandedOn(reason, _)
            | Expected::DroppedHalfway(reason) => Some(reason),
            _ => None,
        })
        .chain(ELSEWHERE)
        .collect();
    for reason in DropReason::ALL {
        assert!(reasons.contains(reason), "no case for {}", reason.label());
    }
    let names: HashSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
}

fn host(case: &Case) -> Outcome {
    HostTables::new(&case.world).run(&case.frame)
}

/// What is wrong with an outcome.
fn check(case: &Case, outcome: &Outcome) -> Option<String> {
    let punted = outcome.punted[PuntReason::GtpuSignalling as usize];
    let drops: u64 = outcome
        .uplink
        .dropped
        .iter()
        .chain(&outcome.downlink.dropped)
        .sum();
    let forwarded = outcome.uplink.packets + outcome.downlink.packets;
    let untouched = outcome.action == Action::Pass
        && outcome.frame == case.frame
        && drops == 0
        && forwarded == 0;
    let is_right = match &case.expected {
        Expected::Untouched => untouched && punted == 0 && outcome.slots.is_empty(),
        Expected::Punted => untouched && punted == 1,
        Expected::Dropped(way, reason) => {
            outcome.action == Action::Drop
                && outcome.dropped() == Some((*way, *reason))
                && forwarded == 0
        }
        Expected::HandedOn(reason, punt) => {
            outcome.action == Action::Pass
                && outcome.frame == case.frame
                && outcome.dropped() == Some((Way::Uplink, *reason))
                && outcome.punted.iter().sum::<u64>() == 1
                && outcome.punted[*punt as usize] == 1
        }
        Expected::DroppedHalfway(reason) => {
            outcome.action == Action::Drop
                && outcome.dropped() == Some((Way::Downlink, *reason))
                && (outcome.uplink.packets, outcome.downlink.packets) == (1, 0)
        }
        Expected::Leaves(action, frame) => {
            outcome.action == *action && leaves_as(&outcome.frame, frame) && drops == 0
        }
    };
    (!is_right || !adds_up(case, outcome)).then(|| {
        format!(
            "{}: expected {:02x?}\n  got {outcome:02x?}",
            case.name, case.expected
        )
    })
}

/// What a slot has counted is what was counted for all, or it is one packet that was dropped, an IP header long at
/// least where there was a packet.
fn adds_up(case: &Case, outcome: &Outcome) -> bool {
    let all = |of: usize| {
        outcome
            .slots
            .iter()
            .map(|(_, _, counts)| counts[of])
            .sum::<u64>()
    };
    let bytes = outcome.uplink.bytes + outcome.downlink.bytes;
    let packets = outcome.uplink.packets + outcome.downlink.packets;
    let is_dropped_whole = match case.expected {
        Expected::Dropped(_, DropReason::InnerMalformed) => all(2) == 1,
        Expected::Dropped(..) | Expected::DroppedHalfway(_) => {
            (all(2), all(3)) == (0, 0) || all(2) == 1 && all(3) >= 20
        }
        _ => (all(2), all(3)) == (0, 0),
    };
    (all(0), all(1)) == (packets, bytes) && is_dropped_whole
}
