//! `cargo xtask bench`: ns per packet in the kernel, then criterion's figures.

use std::process::Command;

use anyhow::Result;

use crate::{build, command, host, setup};

/// Sets up, builds and measures.
pub(crate) fn everything(arguments: &[String]) -> Result<()> {
    host::require_root("running BPF programs")?;
    build::everything(&setup::for_building()?)?;
    command::heading("packets in the kernel");
    command::show(Command::new(command::root().join("target/release/upf-bench")).args(arguments))?;
    command::heading("codec and meter");
    command::show(command::cargo().args(["bench", "--package", "bench", "--benches"]))
}
