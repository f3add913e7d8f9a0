//! `[charging]`: what is kept of usage, and where it is exported to.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::absolute;
use super::gtpu::{duration, within};
use super::reader::Section;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const KIB: u64 = 1024;
const MIN_ROTATE_SIZE: u64 = 64 * KIB;
const MAX_ROTATE_SIZE: u64 = KIB * KIB * KIB * KIB;
const MAX_KEEP: i64 = 1_000_000;
const DIRECTORY: &str = "/var/lib/upf/usage";

/// `[charging]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charging {
    /// From one time that usage is made durable to the next: as much may be lost when the power fails.
    pub snapshot_interval: Duration,
    /// Where usage reports are written to, beside what control planes get.
    pub export: Option<Export>,
}

/// The export of usage reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Directory of the files.
    pub directory: PathBuf,
    /// Octets from which on a file is put away.
    pub rotate_size: u64,
    /// Age from which on a file is put away.
    pub rotate_after: Duration,
    /// Most files that were put away; the oldest are removed.
    pub keep: usize,
    /// For how long files that were put away are kept; `None` for as long as there are not too many.
    pub keep_for: Option<Duration>,
}

impl Default for Charging {
    fn default() -> Self {
        Self {
            snapshot_interval: SECOND,
            export: None,
        }
    }
}

/// For people.
impl fmt::Display for Charging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "usage is durable every {:?}", self.snapshot_interval)?;
        let Some(export) = &self.export else {
            return f.write_str(", no export");
        };
        let Export {
            directory,
            rotate_size,
            rotate_after,
            keep,
            keep_for,
        } = export;
        let directory = directory.display();
        write!(
            f,
            ", export to {directory}: files of {rotate_size} bytes or {rotate_after:?}, {keep} kept"
        )?;
        if let Some(keep_for) = keep_for {
            write!(f, " for {keep_for:?}")?;
        }
        Ok(())
    }
}

/// `None` only where a problem has been reported.
pub(super) fn read(section: &Section<'_>) -> Option<Charging> {
    let range = Duration::from_millis(100)..=Duration::from_secs(60);
    let interval = read_time(section, "snapshot_interval", "1 s")
        .map(|time| time.unwrap_or(SECOND))
        .and_then(|time| within(section, "snapshot_interval", time, range, "100 ms to 60 s"));
    let directory = match section.optional_text("export", DIRECTORY) {
        Some(text) => absolute(section, "export", text, DIRECTORY).map(Some),
        None => Some(None),
    };
    let rotate_size = read_size(section);
    let rotate_after = read_within(section, "export_rotate_after", "1 h", SECOND..=YEAR);
    let keep = read_keep(section);
    let keep_for = read_within(section, "export_keep_for", "168 h", SECOND..=YEAR);
    section.finish();
    let (rotate_size, rotate_after) = (rotate_size?, rotate_after?.unwrap_or(HOUR));
    let (keep, keep_for) = (keep?, keep_for?);
    Some(Charging {
        snapshot_interval: interval?,
        export: directory?.map(|directory| Export {
            directory,
            rotate_size,
            rotate_after,
            keep,
            keep_for,
        }),
    })
}

/// The outer `None` is a problem, the inner one an absent key.
fn read_within(
    section: &Section<'_>,
    key: &'static str,
    example: &str,
    range: RangeInclusive<Duration>,
) -> Option<Option<Duration>> {
    match read_time(section, key, example)? {
        Some(time) => within(section, key, time, range, "1 s to 8760 h").map(Some),
        None => Some(None),
    }
}

/// The outer `None` is a problem, the inner one an absent key.
fn read_time(section: &Section<'_>, key: &'static str, example: &str) -> Option<Option<Duration>> {
    let Some(text) = section.optional_text(key, example) else {
        return Some(None);
    };
    let time = duration(text);
    if time.is_none() {
        let message = format!("\"{text}\" is no time; write one like \"{example}\"");
        section.problem(key, message);
    }
    time.map(Some)
}

fn read_size(section: &Section<'_>) -> Option<u64> {
    const KEY: &str = "export_rotate_size";
    const EXAMPLE: &str = "64 MiB";
    let Some(text) = section.optional_text(KEY, EXAMPLE) else {
        return Some(64 * KIB * KIB);
    };
    let Some(size) = size(text) else {
        let message = format!(
            "\"{text}\" is no size; write a whole number with B, KiB, MiB or GiB, such as \"{EXAMPLE}\""
        );
        section.problem(KEY, message);
        return None;
    };
    let is_within = (MIN_ROTATE_SIZE..=MAX_ROTATE_SIZE).contains(&size);
    if !is_within {
        let message = format!("\"{text}\" cannot be kept; write 64 KiB to 1024 GiB");
        section.problem(KEY, message);
    }
    is_within.then_some(size)
}

/// A whole number and its unit: B, KiB, MiB or GiB.
fn size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = match unit.trim_start() {
        "B" => 1,
        "KiB" => KIB,
        "MiB" => KIB * KIB,
        "GiB" => KIB * KIB * KIB,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

fn read_keep(section: &Section<'_>) -> Option<usize> {
    const KEY: &str = "export_keep";
    let keep = section.optional_integer(KEY, "168").unwrap_or(168);
    let allowed = (1..=MAX_KEEP).contains(&keep);
    if !allowed {
        section.problem(KEY, format!("{keep} cannot be kept; write 1 to {MAX_KEEP}"));
    }
    allowed.then(|| usize::try_from(keep).ok()).flatten()
}
