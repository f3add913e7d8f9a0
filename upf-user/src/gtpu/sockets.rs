//! The GTP-U port (TS 29.281 clause 4.4.2) of each of our addresses, and what leaves from it.
//!
//! The fast path takes user packets and Echo Requests; what else peers say it hands to the kernel, and so to the
//! sockets here. Without them the kernel would tell the peer that its port is closed.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::Arc;

use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, SockaddrStorage, bind, sendmsg,
    setsockopt, socket, sockopt,
};
use upf_common::wire::GTPU_PORT;

use super::{PathKey, codec};
use crate::datapath::bpf::tables::EndMarkerSender;
use crate::metrics::GtpuMetrics;

/// Where a GTP-U node takes messages.
#[must_use]
pub const fn endpoint(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, GTPU_PORT)
}

/// A socket for each of our addresses. None of them ever waits: what cannot be sent at once is lost, as any datagram
/// may be.
#[derive(Debug)]
pub struct Sockets {
    of_address: BTreeMap<IpAddr, UdpSocket>,
    metrics: GtpuMetrics,
}

impl Sockets {
    /// Opens one at each address, be it on a device already or not.
    ///
    /// # Errors
    /// The address where it cannot be done: another program has the port.
    pub fn open(
        addresses: impl IntoIterator<Item = IpAddr>,
        metrics: GtpuMetrics,
    ) -> Result<Self, (SocketAddr, io::Error)> {
        let mut of_address = BTreeMap::new();
        for address in addresses {
            let socket = open(address).map_err(|error| (endpoint(address), error))?;
            of_address.insert(address, socket);
        }
        Ok(Self {
            of_address,
            metrics,
        })
    }

    /// Where messages are counted.
    #[must_use]
    pub fn metrics(&self) -> &GtpuMetrics {
        &self.metrics
    }

    /// Our addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.of_address.keys().copied()
    }

    /// A second handle of a socket, to receive by.
    ///
    /// # Errors
    /// When there is no such address, or too many files are open.
    pub fn receiver(&self, local: IpAddr) -> io::Result<UdpSocket> {
        self.socket(local)?.try_clone()
    }

    /// Sends a message from `local`, which is one of our addresses, and counts it.
    ///
    /// # Errors
    /// Why it is lost, which is counted.
    pub fn send(&self, local: IpAddr, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let outcome = self.socket(local).and_then(|socket| {
            let sent = socket.send_to(bytes, to);
            sent.map(drop)
        });
        self.metrics.sent(bytes, outcome.is_ok());
        outcome
    }

    /// Sends a user's packet into a tunnel; DSCP 0 where none is given.
    ///
    /// # Errors
    /// Why it is lost.
    pub fn send_packet(
        &self,
        path: PathKey,
        teid: u32,
        packet: &[u8],
        dscp: Option<u8>,
    ) -> io::Result<()> {
        let header = codec::g_pdu_header(teid, packet).ok_or(io::ErrorKind::InvalidInput)?;
        let socket = self.socket(path.local)?;
        // The DSCP are the upper six bits of ToS and traffic class (RFC 2474 clause 3).
        let tos = dscp.unwrap_or_default() << 2;
        let traffic_class = i32::from(tos);
        let marking = match path.remote {
            IpAddr::V4(_) => ControlMessage::Ipv4Tos(&tos),
            IpAddr::V6(_) => ControlMessage::Ipv6TClass(&traffic_class),
        };
        let parts = [IoSlice::new(&header), IoSlice::new(packet)];
        let to = SockaddrStorage::from(endpoint(path.remote));
        let flags = MsgFlags::empty();
        sendmsg(socket.as_raw_fd(), &parts, &[marking], flags, Some(&to))?;
        Ok(())
    }

    fn socket(&self, local: IpAddr) -> io::Result<&UdpSocket> {
        let socket = self.of_address.get(&local);
        socket.ok_or(io::ErrorKind::AddrNotAvailable.into())
    }
}

fn open(address: IpAddr) -> io::Result<UdpSocket> {
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
    Ok(UdpSocket::from(descriptor))
}

