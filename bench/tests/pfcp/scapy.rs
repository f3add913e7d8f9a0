//! What scapy writes, read by the codec: `peer/messages.py` prints a message a line, as hex digits.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use upf_user::pfcp::codec::{decode, frames};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/messages.py");

/// The messages of the script, in its order: name and body.
fn written() -> Result<Vec<(String, Vec<u8>)>> {
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

#[test]
fn what_scapy_writes_is_read() -> Result<()> {
    let expected = super::scapy_bodies::all();
    let written = written()?;
    ensure!(
        written.len() == expected.len(),
        "scapy has written {} messages",
        written.len()
    );
    for ((name, octets), body) in written.iter().zip(&expected) {
        let frame = frames(octets).next().context("no message")??;
        let read = decode(&frame)
            .context("an unknown type")?
            .with_context(|| name.clone())?;
        assert_eq!(&read.body, body, "{name}");
        assert_eq!(read.skipped, 0, "{name}: IEs that were not read");
    }
    Ok(())
}
