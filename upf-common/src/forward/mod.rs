//! The packet logic: parse → find → decide → rewrite.
//!
//! One packet in, one [`Verdict`] out. What is not ours goes to the kernel untouched; what is ours and is not
//! forwarded is counted under one [`DropReason`].
//!
//! | module | subject |
//! |---|---|
//! | [`tables`] | what the logic asks of the host that it runs on |
//! | `uplink` | GTP-U to one of our addresses |
//! | `downlink` | IP to a UE address |
//! | `echo` | GTP-U Echo Request |
//! | `rules` | which rules apply, and whether they let the packet pass |
//! | `limits` | whether its limits let it pass |
//! | [`usage`] | what is counted for URRs, and their quotas |
//! | `route` | where it leaves |
//! | `rewrite` | new headers |

mod downlink;
mod echo;
mod limits;
mod rewrite;
mod route;
mod rules;
pub mod tables;
mod uplink;
pub mod usage;

use crate::abi::{NO_USAGE, Port, roles, verdict};
use crate::drop_reason::{DropReason, PuntReason};
use crate::snapshot::Snapshot;
use crate::wire::{ETHER_IPV4, ETHER_IPV6, Inner, Link, NO_QFI, Packet};
pub use limits::{charge_limit, charge_rest, end_chain};
pub use route::{HAIRPIN, USABLE, route_index};
use tables::{Half, Load, Tables, Way};

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The kernel's network stack takes it.
    Kernel,
    /// It ends here.
    Drop,
    /// It leaves by the device that it came from.
    Transmit,
    /// It leaves by another device.
    Redirect {
        /// That device.
        ifindex: u32,
    },
    /// It has become a plain IP packet to another UE: [`hairpin`] takes it from here, as if it had arrived at this
    /// device.
    Hairpin {
        /// That device.
        ifindex: u32,
    },
}

/// What a road has made of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Step {
    /// Not ours.
    NotOurs,
    /// Ours, and ends here for [`Found::reason`].
    Drop,
    /// For the agent, by way of the kernel.
    Punt,
    /// As [`Self::Drop`], but the agent gets to see it, by way of the kernel, and answers the sender.
    Reply,
    /// It has become the answer to itself, and leaves by the device that it came from.
    Answer,
    /// A UE's packet, to be forwarded.
    Forward,
}

/// How far a road has got. One record of all that may be known rather than an enum with contents: the contents of
/// variants share memory, and the compiler then moves them about in pieces that BPF's verifier does not like.
#[derive(Clone, Copy, Debug)]
struct Found {
    step: Step,
    reason: DropReason,
    way: Way,
    /// The slot.
    half: Option<Half>,
    /// Uplink: the TEID that the packet came by.
    teid: [u8; 4],
    /// QFI that it came with, or [`NO_QFI`].
    qfi: u8,
    /// The UE's packet.
    inner: Inner,
}

impl Found {
    #[inline(always)]
    fn nothing(way: Way, step: Step) -> Self {
        Self {
            step,
            reason: DropReason::NoRoute,
            way,
            half: None,
            teid: [0; 4],
            qfi: NO_QFI,
            inner: Inner::NONE,
        }
    }

    #[inline(always)]
    fn drop(way: Way, reason: DropReason) -> Self {
        Self {
            reason,
            ..Self::nothing(way, Step::Drop)
        }
    }
}

/// The device that a frame leaves by. In whole words, which BPF's stack likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exit {
    ifindex: u32,
    /// Number of its counters.
    port_number: u32,
    kind: ExitKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum ExitKind {
    Wire,
    /// The packet does not leave: it is for another UE.
    Hairpin,
}

/// What a packet counts for.
#[derive(Clone, Copy, Debug)]
struct CountedAs {
    way: Way,
    /// [`crate::abi::Rules::usage`].
    usage: u32,
}

impl CountedAs {
    #[inline(always)]
    fn nothing_but(way: Way) -> Self {
        Self {
            way,
            usage: NO_USAGE,
        }
    }
}

/// How often a packet has turned round to another UE, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hairpins {
    First,
    Second,
}

