//! The toolchain of the eBPF program, on two kinds of host.
//!
//! Building `core` for `bpfel-unknown-none` takes a compiler with its library's source, and
//! `bpf-linker` with an LLVM at least as new as the compiler's. Two roads lead there:
//!
//! - **nightly**: rustup's nightly with `rust-src`, and `bpf-linker` from crates.io. Any Linux host
//!   whose rustup can download.
//! - **distribution**: Debian 12's `rustc-web`, its source and LLVM 22, and a `bpf-linker` built
//!   against that LLVM. For hosts that reach package registries and nothing else.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{command, host, packages};

const BPF_LINKER: &str = "bpf-linker@0.13.0";
const DISTRIBUTION_RUSTC: &str = "/usr/bin/rustc";
const LLVM_PREFIX: &str = "/usr/lib/llvm-22";

/// Which compiler builds the eBPF program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// rustup's nightly with `rust-src`.
    Nightly,
    /// Debian's `rustc-web` with `rust-web-src`.
    Distribution,
}

/// What is known about the host before anything is installed.
#[derive(Clone, Copy, Default)]
struct Facts {
    distribution_ready: bool,
    nightly_ready: bool,
    has_rustup: bool,
    has_apt: bool,
    is_debian_12: bool,
    is_root: bool,
}

/// What to do to get a compiler.
#[derive(Debug, PartialEq, Eq)]
enum Road {
    Ready(Toolchain),
    /// Install Debian's packages.
    Packages,
    /// Install nightly; where rustup cannot, fall back to what the flag allows.
    Rustup {
        packages_may_help: bool,
    },
    /// Neither kind of host.
    Blocked,
}

fn road(facts: Facts) -> Road {
    let packaged = facts.is_debian_12 && facts.has_apt;
    match facts {
        Facts {
            distribution_ready: true,
            ..
        } => Road::Ready(Toolchain::Distribution),
        Facts {
            nightly_ready: true,
            ..
        } => Road::Ready(Toolchain::Nightly),
        // Packages come from a mirror that works wherever apt works; rustup may hang before it fails.
        Facts { is_root: true, .. } if packaged => Road::Packages,
        Facts {
            has_rustup: true, ..
        } => Road::Rustup {
            packages_may_help: packaged,
        },
        _ if packaged => Road::Packages,
        _ => Road::Blocked,
    }
}

/// Finds or installs the compiler and `bpf-linker`.
///
/// # Errors
/// In one line, what is missing and how to get it.
pub(crate) fn ensure() -> Result<Toolchain> {
    let toolchain = match road(facts()) {
        Road::Ready(toolchain) => toolchain,
        Road::Packages => distribution()?,
        Road::Rustup { packages_may_help } => match nightly() {
            Ok(toolchain) => toolchain,
            Err(_) if packages_may_help => distribution()?,
            Err(error) => {
                return Err(error.context(
                    "no compiler for eBPF: rustup cannot install nightly with rust-src, and only \
                     Debian 12 packages one (rustc-web)",
                ));
            }
        },
        Road::Blocked => bail!(
            "no compiler for eBPF: install rustup (https://rustup.rs), or use Debian 12, which \
             packages one (rustc-web)"
        ),
    };
    command::say(&format!("eBPF compiler: {}", toolchain.description()));
    linker(toolchain)?;
    Ok(toolchain)
}

fn facts() -> Facts {
    let os_release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    Facts {
        distribution_ready: has_source(DISTRIBUTION_RUSTC, &[]) && Path::new(LLVM_PREFIX).is_dir(),
        nightly_ready: host::program("rustup").is_some()
            && has_source("rustup", &["run", "nightly", "rustc"]),
        has_rustup: host::program("rustup").is_some(),
        has_apt: host::program("apt-get").is_some(),
        is_debian_12: host::is_debian_12(&os_release),
        is_root: host::is_root(),
    }
}

/// Whether the compiler runs, and has the source of `core` in its sysroot.
fn has_source(program: &str, arguments: &[&str]) -> bool {
    let arguments = [arguments, &["--print", "sysroot"]].concat();
    command::output(program, &arguments).is_some_and(|sysroot| {
        Path::new(&sysroot)
            .join("lib/rustlib/src/rust/library/core/src/lib.rs")
            .is_file()
    })
}

fn distribution() -> Result<Toolchain> {
    packages::ensure("eBPF compiler", &[packages::EBPF_TOOLCHAIN])?;
    if !has_source(DISTRIBUTION_RUSTC, &[]) {
        bail!("{DISTRIBUTION_RUSTC} has no source of core although rust-web-src is installed");
    }
    Ok(Toolchain::Distribution)
}

