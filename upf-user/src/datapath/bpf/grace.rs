//! Waiting for packets that are under way.

use std::io;

/// `MEMBARRIER_CMD_GLOBAL` of membarrier(2).
const GLOBAL: libc::c_int = 1;

/// Returns when every packet that was in the XDP program when it was called has left it: the kernel runs the program within an
/// RCU read-side section, and the call waits for a grace period (some 10 ms).
///
/// # Errors
/// When the kernel has no such call, or runs with `nohz_full`.
pub fn wait_for_packets() -> io::Result<()> {
    // SAFETY: the call takes three integers, and touches no memory of ours.
    let outcome = unsafe { libc::syscall(libc::SYS_membarrier, GLOBAL, 0, 0) };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_grace_period_ends() {
        super::wait_for_packets().unwrap();
    }
}
