//! Information elements, written by hand: nothing here knows the codec that is tested, so that what is malformed can be
//! said as well as what is not.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::types::*;

/// An IE as the sender of a message means it.
#[derive(Clone, Debug)]
pub(crate) enum Ie {
    Leaf(u16, Vec<u8>),
    Group(u16, Ies),
    /// Octets as they are, whatever they say.
    Raw(Vec<u8>),
}

/// IEs in a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ies(pub(crate) Vec<Ie>);

impl Ie {
    fn kind(&self) -> Option<u16> {
        match self {
            Self::Leaf(kind, _) | Self::Group(kind, _) => Some(*kind),
            Self::Raw(_) => None,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (kind, value) = match self {
            Self::Leaf(kind, value) => (kind, value.clone()),
            Self::Group(kind, ies) => (kind, ies.octets()),
            Self::Raw(octets) => return out.extend_from_slice(octets),
        };
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(&value);
    }
}

impl Ies {
    pub(crate) fn octets(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for ie in &self.0 {
            ie.write(&mut out);
        }
        out
    }

    /// Puts an IE in the place of the first one of its type, else behind the others.
    pub(crate) fn set(&mut self, ie: Ie) -> &mut Self {
        match self.0.iter_mut().find(|old| old.kind() == ie.kind()) {
            Some(old) => *old = ie,
            None => self.0.push(ie),
        }
        self
    }

    pub(crate) fn add(&mut self, ie: Ie) -> &mut Self {
        self.0.push(ie);
        self
    }

    /// Puts an IE before all others.
    pub(crate) fn first(&mut self, ie: Ie) -> &mut Self {
        self.0.insert(0, ie);
        self
    }

    pub(crate) fn without(&mut self, kind: u16) -> &mut Self {
        self.0.retain(|ie| ie.kind() != Some(kind));
        self
    }

    /// The IEs of the n-th group of a type, counted from 1.
    pub(crate) fn group(&mut self, kind: u16, n: usize) -> &mut Self {
        let mut groups = self.0.iter_mut().filter_map(|ie| match ie {
            Ie::Group(found, ies) if *found == kind => Some(ies),
            _ => None,
        });
        groups.nth(n - 1).expect("the request has such a group")
    }

