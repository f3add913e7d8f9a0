//! Flow descriptions: the IPFilterRule of RFC 6733 clause 4.3.1, as TS 29.212 clause 5.4.2 narrows it.
//!
//! `permit out PROTOCOL from ADDRESS [PORTS] to ADDRESS [PORTS]`, written for packets to the UE: *from* is the
//! remote side, *to* the UE. TS 29.212 knows "out" only; some control planes write `permit in` for the uplink, which
//! by RFC 6733 is for packets from the UE, so its sides are the other way round. Neither `deny`, nor options, nor
//! inverted addresses ("!") are allowed by TS 29.212.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use upf_common::abi::MatchPorts;

/// Most ports and ranges of ports of one side.
const MAX_PORT_RANGES: usize = 64;

/// A flow description that was understood. It is kept as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct FlowDescription {
    /// `None` for every protocol.
    pub(super) protocol: Option<u8>,
    pub(super) remote: Side,
    pub(super) local: Side,
}

/// One end of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) host: Host,
    /// One of them has to match; at least one.
    pub(super) ports: Vec<MatchPorts>,
}

/// Addresses of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Any,
    /// The UE's address.
    Assigned,
    Net(IpNet),
}

/// Whether a flow description can be read.
#[must_use]
pub fn is_readable(text: &str) -> bool {
    parse(text).is_some()
}

/// Reads a flow description; `None` if it is unreadable or says something that is not allowed.
pub(super) fn parse(text: &str) -> Option<FlowDescription> {
    let mut words = text.split_ascii_whitespace().peekable();
    let expect = |expected: &str, words: &mut Words<'_>| {
        words
            .next()
            .filter(|w| w.eq_ignore_ascii_case(expected))
            .map(|_| ())
    };
    expect("permit", &mut words)?;
    let direction = words.next()?;
    let protocol = protocol(words.next()?)?;
    expect("from", &mut words)?;
    let from = side(&mut words)?;
    expect("to", &mut words)?;
    let to = side(&mut words)?;
    let (remote, local) = match direction.to_ascii_lowercase().as_str() {
        "out" => (from, to),
        "in" => (to, from),
        _ => return None,
    };
    words.next().is_none().then_some(FlowDescription {
        protocol,
        remote,
        local,
    })
}

impl From<FlowDescription> for String {
    fn from(description: FlowDescription) -> Self {
        description.to_string()
    }
}

impl TryFrom<String> for FlowDescription {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).ok_or("no flow description")
    }
}

impl fmt::Display for FlowDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permit out ")?;
        match self.protocol {
            Some(number) => write!(f, "{number}")?,
            None => write!(f, "ip")?,
        }
        write!(f, " from {} to {}", self.remote, self.local)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Any => write!(f, "any")?,
            Host::Assigned => write!(f, "assigned")?,
            Host::Net(net) => write!(f, "{net}")?,
        }
        if self.ports == [MatchPorts::ANY] {
            return Ok(());
        }
        for (n, ports) in self.ports.iter().enumerate() {
            let before = if n == 0 { ' ' } else { ',' };
            match ports {
                MatchPorts { first, last } if first == last => write!(f, "{before}{first}")?,
                MatchPorts { first, last } => write!(f, "{before}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitAsciiWhitespace<'a>>;

/// The outer `None` is an error, the inner one means every protocol.
fn protocol(word: &str) -> Option<Option<u8>> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ip" => None,
        "icmp" => Some(1),
        "tcp" => Some(6),
        "udp" => Some(17),
        "icmpv6" | "ipv6-icmp" => Some(58),
        "sctp" => Some(132),
        number => Some(decimal(number)?),
    })
}

fn side(words: &mut Words<'_>) -> Option<Side> {
    let host = host(words.next()?)?;
    let is_port = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let ports = match words.next_if(is_port) {
        Some(word) => ports(word)?,
        None => vec![MatchPorts::ANY],
    };
    Some(Side { host, ports })
}

fn host(word: &str) -> Option<Host> {
    if word.eq_ignore_ascii_case("any") {
        return Some(Host::Any);
    }
    if word.eq_ignore_ascii_case("assigned") {
        return Some(Host::Assigned);
    }
    let net = match word.split_once('/') {
        Some((address, length)) => IpNet::new(address.parse().ok()?, decimal(length)?).ok()?,
        None => IpNet::from(word.parse::<IpAddr>().ok()?),
    };
    Some(if net.prefix_len() == 0 && net.network().is_ipv6() {
        // The records cannot tell IPv6 from both; such a filter says "any" in practice.
        Host::Any
    } else {
        Host::Net(net.trunc())
    })
}

/// A list of ports and ranges, not longer than [`MAX_PORT_RANGES`].
fn ports(word: &str) -> Option<Vec<MatchPorts>> {
    let mut ports = Vec::new();
    for part in word.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (decimal(first)?, decimal(last)?);
        if first > last || ports.len() >= MAX_PORT_RANGES {
            return None;
        }
        ports.push(MatchPorts { first, last });
    }
    Some(ports)
}

