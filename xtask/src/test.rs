//! `cargo xtask test`: every test of the repository.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{build, command, host, setup};

/// The environment variable that tests look at (`upf_user::testing`).
const LONG_TESTS: &str = "UPF_LONG_TESTS";

/// Sets up, builds, and runs unit, property, in-kernel and end-to-end tests; `long` ones in full length.
pub(crate) fn everything(long: bool, arguments: &[String]) -> Result<()> {
    host::require_root("testing (BPF programs, network namespaces)")?;
    let mut sections = Sections::default();
    let toolchain = sections.time("set-up", setup::everything)?;
    // The end-to-end tests run these very binaries.
    sections.time("build", || build::everything(&toolchain))?;
    let outcome = sections.time("tests", || tests(long, arguments));
    sections.print();
    outcome
}

/// One run over the workspace; the eBPF crate builds for its own target only.
fn tests(long: bool, arguments: &[String]) -> Result<()> {
    command::heading("tests");
    let workspace = ["--workspace", "--exclude", "upf-ebpf"];
    let mut cargo = command::cargo();
    if long {
        cargo.env(LONG_TESTS, "1");
    }
    if command::succeeds("cargo-nextest", &["nextest", "--version"]) {
        cargo.args(["nextest", "run"]);
        if long {
            cargo.args(["--profile", "long"]);
        }
    } else {
        // The same tests, one binary after the other.
        cargo.args(["test", "--lib", "--bins", "--tests"]);
    }
    command::show(cargo.arg("--no-fail-fast").args(workspace).args(arguments))
}

/// How long each section took.
#[derive(Default)]
struct Sections(Vec<(&'static str, Duration, bool)>);

impl Sections {
    fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let outcome = work();
        self.0.push((name, started.elapsed(), outcome.is_ok()));
        outcome
    }

    fn print(&self) {
        command::heading("summary");
        for (name, time, passed) in &self.0 {
            let verdict = if *passed { "passed" } else { "FAILED" };
            command::say(&format!(
                "{name:<8} {verdict} in {:.0} s",
                time.as_secs_f64()
            ));
        }
    }
}
