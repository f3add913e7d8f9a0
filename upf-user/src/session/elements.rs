//! Elements of requests as the session room keeps them.

use super::model::{MAX_QERS, RemoteTunnel, UeAddresses};
use super::refusal::refuse;
use crate::pfcp::ie::{
    ApplyAction, Cause, FailedRule, Interface, OuterHeaderCreation, OuterHeaderRemoval,
    UeIpAddress, kind,
};
use crate::pfcp::message::{Pdi, Refusal};

/// DSCP: the upper six bits of ToS and traffic class.
const DSCP_SHIFT: u8 = 2;
const DSCP_MASK: u8 = 0xfc;
/// A UE has a whole /64, unless IP6PL is announced.
const UE_PREFIX: u8 = 64;
/// QFIs have six bits.
pub(super) const MAX_QFI: u8 = 63;

pub(super) fn check_pdi(pdi: &Pdi, rule: FailedRule) -> Result<(), Refusal> {
    let unsupported = |ie| Err(refuse(Cause::ServiceNotSupported, ie, rule));
    if pdi.application_id.is_some() {
        return unsupported(kind::APPLICATION_ID);
    }
    if !pdi.traffic_endpoint_ids.is_empty() {
        return unsupported(kind::TRAFFIC_ENDPOINT_ID);
    }
    match pdi.source_interface {
        Interface::Access | Interface::Core | Interface::SgiLan | Interface::CpFunction => Ok(()),
        Interface::LiFunction | Interface::VnInternal => unsupported(kind::SOURCE_INTERFACE),
    }
}

/// GTP-U is taken off whatever arrives by a local F-TEID; nothing else can be.
pub(super) fn check_removal(
    removal: Option<OuterHeaderRemoval>,
    rule: FailedRule,
) -> Result<(), Refusal> {
    match removal {
        Some(OuterHeaderRemoval::Other(_)) => {
            let ie = kind::OUTER_HEADER_REMOVAL;
            Err(refuse(Cause::ServiceNotSupported, ie, rule))
        }
        _ => Ok(()),
    }
}

pub(super) fn ue_addresses(ue: UeIpAddress, rule: FailedRule) -> Result<UeAddresses, Refusal> {
    let refuse = |cause| Err(refuse(cause, kind::UE_IP_ADDRESS, rule));
    let is_delegated = ue.ipv6_prefix_delegation_bits.is_some_and(|bits| bits != 0);
    let other_length = ue
        .ipv6_prefix_length
        .is_some_and(|length| length != UE_PREFIX);
    // UEIP and IP6PL are not announced.
    if ue.choose_ipv4 || ue.choose_ipv6 || is_delegated || other_length {
        return refuse(Cause::ServiceNotSupported);
    }
    let addresses = UeAddresses {
        v4: ue.ipv4,
        v6: ue.ipv6.map(|address| {
            let [upper @ .., _, _, _, _, _, _, _, _] = address.octets();
            upper
        }),
    };
    if addresses.is_empty() {
        return refuse(Cause::MandatoryIeIncorrect);
    }
    Ok(addresses)
}

pub(super) fn apply_action(action: ApplyAction, rule: FailedRule) -> Result<ApplyAction, Refusal> {
    let refuse = |cause| Err(refuse(cause, kind::APPLY_ACTION, rule));
    if action.has(ApplyAction::DUPL) {
        return refuse(Cause::ServiceNotSupported);
    }
    if !action.has(ApplyAction::DROP | ApplyAction::FORW | ApplyAction::BUFF) {
        return refuse(Cause::MandatoryIeIncorrect);
    }
    Ok(action)
}

/// With both the IPv4 and the IPv6 bit we take IPv4.
pub(super) fn remote_tunnel(
    header: OuterHeaderCreation,
    rule: FailedRule,
) -> Result<RemoteTunnel, Refusal> {
    let refuse = |cause| Err(refuse(cause, kind::OUTER_HEADER_CREATION, rule));
    if header.description & OuterHeaderCreation::GTPU_UDP_IPV4 == 0 {
        return refuse(Cause::ServiceNotSupported);
    }
    let (Some(teid), Some(address)) = (header.teid, header.ipv4) else {
        return refuse(Cause::MandatoryIeIncorrect);
    };
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
        return refuse(Cause::MandatoryIeIncorrect);
    }
    Ok(RemoteTunnel { teid, address })
}

pub(super) fn dscp((tos, mask): (u8, u8)) -> Option<u8> {
    (mask & DSCP_MASK != 0).then_some((tos & mask) >> DSCP_SHIFT)
}

pub(super) fn qfis(qfis: &[u8]) -> Vec<u8> {
    let mut qfis: Vec<_> = qfis.iter().map(|qfi| qfi & MAX_QFI).collect();
    qfis.sort_unstable();
    qfis.dedup();
    qfis
}

/// The order counts: the first QER with a QFI decides it.
pub(super) fn without_doubles(ids: &[u32]) -> Vec<u32> {
    let mut unique: Vec<u32> = Vec::new();
    for id in ids {
        // What is not one of so few QERs is refused later anyway.
        if !unique.contains(id) && unique.len() <= MAX_QERS {
            unique.push(*id);
        }
    }
    unique
}
