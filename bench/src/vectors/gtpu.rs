//! GTP-U headers, and captures with GTP-U in them, and with what only looks like it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use upf_common::wire::{GtpuError, GtpuHeader};

use super::report::Report;
use super::table::{Row, Table};
use crate::packets::host::{Buffer, HostTables};
use crate::packets::world::World;

const HEADERS: &str = "gtpu-headers.tsv";
const CAPTURES: &str = "gtpu-pcap";
/// TS 29.281 clause 4.4.2.3.
const PORT: u16 = 2152;

/// Single headers.
pub(super) fn headers(folder: &Path) -> Result<Report> {
    let mut report = Report::new(HEADERS);
    for row in Table::read(&folder.join(HEADERS))?.rows() {
        report.row();
        let octets = row.octets("hex")?;
        match agrees(&octets) {
            Ok(header) => listed(&row, header, &mut report),
            Err(what) => report.disagrees(row.get("name"), what),
        }
    }
    Ok(report)
}

/// The TEID and the sequence number stand in the expectation, as hex digits.
fn listed(row: &Row<'_>, header: Option<GtpuHeader>, report: &mut Report) {
    let (name, expected) = (row.get("name"), row.get("expected").to_lowercase());
    let Some(header) = header else {
        report.note(format!(
            "{name}: refused, its length says more than there is"
        ));
        return report.compared(1);
    };
    report.compared(3);
    if expected.contains("testutils.") {
        return report.not_compared(name, "TEID and sequence number by the names of constants");
    }
    let teid = u64::from(u32::from_be_bytes(header.teid));
    let sequence = header.sequence.map_or(0, u64::from);
    for number in [teid, sequence].into_iter().filter(|number| *number != 0) {
        let forms = [
            format!("{number:#x}"),
            format!("{number:#06x}"),
            format!(" {number},"),
        ];
        if forms.iter().any(|form| expected.contains(form)) {
            report.compared(1);
        } else {
            report.disagrees(name, format!("{number:#x} is not listed"));
        }
    }
}

/// Reads a header and compares it with its octets, looked at one by one; `None` where it is refused with reason.
fn agrees(octets: &[u8]) -> Result<Option<GtpuHeader>, String> {
    let buffer = Buffer::new(octets);
    let read = || GtpuHeader::read(&buffer, 0, octets.len());
    let header = catch_unwind(AssertUnwindSafe(read)).map_err(|_| "a panic".to_owned())?;
    let [flags, message_type, l0, l1, teid @ ..] = *octets
        .first_chunk::<8>()
        .ok_or("shorter than a header".to_owned())?;
    let end = 8 + usize::from(u16::from_be_bytes([l0, l1]));
    let is_ours = flags >> 4 == 0b0011;
    let sequence = octets.get(8..).and_then(|rest| rest.first_chunk());
    let sequence = sequence.filter(|_| flags & 2 != 0);
    match header {
        Ok(header) => {
            let same = header.message_type == message_type
                && header.teid == teid
                && header.end == end
                && header.sequence == sequence.map(|octets| u16::from_be_bytes(*octets));
            match is_ours && same && end <= octets.len() && header.payload <= end {
                true => Ok(Some(header)),
                false => Err(format!("read as {header:?}")),
            }
        }
        Err(GtpuError::Version) if !is_ours => Ok(None),
        Err(_) if end > octets.len() => Ok(None),
        // Optional parts or extension headers that are cut off or are not understood.
        Err(GtpuError::Malformed | GtpuError::Extension) if flags & 7 != 0 => Ok(None),
        Err(error) => Err(format!("refused: {error:?}")),
    }
}

/// Captures: every frame goes through the packet logic, every datagram to port 2152 is read.
pub(super) fn captures(folder: &Path) -> Result<Report> {
    let mut report = Report::new(CAPTURES);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder.join(CAPTURES)).context(CAPTURES)? {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "pcap"))
    {
        report.row();
        capture(path, &mut report).with_context(|| path.display().to_string())?;
    }
    Ok(report)
}

fn capture(path: &Path, report: &mut Report) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let tables = HostTables::new(&World::new().session(1));
    let (mut frames, mut headers, mut refused) = (0, 0, 0);
    for frame in packets(&std::fs::read(path)?)? {
        frames += 1;
        if catch_unwind(AssertUnwindSafe(|| tables.run(&frame))).is_err() {
            report.disagrees(&name, format!("the packet logic panics at frame {frames}"));
            continue;
        }
        report.compared(1);
        let Some(datagram) = gtpu_datagram(&frame) else {
            continue;
        };
        match agrees(&datagram) {
            Ok(Some(_)) => headers += 1,
            Ok(None) => refused += 1,
            Err(_) if datagram.len() < 8 => refused += 1,
            Err(what) => report.disagrees(&name, format!("frame {frames}: {what}")),
        }
        report.compared(1);
    }
    report.note(format!(
        "{name}: {frames} frames, {headers} GTP-U headers read, {refused} refused"
    ));
    Ok(())
}

/// What is in a datagram to or from port 2152.
fn gtpu_datagram(frame: &[u8]) -> Option<Vec<u8>> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let is_fragment = match packet.net {
        Some(NetSlice::Ipv4(slice)) => slice.is_payload_fragmented(),
        Some(NetSlice::Ipv6(slice)) => slice.is_payload_fragmented(),
        _ => return None,
    };
    let Some(TransportSlice::Udp(udp)) = packet.transport else {
        return None;
    };
    let ports = [udp.source_port(), udp.destination_port()];
    (ports.contains(&PORT) && !is_fragment).then(|| udp.payload().to_vec())
}

/// The frames of a capture file in the old format, of Ethernet.
fn packets(file: &[u8]) -> Result<Vec<Vec<u8>>> {
    let word = |at: usize, is_big: bool| -> Result<u32> {
        let octets = *file
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .context("cut short")?;
        Ok(if is_big {
            u32::from_be_bytes(octets)
        } else {
            u32::from_le_bytes(octets)
        })
    };
    let is_big = match word(0, false)? {
        0xa1b2_c3d4 | 0xa1b2_3c4d => false,
        0xd4c3_b2a1 | 0x4d3c_b2a1 => true,
        other => anyhow::bail!("not a capture file: {other:#x}"),
    };
    ensure!(word(20, is_big)? & 0xffff == 1, "not a capture of Ethernet");
    let (mut frames, mut at) = (Vec::new(), 24);
    while at < file.len() {
        let len = word(at + 8, is_big)? as usize;
        let frame = file
            .get(at + 16..at + 16 + len)
            .context("a frame is cut short")?;
        frames.push(frame.to_vec());
        at += 16 + len;
    }
    Ok(frames)
}
