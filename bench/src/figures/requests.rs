//! PFCP requests as an SMF sends them (Open5GS's four PDRs for a PDU session), and sessions to put them to.

use std::net::Ipv4Addr;

use upf_user::config::Config;
use upf_user::datapath::memory::{MemoryDatapath, Sizes};
use upf_user::pfcp::codec::{Body, Heartbeat, Message};
use upf_user::pfcp::ie::{
    ApplyAction, BitRates, FSeid, FTeid, GateStatus, Interface, NodeId, OuterHeaderCreation,
    OuterHeaderRemoval, SdfFilter, UeIpAddress, UserId,
};
use upf_user::pfcp::message::{
    CreateFar, CreatePdr, CreateQer, ForwardingParameters, Pdi, SessionEstablishmentRequest,
    SessionModificationRequest, UpdateFar, UpdateForwardingParameters,
};
use upf_user::session::{Sessions, SessionsConfig};

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
const SMF: Ipv4Addr = Ipv4Addr::new(10, 100, 0, 1);
const GNB: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 10);
/// UE of session 0; the others' follow.
const FIRST_UE: Ipv4Addr = Ipv4Addr::new(10, 45, 0, 0);
const FORW: ApplyAction = ApplyAction(ApplyAction::FORW);
/// Two slots for each session of the pool, as an SMF's four PDRs take.
const SLOTS: u32 = 1 << 17;

/// The SMF.
#[must_use]
pub fn smf() -> NodeId {
    NodeId::Address(SMF.into())
}

/// No sessions yet, over tables in memory.
///
/// # Panics
/// Never: the config is a constant.
#[must_use]
pub fn no_sessions() -> Sessions<MemoryDatapath> {
    let config = Config::parse(CONFIG).expect("a config that is right");
    let config = SessionsConfig::new(&config).expect("pools that fit");
    let tables = MemoryDatapath::new(Sizes {
        slots: SLOTS,
        blocks: config.pools.blocks(),
        peers: 16,
        lists: 64,
        limits: SLOTS,
        usages: SLOTS,
    });
    Sessions::new(config, tables)
}

/// A message with these contents.
#[must_use]
pub const fn message(body: Body) -> Message {
    Message {
        seid: 0x55,
        sequence: 7,
        priority: None,
        body,
    }
}

/// Heartbeat Request (clause 7.4.2.1).
#[must_use]
pub const fn heartbeat() -> Body {
    Body::HeartbeatRequest(Heartbeat {
        recovery_time_stamp: 0xe000_0000,
    })
}

/// Session Establishment Request: downlink, uplink, router advertisement and router solicitation; the gNB's tunnel
/// is not known yet.
#[must_use]
pub fn establishment(number: u32) -> SessionEstablishmentRequest {
    let ue = UeIpAddress {
        ipv4: Some(Ipv4Addr::from_bits(FIRST_UE.to_bits() + number)),
        is_destination: true,
        ..UeIpAddress::default()
    };
    let access = |qfis: &[u8], sdf_filters| Pdi {
        f_teid: Some(choose(Some(5))),
        qfis: qfis.to_vec(),
        sdf_filters,
        ..pdi(Interface::Access)
    };
    let downlink = Pdi {
        ue_ip_address: Some(ue),
        ..pdi(Interface::Core)
    };
    let advertisement = Pdi {
        f_teid: Some(choose(None)),
        ..pdi(Interface::CpFunction)
    };
    let solicitation = SdfFilter {
        flow_description: Some("permit out 58 from ff02::2/128 to assigned".to_owned()),
        ..SdfFilter::default()
    };
    let buffer = ApplyAction(ApplyAction::BUFF | ApplyAction::NOCP);
    let cp_f_seid = FSeid {
        seid: number.into(),
        ipv4: Some(SMF),
        ipv6: None,
    };
    SessionEstablishmentRequest {
        create_pdrs: vec![
            pdr(1, 65535, 1, &[1], downlink),
            pdr(2, 65535, 2, &[1], access(&[1], vec![])),
            pdr(3, 255, 1, &[], advertisement),
            pdr(4, 255, 3, &[], access(&[], vec![solicitation])),
        ],
        create_fars: vec![
            far(1, buffer, None),
            far(2, FORW, Some((Interface::Core, None))),
            far(3, FORW, Some((Interface::CpFunction, Some(gtpu(1, SMF))))),
        ],
        create_qers: vec![qer()],
        dnn: Some("internet".to_owned()),
        user_id: Some(UserId::of_imsi("999700000000001")),
        ..SessionEstablishmentRequest::new(smf(), cp_f_seid)
    }
}

/// Session Modification Request: the gNB's tunnel, new or after a handover.
#[must_use]
pub fn tunnel(teid: u32) -> SessionModificationRequest {
    SessionModificationRequest {
        update_fars: vec![UpdateFar {
            id: 1,
            apply_action: Some(FORW),
            forwarding: Some(UpdateForwardingParameters {
                destination_interface: Some(Interface::Access),
                outer_header_creation: Some(gtpu(teid, GNB)),
                ..UpdateForwardingParameters::default()
            }),
            ..UpdateFar::default()
        }],
        ..SessionModificationRequest::default()
    }
}

const fn choose(id: Option<u8>) -> FTeid {
    FTeid::Choose {
        ipv4: true,
        ipv6: false,
        id,
    }
}

fn pdi(source_interface: Interface) -> Pdi {
    Pdi {
        source_interface,
        network_instance: Some("internet".to_owned()),
        ..Pdi::default()
    }
}

fn pdr(id: u16, precedence: u32, far: u32, qers: &[u32], pdi: Pdi) -> CreatePdr {
    let is_tunnel = pdi.f_teid.is_some();
    CreatePdr {
        id,
        precedence: Some(precedence),
        pdi,
        outer_header_removal: is_tunnel.then_some(OuterHeaderRemoval::GtpuUdpIp),
        far_id: Some(far),
        qer_ids: qers.to_vec(),
        ..CreatePdr::default()
    }
}

const fn gtpu(teid: u32, address: Ipv4Addr) -> OuterHeaderCreation {
    OuterHeaderCreation {
        description: OuterHeaderCreation::GTPU_UDP_IPV4,
        teid: Some(teid),
        ipv4: Some(address),
        ipv6: None,
        port: None,
    }
}

fn far(
    id: u32,
    apply_action: ApplyAction,
    to: Option<(Interface, Option<OuterHeaderCreation>)>,
) -> CreateFar {
    let forwarding =
        to.map(
            |(destination_interface, outer_header_creation)| ForwardingParameters {
                destination_interface,
                network_instance: Some("internet".to_owned()),
                outer_header_creation,
                transport_level_marking: None,
                ..ForwardingParameters::default()
            },
        );
    CreateFar {
        id,
        apply_action,
        forwarding,
        ..CreateFar::default()
    }
}

fn qer() -> CreateQer {
    CreateQer {
        id: 1,
        gate: GateStatus {
            uplink_open: true,
            downlink_open: true,
        },
        mbr: Some(BitRates {
            uplink_kbps: 1_000_000,
            downlink_kbps: 2_000_000,
        }),
        gbr: None,
        qfi: Some(1),
        ..CreateQer::default()
    }
}
