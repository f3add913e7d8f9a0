//! IP forwarding of a device.
//!
//! `bpf_fib_lookup` refuses to answer for a device that does not forward, so ours have to.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

/// An address family with a switch of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `net.ipv4.conf.DEVICE.forwarding`
    Ipv4,
    /// `net.ipv6.conf.DEVICE.forwarding`
    Ipv6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}

/// Switches forwarding on where it is off, and says where that was. A host without IPv6 has nothing to
/// switch there.
///
/// # Errors
/// When the switch cannot be read or written; the message names it.
pub fn switch_on(device: &str) -> io::Result<Vec<Family>> {
    switch_on_below(Path::new("/proc/sys/net"), device)
}

fn switch_on_below(root: &Path, device: &str) -> io::Result<Vec<Family>> {
    let mut switched = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        let switch = root.join(format!("{family}/conf/{device}/forwarding"));
        let named = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("{}: {error}; write 1 there", switch.display()),
            )
        };
        match std::fs::read_to_string(&switch) {
            Ok(text) if text.trim() == "1" => {}
            Ok(_) => {
                std::fs::write(&switch, "1").map_err(named)?;
                switched.push(family);
            }
            Err(error) if error.kind() == ErrorKind::NotFound && family == Family::Ipv6 => {}
            Err(error) => return Err(named(error)),
        }
    }
    Ok(switched)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(root: &Path, family: &str, value: &str) -> std::path::PathBuf {
        let directory = root.join(format!("{family}/conf/n3.100"));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("forwarding"), value).unwrap();
        directory.join("forwarding")
    }

    #[test]
    fn what_is_off_is_switched_on_and_told() {
        let root = tempfile::tempdir().unwrap();
        let v4 = conf(root.path(), "ipv4", "0\n");
        conf(root.path(), "ipv6", "1\n");
        assert_eq!(
            switch_on_below(root.path(), "n3.100").unwrap(),
            [Family::Ipv4]
        );
        assert_eq!(std::fs::read_to_string(v4).unwrap(), "1");
        assert_eq!(switch_on_below(root.path(), "n3.100").unwrap(), []);
    }

    #[test]
    fn a_host_without_ipv6_is_fine() {
        let root = tempfile::tempdir().unwrap();
        conf(root.path(), "ipv4", "0\n");
        assert_eq!(
            switch_on_below(root.path(), "n3.100").unwrap(),
            [Family::Ipv4]
        );
    }

    #[test]
    fn a_missing_switch_is_named() {
        let root = tempfile::tempdir().unwrap();
        let error = switch_on_below(root.path(), "n3.100")
            .unwrap_err()
            .to_string();
        assert!(error.contains("ipv4/conf/n3.100/forwarding"), "{error}");
    }
}