/// Takes one frame that arrived at a device.
#[inline(always)]
pub fn process(packet: &mut impl Packet, tables: &impl Tables, ingress_ifindex: u32) -> Verdict {
    let Some(port) = tables.port(ingress_ifindex) else {
        return Verdict::Kernel;
    };
    tables.count_received(port.number, packet.len());
    let Some(link) = Link::read(packet, port.mac) else {
        return Verdict::Kernel;
    };
    let found = road(packet, tables, port, link);
    match found.step {
        Step::NotOurs => Verdict::Kernel,
        Step::Drop => drop(
            tables,
            &found,
            CountedAs::nothing_but(found.way),
            found.reason,
        ),
        Step::Punt => punt(tables, &found),
        Step::Reply => reply(tables, &found),
        Step::Answer => {
            let exit = Exit {
                ifindex: port.transmit_ifindex,
                port_number: port.number.into(),
                kind: ExitKind::Wire,
            };
            send(packet, tables, port, exit)
        }
        Step::Forward => {
            let mut counted_as = CountedAs::nothing_but(found.way);
            match forward(packet, tables, &found, &mut counted_as, Hairpins::First) {
                Ok(exit) if exit.kind == ExitKind::Hairpin => Verdict::Hairpin {
                    ifindex: exit.ifindex,
                },
                Ok(exit) => send(packet, tables, port, exit),
                Err(reason) => drop(tables, &found, counted_as, reason),
            }
        }
    }
}

/// Takes on a packet from one UE to another, which [`process`] has made a plain IP packet. `via_ifindex` is the core
/// device that it would have left by, and `ingress_ifindex` the one where the frame came from.
#[inline(always)]
pub fn hairpin(
    packet: &mut impl Packet,
    tables: &impl Tables,
    ingress_ifindex: u32,
    via_ifindex: u32,
) -> Verdict {
    let (Some(ingress), Some(via)) = (tables.port(ingress_ifindex), tables.port(via_ifindex))
    else {
        return Verdict::Drop;
    };
    let Some(link) = Link::read(packet, via.mac) else {
        return Verdict::Drop;
    };
    let found = downlink::run(packet, tables, via, link);
    let mut counted_as = CountedAs::nothing_but(Way::Downlink);
    if found.step != Step::Forward {
        return drop(tables, &found, counted_as, DropReason::UnknownUeAddress);
    }
    match forward(packet, tables, &found, &mut counted_as, Hairpins::Second) {
        Ok(exit) => send(packet, tables, ingress, exit),
        Err(reason) => drop(tables, &found, counted_as, reason),
    }
}

/// Takes the frame as far as the slot.
#[inline(always)]
fn road(packet: &mut impl Packet, tables: &impl Tables, port: &Port, link: Link) -> Found {
    if port.roles & roles::ACCESS != 0
        && let Some(datagram) = uplink::Datagram::read(packet, link, port)
    {
        return uplink::run(packet, tables, link, datagram);
    }
    if port.roles & roles::CORE != 0 && matches!(link.ether_type, ETHER_IPV4 | ETHER_IPV6) {
        return downlink::run(packet, tables, port, link);
    }
    Found::nothing(Way::Downlink, Step::NotOurs)
}

