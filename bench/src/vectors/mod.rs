//! Replays a folder of messages that others made: `cargo xtask vectors DIR`.
//!
//! Each decodes, is written to the same octets again and agrees with what its row lists; what is malformed gets the
//! answer that TS 29.244 asks for. Nothing is left out in silence.

mod compare;
mod constants;
mod flows;
mod go;
mod gtpu;
mod known;
mod malformed;
mod pfcp;
mod report;
mod table;

use std::path::Path;

use anyhow::Result;
pub use report::Report;

/// Replays every file of the folder.
///
/// # Errors
/// Where a file is missing or is not what its name says; disagreements are in the reports.
pub fn replay(folder: &Path) -> Result<Vec<Report>> {
    let kinds = pfcp::kinds(folder)?;
    Ok(vec![
        pfcp::messages(folder, &kinds)?,
        pfcp::ies(folder, &kinds)?,
        pfcp::values(folder)?,
        pfcp::payloads(folder, &kinds)?,
        malformed::replay(folder)?,
        gtpu::headers(folder)?,
        gtpu::captures(folder)?,
        flows::replay(folder)?,
    ])
}
