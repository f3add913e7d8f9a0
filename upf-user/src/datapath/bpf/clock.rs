//! The clock that packets are metered by.

/// Nanoseconds of a tick of [`libc::times`]: a hundredth of a second on every Linux (`USER_HZ`).
const TICK_NS: u64 = 10_000_000;

/// Now, at most 10 ms ago: the kernel's jiffies, as the fast path reads them. Programs are told hundredths of a second of them,
/// by `times` alone.
pub(super) fn now_ns() -> u64 {
    // SAFETY: nothing is written by a null pointer, which it may be.
    let ticks = unsafe { libc::times(std::ptr::null_mut()) };
    ticks.cast_unsigned().wrapping_mul(TICK_NS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datapath::bpf::loader::tick_ns;

    /// The kernel's own list of timers tells jiffies, to root.
    fn jiffies() -> u64 {
        let timers = std::fs::read_to_string("/proc/timer_list")
            .expect("/proc/timer_list tells jiffies to root only; run the tests as root");
        let mut lines = timers.lines();
        lines
            .find_map(|line| line.strip_prefix("jiffies: ")?.parse().ok())
            .expect("jiffies in /proc/timer_list")
    }

    #[test]
    fn it_is_the_kernels() {
        let before = now_ns();
        let jiffies = jiffies();
        let after = now_ns();
        let kernels = jiffies.wrapping_mul(tick_ns().unwrap());
        assert!(
            kernels.wrapping_sub(before) < 100_000_000,
            "{before} {kernels} {after}"
        );
        assert!(kernels.wrapping_add(TICK_NS) >= after);
    }
}
