//! `cargo xtask fuzz`: the fuzz targets under cargo-fuzz, one after the other.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::{command, host, packages};

/// As `fuzz/Cargo.toml` names them.
const TARGETS: [&str; 4] = [
    "pfcp_decode",
    "pfcp_sequence",
    "gtpu_parse",
    "flow_description",
];
/// Octets of an input at most: a datagram, or some.
const MAX_INPUT: u32 = 4096;

/// Fuzzes a target, or each of them, for so many seconds.
pub(crate) fn targets(target: Option<&str>, seconds: u32) -> Result<()> {
    if let Some(target) = target {
        ensure!(
            TARGETS.contains(&target),
            "no target {target}: {}",
            TARGETS.join(", ")
        );
    }
    packages::ensure("programs for the tests", &[packages::TESTS])?;
    ensure_cargo_fuzz()?;
    write_seeds()?;
    let wanted = TARGETS
        .iter()
        .filter(|name| target.is_none_or(|target| target == **name));
    for name in wanted {
        command::heading(&format!("{name} for {seconds} s"));
        let mut cargo = command::cargo();
        cargo
            // Sanitizers are not stable; the compiler of this repository has them all the same.
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["fuzz", "run", name, "--"])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_INPUT}"))
            .args(["-timeout=10", "-rss_limit_mb=4096", "-print_final_stats=1"]);
        command::show(&mut cargo)?;
    }
    Ok(())
}

fn ensure_cargo_fuzz() -> Result<()> {
    if host::program("cargo-fuzz").is_some() {
        return Ok(());
    }
    command::show(command::cargo().args(["install", "--locked", "cargo-fuzz"]))
}

/// What scapy makes becomes the corpus, beside what was found before.
fn write_seeds() -> Result<()> {
    let root = command::root();
    let script = root.join("fuzz/seeds.py");
    let script = script
        .to_str()
        .context("the repository's path is no text")?;
    let lines = command::output("/usr/bin/python3", &["-B", script])
        .context("`fuzz/seeds.py` fails; it needs scapy")?;
    for (number, line) in lines.lines().enumerate() {
        let (target, digits) = line.split_once(' ').context("a target and hex digits")?;
        let directory = root.join("fuzz/corpus").join(target);
        write_seed(&directory, number, digits)?;
    }
    Ok(())
}

fn write_seed(directory: &Path, number: usize, digits: &str) -> Result<()> {
    let octets = digits.as_bytes().chunks(2);
    let octet = |pair: &[u8]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    let seed = octets.map(octet).collect::<Result<Vec<_>>>()?;
    fs::create_dir_all(directory)?;
    fs::write(directory.join(format!("seed-{number}")), seed)?;
    Ok(())
}