fn nightly() -> Result<Toolchain> {
    command::say("eBPF compiler: installing nightly with rust-src");
    command::show(Command::new("rustup").args([
        "toolchain",
        "install",
        "nightly",
        "--profile",
        "minimal",
        "--component",
        "rust-src",
    ]))?;
    Ok(Toolchain::Nightly)
}

fn linker(toolchain: Toolchain) -> Result<()> {
    if let Some(version) = command::output(&linker_program(), &["--version"]) {
        command::say(&format!("eBPF linker: {version}"));
        return Ok(());
    }
    command::say(&format!(
        "eBPF linker: building {BPF_LINKER}, about a minute"
    ));
    let mut install = command::cargo();
    install.args(["install", "--locked", BPF_LINKER]);
    if toolchain == Toolchain::Distribution {
        install.env("LLVM_PREFIX", LLVM_PREFIX);
        install.args(["--no-default-features", "--features", "llvm-22"]);
    }
    command::show(&mut install).context("bpf-linker is needed; a packaged one on PATH does as well")
}

/// `bpf-linker` on PATH, or where `cargo install` puts it.
fn linker_program() -> String {
    host::program("bpf-linker")
        .unwrap_or_else(|| cargo_bin().join("bpf-linker"))
        .display()
        .to_string()
}

fn cargo_bin() -> std::path::PathBuf {
    let home = std::env::var_os("CARGO_HOME")
        .map(std::path::PathBuf::from)
        .unwrap_or_else(|| {
            std::path::PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo")
        });
    home.join("bin")
}

impl Toolchain {
    fn description(self) -> &'static str {
        match self {
            Self::Nightly => "rustup's nightly",
            Self::Distribution => "Debian's rustc-web",
        }
    }

    /// A `cargo` that builds with this toolchain; `-Z` options work.
    pub(crate) fn cargo(self) -> Command {
        let mut cargo = match self {
            Self::Distribution => {
                let mut cargo = command::cargo();
                cargo
                    .env("RUSTC", DISTRIBUTION_RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1");
                cargo
            }
            Self::Nightly => {
                let mut rustup = Command::new("rustup");
                rustup
                    .args(["run", "nightly", "cargo"])
                    .current_dir(command::root());
                // Set by the cargo that started us; they name the stable toolchain.
                for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
                    rustup.env_remove(variable);
                }
                rustup
            }
        };
        cargo.env_remove("RUSTFLAGS");
        cargo.env("PATH", path_with(&cargo_bin()));
        cargo
    }
}

fn path_with(directory: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain([directory.to_path_buf()]);
    std::env::join_paths(all).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN_12: Facts = Facts {
        distribution_ready: false,
        nightly_ready: false,
        has_rustup: true,
        has_apt: true,
        is_debian_12: true,
        is_root: true,
    };

    #[test]
    fn what_is_installed_is_used() {
        let both = Facts {
            distribution_ready: true,
            nightly_ready: true,
            ..DEBIAN_12
        };
        assert_eq!(road(both), Road::Ready(Toolchain::Distribution));
        let nightly = Facts {
            nightly_ready: true,
            ..DEBIAN_12
        };
        assert_eq!(road(nightly), Road::Ready(Toolchain::Nightly));
    }

    #[test]
    fn debian_12_takes_its_packages_where_it_may() {
        assert_eq!(road(DEBIAN_12), Road::Packages);
        let user = Facts {
            is_root: false,
            ..DEBIAN_12
        };
        assert_eq!(
            road(user),
            Road::Rustup {
                packages_may_help: true
            }
        );
        let no_rustup = Facts {
            has_rustup: false,
            ..user
        };
        assert_eq!(road(no_rustup), Road::Packages);
    }

    #[test]
    fn other_hosts_take_nightly() {
        let other = Facts {
            is_debian_12: false,
            ..DEBIAN_12
        };
        assert_eq!(
            road(other),
            Road::Rustup {
                packages_may_help: false
            }
        );
        assert_eq!(
            road(Facts {
                has_apt: false,
                ..DEBIAN_12
            }),
            road(other)
        );
    }

    #[test]
    fn a_host_of_neither_kind_is_told_so() {
        assert_eq!(road(Facts::default()), Road::Blocked);
        let old_debian = Facts {
            has_rustup: false,
            is_debian_12: false,
            ..DEBIAN_12
        };
        assert_eq!(road(old_debian), Road::Blocked);
    }
}
