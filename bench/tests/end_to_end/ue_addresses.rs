//! Addresses that the UPF chooses, and networks behind a UE.

use std::net::Ipv6Addr;

use anyhow::{Context as _, Result, ensure};
use bench::{
    netns::{End, veth},
    topology::{POOL, POOL_PREFIX},
    ue::Ue,
};
use serde_json::{Value, json};

use crate::{
    smf::{Created, UeAddresses, json_of},
    world::{QFI, TUNNEL, UE, World, ping, reaches, server},
};

const DL: u16 = 1;
const UL: u16 = 2;
const SERVER_V6: &str = "2001:db8:2::1";

#[test]
fn the_upf_gives_a_ue_its_addresses() -> Result<()> {
    let mut world = World::new()?;
    let rules = || session(json!({"choose_ue": [4, 6]}), json!({"choose_ue": [4, 6]}));
    let created = world.smf.create(1, "IPv4v6", rules())?;
    let given = given(&created)?;
    let (v4, v6) = (given.v4.context("no IPv4")?, given.v6.context("no IPv6")?);
    let mask = u32::MAX << (32 - POOL_PREFIX);
    assert_eq!(v4.to_bits() & mask, POOL.to_bits(), "{v4}");
    // A /64 of the pool's /48.
    assert_eq!(v6.segments()[..3], [0x2001, 0xdb8, 0x45], "{v6}");
    let [a, b, c, d, ..] = v6.segments();
    let address = Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0xabcd).to_string();
    let addresses = [format!("{v4}/32"), format!("{address}/64")];
    let ue = attach(&world, &created, &addresses)?;
    reaches(&world.home, &server())?;
    reaches(&world.topology.dn, &v4.to_string())?;
    reaches(&world.home, SERVER_V6)?;
    reaches(&world.topology.dn, &address)?;

    // Another UE has others, and given back they rest.
    let other = self::given(&world.smf.create(2, "IPv4v6", rules())?)?;
    assert_eq!(world.smf.delete(1)?, 1);
    drop(ue);
    assert_eq!(ping(&world.topology.dn, &v4.to_string(), 2)?, 0);
    let third = self::given(&world.smf.create(1, "IPv4v6", rules())?)?;
    for (one, another) in [(given, other), (other, third), (given, third)] {
        ensure!(
            one.v4 != another.v4 && one.v6 != another.v6,
            "{one:?} {another:?}"
        );
    }
    Ok(())
}

/// The addresses of the downlink's PDR, which are the uplink's as well.
fn given(created: &Created) -> Result<UeAddresses> {
    let given = *created.ues.get(&DL).context("no UE IP address")?;
    ensure!(
        created.ues.get(&UL).is_none_or(|uplink| *uplink == given),
        "{created:?}"
    );
    Ok(given)
}

#[test]
fn a_network_behind_a_ue_is_reached_both_ways() -> Result<()> {
    const HOST: &str = "192.168.77.2";
    const HOST_V6: &str = "2001:db8:77::2";
    let mut world = World::new()?;
    let framed = json!({"ue": [UE], "framed": ["192.168.77.0/24", "2001:db8:77::/48"]});
    let created = world
        .smf
        .create(1, "IPv4", session(framed.clone(), framed))?;
    let _ue = attach(&world, &created, &[format!("{UE}/32")])?;
    // The UE is a router.
    let host = world.topology.environment.namespace("host")?;
    veth(
        End {
            namespace: &world.home,
            device: "lan",
            addresses: &["192.168.77.1/24", "2001:db8:77::1/64"],
        },
        End {
            namespace: &host,
            device: "lan",
            addresses: &["192.168.77.2/24", "2001:db8:77::2/64"],
        },
    )?;
    world.home.sysctl("net.ipv4.ip_forward", "1")?;
    world.home.sysctl("net.ipv6.conf.all.forwarding", "1")?;
    host.ip("route add default via 192.168.77.1")?;
    host.ip("-6 route add default via 2001:db8:77::1")?;
    let dn = &world.topology.dn;
    dn.ip("route add 192.168.77.0/24 via 10.2.0.2")?;
    dn.ip("-6 route add 2001:db8:77::/48 via 2001:db8:2::2")?;

    reaches(&host, &server())?;
    reaches(dn, HOST)?;
    reaches(&host, SERVER_V6)?;
    reaches(dn, HOST_V6)?;
    // The UE itself too.
    reaches(dn, UE)?;
    // A network that is not its own it cannot speak for.
    host.ip("address add 192.168.78.2/32 dev lan")?;
    host.ip("route replace default via 192.168.77.1 src 192.168.78.2")?;
    world.home.ip("route add 192.168.78.2/32 dev lan")?;
    dn.ip("route add 192.168.78.0/24 via 10.2.0.2")?;
    let before = world.dropped("uplink", "spoofed_source")?;
    assert_eq!(ping(&host, &server(), 3)?, 0);
    assert!(world.dropped("uplink", "spoofed_source")? >= before + 3.0);
    Ok(())
}

/// A session whose UE is what `downlink` and `uplink` add to the PDRs.
fn session(downlink: Value, uplink: Value) -> Value {
    let mut pdrs = [
        json!({"id": DL, "from": "Core", "instance": "internet", "far": 1, "qers": [1]}),
        json!({"id": UL, "from": "Access", "choose": 5, "instance": "internet", "far": 2, "qers": [1]}),
    ];
    for (pdr, more) in pdrs.iter_mut().zip([downlink, uplink]) {
        if let (Value::Object(pdr), Value::Object(more)) = (pdr, more) {
            pdr.extend(more);
        }
    }
    json!({
        "pdrs": pdrs,
        "fars": [
            {"id": 1, "to": "Access", "tunnel": json_of(TUNNEL)},
            {"id": 2, "to": "Core", "instance": "internet"},
        ],
        "qers": [{"id": 1, "qfi": QFI}],
    })
}

fn attach(world: &World, created: &Created, addresses: &[String]) -> Result<Ue> {
    let addresses = addresses.iter().map(String::as_str).collect::<Vec<_>>();
    let (ran, uplink) = (&world.topology.ran, created.tunnels[&UL]);
    Ue::attach(&world.home, &addresses, ran, &[TUNNEL], uplink, Some(QFI))
}
