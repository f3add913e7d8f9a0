//! The life of sessions, driven by scapy, seen by ping and judged by tshark.

use anyhow::Result;
use serde_json::Value;

use crate::{
    capture::Capture,
    world::{OTHER_TUNNEL, TUNNEL, UE, World, ping, reaches, server},
};

const FROM_US: &str = "ip.src == 10.1.0.2 && gtp";
const PFCP_FROM_US: &str = "ip.src == 10.100.0.2 && pfcp";

#[test]
fn a_session_from_association_to_deletion() -> Result<()> {
    let mut world = World::new()?;
    let n3 = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    let n4 = Capture::start(&world.topology, &world.topology.ran, "smf")?;
    let dn = world.topology.dn.clone();

    let uplink = world.smf.establish(1, UE, Some(10_000), Some(9))?;
    assert_eq!(uplink.address, "10.1.0.2");
    assert!(
        world.smf.repeat()?,
        "a repeated request is answered from the cache"
    );
    assert_eq!(world.metric("upf_sessions", &[])?, 1.0);
    let (seid, teid) = (uplink.seid, uplink.teid);
    let ue = world.attach(uplink, &[TUNNEL, OTHER_TUNNEL], &[&format!("{UE}/32")])?;

    // The gNB's tunnel is late: the downlink has nowhere to go, and that is counted.
    assert_eq!(ping(&dn, UE, 3)?, 0);
    assert!(world.dropped("downlink", "far_buffer")? >= 3.0);

    world.smf.tunnel(1, TUNNEL)?;
    reaches(&dn, UE)?;
    reaches(&world.home, &server())?;
    let before = ue.received();
    assert!(before[0] > 0 && before[1] == 0, "{before:?}");

    // Handover: the same session by another gNB, which has not been heard of yet.
    world.smf.tunnel(1, OTHER_TUNNEL)?;
    reaches(&dn, UE)?;
    let after = ue.received();
    assert!(
        after[1] > 0 && after[0] == before[0],
        "{before:?} {after:?}"
    );

    is_listed(&world, seid, teid)?;

    world.smf.gates(1, "CLOSED", "OPEN")?;
    let closed = world.dropped("uplink", "gate_closed")?;
    assert_eq!(ping(&world.home, &server(), 3)?, 0);
    assert!(world.dropped("uplink", "gate_closed")? >= closed + 3.0);
    world.smf.gates(1, "OPEN", "OPEN")?;
    reaches(&world.home, &server())?;

    world.smf.idle(1)?;
    assert_eq!(ping(&dn, UE, 2)?, 0);
    world.smf.tunnel(1, TUNNEL)?;
    reaches(&dn, UE)?;

    assert_eq!(world.smf.delete(1)?, 1);
    assert_eq!(world.smf.delete(1)?, 65, "session context not found");
    assert_eq!(world.metric("upf_sessions", &[])?, 0.0);
    assert_eq!(ping(&world.home, &server(), 2)?, 0);
    assert!(world.dropped("uplink", "unknown_teid")? >= 2.0);
    assert_eq!(ping(&dn, UE, 2)?, 0);
    assert!(world.dropped("downlink", "unknown_ue_address")? >= 2.0);
    assert_eq!(ue.refused(), 0);

    world.smf.release()?;
    assert_eq!(world.metric("upf_pfcp_associations", &[])?, 0.0);
    n3.judge(FROM_US, 20)?;
    n4.judge(PFCP_FROM_US, 12)
}

#[test]
fn a_session_with_an_ipv6_prefix() -> Result<()> {
    const PREFIX: &str = "2001:db8:45:7::";
    const ADDRESS: &str = "2001:db8:45:7::abcd";
    let mut world = World::new()?;
    let n3 = Capture::start(&world.topology, &world.topology.ran, "gnb")?;
    // An LTE bearer: no QFI, and so no PDU Session Container on the way down.
    let uplink = world.smf.establish(1, PREFIX, None, None)?;
    let _ue = world.attach(uplink, &[TUNNEL], &[&format!("{ADDRESS}/64")])?;
    world.smf.tunnel(1, TUNNEL)?;
    // Any address of the prefix is the UE's.
    reaches(&world.topology.dn, ADDRESS)?;
    reaches(&world.home, "2001:db8:2::1")?;
    n3.judge(
        &format!("{FROM_US} && !gtp.ext_hdr.pdu_ses_con.pdu_type"),
        5,
    )
}

#[test]
fn a_ue_that_lies_about_its_address_is_not_heard() -> Result<()> {
    let mut world = World::new()?;
    let uplink = world.smf.establish(1, UE, None, Some(9))?;
    let _ue = world.attach(uplink, &[TUNNEL], &["10.128.0.77/32"])?;
    world.smf.tunnel(1, TUNNEL)?;
    assert_eq!(ping(&world.home, &server(), 3)?, 0);
    assert!(world.dropped("uplink", "spoofed_source")? >= 3.0);
    Ok(())
}

/// `/v1/sessions` shows what the session is and what it has carried.
fn is_listed(world: &World, seid: u64, teid: u32) -> Result<()> {
    let list = world.agent.get("/v1/sessions")?;
    let one = world.agent.get(&format!("/v1/sessions/{seid}"))?;
    for text in [&list, &one] {
        serde_json::from_str::<Value>(text)?;
        assert!(
            text.contains(UE) && text.contains("10000000"),
            "address and MBR in {text}"
        );
        let (decimal, hexadecimal) = (teid.to_string(), format!("{teid:08x}"));
        assert!(
            text.contains(&decimal) || text.contains(&hexadecimal),
            "TEID {teid} in {text}"
        );
    }
    let associations = world.agent.get("/v1/associations")?;
    assert!(associations.contains("10.100.0.1"), "{associations}");
    Ok(())
}
