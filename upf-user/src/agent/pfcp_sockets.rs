//! The PFCP port, opened twice: what a storm of requests leaves waiting, or drops, is never a heartbeat.
//!
//! A classic BPF program at the pair tells the kernel which of the two a datagram is for. Answers leave by either:
//! both have our address.

use std::io;
use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};

use libc::{
    BPF_ABS, BPF_B, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_K, BPF_LD, BPF_LEN, BPF_RET, BPF_W, sock_filter,
    sock_fprog,
};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};
use tokio::net::UdpSocket;
use tracing::debug;

use super::backlog::MAX_HEARTBEAT;
use crate::pfcp::codec::MessageType;

/// Room for a burst of every SMF of a region: some ten thousand requests.
const REQUESTS_BUFFER: usize = 16 << 20;
/// Room for heartbeats of as many control planes as there can be.
const HEARTBEATS_BUFFER: usize = 1 << 20;
/// Where a message's type stands.
const TYPE_AT: u32 = 1;

/// The two sockets.
#[derive(Debug)]
pub(super) struct PfcpSockets {
    pub(super) heartbeats: UdpSocket,
    pub(super) requests: UdpSocket,
}

impl PfcpSockets {
    /// Opens the port at our address.
    ///
    /// # Errors
    /// When the address is not ours or somebody has the port.
    pub(super) fn open(listen: SocketAddr) -> io::Result<Self> {
        // The two share the port; nobody else is to. A socket that shares nothing finds out.
        let alone = StdUdpSocket::bind(listen)?;
        let listen = alone.local_addr()?;
        drop(alone);
        // The program counts sockets in this order.
        let heartbeats = open_shared(listen, HEARTBEATS_BUFFER)?;
        let requests = open_shared(listen, REQUESTS_BUFFER)?;
        attach(&requests)?;
        Ok(Self {
            heartbeats: UdpSocket::from_std(heartbeats)?,
            requests: UdpSocket::from_std(requests)?,
        })
    }
}

fn open_shared(listen: SocketAddr, buffer: usize) -> io::Result<StdUdpSocket> {
    let family = match listen {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let descriptor: OwnedFd = socket(family, SockType::Datagram, flags, None)?;
    setsockopt(&descriptor, sockopt::ReusePort, &true)?;
    // The plain option is cut to net.core.rmem_max, which the forced one may pass.
    if setsockopt(&descriptor, sockopt::RcvBufForce, &buffer).is_err()
        && let Err(error) = setsockopt(&descriptor, sockopt::RcvBuf, &buffer)
    {
        debug!(%error, "a PFCP receive buffer stays as it is");
    }
    bind(descriptor.as_raw_fd(), &SockaddrStorage::from(listen))?;
    Ok(StdUdpSocket::from(descriptor))
}

/// Short datagrams that begin with a heartbeat go to socket 0, all others to socket 1. The program sees the UDP payload;
/// where it reads behind the end, the kernel takes socket 0.
fn attach(socket: &StdUdpSocket) -> io::Result<()> {
    let step = |code: u32, jt, jf, k| sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let (request, response) = (
        MessageType::HeartbeatRequest,
        MessageType::HeartbeatResponse,
    );
    let mut steps = [
        step(BPF_LD | BPF_W | BPF_LEN, 0, 0, 0),
        step(BPF_JMP | BPF_JGT | BPF_K, 3, 0, MAX_HEARTBEAT as u32),
        step(BPF_LD | BPF_B | BPF_ABS, 0, 0, TYPE_AT),
        step(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, request as u32),
        step(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, response as u32),
        step(BPF_RET | BPF_K, 0, 0, 1),
        step(BPF_RET | BPF_K, 0, 0, 0),
    ];
    let program = sock_fprog {
        len: steps.len() as u16,
        filter: steps.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, which lives until then and has as many steps as it says; the option's
    // length is its type's.
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            size_of::<sock_fprog>() as libc::socklen_t,
        )
    };
    match outcome {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn next(socket: &UdpSocket) -> Vec<u8> {
        let mut buffer = [0; 2048];
        let received = tokio::time::timeout(Duration::from_secs(2), socket.recv(&mut buffer));
        let length = received.await.expect("something comes").unwrap();
        buffer[..length].to_vec()
    }

    #[tokio::test]
    async fn heartbeats_have_a_socket_of_their_own() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let sockets = PfcpSockets::open(address.parse().unwrap()).unwrap();
            let at = sockets.heartbeats.local_addr().unwrap();
            assert_eq!(sockets.requests.local_addr().unwrap(), at);
            // Many peers: it is not their addresses that decide.
            for _ in 0..20 {
                let peer = UdpSocket::bind((at.ip(), 0)).await.unwrap();
                let message = |kind: u8, len: usize| {
                    let mut bytes = vec![0; len];
                    bytes[..2].copy_from_slice(&[0x20, kind]);
                    bytes
                };
                for (kind, len) in [(1, 16), (5, 16), (2, 16), (50, 500), (1, 65), (1, 64)] {
                    let bytes = message(kind, len);
                    peer.send_to(&bytes, at).await.unwrap();
                    let is_heartbeat = matches!(kind, 1 | 2) && len <= MAX_HEARTBEAT;
                    let socket = match is_heartbeat {
                        true => &sockets.heartbeats,
                        false => &sockets.requests,
                    };
                    assert_eq!(next(socket).await, bytes, "{kind} {len}");
                }
            }
        }
    }

    #[tokio::test]
    async fn the_port_is_ours_alone() {
        let sockets = PfcpSockets::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let at = sockets.requests.local_addr().unwrap();
        let second = PfcpSockets::open(at).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    }
}
