//! The eBPF object: `target/ebpf/bpfel-unknown-none/release/upf`.

use anyhow::Result;

use crate::{command, toolchain::Toolchain};

/// Its own directory: another compiler than the workspace's must not share its artifacts.
const TARGET_DIRECTORY: &str = "target/ebpf";

/// Flags of every crate in the object: BTF for `bpftool`, atomics that return the old value (v3), and headers read
/// in words although they lie where they lie (the kernel's JIT allows that where the processor does).
const RUSTFLAGS: [&str; 5] = [
    "--cfg=bpf_target_arch=\"x86_64\"",
    "-Cdebuginfo=2",
    "-Clink-arg=--btf",
    "-Ctarget-cpu=v3",
    "-Ctarget-feature=+allows-misaligned-mem-access",
];

/// Builds the object; a minute the first time, seconds after.
pub(crate) fn build(toolchain: Toolchain) -> Result<()> {
    command::heading("eBPF program");
    command::show(
        toolchain
            .cargo()
            .args(["build", "--release", "--package", "upf-ebpf"])
            .args(["-Z", "build-std=core", "--target", "bpfel-unknown-none"])
            .args(["--target-dir", TARGET_DIRECTORY])
            .env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join("\x1f")),
    )
}
