//! Sessions and control planes, as GTP-U signalling sees them.

use std::net::IpAddr;

use super::{CopyTarget, Rulebook};
use crate::agent::control::Control;
use crate::datapath::Datapath;
use crate::datapath::slots::Duplicate;
use crate::gtpu::PathKey;
use crate::pfcp::ie::{FTeid, RemoteGtpuPeer};
use crate::pfcp::message::{SessionReport, SessionReportRequest};
use crate::session::RemoteTunnel;

impl<D: Datapath + 'static> Rulebook for Control<D> {
    fn has_teid(&self, teid: u32) -> bool {
        Control::has_teid(self, teid)
    }

    fn report_unknown_tunnel(&self, remote: IpAddr, teid: u32) -> usize {
        let (address, concerned) = (
            remote,
            RemoteTunnel {
                teid,
                address: remote,
            },
        );
        let concerned = self.sessions_of_remote(concerned);
        for (owner, seid, cp_seid) in &concerned {
            let request = SessionReportRequest {
                error_indication: vec![f_teid(teid, address)],
                ..SessionReportRequest::default()
            };
            let report = SessionReport {
                seid: *seid,
                cp_seid: *cp_seid,
                request,
            };
            self.report(owner, report);
        }
        concerned.len()
    }

    fn report_failed_paths(&self, remotes: &[IpAddr]) {
        self.path_failed(&peers(remotes));
    }

    fn report_recovered_paths(&self, remotes: &[IpAddr]) {
        self.path_recovered(&peers(remotes));
    }

    fn copy_targets(&self, duplicate: u32) -> Vec<CopyTarget> {
        let set = self.duplicates(duplicate);
        let copies = set.iter().flat_map(|set| set.iter());
        copies.filter_map(target).collect()
    }
}

/// A copy without a tunnel would have to leave as it is, which sockets cannot do.
fn target(copy: &Duplicate) -> Option<CopyTarget> {
    let (peer, teid) = copy.tunnel?;
    Some(CopyTarget {
        path: PathKey {
            remote: peer.remote,
            local: peer.local,
        },
        teid,
        dscp: copy.dscp,
    })
}

fn f_teid(teid: u32, address: IpAddr) -> FTeid {
    let (ipv4, ipv6) = match address {
        IpAddr::V4(address) => (Some(address), None),
        IpAddr::V6(address) => (None, Some(address)),
    };
    FTeid::Given { teid, ipv4, ipv6 }
}

