//! Requests as control planes send them: what the rows of the tables change one thing of.

use super::ie::*;
use super::message::{Msg, Seid};
use super::types::*;

pub(crate) const SMF: [u8; 4] = [10, 100, 0, 1];
pub(crate) const OTHER: [u8; 4] = [10, 100, 0, 3];
pub(crate) const OURS: [u8; 4] = [10, 1, 0, 2];
pub(crate) const GNB: [u8; 4] = [10, 1, 0, 10];
pub(crate) const SGW: [u8; 4] = [10, 1, 0, 11];
pub(crate) const UE: &str = "10.45.0.2";
pub(crate) const STAMP: u32 = 1000;

/// Apply Action, octet 5.
pub(crate) const DROP: u8 = 1;
pub(crate) const FORW: u8 = 2;
pub(crate) const BUFF_NOCP: u8 = 12;
pub(crate) const DUPL: u8 = 16;

/// Source and Destination Interface.
pub(crate) const ACCESS: u8 = 0;
pub(crate) const CORE: u8 = 1;
pub(crate) const CP_FUNCTION: u8 = 3;

pub(crate) const ROUTER_SOLICITATION: &str = "permit out 58 from ff02::2/128 to assigned";

pub(crate) fn heartbeat(stamp: u32) -> Msg {
    Msg::new(HEARTBEAT, Seid::Absent, [recovery(stamp)])
}

pub(crate) fn setup() -> Msg {
    setup_of(SMF, STAMP)
}

pub(crate) fn setup_of(node: [u8; 4], stamp: u32) -> Msg {
    let features = u8(CP_FUNCTION_FEATURES, 0);
    let ies = [node_id(node), recovery(stamp), features];
    Msg::new(ASSOCIATION_SETUP, Seid::Absent, ies)
}

/// A setup of a control plane with CP Function Features.
pub(crate) fn setup_with(features: u8) -> Msg {
    setup().set(u8_ie(CP_FUNCTION_FEATURES, features))
}

fn u8_ie(kind: u16, value: u8) -> Ie {
    leaf(kind, [value])
}

pub(crate) fn release() -> Msg {
    Msg::new(ASSOCIATION_RELEASE, Seid::Absent, [node_id(SMF)])
}

pub(crate) fn update_association() -> Msg {
    Msg::new(ASSOCIATION_UPDATE, Seid::Absent, [node_id(SMF)])
}

pub(crate) fn pfd_management<const N: usize>(applications: [Ie; N]) -> Msg {
    Msg::new(PFD_MANAGEMENT, Seid::Absent, applications).with(node_id(SMF))
}

pub(crate) fn set_deletion<const N: usize>(csids: [Ie; N]) -> Msg {
    let mut message = Msg::new(SET_DELETION, Seid::Absent, csids);
    message.ies.first(node_id(SMF));
    message
}

pub(crate) fn establish<const N: usize>(rules: [Ie; N]) -> Msg {
    let mut message = Msg::new(
        ESTABLISHMENT,
        Seid::Value(0),
        [node_id(SMF), f_seid(7, SMF)],
    );
    message.ies.0.extend(rules);
    message
}

pub(crate) fn modify<const N: usize>(ies: [Ie; N]) -> Msg {
    Msg::new(MODIFICATION, Seid::Session(0), ies)
}

pub(crate) fn delete() -> Msg {
    Msg::new(DELETION, Seid::Session(0), [])
}

pub(crate) fn create_pdr<const N: usize>(id: u16, order: u32, far: u32, pdi: [Ie; N]) -> Ie {
    let is_tunnel = pdi.iter().any(|ie| matches!(ie, Ie::Leaf(F_TEID, _)));
    let mut ies = Ies(vec![pdr_id(id), precedence(order), group(PDI, pdi)]);
    if is_tunnel {
        ies.add(u8(OUTER_HEADER_REMOVAL, 6));
    }
    ies.add(far_id(far));
    Ie::Group(CREATE_PDR, ies)
}

pub(crate) fn update_pdr<const N: usize>(id: u16, ies: [Ie; N]) -> Ie {
    with_id(UPDATE_PDR, pdr_id(id), ies)
}

pub(crate) fn update_far<const N: usize>(id: u32, ies: [Ie; N]) -> Ie {
    with_id(UPDATE_FAR, far_id(id), ies)
}

pub(crate) fn update_qer<const N: usize>(id: u32, ies: [Ie; N]) -> Ie {
    with_id(UPDATE_QER, qer_id(id), ies)
}

