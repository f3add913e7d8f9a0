//! What the codec writes, read by tshark.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use upf_user::pfcp::codec::{Body, Message, MessageType};

use super::samples;

const PORT: u16 = 8805;
/// A capture of IPv4 and IPv6 packets without a link layer.
const LINKTYPE_RAW: u32 = 101;

/// The message of a body, with numbers that tell it apart.
fn message(number: usize, body: Body) -> Message {
    Message {
        seid: if body.message_type().is_of_session() {
            0x99
        } else {
            0
        },
        sequence: number as u32,
        priority: None,
        body,
    }
}

/// A capture with a datagram of PFCP for each message.
fn capture(messages: &[Vec<u8>]) -> Vec<u8> {
    let words = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, LINKTYPE_RAW];
    let mut file: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    for (second, message) in (0u32..).zip(messages) {
        let packet = datagram(message);
        let len = packet.len() as u32;
        file.extend([second, 0, len, len].into_iter().flat_map(u32::to_le_bytes));
        file.extend(packet);
    }
    file
}

fn datagram(payload: &[u8]) -> Vec<u8> {
    let header =
        etherparse::PacketBuilder::ipv4([10, 100, 0, 1], [10, 100, 0, 2], 64).udp(PORT, PORT);
    let mut packet = Vec::new();
    header
        .write(&mut packet, payload)
        .expect("a vector takes it");
    packet
}

/// The numbers of the frames that a display filter lets through.
fn frames(path: &std::path::Path, filter: &str) -> Result<Vec<usize>> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(path)
        .args(["-Y", filter, "-T", "fields", "-e", "frame.number"])
        .output()
        .context("tshark is missing; `cargo xtask setup` installs it")?;
    ensure!(
        output.status.success(),
        "tshark: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let numbers = String::from_utf8(output.stdout)?;
    numbers
        .lines()
        .map(|line| Ok(line.trim().parse()?))
        .collect()
}

#[test]
fn tshark_reads_what_is_written() -> Result<()> {
    let samples = samples::all();
    let numbered = (1..).zip(&samples);
    let messages = numbered.map(|(number, (body, _))| Ok(message(number, body.clone()).encode()?));
    let messages = messages.collect::<Result<Vec<_>>>()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("written.pcap");
    std::fs::write(&path, capture(&messages))?;
    let complaints = frames(&path, "_ws.malformed || _ws.expert")?;
    ensure!(
        complaints.is_empty(),
        "tshark complains about {:?}",
        complaints
            .iter()
            .map(|number| samples[number - 1].0.message_type())
            .collect::<Vec<_>>()
    );
    let numbered = (1..).zip(&samples);
    let all =
        numbered.map(|(number, (_, filter))| format!("(frame.number == {number} && {filter})"));
    let seen = frames(&path, &all.collect::<Vec<_>>().join(" || "))?;
    for (number, (body, filter)) in (1..).zip(&samples) {
        if seen.contains(&number) {
            continue;
        }
        // Each condition by itself, to say which one it is.
        for condition in filter.split("&&").map(str::trim) {
            let found = frames(&path, &format!("frame.number == {number} && {condition}"))?;
            let kind = body.message_type();
            ensure!(
                found == [number],
                "{kind:?}: tshark does not see `{condition}`"
            );
        }
    }
    ensure!(seen.len() == samples.len(), "tshark sees {seen:?}");
    Ok(())
}

#[test]
fn there_is_a_sample_of_every_message_that_is_written() {
    let written: Vec<_> = samples::all()
        .iter()
        .map(|(body, _)| body.message_type())
        .collect();
    for kind in (0..=255).filter_map(MessageType::from_code) {
        // Session Set Modification Request is never written.
        let is_written = kind != MessageType::SessionSetModificationRequest;
        assert_eq!(written.contains(&kind), is_written, "{kind:?}");
    }
}
