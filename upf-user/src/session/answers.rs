//! What was allocated for a request, and whether what it names is free.

use ipnet::IpNet;

use super::compile::Compiler;
use super::model::{Families, LocalTunnel, Model, UeIp, Way};
use super::refusal::refuse;
use super::request::{Left, Requested};
use crate::datapath::slots::{Seating, SlotTable, TunnelKey, UeEndpoint, Wanted};
use crate::pfcp::ie::{Cause, FTeid, FailedRule, UeIpAddress, kind};
use crate::pfcp::message::{CreatedPdr, CreatedTrafficEndpoint, Refusal};

/// TEIDs and UE addresses that the session would take must be nobody else's. `is_strange` says whether another control
/// plane has a session, by its SEID; `was_named` whether the session's packets left with an address before.
pub(super) fn check_free(
    books: &SlotTable,
    current: &Seating,
    wanted: &Wanted,
    requested: &Requested,
    is_strange: impl Fn(u64) -> bool,
    was_named: impl Fn(UeEndpoint) -> bool,
) -> Result<(), Refusal> {
    let cause = if requested.is_restoration {
        Cause::RestorationFailure
    } else {
        Cause::RuleCreationFailure
    };
    let model = &requested.model;
    let refuse_for = |ie, concerned: &dyn Fn(&Way) -> bool| {
        let mut pdrs = model.pdrs.iter();
        let pdr = pdrs.find(|pdr| model.ways_of(pdr).iter().any(concerned));
        let rule = pdr.map(|pdr| FailedRule::Pdr(pdr.id));
        Err(refuse(cause, ie, rule))
    };
    for tunnel in &wanted.tunnels {
        if let TunnelKey::Given(teid) = tunnel.key
            && current.tunnel(tunnel.key).is_none()
            && books.has_teid(teid)
        {
            let names_it = |way: &Way| way.tunnel.is_some_and(|own| own.key == tunnel.key);
            return refuse_for(kind::F_TEID, &names_it);
        }
    }
    // What we chose for it may now be given by its control plane as well.
    let is_chosen =
        |endpoint: UeEndpoint| current.allocated().contains(&endpoint) || model.chose(endpoint);
    for endpoint in &wanted.addresses {
        let has = current.addresses().any(|own| own == *endpoint);
        if !has && !is_chosen(*endpoint) && books.has_address(*endpoint) {
            let names_one = |way: &Way| way.tunnel.is_none() && way.ue.is_some();
            return refuse_for(kind::UE_IP_ADDRESS, &names_one);
        }
    }
    // Nobody is reached by these through this session, but nobody else's may pass for its UE's either.
    // The sessions of one control plane may share an address that it gave: one is the anchor, another one branches off.
    for endpoint in &wanted.named {
        let is_taken = || {
            let holder = books.holder_of_address(*endpoint);
            holder.is_some_and(&is_strange) && !was_named(*endpoint)
        };
        if !is_chosen(*endpoint) && (books.is_allocated(*endpoint) || is_taken()) {
            let names_one = |way: &Way| way.tunnel.is_some() && way.ue.is_some();
            return refuse_for(kind::UE_IP_ADDRESS, &names_one);
        }
    }
    Ok(())
}

/// Networks behind the UE must not overlap those behind another one.
pub(super) fn check_routes(
    books: &SlotTable,
    current: &Seating,
    wanted: &Wanted,
    compiler: &Compiler<'_>,
) -> Result<(), Refusal> {
    let Some(route) = books.overlapping_route(current, &wanted.framed_routes) else {
        return Ok(());
    };
    let ie = match route.net {
        IpNet::V4(_) => kind::FRAMED_ROUTE,
        IpNet::V6(_) => kind::FRAMED_IPV6_ROUTE,
    };
    let rule = FailedRule::Pdr(compiler.pdr_of_route(route));
    Err(refuse(Cause::RuleCreationFailure, ie, rule))
}

/// A Created PDR (or Updated PDR) for each PDR with something that was left to us.
pub(super) fn pdrs(left: &[Left<u16>], model: &Model, seating: &Seating) -> Vec<CreatedPdr> {
    let of_pdr = |left: &Left<u16>| {
        let way = &model.pdrs.get(left.id)?.way;
        Some(CreatedPdr {
            id: left.id,
            f_teid: f_teid(left.f_teid, way, seating),
            ue_ip_address: way.ue.and_then(|ue| ue_ip_address(left.ue, ue)),
        })
    };
    left.iter().filter_map(of_pdr).collect()
}

/// A Created Traffic Endpoint for each one with something that was left to us.
pub(super) fn endpoints(
    left: &[Left<u8>],
    model: &Model,
    seating: &Seating,
) -> Vec<CreatedTrafficEndpoint> {
    let of_endpoint = |left: &Left<u8>| {
        let way = &model.endpoints.get(left.id)?.way;
        Some(CreatedTrafficEndpoint {
            id: left.id,
            f_teid: f_teid(left.f_teid, way, seating),
            ue_ip_address: way.ue.and_then(|ue| ue_ip_address(left.ue, ue)),
        })
    };
    left.iter().filter_map(of_endpoint).collect()
}

fn f_teid(is_left: bool, way: &Way, seating: &Seating) -> Option<FTeid> {
    let LocalTunnel { key, ipv4, ipv6 } = way.tunnel.filter(|_| is_left)?;
    let teid = seating.tunnel(key)?.teid;
    Some(FTeid::Given { teid, ipv4, ipv6 })
}

/// Only what we allocated; the address is the destination of downlink packets.
fn ue_ip_address(left: Families, ue: UeIp) -> Option<UeIpAddress> {
    let v6 = ue.addresses.v6.filter(|_| left.v6);
    let address = UeIpAddress {
        ipv4: ue.addresses.v4.filter(|_| left.v4),
        ipv6: v6.map(|upper| {
            let mut octets = [0; 16];
            octets[..8].copy_from_slice(&upper);
            octets.into()
        }),
        ..UeIpAddress::default()
    };
    (!left.is_empty()).then_some(address)
}
