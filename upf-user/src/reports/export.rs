//! The export: usage reports as JSON lines in files that are turned over by size and age.
//!
//! Lines go to `usage.jsonl`; when that is large or old enough it becomes `usage-<UTC time>-<n>.jsonl`, which is never
//! written again, and a new one begins. Whoever reads takes whole files by their names, or follows the one that grows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use tracing::{error, info, warn};

use super::{UsageRecord, utc};
use crate::config::Export;

/// The file that grows.
pub const FILE: &str = "usage.jsonl";
const PREFIX: &str = "usage-";
const SUFFIX: &str = ".jsonl";
/// Lines that wait while nothing can be written. What comes then is lost for the export.
const MAX_WAITING_BYTES: usize = 16 << 20;
/// Longer than any line.
const TAIL_BYTES: u64 = 64 << 10;

/// Writes the export.
#[derive(Debug)]
pub struct Exporter {
    settings: Export,
    /// `None` where it has to be opened anew.
    open: Option<Open>,
    /// Whole lines that are not written.
    waiting: Vec<u8>,
    waiting_lines: u64,
    /// The number of the last record that is written.
    last: u64,
    counts: ExportCounts,
    has_complained: bool,
}

/// What became of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportCounts {
    /// Lines that are written.
    pub written: u64,
    /// Attempts that failed, because the disk is full for example.
    pub failures: u64,
    /// Lines that were lost because too many waited for the disk.
    pub lost: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Whole lines so far.
    bytes: u64,
    /// When it began, milliseconds since 1970.
    began_ms: u64,
}

impl Exporter {
    /// Opens the export, and makes its directory where it is missing. A last line that was not finished is.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn open(settings: Export) -> io::Result<Self> {
        fs::create_dir_all(&settings.directory)?;
        let open = Open::new(&settings.directory)?;
        let last = last_record(&settings.directory)?;
        Ok(Self {
            settings,
            open: Some(open),
            waiting: Vec::new(),
            waiting_lines: 0,
            last,
            counts: ExportCounts::default(),
            has_complained: false,
        })
    }

    /// The number of the last record that is there; 0 where there is none.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// What became of records.
    #[must_use]
    pub fn counts(&self) -> ExportCounts {
        self.counts
    }

    /// Whether all records are written.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes a record; [`Self::flush`] writes it.
    pub fn add(&mut self, record: &UsageRecord) {
        let before = self.waiting.len();
        let written = serde_json::to_writer(&mut self.waiting, record);
        if written.is_err() || self.waiting.len() >= MAX_WAITING_BYTES {
            self.waiting.truncate(before);
            self.counts.lost += 1;
            return;
        }
        self.waiting.push(b'\n');
        self.waiting_lines += 1;
        self.last = self.last.max(record.record);
    }

    /// Writes what waits. What cannot be written waits on.
    pub fn flush(&mut self, now_ms: u64) {
        match self.try_flush(now_ms) {
            Ok(()) if self.has_complained => {
                self.has_complained = false;
                info!(directory = %self.settings.directory.display(), "usage is exported again");
            }
            Ok(()) => {}
            Err(error) => {
                self.counts.failures += 1;
                if !std::mem::replace(&mut self.has_complained, true) {
                    let directory = self.settings.directory.display();
                    error!(%directory, %error, "usage cannot be exported; it waits in memory");
                }
            }
        }
    }

    /// Makes what is written durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> io::Result<()> {
        self.open
            .as_ref()
            .map_or(Ok(()), |open| open.file.sync_data())
    }

    fn try_flush(&mut self, now_ms: u64) -> io::Result<()> {
        self.turn_over(now_ms)?;
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&self.settings.directory)?,
        };
        if open.bytes == 0 {
            open.began_ms = now_ms;
        }
        // After a failure it is opened anew, which makes the last line whole or nothing.
        open.append(&self.waiting)?;
        self.open = Some(open);
        self.waiting.clear();
        self.counts.written += std::mem::take(&mut self.waiting_lines);
        Ok(())
    }

    /// Begins a new file where it is time to.
    fn turn_over(&mut self, now_ms: u64) -> io::Result<()> {
        let Some(open) = &self.open else {
            return Ok(());
        };
        let age = Duration::from_millis(now_ms.saturating_sub(open.began_ms));
        let is_large = open.bytes >= self.settings.rotate_size;
        if open.bytes == 0 || !is_large && age < self.settings.rotate_after {
            return Ok(());
        }
        open.file.sync_data()?;
        let directory = &self.settings.directory;
        put_away(directory, now_ms)?;
        self.open = None;
        self.open = Some(Open::new(directory)?);
        if let Err(error) = self.remove_old(now_ms) {
            let directory = self.settings.directory.display();
            warn!(%directory, %error, "old usage files cannot be removed");
        }
        Ok(())
    }

    /// Removes the oldest files where there are too many, and those that are too old.
    fn remove_old(&self, now_ms: u64) -> io::Result<()> {
        let files = put_away_files(&self.settings.directory)?;
        let too_many = files.len().saturating_sub(self.settings.keep);
        for (index, path) in files.into_iter().enumerate() {
            if index < too_many || self.is_too_old(&path, now_ms)? {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn is_too_old(&self, path: &Path, now_ms: u64) -> io::Result<bool> {
        let Some(keep_for) = self.settings.keep_for else {
            return Ok(false);
        };
        let age_ms = now_ms.saturating_sub(modified_ms(&fs::metadata(path)?)?);
        Ok(Duration::from_millis(age_ms) > keep_for)
    }
}

impl Open {
    /// The file that grows, as it is or new. A last line without an end gets one.
    fn new(directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path)?;
        let metadata = file.metadata()?;
        let mut open = Self {
            bytes: metadata.len(),
            began_ms: match metadata.created() {
                Ok(time) => ms_of(time),
                Err(_) => modified_ms(&metadata)?,
            },
            file: file.try_clone()?,
        };
        if metadata.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                open.append(b"\n")?;
            }
        }
        Ok(open)
    }

    /// Appends whole lines, all or none of them where the disk allows that.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(lines) {
            // If this fails too, the line that is there in part gets an end when the file is opened anew.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

