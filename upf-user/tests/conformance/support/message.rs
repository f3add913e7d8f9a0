//! Messages of control planes, and what is read of our answers.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::ie::{Ie, Ies};
use super::types::*;

/// The SEID of a header.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seid {
    /// None: a message of nodes.
    Absent,
    /// That of the row's n-th session, counted from 0.
    Session(usize),
    Value(u64),
}

/// A message under construction.
#[derive(Clone, Debug)]
pub(crate) struct Msg {
    pub(crate) kind: u8,
    pub(crate) seid: Seid,
    /// `None` for the next one.
    pub(crate) sequence: Option<u32>,
    pub(crate) version: u8,
    pub(crate) priority: Option<u8>,
    pub(crate) ies: Ies,
    /// Octets behind what Message Length covers.
    pub(crate) tail: Vec<u8>,
    /// Added to Message Length.
    pub(crate) length_error: i32,
}

impl Msg {
    pub(crate) fn new<const N: usize>(kind: u8, seid: Seid, ies: [Ie; N]) -> Self {
        Self {
            kind,
            seid,
            sequence: None,
            version: 1,
            priority: None,
            ies: Ies(ies.to_vec()),
            tail: Vec::new(),
            length_error: 0,
        }
    }

    pub(crate) fn of_session(mut self, n: usize) -> Self {
        self.seid = Seid::Session(n);
        self
    }

    pub(crate) fn of_seid(mut self, seid: u64) -> Self {
        self.seid = Seid::Value(seid);
        self
    }

    pub(crate) fn numbered(mut self, sequence: u32) -> Self {
        self.sequence = Some(sequence);
        self
    }

    pub(crate) fn with(mut self, ie: Ie) -> Self {
        self.ies.add(ie);
        self
    }

    pub(crate) fn set(mut self, ie: Ie) -> Self {
        self.ies.set(ie);
        self
    }

    pub(crate) fn without(mut self, kind: u16) -> Self {
        self.ies.without(kind);
        self
    }

    /// Changes the n-th group of a type.
    pub(crate) fn group(
        mut self,
        kind: u16,
        n: usize,
        change: impl FnOnce(&mut Ies) -> &mut Ies,
    ) -> Self {
        change(self.ies.group(kind, n));
        self
    }

    pub(crate) fn pdr(self, n: usize, change: impl FnOnce(&mut Ies) -> &mut Ies) -> Self {
        self.group(CREATE_PDR, n, change)
    }

    pub(crate) fn pdi(mut self, n: usize, change: impl FnOnce(&mut Ies) -> &mut Ies) -> Self {
        change(self.ies.group(CREATE_PDR, n).group(PDI, 1));
        self
    }

    pub(crate) fn far(self, n: usize, change: impl FnOnce(&mut Ies) -> &mut Ies) -> Self {
        self.group(CREATE_FAR, n, change)
    }

    pub(crate) fn forwarding(
        mut self,
        n: usize,
        change: impl FnOnce(&mut Ies) -> &mut Ies,
    ) -> Self {
        change(self.ies.group(CREATE_FAR, n).group(FORWARDING, 1));
        self
    }

    pub(crate) fn qer(self, n: usize, change: impl FnOnce(&mut Ies) -> &mut Ies) -> Self {
        self.group(CREATE_QER, n, change)
    }

    /// The octets, with a SEID and a sequence number.
    pub(crate) fn octets(&self, seid: Option<u64>, sequence: u32, is_followed: bool) -> Vec<u8> {
        let body = self.ies.octets();
        let mut counted = Vec::new();
        counted.extend(seid.iter().flat_map(|seid| seid.to_be_bytes()));
        counted.extend_from_slice(&sequence.to_be_bytes()[1..]);
        counted.push(self.priority.unwrap_or_default() << 4);
        counted.extend_from_slice(&body);
        let length = (counted.len() as i32 + self.length_error) as u16;
        let flags = self.version << 5
            | u8::from(is_followed) << 2
            | u8::from(self.priority.is_some()) << 1
            | u8::from(seid.is_some());
        let mut out = vec![flags, self.kind];
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&counted);
        out.extend_from_slice(&self.tail);
        out
    }
}

/// A message of ours, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) kind: u8,
    pub(crate) seid: Option<u64>,
    pub(crate) sequence: u32,
    pub(crate) priority: Option<u8>,
    pub(crate) ies: Vec<(u16, Vec<u8>)>,
}