    /// The first value of a type.
    pub(crate) fn value(&self, kind: u16) -> Option<&[u8]> {
        self.0.iter().find_map(|ie| match ie {
            Ie::Leaf(found, value) if *found == kind => Some(value.as_slice()),
            _ => None,
        })
    }
}

pub(crate) fn leaf(kind: u16, value: impl AsRef<[u8]>) -> Ie {
    Ie::Leaf(kind, value.as_ref().to_vec())
}

pub(crate) fn group<const N: usize>(kind: u16, ies: [Ie; N]) -> Ie {
    Ie::Group(kind, Ies(ies.to_vec()))
}

/// An IE whose length says something else than there is.
pub(crate) fn lying(kind: u16, length: u16, value: &[u8]) -> Ie {
    let mut octets = kind.to_be_bytes().to_vec();
    octets.extend_from_slice(&length.to_be_bytes());
    octets.extend_from_slice(value);
    Ie::Raw(octets)
}

pub(crate) fn u8(kind: u16, value: u8) -> Ie {
    leaf(kind, [value])
}

pub(crate) fn u16(kind: u16, value: u16) -> Ie {
    leaf(kind, value.to_be_bytes())
}

pub(crate) fn u32(kind: u16, value: u32) -> Ie {
    leaf(kind, value.to_be_bytes())
}

pub(crate) fn text(kind: u16, value: &str) -> Ie {
    leaf(kind, value)
}

/// A name as DNS labels.
pub(crate) fn labels(kind: u16, name: &str) -> Ie {
    let labels = name
        .split('.')
        .flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    leaf(kind, labels.collect::<Vec<_>>())
}

pub(crate) fn node_id(address: [u8; 4]) -> Ie {
    leaf(NODE_ID, [&[0][..], &address].concat())
}

pub(crate) fn fqdn(name: &str) -> Ie {
    let Ie::Leaf(kind, labels) = labels(NODE_ID, name) else {
        unreachable!("labels are a leaf");
    };
    leaf(kind, [&[2][..], &labels].concat())
}

pub(crate) fn recovery(stamp: u32) -> Ie {
    u32(RECOVERY_TIME_STAMP, stamp)
}

pub(crate) fn f_seid(seid: u64, address: [u8; 4]) -> Ie {
    leaf(F_SEID, [&[2][..], &seid.to_be_bytes(), &address].concat())
}

pub(crate) fn cause(cause: u8) -> Ie {
    u8(CAUSE, cause)
}

pub(crate) fn pdr_id(id: u16) -> Ie {
    u16(PDR_ID, id)
}

pub(crate) fn far_id(id: u32) -> Ie {
    u32(FAR_ID, id)
}

pub(crate) fn qer_id(id: u32) -> Ie {
    u32(QER_ID, id)
}

pub(crate) fn urr_id(id: u32) -> Ie {
    u32(URR_ID, id)
}

pub(crate) fn bar_id(id: u8) -> Ie {
    u8(BAR_ID, id)
}

pub(crate) fn endpoint_id(id: u8) -> Ie {
    u8(TRAFFIC_ENDPOINT_ID, id)
}

pub(crate) fn precedence(value: u32) -> Ie {
    u32(PRECEDENCE, value)
}

pub(crate) fn action(bits: u8) -> Ie {
    u8(APPLY_ACTION, bits)
}

pub(crate) fn source(interface: u8) -> Ie {
    u8(SOURCE_INTERFACE, interface)
}

pub(crate) fn destination(interface: u8) -> Ie {
    u8(DESTINATION_INTERFACE, interface)
}

pub(crate) fn network(name: &str) -> Ie {
    labels(NETWORK_INSTANCE, name)
}

/// CHOOSE, for both families.
pub(crate) fn choose() -> Ie {
    leaf(F_TEID, [0x07])
}

/// CHOOSE with a CHOOSE ID.
pub(crate) fn choose_as(id: u8) -> Ie {
    leaf(F_TEID, [0x0f, id])
}

pub(crate) fn f_teid(teid: u32, address: [u8; 4]) -> Ie {
    leaf(F_TEID, [&[1][..], &teid.to_be_bytes(), &address].concat())
}

/// UE IP Address, S/D = destination.
pub(crate) fn ue(address: &str) -> Ie {
    match (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>()) {
        (Ok(v4), _) => leaf(UE_IP_ADDRESS, [&[0x06][..], &v4.octets()].concat()),
        (_, Ok(v6)) => leaf(UE_IP_ADDRESS, [&[0x05][..], &v6.octets()].concat()),
        _ => panic!("{address} is no address"),
    }
}

pub(crate) fn ue_both(v4: [u8; 4], v6: &str) -> Ie {
    let v6: Ipv6Addr = v6.parse().expect("an IPv6 address");
    leaf(UE_IP_ADDRESS, [&[0x07][..], &v4, &v6.octets()].concat())
}

/// UE IP Address with CHV4 (0x10), CHV6 (0x20) or both.
pub(crate) fn ue_choose(flags: u8) -> Ie {
    leaf(UE_IP_ADDRESS, [flags])
}

/// SDF Filter with a flow description.
pub(crate) fn sdf(flow: &str) -> Ie {
    let length = (flow.len() as u16).to_be_bytes();
    leaf(
        SDF_FILTER,
        [&[0x01, 0][..], &length, flow.as_bytes()].concat(),
    )
}

/// SDF Filter with a flow description and SDF Filter ID.
pub(crate) fn sdf_with_id(flow: &str, id: u32) -> Ie {
    let length = (flow.len() as u16).to_be_bytes();
    leaf(
        SDF_FILTER,
        [&[0x11, 0][..], &length, flow.as_bytes(), &id.to_be_bytes()].concat(),
    )
}

/// Outer Header Creation, GTP-U/UDP/IPv4.
pub(crate) fn gtpu(teid: u32, address: [u8; 4]) -> Ie {
    leaf(
        OUTER_HEADER_CREATION,
        [&[1, 0][..], &teid.to_be_bytes(), &address].concat(),
    )
}

/// Outer Header Creation with both families.
pub(crate) fn gtpu_both(teid: u32, v4: [u8; 4], v6: &str) -> Ie {
    let v6: Ipv6Addr = v6.parse().expect("an IPv6 address");
    leaf(
        OUTER_HEADER_CREATION,
        [&[3, 0][..], &teid.to_be_bytes(), &v4, &v6.octets()].concat(),
    )
}

/// Outer Header Creation, GTP-U/UDP/IPv6.
pub(crate) fn gtpu_v6(teid: u32, v6: &str) -> Ie {
    let v6: Ipv6Addr = v6.parse().expect("an IPv6 address");
    leaf(
        OUTER_HEADER_CREATION,
        [&[2, 0][..], &teid.to_be_bytes(), &v6.octets()].concat(),
    )
}

/// MBR or GBR, kbit/s.
pub(crate) fn rates(kind: u16, uplink: u64, downlink: u64) -> Ie {
    let both = [uplink, downlink];
    leaf(
        kind,
        both.iter()
            .flat_map(|rate| rate.to_be_bytes()[3..].to_vec())
            .collect::<Vec<_>>(),
    )
}

/// FQ-CSID of a node with an IPv4 address.
pub(crate) fn fq_csid(node: [u8; 4], csids: &[u16]) -> Ie {
    let csids_octets = csids.iter().flat_map(|csid| csid.to_be_bytes());
    let mut value = vec![csids.len() as u8];
    value.extend_from_slice(&node);
    value.extend(csids_octets);
    leaf(FQ_CSID, value)
}

/// Redirect Information with a URL of so many octets.
pub(crate) fn redirect_to_url(octets: u16) -> Ie {
    let url = vec![b'u'; octets.into()];
    let value = [&[2][..], &octets.to_be_bytes(), &url].concat();
    leaf(REDIRECT_INFORMATION, value)
}

/// PFDs of an application: one PFD Contents with a flow description each.
pub(crate) fn pfds(application: &str, flows: &[&str]) -> Ie {
    let mut ies = Ies(vec![text(APPLICATION_ID, application)]);
    for flow in flows {
        let length = (flow.len() as u16).to_be_bytes();
        let value = [&[0x01, 0][..], &length, flow.as_bytes()].concat();
        ies.add(group(PFD_CONTEXT, [leaf(PFD_CONTENTS, value)]));
    }
    Ie::Group(APPLICATION_IDS_PFDS, ies)
}
