//! What holds for every frame, whoever made it.

use std::net::Ipv4Addr;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use super::frames::has_right_checksum;
use super::world::{GNB, GNB_TEID, GNB_V6, LOCAL, LOCAL_V6, NEAR_MAC, World};
use super::{Action, Outcome};
use crate::gtpu;

/// Whatever arrived: what leaves is a sound packet that was in the frame, one hop older.
///
/// # Panics
/// When it is not.
pub fn check(world: &World, frame: &[u8], outcome: &Outcome) {
    match outcome.action {
        Action::Pass => assert_eq!(outcome.frame, frame, "touched and passed on"),
        Action::Drop => {}
        Action::Transmit | Action::Redirect => check_packet(world, frame, &outcome.frame),
    }
}

fn check_packet(world: &World, frame: &[u8], out: &[u8]) {
    let context = || format!("in {frame:02x?}\nout {out:02x?}");
    let sources = world.ports.iter().map(|port| port.mac).collect::<Vec<_>>();
    assert!(
        sources.iter().any(|mac| *mac == out[6..12]),
        "{}",
        context()
    );
    let network = if out[12..14] == [0x81, 0] { 18 } else { 14 };
    let packet = &out[network..];
    let may_mark = marks(world);
    if let Some(inner) = tunnelled(packet) {
        assert_eq!(inner.teid, GNB_TEID, "{}", context());
        // From tunnel to tunnel it does not get a hop older.
        let as_it_came = frame
            .windows(inner.payload.len())
            .any(|window| window == inner.payload);
        assert!(
            as_it_came || is_in(frame, inner.payload, may_mark),
            "{}",
            context()
        );
        return;
    }
    if is_echo_response(out) {
        assert_eq!(out[6..12], NEAR_MAC, "{}", context());
        return;
    }
    assert!(is_in(frame, packet, may_mark), "{}", context());
}

/// Whether there is anything in a world that marks packets.
fn marks(world: &World) -> bool {
    let slots = world
        .slots
        .iter()
        .flat_map(|(_, slot)| [slot.uplink, slot.downlink]);
    let rules = slots.flat_map(|half| half.rules);
    !world.limits.is_empty() || rules.map(|rules| rules.marking).any(|marking| marking != 0)
}

/// The packet, one hop younger, stands in the frame that arrived; in another traffic class perhaps.
fn is_in(frame: &[u8], packet: &[u8], may_mark: bool) -> bool {
    frame.windows(packet.len()).any(|window| {
        let (mut window, mut packet) = (window.to_vec(), packet.to_vec());
        if may_mark && window[0] >> 4 == packet[0] >> 4 {
            clear_class(&mut window);
            clear_class(&mut packet);
        }
        window[0] == packet[0]
            && hop(&window) == hop(&packet).wrapping_add(1)
            && same(&window, &packet)
    })
}

fn clear_class(packet: &mut [u8]) {
    if packet[0] >> 4 == 4 {
        packet[1] = 0;
    } else {
        packet[0] &= 0xf0;
        packet[1] &= 0x0f;
    }
}

fn hop(packet: &[u8]) -> u8 {
    if packet[0] >> 4 == 4 {
        packet[8]
    } else {
        packet[7]
    }
}

/// The same but for hop count and header checksum. That the checksum follows the hop count, right or wrong as it came,
/// is proved beside the function that changes it.
fn same(window: &[u8], packet: &[u8]) -> bool {
    let skipped: &[usize] = if packet[0] >> 4 == 4 {
        &[8, 10, 11]
    } else {
        &[7]
    };
    window
        .iter()
        .zip(packet)
        .enumerate()
        .all(|(at, (a, b))| a == b || skipped.contains(&at))
}

/// The G-PDU in a datagram of ours to the gNB.
fn tunnelled(packet: &[u8]) -> Option<gtpu::GPdu<'_>> {
    let sliced = SlicedPacket::from_ip(packet).ok()?;
    let is_ours = match &sliced.net {
        Some(NetSlice::Ipv4(ip)) => {
            (ip.header().source_addr(), ip.header().destination_addr()) == (LOCAL, GNB)
        }
        Some(NetSlice::Ipv6(ip)) => {
            (ip.header().source(), ip.header().destination()) == (LOCAL_V6, GNB_V6)
        }
        _ => false,
    };
    let Some(TransportSlice::Udp(udp)) = &sliced.transport else {
        return None;
    };
    if !is_ours || udp.destination_port() != 2152 || udp.source_port() < 0xc000 {
        return None;
    }
    match &sliced.net {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let right = header.to_header().calc_header_checksum();
            assert_eq!(header.header_checksum(), right);
        }
        _ => assert!(has_right_checksum(packet), "{packet:02x?}"),
    }
    let range = packet.len() - udp.payload().len()..;
    gtpu::read(&packet[range])
}

fn is_echo_response(out: &[u8]) -> bool {
    let at = if out[12..14] == [0x81, 0] || out[12..14] == [0x88, 0xa8] {
        18
    } else {
        14
    };
    if out.get(at).is_some_and(|version| version >> 4 == 6) {
        let datagram = &out[at..];
        return datagram.len() == 62
            && datagram[8..24] == LOCAL_V6
            && datagram[40..42] == 2152u16.to_be_bytes()
            && datagram[48..50] == [0x32, 2]
            && has_right_checksum(datagram);
    }
    let Some(datagram) = out.get(at..at + 42) else {
        return false;
    };
    let source = Ipv4Addr::new(datagram[12], datagram[13], datagram[14], datagram[15]);
    datagram[28..30] == [0x32, 2]
        && datagram[20..22] == 2152u16.to_be_bytes()
        && source.octets()[..3] == LOCAL.octets()[..3]
}

/// Whether a frame is the expected one, but for the outer source port, which has to be a dynamic one, and over IPv6 for the checksum, which has to
/// be right.
#[must_use]
pub fn leaves_as(actual: &[u8], expected: &[u8]) -> bool {
    let Some(at) = source_port_of(expected) else {
        return actual == expected;
    };
    let network = if expected[12..14] == [0x81, 0] {
        18
    } else {
        14
    };
    let is_v6 = expected[network] >> 4 == 6;
    if is_v6 && !has_right_checksum(&actual[network..]) {
        return false;
    }
    let (mut actual, mut expected) = (actual.to_vec(), expected.to_vec());
    if is_v6 && actual.len() == expected.len() {
        for frame in [&mut actual, &mut expected] {
            frame[at + 6..at + 8].fill(0);
        }
    }
    let Some(port) = actual.get_mut(at..at + 2) else {
        return false;
    };
    let is_dynamic = port[0] >= 0xc0;
    port.fill(0);
    is_dynamic && actual == expected
}

/// Where the outer UDP source port of a G-PDU stands: the product chooses it; it is the same for a flow, and a dynamic
/// one.
fn source_port_of(frame: &[u8]) -> Option<usize> {
    let network = if frame.get(12..14)? == [0x81, 0] {
        18
    } else {
        14
    };
    let packet = frame.get(network..)?;
    let (protocol, udp) = match packet.first()? {
        0x45 => (9, 20),
        version if version >> 4 == 6 => (6, 40),
        _ => return None,
    };
    let is_g_pdu = packet.get(protocol) == Some(&17)
        && packet.get(udp + 2..udp + 4) == Some(&2152u16.to_be_bytes())
        && packet.get(udp + 9) == Some(&255);
    is_g_pdu.then_some(network + udp)
}
