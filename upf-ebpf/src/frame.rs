//! The kernel's packet buffer.

use aya_ebpf::{
    EbpfContext as _,
    bindings::xdp_md,
    helpers::{bpf_csum_diff, bpf_xdp_adjust_head, bpf_xdp_adjust_tail},
    programs::XdpContext,
};
use upf_common::wire::Packet;

use crate::verifier::unknown;

/// Offsets that a packet can have at all; the verifier wants a bound.
const MAX_OFFSET: usize = 0x3fff;

/// The frame in the buffer of one XDP run.
pub(crate) struct Frame {
    context: *mut xdp_md,
}

impl Frame {
    #[inline(always)]
    pub(crate) fn new(context: &XdpContext) -> Self {
        Self {
            context: context.as_ptr().cast(),
        }
    }

    #[inline(always)]
    fn start(&self) -> usize {
        // SAFETY: the context lives as long as the program runs. Read anew at each use, because moving head or tail
        // moves it.
        unsafe { (&raw const (*self.context).data).read_volatile() as usize }
    }

    #[inline(always)]
    fn end(&self) -> usize {
        // SAFETY: as above.
        unsafe { (&raw const (*self.context).data_end).read_volatile() as usize }
    }

    /// Where `N` bytes at `offset` begin. This comparison is what the verifier goes by.
    #[inline(always)]
    fn place<const N: usize>(&self, offset: usize) -> Option<*mut [u8; N]> {
        if offset > MAX_OFFSET {
            return None;
        }
        let place = self.start() + offset;
        // For one byte the compiler would compare `place < end of frame`, from which the verifier learns nothing.
        let end = if N == 1 {
            unknown(place + N)
        } else {
            place + N
        };
        (end <= self.end()).then_some(place as *mut [u8; N])
    }
}

impl Packet for Frame {
    #[inline(always)]
    fn len(&self) -> usize {
        self.end() - self.start()
    }

    #[inline(always)]
    fn forget(&self, offset: usize) -> usize {
        let mut forgotten = offset;
        // SAFETY: twice the same exclusive or is no change.
        unsafe {
            core::arch::asm!(
                "{0} ^= {1}",
                "{0} ^= {1}",
                inout(reg) forgotten,
                in(reg) self.len(),
                options(pure, nomem, nostack)
            );
        }
        forgotten
    }

    #[inline(always)]
    fn view<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        // SAFETY: inside the frame as checked, without alignment, and not moved while `self` is borrowed.
        self.place(offset).map(|place| unsafe { &*place })
    }

    #[inline(always)]
    fn partial_sum<const N: usize>(&self, offset: usize) -> Option<u32> {
        let place = self.place::<N>(offset)?;
        // SAFETY: nothing is subtracted, and `N` bytes inside the frame are added.
        let sum = unsafe { bpf_csum_diff(core::ptr::null_mut(), 0, place.cast(), N as u32, 0) };
        Some(sum as u32)
    }

    #[inline(always)]
    fn view_mut<const N: usize>(&mut self, offset: usize) -> Option<&mut [u8; N]> {
        // SAFETY: as above, and borrowed once.
        self.place(offset).map(|place| unsafe { &mut *place })
    }

    #[inline(always)]
    fn move_head(&mut self, delta: i32) -> bool {
        // SAFETY: the context is the program's own, and no view is borrowed.
        unsafe { bpf_xdp_adjust_head(self.context, delta) == 0 }
    }

    #[inline(always)]
    fn move_tail(&mut self, delta: i32) -> bool {
        // SAFETY: as above.
        unsafe { bpf_xdp_adjust_tail(self.context, delta) == 0 }
    }
}
