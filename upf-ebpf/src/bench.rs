//! What `cargo xtask bench` puts around the XDP program to measure it; no part of the product.
//!
//! `BPF_PROG_TEST_RUN` repeats a program over the frame that the last run has left behind. So a wrapper restores the
//! frame, gives it the TEID and the UE address of a random session, and goes on to the program in [`UNDER_TEST`].
//! The wrapper's own cost is that of the same wrapper in front of [`empty`].

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod runtime;

use aya_ebpf::{
    EbpfContext as _, Global,
    bindings::{BPF_FIB_LKUP_RET_SUCCESS, bpf_fib_lookup as FibLookup, xdp_action},
    helpers::{bpf_fib_lookup, bpf_get_prandom_u32, bpf_redirect, bpf_xdp_adjust_head},
    macros::{map, xdp},
    maps::{Array, ProgramArray},
    programs::XdpContext,
};

/// Bytes of a frame that programs change: all headers, rounded up.
const HEADER: usize = 96;
const ETHERNET: usize = 14;
/// Outer IPv4 and UDP, GTP-U with the optional part and a PDU Session Container.
const TUNNEL: usize = 20 + 8 + 8 + 8;
/// The TEID, from the frame's start.
const TEID: usize = ETHERNET + 20 + 8 + 4;
/// Addresses in an IPv4 header.
const SOURCE: usize = 12;
const DESTINATION: usize = 16;
const AF_INET: u8 = 2;

/// Bytes of the frame.
#[unsafe(no_mangle)]
static LENGTH: Global<u32> = Global::new(0);
/// How many sessions there are.
#[unsafe(no_mangle)]
static SESSIONS: Global<u32> = Global::new(1);
/// TEID of the first session; the others' follow.
#[unsafe(no_mangle)]
static FIRST_TEID: Global<u32> = Global::new(0);
/// UE address of the first session; the others' follow.
#[unsafe(no_mangle)]
static FIRST_UE: Global<u32> = Global::new(0);

/// The frame's first bytes.
#[map]
static TEMPLATE: Array<[u8; HEADER]> = Array::with_max_entries(1, 0);
/// The program that is measured.
#[map]
static UNDER_TEST: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// A tunnelled packet from the UE of a random session.
#[xdp]
fn uplink(context: XdpContext) -> u32 {
    let session = random_session();
    let patched = restore(&context).is_some()
        && put(&context, TEID, FIRST_TEID.load().wrapping_add(session))
        && put(
            &context,
            ETHERNET + TUNNEL + SOURCE,
            FIRST_UE.load().wrapping_add(session),
        );
    go_on(&context, patched)
}

/// A packet to the UE of a random session.
#[xdp]
fn downlink(context: XdpContext) -> u32 {
    let session = random_session();
    let patched = restore(&context).is_some()
        && put(
            &context,
            ETHERNET + DESTINATION,
            FIRST_UE.load().wrapping_add(session),
        );
    go_on(&context, patched)
}

/// The least that a program can do.
#[xdp]
fn empty(_: XdpContext) -> u32 {
    xdp_action::XDP_DROP
}

/// Routing without a user plane: look up, rewrite MAC addresses, redirect.
#[xdp]
fn route(context: XdpContext) -> u32 {
    try_route(&context).unwrap_or(xdp_action::XDP_ABORTED)
}

#[inline(always)]
fn try_route(context: &XdpContext) -> Option<u32> {
    let source = *view::<4>(context, ETHERNET + SOURCE)?;
    let destination = *view::<4>(context, ETHERNET + DESTINATION)?;
    // SAFETY: plain integers, for which zero is valid.
    let mut parameters: FibLookup = unsafe { core::mem::zeroed() };
    parameters.family = AF_INET;
    parameters.ifindex = context.ingress_ifindex() as u32;
    parameters.__bindgen_anon_3.ipv4_src = u32::from_ne_bytes(source);
    parameters.__bindgen_anon_4.ipv4_dst = u32::from_ne_bytes(destination);
    // SAFETY: the parameters are the helper's own type and size, on this stack.
    let outcome = unsafe {
        bpf_fib_lookup(
            context.as_ptr(),
            &raw mut parameters,
            size_of::<FibLookup>() as i32,
            0,
        )
    };
    if outcome as u32 != BPF_FIB_LKUP_RET_SUCCESS {
        return None;
    }
    let macs = view::<12>(context, 0)?;
    let (words, _) = macs.as_chunks_mut::<2>();
    let (to, from) = (&raw const parameters.dmac, &raw const parameters.smac);
    for index in 0..3 {
        // SAFETY: each of the two addresses in the helper's record is three words of two bytes, aligned as such.
        let (to, from) = unsafe {
            (
                to.cast::<u16>().add(index).read_volatile(),
                from.cast::<u16>().add(index).read_volatile(),
            )
        };
        words[index] = to.to_ne_bytes();
        words[3 + index] = from.to_ne_bytes();
    }
    // SAFETY: a helper without pointers.
    Some(unsafe { bpf_redirect(parameters.ifindex, 0) as u32 })
}

#[inline(always)]
fn random_session() -> u32 {
    // SAFETY: a helper without arguments.
    let random = u64::from(unsafe { bpf_get_prandom_u32() });
    ((random * u64::from(SESSIONS.load())) >> 32) as u32
}

/// Gives the frame its length and header again. The head is moved even where it stands right, so that this costs the
/// same behind every program.
#[inline(always)]
fn restore(context: &XdpContext) -> Option<()> {
    let mut current = context.data_end() - context.data();
    // The compiler would subtract in 32 bits, which the verifier does not allow for addresses.
    // SAFETY: moves a register onto itself.
    unsafe { core::arch::asm!("{0} = {0}", inout(reg) current, options(pure, nomem, nostack)) };
    // SAFETY: the context is the program's own.
    if unsafe { bpf_xdp_adjust_head(context.ctx, current as i32 - LENGTH.load() as i32) } != 0 {
        return None;
    }
    let template = TEMPLATE.get(0)?;
    let header = view::<HEADER>(context, 0)?;
    *header = *template;
    Some(())
}

/// Writes a number in network byte order.
#[inline(always)]
fn put(context: &XdpContext, offset: usize, number: u32) -> bool {
    view::<4>(context, offset)
        .map(|place| *place = number.to_be_bytes())
        .is_some()
}

/// The bytes at `offset`.
#[inline(always)]
fn view<const N: usize>(context: &XdpContext, offset: usize) -> Option<&mut [u8; N]> {
    let place = context.data() + offset;
    if place + N > context.data_end() {
        return None;
    }
    // SAFETY: inside the frame, without alignment, and used before the next view is made.
    Some(unsafe { &mut *(place as *mut [u8; N]) })
}

#[inline(always)]
fn go_on(context: &XdpContext, is_prepared: bool) -> u32 {
    if is_prepared {
        // SAFETY: nothing of this program is needed any more.
        unsafe { UNDER_TEST.tail_call(context, 0) };
    }
    xdp_action::XDP_ABORTED
}
