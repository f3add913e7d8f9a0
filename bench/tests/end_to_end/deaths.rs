//! The agent is killed again and again while sessions are charged, and the control plane is away in between: what is reported
//! is what has arrived, to the byte. `cargo xtask test --long` kills ten times.

mod control;
mod traffic;

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bench::{
    netns::Environment,
    topology::{Agent, AgentOptions, Topology},
};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};
use upf_user::testing;

use crate::world::sum;
use control::Smf;
use traffic::Traffic;

/// For how long the control plane is away.
const AWAY: Duration = Duration::from_secs(4);

fn kills() -> u32 {
    testing::amount(3, 10)
}

/// Kills the agent at some time, and starts another one a little later.
fn kill(topology: &Topology, agent: Agent, random: &mut SmallRng) -> Result<Agent> {
    thread::sleep(Duration::from_millis(random.random_range(500..3000)));
    agent.kill()?;
    thread::sleep(Duration::from_millis(random.random_range(0..1500)));
    let agent = topology.start_agent(&AgentOptions::default())?;
    let reason = [("reason", "no_route")];
    let lost = sum(&agent, "upf_dropped_packets_total", &reason)?;
    ensure!(lost == Some(0.0), "{lost:?} packets without a way out");
    Ok(agent)
}

#[test]
fn what_is_reported_is_what_has_arrived_whoever_dies() -> Result<()> {
    let topology = Topology::new(Environment::alone()?)?;
    let mut agent = topology.start_agent(&AgentOptions::default())?;
    let mut smf = Smf::associate(&topology)?;
    let lines = smf.lines();
    let traffic = Traffic::start(&topology, lines)?;
    smf.begin()?;
    traffic.reach()?;
    let smf = smf.work();
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    for turn in 0..kills() {
        // Away while the agent dies, and while it lives.
        let is_away = turn % 4 == 1;
        smf.set_away(is_away);
        agent = kill(&topology, agent, &mut random)?;
        if is_away {
            thread::sleep(AWAY);
            smf.set_away(false);
        }
        println!("death {}: {}", turn + 1, smf.progress());
    }
    thread::sleep(Duration::from_secs(1));
    let mut smf = smf.rest()?;
    let arrived = traffic.end()?;
    smf.end()?;
    smf.listen_until_quiet()?;
    let waiting = sum(&agent, "upf_usage_reports_unacknowledged", &[])?;
    ensure!(waiting == Some(0.0), "{waiting:?} reports wait");
    let reported = smf.reported();
    let total: u64 = arrived.values().sum();
    println!(
        "{} sessions, {total} bytes, {} reports, {} of them twice",
        reported.len(),
        smf.reports(),
        smf.repeated(),
    );
    ensure!(total > 1_000_000, "only {total} bytes went through");
    for (ue, bytes) in &reported {
        let came = arrived.get(ue).copied().unwrap_or_default();
        ensure!(*bytes == came, "{ue}: {bytes} reported, {came} arrived");
    }
    for ue in arrived.keys() {
        reported
            .get(ue)
            .with_context(|| format!("no report of {ue}"))?;
    }
    let status = agent.stop()?;
    ensure!(status.success(), "{status}");
    Ok(())
}
