//! The XDP program of the user plane: the packet logic of [`upf_common::forward`] over the kernel's maps.
//!
//! | module | subject |
//! |---|---|
//! | `maps` | the maps and load-time globals |
//! | `frame` | the kernel's packet buffer |
//! | `tables` | maps, clock and routing tables, as the packet logic asks for them |
//! | `verifier` | what the compiler must not know |
//! | `runtime` | licence and panic handler |

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod frame;
mod maps;
mod runtime;
mod tables;
mod verifier;

use aya_ebpf::{bindings::xdp_action, helpers::bpf_redirect, macros::xdp, programs::XdpContext};
use upf_common::forward::{Verdict, process};

use frame::Frame;
use tables::KernelTables;

/// Takes every frame of the devices that the agent attaches it to.
#[xdp]
fn upf(context: XdpContext) -> u32 {
    let tables = KernelTables::new(&context);
    let ingress_ifindex = context.ingress_ifindex() as u32;
    let verdict = process(&mut Frame::new(&context), &tables, ingress_ifindex);
    match verdict {
        Verdict::Kernel => xdp_action::XDP_PASS,
        Verdict::Drop => xdp_action::XDP_DROP,
        Verdict::Transmit => xdp_action::XDP_TX,
        Verdict::Redirect { ifindex } => {
            // SAFETY: a helper without pointers.
            unsafe { bpf_redirect(ifindex, 0) as u32 }
        }
    }
}
