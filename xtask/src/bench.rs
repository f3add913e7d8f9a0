//! `cargo xtask bench`: ns per packet in the kernel, then criterion's figures.

use std::process::Command;

use anyhow::Result;

use crate::{build, command, host, setup};

/// Criterion's times for each of its figures in seconds: short, for there are many and the machine is not quiet.
const WARM_UP: &str = "0.3";
const MEASUREMENT: &str = "1";

/// Sets up, builds and measures.
pub(crate) fn everything(arguments: &[String]) -> Result<()> {
    host::require_root("running BPF programs")?;
    build::everything(&setup::for_building()?)?;
    command::heading("packets in the kernel");
    command::show(Command::new(command::root().join("target/release/upf-bench")).args(arguments))?;
    command::heading("codec, sessions, meter, packet logic on the host");
    command::show(
        command::cargo()
            // All of criterion's, and no other target: those would not understand its arguments.
            .args(["bench", "--package", "bench", "--bench", "*", "--"])
            .args(["--warm-up-time", WARM_UP, "--measurement-time", MEASUREMENT])
            .arg("--noplot"),
    )
}
