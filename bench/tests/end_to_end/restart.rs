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
fn an_agent_that_is_asked_to_end_ends() -> Result<()> {
    let mut world = World::new()?;
    let first = world.smf.associate()?.recovery;
    let World {
        smf,
        agent,
        topology,
        home: _home,
    } = world;
    // Its socket has the address that the next one needs.
    drop(smf);
    assert!(agent.stop()?.success());
    let agent = topology.start_agent(&AgentOptions::default())?;
    let mut smf = Smf::start(&topology.ran)?;
    // A restart shows in the Recovery Time Stamp (TS 29.244 clause 6.2.2).
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
