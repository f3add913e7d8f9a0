//! What the tables do with packets, in words that rows can expect.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

use upf_common::abi::{
    self, LimitDirection, Match, NO_LIST, Rules, flags, level, limit_flags, match_flags, verdict,
};
use upf_common::meter::Rate;
use upf_user::datapath::memory::MemoryDatapath;
use upf_user::datapath::{Datapath, Direction, SlotIndex};

/// RQI in [`Rules::qfi`].
const RQI: u8 = 1 << 6;

/// What a half of a slot does.
pub(crate) fn half(tables: &MemoryDatapath, slot: SlotIndex, direction: Direction) -> String {
    let rules = tables.read_rules(slot, direction).expect("a slot");
    describe(tables, &rules, direction)
}

/// The entries of the list that a half leads to, the first one first.
pub(crate) fn list(tables: &MemoryDatapath, slot: SlotIndex, direction: Direction) -> Vec<String> {
    let rules = tables.read_rules(slot, direction).expect("a slot");
    let (mut entries, mut next) = (Vec::new(), rules.list);
    while rules.verdict == verdict::LIST && next != NO_LIST {
        let page = tables.list(next).expect("a page");
        for entry in &page.entries[..page.len as usize] {
            let mut words = filter(&entry.filter);
            let qfis = (0..64).filter(|qfi| entry.qfis & 1 << qfi != 0);
            for qfi in qfis {
                let _ = write!(words, "qfi {qfi} ");
            }
            let action = describe(tables, &entry.rules, direction);
            entries.push(format!("{words}-> {action}"));
        }
        next = page.next;
    }
    entries
}

fn describe(tables: &MemoryDatapath, rules: &Rules, direction: Direction) -> String {
    let has = |flag: u8| rules.flags & flag != 0;
    let mut words = match rules.verdict {
        verdict::NONE => "nothing".to_owned(),
        // What else stands there then is of no effect.
        verdict::DROP => return "drop".to_owned(),
        verdict::BUFFER => "buffer".to_owned(),
        verdict::LIST => return "list".to_owned(),
        verdict::FORWARD if has(flags::ENCAPSULATE) => {
            let peer = tables.peer(rules.peer).expect("a peer");
            let teid = u32::from_be_bytes(rules.peer_teid);
            format!("to {} {teid:#x}", address(peer.remote))
        }
        verdict::FORWARD => format!("out {}", rules.instance),
        other => format!("verdict {other}"),
    };
    if has(flags::PDU_SESSION) {
        let _ = write!(words, ", qfi {}", rules.qfi & 0x3f);
        if rules.qfi & RQI != 0 {
            words.push_str(" rqi");
        }
    }
    if has(flags::MARK_DSCP) {
        let _ = write!(words, ", dscp {}", rules.dscp);
    }
    if has(flags::MATCH_QFI) {
        let _ = write!(words, ", of qfi {}", rules.match_qfi);
    }
    if let Some(slot) = tables.slot(rules.meter_slot) {
        let state = match direction {
            Direction::Uplink => slot.uplink.state,
            Direction::Downlink => slot.downlink.state,
        };
        let _ = write!(words, ", {} kbit/s", kbps(state.ticks_per_byte));
    }
    let is_uplink = direction == Direction::Uplink && rules.is_downlink == 0;
    for limit in chain(tables, rules.limit, is_uplink) {
        let _ = match limit.flags {
            _ if limit.ticks_per_byte == 0 => write!(words, ", of a {}", whose(limit.level)),
            limit_flags::GUARANTEE => {
                write!(words, ", {} kbit/s guaranteed", kbps(limit.ticks_per_byte))
            }
            flags if flags & limit_flags::PACKETS == 0 => {
                write!(words, ", {} kbit/s", kbps(limit.ticks_per_byte))
            }
            _ => {
                let packets = limit.depth.checked_div(limit.ticks_per_byte).unwrap_or(0);
                let seconds = (limit.depth as f64 * 1024e-9).round();
                write!(words, ", {packets} packets in {seconds} s")
            }
        };
    }
    if rules.duplicate != 0 {
        words.push_str(", copied");
    }
    if rules.verdict != verdict::NONE && !has(flags::GATE_OPEN) {
        words.push_str(", gate closed");
    }
    if let Some(page) = tables.list(rules.list) {
        let beyond = describe(tables, &page.entries[0].rules, direction);
        let _ = write!(words, "; beyond a quota {beyond}");
    }
    words
}

fn whose(of_level: u8) -> &'static str {
    match of_level {
        level::FLOW => "flow",
        level::SESSION => "session",
        level::SIM => "SIM",
        _ => "customer",
    }
}

/// Limits, one behind the other.
fn chain(tables: &MemoryDatapath, first: u32, is_uplink: bool) -> Vec<LimitDirection> {
    let half = |index: u32| {
        let limit = tables.limit(index)?;
        Some(if is_uplink {
            limit.uplink
        } else {
            limit.downlink
        })
    };
    std::iter::successors(half(first), |limit| half(limit.parent)).collect()
}

/// The rate at which a byte takes so many ticks.
fn kbps(ticks_per_byte: u64) -> u64 {
    if ticks_per_byte == u64::MAX {
        return 0;
    }
    // A tick is 1/1024 ns and has 12 fractional bits here.
    let scaled = 8_000_000_u128 << 22;
    let per_byte = u128::from(ticks_per_byte.max(1));
    let kbps = ((scaled + per_byte / 2) / per_byte) as u64;
    // Of the rates that come to so many ticks the roundest one was meant.
    let rounded = (0..6).rev().map(|digits| 10_u64.pow(digits));
    let mut rounded = rounded.map(|unit| (kbps + unit / 2) / unit * unit);
    let is_meant = |kbps: &u64| {
        let rate = Rate::from_bits_per_second(kbps * 1000);
        *kbps > 0 && rate.ticks_per_byte == ticks_per_byte
    };
    rounded.find(is_meant).unwrap_or(kbps)
}

fn address(octets: abi::Address) -> IpAddr {
    Ipv6Addr::from(octets).to_canonical()
}

fn filter(filter: &Match) -> String {
    let mut words = String::new();
    if filter.flags & match_flags::ANY_PROTOCOL == 0 {
        let _ = write!(words, "proto {} ", filter.protocol);
    }
    let sides = [
        (
            "from",
            filter.remote,
            filter.remote_mask,
            filter.remote_ports,
        ),
        ("to", filter.local, filter.local_mask, filter.local_ports),
    ];
    for (name, net, mask, ports) in sides {
        let length = u128::from_be_bytes(mask).count_ones();
        let net = address(net);
        match (net, length) {
            (_, 0) => {}
            (IpAddr::V4(_), 96) => {}
            (IpAddr::V4(_), _) => {
                let _ = write!(words, "{name} {net}/{} ", length - 96);
            }
            (IpAddr::V6(_), _) => {
                let _ = write!(words, "{name} {net}/{length} ");
            }
        }
        if (ports.first, ports.last) != (0, u16::MAX) {
            let _ = write!(words, "{name} port {}-{} ", ports.first, ports.last);
        }
    }
    if filter.tos_mask != 0 {
        let _ = write!(words, "tos {:#x}/{:#x} ", filter.tos, filter.tos_mask);
    }
    if filter.flags & match_flags::SPI != 0 {
        let _ = write!(words, "spi {:#x} ", filter.spi);
    }
    if filter.flags & match_flags::FLOW_LABEL != 0 {
        let _ = write!(words, "label {:#x} ", filter.flow_label);
    }
    words
}