/// Gives the file that grows its name for good, one that no other has.
fn put_away(directory: &Path, now_ms: u64) -> io::Result<()> {
    let time = utc::compact(now_ms / 1000);
    // Numbers of files that were removed are not given again: the names tell the order.
    let files = put_away_files(directory)?;
    let names = files.iter().filter_map(|path| path.file_name()?.to_str());
    let taken = names.filter_map(order).filter(|(other, _)| *other == time);
    let first = taken.map(|(_, n)| n.saturating_add(1)).max();
    for n in first.unwrap_or(0)..u32::MAX {
        let target = directory.join(format!("{PREFIX}{time}-{n}{SUFFIX}"));
        let (from, flags) = (directory.join(FILE), RenameFlags::RENAME_NOREPLACE);
        match renameat2(AT_FDCWD, &from, AT_FDCWD, &target, flags) {
            Ok(()) => return Ok(()),
            Err(nix::errno::Errno::EEXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Files that were put away, from the oldest.
fn put_away_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(order) = name.and_then(order) {
            files.push((order, path));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// Time and number in a file's name; `None` where it is none of ours.
fn order(name: &str) -> Option<(String, u32)> {
    let (time, n) = name
        .strip_prefix(PREFIX)?
        .strip_suffix(SUFFIX)?
        .split_once('-')?;
    let is_time = time.len() == 16 && time.ends_with('Z');
    Some((time.to_owned(), n.parse().ok()?)).filter(|_| is_time)
}

/// The last record of the newest file that has one.
fn last_record(directory: &Path) -> io::Result<u64> {
    let mut files = put_away_files(directory)?;
    files.push(directory.join(FILE));
    for path in files.iter().rev() {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut tail = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut tail)?;
        let lines = tail.split(|byte| *byte == b'\n').rev();
        let mut records = lines.filter_map(|line| serde_json::from_slice::<UsageRecord>(line).ok());
        if let Some(record) = records.next() {
            return Ok(record.record);
        }
    }
    Ok(0)
}

fn modified_ms(metadata: &fs::Metadata) -> io::Result<u64> {
    metadata.modified().map(ms_of)
}

fn ms_of(time: std::time::SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
