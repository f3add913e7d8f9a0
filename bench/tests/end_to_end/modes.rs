//! XDP modes.

use anyhow::{Context as _, Result};
use bench::topology::AgentOptions;

use crate::{
    iperf::{Way, serve, udp},
    world::{UE, World, reaches, server},
};

#[test]
fn auto_is_native_where_the_driver_has_it() -> Result<()> {
    let world = World::new()?;
    is_logged(&world, "native")
}

#[test]
fn generic_mode_carries_traffic_too() -> Result<()> {
    let options = AgentOptions {
        mode: "generic",
        ..AgentOptions::default()
    };
    let mut world = World::with(&options, |_| Ok(()))?;
    is_logged(&world, "generic")?;
    let _ue = world.ue(None)?;
    reaches(&world.home, &server())?;
    reaches(&world.topology.dn, UE)?;
    let _server = serve(&world)?;
    for way in [Way::Uplink, Way::Downlink] {
        let asked = 10e6;
        let got = udp(&world, way, asked)?;
        assert!(got > 0.95 * asked, "{way:?}: {got} of {asked} bit/s");
    }
    Ok(())
}

/// The log and the kernel tell the mode of each device.
fn is_logged(world: &World, mode: &str) -> Result<()> {
    let log = world.agent.log();
    for device in ["n3", "n6"] {
        let line = log
            .lines()
            .find(|line| {
                line.contains("XDP program attached")
                    && line.contains(&format!("device=\"{device}\""))
            })
            .with_context(|| format!("nothing of {device} in {log}"))?;
        assert!(line.contains(&format!("mode={mode}")), "{line}");
        let link = world.topology.upf.ip(&format!("link show dev {device}"))?;
        assert_eq!(link.contains("xdpgeneric"), mode == "generic", "{link}");
        assert!(link.contains(" xdp"), "{link}");
    }
    Ok(())
}
