//! Copies of user packets (DUPL, TS 29.244 clause 5.2.3): from the fast path's ring buffer into GTP-U tunnels.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use aya::maps::{MapData, RingBuf};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::debug;

use super::Rulebook;
use crate::gtpu::codec;
use crate::gtpu::sockets::{Sockets, endpoint};
use crate::metrics::GtpuMetrics;

/// Records that are taken before others get their turn.
const BURST: usize = 256;
/// Number of the duplicate and length of the packet, each of 32 bits in the host's order.
const HEADER: usize = 8;

/// Sends copies on, as long as the ring buffer lives. What does not fit into it is lost, and counted by the fast path.
pub(in crate::agent) async fn follow_copies<R: Rulebook>(
    ring: RingBuf<MapData>,
    copier: Copier<R>,
) -> io::Result<()> {
    // SAFETY: the ring owns its descriptor until it is dropped, and always tells the same one.
    let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) };
    let mut ring = ring?;
    loop {
        let mut ready = ring.readable_mut().await?;
        if copier.drain(|| ready.get_inner_mut().next()) {
            ready.clear_ready();
        } else {
            drop(ready);
            tokio::task::yield_now().await;
        }
    }
}

/// From records to tunnels.
pub(in crate::agent) struct Copier<R> {
    pub(in crate::agent) sockets: Arc<Sockets>,
    pub(in crate::agent) rules: Arc<R>,
    pub(in crate::agent) metrics: GtpuMetrics,
}

impl<R: Rulebook> Copier<R> {
    /// Sends some records on; whether those were all.
    fn drain<T: Deref<Target = [u8]>>(&self, mut next: impl FnMut() -> Option<T>) -> bool {
        // Most of a burst are copies of one rule.
        let mut last = None;
        for _ in 0..BURST {
            let Some(record) = next() else {
                return true;
            };
            let Some((duplicate, packet)) = read(&record) else {
                debug!(bytes = record.len(), "a record that is no copy");
                self.metrics.copy(false);
                continue;
            };
            let (_, targets) = match last.take() {
                Some((known, targets)) if known == duplicate => last.insert((known, targets)),
                _ => last.insert((duplicate, self.rules.copy_targets(duplicate))),
            };
            if targets.is_empty() {
                self.metrics.copy(false);
            }
            for target in targets.iter() {
                let is_sent = codec::g_pdu(target.teid, packet).is_some_and(|bytes| {
                    let to = endpoint(target.path.remote);
                    let sent = self.sockets.send(target.path.local, to, &bytes, target.dscp);
                    sent.is_ok()
                });
                self.metrics.copy(is_sent);
            }
        }
        false
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

    use super::super::CopyTarget;
    use super::*;
    use crate::gtpu::PathKey;

    /// Duplicate 7 goes to two tunnels.
    struct Two([CopyTarget; 2]);

    impl Rulebook for Two {
        fn has_teid(&self, _: u32) -> bool {
            false
        }

        fn report_unknown_tunnel(&self, _: IpAddr, _: u32) -> usize {
            0
        }

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
        let copier = Copier {
            sockets: Arc::new(sockets),
            rules: Arc::new(Two([target(2, 0x102), target(3, 0x103)])),
            metrics: metrics.clone(),
        };
        let records = [
            record(7, 3, &[0x45, 1, 2, 0]),
            record(8, 1, &[0x45]),
            record(7, 9, &[0x45]),
            record(7, 1, &[0x46]),
        ];
        let mut records = records.into_iter();
        assert!(copier.drain(|| records.next()));
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

    #[test]
    fn others_get_their_turn() {
        let metrics = GtpuMetrics::new().unwrap();
        let nowhere = CopyTarget {
            path: PathKey {
                remote: loopback(5),
                local: loopback(4),
            },
            teid: 1,
            dscp: None,
        };
        let copier = Copier {
            sockets: Arc::new(Sockets::open([], metrics.clone()).unwrap()),
            rules: Arc::new(Two([nowhere; 2])),
            metrics: metrics.clone(),
        };
        assert!(!copier.drain(|| Some(record(7, 1, &[0x45]))));
        assert_eq!(metrics.copies(), (0, 2 * BURST as u64), "no such socket");
    }
}