pub(crate) fn update_urr<const N: usize>(id: u32, ies: [Ie; N]) -> Ie {
    with_id(UPDATE_URR, urr_id(id), ies)
}

fn with_id<const N: usize>(kind: u16, id: Ie, ies: [Ie; N]) -> Ie {
    let mut all = Ies(vec![id]);
    all.0.extend(ies);
    Ie::Group(kind, all)
}

pub(crate) fn remove(kind: u16, id: Ie) -> Ie {
    group(kind, [id])
}

/// A FAR that forwards nothing.
pub(crate) fn create_far(id: u32, bits: u8) -> Ie {
    group(CREATE_FAR, [far_id(id), action(bits)])
}

/// A FAR to a tunnel.
pub(crate) fn far_to(id: u32, interface: u8, header: Ie) -> Ie {
    let parameters = group(
        FORWARDING,
        [destination(interface), network("internet"), header],
    );
    group(CREATE_FAR, [far_id(id), action(FORW), parameters])
}

/// A FAR into the data network.
pub(crate) fn far_out(id: u32) -> Ie {
    let parameters = group(FORWARDING, [destination(CORE), network("internet")]);
    group(CREATE_FAR, [far_id(id), action(FORW), parameters])
}

/// Update FAR to a gNB.
pub(crate) fn to_gnb(far: u32, teid: u32) -> Ie {
    let parameters = group(UPDATE_FORWARDING, [destination(ACCESS), gtpu(teid, GNB)]);
    update_far(far, [action(FORW), parameters])
}

pub(crate) fn create_qer(id: u32, kbps: u64) -> Ie {
    group(
        CREATE_QER,
        [qer_id(id), u8(GATE_STATUS, 0), rates(MBR, kbps, 2 * kbps)],
    )
}

pub(crate) fn create_urr<const N: usize>(
    id: u32,
    method: u8,
    triggers: [u8; 2],
    ies: [Ie; N],
) -> Ie {
    let mut all = Ies(vec![
        urr_id(id),
        u8(MEASUREMENT_METHOD, method),
        leaf(REPORTING_TRIGGERS, triggers),
    ]);
    all.0.extend(ies);
    Ie::Group(CREATE_URR, all)
}

pub(crate) fn create_endpoint<const N: usize>(id: u8, ies: [Ie; N]) -> Ie {
    with_id(CREATE_ENDPOINT, endpoint_id(id), ies)
}

pub(crate) fn update_endpoint<const N: usize>(id: u8, ies: [Ie; N]) -> Ie {
    with_id(UPDATE_ENDPOINT, endpoint_id(id), ies)
}

pub(crate) fn imsi() -> Ie {
    // 999700000000001, two digits to an octet.
    leaf(USER_ID, [1, 8, 0x99, 0x79, 0, 0, 0, 0, 0, 0xf1])
}

/// An ordinary session of a PGW-U: the UE behind an SGW-U's tunnel.
pub(crate) fn pgw() -> Msg {
    pgw_of(UE)
}

pub(crate) fn pgw_of(address: &str) -> Msg {
    let downlink = [source(CORE), network("internet"), ue(address)];
    let uplink = [source(ACCESS), choose(), network("internet"), ue(address)];
    establish([
        create_pdr(1, 100, 1, downlink),
        create_pdr(2, 100, 2, uplink),
        far_to(1, ACCESS, gtpu(0x77, SGW)),
        far_out(2),
        create_qer(1, 1_000_000),
        imsi(),
        text(DNN, "internet"),
    ])
    .pdr(1, |pdr| pdr.add(qer_id(1)))
    .pdr(2, |pdr| pdr.add(qer_id(1)))
}

/// The same with another number at the control plane.
pub(crate) fn numbered(message: Msg, cp_seid: u64) -> Msg {
    message.set(f_seid(cp_seid, SMF))
}

