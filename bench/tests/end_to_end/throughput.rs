//! iperf3 through the tunnel, both ways, TCP and UDP, with the limit on and off.

use anyhow::Result;

use crate::{
    iperf::{HEADERS, PAYLOAD, Way, serve, tcp, udp},
    world::World,
};

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
    for (kilobits, limit) in [(5_000, 5e6), (20_000, 20e6)] {
        world.smf.rate(1, kilobits)?;
        for way in [Way::Uplink, Way::Downlink] {
            let before = world.dropped(way.label(), "rate_limited")?;
            let got = udp(&world, way, 1.5 * limit)? * (PAYLOAD + HEADERS) / PAYLOAD;
            assert!(
                (got / limit - 1.0).abs() < 0.03,
                "UDP {way:?}: {got} of {limit} bit/s"
            );
            assert!(world.dropped(way.label(), "rate_limited")? > before + 1000.0);
            // TCP backs off when packets are policed; it may not get more, and gets a good part.
            let got = tcp(&world, way)?;
            assert!(
                got < 1.02 * limit && got > 0.4 * limit,
                "TCP {way:?}: {got} of {limit} bit/s"
            );
        }
    }
    Ok(())
}
