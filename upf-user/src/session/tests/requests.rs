//! Requests as control planes send them.

use std::net::Ipv4Addr;

use crate::pfcp::ie::{
    ApplyAction, BitRates, Cause, FSeid, FTeid, GateStatus, Interface, NodeId, OuterHeaderCreation,
    OuterHeaderRemoval, SdfFilter, UeIpAddress, UserId,
};
use crate::pfcp::message::{
    CreateFar, CreatePdr, CreateQer, ForwardingParameters, Pdi, SessionEstablishmentRequest,
    SessionModificationRequest, SessionReportResponse, UpdateFar, UpdateForwardingParameters,
    UpdatePdr,
};

pub(super) const GNB: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 10);
pub(super) const SMF_GTPU: Ipv4Addr = Ipv4Addr::new(10, 100, 0, 1);
pub(super) const FORW: ApplyAction = ApplyAction(ApplyAction::FORW);
pub(super) const DROP: ApplyAction = ApplyAction(ApplyAction::DROP);
pub(super) const BUFF: ApplyAction = ApplyAction(ApplyAction::BUFF | ApplyAction::NOCP);
pub(super) const ROUTER_SOLICITATION: &str = "permit out 58 from ff02::2/128 to assigned";

pub(super) fn smf() -> NodeId {
    NodeId::Address(Ipv4Addr::new(10, 100, 0, 1).into())
}

pub(super) fn ue(v4: Option<&str>, v6: Option<&str>) -> UeIpAddress {
    UeIpAddress {
        ipv4: v4.map(|text| text.parse().unwrap()),
        ipv6: v6.map(|text| text.parse().unwrap()),
        is_destination: true,
        ..UeIpAddress::default()
    }
}

pub(super) fn choose(id: Option<u8>) -> FTeid {
    FTeid::Choose {
        ipv4: true,
        ipv6: true,
        id,
    }
}

pub(super) fn given(teid: u32, address: [u8; 4]) -> FTeid {
    FTeid::Given {
        teid,
        ipv4: Some(address.into()),
        ipv6: None,
    }
}

pub(super) fn pdi(source_interface: Interface) -> Pdi {
    Pdi {
        source_interface,
        f_teid: None,
        network_instance: Some("internet".to_owned()),
        ue_ip_address: None,
        sdf_filters: Vec::new(),
        qfis: Vec::new(),
        application_id: None,
        ..Pdi::default()
    }
}

pub(super) fn sdf(text: &str) -> SdfFilter {
    SdfFilter {
        flow_description: Some(text.to_owned()),
        ..SdfFilter::default()
    }
}

pub(super) fn pdr(id: u16, precedence: Option<u32>, far: u32, qers: &[u32], pdi: Pdi) -> CreatePdr {
    let is_tunnel = pdi.f_teid.is_some();
    CreatePdr {
        id,
        precedence,
        pdi,
        outer_header_removal: is_tunnel.then_some(OuterHeaderRemoval::GtpuUdpIp),
        far_id: Some(far),
        qer_ids: qers.to_vec(),
        activate_predefined_rules: Vec::new(),
        ..CreatePdr::default()
    }
}

pub(super) fn gtpu(teid: u32, address: Ipv4Addr) -> OuterHeaderCreation {
    OuterHeaderCreation {
        // Both families, as Open5GS does.
        description: OuterHeaderCreation::GTPU_UDP_IPV4 | OuterHeaderCreation::GTPU_UDP_IPV6,
        teid: Some(teid),
        ipv4: Some(address),
        ipv6: Some("2001:db8::10".parse().unwrap()),
        port: None,
    }
}

pub(super) fn far(
    id: u32,
    apply_action: ApplyAction,
    to: Option<(Interface, Option<OuterHeaderCreation>)>,
) -> CreateFar {
    CreateFar {
        id,
        apply_action,
        forwarding: to.map(
            |(destination_interface, outer_header_creation)| ForwardingParameters {
                destination_interface,
                network_instance: Some("internet".to_owned()),
                outer_header_creation,
                transport_level_marking: None,
                ..ForwardingParameters::default()
            },
        ),
        ..CreateFar::default()
    }
}

pub(super) fn qer(id: u32, kbps: Option<u64>, qfi: Option<u8>) -> CreateQer {
    CreateQer {
        id,
        gate: GateStatus {
            uplink_open: true,
            downlink_open: true,
        },
        mbr: kbps.map(|kbps| BitRates {
            uplink_kbps: kbps,
            downlink_kbps: 2 * kbps,
        }),
        gbr: None,
        qfi,
        ..CreateQer::default()
    }
}

pub(super) fn establishment(
    cp_seid: u64,
    pdrs: Vec<CreatePdr>,
    fars: Vec<CreateFar>,
    qers: Vec<CreateQer>,
) -> SessionEstablishmentRequest {
    let cp_f_seid = FSeid {
        seid: cp_seid,
        ipv4: Some(Ipv4Addr::new(10, 100, 0, 1)),
        ipv6: None,
    };
    SessionEstablishmentRequest {
        create_pdrs: pdrs,
        create_fars: fars,
        create_qers: qers,
        dnn: Some("internet".to_owned()),
        user_id: Some(UserId::of_imsi("999700000000001")),
        ..SessionEstablishmentRequest::new(smf(), cp_f_seid)
    }
}

