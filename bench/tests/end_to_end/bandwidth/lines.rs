//! UEs beside each other, each with a SIM, a gNB address and a server of its own: iperf3 runs on all of them at once.

use std::{net::Ipv4Addr, panic::resume_unwind, thread};

use anyhow::{Context as _, Result, ensure};
use bench::{
    netns::{Namespace, Process},
    pfcp::Tunnel,
    topology::POOL,
    ue::Ue,
};
use serde_json::Value;

use super::{give, imsi, world};
use crate::{
    iperf::{Client, Way, serve_at},
    world::{QFI, World},
};

/// Last octets of the first line's addresses.
const FIRST: u8 = 20;

pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    pub(super) world: World,
}

/// One UE and its server.
pub(super) struct Line {
    _server: Process,
    _ue: Ue,
    pub(super) home: Namespace,
    /// The SIM's number.
    pub(super) sim: u32,
    server: String,
}

impl Lines {
    pub(super) fn new(count: u8, config: &str) -> Result<Self> {
        let mut world = world(config)?;
        let lines = (0..count).map(|number| Line::new(&mut world, number));
        Ok(Self {
            lines: lines.collect::<Result<_>>()?,
            world,
        })
    }

    /// Gives all SIMs this class.
    pub(super) fn give(&self, class: &str) -> Result<()> {
        for line in &self.lines {
            give(&self.world, line.sim, Some(class))?;
        }
        Ok(())
    }

    /// Packets that a limit of SIMs has marked or dropped so far, as its SIM is shown.
    pub(super) fn count(&self, line: &Line, way: Way, what: &str) -> Result<u64> {
        let view = self
            .world
            .agent
            .get(&format!("/v1/sims/{}", imsi(line.sim)))?;
        let view: Value = serde_json::from_str(&view)?;
        let mut levels = view[way.label()]["levels"].as_array().into_iter().flatten();
        let level = levels.find(|level| level["level"] == "sim");
        let count = level.and_then(|level| level[format!("{what}_packets")].as_u64());
        count.with_context(|| format!("no {what} packets in {view}"))
    }
}

impl Line {
    fn new(world: &mut World, number: u8) -> Result<Self> {
        let (last, sim) = (FIRST + number, u32::from(number));
        let (gnb, server) = (Ipv4Addr::new(10, 1, 0, last), format!("10.2.0.{last}"));
        let address = Ipv4Addr::from_bits(POOL.to_bits() + 1 + sim).to_string();
        let topology = &world.topology;
        topology.ran.ip(&format!("address add {gnb}/24 dev gnb"))?;
        topology.dn.ip(&format!("address add {server}/24 dev n6"))?;
        let home = topology.environment.namespace(&format!("ue{number}"))?;
        let _server = serve_at(&topology.dn, &server)?;

        let session = u64::from(sim) + 1;
        let downlink = Tunnel {
            teid: 0x1001 + sim,
            address: gnb,
        };
        let uplink =
            world
                .smf
                .establish_for(Some(&imsi(sim)), session, &address, None, Some(QFI))?;
        let _ue = Ue::attach(
            &home,
            &[&format!("{address}/32")],
            &world.topology.ran,
            &[downlink],
            uplink.tunnel()?,
            Some(QFI),
        )?;
        world.smf.tunnel(session, downlink)?;
        Ok(Self {
            _server,
            _ue,
            home,
            sim,
            server,
        })
    }

    pub(super) fn client(&self, seconds: u32) -> Client<'_> {
        Client {
            from: &self.home,
            to: &self.server,
            seconds,
        }
    }
}

/// Does the same with all of them at the same time.
pub(super) fn at_once<C: Sync, T: Send>(
    cases: &[C],
    work: impl Fn(&C) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    ensure!(!cases.is_empty(), "nothing to do");
    let work = &work;
    thread::scope(|scope| {
        let spawn = |case| scope.spawn(move || work(case));
        let workers: Vec<_> = cases.iter().map(spawn).collect();
        let outcomes = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        outcomes.collect()
    })
}
