//! Puts the eBPF object into the program, and tells the program which commit it was built from.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `cargo xtask build` leaves the object, seen from this package.
const OBJECT: &str = "../target/ebpf/bpfel-unknown-none/release/upf";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    embed_object();
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=UPF_COMMIT={commit}");
    // The log of HEAD grows with every commit and every checkout.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"]);
    if let Some(log) = log.filter(|log| Path::new(log).exists()) {
        println!("cargo::rerun-if-changed={log}");
    }
}

/// Copies the object to where the source includes it; an empty file stands for one that is not built.
/// While it is missing cargo looks again at each build, and so finds the first one.
fn embed_object() {
    println!("cargo::rerun-if-changed={OBJECT}");
    let directory = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let embedded = PathBuf::from(directory).join("upf.bpf.o");
    let object = std::fs::read(OBJECT).unwrap_or_default();
    std::fs::write(&embedded, object).expect("OUT_DIR can be written");
}

/// What git answers; `None` where there is no git or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !answer.is_empty()).then_some(answer)
}
