//! The XDP program of the user plane: the packet logic of [`upf_common::forward`] over the kernel's maps.
//!
//! | module | subject |
//! |---|---|
//! | `maps` | the maps and load-time globals |
//! | `frame` | the kernel's packet buffer |
//! | `limits` | the maps of limits, and functions that charge them |
//! | `tables` | maps, clock and routing tables, as the packet logic asks for them |
//! | `usage` | the maps of URRs' counters, and functions that look at quotas |
//! | `verifier` | what the compiler must not know |
//! | `runtime` | licence and panic handler |

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod frame;
mod limits;
mod maps;
mod runtime;
mod tables;
mod usage;
mod verifier;

use aya_ebpf::{bindings::xdp_action, helpers::bpf_redirect, macros::xdp, programs::XdpContext};
use upf_common::forward::{self, Verdict};

use frame::Frame;
use maps::{HAIRPIN_VIA, ROADS};
use tables::KernelTables;

/// Place of [`upf_hairpin`] in `ROADS`.
const HAIRPIN: u32 = 0;

/// Takes every frame of the devices that the agent attaches it to.
#[xdp]
fn upf(context: XdpContext) -> u32 {
    let tables = KernelTables::new(&context);
    tables.begin();
    let ingress_ifindex = context.ingress_ifindex() as u32;
    let verdict = forward::process(&mut Frame::new(&context), &tables, ingress_ifindex);
    if let Verdict::Hairpin { ifindex } = verdict
        && let Some(via) = HAIRPIN_VIA.get_ptr_mut(0)
    {
        // SAFETY: the word is this CPU's own, and read before the next packet comes.
        unsafe { *via = ifindex };
        // SAFETY: nothing of this program is needed any more.
        unsafe { ROADS.tail_call(&context, HAIRPIN) };
    }
    tables.end();
    act(verdict)
}

/// Takes on a packet from one UE to another, which [`upf`] has made a plain IP packet, and ends the run that it has begun.
#[xdp]
fn upf_hairpin(context: XdpContext) -> u32 {
    let tables = KernelTables::new(&context);
    let ingress_ifindex = context.ingress_ifindex() as u32;
    let via_ifindex = HAIRPIN_VIA.get(0).copied().unwrap_or_default();
    let mut frame = Frame::new(&context);
    let verdict = forward::hairpin(&mut frame, &tables, ingress_ifindex, via_ifindex);
    tables.end();
    act(verdict)
}

#[inline(always)]
fn act(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Kernel => xdp_action::XDP_PASS,
        Verdict::Drop => xdp_action::XDP_DROP,
        Verdict::Transmit => xdp_action::XDP_TX,
        Verdict::Redirect { ifindex } => {
            // SAFETY: a helper without pointers.
            unsafe { bpf_redirect(ifindex, 0) as u32 }
        }
        // The program that takes it on was not there.
        Verdict::Hairpin { .. } => xdp_action::XDP_ABORTED,
    }
}
