//! The fuzz targets without a fuzzer: the seeds that scapy makes (`fuzz/seeds.py`), and mutations of them.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use bench::fuzz::{TARGETS, Target};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds.py");
/// Mutations for each target.
const MUTATIONS: usize = 4000;
/// What lengths, counts and flags do not like.
const ODD_OCTETS: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/// The seeds: each with its target's name.
fn seeds() -> Result<Vec<(String, Vec<u8>)>> {
    let output = Command::new("/usr/bin/python3")
        // Without a compiled script beside the script.
        .args(["-B", SCRIPT])
        .output()
        .context("python3 is missing; `cargo xtask setup` installs it, and scapy")?;
    ensure!(
        output.status.success(),
        "scapy (`cargo xtask setup` installs it): {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout)?;
    let line = |line: &str| {
        let (name, digits) = line.split_once(' ').context("a name and hex digits")?;
        let octets = digits.as_bytes().chunks(2);
        let octet = |pair: &[u8]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
        Ok((name.to_owned(), octets.map(octet).collect::<Result<_>>()?))
    };
    lines.lines().map(line).collect()
}

fn replay((name, run): Target) -> Result<()> {
    let seeds = seeds()?;
    let seeds: Vec<_> = seeds
        .into_iter()
        .filter_map(|(target, seed)| (target == name).then_some(seed))
        .collect();
    ensure!(seeds.len() >= 5, "{} seeds for {name}", seeds.len());
    for seed in &seeds {
        run(seed);
    }
    let mut random = StdRng::seed_from_u64(8805);
    for _ in 0..MUTATIONS {
        run(&mutated(&mut random, &seeds));
    }
    Ok(())
}

/// A seed, changed in some places.
fn mutated(random: &mut StdRng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds.choose(random).cloned().unwrap_or_default();
    for _ in 0..random.random_range(1..5) {
        let at = random.random_range(0..=input.len());
        match random.random_range(0..6) {
            0 => input.truncate(at),
            1 => input.insert(at, random.random()),
            2 => {
                let other = seeds.choose(random).map_or(&[][..], Vec::as_slice);
                let from = random.random_range(0..=other.len());
                input.splice(at.., other[from..].iter().copied());
            }
            kind => {
                let odd = *ODD_OCTETS.choose(random).expect("there are some");
                let octet = if kind == 3 { odd } else { random.random() };
                if let Some(place) = input.get_mut(at) {
                    *place = octet;
                }
            }
        }
    }
    input
}

#[test]
fn pfcp_decode() -> Result<()> {
    replay(TARGETS[0])
}

#[test]
fn pfcp_sequence() -> Result<()> {
    let seeds = seeds()?
        .into_iter()
        .filter(|(name, _)| name == "pfcp_sequence");
    for (_, seed) in seeds {
        let count = bench::fuzz::pfcp_sequence::establish(&seed);
        ensure!(count > 0, "no session is set up by {seed:02x?}");
    }
    replay(TARGETS[1])
}

#[test]
fn gtpu_parse() -> Result<()> {
    replay(TARGETS[2])
}

#[test]
fn flow_description() -> Result<()> {
    replay(TARGETS[3])
}