/// The PDU session of an SMF, as Open5GS sends it: four PDRs, the downlink buffered.
pub(crate) fn pdu() -> Msg {
    let tunnel = |id: u8| leaf(F_TEID, [0x0f, id]);
    let downlink = [
        source(CORE),
        network("internet"),
        ue(UE),
        u8(INTERFACE_TYPE, 17),
    ];
    let uplink = [
        source(ACCESS),
        tunnel(5),
        network("internet"),
        u8(QFI, 1),
        u8(INTERFACE_TYPE, 11),
    ];
    let advertisement = [source(CP_FUNCTION), choose(), network("internet")];
    let solicitation = [
        source(ACCESS),
        tunnel(5),
        network("internet"),
        sdf(ROUTER_SOLICITATION),
    ];
    establish([
        create_pdr(1, 65535, 1, downlink),
        create_pdr(2, 65535, 2, uplink),
        create_pdr(3, 255, 1, advertisement),
        create_pdr(4, 255, 3, solicitation),
        create_far(1, BUFF_NOCP),
        far_out(2),
        far_to(3, CP_FUNCTION, gtpu(1, SMF)),
        create_qer(1, 1_000_000),
        group(CREATE_BAR, [bar_id(1)]),
        u8(PDN_TYPE, 1),
        imsi(),
        text(DNN, "internet"),
        leaf(S_NSSAI, [1, 0xff, 0xff, 0xff]),
    ])
    .pdr(1, |pdr| pdr.add(qer_id(1)).add(urr_id(1)))
    .pdr(2, |pdr| pdr.add(qer_id(1)))
    .far(1, |far| far.add(bar_id(1)))
    .qer(1, |qer| qer.add(u8(QFI, 1)))
    .with(open5gs_urr())
}

/// Volume, with a threshold of 100 MiB; Reporting Triggers of three octets.
fn open5gs_urr() -> Ie {
    let threshold = [&[1][..], &(100_u64 << 20).to_be_bytes()].concat();
    group(
        CREATE_URR,
        [
            urr_id(1),
            u8(MEASUREMENT_METHOD, 2),
            leaf(REPORTING_TRIGGERS, [2, 0, 0]),
            leaf(VOLUME_THRESHOLD, threshold),
        ],
    )
}

/// An SGW-U's session: two tunnels, both buffering, no Precedence and no Outer Header Removal.
pub(crate) fn sgw() -> Msg {
    let tunnel = |interface| [source(interface), choose(), network("internet")];
    establish([
        create_pdr(1, 0, 1, tunnel(CORE)),
        create_pdr(2, 0, 2, tunnel(ACCESS)),
        create_far(1, BUFF_NOCP),
        create_far(2, BUFF_NOCP),
    ])
    .pdr(1, |pdr| {
        pdr.without(PRECEDENCE).without(OUTER_HEADER_REMOVAL)
    })
    .pdr(2, |pdr| {
        pdr.without(PRECEDENCE).without(OUTER_HEADER_REMOVAL)
    })
}

/// A session by traffic endpoints: 1 is the tunnel, 2 the UE's address.
pub(crate) fn by_endpoints() -> Msg {
    establish([
        create_pdr(1, 100, 1, [source(CORE), endpoint_id(2)]),
        create_pdr(2, 100, 2, [source(ACCESS), endpoint_id(1)]),
        far_to(1, ACCESS, gtpu(0x77, SGW)),
        far_out(2),
        create_endpoint(1, [choose(), network("internet")]),
        create_endpoint(2, [network("internet"), ue(UE)]),
    ])
}

/// A dedicated flow, as a modification: a PDR pair without UE IP Address, with SDF filters and a QER.
pub(crate) fn dedicated(flow: &str) -> Msg {
    let downlink = [source(CORE), network("internet"), sdf(flow)];
    let uplink = [
        source(ACCESS),
        choose_as(5),
        network("internet"),
        u8(QFI, 2),
        sdf(flow),
    ];
    modify([
        create_pdr(5, 50, 4, downlink),
        create_pdr(6, 50, 2, uplink),
        far_to(4, ACCESS, gtpu(0x500, GNB)),
        create_qer(2, 128),
    ])
    .pdr(1, |pdr| pdr.add(qer_id(2)))
    .pdr(2, |pdr| pdr.add(qer_id(2)))
}

/// A PDR from the Internet to the UE with these IEs in its PDI besides, whose packets are dropped.
pub(crate) fn dropping<const N: usize>(id: u16, order: u32, pdi: [Ie; N]) -> Msg {
    let mut all = vec![source(CORE), network("internet"), ue(UE)];
    all.extend(pdi);
    let pdi = Ie::Group(PDI, Ies(all));
    let pdr = group(CREATE_PDR, [pdr_id(id), precedence(order), pdi, far_id(3)]);
    pgw().with(pdr).with(create_far(3, DROP))
}

/// A session whose downlink packets are copied.
pub(crate) fn duplicating() -> Msg {
    pgw().far(1, |far| {
        far.set(action(FORW | DUPL))
            .add(group(DUPLICATING, [destination(4), gtpu(0x99, GNB)]))
    })
}
