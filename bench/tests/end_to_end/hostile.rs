//! Bad input over the wire, under a working session.

use std::net::SocketAddr;

use anyhow::Result;
use bench::{
    gtpu::{self, GPdu},
    pfcp::{Session, request},
    topology::{DN, GNB, N3, N4, SMF},
};
use etherparse::PacketBuilder;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use crate::world::{QFI, TUNNEL, UE, World, ping, server};

/// Enough to fill every queue; the millions are run in process, where they cost less.
const DATAGRAMS: usize = 20_000;

#[test]
fn mutated_pfcp_and_gtpu_stop_neither_the_agent_nor_the_traffic() -> Result<()> {
    let mut world = World::new()?;
    let uplink = world.smf.establish(1, UE, None, Some(QFI))?;
    let teid = uplink.teid;
    let _ue = world.attach(uplink, &[TUNNEL], &[&format!("{UE}/32")])?;
    world.smf.tunnel(1, TUNNEL)?;
    assert!(ping(&world.home, &server(), 5)? >= 4);
    let mut random = StdRng::seed_from_u64(29_244);

    // From another port than the SMF's: these are answered there, or not at all.
    let socket = world.topology.ran.udp(SocketAddr::new(SMF.into(), 0))?;
    let session = Session {
        seid: 7,
        ue: bench::control::ue_address(6),
        kilobits: Some(1000),
        qfi: 1,
        imsi: None,
        volume_threshold: None,
    };
    let originals = [
        request::association(1, SMF, 7),
        request::establishment(2, SMF, &session),
        request::rate(3, 0x1234, 5),
        request::deletion(4, 0x1234),
    ];
    for (index, original) in originals.iter().cycle().take(DATAGRAMS).enumerate() {
        // An association setup that survives would end the SMF's own association.
        let bytes = mutate(&mut random, original);
        if index % originals.len() != 0 || bytes.len() < 20 {
            socket.send_to(&bytes, N4)?;
        }
    }

    let gnb = world.topology.ran.udp(SocketAddr::new(GNB.into(), 0))?;
    let original = GPdu {
        teid,
        qfi: Some(QFI),
        payload: &from_ue()?,
    }
    .to_uplink_bytes();
    for _ in 0..DATAGRAMS {
        gnb.send_to(&mutate(&mut random, &original), (N3, gtpu::PORT))?;
    }

    // Most of it is not sound; what is goes where it should.
    let refused = [
        "gtpu_malformed",
        "unknown_teid",
        "spoofed_source",
        "inner_malformed",
    ];
    for reason in refused {
        assert!(world.dropped("uplink", reason)? > 0.0, "{reason}");
    }
    world.agent.check()?;
    world.agent.get("/healthz")?;
    assert_eq!(ping(&world.home, &server(), 5)?, 5);
    assert_eq!(ping(&world.topology.dn, UE, 5)?, 5);
    world.smf.rate(1, 5000)?;
    assert_eq!(world.smf.delete(1)?, 1);
    Ok(())
}

/// A datagram of the UE's to the data network.
fn from_ue() -> Result<Vec<u8>> {
    let ue: std::net::Ipv4Addr = UE.parse()?;
    let mut packet = Vec::new();
    PacketBuilder::ipv4(ue.octets(), DN.octets(), 64)
        .udp(9000, 9000)
        .write(&mut packet, &[0x55; 40])?;
    Ok(packet)
}

fn mutate(random: &mut StdRng, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    if random.random_bool(0.5) {
        bytes.truncate(random.random_range(0..=original.len()));
    }
    for _ in 0..random.random_range(1..4) {
        if !bytes.is_empty() {
            let index = random.random_range(0..bytes.len());
            bytes[index] ^= 1 << random.random_range(0..8);
        }
    }
    bytes
}
