//! What the fast path tells us: wishes and log records, each through a ring buffer.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use aya::maps::{MapData, RingBuf};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::debug;
use upf_common::abi::{EVENT_NEIGHBOUR_WANTED, Event};

use crate::datapath::bpf::FastPathLogger;
use crate::netlink::{Watch, Wish};

/// Passes on what the fast path wishes, as long as the ring buffer lives.
pub(super) async fn follow_events(ring: RingBuf<MapData>, watch: Arc<Watch>) -> io::Result<()> {
    // SAFETY: the ring owns its descriptor until it is dropped, and always tells the same one.
    let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) };
    let mut ring = ring?;
    loop {
        let mut ready = ring.readable_mut().await?;
        while let Some(record) = ready.get_inner_mut().next() {
            match read(&record) {
                Some(wish) => watch.wish(wish),
                None => debug!(bytes = record.len(), "an event that is not known"),
            }
        }
        ready.clear_ready();
    }
}

/// Passes on what the fast path logs.
pub(super) async fn follow_logs(logger: FastPathLogger) -> io::Result<()> {
    // SAFETY: the logger owns its ring buffer's descriptor until it is dropped, and always tells the same one.
    let logger = unsafe { AsyncFd::register_with_interest(logger, Interest::READABLE) };
    let mut logger = logger?;
    loop {
        let mut ready = logger.readable_mut().await?;
        ready.get_inner_mut().flush();
        ready.clear_ready();
    }
}

fn read(record: &[u8]) -> Option<Wish> {
    if record.len() != size_of::<Event>() {
        return None;
    }
    // SAFETY: an event is `Plain`: every pattern of its bytes is valid, and there are as many; the read may
    // be unaligned.
    let event = unsafe { record.as_ptr().cast::<Event>().read_unaligned() };
    (event.kind == EVENT_NEIGHBOUR_WANTED).then(|| Wish::Neighbour {
        ifindex: event.ifindex,
        address: unmapped(event.address),
    })
}

fn unmapped(address: upf_common::abi::Address) -> IpAddr {
    Ipv6Addr::from(address).to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;
    use upf_common::abi::mapped;

    fn bytes(kind: u32, address: upf_common::abi::Address) -> Vec<u8> {
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend(7_u32.to_ne_bytes());
        bytes.extend(address);
        bytes
    }

    #[test]
    fn wishes_for_neighbours_of_both_families() {
        let v6: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let cases = [
            (mapped([10, 1, 0, 1]), "10.1.0.1"),
            (v6.octets(), "2001:db8::1"),
        ];
        for (address, expected) in cases {
            let wish = Wish::Neighbour {
                ifindex: 7,
                address: expected.parse().unwrap(),
            };
            assert_eq!(read(&bytes(EVENT_NEIGHBOUR_WANTED, address)), Some(wish));
        }
    }

    #[test]
    fn what_is_not_known_is_no_wish() {
        let event = bytes(EVENT_NEIGHBOUR_WANTED, mapped([10, 1, 0, 1]));
        assert_eq!(read(&event[..23]), None);
        assert_eq!(read(&[&event[..], &[0]].concat()), None);
        assert_eq!(read(&bytes(99, mapped([10, 1, 0, 1]))), None);
        assert_eq!(read(&[]), None);
    }
}
