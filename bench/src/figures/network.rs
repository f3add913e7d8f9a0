//! A network namespace of this thread's own, in which the kernel has routes for every frame.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nix::sched::{CloneFlags, unshare};

/// Where the kernel routes to: GTP-U addresses and UEs, by a pair of devices that goes nowhere.
const COMMANDS: [&str; 7] = [
    "link set lo up",
    "link add far type veth peer name beyond",
    "link set far up",
    "link set beyond up",
    "addr add 10.9.0.1/24 dev far",
    "neigh add 10.9.0.2 lladdr 02:00:00:00:01:02 dev far",
    "route add 10.0.0.0/8 via 10.9.0.2",
];

/// Leaves the host's network for a fresh one.
///
/// # Errors
/// Without root, or without iproute2.
pub fn enter() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context("making a network namespace")?;
    for arguments in COMMANDS {
        let status = Command::new("ip").args(arguments.split(' ')).status();
        let status = status.context("cannot start `ip`; iproute2 is needed")?;
        ensure!(status.success(), "`ip {arguments}` failed");
    }
    // Frames of `BPF_PROG_TEST_RUN` come from the loopback device.
    fs::write("/proc/sys/net/ipv4/conf/lo/forwarding", "1").context("switching on forwarding")
}
