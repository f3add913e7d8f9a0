//! Names in the BPF file system: what keeps the data path alive while no agent runs, and what `bpftool`
//! finds.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use aya::pin::PinError;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use tracing::debug;

const LINK_PREFIX: &str = "link-";
/// Directories with what agents before us have counted in, by the kernel's number of their `SLOTS`.
const FORMER_PREFIX: &str = "former-";

/// Why pins cannot be made or removed.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// The directory would not be in a BPF file system.
    #[error(
        "{} is not in a BPF file system; mount one with `mount -t bpf bpf /sys/fs/bpf`, \
         or name another directory with [node] pins", directory.display()
    )]
    NotBpffs {
        /// The directory asked for.
        directory: PathBuf,
    },
    /// Another agent runs with the same directory.
    #[error(
        "another agent uses the pins in {}; stop it, or name another directory with [node] pins",
        directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The system refused.
    #[error("{}", path.display())]
    Io {
        /// File or directory concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel refused to pin.
    #[error("{} cannot be pinned", path.display())]
    Pin {
        /// The name.
        path: PathBuf,
        /// What the kernel said.
        source: PinError,
    },
}

/// The directory of pins, ours alone while this exists.
#[derive(Debug)]
pub struct Pins {
    directory: PathBuf,
    _lock: Flock<File>,
}

impl Pins {
    /// Opens the directory and makes it where it is missing.
    ///
    /// # Errors
    /// Outside a BPF file system, or when another agent has it.
    pub fn open(directory: &Path) -> Result<Self, PinsError> {
        let named = |source| PinsError::Io {
            path: directory.to_owned(),
            source,
        };
        if !in_bpffs(directory).map_err(named)? {
            return Err(PinsError::NotBpffs {
                directory: directory.to_owned(),
            });
        }
        fs::create_dir_all(directory).map_err(named)?;
        let opened = File::open(directory).map_err(named)?;
        match Flock::lock(opened, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self {
                directory: directory.to_owned(),
                _lock: lock,
            }),
            Err((_, Errno::EWOULDBLOCK)) => Err(PinsError::InUse {
                directory: directory.to_owned(),
            }),
            Err((_, errno)) => Err(named(errno.into())),
        }
    }

    /// The pin of a program or map.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The pin of a device's link. BPF file systems refuse dots in names, and devices cannot have colons.
    #[must_use]
    pub fn link_path(&self, device: &str) -> PathBuf {
        let device = device.replace('.', ":");
        self.path(&format!("{LINK_PREFIX}{device}"))
    }

    /// The devices that links are pinned for.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn linked_devices(&self) -> Result<Vec<String>, PinsError> {
        let names = self.names()?;
        let devices = names
            .iter()
            .filter_map(|name| name.strip_prefix(LINK_PREFIX));
        Ok(devices.map(|device| device.replace(':', ".")).collect())
    }

    /// Removes the pins of programs and maps of an agent before us. Its links stay, and with them its data
    /// path goes on; so does what was put aside.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove_objects(&self) -> Result<(), PinsError> {
        for name in self.names()? {
            if !name.starts_with(LINK_PREFIX) && !name.starts_with(FORMER_PREFIX) {
                self.remove(&self.path(&name))?;
            }
        }
        Ok(())
    }

    /// Puts pins of an agent before us aside, as those of `number`. Those that are not there are left out.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn put_aside(&self, number: u32, names: &[&str]) -> Result<(), PinsError> {
        let directory = self.former_path(number);
        let named = |source| PinsError::Io {
            path: directory.clone(),
            source,
        };
        fs::create_dir_all(&directory).map_err(named)?;
        for name in names {
            match fs::rename(self.path(name), directory.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(named(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The numbers of what was put aside.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn former(&self) -> Result<Vec<u32>, PinsError> {
        let names = self.names()?;
        let numbers = names
            .iter()
            .filter_map(|name| name.strip_prefix(FORMER_PREFIX));
        Ok(numbers.filter_map(|number| number.parse().ok()).collect())
    }

    /// Where something was put aside.
    #[must_use]
    pub fn former_path(&self, number: u32) -> PathBuf {
        self.path(&format!("{FORMER_PREFIX}{number}"))
    }

    /// Removes what was put aside.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove_former(&self, number: u32) -> Result<(), PinsError> {
        self.remove_directory(&self.former_path(number))
    }

    /// Removes a pin; an absent one is no error.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove(&self, path: &Path) -> Result<(), PinsError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(PinsError::Io {
                path: path.to_owned(),
                source: error,
            }),
            _ => Ok(()),
        }
    }

    /// Removes every pin and the directory. Links that nothing else holds are detached by that.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove_all(self) -> Result<(), PinsError> {
        for name in self.names()? {
            if name.starts_with(FORMER_PREFIX) {
                self.remove_directory(&self.path(&name))?;
            } else {
                self.remove(&self.path(&name))?;
            }
        }
        self.remove_directory(&self.directory)
    }

    /// Removes a directory and the pins in it.
    fn remove_directory(&self, directory: &Path) -> Result<(), PinsError> {
        let named = |source| PinsError::Io {
            path: directory.to_owned(),
            source,
        };
        for entry in fs::read_dir(directory).map_err(named)? {
            self.remove(&entry.map_err(named)?.path())?;
        }
        fs::remove_dir(directory).map_err(named)
    }

    /// Leaves the directory as far as links of an agent before us keep a data path alive, or the next one has something to
    /// count; else it goes.
    pub(super) fn abandon(self) {
        let is_of_use =
            |name: &String| name.starts_with(LINK_PREFIX) || name.starts_with(FORMER_PREFIX);
        if matches!(self.names(), Ok(names) if !names.iter().any(is_of_use))
            && let Err(error) = self.remove_all()
        {
            debug!(%error, "pins are left behind");
        }
    }

    fn names(&self) -> Result<Vec<String>, PinsError> {
        let read = || -> io::Result<Vec<String>> {
            fs::read_dir(&self.directory)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect()
        };
        read().map_err(|source| PinsError::Io {
            path: self.directory.clone(),
            source,
        })
    }
}

/// Whether the directory is, or would be, in a BPF file system: the closest one that is there tells.
fn in_bpffs(directory: &Path) -> io::Result<bool> {
    for ancestor in directory.ancestors() {
        match statfs(ancestor) {
            Ok(found) => return Ok(found.filesystem_type() == BPF_FS_MAGIC),
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_elsewhere_is_refused_with_what_to_do() {
        let elsewhere = tempfile::tempdir().unwrap();
        let error = Pins::open(&elsewhere.path().join("a/b")).unwrap_err();
        assert!(matches!(error, PinsError::NotBpffs { .. }));
        assert!(error.to_string().contains("mount -t bpf bpf /sys/fs/bpf"));
        assert!(!elsewhere.path().join("a").exists());
    }
}