fn peers(remotes: &[IpAddr]) -> Vec<RemoteGtpuPeer> {
    let peer = |remote: &IpAddr| match *remote {
        IpAddr::V4(address) => RemoteGtpuPeer {
            ipv4: Some(address),
            ..RemoteGtpuPeer::default()
        },
        IpAddr::V6(address) => RemoteGtpuPeer {
            ipv6: Some(address),
            ..RemoteGtpuPeer::default()
        },
    };
    remotes.iter().map(peer).collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::{Duration, Instant, UNIX_EPOCH};

    use super::*;
    use crate::agent::pfcp::Engine;
    use crate::config::Config;
    use crate::datapath::memory::{MemoryDatapath, Sizes};
    use crate::pfcp::codec::{AssociationSetupRequest, Body, Message, decode, frames};
    use crate::pfcp::ie::{
        ApplyAction, FSeid, Interface, NodeId, OuterHeaderCreation, OuterHeaderRemoval, UeIpAddress,
    };
    use crate::pfcp::kept::KeptNode;
    use crate::pfcp::message::{
        CreateFar, CreatePdr, DuplicatingParameters, ForwardingParameters, Pdi,
        SessionEstablishmentRequest,
    };
    use crate::session::{Sessions, SessionsConfig};

    const CONFIG: &str = r#"
[node]
id = "10.100.0.2"
[pfcp]
listen = "10.100.0.2:8805"
allow = ["10.100.0.0/24"]
[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2"]
[[interface]]
device = "n6"
role = "core"
network_instance = "internet"
[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/16"
"#;
    /// The control plane's SEID.
    const CP_SEID: u64 = 7;

    fn smf() -> SocketAddr {
        "10.100.0.1:8805".parse().unwrap()
    }

    fn gnb() -> IpAddr {
        "10.1.0.10".parse().unwrap()
    }

    /// What the control plane is told at its next turn.
    fn told(control: &Control<MemoryDatapath>) -> Vec<(u64, Body)> {
        let sent = control.tick(Instant::now());
        let bodies = sent.iter().map(|datagram| {
            let frame = frames(&datagram.bytes).next().unwrap().unwrap();
            let seid = frame.header.seid.unwrap_or_default();
            (seid, decode(&frame).unwrap().unwrap().body)
        });
        bodies.collect()
    }

    fn send(control: &Control<MemoryDatapath>, sequence: u32, body: Body) {
        let message = Message {
            seid: 0,
            sequence,
            priority: None,
            body,
        };
        let answers = control.receive(smf(), &message.encode().unwrap(), Instant::now());
        assert_eq!(answers.len(), 1);
    }

    fn tunnel(teid: u32, address: [u8; 4]) -> Option<OuterHeaderCreation> {
        Some(OuterHeaderCreation {
            description: OuterHeaderCreation::GTPU_UDP_IPV4,
            teid: Some(teid),
            ipv4: Some(address.into()),
            ..OuterHeaderCreation::default()
        })
    }

    /// An SMF's session, whose downlink goes to the gNB's TEID 0x1001 and, as a copy, to 0x77 at 10.1.0.77.
    fn control() -> Control<MemoryDatapath> {
        let config = Config::parse(CONFIG).unwrap();
        let sessions = SessionsConfig::new(&config).unwrap();
        let tables = MemoryDatapath::new(Sizes {
            slots: 10,
            blocks: sessions.pools.blocks(),
            peers: 4,
            lists: 4,
            limits: 4,
            usages: 4,
        });
        let started = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let sessions = Sessions::new(sessions, tables);
        let control = Control::new(&config, started, sessions, KeptNode::default());
        let setup = AssociationSetupRequest {
            node_id: NodeId::Address(smf().ip()),
            recovery_time_stamp: 1,
            up_function_features: None,
            cp_function_features: None,
        };
        send(&control, 1, Body::AssociationSetupRequest(setup));
        send(
            &control,
            2,
            Body::SessionEstablishmentRequest(establishment()),
        );
        assert_eq!(control.sessions(None, 10).len(), 1);
        control
    }

    fn establishment() -> SessionEstablishmentRequest {
        let f_seid = FSeid {
            seid: CP_SEID,
            ipv4: Some("10.100.0.1".parse().unwrap()),
            ipv6: None,
        };
        let pdi = Pdi {
            source_interface: Interface::Core,
            network_instance: Some("internet".to_owned()),
            ue_ip_address: Some(UeIpAddress {
                ipv4: Some("10.45.0.2".parse().unwrap()),
                is_destination: true,
                ..UeIpAddress::default()
            }),
            ..Pdi::default()
        };
        let downlink = CreatePdr {
            id: 1,
            precedence: Some(100),
            pdi,
            far_id: Some(1),
            ..CreatePdr::default()
        };
        let uplink = CreatePdr {
            id: 2,
            precedence: Some(100),
            pdi: Pdi {
                source_interface: Interface::Access,
                f_teid: Some(FTeid::Choose {
                    ipv4: true,
                    ipv6: false,
                    id: None,
                }),
                ..Pdi::default()
            },
            outer_header_removal: Some(OuterHeaderRemoval::GtpuUdpIp),
            far_id: Some(2),
            ..CreatePdr::default()
        };
        let to_gnb = CreateFar {
            id: 1,
            apply_action: ApplyAction(ApplyAction::FORW | ApplyAction::DUPL),
            forwarding: Some(ForwardingParameters {
                destination_interface: Interface::Access,
                outer_header_creation: tunnel(0x1001, [10, 1, 0, 10]),
                ..ForwardingParameters::default()
            }),
            duplicating: vec![DuplicatingParameters {
                destination_interface: Interface::Access,
                outer_header_creation: tunnel(0x77, [10, 1, 0, 77]),
                transport_level_marking: Some((46 << 2, 0xfc)),
                ..DuplicatingParameters::default()
            }],
            ..CreateFar::default()
        };
        let to_core = CreateFar {
            id: 2,
            apply_action: ApplyAction(ApplyAction::FORW),
            forwarding: Some(ForwardingParameters {
                destination_interface: Interface::Core,
                network_instance: Some("internet".to_owned()),
                ..ForwardingParameters::default()
            }),
            ..CreateFar::default()
        };
        SessionEstablishmentRequest {
            create_pdrs: vec![downlink, uplink],
            create_fars: vec![to_gnb, to_core],
            ..SessionEstablishmentRequest::new(NodeId::Address(smf().ip()), f_seid)
        }
    }

    #[test]
    fn a_tunnel_that_its_peer_does_not_know_is_reported_by_its_session() {
        let control = control();
        assert_eq!(control.report_unknown_tunnel(gnb(), 0x1002), 0);
        assert_eq!(
            control.report_unknown_tunnel("10.1.0.11".parse().unwrap(), 0x1001),
            0
        );
        assert_eq!(told(&control), []);

        assert_eq!(control.report_unknown_tunnel(gnb(), 0x1001), 1);
        let request = SessionReportRequest {
            error_indication: vec![f_teid(0x1001, gnb())],
            ..SessionReportRequest::default()
        };
        let expected = (CP_SEID, Body::SessionReportRequest(request));
        assert_eq!(told(&control), [expected]);
    }

    #[test]
    fn paths_are_told_of_to_those_whose_sessions_use_them() {
        let control = control();
        let stranger: IpAddr = "10.1.0.11".parse().unwrap();
        control.report_failed_paths(&[stranger]);
        assert_eq!(told(&control), []);
        control.report_failed_paths(&[stranger, gnb()]);
        control.report_recovered_paths(&[gnb()]);
        let told = told(&control);
        let reports: Vec<_> = told
            .iter()
            .filter_map(|(_, body)| match body {
                Body::NodeReportRequest(report) => Some(report),
                _ => None,
            })
            .collect();
        assert_eq!(reports.len(), 2, "{told:?}");
        assert_eq!(reports[0].path_failures, peers(&[gnb()]));
        assert_eq!(reports[1].path_recoveries, peers(&[gnb()]));
    }

    #[test]
    fn copies_and_paths_are_those_of_the_sessions_rules() {
        let control = control();
        let local = "10.1.0.2".parse().unwrap();
        let copy = PathKey {
            remote: "10.1.0.77".parse().unwrap(),
            local,
        };
        let expected = CopyTarget {
            path: copy,
            teid: 0x77,
            dscp: Some(46),
        };
        assert_eq!(control.copy_targets(1), [expected]);
        assert_eq!(control.copy_targets(2), []);
        let paths = control.paths_since(&mut None).unwrap();
        let gnb = PathKey {
            remote: gnb(),
            local,
        };
        assert!(paths.contains(&gnb), "{paths:?}");
    }

    #[test]
    fn our_own_teids_are_known() {
        let control = control();
        let teid = control.sessions(None, 1)[0].local_tunnels[0].teid;
        assert!(Rulebook::has_teid(&control, teid));
        assert!(!Rulebook::has_teid(&control, teid ^ 0x8000_0000));
    }
}
