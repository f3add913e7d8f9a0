//! A UE and its gNB as one: a TUN device in a namespace whose packets go through a GTP-U tunnel.
//!
//! Ordinary programs (ping, iperf3) run on the UE's side of it. The kernel's own GTP driver is a
//! module that many machines lack.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    mem::zeroed,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::fd::{AsFd as _, AsRawFd as _},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{
    gtpu::{self, GPdu},
    mmsg::enlarge_receive_buffer,
    netns::Namespace,
    pfcp::Tunnel,
};

const DEVICE: &str = "ue0";
/// What is left of an Ethernet MTU of 1500 within GTP-U, with room to spare.
const MTU: u16 = 1400;
/// Between looks at whether to end.
const PATIENCE: Duration = Duration::from_millis(100);

/// One end of a GTP-U tunnel, over IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Tunnel endpoint identifier.
    pub teid: u32,
    /// Where it ends.
    pub address: IpAddr,
}

impl From<Tunnel> for Endpoint {
    fn from(Tunnel { teid, address }: Tunnel) -> Self {
        Self {
            teid,
            address: address.into(),
        }
    }
}

/// A UE; its device goes when this is dropped.
#[derive(Debug)]
pub struct Ue {
    gnbs: Vec<Arc<Gnb>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

/// A gNB's end of the tunnel.
#[derive(Debug)]
struct Gnb {
    socket: UdpSocket,
    tunnel: Endpoint,
    received: AtomicU64,
    refused: AtomicU64,
}

impl Ue {
    /// Attaches a UE with these addresses (with prefix lengths) in `home` to gNBs in `ran`: it
    /// receives by any of `downlinks` and sends from the first one's address to `uplink`.
    ///
    /// # Errors
    /// Without `/dev/net/tun`, or when an address is taken.
    pub fn attach(
        home: &Namespace,
        addresses: &[&str],
        ran: &Namespace,
        downlinks: &[impl Into<Endpoint> + Copy],
        uplink: impl Into<Endpoint>,
        qfi: Option<u8>,
    ) -> Result<Self> {
        let device = Arc::new(home.run(open_tun)??);
        for address in addresses {
            let nodad = if address.contains(':') { " nodad" } else { "" };
            home.ip(&format!("address add {address} dev {DEVICE}{nodad}"))?;
        }
        home.ip(&format!("link set {DEVICE} mtu {MTU} up"))?;
        home.ip(&format!("route add default dev {DEVICE}"))?;
        home.ip(&format!("-6 route add default dev {DEVICE}"))?;
        let gnbs = downlinks
            .iter()
            .map(|tunnel| Gnb::open(ran, (*tunnel).into()))
            .collect::<Result<_>>()?;
        let mut ue = Self {
            gnbs,
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let sender = ue.gnbs.first().context("a UE needs a tunnel")?.clone();
        ue.uplink(device.clone(), sender, uplink.into(), qfi);
        for gnb in ue.gnbs.clone() {
            ue.downlink(gnb, device.clone());
        }
        Ok(ue)
    }

    /// Packets that came by each of the downlink tunnels.
    #[must_use]
    pub fn received(&self) -> Vec<u64> {
        self.gnbs
            .iter()
            .map(|gnb| gnb.received.load(Relaxed))
            .collect()
    }

    /// Datagrams that came to a gNB and belong to no tunnel of it.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.gnbs.iter().map(|gnb| gnb.refused.load(Relaxed)).sum()
    }

    fn uplink(&mut self, device: Arc<File>, gnb: Arc<Gnb>, to: Endpoint, qfi: Option<u8>) {
        let stop = self.stop.clone();
        let address = SocketAddr::new(to.address, gtpu::PORT);
        self.threads.push(thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stop.load(Relaxed) {
                if !wait(&device)? {
                    continue;
                }
                let length = (&*device).read(&mut buffer)?;
                let packet = GPdu {
                    teid: to.teid,
                    qfi,
                    payload: &buffer[..length],
                };
                // Lost, as on a radio link: a full queue, a UPF that is not there.
                gnb.socket.send_to(&packet.to_uplink_bytes(), address).ok();
            }
            Ok(())
        }));
    }

    fn downlink(&mut self, gnb: Arc<Gnb>, device: Arc<File>) {
        let stop = self.stop.clone();
        self.threads.push(thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stop.load(Relaxed) {
                let Ok(length) = gnb.socket.recv(&mut buffer) else {
                    continue;
                };
                match gtpu::read(&buffer[..length]) {
                    Some(packet) if packet.teid == gnb.tunnel.teid => {
                        gnb.received.fetch_add(1, Relaxed);
                        // The kernel refuses what is not an IP packet; the test will miss it.
                        (&*device).write_all(packet.payload).ok();
                    }
                    _ => {
                        gnb.refused.fetch_add(1, Relaxed);
                    }
                }
            }
            Ok(())
        }));
    }
}

impl Drop for Ue {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

impl Gnb {
    fn open(ran: &Namespace, tunnel: Endpoint) -> Result<Arc<Self>> {
        let socket = ran.udp(SocketAddr::new(tunnel.address, gtpu::PORT))?;
        enlarge_receive_buffer(&socket)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let (received, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Arc::new(Self {
            socket,
            tunnel,
            received,
            refused,
        }))
    }
}

/// Whether there is something to read.
fn wait(device: &File) -> io::Result<bool> {
    let mut descriptors = [PollFd::new(device.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::ZERO);
    Ok(poll(&mut descriptors, timeout)? > 0)
}

/// A TUN device in the calling thread's namespace, whose packets have no header of its own.
fn open_tun() -> Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .context("cannot open /dev/net/tun (the kernel's tun driver)")?;
    // SAFETY: ifreq is plain data; all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(DEVICE.bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the kernel reads and writes an ifreq that is alive during the call.
    let outcome = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if outcome != 0 {
        return Err(io::Error::last_os_error()).context("cannot make a TUN device");
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::netns::{End, Environment, veth};

    #[test]
    fn two_ues_back_to_back_reach_each_other() {
        let environment = Environment::new().unwrap();
        let namespace = |role| environment.namespace(role).unwrap();
        let (one, other, ran, far) = (
            namespace("a"),
            namespace("b"),
            namespace("c"),
            namespace("d"),
        );
        let end = |namespace, addresses| End {
            namespace,
            device: "gnb",
            addresses,
        };
        veth(end(&ran, &["10.1.0.1/24"]), end(&far, &["10.1.0.2/24"])).unwrap();
        let near = Tunnel {
            teid: 1,
            address: [10, 1, 0, 1].into(),
        };
        let beyond = Tunnel {
            teid: 2,
            address: [10, 1, 0, 2].into(),
        };
        let first = Ue::attach(&one, &["10.9.0.1/32"], &ran, &[near], beyond, Some(9)).unwrap();
        let second = Ue::attach(&other, &["10.9.0.2/32"], &far, &[beyond], near, None).unwrap();
        let mut ping = Command::new("ping");
        ping.args([
            "-n", "-i", "0.2", "-W", "1", "-s", "1372", "-c", "3", "10.9.0.2",
        ]);
        let text = one.output(&mut ping).unwrap();
        assert!(text.contains("3 received"), "{text}");
        // The kernel's own router solicitations come on top.
        assert!(first.received()[0] >= 3 && second.received()[0] >= 3);
        assert_eq!(first.refused() + second.refused(), 0);
    }
}
