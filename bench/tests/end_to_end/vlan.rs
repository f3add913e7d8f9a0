//! A gNB behind a VLAN (IEEE 802.1Q), as far as a kernel without VLAN devices can show it: what
//! comes with a tag is taken, and what is answered on the spot goes back with the tag. The way out
//! by a VLAN device is tested packet by packet, in `tests/packets`.

use std::{process::Command, thread, time::Duration};

use anyhow::{Context as _, Result};
use bench::netns::Namespace;

use crate::{
    capture::Capture,
    world::{QFI, TUNNEL, UE, World, ping, reaches, server},
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/tagged.py");

#[test]
fn tagged_frames_are_taken_and_echoes_answered_with_the_tag() -> Result<()> {
    let mut world = World::new()?;
    let uplink = world.smf.establish(1, UE, None, Some(QFI))?;
    let teid = uplink.teid.to_string();
    let ue = world.attach(uplink, &[TUNNEL], &[&format!("{UE}/32")])?;
    world.smf.tunnel(1, TUNNEL)?;
    reaches(&world.topology.dn, UE)?;
    let received = ue.received()[0];

    let (ran, upf) = (&world.topology.ran, &world.topology.upf);
    let capture = Capture::start(&world.topology, ran, "gnb")?;
    let mut script = Command::new("/usr/bin/python3");
    script.args([SCRIPT, &mac(ran, "gnb")?, &mac(upf, "n3")?, &teid, UE]);
    ran.output(script.arg(server()))?;
    thread::sleep(Duration::from_millis(200));
    let recording = capture.end()?;
    recording.judge("ip.src == 10.1.0.2 && gtp", 2)?;
    let answers = "ip.src == 10.1.0.2 && gtp.message == 2";
    assert_eq!(recording.count(&format!("{answers} && vlan.id == 100"))?, 1);
    // The host's answer to the ping; the route to the gNB leads over no VLAN.
    let replies = "ip.src == 10.1.0.2 && !vlan && gtp && icmp.type == 0";
    assert_eq!(recording.count(replies)?, 1);
    assert!(ue.received()[0] > received);
    assert_eq!(
        ping(&world.home, &server(), 3)?,
        3,
        "untagged ones as before"
    );
    Ok(())
}

fn mac(namespace: &Namespace, device: &str) -> Result<String> {
    let link = namespace.ip(&format!("link show dev {device}"))?;
    let mac = link
        .split_whitespace()
        .skip_while(|word| *word != "link/ether")
        .nth(1);
    Ok(mac.with_context(|| link.clone())?.to_owned())
}