/// Sends End Markers (TS 29.281 clause 7.3.2), wherever it is called from: it neither waits nor fails. One that is
/// lost is counted; the peer gives the old path up after a while (TS 38.300 clause 9.2.3.2.2).
#[derive(Clone, Debug)]
pub struct EndMarkers {
    sockets: Arc<Sockets>,
}

impl EndMarkers {
    /// Sends by these sockets.
    #[must_use]
    pub fn new(sockets: Arc<Sockets>) -> Self {
        Self { sockets }
    }
}

impl EndMarkerSender for EndMarkers {
    fn send(&self, local: IpAddr, remote: IpAddr, teid: u32) {
        let marker = codec::end_marker(teid);
        if let Err(error) = self.sockets.send(local, endpoint(remote), &marker) {
            tracing::debug!(%remote, teid, %error, "an End Marker is lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::process::Command;
    use std::time::Duration;

    use nix::sys::socket::{ControlMessageOwned, recvmsg};

    use super::*;

    fn sockets(addresses: &[IpAddr]) -> Sockets {
        Sockets::open(addresses.iter().copied(), GtpuMetrics::new().unwrap()).unwrap()
    }

    /// Addresses of the host's own that nothing else uses: one for each test.
    fn loopback(n: u8) -> IpAddr {
        Ipv4Addr::new(127, 21, 53, n).into()
    }

    fn peer(address: IpAddr, port: u16) -> UdpSocket {
        let socket = UdpSocket::bind((address, port)).unwrap();
        let patience = Some(Duration::from_secs(2));
        socket.set_read_timeout(patience).unwrap();
        socket
    }

    #[test]
    fn a_port_can_be_had_once_and_before_its_address_is_there() {
        let absent = ["192.0.2.99", "2001:db8::99"].map(|address| address.parse().unwrap());
        let _absent = sockets(&absent);
        let _first = sockets(&[loopback(1)]);
        let (endpoint, error) = Sockets::open([loopback(1)], GtpuMetrics::new().unwrap())
            .expect_err("the port is taken");
        assert_eq!(endpoint, SocketAddr::new(loopback(1), 2152));
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn end_markers_leave_from_the_address_that_the_tunnel_had() {
        let sockets = sockets(&[loopback(2), loopback(3)]);
        let markers = EndMarkers::new(Arc::new(sockets));
        let gnb = peer(loopback(4), GTPU_PORT);
        markers.send(loopback(3), loopback(4), 9);
        let mut buffer = [0; 64];
        let (length, from) = gnb.recv_from(&mut buffer).unwrap();
        assert_eq!(from, SocketAddr::new(loopback(3), GTPU_PORT));
        assert_eq!(buffer[..length], [0x30, 254, 0, 0, 0, 0, 0, 9]);
    }

    #[test]
    fn what_cannot_be_sent_is_counted_and_nobody_fails() {
        let metrics = GtpuMetrics::new().unwrap();
        let sockets = Sockets::open([loopback(5)], metrics.clone()).unwrap();
        let markers = EndMarkers::new(Arc::new(sockets));
        // An address that is not ours, and a peer that cannot be reached from ours.
        markers.send(loopback(6), loopback(7), 9);
        markers.send(loopback(5), "2001:db8::1".parse().unwrap(), 9);
        assert_eq!(metrics.lost(), 2);
    }

    #[test]
    fn packets_carry_their_marking_over_both_families() {
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let sockets = sockets(&[loopback(8), v6]);
        // Over IPv6 the host has one loopback address, so that the peer is ourselves.
        let ipv4 = (loopback(8), peer(loopback(9), GTPU_PORT));
        let ipv6 = (v6, sockets.receiver(v6).unwrap());
        for (local, gnb) in [ipv4, ipv6] {
            gnb.set_nonblocking(false).unwrap();
            if local.is_ipv4() {
                setsockopt(&gnb, sockopt::IpRecvTos, &true).unwrap();
            } else {
                setsockopt(&gnb, sockopt::Ipv6RecvTClass, &true).unwrap();
            }
            let path = PathKey {
                remote: gnb.local_addr().unwrap().ip(),
                local,
            };
            for (dscp, expected) in [(None, 0), (Some(46), 46 << 2)] {
                sockets.send_packet(path, 9, &[0x45, 7], dscp).unwrap();
                let (bytes, marking) = received(&gnb);
                assert_eq!(bytes, [0x30, 255, 0, 2, 0, 0, 0, 9, 0x45, 7], "{local}");
                assert_eq!(marking, Some(expected), "{local}");
            }
        }
        let too_long = sockets.send_packet(
            PathKey {
                remote: loopback(9),
                local: loopback(8),
            },
            9,
            &[0; 65_536],
            None,
        );
        assert!(too_long.is_err());
    }

    /// A datagram, and its ToS or traffic class.
    fn received(socket: &UdpSocket) -> (Vec<u8>, Option<i32>) {
        let mut buffer = [0; 64];
        let mut space = nix::cmsg_space!(i32, i32);
        let mut parts = [io::IoSliceMut::new(&mut buffer)];
        let (descriptor, flags) = (socket.as_raw_fd(), MsgFlags::empty());
        let message =
            recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut space), flags).unwrap();
        let marking = message.cmsgs().unwrap().find_map(|message| match message {
            ControlMessageOwned::Ipv4Tos(tos) => Some(i32::from(tos)),
            ControlMessageOwned::Ipv6TClass(class) => Some(class),
            _ => None,
        });
        let length = message.bytes;
        (buffer[..length].to_vec(), marking)
    }

    /// Every kind of message that we send, as tshark reads it.
    #[test]
    fn tshark_reads_what_we_write() {
        let v6: IpAddr = "2001:db8::2".parse().unwrap();
        let inner = [
            0x45, 0, 0, 28, 0, 0, 0x40, 0, 0x40, 17, 0x26, 0xcf, 10, 0, 0, 1, 10, 0, 0, 2, 0, 7, 0,
            7, 0, 8, 0, 0,
        ];
        let messages = [
            codec::echo_request(0x1234),
            codec::echo_response(0x1234),
            codec::error_indication(9, loopback(1), 49152),
            codec::error_indication(9, v6, 49152),
            codec::supported_extension_headers(),
            codec::end_marker(9).to_vec(),
            [&codec::g_pdu_header(9, &inner).unwrap()[..], &inner].concat(),
        ];
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("messages.pcap");
        std::fs::write(&file, recording(&messages)).unwrap();
        let fields = [
            "gtp.message",
            "gtp.seq_number",
            "gtp.recovery",
            "gtp.teid_data",
            "gtp.ext_hdr.udp_port",
            "gtp.ext_hdr_type",
            "_ws.malformed",
        ];
        let mut tshark = Command::new("tshark");
        tshark
            .arg("-r")
            .arg(&file)
            .args(["-T", "fields", "-E", "separator=|"]);
        for field in fields {
            tshark.args(["-e", field]);
        }
        let output = tshark
            .output()
            .expect("`tshark` is needed for this test; `cargo xtask setup` installs it");
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let read: Vec<_> = text.lines().collect();
        let expected = [
            "0x01|0x1234|||||",
            "0x02|0x1234|0||||",
            "0x1a|0x0000||0x00000009|49152||",
            "0x1a|0x0000||0x00000009|49152||",
            "0x1f|0x0000||||32,64,129,130,131,132,133,192|",
            "0xfe||||||",
            "0xff||||||",
        ];
        assert_eq!(read, expected, "{errors}");
    }

    /// A pcap file (LINKTYPE_RAW) with each message in a UDP datagram to port 2152.
    fn recording(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4_u32, 2 | 4 << 16, 0, 0, 65_535, 101] {
            file.extend(word.to_le_bytes());
        }
        for message in messages {
            let length = (28 + message.len()) as u16;
            for word in [0, 0, u32::from(length), u32::from(length)] {
                file.extend(word.to_le_bytes());
            }
            let [high, low] = length.to_be_bytes();
            file.extend([0x45, 0, high, low, 0, 0, 0x40, 0, 0x40, 17, 0, 0]);
            file.extend([10, 1, 0, 2, 10, 1, 0, 1]);
            let [high, low] = (length - 20).to_be_bytes();
            file.extend([8, 0x68, 8, 0x68, high, low, 0, 0]);
            file.extend(message);
        }
        file
    }
}
