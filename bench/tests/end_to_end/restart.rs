//! The agent dies; forwarding goes on, and a new agent takes over.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use bench::{
    netns::Environment,
    topology::{AgentOptions, Topology},
};

use crate::{
    smf::Smf,
    world::{UE, World, ping, server},
};

#[test]
fn forwarding_outlives_a_killed_agent_and_a_new_one_starts_at_once() -> Result<()> {
    let mut world = World::new()?;
    let ue = world.ue(Some(10_000))?;
    assert!(ping(&world.home, &server(), 5)? >= 4);

    let World {
        smf,
        agent,
        home,
        topology,
    } = world;
    agent.kill()?;
    assert_eq!(
        ping(&home, &server(), 10)?,
        10,
        "uplink and downlink without an agent"
    );
    assert_eq!(ping(&topology.dn, UE, 5)?, 5);

    drop((smf, ue));
    let agent = topology.start_agent(&AgentOptions::default())?;
    let mut smf = Smf::start(&topology.ran)?;
    assert_eq!(smf.associate()?.cause, 1);
    let mut world = World {
        smf,
        agent,
        home,
        topology,
    };
    let _ue = world.ue(Some(10_000))?;
    assert!(ping(&world.home, &server(), 5)? >= 4);
    assert!(ping(&world.topology.dn, UE, 5)? >= 4);
    Ok(())
}

#[test]
fn sessions_outlive_a_killed_agent_and_one_that_is_asked_to_end() -> Result<()> {
    let mut world = World::new()?;
    let first = world.smf.associate()?.recovery;
    let ue = world.ue(Some(10_000))?;
    assert!(ping(&world.home, &server(), 5)? >= 4);
    let World {
        mut smf,
        agent,
        home,
        topology,
    } = world;
    agent.kill()?;
    let agent = topology.start_agent(&AgentOptions::default())?;
    assert_eq!(
        ping(&home, &server(), 5)?,
        5,
        "the next one has the session"
    );
    smf.rate(1, 20_000)?;
    assert!(agent.stop()?.success());
    assert_eq!(ping(&home, &server(), 1)?, 0, "nothing is forwarded");
    let agent = topology.start_agent(&AgentOptions::default())?;
    assert!(ping(&home, &server(), 5)? >= 4);
    assert!(ping(&topology.dn, UE, 5)? >= 4);
    assert_eq!(smf.delete(1)?, 1, "accepted");
    // No context was lost (TS 23.007 clause 19A).
    assert_eq!(smf.associate()?.recovery, first);
    smf.release()?;
    assert!(agent.stop()?.success());
    drop(ue);
    // With the last association all is over, and a restart shows in the Recovery Time Stamp (TS 29.244 clause 6.2.2).
    let agent = topology.start_agent(&AgentOptions::default())?;
    assert!(smf.associate()?.recovery > first);
    assert!(agent.stop()?.success());
    Ok(())
}

#[test]
fn an_agent_that_is_asked_to_end_waits_for_its_release() -> Result<()> {
    const PERIOD: Duration = Duration::from_secs(4);
    let topology = Topology::new(Environment::alone()?)?;
    let options = AgentOptions {
        graceful_release: "4 s",
        ..AgentOptions::default()
    };
    for releases in [true, false] {
        let agent = topology.start_agent(&options)?;
        let mut smf = Smf::start(&topology.ran)?;
        assert_eq!(smf.associate()?.cause, 1);
        let begin = Instant::now();
        let end = thread::spawn(move || agent.stop());
        assert_eq!(smf.release_when_asked(releases)?, PERIOD.as_secs());
        assert!(end.join().expect("no panic")?.success());
        // Released, it does not wait for the period's end; otherwise it waits no longer.
        let took = begin.elapsed();
        match releases {
            true => assert!(took < PERIOD, "{took:?}"),
            false => assert!((PERIOD..PERIOD * 2).contains(&took), "{took:?}"),
        }
    }
    Ok(())
}
