//! iperf3 through the tunnel, both ways, TCP and UDP, with the limit on and off.

use anyhow::Result;
use upf_common::meter::DEFAULT_DEPTH_NS;

use crate::{
    iperf::{SECONDS, Way, ordinary, serve, tcp, udp},
    world::{World, server},
};

/// The default depth of a bucket.
const DEPTH_SECONDS: f64 = DEFAULT_DEPTH_NS as f64 / 1e9;

#[test]
fn without_a_limit_iperf3_gets_what_it_asks_for() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(None)?;
    let _server = serve(&world)?;
    for way in [Way::Uplink, Way::Downlink] {
        let asked = 20e6;
        let got = udp(&world, way, asked)?;
        assert!(got > 0.97 * asked, "{way:?}: {got} of {asked} bit/s");
        let got = tcp(&world, way)?;
        assert!(got > 50e6, "TCP {way:?}: {got} bit/s");
    }
    Ok(())
}

#[test]
fn with_a_limit_iperf3_gets_the_limit() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(Some(5_000))?;
    let _server = serve(&world)?;
    let server = server();
    for (kilobits, limit) in [(5_000, 5e6), (20_000, 20e6)] {
        world.smf.rate(1, kilobits)?;
        for way in [Way::Uplink, Way::Downlink] {
            let before = world.dropped(way.label(), "rate_limited")?;
            let client = ordinary(&world.home, &server);
            let got = client.udp_steady(way, 1.5 * limit)?;
            assert!(
                (got / limit - 1.0).abs() < 0.02,
                "UDP {way:?}: {got} of {limit} bit/s"
            );
            assert!(world.dropped(way.label(), "rate_limited")? > before + 500.0);
            // What a full bucket holds comes on top of the limit.
            let got = tcp(&world, way)? / limit;
            let most = 1.05 + DEPTH_SECONDS / f64::from(SECONDS);
            assert!(
                (0.9..most).contains(&got),
                "TCP {way:?}: {got} of {limit} bit/s"
            );
        }
    }
    Ok(())
}
