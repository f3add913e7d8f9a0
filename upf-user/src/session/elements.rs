//! Elements of requests as the session room keeps them.

use std::net::IpAddr;

use super::config::SessionsConfig;
use super::detection::RemoteTunnel;
use super::model::{Families, NetworkInstance, UeAddresses, UeIp};
use super::refusal::refuse;
use crate::pfcp::ie::{
    ApplyAction, Cause, FailedRule, Interface, OuterHeaderCreation, OuterHeaderRemoval,
    UeIpAddress, kind,
};
use crate::pfcp::message::Refusal;

/// DSCP: the upper six bits of ToS and traffic class.
const DSCP_SHIFT: u8 = 2;
const DSCP_MASK: u8 = 0xfc;
/// A UE has a whole /64, unless IP6PL is announced.
const UE_PREFIX: u8 = 64;
/// QFIs have six bits.
pub(super) const MAX_QFI: u8 = 63;
/// One of these, and one only, says what happens to a packet (clause 8.2.26).
const ACTIONS: u16 = ApplyAction::DROP | ApplyAction::FORW | ApplyAction::BUFF;
/// Multicast, redundant transmission and MBS are not announced.
const UNSUPPORTED_ACTIONS: u16 = ApplyAction::IPMA
    | ApplyAction::IPMD
    | ApplyAction::DFRT
    | ApplyAction::EDRT
    | ApplyAction::FSSM
    | ApplyAction::MBSU;

pub(super) fn check_source(source: Interface, rule: FailedRule) -> Result<(), Refusal> {
    match source {
        Interface::Access | Interface::Core | Interface::SgiLan | Interface::CpFunction => Ok(()),
        Interface::LiFunction | Interface::VnInternal => Err(refuse(
            Cause::ServiceNotSupported,
            kind::SOURCE_INTERFACE,
            rule,
        )),
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

pub(super) fn network_instance(
    config: &SessionsConfig,
    name: Option<&str>,
) -> Option<NetworkInstance> {
    let name = name.filter(|name| !name.is_empty())?;
    let number = config.instances.number(name);
    Some(number.map_or(NetworkInstance::Unknown, NetworkInstance::Known))
}

/// The UE's addresses of a PDI or a traffic endpoint, without those that are still to be chosen.
pub(super) fn ue_ip(ue: UeIpAddress, rule: Option<FailedRule>) -> Result<UeIp, Refusal> {
    let refuse = |cause| Err(refuse(cause, kind::UE_IP_ADDRESS, rule));
    let is_delegated = ue.ipv6_prefix_delegation_bits.is_some_and(|bits| bits != 0);
    let other_length = ue
        .ipv6_prefix_length
        .is_some_and(|length| length != UE_PREFIX);
    // IP6PL is not announced.
    if is_delegated || other_length {
        return refuse(Cause::ServiceNotSupported);
    }
    let chooses = Families {
        v4: ue.choose_ipv4,
        v6: ue.choose_ipv6,
    };
    let addresses = UeAddresses {
        v4: ue.ipv4,
        v6: ue.ipv6.map(|address| {
            let [upper @ .., _, _, _, _, _, _, _, _] = address.octets();
            upper
        }),
    };
    let is_both = (chooses.v4 && addresses.v4.is_some()) || (chooses.v6 && addresses.v6.is_some());
    if is_both || (addresses.is_empty() && chooses.is_empty()) {
        return refuse(Cause::MandatoryIeIncorrect);
    }
    Ok(UeIp { addresses, chooses })
}

/// NOCP, BDPN and DDPN count with BUFF only, and are no error elsewhere.
pub(super) fn apply_action(action: ApplyAction, rule: FailedRule) -> Result<ApplyAction, Refusal> {
    let refuse = |cause| Err(refuse(cause, kind::APPLY_ACTION, rule));
    if action.has(UNSUPPORTED_ACTIONS) {
        return refuse(Cause::ServiceNotSupported);
    }
    if (action.0 & ACTIONS).count_ones() != 1 {
        return refuse(Cause::MandatoryIeIncorrect);
    }
    Ok(action)
}

/// With both the IPv4 and the IPv6 bit we take the one that we have a GTP-U address for, IPv4 first.
pub(super) fn remote_tunnel(
    config: &SessionsConfig,
    header: OuterHeaderCreation,
    rule: FailedRule,
) -> Result<RemoteTunnel, Refusal> {
    let refuse = |cause| Err(refuse(cause, kind::OUTER_HEADER_CREATION, rule));
    let has = |bit| header.description & bit != 0;
    let (asks_v4, asks_v6) = (
        has(OuterHeaderCreation::GTPU_UDP_IPV4),
        has(OuterHeaderCreation::GTPU_UDP_IPV6),
    );
    let can_v4 = asks_v4 && config.has_gtpu(false);
    let can_v6 = asks_v6 && config.has_gtpu(true);
    if !can_v4 && !can_v6 {
        return refuse(Cause::ServiceNotSupported);
    }
    let v4 = header.ipv4.filter(|_| can_v4).map(IpAddr::V4);
    let v6 = header.ipv6.filter(|_| can_v6).map(IpAddr::V6);
    let (Some(teid), Some(address)) = (header.teid, v4.or(v6)) else {
        return refuse(Cause::MandatoryIeIncorrect);
    };
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || is_broadcast {
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
pub(super) fn without_doubles<T: Copy + PartialEq>(ids: &[T], most: usize) -> Vec<T> {
    let mut unique: Vec<T> = Vec::new();
    for id in ids {
        // What is not one of so few rules is refused later anyway.
        if !unique.contains(id) && unique.len() <= most {
            unique.push(*id);
        }
    }
    unique
}