/// The four PDRs of an SMF.
pub(super) fn pdu_session(cp_seid: u64, address: UeIpAddress) -> SessionEstablishmentRequest {
    let access = |qfis: &[u8], filters| Pdi {
        f_teid: Some(choose(Some(5))),
        qfis: qfis.to_vec(),
        sdf_filters: filters,
        ..pdi(Interface::Access)
    };
    let downlink = Pdi {
        ue_ip_address: Some(address),
        ..pdi(Interface::Core)
    };
    let advertisement = Pdi {
        f_teid: Some(choose(None)),
        ..pdi(Interface::CpFunction)
    };
    establishment(
        cp_seid,
        vec![
            pdr(1, Some(65535), 1, &[1], downlink),
            pdr(2, Some(65535), 2, &[1], access(&[1], vec![])),
            pdr(3, Some(255), 1, &[], advertisement),
            pdr(
                4,
                Some(255),
                3,
                &[],
                access(&[], vec![sdf(ROUTER_SOLICITATION)]),
            ),
        ],
        vec![
            far(1, BUFF, None),
            far(2, FORW, Some((Interface::Core, None))),
            far(
                3,
                FORW,
                Some((Interface::CpFunction, Some(gtpu(1, SMF_GTPU)))),
            ),
        ],
        vec![qer(1, Some(1_000_000), Some(1))],
    )
}

/// The same towards an SGW-U: UE address in the uplink, no QFI, FORW at once.
pub(super) fn pgw_u(cp_seid: u64, address: UeIpAddress) -> SessionEstablishmentRequest {
    let mut request = pdu_session(cp_seid, address);
    request.create_pdrs[1].pdi.qfis.clear();
    request.create_pdrs[1].pdi.ue_ip_address = Some(address);
    request.create_fars[0] = far(1, FORW, Some((Interface::Access, Some(gtpu(0x77, GNB)))));
    request.create_qers[0].qfi = None;
    request
}

/// Two tunnels, both buffering.
pub(super) fn sgw_u(cp_seid: u64) -> SessionEstablishmentRequest {
    let tunnel = |source| Pdi {
        f_teid: Some(choose(None)),
        ..pdi(source)
    };
    let mut downlink = pdr(1, None, 1, &[], tunnel(Interface::Core));
    let mut uplink = pdr(2, None, 2, &[], tunnel(Interface::Access));
    (downlink.outer_header_removal, uplink.outer_header_removal) = (None, None);
    let fars = vec![far(1, BUFF, None), far(2, BUFF, None)];
    establishment(cp_seid, vec![downlink, uplink], fars, vec![])
}

/// The gNB's tunnel.
pub(super) fn tunnel(far: u32, teid: u32, address: Ipv4Addr) -> SessionModificationRequest {
    SessionModificationRequest {
        update_fars: vec![UpdateFar {
            id: far,
            apply_action: Some(FORW),
            forwarding: Some(UpdateForwardingParameters {
                destination_interface: Some(Interface::Access),
                outer_header_creation: Some(gtpu(teid, address)),
                ..UpdateForwardingParameters::default()
            }),
            ..UpdateFar::default()
        }],
        ..SessionModificationRequest::default()
    }
}

pub(super) fn idle() -> SessionModificationRequest {
    let far = UpdateFar {
        id: 1,
        apply_action: Some(BUFF),
        forwarding: None,
        ..UpdateFar::default()
    };
    SessionModificationRequest {
        update_fars: vec![far],
        ..SessionModificationRequest::default()
    }
}

/// A PDR pair without UE address, with SDF filters and an MBR of its own.
pub(super) fn dedicated_flow(flow: &str) -> SessionModificationRequest {
    let downlink = Pdi {
        sdf_filters: vec![sdf(flow)],
        ..pdi(Interface::Core)
    };
    let uplink = Pdi {
        f_teid: Some(choose(Some(5))),
        qfis: vec![2],
        sdf_filters: vec![sdf(flow)],
        ..pdi(Interface::Access)
    };
    SessionModificationRequest {
        create_pdrs: vec![
            pdr(5, Some(100), 4, &[2], downlink),
            pdr(6, Some(100), 2, &[2], uplink),
        ],
        create_fars: vec![far(
            4,
            FORW,
            Some((Interface::Access, Some(gtpu(0x500, GNB)))),
        )],
        create_qers: vec![qer(2, Some(128), Some(2))],
        ..SessionModificationRequest::default()
    }
}

pub(super) fn update_pdr(id: u16) -> UpdatePdr {
    UpdatePdr {
        id,
        precedence: None,
        pdi: None,
        outer_header_removal: None,
        far_id: None,
        qer_ids: None,
        ..UpdatePdr::default()
    }
}

/// The answer to a report of a control plane that does not know the session.
pub(super) fn unknown_session() -> SessionReportResponse {
    SessionReportResponse {
        cause: Cause::SessionContextNotFound,
        offending_ie: None,
        update_bars: Vec::new(),
        flags: 0,
        cp_f_seid: None,
    }
}
