//! What the fast path tells us: wishes and log records, each through a ring buffer.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use aya::maps::{MapData, RingBuf};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::debug;
use upf_common::abi::{EVENT_NEIGHBOUR_WANTED, Event, UsageEvent};

use super::control::Control;
use crate::datapath::bpf::FastPathLogger;
use crate::datapath::{Account, Datapath, Reached};
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

/// Counters that are looked at before the ring buffer is read again.
const MAX_REACHED: usize = 4096;

/// Has sessions look at their URRs where the fast path says that a threshold or a quota is reached.
pub(super) async fn follow_usage<D: Datapath + 'static>(
    ring: RingBuf<MapData>,
    control: Arc<Control<D>>,
) -> io::Result<()> {
    // SAFETY: as above.
    let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) };
    let mut ring = ring?;
    loop {
        let mut ready = ring.readable_mut().await?;
        let mut reached = Vec::new();
        while let Some(record) = ready.get_inner_mut().next() {
            reached.extend(account(&record));
            if reached.len() == MAX_REACHED {
                break;
            }
        }
        if reached.len() < MAX_REACHED {
            ready.clear_ready();
        }
        // Its work waits for others between its parts.
        let control = Arc::clone(&control);
        let looked = tokio::task::spawn_blocking(move || control.usage_reached(&reached));
        looked.await.map_err(io::Error::other)?;
    }
}

fn account(record: &[u8]) -> Option<(Account, Reached)> {
    if record.len() != size_of::<UsageEvent>() {
        return None;
    }
    // SAFETY: as in `read`.
    let event = unsafe { record.as_ptr().cast::<UsageEvent>().read_unaligned() };
    Some((
        Account::of_event(event.account),
        Reached::of_event(event.kind)?,
    ))
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
    fn counters_that_have_reached_something_are_named() {
        use crate::datapath::{SlotIndex, UsageIndex};
        let event = |account: u32| [account.to_ne_bytes(), 1_u32.to_ne_bytes()].concat();
        let record = event(9 | upf_common::abi::USAGE_RECORD);
        let slot = (Account::Slot(SlotIndex(9)), Reached::Threshold);
        assert_eq!(account(&event(9)), Some(slot));
        let in_record = (Account::Record(UsageIndex(9)), Reached::Threshold);
        assert_eq!(account(&record), Some(in_record));
        assert_eq!(account(&record[..7]), None);
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
