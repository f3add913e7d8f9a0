//! Packages that are missing, and how they come.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{command, host};

/// Something that must be there, the Debian package that brings it, and how to see that it is there.
pub(crate) struct Need {
    package: &'static str,
    present: Present,
}

enum Present {
    Program(&'static str),
    PythonModule(&'static str),
    Package,
}

const fn program(program: &'static str, package: &'static str) -> Need {
    Need {
        package,
        present: Present::Program(program),
    }
}

/// What the Debian route of the eBPF toolchain takes.
pub(crate) const EBPF_TOOLCHAIN: &[Need] = &[
    Need {
        package: "rustc-web",
        present: Present::Package,
    },
    Need {
        package: "rust-web-src",
        present: Present::Package,
    },
    Need {
        package: "llvm-22-dev",
        present: Present::Package,
    },
    Need {
        package: "libpolly-22-dev",
        present: Present::Package,
    },
];

/// What the lab takes.
pub(crate) const LAB: &[Need] = &[program("ip", "iproute2")];

/// What the tests take beyond that: the programs that we did not write and test against.
pub(crate) const TESTS: &[Need] = &[
    program("tshark", "tshark"),
    program("tcpdump", "tcpdump"),
    program("iperf3", "iperf3"),
    program("promtool", "prometheus"),
    program("ping", "iputils-ping"),
    program("ethtool", "ethtool"),
    program("python3", "python3"),
    Need {
        package: "python3-scapy",
        present: Present::PythonModule("scapy.contrib.pfcp"),
    },
];

impl Need {
    fn is_met(&self) -> bool {
        match self.present {
            Present::Program(name) => host::program(name).is_some(),
            // The distribution's own interpreter: another python on PATH does not see its modules.
            Present::PythonModule(name) => {
                command::succeeds("/usr/bin/python3", &["-c", &format!("import {name}")])
            }
            Present::Package => command::output(
                "dpkg-query",
                &["-W", "-f=${db:Status-Status}", self.package],
            )
            .is_some_and(|status| status == "installed"),
        }
    }
}

/// How missing packages can come.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    Nothing,
    Install,
    AskForRoot,
    AskForHelp,
}

fn way(missing: usize, has_apt: bool, is_root: bool) -> Way {
    match (missing, has_apt, is_root) {
        (0, _, _) => Way::Nothing,
        (_, true, true) => Way::Install,
        (_, true, false) => Way::AskForRoot,
        (_, false, _) => Way::AskForHelp,
    }
}

/// Sees to it that all of `needs` are met.
///
/// # Errors
/// Says what is missing and how to get it, where it cannot be installed from here.
pub(crate) fn ensure(what: &str, needs: &[&[Need]]) -> Result<()> {
    let missing = missing(needs);
    let list = missing.join(" ");
    match way(
        missing.len(),
        host::program("apt-get").is_some(),
        host::is_root(),
    ) {
        Way::Nothing => {
            command::say(&format!("{what}: present"));
            Ok(())
        }
        Way::Install => {
            command::say(&format!("{what}: installing {list}"));
            install(&missing)
        }
        Way::AskForRoot => {
            bail!("{what}: missing. Run: sudo apt-get install -y --no-install-recommends {list}")
        }
        Way::AskForHelp => bail!(
            "{what}: missing, and there is no apt-get here. Install what Debian calls: {list}"
        ),
    }
}

fn missing(needs: &[&[Need]]) -> Vec<&'static str> {
    needs
        .iter()
        .copied()
        .flatten()
        .filter(|need| !need.is_met())
        .map(|need| need.package)
        .collect()
}

fn install(packages: &[&str]) -> Result<()> {
    command::quietly(apt_get().arg("update"))?;
    command::quietly(
        apt_get()
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages),
    )
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    // iperf3 and tshark would ask questions.
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_only_where_they_can_be() {
        assert_eq!(way(0, false, false), Way::Nothing);
        assert_eq!(way(1, true, true), Way::Install);
        assert_eq!(way(1, true, false), Way::AskForRoot);
        assert_eq!(way(1, false, true), Way::AskForHelp);
    }

    #[test]
    fn what_is_absent_is_named_by_its_package() {
        let needs = [
            program("sh", "dash"),
            program("no-such-program-of-ours", "a-package"),
        ];
        assert_eq!(missing(&[&needs]), ["a-package"]);
    }
}
