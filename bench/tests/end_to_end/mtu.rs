//! What does not fit the way out.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};

use crate::world::{QFI, TUNNEL, UE, World, reaches};

/// The MTU of the devices between UPF and gNB.
const MTU: usize = 1500;
/// IPv4 and UDP of the datagrams that are sent here.
const INNER: usize = 28;
const PORT: u16 = 9000;

#[test]
fn downlink_packets_over_the_tunnel_s_mtu_are_counted() -> Result<()> {
    // IPv4, UDP and GTP-U; with a QFI, the PDU Session Container on top.
    for (qfi, overhead) in [(Some(QFI), 44), (None, 36)] {
        let mut world = World::new()?;
        let uplink = world.smf.establish(1, UE, None, qfi)?;
        let _ue = world.attach(uplink, &[TUNNEL], &[&format!("{UE}/32")])?;
        world.smf.tunnel(1, TUNNEL)?;
        reaches(&world.topology.dn, UE)?;
        let address = SocketAddr::new(UE.parse()?, PORT);
        let receiver = world.home.udp(address)?;
        receiver.set_read_timeout(Some(Duration::from_secs(2)))?;
        let sender = world.topology.dn.udp("0.0.0.0:0".parse()?)?;
        let fits = MTU - overhead - INNER;
        for (size, passes) in [(fits - 1, true), (fits, true), (fits + 1, false)] {
            let before = world.dropped("downlink", "over_mtu")?;
            for _ in 0..5 {
                sender.send_to(&vec![0x5a; size], address)?;
            }
            if passes {
                for _ in 0..5 {
                    let length = receiver.recv(&mut [0; 2048])?;
                    ensure!(length == size, "{length} bytes of {size}");
                }
            }
            let labels = [("direction", "downlink"), ("reason", "over_mtu")];
            let expected = before + if passes { 0.0 } else { 5.0 };
            let patience = Duration::from_secs(2);
            world.reached("upf_dropped_packets_total", &labels, expected, patience)?;
            assert_eq!(
                world.dropped("downlink", "over_mtu")?,
                expected,
                "{size} bytes"
            );
        }
        receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
        ensure!(
            receiver.recv(&mut [0; 2048]).is_err(),
            "too large, and it arrived"
        );
    }
    Ok(())
}