/// Digits only: `parse` alone would take a sign.
fn decimal<N: std::str::FromStr>(word: &str) -> Option<N> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ports_of(ranges: &[(u16, u16)]) -> Vec<MatchPorts> {
        let range = |&(first, last)| MatchPorts { first, last };
        ranges.iter().map(range).collect()
    }

    fn net(text: &str) -> Host {
        Host::Net(text.parse().unwrap())
    }

    #[test]
    fn descriptions_are_read() {
        let any = ports_of(&[(0, 65535)]);
        let cases = [
            (
                "permit out ip from any to assigned",
                None,
                Host::Any,
                any.clone(),
                Host::Assigned,
                any.clone(),
            ),
            (
                "permit out 58 from ff02::2/128 to assigned",
                Some(58),
                net("ff02::2/128"),
                any.clone(),
                Host::Assigned,
                any.clone(),
            ),
            (
                "permit out 17 from 192.0.2.0/24 5060,6000-6010 to 10.45.0.2 7000",
                Some(17),
                net("192.0.2.0/24"),
                ports_of(&[(5060, 5060), (6000, 6010)]),
                net("10.45.0.2/32"),
                ports_of(&[(7000, 7000)]),
            ),
            (
                "PERMIT  OUT tcp from 192.0.2.77/24 to any 80",
                Some(6),
                net("192.0.2.0/24"),
                any.clone(),
                Host::Any,
                ports_of(&[(80, 80)]),
            ),
            (
                "permit in udp from assigned 7000 to 192.0.2.1 53",
                Some(17),
                net("192.0.2.1/32"),
                ports_of(&[(53, 53)]),
                Host::Assigned,
                ports_of(&[(7000, 7000)]),
            ),
            (
                "permit out icmp from any 4-5 to ::1234:5678/2 2",
                Some(1),
                Host::Any,
                ports_of(&[(4, 5)]),
                net("::/2"),
                ports_of(&[(2, 2)]),
            ),
            (
                "permit out ip from FF02::/16 to assigned",
                None,
                net("ff02::/16"),
                any.clone(),
                Host::Assigned,
                any.clone(),
            ),
            (
                "permit out ip from ::/0 to 0.0.0.0/0",
                None,
                Host::Any,
                any.clone(),
                net("0.0.0.0/0"),
                any,
            ),
        ];
        for (text, protocol, remote, remote_ports, local, local_ports) in cases {
            let flow = parse(text).expect(text);
            assert_eq!(parse(&flow.to_string()), Some(flow.clone()), "{flow}");
            assert_eq!(flow.protocol, protocol, "{text}");
            assert_eq!(
                (flow.remote.host, flow.remote.ports),
                (remote, remote_ports),
                "{text}"
            );
            assert_eq!(
                (flow.local.host, flow.local.ports),
                (local, local_ports),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "permit",
            "deny out ip from any to assigned",
            "permit by ip from any to assigned",
            "permit out ip from any",
            "permit out 256 from any to any",
            "permit out +6 from any to any",
            "permit out ip from !192.0.2.1 to any",
            "permit out ip from 192.0.2.1/33 to any",
            "permit out ip from 192.0.2.1/ to any",
            "permit out ip from 192.0.2 to any",
            "permit out 6 from any 90-80 to any",
            "permit out 6 from any 80, to any",
            "permit out 6 from any 65536 to any",
            "permit out ip from 10.62.0.1:20 to 8.8.8.8/32",
            "permit out ip to 10.62.0.1 from 8.8.8.8/32",
            "permit out ip from 10.62.0.1 to 8.8.8.8 /32",
            "permit out ip from 10.62.0.1/2-3 to 8.8.8.8",
            "permit out ssl from 10.62.0.1 to 8.8.8.8/32",
            "permit out icmp from any/23 to ::1234:5678/2 2",
            "permit out icmp from any 4-5 to :::1234:5678/2 2",
            "permit out udp from ::1 8080-8081 to ::2/30 option 2",
            "permit out icmp ? from any to any",
            "permit out 6 from any to any setup",
            "permit out 1 from any to any icmptypes 8",
            "permit out 6 from any to any established",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn port_lists_are_bounded() {
        let text = |count| {
            let ports: Vec<_> = (1..=count).map(|port| port.to_string()).collect();
            format!("permit out 6 from any {} to any", ports.join(","))
        };
        assert!(parse(&text(MAX_PORT_RANGES)).is_some());
        assert_eq!(parse(&text(MAX_PORT_RANGES + 1)), None);
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(
            words in proptest::collection::vec("permit|out|from|to|any|assigned|[0-9./:,-]{0,12}|.", 0..16)
        ) {
            parse(&words.join(" "));
        }
    }
}
