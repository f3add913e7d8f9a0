//! The lab, as a newcomer runs it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bench::netns::Environment;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/upf-lab");

#[test]
fn the_lab_holds_its_sims_and_leaves_nothing_behind() -> Result<()> {
    let _alone = Environment::alone()?;
    let mut lab = start(&["--sims", "50", "--seconds", "15"])?;
    let id = lab.id();
    let output = BufReader::new(lab.stdout.take().context("piped")?);
    let lines = output.lines().collect::<Result<Vec<_>, _>>()?.join("\n");
    let status = lab.wait()?;
    ensure!(status.success(), "{status}: {lines}");
    for part in [
        "metrics: http://127.0.0.1:",
        "50 sessions",
        "PUT /v1/sims/001010000000000 {\"class\":\"s3.fast\"}",
        "s1.slow",
        "s2.mid",
        "s3.fast",
        "SIM 10.128.0.1    128 kbit/s over",
        "SIM 10.128.0.1      1 Mbit/s over",
        "every SIM was held within 2 %",
    ] {
        assert!(lines.contains(part), "{part:?} in:\n{lines}");
    }
    nothing_left(id)
}

#[test]
fn with_a_rate_all_sims_have_it_by_qer() -> Result<()> {
    let _alone = Environment::alone()?;
    let output = Command::new(LAB)
        .args([
            "--sims",
            "20",
            "--seconds",
            "6",
            "--rate",
            "1 Mbit/s",
            "--size",
            "500",
        ])
        .output()?;
    let lines = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{}: {lines}", output.status);
    assert!(
        lines.contains("QER") && lines.contains("every SIM was held within 2 %"),
        "{lines}"
    );
    Ok(())
}

#[test]
fn a_lab_that_is_interrupted_or_killed_leaves_nothing_behind() -> Result<()> {
    let _alone = Environment::alone()?;
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let mut lab = start(&["--sims", "10"])?;
        let id = lab.id();
        let mut lines = BufReader::new(lab.stdout.take().context("piped")?).lines();
        let under_way = lines
            .by_ref()
            .any(|line| line.is_ok_and(|line| line.contains("offered: up ")));
        ensure!(under_way, "the lab did not get under way");
        kill(Pid::from_raw(id.try_into()?), signal)?;
        // Its output is read on, or it would end for want of a reader.
        thread::spawn(move || lines.for_each(drop));
        let status = lab.wait()?;
        assert!(
            status.success() || signal == Signal::SIGKILL,
            "{signal}: {status}"
        );
        nothing_left(id)?;
    }
    Ok(())
}

fn start(arguments: &[&str]) -> Result<Child> {
    let mut command = Command::new(LAB);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
        .spawn()
        .context("no lab at target/release/upf-lab: run `cargo xtask build`")
}

/// A killed lab's guardian works after the lab's end.
fn nothing_left(id: u32) -> Result<()> {
    let mut left = Vec::new();
    for _ in 0..50 {
        left = remains(id)?;
        if left.is_empty() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

fn remains(id: u32) -> Result<Vec<String>> {
    let prefix = format!("upf-lab-{id}-");
    let mut left = Vec::new();
    for directory in ["/run/netns", "/sys/fs/bpf", "/tmp"] {
        let names = fs::read_dir(directory)?.flatten().map(|entry| entry.path());
        let ours = names.filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
        });
        left.extend(ours.map(|path| path.display().to_string()));
    }
    // An agent's command line names the lab's directory.
    for process in fs::read_dir("/proc")?.flatten() {
        let command = fs::read(Path::new(&process.path()).join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(&prefix) {
            left.push(process.path().display().to_string());
        }
    }
    Ok(left)
}