/// IEs in a row; panics where they are no such.
pub(crate) fn split(mut octets: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut ies = Vec::new();
    while !octets.is_empty() {
        let (kind, length) = (be(&octets[..2]) as u16, be(&octets[2..4]) as usize);
        ies.push((kind, octets[4..4 + length].to_vec()));
        octets = &octets[4 + length..];
    }
    ies
}

pub(crate) fn be(octets: &[u8]) -> u64 {
    octets
        .iter()
        .fold(0, |value, octet| value << 8 | u64::from(*octet))
}

pub(crate) fn find(ies: &[(u16, Vec<u8>)], kind: u16) -> Option<&[u8]> {
    let found = ies.iter().find(|(found, _)| *found == kind);
    found.map(|(_, value)| value.as_slice())
}

/// What we allocated for a PDR or a traffic endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allocated {
    pub(crate) teid: Option<u32>,
    pub(crate) tunnel_v4: Option<Ipv4Addr>,
    pub(crate) tunnel_v6: Option<Ipv6Addr>,
    pub(crate) ue_v4: Option<Ipv4Addr>,
    pub(crate) ue_v6: Option<Ipv6Addr>,
}

impl Got {
    pub(crate) fn read(octets: &[u8]) -> Self {
        assert_eq!(octets[0] >> 5, 1, "the version of an answer");
        assert_eq!(
            be(&octets[2..4]) as usize,
            octets.len() - 4,
            "Message Length of an answer"
        );
        let has_seid = octets[0] & 1 != 0;
        let rest = if has_seid { 12 } else { 4 };
        Self {
            kind: octets[1],
            seid: has_seid.then(|| be(&octets[4..12])),
            sequence: be(&octets[rest..rest + 3]) as u32,
            priority: (octets[0] & 2 != 0).then(|| octets[rest + 3] >> 4),
            ies: split(&octets[rest + 4..]),
        }
    }

    pub(crate) fn find(&self, kind: u16) -> Option<&[u8]> {
        find(&self.ies, kind)
    }

    pub(crate) fn number(&self, kind: u16) -> Option<u64> {
        self.find(kind).map(be)
    }

    pub(crate) fn cause(&self) -> Option<u8> {
        self.number(CAUSE).map(|cause| cause as u8)
    }

    /// Kind and ID of the rule that failed.
    pub(crate) fn failed_rule(&self) -> Option<(u8, u32)> {
        let value = self.find(FAILED_RULE_ID)?;
        Some((value[0], be(&value[1..]) as u32))
    }

    /// The groups of a type, by the ID in them.
    pub(crate) fn allocated(&self, group: u16, id: u16) -> BTreeMap<u16, Allocated> {
        let groups = self.ies.iter().filter(|(kind, _)| *kind == group);
        let read = |(_, value): &(u16, Vec<u8>)| {
            let ies = split(value);
            let id = find(&ies, id).expect("the ID of a Created rule");
            (be(id) as u16, Allocated::read(&ies))
        };
        groups.map(read).collect()
    }
}

impl Allocated {
    fn read(ies: &[(u16, Vec<u8>)]) -> Self {
        let mut allocated = Self::default();
        if let Some(value) = find(ies, F_TEID) {
            assert_eq!(value[0] & 0x0c, 0, "an answer does not choose");
            allocated.teid = Some(be(&value[1..5]) as u32);
            let (v4, v6) = addresses(value[0] & 1 != 0, value[0] & 2 != 0, &value[5..]);
            (allocated.tunnel_v4, allocated.tunnel_v6) = (v4, v6);
        }
        if let Some(value) = find(ies, UE_IP_ADDRESS) {
            let (v4, v6) = addresses(value[0] & 2 != 0, value[0] & 1 != 0, &value[1..]);
            (allocated.ue_v4, allocated.ue_v6) = (v4, v6);
        }
        allocated
    }
}

fn addresses(has_v4: bool, has_v6: bool, octets: &[u8]) -> (Option<Ipv4Addr>, Option<Ipv6Addr>) {
    let v4 = has_v4.then(|| Ipv4Addr::from(be(&octets[..4]) as u32));
    let rest = if has_v4 { &octets[4..] } else { octets };
    let v6 = has_v6.then(|| {
        let octets: [u8; 16] = rest[..16].try_into().expect("16 octets");
        octets.into()
    });
    (v4, v6)
}
