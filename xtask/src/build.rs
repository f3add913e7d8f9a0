//! Everything that is built: the eBPF object, then the host binaries that carry it.

use anyhow::Result;

use crate::{command, ebpf, toolchain::Toolchain};

/// Builds the eBPF object, `target/release/upf` and `target/release/upf-lab`.
pub(crate) fn everything(toolchain: &Toolchain) -> Result<()> {
    ebpf::build(*toolchain)?;
    command::heading("agent and lab");
    command::show(
        command::cargo()
            .args(["build", "--release", "--bins"])
            .args(["--package", "upf-user", "--package", "bench"]),
    )
}
