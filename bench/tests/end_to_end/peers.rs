//! A gNB and a server made of sockets, for tests that say and see each packet.

use std::{
    net::{SocketAddr, SocketAddrV4, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use bench::{
    gtpu::{self, GPdu},
    pfcp::Tunnel,
    topology::{DN, GNB},
    ue::Endpoint,
};

use crate::{
    packet,
    world::{UE, World},
};

/// The server's ports: one that rules speak of, and another.
pub(crate) const SPECIAL: u16 = 5001;
pub(crate) const ORDINARY: u16 = 9000;
/// An IP packet.
pub(crate) const SIZE: usize = 1000;
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The gNB that is the UE as well, and the server with its two ports.
pub(crate) struct Peers {
    pub(crate) gnb: UdpSocket,
    pub(crate) special: UdpSocket,
    pub(crate) ordinary: UdpSocket,
}

impl Peers {
    pub(crate) fn open(world: &World) -> Result<Self> {
        let (ran, dn) = (&world.topology.ran, &world.topology.dn);
        let at_server = |port| dn.udp(SocketAddr::new(DN.into(), port));
        let peers = Self {
            gnb: ran.udp(SocketAddr::new(GNB.into(), gtpu::PORT))?,
            special: at_server(SPECIAL)?,
            ordinary: at_server(ORDINARY)?,
        };
        for socket in [&peers.gnb, &peers.special, &peers.ordinary] {
            socket.set_nonblocking(true)?;
        }
        Ok(peers)
    }

    /// Waits until packets come down, which they do once neighbours are known, and until no more do.
    pub(crate) fn known(&self) -> Result<()> {
        until(|| receive(&self.gnb), || self.send_down())?;
        self.quiet();
        Ok(())
    }

    pub(crate) fn quiet(&self) {
        thread::sleep(Duration::from_millis(100));
        while receive(&self.gnb).is_some() || self.at_server().is_some() {}
    }

    pub(crate) fn send_down(&self) -> Result<()> {
        for socket in [&self.special, &self.ordinary] {
            socket.send_to(&[0; SIZE - 28], (UE, 7000))?;
        }
        Ok(())
    }

    pub(crate) fn send_up(&self, tunnel: Tunnel, qfi: u8, port: u16) -> Result<()> {
        self.send(tunnel, Some(qfi), port, &[0; SIZE - 28])
    }

    pub(crate) fn send(
        &self,
        tunnel: Tunnel,
        qfi: Option<u8>,
        port: u16,
        payload: &[u8],
    ) -> Result<()> {
        let from = SocketAddrV4::new(UE.parse()?, 7000);
        let packet = packet::udp(from, SocketAddrV4::new(DN, port), payload);
        let packet = GPdu {
            teid: tunnel.teid,
            qfi,
            payload: &packet,
        };
        let to = (tunnel.address, gtpu::PORT);
        self.gnb.send_to(&packet.to_uplink_bytes(), to)?;
        Ok(())
    }

    /// What has come to the server, by its port.
    pub(crate) fn at_server(&self) -> Option<(u8, u16)> {
        [(&self.special, SPECIAL), (&self.ordinary, ORDINARY)]
            .into_iter()
            .find_map(|(socket, port)| receive(socket).map(|_| (0, port)))
    }
}

pub(crate) fn receive(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer).ok()?;
    Some(buffer[..length].to_vec())
}

/// What comes while `send` is repeated.
pub(crate) fn until<T>(
    receive: impl Fn() -> Option<T>,
    send: impl Fn() -> Result<()>,
) -> Result<T> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        send()?;
        thread::sleep(Duration::from_millis(20));
        if let Some(got) = receive() {
            return Ok(got);
        }
    }
    anyhow::bail!("nothing comes")
}

/// A tunnel over IPv4.
pub(crate) fn tunnel(end: Endpoint) -> Result<Tunnel> {
    Ok(Tunnel {
        teid: end.teid,
        address: end.address.to_string().parse()?,
    })
}
