//! The room without sockets: bytes and a clock in, actions out.

mod bytes;
mod errors;
mod paths;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn local() -> IpAddr {
    "10.1.0.2".parse().unwrap()
}

fn peer(n: u8) -> IpAddr {
    IpAddr::from([10, 1, 1, n])
}

fn path(n: u8) -> PathKey {
    PathKey {
        remote: peer(n),
        local: local(),
    }
}

/// Hands a datagram of that peer, from this port, to the room; the TEID 7 is ours.
fn hear(room: &mut Gtpu, from: (IpAddr, u16), bytes: &[u8], now: Instant) -> Vec<Action> {
    let datagram = Datagram {
        local: local(),
        from: SocketAddr::from(from),
        bytes,
    };
    room.receive(datagram, now, |teid| teid == 7)
}
