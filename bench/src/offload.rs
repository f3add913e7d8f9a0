//! Device features that matter to XDP on veth, set as `ethtool -K` does.

use std::os::fd::AsRawFd as _;

use anyhow::{Context as _, Result, ensure};

// include/uapi/linux/ethtool.h
const ETHTOOL_STXCSUM: u32 = 0x17;
const ETHTOOL_STSO: u32 = 0x1f;
const ETHTOOL_SGSO: u32 = 0x24;
const ETHTOOL_SGRO: u32 = 0x2c;

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// Whole packets with finished checksums out, NAPI on the way in.
///
/// # Errors
/// When there is no such device in the calling thread's namespace, or it lacks a feature.
pub fn for_xdp(device: &str) -> Result<()> {
    for (name, command, data) in [
        ("tx-checksum off", ETHTOOL_STXCSUM, 0),
        ("tso off", ETHTOOL_STSO, 0),
        ("gso off", ETHTOOL_SGSO, 0),
        ("gro on", ETHTOOL_SGRO, 1),
    ] {
        set(device, EthtoolValue { command, data }).with_context(|| format!("{device}: {name}"))?;
    }
    Ok(())
}

fn set(device: &str, mut value: EthtoolValue) -> Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").context("no socket")?;
    // SAFETY: ifreq is plain data; all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    ensure!(
        device.len() < request.ifr_name.len(),
        "the name of a device has at most 15 bytes"
    );
    for (to, from) in request.ifr_name.iter_mut().zip(device.bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the kernel reads a terminated name and an ethtool_value, both alive during the call.
    let outcome = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    ensure!(outcome == 0, std::io::Error::last_os_error());
    Ok(())
}
