//! Packets, by the packet logic on this host.

use anyhow::{Result, bail, ensure};
use bench::gtpu::GPdu;
use bench::packets::Action;
use bench::packets::frames::{from_gnb, from_router, ipv4, udp};
use bench::packets::host::{Buffer, HostTables};
use bench::packets::sessions::{INSTANCES, take_back, world_of};
use bench::packets::world::{GNB, PEER_MAC, ROUTER_MAC, SERVER, World, route};
use etherparse::IpNumber;
use rand::Rng as _;
use upf_common::abi::{RouteEntry, mapped};

use super::Run;
use super::author::PORTS;
use super::plan::OTHER_GNB;

const UE_PORT: u16 = 40_000;

impl Run {
    /// A burst of packets.
    pub(super) fn traffic(&mut self) -> Result<()> {
        if self.sessions.is_empty() {
            return Ok(());
        }
        let world = self.tables.with(|tables| world_of(&self.config, tables));
        let host = HostTables::new(&with_routes(world));
        let now_ns = 1_000_000_000 + (self.now - self.begin).as_nanos() as u64;
        host.now_ns.set(now_ns);
        for _ in 0..self.author.random.random_range(1..20) {
            self.packet(&host)?;
        }
        ensure!(host.questions.get() == 0, "a way is not known");
        self.events.extend(host.usage_events.take());
        self.tables.with(|tables| {
            tables.set_time(now_ns);
            take_back(&host, tables);
        });
        Ok(())
    }

    pub(super) fn packet(&mut self, host: &HostTables) -> Result<()> {
        let at = self.author.random.random_range(0..self.sessions.len());
        let session = &self.sessions[at];
        let is_uplink = self.author.random.random_bool(0.5);
        let port = self.author.pick(&PORTS);
        let payload = vec![7; self.author.random.random_range(0..1300)];
        let bytes = 28 + payload.len() as u64;
        let frame = if is_uplink {
            let datagram = udp(UE_PORT, port, &payload);
            let packet = ipv4(session.ue, SERVER, IpNumber::UDP, &datagram, |_| ());
            let message = GPdu {
                teid: session.teid,
                qfi: None,
                payload: &packet,
            };
            from_gnb(&message.to_uplink_bytes())
        } else {
            let datagram = udp(port, UE_PORT, &payload);
            from_router(&ipv4(SERVER, session.ue, IpNumber::UDP, &datagram, |_| ()))
        };
        let has_left = match host.take(&mut Buffer::new(&frame)) {
            Action::Transmit => true,
            Action::Drop => false,
            other => bail!("{other:?}"),
        };
        self.account(at, is_uplink, port, bytes, has_left)
    }
}

/// Ways to all hosts are remembered.
fn with_routes(mut world: World) -> World {
    let hosts = [(GNB, PEER_MAC), (OTHER_GNB, PEER_MAC), (SERVER, ROUTER_MAC)];
    for (host, mac) in hosts {
        let from = |from_instance| RouteEntry {
            from_instance,
            ..route(mapped(host.octets()), mac)
        };
        world.routes.extend(INSTANCES.map(from));
    }
    world
}