/// Takes a UE's packet from the slot to its way out. Checks come in an order in which nothing is charged for a packet
/// that is dropped later: the meter is last. `counted_as` becomes what the packet counts for.
#[inline(always)]
fn forward(
    packet: &mut impl Packet,
    tables: &impl Tables,
    found: &Found,
    counted_as: &mut CountedAs,
    hairpins: Hairpins,
) -> Result<Exit, DropReason> {
    let half = found.half.ok_or(DropReason::SlotBusy)?;
    let mut rules = half.rules().ok_or(DropReason::SlotBusy)?;
    rules::check_slot(tables, &rules, found)?;
    if rules.is_downlink() != 0 {
        counted_as.way = Way::Downlink;
    }
    if rules.verdict() == verdict::LIST {
        let arrival = rules::Arrival::new(counted_as.way, found.qfi);
        let entry = rules::select(packet, tables, rules.list(), found.inner.offset, arrival);
        rules = Snapshot::of(&entry.ok_or(DropReason::NoMatchingPdr)?.rules);
    } else {
        rules::check_qfi(&rules, found.qfi)?;
    }
    rules::check_source(tables, &rules, found)?;
    counted_as.usage = rules.usage();
    let now = tables.now_ns();
    let beyond = rules::look_at_quotas(tables, half, &rules, found, counted_as.way, now);
    if beyond != 0 {
        // For what comes now.
        rules = rules::beyond_quota(tables, beyond).ok_or(DropReason::QuotaExhausted)?;
        counted_as.usage = rules.usage();
    } else {
        // Not so, but BPF's verifier goes through what comes first first, and rules of which it knows nothing are to it a case that
        // all others are like.
        core::hint::cold_path();
    }
    rules::copy(packet, tables, &rules, found);
    rules::check_actions(&rules, found)?;
    let peer = rules::peer(tables, &rules)?;
    let route = rules::route(tables, &rules, &found.inner, peer, now)?;
    let is_hairpin = peer.is_none() && route.refused == HAIRPIN;
    if is_hairpin && hairpins == Hairpins::Second {
        // Rules without a tunnel to the UE: nothing that leads anywhere.
        return Err(DropReason::NoRoute);
    }
    let is_marked = rules::check_rate(tables, &rules, found, counted_as.way, now)?;
    let inner =
        rewrite::mark(packet, &rules, found.inner, is_marked).ok_or(DropReason::NoHeadroom)?;
    let is_rewritten = if is_hairpin {
        rewrite::to_hairpin(packet, inner, route)
    } else {
        rewrite::run(packet, &rules, inner, found.way, peer, route)
    };
    if !is_rewritten {
        return Err(DropReason::NoHeadroom);
    }
    rules::count(tables, half, &rules, found, counted_as.way, now);
    tables.count_forwarded(counted_as.way, found.inner.length);
    Ok(Exit {
        ifindex: route.transmit_ifindex,
        port_number: route.port_number.into(),
        kind: if is_hairpin {
            ExitKind::Hairpin
        } else {
            ExitKind::Wire
        },
    })
}

#[inline(always)]
fn send(packet: &impl Packet, tables: &impl Tables, ingress: &Port, exit: Exit) -> Verdict {
    tables.count_sent(exit.port_number as u8, packet.len());
    if exit.ifindex == ingress.transmit_ifindex && ingress.redirect_only == 0 {
        Verdict::Transmit
    } else {
        Verdict::Redirect {
            ifindex: exit.ifindex,
        }
    }
}

#[inline(always)]
fn punt(tables: &impl Tables, found: &Found) -> Verdict {
    if tables.may_punt() {
        tables.count_punted(PuntReason::GtpuSignalling);
        Verdict::Kernel
    } else {
        let counted_as = CountedAs::nothing_but(found.way);
        drop(tables, found, counted_as, DropReason::PuntLimited)
    }
}

#[inline(always)]
fn reply(tables: &impl Tables, found: &Found) -> Verdict {
    let counted_as = CountedAs::nothing_but(found.way);
    let verdict = drop(tables, found, counted_as, found.reason);
    if tables.may_reply() {
        tables.count_punted(match found.reason {
            DropReason::UnsupportedExtension => PuntReason::UnsupportedExtension,
            _ => PuntReason::UnknownTeid,
        });
        Verdict::Kernel
    } else {
        verdict
    }
}

/// The one place where packets end and are counted.
#[inline(always)]
fn drop(tables: &impl Tables, found: &Found, counted_as: CountedAs, reason: DropReason) -> Verdict {
    if let Some(half) = found.half {
        let load = Load::new(found.inner.length, counted_as.way, found.way);
        tables.count_drop(
            half.slot(),
            counted_as.usage,
            load,
            usage::is_held_back(reason),
        );
    }
    tables.count_dropped(counted_as.way, reason);
    Verdict::Drop
}
