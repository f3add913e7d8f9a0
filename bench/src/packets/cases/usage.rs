//! What is counted for URRs, and packets beyond a quota.

use super::{Case, SLOT, SLOT_V6, case, down, g_pdu, to_gnb, to_router, transmits, up};
use crate::packets::frames::{from_gnb, from_router, ipv4, ipv6_of, udp};
use crate::packets::world::{QFI, SERVER, SERVER_V6, World, limited_usage, ue, ue_v6, uplink};
use etherparse::IpNumber;
use upf_common::abi::{NO_MARK, NO_USAGE, Rules, Usage, UsageDirection, flags, verdict};
use upf_common::drop_reason::DropReason;

/// Bytes of a UE's packet here.
const BYTES: u64 = 20 + 8 + 6;

fn from_ue() -> Vec<u8> {
    ipv4(
        ue(SLOT),
        SERVER,
        IpNumber::UDP,
        &udp(40_000, 443, b"billed"),
        |_| (),
    )
}

fn to_ue() -> Vec<u8> {
    ipv4(
        SERVER,
        ue(SLOT),
        IpNumber::UDP,
        &udp(443, 40_000, b"billed"),
        |_| (),
    )
}

fn frame() -> Vec<u8> {
    from_gnb(&g_pdu(SLOT, &from_ue()))
}

fn session(threshold: u64, quota: u64) -> World {
    World::new().session(SLOT).quota(SLOT, threshold, quota)
}

/// Thresholds and quotas on what slots count.
pub(super) fn slots() -> Vec<Case> {
    let v6 = to_ue_v6();
    let passes = || transmits(to_router(&from_ue()));
    let uncounted = {
        let mut world = session(1, 1);
        for (_, record) in &mut world.slots {
            record.tail.word = upf_common::abi::usage_flags::DOWNLINK;
        }
        world
    };
    vec![
        case(
            "far from quota and threshold",
            session(1 << 30, 1 << 30),
            frame(),
            passes(),
        ),
        case(
            "the threshold is reached",
            session(BYTES, NO_MARK),
            frame(),
            passes(),
        ),
        case(
            "the quota is used up to the byte",
            session(NO_MARK, BYTES),
            frame(),
            passes(),
        ),
        case("a half that does not count", uncounted, frame(), passes()),
        up(
            "beyond the quota by a byte",
            session(NO_MARK, BYTES - 1),
            frame(),
            DropReason::QuotaExhausted,
        ),
        down(
            "beyond the quota, downlink",
            session(1, 0),
            from_router(&to_ue()),
            DropReason::QuotaExhausted,
        ),
        down(
            "beyond the quota, downlink, IPv6",
            World::new().session(SLOT_V6).quota(SLOT_V6, NO_MARK, 10),
            from_router(&v6),
            DropReason::QuotaExhausted,
        ),
        up(
            "a closed gate before a threshold",
            World::new()
                .change(SLOT, |up, _| up.flags &= !flags::GATE_OPEN)
                .quota(SLOT, 1, NO_MARK),
            frame(),
            DropReason::GateClosed,
        ),
    ]
}

fn to_ue_v6() -> Vec<u8> {
    let datagram = udp(443, 40_000, b"billed");
    ipv6_of(SERVER_V6, ue_v6(SLOT_V6), IpNumber::UDP, &datagram, |_| ())
}

fn usage(threshold: u64, quota: u64) -> Usage {
    let direction = UsageDirection {
        mark: 0,
        ..UsageDirection::default()
    };
    Usage {
        uplink: direction,
        downlink: direction,
        tail: limited_usage(threshold, quota),
    }
}

/// One whose uplink has bounds of its own.
fn usage_of_uplink(threshold: u64, quota: u64) -> Usage {
    let mut usage = usage(NO_MARK, NO_MARK);
    usage.uplink.threshold = threshold;
    usage.uplink.quota = quota;
    usage
}

fn counted(records: &[Usage]) -> World {
    World::new()
        .change(SLOT, |up, down| {
            up.usage = 0;
            down.usage = 0;
        })
        .usage_set(records)
}

/// With an action for what is beyond the quota.
fn with_action(mut usage: Usage) -> Usage {
    usage.tail.word |= upf_common::abi::usage_flags::HAS_ACTION;
    usage
}

/// The same with rules for what is beyond a quota.
fn redirected(records: &[Usage], beyond: Rules) -> World {
    let everything = upf_common::abi::Match {
        flags: upf_common::abi::match_flags::ANY_PROTOCOL,
        ..upf_common::abi::Match::default()
    };
    World::new()
        .change(SLOT, |up, _| {
            up.usage = 0;
            up.list = 0;
        })
        .usage_set(records)
        .list(&[(everything, beyond)])
}

/// Records of URRs beside those of slots.
pub(super) fn records() -> Vec<Case> {
    let open = usage(1 << 30, 1 << 30);
    let passes = || transmits(to_router(&from_ue()));
    let beyond = Rules {
        usage: NO_USAGE,
        ..uplink(SLOT)
    };
    let shut = Rules {
        verdict: verdict::DROP,
        ..beyond
    };
    vec![
        case("two URRs", counted(&[open, open]), frame(), passes()),
        case(
            "two URRs, downlink",
            counted(&[open, open]),
            from_router(&to_ue()),
            transmits(to_gnb(Some(QFI), to_ue()[1], &to_ue())),
        ),
        case(
            "sixteen URRs",
            counted(&[open; upf_common::abi::USAGE_SET_RECORDS]),
            frame(),
            passes(),
        ),
        case(
            "a threshold of the uplink",
            counted(&[open, usage_of_uplink(1, NO_MARK)]),
            frame(),
            passes(),
        ),
        up(
            "beyond the quota of the second URR",
            counted(&[open, usage(NO_MARK, BYTES - 1)]),
            frame(),
            DropReason::QuotaExhausted,
        ),
        up(
            "beyond a quota of the uplink",
            counted(&[usage_of_uplink(NO_MARK, 3)]),
            frame(),
            DropReason::QuotaExhausted,
        ),
        case(
            "a quota of the uplink, downlink",
            counted(&[usage_of_uplink(NO_MARK, 3)]),
            from_router(&to_ue()),
            transmits(to_gnb(Some(QFI), to_ue()[1], &to_ue())),
        ),
        case(
            "beyond the quota, and redirected",
            redirected(&[open, with_action(usage(NO_MARK, 0))], beyond),
            frame(),
            passes(),
        ),
        up(
            "beyond the quota, and dropped by its FAR",
            redirected(&[with_action(usage(NO_MARK, 0))], shut),
            frame(),
            DropReason::FarDrop,
        ),
        up(
            "beyond a quota without action beside one with",
            redirected(&[with_action(usage(NO_MARK, 0)), usage(NO_MARK, 0)], beyond),
            frame(),
            DropReason::QuotaExhausted,
        ),
        case(
            "a quota without action that is not used up, beside one with that is",
            redirected(
                &[usage(NO_MARK, BYTES), with_action(usage(NO_MARK, 0))],
                beyond,
            ),
            frame(),
            passes(),
        ),
        up(
            "beyond a quota whose action has no rules",
            counted(&[with_action(usage(NO_MARK, 0))]),
            frame(),
            DropReason::QuotaExhausted,
        ),
        up(
            "counted before QoS enforcement",
            World::new()
                .change(SLOT, |up, _| {
                    up.usage = 0;
                    up.flags &= !flags::GATE_OPEN;
                })
                .usage_set(&[open]),
            frame(),
            DropReason::GateClosed,
        ),
    ]
}
