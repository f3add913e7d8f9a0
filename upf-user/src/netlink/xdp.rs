//! The XDP program that a device runs.

use std::fmt;

use futures_util::TryStreamExt;
use rtnetlink::packet_route::link::{LinkAttribute, LinkMessage, LinkXdp, XdpAttached};

use super::NetlinkError;

/// An XDP program that is at a device, whoever put it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachedXdp {
    /// The kernel's number of the program.
    pub program: u32,
    /// Where it is attached.
    pub place: XdpPlace,
}

/// Where a device runs XDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpPlace {
    /// In the driver.
    Native,
    /// In the kernel's network stack, on every device.
    Generic,
    /// Elsewhere: in hardware, or several at once.
    Other,
}

impl fmt::Display for XdpPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Other => "other",
        })
    }
}

/// The program at a device; `None` where there is none, or no such device.
///
/// # Errors
/// When the kernel does not tell.
pub async fn attached_xdp(ifindex: u32) -> Result<Option<AttachedXdp>, NetlinkError> {
    let (connection, handle, _) = rtnetlink::new_connection()?;
    let driver = tokio::spawn(connection);
    let found = handle
        .link()
        .get()
        .match_index(ifindex)
        .execute()
        .try_next()
        .await;
    driver.abort();
    match found {
        Ok(link) => Ok(link.as_ref().and_then(read)),
        Err(rtnetlink::Error::NetlinkError(error)) if is_absent(error.raw_code()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const fn is_absent(code: i32) -> bool {
    code == -libc::ENODEV
}

fn read(link: &LinkMessage) -> Option<AttachedXdp> {
    let parts = link
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            LinkAttribute::Xdp(parts) => Some(parts),
            _ => None,
        })?;
    let place = parts.iter().find_map(|part| match part {
        LinkXdp::Attached(XdpAttached::None) => None,
        LinkXdp::Attached(XdpAttached::Driver) => Some(XdpPlace::Native),
        LinkXdp::Attached(XdpAttached::SocketBuffer) => Some(XdpPlace::Generic),
        LinkXdp::Attached(_) => Some(XdpPlace::Other),
        _ => None,
    })?;
    // With several at once there is no single number; zero is nobody's.
    let program = parts.iter().find_map(|part| match part {
        LinkXdp::ProgId(id) => Some(*id),
        _ => None,
    });
    Some(AttachedXdp {
        program: program.unwrap_or_default(),
        place,
    })
}
