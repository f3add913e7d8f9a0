//! The engine with real sockets on loopback addresses and sessions that are made up.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::*;
use crate::gtpu::PathState;
use crate::gtpu::codec::{echo_response, error_indication};
use crate::gtpu::sockets::endpoint;

/// What sessions were told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Unknown(IpAddr, u32),
    Ended(u32),
    Failed(Vec<IpAddr>),
    Recovered(Vec<IpAddr>),
}

/// TEID 7 is ours; sessions send to every peer's TEID 9.
#[derive(Default)]
struct Fake {
    told: Mutex<Vec<Told>>,
}

impl Fake {
    fn tell(&self, told: Told) {
        self.told.lock().unwrap().push(told);
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }
}

impl Rulebook for Fake {
    fn has_teid(&self, teid: u32) -> bool {
        teid == 7
    }

    fn report_unknown_tunnel(&self, remote: IpAddr, teid: u32) -> usize {
        self.tell(Told::Unknown(remote, teid));
        usize::from(teid == 9)
    }

    fn end_marker_received(&self, teid: u32) {
        self.tell(Told::Ended(teid));
    }

    fn report_failed_paths(&self, remotes: &[IpAddr]) {
        self.tell(Told::Failed(remotes.to_vec()));
    }

    fn report_recovered_paths(&self, remotes: &[IpAddr]) {
        self.tell(Told::Recovered(remotes.to_vec()));
    }

    fn copy_targets(&self, _: u32) -> Vec<CopyTarget> {
        Vec::new()
    }
}

struct Setting {
    engine: Arc<Engine<Fake>>,
    rules: Arc<Fake>,
    metrics: GtpuMetrics,
    local: IpAddr,
}

fn loopback(n: u8) -> IpAddr {
    Ipv4Addr::new(127, 21, 52, n).into()
}

fn setting(local: IpAddr, config: &config::Gtpu) -> Setting {
    let metrics = GtpuMetrics::new().unwrap();
    let sockets = Sockets::open([local], metrics.clone()).unwrap();
    let rules = Arc::new(Fake::default());
    let engine = Arc::new(Engine::new(config, Arc::new(sockets), Arc::clone(&rules)));
    tokio::spawn(Arc::clone(&engine).serve(local));
    tokio::spawn(Arc::clone(&engine).keep_time());
    Setting {
        engine,
        rules,
        metrics,
        local,
    }
}

fn at_once() -> config::Gtpu {
    config::Gtpu {
        error_indication_holdoff: Duration::ZERO,
        ..config::Gtpu::default()
    }
}

async fn heard(peer: &UdpSocket) -> Option<(Vec<u8>, SocketAddr)> {
    let mut buffer = vec![0; 2048];
    let wait = tokio::time::timeout(Duration::from_millis(700), peer.recv_from(&mut buffer));
    let (length, from) = wait.await.ok()?.unwrap();
    buffer.truncate(length);
    Some((buffer, from))
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..300 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not come");
}

