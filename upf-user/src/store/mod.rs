//! What must outlive a reboot.
//!
//! One is a number, the Recovery Time Stamp (TS 29.244 clause 8.2.65). A peer that sees
//! a later stamp than before knows that we have started anew, so no two such starts may share one, be
//! they within the same second or after the clock has been set back. Another is what the REST API
//! has given SIMs and customers ([`BandwidthStore`]), and another what another process needs to go on where this one stops:
//! sessions and what they have counted, usage reports that control planes have not acknowledged, associations
//! ([`SessionStore`]).

mod bandwidth;
mod contexts;
#[cfg(test)]
mod damage;
mod engine;
mod file;
mod sessions;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use bandwidth::{BandwidthStore, Chunk};
pub use contexts::{ContextChange, RecordKey, RecordKind};
pub use engine::Syncing;
pub use file::FileStore;
pub use sessions::{Change, Kept, Numbered, SessionStore};

/// Seconds from the NTP epoch (1900) to the Unix epoch (1970).
pub const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Why something was not kept or not found again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("{}: {error}; run as root, or set node.state to a directory that can be written", path.display())]
    Io {
        /// File or directory concerned.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file was written by somebody else, or damaged.
    #[error("{} does not hold what was written there; remove it to start afresh", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the store open.
    #[error("{} is open in another process; end the other upf, or give each a node.state of its own", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// A store of many records is damaged.
    #[error("{} is damaged ({reason}); bring it back from a backup, or move it away to start without {loses}", path.display())]
    DamagedTables {
        /// The store's directory.
        path: PathBuf,
        /// What was found.
        reason: String,
        /// What it held.
        loses: &'static str,
    },
}

/// Keeps what must outlive a reboot. What a call has stored is durable when it returns.
pub trait Store {
    /// The stamp of the last start in NTP seconds that do not wrap, `None` before the first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn recovery_time_stamp(&self) -> Result<Option<u64>, StoreError>;

    /// Keeps the stamp of this start.
    ///
    /// # Errors
    /// When the store cannot be written; the former stamp is then still there.
    fn set_recovery_time_stamp(&mut self, ntp_seconds: u64) -> Result<(), StoreError>;
}

/// The time that peers are told as our Recovery Time Stamp, in whole seconds. A new one says that all contexts are lost
/// (TS 23.007 clause 19A): it is this start's, later than every one before, and kept for the next start. Where this process
/// goes on with the contexts of another, the stamp goes on, too; if none was found with them, peers set up anew what
/// there is.
///
/// # Errors
/// When the store fails.
pub fn recovery_time(
    store: &mut dyn Store,
    now: SystemTime,
    goes_on: bool,
) -> Result<SystemTime, StoreError> {
    let last = store.recovery_time_stamp()?;
    let stamp = match last.filter(|_| goes_on) {
        Some(last) => last,
        None => {
            let earliest = last.map_or(0, |last| last.saturating_add(1));
            let stamp = ntp_seconds(now).max(earliest);
            store.set_recovery_time_stamp(stamp)?;
            stamp
        }
    };
    Ok(UNIX_EPOCH + Duration::from_secs(stamp.saturating_sub(NTP_TO_UNIX)))
}

fn ntp_seconds(time: SystemTime) -> u64 {
    let unix = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    unix.as_secs().saturating_add(NTP_TO_UNIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix_seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(unix_seconds)
    }

    #[test]
    fn every_start_is_later_than_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let start = |now| {
            let mut store = FileStore::open(dir.path()).unwrap();
            recovery_time(&mut store, now, false).unwrap()
        };
        assert_eq!(start(at(1_000) + Duration::from_millis(900)), at(1_000));
        assert_eq!(
            start(at(1_000) + Duration::from_millis(950)),
            at(1_001),
            "same second"
        );
        assert_eq!(start(at(500)), at(1_002), "clock set back");
        assert_eq!(start(at(2_000)), at(2_000));
    }

    #[test]
    fn the_stamp_goes_on_with_the_contexts_and_is_new_without_them() {
        let dir = tempfile::tempdir().unwrap();
        let start = |seconds, goes_on| {
            let mut store = FileStore::open(dir.path()).unwrap();
            recovery_time(&mut store, at(seconds), goes_on).unwrap()
        };
        assert_eq!(start(1_000, true), at(1_000), "there is none to go on with");
        for seconds in [1_000, 2_000, 500] {
            assert_eq!(start(seconds, true), at(1_000));
        }
        assert_eq!(start(1_000, false), at(1_001), "never one that was there");
        assert_eq!(start(3_000, true), at(1_001));
        assert_eq!(start(3_000, false), at(3_000));
    }

    #[test]
    fn what_another_wrote_there_is_not_taken_for_a_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = FileStore::open(dir.path()).unwrap();
        assert_eq!(store.recovery_time_stamp().unwrap(), None);
        store.set_recovery_time_stamp(7).unwrap();
        let file = std::fs::read_dir(dir.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        for damage in [
            "",
            "7",
            "seven\n",
            "-7\n",
            "99999999999999999999999\n",
            "1099511627776\n",
        ] {
            std::fs::write(&file, damage).unwrap();
            let error = store.recovery_time_stamp().expect_err(damage).to_string();
            assert!(error.contains("remove it to start afresh"), "{error}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let error = FileStore::open(&blocked.join("state"))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("file/state"), "{error}");
    }
}
