//! Many datagrams a system call: `sendmmsg` and `recvmmsg` over IPv4 UDP sockets.

use std::{
    io,
    mem::zeroed,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::fd::AsRawFd as _,
    ptr,
};

use nix::sys::socket::{setsockopt, sockopt};

/// Datagrams a call.
pub const BATCH: usize = 64;
/// Room for one received datagram.
const ROOM: usize = 2048;
/// Holds what arrives while the reader is not scheduled.
const RECEIVE_BUFFER: usize = 64 << 20;

/// Gives the socket a receive buffer for bursts, beyond what an ordinary user may.
///
/// # Errors
/// Without root.
pub fn enlarge_receive_buffer(socket: &UdpSocket) -> io::Result<()> {
    setsockopt(socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).map_err(io::Error::from)
}

/// Sends up to [`BATCH`] datagrams and returns how many the kernel took.
///
/// # Errors
/// When it took none, such as when the socket's buffer is full.
pub fn send<'a>(
    socket: &UdpSocket,
    datagrams: impl Iterator<Item = (SocketAddrV4, &'a [u8])>,
) -> io::Result<usize> {
    // SAFETY: these are plain C structures; all zeros is a valid value of each.
    let (mut addresses, mut pieces, mut headers): (
        [libc::sockaddr_in; BATCH],
        [libc::iovec; BATCH],
        [libc::mmsghdr; BATCH],
    ) = unsafe { (zeroed(), zeroed(), zeroed()) };
    let mut count = 0;
    for ((((to, bytes), address), piece), header) in datagrams
        .zip(&mut addresses)
        .zip(&mut pieces)
        .zip(&mut headers)
    {
        *address = to_c(to);
        piece.iov_base = bytes.as_ptr().cast_mut().cast();
        piece.iov_len = bytes.len();
        header.msg_hdr = to_header(address, piece);
        count += 1;
    }
    // SAFETY: `count` headers are filled in; what they point to outlives the call, which reads only.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, 0) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Buffers for [`Receiver::receive`].
#[derive(Debug)]
pub struct Receiver {
    buffers: Box<[[u8; ROOM]; BATCH]>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            buffers: Box::new([[0; ROOM]; BATCH]),
        }
    }
}

impl Receiver {
    /// Hands each waiting datagram with its sender to `each`, and returns how many there were: at
    /// most [`BATCH`], 0 when none waits.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn receive(
        &mut self,
        socket: &UdpSocket,
        mut each: impl FnMut(SocketAddrV4, &[u8]),
    ) -> io::Result<usize> {
        // SAFETY: these are plain C structures; all zeros is a valid value of each.
        let (mut addresses, mut pieces, mut headers): (
            [libc::sockaddr_in; BATCH],
            [libc::iovec; BATCH],
            [libc::mmsghdr; BATCH],
        ) = unsafe { (zeroed(), zeroed(), zeroed()) };
        for (((buffer, address), piece), header) in self
            .buffers
            .iter_mut()
            .zip(&mut addresses)
            .zip(&mut pieces)
            .zip(&mut headers)
        {
            piece.iov_base = buffer.as_mut_ptr().cast();
            piece.iov_len = buffer.len();
            header.msg_hdr = to_header(address, piece);
        }
        // SAFETY: every header points to an address, a piece and a buffer that outlive the call.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        let Ok(count) = usize::try_from(received) else {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::WouldBlock {
                Ok(0)
            } else {
                Err(error)
            };
        };
        let filled = addresses
            .iter()
            .zip(&headers)
            .zip(self.buffers.iter())
            .take(count);
        for ((address, header), buffer) in filled {
            let length = usize::try_from(header.msg_len).unwrap_or(ROOM).min(ROOM);
            each(from_c(address), &buffer[..length]);
        }
        Ok(count)
    }
}

fn to_header(address: &mut libc::sockaddr_in, piece: &mut libc::iovec) -> libc::msghdr {
    // SAFETY: plain data; all zeros is a valid value.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_name = ptr::from_mut(address).cast();
    header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    header.msg_iov = piece;
    header.msg_iovlen = 1;
    header
}

fn to_c(address: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(address.ip().octets()),
        },
        sin_zero: [0; 8],
    }
}

fn from_c(address: &libc::sockaddr_in) -> SocketAddrV4 {
    let ip = Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes());
    SocketAddrV4::new(ip, u16::from_be(address.sin_port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_arrive_with_their_sender() {
        let bind = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let (one, other) = (bind(), bind());
        let std::net::SocketAddr::V4(to) = other.local_addr().unwrap() else {
            panic!("IPv4")
        };
        let texts: [&[u8]; 3] = [b"a", b"", b"ccc"];
        assert_eq!(send(&one, texts.iter().map(|text| (to, *text))).unwrap(), 3);
        let mut seen = Vec::new();
        let mut receiver = Receiver::default();
        let count = receiver.receive(&other, |from, bytes| seen.push((from, bytes.to_vec())));
        assert_eq!(count.unwrap(), 3);
        assert!(
            seen.iter()
                .all(|(from, _)| one.local_addr().unwrap() == (*from).into())
        );
        assert_eq!(
            seen.iter().map(|(_, bytes)| &bytes[..]).collect::<Vec<_>>(),
            texts
        );
        assert_eq!(receiver.receive(&other, |_, _| ()).unwrap(), 0);
    }
}