#[tokio::test]
async fn nobody_is_told_that_the_port_is_closed() {
    let setting = setting(loopback(1), &at_once());
    let rules = Arc::clone(&setting.rules);
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    peer.connect(endpoint(setting.local)).await.unwrap();
    for _ in 0..3 {
        // A closed port would show as an error of the second message.
        peer.send(&[0x30, 254, 0, 0, 0, 0, 0, 1]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The End Markers were, to the sessions.
    until(|| rules.told() == [Told::Ended(1), Told::Ended(1), Told::Ended(1)]).await;
}

#[tokio::test]
async fn an_unknown_tunnel_is_answered_over_both_families() {
    let v6 = (
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    );
    for (local, peer) in [(loopback(2), loopback(3)), v6] {
        let setting = setting(local, &at_once());
        let sender = UdpSocket::bind((peer, 0)).await.unwrap();
        let port = sender.local_addr().unwrap().port();
        // The answer goes to the registered port, which over IPv6 is our own on this host.
        let gnb = match peer {
            IpAddr::V4(_) => Some(UdpSocket::bind(endpoint(peer)).await.unwrap()),
            IpAddr::V6(_) => None,
        };
        for teid in [7, 9] {
            let packet = [0x30, 255, 0, 1, 0, 0, 0, teid, 0x45];
            sender.send_to(&packet, endpoint(local)).await.unwrap();
        }
        match gnb {
            Some(gnb) => {
                let (bytes, from) = heard(&gnb).await.unwrap();
                assert_eq!(bytes, error_indication(9, local, port));
                assert_eq!(from, endpoint(local));
                assert_eq!(heard(&gnb).await, None, "7 is known");
            }
            None => {
                let rules = Arc::clone(&setting.rules);
                until(|| rules.told() == [Told::Unknown(local, 9)]).await;
            }
        }
    }
}

#[tokio::test]
async fn a_peers_error_indication_is_reported_and_counted() {
    let setting = setting(loopback(4), &at_once());
    let gnb = UdpSocket::bind(endpoint(loopback(5))).await.unwrap();
    for (speaks_for, teid) in [(5, 9), (6, 9), (5, 10), (5, 9)] {
        let bytes = error_indication(teid, loopback(speaks_for), 2152);
        gnb.send_to(&bytes, endpoint(setting.local)).await.unwrap();
    }
    let outcomes = || {
        ["reported", "no_session", "wrong_source", "repeated"]
            .map(|outcome| setting.metrics.received_errors(outcome))
    };
    until(|| outcomes() == [1, 1, 1, 1]).await;
    let expected = [9, 10].map(|teid| Told::Unknown(loopback(5), teid));
    assert_eq!(setting.rules.told(), expected);
}

#[tokio::test]
async fn peers_are_asked_and_failures_and_recoveries_told_together() {
    let hasty = config::Gtpu {
        echo_interval: Duration::from_millis(400),
        t3_response: Duration::from_millis(100),
        n3_requests: 2,
        ..at_once()
    };
    let setting = setting(loopback(7), &hasty);
    let path = |n| PathKey {
        remote: loopback(n),
        local: setting.local,
    };
    let gnb = UdpSocket::bind(endpoint(loopback(8))).await.unwrap();
    setting.engine.set_paths(&[path(8), path(9), path(10)]);
    let (request, from) = heard(&gnb).await.unwrap();
    assert_eq!(from, endpoint(setting.local));
    assert_eq!(request[..8], [0x32, 1, 0, 4, 0, 0, 0, 0]);
    gnb.send_to(&echo_response(1), from).await.unwrap();

    // The gNB answers its first request only, and the others, where nothing listens, none.
    let failed = |told: &Told| match told {
        Told::Failed(remotes) => remotes.clone(),
        _ => Vec::new(),
    };
    let all_failed = || {
        let told = setting.rules.told();
        let mut failed: Vec<_> = told.iter().flat_map(failed).collect();
        failed.sort();
        failed == [8, 9, 10].map(loopback)
    };
    until(all_failed).await;
    assert!(setting.rules.told().len() <= 2, "not one by one");
    let states: Vec<_> = setting.engine.paths(None, 10);
    assert!(states.iter().all(|view| view.state == PathState::Down));

    // Requests that were repeated in vain wait in the gNB's socket.
    let recovered = Told::Recovered(vec![loopback(8)]);
    for _ in 0..100 {
        if setting.rules.told().contains(&recovered) {
            break;
        }
        if let Some((request, from)) = heard(&gnb).await {
            let sequence = u16::from_be_bytes([request[8], request[9]]);
            gnb.send_to(&echo_response(sequence), from).await.unwrap();
        }
    }
    assert!(setting.rules.told().contains(&recovered));
    assert_eq!(setting.engine.paths(None, 1)[0].state, PathState::Up);
}
