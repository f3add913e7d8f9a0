//! What kind of host this is.

use std::{
    env,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

/// Whether this process may install packages, load BPF and make namespaces.
pub(crate) fn is_root() -> bool {
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|metadata| metadata.uid() == 0)
}

/// Refuses to go on without root, with the line that would.
pub(crate) fn require_root(why: &str) -> Result<()> {
    if is_root() {
        return Ok(());
    }
    let arguments = env::args().skip(1).collect::<Vec<_>>().join(" ");
    // sudo resets PATH and HOME, where rustup keeps its toolchains.
    bail!(
        "{why} needs root. Run:\n  \
         sudo -E env \"PATH=$PATH\" \"HOME=$HOME\" cargo xtask {arguments}"
    );
}

/// Where a program is found: on PATH, or in the directories that a user's PATH often lacks.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/bin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

/// Whether `/etc/os-release` describes Debian 12, which packages the eBPF toolchain.
pub(crate) fn is_debian_12(os_release: &str) -> bool {
    let value = |key: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"'))
    };
    value("ID") == Some("debian") && value("VERSION_ID") == Some("12")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_12_is_told_from_others() {
        assert!(is_debian_12(
            "PRETTY_NAME=\"Debian\"\nVERSION_ID=\"12\"\nID=debian\n"
        ));
        assert!(!is_debian_12("VERSION_ID=\"13\"\nID=debian\n"));
        assert!(!is_debian_12(
            "VERSION_ID=\"12\"\nID=devuan\nID_LIKE=debian\n"
        ));
        assert!(!is_debian_12(""));
    }

    #[test]
    fn a_program_that_does_not_exist_is_not_found() {
        assert!(program("sh").is_some());
        assert!(program("no-such-program-of-ours").is_none());
    }
}
