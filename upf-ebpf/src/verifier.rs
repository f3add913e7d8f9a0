//! What the compiler must not know, so that the verifier gets to see it.

/// The same number, of which the compiler knows nothing: a comparison with it stays in the program, and as it is.
#[inline(always)]
pub(crate) fn unknown(mut number: usize) -> usize {
    // SAFETY: moves a register onto itself.
    unsafe { core::arch::asm!("{0} = {0}", inout(reg) number, options(pure, nomem, nostack)) };
    number
}
