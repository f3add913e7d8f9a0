//! Copies of user packets (DUPL, TS 29.244 clause 5.2.3): from the fast path's ring buffer into GTP-U tunnels.

use std::io;
use std::mem::offset_of;
use std::sync::Arc;

use aya::maps::{MapData, RingBuf};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::debug;
use upf_common::abi::PacketCopy;

use super::{CopyTarget, Rulebook};
use crate::gtpu::sockets::Sockets;

/// Records that are taken before others get their turn.
const BURST: usize = 256;
/// What a record of [`upf_common::abi::PacketCopy`] begins with: `duplicate` and `length`.
const HEADER: usize = offset_of!(PacketCopy, bytes);

/// Sends copies on, as long as the ring buffer lives. What does not fit into it is counted by the
/// fast path ([`upf_common::abi::Counters::copies_lost`]).
pub(super) async fn follow_copies<R: Rulebook>(
    ring: RingBuf<MapData>,
    mut copier: Copier<R>,
) -> io::Result<()> {
    // SAFETY: the ring owns its descriptor until it is dropped, and always tells the same one.
    let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) };
    let mut ring = ring?;
    loop {
        let mut ready = ring.readable_mut().await?;
        copier.forget();
        let records = ready.get_inner_mut();
        let is_drained = (0..BURST).any(|_| match records.next() {
            Some(record) => {
                copier.copy(&record);
                false
            }
            None => true,
        });
        if is_drained {
            ready.clear_ready();
        } else {
            drop(ready);
            tokio::task::yield_now().await;
        }
    }
}

/// From records to tunnels.
pub(super) struct Copier<R> {
    sockets: Arc<Sockets>,
    rules: Arc<R>,
    /// The duplicate of the last record: most of a burst are copies of one rule.
    last: Option<(u32, Vec<CopyTarget>)>,
}

impl<R: Rulebook> Copier<R> {
    pub(super) fn new(sockets: Arc<Sockets>, rules: Arc<R>) -> Self {
        Self {
            sockets,
            rules,
            last: None,
        }
    }

    /// Rules may have changed.
    fn forget(&mut self) {
        self.last = None;
    }

    fn copy(&mut self, record: &[u8]) {
        let metrics = self.sockets.metrics();
        let Some((duplicate, packet)) = read(record) else {
            debug!(bytes = record.len(), "a record that is no copy");
            return metrics.copy(false);
        };
        let (_, targets) = match self.last.take() {
            Some(last) if last.0 == duplicate => self.last.insert(last),
            _ => self
                .last
                .insert((duplicate, self.rules.copy_targets(duplicate))),
        };
        if targets.is_empty() {
            metrics.copy(false);
        }
        for CopyTarget { path, teid, dscp } in targets {
            let outcome = self.sockets.send_packet(*path, *teid, packet, *dscp);
            metrics.copy(outcome.is_ok());
        }
    }
}

/// The duplicate's number and the inner packet. The record may be longer than what it says.
fn read(record: &[u8]) -> Option<(u32, &[u8])> {
    let (&[a, b, c, d, e, f, g, h], rest) = record.split_first_chunk::<HEADER>()?;
    let length = u32::from_ne_bytes([e, f, g, h]) as usize;
    Some((u32::from_ne_bytes([a, b, c, d]), rest.get(..length)?))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, UdpSocket};
    use std::time::Duration;

    use super::*;
    use crate::gtpu::PathKey;
    use crate::gtpu::sockets::endpoint;
    use crate::metrics::GtpuMetrics;

    /// Duplicate 7 goes to two tunnels.
    struct Two([CopyTarget; 2]);

    impl Rulebook for Two {
        fn has_teid(&self, _: u32) -> bool {
            false
        }

        fn report_unknown_tunnel(&self, _: IpAddr, _: u32) -> usize {
            0
        }

        fn end_marker_received(&self, _: u32) {}

        fn report_failed_paths(&self, _: &[IpAddr]) {}

        fn report_recovered_paths(&self, _: &[IpAddr]) {}

        fn copy_targets(&self, duplicate: u32) -> Vec<CopyTarget> {
            match duplicate {
                7 => self.0.to_vec(),
                _ => Vec::new(),
            }
        }
    }

    fn record(duplicate: u32, length: u32, packet: &[u8]) -> Vec<u8> {
        let header = [duplicate.to_ne_bytes(), length.to_ne_bytes()].concat();
        [&header[..], packet].concat()
    }

    fn loopback(n: u8) -> IpAddr {
        Ipv4Addr::new(127, 21, 54, n).into()
    }

    #[test]
    fn records_say_how_long_the_packet_is() {
        assert_eq!(read(&record(7, 2, &[1, 2, 0])), Some((7, &[1, 2][..])));
        assert_eq!(read(&record(7, 4, &[1, 2, 0])), None);
        assert_eq!(read(&record(7, u32::MAX, &[1])), None);
        assert_eq!(read(&[0; 7]), None);
    }

    #[test]
    fn copies_leave_by_each_tunnel_and_lost_ones_are_counted() {
        let metrics = GtpuMetrics::new().unwrap();
        let sockets = Sockets::open([loopback(1)], metrics.clone()).unwrap();
        let gnbs = [loopback(2), loopback(3)].map(|address| {
            let socket = UdpSocket::bind(endpoint(address)).unwrap();
            let patience = Some(Duration::from_secs(2));
            socket.set_read_timeout(patience).unwrap();
            socket
        });
        let target = |n, teid| CopyTarget {
            path: PathKey {
                remote: loopback(n),
                local: loopback(1),
            },
            teid,
            dscp: Some(46),
        };
        let rules = Arc::new(Two([target(2, 0x102), target(3, 0x103)]));
        let mut copier = Copier::new(Arc::new(sockets), rules);
        let records = [
            record(7, 3, &[0x45, 1, 2, 0]),
            record(8, 1, &[0x45]),
            record(7, 9, &[0x45]),
            record(7, 1, &[0x46]),
        ];
        for record in &records {
            copier.copy(record);
        }
        for (gnb, teid) in gnbs.iter().zip([2, 3]) {
            for payload in [&[0x45, 1, 2][..], &[0x46]] {
                let mut buffer = [0; 64];
                let (length, from) = gnb.recv_from(&mut buffer).unwrap();
                let header = [0x30, 255, 0, payload.len() as u8, 0, 0, 1, teid];
                assert_eq!(buffer[..length], [&header[..], payload].concat());
                assert_eq!(from, endpoint(loopback(1)));
            }
        }
        assert_eq!(metrics.copies(), (4, 2));
    }
}
