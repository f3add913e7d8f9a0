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
//! | `route` | where it leaves |
//! | `rewrite` | new headers |

mod downlink;
mod echo;
mod rewrite;
mod route;
mod rules;
pub mod tables;
mod uplink;

use crate::abi::{Port, roles};
use crate::drop_reason::{DropReason, PuntReason};
use crate::wire::{ETHER_IPV4, ETHER_IPV6, Inner, Link, Packet};
use tables::{Half, Tables, Way};

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
}

/// What a road has made of a frame.
enum Step {
    /// Not ours.
    NotOurs,
    /// For the agent, by way of the kernel.
    Punt(PuntReason),
    /// Done: it leaves.
    Leave(route::Exit),
    /// A UE's packet, to be forwarded.
    Forward(Arrival),
}

/// A packet of a UE, and the slot that it belongs to.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    way: Way,
    half: Half,
    /// Uplink: the TEID that it came by.
    teid: [u8; 4],
    inner: Inner,
    /// QFI that it came with.
    qfi: Option<u8>,
}

/// Why a road ended early, and the slot that it had found by then.
struct Dropped {
    reason: DropReason,
    /// The slot's half and the inner bytes, where they are known.
    charged: Option<(Half, u32)>,
}

impl From<DropReason> for Dropped {
    #[inline(always)]
    fn from(reason: DropReason) -> Self {
        Self {
            reason,
            charged: None,
        }
    }
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
    let (way, step) = road(packet, tables, port, link);
    let outcome = step.and_then(|step| match step {
        Step::Forward(arrival) => forward(packet, tables, arrival).map(Step::Leave),
        step => Ok(step),
    });
    conclude(packet, tables, port, way, outcome)
}

/// Takes the frame as far as the slot.
#[inline(always)]
fn road(
    packet: &mut impl Packet,
    tables: &impl Tables,
    port: &Port,
    link: Link,
) -> (Way, Result<Step, Dropped>) {
    if link.ether_type == ETHER_IPV4
        && port.roles & roles::ACCESS != 0
        && let Some(datagram) = uplink::Datagram::read(packet, link, port)
    {
        let step = uplink::run(packet, tables, port, link, datagram);
        return (Way::Uplink, step);
    }
    if port.roles & roles::CORE != 0 && matches!(link.ether_type, ETHER_IPV4 | ETHER_IPV6) {
        return (Way::Downlink, downlink::run(packet, tables, port, link));
    }
    (Way::Downlink, Ok(Step::NotOurs))
}

/// Takes a UE's packet from the slot to its way out.
#[inline(always)]
fn forward(
    packet: &mut impl Packet,
    tables: &impl Tables,
    arrival: Arrival,
) -> Result<route::Exit, Dropped> {
    let Arrival {
        way, half, inner, ..
    } = arrival;
    let charge = |reason| Dropped {
        reason,
        charged: Some((half, inner.length)),
    };
    let mut rules = half.rules().ok_or(charge(DropReason::SlotBusy))?;
    let passage = rules::apply(packet, tables, &mut rules, arrival).map_err(charge)?;
    if !rewrite::run(packet, &rules, arrival, &passage) {
        return Err(charge(DropReason::NoHeadroom));
    }
    half.count_forwarded(inner.length);
    tables.count_forwarded(way, inner.length);
    Ok(route::Exit {
        ifindex: passage.route.transmit_ifindex,
        port_number: passage.route.port_number,
    })
}

/// The one place that turns what happened into a verdict, and counts it.
#[inline(always)]
fn conclude(
    packet: &impl Packet,
    tables: &impl Tables,
    ingress: &Port,
    way: Way,
    outcome: Result<Step, Dropped>,
) -> Verdict {
    match outcome {
        // What is forwarded has become a frame that leaves.
        Ok(Step::NotOurs | Step::Forward(_)) => Verdict::Kernel,
        Ok(Step::Punt(reason)) if tables.may_punt() => {
            tables.count_punted(reason);
            Verdict::Kernel
        }
        Ok(Step::Punt(_)) => {
            tables.count_dropped(way, DropReason::PuntLimited);
            Verdict::Drop
        }
        Ok(Step::Leave(exit)) => {
            tables.count_sent(exit.port_number, packet.len());
            if exit.ifindex == ingress.transmit_ifindex {
                Verdict::Transmit
            } else {
                Verdict::Redirect {
                    ifindex: exit.ifindex,
                }
            }
        }
        Err(Dropped { reason, charged }) => {
            if let Some((half, bytes)) = charged {
                half.count_dropped(bytes);
            }
            tables.count_dropped(way, reason);
            Verdict::Drop
        }
    }
}
