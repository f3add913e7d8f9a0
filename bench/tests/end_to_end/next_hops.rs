//! What the kernel learns about links, routes and neighbours takes effect under traffic.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use bench::{
    netns::{End, Namespace, veth},
    topology::AgentOptions,
};

use crate::{
    stream::Stream,
    world::{OTHER_TUNNEL, UE, World},
};

/// A host behind both routers.
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PORT: u16 = 9000;
/// For what netlink tells of. Without it the data path would ask again after a second.
const AT_ONCE: Duration = Duration::from_millis(500);
/// For what needs an answer over the wire, asked for once a second.
const SOON: Duration = Duration::from_secs(4);

#[test]
fn a_gnb_with_another_mac_address_is_found() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(None)?;
    let (stream, receiver) = downlink(&world)?;
    stream.arrives(&receiver, SOON)?;

    // As a gNB does whose network card was replaced: it announces itself.
    let topology = &world.topology;
    topology.ran.sysctl("net.ipv4.conf.gnb.arp_notify", "1")?;
    topology.ran.ip("link set gnb address 02:00:00:00:00:aa")?;
    stream.arrives(&receiver, SOON)?;

    // This one does not, and an operator helps.
    topology.ran.sysctl("net.ipv4.conf.gnb.arp_notify", "0")?;
    topology.ran.ip("link set gnb address 02:00:00:00:00:bb")?;
    topology.upf.ip("neigh flush dev n3")?;
    stream.arrives(&receiver, SOON)?;
    Ok(())
}

#[test]
fn a_route_to_another_router_takes_effect_at_once() -> Result<()> {
    let options = AgentOptions {
        more: "[[interface]]\ndevice = \"n6b\"\nrole = \"core\"\nnetwork_instance = \"internet\"",
        ..AgentOptions::default()
    };
    let mut router = None;
    let mut world = World::with(&options, |topology| {
        let other = topology.environment.namespace("other")?;
        veth(
            End {
                namespace: &other,
                device: "n6b",
                addresses: &["10.3.0.1/24"],
            },
            End {
                namespace: &topology.upf,
                device: "n6b",
                addresses: &["10.3.0.2/24"],
            },
        )?;
        other.ip("route add 10.128.0.0/9 via 10.3.0.2")?;
        router = Some(other);
        Ok(())
    })?;
    let other = router.expect("made above");
    let _ue = world.ue(None)?;
    let (near, beyond) = (far_host(&world.topology.dn)?, far_host(&other)?);
    let stream = Stream::start(&world.home, SocketAddr::new(FAR.into(), PORT))?;
    stream.arrives(&near, SOON)?;
    let upf = &world.topology.upf;
    // Both next hops are known before it counts.
    upf.ip("route add 192.0.2.1/32 via 10.3.0.1")?;
    stream.arrives(&beyond, SOON)?;
    for _ in 0..4 {
        upf.ip("route delete 192.0.2.1/32")?;
        stream.arrives(&near, AT_ONCE)?;
        upf.ip("route add 192.0.2.1/32 via 10.3.0.1")?;
        stream.arrives(&beyond, AT_ONCE)?;
    }
    upf.ip("route delete 192.0.2.1/32")?;
    for _ in 0..3 {
        upf.ip("route replace default via 10.3.0.1")?;
        stream.arrives(&beyond, AT_ONCE)?;
        upf.ip("route replace default via 10.2.0.1")?;
        stream.arrives(&near, AT_ONCE)?;
    }
    // What comes down by the other device is the same UE's.
    let (receiver, to) = (ue_socket(&world)?, SocketAddr::new(UE.parse()?, PORT));
    Stream::start(&other, to)?.arrives(&receiver, SOON)?;
    Ok(())
}

#[test]
fn without_a_route_packets_are_counted_until_there_is_one() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(None)?;
    let receiver = far_host(&world.topology.dn)?;
    let stream = Stream::start(&world.home, SocketAddr::new(FAR.into(), PORT))?;
    stream.arrives(&receiver, SOON)?;
    for _ in 0..3 {
        world.topology.upf.ip("route delete default")?;
        dropping(&world, "uplink", "no_route")?;
        world.topology.upf.ip("route add default via 10.2.0.1")?;
        stream.arrives(&receiver, AT_ONCE)?;
    }
    Ok(())
}

#[test]
fn a_gnb_that_comes_late_is_found_without_a_ping() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(None)?;
    // Its socket stays; the address is nobody's now.
    world
        .topology
        .ran
        .ip("address delete 10.1.0.11/24 dev gnb")?;
    let (stream, receiver) = downlink(&world)?;
    stream.arrives(&receiver, SOON)?;
    world.smf.tunnel(1, OTHER_TUNNEL)?;
    // Longer than the kernel's three questions, after which it gives up.
    thread::sleep(Duration::from_millis(3500));
    dropping(&world, "downlink", "neighbour_unresolved")?;
    world.topology.ran.ip("address add 10.1.0.11/24 dev gnb")?;
    stream.arrives(&receiver, SOON)?;
    let unresolved = world.dropped("downlink", "neighbour_unresolved")?;
    stream.arrives(&receiver, AT_ONCE)?;
    assert_eq!(
        world.dropped("downlink", "neighbour_unresolved")?,
        unresolved
    );
    Ok(())
}

#[test]
fn a_link_that_was_down_carries_again() -> Result<()> {
    let mut world = World::new()?;
    let _ue = world.ue(None)?;
    let receiver = far_host(&world.topology.dn)?;
    let uplink = Stream::start(&world.home, SocketAddr::new(FAR.into(), PORT))?;
    let (downlink, at_ue) = downlink(&world)?;
    let (upf, dn) = (&world.topology.upf, &world.topology.dn);
    for (namespace, again) in [
        (upf, (upf, "route add default via 10.2.0.1")),
        (dn, (dn, "route add 10.128.0.0/9 via 10.2.0.2")),
    ] {
        uplink.arrives(&receiver, SOON)?;
        downlink.arrives(&at_ue, SOON)?;
        namespace.ip("link set n6 down")?;
        thread::sleep(Duration::from_millis(200));
        ensure!(
            uplink
                .arrives(&receiver, Duration::from_millis(200))
                .is_err(),
            "the link of {} is up",
            namespace.name()
        );
        namespace.ip("link set n6 up")?;
        // The kernel forgets the routes over a device that goes down.
        again.0.ip(again.1)?;
        uplink.arrives(&receiver, SOON)?;
        downlink.arrives(&at_ue, SOON)?;
    }
    Ok(())
}

/// Datagrams from the data network to the UE, and where they arrive.
fn downlink(world: &World) -> Result<(Stream, UdpSocket)> {
    let stream = Stream::start(&world.topology.dn, SocketAddr::new(UE.parse()?, PORT))?;
    Ok((stream, ue_socket(world)?))
}

fn ue_socket(world: &World) -> Result<UdpSocket> {
    world.home.udp(SocketAddr::new(UE.parse()?, PORT))
}

/// The far host, reached by this router.
fn far_host(router: &Namespace) -> Result<UdpSocket> {
    router.ip(&format!("address add {FAR}/32 dev lo"))?;
    router.udp(SocketAddr::new(FAR.into(), PORT))
}

/// Waits until packets are dropped for that reason.
fn dropping(world: &World, direction: &str, reason: &str) -> Result<()> {
    let labels = [("direction", direction), ("reason", reason)];
    let least = world.dropped(direction, reason)? + 20.0;
    world.reached("upf_dropped_packets_total", &labels, least, AT_ONCE)
}
