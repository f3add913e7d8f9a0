//! What the tests share: a network with an agent, an SMF and a UE.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    netns::{Environment, Namespace},
    pfcp::Tunnel,
    topology::{Agent, AgentOptions, DN, GNB, OTHER_GNB, Topology, samples},
    ue::Ue,
};

use crate::smf::{Smf, UplinkTunnel};

/// The UE's IPv4 address.
pub(crate) const UE: &str = "10.128.0.1";
/// The gNBs' ends of the UE's downlink.
pub(crate) const TUNNEL: Tunnel = Tunnel {
    teid: 0x1001,
    address: GNB,
};
pub(crate) const OTHER_TUNNEL: Tunnel = Tunnel {
    teid: 0x2002,
    address: OTHER_GNB,
};
/// The QoS flow of the UE.
pub(crate) const QFI: u8 = 9;

/// Everything but the UE. Parts go in this order.
pub(crate) struct World {
    pub(crate) smf: Smf,
    pub(crate) agent: Agent,
    pub(crate) home: Namespace,
    pub(crate) topology: Topology,
}

impl World {
    /// An agent with an association.
    pub(crate) fn new() -> Result<Self> {
        Self::with(&AgentOptions::default(), |_| Ok(()))
    }

    /// The same in a network that `prepare` has changed, and with another agent.
    pub(crate) fn with(
        options: &AgentOptions<'_>,
        prepare: impl FnOnce(&Topology) -> Result<()>,
    ) -> Result<Self> {
        let topology = Topology::new(Environment::alone()?)?;
        let home = topology.environment.namespace("ue")?;
        prepare(&topology)?;
        let agent = topology.start_agent(options)?;
        let mut smf = Smf::start(&topology.ran)?;
        let association = smf.associate()?;
        ensure!(
            association.cause == 1,
            "association refused: {association:?}"
        );
        ensure!(
            association.node == "10.100.0.2",
            "Node ID {}",
            association.node
        );
        ensure!(association.ftup == 1, "FTUP is not announced");
        Ok(Self {
            smf,
            agent,
            home,
            topology,
        })
    }

    /// A UE with one session, number 1, whose downlink is up. Without a rate there is no MBR.
    pub(crate) fn ue(&mut self, kilobits: Option<u64>) -> Result<Ue> {
        let uplink = self.smf.establish(1, UE, kilobits, Some(QFI))?;
        let ue = self.attach(uplink, &[TUNNEL, OTHER_TUNNEL], &[&format!("{UE}/32")])?;
        self.smf.tunnel(1, TUNNEL)?;
        Ok(ue)
    }

    /// A UE by these tunnels.
    pub(crate) fn attach(
        &self,
        uplink: UplinkTunnel,
        downlinks: &[Tunnel],
        addresses: &[&str],
    ) -> Result<Ue> {
        let uplink = uplink.tunnel()?;
        Ue::attach(
            &self.home,
            addresses,
            &self.topology.ran,
            downlinks,
            uplink,
            Some(QFI),
        )
    }

    /// The sum of a metric's samples that have all of these labels.
    pub(crate) fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        self.sum(name, labels)?
            .with_context(|| format!("no metric {name} {labels:?}"))
    }

    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Result<Option<f64>> {
        sum(&self.agent, name, labels)
    }

    /// Waits until a metric with these labels has reached `least`, at most for `patience`.
    pub(crate) fn reached(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        least: f64,
        patience: Duration,
    ) -> Result<()> {
        let begin = Instant::now();
        loop {
            // Some series come with their first event.
            let value = self.sum(name, labels)?.unwrap_or_default();
            if value >= least {
                return Ok(());
            }
            ensure!(
                begin.elapsed() < patience,
                "{name} {labels:?}: {value} of {least}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Packets dropped for a reason so far.
    pub(crate) fn dropped(&self, direction: &str, reason: &str) -> Result<f64> {
        let labels = [("direction", direction), ("reason", reason)];
        self.metric("upf_dropped_packets_total", &labels)
    }
}

/// The sum of an agent's samples that have all of these labels; `None` without any.
pub(crate) fn sum(agent: &Agent, name: &str, labels: &[(&str, &str)]) -> Result<Option<f64>> {
    let page = agent.get("/metrics")?;
    let matching = samples(&page).filter(|sample| {
        sample.name == name
            && labels
                .iter()
                .all(|(key, value)| sample.label(key) == Some(value))
    });
    Ok(matching.map(|sample| sample.value).reduce(|a, b| a + b))
}

/// How many of `count` pings come back, from the namespace to the address.
pub(crate) fn ping(from: &Namespace, to: &str, count: u32) -> Result<u32> {
    let count = count.to_string();
    let mut command = Command::new("ping");
    command.args(["-n", "-q", "-i", "0.2", "-W", "1", "-c", &count, to]);
    // Some lost is an exit status of 0, all lost of 1: the output tells.
    let output = from
        .run(|| command.output())?
        .context("cannot run ping (iputils-ping)")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let received = text
        .split(", ")
        .find_map(|part| part.strip_suffix(" received"));
    received
        .and_then(|n| n.parse().ok())
        .with_context(|| format!("ping says: {text}"))
}

/// Whether pings come back, once neighbours are known.
pub(crate) fn reaches(from: &Namespace, to: &str) -> Result<()> {
    for _ in 0..10 {
        if ping(from, to, 1)? == 1 {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let got = ping(from, to, 5)?;
    ensure!(got == 5, "{got} of 5 pings from {} to {to}", from.name());
    Ok(())
}

/// The host in the data network, as text.
pub(crate) fn server() -> String {
    DN.to_string()
}
