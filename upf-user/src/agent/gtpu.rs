//! The GTP-U port (TS 29.281 clause 4.4.2) of each of our addresses.
//!
//! The fast path takes user packets and Echo Requests; what else peers say it hands to the kernel, and so to the
//! sockets here. They are counted by the fast path, and answered by nobody: a peer that ends a tunnel or names an
//! unknown one expects no answer. Without a socket the kernel would tell the peer that its port is closed.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};
use tokio::net::UdpSocket;
use upf_common::wire::GTPU_PORT;

/// More than any message but user packets has.
const MAX_MESSAGE: usize = 2048;

/// The address that a socket is bound to.
pub(super) const fn endpoint(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, GTPU_PORT)
}

/// A socket at our address, be it on a device already or not.
///
/// # Errors
/// When another program has the port.
pub(super) fn open(address: IpAddr) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let descriptor = socket(family, SockType::Datagram, flags, None)?;
    // Devices may come later, and their addresses with them.
    setsockopt(&descriptor.as_fd(), sockopt::IpFreebind, &true)?;
    bind(
        descriptor.as_raw_fd(),
        &SockaddrStorage::from(endpoint(address)),
    )?;
    UdpSocket::from_std(StdUdpSocket::from(descriptor))
}

/// Takes messages until the socket breaks.
pub(super) async fn drain(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = [0; MAX_MESSAGE];
    loop {
        socket.recv_from(&mut buffer).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn messages_are_taken_and_nobody_is_told_that_the_port_is_closed() {
        // An address of the host's own that nothing else uses, and one that is on no device.
        let ours = IpAddr::V4(Ipv4Addr::new(127, 21, 52, 1));
        let absent = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 99));
        let task = tokio::spawn(drain(open(ours).unwrap()));
        let _absent = open(absent).unwrap();

        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        peer.connect(endpoint(ours)).await.unwrap();
        for _ in 0..3 {
            // A closed port would show as an error of the second message.
            peer.send(&[0x30, 254, 0, 0, 0, 0, 0, 1]).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(!task.is_finished());
        assert!(open(ours).is_err(), "the port is taken");
    }
}
