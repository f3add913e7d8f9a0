//! Flow descriptions of SDF filters.

use std::path::Path;

use anyhow::Result;
use upf_user::session::understands_flow_description;

use super::known;
use super::report::Report;
use super::table::Table;

const FILE: &str = "flow-descriptions.tsv";

/// What is valid has to be understood. What others refuse, or what was seen somewhere, we may take or not, where
/// RFC 6733 and TS 29.212 allow it; that is told.
pub(super) fn replay(folder: &Path) -> Result<Report> {
    let mut report = Report::new(FILE);
    for row in Table::read(&folder.join(FILE))?.rows() {
        let (text, status) = (row.get("flow_description"), row.get("status"));
        report.row();
        let verdict = match understands_flow_description(text) {
            true => "understood",
            false => "refused",
        };
        match known::reason(FILE, text) {
            Some(reason) => report.known(text, reason),
            None if status != "valid" => report.note(format!("{verdict}, {status}: {text}")),
            None if verdict == "understood" => report.compared(1),
            None => report.disagrees(text, "is valid, and refused"),
        }
    }
    Ok(report)
}
