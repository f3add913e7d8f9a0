//! One small file a value, replaced by renaming.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Store, StoreError};

const RECOVERY_TIME_STAMP: &str = "recovery-time-stamp";

/// Some thirty thousand years from now: no clock has ever said so.
const LATEST: u64 = 1 << 40;

/// A [`Store`] in a directory.
#[derive(Debug)]
pub struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    /// Opens the directory and makes it where it is missing.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(directory).map_err(|error| io(directory, error))?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }
}

/// Writes a file anew: readers find the old content or the new, never less, whenever the power goes.
pub(super) fn replace(directory: &Path, name: &str, content: &str) -> std::io::Result<()> {
    let fresh = directory.join(format!("{name}.new"));
    let mut file = File::create(&fresh)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, directory.join(name))?;
    File::open(directory)?.sync_all()
}

impl Store for FileStore {
    fn recovery_time_stamp(&self) -> Result<Option<u64>, StoreError> {
        let path = self.directory.join(RECOVERY_TIME_STAMP);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(&path, error)),
        };
        let stamp = text
            .strip_suffix('\n')
            .and_then(|number| number.parse().ok());
        stamp
            .filter(|stamp| *stamp < LATEST)
            .map(Some)
            .ok_or(StoreError::Damaged { path })
    }

    fn set_recovery_time_stamp(&mut self, ntp_seconds: u64) -> Result<(), StoreError> {
        let content = format!("{ntp_seconds}\n");
        let replaced = replace(&self.directory, RECOVERY_TIME_STAMP, &content);
        replaced.map_err(|error| io(&self.directory.join(RECOVERY_TIME_STAMP), error))
    }
}

fn io(path: &Path, error: std::io::Error) -> StoreError {
    StoreError::Io {
        path: path.to_owned(),
        error,
    }
}
